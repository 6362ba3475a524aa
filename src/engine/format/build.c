/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/format/build.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
pe_build_refuse (struct pe_build *b, enum pe_code code, const char *format, ...)
{
  if (b->failed)
    return;
  b->failed = true;
  char message[400];
  va_list args;
  va_start (args, format);
  vsnprintf (message, sizeof message, format, args);
  va_end (args);
  pe_fail (b->error, code, "%s", message);
}

static void
no_memory (struct pe_build *b)
{
  pe_build_refuse (b, PE_ERROR_MEMORY, "not enough memory for the model's program");
}

/* ---- values ---- */

uint16_t
pe_value (struct pe_build *b, const char *name, uint32_t width)
{
  struct pe_program *p = b->program;
  for (size_t i = 0; i < p->n_values; i++)
    if (strcmp (p->values[i].name, name) == 0) {
      if (p->values[i].width < width)
        p->values[i].width = width;
      return (uint16_t) i;
    }
  if (p->n_values >= PE_NO_VALUE ||
      !pe_grow (&p->values, &b->values_capacity, p->n_values + 1, sizeof *p->values)) {
    no_memory (b);
    return 0;
  }
  char *copy = pe_arena_strndup (b->arena, name, strlen (name));
  if (!copy) {
    no_memory (b);
    return 0;
  }
  p->values[p->n_values] = (struct pe_value){ .name = copy, .width = width };
  return (uint16_t) p->n_values++;
}

struct pe_view
pe_heads (uint16_t value, uint32_t offset, uint32_t count, uint32_t width, uint32_t stride)
{
  return (struct pe_view){ value, offset, count, width, stride };
}

struct pe_view
pe_whole (uint16_t value, uint32_t width)
{
  return pe_heads (value, 0, 1, width, width);
}

struct pe_view
pe_fresh (struct pe_build *b, const char *name, uint32_t width)
{
  return pe_whole (pe_value (b, name, width), width);
}

/* ---- tensors ---- */

static int32_t
tensor_index (struct pe_build *b, const char *name)
{
  size_t n;
  const struct pe_tensor *tensors = pe_model_tensors (b->model, &n);
  const struct pe_tensor *t = pe_model_find_tensor (b->model, name);
  return t ? (int32_t) (t - tensors) : PE_NO_TENSOR;
}

static void
use_tensor (struct pe_build *b, int32_t tensor)
{
  for (size_t i = 0; i < b->n_tensors; i++)
    if (b->tensors[i] == tensor)
      return;
  if (!pe_grow (&b->tensors, &b->tensors_capacity, b->n_tensors + 1, sizeof *b->tensors)) {
    no_memory (b);
    return;
  }
  b->tensors[b->n_tensors++] = tensor;
}

static void
layer_name (struct pe_build *b, const char *name, char *full, size_t size)
{
  snprintf (full, size, "blk.%u.%s", b->layer, name);
}

const struct pe_tensor *
pe_layer_tensor (struct pe_build *b, const char *name)
{
  char full[128];
  layer_name (b, name, full, sizeof full);
  return pe_model_find_tensor (b->model, full);
}

bool
pe_has (struct pe_build *b, const char *name)
{
  return pe_layer_tensor (b, name) != NULL;
}

bool
pe_has_global (struct pe_build *b, const char *name)
{
  return pe_model_find_tensor (b->model, name) != NULL;
}

struct pe_weight
pe_no_weight (void)
{
  return (struct pe_weight){ PE_NO_TENSOR, 0, 0 };
}

struct pe_weight
pe_rows (struct pe_weight w, uint64_t row, uint64_t n_rows)
{
  if (w.tensor == PE_NO_TENSOR)
    return w;
  return (struct pe_weight){ w.tensor, w.row + row, n_rows };
}

static bool
is_float_type (enum pe_type type)
{
  return type == PE_TYPE_F32 || type == PE_TYPE_F16 || type == PE_TYPE_BF16;
}

