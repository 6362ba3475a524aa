/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kv.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "engine/plan.h"
#include "engine/program.h"

#include <string.h>

static bool
layer_geometry (const struct pe_cache_shape *shape, const struct pe_plan_request *request,
                struct pe_kv_layer *out, struct pe_error *error)
{
  *out = (struct pe_kv_layer){ .n_kv_heads = shape->n_kv_heads,
                               .k_width = shape->k_width,
                               .v_width = shape->v_width,
                               .k_type = request->k_type,
                               .v_type = request->v_type };
  if (shape->n_kv_heads == 0)
    return true;
  /* A head that is no whole number of blocks is kept in half precision instead. */
  if (shape->k_width % pe_type_info (out->k_type)->block_elements)
    out->k_type = PE_TYPE_F16;
  if (shape->v_width % pe_type_info (out->v_type)->block_elements)
    out->v_type = PE_TYPE_F16;
  out->k_row_bytes = pe_type_row_bytes (out->k_type, out->k_width);
  out->v_row_bytes = pe_type_row_bytes (out->v_type, out->v_width);
  out->k_head_bytes = out->k_row_bytes * PE_PAGE_TOKENS;
  out->v_head_bytes = out->v_row_bytes * PE_PAGE_TOKENS;
  if (!pe_mul_u64 (out->k_head_bytes + out->v_head_bytes, out->n_kv_heads, &out->page_bytes) ||
      out->page_bytes > (uint64_t) 1 << 32)
    return pe_fail (error, PE_ERROR_LIMIT, "the cache of one layer would be absurdly large");
  return true;
}

bool
pe_kv_geometry_make (const struct pe_program *program, const struct pe_plan_request *request,
                     struct pe_kv_geometry *out, struct pe_error *error)
{
  memset (out, 0, sizeof *out);
  uint32_t n = program->n_layers;
  out->n_layers = n;
  out->layers = pe_calloc (n, sizeof *out->layers);
  out->state_bytes = pe_calloc (n, sizeof *out->state_bytes);
  if (!out->layers || !out->state_bytes) {
    pe_kv_geometry_clear (out);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the cache's description");
  }
  bool has_cache = false, has_state = false;
  for (uint32_t il = 0; il < n; il++) {
    const struct pe_layer *layer = &program->layers[il];
    if (!layer_geometry (&layer->cache, request, &out->layers[il], error)) {
      pe_kv_geometry_clear (out);
      return false;
    }
    out->state_bytes[il] = (uint64_t) layer->n_state * sizeof (float);
    has_cache |= layer->cache.n_kv_heads > 0;
    has_state |= layer->n_state > 0;
  }
  /* One page to spare: a branch copies the page that it shares before it writes to it. */
  if (has_cache)
    out->n_pages = request->n_ctx / PE_PAGE_TOKENS + (request->n_ctx % PE_PAGE_TOKENS != 0) + 1;
  out->n_segments = out->n_pages / PE_SEGMENT_PAGES + (out->n_pages % PE_SEGMENT_PAGES != 0);
  out->n_state_slots = has_state ? PE_MAX_STATE_SLOTS : 0;
  return true;
}

void
pe_kv_geometry_clear (struct pe_kv_geometry *geometry)
{
  pe_free (geometry->layers);
  pe_free (geometry->state_bytes);
  memset (geometry, 0, sizeof *geometry);
}

bool
pe_page_pool_init (struct pe_page_pool *pool, uint32_t n_pages, struct pe_error *error)
{
  memset (pool, 0, sizeof *pool);
  pool->references = pe_calloc (n_pages, sizeof *pool->references);
  pool->free_slots = pe_calloc (n_pages, sizeof *pool->free_slots);
  if (!pool->references || !pool->free_slots) {
    pe_page_pool_clear (pool);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the page table");
  }
  pool->n_pages = pool->n_free = n_pages;
  for (uint32_t i = 0; i < n_pages; i++)
    pool->free_slots[i] = n_pages - 1 - i; /* slot 0 is taken first */
  return true;
}

void
pe_page_pool_clear (struct pe_page_pool *pool)
{
  pe_free (pool->references);
  pe_free (pool->free_slots);
  memset (pool, 0, sizeof *pool);
}

bool
pe_page_take (struct pe_page_pool *pool, uint32_t *slot)
{
  if (pool->n_free == 0)
    return false;
  *slot = pool->free_slots[--pool->n_free];
  pool->references[*slot] = 1;
  return true;
}

void
pe_page_share (struct pe_page_pool *pool, uint32_t slot)
{
  pool->references[slot]++;
}

void
pe_page_release (struct pe_page_pool *pool, uint32_t slot)
{
  if (--pool->references[slot] == 0)
    pool->free_slots[pool->n_free++] = slot;
}
