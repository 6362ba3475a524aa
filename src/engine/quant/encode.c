/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Encoders: round to nearest with the scale that the largest magnitude asks for. Plain and
 * repeatable rather than clever; files that people download were made by other tools. Halves and
 * the 8- and 4-bit types also store keys and values.
 */
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"
#include "engine/quant/types.h"

#include <math.h>

static void
store_half (uint8_t *p, float value)
{
  uint16_t half = pe_half_from_float (value);
  p[0] = (uint8_t) half;
  p[1] = (uint8_t) (half >> 8);
}

static int
round_to (float value, int low, int high)
{
  if (!(value > (float) low)) /* NaN too */
    return low;
  return value < (float) high ? (int) lrintf (value) : high;
}

/* The element of largest magnitude, with its sign. */
static float
extreme (const float *x, int n)
{
  float found = 0.0f;
  for (int i = 0; i < n; i++)
    if (fabsf (x[i]) > fabsf (found))
      found = x[i];
  return found;
}

static void
range_of (const float *x, int n, float *low, float *high)
{
  *low = *high = x[0];
  for (int i = 1; i < n; i++) {
    *low = fminf (*low, x[i]);
    *high = fmaxf (*high, x[i]);
  }
}

static float
inverse (float d)
{
  return d != 0.0f ? 1.0f / d : 0.0f;
}

/* Stores the scale `d` of a block; returns the inverse of what a reader will see. */
static float
store_scale (uint8_t *p, float d)
{
  store_half (p, d);
  return inverse (pe_load_half (p));
}

void
pe_encode_f32 (const float *values, void *blocks, size_t n)
{
  if (n)
    memcpy (blocks, values, n * sizeof *values);
}

void
pe_encode_f16 (const float *values, void *blocks, size_t n)
{
  uint8_t *p = blocks;
  for (size_t i = 0; i < n; i++)
    store_half (p + 2 * i, values[i]);
}

void
pe_encode_bf16 (const float *values, void *blocks, size_t n)
{
  uint8_t *p = blocks;
  for (size_t i = 0; i < n; i++) {
    uint16_t v = pe_bf16_from_float (values[i]);
    p[2 * i] = (uint8_t) v;
    p[2 * i + 1] = (uint8_t) (v >> 8);
  }
}

void
pe_encode_q8_0 (const float *values, void *blocks, size_t n)
{
  struct pe_block_q8_0 *b = blocks;
  for (const float *end = values + n; values < end; values += 32, b++) {
    float scale = store_scale (b->d, fabsf (extreme (values, 32)) / 127.0f);
    for (int j = 0; j < 32; j++)
      b->q[j] = (int8_t) round_to (values[j] * scale, -127, 127);
  }
}

/* Codes run from -offset to offset - 1, so the extreme element takes the code -offset. */
void
pe_encode_q4_0 (const float *values, void *blocks, size_t n)
{
  struct pe_block_q4_0 *b = blocks;
  for (const float *end = values + n; values < end; values += 32, b++) {
    float scale = store_scale (b->d, extreme (values, 32) / -8.0f);
    for (int j = 0; j < 16; j++) {
      int low = round_to (values[j] * scale, -8, 7) + 8;
      int high = round_to (values[j + 16] * scale, -8, 7) + 8;
      b->q[j] = (uint8_t) (low | high << 4);
    }
  }
}

void
pe_encode_q4_1 (const float *values, void *blocks, size_t n)
{
  struct pe_block_q4_1 *b = blocks;
  for (const float *end = values + n; values < end; values += 32, b++) {
    float low, high;
    range_of (values, 32, &low, &high);
    float scale = store_scale (b->d, (high - low) / 15.0f);
    store_half (b->m, low);
    for (int j = 0; j < 16; j++)
      b->q[j] = (uint8_t) (round_to ((values[j] - low) * scale, 0, 15) |
                           round_to ((values[j + 16] - low) * scale, 0, 15) << 4);
  }
}

