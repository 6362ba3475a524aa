/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Methods that cut a string: split, rsplit, splitlines, partition.
 */
#include "engine/text/template-string-method.h"

#include "engine/text/char.h"
#include "engine/text/template-names.h"

static bool
split_words (struct teval *t, struct tval self, int64_t max, struct tlist *list)
{
  const struct tstr *s = self.string;
  size_t i = 0;
  uint32_t c;
  for (;;) {
    unsigned length;
    while (i < s->n && (length = pe_t_char_at (s, i, &c), pe_char_is_space (c)))
      i += length;
    if (i == s->n)
      return true;
    if (max == 0)
      return pe_t_add_part (t, self, i, s->n, list);
    size_t begin = i;
    while (i < s->n && (length = pe_t_char_at (s, i, &c), !pe_char_is_space (c)))
      i += length;
    if (!pe_t_add_part (t, self, begin, i, list))
      return false;
    max--;
  }
}

static void
reverse (struct tlist *list)
{
  for (size_t i = 0, k = list->n; i + 1 < k; i++) {
    struct tval v = list->items[i];
    list->items[i] = list->items[--k];
    list->items[k] = v;
  }
}

static bool
rsplit_words (struct teval *t, struct tval self, int64_t max, struct tlist *list)
{
  const struct tstr *s = self.string;
  struct tval rest = self;
  for (;;) {
    if (!pe_t_strip (t, rest, t_none (), false, true, &rest))
      return false;
    size_t end = rest.string->n, begin = end;
    if (end == 0)
      break;
    if (max == 0) {
      if (!pe_t_strip (t, rest, t_none (), false, true, &rest) || !pe_t_list_add (t, list, rest))
        return false;
      break;
    }
    while (begin > 0) {
      size_t last = begin - 1;
      uint32_t c;
      while (last > 0 && ((unsigned char) s->data[last] & 0xc0) == 0x80)
        last--;
      pe_t_char_at (s, last, &c);
      if (pe_char_is_space (c))
        break;
      begin = last;
    }
    if (!pe_t_add_part (t, rest, begin, end, list) || !pe_t_substring (t, rest, 0, begin, &rest))
      return false;
    max--;
  }
  reverse (list);
  return true;
}

static bool
split_at (struct teval *t, struct tval self, const struct tstr *separator, int64_t max, bool right,
          struct tlist *list)
{
  const struct tstr *s = self.string;
  size_t begin = 0, end = s->n, found;
  if (separator->n == 0)
    return pe_t_fail (t, "empty separator");
  while (max != 0 && (found = right ? pe_t_find_last (s, 0, end, separator)
                                    : pe_t_find (s, begin, end, separator)) != SIZE_MAX) {
    if (!pe_t_add_part (t, self, right ? found + separator->n : begin, right ? end : found, list))
      return false;
    if (right)
      end = found;
    else
      begin = found + separator->n;
    max--;
  }
  if (!pe_t_add_part (t, self, begin, end, list))
    return false;
  if (right)
    reverse (list);
  return true;
}

static bool
split_method (struct teval *t, struct tval self, const struct targs *args, bool right,
              struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  int64_t max;
  if (!pe_t_bind (t, "split", args, "sep,maxsplit", 0, v) || !pe_t_int_arg (t, v[1], -1, &max) ||
      (!pe_t_is_default (v[0]) && !pe_t_string_arg (t, v[0], &v[0])) ||
      !pe_t_list_new (t, T_LIST, 0, out) || !pe_t_spend (t, self.string->n / 64))
    return false;
  if (max < 0)
    max = -1;
  if (!pe_t_is_default (v[0]))
    return split_at (t, self, v[0].string, max, right, out->list);
  return right ? rsplit_words (t, self, max, out->list) : split_words (t, self, max, out->list);
}

METHOD (split)
{
  return split_method (t, self, args, false, out);
}

METHOD (rsplit)
{
  return split_method (t, self, args, true, out);
}

METHOD (splitlines)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  bool keep;
  return pe_t_bind (t, "splitlines", args, "keepends", 0, v) &&
         pe_t_bool_arg (t, v[0], false, &keep) && pe_t_splitlines (t, self, keep, out);
}

static bool
partition (struct teval *t, struct tval self, const struct targs *args, bool right,
           struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  const struct tstr *s = self.string;
  if (!pe_t_bind (t, "partition", args, "sep", 1, v) || !pe_t_string_arg (t, v[0], &v[0]) ||
      !pe_t_list_new (t, T_TUPLE, 3, out))
    return false;
  if (v[0].string->n == 0)
    return pe_t_fail (t, "empty separator");
  size_t at =
      right ? pe_t_find_last (s, 0, s->n, v[0].string) : pe_t_find (s, 0, s->n, v[0].string);
  if (at == SIZE_MAX) {
    for (int i = 0; i < 3; i++)
      if (!pe_t_list_add (t, out->list, i == (right ? 2 : 0) ? self : t_empty_string ()))
        return false;
    return true;
  }
  size_t behind = at + v[0].string->n;
  return pe_t_add_part (t, self, 0, at, out->list) &&
         pe_t_add_part (t, self, at, behind, out->list) &&
         pe_t_add_part (t, self, behind, s->n, out->list);
}

METHOD (partition)
{
  return partition (t, self, args, false, out);
}

METHOD (rpartition)
{
  return partition (t, self, args, true, out);
}
