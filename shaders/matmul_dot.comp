// SPDX-License-Identifier: GPL-3.0-or-later
//
// As matmul.comp, for weights that are small integers and inputs that quantise.comp made so: 32
// products are summed up as integers, and then scaled.
//
// A workgroup makes a tile of 64 x 64 results in steps of four chunks (64 elements of a row). Chunks
// are such that these are two blocks of 32 neighbours, with a scale of the input each: one block is
// two chunks, or, where `low` and `high` lie 32 elements or more apart, all that is `low`, and what is
// `high`. Within a block both operands have the same order, which is all that a sum asks for.
#version 460
#define KERNEL_MATMUL
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/decode.glsl"
#include "include/dot.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 0) const uint size = 128; // of the workgroup
layout (constant_id = 1) const uint flags = 0;

#define TILE_M 64
#define TILE_N 64
#include "include/matmul.glsl"

#define BLOCKS 2                 // of a step
#define WORDS  8                 // of a block
#define PARTS  (32 / CODE_GROUP) // of a block, with a scale of the weights each

// Rows that an invocation fetches a chunk of in a step.
const uint own = 4 * 64 / size;

// [word or block][row]; a multiple of 4, so that vectors stay aligned, and not of 64, to spread banks.
#define PITCH 68
shared uvec4 weights[BLOCKS * WORDS * PITCH / 4];
shared uvec4 inputs[BLOCKS * WORDS * PITCH / 4];
shared vec4 weight_scales[BLOCKS * PARTS * PITCH / 4];
shared vec4 input_scales[BLOCKS * PITCH / 4];
#ifdef HAS_MINIMUM
shared vec4 minima[BLOCKS * PARTS * PITCH / 4];
shared vec4 input_sums[BLOCKS * PARTS * PITCH / 4];
#endif

// ---- fetching ----

uint64_t weight_at[own], input_at[own];
uint next_weights[own * 4], next_inputs[own * 4];
vec2 next_scales[own], next_minima[own];
vec4 next_block[own]; // of the input: see quantise.comp

// The block of 32 elements of a row that is block b of the step with this first chunk.
uint
block_of (uint first_chunk, uint b)
{
#if HIGH < 32
  return first_chunk / 2 + b;
#else
  return (chunk_first (first_chunk) + b * HIGH) / 32;
#endif
}

void
fetch (uint first_chunk)
{
  uint part = gl_LocalInvocationID.x % 4, chunk = first_chunk + part;
  uint block = block_of (first_chunk, part);
  [[unroll]] for (uint i = 0; i < own; i++) {
    [[unroll]] for (uint j = 0; j < 4; j++)
      next_weights[4 * i + j] = next_inputs[4 * i + j] = 0;
    next_scales[i] = next_minima[i] = vec2 (0.0);
    next_block[i] = vec4 (0.0);
    if (chunk < k / 16) {
      uint q[4];
      read_codes (weight_at[i], chunk, q, next_scales[i], next_minima[i]);
      uvec2 low = Words2 (input_at[i] + chunk_first (chunk)).v[0];
      uvec2 high = Words2 (input_at[i] + chunk_first (chunk) + HIGH).v[0];
      [[unroll]] for (uint j = 0; j < 4; j++)
        next_weights[4 * i + j] = q[j];
      next_inputs[4 * i] = low.x;
      next_inputs[4 * i + 1] = low.y;
      next_inputs[4 * i + 2] = high.x;
      next_inputs[4 * i + 3] = high.y;
    }
    if (part < BLOCKS && block < k / 32)
      next_block[i] = Vectors (input_at[i] + k).v[block];
  }
}

// Word w of a row in the step, from `low` (high: 0) or `high` (1) of a chunk.
uint
word_of (uint part, uint high, uint w)
{
#if HIGH < 32
  return part * 4 + high * 2 + w;
#else
  return high * WORDS + part * 2 + w;
#endif
}

