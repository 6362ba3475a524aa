/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The other methods of strings, the arguments that they share, and the table of all.
 */
#include "engine/text/template-string-method.h"

#include "engine/text/template-names.h"

#include <string.h>

bool
pe_t_string_arg (struct teval *t, struct tval v, struct tval *out)
{
  if (v.kind == T_UNDEFINED)
    return pe_t_use_undefined (t, v);
  if (v.kind != T_STRING)
    return pe_t_fail (t, "expected a string, not %s", pe_t_type_name (v));
  *out = v;
  return true;
}

bool
pe_t_is_default (struct tval v)
{
  return v.kind == T_MISSING || v.kind == T_NONE;
}

bool
pe_t_no_arguments (struct teval *t, const struct targs *args)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  return pe_t_bind (t, "method", args, "", 0, v);
}

METHOD (upper)
{
  return pe_t_no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_UPPER, out);
}

METHOD (lower)
{
  return pe_t_no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_LOWER, out);
}

METHOD (casefold)
{
  return pe_t_no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_FOLD, out);
}

METHOD (title)
{
  return pe_t_no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_TITLE, out);
}

METHOD (capitalize)
{
  return pe_t_no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_CAPITALIZE, out);
}

METHOD (swapcase)
{
  return pe_t_no_arguments (t, args) && pe_t_convert_case (t, self, PE_T_SWAP, out);
}

static bool
strip_method (struct teval *t, struct tval self, const struct targs *args, bool left, bool right,
              struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  if (!pe_t_bind (t, "strip", args, "chars", 0, v) ||
      (!pe_t_is_default (v[0]) && !pe_t_string_arg (t, v[0], &v[0])))
    return false;
  return pe_t_strip (t, self, v[0], left, right, out);
}

METHOD (strip)
{
  return strip_method (t, self, args, true, true, out);
}

METHOD (lstrip)
{
  return strip_method (t, self, args, true, false, out);
}

METHOD (rstrip)
{
  return strip_method (t, self, args, false, true, out);
}

/* Words between stretches of white space. */
METHOD (join)
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
  return pe_t_string_arg (t, v[1], fill) &&
         (fill->string->n_chars == 1 ||
          pe_t_fail (t, "the fill character must be exactly one character long"));
}

METHOD (center)
{
  int64_t width, n = (int64_t) self.string->n_chars;
  struct tval fill;
  if (!pad_arguments (t, args, &width, &fill))
    return false;
  int64_t pad = width > n ? width - n : 0, left = pad / 2 + (pad & width & 1);
  return pe_t_pad (t, self, left, pad - left, fill, out);
}

METHOD (ljust)
{
  int64_t width, n = (int64_t) self.string->n_chars;
  struct tval fill;
  return pad_arguments (t, args, &width, &fill) &&
         pe_t_pad (t, self, 0, width > n ? width - n : 0, fill, out);
}

METHOD (rjust)
{
  int64_t width, n = (int64_t) self.string->n_chars;
  struct tval fill;
  return pad_arguments (t, args, &width, &fill) &&
         pe_t_pad (t, self, width > n ? width - n : 0, 0, fill, out);
}

METHOD (zfill)
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

METHOD (expandtabs)
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

METHOD (encode)
{
  *out = self;
  out->kind = T_BYTES;
  return args->n <= 1 || pe_t_fail (t, "encode() with these arguments is not supported");
}

METHOD (format)
{
  return pe_t_format (t, self, args, NULL, out);
}

METHOD (format_map)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  struct targs none = { 0 };
  if (!pe_t_bind (t, "format_map", args, "mapping", 1, v))
    return false;
  if (v[0].kind != T_DICT)
    return pe_t_fail (t, "format_map() expects a mapping");
  return pe_t_format (t, self, &none, v[0].dict, out);
}

static const struct {
  const char *name;
  tmethod_fn fn;
} string_methods[] = {
#define ENTRY(name) { #name, pe_t_str_##name },
  PE_T_STRING_METHODS (ENTRY)
};

tmethod_fn
pe_t_string_method (const char *name, size_t n)
{
  for (size_t i = 0; i < sizeof string_methods / sizeof *string_methods; i++)
    if (strlen (string_methods[i].name) == n && memcmp (string_methods[i].name, name, n) == 0)
      return string_methods[i].fn;
  return NULL;
}
