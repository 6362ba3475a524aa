/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Buffers of a device: each its own allocation, of exactly the size that the plan gives. Counted
 * here, where they are taken from the driver, independently of the plan.
 */
#pragma once

#include "engine/vulkan/device.h"

enum pe_gpu_place {
  PE_GPU_LOCAL, /* the device's own memory; the host need not see it */
  PE_GPU_TABLE, /* written by the host, read by kernels; device memory if the host sees it */
  PE_GPU_HOST,  /* host memory, quick for the host to read */
};

struct pe_gpu_buffer {
  VkBuffer buffer;
  VkDeviceMemory memory;
  VkDeviceAddress address;
  unsigned char *mapped; /* NULL for PE_GPU_LOCAL */
  uint64_t bytes;        /* as planned */
  uint64_t taken;        /* from the driver */
  enum pe_memory_kind kind;
};

/* PE_ERROR_DEVICE_MEMORY when the device is full. `a` is an allocation of the plan. */
bool pe_gpu_take (struct pe_gpu *gpu, const struct pe_allocation *a, enum pe_gpu_place place,
                  struct pe_gpu_buffer *out, struct pe_error *error);
void pe_gpu_give (struct pe_gpu *gpu, struct pe_gpu_buffer *buffer); /* a zeroed one is fine */
