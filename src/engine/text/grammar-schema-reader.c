/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/grammar-schema.h"

#include <math.h>
#include <string.h>

#define MAX_HOPS 64
#define MAX_WORK (1u << 24)
#define MAX_NEST 16 /* of properties compared for exclusion */

/* ---- references (RFC 6901 in a URI fragment) ---- */

static int
hex_value (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c = (char) (c | 32);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next part of a pointer, without its escapes; false when it is too long or malformed. */
static bool
next_part (const char **pointer, char *out, size_t size)
{
  size_t n = 0;
  const char *p = *pointer;
  while (*p && *p != '/') {
    char c = *p++;
    if (c == '%') {
      int high = hex_value (p[0]), low = high < 0 ? -1 : hex_value (p[1]);
      if (low < 0)
        return false;
      c = (char) (high * 16 + low);
      p += 2;
    }
    if (c == '~') {
      if (*p != '0' && *p != '1')
        return false;
      c = *p++ == '0' ? '~' : '/';
    }
    if (n + 1 == size || c == 0)
      return false;
    out[n++] = c;
  }
  out[n] = 0;
  *pointer = p;
  return true;
}

static const struct pe_json *
item_at (const struct pe_json *list, const char *digits)
{
  size_t index = 0;
  for (const char *p = digits; *p; p++) {
    if (*p < '0' || *p > '9' || index > list->list.n)
      return NULL;
    index = index * 10 + (size_t) (*p - '0');
  }
  return *digits && index < list->list.n ? &list->list.items[index] : NULL;
}

static const struct pe_json *
follow_pointer (struct pe_schema_reader *reader, const char *pointer)
{
  const struct pe_json *at = reader->root;
  char part[512];
  while (at && *pointer == '/') {
    pointer++;
    if (!next_part (&pointer, part, sizeof part))
      return NULL;
    if (at->kind == PE_JSON_OBJECT) {
      reader->work += at->list.n;
      at = pe_json_get (at, part);
    } else
      at = at->kind == PE_JSON_ARRAY ? item_at (at, part) : NULL;
  }
  return *pointer ? NULL : at;
}

const struct pe_json *
pe_schema_resolve (struct pe_schema_reader *reader, const struct pe_json *schema,
                   struct pe_error *error)
{
  for (int hop = 0; hop < MAX_HOPS; hop++) {
    const struct pe_json *ref = pe_json_get (schema, "$ref");
    if (!ref)
      return schema;
    if (!pe_schema_check_keywords (schema, schema == reader->root, error))
      return NULL;
    if (ref->kind != PE_JSON_STRING || ref->string.data[0] != '#' ||
        strlen (ref->string.data) != ref->string.n) {
      pe_fail (error, PE_ERROR_UNSUPPORTED,
               "the schema refers to '%.80s'; only references within it (\"#/…\") are followed",
               ref->kind == PE_JSON_STRING ? ref->string.data : "something that is no text");
      return NULL;
    }
    schema = follow_pointer (reader, ref->string.data + 1);
    if (reader->work > MAX_WORK) {
      pe_fail (error, PE_ERROR_LIMIT, "the schema has too many references");
      return NULL;
    }
    if (!schema) {
      pe_fail (error, PE_ERROR_FORMAT, "the schema refers to '%.80s', which it does not have",
               ref->string.data);
      return NULL;
    }
  }
  pe_fail (error, PE_ERROR_FORMAT, "the schema's references run in a circle");
  return NULL;
}

/* ---- keywords ---- */

static bool
is_in (const char *word, const char *const *list)
{
  for (; *list; list++)
    if (strcmp (word, *list) == 0)
      return true;
  return false;
}

bool
pe_schema_check_keywords (const struct pe_json *schema, bool is_root, struct pe_error *error)
{
  static const char *const notes[] = {
    "title",       "description",     "default", "examples", "deprecated",       "readOnly",
    "writeOnly",   "format",          "$schema", "$comment", "contentMediaType", "$defs",
    "definitions", "contentEncoding", NULL,
  };
  static const char *const whole[] = { "$ref", "anyOf", "oneOf", "allOf", "enum", "const", NULL };
  static const char *const shapes[] = {
    "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "minLength",
    "maxLength",  NULL,
  };
  const char *alternative = NULL, *shape = NULL, *type = NULL;
  for (size_t i = 0; i < schema->list.n; i++) {
    const char *word = schema->list.keys[i].data;
    const char **kind = NULL;
    if (is_in (word, notes) || strncmp (word, "x-", 2) == 0 ||
        (is_root && strcmp (word, "$id") == 0))
      continue;
    if (is_in (word, whole))
      kind = &alternative;
    else if (is_in (word, shapes))
      kind = &shape;
    else if (strcmp (word, "type") == 0)
      kind = &type;
    if (!kind)
      return pe_fail (error, PE_ERROR_UNSUPPORTED,
                      "the schema uses \"%.80s\", which no grammar here can promise: leave it out",
                      word);
    if (*kind && kind == &alternative)
      return pe_fail (error, PE_ERROR_UNSUPPORTED,
                      "the schema has both \"%s\" and \"%s\" in one place: only one can be kept",
                      alternative, word);
    *kind = word;
  }
  bool lists_values =
      alternative && (!strcmp (alternative, "enum") || !strcmp (alternative, "const"));
  if (alternative && (shape || (type && !lists_values)))
    return pe_fail (error, PE_ERROR_UNSUPPORTED,
                    "the schema has both \"%s\" and \"%s\" in one place: only one can be kept",
                    alternative, shape ? shape : type);
  return true;
}

/* ---- kinds ---- */

static unsigned
kind_by_name (const struct pe_json *name)
{
  static const struct {
    const char *name;
    unsigned kind;
  } kinds[] = {
    { "null", PE_SCHEMA_NULL },       { "boolean", PE_SCHEMA_BOOLEAN },
    { "integer", PE_SCHEMA_INTEGER }, { "number", PE_SCHEMA_NUMBER | PE_SCHEMA_INTEGER },
    { "string", PE_SCHEMA_STRING },   { "array", PE_SCHEMA_ARRAY },
    { "object", PE_SCHEMA_OBJECT },
  };
  if (name->kind == PE_JSON_STRING)
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      if (strcmp (name->string.data, kinds[i].name) == 0)
        return kinds[i].kind;
  return 0;
}

unsigned
pe_schema_kinds (const struct pe_json *schema, struct pe_error *error)
{
  const struct pe_json *type = pe_json_get (schema, "type");
  unsigned kinds = 0;
  if (!type) { /* a value that a keyword speaks of is one that keeps to it */
    if (pe_json_get (schema, "properties") || pe_json_get (schema, "required") ||
        pe_json_get (schema, "additionalProperties"))
      kinds |= PE_SCHEMA_OBJECT;
    if (pe_json_get (schema, "items") || pe_json_get (schema, "minItems") ||
        pe_json_get (schema, "maxItems"))
      kinds |= PE_SCHEMA_ARRAY;
    if (pe_json_get (schema, "minLength") || pe_json_get (schema, "maxLength"))
      kinds |= PE_SCHEMA_STRING;
    return kinds ? kinds : PE_SCHEMA_ANY;
  }
  size_t n = type->kind == PE_JSON_ARRAY ? type->list.n : 1;
  const struct pe_json *names = type->kind == PE_JSON_ARRAY ? type->list.items : type;
  for (size_t i = 0; i < n; i++) {
    unsigned kind = kind_by_name (&names[i]);
    if (!kind) {
      kinds = 0;
      break;
    }
    kinds |= kind;
  }
  if (!kinds)
    pe_fail (error, PE_ERROR_FORMAT, "the schema's \"type\" is none that there is");
  return kinds;
}

static unsigned
kind_of (const struct pe_json *value)
{
  switch (value->kind) {
  case PE_JSON_NULL: return PE_SCHEMA_NULL;
  case PE_JSON_BOOL: return PE_SCHEMA_BOOLEAN;
  case PE_JSON_INT: return PE_SCHEMA_INTEGER;
  case PE_JSON_FLOAT:
    return value->real == floor (value->real) ? PE_SCHEMA_INTEGER : PE_SCHEMA_NUMBER;
  case PE_JSON_STRING: return PE_SCHEMA_STRING;
  case PE_JSON_ARRAY: return PE_SCHEMA_ARRAY;
  default: return PE_SCHEMA_OBJECT;
  }
}

bool
pe_schema_kind_holds (unsigned kinds, const struct pe_json *value)
{
  return (kinds & kind_of (value)) != 0;
}

/* ---- exclusion ---- */

/* Exact but for arrays and objects: two that are not empty may always be equal. */
static bool
may_be_equal (const struct pe_json *a, const struct pe_json *b)
{
  if (kind_of (a) != kind_of (b))
    return false;
  switch (a->kind) {
  case PE_JSON_NULL: return true;
  case PE_JSON_BOOL: return a->boolean == b->boolean;
  case PE_JSON_INT:
    if (b->kind == PE_JSON_INT)
      return a->integer == b->integer;
    return (double) a->integer == b->real;
  case PE_JSON_FLOAT: return a->real == (b->kind == PE_JSON_INT ? (double) b->integer : b->real);
  case PE_JSON_STRING:
    return a->string.n == b->string.n && memcmp (a->string.data, b->string.data, a->string.n) == 0;
  default: return (a->list.n == 0) == (b->list.n == 0);
  }
}

/* The values that enum or const lists, or NULL. */
static const struct pe_json *
listed_values (const struct pe_json *schema, size_t *n)
{
  const struct pe_json *values = pe_json_get (schema, "enum");
  *n = 0;
  if (values && values->kind == PE_JSON_ARRAY) {
    *n = values->list.n;
    return values->list.items;
  }
  values = pe_json_get (schema, "const");
  *n = values != NULL;
  return values;
}

bool
pe_schema_requires (const struct pe_json *schema, const char *name)
{
  const struct pe_json *required = pe_json_get (schema, "required");
  if (required && required->kind == PE_JSON_ARRAY)
    for (size_t i = 0; i < required->list.n; i++)
      if (required->list.items[i].kind == PE_JSON_STRING &&
          strcmp (required->list.items[i].string.data, name) == 0)
        return true;
  return false;
}

static bool disjoint (struct pe_schema_reader *reader, const struct pe_json *a,
                      const struct pe_json *b, int depth);

/* `a` requires a property that in `b` can only be something else, or cannot be at all. */
static bool
property_excludes (struct pe_schema_reader *reader, const struct pe_json *a,
                   const struct pe_json *b, int depth)
{
  const struct pe_json *in_a = pe_json_get (a, "properties"), *in_b = pe_json_get (b, "properties"),
                       *required = pe_json_get (a, "required"),
                       *others = pe_json_get (b, "additionalProperties");
  if (!required || required->kind != PE_JSON_ARRAY)
    return false;
  for (size_t i = 0; i < required->list.n && reader->work < MAX_WORK; i++) {
    const struct pe_json *name = &required->list.items[i];
    reader->work += (in_a ? in_a->list.n : 0) + (in_b ? in_b->list.n : 0);
    if (name->kind != PE_JSON_STRING)
      continue;
    const struct pe_json *x = pe_json_get (in_a, name->string.data),
                         *y = pe_json_get (in_b, name->string.data);
    if (!y && others && others->kind == PE_JSON_BOOL && !others->boolean)
      return true;
    if (x && y && disjoint (reader, x, y, depth + 1))
      return true;
  }
  return false;
}

static bool
disjoint (struct pe_schema_reader *reader, const struct pe_json *a, const struct pe_json *b,
          int depth)
{
  if (depth > MAX_NEST)
    return false;
  a = pe_schema_resolve (reader, a, NULL);
  b = pe_schema_resolve (reader, b, NULL);
  if (!a || !b || a->kind != PE_JSON_OBJECT || b->kind != PE_JSON_OBJECT)
    return false;
  size_t n_a, n_b;
  const struct pe_json *values_a = listed_values (a, &n_a), *values_b = listed_values (b, &n_b);
  unsigned kinds_a = pe_schema_kinds (a, NULL), kinds_b = pe_schema_kinds (b, NULL), both;
  if (values_a && values_b) {
    reader->work += (uint64_t) n_a * n_b;
    for (size_t i = 0; i < n_a && reader->work < MAX_WORK; i++)
      for (size_t j = 0; j < n_b; j++)
        if (may_be_equal (&values_a[i], &values_b[j]))
          return false;
    return reader->work < MAX_WORK;
  }
  if (values_a || values_b) {
    const struct pe_json *values = values_a ? values_a : values_b;
    unsigned kinds = values_a ? kinds_b : kinds_a;
    /* What merely implies its kind lets every other kind pass. */
    if (!pe_json_get (values_a ? b : a, "type"))
      return false;
    for (size_t i = 0; i < n_a + n_b; i++)
      if (pe_schema_kind_holds (kinds, &values[i]))
        return false;
    return true;
  }
  if (!pe_json_get (a, "type") || !pe_json_get (b, "type"))
    return false;
  both = kinds_a & kinds_b;
  return both == 0 || (both == PE_SCHEMA_OBJECT && (property_excludes (reader, a, b, depth) ||
                                                    property_excludes (reader, b, a, depth)));
}

bool
pe_schema_disjoint (struct pe_schema_reader *reader, const struct pe_json *a,
                    const struct pe_json *b)
{
  return disjoint (reader, a, b, 0);
}
