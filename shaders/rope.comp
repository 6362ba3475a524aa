// SPDX-License-Identifier: GPL-3.0-or-later
//
// Rotary position embedding, in place. The host folds base, scaling, YaRN and the file's factors
// into one frequency for each pair, in turns of 2^-64. Vulkan promises little about sin and cos,
// and float32 products of large positions lose their fraction: whole numbers wrap exactly.
#version 460
#define KERNEL_ROPE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint kind = 0; // enum pe_rope_kind

// Cosine and sine of a phase in turns of 2^-32: the nearest quarter, then short polynomials.
vec2
rotation (uint phase)
{
  uint quadrant = phase + 0x20000000u >> 30;
  float r = float (int (phase - (quadrant << 30))) * 1.4629180792671596e-9; // pi / 2^31
  float r2 = r * r;
  float s = r + r * r2 * (-1.6666654611e-1 + r2 * (8.3321608736e-3 + r2 * -1.9515295891e-4));
  float c = 1.0 - 0.5 * r2 +
            r2 * r2 * (4.166664568298827e-2 + r2 * (-1.388731625493765e-3 +
                                                    r2 * 2.443315711809948e-5));
  vec2 cs = (quadrant & 1u) == 0 ? vec2 (c, s) : vec2 (s, c);
  if (quadrant == 1 || quadrant == 2)
    cs.x = -cs.x;
  if (quadrant >= 2)
    cs.y = -cs.y;
  return cs;
}

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
  uint64_t turns = Addresses (frequencies).v[pair] * uint64_t (position);
  vec2 cs = rotation (uint (turns >> 32)) * magnitude;
  Floats x = Floats (work + 4ul * (offset + uint64_t (row) * row_stride + group * stride));
  uint i = kind == 0 ? 2 * pair : pair;
  uint j = kind == 0 ? 2 * pair + 1 : pair + n_pairs;
  float a = x.v[i], b = x.v[j];
  x.v[i] = a * cs.x - b * cs.y;
  x.v[j] = a * cs.y + b * cs.x;
}
