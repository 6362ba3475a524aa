/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Formatting: Python's % operator and str.format(), numbers, dates.
 */
#include "base/number.h"
#include "engine/text/template-names.h"

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_PRECISION 100

/* One field: [[fill]align][sign][#][0][width][,_][.precision][type]. */
struct spec {
  struct tval fill; /* a string of one character */
  char align;       /* '<' '>' '^' '=' or 0 */
  char sign;        /* '+' ' ' or 0 */
  bool alternate;
  char group;               /* ',' or '_' between groups of digits, or 0 */
  int64_t width, precision; /* precision -1: none */
  char type;                /* 0: by the value */
};

/* ---- numbers to text, ASCII ---- */

/* Digits of an integer without its sign. */
static void
integer_digits (int64_t value, char type, char out[72])
{
  uint64_t magnitude = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
  unsigned long long digits = magnitude;
  switch (type) {
  case 'x': snprintf (out, 72, "%llx", digits); return;
  case 'X': snprintf (out, 72, "%llX", digits); return;
  case 'o': snprintf (out, 72, "%llo", digits); return;
  case 'b': break;
  default: snprintf (out, 72, "%llu", digits); return;
  }
  char reversed[64];
  int n = 0;
  do
    reversed[n++] = (char) ('0' + (magnitude & 1));
  while (magnitude >>= 1);
  for (int i = 0; i < n; i++)
    out[i] = reversed[n - 1 - i];
  out[n] = 0;
}

/* snprintf follows the locale's decimal point; templates do not. */
static void
fix_decimal_point (char *text)
{
  const char *point = localeconv ()->decimal_point;
  char *found = strcmp (point, ".") != 0 && *point ? strstr (text, point) : NULL;
  if (!found)
    return;
  *found = '.';
  memmove (found + 1, found + strlen (point), strlen (found + strlen (point)) + 1);
}

#define FLOAT_TEXT_BYTES 512 /* 309 digits, a point, MAX_PRECISION more */

static void
float_digits (double value, char type, int precision, char out[FLOAT_TEXT_BYTES])
{
  const size_t size = FLOAT_TEXT_BYTES;
  value = fabs (value);
  switch (type) { /* infinity and NaN follow the case of the letter too */
  case 'e': snprintf (out, size, "%.*e", precision, value); break;
  case 'E': snprintf (out, size, "%.*E", precision, value); break;
  case 'f': snprintf (out, size, "%.*f", precision, value); break;
  case 'F': snprintf (out, size, "%.*F", precision, value); break;
  case 'G': snprintf (out, size, "%.*G", precision, value); break;
  default: snprintf (out, size, "%.*g", precision, value); break;
  }
  fix_decimal_point (out);
}

/* Puts a separator between groups of three of the whole part's digits. */
static void
group_digits (char *text, size_t size, char separator)
{
  size_t whole = strspn (text, "0123456789"), n = strlen (text);
  for (size_t i = whole; i > 3 && n + 2 < size;) {
    i -= 3;
    memmove (text + i + 1, text + i, n + 1 - i);
    text[i] = separator;
    n++;
  }
}

static bool
put_padded (struct tbuilder *b, const struct spec *spec, const char *prefix, struct tval body,
            char default_align)
{
  char align = spec->align ? spec->align : default_align;
  int64_t n = (int64_t) (strlen (prefix) + body.string->n_chars);
  int64_t pad = spec->width > n ? spec->width - n : 0;
  int64_t left = align == '>' ? pad : align == '^' ? pad / 2 : 0, inner = align == '=' ? pad : 0;
  struct tval text;
  struct teval *t = b->t;
  if (!pe_t_pad (t, t_empty_string (), left, 0, spec->fill, &text) ||
      !pe_t_put_string (b, text.string) || !pe_t_put_text (b, prefix) ||
      !pe_t_pad (t, t_empty_string (), inner, 0, spec->fill, &text) ||
      !pe_t_put_string (b, text.string) || !pe_t_put_string (b, body.string))
    return false;
  return pe_t_pad (t, t_empty_string (), pad - left - inner, 0, spec->fill, &text) &&
         pe_t_put_string (b, text.string);
}

