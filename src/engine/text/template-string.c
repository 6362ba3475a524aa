/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operations on strings and Python's str methods. Pieces of a string keep their origin.
 */
#include "base/utf8.h"
#include "engine/text/char.h"
#include "engine/text/template-names.h"

#include <string.h>

/* ---- case ---- */

/* A capital sigma at `at` that ends a word becomes the final form, as Unicode's SpecialCasing
 * says: a cased letter before it and none after it, marks passed over. */
static bool
is_final_sigma (const struct tstr *s, size_t at)
{
  uint32_t c;
  size_t before = at;
  bool cased = false;
  while (before > 0) {
    before--;
    if (((unsigned char) s->data[before] & 0xc0) == 0x80)
      continue;
    pe_t_char_at (s, before, &c);
    if (pe_char_is_case_ignorable (c))
      continue;
    cased = pe_char_is_cased (c);
    break;
  }
  if (!cased)
    return false;
  for (size_t i = at + 2; i < s->n;) {
    i += pe_t_char_at (s, i, &c);
    if (!pe_char_is_case_ignorable (c))
      return !pe_char_is_cased (c);
  }
  return true;
}

static bool
put_case (struct tbuilder *b, const struct tstr *s, size_t at, uint32_t c, enum pe_case to)
{
  uint32_t converted[3];
  bool origin = pe_t_origin (s, at);
  if (to == PE_CASE_LOWER && c == 0x3a3)
    return pe_t_put_char (b, is_final_sigma (s, at) ? 0x3c2 : 0x3c3, origin);
  unsigned n = pe_char_convert (c, to, converted);
  for (unsigned i = 0; i < n; i++)
    if (!pe_t_put_char (b, converted[i], origin))
      return false;
  return true;
}

static enum pe_case
case_of (int how, uint32_t c, bool first, bool after_letter)
{
  switch (how) {
  case PE_T_UPPER: return PE_CASE_UPPER;
  case PE_T_FOLD: return PE_CASE_FOLD;
  case PE_T_TITLE: return after_letter ? PE_CASE_LOWER : PE_CASE_TITLE;
  case PE_T_CAPITALIZE: return first ? PE_CASE_TITLE : PE_CASE_LOWER;
  case PE_T_SWAP: return pe_char_is_upper (c) ? PE_CASE_LOWER : PE_CASE_UPPER;
  default: return PE_CASE_LOWER;
  }
}

bool
pe_t_convert_case (struct teval *t, struct tval string, int how, struct tval *out)
{
  const struct tstr *s = string.string;
  struct tbuilder b = { .t = t };
  bool after_letter = false;
  if (!pe_t_spend (t, s->n / 16))
    return false;
  for (size_t i = 0; i < s->n;) {
    uint32_t c;
    unsigned length = pe_t_char_at (s, i, &c);
    bool changes = how != PE_T_SWAP || pe_char_is_upper (c) || pe_char_is_lower (c);
    if (changes ? !put_case (&b, s, i, c, case_of (how, c, i == 0, after_letter))
                : !pe_t_put_slice (&b, s, i, i + length))
      return false;
    after_letter = pe_char_is_cased (c);
    i += length;
  }
  if (!pe_t_finish (&b, out))
    return false;
  out->is_markup = string.is_markup;
  return true;
}

/* ---- finding and replacing ---- */

size_t
pe_t_find (const struct tstr *s, size_t begin, size_t end, const struct tstr *what)
{
  if (begin > end)
    return SIZE_MAX;
  const char *found = memmem (s->data + begin, end - begin, what->data, what->n);
  return found ? (size_t) (found - s->data) : SIZE_MAX;
}

static size_t
find_last (const struct tstr *s, size_t begin, size_t end, const struct tstr *what)
{
  if (end < begin || what->n > end - begin)
    return SIZE_MAX;
  for (size_t i = end - what->n + 1; i-- > begin;)
    if (memcmp (s->data + i, what->data, what->n) == 0)
      return i;
  return SIZE_MAX;
}

