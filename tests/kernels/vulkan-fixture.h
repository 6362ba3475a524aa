/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Vulkan device with three buffers that the host sees, for running single kernels. Takes the
 * device that PARLEY_VULKAN_DEVICE names, otherwise the first, software ones included.
 */
#pragma once

#include "engine/vulkan/memory.h"
#include "engine/vulkan/pipelines.h"
#include "shaders/shared/arguments.h"

#define FIXTURE_WORK_FLOATS (1u << 22)

struct fixture {
  struct pe_gpu gpu;
  struct pe_gpu_pipelines pipelines;
  VkCommandPool pool;
  VkCommandBuffer commands;
  struct pe_gpu_buffer work, weights, tables;
  float *floats;        /* work */
  unsigned char *bytes; /* weights */
  uint32_t *words;      /* tables */
  bool used[PE_SHADER_COUNT];
};

/* False, with the reason, when there is no device. */
bool fixture_open (struct fixture *f, char why[256]);
void fixture_close (struct fixture *f);

/* Runs one kernel and waits. */
bool fixture_run (struct fixture *f, enum pe_shader shader, const uint32_t *constants,
                  uint32_t n_constants, const void *push, uint32_t push_bytes, uint32_t x,
                  uint32_t y, uint32_t z);

/* Why a variant cannot run here; NULL: it can. */
const char *fixture_missing (const struct fixture *f, enum pe_shader shader);

/* Which program checks a kernel: test-vulkan-kernels.c, -attention.c or -recurrent.c. */
enum kernel_part { KERNELS_OF_ROWS, KERNELS_OF_ATTENTION, KERNELS_OF_STATES };
enum kernel_part fixture_part (const char *kernel);