static bool
put_integer (struct tbuilder *b, const struct spec *spec, int64_t value)
{
  char digits[160], prefix[8];
  char type = spec->type ? spec->type : 'd';
  struct tval body;
  integer_digits (value, type, digits);
  if (spec->group)
    group_digits (digits, sizeof digits, spec->group);
  bool marked = spec->alternate && (type == 'x' || type == 'X' || type == 'o' || type == 'b');
  snprintf (prefix, sizeof prefix, "%s%.1s%.1s", value < 0 ? "-" : "",
            value >= 0 ? &spec->sign : "", "");
  if (marked)
    snprintf (prefix + strlen (prefix), 4, "0%c", type);
  return pe_t_text (b->t, digits, &body) && put_padded (b, spec, prefix, body, '>');
}

static bool
put_float (struct tbuilder *b, const struct spec *spec, double value)
{
  char digits[FLOAT_TEXT_BYTES + 160], prefix[3] = "";
  struct tval body;
  int precision = spec->precision < 0 ? 6 : (int) spec->precision;
  char type = spec->type;
  if (precision > MAX_PRECISION)
    return pe_t_limit (b->t, "a precision of more than 100 digits");
  if (!type && spec->precision < 0)
    pe_double_format (fabs (value), digits);
  else
    float_digits (type == '%' ? value * 100 : value,
                  type == '%' ? 'f'
                  : type      ? type
                              : 'g',
                  precision, digits);
  if (spec->group)
    group_digits (digits, sizeof digits, spec->group);
  if (type == '%')
    snprintf (digits + strlen (digits), 2, "%%");
  if (signbit (value) && !isnan (value))
    prefix[0] = '-';
  else if (spec->sign)
    prefix[0] = spec->sign;
  return pe_t_text (b->t, digits, &body) && put_padded (b, spec, prefix, body, '>');
}

static bool
put_string_field (struct tbuilder *b, const struct spec *spec, struct tval s)
{
  if (spec->precision >= 0 && (uint64_t) spec->precision < s.string->n_chars &&
      !pe_t_substring (b->t, s, 0, pe_t_char_offset (s.string, (size_t) spec->precision), &s))
    return false;
  return put_padded (b, spec, "", s, '<');
}

/* ---- the % operator ---- */

struct percent {
  struct teval *t;
  struct tbuilder b;
  const struct tstr *format;
  size_t at;
  bool is_markup;
  struct tval args; /* the right side */
  size_t next;      /* positional argument */
};

static bool
next_argument (struct percent *p, struct tval *out)
{
  if (p->args.kind == T_TUPLE) {
    if (p->next >= p->args.list->n)
      return pe_t_fail (p->t, "not enough arguments for format string");
    *out = p->args.list->items[p->next++];
    return true;
  }
  if (p->next++)
    return pe_t_fail (p->t, "not enough arguments for format string");
  *out = p->args;
  return true;
}

static int
format_char (const struct percent *p)
{
  return p->at < p->format->n ? (unsigned char) p->format->data[p->at] : 0;
}

static bool
read_count (struct percent *p, int64_t *out)
{
  if (format_char (p) == '*') {
    struct tval v;
    p->at++;
    return next_argument (p, &v) && pe_t_int_arg (p->t, v, 0, out);
  }
  *out = 0;
  for (; format_char (p) >= '0' && format_char (p) <= '9'; p->at++) {
    *out = *out * 10 + (format_char (p) - '0');
    if (*out > INT_MAX)
      return pe_t_limit (p->t, "a field is too wide");
  }
  return true;
}

static bool
mapped_argument (struct percent *p, struct tval *out)
{
  const char *start = p->format->data + p->at + 1;
  const char *end = memchr (start, ')', p->format->n - p->at - 1);
  if (!end)
    return pe_t_fail (p->t, "incomplete format key");
  if (p->args.kind != T_DICT)
    return pe_t_fail (p->t, "format requires a mapping");
  struct tval *found = pe_t_dict_find (p->args.dict, start, (size_t) (end - start));
  if (!found)
    return pe_t_fail (p->t, "the mapping has no '%.*s'",
                      (int) (end - start > 60 ? 60 : end - start), start);
  *out = *found;
  p->at += (size_t) (end - start) + 2;
  return true;
}

