/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels with float32 activations, for any vector width: include the vocabulary of one
 * (x86/vector-256.h, x86/vector-512.h, arm/vector-neon.h) and the codes.h beside it before. The
 * bodies take the functions that describe a type as arguments; they are always inlined, so every
 * type gets a loop of its own.
 */
#pragma once

#include "engine/cpu/kernels.h"
#include "engine/cpu/vector/tiles.h"

#define GEMM_K    512 /* elements of a row that are decoded at a time: 16 rows fit the L1 cache */
#define GEMM_ROWS 16
#define GEMM_FEW  8 /* rows of activations */

/* Far enough for memory to answer, near enough to stay in the L1 cache. */
#define AHEAD 4096

INLINE void
prefetch (const char *p, size_t n_bytes)
{
#pragma GCC unroll 20
  for (size_t i = 0; i < n_bytes; i += 64)
    __builtin_prefetch (p + AHEAD + i, 0, 3);
}

INLINE size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* ---- float rows ---- */

INLINE vf
load_f32 (const void *p)
{
  return vf_load (p);
}

INLINE float
one_f32 (const void *p)
{
  float value;
  memcpy (&value, p, sizeof value);
  return value;
}

INLINE float
one_f16 (const void *p)
{
  return half (p);
}

INLINE float
one_bf16 (const void *p)
{
  return pe_float_from_bits ((uint32_t) pe_load_u16 (p) << 16);
}

/* `n_rows` (1 … 4) rows at once: they share the loads of x, which is larger than the weights are.
 * Two sums a row hide the latency of the additions. */
INLINE void
dot_float_rows (load_fn load, load_one_fn one, size_t size, int n_rows, size_t n, const char *rows,
                size_t row_bytes, const float *x, float *out)
{
  vf sum[4][2];
  for (int r = 0; r < n_rows; r++)
    sum[r][0] = sum[r][1] = vf_zero ();
  size_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    vf left = vf_load (x + i), right = vf_load (x + i + W);
#pragma GCC unroll 4
    for (int r = 0; r < n_rows; r++) {
      const char *p = rows + r * row_bytes + i * size;
      prefetch (p, 2 * W * size);
      sum[r][0] = vf_fma (load (p), left, sum[r][0]);
      sum[r][1] = vf_fma (load (p + W * size), right, sum[r][1]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < n_rows; r++) {
    const char *row = rows + r * row_bytes;
    size_t j = i;
    for (; j + W <= n; j += W)
      sum[r][0] = vf_fma (load (row + j * size), vf_load (x + j), sum[r][0]);
    out[r] = vf_sum (vf_add (sum[r][0], sum[r][1]));
    for (; j < n; j++)
      out[r] += one (row + j * size) * x[j];
  }
}

INLINE void
dot_float (load_fn load, load_one_fn one, size_t size, size_t n, const char *rows, size_t row_bytes,
           size_t n_rows, const float *x, float *out)
{
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4)
    dot_float_rows (load, one, size, 4, n, rows + r * row_bytes, row_bytes, x, out + r);
  for (; r < n_rows; r++)
    dot_float_rows (load, one, size, 1, n, rows + r * row_bytes, row_bytes, x, out + r);
}

INLINE void
decode_float (load_fn load, load_one_fn one, size_t size, const char *row, float *out, size_t n)
{
  size_t i = 0;
  for (; i + W <= n; i += W)
    vf_store (out + i, load (row + i * size));
  for (; i < n; i++)
    out[i] = one (row + i * size);
}

/* ---- coded rows ---- */

/* The scale and offset of W elements: those of one group, or of two where groups are of 16 and
 * registers wider. */
INLINE void
group_scales (const struct scales *s, int group, int j, int part, vf *d, vf *m)
{
  int g = group == 32 ? j : 2 * j + part * W / 16;
  *d = vf_set (s->d[g]);
  *m = vf_set (s->m[g]);
}

/* 32 j … 32 j + 31 of a super-block, times x, into two sums. */
INLINE void
dot_32 (codes_fn codes, int group, const char *super, int j, const struct scales *s, const float *x,
        vf *sum)
{
  codes_32 c = codes (super, j);
#pragma GCC unroll 8
  for (int part = 0; part < 32 / W; part++) {
    vf d, m;
    group_scales (s, group, j, part, &d, &m);
    vf value = vf_fma (vf_from_codes (c, part), d, m);
    sum[part % 2] = vf_fma (value, vf_load (x + 32 * j + W * part), sum[part % 2]);
  }
}

