/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which stages the kernels can execute, and the buffers that they take.
 */
#include "base/checked.h"
#include "engine/split.h"
#include "engine/tensor.h"
#include "engine/vulkan/layout.h"
#include "engine/vulkan/pipelines.h"

#include <string.h>

#define TENSOR_ALIGNMENT  64
#define MAX_EXPERTS       1024
#define MAX_EXPERT_GROUPS 64
#define MAX_VALUE_WIDTH   512 /* of one head, see shaders/attention.comp */
#define MAX_KEY_WIDTH     576
#define MAX_CONV_KERNEL   16  /* inputs that an invocation keeps in registers */
#define MAX_STATE_WIDTH   512 /* as many floats of state for each invocation of a small group */

/* ---- tensors ---- */

bool
pe_gpu_expands (const struct pe_tensor *t)
{
  return t->n_dims == 1 && (t->type == PE_TYPE_F16 || t->type == PE_TYPE_BF16);
}

uint64_t
pe_gpu_tensor_bytes (const struct pe_tensor *t)
{
  return pe_gpu_expands (t) ? t->n_elements * sizeof (float) : t->n_bytes;
}

uint64_t
pe_gpu_place_tensor (struct pe_gpu_slab_cursor *cursor, const struct pe_tensor *tensor,
                     uint64_t max_slab)
{
  uint64_t bytes = pe_gpu_tensor_bytes (tensor);
  uint64_t at = (cursor->used + TENSOR_ALIGNMENT - 1) & ~(uint64_t) (TENSOR_ALIGNMENT - 1);
  if (at > 0 && at + bytes > max_slab) {
    cursor->slab++;
    at = 0;
  }
  cursor->used = at + bytes;
  return at;
}

/* ---- what the kernels can do ---- */

struct question {
  const struct pe_device_info *device;
  const struct pe_tensor *tensors;
};

/* Rows of plain types are read 16 bytes at a time. */
static bool
has_matrix_kernel (enum pe_type type, uint64_t k)
{
  switch (type) {
  case PE_TYPE_F32: return k % 4 == 0;
  case PE_TYPE_F16:
  case PE_TYPE_BF16: return k % 8 == 0;
  default: return pe_shader_find (PE_SHADER_MATVEC_F32, type) < PE_SHADER_COUNT;
  }
}

static bool
is_matrix (const struct question *q, struct pe_weight w)
{
  if (w.tensor == PE_NO_TENSOR)
    return false;
  const struct pe_tensor *t = &q->tensors[w.tensor];
  return !pe_gpu_expands (t) && has_matrix_kernel (t->type, t->shape[0]) && t->shape[0] > 1 &&
         t->n_elements / t->shape[0] <= UINT32_MAX && t->shape[0] <= UINT32_MAX;
}

static bool
is_vector (const struct question *q, struct pe_weight w)
{
  if (w.tensor == PE_NO_TENSOR)
    return true;
  const struct pe_tensor *t = &q->tensors[w.tensor];
  return t->type == PE_TYPE_F32 || pe_gpu_expands (t);
}

static bool
are_vectors (const struct question *q, const struct pe_op *op, int from)
{
  for (int i = from; i < 3; i++)
    if (!is_vector (q, op->w[i]))
      return false;
  return true;
}

/* Kernels that read four floats at once need this. */
static bool
is_aligned (struct pe_view v)
{
  return v.offset % 4 == 0 && (v.count == 1 || v.stride % 4 == 0);
}

static bool
can_matmul (const struct question *q, const struct pe_op *op)
{
  return is_matrix (q, op->w[0]) && are_vectors (q, op, 1) && is_aligned (op->in[0]) &&
         pe_gpu_is_flat (op->in[0]) && pe_gpu_is_flat (op->out);
}

static bool
can_matmul_many (const struct question *q, const struct pe_op *op)
{
  return is_matrix (q, op->w[0]) && are_vectors (q, op, 1) && is_aligned (op->in[0]) &&
         op->in[0].width % 4 == 0;
}

static bool
can_attend (const struct question *q, const struct pe_op *op)
{
  const struct pe_attention *a = &op->attention;
  return a->k_width % 4 == 0 && a->v_width % 4 == 0 && a->k_width <= MAX_KEY_WIDTH &&
         a->v_width <= MAX_VALUE_WIDTH && a->n_kv_heads > 0 && a->n_heads % a->n_kv_heads == 0 &&
         is_aligned (op->in[0]) && is_aligned (op->out) && is_vector (q, op->w[0]);
}

static bool
can_route (const struct question *q, const struct pe_op *op)
{
  const struct pe_route *r = &op->route;
  return r->n_experts <= MAX_EXPERTS && r->n_used <= r->n_experts &&
         r->n_groups <= MAX_EXPERT_GROUPS && (!r->n_groups || r->n_experts % r->n_groups == 0) &&
         are_vectors (q, op, 0);
}

