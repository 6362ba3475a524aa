/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layers over two GPUs: one physical device, named twice by its UUID, is two logical ones. The same
 * logits as the CPU's, while layers move between all three; planned bytes are the allocated bytes.
 *
 *   test-vulkan-devices SYNTH-MODEL
 */
#include "../engine-load.h"
#include "../harness.h"

#include <math.h>
#include <unistd.h>

#define N_TOKENS 8
#define N_LAYERS 6

static struct pe_device_info devices[PE_MAX_DEVICES];
static size_t n_devices;
static char path[64];
static struct loaded loaded;
static float expected[N_TOKENS * 1024], actual[N_TOKENS * 1024];
static const int32_t tokens[N_TOKENS] = { 3, 40, 500, 6, 77, 800, 9, 11 };

static struct pe_plan_request
request_for (int n_gpu_layers)
{
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 256;
  request.n_batch = request.n_outputs = N_TOKENS;
  request.n_gpu_layers = n_gpu_layers;
  request.k_type = request.v_type = PE_TYPE_F32;
  request.precision = PE_PRECISION_EXACT;
  return request;
}

static uint32_t
count_on (const struct pe_plan *plan, uint16_t device)
{
  uint32_t n = 0;
  for (uint32_t s = 0; s < plan->n_layers + 2; s++)
    n += plan->stage_device[s] == device;
  return n;
}

static void
plan_equals_use (uint32_t n)
{
  const struct pe_plan *plan = pe_runtime_plan (loaded.runtime);
  for (size_t d = 0; d < plan->n_devices; d++)
    for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++)
      CHECK_MSG (pe_plan_bytes (plan, d, (enum pe_memory_kind) k) ==
                     pe_runtime_allocated (loaded.runtime, d, (enum pe_memory_kind) k),
                 "%u layers, device %zu, %s", n, d, pe_memory_kind_name ((enum pe_memory_kind) k));
}

static void
same_logits (size_t batch)
{
  struct pe_error error = { 0 };
  size_t kept, n = (size_t) N_TOKENS * pe_model_info (loaded.model)->n_vocab;
  CHECK (pe_sequence_truncate (loaded.sequence, 0, &kept, &error));
  CHECK (evaluate (&loaded, tokens, N_TOKENS, batch, actual));
  double d = 0, sum = 0;
  for (size_t i = 0; i < n; i++) {
    d += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    sum += expected[i] * expected[i];
  }
  CHECK_MSG (d / sum < 1e-9, "batches of %zu: NMSE %g", batch, d / sum);
}

static void
lists_what_is_named (void)
{
  struct pe_device_info list[PE_MAX_DEVICES];
  char names[128], why[256];
  snprintf (names, sizeof names, "%s,%s", devices[1].id, devices[1].id);
  setenv ("PARLEY_VULKAN_DEVICE", names, 1);
  size_t two = pe_devices_list (list, PE_MAX_DEVICES, false, why);
  bool same = two == 3 && strcmp (list[1].id, list[2].id) == 0;
  setenv ("PARLEY_VULKAN_DEVICE", "00000000000000000000000000000000", 1);
  size_t none = pe_devices_list (list, PE_MAX_DEVICES, false, why);
  setenv ("PARLEY_VULKAN_DEVICE", names, 1);
  n_devices = pe_devices_list (devices, PE_MAX_DEVICES, false, why);
  CHECK_MSG (two == 3 && same && none == 1 && n_devices == 3, "%zu, %zu devices", two, none);
}

/* The first GPU has room for about half of the model. */
static void
fills_one_after_the_other (void)
{
  const struct pe_plan_request on_cpu = request_for (0), all = request_for (N_LAYERS + 1);
  CHECK (load (&loaded, path, &on_cpu, devices, 1));
  CHECK (evaluate (&loaded, tokens, N_TOKENS, N_TOKENS, expected));
  struct pe_plan *plan, *half;
  struct pe_error error = { 0 };
  CHECK (pe_plan_make (loaded.model, &all, devices, 3, &plan, &error));
  bool first_only = count_on (plan, 1) == N_LAYERS + 1 && count_on (plan, 2) == 0 &&
                    pe_plan_bytes (plan, 2, PE_MEMORY_KIND_COUNT) == 0;
  pe_plan_free (plan);
  const struct pe_plan_request some = request_for (N_LAYERS / 2);
  CHECK (pe_plan_make (loaded.model, &some, devices, 2, &half, &error));
  devices[1].memory_available = pe_plan_bytes (half, 1, PE_MEMORY_KIND_COUNT);
  pe_plan_free (half);
  CHECK (pe_plan_make (loaded.model, &all, devices, 3, &plan, &error));
  uint32_t on[3] = { count_on (plan, 0), count_on (plan, 1), count_on (plan, 2) };
  bool in_order = true;
  for (uint32_t s = 2; s < N_LAYERS + 2; s++)
    in_order &= plan->stage_device[s] == 1 || plan->stage_device[s - 1] != 1;
  pe_plan_free (plan);
  unload (&loaded);
  CHECK (first_only && in_order);
  CHECK_MSG (on[0] == 1 && on[1] == N_LAYERS / 2 && on[2] == N_LAYERS + 1 - N_LAYERS / 2,
             "%u, %u, %u stages", on[0], on[1], on[2]);
}

