// SPDX-License-Identifier: GPL-3.0-or-later
//
// One output element for each invocation, from one or two inputs.
#version 460
#define KERNEL_ELEMENTWISE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/activation.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint kind = 0; // 0 glu, 1 unary, 2 add, 3 mul, 4 copy
layout (constant_id = 2) const uint f = 0;

uint64_t
place (uint offset, uint row_stride, uint group_width, uint stride, uint row, uint e)
{
  uint group = e / group_width;
  return work + 4ul * (offset + uint64_t (row) * row_stride + uint64_t (group) * stride +
                       (e - group * group_width));
}

void
main ()
{
  uint64_t at = uint64_t (linear_group ()) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (at >= uint64_t (n) * n_rows)
    return;
  uint row = uint (at / n), e = uint (at - uint64_t (row) * n);
  float a = Floats (place (a_offset, a_row_stride, a_width, a_stride, row, e)).v[0];
  float b = 0.0;
  if (kind == 0 || kind == 2 || kind == 3)
    b = Floats (place (b_offset, b_row_stride, b_width, b_stride, row, e / b_repeat)).v[0];
  float result = a;
  if (kind == 0)
    result = gated (f, a, b, x);
  else if (kind == 1)
    result = unary (f, a, x, y);
  else if (kind == 2)
    result = x * a + y * b;
  else if (kind == 3)
    result = a * unary (f, b, x, y);
  if (factor != 0)
    result *= Floats (factor).v[n_factors == 1 ? 0 : e];
  Floats (place (out_offset, out_row_stride, out_width, out_stride, row, e)).v[0] = result;
}
