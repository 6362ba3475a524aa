/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copies a GGUF file with changes: how tests make a bad file from a sound one. Everything that no
 * change names is copied as it is.
 */
#pragma once

#include "engine/format/gguf.h"

enum gguf_change_kind {
  GGUF_PUT_U64,     /* key = integer; written as u32 where it fits */
  GGUF_PUT_F32,     /* key = real */
  GGUF_PUT_STRING,  /* key = text */
  GGUF_PUT_NUMBERS, /* key = array of `integer` u32, each `real` */
  GGUF_DROP_KEY,
  GGUF_CUT_ARRAY, /* the array `key` keeps its first `integer` elements (numbers only) */
  GGUF_DROP_TENSOR,
  GGUF_SHAPE_TENSOR, /* the data is cut off, or zeros follow it */
  GGUF_TYPE_TENSOR,  /* type = integer, same shape, data as above */
  GGUF_FILL_TENSORS, /* all whose name contains `name`: real in plain types, else every byte =
                        integer */
};

struct gguf_change {
  enum gguf_change_kind kind;
  const char *name; /* key or tensor; a key that begins with '.' follows the family's name */
  uint64_t integer;
  double real;
  const char *text;
  uint64_t shape[4];
};

/* `base`: the whole file in memory, `bytes`. */
bool gguf_copy (const struct pe_gguf *base, const void *bytes, const struct gguf_change *changes,
                size_t n, const char *path, struct pe_error *error);
