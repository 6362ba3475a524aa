/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where everything lies in the buffers of a Vulkan device, from the header and the request alone:
 * the plan and the loader compute it the same way. Also what the kernels can execute at all.
 */
#pragma once

#include "engine/backend.h"
#include "shaders/shared/arguments.h"

struct pe_tensor;

/* Batches of up to this many rows go through the matrix-vector kernels. */
#define PE_GPU_FEW_ROWS   8
#define PE_GPU_MAX_SPLITS 32
/* Rows of one query tile of a prompt. */
#define PE_GPU_TILE_ROWS 8

/* Workgroups that look for the best logits of one row. */
#define PE_GPU_BEST_GROUPS 64

/* Passes that may be under way: each has tables and an exchange buffer of its own. */
#define PE_GPU_SETS 2

#define PE_GPU_RING_SLOTS 8
#define PE_GPU_RING_BYTES (32u << 20) /* staging of uploads: all slots */

/* Staging buffers by index. */
enum { PE_GPU_STAGING_RING, PE_GPU_STAGING_EXCHANGE };

/* What one stage keeps in the table buffer; offsets in bytes from the stage's part. */
enum {
  PE_GPU_TABLE_SPLIT = 0,      /* uint32: splits, keys in each */
  PE_GPU_TABLE_ATTENTION = 16, /* VkDispatchIndirectCommand */
  PE_GPU_TABLE_COMBINE = 32,
  PE_GPU_TABLE_SEGMENTS = 48, /* addresses; then the frequencies of the stage's rotations */
};

struct pe_gpu_layout {
  /* Working memory, in float32 elements behind the code books. Rows of value v lie strides[v]
   * apart. */
  uint64_t *values;   /* UINT64_MAX: not used by any layer */
  uint64_t *gathered; /* of carried values: the rows that want logits; UINT64_MAX: none */
  uint32_t *strides;
  uint64_t partial; /* of attention split along the keys */
  /* Of prompts: inputs of matrices as halves or as codes, which are fewer bytes (precision `fast`),
   * a scale for each row and group of halves, and the rows sorted by expert. */
  uint64_t rounded, scales, expert_lists;
  uint64_t best; /* keys of every workgroup, see shaders/best.comp */
  uint64_t work_bytes;
  uint32_t logit_rows; /* rows that go through the output at a time */
  uint64_t logits_bytes, exchange_bytes;
  uint64_t exchange_set; /* bytes of the exchange buffer from one set to the next */

  /* Tables, in bytes; stage_tables: within a set. */
  uint32_t max_rows, max_pages;                          /* pages: in the table of each pool */
  uint64_t stage_tables, stage_table_bytes, frequencies; /* frequencies: within a stage's part */
  uint64_t set_bytes, table_bytes;
};

/* PE_ERROR_LIMIT when the working memory is more than a kernel can address. */
bool pe_gpu_layout_make (const struct pe_program *program, const struct pe_plan_request *request,
                         const struct pe_kv_geometry *kv, struct pe_gpu_layout *out,
                         struct pe_error *error);
void pe_gpu_layout_clear (struct pe_gpu_layout *layout);

/* Where the table of pages of a pool begins in the tables of a set, in words. */
static inline uint32_t
pe_gpu_page_table (const struct pe_gpu_layout *layout, uint32_t pool)
{
  return PE_TABLE_PAGES (layout->max_rows) + pool * layout->max_pages;
}

/* The code books that lie before the working memory: PE_BOOK_BYTES, see shared/arguments.h. */
void pe_gpu_write_books (void *to);

/* Where an element of the working memory lies in its buffer, in bytes. */
static inline uint64_t
pe_gpu_work_at (uint64_t element)
{
  return PE_BOOK_BYTES + element * sizeof (float);
}

/* The tensors of a stage above the embedding. */
const struct pe_layer *pe_gpu_layer (const struct pe_program *program, uint32_t stage);

/* A tensor's place: weights of a stage fill slabs of at most `max_slab` bytes in order. Small
 * one-dimensional tensors of half precision are kept as float32. */
struct pe_gpu_slab_cursor {
  uint32_t slab;
  uint64_t used; /* of the current slab */
};
bool pe_gpu_expands (const struct pe_tensor *tensor);
uint64_t pe_gpu_tensor_bytes (const struct pe_tensor *tensor);
/* Gives the offset in slab cursor->slab, which it may have moved on to. */
uint64_t pe_gpu_place_tensor (struct pe_gpu_slab_cursor *cursor, const struct pe_tensor *tensor,
                              uint64_t max_slab);

/* Whether the table of embeddings is all that the first stage reads, and in a way that kernels can;
 * and then, whether it lies with the output, whose matrix it is. */
bool pe_gpu_can_embed (const struct pe_program *program, const struct pe_tensor *tensors);
bool pe_gpu_embeds_by_output (const struct pe_program *program);
bool pe_gpu_supports (const struct pe_device_info *device, const struct pe_model *model,
                      const struct pe_program *program, const struct pe_plan_request *request,
                      uint32_t stage);
bool pe_gpu_plan (const struct pe_model *model, const struct pe_program *program,
                  struct pe_plan *plan, size_t device, struct pe_error *error);

/* Query heads of one KV head that a workgroup of the attention kernel serves together: as many as
 * its shared memory holds. */
static inline uint32_t
pe_gpu_tile_heads (const struct pe_attention *a, uint32_t n_rows)
{
  uint32_t group = a->n_heads / a->n_kv_heads;
  uint32_t queries = a->k_width <= 128 ? 16 : 8;
  uint32_t most = n_rows <= PE_GPU_FEW_ROWS ? 8 : queries / PE_GPU_TILE_ROWS;
  return group < most ? group : most;
}

static inline uint32_t
pe_gpu_elements (struct pe_view v)
{
  return v.count * v.width;
}

/* float32 elements that a row of `width` halves takes, padded to chunks of 16. */
static inline uint32_t
pe_gpu_half_stride (uint32_t width)
{
  return (width + 15) / 16 * 8;
}

/* The same of codes: see shaders/quantise.comp. */
static inline uint32_t
pe_gpu_code_stride (uint32_t width)
{
  return width / 32 * 12;
}

/* Whether a view's elements lie one after another. */
static inline bool
pe_gpu_is_flat (struct pe_view v)
{
  return v.count == 1 || v.stride == v.width;
}
