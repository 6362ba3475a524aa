/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Attention of one layer: projections, norms and rotation of queries and keys, the cache, the
 * softmax itself, and the latent form of DeepSeek 2.
 */
#include "engine/format/build.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GEMMA3N_OWN_LAYERS 20         /* where the file does not say */
#define MAX_LATENT_WIDTH   (1u << 24) /* all heads' latent queries; the largest model has 2^17 */

struct shape {
  uint32_t n_heads, n_kv_heads, k_width, v_width;
};

static struct shape
layer_shape (const struct pe_build *b)
{
  const struct pe_hparams *h = b->h;
  bool windowed = h->is_windowed[b->layer];
  return (struct shape){ h->n_heads[b->layer], h->n_kv_heads[b->layer],
                         windowed ? h->k_width_swa : h->k_width,
                         windowed ? h->v_width_swa : h->v_width };
}

/* ---- rotation ---- */

static bool
layer_rotates (const struct pe_build *b)
{
  const struct pe_hparams *h = b->h;
  if (b->arch->rope == PE_ARCH_ROPE_NONE)
    return false;
  if ((b->arch->flags & PE_ARCH_NOPE_BY_KEY) && !h->has_rope)
    return false;
  switch (b->arch->rope_layers) {
  case PE_ROPE_ALL_LAYERS: return true;
  case PE_ROPE_NOT_EVERY_4TH: return (b->layer + 1) % 4 != 0;
  case PE_ROPE_WINDOWED_ONLY:
    /* Models of the family that have no window at all rotate everywhere. */
    return h->window == 0 || h->is_windowed[b->layer];
  }
  return true;
}

/* Magnitude factor of YaRN for an extension by `factor` ("mscale" in the paper's code). */
static float
yarn_magnitude (float factor, float multiplier)
{
  return factor > 1 ? 1 + 0.1f * multiplier * logf (factor) : 1;
}

/* The pair index at which a wave makes `turns` turns over the original context. */
static float
yarn_pair (const struct pe_hparams *h, uint32_t n_rot, float base, float turns)
{
  return (float) n_rot * logf ((float) h->n_ctx_original / (turns * 2 * (float) M_PI)) /
         (2 * logf (base));
}

static float
log_multiplier (const struct pe_build *b)
{
  float m = b->h->yarn_log_multiplier;
  return b->arch->flags & PE_ARCH_YARN_LOG_TENTH ? m / 0.1f : m;
}

static void
apply_yarn (const struct pe_build *b, struct pe_rope *rope)
{
  const struct pe_hparams *h = b->h;
  rope->yarn_factor = h->scaling_factor;
  rope->position_scale = 1 / h->scaling_factor;
  float low = floorf (yarn_pair (h, rope->n_rot, rope->base, h->yarn_beta_fast));
  float high = ceilf (yarn_pair (h, rope->n_rot, rope->base, h->yarn_beta_slow));
  rope->yarn_low = low > 0 ? low : 0;
  float last = (float) rope->n_rot - 1;
  rope->yarn_high = high < last ? high : last;
  float multiplier = log_multiplier (b);
  if (multiplier > 0 || multiplier < 0) {
    /* DeepSeek 2 uses one multiplier for cosines and scores alike, which then cancel. */
    float cosines = b->arch->flags & PE_ARCH_YARN_LOG_TENTH ? multiplier : 1;
    rope->magnitude = h->attn_factor * yarn_magnitude (h->scaling_factor, cosines) /
                      yarn_magnitude (h->scaling_factor, multiplier);
  } else
    rope->magnitude = h->attn_factor * yarn_magnitude (h->scaling_factor, 1);
}

