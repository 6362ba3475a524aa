/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Vulkan library, opened at run time: its absence is a state, not an error of the program.
 * Every entry point that the engine uses stands in one table; every call that can fail goes
 * through PE_VK(), which remembers a lost device and lets a test make the n-th call fail.
 */
#pragma once

#include "base/error.h"

#include <stdatomic.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

#define PE_VK_GLOBAL_FUNCTIONS(X) X (CreateInstance) X (EnumerateInstanceVersion)

#define PE_VK_INSTANCE_FUNCTIONS(X)                                                                \
  X (DestroyInstance)                                                                              \
  X (EnumeratePhysicalDevices)                                                                     \
  X (GetPhysicalDeviceProperties2)                                                                 \
  X (GetPhysicalDeviceFeatures2)                                                                   \
  X (GetPhysicalDeviceMemoryProperties2)                                                           \
  X (GetPhysicalDeviceQueueFamilyProperties)                                                       \
  X (EnumerateDeviceExtensionProperties)                                                           \
  X (CreateDevice)                                                                                 \
  X (GetDeviceProcAddr)

#define PE_VK_DEVICE_FUNCTIONS(X)                                                                  \
  X (DestroyDevice)                                                                                \
  X (DeviceWaitIdle)                                                                               \
  X (GetDeviceQueue)                                                                               \
  X (AllocateMemory)                                                                               \
  X (FreeMemory)                                                                                   \
  X (MapMemory)                                                                                    \
  X (CreateBuffer)                                                                                 \
  X (DestroyBuffer)                                                                                \
  X (GetBufferMemoryRequirements)                                                                  \
  X (BindBufferMemory)                                                                             \
  X (GetBufferDeviceAddress)                                                                       \
  X (CreateShaderModule)                                                                           \
  X (DestroyShaderModule)                                                                          \
  X (CreatePipelineLayout)                                                                         \
  X (DestroyPipelineLayout)                                                                        \
  X (CreateComputePipelines)                                                                       \
  X (DestroyPipeline)                                                                              \
  X (CreatePipelineCache)                                                                          \
  X (GetPipelineCacheData)                                                                         \
  X (DestroyPipelineCache)                                                                         \
  X (CreateCommandPool)                                                                            \
  X (DestroyCommandPool)                                                                           \
  X (AllocateCommandBuffers)                                                                       \
  X (FreeCommandBuffers)                                                                           \
  X (BeginCommandBuffer)                                                                           \
  X (EndCommandBuffer)                                                                             \
  X (CmdBindPipeline)                                                                              \
  X (CmdPushConstants)                                                                             \
  X (CmdDispatch)                                                                                  \
  X (CmdDispatchIndirect)                                                                          \
  X (CmdPipelineBarrier)                                                                           \
  X (CmdCopyBuffer)                                                                                \
  X (CmdExecuteCommands)                                                                           \
  X (CmdResetQueryPool)                                                                            \
  X (CmdWriteTimestamp)                                                                            \
  X (CreateQueryPool)                                                                              \
  X (DestroyQueryPool)                                                                             \
  X (GetQueryPoolResults)                                                                          \
  X (CreateSemaphore)                                                                              \
  X (DestroySemaphore)                                                                             \
  X (WaitSemaphores)                                                                               \
  X (QueueSubmit)

struct pe_vk {
  void *library;
#define PE_VK_MEMBER(name) PFN_vk##name name;
  PE_VK_GLOBAL_FUNCTIONS (PE_VK_MEMBER)
  PE_VK_INSTANCE_FUNCTIONS (PE_VK_MEMBER)
  PE_VK_DEVICE_FUNCTIONS (PE_VK_MEMBER)
#undef PE_VK_MEMBER
  PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
  atomic_bool
      lost; /* a call said VK_ERROR_DEVICE_LOST: it stays so until the device is made anew */
};

/* PE_ERROR_UNSUPPORTED: there is no Vulkan library here. Loads the global functions. */
bool pe_vk_open (struct pe_vk *vk, struct pe_error *error);
bool pe_vk_load_instance (struct pe_vk *vk, VkInstance instance, struct pe_error *error);
bool pe_vk_load_device (struct pe_vk *vk, VkDevice device, struct pe_error *error);
void pe_vk_close (struct pe_vk *vk); /* of a zeroed table is fine */

/* VkResult of one call: PE_VK (vk, CreateBuffer, device, ...). A call that a test makes fail is not
 * made at all; neither is any call to a device that was lost before. */
#define PE_VK(vk, name, ...)                                                                       \
  pe_vk_note ((vk), pe_vk_fault_is_due (vk) ? pe_vk_fault (vk) : (vk)->name (__VA_ARGS__))

VkResult pe_vk_note (struct pe_vk *vk, VkResult result);
bool pe_vk_fault_is_due (const struct pe_vk *vk);
VkResult pe_vk_fault (const struct pe_vk *vk);

/* Tests: the `nth` call from now on (1 = the next) gives `result` instead of being made; 0: none.
 * A device that was lost this way stays so. Returns how many calls there were since the last
 * time. */
uint64_t pe_vk_fail_at (uint64_t nth, VkResult result);

/* Tests: from the `nth` call on, devices say that `bytes` of their memory are for this program
 * (VK_EXT_memory_budget, had or not); 0 bytes: what they say themselves. */
void pe_vk_budget_at (uint64_t nth, uint64_t bytes);
/* The budget that holds now; 0: the device's own. */
uint64_t pe_vk_test_budget (void);

/* Tests: devices are taken to compute so many operations a second; 0: what they are measured to. */
void pe_vk_rate_at (double operations_per_second);
double pe_vk_test_rate (void);

/* Tests: a turn of waiting for the device lasts so long; 0: as long as it does without. */
void pe_vk_turn_at (uint64_t nanoseconds);
uint64_t pe_vk_test_turn (void);

/* Fills *error for a failed call; returns false. `what` completes "… failed". */
bool pe_vk_error (struct pe_error *error, VkResult result, const char *what);
