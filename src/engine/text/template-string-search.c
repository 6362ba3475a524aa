/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Methods that look for one string in another.
 */
#include "engine/text/template-string-method.h"

#include "engine/text/template-names.h"

#include <string.h>

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
  if (!pe_t_string_arg (t, affix, &affix))
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

METHOD (startswith)
{
  return affix_method (t, self, args, PREFIX, out);
}

METHOD (endswith)
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

METHOD (removeprefix)
{
  return remove_affix (t, self, args, PREFIX, out);
}

METHOD (removesuffix)
{
  return remove_affix (t, self, args, SUFFIX, out);
}

METHOD (replace)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  int64_t count;
  return pe_t_bind (t, "replace", args, "old,new,count", 2, v) &&
         pe_t_string_arg (t, v[0], &v[0]) && pe_t_string_arg (t, v[1], &v[1]) &&
         pe_t_int_arg (t, v[2], -1, &count) && pe_t_replace (t, self, v[0], v[1], count, out);
}

static bool
find_method (struct teval *t, struct tval self, const struct targs *args, bool last, bool required,
             struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  const struct tstr *s = self.string;
  size_t begin, end;
  if (!pe_t_bind (t, "find", args, "sub,start,end", 1, v) || !pe_t_string_arg (t, v[0], &v[0]) ||
      !bounds (t, s, v[1], v[2], &begin, &end))
    return false;
  size_t at = begin == SIZE_MAX ? SIZE_MAX
              : last            ? pe_t_find_last (s, begin, end, v[0].string)
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

METHOD (find)
{
  return find_method (t, self, args, false, false, out);
}

METHOD (rfind)
{
  return find_method (t, self, args, true, false, out);
}

METHOD (index)
{
  return find_method (t, self, args, false, true, out);
}

METHOD (rindex)
{
  return find_method (t, self, args, true, true, out);
}

METHOD (count)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  const struct tstr *s = self.string;
  size_t begin, end, found;
  int64_t n = 0;
  if (!pe_t_bind (t, "count", args, "sub,start,end", 1, v) || !pe_t_string_arg (t, v[0], &v[0]) ||
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
