/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Products in bfloat16 for prompts. Weights are expanded once for all rows of activations, in
 * their own order; the activations are packed once for all matrices that read them, two elements
 * of sixteen rows beside each other. So the products come out transposed, which costs little: it is
 * once for a whole row of k. The including file provides
 *
 *   void round_32 (const float *values, uint16_t *out);      to nearest, ties to even
 *   void begin_blocks (void), end_blocks (void);             around any number of
 *   void multiply_block (size_t k, const uint16_t *w, size_t w_step, const uint16_t *a,
 *                        size_t a_step, float *sums);
 *
 * where w and a are two groups of sixteen rows each, `step` elements apart, and sums[32][32] has a
 * line for each weight row. A group is [k / 32] tiles of 1 KiB: of weights [row][32 elements], of
 * activations [16 pairs][row][2]. BF16_PANEL is the memory for weights in bytes, BF16_TYPES (X) the
 * list of their types, X (NAME, terms).
 *
 * With three terms each 32 elements become three tiles: of activations the rounded value, what was
 * lost, the rounded value; of weights the rounded value twice and what was lost. So the products
 * are the same loop three times as deep.
 */
#pragma once

#include "engine/cpu/kernels.h"

#include <string.h>

#define BF16_DECODED 1024 /* elements of a row that are decoded at a time */
#define BF16_TILE    512  /* elements */

/* Longer rows are cut, between super-blocks. */
#define BF16_DEPTH(terms) (BF16_PANEL / 2 / PE_BF16_ROWS / (terms) / 256 * 256)

struct bf16_scratch {
  _Alignas(64) float sums[PE_BF16_ROWS * PE_BF16_ROWS];
  float values[BF16_DECODED];
  uint16_t panel[BF16_PANEL / 2];
};

static pe_decode_fn decoders[PE_TYPE_COUNT]; /* those of the table; set once */

/* ---- transposing 16 x 16 words ---- */

typedef uint32_t lanes __attribute__ ((vector_size (64)));
typedef lanes stored_lanes __attribute__ ((aligned (4), may_alias));

/* Swaps, of each two lines s apart, the upper s of every 2 s words with the lower of the other. */
#define SWAP(s, low, high)                                                                         \
  for (int i = 0; i < 16; i++)                                                                     \
    if (!(i & (s))) {                                                                              \
      lanes a = x[i], b = x[i + (s)];                                                              \
      x[i] = __builtin_shufflevector (a, b, low);                                                  \
      x[i + (s)] = __builtin_shufflevector (a, b, high);                                           \
    }

#define LOW_1  0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define LOW_2  0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_4  0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_8  0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31

/* Lines of sixteen words, `stride` words apart. */
static inline __attribute__ ((always_inline)) void
transpose_16 (const void *from, size_t stride, lanes *x)
{
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; i++)
    x[i] = *(const stored_lanes *) ((const char *) from + 4 * i * stride);
#pragma GCC unroll 16
  SWAP (1, LOW_1, HIGH_1)
#pragma GCC unroll 16
  SWAP (2, LOW_2, HIGH_2)
#pragma GCC unroll 16
  SWAP (4, LOW_4, HIGH_4)
#pragma GCC unroll 16
  SWAP (8, LOW_8, HIGH_8)
}

/* ---- rounding ---- */

/* 32 values as one term, or as the two parts: the rounded ones, and what that lost. */
static inline __attribute__ ((always_inline)) void
split_32 (unsigned terms, const float *values, uint16_t *rounded, uint16_t *lost)
{
  round_32 (values, rounded);
  if (terms == 1)
    return;
  float rest[32];
  for (int i = 0; i < 32; i++) {
    uint32_t bits = (uint32_t) rounded[i] << 16;
    float near;
    memcpy (&near, &bits, sizeof near);
    rest[i] = values[i] - near;
  }
  round_32 (rest, lost);
}

/* ---- activations ---- */

/* 32 elements of sixteen rows, of which n are there, as `terms` tiles. */
static inline __attribute__ ((always_inline)) void
pack_tiles (unsigned terms, size_t n, const float *x, size_t x_stride, char *to)
{
  _Alignas(64) uint16_t rows[2][16][32];
  for (size_t r = 0; r < 16; r++)
    if (r < n)
      split_32 (terms, x + r * x_stride, rows[0][r], rows[1][r]);
    else
      for (unsigned part = 0; part < 2; part++)
        memset (rows[part][r], 0, 64);
  for (unsigned term = 0; term < terms; term++) {
    lanes pairs[16];
    transpose_16 (rows[term == 1], 16, pairs);
    memcpy (to + term * sizeof pairs, pairs, sizeof pairs);
  }
}

static void
pack_bf16 (unsigned terms, size_t m, size_t k, const float *x, size_t x_stride, void *out)
{
  char *to = out;
  for (size_t i = 0; i < m; i += PE_BF16_ROWS)
    for (size_t first = i; first < i + PE_BF16_ROWS; first += 16) {
      size_t n = first < m ? m - first : 0;
      const float *from = first < m ? x + first * x_stride : x;
      for (size_t p = 0; p < k; p += 32, to += terms * 2 * BF16_TILE)
        if (terms == 1)
          pack_tiles (1, n, from + p, x_stride, to);
        else
          pack_tiles (3, n, from + p, x_stride, to);
    }
}

/* ---- weights ---- */

