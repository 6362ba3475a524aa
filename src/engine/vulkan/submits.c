/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command buffers of passes, handed in one after the other. Those of prompts are kept so short
 * that the desktop gets its turn and no driver's watchdog barks: the device's own time stamps tell
 * how many operations it computes a second, and a submit holds no more than fit into half of what
 * it may take. An operation that is too long by itself asks for fewer rows: pe_gpu_most_rows().
 */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"

#include <string.h>

#define SUBMIT_SECONDS 0.05
#define CAUTION        0.5   /* of it: the next operations may be slower than those before */
#define LEAST_SECONDS  0.002 /* shorter submits tell more about launching than about computing */
#define LEAST_ROWS     32    /* fewer would not be quicker */
/* Scores and their sums take longer than as many operations of a matrix. */
#define ATTENTION_COST 4

/* ---- how long things take ---- */

static double
attention_operations (const struct pe_attention *a, uint32_t depth)
{
  uint32_t keys = a->window && a->window < depth ? a->window : depth;
  return 2.0 * ATTENTION_COST * a->n_heads * (a->k_width + a->v_width) * keys;
}

/* Multiplications and additions of one row, with so many tokens in the context. */
static double
row_operations (const struct pe_backend *b, const struct pe_op *op, uint32_t depth)
{
  switch (op->kind) {
  case PE_OP_MATMUL:
    return 2.0 * (double) b->tensors[op->w[0].tensor].shape[0] * pe_gpu_elements (op->out);
  case PE_OP_MATMUL_EXPERT:
  case PE_OP_MATMUL_HEADS: return 2.0 * op->in[0].width * op->out.count * op->out.width;
  case PE_OP_ATTENTION: return attention_operations (&op->attention, depth);
  default: return 0;
  }
}

static uint32_t
depth_of (const struct pe_pass *pass)
{
  uint32_t most = 0;
  for (uint32_t i = 0; i < pass->n_spans; i++) {
    uint32_t end = pass->spans[i].position + pass->spans[i].n_rows;
    most = end > most ? end : most;
  }
  return most;
}

/* Operations per second; before anything was measured, what slow devices of the kind reach. */
static double
rate (const struct pe_backend *b)
{
  double test = pe_vk_test_rate ();
  return test > 0                                   ? test
         : b->rate > 0                              ? b->rate
         : b->gpu.info.kind == PE_DEVICE_DISCRETE   ? 5e11
         : b->gpu.info.kind == PE_DEVICE_INTEGRATED ? 1e11
                                                    : 5e9;
}

uint32_t
pe_gpu_most_rows (struct pe_backend *b, uint32_t depth)
{
  /* No desktop waits for a software device. */
  if (b->gpu.info.kind == PE_DEVICE_SOFTWARE && !(pe_vk_test_rate () > 0))
    return UINT32_MAX;
  double most = 0;
  for (uint32_t stage = 1; stage < pe_program_n_stages (b->program); stage++) {
    const struct pe_stage *s = pe_program_stage (b->program, stage);
    for (size_t i = 0; b->stages[stage].loaded && i < s->n_ops; i++) {
      double n = row_operations (b, &s->ops[i], depth);
      most = n > most ? n : most;
    }
  }
  double rows = most > 0 ? rate (b) * SUBMIT_SECONDS * CAUTION / most : UINT32_MAX;
  /* In steps, or what was measured last would show in every pass. */
  uint32_t n = LEAST_ROWS;
  while (2.0 * n <= rows && n < UINT32_MAX / 2)
    n *= 2;
  return n;
}

static void
learn (struct pe_backend *b, double operations, double seconds)
{
  if (seconds > b->longest_submit)
    b->longest_submit = seconds;
  if (!(seconds > LEAST_SECONDS) || !(operations > 0))
    return;
  double now = operations / seconds;
  /* What was slow once may be so again; what was quick must prove it. */
  b->rate = b->rate > 0 && now > b->rate ? (b->rate + now) / 2 : now;
}

/* The time stamps of a submit that is done. Without them nothing is learnt. */
static void
read_stamps (struct pe_backend *b, uint32_t i)
{
  uint64_t t[2];
  VkResult r = PE_VK (&b->gpu.vk, GetQueryPoolResults, b->gpu.device, b->stamps, 2 * i, 2, sizeof t,
                      t, sizeof *t, VK_QUERY_RESULT_64_BIT);
  b->commands[i].is_timed = false;
  if (r == VK_SUCCESS)
    learn (b, b->commands[i].operations,
           (double) ((t[1] - t[0]) & b->gpu.stamp_mask) * b->gpu.stamp_seconds);
}

/* ---- command buffers ---- */

