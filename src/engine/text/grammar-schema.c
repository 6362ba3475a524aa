/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A JSON schema becomes rules: one for each schema in it, in the order in which they are met, so
 * that a schema that refers to itself becomes a rule that does.
 */
#include "engine/text/grammar-schema.h"

#include "base/utf8.h"
#include "engine/text/grammar.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
  const char *data;
  size_t n;
};

struct converter {
  struct pe_schema_reader reader;
  struct pe_error *error;
  char *text;
  size_t n, capacity;
  const struct pe_json **schemas; /* rule "sI" is for schemas[I] */
  size_t n_schemas, schemas_capacity;
  uint32_t *slots; /* by address: schema + 1 */
  size_t n_slots;
};

/* White space is bounded, so that no reply can consist of it. A string has no escaped surrogates:
 * characters beyond U+FFFF are written as they are. */
static const char prelude[] =
    "root ::= s0\n"
    "ws ::= \"\" | \" \" | \"\\n\" [ \\t]{0,24}\n"
    "char ::= key-char | \"\\\\\" ([\\\"\\\\/bfnrt] | \"u\" ([0-9a-cA-CeEfF] [0-9a-fA-F]{3} | [dD] "
    "[0-7] [0-9a-fA-F]{2}))\n"
    "key-char ::= [^\\\"\\\\\\x00-\\x1f\\x7f]\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "integer ::= \"-\"? (\"0\" | [1-9] [0-9]{0,14})\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]{0,14}) (\".\" [0-9]{1,15})? ([eE] [\\-+]? "
    "[0-9]{1,2})?\n"
    "boolean ::= \"true\" | \"false\"\n"
    "value ::= string | number | boolean | \"null\" | array | object\n"
    "array ::= \"[\" ws (value ws (\",\" ws value ws)*)? \"]\"\n"
    "object ::= \"{\" ws (string \":\" ws value ws (\",\" ws string \":\" ws value ws)*)? \"}\"\n"
    "never ::= \"!\" never\n";

/* ---- text ---- */

static bool
put_bytes (struct converter *c, const char *bytes, size_t n)
{
  if (n > PE_GRAMMAR_MAX_BYTES - c->n)
    return pe_fail (c->error, PE_ERROR_LIMIT, "the schema is too large for a grammar");
  if (!pe_grow (&c->text, &c->capacity, c->n + n + 1, 1))
    return pe_fail (c->error, PE_ERROR_MEMORY, "not enough memory for the schema's grammar");
  memcpy (c->text + c->n, bytes, n);
  c->n += n;
  c->text[c->n] = 0;
  return true;
}

/* Short pieces only: names and numbers. */
__attribute__ ((format (printf, 2, 3))) static bool
put (struct converter *c, const char *format, ...)
{
  char piece[256];
  va_list args;
  va_start (args, format);
  int n = vsnprintf (piece, sizeof piece, format, args);
  va_end (args);
  return put_bytes (c, piece, (size_t) n);
}

/* JSON text as a literal; there are no control characters in it. */
static bool
put_literal (struct converter *c, const char *text, size_t n)
{
  bool good = put (c, "\"");
  for (size_t i = 0; i < n && good; i++) {
    if (text[i] == '"' || text[i] == '\\')
      good = put_bytes (c, "\\", 1);
    good = good && put_bytes (c, text + i, 1);
  }
  return good && put (c, "\"");
}

static bool
put_value (struct converter *c, const struct pe_json *value)
{
  struct pe_json_writer w = { 0 };
  pe_json_value (&w, value);
  bool good = pe_json_finish (&w) ? put_literal (c, w.text, w.n)
                                  : pe_fail (c->error, PE_ERROR_MEMORY,
                                             "not enough memory for the schema's grammar");
  pe_json_writer_clear (&w);
  return good;
}

/* ---- schemas by address ---- */

static size_t
slot_of (const struct converter *c, const struct pe_json *schema)
{
  uint64_t x = (uint64_t) (uintptr_t) schema * 0x9e3779b97f4a7c15u;
  size_t i = (size_t) (x >> 32) & (c->n_slots - 1);
  while (c->slots[i] && c->schemas[c->slots[i] - 1] != schema)
    i = (i + 1) & (c->n_slots - 1);
  return i;
}

