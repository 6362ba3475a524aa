/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The filters that walk lists and dictionaries.
 */
#include "engine/text/template-ast.h"
#include "engine/text/template-filter.h"

#include <string.h>

static bool
no_arguments (struct teval *t, const struct targs *args)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  return pe_t_bind (t, "filter", args, "", 0, a);
}

static bool
copy_list (struct teval *t, const struct tlist *from, struct tval *out)
{
  if (!pe_t_list_new (t, T_LIST, from->n, out) || !pe_t_spend (t, from->n / 16))
    return false;
  for (size_t i = 0; i < from->n; i++)
    if (!pe_t_list_add (t, out->list, from->items[i]))
      return false;
  return true;
}

/* ---- keys: "a.b.0" of an item ---- */

static bool
follow_path (struct teval *t, struct tval v, struct tval path, struct tval otherwise,
             struct tval *out)
{
  if (path.kind != T_STRING) {
    if (path.kind == T_NONE || path.kind == T_MISSING) {
      *out = v;
      return true;
    }
    return pe_t_item (t, v, path, out);
  }
  const struct tstr *s = path.string;
  for (size_t begin = 0; begin <= s->n;) {
    const char *dot = memchr (s->data + begin, '.', s->n - begin);
    size_t end = dot ? (size_t) (dot - s->data) : s->n;
    struct tval key;
    int64_t index;
    bool big;
    bool is_index = s->data[begin] >= '0' && s->data[begin] <= '9' &&
                    pe_t_parse_int (s->data + begin, end - begin, 10, &index, &big);
    if (is_index)
      key = t_int (index);
    else if (!pe_t_string (t, s->data + begin, end - begin, false, &key))
      return false;
    if (!pe_t_item (t, v, key, &v))
      return false;
    if (v.kind == T_UNDEFINED && otherwise.kind != T_MISSING && otherwise.kind != T_NONE)
      v = otherwise;
    begin = end + 1;
  }
  *out = v;
  return true;
}

/* What an item is sorted by: its attribute, without regard to case. */
static bool
sort_key (struct teval *t, struct tval v, struct tval path, bool case_sensitive, struct tval *out)
{
  if (!follow_path (t, v, path, (struct tval){ .kind = T_MISSING }, out))
    return false;
  return case_sensitive || out->kind != T_STRING || pe_t_convert_case (t, *out, PE_T_LOWER, out);
}

struct keyed {
  struct tval key, value;
};

/* Stable merge sort of items[0, n) with room for as many. */
static bool
sort_keyed (struct teval *t, struct keyed *items, struct keyed *room, size_t n, bool reverse)
{
  if (n < 2)
    return true;
  size_t half = n / 2, a = 0, b = half, k = 0;
  if (!sort_keyed (t, items, room, half, reverse) ||
      !sort_keyed (t, items + half, room, n - half, reverse))
    return false;
  memcpy (room, items, n * sizeof *items);
  while (a < half && b < n) {
    int c;
    if (!(reverse ? pe_t_order (t, room[a].key, room[b].key, "<", &c)
                  : pe_t_order (t, room[b].key, room[a].key, "<", &c)))
      return false;
    items[k++] = c < 0 ? room[b++] : room[a++];
  }
  while (a < half)
    items[k++] = room[a++];
  while (b < n)
    items[k++] = room[b++];
  return true;
}

/* One or more attributes, "a,b". The key is a tuple in either case: equal parts, undefined ones
 * too, then need no order. */
static bool
multi_key (struct teval *t, struct tval v, struct tval path, bool case_sensitive, struct tval *out)
{
  struct targs separator = { 0 };
  struct tval comma, parts;
  if (path.kind != T_STRING || !memchr (path.string->data, ',', path.string->n)) {
    struct tval key;
    return sort_key (t, v, path, case_sensitive, &key) && pe_t_list_new (t, T_TUPLE, 1, out) &&
           pe_t_list_add (t, out->list, key);
  }
  if (!pe_t_text (t, ",", &comma))
    return false;
  separator.values = &comma;
  separator.n = 1;
  if (!pe_t_string_method ("split", 5) (t, path, &separator, &parts) ||
      !pe_t_list_new (t, T_TUPLE, parts.list->n, out))
    return false;
  for (size_t i = 0; i < parts.list->n; i++) {
    struct tval key;
    if (!sort_key (t, v, parts.list->items[i], case_sensitive, &key) ||
        !pe_t_list_add (t, out->list, key))
      return false;
  }
  return true;
}