static bool
can_convolve (const struct question *q, const struct pe_op *op)
{
  return op->w[0].tensor != PE_NO_TENSOR && are_vectors (q, op, 0) &&
         op->conv.kernel <= MAX_CONV_KERNEL && op->in[0].count == 1;
}

static bool
can_scan (const struct question *q, const struct pe_op *op)
{
  return are_vectors (q, op, 0) && op->ssm.state_width <= MAX_STATE_WIDTH;
}

static bool
can_do (const struct question *q, const struct pe_op *op)
{
  switch (op->kind) {
  case PE_OP_NORM: return are_vectors (q, op, 0);
  case PE_OP_MATMUL: return can_matmul (q, op);
  case PE_OP_MATMUL_HEADS:
  case PE_OP_MATMUL_EXPERT: return can_matmul_many (q, op);
  case PE_OP_ROPE: return is_vector (q, op->w[0]) && is_vector (q, op->w[1]);
  case PE_OP_KV_STORE:
    /* Widths that are no multiple of a block are kept as halves: see pe_kv_geometry_make(). */
    return op->cache.k_width % 4 == 0 && op->cache.v_width % 4 == 0;
  case PE_OP_ATTENTION: return can_attend (q, op);
  case PE_OP_GLU:
  case PE_OP_ADD:
  case PE_OP_MUL:
  case PE_OP_COPY: return true;
  case PE_OP_UNARY: return is_vector (q, op->w[0]);
  case PE_OP_ROUTE: return can_route (q, op);
  case PE_OP_EXPERT_SUM: return true;
  case PE_OP_CONV: return can_convolve (q, op);
  case PE_OP_SSM: return can_scan (q, op);
  case PE_OP_DELTA_NET: return are_vectors (q, op, 0) && op->delta.k_width <= MAX_STATE_WIDTH;
  default: return false;
  }
}

bool
pe_gpu_can_embed (const struct pe_program *program, const struct pe_tensor *tensors)
{
  const struct pe_op *op = program->embed.n_ops == 1 ? program->embed.ops : NULL;
  if (!op || op->kind != PE_OP_EMBED || op->w[1].tensor != PE_NO_TENSOR || op->w[0].row ||
      op->out.value != program->hidden || op->out.offset || !pe_gpu_is_flat (op->out))
    return false;
  const struct pe_tensor *t = &tensors[op->w[0].tensor];
  return t->n_dims == 2 && t->shape[0] % 16 == 0 && t->shape[0] == pe_gpu_elements (op->out) &&
         pe_shader_find (PE_SHADER_EMBED_F32, t->type) < PE_SHADER_COUNT;
}

bool
pe_gpu_embeds_by_output (const struct pe_program *program)
{
  int32_t table = program->embed.ops[0].w[0].tensor;
  for (size_t i = 0; i < program->output.n_tensors; i++)
    if (program->output.tensors[i] == table)
      return true;
  return false;
}

bool
pe_gpu_supports (const struct pe_device_info *device, const struct pe_model *model,
                 const struct pe_program *program, const struct pe_plan_request *request,
                 uint32_t stage)
{
  if (stage == 0) /* looking up rows is nothing to send to a GPU */
    return false;
  const struct question q = { device, pe_model_tensors (model, NULL) };
  const struct pe_stage *list = pe_program_stage (program, stage);
  uint32_t n_attentions = 0;
  for (size_t i = 0; i < list->n_ops; i++) {
    if (!can_do (&q, &list->ops[i]))
      return false;
    n_attentions += list->ops[i].kind == PE_OP_ATTENTION;
  }
  if (n_attentions > 1) /* a stage's table has room for the sizes of one */
    return false;
  const struct pe_layer *layer = pe_gpu_layer (program, stage);
  for (size_t i = 0; i < layer->n_tensors; i++)
    if (pe_gpu_tensor_bytes (&q.tensors[layer->tensors[i]]) > device->max_allocation)
      return false;
  for (size_t v = 0; v < program->n_values; v++)
    if (program->values[v].carry && program->values[v].width % 4)
      return false;
  return true;
}

/* ---- the plan ---- */

struct planning {
  struct pe_plan *plan;
  size_t device;
  struct pe_error *error;
};

/* As the driver will round it up. */
static bool
round_up (const struct planning *p, uint64_t *bytes)
{
  const struct pe_device_info *info = &p->plan->devices[p->device];
  uint64_t alignment = info->allocation_alignment ? info->allocation_alignment : 256;
  return pe_align_u64 (*bytes, alignment, bytes) ||
         pe_fail (p->error, PE_ERROR_LIMIT, "a buffer would be absurdly large");
}

static bool
add (const struct planning *p, enum pe_memory_kind kind, uint32_t stage, uint32_t index,
     uint64_t bytes)
{
  return round_up (p, &bytes) &&
         pe_plan_add (p->plan, p->device, kind, stage, index, false, bytes, p->error);
}

