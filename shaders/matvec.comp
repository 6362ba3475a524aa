// SPDX-License-Identifier: GPL-3.0-or-later
//
// Few activation rows (columns) times up to three matrices of one type. A workgroup makes `rows`
// output elements for all columns: every weight is read once. The norm of the input can be folded
// in: its weights multiply the input on the way, its divisor the result.
#version 460
#define KERNEL_MATVEC
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/activation.glsl"
#include "include/decode.glsl"
#include "include/chunk.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint columns = 1;
layout (constant_id = 2) const uint rows = 2;
layout (constant_id = 3) const uint flags = 0;
layout (constant_id = 4) const uint f = 10; // of PE_FLAG_PAIR: enum pe_unary

const uint pair_rows = (flags & PE_FLAG_PAIR) != 0 ? 2 * rows : rows;

shared float partial[(pair_rows + 1) * columns * 32];

void
main ()
{
  uint t = lane ();
  uint part = 0, first = linear_group ();
  if ((flags & PE_FLAG_PAIR) == 0)
    while (part < 2 && first >= (n[part] + rows - 1) / rows) {
      first -= (n[part] + rows - 1) / rows;
      part++;
    }
  first *= rows;
  if (first >= n[part])
    return;

  uint64_t row_size = row_bytes_of (k);
  uint64_t row_at[pair_rows];
  [[unroll]] for (uint r = 0; r < rows; r++) {
    uint64_t skip = row_size * min (first + r, n[part] - 1);
    row_at[r] = weight[part] + skip;
    if ((flags & PE_FLAG_PAIR) != 0)
      row_at[rows + r] = weight[1] + skip;
  }

  float sum[pair_rows * columns], squares[columns];
  [[unroll]] for (uint i = 0; i < pair_rows * columns; i++)
    sum[i] = 0.0;
  [[unroll]] for (uint c = 0; c < columns; c++)
    squares[c] = 0.0;

  for (uint chunk = t; chunk < k / 16; chunk += gl_WorkGroupSize.x) {
    uint at = chunk_first (chunk);
    vec4 g[4];
    if ((flags & PE_FLAG_NORM) != 0) {
      uint64_t norm_at = norm + 4ul * at;
      g[0] = Vectors (norm_at).v[0];
      g[1] = Vectors (norm_at).v[1];
      g[2] = Vectors (norm_at + 4 * HIGH).v[0];
      g[3] = Vectors (norm_at + 4 * HIGH).v[1];
    }
    Chunk input_[columns];
    [[unroll]] for (uint c = 0; c < columns; c++) {
      uint64_t in_at = work + 4ul * (in_offset + uint64_t (c) * in_row_stride + at);
      vec4 x[4];
      x[0] = Vectors (in_at).v[0];
      x[1] = Vectors (in_at).v[1];
      x[2] = Vectors (in_at + 4 * HIGH).v[0];
      x[3] = Vectors (in_at + 4 * HIGH).v[1];
      if ((flags & PE_FLAG_NORM) != 0)
        [[unroll]] for (uint i = 0; i < 4; i++) {
          squares[c] += dot (x[i], x[i]);
          x[i] *= g[i];
        }
      input_[c] = chunk_of (x);
    }
    [[unroll]] for (uint r = 0; r < pair_rows; r++)
      ADD_CHUNK (sum, r * columns, row_at[r], chunk, input_, columns)
  }

#ifdef IS_FLOAT
  for (uint at = k / 16 * 16 + t; (flags & PE_FLAG_TAIL) != 0 && at < k;
       at += gl_WorkGroupSize.x) {
    [[unroll]] for (uint c = 0; c < columns; c++) {
      float x = Floats (work + 4ul * (in_offset + uint64_t (c) * in_row_stride + at)).v[0];
      squares[c] += x * x;
      if ((flags & PE_FLAG_NORM) != 0)
        x *= Floats (norm).v[at];
      [[unroll]] for (uint r = 0; r < pair_rows; r++)
        sum[r * columns + c] += decode_one (row_at[r], at) * x;
    }
  }
#endif

  [[unroll]] for (uint i = 0; i < pair_rows * columns; i++)
    sum[i] = subgroupAdd (sum[i]);
  if ((flags & PE_FLAG_NORM) != 0)
    [[unroll]] for (uint c = 0; c < columns; c++)
      squares[c] = subgroupAdd (squares[c]);
  if (gl_SubgroupInvocationID == 0) {
    [[unroll]] for (uint i = 0; i < pair_rows * columns; i++)
      partial[i * 32 + gl_SubgroupID] = sum[i];
    [[unroll]] for (uint c = 0; c < columns; c++)
      partial[(pair_rows * columns + c) * 32 + gl_SubgroupID] = squares[c];
  }
  barrier ();

  for (uint i = t; i < rows * columns; i += gl_WorkGroupSize.x) {
    uint r = i / columns, c = i % columns, row = first + r;
    if (row >= n[part])
      break;
    float a = 0.0, b = 0.0, square = 0.0;
    for (uint s = 0; s < gl_NumSubgroups; s++) {
      a += partial[i * 32 + s];
      if ((flags & PE_FLAG_PAIR) != 0)
        b += partial[(rows * columns + i) * 32 + s];
      if ((flags & PE_FLAG_NORM) != 0)
        square += partial[(pair_rows * columns + c) * 32 + s];
    }
    if ((flags & PE_FLAG_NORM) != 0) {
      float divide = 1.0 / sqrt (square / float (k) + eps);
      a *= divide;
      b *= divide;
    }
    if ((flags & PE_FLAG_PAIR) != 0) {
      if (bias[0] != 0)
        a += Floats (bias[0]).v[row];
      if (bias[1] != 0)
        b += Floats (bias[1]).v[row];
      a = gated (f, a, b, scale);
    } else {
      a *= scale;
      if ((flags & PE_FLAG_SCALE) != 0)
        a *= Floats (bias[2]).v[0];
      else if (part == 2 && bias[2] != 0)
        a += Floats (bias[2]).v[row];
      if (part < 2 && bias[part] != 0)
        a += Floats (bias[part]).v[row];
    }
    if ((flags & PE_FLAG_RESIDUAL) != 0)
      a += Floats (work + 4ul * (residual_offset + uint64_t (c) * residual_row_stride)).v[row];
    Floats (work + 4ul * (out_offset[part] + uint64_t (c) * out_row_stride[part])).v[row] = a;
  }
}
