/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What only Gemma 3n and Gemma 4 have: per-layer embeddings, experts beside the dense
 * feed-forward, and Gemma 3n's four streams (AltUp) with a low-rank side path (Laurel).
 */
#include "engine/format/build.h"

#include <math.h>

#define N_STREAMS     4
#define SPARSE_LAYERS 10
#define SPARSE_WIDTH  1.6448536f /* of a normal distribution, 95 % lie below mean + this * sigma */

static struct pe_view
per_layer_inputs (struct pe_build *b)
{
  uint32_t p = b->h->n_embd_per_layer, n = b->h->n_layers;
  return pe_heads (pe_value (b, "per_layer", p * n), 0, n, p, p);
}

void
pe_build_gemma_embed (struct pe_build *b, struct pe_view x)
{
  const struct pe_hparams *h = b->h;
  uint32_t n_embd = h->n_embd, p = h->n_embd_per_layer, n = h->n_layers * p;
  if (p) {
    struct pe_view inputs = per_layer_inputs (b);
    struct pe_view flat = pe_whole (inputs.value, n), token = pe_fresh (b, "per_layer_token", n);
    b->program->values[inputs.value].carry = true;
    pe_emit_matmul (b, pe_global_matrix (b, "per_layer_model_proj.weight", n_embd, n),
                    pe_no_weight (), x, flat);
    pe_emit_unary (b, PE_UNARY_SCALE, 1 / sqrtf ((float) n_embd), 0, flat, flat);
    pe_emit_rms (b, pe_global_vector (b, "per_layer_proj_norm.weight", p), inputs, inputs);
    struct pe_op *op = pe_emit (b, PE_OP_EMBED);
    op->out = token;
    op->w[0] = pe_global_matrix (b, "per_layer_token_embd.weight", n, h->n_vocab);
    op->embed.scale = sqrtf ((float) p);
    pe_emit_add (b, sqrtf (0.5f), flat, sqrtf (0.5f), token, flat);
  }
  if (b->arch->flags & PE_ARCH_GEMMA3N) {
    uint16_t streams = pe_value (b, "hidden", N_STREAMS * n_embd);
    struct pe_view others = pe_heads (streams, n_embd, N_STREAMS - 1, n_embd, n_embd);
    struct pe_view same = pe_heads (streams, 0, N_STREAMS - 1, n_embd, 0);
    struct pe_op *op = pe_emit (b, PE_OP_MATMUL_HEADS);
    op->in[0] = same;
    op->out = others;
    op->w[0] = pe_global_stack (b, "altup_proj.weight", n_embd, n_embd, N_STREAMS - 1);
    op->matmul.scale = 1;
    op = pe_emit (b, PE_OP_MATCH_NORM);
    op->in[0] = others;
    op->in[1] = same;
    op->out = others;
  }
}

/* x + norm (project (gelu (gate x) * this layer's embedding)): the addend. */
void
pe_build_per_layer_embedding (struct pe_build *b, struct pe_view x, struct pe_view out)
{
  uint32_t p = b->h->n_embd_per_layer;
  struct pe_view inputs = per_layer_inputs (b);
  struct pe_view mine = pe_heads (inputs.value, b->layer * p, 1, p, p);
  struct pe_view gate = pe_fresh (b, "per_layer_gate", p);
  pe_emit_linear (b, "inp_gate", x, gate);
  pe_emit_glu (b, gate, mine, gate);
  pe_emit_linear (b, "proj", gate, out);
  pe_emit_norm (b, "post_norm", out, out);
}

