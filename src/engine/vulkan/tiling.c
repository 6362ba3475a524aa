/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/tiling.h"

static uint32_t
shared_bytes (const struct pe_gpu *gpu, const struct pe_gpu_tiling *t)
{
  const uint32_t *fragment = gpu->tiers.fragment;
  return t->buffers * (t->tile_m + t->tile_n) * (t->step / 8 + 1) * 16 +
         t->grid_m * t->grid_n * fragment[0] * fragment[1] * 4;
}

struct pe_gpu_tiling
pe_gpu_choose_tiling (const struct pe_gpu *gpu, bool fragments, uint32_t n, uint32_t n_rows)
{
  if (!fragments)
    return (struct pe_gpu_tiling){ .size = 128, .tile_m = 64, .tile_n = 64 };
  uint32_t subgroup = gpu->tiers.subgroup_size;
  struct pe_gpu_tiling t = {
    .tile_m = 64, .tile_n = 64, .grid_m = 2, .grid_n = 2, .step = 32, .buffers = 2
  };
  /* Tiles are large where there are enough of them to fill the device; software devices, whose
   * fragments are small, would compile for minutes. Long steps in one buffer beat short ones in two
   * there: 152 against 130 TFLOP/s on the one card that was measured. */
  bool software = gpu->info.kind == PE_DEVICE_SOFTWARE;
  uint64_t large = ((uint64_t) n + 127) / 128 * ((n_rows + 127) / 128);
  if (subgroup > 32 || (!software && large >= 96 && n_rows > 64)) {
    t.tile_m = t.tile_n = 128;
    t.grid_n = subgroup > 32 ? 2 : 4;
    t.step = 64;
    t.buffers = 1;
  }
  t.size = subgroup * t.grid_m * t.grid_n;
  if (shared_bytes (gpu, &t) > gpu->info.shared_memory_bytes) {
    t.step = 32;
    t.buffers = 1;
  }
  return t;
}

uint32_t
pe_gpu_tiling_constants (const struct pe_gpu *gpu, const struct pe_gpu_tiling *t, uint32_t flags,
                         uint32_t out[PE_GPU_TILING_CONSTANTS])
{
  const uint32_t *fragment = gpu->tiers.fragment;
  uint32_t n = 0;
  out[n++] = t->size;
  out[n++] = flags;
  if (!t->grid_m)
    return n;
  out[n++] = t->tile_m;
  out[n++] = t->tile_n;
  out[n++] = fragment[0];
  out[n++] = fragment[1];
  out[n++] = fragment[2];
  out[n++] = t->grid_m;
  out[n++] = t->grid_n;
  out[n++] = t->step;
  out[n++] = t->buffers;
  return n;
}

uint64_t
pe_gpu_tiles (const struct pe_gpu_tiling *t, uint32_t n, uint32_t n_rows)
{
  return ((uint64_t) n + t->tile_n - 1) / t->tile_n * ((n_rows + t->tile_m - 1) / t->tile_m);
}

struct pe_gpu_share
pe_gpu_choose_share (const struct pe_gpu *gpu, uint32_t k, uint32_t n_rows, bool pair)
{
  /* Software devices run a workgroup's subgroups one after another: the smallest is the quickest.
   */
  if (gpu->info.kind == PE_DEVICE_SOFTWARE)
    return (struct pe_gpu_share){ gpu->info.subgroup_size, pair || n_rows > 4 ? 1 : 2 };
  uint32_t rows = n_rows > 4 ? 1 : n_rows > 1 ? 2 : 4;
  return (struct pe_gpu_share){ k > 8192 ? 256 : 128, pair && rows > 1 ? rows / 2 : rows };
}
