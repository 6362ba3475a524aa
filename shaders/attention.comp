// SPDX-License-Identifier: GPL-3.0-or-later
//
// Attention of a query tile over one split of the keys, with the running softmax of Milakov and
// Gimelshein (2018) that FlashAttention builds on. A tile is up to `tile_rows` rows of one
// sequence; a workgroup serves `tile_heads` query heads that share a KV head, so a key is read
// once for tile_rows * tile_heads queries. Steps of workgroup-size keys: first an invocation
// scores one key against all queries, then it gathers four columns of the values.
#version 460
#define KERNEL_ATTENTION
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x = 128) in;
layout (constant_id = 1) const uint k_type = 1;
layout (constant_id = 2) const uint v_type = 1;
layout (constant_id = 3) const uint k_width = 128;
layout (constant_id = 4) const uint v_width = 128;
layout (constant_id = 5) const uint tile_rows = 1;
layout (constant_id = 6) const uint tile_heads = 1;
layout (constant_id = 7) const uint flags = 0;
#include "include/kv.glsl"
#include "include/activation.glsl"

#define STEP 128

const uint n_queries = tile_rows * tile_heads;
const uint k_vectors = k_width / 4, v_vectors = v_width / 4;
const uint key_groups = STEP / v_vectors; // that share the columns of a step; v_width <= 512

#define SUBGROUPS 16 // at most: of eight invocations, the fewest that a device may have

shared vec4 queries[n_queries * k_vectors];
shared float weights[STEP * n_queries]; // [key][query]: those of a key are read together
shared float maxima[n_queries], sums[n_queries], shrink[n_queries];
shared float part_maxima[n_queries * SUBGROUPS], part_sums[n_queries * SUBGROUPS];
shared vec4 gathered[STEP];