static bool
put_conversion (struct percent *p, struct spec *spec, char type, struct tval v)
{
  struct teval *t = p->t;
  struct tval text;
  switch (type) {
  case 's':
    if (!pe_t_to_string (t, v, &text) || (p->is_markup && !pe_t_escape (t, v, &text)))
      return false;
    return put_padded (&p->b,
                       &(struct spec){ .fill = spec->fill,
                                       .align = spec->align ? '<' : '>',
                                       .width = spec->width },
                       "", spec->precision < 0 ? text : text, '>');
  case 'r':
  case 'a': {
    struct tbuilder b = { .t = t };
    return pe_t_put_repr (&b, v) && pe_t_finish (&b, &text) &&
           put_padded (&p->b, spec, "", text, '>');
  }
  case 'c':
    if (v.kind == T_STRING && v.string->n_chars == 1)
      return put_padded (&p->b, spec, "", v, '>');
    if (t_is_integer (v) && t_integer (v) >= 0 && t_integer (v) <= 0x10ffff) {
      struct tbuilder b = { .t = t };
      return pe_t_put_char (&b, (uint32_t) t_integer (v), false) && pe_t_finish (&b, &text) &&
             put_padded (&p->b, spec, "", text, '>');
    }
    return pe_t_fail (t, "%%c requires int or char");
  case 'd':
  case 'i':
  case 'u':
    if (v.kind == T_FLOAT && fabs (v.real) < 9e18)
      v = t_int ((int64_t) v.real);
    spec->type = 'd';
    if (t_is_integer (v))
      return put_integer (&p->b, spec, t_integer (v));
    return pe_t_fail (t, "%%%c format: a real number is required, not %s", type,
                      pe_t_type_name (v));
  case 'x':
  case 'X':
  case 'o':
    spec->type = type;
    if (t_is_integer (v))
      return put_integer (&p->b, spec, t_integer (v));
    return pe_t_fail (t, "%%%c format: an integer is required, not %s", type, pe_t_type_name (v));
  case 'e':
  case 'E':
  case 'f':
  case 'F':
  case 'g':
  case 'G':
    spec->type = type;
    if (t_is_number (v))
      return put_float (&p->b, spec, t_real (v));
    return pe_t_fail (t, "must be real number, not %s", pe_t_type_name (v));
  default: return pe_t_fail (t, "unsupported format character '%c'", type);
  }
}

/* Behind a '%'. */
static bool
put_percent_field (struct percent *p)
{
  struct spec spec = { .precision = -1 };
  struct tval v = { .kind = T_MISSING };
  bool zero = false;
  if (format_char (p) == '%') {
    p->at++;
    return pe_t_put_text (&p->b, "%");
  }
  if (format_char (p) == '(' && !mapped_argument (p, &v))
    return false;
  for (;; p->at++) {
    int c = format_char (p);
    if (c == '-')
      spec.align = '<';
    else if (c == '+')
      spec.sign = '+';
    else if (c == ' ' && !spec.sign)
      spec.sign = ' ';
    else if (c == '#')
      spec.alternate = true;
    else if (c == '0')
      zero = true;
    else if (c != ' ')
      break;
  }
  if (!read_count (p, &spec.width))
    return false;
  if (spec.width < 0) {
    spec.align = '<';
    spec.width = spec.width == INT64_MIN ? INT64_MAX : -spec.width;
  }
  if (format_char (p) == '.') {
    p->at++;
    if (!read_count (p, &spec.precision))
      return false;
  }
  while (format_char (p) == 'l' || format_char (p) == 'h' || format_char (p) == 'L')
    p->at++;
  char type = (char) format_char (p);
  if (!type)
    return pe_t_fail (p->t, "incomplete format");
  p->at++;
  if (v.kind == T_MISSING && !next_argument (p, &v))
    return false;
  bool is_number = strchr ("diuxXoeEfFgG", type) != NULL;
  if (zero && is_number && !spec.align)
    spec.align = '=';
  if (!pe_t_text (p->t, spec.align == '=' ? "0" : " ", &spec.fill))
    return false;
  if (type == 's' && spec.precision >= 0) {
    if (!pe_t_to_string (p->t, v, &v))
      return false;
    return spec.align ? put_string_field (&p->b, &spec, v)
                      : (spec.align = '>', put_string_field (&p->b, &spec, v));
  }
  return put_conversion (p, &spec, type, v);
}

bool
pe_t_percent (struct teval *t, struct tval format, struct tval args, struct tval *out)
{
  struct percent p = {
    .t = t, .b = { .t = t }, .format = format.string, .args = args, .is_markup = format.is_markup
  };
  const struct tstr *s = format.string;
  while (p.at < s->n) {
    const char *found = memchr (s->data + p.at, '%', s->n - p.at);
    size_t end = found ? (size_t) (found - s->data) : s->n;
    if (!pe_t_spend (t, 1) || !pe_t_put_slice (&p.b, s, p.at, end))
      return false;
    p.at = end;
    if (found) {
      p.at++;
      if (!put_percent_field (&p))
        return false;
    }
  }
  bool unused = args.kind == T_TUPLE ? p.next < args.list->n
                                     : args.kind != T_DICT && args.kind != T_LIST && p.next == 0;
  if (unused)
    return pe_t_fail (t, "not all arguments converted during string formatting");
  if (!pe_t_finish (&p.b, out))
    return false;
  out->is_markup = format.is_markup;
  return true;
}

