/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AVX-VNNI beside AVX2: four products and their sum in one instruction.
 */
#define FAST_MR 8 /* fewer sums would wait for each other */

#include "engine/cpu/x86/vector-256.h"

#include "engine/cpu/x86/codes.h"
#include "engine/cpu/vector/rows.h"

#include <stdbool.h>

/* The instruction multiplies unsigned codes: negative ones are raised by 128. */
#define PREPARE_CODES(c) _mm256_xor_si256 (c, _mm256_set1_epi8 (-128))
#define CODE_OFFSET      128

INLINE __m256i
dot_bytes (__m256i codes, __m256i x, bool signed_codes)
{
  return _mm256_dpbusd_avx_epi32 (_mm256_setzero_si256 (), codes, x);
}

INLINE vi
dot_bytes_add (vi sum, vi codes, vi x, bool signed_codes)
{
  return _mm256_dpbusd_avx_epi32 (sum, codes, x);
}

#include "engine/cpu/x86/fast.h"

void
pe_kernels_init_avxvnni (struct pe_kernels *kernels)
{
  kernels->level = PE_CPU_AVXVNNI;
  set_fast (kernels);
}
