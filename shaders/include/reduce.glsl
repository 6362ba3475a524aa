// SPDX-License-Identifier: GPL-3.0-or-later
//
// Sums and maxima over a workgroup of up to 1024 invocations in subgroups of 8 or more.
shared float reduce_partial[128];

float
workgroup_sum (float x)
{
  x = subgroupAdd (x);
  if (gl_NumSubgroups == 1)
    return x;
  barrier ();
  if (gl_SubgroupInvocationID == 0)
    reduce_partial[gl_SubgroupID] = x;
  barrier ();
  float sum = 0.0;
  for (uint i = 0; i < gl_NumSubgroups; i++)
    sum += reduce_partial[i];
  return sum;
}

float
workgroup_max (float x)
{
  x = subgroupMax (x);
  if (gl_NumSubgroups == 1)
    return x;
  barrier ();
  if (gl_SubgroupInvocationID == 0)
    reduce_partial[gl_SubgroupID] = x;
  barrier ();
  float most = reduce_partial[0];
  for (uint i = 1; i < gl_NumSubgroups; i++)
    most = max (most, reduce_partial[i]);
  return most;
}
