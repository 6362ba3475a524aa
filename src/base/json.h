/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON values for the parts below GLib: a reader bounded in depth (64), number of values and
 * size, and a writer. Duplicate keys: the last one wins. Numbers keep whether they were integers.
 * A value belongs to the document that it was parsed into or built in. Source: RFC 8259.
 *
 * A document may be read from several threads; a writer belongs to one.
 */
#pragma once

#include "base/alloc.h"
#include "base/error.h"

#define PE_JSON_MAX_DEPTH  64
#define PE_JSON_MAX_BYTES  ((size_t) 64 << 20)
#define PE_JSON_MAX_VALUES ((size_t) 4 << 20)

enum pe_json_kind {
  PE_JSON_NULL,
  PE_JSON_BOOL,
  PE_JSON_INT,
  PE_JSON_FLOAT,
  PE_JSON_STRING,
  PE_JSON_ARRAY,
  PE_JSON_OBJECT,
};

struct pe_json {
  enum pe_json_kind kind;
  bool is_big_integer; /* PE_JSON_FLOAT: written as an integer, but beyond int64_t */
  union {
    bool boolean;
    int64_t integer;
    double real;
    struct {
      const char *data; /* UTF-8, zero-terminated too; may contain zeros */
      size_t n;
    } string;
    struct {
      struct pe_json *items;          /* values; objects: in order of first appearance */
      const struct pe_json_key *keys; /* objects only */
      size_t n;
    } list;
  };
};

struct pe_json_key {
  const char *data; /* zero-terminated too */
  size_t n;
};

struct pe_json_document {
  struct pe_arena arena;
  struct pe_json root;
};

/* Parses exactly one value with nothing but white space around it. Integers that do not fit
 * int64_t become PE_JSON_FLOAT. Lone surrogates become U+FFFD; invalid UTF-8 is refused. */
bool pe_json_parse (const char *text, size_t n, struct pe_json_document *out,
                    struct pe_error *error);
void pe_json_document_clear (struct pe_json_document *document);

/* NULL when `object` is no object or has no such key. */
const struct pe_json *pe_json_get (const struct pe_json *object, const char *key);

/* A growing text with JSON in it; commas and colons place themselves. `failed`: memory was short,
 * the text is unusable. */
struct pe_json_writer {
  char *text; /* zero-terminated after pe_json_finish(); freed by pe_json_writer_clear() */
  size_t n, capacity;
  unsigned depth;
  bool failed, need_comma;
};

void pe_json_begin_object (struct pe_json_writer *w);
void pe_json_end_object (struct pe_json_writer *w);
void pe_json_begin_array (struct pe_json_writer *w);
void pe_json_end_array (struct pe_json_writer *w);
void pe_json_key (struct pe_json_writer *w, const char *key);
void pe_json_string (struct pe_json_writer *w, const char *text,
                     size_t n); /* invalid UTF-8: U+FFFD */
void pe_json_text (struct pe_json_writer *w, const char *text);
void pe_json_int (struct pe_json_writer *w, int64_t value);
void pe_json_uint (struct pe_json_writer *w, uint64_t value);
void pe_json_real (struct pe_json_writer *w, double value);
void pe_json_bool (struct pe_json_writer *w, bool value);
void pe_json_null (struct pe_json_writer *w);
void pe_json_value (struct pe_json_writer *w, const struct pe_json *value);
bool pe_json_finish (struct pe_json_writer *w);
void pe_json_writer_clear (struct pe_json_writer *w);
