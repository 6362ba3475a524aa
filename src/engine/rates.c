/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/rates.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/devices.h"
#include "engine/heaps.h"
#include "engine/model.h"
#include "engine/runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONTEXT          1280
#define FEW_ROWS         64 /* of a batch of types that few models have */
#define SHORT_BATCH      16
#define PATIENCE_SECONDS 0.02 /* what takes longer is not done again */
#define ROUNDS           5
#define CACHE_ROUNDS     3
#define FEW_ROUNDS       2 /* of types that few models have */
#define DEEP_LAYERS      3
#define VOCABULARY       32
#define MAX_RUNNERS      48
#define HEADER_BYTES     ((size_t) 32 << 10)

/* A Llama of one layer or few, all matrices of one type and all zero: what a kernel does with a
 * value does not depend on it. */
struct shape {
  enum pe_type type;
  uint32_t n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_width;
};

/* Large enough to stream from memory when others are read in between. */
static const struct shape matrices = { PE_TYPE_F32, 1, 1536, 3072, 24, 6, 64 };
/* With more for each operation. */
static const struct shape wide_matrices = { PE_TYPE_Q8_0, 1, 2048, 8192, 32, 8, 64 };
/* For quick memory, where those would tell about launching; wide ones have n_ff doubled. */
static const struct shape large_matrices = { PE_TYPE_F32, 1, 4096, 14336, 32, 8, 128 };
#define QUICK_MEMORY       2e11         /* bytes a second */
#define LARGE_MODELS_BYTES (4ull << 30) /* of all that are large, and some more */
/* Of types that few models have: half of it. */
static const struct shape fewer_matrices = { PE_TYPE_F32, 1, 1024, 2304, 16, 4, 64 };
/* For a software device, which takes a thousand times as long. */
static const struct shape small_matrices = { PE_TYPE_F32, 1, 256, 512, 4, 2, 64 };
/* Nothing but operations. */
static const struct shape operators = { PE_TYPE_Q8_0, 8, 256, 256, 4, 2, 64 };
/* Little but a cache. */
static const struct shape caches = { PE_TYPE_Q8_0, 1, 512, 256, 16, 8, 128 };

/* ---- a GGUF file in memory: a header, then a hole ---- */

struct header {
  unsigned char *out;
  size_t n;
  uint64_t n_tensors, n_entries, data_bytes;
  bool counting; /* the first time through only counts */
};

static void
put_bytes (struct header *h, const void *bytes, size_t n)
{
  if (!h->counting && n <= HEADER_BYTES - h->n) {
    memcpy (h->out + h->n, bytes, n);
    h->n += n;
  }
}

static void
put_number (struct header *h, uint64_t value, size_t n)
{
  put_bytes (h, &value, n);
}

static void
put_text (struct header *h, const char *text)
{
  put_number (h, strlen (text), 8);
  put_bytes (h, text, strlen (text));
}

static void
put_entry (struct header *h, const char *key, uint32_t kind, uint64_t value)
{
  h->n_entries += h->counting;
  put_text (h, key);
  put_number (h, kind, 4);
  put_number (h, value, 4);
}

static void
put_tensor (struct header *h, int layer, const char *name, enum pe_type type, uint32_t in,
            uint32_t out)
{
  char full[64];
  if (layer >= 0)
    snprintf (full, sizeof full, "blk.%d.%s.weight", layer, name);
  else
    snprintf (full, sizeof full, "%s.weight", name);
  h->n_tensors += h->counting;
  put_text (h, full);
  put_number (h, out ? 2 : 1, 4);
  put_number (h, in, 8);
  if (out)
    put_number (h, out, 8);
  put_number (h, type, 4);
  put_number (h, h->data_bytes, 8);
  uint64_t bytes = pe_type_row_bytes (type, in) * (out ? out : 1);
  h->data_bytes += (bytes + 31) / 32 * 32;
}

