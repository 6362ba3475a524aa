/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codes of the code-book and ternary types; the second half of codes.h. Grid entries hold small
 * digits side by side: a bit deposit spreads them over bytes, a byte shuffle makes values of them.
 */
#pragma once

#include "engine/quant/iq-grids.h"

#define EACH_BYTE(x) ((uint64_t) (x) *0x0101010101010101u)

/* 32 signed codes from the digits of four times eight elements. */
INLINE __m256i
grid_values (const int8_t *table, const uint64_t *digits)
{
  /* not a load: it would wait for the four stores */
  return look_up (table, _mm256_set_epi64x ((long long) digits[3], (long long) digits[2],
                                            (long long) digits[1], (long long) digits[0]));
}

/* Turns those elements around whose bit is set. */
INLINE __m256i
with_signs (__m256i x, uint32_t signs)
{
  const __m256i byte_of =
      _mm256_setr_epi64x (0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit_of = _mm256_set1_epi64x ((long long) 0x8040201008040201u);
  __m256i spread = _mm256_shuffle_epi8 (_mm256_set1_epi32 ((int) signs), byte_of);
  __m256i minus = _mm256_cmpeq_epi8 (_mm256_and_si256 (spread, bit_of), bit_of);
  return _mm256_sub_epi8 (_mm256_xor_si256 (x, minus), minus);
}

/* Four times seven sign bits; the eighth of each makes their number even. */
INLINE uint32_t
full_signs (uint32_t seven)
{
  uint32_t bytes = (uint32_t) _pdep_u64 (seven, 0x7f7f7f7f), parity = bytes ^ bytes >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return bytes | (parity & 0x01010101) << 7;
}

static const int8_t iq2_values[16] = { 8, 25, 43 };
static const int8_t iq3_xxs_values[16] = { 4, 12, 20, 28, 36, 44, 52, 62 };
static const int8_t iq3_s_values[16] = { 1, 3, 5, 7, 9, 11, 13, 15 };
static const int8_t iq1_values[16] = { -8, 0, 8 };

INLINE uint64_t
iq2_digits (uint16_t entry)
{
  return _pdep_u64 (entry, EACH_BYTE (3));
}

INLINE uint64_t
iq3_digits (uint16_t first, uint16_t second)
{
  return _pdep_u64 (first | (uint32_t) second << 12, EACH_BYTE (7));
}

/* (0.5 + s) / 4 for sixteen 4-bit s in order, times d. */
INLINE void
iq2_nibble_scales (const uint8_t *d, const uint8_t *nibbles, struct scales *out)
{
  __m128i both = _mm_loadl_epi64 ((const __m128i *) nibbles);
  __m128i s =
      _mm_and_si128 (_mm_unpacklo_epi8 (both, _mm_srli_epi16 (both, 4)), _mm_set1_epi8 (15));
  __m256 quarter = _mm256_set1_ps (0.25f * half (d)), eighth = _mm256_set1_ps (0.125f * half (d));
  for (int i = 0; i < 2; i++) {
    __m256 x = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (i ? _mm_srli_si128 (s, 8) : s));
    put_scales (out, 8 * i, _mm256_fmadd_ps (x, quarter, eighth), _mm256_setzero_ps ());
  }
}

INLINE __m256i
codes_iq2_xxs (const void *super, int j)
{
  const uint8_t *index = ((const struct pe_block_iq2_xxs *) super)->q + 8 * j;
  uint64_t digits[4];
  for (int l = 0; l < 4; l++)
    digits[l] = iq2_digits (pe_iq2_xxs_grid[index[l]]);
  return with_signs (grid_values (iq2_values, digits),
                     full_signs (pe_load_u32 (index + 4) & 0x0fffffff));
}

INLINE void
scales_iq2_xxs (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq2_xxs *b = super;
  float d = half (b->d);
  for (int j = 0; j < n; j++) {
    out->d[j] = d * (0.5f + (float) (b->q[8 * j + 7] >> 4)) * 0.25f;
    out->m[j] = 0.0f;
  }
}

INLINE __m256i
codes_iq2_xs (const void *super, int j)
{
  const uint8_t *q = ((const struct pe_block_iq2_xs *) super)->q + 8 * j;
  uint64_t entries, digits[4];
  memcpy (&entries, q, sizeof entries);
  for (int l = 0; l < 4; l++)
    digits[l] = iq2_digits (pe_iq2_xs_grid[entries >> 16 * l & 511]);
  return with_signs (grid_values (iq2_values, digits),
                     full_signs ((uint32_t) _pext_u64 (entries, 0xfe00fe00fe00fe00)));
}

INLINE void
scales_iq2_xs (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq2_xs *b = super;
  iq2_nibble_scales (b->d, b->scales, out);
}

INLINE __m256i
codes_iq2_s (const void *super, int j)
{
  const struct pe_block_iq2_s *b = super;
  uint64_t digits[4];
  for (int l = 0; l < 4; l++)
    digits[l] = iq2_digits (pe_iq2_s_grid[b->q[4 * j + l] | (b->high[j] >> 2 * l & 3) << 8]);
  return with_signs (grid_values (iq2_values, digits), pe_load_u32 (b->signs + 4 * j));
}

INLINE void
scales_iq2_s (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq2_s *b = super;
  iq2_nibble_scales (b->d, b->scales, out);
}

