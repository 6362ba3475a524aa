/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Grammars that a reply must follow, and a matcher that walks one byte by byte. A grammar comes
 * from rules or from a JSON schema:
 *
 *   root  ::= greeting (", " name)* "!"     # comments end with the line
 *   name  ::= [A-Z] [a-z]{1,20} | "\u00c9" [^\x00-\x40"]+ | .
 *
 * Rules are "name ::= alternatives"; a rule ends where the next begins. There are "literals",
 * [classes], `.` for any character, groups, `*`, `+`, `?`, `{m}`, `{m,}` and `{m,n}`. Escapes:
 * \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH, the last three being code points. The reply
 * must match `root`.
 *
 * A grammar becomes a pushdown automaton over the bytes of UTF-8. All work is bounded: what is
 * too large, refers to itself before it has read anything, or matches no text at all is refused.
 * A text that a matcher has taken can always be finished: branches that would need a deeper stack
 * than there is are never entered.
 *
 * A grammar is immutable and may be used from any thread; a matcher belongs to one.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

#define PE_GRAMMAR_MAX_BYTES   ((size_t) 4 << 20) /* of rules; a quarter of it for a schema */
#define PE_GRAMMAR_MAX_RULES   16384u
#define PE_GRAMMAR_MAX_STATES  65536u
#define PE_GRAMMAR_MAX_DEPTH   64u /* nested groups; rules open at one time */
#define PE_GRAMMAR_MAX_REPEATS 4096u
#define PE_GRAMMAR_MAX_CHOICES                                                                     \
  512u /* of a schema: properties, values, alternatives of one place                               \
        */

struct pe_grammar;

/* Both fail with PE_ERROR_FORMAT (`offset` is the byte), PE_ERROR_UNSUPPORTED (a schema says what
 * this cannot promise), PE_ERROR_LIMIT or PE_ERROR_MEMORY. */
bool pe_grammar_parse (const char *rules, size_t n, struct pe_grammar **out,
                       struct pe_error *error);

/* JSON Schema 2020-12, of which: type, properties, required, additionalProperties, items,
 * minItems, maxItems, minLength, maxLength, enum, const, anyOf, oneOf whose members exclude each
 * other, allOf of one, $ref within the document, $defs. Notes such as title, description, default
 * and format are read over; every other keyword is refused. The grammar may admit less than the
 * schema (properties come in their order, and others only where additionalProperties asks for
 * them), never more. */
bool pe_grammar_from_schema (const char *json, size_t n, struct pe_grammar **out,
                             struct pe_error *error);
/* The same rules as text, as the function above makes them; pe_free() it. */
bool pe_grammar_schema_rules (const char *json, size_t n, char **out, size_t *n_out,
                              struct pe_error *error);
void pe_grammar_free (struct pe_grammar *grammar);

struct pe_matcher;

/* The grammar must outlive the matcher. Nothing else here allocates. */
bool pe_matcher_new (const struct pe_grammar *grammar, struct pe_matcher **out,
                     struct pe_error *error);
void pe_matcher_free (struct pe_matcher *matcher);
void pe_matcher_reset (struct pe_matcher *matcher);

/* Whether these bytes may come next; accept() also takes them when they may. */
bool pe_matcher_allows (struct pe_matcher *matcher, const char *bytes, size_t n);
bool pe_matcher_accept (struct pe_matcher *matcher, const char *bytes, size_t n);
bool pe_matcher_may_end (const struct pe_matcher *matcher);
/* Something was refused only because the grammar leaves too many ways open at one place. */
bool pe_matcher_was_limited (const struct pe_matcher *matcher);
