/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arguments of every kernel, read by C and by GLSL: one push-constant block each, at most
 * 128 bytes, members in an order that has no padding. An address is a device address; an offset
 * counts float32 elements from the start of the work buffer (`work`); a stride counts elements.
 * A shader defines KERNEL_<NAME> before it includes this, because it may have one block only.
 */
#ifndef PARLEY_SHADERS_SHARED_ARGUMENTS_H
#define PARLEY_SHADERS_SHARED_ARGUMENTS_H

#ifdef VULKAN
#define ARGUMENTS(name) layout (push_constant, scalar) uniform name
#else
#include <stdint.h>
#define ARGUMENTS(name) struct name
#endif

/* Workgroups along x; a grid that needs more goes on along y. */
#define PE_GRID_X 32768

/* Code books of the IQ types lie right below address `work`: uint16, 256 + 512 + 1024 entries of 8
 * elements (IQ2_XXS, IQ2_XS, IQ2_S), 256 + 512 of 4 (IQ3_XXS, IQ3_S); see engine/quant/iq-grids.h. */
#define PE_BOOK_BYTES 5120

/* What several kernels can do besides; specialisation constants named `flags`. */
#define PE_FLAG_NORM     1  /* the input is divided by its root mean square */
#define PE_FLAG_PAIR     2  /* two matrices; out = f (first) * second */
#define PE_FLAG_TAIL     4  /* the row length is no multiple of 16 (float types only) */
#define PE_FLAG_BIAS     8
#define PE_FLAG_RESIDUAL 16 /* something is added to the result */
#define PE_FLAG_SCALE    32 /* by a factor that is stored with the weights */
#define PE_FLAG_HEADS    64 /* group g reads matrix g */
#define PE_FLAG_WEIGH    128
#define PE_FLAG_SINKS    256
#define PE_FLAG_EXPERTS  512 /* rows are sorted by expert */

/* Tables of a pass, uint32: positions[max_rows], first page[max_rows], then {first row, rows} of
 * every query tile [max_rows], slots of recurrent state [max_rows], tokens [max_rows], then the page
 * slots, pool after pool. */
#define PE_TABLE_POSITIONS(max_rows)  0
#define PE_TABLE_FIRST_PAGE(max_rows) (max_rows)
#define PE_TABLE_TILES(max_rows)      (2 * (max_rows))
#define PE_TABLE_STATES(max_rows)     (4 * (max_rows))
#define PE_TABLE_TOKENS(max_rows)     (5 * (max_rows))
#define PE_TABLE_PAGES(max_rows)      (6 * (max_rows))

#if !defined VULKAN || defined KERNEL_NORM
/* One workgroup for each group of each row. */
ARGUMENTS (norm_arguments)
{
  uint64_t work;
  uint64_t weight, bias; /* 0 = none */
  uint32_t in_offset, in_row_stride, in_stride;
  uint32_t out_offset, out_row_stride, out_stride;
  uint32_t width, n_groups;
  uint32_t weight_stride; /* 0: all groups share the weights */
  float eps;
};
#endif

#if !defined VULKAN || defined KERNEL_ELEMENTWISE
/* Element e of a view lies at offset + (e / width) * stride + e % width. */
ARGUMENTS (elementwise_arguments)
{
  uint64_t work;
  uint64_t factor; /* 0 = none: multiplies the result; one number, or one for each element */
  uint32_t a_offset, a_row_stride, a_width, a_stride;
  uint32_t b_offset, b_row_stride, b_width, b_stride;
  uint32_t out_offset, out_row_stride, out_width, out_stride;
  uint32_t n, n_rows; /* elements of a row */
  uint32_t b_repeat;  /* elements of `a` that one element of `b` serves */
  uint32_t n_factors;
  float x, y;         /* parameters of the function */
};
#endif

#if !defined VULKAN || defined KERNEL_COPY
/* n times 16 bytes. Constants: 0 workgroup size. */
ARGUMENTS (copy_arguments)
{
  uint64_t source, target;
  uint32_t n;
};
#endif

#if !defined VULKAN || defined KERNEL_EMBED
ARGUMENTS (embed_arguments)
{
  uint64_t work;
  uint64_t weight; /* n_tokens rows of k elements, k a multiple of 16 */
  uint64_t tables;
  uint32_t k, n_tokens;
  uint32_t out_offset, out_row_stride;
  uint32_t n_rows, max_rows;
  float scale;
};
#endif

