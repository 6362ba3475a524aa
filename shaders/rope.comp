// SPDX-License-Identifier: GPL-3.0-or-later
//
// Rotary position embedding, in place.
#version 460
#define KERNEL_ROPE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/rotation.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint kind = 0; // enum pe_rope_kind

void
main ()
{
  uint64_t at = uint64_t (linear_group ()) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint row_pairs = n_groups * n_pairs;
  if (at >= uint64_t (row_pairs) * n_rows)
    return;
  uint row = uint (at / row_pairs), rest = uint (at - uint64_t (row) * row_pairs);
  uint group = rest / n_pairs, pair = rest - group * n_pairs;

  uint position = Words (tables).v[PE_TABLE_POSITIONS (0) + row];
  vec2 cs = rotation_at (frequencies, pair, position) * magnitude;
  Floats x = Floats (work + 4ul * (offset + uint64_t (row) * row_stride + group * stride));
  uint i = kind == 0 ? 2 * pair : pair;
  uint j = kind == 0 ? 2 * pair + 1 : pair + n_pairs;
  float a = x.v[i], b = x.v[j];
  x.v[i] = a * cs.x - b * cs.y;
  x.v[j] = a * cs.y + b * cs.x;
}