/* ---- str.format() ---- */

struct formatter {
  struct teval *t;
  struct tval format;
  const struct targs *args;
  const struct tdict *mapping;
  size_t next; /* of the fields without a name */
  bool numbered;
};

static bool put_template (struct formatter *f, struct tbuilder *b, size_t begin, size_t end,
                          unsigned depth);

static bool
parse_spec (struct teval *t, struct tval text, struct spec *spec)
{
  const struct tstr *s = text.string;
  size_t i = 0;
  uint32_t c;
  *spec = (struct spec){ .precision = -1 };
  if (!pe_t_text (t, " ", &spec->fill))
    return false;
  if (s->n) {
    unsigned length = pe_t_char_at (s, 0, &c);
    if (length < s->n && strchr ("<>^=", s->data[length])) {
      spec->align = s->data[length];
      if (!pe_t_substring (t, text, 0, length, &spec->fill))
        return false;
      i = length + 1;
    } else if (strchr ("<>^=", s->data[0])) {
      spec->align = s->data[0];
      i = 1;
    }
  }
  const char *p = s->data + i;
  if (*p == '+' || *p == '-' || *p == ' ')
    spec->sign = *p++ == '-' ? 0 : p[-1];
  if (*p == '#') {
    spec->alternate = true;
    p++;
  }
  if (*p == '0') {
    if (!spec->align) {
      spec->align = '=';
      if (!pe_t_text (t, "0", &spec->fill))
        return false;
    }
    p++;
  }
  for (; *p >= '0' && *p <= '9'; p++)
    if ((spec->width = spec->width * 10 + (*p - '0')) > INT_MAX)
      return pe_t_limit (t, "a field is too wide");
  if (*p == ',' || *p == '_')
    spec->group = *p++;
  if (*p == '.') {
    p++;
    spec->precision = 0;
    if (*p < '0' || *p > '9')
      return pe_t_fail (t, "format specifier missing precision");
    for (; *p >= '0' && *p <= '9'; p++)
      if ((spec->precision = spec->precision * 10 + (*p - '0')) > INT_MAX)
        return pe_t_limit (t, "a field is too wide");
  }
  if (*p)
    spec->type = *p++;
  return (size_t) (p - s->data) == s->n || pe_t_fail (t, "invalid format specifier");
}

static bool
put_formatted (struct tbuilder *b, struct tval v, struct tval spec_text)
{
  struct teval *t = b->t;
  struct spec spec;
  if (!parse_spec (t, spec_text, &spec))
    return false;
  bool empty = spec_text.string->n == 0;
  if (t_is_integer (v) && !empty && (v.kind == T_INT || spec.type)) {
    if (!spec.type || strchr ("dxXob", spec.type)) {
      if (spec.precision >= 0)
        return pe_t_fail (t, "precision not allowed in integer format specifier");
      return put_integer (b, &spec, t_integer (v));
    }
    if (strchr ("eEfFgG%", spec.type))
      return put_float (b, &spec, t_real (v));
  } else if (v.kind == T_FLOAT && !empty) {
    if (!spec.type || strchr ("eEfFgG%", spec.type))
      return put_float (b, &spec, v.real);
  } else if (empty || v.kind == T_STRING) {
    if (!pe_t_to_string (t, v, &v))
      return false;
    if (spec.align == '=')
      spec.align = '<';
    if (!spec.type || spec.type == 's')
      return put_string_field (b, &spec, v);
  } else if (v.kind != T_BOOL) {
    return pe_t_fail (t, "unsupported format string passed to %s", pe_t_type_name (v));
  } else {
    return put_integer (b, &spec, v.boolean);
  }
  return pe_t_fail (t, "unknown format code '%c' for a value of type '%s'", spec.type,
                    pe_t_type_name (v));
}

static bool
all_digits (const char *s, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (s[i] < '0' || s[i] > '9')
      return false;
  return n > 0;
}

