/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vulkan-bench.h"

#include "../random-blocks.h"

#include <stdio.h>
#include <time.h>

#define SECONDS      0.25
#define LEAST_ROUNDS 3

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* ---- buffers ---- */

static bool
take (struct bench *b, enum pe_memory_kind kind, uint64_t bytes, struct pe_gpu_buffer *out)
{
  struct pe_error error = { 0 };
  const struct pe_allocation a = { .kind = kind, .bytes = bytes };
  if (pe_gpu_take (&b->f.gpu, &a, PE_GPU_LOCAL, out, &error))
    return true;
  printf ("# %s\n", error.message);
  return false;
}

static bool
begin (struct bench *b)
{
  const VkCommandBufferBeginInfo info = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  return b->f.gpu.vk.BeginCommandBuffer (b->f.commands, &info) == VK_SUCCESS;
}

static bool
end_and_wait (struct bench *b)
{
  struct pe_error error = { 0 };
  struct pe_gpu *gpu = &b->f.gpu;
  bool ok = gpu->vk.EndCommandBuffer (b->f.commands) == VK_SUCCESS &&
            pe_gpu_submit (gpu, b->f.commands, &error) &&
            pe_gpu_wait (gpu, gpu->compute.submitted, &error);
  if (!ok)
    printf ("# %s\n", error.message);
  return ok;
}

/* `bytes` of a buffer that the host sees, again and again behind the first `skip` of both. */
static bool
fill (struct bench *b, const struct pe_gpu_buffer *from, const struct pe_gpu_buffer *to,
      uint64_t skip, uint64_t bytes)
{
  if (!begin (b))
    return false;
  for (uint64_t at = skip; at + bytes <= to->bytes; at += bytes) {
    const VkBufferCopy region = { skip, at, bytes };
    b->f.gpu.vk.CmdCopyBuffer (b->f.commands, from->buffer, to->buffer, 1, &region);
  }
  if (skip) {
    const VkBufferCopy books = { 0, 0, skip };
    b->f.gpu.vk.CmdCopyBuffer (b->f.commands, from->buffer, to->buffer, 1, &books);
  }
  return end_and_wait (b);
}

/* 64 different ones. */
bool
bench_fill_weights (struct bench *b, enum pe_type type)
{
  uint64_t state = 1;
  random_blocks (type, b->f.bytes, (size_t) b->k * 64, 1.0f, &state);
  return fill (b, &b->f.weights, &b->weights, 0, pe_type_row_bytes (type, b->k) * 64);
}

bool
bench_fill_work (struct bench *b)
{
  uint64_t state = 2;
  for (size_t i = 0; i < 1u << 20; i++)
    b->f.floats[i] = random_float (&state);
  return fill (b, &b->f.work, &b->work, PE_BOOK_BYTES, 4u << 20);
}

/* ---- time ---- */

