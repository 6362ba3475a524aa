/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening, closing and residency of the Vulkan backend. Every buffer is taken by its entry in the
 * plan.
 */
#include "engine/vulkan/vulkan.h"

#include "base/alloc.h"
#include "engine/split.h"
#include "engine/tensor.h"
#include "engine/vulkan/cache.h"
#include "shaders/shared/arguments.h"

#include <string.h>

/* ---- buffers by plan ---- */

static bool
take (struct pe_backend *b, enum pe_memory_kind kind, uint32_t stage, uint32_t index,
      enum pe_gpu_place place, struct pe_gpu_buffer *out, struct pe_error *error)
{
  const struct pe_allocation *a = pe_plan_find (b->plan, b->context.device, kind, stage, index);
  if (!a)
    return pe_fail (error, PE_ERROR_ARGUMENT, "the plan has no buffer of kind %s for stage %d",
                    pe_memory_kind_name (kind), (int) stage);
  return pe_gpu_take (&b->gpu, a, place, out, error);
}

static void
give_shared (struct pe_backend *b)
{
  pe_gpu_give (&b->gpu, &b->work);
  pe_gpu_give (&b->gpu, &b->ring);
  pe_gpu_give (&b->gpu, &b->exchange);
  pe_gpu_give (&b->gpu, &b->logits);
  pe_gpu_give (&b->gpu, &b->tables);
}

static bool
take_shared (struct pe_backend *b, struct pe_error *error)
{
  bool ok = take (b, PE_MEMORY_TABLES, PE_STAGE_NONE, 0, PE_GPU_TABLE, &b->tables, error) &&
            take (b, PE_MEMORY_WORK, PE_STAGE_NONE, 0, PE_GPU_LOCAL, &b->work, error) &&
            take (b, PE_MEMORY_STAGING, PE_STAGE_NONE, PE_GPU_STAGING_RING, PE_GPU_HOST, &b->ring,
                  error) &&
            take (b, PE_MEMORY_STAGING, PE_STAGE_NONE, PE_GPU_STAGING_EXCHANGE, PE_GPU_HOST,
                  &b->exchange, error) &&
            take (b, PE_MEMORY_LOGITS, PE_STAGE_NONE, 0, PE_GPU_HOST, &b->logits, error);
  unsigned char books[PE_BOOK_BYTES];
  if (ok) {
    pe_gpu_write_books (books);
    ok = pe_gpu_write (b, &b->work, 0, books, sizeof books, error);
    b->work.address += sizeof books;
  }
  if (!ok)
    give_shared (b);
  return ok;
}

static bool
uses_device (const struct pe_backend *b, const struct pe_plan *plan)
{
  for (uint32_t s = 1; s < pe_program_n_stages (b->program); s++)
    if (plan->stage_device[s] == b->context.device)
      return true;
  return false;
}

/* ---- residency ---- */

static bool
has_cache (const struct pe_backend *b, uint32_t stage)
{
  return stage >= 1 && stage <= b->program->n_layers && b->kv->layers[stage - 1].n_kv_heads > 0;
}

static bool
holds_stages (const struct pe_backend *b)
{
  for (uint32_t s = 1; s < pe_program_n_stages (b->program); s++)
    if (b->stages[s].loaded)
      return true;
  return false;
}

static void
vulkan_drop_stage (struct pe_backend *b, uint32_t stage)
{
  struct pe_gpu_stage *s = &b->stages[stage];
  if (!b->gpu.device)
    return;
  /* Straight from the table: nothing may fail here. */
  b->gpu.vk.DeviceWaitIdle (b->gpu.device);
  pe_gpu_forget_recording (b, stage);
  for (uint32_t i = 0; i < s->n_slabs; i++)
    pe_gpu_give (&b->gpu, &s->slabs[i]);
  for (uint32_t i = 0; s->segments && i < b->kv->n_segments; i++)
    pe_gpu_give (&b->gpu, &s->segments[i]);
  pe_gpu_give (&b->gpu, &s->states);
  if (stage == 1)
    pe_gpu_give_table (b);
  pe_free (s->slabs);
  pe_free (s->segments);
  pe_free (s->addresses);
  memset (s, 0, sizeof *s);
  /* The last one out: until here its pages were still read through the shared buffers. */
  if (b->plan && !uses_device (b, b->plan) && !holds_stages (b))
    give_shared (b);
}

