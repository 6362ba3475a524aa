/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kernels read about a pass: positions, pages, sizes of attention, and of each stage what
 * stands still. There are PE_GPU_SETS of everything, one for each pass that can be under way.
 */
#include "engine/vulkan/vulkan.h"

#include "shaders/shared/arguments.h"

#include <string.h>

#define ATTENTION_STEP 128 /* keys, see shaders/attention.comp */
#define ENOUGH_GROUPS  256 /* workgroups that fill a device */

uint64_t
pe_gpu_stage_table_at (const struct pe_backend *b, uint32_t set, uint32_t stage)
{
  return set * b->layout.set_bytes + b->layout.stage_tables + stage * b->layout.stage_table_bytes;
}

VkDeviceAddress
pe_gpu_tables (const struct pe_backend *b)
{
  return b->tables.address + b->set * b->layout.set_bytes;
}

VkDeviceAddress
pe_gpu_stage_table (const struct pe_backend *b, uint32_t stage, uint64_t offset)
{
  return b->tables.address + pe_gpu_stage_table_at (b, b->set, stage) + offset;
}

bool
pe_gpu_write_stage_tables (struct pe_backend *b, uint32_t stage, struct pe_error *error)
{
  const struct pe_gpu_stage *s = &b->stages[stage];
  for (uint32_t set = 0; set < PE_GPU_SETS; set++) {
    unsigned char *table = b->tables.mapped + pe_gpu_stage_table_at (b, set, stage);
    uint64_t *segments = (uint64_t *) (table + PE_GPU_TABLE_SEGMENTS);
    for (uint32_t i = 0; s->segments && i < b->kv->n_segments; i++)
      segments[i] = s->segments[i].address;
    if (!pe_gpu_write_frequencies (b, stage, table, error))
      return false;
  }
  return true;
}

/* ---- of a pass ---- */

static uint32_t
rows_of_tile (const struct pe_pass *pass)
{
  return pass->n_rows <= PE_GPU_FEW_ROWS ? 1 : PE_GPU_TILE_ROWS;
}

static bool
fill_rows (struct pe_backend *b, const struct pe_pass *pass, uint32_t *n_tiles,
           struct pe_error *error)
{
  uint32_t max_rows = b->layout.max_rows, n_pages = 0;
  uint32_t *t = (uint32_t *) (b->tables.mapped + b->set * b->layout.set_bytes);
  uint32_t tile_rows = rows_of_tile (pass);
  *n_tiles = 0;
  for (uint32_t i = 0; i < pass->n_spans; i++) {
    const struct pe_span *s = &pass->spans[i];
    uint32_t needed = (s->position + s->n_rows - 1) / PE_PAGE_TOKENS + 1;
    if (needed > b->layout.max_pages - n_pages)
      return pe_fail (error, PE_ERROR_LIMIT, "too many pages of context for one batch");
    for (uint32_t row = 0; row < s->n_rows; row++) {
      t[PE_TABLE_POSITIONS (max_rows) + s->row + row] = s->position + row;
      t[PE_TABLE_FIRST_PAGE (max_rows) + s->row + row] = n_pages;
      t[PE_TABLE_STATES (max_rows) + s->row + row] = s->state_slot;
    }
    if (!pass->is_fed)
      memcpy (&t[PE_TABLE_TOKENS (max_rows) + s->row], pass->tokens + s->row,
              s->n_rows * sizeof *t);
    for (uint32_t row = 0; row < s->n_rows; row += tile_rows) {
      uint32_t left = s->n_rows - row;
      uint32_t *tile = &t[PE_TABLE_TILES (max_rows) + 2 * (*n_tiles)++];
      tile[0] = s->row + row;
      tile[1] = left < tile_rows ? left : tile_rows;
    }
    for (uint32_t pool = 0; pool < PE_POOL_COUNT; pool++)
      if (b->kv->n_pages[pool])
        memcpy (&t[pe_gpu_page_table (&b->layout, pool) + n_pages], s->pages[pool],
                needed * sizeof *t);
    n_pages += needed;
  }
  return true;
}

