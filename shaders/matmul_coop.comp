// SPDX-License-Identifier: GPL-3.0-or-later
//
// matmul.comp with cooperative matrices: many activation rows, rounded to halves by halve.comp, times
// one matrix or those of experts or heads, with float32 sums.
//
// A workgroup makes a tile of TILE_M x TILE_N results in steps of STEP elements of a row. Its
// subgroups, GRID_M x GRID_N of them, share the tile out and multiply fragments of M x K by K x N.
// Weights are decoded once per tile into shared memory. While a step is multiplied, the next one is
// on its way from memory; with two BUFFERS it is also put there beside the one that is read, and a
// step waits once. Elements stand in the order of the chunks, in both operands, so that none has to
// be moved.
#version 460
#define KERNEL_MATMUL
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#include "include/common.glsl"
#include "include/decode.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 0) const uint size = 128; // of the workgroup
layout (constant_id = 1) const uint flags = 0;
layout (constant_id = 2) const uint TILE_M = 64;
layout (constant_id = 3) const uint TILE_N = 64;
layout (constant_id = 4) const uint M = 16; // of a fragment
layout (constant_id = 5) const uint N = 16;
layout (constant_id = 6) const uint K = 16;
layout (constant_id = 7) const uint GRID_M = 2; // of subgroups
layout (constant_id = 8) const uint GRID_N = 2;
layout (constant_id = 9) const uint STEP = 32; // a multiple of K and of 16
layout (constant_id = 10) const uint BUFFERS = 1;
#define HALF
#include "include/matmul.glsl"

// [buffer][row][k], eight halves in a vector; rows are padded so that neighbours start in different
// banks.
const uint PITCH = STEP / 8 + 1;
const uint CHUNKS = STEP / 16;
shared uvec4 weights[BUFFERS * TILE_N * PITCH];
shared uvec4 inputs[BUFFERS * TILE_M * PITCH];
shared float finished[GRID_M * GRID_N * M * N]; // a fragment of each subgroup

// Chunks that an invocation fetches in a step.
const uint own_weights = (TILE_N * CHUNKS + size - 1) / size;
const uint own_inputs = (TILE_M * CHUNKS + size - 1) / size;
uint64_t weight_at[own_weights], input_at[own_inputs];
uvec4 next_weights[2 * own_weights], next_inputs[2 * own_inputs];

uvec4
halves (float x[8])
{
  return uvec4 (packFloat2x16 (f16vec2 (vec2 (x[0], x[1]))), packFloat2x16 (f16vec2 (vec2 (x[2], x[3]))),
                packFloat2x16 (f16vec2 (vec2 (x[4], x[5]))), packFloat2x16 (f16vec2 (vec2 (x[6], x[7]))));
}

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
  next_weights[2 * i] = halves (low);
  next_weights[2 * i + 1] = halves (high);
}

// Rows of halves are padded with zeros to whole chunks.
void
fetch_input (uint i, uint chunk, uint n_chunks)
{
  next_inputs[2 * i] = next_inputs[2 * i + 1] = uvec4 (0);
  if (chunk < n_chunks) {
    uint64_t at = input_at[i] + 2ul * chunk_first (chunk);
    next_inputs[2 * i] = Words4 (at).v[0];
    next_inputs[2 * i + 1] = Words4 (at + 2 * HIGH).v[0];
  }
}

void
fetch (uint first_chunk, uint n_chunks)
{
  uint t = gl_LocalInvocationID.x;
  [[unroll]] for (uint i = 0; i < own_weights; i++)
    fetch_weight (i, first_chunk + (t + i * size) % CHUNKS, n_chunks);
  [[unroll]] for (uint i = 0; i < own_inputs; i++)
    fetch_input (i, first_chunk + (t + i * size) % CHUNKS, n_chunks);
}

