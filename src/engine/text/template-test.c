/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tests behind "is", and arguments of everything that is called.
 */
#include "engine/text/template-names.h"

#include <math.h>
#include <string.h>

/* ---- arguments ---- */

static bool
next_parameter (const char **names, const char **name, size_t *n)
{
  if (!**names)
    return false;
  *name = *names;
  *n = strcspn (*names, ",");
  *names += *n + ((*names)[*n] == ',');
  return true;
}

bool
pe_t_bind (struct teval *t, const char *what, const struct targs *args, const char *names,
           size_t n_required, struct tval out[PE_T_MAX_PARAMETERS])
{
  const char *name;
  size_t n, count = 0, used = 0;
  while (next_parameter (&names, &name, &n)) {
    out[count] = (struct tval){ .kind = T_MISSING };
    if (count < args->n)
      out[count] = args->values[count];
    for (size_t i = 0; i < args->n_keywords; i++) {
      const struct tkeyword *keyword = &args->keywords[i];
      if (keyword->n != n || memcmp (keyword->name, name, n) != 0)
        continue;
      if (count < args->n)
        return pe_t_fail (t, "%s() got two values for '%.*s'", what, (int) n, name);
      out[count] = keyword->value;
      used++;
    }
    if (count < n_required && out[count].kind == T_MISSING)
      return pe_t_fail (t, "%s() needs an argument '%.*s'", what, (int) n, name);
    count++;
  }
  if (args->n > count)
    return pe_t_fail (t, "%s() takes at most %zu arguments, %zu were given", what, count, args->n);
  if (used < args->n_keywords)
    return pe_t_fail (t, "%s() got an unexpected named argument", what);
  return true;
}

bool
pe_t_bool_arg (struct teval *t, struct tval v, bool otherwise, bool *out)
{
  *out = otherwise;
  return v.kind == T_MISSING || pe_t_truth (t, v, out);
}

bool
pe_t_int_arg (struct teval *t, struct tval v, int64_t otherwise, int64_t *out)
{
  *out = otherwise;
  if (v.kind == T_MISSING)
    return true;
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (!t_is_integer (v))
    return pe_t_fail (t, "'%s' object cannot be interpreted as an integer", pe_t_type_name (v));
  *out = t_integer (v);
  return true;
}

/* ---- tests ---- */

enum test_kind {
  TEST_BOOLEAN,
  TEST_CALLABLE,
  TEST_DEFINED,
  TEST_DIVISIBLE,
  TEST_EQ,
  TEST_ESCAPED,
  TEST_EVEN,
  TEST_FALSE,
  TEST_FILTER,
  TEST_FLOAT,
  TEST_GE,
  TEST_GT,
  TEST_IN,
  TEST_INTEGER,
  TEST_ITERABLE,
  TEST_LE,
  TEST_LOWER,
  TEST_LT,
  TEST_MAPPING,
  TEST_NE,
  TEST_NONE,
  TEST_NUMBER,
  TEST_ODD,
  TEST_SAMEAS,
  TEST_SEQUENCE,
  TEST_STRING,
  TEST_TEST,
  TEST_TRUE,
  TEST_UNDEFINED,
  TEST_UPPER,
};

static const struct {
  const char *name;
  enum test_kind kind;
  unsigned n_args;
} tests[] = {
  { "!=", TEST_NE, 1 },
  { "<", TEST_LT, 1 },
  { "<=", TEST_LE, 1 },
  { "==", TEST_EQ, 1 },
  { ">", TEST_GT, 1 },
  { ">=", TEST_GE, 1 },
  { "boolean", TEST_BOOLEAN, 0 },
  { "callable", TEST_CALLABLE, 0 },
  { "defined", TEST_DEFINED, 0 },
  { "divisibleby", TEST_DIVISIBLE, 1 },
  { "eq", TEST_EQ, 1 },
  { "equalto", TEST_EQ, 1 },
  { "escaped", TEST_ESCAPED, 0 },
  { "even", TEST_EVEN, 0 },
  { "false", TEST_FALSE, 0 },
  { "filter", TEST_FILTER, 0 },
  { "float", TEST_FLOAT, 0 },
  { "ge", TEST_GE, 1 },
  { "greaterthan", TEST_GT, 1 },
  { "gt", TEST_GT, 1 },
  { "in", TEST_IN, 1 },
  { "integer", TEST_INTEGER, 0 },
  { "iterable", TEST_ITERABLE, 0 },
  { "le", TEST_LE, 1 },
  { "lessthan", TEST_LT, 1 },
  { "lower", TEST_LOWER, 0 },
  { "lt", TEST_LT, 1 },
  { "mapping", TEST_MAPPING, 0 },
  { "ne", TEST_NE, 1 },
  { "none", TEST_NONE, 0 },
  { "number", TEST_NUMBER, 0 },
  { "odd", TEST_ODD, 0 },
  { "sameas", TEST_SAMEAS, 1 },
  { "sequence", TEST_SEQUENCE, 0 },
  { "string", TEST_STRING, 0 },
  { "test", TEST_TEST, 0 },
  { "true", TEST_TRUE, 0 },
  { "undefined", TEST_UNDEFINED, 0 },
  { "upper", TEST_UPPER, 0 },
};

static int
find_test (const char *name, size_t n)
{
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
    if (strlen (tests[i].name) == n && memcmp (tests[i].name, name, n) == 0)
      return (int) i;
  return -1;
}

bool
pe_t_test_exists (const char *name, size_t n)
{
  return find_test (name, n) >= 0;
}

