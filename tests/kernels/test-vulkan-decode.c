/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the GPU is asked to do for one token: a single submit, and a bounded number of dispatches a
 * layer. Models have the layers of real ones and small widths, since only the structure counts.
 *
 *   test-vulkan-decode SYNTH_MODEL
 */
#include "../driver-leaks.h"
#include "../engine-load.h"
#include "../harness.h"

#include <sys/wait.h>
#include <unistd.h>

static const char *synth_model;
static struct pe_device_info devices[PE_MAX_DEVICES];
static size_t n_devices;

static bool
make_model (const char *preset, const char *type, const char *path)
{
  pid_t child = fork ();
  if (child == 0) {
    execl (synth_model, synth_model, "--preset", preset, "--type", type, "--embd", "256", "--ffn",
           "256", "--heads", "4", "--kv-heads", "2", "--vocab", "512", path, NULL);
    _exit (127);
  }
  int status;
  return child > 0 && waitpid (child, &status, 0) == child && status == 0;
}

/* Dispatches and submits of one token behind a short prompt, everything on the GPU. */
static void
count_token (const char *preset, const char *type, uint64_t *dispatches, uint64_t *submits)
{
  struct loaded loaded = { 0 };
  char path[] = "/tmp/parley-decode-XXXXXX";
  int fd = mkstemp (path);
  CHECK (fd >= 0);
  close (fd);
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 512;
  request.n_batch = 32;
  request.n_gpu_layers = 1000;
  float *logits = malloc (512 * sizeof *logits);
  const int32_t tokens[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
  bool ok = make_model (preset, type, path) && load (&loaded, path, &request, devices, n_devices);
  struct pe_runtime_counters before, after;
  struct pe_error error = { 0 };
  /* The first token records; the second replays what was recorded. */
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens && ok; i++) {
    const struct pe_row row = { loaded.sequence, tokens[i], true };
    pe_runtime_counters (loaded.runtime, &before);
    ok = pe_runtime_compute (loaded.runtime, &row, 1, &error);
    pe_runtime_counters (loaded.runtime, &after);
  }
  unload (&loaded);
  unlink (path);
  free (logits);
  CHECK_MSG (ok, "%s", error.message);
  *dispatches = after.gpu_dispatches - before.gpu_dispatches;
  *submits = after.gpu_submits - before.gpu_submits;
  printf ("# %s %s: %u dispatches, %u submits\n", preset, type, (unsigned) *dispatches,
          (unsigned) *submits);
}

/* Projections, norm with rotation and store, attention, its join, output projection with residual,
 * gate with up, down with residual: seven for each of 32 layers. Half of the layers keep more bits
 * of the values' projection than of the others', which is then one more; and the output. */
static void
llama_8b (void)
{
  uint64_t dispatches, submits;
  count_token ("llama-8b", "q4_k_m", &dispatches, &submits);
  CHECK (submits == 1);
  bool few = dispatches <= 260;
  count_token ("llama-8b", "q8_0", &dispatches, &submits);
  CHECK (submits == 1);
  CHECK (few && dispatches <= 32 * 7 + 1);
}

static void
qwen3_8b (void)
{
  uint64_t dispatches, submits;
  count_token ("qwen3-8b", "q8_0", &dispatches, &submits);
  CHECK (submits == 1);
  CHECK (dispatches <= 36 * 7 + 1);
}

int
main (int argc, char **argv)
{
  n_devices = test_devices (devices);
  if (argc < 2 || n_devices < 2) {
    printf ("1..0 # SKIP no Vulkan device\n");
    return 0;
  }
  synth_model = argv[1];
  RUN (llama_8b);
  RUN (qwen3_8b);
  return test_done ();
}