void
put_fetched ()
{
  uint part = gl_LocalInvocationID.x % 4;
  [[unroll]] for (uint i = 0; i < own; i++) {
    uint row = (gl_LocalInvocationID.x + i * size) / 4;
    [[unroll]] for (uint j = 0; j < 4; j++) {
      uint at = word_of (part, j / 2, j % 2) * (PITCH / 4) + row / 4;
      weights[at][row % 4] = next_weights[4 * i + j];
      inputs[at][row % 4] = next_inputs[4 * i + j];
    }
    // The first chunk of those that share a scale brings it.
    [[unroll]] for (uint high = 0; high < 2; high++) {
      uint word = word_of (part, high, 0), each = WORDS / PARTS;
      if (word % each == 0) {
        uint at = word / each * (PITCH / 4) + row / 4;
        weight_scales[at][row % 4] = next_scales[i][high];
#ifdef HAS_MINIMUM
        minima[at][row % 4] = next_minima[i][high];
#endif
      }
    }
    if (part < BLOCKS) {
      input_scales[part * (PITCH / 4) + row / 4][row % 4] = next_block[i].x;
#ifdef HAS_MINIMUM
#if PARTS == 1
      input_sums[part * (PITCH / 4) + row / 4][row % 4] = next_block[i].y + next_block[i].z;
#else
      [[unroll]] for (uint p = 0; p < 2; p++)
        input_sums[(2 * part + p) * (PITCH / 4) + row / 4][row % 4] = next_block[i][1 + p];
#endif
#endif
    }
  }
}

void
main ()
{
  uint t = gl_LocalInvocationID.x, m_first, n_first;
  if (!find_tile (m_first, n_first))
    return;
  [[unroll]] for (uint i = 0; i < own; i++) {
    weight_at[i] = weight_row (n_first + (t + i * size) / 4);
    input_at[i] = input_row (m_first + (t + i * size) / 4);
  }

  // An invocation owns 8 weight rows x 4 input rows.
  uint n_own = t % 8, m_own = t / 8;
  vec4 sum[8];
  [[unroll]] for (uint i = 0; i < 8; i++)
    sum[i] = vec4 (0.0);

  fetch (0);
  for (uint chunk = 0; chunk < k / 16; chunk += 4) {
    barrier ();
    put_fetched ();
    barrier ();
    if (chunk + 4 < k / 16)
      fetch (chunk + 4);
    for (uint p = 0; p < BLOCKS * PARTS; p++) {
      ivec4 products[8];
      [[unroll]] for (uint i = 0; i < 8; i++)
        products[i] = ivec4 (0);
      [[unroll]] for (uint w = 0; w < WORDS / PARTS; w++) {
        uint at = (p * (WORDS / PARTS) + w) * (PITCH / 4);
        uvec4 x = inputs[at + m_own], a = weights[at + n_own], b = weights[at + n_own + 8];
        [[unroll]] for (uint i = 0; i < 4; i++)
          [[unroll]] for (uint j = 0; j < 4; j++) {
            products[i][j] += dot4 (a[i], x[j]);
            products[i + 4][j] += dot4 (b[i], x[j]);
          }
      }
      uint at = p * (PITCH / 4);
      vec4 of_input = input_scales[p / PARTS * (PITCH / 4) + m_own];
      [[unroll]] for (uint i = 0; i < 8; i++)
        sum[i] = fma (weight_scales[at + n_own + i / 4 * 8][i % 4] * of_input, vec4 (products[i]),
                      sum[i]);
#ifdef HAS_MINIMUM
      vec4 sums = input_sums[at + m_own];
      [[unroll]] for (uint i = 0; i < 8; i++)
        sum[i] = fma (vec4 (minima[at + n_own + i / 4 * 8][i % 4]), sums, sum[i]);
#endif
    }
  }

  [[unroll]] for (uint i = 0; i < 8; i++)
    [[unroll]] for (uint j = 0; j < 4; j++)
      finish (m_first + 4 * m_own + j, n_first + 4 * n_own + (i < 4 ? i : 28 + i), sum[i][j]);
}
