/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every CPU kernel of every level that this processor has, against the plain C ones or against
 * double precision, on random data and odd shapes, with guards behind every output.
 *
 *   test-cpu-kernels           checks
 *   test-cpu-kernels --bench [LEVEL [TYPE]]   prints rates beside what memory can deliver
 */
#include "engine/cpu/kernels.h"

#include "../harness.h"
#include "../random-blocks.h"
#include "bench.h"

#include <math.h>
#include <stdint.h>

#define GUARD    0x1.5a5a5ap30f
#define N_GUARDS 5

static const struct pe_kernels *scalar, *kernels; /* the reference, and what is being tested */
static uint64_t state = 1;

/* ---- memory ---- */

/* Exactly n floats, so that a sanitiser sees what is read or written behind them. */
static float *
random_floats (size_t n, float magnitude)
{
  float *x = malloc (n * sizeof *x + !n);
  for (size_t i = 0; i < n; i++)
    x[i] = magnitude * random_float (&state);
  return x;
}

static float *
guarded (size_t n)
{
  float *x = malloc ((n + N_GUARDS) * sizeof *x);
  for (size_t i = 0; i < n + N_GUARDS; i++)
    x[i] = GUARD;
  return x;
}

static bool
is_untouched (const float *x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (x[i] != GUARD)
      return false;
  return true;
}

/* Rows of random blocks that begin at an odd address. */
struct matrix {
  unsigned char *memory, *rows;
  size_t row_bytes;
  float *values; /* decoded by the reference, n_rows x n */
};

static struct matrix
random_matrix (enum pe_type type, size_t n_rows, size_t n)
{
  struct matrix a = { .row_bytes = pe_type_row_bytes (type, n) };
  a.memory = malloc (n_rows * a.row_bytes + 1);
  a.rows = a.memory + 1;
  a.values = malloc (n_rows * n * sizeof *a.values + 1);
  random_blocks (type, a.rows, n_rows * n, 1.0f, &state);
  pe_type_info (type)->decode (a.rows, a.values, n_rows * n);
  return a;
}

static void
free_matrix (struct matrix a)
{
  free (a.memory);
  free (a.values);
}

/* a . b in double precision; *size becomes the sum of magnitudes, which rounding is measured by. */
static double
dot_double (size_t n, const float *a, const float *b, double *size)
{
  double sum = 0.0;
  *size = 0.0;
  for (size_t i = 0; i < n; i++) {
    sum += (double) a[i] * b[i];
    *size += fabs ((double) a[i] * b[i]);
  }
  return sum;
}

/* ---- types and shapes ---- */

#define N_LENGTHS 9

static size_t
length_of (enum pe_type type, size_t nth)
{
  static const size_t of_1[N_LENGTHS] = { 0, 1, 7, 8, 17, 33, 100, 515, 1027 };
  static const size_t of_32[N_LENGTHS] = { 0, 32, 64, 96, 224, 256, 288, 1056, 2112 };
  static const size_t of_64[N_LENGTHS] = { 0, 64, 128, 192, 256, 448, 576, 1088, 2240 };
  static const size_t of_256[N_LENGTHS] = { 0, 256, 512, 768, 1024, 1280, 2048, 2304, 2560 };
  switch (pe_type_info (type)->block_elements) {
  case 1: return of_1[nth];
  case 32: return of_32[nth];
  case 64: return of_64[nth];
  default: return of_256[nth];
  }
}

/* Calls CHECK-ing `body` for every type with a decoder, under its name. */
static void
for_each_type (void (*body) (enum pe_type type))
{
  for (unsigned type = 0; type < PE_TYPE_COUNT; type++) {
    const struct pe_type_info *info = pe_type_info (type);
    if (info && info->decode)
      body ((enum pe_type) type);
  }
}

#define NAME(type) pe_type_info (type)->name

/* ---- rows ---- */

static void
check_decode (enum pe_type type)
{
  for (size_t l = 0; l < N_LENGTHS; l++) {
    size_t n = length_of (type, l);
    struct matrix a = random_matrix (type, 1, n);
    float *out = guarded (n), largest = 0.0f, worst = 0.0f;
    kernels->decode[type](a.rows, out, n);
    for (size_t i = 0; i < n; i++) {
      largest = fmaxf (largest, fabsf (a.values[i]));
      worst = fmaxf (worst, fabsf (out[i] - a.values[i]));
    }
    CHECK_MSG (worst <= 5e-7f * largest, "%s, %zu: %g of %g", NAME (type), n, worst, largest);
    CHECK_MSG (is_untouched (out + n, N_GUARDS), "%s, %zu", NAME (type), n);
    free (out);
    free_matrix (a);
  }
}

