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
#define STREAM_AHEAD   8192 /* bytes, measured: 4096 and 12288 are a little slower */
#define TWO_ROWS_UP_TO 176  /* bytes of 256 elements */

/* Weights are read once a token: past the caches that they would only fill. */
INLINE void
prefetch_stream (const char *p, size_t n_bytes)
{
#pragma GCC unroll 20
  for (size_t i = 0; i < n_bytes; i += 64)
    _mm_prefetch (p + i, _MM_HINT_NTA);
}

typedef void (*wide_fn) (const void *super, int h, __m512i *c);

/* The scales of groups first … first + 3, each for four lanes. */
INLINE __m512
lane_scales (__m512 d, int first)
{
  const __m512i group_of = _mm512_setr_epi32 (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_ps (_mm512_add_epi32 (group_of, _mm512_set1_epi32 (first)), d);
}

/* The first 8 or 16 of what was put down in halves: loading both at once would have to wait until
 * the stores are through. */
INLINE __m512
joined (int group, const float *p)
{
  __m512 x = _mm512_castps256_ps512 (_mm256_loadu_ps (p));
  return group == 16 ? _mm512_insertf32x8 (x, _mm256_loadu_ps (p + 8), 1) : x;
}

/* The scales of the activations for all groups of a super-block. */
INLINE __m512
scales_of_x (const struct pe_q8_group *x, int group)
{
  const __m512i half = _mm512_setr_epi32 (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  __m512 d = _mm512_castps256_ps512 (_mm256_loadu_ps (x->d));
  return group == 16 ? _mm512_permutexvar_ps (half, d) : d;
}

/* The sums of the activations' codes, the same way. */
INLINE __m512
sums_of_x (const struct pe_q8_group *x, int group)
{
  __m256i sums = _mm256_loadu_si256 ((const __m256i *) x->sum);
  if (group == 16)
    return _mm512_cvtepi32_ps (_mm512_cvtepi16_epi32 (sums));
  return _mm512_castps256_ps512 (
      _mm256_cvtepi32_ps (_mm256_madd_epi16 (sums, _mm256_set1_epi16 (1))));
}

/* a * b + c of as many lanes as there are groups. */
INLINE __m512
add_products (int group, __m512 a, __m512 b, __m512 c)
{
  if (group == 16)
    return _mm512_fmadd_ps (a, b, c);
  return _mm512_castps256_ps512 (_mm256_fmadd_ps (
      _mm512_castps512_ps256 (a), _mm512_castps512_ps256 (b), _mm512_castps512_ps256 (c)));
}

/* For codes that count from a zero of their own (`zero` < 0), sum_offsets becomes the sum of
 * m times what the activations add up to; for a constant zero that of d, and is multiplied by the
 * zero in the end. */
INLINE void
dot_wide (wide_fn wide, scales_fn scales, size_t bytes, int group, bool signed_codes, int zero,
          int n_rows, size_t n_supers, const char *rows, size_t row_bytes,
          const struct pe_q8_group *x, __m512 *sum, __m512 *sum_offsets)
{
  /* One stream for memory: what is read ahead is the next rows as they lie. */
  const char *ahead =
      rows + (n_rows * row_bytes > STREAM_AHEAD ? n_rows * row_bytes : STREAM_AHEAD);
  for (size_t i = 0; i < n_supers; i++, rows += bytes, x++, ahead += n_rows * bytes) {
    __m512 d[DOT_ROWS], xd = scales_of_x (x, group), xs = sums_of_x (x, group);
    if (zero < 0)
      xs = _mm512_mul_ps (xs, xd);
    prefetch_stream (ahead, (size_t) n_rows * bytes);
#pragma GCC unroll 2
    for (int r = 0; r < n_rows; r++) {
      struct scales s;
      scales (rows + r * row_bytes, 8, &s);
      d[r] = _mm512_mul_ps (joined (group, s.d), xd);
      sum_offsets[r] =
          add_products (group, zero < 0 ? joined (group, s.m) : d[r], xs, sum_offsets[r]);
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

INLINE __m256
fold (__m512 x)
{
  return _mm256_add_ps (_mm512_castps512_ps256 (x), _mm512_extractf32x8_ps (x, 1));
}

/* Up to DOT_ROWS rows: whole super-blocks, and what is left of a row by fast.h. */
INLINE void
dot_wide_rows (wide_fn wide, codes_fn codes, scales_fn scales, size_t bytes, int group,
               bool signed_codes, int zero, int n_rows, size_t n, const char *rows,
               size_t row_bytes, const struct pe_q8_group *x, float *out)
{
  __m512 sum[DOT_ROWS], sum_offsets[DOT_ROWS];
  size_t n_supers = n / 256;
  for (int r = 0; r < n_rows; r++)
    sum[r] = sum_offsets[r] = _mm512_setzero_ps ();
  dot_wide (wide, scales, bytes, group, signed_codes, zero, n_rows, n_supers, rows, row_bytes, x,
            sum, sum_offsets);
  for (int r = 0; r < n_rows; r++) {
    __m256 rest[2] = { _mm256_setzero_ps (), _mm256_setzero_ps () };
    __m256 offsets = group == 16 ? fold (sum_offsets[r]) : _mm512_castps512_ps256 (sum_offsets[r]);
    if (zero > 0)
      offsets = _mm256_mul_ps (offsets, _mm256_set1_ps ((float) -zero));
    if (n % 256)
      fast_super (codes, scales, group, signed_codes, true, (int) (n % 256 / 32),
                  rows + r * row_bytes + n_supers * bytes, x + n_supers, rest, &offsets);
    out[r] = sum_8 (
        _mm256_add_ps (_mm256_add_ps (fold (sum[r]), offsets), _mm256_add_ps (rest[0], rest[1])));
  }
}

#define DEFINE_DOT_WIDE(NAME, name, bytes, group, zero)                                            \
  static void dot_wide_##name (size_t n, const void *rows, size_t row_bytes, size_t n_rows,        \
                               const struct pe_q8_group *x, float *out)                            \
  {                                                                                                \
    const char *row = rows;                                                                        \
    prefetch_stream (row, smaller (n_rows *row_bytes, STREAM_AHEAD)); /* the rest as it goes */    \
    size_t r = 0;                                                                                  \
    for (; bytes <= TWO_ROWS_UP_TO && r + DOT_ROWS <= n_rows;                                      \
         r += DOT_ROWS, row += DOT_ROWS * row_bytes)                                               \
      dot_wide_rows (wide_##name, codes_##name, scales_##name, bytes, group, !(zero),              \
                     PREPARED_ZERO (zero), DOT_ROWS, n, row, row_bytes, x, out + r);               \
    for (; r < n_rows; r++, row += row_bytes)                                                      \
      dot_wide_rows (wide_##name, codes_##name, scales_##name, bytes, group, !(zero),              \
                     PREPARED_ZERO (zero), 1, n, row, row_bytes, x, out + r);                      \
  }

CODED_TYPES (DEFINE_DOT_WIDE)

#define SET_DOT_WIDE(NAME, name, ...) kernels->dot_fast[PE_TYPE_##NAME] = dot_wide_##name;

INLINE void
set_dot_wide (struct pe_kernels *kernels)
{
  CODED_TYPES (SET_DOT_WIDE)
}
