/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What executes a model's program: the CPU (cpu/exec.c) and Vulkan (vulkan/backend.c) stand
 * behind the same functions. The runtime cuts every batch into passes, gives each backend its
 * span of stages, and carries the `carry` values across.
 */
#pragma once

#include "engine/kv.h"
#include "engine/plan.h"
#include "engine/program.h"
#include "engine/tensor.h"

#include <stdatomic.h>

struct pe_backend;
struct pe_best_logit;
struct pe_model;

/* Consecutive rows of one sequence in a pass. */
struct pe_span {
  uint32_t row, n_rows;
  uint32_t position; /* of the first row */
  /* Page slots of the sequence in each pool, by position / PE_PAGE_TOKENS: valid from
   * pe_kv_first_page() of the first row to the page of the last, which may be written. */
  const uint32_t *pages[PE_POOL_COUNT];
  uint32_t state_slot; /* of the sequence's recurrent state */
};

/* One evaluation of up to n_batch rows. All ids and page slots were checked. */
struct pe_pass {
  uint32_t n_rows;
  const int32_t *tokens;
  const uint32_t *positions;
  const uint32_t *row_span; /* which span a row belongs to */
  const struct pe_span *spans;
  uint32_t n_spans;
  const uint32_t *out_rows; /* rows that want logits, ascending */
  uint32_t n_out;
  uint32_t n_best; /* of each, so many of its best logits are wanted instead of all; 0: all */
  /* Of one row, with n_best = 1: its token is the best of the pass before, which only the device
   * knows; the next pass takes its token from this one. */
  bool is_fed, feeds_next;
};

/* Host memory that a pass goes through: carry values one after another in the order of the
 * program, each [n_batch rows x width], rows packed by n_rows of the pass. */
struct pe_exchange {
  float *in;                  /* NULL when the span begins with the embedding stage */
  float *out;                 /* NULL when it ends with the output stage */
  float *logits;              /* [n_out x n_vocab]; only then */
  struct pe_best_logit *best; /* instead: [n_out x n_best], highest first, equal ones by token */
};

/* What a backend may ask of its owner. Buffers are taken by plan only: `stage`, `kind` and
 * `index` must name an allocation of the current plan for this device, or the call fails. */
struct pe_backend_context {
  const struct pe_model *model;
  const struct pe_program *program;
  const struct pe_plan *plan; /* replaced by `replan` */
  size_t device;              /* index in the plan */
  const struct pe_kv_geometry *kv;
  const atomic_bool *cancel;
  /* Of a GPU: who executes the operations that stay in RAM (split.h); open as long as this. */
  const struct pe_backend_ops *host_ops;
  struct pe_backend *host;
  /* Compiled kernels of an earlier run, see pe_runtime_kernels(); only while `open` runs. */
  const void *kernels;
  size_t n_kernels;
};

struct pe_backend_count {
  uint64_t submits, dispatches;
  uint64_t weight_bytes, mapped_bytes;  /* read from the file; taken from its mapping by moves */
  uint64_t kernels_ahead, kernels_late; /* compiled by threads; when a pass needed them */
  uint64_t kernel_bytes;                /* taken over from an earlier run */
  uint64_t result_bytes; /* of logits, or of the best of them, that were read from the device */
  double longest_submit; /* seconds, of those that are measured: prompts */
  uint64_t barriers;     /* of the threads */
};

struct pe_backend_ops {
  const char *name;

  /* Whether this device can execute the stage at all; if not, the plan leaves it to the CPU. */
  bool (*supports) (const struct pe_device_info *device, const struct pe_model *model,
                    const struct pe_program *program, const struct pe_plan_request *request,
                    uint32_t stage);

  /* Appends every buffer that this device will take for the stages that plan->stage_device gives
   * it (weights, cache, state, work, staging, tables). Pure: from the header and the device info.
   */
  bool (*plan) (const struct pe_model *model, const struct pe_program *program,
                struct pe_plan *plan, size_t device, struct pe_error *error);

  bool (*open) (const struct pe_backend_context *context, struct pe_backend **out,
                struct pe_error *error);
  void (*close) (struct pe_backend *backend);

  /* The plan changed: makes room for, or gives back, what does not belong to a stage. */
  bool (*replan) (struct pe_backend *backend, const struct pe_plan *plan, struct pe_error *error);

