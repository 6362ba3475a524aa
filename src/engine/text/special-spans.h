/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finds where text that came from people spells control tokens of a vocabulary. Immutable after it
 * was made; any thread.
 */
#pragma once

#include "engine/text/template.h"
#include "engine/text/tokenizer.h"

struct pe_special_finder;

struct pe_span_bytes {
  size_t begin, end;
};

struct pe_spans {
  struct pe_span_bytes *items; /* ascending, apart; freed with pe_free() */
  size_t n, capacity;
};

bool pe_special_finder_new (const struct pe_vocab *vocab, struct pe_special_finder **out,
                            struct pe_error *error);
void pe_special_finder_free (struct pe_special_finder *finder); /* NULL is fine */

/* The bytes from values that belong to any spelling of a control token, be it whole in the values
 * or together with bytes of the template. Appends to *out. */
bool pe_special_finder_search (const struct pe_special_finder *finder,
                               const struct pe_template_result *text, struct pe_spans *out,
                               struct pe_error *error);