static void
check_kernels (enum pe_type type)
{
  CHECK_MSG (kernels->dot_exact[type] && kernels->gemm_exact[type] && kernels->weigh_rows[type],
             "%s is not among the TYPES of cpu/kernels.c", NAME (type));
}

static void
every_type_has_kernels (void)
{
  for_each_type (check_kernels);
}

static void
decode_agrees (void)
{
  for_each_type (check_decode);
}

static void
check_dot_exact (enum pe_type type)
{
  for (size_t l = 0; l < N_LENGTHS; l++)
    for (size_t n_rows = 0; n_rows <= 5; n_rows++) {
      size_t n = length_of (type, l);
      struct matrix a = random_matrix (type, n_rows, n);
      float *x = random_floats (n, 2.0f), *out = guarded (n_rows);
      kernels->dot_exact[type](n, a.rows, a.row_bytes, n_rows, x, out);
      for (size_t r = 0; r < n_rows; r++) {
        double size, right = dot_double (n, a.values + r * n, x, &size);
        CHECK_MSG (fabs (out[r] - right) <= 1e-6 * size, "%s, %zu: %g, not %g", NAME (type), n,
                   out[r], right);
      }
      CHECK_MSG (is_untouched (out + n_rows, N_GUARDS), "%s, %zu", NAME (type), n);
      free (x);
      free (out);
      free_matrix (a);
    }
}

static void
dot_exact_agrees (void)
{
  for_each_type (check_dot_exact);
}

static void
check_gemm_exact (enum pe_type type)
{
  static const struct {
    size_t m, n, length;
  } shapes[] = { { 1, 1, 2 },  { 2, 3, 4 },   { 3, 4, 5 }, { 6, 4, 6 }, { 7, 5, 1 },
                 { 8, 17, 7 }, { 13, 33, 3 }, { 0, 4, 1 }, { 4, 0, 1 }, { 5, 18, 8 } };
  void *scratch = aligned_alloc (64, (kernels->gemm_scratch + 63) & ~(size_t) 63);
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    size_t m = shapes[s].m, n = shapes[s].n, k = length_of (type, shapes[s].length);
    struct matrix b = random_matrix (type, n, k);
    float *a = random_floats (m * (k + 3), 2.0f), *c = guarded (m * (n + N_GUARDS));
    kernels->gemm_exact[type](m, n, k, a, k + 3, b.rows, b.row_bytes, c, n + N_GUARDS, scratch);
    for (size_t i = 0; i < m; i++) {
      const float *row = c + i * (n + N_GUARDS);
      for (size_t j = 0; j < n; j++) {
        double size, right = dot_double (k, a + i * (k + 3), b.values + j * k, &size);
        CHECK_MSG (fabs (row[j] - right) <= 1e-6 * size, "%s, %zux%zux%zu at %zu,%zu: %g, not %g",
                   NAME (type), m, n, k, i, j, row[j], right);
      }
      CHECK_MSG (is_untouched (row + n, N_GUARDS), "%s, %zux%zux%zu", NAME (type), m, n, k);
    }
    free (a);
    free (c);
    free_matrix (b);
  }
  free (scratch);
}

static void
gemm_exact_agrees (void)
{
  for_each_type (check_gemm_exact);
}

static void
check_weigh_rows (enum pe_type type)
{
  for (size_t l = 0; l < N_LENGTHS; l++)
    for (size_t n_rows = 0; n_rows <= 19; n_rows = 2 * n_rows + 1) {
      size_t n = length_of (type, l), m = 1 + l % 3;
      struct matrix a = random_matrix (type, n_rows, n);
      float *w = random_floats (m * (n_rows + 2), 1.0f), *y = guarded (m * (n + N_GUARDS));
      for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
          y[i * (n + N_GUARDS) + j] = (float) j;
      kernels->weigh_rows[type](m, n_rows, n, w, n_rows + 2, a.rows, a.row_bytes, y, n + N_GUARDS);
      for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
          double right = (double) j, size = (double) j;
          for (size_t r = 0; r < n_rows; r++) {
            double term = (double) w[i * (n_rows + 2) + r] * a.values[r * n + j];
            right += term;
            size += fabs (term);
          }
          CHECK_MSG (fabs (y[i * (n + N_GUARDS) + j] - right) <= 1e-6 * size, "%s, %zu of %zu",
                     NAME (type), j, n);
        }
        CHECK_MSG (is_untouched (y + i * (n + N_GUARDS) + n, N_GUARDS), "%s", NAME (type));
      }
      free (w);
      free (y);
      free_matrix (a);
    }
}

