/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values of the template language, which are Python's: what they are, and how they are compared,
 * ordered, hashed and iterated. Everything lives in the arena of one rendering and is freed as a
 * whole. Strings know which of their bytes came out of the context. Internal to the interpreter;
 * one rendering belongs to one thread.
 */
#pragma once

#include "base/alloc.h"
#include "base/error.h"
#include "engine/text/template.h"

#include <stdint.h>

enum tkind {
  T_MISSING,   /* an argument that was not given; never a value of the language */
  T_UNDEFINED, /* why */
  T_NONE,
  T_BOOL,
  T_INT,
  T_FLOAT,
  T_BIG, /* an integer of the context beyond 64 bits: may be passed on, not used */
  T_STRING,
  T_BYTES, /* string */
  T_LIST,
  T_TUPLE, /* list */
  T_DICT,
  T_VIEW, /* dict.keys(), .values(), .items() */
  T_RANGE,
  T_ITER,      /* what map(), select() ... give: can be walked once */
  T_NAMESPACE, /* dict */
  T_LOOP,
  T_MACRO,
  T_METHOD,   /* a method with its object */
  T_FUNCTION, /* a global function */
  T_CYCLER,
  T_JOINER, /* cycler */
};

struct tval {
  uint8_t kind;
  bool is_markup; /* strings: |safe and |escape made it */
  bool is_group;  /* tuples: groupby() made it, its parts have names */
  union {
    const char *why; /* "'x' is undefined"; what using it says */
    bool boolean;
    int64_t integer;
    double real;
    const struct tstr *string;
    struct tlist *list;
    struct tdict *dict;
    struct tview *view;
    struct trange *range;
    struct titer *iter;
    struct tloop *loop;
    struct tmacro *macro;
    struct tmethod *method;
    const struct tfunction *function;
    struct tcycler *cycler;
  };
};

/* Bytes up to `end` (from the end of the run before). */
struct trun {
  size_t end;
  bool from_values;
};

struct tstr {
  const char *data; /* UTF-8, any bytes; zero-terminated */
  size_t n, n_chars;
  bool from_values; /* when n_runs is 0: all of it */
  const struct trun *runs;
  size_t n_runs;
};

struct tlist {
  struct tval *items;
  size_t n, capacity;
};

struct tdict {
  struct tval *keys, *values; /* in order of insertion */
  size_t n, capacity;
  uint32_t *table; /* position + 1 by hash, or 0; NULL while small */
  size_t n_slots;
};

struct tview {
  const struct tdict *dict;
  enum { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS } what;
};

struct trange {
  int64_t start, stop, step;
  size_t n;
};

struct titer {
  struct tlist *list;
  size_t position;
  bool is_reversed; /* of a list; only for what it prints as */
};

struct tcycler {
  struct tval *items; /* joiner: the separator alone */
  size_t n, position;
};

struct targs {
  const struct tval *values;
  size_t n;
  struct tkeyword *keywords;
  size_t n_keywords;
};

struct tkeyword {
  const char *name;
  size_t n;
  struct tval value;
};

/* One rendering. */
struct teval {
  struct pe_arena arena;
  const struct pe_template *tmpl;
  const struct pe_json *context;
  struct tscope *globals; /* names of the context, converted when they are first used */
  struct pe_template_limits limits;
  struct pe_error *error;
  const struct tm *now;
  struct tbuilder *out;
  uint64_t steps, next_clock;
  int64_t deadline;  /* thread CPU time, ns */
  uint32_t depth;    /* macro calls */
  uint32_t offset;   /* in the template, for messages */
  const char *stack; /* where the C stack was at the start */
};

/* ---- limits and failures: all return false ---- */

