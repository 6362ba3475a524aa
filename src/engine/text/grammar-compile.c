/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tree of a grammar becomes an automaton (Thompson 1968, with calls), built from its end, so
 * that each part knows what follows it.
 */
#include "engine/text/grammar-program.h"

#define MAX_STEPS  (1u << 22)
#define MAX_SWEEPS 1024u

struct compiler {
  const struct pe_grammar_tree *tree;
  struct pe_grammar *grammar;
  size_t capacity;
  uint32_t *starts; /* where each rule is entered */
  uint32_t *begins; /* its states are from here up to the next rule's */
  bool *empty;      /* for each state, while left recursion is looked for */
  uint32_t steps;
  struct pe_error *error;
};

static bool
too_large (struct compiler *c)
{
  return pe_fail (c->error, PE_ERROR_LIMIT, "the grammar is too large: more than %u states",
                  PE_GRAMMAR_MAX_STATES);
}

static bool
add_state (struct compiler *c, struct pe_grammar_state state, uint32_t *out)
{
  struct pe_grammar *g = c->grammar;
  if (g->n_states >= PE_GRAMMAR_MAX_STATES)
    return too_large (c);
  if (!pe_grow (&g->states, &c->capacity, g->n_states + 1, sizeof *g->states))
    return pe_fail (c->error, PE_ERROR_MEMORY, "not enough memory for the grammar");
  state.need = PE_GRAMMAR_NEVER;
  *out = (uint32_t) g->n_states;
  g->states[g->n_states++] = state;
  return true;
}

static bool
add_split (struct compiler *c, uint32_t next, uint32_t other, uint32_t *out)
{
  return add_state (
      c, (struct pe_grammar_state){ .op = PE_GRAMMAR_SPLIT, .next = next, .other = other }, out);
}

static bool emit (struct compiler *c, const struct pe_grammar_node *node, uint32_t next,
                  uint32_t *out);

/* Optional copies end early; a repeat without an end is a loop before what follows. */
static bool
emit_repeat (struct compiler *c, const struct pe_grammar_node *node, uint32_t next, uint32_t *out)
{
  const struct pe_grammar_node *part = node->last;
  uint32_t at = next, body;
  if (node->high == PE_GRAMMAR_UNBOUNDED) {
    if (!add_split (c, 0, next, &at) || !emit (c, part, at, &body))
      return false;
    c->grammar->states[at].next = body;
  } else
    for (uint32_t i = node->low; i < node->high; i++)
      if (!emit (c, part, at, &body) || !add_split (c, body, next, &at))
        return false;
  for (uint32_t i = 0; i < node->low; i++)
    if (!emit (c, part, at, &at))
      return false;
  *out = at;
  return true;
}

/* The states of `node`, after which `next` follows; *out is the first. Nesting is bounded by the
 * parser. */
static bool
emit (struct compiler *c, const struct pe_grammar_node *node, uint32_t next, uint32_t *out)
{
  uint32_t at = next, part;
  if (c->steps++ >= MAX_STEPS)
    return too_large (c);
  switch (node->kind) {
  case PE_GRAMMAR_BYTE:
    return add_state (c,
                      (struct pe_grammar_state){ .op = PE_GRAMMAR_TAKE,
                                                 .low = (uint8_t) node->low,
                                                 .high = (uint8_t) node->high,
                                                 .next = next },
                      out);
  case PE_GRAMMAR_RULE:
    return add_state (
        c, (struct pe_grammar_state){ .op = PE_GRAMMAR_CALL, .next = next, .other = node->rule },
        out);
  case PE_GRAMMAR_ALL:
    for (const struct pe_grammar_node *child = node->last; child; child = child->previous)
      if (!emit (c, child, at, &at))
        return false;
    *out = at;
    return true;
  case PE_GRAMMAR_ANY:
    if (!emit (c, node->last, next, &at))
      return false;
    for (const struct pe_grammar_node *child = node->last->previous; child; child = child->previous)
      if (!emit (c, child, next, &part) || !add_split (c, part, at, &at))
        return false;
    *out = at;
    return true;
  case PE_GRAMMAR_REPEAT: return emit_repeat (c, node, next, out);
  }
  return false;
}