static void
put_contents (struct header *h, const struct shape *s)
{
  enum { U32 = 4, F32 = 6, STRING = 8 };
  float epsilon = 1e-5f;
  uint32_t bits, q = s->n_heads * s->head_width, kv = s->n_kv_heads * s->head_width;
  memcpy (&bits, &epsilon, sizeof bits);
  h->n_entries += h->counting;
  put_text (h, "general.architecture");
  put_number (h, STRING, 4);
  put_text (h, "llama");
  put_entry (h, "llama.block_count", U32, s->n_layers);
  put_entry (h, "llama.context_length", U32, CONTEXT);
  put_entry (h, "llama.embedding_length", U32, s->n_embd);
  put_entry (h, "llama.feed_forward_length", U32, s->n_ff);
  put_entry (h, "llama.attention.head_count", U32, s->n_heads);
  put_entry (h, "llama.attention.head_count_kv", U32, s->n_kv_heads);
  put_entry (h, "llama.attention.key_length", U32, s->head_width);
  put_entry (h, "llama.attention.value_length", U32, s->head_width);
  put_entry (h, "llama.attention.layer_norm_rms_epsilon", F32, bits);
  put_entry (h, "llama.vocab_size", U32, VOCABULARY);

  put_tensor (h, -1, "token_embd", PE_TYPE_F32, s->n_embd, VOCABULARY);
  put_tensor (h, -1, "output_norm", PE_TYPE_F32, s->n_embd, 0);
  for (int il = 0; il < (int) s->n_layers; il++) {
    put_tensor (h, il, "attn_norm", PE_TYPE_F32, s->n_embd, 0);
    put_tensor (h, il, "attn_q", s->type, s->n_embd, q);
    put_tensor (h, il, "attn_k", s->type, s->n_embd, kv);
    put_tensor (h, il, "attn_v", s->type, s->n_embd, kv);
    put_tensor (h, il, "attn_output", s->type, q, s->n_embd);
    put_tensor (h, il, "ffn_norm", PE_TYPE_F32, s->n_embd, 0);
    put_tensor (h, il, "ffn_gate", s->type, s->n_embd, s->n_ff);
    put_tensor (h, il, "ffn_up", s->type, s->n_embd, s->n_ff);
    put_tensor (h, il, "ffn_down", s->type, s->n_ff, s->n_embd);
  }
}

/* Writes the header; the bytes of data that follow it are left to be a hole. */
static bool
write_header (int fd, const struct shape *shape)
{
  struct header h = { .counting = true };
  put_contents (&h, shape);
  h.out = pe_calloc (1, HEADER_BYTES);
  if (!h.out)
    return false;
  h.counting = false;
  h.data_bytes = 0;
  put_bytes (&h, "GGUF", 4);
  put_number (&h, 3, 4);
  put_number (&h, h.n_tensors, 8);
  put_number (&h, h.n_entries, 8);
  put_contents (&h, shape);
  h.n = (h.n + 31) / 32 * 32;
  bool ok = h.n < HEADER_BYTES && write (fd, h.out, h.n) == (ssize_t) h.n &&
            ftruncate (fd, (off_t) (h.n + h.data_bytes)) == 0;
  pe_free (h.out);
  return ok;
}

static bool
make_model (const struct shape *shape, struct pe_model **out, struct pe_error *error)
{
  int fd = memfd_create ("parley-rates", MFD_CLOEXEC);
  bool ok = fd >= 0 && write_header (fd, shape);
  if (!ok)
    pe_fail (error, PE_ERROR_MEMORY, "not enough memory to measure it");
  else
    ok = pe_model_open_fds (&fd, 1, "the model to measure with", out, error);
  if (fd >= 0)
    close (fd);
  return ok;
}

/* ---- one model that runs on the device ---- */

