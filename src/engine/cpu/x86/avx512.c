/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AVX-512 F, BW, DQ, VL and VNNI.
 */
#include "engine/cpu/x86/vector-512.h"

#include "engine/cpu/x86/codes.h"
#include "engine/cpu/vector/rows.h"

#include <stdbool.h>

/* The instruction multiplies unsigned codes: negative ones are raised by 128. */
#define PREPARE_CODES(c) _mm256_xor_si256 (c, _mm256_set1_epi8 (-128))
#define CODE_OFFSET      128

INLINE __m256i
dot_bytes (__m256i codes, __m256i x, bool signed_codes)
{
  return _mm256_dpbusd_epi32 (_mm256_setzero_si256 (), codes, x);
}

INLINE vi
dot_bytes_add (vi sum, vi codes, vi x, bool signed_codes)
{
  return _mm512_dpbusd_epi32 (sum, codes, x);
}

#include "engine/cpu/x86/dot-512.h"
#include "engine/cpu/vector/elements.h"
#include "engine/cpu/x86/fast.h"
#include "engine/cpu/vector/limits.h"

void
pe_kernels_init_avx512 (struct pe_kernels *kernels)
{
  kernels->level = PE_CPU_AVX512;
  set_rows (kernels);
  set_fast (kernels);
  set_dot_wide (kernels);
  set_elements (kernels);
  set_limits (kernels);
}