static bool
make_keyed (struct teval *t, const struct tlist *items, struct tval path, bool case_sensitive,
            bool reverse, struct keyed **out)
{
  struct keyed *keyed = pe_t_alloc (t, (items->n * 2 + 1) * sizeof *keyed);
  if (!keyed)
    return false;
  for (size_t i = 0; i < items->n; i++) {
    keyed[i].value = items->items[i];
    if (!multi_key (t, items->items[i], path, case_sensitive, &keyed[i].key))
      return false;
  }
  *out = keyed;
  return sort_keyed (t, keyed, keyed + items->n, items->n, reverse);
}

FILTER (filter_sort)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  struct tlist items;
  struct keyed *keyed;
  bool reverse, case_sensitive;
  if (!pe_t_bind (t, "sort", args, "reverse,case_sensitive,attribute", 0, a) ||
      !pe_t_bool_arg (t, a[0], false, &reverse) ||
      !pe_t_bool_arg (t, a[1], false, &case_sensitive) || !pe_t_iterate (t, v, &items) ||
      !make_keyed (t, &items, a[2], case_sensitive, reverse, &keyed) ||
      !pe_t_list_new (t, T_LIST, items.n, out))
    return false;
  for (size_t i = 0; i < items.n; i++)
    if (!pe_t_list_add (t, out->list, keyed[i].value))
      return false;
  return true;
}

FILTER (filter_dictsort)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  struct tlist items;
  struct keyed *keyed;
  bool case_sensitive, reverse, by_value = false;
  if (!pe_t_bind (t, "dictsort", args, "case_sensitive,by,reverse", 0, a) ||
      !pe_t_bool_arg (t, a[0], false, &case_sensitive) || !pe_t_bool_arg (t, a[2], false, &reverse))
    return false;
  if (a[1].kind != T_MISSING) {
    by_value = a[1].kind == T_STRING && strcmp (a[1].string->data, "value") == 0;
    if (!by_value && (a[1].kind != T_STRING || strcmp (a[1].string->data, "key") != 0))
      return pe_t_fail (t, "you can only sort by either \"key\" or \"value\"");
  }
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (v.kind != T_DICT)
    return pe_t_fail (t, "dictsort expects a mapping");
  struct tview view = { .dict = v.dict, .what = VIEW_ITEMS };
  if (!pe_t_iterate (t, (struct tval){ .kind = T_VIEW, .view = &view }, &items) ||
      !make_keyed (t, &items, t_int (by_value), case_sensitive, reverse, &keyed) ||
      !pe_t_list_new (t, T_LIST, items.n, out))
    return false;
  for (size_t i = 0; i < items.n; i++)
    if (!pe_t_list_add (t, out->list, keyed[i].value))
      return false;
  return true;
}

static bool
extreme (struct teval *t, struct tval v, const struct targs *args, int wanted, struct tval *out)
{
  struct tval a[PE_T_MAX_PARAMETERS], best_key, key;
  struct tlist items;
  bool case_sensitive;
  if (!pe_t_bind (t, "min", args, "case_sensitive,attribute", 0, a) ||
      !pe_t_bool_arg (t, a[0], false, &case_sensitive) || !pe_t_iterate (t, v, &items))
    return false;
  *out = t_undefined ("no aggregated item, sequence was empty");
  for (size_t i = 0; i < items.n; i++) {
    int c = wanted;
    if (!sort_key (t, items.items[i], a[1], case_sensitive, &key) ||
        (i && !pe_t_order (t, key, best_key, wanted < 0 ? "<" : ">", &c)))
      return false;
    if (c != wanted)
      continue;
    best_key = key;
    *out = items.items[i];
  }
  return true;
}

FILTER (filter_min)
{
  return extreme (t, v, args, -1, out);
}

FILTER (filter_max)
{
  return extreme (t, v, args, 1, out);
}

FILTER (filter_unique)
{
  struct tval a[PE_T_MAX_PARAMETERS], seen, key;
  struct tlist items;
  bool case_sensitive;
  if (!pe_t_bind (t, "unique", args, "case_sensitive,attribute", 0, a) ||
      !pe_t_bool_arg (t, a[0], false, &case_sensitive) || !pe_t_iterate (t, v, &items) ||
      !pe_t_dict_new (t, T_DICT, &seen) || !pe_t_list_new (t, T_LIST, 0, out))
    return false;
  for (size_t i = 0; i < items.n; i++) {
    struct tval *found;
    if (!sort_key (t, items.items[i], a[1], case_sensitive, &key) ||
        !pe_t_dict_get (t, seen.dict, key, &found))
      return false;
    if (!found && (!pe_t_dict_set (t, seen.dict, key, t_none ()) ||
                   !pe_t_list_add (t, out->list, items.items[i])))
      return false;
  }
  return pe_t_iter_new (t, out->list, out);
}

