/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"

#include "base/number.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- reader ---- */

/* Values of unfinished arrays and objects wait on a stack, and are copied into the arena in one
 * piece when their list ends. */
struct reader {
  const char *text;
  size_t n, position;
  struct pe_arena *arena;
  struct pe_json *values;
  struct pe_json_key *keys; /* as long as `values`; empty for items of arrays */
  size_t n_stack, value_capacity, key_capacity;
  size_t n_values; /* seen so far */
  struct pe_error *error;
};

static bool read_value (struct reader *r, unsigned depth, struct pe_json *out);

static bool
fail (struct reader *r, size_t at, const char *what)
{
  return pe_fail_at (r->error, PE_ERROR_FORMAT, at, "JSON: %s at byte %zu", what, at);
}

static bool
fail_memory (struct reader *r)
{
  return pe_fail (r->error, PE_ERROR_MEMORY, "JSON: not enough memory");
}

static int
peek (const struct reader *r)
{
  return r->position < r->n ? (unsigned char) r->text[r->position] : -1;
}

static void
skip_space (struct reader *r)
{
  while (r->position < r->n) {
    char c = r->text[r->position];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
      return;
    r->position++;
  }
}

static bool
read_word (struct reader *r, const char *word)
{
  size_t n = strlen (word);
  if (r->n - r->position < n || memcmp (r->text + r->position, word, n) != 0)
    return fail (r, r->position, "unknown word");
  r->position += n;
  return true;
}

static bool
is_digit (int c)
{
  return c >= '0' && c <= '9';
}

static bool
read_number (struct reader *r, struct pe_json *out)
{
  size_t start = r->position;
  bool negative = peek (r) == '-', is_integer = true;
  if (negative)
    r->position++;
  size_t digits = r->position;
  uint64_t magnitude = 0;
  bool fits = true;
  while (is_digit (peek (r))) {
    unsigned digit = (unsigned) (peek (r) - '0');
    fits = fits && magnitude <= (UINT64_MAX - digit) / 10;
    magnitude = magnitude * 10 + digit;
    r->position++;
  }
  if (r->position == digits)
    return fail (r, r->position, "a digit is missing");
  if (r->text[digits] == '0' && r->position - digits > 1)
    return fail (r, digits, "a number begins with zero");
  if (peek (r) == '.') {
    is_integer = false;
    r->position++;
    if (!is_digit (peek (r)))
      return fail (r, r->position, "a digit is missing");
    while (is_digit (peek (r)))
      r->position++;
  }
  if (peek (r) == 'e' || peek (r) == 'E') {
    is_integer = false;
    r->position++;
    if (peek (r) == '+' || peek (r) == '-')
      r->position++;
    if (!is_digit (peek (r)))
      return fail (r, r->position, "a digit is missing");
    while (is_digit (peek (r)))
      r->position++;
  }
  if (is_integer && fits && magnitude <= (uint64_t) INT64_MAX + negative) {
    out->kind = PE_JSON_INT;
    out->integer = negative ? (int64_t) (0 - magnitude) : (int64_t) magnitude;
    return true;
  }
  out->kind = PE_JSON_FLOAT;
  out->is_big_integer = is_integer;
  if (!pe_double_parse (r->text + start, r->position - start, &out->real))
    return fail (r, start, "a number with too many digits");
  return true;
}

static bool
read_hex4 (struct reader *r, uint32_t *out)
{
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    int c = peek (r);
    unsigned digit;
    if (is_digit (c))
      digit = (unsigned) (c - '0');
    else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
      digit = (unsigned) ((c | 0x20) - 'a' + 10);
    else
      return fail (r, r->position, "a hexadecimal digit is missing");
    value = value << 4 | digit;
    r->position++;
  }
  *out = value;
  return true;
}

/* Behind the "\u". A high surrogate takes the low one that follows it; a lone one is U+FFFD. */
static bool
read_escaped_code_point (struct reader *r, uint32_t *out)
{
  if (!read_hex4 (r, out))
    return false;
  if (*out < 0xd800 || *out >= 0xdc00)
    return true;
  size_t behind = r->position;
  uint32_t low = 0;
  if (r->n - r->position >= 6 && r->text[behind] == '\\' && r->text[behind + 1] == 'u') {
    r->position += 2;
    if (!read_hex4 (r, &low))
      return false;
    if (low >= 0xdc00 && low < 0xe000) {
      *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
      return true;
    }
    r->position = behind;
  }
  return true;
}

