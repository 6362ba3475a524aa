/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Vulkan devices: what there is, as plain pe_device_info, and one opened for computing.
 */
#pragma once

#include "engine/plan.h"
#include "engine/vulkan/loader.h"

/* Appends those that can run the engine to devices[0 … capacity); returns how many. See
 * pe_devices_list() for what is left out; *why (256 bytes) is set when nothing is found. */
size_t pe_vk_list_devices (struct pe_device_info *devices, size_t capacity, bool include_software,
                           char *why);

/* Fills read_rate, transfer_rate and matmul_rate; takes some 300 MiB of the device meanwhile. */
bool pe_vk_device_measure (struct pe_device_info *info, struct pe_error *error);

struct pe_gpu {
  struct pe_vk vk;
  VkInstance instance;
  VkPhysicalDevice physical;
  VkDevice device;
  VkQueue queue;
  uint32_t queue_family;
  VkPhysicalDeviceMemoryProperties memory;
  struct pe_device_info info;
  VkSemaphore timeline;
  uint64_t submitted;                   /* value of the timeline that the last submit signals */
  uint64_t bytes[PE_MEMORY_KIND_COUNT]; /* taken from the driver and not given back */
  uint64_t n_submits;
};

/* Opens the device with this id (pe_device_info). PE_ERROR_UNSUPPORTED: it is gone. On failure
 * nothing is left behind. */
bool pe_gpu_open (const char *id, struct pe_gpu *gpu, struct pe_error *error);
void pe_gpu_close (struct pe_gpu *gpu); /* waits for all work; a zeroed one is fine */

/* Submits one recorded command buffer, in order behind all others. */
bool pe_gpu_submit (struct pe_gpu *gpu, VkCommandBuffer commands, struct pe_error *error);
/* Waits until the submit that made gpu->submitted `value` is done. */
bool pe_gpu_wait (struct pe_gpu *gpu, uint64_t value, struct pe_error *error);
