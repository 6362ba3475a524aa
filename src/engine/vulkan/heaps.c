/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much memory a device has and how much of it is for this program. With VK_EXT_memory_budget
 * the driver says so, counting what others use; without, a share of the heap is taken for granted.
 */
#include "engine/cpu/device.h"
#include "engine/vulkan/device.h"

#include <string.h>

/* Without VK_EXT_memory_budget this share of a heap counts as available. */
#define UNBUDGETED_PERCENT 85

static uint64_t
least (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

struct heaps {
  uint64_t total, budget, used;
};

/* A discrete card's own memory is its largest device-local heap: the small window through which
 * the host sees it is a second heap of the same memory. A device that shares the RAM takes from
 * any heap. Budgets are clamped: some drivers name more than there is. */
static void
read_heaps (struct pe_vk *vk, VkPhysicalDevice physical, bool has_budget, enum pe_device_kind kind,
            struct heaps *out)
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
  memset (out, 0, sizeof *out);
  for (uint32_t i = 0; i < m->memoryHeapCount; i++) {
    struct heaps one = { .total = m->memoryHeaps[i].size };
    one.budget =
        has_budget ? least (budget.heapBudget[i], one.total) : one.total / 100 * UNBUDGETED_PERCENT;
    one.used = has_budget ? budget.heapUsage[i] : 0;
    bool local = m->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
    if (kind != PE_DEVICE_DISCRETE) {
      out->total += one.total;
      out->budget += one.budget;
      out->used += one.used;
    } else if (local && one.total > out->total)
      *out = one;
  }
}

void
pe_gpu_measure_heaps (struct pe_vk *vk, VkPhysicalDevice physical, bool has_budget,
                      struct pe_device_info *info)
{
  struct heaps heaps;
  read_heaps (vk, physical, has_budget, info->kind, &heaps);
  info->memory_total = heaps.total;
  info->memory_available = heaps.budget > heaps.used ? heaps.budget - heaps.used : 0;
  info->memory_is_budget = has_budget;
  /* What shares the RAM gets no more than the system has left. */
  if (info->kind != PE_DEVICE_DISCRETE) {
    struct pe_device_info cpu;
    pe_cpu_device_info (&cpu);
    if (cpu.memory_total) {
      info->memory_total = least (info->memory_total, cpu.memory_total);
      info->memory_available = least (info->memory_available, cpu.memory_available);
    }
  }
}

bool
pe_gpu_memory_left (struct pe_gpu *gpu, int64_t *out)
{
  struct heaps heaps = { .budget = pe_vk_test_budget () };
  if (heaps.budget)
    for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++)
      heaps.used += gpu->bytes[k];
  else if (gpu->info.memory_is_budget)
    read_heaps (&gpu->vk, gpu->physical, true, gpu->info.kind, &heaps);
  else
    return false;
  *out = (int64_t) heaps.budget - (int64_t) heaps.used;
  return true;
}