static bool
read_escape (struct reader *r, char *out, unsigned *n)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  int c = peek (r);
  if (c == 'u') {
    uint32_t code_point = 0;
    r->position++;
    if (!read_escaped_code_point (r, &code_point))
      return false;
    *n = pe_utf8_put (code_point, out);
    return true;
  }
  const char *p = c > 0 ? strchr (from, c) : NULL;
  if (!p)
    return fail (r, r->position, "unknown escape sequence");
  r->position++;
  *out = to[p - from];
  *n = 1;
  return true;
}

/* At the opening quote. Decoded text is never longer than its source. */
static bool
read_string (struct reader *r, const char **data, size_t *n)
{
  size_t start = ++r->position, end = start;
  while (end < r->n && r->text[end] != '"')
    end += r->text[end] == '\\' ? 2 : 1;
  if (end >= r->n)
    return fail (r, r->n, "a string has no end");
  char *out = pe_arena_alloc (r->arena, end - start + 1);
  if (!out)
    return fail_memory (r);
  size_t length = 0;
  while (r->position < end) {
    unsigned char c = (unsigned char) r->text[r->position];
    unsigned bytes = 0;
    uint32_t code_point;
    if (c == '\\') {
      r->position++;
      if (!read_escape (r, out + length, &bytes))
        return false;
    } else if (c < 0x20) {
      return fail (r, r->position, "a control character in a string");
    } else {
      bytes = pe_utf8_next (r->text + r->position, end - r->position, &code_point);
      if (bytes == 0)
        return fail (r, r->position, "invalid UTF-8");
      memcpy (out + length, r->text + r->position, bytes);
      r->position += bytes;
    }
    length += bytes;
  }
  r->position++;
  out[length] = 0;
  *data = out;
  *n = length;
  return true;
}

static bool
push (struct reader *r, const struct pe_json *value, struct pe_json_key key)
{
  if (!pe_grow (&r->values, &r->value_capacity, r->n_stack + 1, sizeof *r->values) ||
      !pe_grow (&r->keys, &r->key_capacity, r->n_stack + 1, sizeof *r->keys))
    return fail_memory (r);
  r->values[r->n_stack] = *value;
  r->keys[r->n_stack] = key;
  r->n_stack++;
  return true;
}

static bool
same_key (struct pe_json_key a, struct pe_json_key b)
{
  return a.n == b.n && memcmp (a.data, b.data, a.n) == 0;
}

static size_t
hash_key (struct pe_json_key key)
{
  uint64_t h = 0xcbf29ce484222325;
  for (size_t i = 0; i < key.n; i++)
    h = (h ^ (unsigned char) key.data[i]) * 0x100000001b3;
  return (size_t) (h ^ h >> 29);
}

/* Of the stack's top `*n` members, those with a key seen before hand their value to the first. */
static bool
merge_duplicate_keys (struct reader *r, size_t first, size_t *n)
{
  struct pe_json *values = r->values + first;
  struct pe_json_key *keys = r->keys + first;
  size_t size = 16;
  while (size < *n * 2)
    size *= 2;
  uint32_t small[64] = { 0 };
  uint32_t *table = size <= 64 ? small : pe_calloc (size, sizeof *table);
  if (!table)
    return fail_memory (r);
  size_t kept = 0;
  for (size_t i = 0; i < *n; i++) {
    size_t slot = hash_key (keys[i]) & (size - 1);
    while (table[slot] && !same_key (keys[table[slot] - 1], keys[i]))
      slot = (slot + 1) & (size - 1);
    if (table[slot]) {
      values[table[slot] - 1] = values[i];
      continue;
    }
    values[kept] = values[i];
    keys[kept] = keys[i];
    table[slot] = (uint32_t) ++kept;
  }
  if (table != small)
    pe_free (table);
  *n = kept;
  return true;
}

static bool
finish_list (struct reader *r, size_t first, bool is_object, struct pe_json *out)
{
  size_t n = r->n_stack - first;
  if (is_object && !merge_duplicate_keys (r, first, &n))
    return false;
  out->kind = is_object ? PE_JSON_OBJECT : PE_JSON_ARRAY;
  out->list.n = n;
  out->list.items = pe_arena_array (r->arena, n, sizeof *out->list.items);
  if (!out->list.items)
    return fail_memory (r);
  if (n)
    memcpy (out->list.items, r->values + first, n * sizeof *out->list.items);
  if (is_object) {
    struct pe_json_key *keys = pe_arena_array (r->arena, n, sizeof *keys);
    if (!keys)
      return fail_memory (r);
    if (n)
      memcpy (keys, r->keys + first, n * sizeof *keys);
    out->list.keys = keys;
  }
  r->n_stack = first;
  return true;
}

