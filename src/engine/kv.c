/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kv.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "engine/plan.h"
#include "engine/program.h"

#include <string.h>

/* Conversations and places to come back to whose windows are kept beside the one that is computed:
 * with fewer, going back to one of them reads its beginning anew. */
#define PE_WINDOWS_KEPT 3

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

/* ---- pools ---- */

static size_t
pages_of (uint64_t n_tokens)
{
  return (size_t) ((n_tokens + PE_PAGE_TOKENS - 1) / PE_PAGE_TOKENS);
}

/* Tokens that the readers of each layer's cache see at most; 0: all. */
static bool
find_windows (const struct pe_program *program, uint32_t *windows)
{
  bool *sees_all = pe_calloc (program->n_layers, sizeof *sees_all);
  if (!sees_all)
    return false;
  for (uint32_t s = 1; s <= program->n_layers; s++) {
    const struct pe_stage *stage = pe_program_stage (program, s);
    for (size_t i = 0; i < stage->n_ops; i++) {
      if (stage->ops[i].kind != PE_OP_ATTENTION)
        continue;
      const struct pe_attention *a = &stage->ops[i].attention;
      uint32_t seen = a->window && (!a->chunk || a->window < a->chunk) ? a->window : a->chunk;
      sees_all[a->layer] |= seen == 0;
      if (seen > windows[a->layer])
        windows[a->layer] = seen;
    }
  }
  for (uint32_t il = 0; il < program->n_layers; il++)
    if (sees_all[il])
      windows[il] = 0;
  pe_free (sees_all);
  return true;
}

/* What windows need: the conversation that is computed, with two batches under way; what others,
 * and the places to come back to, keep; a page to copy a shared one to. */
static size_t
window_pages (const struct pe_plan_request *request, uint32_t window)
{
  uint64_t kept = (uint64_t) window + PE_WINDOW_SLACK;
  return pages_of (kept + 2ull * request->n_batch) + 1 + PE_WINDOWS_KEPT * (pages_of (kept) + 1) +
         1;
}

static bool
choose_pools (const struct pe_program *program, const struct pe_plan_request *request,
              struct pe_kv_geometry *g)
{
  uint32_t *windows = pe_calloc (program->n_layers, sizeof *windows);
  if (!windows || !find_windows (program, windows)) {
    pe_free (windows);
    return false;
  }
  for (uint32_t il = 0; il < g->n_layers; il++)
    if (g->layers[il].n_kv_heads && windows[il] > g->window)
      g->window = windows[il];
  /* One page to spare: a branch copies the page that it shares before it writes to it. */
  size_t all = pages_of (request->n_ctx) + 1, few = window_pages (request, g->window);
  bool saves = g->window && 4 * few <= 3 * all;
  for (uint32_t il = 0; il < g->n_layers; il++) {
    struct pe_kv_layer *layer = &g->layers[il];
    layer->pool = saves && windows[il] ? PE_POOL_WINDOW : PE_POOL_ALL;
    if (layer->n_kv_heads)
      g->n_pages[layer->pool] = (uint32_t) (layer->pool == PE_POOL_WINDOW ? few : all);
  }
  uint32_t most = g->n_pages[0] > g->n_pages[1] ? g->n_pages[0] : g->n_pages[1];
  g->n_segments = most / PE_SEGMENT_PAGES + (most % PE_SEGMENT_PAGES != 0);
  pe_free (windows);
  return true;
}

uint32_t
pe_kv_segment_pages (const struct pe_kv_geometry *g, uint32_t layer, uint32_t segment)
{
  uint32_t first = segment * PE_SEGMENT_PAGES, n = g->n_pages[g->layers[layer].pool];
  uint32_t left = n > first ? n - first : 0;
  return left < PE_SEGMENT_PAGES ? left : PE_SEGMENT_PAGES;
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
  bool has_state = false;
  for (uint32_t il = 0; il < n; il++) {
    const struct pe_layer *layer = &program->layers[il];
    if (!layer_geometry (&layer->cache, request, &out->layers[il], error)) {
      pe_kv_geometry_clear (out);
      return false;
    }
    out->state_bytes[il] = (uint64_t) layer->n_state * sizeof (float);
    has_state |= layer->n_state > 0;
  }
  if (!choose_pools (program, request, out)) {
    pe_kv_geometry_clear (out);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the cache's description");
  }
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

/* ---- slots ---- */

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
