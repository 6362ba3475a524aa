/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a level could reach at most: memory read and nothing done with it, and the inner loop of
 * the exact gemm on operands that stay in the L1 cache. Figures are quoted as shares of these.
 */
#pragma once

#include "engine/cpu/kernels.h"

#define BARE_DEPTH 512 /* elements of a row */
#define BARE_ROWS  4   /* of an exact tile */

static uint64_t
read_bytes (size_t n, const void *data)
{
  const char *p = data;
  vi sum[4] = { vi_zero (), vi_zero (), vi_zero (), vi_zero () };
  size_t i = 0;
  for (; i + 4 * sizeof (vi) <= n; i += 4 * sizeof (vi))
#pragma GCC unroll 4
    for (int l = 0; l < 4; l++)
      sum[l] = vi_xor (sum[l], vi_load (p + i + l * sizeof (vi)));
  uint64_t words[sizeof (vi) / 8], total = 0;
  vi all = vi_xor (vi_xor (sum[0], sum[1]), vi_xor (sum[2], sum[3]));
  memcpy (words, &all, sizeof words);
  for (size_t l = 0; l < sizeof words / 8; l++)
    total ^= words[l];
  for (; i < n; i++)
    total ^= (unsigned char) p[i];
  return total;
}

static double
bare_exact (size_t rounds, void *scratch)
{
  const float *a = scratch, *b = a + BARE_ROWS * BARE_DEPTH;
  float *c = (float *) scratch + (BARE_ROWS + SUMS / BARE_ROWS) * BARE_DEPTH;
  for (size_t i = 0; i < rounds; i++)
    dot_tile (STORED_F32, BARE_ROWS, BARE_DEPTH, a, BARE_DEPTH, (const char *) b,
              BARE_DEPTH * sizeof *b, c, SUMS / BARE_ROWS);
  return 2.0 * SUMS * BARE_DEPTH * (double) rounds;
}

_Static_assert((BARE_ROWS + SUMS / BARE_ROWS) * BARE_DEPTH * 4 + 1024 <= PE_GEMM_SCRATCH,
               "does not fit");

INLINE void
set_limits (struct pe_kernels *kernels)
{
  kernels->read_bytes = read_bytes;
  kernels->bare_exact = bare_exact;
}
