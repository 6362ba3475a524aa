/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels with int8 activations. The including file provides the products of four bytes at a time
 *
 *   __m256i dot_bytes (__m256i codes, __m256i x, bool signed_codes);   32 products in 8 sums
 *   vi dot_bytes_add (vi sum, vi codes, vi x, bool signed_codes);      the same, wide, added
 *
 * and PREPARE_CODES (c): what turns negative codes into what dot_bytes wants, with CODE_OFFSET
 * the number that it adds to them (0 where signs are dealt with inside).
 */
#pragma once

#include "engine/cpu/kernels.h"

#include <stdbool.h>

#define FAST_K 1024 /* a panel of W rows of this depth stays in the L1 cache */

/* Scales of a super-block for prepared codes. */
INLINE void
fast_scales (scales_fn scales, int group, bool signed_codes, const char *super, int n,
             struct scales *s)
{
  scales (super, n, s);
  if (signed_codes && CODE_OFFSET)
    for (int i = 0; i < 256 / group; i += 8)
      _mm256_storeu_ps (s->m + i,
                        _mm256_fnmadd_ps (_mm256_set1_ps (CODE_OFFSET), _mm256_loadu_ps (s->d + i),
                                          _mm256_loadu_ps (s->m + i)));
}

/* The scale of the activations of groups of 16, for groups 8 i … 8 i + 7. */
INLINE __m256
scale_of_16 (const struct pe_q8_group *x, int i)
{
  return _mm256_permutevar8x32_ps (
      _mm256_loadu_ps (x->d),
      _mm256_add_epi32 (_mm256_setr_epi32 (0, 0, 1, 1, 2, 2, 3, 3), _mm256_set1_epi32 (4 * i)));
}

/* d times the sum of the codes of x: of 8 groups of 32, or of groups 8 i … of 16. */
INLINE __m256
offsets_of (const struct pe_q8_group *x, int group, int i)
{
  if (group == 32) {
    __m256i pairs = _mm256_loadu_si256 ((const __m256i *) x->sum);
    __m256i sums = _mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1));
    return _mm256_mul_ps (_mm256_cvtepi32_ps (sums), _mm256_loadu_ps (x->d));
  }
  __m128i sums = _mm_loadu_si128 ((const __m128i *) (x->sum + 8 * i));
  return _mm256_mul_ps (_mm256_cvtepi32_ps (_mm256_cvtepi16_epi32 (sums)), scale_of_16 (x, i));
}

INLINE void
fast_super (codes_fn codes, scales_fn scales, int group, bool signed_codes, bool offsets, int n,
            const char *super, const struct pe_q8_group *x, __m256 *sum, __m256 *sum_offsets)
{
  struct scales s;
  float d[16];
  if (n < 8)
    memset (&s, 0, sizeof s);
  fast_scales (scales, group, signed_codes, super, n, &s);
  for (int i = 0; i < 32 / group; i++) {
    __m256 xd = group == 32 ? _mm256_loadu_ps (x->d) : scale_of_16 (x, i);
    _mm256_storeu_ps (d + 8 * i, _mm256_mul_ps (_mm256_loadu_ps (s.d + 8 * i), xd));
    if (offsets)
      *sum_offsets =
          _mm256_fmadd_ps (_mm256_loadu_ps (s.m + 8 * i), offsets_of (x, group, i), *sum_offsets);
  }
#pragma GCC unroll 8
  for (int j = 0; j < n; j++) {
    __m256i c = codes (super, j);
    if (signed_codes)
      c = PREPARE_CODES (c);
    __m256i products = dot_bytes (c, load_32 (x->q + 32 * j), signed_codes);
    __m256 scale = group == 32 ? _mm256_set1_ps (d[j])
                               : _mm256_blend_ps (_mm256_set1_ps (d[2 * j]),
                                                  _mm256_set1_ps (d[2 * j + 1]), 0xf0);
    sum[j % 2] = _mm256_fmadd_ps (_mm256_cvtepi32_ps (products), scale, sum[j % 2]);
  }
}