/* Walks the tensors as the plan did: once for the number of slabs, once for the offsets. */
static uint32_t
count_slabs (const struct pe_backend *b, uint32_t stage)
{
  const struct pe_layer *layer = pe_gpu_layer (b->program, stage);
  const struct pe_ram_part part = pe_ram_part (b->program, b->plan, stage);
  struct pe_gpu_slab_cursor cursor = { 0 };
  for (size_t i = 0; i < layer->n_tensors; i++)
    if (!pe_ram_part_keeps (b->program, stage, part, layer->tensors[i]))
      pe_gpu_place_tensor (&cursor, &b->tensors[layer->tensors[i]],
                           b->plan->devices[b->context.device].max_allocation);
  return layer->n_tensors ? cursor.slab + 1 : 0;
}

static bool
take_slabs (struct pe_backend *b, uint32_t stage, struct pe_error *error)
{
  const struct pe_layer *layer = pe_gpu_layer (b->program, stage);
  struct pe_gpu_stage *s = &b->stages[stage];
  uint32_t n_slabs = count_slabs (b, stage);
  s->slabs = pe_calloc (n_slabs, sizeof *s->slabs);
  s->addresses = pe_calloc (layer->n_tensors, sizeof *s->addresses);
  if (!s->slabs || !s->addresses)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  for (; s->n_slabs < n_slabs; s->n_slabs++)
    if (!take (b, PE_MEMORY_WEIGHTS, stage, s->n_slabs, PE_GPU_LOCAL, &s->slabs[s->n_slabs], error))
      return false;
  return true;
}

static bool
take_cache (struct pe_backend *b, uint32_t stage, struct pe_error *error)
{
  struct pe_gpu_stage *s = &b->stages[stage];
  if (stage <= b->program->n_layers && b->kv->state_bytes[stage - 1] &&
      !take (b, PE_MEMORY_STATE, stage, 0, PE_GPU_LOCAL, &s->states, error))
    return false;
  if (!has_cache (b, stage))
    return true;
  s->segments = pe_calloc (b->kv->n_segments, sizeof *s->segments);
  if (!s->segments)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  for (uint32_t i = 0; i < b->kv->n_segments; i++)
    if (pe_kv_segment_pages (b->kv, stage - 1, i) &&
        !take (b, PE_MEMORY_KV, stage, i, PE_GPU_LOCAL, &s->segments[i], error))
      return false;
  return true;
}

static bool
vulkan_reserve_stage (struct pe_backend *b, uint32_t stage, struct pe_error *error)
{
  if (b->stages[stage].slabs)
    return true;
  if (!b->tables.mapped)
    return pe_fail (error, PE_ERROR_ARGUMENT, "the plan puts no stage on the GPU");
  if (take_slabs (b, stage, error) && take_cache (b, stage, error) &&
      (stage != 1 || pe_gpu_take_table (b, error)))
    return true;
  vulkan_drop_stage (b, stage);
  return false;
}

static bool
load_weights (struct pe_backend *b, uint32_t stage, bool from_mapping, struct pe_error *error)
{
  const struct pe_layer *layer = pe_gpu_layer (b->program, stage);
  struct pe_gpu_stage *s = &b->stages[stage];
  struct pe_gpu_slab_cursor cursor = { 0 };
  const struct pe_ram_part part = pe_ram_part (b->program, b->plan, stage);
  struct pe_gpu_upload *items = pe_calloc (layer->n_tensors, sizeof *items);
  size_t n = 0;
  if (!items)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  for (size_t i = 0; i < layer->n_tensors; i++) {
    const struct pe_tensor *t = &b->tensors[layer->tensors[i]];
    if (pe_ram_part_keeps (b->program, stage, part, layer->tensors[i]))
      continue;
    uint64_t at =
        pe_gpu_place_tensor (&cursor, t, b->plan->devices[b->context.device].max_allocation);
    s->addresses[i] = s->slabs[cursor.slab].address + at;
    items[n++] = (struct pe_gpu_upload){ t, &s->slabs[cursor.slab], at };
  }
  bool ok = pe_gpu_upload_tensors (b, items, n, from_mapping, error);
  pe_free (items);
  return ok;
}

static bool
vulkan_load_stage (struct pe_backend *b, uint32_t stage, bool from_mapping, struct pe_error *error)
{
  struct pe_gpu_stage *s = &b->stages[stage];
  if (s->loaded)
    return true;
  if (!vulkan_reserve_stage (b, stage, error))
    return false;
  pe_gpu_expect_kernels (b);
  if (!load_weights (b, stage, from_mapping, error) ||
      (stage == 1 && !pe_gpu_load_table (b, from_mapping, error)) ||
      !pe_gpu_write_stage_tables (b, stage, error)) {
    vulkan_drop_stage (b, stage);
    return false;
  }
  s->loaded = true;
  return true;
}

