/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between the files of the template parser: template-parser.c (tokens, nodes, names),
 * template-constant.c, template-expression.c and template-statement.c.
 *
 * Everything returns NULL or false after it has filled the parser's error, and does so at most
 * once.
 */
#pragma once

#include "engine/text/template-ast.h"

struct parser {
  struct pe_template *tmpl;
  const struct token *tokens;
  size_t position;
  struct pe_error *error;
  const char *stack;
  uint8_t uses;     /* MACRO_USES_... seen since it was last cleared */
  unsigned soft;    /* > 0: inside a condition, where unknown filters fail only when reached */
  unsigned in_loop; /* loops around, up to the enclosing macro */
  const struct token *unknown; /* the first unknown filter or test outside of any condition */
};

enum tuple_parts { TUPLE_OF_EXPRESSIONS, TUPLE_OF_PLAIN, TUPLE_OF_TARGETS };

/* ---- tokens, nodes, names ---- */

const struct token *pe_tp_current (const struct parser *p);
/* Errors at the current token; NULL, for any return type. */
void *pe_tp_fail (struct parser *p, const char *what);
void *pe_tp_fail_memory (struct parser *p);
void *pe_tp_unexpected (struct parser *p, const char *wanted);
bool pe_tp_stack_is_deep (struct parser *p);
/* Consumes the current token if it is of this kind. */
bool pe_tp_accept (struct parser *p, enum token_kind kind);
bool pe_tp_token_is (const struct token *token, const char *word);
bool pe_tp_at_word (const struct parser *p, const char *word);
bool pe_tp_accept_word (struct parser *p, const char *word);
bool pe_tp_expect (struct parser *p, enum token_kind kind, const char *wanted);
struct tnode *pe_tp_new_node (struct parser *p, enum node_kind kind);
struct tnode *pe_tp_new_pair (struct parser *p, enum node_kind kind, struct tnode *a,
                              struct tnode *b);
void pe_tp_append (struct tnode ***tail, struct tnode *node);
/* The same text is the same pointer. */
const struct tname *pe_tp_intern (struct parser *p, const char *text, size_t n);
const struct tname *pe_tp_expect_name (struct parser *p);

/* ---- constants: the current token is consumed ---- */

struct tnode *pe_tp_string_node (struct parser *p, enum node_kind kind, const char *data, size_t n);
struct tnode *pe_tp_parse_string (struct parser *p);
struct tnode *pe_tp_parse_integer (struct parser *p);
struct tnode *pe_tp_parse_float (struct parser *p);
struct tnode *pe_tp_const_node (struct parser *p, struct tval value);

/* ---- expressions ---- */

/* One expression, or several with commas between them. */
struct tnode *pe_tp_parse_tuple (struct parser *p, enum tuple_parts parts, const char *end_word,
                                 bool in_parentheses, bool with_namespace);
/* `| name (arguments)` behind `node`, any number of them; NULL: those of a block
 * tag, whose first has no bar. */
struct tnode *pe_tp_parse_filters (struct parser *p, struct tnode *node, bool inline_start);
/* with_condition: `a if b else c` too. */
struct tnode *pe_tp_parse_expression (struct parser *p, bool with_condition);
