/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which kernels above the baseline a device can run: what it offers is asked for here and enabled
 * when the device is made.
 */
#include "engine/vulkan/tiers.h"

#include "engine/vulkan/device.h"

#include <stdlib.h>
#include <string.h>

/* VK_KHR_cooperative_matrix came after the oldest headers that this builds with. */
#define COOPERATIVE_MATRIX_NAME            "VK_KHR_cooperative_matrix"
#define COOPERATIVE_MATRIX_FEATURES_TYPE   1000506000
#define COOPERATIVE_MATRIX_PROPERTIES_TYPE 1000506001
#define COMPONENT_FLOAT16                  0
#define COMPONENT_FLOAT32                  1
#define SCOPE_SUBGROUP                     3
#define MAX_SHAPES                         64

struct matrix_shape {
  VkStructureType sType;
  void *pNext;
  uint32_t m, n, k;
  int32_t a, b, c, result;
  VkBool32 saturating;
  int32_t scope;
};

typedef VkResult (*list_shapes_fn) (VkPhysicalDevice, uint32_t *, struct matrix_shape *);

/* VK_KHR_shader_integer_dot_product, likewise. */
#define INTEGER_DOT_NAME            "VK_KHR_shader_integer_dot_product"
#define INTEGER_DOT_FEATURES_TYPE   1000280000
#define INTEGER_DOT_PROPERTIES_TYPE 1000280001

struct dot_properties {
  VkStructureType sType;
  void *pNext;
  VkBool32 before[4], packed_signed, behind[25]; /* which are accelerated */
};

static void
find_dot (struct pe_vk *vk, VkPhysicalDevice physical, bool wanted, struct pe_gpu_tiers *out)
{
  if (!pe_gpu_has_extension (vk, physical, INTEGER_DOT_NAME))
    return;
  struct dot_properties dot = { .sType = (VkStructureType) INTEGER_DOT_PROPERTIES_TYPE };
  VkPhysicalDeviceProperties2 properties = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
    .pNext = &dot,
  };
  vk->GetPhysicalDeviceProperties2 (physical, &properties);
  out->dot.sType = (VkStructureType) INTEGER_DOT_FEATURES_TYPE;
  VkPhysicalDeviceFeatures2 features = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
    .pNext = &out->dot,
  };
  vk->GetPhysicalDeviceFeatures2 (physical, &features);
  out->has[PE_SHADER_TIER_INTEGER_DOT] = out->dot.shaderIntegerDotProduct;
  out->prefers_dot = out->dot.shaderIntegerDotProduct && (wanted || dot.packed_signed);
  if (out->dot.shaderIntegerDotProduct)
    out->extensions[out->n_extensions++] = INTEGER_DOT_NAME;
}

