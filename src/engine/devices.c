/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/devices.h"

#include "engine/cpu/device.h"
#include "engine/heaps.h"
#include "engine/vulkan/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t
pe_devices_list (struct pe_device_info *devices, size_t capacity, bool include_software, char *why)
{
  char reason[256] = "";
  if (capacity == 0)
    return 0;
  pe_cpu_device_info (&devices[0]);
  size_t n = 1 + pe_vk_list_devices (devices + 1, capacity - 1, include_software, reason);
  const char *budgets = getenv ("PARLEY_BUDGETS");
  for (size_t i = 0; i < n && budgets; i++)
    pe_budget_apply (&devices[i], budgets);
  if (why)
    snprintf (why, 256, "%s", n == 1 ? reason : "");
  return n;
}

bool
pe_device_measure (struct pe_device_info *device, struct pe_error *error)
{
  return device->kind == PE_DEVICE_CPU ? pe_cpu_device_measure (device, error)
                                       : pe_vk_device_measure (device, error);
}

bool
pe_device_copy_rate (const struct pe_device_info *device, double *rate, struct pe_error *error)
{
  if (device->kind == PE_DEVICE_CPU)
    return pe_fail (error, PE_ERROR_ARGUMENT, "only graphics devices are measured by a kernel");
  return pe_vk_device_copy_rate (device, rate, error);
}

void
pe_devices_arm_fault (const char *fault)
{
  static const char budget[] = "budget:";
  const char *at = strchr (fault, '@');
  uint64_t nth = at ? strtoull (at + 1, NULL, 10) : 0;
  if (strncmp (fault, "lost@", 5) == 0)
    pe_vk_fail_at (nth, VK_ERROR_DEVICE_LOST);
  else if (strncmp (fault, "memory@", 7) == 0)
    pe_vk_fail_at (nth, VK_ERROR_OUT_OF_DEVICE_MEMORY);
  else if (at && strncmp (fault, budget, sizeof budget - 1) == 0)
    pe_vk_budget_at (nth, strtoull (fault + sizeof budget - 1, NULL, 10));
}
