/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GPU's kernels but for attention against plain C in double precision, on random data and odd
 * shapes: every storage type, every flag. The last case counts that no built kernel was left out.
 */
#include "engine/program.h"

#include "../driver-leaks.h"
#include "../harness.h"
#include "../random-blocks.h"
#include "vulkan-fixture.h"

#include <math.h>

static struct fixture f;
static uint64_t state = 7;

static const enum pe_type types[] = {
  PE_TYPE_F32,  PE_TYPE_F16,    PE_TYPE_BF16,   PE_TYPE_Q8_0,  PE_TYPE_Q4_0, PE_TYPE_Q4_1,
  PE_TYPE_Q5_0, PE_TYPE_Q5_1,   PE_TYPE_Q2_K,   PE_TYPE_Q3_K,  PE_TYPE_Q4_K, PE_TYPE_Q5_K,
  PE_TYPE_Q6_K, PE_TYPE_IQ4_NL, PE_TYPE_IQ4_XS, PE_TYPE_MXFP4,
};
#define N_TYPES (sizeof types / sizeof *types)

static uint32_t
below (uint32_t n)
{
  return (uint32_t) (random_u64 (&state) % n);
}

static void
random_floats (float *x, size_t n, float magnitude)
{
  for (size_t i = 0; i < n; i++)
    x[i] = magnitude * random_float (&state);
}

static bool
is_close (double actual, double expected, double magnitude)
{
  return fabs (actual - expected) <= 2e-5 * (magnitude + fabs (expected));
}

/* ---- matrices ---- */

/* Rows of random weights at `offset` bytes of the weight buffer, and their values. */
static float *
make_matrix (enum pe_type type, uint32_t n, uint32_t k, size_t offset)
{
  random_blocks (type, f.bytes + offset, (size_t) n * k, 0.5f, &state);
  float *values = malloc ((size_t) n * k * sizeof *values);
  pe_type_info (type)->decode (f.bytes + offset, values, (size_t) n * k);
  return values;
}

static double
dot (const float *a, const float *b, uint32_t k)
{
  double sum = 0;
  for (uint32_t i = 0; i < k; i++)
    sum += (double) a[i] * b[i];
  return sum;
}

/* A row length that the type allows; plain types also end inside a chunk of 16. */
static uint32_t
row_length (enum pe_type type, uint32_t about)
{
  uint32_t block = pe_type_info (type)->block_elements;
  uint32_t step = block > 1 ? block : type == PE_TYPE_F32 ? 4 : 8;
  return (about + step - 1) / step * step;
}

static uint32_t
tail (uint32_t k)
{
  return k % 16 ? PE_FLAG_TAIL : 0;
}

enum { VECTORS = 8 << 20 }; /* bytes: where biases and the like lie */

static float *
vector_at (size_t i)
{
  return (float *) (f.bytes + VECTORS) + i;
}

static uint64_t
vector_address (size_t i)
{
  return f.weights.address + VECTORS + 4 * i;
}

