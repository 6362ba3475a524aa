/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Host memory of the engine: small objects through pe_malloc and arenas, so that every single
 * allocation can be made to fail in tests. Buffers that the plan lists (weights, KV pages,
 * working memory) are taken by engine/buffer.h instead, which counts them.
 *
 * All functions may be called from any thread; an arena belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when memory is short or a fault was injected; n == 0 gives a unique pointer. */
void *pe_malloc (size_t n);
void *pe_calloc (size_t count, size_t size);
void *pe_realloc (void *p, size_t n);
void pe_free (void *p);
char *pe_strndup (const char *s, size_t n);

/* Grows *array (of `size`-byte elements) so that it holds at least `need` of them; doubles.
 * On failure *array and *capacity are unchanged. */
bool pe_grow (void *array, size_t *capacity, size_t need, size_t size);

/* Makes the `nth` allocation from now on fail (1 = the next); `forever`: and all after it.
 * 0 switches it off. Only for tests; returns how many allocations were made since the last call. */
uint64_t pe_alloc_fail_at (uint64_t nth, bool forever);
bool pe_alloc_must_fail (void); /* counts as an allocation: for memory taken by other means */

/* An arena: many small objects with one life. Never moves what it gave out. */
struct pe_arena {
  struct pe_arena_block *last;
  uint64_t n_bytes; /* taken from the system, headers included */
};

/* `alignment` 16; zero-filled; NULL when memory is short. */
void *pe_arena_alloc (struct pe_arena *arena, size_t n);
void *pe_arena_array (struct pe_arena *arena, size_t count, size_t size);
char *pe_arena_strndup (struct pe_arena *arena, const char *s, size_t n);
void pe_arena_clear (struct pe_arena *arena);
