/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/template-value.h"

#include "base/json.h"
#include "base/utf8.h"
#include "engine/text/template-ast.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- limits and failures ---- */

static int64_t
thread_time (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

bool
pe_t_fail (struct teval *t, const char *format, ...)
{
  char message[400];
  va_list args;
  va_start (args, format);
  vsnprintf (message, sizeof message, format, args);
  va_end (args);
  return pe_fail_at (t->error, PE_ERROR_FORMAT, t->offset, "template: %s (at byte %u)", message,
                     t->offset);
}

bool
pe_t_limit (struct teval *t, const char *what)
{
  return pe_fail_at (t->error, PE_ERROR_LIMIT, t->offset, "template: %s (at byte %u)", what,
                     t->offset);
}

bool
pe_t_spend (struct teval *t, uint64_t n)
{
  if (n > t->limits.steps - t->steps)
    return pe_t_limit (t, "it takes too many steps");
  t->steps += n;
  if (t->steps < t->next_clock)
    return true;
  t->next_clock = t->steps + 2048;
  int64_t now = thread_time ();
  if (t->deadline == 0)
    t->deadline = now + (int64_t) t->limits.milliseconds * 1000000;
  return now <= t->deadline || pe_t_limit (t, "it takes too long");
}

bool
pe_t_stack (struct teval *t)
{
  ptrdiff_t used = t->stack - (const char *) __builtin_frame_address (0);
  return (used < 0 ? -used : used) < PE_T_STACK_BYTES || pe_t_limit (t, "nested too deeply");
}

void *
pe_t_alloc (struct teval *t, size_t n)
{
  /* Clearing and copying memory is work too. */
  if (!pe_t_spend (t, n / 512))
    return NULL;
  if (n > t->limits.memory_bytes || t->arena.n_bytes > t->limits.memory_bytes - n) {
    pe_t_limit (t, "it needs too much memory");
    return NULL;
  }
  void *p = pe_arena_alloc (&t->arena, n);
  if (!p)
    pe_fail (t->error, PE_ERROR_MEMORY, "template: not enough memory");
  return p;
}

bool
pe_t_use_undefined (struct teval *t, struct tval v)
{
  return pe_t_fail (t, "%s", v.why);
}

/* ---- strings ---- */

const struct tstr pe_t_empty = { .data = "" };

static size_t
count_chars (const char *data, size_t n)
{
  size_t chars = 0;
  for (size_t i = 0; i < n; i++)
    chars += ((unsigned char) data[i] & 0xc0) != 0x80;
  return chars;
}

unsigned
pe_t_char_at (const struct tstr *s, size_t offset, uint32_t *c)
{
  unsigned length = pe_utf8_next (s->data + offset, s->n - offset, c);
  if (length)
    return length;
  *c = 0xfffd;
  return 1;
}

bool
pe_t_string (struct teval *t, const char *data, size_t n, bool from_values, struct tval *out)
{
  struct tstr *s = pe_t_alloc (t, sizeof *s + n + 1);
  if (!s)
    return false;
  char *copy = (char *) (s + 1);
  if (n)
    memcpy (copy, data, n);
  s->data = copy;
  s->n = n;
  s->n_chars = count_chars (data, n);
  s->from_values = from_values;
  *out = (struct tval){ .kind = T_STRING, .string = s };
  return true;
}

bool
pe_t_text (struct teval *t, const char *text, struct tval *out)
{
  return pe_t_string (t, text, strlen (text), false, out);
}

/* The run that byte `i` is in. */
static size_t
run_at (const struct tstr *s, size_t i)
{
  size_t low = 0, high = s->n_runs;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (i < s->runs[middle].end)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

bool
pe_t_origin (const struct tstr *s, size_t i)
{
  size_t k = run_at (s, i);
  return k < s->n_runs ? s->runs[k].from_values : s->from_values;
}

bool
pe_t_any_from_values (const struct tstr *s)
{
  for (size_t k = 0; k < s->n_runs; k++)
    if (s->runs[k].from_values)
      return true;
  return s->n_runs == 0 && s->n > 0 && s->from_values;
}

size_t
pe_t_char_offset (const struct tstr *s, size_t i)
{
  if (s->n_chars == s->n || i >= s->n_chars)
    return i >= s->n_chars ? s->n : i;
  size_t offset = 0;
  for (;; offset++)
    if (((unsigned char) s->data[offset] & 0xc0) != 0x80 && i-- == 0)
      return offset;
}

bool
pe_t_substring (struct teval *t, struct tval string, size_t begin, size_t end, struct tval *out)
{
  const struct tstr *from = string.string;
  if (begin == 0 && end == from->n) {
    *out = string;
    return true;
  }
  if (from->n_runs || end < from->n) { /* needs runs or a terminator of its own */
    struct tbuilder b = { .t = t };
    if (!pe_t_put_slice (&b, from, begin, end) || !pe_t_finish (&b, out))
      return false;
  } else {
    struct tstr *s = pe_t_alloc (t, sizeof *s);
    if (!s || !pe_t_spend (t, (end - begin) / 512))
      return false;
    s->data = from->data + begin;
    s->n = end - begin;
    s->n_chars = from->n == from->n_chars ? s->n : count_chars (s->data, s->n);
    s->from_values = from->from_values;
    *out = (struct tval){ .kind = T_STRING, .string = s };
  }
  out->is_markup = string.is_markup;
  return true;
}

static bool
reserve (struct tbuilder *b, size_t need)
{
  if (need <= b->capacity)
    return true;
  if (b->max && need > b->max + 1)
    return pe_t_limit (b->t, "its output is too long");
  size_t capacity = b->capacity ? b->capacity : 64;
  while (capacity < need)
    capacity *= 2;
  char *data = pe_t_alloc (b->t, capacity);
  if (!data)
    return false;
  if (b->n)
    memcpy (data, b->data, b->n);
  b->data = data;
  b->capacity = capacity;
  return true;
}

static bool
note_origin (struct tbuilder *b, bool from_values)
{
  if (b->n_runs && b->runs[b->n_runs - 1].from_values == from_values) {
    b->runs[b->n_runs - 1].end = b->n;
    return true;
  }
  if (b->n_runs == b->runs_capacity) {
    size_t capacity = b->runs_capacity ? b->runs_capacity * 2 : 4;
    struct trun *runs = pe_t_alloc (b->t, capacity * sizeof *runs);
    if (!runs)
      return false;
    if (b->n_runs)
      memcpy (runs, b->runs, b->n_runs * sizeof *runs);
    b->runs = runs;
    b->runs_capacity = capacity;
  }
  b->runs[b->n_runs++] = (struct trun){ b->n, from_values };
  return true;
}

bool
pe_t_put (struct tbuilder *b, const char *data, size_t n, bool from_values)
{
  if (n == 0)
    return true;
  if (n > SIZE_MAX / 4 || b->n > SIZE_MAX / 4)
    return pe_t_limit (b->t, "it needs too much memory");
  if (!reserve (b, b->n + n + 1))
    return false;
  memcpy (b->data + b->n, data, n);
  b->n += n;
  return note_origin (b, from_values);
}

bool
pe_t_put_text (struct tbuilder *b, const char *text)
{
  return pe_t_put (b, text, strlen (text), false);
}

bool
pe_t_put_slice (struct tbuilder *b, const struct tstr *s, size_t begin, size_t end)
{
  if (s->n_runs == 0)
    return pe_t_put (b, s->data + begin, end - begin, s->from_values);
  for (size_t k = run_at (s, begin); k < s->n_runs && begin < end; k++) {
    size_t stop = s->runs[k].end < end ? s->runs[k].end : end;
    if (!pe_t_put (b, s->data + begin, stop - begin, s->runs[k].from_values))
      return false;
    begin = stop;
  }
  return true;
}

bool
pe_t_put_string (struct tbuilder *b, const struct tstr *s)
{
  return pe_t_put_slice (b, s, 0, s->n);
}

bool
pe_t_put_char (struct tbuilder *b, uint32_t c, bool from_values)
{
  char bytes[4];
  return pe_t_put (b, bytes, pe_utf8_put (c, bytes), from_values);
}

bool
pe_t_finish (struct tbuilder *b, struct tval *out)
{
  if (b->n == 0) {
    *out = t_empty_string ();
    return true;
  }
  struct tstr *s = pe_t_alloc (b->t, sizeof *s);
  if (!s)
    return false;
  b->data[b->n] = 0;
  s->data = b->data;
  s->n = b->n;
  s->n_chars = count_chars (b->data, b->n);
  s->from_values = b->runs[0].from_values;
  if (b->n_runs > 1) {
    s->runs = b->runs;
    s->n_runs = b->n_runs;
  }
  *out = (struct tval){ .kind = T_STRING, .string = s };
  memset (b, 0, sizeof *b);
  return true;
}

/* ---- lists ---- */

bool
pe_t_list_new (struct teval *t, uint8_t kind, size_t capacity, struct tval *out)
{
  struct tlist *list = pe_t_alloc (t, sizeof *list);
  if (!list)
    return false;
  if (capacity) {
    if (capacity > SIZE_MAX / sizeof *list->items)
      return pe_t_limit (t, "it needs too much memory");
    if (!(list->items = pe_t_alloc (t, capacity * sizeof *list->items)))
      return false;
    list->capacity = capacity;
  }
  *out = (struct tval){ .kind = kind, .list = list };
  return true;
}

bool
pe_t_list_add (struct teval *t, struct tlist *list, struct tval v)
{
  if (list->n == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 4;
    struct tval *items = pe_t_alloc (t, capacity * sizeof *items);
    if (!items)
      return false;
    if (list->n)
      memcpy (items, list->items, list->n * sizeof *items);
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->n++] = v;
  return true;
}

bool
pe_t_pair (struct teval *t, struct tval a, struct tval b, struct tval *out)
{
  return pe_t_list_new (t, T_TUPLE, 2, out) && pe_t_list_add (t, out->list, a) &&
         pe_t_list_add (t, out->list, b);
}

bool
pe_t_iter_new (struct teval *t, struct tlist *list, struct tval *out)
{
  struct titer *iter = pe_t_alloc (t, sizeof *iter);
  if (!iter)
    return false;
  iter->list = list;
  *out = (struct tval){ .kind = T_ITER, .iter = iter };
  return true;
}

/* ---- dictionaries ---- */

bool
pe_t_dict_new (struct teval *t, uint8_t kind, struct tval *out)
{
  struct tdict *dict = pe_t_alloc (t, sizeof *dict);
  *out = (struct tval){ .kind = kind, .dict = dict };
  return dict != NULL;
}

static uint64_t
hash_bytes (const char *data, size_t n)
{
  uint64_t h = 0xcbf29ce484222325;
  for (size_t i = 0; i < n; i++)
    h = (h ^ (unsigned char) data[i]) * 0x100000001b3;
  return h ^ h >> 29;
}

static bool
hash (struct teval *t, struct tval key, uint64_t *out)
{
  switch (key.kind) {
  case T_STRING:
  case T_BYTES: *out = hash_bytes (key.string->data, key.string->n); return true;
  case T_BOOL:
  case T_INT: *out = (uint64_t) t_integer (key) * 0x9e3779b97f4a7c15; return true;
  case T_FLOAT:
    if (key.real == floor (key.real) && fabs (key.real) < 9e18)
      *out = (uint64_t) (int64_t) key.real * 0x9e3779b97f4a7c15;
    else
      *out = hash_bytes ((const char *) &key.real, sizeof key.real);
    return true;
  case T_TUPLE:
    *out = 17;
    if (!pe_t_stack (t))
      return false;
    for (size_t i = 0; i < key.list->n; i++) {
      uint64_t h;
      if (!hash (t, key.list->items[i], &h))
        return false;
      *out = *out * 31 + h;
    }
    return true;
  case T_LIST:
  case T_DICT:
  case T_VIEW: return pe_t_fail (t, "unhashable type: '%s'", pe_t_type_name (key));
  default: *out = key.kind; return true;
  }
}

/* The slot where `key` is, or would go. */
static bool
find_slot (struct teval *t, const struct tdict *dict, struct tval key, uint64_t h, size_t *out)
{
  size_t slot = (size_t) h & (dict->n_slots - 1);
  for (; dict->table[slot]; slot = (slot + 1) & (dict->n_slots - 1)) {
    bool same;
    if (!pe_t_equal (t, dict->keys[dict->table[slot] - 1], key, &same))
      return false;
    if (same)
      break;
  }
  *out = slot;
  return true;
}

bool
pe_t_dict_get (struct teval *t, const struct tdict *dict, struct tval key, struct tval **out)
{
  uint64_t h;
  size_t slot;
  *out = NULL;
  if (!hash (t, key, &h))
    return false;
  if (dict->table) {
    if (!find_slot (t, dict, key, h, &slot))
      return false;
    if (dict->table[slot])
      *out = &dict->values[dict->table[slot] - 1];
    return true;
  }
  for (size_t i = 0; i < dict->n; i++) {
    bool same;
    if (!pe_t_equal (t, dict->keys[i], key, &same))
      return false;
    if (same) {
      *out = &dict->values[i];
      return true;
    }
  }
  return true;
}

struct tval *
pe_t_dict_find (const struct tdict *dict, const char *key, size_t n)
{
  if (dict->table) {
    size_t slot = (size_t) hash_bytes (key, n) & (dict->n_slots - 1);
    for (; dict->table[slot]; slot = (slot + 1) & (dict->n_slots - 1)) {
      struct tval k = dict->keys[dict->table[slot] - 1];
      if (k.kind == T_STRING && k.string->n == n && memcmp (k.string->data, key, n) == 0)
        return &dict->values[dict->table[slot] - 1];
    }
    return NULL;
  }
  for (size_t i = 0; i < dict->n; i++) {
    struct tval k = dict->keys[i];
    if (k.kind == T_STRING && k.string->n == n && memcmp (k.string->data, key, n) == 0)
      return &dict->values[i];
  }
  return NULL;
}

static bool
grow_dict (struct teval *t, struct tdict *dict)
{
  size_t capacity = dict->capacity ? dict->capacity * 2 : 4;
  struct tval *keys = pe_t_alloc (t, capacity * sizeof *keys);
  struct tval *values = keys ? pe_t_alloc (t, capacity * sizeof *values) : NULL;
  if (!values)
    return false;
  if (dict->n) {
    memcpy (keys, dict->keys, dict->n * sizeof *keys);
    memcpy (values, dict->values, dict->n * sizeof *values);
  }
  dict->keys = keys;
  dict->values = values;
  dict->capacity = capacity;
  if (capacity <= 8)
    return true;
  dict->n_slots = capacity * 2;
  if (!(dict->table = pe_t_alloc (t, dict->n_slots * sizeof *dict->table)))
    return false;
  for (size_t i = 0; i < dict->n; i++) {
    uint64_t h;
    size_t slot;
    if (!hash (t, keys[i], &h) || !find_slot (t, dict, keys[i], h, &slot))
      return false;
    dict->table[slot] = (uint32_t) i + 1;
  }
  return true;
}

bool
pe_t_dict_set (struct teval *t, struct tdict *dict, struct tval key, struct tval value)
{
  struct tval *old;
  if (!pe_t_dict_get (t, dict, key, &old))
    return false;
  if (old) {
    *old = value;
    return true;
  }
  if (dict->n == dict->capacity && !grow_dict (t, dict))
    return false;
  if (dict->table) {
    uint64_t h;
    size_t slot;
    if (!hash (t, key, &h) || !find_slot (t, dict, key, h, &slot))
      return false;
    dict->table[slot] = (uint32_t) dict->n + 1;
  }
  dict->keys[dict->n] = key;
  dict->values[dict->n++] = value;
  return true;
}

/* ---- the context ---- */

bool
pe_t_from_json (struct teval *t, const struct pe_json *json, bool from_values, struct tval *out)
{
  if (!pe_t_stack (t) || !pe_t_spend (t, 1))
    return false;
  switch (json->kind) {
  case PE_JSON_NULL: *out = t_none (); return true;
  case PE_JSON_BOOL: *out = t_bool (json->boolean); return true;
  case PE_JSON_INT: *out = t_int (json->integer); return true;
  case PE_JSON_FLOAT:
    *out = json->is_big_integer ? (struct tval){ .kind = T_BIG } : t_float (json->real);
    return true;
  case PE_JSON_STRING: return pe_t_string (t, json->string.data, json->string.n, from_values, out);
  case PE_JSON_ARRAY:
    if (!pe_t_list_new (t, T_LIST, json->list.n, out))
      return false;
    for (size_t i = 0; i < json->list.n; i++) {
      struct tval item;
      if (!pe_t_from_json (t, &json->list.items[i], from_values, &item) ||
          !pe_t_list_add (t, out->list, item))
        return false;
    }
    return true;
  case PE_JSON_OBJECT:
    if (!pe_t_dict_new (t, T_DICT, out))
      return false;
    for (size_t i = 0; i < json->list.n; i++) {
      struct tval key, value;
      if (!pe_t_string (t, json->list.keys[i].data, json->list.keys[i].n, from_values, &key) ||
          !pe_t_from_json (t, &json->list.items[i], from_values, &value) ||
          !pe_t_dict_set (t, out->dict, key, value))
        return false;
    }
    return true;
  }
  return pe_t_fail (t, "a value of an unknown kind");
}

/* ---- what values do ---- */

const char *
pe_t_type_name (struct tval v)
{
  static const char *const names[] = {
    [T_MISSING] = "Undefined", [T_UNDEFINED] = "Undefined",
    [T_NONE] = "NoneType",     [T_BOOL] = "bool",
    [T_INT] = "int",           [T_FLOAT] = "float",
    [T_BIG] = "int",           [T_STRING] = "str",
    [T_BYTES] = "bytes",       [T_LIST] = "list",
    [T_TUPLE] = "tuple",       [T_DICT] = "dict",
    [T_VIEW] = "dict_view",    [T_RANGE] = "range",
    [T_ITER] = "generator",    [T_NAMESPACE] = "Namespace",
    [T_LOOP] = "LoopContext",  [T_MACRO] = "Macro",
    [T_METHOD] = "method",     [T_FUNCTION] = "function",
    [T_CYCLER] = "Cycler",     [T_JOINER] = "Joiner",
  };
  return names[v.kind];
}

static bool
fail_big (struct teval *t)
{
  return pe_t_fail (t, "an integer beyond 64 bits");
}

bool
pe_t_truth (struct teval *t, struct tval v, bool *out)
{
  switch (v.kind) {
  case T_MISSING:
  case T_UNDEFINED:
  case T_NONE: *out = false; return true;
  case T_BOOL: *out = v.boolean; return true;
  case T_INT: *out = v.integer != 0; return true;
  case T_FLOAT: *out = v.real != 0; return true;
  case T_STRING:
  case T_BYTES: *out = v.string->n != 0; return true;
  case T_LIST:
  case T_TUPLE: *out = v.list->n != 0; return true;
  case T_DICT: *out = v.dict->n != 0; return true;
  case T_VIEW: *out = v.view->dict->n != 0; return true;
  case T_RANGE: *out = v.range->n != 0; return true;
  case T_LOOP: {
    size_t n;
    *out = false;
    if (!pe_t_length (t, v, &n))
      return false;
    *out = n != 0;
    return true;
  }
  default: *out = true; return true;
  }
}

static int
compare_int_to_float (int64_t i, double d)
{
  if (d >= 9223372036854775808.0)
    return -1;
  if (d < -9223372036854775808.0)
    return 1;
  int64_t whole = (int64_t) d;
  if (i != whole)
    return i < whole ? -1 : 1;
  double rest = d - (double) whole;
  return rest > 0 ? -1 : rest < 0;
}

/* Neither is NaN. */
static int
compare_numbers (struct tval a, struct tval b)
{
  if (a.kind == T_FLOAT && b.kind == T_FLOAT)
    return a.real < b.real ? -1 : a.real > b.real;
  if (a.kind == T_FLOAT)
    return -compare_int_to_float (t_integer (b), a.real);
  if (b.kind == T_FLOAT)
    return compare_int_to_float (t_integer (a), b.real);
  return t_integer (a) < t_integer (b) ? -1 : t_integer (a) > t_integer (b);
}

static bool
is_nan (struct tval v)
{
  return v.kind == T_FLOAT && isnan (v.real);
}

static bool
equal_lists (struct teval *t, const struct tlist *a, const struct tlist *b, bool *out)
{
  *out = a->n == b->n;
  for (size_t i = 0; *out && i < a->n; i++)
    if (!pe_t_equal (t, a->items[i], b->items[i], out))
      return false;
  return true;
}

static bool
equal_dicts (struct teval *t, const struct tdict *a, const struct tdict *b, bool *out)
{
  *out = a->n == b->n;
  for (size_t i = 0; *out && i < a->n; i++) {
    struct tval *other;
    if (!pe_t_dict_get (t, b, a->keys[i], &other))
      return false;
    *out = other != NULL;
    if (other && !pe_t_equal (t, a->values[i], *other, out))
      return false;
  }
  return true;
}

bool
pe_t_equal (struct teval *t, struct tval a, struct tval b, bool *out)
{
  if (!pe_t_spend (t, 1))
    return false;
  if (a.kind == T_BIG || b.kind == T_BIG)
    return fail_big (t);
  if (t_is_number (a) && t_is_number (b)) {
    *out = !is_nan (a) && !is_nan (b) && compare_numbers (a, b) == 0;
    return true;
  }
  if (a.kind != b.kind) {
    *out = false;
    return true;
  }
  if (!pe_t_stack (t))
    return false;
  switch (a.kind) {
  case T_UNDEFINED:
  case T_NONE: *out = true; return true;
  case T_STRING:
  case T_BYTES:
    *out = a.string->n == b.string->n &&
           (a.string == b.string || memcmp (a.string->data, b.string->data, a.string->n) == 0);
    return pe_t_spend (t, *out ? a.string->n / 512 : 0);
  case T_LIST:
  case T_TUPLE:
    if (a.list == b.list) {
      *out = true;
      return true;
    }
    return equal_lists (t, a.list, b.list, out);
  case T_DICT: return equal_dicts (t, a.dict, b.dict, out);
  case T_RANGE:
    *out = a.range->n == b.range->n &&
           (a.range->n == 0 || (a.range->start == b.range->start &&
                                (a.range->n == 1 || a.range->step == b.range->step)));
    return true;
  case T_VIEW: *out = a.view->dict == b.view->dict && a.view->what == b.view->what; return true;
  default: *out = a.list == b.list; return true; /* the same object */
  }
}

static int
compare_strings (const struct tstr *a, const struct tstr *b)
{
  size_t n = a->n < b->n ? a->n : b->n;
  int order = n ? memcmp (a->data, b->data, n) : 0; /* UTF-8 keeps the order of code points */
  return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

bool
pe_t_order (struct teval *t, struct tval a, struct tval b, const char *op, int *out)
{
  if (!pe_t_spend (t, 1) || !pe_t_stack (t))
    return false;
  if (a.kind == T_UNDEFINED || b.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, a.kind == T_UNDEFINED ? a : b);
  if (a.kind == T_BIG || b.kind == T_BIG)
    return fail_big (t);
  if (t_is_number (a) && t_is_number (b)) {
    *out = is_nan (a) || is_nan (b) ? 2 : compare_numbers (a, b);
    return true;
  }
  if (a.kind == T_STRING && b.kind == T_STRING) {
    *out = compare_strings (a.string, b.string);
    *out = *out < 0 ? -1 : *out > 0;
    return true;
  }
  if (a.kind == b.kind && (a.kind == T_LIST || a.kind == T_TUPLE)) {
    for (size_t i = 0; i < a.list->n && i < b.list->n; i++) {
      bool same;
      if (!pe_t_equal (t, a.list->items[i], b.list->items[i], &same))
        return false;
      if (!same)
        return pe_t_order (t, a.list->items[i], b.list->items[i], op, out);
    }
    *out = a.list->n < b.list->n ? -1 : a.list->n > b.list->n;
    return true;
  }
  return pe_t_fail (t, "'%s' not supported between instances of '%s' and '%s'", op,
                    pe_t_type_name (a), pe_t_type_name (b));
}

bool
pe_t_length (struct teval *t, struct tval v, size_t *out)
{
  switch (v.kind) {
  case T_UNDEFINED: *out = 0; return true;
  case T_STRING: *out = v.string->n_chars; return true;
  case T_BYTES: *out = v.string->n; return true;
  case T_LIST:
  case T_TUPLE: *out = v.list->n; return true;
  case T_DICT: *out = v.dict->n; return true;
  case T_VIEW: *out = v.view->dict->n; return true;
  case T_RANGE: *out = v.range->n; return true;
  case T_LOOP: return pe_t_loop_length (t, v.loop, out);
  default: return pe_t_fail (t, "object of type '%s' has no len()", pe_t_type_name (v));
  }
}

bool
pe_t_iterate (struct teval *t, struct tval v, struct tlist *out)
{
  struct tval list;
  memset (out, 0, sizeof *out);
  switch (v.kind) {
  case T_UNDEFINED: return true;
  case T_LIST:
  case T_TUPLE:
    *out = *v.list;
    out->capacity = out->n; /* what is added goes elsewhere */
    return true;
  case T_ITER:
    out->items = v.iter->list->items + v.iter->position;
    out->n = out->capacity = v.iter->list->n - v.iter->position;
    v.iter->position = v.iter->list->n;
    return true;
  case T_STRING:
    if (!pe_t_list_new (t, T_LIST, v.string->n_chars, &list))
      return false;
    for (size_t i = 0; i < v.string->n;) {
      uint32_t c;
      unsigned length = pe_t_char_at (v.string, i, &c);
      struct tval item;
      if (!pe_t_string (t, v.string->data + i, length, pe_t_origin (v.string, i), &item) ||
          !pe_t_list_add (t, list.list, item))
        return false;
      i += length;
    }
    break;
  case T_DICT:
    out->items = v.dict->keys;
    out->n = out->capacity = v.dict->n;
    return true;
  case T_VIEW:
    if (v.view->what != VIEW_ITEMS) {
      out->items = v.view->what == VIEW_KEYS ? v.view->dict->keys : v.view->dict->values;
      out->n = out->capacity = v.view->dict->n;
      return true;
    }
    if (!pe_t_list_new (t, T_LIST, v.view->dict->n, &list))
      return false;
    for (size_t i = 0; i < v.view->dict->n; i++) {
      struct tval item;
      if (!pe_t_pair (t, v.view->dict->keys[i], v.view->dict->values[i], &item) ||
          !pe_t_list_add (t, list.list, item))
        return false;
    }
    break;
  case T_RANGE:
    if (!pe_t_list_new (t, T_LIST, v.range->n, &list))
      return false;
    for (size_t i = 0; i < v.range->n; i++)
      if (!pe_t_list_add (t, list.list, t_int (v.range->start + (int64_t) i * v.range->step)))
        return false;
    break;
  default: return pe_t_fail (t, "'%s' object is not iterable", pe_t_type_name (v));
  }
  *out = *list.list;
  return true;
}

static size_t
find_bytes (const struct tstr *in, const struct tstr *what)
{
  const char *found = memmem (in->data, in->n, what->data, what->n);
  return found ? (size_t) (found - in->data) : SIZE_MAX;
}

bool
pe_t_contains (struct teval *t, struct tval in, struct tval v, bool *out)
{
  *out = false;
  if (in.kind == T_STRING) {
    if (v.kind == T_UNDEFINED)
      return pe_t_use_undefined (t, v);
    if (v.kind != T_STRING)
      return pe_t_fail (t, "'in <string>' requires string as left operand, not %s",
                        pe_t_type_name (v));
    *out = find_bytes (in.string, v.string) != SIZE_MAX;
    return pe_t_spend (t, in.string->n / 512);
  }
  if (in.kind == T_DICT || (in.kind == T_VIEW && in.view->what == VIEW_KEYS)) {
    struct tval *found;
    if (!pe_t_dict_get (t, in.kind == T_DICT ? in.dict : in.view->dict, v, &found))
      return false;
    *out = found != NULL;
    return true;
  }
  struct tlist items;
  if (in.kind == T_NONE || t_is_number (in) || in.kind == T_NAMESPACE)
    return pe_t_fail (t, "argument of type '%s' is not iterable", pe_t_type_name (in));
  if (!pe_t_iterate (t, in, &items))
    return false;
  for (size_t i = 0; i < items.n && !*out; i++)
    if (!pe_t_equal (t, items.items[i], v, out))
      return false;
  return true;
}