void
put_fetched (uint buffer_)
{
  uint t = gl_LocalInvocationID.x;
  [[unroll]] for (uint i = 0; i < own_weights; i++) {
    uint row = (t + i * size) / CHUNKS;
    uint at = (buffer_ * TILE_N + row) * PITCH + 2 * ((t + i * size) % CHUNKS);
    if (TILE_N * CHUNKS % size == 0 || row < TILE_N) {
      weights[at] = next_weights[2 * i];
      weights[at + 1] = next_weights[2 * i + 1];
    }
  }
  [[unroll]] for (uint i = 0; i < own_inputs; i++) {
    uint row = (t + i * size) / CHUNKS;
    uint at = (buffer_ * TILE_M + row) * PITCH + 2 * ((t + i * size) % CHUNKS);
    if (TILE_M * CHUNKS % size == 0 || row < TILE_M) {
      inputs[at] = next_inputs[2 * i];
      inputs[at + 1] = next_inputs[2 * i + 1];
    }
  }
}

void
main ()
{
  uint t = gl_LocalInvocationID.x, m_first, n_first;
  if (!find_tile (m_first, n_first))
    return;
  [[unroll]] for (uint i = 0; i < own_weights; i++)
    weight_at[i] = weight_row (n_first + (t + i * size) / CHUNKS);
  [[unroll]] for (uint i = 0; i < own_inputs; i++)
    input_at[i] = input_row (m_first + (t + i * size) / CHUNKS);
  uint n_chunks = (k + 15) / 16;

  const uint m_frags = TILE_M / GRID_M / M, n_frags = TILE_N / GRID_N / N;
  uint m_own = gl_SubgroupID / GRID_N * (TILE_M / GRID_M);
  uint n_own = gl_SubgroupID % GRID_N * (TILE_N / GRID_N);
  coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> sum[m_frags * n_frags];
  [[unroll]] for (uint i = 0; i < m_frags * n_frags; i++)
    sum[i] = coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> (0.0);

  fetch (0, n_chunks);
  put_fetched (0);
  barrier ();
  uint current = 0;
  for (uint chunk = 0; chunk < n_chunks; chunk += CHUNKS) {
    bool more = chunk + CHUNKS < n_chunks;
    if (more)
      fetch (chunk + CHUNKS, n_chunks);
    uint weights_at = (current * TILE_N + n_own) * PITCH;
    uint inputs_at = (current * TILE_M + m_own) * PITCH;
    [[unroll]] for (uint at = 0; at < STEP; at += K) {
      coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> a[m_frags];
      [[unroll]] for (uint i = 0; i < m_frags; i++)
        coopMatLoad (a[i], inputs, inputs_at + i * M * PITCH + at / 8, PITCH,
                     gl_CooperativeMatrixLayoutRowMajor);
      [[unroll]] for (uint j = 0; j < n_frags; j++) {
        coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> b;
        coopMatLoad (b, weights, weights_at + j * N * PITCH + at / 8, PITCH,
                     gl_CooperativeMatrixLayoutColumnMajor);
        [[unroll]] for (uint i = 0; i < m_frags; i++)
          sum[i * n_frags + j] = coopMatMulAdd (a[i], b, sum[i * n_frags + j]);
      }
    }
    if (BUFFERS == 1)
      barrier ();
    else
      current ^= 1;
    if (more)
      put_fetched (current);
    barrier ();
  }

  // The sums become plain numbers before anything is done that not all invocations do: fragments that
  // live across such code end up in memory, from the first product on.
  const uint width = size / (GRID_M * GRID_N), own = M * N / width; // of a subgroup; of a fragment
  float result[m_frags * n_frags * own];
  uint base = gl_SubgroupID * M * N;
  [[unroll]] for (uint i = 0; i < m_frags * n_frags; i++) {
    coopMatStore (sum[i], finished, base, N, gl_CooperativeMatrixLayoutRowMajor);
    subgroupBarrier ();
    [[unroll]] for (uint e = 0; e < own; e++)
      result[i * own + e] = finished[base + e * width + gl_SubgroupInvocationID];
    subgroupBarrier ();
  }
  [[unroll]] for (uint i = 0; i < m_frags * n_frags; i++)
    [[unroll]] for (uint e = 0; e < own; e++) {
      uint at = e * width + gl_SubgroupInvocationID;
      finish (m_first + m_own + i / n_frags * M + at / N, n_first + n_own + i % n_frags * N + at % N,
              result[i * own + e]);
    }
}