static bool
replan_shared (struct pe_backend *b, struct pe_error *error)
{
  struct pe_gpu_layout layout;
  if (!pe_gpu_layout_make (b->program, &b->plan->request, b->kv, &layout, error))
    return false;
  bool wanted = uses_device (b, b->plan);
  /* Where things lie follows from program and request alone; moving a layer changes neither. */
  bool same = b->tables.mapped && layout.work_bytes == b->layout.work_bytes &&
              layout.exchange_bytes == b->layout.exchange_bytes &&
              layout.table_bytes == b->layout.table_bytes;
  if ((wanted || holds_stages (b)) && same) {
    pe_gpu_layout_clear (&layout);
    return true;
  }
  pe_gpu_forget_recordings (b);
  give_shared (b);
  pe_gpu_layout_clear (&b->layout);
  b->layout = layout;
  if (!wanted)
    return true;
  if (!take_shared (b, error))
    return false;
  for (uint32_t s = 1; s < pe_program_n_stages (b->program); s++)
    if (b->stages[s].loaded && !pe_gpu_write_stage_tables (b, s, error))
      return false;
  return true;
}

/* The table of embeddings comes with the first layer. What there is room for beside it may change
 * while that stays. */
static bool
replan_table (struct pe_backend *b, struct pe_error *error)
{
  if (pe_gpu_plans_table (b))
    return !b->stages[1].loaded ||
           (pe_gpu_take_table (b, error) && pe_gpu_load_table (b, true, error));
  if (b->table.buffer)
    b->gpu.vk.DeviceWaitIdle (b->gpu.device);
  pe_gpu_give_table (b);
  return true;
}

static bool
vulkan_replan (struct pe_backend *b, const struct pe_plan *plan, struct pe_error *error)
{
  const struct pe_plan *before = b->plan;
  b->plan = plan;
  if (replan_shared (b, error) && replan_table (b, error))
    return true;
  b->plan = before;
  return false;
}

/* ---- open, close ---- */

static void
vulkan_close (struct pe_backend *b)
{
  if (!b)
    return;
  if (b->gpu.device) {
    for (uint32_t s = 0; b->stages && s < pe_program_n_stages (b->program); s++)
      vulkan_drop_stage (b, s);
    give_shared (b);
    pe_gpu_profile_close (b);
    pe_gpu_drop_commands (b);
    if (b->copy_pool)
      b->gpu.vk.DestroyCommandPool (b->gpu.device, b->copy_pool, NULL);
    pe_gpu_pipelines_close (&b->gpu, &b->pipelines);
  }
  pe_gpu_close (&b->gpu);
  pe_gpu_layout_clear (&b->layout);
  pe_free (b->stages);
  pe_free (b);
}

static bool
open_pipelines (struct pe_backend *b, struct pe_error *error)
{
  size_t n;
  const void *blob = pe_gpu_cache_find (&b->gpu, b->context.kernels, b->context.n_kernels, &n);
  b->context.kernels = NULL;
  b->kernel_bytes = n;
  return pe_gpu_pipelines_open (&b->gpu, blob, n, &b->pipelines, error);
}

static bool
vulkan_open (const struct pe_backend_context *context, struct pe_backend **out,
             struct pe_error *error)
{
  struct pe_backend *b = pe_calloc (1, sizeof *b);
  if (!b)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  b->context = *context;
  b->program = context->program;
  b->tensors = pe_model_tensors (context->model, NULL);
  b->kv = context->kv;
  b->now = b->flights;
  b->stages = pe_calloc (pe_program_n_stages (b->program), sizeof *b->stages);
  bool ok = b->stages || pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the engine");
  ok = ok && pe_gpu_open (context->plan->devices[context->device].id, &b->gpu, error) &&
       open_pipelines (b, error) && pe_gpu_make_commands (b, error) &&
       pe_gpu_profile_open (b, error) && pe_gpu_open_ring (b, error) &&
       vulkan_replan (b, context->plan, error);
  if (!ok) {
    vulkan_close (b);
    return false;
  }
  *out = b;
  return true;
}

/* ---- cache pages ---- */

static const struct pe_gpu_buffer *
page_place (const struct pe_backend *b, uint32_t stage, uint32_t page, uint64_t *offset)
{
  *offset = (page % PE_SEGMENT_PAGES) * b->kv->layers[stage - 1].page_bytes;
  return &b->stages[stage].segments[page / PE_SEGMENT_PAGES];
}

