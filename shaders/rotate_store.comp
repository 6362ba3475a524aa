// SPDX-License-Identifier: GPL-3.0-or-later
//
// Everything between the projections and attention, for one head of one row in a workgroup: the
// root-mean-square norm of queries and keys, their rotation, and the write of keys and values into
// the row's page. Heads are counted queries first, then keys, then values.
#version 460
#define KERNEL_ROTATE_STORE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/reduce.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint k_type = 1;
layout (constant_id = 2) const uint v_type = 1;
layout (constant_id = 3) const uint k_width = 128; // of queries too
layout (constant_id = 4) const uint v_width = 128;
layout (constant_id = 5) const uint rope_kind = 0; // enum pe_rope_kind
layout (constant_id = 6) const uint norms = 0;     // 1: of queries, 2: of keys
#include "include/kv.glsl"
#include "include/kv_write.glsl"
#include "include/rotation.glsl"

shared float x[k_width > v_width ? k_width : v_width];

void
load (uint64_t at, uint width)
{
  for (uint i = lane (); i < width; i += gl_WorkGroupSize.x)
    x[i] = Floats (at).v[i];
}

void
normalise (uint64_t weight, float eps)
{
  float squares = 0.0;
  for (uint i = lane (); i < k_width; i += gl_WorkGroupSize.x)
    squares += x[i] * x[i];
  float scale = 1.0 / sqrt (workgroup_sum (squares) / float (k_width) + eps);
  for (uint i = lane (); i < k_width; i += gl_WorkGroupSize.x)
    x[i] *= weight != 0 ? scale * Floats (weight).v[i] : scale;
}

void
rotate (uint position)
{
  barrier ();
  for (uint pair = lane (); pair < n_pairs; pair += gl_WorkGroupSize.x) {
    vec2 cs = rotation_at (frequencies, pair, position) * magnitude;
    uint i = rope_kind == 0 ? 2 * pair : pair;
    uint j = rope_kind == 0 ? 2 * pair + 1 : pair + n_pairs;
    float a = x[i], b = x[j];
    x[i] = a * cs.x - b * cs.y;
    x[j] = a * cs.y + b * cs.x;
  }
}

void
store_head (uint type, uint64_t to, uint width)
{
  barrier ();
  uint step = step_of (type);
  for (uint i = lane (); i < width / step; i += gl_WorkGroupSize.x) {
    float values[32];
    for (uint j = 0; j < step; j++)
      values[j] = x[i * step + j];
    store (type, to, i, values);
  }
}

void
main ()
{
  uint head = gl_WorkGroupID.x, row = gl_WorkGroupID.y;
  Words table = Words (tables);
  uint position = table.v[PE_TABLE_POSITIONS (max_rows) + row];

  if (head < n_heads) {
    uint64_t at = work + 4ul * (q_offset + uint64_t (row) * q_row_stride + head * q_stride);
    load (at, k_width);
    if ((norms & 1) != 0)
      normalise (q_norm, q_eps);
    rotate (position);
    barrier ();
    for (uint i = lane (); i < k_width; i += gl_WorkGroupSize.x)
      Floats (at).v[i] = x[i];
    return;
  }
  head -= n_heads;
  uint first = table.v[PE_TABLE_FIRST_PAGE (max_rows) + row];
  uint slot = table.v[page_table + first + position / PAGE_TOKENS];
  uint64_t page = page_address (segments, slot, n_kv_heads);
  uint token = position % PAGE_TOKENS;
  if (head < n_kv_heads) {
    load (work + 4ul * (k_offset + uint64_t (row) * k_row_stride + head * k_stride), k_width);
    if ((norms & 2) != 0)
      normalise (k_norm, k_eps);
    rotate (position);
    store_head (k_type, keys_of_page (page, head) + token * row_bytes (k_type, k_width), k_width);
  } else {
    head -= n_kv_heads;
    load (work + 4ul * (v_offset + uint64_t (row) * v_row_stride + head * v_stride), v_width);
    store_head (v_type,
                values_of_page (page, head, n_kv_heads) + token * row_bytes (v_type, v_width),
                v_width);
  }
}
