/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rules that a JSON schema becomes, while they are written: rule "sI" is for the I-th schema
 * that was met. Between the files that convert schemas only.
 */
#pragma once

#include "engine/text/grammar-schema.h"

struct pe_schema_rules {
  struct pe_schema_reader reader;
  struct pe_error *error;
  char *text;
  size_t n, capacity;
  const struct pe_json **schemas;
  size_t n_schemas, schemas_capacity;
  uint32_t *slots; /* by address: schema + 1 */
  size_t n_slots;
};

/* All fill rules->error when they return false. */
bool pe_schema_put_bytes (struct pe_schema_rules *rules, const char *bytes, size_t n);
/* Short pieces only: names and numbers. */
bool pe_schema_put (struct pe_schema_rules *rules, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/* JSON text as a literal; there are no control characters in it. */
bool pe_schema_put_literal (struct pe_schema_rules *rules, const char *text, size_t n);
bool pe_schema_put_value (struct pe_schema_rules *rules, const struct pe_json *value);
/* The number of the rule of a schema, to be written in its turn. */
bool pe_schema_rule_for (struct pe_schema_rules *rules, const struct pe_json *schema, size_t *out);
/* The name of the rule for any value of a schema, or for any value where there is none. */
bool pe_schema_put_rule_for (struct pe_schema_rules *rules, const struct pe_json *schema);
/* The rules of an object behind its "{", which rule "s<rule>" has written. */
bool pe_schema_put_object (struct pe_schema_rules *rules, const struct pe_json *schema,
                           size_t rule);
