/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/vulkan/pipelines.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

struct pe_gpu_pipeline {
  enum pe_shader shader;
  uint32_t constants[PE_GPU_MAX_CONSTANTS]; /* zero behind the last */
  uint32_t n_constants;
  VkPipeline pipeline; /* NULL: not compiled yet */
};

bool
pe_gpu_pipelines_open (struct pe_gpu *gpu, const void *blob, size_t n_bytes,
                       struct pe_gpu_pipelines *out, struct pe_error *error)
{
  memset (out, 0, sizeof *out);
  const VkPushConstantRange range = { VK_SHADER_STAGE_COMPUTE_BIT, 0, PE_GPU_PUSH_BYTES };
  const VkPipelineLayoutCreateInfo layout = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
    .pushConstantRangeCount = 1,
    .pPushConstantRanges = &range,
  };
  VkResult r = PE_VK (&gpu->vk, CreatePipelineLayout, gpu->device, &layout, NULL, &out->layout);
  const VkPipelineCacheCreateInfo cache = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
    .initialDataSize = blob ? n_bytes : 0,
    .pInitialData = blob,
  };
  if (r == VK_SUCCESS)
    r = PE_VK (&gpu->vk, CreatePipelineCache, gpu->device, &cache, NULL, &out->cache);
  if (r == VK_SUCCESS)
    return true;
  pe_gpu_pipelines_close (gpu, out);
  return pe_vk_error (error, r, "preparing kernels");
}

void
pe_gpu_pipelines_close (struct pe_gpu *gpu, struct pe_gpu_pipelines *p)
{
  if (!gpu->device)
    return;
  pe_gpu_pipelines_finish (p);
  for (size_t i = 0; i < p->n; i++)
    gpu->vk.DestroyPipeline (gpu->device, p->list[i].pipeline, NULL);
  for (size_t i = 0; i < PE_SHADER_COUNT; i++)
    if (p->modules[i])
      gpu->vk.DestroyShaderModule (gpu->device, p->modules[i], NULL);
  if (p->cache)
    gpu->vk.DestroyPipelineCache (gpu->device, p->cache, NULL);
  if (p->layout)
    gpu->vk.DestroyPipelineLayout (gpu->device, p->layout, NULL);
  pe_free (p->list);
  memset (p, 0, sizeof *p);
}

enum pe_shader
pe_shader_find (enum pe_shader first, enum pe_type type)
{
  const char *kernel = pe_shader_code[first].kernel;
  for (enum pe_shader s = first; s < PE_SHADER_COUNT; s++) {
    if (strcmp (pe_shader_code[s].kernel, kernel) != 0)
      break;
    if (pe_shader_code[s].type == type)
      return s;
  }
  return PE_SHADER_COUNT;
}

static VkResult
load_module (struct pe_gpu *gpu, struct pe_gpu_pipelines *p, enum pe_shader shader)
{
  if (p->modules[shader])
    return VK_SUCCESS;
  const VkShaderModuleCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
    .codeSize = pe_shader_code[shader].n_bytes,
    .pCode = pe_shader_code[shader].words,
  };
  VkShaderModule module;
  VkResult r = PE_VK (&gpu->vk, CreateShaderModule, gpu->device, &info, NULL, &module);
  if (r == VK_SUCCESS)
    p->modules[shader] = module;
  return r;
}

/* Of an entry whose module is loaded. */
static VkResult
make_pipeline (struct pe_gpu *gpu, struct pe_gpu_pipelines *p, struct pe_gpu_pipeline *entry)
{
  VkSpecializationMapEntry entries[PE_GPU_MAX_CONSTANTS];
  for (uint32_t i = 0; i < entry->n_constants; i++)
    entries[i] = (VkSpecializationMapEntry){ i, i * 4, 4 };
  const VkSpecializationInfo specialisation = { entry->n_constants, entries, entry->n_constants * 4,
                                                entry->constants };
  /* Kernels of fragments share their work out by subgroups of a known size. */
  const VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT required = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT,
    .requiredSubgroupSize = gpu->tiers.subgroup_size,
  };
  bool requires = pe_shader_code[entry->shader].needs == PE_SHADER_TIER_COOPERATIVE_MATRIX;
  const VkComputePipelineCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
    .stage = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .pNext = requires ? &required : NULL,
      .stage = VK_SHADER_STAGE_COMPUTE_BIT,
      .module = p->modules[entry->shader],
      .pName = "main",
      .pSpecializationInfo = &specialisation,
    },
    .layout = p->layout,
  };
  VkPipeline pipeline;
  VkResult r =
      PE_VK (&gpu->vk, CreateComputePipelines, gpu->device, p->cache, 1, &info, NULL, &pipeline);
  if (r == VK_SUCCESS)
    entry->pipeline = pipeline;
  return r;
}

