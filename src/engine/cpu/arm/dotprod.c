/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NEON with dot products: four products of bytes and their sum in one instruction.
 */
#include "engine/cpu/arm/vector-neon.h"

#include <string.h>

#include "engine/cpu/arm/codes.h"
#include "engine/cpu/vector/rows.h"

INLINE vi
dot_16 (vi sum, int8x16_t codes, int8x16_t x)
{
  return vdotq_s32 (sum, codes, x);
}

#define dot_lane(sum, codes, x, lane) vdotq_laneq_s32 (sum, codes, x, lane)

#include "engine/cpu/arm/lanes.h"

#include "engine/cpu/arm/fast.h"

void
pe_kernels_init_dotprod (struct pe_kernels *kernels)
{
  kernels->level = PE_CPU_DOTPROD;
  set_fast (kernels);
}