#if !defined VULKAN || defined KERNEL_BEST
/* Workgroup (slice, row): k keys of each. */
ARGUMENTS (best_arguments)
{
  uint64_t source;     /* n logits or keys, rows `row_bytes` apart */
  uint64_t target;     /* keys */
  uint64_t next_token; /* where the best of row 0 goes as a token; 0 = nowhere; only for k = 1 */
  uint32_t n, row_bytes, slice, k;
};
#endif

#if !defined VULKAN || defined KERNEL_ROPE
ARGUMENTS (rope_arguments)
{
  uint64_t work;
  uint64_t frequencies; /* uint64, n_pairs: turns of 2^-64 for each position */
  uint64_t tables;
  uint32_t offset, row_stride, stride;
  uint32_t n_groups, n_pairs, n_rows;
  float magnitude;
};
#endif

#if !defined VULKAN || defined KERNEL_KV_STORE
ARGUMENTS (kv_store_arguments)
{
  uint64_t work;
  uint64_t segments; /* addresses of the layer's cache segments */
  uint64_t tables;
  uint32_t k_offset, k_row_stride, k_stride;
  uint32_t v_offset, v_row_stride, v_stride;
  uint32_t n_kv_heads, n_rows, max_rows;
  uint32_t page_table; /* of the layer's pool, in words of the tables */
};
#endif

#if !defined VULKAN || defined KERNEL_ROTATE_STORE
/* Workgroup (head: queries, keys, values; row). */
ARGUMENTS (rotate_store_arguments)
{
  uint64_t work;
  uint64_t frequencies; /* as of rope_arguments */
  uint64_t q_norm, k_norm; /* weights for all heads, or 0 */
  uint64_t segments, tables;
  uint32_t q_offset, q_row_stride, q_stride;
  uint32_t k_offset, k_row_stride, k_stride;
  uint32_t v_offset, v_row_stride, v_stride;
  uint32_t n_heads, n_kv_heads, n_pairs, max_rows, page_table;
  float magnitude, q_eps, k_eps;
};
#endif

#if !defined VULKAN || defined KERNEL_ATTENTION
/* Workgroup (query tile, KV head and part of its query heads, split). */
ARGUMENTS (attention_arguments)
{
  uint64_t work;
  uint64_t segments;
  uint64_t tables;
  uint64_t split; /* uint32: number of splits, keys in each */
  uint64_t sinks;
  uint32_t q_offset, q_row_stride, q_stride;
  uint32_t out_offset, out_row_stride, out_stride;
  uint32_t partial_offset; /* [row][head][split]{v_width values, maximum, sum} */
  uint32_t n_heads, n_kv_heads, window, chunk, max_rows, page_table;
  float scale, softcap, alibi_max_bias;
  float temperature_scale, temperature_length, temperature_offset;
};
#endif

#if !defined VULKAN || defined KERNEL_ATTENTION_COMBINE
ARGUMENTS (attention_combine_arguments)
{
  uint64_t work;
  uint64_t split;
  uint32_t out_offset, out_row_stride, out_stride;
  uint32_t partial_offset, n_heads;
};
#endif

#if !defined VULKAN || defined KERNEL_MATVEC
/* Up to three matrices of one type read the same input: parts. Specialised for the number of
 * batch rows. With PE_FLAG_PAIR part 1 is the second matrix and `scale` the function's limit;
 * with PE_FLAG_SCALE bias[2] is the address of the factor. */
ARGUMENTS (matvec_arguments)
{
  uint64_t weight[3];
  uint64_t bias[3];
  uint64_t norm; /* weight of the norm, or 0 */
  uint64_t work;
  uint32_t n[3]; /* output elements of each part */
  uint32_t out_offset[3], out_row_stride[3];
  uint32_t in_offset, in_row_stride;
  uint32_t residual_offset, residual_row_stride;
  uint32_t k;
  float eps, scale;
};
#endif

#if !defined VULKAN || defined KERNEL_MATVEC_EXPERT
/* One matrix for each (row, group): that of the expert whose number stands in the row's list, or
 * that of the group itself. */
ARGUMENTS (matvec_expert_arguments)
{
  uint64_t weight, matrix_bytes;
  uint64_t bias, factors; /* factors: one for each expert; 0 = none */
  uint64_t work;
  uint32_t n, k, bias_stride;
  uint32_t ids_offset, ids_row_stride; /* ids, then the weights */
  uint32_t in_offset, in_row_stride, in_stride; /* stride 0: all groups read the same */
  uint32_t out_offset, out_row_stride, out_stride;
  uint32_t n_groups, n_experts;
  float scale;
};
#endif

#if !defined VULKAN || defined KERNEL_MATMUL
/* Workgroup z is the expert. Of inputs that halve.comp or quantise.comp made, in_offset and the
 * strides count as ever, float32 elements. */