/* The entry of the list, a new one if need be; NULL: no memory. */
static struct pe_gpu_pipeline *
find_entry (struct pe_gpu_pipelines *p, enum pe_shader shader, const uint32_t *constants,
            uint32_t n_constants)
{
  struct pe_gpu_pipeline wanted = { .shader = shader, .n_constants = n_constants };
  if (n_constants)
    memcpy (wanted.constants, constants, n_constants * sizeof *constants);
  for (size_t i = 0; i < p->n; i++)
    if (p->list[i].shader == shader &&
        memcmp (p->list[i].constants, wanted.constants, sizeof wanted.constants) == 0)
      return &p->list[i];
  if (!pe_grow (&p->list, &p->capacity, p->n + 1, sizeof *p->list))
    return NULL;
  p->list[p->n] = wanted;
  return &p->list[p->n++];
}

bool
pe_gpu_pipeline (struct pe_gpu *gpu, struct pe_gpu_pipelines *p, enum pe_shader shader,
                 const uint32_t *constants, uint32_t n_constants, VkPipeline *out,
                 struct pe_error *error)
{
  pe_gpu_pipelines_finish (p);
  struct pe_gpu_pipeline *entry = find_entry (p, shader, constants, n_constants);
  if (!entry)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for kernels");
  if (!entry->pipeline) {
    VkResult r = load_module (gpu, p, shader);
    if (r == VK_SUCCESS)
      r = make_pipeline (gpu, p, entry);
    if (r != VK_SUCCESS) {
      char what[96];
      snprintf (what, sizeof what, "compiling kernel %s", pe_shader_code[shader].name);
      return pe_vk_error (error, r, what);
    }
    p->n_late++;
  }
  *out = entry->pipeline;
  return true;
}

/* ---- ahead of use ---- */

bool
pe_gpu_pipelines_want (struct pe_gpu_pipelines *p, enum pe_shader shader, const uint32_t *constants,
                       uint32_t n_constants, struct pe_error *error)
{
  pe_gpu_pipelines_finish (p);
  return find_entry (p, shader, constants, n_constants) ||
         pe_fail (error, PE_ERROR_MEMORY, "not enough memory for kernels");
}

static void *
compile (void *data)
{
  struct pe_gpu_pipelines *p = data;
  for (size_t i; (i = atomic_fetch_add (&p->next, 1)) < p->n;) {
    struct pe_gpu_pipeline *entry = &p->list[i];
    if (!entry->pipeline && p->modules[entry->shader] &&
        make_pipeline (p->gpu, p, entry) == VK_SUCCESS)
      atomic_fetch_add (&p->n_ahead, 1);
  }
  return NULL;
}

void
pe_gpu_pipelines_start (struct pe_gpu *gpu, struct pe_gpu_pipelines *p, uint32_t n_threads)
{
  pe_gpu_pipelines_finish (p);
  size_t n_new = 0;
  for (size_t i = 0; i < p->n; i++)
    if (!p->list[i].pipeline && load_module (gpu, p, p->list[i].shader) == VK_SUCCESS)
      n_new++;
  p->gpu = gpu;
  p->next = 0;
  n_threads = n_threads < PE_GPU_COMPILERS ? n_threads : PE_GPU_COMPILERS;
  while (p->n_compilers < n_threads && p->n_compilers < n_new &&
         pthread_create (&p->compilers[p->n_compilers], NULL, compile, p) == 0)
    p->n_compilers++;
}

void
pe_gpu_pipelines_finish (struct pe_gpu_pipelines *p)
{
  while (p->n_compilers)
    pthread_join (p->compilers[--p->n_compilers], NULL);
}

void *
pe_gpu_pipelines_blob (struct pe_gpu *gpu, struct pe_gpu_pipelines *p, size_t *n_bytes)
{
  *n_bytes = 0;
  size_t n = 0;
  pe_gpu_pipelines_finish (p);
  if (PE_VK (&gpu->vk, GetPipelineCacheData, gpu->device, p->cache, &n, NULL) != VK_SUCCESS)
    return NULL;
  void *blob = pe_malloc (n);
  if (blob &&
      PE_VK (&gpu->vk, GetPipelineCacheData, gpu->device, p->cache, &n, blob) == VK_SUCCESS) {
    *n_bytes = n;
    return blob;
  }
  pe_free (blob);
  return NULL;
}
