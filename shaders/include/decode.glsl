// SPDX-License-Identifier: GPL-3.0-or-later
//
// Weights of one storage type as float32, for whichever TYPE_* macro is defined. A row is taken
// in chunks of 16 elements that lie together in memory: `low` are the elements from
// chunk_first (c) on, `high` those from chunk_first (c) + HIGH on. Which elements share bytes is
// what makes the formats differ; see engine/quant for the fields of each block.

// Two words of four bytes each: the low and the high nibbles as 8 + 8 numbers.
void
nibbles (uint q0, uint q1, out uint low[8], out uint high[8])
{
  [[unroll]] for (uint j = 0; j < 4; j++) {
    low[j] = q0 >> 8 * j & 15;
    low[j + 4] = q1 >> 8 * j & 15;
    high[j] = q0 >> 8 * j + 4 & 15;
    high[j + 4] = q1 >> 8 * j + 4 & 15;
  }
}

uint
two_halves (Halves h, uint i)
{
  return uint (h.v[i]) | uint (h.v[i + 1]) << 16;
}

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
#define HIGH 8

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
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  Halves h = Halves (row + 34ul * (c >> 1));
  float d = half_to_float (h.v[0]);
  uint at = 1 + 8 * (c & 1);
  [[unroll]] for (uint j = 0; j < 4; j++) {
    int a = int (h.v[at + j]), b = int (h.v[at + 4 + j]);
    low[2 * j] = d * float (bitfieldExtract (a, 0, 8));
    low[2 * j + 1] = d * float (bitfieldExtract (a, 8, 8));
    high[2 * j] = d * float (bitfieldExtract (b, 0, 8));
    high[2 * j + 1] = d * float (bitfieldExtract (b, 8, 8));
  }
}

#elif defined TYPE_Q4_0 || defined TYPE_Q4_1 || defined TYPE_Q5_0 || defined TYPE_Q5_1 ||          \
    defined TYPE_IQ4_NL || defined TYPE_MXFP4
// Blocks of 32; byte j holds the elements j and j + 16.
#define HIGH 16
#if defined TYPE_Q4_0 || defined TYPE_IQ4_NL
#define BLOCK_BYTES 18
#elif defined TYPE_Q4_1
#define BLOCK_BYTES 20
#elif defined TYPE_Q5_0
#define BLOCK_BYTES 22
#elif defined TYPE_Q5_1
#define BLOCK_BYTES 24
#else
#define BLOCK_BYTES 17
#endif

#if defined TYPE_IQ4_NL
const float levels[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };
#elif defined TYPE_MXFP4
const float levels[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };
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

void
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  uint64_t block = row + uint64_t (c >> 1) * BLOCK_BYTES;
  uint s = c & 1;
  uint l[8], h[8];
#if defined TYPE_Q4_0 || defined TYPE_IQ4_NL
  Halves w = Halves (block);
  float d = half_to_float (w.v[0]);
  nibbles (two_halves (w, 1 + 4 * s), two_halves (w, 3 + 4 * s), l, h);
#elif defined TYPE_Q4_1
  Words w = Words (block);
  vec2 dm = unpackHalf2x16 (w.v[0]);
  nibbles (w.v[1 + 2 * s], w.v[2 + 2 * s], l, h);
#elif defined TYPE_Q5_0
  Halves w = Halves (block);
  float d = half_to_float (w.v[0]);
  uint fifth = two_halves (w, 1);
  nibbles (two_halves (w, 3 + 4 * s), two_halves (w, 5 + 4 * s), l, h);
#elif defined TYPE_Q5_1
  Words w = Words (block);
  vec2 dm = unpackHalf2x16 (w.v[0]);
  uint fifth = w.v[1];
  nibbles (w.v[2 + 2 * s], w.v[3 + 2 * s], l, h);
#else
  Bytes w = Bytes (block);
  uint e = uint (w.v[0]);
  float d = e == 0 ? uintBitsToFloat (0x00200000u)
            : e == 1 ? uintBitsToFloat (0x00400000u) : uintBitsToFloat (e - 1 << 23);
  uint at = 1 + 8 * s;
  uint q0 = uint (w.v[at]) | uint (w.v[at + 1]) << 8 | uint (w.v[at + 2]) << 16 |
            uint (w.v[at + 3]) << 24;
  uint q1 = uint (w.v[at + 4]) | uint (w.v[at + 5]) << 8 | uint (w.v[at + 6]) << 16 |
            uint (w.v[at + 7]) << 24;
  nibbles (q0, q1, l, h);
