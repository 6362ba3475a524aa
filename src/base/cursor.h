/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The only way to touch the bytes of an untrusted file: a bounded little-endian cursor. A read
 * past the end sets `failed`, leaves the position alone and gives zero; it never reads outside.
 * `size` is what is at hand; `whole` is what the file has in all, so that a reader of a prefix
 * can tell "more bytes are needed" from "the file is cut off".
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <string.h>

struct pe_cursor {
  const unsigned char *bytes;
  uint64_t size;
  uint64_t position;
  bool failed;
};

static inline bool
pe_cursor_has (const struct pe_cursor *c, uint64_t n)
{
  return !c->failed && n <= c->size && c->position <= c->size - n;
}

/* Gives the next n bytes, or NULL. */
static inline const unsigned char *
pe_cursor_take (struct pe_cursor *c, uint64_t n)
{
  if (!pe_cursor_has (c, n)) {
    c->failed = true;
    return NULL;
  }
  const unsigned char *p = c->bytes + c->position;
  c->position += n;
  return p;
}

static inline uint64_t
pe_cursor_left (const struct pe_cursor *c)
{
  return c->failed ? 0 : c->size - c->position;
}

static inline uint64_t
pe_cursor_uint (struct pe_cursor *c, unsigned n_bytes)
{
  const unsigned char *p = pe_cursor_take (c, n_bytes);
  uint64_t value = 0;
  if (p)
    for (unsigned i = 0; i < n_bytes; i++)
      value |= (uint64_t) p[i] << (8 * i);
  return value;
}

static inline uint32_t
pe_cursor_u32 (struct pe_cursor *c)
{
  return (uint32_t) pe_cursor_uint (c, 4);
}

static inline uint64_t
pe_cursor_u64 (struct pe_cursor *c)
{
  return pe_cursor_uint (c, 8);
}
