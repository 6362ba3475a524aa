/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/devices.h"

#include "engine/cpu/device.h"
#include "engine/vulkan/device.h"

#include <stdio.h>

size_t
pe_devices_list (struct pe_device_info *devices, size_t capacity, bool include_software, char *why)
{
  char reason[256] = "";
  if (capacity == 0)
    return 0;
  pe_cpu_device_info (&devices[0]);
  size_t n = 1 + pe_vk_list_devices (devices + 1, capacity - 1, include_software, reason);
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
