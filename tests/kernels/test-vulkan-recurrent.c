/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GPU's kernels of recurrent layers against plain C: convolutions, scans, delta nets, and the
 * states they keep.
 *
 *   test-vulkan-recurrent [VARIANT]   those whose names begin so
 */
#include "engine/program.h"

#include "vulkan-variants.h"

/* Rows of two sequences: states in slots 2, 2, 0, 0, 0 …; the inputs lie apart from each other and
 * their rows further apart than they are wide. */
enum { STATES = 4 << 20, SLOT_FLOATS = 20000, N_SLOTS = 3, SCAN_ROWS = 11 };

static float *
prepare_states (void)
{
  float *states = (float *) (f.bytes + STATES);
  random_floats (states, (size_t) N_SLOTS * SLOT_FLOATS, 1);
  for (uint32_t row = 0; row < SCAN_ROWS; row++)
    f.words[PE_TABLE_STATES (SCAN_ROWS) + row] = row < 2 ? 2 : 0;
  float *copy = malloc ((size_t) N_SLOTS * SLOT_FLOATS * sizeof *copy);
  memcpy (copy, states, (size_t) N_SLOTS * SLOT_FLOATS * sizeof *copy);
  return copy;
}

static float *
state_of_row (float *states, uint32_t row)
{
  return states + (size_t) f.words[PE_TABLE_STATES (SCAN_ROWS) + row] * SLOT_FLOATS;
}

/* Slot 1 belongs to nobody here and must not change. */
static void
check_states (const float *expected, double magnitude)
{
  const float *actual = (const float *) (f.bytes + STATES);
  for (uint32_t i = 0; i < N_SLOTS * SLOT_FLOATS; i++)
    CHECK_MSG (i / SLOT_FLOATS == 1 ? actual[i] == expected[i]
                                    : is_close (actual[i], expected[i], magnitude),
               "state %u of slot %u: %g %g", i % SLOT_FLOATS, i / SLOT_FLOATS, actual[i],
               expected[i]);
}

static void
check_conv (uint32_t kernel, uint32_t fn, bool in_place)
{
  uint32_t width = 77, pitch = 90;
  float *states = prepare_states (), x[SCAN_ROWS * 90];
  const struct conv_arguments push = {
    .work = f.work.address,
    .weight = vector_address (0),
    .bias = in_place ? vector_address (2000) : 0,
    .tables = f.tables.address,
    .state = f.weights.address + STATES,
    .slot_floats = SLOT_FLOATS,
    .in_row_stride = pitch,
    .out_offset = in_place ? 0 : 5000,
    .out_row_stride = pitch,
    .width = width,
    .n_rows = SCAN_ROWS,
    .max_rows = SCAN_ROWS,
  };
  random_floats (f.floats, SCAN_ROWS * pitch, 1);
  random_floats (vector_at (0), 3000, 1);
  memcpy (x, f.floats, sizeof x);
  CHECK (fixture_run (&f, shader, (uint32_t[]){ 16, kernel, fn }, 3, &push, sizeof push,
                      (width + 15) / 16, 1, 1));
  for (uint32_t row = 0; row < SCAN_ROWS; row++)
    for (uint32_t c = 0; c < width; c++) {
      float *s = state_of_row (states, row), newest = x[row * pitch + c];
      const float *w = vector_at (c * kernel);
      double sum = push.bias ? vector_at (2000)[c] : 0;
      for (uint32_t j = 0; j + 1 < kernel; j++) {
        sum += (double) w[j] * s[j * width + c];
        s[j * width + c] = j + 2 < kernel ? s[(j + 1) * width + c] : newest;
      }
      sum += (double) w[kernel - 1] * newest;
      CHECK (is_close (f.floats[push.out_offset + row * pitch + c],
                       fn == PE_UNARY_SILU ? sum / (1 + exp (-sum)) : sum, 2));
    }
  check_states (states, 0);
  free (states);
}

static void
conv (void)
{
  check_conv (4, PE_UNARY_SILU, true);
  check_conv (3, PE_UNARY_NONE, false);
  check_conv (1, PE_UNARY_NONE, true);
}

