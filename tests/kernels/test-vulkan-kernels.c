/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GPU's kernels but for attention and recurrent layers against plain C.
 *
 *   test-vulkan-kernels [VARIANT]           those whose names begin so
 *   test-vulkan-kernels --bench [VARIANT]   prints rates beside what the device copies and computes
 *   test-vulkan-kernels --sweep VARIANT     the same for other ways to share the work out
 */
#include "engine/program.h"

#include "vulkan-bench.h"
#include "vulkan-variants.h"

#include <math.h>

/* ---- matrices ---- */

/* Rows of random weights at `offset` bytes of the weight buffer, and their values. */
static float *
make_matrix (uint32_t n, uint32_t k, size_t offset)
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
row_length (uint32_t about)
{
  uint32_t block = pe_type_info (type)->block_elements;
  uint32_t step = block > 1 ? block : type == PE_TYPE_F32 ? 4 : 8;
  return (about + step - 1) / step * step;
}

/* Whether the kernel rounds its inputs to bytes, run by run of eight: see
 * shaders/include/chunk.glsl. */
static bool
rounds_runs (void)
{
  return strcmp (pe_shader_code[shader].kernel, "matvec_dot") == 0 ||
         strcmp (pe_shader_code[shader].kernel, "matvec_expert_dot") == 0;
}

/* Random inputs; for kernels that round them such as rounding leaves alone. */
static void
random_inputs (float *x, size_t n, float magnitude)
{
  random_floats (x, n, magnitude);
  for (size_t i = 0; rounds_runs () && i < n; i++) {
    float code = roundf (x[i] / magnitude * 127);
    code = i % 8 == 3 ? (code < 0 ? -127 : 127) : fabsf (code) > 127 ? 0 : code;
    x[i] = code * magnitude / 128;
  }
}

static uint32_t
tail (uint32_t k)
{
  return k % 16 ? PE_FLAG_TAIL : 0;
}

static void
check_matvec_parts (uint32_t columns, bool with_norm)
{
  uint32_t k = row_length (40 + below (700)), n[3] = { 1 + below (40), 3, 1 + below (9) };
  uint32_t offset = 0;
  float *w[3];
  struct matvec_arguments push = { .work = f.work.address, .k = k, .eps = 1e-5f, .scale = 0.5f };
  push.in_row_stride = (k + 7) / 8 * 8 + (rounds_runs () ? 8 : 4);
  float *x = f.floats, *gain = vector_at (0);
  random_inputs (x, (size_t) columns * push.in_row_stride, 1);
  random_floats (vector_at (0), 4096, 1);
  for (uint32_t i = 0; rounds_runs () && i < k; i++)
    gain[i] = i % 8 ? gain[i - 1] : below (2) ? 0.5f : -2;
  for (int i = 0; i < 3; i++) {
    w[i] = make_matrix (n[i], k, offset);
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
  CHECK (fixture_run (&f, shader, constants, 5, &push, sizeof push, groups, 1, 1));
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

static double
silu (double x)
{
  return x / (1 + exp (-x));
}

static void
check_gated_pair (void)
{
  uint32_t k = row_length (300), n = 17, columns = 1 + below (3);
  float *gate = make_matrix (n, k, 0);
  size_t second = (pe_type_row_bytes (type, k) * n + 63) / 64 * 64;
  float *up = make_matrix (n, k, second);
  random_inputs (f.floats, (size_t) columns * 1024, 0.25f);
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
  CHECK (fixture_run (&f, shader, constants, 5, &push, sizeof push, n, 1, 1));
  for (uint32_t c = 0; c < columns; c++)
    for (uint32_t r = 0; r < n; r++) {
      const float *x = f.floats + c * 1024;
      double g = dot (gate + r * k, x, k) + vector_at (0)[r];
      double expected = silu (g) * (dot (up + r * k, x, k) + vector_at (32)[r]);
      float actual = f.floats[50000 + c * 20 + r];
      CHECK_MSG (is_close (actual, expected, 4), "%s row %u: %g %g", pe_type_info (type)->name, r,
                 actual, expected);
    }
  free (gate);
  free (up);
}

static void
check_residual_and_factor (void)
{
  uint32_t k = row_length (52), n = 9;
  float *w = make_matrix (n, k, 0);
  random_inputs (f.floats, k + 4 + n, 1);
  *vector_at (0) = 3;
  const struct matvec_arguments push = {
    .weight = { f.weights.address },
    .bias = { 0, 0, vector_address (0) },
    .work = f.work.address,
    .n = { n },
    .out_offset = { 1000 },
    .residual_offset = k + 4,
    .k = k,
    .scale = 2,
  };
  uint32_t flags = PE_FLAG_RESIDUAL | PE_FLAG_SCALE | tail (k);
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 8, 1, 2, flags, 0 }, 5, &push, sizeof push,
                      (n + 1) / 2, 1, 1));
  for (uint32_t r = 0; r < n; r++)
    CHECK (is_close (f.floats[1000 + r],
                     6 * dot (w + r * k, f.floats, k) + f.floats[push.residual_offset + r],
                     6 * sqrt (k)));
  free (w);
}

