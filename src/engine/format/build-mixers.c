/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mixers other than attention: gated short convolution (LFM 2), Mamba 1 and 2, gated delta net
 * (Qwen 3 Next, Qwen 3.5). Which one a layer has shows in its tensors.
 */
#include "engine/format/build.h"

static bool
is_delta_net (struct pe_build *b)
{
  return pe_has (b, "ssm_conv1d.weight") &&
         (pe_has (b, "ssm_beta.weight") || pe_has (b, "ssm_ba.weight"));
}

bool
pe_build_has_mixer (struct pe_build *b)
{
  return pe_has (b, "shortconv.in_proj.weight") || pe_has (b, "ssm_in.weight") || is_delta_net (b);
}

/* Room for n more floats in the layer's recurrent state; returns where they begin. */
static uint32_t
add_state (struct pe_build *b, uint64_t n)
{
  struct pe_layer *layer = &b->program->layers[b->layer];
  uint32_t offset = layer->n_state;
  if (n > ((uint64_t) 1 << 28) - offset) {
    pe_build_refuse (b, PE_ERROR_LIMIT, "the recurrent state of layer %u is too large", b->layer);
    return 0;
  }
  layer->n_state += (uint32_t) n;
  return offset;
}

/* Causal depthwise convolution over the rows of `x`, in place. */
static void
emit_conv (struct pe_build *b, const char *weight, const char *bias, uint32_t kernel,
           struct pe_view x)
{
  if (kernel < 1) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "the convolution of layer %u has no length", b->layer);
    return;
  }
  struct pe_op *op = pe_emit (b, PE_OP_CONV);
  op->in[0] = x;
  op->out = x;
  op->w[0] = pe_matrix (b, weight, kernel, x.width);
  op->w[1] = bias ? pe_optional_vector (b, bias, x.width) : pe_no_weight ();
  op->conv.layer = b->layer;
  op->conv.kernel = kernel;
  op->conv.state_offset = add_state (b, (uint64_t) (kernel - 1) * x.width);
}

static void
build_short_conv (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  uint32_t n = b->h->n_embd;
  uint16_t bcx = pe_value (b, "bcx", 3 * n);
  pe_emit_linear (b, "shortconv.in_proj", in, pe_whole (bcx, 3 * n));
  struct pe_view gate_in = pe_heads (bcx, 0, 1, n, n), gate_out = pe_heads (bcx, n, 1, n, n);
  struct pe_view x = pe_heads (bcx, 2 * n, 1, n, n);
  pe_emit_mul (b, PE_UNARY_NONE, x, gate_in, x);
  emit_conv (b, "shortconv.conv.weight", NULL, b->h->shortconv_kernel, x);
  struct pe_view y = pe_fresh (b, "conv_out", n);
  pe_emit_mul (b, PE_UNARY_NONE, x, gate_out, y);
  pe_emit_linear (b, "shortconv.out_proj", y, out);
}

static void
emit_scan (struct pe_build *b, struct pe_view x, struct pe_view bc, struct pe_view dt,
           struct pe_weight dt_bias, uint32_t n_heads, uint32_t n_groups, bool per_channel,
           struct pe_view y)
{
  uint32_t n_state = b->h->ssm_state;
  struct pe_op *op = pe_emit (b, PE_OP_SSM);
  op->in[0] = x;
  op->in[1] = bc;
  op->in[2] = dt;
  op->out = y;
  op->w[0] = pe_vector (b, "ssm_a", per_channel ? (uint64_t) n_heads * n_state : n_heads);
  op->w[1] = pe_vector (b, "ssm_d", n_heads);
  op->w[2] = dt_bias;
  op->ssm.layer = b->layer;
  op->ssm.n_heads = n_heads;
  op->ssm.head_width = x.width;
  op->ssm.state_width = n_state;
  op->ssm.n_groups = n_groups;
  op->ssm.per_channel = per_channel;
  op->ssm.state_offset = add_state (b, (uint64_t) n_heads * x.width * n_state);
}

