/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of the processor with the engine's own kernels and threads.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/cpu/device.h"
#include "engine/cpu/kernels.h"
#include "engine/cpu/pool.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define READ_BYTES  ((size_t) 256 << 20) /* far more than any cache */
#define READ_CHUNK  ((size_t) 1 << 20)
#define ROUNDS      3
#define BARE_ROUNDS 500
#define BARE_JOBS   16 /* of each thread: a slow one can be helped out */

struct reading {
  const struct pe_kernels *kernels;
  char *data;
  atomic_uint_fast64_t sink;
};

static void
fill_chunks (void *data, size_t begin, size_t end, unsigned thread)
{
  struct reading *r = data;
  memset (r->data + begin * READ_CHUNK, 1, (end - begin) * READ_CHUNK);
}

static void
read_chunks (void *data, size_t begin, size_t end, unsigned thread)
{
  struct reading *r = data;
  for (size_t i = begin; i < end; i++)
    r->sink ^= r->kernels->read_bytes (READ_CHUNK, r->data + i * READ_CHUNK);
}

static bool
measure_reading (struct pe_pool *pool, struct pe_device_info *info, struct pe_error *error)
{
  struct reading r = { .kernels = pe_kernels_for (pe_cpu_best_level ()) };
  r.data = mmap (NULL, READ_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (r.data == MAP_FAILED)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to measure it");
#ifdef MADV_HUGEPAGE
  madvise (r.data, READ_BYTES, MADV_HUGEPAGE);
#endif
  pe_pool_run (pool, READ_BYTES / READ_CHUNK, 1, fill_chunks, &r);
  for (int i = 0; i < ROUNDS; i++) {
    double start = pe_clock ();
    pe_pool_run (pool, READ_BYTES / READ_CHUNK, 1, read_chunks, &r);
    double rate = READ_BYTES / (pe_clock () - start);
    info->read_rate = rate > info->read_rate ? rate : info->read_rate;
  }
  munmap (r.data, READ_BYTES);
  return true;
}

/* Each thread goes through the same numbers again and again, in memory of its own. */
struct multiplying {
  double (*bare) (size_t rounds, void *scratch);
  unsigned char *scratch;
  size_t scratch_bytes; /* of each thread */
};

static void
multiply (void *data, size_t begin, size_t end, unsigned thread)
{
  struct multiplying *m = data;
  for (size_t i = begin; i < end; i++)
    m->bare (BARE_ROUNDS, m->scratch + thread * m->scratch_bytes);
}

static double
bare_rate (struct pe_pool *pool, struct multiplying m)
{
  size_t n = (size_t) pe_pool_n_threads (pool) * BARE_JOBS;
  double operations = (double) n * m.bare (BARE_ROUNDS, m.scratch), best = 0;
  for (int i = 0; i < ROUNDS; i++) {
    double start = pe_clock ();
    pe_pool_run (pool, n, 1, multiply, &m);
    double rate = operations / (pe_clock () - start);
    best = rate > best ? rate : best;
  }
  return best;
}

static bool
measure_multiplying (struct pe_pool *pool, struct pe_device_info *info, struct pe_error *error)
{
  const struct pe_kernels *k = pe_kernels_for (pe_cpu_best_level ());
  unsigned char *raw = pe_calloc ((size_t) pe_pool_n_threads (pool) + 1, k->gemm_scratch);
  if (!raw)
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to measure it");
  struct multiplying m = { k->bare_exact, raw + (64 - (uintptr_t) raw % 64), k->gemm_scratch };
  info->matmul_exact_rate = bare_rate (pool, m);
  if (k->bare_fast)
    m.bare = k->bare_fast;
  info->matmul_rate = bare_rate (pool, m);
  pe_free (raw);
  return true;
}

bool
pe_cpu_device_measure (struct pe_device_info *info, struct pe_error *error)
{
  struct pe_pool *pool;
  if (!pe_pool_new (info->n_cores ? info->n_cores : 1, &pool, error))
    return false;
  info->read_rate = info->matmul_rate = info->matmul_exact_rate = 0;
  bool ok = measure_reading (pool, info, error) && measure_multiplying (pool, info, error);
  info->transfer_rate = info->read_rate / 2; /* a copy reads and writes */
  pe_pool_free (pool);
  return ok;
}
