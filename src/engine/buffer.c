/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/buffer.h"

#include "base/alloc.h"
#include "engine/backend.h"

#include <sys/mman.h>

/* The alignment that mmap gives is more than enough, and fresh pages are zero without a write, so
 * a cache that is never filled costs no memory. */
static void *
take_pages (uint64_t bytes)
{
  if (bytes > SIZE_MAX || pe_alloc_must_fail ())
    return NULL;
  void *p = mmap (NULL, (size_t) bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return NULL;
#ifdef MADV_HUGEPAGE
  if (bytes >= (uint64_t) 4 << 20)
    madvise (p, (size_t) bytes, MADV_HUGEPAGE);
#endif
  return p;
}

bool
pe_buffer_take (struct pe_buffer *buffer, const struct pe_plan *plan, size_t device,
                enum pe_memory_kind kind, uint32_t stage, uint32_t index,
                struct pe_memory_count *count, struct pe_error *error)
{
  const struct pe_allocation *entry = pe_plan_find (plan, device, kind, stage, index);
  if (!entry)
    return pe_fail (error, PE_ERROR_ARGUMENT, "the plan lists no %s memory for stage %u",
                    pe_memory_kind_name (kind), stage);
  void *p = take_pages (entry->bytes);
  if (!p)
    return pe_fail (error, PE_ERROR_MEMORY, "there is not enough memory for %.1f MB of %s",
                    (double) entry->bytes / 1e6, pe_memory_kind_name (kind));
  *buffer = (struct pe_buffer){ p, entry->bytes, kind };
  count->bytes[kind] += entry->bytes;
  return true;
}

void
pe_buffer_give (struct pe_buffer *buffer, struct pe_memory_count *count)
{
  if (!buffer->data)
    return;
  munmap (buffer->data, (size_t) buffer->bytes);
  count->bytes[buffer->kind] -= buffer->bytes;
  *buffer = (struct pe_buffer){ 0 };
}