#endif
  [[unroll]] for (uint j = 0; j < 8; j++) {
#if defined TYPE_Q4_0
    low[j] = d * (float (l[j]) - 8.0);
    high[j] = d * (float (h[j]) - 8.0);
#elif defined TYPE_IQ4_NL || defined TYPE_MXFP4
    low[j] = d * levels[l[j]];
    high[j] = d * levels[h[j]];
#elif defined TYPE_Q4_1
    low[j] = float (l[j]) * dm.x + dm.y;
    high[j] = float (h[j]) * dm.x + dm.y;
#else
    uint a = l[j] | (fifth >> 8 * s + j & 1) << 4;
    uint b = h[j] | (fifth >> 8 * s + j + 16 & 1) << 4;
#if defined TYPE_Q5_0
    low[j] = d * (float (a) - 16.0);
    high[j] = d * (float (b) - 16.0);
#else
    low[j] = float (a) * dm.x + dm.y;
    high[j] = float (b) * dm.x + dm.y;
#endif
#endif
  }
}

#elif defined TYPE_Q4_K || defined TYPE_Q5_K
// Eight parts of 32 with a 6-bit scale and minimum each; bytes 32 i … hold the parts 2 i, 2 i + 1.
#define HIGH 32
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

vec2
scale_and_minimum (uint j, uint w0, uint w1, uint w2)
{
  uint shift = 8 * (j & 3);
  if (j < 4)
    return vec2 (w0 >> shift & 63, w1 >> shift & 63);
  return vec2 ((w2 >> shift & 15) | (w0 >> shift & 0xc0) >> 2,
               (w2 >> shift + 4 & 15) | (w1 >> shift & 0xc0) >> 2);
}

void
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  uint64_t block = row + uint64_t (c >> 4) * BLOCK_BYTES;
  uint i = c >> 2 & 3, l8 = c & 3;
  uvec4 head = Words4 (block).v[0];
  vec2 d = unpackHalf2x16 (head.x);
  vec2 a = d * scale_and_minimum (2 * i, head.y, head.z, head.w);
  vec2 b = d * scale_and_minimum (2 * i + 1, head.y, head.z, head.w);
  uvec2 q = Words2 (block + 4 * QS_WORD).v[4 * i + l8];
  uint l[8], h[8];
  nibbles (q.x, q.y, l, h);
#if defined TYPE_Q5_K
  uvec2 fifth = Words2 (block + 16).v[l8] >> 2 * i;
#endif
  [[unroll]] for (uint j = 0; j < 8; j++) {
#if defined TYPE_Q5_K
    l[j] |= (fifth[j / 4] >> 8 * (j % 4) & 1) << 4;
    h[j] |= (fifth[j / 4] >> 8 * (j % 4) + 1 & 1) << 4;
#endif
    low[j] = a.x * float (l[j]) - a.y;
    high[j] = b.x * float (h[j]) - b.y;
  }
}

#elif defined TYPE_Q6_K
// Halves of 128: ql[l] holds the low bits of elements l and l + 64 (and ql[l + 32] those of
// l + 32 and l + 96), qh[l] the high bits of all four.
#define HIGH 64

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
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  uint64_t block = row + 210ul * (c >> 4);
  Halves w = Halves (block);
  uint h = c >> 3 & 1, p = c >> 2 & 1, l8 = c & 3;
  float d = half_to_float (w.v[104]);
  SignedBytes scales = SignedBytes (block + 192);
  uint scale = 8 * h + (l8 >> 1) + 2 * p;
  float a = d * float (scales.v[scale]), b = d * float (scales.v[scale + 4]);
  uint ql = 32 * h + 16 * p + 4 * l8, qh = 64 + 16 * h + 4 * l8;
  [[unroll]] for (uint j = 0; j < 4; j++) {
    uint q = uint (w.v[ql + j]), t = uint (w.v[qh + j]) >> 2 * p;
    low[2 * j] = a * (float ((q & 15) | (t & 3) << 4) - 32.0);
    low[2 * j + 1] = a * (float ((q >> 8 & 15) | (t >> 8 & 3) << 4) - 32.0);
    high[2 * j] = b * (float ((q >> 4 & 15) | (t >> 4 & 3) << 4) - 32.0);
    high[2 * j + 1] = b * (float ((q >> 12 & 15) | (t >> 12 & 3) << 4) - 32.0);
  }
}

