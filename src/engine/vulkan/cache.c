/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/cache.h"

#include "base/alloc.h"

#include <string.h>

/* Before each entry's bytes; in the order of this machine, which is the only one to read it. */
struct entry {
  char magic[8];
  char device[48];
  char driver[128];
  uint64_t n_bytes, checksum;
};

static const char magic[8] = "PaKern1";

/* FNV-1a: against damage, not against intent. */
static uint64_t
checksum (const unsigned char *bytes, size_t n)
{
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t i = 0; i < n; i++)
    sum = (sum ^ bytes[i]) * 0x100000001b3u;
  return sum;
}

/* The entry at `at`, if it is whole. */
static bool
read_entry (const unsigned char *file, size_t n_bytes, size_t at, struct entry *out)
{
  if (n_bytes - at < sizeof *out)
    return false;
  memcpy (out, file + at, sizeof *out);
  return memcmp (out->magic, magic, sizeof magic) == 0 &&
         out->n_bytes <= n_bytes - at - sizeof *out &&
         checksum (file + at + sizeof *out, out->n_bytes) == out->checksum;
}

static bool
is_of_device (const struct entry *entry, const struct pe_device_info *device)
{
  return strncmp (entry->device, device->id, sizeof entry->device) == 0;
}

/* What the specification puts before every pipeline cache: "Pipeline Cache Header". */
static bool
is_of_driver (struct pe_gpu *gpu, const unsigned char *blob, size_t n)
{
  VkPhysicalDeviceProperties2 properties = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
  };
  struct {
    uint32_t bytes, version, vendor, device;
    uint8_t uuid[VK_UUID_SIZE];
  } header;
  if (n < sizeof header)
    return false;
  memcpy (&header, blob, sizeof header);
  gpu->vk.GetPhysicalDeviceProperties2 (gpu->physical, &properties);
  const VkPhysicalDeviceProperties *p = &properties.properties;
  return header.bytes >= sizeof header && header.bytes <= n &&
         header.version == VK_PIPELINE_CACHE_HEADER_VERSION_ONE && header.vendor == p->vendorID &&
         header.device == p->deviceID &&
         memcmp (header.uuid, p->pipelineCacheUUID, VK_UUID_SIZE) == 0;
}

const void *
pe_gpu_cache_find (struct pe_gpu *gpu, const void *file, size_t n_bytes, size_t *n_found)
{
  struct entry e;
  const unsigned char *bytes = file;
  *n_found = 0;
  for (size_t at = 0; file && read_entry (bytes, n_bytes, at, &e); at += sizeof e + e.n_bytes) {
    const unsigned char *blob = bytes + at + sizeof e;
    if (!is_of_device (&e, &gpu->info) ||
        strncmp (e.driver, gpu->info.driver, sizeof e.driver) != 0 ||
        !is_of_driver (gpu, blob, e.n_bytes))
      continue;
    *n_found = e.n_bytes;
    return blob;
  }
  return NULL;
}

void *
pe_gpu_cache_store (const struct pe_device_info *device, const void *blob, size_t n_blob,
                    const void *before, size_t n_before, size_t *n_bytes)
{
  struct entry mine = { .n_bytes = n_blob, .checksum = checksum (blob, n_blob) }, e;
  *n_bytes = 0;
  if (n_blob > PE_GPU_CACHE_MAX || n_before > PE_GPU_CACHE_MAX)
    return NULL;
  unsigned char *out = pe_malloc (sizeof mine + n_blob + n_before);
  if (!out)
    return NULL;
  memcpy (mine.magic, magic, sizeof magic);
  memcpy (mine.device, device->id, sizeof mine.device);
  memcpy (mine.driver, device->driver, sizeof mine.driver);
  memcpy (out, &mine, sizeof mine);
  memcpy (out + sizeof mine, blob, n_blob);
  size_t n = sizeof mine + n_blob;
  for (size_t at = 0; before && read_entry (before, n_before, at, &e); at += sizeof e + e.n_bytes) {
    if (is_of_device (&e, device) || n + sizeof e + e.n_bytes > PE_GPU_CACHE_MAX)
      continue;
    memcpy (out + n, (const unsigned char *) before + at, sizeof e + e.n_bytes);
    n += sizeof e + e.n_bytes;
  }
  *n_bytes = n;
  return out;
}
