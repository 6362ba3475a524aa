/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rules as text become a tree, and that an automaton.
 */
#include "engine/text/grammar-program.h"

#include "base/hash.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RANGES 256
#define MAX_NAME   128
#define MAX_NODES  (1u << 19)

struct range {
  uint32_t low, high;
};

struct parser {
  const char *text;
  size_t n, at;
  struct pe_grammar_tree tree;
  uint32_t n_nodes, depth;
  struct pe_hash_key hash_key;
  uint32_t *slots; /* by name: rule + 1 */
  size_t n_slots;
  struct pe_error *error;
};

static bool
fail (struct parser *p, size_t at, const char *what)
{
  return pe_fail_at (p->error, PE_ERROR_FORMAT, at, "the grammar has %s at byte %zu", what, at);
}

static bool
out_of_memory (struct parser *p)
{
  return pe_fail (p->error, PE_ERROR_MEMORY, "not enough memory for the grammar");
}

static struct pe_grammar_node *
new_node (struct parser *p, enum pe_grammar_kind kind)
{
  if (p->n_nodes++ >= MAX_NODES) {
    pe_fail (p->error, PE_ERROR_LIMIT, "the grammar is too large: more than %u parts", MAX_NODES);
    return NULL;
  }
  struct pe_grammar_node *node = pe_grammar_node_new (&p->tree.arena, kind);
  if (!node)
    out_of_memory (p);
  return node;
}

/* ---- letters ---- */

static int
peek (const struct parser *p)
{
  return p->at < p->n ? (unsigned char) p->text[p->at] : -1;
}