/* "name", "0", "" then ".attr" and "[key]". */
static bool
field_value (struct formatter *f, const char *s, size_t n, struct tval *out)
{
  struct teval *t = f->t;
  size_t first = 0;
  int64_t index;
  bool big;
  while (first < n && s[first] != '.' && s[first] != '[')
    first++;
  if (first == 0 || all_digits (s, first)) {
    if (first == 0)
      index = (int64_t) f->next++;
    else if (!pe_t_parse_int (s, first, 10, &index, &big))
      return pe_t_fail (t, "a field number is too large");
    if (f->mapping || (uint64_t) index >= f->args->n)
      return pe_t_fail (t, "replacement index %lld out of range", (long long) index);
    *out = f->args->values[index];
  } else {
    const struct tval *found = f->mapping ? pe_t_dict_find (f->mapping, s, first) : NULL;
    for (size_t i = 0; !found && i < f->args->n_keywords; i++)
      if (f->args->keywords[i].n == first && memcmp (f->args->keywords[i].name, s, first) == 0)
        found = &f->args->keywords[i].value;
    if (!found)
      return pe_t_fail (t, "format() was not given '%.*s'", first > 60 ? 60 : (int) first, s);
    *out = *found;
  }
  for (size_t i = first; i < n;) {
    size_t begin = i + 1, end = begin;
    if (s[i] == '.') {
      while (end < n && s[end] != '.' && s[end] != '[')
        end++;
      if (!pe_t_attr (t, *out, s + begin, end - begin, out))
        return false;
      i = end;
      continue;
    }
    while (end < n && s[end] != ']')
      end++;
    if (s[i] != '[' || end == n)
      return pe_t_fail (t, "damaged field name in format string");
    struct tval key;
    if (pe_t_parse_int (s + begin, end - begin, 10, &index, &big) && s[begin] != '-')
      key = t_int (index);
    else if (!pe_t_string (t, s + begin, end - begin, false, &key))
      return false;
    if (!pe_t_item (t, *out, key, out))
      return false;
    i = end + 1;
  }
  return true;
}

/* What stands between braces: name[!conversion][:spec]. */
static bool
put_field (struct formatter *f, struct tbuilder *b, size_t begin, size_t end, unsigned depth)
{
  struct teval *t = f->t;
  const char *s = f->format.string->data;
  size_t name_end = begin;
  struct tval v, spec;
  struct tbuilder spec_builder = { .t = t };
  char conversion = 0;
  while (name_end < end && s[name_end] != '!' && s[name_end] != ':') {
    if (s[name_end] == '[')
      while (name_end < end && s[name_end] != ']')
        name_end++;
    if (name_end < end)
      name_end++;
  }
  size_t spec_begin = name_end;
  if (spec_begin < end && s[spec_begin] == '!') {
    if (end - spec_begin < 2)
      return pe_t_fail (t, "a conversion is missing in a format string");
    conversion = s[spec_begin + 1];
    spec_begin += 2;
  }
  if (spec_begin < end && s[spec_begin] != ':')
    return pe_t_fail (t, "expected ':' after a conversion in a format string");
  if (!field_value (f, s + begin, name_end - begin, &v))
    return false;
  if (conversion == 'r' || conversion == 'a') {
    struct tbuilder repr = { .t = t };
    if (!pe_t_put_repr (&repr, v) || !pe_t_finish (&repr, &v))
      return false;
  } else if (conversion == 's') {
    if (!pe_t_to_string (t, v, &v))
      return false;
  } else if (conversion) {
    return pe_t_fail (t, "unknown conversion '%c' in a format string", conversion);
  }
  if (spec_begin < end && !put_template (f, &spec_builder, spec_begin + 1, end, depth + 1))
    return false;
  if (!pe_t_finish (&spec_builder, &spec))
    return false;
  if (f->format.is_markup && !pe_t_escape (t, v, &v))
    return false;
  return put_formatted (b, v, spec);
}