FILTER (filter_groupby)
{
  struct tval a[PE_T_MAX_PARAMETERS], grouper;
  struct tlist items;
  bool case_sensitive;
  if (!pe_t_bind (t, "groupby", args, "attribute,default,case_sensitive", 1, a) ||
      !pe_t_bool_arg (t, a[2], false, &case_sensitive) || !pe_t_iterate (t, v, &items) ||
      !pe_t_list_new (t, T_LIST, 0, out))
    return false;
  struct keyed *keyed = pe_t_alloc (t, (items.n * 2 + 1) * sizeof *keyed);
  if (!keyed)
    return false;
  for (size_t i = 0; i < items.n; i++) {
    keyed[i].value = items.items[i];
    if (!follow_path (t, items.items[i], a[0], a[1], &keyed[i].key) ||
        (!case_sensitive && keyed[i].key.kind == T_STRING &&
         !pe_t_convert_case (t, keyed[i].key, PE_T_LOWER, &keyed[i].key)))
      return false;
  }
  if (!sort_keyed (t, keyed, keyed + items.n, items.n, false))
    return false;
  struct tlist *group = NULL;
  for (size_t i = 0; i < items.n; i++) {
    bool same = false;
    if (group && !pe_t_equal (t, keyed[i].key, keyed[i - 1].key, &same))
      return false;
    if (!same) {
      struct tval list, pair;
      if (!follow_path (t, keyed[i].value, a[0], a[1], &grouper) ||
          !pe_t_list_new (t, T_LIST, 0, &list) || !pe_t_pair (t, grouper, list, &pair))
        return false;
      pair.is_group = true;
      group = list.list;
      if (!pe_t_list_add (t, out->list, pair))
        return false;
    }
    if (!pe_t_list_add (t, group, keyed[i].value))
      return false;
  }
  return true;
}

/* ---- one item ---- */

FILTER (filter_first)
{
  struct tlist items;
  if (!no_arguments (t, args))
    return false;
  if (v.kind == T_ITER && v.iter->position < v.iter->list->n) {
    *out = v.iter->list->items[v.iter->position++];
    return true;
  }
  if (!pe_t_iterate (t, v, &items))
    return false;
  *out = items.n ? items.items[0] : t_undefined ("no first item, sequence was empty");
  return true;
}

FILTER (filter_last)
{
  struct tlist items;
  if (!no_arguments (t, args))
    return false;
  if (v.kind == T_ITER)
    return pe_t_fail (t, "'generator' object is not reversible");
  if (!pe_t_iterate (t, v, &items))
    return false;
  *out = items.n ? items.items[items.n - 1] : t_undefined ("no last item, sequence was empty");
  return true;
}

/* ---- the whole list ---- */

FILTER (filter_list)
{
  struct tlist items;
  return no_arguments (t, args) && pe_t_iterate (t, v, &items) && copy_list (t, &items, out);
}

FILTER (filter_reverse)
{
  struct tlist items;
  struct tval chars = v;
  if (!no_arguments (t, args) || !pe_t_iterate (t, v, &items) || !copy_list (t, &items, out))
    return false;
  for (size_t i = 0, k = out->list->n; i + 1 < k; i++) {
    struct tval swap = out->list->items[i];
    out->list->items[i] = out->list->items[--k];
    out->list->items[k] = swap;
  }
  if (chars.kind == T_STRING) {
    struct tbuilder b = { .t = t };
    for (size_t i = 0; i < out->list->n; i++)
      if (!pe_t_put_string (&b, out->list->items[i].string))
        return false;
    return pe_t_finish (&b, out);
  }
  return v.kind == T_ITER || pe_t_iter_new (t, out->list, out);
}

FILTER (filter_join)
{
  struct tval a[PE_T_MAX_PARAMETERS], item;
  struct tbuilder b = { .t = t };
  struct tlist items;
  if (!pe_t_bind (t, "join", args, "d,attribute", 0, a) || !pe_t_iterate (t, v, &items))
    return false;
  if (a[0].kind == T_MISSING)
    a[0] = t_empty_string ();
  if (!pe_t_to_string (t, a[0], &a[0]))
    return false;
  for (size_t i = 0; i < items.n; i++)
    if (!pe_t_spend (t, 1) ||
        !follow_path (t, items.items[i], a[1], (struct tval){ .kind = T_MISSING }, &item) ||
        (i && !pe_t_put_string (&b, a[0].string)) || !pe_t_put_str (&b, item))
      return false;
  return pe_t_finish (&b, out);
}