/* The largest that tiles of 32 x 32 by 32 are made of, of halves with float32 sums. */
static bool
choose_shape (struct pe_vk *vk, VkInstance instance, VkPhysicalDevice physical,
              struct pe_gpu_tiers *out)
{
  list_shapes_fn list = (list_shapes_fn) vk->GetInstanceProcAddr (
      instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  struct matrix_shape shapes[MAX_SHAPES];
  memset (shapes, 0, sizeof shapes);
  for (size_t i = 0; i < MAX_SHAPES; i++)
    shapes[i].sType = (VkStructureType) COOPERATIVE_MATRIX_PROPERTIES_TYPE;
  uint32_t n = MAX_SHAPES, most = 0;
  VkResult r = list ? list (physical, &n, shapes) : VK_ERROR_INITIALIZATION_FAILED;
  if (r != VK_SUCCESS && r != VK_INCOMPLETE)
    return false;
  for (uint32_t i = 0; i < n; i++) {
    const struct matrix_shape *s = &shapes[i];
    bool fits = s->a == COMPONENT_FLOAT16 && s->b == COMPONENT_FLOAT16 &&
                s->c == COMPONENT_FLOAT32 && s->result == COMPONENT_FLOAT32 &&
                s->scope == SCOPE_SUBGROUP && !s->saturating && s->m && s->n && s->k &&
                s->m <= 32 && s->n <= 32 && s->k <= 32 && 32 % s->m == 0 && 32 % s->n == 0 &&
                s->k >= 8 && 32 % s->k == 0 && s->m * s->n <= PE_GPU_MAX_FRAGMENT &&
                s->m * s->n % out->subgroup_size == 0;
    if (fits && s->m * s->n * s->k > most) {
      most = s->m * s->n * s->k;
      out->fragment[0] = s->m;
      out->fragment[1] = s->n;
      out->fragment[2] = s->k;
    }
  }
  return most > 0;
}

static void
find_matrices (struct pe_vk *vk, VkInstance instance, VkPhysicalDevice physical,
               struct pe_gpu_tiers *out)
{
  out->matrix.sType = (VkStructureType) COOPERATIVE_MATRIX_FEATURES_TYPE;
  out->control.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT;
  out->memory_model.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES;
  if (!pe_gpu_has_extension (vk, physical, COOPERATIVE_MATRIX_NAME) ||
      !pe_gpu_has_extension (vk, physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
    return;
  VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT,
  };
  VkPhysicalDeviceSubgroupProperties subgroup = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
    .pNext = &sizes,
  };
  VkPhysicalDeviceProperties2 properties = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
    .pNext = &subgroup,
  };
  vk->GetPhysicalDeviceProperties2 (physical, &properties);
  VkPhysicalDeviceFeatures2 features = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
    .pNext = &out->matrix,
  };
  out->matrix.pNext = &out->control;
  out->control.pNext = &out->memory_model;
  out->memory_model.pNext = NULL;
  vk->GetPhysicalDeviceFeatures2 (physical, &features);
  uint32_t size = subgroup.subgroupSize;
  bool ok = out->matrix.cooperativeMatrix && out->control.subgroupSizeControl &&
            out->memory_model.vulkanMemoryModel &&
            (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) && size >= 8 &&
            size <= 64 && properties.properties.limits.maxComputeWorkGroupInvocations >= 256;
  out->subgroup_size = size;
  if (!ok || !choose_shape (vk, instance, physical, out))
    return;
  out->has[PE_SHADER_TIER_COOPERATIVE_MATRIX] = true;
  out->matrix.robustBufferAccess = VK_FALSE;
  out->memory_model.vulkanMemoryModelDeviceScope = VK_FALSE;
  out->memory_model.vulkanMemoryModelAvailabilityVisibilityChains = VK_FALSE;
  out->control.computeFullSubgroups = VK_FALSE;
  out->extensions[out->n_extensions++] = COOPERATIVE_MATRIX_NAME;
  out->extensions[out->n_extensions++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
}

void
pe_gpu_find_tiers (struct pe_vk *vk, VkInstance instance, VkPhysicalDevice physical,
                   struct pe_gpu_tiers *out)
{
  memset (out, 0, sizeof *out);
  out->has[PE_SHADER_TIER_PLAIN] = true;
  /* To measure what a tier gains, and to test one where it gains nothing. */
  const char *only = getenv ("PARLEY_VULKAN_TIER");
  if (only && strcmp (only, "plain") == 0)
    return;
  bool only_dot = only && strcmp (only, "integer_dot") == 0;
  find_dot (vk, physical, only_dot, out);
  if (!only_dot)
    find_matrices (vk, instance, physical, out);
}

void *
pe_gpu_chain_tiers (struct pe_gpu_tiers *tiers, void *next)
{
  if (tiers->has[PE_SHADER_TIER_INTEGER_DOT]) {
    tiers->dot.pNext = next;
    next = &tiers->dot;
  }
  if (!tiers->has[PE_SHADER_TIER_COOPERATIVE_MATRIX])
    return next;
  tiers->matrix.pNext = &tiers->control;
  tiers->control.pNext = next;
  return &tiers->matrix;
}
