/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The filters behind "|", but for those that walk lists (template-filter-list.c).
 */
#include "base/number.h"
#include "engine/text/char.h"
#include "engine/text/template-filter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool
soft_string (struct teval *t, struct tval v, struct tval *out)
{
  return pe_t_to_string (t, v, out);
}

static bool
no_arguments (struct teval *t, const struct targs *args)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  return pe_t_bind (t, "filter", args, "", 0, a);
}

/* ---- text ---- */

static bool
filter_case (struct teval *t, struct tval v, const struct targs *args, int how, struct tval *out)
{
  return no_arguments (t, args) && soft_string (t, v, &v) && pe_t_convert_case (t, v, how, out);
}

FILTER (filter_upper)
{
  return filter_case (t, v, args, PE_T_UPPER, out);
}

FILTER (filter_lower)
{
  return filter_case (t, v, args, PE_T_LOWER, out);
}

FILTER (filter_capitalize)
{
  return filter_case (t, v, args, PE_T_CAPITALIZE, out);
}

/* Words begin behind white space and "-([{<": an apostrophe does not begin one. */
FILTER (filter_title)
{
  struct tbuilder b = { .t = t };
  bool first = true;
  if (!no_arguments (t, args) || !soft_string (t, v, &v) || !pe_t_spend (t, v.string->n / 16))
    return false;
  for (size_t i = 0; i < v.string->n;) {
    uint32_t c;
    struct tval one;
    unsigned length = pe_t_char_at (v.string, i, &c);
    bool separates = pe_char_is_space (c) || (c < 0x80 && c && strchr ("-([{<", (int) c));
    if (!pe_t_substring (t, v, i, i + length, &one) ||
        !pe_t_convert_case (t, one, first ? PE_T_UPPER : PE_T_LOWER, &one) ||
        !pe_t_put_string (&b, one.string))
      return false;
    first = separates;
    i += length;
  }
  return pe_t_finish (&b, out);
}

FILTER (filter_trim)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  return pe_t_bind (t, "trim", args, "chars", 0, a) && soft_string (t, v, &v) &&
         pe_t_strip (t, v, a[0], true, true, out);
}

FILTER (filter_string)
{
  return no_arguments (t, args) && soft_string (t, v, out);
}

FILTER (filter_safe)
{
  if (!no_arguments (t, args) || !pe_t_to_string (t, v, out))
    return false;
  out->is_markup = true;
  return true;
}

FILTER (filter_escape)
{
  return no_arguments (t, args) && pe_t_escape (t, v, out);
}

FILTER (filter_forceescape)
{
  if (!no_arguments (t, args) || !pe_t_to_string (t, v, &v))
    return false;
  v.is_markup = false;
  return pe_t_escape (t, v, out);
}

FILTER (filter_replace)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  int64_t count;
  if (!pe_t_bind (t, "replace", args, "old,new,count", 2, a))
    return false;
  if (a[2].kind == T_NONE)
    a[2].kind = T_MISSING;
  if (!pe_t_int_arg (t, a[2], -1, &count) || !pe_t_to_string (t, v, &v) ||
      !pe_t_to_string (t, a[0], &a[0]) || !pe_t_to_string (t, a[1], &a[1]))
    return false;
  v.is_markup = false;
  return pe_t_replace (t, v, a[0], a[1], count, out);
}

FILTER (filter_center)
{
  struct tval a[PE_T_MAX_PARAMETERS], space;
  int64_t width;
  if (!pe_t_bind (t, "center", args, "width", 0, a) || !pe_t_int_arg (t, a[0], 80, &width) ||
      !soft_string (t, v, &v) || !pe_t_text (t, " ", &space))
    return false;
  int64_t n = (int64_t) v.string->n_chars, pad = width > n ? width - n : 0;
  int64_t left = pad / 2 + (pad & width & 1);
  return pe_t_pad (t, v, left, pad - left, space, out);
}