static bool
read_list (struct reader *r, unsigned depth, struct pe_json *out)
{
  bool is_object = peek (r) == '{';
  int close = is_object ? '}' : ']';
  size_t first = r->n_stack;
  if (depth >= PE_JSON_MAX_DEPTH)
    return pe_fail_at (r->error, PE_ERROR_LIMIT, r->position,
                       "JSON: more than %d levels at byte %zu", PE_JSON_MAX_DEPTH, r->position);
  r->position++;
  skip_space (r);
  if (peek (r) == close) {
    r->position++;
    return finish_list (r, first, is_object, out);
  }
  for (;;) {
    struct pe_json_key key = { 0 };
    struct pe_json item;
    skip_space (r);
    if (is_object) {
      if (peek (r) != '"')
        return fail (r, r->position, "a key is missing");
      if (!read_string (r, &key.data, &key.n))
        return false;
      skip_space (r);
      if (peek (r) != ':')
        return fail (r, r->position, "a colon is missing");
      r->position++;
    }
    if (!read_value (r, depth + 1, &item) || !push (r, &item, key))
      return false;
    skip_space (r);
    int c = peek (r);
    if (c != ',' && c != close)
      return fail (r, r->position, "a comma or closing bracket is missing");
    r->position++;
    if (c == close)
      return finish_list (r, first, is_object, out);
  }
}

static bool
read_value (struct reader *r, unsigned depth, struct pe_json *out)
{
  memset (out, 0, sizeof *out);
  if (++r->n_values > PE_JSON_MAX_VALUES)
    return pe_fail_at (r->error, PE_ERROR_LIMIT, r->position, "JSON: more than %zu values",
                       PE_JSON_MAX_VALUES);
  skip_space (r);
  switch (peek (r)) {
  case '{':
  case '[': return read_list (r, depth, out);
  case '"': out->kind = PE_JSON_STRING; return read_string (r, &out->string.data, &out->string.n);
  case 't':
    out->kind = PE_JSON_BOOL;
    out->boolean = true;
    return read_word (r, "true");
  case 'f': out->kind = PE_JSON_BOOL; return read_word (r, "false");
  case 'n': out->kind = PE_JSON_NULL; return read_word (r, "null");
  case -1: return fail (r, r->n, "a value is missing");
  default: return read_number (r, out);
  }
}

bool
pe_json_parse (const char *text, size_t n, struct pe_json_document *out, struct pe_error *error)
{
  memset (out, 0, sizeof *out);
  if (n > PE_JSON_MAX_BYTES)
    return pe_fail (error, PE_ERROR_LIMIT, "JSON: %zu bytes are more than the %zu allowed", n,
                    PE_JSON_MAX_BYTES);
  struct reader r = { .text = text, .n = n, .arena = &out->arena, .error = error };
  bool ok = read_value (&r, 0, &out->root);
  if (ok) {
    skip_space (&r);
    if (r.position < n)
      ok = fail (&r, r.position, "something follows the value");
  }
  pe_free (r.values);
  pe_free (r.keys);
  if (!ok)
    pe_json_document_clear (out);
  return ok;
}

void
pe_json_document_clear (struct pe_json_document *document)
{
  pe_arena_clear (&document->arena);
  memset (&document->root, 0, sizeof document->root);
}

const struct pe_json *
pe_json_get (const struct pe_json *object, const char *key)
{
  if (!object || object->kind != PE_JSON_OBJECT)
    return NULL;
  struct pe_json_key wanted = { key, strlen (key) };
  for (size_t i = 0; i < object->list.n; i++)
    if (same_key (object->list.keys[i], wanted))
      return &object->list.items[i];
  return NULL;
}

/* ---- writer ---- */

static void
put (struct pe_json_writer *w, const char *text, size_t n)
{
  if (w->failed)
    return;
  if (n >= SIZE_MAX - w->n || !pe_grow (&w->text, &w->capacity, w->n + n + 1, 1)) {
    w->failed = true;
    return;
  }
  if (n)
    memcpy (w->text + w->n, text, n);
  w->n += n;
}

static void
begin_value (struct pe_json_writer *w)
{
  if (w->need_comma)
    put (w, ",", 1);
  w->need_comma = true;
}

static void
begin_list (struct pe_json_writer *w, const char *bracket)
{
  begin_value (w);
  put (w, bracket, 1);
  w->depth++;
  w->need_comma = false;
}

static void
end_list (struct pe_json_writer *w, const char *bracket)
{
  if (w->depth == 0)
    w->failed = true;
  else
    w->depth--;
  put (w, bracket, 1);
  w->need_comma = true;
}

