/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Matrices times many rows, as prompts are computed.
 */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"
#include "engine/vulkan/tiling.h"
#include "shaders/shared/arguments.h"

static bool
is_kept (const struct pe_gpu_kept *kept, struct pe_view v)
{
  return kept->end && kept->view.value == v.value && kept->view.offset == v.offset &&
         kept->view.count == v.count && kept->view.width == v.width &&
         kept->view.stride == v.stride;
}

static void
keep (struct pe_gpu_recorder *r, struct pe_gpu_kept *kept, struct pe_view v)
{
  struct pe_view whole = v;
  whole.offset = 0;
  kept->view = v;
  kept->first = pe_gpu_offset (r, whole);
  kept->end = kept->first + (uint64_t) r->n_rows * pe_gpu_row_stride (r, v);
}

/* ---- inputs ---- */

static void
halve (struct pe_gpu_recorder *r, struct pe_view v)
{
  const struct pe_gpu_layout *l = &r->b->layout;
  uint32_t stride = pe_gpu_half_stride (v.width);
  const struct halve_arguments push = {
    .work = r->b->work.address,
    .in_offset = pe_gpu_offset (r, v),
    .in_row_stride = pe_gpu_row_stride (r, v),
    .in_stride = v.stride,
    .out_offset = (uint32_t) l->rounded,
    .out_row_stride = stride * v.count,
    .out_stride = stride,
    .scales_offset = (uint32_t) l->scales,
    .width = v.width,
  };
  pe_gpu_touch (r, l->scales, (uint64_t) r->n_rows * v.count, true);
  pe_gpu_dispatch (r, PE_SHADER_HALVE, (uint32_t[]){ pe_gpu_group_size (r, 128) }, 1, &push,
                   sizeof push, (struct pe_gpu_grid){ v.count, r->n_rows, 1, 0 });
}

static void
quantise (struct pe_gpu_recorder *r, struct pe_view v)
{
  uint32_t stride = pe_gpu_code_stride (v.width), size = pe_gpu_group_size (r, 64);
  const struct quantise_arguments push = {
    .work = r->b->work.address,
    .in_offset = pe_gpu_offset (r, v),
    .in_row_stride = pe_gpu_row_stride (r, v),
    .in_stride = v.stride,
    .out_offset = (uint32_t) r->b->layout.rounded,
    .out_row_stride = stride * v.count,
    .out_stride = stride,
    .width = v.width,
  };
  pe_gpu_dispatch (r, PE_SHADER_QUANTISE, &size, 1, &push, sizeof push,
                   (struct pe_gpu_grid){ (v.width / 4 + size - 1) / size, r->n_rows, v.count, 0 });
}

/* How a product reads its inputs. */
enum inputs { AS_FLOATS, AS_HALVES, AS_CODES };

static uint32_t
rounded_stride (enum inputs as, uint32_t width)
{
  return as == AS_CODES ? pe_gpu_code_stride (width) : pe_gpu_half_stride (width);
}

/* The inputs rounded, one row of a matrix after another; matrices with the same input share them.
 * `v` has a group for each matrix that reads its own input. */
static void
round_inputs (struct pe_gpu_recorder *r, enum inputs as, struct pe_view v)
{
  const struct pe_gpu_layout *l = &r->b->layout;
  uint64_t n = (uint64_t) r->n_rows * rounded_stride (as, v.width) * v.count;
  if (!is_kept (&r->rounded, v) || r->rounded_to_codes != (as == AS_CODES)) {
    pe_gpu_touch_view (r, v, false);
    pe_gpu_touch (r, l->rounded, n, true);
    if (as == AS_CODES)
      quantise (r, v);
    else
      halve (r, v);
    keep (r, &r->rounded, v);
    r->rounded_to_codes = as == AS_CODES;
  }
  pe_gpu_touch (r, l->rounded, n, false);
  if (as == AS_HALVES)
    pe_gpu_touch (r, l->scales, (uint64_t) r->n_rows * v.count, false);
}

