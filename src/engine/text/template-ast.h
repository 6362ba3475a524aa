/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A parsed chat template: tokens and the tree. Everything lives in one arena and is immutable
 * after parsing. Internal to the template interpreter.
 */
#pragma once

#include "base/alloc.h"
#include "base/error.h"
#include "engine/text/template-value.h"

enum token_kind {
  TOKEN_END, /* of the source */
  TOKEN_DATA,
  TOKEN_BLOCK_BEGIN,
  TOKEN_BLOCK_END,
  TOKEN_VARIABLE_BEGIN,
  TOKEN_VARIABLE_END,
  TOKEN_NAME,
  TOKEN_STRING, /* `text` is between the quotes, escapes as they stand */
  TOKEN_INTEGER,
  TOKEN_FLOAT,
  TOKEN_ADD,
  TOKEN_SUB,
  TOKEN_MUL,
  TOKEN_DIV,
  TOKEN_FLOORDIV,
  TOKEN_MOD,
  TOKEN_POW,
  TOKEN_TILDE,
  TOKEN_LBRACKET,
  TOKEN_RBRACKET,
  TOKEN_LPAREN,
  TOKEN_RPAREN,
  TOKEN_LBRACE,
  TOKEN_RBRACE,
  TOKEN_EQ,
  TOKEN_NE,
  TOKEN_GT,
  TOKEN_GE,
  TOKEN_LT,
  TOKEN_LE,
  TOKEN_ASSIGN,
  TOKEN_DOT,
  TOKEN_COLON,
  TOKEN_PIPE,
  TOKEN_COMMA,
  TOKEN_SEMICOLON,
};

struct token {
  enum token_kind kind;
  size_t offset;
  const char *text; /* inside the normalised source */
  size_t n;
};

/* Splits a source with "\n" line ends and without its last one. *out is freed with pe_free(). */
bool pe_t_lex (const char *source, size_t n, struct token **out, size_t *n_out,
               struct pe_error *error);

enum node_kind {
  /* expressions */
  NODE_CONST,  /* value */
  NODE_NAME,   /* name */
  NODE_LIST,   /* list */
  NODE_TUPLE,  /* list */
  NODE_DICT,   /* list: key, value, key, value ... */
  NODE_ATTR,   /* a.name */
  NODE_ITEM,   /* a[b] */
  NODE_SLICE,  /* a:b:c, each may be NULL; only as b of NODE_ITEM or in a tuple there */
  NODE_CALL,   /* a (list, keywords, *b, **c) */
  NODE_FILTER, /* a | name (list, keywords, *b, **c); a NULL: of a block */
  NODE_TEST,   /* a is name (list, keywords, *b, **c) */
  NODE_NOT,    /* a */
  NODE_NEG,
  NODE_POS,
  NODE_BINARY,  /* a op b; op: TOKEN_ADD ... TOKEN_POW */
  NODE_CONCAT,  /* list */
  NODE_AND,     /* a, b */
  NODE_OR,      /* a, b */
  NODE_COMPARE, /* a, list of NODE_OPERAND */
  NODE_OPERAND, /* op (TOKEN_EQ ..., or OPERAND_IN, OPERAND_NOT_IN), a */
  NODE_COND,    /* a if b else c; c may be NULL */
  NODE_KEYWORD, /* name = a */
  /* assignment targets */
  NODE_NAMESPACE_ATTR, /* a (NODE_NAME) . name */
  /* statements */
  NODE_TEXT,         /* value */
  NODE_PRINT,        /* list */
  NODE_IF,           /* a, list (then), otherwise; flag: an elif of the one before */
  NODE_FOR,          /* a (target) in b if c: list; otherwise; flag: recursive */
  NODE_SET,          /* a (target) = b */
  NODE_SET_BLOCK,    /* a (target), b (filters, or NULL), list */
  NODE_MACRO,        /* name, parameters, list; uses */
  NODE_CALL_BLOCK,   /* a (NODE_CALL), parameters, list; uses */
  NODE_FILTER_BLOCK, /* b (filters), list */
  NODE_WITH,         /* keywords: NODE_SET, list */
  NODE_GENERATION,   /* list */
  NODE_BREAK,
  NODE_CONTINUE,
};

#define OPERAND_IN     100
#define OPERAND_NOT_IN 101

/* What a macro's body mentions: it decides which surplus arguments it takes. */
#define MACRO_USES_CALLER  1
#define MACRO_USES_VARARGS 2
#define MACRO_USES_KWARGS  4

/* Names are interned: the same text is the same pointer. */
struct tname {
  size_t n;
  uint64_t hash;
  char text[]; /* zero-terminated */
};

struct tnode {
  uint8_t kind, op, uses;
  bool flag;
  uint32_t offset; /* in the source */
  const struct tname *name;
  struct tnode *a, *b, *c;
  struct tnode *list, *keywords, *otherwise;
  struct tnode *parameters; /* NODE_KEYWORD; a NULL: no default */
  struct tnode *next;
  struct tval value;
};

struct pe_template {
  struct pe_arena arena;
  struct tnode *body;
  const struct tname **names; /* hash table of n_slots, a power of two */
  size_t n_names, n_slots;
};

/* NULL: no such name occurs in the template. */
const struct tname *pe_t_name_find (const struct pe_template *tmpl, const char *text, size_t n);

/* Fills tmpl->body from the tokens. */
bool pe_t_parse (struct pe_template *tmpl, const struct token *tokens, size_t n,
                 struct pe_error *error);
