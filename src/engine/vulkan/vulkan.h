/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Vulkan backend's insides: backend.c owns residency, transfer.c moves bytes, pass.c runs a
 * pass, tables.c says what kernels read about it, submits.c hands it in, record.c writes dispatches
 * with the barriers they need, lower.c turns operations into dispatches, several into one where it
 * can, with the help of attend.c, matrices.c and mixers.c.
 */
#pragma once

#include "engine/backend.h"
#include "engine/split.h"
#include "engine/vulkan/layout.h"
#include "engine/vulkan/memory.h"
#include "engine/vulkan/pipelines.h"

#define PE_GPU_MAX_SUBMITS 64 /* that are not known to be done */

struct pe_gpu_stage {
  bool loaded, kernels_expected;
  struct pe_gpu_buffer *slabs; /* of weights */
  uint32_t n_slabs;
  VkDeviceAddress *addresses;     /* of each tensor in the layer's list */
  struct pe_gpu_buffer *segments; /* of the cache, n_segments or none */
  struct pe_gpu_buffer states;    /* recurrent, of all slots, or none */
  /* The stage recorded for a single row, replayed for every token; NULL: not yet. In one, or in
   * three where its experts stay in RAM: before them, beside them, behind them. Each for every set
   * of tables. */
  struct pe_gpu_recording {
    VkCommandBuffer commands;
    uint64_t n_dispatches;
  } single[PE_GPU_SETS][3];
};

struct pe_gpu_commands {
  VkCommandBuffer buffer;
  uint64_t value;              /* of the compute queue's timeline, when it is done */
  double operations;           /* of its matrices and attention */
  bool wants_stamps, is_timed; /* is recorded with time stamps; was handed in with them */
};

/* A pass that was started and not finished. */
struct pe_gpu_flight {
  const struct pe_pass *pass;
  struct pe_exchange xchg;
  uint32_t first, end; /* stages */
  uint32_t out_done;   /* rows of logits that the host has */
  uint32_t out_under_way;
  uint64_t value; /* of the compute queue's timeline */
  bool is_over;   /* its results are where they belong, or never will be: */
  bool has_failed;
};

struct pe_backend {
  struct pe_backend_context context;
  const struct pe_plan *plan;
  const struct pe_program *program;
  const struct pe_tensor *tensors;
  const struct pe_kv_geometry *kv;
  struct pe_gpu gpu;
  struct pe_gpu_pipelines pipelines;
  struct pe_gpu_layout layout;
  struct pe_gpu_buffer work; /* its address is that behind the code books */
  struct pe_gpu_buffer ring, exchange, logits, tables;
  struct pe_gpu_buffer
      table;      /* of embeddings, where it is not the output's; with the first layer */
  bool has_table; /* it is filled */
  struct pe_gpu_stage *stages; /* n_layers + 2 */

  VkCommandPool pool, copy_pool;
  VkCommandBuffer copies[PE_GPU_RING_SLOTS];
  uint64_t copied[PE_GPU_RING_SLOTS]; /* values of gpu.transfer after which a slot is free again */
  struct pe_gpu_commands commands[PE_GPU_MAX_SUBMITS];
  uint32_t open; /* of them */
  uint64_t seen; /* value of the compute queue's timeline that was waited for */
  VkQueryPool stamps;
  struct pe_gpu_profile *profile; /* NULL: kernels are not measured */
  double rate;           /* operations per second that submits of many rows reached; 0: not known */
  double longest_submit; /* seconds */
  uint64_t result_bytes; /* logits, or the best of them, that the host has read */

  /* Passes under way, oldest first; `now` is the one that is recorded or finished, and `set` its
   * place: that of its tables and of its rows in the exchange buffer. */
  struct pe_gpu_flight flights[PE_GPU_SETS], *now;
  uint32_t oldest, n_flights, set;

  uint64_t n_dispatches;
  uint64_t kernel_bytes;               /* of compiled kernels that an earlier run left */
  uint64_t weight_bytes, mapped_bytes; /* of weights: read from the file; taken from its mapping */
};

