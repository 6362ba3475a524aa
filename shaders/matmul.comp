// SPDX-License-Identifier: GPL-3.0-or-later
//
// Many activation rows times one matrix, or (PE_FLAG_EXPERTS) each times those of its experts, or
// (PE_FLAG_HEADS) each group of a row times the matrix with its number.
//   out[m][n] = scale * factor * sum over k of weight[n][k] in[m][k] + bias[n] (+ residual[m][n])
//
// A workgroup makes a tile of TILE_M x TILE_N results in steps of two chunks (32 elements of a
// row), decoded once per tile into shared memory while the step before is multiplied. Elements
// stand in the order of the chunks, in both operands, so that none has to be moved. See
// matmul_coop.comp for devices with cooperative matrices.
//
// Without a macro everything is float32. With HALF the operands are half precision: inputs come
// from halve.comp with a power of two for each row, and what a step adds is summed up in halves
// before it joins the float32 sum.
#version 460
#define KERNEL_MATMUL
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/decode.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 0) const uint size = 128; // of the workgroup
layout (constant_id = 1) const uint flags = 0;

#define TILE_M 64
#define TILE_N 64

#ifdef HALF
#define REAL  float16_t
#define REAL4 f16vec4
#else
#define REAL  float
#define REAL4 vec4
#endif

#define STEP 32

// Chunks that an invocation fetches in a step.
const uint own_weights = 2 * TILE_N / size, own_inputs = 2 * TILE_M / size;

// [k][row]; a multiple of 4, so that vectors stay aligned, and not of 64, to spread banks.
#define PITCH 68
shared REAL4 weights[STEP * PITCH / 4];
shared REAL4 inputs[STEP * PITCH / 4];

void
put (uint row, uint chunk, REAL4 x[4], bool is_weight)
{
  [[unroll]] for (uint j = 0; j < 16; j++) {
    uint at = (16 * chunk + j) * (PITCH / 4) + row / 4;
    if (is_weight)
      weights[at][row % 4] = x[j / 4][j % 4];
    else
      inputs[at][row % 4] = x[j / 4][j % 4];
  }
}

#include "include/matmul.glsl"

// ---- fetching ----

uint64_t weight_at[own_weights], input_at[own_inputs];
REAL4 next_weights[own_weights * 4], next_inputs[own_inputs * 4];

void
fetch_weight (uint i, uint chunk, uint n_chunks)
{
  float low[8], high[8];
  [[unroll]] for (uint j = 0; j < 8; j++)
    low[j] = high[j] = 0.0;
  if (chunk < k / 16)
    decode_chunk (weight_at[i], chunk, low, high);
#ifdef IS_FLOAT
  else if ((flags & PE_FLAG_TAIL) != 0 && chunk < n_chunks) {
    [[unroll]] for (uint j = 0; j < 8; j++) {
      uint at = 16 * chunk + j;
      low[j] = at < k ? decode_one (weight_at[i], at) : 0.0;
      high[j] = at + 8 < k ? decode_one (weight_at[i], at + 8) : 0.0;
    }
  }
#endif
  [[unroll]] for (uint j = 0; j < 2; j++) {
    next_weights[4 * i + j] =
        REAL4 (vec4 (low[4 * j], low[4 * j + 1], low[4 * j + 2], low[4 * j + 3]));
    next_weights[4 * i + 2 + j] =
        REAL4 (vec4 (high[4 * j], high[4 * j + 1], high[4 * j + 2], high[4 * j + 3]));
  }
}

