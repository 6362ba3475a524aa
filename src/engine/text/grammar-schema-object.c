/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Objects of a schema: which properties, in which order, and which names others may have.
 */
#include "base/utf8.h"
#include "engine/text/grammar-schema-rules.h"
#include "engine/text/grammar.h"

#include <stdlib.h>
#include <string.h>

struct name {
  const char *data;
  size_t n;
};

struct property {
  struct name name;
  const struct pe_json *schema; /* NULL: anything */
  bool required;
};

static bool
add_property (struct pe_schema_rules *c, struct property *list, size_t *n, struct name name,
              const struct pe_json *schema, bool required)
{
  if (*n == PE_GRAMMAR_MAX_CHOICES)
    return pe_fail (c->error, PE_ERROR_LIMIT, "the schema has an object of more than %u properties",
                    PE_GRAMMAR_MAX_CHOICES);
  if (memchr (name.data, 0, name.n))
    return pe_fail (c->error, PE_ERROR_UNSUPPORTED, "the schema has a property with U+0000 in it");
  list[(*n)++] = (struct property){ name, schema, required };
  return true;
}

static bool
read_required (struct pe_schema_rules *c, const struct pe_json *schema, struct property *list,
               size_t *n, const struct pe_json *others)
{
  const struct pe_json *required = pe_json_get (schema, "required");
  if (!required)
    return true;
  if (required->kind != PE_JSON_ARRAY)
    return pe_fail (c->error, PE_ERROR_FORMAT, "the schema's \"required\" is no list");
  if (required->list.n > PE_GRAMMAR_MAX_CHOICES)
    return pe_fail (c->error, PE_ERROR_LIMIT, "the schema's \"required\" lists more than %u things",
                    PE_GRAMMAR_MAX_CHOICES);
  for (size_t i = 0; i < required->list.n; i++) {
    const struct pe_json *item = &required->list.items[i];
    if (item->kind != PE_JSON_STRING)
      return pe_fail (c->error, PE_ERROR_FORMAT, "the schema's \"required\" lists no name");
    struct name name = { item->string.data, item->string.n };
    size_t k = 0;
    while (k < *n && (list[k].name.n != name.n || memcmp (list[k].name.data, name.data, name.n)))
      k++;
    if (k < *n) {
      list[k].required = true;
      continue;
    }
    if (others && others->kind == PE_JSON_BOOL && !others->boolean)
      return pe_fail (c->error, PE_ERROR_FORMAT,
                      "the schema requires '%.80s', which it does not allow", name.data);
    if (!add_property (c, list, n, name, others, true))
      return false;
  }
  return true;
}

static bool
read_properties (struct pe_schema_rules *c, const struct pe_json *schema, struct property *list,
                 size_t *n)
{
  const struct pe_json *properties = pe_json_get (schema, "properties");
  if (!properties)
    return true;
  if (properties->kind != PE_JSON_OBJECT)
    return pe_fail (c->error, PE_ERROR_FORMAT, "the schema's \"properties\" is no object");
  for (size_t i = 0; i < properties->list.n; i++) {
    struct name name = { properties->list.keys[i].data, properties->list.keys[i].n };
    if (!add_property (c, list, n, name, &properties->list.items[i], false))
      return false;
  }
  return true;
}

