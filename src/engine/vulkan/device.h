/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Vulkan devices: what there is, as plain pe_device_info, and one opened for computing.
 */
#pragma once

#include "engine/plan.h"
#include "engine/vulkan/loader.h"
#include "engine/vulkan/tiers.h"

/* Appends those that can run the engine to devices[0 … capacity); returns how many. See
 * pe_devices_list() for what is left out; *why (256 bytes) is set when nothing is found. */
size_t pe_vk_list_devices (struct pe_device_info *devices, size_t capacity, bool include_software,
                           char *why);

/* Fills read_rate, transfer_rate and matmul_rate; takes some 300 MiB of the device meanwhile. */
bool pe_vk_device_measure (struct pe_device_info *info, struct pe_error *error);

/* Bytes read and written a second by a kernel that does nothing else; takes 1 GiB meanwhile. */
bool pe_vk_device_copy_rate (const struct pe_device_info *info, double *rate,
                             struct pe_error *error);

/* A queue and the timeline that its submits signal, each one more than the one before. */
struct pe_gpu_queue {
  VkQueue queue;
  uint32_t family;
  VkSemaphore timeline;
  uint64_t submitted; /* value that the last submit signals */
  uint64_t seen;      /* value of the other queue's timeline that submits here waited for */
};

struct pe_gpu {
  struct pe_vk vk;
  VkInstance instance;
  VkPhysicalDevice physical;
  VkDevice device;
  /* Kernels; and copies, on a family of its own where the device has one, otherwise the same
   * queue. A submit to either waits for all that was submitted to the other before. */
  struct pe_gpu_queue compute, transfer;
  VkPhysicalDeviceMemoryProperties memory;
  struct pe_device_info info;
  struct pe_gpu_tiers tiers;
  uint64_t bytes[PE_MEMORY_KIND_COUNT]; /* taken from the driver and not given back */
  uint64_t n_submits;                   /* of kernels */
  uint64_t stamp_mask; /* valid bits of a time stamp of the compute queue; 0: it has none */
  double stamp_seconds;
};

/* Opens the device with this id (pe_device_info). PE_ERROR_UNSUPPORTED: it is gone. On failure
 * nothing is left behind. */
bool pe_gpu_open (const char *id, struct pe_gpu *gpu, struct pe_error *error);
void pe_gpu_close (struct pe_gpu *gpu); /* waits for all work; a zeroed one is fine */

bool pe_gpu_has_extension (struct pe_vk *vk, VkPhysicalDevice physical, const char *name);

/* Submits one recorded command buffer, in order behind all others. */
bool pe_gpu_submit (struct pe_gpu *gpu, VkCommandBuffer commands, struct pe_error *error);
bool pe_gpu_submit_transfer (struct pe_gpu *gpu, VkCommandBuffer commands, struct pe_error *error);
/* Waits until the submit that made compute.submitted, or transfer.submitted, `value` is done. Any
 * thread may. */
bool pe_gpu_wait (struct pe_gpu *gpu, uint64_t value, struct pe_error *error);
bool pe_gpu_wait_transfer (struct pe_gpu *gpu, uint64_t value, struct pe_error *error);

/* How buffers are created: usage, and the queue families that share them. `families` is kept in
 * the result. */
VkBufferCreateInfo pe_gpu_buffer_info (const struct pe_gpu *gpu, uint64_t bytes,
                                       uint32_t families[2]);

/* ---- heaps.c ---- */

/* Fills memory_total, memory_available and memory_is_budget; info->kind is known. */
void pe_gpu_measure_heaps (struct pe_vk *vk, VkPhysicalDevice physical, bool has_budget,
                           struct pe_device_info *info);
/* Bytes that the device still has for this program, below zero when it has taken more than its
 * share (VK_EXT_memory_budget). False: the device does not say. */
bool pe_gpu_memory_left (struct pe_gpu *gpu, int64_t *out);
