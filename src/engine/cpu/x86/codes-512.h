/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codes for 512-bit registers: wide_T (super, h, c) gives the h-th 128 of 256 as two vectors.
 * Types with a scale for each 32 elements are ordered so that both vectors of products add up
 * before they are scaled: c[0] holds the first sixteen of each of the four groups, c[1] the
 * second. Types with a scale for each 16 stay in order. order_wide() does the same to what they
 * are multiplied by.
 */
#pragma once

#include "engine/cpu/x86/codes.h"

INLINE void
order_wide (int group, __m512i first, __m512i second, __m512i *c)
{
  c[0] = group == 16 ? first : _mm512_shuffle_i32x4 (first, second, 0x88);
  c[1] = group == 16 ? second : _mm512_shuffle_i32x4 (first, second, 0xdd);
}

/* From 32 codes at a time, for types without a shorter way. */
INLINE void
wide_of (codes_fn codes, int group, const void *super, int h, __m512i *c)
{
  __m512i part[2];
  for (int i = 0; i < 2; i++)
    part[i] = _mm512_inserti64x4 (_mm512_castsi256_si512 (codes (super, 4 * h + 2 * i)),
                                  codes (super, 4 * h + 2 * i + 1), 1);
  order_wide (group, part[0], part[1], c);
}

/* Sixteen bytes of each of four blocks that lie `stride` apart. */
INLINE __m512i
four_blocks (const uint8_t *p, size_t stride)
{
  __m512i x = _mm512_castsi128_si512 (_mm_loadu_si128 ((const __m128i *) p));
  x = _mm512_inserti32x4 (x, _mm_loadu_si128 ((const __m128i *) (p + stride)), 1);
  x = _mm512_inserti32x4 (x, _mm_loadu_si128 ((const __m128i *) (p + 2 * stride)), 2);
  return _mm512_inserti32x4 (x, _mm_loadu_si128 ((const __m128i *) (p + 3 * stride)), 3);
}

INLINE __m512i
low_nibbles (__m512i x)
{
  return _mm512_and_si512 (x, _mm512_set1_epi8 (15));
}

INLINE void
wide_nibbles (__m512i x, __m512i *c)
{
  c[0] = low_nibbles (x);
  c[1] = low_nibbles (_mm512_srli_epi16 (x, 4));
}

INLINE __m512i
look_up_wide (const int8_t *table, __m512i index)
{
  __m512i values = _mm512_broadcast_i32x4 (_mm_loadu_si128 ((const __m128i *) table));
  return _mm512_shuffle_epi8 (values, index);
}

INLINE void
wide_q4_0 (const void *super, int h, __m512i *c)
{
  wide_nibbles (four_blocks (((const struct pe_block_q4_0 *) super)[4 * h].q, 18), c);
}

INLINE void
wide_q4_1 (const void *super, int h, __m512i *c)
{
  wide_nibbles (four_blocks (((const struct pe_block_q4_1 *) super)[4 * h].q, 20), c);
}

INLINE void
wide_iq4_nl (const void *super, int h, __m512i *c)
{
  wide_nibbles (four_blocks (((const struct pe_block_iq4_nl *) super)[4 * h].q, 18), c);
  for (int i = 0; i < 2; i++)
    c[i] = look_up_wide (pe_iq4_values, c[i]);
}

INLINE void
wide_mxfp4 (const void *super, int h, __m512i *c)
{
  wide_nibbles (four_blocks (((const struct pe_block_mxfp4 *) super)[4 * h].q, 17), c);
  for (int i = 0; i < 2; i++)
    c[i] = _mm512_add_epi8 (look_up_wide (pe_fp4_values, c[i]), _mm512_set1_epi8 (12));
}

INLINE void
wide_q8_0 (const void *super, int h, __m512i *c)
{
  const uint8_t *p = (const uint8_t *) ((const struct pe_block_q8_0 *) super)[4 * h].q;
  c[0] = four_blocks (p, 34);
  c[1] = four_blocks (p + 16, 34);
}