/* ---- transfer.c ---- */

bool pe_gpu_open_ring (struct pe_backend *b, struct pe_error *error);

/* Where a tensor goes. */
struct pe_gpu_upload {
  const struct pe_tensor *tensor;
  const struct pe_gpu_buffer *to;
  uint64_t offset;
};

/* Returns when all is there, or nothing is under way. */
bool pe_gpu_upload_tensors (struct pe_backend *b, const struct pe_gpu_upload *items, size_t n_items,
                            bool from_mapping, struct pe_error *error);
bool pe_gpu_write (struct pe_backend *b, const struct pe_gpu_buffer *to, uint64_t offset,
                   const void *from, uint64_t bytes, struct pe_error *error);
bool pe_gpu_read (struct pe_backend *b, const struct pe_gpu_buffer *from, uint64_t offset, void *to,
                  uint64_t bytes, struct pe_error *error);
bool pe_gpu_copy (struct pe_backend *b, const struct pe_gpu_buffer *from, uint64_t from_offset,
                  const struct pe_gpu_buffer *to, uint64_t to_offset, uint64_t bytes,
                  struct pe_error *error);

/* ---- record.c ---- */

#define PE_GPU_MAX_RANGES 48

/* Part of the memory that a dispatch touches: float32 elements of the work buffer, or a cache. */
struct pe_gpu_range {
  uint64_t first, end;
  bool write;
};

/* Something that was made of a value, good until the value is written again. */
struct pe_gpu_kept {
  uint64_t first, end; /* what it was made of, in elements of the work buffer; end 0: nothing */
  struct pe_view view;
};

struct pe_gpu_recorder {
  struct pe_backend *b;
  VkCommandBuffer commands; /* NULL: only wants the pipelines, see pe_gpu_pipelines_want() */
  uint32_t stage;
  size_t first_op, end_op; /* of the stage; end_op 0: all of them */
  uint32_t n_rows;
  bool gathered; /* carried values: the rows that want logits */
  VkPipeline bound;
  struct pe_gpu_range pending[PE_GPU_MAX_RANGES]; /* since the last barrier */
  uint32_t n_pending;
  struct pe_gpu_range next[16]; /* of the dispatch to come */
  uint32_t n_next;
  struct pe_gpu_kept rounded, expert_list;
  bool rounded_to_codes; /* not to halves */
  uint64_t n_dispatches;
  bool failed;
  struct pe_error *error;
};

bool pe_gpu_begin (struct pe_backend *b, VkCommandBuffer commands, bool secondary, bool once,
                   struct pe_error *error);
bool pe_gpu_end (struct pe_backend *b, VkCommandBuffer commands, struct pe_error *error);
/* Everything before is seen by everything behind. */
void pe_gpu_barrier (struct pe_backend *b, VkCommandBuffer commands);

/* Declares what the next dispatch reads and writes. */
void pe_gpu_touch (struct pe_gpu_recorder *r, uint64_t first, uint64_t n, bool write);
void pe_gpu_touch_view (struct pe_gpu_recorder *r, struct pe_view view, bool write);
void pe_gpu_touch_cache (struct pe_gpu_recorder *r, uint32_t layer, bool write);

struct pe_gpu_grid {
  uint32_t x, y, z;
  uint64_t indirect; /* offset in the tables, instead; 0 = none */
};

/* A grid of n workgroups, or of enough workgroups of `size` for n invocations, along x then y. */
struct pe_gpu_grid pe_gpu_linear (uint64_t n, uint32_t size);

void pe_gpu_dispatch (struct pe_gpu_recorder *r, enum pe_shader shader, const uint32_t *constants,
                      uint32_t n_constants, const void *push, uint32_t push_bytes,
                      struct pe_gpu_grid grid);

/* Starts compiling, in threads, what the stages that have their memory need for one row and for a
 * whole batch. */
void pe_gpu_expect_kernels (struct pe_backend *b);

