// SPDX-License-Identifier: GPL-3.0-or-later
//
// Copies 16 bytes for each invocation: what the memory can do at most, for measurements.
#version 460
#define KERNEL_COPY
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;

void
main ()
{
  uint64_t i = uint64_t (linear_group ()) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (i < n)
    Words4 (target).v[uint (i)] = Words4 (source).v[uint (i)];
}
