// SPDX-License-Identifier: GPL-3.0-or-later
//
// Many activation rows times one matrix. A workgroup of 128 makes a tile of 64 x 64 results, in
// steps of two chunks (32 elements of a row); weights are decoded once per tile into shared
// memory. The order of elements in a step is that of the chunks, for both operands.
#version 460
#define KERNEL_MATMUL
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/decode.glsl"

layout (local_size_x = 128) in;
layout (constant_id = 0) const uint flags = 0;

#define TILE 64
#define STEP 32
#define PITCH 68 // a multiple of 4, so that vectors stay aligned; not of 64, to spread banks

shared vec4 weights[STEP * PITCH / 4];
shared vec4 inputs[STEP * PITCH / 4];

void
put_weight (uint k_at, uint row, float value)
{
  weights[k_at * (PITCH / 4) + row / 4][row % 4] = value;
}

void
put_input (uint k_at, uint row, float value)
{
  inputs[k_at * (PITCH / 4) + row / 4][row % 4] = value;
}

void
main ()
{
  uint t = gl_LocalInvocationID.x;
  uint n_tiles = (n + TILE - 1) / TILE;
  uint tile = linear_group ();
  uint n_first = tile % n_tiles * TILE, m_first = tile / n_tiles * TILE;
  if (m_first >= n_rows)
    return;
  uint64_t row_size = row_bytes_of (k);

  // Loading: a thread brings one chunk of one weight row and of one input row.
  uint load_row = t / 2, load_chunk = t % 2;
  uint64_t weight_row = weight + row_size * min (n_first + load_row, n - 1);
  uint64_t input_row =
      work + 4ul * (in_offset + uint64_t (min (m_first + load_row, n_rows - 1)) * in_row_stride);
  // Computing: 8 weight rows x 4 input rows.
  uint n_own = t % 8, m_own = t / 8;

  vec4 sum[8];
  [[unroll]] for (uint i = 0; i < 8; i++)
    sum[i] = vec4 (0.0);

  uint n_chunks = (k + 15) / 16;
  for (uint chunk = load_chunk; chunk < n_chunks + load_chunk; chunk += 2) {
    float low[8], high[8], x_low[8], x_high[8];
    [[unroll]] for (uint j = 0; j < 8; j++)
      low[j] = high[j] = x_low[j] = x_high[j] = 0.0;
    if (chunk < k / 16) {
      decode_chunk (weight_row, chunk, low, high);
      uint64_t at = input_row + 4ul * chunk_first (chunk);
      [[unroll]] for (uint j = 0; j < 8; j++) {
        x_low[j] = Vectors (at).v[j / 4][j % 4];
        x_high[j] = Vectors (at + 4 * HIGH).v[j / 4][j % 4];
      }
    }
#ifdef IS_FLOAT
    else if ((flags & PE_FLAG_TAIL) != 0 && chunk < n_chunks) {
      [[unroll]] for (uint j = 0; j < 8; j++) {
        uint at = 16 * chunk + j;
        if (at < k) {
          low[j] = decode_one (weight_row, at);
          x_low[j] = Floats (input_row).v[at];
        }
        if (at + 8 < k) {
          high[j] = decode_one (weight_row, at + 8);
          x_high[j] = Floats (input_row).v[at + 8];
        }
      }
    }
#endif
    barrier ();
    [[unroll]] for (uint j = 0; j < 8; j++) {
      put_weight (16 * load_chunk + j, load_row, low[j]);
      put_weight (16 * load_chunk + 8 + j, load_row, high[j]);
      put_input (16 * load_chunk + j, load_row, x_low[j]);
      put_input (16 * load_chunk + 8 + j, load_row, x_high[j]);
    }
    barrier ();
    for (uint j = 0; j < STEP; j++) {
      vec4 x = inputs[j * (PITCH / 4) + m_own];
      vec4 a = weights[j * (PITCH / 4) + n_own], b = weights[j * (PITCH / 4) + n_own + 8];
      [[unroll]] for (uint i = 0; i < 4; i++) {
        sum[i] = fma (vec4 (a[i]), x, sum[i]);
        sum[i + 4] = fma (vec4 (b[i]), x, sum[i + 4]);
      }
    }
  }

  float times = scale;
  if ((flags & PE_FLAG_SCALE) != 0)
    times *= Floats (factor).v[0];
  [[unroll]] for (uint i = 0; i < 8; i++) {
    uint row = n_first + 4 * n_own + (i < 4 ? i : 28 + i);
    if (row >= n)
      continue;
    float add = bias != 0 ? Floats (bias).v[row] : 0.0;
    [[unroll]] for (uint j = 0; j < 4; j++) {
      uint m = m_first + 4 * m_own + j;
      if (m >= n_rows)
        continue;
      float value = sum[i][j] * times + add;
      if ((flags & PE_FLAG_RESIDUAL) != 0)
        value += Floats (work + 4ul * (residual_offset + uint64_t (m) * residual_row_stride)).v[row];
      Floats (work + 4ul * (out_offset + uint64_t (m) * out_row_stride)).v[row] = value;
    }
  }
}