struct pe_rope
pe_build_rope (struct pe_build *b, struct pe_weight *factors)
{
  const struct pe_hparams *h = b->h;
  bool windowed = h->is_windowed[b->layer];
  struct pe_rope rope = { .position_scale = 1, .magnitude = 1 };
  *factors = pe_no_weight ();
  if (!layer_rotates (b))
    return rope;
  bool halves = b->arch->rope == PE_ARCH_ROPE_NEOX ||
                ((b->arch->flags & PE_ARCH_NEOX_BY_SECTIONS) && h->has_sections);
  rope.kind = halves ? PE_ROPE_NEOX : PE_ROPE_NORMAL;
  rope.n_rot = windowed ? h->n_rot_swa : h->n_rot;
  rope.base = windowed ? h->rope_base_swa : h->rope_base;
  bool scaled = !(windowed && (b->arch->flags & PE_ARCH_SCALING_GLOBAL_ONLY));
  if (scaled && h->scaling == PE_SCALING_LINEAR)
    rope.position_scale = 1 / h->scaling_factor;
  else if (scaled && h->scaling == PE_SCALING_YARN)
    apply_yarn (b, &rope);

  if (windowed && (b->arch->flags & PE_ARCH_GEMMA4))
    return rope;
  uint32_t n = rope.n_rot / 2;
  if (pe_has (b, "rope_freqs.weight"))
    *factors = pe_vector (b, "rope_freqs.weight", n);
  else if (pe_has_global (b, "rope_freqs.weight"))
    *factors = pe_global_vector (b, "rope_freqs.weight", n);
  else if (pe_has_global (b, "rope_factors_long.weight") ||
           pe_has (b, "rope_factors_long.weight")) {
    rope.magnitude = h->attn_factor;
    /* Which of the two applies depends on the context that is allocated: see pe_rope_factors(). */
    *factors = pe_has (b, "rope_factors_long.weight")
                   ? pe_vector (b, "rope_factors_long.weight", n)
                   : pe_global_vector (b, "rope_factors_long.weight", n);
  }
  return rope;
}

static void
emit_rope (struct pe_build *b, struct pe_view view)
{
  struct pe_weight factors;
  struct pe_rope rope = pe_build_rope (b, &factors);
  if (rope.n_rot == 0)
    return;
  if (rope.n_rot > view.width) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "rope.dimension_count (%u) exceeds the head size (%u)",
                     rope.n_rot, view.width);
    return;
  }
  struct pe_op *op = pe_emit (b, PE_OP_ROPE);
  op->in[0] = view;
  op->out = view;
  op->w[0] = factors;
  op->rope = rope;
  if (pe_has_global (b, "rope_factors_short.weight") &&
      pe_has_global (b, "rope_factors_long.weight"))
    op->w[1] = pe_global_vector (b, "rope_factors_short.weight", rope.n_rot / 2);
  op->rope.n_ctx_original = b->h->n_ctx_original;
}

/* ---- norms of queries and keys ---- */

/* By the shape of the weight: one for all heads, one for each head, or one over the whole row. */
static void
emit_head_norm (struct pe_build *b, const char *name, struct pe_view view)
{
  char weight[64];
  snprintf (weight, sizeof weight, "%s.weight", name);
  const struct pe_tensor *t = pe_layer_tensor (b, weight);
  if (!t)
    return;
  bool over_row = t->n_elements == pe_view_elements (view) && t->shape[0] != view.width;
  if (over_row && view.stride != view.width) {
    pe_build_refuse (b, PE_ERROR_UNSUPPORTED, "%s spans heads that are not side by side", name);
    return;
  }
  struct pe_view groups = over_row ? pe_heads (view.value, view.offset, 1, pe_view_elements (view),
                                               pe_view_elements (view))
                                   : view;
  pe_emit_norm (b, name, groups, groups);
}

/* ---- the cache and the softmax ---- */

/* The layer whose cache this layer reads: its own, or for the trailing layers of gemma3n and
 * gemma4 the last one of the same kind that keeps one. */
static uint32_t
cache_owner (const struct pe_build *b)
{
  const struct pe_hparams *h = b->h;
  uint32_t n_shared = h->n_shared_kv_layers;
  if ((b->arch->flags & PE_ARCH_GEMMA3N) && n_shared == 0 && h->n_layers > GEMMA3N_OWN_LAYERS)
    n_shared = h->n_layers - GEMMA3N_OWN_LAYERS;
  uint32_t own = h->n_layers - n_shared;
  if (b->layer < own || own < 2)
    return b->layer;
  return h->is_windowed[b->layer] ? own - 2 : own - 1;
}

