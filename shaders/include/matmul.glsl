// SPDX-License-Identifier: GPL-3.0-or-later
//
// What kernels of many rows have in common: which rows of the batch and of the matrix a workgroup
// multiplies, and what becomes of a sum. The includer has TILE_M, TILE_N and `flags`, and HALF where
// each row of the inputs has a scale of its own.

uint expert, list_begin, n_entries;

// Batch row and group of the m-th entry.
uvec2
entry (uint m)
{
  if ((flags & PE_FLAG_HEADS) != 0)
    return uvec2 (m, expert);
  if ((flags & PE_FLAG_EXPERTS) == 0)
    return uvec2 (m, 0);
  uint e = Words (work + 4ul * (list_offset + n_experts + 1)).v[list_begin + m];
  return uvec2 (e / n_groups, e % n_groups);
}

uint64_t
input_row (uint m)
{
  uvec2 at = entry (min (m, n_entries - 1));
  return work + 4ul * (in_offset + uint64_t (at.x) * in_row_stride + at.y * in_stride);
}

uint64_t
weight_row (uint r)
{
  return weight + expert * matrix_bytes + row_bytes_of (k) * min (r, n - 1);
}

// False: no tile is left for this workgroup.
bool
find_tile (out uint m_first, out uint n_first)
{
  expert = gl_WorkGroupID.z;
  list_begin = 0;
  n_entries = n_rows;
  if ((flags & PE_FLAG_EXPERTS) != 0) {
    Words begins = Words (work + 4ul * list_offset);
    list_begin = begins.v[expert];
    n_entries = begins.v[expert + 1] - list_begin;
  }
  // Tiles of the same weights are neighbours: these are read once, the inputs stay in the cache.
  uint m_tiles = (n_rows + TILE_M - 1) / TILE_M;
  uint tile = linear_group ();
  m_first = tile % m_tiles * TILE_M;
  n_first = tile / m_tiles * TILE_N;
  return n_first < n && m_first < n_entries;
}

void
finish (uint m, uint row, float sum)
{
  if (m >= n_entries || row >= n)
    return;
  uvec2 at = entry (m);
  float times = scale;
  if ((flags & PE_FLAG_SCALE) != 0)
    times *= Floats (factor).v[expert];
  if ((flags & PE_FLAG_WEIGH) != 0)
    times *= Floats (work + 4ul * (ids_offset + uint64_t (at.x) * ids_row_stride)).v[n_groups + at.y];
#ifdef HALF
  uint scale_at = in_stride == 0 ? at.x : at.x * n_groups + at.y;
  times *= Floats (work + 4ul * scales_offset).v[scale_at];
#endif
  float value = sum * times;
  if (bias != 0)
    value += Floats (bias + 4ul * expert * bias_stride).v[row];
  if ((flags & PE_FLAG_RESIDUAL) != 0)
    value += Floats (work + 4ul * (residual_offset + uint64_t (at.x) * residual_row_stride)).v[row];
  Floats (work + 4ul * (out_offset + uint64_t (at.x) * out_row_stride + at.y * out_stride)).v[row] =
      value;
}
