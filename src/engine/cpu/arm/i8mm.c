/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NEON with products of small matrices of bytes: two rows of eight by two of eight.
 */
#include "engine/cpu/arm/vector-neon.h"

#include <string.h>

#include "engine/cpu/arm/codes.h"
#include "engine/cpu/vector/rows.h"

#define STEP 8

INLINE vi
dot_16 (vi sum, int8x16_t codes, int8x16_t x)
{
  return vdotq_s32 (sum, codes, x);
}

INLINE int8x16_t
halves_of (int8x16_t first, int8x16_t second, bool upper)
{
  int64x2_t a = vreinterpretq_s64_s8 (first), b = vreinterpretq_s64_s8 (second);
  return vreinterpretq_s8_s64 (upper ? vzip2q_s64 (a, b) : vzip1q_s64 (a, b));
}

/* A row alone is multiplied twice. */
INLINE void
multiply_group (int rows, int depth, const int8_t *codes, const int8_t *a, size_t a_bytes,
                vi (*products)[2])
{
  vi sum[2][4];
#pragma GCC unroll 2
  for (int pair = 0; pair < (rows + 1) / 2; pair++)
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++)
      sum[pair][p] = vi_zero ();
#pragma GCC unroll 2
  for (int t = 0; t < depth; t += 16) {
    int8x16_t x[4];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
      x[i] = vld1q_s8 (a + (size_t) i * a_bytes + t);
    if (rows == 1)
      x[1] = x[0];
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++)
#pragma GCC unroll 4
      for (int p = 0; p < 4; p++) {
        int8x16_t c = vld1q_s8 (codes + 8 * (t + 8 * h) + 16 * p);
#pragma GCC unroll 2
        for (int pair = 0; pair < (rows + 1) / 2; pair++)
          sum[pair][p] =
              vmmlaq_s32 (sum[pair][p], halves_of (x[2 * pair], x[2 * pair + 1], h == 1), c);
      }
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++)
      products[i][h] = vreinterpretq_s32_s8 (
          halves_of (vreinterpretq_s8_s32 (sum[i / 2][2 * h]),
                     vreinterpretq_s8_s32 (sum[i / 2][2 * h + 1]), i % 2 == 1));
}

#include "engine/cpu/arm/fast.h"

void
pe_kernels_init_i8mm (struct pe_kernels *kernels)
{
  kernels->level = PE_CPU_I8MM;
  set_fast (kernels);
}
