/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Blocks of products on the tiles of AMX: four tiles of sums stay in their registers while two of
 * weights and two of activations go by. The tiles are worked by what the including file provides,
 * the intrinsics (amx-tiles.h) or, in a test, what the architecture says that they do:
 *
 *   tile_configure (const struct tile_config *), tile_release ()
 *   tile_zero (t), tile_load (t, base, stride), tile_store (t, base, stride)
 *   tile_dp (sums, rows, pairs)       products of bfloat16 added to float32
 *   tile_wait ()                      what was stored before can be loaded as tiles
 *
 * where t is a plain number. A configuration belongs to the thread and costs little beside a block,
 * so every call brings its own and gives it back: threads that sleep have nothing to be saved.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Palette 1: up to eight tiles of at most 16 rows of 64 bytes. All are of that size here. */
struct tile_config {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

_Static_assert(sizeof (struct tile_config) == 64, "as the instruction reads it");

/* Not made anew: compilers may not know how much of it the instruction reads. */
static const struct tile_config sixteen_by_64 = {
  .palette = 1,
  .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
  .rows = { 16, 16, 16, 16, 16, 16, 16, 16 },
};

static void
begin_blocks (void)
{
  tile_configure (&sixteen_by_64);
}

static void
end_blocks (void)
{
  tile_release ();
}

static inline void
add_tiles (size_t k, const uint16_t *w, size_t w_step, const uint16_t *a, size_t a_step)
{
  for (size_t p = 0; p < 16 * k; p += 512) {
    tile_load (4, w + p, 64);
    tile_load (6, a + p, 64);
    tile_load (5, w + w_step + p, 64);
    tile_dp (0, 4, 6);
    tile_load (7, a + a_step + p, 64);
    tile_dp (2, 5, 6);
    tile_dp (1, 4, 7);
    tile_dp (3, 5, 7);
  }
}

static void
multiply_block (size_t k, const uint16_t *w, size_t w_step, const uint16_t *a, size_t a_step,
                float *sums)
{
  tile_wait ();
  tile_zero (0);
  tile_zero (1);
  tile_zero (2);
  tile_zero (3);
  add_tiles (k, w, w_step, a, a_step);
  tile_store (0, sums, 128);
  tile_store (1, sums + 16, 128);
  tile_store (2, sums + 16 * 32, 128);
  tile_store (3, sums + 16 * 32 + 16, 128);
}

/* As much as a core may keep in its L2 cache with the activations beside it. */
#define BF16_PANEL (1024 * 1024)

/* F16 has three bits more than bfloat16, and `fast` is not meant to lose them. */
#define BF16_TYPES(X)                                                                              \
  X (F16, 3)                                                                                       \
  X (BF16, 1)                                                                                      \
  X (Q4_0, 1)                                                                                      \
  X (Q4_1, 1)                                                                                      \
  X (Q5_0, 1)                                                                                      \
  X (Q5_1, 1)                                                                                      \
  X (Q8_0, 1)                                                                                      \
  X (Q1_0, 1)                                                                                      \
  X (Q2_0, 1)                                                                                      \
  X (IQ4_NL, 1)                                                                                    \
  X (MXFP4, 1)                                                                                     \
  X (NVFP4, 1)                                                                                     \
  X (Q2_K, 1)                                                                                      \
  X (Q3_K, 1)                                                                                      \
  X (Q4_K, 1)                                                                                      \
  X (Q5_K, 1)                                                                                      \
  X (Q6_K, 1)                                                                                      \
  X (IQ4_XS, 1)                                                                                    \
  X (TQ1_0, 1)                                                                                     \
  X (TQ2_0, 1)                                                                                     \
  X (IQ1_S, 1)                                                                                     \
  X (IQ1_M, 1)                                                                                     \
  X (IQ2_XXS, 1)                                                                                   \
  X (IQ2_XS, 1)                                                                                    \
  X (IQ2_S, 1)                                                                                     \
  X (IQ3_XXS, 1)                                                                                   \
  X (IQ3_S, 1)
