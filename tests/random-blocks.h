/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repeatable random numbers, and random blocks of any storage type with finite, sensible values.
 */
#pragma once

#include "engine/quant/types.h"

#include <string.h>

/* SplitMix64: the state may be any number. */
static inline uint64_t
random_u64 (uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* Between -1 and 1. */
static inline float
random_float (uint64_t *state)
{
  return (float) (int32_t) random_u64 (state) * 0x1p-31f;
}

/* Where blocks keep their scales, how large the values of random codes come out for a scale of 1
 * (root mean square), and how the offset must follow the scale for values around zero. */
struct block_scales {
  unsigned char at_d, at_offset; /* bytes; offset: NO_OFFSET for none */
  float rms, offset;
};

#define NO_OFFSET 255

static inline struct block_scales
block_scales_of (enum pe_type type)
{
  switch (type) {
  case PE_TYPE_Q4_0: return (struct block_scales){ 0, NO_OFFSET, 4.6f, 0 };
  case PE_TYPE_Q4_1: return (struct block_scales){ 0, 2, 4.6f, -7.5f };
  case PE_TYPE_Q5_0: return (struct block_scales){ 0, NO_OFFSET, 9.2f, 0 };
  case PE_TYPE_Q5_1: return (struct block_scales){ 0, 2, 9.2f, -15.5f };
  case PE_TYPE_Q8_0: return (struct block_scales){ 0, NO_OFFSET, 74.0f, 0 };
  case PE_TYPE_Q1_0: return (struct block_scales){ 0, NO_OFFSET, 1.0f, 0 };
  case PE_TYPE_Q2_0: return (struct block_scales){ 0, NO_OFFSET, 1.2f, 0 };
  case PE_TYPE_IQ4_NL: return (struct block_scales){ 0, NO_OFFSET, 69.0f, 0 };
  case PE_TYPE_Q2_K: return (struct block_scales){ 80, 82, 19.0f, 1.5f };
  case PE_TYPE_Q3_K: return (struct block_scales){ 108, NO_OFFSET, 42.0f, 0 };
  case PE_TYPE_Q4_K: return (struct block_scales){ 0, 2, 270.0f, 7.5f };
  case PE_TYPE_Q5_K: return (struct block_scales){ 0, 2, 540.0f, 15.5f };
  case PE_TYPE_Q6_K: return (struct block_scales){ 208, NO_OFFSET, 1370.0f, 0 };
  case PE_TYPE_IQ4_XS: return (struct block_scales){ 0, NO_OFFSET, 1270.0f, 0 };
  case PE_TYPE_TQ1_0: return (struct block_scales){ 52, NO_OFFSET, 0.8f, 0 };
  case PE_TYPE_TQ2_0: return (struct block_scales){ 64, NO_OFFSET, 1.2f, 0 };
  default: return (struct block_scales){ 0, NO_OFFSET, 30.0f, 0 };
  }
}

static inline void
put_half (unsigned char *p, float value)
{
  uint16_t half = pe_half_from_float (value);
  p[0] = (unsigned char) half;
  p[1] = (unsigned char) (half >> 8);
}

/* Fills n elements (a multiple of the block) of any type that has a decoder: values around zero
 * with about this root mean square. */
static inline void
random_blocks (enum pe_type type, unsigned char *blocks, size_t n, float rms, uint64_t *state)
{
  const struct pe_type_info *info = pe_type_info (type);
  if (type == PE_TYPE_F32 || type == PE_TYPE_F16 || type == PE_TYPE_BF16) {
    for (size_t i = 0; i < n; i++) {
      float value = 1.732f * rms * random_float (state);
      info->encode (&value, blocks + i * info->block_bytes, 1);
    }
    return;
  }
  size_t n_bytes = n / info->block_elements * info->block_bytes, i = 0;
  for (; i + 8 <= n_bytes; i += 8) {
    uint64_t bits = random_u64 (state);
    memcpy (blocks + i, &bits, 8);
  }
  for (; i < n_bytes; i++)
    blocks[i] = (unsigned char) random_u64 (state);

  struct block_scales scales = block_scales_of (type);
  float d = rms / scales.rms;
  int exponent = (int) (pe_bf16_from_float (rms / 5.4f) >> 7);
  for (unsigned char *b = blocks; b < blocks + n_bytes; b += info->block_bytes) {
    float varied = d * (1.0f + 0.3f * random_float (state));
    if (type == PE_TYPE_MXFP4)
      b[0] = (unsigned char) (exponent + 1);
    else if (type == PE_TYPE_NVFP4)
      for (int s = 0; s < 4; s++)
        b[s] = 0x20 | (b[s] & 0x1f);
    else if (type == PE_TYPE_IQ1_M) /* the half is spread over the top nibbles of four words */
      b[55] = (unsigned char) ((b[55] & 15) | 0x20);
    else {
      put_half (b + scales.at_d, varied);
      if (scales.at_offset != NO_OFFSET)
        put_half (b + scales.at_offset, scales.offset * varied);
    }
  }
}
