/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which kernels rows go through, many or few: integer dot products where precision is `fast` and
 * the tier is asked for, even on a device where they are not quick, and never in `exact`.
 *
 *   test-vulkan-tiers SYNTH_MODEL
 */
#include "../driver-leaks.h"
#include "../engine-load.h"
#include "../harness.h"

#include <stdlib.h>
#include <unistd.h>

#define N_TOKENS 24
#define N_VOCAB  1024

static const char *synth_model;
static struct pe_device_info devices[PE_MAX_DEVICES];
static size_t n_devices;
static char path[64];
static int32_t tokens[N_TOKENS];

/* The logits of all tokens in batches; tier NULL: of the CPU. */
static float *
logits_of (const char *tier, enum pe_precision precision, size_t batch)
{
  struct loaded loaded = { 0 };
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 256;
  request.n_batch = request.n_outputs = N_TOKENS;
  request.n_gpu_layers = 1000;
  request.k_type = request.v_type = PE_TYPE_F32;
  request.precision = precision;
  float *out = calloc ((size_t) N_TOKENS * N_VOCAB, sizeof *out);
  if (tier)
    setenv ("PARLEY_VULKAN_TIER", tier, 1);
  bool ok = load (&loaded, path, &request, devices, tier ? 2 : 1) &&
            evaluate (&loaded, tokens, N_TOKENS, batch, out);
  unsetenv ("PARLEY_VULKAN_TIER");
  unload (&loaded);
  CHECK (ok);
  return out;
}

/* Rows that are as near as rounding to eight bits leaves them. An expert that was chosen by a hair
 * may be another one then, and so may what comes out. */
static uint32_t
near_rows (const float *a, const float *b)
{
  uint32_t n = 0;
  for (size_t i = 0; i < N_TOKENS; i++)
    n += nmse (a + i * N_VOCAB, b + i * N_VOCAB, N_VOCAB) < 1e-3;
  return n;
}

static bool
same (const float *a, const float *b)
{
  return memcmp (a, b, (size_t) N_TOKENS * N_VOCAB * sizeof *a) == 0;
}

static void
check_model (const char *preset, const char *type, uint32_t least)
{
  char command[512];
  snprintf (command, sizeof command, "%s --preset %s --type %s %s >/dev/null", synth_model, preset,
            type, path);
  CHECK_MSG (system (command) == 0, "%s", command);
  float *expected = logits_of (NULL, PE_PRECISION_EXACT, N_TOKENS);
  float *halves = logits_of ("plain", PE_PRECISION_FAST, N_TOKENS);
  float *codes = logits_of ("integer_dot", PE_PRECISION_FAST, N_TOKENS);
  uint32_t n_halves = near_rows (halves, expected), n_codes = near_rows (codes, expected);
  CHECK_MSG (n_halves >= least && n_codes >= least, "%u and %u of %u rows", n_halves, n_codes,
             N_TOKENS);
  CHECK (!same (halves, codes)); /* other kernels it was */
  float *exact = logits_of ("plain", PE_PRECISION_EXACT, N_TOKENS);
  float *exact_too = logits_of ("integer_dot", PE_PRECISION_EXACT, N_TOKENS);
  CHECK (same (exact, exact_too) && near_rows (exact, expected) == N_TOKENS);
  float *few = logits_of ("plain", PE_PRECISION_FAST, 4);
  float *few_too = logits_of ("integer_dot", PE_PRECISION_FAST, 4);
  CHECK (!same (few, few_too)); /* few rows, too, with bytes here and with floats there */
  CHECK (near_rows (few, expected) == N_TOKENS);
  CHECK_MSG (near_rows (few_too, expected) >= least, "%u of %u rows", near_rows (few_too, expected),
             N_TOKENS);
  float *lists[] = { expected, halves, codes, exact, exact_too, few, few_too };
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    free (lists[i]);
}

static void
dense (void)
{
  check_model ("tiny", "q4_k_m", N_TOKENS);
  check_model ("tiny", "q4_0", N_TOKENS);
}

static void
experts (void)
{
  check_model ("tiny-moe", "q8_0", N_TOKENS * 3 / 4);
}

int
main (int argc, char **argv)
{
  n_devices = test_devices (devices);
  if (argc < 2 || n_devices < 2 || !devices[1].has_int8_dot) {
    printf ("1..0 # SKIP no Vulkan device with integer dot products\n");
    return 0;
  }
  synth_model = argv[1];
  snprintf (path, sizeof path, "/tmp/parley-tiers-%d.gguf", (int) getpid ());
  for (size_t i = 0; i < N_TOKENS; i++)
    tokens[i] = test_token (i);
  RUN (dense);
  RUN (experts);
  unlink (path);
  return test_done ();
}