/* From groups 0 and 2 of four, and 1 and 3. */
INLINE void
order_pairs (const __m512i *part, __m512i *c)
{
  const __m512i first = _mm512_setr_epi64 (0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i second = _mm512_setr_epi64 (2, 3, 10, 11, 6, 7, 14, 15);
  c[0] = _mm512_permutex2var_epi64 (part[0], first, part[1]);
  c[1] = _mm512_permutex2var_epi64 (part[0], second, part[1]);
}

INLINE void
wide_q4_k (const void *super, int h, __m512i *c)
{
  const struct pe_block_q4_k *b = super;
  __m512i part[2];
  wide_nibbles (_mm512_loadu_si512 (b->q + 64 * h), part);
  order_pairs (part, c);
}

/* Shifts by one amount in the lower half of a register and by another in the upper. */
INLINE __m512i
two_shifts (short lower, short upper)
{
  return _mm512_inserti64x4 (_mm512_set1_epi16 (lower), _mm256_set1_epi16 (upper), 1);
}

/* low, or'ed with those bits of high that are set in `mask`. */
INLINE __m512i
with_bits (__m512i low, __m512i high, char mask)
{
  return _mm512_ternarylogic_epi32 (low, high, _mm512_set1_epi8 (mask), 0xf8);
}

INLINE void
wide_q5_k (const void *super, int h, __m512i *c)
{
  const struct pe_block_q5_k *b = super;
  __m512i part[2], high = _mm512_broadcast_i64x4 (load_32 (b->high));
  wide_nibbles (_mm512_loadu_si512 (b->q + 64 * h), part);
  for (short i = 0; i < 2; i++) /* bits 4 h + i and 4 h + i + 2 to where a 16 stands */
    part[i] = with_bits (part[i],
                         h == 0 ? _mm512_sllv_epi16 (high, two_shifts (4 - i, 2 - i))
                                : _mm512_srlv_epi16 (high, two_shifts (i, i + 2)),
                         16);
  order_pairs (part, c);
}

INLINE void
wide_q6_k (const void *super, int h, __m512i *c)
{
  const struct pe_block_q6_k *b = super;
  __m512i high = _mm512_broadcast_i64x4 (load_32 (b->high + 32 * h));
  wide_nibbles (_mm512_loadu_si512 (b->low + 64 * h), c);
  c[0] = with_bits (c[0], _mm512_sllv_epi16 (high, two_shifts (4, 2)), 0x30);
  c[1] = with_bits (c[1], _mm512_srlv_epi16 (high, two_shifts (0, 2)), 0x30);
}

INLINE void
wide_q2_k (const void *super, int h, __m512i *c)
{
  __m512i q = _mm512_broadcast_i64x4 (load_32 (((const struct pe_block_q2_k *) super)->q + 32 * h));
  c[0] = _mm512_and_si512 (_mm512_srlv_epi16 (q, two_shifts (0, 2)), _mm512_set1_epi8 (3));
  c[1] = _mm512_and_si512 (_mm512_srlv_epi16 (q, two_shifts (4, 6)), _mm512_set1_epi8 (3));
}

INLINE void
wide_iq4_xs (const void *super, int h, __m512i *c)
{
  const struct pe_block_iq4_xs *b = super;
  wide_nibbles (_mm512_loadu_si512 (b->q + 64 * h), c);
  for (int i = 0; i < 2; i++)
    c[i] = look_up_wide (pe_iq4_values, c[i]);
}

#define WIDE_OF(name, group)                                                                       \
  INLINE void wide_##name (const void *super, int h, __m512i *c)                                   \
  {                                                                                                \
    wide_of (codes_##name, group, super, h, c);                                                    \
  }
WIDE_OF (q5_0, 32)
WIDE_OF (q5_1, 32)
WIDE_OF (q3_k, 16)
WIDE_OF (iq1_s, 32)
WIDE_OF (iq1_m, 16)
WIDE_OF (iq2_xxs, 32)
WIDE_OF (iq2_xs, 16)
WIDE_OF (iq2_s, 16)
WIDE_OF (iq3_xxs, 32)
WIDE_OF (iq3_s, 32)
WIDE_OF (tq2_0, 32)
WIDE_OF (nvfp4, 16)
#undef WIDE_OF