/* Of inputs as they come, each run is at most half of 1/127 of its largest element off. */
static void
check_rounding_of_runs (void)
{
  uint32_t k = row_length (512), n = 30;
  float *w = make_matrix (n, k, 0);
  random_floats (f.floats, k, 3);
  f.floats[5] = 300; /* makes its own run coarse, and no other */
  memset (f.floats + 16, 0, 8 * sizeof *f.floats);
  const struct matvec_arguments push = {
    .weight = { f.weights.address },
    .work = f.work.address,
    .n = { n },
    .out_offset = { 1000 },
    .k = k,
    .scale = 1,
  };
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 8, 1, 4, 0, 0 }, 5, &push, sizeof push, (n + 3) / 4,
                      1, 1));
  for (uint32_t r = 0; r < n; r++) {
    double most = 1e-4 * sqrt (k), square = 0;
    for (uint32_t i = 0; i < k; i += 8) {
      double largest = 0, sum = 0;
      for (uint32_t j = i; j < i + 8; j++) {
        largest = fmax (largest, fabs (f.floats[j]));
        sum += (double) w[r * k + j] * w[r * k + j];
      }
      square += sum * largest * largest / 127 / 127 / 12;
    }
    double expected = dot (w + r * k, f.floats, k);
    CHECK_MSG (fabs (f.floats[1000 + r] - expected) <= most + 6 * sqrt (square), "row %u: %g %g", r,
               f.floats[1000 + r], expected);
  }
  free (w);
}

/* What does not depend on the type is checked for two of them: compiling takes its time. */
static bool
is_typical (void)
{
  return type == PE_TYPE_F32 || type == PE_TYPE_Q4_K;
}

static void
matvec (void)
{
  check_matvec_parts (1 + below (3), true);
  if (is_typical ()) {
    check_matvec_parts (1, true);
    check_matvec_parts (4 + below (5), false);
    check_gated_pair ();
    check_residual_and_factor ();
    if (rounds_runs ())
      check_rounding_of_runs ();
  }
}

/* Variants of matmul.comp, and matmul_dot.comp: what they read and how exact they are. */
static bool
reads_codes (void)
{
  return strcmp (pe_shader_code[shader].kernel, "matmul_dot") == 0;
}

static bool
reads_halves (void)
{
  return strcmp (pe_shader_code[shader].kernel, "matmul") != 0 && !reads_codes ();
}

/* Runs the kernel over n_matrices, in tiles as models are multiplied. */
static void
run_matmul (const struct matmul_arguments *push, uint32_t flags, uint32_t n_matrices)
{
  bool fragments = pe_shader_code[shader].needs == PE_SHADER_TIER_COOPERATIVE_MATRIX;
  struct pe_gpu_tiling t = pe_gpu_choose_tiling (&f.gpu, fragments, push->n, push->n_rows);
  if (fragments && below (3) == 0) { /* as other devices would have it */
    t.step = t.step == 32 ? 64 : 32;
    t.buffers = t.step == 32 ? 2 : 1;
  }
  uint32_t constants[PE_GPU_TILING_CONSTANTS];
  uint32_t n_constants = pe_gpu_tiling_constants (&f.gpu, &t, flags, constants);
  CHECK (fixture_run (&f, shader, constants, n_constants, push, sizeof *push,
                      (uint32_t) pe_gpu_tiles (&t, push->n, push->n_rows), 1, n_matrices));
}