static void
sort_by_expert (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct pe_gpu_layout *l = &r->b->layout;
  uint64_t n = op->expert.n_experts + 1 + (uint64_t) r->n_rows * op->expert.n_used;
  pe_gpu_touch_view (r, op->expert.ids, false);
  if (!is_kept (&r->expert_list, op->expert.ids)) {
    const struct sort_experts_arguments push = {
      .work = r->b->work.address,
      .ids_offset = pe_gpu_offset (r, op->expert.ids),
      .ids_row_stride = pe_gpu_row_stride (r, op->expert.ids),
      .list_offset = (uint32_t) l->expert_lists,
      .n_experts = op->expert.n_experts,
      .n_used = op->expert.n_used,
      .n_rows = r->n_rows,
    };
    pe_gpu_touch (r, l->expert_lists, n, true);
    pe_gpu_dispatch (r, PE_SHADER_SORT_EXPERTS, (uint32_t[]){ 256 }, 1, &push, sizeof push,
                     (struct pe_gpu_grid){ 1, 1, 1, 0 });
    keep (r, &r->expert_list, op->expert.ids);
    pe_gpu_touch_view (r, op->expert.ids, false);
  }
  pe_gpu_touch (r, l->expert_lists, n, false);
}

/* ---- products ---- */

/* What multiplies with weights of a type. */
struct product {
  enum pe_shader shader;
  enum inputs inputs;
  bool has_fragments;
};

/* Precision `fast` rounds inputs where weights are quantised, which costs more than that. Weights
 * that are halves themselves lose nothing else by it as long as sums stay float32. Cooperative
 * matrices come first: where there are any, they are quicker than integers. */
static struct product
choose_product (const struct pe_gpu_recorder *r, enum pe_type type)
{
  bool is_quantised = pe_type_info (type)->block_elements > 1;
  enum pe_shader fragments = pe_shader_find (PE_SHADER_MATMUL_COOP_F32, type);
  enum pe_shader integers = pe_shader_find (PE_SHADER_MATMUL_DOT_Q8_0, type);
  if (r->b->plan->request.precision == PE_PRECISION_FAST) {
    if ((is_quantised || type == PE_TYPE_F16) && pe_gpu_has_kernel (&r->b->gpu.tiers, fragments))
      return (struct product){ fragments, AS_HALVES, true };
    if (r->b->gpu.tiers.prefers_dot && pe_gpu_has_kernel (&r->b->gpu.tiers, integers))
      return (struct product){ integers, AS_CODES, false };
    if (is_quantised)
      return (struct product){ pe_gpu_typed_shader (PE_SHADER_MATMUL_HALF_F32, type), AS_HALVES,
                               false };
  }
  return (struct product){ pe_gpu_typed_shader (PE_SHADER_MATMUL_F32, type), AS_FLOATS, false };
}

static void
dispatch_matmul (struct pe_gpu_recorder *r, const struct product *product, uint32_t flags,
                 const struct matmul_arguments *push, uint32_t n_matrices)
{
  const struct pe_gpu *gpu = &r->b->gpu;
  struct pe_gpu_tiling t = pe_gpu_choose_tiling (gpu, product->has_fragments, push->n, r->n_rows);
  uint32_t constants[PE_GPU_TILING_CONSTANTS];
  uint32_t n_constants = pe_gpu_tiling_constants (gpu, &t, flags, constants);
  struct pe_gpu_grid grid = pe_gpu_linear (pe_gpu_tiles (&t, push->n, r->n_rows), 1);
  grid.z = n_matrices;
  pe_gpu_dispatch (r, product->shader, constants, n_constants, push, sizeof *push, grid);
}

