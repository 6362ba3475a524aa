/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loads a model in the largest way that the memory allows: a load never fails for memory where a
 * smaller plan would do.
 */
#pragma once

#include "base/error.h"
#include "engine/plan.h"
#include "engine/runtime.h"

#define WORKER_NOTE_BYTES 512

/* Why a plan did not work. */
enum load_obstacle {
  LOAD_RAM,        /* the host's memory */
  LOAD_GPU_MEMORY, /* the device's memory */
  LOAD_GPU,        /* the device does not work at all */
};

/* Makes the request (of a plan, defaults filled in) one step smaller: fewer GPU layers; a smaller
 * batch, then 8-bit KV, then a shorter context. False: nothing is left to give up. */
bool worker_step_down (struct pe_plan_request *request, enum load_obstacle obstacle);

/* Whether a plan fits what its devices say they have left; if not, what is short. */
bool worker_plan_fits (const struct pe_plan *plan, enum load_obstacle *obstacle);

/* Writes a sentence about what `now` has less of than `wanted` (both with defaults filled in), or
 * "" when there is nothing. `n_layers` as in the plan. */
void worker_describe_change (const struct pe_plan_request *wanted,
                             const struct pe_plan_request *now, uint32_t n_layers,
                             char note[WORKER_NOTE_BYTES]);

/* Compiled kernels of an earlier run, see pe_runtime_create_with(). */
struct worker_kernels {
  const void *bytes;
  size_t n;
};

/* Plans and loads. `devices`: the CPU and perhaps GPUs, with what they have left now. `kernels` may
 * be NULL. */
bool worker_load (const struct pe_model *model, const struct pe_plan_request *request,
                  const struct pe_device_info *devices, size_t n_devices,
                  const struct worker_kernels *kernels, const struct pe_progress *progress,
                  struct pe_runtime **out, char note[WORKER_NOTE_BYTES], struct pe_error *error);

/* Losses of a device after which it is not used any more. */
#define WORKER_MAX_LOSSES 2

/* Codes after which worker_recover() is worth a try. */
bool worker_is_gpu_failure (enum pe_code code);

struct worker_recovery {
  const struct pe_model *model;
  const struct pe_device_info *devices; /* with what they have left now */
  size_t n_devices;
  const struct worker_kernels *kernels; /* or NULL */
  unsigned n_losses;                    /* so far */
  /* Frees all sequences of the runtime: it is about to go. */
  void (*forget) (void *data);
  void *data;
};

/* After a computation failed on the GPU with *error: moves layers off it if its memory is full,
 * otherwise loads the model again, without the GPU in the end. *runtime may be another one, or
 * NULL on failure, whose reason *error then holds; the tokens of forgotten sequences are for the
 * caller to evaluate again. `note`: what happened and what changed, as a sentence or two. */
bool worker_recover (struct worker_recovery *recovery, struct pe_runtime **runtime,
                     char note[WORKER_NOTE_BYTES], struct pe_error *error);