static bool
emit_rules (struct compiler *c)
{
  struct pe_grammar *g = c->grammar;
  uint32_t end = 0;
  if (!add_state (c, (struct pe_grammar_state){ .op = PE_GRAMMAR_RETURN }, &end))
    return false;
  g->states[end].need = 0;
  for (size_t i = 0; i < c->tree->n_rules; i++) {
    c->begins[i] = (uint32_t) g->n_states;
    if (!emit (c, c->tree->rules[i].body, end, &c->starts[i]))
      return false;
  }
  c->begins[c->tree->n_rules] = (uint32_t) g->n_states;
  return true;
}

/* ---- fixed points ---- */

/* Recomputes something about each state until nothing changes. Within a rule what follows was made
 * first; rules are taken up and down in turn, so that chains of them settle at once in one of the
 * directions. */
static bool
settle (struct compiler *c, bool (*update) (struct compiler *c, size_t state))
{
  size_t n = c->tree->n_rules;
  for (uint32_t sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    bool changed = false;
    for (size_t k = 0; k < n; k++) {
      size_t rule = sweep & 1 ? k : n - 1 - k;
      for (size_t i = c->begins[rule]; i < c->begins[rule + 1]; i++)
        changed |= update (c, i);
    }
    if (!changed)
      return true;
  }
  return pe_fail (c->error, PE_ERROR_LIMIT, "the grammar's rules are too entangled");
}

/* ---- left recursion ---- */

/* Whether the rule's end can be reached without a byte. */
static bool
update_empty (struct compiler *c, size_t state)
{
  const struct pe_grammar_state *s = &c->grammar->states[state];
  const bool *empty = c->empty;
  bool now = s->op == PE_GRAMMAR_SPLIT  ? empty[s->next] || empty[s->other]
             : s->op == PE_GRAMMAR_CALL ? empty[c->starts[s->other]] && empty[s->next]
                                        : false;
  bool changed = now != empty[state];
  c->empty[state] = now;
  return changed;
}

struct left_calls {
  uint32_t *first; /* for each rule, where its calls begin; one more than there are rules */
  uint32_t *rules;
  size_t n, capacity;
  uint32_t *seen, *stack; /* for each state */
};

/* The rules that `rule` may enter before it has read a byte. */
static bool
collect_left_calls (struct compiler *c, uint32_t rule, struct left_calls *left)
{
  const struct pe_grammar *g = c->grammar;
  size_t depth = 0;
#define VISIT(state)                                                                               \
  do {                                                                                             \
    if (left->seen[state] != rule + 1) {                                                           \
      left->seen[state] = rule + 1;                                                                \
      left->stack[depth++] = (state);                                                              \
    }                                                                                              \
  } while (0)
  VISIT (c->starts[rule]);
  while (depth > 0) {
    const struct pe_grammar_state *s = &g->states[left->stack[--depth]];
    if (s->op == PE_GRAMMAR_SPLIT) {
      VISIT (s->next);
      VISIT (s->other);
    } else if (s->op == PE_GRAMMAR_CALL) {
      if (!pe_grow (&left->rules, &left->capacity, left->n + 1, sizeof *left->rules))
        return pe_fail (c->error, PE_ERROR_MEMORY, "not enough memory for the grammar");
      left->rules[left->n++] = s->other;
      if (c->empty[c->starts[s->other]])
        VISIT (s->next);
    }
  }
#undef VISIT
  return true;
}

/* Takes away, one after the other, rules that enter none of those left. What stays runs in
 * circles, or leads to one. */
static bool
refuse_circles (struct compiler *c, const struct left_calls *left, bool *is_gone)
{
  size_t n = c->tree->n_rules;
  for (uint32_t sweep = 0;; sweep++) {
    bool changed = false, all_gone = true;
    for (size_t k = 0; k < n; k++) {
      size_t r = sweep & 1 ? k : n - 1 - k;
      if (is_gone[r])
        continue;
      bool enters = false;
      for (uint32_t i = left->first[r]; i < left->first[r + 1] && !enters; i++)
        enters = !is_gone[left->rules[i]];
      is_gone[r] = !enters;
      changed |= !enters;
      all_gone &= !enters;
    }
    if (all_gone)
      return true;
    if (sweep > MAX_SWEEPS)
      return pe_fail (c->error, PE_ERROR_LIMIT, "the grammar's rules are too entangled");
    if (changed)
      continue;
    size_t r = 0;
    while (is_gone[r])
      r++;
    for (size_t step = 0; step < n; step++) /* from a rule that leads to a circle, into it */
      for (uint32_t i = left->first[r]; i < left->first[r + 1]; i++)
        if (!is_gone[left->rules[i]]) {
          r = left->rules[i];
          break;
        }
    const struct pe_grammar_rule *rule = &c->tree->rules[r];
    return pe_fail_at (c->error, PE_ERROR_FORMAT, rule->offset,
                       "the grammar's rule '%.*s' begins with itself", (int) rule->n_name,
                       rule->name ? rule->name : "");
  }
}

