/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored blocks as vectors of codes. For every type here, 256 consecutive elements are
 *
 *   value = d[g] * code + m[g]
 *
 * with codes that fit a signed byte, and g counting groups of 32 elements (or of 16, see
 * CODED_TYPES). Two functions describe a type: codes_T() gives the codes of the j-th 32 elements
 * of 256 that begin at `super`, and scales_T() d and m of the first n groups of 32; everything
 * else (decoding, exact and fast dot products, gemm) is made from these two.
 *
 * Types with 32-element blocks: `super` is eight consecutive blocks, or what is left of a row.
 */
#pragma once

#include "engine/quant/blocks.h"

#include <immintrin.h>

struct scales {
  float d[16], m[16];
};

typedef __m256i (*codes_fn) (const void *super, int j);
typedef void (*scales_fn) (const void *super, int n, struct scales *out);

/* The code that stands for 0: m = -zero * d. Codes can be negative where it is 0. */
#define OWN_ZEROS (-1) /* or each group has its own m */

/* X (NAME, name, bytes of 256 elements, elements of a group, zero) */
#define CODED_TYPES(X)                                                                             \
  X (Q4_0, q4_0, 144, 32, 8)                                                                       \
  X (Q4_1, q4_1, 160, 32, OWN_ZEROS)                                                               \
  X (Q5_0, q5_0, 176, 32, 16)                                                                      \
  X (Q5_1, q5_1, 192, 32, OWN_ZEROS)                                                               \
  X (Q8_0, q8_0, 272, 32, 0)                                                                       \
  X (IQ4_NL, iq4_nl, 144, 32, 0)                                                                   \
  X (MXFP4, mxfp4, 136, 32, 12)                                                                    \
  X (Q2_K, q2_k, 84, 16, OWN_ZEROS)                                                                \
  X (Q3_K, q3_k, 110, 16, 4)                                                                       \
  X (Q4_K, q4_k, 144, 32, OWN_ZEROS)                                                               \
  X (Q5_K, q5_k, 176, 32, OWN_ZEROS)                                                               \
  X (Q6_K, q6_k, 210, 16, 32)                                                                      \
  X (IQ4_XS, iq4_xs, 136, 32, 0)                                                                   \
  X (IQ1_S, iq1_s, 50, 32, 0)                                                                      \
  X (IQ1_M, iq1_m, 56, 16, 0)                                                                      \
  X (IQ2_XXS, iq2_xxs, 66, 32, 0)                                                                  \
  X (IQ2_XS, iq2_xs, 74, 16, 0)                                                                    \
  X (IQ2_S, iq2_s, 82, 16, 0)                                                                      \
  X (IQ3_XXS, iq3_xxs, 98, 32, 0)                                                                  \
  X (IQ3_S, iq3_s, 110, 32, 0)                                                                     \
  X (TQ2_0, tq2_0, 66, 32, 1)                                                                      \
  X (NVFP4, nvfp4, 144, 16, 12)

/* ---- parts ---- */

INLINE __m256i
load_32 (const void *p)
{
  return _mm256_loadu_si256 (p);
}

/* Bits [shift, shift + width) of each byte. */
INLINE __m256i
bits (__m256i x, int shift, int width)
{
  return _mm256_and_si256 (_mm256_srli_epi16 (x, shift), _mm256_set1_epi8 ((1 << width) - 1));
}

/* 16 bytes of split nibbles as 32 codes in order. */
INLINE __m256i
split_nibbles (const uint8_t *q)
{
  __m128i both = _mm_loadu_si128 ((const __m128i *) q);
  __m256i spread = _mm256_set_m128i (_mm_srli_epi16 (both, 4), both);
  return _mm256_and_si256 (spread, _mm256_set1_epi8 (15));
}

INLINE __m256i
look_up (const int8_t *table, __m256i index)
{
  __m256i values = _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) table));
  return _mm256_shuffle_epi8 (values, index);
}