static float
score_scale (const struct pe_build *b, struct shape s)
{
  const struct pe_hparams *h = b->h;
  if (b->arch->flags & PE_ARCH_NO_ATTN_SCALE)
    return 1;
  if (h->attn_scale > 0)
    return h->attn_scale;
  if (b->arch->scale_by_width_layers && b->arch->scale_by_width_layers == h->n_layers)
    return 1 / sqrtf ((float) h->n_embd / (float) s.n_heads);
  return 1 / sqrtf ((float) s.k_width);
}

static void
emit_store (struct pe_build *b, struct pe_view k, struct pe_view v, struct shape s)
{
  const struct pe_hparams *h = b->h;
  struct pe_layer *layer = &b->program->layers[b->layer];
  bool windowed = h->is_windowed[b->layer] && b->arch->window != PE_WINDOW_CHUNKS;
  layer->cache =
      (struct pe_cache_shape){ s.n_kv_heads, s.k_width, s.v_width, windowed ? h->window : 0 };
  struct pe_op *op = pe_emit (b, PE_OP_KV_STORE);
  op->in[0] = k;
  op->in[1] = v;
  op->cache.layer = b->layer;
  op->cache.n_kv_heads = s.n_kv_heads;
  op->cache.k_width = s.k_width;
  op->cache.v_width = s.v_width;
}

static void
emit_attention (struct pe_build *b, struct pe_view q, struct pe_view out, struct shape s,
                float scale)
{
  const struct pe_hparams *h = b->h;
  uint32_t owner = cache_owner (b);
  const struct pe_cache_shape *cache = &b->program->layers[owner].cache;
  if (cache->n_kv_heads != s.n_kv_heads || cache->k_width != s.k_width ||
      cache->v_width != s.v_width) {
    pe_build_refuse (b, PE_ERROR_FORMAT,
                     "layer %u reads the cache of layer %u, whose heads have other sizes", b->layer,
                     owner);
    return;
  }
  struct pe_op *op = pe_emit (b, PE_OP_ATTENTION);
  op->in[0] = q;
  op->out = out;
  op->w[0] = pe_optional_vector (b, "attn_sinks.weight", s.n_heads);
  op->attention = (struct pe_attention){
    .layer = owner,
    .n_heads = s.n_heads,
    .n_kv_heads = s.n_kv_heads,
    .k_width = s.k_width,
    .v_width = s.v_width,
    .scale = scale,
    .softcap = h->attn_softcap,
    .alibi_max_bias = b->arch->flags & PE_ARCH_ALIBI ? h->max_alibi_bias : 0,
  };
  if (h->is_windowed[b->layer]) {
    if (b->arch->window == PE_WINDOW_CHUNKS)
      op->attention.chunk = h->window;
    else
      op->attention.window = h->window;
  }
  if (b->arch->flags & PE_ARCH_TEMPERATURE_NOPE) {
    if (!layer_rotates (b)) {
      op->attention.temperature_scale = h->temperature_scale > 0 ? h->temperature_scale : 0.1f;
      op->attention.temperature_length =
          (float) (h->temperature_length ? h->temperature_length : 8192);
      op->attention.temperature_offset = 1;
    }
  } else if (h->temperature_scale > 0) {
    op->attention.temperature_scale = h->temperature_scale;
    op->attention.temperature_length =
        (float) (h->temperature_length ? h->temperature_length : h->n_ctx_original);
  }
}

/* ---- projections ---- */

struct qkv {
  struct pe_view q, k, v, gate; /* gate.value PE_NO_VALUE: none */
};

static void
emit_fused (struct pe_build *b, struct pe_view in, struct pe_view q, struct pe_view k,
            struct pe_view v)
{
  uint32_t nq = pe_view_elements (q), nk = pe_view_elements (k), nv = pe_view_elements (v);
  uint32_t n = nq + nk + nv;
  struct pe_weight w = pe_matrix (b, "attn_qkv.weight", pe_view_elements (in), n);
  struct pe_weight bias = pe_optional_vector (b, "attn_qkv.bias", n);
  pe_emit_matmul (b, pe_rows (w, 0, nq), pe_rows (bias, 0, nq), in, q);
  pe_emit_matmul (b, pe_rows (w, nq, nk), pe_rows (bias, nq, nk), in, k);
  pe_emit_matmul (b, pe_rows (w, nq + nk, nv), pe_rows (bias, nq + nk, nv), in, v);
}

