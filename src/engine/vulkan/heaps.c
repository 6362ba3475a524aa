/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much memory a device has and how much of it is for this program. With VK_EXT_memory_budget
 * the driver says so, counting what others use; without, a share of the heap is taken for granted.
 */
#include "engine/heaps.h"

#include "engine/cpu/device.h"
#include "engine/vulkan/device.h"

#include <string.h>

static uint32_t
read_heaps (struct pe_vk *vk, VkPhysicalDevice physical, bool has_budget,
            struct pe_heap heaps[PE_MAX_HEAPS])
{
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
  };
  VkPhysicalDeviceMemoryProperties2 memory = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
    .pNext = has_budget ? &budget : NULL,
  };
  vk->GetPhysicalDeviceMemoryProperties2 (physical, &memory);
  const VkPhysicalDeviceMemoryProperties *m = &memory.memoryProperties;
  uint32_t n = m->memoryHeapCount < PE_MAX_HEAPS ? m->memoryHeapCount : PE_MAX_HEAPS;
  for (uint32_t i = 0; i < n; i++)
    heaps[i] = (struct pe_heap){
      .size = m->memoryHeaps[i].size,
      .budget = has_budget ? budget.heapBudget[i] : 0,
      .usage = has_budget ? budget.heapUsage[i] : 0,
      .device_local = m->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT,
    };
  for (uint32_t i = 0; i < m->memoryTypeCount && i < VK_MAX_MEMORY_TYPES; i++)
    if (m->memoryTypes[i].heapIndex < n)
      heaps[m->memoryTypes[i].heapIndex].host_visible |=
          (m->memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0;
  return n;
}

/* Read twice: some drivers' budgets differ from call to call. */
void
pe_gpu_measure_heaps (struct pe_vk *vk, VkPhysicalDevice physical, bool has_budget,
                      struct pe_device_info *info)
{
  struct pe_heap later[PE_MAX_HEAPS];
  struct pe_device_info cpu;
  info->n_heaps = read_heaps (vk, physical, has_budget, info->heaps);
  pe_heaps_merge (info, later, read_heaps (vk, physical, has_budget, later));
  pe_cpu_device_info (&cpu);
  pe_heaps_judge (info, cpu.memory_total, cpu.memory_available);
}

bool
pe_gpu_memory_left (struct pe_gpu *gpu, int64_t *out)
{
  uint64_t limit = pe_vk_test_budget (), used = 0;
  if (limit)
    for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++)
      used += gpu->bytes[k];
  else if (gpu->info.memory_is_budget) {
    struct pe_device_info now = { .kind = gpu->info.kind };
    now.n_heaps = read_heaps (&gpu->vk, gpu->physical, true, now.heaps);
    pe_heaps_sum (&now, &limit, &used);
  } else
    return false;
  *out = (int64_t) limit - (int64_t) used;
  return true;
}