/* Where inputs, results and the rest lie, in elements of the work buffer. */
enum { M_ROUNDED = 1 << 18, M_SCALES = 1 << 19, M_OUT = 1 << 20, M_RESIDUAL = 1 << 21 };
enum { M_IDS = 3 << 18, M_LIST = (3 << 18) + 4096 };

/* What quantise.comp made of a row: the values that its codes stand for. */
static void
read_codes (const float *row, uint32_t k, float *out)
{
  const int8_t *codes = (const int8_t *) row;
  for (uint32_t i = 0; i < k; i++)
    out[i] = (float) codes[i] * row[k / 4 + i / 32 * 4];
}

/* Random inputs, [rows][groups][pitch of k], as the kernel reads them; returns, to be freed, the
 * values that it should multiply with. */
static float *
give_inputs (struct matmul_arguments *push, uint32_t n_rows, uint32_t groups, uint32_t k)
{
  uint32_t pitch = (k + 3) / 4 * 4, half_pitch = (k + 15) / 16 * 8, code_pitch = k / 32 * 12;
  float *given = malloc ((size_t) n_rows * groups * pitch * sizeof *given);
  random_floats (f.floats, (size_t) n_rows * groups * pitch, 1);
  memcpy (given, f.floats, (size_t) n_rows * groups * pitch * sizeof *given);
  push->in_row_stride = groups * pitch;
  push->in_stride = groups > 1 ? pitch : 0;
  if (reads_halves ()) {
    const struct halve_arguments halve = {
      .work = f.work.address,
      .in_row_stride = push->in_row_stride,
      .in_stride = pitch,
      .out_offset = M_ROUNDED,
      .out_row_stride = groups * half_pitch,
      .out_stride = half_pitch,
      .scales_offset = M_SCALES,
      .width = k,
    };
    CHECK (fixture_run (&f, PE_SHADER_HALVE, (uint32_t[]){ 16 }, 1, &halve, sizeof halve, groups,
                        n_rows, 1));
    push->in_offset = M_ROUNDED;
    push->in_row_stride = halve.out_row_stride;
    push->in_stride = groups > 1 ? half_pitch : 0;
    push->scales_offset = M_SCALES;
  } else if (reads_codes ()) {
    const struct quantise_arguments quantise = {
      .work = f.work.address,
      .in_row_stride = push->in_row_stride,
      .in_stride = pitch,
      .out_offset = M_ROUNDED,
      .out_row_stride = groups * code_pitch,
      .out_stride = code_pitch,
      .width = k,
    };
    CHECK (fixture_run (&f, PE_SHADER_QUANTISE, (uint32_t[]){ 16 }, 1, &quantise, sizeof quantise,
                        (k / 4 + 15) / 16, n_rows, groups));
    push->in_offset = M_ROUNDED;
    push->in_row_stride = quantise.out_row_stride;
    push->in_stride = groups > 1 ? code_pitch : 0;
    for (uint32_t i = 0; i < n_rows * groups; i++)
      read_codes (f.floats + M_ROUNDED + i * code_pitch, k, given + i * pitch);
  }
  return given;
}

static double
rms (const float *x, size_t n)
{
  return sqrt (dot (x, x, (uint32_t) n) / (double) n);
}

/* Of float32, and of codes when their own rounding is known: 2e-5, as everywhere. Halves: weight
 * and input are rounded to 2^-12 of themselves, which makes 2^-12 sqrt (2 k) of a product's size;
 * and 32 products are summed up in halves, of which the j-th sum, sqrt (j) products large, is
 * rounded to 2^-12 of itself again: 2^-12 sqrt (16 k). Inputs are 0.58 large. Large results come
 * from large sums on the way, so the worst of some ten thousand is off by more than the 4.5 times
 * of a normal distribution: 8 times. */
static bool
is_product (double actual, double expected, uint32_t k, double weight_rms, double magnitude)
{
  if (!reads_halves ())
    return is_close (actual, expected, sqrt (k) * magnitude);
  double error = sqrt (18.0 * k) / 4096 * 0.58 * weight_rms * magnitude;
  return fabs (actual - expected) <= 8 * error + 1e-4;
}

