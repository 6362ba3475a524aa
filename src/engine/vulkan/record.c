/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"
#include "shaders/shared/arguments.h"

#include <string.h>

/* Caches stand for themselves in lists of ranges, far behind the work buffer. */
#define CACHE_RANGE (1ull << 40)

bool
pe_gpu_begin (struct pe_backend *b, VkCommandBuffer commands, bool secondary, bool once,
              struct pe_error *error)
{
  const VkCommandBufferInheritanceInfo inheritance = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO,
  };
  const VkCommandBufferBeginInfo info = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
    .flags = once ? VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT : 0,
    .pInheritanceInfo = secondary ? &inheritance : NULL,
  };
  VkResult r = PE_VK (&b->gpu.vk, BeginCommandBuffer, commands, &info);
  return r == VK_SUCCESS || pe_vk_error (error, r, "recording");
}

bool
pe_gpu_end (struct pe_backend *b, VkCommandBuffer commands, struct pe_error *error)
{
  VkResult r = PE_VK (&b->gpu.vk, EndCommandBuffer, commands);
  return r == VK_SUCCESS || pe_vk_error (error, r, "recording");
}

void
pe_gpu_barrier (struct pe_backend *b, VkCommandBuffer commands)
{
  const VkMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                     VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                     VK_ACCESS_HOST_READ_BIT,
  };
  const VkPipelineStageFlags work =
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  b->gpu.vk.CmdPipelineBarrier (commands, work, work | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier,
                                0, NULL, 0, NULL);
}

/* ---- what must wait for what ---- */

static void
forget (struct pe_gpu_kept *kept, uint64_t first, uint64_t end)
{
  if (first < kept->end && kept->first < end)
    kept->end = 0;
}

void
pe_gpu_touch (struct pe_gpu_recorder *r, uint64_t first, uint64_t n, bool write)
{
  if (write) {
    forget (&r->rounded, first, first + n);
    forget (&r->expert_list, first, first + n);
  }
  if (r->n_next == sizeof r->next / sizeof *r->next) {
    /* More than any kernel touches: stand for all memory. */
    r->next[0] = (struct pe_gpu_range){ 0, UINT64_MAX, true };
    return;
  }
  r->next[r->n_next++] = (struct pe_gpu_range){ first, first + n, write };
}

void
pe_gpu_touch_view (struct pe_gpu_recorder *r, struct pe_view view, bool write)
{
  if (view.value == PE_NO_VALUE)
    return;
  struct pe_view whole = view;
  whole.offset = 0;
  pe_gpu_touch (r, pe_gpu_offset (r, whole), (uint64_t) r->n_rows * pe_gpu_row_stride (r, view),
                write);
}

void
pe_gpu_touch_cache (struct pe_gpu_recorder *r, uint32_t layer, bool write)
{
  pe_gpu_touch (r, CACHE_RANGE + layer, 1, write);
}

static bool
must_wait (const struct pe_gpu_recorder *r)
{
  for (uint32_t i = 0; i < r->n_next; i++)
    for (uint32_t k = 0; k < r->n_pending; k++) {
      const struct pe_gpu_range *a = &r->next[i], *b = &r->pending[k];
      if ((a->write || b->write) && a->first < b->end && b->first < a->end)
        return true;
    }
  return r->n_pending + r->n_next > PE_GPU_MAX_RANGES;
}

/* ---- dispatches ---- */

struct pe_gpu_grid
pe_gpu_linear (uint64_t n, uint32_t size)
{
  uint64_t groups = (n + size - 1) / size;
  if (groups <= PE_GRID_X)
    return (struct pe_gpu_grid){ (uint32_t) groups, 1, 1, 0 };
  return (struct pe_gpu_grid){ PE_GRID_X, (uint32_t) ((groups + PE_GRID_X - 1) / PE_GRID_X), 1, 0 };
}

void
pe_gpu_dispatch (struct pe_gpu_recorder *r, enum pe_shader shader, const uint32_t *constants,
                 uint32_t n_constants, const void *push, uint32_t push_bytes,
                 struct pe_gpu_grid grid)
{
  struct pe_backend *b = r->b;
  VkPipeline pipeline;
  if (!r->commands) {
    r->n_next = 0;
    r->failed |= !pe_gpu_pipelines_want (&b->pipelines, shader, constants, n_constants, r->error);
    return;
  }
  if (r->failed || !pe_gpu_pipeline (&b->gpu, &b->pipelines, shader, constants, n_constants,
                                     &pipeline, r->error)) {
    r->failed = true;
    return;
  }
  if (must_wait (r)) {
    pe_gpu_barrier (b, r->commands);
    r->n_pending = 0;
  }
  memcpy (r->pending + r->n_pending, r->next, r->n_next * sizeof *r->next);
  r->n_pending += r->n_next;
  r->n_next = 0;

