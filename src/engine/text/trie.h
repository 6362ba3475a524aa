/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Byte strings with values, found as prefixes of a text byte by byte. Immutable once filled; then
 * any thread may walk it.
 */
#pragma once

#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PE_TRIE_NONE UINT32_MAX

/* Edges lie in one open-addressing table: (node, byte) -> node. Node 0 is the root. */
struct pe_trie {
  uint64_t *edges; /* node << 8 | byte, plus 1; 0 is free */
  uint32_t *targets;
  size_t n_edges, n_slots;
  uint32_t *values; /* of each node, or PE_TRIE_NONE */
  size_t n_nodes, values_capacity;
  uint64_t salt;
};

bool pe_trie_init (struct pe_trie *trie); /* false: memory */
bool pe_trie_add (struct pe_trie *trie, const char *text, size_t n, uint32_t value);
void pe_trie_clear (struct pe_trie *trie); /* a zeroed one is fine */
uint64_t pe_trie_bytes (const struct pe_trie *trie);

/* The node one byte further, or PE_TRIE_NONE. */
uint32_t pe_trie_step (const struct pe_trie *trie, uint32_t node, unsigned char byte);
