/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compiled kernels between two runs: what drivers give as their pipeline cache, in entries that say
 * whose it is and whether it is whole. Drivers are known to trust their own bytes, so nothing
 * reaches one that is damaged, or another device's or driver version's.
 */
#pragma once

#include "engine/vulkan/device.h"

/* The part of `file` that this device may be given; NULL: none. Points into `file`. */
const void *pe_gpu_cache_find (struct pe_gpu *gpu, const void *file, size_t n_bytes,
                               size_t *n_found);

/* A file with `blob` for this device and what `before` holds for others; pe_free() it. NULL: no
 * memory, or more than PE_GPU_CACHE_MAX. */
void *pe_gpu_cache_store (const struct pe_device_info *device, const void *blob, size_t n_blob,
                          const void *before, size_t n_before, size_t *n_bytes);

#define PE_GPU_CACHE_MAX (64u << 20)
