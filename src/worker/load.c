/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SMALLEST_BATCH   32
#define SMALLEST_CONTEXT 512

static bool
is_wide (enum pe_type type)
{
  return type == PE_TYPE_F32 || type == PE_TYPE_F16;
}

static bool
step_down_ram (struct pe_plan_request *r)
{
  if (r->n_batch > SMALLEST_BATCH) {
    r->n_batch = r->n_batch / 4 > SMALLEST_BATCH ? r->n_batch / 4 : SMALLEST_BATCH;
    return true;
  }
  if (is_wide (r->k_type) || is_wide (r->v_type)) {
    r->k_type = is_wide (r->k_type) ? PE_TYPE_Q8_0 : r->k_type;
    r->v_type = is_wide (r->v_type) ? PE_TYPE_Q8_0 : r->v_type;
    return true;
  }
  if (r->n_ctx > SMALLEST_CONTEXT) {
    r->n_ctx = r->n_ctx / 2 > SMALLEST_CONTEXT ? r->n_ctx / 2 : SMALLEST_CONTEXT;
    return true;
  }
  return false;
}

bool
worker_step_down (struct pe_plan_request *r, enum load_obstacle obstacle)
{
  if (obstacle == LOAD_RAM)
    return step_down_ram (r);
  if (r->n_gpu_layers == 0)
    return false;
  int32_t fewer = r->n_gpu_layers / 8 > 1 ? r->n_gpu_layers / 8 : 1;
  r->n_gpu_layers = obstacle == LOAD_GPU ? 0 : r->n_gpu_layers - fewer;
  return true;
}

bool
worker_plan_fits (const struct pe_plan *plan, enum load_obstacle *obstacle)
{
  for (size_t d = 0; d < plan->n_devices; d++) {
    uint64_t own = 0, available = plan->devices[d].memory_available;
    for (size_t i = 0; i < plan->n_allocations; i++)
      if (plan->allocations[i].device == d && !plan->allocations[i].mapped)
        own += plan->allocations[i].bytes;
    if (available == 0 || own <= available)
      continue;
    *obstacle = d == 0 ? LOAD_RAM : LOAD_GPU_MEMORY;
    return false;
  }
  return true;
}

/* ---- in words ---- */

struct sentence {
  char *text;
  size_t n;
  unsigned n_clauses;
};

static void __attribute__ ((format (printf, 2, 3)))
add_clause (struct sentence *s, const char *format, ...)
{
  int start = snprintf (s->text + s->n, WORKER_NOTE_BYTES - s->n, "%s",
                        s->n_clauses ? ", " : "To fit into memory, ");
  s->n += (size_t) start;
  va_list args;
  va_start (args, format);
  int n = vsnprintf (s->text + s->n, WORKER_NOTE_BYTES - s->n, format, args);
  va_end (args);
  s->n += (size_t) n;
  s->n_clauses++;
}

void
worker_describe_change (const struct pe_plan_request *wanted, const struct pe_plan_request *now,
                        uint32_t n_layers, char note[WORKER_NOTE_BYTES])
{
  struct sentence s = { .text = note };
  note[0] = 0;
  if (now->n_gpu_layers < wanted->n_gpu_layers)
    add_clause (&s, "%d of %u layers are on the GPU instead of %d", now->n_gpu_layers, n_layers + 1,
                wanted->n_gpu_layers);
  if (now->n_batch < wanted->n_batch && now->n_ctx == wanted->n_ctx)
    add_clause (&s, "the prompt is read in steps of %u tokens instead of %u", now->n_batch,
                wanted->n_batch);
  if (now->k_type != wanted->k_type || now->v_type != wanted->v_type)
    add_clause (&s, "the context is kept in 8 bits");
  if (now->n_ctx < wanted->n_ctx)
    add_clause (&s, "the context is %u tokens long instead of %u", now->n_ctx, wanted->n_ctx);
  if (s.n_clauses)
    snprintf (note + s.n, WORKER_NOTE_BYTES - s.n, ".");
}

/* ---- loading ---- */

static bool
obstacle_of (enum pe_code code, const struct pe_plan *plan, enum load_obstacle *obstacle)
{
  bool uses_gpu = plan->request.n_gpu_layers > 0;
  switch (code) {
  case PE_ERROR_MEMORY: *obstacle = LOAD_RAM; return true;
  case PE_ERROR_DEVICE_MEMORY: *obstacle = LOAD_GPU_MEMORY; return uses_gpu;
  case PE_ERROR_DEVICE:
  case PE_ERROR_DEVICE_LOST: *obstacle = LOAD_GPU; return uses_gpu;
  default: return false;
  }
}

/* Plans, steps down until the plan fits or nothing is left to give up, and loads; each time that
 * loading fails for memory, once more with less. */
