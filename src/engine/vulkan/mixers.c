/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recurrent operations. Their state lies in the stage's own buffer, one slot after another; the
 * rows of a pass are walked in order inside the kernels, which find the slot of each in the tables.
 */
#include "engine/vulkan/vulkan.h"

#include "shaders/shared/arguments.h"

/* State columns that a workgroup keeps in registers: what they share is read once for all. */
#define OWN 4

static VkDeviceAddress
state_address (const struct pe_gpu_recorder *r, uint32_t layer, uint32_t offset)
{
  return r->b->stages[layer + 1].states.address + offset * sizeof (float);
}

static uint32_t
slot_floats (const struct pe_gpu_recorder *r, uint32_t layer)
{
  return (uint32_t) (r->b->kv->state_bytes[layer] / sizeof (float));
}

void
pe_gpu_record_conv (struct pe_gpu_recorder *r, const struct pe_op *op, enum pe_unary f)
{
  const struct conv_arguments push = {
    .work = r->b->work.address,
    .weight = pe_gpu_weight (r, op->w[0]),
    .bias = pe_gpu_weight (r, op->w[1]),
    .tables = pe_gpu_tables (r->b),
    .state = state_address (r, op->conv.layer, op->conv.state_offset),
    .slot_floats = slot_floats (r, op->conv.layer),
    .in_offset = pe_gpu_offset (r, op->in[0]),
    .in_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .width = op->out.width,
    .n_rows = r->n_rows,
    .max_rows = r->b->layout.max_rows,
  };
  uint32_t size = pe_gpu_group_size (r, 64);
  pe_gpu_touch_view (r, op->in[0], false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_touch_cache (r, op->conv.layer, true);
  pe_gpu_dispatch (r, PE_SHADER_CONV, (uint32_t[]){ size, op->conv.kernel, f }, 3, &push,
                   sizeof push, pe_gpu_linear (push.width, size));
}

void
pe_gpu_record_scan (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct scan_arguments push = {
    .work = r->b->work.address,
    .a = pe_gpu_weight (r, op->w[0]),
    .d = pe_gpu_weight (r, op->w[1]),
    .dt_bias = pe_gpu_weight (r, op->w[2]),
    .tables = pe_gpu_tables (r->b),
    .state = state_address (r, op->ssm.layer, op->ssm.state_offset),
    .slot_floats = slot_floats (r, op->ssm.layer),
    .x_offset = pe_gpu_offset (r, op->in[0]),
    .x_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .x_stride = op->in[0].stride,
    .bc_offset = pe_gpu_offset (r, op->in[1]),
    .bc_row_stride = pe_gpu_row_stride (r, op->in[1]),
    .dt_offset = pe_gpu_offset (r, op->in[2]),
    .dt_row_stride = pe_gpu_row_stride (r, op->in[2]),
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .out_stride = op->out.stride,
    .width = op->ssm.head_width,
    .n_heads = op->ssm.n_heads,
    .n_groups = op->ssm.n_groups,
    .n_rows = r->n_rows,
    .max_rows = r->b->layout.max_rows,
  };
  uint32_t size = pe_gpu_group_size (r, 32), n_state = op->ssm.state_width;
  uint32_t own = push.width < OWN ? push.width : OWN;
  const uint32_t constants[] = { size, n_state, (n_state + size - 1) / size, own,
                                 op->ssm.per_channel };
  for (int i = 0; i < 3; i++)
    pe_gpu_touch_view (r, op->in[i], false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_touch_cache (r, op->ssm.layer, true);
  pe_gpu_dispatch (r, PE_SHADER_SCAN, constants, 5, &push, sizeof push,
                   (struct pe_gpu_grid){ (push.width + own - 1) / own, push.n_heads, 1, 0 });
}

void
pe_gpu_record_delta_net (struct pe_gpu_recorder *r, const struct pe_op *op)
{
  const struct delta_net_arguments push = {
    .work = r->b->work.address,
    .a = pe_gpu_weight (r, op->w[0]),
    .dt_bias = pe_gpu_weight (r, op->w[1]),
    .tables = pe_gpu_tables (r->b),
    .state = state_address (r, op->delta.layer, op->delta.state_offset),
    .slot_floats = slot_floats (r, op->delta.layer),
    .qkv_offset = pe_gpu_offset (r, op->in[0]),
    .qkv_row_stride = pe_gpu_row_stride (r, op->in[0]),
    .alpha_offset = pe_gpu_offset (r, op->in[1]),
    .alpha_row_stride = pe_gpu_row_stride (r, op->in[1]),
    .alpha_width = op->in[1].width,
    .alpha_stride = op->in[1].stride,
    .beta_offset = pe_gpu_offset (r, op->in[2]),
    .beta_row_stride = pe_gpu_row_stride (r, op->in[2]),
    .beta_width = op->in[2].width,
    .beta_stride = op->in[2].stride,
    .out_offset = pe_gpu_offset (r, op->out),
    .out_row_stride = pe_gpu_row_stride (r, op->out),
    .out_stride = op->out.stride,
    .n_k_heads = op->delta.n_k_heads,
    .n_v_heads = op->delta.n_v_heads,
    .v_width = op->delta.v_width,
    .n_rows = r->n_rows,
    .max_rows = r->b->layout.max_rows,
  };
  uint32_t size = pe_gpu_group_size (r, 32), k_width = op->delta.k_width;
  const uint32_t constants[] = { size, k_width, (k_width + size - 1) / size, OWN,
                                 op->delta.interleaved };
  for (int i = 0; i < 3; i++)
    pe_gpu_touch_view (r, op->in[i], false);
  pe_gpu_touch_view (r, op->out, true);
  pe_gpu_touch_cache (r, op->delta.layer, true);
  pe_gpu_dispatch (r, PE_SHADER_DELTA_NET, constants, 5, &push, sizeof push,
                   (struct pe_gpu_grid){ (push.v_width + OWN - 1) / OWN, push.n_v_heads, 1, 0 });
}
