/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/device.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_PHYSICAL 16
#define MIB          (1024 * 1024ull)

/* A wait of more turns than this means that the driver hangs. Turns are short because this program
 * may itself have stood still meanwhile, stopped or asleep, which then costs but one. Of a software
 * device only those count in which nothing gets on. */
#define WAIT_NANOSECONDS 1000000000ull
#define WAIT_TURNS       60

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

bool
pe_gpu_has_extension (struct pe_vk *vk, VkPhysicalDevice physical, const char *name)
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

/* The first family that computes, and one for copies that does nothing else: it is served by
 * engines of its own, beside the kernels. Where there is none, the same one. */
static bool
choose_families (struct pe_vk *vk, VkPhysicalDevice physical, uint32_t *compute, uint32_t *transfer)
{
  const VkQueueFlags kernels = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT;
  VkQueueFamilyProperties families[16];
  uint32_t n = 16;
  bool found = false;
  vk->GetPhysicalDeviceQueueFamilyProperties (physical, &n, families);
  for (uint32_t i = 0; i < n && !found; i++)
    if (families[i].queueCount && (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)) {
      *compute = *transfer = i;
      found = true;
    }
  for (uint32_t i = 0; i < n && found; i++)
    if (families[i].queueCount && (families[i].queueFlags & VK_QUEUE_TRANSFER_BIT) &&
        !(families[i].queueFlags & kernels)) {
      *transfer = i;
      break;
    }
  return found;
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
  VkPhysicalDevicePCIBusInfoPropertiesEXT bus = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT,
    .pNext = &driver,
  };
  bool has_bus = pe_gpu_has_extension (vk, physical, "VK_EXT_pci_bus_info");
  VkPhysicalDeviceIDProperties ids = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES,
    .pNext = has_bus ? (void *) &bus : &driver,
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
  if (has_bus)
    snprintf (info->bus, sizeof info->bus, "%04x:%02x:%02x.%x", bus.pciDomain & 0xffff,
              bus.pciBus & 0xff, bus.pciDevice & 0xff, bus.pciFunction & 0xf);
  info->max_allocation = limits.maxMemoryAllocationSize;
  info->shared_memory_bytes = p->limits.maxComputeSharedMemorySize;
  info->subgroup_size = subgroup.subgroupSize;

  struct features f;
  link_features (&f);
  uint32_t compute, transfer;
  if (p->apiVersion < VK_API_VERSION_1_2) {
    *missing = "Vulkan 1.2";
    return;
  }
  vk->GetPhysicalDeviceFeatures2 (physical, &f.core);
  *missing = missing_feature (&f, &subgroup);
  if (!*missing && !choose_families (vk, physical, &compute, &transfer))
    *missing = "a compute queue";
  info->has_f16 = f.v12.shaderFloat16;
  info->has_timeline = f.v12.timelineSemaphore;
  info->has_int8_dot = pe_gpu_has_extension (vk, physical, "VK_KHR_shader_integer_dot_product");
  info->has_cooperative_matrix = pe_gpu_has_extension (vk, physical, "VK_KHR_cooperative_matrix");
  pe_gpu_measure_heaps (vk, physical, pe_gpu_has_extension (vk, physical, "VK_EXT_memory_budget"),
                        info);
}

/* ---- one device, opened ---- */

