/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels with int8 activations for NEON. The including file provides
 *
 *   vi dot_16 (vi sum, int8x16_t codes, int8x16_t x);       16 products in 4 sums, added
 *   void multiply_group (int rows, int depth, const int8_t *codes, const int8_t *a, size_t a_bytes,
 *                        vi (*products)[2]);                 `rows` (1 or 4) by 8, see below
 *
 * and STEP, how many codes of a weight row lie together in a panel.
 */
#pragma once

#include "engine/cpu/kernels.h"

#include <stdbool.h>
#include <string.h>

#define FAST_K       1024 /* a panel of this depth stays in the L1 cache */
#define FAST_COLUMNS 8    /* weight rows of a panel */
#define FAST_MR      4    /* rows of activations */

/* The sum of the activations' codes in a group. */
INLINE float
sum_of_x (const struct pe_q8_group *x, int group, int g)
{
  return (float) (group == 32 ? x->sum[2 * g] + x->sum[2 * g + 1] : x->sum[g]);
}

/* ---- one row ---- */

INLINE void
fast_super (codes_fn codes, scales_fn scales, int group, bool offsets, int n, const char *super,
            const struct pe_q8_group *x, vf *sum, float *sum_offsets)
{
  struct scales s;
  scales (super, n, &s);
#pragma GCC unroll 8
  for (int j = 0; j < n; j++) {
    codes_32 c = codes (super, j);
    vi first = dot_16 (vi_zero (), c.val[0], vld1q_s8 (x->q + 32 * j));
    if (group == 16) {
      sum[1] = vf_fma (vcvtq_f32_s32 (first), vf_set (s.d[2 * j] * x->d[j]), sum[1]);
      first = vi_zero ();
    }
    vi both = dot_16 (first, c.val[1], vld1q_s8 (x->q + 32 * j + 16));
    float d = group == 16 ? s.d[2 * j + 1] : s.d[j];
    int at = group == 16 ? 0 : j % 2;
    sum[at] = vf_fma (vcvtq_f32_s32 (both), vf_set (d * x->d[j]), sum[at]);
  }
  for (int g = 0; offsets && g < n * 32 / group; g++)
    *sum_offsets += s.m[g] * x->d[g * group / 32] * sum_of_x (x, group, g);
}

INLINE float
dot_fast (codes_fn codes, scales_fn scales, size_t bytes, int group, bool offsets, size_t n,
          const char *row, const struct pe_q8_group *x)
{
  vf sum[2] = { vf_zero (), vf_zero () };
  float sum_offsets = 0.0f;
  size_t i = 0;
  for (; i + 256 <= n; i += 256, row += bytes, x++) {
    prefetch (row, bytes);
    fast_super (codes, scales, group, offsets, 8, row, x, sum, &sum_offsets);
  }
  if (i < n)
    fast_super (codes, scales, group, offsets, (int) ((n - i) / 32), row, x, sum, &sum_offsets);
  return vf_sum (vf_add (sum[0], sum[1])) + sum_offsets;
}

/* ---- gemm: eight weight rows, STEP codes of each beside each other ---- */

struct panel {
  _Alignas(64) int8_t codes[FAST_K * FAST_COLUMNS]; /* [k / STEP][row][STEP] */
  float d[FAST_K / 16][FAST_COLUMNS], m[FAST_K / 16][FAST_COLUMNS];
};

_Static_assert(sizeof (struct panel) <= PE_GEMM_SCRATCH, "the panel does not fit the scratch");

/* Rows behind n_rows repeat the last one: nothing is made of them. */
INLINE void
fill_panel (struct panel *panel, codes_fn codes, scales_fn scales, size_t bytes, int group,
            size_t n_rows, size_t k, const char *rows, size_t row_bytes)
{
  for (size_t r = 0; r < FAST_COLUMNS; r++)
    for (size_t p = 0; p < k; p += 256) {
      const char *super = rows + smaller (r, n_rows - 1) * row_bytes + p / 256 * bytes;
      int n = (int) (smaller (k - p, 256) / 32);
      struct scales s;
      scales (super, n, &s);
      for (int g = 0; g < n * 32 / group; g++) {
        panel->d[p / (size_t) group + (size_t) g][r] = s.d[g];
        panel->m[p / (size_t) group + (size_t) g][r] = s.m[g];
      }
      for (int j = 0; j < n; j++) {
        int8_t line[32], *to = panel->codes + (p + 32 * (size_t) j) * FAST_COLUMNS + r * STEP;
        codes_32 c = codes (super, j);
        vst1q_s8 (line, c.val[0]);
        vst1q_s8 (line + 16, c.val[1]);
        for (size_t t = 0; t < 32; t += STEP)
          memcpy (to + t * FAST_COLUMNS, line + t, STEP);
      }
    }
}