/* A matrix (n == 1) or a stack of `n` of them. */
static struct pe_weight
take (struct pe_build *b, const char *full, uint64_t n_in, uint64_t n_out, uint64_t n)
{
  if (b->failed)
    return pe_no_weight ();
  int32_t index = tensor_index (b, full);
  if (index == PE_NO_TENSOR) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "the file has no tensor %s, which its family needs", full);
    return pe_no_weight ();
  }
  const struct pe_tensor *t = &pe_model_tensors (b->model, NULL)[index];
  if (t->shape[0] != n_in || t->shape[1] != n_out || t->shape[2] != n || t->shape[3] != 1) {
    pe_build_refuse (b, PE_ERROR_FORMAT,
                     "tensor %s has the shape %llu x %llu x %llu, but %llu x %llu x %llu is needed",
                     full, (unsigned long long) t->shape[0], (unsigned long long) t->shape[1],
                     (unsigned long long) t->shape[2], (unsigned long long) n_in,
                     (unsigned long long) n_out, (unsigned long long) n);
    return pe_no_weight ();
  }
  if (!pe_type_info (t->type)->decode) {
    pe_build_refuse (b, PE_ERROR_UNSUPPORTED, "tensor %s is stored as %s, which no weights are",
                     full, pe_type_info (t->type)->name);
    return pe_no_weight ();
  }
  use_tensor (b, index);
  return (struct pe_weight){ index, 0, n_out * n };
}

static struct pe_weight
take_vector (struct pe_build *b, const char *full, uint64_t n)
{
  if (b->failed)
    return pe_no_weight ();
  int32_t index = tensor_index (b, full);
  if (index == PE_NO_TENSOR) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "the file has no tensor %s, which its family needs", full);
    return pe_no_weight ();
  }
  const struct pe_tensor *t = &pe_model_tensors (b->model, NULL)[index];
  if (t->n_elements != n || !is_float_type (t->type)) {
    pe_build_refuse (b, PE_ERROR_FORMAT,
                     "tensor %s has %llu elements of type %s, but %llu plain numbers are needed",
                     full, (unsigned long long) t->n_elements, pe_type_info (t->type)->name,
                     (unsigned long long) n);
    return pe_no_weight ();
  }
  use_tensor (b, index);
  return (struct pe_weight){ index, 0, n };
}

struct pe_weight
pe_matrix (struct pe_build *b, const char *name, uint64_t n_in, uint64_t n_out)
{
  return pe_stack (b, name, n_in, n_out, 1);
}

struct pe_weight
pe_stack (struct pe_build *b, const char *name, uint64_t n_in, uint64_t n_out, uint64_t n)
{
  char full[128];
  layer_name (b, name, full, sizeof full);
  return take (b, full, n_in, n_out, n);
}

struct pe_weight
pe_vector (struct pe_build *b, const char *name, uint64_t n)
{
  char full[128];
  layer_name (b, name, full, sizeof full);
  return take_vector (b, full, n);
}

struct pe_weight
pe_optional_vector (struct pe_build *b, const char *name, uint64_t n)
{
  return pe_has (b, name) ? pe_vector (b, name, n) : pe_no_weight ();
}

struct pe_weight
pe_global_vector (struct pe_build *b, const char *name, uint64_t n)
{
  return pe_has_global (b, name) ? take_vector (b, name, n) : pe_no_weight ();
}

struct pe_weight
pe_global_matrix (struct pe_build *b, const char *name, uint64_t n_in, uint64_t n_out)
{
  return take (b, name, n_in, n_out, 1);
}

struct pe_weight
pe_global_stack (struct pe_build *b, const char *name, uint64_t n_in, uint64_t n_out, uint64_t n)
{
  return take (b, name, n_in, n_out, n);
}

/* ---- operations ---- */

struct pe_op *
pe_emit (struct pe_build *b, enum pe_op_kind kind)
{
  static struct pe_op sink; /* written to after a failure, never read */
  if (b->failed || !pe_grow (&b->ops, &b->ops_capacity, b->n_ops + 1, sizeof *b->ops)) {
    if (!b->failed)
      no_memory (b);
    return &sink;
  }
  struct pe_op *op = &b->ops[b->n_ops++];
  memset (op, 0, sizeof *op);
  op->kind = kind;
  op->out.value = PE_NO_VALUE;
  for (int i = 0; i < 3; i++) {
    op->in[i].value = PE_NO_VALUE;
    op->w[i] = pe_no_weight ();
  }
  return op;
}

