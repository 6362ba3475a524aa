/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One job at a time, described by the pool itself. A new `epoch` announces it; helpers that come
 * while the gate is open join, and those that come later find nothing left to do: the caller
 * closes the gate when all items are taken and waits only for those who joined. So a helper that
 * sleeps or was pre-empted costs nothing. The description changes only behind a closed, empty
 * gate. Both words are futexes.
 */
#include "engine/cpu/pool.h"
#include "base/alloc.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* About 50 microseconds: longer than the pauses between the operations of a layer. */
#define SPINS 2000

struct helper {
  pthread_t thread;
  struct pe_pool *pool;
  unsigned index;
};

#define GATE_OPEN 0x80000000u /* below it: how many helpers are inside */

struct pe_pool {
  unsigned n_threads;
  struct helper *helpers; /* n_threads - 1 */

  pe_pool_fn fn;
  void *data;
  size_t n, chunk;
  uint64_t n_barriers;

  /* Words written by different threads keep a cache line apart. */
  char space_0[64];
  atomic_uint epoch;
  atomic_uint n_sleepers; /* helpers asleep, or about to be, on `epoch` */
  atomic_bool stop;
  char space_1[64];
  atomic_uint gate;
  atomic_uint caller_sleeps;
  char space_2[64];
  atomic_size_t next; /* item */
};

static void
futex_wait (atomic_uint *word, unsigned seen)
{
  syscall (SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void
futex_wake (atomic_uint *word, int n)
{
  syscall (SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static inline void
pause_cpu (void)
{
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause ();
#elif defined __aarch64__
  __asm__ volatile("yield");
#endif
}

/* Waits until *word is no longer `seen`; `sleeping` tells the other side that a wake is needed. */
static void
wait_for_change (atomic_uint *word, unsigned seen, atomic_uint *sleeping)
{
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load_explicit (word, memory_order_acquire) != seen)
      return;
    pause_cpu ();
  }
  atomic_fetch_add (sleeping, 1);
  while (atomic_load (word) == seen)
    futex_wait (word, seen);
  atomic_fetch_sub (sleeping, 1);
}

/* Takes a share of what is left, in whole chunks: long runs at first, which memory likes, and
 * single chunks at the end, so that all threads are done at about the same time (guided
 * self-scheduling, Polychronopoulos and Kuck 1987). */
static bool
take (struct pe_pool *pool, size_t *begin, size_t *end)
{
  *begin = atomic_load_explicit (&pool->next, memory_order_relaxed);
  do {
    if (*begin >= pool->n)
      return false;
    size_t left = pool->n - *begin, share = left / (2 * pool->n_threads);
    share -= share % pool->chunk;
    if (share < pool->chunk)
      share = pool->chunk < left ? pool->chunk : left;
    *end = *begin + share;
  } while (!atomic_compare_exchange_weak_explicit (&pool->next, begin, *end, memory_order_relaxed,
                                                   memory_order_relaxed));
  return true;
}

static void
work (struct pe_pool *pool, unsigned thread)
{
  for (size_t begin, end; take (pool, &begin, &end);)
    pool->fn (pool->data, begin, end, thread);
}

static bool
enter (struct pe_pool *pool)
{
  unsigned gate = atomic_load (&pool->gate);
  while (gate & GATE_OPEN)
    if (atomic_compare_exchange_weak (&pool->gate, &gate, gate + 1))
      return true;
  return false;
}

static void
leave (struct pe_pool *pool)
{
  if (atomic_fetch_sub (&pool->gate, 1) == 1 && atomic_load (&pool->caller_sleeps))
    futex_wake (&pool->gate, 1);
}

static void *
helper_main (void *data)
{
  struct helper *helper = data;
  struct pe_pool *pool = helper->pool;
  for (unsigned seen = 0;;) {
    wait_for_change (&pool->epoch, seen, &pool->n_sleepers);
    seen = atomic_load (&pool->epoch);
    if (atomic_load (&pool->stop))
      return NULL;
    if (enter (pool)) {
      work (pool, helper->index);
      leave (pool);
    }
  }
}

static void
start_epoch (struct pe_pool *pool)
{
  atomic_fetch_add (&pool->epoch, 1);
  if (atomic_load (&pool->n_sleepers))
    futex_wake (&pool->epoch, (int) pool->n_threads);
}

void
pe_pool_run (struct pe_pool *pool, size_t n, size_t chunk, pe_pool_fn fn, void *data)
{
  if (n == 0)
    return;
  if (chunk == 0)
    chunk = 1;
  if (pool->n_threads == 1 || n <= chunk) {
    fn (data, 0, n, 0);
    return;
  }
  pool->n_barriers++;
  pool->fn = fn;
  pool->data = data;
  pool->n = n;
  pool->chunk = chunk;
  atomic_store_explicit (&pool->next, 0, memory_order_relaxed);
  atomic_store (&pool->gate, GATE_OPEN);
  start_epoch (pool);
  work (pool, 0);
  atomic_fetch_and (&pool->gate, ~GATE_OPEN);
  for (unsigned inside; (inside = atomic_load (&pool->gate)) > 0;)
    wait_for_change (&pool->gate, inside, &pool->caller_sleeps);
}

void
pe_pool_free (struct pe_pool *pool)
{
  if (!pool)
    return;
  atomic_store (&pool->stop, true);
  start_epoch (pool);
  for (unsigned i = 0; i + 1 < pool->n_threads; i++)
    pthread_join (pool->helpers[i].thread, NULL);
  pe_free (pool->helpers);
  pe_free (pool);
}

bool
pe_pool_new (unsigned n_threads, struct pe_pool **out, struct pe_error *error)
{
  if (n_threads == 0 || n_threads > 1024)
    return pe_fail (error, PE_ERROR_ARGUMENT, "%u threads are not between 1 and 1024", n_threads);
  struct pe_pool *pool = pe_calloc (1, sizeof *pool);
  struct helper *helpers = pe_calloc (n_threads, sizeof *helpers);
  if (!pool || !helpers) {
    pe_free (pool);
    pe_free (helpers);
    return pe_fail (error, PE_ERROR_MEMORY, "No memory for %u threads", n_threads);
  }
  pool->helpers = helpers;
  pool->n_threads = 1;
  for (; pool->n_threads < n_threads; pool->n_threads++) {
    struct helper *helper = &helpers[pool->n_threads - 1];
    helper->pool = pool;
    helper->index = pool->n_threads;
    int code = pthread_create (&helper->thread, NULL, helper_main, helper);
    if (code) {
      pe_pool_free (pool);
      return pe_fail (error, PE_ERROR_IO, "Cannot start a thread: %s", strerror (code));
    }
  }
  *out = pool;
  return true;
}

uint64_t
pe_pool_n_barriers (const struct pe_pool *pool)
{
  return pool->n_barriers;
}

unsigned
pe_pool_n_threads (const struct pe_pool *pool)
{
  return pool->n_threads;
}