bool
pe_t_escape (struct teval *t, struct tval v, struct tval *out)
{
  struct tbuilder b = { .t = t };
  if (v.kind == T_STRING && v.is_markup) {
    *out = v;
    return true;
  }
  if (!pe_t_to_string (t, v, &v))
    return false;
  const struct tstr *s = v.string;
  size_t plain = 0;
  for (size_t i = 0; i < s->n; i++) {
    const char *entity = s->data[i] == '&'    ? "&amp;"
                         : s->data[i] == '<'  ? "&lt;"
                         : s->data[i] == '>'  ? "&gt;"
                         : s->data[i] == '"'  ? "&#34;"
                         : s->data[i] == '\'' ? "&#39;"
                                              : NULL;
    if (!entity)
      continue;
    if (!pe_t_put_slice (&b, s, plain, i) ||
        !pe_t_put (&b, entity, strlen (entity), pe_t_origin (s, i)))
      return false;
    plain = i + 1;
  }
  if (!pe_t_put_slice (&b, s, plain, s->n) || !pe_t_finish (&b, out))
    return false;
  out->is_markup = true;
  return true;
}

bool
pe_t_replace (struct teval *t, struct tval string, struct tval from, struct tval to, int64_t count,
              struct tval *out)
{
  const struct tstr *s = string.string;
  struct tbuilder b = { .t = t };
  size_t at = 0;
  if (string.is_markup && !to.is_markup && !pe_t_escape (t, to, &to))
    return false;
  for (; count != 0; count--) {
    size_t found = pe_t_find (s, at, s->n, from.string);
    if (found == SIZE_MAX)
      break;
    if (!pe_t_spend (t, 1) || !pe_t_put_slice (&b, s, at, found) ||
        !pe_t_put_string (&b, to.string))
      return false;
    at = found + from.string->n;
    if (from.string->n == 0) { /* between all characters, and at both ends */
      uint32_t c;
      if (at >= s->n) {
        at = SIZE_MAX;
        break;
      }
      unsigned length = pe_t_char_at (s, at, &c);
      if (!pe_t_put_slice (&b, s, at, at + length))
        return false;
      at += length;
    }
  }
  if ((at < s->n && !pe_t_put_slice (&b, s, at, s->n)) || !pe_t_finish (&b, out))
    return false;
  out->is_markup = string.is_markup;
  return true;
}

static bool
has_char (const struct tstr *chars, uint32_t wanted)
{
  uint32_t c;
  for (size_t i = 0; i < chars->n;) {
    i += pe_t_char_at (chars, i, &c);
    if (c == wanted)
      return true;
  }
  return false;
}

bool
pe_t_strip (struct teval *t, struct tval string, struct tval chars, bool left, bool right,
            struct tval *out)
{
  const struct tstr *s = string.string;
  size_t begin = 0, end = s->n;
  bool any_space = chars.kind != T_STRING;
  if (!any_space && !pe_t_spend (t, chars.string->n))
    return false;
  while (left && begin < end) {
    uint32_t c;
    unsigned length = pe_t_char_at (s, begin, &c);
    if (any_space ? !pe_char_is_space (c) : !has_char (chars.string, c))
      break;
    begin += length;
    if (!any_space && !pe_t_spend (t, 1 + chars.string->n / 64))
      return false;
  }
  while (right && end > begin) {
    size_t last = end - 1;
    uint32_t c;
    while (last > begin && ((unsigned char) s->data[last] & 0xc0) == 0x80)
      last--;
    pe_t_char_at (s, last, &c);
    if (any_space ? !pe_char_is_space (c) : !has_char (chars.string, c))
      break;
    end = last;
    if (!any_space && !pe_t_spend (t, 1 + chars.string->n / 64))
      return false;
  }
  return pe_t_substring (t, string, begin, end, out);
}