static void
check_matmul (uint32_t n, uint32_t m, uint32_t k)
{
  float *w = make_matrix (n, k, 0);
  double size = rms (w, (size_t) n * k);
  struct matmul_arguments push = {
    .weight = f.weights.address,
    .bias = vector_address (0),
    .work = f.work.address,
    .n = n,
    .k = k,
    .n_rows = m,
    .out_offset = M_OUT,
    .out_row_stride = n + 3,
    .residual_offset = M_RESIDUAL,
    .residual_row_stride = n,
    .n_groups = 1,
    .scale = 1.5f,
  };
  float *given = give_inputs (&push, m, 1, k);
  uint32_t pitch = (k + 3) / 4 * 4;
  random_floats (f.floats + push.residual_offset, (size_t) m * n, 1);
  random_floats (vector_at (0), n, 1);
  run_matmul (&push, tail (k) | PE_FLAG_RESIDUAL, 1);
  for (uint32_t i = 0; i < m; i++)
    for (uint32_t r = 0; r < n; r++) {
      double expected = 1.5 * dot (w + r * k, given + i * pitch, k) + vector_at (0)[r] +
                        f.floats[push.residual_offset + i * n + r];
      float actual = f.floats[push.out_offset + i * push.out_row_stride + r];
      CHECK_MSG (is_product (actual, expected, k, size, 1.5),
                 "%s row %u of %u, column %u of %u: %g %g", pe_type_info (type)->name, i, m, r, n,
                 actual, expected);
    }
  free (given);
  free (w);
}

/* Rows that choose two of five experts each, none of them the third; or a matrix a group. */
static void
check_grouped (bool experts)
{
  uint32_t k = row_length (70), n = 19, n_matrices = experts ? 5 : 3, n_rows = 70;
  uint32_t groups = experts ? 2 : n_matrices, pitch = (k + 3) / 4 * 4;
  float *w = make_matrix (n * n_matrices, k, 0);
  double size = rms (w, (size_t) n * n_matrices * k);
  struct matmul_arguments push = {
    .weight = f.weights.address,
    .matrix_bytes = pe_type_row_bytes (type, k) * n,
    .bias = vector_address (0),
    .factor = experts ? vector_address (1000) : 0,
    .work = f.work.address,
    .n = n,
    .k = k,
    .n_rows = n_rows,
    .out_offset = M_OUT,
    .out_row_stride = groups * 24,
    .out_stride = 24,
    .list_offset = M_LIST,
    .ids_offset = M_IDS,
    .ids_row_stride = 8,
    .n_groups = groups,
    .n_experts = n_matrices,
    .bias_stride = n,
    .scale = 1,
  };
  float *given = give_inputs (&push, n_rows, groups, k);
  random_floats (vector_at (0), 2000, 1);
  float *ids = f.floats + M_IDS;
  for (uint32_t row = 0; row < n_rows; row++) {
    ids[row * 8] = (float) (row % 3 == 2 ? 3 : row % 3);
    ids[row * 8 + 1] = 4;
    ids[row * 8 + 2] = random_float (&state);
    ids[row * 8 + 3] = random_float (&state);
  }
  const struct sort_experts_arguments sort = {
    .work = f.work.address,
    .ids_offset = M_IDS,
    .ids_row_stride = 8,
    .list_offset = M_LIST,
    .n_experts = n_matrices,
    .n_used = groups,
    .n_rows = n_rows,
  };
  if (experts)
    CHECK (fixture_run (&f, PE_SHADER_SORT_EXPERTS, (uint32_t[]){ 64 }, 1, &sort, sizeof sort, 1, 1,
                        1));
  uint32_t flags = experts ? PE_FLAG_EXPERTS | PE_FLAG_SCALE | PE_FLAG_WEIGH : PE_FLAG_HEADS;
  run_matmul (&push, flags | tail (k), n_matrices);
  for (uint32_t row = 0; row < n_rows; row++)
    for (uint32_t g = 0; g < groups; g++)
      for (uint32_t r = 0; r < n; r++) {
        uint32_t e = experts ? (uint32_t) ids[row * 8 + g] : g;
        const float *x = given + row * groups * pitch + g * pitch;
        double factor = experts ? vector_at (1000)[e] * ids[row * 8 + 2 + g] : 1;
        double expected = factor * dot (w + (e * n + r) * k, x, k) + vector_at (0)[e * n + r];
        float actual = f.floats[push.out_offset + row * push.out_row_stride + g * 24 + r];
        CHECK_MSG (is_product (actual, expected, k, size, 1),
                   "%s row %u matrix %u element %u: %g %g", pe_type_info (type)->name, row, e, r,
                   actual, expected);
      }
  free (given);
  free (w);
}