INLINE float
dot_coded (codes_fn codes, scales_fn scales, size_t bytes, int group, size_t n, const char *row,
           const float *x)
{
  vf sum[2] = { vf_zero (), vf_zero () };
  struct scales s;
  size_t i = 0;
  for (; i + 256 <= n; i += 256, row += bytes) {
    prefetch (row, bytes);
    scales (row, 8, &s);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++)
      dot_32 (codes, group, row, j, &s, x + i, sum);
  }
  int left = (int) ((n - i) / 32);
  if (left) {
    scales (row, left, &s);
    for (int j = 0; j < left; j++)
      dot_32 (codes, group, row, j, &s, x + i, sum);
  }
  return vf_sum (vf_add (sum[0], sum[1]));
}

INLINE void
decode_coded (codes_fn codes, scales_fn scales, size_t bytes, int group, const char *row,
              float *out, size_t n)
{
  struct scales s;
  for (size_t i = 0; i < n; i += 256, row += bytes) {
    int count = (int) (smaller (n - i, 256) / 32);
    scales (row, count, &s);
    for (int j = 0; j < count; j++) {
      codes_32 c = codes (row, j);
#pragma GCC unroll 8
      for (int part = 0; part < 32 / W; part++) {
        vf d, m;
        group_scales (&s, group, j, part, &d, &m);
        vf_store (out + i + 32 * j + W * part, vf_fma (vf_from_codes (c, part), d, m));
      }
    }
  }
}

/* ---- several rows of activations ---- */

#define STORED_F32 ((struct stored){ load_f32, one_f32, 4 })

/* One copy for all types that are decoded first. */
static void
dot_tiles_f32 (size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b,
               size_t b_stride, float *c, size_t c_stride)
{
  dot_tiles (STORED_F32, m, n, k, a, a_stride, (const char *) b, b_stride * sizeof *b, c, c_stride);
}

static void
weigh_tiles_f32 (size_t m, size_t n_rows, size_t n, const float *w, size_t w_stride, const float *v,
                 size_t v_stride, float *y, size_t y_stride)
{
  weigh_tiles (STORED_F32, m, n_rows, n, w, w_stride, (const char *) v, v_stride * sizeof *v, y,
               y_stride);
}

static inline void
clear_rows (size_t m, size_t n, float *c, size_t c_stride)
{
  for (size_t i = 0; i < m; i++)
    memset (c + i * c_stride, 0, n * sizeof *c);
}

/* `decode` puts rows of GEMM_K elements into the scratch; `bytes` is the size of 256 elements. */
INLINE void
gemm_decoded (pe_decode_fn decode, size_t bytes, size_t m, size_t n, size_t k, const float *a,
              size_t a_stride, const char *rows, size_t row_bytes, float *c, size_t c_stride,
              float *scratch)
{
  clear_rows (m, n, c, c_stride);
  for (size_t p = 0; p < k; p += GEMM_K) {
    size_t depth = smaller (k - p, GEMM_K);
    for (size_t j = 0; j < n; j += GEMM_ROWS) {
      size_t width = smaller (n - j, GEMM_ROWS);
      for (size_t r = 0; r < width; r++)
        decode (rows + (j + r) * row_bytes + p / 256 * bytes, scratch + r * GEMM_K, depth);
      dot_tiles_f32 (m, width, depth, a + p, a_stride, scratch, GEMM_K, c + j, c_stride);
    }
  }
}

/* Rows of floats are decoded where many rows of `a` go by, and read as they are for few. */
INLINE void
gemm_float (struct stored s, pe_decode_fn decode, size_t m, size_t n, size_t k, const float *a,
            size_t a_stride, const char *rows, size_t row_bytes, float *c, size_t c_stride,
            float *scratch)
{
  if (m > GEMM_FEW) {
    gemm_decoded (decode, 256 * s.size, m, n, k, a, a_stride, rows, row_bytes, c, c_stride,
                  scratch);
    return;
  }
  clear_rows (m, n, c, c_stride);
  for (size_t j = 0; j < n; j += GEMM_ROWS)
    for (size_t p = 0; p < k; p += GEMM_K)
      dot_tiles (s, m, smaller (n - j, GEMM_ROWS), smaller (k - p, GEMM_K), a + p, a_stride,
                 rows + j * row_bytes + p * s.size, row_bytes, c + j, c_stride);
}

