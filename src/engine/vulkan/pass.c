/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One pass over the stages of a span. A single row replays what each stage recorded once:
 * everything that differs between tokens stands in the tables. Many rows are recorded anew, in
 * submits short enough for the desktop to get its turn.
 */
#include "engine/vulkan/vulkan.h"

#include "base/log.h"
#include "shaders/shared/arguments.h"

#include <string.h>
#include <time.h>

#define SUBMIT_SECONDS 0.05
#define ATTENTION_STEP 128 /* keys, see shaders/attention.comp */
#define ENOUGH_GROUPS  256 /* workgroups that fill a device */

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* ---- tables ---- */

static bool
fill_rows (struct pe_backend *b, const struct pe_pass *pass, uint32_t *n_tiles,
           struct pe_error *error)
{
  uint32_t max_rows = b->layout.max_rows, n_pages = 0;
  uint32_t *t = (uint32_t *) b->tables.mapped;
  uint32_t tile_rows = pass->n_rows <= PE_GPU_FEW_ROWS ? 1 : PE_GPU_TILE_ROWS;
  *n_tiles = 0;
  for (uint32_t i = 0; i < pass->n_spans; i++) {
    const struct pe_span *s = &pass->spans[i];
    uint32_t needed = b->kv->n_pages ? (s->position + s->n_rows - 1) / PE_PAGE_TOKENS + 1 : 0;
    if (needed > s->n_pages || needed > b->layout.max_pages - n_pages)
      return pe_fail (error, PE_ERROR_LIMIT, "too many pages of context for one batch");
    for (uint32_t row = 0; row < s->n_rows; row++) {
      t[PE_TABLE_POSITIONS (max_rows) + s->row + row] = s->position + row;
      t[PE_TABLE_FIRST_PAGE (max_rows) + s->row + row] = n_pages;
      t[PE_TABLE_STATES (max_rows) + s->row + row] = s->state_slot;
    }
    for (uint32_t row = 0; row < s->n_rows; row += tile_rows) {
      uint32_t left = s->n_rows - row;
      uint32_t *tile = &t[PE_TABLE_TILES (max_rows) + 2 * (*n_tiles)++];
      tile[0] = s->row + row;
      tile[1] = left < tile_rows ? left : tile_rows;
    }
    if (needed)
      memcpy (&t[PE_TABLE_PAGES (max_rows) + n_pages], s->pages, needed * sizeof *t);
    n_pages += needed;
  }
  return true;
}

/* The keys that attention walks over for one tile of rows, whole steps. */
static uint32_t
tile_keys (const struct pe_attention *a, uint32_t first, uint32_t last)
{
  uint32_t begin = 0;
  if (a->window && first + 1 > a->window)
    begin = first + 1 - a->window;
  if (a->chunk && first / a->chunk * a->chunk > begin)
    begin = first / a->chunk * a->chunk;
  begin = begin / ATTENTION_STEP * ATTENTION_STEP;
  return last + 1 - begin;
}

