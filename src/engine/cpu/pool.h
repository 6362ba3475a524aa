/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The CPU backend's threads. They spin briefly between jobs and then sleep on a futex. Work is
 * taken from a shared counter, first in long runs and at last in single chunks, so a slow or
 * pre-empted core only delays what it has taken.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct pe_pool;

/* `n_threads` including the caller of pe_pool_run(); 1 starts none. */
bool pe_pool_new (unsigned n_threads, struct pe_pool **out, struct pe_error *error);
void pe_pool_free (struct pe_pool *pool);
unsigned pe_pool_n_threads (const struct pe_pool *pool);

/* Calls fn (data, begin, end, thread) until [0, n) is covered, by all threads, in
 * whole multiples of `chunk` items (the last may be smaller); returns when all is done. `thread` is
 * below n_threads: an index for per-thread scratch. Not reentrant. */
typedef void (*pe_pool_fn) (void *data, size_t begin, size_t end, unsigned thread);
void pe_pool_run (struct pe_pool *pool, size_t n, size_t chunk, pe_pool_fn fn, void *data);

/* How many of these calls had to wait for other threads. */
uint64_t pe_pool_n_barriers (const struct pe_pool *pool);