static bool
open_queue (struct pe_gpu *gpu, struct pe_gpu_queue *queue, struct pe_error *error)
{
  const VkSemaphoreTypeCreateInfo type = {
    .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
    .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
  };
  const VkSemaphoreCreateInfo semaphore = {
    .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
    .pNext = &type,
  };
  gpu->vk.GetDeviceQueue (gpu->device, queue->family, 0, &queue->queue);
  VkResult r = PE_VK (&gpu->vk, CreateSemaphore, gpu->device, &semaphore, NULL, &queue->timeline);
  if (r == VK_SUCCESS)
    return true;
  queue->timeline = VK_NULL_HANDLE;
  return pe_vk_error (error, r, "making a semaphore");
}

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
  if (!choose_families (&gpu->vk, gpu->physical, &gpu->compute.family, &gpu->transfer.family))
    return pe_fail (error, PE_ERROR_UNSUPPORTED, "%s has no compute queue", gpu->info.name);
  pe_gpu_find_tiers (&gpu->vk, gpu->instance, gpu->physical, &gpu->tiers);
  f.v12.vulkanMemoryModel = gpu->tiers.has[PE_SHADER_TIER_COOPERATIVE_MATRIX];
  f.v12.pNext = pe_gpu_chain_tiers (&gpu->tiers, f.v12.pNext);
  const float priority = 0.5f;
  const VkDeviceQueueCreateInfo queues[] = {
    { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = gpu->compute.family,
      .queueCount = 1,
      .pQueuePriorities = &priority },
    { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = gpu->transfer.family,
      .queueCount = 1,
      .pQueuePriorities = &priority },
  };
  const VkDeviceCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .pNext = &f.core,
    .queueCreateInfoCount = gpu->transfer.family == gpu->compute.family ? 1 : 2,
    .pQueueCreateInfos = queues,
    .enabledExtensionCount = gpu->tiers.n_extensions,
    .ppEnabledExtensionNames = gpu->tiers.extensions,
  };
  VkResult r = PE_VK (&gpu->vk, CreateDevice, gpu->physical, &info, NULL, &gpu->device);
  if (r != VK_SUCCESS) {
    gpu->device = VK_NULL_HANDLE;
    return pe_vk_error (error, r, "opening the device");
  }
  return pe_vk_load_device (&gpu->vk, gpu->device, error) &&
         open_queue (gpu, &gpu->compute, error) && open_queue (gpu, &gpu->transfer, error);
}

VkBufferCreateInfo
pe_gpu_buffer_info (const struct pe_gpu *gpu, uint64_t bytes, uint32_t families[2])
{
  bool shared = gpu->transfer.family != gpu->compute.family;
  families[0] = gpu->compute.family;
  families[1] = gpu->transfer.family;
  return (VkBufferCreateInfo){
    .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
    .size = bytes,
    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
             VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
             VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
    .sharingMode = shared ? VK_SHARING_MODE_CONCURRENT : VK_SHARING_MODE_EXCLUSIVE,
    .queueFamilyIndexCount = shared ? 2 : 0,
    .pQueueFamilyIndices = families,
  };
}

/* The granularity of buffer sizes on this driver, found by asking for odd ones. */
static bool
probe_alignment (struct pe_gpu *gpu, struct pe_error *error)
{
  static const uint64_t sizes[] = { 1, 4097, 3 * MIB + 1 };
  uint64_t alignment = 256;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    uint32_t families[2];
    const VkBufferCreateInfo info = pe_gpu_buffer_info (gpu, sizes[i], families);
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

/* Whether the compute queue tells the time. */
static void
find_stamps (struct pe_gpu *gpu)
{
  VkPhysicalDeviceProperties2 properties = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
  };
  VkQueueFamilyProperties families[16];
  uint32_t n = 16;
  gpu->vk.GetPhysicalDeviceProperties2 (gpu->physical, &properties);
  gpu->vk.GetPhysicalDeviceQueueFamilyProperties (gpu->physical, &n, families);
  uint32_t bits = gpu->compute.family < n ? families[gpu->compute.family].timestampValidBits : 0;
  gpu->stamp_mask = bits >= 64 ? UINT64_MAX : ((uint64_t) 1 << bits) - 1;
  gpu->stamp_seconds = 1e-9 * (double) properties.properties.limits.timestampPeriod;
}

static bool
open_physical (struct pe_gpu *gpu, struct pe_error *error)
{
  VkPhysicalDeviceMemoryProperties2 memory = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
  };
  gpu->vk.GetPhysicalDeviceMemoryProperties2 (gpu->physical, &memory);
  gpu->memory = memory.memoryProperties;
  if (!make_device (gpu, error) || !probe_alignment (gpu, error))
    return false;
  find_stamps (gpu);
  return true;
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