static void
matmul (void)
{
  check_matmul (60 + below (80), 9 + below (70), row_length (30 + below (300)));
  check_matmul (1 + below (5), 64, row_length (1));
  check_matmul (130, 100, row_length (100));
  if (is_typical ()) {
    check_grouped (true);
    check_grouped (false);
  }
}

/* Rows of any size keep eleven bits of every element that is not tiny beside the largest. */
static void
halving (void)
{
  static const float sizes[] = { 1, 3e-20f, 1e30f, 0, 40000 };
  const uint32_t width = 37;
  const struct halve_arguments push = {
    .work = f.work.address,
    .in_row_stride = 100,
    .in_stride = 45,
    .out_offset = 1000,
    .out_row_stride = 50,
    .out_stride = 24,
    .scales_offset = 2000,
    .width = width,
  };
  random_floats (f.floats, 500, 1);
  for (uint32_t row = 0; row < 5; row++)
    for (uint32_t i = 0; i < 100; i++)
      f.floats[row * 100 + i] *= sizes[row];
  memset (f.floats + 1000, 0x55, 1000);
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 16 }, 1, &push, sizeof push, 2, 5, 1));
  for (uint32_t row = 0; row < 5; row++)
    for (uint32_t g = 0; g < 2; g++) {
      const uint16_t *half = (const uint16_t *) (f.floats + 1000 + row * 50 + g * 24);
      double scale = f.floats[2000 + row * 2 + g];
      for (uint32_t i = 0; i < 48; i++) {
        double x = i < width ? f.floats[row * 100 + g * 45 + i] : 0;
        double error = fabs (pe_half_to_float (half[i]) * scale - x);
        CHECK_MSG (error <= fabs (x) / 2048 + sizes[row] * 1e-6, "row %u element %u: %g", row, i,
                   error);
      }
    }
}

/* Blocks of 32 of any size, with the largest element as 127 or -127, and the sums of what they are
 * now; nothing is written between the rows. */
static void
quantising (void)
{
  static const float sizes[] = { 1, 3e-20f, 1e30f, 0, 40000 };
  const uint32_t width = 96, pitch = 40;
  const struct quantise_arguments push = {
    .work = f.work.address,
    .in_row_stride = 200,
    .in_stride = 100,
    .out_offset = 1000,
    .out_row_stride = 100,
    .out_stride = pitch,
    .width = width,
  };
  random_floats (f.floats, 1000, 1);
  for (uint32_t row = 0; row < 5; row++)
    for (uint32_t i = 0; i < 200; i++)
      f.floats[row * 200 + i] *= sizes[row];
  memset (f.floats + 1000, 0x55, 500 * sizeof (float));
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 16 }, 1, &push, sizeof push, 2, 5, 2));
  for (uint32_t row = 0; row < 5; row++)
    for (uint32_t g = 0; g < 2; g++) {
      const float *x = f.floats + row * 200 + g * 100, *out = f.floats + 1000 + row * 100 + g * 40;
      const int8_t *codes = (const int8_t *) out;
      for (uint32_t block = 0; block < width / 32; block++) {
        const float *scales = out + width / 4 + 4 * block;
        double most = 0, sums[2] = { 0 }, size = sizes[row];
        int largest = 0;
        for (uint32_t i = 32 * block; i < 32 * block + 32; i++) {
          most = fmax (most, fabs (x[i]));
          largest = abs (codes[i]) > largest ? abs (codes[i]) : largest;
          sums[i / 16 % 2] += (double) codes[i] * scales[0];
          double error = fabs (codes[i] * (double) scales[0] - x[i]);
          CHECK_MSG (error <= 0.5001 * scales[0], "row %u element %u: %g", row, i, error);
        }
        CHECK (largest == (size > 0 ? 127 : 0) && scales[3] == 0);
        CHECK (fabs (scales[0] - most / 127) <= 1e-6 * most);
        for (int i = 0; i < 2; i++)
          CHECK (fabs (scales[1 + i] - sums[i]) <= 1e-5 * size);
      }
      for (uint32_t i = width / 32 * 12; i < (g ? 60 : pitch); i++)
        CHECK (((const uint32_t *) out)[i] == 0x55555555);
    }
}