static bool
is_line_end (uint32_t c)
{
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

static bool
add_part (struct teval *t, struct tval string, size_t begin, size_t end, struct tlist *list)
{
  struct tval part;
  return pe_t_spend (t, 1) && pe_t_substring (t, string, begin, end, &part) &&
         pe_t_list_add (t, list, part);
}

bool
pe_t_splitlines (struct teval *t, struct tval string, bool keep_ends, struct tval *out)
{
  const struct tstr *s = string.string;
  size_t begin = 0;
  if (!pe_t_list_new (t, T_LIST, 0, out))
    return false;
  for (size_t i = 0; i < s->n;) {
    uint32_t c;
    unsigned length = pe_t_char_at (s, i, &c);
    size_t end = i;
    i += length;
    if (!is_line_end (c))
      continue;
    if (c == '\r' && i < s->n && s->data[i] == '\n')
      i++;
    if (!add_part (t, string, begin, keep_ends ? i : end, out->list))
      return false;
    begin = i;
  }
  return begin == s->n || add_part (t, string, begin, s->n, out->list);
}

bool
pe_t_pad (struct teval *t, struct tval s, int64_t left, int64_t right, struct tval fill,
          struct tval *out)
{
  struct tbuilder b = { .t = t };
  int64_t total;
  if (left < 0)
    left = 0;
  if (right < 0)
    right = 0;
  if (__builtin_add_overflow (left, right, &total) || (uint64_t) total > t->limits.memory_bytes ||
      !pe_t_spend (t, (uint64_t) total / 8))
    return pe_t_limit (t, "it needs too much memory");
  for (int64_t i = 0; i < left; i++)
    if (!pe_t_put_string (&b, fill.string))
      return false;
  if (!pe_t_put_string (&b, s.string))
    return false;
  for (int64_t i = 0; i < right; i++)
    if (!pe_t_put_string (&b, fill.string))
      return false;
  if (!pe_t_finish (&b, out))
    return false;
  out->is_markup = s.is_markup;
  return true;
}

/* ---- arguments of methods ---- */

static bool
string_arg (struct teval *t, struct tval v, struct tval *out)
{
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (v.kind != T_STRING)
    return pe_t_fail (t, "expected a string, not %s", pe_t_type_name (v));
  *out = v;
  return true;
}

static bool
optional (struct tval v)
{
  return v.kind == T_MISSING || v.kind == T_NONE;
}

/* ---- methods ---- */

#define METHOD(name)                                                                               \
  static bool name (struct teval *t, struct tval self, const struct targs *args, struct tval *out)

static bool
no_arguments (struct teval *t, const struct targs *args)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  return pe_t_bind (t, "method", args, "", 0, v);
}

METHOD (str_upper)
{
  return no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_UPPER, out);
}

METHOD (str_lower)
{
  return no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_LOWER, out);
}

METHOD (str_casefold)
{
  return no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_FOLD, out);
}

METHOD (str_title)
{
  return no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_TITLE, out);
}

METHOD (str_capitalize)
{
  return no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_CAPITALIZE, out);
}

METHOD (str_swapcase)
{
  return no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_SWAP, out);
}

static bool
strip_method (struct teval *t, struct tval self, const struct targs *args, bool left, bool right,
              struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  if (!pe_t_bind (t, "strip", args, "chars", 0, v) ||
      (!optional (v[0]) && !string_arg (t, v[0], &v[0])))
    return false;
  return pe_t_strip (t, self, v[0], left, right, out);
}

METHOD (str_strip)
{
  return strip_method (t, self, args, true, true, out);
}

METHOD (str_lstrip)
{
  return strip_method (t, self, args, true, false, out);
}

METHOD (str_rstrip)
{
  return strip_method (t, self, args, false, true, out);
}

/* Words between stretches of white space. */
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
      return add_part (t, self, i, s->n, list);
    size_t begin = i;
    while (i < s->n && (length = pe_t_char_at (s, i, &c), !pe_char_is_space (c)))
      i += length;
    if (!add_part (t, self, begin, i, list))
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
    if (!add_part (t, rest, begin, end, list) || !pe_t_substring (t, rest, 0, begin, &rest))
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
  while (max != 0 && (found = right ? find_last (s, 0, end, separator)
                                    : pe_t_find (s, begin, end, separator)) != SIZE_MAX) {
    if (!add_part (t, self, right ? found + separator->n : begin, right ? end : found, list))
      return false;
    if (right)
      end = found;
    else
      begin = found + separator->n;
    max--;
  }
  if (!add_part (t, self, begin, end, list))
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
      (!optional (v[0]) && !string_arg (t, v[0], &v[0])) || !pe_t_list_new (t, T_LIST, 0, out) ||
      !pe_t_spend (t, self.string->n / 64))
    return false;
  if (max < 0)
    max = -1;
  if (!optional (v[0]))
    return split_at (t, self, v[0].string, max, right, out->list);
  return right ? rsplit_words (t, self, max, out->list) : split_words (t, self, max, out->list);
}