static void
check_matvec_parts (size_t t, uint32_t columns, bool with_norm)
{
  enum pe_type type = types[t];
  uint32_t k = row_length (type, 40 + below (700)), n[3] = { 1 + below (40), 3, 1 + below (9) };
  uint32_t offset = 0;
  float *w[3];
  struct matvec_arguments push = { .work = f.work.address, .k = k, .eps = 1e-5f, .scale = 0.5f };
  push.in_row_stride = (k + 3) / 4 * 4 + 4;
  float *x = f.floats, *gain = vector_at (0);
  random_floats (x, (size_t) columns * push.in_row_stride, 1);
  random_floats (vector_at (0), 4096, 1);
  for (int i = 0; i < 3; i++) {
    w[i] = make_matrix (type, n[i], k, offset);
    push.weight[i] = f.weights.address + offset;
    push.bias[i] = i == 1 ? 0 : vector_address (1024 + 100 * (uint32_t) i);
    push.n[i] = n[i];
    push.out_offset[i] = 100000 + 10000 * (uint32_t) i;
    push.out_row_stride[i] = 64 + (uint32_t) i;
    offset += (uint32_t) (pe_type_row_bytes (type, k) * n[i] + 63) / 64 * 64;
  }
  if (with_norm)
    push.norm = vector_address (0);
  uint32_t rows = 1 + below (2), groups = 0;
  for (int i = 0; i < 3; i++)
    groups += (n[i] + rows - 1) / rows;
  const uint32_t size = f.gpu.info.subgroup_size << below (3); /* also fewer than a tail */
  const uint32_t constants[] = { size, columns, rows, tail (k) | (with_norm ? PE_FLAG_NORM : 0),
                                 0 };
  CHECK (
      fixture_run (&f, PE_SHADER_MATVEC_F32 + t, constants, 5, &push, sizeof push, groups, 1, 1));
  for (uint32_t c = 0; c < columns; c++) {
    float *in = x + c * push.in_row_stride, scaled[1024];
    double divide = with_norm ? 1 / sqrt (dot (in, in, k) / k + push.eps) : 1;
    for (uint32_t i = 0; i < k; i++)
      scaled[i] = (float) (in[i] * divide * (with_norm ? gain[i] : 1));
    for (int i = 0; i < 3; i++)
      for (uint32_t r = 0; r < n[i]; r++) {
        double expected = 0.5 * dot (w[i] + r * k, scaled, k);
        if (i != 1)
          expected += vector_at (1024 + 100 * (size_t) i)[r];
        float actual = f.floats[push.out_offset[i] + c * push.out_row_stride[i] + r];
        CHECK_MSG (is_close (actual, expected, sqrt (k)), "%s k %u part %d row %u column %u: %g %g",
                   pe_type_info (type)->name, k, i, r, c, actual, expected);
      }
  }
  for (int i = 0; i < 3; i++)
    free (w[i]);
}

static void
matvec_parts_and_norm (void)
{
  for (size_t t = 0; t < N_TYPES; t++) {
    check_matvec_parts (t, 1, true);
    check_matvec_parts (t, 1 + below (8), false);
  }
}

static double
silu (double x)
{
  return x / (1 + exp (-x));
}

static void
matvec_gated_pair (void)
{
  for (size_t t = 0; t < N_TYPES; t++) {
    uint32_t k = row_length (types[t], 300), n = 17, columns = 1 + below (3);
    float *gate = make_matrix (types[t], n, k, 0);
    size_t second = (pe_type_row_bytes (types[t], k) * n + 63) / 64 * 64;
    float *up = make_matrix (types[t], n, k, second);
    random_floats (f.floats, (size_t) columns * 1024, 0.3f);
    random_floats (vector_at (0), 64, 1);
    const struct matvec_arguments push = {
      .weight = { f.weights.address, f.weights.address + second },
      .bias = { vector_address (0), vector_address (32) },
      .work = f.work.address,
      .n = { n, n },
      .out_offset = { 50000 },
      .out_row_stride = { 20 },
      .in_row_stride = 1024,
      .k = k,
    };
    const uint32_t constants[] = { 16, columns, 1, PE_FLAG_PAIR | tail (k), PE_UNARY_SILU };
    CHECK (fixture_run (&f, PE_SHADER_MATVEC_F32 + t, constants, 5, &push, sizeof push, n, 1, 1));
    for (uint32_t c = 0; c < columns; c++)
      for (uint32_t r = 0; r < n; r++) {
        const float *x = f.floats + c * 1024;
        double g = dot (gate + r * k, x, k) + vector_at (0)[r];
        double expected = silu (g) * (dot (up + r * k, x, k) + vector_at (32)[r]);
        float actual = f.floats[50000 + c * 20 + r];
        CHECK_MSG (is_close (actual, expected, 4), "%s row %u: %g %g",
                   pe_type_info (types[t])->name, r, actual, expected);
      }
    free (gate);
    free (up);
  }
}

static void
matvec_residual_and_factor (void)
{
  uint32_t k = 52, n = 9;
  float *w = make_matrix (PE_TYPE_F32, n, k, 0);
  random_floats (f.floats, 64 + n, 1);
  *vector_at (0) = 3;
  const struct matvec_arguments push = {
    .weight = { f.weights.address },
    .bias = { 0, 0, vector_address (0) },
    .work = f.work.address,
    .n = { n },
    .out_offset = { 1000 },
    .residual_offset = 64,
    .k = k,
    .scale = 2,
  };
  uint32_t flags = PE_FLAG_RESIDUAL | PE_FLAG_SCALE | PE_FLAG_TAIL;
  CHECK (fixture_run (&f, PE_SHADER_MATVEC_F32, (uint32_t[]){ 8, 1, 2, flags, 0 }, 5, &push,
                      sizeof push, (n + 1) / 2, 1, 1));
  for (uint32_t r = 0; r < n; r++)
    CHECK (is_close (f.floats[1000 + r], 6 * dot (w + r * k, f.floats, k) + f.floats[64 + r], 8));
  free (w);
}