static struct pe_view
flat (struct pe_view v)
{
  return pe_heads (v.value, v.offset, 1, pe_view_elements (v), pe_view_elements (v));
}

static struct qkv
emit_projections (struct pe_build *b, struct pe_view in, struct shape s, bool own_cache)
{
  uint32_t nq = s.n_heads * s.k_width, nk = s.n_kv_heads * s.k_width;
  uint32_t nv = s.n_kv_heads * s.v_width;
  struct qkv r = { .gate.value = PE_NO_VALUE };
  r.k = pe_heads (pe_value (b, "k", nk), 0, s.n_kv_heads, s.k_width, s.k_width);
  r.v = pe_heads (pe_value (b, "v", nv), 0, s.n_kv_heads, s.v_width, s.v_width);
  const struct pe_tensor *wq = pe_layer_tensor (b, "attn_q.weight");
  if (wq && wq->shape[1] == 2 * (uint64_t) nq && s.k_width == s.v_width) {
    /* Each head's query is followed by a gate for its result. */
    uint16_t both = pe_value (b, "q_gate", 2 * nq);
    pe_emit_linear (b, "attn_q", in, pe_whole (both, 2 * nq));
    r.q = pe_heads (both, 0, s.n_heads, s.k_width, 2 * s.k_width);
    r.gate = pe_heads (both, s.k_width, s.n_heads, s.k_width, 2 * s.k_width);
  } else {
    r.q = pe_heads (pe_value (b, "q", nq), 0, s.n_heads, s.k_width, s.k_width);
    if (pe_has (b, "attn_qkv.weight")) {
      emit_fused (b, in, flat (r.q), flat (r.k), flat (r.v));
      return r;
    }
    pe_emit_linear (b, "attn_q", in, flat (r.q));
  }
  if (!own_cache)
    return r;
  pe_emit_linear (b, "attn_k", in, flat (r.k));
  if (pe_has (b, "attn_v.weight"))
    pe_emit_linear (b, "attn_v", in, flat (r.v));
  else if ((b->arch->flags & PE_ARCH_GEMMA4) &&
           s.k_width == s.v_width) { /* gemma4: the values are the raw keys */
    struct pe_op *op = pe_emit (b, PE_OP_COPY);
    op->in[0] = flat (r.k);
    op->out = flat (r.v);
  } else
    pe_build_refuse (b, PE_ERROR_FORMAT, "layer %u has no attn_v.weight", b->layer);
  return r;
}

static void
emit_output_projection (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  if (b->arch->flags & PE_ARCH_NO_OUTPUT_BIAS)
    pe_emit_matmul (
        b, pe_matrix (b, "attn_output.weight", pe_view_elements (in), pe_view_elements (out)),
        pe_no_weight (), in, out);
  else
    pe_emit_linear (b, "attn_output", in, out);
}

