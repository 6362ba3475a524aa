// SPDX-License-Identifier: GPL-3.0-or-later
//
// The pages of the key-value cache, as engine/kv.h lays them out. The includer declares the
// specialisation constants k_type, v_type (enum pe_type) and k_width, v_width.
#define TYPE_F32  0
#define TYPE_F16  1
#define TYPE_Q4_0 2
#define TYPE_Q8_0 8

#define PAGE_TOKENS   256
#define SEGMENT_PAGES 16

uint
row_bytes (uint type, uint width)
{
  return type == TYPE_F32 ? 4 * width : type == TYPE_F16 ? 2 * width
         : type == TYPE_Q8_0 ? width / 32 * 34 : width / 32 * 18;
}

uint64_t
page_address (uint64_t segments, uint slot, uint n_kv_heads)
{
  uint64_t page_bytes = uint64_t (n_kv_heads) * PAGE_TOKENS *
                        (row_bytes (k_type, k_width) + row_bytes (v_type, v_width));
  return Addresses (segments).v[slot / SEGMENT_PAGES] + (slot % SEGMENT_PAGES) * page_bytes;
}

uint64_t
keys_of_page (uint64_t page, uint head)
{
  return page + uint64_t (head) * PAGE_TOKENS * row_bytes (k_type, k_width);
}

uint64_t
values_of_page (uint64_t page, uint head, uint n_kv_heads)
{
  return page + uint64_t (n_kv_heads) * PAGE_TOKENS * row_bytes (k_type, k_width) +
         uint64_t (head) * PAGE_TOKENS * row_bytes (v_type, v_width);
}

// Elements [4 i, 4 i + 4) of a row.
vec4
load4 (uint type, uint64_t row, uint i)
{
  if (type == TYPE_F32)
    return Vectors (row).v[i];
  if (type == TYPE_F16) {
    uvec2 w = Words2 (row).v[i];
    return vec4 (unpackHalf2x16 (w.x), unpackHalf2x16 (w.y));
  }
  uint block = i >> 3, inside = i & 7;
  if (type == TYPE_Q8_0) {
    Halves h = Halves (row + block * 34);
    uint w = uint (h.v[1 + 2 * inside]) | uint (h.v[2 + 2 * inside]) << 16;
    return half_to_float (h.v[0]) *
           vec4 (bitfieldExtract (int (w), 0, 8), bitfieldExtract (int (w), 8, 8),
                 bitfieldExtract (int (w), 16, 8), bitfieldExtract (int (w), 24, 8));
  }
  Halves h = Halves (row + block * 18);
  uint at = 1 + 2 * (inside & 3), shift = inside >> 2 << 2;
  uint w = (uint (h.v[at]) | uint (h.v[at + 1]) << 16) >> shift;
  return half_to_float (h.v[0]) *
         vec4 (float (w & 15) - 8.0, float (w >> 8 & 15) - 8.0, float (w >> 16 & 15) - 8.0,
               float (w >> 24 & 15) - 8.0);
}
