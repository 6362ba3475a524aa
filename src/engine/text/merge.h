/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repeated merging of neighbours, best pair first and the leftmost of equals: what byte-level BPE
 * and SentencePiece BPE have in common. O(n log n) in time, linear in memory, no recursion.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define PE_NO_PAIR UINT32_MAX

struct pe_part {
  uint32_t offset, n; /* bytes of the text */
  uint32_t symbol;
  uint32_t previous, next; /* PE_NO_PAIR at the ends */
  uint32_t order;          /* of the pair with the next part: the lowest is merged first */
  uint32_t merged;         /* the symbol it becomes */
};

/* Fills order and merged of the pair (left, right); order PE_NO_PAIR: they do not merge. */
typedef void (*pe_pair_fn) (const void *data, struct pe_part *left, const struct pe_part *right);

/* Working memory, reused from piece to piece; zero-initialise, free with pe_merger_clear(). */
struct pe_merger {
  struct pe_part *parts;
  size_t n_parts, parts_capacity;
  uint64_t *queue; /* order << 32 | left part */
  size_t n_queue, queue_capacity;
};

void pe_merger_clear (struct pe_merger *merger);
bool pe_merger_add (struct pe_merger *merger, uint32_t offset, uint32_t n, uint32_t symbol,
                    struct pe_error *error);
/* Merges what was added; the result is the chain that begins at parts[0]. */
bool pe_merger_run (struct pe_merger *merger, pe_pair_fn pair, const void *data,
                    struct pe_error *error);
