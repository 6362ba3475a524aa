// SPDX-License-Identifier: GPL-3.0-or-later
//
// Which rows chose which expert: begins[n_experts + 1], then the choices (row * n_used + rank)
// sorted by expert, in no particular order within one. A single workgroup.
#version 460
#define KERNEL_SORT_EXPERTS
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;

#define MAX_EXPERTS 1024
shared uint counts[MAX_EXPERTS];

uint
expert_of (uint choice)
{
  uint row = choice / n_used;
  Floats ids = Floats (work + 4ul * (ids_offset + uint64_t (row) * ids_row_stride));
  return min (uint (ids.v[choice - row * n_used]), n_experts - 1);
}

void
main ()
{
  uint t = gl_LocalInvocationID.x, n = n_rows * n_used;
  Words begins = Words (work + 4ul * list_offset);
  Words list = Words (work + 4ul * (list_offset + n_experts + 1));
  for (uint i = t; i < n_experts; i += gl_WorkGroupSize.x)
    counts[i] = 0;
  barrier ();
  for (uint c = t; c < n; c += gl_WorkGroupSize.x)
    atomicAdd (counts[expert_of (c)], 1);
  barrier ();
  if (t == 0) {
    uint sum = 0;
    for (uint i = 0; i < n_experts; i++) {
      uint count = counts[i];
      counts[i] = sum;
      begins.v[i] = sum;
      sum += count;
    }
    begins.v[n_experts] = sum;
  }
  barrier ();
  for (uint c = t; c < n; c += gl_WorkGroupSize.x)
    list.v[atomicAdd (counts[expert_of (c)], 1)] = c;
}