struct runner {
  enum pe_type type;
  enum { PLAIN, DEEP, WIDE } role; /* of others than the first only rows are timed */
  struct pe_model *model;
  struct pe_runtime *runtime;
  struct pe_sequence *sequence;
  struct pe_traffic traffic; /* of the device, for a token at the context's start */
  double row_seconds, many_seconds;
  uint32_t many_rows;
};

/* What most models are made of. Of the others a GPU measures none, as each costs the driver a
 * compilation, and the processor measures them with all its threads only. */
static bool
is_common (enum pe_type type)
{
  return type == PE_TYPE_F16 || type == PE_TYPE_Q8_0 || type == PE_TYPE_Q4_0 ||
         type == PE_TYPE_Q4_K || type == PE_TYPE_Q5_K || type == PE_TYPE_Q6_K;
}

struct measuring {
  struct pe_device_info devices[2];
  size_t n_devices;
  uint32_t n_batch, depth;
  struct runner runners[MAX_RUNNERS];
  size_t n_runners;
  uint64_t driver_bytes;              /* of the GPU */
  const struct pe_progress *progress; /* NULL: nobody asks */
  uint64_t n_steps, n_done;
};

static void
tell_step (struct measuring *m)
{
  m->n_done++;
  if (m->progress)
    m->progress->step (m->progress->data, m->n_done < m->n_steps ? m->n_done : m->n_steps,
                       m->n_steps);
}

static void
stop_runner (struct runner *r)
{
  pe_sequence_free (r->sequence);
  pe_runtime_free (r->runtime);
  r->sequence = NULL;
  r->runtime = NULL;
}

static void
close_runner (struct runner *r)
{
  stop_runner (r);
  pe_model_close (r->model);
  r->model = NULL;
}

/* Everything on the device; false with no error where the device cannot compute this type. */
static bool
start_runner (const struct measuring *m, struct runner *r, uint32_t n_threads,
              struct pe_error *error)
{
  struct pe_plan_request request;
  struct pe_traffic traffic[PE_MAX_DEVICES];
  struct pe_plan *plan;
  pe_plan_request_init (&request);
  request.n_ctx = CONTEXT;
  request.n_batch = m->n_batch;
  request.n_threads = n_threads;
  request.n_gpu_layers = m->n_devices > 1 ? INT32_MAX : 0;
  if (!pe_plan_make (r->model, &request, m->devices, m->n_devices, &plan, error))
    return false;
  bool placed = m->n_devices == 1 || pe_plan_gpu_layers (plan) == plan->n_layers + 1;
  pe_plan_traffic (r->model, plan, 0, traffic);
  r->traffic = traffic[m->n_devices - 1];
  bool ok = placed && pe_runtime_create (r->model, plan, NULL, &r->runtime, error) &&
            pe_sequence_new (r->runtime, &r->sequence, error);
  pe_plan_free (plan);
  return ok;
}

static bool
run_rows (struct runner *r, uint32_t n, double *seconds, struct pe_error *error)
{
  struct pe_row rows[PE_RATES_ROWS];
  for (uint32_t i = 0; i < n; i++)
    rows[i] = (struct pe_row){ r->sequence, (int32_t) (i % VOCABULARY), i + 1 == n };
  double start = pe_clock ();
  bool ok = pe_runtime_compute (r->runtime, rows, n, error);
  *seconds = pe_clock () - start;
  return ok;
}

static bool
rewind_runner (struct runner *r, size_t n, struct pe_error *error)
{
  size_t kept;
  return pe_sequence_truncate (r->sequence, n, &kept, error);
}

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

/* Of a few times one of the shorter: what is longer was disturbed by others. */
static double
undisturbed (double *x, size_t n)
{
  qsort (x, n, sizeof *x, by_value);
  return x[n / 4];
}

static int
rounds_for (const struct runner *r)
{
  return is_common (r->type) ? ROUNDS : FEW_ROUNDS;
}

/* The threads of the model that ran before spin for a while before they sleep. */
static void
let_others_sleep (void)
{
  const struct timespec pause = { .tv_nsec = 200 * 1000 };
  nanosleep (&pause, NULL);
}

