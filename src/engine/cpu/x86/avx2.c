/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AVX2, FMA and F16C.
 */
#include "engine/cpu/x86/vector-256.h"

#include "engine/cpu/x86/codes.h"
#include "engine/cpu/vector/rows.h"

#include <stdbool.h>

/* Products of unsigned by signed bytes, pairs added in 16 bits: codes below 128 cannot overflow,
 * and negative ones hand their sign to x first. */
#define PREPARE_CODES(c) (c)
#define CODE_OFFSET      0

INLINE __m256i
dot_bytes (__m256i codes, __m256i x, bool signed_codes)
{
  __m256i pairs = signed_codes
                      ? _mm256_maddubs_epi16 (_mm256_abs_epi8 (codes), _mm256_sign_epi8 (x, codes))
                      : _mm256_maddubs_epi16 (codes, x);
  return _mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1));
}

INLINE vi
dot_bytes_add (vi sum, vi codes, vi x, bool signed_codes)
{
  return _mm256_add_epi32 (sum, dot_bytes (codes, x, signed_codes));
}

#include "engine/cpu/vector/elements.h"
#include "engine/cpu/x86/fast.h"
#include "engine/cpu/vector/limits.h"

/* 32 values as int8 with scale largest / 127, and the sums of both halves. */
static void
quantise_32 (const float *x, float *d, int16_t *sum, int8_t *q)
{
  vf v[4], largest = vf_zero ();
  for (int i = 0; i < 4; i++) {
    v[i] = vf_load (x + 8 * i);
    largest = vf_max (largest, vf_abs (v[i]));
  }
  float top = vf_largest (largest), scale = top > 0.0f ? 127.0f / top : 0.0f;
  *d = top / 127.0f;
  __m256i c[4];
  for (int i = 0; i < 4; i++)
    c[i] = _mm256_cvtps_epi32 (vf_mul (v[i], vf_set (scale)));
  __m256i bytes =
      _mm256_packs_epi16 (_mm256_packs_epi32 (c[0], c[1]), _mm256_packs_epi32 (c[2], c[3]));
  bytes = _mm256_permutevar8x32_epi32 (bytes, _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256 ((__m256i *) q, bytes);
  __m256i low = _mm256_add_epi32 (c[0], c[1]), high = _mm256_add_epi32 (c[2], c[3]);
  __m256i pairs = _mm256_hadd_epi32 (low, high);
  pairs = _mm256_hadd_epi32 (pairs, pairs);
  __m128i sums =
      _mm_add_epi32 (_mm256_castsi256_si128 (pairs), _mm256_extracti128_si256 (pairs, 1));
  sum[0] = (int16_t) _mm_cvtsi128_si32 (sums);
  sum[1] = (int16_t) _mm_extract_epi32 (sums, 1);
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
    uint16_t h = _cvtss_sh (values[i], _MM_FROUND_TO_NEAREST_INT);
    memcpy (p + 2 * i, &h, sizeof h);
  }
}

/* Sums for norms in double precision: they are short beside the matrices. */
static float
sum_of (size_t n, const float *x)
{
  __m256d total = _mm256_setzero_pd ();
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    total = _mm256_add_pd (total, _mm256_cvtps_pd (_mm_loadu_ps (x + i)));
  double parts[4], sum;
  _mm256_storeu_pd (parts, total);
  sum = parts[0] + parts[1] + parts[2] + parts[3];
  for (; i < n; i++)
    sum += x[i];
  return (float) sum;
}

static float
sum_squares (size_t n, const float *x, float mean)
{
  __m256d total[2] = { _mm256_setzero_pd (), _mm256_setzero_pd () }, centre = _mm256_set1_pd (mean);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int l = 0; l < 2; l++) {
      __m256d v = _mm256_sub_pd (_mm256_cvtps_pd (_mm_loadu_ps (x + i + 4 * l)), centre);
      total[l] = _mm256_fmadd_pd (v, v, total[l]);
    }
  double parts[4], sum;
  _mm256_storeu_pd (parts, _mm256_add_pd (total[0], total[1]));
  sum = parts[0] + parts[1] + parts[2] + parts[3];
  for (; i < n; i++)
    sum += ((double) x[i] - mean) * ((double) x[i] - mean);
  return (float) sum;
}

void
pe_kernels_init_avx2 (struct pe_kernels *kernels)
{
  kernels->level = PE_CPU_AVX2;
  set_rows (kernels);
  set_fast (kernels);
  set_elements (kernels);
  kernels->quantise = quantise;
  kernels->encode[PE_TYPE_F16] = encode_f16;
  kernels->sum = sum_of;
  kernels->sum_squares = sum_squares;
  set_limits (kernels);
}