static void
sorting_experts (void)
{
  const struct sort_experts_arguments push = {
    .work = f.work.address,
    .ids_row_stride = 5,
    .list_offset = 10000,
    .n_experts = 300,
    .n_used = 4,
    .n_rows = 77,
  };
  bool seen[77 * 4] = { 0 };
  for (uint32_t i = 0; i < 77 * 5; i++)
    f.floats[i] = (float) (below (3) ? below (300) : 7);
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 64 }, 1, &push, sizeof push, 1, 1, 1));
  const uint32_t *begins = (const uint32_t *) (f.floats + 10000), *list = begins + 301;
  CHECK (begins[0] == 0 && begins[300] == 77 * 4);
  for (uint32_t e = 0; e < 300; e++)
    for (uint32_t i = begins[e]; i < begins[e + 1]; i++) {
      CHECK (list[i] < 77 * 4 && !seen[list[i]]);
      CHECK ((uint32_t) f.floats[list[i] / 4 * 5 + list[i] % 4] == e);
      seen[list[i]] = true;
    }
}

static void
check_experts (bool heads)
{
  uint32_t k = row_length (64 + below (100)), n = 11, n_experts = 5, used = heads ? 5 : 3;
  uint32_t n_rows = 1 + below (4);
  float *w = make_matrix (n * n_experts, k, 0);
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
  random_inputs (f.floats, (size_t) n_rows * pitch * used, 1);
  random_floats (vector_at (0), 2000, 1);
  float *ids = f.floats + push.ids_offset;
  for (uint32_t i = 0; i < n_rows * 8; i++)
    ids[i] = i % 8 < used ? (float) below (n_experts) : random_float (&state);
  uint32_t flags = tail (k) | (heads ? PE_FLAG_HEADS : PE_FLAG_WEIGH);
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 8, 2, flags }, 3, &push, sizeof push, (n + 1) / 2,
                      n_rows, used));
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
matvec_expert (void)
{
  check_experts (false);
  if (is_typical ())
    check_experts (true);
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

/* ---- the table ---- */

/* All bytes of an odd number of vectors, and none behind them. */
static void
copy (void)
{
  const uint32_t n = 1237;
  const struct copy_arguments push = { f.weights.address, f.tables.address, n };
  for (uint32_t k = 0; k < n * 16; k++)
    f.bytes[k] = (unsigned char) (k * 31 + k / 256);
  memset (f.words, 0xa5, n * 16 + 16);
  CHECK (fixture_run (&f, PE_SHADER_COPY, (uint32_t[]){ 64 }, 1, &push, sizeof push, (n + 63) / 64,
                      1, 1));
  CHECK (memcmp (f.words, f.bytes, n * 16) == 0 && f.words[n * 4] == 0xa5a5a5a5);
}

/* Rows of tokens in any order, one of them too large; nothing behind them is written. */
static void
embed (void)
{
  const uint32_t n_tokens = 11, k = row_length (300) / 16 * 16, n_rows = 5;
  const uint32_t tokens[] = { 3, 0, 10, 3, 77 };
  float *table = make_matrix (n_tokens, k, 0);
  const struct embed_arguments push = { .work = f.work.address,
                                        .weight = f.weights.address,
                                        .tables = f.tables.address,
                                        .k = k,
                                        .n_tokens = n_tokens,
                                        .out_offset = 40,
                                        .out_row_stride = k + 8,
                                        .n_rows = n_rows,
                                        .max_rows = 9,
                                        .scale = 1.5f };
  random_floats (f.floats, 8192, 1);
  float *before = malloc (8192 * sizeof *before);
  memcpy (before, f.floats, 8192 * sizeof *before);
  memcpy (f.words + PE_TABLE_TOKENS (9), tokens, sizeof tokens);
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 64 }, 1, &push, sizeof push,
                      (k / 16 * n_rows + 63) / 64, 1, 1));
  for (uint32_t i = 0; i < 8192; i++) {
    uint32_t row = i < 40 ? n_rows : (i - 40) / (k + 8), e = i < 40 ? 0 : (i - 40) % (k + 8);
    bool written = row < n_rows && e < k;
    uint32_t token = written ? tokens[row] < n_tokens ? tokens[row] : n_tokens - 1 : 0;
    double expected = written ? 1.5 * table[token * k + e] : before[i];
    CHECK_MSG (is_close (f.floats[i], expected, fabs (expected)), "element %u: %g %g", i,
               f.floats[i], expected);
  }
  free (before);
  free (table);
}