// Rows of halves are padded with zeros to whole chunks.
void
fetch_input (uint i, uint chunk, uint n_chunks)
{
  REAL4 x[4];
  [[unroll]] for (uint j = 0; j < 4; j++)
    x[j] = REAL4 (0.0);
#ifdef HALF
  if (chunk < n_chunks) {
    uint64_t at = input_at[i] + 2ul * chunk_first (chunk);
    uvec4 a = Words4 (at).v[0], b = Words4 (at + 2 * HIGH).v[0];
    x[0] = f16vec4 (unpackFloat2x16 (a.x), unpackFloat2x16 (a.y));
    x[1] = f16vec4 (unpackFloat2x16 (a.z), unpackFloat2x16 (a.w));
    x[2] = f16vec4 (unpackFloat2x16 (b.x), unpackFloat2x16 (b.y));
    x[3] = f16vec4 (unpackFloat2x16 (b.z), unpackFloat2x16 (b.w));
  }
#else
  if (chunk < k / 16) {
    uint64_t at = input_at[i] + 4ul * chunk_first (chunk);
    x[0] = Vectors (at).v[0];
    x[1] = Vectors (at).v[1];
    x[2] = Vectors (at + 4 * HIGH).v[0];
    x[3] = Vectors (at + 4 * HIGH).v[1];
  } else if ((flags & PE_FLAG_TAIL) != 0 && chunk < n_chunks) {
    [[unroll]] for (uint j = 0; j < 16; j++)
      x[j / 4][j % 4] = 16 * chunk + j < k ? Floats (input_at[i]).v[16 * chunk + j] : 0.0;
  }
#endif
  [[unroll]] for (uint j = 0; j < 4; j++)
    next_inputs[4 * i + j] = x[j];
}

void
fetch (uint first_chunk, uint n_chunks)
{
  uint t = gl_LocalInvocationID.x;
  [[unroll]] for (uint i = 0; i < own_weights; i++)
    fetch_weight (i, first_chunk + t % 2, n_chunks);
  [[unroll]] for (uint i = 0; i < own_inputs; i++)
    fetch_input (i, first_chunk + t % 2, n_chunks);
}

void
put_fetched ()
{
  uint t = gl_LocalInvocationID.x;
  [[unroll]] for (uint i = 0; i < own_weights; i++)
    put ((t + i * size) / 2, t % 2,
         REAL4[4] (next_weights[4 * i], next_weights[4 * i + 1], next_weights[4 * i + 2],
                   next_weights[4 * i + 3]),
         true);
  [[unroll]] for (uint i = 0; i < own_inputs; i++)
    put ((t + i * size) / 2, t % 2,
         REAL4[4] (next_inputs[4 * i], next_inputs[4 * i + 1], next_inputs[4 * i + 2],
                   next_inputs[4 * i + 3]),
         false);
}

void
main ()
{
  uint t = gl_LocalInvocationID.x, m_first, n_first;
  if (!find_tile (m_first, n_first))
    return;
  [[unroll]] for (uint i = 0; i < own_weights; i++)
    weight_at[i] = weight_row (n_first + (t + i * size) / 2);
  [[unroll]] for (uint i = 0; i < own_inputs; i++)
    input_at[i] = input_row (m_first + (t + i * size) / 2);
  uint n_chunks = (k + 15) / 16;

  // An invocation owns 8 weight rows x 4 input rows.
  uint n_own = t % 8, m_own = t / 8;
  vec4 sum[8];
  [[unroll]] for (uint i = 0; i < 8; i++)
    sum[i] = vec4 (0.0);

  fetch (0, n_chunks);
  for (uint chunk = 0; chunk < n_chunks; chunk += 2) {
    barrier ();
    put_fetched ();
    barrier ();
    if (chunk + 2 < n_chunks)
      fetch (chunk + 2, n_chunks);
#ifdef HALF
    REAL4 part[8];
    [[unroll]] for (uint i = 0; i < 8; i++)
      part[i] = REAL4 (0.0);
#endif
    for (uint j = 0; j < STEP; j++) {
      REAL4 x = inputs[j * (PITCH / 4) + m_own];
      REAL4 a = weights[j * (PITCH / 4) + n_own], b = weights[j * (PITCH / 4) + n_own + 8];
      [[unroll]] for (uint i = 0; i < 4; i++) {
#ifdef HALF
        part[i] = fma (REAL4 (a[i]), x, part[i]);
        part[i + 4] = fma (REAL4 (b[i]), x, part[i + 4]);
#else
        sum[i] = fma (REAL4 (a[i]), x, sum[i]);
        sum[i + 4] = fma (REAL4 (b[i]), x, sum[i + 4]);
#endif
      }
    }
#ifdef HALF
    [[unroll]] for (uint i = 0; i < 8; i++)
      sum[i] += vec4 (part[i]);
#endif
  }

  [[unroll]] for (uint i = 0; i < 8; i++)
    [[unroll]] for (uint j = 0; j < 4; j++)
      finish (m_first + 4 * m_own + j, n_first + 4 * n_own + (i < 4 ? i : 28 + i), sum[i][j]);
}
