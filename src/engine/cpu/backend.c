/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory and residency of the CPU backend. Weights are the file's mapping; what it takes itself is
 * the cache, recurrent state and working memory, each by the plan.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/cpu/cpu.h"
#include "engine/cpu/pages.h"
#include "engine/split.h"

#include <string.h>

#define RENEW_RATE 1e9 /* bytes a second of a disk from which weights are read once more */

static bool
cpu_supports (const struct pe_device_info *device, const struct pe_model *model,
              const struct pe_program *program, const struct pe_plan_request *request,
              uint32_t stage)
{
  return true;
}

/* The tensors that a stage keeps on the CPU. A tied output shares the embedding's table, which
 * the embedding stage has counted. */
static const int32_t *
stage_tensors (const struct pe_program *program, uint32_t stage, size_t *n)
{
  if (stage == 0) {
    *n = program->n_embed_tensors;
    return program->embed_tensors;
  }
  const struct pe_layer *layer =
      stage <= program->n_layers ? &program->layers[stage - 1] : &program->output;
  *n = layer->n_tensors;
  return layer->tensors;
}

static bool
is_embedding_tensor (const struct pe_program *program, int32_t tensor)
{
  for (size_t i = 0; i < program->n_embed_tensors; i++)
    if (program->embed_tensors[i] == tensor)
      return true;
  return false;
}

static uint64_t
stage_weight_bytes (const struct pe_tensor *tensors, const struct pe_program *program,
                    uint32_t stage)
{
  size_t n;
  const int32_t *list = stage_tensors (program, stage, &n);
  uint64_t bytes = 0;
  for (size_t i = 0; i < n; i++)
    if (stage == 0 || !is_embedding_tensor (program, list[i]))
      bytes += tensors[list[i]].n_bytes;
  return bytes;
}

/* Of a stage that is on a GPU: the weights that stay here. */
static uint64_t
kept_bytes (const struct pe_tensor *tensors, const struct pe_program *program,
            const struct pe_plan *plan, uint32_t stage)
{
  size_t n;
  const int32_t *list = stage_tensors (program, stage, &n);
  const struct pe_ram_part part = pe_ram_part (program, plan, stage);
  uint64_t bytes = 0;
  for (size_t i = 0; i < n; i++)
    if (pe_ram_part_keeps (program, stage, part, list[i]))
      bytes += tensors[list[i]].n_bytes;
  return bytes;
}

static bool
plan_stage (struct pe_plan *plan, const struct pe_tensor *tensors, const struct pe_program *program,
            const struct pe_kv_geometry *kv, uint32_t stage, struct pe_error *error)
{
  if (!pe_plan_add (plan, 0, PE_MEMORY_WEIGHTS, stage, 0, true,
                    stage_weight_bytes (tensors, program, stage), error))
    return false;
  if (stage == 0 || stage > program->n_layers)
    return true;
  uint32_t il = stage - 1;
  if (kv->layers[il].n_kv_heads)
    for (uint32_t s = 0; s < kv->n_segments && pe_kv_segment_pages (kv, il, s); s++)
      if (!pe_plan_add (plan, 0, PE_MEMORY_KV, stage, s, false,
                        pe_kv_segment_pages (kv, il, s) * kv->layers[il].page_bytes, error))
        return false;
  return pe_plan_add (plan, 0, PE_MEMORY_STATE, stage, 0, false,
                      kv->n_state_slots * kv->state_bytes[il], error);
}

static bool
cpu_plan (const struct pe_model *model, const struct pe_program *program, struct pe_plan *plan,
          size_t device, struct pe_error *error)
{
  struct pe_kv_geometry kv;
  struct pe_cpu_layout layout;
  if (!pe_kv_geometry_make (program, &plan->request, &kv, error))
    return false;
  const struct pe_tensor *tensors = pe_model_tensors (model, NULL);
  bool ok = true;
  for (uint32_t s = 0; s < pe_program_n_stages (program) && ok; s++)
    ok = plan->stage_device[s] == 0 ? plan_stage (plan, tensors, program, &kv, s, error)
                                    : pe_plan_add (plan, 0, PE_MEMORY_WEIGHTS, s, 0, true,
                                                   kept_bytes (tensors, program, plan, s), error);
  pe_kv_geometry_clear (&kv);
  if (!ok || !pe_cpu_layout_make (model, program, plan, &layout, error))
    return false;
  ok = pe_plan_add (plan, 0, PE_MEMORY_WORK, PE_STAGE_NONE, 0, false, layout.bytes, error);
  pe_cpu_layout_clear (&layout);
  return ok;
}

