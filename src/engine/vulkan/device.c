/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/device.h"

#include "base/alloc.h"
#include "engine/cpu/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PHYSICAL 16
#define MIB          (1024 * 1024ull)

/* Without VK_EXT_memory_budget this share of a heap counts as available. */
#define UNBUDGETED_PERCENT 85

/* A wait longer than this means that the driver hangs. */
#define WAIT_NANOSECONDS 60000000000ull

/* ---- instance ---- */

static bool
make_instance (struct pe_vk *vk, VkInstance *out, struct pe_error *error)
{
  uint32_t version = 0;
  VkResult r = PE_VK (vk, EnumerateInstanceVersion, &version);
  if (r != VK_SUCCESS || version < VK_API_VERSION_1_2)
    return pe_fail (error, PE_ERROR_UNSUPPORTED, "the Vulkan library is older than 1.2");
  const VkApplicationInfo app = {
    .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
    .pApplicationName = "Parley",
    .apiVersion = VK_API_VERSION_1_2,
  };
  const VkInstanceCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
    .pApplicationInfo = &app,
  };
  r = PE_VK (vk, CreateInstance, &info, NULL, out);
  if (r == VK_ERROR_INCOMPATIBLE_DRIVER)
    return pe_fail (error, PE_ERROR_UNSUPPORTED, "no Vulkan driver is installed");
  if (r != VK_SUCCESS)
    return pe_vk_error (error, r, "starting Vulkan");
  return pe_vk_load_instance (vk, *out, error);
}

static uint32_t
physical_devices (struct pe_vk *vk, VkInstance instance, VkPhysicalDevice out[MAX_PHYSICAL])
{
  uint32_t n = MAX_PHYSICAL;
  VkResult r = PE_VK (vk, EnumeratePhysicalDevices, instance, &n, out);
  return r == VK_SUCCESS || r == VK_INCOMPLETE ? n : 0;
}

/* ---- what a device can do ---- */

struct features {
  VkPhysicalDeviceFeatures2 core;
  VkPhysicalDeviceVulkan11Features v11;
  VkPhysicalDeviceVulkan12Features v12;
};

static void
link_features (struct features *f)
{
  memset (f, 0, sizeof *f);
  f->core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  f->v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  f->v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  f->core.pNext = &f->v11;
  f->v11.pNext = &f->v12;
}

/* What every kernel needs; NULL when the device has it all. */
static const char *
missing_feature (const struct features *f, const VkPhysicalDeviceSubgroupProperties *subgroup)
{
  const VkSubgroupFeatureFlags operations =
      VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
  return !f->core.features.shaderInt64                                ? "64-bit integers"
         : !f->core.features.shaderInt16                              ? "16-bit integers"
         : !f->v11.storageBuffer16BitAccess                           ? "16-bit storage"
         : !f->v12.storageBuffer8BitAccess                            ? "8-bit storage"
         : !f->v12.shaderFloat16                                      ? "half-precision floats"
         : !f->v12.shaderInt8                                         ? "8-bit integers"
         : !f->v12.bufferDeviceAddress                                ? "buffer device addresses"
         : !f->v12.scalarBlockLayout                                  ? "scalar block layout"
         : !f->v12.timelineSemaphore                                  ? "timeline semaphores"
         : subgroup->subgroupSize < 8                                 ? "subgroups of eight or more"
         : (subgroup->supportedOperations & operations) != operations ? "subgroup arithmetic"
                                                                      : NULL;
}

static bool
has_extension (struct pe_vk *vk, VkPhysicalDevice physical, const char *name)
{
  uint32_t n = 0;
  if (PE_VK (vk, EnumerateDeviceExtensionProperties, physical, NULL, &n, NULL) != VK_SUCCESS)
    return false;
  VkExtensionProperties *list = pe_calloc (n, sizeof *list);
  if (!list)
    return false;
  bool found = false;
  VkResult r = PE_VK (vk, EnumerateDeviceExtensionProperties, physical, NULL, &n, list);
  if (r == VK_SUCCESS || r == VK_INCOMPLETE)
    for (uint32_t i = 0; i < n && !found; i++)
      found = strncmp (list[i].extensionName, name, sizeof list[i].extensionName) == 0;
  pe_free (list);
  return found;
}

static bool
compute_family (struct pe_vk *vk, VkPhysicalDevice physical, uint32_t *out)
{
  VkQueueFamilyProperties families[16];
  uint32_t n = 16;
  vk->GetPhysicalDeviceQueueFamilyProperties (physical, &n, families);
  for (uint32_t i = 0; i < n; i++)
    if (families[i].queueCount && (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)) {
      *out = i;
      return true;
    }
  return false;
}

