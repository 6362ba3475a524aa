/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small model on the GPU: the same logits as the CPU's for every split, through moves between
 * the devices, one row at a time and in batches; planned bytes are the allocated bytes; a failure
 * of any single Vulkan call is reported, leaks nothing and leaves the next load intact.
 */
#include "engine/devices.h"
#include "engine/model.h"
#include "engine/runtime.h"
#include "engine/vulkan/loader.h"

#include "../driver-leaks.h"
#include "../harness.h"

#include <math.h>

#define N_TOKENS 40

static struct pe_model *model;
static struct pe_device_info devices[PE_MAX_DEVICES];
static uint32_t n_vocab, n_steps; /* positions of the slider: layers + 1 */
static float *expected;           /* [N_TOKENS][n_vocab] by the CPU */
static int32_t tokens[N_TOKENS];

static struct pe_runtime *
load (uint32_t n_gpu_layers, uint32_t n_batch, struct pe_error *error)
{
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 512;
  request.n_batch = n_batch;
  request.n_outputs = n_batch;
  request.n_gpu_layers = (int32_t) n_gpu_layers;
  request.k_type = request.v_type = PE_TYPE_F32;
  request.precision = PE_PRECISION_EXACT;
  struct pe_plan *plan;
  struct pe_runtime *runtime = NULL;
  if (!pe_plan_make (model, &request, devices, n_gpu_layers ? 2 : 1, &plan, error))
    return NULL;
  if (!pe_runtime_create (model, plan, NULL, &runtime, error))
    runtime = NULL;
  pe_plan_free (plan);
  return runtime;
}

/* Tokens [first, first + n); the logits of each go to `out`. */
static bool
evaluate (struct pe_runtime *runtime, struct pe_sequence *sequence, uint32_t first, uint32_t n,
          float *out, struct pe_error *error)
{
  struct pe_row rows[N_TOKENS] = { 0 };
  for (uint32_t i = 0; i < n; i++)
    rows[i] = (struct pe_row){ sequence, tokens[first + i], true };
  if (!pe_runtime_compute (runtime, rows, n, error))
    return false;
  for (uint32_t i = 0; i < n; i++)
    memcpy (out + (size_t) i * n_vocab, pe_runtime_logits (runtime, i), n_vocab * sizeof *out);
  return true;
}

/* Normalised mean square error against the CPU. */
static double
distance (const float *actual, uint32_t first, uint32_t n)
{
  double error = 0, sum = 0;
  for (size_t i = 0; i < (size_t) n * n_vocab; i++) {
    double e = expected[(size_t) first * n_vocab + i], d = actual[i] - e;
    error += d * d;
    sum += e * e;
  }
  return error / sum;
}

/* All tokens in batches of `n_batch`, cut off at the end. */
static double
distance_in_batches (uint32_t n_gpu_layers, uint32_t n_batch)
{
  struct pe_error error = { 0 };
  struct pe_runtime *runtime = load (n_gpu_layers, n_batch, &error);
  CHECK_MSG (runtime != NULL, "%s", error.message);
  struct pe_sequence *sequence;
  CHECK (pe_sequence_new (runtime, &sequence, &error));
  float *out = malloc ((size_t) N_TOKENS * n_vocab * sizeof *out);
  bool ok = true;
  for (uint32_t i = 0; i < N_TOKENS && ok; i += n_batch) {
    uint32_t n = N_TOKENS - i < n_batch ? N_TOKENS - i : n_batch;
    ok = evaluate (runtime, sequence, i, n, out + (size_t) i * n_vocab, &error);
  }
  double result = ok ? distance (out, 0, N_TOKENS) : INFINITY;
  pe_sequence_free (sequence);
  pe_runtime_free (runtime);
  free (out);
  CHECK_MSG (ok, "%s", error.message);
  return result;
}

static void
every_split_agrees (void)
{
  for (uint32_t n = 1; n <= n_steps; n++)
    CHECK (distance_in_batches (n, N_TOKENS) < 1e-10);
}