METHOD (str_split)
{
  return split_method (t, self, args, false, out);
}

METHOD (str_rsplit)
{
  return split_method (t, self, args, true, out);
}

METHOD (str_splitlines)
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
  if (!pe_t_bind (t, "partition", args, "sep", 1, v) || !string_arg (t, v[0], &v[0]) ||
      !pe_t_list_new (t, T_TUPLE, 3, out))
    return false;
  if (v[0].string->n == 0)
    return pe_t_fail (t, "empty separator");
  size_t at = right ? find_last (s, 0, s->n, v[0].string) : pe_t_find (s, 0, s->n, v[0].string);
  if (at == SIZE_MAX) {
    for (int i = 0; i < 3; i++)
      if (!pe_t_list_add (t, out->list, i == (right ? 2 : 0) ? self : t_empty_string ()))
        return false;
    return true;
  }
  size_t behind = at + v[0].string->n;
  return add_part (t, self, 0, at, out->list) && add_part (t, self, at, behind, out->list) &&
         add_part (t, self, behind, s->n, out->list);
}

METHOD (str_partition)
{
  return partition (t, self, args, false, out);
}

METHOD (str_rpartition)
{
  return partition (t, self, args, true, out);
}

/* Byte bounds of s[start:end], given in characters. */
static bool
bounds (struct teval *t, const struct tstr *s, struct tval start, struct tval end, size_t *begin,
        size_t *stop)
{
  int64_t n = (int64_t) s->n_chars, a, b;
  if (start.kind == T_NONE)
    start.kind = T_MISSING;
  if (end.kind == T_NONE)
    end.kind = T_MISSING;
  if (!pe_t_int_arg (t, start, 0, &a) || !pe_t_int_arg (t, end, n, &b))
    return false;
  a = a < 0 ? (a + n < 0 ? 0 : a + n) : a;
  b = b < 0 ? (b + n < 0 ? 0 : b + n) : b;
  *begin = a > n ? SIZE_MAX : pe_t_char_offset (s, (size_t) a);
  *stop = pe_t_char_offset (s, (size_t) (b > n ? n : b));
  return pe_t_spend (t, s->n / 64);
}

enum affix { PREFIX, SUFFIX };

static bool
has_affix (struct teval *t, const struct tstr *s, size_t begin, size_t end, struct tval affix,
           enum affix where, bool *out)
{
  if (!string_arg (t, affix, &affix))
    return false;
  size_t n = affix.string->n;
  *out = begin <= end && n <= end - begin &&
         memcmp (s->data + (where == PREFIX ? begin : end - n), affix.string->data, n) == 0;
  return true;
}

static bool
affix_method (struct teval *t, struct tval self, const struct targs *args, enum affix where,
              struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  size_t begin, end;
  bool found = false;
  if (!pe_t_bind (t, "startswith", args, "prefix,start,end", 1, v) ||
      !bounds (t, self.string, v[1], v[2], &begin, &end))
    return false;
  if (v[0].kind == T_TUPLE) {
    for (size_t i = 0; i < v[0].list->n && !found; i++)
      if (!has_affix (t, self.string, begin, end, v[0].list->items[i], where, &found))
        return false;
  } else if (!has_affix (t, self.string, begin, end, v[0], where, &found)) {
    return false;
  }
  *out = t_bool (found);
  return true;
}

METHOD (str_startswith)
{
  return affix_method (t, self, args, PREFIX, out);
}

METHOD (str_endswith)
{
  return affix_method (t, self, args, SUFFIX, out);
}

static bool
remove_affix (struct teval *t, struct tval self, const struct targs *args, enum affix where,
              struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  const struct tstr *s = self.string;
  bool found;
  if (!pe_t_bind (t, "removeprefix", args, "prefix", 1, v) ||
      !has_affix (t, s, 0, s->n, v[0], where, &found))
    return false;
  size_t n = found ? v[0].string->n : 0;
  return pe_t_substring (t, self, where == PREFIX ? n : 0, where == PREFIX ? s->n : s->n - n, out);
}