/* Where the inputs are read: as they are, or rounded. */
static void
set_inputs (struct pe_gpu_recorder *r, enum inputs as, struct pe_view v,
            struct matmul_arguments *push)
{
  if (as == AS_FLOATS) {
    pe_gpu_touch_view (r, v, false);
    push->in_offset = pe_gpu_offset (r, v);
    push->in_row_stride = pe_gpu_row_stride (r, v);
    push->in_stride = v.count > 1 ? v.stride : 0;
    return;
  }
  uint32_t stride = rounded_stride (as, v.width);
  round_inputs (r, as, v);
  push->in_offset = (uint32_t) r->b->layout.rounded;
  push->in_row_stride = stride * v.count;
  push->in_stride = v.count > 1 ? stride : 0;
  push->scales_offset = (uint32_t) r->b->layout.scales;
}

void
pe_gpu_record_matmul (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct pe_tensor *t = &r->b->tensors[op->w[0].tensor];
  struct pe_view in = op->in[0];
  uint32_t width = pe_gpu_elements (in);
  struct matmul_arguments push = {
    .weight = pe_gpu_weight (r, op->w[0]),
    .bias = pe_gpu_weight (r, op->w[1]),
    .factor = pe_gpu_weight (r, op->w[2]),
    .work = r->b->work.address,
    .n = pe_gpu_elements (op->out),
    .k = (uint32_t) t->shape[0],
    .n_rows = r->n_rows,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .n_groups = 1,
    .scale = op->matmul.scale,
  };
  const struct product product = choose_product (r, t->type);
  /* Flat: one group, however many heads it is made of. */
  set_inputs (r, product.inputs, (struct pe_view){ in.value, in.offset, 1, width, width }, &push);
  pe_gpu_touch_view (r, op->out, true);
  dispatch_matmul (r, &product, pe_gpu_tail_flag (t->shape[0]) | (push.factor ? PE_FLAG_SCALE : 0),
                   &push, 1);
}

/* A matrix for each group of a row: of the expert that it chose, or of the group itself. */
void
pe_gpu_record_grouped (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct pe_tensor *t = &r->b->tensors[op->w[0].tensor];
  bool experts = op->kind == PE_OP_MATMUL_EXPERT;
  uint64_t matrix_rows = t->shape[1];
  uint32_t n_matrices = experts ? op->expert.n_experts : op->out.count;
  struct matmul_arguments push = {
    .weight = pe_gpu_weight (r, op->w[0]),
    .matrix_bytes = matrix_rows * t->row_bytes,
    .bias = pe_gpu_weight (r, op->w[1]),
    .factor = experts ? pe_gpu_weight (r, op->w[2]) : 0,
    .work = r->b->work.address,
    .n = op->out.width,
    .k = (uint32_t) t->shape[0],
    .n_rows = r->n_rows,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .out_stride = op->out.stride,
    .list_offset = (uint32_t) r->b->layout.expert_lists,
    .ids_offset = experts ? pe_gpu_offset (r, op->expert.ids) : 0,
    .ids_row_stride = experts ? pe_gpu_row_stride (r, op->expert.ids) : 0,
    .n_groups = op->out.count,
    .n_experts = n_matrices,
    .bias_stride = (uint32_t) matrix_rows,
    .scale = experts ? 1 : op->matmul.scale,
  };
  uint32_t flags = pe_gpu_tail_flag (t->shape[0]) | (experts ? PE_FLAG_EXPERTS : PE_FLAG_HEADS) |
                   (push.factor ? PE_FLAG_SCALE : 0) |
                   (experts && op->expert.weigh_input ? PE_FLAG_WEIGH : 0);
  const struct product product = choose_product (r, t->type);
  if (experts)
    sort_by_expert (r, op);
  set_inputs (r, product.inputs, op->in[0], &push);
  if (experts)
    pe_gpu_touch (r, push.list_offset, n_matrices + 1, false);
  pe_gpu_touch_view (r, op->out, true);
  dispatch_matmul (r, &product, flags, &push, n_matrices);
}