static bool
grow_slots (struct converter *c)
{
  size_t n = c->n_slots ? 2 * c->n_slots : 64;
  uint32_t *slots = pe_calloc (n, sizeof *slots);
  if (!slots)
    return pe_fail (c->error, PE_ERROR_MEMORY, "not enough memory for the schema's grammar");
  pe_free (c->slots);
  c->slots = slots;
  c->n_slots = n;
  for (size_t i = 0; i < c->n_schemas; i++)
    c->slots[slot_of (c, c->schemas[i])] = (uint32_t) i + 1;
  return true;
}

/* The rule of a schema, to be written in its turn. */
static bool
rule_for (struct converter *c, const struct pe_json *schema, size_t *out)
{
  schema = pe_schema_resolve (&c->reader, schema, c->error);
  if (!schema)
    return false;
  if (c->n_slots < 2 * (c->n_schemas + 1) && !grow_slots (c))
    return false;
  size_t i = slot_of (c, schema);
  if (!c->slots[i]) {
    if (c->n_schemas >= PE_GRAMMAR_MAX_RULES)
      return pe_fail (c->error, PE_ERROR_LIMIT, "the schema has more than %u parts",
                      PE_GRAMMAR_MAX_RULES);
    if (!pe_grow (&c->schemas, &c->schemas_capacity, c->n_schemas + 1, sizeof (void *)))
      return pe_fail (c->error, PE_ERROR_MEMORY, "not enough memory for the schema's grammar");
    c->schemas[c->n_schemas++] = schema;
    c->slots[i] = (uint32_t) c->n_schemas;
  }
  *out = c->slots[i] - 1;
  return true;
}

/* The name of the rule for any value of a schema, or for any value where there is none. */
static bool
put_rule_for (struct converter *c, const struct pe_json *schema)
{
  size_t rule;
  if (!schema)
    return put (c, "value");
  return rule_for (c, schema, &rule) && put (c, "s%zu", rule);
}

/* ---- values ---- */

static bool
count_is_good (struct converter *c, const struct pe_json *list, const char *keyword)
{
  if (list->kind != PE_JSON_ARRAY || list->list.n == 0)
    return pe_fail (c->error, PE_ERROR_FORMAT, "the schema's \"%s\" is no list or an empty one",
                    keyword);
  if (list->list.n > PE_GRAMMAR_MAX_CHOICES)
    return pe_fail (c->error, PE_ERROR_LIMIT, "the schema's \"%s\" lists more than %u things",
                    keyword, PE_GRAMMAR_MAX_CHOICES);
  return true;
}

static bool
put_values (struct converter *c, const struct pe_json *schema, const struct pe_json *values,
            size_t n)
{
  unsigned kinds = PE_SCHEMA_ANY;
  bool any = false, good = true;
  if (pe_json_get (schema, "type") && !(kinds = pe_schema_kinds (schema, c->error)))
    return false;
  for (size_t i = 0; i < n && good; i++)
    if (values[i].kind == PE_JSON_FLOAT && (values[i].is_big_integer || isinf (values[i].real)))
      return pe_fail (c->error, PE_ERROR_UNSUPPORTED, "the schema lists a number beyond 2^63");
    else if (pe_schema_kind_holds (kinds, &values[i])) {
      good = put (c, any ? " | " : "") && put_value (c, &values[i]);
      any = true;
    }
  if (good && !any)
    return pe_fail (c->error, PE_ERROR_FORMAT, "no value that the schema lists is of its \"type\"");
  return good;
}

