// SPDX-License-Identifier: GPL-3.0-or-later
//
// Weights of one storage type, for whichever TYPE_* macro is defined. A row is taken in chunks of 16
// elements that lie together in memory: `low` are the elements from chunk_first (c) on, `high` those
// from chunk_first (c) + HIGH on. Which elements share bytes is what makes the formats differ; see
// engine/quant for the fields of each block.
//
// Types whose elements are small integers say so (CODES): read_codes () gives those of a chunk, four
// signed bytes in a word, two words of `low` and two of `high`, and what makes values of them, d * code
// (+ m with HAS_MINIMUM), for each half. CODE_GROUP neighbouring elements have the same d and m.
// decode_chunk () makes float32 of every type.

uint
two_halves (Halves h, uint i)
{
  return uint (h.v[i]) | uint (h.v[i + 1]) << 16;
}

// Four bytes at once: each, below 128, less n.
uint
minus (uint bytes, uint n)
{
  return ((bytes | 0x80808080u) - n * 0x01010101u) ^ 0x80808080u;
}

// Bits 0 to 3 as bit 4 of four bytes.
uint
fifth_bits (uint bits)
{
  return (bits & 15) * 0x02040810u & 0x10101010u;
}

#if defined TYPE_IQ4_NL || defined TYPE_IQ4_XS || defined TYPE_MXFP4
// Sixteen levels, bytes of four words: choosing among constants is a few instructions everywhere, while
// a table that is indexed becomes memory or a long row of comparisons.
#if defined TYPE_MXFP4
#define LEVELS uvec4 (0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu)
#else
#define LEVELS uvec4 (0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u)
#endif

// Four nibbles as the levels that they stand for.
uint
levels_of (uint nibbles)
{
  uint bytes = 0;
  [[unroll]] for (uint j = 0; j < 4; j++) {
    uint n = nibbles >> 8 * j;
    uint below = (n & 4) == 0 ? LEVELS.x : LEVELS.y, above = (n & 4) == 0 ? LEVELS.z : LEVELS.w;
    bytes |= (((n & 8) == 0 ? below : above) >> 8 * (n & 3) & 255) << 8 * j;
  }
  return bytes;
}
#endif

#if defined TYPE_F32 || defined TYPE_F16 || defined TYPE_BF16
#define HIGH 8
#define IS_FLOAT
#if defined TYPE_F32
#define ELEMENT_BYTES 4
#else
#define ELEMENT_BYTES 2
#endif

uint64_t
row_bytes_of (uint k)
{
  return uint64_t (k) * ELEMENT_BYTES;
}

uint
chunk_first (uint c)
{
  return 16 * c;
}

float
decode_one (uint64_t row, uint i)
{
#if defined TYPE_F32
  return Floats (row).v[i];
#elif defined TYPE_F16
  return half_to_float (Halves (row).v[i]);
#else
  return bf16_to_float (Halves (row).v[i]);
#endif
}

void
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
#if defined TYPE_F32
  Vectors x = Vectors (row + 64ul * c);
  [[unroll]] for (uint j = 0; j < 8; j++) {
    low[j] = x.v[j / 4][j % 4];
    high[j] = x.v[2 + j / 4][j % 4];
  }
#else
  uvec4 a = Words4 (row + 32ul * c).v[0], b = Words4 (row + 32ul * c).v[1];
  [[unroll]] for (uint j = 0; j < 8; j++) {
#if defined TYPE_F16
    low[j] = unpackHalf2x16 (a[j / 2])[j % 2];
    high[j] = unpackHalf2x16 (b[j / 2])[j % 2];
#else
    low[j] = bf16_to_float (a[j / 2] >> 16 * (j % 2) & 0xffffu);
    high[j] = bf16_to_float (b[j / 2] >> 16 * (j % 2) & 0xffffu);
#endif
  }
#endif
}

#elif defined TYPE_Q8_0
#define HIGH       8
#define CODES
#define CODE_GROUP 32

uint64_t
row_bytes_of (uint k)
{
  return uint64_t (k / 32) * 34;
}

uint
chunk_first (uint c)
{
  return 16 * c;
}

void
read_codes (uint64_t row, uint c, out uint q[4], out vec2 d, out vec2 m)
{
  Halves h = Halves (row + 34ul * (c >> 1));
  d = vec2 (half_to_float (h.v[0]));
  uint at = 1 + 8 * (c & 1);
  [[unroll]] for (uint j = 0; j < 4; j++)
    q[j] = two_halves (h, at + 2 * j);
}

