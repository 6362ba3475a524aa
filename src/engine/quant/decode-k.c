/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The _K types: super-blocks of 256 elements whose sub-blocks have small integer scales.
 */
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"

void
pe_decode_q2_k (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q2_k *b = blocks;
  for (const float *end = out + n; out < end; out += PE_SUPER, b++) {
    float d = pe_load_half (b->d), dmin = pe_load_half (b->dmin);
    for (int i = 0; i < PE_SUPER; i++) {
      int half = i / 128, row = i / 32 % 4;
      uint8_t sub = b->scales[i / 16];
      int q = b->q[32 * half + i % 32] >> 2 * row & 3;
      out[i] = d * (float) (sub & 15) * (float) q - dmin * (float) (sub >> 4);
    }
  }
}

void
pe_decode_q3_k (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q3_k *b = blocks;
  for (const float *end = out + n; out < end; out += PE_SUPER, b++) {
    float d = pe_load_half (b->d);
    for (int g = 0; g < 16; g++) {
      float scale = d * (float) pe_q3_k_scale (b->scales, (unsigned) g);
      for (int i = 16 * g; i < 16 * g + 16; i++) {
        int half = i / 128, row = i / 32 % 4;
        int q = b->q[32 * half + i % 32] >> 2 * row & 3;
        int high = b->high[i % 32] >> (4 * half + row) & 1;
        out[i] = scale * (float) (q - (high ? 0 : 4));
      }
    }
  }
}

void
pe_decode_q4_k (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q4_k *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d), dmin = pe_load_half (b->dmin);
    for (unsigned j = 0; j < 8; j++, out += 32) {
      unsigned sc, mn;
      pe_k_scale (b->scales, j, &sc, &mn);
      float scale = d * (float) sc, min = dmin * (float) mn;
      for (int i = 0; i < 32; i++)
        out[i] = scale * (float) (b->q[32 * (j / 2) + i] >> 4 * (j % 2) & 15) - min;
    }
  }
}

void
pe_decode_q5_k (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q5_k *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d), dmin = pe_load_half (b->dmin);
    for (unsigned j = 0; j < 8; j++, out += 32) {
      unsigned sc, mn;
      pe_k_scale (b->scales, j, &sc, &mn);
      float scale = d * (float) sc, min = dmin * (float) mn;
      for (int i = 0; i < 32; i++) {
        int low = b->q[32 * (j / 2) + i] >> 4 * (j % 2) & 15;
        int high = b->high[i] >> j & 1;
        out[i] = scale * (float) (low | high << 4) - min;
      }
    }
  }
}

void
pe_decode_q6_k (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q6_k *b = blocks;
  for (const float *end = out + n; out < end; out += PE_SUPER, b++) {
    float d = pe_load_half (b->d);
    for (int i = 0; i < PE_SUPER; i++) {
      int half = i / 128, row = i / 32 % 4, l = i % 32;
      int low = b->low[64 * half + 32 * (row % 2) + l] >> 4 * (row / 2) & 15;
      int high = b->high[32 * half + l] >> 2 * row & 3;
      out[i] = d * (float) b->scales[i / 16] * (float) ((low | high << 4) - 32);
    }
  }
}
