/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Four-bit types whose codes stand for unevenly spaced values.
 */
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"

const int8_t pe_iq4_values[16] = {
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};

const int8_t pe_fp4_values[16] = {
  0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
};

/* 32 elements with split nibbles. */
static void
decode_32 (const uint8_t *q, const int8_t *values, float scale, float *out)
{
  for (int j = 0; j < 16; j++) {
    out[j] = scale * (float) values[q[j] & 15];
    out[j + 16] = scale * (float) values[q[j] >> 4];
  }
}

void
pe_decode_iq4_nl (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq4_nl *b = blocks;
  for (const float *end = out + n; out < end; out += 32, b++)
    decode_32 (b->q, pe_iq4_values, pe_load_half (b->d), out);
}

void
pe_decode_iq4_xs (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq4_xs *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (unsigned j = 0; j < 8; j++, out += 32)
      decode_32 (b->q + 16 * j, pe_iq4_values, d * (float) pe_iq4_xs_scale (b, j), out);
  }
}

void
pe_decode_mxfp4 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_mxfp4 *b = blocks;
  for (const float *end = out + n; out < end; out += 32, b++)
    decode_32 (b->q, pe_fp4_values, pe_e8m0_half (b->e), out);
}

void
pe_decode_nvfp4 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_nvfp4 *b = blocks;
  for (const float *end = out + n; out < end; b++)
    for (int s = 0; s < 4; s++, out += 16) {
      float d = pe_ue4m3_half (b->d[s]);
      for (int j = 0; j < 8; j++) {
        out[j] = d * (float) pe_fp4_values[b->q[8 * s + j] & 15];
        out[j + 8] = d * (float) pe_fp4_values[b->q[8 * s + j] >> 4];
      }
    }
}
