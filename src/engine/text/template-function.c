/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Global functions, and the methods of lists, dictionaries and the like.
 */
#include "engine/text/template-names.h"

#include <string.h>

#define MAX_RANGE 100000 /* as the reference's sandbox */

/* ---- functions ---- */

#define FUNCTION(name)                                                                             \
  static bool name (struct teval *t, const struct targs *args, struct tval *out)

FUNCTION (call_range)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  int64_t start = 0, stop, step;
  if (!pe_t_bind (t, "range", args, "start,stop,step", 1, a) || !pe_t_int_arg (t, a[2], 1, &step))
    return false;
  if (a[1].kind == T_MISSING
          ? !pe_t_int_arg (t, a[0], 0, &stop)
          : !pe_t_int_arg (t, a[0], 0, &start) || !pe_t_int_arg (t, a[1], 0, &stop))
    return false;
  if (step == 0)
    return pe_t_fail (t, "range() arg 3 must not be zero");
  uint64_t distance = step > 0 ? (stop > start ? (uint64_t) stop - (uint64_t) start : 0)
                               : (start > stop ? (uint64_t) start - (uint64_t) stop : 0);
  uint64_t stride = step > 0 ? (uint64_t) step : 0 - (uint64_t) step;
  uint64_t n = distance / stride + (distance % stride != 0);
  if (n > MAX_RANGE)
    return pe_t_limit (t, "a range of more than 100000 numbers");
  struct trange *range = pe_t_alloc (t, sizeof *range);
  if (!range)
    return false;
  *range = (struct trange){ start, stop, step, (size_t) n };
  *out = (struct tval){ .kind = T_RANGE, .range = range };
  return true;
}

/* dict() and namespace(): from a mapping or pairs, then named arguments. */
static bool
fill_dict (struct teval *t, const struct targs *args, uint8_t kind, struct tval *out)
{
  struct tlist pairs, pair;
  if (args->n > 1)
    return pe_t_fail (t, "expected at most 1 argument, got %zu", args->n);
  if (!pe_t_dict_new (t, kind, out))
    return false;
  if (args->n && args->values[0].kind == T_DICT) {
    const struct tdict *from = args->values[0].dict;
    for (size_t i = 0; i < from->n; i++)
      if (!pe_t_dict_set (t, out->dict, from->keys[i], from->values[i]))
        return false;
  } else if (args->n) {
    if (!pe_t_iterate (t, args->values[0], &pairs))
      return false;
    for (size_t i = 0; i < pairs.n; i++) {
      if (!pe_t_iterate (t, pairs.items[i], &pair))
        return false;
      if (pair.n != 2)
        return pe_t_fail (t, "element %zu has length %zu, 2 is required", i, pair.n);
      if (!pe_t_dict_set (t, out->dict, pair.items[0], pair.items[1]))
        return false;
    }
  }
  for (size_t i = 0; i < args->n_keywords; i++) {
    struct tval key;
    if (!pe_t_string (t, args->keywords[i].name, args->keywords[i].n, false, &key) ||
        !pe_t_dict_set (t, out->dict, key, args->keywords[i].value))
      return false;
  }
  return true;
}

FUNCTION (call_dict)
{
  return fill_dict (t, args, T_DICT, out);
}

FUNCTION (call_namespace)
{
  return fill_dict (t, args, T_NAMESPACE, out);
}

FUNCTION (call_raise_exception)
{
  struct tval a[PE_T_MAX_PARAMETERS], message;
  if (!pe_t_bind (t, "raise_exception", args, "message", 1, a) ||
      !pe_t_to_string (t, a[0], &message))
    return false;
  return pe_fail_at (t->error, PE_ERROR_ARGUMENT, t->offset, "%s", message.string->data);
}

FUNCTION (call_strftime_now)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  if (!pe_t_bind (t, "strftime_now", args, "format", 1, a))
    return false;
  if (a[0].kind != T_STRING)
    return pe_t_fail (t, "strftime_now() expects a string");
  return pe_t_strftime (t, a[0], out);
}

