/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit/speed.h"

#include "engine/parley-engine.h"

#include <glib/gi18n.h>
#include <math.h>

/* What is taken to be reached of a bandwidth and of the bare inner loop where the engine's own
 * rates are missing: what it reached where it was measured (tests/bench/RESULTS.md). */
#define SHARE_OF_BANDWIDTH  0.6
#define SHARE_OF_ARITHMETIC 0.65

#define TURN_PROMPT 512
#define TURN_REPLY  256

/* One device of a plan, with the rates that hold for its threads. */
typedef struct {
  const struct pe_device_info *device;
  guint32 n_threads;
  double cache_weight; /* of a byte of the cache */
  gboolean rough;      /* something had to be taken from elsewhere */
} Source;

static double
with_threads (const Source *s, double one, double all)
{
  return pe_rate_with_threads (s->device, s->n_threads, one, all);
}

static double
bits_of (guint32 type)
{
  const struct pe_type_info *info = pe_type_info (type);
  return info ? 8.0 * info->block_bytes / info->block_elements : 0;
}

/* A type that was not measured here: as one that was and is about as wide. */
static guint32
nearest_type (const double rates[PE_TYPE_COUNT], guint32 wanted)
{
  guint32 best = PE_TYPE_COUNT;
  for (guint32 type = 0; type < PE_TYPE_COUNT; type++)
    if (rates[type] > 0 && (best == PE_TYPE_COUNT || fabs (bits_of (type) - bits_of (wanted)) <
                                                         fabs (bits_of (best) - bits_of (wanted))))
      best = type;
  return best;
}

/* Seconds to stream `bytes` of a type for one row; negative: unknown. */
static double
read_seconds (Source *s, guint32 type, double bytes)
{
  const struct pe_rates *one = &s->device->rates[PE_RATES_ONE_THREAD];
  const struct pe_rates *all = &s->device->rates[PE_RATES_ALL_THREADS];
  guint32 known = all->read[type] > 0 ? type : nearest_type (all->read, type);
  if (known == PE_TYPE_COUNT) {
    s->rough = TRUE;
    return s->device->read_rate > 0 ? bytes / (s->device->read_rate * SHARE_OF_BANDWIDTH) : -1;
  }
  s->rough |= known != type;
  return bytes / with_threads (s, one->read[known], all->read[known]);
}

/* Seconds for one of many rows to meet `bytes` of a type; negative: unknown. */
static double
multiply_seconds (Source *s, guint32 type, double bytes)
{
  const struct pe_rates *one = &s->device->rates[PE_RATES_ONE_THREAD];
  const struct pe_rates *all = &s->device->rates[PE_RATES_ALL_THREADS];
  double operations = bits_of (type) > 0 ? 2 * bytes * 8 / bits_of (type) : 0;
  guint32 known = all->multiply[type] > 0 ? type : nearest_type (all->multiply, type);
  if (known == PE_TYPE_COUNT) {
    s->rough = TRUE;
    double rate = s->device->matmul_rate * SHARE_OF_ARITHMETIC;
    return rate > 0 ? operations / rate : -1;
  }
  s->rough |= known != type;
  return operations / with_threads (s, one->multiply[known], all->multiply[known]);
}

/* Seconds for one of `rows` rows that meet `bytes` of a type together, of which they read `whole`
 * once; negative: unknown. One reading for each PE_RATES_ROWS rows is in the rate already; what is
 * left when it is taken out is bounded, as both were measured. */
static double
share_seconds (Source *s, guint32 type, double bytes, double whole, double rows)
{
  double multiply = multiply_seconds (s, type, bytes);
  double read = read_seconds (s, type, MIN (whole, bytes * rows));
  double read_measured = read_seconds (s, type, MIN (whole, bytes * PE_RATES_ROWS));
  if (multiply < 0 || read < 0)
    return -1;
  return MAX (multiply - read_measured / PE_RATES_ROWS, multiply / 2) + read / rows;
}

/* Seconds of one token on one device: alone, or (`rows` not 0) as one of so many of a prompt that
 * go through together. */
static double
device_seconds (Source *s, const struct pe_traffic *t, double rows)
{
  const struct pe_rates *one = &s->device->rates[PE_RATES_ONE_THREAD];
  const struct pe_rates *all = &s->device->rates[PE_RATES_ALL_THREADS];
  double seconds = 0;
  /* The embedding alone is one row of a table: no rate is needed for it. */
  if (t->operations == 0)
    return 0;
  for (guint32 type = 0; type < PE_TYPE_COUNT; type++) {
    if (t->type_bytes[type] == 0)
      continue;
    double bytes = (double) t->type_bytes[type], output = (double) t->output_bytes[type];
    double more = rows > 0 ? share_seconds (s, type, bytes - output,
                                            (double) t->whole_bytes[type] - output, rows)
                           : read_seconds (s, type, bytes);
    if (more < 0)
      return -1;
    seconds += more;
  }
  double cache = rows > 0 ? with_threads (s, one->cache_multiply, all->cache_multiply)
                          : with_threads (s, one->cache_read, all->cache_read);
  if (!(cache > 0))
    cache = s->device->read_rate * SHARE_OF_BANDWIDTH;
  if (cache > 0)
    seconds += (double) t->kv_bytes * s->cache_weight / cache;
  double beside =
      all->pass_seconds + t->n_operators * with_threads (s, one->op_seconds, all->op_seconds);
  return seconds + (rows > 0 ? beside / rows : beside);
}

