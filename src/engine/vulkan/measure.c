/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of a GPU with the engine's own kernels: a large matrix times one row for reading, times
 * many rows for multiplying, and copies from host memory.
 */
#include "base/clock.h"
#include "engine/vulkan/device.h"
#include "engine/vulkan/memory.h"
#include "engine/vulkan/pipelines.h"
#include "engine/vulkan/tiling.h"
#include "shaders/shared/arguments.h"

#include <string.h>

#define ROUNDS 4 /* the first one warms up */

/* Half-precision matrices: sizes such that a round takes milliseconds. */
struct sizes {
  uint32_t n, k;  /* of the matrix that is read */
  uint32_t m, mn; /* rows of the batch, and of the matrix that is multiplied */
  uint64_t copy_bytes;
};

struct measuring {
  struct pe_gpu gpu;
  struct pe_gpu_pipelines pipelines;
  struct pe_gpu_buffer weights, work, host;
  VkCommandPool pool;
  VkCommandBuffer commands;
  struct sizes sizes;
};

static bool
take (struct measuring *m, enum pe_memory_kind kind, uint64_t bytes, enum pe_gpu_place place,
      struct pe_gpu_buffer *out, struct pe_error *error)
{
  uint64_t alignment = m->gpu.info.allocation_alignment;
  const struct pe_allocation a = { .kind = kind,
                                   .bytes = (bytes + alignment - 1) / alignment * alignment };
  return pe_gpu_take (&m->gpu, &a, place, out, error);
}

static bool
prepare (struct measuring *m, struct pe_error *error)
{
  const struct sizes *s = &m->sizes;
  uint64_t rows = s->m > 1 ? s->m : 1;
  if (!pe_gpu_pipelines_open (&m->gpu, NULL, 0, &m->pipelines, error) ||
      !take (m, PE_MEMORY_WEIGHTS, 2ull * s->n * s->k, PE_GPU_LOCAL, &m->weights, error) ||
      !take (m, PE_MEMORY_WORK, 4 * (rows * s->k + rows * s->mn + s->n), PE_GPU_LOCAL, &m->work,
             error) ||
      !take (m, PE_MEMORY_STAGING, s->copy_bytes, PE_GPU_HOST, &m->host, error))
    return false;
  memset (m->host.mapped, 0, s->copy_bytes);
  const VkCommandPoolCreateInfo pool = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
    .queueFamilyIndex = m->gpu.compute.family,
  };
  VkResult r = PE_VK (&m->gpu.vk, CreateCommandPool, m->gpu.device, &pool, NULL, &m->pool);
  if (r != VK_SUCCESS) {
    m->pool = VK_NULL_HANDLE;
    return pe_vk_error (error, r, "preparing to measure");
  }
  const VkCommandBufferAllocateInfo info = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
    .commandPool = m->pool,
    .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
    .commandBufferCount = 1,
  };
  r = PE_VK (&m->gpu.vk, AllocateCommandBuffers, m->gpu.device, &info, &m->commands);
  return r == VK_SUCCESS || pe_vk_error (error, r, "preparing to measure");
}

static void
close_all (struct measuring *m)
{
  if (m->gpu.device) {
    m->gpu.vk.DeviceWaitIdle (m->gpu.device);
    if (m->pool)
      m->gpu.vk.DestroyCommandPool (m->gpu.device, m->pool, NULL);
    pe_gpu_give (&m->gpu, &m->weights);
    pe_gpu_give (&m->gpu, &m->work);
    pe_gpu_give (&m->gpu, &m->host);
    pe_gpu_pipelines_close (&m->gpu, &m->pipelines);
  }
  pe_gpu_close (&m->gpu);
}

/* ---- what is timed ---- */

struct job {
  VkPipeline pipeline; /* NULL: a copy */
  const void *push;
  uint32_t push_bytes, x, y;
};

static void
record_copy (struct measuring *m)
{
  for (uint64_t at = 0; at < m->weights.bytes; at += m->sizes.copy_bytes) {
    uint64_t left = m->weights.bytes - at;
    const VkBufferCopy region = { 0, at, left < m->sizes.copy_bytes ? left : m->sizes.copy_bytes };
    m->gpu.vk.CmdCopyBuffer (m->commands, m->host.buffer, m->weights.buffer, 1, &region);
  }
}

/* The shortest time of the rounds, from the submit to its end; 0: failed. */
static bool
best_time (struct measuring *m, const struct job *job, double *out, struct pe_error *error)
{
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  VkResult r = PE_VK (&m->gpu.vk, BeginCommandBuffer, m->commands, &begin);
  if (r != VK_SUCCESS)
    return pe_vk_error (error, r, "measuring");
  if (job->pipeline) {
    m->gpu.vk.CmdBindPipeline (m->commands, VK_PIPELINE_BIND_POINT_COMPUTE, job->pipeline);
    m->gpu.vk.CmdPushConstants (m->commands, m->pipelines.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                job->push_bytes, job->push);
    m->gpu.vk.CmdDispatch (m->commands, job->x, job->y, 1);
  } else
    record_copy (m);
  r = PE_VK (&m->gpu.vk, EndCommandBuffer, m->commands);
  if (r != VK_SUCCESS)
    return pe_vk_error (error, r, "measuring");
  *out = 0;
  for (int i = 0; i < ROUNDS; i++) {
    double start = pe_clock ();
    if (!pe_gpu_submit (&m->gpu, m->commands, error) ||
        !pe_gpu_wait (&m->gpu, m->gpu.compute.submitted, error))
      return false;
    double t = pe_clock () - start;
    if (i == 1 || (i > 1 && t < *out))
      *out = t;
  }
  return true;
}