/* ---- open, close ---- */

static void
cpu_close (struct pe_backend *b)
{
  if (!b)
    return;
  const struct pe_kv_geometry *kv = b->context.kv;
  for (uint32_t i = 0; b->segments && i < kv->n_layers * kv->n_segments; i++)
    pe_buffer_give (&b->segments[i], &b->count);
  for (uint32_t i = 0; b->states && i < kv->n_layers; i++)
    pe_buffer_give (&b->states[i], &b->count);
  pe_buffer_give (&b->work, &b->count);
  pe_cpu_layout_clear (&b->layout);
  pe_pool_free (b->pool);
  pe_free (b->segments);
  pe_free (b->states);
  pe_free (b->loaded);
  pe_free (b);
}

static bool
cpu_replan (struct pe_backend *b, const struct pe_plan *plan, struct pe_error *error)
{
  struct pe_cpu_layout layout;
  if (!pe_cpu_layout_make (b->context.model, b->program, plan, &layout, error))
    return false;
  struct pe_buffer work = { 0 };
  if (layout.bytes != b->work.bytes) {
    if (layout.bytes &&
        !pe_buffer_take (&work, plan, 0, PE_MEMORY_WORK, PE_STAGE_NONE, 0, &b->count, error)) {
      pe_cpu_layout_clear (&layout);
      return false;
    }
    pe_buffer_give (&b->work, &b->count);
    b->work = work;
  }
  pe_cpu_layout_clear (&b->layout);
  b->layout = layout;
  b->plan = plan;
  b->context.plan = plan;
  b->count.bytes[PE_MEMORY_WEIGHTS] -= b->kept_bytes;
  b->kept_bytes = 0;
  for (uint32_t s = 0; s < pe_program_n_stages (b->program); s++)
    b->kept_bytes += kept_bytes (b->tensors, b->program, plan, s);
  b->count.bytes[PE_MEMORY_WEIGHTS] += b->kept_bytes;
  return true;
}

static bool
cpu_open (const struct pe_backend_context *context, struct pe_backend **out, struct pe_error *error)
{
  const struct pe_kv_geometry *kv = context->kv;
  struct pe_backend *b = pe_calloc (1, sizeof *b);
  if (!b)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  b->context = *context;
  b->program = context->program;
  b->tensors = pe_model_tensors (context->model, NULL);
  b->kernels = pe_kernels_for (pe_cpu_best_level ());
  b->segments = pe_calloc ((size_t) kv->n_layers * kv->n_segments, sizeof *b->segments);
  b->states = pe_calloc (kv->n_layers, sizeof *b->states);
  b->loaded = pe_calloc (pe_program_n_stages (b->program), sizeof *b->loaded);
  bool ok = b->segments && b->states && b->loaded;
  if (!ok)
    pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  ok = ok && pe_pool_new (context->plan->request.n_threads, &b->pool, error) &&
       cpu_replan (b, context->plan, error);
  if (!ok) {
    cpu_close (b);
    return false;
  }
  pe_pages_prefer_large (context->model);
  *out = b;
  return true;
}

/* ---- residency ---- */

/* Where a walk over the weights of a stage has got to; all zero at its beginning. */
struct walk {
  size_t next;     /* in the stage's list */
  uint64_t expert; /* of a tensor whose experts lie apart */
};

/* Walks the weights that are a stage's own; `all`: those too that stay when it goes to a GPU. */
static const struct pe_tensor *
next_weight (const struct pe_backend *b, uint32_t stage, bool all, struct walk *walk)
{
  size_t n;
  const int32_t *list = stage_tensors (b->program, stage, &n);
  const struct pe_ram_part part = pe_ram_part (b->program, b->plan, stage);
  while (walk->next < n) {
    int32_t i = list[walk->next];
    const struct pe_tensor *t = &b->tensors[i];
    bool wanted = (stage == 0 || !is_embedding_tensor (b->program, i)) &&
                  (all || !pe_ram_part_keeps (b->program, stage, part, i));
    if (wanted && t->experts && walk->expert < t->shape[2])
      return &b->tensors[t->experts[walk->expert++]];
    walk->next++;
    walk->expert = 0;
    if (wanted && t->data)
      return t;
  }
  return NULL;
}

