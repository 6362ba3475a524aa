// SPDX-License-Identifier: GPL-3.0-or-later
//
// The k best of a row, in no order: of slices of the logits first, a workgroup each, then of what
// those left, a single one. A key has the logit in its upper half, in an order that integers share,
// and the complement of the token in the lower one: all keys differ, and of equal logits the
// lower token is better. Not a number counts as minus infinity. Where a slice has fewer, zeros
// follow, which no token's key is. k keys are found by their digits, from the highest: as many
// rounds as it takes to tell the last one that is in from the first that is out.
#version 460
#define KERNEL_BEST
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint of_keys = 0; // the source holds keys, not logits

shared uint bins[256];
shared uint high[128], low[128]; // one for each subgroup
shared uint digit, left, n_taken;

uint64_t
key_at (uint64_t row, uint i)
{
  if (of_keys != 0)
    return Addresses (row).v[i];
  uint b = Words (row).v[i];
  if ((b & 0x7fffffffu) > 0x7f800000u)
    b = 0xff800000u;
  if (b == 0x80000000u)
    b = 0u;
  b = (b & 0x80000000u) != 0 ? ~b : b | 0x80000000u;
  return uint64_t (b) << 32 | uint64_t (~i);
}

// The greatest key of the slice.
uint64_t
greatest (uint64_t row, uint first, uint end)
{
  uint64_t best = 0;
  for (uint i = first + lane (); i < end; i += gl_WorkGroupSize.x) {
    uint64_t key = key_at (row, i);
    best = key > best ? key : best;
  }
  uint h = subgroupMax (uint (best >> 32));
  uint l = subgroupMax (uint (best >> 32) == h ? uint (best) : 0u);
  if (gl_SubgroupInvocationID == 0) {
    high[gl_SubgroupID] = h;
    low[gl_SubgroupID] = l;
  }
  barrier ();
  for (uint s = 0; s < gl_NumSubgroups; s++)
    if (high[s] > h || (high[s] == h && low[s] > l)) {
      h = high[s];
      l = low[s];
    }
  return uint64_t (h) << 32 | uint64_t (l);
}

// The least of the k greatest keys of a slice that has more of them, or less with as many above.
uint64_t
threshold (uint64_t row, uint first, uint end)
{
  uint64_t prefix = 0;
  uint need = k;
  for (int shift = 56; shift >= 0; shift -= 8) {
    for (uint i = lane (); i < 256; i += gl_WorkGroupSize.x)
      bins[i] = 0;
    barrier ();
    for (uint i = first + lane (); i < end; i += gl_WorkGroupSize.x) {
      uint64_t key = key_at (row, i);
      if (shift == 56 || (key ^ prefix) >> (shift + 8) == 0)
        atomicAdd (bins[uint (key >> shift) & 255u], 1);
    }
    barrier ();
    if (lane () == 0) {
      uint d = 255, above = 0;
      while (d > 0 && above + bins[d] < need)
        above += bins[d--];
      digit = d;
      left = need - above;
    }
    barrier ();
    prefix |= uint64_t (digit) << shift;
    need = left;
    bool all_of_it = bins[digit] == need;
    barrier ();
    if (all_of_it)
      break;
  }
  return prefix;
}

void
main ()
{
  uint group = gl_WorkGroupID.x, row = gl_WorkGroupID.y;
  uint first = min (group * slice, n), end = min (first + slice, n);
  uint64_t from = source + uint64_t (row) * row_bytes;
  uint64_t to = target + 8ul * (uint64_t (row) * gl_NumWorkGroups.x + group) * k;
  if (k == 1) {
    uint64_t best = greatest (from, first, end);
    if (lane () == 0) {
      Addresses (to).v[0] = best;
      if (next_token != 0 && row == 0)
        Words (next_token).v[0] = ~uint (best);
    }
    return;
  }
  bool few = end - first <= k;
  uint64_t least = few ? 1ul : threshold (from, first, end);
  if (lane () == 0)
    n_taken = 0;
  barrier ();
  for (uint i = first + lane (); i < end; i += gl_WorkGroupSize.x) {
    uint64_t key = key_at (from, i);
    if (key >= least)
      Addresses (to).v[atomicAdd (n_taken, 1)] = key;
  }
  barrier ();
  for (uint i = n_taken + lane (); i < k; i += gl_WorkGroupSize.x)
    Addresses (to).v[i] = 0;
}
