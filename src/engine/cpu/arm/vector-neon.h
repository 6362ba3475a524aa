/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The vocabulary of x86/vector-256.h for NEON, with which rows.h and elements.h are written.
 */
#pragma once

#include <arm_neon.h>
#include <stddef.h>

#define INLINE static inline __attribute__ ((always_inline))

#define W    4
#define SUMS 16 /* of a tile of products, in half of the registers */

typedef float32x4_t vf;
typedef int32x4_t vi;
typedef int8x16x2_t codes_32; /* in order */

INLINE vf
vf_zero (void)
{
  return vdupq_n_f32 (0.0f);
}

INLINE vf
vf_set (float x)
{
  return vdupq_n_f32 (x);
}

INLINE vf
vf_load (const float *p)
{
  return vld1q_f32 (p);
}

INLINE void
vf_store (float *p, vf x)
{
  vst1q_f32 (p, x);
}

INLINE vf
vf_add (vf a, vf b)
{
  return vaddq_f32 (a, b);
}

INLINE vf
vf_sub (vf a, vf b)
{
  return vsubq_f32 (a, b);
}

INLINE vf
vf_mul (vf a, vf b)
{
  return vmulq_f32 (a, b);
}

INLINE vf
vf_div (vf a, vf b)
{
  return vdivq_f32 (a, b);
}

INLINE vf
vf_fma (vf a, vf b, vf c) /* a b + c */
{
  return vfmaq_f32 (c, a, b);
}

INLINE vf
vf_max (vf a, vf b)
{
  return vmaxq_f32 (a, b);
}

INLINE vf
vf_min (vf a, vf b)
{
  return vminq_f32 (a, b);
}

INLINE vf
vf_round (vf x)
{
  return vrndnq_f32 (x);
}

INLINE vf
vf_abs (vf x)
{
  return vabsq_f32 (x);
}

/* a where x < y, else b */
INLINE vf
vf_if_less (vf x, vf y, vf a, vf b)
{
  return vbslq_f32 (vcltq_f32 (x, y), a, b);
}

/* x 2^n for whole n between -127 and 128 and x between 1/2 and 2; n = -127 gives 0. */
INLINE vf
vf_scale (vf x, vf n)
{
  int32x4_t whole = vcvtq_s32_f32 (n), half = vshrq_n_s32 (whole, 1);
  int32x4_t rest = vsubq_s32 (whole, half), one = vdupq_n_s32 (127);
  vf a = vreinterpretq_f32_s32 (vshlq_n_s32 (vaddq_s32 (half, one), 23));
  vf b = vreinterpretq_f32_s32 (vshlq_n_s32 (vaddq_s32 (rest, one), 23));
  return vmulq_f32 (vmulq_f32 (x, a), b);
}

INLINE float
vf_sum (vf x)
{
  return vaddvq_f32 (x);
}

/* Lane i: the sum of the lanes of x[i]. */
INLINE vf
vf_sum_each (const vf *x)
{
  return vpaddq_f32 (vpaddq_f32 (x[0], x[1]), vpaddq_f32 (x[2], x[3]));
}

INLINE float
vf_largest (vf x)
{
  return vmaxvq_f32 (x);
}

/* Stored floats at p, which may lie anywhere. */
INLINE vf
vf_load_f16 (const void *p)
{
  return vcvt_f32_f16 (vreinterpret_f16_u8 (vld1_u8 (p)));
}

INLINE vf
vf_load_bf16 (const void *p)
{
  return vreinterpretq_f32_u32 (vshll_n_u16 (vreinterpret_u16_u8 (vld1_u8 (p)), 16));
}

INLINE void
vf_store_f16 (void *p, vf x)
{
  vst1_u8 (p, vreinterpret_u8_f16 (vcvt_f16_f32 (x)));
}

/* The part-th W of 32 signed bytes. */
INLINE vf
vf_from_codes (codes_32 codes, int part)
{
  int8x16_t half = part < 4 ? codes.val[0] : codes.val[1];
  int16x8_t words = part & 2 ? vmovl_high_s8 (half) : vmovl_s8 (vget_low_s8 (half));
  return vcvtq_f32_s32 (part & 1 ? vmovl_high_s16 (words) : vmovl_s16 (vget_low_s16 (words)));
}

INLINE vi
vi_zero (void)
{
  return vdupq_n_s32 (0);
}

INLINE vi
vi_load (const void *p)
{
  return vreinterpretq_s32_u8 (vld1q_u8 (p));
}

INLINE vi
vi_xor (vi a, vi b)
{
  return veorq_s32 (a, b);
}
