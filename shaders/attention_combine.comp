// SPDX-License-Identifier: GPL-3.0-or-later
//
// Joins the splits of one (head, row).
#version 460
#define KERNEL_ATTENTION_COMBINE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint v_width = 128;

void
main ()
{
  uint head = gl_WorkGroupID.x, row = gl_WorkGroupID.y;
  uint n_splits = Words (split).v[0], pitch = v_width + 4;
  Floats x = Floats (work + 4ul * (partial_offset +
                                   (uint64_t (row) * n_heads + head) * n_splits * pitch));
  float most = -INFINITY, sum = 0.0;
  for (uint s = 0; s < n_splits; s++)
    most = max (most, x.v[s * pitch + v_width]);
  for (uint s = 0; s < n_splits; s++)
    sum += x.v[s * pitch + v_width + 1] * exp (x.v[s * pitch + v_width] - most);
  Floats y =
      Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride + head * out_stride));
  for (uint i = gl_LocalInvocationID.x; i < v_width; i += gl_WorkGroupSize.x) {
    float value = 0.0;
    for (uint s = 0; s < n_splits; s++)
      value += x.v[s * pitch + i] * exp (x.v[s * pitch + v_width] - most);
    y.v[i] = value / sum;
  }
}
