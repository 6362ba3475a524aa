/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The code-book types: groups of 4 or 8 elements are entries of a grid, with signs beside them.
 */
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"
#include "engine/quant/iq-grids.h"

/* Signs are kept as 7 bits; the eighth makes their number even. */
static unsigned
full_signs (unsigned seven)
{
  return seven | (unsigned) __builtin_parity (seven) << 7;
}

static float
with_sign (float value, unsigned signs, int i)
{
  return signs >> i & 1 ? -value : value;
}

static void
put_iq2 (uint16_t entry, unsigned signs, float scale, float *out)
{
  static const float values[4] = { 8, 25, 43, 0 };
  for (int i = 0; i < 8; i++)
    out[i] = with_sign (scale * values[entry >> 2 * i & 3], signs, i);
}

static void
put_iq1 (uint16_t entry, float delta, float scale, float *out)
{
  for (int i = 0; i < 8; i++)
    out[i] = scale * ((float) ((entry >> 2 * i & 3) - 1) + delta);
}

void
pe_decode_iq2_xxs (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq2_xxs *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int g = 0; g < 8; g++) {
      const uint8_t *index = b->q + 8 * g;
      uint32_t tail = pe_load_u32 (index + 4);
      float scale = d * (0.5f + (float) (tail >> 28)) * 0.25f;
      for (int l = 0; l < 4; l++, out += 8)
        put_iq2 (pe_iq2_xxs_grid[index[l]], full_signs (tail >> 7 * l & 127), scale, out);
    }
  }
}

void
pe_decode_iq2_xs (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq2_xs *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int k = 0; k < 32; k++, out += 8) {
      unsigned entry = pe_load_u16 (b->q + 2 * k);
      unsigned s = b->scales[k / 4] >> 4 * (k / 2 % 2) & 15;
      put_iq2 (pe_iq2_xs_grid[entry & 511], full_signs (entry >> 9), d * (0.5f + (float) s) * 0.25f,
               out);
    }
  }
}

void
pe_decode_iq2_s (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq2_s *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int k = 0; k < 32; k++, out += 8) {
      unsigned index = b->q[k] | (unsigned) (b->high[k / 4] >> 2 * (k % 4) & 3) << 8;
      unsigned s = b->scales[k / 4] >> 4 * (k / 2 % 2) & 15;
      put_iq2 (pe_iq2_s_grid[index], b->signs[k], d * (0.5f + (float) s) * 0.25f, out);
    }
  }
}

void
pe_decode_iq3_xxs (const void *blocks, float *out, size_t n)
{
  static const float values[8] = { 4, 12, 20, 28, 36, 44, 52, 62 };
  const struct pe_block_iq3_xxs *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int g = 0; g < 8; g++) {
      uint32_t tail = pe_load_u32 (b->signs + 4 * g);
      float scale = d * (0.5f + (float) (tail >> 28)) * 0.5f;
      for (int i = 0; i < 32; i++) {
        uint16_t entry = pe_iq3_xxs_grid[b->q[8 * g + i / 4]];
        unsigned signs = full_signs (tail >> 7 * (i / 8) & 127);
        *out++ = with_sign (scale * values[entry >> 3 * (i % 4) & 7], signs, i % 8);
      }
    }
  }
}

void
pe_decode_iq3_s (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq3_s *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int g = 0; g < 8; g++) {
      unsigned s = b->scales[g / 2] >> 4 * (g % 2) & 15;
      float scale = d * (float) (1 + 2 * s);
      for (int i = 0; i < 32; i++) {
        unsigned index = b->q[8 * g + i / 4] | (unsigned) (b->high[g] >> i / 4 & 1) << 8;
        int digit = pe_iq3_s_grid[index] >> 3 * (i % 4) & 7;
        *out++ = with_sign (scale * (float) (2 * digit + 1), b->signs[4 * g + i / 8], i % 8);
      }
    }
  }
}

void
pe_decode_iq1_s (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq1_s *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int g = 0; g < 8; g++) {
      unsigned high = pe_load_u16 (b->high + 2 * g);
      float scale = d * (float) (2 * (high >> 12 & 7) + 1);
      float delta = high >> 15 ? -0.125f : 0.125f;
      for (int l = 0; l < 4; l++, out += 8)
        put_iq1 (pe_iq1_grid[b->q[4 * g + l] | (high >> 3 * l & 7) << 8], delta, scale, out);
    }
  }
}

void
pe_decode_iq1_m (const void *blocks, float *out, size_t n)
{
  const struct pe_block_iq1_m *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    uint16_t half = 0; /* the scale lies in the top nibbles of the four scale words */
    for (int w = 0; w < 4; w++)
      half |= (uint16_t) (b->scales[2 * w + 1] >> 4 << 4 * w);
    float d = pe_half_decode (half);
    for (int k = 0; k < 32; k++, out += 8) {
      unsigned high = b->high[k / 2] >> 4 * (k % 2) & 15;
      unsigned s = pe_load_u16 (b->scales + 2 * (k / 8)) >> 3 * (k / 2 % 4) & 7;
      put_iq1 (pe_iq1_grid[b->q[k] | (high & 7) << 8], high & 8 ? -0.125f : 0.125f,
               d * (float) (2 * s + 1), out);
    }
  }
}
