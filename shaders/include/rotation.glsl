// SPDX-License-Identifier: GPL-3.0-or-later
//
// The host folds base, scaling, YaRN and the file's factors into one frequency for each pair, in
// turns of 2^-64. Vulkan promises little about sin and cos, and float32 products of large positions
// lose their fraction: whole numbers wrap exactly.

// Cosine and sine of a phase in turns of 2^-32: the nearest quarter, then short polynomials.
vec2
rotation (uint phase)
{
  uint quadrant = phase + 0x20000000u >> 30;
  float r = float (int (phase - (quadrant << 30))) * 1.4629180792671596e-9; // pi / 2^31
  float r2 = r * r;
  float s = r + r * r2 * (-1.6666654611e-1 + r2 * (8.3321608736e-3 + r2 * -1.9515295891e-4));
  float c = 1.0 - 0.5 * r2 +
            r2 * r2 * (4.166664568298827e-2 + r2 * (-1.388731625493765e-3 +
                                                    r2 * 2.443315711809948e-5));
  vec2 cs = (quadrant & 1u) == 0 ? vec2 (c, s) : vec2 (s, c);
  if (quadrant == 1 || quadrant == 2)
    cs.x = -cs.x;
  if (quadrant >= 2)
    cs.y = -cs.y;
  return cs;
}

vec2
rotation_at (uint64_t frequencies, uint pair, uint position)
{
  uint64_t turns = Addresses (frequencies).v[pair] * uint64_t (position);
  return rotation (uint (turns >> 32));
}