FILTER (filter_format)
{
  struct tval right;
  if (!soft_string (t, v, &v))
    return false;
  if (args->n && args->n_keywords)
    return pe_t_fail (t, "format takes positional or named arguments, not both");
  if (args->n_keywords) {
    if (!pe_t_dict_new (t, T_DICT, &right))
      return false;
    for (size_t i = 0; i < args->n_keywords; i++) {
      struct tval key;
      if (!pe_t_string (t, args->keywords[i].name, args->keywords[i].n, false, &key) ||
          !pe_t_dict_set (t, right.dict, key, args->keywords[i].value))
        return false;
    }
  } else {
    if (!pe_t_list_new (t, T_TUPLE, args->n, &right))
      return false;
    for (size_t i = 0; i < args->n; i++)
      if (!pe_t_list_add (t, right.list, args->values[i]))
        return false;
  }
  return pe_t_percent (t, v, right, out);
}

static bool
indent_lines (struct tbuilder *b, struct tval indent, const struct tlist *lines, bool blank)
{
  for (size_t i = 0; i < lines->n; i++) {
    bool indented = i > 0 && (blank || lines->items[i].string->n > 0);
    if ((i && !pe_t_put_text (b, "\n")) || (indented && !pe_t_put_string (b, indent.string)) ||
        !pe_t_put_string (b, lines->items[i].string))
      return false;
  }
  return true;
}

FILTER (filter_indent)
{
  struct tval a[PE_T_MAX_PARAMETERS], lines;
  struct tbuilder b = { .t = t }, with_end = { .t = t };
  bool first, blank;
  if (!pe_t_bind (t, "indent", args, "width,first,blank", 0, a) || !soft_string (t, v, &v) ||
      !pe_t_bool_arg (t, a[1], false, &first) || !pe_t_bool_arg (t, a[2], false, &blank))
    return false;
  if (a[0].kind != T_STRING) {
    int64_t width;
    struct tval space;
    if (!pe_t_int_arg (t, a[0], 4, &width) || !pe_t_text (t, " ", &space) ||
        !pe_t_pad (t, t_empty_string (), width, 0, space, &a[0]))
      return false;
  }
  if (!pe_t_put_string (&with_end, v.string) || !pe_t_put_text (&with_end, "\n") ||
      !pe_t_finish (&with_end, &v) || !pe_t_splitlines (t, v, false, &lines) ||
      (first && !pe_t_put_string (&b, a[0].string)))
    return false;
  return indent_lines (&b, a[0], lines.list, blank) && pe_t_finish (&b, out);
}

FILTER (filter_truncate)
{
  struct tval a[PE_T_MAX_PARAMETERS], end;
  int64_t length, leeway;
  bool kill;
  struct tbuilder b = { .t = t };
  if (!pe_t_bind (t, "truncate", args, "length,killwords,end,leeway", 0, a) ||
      !pe_t_int_arg (t, a[0], 255, &length) || !pe_t_bool_arg (t, a[1], false, &kill))
    return false;
  if (a[3].kind == T_NONE)
    a[3].kind = T_MISSING;
  if (!pe_t_int_arg (t, a[3], 5, &leeway) || !soft_string (t, v, &v) ||
      !(a[2].kind == T_MISSING ? pe_t_text (t, "...", &end) : pe_t_to_string (t, a[2], &end)))
    return false;
  int64_t n_end = (int64_t) end.string->n_chars;
  if (length < n_end || leeway < 0)
    return pe_t_fail (t, "truncate() expects a length of at least %lld", (long long) n_end);
  if ((int64_t) v.string->n_chars <= length || (int64_t) v.string->n_chars - length <= leeway) {
    *out = v;
    return true;
  }
  size_t cut = pe_t_char_offset (v.string, (size_t) (length - n_end));
  const char *space = kill ? NULL : memrchr (v.string->data, ' ', cut);
  return pe_t_put_slice (&b, v.string, 0, space ? (size_t) (space - v.string->data) : cut) &&
         pe_t_put_string (&b, end.string) && pe_t_finish (&b, out);
}