#elif defined TYPE_Q2_K || defined TYPE_Q3_K
// Halves of 128: byte l of 32 holds the elements l, l + 32, l + 64 and l + 96, two bits each.
#define HIGH 32

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
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  uint h = c >> 3 & 1, pair = c >> 2 & 1, l8 = c & 3;
  uint g = 8 * h + 4 * pair + (l8 >> 1);
#if defined TYPE_Q2_K
  uint64_t block = row + 84ul * (c >> 4);
  Words w = Words (block);
  vec2 d = unpackHalf2x16 (w.v[20]);
  Bytes sc = Bytes (block);
  uint sa = uint (sc.v[g]), sb = uint (sc.v[g + 2]);
  vec2 a = d * vec2 (sa & 15, sa >> 4), b = d * vec2 (sb & 15, sb >> 4);
  uvec2 q = uvec2 (w.v[4 + 8 * h + 2 * l8], w.v[5 + 8 * h + 2 * l8]) >> 4 * pair;
  [[unroll]] for (uint j = 0; j < 8; j++) {
    uint t = q[j / 4] >> 8 * (j % 4);
    low[j] = a.x * float (t & 3) - a.y;
    high[j] = b.x * float (t >> 2 & 3) - b.y;
  }
#else
  uint64_t block = row + 110ul * (c >> 4);
  Halves w = Halves (block);
  float d = half_to_float (w.v[54]);
  Bytes sc = Bytes (block + 96);
  float a = d * scale_of (sc, g), b = d * scale_of (sc, g + 2);
  uint bit = 4 * h + 2 * pair;
  [[unroll]] for (uint j = 0; j < 4; j++) {
    uint q = uint (w.v[16 + 16 * h + 4 * l8 + j]) >> 4 * pair;
    uint mask = uint (w.v[4 * l8 + j]) >> bit;
    low[2 * j] = a * (float (q & 3) - ((mask & 1) != 0 ? 0.0 : 4.0));
    low[2 * j + 1] = a * (float (q >> 8 & 3) - ((mask >> 8 & 1) != 0 ? 0.0 : 4.0));
    high[2 * j] = b * (float (q >> 2 & 3) - ((mask >> 1 & 1) != 0 ? 0.0 : 4.0));
    high[2 * j + 1] = b * (float (q >> 10 & 3) - ((mask >> 9 & 1) != 0 ? 0.0 : 4.0));
  }
#endif
}

#elif defined TYPE_IQ4_XS
#define HIGH 16

const float levels[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

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
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  Words w = Words (row + 136ul * (c >> 4));
  uint ib = c >> 1 & 7, s = c & 1, head = w.v[0];
  uint scale = (w.v[1] >> 4 * ib & 15) | (head >> 16 + 2 * ib & 3) << 4;
  float d = half_to_float (head) * (float (scale) - 32.0);
  uint l[8], h[8];
  nibbles (w.v[2 + 4 * ib + 2 * s], w.v[3 + 4 * ib + 2 * s], l, h);
  [[unroll]] for (uint j = 0; j < 8; j++) {
    low[j] = d * levels[l[j]];
    high[j] = d * levels[h[j]];
  }
}

#elif defined TYPE_IQ2_XXS || defined TYPE_IQ2_XS || defined TYPE_IQ2_S ||                         \
    defined TYPE_IQ3_XXS || defined TYPE_IQ3_S
// Groups of 8 are an entry of a code book (of 4: two entries), with a sign bit for each element.
// An entry of the two-bit types has 2 bits an element, one of the three-bit types 3.
#define HIGH 8

#if defined TYPE_IQ2_XXS
#define BLOCK_BYTES 66
#define BOOK        0
#elif defined TYPE_IQ2_XS
#define BLOCK_BYTES 74
#define BOOK        256
#elif defined TYPE_IQ2_S
#define BLOCK_BYTES 82
#define BOOK        768
#elif defined TYPE_IQ3_XXS
#define BLOCK_BYTES 98
#define BOOK        1792
#else
#define BLOCK_BYTES 110
#define BOOK        2048
#endif

uint64_t
row_bytes_of (uint k)
{
  return uint64_t (k / 256) * BLOCK_BYTES;
}

uint
chunk_first (uint c)
{
  return 16 * c;
}

uint
book_entry (uint i)
{
  return uint (Halves (work - PE_BOOK_BYTES).v[BOOK + i]);
}

// Seven bits are kept; the eighth makes their number even.
uint
full_signs (uint seven)
{
  return seven | (bitCount (seven) & 1) << 7;
}

