/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Matrices times one row, a few rows, many rows.
 */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"
#include "shaders/shared/arguments.h"

/* The variant of a kernel, whose first is given, for a type. */
static enum pe_shader
typed_shader (enum pe_shader first, enum pe_type type)
{
  enum pe_shader shader = pe_shader_find (first, type);
  return shader < PE_SHADER_COUNT ? shader : first; /* pe_gpu_supports() let only these through */
}

static uint32_t
tail_flag (uint64_t k)
{
  return k % 16 ? PE_FLAG_TAIL : 0;
}

static void record_grouped (struct pe_gpu_recorder *r, const struct pe_op *op);

/* One matrix for each group: of an expert, or of the group itself. */
void
pe_gpu_record_matmul_many (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  if (r->n_rows > PE_GPU_FEW_ROWS) {
    record_grouped (r, op);
    return;
  }
  const struct pe_tensor *t = &r->b->tensors[op->w[0].tensor];
  bool experts = op->kind == PE_OP_MATMUL_EXPERT;
  uint64_t matrix_rows = t->shape[1];
  const struct matvec_expert_arguments push = {
    .weight = pe_gpu_weight (r, op->w[0]),
    .matrix_bytes = matrix_rows * t->row_bytes,
    .bias = pe_gpu_weight (r, op->w[1]),
    .factors = experts ? pe_gpu_weight (r, op->w[2]) : 0,
    .work = r->b->work.address,
    .n = op->out.width,
    .k = (uint32_t) t->shape[0],
    .bias_stride = (uint32_t) matrix_rows,
    .ids_offset = experts ? pe_gpu_offset (r, op->expert.ids) : 0,
    .ids_row_stride = experts ? pe_gpu_row_stride (r, op->expert.ids) : 0,
    .in_offset = pe_gpu_offset (r, op->in[0]),
    .in_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .in_stride = op->in[0].count > 1 ? op->in[0].stride : 0,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .out_stride = op->out.stride,
    .n_groups = op->out.count,
    .n_experts = experts ? op->expert.n_experts : op->out.count,
    .scale = experts ? 1 : op->matmul.scale,
  };
  const uint32_t rows = 2;
  uint32_t flags = tail_flag (t->shape[0]) | (experts ? 0 : PE_FLAG_HEADS) |
                   (experts && op->expert.weigh_input ? PE_FLAG_WEIGH : 0);
  pe_gpu_touch_view (r, op->in[0], false);
  if (experts)
    pe_gpu_touch_view (r, op->expert.ids, false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (r, typed_shader (PE_SHADER_MATVEC_EXPERT_F32, t->type),
                   (uint32_t[]){ pe_gpu_group_size (r, 64), rows, flags }, 3, &push, sizeof push,
                   (struct pe_gpu_grid){ (push.n + rows - 1) / rows, r->n_rows, op->out.count, 0 });
}

/* ---- many rows ---- */

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

/* The inputs as halves, one row of a matrix after another; matrices with the same input share
 * them. `v` has a group for each matrix that reads its own input. */
static void
halve (struct pe_gpu_recorder *r, struct pe_view v)
{
  const struct pe_gpu_layout *l = &r->b->layout;
  uint32_t stride = pe_gpu_half_stride (v.width);
  if (!is_kept (&r->halves, v)) {
    const struct halve_arguments push = {
      .work = r->b->work.address,
      .in_offset = pe_gpu_offset (r, v),
      .in_row_stride = pe_gpu_row_stride (r, v),
      .in_stride = v.stride,
      .out_offset = (uint32_t) l->halves,
      .out_row_stride = stride * v.count,
      .out_stride = stride,
      .scales_offset = (uint32_t) l->scales,
      .width = v.width,
    };
    pe_gpu_touch_view (r, v, false);
    pe_gpu_touch (r, l->halves, (uint64_t) r->n_rows * push.out_row_stride, true);
    pe_gpu_touch (r, l->scales, (uint64_t) r->n_rows * v.count, true);
    pe_gpu_dispatch (r, PE_SHADER_HALVE, (uint32_t[]){ pe_gpu_group_size (r, 128) }, 1, &push,
                     sizeof push, (struct pe_gpu_grid){ v.count, r->n_rows, 1, 0 });
    keep (r, &r->halves, v);
  }
  pe_gpu_touch (r, l->halves, (uint64_t) r->n_rows * stride * v.count, false);
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

static bool
has_fragments (const struct pe_gpu_recorder *r, enum pe_type type)
{
  enum pe_shader shader = typed_shader (PE_SHADER_MATMUL_COOP_F32, type);
  return r->b->gpu.tiers.has[PE_SHADER_TIER_COOPERATIVE_MATRIX] && pe_shader_code[shader].words;
}

/* Precision `fast` rounds inputs where weights are quantised, which costs more than that. Weights
 * that are halves themselves lose nothing else by it as long as sums stay float32. */
static bool
reads_halves (const struct pe_gpu_recorder *r, enum pe_type type)
{
  if (r->b->plan->request.precision != PE_PRECISION_FAST)
    return false;
  return pe_type_info (type)->block_elements > 1 ||
         (type == PE_TYPE_F16 && has_fragments (r, type));
}

/* Tiles are large where there are enough of them to fill the device; software devices, whose
 * fragments are small, would compile for minutes. */
static uint32_t
tile_size (const struct pe_gpu_recorder *r, uint32_t n, uint32_t size)
{
  uint64_t large = ((uint64_t) n + 127) / 128 * ((r->n_rows + 127) / 128);
  bool software = r->b->gpu.info.kind == PE_DEVICE_SOFTWARE;
  return size > 128 || (!software && large >= 96 && r->n_rows > 64) ? 128 : 64;
}

/* The kernel for the precision and the device. */
static void
dispatch_matmul (struct pe_gpu_recorder *r, enum pe_type type, uint32_t flags,
                 const struct matmul_arguments *push, uint32_t n_matrices)
{
  const struct pe_gpu_tiers *tiers = &r->b->gpu.tiers;
  bool halves = reads_halves (r, type), fragments = halves && has_fragments (r, type);
  enum pe_shader first = fragments ? PE_SHADER_MATMUL_COOP_F32
                         : halves  ? PE_SHADER_MATMUL_HALF_F32
                                   : PE_SHADER_MATMUL_F32;
  uint32_t size = fragments ? 4 * tiers->subgroup_size : 128;
  uint32_t tile = fragments ? tile_size (r, push->n, size) : 64;
  const uint32_t constants[] = {
    size, flags, tile, tile, tiers->fragment[0], tiers->fragment[1], tiers->fragment[2]
  };
  uint64_t tiles = ((uint64_t) push->n + tile - 1) / tile * ((r->n_rows + tile - 1) / tile);
  struct pe_gpu_grid grid = pe_gpu_linear (tiles, 1);
  grid.z = n_matrices;
  pe_gpu_dispatch (r, typed_shader (first, type), constants, fragments ? 7 : 2, push, sizeof *push,
                   grid);
}

/* Where the inputs are read: as they are, or as halves. */
static void
set_inputs (struct pe_gpu_recorder *r, enum pe_type type, struct pe_view v,
            struct matmul_arguments *push)
{
  if (reads_halves (r, type)) {
    uint32_t stride = pe_gpu_half_stride (v.width);
    halve (r, v);
    push->in_offset = (uint32_t) r->b->layout.halves;
    push->in_row_stride = stride * v.count;
    push->in_stride = v.count > 1 ? stride : 0;
    push->scales_offset = (uint32_t) r->b->layout.scales;
  } else {
    pe_gpu_touch_view (r, v, false);
    push->in_offset = pe_gpu_offset (r, v);
    push->in_row_stride = pe_gpu_row_stride (r, v);
    push->in_stride = v.count > 1 ? v.stride : 0;
  }
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
  /* Flat: one group, however many heads it is made of. */
  set_inputs (r, t->type, (struct pe_view){ in.value, in.offset, 1, width, width }, &push);
  pe_gpu_touch_view (r, op->out, true);
  dispatch_matmul (r, t->type, tail_flag (t->shape[0]) | (push.factor ? PE_FLAG_SCALE : 0), &push,
                   1);
}

/* A matrix for each group of a row: of the expert that it chose, or of the group itself. */
static void
record_grouped (struct pe_gpu_recorder *r, const struct pe_op *op)
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
  uint32_t flags = tail_flag (t->shape[0]) | (experts ? PE_FLAG_EXPERTS : PE_FLAG_HEADS) |
                   (push.factor ? PE_FLAG_SCALE : 0) |
                   (experts && op->expert.weigh_input ? PE_FLAG_WEIGH : 0);
  if (experts)
    sort_by_expert (r, op);
  set_inputs (r, t->type, op->in[0], &push);
  if (experts)
    pe_gpu_touch (r, push.list_offset, n_matrices + 1, false);
  pe_gpu_touch_view (r, op->out, true);
  dispatch_matmul (r, t->type, flags, &push, n_matrices);
}

void
pe_gpu_record_matvec (struct pe_gpu_recorder *r, const struct pe_gpu_matvec *m)
{
  const struct pe_op *op = m->parts[0];
  const struct pe_tensor *t = &r->b->tensors[op->w[0].tensor];
  struct pe_view in = m->norm ? m->norm->in[0] : op->in[0];
  struct matvec_arguments push = {
    .norm = m->norm ? pe_gpu_weight (r, m->norm->w[0]) : 0,
    .work = r->b->work.address,
    .in_offset = pe_gpu_offset (r, in),
    .in_row_stride = pe_gpu_row_stride (r, in),
    .k = (uint32_t) t->shape[0],
    .eps = m->norm ? m->norm->norm.eps : 0,
    .scale = m->glu ? m->glu->unary.a : op->matmul.scale,
  };
  const uint32_t rows = m->glu || r->n_rows > 4 ? 1 : 2;
  uint32_t flags = tail_flag (t->shape[0]);
  uint64_t groups = 0;
  pe_gpu_touch_view (r, in, false);
  for (uint32_t i = 0; i < m->n_parts; i++) {
    const struct pe_op *part = m->parts[i];
    struct pe_view out = m->residual ? m->residual->out : part->out;
    push.weight[i] = pe_gpu_weight (r, part->w[0]);
    push.bias[i] = pe_gpu_weight (r, part->w[1]);
    push.n[i] = pe_gpu_elements (part->out);
    if (m->glu)
      continue;
    push.out_offset[i] = pe_gpu_offset (r, out);
    push.out_row_stride[i] = pe_gpu_row_stride (r, out);
    groups += (push.n[i] + rows - 1) / rows;
    pe_gpu_touch_view (r, out, true);
  }
  if (m->glu) {
    flags |= PE_FLAG_PAIR;
    push.out_offset[0] = pe_gpu_offset (r, m->glu->out);
    push.out_row_stride[0] = pe_gpu_row_stride (r, m->glu->out);
    groups = (push.n[0] + rows - 1) / rows;
    pe_gpu_touch_view (r, m->glu->out, true);
  }
  if (m->norm)
    flags |= PE_FLAG_NORM;
  if (m->residual) {
    flags |= PE_FLAG_RESIDUAL;
    push.residual_offset = pe_gpu_offset (r, m->addend);
    push.residual_row_stride = pe_gpu_row_stride (r, m->addend);
    pe_gpu_touch_view (r, m->addend, false);
  }
  if (op->w[2].tensor != PE_NO_TENSOR) {
    flags |= PE_FLAG_SCALE;
    push.bias[2] = pe_gpu_weight (r, op->w[2]);
  }
  const uint32_t constants[] = { pe_gpu_group_size (r, 64), r->n_rows, rows, flags,
                                 m->glu ? (uint32_t) m->glu->unary.f : 0 };
  pe_gpu_dispatch (r, typed_shader (PE_SHADER_MATVEC_F32, t->type), constants, 5, &push,
                   sizeof push, pe_gpu_linear (groups, 1));
}
