// SPDX-License-Identifier: GPL-3.0-or-later
//
// Selective scan of Mamba 1 and 2 (Gu and Dao 2023; Dao and Gu 2024). For channel c of a head:
//   s[j] = exp (dt a) s[j] + dt x[c] B[j],   y[c] = sum over j of C[j] s[j] + d x[c]
// A workgroup keeps `own` channels of one head in registers, invocation t the states t,
// t + size, …, and walks the rows in order; B and C are read once for all its channels.
#version 460
#define KERNEL_SCAN
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/activation.glsl"
#include "include/reduce.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint n_state = 128;
layout (constant_id = 2) const uint per = 4; // states of an invocation: n_state / size, rounded up
layout (constant_id = 3) const uint own = 4;
layout (constant_id = 4) const uint per_channel = 0; // a[head][n_state], not a[head]

float s[own * per];

void
load_state (uint64_t at, uint first, uint t)
{
  [[unroll]] for (uint o = 0; o < own; o++)
    [[unroll]] for (uint e = 0; e < per; e++) {
      uint j = t + e * gl_WorkGroupSize.x;
      bool is_mine = j < n_state && first + o < width;
      s[o * per + e] = is_mine ? Floats (at).v[(first + o) * n_state + j] : 0.0;
    }
}

void
store_state (uint64_t at, uint first, uint t)
{
  [[unroll]] for (uint o = 0; o < own; o++)
    [[unroll]] for (uint e = 0; e < per; e++) {
      uint j = t + e * gl_WorkGroupSize.x;
      if (j < n_state && first + o < width)
        Floats (at).v[(first + o) * n_state + j] = s[o * per + e];
    }
}

void
main ()
{
  uint t = lane (), head = gl_WorkGroupID.y, first = gl_WorkGroupID.x * own;
  uint group = head / (n_heads / n_groups);
  uint64_t head_state = state + 4ul * head * width * n_state;
  Words slots = Words (tables + 4ul * PE_TABLE_STATES (max_rows));
  float rate[per];
  [[unroll]] for (uint e = 0; e < per; e++) {
    uint j = min (t + e * gl_WorkGroupSize.x, n_state - 1);
    rate[e] = Floats (a).v[per_channel != 0 ? head * n_state + j : head];
  }
  float skip = Floats (d).v[head], dt_add = dt_bias != 0 ? Floats (dt_bias).v[head] : 0.0;

  uint64_t at = head_state;
  for (uint row = 0; row < n_rows; row++) {
    if (row == 0 || slots.v[row] != slots.v[row - 1]) {
      if (row != 0)
        store_state (at, first, t);
      at = head_state + 4ul * slots.v[row] * slot_floats;
      load_state (at, first, t);
    }
    Floats x = Floats (work + 4ul * (x_offset + uint64_t (row) * x_row_stride + head * x_stride));
    Floats b = Floats (work + 4ul * (bc_offset + uint64_t (row) * bc_row_stride + group * n_state));
    float dt = softplus (
        Floats (work + 4ul * (dt_offset + uint64_t (row) * dt_row_stride)).v[head] + dt_add);
    float sum[own], drive[own];
    [[unroll]] for (uint o = 0; o < own; o++) {
      sum[o] = 0.0;
      drive[o] = dt * x.v[min (first + o, width - 1)];
    }
    [[unroll]] for (uint e = 0; e < per; e++) {
      uint j = t + e * gl_WorkGroupSize.x;
      float keep = exp (dt * rate[e]);
      float b_j = j < n_state ? b.v[j] : 0.0;
      float c_j = j < n_state ? b.v[n_groups * n_state + j] : 0.0;
      [[unroll]] for (uint o = 0; o < own; o++) {
        float now = s[o * per + e] * keep + drive[o] * b_j;
        s[o * per + e] = now;
        sum[o] += now * c_j;
      }
    }
    Floats y =
        Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride + head * out_stride));
    [[unroll]] for (uint o = 0; o < own; o++) {
      float whole = workgroup_sum (sum[o]);
      if (t == 0 && first + o < width)
        y.v[first + o] = whole + skip * x.v[first + o];
    }
  }
  store_state (at, first, t);
}