static bool
vulkan_read_page (struct pe_backend *b, uint32_t stage, uint32_t page, void *host,
                  struct pe_error *error)
{
  uint64_t offset;
  const struct pe_gpu_buffer *segment = page_place (b, stage, page, &offset);
  return pe_gpu_read (b, segment, offset, host, b->kv->layers[stage - 1].page_bytes, error);
}

static bool
vulkan_write_page (struct pe_backend *b, uint32_t stage, uint32_t page, const void *host,
                   struct pe_error *error)
{
  uint64_t offset;
  const struct pe_gpu_buffer *segment = page_place (b, stage, page, &offset);
  return pe_gpu_write (b, segment, offset, host, b->kv->layers[stage - 1].page_bytes, error);
}

static bool
vulkan_copy_page (struct pe_backend *b, uint32_t stage, uint32_t from, uint32_t to,
                  struct pe_error *error)
{
  uint64_t from_offset, to_offset;
  const struct pe_gpu_buffer *source = page_place (b, stage, from, &from_offset);
  const struct pe_gpu_buffer *target = page_place (b, stage, to, &to_offset);
  return pe_gpu_copy (b, source, from_offset, target, to_offset,
                      b->kv->layers[stage - 1].page_bytes, error);
}

static bool
vulkan_read_state (struct pe_backend *b, uint32_t stage, uint32_t slot, void *host,
                   struct pe_error *error)
{
  uint64_t bytes = b->kv->state_bytes[stage - 1];
  return pe_gpu_read (b, &b->stages[stage].states, slot * bytes, host, bytes, error);
}

static bool
vulkan_write_state (struct pe_backend *b, uint32_t stage, uint32_t slot, const void *host,
                    struct pe_error *error)
{
  uint64_t bytes = b->kv->state_bytes[stage - 1];
  return pe_gpu_write (b, &b->stages[stage].states, slot * bytes, host, bytes, error);
}

/* ---- figures ---- */

static uint64_t
vulkan_allocated (const struct pe_backend *b, enum pe_memory_kind kind)
{
  return b->gpu.bytes[kind];
}

static void
vulkan_count (const struct pe_backend *b, struct pe_backend_count *out)
{
  *out = (struct pe_backend_count){ .submits = b->gpu.n_submits,
                                    .dispatches = b->n_dispatches,
                                    .longest_submit = b->longest_submit,
                                    .result_bytes = b->result_bytes,
                                    .weight_bytes = b->weight_bytes,
                                    .mapped_bytes = b->mapped_bytes,
                                    .kernels_ahead = b->pipelines.n_ahead,
                                    .kernels_late = b->pipelines.n_late,
                                    .kernel_bytes = b->kernel_bytes };
}

static void *
vulkan_kernels (struct pe_backend *b, const void *before, size_t n_before, size_t *n_bytes)
{
  size_t n;
  *n_bytes = 0;
  void *blob = pe_gpu_pipelines_blob (&b->gpu, &b->pipelines, &n);
  void *file = blob ? pe_gpu_cache_store (&b->gpu.info, blob, n, before, n_before, n_bytes) : NULL;
  pe_free (blob);
  return file;
}

static bool
vulkan_memory_left (struct pe_backend *b, int64_t *out)
{
  return pe_gpu_memory_left (&b->gpu, out);
}

const struct pe_backend_ops pe_vulkan_backend = {
  .name = "Vulkan",
  .supports = pe_gpu_supports,
  .plan = pe_gpu_plan,
  .open = vulkan_open,
  .close = vulkan_close,
  .replan = vulkan_replan,
  .reserve_stage = vulkan_reserve_stage,
  .load_stage = vulkan_load_stage,
  .drop_stage = vulkan_drop_stage,
  .read_page = vulkan_read_page,
  .write_page = vulkan_write_page,
  .copy_page = vulkan_copy_page,
  .read_state = vulkan_read_state,
  .write_state = vulkan_write_state,
  .most_rows = pe_gpu_most_rows,
  .n_under_way = PE_GPU_SETS,
  .picks_best = true,
  .embeds = pe_gpu_embeds,
  .start = pe_gpu_start,
  .finish = pe_gpu_finish,
  .allocated = vulkan_allocated,
  .count = vulkan_count,
  .kernels = vulkan_kernels,
  .memory_left = vulkan_memory_left,
};