FUNCTION (call_lipsum)
{
  return pe_t_fail (t, "lipsum() is not supported");
}

static bool
new_cycler (struct teval *t, uint8_t kind, const struct tval *items, size_t n, struct tval *out)
{
  struct tcycler *cycler = pe_t_alloc (t, sizeof *cycler + n * sizeof *items);
  if (!cycler)
    return false;
  cycler->items = (struct tval *) (cycler + 1);
  cycler->n = n;
  memcpy (cycler->items, items, n * sizeof *items);
  *out = (struct tval){ .kind = kind, .cycler = cycler };
  return true;
}

FUNCTION (call_cycler)
{
  if (args->n == 0 || args->n_keywords)
    return pe_t_fail (t, "at least one item has to be provided");
  return new_cycler (t, T_CYCLER, args->values, args->n, out);
}

FUNCTION (call_joiner)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  if (!pe_t_bind (t, "joiner", args, "sep", 0, a) ||
      (a[0].kind == T_MISSING && !pe_t_text (t, ", ", &a[0])))
    return false;
  return new_cycler (t, T_JOINER, a, 1, out);
}

static const struct tfunction functions[] = {
  { "cycler", call_cycler },       { "dict", call_dict },
  { "joiner", call_joiner },       { "lipsum", call_lipsum },
  { "namespace", call_namespace }, { "raise_exception", call_raise_exception },
  { "range", call_range },         { "strftime_now", call_strftime_now },
};

const struct tfunction *
pe_t_function (const char *name, size_t n)
{
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strlen (functions[i].name) == n && memcmp (functions[i].name, name, n) == 0)
      return &functions[i];
  return NULL;
}

/* ---- methods ---- */

#define METHOD(name)                                                                               \
  static bool name (struct teval *t, struct tval self, const struct targs *args, struct tval *out)

static bool
no_arguments (struct teval *t, const struct targs *args)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  return pe_t_bind (t, "method", args, "", 0, a);
}

METHOD (list_count)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  struct tlist items;
  int64_t n = 0;
  if (!pe_t_bind (t, "count", args, "value", 1, a) || !pe_t_iterate (t, self, &items))
    return false;
  for (size_t i = 0; i < items.n; i++) {
    bool same;
    if (!pe_t_equal (t, items.items[i], a[0], &same))
      return false;
    n += same;
  }
  *out = t_int (n);
  return true;
}

METHOD (list_index)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  struct tlist items;
  int64_t start, stop;
  if (!pe_t_bind (t, "index", args, "value,start,stop", 1, a) || !pe_t_iterate (t, self, &items) ||
      !pe_t_int_arg (t, a[1], 0, &start) || !pe_t_int_arg (t, a[2], INT64_MAX, &stop))
    return false;
  int64_t n = (int64_t) items.n;
  start = start < 0 ? (start + n < 0 ? 0 : start + n) : start;
  stop = stop < 0 ? stop + n : stop > n ? n : stop;
  for (int64_t i = start; i < stop; i++) {
    bool same;
    if (!pe_t_equal (t, items.items[i], a[0], &same))
      return false;
    if (same) {
      *out = t_int (i);
      return true;
    }
  }
  return pe_t_fail (t, "the value is not in the list");
}

METHOD (list_copy)
{
  struct tlist items;
  if (!no_arguments (t, args) || !pe_t_iterate (t, self, &items) ||
      !pe_t_list_new (t, T_LIST, items.n, out))
    return false;
  for (size_t i = 0; i < items.n; i++)
    if (!pe_t_list_add (t, out->list, items.items[i]))
      return false;
  return true;
}

