// SPDX-License-Identifier: GPL-3.0-or-later
//
// Writes a row's keys and values into its page. An invocation does 32 elements of one head where
// the type has blocks, otherwise 4.
#version 460
#define KERNEL_KV_STORE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint k_type = 1;
layout (constant_id = 2) const uint v_type = 1;
layout (constant_id = 3) const uint k_width = 128;
layout (constant_id = 4) const uint v_width = 128;
#include "include/kv.glsl"
#include "include/kv_write.glsl"

void
main ()
{
  uint k_steps = k_width / step_of (k_type), v_steps = v_width / step_of (v_type);
  uint row_steps = n_kv_heads * (k_steps + v_steps);
  uint64_t at = uint64_t (linear_group ()) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (at >= uint64_t (row_steps) * n_rows)
    return;
  uint row = uint (at / row_steps), rest = uint (at - uint64_t (row) * row_steps);
  uint head = rest / (k_steps + v_steps), step = rest - head * (k_steps + v_steps);

  Words table = Words (tables);
  uint position = table.v[PE_TABLE_POSITIONS (max_rows) + row];
  uint first = table.v[PE_TABLE_FIRST_PAGE (max_rows) + row];
  uint slot = table.v[page_table + first + position / PAGE_TOKENS];
  uint64_t page = page_address (segments, slot, n_kv_heads);
  uint token = position % PAGE_TOKENS;
  bool is_key = step < k_steps;
  uint type = is_key ? k_type : v_type, at_step = is_key ? step : step - k_steps;
  Floats from =
      is_key ? Floats (work + 4ul * (k_offset + uint64_t (row) * k_row_stride + head * k_stride))
             : Floats (work + 4ul * (v_offset + uint64_t (row) * v_row_stride + head * v_stride));
  float x[32];
  for (uint i = 0; i < step_of (type); i++)
    x[i] = from.v[at_step * step_of (type) + i];
  if (is_key)
    store (k_type, keys_of_page (page, head) + token * row_bytes (k_type, k_width), at_step, x);
  else
    store (v_type, values_of_page (page, head, n_kv_heads) + token * row_bytes (v_type, v_width),
           at_step, x);
}
