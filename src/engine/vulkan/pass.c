/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One pass over the stages of a span. A single row replays what each stage recorded once:
 * everything that differs between tokens stands in the tables. Many rows are recorded anew. A
 * second pass may be handed in before the first is done: the queue keeps them in order.
 */
#include "engine/vulkan/vulkan.h"

#include "shaders/shared/arguments.h"

#include <string.h>

/* ---- rows in and out ---- */

/* Between the exchange buffer and the carried values, all rows of the pass. */
static void
record_exchange (struct pe_backend *b, VkCommandBuffer commands, bool inwards)
{
  uint64_t at = b->set * b->layout.exchange_set;
  for (size_t v = 0; v < b->program->n_values; v++) {
    if (!b->program->values[v].carry)
      continue;
    uint64_t bytes = (uint64_t) b->now->pass->n_rows * b->program->values[v].width * sizeof (float);
    uint64_t mine = pe_gpu_work_at (b->layout.values[v]);
    const VkBufferCopy region = { inwards ? at : mine, inwards ? mine : at, bytes };
    b->gpu.vk.CmdCopyBuffer (commands, inwards ? b->exchange.buffer : b->work.buffer,
                             inwards ? b->work.buffer : b->exchange.buffer, 1, &region);
    at += bytes;
  }
}

static uint64_t
exchange_bytes (const struct pe_backend *b)
{
  uint64_t width = 0;
  for (size_t v = 0; v < b->program->n_values; v++)
    if (b->program->values[v].carry)
      width += b->program->values[v].width;
  return width * b->now->pass->n_rows * sizeof (float);
}

/* The rows that want logits, next to each other. */
static void
record_gather (struct pe_backend *b, VkCommandBuffer commands, uint32_t first, uint32_t n)
{
  for (size_t v = 0; v < b->program->n_values; v++) {
    if (!b->program->values[v].carry)
      continue;
    uint64_t bytes = b->program->values[v].width * sizeof (float);
    for (uint32_t i = 0; i < n; i++) {
      const VkBufferCopy region = {
        pe_gpu_work_at (b->layout.values[v]) + b->now->pass->out_rows[first + i] * bytes,
        pe_gpu_work_at (b->layout.gathered[v]) + i * bytes,
        bytes,
      };
      b->gpu.vk.CmdCopyBuffer (commands, b->work.buffer, b->work.buffer, 1, &region);
    }
  }
}

static void
record_logits (struct pe_backend *b, VkCommandBuffer commands, uint32_t n)
{
  uint16_t v = b->program->logits;
  uint64_t width = b->program->values[v].width * sizeof (float);
  for (uint32_t i = 0; i < n; i++) {
    const VkBufferCopy region = {
      pe_gpu_work_at (b->layout.values[v] + (uint64_t) i * b->layout.strides[v]), i * width, width
    };
    b->gpu.vk.CmdCopyBuffer (commands, b->work.buffer, b->logits.buffer, 1, &region);
  }
}

/* ---- stages ---- */

/* Operations of a stage as recorded for one row. */
static bool
record_single (struct pe_gpu_recorder *r, struct pe_gpu_recording *out)
{
  struct pe_backend *b = r->b;
  const VkCommandBufferAllocateInfo info = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
    .commandPool = b->pool,
    .level = VK_COMMAND_BUFFER_LEVEL_SECONDARY,
    .commandBufferCount = 1,
  };
  VkCommandBuffer commands;
  VkResult result = PE_VK (&b->gpu.vk, AllocateCommandBuffers, b->gpu.device, &info, &commands);
  if (result != VK_SUCCESS)
    return pe_vk_error (r->error, result, "recording");
  bool ok = pe_gpu_begin (b, commands, true, false, r->error);
  if (ok) {
    struct pe_gpu_recorder recorder = { .b = b,
                                        .commands = commands,
                                        .stage = r->stage,
                                        .first_op = r->first_op,
                                        .end_op = r->end_op,
                                        .n_rows = 1,
                                        .error = r->error };
    pe_gpu_barrier (b, commands);
    pe_gpu_record_stage (&recorder);
    ok = !recorder.failed && pe_gpu_end (b, commands, r->error);
    out->n_dispatches = recorder.n_dispatches;
  }
  if (!ok) {
    b->gpu.vk.FreeCommandBuffers (b->gpu.device, b->pool, 1, &commands);
    return false;
  }
  out->commands = commands;
  return true;
}