static bool
refuse_left_recursion (struct compiler *c)
{
  size_t n_rules = c->tree->n_rules, n_states = c->grammar->n_states;
  struct left_calls left = {
    .first = pe_calloc (n_rules + 1, sizeof *left.first),
    .seen = pe_calloc (n_states, sizeof *left.seen),
    .stack = pe_calloc (n_states, sizeof *left.stack),
  };
  bool *is_gone = pe_calloc (n_rules, sizeof *is_gone);
  c->empty = pe_calloc (n_states, sizeof *c->empty);
  bool good = left.first && left.seen && left.stack && c->empty && is_gone;
  if (!good)
    pe_fail (c->error, PE_ERROR_MEMORY, "not enough memory for the grammar");
  if (good) {
    c->empty[0] = true;
    good = settle (c, update_empty);
  }
  for (uint32_t r = 0; r < n_rules && good; r++) {
    good = collect_left_calls (c, r, &left);
    left.first[r + 1] = (uint32_t) left.n;
  }
  good = good && refuse_circles (c, &left, is_gone);
  pe_free (left.first);
  pe_free (left.rules);
  pe_free (left.seen);
  pe_free (left.stack);
  pe_free (c->empty);
  pe_free (is_gone);
  return good;
}

/* ---- how deep ---- */

static unsigned
needed (const struct pe_grammar *g, const struct pe_grammar_state *s)
{
  unsigned next = g->states[s->next].need, other = g->states[s->other].need;
  switch (s->op) {
  case PE_GRAMMAR_RETURN: return 0;
  case PE_GRAMMAR_TAKE: return next;
  case PE_GRAMMAR_SPLIT: return next < other ? next : other;
  default:
    if (s->next != 0) /* a call at the end of a rule takes that rule's place */
      other = other + 1 > next ? other + 1 : next;
    return other > PE_GRAMMAR_MAX_DEPTH ? PE_GRAMMAR_NEVER : other;
  }
}

static bool
update_need (struct compiler *c, size_t state)
{
  struct pe_grammar_state *s = &c->grammar->states[state];
  unsigned now = needed (c->grammar, s);
  bool changed = now != s->need;
  s->need = (uint8_t) now;
  return changed;
}

static bool
measure (struct compiler *c)
{
  const struct pe_grammar *g = c->grammar;
  if (!settle (c, update_need))
    return false;
  if (g->states[g->start].need == PE_GRAMMAR_NEVER)
    return pe_fail (c->error, PE_ERROR_FORMAT,
                    "the grammar matches no text that ends, or only some nested deeper than %u",
                    PE_GRAMMAR_MAX_DEPTH);
  return true;
}

bool
pe_grammar_compile (const struct pe_grammar_tree *tree, struct pe_grammar **out,
                    struct pe_error *error)
{
  struct compiler c = { .tree = tree, .error = error };
  c.grammar = pe_calloc (1, sizeof *c.grammar);
  c.starts = pe_calloc (tree->n_rules, sizeof *c.starts);
  c.begins = pe_calloc (tree->n_rules + 1, sizeof *c.begins);
  bool good = c.grammar && c.starts && c.begins;
  if (!good)
    pe_fail (error, PE_ERROR_MEMORY, "not enough memory for the grammar");
  good = good && emit_rules (&c) && refuse_left_recursion (&c);
  if (good) {
    c.grammar->start = c.starts[tree->root];
    for (size_t i = 0; i < c.grammar->n_states; i++)
      if (c.grammar->states[i].op == PE_GRAMMAR_CALL)
        c.grammar->states[i].other = c.starts[c.grammar->states[i].other];
    good = measure (&c);
  }
  pe_free (c.starts);
  pe_free (c.begins);
  if (good)
    *out = c.grammar;
  else
    pe_grammar_free (c.grammar);
  return good;
}

void
pe_grammar_free (struct pe_grammar *grammar)
{
  if (!grammar)
    return;
  pe_free (grammar->states);
  pe_free (grammar);
}