static void
weigh_rows_agrees (void)
{
  for_each_type (check_weigh_rows);
}

/* ---- int8 activations ---- */

/* m rows of k values as they are after quantising, and the groups. */
static struct pe_q8_group *
random_activations (size_t m, size_t k, size_t stride, float **values)
{
  struct pe_q8_group *groups = aligned_alloc (64, (m * stride + 1) * sizeof *groups);
  float *x = random_floats (m * k, 3.0f);
  for (size_t i = 0; i < m; i++) {
    scalar->quantise (k, x + i * k, groups + i * stride);
    for (size_t j = 0; j < k; j++) {
      const struct pe_q8_group *g = groups + i * stride + j / 256;
      x[i * k + j] = g->d[j % 256 / 32] * (float) g->q[j % 256];
    }
  }
  *values = x;
  return groups;
}

/* The offset of a type is applied to sums of x, so its rounding follows larger terms than those
 * of the result. */
#define FAST_BOUND 1e-5

static void
check_dot_fast (enum pe_type type)
{
  if (!kernels->dot_fast[type])
    return;
  for (size_t l = 0; l < N_LENGTHS; l++)
    for (size_t n_rows = 0; n_rows <= 5; n_rows++) {
      size_t n = length_of (type, l);
      struct matrix a = random_matrix (type, n_rows, n);
      float *x, *out = guarded (n_rows);
      struct pe_q8_group *groups = random_activations (1, n, pe_q8_groups (n), &x);
      kernels->dot_fast[type](n, a.rows, a.row_bytes, n_rows, groups, out);
      for (size_t r = 0; r < n_rows; r++) {
        double size, right = dot_double (n, a.values + r * n, x, &size);
        CHECK_MSG (fabs (out[r] - right) <= FAST_BOUND * size, "%s, %zu: %g, not %g", NAME (type),
                   n, out[r], right);
      }
      CHECK_MSG (is_untouched (out + n_rows, N_GUARDS), "%s, %zu", NAME (type), n);
      free (x);
      free (out);
      free (groups);
      free_matrix (a);
    }
}

static void
dot_fast_agrees (void)
{
  for_each_type (check_dot_fast);
}

static void
check_gemm_fast (enum pe_type type)
{
  if (!kernels->gemm_fast[type])
    return;
  static const struct {
    size_t m, n, length;
  } shapes[] = { { 1, 1, 2 },  { 2, 3, 4 },   { 4, 8, 5 }, { 8, 16, 6 }, { 9, 17, 1 },
                 { 8, 33, 7 }, { 13, 33, 3 }, { 0, 4, 1 }, { 4, 0, 1 },  { 17, 40, 8 } };
  void *scratch = aligned_alloc (64, (kernels->gemm_scratch + 63) & ~(size_t) 63);
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    size_t m = shapes[s].m, n = shapes[s].n, k = length_of (type, shapes[s].length);
    size_t stride = pe_q8_groups (k) + 1;
    struct matrix b = random_matrix (type, n, k);
    float *a, *c = guarded (m * (n + N_GUARDS));
    struct pe_q8_group *groups = random_activations (m, k, stride, &a);
    kernels->gemm_fast[type](m, n, k, groups, stride, b.rows, b.row_bytes, c, n + N_GUARDS,
                             scratch);
    for (size_t i = 0; i < m; i++) {
      const float *row = c + i * (n + N_GUARDS);
      for (size_t j = 0; j < n; j++) {
        double size, right = dot_double (k, a + i * k, b.values + j * k, &size);
        CHECK_MSG (fabs (row[j] - right) <= FAST_BOUND * size,
                   "%s, %zux%zux%zu at %zu,%zu: %g, not %g", NAME (type), m, n, k, i, j, row[j],
                   right);
      }
      CHECK_MSG (is_untouched (row + n, N_GUARDS), "%s, %zux%zux%zu", NAME (type), m, n, k);
    }
    free (a);
    free (c);
    free (groups);
    free_matrix (b);
  }
  free (scratch);
}

static void
gemm_fast_agrees (void)
{
  for_each_type (check_gemm_fast);
}