bool
pe_gpu_record_part (struct pe_gpu_recorder *r, uint32_t part, size_t first_op, size_t end_op)
{
  struct pe_backend *b = r->b;
  struct pe_gpu_recording *single = &b->stages[r->stage].single[b->set][part];
  r->first_op = first_op;
  r->end_op = end_op;
  if (b->now->pass->n_rows == 1 && !b->profile) {
    if (!single->commands && !record_single (r, single)) {
      r->failed = true;
      return false;
    }
    b->gpu.vk.CmdExecuteCommands (r->commands, 1, &single->commands);
    b->n_dispatches += single->n_dispatches;
    return !r->failed;
  }
  r->n_dispatches = 0;
  pe_gpu_record_stage (r);
  b->n_dispatches += r->n_dispatches;
  return !r->failed;
}

void
pe_gpu_forget_recording (struct pe_backend *b, uint32_t stage)
{
  for (uint32_t set = 0; set < PE_GPU_SETS; set++)
    for (uint32_t i = 0; i < 3; i++) {
      struct pe_gpu_recording *single = &b->stages[stage].single[set][i];
      if (single->commands)
        b->gpu.vk.FreeCommandBuffers (b->gpu.device, b->pool, 1, &single->commands);
      *single = (struct pe_gpu_recording){ 0 };
    }
}

void
pe_gpu_forget_recordings (struct pe_backend *b)
{
  for (uint32_t s = 0; s < pe_program_n_stages (b->program); s++)
    pe_gpu_forget_recording (b, s);
}

static bool
record_output (struct pe_backend *b, VkCommandBuffer commands, uint32_t first,
               struct pe_error *error)
{
  const struct pe_pass *pass = b->now->pass;
  uint32_t n = pass->n_out - first;
  n = n < b->layout.logit_rows ? n : b->layout.logit_rows;
  bool gather = n != pass->n_rows;
  struct pe_gpu_recorder r = { .b = b,
                               .commands = commands,
                               .stage = b->now->end - 1,
                               .n_rows = n,
                               .gathered = gather,
                               .error = error };
  if (pass->n_rows > 1 || b->profile) {
    pe_gpu_barrier (b, commands);
    if (gather) {
      record_gather (b, commands, first, n);
      pe_gpu_barrier (b, commands);
    }
  }
  if (!pe_gpu_record_part (&r, 0, 0, 0))
    return false;
  pe_gpu_barrier (b, r.commands);
  b->now->out_under_way = n;
  if (!pass->n_best) {
    record_logits (b, r.commands, n);
    return true;
  }
  r.n_dispatches = 0;
  pe_gpu_record_best (&r);
  b->n_dispatches += r.n_dispatches;
  return !r.failed;
}

static bool
record_stages (struct pe_backend *b, struct pe_error *error)
{
  const struct pe_gpu_flight *f = b->now;
  bool has_output = f->end == pe_program_n_stages (b->program);
  struct pe_gpu_recorder r = { .b = b, .n_rows = f->pass->n_rows, .error = error };
  if (!pe_gpu_open_commands (b, &r.commands, error))
    return false;
  if (f->xchg.in)
    record_exchange (b, r.commands, true);
  pe_gpu_barrier (b, r.commands);
  if (f->first == 0) {
    pe_gpu_record_embed (&r);
    if (r.failed)
      return false;
    pe_gpu_barrier (b, r.commands);
    b->n_dispatches += r.n_dispatches;
  }
  for (r.stage = f->first ? f->first : 1; r.stage < f->end - has_output; r.stage++) {
    const struct pe_ram_part part = pe_ram_part (b->program, b->plan, r.stage);
    if (pe_ram_part_is_none (part) ? !pe_gpu_record_part (&r, 0, 0, 0)
                                   : !pe_gpu_run_split (&r, part))
      return false;
  }
  if (has_output && f->pass->n_out && !record_output (b, r.commands, 0, error))
    return false;
  if (!has_output) {
    pe_gpu_barrier (b, r.commands);
    record_exchange (b, r.commands, false);
  }
  return pe_gpu_submit_commands (b, error);
}

/* ---- results ---- */

static void
take_logits (struct pe_backend *b)
{
  struct pe_gpu_flight *f = b->now;
  uint64_t width = b->program->values[b->program->logits].width;
  memcpy (f->xchg.logits + f->out_done * width, b->logits.mapped,
          f->out_under_way * width * sizeof (float));
  f->out_done += f->out_under_way;
  b->result_bytes += f->out_under_way * width * sizeof (float);
}

static void
take_results (struct pe_backend *b)
{
  if (b->now->pass->n_best)
    pe_gpu_take_best (b);
  else
    take_logits (b);
}