static void
build_standard (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  const struct pe_hparams *h = b->h;
  struct shape s = layer_shape (b);
  if (s.n_heads == 0 || s.n_kv_heads == 0) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "layer %u has neither attention heads nor another mixer",
                     b->layer);
    return;
  }
  bool own_cache = cache_owner (b) == b->layer;
  struct qkv x = emit_projections (b, in, s, own_cache);
  if (h->clamp_qkv > 0) {
    pe_emit_unary (b, PE_UNARY_CLAMP, -h->clamp_qkv, h->clamp_qkv, flat (x.q), flat (x.q));
    pe_emit_unary (b, PE_UNARY_CLAMP, -h->clamp_qkv, h->clamp_qkv, flat (x.k), flat (x.k));
    pe_emit_unary (b, PE_UNARY_CLAMP, -h->clamp_qkv, h->clamp_qkv, flat (x.v), flat (x.v));
  }
  bool after = b->arch->flags & PE_ARCH_QK_NORM_AFTER_ROPE;
  if (!after)
    emit_head_norm (b, "attn_q_norm", x.q);
  emit_rope (b, x.q);
  if (after)
    emit_head_norm (b, "attn_q_norm", x.q);
  if (own_cache) {
    if (!after)
      emit_head_norm (b, "attn_k_norm", x.k);
    emit_rope (b, x.k);
    if (after)
      emit_head_norm (b, "attn_k_norm", x.k);
    if (b->arch->flags & PE_ARCH_V_NORM)
      pe_emit_rms (b, pe_no_weight (), x.v, x.v);
  }
  /* The largest Llama 4 (128 experts) goes without this norm. */
  if ((b->arch->flags & PE_ARCH_QK_L2) && layer_rotates (b) && h->n_experts != 128) {
    pe_emit_rms (b, pe_no_weight (), x.q, x.q);
    pe_emit_rms (b, pe_no_weight (), x.k, x.k);
  }
  if (own_cache)
    emit_store (b, x.k, x.v, s);
  uint32_t n = s.n_heads * s.v_width;
  struct pe_view heads = pe_heads (pe_value (b, "attended", n), 0, s.n_heads, s.v_width, s.v_width);
  emit_attention (b, x.q, heads, s, score_scale (b, s));
  if (x.gate.value != PE_NO_VALUE)
    pe_emit_mul (b, PE_UNARY_SIGMOID, heads, x.gate, heads);
  emit_output_projection (b, flat (heads), out);
}

/* ---- latent attention (DeepSeek 2) ---- */

static struct pe_view
emit_latent_query (struct pe_build *b, struct pe_view in, uint32_t n_heads, uint32_t width)
{
  const struct pe_hparams *h = b->h;
  uint32_t n = n_heads * width;
  struct pe_view q = pe_fresh (b, "q", n);
  if (pe_has (b, "attn_q_a.weight")) {
    struct pe_view a = pe_fresh (b, "q_a", h->n_lora_q);
    pe_emit_linear (b, "attn_q_a", in, a);
    pe_emit_norm (b, "attn_q_a_norm", a, a);
    pe_emit_linear (b, "attn_q_b", a, q);
  } else
    pe_emit_linear (b, "attn_q", in, q);
  return pe_heads (q.value, 0, n_heads, width, width);
}

static void
emit_copy (struct pe_build *b, struct pe_view from, struct pe_view to)
{
  struct pe_op *op = pe_emit (b, PE_OP_COPY);
  op->in[0] = from;
  op->out = to;
}

/* attn_kv_b in one piece: keys and values are expanded for every head and cached so. */
static void
build_latent_expanded (struct pe_build *b, struct pe_view q, struct pe_view latent,
                       struct pe_view k_rot, struct shape s, uint32_t n_rot, float scale,
                       struct pe_view out)
{
  uint32_t n_plain = s.k_width - n_rot, pair = n_plain + s.v_width;
  struct pe_view kv = pe_fresh (b, "kv_b", s.n_heads * pair);
  pe_emit_linear (b, "attn_kv_b", latent, kv);
  uint16_t k = pe_value (b, "k", s.n_heads * s.k_width);
  emit_copy (b, pe_heads (kv.value, 0, s.n_heads, n_plain, pair),
             pe_heads (k, 0, s.n_heads, n_plain, s.k_width));
  /* Every head gets the same rotated part: a stride of zero repeats it. */
  emit_copy (b, pe_heads (k_rot.value, k_rot.offset, s.n_heads, n_rot, 0),
             pe_heads (k, n_plain, s.n_heads, n_rot, s.k_width));
  struct pe_view v = pe_heads (kv.value, n_plain, s.n_heads, s.v_width, pair);
  emit_store (b, pe_heads (k, 0, s.n_heads, s.k_width, s.k_width), v, s);
  struct pe_view heads = pe_heads (pe_value (b, "attended", s.n_heads * s.v_width), 0, s.n_heads,
                                   s.v_width, s.v_width);
  emit_attention (b, q, heads, s, scale);
  emit_output_projection (b, flat (heads), out);
}