FILTER (filter_wordcount)
{
  int64_t n = 0;
  bool inside = false;
  if (!no_arguments (t, args) || !soft_string (t, v, &v))
    return false;
  for (size_t i = 0; i < v.string->n;) {
    uint32_t c;
    i += pe_t_char_at (v.string, i, &c);
    bool word = c == '_' || pe_char_is_alpha (c) || pe_char_is_numeric (c);
    n += word && !inside;
    inside = word;
  }
  *out = t_int (n);
  return true;
}

static bool
put_url_quoted (struct tbuilder *b, const struct tstr *s, bool is_query)
{
  for (size_t i = 0; i < s->n; i++) {
    unsigned char c = (unsigned char) s->data[i];
    char text[4];
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 (c && strchr ("_.-~", c)) || (c == '/' && !is_query);
    if (plain)
      snprintf (text, sizeof text, "%c", c);
    else if (c == ' ' && is_query)
      snprintf (text, sizeof text, "+");
    else
      snprintf (text, sizeof text, "%%%02X", c);
    if (!pe_t_put (b, text, strlen (text), pe_t_origin (s, i)))
      return false;
  }
  return true;
}

FILTER (filter_urlencode)
{
  struct tbuilder b = { .t = t };
  struct tlist items;
  struct tval key, value;
  if (!no_arguments (t, args))
    return false;
  if (v.kind == T_STRING || (v.kind != T_DICT && v.kind != T_LIST && v.kind != T_TUPLE))
    return soft_string (t, v, &v) && put_url_quoted (&b, v.string, false) && pe_t_finish (&b, out);
  struct tview view = { .dict = v.dict, .what = VIEW_ITEMS };
  if (!pe_t_iterate (t, v.kind == T_DICT ? (struct tval){ .kind = T_VIEW, .view = &view } : v,
                     &items))
    return false;
  for (size_t i = 0; i < items.n; i++) {
    struct tlist pair;
    if (!pe_t_iterate (t, items.items[i], &pair))
      return false;
    if (pair.n != 2)
      return pe_t_fail (t, "urlencode expects pairs");
    if (!soft_string (t, pair.items[0], &key) || !soft_string (t, pair.items[1], &value) ||
        (i && !pe_t_put_text (&b, "&")) || !put_url_quoted (&b, key.string, true) ||
        !pe_t_put_text (&b, "=") || !put_url_quoted (&b, value.string, true))
      return false;
  }
  return pe_t_finish (&b, out);
}

FILTER (filter_filesizeformat)
{
  static const char letters[] = "kMGTPEZY";
  struct tval a[PE_T_MAX_PARAMETERS], number;
  struct targs none = { 0 };
  bool binary;
  char text[64];
  if (!pe_t_bind (t, "filesizeformat", args, "binary", 0, a) ||
      !pe_t_bool_arg (t, a[0], false, &binary) || !pe_t_filter (t, "float", 5, v, &none, &number))
    return false;
  double bytes = number.real, base = binary ? 1024 : 1000, unit = base;
  size_t i = 0;
  if (bytes == 1 || bytes < base) {
    snprintf (text, sizeof text, bytes == 1 ? "1 Byte" : "%.0f Bytes", trunc (bytes));
    return pe_t_text (t, text, out);
  }
  while (i + 1 < strlen (letters) && bytes >= unit * base) {
    unit *= base;
    i++;
  }
  int64_t tenths = (int64_t) (bytes / unit * 10);
  double rounded;
  if (!pe_t_round (bytes / unit, 1, &rounded))
    return pe_t_fail (t, "filesizeformat expects a number");
  tenths = (int64_t) llround (rounded * 10);
  snprintf (text, sizeof text, "%lld.%lld %c%sB", (long long) (tenths / 10),
            (long long) (tenths % 10), binary && i == 0 ? 'K' : letters[i], binary ? "i" : "");
  return pe_t_text (t, text, out);
}

FILTER (filter_tojson)
{
  return pe_t_tojson (t, v, args, out);
}

/* ---- numbers ---- */