/* 16 in each byte whose bit of the 32 is set. */
INLINE __m256i
fifth_bits (const uint8_t *high)
{
  const __m256i byte_of = _mm256_setr_epi64x (0x0000000000000000, 0x0101010101010101,
                                              0x0202020202020202, 0x0303030303030303);
  const __m256i bit_of = _mm256_set1_epi64x ((long long) 0x8040201008040201ull);
  __m256i spread = _mm256_shuffle_epi8 (_mm256_set1_epi32 ((int) pe_load_u32 (high)), byte_of);
  __m256i set = _mm256_cmpeq_epi8 (_mm256_and_si256 (spread, bit_of), bit_of);
  return _mm256_and_si256 (set, _mm256_set1_epi8 (16));
}

INLINE float
half (const uint8_t *p)
{
  return _cvtsh_ss (pe_load_u16 (p));
}

/* Eight small unsigned integers in 64 bits, as floats. */
INLINE __m256
floats_of_bytes (uint64_t bytes)
{
  return _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_cvtsi64_si128 ((long long) bytes)));
}

INLINE void
put_scales (struct scales *out, int first, __m256 d, __m256 m)
{
  _mm256_storeu_ps (out->d + first, d);
  _mm256_storeu_ps (out->m + first, m);
}

/* The halves at p, p + stride … as floats; the first n of eight, others are not read. */
INLINE __m256
halves (const uint8_t *p, size_t stride, int n)
{
  uint16_t h[8] = { 0 };
#ifdef __AVX512BW__
  if (n == 8 && 7 * stride + 2 <= 128) { /* one shuffle instead of eight loads */
    const short s = (short) (stride / 2);
    const __m512i words =
        _mm512_castsi128_si512 (_mm_setr_epi16 (0, s, 2 * s, 3 * s, 4 * s, 5 * s, 6 * s, 7 * s));
    return _mm256_cvtph_ps (_mm512_castsi512_si128 (
        _mm512_permutex2var_epi16 (_mm512_loadu_si512 (p), words, _mm512_loadu_si512 (p + 64))));
  }
#endif
  if (n == 8)
    return _mm256_cvtph_ps (_mm_setr_epi16 (
        (short) pe_load_u16 (p), (short) pe_load_u16 (p + stride),
        (short) pe_load_u16 (p + 2 * stride), (short) pe_load_u16 (p + 3 * stride),
        (short) pe_load_u16 (p + 4 * stride), (short) pe_load_u16 (p + 5 * stride),
        (short) pe_load_u16 (p + 6 * stride), (short) pe_load_u16 (p + 7 * stride)));
  for (int j = 0; j < n; j++)
    h[j] = pe_load_u16 (p + (size_t) j * stride);
  return _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *) h));
}

/* Scales of up to eight blocks that begin with a half `d`, where m = `offset` d. */
INLINE void
simple_scales (const void *super, size_t block_bytes, float offset, int n, struct scales *out)
{
  __m256 d = halves (super, block_bytes, n);
  put_scales (out, 0, d, _mm256_mul_ps (d, _mm256_set1_ps (offset)));
}

/* The same for blocks that begin with both `d` and `m`. */
INLINE void
two_scales (const void *super, size_t block_bytes, int n, struct scales *out)
{
  const uint8_t *p = super;
  put_scales (out, 0, halves (p, block_bytes, n), halves (p + 2, block_bytes, n));
}

/* ---- blocks of 32 ---- */

INLINE __m256i
codes_q4_0 (const void *super, int j)
{
  return split_nibbles (((const struct pe_block_q4_0 *) super)[j].q);
}

INLINE void
scales_q4_0 (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_q4_0), -8.0f, n, out);
}

INLINE __m256i
codes_q4_1 (const void *super, int j)
{
  return split_nibbles (((const struct pe_block_q4_1 *) super)[j].q);
}

INLINE void
scales_q4_1 (const void *super, int n, struct scales *out)
{
  two_scales (super, sizeof (struct pe_block_q4_1), n, out);
}

INLINE __m256i
codes_q5_0 (const void *super, int j)
{
  const struct pe_block_q5_0 *b = (const struct pe_block_q5_0 *) super + j;
  return _mm256_or_si256 (split_nibbles (b->q), fifth_bits (b->high));
}

INLINE void
scales_q5_0 (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_q5_0), -16.0f, n, out);
}

INLINE __m256i
codes_q5_1 (const void *super, int j)
{
  const struct pe_block_q5_1 *b = (const struct pe_block_q5_1 *) super + j;
  return _mm256_or_si256 (split_nibbles (b->q), fifth_bits (b->high));
}