/* One row through every model in turn, so that each finds the caches filled by the others. The
 * first time brings the weights into memory and does not count. */
static bool
time_rows (struct measuring *m, struct pe_error *error)
{
  double seconds[MAX_RUNNERS][ROUNDS];
  size_t n[MAX_RUNNERS] = { 0 };
  for (int round = -1; round < ROUNDS; round++)
    for (size_t i = 0; i < m->n_runners; i++) {
      struct runner *r = &m->runners[i];
      double taken;
      if (!r->runtime || round >= rounds_for (r) || (n[i] && seconds[i][0] > PATIENCE_SECONDS))
        continue;
      let_others_sleep ();
      if (!run_rows (r, 1, &taken, error))
        return false;
      if (round >= 0)
        seconds[i][n[i]++] = taken;
      else
        tell_step (m);
    }
  for (size_t i = 0; i < m->n_runners; i++)
    if (n[i])
      m->runners[i].row_seconds = undisturbed (seconds[i], n[i]);
  return true;
}

/* A short batch first: types without a kernel of their own would take seconds for a long one. */
static bool
time_batch (const struct measuring *m, struct runner *r, struct pe_error *error)
{
  bool common = is_common (r->type);
  uint32_t many = common || m->n_batch < FEW_ROWS ? m->n_batch : FEW_ROWS;
  if (!rewind_runner (r, 0, error) || !run_rows (r, SHORT_BATCH, &r->many_seconds, error))
    return false;
  r->many_rows = SHORT_BATCH;
  if ((r->many_seconds > PATIENCE_SECONDS && !common) || many <= SHORT_BATCH)
    return true;
  for (int again = 0; again < (common ? 2 : 1); again++) {
    double taken;
    if (!rewind_runner (r, 0, error) || !run_rows (r, many, &taken, error))
      return false;
    if (!again || taken < r->many_seconds)
      r->many_seconds = taken;
    r->many_rows = many;
  }
  return true;
}

static bool
time_batches (struct measuring *m, struct pe_error *error)
{
  for (size_t i = 0; i < m->n_runners; i++) {
    if (m->runners[i].runtime && m->runners[i].role == PLAIN &&
        !time_batch (m, &m->runners[i], error))
      return false;
    tell_step (m);
  }
  return true;
}

/* ---- what a driver takes ---- */

static uint64_t
resident_bytes (void)
{
  unsigned long long size, resident = 0;
  FILE *file = fopen ("/proc/self/statm", "re");
  if (file && fscanf (file, "%llu %llu", &size, &resident) != 2)
    resident = 0;
  if (file)
    fclose (file);
  return resident * (uint64_t) sysconf (_SC_PAGESIZE);
}

/* What this process takes of the device now, as its driver counts; a software device has no memory
 * but ours. 0: it does not say. */
static uint64_t
taken_bytes (const struct pe_device_info *device)
{
  uint64_t budget, usage = 0;
  if (device->kind == PE_DEVICE_SOFTWARE)
    return resident_bytes ();
  struct pe_device_info *found = pe_calloc (PE_MAX_DEVICES, sizeof *found);
  size_t n = found ? pe_devices_list (found, PE_MAX_DEVICES, false, NULL) : 0;
  for (size_t i = 1; i < n; i++)
    if (strcmp (found[i].id, device->id) == 0 && found[i].memory_is_budget)
      pe_heaps_sum (&found[i], &budget, &usage);
  pe_free (found);
  return usage;
}

/* Beside what a runtime took by its plan: the device, its pipelines, its queues. */
static uint64_t
driver_bytes (const struct measuring *m, const struct pe_runtime *runtime, uint64_t before)
{
  const struct pe_device_info *gpu = &m->devices[1];
  uint64_t after = taken_bytes (gpu),
           ours = pe_runtime_allocated (runtime, 1, PE_MEMORY_KIND_COUNT);
  if (gpu->kind == PE_DEVICE_SOFTWARE)
    ours += pe_runtime_allocated (runtime, 0, PE_MEMORY_KIND_COUNT);
  return after > before + ours ? after - before - ours : 0;
}

