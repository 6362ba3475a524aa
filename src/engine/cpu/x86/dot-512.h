/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dot products of weight rows with int8 activations, in 512-bit registers: 128 codes of a row at
 * a time, as codes-512.h gives them; the products of a group of 32 (or of 16) fill four lanes.
 * Types of few bits are unpacked for so long that two rows are worth sharing the loading and
 * ordering of the activations; the others wait for memory, which prefers one row after the other.
 */
#pragma once

#include "engine/cpu/x86/codes-512.h"
#include "engine/cpu/x86/fast.h"

#define DOT_ROWS       2
#define TWO_ROWS_UP_TO 176 /* bytes of 256 elements */

typedef void (*wide_fn) (const void *super, int h, __m512i *c);

/* The scales of groups first … first + 3, each for four lanes. */
INLINE __m512
lane_scales (__m512 d, int first)
{
  const __m512i group_of = _mm512_setr_epi32 (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_ps (_mm512_add_epi32 (group_of, _mm512_set1_epi32 (first)), d);
}

/* Scales of weights times those of the activations, for all groups of a super-block. */
INLINE __m512
both_scales (const struct scales *s, const struct pe_q8_group *x, int group)
{
  __m512 xd = _mm512_castps256_ps512 (_mm256_loadu_ps (x->d));
  if (group == 32)
    return _mm512_castps256_ps512 (
        _mm256_mul_ps (_mm256_loadu_ps (s->d), _mm512_castps512_ps256 (xd)));
  const __m512i half = _mm512_setr_epi32 (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_mul_ps (_mm512_loadu_ps (s->d), _mm512_permutexvar_ps (half, xd));
}

INLINE void
dot_wide (wide_fn wide, scales_fn scales, size_t bytes, int group, bool signed_codes, bool offsets,
          int n_rows, size_t n_supers, const char *rows, size_t row_bytes,
          const struct pe_q8_group *x, __m512 *sum, __m256 *sum_offsets)
{
  /* One stream for memory: what is read ahead is the next rows as they lie. */
  const char *ahead = rows + (n_rows * row_bytes > AHEAD ? n_rows * row_bytes : AHEAD);
  for (size_t i = 0; i < n_supers; i++, rows += bytes, x++, ahead += n_rows * bytes) {
    __m512 d[DOT_ROWS];
    __m256 xm[2];
    if (offsets)
      for (int k = 0; k < 32 / group; k++)
        xm[k] = offsets_of (x, group, k);
    prefetch_lines (ahead, (size_t) n_rows * bytes);
#pragma GCC unroll 2
    for (int r = 0; r < n_rows; r++) {
      struct scales s;
      fast_scales (scales, group, signed_codes, rows + r * row_bytes, 8, &s);
      d[r] = both_scales (&s, x, group);
      if (offsets)
        for (int k = 0; k < 32 / group; k++)
          sum_offsets[r] = _mm256_fmadd_ps (_mm256_loadu_ps (s.m + 8 * k), xm[k], sum_offsets[r]);
    }
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++) {
      __m512i right[2];
      order_wide (group, _mm512_loadu_si512 (x->q + 128 * h),
                  _mm512_loadu_si512 (x->q + 128 * h + 64), right);
#pragma GCC unroll 2
      for (int r = 0; r < n_rows; r++) {
        __m512i c[2];
        wide (rows + r * row_bytes, h, c);
        for (int k = 0; signed_codes && k < 2; k++)
          c[k] = _mm512_xor_si512 (c[k], _mm512_set1_epi8 (-128));
        __m512i products = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), c[0], right[0]);
        if (group == 16) {
          sum[r] =
              _mm512_fmadd_ps (_mm512_cvtepi32_ps (products), lane_scales (d[r], 8 * h), sum[r]);
          products = _mm512_setzero_si512 ();
        }
        products = _mm512_dpbusd_epi32 (products, c[1], right[1]);
        sum[r] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (products),
                                  lane_scales (d[r], group == 16 ? 8 * h + 4 : 4 * h), sum[r]);
      }
    }
  }
}

/* `n_rows` (1 or 2) rows: whole super-blocks, and what is left of a row by fast.h. */
INLINE void
dot_wide_rows (wide_fn wide, codes_fn codes, scales_fn scales, size_t bytes, int group,
               bool signed_codes, bool offsets, int n_rows, size_t n, const char *rows,
               size_t row_bytes, const struct pe_q8_group *x, float *out)
{
  __m512 sum[DOT_ROWS];
  __m256 sum_offsets[DOT_ROWS];
  size_t n_supers = n / 256;
  for (int r = 0; r < n_rows; r++) {
    sum[r] = _mm512_setzero_ps ();
    sum_offsets[r] = _mm256_setzero_ps ();
  }
  dot_wide (wide, scales, bytes, group, signed_codes, offsets, n_rows, n_supers, rows, row_bytes, x,
            sum, sum_offsets);
  for (int r = 0; r < n_rows; r++) {
    __m256 rest[2] = { _mm256_setzero_ps (), _mm256_setzero_ps () };
    if (n % 256)
      fast_super (codes, scales, group, signed_codes, offsets, (int) (n % 256 / 32),
                  rows + r * row_bytes + n_supers * bytes, x + n_supers, rest, &sum_offsets[r]);
    __m256 all =
        _mm256_add_ps (_mm512_castps512_ps256 (sum[r]), _mm512_extractf32x8_ps (sum[r], 1));
    out[r] = sum_8 (
        _mm256_add_ps (_mm256_add_ps (all, sum_offsets[r]), _mm256_add_ps (rest[0], rest[1])));
  }
}

#define DEFINE_DOT_WIDE(NAME, name, bytes, group, zero)                                            \
  static void dot_wide_##name (size_t n, const void *rows, size_t row_bytes, size_t n_rows,        \
                               const struct pe_q8_group *x, float *out)                            \
  {                                                                                                \
    const char *row = rows;                                                                        \
    prefetch_lines (row, smaller (n_rows *row_bytes, AHEAD)); /* the rest as it goes */            \
    size_t r = 0;                                                                                  \
    for (; bytes <= TWO_ROWS_UP_TO && r + DOT_ROWS <= n_rows;                                      \
         r += DOT_ROWS, row += DOT_ROWS * row_bytes)                                               \
      dot_wide_rows (wide_##name, codes_##name, scales_##name, bytes, group, !(zero),              \
                     HAS_OFFSETS (zero), DOT_ROWS, n, row, row_bytes, x, out + r);                 \
    for (; r < n_rows; r++, row += row_bytes)                                                      \
      dot_wide_rows (wide_##name, codes_##name, scales_##name, bytes, group, !(zero),              \
                     HAS_OFFSETS (zero), 1, n, row, row_bytes, x, out + r);                        \
  }

CODED_TYPES (DEFINE_DOT_WIDE)

#define SET_DOT_WIDE(NAME, name, ...) kernels->dot_fast[PE_TYPE_##NAME] = dot_wide_##name;

INLINE void
set_dot_wide (struct pe_kernels *kernels)
{
  CODED_TYPES (SET_DOT_WIDE)
}