static void
every_batch_size_agrees (void)
{
  static const uint32_t sizes[] = { 3, 8, 9, 33, 2, 1 };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    double d = distance_in_batches (n_steps, sizes[i]);
    CHECK_MSG (d < 1e-10, "%u rows: %g", sizes[i], d);
  }
}

static void
planned_is_allocated (void)
{
  for (uint32_t n = 0; n <= n_steps; n++) {
    struct pe_error error = { 0 };
    struct pe_runtime *runtime = load (n, N_TOKENS, &error);
    CHECK_MSG (runtime != NULL, "%s", error.message);
    const struct pe_plan *plan = pe_runtime_plan (runtime);
    bool same = true;
    for (size_t d = 0; d < plan->n_devices; d++)
      for (int kind = 0; kind < PE_MEMORY_KIND_COUNT; kind++)
        same = same && pe_plan_bytes (plan, d, (enum pe_memory_kind) kind) ==
                           pe_runtime_allocated (runtime, d, (enum pe_memory_kind) kind);
    pe_runtime_free (runtime);
    CHECK_MSG (same, "with %u layers", n);
  }
}

/* Moves all layers up and down between tokens; the conversation goes on. */
static void
moves_lose_nothing (void)
{
  struct pe_error error = { 0 };
  struct pe_runtime *runtime = load (n_steps, N_TOKENS, &error);
  CHECK_MSG (runtime != NULL, "%s", error.message);
  struct pe_sequence *sequence;
  CHECK (pe_sequence_new (runtime, &sequence, &error));
  float *out = malloc ((size_t) N_TOKENS * n_vocab * sizeof *out);
  bool ok = evaluate (runtime, sequence, 0, 20, out, &error);
  double worst = ok ? distance (out, 0, 20) : INFINITY;
  for (uint32_t i = 20; i < N_TOKENS && ok; i++) {
    uint32_t layers = (i * 7) % (n_steps + 1);
    ok = pe_runtime_place (runtime, layers, &error) &&
         evaluate (runtime, sequence, i, 1, out, &error);
    worst = ok ? fmax (worst, distance (out, i, 1)) : INFINITY;
    const struct pe_plan *plan = pe_runtime_plan (runtime);
    for (size_t d = 0; d < plan->n_devices && ok; d++)
      ok = pe_plan_bytes (plan, d, PE_MEMORY_KIND_COUNT) ==
           pe_runtime_allocated (runtime, d, PE_MEMORY_KIND_COUNT);
  }
  pe_sequence_free (sequence);
  pe_runtime_free (runtime);
  free (out);
  CHECK_MSG (ok, "%s", error.message);
  CHECK_MSG (worst < 1e-10, "%g", worst);
}

/* ---- faults ---- */

/* Loads and evaluates with call number `nth` failing; true when an error came back. `calls` gets
 * how many calls there were. */
static bool
fails_cleanly (uint64_t nth, VkResult result, struct pe_error *error, uint64_t *calls)
{
  memset (error, 0, sizeof *error);
  pe_vk_fail_at (nth, result);
  struct pe_runtime *runtime = load (n_steps, 16, error);
  struct pe_sequence *sequence = NULL;
  bool ok = runtime && pe_sequence_new (runtime, &sequence, error);
  float *out = malloc ((size_t) 16 * n_vocab * sizeof *out);
  ok = ok && evaluate (runtime, sequence, 0, 16, out, error) &&
       evaluate (runtime, sequence, 16, 1, out, error);
  if (sequence)
    pe_sequence_free (sequence);
  pe_runtime_free (runtime);
  free (out);
  *calls = pe_vk_fail_at (0, VK_SUCCESS);
  return !ok;
}