/* Straight from the table: giving back must work after a failure, injected or not. */
static void
close_device (struct pe_gpu *gpu)
{
  if (!gpu->device || !gpu->vk.DestroyDevice)
    return;
  gpu->vk.DeviceWaitIdle (gpu->device);
  gpu->vk.DestroySemaphore (gpu->device, gpu->compute.timeline, NULL);
  gpu->vk.DestroySemaphore (gpu->device, gpu->transfer.timeline, NULL);
  gpu->vk.DestroyDevice (gpu->device, NULL);
  gpu->device = VK_NULL_HANDLE;
  gpu->compute = gpu->transfer = (struct pe_gpu_queue){ 0 };
  gpu->vk.lost = false;
}

void
pe_gpu_close (struct pe_gpu *gpu)
{
  close_device (gpu);
  if (gpu->instance && gpu->vk.DestroyInstance)
    gpu->vk.DestroyInstance (gpu->instance, NULL);
  pe_vk_close (&gpu->vk);
  memset (gpu, 0, sizeof *gpu);
}

/* ---- submits ---- */

static bool
submit (struct pe_gpu *gpu, struct pe_gpu_queue *queue, const struct pe_gpu_queue *other,
        VkCommandBuffer commands, struct pe_error *error)
{
  uint64_t value = queue->submitted + 1;
  bool waits = other->submitted > queue->seen;
  const VkPipelineStageFlags all = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  const VkTimelineSemaphoreSubmitInfo values = {
    .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
    .waitSemaphoreValueCount = waits,
    .pWaitSemaphoreValues = &other->submitted,
    .signalSemaphoreValueCount = 1,
    .pSignalSemaphoreValues = &value,
  };
  const VkSubmitInfo info = {
    .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
    .pNext = &values,
    .waitSemaphoreCount = waits,
    .pWaitSemaphores = &other->timeline,
    .pWaitDstStageMask = &all,
    .commandBufferCount = 1,
    .pCommandBuffers = &commands,
    .signalSemaphoreCount = 1,
    .pSignalSemaphores = &queue->timeline,
  };
  VkResult r = PE_VK (&gpu->vk, QueueSubmit, queue->queue, 1, &info, VK_NULL_HANDLE);
  if (r != VK_SUCCESS)
    return pe_vk_error (error, r, "handing work to it");
  queue->submitted = value;
  queue->seen = other->submitted;
  return true;
}

bool
pe_gpu_submit (struct pe_gpu *gpu, VkCommandBuffer commands, struct pe_error *error)
{
  if (!submit (gpu, &gpu->compute, &gpu->transfer, commands, error))
    return false;
  gpu->n_submits++;
  return true;
}

bool
pe_gpu_submit_transfer (struct pe_gpu *gpu, VkCommandBuffer commands, struct pe_error *error)
{
  return submit (gpu, &gpu->transfer, &gpu->compute, commands, error);
}