#elif defined TYPE_Q4_0 || defined TYPE_Q4_1 || defined TYPE_Q5_0 || defined TYPE_Q5_1 ||          \
    defined TYPE_IQ4_NL || defined TYPE_MXFP4
// Blocks of 32; byte j holds the elements j and j + 16.
#define HIGH       16
#define CODES
#define CODE_GROUP 32
#if defined TYPE_Q4_0 || defined TYPE_IQ4_NL
#define BLOCK_BYTES 18
#elif defined TYPE_Q4_1
#define BLOCK_BYTES 20
#define HAS_MINIMUM
#elif defined TYPE_Q5_0
#define BLOCK_BYTES 22
#elif defined TYPE_Q5_1
#define BLOCK_BYTES 24
#define HAS_MINIMUM
#else
#define BLOCK_BYTES 17
#endif

uint64_t
row_bytes_of (uint k)
{
  return uint64_t (k / 32) * BLOCK_BYTES;
}

uint
chunk_first (uint c)
{
  return 32 * (c >> 1) + 8 * (c & 1);
}

// The two words of nibbles of a chunk, with the block's scale, minimum and fifth bits.
void
read_nibbles (uint64_t block, uint s, out uvec2 q, out vec2 dm, out uint fifth)
{
  fifth = 0;
#if defined TYPE_Q4_1 || defined TYPE_Q5_1
  Words w = Words (block);
  dm = unpackHalf2x16 (w.v[0]);
#if defined TYPE_Q5_1
  fifth = w.v[1];
#endif
  uint at = BLOCK_BYTES / 4 - 4 + 2 * s;
  q = uvec2 (w.v[at], w.v[at + 1]);
#elif defined TYPE_MXFP4
  Bytes w = Bytes (block);
  uint e = uint (w.v[0]);
  dm.x = e == 0 ? uintBitsToFloat (0x00200000u)
         : e == 1 ? uintBitsToFloat (0x00400000u) : uintBitsToFloat (e - 1 << 23);
  uint at = 1 + 8 * s;
  [[unroll]] for (uint j = 0; j < 2; j++)
    q[j] = uint (w.v[at + 4 * j]) | uint (w.v[at + 4 * j + 1]) << 8 |
           uint (w.v[at + 4 * j + 2]) << 16 | uint (w.v[at + 4 * j + 3]) << 24;
#else
  Halves w = Halves (block);
  dm.x = half_to_float (w.v[0]);
#if defined TYPE_Q5_0
  fifth = two_halves (w, 1);
#endif
  uint at = BLOCK_BYTES / 2 - 8 + 4 * s;
  q = uvec2 (two_halves (w, at), two_halves (w, at + 2));
#endif
}

void
read_codes (uint64_t row, uint c, out uint q[4], out vec2 d, out vec2 m)
{
  uint s = c & 1, fifth;
  uvec2 both;
  vec2 dm;
  read_nibbles (row + uint64_t (c >> 1) * BLOCK_BYTES, s, both, dm, fifth);
  d = dm.xx;
#ifdef HAS_MINIMUM
  m = dm.yy;
#endif
  [[unroll]] for (uint j = 0; j < 2; j++) {
    q[j] = both[j] & 0x0f0f0f0fu;
    q[2 + j] = both[j] >> 4 & 0x0f0f0f0fu;
#if defined TYPE_Q5_0 || defined TYPE_Q5_1
    q[j] |= fifth_bits (fifth >> 8 * s + 4 * j);
    q[2 + j] |= fifth_bits (fifth >> 8 * s + 4 * j + 16);
#endif
  }
#if defined TYPE_Q4_0 || defined TYPE_Q5_0 || defined LEVELS
  [[unroll]] for (uint j = 0; j < 4; j++)
#if defined TYPE_Q4_0
    q[j] = minus (q[j], 8);
#elif defined TYPE_Q5_0
    q[j] = minus (q[j], 16);
#else
    q[j] = levels_of (q[j]);
#endif
#endif
}