/* ---- from seconds to rates ---- */

/* Operations alone: what a pass costs beside them is its first term on a GPU. */
static bool
measure_operators (struct measuring *m, uint32_t n_threads, struct pe_rates *out,
                   struct pe_error *error)
{
  uint64_t before = m->n_devices > 1 ? taken_bytes (&m->devices[1]) : 0;
  struct runner r = { 0 };
  struct shape few = operators;
  double many_layers = 0, few_layers = 0;
  few.n_layers = 1;
  bool ok = true;
  for (int i = 0; i < 2 && ok; i++) {
    double seconds[3 * ROUNDS];
    memset (&r, 0, sizeof r);
    ok = make_model (i ? &few : &operators, &r.model, error) &&
         start_runner (m, &r, n_threads, error);
    for (size_t k = 0; ok && k < 3 * ROUNDS; k++)
      ok = run_rows (&r, 1, &seconds[k], error);
    if (ok && i == 0)
      many_layers = undisturbed (seconds, 3 * ROUNDS);
    else if (ok)
      few_layers = undisturbed (seconds, 3 * ROUNDS);
    if (ok && i == 0 && m->n_devices > 1)
      m->driver_bytes = driver_bytes (m, r.runtime, before);
    if (ok && i == 0)
      out->op_seconds = r.traffic.n_operators;
    else if (ok)
      out->op_seconds -= r.traffic.n_operators;
    close_runner (&r);
  }
  double layers = many_layers > few_layers ? many_layers - few_layers : 0;
  double n = out->op_seconds;
  out->op_seconds = ok && n > 0 ? layers / n : 0;
  out->pass_seconds = ok && few_layers > layers / 7 ? few_layers - layers / 7 : 0;
  return ok;
}

/* What a row takes beside its bytes, told by three models of one type that differ in depth and in
 * the size of their operations: at its start threads wake (`start`, with what a pass costs), and
 * between operations that stream weights they meet and streams begin anew (`op`). */
static void
measure_overhead (const struct measuring *m, const struct pe_rates *known, double *start,
                  double *op)
{
  const struct runner *of[3] = { NULL };
  *start = known->pass_seconds;
  *op = known->op_seconds;
  for (size_t i = 0; i < m->n_runners; i++)
    if (m->runners[i].runtime && m->runners[i].type == wide_matrices.type)
      of[m->runners[i].role] = &m->runners[i];
  const struct runner *plain = of[PLAIN], *deep = of[DEEP], *wide = of[WIDE];
  if (!plain || !deep || !wide)
    return;
  double n = plain->traffic.n_operators, bytes = (double) plain->traffic.type_bytes[plain->type];
  double more_bytes = (double) wide->traffic.type_bytes[wide->type] - bytes;
  double layer = (deep->row_seconds - plain->row_seconds) / (DEEP_LAYERS - 1);
  double begin = plain->row_seconds - layer;
  if (begin > plain->row_seconds / 2)
    begin = plain->row_seconds / 2;
  if (begin > *start)
    *start = begin;
  double reading = bytes * (wide->row_seconds - plain->row_seconds) / more_bytes;
  double between = (plain->row_seconds - *start - reading) / n;
  if (between > plain->row_seconds / 4 / n)
    between = plain->row_seconds / 4 / n;
  if (between > *op)
    *op = between;
}