/* Largest codes on both sides: nothing may saturate. Where all values are zero, what rounding
 * leaves of codes and offsets that cancel may stay, which is little beside a row of ones. */
static void
check_extreme_codes (enum pe_type type)
{
  if (!kernels->dot_fast[type])
    return;
  size_t n = 512, row_bytes = pe_type_row_bytes (type, n);
  unsigned char *row = malloc (row_bytes);
  float *values = malloc (n * sizeof *values), *x, out;
  for (int fill = 0; fill < 3; fill++) {
    random_blocks (type, row, n, 1.0f, &state);
    unsigned char *pattern = malloc (row_bytes);
    memset (pattern, fill == 0 ? 0xff : fill == 1 ? 0x7f : 0x80, row_bytes);
    const struct pe_type_info *info = pe_type_info (type);
    struct block_scales at = block_scales_of (type);
    for (size_t b = 0; b < row_bytes; b += info->block_bytes) { /* keep the scales */
      size_t n_scale = type == PE_TYPE_MXFP4 ? 1 : 2;
      memcpy (pattern + b + at.at_d, row + b + at.at_d, n_scale);
      if (at.at_offset != NO_OFFSET)
        memcpy (pattern + b + at.at_offset, row + b + at.at_offset, 2);
      if (type == PE_TYPE_IQ1_M)
        memcpy (pattern + b + 48, row + b + 48, 8);
    }
    info->decode (pattern, values, n);
    for (int sign = -1; sign <= 1; sign += 2) {
      struct pe_q8_group *groups = random_activations (1, n, 2, &x);
      for (size_t i = 0; i < n; i++)
        x[i] = (float) sign;
      scalar->quantise (n, x, groups);
      kernels->dot_fast[type](n, pattern, row_bytes, 1, groups, &out);
      double size, right = dot_double (n, values, x, &size);
      CHECK_MSG (fabs (out - right) <= FAST_BOUND * size + 1e-6 * (double) n, "%s, %d: %g, not %g",
                 NAME (type), fill, out, right);
      free (groups);
      free (x);
    }
    free (pattern);
  }
  free (row);
  free (values);
}

static void
fast_does_not_saturate (void)
{
  for_each_type (check_extreme_codes);
}

static void
quantise_is_the_same (void)
{
  for (size_t n = 0; n <= 576; n += 32) {
    size_t n_groups = pe_q8_groups (n), bytes = n_groups * sizeof (struct pe_q8_group);
    float *x = random_floats (n, 5.0f);
    if (n > 64)
      memset (x + 32, 0, 32 * sizeof *x);
    unsigned char *a = malloc (bytes + 1), *b = malloc (bytes + 1);
    memset (a, 0x5a, bytes + 1);
    memset (b, 0x5a, bytes + 1);
    scalar->quantise (n, x, (struct pe_q8_group *) a);
    kernels->quantise (n, x, (struct pe_q8_group *) b);
    CHECK_MSG (memcmp (a, b, bytes + 1) == 0, "%zu", n);
    free (x);
    free (a);
    free (b);
  }
}

static void
encode_is_the_same (void)
{
  for (unsigned type = 0; type < PE_TYPE_COUNT; type++) {
    const struct pe_type_info *info = pe_type_info (type);
    CHECK ((kernels->encode[type] != NULL) == (info && info->encode));
    if (!kernels->encode[type])
      continue;
    for (size_t l = 0; l < N_LENGTHS; l++) {
      size_t n = length_of ((enum pe_type) type, l);
      size_t bytes = pe_type_row_bytes ((enum pe_type) type, n);
      float *x = random_floats (n, 70.0f);
      unsigned char *a = malloc (bytes + 1), *b = malloc (bytes + 1);
      a[bytes] = b[bytes] = 0x5a;
      info->encode (x, a, n);
      kernels->encode[type](x, b, n);
      CHECK_MSG (memcmp (a, b, bytes + 1) == 0, "%s, %zu", info->name, n);
      free (x);
      free (a);
      free (b);
    }
  }
}

/* ---- element-wise ---- */

