/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the template language knows by name: attributes and methods, filters, tests, functions.
 * Internal to the interpreter.
 */
#pragma once

#include "engine/text/template-value.h"

/* ---- attributes: undefined where there is none; fails only for attributes of undefined ---- */

bool pe_t_attr (struct teval *t, struct tval object, const char *name, size_t n, struct tval *out);
bool pe_t_item (struct teval *t, struct tval object, struct tval key, struct tval *out);
/* Any part may be none. Fails for what cannot be sliced. */
bool pe_t_slice (struct teval *t, struct tval object, const struct tval parts[3], struct tval *out);

/* ---- operators; `op` is an enum token_kind ---- */

bool pe_t_binary (struct teval *t, int op, struct tval a, struct tval b, struct tval *out);
bool pe_t_negate (struct teval *t, struct tval v, bool negative, struct tval *out);

/* ---- methods ---- */

typedef bool (*tmethod_fn) (struct teval *t, struct tval self, const struct targs *args,
                            struct tval *out);

struct tmethod {
  struct tval self;
  const char *name;
  tmethod_fn fn;
};

/* NULL when values of this type have no such method, or one that a template may not use (it
 * changes its object, or reaches behind it); *forbidden tells these apart. */
tmethod_fn pe_t_method (struct tval self, const char *name, size_t n, bool *forbidden);
tmethod_fn pe_t_string_method (const char *name, size_t n);

/* ---- filters, tests, functions ---- */

bool pe_t_filter_exists (const char *name, size_t n);
bool pe_t_filter (struct teval *t, const char *name, size_t n, struct tval value,
                  const struct targs *args, struct tval *out);
bool pe_t_test_exists (const char *name, size_t n);
bool pe_t_test (struct teval *t, const char *name, size_t n, struct tval value,
                const struct targs *args, bool *out);

struct tfunction {
  const char *name;
  bool (*fn) (struct teval *t, const struct targs *args, struct tval *out);
};

const struct tfunction *pe_t_function (const char *name, size_t n);

/* Calls anything. */
bool pe_t_call (struct teval *t, struct tval callee, const struct targs *args, struct tval *out);

/* ---- arguments ---- */

/* Sorts arguments by the parameters `names` ("a,b,c"), the first `n_required` of which must be
 * there; those not given are T_MISSING. `what` is for the message. */
#define PE_T_MAX_PARAMETERS 6
bool pe_t_bind (struct teval *t, const char *what, const struct targs *args, const char *names,
                size_t n_required, struct tval out[PE_T_MAX_PARAMETERS]);
bool pe_t_bool_arg (struct teval *t, struct tval v, bool otherwise, bool *out);
bool pe_t_int_arg (struct teval *t, struct tval v, int64_t otherwise, int64_t *out);

/* ---- text ---- */

bool pe_t_tojson (struct teval *t, struct tval value, const struct targs *args, struct tval *out);
bool pe_t_percent (struct teval *t, struct tval format, struct tval args, struct tval *out);
bool pe_t_format (struct teval *t, struct tval format, const struct targs *args,
                  const struct tdict *mapping, struct tval *out);
bool pe_t_strftime (struct teval *t, struct tval format, struct tval *out);
enum { PE_T_UPPER, PE_T_LOWER, PE_T_FOLD, PE_T_TITLE, PE_T_CAPITALIZE, PE_T_SWAP };
bool pe_t_convert_case (struct teval *t, struct tval string, int to, struct tval *out);
bool pe_t_escape (struct teval *t, struct tval v, struct tval *out); /* HTML; gives markup */
bool pe_t_replace (struct teval *t, struct tval s, struct tval from, struct tval to, int64_t count,
                   struct tval *out);
bool pe_t_strip (struct teval *t, struct tval s, struct tval chars, bool left, bool right,
                 struct tval *out);
bool pe_t_splitlines (struct teval *t, struct tval s, bool keep_ends, struct tval *out);
bool pe_t_pad (struct teval *t, struct tval s, int64_t left, int64_t right, struct tval fill,
               struct tval *out);
/* Byte offset of `what` in s[begin, end), or SIZE_MAX. */
size_t pe_t_find (const struct tstr *s, size_t begin, size_t end, const struct tstr *what);
size_t pe_t_find_last (const struct tstr *s, size_t begin, size_t end, const struct tstr *what);
/* Adds a part of a string to a list. */
bool pe_t_add_part (struct teval *t, struct tval string, size_t begin, size_t end,
                    struct tlist *list);
bool pe_t_parse_int (const char *text, size_t n, int base, int64_t *out, bool *too_big);
bool pe_t_round (double value, int64_t digits, double *out);