static bool
time_reading (struct measuring *m, double *out, struct pe_error *error)
{
  const struct sizes *s = &m->sizes;
  const uint32_t rows = 2, size = m->gpu.info.kind == PE_DEVICE_SOFTWARE ? 8 : 64;
  const struct matvec_arguments push = {
    .weight = { m->weights.address },
    .work = m->work.address,
    .n = { s->n },
    .out_offset = { s->k },
    .k = s->k,
    .scale = 1,
  };
  uint32_t groups = (s->n + rows - 1) / rows;
  struct job job = { .push = &push, .push_bytes = sizeof push };
  job.x = groups < PE_GRID_X ? groups : PE_GRID_X;
  job.y = (groups + PE_GRID_X - 1) / PE_GRID_X;
  return pe_gpu_pipeline (&m->gpu, &m->pipelines, PE_SHADER_MATVEC_F16,
                          (uint32_t[]){ size, 1, rows, 0, 0 }, 5, &job.pipeline, error) &&
         best_time (m, &job, out, error);
}

/* As prompts are multiplied in chats: halves, by fragments where the device has them. */
static bool
time_multiplying (struct measuring *m, double *out, struct pe_error *error)
{
  const struct sizes *s = &m->sizes;
  const struct matmul_arguments push = {
    .weight = m->weights.address,
    .work = m->work.address,
    .n = s->mn,
    .k = s->k,
    .n_rows = s->m,
    .in_row_stride = s->k / 2,
    .out_offset = s->m * s->k,
    .out_row_stride = s->mn,
    .scale = 1,
  };
  bool fragments = pe_gpu_has_kernel (&m->gpu.tiers, PE_SHADER_MATMUL_COOP_F16);
  struct pe_gpu_tiling t = pe_gpu_choose_tiling (&m->gpu, fragments, s->mn, s->m);
  uint32_t constants[PE_GPU_TILING_CONSTANTS];
  uint32_t n_constants = pe_gpu_tiling_constants (&m->gpu, &t, 0, constants);
  struct job job = { .push = &push, .push_bytes = sizeof push, .y = 1 };
  job.x = (uint32_t) pe_gpu_tiles (&t, s->mn, s->m);
  return pe_gpu_pipeline (&m->gpu, &m->pipelines,
                          fragments ? PE_SHADER_MATMUL_COOP_F16 : PE_SHADER_MATMUL_HALF_F16,
                          constants, n_constants, &job.pipeline, error) &&
         best_time (m, &job, out, error);
}

static bool
time_copying (struct measuring *m, double *out, struct pe_error *error)
{
  const uint32_t size = m->gpu.info.kind == PE_DEVICE_SOFTWARE ? 8 : 256;
  const uint64_t half = m->weights.bytes / 2;
  const struct copy_arguments push = { m->weights.address, m->weights.address + half,
                                       (uint32_t) (half / 16) };
  uint32_t groups = (push.n + size - 1) / size;
  struct job job = { .push = &push, .push_bytes = sizeof push };
  job.x = groups < PE_GRID_X ? groups : PE_GRID_X;
  job.y = (groups + PE_GRID_X - 1) / PE_GRID_X;
  return pe_gpu_pipeline (&m->gpu, &m->pipelines, PE_SHADER_COPY, &size, 1, &job.pipeline, error) &&
         best_time (m, &job, out, error);
}

bool
pe_vk_device_copy_rate (const struct pe_device_info *info, double *rate, struct pe_error *error)
{
  struct measuring m = { 0 };
  if (!pe_gpu_open (info->id, &m.gpu, error))
    return false;
  /* Twice 512 MiB: four times the largest cache that a GPU has today. */
  bool software = info->kind == PE_DEVICE_SOFTWARE;
  m.sizes = software ? (struct sizes){ 4096, 4096, 1, 64, 4u << 20 }
                     : (struct sizes){ 131072, 4096, 1, 64, 32u << 20 };
  double filling, copying;
  const struct job fill = { .pipeline = VK_NULL_HANDLE };
  bool ok = prepare (&m, error) && best_time (&m, &fill, &filling, error) &&
            time_copying (&m, &copying, error);
  if (ok)
    *rate = (double) m.weights.bytes / copying; /* half is read, half is written */
  close_all (&m);
  return ok;
}

bool
pe_vk_device_measure (struct pe_device_info *info, struct pe_error *error)
{
  struct measuring m = { 0 };
  if (!pe_gpu_open (info->id, &m.gpu, error))
    return false;
  bool software = info->kind == PE_DEVICE_SOFTWARE;
  m.sizes = software ? (struct sizes){ 4096, 2048, 64, 256, 4u << 20 }
                     : (struct sizes){ 32768, 4096, 512, 4096, 32u << 20 };
  if (m.gpu.tiers.has[PE_SHADER_TIER_COOPERATIVE_MATRIX] && !software)
    m.sizes.mn = 16384; /* four times as long: less would tell about launching */
  const struct sizes *s = &m.sizes;
  double copying = 0, reading = 0, multiplying = 0;
  const struct job copy = { .pipeline = VK_NULL_HANDLE };
  /* The copy comes first: it also gives the matrix its contents. */
  bool ok = prepare (&m, error) && best_time (&m, &copy, &copying, error) &&
            time_reading (&m, &reading, error) && time_multiplying (&m, &multiplying, error);
  if (ok) {
    info->transfer_rate = (double) m.weights.bytes / copying;
    info->read_rate = 2.0 * s->n * s->k / reading;
    info->matmul_rate = 2.0 * s->m * s->mn * s->k / multiplying;
  }
  close_all (&m);
  return ok;
}