#elif defined TYPE_Q4_K || defined TYPE_Q5_K
// Eight parts of 32 with a 6-bit scale and minimum each; bytes 32 i … hold the parts 2 i, 2 i + 1.
#define HIGH       32
#define CODES
#define CODE_GROUP 32
#define HAS_MINIMUM
#if defined TYPE_Q4_K
#define BLOCK_BYTES 144
#define QS_WORD 4
#else
#define BLOCK_BYTES 176
#define QS_WORD 12
#endif

uint64_t
row_bytes_of (uint k)
{
  return uint64_t (k / 256) * BLOCK_BYTES;
}

uint
chunk_first (uint c)
{
  return 64 * (c >> 2) + 8 * (c & 3);
}

// Of parts 2 i and 2 i + 1, as two bytes each.
void
scales_and_minima (uint i, uvec4 head, out uint scales, out uint minima)
{
  uint shift = 16 * (i & 1), a = head.y >> shift, b = head.z >> shift, c = head.w >> shift;
  scales = i < 2 ? a & 0x3f3f : (c & 0x0f0f) | (a >> 2 & 0x3030);
  minima = i < 2 ? b & 0x3f3f : (c >> 4 & 0x0f0f) | (b >> 2 & 0x3030);
}

void
read_codes (uint64_t row, uint c, out uint q[4], out vec2 d, out vec2 m)
{
  uint64_t block = row + uint64_t (c >> 4) * BLOCK_BYTES;
  uint i = c >> 2 & 3, l8 = c & 3;
  uvec4 head = Words4 (block).v[0];
  vec2 dm = unpackHalf2x16 (head.x);
  uint scales, minima;
  scales_and_minima (i, head, scales, minima);
  d = dm.x * vec2 (scales & 255, scales >> 8 & 255);
  m = -dm.y * vec2 (minima & 255, minima >> 8 & 255);
  uvec2 both = Words2 (block + 4 * QS_WORD).v[4 * i + l8];
#if defined TYPE_Q5_K
  uvec2 fifth = Words2 (block + 16).v[l8] >> 2 * i;
#endif
  [[unroll]] for (uint j = 0; j < 2; j++) {
    q[j] = both[j] & 0x0f0f0f0fu;
    q[2 + j] = both[j] >> 4 & 0x0f0f0f0fu;
#if defined TYPE_Q5_K
    q[j] |= (fifth[j] & 0x01010101u) << 4;
    q[2 + j] |= (fifth[j] >> 1 & 0x01010101u) << 4;
#endif
  }
}

#elif defined TYPE_Q6_K
// Halves of 128: ql[l] holds the low bits of elements l and l + 64 (and ql[l + 32] those of
// l + 32 and l + 96), qh[l] the high bits of all four.
#define HIGH       64
#define CODES
#define CODE_GROUP 16

uint64_t
row_bytes_of (uint k)
{
  return uint64_t (k / 256) * 210;
}

uint
chunk_first (uint c)
{
  return 128 * (c >> 3) + 8 * (c & 7);
}

void
read_codes (uint64_t row, uint c, out uint q[4], out vec2 d, out vec2 m)
{
  uint64_t block = row + 210ul * (c >> 4);
  Halves w = Halves (block);
  uint h = c >> 3 & 1, p = c >> 2 & 1, l8 = c & 3;
  SignedBytes scales = SignedBytes (block + 192);
  uint scale = 8 * h + (l8 >> 1) + 2 * p;
  d = half_to_float (w.v[104]) * vec2 (float (scales.v[scale]), float (scales.v[scale + 4]));
  uint ql = 32 * h + 16 * p + 4 * l8, qh = 64 + 16 * h + 4 * l8;
  [[unroll]] for (uint j = 0; j < 2; j++) {
    uint both = two_halves (w, ql + 2 * j), more = two_halves (w, qh + 2 * j) >> 2 * p;
    q[j] = minus (both & 0x0f0f0f0fu | (more & 0x03030303u) << 4, 32);
    q[2 + j] = minus (both >> 4 & 0x0f0f0f0fu | (more >> 4 & 0x03030303u) << 4, 32);
  }
}

#elif defined TYPE_Q2_K || defined TYPE_Q3_K
// Halves of 128: byte l of 32 holds the elements l, l + 32, l + 64 and l + 96, two bits each.
#define HIGH       32
#define CODES
#define CODE_GROUP 16
#if defined TYPE_Q2_K
#define HAS_MINIMUM
#endif