static int
by_name (const void *a, const void *b)
{
  const struct name *x = a, *y = b;
  size_t n = x->n < y->n ? x->n : y->n;
  int order = memcmp (x->data, y->data, n);
  return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Names that a key without escapes can spell: the others cannot be met by accident. */
static bool
is_plain (struct name name)
{
  for (size_t i = 0; i < name.n; i++)
    if ((unsigned char) name.data[i] < 0x20 || strchr ("\"\\\x7f", name.data[i]))
      return false;
  return true;
}

/* names[first..end) agree in their first `depth` bytes. */
struct branch {
  size_t first, end, depth;
};

struct branches {
  struct branch *list;
  size_t n, capacity;
};

static bool
add_branch (struct pe_schema_rules *c, struct branches *all, struct branch branch)
{
  if (all->n >= PE_GRAMMAR_MAX_RULES)
    return pe_fail (c->error, PE_ERROR_LIMIT,
                    "the schema's property names are too long beside \"additionalProperties\"");
  if (!pe_grow (&all->list, &all->capacity, all->n + 1, sizeof *all->list))
    return pe_fail (c->error, PE_ERROR_MEMORY, "not enough memory for the schema's grammar");
  all->list[all->n++] = branch;
  return true;
}

/* The rest of a key after branch `id`: a character by which it leaves every name, then anything;
 * one that leads on; or the end, where no name ends. */
static bool
put_branch (struct pe_schema_rules *c, size_t rule, const struct name *names, struct branches *all,
            size_t id)
{
  struct branch b = all->list[id];
  bool ends = names[b.first].n == b.depth;
  size_t children = all->n, next = b.first + ends;
  bool good = pe_schema_put (c, "s%zu-k%zu ::= %s", rule, id,
                             next == b.end ? "key-char" : "[^\\\"\\\\\\x00-\\x1f\\x7f");
  for (size_t i = next; i < b.end && good;) {
    const char *at = names[i].data + b.depth;
    uint32_t character = 0;
    unsigned n = pe_utf8_next (at, names[i].n - b.depth, &character);
    struct branch child = { i, i, b.depth + n };
    while (i < b.end && names[i].n >= child.depth && memcmp (names[i].data + b.depth, at, n) == 0)
      i++;
    child.end = i;
    good = pe_schema_put (c, "\\U%08x", (unsigned) character) && add_branch (c, all, child);
  }
  good = good && pe_schema_put (c, "%s key-char* \"\\\"\"%s", next == b.end ? "" : "]",
                                ends ? "" : " | \"\\\"\"");
  for (size_t i = children; i < all->n && good; i++) {
    const struct branch *child = &all->list[i];
    good = pe_schema_put (c, " | ") &&
           pe_schema_put_literal (c, names[child->first].data + b.depth, child->depth - b.depth) &&
           pe_schema_put (c, " s%zu-k%zu", rule, i);
  }
  return good && pe_schema_put (c, "\n");
}

/* Keys that are none of the names: one given twice could undo what its own schema promises. */
static bool
put_other_keys (struct pe_schema_rules *c, size_t rule, const struct property *list, size_t n)
{
  struct name names[PE_GRAMMAR_MAX_CHOICES];
  struct branches all = { 0 };
  size_t n_names = 0;
  for (size_t i = 0; i < n; i++)
    if (is_plain (list[i].name))
      names[n_names++] = list[i].name;
  if (n_names == 0)
    return pe_schema_put (c, "s%zu-key ::= \"\\\"\" key-char* \"\\\"\"\n", rule);
  qsort (names, n_names, sizeof *names, by_name);
  bool good = pe_schema_put (c, "s%zu-key ::= \"\\\"\" s%zu-k0\n", rule, rule) &&
              add_branch (c, &all, (struct branch){ 0, n_names, 0 });
  for (size_t i = 0; i < all.n && good; i++)
    good = put_branch (c, rule, names, &all, i);
  pe_free (all.list);
  return good;
}

static bool
put_key (struct pe_schema_rules *c, struct name name)
{
  struct pe_json_writer w = { 0 };
  pe_json_string (&w, name.data, name.n);
  bool good = pe_json_finish (&w) ? pe_schema_put_literal (c, w.text, w.n)
                                  : pe_fail (c->error, PE_ERROR_MEMORY,
                                             "not enough memory for the schema's grammar");
  pe_json_writer_clear (&w);
  return good;
}

/* Rules "sN-qI": one of the properties from the I-th on, and what follows it; "sN-pI": the I-th and
 * what follows; "sN-rI": what follows those before the I-th. Calls at the end of a rule open
 * nothing, so that an object is one rule deep however many properties it has. `may_end`: none of
 * those left is required; `more`: there are any after the I-th. */
static bool
put_property (struct pe_schema_rules *c, size_t rule, const struct property *p, size_t i,
              bool may_end, bool more)
{
  return pe_schema_put (c, "s%zu-q%zu ::= s%zu-p%zu", rule, i, rule, i) &&
         (p->required || !more || pe_schema_put (c, " | s%zu-q%zu", rule, i + 1)) &&
         pe_schema_put (c, "\ns%zu-r%zu ::= \",\" ws s%zu-q%zu%s\ns%zu-p%zu ::= ", rule, i, rule, i,
                        may_end ? " | \"}\"" : "", rule, i) &&
         put_key (c, p->name) && pe_schema_put (c, " \":\" ws ") &&
         pe_schema_put_rule_for (c, p->schema) && pe_schema_put (c, " ws s%zu-r%zu\n", rule, i + 1);
}

bool
pe_schema_put_object (struct pe_schema_rules *c, const struct pe_json *schema, size_t rule)
{
  struct property list[PE_GRAMMAR_MAX_CHOICES];
  size_t n = 0, last_required = 0; /* one more than its index */
  const struct pe_json *others = pe_json_get (schema, "additionalProperties");
  bool open = others && !(others->kind == PE_JSON_BOOL && !others->boolean);
  if (!read_properties (c, schema, list, &n) || !read_required (c, schema, list, &n, others))
    return false;
  for (size_t i = 0; i < n; i++)
    last_required = list[i].required ? i + 1 : last_required;
  for (size_t i = 0; i < n; i++)
    if (!put_property (c, rule, &list[i], i, i >= last_required, open || i + 1 < n))
      return false;
  if (!pe_schema_put (c, "s%zu-first ::= ", rule) ||
      !(n == 0 && !open ? pe_schema_put (c, "\"}\"\n")
                        : pe_schema_put (c, "s%zu-q0%s\n", rule, last_required ? "" : " | \"}\"")))
    return false;
  if (!open)
    return pe_schema_put (c, "s%zu-r%zu ::= \"}\"\n", rule, n);
  return put_other_keys (c, rule, list, n) &&
         pe_schema_put (c, "s%zu-r%zu ::= \",\" ws s%zu-q%zu | \"}\"\n", rule, n, rule, n) &&
         pe_schema_put (c, "s%zu-q%zu ::= s%zu-key \":\" ws ", rule, n, rule) &&
         pe_schema_put_rule_for (c, others) && pe_schema_put (c, " ws s%zu-r%zu\n", rule, n);
}
