/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A JSON schema becomes rules: one for each schema in it, in the order in which they are met, so
 * that a schema that refers to itself becomes a rule that does.
 */
#include "engine/text/grammar-schema-rules.h"
#include "engine/text/grammar.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

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

/* ---- values ---- */

static bool
count_is_good (struct pe_schema_rules *c, const struct pe_json *list, const char *keyword)
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
put_values (struct pe_schema_rules *c, const struct pe_json *schema, const struct pe_json *values,
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
      good = pe_schema_put (c, any ? " | " : "") && pe_schema_put_value (c, &values[i]);
      any = true;
    }
  if (good && !any)
    return pe_fail (c->error, PE_ERROR_FORMAT, "no value that the schema lists is of its \"type\"");
  return good;
}

static bool
put_alternatives (struct pe_schema_rules *c, const struct pe_json *list, const char *keyword)
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
    if (!pe_schema_put (c, i ? " | " : "") || !pe_schema_put_rule_for (c, &items[i]))
      return false;
  return true;
}

/* ---- counts ---- */

static bool
read_count (struct pe_schema_rules *c, const struct pe_json *schema, const char *keyword,
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
read_counts (struct pe_schema_rules *c, const struct pe_json *schema, const char *low_keyword,
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
put_counts (struct pe_schema_rules *c, int64_t low, int64_t high)
{
  return high < 0 ? pe_schema_put (c, "{%" PRId64 ",}", low)
                  : pe_schema_put (c, "{%" PRId64 ",%" PRId64 "}", low, high);
}

static bool
put_string (struct pe_schema_rules *c, const struct pe_json *schema)
{
  int64_t low, high;
  if (!read_counts (c, schema, "minLength", "maxLength", &low, &high))
    return false;
  return pe_schema_put (c, "\"\\\"\" char") && put_counts (c, low, high) &&
         pe_schema_put (c, " \"\\\"\"");
}

static bool
put_array (struct pe_schema_rules *c, const struct pe_json *schema)
{
  int64_t low, high;
  const struct pe_json *items = pe_json_get (schema, "items");
  if (!read_counts (c, schema, "minItems", "maxItems", &low, &high))
    return false;
  if (high == 0)
    return pe_schema_put (c, "\"[\" ws \"]\"");
  return pe_schema_put (c, "\"[\" ws (") && pe_schema_put_rule_for (c, items) &&
         pe_schema_put (c, " ws (\",\" ws ") && pe_schema_put_rule_for (c, items) &&
         pe_schema_put (c, " ws)") &&
         put_counts (c, low > 0 ? low - 1 : 0, high < 0 ? -1 : high - 1) &&
         pe_schema_put (c, ")%s \"]\"", low == 0 ? "?" : "");
}

/* ---- any schema ---- */

static bool
put_kinds (struct pe_schema_rules *c, const struct pe_json *schema, size_t rule, unsigned kinds)
{
  bool any_object = !pe_json_get (schema, "properties") && !pe_json_get (schema, "required") &&
                    !pe_json_get (schema, "additionalProperties");
  const char *separator = "";
  for (unsigned kind = 1; kind <= PE_SCHEMA_OBJECT; kind *= 2) {
    bool good = true;
    if (!(kinds & kind) || (kind == PE_SCHEMA_INTEGER && (kinds & PE_SCHEMA_NUMBER)))
      continue;
    if (!pe_schema_put (c, "%s", separator))
      return false;
    separator = " | ";
    switch (kind) {
    case PE_SCHEMA_NULL: good = pe_schema_put (c, "\"null\""); break;
    case PE_SCHEMA_BOOLEAN: good = pe_schema_put (c, "boolean"); break;
    case PE_SCHEMA_INTEGER: good = pe_schema_put (c, "integer"); break;
    case PE_SCHEMA_NUMBER: good = pe_schema_put (c, "number"); break;
    case PE_SCHEMA_STRING: good = put_string (c, schema); break;
    case PE_SCHEMA_ARRAY: good = put_array (c, schema); break;
    default:
      good =
          any_object ? pe_schema_put (c, "object") : pe_schema_put (c, "\"{\" ws s%zu-first", rule);
    }
    if (!good)
      return false;
  }
  return pe_schema_put (c, "\n") &&
         (any_object || !(kinds & PE_SCHEMA_OBJECT) || pe_schema_put_object (c, schema, rule));
}

static bool
put_schema (struct pe_schema_rules *c, size_t rule)
{
  static const char *const joins[] = { "anyOf", "oneOf", "allOf" };
  const struct pe_json *schema = c->schemas[rule], *found;
  if (!pe_schema_put (c, "s%zu ::= ", rule))
    return false;
  if (schema->kind == PE_JSON_BOOL)
    return pe_schema_put (c, schema->boolean ? "value\n" : "never\n");
  if (schema->kind != PE_JSON_OBJECT)
    return pe_fail (c->error, PE_ERROR_FORMAT, "the schema has something in it that is no schema");
  if (!pe_schema_check_keywords (schema, schema == c->reader.root, c->error))
    return false;
  for (size_t i = 0; i < 3; i++)
    if ((found = pe_json_get (schema, joins[i])))
      return put_alternatives (c, found, joins[i]) && pe_schema_put (c, "\n");
  if ((found = pe_json_get (schema, "enum")))
    return count_is_good (c, found, "enum") &&
           put_values (c, schema, found->list.items, found->list.n) && pe_schema_put (c, "\n");
  if ((found = pe_json_get (schema, "const")))
    return put_values (c, schema, found, 1) && pe_schema_put (c, "\n");
  unsigned kinds = pe_schema_kinds (schema, c->error);
  return kinds && put_kinds (c, schema, rule, kinds);
}

static bool
convert (struct pe_schema_rules *c)
{
  size_t rule;
  if (!pe_schema_put_bytes (c, prelude, sizeof prelude - 1) ||
      !pe_schema_rule_for (c, c->reader.root, &rule))
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
  struct pe_schema_rules c = { .error = error };
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