/* Mamba 2 (Dao and Gu 2024): one decay a head. */
static void
build_mamba2 (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  const struct pe_hparams *h = b->h;
  uint32_t inner = h->ssm_inner, n_heads = h->ssm_rank, groups = h->ssm_groups;
  uint32_t n_bc = groups * h->ssm_state, n_conv = inner + 2 * n_bc;
  if (n_heads == 0 || groups == 0 || h->ssm_state == 0 || inner == 0 || inner % n_heads ||
      inner % groups || n_heads % groups) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "the sizes under ssm.* do not fit together");
    return;
  }
  uint32_t n_all = inner + n_conv + n_heads, head = inner / n_heads;
  uint16_t all = pe_value (b, "zxbcdt", n_all);
  pe_emit_linear (b, "ssm_in", in, pe_whole (all, n_all));
  struct pe_view z = pe_heads (all, 0, 1, inner, inner);
  struct pe_view xbc = pe_heads (all, inner, 1, n_conv, n_conv);
  struct pe_view dt = pe_heads (all, inner + n_conv, 1, n_heads, n_heads);
  emit_conv (b, "ssm_conv1d.weight", "ssm_conv1d.bias", h->ssm_conv, xbc);
  pe_emit_unary (b, PE_UNARY_SILU, 0, 0, xbc, xbc);
  struct pe_view x = pe_heads (all, inner, n_heads, head, head);
  struct pe_view bc = pe_heads (all, 2 * inner, 1, 2 * n_bc, 2 * n_bc);
  uint16_t y = pe_value (b, "scanned", inner);
  emit_scan (b, x, bc, dt, pe_vector (b, "ssm_dt.bias", n_heads), n_heads, groups, false,
             pe_heads (y, 0, n_heads, head, head));
  struct pe_view whole = pe_whole (y, inner);
  pe_emit_mul (b, PE_UNARY_SILU, whole, z, whole);
  if (pe_has (b, "ssm_norm.weight")) {
    struct pe_view grouped = pe_heads (y, 0, groups, inner / groups, inner / groups);
    pe_emit_rms (b, pe_vector (b, "ssm_norm.weight", inner), grouped, grouped);
  }
  pe_emit_linear (b, "ssm_out", whole, out);
}

/* Mamba (Gu and Dao 2023): a decay for every channel and state. */
static void
build_mamba (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  const struct pe_hparams *h = b->h;
  uint32_t inner = h->ssm_inner, rank = h->ssm_rank, n_state = h->ssm_state;
  if (inner == 0 || rank == 0 || n_state == 0) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "the sizes under ssm.* are missing");
    return;
  }
  uint16_t both = pe_value (b, "xz", 2 * inner);
  pe_emit_linear (b, "ssm_in", in, pe_whole (both, 2 * inner));
  struct pe_view x = pe_heads (both, 0, 1, inner, inner);
  struct pe_view z = pe_heads (both, inner, 1, inner, inner);
  emit_conv (b, "ssm_conv1d.weight", "ssm_conv1d.bias", h->ssm_conv, x);
  pe_emit_unary (b, PE_UNARY_SILU, 0, 0, x, x);
  uint16_t projected = pe_value (b, "dt_bc", rank + 2 * n_state);
  pe_emit_linear (b, "ssm_x", x, pe_whole (projected, rank + 2 * n_state));
  struct pe_view low = pe_heads (projected, 0, 1, rank, rank);
  if (h->ssm_dt_b_c_rms) {
    struct pe_view bc2 = pe_heads (projected, rank, 2, n_state, n_state);
    pe_emit_rms (b, pe_no_weight (), low, low);
    pe_emit_rms (b, pe_no_weight (), bc2, bc2);
  }
  struct pe_view dt = pe_fresh (b, "dt", inner);
  pe_emit_linear (b, "ssm_dt", low, dt);
  uint16_t y = pe_value (b, "scanned", inner);
  emit_scan (b, pe_heads (both, 0, inner, 1, 1),
             pe_heads (projected, rank, 1, 2 * n_state, 2 * n_state), dt, pe_no_weight (), inner, 1,
             true, pe_heads (y, 0, inner, 1, 1));
  struct pe_view whole = pe_whole (y, inner);
  pe_emit_mul (b, PE_UNARY_SILU, whole, z, whole);
  pe_emit_linear (b, "ssm_out", whole, out);
}

