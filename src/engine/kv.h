/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The key-value cache's geometry, the same on every device, so that moving a layer is a copy.
 *
 * A page holds PE_PAGE_TOKENS tokens of one layer: for each KV head its keys, 256 rows of k_width
 * elements, then for each head its values:
 *
 *   page = [n_kv_heads][256][k_row_bytes] [n_kv_heads][256][v_row_bytes]
 *
 * Pages are named by slot; slot s of a layer lies in segment s / pages_per_segment. All layers of
 * a pool have the same slots: one pool is of the layers that see everything, the other of those
 * that see a window, whose pages go back when the window has moved on. Where contexts are so short
 * that this would save little, all layers are of the first. The slots of a pool are
 * reference-counted: a sequence's page table (page-table.h) lists slots, branches share them, and a
 * shared page is copied before it is written.
 */
#pragma once

#include "base/error.h"
#include "engine/quant/types.h"

#include <stddef.h>

#define PE_PAGE_TOKENS     256
#define PE_SEGMENT_PAGES   16 /* 4096 tokens */
#define PE_MAX_STATE_SLOTS 4
#define PE_MAX_CHECKPOINTS 4   /* of a sequence */
#define PE_WINDOW_SLACK    256 /* tokens before a window that are kept, for small steps back */

enum { PE_POOL_ALL, PE_POOL_WINDOW, PE_POOL_COUNT };

struct pe_kv_layer {
  uint32_t n_kv_heads; /* 0: no cache of its own */
  uint32_t pool;
  uint32_t k_width, v_width;
  enum pe_type k_type, v_type;
  uint64_t k_row_bytes, v_row_bytes;   /* of one token and head */
  uint64_t k_head_bytes, v_head_bytes; /* 256 rows */
  uint64_t page_bytes;
};

struct pe_kv_geometry {
  struct pe_kv_layer *layers; /* n_layers of them */
  uint32_t n_layers;
  uint32_t n_pages[PE_POOL_COUNT]; /* slots; 0: no layer is of this pool */
  uint32_t n_segments;             /* of the larger pool: the most that a layer has */
  uint32_t window;                 /* tokens that layers of PE_POOL_WINDOW see at most */
  uint64_t *state_bytes;           /* recurrent state of one slot, per layer */
  uint32_t n_state_slots;
};

struct pe_program;
struct pe_plan_request;

bool pe_kv_geometry_make (const struct pe_program *program, const struct pe_plan_request *request,
                          struct pe_kv_geometry *out, struct pe_error *error);
void pe_kv_geometry_clear (struct pe_kv_geometry *geometry);

/* Of a layer's cache, with `segment` < n_segments; 0: the layer has no such segment. */
uint32_t pe_kv_segment_pages (const struct pe_kv_geometry *geometry, uint32_t layer,
                              uint32_t segment);

/* The first page that layers of `pool` read when a token is computed at `position`. */
static inline size_t
pe_kv_first_page (const struct pe_kv_geometry *geometry, uint32_t pool, size_t position)
{
  if (pool != PE_POOL_WINDOW || position + 1 <= geometry->window)
    return 0;
  return (position + 1 - geometry->window) / PE_PAGE_TOKENS;
}

/* ---- the pool of page slots ---- */

struct pe_page_pool {
  uint16_t *references; /* per slot */
  uint32_t *free_slots; /* a stack */
  uint32_t n_free, n_pages;
};

bool pe_page_pool_init (struct pe_page_pool *pool, uint32_t n_pages, struct pe_error *error);
void pe_page_pool_clear (struct pe_page_pool *pool);
bool pe_page_take (struct pe_page_pool *pool, uint32_t *slot); /* false: none is free */
void pe_page_share (struct pe_page_pool *pool, uint32_t slot);
void pe_page_release (struct pe_page_pool *pool, uint32_t slot);
static inline bool
pe_page_is_shared (const struct pe_page_pool *pool, uint32_t slot)
{
  return pool->references[slot] > 1;
}