static void
fill_attention (struct pe_backend *b, uint32_t stage, const struct pe_attention *a,
                uint32_t n_tiles)
{
  const struct pe_pass *pass = b->pass;
  unsigned char *table =
      b->tables.mapped + b->layout.stage_tables + stage * b->layout.stage_table_bytes;
  const uint32_t *tiles = (const uint32_t *) b->tables.mapped + PE_TABLE_TILES (b->layout.max_rows);
  const uint32_t *positions = (const uint32_t *) b->tables.mapped;
  uint32_t most = 0;
  for (uint32_t i = 0; i < n_tiles; i++) {
    uint32_t first = positions[tiles[2 * i]];
    uint32_t keys = tile_keys (a, first, first + tiles[2 * i + 1] - 1);
    most = keys > most ? keys : most;
  }
  uint32_t tile_heads = pe_gpu_tile_heads (a, pass->n_rows);
  uint32_t group = a->n_heads / a->n_kv_heads;
  uint32_t y = a->n_kv_heads * ((group + tile_heads - 1) / tile_heads);
  uint32_t splits = 1;
  if (pass->n_rows <= PE_GPU_FEW_ROWS) {
    splits = ENOUGH_GROUPS / (n_tiles * y);
    splits = splits < 1 ? 1 : splits > PE_GPU_MAX_SPLITS ? PE_GPU_MAX_SPLITS : splits;
  }
  uint32_t keys = (most + splits - 1) / splits;
  keys = (keys + ATTENTION_STEP - 1) / ATTENTION_STEP * ATTENTION_STEP;
  splits = (most + keys - 1) / keys;
  bool combine = splits > 1;
  const uint32_t split[] = { splits, keys };
  const VkDispatchIndirectCommand attention = { n_tiles, y, splits };
  const VkDispatchIndirectCommand join = { combine ? a->n_heads : 0, pass->n_rows, 1 };
  memcpy (table + PE_GPU_TABLE_SPLIT, split, sizeof split);
  memcpy (table + PE_GPU_TABLE_ATTENTION, &attention, sizeof attention);
  memcpy (table + PE_GPU_TABLE_COMBINE, &join, sizeof join);
}

static bool
fill_tables (struct pe_backend *b, struct pe_error *error)
{
  uint32_t n_tiles;
  if (!fill_rows (b, b->pass, &n_tiles, error))
    return false;
  for (uint32_t stage = b->first; stage < b->end; stage++) {
    const struct pe_stage *s = pe_program_stage (b->program, stage);
    if (!b->stages[stage].loaded)
      return pe_fail (error, PE_ERROR_ARGUMENT, "stage %u is not on the GPU", stage);
    for (size_t i = 0; i < s->n_ops; i++)
      if (s->ops[i].kind == PE_OP_ATTENTION) {
        if (!b->stages[s->ops[i].attention.layer + 1].loaded)
          return pe_fail (error, PE_ERROR_ARGUMENT,
                          "layer %u shares the cache of a layer that is not on the GPU", stage - 1);
        fill_attention (b, stage, &s->ops[i].attention, n_tiles);
      }
  }
  return true;
}

/* ---- rows in and out ---- */

