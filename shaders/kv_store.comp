// SPDX-License-Identifier: GPL-3.0-or-later
//
// Writes a row's keys and values into its page. An invocation does 32 elements of one head where
// the type has blocks, otherwise 4.
#version 460
#define KERNEL_KV_STORE
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const uint k_type = 1;
layout (constant_id = 2) const uint v_type = 1;
layout (constant_id = 3) const uint k_width = 128;
layout (constant_id = 4) const uint v_width = 128;
#include "include/kv.glsl"

uint
step_of (uint type)
{
  return type == TYPE_F32 || type == TYPE_F16 ? 4 : 32;
}

float
round_away (float x) // from zero at halves, as C's roundf
{
  return x < 0.0 ? -floor (0.5 - x) : floor (x + 0.5);
}

void
store (uint type, uint64_t row, uint step, Floats x)
{
  if (type == TYPE_F32) {
    Vectors (row).v[step] = vec4 (x.v[0], x.v[1], x.v[2], x.v[3]);
    return;
  }
  if (type == TYPE_F16) {
    // Conversion by instruction rounds to nearest even, which packHalf2x16 need not do.
    Half4s (row).v[step] =
        u16vec4 (float16BitsToUint16 (float16_t (x.v[0])), float16BitsToUint16 (float16_t (x.v[1])),
                 float16BitsToUint16 (float16_t (x.v[2])), float16BitsToUint16 (float16_t (x.v[3])));
    return;
  }
  float most = 0.0, signed_most = 0.0;
  for (uint i = 0; i < 32; i++)
    if (abs (x.v[i]) > most) {
      most = abs (x.v[i]);
      signed_most = x.v[i];
    }
  if (type == TYPE_Q8_0) {
    float d = most / 127.0, inverse = d != 0.0 ? 1.0 / d : 0.0;
    Halves h = Halves (row + step * 34);
    h.v[0] = float16BitsToUint16 (float16_t (d));
    for (uint i = 0; i < 16; i++) {
      int a = int (round_away (x.v[2 * i] * inverse)), b = int (round_away (x.v[2 * i + 1] * inverse));
      h.v[1 + i] = uint16_t ((a & 255) | (b & 255) << 8);
    }
    return;
  }
  float d = signed_most / -8.0, inverse = d != 0.0 ? 1.0 / d : 0.0;
  Halves h = Halves (row + step * 18);
  h.v[0] = float16BitsToUint16 (float16_t (d));
  for (uint i = 0; i < 8; i++) {
    uint w = 0;
    for (uint j = 0; j < 2; j++) {
      uint low = uint (min (15.0, floor (x.v[2 * i + j] * inverse + 8.5)));
      uint high = uint (min (15.0, floor (x.v[2 * i + j + 16] * inverse + 8.5)));
      w |= (low | high << 4) << 8 * j;
    }
    h.v[1 + i] = uint16_t (w);
  }
}

void
main ()
{
  uint k_steps = k_width / step_of (k_type), v_steps = v_width / step_of (v_type);
  uint row_steps = n_kv_heads * (k_steps + v_steps);
  uint64_t at = uint64_t (linear_group ()) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  if (at >= uint64_t (row_steps) * n_rows)
    return;
  uint row = uint (at / row_steps), rest = uint (at - uint64_t (row) * row_steps);
  uint head = rest / (k_steps + v_steps), step = rest - head * (k_steps + v_steps);

  Words table = Words (tables);
  uint position = table.v[PE_TABLE_POSITIONS (max_rows) + row];
  uint first = table.v[PE_TABLE_FIRST_PAGE (max_rows) + row];
  uint slot = table.v[PE_TABLE_PAGES (max_rows) + first + position / PAGE_TOKENS];
  uint64_t page = page_address (segments, slot, n_kv_heads);
  uint token = position % PAGE_TOKENS;
  if (step < k_steps)
    store (k_type, keys_of_page (page, head) + token * row_bytes (k_type, k_width), step,
           Floats (work + 4ul * (k_offset + uint64_t (row) * k_row_stride + head * k_stride +
                                 step * step_of (k_type))));
  else {
    step -= k_steps;
    store (v_type, values_of_page (page, head, n_kv_heads) + token * row_bytes (v_type, v_width),
           step,
           Floats (work + 4ul * (v_offset + uint64_t (row) * v_row_stride + head * v_stride +
                                 step * step_of (v_type))));
  }
}
