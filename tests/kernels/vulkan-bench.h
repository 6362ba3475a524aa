/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of single GPU kernels by the device's time stamps, beside what the same device reached with
 * copies and products in the same run.
 */
#pragma once

#include "engine/vulkan/tiling.h"

#include "vulkan-fixture.h"

/* Prints a line for each variant whose name begins with `wanted`, and returns an exit status. */
int bench_vulkan (const char *wanted);
/* The same with every way to share the work out that may be worth choosing. */
int bench_sweep (const char *wanted);

/* ---- between vulkan-bench*.c ---- */

#define BENCH_MAX_ROWS   512
#define BENCH_WORK_BYTES (64u << 20)

struct bench {
  struct fixture f;
  struct pe_gpu_buffer weights, work;
  VkQueryPool stamps;
  uint64_t weight_bytes;   /* of a matrix that is read */
  uint32_t k, n, m;        /* of a product: row length, rows of the matrix, rows of the batch */
  uint32_t repeat;         /* dispatches between two stamps */
  double seconds;          /* that a kernel is measured, at least */
  double copies, products; /* bytes and operations a second: the limits */
  /* Instead of what the engine chooses; 0: that. */
  struct pe_gpu_tiling tiling;
  uint32_t group, rows; /* of a matrix times a vector: workgroup, rows of the matrix in each */
};

/* One dispatch, and what it moves or computes. */
struct job {
  enum pe_shader shader;
  uint32_t constants[PE_GPU_MAX_CONSTANTS], n_constants;
  const void *push;
  uint32_t push_bytes, x, y, z;
  double bytes, operations;
};

bool bench_fill_weights (struct bench *b, enum pe_type type); /* random rows of k elements */
bool bench_fill_work (struct bench *b);

/* Of one dispatch, the shortest of several rounds; below zero: failed. */
double bench_seconds (struct bench *b, const struct job *job);
bool bench_print (struct bench *b, const char *name, const struct job *job);

/* Calls `each` with a device at hand; returns an exit status. */
int bench_run (bool (*each) (struct bench *b, const char *wanted), const char *wanted);

/* One variant that can run here; true also where there is no bench for its kernel. */
bool bench_variant (struct bench *b, enum pe_shader shader);
