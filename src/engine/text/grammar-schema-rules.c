/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/grammar-schema-rules.h"

#include "engine/text/grammar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
pe_schema_put_bytes (struct pe_schema_rules *c, const char *bytes, size_t n)
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

__attribute__ ((format (printf, 2, 3))) bool
pe_schema_put (struct pe_schema_rules *c, const char *format, ...)
{
  char piece[256];
  va_list args;
  va_start (args, format);
  int n = vsnprintf (piece, sizeof piece, format, args);
  va_end (args);
  return pe_schema_put_bytes (c, piece, (size_t) n);
}

bool
pe_schema_put_literal (struct pe_schema_rules *c, const char *text, size_t n)
{
  bool good = pe_schema_put (c, "\"");
  for (size_t i = 0; i < n && good; i++) {
    if (text[i] == '"' || text[i] == '\\')
      good = pe_schema_put_bytes (c, "\\", 1);
    good = good && pe_schema_put_bytes (c, text + i, 1);
  }
  return good && pe_schema_put (c, "\"");
}

bool
pe_schema_put_value (struct pe_schema_rules *c, const struct pe_json *value)
{
  struct pe_json_writer w = { 0 };
  pe_json_value (&w, value);
  bool good = pe_json_finish (&w) ? pe_schema_put_literal (c, w.text, w.n)
                                  : pe_fail (c->error, PE_ERROR_MEMORY,
                                             "not enough memory for the schema's grammar");
  pe_json_writer_clear (&w);
  return good;
}

/* ---- schemas by address ---- */

static size_t
slot_of (const struct pe_schema_rules *c, const struct pe_json *schema)
{
  uint64_t x = (uint64_t) (uintptr_t) schema * 0x9e3779b97f4a7c15u;
  size_t i = (size_t) (x >> 32) & (c->n_slots - 1);
  while (c->slots[i] && c->schemas[c->slots[i] - 1] != schema)
    i = (i + 1) & (c->n_slots - 1);
  return i;
}

static bool
grow_slots (struct pe_schema_rules *c)
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

bool
pe_schema_rule_for (struct pe_schema_rules *c, const struct pe_json *schema, size_t *out)
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

bool
pe_schema_put_rule_for (struct pe_schema_rules *c, const struct pe_json *schema)
{
  size_t rule;
  if (!schema)
    return pe_schema_put (c, "value");
  return pe_schema_rule_for (c, schema, &rule) && pe_schema_put (c, "s%zu", rule);
}
