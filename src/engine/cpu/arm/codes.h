/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored blocks as vectors of signed codes, for NEON: what x86/codes.h is for AVX2. Products of
 * signed bytes are at hand here, so codes count from their zero already, and only types that keep
 * a minimum for each group have an m:
 *
 *   value = d[g] * code + m[g]
 */
#pragma once

#include "engine/quant/blocks.h"

#include <arm_neon.h>
#include <stdbool.h>

struct scales {
  float d[16], m[16];
};

typedef codes_32 (*codes_fn) (const void *super, int j);
typedef void (*scales_fn) (const void *super, int n, struct scales *out);

/* X (NAME, name, bytes of 256 elements, elements of a group, whether groups have an m) */
#define CODED_TYPES(X)                                                                             \
  X (Q4_0, q4_0, 144, 32, false)                                                                   \
  X (Q4_1, q4_1, 160, 32, true)                                                                    \
  X (Q5_0, q5_0, 176, 32, false)                                                                   \
  X (Q5_1, q5_1, 192, 32, true)                                                                    \
  X (Q8_0, q8_0, 272, 32, false)                                                                   \
  X (IQ4_NL, iq4_nl, 144, 32, false)                                                               \
  X (MXFP4, mxfp4, 136, 32, false)                                                                 \
  X (Q2_K, q2_k, 84, 16, true)                                                                     \
  X (Q3_K, q3_k, 110, 16, false)                                                                   \
  X (Q4_K, q4_k, 144, 32, true)                                                                    \
  X (Q5_K, q5_k, 176, 32, true)                                                                    \
  X (Q6_K, q6_k, 210, 16, false)                                                                   \
  X (IQ4_XS, iq4_xs, 136, 32, false)

/* ---- parts ---- */

INLINE float
half (const uint8_t *p)
{
  __fp16 value;
  memcpy (&value, p, sizeof value);
  return value;
}

INLINE codes_32
signed_codes (uint8x16_t low, uint8x16_t high, int zero)
{
  int8x16_t offset = vdupq_n_s8 ((int8_t) zero);
  return (codes_32){ { vsubq_s8 (vreinterpretq_s8_u8 (low), offset),
                       vsubq_s8 (vreinterpretq_s8_u8 (high), offset) } };
}

/* Bits [shift, shift + width) of each byte; the shift is known once loops are unrolled. */
INLINE uint8x16_t
bits (uint8x16_t x, int shift, int width)
{
  return vandq_u8 (vshlq_u8 (x, vdupq_n_s8 ((int8_t) -shift)),
                   vdupq_n_u8 ((uint8_t) ((1 << width) - 1)));
}

INLINE uint8x16_t
low_nibbles (uint8x16_t x)
{
  return vandq_u8 (x, vdupq_n_u8 (15));
}

INLINE uint8x16_t
high_nibbles (uint8x16_t x)
{
  return vshrq_n_u8 (x, 4);
}

INLINE codes_32
look_up (const int8_t *table, uint8x16_t both)
{
  int8x16_t values = vld1q_s8 (table);
  return (codes_32){ { vqtbl1q_s8 (values, low_nibbles (both)),
                       vqtbl1q_s8 (values, high_nibbles (both)) } };
}

/* 16 in each byte whose bit of the 16 is set. */
INLINE uint8x16_t
fifth_bits (const uint8_t *high)
{
  const uint8x16_t bit_of = vreinterpretq_u8_u64 (vdupq_n_u64 (0x8040201008040201u));
  uint8x16_t spread = vcombine_u8 (vdup_n_u8 (high[0]), vdup_n_u8 (high[1]));
  return vandq_u8 (vtstq_u8 (spread, bit_of), vdupq_n_u8 (16));
}

/* Scales of blocks that begin with a half. */
INLINE void
simple_scales (const void *super, size_t block_bytes, int n, struct scales *out)
{
  const uint8_t *p = super;
  for (int j = 0; j < n; j++) {
    out->d[j] = half (p + (size_t) j * block_bytes);
    out->m[j] = 0.0f;
  }
}

/* Of blocks that begin with both. */
INLINE void
two_scales (const void *super, size_t block_bytes, int n, struct scales *out)
{
  const uint8_t *p = super;
  for (int j = 0; j < n; j++) {
    out->d[j] = half (p + (size_t) j * block_bytes);
    out->m[j] = half (p + (size_t) j * block_bytes + 2);
  }
}