static bool
new_view (struct teval *t, struct tval self, const struct targs *args, int what, struct tval *out)
{
  struct tview *view = pe_t_alloc (t, sizeof *view);
  if (!view || !no_arguments (t, args))
    return false;
  view->dict = self.dict;
  view->what = what;
  *out = (struct tval){ .kind = T_VIEW, .view = view };
  return true;
}

METHOD (dict_items)
{
  return new_view (t, self, args, VIEW_ITEMS, out);
}

METHOD (dict_keys)
{
  return new_view (t, self, args, VIEW_KEYS, out);
}

METHOD (dict_values)
{
  return new_view (t, self, args, VIEW_VALUES, out);
}

METHOD (dict_get)
{
  struct tval a[PE_T_MAX_PARAMETERS], *found;
  if (!pe_t_bind (t, "get", args, "key,default", 1, a) ||
      !pe_t_dict_get (t, self.dict, a[0], &found))
    return false;
  *out = found ? *found : a[1].kind == T_MISSING ? t_none () : a[1];
  return true;
}

METHOD (dict_copy)
{
  struct targs whole = { .values = &self, .n = 1 };
  return no_arguments (t, args) && fill_dict (t, &whole, T_DICT, out);
}

METHOD (cycler_next)
{
  struct tcycler *cycler = self.cycler;
  *out = cycler->items[cycler->position];
  cycler->position = (cycler->position + 1) % cycler->n;
  return no_arguments (t, args);
}

METHOD (cycler_reset)
{
  self.cycler->position = 0;
  *out = t_none ();
  return no_arguments (t, args);
}

METHOD (number_is_integer)
{
  *out = t_bool (self.kind != T_FLOAT || self.real == (double) (int64_t) self.real);
  return no_arguments (t, args);
}

METHOD (int_bit_length)
{
  int64_t v = t_integer (self);
  uint64_t magnitude = v < 0 ? 0 - (uint64_t) v : (uint64_t) v;
  int64_t n = 0;
  for (; magnitude; magnitude >>= 1)
    n++;
  *out = t_int (n);
  return no_arguments (t, args);
}

/* `fn` NULL: there is such a method, but it changes its object, which templates may not. */
static const struct {
  const char *name;
  uint8_t kind;
  tmethod_fn fn;
} methods[] = {
  { "append", T_LIST, NULL },
  { "clear", T_LIST, NULL },
  { "copy", T_LIST, list_copy },
  { "count", T_LIST, list_count },
  { "extend", T_LIST, NULL },
  { "index", T_LIST, list_index },
  { "insert", T_LIST, NULL },
  { "pop", T_LIST, NULL },
  { "remove", T_LIST, NULL },
  { "reverse", T_LIST, NULL },
  { "sort", T_LIST, NULL },
  { "count", T_TUPLE, list_count },
  { "index", T_TUPLE, list_index },
  { "count", T_RANGE, list_count },
  { "index", T_RANGE, list_index },
  { "clear", T_DICT, NULL },
  { "copy", T_DICT, dict_copy },
  { "get", T_DICT, dict_get },
  { "items", T_DICT, dict_items },
  { "keys", T_DICT, dict_keys },
  { "pop", T_DICT, NULL },
  { "popitem", T_DICT, NULL },
  { "setdefault", T_DICT, NULL },
  { "update", T_DICT, NULL },
  { "values", T_DICT, dict_values },
  { "next", T_CYCLER, cycler_next },
  { "reset", T_CYCLER, cycler_reset },
  { "is_integer", T_FLOAT, number_is_integer },
  { "bit_length", T_INT, int_bit_length },
};

tmethod_fn
pe_t_method (struct tval self, const char *name, size_t n, bool *forbidden)
{
  *forbidden = false;
  if (self.kind == T_STRING)
    return pe_t_string_method (name, n);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (methods[i].kind == self.kind && strlen (methods[i].name) == n &&
        memcmp (methods[i].name, name, n) == 0) {
      *forbidden = methods[i].fn == NULL;
      return methods[i].fn;
    }
  return NULL;
}