ARGUMENTS (matmul_arguments)
{
  uint64_t weight, matrix_bytes;
  uint64_t bias;
  uint64_t factor; /* one number, or one for each expert */
  uint64_t work;
  uint32_t n, k, n_rows;
  uint32_t in_offset, in_row_stride, in_stride; /* stride 0: all groups read the same */
  uint32_t out_offset, out_row_stride, out_stride;
  uint32_t residual_offset, residual_row_stride;
  uint32_t scales_offset; /* of half-precision inputs, one for each row or group */
  uint32_t list_offset;   /* see sort_experts.comp */
  uint32_t ids_offset, ids_row_stride;
  uint32_t n_groups, n_experts, bias_stride;
  float scale;
};
#endif

#if !defined VULKAN || defined KERNEL_HALVE
/* Workgroup (group, row). */
ARGUMENTS (halve_arguments)
{
  uint64_t work;
  uint32_t in_offset, in_row_stride, in_stride;
  uint32_t out_offset, out_row_stride, out_stride; /* in float32 elements: two halves each */
  uint32_t scales_offset;
  uint32_t width;
};
#endif

#if !defined VULKAN || defined KERNEL_QUANTISE
/* Workgroup (part of a row, row, group). */
ARGUMENTS (quantise_arguments)
{
  uint64_t work;
  uint32_t in_offset, in_row_stride, in_stride;
  uint32_t out_offset, out_row_stride, out_stride; /* in float32 elements: four codes each */
  uint32_t width;
};
#endif

#if !defined VULKAN || defined KERNEL_SORT_EXPERTS
ARGUMENTS (sort_experts_arguments)
{
  uint64_t work;
  uint32_t ids_offset, ids_row_stride;
  uint32_t list_offset;
  uint32_t n_experts, n_used, n_rows;
};
#endif

#if !defined VULKAN || defined KERNEL_ROUTE
ARGUMENTS (route_arguments)
{
  uint64_t work;
  uint64_t choice_bias, factors; /* 0 = none */
  uint32_t in_offset, in_row_stride;
  uint32_t out_offset, out_row_stride; /* ids, then weights */
  uint32_t n_experts, n_used, n_groups, n_groups_used;
  uint32_t gating, renormalise;
  float scale;
};
#endif

#if !defined VULKAN || defined KERNEL_EXPERT_SUM
ARGUMENTS (expert_sum_arguments)
{
  uint64_t work;
  uint32_t in_offset, in_row_stride, in_stride;
  uint32_t out_offset, out_row_stride;
  uint32_t weight_offset, weight_row_stride;
  uint32_t n, n_used, n_rows;
};
#endif

#if !defined VULKAN || defined KERNEL_CONV
/* Recurrent kernels: `state` is that of slot 0, `slot_floats` apart from the next. */
ARGUMENTS (conv_arguments)
{
  uint64_t work;
  uint64_t weight, bias; /* [width][kernel]; bias 0 = none */
  uint64_t tables;
  uint64_t state; /* [kernel - 1][width], oldest first */
  uint32_t slot_floats;
  uint32_t in_offset, in_row_stride;
  uint32_t out_offset, out_row_stride;
  uint32_t width, n_rows, max_rows;
};
#endif

#if !defined VULKAN || defined KERNEL_SCAN
ARGUMENTS (scan_arguments)
{
  uint64_t work;
  uint64_t a, d, dt_bias; /* dt_bias 0 = none */
  uint64_t tables;
  uint64_t state; /* [head][width][n_state] */
  uint32_t slot_floats;
  uint32_t x_offset, x_row_stride, x_stride;
  uint32_t bc_offset, bc_row_stride; /* B of every group, then C */
  uint32_t dt_offset, dt_row_stride;
  uint32_t out_offset, out_row_stride, out_stride;
  uint32_t width, n_heads, n_groups, n_rows, max_rows;
};
#endif

#if !defined VULKAN || defined KERNEL_DELTA_NET
ARGUMENTS (delta_net_arguments)
{
  uint64_t work;
  uint64_t a, dt_bias;
  uint64_t tables;
  uint64_t state; /* [value head][v_width][k_width] */
  uint32_t slot_floats;
  uint32_t qkv_offset, qkv_row_stride; /* queries, keys [n_k_heads][k_width], values */
  uint32_t alpha_offset, alpha_row_stride, alpha_width, alpha_stride;
  uint32_t beta_offset, beta_row_stride, beta_width, beta_stride;
  uint32_t out_offset, out_row_stride, out_stride;
  uint32_t n_k_heads, n_v_heads, v_width, n_rows, max_rows;
};
#endif

#endif