/* Lets the kernel have the pages back; the cache keeps them while there is room. */
static void
unmap_weights (struct pe_backend *b, uint32_t stage)
{
  struct walk at = { 0 };
  for (const struct pe_tensor *t; (t = next_weight (b, stage, false, &at)) != NULL;)
    pe_pages_unmap (t);
}

/* Returns whether most of the stage lies in small pages, as far as the kernel tells. */
static bool
read_weights (struct pe_backend *b, uint32_t stage)
{
  uint64_t bytes = 0, small = 0;
  struct walk at = { 0 };
  for (const struct pe_tensor *t; (t = next_weight (b, stage, true, &at)) != NULL;) {
    pe_pages_read (t);
    bytes += t->n_bytes;
    if (!b->keep_pages && t->n_bytes >= PE_PAGES_WORTH_IT && pe_pages_are_small (t))
      small += t->n_bytes;
  }
  return small > bytes / 2;
}

/* A file that was cached before, by a download say, lies in small pages. Reading it once more pays
 * where the disk is quick; the first stage tells. */
static void
renew_weights (struct pe_backend *b, uint32_t stage)
{
  uint64_t bytes = 0;
  struct walk at = { 0 };
  double start = pe_clock ();
  for (const struct pe_tensor *t; (t = next_weight (b, stage, true, &at)) != NULL;) {
    pe_pages_forget (b->context.model, t);
    bytes += t->n_bytes;
  }
  bool small = read_weights (b, stage);
  b->keep_pages = small || (double) bytes < RENEW_RATE * (pe_clock () - start);
}

static void
cpu_drop_stage (struct pe_backend *b, uint32_t stage)
{
  const struct pe_kv_geometry *kv = b->context.kv;
  if (stage >= 1 && stage <= b->program->n_layers) {
    uint32_t il = stage - 1;
    for (uint32_t s = 0; s < kv->n_segments; s++)
      pe_buffer_give (&b->segments[il * kv->n_segments + s], &b->count);
    pe_buffer_give (&b->states[il], &b->count);
  }
  if (b->loaded[stage]) {
    b->count.bytes[PE_MEMORY_WEIGHTS] -= stage_weight_bytes (b->tensors, b->program, stage);
    unmap_weights (b, stage);
  }
  b->loaded[stage] = false;
}

static bool
cpu_reserve_stage (struct pe_backend *b, uint32_t stage, struct pe_error *error)
{
  const struct pe_kv_geometry *kv = b->context.kv;
  if (stage == 0 || stage > b->program->n_layers)
    return true;
  uint32_t il = stage - 1;
  bool ok = true;
  for (uint32_t s = 0; s < kv->n_segments && kv->layers[il].n_kv_heads && ok; s++)
    if (pe_kv_segment_pages (kv, il, s) && !b->segments[il * kv->n_segments + s].data)
      ok = pe_buffer_take (&b->segments[il * kv->n_segments + s], b->plan, 0, PE_MEMORY_KV, stage,
                           s, &b->count, error);
  if (ok && kv->state_bytes[il] && !b->states[il].data)
    ok = pe_buffer_take (&b->states[il], b->plan, 0, PE_MEMORY_STATE, stage, 0, &b->count, error);
  if (!ok)
    cpu_drop_stage (b, stage);
  return ok;
}

static bool
cpu_load_stage (struct pe_backend *b, uint32_t stage, bool from_mapping, struct pe_error *error)
{
  if (!cpu_reserve_stage (b, stage, error))
    return false;
  if (!b->loaded[stage]) {
    b->loaded[stage] = true;
    b->count.bytes[PE_MEMORY_WEIGHTS] += stage_weight_bytes (b->tensors, b->program, stage);
    if (read_weights (b, stage) && !from_mapping)
      renew_weights (b, stage);
  }
  return true;
}

static bool
cpu_read_page (struct pe_backend *b, uint32_t stage, uint32_t page, void *host,
               struct pe_error *error)
{
  memcpy (host, pe_cpu_page (b, stage - 1, page), b->context.kv->layers[stage - 1].page_bytes);
  return true;
}