  /* Brings a stage's weights, cache and state memory in; gives them back. `close` also does.
   * `reserve_stage` takes the memory alone, `load_stage` also fills it: `from_mapping` when the
   * stage was in use elsewhere, so that the file need not be read. */
  bool (*reserve_stage) (struct pe_backend *backend, uint32_t stage, struct pe_error *error);
  bool (*load_stage) (struct pe_backend *backend, uint32_t stage, bool from_mapping,
                      struct pe_error *error);
  void (*drop_stage) (struct pe_backend *backend, uint32_t stage);

  /* Copies whole cache pages, or the recurrent state of a slot, between the device and host
   * memory in the layout of kv.h; both stages are loaded. */
  bool (*read_page) (struct pe_backend *backend, uint32_t stage, uint32_t page, void *host,
                     struct pe_error *error);
  bool (*write_page) (struct pe_backend *backend, uint32_t stage, uint32_t page, const void *host,
                      struct pe_error *error);
  bool (*copy_page) (struct pe_backend *backend, uint32_t stage, uint32_t from, uint32_t to,
                     struct pe_error *error);
  bool (*read_state) (struct pe_backend *backend, uint32_t stage, uint32_t slot, void *host,
                      struct pe_error *error);
  bool (*write_state) (struct pe_backend *backend, uint32_t stage, uint32_t slot, const void *host,
                       struct pe_error *error);

  /* Executes stages [first, end). `start` has read exchange->in when it returns, which may be
   * before the work is done; `finish` waits for the oldest pass that was started and makes its
   * exchange->out and ->logits readable. Up to n_under_way (0: one) passes are started and not yet
   * finished, in order; each stays as it is meanwhile. One whose start failed is not under way. */
  uint32_t n_under_way;
  bool picks_best; /* can give the best logits alone */
  /* Whether the first stage can be executed here too although the plan leaves it to the CPU. NULL:
   * never. */
  bool (*embeds) (const struct pe_backend *backend);
  bool (*start) (struct pe_backend *backend, const struct pe_pass *pass, uint32_t first,
                 uint32_t end, const struct pe_exchange *exchange, struct pe_error *error);
  bool (*finish) (struct pe_backend *backend, struct pe_error *error);

  /* Rows of a prompt that one pass should have at most, so that the device is not blocked for
   * long, when the context holds `depth` tokens. NULL: any number. */
  uint32_t (*most_rows) (struct pe_backend *backend, uint32_t depth);

  /* CPU: executes operations [first, end) of a stage that is on a GPU, for the rows of the pass;
   * `part_rows` gives where the rows of a value lie, its width apart, before and after. */
  bool (*run_part) (struct pe_backend *backend, const struct pe_pass *pass, uint32_t stage,
                    size_t first, size_t end, struct pe_error *error);
  float *(*part_rows) (struct pe_backend *backend, uint16_t value);

  /* Bytes held now, counted where they are taken from the system or the driver. */
  uint64_t (*allocated) (const struct pe_backend *backend, enum pe_memory_kind kind);
  void (*count) (const struct pe_backend *backend, struct pe_backend_count *out);

  /* Compiled kernels for the next run, with what `before` holds of other devices; pe_free() it.
   * NULL: there are none. */
  void *(*kernels) (struct pe_backend *backend, const void *before, size_t n_before,
                    size_t *n_bytes);

  /* Bytes that the device still has for this program; below zero when it has taken more than its
   * share. False: it does not say. NULL: never. */
  bool (*memory_left) (struct pe_backend *backend, int64_t *out);
};

extern const struct pe_backend_ops pe_cpu_backend;
extern const struct pe_backend_ops pe_vulkan_backend;

/* Used by `plan` functions. Rounds nothing; bytes == 0 adds nothing. */
bool pe_plan_add (struct pe_plan *plan, size_t device, enum pe_memory_kind kind, uint32_t stage,
                  uint32_t index, bool mapped, uint64_t bytes, struct pe_error *error);

/* The allocation of the plan with these coordinates, or NULL. */
const struct pe_allocation *pe_plan_find (const struct pe_plan *plan, size_t device,
                                          enum pe_memory_kind kind, uint32_t stage, uint32_t index);

#define PE_STAGE_NONE UINT32_MAX