static bool
test_remainder (struct teval *t, struct tval v, struct tval by, int64_t wanted, bool *out)
{
  /* The numbers of TOKEN_MOD are not needed here: only numbers have remainders. */
  if (v.kind == T_UNDEFINED || by.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v.kind == T_UNDEFINED ? v : by);
  if (!t_is_number (v) || !t_is_number (by))
    return pe_t_fail (t, "unsupported operand type(s) for %%: '%s' and '%s'", pe_t_type_name (v),
                      pe_t_type_name (by));
  if (t_real (by) == 0)
    return pe_t_fail (t, "integer modulo by zero");
  if (v.kind == T_FLOAT || by.kind == T_FLOAT) {
    double r = fmod (t_real (v), t_real (by));
    *out = (r < 0 ? r + fabs (t_real (by)) : r) == (double) wanted;
  } else {
    int64_t d = t_integer (by), r = d == -1 ? 0 : t_integer (v) % d;
    *out = (r < 0 ? r + (d < 0 ? -d : d) : r) == wanted;
  }
  return true;
}

static bool
test_order (struct teval *t, enum test_kind kind, struct tval a, struct tval b, bool *out)
{
  static const char *const names[] = {
    [TEST_GE] = ">=", [TEST_GT] = ">", [TEST_LE] = "<=", [TEST_LT] = "<"
  };
  int c;
  if (!pe_t_order (t, a, b, names[kind], &c))
    return false;
  *out = kind == TEST_GE   ? c == 0 || c == 1
         : kind == TEST_GT ? c == 1
         : kind == TEST_LE ? c <= 0
                           : c < 0;
  return true;
}

static bool
test_case (struct teval *t, struct tval v, const char *method, bool *out)
{
  struct tval text, answer;
  struct targs none = { 0 };
  if (!pe_t_to_string (t, v, &text) ||
      !pe_t_string_method (method, strlen (method)) (t, text, &none, &answer))
    return false;
  *out = answer.boolean;
  return true;
}

static bool
is_iterable (struct tval v)
{
  return v.kind == T_UNDEFINED || v.kind == T_STRING || v.kind == T_BYTES || v.kind == T_LIST ||
         v.kind == T_TUPLE || v.kind == T_DICT || v.kind == T_VIEW || v.kind == T_RANGE ||
         v.kind == T_ITER || v.kind == T_LOOP;
}

bool
pe_t_test (struct teval *t, const char *name, size_t n, struct tval v, const struct targs *args,
           bool *out)
{
  int at = find_test (name, n);
  struct tval a[PE_T_MAX_PARAMETERS];
  if (at < 0)
    return pe_t_fail (t, "no test named '%.*s'", n > 60 ? 60 : (int) n, name);
  enum test_kind kind = tests[at].kind;
  if (!pe_t_bind (t, tests[at].name, args, tests[at].n_args ? "other" : "", tests[at].n_args, a))
    return false;
  switch (kind) {
  case TEST_BOOLEAN: *out = v.kind == T_BOOL; return true;
  case TEST_CALLABLE: *out = t_is_callable (v); return true;
  case TEST_DEFINED: *out = v.kind != T_UNDEFINED; return true;
  case TEST_UNDEFINED: *out = v.kind == T_UNDEFINED; return true;
  case TEST_DIVISIBLE: return test_remainder (t, v, a[0], 0, out);
  case TEST_EVEN: return test_remainder (t, v, t_int (2), 0, out);
  case TEST_ODD: return test_remainder (t, v, t_int (2), 1, out);
  case TEST_EQ: return pe_t_equal (t, v, a[0], out);
  case TEST_NE:
    if (!pe_t_equal (t, v, a[0], out))
      return false;
    *out = !*out;
    return true;
  case TEST_GE:
  case TEST_GT:
  case TEST_LE:
  case TEST_LT: return test_order (t, kind, v, a[0], out);
  case TEST_IN: return pe_t_contains (t, a[0], v, out);
  case TEST_ESCAPED: *out = v.kind == T_STRING && v.is_markup; return true;
  case TEST_FALSE: *out = v.kind == T_BOOL && !v.boolean; return true;
  case TEST_TRUE: *out = v.kind == T_BOOL && v.boolean; return true;
  case TEST_NONE: *out = v.kind == T_NONE; return true;
  case TEST_FLOAT: *out = v.kind == T_FLOAT; return true;
  case TEST_INTEGER: *out = v.kind == T_INT || v.kind == T_BIG; return true;
  case TEST_NUMBER: *out = t_is_number (v) || v.kind == T_BIG; return true;
  case TEST_STRING: *out = v.kind == T_STRING; return true;
  case TEST_MAPPING: *out = v.kind == T_DICT; return true;
  case TEST_ITERABLE: *out = is_iterable (v); return true;
  case TEST_SEQUENCE:
    *out = is_iterable (v) && v.kind != T_ITER && v.kind != T_VIEW && v.kind != T_LOOP;
    return true;
  case TEST_SAMEAS:
    if (v.kind == T_STRING || t_is_number (v))
      return v.kind == a[0].kind ? pe_t_equal (t, v, a[0], out) : (*out = false, true);
    *out =
        v.kind == a[0].kind && (v.kind == T_NONE || v.kind == T_UNDEFINED || v.list == a[0].list);
    return true;
  case TEST_FILTER:
    *out = v.kind == T_STRING && pe_t_filter_exists (v.string->data, v.string->n);
    return true;
  case TEST_TEST:
    *out = v.kind == T_STRING && pe_t_test_exists (v.string->data, v.string->n);
    return true;
  case TEST_LOWER: return test_case (t, v, "islower", out);
  case TEST_UPPER: return test_case (t, v, "isupper", out);
  }
  return false;
}