/* attn_k_b and attn_v_b: the latent vector itself is the key and the value of one head. */
static void
build_latent_absorbed (struct pe_build *b, struct pe_view q, struct pe_view kv, uint32_t n_heads,
                       uint32_t n_plain, uint32_t n_rot, uint32_t v_width, float scale,
                       struct pe_view out)
{
  uint32_t rank = b->h->n_lora_kv, width = rank + n_rot;
  uint16_t q_latent = pe_value (b, "q_latent", n_heads * width);
  struct pe_op *op = pe_emit (b, PE_OP_MATMUL_HEADS);
  op->in[0] = pe_heads (q.value, 0, n_heads, n_plain, q.stride);
  op->out = pe_heads (q_latent, 0, n_heads, rank, width);
  op->w[0] = pe_stack (b, "attn_k_b.weight", n_plain, rank, n_heads);
  op->matmul.scale = 1;
  emit_copy (b, pe_heads (q.value, n_plain, n_heads, n_rot, q.stride),
             pe_heads (q_latent, rank, n_heads, n_rot, width));
  struct shape s = { n_heads, 1, width, rank };
  emit_store (b, pe_whole (kv.value, width), pe_whole (kv.value, rank), s);
  uint16_t latent = pe_value (b, "latent_out", n_heads * rank);
  struct pe_view heads = pe_heads (latent, 0, n_heads, rank, rank);
  emit_attention (b, pe_heads (q_latent, 0, n_heads, width, width), heads, s, scale);
  uint16_t attended = pe_value (b, "attended", n_heads * v_width);
  op = pe_emit (b, PE_OP_MATMUL_HEADS);
  op->in[0] = heads;
  op->out = pe_heads (attended, 0, n_heads, v_width, v_width);
  op->w[0] = pe_stack (b, "attn_v_b.weight", rank, v_width, n_heads);
  op->matmul.scale = 1;
  emit_output_projection (b, pe_whole (attended, n_heads * v_width), out);
}

static void
build_latent (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  const struct pe_hparams *h = b->h;
  uint32_t n_heads = h->n_heads[b->layer], k_width = h->k_width_mla, v_width = h->v_width_mla;
  uint32_t n_rot = h->n_rot, rank = h->n_lora_kv;
  if (rank == 0 || n_rot == 0 || n_rot >= k_width || n_heads == 0 ||
      (uint64_t) n_heads * (rank + n_rot) > MAX_LATENT_WIDTH) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "the sizes of latent attention do not fit together");
    return;
  }
  float scale = 1 / sqrtf ((float) k_width);
  if (h->scaling == PE_SCALING_YARN) {
    float m = h->attn_factor * yarn_magnitude (h->scaling_factor, log_multiplier (b));
    scale *= m * m;
  } else if (h->attn_scale > 0)
    scale = h->attn_scale;
  struct pe_view q = emit_latent_query (b, in, n_heads, k_width);
  uint32_t n_plain = k_width - n_rot;
  struct pe_view kv = pe_fresh (b, "kv_a", rank + n_rot);
  pe_emit_linear (b, "attn_kv_a_mqa", in, kv);
  struct pe_view latent = pe_whole (kv.value, rank);
  struct pe_view k_rot = pe_heads (kv.value, rank, 1, n_rot, n_rot);
  pe_emit_norm (b, "attn_kv_a_norm", latent, latent);
  emit_rope (b, pe_heads (q.value, n_plain, n_heads, n_rot, k_width));
  emit_rope (b, k_rot);
  if (pe_has (b, "attn_kv_b.weight")) {
    struct shape s = { n_heads, n_heads, k_width, v_width };
    build_latent_expanded (b, q, latent, k_rot, s, n_rot, scale, out);
  } else
    build_latent_absorbed (b, q, kv, n_heads, n_plain, n_rot, v_width, scale, out);
}

void
pe_build_attention (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  if (pe_has (b, "attn_kv_a_mqa.weight"))
    build_latent (b, in, out);
  else
    build_standard (b, in, out);
}
