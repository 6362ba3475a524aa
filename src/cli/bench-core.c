/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/bench-core.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_REPEAT 100

struct bench {
  const struct bench_request *request;
  struct pe_model *model;
  struct pe_runtime *runtime;
  struct pe_sequence *sequence;
  struct pe_row *rows;
  uint32_t n_vocab;
  uint32_t random;
  struct pe_device_info cpu; /* measured again before each repeat: a busy host gives and takes */
  double read_rate[2 * MAX_REPEAT], matmul_rate[2 * MAX_REPEAT];
  size_t n_samples;
};

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

static double
median (double *x, size_t n)
{
  qsort (x, n, sizeof *x, by_value);
  return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Tokens without meaning, but not all the same: experts and caches should see variety. */
static int32_t
any_token (struct bench *b)
{
  b->random = b->random * 1664525u + 1013904223u;
  return (int32_t) ((b->random >> 8) % b->n_vocab);
}

static bool
feed (struct bench *b, uint32_t n, bool want_last, struct pe_error *error)
{
  for (uint32_t i = 0; i < n; i++)
    b->rows[i] = (struct pe_row){ b->sequence, any_token (b), want_last && i + 1 == n };
  return pe_runtime_compute (b->runtime, b->rows, n, error);
}

/* Back to `depth` tokens of context; those that are there already are not evaluated again. */
static bool
start_over (struct bench *b, struct pe_error *error)
{
  size_t kept;
  if (!pe_sequence_truncate (b->sequence, b->request->depth, &kept, error))
    return false;
  return kept >= b->request->depth || feed (b, b->request->depth - (uint32_t) kept, false, error);
}

static bool
sample_limits (struct bench *b, struct pe_error *error)
{
  if (!pe_device_measure (&b->cpu, error))
    return false;
  b->read_rate[b->n_samples] = b->cpu.read_rate;
  b->matmul_rate[b->n_samples++] = b->request->plan.precision == PE_PRECISION_EXACT
                                       ? b->cpu.matmul_exact_rate
                                       : b->cpu.matmul_rate;
  return true;
}

static bool
measure_prompt (struct bench *b, struct bench_figure *out, double *first_token,
                struct pe_error *error)
{
  double seconds[MAX_REPEAT];
  for (uint32_t r = 0; r < b->request->n_repeat; r++) {
    if (!start_over (b, error) || !sample_limits (b, error))
      return false;
    double start = now ();
    if (!feed (b, b->request->n_prompt, true, error))
      return false;
    seconds[r] = now () - start;
  }
  *first_token = median (seconds, b->request->n_repeat);
  out->tokens_per_second = b->request->n_prompt / *first_token;
  return true;
}

static bool
measure_generation (struct bench *b, struct bench_figure *out, struct pe_error *error)
{
  double seconds[MAX_REPEAT];
  for (uint32_t r = 0; r < b->request->n_repeat; r++) {
    if (!start_over (b, error) || !sample_limits (b, error))
      return false;
    double start = now ();
    for (uint32_t i = 0; i < b->request->n_gen; i++)
      if (!feed (b, 1, true, error))
        return false;
    seconds[r] = now () - start;
  }
  out->tokens_per_second = b->request->n_gen / median (seconds, b->request->n_repeat);
  return true;
}

/* The seconds that the devices' own rates allow for one token; 0 where a rate is unknown. */
static double
least_seconds (const struct bench_result *r, const struct pe_traffic *t, bool prompt)
{
  double sum = 0;
  for (size_t d = 0; d < r->n_devices; d++) {
    double rate = prompt ? r->devices[d].matmul_rate : r->devices[d].read_rate;
    double work =
        prompt ? (double) t[d].operations : (double) t[d].weight_bytes + (double) t[d].kv_bytes;
    if (t[d].operations == 0)
      continue;
    if (!(rate > 0))
      return 0;
    sum += work / rate;
  }
  return sum;
}

static void
set_limit (struct bench *b, struct bench_result *r)
{
  if (b->n_samples) {
    r->devices[0].read_rate = median (b->read_rate, b->n_samples);
    r->devices[0].matmul_rate = median (b->matmul_rate, b->n_samples);
  }
  struct pe_traffic t[PE_MAX_DEVICES];
  const struct pe_plan *plan = pe_runtime_plan (b->runtime);
  pe_plan_traffic (b->model, plan, b->request->depth + b->request->n_gen / 2, t);
  double bytes = 0, operations = 0;
  for (size_t d = 0; d < r->n_devices; d++) {
    bytes += (double) t[d].weight_bytes + (double) t[d].kv_bytes;
    operations += (double) t[d].operations;
  }
  double g = least_seconds (r, t, false), p = least_seconds (r, t, true);
  r->generation.limit = g > 0 ? 1 / g : 0;
  r->prompt.limit = p > 0 ? 1 / p : 0;
  r->generation.rate = bytes * r->generation.tokens_per_second;
  r->prompt.rate = operations * r->prompt.tokens_per_second;
}

static bool
load (struct bench *b, const char *path, struct bench_result *out, struct pe_error *error)
{
  const struct bench_request *q = b->request;
  struct pe_plan_request request = q->plan;
  struct pe_plan *plan = NULL;
  struct pe_device_info devices[PE_MAX_DEVICES];
  size_t n = pe_devices_list (devices, PE_MAX_DEVICES, false, NULL);
  n = request.n_gpu_layers == 0 ? 1 : n > 2 ? 2 : n;
  for (size_t d = 1; d < n; d++)
    if (!pe_device_measure (&devices[d], error))
      return false;
  uint32_t tokens = q->depth + (q->n_prompt > q->n_gen ? q->n_prompt : q->n_gen);
  if (request.n_ctx < tokens)
    request.n_ctx = tokens;
  double start = now ();
  bool ok = pe_model_open (path, &b->model, error) &&
            pe_plan_make (b->model, &request, devices, n, &plan, error) &&
            pe_runtime_create (b->model, plan, NULL, &b->runtime, error) &&
            pe_sequence_new (b->runtime, &b->sequence, error);
  out->load_seconds = now () - start;
  pe_plan_free (plan);
  if (!ok)
    return false;
  const struct pe_plan *used = pe_runtime_plan (b->runtime);
  out->plan = used->request;
  out->n_layers = used->n_layers;
  out->n_gpu_layers = pe_plan_gpu_layers (used);
  out->n_devices = n;
  memcpy (out->devices, devices, n * sizeof *devices);
  b->cpu = devices[0];
  b->cpu.n_cores = used->request.n_threads; /* the limits are those of the threads that work */
  pe_runtime_set_best (b->runtime, 40);     /* as chats with usual settings do */
  b->n_vocab = pe_model_info (b->model)->n_vocab;
  b->rows = pe_calloc (tokens, sizeof *b->rows);
  return b->rows || pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the benchmark");
}

bool
bench_run (const char *path, const struct bench_request *request, struct bench_result *out,
           struct pe_error *error)
{
  struct bench_request q = *request;
  struct bench b = { .request = &q, .random = 42 };
  memset (out, 0, sizeof *out);
  q.n_repeat = q.n_repeat < 1 ? 1 : q.n_repeat > MAX_REPEAT ? MAX_REPEAT : q.n_repeat;
  /* The first token touches every page of the file: it is no part of what is measured. */
  bool ok =
      load (&b, path, out, error) && feed (&b, 1, true, error) &&
      (q.n_prompt == 0 || measure_prompt (&b, &out->prompt, &out->first_token_seconds, error)) &&
      (q.n_gen == 0 || measure_generation (&b, &out->generation, error));
  if (ok) {
    set_limit (&b, out);
    pe_runtime_counters (b.runtime, &out->counters);
  }
  pe_free (b.rows);
  pe_sequence_free (b.sequence);
  pe_runtime_free (b.runtime);
  pe_model_close (b.model);
  return ok;
}

/* ---- JSON ---- */

static double
share (const struct bench_figure *f)
{
  return f->limit > 0 ? f->tokens_per_second / f->limit : 0;
}

static void
write_figure (struct pe_json_writer *w, const char *name, const struct bench_figure *f,
              const char *rate_name)
{
  pe_json_key (w, name);
  pe_json_begin_object (w);
  pe_json_key (w, "tokens_per_second");
  pe_json_real (w, f->tokens_per_second);
  pe_json_key (w, "limit");
  pe_json_real (w, f->limit);
  pe_json_key (w, "share");
  pe_json_real (w, share (f));
  pe_json_key (w, rate_name);
  pe_json_real (w, f->rate);
  pe_json_end_object (w);
}

void
bench_write_json (struct pe_json_writer *w, const struct bench_result *r)
{
  pe_json_begin_object (w);
  write_figure (w, "prompt", &r->prompt, "operations_per_second");
  write_figure (w, "generation", &r->generation, "bytes_per_second");
  pe_json_key (w, "load_seconds");
  pe_json_real (w, r->load_seconds);
  pe_json_key (w, "first_token_seconds");
  pe_json_real (w, r->first_token_seconds);
  pe_json_key (w, "gpu_layers");
  pe_json_uint (w, r->n_gpu_layers);
  pe_json_key (w, "layers");
  pe_json_uint (w, r->n_layers);
  pe_json_key (w, "threads");
  pe_json_uint (w, r->plan.n_threads);
  pe_json_key (w, "gpu_submits");
  pe_json_uint (w, r->counters.gpu_submits);
  pe_json_key (w, "gpu_dispatches");
  pe_json_uint (w, r->counters.gpu_dispatches);
  pe_json_key (w, "devices");
  pe_json_begin_array (w);
  for (size_t d = 0; d < r->n_devices; d++) {
    pe_json_begin_object (w);
    pe_json_key (w, "name");
    pe_json_text (w, r->devices[d].name);
    pe_json_key (w, "read_rate");
    pe_json_real (w, r->devices[d].read_rate);
    pe_json_key (w, "matmul_rate");
    pe_json_real (w, r->devices[d].matmul_rate);
    pe_json_key (w, "transfer_rate");
    pe_json_real (w, r->devices[d].transfer_rate);
    pe_json_end_object (w);
  }
  pe_json_end_array (w);
  pe_json_end_object (w);
}
