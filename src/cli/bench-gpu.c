/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/bench-gpu.h"

#include "base/alloc.h"
#include "engine/sampler.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CHECK_TOKENS 8
#define COLD_PROMPT  16
#define USUAL_BEST   40 /* what a chat with usual settings needs of the logits */

struct suite {
  const struct bench_gpu_request *request;
  struct pe_json_writer *w;
  struct pe_device_info devices[2];
  double copy_rate;
  struct pe_model *model;
  struct pe_runtime *runtime;
  struct pe_sequence *sequence;
  struct pe_row *rows;
  uint32_t n_vocab, n_layers, random;
};

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* Of all threads of this process. */
static double
cpu_seconds (void)
{
  struct rusage u;
  getrusage (RUSAGE_SELF, &u);
  return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e-6 * (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
put (struct suite *s, const char *key, double value)
{
  pe_json_key (s->w, key);
  pe_json_real (s->w, value);
}

static void
begin_list (struct suite *s, const char *key)
{
  pe_json_key (s->w, key);
  pe_json_begin_array (s->w);
}

static bool
feed (struct suite *s, uint32_t n, bool want_last, struct pe_error *error)
{
  for (uint32_t i = 0; i < n; i++) {
    s->random = s->random * 1664525u + 1013904223u;
    s->rows[i] = (struct pe_row){ s->sequence, (int32_t) ((s->random >> 8) % s->n_vocab),
                                  want_last && i + 1 == n };
  }
  return pe_runtime_compute (s->runtime, s->rows, n, error);
}

static bool
to_depth (struct suite *s, uint32_t depth, struct pe_error *error)
{
  size_t kept;
  if (!pe_sequence_truncate (s->sequence, depth, &kept, error))
    return false;
  return kept >= depth || feed (s, depth - (uint32_t) kept, false, error);
}

static void
unload (struct suite *s)
{
  pe_sequence_free (s->sequence);
  pe_runtime_free (s->runtime);
  s->sequence = NULL;
  s->runtime = NULL;
}

static bool
load (struct suite *s, const struct pe_plan_request *request, size_t n_devices,
      struct pe_error *error)
{
  struct pe_plan *plan = NULL;
  bool ok = pe_plan_make (s->model, request, s->devices, n_devices, &plan, error) &&
            pe_runtime_create (s->model, plan, NULL, &s->runtime, error) &&
            pe_sequence_new (s->runtime, &s->sequence, error);
  pe_plan_free (plan);
  return ok;
}

/* ---- the device ---- */

static bool
measure_device (struct suite *s, struct pe_error *error)
{
  struct pe_device_info found[PE_MAX_DEVICES], *gpu = &s->devices[1];
  char why[256];
  if (pe_devices_list (found, PE_MAX_DEVICES, false, why) < 2)
    return pe_fail (error, PE_ERROR_DEVICE, "%s", why);
  memcpy (s->devices, found, sizeof s->devices);
  if (!pe_device_measure (gpu, error) || !pe_device_copy_rate (gpu, &s->copy_rate, error))
    return false;
  pe_json_key (s->w, "device");
  pe_json_text (s->w, gpu->name);
  pe_json_key (s->w, "driver");
  pe_json_text (s->w, gpu->driver);
  put (s, "memory_bytes", (double) gpu->memory_total);
  put (s, "copy_bytes_per_second", s->copy_rate);
  put (s, "read_bytes_per_second", gpu->read_rate);
  put (s, "transfer_bytes_per_second", gpu->transfer_rate);
  put (s, "product_operations_per_second", gpu->matmul_rate);
  fprintf (stderr,
           "%s, %s\n  copy %.1f GB/s, matrix times vector %.1f GB/s, from the host %.1f GB/s, "
           "products %.2f TFLOP/s\n",
           gpu->name, gpu->driver, s->copy_rate / 1e9, gpu->read_rate / 1e9,
           gpu->transfer_rate / 1e9, gpu->matmul_rate / 1e12);
  return true;
}

/* ---- the same numbers as the CPU ---- */

static bool
exact_logits (struct suite *s, int layers, float *out, struct pe_error *error)
{
  struct pe_plan_request request = s->request->plan;
  request.n_ctx = 256;
  request.n_batch = request.n_outputs = CHECK_TOKENS;
  request.precision = PE_PRECISION_EXACT;
  request.n_gpu_layers = layers;
  s->random = 7;
  bool ok = load (s, &request, layers ? 2 : 1, error);
  for (uint32_t i = 0; i < CHECK_TOKENS && ok; i++) {
    ok = feed (s, 1, true, error);
    if (ok)
      memcpy (out + (size_t) i * s->n_vocab, pe_runtime_logits (s->runtime, 0),
              s->n_vocab * sizeof *out);
  }
  unload (s);
  return ok;
}

static bool
check_logits (struct suite *s, struct pe_error *error)
{
  size_t n = (size_t) CHECK_TOKENS * s->n_vocab;
  float *cpu = pe_malloc (2 * n * sizeof *cpu), *gpu = cpu + n;
  if (!cpu)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the logits");
  bool ok = exact_logits (s, 0, cpu, error) && exact_logits (s, (int) s->n_layers + 1, gpu, error);
  double d = 0, sum = 0;
  for (size_t i = 0; i < n && ok; i++) {
    d += ((double) gpu[i] - cpu[i]) * ((double) gpu[i] - cpu[i]);
    sum += (double) cpu[i] * cpu[i];
  }
  pe_free (cpu);
  if (!ok)
    return false;
  put (s, "logits_nmse", d / sum);
  fprintf (stderr, "  logits, GPU against CPU: NMSE %.2e %s\n", d / sum,
           d / sum < 1e-6 ? "" : "(TOO FAR APART)");
  return true;
}

/* ---- start ---- */

/* The file's pages leave the system's memory, as far as it lets go of them. */
static void
forget_file (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  fdatasync (fd);
  posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
  close (fd);
}

static bool
start_cold (struct suite *s, const char *path, struct pe_error *error)
{
  struct pe_plan_request request = s->request->plan;
  uint32_t tokens = s->request->depths[2] + s->request->n_gen + 1;
  if (tokens < s->request->prompts[1])
    tokens = s->request->prompts[1];
  request.n_ctx = tokens + 256;
  request.n_gpu_layers = (int) s->n_layers + 1;
  forget_file (path);
  double start = now ();
  if (!load (s, &request, 2, error))
    return false;
  pe_runtime_set_best (s->runtime, USUAL_BEST);
  double loaded = now () - start;
  if (!feed (s, COLD_PROMPT, true, error))
    return false;
  struct pe_runtime_counters c;
  pe_runtime_counters (s->runtime, &c);
  double first = now () - start, rate = (double) c.weight_bytes_read / loaded;
  put (s, "load_seconds", loaded);
  put (s, "load_bytes_per_second", rate);
  put (s, "first_token_from_cold_seconds", first);
  fprintf (stderr, "  cold: loaded in %.2f s (%.2f GB/s), first token after %.2f s\n", loaded,
           rate / 1e9, first);
  return true;
}

/* ---- speeds ---- */

static double
bytes_of_a_token (struct suite *s, uint32_t depth)
{
  struct pe_traffic t[2];
  pe_plan_traffic (s->model, pe_runtime_plan (s->runtime), depth, t);
  return (double) (t[1].weight_bytes + t[1].kv_bytes);
}

static bool
generate (struct suite *s, uint32_t depth, struct pe_error *error)
{
  uint32_t n = s->request->n_gen;
  struct pe_runtime_counters before, after;
  if (!to_depth (s, depth, error) || !feed (s, 1, true, error))
    return false;
  pe_runtime_counters (s->runtime, &before);
  double start = now (), cpu = cpu_seconds ();
  for (uint32_t i = 0; i < n; i++)
    if (!feed (s, 1, true, error))
      return false;
  double seconds = now () - start, busy = (cpu_seconds () - cpu) / seconds;
  pe_runtime_counters (s->runtime, &after);
  double rate = bytes_of_a_token (s, depth + n / 2) * n / seconds;
  double submits = (double) (after.gpu_submits - before.gpu_submits) / n;
  double dispatches = (double) (after.gpu_dispatches - before.gpu_dispatches) / n;
  double result_bytes = (double) (after.gpu_result_bytes - before.gpu_result_bytes) / n;
  pe_json_begin_object (s->w);
  put (s, "depth", depth);
  put (s, "gpu_layers", pe_plan_gpu_layers (pe_runtime_plan (s->runtime)));
  put (s, "tokens_per_second", n / seconds);
  put (s, "gpu_bytes_per_second", rate);
  put (s, "share_of_copy", rate / s->copy_rate);
  put (s, "submits_per_token", submits);
  put (s, "dispatches_per_token", dispatches);
  put (s, "result_bytes_per_token", result_bytes);
  put (s, "cpus_busy", busy);
  pe_json_end_object (s->w);
  fprintf (stderr,
           "  generation at %5u, %3u of %u layers: %8.2f tokens/s, %7.1f GB/s, %3.0f %% of copy, "
           "%.0f submits, %.0f dispatches, %.2f CPUs busy\n",
           depth, pe_plan_gpu_layers (pe_runtime_plan (s->runtime)), s->n_layers + 1, n / seconds,
           rate / 1e9, 100 * rate / s->copy_rate, submits, dispatches, busy);
  return true;
}

/* The GPU goes on with each token that it chose, where it can. */
static bool
generate_greedily (struct suite *s, struct pe_error *error)
{
  uint32_t n = s->request->n_gen;
  struct pe_runtime_counters before, after;
  pe_runtime_set_best (s->runtime, 1);
  bool ok = to_depth (s, 0, error) && feed (s, 1, true, error);
  pe_runtime_counters (s->runtime, &before);
  double start = now ();
  for (uint32_t i = 0; i < n && ok; i++) {
    size_t n_best;
    const struct pe_best_logit *best = pe_runtime_best (s->runtime, 0, &n_best);
    s->rows[0] = (struct pe_row){ s->sequence, best ? best->token : 0, true };
    ok = pe_runtime_compute (s->runtime, s->rows, 1, error);
  }
  double seconds = now () - start;
  pe_runtime_counters (s->runtime, &after);
  pe_runtime_set_best (s->runtime, USUAL_BEST);
  double ahead = (double) (after.passes_ahead - before.passes_ahead) / n;
  put (s, "greedy_tokens_per_second", n / seconds);
  put (s, "greedy_share_begun_ahead", ahead);
  fprintf (stderr, "  greedy generation: %8.2f tokens/s, %.0f %% begun ahead\n", n / seconds,
           100 * ahead);
  return ok;
}

static bool
read_prompt (struct suite *s, uint32_t n, struct pe_error *error)
{
  double best = 0;
  for (int i = 0; i < 2; i++) {
    if (!to_depth (s, 0, error))
      return false;
    double start = now ();
    if (!feed (s, n, true, error))
      return false;
    double seconds = now () - start;
    best = i == 0 || seconds < best ? seconds : best;
  }
  struct pe_traffic t[2];
  pe_plan_traffic (s->model, pe_runtime_plan (s->runtime), 0, t);
  double rate = (double) t[1].operations * n / best, limit = s->devices[1].matmul_rate;
  struct pe_runtime_counters counters;
  pe_runtime_counters (s->runtime, &counters);
  pe_json_begin_object (s->w);
  put (s, "tokens", n);
  put (s, "tokens_per_second", n / best);
  put (s, "operations_per_second", rate);
  put (s, "share_of_products", rate / limit);
  put (s, "longest_submit_seconds", counters.gpu_longest_submit);
  pe_json_end_object (s->w);
  fprintf (
      stderr,
      "  prompt of %5u: %9.1f tokens/s, %6.2f TFLOP/s, %3.0f %% of products, longest submit so "
      "far %.1f ms\n",
      n, n / best, rate / 1e12, 100 * rate / limit, 1e3 * counters.gpu_longest_submit);
  return true;
}

/* ---- moves ---- */

/* k layers down and up again between tokens. */
static bool
move (struct suite *s, uint32_t k, struct pe_error *error)
{
  uint32_t all = s->n_layers + 1;
  struct pe_runtime_counters before, after;
  double gap = 0, seconds[2] = { 0 };
  if (!to_depth (s, 0, error) || !feed (s, 1, true, error))
    return false;
  pe_runtime_counters (s->runtime, &before);
  for (int up = 0; up < 2; up++) {
    double start = now ();
    if (!pe_runtime_place (s->runtime, up ? all : all - k, error))
      return false;
    seconds[up] = now () - start;
    if (!feed (s, 1, true, error))
      return false;
    double token = now () - start;
    gap = token > gap ? token : gap;
  }
  pe_runtime_counters (s->runtime, &after);
  double bytes = (double) (after.weight_bytes_moved - before.weight_bytes_moved);
  double least = bytes / s->devices[1].transfer_rate;
  pe_json_begin_object (s->w);
  put (s, "layers", k);
  put (s, "bytes", bytes);
  put (s, "down_seconds", seconds[0]);
  put (s, "up_seconds", seconds[1]);
  put (s, "bytes_by_transfer_rate_seconds", least);
  put (s, "up_by_least", seconds[1] / least);
  put (s, "longest_gap_seconds", gap);
  pe_json_end_object (s->w);
  fprintf (stderr,
           "  %3u layers (%.0f MB): down %.3f s, up %.3f s, %.2f times bytes / transfer rate; "
           "longest gap between tokens %.3f s\n",
           k, bytes / 1e6, seconds[0], seconds[1], seconds[1] / least, gap);
  return true;
}

static bool
speeds (struct suite *s, struct pe_error *error)
{
  bool ok = true;
  uint32_t all = s->n_layers + 1;
  begin_list (s, "generation");
  for (int i = 0; i < 3 && ok; i++)
    ok = generate (s, s->request->depths[i], error);
  pe_json_end_array (s->w);
  ok = ok && generate_greedily (s, error);
  begin_list (s, "prompts");
  for (int i = 0; i < 2 && ok; i++)
    ok = read_prompt (s, s->request->prompts[i], error);
  pe_json_end_array (s->w);
  begin_list (s, "moves");
  for (uint32_t k = 1; k <= s->n_layers && ok; k *= 4)
    ok = move (s, k, error);
  pe_json_end_array (s->w);
  begin_list (s, "splits");
  for (uint32_t quarter = 0; quarter <= 4 && ok; quarter++)
    ok = pe_runtime_place (s->runtime, all * quarter / 4, error) && generate (s, 0, error);
  pe_json_end_array (s->w);
  return ok;
}

bool
bench_gpu_run (const char *path, const struct bench_gpu_request *request, struct pe_json_writer *w,
               struct pe_error *error)
{
  struct suite s = { .request = request, .w = w, .random = 42 };
  if (!pe_model_open (path, &s.model, error))
    return false;
  const struct pe_model_info *info = pe_model_info (s.model);
  s.n_vocab = info->n_vocab;
  s.n_layers = info->n_layers;
  uint32_t rows =
      request->depths[2] > request->prompts[1] ? request->depths[2] : request->prompts[1];
  s.rows = pe_calloc (rows + 1, sizeof *s.rows);
  bool ok = s.rows || pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the benchmark");
  pe_json_begin_object (w);
  pe_json_key (w, "model");
  pe_json_text (w, info->name);
  put (&s, "model_bytes", (double) info->tensor_bytes);
  ok = ok && measure_device (&s, error);
  if (ok)
    fprintf (stderr, "  %s, %.2f GB\n", info->name, (double) info->tensor_bytes / 1e9);
  ok = ok && check_logits (&s, error) && start_cold (&s, path, error) && speeds (&s, error);
  pe_json_end_object (w);
  unload (&s);
  pe_free (s.rows);
  pe_model_close (s.model);
  return ok;
}
