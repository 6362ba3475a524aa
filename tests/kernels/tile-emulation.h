/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tiles of AMX in plain C, as Intel's manual of the instructions describes them: a tile has
 * the rows and bytes that the configuration says, loads and results fill the rest of it with zeros,
 * products of bfloat16 are added in float32 with denormal numbers taken and given as zero, those of
 * even and of odd elements apart until the end of a row. What the processor would refuse is
 * counted.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct tile_config;

static struct {
  bool configured;
  unsigned rows[8], row_bytes[8];
  unsigned char data[8][16][64];
} tiles;

static unsigned tile_faults;       /* what a processor would have refused */
static unsigned tile_n_configured; /* how often */

/* A processor that is not as described: for the test of the check. */
static enum { TILES_RIGHT, TILES_SKIP_ODD, TILES_SHIFT_PAIRS, TILES_KEEP_SUMS } tile_defect;

static void
tile_configure (const struct tile_config *config)
{
  unsigned char c[64];
  memcpy (c, config, sizeof c);
  memset (&tiles, 0, sizeof tiles);
  tile_faults += c[0] != 1;
  for (int i = 1; i < 16; i++)
    tile_faults += c[i] != 0;
  for (int i = 32; i < 48; i++)
    tile_faults += c[i] != 0;
  for (int i = 56; i < 64; i++)
    tile_faults += c[i] != 0;
  for (int t = 0; t < 8; t++) {
    tiles.row_bytes[t] = c[16 + 2 * t] | (unsigned) c[17 + 2 * t] << 8;
    tiles.rows[t] = c[48 + t];
    tile_faults += tiles.rows[t] > 16 || tiles.row_bytes[t] > 64 ||
                   (tiles.rows[t] == 0) != (tiles.row_bytes[t] == 0);
  }
  tiles.configured = true;
  tile_n_configured++;
}

static void
tile_release (void)
{
  memset (&tiles, 0, sizeof tiles);
}

static bool
tile_is_usable (int t)
{
  bool usable =
      tiles.configured && tiles.rows[t] > 0 && tiles.rows[t] <= 16 && tiles.row_bytes[t] <= 64;
  tile_faults += !usable;
  return usable;
}

static void
tile_zero (int t)
{
  if (tile_is_usable (t) && tile_defect != TILES_KEEP_SUMS)
    memset (tiles.data[t], 0, sizeof tiles.data[t]);
}

static void
tile_load (int t, const void *base, size_t stride)
{
  if (!tile_is_usable (t))
    return;
  memset (tiles.data[t], 0, sizeof tiles.data[t]);
  for (unsigned r = 0; r < tiles.rows[t]; r++)
    memcpy (tiles.data[t][r], (const char *) base + r * stride, tiles.row_bytes[t]);
}

static void
tile_store (int t, void *base, size_t stride)
{
  if (!tile_is_usable (t))
    return;
  for (unsigned r = 0; r < tiles.rows[t]; r++)
    memcpy ((char *) base + r * stride, tiles.data[t][r], tiles.row_bytes[t]);
}

static float
tile_flush (float x)
{
  return fabsf (x) < 0x1p-126f ? copysignf (0.0f, x) : x;
}

static float
tile_element (const unsigned char *p)
{
  uint32_t bits = (uint32_t) p[0] << 16 | (uint32_t) p[1] << 24;
  float x;
  memcpy (&x, &bits, sizeof x);
  return tile_flush (x);
}

static void
tile_dp (int c, int a, int b)
{
  if (!tile_is_usable (c) || !tile_is_usable (a) || !tile_is_usable (b))
    return;
  tile_faults += c == a || c == b || a == b || tiles.rows[c] != tiles.rows[a] ||
                 tiles.row_bytes[c] != tiles.row_bytes[b] ||
                 tiles.row_bytes[a] / 4 != tiles.rows[b] || tiles.row_bytes[c] % 4 != 0;
  unsigned n_pairs = tiles.row_bytes[a] / 4, n_columns = tiles.row_bytes[c] / 4;
  for (unsigned m = 0; m < tiles.rows[c]; m++)
    for (unsigned n = 0; n < n_columns; n++) {
      float even = 0.0f, odd = 0.0f, sum;
      for (unsigned k = 0; k < n_pairs; k++) {
        const unsigned char *left = tiles.data[a][m] + 4 * k;
        unsigned row = tile_defect == TILES_SHIFT_PAIRS ? (k + 1) % n_pairs : k;
        const unsigned char *right = tiles.data[b][row] + 4 * n;
        even = tile_flush (fmaf (tile_element (left), tile_element (right), even));
        if (tile_defect != TILES_SKIP_ODD)
          odd = tile_flush (fmaf (tile_element (left + 2), tile_element (right + 2), odd));
      }
      memcpy (&sum, tiles.data[c][m] + 4 * n, sizeof sum);
      sum = tile_flush (tile_flush (sum) + tile_flush (even + odd));
      memcpy (tiles.data[c][m] + 4 * n, &sum, sizeof sum);
    }
}

#define tile_wait() ((void) 0)