static void
check_matmul (size_t t, uint32_t n, uint32_t m, uint32_t k)
{
  enum pe_type type = types[t];
  float *w = make_matrix (type, n, k, 0);
  const struct matmul_arguments push = {
    .weight = f.weights.address,
    .bias = vector_address (0),
    .work = f.work.address,
    .n = n,
    .k = k,
    .n_rows = m,
    .in_row_stride = (k + 3) / 4 * 4,
    .out_offset = 1u << 20,
    .out_row_stride = n + 3,
    .residual_offset = 1u << 21,
    .residual_row_stride = n,
    .scale = 1.5f,
  };
  random_floats (f.floats, (size_t) m * push.in_row_stride, 1);
  random_floats (f.floats + push.residual_offset, (size_t) m * n, 1);
  random_floats (vector_at (0), n, 1);
  uint32_t tiles = (n + 63) / 64 * ((m + 63) / 64);
  CHECK (fixture_run (&f, PE_SHADER_MATMUL_F32 + t, (uint32_t[]){ tail (k) | PE_FLAG_RESIDUAL }, 1,
                      &push, sizeof push, tiles, 1, 1));
  for (uint32_t i = 0; i < m; i++)
    for (uint32_t r = 0; r < n; r++) {
      double expected = 1.5 * dot (w + r * k, f.floats + i * push.in_row_stride, k) +
                        vector_at (0)[r] + f.floats[push.residual_offset + i * n + r];
      float actual = f.floats[push.out_offset + i * push.out_row_stride + r];
      CHECK_MSG (is_close (actual, expected, sqrt (k)), "%s row %u of %u, column %u of %u: %g %g",
                 pe_type_info (type)->name, i, m, r, n, actual, expected);
    }
  free (w);
}

static void
matmul_of_every_type (void)
{
  for (size_t t = 0; t < N_TYPES; t++) {
    check_matmul (t, 60 + below (80), 9 + below (70), row_length (types[t], 30 + below (300)));
    check_matmul (t, 1 + below (5), 64, row_length (types[t], 1));
  }
}

static void
check_experts (size_t t, bool heads)
{
  enum pe_type type = types[t];
  uint32_t k = row_length (type, 64 + below (100)), n = 11, n_experts = 5, used = heads ? 5 : 3;
  uint32_t n_rows = 1 + below (4);
  float *w = make_matrix (type, n * n_experts, k, 0);
  uint32_t pitch = (k + 3) / 4 * 4;
  const struct matvec_expert_arguments push = {
    .weight = f.weights.address,
    .matrix_bytes = pe_type_row_bytes (type, k) * n,
    .bias = vector_address (0),
    .factors = heads ? 0 : vector_address (1000),
    .work = f.work.address,
    .n = n,
    .k = k,
    .bias_stride = n,
    .ids_offset = 1 << 18,
    .ids_row_stride = 8,
    .in_row_stride = pitch * used,
    .in_stride = heads ? pitch : 0,
    .out_offset = 1 << 19,
    .out_row_stride = 100,
    .out_stride = 20,
    .n_groups = used,
    .n_experts = n_experts,
    .scale = 1,
  };
  random_floats (f.floats, (size_t) n_rows * pitch * used, 1);
  random_floats (vector_at (0), 2000, 1);
  float *ids = f.floats + push.ids_offset;
  for (uint32_t i = 0; i < n_rows * 8; i++)
    ids[i] = i % 8 < used ? (float) below (n_experts) : random_float (&state);
  uint32_t flags = tail (k) | (heads ? PE_FLAG_HEADS : PE_FLAG_WEIGH);
  CHECK (fixture_run (&f, PE_SHADER_MATVEC_EXPERT_F32 + t, (uint32_t[]){ 8, 2, flags }, 3, &push,
                      sizeof push, (n + 1) / 2, n_rows, used));
  for (uint32_t row = 0; row < n_rows; row++)
    for (uint32_t u = 0; u < used; u++)
      for (uint32_t r = 0; r < n; r++) {
        uint32_t e = heads ? u : (uint32_t) ids[row * 8 + u];
        const float *x = f.floats + row * push.in_row_stride + u * push.in_stride;
        double factor = heads ? 1 : vector_at (1000)[e] * ids[row * 8 + used + u];
        double expected = factor * dot (w + (e * n + r) * k, x, k) + vector_at (0)[e * n + r];
        float actual = f.floats[push.out_offset + row * 100 + u * 20 + r];
        CHECK_MSG (is_close (actual, expected, sqrt (k)), "%s expert %u row %u: %g %g",
                   pe_type_info (type)->name, e, r, actual, expected);
      }
  free (w);
}