static void
any_call_may_fail (void)
{
  struct pe_error error;
  uint64_t n_calls, ignored;
  CHECK (!fails_cleanly (0, VK_SUCCESS, &error, &n_calls));
  CHECK (n_calls > 100);
  /* Every call of the load and of the first passes, in coarser steps where they repeat. */
  uint64_t n_tried = 0;
  for (uint64_t nth = 1; nth <= n_calls; nth += nth < 60 ? 1 : 1 + n_calls / 60, n_tried++) {
    bool failed = fails_cleanly (nth, VK_ERROR_OUT_OF_DEVICE_MEMORY, &error, &ignored);
    CHECK_MSG (!failed || error.code == PE_ERROR_DEVICE_MEMORY ||
                   error.code == PE_ERROR_UNSUPPORTED,
               "call %u: %s", (unsigned) nth, error.message);
  }
  printf ("# %u of %u calls made to fail\n", (unsigned) n_tried, (unsigned) n_calls);
  CHECK (!fails_cleanly (0, VK_SUCCESS, &error, &ignored));
}

/* A lost device says so, for good, until it is opened anew. */
static void
a_lost_device_stays_lost (void)
{
  struct pe_error error = { 0 };
  struct pe_runtime *runtime = load (n_steps, 16, &error);
  CHECK_MSG (runtime != NULL, "%s", error.message);
  struct pe_sequence *sequence;
  CHECK (pe_sequence_new (runtime, &sequence, &error));
  float *out = malloc ((size_t) N_TOKENS * n_vocab * sizeof *out);
  bool before = evaluate (runtime, sequence, 0, 4, out, &error);
  bool first = true, second = true;
  /* Somewhere in the pass: begin, end, submit or wait. */
  pe_vk_fail_at (3, VK_ERROR_DEVICE_LOST);
  first = evaluate (runtime, sequence, 4, 4, out, &error);
  enum pe_code first_code = error.code;
  pe_vk_fail_at (0, VK_SUCCESS);
  size_t kept = pe_sequence_n_tokens (sequence);
  second = evaluate (runtime, sequence, 4, 4, out, &error);
  enum pe_code second_code = error.code;
  pe_sequence_free (sequence);
  pe_runtime_free (runtime);
  CHECK (before && !first && !second);
  CHECK (first_code == PE_ERROR_DEVICE_LOST && second_code == PE_ERROR_DEVICE_LOST);
  CHECK (kept == 4);
  free (out);
  CHECK (distance_in_batches (n_steps, 16) < 1e-10);
}

static bool
prepare (const char **why)
{
  static char reason[256];
  struct pe_error error = { 0 };
  const char *folder = getenv ("PARLEY_TEST_MODELS");
  char path[1024];
  *why = reason;
  snprintf (path, sizeof path, "%s/stories260k.gguf", folder ? folder : "");
  if (pe_devices_list (devices, PE_MAX_DEVICES, true, reason) < 2)
    return false;
  if (!pe_model_open (path, &model, &error)) {
    snprintf (reason, sizeof reason, "%.200s", error.message);
    return false;
  }
  n_vocab = pe_model_info (model)->n_vocab;
  n_steps = pe_model_info (model)->n_layers + 1;
  for (int32_t i = 0; i < N_TOKENS; i++)
    tokens[i] = 1 + i * 37 % 400;
  expected = malloc ((size_t) N_TOKENS * n_vocab * sizeof *expected);
  struct pe_runtime *runtime = load (0, N_TOKENS, &error);
  struct pe_sequence *sequence = NULL;
  bool ok = runtime && pe_sequence_new (runtime, &sequence, &error) &&
            evaluate (runtime, sequence, 0, N_TOKENS, expected, &error);
  if (sequence)
    pe_sequence_free (sequence);
  pe_runtime_free (runtime);
  snprintf (reason, sizeof reason, "%.200s", error.message);
  return ok;
}

int
main (void)
{
  const char *why;
  if (!prepare (&why)) {
    printf ("ok 1 - vulkan-runtime # SKIP %s\n1..1\n", why);
    return 0;
  }
  RUN (every_split_agrees);
  RUN (every_batch_size_agrees);
  RUN (planned_is_allocated);
  RUN (moves_lose_nothing);
  RUN (any_call_may_fail);
  RUN (a_lost_device_stays_lost);
  pe_model_close (model);
  free (expected);
  return test_done ();
}
