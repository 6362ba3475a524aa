/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The vocabulary of vector-256.h for 512-bit registers.
 */
#pragma once

#include <immintrin.h>
#include <stddef.h>

#define INLINE static inline __attribute__ ((always_inline))

#define W    16
#define SUMS W

typedef __m512 vf;
typedef __m512i vi;
typedef __m256i codes_32;

#define FAST_MR 8

INLINE vf
vf_zero (void)
{
  return _mm512_setzero_ps ();
}

INLINE vf
vf_set (float x)
{
  return _mm512_set1_ps (x);
}

INLINE vf
vf_load (const float *p)
{
  return _mm512_loadu_ps (p);
}

INLINE void
vf_store (float *p, vf x)
{
  _mm512_storeu_ps (p, x);
}

INLINE vf
vf_add (vf a, vf b)
{
  return _mm512_add_ps (a, b);
}

INLINE vf
vf_sub (vf a, vf b)
{
  return _mm512_sub_ps (a, b);
}

INLINE vf
vf_mul (vf a, vf b)
{
  return _mm512_mul_ps (a, b);
}

INLINE vf
vf_div (vf a, vf b)
{
  return _mm512_div_ps (a, b);
}

INLINE vf
vf_fma (vf a, vf b, vf c)
{
  return _mm512_fmadd_ps (a, b, c);
}

INLINE vf
vf_max (vf a, vf b)
{
  return _mm512_max_ps (a, b);
}

INLINE vf
vf_min (vf a, vf b)
{
  return _mm512_min_ps (a, b);
}

INLINE vf
vf_round (vf x)
{
  return _mm512_roundscale_ps (x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE vf
vf_abs (vf x)
{
  return _mm512_abs_ps (x);
}

INLINE vf
vf_if_less (vf x, vf y, vf a, vf b)
{
  return _mm512_mask_blend_ps (_mm512_cmp_ps_mask (x, y, _CMP_LT_OQ), b, a);
}

INLINE vf
vf_scale (vf x, vf n)
{
  return _mm512_scalef_ps (x, n);
}

INLINE float
vf_sum (vf x)
{
  return _mm512_reduce_add_ps (x);
}

INLINE vf
vf_sum_each (const vf *x)
{
  vf halves[8], quarters[4];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) { /* halves[i]: 8 lanes of x[j], 8 of x[j + 4] */
    int j = i < 4 ? i : i + 4;
    halves[i] = vf_add (_mm512_shuffle_f32x4 (x[j], x[j + 4], 0x44),
                        _mm512_shuffle_f32x4 (x[j], x[j + 4], 0xee));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) /* 4 lanes each of x[i], x[i + 4], x[i + 8], x[i + 12] */
    quarters[i] = vf_add (_mm512_shuffle_f32x4 (halves[i], halves[i + 4], 0x88),
                          _mm512_shuffle_f32x4 (halves[i], halves[i + 4], 0xdd));
  vf left = vf_add (_mm512_unpacklo_ps (quarters[0], quarters[1]),
                    _mm512_unpackhi_ps (quarters[0], quarters[1]));
  vf right = vf_add (_mm512_unpacklo_ps (quarters[2], quarters[3]),
                     _mm512_unpackhi_ps (quarters[2], quarters[3]));
  return vf_add (_mm512_shuffle_ps (left, right, 0x44), _mm512_shuffle_ps (left, right, 0xee));
}

INLINE float
vf_largest (vf x)
{
  return _mm512_reduce_max_ps (x);
}

INLINE vf
vf_load_f16 (const void *p)
{
  return _mm512_cvtph_ps (_mm256_loadu_si256 (p));
}

INLINE vf
vf_load_bf16 (const void *p)
{
  return _mm512_castsi512_ps (
      _mm512_slli_epi32 (_mm512_cvtepu16_epi32 (_mm256_loadu_si256 (p)), 16));
}

INLINE void
vf_store_f16 (void *p, vf x)
{
  _mm256_storeu_si256 (p, _mm512_cvtps_ph (x, _MM_FROUND_TO_NEAREST_INT));
}

INLINE vf
vf_from_codes (__m256i codes, int part)
{
  __m128i half = part ? _mm256_extracti128_si256 (codes, 1) : _mm256_castsi256_si128 (codes);
  return _mm512_cvtepi32_ps (_mm512_cvtepi8_epi32 (half));
}

INLINE vi
vi_zero (void)
{
  return _mm512_setzero_si512 ();
}

INLINE vi
vi_load (const void *p)
{
  return _mm512_loadu_si512 (p);
}

INLINE vi
vi_xor (vi a, vi b)
{
  return _mm512_xor_si512 (a, b);
}

INLINE vi
vi_set_4 (const void *p)
{
  int x;
  __builtin_memcpy (&x, p, sizeof x);
  return _mm512_set1_epi32 (x);
}

INLINE vf
vf_from_vi (vi x)
{
  return _mm512_cvtepi32_ps (x);
}