void
pe_build_gemma4_ffn (struct pe_build *b, struct pe_view x)
{
  uint32_t n_embd = b->h->n_embd;
  struct pe_view normed = pe_fresh (b, "normed", n_embd), f = pe_fresh (b, "ffn_out", n_embd);
  pe_emit_norm (b, "ffn_norm", x, normed);
  pe_build_dense_ffn (b, "ffn_gate", "ffn_up", "ffn_down", normed, b->h->n_ff[b->layer], f);
  if (pe_has (b, "ffn_gate_inp.weight")) {
    struct pe_view routed = pe_fresh (b, "routed", n_embd);
    struct pe_view experts = pe_fresh (b, "branch", n_embd);
    pe_emit_norm (b, "post_ffw_norm_1", f, f);
    pe_emit_rms (b, pe_optional_vector (b, "ffn_gate_inp.scale", n_embd), x, routed);
    pe_emit_unary (b, PE_UNARY_SCALE, 1 / sqrtf ((float) n_embd), 0, routed, routed);
    pe_emit_norm (b, "pre_ffw_norm_2", x, normed);
    pe_build_experts (b, routed, normed, experts);
    pe_emit_norm (b, "post_ffw_norm_2", experts, experts);
    pe_emit_add (b, 1, f, 1, experts, f);
  }
  pe_emit_norm (b, "post_ffw_norm", f, f);
  pe_emit_add (b, 1, x, 1, f, x);
  if (pe_has (b, "inp_gate.weight")) {
    pe_build_per_layer_embedding (b, x, f);
    pe_emit_add (b, 1, x, 1, f, x);
  }
  if (pe_has (b, "layer_output_scale.weight")) {
    struct pe_op *op = pe_emit (b, PE_OP_UNARY);
    op->in[0] = x;
    op->out = x;
    op->w[0] = pe_vector (b, "layer_output_scale.weight", 1);
    op->unary.f = PE_UNARY_SCALE;
    op->unary.a = 1;
  }
}

/* ---- Gemma 3n ---- */

/* tanh (router (norm (x) / n_embd)): four numbers that say how the streams mix. */
static struct pe_view
emit_modalities (struct pe_build *b, struct pe_view x)
{
  uint32_t n_embd = b->h->n_embd;
  struct pe_view normed = pe_fresh (b, "routed", n_embd);
  struct pe_view m = pe_fresh (b, "modalities", N_STREAMS);
  pe_emit_norm (b, "altup_router_norm", x, normed);
  pe_emit_unary (b, PE_UNARY_SCALE, 1 / (float) n_embd, 0, normed, normed);
  pe_emit_linear (b, "altup_router", normed, m);
  pe_emit_unary (b, PE_UNARY_TANH, 0, 0, m, m);
  return m;
}

static void
emit_altup (struct pe_build *b, enum pe_op_kind kind, struct pe_view in, struct pe_view result,
            struct pe_view coefficients, struct pe_view out)
{
  struct pe_op *op = pe_emit (b, kind);
  op->in[0] = in;
  op->in[1] = kind == PE_OP_ALTUP_PREDICT ? coefficients : result;
  if (kind == PE_OP_ALTUP_CORRECT)
    op->in[2] = coefficients;
  op->out = out;
  op->altup.n_streams = N_STREAMS;
}

static void
build_sparse_ffn (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  uint32_t n_ff = b->h->n_ff[b->layer];
  struct pe_view gate = pe_fresh (b, "gate", n_ff), up = pe_fresh (b, "up", n_ff);
  pe_emit_linear (b, "ffn_gate", in, gate);
  pe_emit_linear (b, "ffn_up", in, up);
  if (b->layer < SPARSE_LAYERS) {
    struct pe_op *op = pe_emit (b, PE_OP_SPARSE_GATE);
    op->in[0] = gate;
    op->out = gate;
    op->unary.a = SPARSE_WIDTH;
  }
  pe_emit_glu (b, gate, up, up);
  pe_emit_linear (b, "ffn_down", up, out);
}