/* Where a view starts and how far its rows lie apart, in elements. */
uint32_t pe_gpu_offset (const struct pe_gpu_recorder *r, struct pe_view view);
uint32_t pe_gpu_row_stride (const struct pe_gpu_recorder *r, struct pe_view view);
/* Device address of a matrix's first row or of a vector's first element; 0 for none. */
VkDeviceAddress pe_gpu_weight (const struct pe_gpu_recorder *r, struct pe_weight w);

/* ---- profile.c ---- */

bool pe_gpu_profile_open (struct pe_backend *b, struct pe_error *error);
void pe_gpu_profile_close (struct pe_backend *b);
/* Around the dispatches of a submit; none does anything unless kernels are measured. */
void pe_gpu_profile_begin (struct pe_backend *b, VkCommandBuffer commands);
void pe_gpu_profile_mark (struct pe_backend *b, VkCommandBuffer commands, enum pe_shader shader,
                          struct pe_gpu_grid grid);
bool pe_gpu_profile_end (struct pe_backend *b, struct pe_error *error);

/* ---- tables.c ---- */

/* Of the set in use: the rows of the pass; part of what a stage has. */
VkDeviceAddress pe_gpu_tables (const struct pe_backend *b);
VkDeviceAddress pe_gpu_stage_table (const struct pe_backend *b, uint32_t stage, uint64_t offset);
/* Where a stage's part of a set lies in the buffer, in bytes. */
uint64_t pe_gpu_stage_table_at (const struct pe_backend *b, uint32_t set, uint32_t stage);

/* What stands still, in every set; what b->now needs, in its own. */
bool pe_gpu_write_stage_tables (struct pe_backend *b, uint32_t stage, struct pe_error *error);
bool pe_gpu_fill_tables (struct pe_backend *b, struct pe_error *error);

/* ---- matrices.c ---- */

#define PE_GPU_MAX_PARTS 3

/* What one dispatch of the matrix-vector kernel does. */
struct pe_gpu_matvec {
  const struct pe_op *parts[PE_GPU_MAX_PARTS];
  uint32_t n_parts;
  const struct pe_op *norm;     /* folded in, or NULL */
  const struct pe_op *glu;      /* of two parts, or NULL */
  const struct pe_op *residual; /* the sum behind the only part, or NULL */
  struct pe_view addend;
};

void pe_gpu_record_matvec (struct pe_gpu_recorder *r, const struct pe_gpu_matvec *m);
/* The variant of a kernel, whose first is given, for a type. */
static inline enum pe_shader
pe_gpu_typed_shader (enum pe_shader first, enum pe_type type)
{
  enum pe_shader shader = pe_shader_find (first, type);
  return shader < PE_SHADER_COUNT ? shader : first; /* pe_gpu_supports() let only these through */
}

static inline uint32_t
pe_gpu_tail_flag (uint64_t k)
{
  return k % 16 ? PE_FLAG_TAIL : 0;
}

/* A matrix for each group, of an expert or of the group itself, however many rows there are. */
void pe_gpu_record_matmul_many (struct pe_gpu_recorder *r, const struct pe_op *op);

/* ---- prompts.c ---- */

/* One matrix for many rows; a matrix for each group. */
void pe_gpu_record_matmul (struct pe_gpu_recorder *r, const struct pe_op *op);
void pe_gpu_record_grouped (struct pe_gpu_recorder *r, const struct pe_op *op);

/* ---- attend.c ---- */

void pe_gpu_record_rope (struct pe_gpu_recorder *r, const struct pe_op *op);
void pe_gpu_record_kv_store (struct pe_gpu_recorder *r, const struct pe_op *op);
void pe_gpu_record_attention (struct pe_gpu_recorder *r, const struct pe_op *op);
/* Norms and rotations of queries and keys and the store behind them, where the operations from i
 * on are just these and end before `border`: returns how many were recorded, or 0. */
size_t pe_gpu_record_rotate_store (struct pe_gpu_recorder *r, const struct pe_stage *s, size_t i,
                                   size_t border);

/* ---- mixers.c ---- */