static double
exact_unary (enum pe_unary f, double a, double b, double x)
{
  double s = 1.0 / (1.0 + exp (-x));
  switch (f) {
  case PE_UNARY_SILU: return x * s;
  case PE_UNARY_GELU:
    return 0.5 * x * (1.0 + tanh (0.79788456080286536 * (x + 0.044715 * x * x * x)));
  case PE_UNARY_RELU_SQUARED: return x > 0 ? x * x : 0;
  case PE_UNARY_RELU: return x > 0 ? x : 0;
  case PE_UNARY_SIGMOID: return s;
  case PE_UNARY_TANH: return tanh (x);
  case PE_UNARY_SOFTPLUS: return x > 30 ? x : log1p (exp (x));
  case PE_UNARY_SCALE: return a * x + b;
  case PE_UNARY_CLAMP: return fmin (fmax (x, a), b);
  case PE_UNARY_SOFTCAP: return a * tanh (x / a);
  default: return x;
  }
}

/* Within 4e-7 of the magnitude, and a little more for results that are differences. */
static bool
is_close (float value, double right)
{
  return fabs (value - right) <= 4e-7 * fabs (right) + 3e-7;
}

static void
unary_agrees (void)
{
  for (int f = 0; f <= PE_UNARY_NONE; f++)
    for (size_t n = 0; n <= 40; n += 1 + n / 9) {
      float *x = random_floats (n, n % 2 ? 2.0f : 60.0f), *out = guarded (n);
      kernels->unary ((enum pe_unary) f, 2.5f, 4.0f, n, x, out);
      for (size_t i = 0; i < n; i++) {
        double right = exact_unary ((enum pe_unary) f, 2.5, 4.0, x[i]);
        CHECK_MSG (is_close (out[i], right), "function %d of %g: %g, not %g", f, x[i], out[i],
                   right);
      }
      CHECK (is_untouched (out + n, N_GUARDS));
      free (x);
      free (out);
    }
}

static void
glu_agrees (void)
{
  static const enum pe_unary functions[] = { PE_UNARY_SILU, PE_UNARY_GELU, PE_UNARY_RELU,
                                             PE_UNARY_RELU_SQUARED, PE_UNARY_SWIGLU_OAI };
  for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
    for (size_t n = 0; n <= 40; n += 1 + n / 9) {
      float *gate = random_floats (n, 9.0f), *up = random_floats (n, 9.0f), *out = guarded (n);
      kernels->glu (functions[f], 7.0f, n, gate, up, out);
      for (size_t i = 0; i < n; i++) {
        double g = gate[i], u = up[i], right = exact_unary (functions[f], 0, 0, g) * u;
        if (functions[f] == PE_UNARY_SWIGLU_OAI) {
          g = fmin (g, 7.0);
          u = fmin (fmax (u, -7.0), 7.0);
          right = g / (1.0 + exp (-1.702 * g)) * (u + 1.0);
        }
        CHECK_MSG (fabs (out[i] - right) <= 6e-7 * fabs (right) + 1e-6, "%g, not %g", out[i],
                   right);
      }
      CHECK (is_untouched (out + n, N_GUARDS));
      free (gate);
      free (up);
      free (out);
    }
}

static void
softmax_exp_agrees (void)
{
  for (size_t n = 0; n <= 300; n += 1 + n / 5) {
    float *x = random_floats (n + N_GUARDS, 40.0f), *in = malloc (n * sizeof *in + 1);
    if (n)
      memcpy (in, x, n * sizeof *in);
    if (n > 3)
      in[2] = x[2] = -INFINITY; /* a masked key */
    for (size_t i = n; i < n + N_GUARDS; i++)
      x[i] = GUARD;
    double total = 0.0;
    float sum = kernels->softmax_exp (n, 40.0f, x);
    for (size_t i = 0; i < n; i++) {
      double right = exp (in[i] - 40.0f);
      total += right;
      CHECK_MSG (fabs (x[i] - right) <= 3e-7 * right + 1e-37, "exp (%g): %g", in[i] - 40.0, x[i]);
    }
    CHECK_MSG (fabs (sum - total) <= 1e-6 * total, "%g, not %g", sum, total);
    CHECK (is_untouched (x + n, N_GUARDS));
    free (x);
    free (in);
  }
}

static void
extremes_stay_extremes (void)
{
  float x[] = { INFINITY, -INFINITY, 88.8f, -104.0f, 1e30f, -1e30f, NAN, 0.0f, -0.0f, 1e-30f };
  float out[10];
  kernels->unary (PE_UNARY_SIGMOID, 0, 0, 10, x, out);
  CHECK (out[0] == 1.0f && out[1] == 0.0f && out[4] == 1.0f && out[5] == 0.0f);
  CHECK (isnan (out[6]) && out[7] == 0.5f);
  kernels->unary (PE_UNARY_TANH, 0, 0, 10, x, out);
  CHECK (out[0] == 1.0f && out[1] == -1.0f && isnan (out[6]) && out[7] == 0.0f && out[9] == 1e-30f);
  kernels->unary (PE_UNARY_SILU, 0, 0, 10, x, out);
  CHECK (isinf (out[0]) && out[4] == 1e30f && isnan (out[6]));
  float y[] = { 100.0f, -200.0f, 0.0f, NAN };
  kernels->softmax_exp (4, 0.0f, y);
  CHECK (isinf (y[0]) && y[1] == 0.0f && y[2] == 1.0f && isnan (y[3]));
}

