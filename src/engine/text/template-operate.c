/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operators, attributes, items and slices.
 */
#include "engine/text/template-ast.h"
#include "engine/text/template-names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers ---- */

static bool
fail_operands (struct teval *t, const char *op, struct tval a, struct tval b)
{
  return pe_t_fail (t, "unsupported operand type(s) for %s: '%s' and '%s'", op, pe_t_type_name (a),
                    pe_t_type_name (b));
}

static bool
fail_range (struct teval *t)
{
  return pe_t_limit (t, "an integer beyond 64 bits");
}

static int64_t
floor_div (int64_t a, int64_t b)
{
  int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static double
float_mod (double a, double b)
{
  double r = fmod (a, b);
  if (r == 0)
    return copysign (0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

static bool
int_power (struct teval *t, int64_t base, int64_t exponent, struct tval *out)
{
  if (exponent < 0) {
    if (base == 0)
      return pe_t_fail (t, "0.0 cannot be raised to a negative power");
    *out = t_float (pow ((double) base, (double) exponent));
    return true;
  }
  int64_t result = 1;
  if (base == 0 || base == 1 || base == -1) {
    *out = t_int (exponent == 0 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : base);
    return true;
  }
  for (; exponent > 0; exponent--) /* at most 63 rounds, then it overflows */
    if (__builtin_mul_overflow (result, base, &result))
      return fail_range (t);
  *out = t_int (result);
  return true;
}

static bool
int_binary (struct teval *t, int op, int64_t a, int64_t b, struct tval *out)
{
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
  case TOKEN_ADD: overflow = __builtin_add_overflow (a, b, &result); break;
  case TOKEN_SUB: overflow = __builtin_sub_overflow (a, b, &result); break;
  case TOKEN_MUL: overflow = __builtin_mul_overflow (a, b, &result); break;
  case TOKEN_POW: return int_power (t, a, b, out);
  default:
    if (b == 0)
      return pe_t_fail (t, op == TOKEN_DIV ? "division by zero" : "integer modulo by zero");
    if (op == TOKEN_DIV) {
      *out = t_float ((double) a / (double) b);
      return true;
    }
    if (b == -1)
      overflow = op == TOKEN_FLOORDIV && __builtin_sub_overflow ((int64_t) 0, a, &result);
    else
      result = op == TOKEN_FLOORDIV ? floor_div (a, b) : a - floor_div (a, b) * b;
  }
  if (overflow)
    return fail_range (t);
  *out = t_int (result);
  return true;
}

static bool
float_binary (struct teval *t, int op, double a, double b, struct tval *out)
{
  switch (op) {
  case TOKEN_ADD: *out = t_float (a + b); return true;
  case TOKEN_SUB: *out = t_float (a - b); return true;
  case TOKEN_MUL: *out = t_float (a * b); return true;
  case TOKEN_POW: {
    if (a == 0 && b < 0)
      return pe_t_fail (t, "0.0 cannot be raised to a negative power");
    if (a < 0 && b != floor (b) && isfinite (b))
      return pe_t_fail (t, "complex numbers are not supported");
    double result = pow (a, b);
    if (isinf (result) && isfinite (a) && isfinite (b))
      return pe_t_fail (t, "numerical result out of range");
    *out = t_float (result);
    return true;
  }
  default:
    if (b == 0)
      return pe_t_fail (t, op == TOKEN_DIV ? "float division by zero" : "float modulo by zero");
    if (op == TOKEN_MOD)
      *out = t_float (float_mod (a, b));
    else
      *out = t_float (op == TOKEN_DIV ? a / b : floor ((a - float_mod (a, b)) / b + 0.5));
    return true;
  }
}

bool
pe_t_negate (struct teval *t, struct tval v, bool negative, struct tval *out)
{
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (v.kind == T_FLOAT) {
    *out = t_float (negative ? -v.real : v.real);
    return true;
  }
  if (!t_is_integer (v))
    return pe_t_fail (t, "bad operand type for unary %c: '%s'", negative ? '-' : '+',
                      pe_t_type_name (v));
  int64_t result = t_integer (v);
  if (negative && __builtin_sub_overflow ((int64_t) 0, result, &result))
    return fail_range (t);
  *out = t_int (result);
  return true;
}

/* ---- sequences ---- */

static bool
add_strings (struct teval *t, struct tval a, struct tval b, struct tval *out)
{
  bool markup = a.is_markup || b.is_markup;
  struct tbuilder builder = { .t = t };
  if (markup && !a.is_markup && !pe_t_escape (t, a, &a))
    return false;
  if (markup && !b.is_markup && !pe_t_escape (t, b, &b))
    return false;
  if (!pe_t_put_string (&builder, a.string) || !pe_t_put_string (&builder, b.string) ||
      !pe_t_finish (&builder, out))
    return false;
  out->is_markup = markup;
  return true;
}

static bool
add_lists (struct teval *t, struct tval a, struct tval b, struct tval *out)
{
  if (!pe_t_list_new (t, a.kind, a.list->n + b.list->n, out) ||
      !pe_t_spend (t, (a.list->n + b.list->n) / 16))
    return false;
  for (size_t i = 0; i < a.list->n; i++)
    if (!pe_t_list_add (t, out->list, a.list->items[i]))
      return false;
  for (size_t i = 0; i < b.list->n; i++)
    if (!pe_t_list_add (t, out->list, b.list->items[i]))
      return false;
  return true;
}

static bool
repeat (struct teval *t, struct tval v, int64_t times, struct tval *out)
{
  size_t n = v.kind == T_STRING ? v.string->n : v.list->n, total;
  if (times < 0)
    times = 0;
  if (__builtin_mul_overflow (n, (size_t) times, &total) || total > t->limits.memory_bytes)
    return pe_t_limit (t, "it needs too much memory");
  if (n == 0)
    times = 0;
  if (v.kind != T_STRING) {
    if (!pe_t_list_new (t, v.kind, total, out))
      return false;
    for (int64_t i = 0; i < times; i++)
      for (size_t k = 0; k < n; k++)
        if (!pe_t_list_add (t, out->list, v.list->items[k]))
          return false;
    return pe_t_spend (t, total / 16);
  }
  struct tbuilder b = { .t = t };
  for (int64_t i = 0; i < times; i++)
    if (!pe_t_put_string (&b, v.string))
      return false;
  if (!pe_t_spend (t, (uint64_t) times / 16) || !pe_t_finish (&b, out))
    return false;
  out->is_markup = v.is_markup;
  return true;
}

static bool
is_sequence (struct tval v)
{
  return v.kind == T_STRING || v.kind == T_LIST || v.kind == T_TUPLE;
}

bool
pe_t_binary (struct teval *t, int op, struct tval a, struct tval b, struct tval *out)
{
  static const char *const names[] = {
    [TOKEN_ADD] = "+",       [TOKEN_SUB] = "-", [TOKEN_MUL] = "*",  [TOKEN_DIV] = "/",
    [TOKEN_FLOORDIV] = "//", [TOKEN_MOD] = "%", [TOKEN_POW] = "**",
  };
  if (a.kind == T_UNDEFINED || (b.kind == T_UNDEFINED && !(op == TOKEN_MOD && a.kind == T_STRING)))
    return pe_t_use_undefined (t, a.kind == T_UNDEFINED ? a : b);
  if (a.kind == T_BIG || b.kind == T_BIG)
    return fail_range (t);
  if (t_is_integer (a) && t_is_integer (b))
    return int_binary (t, op, t_integer (a), t_integer (b), out);
  if (t_is_number (a) && t_is_number (b))
    return float_binary (t, op, t_real (a), t_real (b), out);
  if (op == TOKEN_ADD && a.kind == T_STRING && b.kind == T_STRING)
    return add_strings (t, a, b, out);
  if (op == TOKEN_ADD && a.kind == b.kind && (a.kind == T_LIST || a.kind == T_TUPLE))
    return add_lists (t, a, b, out);
  if (op == TOKEN_MUL && is_sequence (a) && t_is_integer (b))
    return repeat (t, a, t_integer (b), out);
  if (op == TOKEN_MUL && is_sequence (b) && t_is_integer (a))
    return repeat (t, b, t_integer (a), out);
  if (op == TOKEN_MOD && a.kind == T_STRING)
    return pe_t_percent (t, a, b, out);
  return fail_operands (t, names[op], a, b);
}

/* ---- attributes ---- */

static bool
no_attribute (struct teval *t, struct tval object, const char *name, size_t n, struct tval *out)
{
  char text[160];
  bool plain = object.kind == T_NONE || object.kind == T_MACRO || object.kind == T_LOOP;
  int length = snprintf (text, sizeof text, "'%s%s' has no attribute '%.*s'",
                         object.kind == T_NONE ? "None" : pe_t_type_name (object),
                         plain ? "" : " object", n > 60 ? 60 : (int) n, name);
  char *why = pe_t_alloc (t, (size_t) length + 1);
  if (!why)
    return false;
  memcpy (why, text, (size_t) length + 1);
  *out = t_undefined (why);
  return true;
}

static bool
is_word (const char *name, size_t n, const char *word)
{
  return n == strlen (word) && memcmp (name, word, n) == 0;
}

static bool
method_value (struct teval *t, struct tval self, tmethod_fn fn, const char *name, size_t n,
              struct tval *out)
{
  struct tmethod *method = pe_t_alloc (t, sizeof *method + n + 1);
  if (!method)
    return false;
  char *copy = (char *) (method + 1);
  memcpy (copy, name, n);
  *method = (struct tmethod){ .self = self, .name = copy, .fn = fn };
  *out = (struct tval){ .kind = T_METHOD, .method = method };
  return true;
}

/* What is no method: T_MISSING when there is nothing of this name. */
static bool
plain_attribute (struct teval *t, struct tval object, const char *name, size_t n, struct tval *out)
{
  *out = (struct tval){ .kind = T_MISSING };
  switch (object.kind) {
  case T_LOOP: return pe_t_loop_attr (t, object.loop, name, n, out);
  case T_MACRO: return pe_t_macro_attr (t, object.macro, name, n, out);
  case T_NAMESPACE: {
    struct tval *found = pe_t_dict_find (object.dict, name, n);
    if (found)
      *out = *found;
    return true;
  }
  case T_RANGE:
    if (is_word (name, n, "start"))
      *out = t_int (object.range->start);
    else if (is_word (name, n, "stop"))
      *out = t_int (object.range->stop);
    else if (is_word (name, n, "step"))
      *out = t_int (object.range->step);
    return true;
  case T_CYCLER:
    if (is_word (name, n, "current"))
      *out = object.cycler->items[object.cycler->position];
    return true;
  case T_TUPLE:
    if (object.is_group && is_word (name, n, "grouper"))
      *out = object.list->items[0];
    else if (object.is_group && is_word (name, n, "list"))
      *out = object.list->items[1];
    return true;
  case T_BOOL:
  case T_INT:
    if (is_word (name, n, "real") || is_word (name, n, "numerator"))
      *out = t_int (t_integer (object));
    else if (is_word (name, n, "imag"))
      *out = t_int (0);
    else if (is_word (name, n, "denominator"))
      *out = t_int (1);
    return true;
  case T_FLOAT:
    if (is_word (name, n, "real"))
      *out = object;
    else if (is_word (name, n, "imag"))
      *out = t_float (0);
    return true;
  default: return true;
  }
}

/* T_MISSING: none; T_UNDEFINED: one that templates may not use. */
static bool
own_attribute (struct teval *t, struct tval object, const char *name, size_t n, struct tval *out)
{
  bool forbidden = false;
  if (object.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, object);
  tmethod_fn fn = pe_t_method (object, name, n, &forbidden);
  if (fn)
    return method_value (t, object, fn, name, n, out);
  if (forbidden || (n > 4 && memcmp (name, "__", 2) == 0 && memcmp (name + n - 2, "__", 2) == 0)) {
    *out = t_undefined ("access to an attribute that is unsafe");
    return true;
  }
  return plain_attribute (t, object, name, n, out);
}

bool
pe_t_attr (struct teval *t, struct tval object, const char *name, size_t n, struct tval *out)
{
  if (!own_attribute (t, object, name, n, out))
    return false;
  if (out->kind == T_MISSING && object.kind == T_DICT) {
    struct tval *found = pe_t_dict_find (object.dict, name, n);
    if (found)
      *out = *found;
  }
  return out->kind != T_MISSING || no_attribute (t, object, name, n, out);
}

static bool
no_element (struct teval *t, struct tval object, struct tval *out)
{
  char *why = pe_t_alloc (t, 64);
  if (!why)
    return false;
  snprintf (why, 64, "'%s object' has no such element", pe_t_type_name (object));
  *out = t_undefined (why);
  return true;
}

/* A position counted from the end when negative; false when outside. */
static bool
find_position (int64_t i, size_t n, size_t *out)
{
  if (i < 0)
    i += (int64_t) n;
  *out = (size_t) i;
  return i >= 0 && (size_t) i < n;
}

static bool
string_char (struct teval *t, struct tval string, size_t i, struct tval *out)
{
  const struct tstr *s = string.string;
  uint32_t c;
  if (s->n != s->n_chars && !pe_t_spend (t, s->n / 64))
    return false;
  size_t begin = pe_t_char_offset (s, i);
  return pe_t_substring (t, string, begin, begin + pe_t_char_at (s, begin, &c), out);
}

bool
pe_t_item (struct teval *t, struct tval object, struct tval key, struct tval *out)
{
  size_t i;
  if (object.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, object);
  if (t_is_integer (key)) {
    int64_t k = t_integer (key);
    if ((object.kind == T_LIST || object.kind == T_TUPLE) &&
        find_position (k, object.list->n, &i)) {
      *out = object.list->items[i];
      return true;
    }
    if (object.kind == T_STRING && find_position (k, object.string->n_chars, &i))
      return string_char (t, object, i, out);
    if (object.kind == T_RANGE && find_position (k, object.range->n, &i)) {
      *out = t_int (object.range->start + (int64_t) i * object.range->step);
      return true;
    }
  }
  if (object.kind == T_DICT) {
    struct tval *found = NULL;
    bool hashable = key.kind != T_LIST && key.kind != T_DICT;
    if (hashable && !pe_t_dict_get (t, object.dict, key, &found))
      return false;
    if (found) {
      *out = *found;
      return true;
    }
  }
  if (key.kind != T_STRING)
    return no_element (t, object, out);
  if (!own_attribute (t, object, key.string->data, key.string->n, out))
    return false;
  return out->kind != T_MISSING || no_attribute (t, object, key.string->data, key.string->n, out);
}

/* ---- slices ---- */

static bool
slice_bound (struct teval *t, struct tval v, int64_t otherwise, int64_t n, int64_t low,
             int64_t high, int64_t *out)
{
  if (v.kind == T_NONE) {
    *out = otherwise;
    return true;
  }
  if (!t_is_integer (v))
    return pe_t_fail (t, "slice indices must be integers or None");
  int64_t i = t_integer (v);
  if (i < 0)
    i += n;
  *out = i < low ? low : i > high ? high : i;
  return true;
}

static bool
slice_string (struct teval *t, struct tval v, int64_t start, int64_t step, size_t count,
              struct tval *out)
{
  const struct tstr *s = v.string;
  if (step == 1) {
    size_t begin = pe_t_char_offset (s, (size_t) start);
    size_t end = pe_t_char_offset (s, (size_t) start + count);
    return pe_t_spend (t, s->n / 64) && pe_t_substring (t, v, begin, end, out);
  }
  struct tlist chars;
  struct tbuilder b = { .t = t };
  if (!pe_t_iterate (t, v, &chars))
    return false;
  for (size_t i = 0; i < count; i++)
    if (!pe_t_put_string (&b, chars.items[start + (int64_t) i * step].string))
      return false;
  if (!pe_t_finish (&b, out))
    return false;
  out->is_markup = v.is_markup;
  return true;
}

bool
pe_t_slice (struct teval *t, struct tval object, const struct tval parts[3], struct tval *out)
{
  size_t n_items;
  int64_t step = 1, start = 0, stop = 0;
  if (object.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, object);
  if (!is_sequence (object) && object.kind != T_RANGE)
    return pe_t_fail (t, "'%s' object is not subscriptable with a slice", pe_t_type_name (object));
  if (!pe_t_length (t, object, &n_items))
    return false;
  int64_t n = (int64_t) n_items;
  if (parts[2].kind != T_NONE) {
    if (!t_is_integer (parts[2]))
      return pe_t_fail (t, "slice indices must be integers or None");
    step = t_integer (parts[2]);
    if (step == 0)
      return pe_t_fail (t, "slice step cannot be zero");
  }
  bool back = step < 0;
  if (!slice_bound (t, parts[0], back ? n - 1 : 0, n, back ? -1 : 0, back ? n - 1 : n, &start) ||
      !slice_bound (t, parts[1], back ? -1 : n, n, back ? -1 : 0, back ? n - 1 : n, &stop))
    return false;
  uint64_t distance = back ? (uint64_t) (start > stop ? start - stop : 0)
                           : (uint64_t) (stop > start ? stop - start : 0);
  uint64_t stride = back ? 0 - (uint64_t) step : (uint64_t) step;
  size_t count = (size_t) (distance / stride + (distance % stride != 0));
  if (count <= 1) /* the step may be anything */
    step = 1;
  if (object.kind == T_STRING)
    return slice_string (t, object, count ? start : 0, step, count, out);
  if (object.kind == T_RANGE) {
    struct trange *range = pe_t_alloc (t, sizeof *range);
    if (!range)
      return false;
    const struct trange *from = object.range;
    *range = (struct trange){ .start = from->start + start * from->step,
                              .stop = from->start + stop * from->step,
                              .step = from->step * step,
                              .n = count };
    *out = (struct tval){ .kind = T_RANGE, .range = range };
    return true;
  }
  if (!pe_t_list_new (t, object.kind, count, out) || !pe_t_spend (t, count / 16))
    return false;
  for (size_t i = 0; i < count; i++)
    if (!pe_t_list_add (t, out->list, object.list->items[start + (int64_t) i * step]))
      return false;
  return true;
}