/* Convolution with a function of its result (PE_UNARY_NONE: none), selective scan, delta rule. */
void pe_gpu_record_conv (struct pe_gpu_recorder *r, const struct pe_op *op, enum pe_unary f);
void pe_gpu_record_scan (struct pe_gpu_recorder *r, const struct pe_op *op);
void pe_gpu_record_delta_net (struct pe_gpu_recorder *r, const struct pe_op *op);

/* ---- tokens.c ---- */

/* Whether passes can begin with tokens rather than with embeddings. */
bool pe_gpu_embeds (const struct pe_backend *b);

/* The table of embeddings: whether the plan has it as a buffer of its own; its memory, if so, and
 * what is in it. Giving it back asks for nothing to be under way. */
bool pe_gpu_plans_table (const struct pe_backend *b);
bool pe_gpu_take_table (struct pe_backend *b, struct pe_error *error);
bool pe_gpu_load_table (struct pe_backend *b, bool from_mapping, struct pe_error *error);
void pe_gpu_give_table (struct pe_backend *b);

void pe_gpu_record_embed (struct pe_gpu_recorder *r); /* changes r->stage */

/* The best of r->n_rows rows of logits, into memory that the host sees; what it then reads. */
void pe_gpu_record_best (struct pe_gpu_recorder *r);
void pe_gpu_take_best (struct pe_backend *b);

/* ---- lower.c ---- */

/* Invocations of a workgroup: `on_hardware`, or what is quickest on a software device. */
uint32_t pe_gpu_group_size (const struct pe_gpu_recorder *r, uint32_t on_hardware);

/* Records the operations of r->stage. */
void pe_gpu_record_stage (struct pe_gpu_recorder *r);

/* ---- rope.c ---- */

/* Byte offset, in a stage's table, of the frequencies of one of its rotations. */
uint64_t pe_gpu_frequencies_offset (const struct pe_backend *b, uint32_t stage,
                                    const struct pe_op *op);
/* Writes those of all rotations of the stage into its table. */
bool pe_gpu_write_frequencies (struct pe_backend *b, uint32_t stage, unsigned char *table,
                               struct pe_error *error);

/* ---- pass.c ---- */

bool pe_gpu_start (struct pe_backend *b, const struct pe_pass *pass, uint32_t first, uint32_t end,
                   const struct pe_exchange *exchange, struct pe_error *error);
bool pe_gpu_finish (struct pe_backend *b, struct pe_error *error);
/* Forgets the recording of a stage, of every stage, because memory moved. */
void pe_gpu_forget_recording (struct pe_backend *b, uint32_t stage);
void pe_gpu_forget_recordings (struct pe_backend *b);

/* Part of a stage for the rows of the pass: replayed or recorded into the open buffer. */
bool pe_gpu_record_part (struct pe_gpu_recorder *r, uint32_t part, size_t first_op, size_t end_op);

/* ---- submits.c ---- */

bool pe_gpu_make_commands (struct pe_backend *b, struct pe_error *error);
void pe_gpu_drop_commands (struct pe_backend *b); /* nothing is under way */

/* The command buffers of passes, one after the other; the open one is b->commands[b->open]. */
bool pe_gpu_open_commands (struct pe_backend *b, VkCommandBuffer *out, struct pe_error *error);
bool pe_gpu_submit_commands (struct pe_backend *b, struct pe_error *error);
/* Before an operation is recorded: hands in what the open buffer holds and opens the next, should
 * it become too long. */
bool pe_gpu_make_room (struct pe_gpu_recorder *r, const struct pe_op *op);
/* Behind it. */
void pe_gpu_count_operations (struct pe_gpu_recorder *r, const struct pe_op *op);
/* Until the submit with this value is done. */
bool pe_gpu_wait_for_pass (struct pe_backend *b, uint64_t value, struct pe_error *error);

/* Rows of a prompt with which no single operation is too long. */
uint32_t pe_gpu_most_rows (struct pe_backend *b, uint32_t depth);

/* ---- experts.c ---- */

/* A stage whose experts stay in RAM, in several submits; waits for the GPU in between. Leaves the
 * last part in the open command buffer. */
bool pe_gpu_run_split (struct pe_gpu_recorder *r, struct pe_ram_part part);