METHOD (str_removeprefix)
{
  return remove_affix (t, self, args, PREFIX, out);
}

METHOD (str_removesuffix)
{
  return remove_affix (t, self, args, SUFFIX, out);
}

METHOD (str_replace)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  int64_t count;
  return pe_t_bind (t, "replace", args, "old,new,count", 2, v) && string_arg (t, v[0], &v[0]) &&
         string_arg (t, v[1], &v[1]) && pe_t_int_arg (t, v[2], -1, &count) &&
         pe_t_replace (t, self, v[0], v[1], count, out);
}

static bool
find_method (struct teval *t, struct tval self, const struct targs *args, bool last, bool required,
             struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  const struct tstr *s = self.string;
  size_t begin, end;
  if (!pe_t_bind (t, "find", args, "sub,start,end", 1, v) || !string_arg (t, v[0], &v[0]) ||
      !bounds (t, s, v[1], v[2], &begin, &end))
    return false;
  size_t at = begin == SIZE_MAX ? SIZE_MAX
              : last            ? find_last (s, begin, end, v[0].string)
                                : pe_t_find (s, begin, end, v[0].string);
  if (at == SIZE_MAX) {
    *out = t_int (-1);
    return !required || pe_t_fail (t, "substring not found");
  }
  int64_t chars = 0;
  for (size_t i = 0; i < at; i++)
    chars += ((unsigned char) s->data[i] & 0xc0) != 0x80;
  *out = t_int (chars);
  return true;
}

METHOD (str_find)
{
  return find_method (t, self, args, false, false, out);
}

METHOD (str_rfind)
{
  return find_method (t, self, args, true, false, out);
}

METHOD (str_index)
{
  return find_method (t, self, args, false, true, out);
}

METHOD (str_rindex)
{
  return find_method (t, self, args, true, true, out);
}

METHOD (str_count)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  const struct tstr *s = self.string;
  size_t begin, end, found;
  int64_t n = 0;
  if (!pe_t_bind (t, "count", args, "sub,start,end", 1, v) || !string_arg (t, v[0], &v[0]) ||
      !bounds (t, s, v[1], v[2], &begin, &end))
    return false;
  if (begin > end) {
    *out = t_int (0);
    return true;
  }
  if (v[0].string->n == 0) {
    for (size_t i = begin; i < end; i++)
      n += ((unsigned char) s->data[i] & 0xc0) != 0x80;
    n++;
  } else {
    while ((found = pe_t_find (s, begin, end, v[0].string)) != SIZE_MAX) {
      begin = found + v[0].string->n;
      n++;
    }
  }
  *out = t_int (n);
  return true;
}

METHOD (str_join)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  struct tbuilder b = { .t = t };
  struct tlist items;
  if (!pe_t_bind (t, "join", args, "iterable", 1, v) || !pe_t_iterate (t, v[0], &items))
    return false;
  for (size_t i = 0; i < items.n; i++) {
    struct tval item = items.items[i];
    if (item.kind != T_STRING)
      return pe_t_fail (t, "sequence item %zu: expected str instance, %s found", i,
                        pe_t_type_name (item));
    if (self.is_markup && !pe_t_escape (t, item, &item))
      return false;
    if (!pe_t_spend (t, 1) || (i && !pe_t_put_string (&b, self.string)) ||
        !pe_t_put_string (&b, item.string))
      return false;
  }
  if (!pe_t_finish (&b, out))
    return false;
  out->is_markup = self.is_markup;
  return true;
}

static bool
pad_arguments (struct teval *t, const struct targs *args, int64_t *width, struct tval *fill)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  if (!pe_t_bind (t, "center", args, "width,fillchar", 1, v) || !pe_t_int_arg (t, v[0], 0, width))
    return false;
  if (v[1].kind == T_MISSING)
    return pe_t_text (t, " ", fill);
  *fill = v[1];
  return string_arg (t, v[1], fill) &&
         (fill->string->n_chars == 1 ||
          pe_t_fail (t, "the fill character must be exactly one character long"));
}

METHOD (str_center)
{
  int64_t width, n = (int64_t) self.string->n_chars;
  struct tval fill;
  if (!pad_arguments (t, args, &width, &fill))
    return false;
  int64_t pad = width > n ? width - n : 0, left = pad / 2 + (pad & width & 1);
  return pe_t_pad (t, self, left, pad - left, fill, out);
}