static void
matvec_of_experts_and_heads (void)
{
  for (size_t t = 0; t < N_TYPES; t++) {
    check_experts (t, false);
    check_experts (t, true);
  }
}

/* ---- rows ---- */

static void
norms (void)
{
  for (uint32_t kind = PE_NORM_RMS; kind <= PE_NORM_L2; kind++)
    for (int round = 0; round < 3; round++) {
      uint32_t width = 1 + below (300), groups = 1 + below (3), n_rows = 1 + below (4);
      const struct norm_arguments push = {
        .work = f.work.address,
        .weight = vector_address (0),
        .bias = vector_address (2000),
        .in_row_stride = 1000,
        .in_stride = 310,
        .out_offset = 10000,
        .out_row_stride = 1100,
        .out_stride = 320,
        .width = width,
        .n_groups = groups,
        .weight_stride = round ? width : 0,
        .eps = 1e-5f,
      };
      random_floats (f.floats, 4000, 2);
      random_floats (vector_at (0), 4000, 1);
      CHECK (fixture_run (&f, PE_SHADER_NORM, (uint32_t[]){ 64, kind }, 2, &push, sizeof push,
                          groups, n_rows, 1));
      for (uint32_t row = 0; row < n_rows; row++)
        for (uint32_t g = 0; g < groups; g++) {
          const float *x = f.floats + row * 1000 + g * 310;
          double mean = 0, squares = 0;
          for (uint32_t i = 0; i < width && kind == PE_NORM_LAYER; i++)
            mean += (double) x[i] / width;
          for (uint32_t i = 0; i < width; i++)
            squares += (x[i] - mean) * (x[i] - mean);
          double scale = kind == PE_NORM_L2 ? 1 / fmax (sqrt (squares), 1e-5)
                                            : 1 / sqrt (squares / width + 1e-5);
          for (uint32_t i = 0; i < width; i++) {
            size_t at = g * push.weight_stride + i;
            double expected = (x[i] - mean) * scale * vector_at (0)[at] + vector_at (2000)[at];
            CHECK (is_close (f.floats[10000 + row * 1100 + g * 320 + i], expected, 3));
          }
        }
    }
}

static double
function (uint32_t kind, double x, double a, double b)
{
  switch (kind) {
  case PE_UNARY_SILU: return silu (x);
  case PE_UNARY_GELU: return 0.5 * x * (1 + tanh (0.7978845608028654 * (x + 0.044715 * x * x * x)));
  case PE_UNARY_RELU_SQUARED: return x > 0 ? x * x : 0;
  case PE_UNARY_RELU: return x > 0 ? x : 0;
  case PE_UNARY_SIGMOID: return 1 / (1 + exp (-x));
  case PE_UNARY_TANH: return tanh (x);
  case PE_UNARY_SOFTPLUS: return log1p (exp (x));
  case PE_UNARY_SCALE: return a * x + b;
  case PE_UNARY_CLAMP: return fmin (fmax (x, a), b);
  case PE_UNARY_SOFTCAP: return a * tanh (x / a);
  default: return x;
  }
}

/* Kinds of elementwise.comp. */
enum { GLU, UNARY, ADD, MUL, COPY };

static double
combined (uint32_t kind, uint32_t fn, double a, double b, double x, double y)
{
  if (kind == GLU && fn == PE_UNARY_SWIGLU_OAI) {
    double g = fmin (a, x);
    return g / (1 + exp (-1.702 * g)) * (fmin (fmax (b, -x), x) + 1);
  }
  return kind == GLU     ? function (fn, a, 0, 0) * b
         : kind == UNARY ? function (fn, a, x, y)
         : kind == ADD   ? x * a + y * b
         : kind == MUL   ? a * function (fn, b, x, y)
                         : a;
}