static void
row_functions_agree (void)
{
  for (size_t n = 0; n <= 600; n += 1 + n / 7) {
    float *a = random_floats (n, 3.0f), *b = random_floats (n, 3.0f), *out = guarded (n);
    double size, total = 0.0, squares = 0.0, magnitude = 0.0;
    double right = dot_double (n, a, b, &size);
    float largest = -INFINITY;
    for (size_t i = 0; i < n; i++) {
      total += a[i];
      magnitude += fabs (a[i]);
      squares += ((double) a[i] - 0.5) * ((double) a[i] - 0.5);
      largest = fmaxf (largest, a[i]);
    }
    CHECK_MSG (fabs (kernels->dot (n, a, b) - right) <= 1e-6 * size, "%zu", n);
    CHECK_MSG (fabs (kernels->sum (n, a) - total) <= 1e-6 * magnitude, "%zu", n);
    CHECK_MSG (fabs (kernels->sum_squares (n, a, 0.5f) - squares) <= 1e-6 * squares, "%zu", n);
    CHECK_MSG (kernels->max (n, a) == largest, "%zu", n);

    kernels->add (n, 2.0f, a, -3.0f, b, out);
    for (size_t i = 0; i < n; i++)
      CHECK (fabsf (out[i] - (2.0f * a[i] - 3.0f * b[i])) <= 2e-6f);
    kernels->mul (n, 2.0f, a, b, out);
    for (size_t i = 0; i < n; i++)
      CHECK (fabsf (out[i] - 2.0f * a[i] * b[i]) <= 2e-6f);
    kernels->mul (n, 2.0f, a, NULL, out);
    for (size_t i = 0; i < n; i++)
      CHECK (out[i] == 2.0f * a[i]);
    kernels->axpy (n, 0.5f, b, out);
    for (size_t i = 0; i < n; i++)
      CHECK (fabsf (out[i] - (2.0f * a[i] + 0.5f * b[i])) <= 2e-6f);
    CHECK (is_untouched (out + n, N_GUARDS));
    free (a);
    free (b);
    free (out);
  }
}

/* ---- choice ---- */

static void
the_cap_is_observed (void)
{
  CHECK (pe_cpu_best_level () <= PE_CPU_AVX2);
  CHECK (pe_kernels_for (pe_cpu_best_level ())->level == pe_cpu_best_level ());
  for (int level = 0; level < PE_CPU_LEVEL_COUNT; level++) {
    CHECK ((int) pe_kernels_for ((enum pe_cpu_level) level)->level <= level);
    CHECK (pe_cpu_level_name ((enum pe_cpu_level) level)[0]);
  }
}

int
main (int argc, char **argv)
{
  setenv ("PARLEY_CPU", "avx2", true); /* tables of higher levels are not affected */
  scalar = pe_kernels_for (PE_CPU_SCALAR);
  if (argc > 1 && strcmp (argv[1], "--bench") == 0)
    return bench_kernels (argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
  RUN (the_cap_is_observed);
  for (int level = 0; level < PE_CPU_LEVEL_COUNT; level++) {
    kernels = pe_kernels_for ((enum pe_cpu_level) level);
    if (kernels->level != (enum pe_cpu_level) level)
      continue; /* not on this processor */
    printf ("# %s\n", pe_cpu_level_name (kernels->level));
    RUN (every_type_has_kernels);
    RUN (decode_agrees);
    RUN (dot_exact_agrees);
    RUN (gemm_exact_agrees);
    RUN (weigh_rows_agrees);
    RUN (dot_fast_agrees);
    RUN (gemm_fast_agrees);
    RUN (fast_does_not_saturate);
    RUN (quantise_is_the_same);
    RUN (encode_is_the_same);
    RUN (unary_agrees);
    RUN (glu_agrees);
    RUN (softmax_exp_agrees);
    RUN (extremes_stay_extremes);
    RUN (row_functions_agree);
  }
  return test_done ();
}
