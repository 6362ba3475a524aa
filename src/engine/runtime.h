/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A loaded model: weights in place, key-value pages, compute. The only way to compute is a batch
 * of rows. A runtime and its sequences belong to one thread at a time; only pe_runtime_cancel()
 * may be called from any.
 */
#pragma once

#include "engine/plan.h"

struct pe_best_logit;
struct pe_model;
struct pe_runtime;
struct pe_sequence;

/* Told after each stage that was loaded or moved; returning false stops with PE_ERROR_CANCELLED. */
struct pe_progress {
  bool (*step) (void *data, uint64_t done_bytes, uint64_t total_bytes);
  void *data;
};

/* Loads by the plan (copied). The model must outlive the runtime; `progress` may be NULL.
 * `kernels`: what pe_runtime_kernels() gave in an earlier run, or NULL; what is damaged or of
 * another driver is ignored. */
bool pe_runtime_create_with (const struct pe_model *model, const struct pe_plan *plan,
                             const struct pe_progress *progress, const void *kernels,
                             size_t n_kernels, struct pe_runtime **out, struct pe_error *error);
bool pe_runtime_create (const struct pe_model *model, const struct pe_plan *plan,
                        const struct pe_progress *progress, struct pe_runtime **out,
                        struct pe_error *error);
/* The kernels that the devices have compiled, for the next run, and what `before` (such bytes, or
 * NULL) holds for devices that are not in use; pe_free() it. NULL: there are none. */
void *pe_runtime_kernels (struct pe_runtime *runtime, const void *before, size_t n_before,
                          size_t *n_bytes);
void pe_runtime_free (struct pe_runtime *runtime); /* its sequences must be gone before */

/* The plan that holds now; changes with pe_runtime_place(). */
const struct pe_plan *pe_runtime_plan (const struct pe_runtime *runtime);

/* Moves layers between the devices, weights and caches, without losing any state of a sequence.
 * On failure (device memory) as many layers as went through stay moved, the plan says how many,
 * and everything goes on working. */
bool pe_runtime_place (struct pe_runtime *runtime, uint32_t n_gpu_layers, struct pe_error *error);

/* The same for the second dimension: how many layers, from the first, keep their experts in RAM
 * when they are on a GPU. */
bool pe_runtime_place_experts (struct pe_runtime *runtime, uint32_t n_cpu_experts,
                               struct pe_error *error);

/* How many of the layers that are on GPUs now have room there by what the devices say is left for
 * this program: fewer than there are when others have taken memory. Moves nothing. */
uint32_t pe_runtime_fitting_layers (struct pe_runtime *runtime);

/* Bytes that are allocated now, counted where they are taken from the system. */
uint64_t pe_runtime_allocated (const struct pe_runtime *runtime, size_t device,
                               enum pe_memory_kind kind);

struct pe_row {
  struct pe_sequence *sequence;
  int32_t token;
  bool want_logits;
};

/* Evaluates rows: rows of one sequence stand in order and continue it at its end; the sequence
 * grows by them. Cancelled or failed: the sequences keep exactly what was evaluated whole.
 * Logits of the rows that want them stay until the next call. */
bool pe_runtime_compute (struct pe_runtime *runtime, const struct pe_row *rows, size_t n_rows,
                         struct pe_error *error);
const float *pe_runtime_logits (const struct pe_runtime *runtime, size_t nth_wanted);

/* From the next pe_runtime_compute() on rows that want logits may give their `n` best alone: where
 * a GPU computes the output, they are picked there and nothing else comes back. 0: all logits, as
 * in the beginning; so it is too where n is more than PE_MAX_BEST or a fourth of the vocabulary.
 * With n = 1 a GPU that has the whole model goes on with the best token by itself: when the same
 * sequence is then given just this token, its row has been begun already. */
void pe_runtime_set_best (struct pe_runtime *runtime, uint32_t n);
/* Highest first, equal ones by token, until the next call; *n: how many. NULL: all logits are
 * there instead, see pe_runtime_logits(), which is NULL otherwise. */
const struct pe_best_logit *pe_runtime_best (const struct pe_runtime *runtime, size_t nth_wanted,
                                             size_t *n);

/* Makes a running pe_runtime_compute() stop with PE_ERROR_CANCELLED, within one token or one
 * chunk of a prompt. Cleared by pe_runtime_resume(). */
void pe_runtime_cancel (struct pe_runtime *runtime);
void pe_runtime_resume (struct pe_runtime *runtime);

struct pe_runtime_counters {
  uint64_t rows_evaluated;
  uint64_t weight_bytes_read;  /* from the file, by loading: moves do not change it */
  uint64_t weight_bytes_moved; /* to GPUs, out of the mapping that the CPU used until then */
  uint64_t passes, gpu_submits, gpu_dispatches;
  uint64_t passes_ahead;     /* that were begun while the one before was still under way */
  uint64_t gpu_result_bytes; /* of logits, or of the best of them, that came back */
  uint64_t kernels_ahead, kernels_late; /* compiled while weights were read; during a pass */
  uint64_t kernel_bytes;                /* of compiled kernels, taken over from an earlier run */
  double gpu_longest_submit;            /* seconds, of those of prompts; 0: none was measured */
  uint64_t cpu_barriers;                /* operations that threads shared out and waited for */
};
void pe_runtime_counters (const struct pe_runtime *runtime, struct pe_runtime_counters *out);

/* ---- sequences: the tokens of one conversation and their pages ---- */

bool pe_sequence_new (struct pe_runtime *runtime, struct pe_sequence **out, struct pe_error *error);
void pe_sequence_free (struct pe_sequence *sequence);
size_t pe_sequence_n_tokens (const struct pe_sequence *sequence);
const int32_t *pe_sequence_tokens (const struct pe_sequence *sequence);

/* How many of `tokens` the sequence already holds at its start. */
size_t pe_sequence_common (const struct pe_sequence *sequence, const int32_t *tokens, size_t n);

/* Whether the pages that no sequence holds are enough for this one to become `n` tokens long. Of
 * layers that see a window this is not asked: what they are given goes back. */
bool pe_sequence_has_room (const struct pe_sequence *sequence, size_t n);

/* Forgets what lies behind the first `n` tokens. Recurrent models, and those whose windows have
 * moved on from there, go back to the last checkpoint at or before n: *n_kept says how many tokens
 * are left, and the caller evaluates the rest. */
bool pe_sequence_truncate (struct pe_sequence *sequence, size_t n, size_t *n_kept,
                           struct pe_error *error);

/* A second sequence with the same first `n` tokens; whole pages are shared until written to. It
 * holds as many of them as pe_sequence_truncate() would keep. */
bool pe_sequence_fork (const struct pe_sequence *sequence, size_t n, struct pe_sequence **out,
                       struct pe_error *error);
