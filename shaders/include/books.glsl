// SPDX-License-Identifier: GPL-3.0-or-later
//
// Weights of the types with code books, a part of decode.glsl.
//
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
