/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The runtime and its sequences, as their two files see them. Inside the engine only.
 */
#pragma once

#include "engine/backend.h"
#include "engine/buffer.h"
#include "engine/page-table.h"
#include "engine/runtime.h"

/* A place to come back to, for what cannot be cut anywhere: recurrent state, and pages of windows
 * that have moved on. */
struct pe_checkpoint {
  size_t n_tokens;
  uint32_t slot;               /* UINT32_MAX: the model has no recurrent state */
  struct pe_page_table window; /* of PE_POOL_WINDOW */
  uint64_t used;               /* for choosing which one to give up */
};

struct pe_sequence {
  struct pe_runtime *runtime;
  int32_t *tokens;
  size_t n_tokens, tokens_capacity;
  size_t n_pending; /* that passes under way will add */
  struct pe_page_table pages[PE_POOL_COUNT];
  uint32_t state_slot; /* UINT32_MAX: none taken */
  bool was_asked;      /* the last row wanted logits: what follows in one go is another turn */
  bool state_is_stale; /* to be cleared before use: there was no memory to do it at once */
  struct pe_checkpoint checkpoints[PE_MAX_CHECKPOINTS];
  size_t n_checkpoints;
  struct pe_sequence *next, *previous;
};

/* A pass, with its arrays: n_batch of each. */
struct pe_runtime_pass {
  struct pe_pass pass;
  const struct pe_row *rows; /* of the caller */
  size_t device;             /* where its last span is under way */
  bool is_over;              /* nothing is under way */
  int32_t *tokens;
  uint32_t *positions, *row_span, *out_rows;
  struct pe_span *spans;
};

struct pe_runtime {
  const struct pe_model *model;
  const struct pe_program *program;
  struct pe_plan *plan;
  struct pe_plan **retired; /* tried and not taken, but perhaps still read by a backend */
  size_t n_retired, retired_capacity;
  struct pe_kv_geometry kv;
  struct pe_page_pool pages[PE_POOL_COUNT];
  bool state_used[PE_MAX_STATE_SLOTS];
  uint64_t clock;

  size_t n_devices;
  const struct pe_backend_ops *ops[PE_MAX_DEVICES];
  struct pe_backend *backends[PE_MAX_DEVICES];

  struct pe_memory_count count; /* host memory of the runtime itself */
  struct pe_buffer exchange, logits;
  size_t n_logits;
  size_t n_wanted;  /* logits, of all passes that were started */
  uint32_t n_best;  /* asked for; 0: all logits */
  uint32_t n_given; /* of the last rows: their n best; 0: all */

  /* While the last device computes a pass, the others begin with the next one. */
  struct pe_runtime_pass passes[2], *under_way;
  /* The row behind the last one, begun with the token that the device itself chose. */
  struct pe_runtime_pass *guess;
  struct pe_row guessed; /* the token as soon as it is known */

  atomic_bool cancel;
  atomic_bool never; /* what backends see where a pass must not stop half-way */
  struct pe_runtime_counters counters;
  struct pe_sequence *sequences;
};

static inline bool
pe_runtime_has_state (const struct pe_runtime *runtime)
{
  return runtime->kv.n_state_slots > 0;
}

/* Whether sequences must come back to checkpoints rather than to any place. */
static inline bool
pe_runtime_has_checkpoints (const struct pe_runtime *runtime)
{
  return pe_runtime_has_state (runtime) || runtime->kv.n_pages[PE_POOL_WINDOW] > 0;
}

static inline size_t
pe_runtime_stage_device (const struct pe_runtime *runtime, uint32_t stage)
{
  return runtime->plan->stage_device[stage];
}

/* Gives up the row that was begun ahead: before anything changes what it reads or writes. */
void pe_runtime_drop_guess (struct pe_runtime *runtime);
/* Pages that lie wholly behind the sequence's end go back. */
void pe_sequence_trim (struct pe_sequence *sequence);
/* Pages that no window reaches any more go back: when no pass under way reads them. */
void pe_sequence_move_windows (struct pe_sequence *sequence);

/* Makes pages writable for positions [n_tokens, n_tokens + n) of the sequence. */
bool pe_sequence_reserve (struct pe_sequence *sequence, size_t n, struct pe_error *error);
/* Makes the end of the sequence a place to come back to, giving up the oldest one if need be. */
bool pe_sequence_checkpoint (struct pe_sequence *sequence, struct pe_error *error);
/* After a pass that failed half-way: recurrent state is in no known condition. */
void pe_sequence_invalidate (struct pe_sequence *sequence);