static void
check_elementwise (uint32_t kind, uint32_t fn)
{
  uint32_t width = 24, n = 3 * width, n_rows = 3;
  bool one = kind == MUL && fn == PE_UNARY_SIGMOID; /* one element of b for the whole row */
  const struct elementwise_arguments push = {
    .work = f.work.address,
    .factor = kind == UNARY && fn == PE_UNARY_SCALE ? vector_address (0) : 0,
    .a_row_stride = 200,
    .a_width = width,
    .a_stride = 60,
    .b_offset = 1000,
    .b_row_stride = 100,
    .b_width = one ? 1 : 8,
    .b_stride = one ? 1 : 9,
    .out_offset = 2000,
    .out_row_stride = 90,
    .out_width = width,
    .out_stride = 30,
    .n = n,
    .n_rows = n_rows,
    .b_repeat = one ? n : 1,
    .n_factors = n,
    .x = 0.75f,
    .y = 1.25f,
  };
  random_floats (f.floats, 2000, 3);
  random_floats (vector_at (0), n, 1);
  CHECK (fixture_run (&f, PE_SHADER_ELEMENTWISE, (uint32_t[]){ 32, kind, fn }, 3, &push,
                      sizeof push, (n * n_rows + 31) / 32, 1, 1));
  for (uint32_t row = 0; row < n_rows; row++)
    for (uint32_t e = 0; e < n; e++) {
      uint32_t eb = one ? 0 : e;
      double a = f.floats[row * 200 + e / width * 60 + e % width];
      double b = f.floats[1000 + row * 100 + eb / push.b_width * push.b_stride + eb % push.b_width];
      double expected = combined (kind, fn, a, b, push.x, push.y);
      if (push.factor)
        expected *= vector_at (0)[e];
      float actual = f.floats[2000 + row * 90 + e / width * 30 + e % width];
      CHECK_MSG (is_close (actual, expected, 1), "kind %u function %u (%g, %g): %g %g", kind, fn, a,
                 b, actual, expected);
    }
}

static void
elementwise (void)
{
  for (uint32_t fn = 0; fn <= PE_UNARY_NONE; fn++) {
    check_elementwise (GLU, fn < PE_UNARY_SCALE ? fn : PE_UNARY_NONE);
    check_elementwise (UNARY, fn);
    check_elementwise (MUL, fn);
  }
  check_elementwise (GLU, PE_UNARY_SWIGLU_OAI);
  check_elementwise (ADD, 0);
  check_elementwise (COPY, 0);
}

/* ---- experts ---- */

/* The choice by sorting: ids and weights of one row. */
static void
route_in_c (const struct route_arguments *p, const float *logits, uint32_t *ids, double *weights)
{
  double probability[64], score[64], sum = 0, most = -INFINITY;
  for (uint32_t i = 0; i < p->n_experts; i++)
    most = fmax (most, logits[i]);
  for (uint32_t i = 0; i < p->n_experts; i++)
    sum += exp (logits[i] - most);
  for (uint32_t i = 0; i < p->n_experts; i++) {
    double x = logits[i];
    probability[i] = p->gating == PE_GATING_SOFTMAX         ? exp (x - most) / sum
                     : p->gating == PE_GATING_SIGMOID       ? 1 / (1 + exp (-x))
                     : p->gating == PE_GATING_SQRT_SOFTPLUS ? sqrt (log1p (exp (x)))
                                                            : x;
    score[i] = probability[i] + (p->choice_bias ? vector_at (0)[i] : 0);
  }
  uint32_t size = p->n_groups ? p->n_experts / p->n_groups : p->n_experts;
  double group_score[8];
  for (uint32_t g = 0; g < p->n_groups; g++) {
    double a = -INFINITY, b = -INFINITY;
    for (uint32_t i = g * size; i < (g + 1) * size; i++) {
      b = fmax (b, fmin (a, score[i]));
      a = fmax (a, score[i]);
    }
    group_score[g] = a + b;
  }
  for (uint32_t g = 0; g < p->n_groups; g++) {
    uint32_t better = 0;
    for (uint32_t o = 0; o < p->n_groups; o++)
      better += group_score[o] > group_score[g];
    for (uint32_t i = g * size; i < (g + 1) * size && better >= p->n_groups_used; i++)
      score[i] = -INFINITY;
  }
  double kept = 0;
  for (uint32_t u = 0; u < p->n_used; u++) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < p->n_experts; i++)
      if (score[i] > score[best])
        best = i;
    score[best] = -INFINITY;
    ids[u] = best;
    weights[u] = probability[best];
    if (p->gating == PE_GATING_SOFTMAX_SELECTED)
      weights[u] = exp (weights[u] - most);
    kept += weights[u];
  }
  bool divide = p->renormalise || p->gating == PE_GATING_SOFTMAX_SELECTED;
  for (uint32_t u = 0; u < p->n_used; u++)
    weights[u] *= p->scale / (divide ? kept : 1) * (p->factors ? vector_at (100)[ids[u]] : 1);
}

