/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NEON, which every 64-bit Arm processor has.
 */
#include "engine/cpu/arm/vector-neon.h"

#include <string.h>

#include "engine/cpu/arm/codes.h"
#include "engine/cpu/vector/rows.h"

/* Two products of bytes fit 16 bits: neither side has more than 128 and 127. */
INLINE vi
dot_16 (vi sum, int8x16_t codes, int8x16_t x)
{
  int16x8_t pairs = vmull_s8 (vget_low_s8 (codes), vget_low_s8 (x));
  return vpadalq_s16 (sum, vmlal_high_s8 (pairs, codes, x));
}

INLINE vi
dot_4_each (vi sum, int8x16_t codes, int8x16_t x)
{
  int32x4_t low = vpaddlq_s16 (vmull_s8 (vget_low_s8 (codes), vget_low_s8 (x)));
  int32x4_t high = vpaddlq_s16 (vmull_high_s8 (codes, x));
  return vaddq_s32 (sum, vpaddq_s32 (low, high));
}

#define dot_lane(sum, codes, x, lane)                                                              \
  dot_4_each (sum, codes, vreinterpretq_s8_s32 (vdupq_laneq_s32 (vreinterpretq_s32_s8 (x), lane)))

#include "engine/cpu/arm/lanes.h"

#include "engine/cpu/arm/fast.h"
#include "engine/cpu/vector/elements.h"
#include "engine/cpu/vector/limits.h"

/* 32 values as int8 with scale largest / 127, and the sums of both halves. */
static void
quantise_32 (const float *x, float *d, int16_t *sum, int8_t *q)
{
  vf largest = vf_zero ();
  for (int i = 0; i < 8; i++)
    largest = vmaxnmq_f32 (largest, vf_abs (vf_load (x + 4 * i)));
  float top = vmaxnmvq_f32 (largest), scale = top > 0.0f ? 127.0f / top : 0.0f;
  *d = top / 127.0f;
  for (int h = 0; h < 2; h++) {
    int16x8_t words[2];
    for (int i = 0; i < 2; i++) {
      const float *from = x + 16 * h + 8 * i;
      int32x4_t low = vcvtnq_s32_f32 (vf_mul (vf_load (from), vf_set (scale)));
      int32x4_t high = vcvtnq_s32_f32 (vf_mul (vf_load (from + 4), vf_set (scale)));
      words[i] = vcombine_s16 (vqmovn_s32 (low), vqmovn_s32 (high));
    }
    vst1q_s8 (q + 16 * h, vcombine_s8 (vqmovn_s16 (words[0]), vqmovn_s16 (words[1])));
    sum[h] = vaddvq_s16 (vaddq_s16 (words[0], words[1]));
  }
}

static void
quantise (size_t n, const float *x, struct pe_q8_group *out)
{
  for (size_t i = 0; i < n; i += 256, out++) {
    size_t count = smaller (n - i, 256);
    if (count < 256)
      memset (out, 0, sizeof *out);
    for (size_t j = 0; j < count; j += 32)
      quantise_32 (x + i + j, &out->d[j / 32], &out->sum[j / 16], &out->q[j]);
  }
}

static void
encode_f16 (const float *values, void *blocks, size_t n)
{
  char *p = blocks;
  size_t i = 0;
  for (; i + W <= n; i += W)
    vf_store_f16 (p + 2 * i, vf_load (values + i));
  for (; i < n; i++) {
    __fp16 h = (__fp16) values[i];
    memcpy (p + 2 * i, &h, sizeof h);
  }
}

/* Sums for norms in double precision: they are short beside the matrices. */
static float
sum_of (size_t n, const float *x)
{
  float64x2_t total[2] = { vdupq_n_f64 (0), vdupq_n_f64 (0) };
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    vf v = vf_load (x + i);
    total[0] = vaddq_f64 (total[0], vcvt_f64_f32 (vget_low_f32 (v)));
    total[1] = vaddq_f64 (total[1], vcvt_high_f64_f32 (v));
  }
  double sum = vaddvq_f64 (vaddq_f64 (total[0], total[1]));
  for (; i < n; i++)
    sum += x[i];
  return (float) sum;
}

static float
sum_squares (size_t n, const float *x, float mean)
{
  float64x2_t total[2] = { vdupq_n_f64 (0), vdupq_n_f64 (0) }, centre = vdupq_n_f64 (mean);
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    vf v = vf_load (x + i);
    float64x2_t low = vsubq_f64 (vcvt_f64_f32 (vget_low_f32 (v)), centre);
    float64x2_t high = vsubq_f64 (vcvt_high_f64_f32 (v), centre);
    total[0] = vfmaq_f64 (total[0], low, low);
    total[1] = vfmaq_f64 (total[1], high, high);
  }
  double sum = vaddvq_f64 (vaddq_f64 (total[0], total[1]));
  for (; i < n; i++)
    sum += ((double) x[i] - mean) * ((double) x[i] - mean);
  return (float) sum;
}

void
pe_kernels_init_neon (struct pe_kernels *kernels)
{
  kernels->level = PE_CPU_NEON;
  set_rows (kernels);
  set_fast (kernels);
  set_elements (kernels);
  kernels->quantise = quantise;
  kernels->encode[PE_TYPE_F16] = encode_f16;
  kernels->sum = sum_of;
  kernels->sum_squares = sum_squares;
  set_limits (kernels);
}
