/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Host memory of the kinds that a plan lists. A buffer can only be taken by naming its entry in
 * the plan; what was taken is counted here, where it comes from the system, and nowhere else.
 */
#pragma once

#include "engine/plan.h"

struct pe_buffer {
  void *data; /* 64-byte aligned, zero-filled; NULL: none */
  uint64_t bytes;
  enum pe_memory_kind kind;
};

struct pe_memory_count {
  uint64_t bytes[PE_MEMORY_KIND_COUNT];
};

/* Fails with PE_ERROR_ARGUMENT when the plan has no such entry, PE_ERROR_MEMORY when the system
 * refuses. An entry that the plan does not have because it needs no bytes is for the caller to
 * know. */
bool pe_buffer_take (struct pe_buffer *buffer, const struct pe_plan *plan, size_t device,
                     enum pe_memory_kind kind, uint32_t stage, uint32_t index,
                     struct pe_memory_count *count, struct pe_error *error);
void pe_buffer_give (struct pe_buffer *buffer, struct pe_memory_count *count);