void
pe_build_gemma3n_layer (struct pe_build *b)
{
  uint32_t n = b->h->n_embd;
  uint16_t hidden = b->program->hidden, predicted_value = pe_value (b, "predicted", N_STREAMS * n);
  struct pe_view streams = pe_heads (hidden, 0, N_STREAMS, n, n);
  struct pe_view predicted = pe_heads (predicted_value, 0, N_STREAMS, n, n);
  struct pe_view x = pe_heads (predicted_value, 0, 1, n, n);

  struct pe_view m = emit_modalities (b, pe_heads (hidden, 0, 1, n, n));
  struct pe_view mix = pe_fresh (b, "mix", N_STREAMS * N_STREAMS);
  pe_emit_linear (b, "altup_predict_coef", m, mix);
  emit_altup (b, PE_OP_ALTUP_PREDICT, streams, x, mix, predicted);

  struct pe_view normed = pe_fresh (b, "normed", n), a = pe_fresh (b, "branch", n);
  struct pe_view laurel = pe_fresh (b, "laurel", n), f = pe_fresh (b, "ffn_out", n);
  pe_emit_norm (b, "attn_norm", x, normed);
  const struct pe_tensor *low_rank = pe_layer_tensor (b, "laurel_l.weight");
  uint32_t rank = low_rank ? (uint32_t) low_rank->shape[1] : 0;
  struct pe_view low = pe_fresh (b, "laurel_low", rank);
  pe_emit_linear (b, "laurel_l", normed, low);
  pe_emit_linear (b, "laurel_r", low, laurel);
  pe_emit_norm (b, "laurel_post_norm", laurel, laurel);
  pe_emit_add (b, 1, laurel, 1, normed, laurel);

  pe_build_attention (b, normed, a);
  pe_emit_norm (b, "post_attention_norm", a, a);
  pe_emit_add (b, 1, a, 1, x, a);
  pe_emit_add (b, sqrtf (0.5f), a, sqrtf (0.5f), laurel, a);
  pe_emit_norm (b, "ffn_norm", a, normed);
  build_sparse_ffn (b, normed, f);
  pe_emit_norm (b, "post_ffw_norm", f, f);
  pe_emit_add (b, 1, a, 1, f, a);

  m = emit_modalities (b, a);
  struct pe_view shares = pe_fresh (b, "shares", N_STREAMS);
  pe_emit_linear (b, "altup_correct_coef", m, shares);
  emit_altup (b, PE_OP_ALTUP_CORRECT, predicted, a, shares, streams);

  struct pe_op *op = pe_emit (b, PE_OP_UNARY); /* times a vector: a scale for each element */
  op->in[0] = pe_heads (hidden, 0, 1, n, n);
  op->out = normed;
  op->w[0] = pe_vector (b, "altup_correct_scale.weight", n);
  op->unary.f = PE_UNARY_SCALE;
  op->unary.a = 1;
  pe_build_per_layer_embedding (b, normed, f);
  for (uint32_t i = 1; i < N_STREAMS; i++) {
    struct pe_view s = pe_heads (hidden, i * n, 1, n, n);
    pe_emit_add (b, 1, s, 1, f, s);
  }
}

void
pe_build_gemma3n_output (struct pe_build *b, struct pe_view out)
{
  uint32_t n = b->h->n_embd;
  uint16_t hidden = b->program->hidden;
  struct pe_view others = pe_heads (hidden, n, N_STREAMS - 1, n, n);
  struct pe_view merged =
      pe_heads (pe_value (b, "predicted", N_STREAMS * n), 0, N_STREAMS - 1, n, n);
  struct pe_op *op = pe_emit (b, PE_OP_MATMUL_HEADS);
  op->in[0] = others;
  op->out = merged;
  op->w[0] = pe_global_stack (b, "altup_unembd_proj.weight", n, n, N_STREAMS - 1);
  op->matmul.scale = 1;
  op = pe_emit (b, PE_OP_MATCH_NORM);
  op->in[0] = merged;
  op->in[1] = pe_heads (hidden, 0, N_STREAMS - 1, n, 0);
  op->out = merged;
  float share = 1.0f / N_STREAMS;
  pe_emit_add (b, share, pe_heads (hidden, 0, 1, n, n), share, pe_heads (merged.value, 0, 1, n, n),
               out);
  for (uint32_t i = 1; i < N_STREAMS - 1; i++)
    pe_emit_add (b, 1, out, share, pe_heads (merged.value, i * n, 1, n, n), out);
}
