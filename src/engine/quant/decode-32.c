/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Types with small blocks (32 to 128 elements) and evenly spaced values.
 */
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"

void
pe_decode_q4_0 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q4_0 *b = blocks;
  for (const float *end = out + n; out < end; out += 32, b++) {
    float d = pe_load_half (b->d);
    for (int j = 0; j < 16; j++) {
      out[j] = d * (float) ((b->q[j] & 15) - 8);
      out[j + 16] = d * (float) ((b->q[j] >> 4) - 8);
    }
  }
}

void
pe_decode_q4_1 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q4_1 *b = blocks;
  for (const float *end = out + n; out < end; out += 32, b++) {
    float d = pe_load_half (b->d), m = pe_load_half (b->m);
    for (int j = 0; j < 16; j++) {
      out[j] = d * (float) (b->q[j] & 15) + m;
      out[j + 16] = d * (float) (b->q[j] >> 4) + m;
    }
  }
}

void
pe_decode_q5_0 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q5_0 *b = blocks;
  for (const float *end = out + n; out < end; out += 32, b++) {
    float d = pe_load_half (b->d);
    uint32_t high = pe_load_u32 (b->high);
    for (int j = 0; j < 16; j++) {
      int low = (b->q[j] & 15) | (int) (high >> j & 1) << 4;
      int up = b->q[j] >> 4 | (int) (high >> (j + 16) & 1) << 4;
      out[j] = d * (float) (low - 16);
      out[j + 16] = d * (float) (up - 16);
    }
  }
}

void
pe_decode_q5_1 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q5_1 *b = blocks;
  for (const float *end = out + n; out < end; out += 32, b++) {
    float d = pe_load_half (b->d), m = pe_load_half (b->m);
    uint32_t high = pe_load_u32 (b->high);
    for (int j = 0; j < 16; j++) {
      int low = (b->q[j] & 15) | (int) (high >> j & 1) << 4;
      int up = b->q[j] >> 4 | (int) (high >> (j + 16) & 1) << 4;
      out[j] = d * (float) low + m;
      out[j + 16] = d * (float) up + m;
    }
  }
}

void
pe_decode_q8_0 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q8_0 *b = blocks;
  for (const float *end = out + n; out < end; out += 32, b++) {
    float d = pe_load_half (b->d);
    for (int j = 0; j < 32; j++)
      out[j] = d * (float) b->q[j];
  }
}

void
pe_decode_q1_0 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q1_0 *b = blocks;
  for (const float *end = out + n; out < end; out += 128, b++) {
    float d = pe_load_half (b->d);
    for (int j = 0; j < 128; j++)
      out[j] = b->q[j / 8] >> j % 8 & 1 ? d : -d;
  }
}

void
pe_decode_q2_0 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_q2_0 *b = blocks;
  for (const float *end = out + n; out < end; out += 64, b++) {
    float d = pe_load_half (b->d);
    for (int j = 0; j < 64; j++)
      out[j] = d * (float) ((b->q[j / 4] >> 2 * (j % 4) & 3) - 1);
  }
}