static bool
parse_integer (struct teval *t, struct tval v, int base, struct tval *out, bool *ok)
{
  struct tval stripped;
  int64_t value;
  bool too_big;
  if (!pe_t_strip (t, v, t_none (), true, true, &stripped))
    return false;
  *ok = pe_t_parse_int (stripped.string->data, stripped.string->n, base, &value, &too_big);
  if (*ok && too_big)
    return pe_t_limit (t, "an integer beyond 64 bits");
  if (*ok)
    *out = t_int (value);
  return true;
}

static bool
parse_real (struct teval *t, struct tval v, double *out, bool *ok)
{
  struct tval s;
  char text[512];
  size_t n = 0;
  if (!pe_t_strip (t, v, t_none (), true, true, &s))
    return false;
  *ok = s.string->n > 0 && s.string->n < sizeof text;
  for (size_t i = 0; *ok && i < s.string->n; i++) {
    char c = s.string->data[i];
    if (c == '_') /* only between digits */
      *ok = i > 0 && s.string->data[i - 1] >= '0' && s.string->data[i - 1] <= '9' &&
            s.string->data[i + 1] >= '0' && s.string->data[i + 1] <= '9';
    else if (c == 'x' || c == 'X' || c == '(')
      *ok = false;
    else
      text[n++] = c;
  }
  *ok = *ok && pe_double_parse (text, n, out);
  return true;
}

FILTER (filter_int)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  int64_t base;
  bool ok = false;
  double real = 0;
  if (!pe_t_bind (t, "int", args, "default,base", 0, a) || !pe_t_int_arg (t, a[1], 10, &base))
    return false;
  *out = a[0].kind == T_MISSING ? t_int (0) : a[0];
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (t_is_integer (v)) {
    *out = t_int (t_integer (v));
    return true;
  }
  if (v.kind == T_STRING) {
    if (base != 0 && (base < 2 || base > 36))
      return pe_t_fail (t, "int() base must be >= 2 and <= 36, or 0");
    struct tval parsed;
    if (!parse_integer (t, v, (int) base, &parsed, &ok))
      return false;
    if (ok)
      *out = parsed;
    if (ok || !parse_real (t, v, &real, &ok))
      return ok;
  } else if (v.kind == T_FLOAT) {
    real = v.real;
    ok = true;
  }
  if (!ok || !isfinite (real))
    return true;
  if (fabs (real) >= 9223372036854775807.0)
    return pe_t_limit (t, "an integer beyond 64 bits");
  *out = t_int ((int64_t) real);
  return true;
}

FILTER (filter_float)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  bool ok = false;
  double real;
  if (!pe_t_bind (t, "float", args, "default", 0, a))
    return false;
  *out = a[0].kind == T_MISSING ? t_float (0) : a[0];
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (v.kind == T_STRING) {
    if (!parse_real (t, v, &real, &ok))
      return false;
    if (ok)
      *out = t_float (real);
  } else if (t_is_number (v)) {
    *out = t_float (t_real (v));
  }
  return true;
}

FILTER (filter_abs)
{
  bool negative = t_is_number (v) && t_real (v) < 0;
  if (!no_arguments (t, args))
    return false;
  if (v.kind == T_FLOAT) {
    *out = t_float (fabs (v.real));
    return true;
  }
  return pe_t_negate (t, v, negative, out);
}

FILTER (filter_round)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  int64_t digits;
  const char *method = "common";
  if (!pe_t_bind (t, "round", args, "precision,method", 0, a) ||
      !pe_t_int_arg (t, a[0], 0, &digits))
    return false;
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (a[1].kind == T_STRING)
    method = a[1].string->data;
  if (strcmp (method, "common") != 0 && strcmp (method, "ceil") != 0 &&
      strcmp (method, "floor") != 0)
    return pe_t_fail (t, "method must be common, ceil or floor");
  if (!t_is_number (v))
    return pe_t_fail (t, "type %s doesn't define __round__ method", pe_t_type_name (v));
  if (strcmp (method, "common") != 0) {
    double scale = pow (10, (double) digits), scaled = t_real (v) * scale;
    if (!isfinite (scaled) || scale == 0)
      return pe_t_fail (t, "numerical result out of range");
    *out = t_float ((strcmp (method, "ceil") == 0 ? ceil (scaled) : floor (scaled)) / scale);
    return true;
  }
  if (t_is_integer (v) && digits >= 0) {
    *out = t_int (t_integer (v));
    return true;
  }
  double rounded;
  if (!pe_t_round (t_real (v), digits, &rounded))
    return pe_t_fail (t, "numerical result out of range");
  *out = t_is_integer (v) ? t_int ((int64_t) rounded) : t_float (rounded);
  return true;
}

