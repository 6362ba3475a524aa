/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Vulkan driver that is no good: the first time it is spoken to it ends the program, or never
 * answers, as PARLEY_TEST_DRIVER says ("abort", "sleep").
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#define EXPORT __attribute__ ((visibility ("default")))

EXPORT VkResult vk_icdNegotiateLoaderICDInterfaceVersion (uint32_t *version);
EXPORT PFN_vkVoidFunction vk_icdGetInstanceProcAddr (VkInstance instance, const char *name);

static void
fail (void)
{
  const char *how = getenv ("PARLEY_TEST_DRIVER");
  while (how && strcmp (how, "sleep") == 0)
    sleep (1);
  abort ();
}

VkResult
vk_icdNegotiateLoaderICDInterfaceVersion (uint32_t *version)
{
  (void) version;
  fail ();
  return VK_ERROR_INCOMPATIBLE_DRIVER;
}

PFN_vkVoidFunction
vk_icdGetInstanceProcAddr (VkInstance instance, const char *name)
{
  (void) instance;
  (void) name;
  fail ();
  return NULL;
}