/* A cache in fewer bits is no quicker to read, as it has to be decoded: its rows are taken to cost
 * what they would in 16. */
static double
cache_weight (const struct pe_plan *plan)
{
  double bits = (bits_of (plan->request.k_type) + bits_of (plan->request.v_type)) / 2;
  return bits > 0 && bits < 16 ? 16 / bits : 1;
}

/* Of one token with `depth` tokens before it, alone or as one of a prompt of so many, which is cut
 * into batches; 0: unknown. */
static double
token_seconds (const struct pe_model *model, const struct pe_plan *plan, guint32 depth,
               guint32 prompt, gboolean *rough)
{
  guint32 batch = MAX (plan->request.n_batch, 1);
  double rows = prompt ? (double) prompt / (prompt / batch + (prompt % batch != 0)) : 0;
  struct pe_traffic traffic[PE_MAX_DEVICES];
  double sum = 0;
  pe_plan_traffic (model, plan, depth, traffic);
  for (gsize d = 0; d < plan->n_devices; d++) {
    Source source = { &plan->devices[d], plan->request.n_threads, cache_weight (plan), FALSE };
    double seconds = device_seconds (&source, &traffic[d], rows);
    if (seconds < 0)
      return 0;
    sum += seconds;
    *rough |= source.rough;
  }
  return sum;
}

/* What goes to the GPU crosses the bus; what stays is read when it is first used. */
static double
load_seconds (const struct pe_plan *plan)
{
  double seconds = 0;
  for (gsize d = 1; d < plan->n_devices; d++) {
    guint64 bytes = pe_plan_bytes (plan, d, PE_MEMORY_WEIGHTS);
    if (bytes == 0)
      continue;
    if (!(plan->devices[d].transfer_rate > 0))
      return 0;
    seconds += (double) bytes / plan->devices[d].transfer_rate;
  }
  double read = plan->devices[0].read_rate;
  return read > 0 ? seconds + (double) pe_plan_bytes (plan, 0, PE_MEMORY_WEIGHTS) / read : 0;
}

static void
describe_load (const struct pe_plan *plan, ParleySpeed *out)
{
  double ram = plan->devices[0].read_rate / 1e9;
  if (!(out->load_seconds > 0))
    return;
  if (pe_plan_gpu_layers (plan) > 0)
    g_snprintf (
        out->load_basis, sizeof out->load_basis,
        _ ("from the bandwidth of the RAM (%.0f GB/s) and of the way to the GPU (%.0f GB/s)"), ram,
        plan->devices[1].transfer_rate / 1e9);
  else
    g_snprintf (out->load_basis, sizeof out->load_basis, _ ("from the RAM's bandwidth (%.0f GB/s)"),
                ram);
}

static double
inverse (double seconds)
{
  return seconds > 0 ? 1 / seconds : 0;
}

void
parley_speed_of_run (const struct pe_model *model, const struct pe_plan *plan, guint depth,
                     guint prompt_tokens, guint reply_tokens, double *prompt_seconds,
                     double *reply_seconds)
{
  gboolean rough;
  guint answering = depth + prompt_tokens + reply_tokens / 2;
  *prompt_seconds =
      prompt_tokens * token_seconds (model, plan, depth + prompt_tokens / 2, prompt_tokens, &rough);
  *reply_seconds =
      reply_tokens > 1 ? (reply_tokens - 1) * token_seconds (model, plan, answering, 0, &rough) : 0;
}

/* ---- what earlier replies say ---- */

typedef struct {
  double generation, prompt; /* factors */
  guint n_runs;
  gboolean alike; /* they were placed like the plan */
} Correction;