FILTER (filter_sum)
{
  struct tval a[PE_T_MAX_PARAMETERS], item;
  struct tlist items;
  if (!pe_t_bind (t, "sum", args, "attribute,start", 0, a) || !pe_t_iterate (t, v, &items))
    return false;
  *out = a[1].kind == T_MISSING ? t_int (0) : a[1];
  if (out->kind == T_STRING)
    return pe_t_fail (t, "sum() can't sum strings");
  for (size_t i = 0; i < items.n; i++)
    if (!follow_path (t, items.items[i], a[0], (struct tval){ .kind = T_MISSING }, &item) ||
        !pe_t_binary (t, TOKEN_ADD, *out, item, out))
      return false;
  return true;
}

FILTER (filter_items)
{
  struct tlist items;
  struct tval list;
  if (!no_arguments (t, args))
    return false;
  if (v.kind != T_DICT && v.kind != T_UNDEFINED)
    return pe_t_fail (t, "can only get item pairs from a mapping");
  static const struct tdict none;
  struct tview view = { .dict = v.kind == T_DICT ? v.dict : &none, .what = VIEW_ITEMS };
  return pe_t_iterate (t, (struct tval){ .kind = T_VIEW, .view = &view }, &items) &&
         copy_list (t, &items, &list) && pe_t_iter_new (t, list.list, out);
}

FILTER (filter_batch)
{
  struct tval a[PE_T_MAX_PARAMETERS], row = { 0 };
  struct tlist items;
  int64_t count;
  if (!pe_t_bind (t, "batch", args, "linecount,fill_with", 1, a) ||
      !pe_t_int_arg (t, a[0], 0, &count) || !pe_t_iterate (t, v, &items) ||
      !pe_t_list_new (t, T_LIST, 0, out))
    return false;
  for (size_t i = 0; i < items.n; i++) {
    if ((row.kind != T_LIST || (int64_t) row.list->n == count) &&
        (!pe_t_list_new (t, T_LIST, 0, &row) || !pe_t_list_add (t, out->list, row)))
      return false;
    if (!pe_t_list_add (t, row.list, items.items[i]))
      return false;
  }
  if (row.kind == T_LIST && a[1].kind != T_MISSING && a[1].kind != T_NONE)
    while ((int64_t) row.list->n < count)
      if (!pe_t_spend (t, 1) || !pe_t_list_add (t, row.list, a[1]))
        return false;
  return pe_t_iter_new (t, out->list, out);
}

FILTER (filter_slice)
{
  struct tval a[PE_T_MAX_PARAMETERS], row;
  struct tlist items;
  int64_t count;
  size_t at = 0;
  if (!pe_t_bind (t, "slice", args, "slices,fill_with", 1, a) ||
      !pe_t_int_arg (t, a[0], 0, &count) || !pe_t_iterate (t, v, &items) ||
      !pe_t_list_new (t, T_LIST, 0, out))
    return false;
  if (count <= 0)
    return count == 0 ? pe_t_fail (t, "integer modulo by zero") : pe_t_iter_new (t, out->list, out);
  size_t each = items.n / (size_t) count, longer = items.n % (size_t) count;
  for (size_t i = 0; i < (size_t) count; i++) {
    size_t n = each + (i < longer);
    if (!pe_t_spend (t, 1) || !pe_t_list_new (t, T_LIST, n, &row) ||
        !pe_t_list_add (t, out->list, row))
      return false;
    for (size_t k = 0; k < n; k++)
      if (!pe_t_list_add (t, row.list, items.items[at++]))
        return false;
    if (a[1].kind != T_MISSING && a[1].kind != T_NONE && i >= longer &&
        !pe_t_list_add (t, row.list, a[1]))
      return false;
  }
  return pe_t_iter_new (t, out->list, out);
}

/* ---- filters and tests over lists ---- */

static const struct tkeyword *
find_keyword (const struct targs *args, const char *name)
{
  for (size_t i = 0; i < args->n_keywords; i++)
    if (args->keywords[i].n == strlen (name) &&
        memcmp (args->keywords[i].name, name, args->keywords[i].n) == 0)
      return &args->keywords[i];
  return NULL;
}