/* Between the exchange buffer and the carried values, all rows of the pass. */
static void
record_exchange (struct pe_backend *b, VkCommandBuffer commands, bool inwards)
{
  uint64_t at = 0;
  for (size_t v = 0; v < b->program->n_values; v++) {
    if (!b->program->values[v].carry)
      continue;
    uint64_t bytes = (uint64_t) b->pass->n_rows * b->program->values[v].width * sizeof (float);
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
  return width * b->pass->n_rows * sizeof (float);
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
        pe_gpu_work_at (b->layout.values[v]) + b->pass->out_rows[first + i] * bytes,
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
  struct pe_gpu_recording *single = &b->stages[r->stage].single[part];
  r->first_op = first_op;
  r->end_op = end_op;
  if (b->pass->n_rows == 1) {
    if (!single->commands && !record_single (r, single)) {
      r->failed = true;
      return false;
    }
    b->gpu.vk.CmdExecuteCommands (r->commands, 1, &single->commands);
    b->n_dispatches += single->n_dispatches;
    return true;
  }
  r->n_dispatches = 0;
  pe_gpu_record_stage (r);
  b->n_dispatches += r->n_dispatches;
  return !r->failed;
}

void
pe_gpu_forget_recording (struct pe_backend *b, uint32_t stage)
{
  for (uint32_t i = 0; i < 3; i++) {
    struct pe_gpu_recording *single = &b->stages[stage].single[i];
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

/* Multiplications and additions that a stage's matrices take. */
static double
stage_operations (const struct pe_backend *b, uint32_t stage)
{
  const struct pe_stage *s = pe_program_stage (b->program, stage);
  double sum = 0;
  for (size_t i = 0; i < s->n_ops; i++) {
    const struct pe_op *op = &s->ops[i];
    if (op->kind == PE_OP_MATMUL || op->kind == PE_OP_MATMUL_EXPERT ||
        op->kind == PE_OP_MATMUL_HEADS)
      sum += 2.0 * op->in[0].width * op->out.count * op->out.width;
  }
  return sum * b->pass->n_rows;
}

static double
submit_operations (const struct pe_backend *b)
{
  double rate = b->rate;
  if (rate <= 0)
    rate = b->gpu.info.kind == PE_DEVICE_DISCRETE     ? 5e11
           : b->gpu.info.kind == PE_DEVICE_INTEGRATED ? 1e11
                                                      : 5e9;
  return rate * SUBMIT_SECONDS;
}

static bool
record_output (struct pe_backend *b, VkCommandBuffer commands, uint32_t first,
               struct pe_error *error)
{
  const struct pe_pass *pass = b->pass;
  uint32_t n = pass->n_out - first;
  n = n < b->layout.logit_rows ? n : b->layout.logit_rows;
  bool gather = n != pass->n_rows;
  struct pe_gpu_recorder r = { .b = b,
                               .commands = commands,
                               .stage = b->end - 1,
                               .n_rows = n,
                               .gathered = gather,
                               .error = error };
  if (pass->n_rows > 1) {
    pe_gpu_barrier (b, commands);
    if (gather) {
      record_gather (b, commands, first, n);
      pe_gpu_barrier (b, commands);
    }
  }
  if (!pe_gpu_record_part (&r, 0, 0, 0))
    return false;
  pe_gpu_barrier (b, commands);
  record_logits (b, commands, n);
  b->out_under_way = n;
  return true;
}

bool
pe_gpu_open_commands (struct pe_backend *b, VkCommandBuffer *out, struct pe_error *error)
{
  b->open = (b->open + 1) % PE_GPU_MAX_SUBMITS;
  *out = b->passes[b->open];
  return pe_gpu_begin (b, *out, false, true, error);
}

bool
pe_gpu_submit_commands (struct pe_backend *b, struct pe_error *error)
{
  VkCommandBuffer commands = b->passes[b->open];
  pe_gpu_barrier (b, commands);
  return pe_gpu_end (b, commands, error) && pe_gpu_submit (&b->gpu, commands, error);
}

/* Hands in what is recorded and opens the next buffer. */
static bool
next_submit (struct pe_gpu_recorder *r)
{
  struct pe_backend *b = r->b;
  if (!pe_gpu_submit_commands (b, r->error))
    return false;
  if (atomic_load_explicit (b->context.cancel, memory_order_relaxed))
    return pe_fail (r->error, PE_ERROR_CANCELLED, "stopped");
  r->bound = VK_NULL_HANDLE;
  r->n_pending = 0; /* each submit begins behind a barrier */
  return pe_gpu_open_commands (b, &r->commands, r->error);
}

static bool
record_stages (struct pe_backend *b, struct pe_error *error)
{
  const struct pe_pass *pass = b->pass;
  bool has_output = b->end == pe_program_n_stages (b->program);
  struct pe_gpu_recorder r = { .b = b, .n_rows = pass->n_rows, .error = error };
  if (!pe_gpu_open_commands (b, &r.commands, error))
    return false;
  if (b->xchg->in)
    record_exchange (b, r.commands, true);
  pe_gpu_barrier (b, r.commands);
  double operations = 0;
  uint32_t n_submits = 1;
  for (r.stage = b->first; r.stage < b->end - has_output; r.stage++) {
    const struct pe_ram_part part = pe_ram_part (b->program, b->plan, r.stage);
    double more = stage_operations (b, r.stage);
    if (pass->n_rows > 1 && operations > 0 && operations + more > submit_operations (b) &&
        n_submits < PE_GPU_MAX_SUBMITS) {
      if (!next_submit (&r))
        return false;
      n_submits++;
      operations = 0;
    }
    operations += more;
    b->operations += more;
    if (pe_ram_part_is_none (part)) {
      if (!pe_gpu_record_part (&r, 0, 0, 0))
        return false;
      continue;
    }
    if (!pe_gpu_run_split (&r, part))
      return false;
    /* It waited: all buffers but the open one are free again. */
    n_submits = 1;
    operations = 0;
  }
  if (has_output && pass->n_out && !record_output (b, r.commands, 0, error))
    return false;
  if (!has_output) {
    pe_gpu_barrier (b, r.commands);
    record_exchange (b, r.commands, false);
  }
  return pe_gpu_submit_commands (b, error);
}

/* ---- the pass ---- */

static bool
refuse_lost (struct pe_backend *b, struct pe_error *error)
{
  return !b->gpu.vk.lost ||
         pe_fail (error, PE_ERROR_DEVICE_LOST, "the GPU stopped working and must be opened anew");
}

/* After a failure nothing may be under way. */
static bool
give_up (struct pe_backend *b)
{
  struct pe_error ignored;
  if (!b->gpu.vk.lost)
    pe_gpu_wait (&b->gpu, b->gpu.compute.submitted, &ignored);
  b->pass = NULL;
  return false;
}

bool
pe_gpu_start (struct pe_backend *b, const struct pe_pass *pass, uint32_t first, uint32_t end,
              const struct pe_exchange *exchange, struct pe_error *error)
{
  if (!refuse_lost (b, error))
    return false;
  if (pass->n_rows == 0 || pass->n_rows > b->layout.max_rows || first == 0)
    return pe_fail (error, PE_ERROR_ARGUMENT, "the GPU cannot take a pass of %u rows",
                    pass->n_rows);
  b->pass = pass;
  b->xchg = exchange;
  b->first = first;
  b->end = end;
  b->out_done = b->out_under_way = 0;
  b->operations = 0;
  b->seconds_started = now ();
  if (!fill_tables (b, error))
    return give_up (b);
  if (exchange->in)
    memcpy (b->exchange.mapped, exchange->in, exchange_bytes (b));
  return record_stages (b, error) || give_up (b);
}

static void
take_logits (struct pe_backend *b)
{
  uint64_t width = b->program->values[b->program->logits].width;
  memcpy (b->xchg->logits + b->out_done * width, b->logits.mapped,
          b->out_under_way * width * sizeof (float));
  b->out_done += b->out_under_way;
}

static bool
next_output (struct pe_backend *b, struct pe_error *error)
{
  VkCommandBuffer commands;
  if (atomic_load_explicit (b->context.cancel, memory_order_relaxed))
    return pe_fail (error, PE_ERROR_CANCELLED, "stopped");
  return pe_gpu_open_commands (b, &commands, error) &&
         record_output (b, commands, b->out_done, error) && pe_gpu_submit_commands (b, error) &&
         pe_gpu_wait (&b->gpu, b->gpu.compute.submitted, error);
}

bool
pe_gpu_finish (struct pe_backend *b, struct pe_error *error)
{
  if (!b->pass)
    return true;
  if (!refuse_lost (b, error) || !pe_gpu_wait (&b->gpu, b->gpu.compute.submitted, error))
    return give_up (b);
  double seconds = now () - b->seconds_started;
  if (b->pass->n_rows > PE_GPU_FEW_ROWS && seconds > 0.002)
    b->rate = b->operations / seconds;
  if (b->end == pe_program_n_stages (b->program)) {
    take_logits (b);
    while (b->out_done < b->pass->n_out) {
      if (!next_output (b, error))
        return give_up (b);
      take_logits (b);
    }
  } else if (b->xchg->out)
    memcpy (b->xchg->out, b->exchange.mapped, exchange_bytes (b));
  b->pass = NULL;
  return true;
}
