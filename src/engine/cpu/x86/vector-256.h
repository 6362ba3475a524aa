/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The vocabulary of the x86 kernels for 256-bit registers: `vf` floats, `vi` bytes or int32.
 * vector-512.h has the same words, so fast.h is written once; with arm/vector-neon.h they share
 * what is in vector/.
 */
#pragma once

#include <immintrin.h>
#include <stddef.h>

#define INLINE static inline __attribute__ ((always_inline))

#define W    8 /* floats in a vector */
#define SUMS W /* of a tile of products: half of the registers */

typedef __m256 vf;
typedef __m256i vi;
typedef __m256i codes_32; /* signed bytes in order */

/* Rows of the activations in the registers of one step of an int8 gemm; a level may say more. */
#ifndef FAST_MR
#define FAST_MR 4
#endif

INLINE vf
vf_zero (void)
{
  return _mm256_setzero_ps ();
}

INLINE vf
vf_set (float x)
{
  return _mm256_set1_ps (x);
}

INLINE vf
vf_load (const float *p)
{
  return _mm256_loadu_ps (p);
}

INLINE void
vf_store (float *p, vf x)
{
  _mm256_storeu_ps (p, x);
}

INLINE vf
vf_add (vf a, vf b)
{
  return _mm256_add_ps (a, b);
}

INLINE vf
vf_sub (vf a, vf b)
{
  return _mm256_sub_ps (a, b);
}

INLINE vf
vf_mul (vf a, vf b)
{
  return _mm256_mul_ps (a, b);
}

INLINE vf
vf_div (vf a, vf b)
{
  return _mm256_div_ps (a, b);
}

INLINE vf
vf_fma (vf a, vf b, vf c) /* a b + c */
{
  return _mm256_fmadd_ps (a, b, c);
}

INLINE vf
vf_max (vf a, vf b)
{
  return _mm256_max_ps (a, b);
}

INLINE vf
vf_min (vf a, vf b)
{
  return _mm256_min_ps (a, b);
}

INLINE vf
vf_round (vf x)
{
  return _mm256_round_ps (x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE vf
vf_abs (vf x)
{
  return _mm256_andnot_ps (_mm256_set1_ps (-0.0f), x);
}

/* a where x < y, else b */
INLINE vf
vf_if_less (vf x, vf y, vf a, vf b)
{
  return _mm256_blendv_ps (b, a, _mm256_cmp_ps (x, y, _CMP_LT_OQ));
}

/* x 2^n for whole n between -127 and 128 and x between 1/2 and 2; n = -127 gives 0. */
INLINE vf
vf_scale (vf x, vf n)
{
  __m256i half = _mm256_srai_epi32 (_mm256_cvtps_epi32 (n), 1);
  __m256i rest = _mm256_sub_epi32 (_mm256_cvtps_epi32 (n), half);
  __m256i one = _mm256_set1_epi32 (127);
  __m256 a = _mm256_castsi256_ps (_mm256_slli_epi32 (_mm256_add_epi32 (half, one), 23));
  __m256 b = _mm256_castsi256_ps (_mm256_slli_epi32 (_mm256_add_epi32 (rest, one), 23));
  return _mm256_mul_ps (_mm256_mul_ps (x, a), b);
}

INLINE float
vf_sum (vf x)
{
  __m128 s = _mm_add_ps (_mm256_castps256_ps128 (x), _mm256_extractf128_ps (x, 1));
  s = _mm_add_ps (s, _mm_movehl_ps (s, s));
  return _mm_cvtss_f32 (_mm_add_ss (s, _mm_movehdup_ps (s)));
}

/* Lane i: the sum of the lanes of x[i]. */
INLINE vf
vf_sum_each (const vf *x)
{
  vf halves[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) /* 4 lanes of x[i], 4 of x[i + 4] */
    halves[i] = vf_add (_mm256_permute2f128_ps (x[i], x[i + 4], 0x20),
                        _mm256_permute2f128_ps (x[i], x[i + 4], 0x31));
  vf left =
      vf_add (_mm256_unpacklo_ps (halves[0], halves[1]), _mm256_unpackhi_ps (halves[0], halves[1]));
  vf right =
      vf_add (_mm256_unpacklo_ps (halves[2], halves[3]), _mm256_unpackhi_ps (halves[2], halves[3]));
  return vf_add (_mm256_shuffle_ps (left, right, 0x44), _mm256_shuffle_ps (left, right, 0xee));
}

INLINE float
vf_largest (vf x)
{
  __m128 s = _mm_max_ps (_mm256_castps256_ps128 (x), _mm256_extractf128_ps (x, 1));
  s = _mm_max_ps (s, _mm_movehl_ps (s, s));
  return _mm_cvtss_f32 (_mm_max_ss (s, _mm_movehdup_ps (s)));
}

/* Stored floats at p, which may lie anywhere. */
INLINE vf
vf_load_f16 (const void *p)
{
  return _mm256_cvtph_ps (_mm_loadu_si128 (p));
}

INLINE vf
vf_load_bf16 (const void *p)
{
  return _mm256_castsi256_ps (_mm256_slli_epi32 (_mm256_cvtepu16_epi32 (_mm_loadu_si128 (p)), 16));
}

INLINE void
vf_store_f16 (void *p, vf x)
{
  _mm_storeu_si128 (p, _mm256_cvtps_ph (x, _MM_FROUND_TO_NEAREST_INT));
}

/* The part-th W of 32 signed bytes. */
INLINE vf
vf_from_codes (__m256i codes, int part)
{
  __m128i half = part < 2 ? _mm256_castsi256_si128 (codes) : _mm256_extracti128_si256 (codes, 1);
  if (part & 1)
    half = _mm_srli_si128 (half, 8);
  return _mm256_cvtepi32_ps (_mm256_cvtepi8_epi32 (half));
}

INLINE vi
vi_zero (void)
{
  return _mm256_setzero_si256 ();
}

INLINE vi
vi_load (const void *p)
{
  return _mm256_loadu_si256 (p);
}

INLINE vi
vi_xor (vi a, vi b)
{
  return _mm256_xor_si256 (a, b);
}

INLINE vi
vi_set_4 (const void *p) /* the four bytes at p, repeated */
{
  int x;
  __builtin_memcpy (&x, p, sizeof x);
  return _mm256_set1_epi32 (x);
}

INLINE vf
vf_from_vi (vi x)
{
  return _mm256_cvtepi32_ps (x);
}
