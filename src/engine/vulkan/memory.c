/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/memory.h"

#include "base/log.h"

#include <string.h>

/* Properties to look for, best first; ends with 0. Coherent memory only: nothing is flushed. */
static const VkMemoryPropertyFlags preferences[][4] = {
  [PE_GPU_LOCAL] = { VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT },
  [PE_GPU_TABLE] = { VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                         VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                     VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT },
  [PE_GPU_HOST] = { VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                        VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT },
};

static VkResult
allocate_from (struct pe_gpu *gpu, uint32_t type, uint64_t bytes, VkDeviceMemory *out)
{
  const VkMemoryAllocateFlagsInfo flags = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
    .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
  };
  const VkMemoryAllocateInfo info = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
    .pNext = &flags,
    .allocationSize = bytes,
    .memoryTypeIndex = type,
  };
  return PE_VK (&gpu->vk, AllocateMemory, gpu->device, &info, NULL, out);
}

/* Tries the types in order of preference. A device that shares the RAM may take from any heap;
 * one with its own memory must not spill into the host's, where it would crawl. */
static VkResult
allocate (struct pe_gpu *gpu, const VkMemoryRequirements *needs, enum pe_gpu_place place,
          VkDeviceMemory *out)
{
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  bool any_heap = place == PE_GPU_LOCAL && gpu->info.kind != PE_DEVICE_DISCRETE;
  uint32_t tried = 0;
  for (int i = 0; i < 4; i++) {
    VkMemoryPropertyFlags want = preferences[place][i];
    if (want == 0 && !any_heap)
      break;
    for (uint32_t type = 0; type < gpu->memory.memoryTypeCount; type++) {
      VkMemoryPropertyFlags has = gpu->memory.memoryTypes[type].propertyFlags;
      uint64_t heap = gpu->memory.memoryHeaps[gpu->memory.memoryTypes[type].heapIndex].size;
      bool odd = has & (VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
                        VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD);
      if (!(needs->memoryTypeBits & 1u << type) || (tried & 1u << type) || odd ||
          (has & want) != want || needs->size > heap)
        continue;
      tried |= 1u << type;
      result = allocate_from (gpu, type, needs->size, out);
      if (result != VK_ERROR_OUT_OF_DEVICE_MEMORY && result != VK_ERROR_OUT_OF_HOST_MEMORY)
        return result;
    }
    if (want == 0)
      break;
  }
  return result;
}

bool
pe_gpu_take (struct pe_gpu *gpu, const struct pe_allocation *a, enum pe_gpu_place place,
             struct pe_gpu_buffer *out, struct pe_error *error)
{
  memset (out, 0, sizeof *out);
  uint32_t families[2];
  const VkBufferCreateInfo info = pe_gpu_buffer_info (gpu, a->bytes, families);
  VkResult r = PE_VK (&gpu->vk, CreateBuffer, gpu->device, &info, NULL, &out->buffer);
  if (r != VK_SUCCESS) {
    out->buffer = VK_NULL_HANDLE;
    return pe_vk_error (error, r, "making a buffer");
  }
  VkMemoryRequirements needs;
  gpu->vk.GetBufferMemoryRequirements (gpu->device, out->buffer, &needs);
  if (needs.size != a->bytes)
    pe_log (PE_LOG_WARNING, "the driver takes %llu bytes for a buffer planned with %llu",
            (unsigned long long) needs.size, (unsigned long long) a->bytes);
  r = allocate (gpu, &needs, place, &out->memory);
  if (r != VK_SUCCESS) {
    out->memory = VK_NULL_HANDLE;
    pe_gpu_give (gpu, out);
    return pe_vk_error (error, r, "taking memory");
  }
  out->bytes = a->bytes;
  out->taken = needs.size;
  out->kind = a->kind;
  gpu->bytes[a->kind] += needs.size;
  r = PE_VK (&gpu->vk, BindBufferMemory, gpu->device, out->buffer, out->memory, 0);
  if (r == VK_SUCCESS && place != PE_GPU_LOCAL)
    r = PE_VK (&gpu->vk, MapMemory, gpu->device, out->memory, 0, VK_WHOLE_SIZE, 0,
               (void **) &out->mapped);
  if (r != VK_SUCCESS) {
    pe_gpu_give (gpu, out);
    return pe_vk_error (error, r, "taking memory");
  }
  const VkBufferDeviceAddressInfo address = {
    .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
    .buffer = out->buffer,
  };
  out->address = gpu->vk.GetBufferDeviceAddress (gpu->device, &address);
  return true;
}

void
pe_gpu_give (struct pe_gpu *gpu, struct pe_gpu_buffer *buffer)
{
  if (buffer->buffer)
    gpu->vk.DestroyBuffer (gpu->device, buffer->buffer, NULL);
  if (buffer->memory)
    gpu->vk.FreeMemory (gpu->device, buffer->memory, NULL);
  gpu->bytes[buffer->kind] -= buffer->taken;
  memset (buffer, 0, sizeof *buffer);
}