bool
pe_gpu_make_commands (struct pe_backend *b, struct pe_error *error)
{
  const VkCommandPoolCreateInfo pool = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
    .queueFamilyIndex = b->gpu.compute.family,
  };
  VkResult r = PE_VK (&b->gpu.vk, CreateCommandPool, b->gpu.device, &pool, NULL, &b->pool);
  if (r != VK_SUCCESS) {
    b->pool = VK_NULL_HANDLE;
    return pe_vk_error (error, r, "preparing to record");
  }
  VkCommandBuffer buffers[PE_GPU_MAX_SUBMITS];
  const VkCommandBufferAllocateInfo info = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
    .commandPool = b->pool,
    .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
    .commandBufferCount = PE_GPU_MAX_SUBMITS,
  };
  r = PE_VK (&b->gpu.vk, AllocateCommandBuffers, b->gpu.device, &info, buffers);
  for (uint32_t i = 0; r == VK_SUCCESS && i < PE_GPU_MAX_SUBMITS; i++)
    b->commands[i].buffer = buffers[i];
  if (r == VK_SUCCESS && b->gpu.stamp_mask) {
    const VkQueryPoolCreateInfo stamps = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = VK_QUERY_TYPE_TIMESTAMP,
      .queryCount = 2 * PE_GPU_MAX_SUBMITS,
    };
    r = PE_VK (&b->gpu.vk, CreateQueryPool, b->gpu.device, &stamps, NULL, &b->stamps);
    if (r != VK_SUCCESS)
      b->stamps = VK_NULL_HANDLE;
  }
  return r == VK_SUCCESS || pe_vk_error (error, r, "preparing to record");
}

void
pe_gpu_drop_commands (struct pe_backend *b)
{
  if (b->stamps)
    b->gpu.vk.DestroyQueryPool (b->gpu.device, b->stamps, NULL);
  if (b->pool)
    b->gpu.vk.DestroyCommandPool (b->gpu.device, b->pool, NULL);
  b->stamps = VK_NULL_HANDLE;
  b->pool = VK_NULL_HANDLE;
}

bool
pe_gpu_wait_for_pass (struct pe_backend *b, uint64_t value, struct pe_error *error)
{
  if (value <= b->seen)
    return true;
  if (!pe_gpu_wait (&b->gpu, value, error))
    return false;
  b->seen = value;
  for (uint32_t i = 0; i < PE_GPU_MAX_SUBMITS; i++)
    if (b->commands[i].is_timed && b->commands[i].value <= value)
      read_stamps (b, i);
  return true;
}

/* When everything before is done. */
static void
stamp (struct pe_backend *b, uint32_t which)
{
  b->gpu.vk.CmdWriteTimestamp (b->commands[b->open].buffer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                               b->stamps, 2 * b->open + which);
}

bool
pe_gpu_open_commands (struct pe_backend *b, VkCommandBuffer *out, struct pe_error *error)
{
  uint32_t next = (b->open + 1) % PE_GPU_MAX_SUBMITS;
  struct pe_gpu_commands *c = &b->commands[next];
  if (!pe_gpu_wait_for_pass (b, c->value, error) ||
      !pe_gpu_begin (b, c->buffer, false, true, error))
    return false;
  b->open = next;
  c->operations = 0;
  c->is_timed = false;
  c->wants_stamps = b->stamps && b->now->pass->n_rows > 1;
  if (c->wants_stamps) {
    b->gpu.vk.CmdResetQueryPool (c->buffer, b->stamps, 2 * next, 2);
    stamp (b, 0);
  }
  pe_gpu_profile_begin (b, c->buffer);
  *out = c->buffer;
  return true;
}

bool
pe_gpu_submit_commands (struct pe_backend *b, struct pe_error *error)
{
  struct pe_gpu_commands *c = &b->commands[b->open];
  pe_gpu_barrier (b, c->buffer);
  if (c->wants_stamps)
    stamp (b, 1);
  if (!pe_gpu_end (b, c->buffer, error) || !pe_gpu_submit (&b->gpu, c->buffer, error))
    return false;
  c->value = b->gpu.compute.submitted;
  c->is_timed = c->wants_stamps;
  return pe_gpu_profile_end (b, error);
}

/* ---- the bound ---- */

bool
pe_gpu_make_room (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  struct pe_backend *b = r->b;
  if (!r->commands || r->n_rows == 1)
    return true;
  double more = r->n_rows * row_operations (b, op, depth_of (b->now->pass));
  double before = b->commands[b->open].operations;
  if (before > 0 && before + more > rate (b) * SUBMIT_SECONDS * CAUTION) {
    if (!pe_gpu_submit_commands (b, r->error))
      return false;
    if (atomic_load_explicit (b->context.cancel, memory_order_relaxed))
      return pe_fail (r->error, PE_ERROR_CANCELLED, "stopped");
    if (!pe_gpu_open_commands (b, &r->commands, r->error))
      return false;
    r->bound = VK_NULL_HANDLE;
    r->n_pending = 0; /* each submit begins behind a barrier */
  }
  return true;
}

void
pe_gpu_count_operations (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  struct pe_backend *b = r->b;
  if (r->commands && r->n_rows > 1)
    b->commands[b->open].operations += r->n_rows * row_operations (b, op, depth_of (b->now->pass));
}
