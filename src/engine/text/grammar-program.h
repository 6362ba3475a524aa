/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of grammars: the tree that the parser builds, and the automaton that it becomes.
 */
#pragma once

#include "base/alloc.h"
#include "engine/text/grammar.h"

enum pe_grammar_kind {
  PE_GRAMMAR_BYTE,   /* one byte from `low` to `high` */
  PE_GRAMMAR_RULE,   /* another rule, `rule` */
  PE_GRAMMAR_ALL,    /* the children one after the other */
  PE_GRAMMAR_ANY,    /* one of the children */
  PE_GRAMMAR_REPEAT, /* the one child `low` to `high` times */
};

#define PE_GRAMMAR_UNBOUNDED UINT32_MAX

/* Children are linked last first: the automaton is built from its end. */
struct pe_grammar_node {
  enum pe_grammar_kind kind;
  uint32_t low, high, rule;
  struct pe_grammar_node *last, *previous;
};

struct pe_grammar_rule {
  const char *name; /* NULL: made for a class of characters */
  size_t n_name;
  size_t offset; /* where it was first named */
  struct pe_grammar_node *body;
};

struct pe_grammar_tree {
  struct pe_arena arena;
  struct pe_grammar_rule *rules; /* named rules and classes */
  size_t n_rules, capacity;
  uint32_t root;
};

/* Adds to `any` the byte sequences of the characters from `low` to `high`, surrogates left out. */
bool pe_grammar_add_range (struct pe_arena *arena, struct pe_grammar_node *any, uint32_t low,
                           uint32_t high);
struct pe_grammar_node *pe_grammar_node_new (struct pe_arena *arena, enum pe_grammar_kind kind);

static inline void
pe_grammar_append (struct pe_grammar_node *parent, struct pe_grammar_node *child)
{
  child->previous = parent->last;
  parent->last = child;
}

enum pe_grammar_op {
  PE_GRAMMAR_RETURN, /* state 0, the only one: the rule is complete */
  PE_GRAMMAR_TAKE,   /* a byte from `low` to `high`, then `next` */
  PE_GRAMMAR_SPLIT,  /* `next` and `other` */
  PE_GRAMMAR_CALL,   /* the rule that begins at `other`, then `next` */
};

#define PE_GRAMMAR_NEVER UINT8_MAX

struct pe_grammar_state {
  uint8_t op, low, high;
  uint8_t need; /* rules that must be opened, at least, to complete this one; or NEVER */
  uint32_t next, other;
};

struct pe_grammar {
  struct pe_grammar_state *states;
  size_t n_states;
  uint32_t start;
};

bool pe_grammar_compile (const struct pe_grammar_tree *tree, struct pe_grammar **out,
                         struct pe_error *error);