/* Rows in strips of 256 columns, decoded once for all of y. */
INLINE void
weigh_decoded (pe_decode_fn decode, size_t bytes, size_t m, size_t n_rows, size_t n, const float *w,
               size_t w_stride, const char *rows, size_t row_bytes, float *y, size_t y_stride)
{
  float strip[8][256];
  for (size_t r = 0; r < n_rows; r += 8) {
    size_t count = smaller (n_rows - r, 8);
    for (size_t p = 0; p < n; p += 256) {
      size_t width = smaller (n - p, 256);
      for (size_t l = 0; l < count; l++)
        decode (rows + (r + l) * row_bytes + p / 256 * bytes, strip[l], width);
      weigh_tiles_f32 (m, count, width, w + r, w_stride, strip[0], 256, y + p, y_stride);
    }
  }
}

/* ---- the kernels of each type ---- */

#define FLOAT_TYPES(X)                                                                             \
  X (F32, f32, 4, load_f32, one_f32)                                                               \
  X (F16, f16, 2, vf_load_f16, one_f16)                                                            \
  X (BF16, bf16, 2, vf_load_bf16, one_bf16)

#define DEFINE_FLOAT_ROWS(NAME, name, size, load, one)                                             \
  static void decode_##name (const void *blocks, float *out, size_t n)                             \
  {                                                                                                \
    decode_float (load, one, size, blocks, out, n);                                                \
  }                                                                                                \
  static void dot_##name (size_t n, const void *rows, size_t row_bytes, size_t n_rows,             \
                          const float *x, float *out)                                              \
  {                                                                                                \
    dot_float (load, one, size, n, rows, row_bytes, n_rows, x, out);                               \
  }                                                                                                \
  static void weigh_##name (size_t m, size_t n_rows, size_t n, const float *w, size_t w_stride,    \
                            const void *rows, size_t row_bytes, float *y, size_t y_stride)         \
  {                                                                                                \
    weigh_tiles ((struct stored){ load, one, size }, m, n_rows, n, w, w_stride, rows, row_bytes,   \
                 y, y_stride);                                                                     \
  }                                                                                                \
  static void gemm_##name (size_t m, size_t n, size_t k, const float *a, size_t a_stride,          \
                           const void *rows, size_t row_bytes, float *c, size_t c_stride,          \
                           void *scratch)                                                          \
  {                                                                                                \
    gemm_float ((struct stored){ load, one, size }, decode_##name, m, n, k, a, a_stride, rows,     \
                row_bytes, c, c_stride, scratch);                                                  \
  }

#define DEFINE_CODED_ROWS(NAME, name, bytes, group, zero)                                          \
  static void decode_##name (const void *blocks, float *out, size_t n)                             \
  {                                                                                                \
    decode_coded (codes_##name, scales_##name, bytes, group, blocks, out, n);                      \
  }                                                                                                \
  static void dot_##name (size_t n, const void *rows, size_t row_bytes, size_t n_rows,             \
                          const float *x, float *out)                                              \
  {                                                                                                \
    for (size_t r = 0; r < n_rows; r++)                                                            \
      out[r] = dot_coded (codes_##name, scales_##name, bytes, group, n,                            \
                          (const char *) rows + r * row_bytes, x);                                 \
  }                                                                                                \
  static void weigh_##name (size_t m, size_t n_rows, size_t n, const float *w, size_t w_stride,    \
                            const void *rows, size_t row_bytes, float *y, size_t y_stride)         \
  {                                                                                                \
    weigh_decoded (decode_##name, bytes, m, n_rows, n, w, w_stride, rows, row_bytes, y, y_stride); \
  }                                                                                                \
  static void gemm_##name (size_t m, size_t n, size_t k, const float *a, size_t a_stride,          \
                           const void *rows, size_t row_bytes, float *c, size_t c_stride,          \
                           void *scratch)                                                          \
  {                                                                                                \
    gemm_decoded (decode_##name, bytes, m, n, k, a, a_stride, rows, row_bytes, c, c_stride,        \
                  scratch);                                                                        \
  }

FLOAT_TYPES (DEFINE_FLOAT_ROWS)
CODED_TYPES (DEFINE_CODED_ROWS)

#define SET_ROWS(NAME, name, ...)                                                                  \
  kernels->dot_exact[PE_TYPE_##NAME] = dot_##name;                                                 \
  kernels->gemm_exact[PE_TYPE_##NAME] = gemm_##name;                                               \
  kernels->weigh_rows[PE_TYPE_##NAME] = weigh_##name;                                              \
  kernels->decode[PE_TYPE_##NAME] = decode_##name;

INLINE void
set_rows (struct pe_kernels *kernels)
{
  FLOAT_TYPES (SET_ROWS)
  CODED_TYPES (SET_ROWS)
}
