/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From tensors and hyper-parameters to the program. build.c holds the driver and the small
 * vocabulary below; build-attention.c, build-ffn.c, build-mixers.c and build-gemma.c use it to
 * write the operations of one layer. Every tensor is checked for its shape where it is used.
 *
 * After a failure all functions do nothing and return empty views; the driver reports it once.
 */
#pragma once

#include "engine/format/arch.h"
#include "engine/format/hparams.h"
#include "engine/tensor.h"

struct pe_build {
  const struct pe_model *model;
  const struct pe_arch *arch;
  const struct pe_hparams *h;
  struct pe_arena *arena; /* the program's memory */
  struct pe_program *program;
  struct pe_error *error;
  bool failed;

  uint32_t layer;    /* being built */
  struct pe_op *ops; /* of the stage being built */
  size_t n_ops, ops_capacity;
  int32_t *tensors; /* that the stage uses */
  size_t n_tensors, tensors_capacity;
  size_t values_capacity;
};

/* Builds the program of a model into its arena. PE_ERROR_FORMAT names the tensor that is missing
 * or has the wrong shape; PE_ERROR_UNSUPPORTED what this engine does not do. */
bool pe_build_program (const struct pe_model *model, const struct pe_arch *arch,
                       const struct pe_hparams *h, struct pe_arena *arena, struct pe_program **out,
                       struct pe_error *error);

/* ---- vocabulary of the builders ---- */

void pe_build_refuse (struct pe_build *b, enum pe_code code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* A value by name, made on first use; its width is the largest asked for. */
uint16_t pe_value (struct pe_build *b, const char *name, uint32_t width);
struct pe_view pe_whole (uint16_t value, uint32_t width);
struct pe_view pe_heads (uint16_t value, uint32_t offset, uint32_t count, uint32_t width,
                         uint32_t stride);
/* The value `name` with exactly this width, as a whole. */
struct pe_view pe_fresh (struct pe_build *b, const char *name, uint32_t width);
static inline uint32_t
pe_view_elements (struct pe_view view)
{
  return view.count * view.width;
}

/* Tensors of the layer being built: "blk.<layer>.<name>"; `pe_global_*`: by their whole name. */
bool pe_has (struct pe_build *b, const char *name);
const struct pe_tensor *pe_layer_tensor (struct pe_build *b, const char *name); /* NULL if absent */
/* A matrix with rows of n_in elements and n_out rows. */
struct pe_weight pe_matrix (struct pe_build *b, const char *name, uint64_t n_in, uint64_t n_out);
/* Any tensor with exactly n elements, used as a vector. */
struct pe_weight pe_vector (struct pe_build *b, const char *name, uint64_t n);
struct pe_weight pe_optional_vector (struct pe_build *b, const char *name, uint64_t n);
struct pe_weight pe_global_vector (struct pe_build *b, const char *name, uint64_t n);
bool pe_has_global (struct pe_build *b, const char *name);
struct pe_weight pe_global_matrix (struct pe_build *b, const char *name, uint64_t n_in,
                                   uint64_t n_out);
/* A stack of n_experts (or heads) matrices, [n_in, n_out, n]. */
struct pe_weight pe_stack (struct pe_build *b, const char *name, uint64_t n_in, uint64_t n_out,
                           uint64_t n);
struct pe_weight pe_global_stack (struct pe_build *b, const char *name, uint64_t n_in,
                                  uint64_t n_out, uint64_t n);
struct pe_weight pe_rows (struct pe_weight w, uint64_t row, uint64_t n_rows);
struct pe_weight pe_no_weight (void);

struct pe_op *pe_emit (struct pe_build *b, enum pe_op_kind kind);

/* out = W in (+ bias "<name>.bias") (* "<name>.scale"); `name` without ".weight". */
void pe_emit_linear (struct pe_build *b, const char *name, struct pe_view in, struct pe_view out);
void pe_emit_matmul (struct pe_build *b, struct pe_weight w, struct pe_weight bias,
                     struct pe_view in, struct pe_view out);
/* The family's norm with tensor `name` (without ".weight") and its bias if there is one. */
void pe_emit_norm (struct pe_build *b, const char *name, struct pe_view in, struct pe_view out);
void pe_emit_rms (struct pe_build *b, struct pe_weight w, struct pe_view in, struct pe_view out);
void pe_emit_add (struct pe_build *b, float a, struct pe_view x, float c, struct pe_view y,
                  struct pe_view out);
void pe_emit_unary (struct pe_build *b, enum pe_unary f, float p, float q, struct pe_view in,
                    struct pe_view out);
void pe_emit_mul (struct pe_build *b, enum pe_unary f, struct pe_view x, struct pe_view y,
                  struct pe_view out);
void pe_emit_glu (struct pe_build *b, struct pe_view gate, struct pe_view up, struct pe_view out);

/* Parts of a layer. `in` is the normed input; the result is written to `out`. */
void pe_build_attention (struct pe_build *b, struct pe_view in, struct pe_view out);
void pe_build_ffn (struct pe_build *b, struct pe_view in, struct pe_view out);
void pe_build_dense_ffn (struct pe_build *b, const char *gate, const char *up, const char *down,
                         struct pe_view in, uint32_t n_ff, struct pe_view out);
void pe_build_experts (struct pe_build *b, struct pe_view router_in, struct pe_view in,
                       struct pe_view out);
bool pe_build_has_mixer (struct pe_build *b);
void pe_build_mixer (struct pe_build *b, struct pe_view in, struct pe_view out);

/* The rotation of the layer being built; n_rot 0 where it has none. */
struct pe_rope pe_build_rope (struct pe_build *b, struct pe_weight *factors);

/* build-gemma.c */
void pe_build_gemma_embed (struct pe_build *b, struct pe_view hidden);
void pe_build_gemma3n_layer (struct pe_build *b);
void pe_build_gemma3n_output (struct pe_build *b, struct pe_view out);
void pe_build_gemma4_ffn (struct pe_build *b, struct pe_view x);
void pe_build_per_layer_embedding (struct pe_build *b, struct pe_view x, struct pe_view out);
