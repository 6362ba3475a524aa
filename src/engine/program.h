/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a model computes, as lists of operations: one stage for the embedding, one for each layer,
 * one for the output. The builder (format/build.c) writes it from a family's row and the
 * hyper-parameters; every backend executes the same lists, with whatever fusion it likes.
 *
 * Operations read and write *values*: arrays of float32 with one row for each row of the batch
 * and a fixed width. Values marked `carry` hand data from stage to stage (the residual stream);
 * all others live within one stage and may share memory by `slot` reuse.
 */
#pragma once

#include "engine/quant/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PE_NO_VALUE  UINT16_MAX
#define PE_NO_TENSOR (-1)

struct pe_value {
  const char *name; /* for dumps and tests */
  uint32_t width;   /* float32 elements of one row */
  bool carry;
};

/* Part of a value: in each row `count` groups (heads) of `width` elements, `stride` apart, the
 * first at `offset`. A whole value is {value, 0, 1, width, width}. */
struct pe_view {
  uint16_t value;
  uint32_t offset, count, width, stride;
};

static inline bool
pe_view_equal (struct pe_view a, struct pe_view b)
{
  return a.value == b.value && a.offset == b.offset && a.count == b.count && a.width == b.width &&
         a.stride == b.stride;
}

/* Rows [row, row + n_rows) of a tensor seen as a matrix of rows of shape[0] elements; of a tensor
 * with one dimension (or with one element a row), elements [row, row + n_rows). */
struct pe_weight {
  int32_t tensor; /* index into the model's tensors, or PE_NO_TENSOR */
  uint64_t row, n_rows;
};

enum pe_op_kind {
  PE_OP_EMBED,        /* out = w0[token] * scale (+ w1[position]) */
  PE_OP_NORM,         /* out = normalise (in0) (* w0) (+ w1), over each group of the view */
  PE_OP_MATMUL,       /* out = scale * (w0 in0) (* w2[0]) (+ w1); w0 rows = output elements */
  PE_OP_MATMUL_HEADS, /* the same for each group h with matrix h of the 3-D tensor w0 */
  PE_OP_ROPE,         /* rotates in0 in place (out == in0) by the row's position */
  PE_OP_KV_STORE,     /* in0 = keys, in1 = values -> cache of op.cache.layer */
  PE_OP_ATTENTION,    /* out = softmax (in0 K' scale ...) V from the cache of op.cache.layer */
  PE_OP_GLU,          /* out = act (in0) * in1 */
  PE_OP_UNARY,        /* out = f (in0); SCALE multiplies by w0 too: one number, or one an element */
  PE_OP_ADD,          /* out = a * in0 + b * in1 */
  PE_OP_MUL,          /* out = in0 * f (in1); in1 may have one element a row */
  PE_OP_COPY,         /* out = in0, view to view */
  PE_OP_ROUTE,        /* in0 = router logits -> out: n_used ids (as floats), then n_used weights */
  PE_OP_MATMUL_EXPERT, /* out group u = rows w0.row… of expert id[u] times in0 (group u, or the
                          only one) (* w2[id]) (+ w1: rows of the same numbers of the bias table);
                          an expert has shape[1] rows in all */
  PE_OP_EXPERT_SUM,    /* out = sum over u of weight[u] * in0 group u */
  PE_OP_CONV,          /* causal depthwise convolution with state; w0 kernel, w1 bias */
  PE_OP_SSM,           /* selective scan (Mamba 1 and 2) with state */
  PE_OP_DELTA_NET,     /* gated delta rule with state */
  PE_OP_SPARSE_GATE,   /* out = max (in0 - (mean + a * deviation), 0), over the row */
  PE_OP_ALTUP_PREDICT, /* gemma3n: four streams from four, by coefficients in1 */
  PE_OP_ALTUP_CORRECT, /* gemma3n: streams in0 corrected by result in1, coefficients in2 */
  PE_OP_MATCH_NORM,    /* out = in0 scaled so that each group's RMS equals that of in1 */
  PE_OP_COUNT,
};

enum pe_norm_kind { PE_NORM_RMS, PE_NORM_LAYER, PE_NORM_L2 };

enum pe_rope_kind { PE_ROPE_NORMAL, PE_ROPE_NEOX }; /* pairs (2i, 2i+1), or (i, i + rot/2) */

enum pe_unary {
  PE_UNARY_SILU,
  PE_UNARY_GELU, /* tanh form */
  PE_UNARY_RELU_SQUARED,
  PE_UNARY_RELU,
  PE_UNARY_SIGMOID,
  PE_UNARY_TANH,
  PE_UNARY_SOFTPLUS,
  PE_UNARY_SCALE,      /* a * x + b */
  PE_UNARY_CLAMP,      /* a..b */
  PE_UNARY_SOFTCAP,    /* a * tanh (x / a) */
  PE_UNARY_NONE,       /* x */
  PE_UNARY_SWIGLU_OAI, /* GLU only: clamped, sigma (1.702 g), (up + 1) */
};

struct pe_rope {
  enum pe_rope_kind kind;
  uint32_t n_rot; /* rotated elements of a group, the first ones of the view */
  float base;
  float position_scale;      /* 1 / linear factor */
  float yarn_factor;         /* 0: no YaRN; else the original's extension factor */
  float yarn_low, yarn_high; /* pairs below low keep their angle, above high are scaled */
  float magnitude;           /* of cos and sin */
  /* w0: divisors of the angles, n_rot / 2 of them, or PE_NO_TENSOR. w1, where present: those for
   * contexts up to n_ctx_original, see pe_rope_factors(). */
  uint32_t n_ctx_original;
};