void
pe_json_begin_object (struct pe_json_writer *w)
{
  begin_list (w, "{");
}

void
pe_json_end_object (struct pe_json_writer *w)
{
  end_list (w, "}");
}

void
pe_json_begin_array (struct pe_json_writer *w)
{
  begin_list (w, "[");
}

void
pe_json_end_array (struct pe_json_writer *w)
{
  end_list (w, "]");
}

static void
put_quoted (struct pe_json_writer *w, const char *text, size_t n)
{
  static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
  put (w, "\"", 1);
  size_t plain = 0; /* start of what can be copied as it is */
  for (size_t i = 0; i < n;) {
    unsigned char c = (unsigned char) text[i];
    uint32_t code_point;
    unsigned bytes = pe_utf8_next (text + i, n - i, &code_point);
    if (bytes && c >= 0x20 && c != '"' && c != '\\') {
      i += bytes;
      continue;
    }
    put (w, text + plain, i - plain);
    const char *p = c && bytes ? strchr (from, c) : NULL;
    char escape[8];
    if (!bytes)
      put (w, "\xef\xbf\xbd", 3);
    else if (p)
      put (w, (char[]){ '\\', to[p - from] }, 2);
    else
      put (w, escape, (size_t) snprintf (escape, sizeof escape, "\\u%04x", c));
    plain = ++i;
  }
  put (w, text + plain, n - plain);
  put (w, "\"", 1);
}

void
pe_json_key (struct pe_json_writer *w, const char *key)
{
  begin_value (w);
  put_quoted (w, key, strlen (key));
  put (w, ":", 1);
  w->need_comma = false;
}

void
pe_json_string (struct pe_json_writer *w, const char *text, size_t n)
{
  begin_value (w);
  put_quoted (w, text, n);
}

void
pe_json_text (struct pe_json_writer *w, const char *text)
{
  pe_json_string (w, text, strlen (text));
}

void
pe_json_int (struct pe_json_writer *w, int64_t value)
{
  char text[24];
  begin_value (w);
  put (w, text, (size_t) snprintf (text, sizeof text, "%lld", (long long) value));
}

void
pe_json_uint (struct pe_json_writer *w, uint64_t value)
{
  char text[24];
  begin_value (w);
  put (w, text, (size_t) snprintf (text, sizeof text, "%llu", (unsigned long long) value));
}

void
pe_json_real (struct pe_json_writer *w, double value)
{
  char text[32];
  if (!isfinite (value)) {
    pe_json_null (w);
    return;
  }
  begin_value (w);
  put (w, text, pe_double_format (value, text));
}

void
pe_json_bool (struct pe_json_writer *w, bool value)
{
  begin_value (w);
  put (w, value ? "true" : "false", value ? 4 : 5);
}

void
pe_json_null (struct pe_json_writer *w)
{
  begin_value (w);
  put (w, "null", 4);
}

static void
put_value (struct pe_json_writer *w, const struct pe_json *value, unsigned depth)
{
  if (depth > PE_JSON_MAX_DEPTH) {
    w->failed = true;
    return;
  }
  switch (value->kind) {
  case PE_JSON_NULL: pe_json_null (w); return;
  case PE_JSON_BOOL: pe_json_bool (w, value->boolean); return;
  case PE_JSON_INT: pe_json_int (w, value->integer); return;
  case PE_JSON_FLOAT: pe_json_real (w, value->real); return;
  case PE_JSON_STRING: pe_json_string (w, value->string.data, value->string.n); return;
  case PE_JSON_ARRAY:
    pe_json_begin_array (w);
    for (size_t i = 0; i < value->list.n; i++)
      put_value (w, &value->list.items[i], depth + 1);
    pe_json_end_array (w);
    return;
  case PE_JSON_OBJECT:
    pe_json_begin_object (w);
    for (size_t i = 0; i < value->list.n; i++) {
      begin_value (w);
      put_quoted (w, value->list.keys[i].data, value->list.keys[i].n);
      put (w, ":", 1);
      w->need_comma = false;
      put_value (w, &value->list.items[i], depth + 1);
    }
    pe_json_end_object (w);
    return;
  }
}

void
pe_json_value (struct pe_json_writer *w, const struct pe_json *value)
{
  put_value (w, value, 0);
}

bool
pe_json_finish (struct pe_json_writer *w)
{
  if (w->depth != 0)
    w->failed = true;
  put (w, "", 0);
  if (!w->failed)
    w->text[w->n] = 0;
  return !w->failed;
}

void
pe_json_writer_clear (struct pe_json_writer *w)
{
  pe_free (w->text);
  memset (w, 0, sizeof *w);
}