static uint64_t
most (uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static uint64_t
least (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* A discrete card's own memory is its largest device-local heap: the small window through which
 * the host sees it is a second heap of the same memory. A device that shares the RAM takes from
 * any heap, and never more than the system has left. */
static void
measure_heaps (struct pe_vk *vk, VkPhysicalDevice physical, bool has_budget,
               struct pe_device_info *info)
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
  for (uint32_t i = 0; i < m->memoryHeapCount; i++) {
    uint64_t size = m->memoryHeaps[i].size;
    uint64_t available = size / 100 * UNBUDGETED_PERCENT;
    if (has_budget) {
      uint64_t limit = least (budget.heapBudget[i], size);
      available = limit > budget.heapUsage[i] ? limit - budget.heapUsage[i] : 0;
    }
    bool local = m->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
    if (info->kind != PE_DEVICE_DISCRETE) {
      info->memory_total += size;
      info->memory_available += available;
    } else if (local && size > info->memory_total) {
      info->memory_total = size;
      info->memory_available = available;
    }
  }
  info->memory_is_budget = has_budget;
  if (info->kind != PE_DEVICE_DISCRETE) {
    struct pe_device_info cpu;
    pe_cpu_device_info (&cpu);
    if (cpu.memory_total) {
      info->memory_total = least (info->memory_total, cpu.memory_total);
      info->memory_available = least (info->memory_available, cpu.memory_available);
    }
  }
}

static void
describe (struct pe_vk *vk, VkPhysicalDevice physical, struct pe_device_info *info,
          const char **missing)
{
  memset (info, 0, sizeof *info);
  VkPhysicalDeviceSubgroupProperties subgroup = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
  };
  VkPhysicalDeviceMaintenance3Properties limits = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
    .pNext = &subgroup,
  };
  VkPhysicalDeviceDriverProperties driver = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
    .pNext = &limits,
  };
  VkPhysicalDeviceIDProperties ids = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES,
    .pNext = &driver,
  };
  VkPhysicalDeviceProperties2 properties = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
    .pNext = &ids,
  };
  vk->GetPhysicalDeviceProperties2 (physical, &properties);
  const VkPhysicalDeviceProperties *p = &properties.properties;

  for (size_t i = 0; i < VK_UUID_SIZE; i++)
    snprintf (info->id + 2 * i, 3, "%02x", ids.deviceUUID[i]);
  snprintf (info->name, sizeof info->name, "%.127s", p->deviceName);
  snprintf (info->driver, sizeof info->driver, "%.60s %.60s", driver.driverName, driver.driverInfo);
  info->kind = p->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU              ? PE_DEVICE_SOFTWARE
               : p->deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ? PE_DEVICE_INTEGRATED
                                                                         : PE_DEVICE_DISCRETE;
  info->max_allocation = limits.maxMemoryAllocationSize;
  info->shared_memory_bytes = p->limits.maxComputeSharedMemorySize;
  info->subgroup_size = subgroup.subgroupSize;

  struct features f;
  link_features (&f);
  uint32_t family;
  if (p->apiVersion < VK_API_VERSION_1_2) {
    *missing = "Vulkan 1.2";
    return;
  }
  vk->GetPhysicalDeviceFeatures2 (physical, &f.core);
  *missing = missing_feature (&f, &subgroup);
  if (!*missing && !compute_family (vk, physical, &family))
    *missing = "a compute queue";
  info->has_f16 = f.v12.shaderFloat16;
  info->has_timeline = f.v12.timelineSemaphore;
  info->has_int8_dot = has_extension (vk, physical, "VK_KHR_shader_integer_dot_product");
  info->has_cooperative_matrix = has_extension (vk, physical, "VK_KHR_cooperative_matrix");
  measure_heaps (vk, physical, has_extension (vk, physical, "VK_EXT_memory_budget"), info);
}

/* ---- one device, opened ---- */

