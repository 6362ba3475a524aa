/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The chat-template language: the part of Jinja that models' templates use, as the transformers
 * library sets it up (trim_blocks, lstrip_blocks, loop controls). Templates come from untrusted
 * files: evaluation is bounded in steps, depth, memory, output and time, and reaches nothing but
 * the values given.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <time.h>

struct pe_template;
struct pe_json; /* base/json.h */

struct pe_template_limits {
  uint64_t steps;        /* default 4,000,000 */
  uint64_t output_bytes; /* default 8 MiB */
  uint64_t memory_bytes; /* default 64 MiB */
  uint32_t depth;        /* of macros calling macros; default 200 */
  uint32_t milliseconds; /* of processor time; default 1000 */
};

/* Parses; the text is not kept. Errors carry the offset in the template. */
bool pe_template_parse (const char *text, size_t n, struct pe_template **out,
                        struct pe_error *error);
void pe_template_free (struct pe_template *tmpl);

/* A stretch of the rendered text. `from_values`: it was printed out of the context's strings
 * (people's text), so that it must not be read as special tokens; false: the template's own.
 * Strings that lie directly in the context under a name that ends in "_token" (bos_token,
 * eos_token) count as the template's own. */
struct pe_template_piece {
  size_t offset, n;
  bool from_values;
};

struct pe_template_result {
  char *text; /* zero-terminated */
  size_t n;
  struct pe_template_piece *pieces; /* cover the text in order */
  size_t n_pieces;
};

/* Renders with the names of the JSON object `context`; `now` is what strftime_now() sees; NULL
 * limits mean the defaults. An error raised by the template's raise_exception() has code
 * PE_ERROR_ARGUMENT and the template's own message. A template may be rendered by several threads
 * at once. */
bool pe_template_render (const struct pe_template *tmpl, const struct pe_json *context,
                         const struct tm *now, const struct pe_template_limits *limits,
                         struct pe_template_result *out, struct pe_error *error);
void pe_template_result_clear (struct pe_template_result *result);
