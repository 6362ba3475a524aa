/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plain C kernels: what the others are compared with, and all there is on processors without
 * kernels of their own. Every type goes through its reference decoder, 256 elements at a time.
 */
#include "engine/cpu/kernels.h"
#include "engine/cpu/reference.h"
#include "engine/quant/decode.h"

#include <math.h>
#include <string.h>

#define CHUNK 256 /* a multiple of every block */
#define LANES 16

/* ---- float rows ---- */

static float
dot (size_t n, const float *a, const float *b)
{
  float lane[LANES] = { 0 }, total = 0.0f;
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += a[i + l] * b[i + l];
  for (; i < n; i++)
    total += a[i] * b[i];
  for (int l = 0; l < LANES; l++)
    total += lane[l];
  return total;
}

static void
axpy (size_t n, float a, const float *x, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] += a * x[i];
}

static void
add (size_t n, float a, const float *x, float b, const float *y, float *out)
{
  for (size_t i = 0; i < n; i++)
    out[i] = a * x[i] + b * y[i];
}

static void
mul (size_t n, float a, const float *x, const float *y, float *out)
{
  for (size_t i = 0; i < n; i++)
    out[i] = a * x[i] * (y ? y[i] : 1.0f);
}

static float
sum (size_t n, const float *x)
{
  double total = 0.0;
  for (size_t i = 0; i < n; i++)
    total += x[i];
  return (float) total;
}

static float
sum_squares (size_t n, const float *x, float mean)
{
  double total = 0.0;
  for (size_t i = 0; i < n; i++) {
    double v = (double) x[i] - mean;
    total += v * v;
  }
  return (float) total;
}

static float
softmax_exp (size_t n, float max, float *x)
{
  double total = 0.0;
  for (size_t i = 0; i < n; i++) {
    x[i] = expf (x[i] - max);
    total += x[i];
  }
  return (float) total;
}

