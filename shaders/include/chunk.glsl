// SPDX-License-Identifier: GPL-3.0-or-later
//
// A chunk of one input row times the same chunk of a row of weights (decode.glsl), for kernels of few
// rows, which the includer makes with or without DOT. Without, everything is float32. With it, each
// run of eight inputs becomes signed bytes with a scale of its own, the largest of which is 127, and
// four products are one instruction.
#ifdef DOT
#include "dot.glsl"

struct Chunk
{
  uvec4 codes;  // two words of `low`, two of `high`
  vec4 factors; // scales of `low` and `high`, then their sums after rounding
};

void
round_run (vec4 a, vec4 b, out uvec2 codes, out float factor, out float sum)
{
  vec4 most4 = max (abs (a), abs (b));
  float most = max (max (most4.x, most4.y), max (most4.z, most4.w));
  float times = most > 1e-30 ? 127.0 / most : 0.0;
  ivec4 p = ivec4 (roundEven (a * times)), q = ivec4 (roundEven (b * times));
  uvec4 low = uvec4 (p) & 255, high = uvec4 (q) & 255;
  codes = uvec2 (low.x | low.y << 8 | low.z << 16 | low.w << 24,
                 high.x | high.y << 8 | high.z << 16 | high.w << 24);
  factor = most / 127.0;
  ivec4 both = p + q;
  sum = factor * float (both.x + both.y + both.z + both.w);
}

Chunk
chunk_of (vec4 x[4])
{
  Chunk c;
  uvec2 low, high;
  round_run (x[0], x[1], low, c.factors.x, c.factors.z);
  round_run (x[2], x[3], high, c.factors.y, c.factors.w);
  c.codes = uvec4 (low, high);
  return c;
}

#else

struct Chunk
{
  vec4 x[4]; // `low`, then `high`
};

Chunk
chunk_of (vec4 x[4])
{
  return Chunk (x);
}
#endif

// Adds a row's chunk times those of all columns to `sum`, from `first` on.
#define ADD_CHUNK(sum, first, row, chunk, x, columns)                                              \
  {                                                                                                \
    DECODE (row, chunk)                                                                            \
    [[unroll]] for (uint c_ = 0; c_ < columns; c_++)                                               \
      sum[first + c_] = PRODUCT (x[c_], sum[first + c_]);                                          \
  }

#ifdef DOT
#define DECODE(row, chunk)                                                                         \
  uint q_[4];                                                                                      \
  vec2 d_, m_;                                                                                     \
  read_codes (row, chunk, q_, d_, m_);

float
product (uint q[4], vec2 d, vec2 m, Chunk x, float sum)
{
  int low = dot4 (q[0], x.codes.x) + dot4 (q[1], x.codes.y);
  int high = dot4 (q[2], x.codes.z) + dot4 (q[3], x.codes.w);
  sum = fma (d.x * x.factors.x, float (low), sum);
  sum = fma (d.y * x.factors.y, float (high), sum);
#ifdef HAS_MINIMUM
  sum = fma (m.x, x.factors.z, sum);
  sum = fma (m.y, x.factors.w, sum);
#endif
  return sum;
}
#define PRODUCT(x, sum) product (q_, d_, m_, x, sum)

#else
#define DECODE(row, chunk)                                                                         \
  float low_[8], high_[8];                                                                         \
  decode_chunk (row, chunk, low_, high_);

float
product (float low[8], float high[8], Chunk c, float sum)
{
  [[unroll]] for (uint j = 0; j < 8; j++)
    sum = fma (low[j], c.x[j / 4][j % 4], sum);
  [[unroll]] for (uint j = 0; j < 8; j++)
    sum = fma (high[j], c.x[2 + j / 4][j % 4], sum);
  return sum;
}
#define PRODUCT(x, sum) product (low_, high_, x, sum)
#endif