  if (pipeline != r->bound)
    b->gpu.vk.CmdBindPipeline (r->commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  r->bound = pipeline;
  b->gpu.vk.CmdPushConstants (r->commands, b->pipelines.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                              push_bytes, push);
  if (grid.indirect)
    b->gpu.vk.CmdDispatchIndirect (r->commands, b->tables.buffer, grid.indirect);
  else
    b->gpu.vk.CmdDispatch (r->commands, grid.x, grid.y, grid.z);
  pe_gpu_profile_mark (b, r->commands, shader, grid);
  r->n_dispatches++;
}

/* ---- places ---- */

uint32_t
pe_gpu_offset (const struct pe_gpu_recorder *r, struct pe_view view)
{
  const struct pe_gpu_layout *l = &r->b->layout;
  bool gathered = r->gathered && r->b->program->values[view.value].carry;
  return (uint32_t) ((gathered ? l->gathered : l->values)[view.value] + view.offset);
}

uint32_t
pe_gpu_row_stride (const struct pe_gpu_recorder *r, struct pe_view view)
{
  return r->b->layout.strides[view.value];
}

VkDeviceAddress
pe_gpu_weight (const struct pe_gpu_recorder *r, struct pe_weight w)
{
  if (w.tensor == PE_NO_TENSOR)
    return 0;
  const struct pe_tensor *t = &r->b->tensors[w.tensor];
  const struct pe_layer *layer = pe_gpu_layer (r->b->program, r->stage);
  bool is_vector = t->n_dims == 1 || t->shape[0] == 1;
  uint64_t skip = is_vector ? w.row * sizeof (float) : w.row * t->row_bytes;
  for (size_t i = 0; i < layer->n_tensors; i++)
    if (layer->tensors[i] == w.tensor)
      return r->b->stages[r->stage].addresses[i] + skip;
  return 0;
}

/* ---- before anything is recorded ---- */

static void
want_kernels (struct pe_backend *b, uint32_t stage, uint32_t n_rows)
{
  const struct pe_ram_part part = pe_ram_part (b->program, b->plan, stage);
  size_t n_ops = pe_program_stage (b->program, stage)->n_ops;
  const size_t borders[] = { 0, part.first, part.end, part.beside, n_ops };
  struct pe_gpu_recorder r = { .b = b, .stage = stage, .n_rows = n_rows };
  if (pe_ram_part_is_none (part)) {
    pe_gpu_record_stage (&r);
    return;
  }
  for (int i = 0; i < 4; i++) {
    r.first_op = borders[i];
    r.end_op = borders[i + 1];
    if (i != 1 && r.first_op < r.end_op)
      pe_gpu_record_stage (&r);
  }
}

void
pe_gpu_expect_kernels (struct pe_backend *b)
{
  bool any = false;
  for (uint32_t stage = 1; stage < pe_program_n_stages (b->program); stage++) {
    struct pe_gpu_stage *s = &b->stages[stage];
    uint32_t rows = b->layout.max_rows;
    if (!s->slabs || s->kernels_expected)
      continue;
    s->kernels_expected = any = true;
    if (stage == b->program->n_layers + 1 && rows > b->layout.logit_rows)
      rows = b->layout.logit_rows;
    want_kernels (b, stage, 1);
    if (rows > 1)
      want_kernels (b, stage, rows);
    if (stage <= b->program->n_layers)
      continue;
    if (pe_gpu_can_embed (b->program, b->tensors) &&
        (pe_gpu_embeds_by_output (b->program) || pe_gpu_plans_table (b)))
      pe_gpu_record_embed (&(struct pe_gpu_recorder){ .b = b, .n_rows = 1 });
    pe_gpu_record_best (&(struct pe_gpu_recorder){ .b = b, .stage = stage, .n_rows = 1 });
  }
  if (any)
    pe_gpu_pipelines_start (&b->gpu, &b->pipelines, b->plan->request.n_threads);
}
