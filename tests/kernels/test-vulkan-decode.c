/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the GPU is asked to do for one token: a single submit, a bounded number of dispatches a
 * layer, and no more to send back than the choice of the next token takes. Models have the layers
 * of real ones and small widths, since only the structure counts.
 *
 *   test-vulkan-decode SYNTH_MODEL
 */
#include "../driver-leaks.h"
#include "../engine-load.h"
#include "../harness.h"

#include <sys/wait.h>
#include <unistd.h>

#define N_VOCAB  512
#define N_TOKENS 12

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

struct cost {
  uint64_t dispatches, submits, result_bytes, ahead;
};

static int32_t
best_token (const struct pe_runtime *runtime)
{
  size_t n;
  const struct pe_best_logit *best = pe_runtime_best (runtime, 0, &n);
  const float *logits = pe_runtime_logits (runtime, 0);
  int32_t token = best ? best->token : 0;
  for (int32_t i = 1; i < N_VOCAB && !best; i++)
    token = logits[i] > logits[token] ? i : token;
  return token;
}

/* Of one token behind some others, everything on the GPU; `n_best`: see pe_runtime_set_best(). The
 * tokens, each the best behind the one before, go to `out`. */
static struct cost
cost_of_token (const char *preset, const char *type, uint32_t n_best, int32_t out[N_TOKENS])
{
  struct loaded loaded = { 0 };
  char path[] = "/tmp/parley-decode-XXXXXX";
  int fd = mkstemp (path);
  if (fd >= 0)
    close (fd);
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  request.n_ctx = 512;
  request.n_batch = 32;
  request.n_gpu_layers = 1000;
  bool ok = fd >= 0 && make_model (preset, type, path) &&
            load (&loaded, path, &request, devices, n_devices);
  struct pe_runtime_counters before = { 0 }, after = { 0 };
  struct pe_error error = { 0 };
  struct pe_row row = { loaded.sequence, 1, true };
  if (ok)
    pe_runtime_set_best (loaded.runtime, n_best);
  /* The first tokens record; later ones replay what was recorded. */
  for (size_t i = 0; i < N_TOKENS && ok; i++) {
    pe_runtime_counters (loaded.runtime, &before);
    ok = pe_runtime_compute (loaded.runtime, &row, 1, &error);
    pe_runtime_counters (loaded.runtime, &after);
    row.token = out[i] = ok ? best_token (loaded.runtime) : -1;
  }
  unload (&loaded);
  unlink (path);
  if (!ok) {
    printf ("# %s %s: %s\n", preset, type, error.message);
    return (struct cost){ 0 };
  }
  const struct cost cost = { after.gpu_dispatches - before.gpu_dispatches,
                             after.gpu_submits - before.gpu_submits,
                             after.gpu_result_bytes - before.gpu_result_bytes,
                             after.passes_ahead - before.passes_ahead };
  printf ("# %s %s, %u best: %u dispatches, %u submits, %u bytes\n", preset, type,
          (unsigned) n_best, (unsigned) cost.dispatches, (unsigned) cost.submits,
          (unsigned) cost.result_bytes);
  return cost;
}

/* Projections, norm with rotation and store, attention, its join, output projection with residual,
 * gate with up, down with residual: seven for each of 32 layers. Half of the layers keep more bits
 * of the values' projection than of the others', which is then one more; and the output. Two more
 * find the best logits, of which alone the host hears. */
static void
llama_8b (void)
{
  int32_t all[N_TOKENS], best[N_TOKENS];
  struct cost c = cost_of_token ("llama-8b", "q4_k_m", 0, all);
  CHECK (c.submits == 1 && c.dispatches > 0 && c.dispatches <= 260 - 2);
  CHECK (c.result_bytes == N_VOCAB * 4);
  struct cost d = cost_of_token ("llama-8b", "q4_k_m", 40, best);
  CHECK (d.submits == 1 && d.dispatches == c.dispatches + 2 && d.result_bytes == 40 * 8);
  CHECK (memcmp (all, best, sizeof all) == 0);
  c = cost_of_token ("llama-8b", "q8_0", 0, all);
  CHECK (c.submits == 1 && c.dispatches > 0 && c.dispatches <= 32 * 7 + 1);
}

static void
qwen3_8b (void)
{
  int32_t all[N_TOKENS];
  struct cost c = cost_of_token ("qwen3-8b", "q8_0", 0, all);
  CHECK (c.submits == 1 && c.dispatches > 0 && c.dispatches <= 36 * 7 + 1);
}

/* Where the output's matrix is the table of embeddings, which is one more dispatch, the GPU goes on
 * by itself with the best token: still one submit for each, and eight bytes come back. */
static void
qwen3_600m (void)
{
  int32_t all[N_TOKENS], best[N_TOKENS];
  struct cost c = cost_of_token ("qwen3-0.6b", "q8_0", 0, all);
  CHECK (c.submits == 1 && c.dispatches > 0 && c.dispatches <= 28 * 7 + 2 && c.ahead == 0);
  struct cost d = cost_of_token ("qwen3-0.6b", "q8_0", 1, best);
  CHECK (d.submits == 1 && d.dispatches == c.dispatches + 2 && d.ahead == 1);
  CHECK (d.result_bytes == 8);
  CHECK (memcmp (all, best, sizeof all) == 0);
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
  RUN (qwen3_600m);
  return test_done ();
}
