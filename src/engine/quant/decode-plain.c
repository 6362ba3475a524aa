/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"
#include "engine/quant/types.h"

float
pe_half_to_float (uint16_t half)
{
  return pe_half_decode (half);
}

uint16_t
pe_half_from_float (float value)
{
  uint32_t bits = pe_float_bits (value);
  uint32_t sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000)
    return (uint16_t) (sign | 0x7e00);
  if (bits >= 0x477ff000) /* 65520, half-way to what would be the next number */
    return (uint16_t) (sign | 0x7c00);
  if (bits < 0x38800000) { /* subnormal: the sum's last bit is worth 2^-24 */
    float sum = pe_float_from_bits (bits) + 0.5f;
    return (uint16_t) (sign | (pe_float_bits (sum) - 0x3f000000));
  }
  bits += 0xfff + (bits >> 13 & 1);
  return (uint16_t) (sign | (bits - (112u << 23)) >> 13);
}

float
pe_bf16_to_float (uint16_t value)
{
  return pe_float_from_bits ((uint32_t) value << 16);
}

uint16_t
pe_bf16_from_float (float value)
{
  uint32_t bits = pe_float_bits (value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return (uint16_t) (bits >> 16 | 0x40);
  return (uint16_t) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void
pe_decode_f32 (const void *blocks, float *out, size_t n)
{
  if (n)
    memcpy (out, blocks, n * sizeof *out);
}

void
pe_decode_f16 (const void *blocks, float *out, size_t n)
{
  const uint8_t *p = blocks;
  for (size_t i = 0; i < n; i++)
    out[i] = pe_load_half (p + 2 * i);
}

void
pe_decode_bf16 (const void *blocks, float *out, size_t n)
{
  const uint8_t *p = blocks;
  for (size_t i = 0; i < n; i++)
    out[i] = pe_bf16_to_float (pe_load_u16 (p + 2 * i));
}
