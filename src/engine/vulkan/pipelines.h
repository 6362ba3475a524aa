/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compute pipelines by kernel and specialisation constants, made on first use and kept. All have
 * the same layout: 128 bytes of push constants and no descriptors.
 */
#pragma once

#include "engine/vulkan/device.h"
#include "shaders/kernels.h"

#include <pthread.h>

#define PE_GPU_PUSH_BYTES    128
#define PE_GPU_MAX_CONSTANTS 12

#define PE_GPU_COMPILERS 4 /* threads at most */

struct pe_gpu_pipelines {
  VkPipelineLayout layout;
  VkPipelineCache cache;
  VkShaderModule modules[PE_SHADER_COUNT];
  struct pe_gpu_pipeline *list; /* stands still while threads compile */
  size_t n, capacity;
  struct pe_gpu *gpu;
  pthread_t compilers[PE_GPU_COMPILERS];
  uint32_t n_compilers;
  _Atomic size_t next;      /* of the list, to compile */
  _Atomic uint64_t n_ahead; /* compiled by threads before they were used */
  uint64_t n_late;          /* compiled when a pass needed them */
};

/* `blob`: what pe_gpu_pipelines_blob() gave in an earlier run, or nothing; the driver refuses
 * what is not its own. */
bool pe_gpu_pipelines_open (struct pe_gpu *gpu, const void *blob, size_t n_bytes,
                            struct pe_gpu_pipelines *out, struct pe_error *error);
void pe_gpu_pipelines_close (struct pe_gpu *gpu, struct pe_gpu_pipelines *pipelines);

/* Which variant of a kernel is for a type; `first` is the kernel's first. PE_SHADER_COUNT: none. */
enum pe_shader pe_shader_find (enum pe_shader first, enum pe_type type);

/* `constants[i]` is the specialisation constant with id i; those that a kernel lacks are
 * ignored. */
bool pe_gpu_pipeline (struct pe_gpu *gpu, struct pe_gpu_pipelines *pipelines, enum pe_shader shader,
                      const uint32_t *constants, uint32_t n_constants, VkPipeline *out,
                      struct pe_error *error);

/* Says that a pipeline will be used; pe_gpu_pipelines_start() compiles those in threads of its own,
 * while the caller does something else. One that cannot be compiled fails when it is used. */
bool pe_gpu_pipelines_want (struct pe_gpu_pipelines *pipelines, enum pe_shader shader,
                            const uint32_t *constants, uint32_t n_constants,
                            struct pe_error *error);
void pe_gpu_pipelines_start (struct pe_gpu *gpu, struct pe_gpu_pipelines *pipelines,
                             uint32_t n_threads);
void pe_gpu_pipelines_finish (struct pe_gpu_pipelines *pipelines); /* waits for the threads */

/* The driver's cache as bytes, pe_malloc'ed; NULL when there is none. */
void *pe_gpu_pipelines_blob (struct pe_gpu *gpu, struct pe_gpu_pipelines *pipelines,
                             size_t *n_bytes);