/* Writes the four low bits of 32 five-bit codes as split nibbles and the fifth bits apart. */
static void
store_q5 (const int *codes, uint8_t *q, uint8_t *high)
{
  memset (high, 0, 4);
  for (int j = 0; j < 32; j++)
    high[j / 8] |= (uint8_t) (codes[j] >> 4 << j % 8);
  for (int j = 0; j < 16; j++)
    q[j] = (uint8_t) ((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}

void
pe_encode_q5_0 (const float *values, void *blocks, size_t n)
{
  struct pe_block_q5_0 *b = blocks;
  for (const float *end = values + n; values < end; values += 32, b++) {
    float scale = store_scale (b->d, extreme (values, 32) / -16.0f);
    int codes[32];
    for (int j = 0; j < 32; j++)
      codes[j] = round_to (values[j] * scale, -16, 15) + 16;
    store_q5 (codes, b->q, b->high);
  }
}

void
pe_encode_q5_1 (const float *values, void *blocks, size_t n)
{
  struct pe_block_q5_1 *b = blocks;
  for (const float *end = values + n; values < end; values += 32, b++) {
    float low, high;
    range_of (values, 32, &low, &high);
    float scale = store_scale (b->d, (high - low) / 31.0f);
    int codes[32];
    for (int j = 0; j < 32; j++)
      codes[j] = round_to ((values[j] - low) * scale, 0, 31);
    store_half (b->m, low);
    store_q5 (codes, b->q, b->high);
  }
}

/* Codes of a super-block of Q4_K (`top` = 15) or Q5_K (31): scales and minima of the eight
 * sub-blocks become 6-bit multiples of d and dmin, then elements are rounded with those. */
static void
encode_k (const float *x, int top, uint8_t *d_out, uint8_t *dmin_out, uint8_t *packed, int *codes)
{
  float scale[8], min[8], max_scale = 0.0f, max_min = 0.0f;
  for (int j = 0; j < 8; j++) {
    float low, high;
    range_of (x + 32 * j, 32, &low, &high);
    min[j] = fmaxf (-low, 0.0f);
    scale[j] = fmaxf (high + min[j], 0.0f) / (float) top;
    max_scale = fmaxf (max_scale, scale[j]);
    max_min = fmaxf (max_min, min[j]);
  }
  store_half (d_out, max_scale / 63.0f);
  store_half (dmin_out, max_min / 63.0f);
  float d = pe_load_half (d_out), dmin = pe_load_half (dmin_out);

  memset (packed, 0, 12);
  for (int j = 0; j < 8; j++) {
    int sc = round_to (scale[j] * inverse (d), 0, 63),
        mn = round_to (min[j] * inverse (dmin), 0, 63);
    if (j < 4) {
      packed[j] |= (uint8_t) sc;
      packed[j + 4] |= (uint8_t) mn;
    } else {
      packed[j + 4] = (uint8_t) ((sc & 15) | (mn & 15) << 4);
      packed[j - 4] |= (uint8_t) (sc >> 4 << 6);
      packed[j] |= (uint8_t) (mn >> 4 << 6);
    }
    float step = inverse (d * (float) sc), offset = dmin * (float) mn;
    for (int i = 32 * j; i < 32 * j + 32; i++)
      codes[i] = round_to ((x[i] + offset) * step, 0, top);
  }
}

void
pe_encode_q4_k (const float *values, void *blocks, size_t n)
{
  struct pe_block_q4_k *b = blocks;
  for (const float *end = values + n; values < end; values += PE_SUPER, b++) {
    int codes[PE_SUPER];
    encode_k (values, 15, b->d, b->dmin, b->scales, codes);
    for (int i = 0; i < 128; i++) {
      const int *pair = codes + 64 * (i / 32) + i % 32;
      b->q[i] = (uint8_t) (pair[0] | pair[32] << 4);
    }
  }
}

void
pe_encode_q5_k (const float *values, void *blocks, size_t n)
{
  struct pe_block_q5_k *b = blocks;
  for (const float *end = values + n; values < end; values += PE_SUPER, b++) {
    int codes[PE_SUPER];
    encode_k (values, 31, b->d, b->dmin, b->scales, codes);
    memset (b->high, 0, sizeof b->high);
    for (int i = 0; i < PE_SUPER; i++)
      b->high[i % 32] |= (uint8_t) (codes[i] >> 4 << i / 32);
    for (int i = 0; i < 128; i++) {
      const int *pair = codes + 64 * (i / 32) + i % 32;
      b->q[i] = (uint8_t) ((pair[0] & 15) | (pair[32] & 15) << 4);
    }
  }
}

void
pe_encode_q6_k (const float *values, void *blocks, size_t n)
{
  struct pe_block_q6_k *b = blocks;
  for (const float *end = values + n; values < end; values += PE_SUPER, b++) {
    float scale[16], largest = 0.0f;
    for (int g = 0; g < 16; g++) {
      scale[g] = extreme (values + 16 * g, 16) / -32.0f;
      if (fabsf (scale[g]) > fabsf (largest))
        largest = scale[g];
    }
    store_half (b->d, largest / -128.0f);
    float d = pe_load_half (b->d);
    memset (b->low, 0, sizeof b->low);
    memset (b->high, 0, sizeof b->high);
    for (int i = 0; i < PE_SUPER; i++) {
      int g = i / 16, half = i / 128, row = i / 32 % 4, l = i % 32;
      b->scales[g] = (int8_t) round_to (scale[g] * inverse (d), -128, 127);
      float step = inverse (d * (float) b->scales[g]);
      int code = round_to (values[i] * step, -32, 31) + 32;
      b->low[64 * half + 32 * (row % 2) + l] |= (uint8_t) ((code & 15) << 4 * (row / 2));
      b->high[32 * half + l] |= (uint8_t) (code >> 4 << 2 * row);
    }
  }
}