static bool
map_item (struct teval *t, struct tval item, const struct targs *args, struct tval *out)
{
  const struct tkeyword *attribute = find_keyword (args, "attribute");
  if (args->n == 0 && attribute) {
    const struct tkeyword *otherwise = find_keyword (args, "default");
    if (args->n_keywords != 1u + (otherwise != NULL))
      return pe_t_fail (t, "map() got an unexpected named argument");
    return follow_path (t, item, attribute->value,
                        otherwise ? otherwise->value : (struct tval){ .kind = T_MISSING }, out);
  }
  if (args->n == 0)
    return pe_t_fail (t, "map requires a filter argument");
  if (args->values[0].kind != T_STRING)
    return pe_t_fail (t, "map expects the name of a filter");
  struct targs rest = *args;
  rest.values++;
  rest.n--;
  const struct tstr *name = args->values[0].string;
  return pe_t_filter (t, name->data, name->n, item, &rest, out);
}

/* Falsy subjects, none included, are empty lists to map, select and reject. */
static bool
iterate_if_true (struct teval *t, struct tval v, struct tlist *out)
{
  bool truth;
  memset (out, 0, sizeof *out);
  return pe_t_truth (t, v, &truth) && (!truth || pe_t_iterate (t, v, out));
}

FILTER (filter_map)
{
  struct tlist items;
  struct tval item;
  if (!iterate_if_true (t, v, &items) || !pe_t_list_new (t, T_LIST, items.n, out))
    return false;
  for (size_t i = 0; i < items.n; i++)
    if (!map_item (t, items.items[i], args, &item) || !pe_t_list_add (t, out->list, item))
      return false;
  return pe_t_iter_new (t, out->list, out);
}

/* select and reject: those items whose test, or truth, is `wanted`. */
static bool
choose (struct teval *t, struct tval v, const struct targs *args, bool by_attribute, bool wanted,
        struct tval *out)
{
  struct tlist items;
  struct targs rest = *args;
  struct tval path = { .kind = T_MISSING }, test = { .kind = T_MISSING };
  if (!iterate_if_true (t, v, &items) || !pe_t_list_new (t, T_LIST, 0, out))
    return false;
  if (by_attribute) {
    if (rest.n == 0)
      return items.n ? pe_t_fail (t, "missing parameter for attribute name")
                     : pe_t_iter_new (t, out->list, out);
    path = *rest.values++;
    rest.n--;
  }
  if (rest.n) {
    test = *rest.values++;
    rest.n--;
    if (test.kind != T_STRING)
      return pe_t_fail (t, "expected the name of a test");
  }
  for (size_t i = 0; i < items.n; i++) {
    struct tval subject;
    bool answer;
    if (!pe_t_spend (t, 1) ||
        !follow_path (t, items.items[i], path, (struct tval){ .kind = T_MISSING }, &subject))
      return false;
    if (!(test.kind == T_STRING
              ? pe_t_test (t, test.string->data, test.string->n, subject, &rest, &answer)
              : pe_t_truth (t, subject, &answer)))
      return false;
    if (answer == wanted && !pe_t_list_add (t, out->list, items.items[i]))
      return false;
  }
  return pe_t_iter_new (t, out->list, out);
}

FILTER (filter_select)
{
  return choose (t, v, args, false, true, out);
}

FILTER (filter_reject)
{
  return choose (t, v, args, false, false, out);
}

FILTER (filter_selectattr)
{
  return choose (t, v, args, true, true, out);
}

FILTER (filter_rejectattr)
{
  return choose (t, v, args, true, false, out);
}

static const struct filter filters[] = {
  { "batch", filter_batch },
  { "dictsort", filter_dictsort },
  { "first", filter_first },
  { "groupby", filter_groupby },
  { "items", filter_items },
  { "join", filter_join },
  { "last", filter_last },
  { "list", filter_list },
  { "map", filter_map },
  { "max", filter_max },
  { "min", filter_min },
  { "reject", filter_reject },
  { "rejectattr", filter_rejectattr },
  { "reverse", filter_reverse },
  { "select", filter_select },
  { "selectattr", filter_selectattr },
  { "slice", filter_slice },
  { "sort", filter_sort },
  { "sum", filter_sum },
  { "unique", filter_unique },
};

tfilter_fn
pe_t_list_filter (const char *name, size_t n)
{
  for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
    if (strlen (filters[i].name) == n && memcmp (filters[i].name, name, n) == 0)
      return filters[i].fn;
  return NULL;
}
