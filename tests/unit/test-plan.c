/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plan is the allocation: for models of ten shapes and several splits, the bytes that were
 * taken (counted by the engine's allocator and by the table of Vulkan calls) equal the bytes that
 * the plan lists, for each device and kind, at load and after every move.
 *
 *   test-plan SYNTH-MODEL
 */
#include "../engine-load.h"
#include "../harness.h"

#include <unistd.h>

struct shape {
  const char *name, *options;
  enum pe_type kv;
  uint32_t n_ctx, n_batch;
};

static const struct shape shapes[] = {
  { "two layers, f32", "--type f32 --layers 2 --embd 64 --ffn 96 --heads 4 --kv-heads 2",
    PE_TYPE_F32, 300, 32 },
  { "three layers, f16", "--type f16 --layers 3 --embd 128 --ffn 256 --heads 8 --kv-heads 1",
    PE_TYPE_F16, 256, 16 },
  { "q8_0", "--type q8_0 --layers 2 --embd 64 --ffn 160 --heads 2 --kv-heads 2", PE_TYPE_F16, 1000,
    64 },
  { "q4_0", "--type q4_0 --layers 5 --embd 96 --ffn 96 --heads 3 --kv-heads 3", PE_TYPE_F16, 512,
    512 },
  { "q4_k_m", "--type q4_k_m --layers 4 --embd 256 --ffn 512 --heads 4 --kv-heads 2", PE_TYPE_F16,
    4096, 128 },
  { "eight-bit cache", "--type q8_0 --layers 2 --embd 128 --ffn 256 --heads 2 --kv-heads 2",
    PE_TYPE_Q8_0, 700, 32 },
  { "four-bit cache", "--type q8_0 --layers 2 --embd 128 --ffn 256 --heads 2 --kv-heads 2",
    PE_TYPE_Q4_0, 700, 32 },
  { "several segments", "--type f16 --layers 2 --embd 64 --ffn 64 --heads 2 --kv-heads 1",
    PE_TYPE_F16, 9000, 8 },
  { "large vocabulary",
    "--type q8_0 --layers 1 --embd 64 --ffn 64 --heads 2 --kv-heads 1 "
    "--vocab 5000",
    PE_TYPE_F16, 256, 8 },
  { "one layer, one row", "--type f32 --layers 1 --embd 32 --ffn 32 --heads 1 --kv-heads 1",
    PE_TYPE_F32, 1, 1 },
};

static const char *generator;
static char path[64];
static const struct shape *shape;
static struct pe_device_info devices[PE_MAX_DEVICES];
static size_t n_devices;
static struct loaded loaded;

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

static void
shape_is_exact (void)
{
  char command[512];
  snprintf (command, sizeof command, "%s --preset tiny %s %s >/dev/null", generator, shape->options,
            path);
  CHECK_MSG (system (command) == 0, "%s", command);
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.k_type = request.v_type = shape->kv;
  request.n_ctx = shape->n_ctx;
  request.n_batch = shape->n_batch;
  request.n_gpu_layers = 0;
  CHECK (load (&loaded, path, &request, devices, n_devices));
  plan_equals_use ("all on the CPU");
  uint32_t n_layers = pe_model_info (loaded.model)->n_layers;
  uint32_t splits[] = { 1, (n_layers + 1) / 2, n_layers + 1, n_layers, 0 };
  for (size_t i = 0; n_devices > 1 && i < sizeof splits / sizeof *splits; i++) {
    struct pe_error error = { 0 };
    char when[64];
    snprintf (when, sizeof when, "%u of %u on the GPU", splits[i], n_layers + 1);
    CHECK_MSG (pe_runtime_place (loaded.runtime, splits[i], &error), "%s: %s", when, error.message);
    CHECK (pe_plan_gpu_layers (pe_runtime_plan (loaded.runtime)) == splits[i]);
    plan_equals_use (when);
    float logits[8192];
    int32_t token = 3;
    size_t kept;
    CHECK (pe_sequence_truncate (loaded.sequence, 0, &kept, &error) && kept == 0);
    CHECK (evaluate (&loaded, &token, 1, 1, logits));
    plan_equals_use ("after a token");
  }
}

/* Fresh loads at three splits: the way there must not matter. */
static void
loads_are_exact (void)
{
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 512;
  CHECK (n_devices == 2);
  for (int n = 0; n < 3; n++) {
    request.n_gpu_layers = n;
    CHECK (load (&loaded, path, &request, devices, n_devices));
    plan_equals_use ("fresh load");
    unload (&loaded);
  }
}

static void
unplanned_is_refused (void)
{
  struct pe_plan_request request;
  struct pe_error error = { 0 };
  pe_plan_request_init (&request);
  request.n_ctx = 1u << 30;
  struct pe_model *model;
  struct pe_plan *plan;
  CHECK (pe_model_open (path, &model, &error));
  bool made = pe_plan_make (model, &request, devices, 1, &plan, &error);
  pe_model_close (model);
  CHECK (!made && error.code == PE_ERROR_LIMIT);
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  generator = argv[1];
  snprintf (path, sizeof path, "/tmp/parley-plan-%d.gguf", (int) getpid ());
  n_devices = test_devices (devices);
  if (n_devices < 2)
    printf ("# no Vulkan device: the CPU alone\n");
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    shape = &shapes[i];
    test_run (shape->name, shape_is_exact);
    unload (&loaded);
  }
  if (n_devices == 2)
    RUN (loads_are_exact);
  unload (&loaded);
  RUN (unplanned_is_refused);
  unlink (path);
  return test_done ();
}
