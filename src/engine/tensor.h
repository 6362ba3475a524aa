/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tensors of a model, over all parts of a split file. Inside the engine only.
 */
#pragma once

#include "engine/model.h"
#include "engine/program.h"

struct pe_tensor {
  const char *name; /* zero-terminated */
  enum pe_type type;
  uint32_t n_dims;
  uint64_t shape[4]; /* shape[0] is the contiguous row length */
  uint64_t n_elements, n_bytes, row_bytes;
  uint32_t file;    /* part of a split file */
  uint64_t offset;  /* in that part */
  const void *data; /* in the mapping; NULL for a model opened from its header */
  /* A stack put together (format/apart.h): for each expert the number of its tensor. Its own type
   * is that of the first, and it has no data. NULL for tensors of the file. */
  const int32_t *experts;
};

/* *n (may be NULL): those of the file; stacks that were put together follow them. */
const struct pe_tensor *pe_model_tensors (const struct pe_model *model, size_t *n);
const struct pe_tensor *pe_model_find_tensor (const struct pe_model *model, const char *name);
const struct pe_program *pe_model_program (const struct pe_model *model); /* NULL: cannot compute */
/* A descriptor for reading part `file` with pread(), or -1. Belongs to the model. */
int pe_model_file (const struct pe_model *model, uint32_t file);
uint64_t pe_model_file_bytes (const struct pe_model *model, uint32_t file);
