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
 * of the values' projection than of the others', which is then one more; and the embedding and the
 * output. Two more find the best logits, of which alone the host hears. */
static void
llama_8b (void)
{
  int32_t all[N_TOKENS], best[N_TOKENS];
  struct cost c = cost_of_token ("llama-8b", "q4_k_m", 0, all);
  CHECK (c.submits == 1 && c.dispatches > 0 && c.dispatches <= 260 - 1);
  CHECK (c.result_bytes == N_VOCAB * 4);
  struct cost d = cost_of_token ("llama-8b", "q4_k_m", 40, best);
  CHECK (d.submits == 1 && d.dispatches == c.dispatches + 2 && d.result_bytes == 40 * 8);
  CHECK (memcmp (all, best, sizeof all) == 0);
  c = cost_of_token ("llama-8b", "q8_0", 0, all);
  CHECK (c.submits == 1 && c.dispatches > 0 && c.dispatches <= 32 * 7 + 2);
}

/* The GPU goes on by itself with the best token, because it has the table of embeddings. Still one
 * submit for each, and eight bytes come back. */
static void
check_going_on (const char *preset, uint64_t most_dispatches)
{
  int32_t all[N_TOKENS], best[N_TOKENS];
  struct cost c = cost_of_token (preset, "q8_0", 0, all);
  CHECK (c.submits == 1 && c.dispatches > 0 && c.dispatches <= most_dispatches && c.ahead == 0);
  struct cost d = cost_of_token (preset, "q8_0", 1, best);
  CHECK (d.submits == 1 && d.dispatches == c.dispatches + 2 && d.ahead == 1);
  CHECK (d.result_bytes == 8);
  CHECK (memcmp (all, best, sizeof all) == 0);
}

/* The table is beside the output's matrix. */
static void
qwen3_8b (void)
{
  check_going_on ("qwen3-8b", 36 * 7 + 2);
}

/* The table is the output's matrix. */
static void
qwen3_600m (void)
{
  check_going_on ("qwen3-0.6b", 28 * 7 + 2);
}

/* ---- the table of embeddings ---- */

static bool
is_as_planned (const struct pe_runtime *runtime)
{
  const struct pe_plan *plan = pe_runtime_plan (runtime);
  bool same = true;
  for (size_t d = 0; d < plan->n_devices; d++)
    for (int kind = 0; kind < PE_MEMORY_KIND_COUNT; kind++)
      same = same && pe_plan_bytes (plan, d, (enum pe_memory_kind) kind) ==
                         pe_runtime_allocated (runtime, d, (enum pe_memory_kind) kind);
  return same;
}

/* Some tokens from the beginning, each the best behind the one before; returns how often the GPU
 * went on by itself. */
static uint64_t
greedy_tokens (struct loaded *l, int32_t out[N_TOKENS])
{
  struct pe_runtime_counters before, after;
  struct pe_error error = { 0 };
  struct pe_row row = { l->sequence, 1, true };
  size_t kept;
  bool ok = pe_sequence_truncate (l->sequence, 0, &kept, &error);
  pe_runtime_set_best (l->runtime, 1);
  pe_runtime_counters (l->runtime, &before);
  for (size_t i = 0; i < N_TOKENS && ok; i++) {
    ok = pe_runtime_compute (l->runtime, &row, 1, &error);
    row.token = out[i] = ok ? best_token (l->runtime) : -1;
  }
  pe_runtime_counters (l->runtime, &after);
  CHECK_MSG (ok, "%s", error.message);
  return after.passes_ahead - before.passes_ahead;
}

/* It is the first to stay with the CPU where memory is short, and goes and comes with the last
 * layer. */
static void
the_table_gives_way (void)
{
  struct loaded loaded;
  struct pe_plan_request request;
  struct pe_error error = { 0 };
  char path[] = "/tmp/parley-decode-XXXXXX";
  int32_t first[N_TOKENS], again[N_TOKENS];
  int fd = mkstemp (path);
  pe_plan_request_init (&request);
  request.n_ctx = 256;
  request.n_batch = 16;
  request.precision = PE_PRECISION_EXACT; /* on the CPU, too */
  CHECK (fd >= 0 && make_model ("tiny", "q8_0", path));
  close (fd);
  CHECK (load (&loaded, path, &request, devices, n_devices));
  uint32_t n_steps = pe_model_info (loaded.model)->n_layers + 1;
  uint64_t all = pe_plan_bytes (pe_runtime_plan (loaded.runtime), 1, PE_MEMORY_KIND_COUNT);
  CHECK (pe_plan_gpu_layers (pe_runtime_plan (loaded.runtime)) == n_steps);
  CHECK (is_as_planned (loaded.runtime) && greedy_tokens (&loaded, first) > 0);
  CHECK (pe_runtime_place (loaded.runtime, n_steps - 1, &error) && is_as_planned (loaded.runtime));
  CHECK (greedy_tokens (&loaded, again) == 0 && memcmp (first, again, sizeof first) == 0);
  CHECK (pe_runtime_place (loaded.runtime, n_steps, &error) && is_as_planned (loaded.runtime));
  CHECK (greedy_tokens (&loaded, again) > 0 && memcmp (first, again, sizeof first) == 0);
  unload (&loaded);

  struct pe_device_info small[2] = { devices[0], devices[1] };
  small[1].memory_available = pe_device_margin (&small[1]) + small[1].driver_bytes + all - 1;
  CHECK (load (&loaded, path, &request, small, n_devices));
  uint64_t without = pe_plan_bytes (pe_runtime_plan (loaded.runtime), 1, PE_MEMORY_KIND_COUNT);
  CHECK (pe_plan_gpu_layers (pe_runtime_plan (loaded.runtime)) == n_steps);
  CHECK (all - without >= N_VOCAB * 272 && is_as_planned (loaded.runtime)); /* q8_0 of 256 */
  CHECK (greedy_tokens (&loaded, again) == 0 && memcmp (first, again, sizeof first) == 0);
  unload (&loaded);
  unlink (path);
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
  RUN (the_table_gives_way);
  return test_done ();
}
