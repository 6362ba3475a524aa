// SPDX-License-Identifier: GPL-3.0-or-later
//
// For each group of each activation row its own matrix out of a stack: that of a chosen expert,
// or (PE_FLAG_HEADS) that with the group's number.
#version 460
#define KERNEL_MATVEC_EXPERT
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/decode.glsl"
#include "include/chunk.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint rows = 2;
layout (constant_id = 2) const uint flags = 0;

shared float partial[rows * 32];

void
main ()
{
  uint t = lane ();
  uint first = gl_WorkGroupID.x * rows;
  uint batch_row = gl_WorkGroupID.y, group = gl_WorkGroupID.z;
  uint matrix = group;
  float factor = scale;
  if ((flags & PE_FLAG_HEADS) == 0) {
    Floats ids = Floats (work + 4ul * (ids_offset + uint64_t (batch_row) * ids_row_stride));
    matrix = min (uint (ids.v[group]), n_experts - 1);
    if ((flags & PE_FLAG_WEIGH) != 0)
      factor *= ids.v[n_groups + group];
    if (factors != 0)
      factor *= Floats (factors).v[matrix];
  }
  uint64_t row_size = row_bytes_of (k);
  uint64_t base = weight + matrix * matrix_bytes;
  uint64_t row_at[rows];
  float sum[rows];
  [[unroll]] for (uint r = 0; r < rows; r++) {
    row_at[r] = base + row_size * min (first + r, n - 1);
    sum[r] = 0.0;
  }
  uint64_t in_at =
      work + 4ul * (in_offset + uint64_t (batch_row) * in_row_stride + group * in_stride);
  for (uint chunk = t; chunk < k / 16; chunk += gl_WorkGroupSize.x) {
    uint64_t at = in_at + 4ul * chunk_first (chunk);
    vec4 x[4];
    x[0] = Vectors (at).v[0];
    x[1] = Vectors (at).v[1];
    x[2] = Vectors (at + 4 * HIGH).v[0];
    x[3] = Vectors (at + 4 * HIGH).v[1];
    Chunk input_[1];
    input_[0] = chunk_of (x);
    [[unroll]] for (uint r = 0; r < rows; r++)
      ADD_CHUNK (sum, r, row_at[r], chunk, input_, 1)
  }
#ifdef IS_FLOAT
  for (uint at = k / 16 * 16 + t; (flags & PE_FLAG_TAIL) != 0 && at < k;
       at += gl_WorkGroupSize.x) {
    [[unroll]] for (uint r = 0; r < rows; r++)
      sum[r] += decode_one (row_at[r], at) * Floats (in_at).v[at];
  }
#endif
  [[unroll]] for (uint r = 0; r < rows; r++)
    sum[r] = subgroupAdd (sum[r]);
  if (gl_SubgroupInvocationID == 0)
    [[unroll]] for (uint r = 0; r < rows; r++)
      partial[r * 32 + gl_SubgroupID] = sum[r];
  barrier ();
  for (uint r = t; r < rows && first + r < n; r += gl_WorkGroupSize.x) {
    float a = 0.0;
    for (uint s = 0; s < gl_NumSubgroups; s++)
      a += partial[r * 32 + s];
    a *= factor;
    if (bias != 0)
      a += Floats (bias + 4ul * matrix * bias_stride).v[first + r];
    Floats (work + 4ul * (out_offset + uint64_t (batch_row) * out_row_stride +
                          group * out_stride)).v[first + r] = a;
  }
}
