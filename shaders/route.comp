// SPDX-License-Identifier: GPL-3.0-or-later
//
// Mixture of experts: from the router's logits of a row to the chosen experts and their weights.
// One workgroup a row; at most 1024 experts. Of equal scores the lower number wins.
#version 460
#define KERNEL_ROUTE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/reduce.glsl"

layout (local_size_x = 128) in;

#define MAX_EXPERTS 1024
#define MAX_GROUPS  64

// enum pe_gating
#define SOFTMAX          0
#define SIGMOID          1
#define SOFTMAX_SELECTED 2
#define SQRT_SOFTPLUS    3

shared float probabilities[MAX_EXPERTS], scores[MAX_EXPERTS];
shared float group_scores[MAX_GROUPS];

// The best of `scores`, which is then taken out; all invocations get it.
uint
take_best (uint t)
{
  float most = -INFINITY;
  for (uint i = t; i < n_experts; i += gl_WorkGroupSize.x)
    most = max (most, scores[i]);
  most = workgroup_max (most);
  float lowest = -float (MAX_EXPERTS);
  for (uint i = t; i < n_experts; i += gl_WorkGroupSize.x)
    if (scores[i] == most)
      lowest = max (lowest, -float (i));
  uint best = min (uint (-workgroup_max (lowest)), n_experts - 1);
  barrier ();
  if (t == 0)
    scores[best] = -INFINITY;
  barrier ();
  return best;
}

// Leaves only the experts of the best groups; a group's score is the sum of its two best.
void
keep_best_groups (uint t)
{
  uint size = n_experts / n_groups;
  for (uint g = t; g < n_groups; g += gl_WorkGroupSize.x) {
    float first = -INFINITY, second = -INFINITY;
    for (uint i = 0; i < size; i++) {
      float s = scores[g * size + i];
      second = max (second, min (first, s));
      first = max (first, s);
    }
    group_scores[g] = size > 1 ? first + second : first;
  }
  barrier ();
  for (uint i = t; i < n_experts; i += gl_WorkGroupSize.x) {
    uint g = i / size, better = 0;
    for (uint o = 0; o < n_groups; o++)
      if (group_scores[o] > group_scores[g] || (group_scores[o] == group_scores[g] && o < g))
        better++;
    if (better >= n_groups_used)
      scores[i] = -INFINITY;
  }
  barrier ();
}

void
main ()
{
  uint t = lane (), row = gl_WorkGroupID.x;
  Floats logits = Floats (work + 4ul * (in_offset + uint64_t (row) * in_row_stride));
  float most = -INFINITY;
  for (uint i = t; i < n_experts; i += gl_WorkGroupSize.x)
    most = max (most, logits.v[i]);
  most = workgroup_max (most);
  float sum = 0.0;
  for (uint i = t; i < n_experts; i += gl_WorkGroupSize.x) {
    float x = logits.v[i], p = x;
    if (gating == SOFTMAX) {
      p = exp (x - most);
      sum += p;
    } else if (gating == SIGMOID)
      p = 1.0 / (1.0 + exp (-x));
    else if (gating == SQRT_SOFTPLUS)
      p = sqrt (x > 20.0 ? x : log (1.0 + exp (x)));
    probabilities[i] = p;
  }
  sum = workgroup_sum (sum);
  barrier ();
  for (uint i = t; i < n_experts; i += gl_WorkGroupSize.x) {
    if (gating == SOFTMAX)
      probabilities[i] /= sum;
    scores[i] = probabilities[i] + (choice_bias != 0 ? Floats (choice_bias).v[i] : 0.0);
  }
  barrier ();
  if (n_groups > 1)
    keep_best_groups (t);

  Floats result = Floats (work + 4ul * (out_offset + uint64_t (row) * out_row_stride));
  float kept = 0.0; // of invocation 0
  float best_logit = 0.0;
  for (uint u = 0; u < n_used; u++) {
    uint best = take_best (t);
    if (t == 0) {
      float w = probabilities[best];
      if (gating == SOFTMAX_SELECTED) {
        if (u == 0)
          best_logit = w;
        w = exp (w - best_logit);
      }
      kept += w;
      result.v[u] = float (best);
      result.v[n_used + u] = w;
    }
  }
  if (t != 0)
    return;
  float factor = scale;
  if (gating == SOFTMAX_SELECTED)
    factor /= kept;
  else if (renormalise != 0)
    factor /= max (kept, 6.103515625e-5);
  for (uint u = 0; u < n_used; u++) {
    float w = result.v[n_used + u] * factor;
    if (factors != 0)
      w *= Floats (factors).v[uint (result.v[u])];
    result.v[n_used + u] = w;
  }
}