static bool
put_alternatives (struct converter *c, const struct pe_json *list, const char *keyword)
{
  if (!count_is_good (c, list, keyword))
    return false;
  size_t n = list->list.n;
  const struct pe_json *items = list->list.items;
  if (strcmp (keyword, "allOf") == 0 && n > 1)
    return pe_fail (c->error, PE_ERROR_UNSUPPORTED,
                    "the schema's \"allOf\" joins several schemas: write them as one");
  if (strcmp (keyword, "oneOf") == 0)
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < i; j++)
        if (!pe_schema_disjoint (&c->reader, &items[j], &items[i]))
          return pe_fail (
              c->error, PE_ERROR_UNSUPPORTED,
              "the schema's \"oneOf\" has alternatives %zu and %zu that one value might "
              "fit both of: give them a property with different \"const\" values, or "
              "use \"anyOf\"",
              j + 1, i + 1);
  for (size_t i = 0; i < n; i++)
    if (!put (c, i ? " | " : "") || !put_rule_for (c, &items[i]))
      return false;
  return true;
}

/* ---- counts ---- */

static bool
read_count (struct converter *c, const struct pe_json *schema, const char *keyword,
            int64_t otherwise, int64_t *out)
{
  const struct pe_json *value = pe_json_get (schema, keyword);
  *out = otherwise;
  if (!value)
    return true;
  if (value->kind != PE_JSON_INT || value->integer < 0)
    return pe_fail (c->error, PE_ERROR_FORMAT, "the schema's \"%s\" is no count", keyword);
  if (value->integer > PE_GRAMMAR_MAX_REPEATS)
    return pe_fail (c->error, PE_ERROR_LIMIT,
                    "the schema's \"%s\" is more than the %u that can be counted", keyword,
                    PE_GRAMMAR_MAX_REPEATS);
  *out = value->integer;
  return true;
}

/* -1 for no upper end. */
static bool
read_counts (struct converter *c, const struct pe_json *schema, const char *low_keyword,
             const char *high_keyword, int64_t *low, int64_t *high)
{
  if (!read_count (c, schema, low_keyword, 0, low) ||
      !read_count (c, schema, high_keyword, -1, high))
    return false;
  return *high < 0 || *low <= *high ||
         pe_fail (c->error, PE_ERROR_FORMAT, "the schema's \"%s\" is above its \"%s\"", low_keyword,
                  high_keyword);
}

static bool
put_counts (struct converter *c, int64_t low, int64_t high)
{
  return high < 0 ? put (c, "{%" PRId64 ",}", low)
                  : put (c, "{%" PRId64 ",%" PRId64 "}", low, high);
}

static bool
put_string (struct converter *c, const struct pe_json *schema)
{
  int64_t low, high;
  if (!read_counts (c, schema, "minLength", "maxLength", &low, &high))
    return false;
  return put (c, "\"\\\"\" char") && put_counts (c, low, high) && put (c, " \"\\\"\"");
}

static bool
put_array (struct converter *c, const struct pe_json *schema)
{
  int64_t low, high;
  const struct pe_json *items = pe_json_get (schema, "items");
  if (!read_counts (c, schema, "minItems", "maxItems", &low, &high))
    return false;
  if (high == 0)
    return put (c, "\"[\" ws \"]\"");
  return put (c, "\"[\" ws (") && put_rule_for (c, items) && put (c, " ws (\",\" ws ") &&
         put_rule_for (c, items) && put (c, " ws)") &&
         put_counts (c, low > 0 ? low - 1 : 0, high < 0 ? -1 : high - 1) &&
         put (c, ")%s \"]\"", low == 0 ? "?" : "");
}

/* ---- objects ---- */

struct property {
  struct name name;
  const struct pe_json *schema; /* NULL: anything */
  bool required;
};

