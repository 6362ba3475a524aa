/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ranges of characters as ranges of the bytes that encode them (RFC 3629).
 */
#include "engine/text/grammar-program.h"

#include "base/utf8.h"

struct pe_grammar_node *
pe_grammar_node_new (struct pe_arena *arena, enum pe_grammar_kind kind)
{
  struct pe_grammar_node *node = pe_arena_alloc (arena, sizeof *node);
  if (node)
    node->kind = kind;
  return node;
}

/* One sequence: all characters from `low` to `high` have as many bytes, and wherever a byte may
 * vary all later ones take any value. */
static bool
add_sequence (struct pe_arena *arena, struct pe_grammar_node *any, uint32_t low, uint32_t high)
{
  char first[4], last[4];
  unsigned n = pe_utf8_put (low, first);
  pe_utf8_put (high, last);
  struct pe_grammar_node *all = pe_grammar_node_new (arena, PE_GRAMMAR_ALL);
  if (!all)
    return false;
  for (unsigned i = 0; i < n; i++) {
    struct pe_grammar_node *byte = pe_grammar_node_new (arena, PE_GRAMMAR_BYTE);
    if (!byte)
      return false;
    byte->low = (unsigned char) first[i];
    byte->high = (unsigned char) last[i];
    pe_grammar_append (all, byte);
  }
  pe_grammar_append (any, all);
  return true;
}

bool
pe_grammar_add_range (struct pe_arena *arena, struct pe_grammar_node *any, uint32_t low,
                      uint32_t high)
{
  static const uint32_t ends[] = { 0x7f, 0x7ff, 0xd7ff, 0xdfff, 0xffff, 0x10ffff };
  while (low <= high) {
    uint32_t end = high;
    for (int i = 0; i < 6; i++)
      if (low <= ends[i]) {
        end = end < ends[i] ? end : ends[i];
        break;
      }
    if (low >= 0xd800 && low <= 0xdfff) {
      low = end + 1;
      continue;
    }
    /* Cut where the continuation bytes, six bits each, do not cover all that they could. */
    unsigned n_bytes = low < 0x80 ? 1 : low < 0x800 ? 2 : low < 0x10000 ? 3 : 4;
    for (unsigned i = 1; i < n_bytes; i++) {
      uint32_t mask = (1u << (6 * i)) - 1;
      if ((low & ~mask) == (end & ~mask))
        continue;
      if (low & mask) {
        end = low | mask;
        break;
      }
      if ((end & mask) != mask)
        end = (end & ~mask) - 1;
    }
    if (!add_sequence (arena, any, low, end))
      return false;
    low = end + 1;
  }
  return true;
}
