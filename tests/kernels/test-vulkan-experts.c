/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mixture-of-experts models with experts in RAM and the rest on the GPU: the same logits as the
 * CPU's, one row at a time and in batches, while layers and experts move; planned bytes are the
 * allocated bytes; the automatic choice keeps experts rather than layers off the GPU.
 *
 *   test-vulkan-experts SYNTH-MODEL
 */
#include "../engine-load.h"
#include "../harness.h"

#include <dirent.h>
#include <math.h>
#include <unistd.h>

#define N_TOKENS 12

static struct pe_device_info devices[PE_MAX_DEVICES];
static size_t n_devices;
static char path[512];
static struct loaded loaded;
static float *expected, *actual;
static uint32_t n_layers, n_vocab;
static int32_t tokens[N_TOKENS];

static struct pe_plan_request
request_for (int n_gpu_layers, uint32_t n_cpu_experts)
{
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 256;
  request.n_batch = request.n_outputs = N_TOKENS;
  request.n_gpu_layers = n_gpu_layers;
  request.n_cpu_experts = n_cpu_experts;
  request.k_type = request.v_type = PE_TYPE_F32;
  request.precision = PE_PRECISION_EXACT;
  return request;
}

static void
plan_equals_use (const char *when)
{
  const struct pe_plan *plan = pe_runtime_plan (loaded.runtime);
  for (size_t d = 0; d < plan->n_devices; d++)
    for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++) {
      uint64_t planned = pe_plan_bytes (plan, d, (enum pe_memory_kind) k);
      uint64_t used = pe_runtime_allocated (loaded.runtime, d, (enum pe_memory_kind) k);
      CHECK_MSG (planned == used, "%s, device %zu, %s: %llu planned, %llu taken", when, d,
                 pe_memory_kind_name ((enum pe_memory_kind) k), (unsigned long long) planned,
                 (unsigned long long) used);
    }
}

/* All tokens again, in batches of `batch`: as the CPU says. */
static void
same_logits (size_t batch, const char *when)
{
  struct pe_error error = { 0 };
  size_t kept;
  CHECK (pe_sequence_truncate (loaded.sequence, 0, &kept, &error) && kept == 0);
  CHECK (evaluate (&loaded, tokens, N_TOKENS, batch, actual));
  double d = 0, sum = 0;
  for (size_t i = 0; i < (size_t) N_TOKENS * n_vocab; i++) {
    d += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    sum += expected[i] * expected[i];
  }
  CHECK_MSG (d / sum < 1e-9, "%s, batches of %zu: NMSE %g", when, batch, d / sum);
}

static void
begin (void)
{
  const struct pe_plan_request on_cpu = request_for (0, 0);
  CHECK (load (&loaded, path, &on_cpu, devices, 1));
  n_layers = pe_model_info (loaded.model)->n_layers;
  n_vocab = pe_model_info (loaded.model)->n_vocab;
  expected = malloc ((size_t) N_TOKENS * n_vocab * sizeof *expected);
  actual = malloc ((size_t) N_TOKENS * n_vocab * sizeof *actual);
  for (int32_t i = 0; i < N_TOKENS; i++)
    tokens[i] = 1 + (i * 37) % (int32_t) (n_vocab - 1);
  CHECK (evaluate (&loaded, tokens, N_TOKENS, N_TOKENS, expected));
  unload (&loaded);
}

static void
end (void)
{
  unload (&loaded);
  free (expected);
  free (actual);
  expected = actual = NULL;
}

static uint64_t
gpu_weights (void)
{
  return pe_runtime_allocated (loaded.runtime, 1, PE_MEMORY_WEIGHTS);
}

static void
experts_stay_in_ram (void)
{
  begin ();
  const struct pe_plan_request request = request_for ((int) n_layers + 1, n_layers);
  CHECK (load (&loaded, path, &request, devices, 2));
  plan_equals_use ("experts in RAM");
  uint64_t without = gpu_weights ();
  same_logits (1, "experts in RAM");
  same_logits (N_TOKENS, "experts in RAM");
  same_logits (5, "experts in RAM");
  struct pe_error error = { 0 };
  for (uint32_t n = n_layers; n-- > 0;) {
    char when[64];
    snprintf (when, sizeof when, "experts of %u of %u layers in RAM", n, n_layers);
    CHECK_MSG (pe_runtime_place_experts (loaded.runtime, n, &error), "%s: %s", when, error.message);
    CHECK (pe_runtime_plan (loaded.runtime)->request.n_cpu_experts == n);
    plan_equals_use (when);
    if (n == n_layers / 2 || n == 0)
      same_logits (n ? 1 : N_TOKENS, when);
  }
  CHECK (gpu_weights () > without);
  CHECK (pe_runtime_place_experts (loaded.runtime, 1000, &error) && gpu_weights () == without);
  plan_equals_use ("back in RAM");
  CHECK (pe_runtime_place (loaded.runtime, n_layers / 2, &error));
  plan_equals_use ("fewer layers");
  same_logits (1, "fewer layers");
  CHECK (pe_runtime_place (loaded.runtime, n_layers + 1, &error));
  same_logits (7, "all layers again");
  end ();
}

