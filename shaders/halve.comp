// SPDX-License-Identifier: GPL-3.0-or-later
//
// Inputs of matmul.comp as halves: each group of each row is multiplied by a power of two that
// brings its largest element between 32 and 64, so that neither large activations overflow nor
// small ones vanish; the inverse is kept beside. Rows are padded with zeros to whole chunks of 16.
#version 460
#define KERNEL_HALVE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/reduce.glsl"

layout (local_size_x_id = 0) in;

void
main ()
{
  uint group = gl_WorkGroupID.x, row = gl_WorkGroupID.y;
  Floats x = Floats (work + 4ul * (in_offset + uint64_t (row) * in_row_stride + group * in_stride));
  uint64_t to = work + 4ul * (out_offset + uint64_t (row) * out_row_stride + group * out_stride);
  float most = 0.0;
  for (uint i = lane (); i < width; i += gl_WorkGroupSize.x)
    most = max (most, abs (x.v[i]));
  most = workgroup_max (most);
  // 2^5 over the power of two below `most`, from the exponent bits; zeros and infinities as they are.
  uint exponent = floatBitsToUint (most) >> 23;
  bool usual = exponent > 20 && exponent < 250;
  float times = usual ? uintBitsToFloat (259 - exponent << 23) : 1.0;
  for (uint i = lane (); i < (width + 15) / 16 * 4; i += gl_WorkGroupSize.x) {
    vec4 v;
    [[unroll]] for (uint j = 0; j < 4; j++)
      v[j] = 4 * i + j < width ? x.v[4 * i + j] * times : 0.0;
    f16vec4 h = f16vec4 (v);
    Words2 (to).v[i] = uvec2 (packFloat2x16 (h.xy), packFloat2x16 (h.zw));
  }
  if (lane () == 0)
    Floats (work + 4ul * scales_offset).v[row * gl_NumWorkGroups.x + group] =
        usual ? uintBitsToFloat (exponent - 5 << 23) : 1.0;
}