void
pe_emit_matmul (struct pe_build *b, struct pe_weight w, struct pe_weight bias, struct pe_view in,
                struct pe_view out)
{
  struct pe_op *op = pe_emit (b, PE_OP_MATMUL);
  op->in[0] = in;
  op->out = out;
  op->w[0] = w;
  op->w[1] = bias;
  op->matmul.scale = 1;
}

void
pe_emit_linear (struct pe_build *b, const char *name, struct pe_view in, struct pe_view out)
{
  char weight[96], bias[96], scale[96];
  snprintf (weight, sizeof weight, "%s.weight", name);
  snprintf (bias, sizeof bias, "%s.bias", name);
  snprintf (scale, sizeof scale, "%s.scale", name);
  uint32_t n_out = pe_view_elements (out);
  struct pe_weight w = pe_matrix (b, weight, pe_view_elements (in), n_out);
  struct pe_weight c = pe_optional_vector (b, bias, n_out);
  /* A vector of another length by that name belongs to somebody else (gemma4's router). */
  const struct pe_tensor *factor = pe_layer_tensor (b, scale);
  struct pe_weight s =
      factor && factor->n_elements == 1 ? pe_vector (b, scale, 1) : pe_no_weight ();
  pe_emit_matmul (b, w, c, in, out);
  if (!b->failed)
    b->ops[b->n_ops - 1].w[2] = s;
}

static void
emit_norm (struct pe_build *b, enum pe_norm_kind kind, struct pe_weight w, struct pe_weight bias,
           struct pe_view in, struct pe_view out)
{
  struct pe_op *op = pe_emit (b, PE_OP_NORM);
  op->in[0] = in;
  op->out = out;
  op->w[0] = w;
  op->w[1] = bias;
  op->norm.kind = kind;
  op->norm.eps = b->h->norm_eps;
}

void
pe_emit_norm (struct pe_build *b, const char *name, struct pe_view in, struct pe_view out)
{
  char weight[96], bias[96];
  snprintf (weight, sizeof weight, "%s.weight", name);
  snprintf (bias, sizeof bias, "%s.bias", name);
  uint32_t n = pe_view_elements (in);
  const struct pe_tensor *t = pe_layer_tensor (b, weight);
  if (t && t->n_elements == in.width)
    n = in.width;
  struct pe_weight w = pe_no_weight ();
  if (t || !(b->arch->flags & PE_ARCH_NORMS_WITHOUT_WEIGHTS))
    w = pe_vector (b, weight, n);
  emit_norm (b, b->arch->norm, w, pe_optional_vector (b, bias, n), in, out);
}

void
pe_emit_rms (struct pe_build *b, struct pe_weight w, struct pe_view in, struct pe_view out)
{
  emit_norm (b, PE_NORM_RMS, w, pe_no_weight (), in, out);
}

void
pe_emit_add (struct pe_build *b, float a, struct pe_view x, float c, struct pe_view y,
             struct pe_view out)
{
  struct pe_op *op = pe_emit (b, PE_OP_ADD);
  op->in[0] = x;
  op->in[1] = y;
  op->out = out;
  op->unary.a = a;
  op->unary.b = c;
}

void
pe_emit_unary (struct pe_build *b, enum pe_unary f, float p, float q, struct pe_view in,
               struct pe_view out)
{
  struct pe_op *op = pe_emit (b, PE_OP_UNARY);
  op->in[0] = in;
  op->out = out;
  op->unary.f = f;
  op->unary.a = p;
  op->unary.b = q;
}

void
pe_emit_mul (struct pe_build *b, enum pe_unary f, struct pe_view x, struct pe_view y,
             struct pe_view out)
{
  struct pe_op *op = pe_emit (b, PE_OP_MUL);
  op->in[0] = x;
  op->in[1] = y;
  op->out = out;
  op->unary.f = f;
}

