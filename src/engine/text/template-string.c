/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operations on strings. Pieces of a string keep their origin.
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

size_t
pe_t_find_last (const struct tstr *s, size_t begin, size_t end, const struct tstr *what)
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

bool
pe_t_add_part (struct teval *t, struct tval string, size_t begin, size_t end, struct tlist *list)
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
    if (!pe_t_add_part (t, string, begin, keep_ends ? i : end, out->list))
      return false;
    begin = i;
  }
  return begin == s->n || pe_t_add_part (t, string, begin, s->n, out->list);
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