bool pe_t_fail (struct teval *t, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
bool pe_t_limit (struct teval *t, const char *what);
/* Counts `n` steps; false when steps or time are used up. */
bool pe_t_spend (struct teval *t, uint64_t n);
/* False when the C stack is deeper than any sane template needs. */
bool pe_t_stack (struct teval *t);
#define PE_T_STACK_BYTES ((ptrdiff_t) 1 << 20)
void *pe_t_alloc (struct teval *t, size_t n); /* zero-filled; NULL: reported */
bool pe_t_use_undefined (struct teval *t, struct tval v);

/* ---- making values ---- */

static inline struct tval
t_none (void)
{
  return (struct tval){ .kind = T_NONE };
}

static inline struct tval
t_bool (bool b)
{
  return (struct tval){ .kind = T_BOOL, .boolean = b };
}

static inline struct tval
t_int (int64_t i)
{
  return (struct tval){ .kind = T_INT, .integer = i };
}

static inline struct tval
t_float (double d)
{
  return (struct tval){ .kind = T_FLOAT, .real = d };
}

static inline struct tval
t_undefined (const char *why)
{
  return (struct tval){ .kind = T_UNDEFINED, .why = why };
}

static inline bool
t_is_number (struct tval v)
{
  return v.kind == T_BOOL || v.kind == T_INT || v.kind == T_FLOAT;
}

/* Booleans are integers. */
static inline bool
t_is_integer (struct tval v)
{
  return v.kind == T_BOOL || v.kind == T_INT;
}

static inline int64_t
t_integer (struct tval v)
{
  return v.kind == T_BOOL ? v.boolean : v.integer;
}

static inline double
t_real (struct tval v)
{
  return v.kind == T_FLOAT ? v.real : (double) t_integer (v);
}

extern const struct tstr pe_t_empty;

static inline struct tval
t_empty_string (void)
{
  return (struct tval){ .kind = T_STRING, .string = &pe_t_empty };
}

/* Copies the bytes. */
bool pe_t_string (struct teval *t, const char *data, size_t n, bool from_values, struct tval *out);
bool pe_t_text (struct teval *t, const char *text, struct tval *out); /* the program's own */
/* Bytes [begin, end) of a string, sharing them. */
bool pe_t_substring (struct teval *t, struct tval string, size_t begin, size_t end,
                     struct tval *out);
bool pe_t_list_new (struct teval *t, uint8_t kind, size_t capacity, struct tval *out);
bool pe_t_list_add (struct teval *t, struct tlist *list, struct tval v);
bool pe_t_pair (struct teval *t, struct tval a, struct tval b, struct tval *out);
bool pe_t_iter_new (struct teval *t, struct tlist *list, struct tval *out);
bool pe_t_dict_new (struct teval *t, uint8_t kind, struct tval *out);
bool pe_t_dict_set (struct teval *t, struct tdict *dict, struct tval key, struct tval value);
/* *out is NULL when there is no such key; fails for keys that cannot be hashed. */
bool pe_t_dict_get (struct teval *t, const struct tdict *dict, struct tval key, struct tval **out);
struct tval *pe_t_dict_find (const struct tdict *dict, const char *key, size_t n);
bool pe_t_from_json (struct teval *t, const struct pe_json *json, bool from_values,
                     struct tval *out);

/* ---- strings that grow ---- */

struct tbuilder {
  struct teval *t;
  char *data;
  size_t n, capacity;
  struct trun *runs;
  size_t n_runs, runs_capacity;
  size_t max; /* bytes; 0: only the memory limits it */
};

bool pe_t_put (struct tbuilder *b, const char *data, size_t n, bool from_values);
bool pe_t_put_text (struct tbuilder *b, const char *text);
bool pe_t_put_string (struct tbuilder *b, const struct tstr *s);
bool pe_t_put_slice (struct tbuilder *b, const struct tstr *s, size_t begin, size_t end);
bool pe_t_put_char (struct tbuilder *b, uint32_t c, bool from_values);
bool pe_t_finish (struct tbuilder *b, struct tval *out); /* the bytes become the string's */

/* Whether byte `i` of a string came from the context. */
bool pe_t_origin (const struct tstr *s, size_t i);
bool pe_t_any_from_values (const struct tstr *s);
/* Byte offset of character `i` (0 ... n_chars). */
size_t pe_t_char_offset (const struct tstr *s, size_t i);
/* The character at a byte offset below n, and its length; bytes that are no UTF-8 count as one
 * character each. */
unsigned pe_t_char_at (const struct tstr *s, size_t offset, uint32_t *c);

/* ---- what values do ---- */

const char *pe_t_type_name (struct tval v); /* as Python calls it */
bool pe_t_truth (struct teval *t, struct tval v, bool *out);
bool pe_t_equal (struct teval *t, struct tval a, struct tval b, bool *out);
/* *out < 0, 0, > 0; fails for values without an order, saying `op`. */
bool pe_t_order (struct teval *t, struct tval a, struct tval b, const char *op, int *out);
bool pe_t_length (struct teval *t, struct tval v, size_t *out);
bool pe_t_loop_length (struct teval *t, struct tloop *loop, size_t *out); /* template-eval.c */
bool pe_t_loop_attr (struct teval *t, struct tloop *loop, const char *name, size_t n,
                     struct tval *out); /* T_MISSING: there is no such attribute */
bool pe_t_macro_attr (struct teval *t, const struct tmacro *macro, const char *name, size_t n,
                      struct tval *out);
const char *pe_t_macro_name (const struct tmacro *macro);
/* The items as a list; walks an iterator to its end. A list's own items are shared. */
bool pe_t_iterate (struct teval *t, struct tval v, struct tlist *out);
bool pe_t_contains (struct teval *t, struct tval in, struct tval v, bool *out);
bool pe_t_to_string (struct teval *t, struct tval v, struct tval *out); /* str() */
bool pe_t_put_str (struct tbuilder *b, struct tval v);                  /* str() */
bool pe_t_put_repr (struct tbuilder *b, struct tval v);                 /* repr() */

static inline bool
t_is_callable (struct tval v)
{
  return v.kind == T_MACRO || v.kind == T_METHOD || v.kind == T_FUNCTION || v.kind == T_LOOP ||
         v.kind == T_UNDEFINED || v.kind == T_JOINER;
}
