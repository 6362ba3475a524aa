// SPDX-License-Identifier: GPL-3.0-or-later
//
// Rows of the table of embeddings, of the tokens that stand in the pass's tables: an invocation
// takes 16 elements. Tokens that the device chose itself come from nowhere else, so that numbers
// beyond the table are cut off here.
#version 460
#define KERNEL_EMBED
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/decode.glsl"

layout (local_size_x_id = 0) in;

void
main ()
{
  uint at = linear_group () * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint row = at / (k / 16), chunk = at % (k / 16);
  if (row >= n_rows)
    return;
  uint token = min (Words (tables).v[PE_TABLE_TOKENS (max_rows) + row], n_tokens - 1);
  float lower[8], upper[8];
  decode_chunk (weight + uint64_t (token) * row_bytes_of (k), chunk, lower, upper);
  Floats to =
      Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride + chunk_first (chunk)));
  [[unroll]] for (uint j = 0; j < 8; j++) {
    to.v[j] = lower[j] * scale;
    to.v[HIGH + j] = upper[j] * scale;
  }
}
