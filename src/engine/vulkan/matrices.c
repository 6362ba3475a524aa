/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Matrices times one row or a few.
 */
#include "engine/vulkan/vulkan.h"

#include "engine/tensor.h"
#include "engine/vulkan/tiling.h"
#include "shaders/shared/arguments.h"

/* Precision `fast` rounds inputs to bytes where the device multiplies four of them at once:
 * decoding weights to floats and multiplying one by one takes longer than reading them from quick
 * memory. */
static enum pe_shader
choose_kernel (const struct pe_gpu_recorder *r, enum pe_shader floats, enum pe_shader codes,
               enum pe_type type)
{
  enum pe_shader integers = pe_shader_find (codes, type);
  bool rounds = r->b->plan->request.precision == PE_PRECISION_FAST && r->b->gpu.tiers.prefers_dot;
  return rounds && pe_gpu_has_kernel (&r->b->gpu.tiers, integers)
             ? integers
             : pe_gpu_typed_shader (floats, type);
}

/* One matrix for each group: of an expert, or of the group itself. */
void
pe_gpu_record_matmul_many (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  if (r->n_rows > PE_GPU_FEW_ROWS) {
    pe_gpu_record_grouped (r, op);
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
  const struct pe_gpu_share share = pe_gpu_choose_share (&r->b->gpu, push.k, 1, false);
  uint32_t flags = pe_gpu_tail_flag (t->shape[0]) | (experts ? 0 : PE_FLAG_HEADS) |
                   (experts && op->expert.weigh_input ? PE_FLAG_WEIGH : 0);
  pe_gpu_touch_view (r, op->in[0], false);
  if (experts)
    pe_gpu_touch_view (r, op->expert.ids, false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_dispatch (
      r, choose_kernel (r, PE_SHADER_MATVEC_EXPERT_F32, PE_SHADER_MATVEC_EXPERT_DOT_Q8_0, t->type),
      (uint32_t[]){ share.size, share.rows, flags }, 3, &push, sizeof push,
      (struct pe_gpu_grid){ (push.n + share.rows - 1) / share.rows, r->n_rows, op->out.count, 0 });
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
  const struct pe_gpu_share share = pe_gpu_choose_share (&r->b->gpu, push.k, r->n_rows, m->glu);
  const uint32_t rows = share.rows;
  uint32_t flags = pe_gpu_tail_flag (t->shape[0]);
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
  const uint32_t constants[] = { share.size, r->n_rows, rows, flags,
                                 m->glu ? (uint32_t) m->glu->unary.f : 0 };
  pe_gpu_dispatch (r, choose_kernel (r, PE_SHADER_MATVEC_F32, PE_SHADER_MATVEC_DOT_Q8_0, t->type),
                   constants, 5, &push, sizeof push, pe_gpu_linear (groups, 1));
}
