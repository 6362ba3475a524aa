// SPDX-License-Identifier: GPL-3.0-or-later
//
// Gated delta rule (Yang, Kautz and Hatamizadeh 2024). For each value column c of a head, with
// s[j] the state over the key's elements:
//   g = exp (a softplus (alpha + dt_bias)),   b = sigmoid (beta)
//   s[j] = g s[j] + b (v[c] - sum over i of g s[i] k[i]) k[j]
//   y[c] = sum over j of s[j] q[j] / sqrt (k_width)
// A workgroup keeps `own` columns of one head in registers, invocation t the elements t,
// t + size, …, and walks the rows in order; q and k are read once for all its columns.
#version 460
#define KERNEL_DELTA_NET
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/activation.glsl"
#include "include/reduce.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint k_width = 128;
layout (constant_id = 2) const uint per = 4; // elements of an invocation: k_width / size, rounded up
layout (constant_id = 3) const uint own = 4;
layout (constant_id = 4) const uint interleaved = 0; // value heads share a key head with neighbours

float s[own * per];

void
load_state (uint64_t at, uint first, uint t)
{
  [[unroll]] for (uint o = 0; o < own; o++)
    [[unroll]] for (uint e = 0; e < per; e++) {
      uint j = t + e * gl_WorkGroupSize.x;
      bool is_mine = j < k_width && first + o < v_width;
      s[o * per + e] = is_mine ? Floats (at).v[(first + o) * k_width + j] : 0.0;
    }
}

void
store_state (uint64_t at, uint first, uint t)
{
  [[unroll]] for (uint o = 0; o < own; o++)
    [[unroll]] for (uint e = 0; e < per; e++) {
      uint j = t + e * gl_WorkGroupSize.x;
      if (j < k_width && first + o < v_width)
        Floats (at).v[(first + o) * k_width + j] = s[o * per + e];
    }
}

void
main ()
{
  uint t = lane (), head = gl_WorkGroupID.y, first = gl_WorkGroupID.x * own;
  uint k_head = interleaved != 0 ? head / (n_v_heads / n_k_heads) : head % n_k_heads;
  uint64_t head_state = state + 4ul * head * v_width * k_width;
  Words slots = Words (tables + 4ul * PE_TABLE_STATES (max_rows));
  float rate = Floats (a).v[head], add = Floats (dt_bias).v[head];
  float q_scale = 1.0 / sqrt (float (k_width));

  uint64_t at = head_state;
  for (uint row = 0; row < n_rows; row++) {
    if (row == 0 || slots.v[row] != slots.v[row - 1]) {
      if (row != 0)
        store_state (at, first, t);
      at = head_state + 4ul * slots.v[row] * slot_floats;
      load_state (at, first, t);
    }
    Floats q = Floats (work + 4ul * (qkv_offset + uint64_t (row) * qkv_row_stride +
                                     k_head * k_width));
    Floats v = Floats (work + 4ul * (qkv_offset + uint64_t (row) * qkv_row_stride +
                                     2 * n_k_heads * k_width + head * v_width));
    float alpha = Floats (work + 4ul * (alpha_offset + uint64_t (row) * alpha_row_stride)).v
        [head / alpha_width * alpha_stride + head % alpha_width];
    float beta = Floats (work + 4ul * (beta_offset + uint64_t (row) * beta_row_stride)).v
        [head / beta_width * beta_stride + head % beta_width];
    float keep = exp (rate * softplus (alpha + add)), share = sigmoid (beta);

    float k_j[per], q_j[per], known[own], answer[own];
    [[unroll]] for (uint e = 0; e < per; e++) {
      uint j = t + e * gl_WorkGroupSize.x;
      q_j[e] = j < k_width ? q.v[j] : 0.0;
      k_j[e] = j < k_width ? q.v[n_k_heads * k_width + j] : 0.0;
    }
    [[unroll]] for (uint o = 0; o < own; o++) {
      known[o] = answer[o] = 0.0;
      [[unroll]] for (uint e = 0; e < per; e++) {
        s[o * per + e] *= keep;
        known[o] += s[o * per + e] * k_j[e];
      }
    }
    [[unroll]] for (uint o = 0; o < own; o++) {
      float correction = share * (v.v[min (first + o, v_width - 1)] - workgroup_sum (known[o]));
      [[unroll]] for (uint e = 0; e < per; e++) {
        s[o * per + e] += correction * k_j[e];
        answer[o] += s[o * per + e] * q_j[e];
      }
    }
    Floats y =
        Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride + head * out_stride));
    [[unroll]] for (uint o = 0; o < own; o++) {
      float whole = workgroup_sum (answer[o]);
      if (t == 0 && first + o < v_width)
        y.v[first + o] = whole * q_scale;
    }
  }
  store_state (at, first, t);
}