static bool
next_output (struct pe_backend *b, struct pe_error *error)
{
  VkCommandBuffer commands;
  if (atomic_load_explicit (b->context.cancel, memory_order_relaxed))
    return pe_fail (error, PE_ERROR_CANCELLED, "stopped");
  return pe_gpu_open_commands (b, &commands, error) &&
         record_output (b, commands, b->now->out_done, error) &&
         pe_gpu_submit_commands (b, error) &&
         pe_gpu_wait_for_pass (b, b->gpu.compute.submitted, error);
}

static bool
refuse_lost (struct pe_backend *b, struct pe_error *error)
{
  return !b->gpu.vk.lost ||
         pe_fail (error, PE_ERROR_DEVICE_LOST, "the GPU stopped working and must be opened anew");
}

static bool
bring_results (struct pe_backend *b, struct pe_error *error)
{
  struct pe_gpu_flight *f = b->now;
  if (!refuse_lost (b, error) || !pe_gpu_wait_for_pass (b, f->value, error))
    return false;
  if (f->end < pe_program_n_stages (b->program)) {
    if (f->xchg.out)
      memcpy (f->xchg.out, b->exchange.mapped + b->set * b->layout.exchange_set,
              exchange_bytes (b));
  } else if (f->pass->n_out) {
    take_results (b);
    while (f->out_done < f->pass->n_out) {
      if (!next_output (b, error))
        return false;
      take_results (b);
    }
  }
  return true;
}

/* Waits for b->now and brings its results to where they belong, or fails, once and for all. */
static bool
complete (struct pe_backend *b, struct pe_error *error)
{
  struct pe_gpu_flight *f = b->now;
  if (f->is_over)
    return !f->has_failed ||
           pe_fail (error, PE_ERROR_DEVICE, "the GPU did not finish what it had begun");
  bool ok = bring_results (b, error);
  f->is_over = true;
  f->has_failed = !ok;
  return ok;
}

/* Whether a pass keeps to its own memory until it ends. Logits have one place for all passes, and
 * more rows than fit are computed from memory that the next pass overwrites. */
static bool
is_apart (const struct pe_backend *b, const struct pe_pass *pass)
{
  return !pass->n_out || (pass->n_best && pass->n_out <= b->layout.logit_rows);
}

/* What is under way ends first where the next pass would disturb it. */
static bool
complete_outputs (struct pe_backend *b, const struct pe_pass *next, struct pe_error *error)
{
  for (uint32_t i = 0; i < b->n_flights; i++) {
    b->set = (b->oldest + i) % PE_GPU_SETS;
    b->now = &b->flights[b->set];
    bool disturbed = !is_apart (b, b->now->pass) || !is_apart (b, next) ||
                     (b->now->pass->n_best && b->now->pass->n_best != next->n_best);
    if (disturbed && b->now->pass->n_out && !complete (b, error))
      return false;
  }
  return true;
}

/* ---- the pass ---- */

/* After a failure nothing may be under way. */
static bool
give_up (struct pe_backend *b)
{
  struct pe_error ignored;
  if (!b->gpu.vk.lost)
    pe_gpu_wait_for_pass (b, b->gpu.compute.submitted, &ignored);
  return false;
}

bool
pe_gpu_start (struct pe_backend *b, const struct pe_pass *pass, uint32_t first, uint32_t end,
              const struct pe_exchange *exchange, struct pe_error *error)
{
  if (!refuse_lost (b, error))
    return false;
  if (pass->n_rows == 0 || pass->n_rows > b->layout.max_rows ||
      (first == 0 && !pe_gpu_embeds (b)) || b->n_flights == PE_GPU_SETS)
    return pe_fail (error, PE_ERROR_ARGUMENT, "the GPU cannot take a pass of %u rows",
                    pass->n_rows);
  if (!complete_outputs (b, pass, error))
    return give_up (b);
  b->set = (b->oldest + b->n_flights) % PE_GPU_SETS;
  b->now = &b->flights[b->set];
  *b->now = (struct pe_gpu_flight){ .pass = pass, .xchg = *exchange, .first = first, .end = end };
  if (!pe_gpu_fill_tables (b, error))
    return false;
  if (exchange->in)
    memcpy (b->exchange.mapped + b->set * b->layout.exchange_set, exchange->in, exchange_bytes (b));
  if (!record_stages (b, error))
    return give_up (b);
  b->now->value = b->gpu.compute.submitted;
  b->n_flights++;
  return true;
}

bool
pe_gpu_finish (struct pe_backend *b, struct pe_error *error)
{
  if (b->n_flights == 0)
    return true;
  b->set = b->oldest;
  b->now = &b->flights[b->set];
  bool ok = complete (b, error) || give_up (b);
  b->oldest = (b->oldest + 1) % PE_GPU_SETS;
  b->n_flights--;
  return ok;
}
