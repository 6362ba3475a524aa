/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Types whose elements are -d, 0 or d.
 */
#include "engine/quant/blocks.h"
#include "engine/quant/decode.h"

/* Trit `place` of a byte that holds five base-3 digits as a fraction of 256, rounded up: times
 * 3^place modulo 256 leaves the wanted digit on top, times 3 brings it above the point. */
static int
trit (uint8_t byte, int place)
{
  static const uint8_t power[5] = { 1, 3, 9, 27, 81 };
  uint8_t rest = (uint8_t) (byte * power[place]);
  return (rest * 3 >> 8) - 1;
}

void
pe_decode_tq1_0 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_tq1_0 *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int place = 0; place < 5; place++)
      for (int j = 0; j < 32; j++)
        *out++ = d * (float) trit (b->q[j], place);
    for (int place = 0; place < 5; place++)
      for (int j = 32; j < 48; j++)
        *out++ = d * (float) trit (b->q[j], place);
    for (int place = 0; place < 4; place++)
      for (int j = 0; j < 4; j++)
        *out++ = d * (float) trit (b->high[j], place);
  }
}

void
pe_decode_tq2_0 (const void *blocks, float *out, size_t n)
{
  const struct pe_block_tq2_0 *b = blocks;
  for (const float *end = out + n; out < end; b++) {
    float d = pe_load_half (b->d);
    for (int half = 0; half < 2; half++)
      for (int place = 0; place < 4; place++)
        for (int j = 0; j < 32; j++)
          *out++ = d * (float) ((b->q[32 * half + j] >> 2 * place & 3) - 1);
  }
}
