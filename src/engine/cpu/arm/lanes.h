/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A group of products for panels of four codes of each row: a register of codes meets four codes of
 * the activations, dot_lane (sum, codes, x, lane) of sixteen that were loaded at once.
 */
#pragma once

#define STEP 4

#define MULTIPLY_LANE(lane)                                                                        \
  do {                                                                                             \
    int8x16_t low = vld1q_s8 (codes + 8 * t + 32 * (lane));                                        \
    int8x16_t high = vld1q_s8 (codes + 8 * t + 32 * (lane) + 16);                                  \
    _Pragma ("GCC unroll 4") for (int i = 0; i < rows; i++)                                        \
    {                                                                                              \
      products[i][0] = dot_lane (products[i][0], low, x[i], lane);                                 \
      products[i][1] = dot_lane (products[i][1], high, x[i], lane);                                \
    }                                                                                              \
  } while (0)

INLINE void
multiply_group (int rows, int depth, const int8_t *codes, const int8_t *a, size_t a_bytes,
                vi (*products)[2])
{
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
    products[i][0] = products[i][1] = vi_zero ();
#pragma GCC unroll 2
  for (int t = 0; t < depth; t += 16) {
    int8x16_t x[4];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
      x[i] = vld1q_s8 (a + (size_t) i * a_bytes + t);
    MULTIPLY_LANE (0);
    MULTIPLY_LANE (1);
    MULTIPLY_LANE (2);
    MULTIPLY_LANE (3);
  }
}