struct pe_attention {
  uint32_t layer; /* whose cache is read */
  uint32_t n_heads, n_kv_heads, k_width, v_width;
  float scale;
  float softcap;        /* 0 = none */
  uint32_t window;      /* keys with query - key < window are seen; 0 = all */
  uint32_t chunk;       /* keys of the same chunk of positions only; 0 = all */
  float alibi_max_bias; /* 0 = none */
  /* Queries are multiplied by 1 + scale * ln (floor ((position + offset) / length) + 1). */
  float temperature_scale; /* 0 = none */
  float temperature_length, temperature_offset;
  /* w0: sinks (one logit a head), or PE_NO_TENSOR */
};

enum pe_gating {
  PE_GATING_SOFTMAX, /* softmax over all, then choose */
  PE_GATING_SIGMOID,
  PE_GATING_SOFTMAX_SELECTED, /* choose by logit, softmax over the chosen */
  PE_GATING_SQRT_SOFTPLUS,
  /* One after the other by logit, each weighed by a softmax over those not yet chosen whose logits
   * are near the best (Liu, Gao and Chen 2023, as Phi 3.5 MoE uses it). On the CPU only. */
  PE_GATING_SPARSE_MIXER,
};

struct pe_route {
  uint32_t n_experts, n_used;
  uint32_t n_groups, n_groups_used; /* 0 = no groups */
  enum pe_gating gating;
  bool renormalise;
  float scale; /* of the weights */
  /* w0: bias added for the choice only; w1: factor of each expert's weight */
};

struct pe_op {
  enum pe_op_kind kind;
  struct pe_view in[3]; /* value PE_NO_VALUE where unused */
  struct pe_view out;
  struct pe_weight w[3];
  union {
    struct {
      float scale;
    } embed;
    struct {
      enum pe_norm_kind kind;
      float eps;
    } norm;
    struct {
      float scale;
    } matmul;
    struct pe_rope rope;
    struct {
      uint32_t layer;
      uint32_t n_kv_heads, k_width, v_width;
    } cache;
    struct pe_attention attention;
    struct {
      enum pe_unary f;
      float a, b;
    } unary; /* UNARY, GLU (f, a = limit), MUL (f of in1), ADD (a, b), SPARSE_GATE (a) */
    struct pe_route route;
    struct {
      struct pe_view ids; /* the out view of the ROUTE operation: ids then weights */
      uint32_t n_used, n_experts;
      bool weigh_input; /* multiply the input by the expert's weight (llama4) */
    } expert;
    struct {
      uint32_t layer, kernel, state_offset; /* floats into the layer's recurrent state */
    } conv;
    struct {
      uint32_t layer, state_offset;
      uint32_t n_heads, head_width, state_width, n_groups;
      bool per_channel; /* Mamba 1: a state matrix of A for every channel */
    } ssm;
    struct {
      uint32_t layer, state_offset;
      uint32_t n_k_heads, n_v_heads, k_width, v_width;
      bool interleaved; /* value head j uses key head j / (n_v / n_k) rather than j mod n_k */
    } delta;
    struct {
      uint32_t n_streams, active;
    } altup;
  };
};

struct pe_stage {
  const struct pe_op *ops;
  size_t n_ops;
};

/* The key-value cache of one layer: 256 tokens a page, see engine/kv.h for the layout. */
struct pe_cache_shape {
  uint32_t n_kv_heads; /* 0: the layer keeps none (recurrent, or it reads another layer's) */
  uint32_t k_width, v_width;
  uint32_t window; /* 0: full attention */
};

struct pe_layer {
  struct pe_stage stage;
  struct pe_cache_shape cache;
  uint32_t n_state;       /* float32 elements of recurrent state for one sequence */
  const int32_t *tensors; /* the tensors that move with this layer, each named once */
  size_t n_tensors;
};

struct pe_program {
  struct pe_value *values;
  size_t n_values;
  struct pe_stage embed;
  const int32_t *embed_tensors;
  size_t n_embed_tensors;
  struct pe_layer *layers;
  uint32_t n_layers;
  struct pe_layer output; /* its result is value `logits` */
  uint16_t hidden;        /* the residual stream */
  uint16_t logits;
  bool output_is_embedding; /* tied: the output matrix is the embedding table */
};

/* Which divisors a ROPE operation uses when `n_ctx` tokens of context are allocated (longrope). */
static inline struct pe_weight
pe_rope_factors (const struct pe_op *op, uint32_t n_ctx)
{
  bool is_short = op->w[1].tensor != PE_NO_TENSOR && n_ctx <= op->rope.n_ctx_original;
  return is_short ? op->w[1] : op->w[0];
}

/* Stages are numbered 0 = embedding, 1 … n_layers = layers, n_layers + 1 = output. */
static inline uint32_t
pe_program_n_stages (const struct pe_program *program)
{
  return program->n_layers + 2;
}

static inline const struct pe_stage *
pe_program_stage (const struct pe_program *program, uint32_t stage)
{
  if (stage == 0)
    return &program->embed;
  return stage <= program->n_layers ? &program->layers[stage - 1].stage : &program->output.stage;
}
