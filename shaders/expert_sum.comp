// SPDX-License-Identifier: GPL-3.0-or-later
//
// out = sum over the chosen experts of their weight times their result.
#version 460
#define KERNEL_EXPERT_SUM
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint flags = 0;

void
main ()
{
  uint64_t at = uint64_t (linear_group ()) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (at >= uint64_t (n) * n_rows)
    return;
  uint row = uint (at / n), e = uint (at - uint64_t (row) * n);
  Floats x = Floats (work + 4ul * (in_offset + uint64_t (row) * in_row_stride));
  Floats w = Floats (work + 4ul * (weight_offset + uint64_t (row) * weight_row_stride));
  float sum = 0.0;
  for (uint u = 0; u < n_used; u++)
    sum += ((flags & PE_FLAG_WEIGH) != 0 ? w.v[u] : 1.0) * x.v[u * in_stride + e];
  Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride)).v[e] = sum;
}