/* ---- any value ---- */

FILTER (filter_default)
{
  struct tval a[PE_T_MAX_PARAMETERS];
  bool falsy, truth;
  if (!pe_t_bind (t, "default", args, "default_value,boolean", 0, a) ||
      !pe_t_bool_arg (t, a[1], false, &falsy))
    return false;
  truth = true;
  if (falsy && !pe_t_truth (t, v, &truth))
    return false;
  *out = v;
  if (v.kind == T_UNDEFINED || !truth)
    *out = a[0].kind == T_MISSING ? t_empty_string () : a[0];
  return true;
}

FILTER (filter_length)
{
  size_t n;
  if (!no_arguments (t, args) || !pe_t_length (t, v, &n))
    return false;
  *out = t_int ((int64_t) n);
  return true;
}

FILTER (filter_attr)
{
  struct tval a[PE_T_MAX_PARAMETERS], name;
  if (!pe_t_bind (t, "attr", args, "name", 1, a) || !pe_t_to_string (t, a[0], &name))
    return false;
  if (v.kind != T_DICT)
    return pe_t_attr (t, v, name.string->data, name.string->n, out);
  /* Only attributes proper: a dictionary has just its methods. */
  static struct tdict none;
  struct tval empty = { .kind = T_DICT, .dict = &none };
  bool forbidden;
  if (pe_t_method (v, name.string->data, name.string->n, &forbidden))
    return pe_t_attr (t, v, name.string->data, name.string->n, out);
  return pe_t_attr (t, empty, name.string->data, name.string->n, out);
}

/* ---- by name ---- */

static const struct filter filters[] = {
  { "abs", filter_abs },
  { "attr", filter_attr },
  { "capitalize", filter_capitalize },
  { "center", filter_center },
  { "count", filter_length },
  { "d", filter_default },
  { "default", filter_default },
  { "e", filter_escape },
  { "escape", filter_escape },
  { "filesizeformat", filter_filesizeformat },
  { "float", filter_float },
  { "forceescape", filter_forceescape },
  { "format", filter_format },
  { "indent", filter_indent },
  { "int", filter_int },
  { "length", filter_length },
  { "lower", filter_lower },
  { "replace", filter_replace },
  { "round", filter_round },
  { "safe", filter_safe },
  { "string", filter_string },
  { "title", filter_title },
  { "tojson", filter_tojson },
  { "trim", filter_trim },
  { "truncate", filter_truncate },
  { "upper", filter_upper },
  { "urlencode", filter_urlencode },
  { "wordcount", filter_wordcount },
};

static tfilter_fn
find_filter (const char *name, size_t n)
{
  for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
    if (strlen (filters[i].name) == n && memcmp (filters[i].name, name, n) == 0)
      return filters[i].fn;
  return pe_t_list_filter (name, n);
}

bool
pe_t_filter_exists (const char *name, size_t n)
{
  return find_filter (name, n) != NULL;
}

bool
pe_t_filter (struct teval *t, const char *name, size_t n, struct tval value,
             const struct targs *args, struct tval *out)
{
  tfilter_fn fn = find_filter (name, n);
  if (!fn)
    return pe_t_fail (t, "no filter named '%.*s'", n > 60 ? 60 : (int) n, name);
  return pe_t_spend (t, 1) && pe_t_stack (t) && fn (t, value, args, out);
}
