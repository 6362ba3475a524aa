/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void
make_printable (char *text)
{
  for (; *text; text++)
    if ((unsigned char) *text < 0x20 || *text == 0x7f)
      *text = '?';
}

/* A message cut at the buffer's end must not leave half a UTF-8 character behind. */
static void
trim_partial_character (char *text, size_t size)
{
  size_t n = strnlen (text, size);
  if (n + 1 < size)
    return;
  while (n > 0 && ((unsigned char) text[n - 1] & 0xc0) == 0x80)
    n--;
  if (n > 0 && ((unsigned char) text[n - 1] & 0x80))
    n--;
  text[n] = 0;
}

static void
fill (struct pe_error *error, enum pe_code code, uint64_t offset, const char *format, va_list args)
{
  if (!error)
    return;
  error->code = code;
  error->offset = offset;
  vsnprintf (error->message, sizeof error->message, format, args);
  trim_partial_character (error->message, sizeof error->message);
  make_printable (error->message);
}

bool
pe_fail (struct pe_error *error, enum pe_code code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  fill (error, code, PE_NO_OFFSET, format, args);
  va_end (args);
  return false;
}

bool
pe_fail_at (struct pe_error *error, enum pe_code code, uint64_t offset, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  fill (error, code, offset, format, args);
  va_end (args);
  return false;
}

bool
pe_fail_prefix (struct pe_error *error, const char *format, ...)
{
  if (!error)
    return false;
  char old[sizeof error->message];
  memcpy (old, error->message, sizeof old);
  char prefix[sizeof error->message];
  va_list args;
  va_start (args, format);
  vsnprintf (prefix, sizeof prefix, format, args);
  va_end (args);
  size_t n = strnlen (prefix, sizeof prefix - 1);
  memcpy (error->message, prefix, n);
  snprintf (error->message + n, sizeof error->message - n, ": %s", old);
  trim_partial_character (error->message, sizeof error->message);
  make_printable (error->message);
  return false;
}