static uint64_t
key_of (float x, uint32_t token)
{
  uint32_t bits;
  x = x == x ? x == 0 ? 0 : x : -INFINITY;
  memcpy (&bits, &x, sizeof bits);
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (uint64_t) bits << 32 | ~token;
}

static int
falling (const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
  return x < y ? 1 : x > y ? -1 : 0;
}

/* Both rounds, on logits with much that is equal, not a number, infinite or zero of either sign. */
static void
check_best (uint32_t n, uint32_t groups, uint32_t k, uint32_t levels)
{
  static const float special[] = { NAN, INFINITY, -INFINITY, 0.0f, -0.0f, -NAN };
  const uint32_t n_rows = 2, stride = (n + 3) & ~3u, scratch = 1u << 18, done = 1u << 20;
  uint64_t *keys = malloc (n * sizeof *keys), *found = malloc (k * sizeof *found);
  for (uint32_t i = 0; i < n_rows * stride; i++)
    f.floats[i] = below (50) == 0 ? special[below (6)]
                                  : ((float) below (levels) - (float) (levels / 2)) * 0.01f;
  struct best_arguments push = { .source = f.work.address,
                                 .target = f.work.address + 4ull * scratch,
                                 .n = n,
                                 .row_bytes = 4 * stride,
                                 .slice = (n + groups - 1) / groups,
                                 .k = k };
  f.words[0] = 0xa5a5a5a5;
  bool ok = fixture_run (&f, PE_SHADER_BEST, (uint32_t[]){ 64, 0 }, 2, &push, sizeof push, groups,
                         n_rows, 1);
  push.source = push.target;
  push.target = f.work.address + 4ull * done;
  push.next_token = f.tables.address;
  push.n = push.slice = groups * k;
  push.row_bytes = 8 * push.n;
  ok = ok &&
       fixture_run (&f, PE_SHADER_BEST, (uint32_t[]){ 64, 1 }, 2, &push, sizeof push, 1, n_rows, 1);
  CHECK (ok);
  uint32_t best = 0;
  for (uint32_t row = 0; row < n_rows; row++) {
    for (uint32_t i = 0; i < n; i++)
      keys[i] = key_of (f.floats[row * stride + i], i);
    qsort (keys, n, sizeof *keys, falling);
    memcpy (found, f.floats + done + 2 * row * k, k * sizeof *found);
    qsort (found, k, sizeof *found, falling);
    CHECK_MSG (memcmp (keys, found, k * sizeof *found) == 0, "%u of %u in %u slices, row %u", k, n,
               groups, row);
    best = row ? best : ~(uint32_t) keys[0];
  }
  CHECK (f.words[0] == (k == 1 ? best : 0xa5a5a5a5));
  free (keys);
  free (found);
}

static void
best (void)
{
  static const uint32_t ks[] = { 1, 2, 40, 128 };
  for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
    check_best (5003, 5, ks[i], 100000);
    check_best (5003, 64, ks[i], 3); /* most are equal; slices shorter than k */
    check_best (1000, 1, ks[i], 40);
  }
}

static const struct kernel_check checks[] = {
  { "embed", embed },
  { "best", best },
  { "matvec", matvec },
  { "matvec_expert", matvec_expert },
  { "matvec_dot", matvec },
  { "matvec_expert_dot", matvec_expert },
  { "halve", halving },
  { "sort_experts", sorting_experts },
  { "matmul", matmul },
  { "matmul_half", matmul },
  { "matmul_coop", matmul },
  { "quantise", quantising },
  { "matmul_dot", matmul },
  { "norm", norms },
  { "elementwise", elementwise },
  { "route", routing },
  { "expert_sum", sum_of_experts },
  { "copy", copy },
};

int
main (int argc, char **argv)
{
  if (argc > 2 && strcmp (argv[1], "--sweep") == 0)
    return bench_sweep (argv[2]);
  if (argc > 1 && strcmp (argv[1], "--bench") == 0)
    return bench_vulkan (argc > 2 ? argv[2] : "");
  return check_variants (KERNELS_OF_ROWS, checks, sizeof checks / sizeof *checks,
                         argc > 1 ? argv[1] : "");
}
