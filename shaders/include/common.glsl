// SPDX-License-Identifier: GPL-3.0-or-later
//
// Extensions and the types through which kernels see memory. The includer has set its KERNEL_*.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int32 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_basic : require

#include "shared/arguments.h"

#define BUFFER(name, type, align)                                                                  \
  layout (buffer_reference, scalar, buffer_reference_align = align) buffer name { type v[]; }

BUFFER (Floats, float, 4);
BUFFER (Vectors, vec4, 16);
BUFFER (Bytes, uint8_t, 1);
BUFFER (SignedBytes, int8_t, 1);
BUFFER (Halves, uint16_t, 2);
BUFFER (Half4s, u16vec4, 8);
BUFFER (Words, uint, 4);
BUFFER (Words2, uvec2, 8);
BUFFER (Words4, uvec4, 16);
BUFFER (Addresses, uint64_t, 8);

#define INFINITY uintBitsToFloat (0x7f800000u)

float
half_to_float (uint h)
{
  return unpackHalf2x16 (h & 0xffffu).x;
}

float
bf16_to_float (uint h)
{
  return uintBitsToFloat (h << 16);
}

// A grid of more than PE_GRID_X workgroups goes on along y.
uint
linear_group ()
{
  return gl_WorkGroupID.y * PE_GRID_X + gl_WorkGroupID.x;
}

// Of an invocation in its workgroup, such that a subgroup's invocations are neighbours.
uint
lane ()
{
  return gl_SubgroupID * gl_SubgroupSize + gl_SubgroupInvocationID;
}