INLINE void
scales_q5_1 (const void *super, int n, struct scales *out)
{
  two_scales (super, sizeof (struct pe_block_q5_1), n, out);
}

INLINE __m256i
codes_q8_0 (const void *super, int j)
{
  return load_32 (((const struct pe_block_q8_0 *) super)[j].q);
}

INLINE void
scales_q8_0 (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_q8_0), 0.0f, n, out);
}

INLINE __m256i
codes_iq4_nl (const void *super, int j)
{
  const struct pe_block_iq4_nl *b = (const struct pe_block_iq4_nl *) super + j;
  return look_up (pe_iq4_values, split_nibbles (b->q));
}

INLINE void
scales_iq4_nl (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_iq4_nl), 0.0f, n, out);
}

INLINE __m256i
codes_mxfp4 (const void *super, int j)
{
  const struct pe_block_mxfp4 *b = (const struct pe_block_mxfp4 *) super + j;
  __m256i values = look_up (pe_fp4_values, split_nibbles (b->q));
  return _mm256_add_epi8 (values, _mm256_set1_epi8 (12));
}

INLINE void
scales_mxfp4 (const void *super, int n, struct scales *out)
{
  const struct pe_block_mxfp4 *b = super;
  uint8_t e[8] = { 0 };
  for (int j = 0; j < n; j++)
    e[j] = b[j].e;
  /* (e - 1) << 23 are the bits of 2^(e - 128), but for the two that are subnormal */
  __m256i power = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *) e));
  __m256i normal = _mm256_slli_epi32 (_mm256_sub_epi32 (power, _mm256_set1_epi32 (1)), 23);
  __m256i small = _mm256_sllv_epi32 (_mm256_set1_epi32 (0x00200000), power);
  __m256i is_normal = _mm256_cmpgt_epi32 (power, _mm256_set1_epi32 (1));
  __m256 d = _mm256_castsi256_ps (_mm256_blendv_epi8 (small, normal, is_normal));
  put_scales (out, 0, d, _mm256_mul_ps (d, _mm256_set1_ps (-12.0f)));
}

/* ---- super-blocks of 256; a row is a whole number of them, so n is always 8 ---- */

INLINE __m256i
codes_q2_k (const void *super, int j)
{
  const struct pe_block_q2_k *b = super;
  return bits (load_32 (b->q + 32 * (j / 4)), 2 * (j % 4), 2);
}

INLINE void
scales_q2_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q2_k *b = super;
  __m256 d = _mm256_set1_ps (half (b->d)), dmin = _mm256_set1_ps (-half (b->dmin));
  for (int i = 0; i < 2; i++) {
    uint64_t s;
    memcpy (&s, b->scales + 8 * i, sizeof s);
    put_scales (out, 8 * i, _mm256_mul_ps (d, floats_of_bytes (s & 0x0f0f0f0f0f0f0f0f)),
                _mm256_mul_ps (dmin, floats_of_bytes (s >> 4 & 0x0f0f0f0f0f0f0f0f)));
  }
}

INLINE __m256i
codes_q3_k (const void *super, int j)
{
  const struct pe_block_q3_k *b = super;
  __m256i low = bits (load_32 (b->q + 32 * (j / 4)), 2 * (j % 4), 2);
  __m256i high = bits (load_32 (b->high), j, 1);
  return _mm256_or_si256 (low, _mm256_slli_epi16 (high, 2));
}

INLINE void
scales_q3_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q3_k *b = super;
  uint64_t low, high = pe_load_u32 (b->scales + 8);
  memcpy (&low, b->scales, sizeof low);
  high |= high >> 2 << 32; /* both scales of a pair of words have their bits in place */
  __m256 d = _mm256_set1_ps (half (b->d)), offset = _mm256_set1_ps (32.0f);
  for (int i = 0; i < 2; i++) {
    uint64_t s = (low >> 4 * i & 0x0f0f0f0f0f0f0f0f) | (high >> 4 * i & 0x0303030303030303) << 4;
    __m256 scale = _mm256_mul_ps (d, _mm256_sub_ps (floats_of_bytes (s), offset));
    put_scales (out, 8 * i, scale, _mm256_mul_ps (scale, _mm256_set1_ps (-4.0f)));
  }
}

