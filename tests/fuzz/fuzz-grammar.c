/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as rules and as a schema. The rest after the first zero byte is walked; what has been
 * taken must have a next byte or be complete.
 */
#include "engine/text/grammar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

static void
walk (const struct pe_grammar *grammar, const char *text, size_t n)
{
  struct pe_matcher *m;
  struct pe_error error;
  if (!pe_matcher_new (grammar, &m, &error))
    return;
  for (size_t i = 0; i < n && i < 4096; i++)
    if (pe_matcher_allows (m, text + i, 1) != pe_matcher_accept (m, text + i, 1) &&
        !pe_matcher_was_limited (m))
      abort ();
  bool lives = pe_matcher_may_end (m);
  for (int byte = 0; byte < 256 && !lives; byte++)
    lives = pe_matcher_allows (m, &(char){ (char) byte }, 1);
  if (!lives && !pe_matcher_was_limited (m))
    abort ();
  pe_matcher_free (m);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  const char *text = (const char *) data;
  const char *zero = memchr (text, 0, n);
  size_t n_rules = zero ? (size_t) (zero - text) : n, rest = zero ? n_rules + 1 : n;
  struct pe_grammar *grammar;
  struct pe_error error;
  if (pe_grammar_parse (text, n_rules, &grammar, &error)) {
    walk (grammar, text + rest, n - rest);
    pe_grammar_free (grammar);
  }
  if (pe_grammar_from_schema (text, n_rules, &grammar, &error)) {
    walk (grammar, text + rest, n - rest);
    pe_grammar_free (grammar);
  }
  return 0;
}