INLINE float
sum_8 (__m256 x)
{
  __m128 s = _mm_add_ps (_mm256_castps256_ps128 (x), _mm256_extractf128_ps (x, 1));
  s = _mm_add_ps (s, _mm_movehl_ps (s, s));
  return _mm_cvtss_f32 (_mm_add_ss (s, _mm_movehdup_ps (s)));
}

INLINE float
dot_fast (codes_fn codes, scales_fn scales, size_t bytes, int group, bool signed_codes,
          bool offsets, size_t n, const char *row, const struct pe_q8_group *x)
{
  __m256 sum[2] = { _mm256_setzero_ps (), _mm256_setzero_ps () };
  __m256 sum_offsets = _mm256_setzero_ps ();
  size_t i = 0;
  for (; i + 256 <= n; i += 256, row += bytes, x++) {
    prefetch (row, bytes);
    fast_super (codes, scales, group, signed_codes, offsets, 8, row, x, sum, &sum_offsets);
  }
  if (i < n)
    fast_super (codes, scales, group, signed_codes, offsets, (int) ((n - i) / 32), row, x, sum,
                &sum_offsets);
  return sum_8 (_mm256_add_ps (_mm256_add_ps (sum[0], sum[1]), sum_offsets));
}

/* ---- gemm: W weight rows interleaved by four bytes, so that a register holds W rows ---- */

struct panel {
  _Alignas(64) uint8_t codes[FAST_K / 4][W][4];
  float d[FAST_K / 16][W], m[FAST_K / 16][W]; /* per group, 16 or 32 */
};

_Static_assert(sizeof (struct panel) <= PE_GEMM_SCRATCH, "the panel does not fit the scratch");