METHOD (str_ljust)
{
  int64_t width, n = (int64_t) self.string->n_chars;
  struct tval fill;
  return pad_arguments (t, args, &width, &fill) &&
         pe_t_pad (t, self, 0, width > n ? width - n : 0, fill, out);
}

METHOD (str_rjust)
{
  int64_t width, n = (int64_t) self.string->n_chars;
  struct tval fill;
  return pad_arguments (t, args, &width, &fill) &&
         pe_t_pad (t, self, width > n ? width - n : 0, 0, fill, out);
}

METHOD (str_zfill)
{
  struct tval v[PE_T_MAX_PARAMETERS], zero, sign, rest;
  int64_t width, n = (int64_t) self.string->n_chars;
  struct tbuilder b = { .t = t };
  if (!pe_t_bind (t, "zfill", args, "width", 1, v) || !pe_t_int_arg (t, v[0], 0, &width) ||
      !pe_t_text (t, "0", &zero))
    return false;
  char first = self.string->n ? self.string->data[0] : 0;
  size_t n_sign = first == '+' || first == '-';
  return pe_t_substring (t, self, 0, n_sign, &sign) &&
         pe_t_substring (t, self, n_sign, self.string->n, &rest) &&
         pe_t_pad (t, rest, width > n ? width - n : 0, 0, zero, &rest) &&
         pe_t_put_string (&b, sign.string) && pe_t_put_string (&b, rest.string) &&
         pe_t_finish (&b, out);
}

METHOD (str_expandtabs)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  struct tbuilder b = { .t = t };
  const struct tstr *s = self.string;
  int64_t size, column = 0;
  if (!pe_t_bind (t, "expandtabs", args, "tabsize", 0, v) || !pe_t_int_arg (t, v[0], 8, &size))
    return false;
  for (size_t i = 0; i < s->n;) {
    uint32_t c;
    unsigned length = pe_t_char_at (s, i, &c);
    int64_t spaces = c == '\t' && size > 0 ? size - column % size : 0;
    if (!pe_t_spend (t, 1 + (uint64_t) spaces))
      return false;
    for (int64_t k = 0; k < spaces; k++)
      if (!pe_t_put (&b, " ", 1, pe_t_origin (s, i)))
        return false;
    if (c != '\t' && !pe_t_put_slice (&b, s, i, i + length))
      return false;
    column = c == '\n' || c == '\r' ? 0 : column + (c == '\t' ? spaces : 1);
    i += length;
  }
  return pe_t_finish (&b, out);
}

METHOD (str_encode)
{
  *out = self;
  out->kind = T_BYTES;
  return args->n <= 1 || pe_t_fail (t, "encode() with these arguments is not supported");
}

METHOD (str_format)
{
  return pe_t_format (t, self, args, NULL, out);
}

METHOD (str_format_map)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  struct targs none = { 0 };
  if (!pe_t_bind (t, "format_map", args, "mapping", 1, v))
    return false;
  if (v[0].kind != T_DICT)
    return pe_t_fail (t, "format_map() expects a mapping");
  return pe_t_format (t, self, &none, v[0].dict, out);
}

/* ---- questions about a string ---- */

static bool
char_is_alnum (uint32_t c)
{
  return pe_char_is_alpha (c) || pe_char_is_numeric (c);
}

static bool
all_chars (const struct tstr *s, bool (*is) (uint32_t c))
{
  for (size_t i = 0; i < s->n;) {
    uint32_t c;
    i += pe_t_char_at (s, i, &c);
    if (!is (c))
      return false;
  }
  return true;
}

#define CHAR_METHOD(name, is)                                                                      \
  METHOD (name)                                                                                    \
  {                                                                                                \
    *out = t_bool (self.string->n > 0 && all_chars (self.string, is));                             \
    return no_arguments (t, args);                                                                 \
  }

CHAR_METHOD (str_isalpha, pe_char_is_alpha)
CHAR_METHOD (str_isdecimal, pe_char_is_decimal)
CHAR_METHOD (str_isdigit, pe_char_is_digit)
CHAR_METHOD (str_isnumeric, pe_char_is_numeric)
CHAR_METHOD (str_isspace, pe_char_is_space)
CHAR_METHOD (str_isalnum, char_is_alnum)