/* `rows` of a times a panel, added to sum[rows]. */
INLINE void
fast_block (const struct panel *panel, int group, bool offsets, int rows, size_t k,
            const struct pe_q8_group *a, size_t a_stride, vf (*sum)[2])
{
  for (size_t p = 0; p < k; p += 256, a++) {
    int n_groups = (int) (smaller (k - p, 256) / (size_t) group);
    for (int g = 0; g < n_groups; g++) {
      size_t at = p / (size_t) group + (size_t) g;
      vi products[FAST_MR][2];
      multiply_group (rows, group, panel->codes + at * (size_t) group * FAST_COLUMNS,
                      a->q + g * group, a_stride * sizeof *a, products);
#pragma GCC unroll 4
      for (int i = 0; i < rows; i++) {
        const struct pe_q8_group *x = a + (size_t) i * a_stride;
        float xd = x->d[g * group / 32];
        float xm = offsets ? xd * sum_of_x (x, group, g) : 0.0f;
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
          vf scale = vf_mul (vf_load (panel->d[at] + 4 * h), vf_set (xd));
          sum[i][h] = vf_fma (vcvtq_f32_s32 (products[i][h]), scale, sum[i][h]);
          if (offsets)
            sum[i][h] = vf_fma (vf_load (panel->m[at] + 4 * h), vf_set (xm), sum[i][h]);
        }
      }
    }
  }
}

/* Adds the first n of eight sums to c. */
INLINE void
add_to (float *c, const vf *sum, size_t n)
{
  float values[FAST_COLUMNS];
  vf_store (values, sum[0]);
  vf_store (values + 4, sum[1]);
  for (size_t j = 0; j < n; j++)
    c[j] += values[j];
}

INLINE void
fast_rows (const struct panel *panel, int group, bool offsets, int rows, size_t k,
           const struct pe_q8_group *a, size_t a_stride, float *c, size_t c_stride, size_t width)
{
  vf sum[FAST_MR][2];
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
    sum[i][0] = sum[i][1] = vf_zero ();
  fast_block (panel, group, offsets, rows, k, a, a_stride, sum);
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
    add_to (c + (size_t) i * c_stride, sum[i], width);
}

INLINE void
gemm_fast (codes_fn codes, scales_fn scales, size_t bytes, int group, bool offsets, size_t m,
           size_t n, size_t k, const struct pe_q8_group *a, size_t a_stride, const char *rows,
           size_t row_bytes, float *c, size_t c_stride, struct panel *panel)
{
  clear_rows (m, n, c, c_stride);
  for (size_t p = 0; p < k; p += FAST_K) {
    size_t depth = smaller (k - p, FAST_K);
    for (size_t j = 0; j < n; j += FAST_COLUMNS) {
      size_t width = smaller (n - j, FAST_COLUMNS), i = 0;
      fill_panel (panel, codes, scales, bytes, group, width, depth,
                  rows + j * row_bytes + p / 256 * bytes, row_bytes);
      for (; i + FAST_MR <= m; i += FAST_MR)
        fast_rows (panel, group, offsets, FAST_MR, depth, a + i * a_stride + p / 256, a_stride,
                   c + i * c_stride + j, c_stride, width);
      for (; i < m; i++)
        fast_rows (panel, group, offsets, 1, depth, a + i * a_stride + p / 256, a_stride,
                   c + i * c_stride + j, c_stride, width);
    }
  }
}

/* ---- limits ---- */

#define BARE_FAST_DEPTH 512

static double
bare_fast (size_t rounds, void *scratch)
{
  int8_t *codes = scratch, *a = codes + BARE_FAST_DEPTH * FAST_COLUMNS;
  vi sum = vi_zero ();
  for (size_t r = 0; r < rounds; r++)
    for (size_t p = 0; p < BARE_FAST_DEPTH; p += 32) {
      vi products[FAST_MR][2];
      multiply_group (FAST_MR, 32, codes + p * FAST_COLUMNS, a + p, BARE_FAST_DEPTH, products);
#pragma GCC unroll 4
      for (int i = 0; i < FAST_MR; i++)
        sum = vi_xor (sum, vi_xor (products[i][0], products[i][1]));
    }
  vst1q_s32 (scratch, sum);
  return 2.0 * FAST_MR * FAST_COLUMNS * BARE_FAST_DEPTH * (double) rounds;
}

/* ---- the kernels of each type ---- */

#define DEFINE_FAST(NAME, name, bytes, group, offsets)                                             \
  static void fast_##name (size_t n, const void *rows, size_t row_bytes, size_t n_rows,            \
                           const struct pe_q8_group *x, float *out)                                \
  {                                                                                                \
    for (size_t r = 0; r < n_rows; r++)                                                            \
      out[r] = dot_fast (codes_##name, scales_##name, bytes, group, offsets, n,                    \
                         (const char *) rows + r * row_bytes, x);                                  \
  }                                                                                                \
  static void gemm_fast_##name (size_t m, size_t n, size_t k, const struct pe_q8_group *a,         \
                                size_t a_stride, const void *rows, size_t row_bytes, float *c,     \
                                size_t c_stride, void *scratch)                                    \
  {                                                                                                \
    gemm_fast (codes_##name, scales_##name, bytes, group, offsets, m, n, k, a, a_stride, rows,     \
               row_bytes, c, c_stride, scratch);                                                   \
  }

CODED_TYPES (DEFINE_FAST)

#define SET_FAST(NAME, name, ...)                                                                  \
  kernels->dot_fast[PE_TYPE_##NAME] = fast_##name;                                                 \
  kernels->gemm_fast[PE_TYPE_##NAME] = gemm_fast_##name;

INLINE void
set_fast (struct pe_kernels *kernels)
{
  CODED_TYPES (SET_FAST)
  kernels->bare_fast = bare_fast;
}
