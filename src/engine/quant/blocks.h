/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The blocks of the quantised types as they lie in files, and what decoders share. Every member
 * is a byte array, so that a block may start at any address. Inside the engine only.
 *
 * `d` is the block's scale and `m` or `dmin` its offset, little-endian halves. "Split nibbles":
 * of 16 bytes, byte j holds element j below and element j + 16 above.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#define PE_SUPER 256 /* elements of a super-block: the _K, IQ and TQ types */

struct pe_block_q4_0 {
  uint8_t d[2], q[16];
};
struct pe_block_q4_1 {
  uint8_t d[2], m[2], q[16];
};
struct pe_block_q5_0 {
  uint8_t d[2], high[4], q[16]; /* bit i of high: the fifth bit of element i */
};
struct pe_block_q5_1 {
  uint8_t d[2], m[2], high[4], q[16];
};
struct pe_block_q8_0 {
  uint8_t d[2];
  int8_t q[32];
};
struct pe_block_iq4_nl {
  uint8_t d[2], q[16];
};
struct pe_block_mxfp4 {
  uint8_t e, q[16];
};
struct pe_block_nvfp4 {
  uint8_t d[4], q[32]; /* a scale for each 16 elements */
};
struct pe_block_q1_0 {
  uint8_t d[2], q[16];
};
struct pe_block_q2_0 {
  uint8_t d[2], q[16];
};
struct pe_block_q2_k {
  uint8_t scales[16], q[64], d[2], dmin[2];
};
struct pe_block_q3_k {
  uint8_t high[32], q[64], scales[12], d[2];
};
struct pe_block_q4_k {
  uint8_t d[2], dmin[2], scales[12], q[128];
};
struct pe_block_q5_k {
  uint8_t d[2], dmin[2], scales[12], high[32], q[128];
};
struct pe_block_q6_k {
  uint8_t low[128], high[64];
  int8_t scales[16];
  uint8_t d[2];
};
struct pe_block_iq4_xs {
  uint8_t d[2], scales_high[2], scales_low[4], q[128];
};
struct pe_block_iq2_xxs {
  uint8_t d[2], q[64];
};
struct pe_block_iq2_xs {
  uint8_t d[2], q[64], scales[8];
};
struct pe_block_iq2_s {
  uint8_t d[2], q[32], signs[32], high[8], scales[8];
};
struct pe_block_iq3_xxs {
  uint8_t d[2], q[64], signs[32];
};
struct pe_block_iq3_s {
  uint8_t d[2], q[64], high[8], signs[32], scales[4];
};
struct pe_block_iq1_s {
  uint8_t d[2], q[32], high[16];
};
struct pe_block_iq1_m {
  uint8_t q[32], high[16], scales[8];
};
struct pe_block_tq1_0 {
  uint8_t q[48], high[4], d[2];
};
struct pe_block_tq2_0 {
  uint8_t q[64], d[2];
};

static inline uint16_t
pe_load_u16 (const uint8_t *p)
{
  return (uint16_t) (p[0] | p[1] << 8);
}

static inline uint32_t
pe_load_u32 (const uint8_t *p)
{
  return p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

static inline float
pe_float_from_bits (uint32_t bits)
{
  float value;
  memcpy (&value, &bits, sizeof value);
  return value;
}

static inline uint32_t
pe_float_bits (float value)
{
  uint32_t bits;
  memcpy (&bits, &value, sizeof bits);
  return bits;
}

/* Exact: shifts the half into place and lets one multiplication mend the exponent, which is right
 * for subnormal numbers too. */
static inline float
pe_half_decode (uint16_t half)
{
  uint32_t magnitude = (uint32_t) (half & 0x7fff) << 13;
  uint32_t sign = (uint32_t) (half & 0x8000) << 16;
  if (magnitude >= 0x0f800000) /* infinity or NaN */
    return pe_float_from_bits (sign | magnitude | 0x7f800000);
  float value = pe_float_from_bits (magnitude) * 0x1p112f;
  return pe_float_from_bits (sign | pe_float_bits (value));
}

static inline float
pe_load_half (const uint8_t *p)
{
  return pe_half_decode (pe_load_u16 (p));
}

/* Scale and offset (both 6 bits) of sub-block j (0 … 7) of Q4_K and Q5_K. */
static inline void
pe_k_scale (const uint8_t *s, unsigned j, unsigned *scale, unsigned *min)
{
  if (j < 4) {
    *scale = s[j] & 63;
    *min = s[j + 4] & 63;
  } else {
    *scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
    *min = s[j + 4] >> 4 | (s[j] >> 6) << 4;
  }
}

/* The sixteen 6-bit scales of Q3_K, less their offset of 32. */
static inline int
pe_q3_k_scale (const uint8_t *s, unsigned j)
{
  unsigned low = j < 8 ? s[j] & 15 : s[j - 8] >> 4;
  unsigned high = s[8 + j % 4] >> 2 * (j / 4) & 3;
  return (int) (low | high << 4) - 32;
}

/* 6-bit scale of the j-th 32 elements of IQ4_XS, less its offset of 32. */
static inline int
pe_iq4_xs_scale (const struct pe_block_iq4_xs *b, unsigned j)
{
  unsigned low = b->scales_low[j / 2] >> 4 * (j % 2) & 15;
  unsigned high = pe_load_u16 (b->scales_high) >> 2 * j & 3;
  return (int) (low | high << 4) - 32;
}

/* 2^(e - 128): the E8M0 scale of MXFP4 with the halving of its doubled code values. */
static inline float
pe_e8m0_half (uint8_t e)
{
  return pe_float_from_bits (e < 2 ? 0x00200000u << e : (uint32_t) (e - 1) << 23);
}

/* Half the value of an unsigned E4M3 scale; the codes for zero and NaN both give zero. */
static inline float
pe_ue4m3_half (uint8_t code)
{
  unsigned exponent = code >> 3 & 15, mantissa = code & 7;
  if (code == 0 || code == 0x7f)
    return 0.0f;
  if (exponent == 0)
    return (float) mantissa * 0x1p-10f;
  return pe_float_from_bits ((exponent + 127 - 7 - 1) << 23 | mantissa << 20);
}

/* Code values of IQ4_NL and IQ4_XS, and of the FP4 types, doubled (E2M1 has halves). */
extern const int8_t pe_iq4_values[16];
extern const int8_t pe_fp4_values[16];
