// SPDX-License-Identifier: GPL-3.0-or-later
//
// Root-mean-square, layer and Euclidean norms of each group of each row.
#version 460
#define KERNEL_NORM
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/reduce.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint kind = 0; // enum pe_norm_kind

void
main ()
{
  uint group = gl_WorkGroupID.x, row = gl_WorkGroupID.y, t = lane ();
  Floats x = Floats (work + 4ul * (in_offset + uint64_t (row) * in_row_stride + group * in_stride));
  Floats y =
      Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride + group * out_stride));

  float mean = 0.0;
  if (kind == 1) {
    float sum = 0.0;
    for (uint i = t; i < width; i += gl_WorkGroupSize.x)
      sum += x.v[i];
    mean = workgroup_sum (sum) / float (width);
  }
  float squares = 0.0;
  for (uint i = t; i < width; i += gl_WorkGroupSize.x) {
    float d = x.v[i] - mean;
    squares += d * d;
  }
  squares = workgroup_sum (squares);
  float scale = kind == 2 ? 1.0 / max (sqrt (squares), eps)
                          : 1.0 / sqrt (squares / float (width) + eps);

  uint64_t skip = 4ul * group * weight_stride;
  for (uint i = t; i < width; i += gl_WorkGroupSize.x) {
    float value = (x.v[i] - mean) * scale;
    if (weight != 0)
      value *= Floats (weight + skip).v[i];
    if (bias != 0)
      value += Floats (bias + skip).v[i];
    y.v[i] = value;
  }
}
