/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void
make_c_locale (void)
{
  c_locale = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
}

static double
parse_in_c_locale (const char *text, char **end)
{
  pthread_once (&c_locale_once, make_c_locale);
  return c_locale ? strtod_l (text, end, c_locale) : strtod (text, end);
}

bool
pe_double_parse (const char *text, size_t n, double *out)
{
  char small[64], large[4097], *end;
  if (n == 0 || n >= sizeof large || memchr (text, 0, n))
    return false;
  char *copy = n < sizeof small ? small : large;
  memcpy (copy, text, n);
  copy[n] = 0;
  double value = parse_in_c_locale (copy, &end);
  if (end != copy + n)
    return false;
  *out = value;
  return true;
}

unsigned
pe_double_digits (double value, char digits[18], int *exponent)
{
  value = fabs (value);
  /* A normal number that some decimal of up to 15 digits stands for is printed as that decimal
   * with trailing zeros; others need 16 or 17. Subnormal numbers have fewer digits. */
  for (int precision = value < DBL_MIN ? 1 : 15;; precision++) {
    char text[40];
    snprintf (text, sizeof text, "%.*e", precision - 1, value);
    unsigned n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
      if (*p >= '0' && *p <= '9' && n < 17) /* skips the decimal point of any locale */
        digits[n++] = *p;
    digits[n] = 0;
    *exponent = (int) strtol (*p ? p + 1 : p, NULL, 10);
    char again[48];
    snprintf (again, sizeof again, "%.1s.%se%d", digits, digits + 1, *exponent);
    if (precision < 17 && parse_in_c_locale (again, NULL) != value)
      continue;
    while (n > 1 && digits[n - 1] == '0')
      digits[--n] = 0;
    return n;
  }
}

size_t
pe_double_format (double value, char out[32])
{
  if (isnan (value) || isinf (value)) {
    const char *text = isnan (value) ? "nan" : value < 0 ? "-inf" : "inf";
    size_t n = strlen (text);
    memcpy (out, text, n + 1);
    return n;
  }
  char digits[18];
  int exponent;
  unsigned n_digits = pe_double_digits (value, digits, &exponent);
  size_t n = 0;
  if (signbit (value))
    out[n++] = '-';
  if (exponent < -4 || exponent >= 16) {
    out[n++] = digits[0];
    if (n_digits > 1) {
      out[n++] = '.';
      memcpy (out + n, digits + 1, n_digits - 1);
      n += n_digits - 1;
    }
    n += (size_t) snprintf (out + n, 8, "e%c%02d", exponent < 0 ? '-' : '+', abs (exponent));
    return n;
  }
  if (exponent < 0) {
    out[n++] = '0';
    out[n++] = '.';
    for (int i = -1; i > exponent; i--)
      out[n++] = '0';
    memcpy (out + n, digits, n_digits);
    n += n_digits;
  } else {
    for (unsigned i = 0; i <= (unsigned) exponent; i++)
      out[n++] = i < n_digits ? digits[i] : '0';
    out[n++] = '.';
    if (n_digits <= (unsigned) exponent + 1)
      out[n++] = '0';
    for (unsigned i = (unsigned) exponent + 1; i < n_digits; i++)
      out[n++] = digits[i];
  }
  out[n] = 0;
  return n;
}
