/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vulkan-fixture.h"

#include "engine/devices.h"
#include "engine/vulkan/layout.h"

#include <stdio.h>
#include <string.h>

static bool
take (struct fixture *f, enum pe_memory_kind kind, uint64_t bytes, struct pe_gpu_buffer *out,
      struct pe_error *error)
{
  const struct pe_allocation a = { .kind = kind, .bytes = bytes };
  return pe_gpu_take (&f->gpu, &a, PE_GPU_HOST, out, error);
}

bool
fixture_open (struct fixture *f, char why[256])
{
  struct pe_device_info devices[PE_MAX_DEVICES];
  struct pe_error error = { 0 };
  memset (f, 0, sizeof *f);
  if (pe_devices_list (devices, PE_MAX_DEVICES, true, why) < 2)
    return false;
  bool ok = pe_gpu_open (devices[1].id, &f->gpu, &error) &&
            pe_gpu_pipelines_open (&f->gpu, NULL, 0, &f->pipelines, &error) &&
            take (f, PE_MEMORY_WORK, PE_BOOK_BYTES + FIXTURE_WORK_FLOATS * 4, &f->work, &error) &&
            take (f, PE_MEMORY_WEIGHTS, 16u << 20, &f->weights, &error) &&
            take (f, PE_MEMORY_TABLES, 1u << 20, &f->tables, &error);
  if (ok) {
    const VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
      .queueFamilyIndex = f->gpu.compute.family,
    };
    f->gpu.vk.CreateCommandPool (f->gpu.device, &pool, NULL, &f->pool);
    const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = f->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1,
    };
    ok = f->gpu.vk.AllocateCommandBuffers (f->gpu.device, &info, &f->commands) == VK_SUCCESS;
  }
  if (!ok) {
    snprintf (why, 256, "%.250s", error.message);
    fixture_close (f);
    return false;
  }
  pe_gpu_write_books (f->work.mapped);
  f->work.address += PE_BOOK_BYTES;
  f->floats = (float *) (f->work.mapped + PE_BOOK_BYTES);
  f->bytes = f->weights.mapped;
  f->words = (uint32_t *) f->tables.mapped;
  return true;
}

void
fixture_close (struct fixture *f)
{
  if (f->gpu.device) {
    pe_gpu_give (&f->gpu, &f->work);
    pe_gpu_give (&f->gpu, &f->weights);
    pe_gpu_give (&f->gpu, &f->tables);
    f->gpu.vk.DestroyCommandPool (f->gpu.device, f->pool, NULL);
    pe_gpu_pipelines_close (&f->gpu, &f->pipelines);
  }
  pe_gpu_close (&f->gpu);
}

bool
fixture_run (struct fixture *f, enum pe_shader shader, const uint32_t *constants,
             uint32_t n_constants, const void *push, uint32_t push_bytes, uint32_t x, uint32_t y,
             uint32_t z)
{
  struct pe_error error = { 0 };
  VkPipeline pipeline;
  f->used[shader] = true;
  if (!pe_gpu_pipeline (&f->gpu, &f->pipelines, shader, constants, n_constants, &pipeline,
                        &error)) {
    printf ("# %s\n", error.message);
    return false;
  }
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  const VkMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
  };
  const struct pe_vk *vk = &f->gpu.vk;
  vk->BeginCommandBuffer (f->commands, &begin);
  vk->CmdBindPipeline (f->commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vk->CmdPushConstants (f->commands, f->pipelines.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                        push_bytes, push);
  vk->CmdDispatch (f->commands, x, y, z);
  vk->CmdPipelineBarrier (f->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                          VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
  vk->EndCommandBuffer (f->commands);
  bool ok = pe_gpu_submit (&f->gpu, f->commands, &error) &&
            pe_gpu_wait (&f->gpu, f->gpu.compute.submitted, &error);
  if (!ok)
    printf ("# %s\n", error.message);
  return ok;
}

const char *
fixture_missing (const struct fixture *f, enum pe_shader shader)
{
  if (!pe_shader_code[shader].words)
    return "the shader compiler lacks an extension";
  return f->gpu.tiers.has[pe_shader_code[shader].needs] ? NULL : "the device lacks the tier";
}

enum kernel_part
fixture_part (const char *kernel)
{
  static const struct {
    const char *kernel;
    enum kernel_part part;
  } others[] = {
    { "rope", KERNELS_OF_ATTENTION },
    { "kv_store", KERNELS_OF_ATTENTION },
    { "rotate_store", KERNELS_OF_ATTENTION },
    { "attention", KERNELS_OF_ATTENTION },
    { "attention_combine", KERNELS_OF_ATTENTION },
    { "conv", KERNELS_OF_STATES },
    { "scan", KERNELS_OF_STATES },
    { "delta_net", KERNELS_OF_STATES },
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp (kernel, others[i].kernel) == 0)
      return others[i].part;
  return KERNELS_OF_ROWS;
}