static bool
is_name (int c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

static void
skip_blank (struct parser *p)
{
  bool in_comment = false;
  for (int c; (c = peek (p)) >= 0; p->at++) {
    in_comment = c == '#' || (in_comment && c != '\n');
    if (!in_comment && c != ' ' && c != '\t' && c != '\n' && c != '\r')
      return;
  }
}

static bool
read_hex (struct parser *p, unsigned digits, uint32_t *out)
{
  size_t start = p->at;
  *out = 0;
  for (unsigned i = 0; i < digits; i++, p->at++) {
    int c = peek (p);
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (value < 0)
      return fail (p, start, "an escape with too few hexadecimal digits");
    *out = *out << 4 | (uint32_t) value;
  }
  if (*out > 0x10ffff || (*out >= 0xd800 && *out <= 0xdfff))
    return fail (p, start, "an escape that is no character");
  return true;
}

/* One character of a literal or class, escapes undone. */
static bool
read_character (struct parser *p, uint32_t *out)
{
  size_t start = p->at;
  if (peek (p) < 0)
    return fail (p, start, "an unfinished literal or class");
  if (peek (p) != '\\') {
    unsigned n = pe_utf8_next (p->text + p->at, p->n - p->at, out);
    p->at += n;
    return n > 0 || fail (p, start, "bytes that are not UTF-8");
  }
  p->at++;
  int c = peek (p);
  p->at++;
  switch (c) {
  case 'n': *out = '\n'; return true;
  case 'r': *out = '\r'; return true;
  case 't': *out = '\t'; return true;
  case 'x': return read_hex (p, 2, out);
  case 'u': return read_hex (p, 4, out);
  case 'U': return read_hex (p, 8, out);
  case '\\':
  case '"':
  case '[':
  case ']':
  case '-':
  case '^': *out = (uint32_t) c; return true;
  default: return fail (p, start, "an unknown escape");
  }
}

/* ---- rules by name ---- */

static bool
grow_slots (struct parser *p)
{
  size_t n_slots = p->n_slots ? p->n_slots * 2 : 64;
  uint32_t *slots = pe_calloc (n_slots, sizeof *slots);
  if (!slots)
    return out_of_memory (p);
  for (size_t r = 0; r < p->tree.n_rules; r++) {
    const struct pe_grammar_rule *rule = &p->tree.rules[r];
    if (!rule->name)
      continue;
    size_t i = pe_hash (p->hash_key, rule->name, rule->n_name) & (n_slots - 1);
    while (slots[i])
      i = (i + 1) & (n_slots - 1);
    slots[i] = (uint32_t) r + 1;
  }
  pe_free (p->slots);
  p->slots = slots;
  p->n_slots = n_slots;
  return true;
}

/* A class has no name. */
static bool
add_rule (struct parser *p, const char *name, size_t n, size_t offset, uint32_t *out)
{
  struct pe_grammar_tree *t = &p->tree;
  if (t->n_rules >= PE_GRAMMAR_MAX_RULES)
    return pe_fail (p->error, PE_ERROR_LIMIT, "the grammar is too large: more than %u rules",
                    PE_GRAMMAR_MAX_RULES);
  if (!pe_grow (&t->rules, &t->capacity, t->n_rules + 1, sizeof *t->rules))
    return out_of_memory (p);
  *out = (uint32_t) t->n_rules;
  t->rules[t->n_rules++] = (struct pe_grammar_rule){ name, n, offset, NULL };
  return true;
}

static bool
rule_by_name (struct parser *p, const char *name, size_t n, uint32_t *out)
{
  if (n > MAX_NAME)
    return fail (p, (size_t) (name - p->text), "a rule's name of more than 128 letters");
  if (p->n_slots < 2 * (p->tree.n_rules + 1) && !grow_slots (p))
    return false;
  size_t i = pe_hash (p->hash_key, name, n) & (p->n_slots - 1);
  for (; p->slots[i]; i = (i + 1) & (p->n_slots - 1)) {
    const struct pe_grammar_rule *rule = &p->tree.rules[p->slots[i] - 1];
    if (rule->n_name == n && memcmp (rule->name, name, n) == 0) {
      *out = p->slots[i] - 1;
      return true;
    }
  }
  if (!add_rule (p, name, n, (size_t) (name - p->text), out))
    return false;
  p->slots[i] = *out + 1;
  return true;
}

/* ---- parts ---- */

static bool
read_literal (struct parser *p, struct pe_grammar_node **out)
{
  struct pe_grammar_node *all = *out = new_node (p, PE_GRAMMAR_ALL);
  if (!all)
    return false;
  for (p->at++; peek (p) != '"';) {
    uint32_t c;
    char bytes[4];
    if (!read_character (p, &c))
      return false;
    unsigned n = pe_utf8_put (c, bytes);
    for (unsigned i = 0; i < n; i++) {
      struct pe_grammar_node *byte = new_node (p, PE_GRAMMAR_BYTE);
      if (!byte)
        return false;
      byte->low = byte->high = (unsigned char) bytes[i];
      pe_grammar_append (all, byte);
    }
  }
  p->at++;
  return true;
}

static int
by_low (const void *a, const void *b)
{
  const struct range *x = a, *y = b;
  return (x->low > y->low) - (x->low < y->low);
}

/* A class that is more than plain ASCII becomes a rule of its own, so that repeating it is cheap:
 * the encodings of its characters branch. */
static bool
make_class (struct parser *p, size_t start, struct range *ranges, size_t n, bool negated,
            struct pe_grammar_node **out)
{
  struct pe_grammar_node *any = new_node (p, PE_GRAMMAR_ANY);
  if (!any)
    return false;
  qsort (ranges, n, sizeof *ranges, by_low);
  uint32_t from = 0; /* the first character that no range so far has reached */
  bool is_plain = true;
  for (size_t i = 0; i <= n; i++) {
    struct range r = i < n ? ranges[i] : (struct range){ 0x110000, 0x110000 };
    uint32_t low = negated ? from : r.low > from ? r.low : from;
    uint32_t end = negated ? r.low : r.high + 1; /* the first that is outside */
    if (low < end && (negated || i < n)) {
      if (!pe_grammar_add_range (&p->tree.arena, any, low, end - 1))
        return out_of_memory (p);
      is_plain = is_plain && end <= 0x80;
    }
    from = r.high + 1 > from ? r.high + 1 : from;
  }
  if (!any->last)
    return fail (p, start, "a class that no character is in");
  if (is_plain) {
    *out = any;
    return true;
  }
  struct pe_grammar_node *rule = *out = new_node (p, PE_GRAMMAR_RULE);
  if (!rule || !add_rule (p, NULL, 0, start, &rule->rule))
    return false;
  p->tree.rules[rule->rule].body = any;
  return true;
}

static bool
read_class (struct parser *p, struct pe_grammar_node **out)
{
  struct range ranges[MAX_RANGES];
  size_t n = 0, start = p->at++;
  bool negated = peek (p) == '^';
  p->at += negated;
  while (peek (p) != ']') {
    if (n == MAX_RANGES)
      return pe_fail_at (p->error, PE_ERROR_LIMIT, start,
                         "the grammar has a class of more than %d ranges at byte %zu", MAX_RANGES,
                         start);
    size_t at = p->at;
    struct range *r = &ranges[n++];
    if (!read_character (p, &r->low))
      return false;
    r->high = r->low;
    if (peek (p) == '-' && p->at + 1 < p->n && p->text[p->at + 1] != ']') {
      p->at++;
      if (!read_character (p, &r->high))
        return false;
    }
    if (r->high < r->low)
      return fail (p, at, "a range that runs backwards");
  }
  p->at++;
  return make_class (p, start, ranges, n, negated, out);
}

static bool
read_count (struct parser *p, uint32_t *out)
{
  size_t start = p->at;
  uint64_t value = 0;
  for (; peek (p) >= '0' && peek (p) <= '9'; p->at++)
    value = value > PE_GRAMMAR_MAX_REPEATS ? value : value * 10 + (unsigned) (peek (p) - '0');
  if (p->at == start)
    return fail (p, start, "a repetition without a number");
  if (value > PE_GRAMMAR_MAX_REPEATS)
    return pe_fail_at (p->error, PE_ERROR_LIMIT, start,
                       "the grammar repeats a part more than %u times at byte %zu",
                       PE_GRAMMAR_MAX_REPEATS, start);
  *out = (uint32_t) value;
  skip_blank (p);
  return true;
}

static bool
read_repeat (struct parser *p, struct pe_grammar_node **part)
{
  size_t start = p->at;
  int c = peek (p);
  if (c != '*' && c != '+' && c != '?' && c != '{')
    return true;
  struct pe_grammar_node *repeat = new_node (p, PE_GRAMMAR_REPEAT);
  if (!repeat)
    return false;
  p->at++;
  repeat->low = c == '+' ? 1 : 0;
  repeat->high = c == '?' ? 1 : PE_GRAMMAR_UNBOUNDED;
  if (c == '{') {
    skip_blank (p);
    if (!read_count (p, &repeat->low))
      return false;
    repeat->high = repeat->low;
    if (peek (p) == ',') {
      p->at++;
      skip_blank (p);
      repeat->high = PE_GRAMMAR_UNBOUNDED;
      if (peek (p) != '}' && !read_count (p, &repeat->high))
        return false;
    }
    if (peek (p) != '}' || repeat->high < repeat->low)
      return fail (p, start, "a repetition that makes no sense");
    p->at++;
  }
  pe_grammar_append (repeat, *part);
  *part = repeat;
  return true;
}

static bool read_alternatives (struct parser *p, struct pe_grammar_node **out, bool *is_empty);

static bool
read_group (struct parser *p, struct pe_grammar_node **out)
{
  size_t start = p->at++;
  bool is_empty;
  if (++p->depth > PE_GRAMMAR_MAX_DEPTH)
    return pe_fail_at (p->error, PE_ERROR_LIMIT, start,
                       "the grammar nests more than %u groups at byte %zu", PE_GRAMMAR_MAX_DEPTH,
                       start);
  if (!read_alternatives (p, out, &is_empty))
    return false;
  p->depth--;
  if (peek (p) != ')')
    return fail (p, start, "a group that does not end");
  if (is_empty)
    return fail (p, start, "an empty group");
  p->at++;
  return true;
}

/* At "name ::="? Leaves the place alone. */
static bool
begins_rule (const struct parser *p)
{
  struct parser ahead = *p;
  while (is_name (peek (&ahead)))
    ahead.at++;
  if (ahead.at == p->at)
    return false;
  skip_blank (&ahead);
  return ahead.n - ahead.at >= 3 && memcmp (ahead.text + ahead.at, "::=", 3) == 0;
}

static bool
read_reference (struct parser *p, struct pe_grammar_node **out)
{
  size_t start = p->at;
  while (is_name (peek (p)))
    p->at++;
  *out = new_node (p, PE_GRAMMAR_RULE);
  return *out && rule_by_name (p, p->text + start, p->at - start, &(*out)->rule);
}

/* Parts one after the other; none at all matches nothing. */
static bool
read_parts (struct parser *p, struct pe_grammar_node *all)
{
  for (;;) {
    skip_blank (p);
    struct pe_grammar_node *part = NULL;
    int c = peek (p);
    bool good;
    if (c < 0 || c == '|' || c == ')' || begins_rule (p))
      return true;
    if (c == '"')
      good = read_literal (p, &part);
    else if (c == '[')
      good = read_class (p, &part);
    else if (c == '(')
      good = read_group (p, &part);
    else if (c == '.') {
      struct range everything = { 0, 0x10ffff };
      good = make_class (p, p->at++, &everything, 1, false, &part);
    } else if (is_name (c))
      good = read_reference (p, &part);
    else
      return fail (p, p->at, "something that does not belong there");
    if (!good || !read_repeat (p, &part))
      return false;
    pe_grammar_append (all, part);
  }
}

static bool
read_alternatives (struct parser *p, struct pe_grammar_node **out, bool *is_empty)
{
  struct pe_grammar_node *any = *out = new_node (p, PE_GRAMMAR_ANY);
  if (!any)
    return false;
  for (;;) {
    struct pe_grammar_node *all = new_node (p, PE_GRAMMAR_ALL);
    if (!all || !read_parts (p, all))
      return false;
    pe_grammar_append (any, all);
    if (peek (p) != '|')
      break;
    p->at++;
  }
  *is_empty = !any->last->previous && !any->last->last;
  return true;
}

static bool
read_rule (struct parser *p)
{
  size_t start = p->at;
  uint32_t rule;
  bool is_empty;
  struct pe_grammar_node *body;
  if (!begins_rule (p))
    return fail (p, start, "something that is no rule (\"name ::= …\")");
  while (is_name (peek (p)))
    p->at++;
  if (!rule_by_name (p, p->text + start, p->at - start, &rule))
    return false;
  if (p->tree.rules[rule].body)
    return fail (p, start, "a rule that was there before");
  skip_blank (p);
  p->at += 3;
  if (!read_alternatives (p, &body, &is_empty))
    return false;
  if (peek (p) == ')')
    return fail (p, p->at, "a bracket that nothing opened");
  if (is_empty)
    return fail (p, start, "an empty rule (write \"\" for nothing)");
  p->tree.rules[rule].body = body;
  return true;
}

static bool
read_rules (struct parser *p)
{
  for (skip_blank (p); p->at < p->n; skip_blank (p))
    if (!read_rule (p))
      return false;
  for (size_t i = 0; i < p->tree.n_rules; i++) {
    const struct pe_grammar_rule *rule = &p->tree.rules[i];
    if (!rule->body)
      return pe_fail_at (p->error, PE_ERROR_FORMAT, rule->offset,
                         "the grammar uses the rule '%.*s' and never says what it is",
                         (int) rule->n_name, rule->name);
  }
  size_t n_rules = p->tree.n_rules;
  if (!rule_by_name (p, "root", 4, &p->tree.root))
    return false;
  return p->tree.n_rules == n_rules ||
         pe_fail_at (p->error, PE_ERROR_FORMAT, 0, "the grammar has no rule 'root'");
}

bool
pe_grammar_parse (const char *rules, size_t n, struct pe_grammar **out, struct pe_error *error)
{
  struct parser p = { .text = rules, .n = n, .error = error, .hash_key = pe_hash_key_new () };
  if (n > PE_GRAMMAR_MAX_BYTES)
    return pe_fail (error, PE_ERROR_LIMIT, "the grammar is longer than %zu bytes",
                    PE_GRAMMAR_MAX_BYTES);
  bool good = read_rules (&p) && pe_grammar_compile (&p.tree, out, error);
  pe_free (p.slots);
  pe_free (p.tree.rules);
  pe_arena_clear (&p.tree.arena);
  return good;
}
