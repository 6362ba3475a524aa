// SPDX-License-Identifier: GPL-3.0-or-later
//
// Causal depthwise convolution with state, and a function of the result:
//   y[r][c] = f (bias[c] + sum over j of w[c][j] x[r - kernel + 1 + j][c])
// An invocation owns a channel and walks the rows in order; the inputs before the first row are the
// state of the row's sequence. Results may take the place of their inputs: AHEAD inputs are read
// before any of their results is written, so that their latencies overlap.
#version 460
#define KERNEL_CONV
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/activation.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint kernel = 4;
layout (constant_id = 2) const uint f = 10; // enum pe_unary

#define AHEAD 8

void
main ()
{
  uint c = linear_group () * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (c >= width)
    return;
  float w[kernel], past[kernel]; // past[kernel - 1] is the input of the row at hand
  [[unroll]] for (uint j = 0; j < kernel; j++)
    w[j] = Floats (weight).v[c * kernel + j];
  float add = bias != 0 ? Floats (bias).v[c] : 0.0;

  Words slots = Words (tables + 4ul * PE_TABLE_STATES (max_rows));
  uint slot = 0;
  Floats own_state = Floats (state);
  for (uint first = 0; first < n_rows; first += AHEAD) {
    float x[AHEAD];
    [[unroll]] for (uint i = 0; i < AHEAD; i++)
      if (first + i < n_rows)
        x[i] = Floats (work + 4ul * (in_offset + uint64_t (first + i) * in_row_stride)).v[c];
    [[unroll]] for (uint i = 0; i < AHEAD; i++) {
      uint row = first + i;
      if (row >= n_rows)
        break;
      if (row == 0 || slots.v[row] != slot) {
        if (row != 0)
          [[unroll]] for (uint j = 1; j < kernel; j++)
            own_state.v[(j - 1) * width + c] = past[j];
        slot = slots.v[row];
        own_state = Floats (state + 4ul * slot * slot_floats);
        [[unroll]] for (uint j = 1; j < kernel; j++)
          past[j] = own_state.v[(j - 1) * width + c];
      }
      float sum = add;
      [[unroll]] for (uint j = 0; j + 1 < kernel; j++) {
        past[j] = past[j + 1];
        sum += w[j] * past[j];
      }
      past[kernel - 1] = x[i];
      sum += w[kernel - 1] * x[i];
      Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride)).v[c] =
          unary (f, sum, 0.0, 0.0);
    }
  }
  [[unroll]] for (uint j = 1; j < kernel; j++)
    own_state.v[(j - 1) * width + c] = past[j];
}