#if defined TYPE_IQ2_XXS || defined TYPE_IQ2_XS || defined TYPE_IQ2_S
// Magnitudes 8, 25, 43.
void
put_group (uint entry, uint signs, float scale, out float x[8])
{
  [[unroll]] for (uint j = 0; j < 8; j++) {
    uint digit = entry >> 2 * j & 3;
    float value = scale * (digit == 0 ? 8.0 : digit == 1 ? 25.0 : 43.0);
    x[j] = (signs >> j & 1) != 0 ? -value : value;
  }
}
#else
void
put_group (uint first, uint second, uint signs, float scale, out float x[8])
{
  [[unroll]] for (uint j = 0; j < 8; j++) {
    float digit = float ((j < 4 ? first : second) >> 3 * (j & 3) & 7);
#if defined TYPE_IQ3_XXS
    float value = scale * (digit == 7.0 ? 62.0 : 8.0 * digit + 4.0);
#else
    float value = scale * (2.0 * digit + 1.0);
#endif
    x[j] = (signs >> j & 1) != 0 ? -value : value;
  }
}
#endif

void
decode_chunk (uint64_t row, uint c, out float low[8], out float high[8])
{
  uint64_t block = row + uint64_t (c >> 4) * BLOCK_BYTES;
  uint k = 2 * (c & 15); // the first group of 8 in the block
  float d = half_to_float (Halves (block).v[0]);
#if defined TYPE_IQ2_XXS
  Halves q = Halves (block + 2 + 8 * (k >> 2));
  uint tail = two_halves (q, 2), l = k & 3, index = uint (q.v[l >> 1]);
  float scale = d * (0.5 + float (tail >> 28)) * 0.25;
  put_group (book_entry (index & 255), full_signs (tail >> 7 * l & 127), scale, low);
  put_group (book_entry (index >> 8), full_signs (tail >> 7 * (l + 1) & 127), scale, high);
#elif defined TYPE_IQ2_XS
  Halves q = Halves (block + 2);
  uint a = uint (q.v[k]), b = uint (q.v[k + 1]);
  uint s = uint (Bytes (block + 66).v[k >> 2]) >> 4 * (k >> 1 & 1) & 15;
  float scale = d * (0.5 + float (s)) * 0.25;
  put_group (book_entry (a & 511), full_signs (a >> 9), scale, low);
  put_group (book_entry (b & 511), full_signs (b >> 9), scale, high);
#elif defined TYPE_IQ2_S
  Halves w = Halves (block);
  uint q = uint (w.v[1 + (k >> 1)]), signs = uint (w.v[17 + (k >> 1)]);
  uint more = uint (Bytes (block + 66).v[k >> 2]) >> 2 * (k & 3);
  uint s = uint (Bytes (block + 74).v[k >> 2]) >> 4 * (k >> 1 & 1) & 15;
  float scale = d * (0.5 + float (s)) * 0.25;
  put_group (book_entry (q & 255 | (more & 3) << 8), signs & 255, scale, low);
  put_group (book_entry (q >> 8 | (more >> 2 & 3) << 8), signs >> 8, scale, high);
#else
  Halves q = Halves (block + 2);
  uint a = uint (q.v[k]), b = uint (q.v[k + 1]), g = k >> 2, l = k & 3;
#if defined TYPE_IQ3_XXS
  uint tail = two_halves (Halves (block + 66), 2 * g);
  float scale = d * (0.5 + float (tail >> 28)) * 0.5;
  put_group (book_entry (a & 255), book_entry (a >> 8), full_signs (tail >> 7 * l & 127), scale,
             low);
  put_group (book_entry (b & 255), book_entry (b >> 8), full_signs (tail >> 7 * (l + 1) & 127),
             scale, high);
#else
  uint more = uint (Bytes (block + 66).v[g]) >> 2 * l;
  uint signs = uint (Halves (block + 74).v[k >> 1]);
  uint s = uint (Bytes (block + 106).v[g >> 1]) >> 4 * (g & 1) & 15;
  float scale = d * float (1 + 2 * s);
  put_group (book_entry (a & 255 | (more & 1) << 8), book_entry (a >> 8 | (more >> 1 & 1) << 8),
             signs & 255, scale, low);
  put_group (book_entry (b & 255 | (more >> 2 & 1) << 8),
             book_entry (b >> 8 | (more >> 3 & 1) << 8), signs >> 8, scale, high);
#endif
#endif
}
#endif
