/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An opened model: metadata, tensor table, hyper-parameters, vocabulary, program. Immutable after
 * opening and shared freely between threads; weights are the file's mapping and are not read here.
 */
#pragma once

#include "base/error.h"
#include "engine/quant/types.h"
#include "engine/text/tokenizer.h"

#include <stddef.h>

struct pe_model;
struct pe_gguf;
struct pe_program;

/* What a person would want to know of a model. Strings are valid UTF-8 and live with the model. */
struct pe_model_info {
  const char *architecture; /* general.architecture */
  const char *family;       /* name of the family's row, for people: "Llama", "Qwen 3" */
  const char *name;         /* general.name, or "" */
  const char *quantisation; /* label such as "Q4_K_M", from file_type or the tensors */
  const char *license;      /* "" when unknown */
  uint32_t n_layers;
  uint32_t n_vocab; /* columns of the logits */
  uint32_t n_embd;
  uint32_t n_ctx_train;
  uint32_t n_experts, n_experts_used;
  uint64_t n_parameters;
  uint64_t file_bytes;       /* all parts */
  uint64_t tensor_bytes;     /* weights alone */
  uint64_t memory_bytes;     /* host memory that the opened model holds, mapping not counted */
  const char *chat_template; /* zero-terminated, or NULL */
  size_t chat_template_bytes;
};

/* Opens `path`; a first part "-00001-of-000NN.gguf" brings the others in. Messages name the file
 * and the byte. Weights are mapped read-only and not touched. */
bool pe_model_open (const char *path, struct pe_model **out, struct pe_error *error);

/* The same for open descriptors, all parts in order (not taken over); `name` is for messages. */
bool pe_model_open_fds (const int *fds, size_t n_fds, const char *name, struct pe_model **out,
                        struct pe_error *error);

/* A model without weights, from the first `n` bytes of a file (copied). PE_ERROR_TRUNCATED: the
 * header is longer; at least error->offset bytes are needed. Plans, tokenises and renders. */
bool pe_model_open_header (const void *bytes, size_t n, uint64_t file_bytes, const char *name,
                           struct pe_model **out, struct pe_error *error);

void pe_model_close (struct pe_model *model); /* NULL is fine; runtimes must be gone before */

const struct pe_model_info *pe_model_info (const struct pe_model *model);
const struct pe_gguf *pe_model_gguf (const struct pe_model *model); /* of the first part */

/* NULL when the file has no usable vocabulary; *error (may be NULL) then says why. */
const struct pe_vocab *pe_model_vocab (const struct pe_model *model, struct pe_error *error);

/* False for a file without the tensors of its family (vocabulary-only files). */
bool pe_model_can_compute (const struct pe_model *model, struct pe_error *error);