static bool
add_property (struct converter *c, struct property *list, size_t *n, struct name name,
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
read_required (struct converter *c, const struct pe_json *schema, struct property *list, size_t *n,
               const struct pe_json *others)
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
read_properties (struct converter *c, const struct pe_json *schema, struct property *list,
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
add_branch (struct converter *c, struct branches *all, struct branch branch)
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
put_branch (struct converter *c, size_t rule, const struct name *names, struct branches *all,
            size_t id)
{
  struct branch b = all->list[id];
  bool ends = names[b.first].n == b.depth;
  size_t children = all->n, next = b.first + ends;
  bool good = put (c, "s%zu-k%zu ::= %s", rule, id,
                   next == b.end ? "key-char" : "[^\\\"\\\\\\x00-\\x1f\\x7f");
  for (size_t i = next; i < b.end && good;) {
    const char *at = names[i].data + b.depth;
    uint32_t character = 0;
    unsigned n = pe_utf8_next (at, names[i].n - b.depth, &character);
    struct branch child = { i, i, b.depth + n };
    while (i < b.end && names[i].n >= child.depth && memcmp (names[i].data + b.depth, at, n) == 0)
      i++;
    child.end = i;
    good = put (c, "\\U%08x", (unsigned) character) && add_branch (c, all, child);
  }
  good = good &&
         put (c, "%s key-char* \"\\\"\"%s", next == b.end ? "" : "]", ends ? "" : " | \"\\\"\"");
  for (size_t i = children; i < all->n && good; i++) {
    const struct branch *child = &all->list[i];
    good = put (c, " | ") &&
           put_literal (c, names[child->first].data + b.depth, child->depth - b.depth) &&
           put (c, " s%zu-k%zu", rule, i);
  }
  return good && put (c, "\n");
}

/* Keys that are none of the names: one given twice could undo what its own schema promises. */
static bool
put_other_keys (struct converter *c, size_t rule, const struct property *list, size_t n)
{
  struct name names[PE_GRAMMAR_MAX_CHOICES];
  struct branches all = { 0 };
  size_t n_names = 0;
  for (size_t i = 0; i < n; i++)
    if (is_plain (list[i].name))
      names[n_names++] = list[i].name;
  if (n_names == 0)
    return put (c, "s%zu-key ::= \"\\\"\" key-char* \"\\\"\"\n", rule);
  qsort (names, n_names, sizeof *names, by_name);
  bool good = put (c, "s%zu-key ::= \"\\\"\" s%zu-k0\n", rule, rule) &&
              add_branch (c, &all, (struct branch){ 0, n_names, 0 });
  for (size_t i = 0; i < all.n && good; i++)
    good = put_branch (c, rule, names, &all, i);
  pe_free (all.list);
  return good;
}

static bool
put_key (struct converter *c, struct name name)
{
  struct pe_json_writer w = { 0 };
  pe_json_string (&w, name.data, name.n);
  bool good = pe_json_finish (&w) ? put_literal (c, w.text, w.n)
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
put_property (struct converter *c, size_t rule, const struct property *p, size_t i, bool may_end,
              bool more)
{
  return put (c, "s%zu-q%zu ::= s%zu-p%zu", rule, i, rule, i) &&
         (p->required || !more || put (c, " | s%zu-q%zu", rule, i + 1)) &&
         put (c, "\ns%zu-r%zu ::= \",\" ws s%zu-q%zu%s\ns%zu-p%zu ::= ", rule, i, rule, i,
              may_end ? " | \"}\"" : "", rule, i) &&
         put_key (c, p->name) && put (c, " \":\" ws ") && put_rule_for (c, p->schema) &&
         put (c, " ws s%zu-r%zu\n", rule, i + 1);
}

static bool
put_object_rules (struct converter *c, const struct pe_json *schema, size_t rule)
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
  if (!put (c, "s%zu-first ::= ", rule) ||
      !(n == 0 && !open ? put (c, "\"}\"\n")
                        : put (c, "s%zu-q0%s\n", rule, last_required ? "" : " | \"}\"")))
    return false;
  if (!open)
    return put (c, "s%zu-r%zu ::= \"}\"\n", rule, n);
  return put_other_keys (c, rule, list, n) &&
         put (c, "s%zu-r%zu ::= \",\" ws s%zu-q%zu | \"}\"\n", rule, n, rule, n) &&
         put (c, "s%zu-q%zu ::= s%zu-key \":\" ws ", rule, n, rule) && put_rule_for (c, others) &&
         put (c, " ws s%zu-r%zu\n", rule, n);
}

/* ---- any schema ---- */

static bool
put_kinds (struct converter *c, const struct pe_json *schema, size_t rule, unsigned kinds)
{
  bool any_object = !pe_json_get (schema, "properties") && !pe_json_get (schema, "required") &&
                    !pe_json_get (schema, "additionalProperties");
  const char *separator = "";
  for (unsigned kind = 1; kind <= PE_SCHEMA_OBJECT; kind *= 2) {
    bool good = true;
    if (!(kinds & kind) || (kind == PE_SCHEMA_INTEGER && (kinds & PE_SCHEMA_NUMBER)))
      continue;
    if (!put (c, "%s", separator))
      return false;
    separator = " | ";
    switch (kind) {
    case PE_SCHEMA_NULL: good = put (c, "\"null\""); break;
    case PE_SCHEMA_BOOLEAN: good = put (c, "boolean"); break;
    case PE_SCHEMA_INTEGER: good = put (c, "integer"); break;
    case PE_SCHEMA_NUMBER: good = put (c, "number"); break;
    case PE_SCHEMA_STRING: good = put_string (c, schema); break;
    case PE_SCHEMA_ARRAY: good = put_array (c, schema); break;
    default: good = any_object ? put (c, "object") : put (c, "\"{\" ws s%zu-first", rule);
    }
    if (!good)
      return false;
  }
  return put (c, "\n") &&
         (any_object || !(kinds & PE_SCHEMA_OBJECT) || put_object_rules (c, schema, rule));
}

static bool
put_schema (struct converter *c, size_t rule)
{
  static const char *const joins[] = { "anyOf", "oneOf", "allOf" };
  const struct pe_json *schema = c->schemas[rule], *found;
  if (!put (c, "s%zu ::= ", rule))
    return false;
  if (schema->kind == PE_JSON_BOOL)
    return put (c, schema->boolean ? "value\n" : "never\n");
  if (schema->kind != PE_JSON_OBJECT)
    return pe_fail (c->error, PE_ERROR_FORMAT, "the schema has something in it that is no schema");
  if (!pe_schema_check_keywords (schema, schema == c->reader.root, c->error))
    return false;
  for (size_t i = 0; i < 3; i++)
    if ((found = pe_json_get (schema, joins[i])))
      return put_alternatives (c, found, joins[i]) && put (c, "\n");
  if ((found = pe_json_get (schema, "enum")))
    return count_is_good (c, found, "enum") &&
           put_values (c, schema, found->list.items, found->list.n) && put (c, "\n");
  if ((found = pe_json_get (schema, "const")))
    return put_values (c, schema, found, 1) && put (c, "\n");
  unsigned kinds = pe_schema_kinds (schema, c->error);
  return kinds && put_kinds (c, schema, rule, kinds);
}

static bool
convert (struct converter *c)
{
  size_t rule;
  if (!put_bytes (c, prelude, sizeof prelude - 1) || !rule_for (c, c->reader.root, &rule))
    return false;
  for (size_t i = 0; i < c->n_schemas; i++)
    if (!put_schema (c, i))
      return false;
  return true;
}

bool
pe_grammar_schema_rules (const char *json, size_t n, char **out, size_t *n_out,
                         struct pe_error *error)
{
  struct pe_json_document document;
  struct converter c = { .error = error };
  if (n > PE_GRAMMAR_MAX_BYTES / 4)
    return pe_fail (error, PE_ERROR_LIMIT, "the schema is longer than %zu bytes",
                    PE_GRAMMAR_MAX_BYTES / 4);
  if (!pe_json_parse (json, n, &document, error))
    return pe_fail_prefix (error, "the schema");
  c.reader.root = &document.root;
  bool good = convert (&c);
  pe_free (c.schemas);
  pe_free (c.slots);
  pe_json_document_clear (&document);
  if (good) {
    *out = c.text;
    *n_out = c.n;
  } else
    pe_free (c.text);
  return good;
}

bool
pe_grammar_from_schema (const char *json, size_t n, struct pe_grammar **out, struct pe_error *error)
{
  char *rules;
  size_t n_rules;
  if (!pe_grammar_schema_rules (json, n, &rules, &n_rules, error))
    return false;
  bool good = pe_grammar_parse (rules, n_rules, out, error) ||
              pe_fail_prefix (error, "the schema makes a grammar that cannot be used");
  pe_free (rules);
  return good;
}
