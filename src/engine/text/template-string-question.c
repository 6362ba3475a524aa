/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Methods that ask what a string consists of.
 */
#include "engine/text/template-string-method.h"

#include "engine/text/char.h"
#include "engine/text/template-names.h"

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
    return pe_t_no_arguments (t, args);                                                            \
  }

CHAR_METHOD (isalpha, pe_char_is_alpha)
CHAR_METHOD (isdecimal, pe_char_is_decimal)
CHAR_METHOD (isdigit, pe_char_is_digit)
CHAR_METHOD (isnumeric, pe_char_is_numeric)
CHAR_METHOD (isspace, pe_char_is_space)
CHAR_METHOD (isalnum, char_is_alnum)

METHOD (isprintable)
{
  *out = t_bool (all_chars (self.string, pe_char_is_printable));
  return pe_t_no_arguments (t, args);
}

METHOD (isascii)
{
  *out = t_bool (self.string->n == self.string->n_chars);
  return pe_t_no_arguments (t, args);
}

METHOD (isidentifier)
{
  uint32_t c;
  bool ok = self.string->n > 0;
  for (size_t i = 0; ok && i < self.string->n;) {
    bool first = i == 0;
    i += pe_t_char_at (self.string, i, &c);
    ok = c == '_' || pe_char_is_alpha (c) || (!first && pe_char_is_decimal (c));
  }
  *out = t_bool (ok);
  return pe_t_no_arguments (t, args);
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

METHOD (isupper)
{
  *out = t_bool (is_all_case (self.string, true));
  return pe_t_no_arguments (t, args);
}

METHOD (islower)
{
  *out = t_bool (is_all_case (self.string, false));
  return pe_t_no_arguments (t, args);
}

METHOD (istitle)
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
  return pe_t_no_arguments (t, args);
}
