/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit/speed.h"

#include "engine/parley-engine.h"

#include <glib/gi18n.h>
#include <math.h>

/* The share of a bandwidth that is taken to be reached where the engine's own rates are missing. */
#define SHARE_OF_BANDWIDTH  0.6
#define SHARE_OF_ARITHMETIC 0.4

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

/* Seconds of one token on one device: alone, or as one of the rows of a prompt. */
static double
device_seconds (Source *s, const struct pe_traffic *t, gboolean prompt)
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
    double bytes = (double) (t->type_bytes[type] - (prompt ? t->output_bytes[type] : 0));
    double more = prompt ? multiply_seconds (s, type, bytes) : read_seconds (s, type, bytes);
    if (more < 0)
      return -1;
    seconds += more;
  }
  double cache = prompt ? with_threads (s, one->cache_multiply, all->cache_multiply)
                        : with_threads (s, one->cache_read, all->cache_read);
  if (!(cache > 0))
    cache = s->device->read_rate * SHARE_OF_BANDWIDTH;
  if (cache > 0)
    seconds += (double) t->kv_bytes * s->cache_weight / cache;
  if (!prompt)
    seconds +=
        all->pass_seconds + t->n_operators * with_threads (s, one->op_seconds, all->op_seconds);
  return seconds;
}

/* A cache in fewer bits is no quicker to read, as it has to be decoded: its rows are taken to cost
 * what they would in 16. */
static double
cache_weight (const struct pe_plan *plan)
{
  double bits = (bits_of (plan->request.k_type) + bits_of (plan->request.v_type)) / 2;
  return bits > 0 && bits < 16 ? 16 / bits : 1;
}

/* Of one token with `depth` tokens before it; 0: unknown. */
static double
token_seconds (const struct pe_model *model, const struct pe_plan *plan, guint32 depth,
               gboolean prompt, gboolean *rough)
{
  struct pe_traffic traffic[PE_MAX_DEVICES];
  double sum = 0;
  pe_plan_traffic (model, plan, depth, traffic);
  for (gsize d = 0; d < plan->n_devices; d++) {
    Source source = { &plan->devices[d], plan->request.n_threads, cache_weight (plan), FALSE };
    double seconds = device_seconds (&source, &traffic[d], prompt);
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

static double
inverse (double seconds)
{
  return seconds > 0 ? 1 / seconds : 0;
}

/* ---- in words ---- */

static void
put_basis (const struct pe_plan *plan, const ParleySpeedHistory *history, ParleySpeed *out)
{
  gboolean on_gpu = pe_plan_gpu_layers (plan) > 0;
  gboolean on_cpu = pe_plan_gpu_layers (plan) < plan->n_layers + 1;
  const char *gpu = on_gpu ? plan->devices[1].name : "";
  switch (out->trust) {
  case PARLEY_SPEED_UNKNOWN:
    g_strlcpy (out->basis, _ ("no data yet: this computer has not been measured"),
               sizeof out->basis);
    return;
  case PARLEY_SPEED_MEASURED:
    g_snprintf (out->basis, sizeof out->basis,
                g_dngettext (NULL, "measured: corrected by one reply of this model here",
                             "measured: corrected by %u replies of this model here",
                             history->n_runs),
                history->n_runs);
    return;
  case PARLEY_SPEED_PREDICTED:
    if (on_gpu && on_cpu)
      g_snprintf (out->basis, sizeof out->basis,
                  _ ("from what the engine measured on %s and on this processor"), gpu);
    else if (on_gpu)
      g_snprintf (out->basis, sizeof out->basis, _ ("from what the engine measured on %s"), gpu);
    else
      g_strlcpy (out->basis, _ ("from what the engine measured on this processor"),
                 sizeof out->basis);
    return;
  case PARLEY_SPEED_ROUGH: break;
  }
  if (on_gpu && on_cpu)
    g_snprintf (out->basis, sizeof out->basis,
                _ ("roughly, from the bandwidth of the GPU (%.0f GB/s) and of the RAM (%.0f GB/s)"),
                plan->devices[1].read_rate / 1e9, plan->devices[0].read_rate / 1e9);
  else
    g_snprintf (out->basis, sizeof out->basis,
                on_gpu ? _ ("roughly, from the GPU's bandwidth (%.0f GB/s)")
                       : _ ("roughly, from the RAM's bandwidth (%.0f GB/s)"),
                plan->devices[on_gpu].read_rate / 1e9);
}

void
parley_speed_predict (const struct pe_model *model, const struct pe_plan *plan,
                      const ParleySpeedHistory *history, ParleySpeed *out)
{
  gboolean rough = FALSE, corrected = history && history->n_runs > 0;
  double reply = corrected ? history->generation : 1, prompt = corrected ? history->prompt : 1;
  guint32 turn = TURN_PROMPT + TURN_REPLY / 2;
  double start = token_seconds (model, plan, 0, FALSE, &rough);
  double full = token_seconds (model, plan, plan->request.n_ctx, FALSE, &rough);
  double rows = token_seconds (model, plan, TURN_PROMPT / 2, TRUE, &rough);
  double middle = token_seconds (model, plan, MIN (turn, plan->request.n_ctx), FALSE, &rough);
  *out = (ParleySpeed){
    .generation = inverse (start) * reply,
    .generation_full = inverse (full) * reply,
    .prompt = inverse (rows) * prompt,
    .load_seconds = load_seconds (plan),
  };
  if (start > 0 && rows > 0)
    out->turn_seconds = TURN_PROMPT * rows / prompt + TURN_REPLY * middle / reply;
  out->trust = !(start > 0) ? PARLEY_SPEED_UNKNOWN
               : corrected  ? PARLEY_SPEED_MEASURED
               : rough      ? PARLEY_SPEED_ROUGH
                            : PARLEY_SPEED_PREDICTED;
  put_basis (plan, history, out);
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