static bool
measure_matrices (struct measuring *m, uint32_t n_threads, struct pe_rates *out,
                  struct pe_error *error)
{
  struct pe_error unsupported;
  for (size_t i = 0; i < m->n_runners; i++)
    if ((n_threads == 1 && m->n_devices == 1 && m->devices[0].n_cores > 1 &&
         !is_common (m->runners[i].type)) ||
        !start_runner (m, &m->runners[i], n_threads, &unsupported))
      stop_runner (&m->runners[i]);
  bool ok = time_rows (m, error) && time_batches (m, error);
  double start, op;
  measure_overhead (m, out, &start, &op);
  out->op_seconds = op;
  for (size_t i = 0; i < m->n_runners; i++) {
    struct runner *r = &m->runners[i];
    double beside = start + r->traffic.n_operators * op;
    enum pe_type type = r->type;
    if (ok && r->runtime && r->role == PLAIN) {
      double row = r->row_seconds - beside, many = r->many_seconds - beside;
      out->read[type] = (double) r->traffic.type_bytes[type] /
                        (row > r->row_seconds / 2 ? row : r->row_seconds / 2);
      out->multiply[type] = (double) r->traffic.operations * r->many_rows /
                            (many > r->many_seconds / 4 ? many : r->many_seconds / 4);
      double alone =
          out->read[type] * (double) r->traffic.operations / (double) r->traffic.type_bytes[type];
      if (out->multiply[type] < alone)
        out->multiply[type] = alone;
    }
    stop_runner (r);
  }
  return ok;
}

static bool
measure_cache (struct measuring *m, uint32_t n_threads, struct pe_rates *out,
               struct pe_error *error)
{
  struct runner r = { 0 };
  double row[2] = { 0 }, many[2] = { 0 };
  bool ok = make_model (&caches, &r.model, error) && start_runner (m, &r, n_threads, error) &&
            run_rows (&r, m->n_batch, &many[0], error);
  for (int deep = 0; deep < 2 && ok; deep++) {
    double seconds[ROUNDS];
    size_t depth = deep ? m->depth : 0;
    while (ok && pe_sequence_n_tokens (r.sequence) < depth)
      ok = run_rows (&r, m->n_batch, &seconds[0], error);
    for (int i = 0; i < CACHE_ROUNDS && ok; i++)
      ok = rewind_runner (&r, depth, error) && run_rows (&r, m->n_batch, &seconds[i], error);
    if (ok)
      many[deep] = undisturbed (seconds, CACHE_ROUNDS);
    ok = ok && rewind_runner (&r, depth, error);
    for (int i = 0; i < ROUNDS && ok; i++)
      ok = run_rows (&r, 1, &seconds[i], error);
    if (ok)
      row[deep] = undisturbed (seconds, ROUNDS);
  }
  /* Keys and values in 16 bits. */
  double bytes = 4.0 * caches.n_layers * caches.n_kv_heads * caches.head_width * m->depth;
  /* A row of many meets the cache no slower than one alone: what says otherwise was disturbed. */
  if (ok && row[1] > row[0])
    out->cache_read = bytes / (row[1] - row[0]);
  if (ok && many[1] > many[0])
    out->cache_multiply = bytes * m->n_batch / (many[1] - many[0]);
  if (out->cache_multiply < out->cache_read)
    out->cache_multiply = out->cache_read;
  close_runner (&r);
  return ok;
}

static bool
takes_large_models (const struct pe_device_info *device)
{
  return device->kind == PE_DEVICE_DISCRETE && device->read_rate >= QUICK_MEMORY &&
         device->memory_available >= LARGE_MODELS_BYTES;
}

