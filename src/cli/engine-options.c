/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/engine-options.h"

#include <string.h>

void
cli_engine_options_clear (struct cli_engine_options *options)
{
  g_clear_pointer (&options->gpu_layers, g_free);
  g_clear_pointer (&options->kv_type, g_free);
  g_clear_pointer (&options->precision, g_free);
}

static bool
positive (const char *name, int value, uint32_t *out)
{
  if (value < 0) {
    cli_usage ("--%s cannot be negative", name);
    return false;
  }
  if (value > 0)
    *out = (uint32_t) value;
  return true;
}

bool
cli_engine_request (const struct cli_engine_options *o, struct pe_plan_request *request)
{
  if (!positive ("ctx", o->n_ctx, &request->n_ctx) ||
      !positive ("batch", o->n_batch, &request->n_batch) ||
      !positive ("threads", o->n_threads, &request->n_threads) ||
      !positive ("cpu-experts", o->n_cpu_experts, &request->n_cpu_experts))
    return false;
  if (o->gpu_layers && strcmp (o->gpu_layers, "auto") == 0)
    request->n_gpu_layers = PE_GPU_LAYERS_AUTO;
  else if (o->gpu_layers) {
    guint64 n;
    if (!g_ascii_string_to_unsigned (o->gpu_layers, 10, 0, G_MAXINT32, &n, NULL)) {
      cli_usage ("--gpu-layers wants a whole number or auto, not '%s'", o->gpu_layers);
      return false;
    }
    request->n_gpu_layers = (int32_t) n;
  }
  if (o->kv_type) {
    enum pe_type type;
    if (!pe_type_by_name (o->kv_type, &type) || (type != PE_TYPE_F32 && type != PE_TYPE_F16 &&
                                                 type != PE_TYPE_Q8_0 && type != PE_TYPE_Q4_0)) {
      cli_usage ("--kv-type is f32, f16, q8_0 or q4_0, not '%s'", o->kv_type);
      return false;
    }
    request->k_type = request->v_type = type;
  }
  if (o->precision && strcmp (o->precision, "exact") == 0)
    request->precision = PE_PRECISION_EXACT;
  else if (o->precision && strcmp (o->precision, "fast") == 0)
    request->precision = PE_PRECISION_FAST;
  else if (o->precision) {
    cli_usage ("--precision is exact or fast, not '%s'", o->precision);
    return false;
  }
  return true;
}
