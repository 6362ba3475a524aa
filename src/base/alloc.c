/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/alloc.h"

#include "base/checked.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t allocations; /* since the last pe_alloc_fail_at */
static _Atomic uint64_t fail_at;     /* 0 = never */
static atomic_bool fail_forever;

bool
pe_alloc_must_fail (void)
{
  uint64_t n = atomic_fetch_add_explicit (&allocations, 1, memory_order_relaxed) + 1;
  uint64_t at = atomic_load_explicit (&fail_at, memory_order_relaxed);
  if (at == 0)
    return false;
  return n == at || (n > at && atomic_load_explicit (&fail_forever, memory_order_relaxed));
}

uint64_t
pe_alloc_fail_at (uint64_t nth, bool forever)
{
  uint64_t n = atomic_exchange (&allocations, 0);
  atomic_store (&fail_at, nth);
  atomic_store (&fail_forever, forever);
  return n;
}

void *
pe_malloc (size_t n)
{
  return pe_alloc_must_fail () ? NULL : malloc (n ? n : 1);
}

void *
pe_calloc (size_t count, size_t size)
{
  return pe_alloc_must_fail () ? NULL : calloc (count ? count : 1, size ? size : 1);
}

void *
pe_realloc (void *p, size_t n)
{
  return pe_alloc_must_fail () ? NULL : realloc (p, n ? n : 1);
}

void
pe_free (void *p)
{
  free (p);
}

char *
pe_strndup (const char *s, size_t n)
{
  size_t size;
  if (!pe_add_size (n, 1, &size))
    return NULL;
  char *copy = pe_malloc (size);
  if (!copy)
    return NULL;
  if (n)
    memcpy (copy, s, n);
  copy[n] = 0;
  return copy;
}

bool
pe_grow (void *array, size_t *capacity, size_t need, size_t size)
{
  if (need <= *capacity)
    return true;
  size_t n = *capacity ? *capacity : 16;
  while (n < need)
    if (!pe_mul_size (n, 2, &n))
      return false;
  size_t bytes;
  if (!pe_mul_size (n, size, &bytes))
    return false;
  void *old;
  memcpy (&old, array, sizeof old);
  void *p = pe_realloc (old, bytes);
  if (!p)
    return false;
  memcpy (array, &p, sizeof p);
  *capacity = n;
  return true;
}

#define ARENA_ALIGNMENT 16
#define ARENA_BLOCK     ((size_t) 64 << 10)

struct pe_arena_block {
  struct pe_arena_block *previous;
  size_t used, size; /* of the bytes behind this header */
};

_Static_assert(sizeof (struct pe_arena_block) % 8 == 0, "blocks keep their contents aligned");

static unsigned char *
block_bytes (struct pe_arena_block *block)
{
  uintptr_t p = (uintptr_t) (block + 1);
  return (unsigned char *) ((p + ARENA_ALIGNMENT - 1) & ~(uintptr_t) (ARENA_ALIGNMENT - 1));
}

void *
pe_arena_alloc (struct pe_arena *arena, size_t n)
{
  uint64_t aligned;
  if (!pe_align_u64 (n ? n : 1, ARENA_ALIGNMENT, &aligned) || aligned > SIZE_MAX / 2)
    return NULL;
  n = (size_t) aligned;
  struct pe_arena_block *block = arena->last;
  if (!block || block->size - block->used < n) {
    size_t size = n > ARENA_BLOCK ? n : ARENA_BLOCK;
    size_t total = sizeof *block + ARENA_ALIGNMENT + size;
    block = pe_calloc (1, total);
    if (!block)
      return NULL;
    block->size = size;
    arena->n_bytes += total;
    /* A large object gets a block of its own and leaves the half-filled one in use. */
    if (n > ARENA_BLOCK && arena->last) {
      block->previous = arena->last->previous;
      arena->last->previous = block;
    } else {
      block->previous = arena->last;
      arena->last = block;
    }
  }
  void *p = block_bytes (block) + block->used;
  block->used += n;
  return p;
}

void *
pe_arena_array (struct pe_arena *arena, size_t count, size_t size)
{
  size_t bytes;
  return pe_mul_size (count, size, &bytes) ? pe_arena_alloc (arena, bytes) : NULL;
}

char *
pe_arena_strndup (struct pe_arena *arena, const char *s, size_t n)
{
  size_t size;
  char *copy = pe_add_size (n, 1, &size) ? pe_arena_alloc (arena, size) : NULL;
  if (copy && n)
    memcpy (copy, s, n);
  return copy;
}

void
pe_arena_clear (struct pe_arena *arena)
{
  while (arena->last) {
    struct pe_arena_block *previous = arena->last->previous;
    free (arena->last);
    arena->last = previous;
  }
  arena->n_bytes = 0;
}