/* ---- blocks of 32 ---- */

INLINE codes_32
codes_q4_0 (const void *super, int j)
{
  uint8x16_t q = vld1q_u8 (((const struct pe_block_q4_0 *) super)[j].q);
  return signed_codes (low_nibbles (q), high_nibbles (q), 8);
}

INLINE void
scales_q4_0 (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_q4_0), n, out);
}

INLINE codes_32
codes_q4_1 (const void *super, int j)
{
  uint8x16_t q = vld1q_u8 (((const struct pe_block_q4_1 *) super)[j].q);
  return signed_codes (low_nibbles (q), high_nibbles (q), 0);
}

INLINE void
scales_q4_1 (const void *super, int n, struct scales *out)
{
  two_scales (super, sizeof (struct pe_block_q4_1), n, out);
}

INLINE codes_32
five_bits (const uint8_t *nibbles, const uint8_t *high, int zero)
{
  uint8x16_t q = vld1q_u8 (nibbles);
  return signed_codes (vorrq_u8 (low_nibbles (q), fifth_bits (high)),
                       vorrq_u8 (high_nibbles (q), fifth_bits (high + 2)), zero);
}

INLINE codes_32
codes_q5_0 (const void *super, int j)
{
  const struct pe_block_q5_0 *b = (const struct pe_block_q5_0 *) super + j;
  return five_bits (b->q, b->high, 16);
}

INLINE void
scales_q5_0 (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_q5_0), n, out);
}

INLINE codes_32
codes_q5_1 (const void *super, int j)
{
  const struct pe_block_q5_1 *b = (const struct pe_block_q5_1 *) super + j;
  return five_bits (b->q, b->high, 0);
}

INLINE void
scales_q5_1 (const void *super, int n, struct scales *out)
{
  two_scales (super, sizeof (struct pe_block_q5_1), n, out);
}

INLINE codes_32
codes_q8_0 (const void *super, int j)
{
  const int8_t *q = ((const struct pe_block_q8_0 *) super)[j].q;
  return (codes_32){ { vld1q_s8 (q), vld1q_s8 (q + 16) } };
}

INLINE void
scales_q8_0 (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_q8_0), n, out);
}

INLINE codes_32
codes_iq4_nl (const void *super, int j)
{
  return look_up (pe_iq4_values, vld1q_u8 (((const struct pe_block_iq4_nl *) super)[j].q));
}

INLINE void
scales_iq4_nl (const void *super, int n, struct scales *out)
{
  simple_scales (super, sizeof (struct pe_block_iq4_nl), n, out);
}

INLINE codes_32
codes_mxfp4 (const void *super, int j)
{
  return look_up (pe_fp4_values, vld1q_u8 (((const struct pe_block_mxfp4 *) super)[j].q));
}

INLINE void
scales_mxfp4 (const void *super, int n, struct scales *out)
{
  for (int j = 0; j < n; j++) {
    out->d[j] = pe_e8m0_half (((const struct pe_block_mxfp4 *) super)[j].e);
    out->m[j] = 0.0f;
  }
}

/* ---- super-blocks of 256; a row is a whole number of them, so n is always 8 ---- */

INLINE codes_32
codes_q2_k (const void *super, int j)
{
  const uint8_t *q = ((const struct pe_block_q2_k *) super)->q + 32 * (j / 4);
  int shift = 2 * (j % 4);
  return signed_codes (bits (vld1q_u8 (q), shift, 2), bits (vld1q_u8 (q + 16), shift, 2), 0);
}

INLINE void
scales_q2_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q2_k *b = super;
  float d = half (b->d), dmin = -half (b->dmin);
  for (int g = 0; g < 16; g++) {
    out->d[g] = d * (float) (b->scales[g] & 15);
    out->m[g] = dmin * (float) (b->scales[g] >> 4);
  }
}

INLINE codes_32
codes_q3_k (const void *super, int j)
{
  const struct pe_block_q3_k *b = super;
  uint8x16_t part[2];
  for (int i = 0; i < 2; i++) {
    uint8x16_t low = bits (vld1q_u8 (b->q + 32 * (j / 4) + 16 * i), 2 * (j % 4), 2);
    uint8x16_t high = bits (vld1q_u8 (b->high + 16 * i), j, 1);
    part[i] = vorrq_u8 (low, vshlq_n_u8 (high, 2));
  }
  return signed_codes (part[0], part[1], 4);
}

