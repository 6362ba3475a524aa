/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything that is to be known of a model on one GPU, in one run: the device's limits, whether
 * the logits are the CPU's, cold start, generation at three depths, prompts, splits, moves.
 */
#pragma once

#include "engine/parley-engine.h"

struct bench_gpu_request {
  struct pe_plan_request plan;
  uint32_t depths[3], prompts[2]; /* tokens */
  uint32_t n_gen;
};

/* Writes an object of everything to `w`, and lines for people to standard error as they come. */
bool bench_gpu_run (const char *path, const struct bench_gpu_request *request,
                    struct pe_json_writer *w, struct pe_error *error);
