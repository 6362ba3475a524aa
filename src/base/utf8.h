/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that begins at `p` (n > 0 bytes are there), and its code point; 0 when
 * these bytes are no valid character. */
static inline unsigned
pe_utf8_next (const char *p, size_t n, uint32_t *code_point)
{
  const unsigned char *b = (const unsigned char *) p;
  if (b[0] < 0x80) {
    *code_point = b[0];
    return 1;
  }
  unsigned length = b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
  if (length == 0 || length > n)
    return 0;
  uint32_t value = b[0] & (0x7fu >> length);
  for (unsigned i = 1; i < length; i++) {
    if ((b[i] & 0xc0) != 0x80)
      return 0;
    value = value << 6 | (b[i] & 0x3f);
  }
  if ((length == 3 && (value < 0x800 || (value >= 0xd800 && value < 0xe000))) ||
      (length == 4 && (value < 0x10000 || value > 0x10ffff)))
    return 0;
  *code_point = value;
  return length;
}

/* Writes up to 4 bytes; what is no character becomes U+FFFD. */
static inline unsigned
pe_utf8_put (uint32_t c, char *out)
{
  if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
    c = 0xfffd;
  if (c < 0x80) {
    out[0] = (char) c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (char) (0xc0 | c >> 6);
    out[1] = (char) (0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (char) (0xe0 | c >> 12);
    out[1] = (char) (0x80 | (c >> 6 & 0x3f));
    out[2] = (char) (0x80 | (c & 0x3f));
    return 3;
  }
  out[0] = (char) (0xf0 | c >> 18);
  out[1] = (char) (0x80 | (c >> 12 & 0x3f));
  out[2] = (char) (0x80 | (c >> 6 & 0x3f));
  out[3] = (char) (0x80 | (c & 0x3f));
  return 4;
}

static inline bool
pe_utf8_valid (const char *text, size_t n)
{
  uint32_t c;
  for (size_t i = 0; i < n;) {
    unsigned length = pe_utf8_next (text + i, n - i, &c);
    if (length == 0)
      return false;
    i += length;
  }
  return true;
}