static void
check_scan (uint32_t n_state, uint32_t width, uint32_t n_heads, bool per_channel)
{
  uint32_t n_groups = per_channel ? 1 : 2, size = 8, own = width < 3 ? 1 : 3, pitch = 400;
  float *states = prepare_states ();
  const struct scan_arguments push = {
    .work = f.work.address,
    .a = vector_address (0),
    .d = vector_address (2000),
    .dt_bias = per_channel ? 0 : vector_address (2100),
    .tables = f.tables.address,
    .state = f.weights.address + STATES + 4 * 100,
    .slot_floats = SLOT_FLOATS,
    .x_row_stride = pitch,
    .x_stride = width + 1,
    .bc_offset = 10000,
    .bc_row_stride = pitch,
    .dt_offset = 20000,
    .dt_row_stride = 30,
    .out_offset = 30000,
    .out_row_stride = pitch,
    .out_stride = width + 2,
    .width = width,
    .n_heads = n_heads,
    .n_groups = n_groups,
    .n_rows = SCAN_ROWS,
    .max_rows = SCAN_ROWS,
  };
  random_floats (f.floats, 30000, 1);
  random_floats (vector_at (0), 3000, 1);
  for (uint32_t i = 0; i < 2000; i++)
    *vector_at (i) = -fabsf (*vector_at (i)); /* states fade */
  const uint32_t constants[] = { size, n_state, (n_state + size - 1) / size, own, per_channel };
  CHECK (fixture_run (&f, shader, constants, 5, &push, sizeof push, (width + own - 1) / own,
                      n_heads, 1));
  for (uint32_t row = 0; row < SCAN_ROWS; row++)
    for (uint32_t h = 0; h < n_heads; h++) {
      const float *x = f.floats + row * pitch + h * push.x_stride;
      const float *b = f.floats + push.bc_offset + row * pitch + h / (n_heads / n_groups) * n_state;
      double dt = f.floats[push.dt_offset + row * 30 + h];
      dt = log1p (exp (dt + (push.dt_bias ? vector_at (2100)[h] : 0)));
      for (uint32_t c = 0; c < width; c++) {
        float *s = state_of_row (states, row) + 100 + (h * width + c) * n_state;
        double sum = 0;
        for (uint32_t j = 0; j < n_state; j++) {
          double a = *vector_at (per_channel ? h * n_state + j : h);
          s[j] = (float) (s[j] * exp (dt * a) + dt * x[c] * b[j]);
          sum += (double) s[j] * b[n_groups * n_state + j];
        }
        double expected = sum + vector_at (2000)[h] * x[c];
        float actual = f.floats[push.out_offset + row * pitch + h * push.out_stride + c];
        CHECK_MSG (is_close (actual, expected, sqrt (n_state)), "row %u head %u channel %u: %g %g",
                   row, h, c, actual, expected);
      }
    }
  check_states (states, 1);
  free (states);
}

static void
scan (void)
{
  check_scan (128, 8, 4, false);
  check_scan (21, 7, 6, false);
  check_scan (16, 1, 24, true);
}

static void
check_delta_net (uint32_t k_width, uint32_t v_width, bool interleaved)
{
  uint32_t nk = 2, nv = 4, size = 8, own = 4;
  uint32_t pitch = 2 * nk * k_width + nv * v_width + 3;
  float *states = prepare_states ();
  const struct delta_net_arguments push = {
    .work = f.work.address,
    .a = vector_address (0),
    .dt_bias = vector_address (10),
    .tables = f.tables.address,
    .state = f.weights.address + STATES,
    .slot_floats = SLOT_FLOATS,
    .qkv_row_stride = pitch,
    .alpha_offset = 20000,
    .alpha_row_stride = 20,
    .alpha_width = interleaved ? 2 : nv,
    .alpha_stride = interleaved ? 4 : nv,
    .beta_offset = 20010,
    .beta_row_stride = 20,
    .beta_width = nv,
    .beta_stride = nv,
    .out_offset = 30000,
    .out_row_stride = 300,
    .out_stride = v_width + 1,
    .n_k_heads = nk,
    .n_v_heads = nv,
    .v_width = v_width,
    .n_rows = SCAN_ROWS,
    .max_rows = SCAN_ROWS,
  };
  random_floats (f.floats, 30000, 0.3f);
  random_floats (vector_at (0), 20, 1);
  const uint32_t constants[] = { size, k_width, (k_width + size - 1) / size, own, interleaved };
  CHECK (
      fixture_run (&f, shader, constants, 5, &push, sizeof push, (v_width + own - 1) / own, nv, 1));
  for (uint32_t row = 0; row < SCAN_ROWS; row++)
    for (uint32_t h = 0; h < nv; h++) {
      uint32_t kh = interleaved ? h / (nv / nk) : h % nk;
      const float *q = f.floats + row * pitch + kh * k_width, *k = q + nk * k_width;
      const float *v = f.floats + row * pitch + 2 * nk * k_width + h * v_width;
      uint32_t at = h / push.alpha_width * push.alpha_stride + h % push.alpha_width;
      double alpha = f.floats[push.alpha_offset + row * 20 + at];
      double beta = f.floats[push.beta_offset + row * 20 + h];
      double keep = exp (log1p (exp (alpha + vector_at (10)[h])) * vector_at (0)[h]);
      for (uint32_t c = 0; c < v_width; c++) {
        float *s = state_of_row (states, row) + (h * v_width + c) * k_width;
        double known = 0, answer = 0;
        for (uint32_t j = 0; j < k_width; j++)
          known += keep * s[j] * k[j];
        double correction = (v[c] - known) / (1 + exp (-beta));
        for (uint32_t j = 0; j < k_width; j++) {
          s[j] = (float) (keep * s[j] + correction * k[j]);
          answer += (double) s[j] * q[j];
        }
        double expected = answer / sqrt (k_width);
        float actual = f.floats[push.out_offset + row * 300 + h * push.out_stride + c];
        /* Errors of a state pass on to the next rows, and grow where keep > 1. */
        CHECK_MSG (is_close (actual, expected, 4 * fmax (1, pow (keep, row))),
                   "row %u head %u column %u: %g %g", row, h, c, actual, expected);
      }
    }
  free (states);
}

static void
delta_net (void)
{
  check_delta_net (64, 48, false);
  check_delta_net (30, 13, true);
}

static const struct kernel_check checks[] = {
  { "conv", conv },
  { "scan", scan },
  { "delta_net", delta_net },
};

int
main (int argc, char **argv)
{
  return check_variants (KERNELS_OF_STATES, checks, sizeof checks / sizeof *checks,
                         argc > 1 ? argv[1] : "");
}
