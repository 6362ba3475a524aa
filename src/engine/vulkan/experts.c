/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layers whose experts stay in RAM: the GPU computes up to the choice of experts, hands their input
 * over, goes on with what does not need them (a shared expert), while the CPU computes the chosen
 * ones where their weights lie; then the sum goes back.
 */
#include "engine/vulkan/vulkan.h"

#include <string.h>

/* Copies the values that cross in a direction between the working memory and the exchange buffer,
 * those to the CPU first; returns the bytes of both directions up to there. */
static void
record_crossing (struct pe_gpu_recorder *r, struct pe_ram_part part, bool inwards)
{
  struct pe_backend *b = r->b;
  uint64_t at = b->set * b->layout.exchange_set;
  for (int direction = 0; direction < 2; direction++)
    for (size_t v = 0; v < b->program->n_values; v++) {
      bool to_cpu, back;
      pe_ram_part_crosses (b->program, r->stage, part, (uint16_t) v, &to_cpu, &back);
      if (!(direction == 0 ? to_cpu : back))
        continue;
      uint64_t bytes = (uint64_t) r->n_rows * b->layout.strides[v] * sizeof (float);
      uint64_t mine = pe_gpu_work_at (b->layout.values[v]);
      const VkBufferCopy region = { inwards ? at : mine, inwards ? mine : at, bytes };
      if ((direction == 1) == inwards)
        b->gpu.vk.CmdCopyBuffer (r->commands, inwards ? b->exchange.buffer : b->work.buffer,
                                 inwards ? b->work.buffer : b->exchange.buffer, 1, &region);
      at += bytes;
    }
}

/* Between the exchange buffer and the CPU's rows, which lie a value's width apart. */
static void
copy_rows (struct pe_gpu_recorder *r, struct pe_ram_part part, bool back)
{
  struct pe_backend *b = r->b;
  const struct pe_backend_context *c = &b->context;
  unsigned char *at = b->exchange.mapped + b->set * b->layout.exchange_set;
  for (int direction = 0; direction < 2; direction++)
    for (size_t v = 0; v < b->program->n_values; v++) {
      bool crosses[2];
      pe_ram_part_crosses (b->program, r->stage, part, (uint16_t) v, &crosses[0], &crosses[1]);
      if (!crosses[direction])
        continue;
      uint64_t width = b->program->values[v].width * sizeof (float);
      float *host = c->host_ops->part_rows (c->host, (uint16_t) v);
      for (uint32_t row = 0; row < r->n_rows; row++, at += b->layout.strides[v] * sizeof (float)) {
        unsigned char *theirs = (unsigned char *) host + row * width;
        if (back && direction == 1)
          memcpy (at, theirs, width);
        else if (!back && direction == 0)
          memcpy (theirs, at, width);
      }
    }
}

bool
pe_gpu_run_split (struct pe_gpu_recorder *r, struct pe_ram_part part)
{
  struct pe_backend *b = r->b;
  const struct pe_backend_context *c = &b->context;
  const struct pe_stage *stage = pe_program_stage (b->program, r->stage);
  if (!pe_gpu_record_part (r, 0, 0, part.first))
    return false;
  pe_gpu_barrier (b, r->commands);
  record_crossing (r, part, false);
  if (!pe_gpu_submit_commands (b, r->error))
    return false;
  uint64_t handed_over = b->gpu.compute.submitted;
  if (!pe_gpu_open_commands (b, &r->commands, r->error))
    return false;
  r->bound = VK_NULL_HANDLE;
  r->n_pending = 0;
  if (part.beside > part.end) {
    pe_gpu_barrier (b, r->commands);
    if (!pe_gpu_record_part (r, 1, part.end, part.beside) ||
        !pe_gpu_submit_commands (b, r->error) || !pe_gpu_open_commands (b, &r->commands, r->error))
      return false;
    r->bound = VK_NULL_HANDLE;
    r->n_pending = 0;
  }
  if (!pe_gpu_wait_for_pass (b, handed_over, r->error))
    return false;
  copy_rows (r, part, false);
  if (!c->host_ops->run_part (c->host, b->now->pass, r->stage, part.first, part.end, r->error))
    return false;
  copy_rows (r, part, true);
  if (atomic_load_explicit (c->cancel, memory_order_relaxed))
    return pe_fail (r->error, PE_ERROR_CANCELLED, "stopped");
  pe_gpu_barrier (b, r->commands);
  record_crossing (r, part, true);
  pe_gpu_barrier (b, r->commands);
  return part.beside == stage->n_ops || pe_gpu_record_part (r, 2, part.beside, stage->n_ops);
}