INLINE void
scales_q3_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q3_k *b = super;
  float d = half (b->d);
  for (unsigned g = 0; g < 16; g++) {
    out->d[g] = d * (float) pe_q3_k_scale (b->scales, g);
    out->m[g] = 0.0f;
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
  uint16x8_t s = vmovl_u8 (vcreate_u8 (scale)), m = vmovl_u8 (vcreate_u8 (min));
  vf factor = vdupq_n_f32 (half (d)), offset = vdupq_n_f32 (-half (dmin));
  vst1q_f32 (out->d, vmulq_f32 (factor, vcvtq_f32_u32 (vmovl_u16 (vget_low_u16 (s)))));
  vst1q_f32 (out->d + 4, vmulq_f32 (factor, vcvtq_f32_u32 (vmovl_high_u16 (s))));
  vst1q_f32 (out->m, vmulq_f32 (offset, vcvtq_f32_u32 (vmovl_u16 (vget_low_u16 (m)))));
  vst1q_f32 (out->m + 4, vmulq_f32 (offset, vcvtq_f32_u32 (vmovl_high_u16 (m))));
}

INLINE codes_32
codes_q4_k (const void *super, int j)
{
  const uint8_t *q = ((const struct pe_block_q4_k *) super)->q + 32 * (j / 2);
  uint8x16_t first = vld1q_u8 (q), second = vld1q_u8 (q + 16);
  return j % 2 ? signed_codes (high_nibbles (first), high_nibbles (second), 0)
               : signed_codes (low_nibbles (first), low_nibbles (second), 0);
}

INLINE void
scales_q4_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q4_k *b = super;
  k_scales (b->d, b->dmin, b->scales, out);
}

INLINE codes_32
codes_q5_k (const void *super, int j)
{
  const struct pe_block_q5_k *b = super;
  uint8x16_t part[2];
  for (int i = 0; i < 2; i++) {
    uint8x16_t q = vld1q_u8 (b->q + 32 * (j / 2) + 16 * i);
    uint8x16_t high = bits (vld1q_u8 (b->high + 16 * i), j, 1);
    part[i] = vorrq_u8 (j % 2 ? high_nibbles (q) : low_nibbles (q), vshlq_n_u8 (high, 4));
  }
  return signed_codes (part[0], part[1], 0);
}

INLINE void
scales_q5_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q5_k *b = super;
  k_scales (b->d, b->dmin, b->scales, out);
}

INLINE codes_32
codes_q6_k (const void *super, int j)
{
  const struct pe_block_q6_k *b = super;
  int upper = j / 4, row = j % 4;
  uint8x16_t part[2];
  for (int i = 0; i < 2; i++) {
    uint8x16_t low = vld1q_u8 (b->low + 64 * upper + 32 * (row % 2) + 16 * i);
    uint8x16_t high = bits (vld1q_u8 (b->high + 32 * upper + 16 * i), 2 * row, 2);
    part[i] = vorrq_u8 (row / 2 ? high_nibbles (low) : low_nibbles (low), vshlq_n_u8 (high, 4));
  }
  return signed_codes (part[0], part[1], 32);
}

INLINE void
scales_q6_k (const void *super, int n, struct scales *out)
{
  const struct pe_block_q6_k *b = super;
  float d = half (b->d);
  for (int g = 0; g < 16; g++) {
    out->d[g] = d * (float) b->scales[g];
    out->m[g] = 0.0f;
  }
}

INLINE codes_32
codes_iq4_xs (const void *super, int j)
{
  return look_up (pe_iq4_values, vld1q_u8 (((const struct pe_block_iq4_xs *) super)->q + 16 * j));
}

INLINE void
scales_iq4_xs (const void *super, int n, struct scales *out)
{
  const struct pe_block_iq4_xs *b = super;
  float d = half (b->d);
  for (unsigned j = 0; j < 8; j++) {
    out->d[j] = d * (float) pe_iq4_xs_scale (b, j);
    out->m[j] = 0.0f;
  }
}
