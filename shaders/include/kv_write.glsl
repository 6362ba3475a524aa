// SPDX-License-Identifier: GPL-3.0-or-later
//
// Writing into the cache: a step is 32 elements where the type has blocks, otherwise 4.
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
store (uint type, uint64_t row, uint step, float x[32])
{
  if (type == TYPE_F32) {
    Vectors (row).v[step] = vec4 (x[0], x[1], x[2], x[3]);
    return;
  }
  if (type == TYPE_F16) {
    // Conversion by instruction rounds to nearest even, which packHalf2x16 need not do.
    Half4s (row).v[step] =
        u16vec4 (float16BitsToUint16 (float16_t (x[0])), float16BitsToUint16 (float16_t (x[1])),
                 float16BitsToUint16 (float16_t (x[2])), float16BitsToUint16 (float16_t (x[3])));
    return;
  }
  float most = 0.0, signed_most = 0.0;
  for (uint i = 0; i < 32; i++)
    if (abs (x[i]) > most) {
      most = abs (x[i]);
      signed_most = x[i];
    }
  if (type == TYPE_Q8_0) {
    float d = most / 127.0, inverse = d != 0.0 ? 1.0 / d : 0.0;
    Halves h = Halves (row + step * 34);
    h.v[0] = float16BitsToUint16 (float16_t (d));
    for (uint i = 0; i < 16; i++) {
      int a = int (round_away (x[2 * i] * inverse)), b = int (round_away (x[2 * i + 1] * inverse));
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
      uint low = uint (min (15.0, floor (x[2 * i + j] * inverse + 8.5)));
      uint high = uint (min (15.0, floor (x[2 * i + j + 16] * inverse + 8.5)));
      w |= (low | high << 4) << 8 * j;
    }
    h.v[1 + i] = uint16_t (w);
  }
}