static void
routing (void)
{
  for (uint32_t gating = 0; gating <= PE_GATING_SQRT_SOFTPLUS; gating++)
    for (uint32_t variant = 0; variant < 4; variant++) {
      const struct route_arguments push = {
        .work = f.work.address,
        .choice_bias = variant & 1 ? vector_address (0) : 0,
        .factors = variant & 1 ? vector_address (100) : 0,
        .in_row_stride = 64,
        .out_offset = 1000,
        .out_row_stride = 20,
        .n_experts = 40,
        .n_used = 6,
        .n_groups = variant & 2 ? 8 : 0,
        .n_groups_used = variant & 2 ? 3 : 0,
        .gating = gating,
        .renormalise = variant == 2,
        .scale = 2.5f,
      };
      random_floats (f.floats, 1000, 4);
      random_floats (vector_at (0), 200, 0.5f);
      CHECK (fixture_run (&f, PE_SHADER_ROUTE, NULL, 0, &push, sizeof push, 5, 1, 1));
      for (uint32_t row = 0; row < 5; row++) {
        uint32_t ids[8];
        double weights[8];
        const float *out = f.floats + 1000 + row * 20;
        route_in_c (&push, f.floats + row * 64, ids, weights);
        for (uint32_t u = 0; u < push.n_used; u++) {
          CHECK_MSG ((uint32_t) out[u] == ids[u], "gating %u variant %u: %g, not %u", gating,
                     variant, out[u], ids[u]);
          CHECK (is_close (out[push.n_used + u], weights[u], 0.1));
        }
      }
    }
}

static void
sum_of_experts (void)
{
  for (uint32_t flags = 0; flags <= PE_FLAG_WEIGH; flags += PE_FLAG_WEIGH) {
    const struct expert_sum_arguments push = {
      .work = f.work.address,
      .in_row_stride = 300,
      .in_stride = 70,
      .out_offset = 2000,
      .out_row_stride = 77,
      .weight_offset = 1500,
      .weight_row_stride = 9,
      .n = 67,
      .n_used = 4,
      .n_rows = 3,
    };
    random_floats (f.floats, 2000, 1);
    CHECK (fixture_run (&f, PE_SHADER_EXPERT_SUM, (uint32_t[]){ 16, flags }, 2, &push, sizeof push,
                        (67 * 3 + 15) / 16, 1, 1));
    for (uint32_t row = 0; row < 3; row++)
      for (uint32_t e = 0; e < 67; e++) {
        double expected = 0;
        for (uint32_t u = 0; u < 4; u++)
          expected += f.floats[row * 300 + u * 70 + e] *
                      (flags ? (double) f.floats[1500 + row * 9 + u] : 1);
        CHECK (is_close (f.floats[2000 + row * 77 + e], expected, 1));
      }
  }
}

/* Those of test-vulkan-attention.c are counted there. */
static void
no_kernel_left_out (void)
{
  for (int i = 0; i < PE_SHADER_COUNT; i++)
    CHECK_MSG (f.used[i] || i == PE_SHADER_ATTENTION || i == PE_SHADER_ATTENTION_COMBINE ||
                   i == PE_SHADER_KV_STORE || i == PE_SHADER_ROPE,
               "kernel %s", pe_shader_code[i].name);
}

int
main (void)
{
  char why[256];
  if (!fixture_open (&f, why)) {
    printf ("ok 1 - vulkan-kernels # SKIP %s\n1..1\n", why);
    return 0;
  }
  printf ("# %s, %s\n", f.gpu.info.name, f.gpu.info.driver);
  RUN (matvec_parts_and_norm);
  RUN (matvec_gated_pair);
  RUN (matvec_residual_and_factor);
  RUN (matmul_of_every_type);
  RUN (matvec_of_experts_and_heads);
  RUN (norms);
  RUN (elementwise);
  RUN (routing);
  RUN (sum_of_experts);
  RUN (no_kernel_left_out);
  fixture_close (&f);
  return test_done ();
}