static bool
plan_weights (const struct planning *p, const struct pe_tensor *tensors,
              const struct pe_program *program, uint32_t stage)
{
  const struct pe_layer *layer = pe_gpu_layer (program, stage);
  const struct pe_ram_part part = pe_ram_part (program, p->plan, stage);
  struct pe_gpu_slab_cursor cursor = { 0 };
  uint64_t max_slab = p->plan->devices[p->device].max_allocation;
  for (size_t i = 0; i < layer->n_tensors; i++) {
    if (pe_ram_part_keeps (program, stage, part, layer->tensors[i]))
      continue;
    struct pe_gpu_slab_cursor before = cursor;
    pe_gpu_place_tensor (&cursor, &tensors[layer->tensors[i]], max_slab);
    if (cursor.slab != before.slab && !add (p, PE_MEMORY_WEIGHTS, stage, before.slab, before.used))
      return false;
  }
  return add (p, PE_MEMORY_WEIGHTS, stage, cursor.slab, cursor.used);
}

static bool
plan_stage (const struct planning *p, const struct pe_tensor *tensors,
            const struct pe_program *program, const struct pe_kv_geometry *kv, uint32_t stage)
{
  if (!plan_weights (p, tensors, program, stage))
    return false;
  if (stage > program->n_layers)
    return true;
  if (!add (p, PE_MEMORY_STATE, stage, 0, kv->n_state_slots * kv->state_bytes[stage - 1]))
    return false;
  if (!kv->layers[stage - 1].n_kv_heads)
    return true;
  uint32_t n;
  for (uint32_t s = 0; s < kv->n_segments && (n = pe_kv_segment_pages (kv, stage - 1, s)); s++)
    if (!add (p, PE_MEMORY_KV, stage, s, n * kv->layers[stage - 1].page_bytes))
      return false;
  return true;
}

/* With all layers here, the table of embeddings is too, so that a token's number is all that a pass
 * begins with, even one that the device chose itself. It is the first to stay behind where memory
 * is short: it never makes a plan not fit. In host memory, where rows could be read just as well,
 * it would take as much again, pinned, beside a mapping that the system may drop. */
static bool
plan_table (const struct planning *p, const struct pe_tensor *tensors,
            const struct pe_program *program)
{
  const struct pe_device_info *info = &p->plan->devices[p->device];
  if (!pe_gpu_can_embed (program, tensors) || pe_gpu_embeds_by_output (program))
    return true;
  for (uint32_t s = 1; s < pe_program_n_stages (program); s++)
    if (p->plan->stage_device[s] != p->device)
      return true;
  uint64_t bytes = tensors[program->embed.ops[0].w[0].tensor].n_bytes;
  if (!round_up (p, &bytes))
    return false;
  uint64_t keep = pe_device_margin (info) + info->driver_bytes;
  uint64_t used = pe_plan_bytes (p->plan, p->device, PE_MEMORY_KIND_COUNT);
  bool has_room = bytes <= info->max_allocation && info->memory_available >= keep &&
                  info->memory_available - keep >= used &&
                  info->memory_available - keep - used >= bytes;
  return !has_room || add (p, PE_MEMORY_WEIGHTS, 0, 0, bytes);
}

bool
pe_gpu_plan (const struct pe_model *model, const struct pe_program *program, struct pe_plan *plan,
             size_t device, struct pe_error *error)
{
  const struct planning p = { plan, device, error };
  const struct pe_tensor *tensors = pe_model_tensors (model, NULL);
  struct pe_kv_geometry kv;
  if (!pe_kv_geometry_make (program, &plan->request, &kv, error))
    return false;
  bool ok = true, any = false;
  for (uint32_t s = 1; s < pe_program_n_stages (program) && ok; s++)
    if (plan->stage_device[s] == device) {
      any = true;
      ok = plan_stage (&p, tensors, program, &kv, s);
    }
  struct pe_gpu_layout l;
  if (ok && any) {
    ok = pe_gpu_layout_make (program, &plan->request, &kv, &l, error);
    if (ok) {
      ok = add (&p, PE_MEMORY_WORK, PE_STAGE_NONE, 0, l.work_bytes) &&
           add (&p, PE_MEMORY_STAGING, PE_STAGE_NONE, PE_GPU_STAGING_RING, PE_GPU_RING_BYTES) &&
           add (&p, PE_MEMORY_STAGING, PE_STAGE_NONE, PE_GPU_STAGING_EXCHANGE, l.exchange_bytes) &&
           add (&p, PE_MEMORY_LOGITS, PE_STAGE_NONE, 0, l.logits_bytes) &&
           add (&p, PE_MEMORY_TABLES, PE_STAGE_NONE, 0, l.table_bytes);
      pe_gpu_layout_clear (&l);
    }
  }
  ok = ok && plan_table (&p, tensors, program);
  pe_kv_geometry_clear (&kv);
  return ok;
}