static int
by_value (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

/* 1 of no factors. */
static double
middle_factor (double *factors, guint n)
{
  qsort (factors, n, sizeof *factors, by_value);
  return n == 0 ? 1 : n % 2 ? factors[n / 2] : (factors[n / 2 - 1] + factors[n / 2]) / 2;
}

/* Which sides of the border between processor and GPU work: 1, 2, or 3 for both. */
static guint
sides (guint gpu_layers, guint n_layers)
{
  return (gpu_layers > 0 ? 2 : 0) | (gpu_layers <= n_layers ? 1 : 0);
}

static void
gather (const struct pe_plan *plan, const ParleySpeedHistory *history, gboolean alike,
        Correction *out)
{
  double generation[PARLEY_SPEED_RUNS], prompt[PARLEY_SPEED_RUNS];
  guint n_generation = 0, n_prompt = 0, layers = pe_plan_gpu_layers (plan);
  for (guint i = 0; i < MIN (history->n_runs, PARLEY_SPEED_RUNS); i++) {
    gboolean same =
        history->runs[i].gpu_layers == layers &&
        (layers > plan->n_layers || history->runs[i].threads == plan->request.n_threads);
    if (alike
            ? !same
            : sides (history->runs[i].gpu_layers, plan->n_layers) != sides (layers, plan->n_layers))
      continue;
    if (history->runs[i].generation > 0)
      generation[n_generation++] = history->runs[i].generation;
    if (history->runs[i].prompt > 0)
      prompt[n_prompt++] = history->runs[i].prompt;
  }
  out->n_runs = n_generation;
  out->alike = alike;
  out->generation = middle_factor (generation, n_generation);
  out->prompt = middle_factor (prompt, n_prompt);
}

static Correction
correct (const struct pe_plan *plan, const ParleySpeedHistory *history)
{
  Correction correction = { 1, 1, 0, FALSE };
  if (history)
    gather (plan, history, TRUE, &correction);
  if (history && correction.n_runs == 0)
    gather (plan, history, FALSE, &correction);
  return correction;
}

/* ---- in words ---- */

static char *
describe_rates (const struct pe_plan *plan, const char *gpus, gboolean rough)
{
  gboolean on_gpu = pe_plan_gpu_layers (plan) > 0;
  gboolean on_cpu = pe_plan_gpu_layers (plan) < plan->n_layers + 1;
  if (!rough && on_gpu && on_cpu)
    return g_strdup_printf (_ ("from what the engine measured on %s and on this processor"), gpus);
  if (!rough && on_gpu)
    return g_strdup_printf (_ ("from what the engine measured on %s"), gpus);
  if (!rough)
    return g_strdup (_ ("from what the engine measured on this processor"));
  if (on_gpu && on_cpu)
    return g_strdup_printf (
        _ ("roughly, from the bandwidth of the GPU (%.0f GB/s) and of the RAM (%.0f GB/s)"),
        plan->devices[1].read_rate / 1e9, plan->devices[0].read_rate / 1e9);
  return g_strdup_printf (on_gpu ? _ ("roughly, from the GPU's bandwidth (%.0f GB/s)")
                                 : _ ("roughly, from the RAM's bandwidth (%.0f GB/s)"),
                          plan->devices[on_gpu].read_rate / 1e9);
}

static char *
describe_basis (const struct pe_plan *plan, const char *gpus, const Correction *correction,
                gboolean rough)
{
  guint n = correction->n_runs;
  g_autofree char *rates = describe_rates (plan, gpus, rough);
  if (n > 0 && correction->alike)
    return g_strdup_printf (ngettext ("measured on this computer with this model, in one reply",
                                      "measured on this computer with this model, in %u replies",
                                      n),
                            n);
  if (n > 0)
    return g_strdup_printf (ngettext ("%s, corrected by one reply of this model placed otherwise",
                                      "%s, corrected by %u replies of this model placed otherwise",
                                      n),
                            rates, n);
  return g_steal_pointer (&rates);
}

void
parley_speed_predict (const struct pe_model *model, const struct pe_plan *plan, const char *gpus,
                      const ParleySpeedHistory *history, ParleySpeed *out)
{
  gboolean rough = FALSE;
  Correction correction = correct (plan, history);
  double reply = correction.generation, prompt = correction.prompt;
  guint32 turn = TURN_PROMPT + TURN_REPLY / 2;
  double start = token_seconds (model, plan, 0, 0, &rough);
  double full = token_seconds (model, plan, plan->request.n_ctx, 0, &rough);
  double rows = token_seconds (model, plan, TURN_PROMPT / 2, TURN_PROMPT, &rough);
  double middle = token_seconds (model, plan, MIN (turn, plan->request.n_ctx), 0, &rough);
  *out = (ParleySpeed){
    .generation = inverse (start) * reply,
    .generation_full = inverse (full) * reply,
    .prompt = inverse (rows) * prompt,
    .load_seconds = load_seconds (plan),
  };
  describe_load (plan, out);
  if (start > 0 && rows > 0)
    out->turn_seconds = TURN_PROMPT * rows / prompt + TURN_REPLY * middle / reply;
  if (!(start > 0)) {
    g_strlcpy (out->basis, _ ("no data yet: this computer has not been measured"),
               sizeof out->basis);
    return;
  }
  out->trust = correction.n_runs > 0 && correction.alike ? PARLEY_SPEED_MEASURED
               : rough                                   ? PARLEY_SPEED_ROUGH
                                                         : PARLEY_SPEED_PREDICTED;
  g_autofree char *basis = describe_basis (plan, gpus, &correction, rough);
  g_strlcpy (out->basis, basis, sizeof out->basis);
}

void
parley_speed_scale (const ParleySpeed *known, double ratio, ParleySpeed *out)
{
  *out = *known;
  if (!(ratio > 0))
    return;
  out->generation /= ratio;
  out->generation_full /= ratio;
  out->load_seconds *= ratio;
  out->turn_seconds *= ratio;
  if (out->trust != PARLEY_SPEED_UNKNOWN)
    out->trust = PARLEY_SPEED_ROUGH;
}