static void
computes_and_moves (void)
{
  const struct pe_plan_request all = request_for (N_LAYERS + 1);
  struct pe_error error = { 0 };
  CHECK (load (&loaded, path, &all, devices, 3));
  plan_equals_use (N_LAYERS + 1);
  same_logits (N_TOKENS);
  same_logits (1);
  static const uint32_t steps[] = { 1, 5, 0, 7, 4, 3, 6 };
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    CHECK_MSG (pe_runtime_place (loaded.runtime, steps[i], &error), "%s", error.message);
    plan_equals_use (steps[i]);
    same_logits (i % 2 ? 1 : 3);
  }
  /* In the middle of a conversation, the cache with its layers. */
  size_t kept, n_vocab = pe_model_info (loaded.model)->n_vocab;
  CHECK (pe_sequence_truncate (loaded.sequence, 0, &kept, &error));
  for (uint32_t i = 0; i < N_TOKENS; i++) {
    CHECK (pe_runtime_place (loaded.runtime, (i * 5) % (N_LAYERS + 2), &error));
    CHECK (evaluate (&loaded, tokens + i, 1, 1, actual + i * n_vocab));
  }
  double d = 0, sum = 0;
  for (size_t i = 0; i < N_TOKENS * n_vocab; i++) {
    d += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    sum += expected[i] * expected[i];
  }
  CHECK_MSG (d / sum < 1e-9, "NMSE %g", d / sum);
  struct pe_runtime_counters counters;
  pe_runtime_counters (loaded.runtime, &counters);
  CHECK (counters.gpu_submits > 0 && counters.weight_bytes_moved > 0);
}

/* What fits both is chosen by itself. */
static void
chooses_by_what_both_hold (void)
{
  const struct pe_plan_request automatic = request_for (PE_GPU_LAYERS_AUTO);
  struct pe_plan *plan;
  struct pe_error error = { 0 };
  struct pe_model *model;
  CHECK (pe_model_open (path, &model, &error));
  bool made = pe_plan_make (model, &automatic, devices, 2, &plan, &error);
  uint32_t one = made ? pe_plan_gpu_layers (plan) : 0;
  pe_plan_free (made ? plan : NULL);
  made = made && pe_plan_make (model, &automatic, devices, 3, &plan, &error);
  uint32_t both = made ? pe_plan_gpu_layers (plan) : 0;
  pe_plan_free (made ? plan : NULL);
  pe_model_close (model);
  CHECK_MSG (made, "%s", error.message);
  CHECK_MSG (one == N_LAYERS / 2 && both == N_LAYERS + 1, "%u and %u layers", one, both);
}

int
main (int argc, char **argv)
{
  char command[256];
  if (argc != 2)
    return 2;
  n_devices = test_devices (devices);
  if (n_devices < 2) {
    printf ("ok 1 - vulkan-devices # SKIP there is no Vulkan device\n1..1\n");
    return 0;
  }
  snprintf (path, sizeof path, "/tmp/parley-devices-%d.gguf", (int) getpid ());
  snprintf (command, sizeof command,
            "%s --preset tiny --type q8_0 --layers %d --vocab 1024 %s >/dev/null", argv[1],
            N_LAYERS, path);
  if (system (command) != 0)
    return 1;
  RUN (lists_what_is_named);
  RUN (fills_one_after_the_other);
  unload (&loaded);
  RUN (computes_and_moves);
  unload (&loaded);
  RUN (chooses_by_what_both_hold);
  unlink (path);
  return test_done ();
}
