/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The benchmark itself: engine only, no GLib, so that `parley-bench` can be carried to any
 * machine. Speeds are medians over repeats, and each stands beside the limit that the memory or
 * the arithmetic of the same machine sets, measured in the same run.
 */
#pragma once

#include "engine/parley-engine.h"

struct bench_request {
  struct pe_plan_request plan;
  uint32_t n_prompt, n_gen; /* tokens */
  uint32_t depth;           /* tokens in the context before each measurement */
  uint32_t n_repeat;
};

struct bench_figure {
  double tokens_per_second; /* median; 0: not measured */
  double limit;             /* tokens per second at the devices' measured rates: of the bare inner
                               loop of the CPU's products for prompts, and of memory for
                               generation; medians over the repeats too; 0: unknown */
  double rate;              /* bytes or operations per second that were reached */
};

struct bench_result {
  struct bench_figure prompt, generation;
  double first_token_seconds, load_seconds;
  struct pe_plan_request plan; /* as it was */
  uint32_t n_layers, n_gpu_layers;
  struct pe_device_info devices[2];
  size_t n_devices;
  struct pe_runtime_counters counters;
};

bool bench_run (const char *path, const struct bench_request *request, struct bench_result *out,
                struct pe_error *error);

/* {"prompt": {"tokens_per_second": …, "limit": …, "share": …}, "generation": …, "devices": […]} */
void bench_write_json (struct pe_json_writer *w, const struct bench_result *result);