static bool
add_models (struct measuring *m, bool software, struct pe_error *error)
{
  bool large = m->n_devices > 1 && takes_large_models (&m->devices[1]);
  struct shape plain = large ? large_matrices : matrices, wide = wide_matrices;
  if (large) {
    wide = large_matrices;
    wide.n_ff *= 2;
  }
  for (uint32_t type = 0; type < PE_TYPE_COUNT; type++) {
    const struct pe_type_info *info = pe_type_info (type);
    struct shape shape = software                          ? small_matrices
                         : is_common ((enum pe_type) type) ? plain
                                                           : fewer_matrices;
    shape.type = (enum pe_type) type;
    if (!info || !info->decode || (m->n_devices > 1 && !is_common (shape.type)))
      continue;
    m->runners[m->n_runners].type = shape.type;
    if (!make_model (&shape, &m->runners[m->n_runners].model, error))
      return false;
    m->n_runners++;
  }
  for (int role = DEEP; role <= WIDE && !software; role++) {
    struct shape shape = role == WIDE ? wide : plain;
    struct runner *r = &m->runners[m->n_runners];
    shape.type = r->type = wide_matrices.type;
    shape.n_layers = role == WIDE ? 1 : DEEP_LAYERS;
    r->role = role;
    if (!make_model (&shape, &r->model, error))
      return false;
    m->n_runners++;
  }
  return true;
}

/* Of uncommon types one thread was not measured: as with those that were. */
static void
derive_one_thread (struct pe_rates rates[PE_RATES_COUNT])
{
  struct pe_rates *one = &rates[PE_RATES_ONE_THREAD], *all = &rates[PE_RATES_ALL_THREADS];
  double share = all->multiply[PE_TYPE_Q8_0] > 0
                     ? one->multiply[PE_TYPE_Q8_0] / all->multiply[PE_TYPE_Q8_0]
                     : 0;
  for (int type = 0; type < PE_TYPE_COUNT; type++) {
    if (one->read[type] > 0)
      continue;
    one->read[type] = all->read[type] * share;
    one->multiply[type] = all->multiply[type] * share;
  }
}

bool
pe_rates_measure (const struct pe_device_info *cpu, struct pe_device_info *device,
                  const struct pe_progress *progress, struct pe_error *error)
{
  struct measuring *m = pe_calloc (1, sizeof *m);
  if (!m)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to measure it");
  m->devices[0] = *cpu;
  m->n_devices = 1;
  if (device->kind != PE_DEVICE_CPU)
    m->devices[m->n_devices++] = *device;
  uint32_t all = cpu->n_cores ? cpu->n_cores : 1;
  struct pe_rates *rates = device->rates;
  memset (rates, 0, sizeof device->rates);
  bool software = device->kind == PE_DEVICE_SOFTWARE;
  m->n_batch = software ? 16 : PE_RATES_ROWS;
  m->depth = software ? 64 : 1024; /* where reading the cache is timed */
  bool ok = add_models (m, software, error);
  int first = m->n_devices > 1 || all == 1 ? PE_RATES_ALL_THREADS : PE_RATES_ONE_THREAD;
  m->progress = progress;
  m->n_steps = (uint64_t) (PE_RATES_COUNT - first) * (2 * m->n_runners + 2);
  for (int i = first; i < PE_RATES_COUNT && ok; i++) {
    uint32_t n = i == PE_RATES_ONE_THREAD ? 1 : all;
    ok = measure_operators (m, n, &rates[i], error);
    tell_step (m);
    ok = ok && measure_matrices (m, n, &rates[i], error) && measure_cache (m, n, &rates[i], error);
    tell_step (m);
  }
  if (ok && all > 1 && m->n_devices == 1)
    derive_one_thread (rates);
  if (ok && all == 1)
    rates[PE_RATES_ONE_THREAD] = rates[PE_RATES_ALL_THREADS];
  for (size_t i = 0; i < m->n_runners; i++)
    close_runner (&m->runners[i]);
  device->driver_bytes = ok ? m->driver_bytes : 0;
  pe_free (m);
  if (!ok)
    memset (rates, 0, sizeof device->rates);
  return ok;
}

double
pe_rate_with_threads (const struct pe_device_info *device, uint32_t n_threads, double one,
                      double all)
{
  if (device->kind != PE_DEVICE_CPU || !(one > 0) || n_threads >= device->n_cores)
    return all;
  if (n_threads <= 1 || !(all > 0))
    return one;
  /* A power of the count that meets both ends. */
  return one * pow (n_threads, log (all / one) / log (device->n_cores));
}
