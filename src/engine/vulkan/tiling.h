/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How kernels that multiply matrices share their work out: constants of shaders/matmul.comp,
 * matmul_dot.comp, matmul_coop.comp and matvec.comp.
 */
#pragma once

#include "engine/vulkan/device.h"

/* Of products of many rows. A workgroup makes tile_m rows of the batch times tile_n of the matrix.
 */
struct pe_gpu_tiling {
  uint32_t size; /* of a workgroup */
  uint32_t tile_m, tile_n;
  /* Of cooperative matrices only: subgroups along both, elements of a row in a step, steps in
   * shared memory. */
  uint32_t grid_m, grid_n, step, buffers;
};

/* Of a matrix times few rows: a workgroup makes `rows` elements of each (of both matrices of a
 * pair). */
struct pe_gpu_share {
  uint32_t size, rows;
};

/* For n_rows of k elements. */
struct pe_gpu_share pe_gpu_choose_share (const struct pe_gpu *gpu, uint32_t k, uint32_t n_rows,
                                         bool pair);

#define PE_GPU_TILING_CONSTANTS 11

/* For n_rows times a matrix of n rows; `fragments`: with cooperative matrices, which the device
 * has. */
struct pe_gpu_tiling pe_gpu_choose_tiling (const struct pe_gpu *gpu, bool fragments, uint32_t n,
                                           uint32_t n_rows);

/* Fills in the constants and returns how many there are. */
uint32_t pe_gpu_tiling_constants (const struct pe_gpu *gpu, const struct pe_gpu_tiling *t,
                                  uint32_t flags, uint32_t out[PE_GPU_TILING_CONSTANTS]);

/* Workgroups for one matrix. */
uint64_t pe_gpu_tiles (const struct pe_gpu_tiling *t, uint32_t n, uint32_t n_rows);