static bool
load_on (const struct pe_model *model, const struct pe_plan_request *request,
         const struct pe_device_info *devices, size_t n_devices,
         const struct worker_kernels *kernels, const struct pe_progress *progress,
         struct pe_runtime **out, struct pe_error *error)
{
  struct pe_plan_request smaller = *request, larger = *request;
  for (;;) {
    struct pe_plan *plan;
    if (!pe_plan_make (model, &smaller, devices, n_devices, &plan, error)) {
      /* Not every model's cache can be kept in 8 bits: go on without that. */
      bool narrowed = smaller.k_type != larger.k_type || smaller.v_type != larger.v_type;
      if (!narrowed || error->code == PE_ERROR_MEMORY || smaller.n_ctx <= SMALLEST_CONTEXT)
        return false;
      larger.n_ctx = smaller.n_ctx;
      smaller.k_type = larger.k_type;
      smaller.v_type = larger.v_type;
      smaller.n_ctx /= 2;
      continue;
    }
    enum load_obstacle obstacle;
    struct pe_plan_request next = plan->request;
    if (!worker_plan_fits (plan, &obstacle) && worker_step_down (&next, obstacle)) {
      pe_plan_free (plan);
      larger = smaller;
      smaller = next;
      continue;
    }
    bool ok = pe_runtime_create_with (model, plan, progress, kernels ? kernels->bytes : NULL,
                                      kernels ? kernels->n : 0, out, error);
    next = plan->request;
    bool again =
        !ok && obstacle_of (error->code, plan, &obstacle) && worker_step_down (&next, obstacle);
    pe_plan_free (plan);
    if (!again)
      return ok;
    larger = smaller;
    smaller = next;
  }
}

/* Whether the same load without the GPU may go well: drivers fail in many words. */
static bool
gpu_may_be_why (enum pe_code code)
{
  switch (code) {
  case PE_ERROR_DEVICE:
  case PE_ERROR_DEVICE_LOST:
  case PE_ERROR_DEVICE_MEMORY:
  case PE_ERROR_UNSUPPORTED:
  case PE_ERROR_MEMORY: return true;
  default: return false;
  }
}

bool
worker_load (const struct pe_model *model, const struct pe_plan_request *request,
             const struct pe_device_info *devices, size_t n_devices,
             const struct worker_kernels *kernels, const struct pe_progress *progress,
             struct pe_runtime **out, char note[WORKER_NOTE_BYTES], struct pe_error *error)
{
  /* What was wanted, with the defaults filled in, to compare with what is. */
  struct pe_plan *wanted;
  if (!pe_plan_make (model, request, devices, n_devices, &wanted, error))
    return false;
  bool ok = load_on (model, request, devices, n_devices, kernels, progress, out, error);
  bool gpu_failed = !ok && n_devices > 1 && gpu_may_be_why (error->code);
  char why[160] = "";
  if (gpu_failed) {
    snprintf (why, sizeof why, "The GPU is not used: %.120s.", error->message);
    ok = load_on (model, request, devices, 1, NULL, progress, out, error);
  }
  if (ok) {
    const struct pe_plan *now = pe_runtime_plan (*out);
    worker_describe_change (&wanted->request, &now->request, now->n_layers, note);
    if (gpu_failed)
      memcpy (note, why, sizeof why);
    else if (!note[0] && now->note[0])
      snprintf (note, WORKER_NOTE_BYTES, "%s.", now->note);
  }
  pe_plan_free (wanted);
  return ok;
}

/* ---- going on after a failure ---- */

bool
worker_is_gpu_failure (enum pe_code code)
{
  return code == PE_ERROR_DEVICE || code == PE_ERROR_DEVICE_MEMORY || code == PE_ERROR_DEVICE_LOST;
}

/* Some layers fewer, moved while everything else stays as it is. */
static bool
place_fewer (struct pe_runtime *runtime, struct pe_error *error)
{
  struct pe_plan_request r = pe_runtime_plan (runtime)->request;
  return worker_step_down (&r, LOAD_GPU_MEMORY) &&
         pe_runtime_place (runtime, (uint32_t) r.n_gpu_layers, error);
}

static void
describe_recovery (const struct pe_error *failure, const struct pe_plan_request *before,
                   const struct pe_plan *now, const char *loaded, char note[WORKER_NOTE_BYTES])
{
  char change[WORKER_NOTE_BYTES];
  worker_describe_change (before, &now->request, now->n_layers, change);
  const char *rest = change[0] ? change : loaded[0] ? loaded : "It was started anew.";
  int n = snprintf (note, WORKER_NOTE_BYTES, "%.200s. %.300s", failure->message, rest);
  if (n > 0 && note[0] >= 'a' && note[0] <= 'z')
    note[0] = (char) (note[0] - 'a' + 'A');
}

bool
worker_recover (struct worker_recovery *r, struct pe_runtime **runtime,
                char note[WORKER_NOTE_BYTES], struct pe_error *error)
{
  const struct pe_error failure = *error;
  struct pe_plan_request before = pe_runtime_plan (*runtime)->request, request = before;
  char loaded[WORKER_NOTE_BYTES] = "";
  if (failure.code != PE_ERROR_DEVICE_MEMORY || !place_fewer (*runtime, error)) {
    /* A device that fails again and again is not asked any more. */
    bool give_up = ++r->n_losses > WORKER_MAX_LOSSES;
    if (give_up)
      request.n_gpu_layers = 0;
    r->forget (r->data);
    pe_runtime_free (*runtime);
    *runtime = NULL;
    if (!worker_load (r->model, &request, r->devices, give_up ? 1 : r->n_devices, r->kernels, NULL,
                      runtime, loaded, error))
      return false;
  }
  describe_recovery (&failure, &before, pe_runtime_plan (*runtime), loaded, note);
  return true;
}