/* Gated delta net (Yang et al. 2024): a linear attention whose state is corrected by what it
 * would have answered. */
static void
build_delta_net (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  const struct pe_hparams *h = b->h;
  uint32_t n_k = h->ssm_groups, n_v = h->ssm_rank, k_width = h->ssm_state;
  if (n_k == 0 || n_v == 0 || k_width == 0 || h->ssm_inner % n_v || n_v % n_k) {
    pe_build_refuse (b, PE_ERROR_FORMAT, "the sizes under ssm.* do not fit together");
    return;
  }
  uint32_t v_width = h->ssm_inner / n_v, nk = n_k * k_width, nv = n_v * v_width;
  uint16_t qkv = pe_value (b, "delta_qkv", 2 * nk + nv);
  struct pe_view mixed = pe_whole (qkv, 2 * nk + nv);
  struct pe_view z = pe_fresh (b, "delta_z", nv);
  pe_emit_linear (b, "attn_qkv", in, mixed);
  pe_emit_linear (b, "attn_gate", in, z);
  struct pe_view alpha, beta;
  if (pe_has (b, "ssm_ba.weight")) {
    /* For each key head first the betas, then the alphas of its value heads. */
    uint32_t r = n_v / n_k;
    uint16_t ba = pe_value (b, "delta_ba", 2 * n_v);
    pe_emit_linear (b, "ssm_ba", in, pe_whole (ba, 2 * n_v));
    beta = pe_heads (ba, 0, n_k, r, 2 * r);
    alpha = pe_heads (ba, r, n_k, r, 2 * r);
  } else {
    beta = pe_fresh (b, "delta_beta", n_v);
    alpha = pe_fresh (b, "delta_alpha", n_v);
    pe_emit_linear (b, "ssm_beta", in, beta);
    pe_emit_linear (b, "ssm_alpha", in, alpha);
  }
  emit_conv (b, "ssm_conv1d.weight", "ssm_conv1d.bias", h->ssm_conv, mixed);
  pe_emit_unary (b, PE_UNARY_SILU, 0, 0, mixed, mixed);
  struct pe_view qk = pe_heads (qkv, 0, 2 * n_k, k_width, k_width);
  struct pe_op *op = pe_emit (b, PE_OP_NORM);
  op->in[0] = qk;
  op->out = qk;
  op->norm.kind = PE_NORM_L2;
  op->norm.eps = h->norm_eps;

  uint16_t y = pe_value (b, "delta_out", nv);
  struct pe_view heads = pe_heads (y, 0, n_v, v_width, v_width);
  op = pe_emit (b, PE_OP_DELTA_NET);
  op->in[0] = mixed;
  op->in[1] = alpha;
  op->in[2] = beta;
  op->out = heads;
  op->w[0] = pe_vector (b, "ssm_a", n_v);
  op->w[1] = pe_vector (b, "ssm_dt.bias", n_v);
  op->delta.layer = b->layer;
  op->delta.n_k_heads = n_k;
  op->delta.n_v_heads = n_v;
  op->delta.k_width = k_width;
  op->delta.v_width = v_width;
  op->delta.interleaved = !(b->arch->flags & PE_ARCH_DELTA_TILED);
  op->delta.state_offset = add_state (b, (uint64_t) n_v * k_width * v_width);

  pe_emit_rms (b, pe_vector (b, "ssm_norm.weight", v_width), heads, heads);
  pe_emit_mul (b, PE_UNARY_SILU, pe_whole (y, nv), z, pe_whole (y, nv));
  pe_emit_linear (b, "ssm_out", pe_whole (y, nv), out);
}

void
pe_build_mixer (struct pe_build *b, struct pe_view in, struct pe_view out)
{
  if (pe_has (b, "shortconv.in_proj.weight"))
    build_short_conv (b, in, out);
  else if (is_delta_net (b))
    build_delta_net (b, in, out);
  else if (pe_has (b, "ssm_x.weight"))
    build_mamba (b, in, out);
  else
    build_mamba2 (b, in, out);
}