INLINE __m256i
codes_iq3_xxs (const void *super, int j)
{
  const struct pe_block_iq3_xxs *b = super;
  const uint8_t *index = b->q + 8 * j;
  uint64_t digits[4];
  for (int l = 0; l < 4; l++)
    digits[l] = iq3_digits (pe_iq3_xxs_grid[index[2 * l]], pe_iq3_xxs_grid[index[2 * l + 1]]);
  return with_signs (grid_values (iq3_xxs_values, digits),
                     full_signs (pe_load_u32 (b->signs + 4 * j) & 0x0fffffff));
}

INLINE void
scales_iq3_xxs (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq3_xxs *b = super;
  float d = half (b->d);
  for (int j = 0; j < n; j++) {
    out->d[j] = d * (0.5f + (float) (b->signs[4 * j + 3] >> 4)) * 0.5f;
    out->m[j] = 0.0f;
  }
}

INLINE __m256i
codes_iq3_s (const void *super, int j)
{
  const struct pe_block_iq3_s *b = super;
  const uint8_t *index = b->q + 8 * j;
  unsigned high = b->high[j];
  uint64_t digits[4];
  for (int l = 0; l < 4; l++)
    digits[l] = iq3_digits (pe_iq3_s_grid[index[2 * l] | (high >> 2 * l & 1) << 8],
                            pe_iq3_s_grid[index[2 * l + 1] | (high >> (2 * l + 1) & 1) << 8]);
  return with_signs (grid_values (iq3_s_values, digits), pe_load_u32 (b->signs + 4 * j));
}

INLINE void
scales_iq3_s (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq3_s *b = super;
  float d = half (b->d);
  for (int j = 0; j < n; j++) {
    out->d[j] = d * (float) (1 + 2 * (b->scales[j / 2] >> 4 * (j % 2) & 15));
    out->m[j] = 0.0f;
  }
}

/* Codes of IQ1 are eight times the grid's -1, 0 or 1 plus the sign of the shift by an eighth. */
INLINE __m256i
codes_iq1_s (const void *super, int j)
{
  const struct pe_block_iq1_s *b = super;
  unsigned high = pe_load_u16 (b->high + 2 * j);
  uint64_t digits[4];
  for (int l = 0; l < 4; l++)
    digits[l] = iq2_digits (pe_iq1_grid[b->q[4 * j + l] | (high >> 3 * l & 7) << 8]);
  return _mm256_add_epi8 (grid_values (iq1_values, digits), _mm256_set1_epi8 (high >> 15 ? -1 : 1));
}

INLINE void
scales_iq1_s (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq1_s *b = super;
  float d = 0.125f * half (b->d);
  for (int j = 0; j < n; j++) {
    out->d[j] = d * (float) (2 * (b->high[2 * j + 1] >> 4 & 7) + 1);
    out->m[j] = 0.0f;
  }
}

INLINE __m256i
codes_iq1_m (const void *super, int j)
{
  const struct pe_block_iq1_m *b = super;
  unsigned high = pe_load_u16 (b->high + 2 * j); /* a nibble for each eight elements */
  uint64_t digits[4], shifts[4];
  for (int l = 0; l < 4; l++) {
    digits[l] = iq2_digits (pe_iq1_grid[b->q[4 * j + l] | (high >> 4 * l & 7) << 8]);
    shifts[l] = high >> 4 * l & 8 ? EACH_BYTE (0xff) : EACH_BYTE (1);
  }
  __m256i shift = _mm256_set_epi64x ((long long) shifts[3], (long long) shifts[2],
                                     (long long) shifts[1], (long long) shifts[0]);
  return _mm256_add_epi8 (grid_values (iq1_values, digits), shift);
}

INLINE void
scales_iq1_m (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq1_m *b = super;
  uint64_t words;
  memcpy (&words, b->scales, sizeof words);
  float d = 0.125f * _cvtsh_ss ((unsigned short) _pext_u64 (words, 0xf000f000f000f000));
  for (int g = 0; g < 2 * n; g++) {
    out->d[g] = d * (float) (2 * (words >> (16 * (g / 4) + 3 * (g % 4)) & 7) + 1);
    out->m[g] = 0.0f;
  }
}

INLINE __m256i
codes_tq2_0 (const void *super, int j)
{
  const struct pe_block_tq2_0 *b = super;
  return bits (load_32 (b->q + 32 * (j / 4)), 2 * (j % 4), 2);
}

INLINE void
scales_tq2_0 (const void *super, int n, struct scales *out)
{
  __m256 d = _mm256_set1_ps (half (((const struct pe_block_tq2_0 *) super)->d));
  put_scales (out, 0, d, _mm256_sub_ps (_mm256_setzero_ps (), d));
}

/* Blocks of 64: of each sixteen elements, eight bytes hold the first eight below. */
INLINE __m256i
codes_nvfp4 (const void *super, int j)
{
  const struct pe_block_nvfp4 *b = (const struct pe_block_nvfp4 *) super + j / 2;
  __m128i both = _mm_loadu_si128 ((const __m128i *) (b->q + 16 * (j % 2)));
  __m128i high = _mm_srli_epi16 (both, 4);
  __m256i index =
      _mm256_set_m128i (_mm_unpackhi_epi64 (both, high), _mm_unpacklo_epi64 (both, high));
  __m256i values = look_up (pe_fp4_values, _mm256_and_si256 (index, _mm256_set1_epi8 (15)));
  return _mm256_add_epi8 (values, _mm256_set1_epi8 (12));
}

INLINE void
scales_nvfp4 (const void *super, int n, struct scales *out)
{
  const struct pe_block_nvfp4 *b = super;
  for (int g = 0; g < 2 * n; g++) {
    out->d[g] = pe_ue4m3_half (b[g / 4].d[g % 4]);
    out->m[g] = -12.0f * out->d[g];
  }
}