static uint64_t
nanoseconds (clockid_t clock)
{
  struct timespec now;
  clock_gettime (clock, &now);
  return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/* Processor time of this program's other threads, where a software device compiles and computes. */
static uint64_t
others_time (void)
{
  return nanoseconds (CLOCK_PROCESS_CPUTIME_ID) - nanoseconds (CLOCK_THREAD_CPUTIME_ID);
}

static bool
wait_for (struct pe_gpu *gpu, const struct pe_gpu_queue *queue, uint64_t value,
          struct pe_error *error)
{
  const VkSemaphoreWaitInfo info = {
    .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
    .semaphoreCount = 1,
    .pSemaphores = &queue->timeline,
    .pValues = &value,
  };
  VkResult r = VK_TIMEOUT;
  uint64_t turn = pe_vk_test_turn () ? pe_vk_test_turn () : WAIT_NANOSECONDS;
  bool software = gpu->info.kind == PE_DEVICE_SOFTWARE;
  for (uint32_t i = 0; i < WAIT_TURNS && r == VK_TIMEOUT;) {
    uint64_t before = software ? others_time () : 0;
    r = PE_VK (&gpu->vk, WaitSemaphores, gpu->device, &info, turn);
    /* On a slow or busy processor a pass takes as long as it takes, and so do its kernels, which
     * are compiled in their first one: what gets on does not hang. */
    i += !software || others_time () - before < turn / 100;
  }
  if (r == VK_SUCCESS)
    return true;
  /* A driver that hangs is as good as lost. */
  if (r == VK_TIMEOUT) {
    gpu->vk.lost = true;
    r = VK_ERROR_DEVICE_LOST;
  }
  return pe_vk_error (error, r, "waiting for it");
}

bool
pe_gpu_wait (struct pe_gpu *gpu, uint64_t value, struct pe_error *error)
{
  return wait_for (gpu, &gpu->compute, value, error);
}

bool
pe_gpu_wait_transfer (struct pe_gpu *gpu, uint64_t value, struct pe_error *error)
{
  return wait_for (gpu, &gpu->transfer, value, error);
}

/* ---- listing ---- */

static bool
is_named (const char *word, size_t n, uint32_t index, const struct pe_device_info *info)
{
  char *end;
  unsigned long number = strtoul (word, &end, 10);
  if (n > 0 && n < 4 && end == word + n)
    return number == index;
  return n == strlen (info->id) && strncasecmp (word, info->id, n) == 0;
}

static bool
is_listed (const struct pe_device_info *devices, size_t n, const char *id)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp (devices[i].id, id) == 0)
      return true;
  return false;
}

struct listing {
  struct pe_gpu gpu;
  VkPhysicalDevice physical[MAX_PHYSICAL];
  uint32_t n_physical;
  struct pe_device_info *devices;
  size_t n, capacity;
  char *why;
};

/* Opens the device that l->gpu.info describes, to see whether it works. */
static void
list_one (struct listing *l, uint32_t i, const char *missing)
{
  struct pe_error error;
  l->gpu.physical = l->physical[i];
  if (missing)
    snprintf (l->why, 256, "%.120s cannot be used: it has no %s", l->gpu.info.name, missing);
  else if (l->n < l->capacity && open_physical (&l->gpu, &error))
    l->devices[l->n++] = l->gpu.info;
  else if (l->n < l->capacity)
    snprintf (l->why, 256, "%.100s cannot be used: %.120s", l->gpu.info.name, error.message);
  close_device (&l->gpu);
}

/* Every physical device once. */
static void
list_all (struct listing *l, bool include_software)
{
  const char *missing;
  for (uint32_t i = 0; i < l->n_physical; i++) {
    describe (&l->gpu.vk, l->physical[i], &l->gpu.info, &missing);
    if ((include_software || l->gpu.info.kind != PE_DEVICE_SOFTWARE) &&
        !is_listed (l->devices, l->n, l->gpu.info.id))
      list_one (l, i, missing);
  }
}

/* Those that are named, in that order; one that is named twice is there twice. */
static void
list_named (struct listing *l, const char *names)
{
  const char *missing;
  for (size_t n; *names; names += n + (names[n] == ',')) {
    n = strcspn (names, ",");
    for (uint32_t i = 0; i < l->n_physical; i++) {
      describe (&l->gpu.vk, l->physical[i], &l->gpu.info, &missing);
      if (is_named (names, n, i, &l->gpu.info)) {
        list_one (l, i, missing);
        break;
      }
    }
  }
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
  struct listing l = { .devices = devices, .capacity = capacity, .why = why };
  struct pe_error error;
  if (!pe_vk_open (&l.gpu.vk, &error) || !make_instance (&l.gpu.vk, &l.gpu.instance, &error)) {
    snprintf (why, 256, "%.250s", error.message);
    pe_gpu_close (&l.gpu);
    return 0;
  }
  snprintf (why, 256, "no graphics device with a Vulkan driver was found");
  l.n_physical = physical_devices (&l.gpu.vk, l.gpu.instance, l.physical);
  if (wanted && *wanted)
    list_named (&l, wanted);
  else
    list_all (&l, include_software);
  pe_gpu_close (&l.gpu);
  return l.n;
}