/* The keys that attention walks over for one tile of rows, whole steps. */
static uint32_t
tile_keys (const struct pe_attention *a, uint32_t first, uint32_t last)
{
  uint32_t begin = 0;
  if (a->window && first + 1 > a->window)
    begin = first + 1 - a->window;
  if (a->chunk && first / a->chunk * a->chunk > begin)
    begin = first / a->chunk * a->chunk;
  begin = begin / ATTENTION_STEP * ATTENTION_STEP;
  return last + 1 - begin;
}

static void
fill_attention (struct pe_backend *b, uint32_t stage, const struct pe_attention *a,
                uint32_t n_tiles)
{
  const struct pe_pass *pass = b->now->pass;
  unsigned char *table = b->tables.mapped + pe_gpu_stage_table_at (b, b->set, stage);
  uint32_t tile_rows = rows_of_tile (pass), most = 0;
  /* As fill_rows() cuts them: the tables are never read here, they may lie in the device. */
  for (uint32_t i = 0; i < pass->n_spans; i++) {
    const struct pe_span *s = &pass->spans[i];
    for (uint32_t row = 0; row < s->n_rows; row += tile_rows) {
      uint32_t left = s->n_rows - row, first = s->position + row;
      uint32_t keys = tile_keys (a, first, first + (left < tile_rows ? left : tile_rows) - 1);
      most = keys > most ? keys : most;
    }
  }
  uint32_t tile_heads = pe_gpu_tile_heads (a, pass->n_rows);
  uint32_t group = a->n_heads / a->n_kv_heads;
  uint32_t y = a->n_kv_heads * ((group + tile_heads - 1) / tile_heads);
  uint32_t splits = 1;
  if (pass->n_rows <= PE_GPU_FEW_ROWS) {
    splits = ENOUGH_GROUPS / (n_tiles * y);
    splits = splits < 1 ? 1 : splits > PE_GPU_MAX_SPLITS ? PE_GPU_MAX_SPLITS : splits;
  }
  uint32_t keys = (most + splits - 1) / splits;
  keys = (keys + ATTENTION_STEP - 1) / ATTENTION_STEP * ATTENTION_STEP;
  splits = (most + keys - 1) / keys;
  bool combine = splits > 1;
  const uint32_t split[] = { splits, keys };
  const VkDispatchIndirectCommand attention = { n_tiles, y, splits };
  const VkDispatchIndirectCommand join = { combine ? a->n_heads : 0, pass->n_rows, 1 };
  memcpy (table + PE_GPU_TABLE_SPLIT, split, sizeof split);
  memcpy (table + PE_GPU_TABLE_ATTENTION, &attention, sizeof attention);
  memcpy (table + PE_GPU_TABLE_COMBINE, &join, sizeof join);
}

bool
pe_gpu_fill_tables (struct pe_backend *b, struct pe_error *error)
{
  uint32_t n_tiles;
  if (!fill_rows (b, b->now->pass, &n_tiles, error))
    return false;
  uint32_t first = b->now->first ? b->now->first : 1;
  for (uint32_t stage = first; stage < b->now->end; stage++) {
    const struct pe_stage *s = pe_program_stage (b->program, stage);
    if (!b->stages[stage].loaded)
      return pe_fail (error, PE_ERROR_ARGUMENT, "stage %u is not on the GPU", stage);
    for (size_t i = 0; i < s->n_ops; i++)
      if (s->ops[i].kind == PE_OP_ATTENTION) {
        if (!b->stages[s->ops[i].attention.layer + 1].loaded)
          return pe_fail (error, PE_ERROR_ARGUMENT,
                          "layer %u shares the cache of a layer that is not on the GPU", stage - 1);
        fill_attention (b, stage, &s->ops[i].attention, n_tiles);
      }
  }
  return true;
}