INLINE void
transpose_8 (__m256 *x)
{
  __m256 pair[8], four[8];
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm256_unpacklo_ps (x[i], x[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps (x[i], x[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int l = 0; l < 2; l++) {
      four[i + 2 * l] = _mm256_shuffle_ps (pair[i + l], pair[i + l + 2], 0x44);
      four[i + 2 * l + 1] = _mm256_shuffle_ps (pair[i + l], pair[i + l + 2], 0xee);
    }
  for (int i = 0; i < 4; i++) {
    x[i] = _mm256_permute2f128_ps (four[i], four[i + 4], 0x20);
    x[i + 4] = _mm256_permute2f128_ps (four[i], four[i + 4], 0x31);
  }
}

/* Eight values of each of eight rows, put beside each other from column `first` on. */
INLINE void
put_columns (const float *from, size_t stride, float (*to)[W], size_t first)
{
  __m256 x[8];
  for (int r = 0; r < 8; r++)
    x[r] = _mm256_loadu_ps (from + (size_t) r * stride);
  transpose_8 (x);
  for (int g = 0; g < 8; g++)
    _mm256_storeu_ps (to[g] + first, x[g]);
}

/* Rows behind n_rows repeat the last one: nothing is made of them. */
INLINE void
fill_panel (struct panel *panel, codes_fn codes, scales_fn scales, size_t bytes, int group,
            bool signed_codes, bool own_zeros, size_t n_rows, size_t k, const char *rows,
            size_t row_bytes)
{
  for (size_t first = 0; first < n_rows; first += 8)
    for (size_t p = 0; p < k; p += 256) {
      struct scales s[8];
      const char *super[8];
      int n = (int) (smaller (k - p, 256) / 32);
      if (n < 8)
        memset (s, 0, sizeof s);
      for (size_t r = 0; r < 8; r++) {
        super[r] = rows + smaller (first + r, n_rows - 1) * row_bytes + p / 256 * bytes;
        fast_scales (scales, group, signed_codes, super[r], n, &s[r]);
      }
      for (int g = 0; g < 256 / group; g += 8) {
        size_t at = p / (size_t) group + (size_t) g;
        put_columns (s[0].d + g, sizeof *s / sizeof (float), panel->d + at, first);
        if (own_zeros)
          put_columns (s[0].m + g, sizeof *s / sizeof (float), panel->m + at, first);
      }
      for (int j = 0; j < n; j++) {
        __m256 x[8];
        for (int r = 0; r < 8; r++) {
          __m256i c = codes (super[r], j);
          x[r] = _mm256_castsi256_ps (signed_codes ? PREPARE_CODES (c) : c);
        }
        transpose_8 (x);
        for (int t = 0; t < 8; t++)
          _mm256_storeu_ps ((float *) panel->codes[p / 4 + 8 * (size_t) j + (size_t) t][first],
                            x[t]);
      }
    }
}

/* What the sums of products begin with, for the groups of 256 elements of a row of activations:
 * minus `zero` times their sum, so that codes count from their zero. */
INLINE void
first_products (const struct pe_q8_group *x, int group, int zero, int *out)
{
  __m256i sums = _mm256_loadu_si256 ((const __m256i *) x->sum);
  __m256i factor = _mm256_set1_epi16 ((short) -zero);
  if (group == 32) {
    _mm256_storeu_si256 ((__m256i *) out, _mm256_madd_epi16 (sums, factor));
    return;
  }
  for (int i = 0; i < 2; i++) {
    __m128i half = i ? _mm256_extracti128_si256 (sums, 1) : _mm256_castsi256_si128 (sums);
    _mm256_storeu_si256 (
        (__m256i *) (out + 8 * i),
        _mm256_mullo_epi32 (_mm256_cvtepi16_epi32 (half), _mm256_set1_epi32 (-zero)));
  }
}

/* `rows` of a times a panel, added to sum[rows]; `zero`: of prepared codes, or OWN_ZEROS. */
INLINE void
fast_block (const struct panel *panel, int group, bool signed_codes, int zero, int rows, size_t k,
            const struct pe_q8_group *a, size_t a_stride, vf *sum)
{
  for (size_t p = 0; p < k; p += 256, a++) {
    float xm[FAST_MR][16];
    int start[FAST_MR][16];
    for (int i = 0; i < rows; i++)
      if (zero > 0)
        first_products (a + i * a_stride, group, zero, start[i]);
      else if (zero < 0)
        for (int h = 0; h < 32 / group; h++)
          _mm256_storeu_ps (xm[i] + 8 * h, offsets_of (a + i * a_stride, group, h));
    int n_groups = (int) (smaller (k - p, 256) / (size_t) group);
    for (int g = 0; g < n_groups; g++) {
      vi products[FAST_MR];
#pragma GCC unroll 8
      for (int i = 0; i < rows; i++)
        products[i] = zero > 0 ? vi_set_4 (&start[i][g]) : vi_zero ();
#pragma GCC unroll 8
      for (int t = 0; t < group / 4; t++) {
        vi codes = vi_load (panel->codes[p / 4 + g * group / 4 + t]);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++)
          products[i] = dot_bytes_add (
              products[i], codes, vi_set_4 (a[i * a_stride].q + g * group + 4 * t), signed_codes);
      }
      vf d = vf_load (panel->d[p / group + g]);
#pragma GCC unroll 8
      for (int i = 0; i < rows; i++) {
        vf scale = vf_mul (d, vf_set (a[i * a_stride].d[g * group / 32]));
        sum[i] = vf_fma (vf_from_vi (products[i]), scale, sum[i]);
        if (zero < 0)
          sum[i] = vf_fma (vf_load (panel->m[p / group + g]), vf_set (xm[i][g]), sum[i]);
      }
    }
  }
}

/* Adds the first n of W sums to c. */
INLINE void
add_to (float *c, vf sum, size_t n)
{
  if (n == W) {
    vf_store (c, vf_add (vf_load (c), sum));
    return;
  }
  float values[W];
  vf_store (values, sum);
  for (size_t j = 0; j < n; j++)
    c[j] += values[j];
}

INLINE void
gemm_fast (codes_fn codes, scales_fn scales, size_t bytes, int group, bool signed_codes, int zero,
           size_t m, size_t n, size_t k, const struct pe_q8_group *a, size_t a_stride,
           const char *rows, size_t row_bytes, float *c, size_t c_stride, struct panel *panel)
{
  for (size_t i = 0; i < m; i++)
    memset (c + i * c_stride, 0, n * sizeof *c);
  for (size_t p = 0; p < k; p += FAST_K) {
    size_t depth = smaller (k - p, FAST_K);
    for (size_t j = 0; j < n; j += W) {
      size_t width = smaller (n - j, W);
      fill_panel (panel, codes, scales, bytes, group, signed_codes, zero < 0, width, depth,
                  rows + j * row_bytes + p / 256 * bytes, row_bytes);
      size_t i = 0;
      for (; i + FAST_MR <= m; i += FAST_MR) {
        vf sum[FAST_MR];
        for (int l = 0; l < FAST_MR; l++)
          sum[l] = vf_zero ();
        fast_block (panel, group, signed_codes, zero, FAST_MR, depth, a + i * a_stride + p / 256,
                    a_stride, sum);
        for (int l = 0; l < FAST_MR; l++)
          add_to (c + (i + l) * c_stride + j, sum[l], width);
      }
      for (; i < m; i++) {
        vf sum = vf_zero ();
        fast_block (panel, group, signed_codes, zero, 1, depth, a + i * a_stride + p / 256,
                    a_stride, &sum);
        add_to (c + i * c_stride + j, sum, width);
      }
    }
  }
}

/* What the loop over a panel could reach with no scales and nothing to fill. */
#define BARE_FAST_DEPTH 512

static double
bare_fast (size_t rounds, void *scratch)
{
  const char *codes = scratch, *a = codes + BARE_FAST_DEPTH * W;
  vi sum[FAST_MR];
  for (int i = 0; i < FAST_MR; i++)
    sum[i] = vi_zero ();
  for (size_t r = 0; r < rounds; r++)
    for (size_t p = 0; p < BARE_FAST_DEPTH; p += 32)
#pragma GCC unroll 8
      for (size_t t = p; t < p + 32; t += 4) {
        vi c = vi_load (codes + t * W);
#pragma GCC unroll 16
        for (int i = 0; i < FAST_MR; i++)
          sum[i] = dot_bytes_add (sum[i], c, vi_set_4 (a + i * BARE_FAST_DEPTH + t), false);
      }
  memcpy (scratch, sum, sizeof sum);
  return 2.0 * FAST_MR * W * BARE_FAST_DEPTH * (double) rounds;
}

#define HAS_OFFSETS(zero)   ((zero) != 0 || CODE_OFFSET)
#define PREPARED_ZERO(zero) ((zero) ? (zero) : CODE_OFFSET)

#define DEFINE_FAST(NAME, name, bytes, group, zero)                                                \
  static void fast_##name (size_t n, const void *rows, size_t row_bytes, size_t n_rows,            \
                           const struct pe_q8_group *x, float *out)                                \
  {                                                                                                \
    for (size_t r = 0; r < n_rows; r++)                                                            \
      out[r] = dot_fast (codes_##name, scales_##name, bytes, group, !(zero), HAS_OFFSETS (zero),   \
                         n, (const char *) rows + r * row_bytes, x);                               \
  }                                                                                                \
  static void gemm_fast_##name (size_t m, size_t n, size_t k, const struct pe_q8_group *a,         \
                                size_t a_stride, const void *rows, size_t row_bytes, float *c,     \
                                size_t c_stride, void *scratch)                                    \
  {                                                                                                \
    gemm_fast (codes_##name, scales_##name, bytes, group, !(zero), PREPARED_ZERO (zero), m, n, k,  \
               a, a_stride, rows, row_bytes, c, c_stride, scratch);                                \
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
