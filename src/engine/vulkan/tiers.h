/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which kernels above the baseline a device can run.
 */
#pragma once

#include "engine/vulkan/loader.h"
#include "shaders/kernels.h"

/* Results of a fragment that shaders/matmul_coop.comp has shared memory for. */
#define PE_GPU_MAX_FRAGMENT 256

/* VkPhysicalDeviceCooperativeMatrixFeaturesKHR, which the oldest headers lack. */
struct pe_gpu_matrix_features {
  VkStructureType sType;
  void *pNext;
  VkBool32 cooperativeMatrix, robustBufferAccess;
};

/* VkPhysicalDeviceShaderIntegerDotProductFeatures, likewise. */
struct pe_gpu_dot_features {
  VkStructureType sType;
  void *pNext;
  VkBool32 shaderIntegerDotProduct;
};

struct pe_gpu_tiers {
  bool has[PE_SHADER_TIER_COUNT];
  bool prefers_dot;       /* integer dot products are quick: one instruction, not many */
  uint32_t fragment[3];   /* of cooperative matrices: rows, columns, depth */
  uint32_t subgroup_size; /* that their kernels require */
  const char *extensions[4];
  uint32_t n_extensions;
  struct pe_gpu_dot_features dot;
  struct pe_gpu_matrix_features matrix;
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT control;
  VkPhysicalDeviceVulkanMemoryModelFeatures memory_model;
};

/* Whether there is code for a kernel and the device can run it; false for PE_SHADER_COUNT. */
static inline bool
pe_gpu_has_kernel (const struct pe_gpu_tiers *tiers, enum pe_shader shader)
{
  return shader < PE_SHADER_COUNT && pe_shader_code[shader].words &&
         tiers->has[pe_shader_code[shader].needs];
}

void pe_gpu_find_tiers (struct pe_vk *vk, VkInstance instance, VkPhysicalDevice physical,
                        struct pe_gpu_tiers *out);
/* The features to enable before `next`; the memory model is part of the core features. */
void *pe_gpu_chain_tiers (struct pe_gpu_tiers *tiers, void *next);