void
pe_emit_glu (struct pe_build *b, struct pe_view gate, struct pe_view up, struct pe_view out)
{
  struct pe_op *op = pe_emit (b, PE_OP_GLU);
  op->in[0] = gate;
  op->in[1] = up;
  op->out = out;
  op->unary.f = b->arch->activation;
  op->unary.a = b->arch->mul_up_limit;
}

/* ---- stages ---- */

static void
end_stage (struct pe_build *b, struct pe_stage *stage, const int32_t **tensors, size_t *n_tensors)
{
  struct pe_op *ops = pe_arena_array (b->arena, b->n_ops, sizeof *ops);
  int32_t *list = pe_arena_array (b->arena, b->n_tensors, sizeof *list);
  if (!ops || !list) {
    no_memory (b);
    return;
  }
  if (b->n_ops)
    memcpy (ops, b->ops, b->n_ops * sizeof *ops);
  if (b->n_tensors)
    memcpy (list, b->tensors, b->n_tensors * sizeof *list);
  *stage = (struct pe_stage){ ops, b->n_ops };
  *tensors = list;
  *n_tensors = b->n_tensors;
  b->n_ops = 0;
  b->n_tensors = 0;
}

static struct pe_view
hidden (struct pe_build *b)
{
  return pe_whole (b->program->hidden, b->h->n_embd);
}

static void
build_embed (struct pe_build *b)
{
  const struct pe_hparams *h = b->h;
  struct pe_view x = hidden (b);
  struct pe_op *op = pe_emit (b, PE_OP_EMBED);
  op->out = x;
  op->w[0] = pe_global_matrix (b, "token_embd.weight", h->n_embd, h->n_vocab);
  op->embed.scale = 1;
  if (b->arch->flags & PE_ARCH_EMBED_SQRT)
    op->embed.scale = sqrtf ((float) h->n_embd);
  else if (h->embedding_scale > 0 || h->embedding_scale < 0)
    op->embed.scale = h->embedding_scale;
  else if (b->arch->default_embedding_scale > 0)
    op->embed.scale = b->arch->default_embedding_scale;
  if (pe_has_global (b, "position_embd.weight"))
    op->w[1] = pe_global_matrix (b, "position_embd.weight", h->n_embd, h->n_ctx_train);
  if (b->arch->flags & PE_ARCH_EMBED_NORM)
    emit_norm (b, b->arch->norm, pe_global_vector (b, "token_embd_norm.weight", h->n_embd),
               pe_global_vector (b, "token_embd_norm.bias", h->n_embd), x, x);
  if (h->n_embd_per_layer || (b->arch->flags & PE_ARCH_GEMMA3N))
    pe_build_gemma_embed (b, x);
  end_stage (b, &b->program->embed, &b->program->embed_tensors, &b->program->n_embed_tensors);
}

static float
residual_scale (const struct pe_build *b)
{
  const struct pe_hparams *h = b->h;
  if (h->residual_scale > 0 || h->residual_scale < 0)
    return h->residual_scale;
  float depth = b->arch->default_depth_scale;
  return depth > 0 ? depth / sqrtf ((float) h->n_layers) : 1;
}

/* x = x + feed_forward (norm (x)), with a norm behind it where there is one. */
static void
build_ffn_branch (struct pe_build *b, struct pe_view x, float scale)
{
  struct pe_view f = pe_fresh (b, "ffn_out", b->h->n_embd), in = x;
  const char *norm =
      pe_has (b, "ffn_norm.weight") || (b->arch->flags & PE_ARCH_NORMS_WITHOUT_WEIGHTS) ? "ffn_norm"
      : b->arch->flags & PE_ARCH_POST_NORM_IS_PRE_FFN && pe_has (b, "post_attention_norm.weight")
          ? "post_attention_norm"
          : NULL;
  if (norm) {
    in = pe_fresh (b, "normed", b->h->n_embd);
    pe_emit_norm (b, norm, x, in);
  }
  pe_build_ffn (b, in, f);
  if (pe_has (b, "post_ffw_norm.weight"))
    pe_emit_norm (b, "post_ffw_norm", f, f);
  pe_emit_add (b, 1, x, scale, f, x);
}

