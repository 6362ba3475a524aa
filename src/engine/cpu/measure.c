/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of the processor with the engine's own kernels and threads.
 */
#include "base/alloc.h"
#include "engine/cpu/device.h"
#include "engine/cpu/kernels.h"
#include "engine/cpu/pool.h"

#include <string.h>
#include <time.h>

#define READ_FLOATS (64u << 20) /* 256 MiB: far more than any cache */
#define READ_CHUNK  (1u << 18)
#define ROUNDS      3
#define GEMM_ROWS   64
#define GEMM_COLS   64
#define GEMM_DEPTH  1024
#define GEMM_JOBS   64

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

struct reading {
  const struct pe_kernels *kernels;
  float *data;
  volatile float sink;
};

static void
fill_chunks (void *data, size_t begin, size_t end, unsigned thread)
{
  struct reading *r = data;
  memset (r->data + begin * READ_CHUNK, 1, (end - begin) * READ_CHUNK * sizeof (float));
}

static void
read_chunks (void *data, size_t begin, size_t end, unsigned thread)
{
  struct reading *r = data;
  for (size_t i = begin; i < end; i++)
    r->sink = r->kernels->sum_squares (READ_CHUNK, r->data + i * READ_CHUNK, 0);
}

static bool
measure_reading (struct pe_pool *pool, struct pe_device_info *info, struct pe_error *error)
{
  struct reading r = { .kernels = pe_kernels_for (pe_cpu_best_level ()) };
  r.data = pe_malloc ((size_t) READ_FLOATS * sizeof *r.data);
  if (!r.data)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to measure it");
  pe_pool_run (pool, READ_FLOATS / READ_CHUNK, 1, fill_chunks, &r);
  for (int i = 0; i < ROUNDS; i++) {
    double start = now ();
    pe_pool_run (pool, READ_FLOATS / READ_CHUNK, 1, read_chunks, &r);
    double rate = READ_FLOATS * sizeof *r.data / (now () - start);
    info->read_rate = rate > info->read_rate ? rate : info->read_rate;
  }
  pe_free (r.data);
  return true;
}

/* Each thread multiplies the same small matrices into results of its own. */
struct multiplying {
  const struct pe_kernels *kernels;
  const float *a, *b;
  float *results;
  unsigned char *scratch;
};

static void
multiply (void *data, size_t begin, size_t end, unsigned thread)
{
  struct multiplying *m = data;
  for (size_t i = begin; i < end; i++)
    m->kernels->gemm_exact[PE_TYPE_F32](GEMM_ROWS, GEMM_COLS, GEMM_DEPTH, m->a, GEMM_DEPTH, m->b,
                                        GEMM_DEPTH * sizeof (float),
                                        m->results + thread * GEMM_ROWS * GEMM_COLS, GEMM_COLS,
                                        m->scratch + (size_t) thread * PE_GEMM_SCRATCH);
}

static bool
measure_multiplying (struct pe_pool *pool, struct pe_device_info *info, struct pe_error *error)
{
  unsigned n_threads = pe_pool_n_threads (pool);
  float *a = pe_calloc ((size_t) GEMM_ROWS * GEMM_DEPTH, sizeof *a);
  float *b = pe_calloc ((size_t) GEMM_COLS * GEMM_DEPTH, sizeof *b);
  float *results = pe_calloc ((size_t) n_threads * GEMM_ROWS * GEMM_COLS, sizeof *results);
  unsigned char *raw = pe_calloc ((size_t) n_threads + 1, PE_GEMM_SCRATCH);
  bool ok = a && b && results && raw;
  if (ok) {
    struct multiplying m = { pe_kernels_for (pe_cpu_best_level ()), a, b, results,
                             raw + (64 - (uintptr_t) raw % 64) };
    for (int i = 0; i < ROUNDS; i++) {
      double start = now ();
      pe_pool_run (pool, GEMM_JOBS, 1, multiply, &m);
      double rate = 2.0 * GEMM_ROWS * GEMM_COLS * GEMM_DEPTH * GEMM_JOBS / (now () - start);
      info->matmul_rate = rate > info->matmul_rate ? rate : info->matmul_rate;
    }
  } else
    pe_fail (error, PE_ERROR_MEMORY, "not enough memory to measure it");
  pe_free (a);
  pe_free (b);
  pe_free (results);
  pe_free (raw);
  return ok;
}

bool
pe_cpu_device_measure (struct pe_device_info *info, struct pe_error *error)
{
  struct pe_pool *pool;
  if (!pe_pool_new (info->n_cores ? info->n_cores : 1, &pool, error))
    return false;
  info->read_rate = info->matmul_rate = 0;
  bool ok = measure_reading (pool, info, error) && measure_multiplying (pool, info, error);
  info->transfer_rate = info->read_rate / 2; /* a copy reads and writes */
  pe_pool_free (pool);
  return ok;
}