static bool
cpu_write_page (struct pe_backend *b, uint32_t stage, uint32_t page, const void *host,
                struct pe_error *error)
{
  memcpy (pe_cpu_page (b, stage - 1, page), host, b->context.kv->layers[stage - 1].page_bytes);
  return true;
}

static bool
cpu_copy_page (struct pe_backend *b, uint32_t stage, uint32_t from, uint32_t to,
               struct pe_error *error)
{
  return cpu_write_page (b, stage, to, pe_cpu_page (b, stage - 1, from), error);
}

static bool
cpu_read_state (struct pe_backend *b, uint32_t stage, uint32_t slot, void *host,
                struct pe_error *error)
{
  memcpy (host, pe_cpu_state (b, stage - 1, slot, 0), b->context.kv->state_bytes[stage - 1]);
  return true;
}

static bool
cpu_write_state (struct pe_backend *b, uint32_t stage, uint32_t slot, const void *host,
                 struct pe_error *error)
{
  memcpy (pe_cpu_state (b, stage - 1, slot, 0), host, b->context.kv->state_bytes[stage - 1]);
  return true;
}

/* ---- compute ---- */

/* Moves the carried values in or out; rows of the pass, value after value. */
static void
exchange_rows (struct pe_backend *b, float *host, bool inwards)
{
  for (size_t v = 0; v < b->program->n_values; v++) {
    const struct pe_value *value = &b->program->values[v];
    if (!value->carry)
      continue;
    float *mine = (float *) ((char *) b->work.data + b->layout.values[v]);
    size_t n = (size_t) b->pass->n_rows * value->width;
    memcpy (inwards ? mine : host, inwards ? host : mine, n * sizeof *host);
    host += n;
  }
}

static void
begin_pass (struct pe_backend *b, const struct pe_pass *pass)
{
  b->pass = pass;
  b->n_rows = pass->n_rows;
  b->quantised.valid = false;
  for (unsigned i = 0; i < PE_CPU_ROPE_TABLES; i++)
    b->rope[i].valid = false;
}

static bool
cpu_run_part (struct pe_backend *b, const struct pe_pass *pass, uint32_t stage, size_t first,
              size_t end, struct pe_error *error)
{
  begin_pass (b, pass);
  return pe_cpu_run_operations (b, stage, first, end, error);
}

static float *
cpu_part_rows (struct pe_backend *b, uint16_t value)
{
  return (float *) ((char *) b->work.data + b->layout.values[value]);
}

static bool
cpu_start (struct pe_backend *b, const struct pe_pass *pass, uint32_t first, uint32_t end,
           const struct pe_exchange *exchange, struct pe_error *error)
{
  begin_pass (b, pass);
  b->exchange = exchange;
  if (first > 0 && exchange->in)
    exchange_rows (b, exchange->in, true);
  for (uint32_t stage = first; stage < end; stage++) {
    if (atomic_load_explicit (b->context.cancel, memory_order_relaxed))
      return pe_fail (error, PE_ERROR_CANCELLED, "stopped");
    if (!pe_cpu_run_stage (b, stage, error))
      return false;
  }
  if (end < pe_program_n_stages (b->program) && exchange->out)
    exchange_rows (b, exchange->out, false);
  return true;
}

static bool
cpu_finish (struct pe_backend *b, struct pe_error *error)
{
  return true; /* cpu_start did the work */
}

static uint64_t
cpu_allocated (const struct pe_backend *b, enum pe_memory_kind kind)
{
  return b->count.bytes[kind];
}

static void
cpu_count (const struct pe_backend *b, struct pe_backend_count *out)
{
  *out = (struct pe_backend_count){ .barriers = pe_pool_n_barriers (b->pool) };
}

const struct pe_backend_ops pe_cpu_backend = {
  .name = "CPU",
  .supports = cpu_supports,
  .plan = cpu_plan,
  .open = cpu_open,
  .close = cpu_close,
  .replan = cpu_replan,
  .reserve_stage = cpu_reserve_stage,
  .load_stage = cpu_load_stage,
  .drop_stage = cpu_drop_stage,
  .read_page = cpu_read_page,
  .write_page = cpu_write_page,
  .copy_page = cpu_copy_page,
  .read_state = cpu_read_state,
  .write_state = cpu_write_state,
  .start = cpu_start,
  .finish = cpu_finish,
  .run_part = cpu_run_part,
  .part_rows = cpu_part_rows,
  .allocated = cpu_allocated,
  .count = cpu_count,
};