static bool
make_device (struct pe_gpu *gpu, struct pe_error *error)
{
  struct features f;
  link_features (&f);
  f.core.features.shaderInt64 = VK_TRUE;
  f.core.features.shaderInt16 = VK_TRUE;
  f.v11.storageBuffer16BitAccess = VK_TRUE;
  f.v12.storageBuffer8BitAccess = VK_TRUE;
  f.v12.shaderFloat16 = VK_TRUE;
  f.v12.shaderInt8 = VK_TRUE;
  f.v12.bufferDeviceAddress = VK_TRUE;
  f.v12.scalarBlockLayout = VK_TRUE;
  f.v12.timelineSemaphore = VK_TRUE;
  if (!compute_family (&gpu->vk, gpu->physical, &gpu->queue_family))
    return pe_fail (error, PE_ERROR_UNSUPPORTED, "%s has no compute queue", gpu->info.name);
  const float priority = 0.5f;
  const VkDeviceQueueCreateInfo queue = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
    .queueFamilyIndex = gpu->queue_family,
    .queueCount = 1,
    .pQueuePriorities = &priority,
  };
  const VkDeviceCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .pNext = &f.core,
    .queueCreateInfoCount = 1,
    .pQueueCreateInfos = &queue,
  };
  VkResult r = PE_VK (&gpu->vk, CreateDevice, gpu->physical, &info, NULL, &gpu->device);
  if (r != VK_SUCCESS)
    return pe_vk_error (error, r, "opening the device");
  if (!pe_vk_load_device (&gpu->vk, gpu->device, error))
    return false;
  gpu->vk.GetDeviceQueue (gpu->device, gpu->queue_family, 0, &gpu->queue);

  const VkSemaphoreTypeCreateInfo type = {
    .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
    .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
  };
  const VkSemaphoreCreateInfo semaphore = {
    .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
    .pNext = &type,
  };
  r = PE_VK (&gpu->vk, CreateSemaphore, gpu->device, &semaphore, NULL, &gpu->timeline);
  return r == VK_SUCCESS || pe_vk_error (error, r, "making a semaphore");
}

/* The granularity of buffer sizes on this driver, found by asking for odd ones. */
static bool
probe_alignment (struct pe_gpu *gpu, struct pe_error *error)
{
  static const uint64_t sizes[] = { 1, 4097, 3 * MIB + 1 };
  uint64_t alignment = 256;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = sizes[i],
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
               VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
    };
    VkBuffer buffer;
    VkResult r = PE_VK (&gpu->vk, CreateBuffer, gpu->device, &info, NULL, &buffer);
    if (r != VK_SUCCESS)
      return pe_vk_error (error, r, "making a buffer");
    VkMemoryRequirements needs;
    gpu->vk.GetBufferMemoryRequirements (gpu->device, buffer, &needs);
    gpu->vk.DestroyBuffer (gpu->device, buffer, NULL);
    alignment = most (alignment, needs.alignment);
    alignment = most (alignment, needs.size & (~needs.size + 1)); /* its lowest set bit */
  }
  gpu->info.allocation_alignment = least (alignment, 2 * MIB);
  return true;
}

static bool
open_physical (struct pe_gpu *gpu, struct pe_error *error)
{
  VkPhysicalDeviceMemoryProperties2 memory = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
  };
  gpu->vk.GetPhysicalDeviceMemoryProperties2 (gpu->physical, &memory);
  gpu->memory = memory.memoryProperties;
  return make_device (gpu, error) && probe_alignment (gpu, error);
}

bool
pe_gpu_open (const char *id, struct pe_gpu *gpu, struct pe_error *error)
{
  memset (gpu, 0, sizeof *gpu);
  VkPhysicalDevice list[MAX_PHYSICAL];
  if (!pe_vk_open (&gpu->vk, error) || !make_instance (&gpu->vk, &gpu->instance, error)) {
    pe_gpu_close (gpu);
    return false;
  }
  uint32_t n = physical_devices (&gpu->vk, gpu->instance, list);
  for (uint32_t i = 0; i < n; i++) {
    const char *missing;
    describe (&gpu->vk, list[i], &gpu->info, &missing);
    if (missing || strcmp (gpu->info.id, id) != 0)
      continue;
    gpu->physical = list[i];
    if (open_physical (gpu, error))
      return true;
    pe_gpu_close (gpu);
    return false;
  }
  pe_gpu_close (gpu);
  return pe_fail (error, PE_ERROR_UNSUPPORTED, "the graphics device %s is not there any more", id);
}

void
pe_gpu_close (struct pe_gpu *gpu)
{
  /* Straight from the table: giving back must work after a failure, injected or not. */
  if (gpu->device && gpu->vk.DeviceWaitIdle) {
    gpu->vk.DeviceWaitIdle (gpu->device);
    gpu->vk.DestroySemaphore (gpu->device, gpu->timeline, NULL);
    gpu->vk.DestroyDevice (gpu->device, NULL);
  }
  if (gpu->instance && gpu->vk.DestroyInstance)
    gpu->vk.DestroyInstance (gpu->instance, NULL);
  pe_vk_close (&gpu->vk);
  memset (gpu, 0, sizeof *gpu);
}

