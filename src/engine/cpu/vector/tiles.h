/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A few float rows by a few stored rows at a time, for any vector width: dot products whose SUMS
 * sums fill the registers and are added up together, and sums of weighted rows. Short rows, as keys
 * and values have, spend as much on adding up lanes as on products if each sum is added up alone.
 */
#pragma once

#include <stddef.h>

typedef vf (*load_fn) (const void *p);
typedef float (*load_one_fn) (const void *p);

/* How a stored row of floats is read; a constant at each call. */
struct stored {
  load_fn load;
  load_one_fn one;
  size_t size;
};

INLINE float
dot_row (struct stored s, size_t k, const float *a, const char *b)
{
  vf sum = vf_zero ();
  size_t p = 0;
  for (; p + W <= k; p += W)
    sum = vf_fma (s.load (b + p * s.size), vf_load (a + p), sum);
  float total = vf_sum (sum);
  for (; p < k; p++)
    total += a[p] * s.one (b + p * s.size);
  return total;
}

/* `rows` (1, 2 or 4) of a by SUMS / rows of b, both along k, added to c. */
INLINE void
dot_tile (struct stored s, int rows, size_t k, const float *a, size_t a_stride, const char *b,
          size_t b_bytes, float *c, size_t c_stride)
{
  const int columns = SUMS / rows;
  vf sum[SUMS];
#pragma GCC unroll 16
  for (int l = 0; l < SUMS; l++)
    sum[l] = vf_zero ();
  size_t p = 0;
  for (; p + W <= k; p += W) {
    vf left[4];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
      left[i] = vf_load (a + i * a_stride + p);
#pragma GCC unroll 16
    for (int j = 0; j < columns; j++) {
      vf right = s.load (b + j * b_bytes + p * s.size);
#pragma GCC unroll 4
      for (int i = 0; i < rows; i++)
        sum[i * columns + j] = vf_fma (left[i], right, sum[i * columns + j]);
    }
  }
  float total[SUMS];
#pragma GCC unroll 4
  for (int l = 0; l < SUMS; l += W)
    vf_store (total + l, vf_sum_each (sum + l));
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
    for (int j = 0; j < columns; j++) {
      float x = total[i * columns + j];
      for (size_t q = p; q < k; q++)
        x += a[i * a_stride + q] * s.one (b + j * b_bytes + q * s.size);
      c[i * c_stride + j] += x;
    }
}

INLINE void
dot_rows (struct stored s, int rows, size_t n, size_t k, const float *a, size_t a_stride,
          const char *b, size_t b_bytes, float *c, size_t c_stride)
{
  size_t j = 0, columns = SUMS / (size_t) rows;
  for (; j + columns <= n; j += columns)
    dot_tile (s, rows, k, a, a_stride, b + j * b_bytes, b_bytes, c + j, c_stride);
  for (; j < n; j++)
    for (int i = 0; i < rows; i++)
      c[i * c_stride + j] += dot_row (s, k, a + i * a_stride, b + j * b_bytes);
}

/* c[i][j] += a[i] . b[j], for i < m, j < n */
INLINE void
dot_tiles (struct stored s, size_t m, size_t n, size_t k, const float *a, size_t a_stride,
           const char *b, size_t b_bytes, float *c, size_t c_stride)
{
  size_t i = 0;
  for (; i + 4 <= m; i += 4)
    dot_rows (s, 4, n, k, a + i * a_stride, a_stride, b, b_bytes, c + i * c_stride, c_stride);
  if (i + 2 <= m) {
    dot_rows (s, 2, n, k, a + i * a_stride, a_stride, b, b_bytes, c + i * c_stride, c_stride);
    i += 2;
  }
  if (i < m)
    dot_rows (s, 1, n, k, a + i * a_stride, a_stride, b, b_bytes, c + i * c_stride, c_stride);
}

/* `columns` vectors of `rows` of y, which stay in registers while the n_rows of v go by. */
INLINE void
weigh_tile (struct stored s, int rows, int columns, size_t n_rows, const float *w, size_t w_stride,
            const char *v, size_t v_bytes, float *y, size_t y_stride)
{
  vf sum[4][4];
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++)
      sum[i][j] = vf_load (y + i * y_stride + j * W);
  for (size_t r = 0; r < n_rows; r++) {
    vf right[4];
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++)
      right[j] = s.load (v + r * v_bytes + j * W * s.size);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
      vf weight = vf_set (w[i * w_stride + r]);
#pragma GCC unroll 4
      for (int j = 0; j < columns; j++)
        sum[i][j] = vf_fma (right[j], weight, sum[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++)
      vf_store (y + i * y_stride + j * W, sum[i][j]);
}

INLINE void
weigh_columns (struct stored s, int rows, size_t n_rows, size_t n, const float *w, size_t w_stride,
               const char *v, size_t v_bytes, float *y, size_t y_stride)
{
  enum { WIDE = 4, OF_FOUR = SUMS / 4 }; /* vectors that fit the registers beside four rows */
  size_t i = 0;
  if (rows == 4)
    for (; i + OF_FOUR * W <= n; i += OF_FOUR * W)
      weigh_tile (s, rows, OF_FOUR, n_rows, w, w_stride, v + i * s.size, v_bytes, y + i, y_stride);
  else
    for (; i + WIDE * W <= n; i += WIDE * W)
      weigh_tile (s, rows, WIDE, n_rows, w, w_stride, v + i * s.size, v_bytes, y + i, y_stride);
  for (; i + W <= n; i += W)
    weigh_tile (s, rows, 1, n_rows, w, w_stride, v + i * s.size, v_bytes, y + i, y_stride);
  for (; i < n; i++)
    for (int l = 0; l < rows; l++)
      for (size_t r = 0; r < n_rows; r++)
        y[l * y_stride + i] += w[l * w_stride + r] * s.one (v + r * v_bytes + i * s.size);
}

/* y[i] += sum over r < n_rows of w[i][r] v[r], for i < m, n columns */
INLINE void
weigh_tiles (struct stored s, size_t m, size_t n_rows, size_t n, const float *w, size_t w_stride,
             const char *v, size_t v_bytes, float *y, size_t y_stride)
{
  size_t i = 0;
  for (; i + 4 <= m; i += 4)
    weigh_columns (s, 4, n_rows, n, w + i * w_stride, w_stride, v, v_bytes, y + i * y_stride,
                   y_stride);
  if (i + 2 <= m) {
    weigh_columns (s, 2, n_rows, n, w + i * w_stride, w_stride, v, v_bytes, y + i * y_stride,
                   y_stride);
    i += 2;
  }
  if (i < m)
    weigh_columns (s, 1, n_rows, n, w + i * w_stride, w_stride, v, v_bytes, y + i * y_stride,
                   y_stride);
}