/* 32 elements of a line of sixteen, as lines of `terms` tiles. */
static inline __attribute__ ((always_inline)) void
expand_tiles (unsigned terms, const float *values, uint16_t *line)
{
  split_32 (terms, values, line, line + 2 * BF16_TILE);
  if (terms > 1)
    memcpy (line + BF16_TILE, line, 64);
}

/* Lines behind n_rows, up to a whole block, become zeros. */
static void
expand_rows (enum pe_type type, unsigned terms, size_t n_rows, size_t k, const char *rows,
             size_t row_bytes, struct bf16_scratch *s)
{
  size_t n_lines = (n_rows + PE_BF16_ROWS - 1) / PE_BF16_ROWS * PE_BF16_ROWS, deep = k * terms;
  for (size_t r = 0; r < n_lines; r++) {
    uint16_t *line = s->panel + r / 16 * 16 * deep + r % 16 * 32;
    for (size_t p = 0; r >= n_rows && p < deep; p += 32)
      memset (line + p * 16, 0, 64);
    for (size_t p = 0; r < n_rows && p < k; p += BF16_DECODED) {
      size_t count = k - p < BF16_DECODED ? k - p : BF16_DECODED;
      decoders[type](rows + r * row_bytes + pe_type_row_bytes (type, p), s->values, count);
      for (size_t i = 0; i < count; i += 32)
        if (terms == 1)
          expand_tiles (1, s->values + i, line + (p + i) * 16);
        else
          expand_tiles (3, s->values + i, line + (p + i) * terms * 16);
    }
  }
}

/* ---- products ---- */

/* Sixteen lines of sums, m of whose n columns are wanted, into c[column][line]. */
static inline void
put_sums (const float *sums, size_t m, size_t n, bool add, float *c, size_t c_stride)
{
  lanes x[16];
  transpose_16 (sums, PE_BF16_ROWS, x);
  for (size_t i = 0; i < m; i++) {
    float *to = c + i * c_stride, line[16];
    memcpy (line, &x[i], sizeof line);
    if (add)
      for (size_t j = 0; j < n; j++)
        to[j] += line[j];
    else if (n == 16)
      memcpy (to, line, sizeof line);
    else
      memcpy (to, line, n * sizeof *to);
  }
}

static inline size_t
at_most_16 (size_t n)
{
  return n < 16 ? n : 16;
}

/* Expanded weights, `width` of them, times all activations, whose groups are a_step apart. */
static void
multiply_panel (size_t m, size_t width, size_t depth, const uint16_t *a, size_t a_step, bool add,
                float *c, size_t c_stride, struct bf16_scratch *s)
{
  for (size_t i = 0; i < m; i += PE_BF16_ROWS)
    for (size_t j = 0; j < width; j += PE_BF16_ROWS) {
      multiply_block (depth, s->panel + j * depth, 16 * depth, a + i / 16 * a_step, a_step,
                      s->sums);
      for (size_t row = i; row < m && row < i + PE_BF16_ROWS; row += 16)
        for (size_t line = j; line < width && line < j + PE_BF16_ROWS; line += 16)
          put_sums (s->sums + (line - j) * PE_BF16_ROWS + (row - i), at_most_16 (m - row),
                    at_most_16 (width - line), add, c + row * c_stride + line, c_stride);
    }
}

/* One copy for all types: what they differ in is far from the loops that count. */
static __attribute__ ((noinline)) void
gemm_bf16 (enum pe_type type, unsigned terms, size_t m, size_t n, size_t k, const uint16_t *a,
           const char *rows, size_t row_bytes, float *c, size_t c_stride, struct bf16_scratch *s)
{
  for (size_t i = 0; k == 0 && i < m; i++)
    memset (c + i * c_stride, 0, n * sizeof *c);
  begin_blocks ();
  for (size_t p = 0; p < k; p += BF16_DEPTH (terms)) {
    size_t depth = k - p < BF16_DEPTH (terms) ? k - p : BF16_DEPTH (terms), deep = depth * terms;
    size_t fit = BF16_PANEL / 2 / deep / PE_BF16_ROWS * PE_BF16_ROWS;
    for (size_t j = 0; j < n; j += fit) {
      size_t width = n - j < fit ? n - j : fit;
      expand_rows (type, terms, width, depth, rows + j * row_bytes + pe_type_row_bytes (type, p),
                   row_bytes, s);
      multiply_panel (m, width, deep, a + p * terms * 16, 16 * k * terms, p > 0, c + j, c_stride,
                      s);
    }
  }
  end_blocks ();
}

/* ---- the kernels of each type ---- */

#define DEFINE_BF16(NAME, terms)                                                                   \
  static void gemm_bf16_##NAME (size_t m, size_t n, size_t k, const void *a, const void *rows,     \
                                size_t row_bytes, float *c, size_t c_stride, void *scratch)        \
  {                                                                                                \
    gemm_bf16 (PE_TYPE_##NAME, terms, m, n, k, a, rows, row_bytes, c, c_stride, scratch);          \
  }

BF16_TYPES (DEFINE_BF16)

#define SET_BF16(NAME, terms)                                                                      \
  kernels->gemm_bf16[PE_TYPE_##NAME] = gemm_bf16_##NAME;                                           \
  kernels->bf16_terms[PE_TYPE_##NAME] = terms;

static void
set_bf16 (struct pe_kernels *kernels)
{
  memcpy (decoders, kernels->decode, sizeof decoders);
  kernels->pack_bf16 = pack_bf16;
  kernels->bf16_panel = BF16_PANEL;
  kernels->gemm_scratch = sizeof (struct bf16_scratch);
  BF16_TYPES (SET_BF16)
}