METHOD (str_isprintable)
{
  *out = t_bool (all_chars (self.string, pe_char_is_printable));
  return no_arguments (t, args);
}

METHOD (str_isascii)
{
  *out = t_bool (self.string->n == self.string->n_chars);
  return no_arguments (t, args);
}

METHOD (str_isidentifier)
{
  uint32_t c;
  bool ok = self.string->n > 0;
  for (size_t i = 0; ok && i < self.string->n;) {
    bool first = i == 0;
    i += pe_t_char_at (self.string, i, &c);
    ok = c == '_' || pe_char_is_alpha (c) || (!first && pe_char_is_decimal (c));
  }
  *out = t_bool (ok);
  return no_arguments (t, args);
}

/* Some cased character, and none of the other case. */
static bool
is_all_case (const struct tstr *s, bool upper)
{
  bool any = false;
  for (size_t i = 0; i < s->n;) {
    uint32_t c;
    i += pe_t_char_at (s, i, &c);
    if (pe_char_is_title (c) || (upper ? pe_char_is_lower (c) : pe_char_is_upper (c)))
      return false;
    any = any || (upper ? pe_char_is_upper (c) : pe_char_is_lower (c));
  }
  return any;
}

METHOD (str_isupper)
{
  *out = t_bool (is_all_case (self.string, true));
  return no_arguments (t, args);
}

METHOD (str_islower)
{
  *out = t_bool (is_all_case (self.string, false));
  return no_arguments (t, args);
}

METHOD (str_istitle)
{
  bool any = false, after_letter = false, ok = true;
  for (size_t i = 0; ok && i < self.string->n;) {
    uint32_t c;
    i += pe_t_char_at (self.string, i, &c);
    if (pe_char_is_upper (c) || pe_char_is_title (c))
      ok = !after_letter;
    else if (pe_char_is_lower (c))
      ok = after_letter;
    after_letter = pe_char_is_cased (c);
    any = any || after_letter;
  }
  *out = t_bool (ok && any);
  return no_arguments (t, args);
}

static const struct {
  const char *name;
  tmethod_fn fn;
} string_methods[] = {
  { "capitalize", str_capitalize },
  { "casefold", str_casefold },
  { "center", str_center },
  { "count", str_count },
  { "encode", str_encode },
  { "endswith", str_endswith },
  { "expandtabs", str_expandtabs },
  { "find", str_find },
  { "format", str_format },
  { "format_map", str_format_map },
  { "index", str_index },
  { "isalnum", str_isalnum },
  { "isalpha", str_isalpha },
  { "isascii", str_isascii },
  { "isdecimal", str_isdecimal },
  { "isdigit", str_isdigit },
  { "isidentifier", str_isidentifier },
  { "islower", str_islower },
  { "isnumeric", str_isnumeric },
  { "isprintable", str_isprintable },
  { "isspace", str_isspace },
  { "istitle", str_istitle },
  { "isupper", str_isupper },
  { "join", str_join },
  { "ljust", str_ljust },
  { "lower", str_lower },
  { "lstrip", str_lstrip },
  { "partition", str_partition },
  { "removeprefix", str_removeprefix },
  { "removesuffix", str_removesuffix },
  { "replace", str_replace },
  { "rfind", str_rfind },
  { "rindex", str_rindex },
  { "rjust", str_rjust },
  { "rpartition", str_rpartition },
  { "rsplit", str_rsplit },
  { "rstrip", str_rstrip },
  { "split", str_split },
  { "splitlines", str_splitlines },
  { "startswith", str_startswith },
  { "strip", str_strip },
  { "swapcase", str_swapcase },
  { "title", str_title },
  { "upper", str_upper },
  { "zfill", str_zfill },
};

tmethod_fn
pe_t_string_method (const char *name, size_t n)
{
  for (size_t i = 0; i < sizeof string_methods / sizeof *string_methods; i++)
    if (strlen (string_methods[i].name) == n && memcmp (string_methods[i].name, name, n) == 0)
      return string_methods[i].fn;
  return NULL;
}