/* x = x + attention (norm (x)); x = x + feed_forward (norm (x)), with the variations that the
 * presence of norms tells: norms behind a branch, one norm for both branches, none before. */
static void
build_plain_layer (struct pe_build *b)
{
  const struct pe_hparams *h = b->h;
  struct pe_view x = hidden (b);
  struct pe_view a = pe_fresh (b, "branch", h->n_embd);
  struct pe_view normed = pe_fresh (b, "normed", h->n_embd);
  float scale = residual_scale (b);
  bool weightless = b->arch->flags & PE_ARCH_NORMS_WITHOUT_WEIGHTS;
  bool has_attn_norm = pe_has (b, "attn_norm.weight") || weightless;
  bool has_ffn_norm = pe_has (b, "ffn_norm.weight") || weightless;
  bool has_post = pe_has (b, "post_attention_norm.weight");
  bool has_second = pe_has (b, "attn_norm_2.weight");
  bool post_is_pre_ffn = has_post && (b->arch->flags & PE_ARCH_POST_NORM_IS_PRE_FFN);
  bool has_ffn = pe_has (b, "ffn_up.weight") || pe_has (b, "ffn_gate_inp.weight");
  bool may_skip = b->arch->flags & PE_ARCH_SKIPPED_BRANCHES;
  bool parallel = has_attn_norm && !has_ffn_norm && !has_post;
  if (b->arch->flags & PE_ARCH_PARALLEL_BY_KEY)
    parallel = h->parallel_residual;

  if (may_skip && h->n_heads[b->layer] == 0) {
    if (h->n_ff[b->layer])
      build_ffn_branch (b, x, scale);
    return;
  }
  if (has_attn_norm)
    pe_emit_norm (b, "attn_norm", x, normed);
  struct pe_view attention_in = has_attn_norm ? normed : x;
  if (has_second) {
    attention_in = pe_fresh (b, "normed_2", h->n_embd);
    pe_emit_norm (b, "attn_norm_2", x, attention_in);
  }
  if (pe_build_has_mixer (b) && (b->arch->flags & PE_ARCH_MIXER_BESIDE_ATTENTION)) {
    struct pe_view m = pe_fresh (b, "mixer_out", h->n_embd);
    pe_build_mixer (b, attention_in, m);
    pe_build_attention (b, attention_in, a);
    pe_emit_add (b, 1, a, 1, m, a);
  } else if (pe_build_has_mixer (b))
    pe_build_mixer (b, attention_in, a);
  else if (may_skip && h->n_kv_heads[b->layer] == 0)
    pe_emit_linear (b, "attn_output", attention_in, a);
  else
    pe_build_attention (b, attention_in, a);
  if (has_post && !post_is_pre_ffn)
    pe_emit_norm (b, "post_attention_norm", a, a);
  if (!has_ffn && !pe_build_has_mixer (b) && (h->n_ff[b->layer] || h->n_experts)) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "layer %u has no feed-forward", b->layer);
    return;
  }
  if (!has_ffn) {
    pe_emit_add (b, 1, x, scale, a, x);
    return;
  }

  if (parallel) {
    struct pe_view f = pe_fresh (b, "ffn_out", h->n_embd);
    if (has_ffn_norm)
      pe_emit_norm (b, "ffn_norm", x, normed);
    pe_build_ffn (b, normed, f);
    pe_emit_add (b, 1, x, scale, a, x);
    pe_emit_add (b, 1, x, scale, f, x);
    return;
  }
  pe_emit_add (b, 1, x, scale, a, x);
  if (b->arch->flags & PE_ARCH_GEMMA4) {
    pe_build_gemma4_ffn (b, x);
    return;
  }
  build_ffn_branch (b, x, scale);
}

static void
build_layer (struct pe_build *b, uint32_t il)
{
  b->layer = il;
  if (b->arch->flags & PE_ARCH_GEMMA3N)
    pe_build_gemma3n_layer (b);
  else
    build_plain_layer (b);
  struct pe_layer *layer = &b->program->layers[il];
  end_stage (b, &layer->stage, &layer->tensors, &layer->n_tensors);
}

