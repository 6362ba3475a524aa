/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit/speed.h"

#include <glib/gi18n.h>

/* Shares of the measured rates that the engine is taken to reach, and what a stage costs beside
 * its bytes: starting values, the same for every computer. */
#define READ_SHARE_CPU    0.85
#define READ_SHARE_GPU    0.65
#define COMPUTE_SHARE     0.5
#define STAGE_SECONDS_CPU 12e-6
#define STAGE_SECONDS_GPU 20e-6
#define CROSSING_SECONDS  80e-6

static double
token_seconds (const struct pe_plan *plan, const struct pe_traffic *traffic)
{
  double seconds = 0;
  for (gsize d = 0; d < plan->n_devices; d++) {
    const struct pe_device_info *device = &plan->devices[d];
    gboolean cpu = device->kind == PE_DEVICE_CPU;
    double bytes = (double) traffic[d].weight_bytes + (double) traffic[d].kv_bytes;
    if (traffic[d].n_stages == 0)
      continue;
    /* The embedding alone is one row of a table: no rate is needed for it. */
    if (traffic[d].operations > 0 && !(device->read_rate > 0))
      return 0;
    if (traffic[d].operations > 0)
      seconds += bytes / (device->read_rate * (cpu ? READ_SHARE_CPU : READ_SHARE_GPU));
    seconds += traffic[d].n_stages * (cpu ? STAGE_SECONDS_CPU : STAGE_SECONDS_GPU);
    if (!cpu)
      seconds += CROSSING_SECONDS;
  }
  return seconds;
}

static double
prompt_seconds (const struct pe_plan *plan, const struct pe_traffic *traffic)
{
  double seconds = 0;
  for (gsize d = 0; d < plan->n_devices; d++) {
    if (traffic[d].operations == 0)
      continue;
    if (!(plan->devices[d].matmul_rate > 0))
      return 0;
    seconds += (double) traffic[d].operations / (plan->devices[d].matmul_rate * COMPUTE_SHARE);
  }
  return seconds;
}

static double
inverse (double seconds)
{
  return seconds > 0 ? 1 / seconds : 0;
}

static void
put_basis (const struct pe_plan *plan, const struct pe_traffic *traffic, ParleySpeed *out)
{
  gboolean on_gpu = plan->n_devices > 1 && traffic[1].operations > 0;
  gboolean on_cpu = traffic[0].operations > 0;
  if (!(out->generation > 0))
    g_strlcpy (out->basis, _ ("no data yet: this computer's memory has not been measured"),
               sizeof out->basis);
  else if (on_gpu && on_cpu)
    g_snprintf (out->basis, sizeof out->basis,
                _ ("from the measured bandwidth of the GPU (%.0f GB/s) and the RAM (%.0f GB/s)"),
                plan->devices[1].read_rate / 1e9, plan->devices[0].read_rate / 1e9);
  else if (on_gpu)
    g_snprintf (out->basis, sizeof out->basis,
                _ ("from the measured bandwidth of the GPU (%.0f GB/s)"),
                plan->devices[1].read_rate / 1e9);
  else
    g_snprintf (out->basis, sizeof out->basis,
                _ ("from the measured bandwidth of the RAM (%.0f GB/s)"),
                plan->devices[0].read_rate / 1e9);
}

void
parley_speed_predict (const struct pe_model *model, const struct pe_plan *plan, ParleySpeed *out)
{
  struct pe_traffic traffic[PE_MAX_DEVICES];
  pe_plan_traffic (model, plan, 0, traffic);
  out->generation = inverse (token_seconds (plan, traffic));
  out->prompt = inverse (prompt_seconds (plan, traffic));
  put_basis (plan, traffic, out);
  pe_plan_traffic (model, plan, plan->request.n_ctx, traffic);
  out->generation_full = inverse (token_seconds (plan, traffic));
}

void
parley_speed_scale (const ParleySpeed *known, double ratio, ParleySpeed *out)
{
  *out = *known;
  if (ratio > 0) {
    out->generation /= ratio;
    out->generation_full /= ratio;
  }
}
