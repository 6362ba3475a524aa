/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/trie.h"

#include "base/alloc.h"

#include <string.h>

static size_t
slot_of (const struct pe_trie *trie, uint64_t edge)
{
  /* Multiply-shift with a secret multiplier: files cannot prepare collisions. */
  uint64_t h = (edge ^ trie->salt >> 32) * (trie->salt | 1);
  size_t i = (size_t) (h ^ h >> 29) & (trie->n_slots - 1);
  while (trie->edges[i] && trie->edges[i] != edge)
    i = (i + 1) & (trie->n_slots - 1);
  return i;
}

bool
pe_trie_init (struct pe_trie *trie)
{
  *trie = (struct pe_trie){ .n_slots = 64, .salt = pe_hash_key_new ().k0 };
  trie->edges = pe_calloc (trie->n_slots, sizeof *trie->edges);
  trie->targets = pe_calloc (trie->n_slots, sizeof *trie->targets);
  if (!trie->edges || !trie->targets ||
      !pe_grow (&trie->values, &trie->values_capacity, 1, sizeof *trie->values)) {
    pe_trie_clear (trie);
    return false;
  }
  trie->values[0] = PE_TRIE_NONE;
  trie->n_nodes = 1;
  return true;
}

void
pe_trie_clear (struct pe_trie *trie)
{
  pe_free (trie->edges);
  pe_free (trie->targets);
  pe_free (trie->values);
  *trie = (struct pe_trie){ 0 };
}

uint64_t
pe_trie_bytes (const struct pe_trie *trie)
{
  return trie->n_slots * (sizeof *trie->edges + sizeof *trie->targets) +
         trie->values_capacity * sizeof *trie->values;
}

static bool
widen (struct pe_trie *trie)
{
  struct pe_trie wide = *trie;
  wide.n_slots = trie->n_slots * 2;
  wide.edges = pe_calloc (wide.n_slots, sizeof *wide.edges);
  wide.targets = pe_calloc (wide.n_slots, sizeof *wide.targets);
  if (!wide.edges || !wide.targets) {
    pe_free (wide.edges);
    pe_free (wide.targets);
    return false;
  }
  for (size_t i = 0; i < trie->n_slots; i++)
    if (trie->edges[i]) {
      size_t to = slot_of (&wide, trie->edges[i]);
      wide.edges[to] = trie->edges[i];
      wide.targets[to] = trie->targets[i];
    }
  pe_free (trie->edges);
  pe_free (trie->targets);
  *trie = wide;
  return true;
}

bool
pe_trie_add (struct pe_trie *trie, const char *text, size_t n, uint32_t value)
{
  uint32_t node = 0;
  for (size_t i = 0; i < n; i++) {
    uint64_t edge = ((uint64_t) node << 8 | (unsigned char) text[i]) + 1;
    size_t slot = slot_of (trie, edge);
    if (!trie->edges[slot]) {
      if (trie->n_nodes >= PE_TRIE_NONE ||
          !pe_grow (&trie->values, &trie->values_capacity, trie->n_nodes + 1, sizeof *trie->values))
        return false;
      if (2 * (trie->n_edges + 1) > trie->n_slots) {
        if (!widen (trie))
          return false;
        slot = slot_of (trie, edge);
      }
      trie->values[trie->n_nodes] = PE_TRIE_NONE;
      trie->edges[slot] = edge;
      trie->targets[slot] = (uint32_t) trie->n_nodes++;
      trie->n_edges++;
    }
    node = trie->targets[slot];
  }
  trie->values[node] = value;
  return true;
}

uint32_t
pe_trie_step (const struct pe_trie *trie, uint32_t node, unsigned char byte)
{
  uint64_t edge = ((uint64_t) node << 8 | byte) + 1;
  size_t slot = slot_of (trie, edge);
  return trie->edges[slot] ? trie->targets[slot] : PE_TRIE_NONE;
}
