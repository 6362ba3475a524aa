/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading a JSON schema: references, kinds, and which schemas exclude each other. Nothing here
 * recurses deeper than the document is nested.
 */
#pragma once

#include "base/json.h"

enum pe_schema_kind { /* bits; an integer is a number too */
                      PE_SCHEMA_NULL = 1,
                      PE_SCHEMA_BOOLEAN = 2,
                      PE_SCHEMA_INTEGER = 4,
                      PE_SCHEMA_NUMBER = 8,
                      PE_SCHEMA_STRING = 16,
                      PE_SCHEMA_ARRAY = 32,
                      PE_SCHEMA_OBJECT = 64,
                      PE_SCHEMA_ANY = 127,
};

struct pe_schema_reader {
  const struct pe_json *root;
  uint64_t work; /* keys compared so far */
};

/* The schema that a chain of $ref leads to, or NULL with the error filled. */
const struct pe_json *pe_schema_resolve (struct pe_schema_reader *reader,
                                         const struct pe_json *schema, struct pe_error *error);
/* What `type` says, or the keywords imply; 0 with the error filled when it is no such thing. */
unsigned pe_schema_kinds (const struct pe_json *schema, struct pe_error *error);
bool pe_schema_kind_holds (unsigned kinds, const struct pe_json *value);
/* No value fits both; false also when that is not plain. */
bool pe_schema_disjoint (struct pe_schema_reader *reader, const struct pe_json *a,
                         const struct pe_json *b);
/* Refuses keywords that are neither understood nor mere notes, and those that would limit an
 * alternative from outside. */
bool pe_schema_check_keywords (const struct pe_json *schema, bool is_root, struct pe_error *error);
/* Whether `required` names it. */
bool pe_schema_requires (const struct pe_json *schema, const char *name);
