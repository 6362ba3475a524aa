// SPDX-License-Identifier: GPL-3.0-or-later
//
// Inputs of matmul_dot.comp as signed bytes with a scale for each block of 32 elements, the largest of
// which becomes 127. A row is its codes and then, for each block, four floats: the scale, the sums of
// its first and of its last 16 elements as they are after rounding, for weights with minima, and zero.
// An invocation takes four elements; a workgroup has a multiple of eight.
#version 460
#define KERNEL_QUANTISE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 0) const uint size = 64;

shared float largest[size];
shared int sums[size];

void
main ()
{
  uint t = gl_LocalInvocationID.x, i = gl_WorkGroupID.x * size + t;
  uint row = gl_WorkGroupID.y, group = gl_WorkGroupID.z;
  bool is_inside = 4 * i < width;
  uint64_t from = work + 4ul * (in_offset + uint64_t (row) * in_row_stride + group * in_stride);
  uint64_t to = work + 4ul * (out_offset + uint64_t (row) * out_row_stride + group * out_stride);
  vec4 x = is_inside ? Vectors (from).v[i] : vec4 (0.0);
  vec4 a = abs (x);
  largest[t] = max (max (a.x, a.y), max (a.z, a.w));
  barrier ();
  float most = 0.0;
  [[unroll]] for (uint j = 0; j < 8; j++)
    most = max (most, largest[t / 8 * 8 + j]);
  ivec4 q = ivec4 (roundEven (x * (most > 1e-30 ? 127.0 / most : 0.0)));
  sums[t] = q.x + q.y + q.z + q.w;
  barrier ();
  if (!is_inside)
    return;
  uvec4 bytes = uvec4 (q) & 255;
  Words (to).v[i] = bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
  if (t % 8 != 0)
    return;
  float scale = most / 127.0;
  vec2 halves = vec2 (sums[t] + sums[t + 1] + sums[t + 2] + sums[t + 3],
                      sums[t + 4] + sums[t + 5] + sums[t + 6] + sums[t + 7]);
  Vectors (to + width).v[i / 8] = vec4 (scale, scale * halves, 0.0);
}