bool
pe_gpu_submit (struct pe_gpu *gpu, VkCommandBuffer commands, struct pe_error *error)
{
  uint64_t value = gpu->submitted + 1;
  const VkTimelineSemaphoreSubmitInfo values = {
    .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
    .signalSemaphoreValueCount = 1,
    .pSignalSemaphoreValues = &value,
  };
  const VkSubmitInfo submit = {
    .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
    .pNext = &values,
    .commandBufferCount = 1,
    .pCommandBuffers = &commands,
    .signalSemaphoreCount = 1,
    .pSignalSemaphores = &gpu->timeline,
  };
  VkResult r = PE_VK (&gpu->vk, QueueSubmit, gpu->queue, 1, &submit, VK_NULL_HANDLE);
  if (r != VK_SUCCESS)
    return pe_vk_error (error, r, "handing work to it");
  gpu->submitted = value;
  gpu->n_submits++;
  return true;
}

bool
pe_gpu_wait (struct pe_gpu *gpu, uint64_t value, struct pe_error *error)
{
  const VkSemaphoreWaitInfo info = {
    .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
    .semaphoreCount = 1,
    .pSemaphores = &gpu->timeline,
    .pValues = &value,
  };
  VkResult r = PE_VK (&gpu->vk, WaitSemaphores, gpu->device, &info, WAIT_NANOSECONDS);
  if (r == VK_SUCCESS)
    return true;
  /* A driver that hangs is as good as lost. */
  if (r == VK_TIMEOUT) {
    gpu->vk.lost = true;
    r = VK_ERROR_DEVICE_LOST;
  }
  return pe_vk_error (error, r, "waiting for it");
}

/* ---- listing ---- */

static bool
is_wanted (const char *wanted, uint32_t index, const struct pe_device_info *info,
           bool include_software)
{
  if (!wanted || !*wanted)
    return include_software || info->kind != PE_DEVICE_SOFTWARE;
  char *end;
  unsigned long number = strtoul (wanted, &end, 10);
  if (*end == '\0' && end - wanted < 4)
    return number == index;
  return strcasecmp (wanted, info->id) == 0;
}

static bool
is_listed (const struct pe_device_info *devices, size_t n, const char *id)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp (devices[i].id, id) == 0)
      return true;
  return false;
}

size_t
pe_vk_list_devices (struct pe_device_info *devices, size_t capacity, bool include_software,
                    char *why)
{
  const char *wanted = getenv ("PARLEY_VULKAN_DEVICE");
  if (wanted && strcmp (wanted, "none") == 0) {
    snprintf (why, 256, "PARLEY_VULKAN_DEVICE=none hides all graphics devices");
    return 0;
  }
  struct pe_gpu gpu = { 0 };
  struct pe_error error;
  if (!pe_vk_open (&gpu.vk, &error) || !make_instance (&gpu.vk, &gpu.instance, &error)) {
    snprintf (why, 256, "%.250s", error.message);
    pe_gpu_close (&gpu);
    return 0;
  }
  snprintf (why, 256, "no graphics device with a Vulkan driver was found");
  VkPhysicalDevice list[MAX_PHYSICAL];
  uint32_t n_physical = physical_devices (&gpu.vk, gpu.instance, list);
  size_t n = 0;
  for (uint32_t i = 0; i < n_physical && n < capacity; i++) {
    const char *missing;
    describe (&gpu.vk, list[i], &gpu.info, &missing);
    if (!is_wanted (wanted, i, &gpu.info, include_software))
      continue;
    if (missing) {
      snprintf (why, 256, "%.120s cannot be used: it has no %s", gpu.info.name, missing);
      continue;
    }
    if (is_listed (devices, n, gpu.info.id))
      continue;
    gpu.physical = list[i];
    if (open_physical (&gpu, &error))
      devices[n++] = gpu.info;
    else
      snprintf (why, 256, "%.100s cannot be used: %.120s", gpu.info.name, error.message);
    if (gpu.device && gpu.vk.DestroyDevice) {
      gpu.vk.DestroySemaphore (gpu.device, gpu.timeline, NULL);
      gpu.vk.DestroyDevice (gpu.device, NULL);
    }
    gpu.device = VK_NULL_HANDLE;
    gpu.timeline = VK_NULL_HANDLE;
    gpu.vk.lost = false;
  }
  pe_gpu_close (&gpu);
  return n;
}
