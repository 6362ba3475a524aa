/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit/history.h"

#include "fit/fit-private.h"

/* Fewer tokens say more about the start than about the speed. */
#define LEAST_PROMPT 64
#define LEAST_REPLY  8

/* Beyond this a reply was disturbed, or its model is another by now. */
#define MOST_FACTOR 20.0

static void
describe_devices (ParleyRunRecord *run, const char *const *ids, gsize n_ids)
{
  g_strlcpy (run->devices, "cpu", sizeof run->devices);
  for (gsize i = 0; i < n_ids && run->gpu_layers > 0; i++) {
    g_strlcat (run->devices, ",", sizeof run->devices);
    g_strlcat (run->devices, ids[i], sizeof run->devices);
  }
}

void
parley_run_init (ParleyRunRecord *run, const struct pe_plan_request *plan, guint gpu_layers,
                 const char *const *ids, gsize n_ids)
{
  *run = (ParleyRunRecord){
    .gpu_layers = gpu_layers,
    .cpu_experts = plan->n_cpu_experts,
    .context = plan->n_ctx,
    .batch = plan->n_batch,
    .threads = plan->n_threads,
    .k_type = plan->k_type,
    .v_type = plan->v_type,
  };
  describe_devices (run, ids, n_ids);
}

/* Whether these devices are those that a run had. */
static gboolean
same_devices (const ParleyRunRecord *run, const struct pe_device_info *devices, gsize n)
{
  const char *ids[PE_MAX_DEVICES];
  ParleyRunRecord here = { .gpu_layers = run->gpu_layers };
  for (gsize d = 1; d < n; d++)
    ids[d - 1] = devices[d].id;
  describe_devices (&here, ids, n > 0 ? n - 1 : 0);
  return g_str_equal (run->devices, here.devices);
}

static double
factor (double foretold, double taken)
{
  double f = foretold > 0 && taken > 0 ? foretold / taken : 0;
  return f > 1 / MOST_FACTOR && f < MOST_FACTOR ? f : 0;
}

static void
request_of (const ParleyRunRecord *run, struct pe_plan_request *request)
{
  pe_plan_request_init (request);
  request->n_gpu_layers = (gint32) MIN (run->gpu_layers, G_MAXINT32);
  request->n_cpu_experts = run->cpu_experts;
  request->n_ctx = run->context;
  request->n_batch = run->batch;
  request->n_threads = run->threads;
  request->k_type = (enum pe_type) run->k_type;
  request->v_type = (enum pe_type) run->v_type;
}

void
parley_fit_model_recall (ParleyFitModel *model, GArray *runs, const struct pe_device_info *devices,
                         gsize n_devices, ParleySpeedHistory *history)
{
  *history = (ParleySpeedHistory){ 0 };
  for (guint i = 0; i < runs->len && history->n_runs < PARLEY_SPEED_RUNS; i++) {
    const ParleyRunRecord *run = &g_array_index (runs, ParleyRunRecord, i);
    struct pe_plan_request request;
    double prompt, reply;
    if (n_devices > PE_MAX_DEVICES || !same_devices (run, devices, n_devices))
      continue;
    request_of (run, &request);
    if (!_parley_fit_model_seconds (model, &request, devices, n_devices, run->depth,
                                    run->prompt_tokens, run->reply_tokens, &prompt, &reply))
      continue;
    guint n = history->n_runs;
    history->runs[n].gpu_layers = run->gpu_layers;
    history->runs[n].threads = run->threads;
    history->runs[n].generation =
        run->reply_tokens >= LEAST_REPLY ? factor (reply, run->reply_seconds) : 0;
    history->runs[n].prompt =
        run->prompt_tokens >= LEAST_PROMPT ? factor (prompt, run->prompt_seconds) : 0;
    if (history->runs[n].generation > 0 || history->runs[n].prompt > 0)
      history->n_runs++;
  }
}