static bool
put_template (struct formatter *f, struct tbuilder *b, size_t begin, size_t end, unsigned depth)
{
  const struct tstr *s = f->format.string;
  if (depth > 1)
    return pe_t_fail (f->t, "a format string is nested too deeply");
  while (begin < end) {
    size_t i = begin;
    while (i < end && s->data[i] != '{' && s->data[i] != '}')
      i++;
    if (!pe_t_spend (f->t, 1) || !pe_t_put_slice (b, s, begin, i))
      return false;
    if (i == end)
      return true;
    if (i + 1 < end && s->data[i + 1] == s->data[i]) {
      if (!pe_t_put_slice (b, s, i, i + 1))
        return false;
      begin = i + 2;
      continue;
    }
    if (s->data[i] == '}')
      return pe_t_fail (f->t, "single '}' encountered in format string");
    size_t close = i + 1;
    for (unsigned level = 1; close < end; close++) {
      level += s->data[close] == '{';
      level -= s->data[close] == '}';
      if (level == 0)
        break;
    }
    if (close >= end)
      return pe_t_fail (f->t, "single '{' encountered in format string");
    if (!put_field (f, b, i + 1, close, depth))
      return false;
    begin = close + 1;
  }
  return true;
}

bool
pe_t_format (struct teval *t, struct tval format, const struct targs *args,
             const struct tdict *mapping, struct tval *out)
{
  struct formatter f = { .t = t, .format = format, .args = args, .mapping = mapping };
  struct tbuilder b = { .t = t };
  if (!put_template (&f, &b, 0, format.string->n, 0) || !pe_t_finish (&b, out))
    return false;
  out->is_markup = format.is_markup;
  return true;
}

/* ---- dates ---- */

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void
make_c_locale (void)
{
  c_locale = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
}

bool
pe_t_strftime (struct teval *t, struct tval format, struct tval *out)
{
  char text[1024], limited[256];
  const struct tstr *s = format.string;
  pthread_once (&c_locale_once, make_c_locale);
  if (s->n == 0 || memchr (s->data, 0, s->n)) {
    *out = t_empty_string ();
    return s->n == 0 || pe_t_fail (t, "embedded null character");
  }
  if (s->n >= sizeof limited || !c_locale)
    return pe_t_limit (t, "a date format is too long");
  /* Field widths ("%1000000d") are an extension that would only serve to make long texts. */
  for (size_t i = 0; i + 1 < s->n; i++)
    if (s->data[i] == '%') {
      i++;
      if (s->data[i] >= '1' && s->data[i] <= '9')
        return pe_t_fail (t, "a width in a date format");
    }
  memcpy (limited, s->data, s->n + 1);
  size_t n = strftime_l (text, sizeof text, limited, t->now, c_locale);
  return pe_t_string (t, text, n, pe_t_any_from_values (s), out);
}

/* ---- numbers from text ---- */

static int
digit_value (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
    return (c | 0x20) - 'a' + 10;
  return 99;
}

/* As int(text, base) without white space around. */
bool
pe_t_parse_int (const char *s, size_t n, int base, int64_t *out, bool *too_big)
{
  size_t i = 0;
  bool negative = false, digit_before = false;
  *too_big = false;
  if (i < n && (s[i] == '+' || s[i] == '-'))
    negative = s[i++] == '-';
  if (n - i > 2 && s[i] == '0') {
    char mark = (char) (s[i + 1] | 0x20);
    int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked && (base == marked || base == 0)) {
      base = marked;
      i += 2;
      digit_before = true; /* "0x_1" is fine */
    }
  }
  if (base == 0) {
    base = 10;
    if (n - i > 1 && s[i] == '0' && strspn (s + i, "0_") < n - i)
      return false;
  }
  int64_t value = 0;
  size_t start = i;
  for (; i < n; i++) {
    if (s[i] == '_' && digit_before && i + 1 < n && s[i + 1] != '_')
      continue;
    int digit = digit_value (s[i]);
    if (digit >= base)
      return false;
    digit_before = true;
    if (!*too_big && (__builtin_mul_overflow (value, (int64_t) base, &value) ||
                      __builtin_sub_overflow (value, (int64_t) digit, &value)))
      *too_big = true;
  }
  if (i == start)
    return false;
  if (!negative && value == INT64_MIN)
    *too_big = true;
  *out = *too_big ? 0 : negative ? value : -value;
  return true;
}

/* round(value, digits) as Python does: half to even of the exact decimal value. */
bool
pe_t_round (double value, int64_t digits, double *out)
{
  *out = value;
  if (!isfinite (value) || digits > 308)
    return true;
  if (digits < -308) {
    *out = copysign (0, value);
    return true;
  }
  char text[FLOAT_TEXT_BYTES + 400];
  if (digits >= 0) {
    snprintf (text, sizeof text, "%.*f", (int) digits, value);
    fix_decimal_point (text);
    return pe_double_parse (text, strlen (text), out);
  }
  double scale = pow (10, (double) -digits);
  *out = nearbyint (value / scale) * scale;
  return true;
}
