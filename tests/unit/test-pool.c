/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The thread pool: every item exactly once, whatever the shape of the job and the pace.
 */
#include "base/alloc.h"
#include "engine/cpu/pool.h"

#include "../harness.h"

#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#define N_MAX 1000

struct job {
  unsigned char seen[N_MAX]; /* plain: the pool must order the writes */
  atomic_uint threads;       /* bits of those that took part */
  size_t n, chunk;
  atomic_bool bad;
};

static void
mark (void *data, size_t begin, size_t end, unsigned thread)
{
  struct job *job = data;
  if (begin % job->chunk || (end % job->chunk && end != job->n) || end > job->n || begin >= end)
    atomic_store (&job->bad, true);
  for (size_t i = begin; i < end; i++)
    job->seen[i]++;
  atomic_fetch_or (&job->threads, 1u << thread);
}

static void
run_shapes (unsigned n_threads, bool pauses)
{
  struct pe_pool *pool;
  struct pe_error error;
  CHECK (pe_pool_new (n_threads, &pool, &error));
  CHECK (pe_pool_n_threads (pool) == n_threads);
  static const size_t sizes[] = { 0, 1, 2, 3, 16, 17, 999, 1000 }, chunks[] = { 1, 2, 16, 1000 };
  struct job job;
  size_t n_wrong = 0;
  for (int round = 0; round < (pauses ? 3 : 100); round++)
    for (size_t s = 0; s < 8; s++)
      for (size_t c = 0; c < 4; c++) {
        memset (&job, 0, sizeof job);
        job.n = sizes[s];
        job.chunk = chunks[c];
        if (pauses)
          usleep (500); /* long enough for the helpers to fall asleep */
        pe_pool_run (pool, job.n, job.chunk, mark, &job);
        for (size_t i = 0; i < N_MAX; i++)
          n_wrong += job.seen[i] != (i < job.n);
        n_wrong += atomic_load (&job.bad) || atomic_load (&job.threads) >> n_threads;
      }
  pe_pool_free (pool);
  CHECK_MSG (n_wrong == 0, "%zu", n_wrong);
}

static void
covers_every_item_alone (void)
{
  run_shapes (1, false);
}

static void
covers_every_item_with_two (void)
{
  run_shapes (2, false);
}

static void
covers_every_item_with_more_threads_than_cores (void)
{
  run_shapes (7, false);
}

static void
wakes_sleeping_helpers (void)
{
  run_shapes (3, true);
}

struct meeting {
  atomic_uint present;
  unsigned wanted;
};

static void
meet (void *data, size_t begin, size_t end, unsigned thread)
{
  struct meeting *meeting = data;
  atomic_fetch_add (&meeting->present, 1);
  while (atomic_load (&meeting->present) < meeting->wanted)
    usleep (10);
}

static void
all_threads_work_at_once (void)
{
  struct pe_pool *pool;
  struct meeting meeting = { .wanted = 4 };
  CHECK (pe_pool_new (4, &pool, NULL));
  pe_pool_run (pool, 4, 1, meet, &meeting); /* would hang if one thread took two items */
  pe_pool_free (pool);
  CHECK (atomic_load (&meeting.present) == 4);
}

static void
refuses_senseless_sizes (void)
{
  struct pe_pool *pool;
  struct pe_error error;
  CHECK (!pe_pool_new (0, &pool, &error) && error.code == PE_ERROR_ARGUMENT);
  CHECK (!pe_pool_new (UINT32_MAX, &pool, &error) && error.code == PE_ERROR_ARGUMENT);
}

static void
survives_failing_allocations (void)
{
  struct pe_pool *pool;
  struct pe_error error;
  for (unsigned nth = 1; nth <= 2; nth++) {
    pe_alloc_fail_at (nth, false);
    bool made = pe_pool_new (2, &pool, &error);
    pe_alloc_fail_at (0, false);
    CHECK (!made && error.code == PE_ERROR_MEMORY);
  }
}

int
main (void)
{
  RUN (covers_every_item_alone);
  RUN (covers_every_item_with_two);
  RUN (covers_every_item_with_more_threads_than_cores);
  RUN (wakes_sleeping_helpers);
  RUN (all_threads_work_at_once);
  RUN (refuses_senseless_sizes);
  RUN (survives_failing_allocations);
  return test_done ();
}
