/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels of the GPU against plain C in double precision, on random data and odd shapes: every row
 * of the variant table is a case. A variant that the compiler could not build or the device cannot
 * run is skipped by name; one without a check fails. For the programs that check one part of them.
 */
#pragma once

#include "../driver-leaks.h"
#include "../harness.h"
#include "../random-blocks.h"
#include "vulkan-fixture.h"

#include <math.h>

static struct fixture f;
static uint64_t state = 7;

/* The row of the variant table that is tested, and its storage type. */
static enum pe_shader shader;
static enum pe_type type;

static inline uint32_t
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

struct kernel_check {
  const char *kernel;
  void (*check) (void);
};

static const struct kernel_check *kernel_checks;
static size_t n_kernel_checks;

static void
check_variant (void)
{
  const struct pe_shader_code *code = &pe_shader_code[shader];
  const char *why = fixture_missing (&f, shader);
  if (why)
    SKIP (why);
  type = code->type;
  state = 7 + (uint64_t) shader;
  for (size_t i = 0; i < n_kernel_checks; i++)
    if (strcmp (kernel_checks[i].kernel, code->kernel) == 0) {
      kernel_checks[i].check ();
      return;
    }
  CHECK_MSG (false, "no check knows kernel %s", code->kernel);
}

/* The program: runs the checks over all variants of `part` whose names begin with `wanted`. */
static inline int
check_variants (enum kernel_part part, const struct kernel_check *checks, size_t n_checks,
                const char *wanted)
{
  char why[256];
  kernel_checks = checks;
  n_kernel_checks = n_checks;
  if (!fixture_open (&f, why)) {
    printf ("ok 1 - kernels # SKIP %s\n1..1\n", why);
    return 0;
  }
  printf ("# %s, %s\n", f.gpu.info.name, f.gpu.info.driver);
  for (shader = 0; shader < PE_SHADER_COUNT; shader++)
    if (fixture_part (pe_shader_code[shader].kernel) == part &&
        strncmp (pe_shader_code[shader].name, wanted, strlen (wanted)) == 0)
      test_run (pe_shader_code[shader].name, check_variant);
  fixture_close (&f);
  return test_done ();
}
