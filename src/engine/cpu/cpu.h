/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The CPU backend's insides: backend.c owns memory and residency, exec.c walks the operations,
 * matmul.c, attention.c, experts.c and mixers.c hold the large ones.
 */
#pragma once

#include "engine/backend.h"
#include "engine/buffer.h"
#include "engine/cpu/kernels.h"
#include "engine/cpu/pool.h"

#define PE_CPU_ROPE_TABLES 2

/* Where everything lies in the working memory, for a set of stages and a batch size: computed the
 * same way by the plan and by the loader. Offsets in bytes, 64-byte aligned. */
struct pe_cpu_layout {
  uint64_t *values;   /* per value of the program; UINT64_MAX: not used here */
  uint64_t quantised; /* pe_q8_group rows of the widest input, or the same in bfloat16 */
  uint64_t rope;      /* PE_CPU_ROPE_TABLES of [n_batch][rope_width] floats */
  uint64_t rope_width;
  uint64_t vectors; /* small tensors that are not float32, decoded: 3 of them */
  uint64_t vector_elements;
  uint64_t threads; /* per thread */
  uint64_t thread_bytes;
  uint64_t experts; /* lists of rows by expert */
  uint64_t parts;   /* sums of one row's parts of the keys, [n_kv_heads][parts] */
  uint64_t joined;  /* a counter for each KV head */
  uint64_t bytes;
};

struct pe_cpu_rope_table {
  bool valid;
  struct pe_rope rope;
  struct pe_weight factors;
  float *cos_sin; /* [n_rows][n_rot / 2][2] */
};

/* Queries times heads that one job of an attention takes at most. */
static inline uint64_t
pe_cpu_attention_rows (const struct pe_attention *a)
{
  uint32_t group = a->n_heads / a->n_kv_heads;
  return group > 64 ? group : 64;
}

/* Pages of keys in one part of a row's attention: the same for any number of threads, so that
 * their number does not change results. */
#define PE_CPU_PART_PAGES 8

/* Floats that a part leaves behind for one KV head: a multiple of a cache line. */
static inline uint64_t
pe_cpu_attention_part_floats (const struct pe_attention *a)
{
  uint64_t group = a->n_heads / a->n_kv_heads;
  return (group * ((uint64_t) a->v_width + 2) + 15) & ~(uint64_t) 15;
}

/* Which rows lie quantised in the work memory, and how. */
struct pe_cpu_quantised {
  bool valid;
  unsigned terms; /* of bfloat16; 0: as int8 */
  struct pe_view view;
};

struct pe_backend {
  struct pe_backend_context context;
  const struct pe_plan *plan;
  const struct pe_tensor *tensors;
  const struct pe_program *program;
  const struct pe_kernels *kernels;
  struct pe_pool *pool;
  struct pe_cpu_layout layout;
  struct pe_memory_count count;
  struct pe_buffer work;
  struct pe_buffer *segments; /* [n_layers][n_segments] of the cache */
  struct pe_buffer *states;   /* [n_layers] */
  bool *loaded;               /* per stage */
  bool keep_pages;            /* weights that are cached in small pages are not read anew */
  uint64_t kept_bytes;        /* of weights of stages that are on a GPU */

  /* the pass under way */
  const struct pe_pass *pass;
  const struct pe_exchange *exchange;
  uint32_t n_rows;  /* of the values now: the output stage sees only the wanted ones */
  uint32_t out_row; /* first wanted row of the output's chunk */
  struct pe_cpu_rope_table rope[PE_CPU_ROPE_TABLES];
  unsigned next_rope;
  struct pe_cpu_quantised quantised;
};

bool pe_cpu_layout_make (const struct pe_model *model, const struct pe_program *program,
                         const struct pe_plan *plan, struct pe_cpu_layout *out,
                         struct pe_error *error);
void pe_cpu_layout_clear (struct pe_cpu_layout *layout);

/* First element of row `row` of a view. */
static inline float *
pe_cpu_row (const struct pe_backend *b, struct pe_view view, uint32_t row)
{
  if (view.value == b->program->logits)
    return b->exchange->logits + (uint64_t) row * b->program->values[view.value].width +
           view.offset;
  float *base = (float *) ((char *) b->work.data + b->layout.values[view.value]);
  return base + (uint64_t) row * b->program->values[view.value].width + view.offset;
}

static inline size_t
pe_cpu_row_stride (const struct pe_backend *b, struct pe_view view)
{
  return b->program->values[view.value].width;
}

/* What is multiplied by one expert at once, at most, and how many of its weight rows by that. Lies
 * behind the scratch of gemm in that of a thread. */
#define PE_CPU_EXPERT_ROWS  16
#define PE_CPU_EXPERT_CHUNK 256

static inline void *
pe_cpu_thread_scratch (const struct pe_backend *b, unsigned thread)
{
  return (char *) b->work.data + b->layout.threads + thread * b->layout.thread_bytes;
}

/* Start of weight row `row` (already including w.row). */
static inline const char *
pe_cpu_weight_row (const struct pe_backend *b, struct pe_weight w, uint64_t row)
{
  const struct pe_tensor *t = &b->tensors[w.tensor];
  return (const char *) t->data + (w.row + row) * t->row_bytes;
}

/* A small tensor as float32, from element w.row on; `slot` 0 … 2 names the place for the decoded
 * copy where one is needed. */
const float *pe_cpu_vector (const struct pe_backend *b, struct pe_weight w, unsigned slot);

/* Rows of the cache of `layer`: keys or values of one head, from position `page` * 256 on. */
static inline char *
pe_cpu_page (const struct pe_backend *b, uint32_t layer, uint32_t slot)
{
  const struct pe_kv_geometry *g = b->context.kv;
  const struct pe_buffer *s = &b->segments[layer * g->n_segments + slot / PE_SEGMENT_PAGES];
  return (char *) s->data + (slot % PE_SEGMENT_PAGES) * g->layers[layer].page_bytes;
}

static inline float *
pe_cpu_state (const struct pe_backend *b, uint32_t layer, uint32_t slot, uint32_t offset)
{
  char *base = b->states[layer].data;
  return (float *) (base + slot * b->context.kv->state_bytes[layer]) + offset;
}

/* Quantises the groups of `view` (each `width` elements) of all rows unless that is done already;
 * returns the first group of row 0; rows are count * pe_q8_groups (width) groups apart. */
const struct pe_q8_group *pe_cpu_quantise (struct pe_backend *b, struct pe_view view);

/* The same for kernels->gemm_bf16; `view` is one vector a row. */
const void *pe_cpu_pack (struct pe_backend *b, struct pe_view view, unsigned terms);

/* The vectors of cosines and sines for the rows of this pass. */
const float *pe_cpu_rope_table (struct pe_backend *b, const struct pe_op *op);

/* Operations [first, end) of a stage. */
bool pe_cpu_run_operations (struct pe_backend *b, uint32_t stage, size_t first, size_t end,
                            struct pe_error *error);
bool pe_cpu_run_stage (struct pe_backend *b, uint32_t stage, struct pe_error *error);

/* The first of `ops`, and those behind it that can be computed with it; returns how many. */
size_t pe_cpu_matmul (struct pe_backend *b, const struct pe_op *ops, size_t n_ops);
void pe_cpu_matmul_heads (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_matmul_expert (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_route (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_expert_sum (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_kv_store (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_attention (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_conv (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_ssm (struct pe_backend *b, const struct pe_op *op);
void pe_cpu_delta_net (struct pe_backend *b, const struct pe_op *op);