/* A GPU that is too small for the model, but not for all but its experts. */
static void
experts_go_before_layers (void)
{
  begin ();
  struct pe_plan_request request = request_for ((int) n_layers + 1, 0);
  struct pe_device_info small[2] = { devices[0], devices[1] };
  struct pe_model *model;
  struct pe_plan *plan;
  struct pe_error error = { 0 };
  CHECK (pe_model_open (path, &model, &error));
  /* Twice: what is short first costs the table of embeddings. */
  for (int i = 0; i < 2; i++) {
    CHECK (pe_plan_make (model, &request, small, 2, &plan, &error));
    small[1].memory_available = pe_plan_bytes (plan, 1, PE_MEMORY_KIND_COUNT) - 1;
    pe_plan_free (plan);
  }
  request = request_for (PE_GPU_LAYERS_AUTO, 0);
  bool made = pe_plan_make (model, &request, small, 2, &plan, &error);
  uint32_t on_gpu = made ? pe_plan_gpu_layers (plan) : 0;
  uint32_t kept = made ? plan->request.n_cpu_experts : 0;
  char note[256] = "";
  if (made)
    memcpy (note, plan->note, sizeof note);
  struct pe_traffic traffic[PE_MAX_DEVICES];
  if (made)
    pe_plan_traffic (model, plan, 100, traffic);
  pe_plan_free (made ? plan : NULL);
  pe_model_close (model);
  CHECK_MSG (made, "%s", error.message);
  CHECK_MSG (on_gpu == n_layers + 1 && kept > 0 && kept <= n_layers, "%u layers, %u kept", on_gpu,
             kept);
  CHECK_MSG (strstr (note, "stay in the computer's memory"), "%s", note);
  CHECK (traffic[0].operations > 0 && traffic[1].operations > 0);
  end ();
}

static bool
is_whole_on_gpu (struct pe_model *model)
{
  struct pe_plan *plan;
  const struct pe_plan_request all = request_for (1000, 0);
  if (!pe_plan_make (model, &all, devices, 2, &plan, NULL))
    return false;
  bool whole = pe_plan_gpu_layers (plan) == plan->n_layers + 1;
  pe_plan_free (plan);
  return whole;
}

static void
run_folder (const char *folder)
{
  DIR *dir = opendir (folder);
  for (struct dirent *entry; dir && (entry = readdir (dir));) {
    struct pe_model *model;
    const char *dot = strrchr (entry->d_name, '.');
    if (!dot || strcmp (dot, ".gguf") != 0)
      continue;
    snprintf (path, sizeof path, "%.200s/%.200s", folder, entry->d_name);
    if (!pe_model_open (path, &model, NULL))
      continue;
    bool wanted = pe_model_info (model)->n_experts > 0 && pe_model_can_compute (model, NULL) &&
                  is_whole_on_gpu (model);
    pe_model_close (model);
    if (wanted)
      test_run (entry->d_name, experts_stay_in_ram);
    end ();
  }
  if (dir)
    closedir (dir);
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  n_devices = test_devices (devices);
  if (n_devices < 2) {
    printf ("ok 1 - vulkan-experts # SKIP there is no Vulkan device\n1..1\n");
    return 0;
  }
  char own[64], command[600];
  snprintf (own, sizeof own, "/tmp/parley-experts-%d.gguf", (int) getpid ());
  snprintf (command, sizeof command, "%s --preset tiny-moe --type q8_0 --layers 4 %s >/dev/null",
            argv[1], own);
  CHECK_MSG (system (command) == 0, "%s", command);
  memcpy (path, own, sizeof own);
  RUN (experts_stay_in_ram);
  end ();
  RUN (experts_go_before_layers);
  end ();
  unlink (own);
  const char *conformance = getenv ("PARLEY_CONFORMANCE");
  char folder[512];
  snprintf (folder, sizeof folder, "%s/arch", conformance ? conformance : "");
  run_folder (folder);
  return test_done ();
}