void
main ()
{
  uint t = lane ();
  uint group = n_heads / n_kv_heads;
  uint parts = (group + tile_heads - 1) / tile_heads;
  uint kv_head = gl_WorkGroupID.y / parts;
  uint first_head = kv_head * group + gl_WorkGroupID.y % parts * tile_heads;
  uint n_own_heads = min (tile_heads, kv_head * group + group - first_head);

  Words table = Words (tables);
  uint first_row = table.v[PE_TABLE_TILES (max_rows) + 2 * gl_WorkGroupID.x];
  uint n_own_rows = table.v[PE_TABLE_TILES (max_rows) + 2 * gl_WorkGroupID.x + 1];
  uint first_position = table.v[PE_TABLE_POSITIONS (max_rows) + first_row];
  uint last_position = first_position + n_own_rows - 1;
  uint first_page = table.v[PE_TABLE_FIRST_PAGE (max_rows) + first_row];

  // The keys that any row of the tile sees, whole steps, and the split's share of them.
  uint begin = 0, end = last_position + 1;
  if (window != 0 && first_position + 1 > window)
    begin = first_position + 1 - window;
  if (chunk != 0)
    begin = max (begin, first_position / chunk * chunk);
  begin = begin / STEP * STEP;
  uint n_splits = Words (split).v[0], split_keys = Words (split).v[1];
  begin += gl_WorkGroupID.z * split_keys;
  end = min (end, begin + split_keys);

  for (uint i = t; i < n_queries * k_vectors; i += STEP) {
    uint query = i / k_vectors, c = i % k_vectors;
    uint row = query / tile_heads, head = query % tile_heads;
    vec4 q = vec4 (0.0);
    if (row < n_own_rows && head < n_own_heads)
      q = Vectors (work + 4ul * (q_offset + uint64_t (first_row + row) * q_row_stride +
                                 (first_head + head) * q_stride)).v[c];
    if (temperature_scale != 0.0) {
      float position = float (first_position + row) + temperature_offset;
      q *= 1.0 + temperature_scale * log (floor (position / temperature_length) + 1.0);
    }
    queries[i] = q;
  }
  for (uint i = t; i < n_queries; i += STEP) {
    maxima[i] = -INFINITY;
    sums[i] = 0.0;
    if ((flags & PE_FLAG_SINKS) != 0 && gl_WorkGroupID.z == 0 && i % tile_heads < n_own_heads) {
      maxima[i] = Floats (sinks).v[first_head + i % tile_heads];
      sums[i] = 1.0;
    }
  }
  vec4 result[n_queries];
  [[unroll]] for (uint i = 0; i < n_queries; i++)
    result[i] = vec4 (0.0);
  uint column = t % v_vectors, key_group = t / v_vectors;
  barrier ();

  for (uint first = begin; first < end; first += STEP) {
    uint slot = table.v[page_table + first_page + first / PAGE_TOKENS];
    uint64_t page = page_address (segments, slot, n_kv_heads);
    uint key = first + t;

    float score[n_queries];
    [[unroll]] for (uint i = 0; i < n_queries; i++)
      score[i] = 0.0;
    if (key < end) {
      uint64_t k_row =
          keys_of_page (page, kv_head) + key % PAGE_TOKENS * row_bytes (k_type, k_width);
      for (uint c = 0; c < k_vectors; c++) {
        vec4 k = load4 (k_type, k_row, c);
        [[unroll]] for (uint i = 0; i < n_queries; i++)
          score[i] += dot (k, queries[i * k_vectors + c]);
      }
    }
    [[unroll]] for (uint i = 0; i < n_queries; i++) {
      uint position = first_position + i / tile_heads;
      float s = score[i] * scale;
      if (softcap != 0.0)
        s = softcap * safe_tanh (s / softcap);
      if (alibi_max_bias != 0.0) {
        uint head = first_head + i % tile_heads, power = 1u << findMSB (n_heads);
        float slope = head < power
                          ? exp2 (-alibi_max_bias / float (power) * float (head + 1))
                          : exp2 (-0.5 * alibi_max_bias / float (power) *
                                  float (2 * (head - power) + 1));
        s -= slope * float (position - key);
      }
      bool seen = key < end && key <= position && (window == 0 || position - key < window) &&
                  (chunk == 0 || key / chunk == position / chunk);
      score[i] = seen ? s : -INFINITY;
    }
    // Maxima and sums of all queries at once: a step waits three times, however many there are.
    [[unroll]] for (uint i = 0; i < n_queries; i++) {
      float most = subgroupMax (score[i]);
      if (gl_SubgroupInvocationID == 0)
        part_maxima[i * SUBGROUPS + gl_SubgroupID] = most;
    }
    barrier ();
    if (t < n_queries) {
      float before = maxima[t], now = before;
      for (uint s = 0; s < gl_NumSubgroups; s++)
        now = max (now, part_maxima[t * SUBGROUPS + s]);
      maxima[t] = now;
      shrink[t] = now == -INFINITY ? 1.0 : exp (before - now);
    }
    barrier ();
    [[unroll]] for (uint i = 0; i < n_queries; i++) {
      float p = maxima[i] == -INFINITY ? 0.0 : exp (score[i] - maxima[i]);
      float sum = subgroupAdd (p);
      weights[t * n_queries + i] = p;
      if (gl_SubgroupInvocationID == 0)
        part_sums[i * SUBGROUPS + gl_SubgroupID] = sum;
    }
    barrier ();
    if (t < n_queries) {
      float sum = sums[t] * shrink[t];
      for (uint s = 0; s < gl_NumSubgroups; s++)
        sum += part_sums[t * SUBGROUPS + s];
      sums[t] = sum;
    }

    [[unroll]] for (uint i = 0; i < n_queries; i++)
      result[i] *= shrink[i];
    if (key_group < key_groups) {
      uint64_t v_rows = values_of_page (page, kv_head, n_kv_heads) +
                        first % PAGE_TOKENS * row_bytes (v_type, v_width);
      uint n_keys = min (STEP, end - first);
      for (uint j = key_group; j < n_keys; j += key_groups) {
        vec4 v = load4 (v_type, v_rows + j * row_bytes (v_type, v_width), column);
        [[unroll]] for (uint i = 0; i < n_queries; i++)
          result[i] += weights[j * n_queries + i] * v;
      }
    }
  }

  [[unroll]] for (uint i = 0; i < n_queries; i++) {
    barrier ();
    gathered[t] = key_group < key_groups ? result[i] : vec4 (0.0);
    barrier ();
    uint row = i / tile_heads, head = i % tile_heads;
    if (t < v_vectors && row < n_own_rows && head < n_own_heads) {
      vec4 sum = vec4 (0.0);
      for (uint g = 0; g < key_groups; g++)
        sum += gathered[g * v_vectors + t];
      uint global_row = first_row + row, global_head = first_head + head;
      if (n_splits == 1) {
        Vectors (work + 4ul * (out_offset + uint64_t (global_row) * out_row_stride +
                               global_head * out_stride)).v[t] =
            sum / sums[i];
      } else {
        uint64_t at = work + 4ul * (partial_offset +
                                    ((uint64_t (global_row) * n_heads + global_head) * n_splits +
                                     gl_WorkGroupID.z) * (v_width + 4));
        Vectors (at).v[t] = sum;
        if (t == 0) {
          Floats (at).v[v_width] = maxima[i];
          Floats (at).v[v_width + 1] = sums[i];
        }
      }
    }
  }
}