static void
build_output (struct pe_build *b)
{
  const struct pe_hparams *h = b->h;
  struct pe_view x = hidden (b);
  struct pe_view normed = pe_fresh (b, "normed", h->n_embd);
  if (b->arch->flags & PE_ARCH_GEMMA3N) {
    x = pe_fresh (b, "branch", h->n_embd);
    pe_build_gemma3n_output (b, x);
  }
  const char *norm =
      b->arch->flags & PE_ARCH_NORM_IS_TOKEN_EMBD && !pe_has_global (b, "output_norm.weight")
          ? "token_embd_norm"
          : "output_norm";
  char weight[64], bias[64];
  snprintf (weight, sizeof weight, "%s.weight", norm);
  snprintf (bias, sizeof bias, "%s.bias", norm);
  struct pe_weight w = pe_global_vector (b, weight, h->n_embd);
  if (w.tensor == PE_NO_TENSOR && !(b->arch->flags & PE_ARCH_NORMS_WITHOUT_WEIGHTS))
    pe_build_refuse (b, PE_ERROR_FORMAT, "the file has no tensor %s, which its family needs",
                     weight);
  emit_norm (b, b->arch->norm, w, pe_global_vector (b, bias, h->n_embd), x, normed);

  b->program->logits = pe_value (b, "logits", h->n_vocab);
  struct pe_view logits = pe_whole (b->program->logits, h->n_vocab);
  b->program->output_is_embedding = !pe_has_global (b, "output.weight");
  const char *matrix = b->program->output_is_embedding ? "token_embd.weight" : "output.weight";
  pe_emit_matmul (b, pe_global_matrix (b, matrix, h->n_embd, h->n_vocab),
                  pe_global_vector (b, "output.bias", h->n_vocab), normed, logits);
  float scale = 1;
  if (h->logit_scale > 0 || h->logit_scale < 0)
    scale = b->arch->flags & PE_ARCH_LOGIT_MUL ? h->logit_scale : 1 / h->logit_scale;
  else if (b->arch->default_logit_width > 0)
    scale = b->arch->default_logit_width / (float) h->n_embd;
  if (!b->failed)
    b->ops[b->n_ops - 1].matmul.scale = scale;
  if (h->final_softcap > 0)
    pe_emit_unary (b, PE_UNARY_SOFTCAP, h->final_softcap, 0, logits, logits);
  struct pe_layer *output = &b->program->output;
  end_stage (b, &output->stage, &output->tensors, &output->n_tensors);
}

bool
pe_build_program (const struct pe_model *model, const struct pe_arch *arch,
                  const struct pe_hparams *h, struct pe_arena *arena, struct pe_program **out,
                  struct pe_error *error)
{
  struct pe_build build = { .model = model, .arch = arch, .h = h, .arena = arena, .error = error };
  struct pe_build *b = &build;
  struct pe_program *p = pe_arena_alloc (arena, sizeof *p);
  struct pe_layer *layers = pe_arena_array (arena, h->n_layers, sizeof *layers);
  if (!p || !layers)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the model's program");
  p->layers = layers;
  p->n_layers = h->n_layers;
  b->program = p;
  p->hidden = pe_value (b, "hidden", h->n_embd);
  build_embed (b);
  for (uint32_t il = 0; il < h->n_layers && !b->failed; il++)
    build_layer (b, il);
  if (!b->failed)
    build_output (b);
  if (!b->failed)
    p->values[p->hidden].carry = true;
  pe_free (b->ops);
  pe_free (b->tensors);

  /* The list of values grew by reallocation; the program's own memory is the arena. */
  struct pe_value *values = pe_arena_array (arena, p->n_values, sizeof *values);
  if (values && p->n_values)
    memcpy (values, p->values, p->n_values * sizeof *values);
  else if (!b->failed)
    no_memory (b);
  pe_free (p->values);
  p->values = values;
  *out = p;
  return !b->failed;
}
