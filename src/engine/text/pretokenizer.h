/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How byte-level BPE cuts a text into pieces before merging: each name of tokenizer.ggml.pre
 * stands for a list of patterns, of which each cuts the pieces that the one before left. The
 * patterns are those that the families publish with their tokenizers.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct pe_pretokenizer;

/* What else a name implies. */
struct pe_pretokenizer_traits {
  bool known;      /* the name is in the table */
  bool adds_bos;   /* by default */
  bool always_bos; /* whatever the file says */
  bool adds_separator;
  bool takes_whole; /* a piece that is a token as it stands is taken */
  bool is_plain;    /* merges work on UTF-8 with U+2581 for blanks */
};

/* `name` of n bytes; an unknown one gets the rules of llama-bpe. Immutable, for any thread. */
bool pe_pretokenizer_new (const char *name, size_t n, struct pe_pretokenizer **out,
                          struct pe_pretokenizer_traits *traits, struct pe_error *error);
void pe_pretokenizer_free (struct pe_pretokenizer *pretokenizer); /* NULL is fine */

/* Appends the ends of the pieces of a text (offsets, ascending, the last is n). Bytes that are no
 * UTF-8 form pieces of their own. */
struct pe_cuts {
  uint32_t *ends;
  size_t n, capacity;
};
void pe_cuts_clear (struct pe_cuts *cuts);
bool pe_pretokenize (const struct pe_pretokenizer *pretokenizer, const char *text, size_t n,
                     struct pe_cuts *cuts, struct pe_error *error);

/* For tests: until called with NULL, pre-tokenizers that are made add to *steps each part of a
 * pattern that is tried while they cut. For one thread. */
void pe_pretokenizer_count_steps (uint64_t *steps);
