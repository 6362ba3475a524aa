/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AMX: prompts on tiles of bfloat16; everything else is AVX-512's.
 */
#include <immintrin.h>
#include <stdint.h>

#define tile_configure(config)      _tile_loadconfig (config)
#define tile_release()              _tile_release ()
#define tile_zero(t)                _tile_zero (t)
#define tile_load(t, base, stride)  _tile_loadd (t, base, stride)
#define tile_store(t, base, stride) _tile_stored (t, base, stride)
#define tile_dp(sums, rows, pairs)  _tile_dpbf16ps (sums, rows, pairs)
#define tile_wait()                 __asm__ volatile("" ::: "memory") /* not moved behind loads */

#include "engine/cpu/x86/amx-blocks.h"
#include "engine/cpu/x86/round-512.h"

#include "engine/cpu/x86/gemm-bf16.h"

#define BARE_DEPTH 128 /* four groups of sixteen rows stay in the L1 cache */

static double
bare_bf16 (size_t rounds, void *scratch)
{
  struct bf16_scratch *s = scratch;
  begin_blocks ();
  tile_zero (0);
  tile_zero (1);
  tile_zero (2);
  tile_zero (3);
  for (size_t i = 0; i < rounds; i++)
    add_tiles (BARE_DEPTH, s->panel, 16 * BARE_DEPTH, s->panel + 32 * BARE_DEPTH, 16 * BARE_DEPTH);
  tile_store (0, s->sums, 128);
  end_blocks ();
  return 2.0 * PE_BF16_ROWS * PE_BF16_ROWS * BARE_DEPTH * (double) rounds;
}

void
pe_kernels_init_amx (struct pe_kernels *kernels)
{
  kernels->level = PE_CPU_AMX;
  set_bf16 (kernels);
  kernels->bare_fast = kernels->bare_bf16 = bare_bf16;
}