uint64_t
row_bytes_of (uint k)
{
#if defined TYPE_Q2_K
  return uint64_t (k / 256) * 84;
#else
  return uint64_t (k / 256) * 110;
#endif
}

uint
chunk_first (uint c)
{
  return 128 * (c >> 3) + 64 * (c >> 2 & 1) + 8 * (c & 3);
}

#if defined TYPE_Q3_K
float
scale_of (Bytes sc, uint g)
{
  uint low = uint (sc.v[g & 7]) >> (g < 8 ? 0 : 4) & 15;
  uint high = uint (sc.v[8 + (g & 3)]) >> 2 * (g >> 2) & 3;
  return float (low | high << 4) - 32.0;
}
#endif

void
read_codes (uint64_t row, uint c, out uint q[4], out vec2 d, out vec2 m)
{
  uint h = c >> 3 & 1, pair = c >> 2 & 1, l8 = c & 3;
  uint g = 8 * h + 4 * pair + (l8 >> 1);
#if defined TYPE_Q2_K
  uint64_t block = row + 84ul * (c >> 4);
  Words w = Words (block);
  vec2 dm = unpackHalf2x16 (w.v[20]);
  Bytes sc = Bytes (block);
  uint sa = uint (sc.v[g]), sb = uint (sc.v[g + 2]);
  d = dm.x * vec2 (sa & 15, sb & 15);
  m = -dm.y * vec2 (sa >> 4, sb >> 4);
#else
  uint64_t block = row + 110ul * (c >> 4);
  Halves w = Halves (block);
  Bytes sc = Bytes (block + 96);
  d = half_to_float (w.v[54]) * vec2 (scale_of (sc, g), scale_of (sc, g + 2));
#endif
  [[unroll]] for (uint j = 0; j < 2; j++) {
#if defined TYPE_Q2_K
    uint four = w.v[4 + 8 * h + 2 * l8 + j] >> 4 * pair;
#else
    uint four = two_halves (w, 16 + 16 * h + 4 * l8 + 2 * j) >> 4 * pair;
#endif
    q[j] = four & 0x03030303u;
    q[2 + j] = four >> 2 & 0x03030303u;
#if defined TYPE_Q3_K
    uint third = two_halves (w, 4 * l8 + 2 * j) >> 4 * h + 2 * pair;
    q[j] = minus (q[j] | (third & 0x01010101u) << 2, 4);
    q[2 + j] = minus (q[2 + j] | (third >> 1 & 0x01010101u) << 2, 4);
#endif
  }
}

#elif defined TYPE_IQ4_XS
#define HIGH       16
#define CODES
#define CODE_GROUP 32

uint64_t
row_bytes_of (uint k)
{
  return uint64_t (k / 256) * 136;
}

uint
chunk_first (uint c)
{
  return 32 * (c >> 1) + 8 * (c & 1);
}

void
read_codes (uint64_t row, uint c, out uint q[4], out vec2 d, out vec2 m)
{
  Words w = Words (row + 136ul * (c >> 4));
  uint ib = c >> 1 & 7, s = c & 1, head = w.v[0];
  uint scale = (w.v[1] >> 4 * ib & 15) | (head >> 16 + 2 * ib & 3) << 4;
  d = vec2 (half_to_float (head) * (float (scale) - 32.0));
  [[unroll]] for (uint j = 0; j < 2; j++) {
    uint both = w.v[2 + 4 * ib + 2 * s + j];
    q[j] = levels_of (both & 0x0f0f0f0fu);
    q[2 + j] = levels_of (both >> 4 & 0x0f0f0f0fu);
  }
}

#else
#include "books.glsl"
#endif

#ifdef CODES
// Byte j of a word; those of types with minima are never negative, which is quicker on some devices.
float
code_of (uint word, int j)
{
#ifdef HAS_MINIMUM
  return float (bitfieldExtract (word, 8 * j, 8));
#else
  return float (bitfieldExtract (int (word), 8 * j, 8));
#endif
}

void
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  uint q[4];
  vec2 d, m;
  read_codes (row, c, q, d, m);
  [[unroll]] for (int j = 0; j < 8; j++) {
    low[j] = d.x * code_of (q[j / 4], j % 4);
    high[j] = d.y * code_of (q[2 + j / 4], j % 4);
#ifdef HAS_MINIMUM
    low[j] += m.x;
    high[j] += m.y;
#endif
  }
}
#endif
