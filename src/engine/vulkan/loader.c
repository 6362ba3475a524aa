/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/loader.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

bool
pe_vk_open (struct pe_vk *vk, struct pe_error *error)
{
  memset (vk, 0, sizeof *vk);
  vk->library = dlopen ("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!vk->library)
    return pe_fail (error, PE_ERROR_UNSUPPORTED, "the Vulkan library is not installed");
  vk->GetInstanceProcAddr =
      (PFN_vkGetInstanceProcAddr) dlsym (vk->library, "vkGetInstanceProcAddr");
  bool complete = vk->GetInstanceProcAddr != NULL;
#define LOAD(name)                                                                                 \
  if (complete)                                                                                    \
    complete = (vk->name = (PFN_vk##name) vk->GetInstanceProcAddr (NULL, "vk" #name)) != NULL;
  PE_VK_GLOBAL_FUNCTIONS (LOAD)
#undef LOAD
  if (complete)
    return true;
  pe_vk_close (vk);
  return pe_fail (error, PE_ERROR_UNSUPPORTED, "the Vulkan library is too old");
}

bool
pe_vk_load_instance (struct pe_vk *vk, VkInstance instance, struct pe_error *error)
{
  const char *missing = NULL;
#define LOAD(name)                                                                                 \
  if (!(vk->name = (PFN_vk##name) vk->GetInstanceProcAddr (instance, "vk" #name)))                 \
    missing = "vk" #name;
  PE_VK_INSTANCE_FUNCTIONS (LOAD)
#undef LOAD
  return !missing || pe_fail (error, PE_ERROR_UNSUPPORTED, "the Vulkan library has no %s", missing);
}

bool
pe_vk_load_device (struct pe_vk *vk, VkDevice device, struct pe_error *error)
{
  const char *missing = NULL;
#define LOAD(name)                                                                                 \
  if (!(vk->name = (PFN_vk##name) vk->GetDeviceProcAddr (device, "vk" #name)))                     \
    missing = "vk" #name;
  PE_VK_DEVICE_FUNCTIONS (LOAD)
#undef LOAD
  return !missing || pe_fail (error, PE_ERROR_UNSUPPORTED, "the Vulkan driver has no %s", missing);
}

void
pe_vk_close (struct pe_vk *vk)
{
  if (vk->library)
    dlclose (vk->library);
  memset (vk, 0, sizeof *vk);
}

/* ---- faults ---- */

static _Atomic uint64_t n_calls, fault_call, budget_call, budget_bytes, test_turn;
static _Atomic VkResult fault_result;
static _Atomic double test_rate;

uint64_t
pe_vk_fail_at (uint64_t nth, VkResult result)
{
  atomic_store (&fault_result, result);
  atomic_store (&fault_call, nth);
  return atomic_exchange (&n_calls, 0);
}

void
pe_vk_budget_at (uint64_t nth, uint64_t bytes)
{
  atomic_store (&budget_call, atomic_load (&n_calls) + nth);
  atomic_store (&budget_bytes, bytes);
}

uint64_t
pe_vk_test_budget (void)
{
  return atomic_load (&n_calls) >= atomic_load (&budget_call) ? atomic_load (&budget_bytes) : 0;
}

void
pe_vk_rate_at (double operations_per_second)
{
  atomic_store (&test_rate, operations_per_second);
}

double
pe_vk_test_rate (void)
{
  return atomic_load (&test_rate);
}

void
pe_vk_turn_at (uint64_t nanoseconds)
{
  atomic_store (&test_turn, nanoseconds);
}

uint64_t
pe_vk_test_turn (void)
{
  return atomic_load (&test_turn);
}

bool
pe_vk_fault_is_due (const struct pe_vk *vk)
{
  return atomic_fetch_add (&n_calls, 1) + 1 == atomic_load (&fault_call) || vk->lost;
}

VkResult
pe_vk_fault (const struct pe_vk *vk)
{
  return vk->lost ? VK_ERROR_DEVICE_LOST : atomic_load (&fault_result);
}

VkResult
pe_vk_note (struct pe_vk *vk, VkResult result)
{
  if (result == VK_ERROR_DEVICE_LOST)
    vk->lost = true;
  return result;
}

bool
pe_vk_error (struct pe_error *error, VkResult result, const char *what)
{
  switch (result) {
  case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    return pe_fail (error, PE_ERROR_DEVICE_MEMORY, "the GPU's memory is full: %s failed", what);
  case VK_ERROR_OUT_OF_HOST_MEMORY:
    /* Only the driver's share of the host's memory is short: less on the GPU helps. */
    return pe_fail (error, PE_ERROR_DEVICE_MEMORY, "the GPU's driver is out of memory: %s failed",
                    what);
  case VK_ERROR_DEVICE_LOST:
    return pe_fail (error, PE_ERROR_DEVICE_LOST, "the GPU stopped working: %s failed", what);
  default:
    return pe_fail (error, PE_ERROR_DEVICE, "%s failed on the GPU (Vulkan error %d)", what,
                    (int) result);
  }
}