/* The packed 6-bit scales and minima that Q4_K and Q5_K share. */
INLINE void
k_scales (const uint8_t *d, const uint8_t *dmin, const uint8_t *packed, struct scales *out)
{
  uint32_t a = pe_load_u32 (packed), b = pe_load_u32 (packed + 4), c = pe_load_u32 (packed + 8);
  uint64_t scale = (a & 0x3f3f3f3f) | (uint64_t) ((c & 0x0f0f0f0f) | (a >> 2 & 0x30303030)) << 32;
  uint64_t min = (b & 0x3f3f3f3f) | (uint64_t) ((c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030))
                                        << 32;
  put_scales (out, 0, _mm256_mul_ps (_mm256_set1_ps (half (d)), floats_of_bytes (scale)),
              _mm256_mul_ps (_mm256_set1_ps (-half (dmin)), floats_of_bytes (min)));
}

INLINE __m256i
codes_q4_k (const void *super, int j)
{
  const struct pe_block_q4_k *b = super;
  return bits (load_32 (b->q + 32 * (j / 2)), 4 * (j % 2), 4);
}

INLINE void
scales_q4_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q4_k *b = super;
  k_scales (b->d, b->dmin, b->scales, out);
}

INLINE __m256i
codes_q5_k (const void *super, int j)
{
  const struct pe_block_q5_k *b = super;
  __m256i low = bits (load_32 (b->q + 32 * (j / 2)), 4 * (j % 2), 4);
  __m256i high = bits (load_32 (b->high), j, 1);
  return _mm256_or_si256 (low, _mm256_slli_epi16 (high, 4));
}

INLINE void
scales_q5_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q5_k *b = super;
  k_scales (b->d, b->dmin, b->scales, out);
}

INLINE __m256i
codes_q6_k (const void *super, int j)
{
  const struct pe_block_q6_k *b = super;
  int upper = j / 4, row = j % 4;
  __m256i low = bits (load_32 (b->low + 64 * upper + 32 * (row % 2)), 4 * (row / 2), 4);
  __m256i high = bits (load_32 (b->high + 32 * upper), 2 * row, 2);
  return _mm256_or_si256 (low, _mm256_slli_epi16 (high, 4));
}

INLINE void
scales_q6_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q6_k *b = super;
  __m256 d = _mm256_set1_ps (half (b->d)), offset = _mm256_set1_ps (-32.0f);
  for (int i = 0; i < 2; i++) {
    __m128i s = _mm_loadl_epi64 ((const __m128i *) (b->scales + 8 * i));
    __m256 scale = _mm256_mul_ps (d, _mm256_cvtepi32_ps (_mm256_cvtepi8_epi32 (s)));
    put_scales (out, 8 * i, scale, _mm256_mul_ps (scale, offset));
  }
}

INLINE __m256i
codes_iq4_xs (const void *super, int j)
{
  const struct pe_block_iq4_xs *b = super;
  return look_up (pe_iq4_values, split_nibbles (b->q + 16 * j));
}

INLINE void
scales_iq4_xs (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq4_xs *b = super;
  __m128i low = _mm_cvtsi32_si128 ((int) pe_load_u32 (b->scales_low));
  low = _mm_unpacklo_epi8 (low, _mm_srli_epi16 (low, 4)); /* nibbles in order */
  low = _mm_and_si128 (low, _mm_set1_epi8 (15));
  __m256i high = _mm256_srlv_epi32 (_mm256_set1_epi32 (pe_load_u16 (b->scales_high)),
                                    _mm256_setr_epi32 (0, 2, 4, 6, 8, 10, 12, 14));
  high = _mm256_slli_epi32 (_mm256_and_si256 (high, _mm256_set1_epi32 (3)), 4);
  __m256i s =
      _mm256_sub_epi32 (_mm256_or_si256 (_mm256_cvtepu8_epi32 (low), high), _mm256_set1_epi32 (32));
  put_scales (out, 0, _mm256_mul_ps (_mm256_set1_ps (half (b->d)), _mm256_cvtepi32_ps (s)),
              _mm256_setzero_ps ());
}

#include "engine/cpu/x86/codes-grid.h"