static void
record (struct bench *b, VkPipeline pipeline, const struct job *job)
{
  const struct pe_vk *vk = &b->f.gpu.vk;
  const VkMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT,
  };
  vk->CmdResetQueryPool (b->f.commands, b->stamps, 0, 2);
  vk->CmdBindPipeline (b->f.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vk->CmdPushConstants (b->f.commands, b->f.pipelines.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                        job->push_bytes, job->push);
  vk->CmdWriteTimestamp (b->f.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, b->stamps, 0);
  for (uint32_t i = 0; i < b->repeat; i++) {
    vk->CmdDispatch (b->f.commands, job->x, job->y, job->z);
    vk->CmdPipelineBarrier (b->f.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
  }
  vk->CmdWriteTimestamp (b->f.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, b->stamps, 1);
}

/* The shortest of several rounds; the first warms up. Below zero: failed. */
double
bench_seconds (struct bench *b, const struct job *job)
{
  struct pe_gpu *gpu = &b->f.gpu;
  struct pe_error error = { 0 };
  VkPipeline pipeline;
  if (!pe_gpu_pipeline (gpu, &b->f.pipelines, job->shader, job->constants, job->n_constants,
                        &pipeline, &error)) {
    printf ("# %s\n", error.message);
    return -1;
  }
  double best = 1e9, end = now () + b->seconds;
  for (uint32_t i = 0; i <= LEAST_ROUNDS || now () < end; i++) {
    uint64_t t[2];
    if (!begin (b))
      return -1;
    record (b, pipeline, job);
    if (!end_and_wait (b) ||
        gpu->vk.GetQueryPoolResults (gpu->device, b->stamps, 0, 2, sizeof t, t, sizeof *t,
                                     VK_QUERY_RESULT_64_BIT) != VK_SUCCESS)
      return -1;
    double s = (double) ((t[1] - t[0]) & gpu->stamp_mask) * gpu->stamp_seconds / b->repeat;
    best = i > 0 && s < best ? s : best;
  }
  return best;
}

bool
bench_print (struct bench *b, const char *what, const struct job *job)
{
  double s = bench_seconds (b, job);
  if (s < 0)
    return false;
  printf ("%-24s %11.1f", what, 1e6 * s);
  if (job->operations > 0)
    printf (" %10.1f GOP/s %4.0f %%\n", 1e-9 * job->operations / s,
            100 * job->operations / s / b->products);
  else
    printf (" %10.2f GB/s  %4.0f %%\n", 1e-9 * job->bytes / s, 100 * job->bytes / s / b->copies);
  fflush (stdout);
  return true;
}

/* ---- the run ---- */

static bool
open_bench (struct bench *b, char why[256])
{
  if (!fixture_open (&b->f, why))
    return false;
  bool software = b->f.gpu.info.kind == PE_DEVICE_SOFTWARE;
  b->weight_bytes = software ? 4u << 20 : 256u << 20;
  b->k = software ? 1024 : 4096;
  b->n = software ? 256 : 4096;
  b->m = software ? 64 : BENCH_MAX_ROWS;
  b->repeat = software ? 1 : 16;
  b->seconds = SECONDS;
  const VkQueryPoolCreateInfo stamps = {
    .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
    .queryType = VK_QUERY_TYPE_TIMESTAMP,
    .queryCount = 2,
  };
  struct pe_error error = { 0 };
  struct pe_gpu *gpu = &b->f.gpu;
  /* A page of attention is one MiB, a matrix of float32 as large as it is. */
  uint64_t bytes = software ? 16u << 20 : 256u << 20;
  bool ok = gpu->stamp_mask && pe_vk_device_copy_rate (&gpu->info, &b->copies, &error) &&
            pe_vk_device_measure (&gpu->info, &error) &&
            gpu->vk.CreateQueryPool (gpu->device, &stamps, NULL, &b->stamps) == VK_SUCCESS &&
            take (b, PE_MEMORY_WEIGHTS, bytes, &b->weights) &&
            take (b, PE_MEMORY_WORK, PE_BOOK_BYTES + BENCH_WORK_BYTES, &b->work);
  b->products = gpu->info.matmul_rate;
  snprintf (why, 256, "%.250s", gpu->stamp_mask ? error.message : "the device has no time stamps");
  return ok;
}

static void
close_bench (struct bench *b)
{
  if (b->f.gpu.device) {
    pe_gpu_give (&b->f.gpu, &b->weights);
    pe_gpu_give (&b->f.gpu, &b->work);
    if (b->stamps)
      b->f.gpu.vk.DestroyQueryPool (b->f.gpu.device, b->stamps, NULL);
  }
  fixture_close (&b->f);
}

int
bench_run (bool (*each) (struct bench *b, const char *wanted), const char *wanted)
{
  struct bench b = { 0 };
  char why[256];
  bool ok = open_bench (&b, why);
  if (!ok)
    printf ("%s\n", why);
  else
    printf ("%s, %s: copies %.2f GB/s, products of halves %.1f GOP/s\n%-24s %11s %10s\n",
            b.f.gpu.info.name, b.f.gpu.info.driver, 1e-9 * b.copies, 1e-9 * b.products, "kernel",
            "microsec.", "rate");
  ok = ok && bench_fill_work (&b) && each (&b, wanted);
  close_bench (&b);
  return ok ? 0 : 1;
}

static bool
each_variant (struct bench *b, const char *wanted)
{
  bool ok = true;
  for (enum pe_shader s = 0; ok && s < PE_SHADER_COUNT; s++)
    if (strncmp (pe_shader_code[s].name, wanted, strlen (wanted)) == 0)
      ok = bench_variant (b, s);
  return ok;
}

int
bench_vulkan (const char *wanted)
{
  return bench_run (each_variant, wanted);
}