static float
max_of (size_t n, const float *x)
{
  float largest = -INFINITY;
  for (size_t i = 0; i < n; i++)
    largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/* ---- element functions ---- */

static inline float
sigmoid (float x)
{
  return 1.0f / (1.0f + expf (-x));
}

static inline float
gelu (float x)
{
  const float root = 0.797884560802865f; /* sqrt (2 / pi) */
  return 0.5f * x * (1.0f + tanhf (root * x * (1.0f + 0.044715f * x * x)));
}

static float
apply (enum pe_unary f, float a, float b, float x)
{
  switch (f) {
  case PE_UNARY_SILU: return x * sigmoid (x);
  case PE_UNARY_GELU: return gelu (x);
  case PE_UNARY_RELU_SQUARED: return x > 0.0f ? x * x : 0.0f;
  case PE_UNARY_RELU: return x > 0.0f ? x : 0.0f;
  case PE_UNARY_SIGMOID: return sigmoid (x);
  case PE_UNARY_TANH: return tanhf (x);
  case PE_UNARY_SOFTPLUS: return x > 20.0f ? x : log1pf (expf (x));
  case PE_UNARY_SCALE: return a * x + b;
  case PE_UNARY_CLAMP: return fminf (fmaxf (x, a), b);
  case PE_UNARY_SOFTCAP: return a * tanhf (x / a);
  case PE_UNARY_NONE:
  case PE_UNARY_SWIGLU_OAI: break;
  }
  return x;
}

void
pe_reference_unary (enum pe_unary f, float a, float b, size_t n, const float *x, float *out)
{
  for (size_t i = 0; i < n; i++)
    out[i] = apply (f, a, b, x[i]);
}

void
pe_reference_glu (enum pe_unary f, float limit, size_t n, const float *gate, const float *up,
                  float *out)
{
  if (f == PE_UNARY_SWIGLU_OAI)
    for (size_t i = 0; i < n; i++) {
      float g = fminf (gate[i], limit), u = fminf (fmaxf (up[i], -limit), limit);
      out[i] = g * sigmoid (1.702f * g) * (u + 1.0f);
    }
  else
    for (size_t i = 0; i < n; i++)
      out[i] = apply (f, 0.0f, 0.0f, gate[i]) * up[i];
}

static void
quantise (size_t n, const float *x, struct pe_q8_group *out)
{
  for (size_t i = 0; i < n; i += CHUNK, out++) {
    memset (out, 0, sizeof *out);
    size_t count = n - i < CHUNK ? n - i : CHUNK;
    for (size_t j = 0; j < count; j += 32) {
      float largest = 0.0f;
      for (size_t l = j; l < j + 32; l++)
        largest = fmaxf (largest, fabsf (x[i + l]));
      float scale = largest > 0.0f ? 127.0f / largest : 0.0f;
      out->d[j / 32] = largest / 127.0f;
      for (size_t l = j; l < j + 32; l++) {
        float v = x[i + l] * scale;
        out->q[l] = (int8_t) (fabsf (v) < 127.5f ? lrintf (v) : 0);
        out->sum[l / 16] = (int16_t) (out->sum[l / 16] + out->q[l]);
      }
    }
  }
}

/* ---- stored rows, for any decoder ---- */

struct layout {
  pe_decode_fn decode;
  size_t chunk_bytes; /* of CHUNK elements */
};

static inline size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

static void
dot_rows (struct layout type, size_t n, const void *rows, size_t row_bytes, size_t n_rows,
          const float *x, float *out)
{
  float values[CHUNK];
  for (size_t r = 0; r < n_rows; r++) {
    const char *row = (const char *) rows + r * row_bytes;
    float total = 0.0f;
    for (size_t i = 0; i < n; i += CHUNK, row += type.chunk_bytes) {
      size_t count = smaller (n - i, CHUNK);
      type.decode (row, values, count);
      total += dot (count, values, x + i);
    }
    out[r] = total;
  }
}

static void
gemm (struct layout type, size_t m, size_t n, size_t k, const float *a, size_t a_stride,
      const void *rows, size_t row_bytes, float *c, size_t c_stride)
{
  float values[CHUNK];
  for (size_t j = 0; j < n; j++) {
    const char *row = (const char *) rows + j * row_bytes;
    for (size_t i = 0; i < m; i++)
      c[i * c_stride + j] = 0.0f;
    for (size_t p = 0; p < k; p += CHUNK, row += type.chunk_bytes) {
      size_t count = smaller (k - p, CHUNK);
      type.decode (row, values, count);
      for (size_t i = 0; i < m; i++)
        c[i * c_stride + j] += dot (count, values, a + i * a_stride + p);
    }
  }
}

static void
weigh (struct layout type, size_t m, size_t n_rows, size_t n, const float *w, size_t w_stride,
       const void *rows, size_t row_bytes, float *y, size_t y_stride)
{
  float values[CHUNK];
  for (size_t r = 0; r < n_rows; r++) {
    const char *row = (const char *) rows + r * row_bytes;
    for (size_t p = 0; p < n; p += CHUNK, row += type.chunk_bytes) {
      size_t count = smaller (n - p, CHUNK);
      type.decode (row, values, count);
      for (size_t i = 0; i < m; i++)
        axpy (count, w[i * w_stride + r], values, y + i * y_stride + p);
    }
  }
}

/* ---- limits ---- */

static uint64_t
read_bytes (size_t n, const void *data)
{
  const char *p = data;
  uint64_t total = 0, word;
  size_t i = 0;
  for (; i + sizeof word <= n; i += sizeof word) {
    memcpy (&word, p + i, sizeof word);
    total ^= word;
  }
  for (; i < n; i++)
    total ^= (unsigned char) p[i];
  return total;
}

static double
bare_exact (size_t rounds, void *scratch)
{
  float *a = scratch, *b = a + CHUNK, *c = b + CHUNK;
  for (size_t i = 0; i < rounds; i++)
    *c += dot (CHUNK, a, b);
  return 2.0 * CHUNK * (double) rounds;
}

#define TYPES(X)                                                                                   \
  X (F32, f32, 1024)                                                                               \
  X (F16, f16, 512)                                                                                \
  X (BF16, bf16, 512)                                                                              \
  X (Q4_0, q4_0, 144)                                                                              \
  X (Q4_1, q4_1, 160)                                                                              \
  X (Q5_0, q5_0, 176)                                                                              \
  X (Q5_1, q5_1, 192)                                                                              \
  X (Q8_0, q8_0, 272)                                                                              \
  X (Q1_0, q1_0, 36)                                                                               \
  X (Q2_0, q2_0, 72)                                                                               \
  X (IQ4_NL, iq4_nl, 144)                                                                          \
  X (MXFP4, mxfp4, 136)                                                                            \
  X (NVFP4, nvfp4, 144)                                                                            \
  X (Q2_K, q2_k, 84)                                                                               \
  X (Q3_K, q3_k, 110)                                                                              \
  X (Q4_K, q4_k, 144)                                                                              \
  X (Q5_K, q5_k, 176)                                                                              \
  X (Q6_K, q6_k, 210)                                                                              \
  X (IQ4_XS, iq4_xs, 136)                                                                          \
  X (TQ1_0, tq1_0, 54)                                                                             \
  X (TQ2_0, tq2_0, 66)                                                                             \
  X (IQ1_S, iq1_s, 50)                                                                             \
  X (IQ1_M, iq1_m, 56)                                                                             \
  X (IQ2_XXS, iq2_xxs, 66)                                                                         \
  X (IQ2_XS, iq2_xs, 74)                                                                           \
  X (IQ2_S, iq2_s, 82)                                                                             \
  X (IQ3_XXS, iq3_xxs, 98)                                                                         \
  X (IQ3_S, iq3_s, 110)

#define DEFINE(NAME, name, bytes)                                                                  \
  static void dot_##name (size_t n, const void *rows, size_t row_bytes, size_t n_rows,             \
                          const float *x, float *out)                                              \
  {                                                                                                \
    dot_rows ((struct layout){ pe_decode_##name, bytes }, n, rows, row_bytes, n_rows, x, out);     \
  }                                                                                                \
  static void gemm_##name (size_t m, size_t n, size_t k, const float *a, size_t a_stride,          \
                           const void *rows, size_t row_bytes, float *c, size_t c_stride,          \
                           void *scratch)                                                          \
  {                                                                                                \
    gemm ((struct layout){ pe_decode_##name, bytes }, m, n, k, a, a_stride, rows, row_bytes, c,    \
          c_stride);                                                                               \
  }                                                                                                \
  static void weigh_##name (size_t m, size_t n_rows, size_t n, const float *w, size_t w_stride,    \
                            const void *rows, size_t row_bytes, float *y, size_t y_stride)         \
  {                                                                                                \
    weigh ((struct layout){ pe_decode_##name, bytes }, m, n_rows, n, w, w_stride, rows, row_bytes, \
           y, y_stride);                                                                           \
  }
TYPES (DEFINE)

void
pe_kernels_init_scalar (struct pe_kernels *kernels)
{
  *kernels = (struct pe_kernels){
    .level = PE_CPU_SCALAR,
    .gemm_scratch = PE_GEMM_SCRATCH,
    .quantise = quantise,
    .dot = dot,
    .axpy = axpy,
    .add = add,
    .mul = mul,
    .sum = sum,
    .sum_squares = sum_squares,
    .glu = pe_reference_glu,
    .unary = pe_reference_unary,
    .softmax_exp = softmax_exp,
    .max = max_of,
    .read_bytes = read_bytes,
    .bare_exact = bare_exact,
  };
#define FILL(NAME, name, bytes)                                                                    \
  kernels->dot_exact[PE_TYPE_##NAME] = dot_##name;                                                 \
  kernels->gemm_exact[PE_TYPE_##NAME] = gemm_##name;                                               \
  kernels->weigh_rows[PE_TYPE_##NAME] = weigh_##name;
  TYPES (FILL)
  for (unsigned type = 0; type < PE_TYPE_COUNT; type++) {
    const struct pe_type_info *info = pe_type_info (type);
    kernels->decode[type] = info ? info->decode : NULL;
    kernels->encode[type] = info ? info->encode : NULL;
  }
}
