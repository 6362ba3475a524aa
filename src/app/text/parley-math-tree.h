/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A formula as models write them (the mathematics of LaTeX) as a tree. Pure data. What is not known
 * is text as it was written; nesting is bounded, and there are no more nodes than bytes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_NODE_ROW,      /* children side by side */
  PARLEY_NODE_TEXT,     /* text; signs bring their spaces */
  PARLEY_NODE_BREAK,    /* a new line */
  PARLEY_NODE_FRACTION, /* children: above, below */
  PARLEY_NODE_BINOMIAL, /* the same without a stroke */
  PARLEY_NODE_ROOT,     /* children: degree (maybe empty), what is under it */
  PARLEY_NODE_RAISED,   /* one child, behind what comes before in the row, or over it */
  PARLEY_NODE_LOWERED,
  PARLEY_NODE_ACCENT, /* one child; text: a combining mark for its letters, or one of the marks */
  PARLEY_NODE_FENCED, /* one child; text and right: what stands around it, as high as it */
  PARLEY_NODE_TABLE,  /* cells, row by row; text and right: what stands around it */
} ParleyMathKind;

typedef enum {
  PARLEY_LETTERS,  /* names of things: slanted */
  PARLEY_UPRIGHT,  /* words, functions */
  PARLEY_LIMIT,    /* a function that has its range below it */
  PARLEY_OPERATOR, /* a large sign that has its range below and above it */
  PARLEY_INTEGRAL, /* a large sign that has it beside it */
} ParleyMathStyle;

typedef enum {
  PARLEY_TABLE_MATRIX,
  PARLEY_TABLE_CASES,
  PARLEY_TABLE_ALIGNED, /* equations: columns in pairs that meet */
} ParleyMathTable;

/* Marks of accents that are drawn around or through the whole, and no character of a text. */
#define PARLEY_MARK_BRACE_ABOVE "\u23de" /* scripts stand over and under these two */
#define PARLEY_MARK_BRACE_BELOW "\u23df"
#define PARLEY_MARK_BOX         "\u20de"
#define PARLEY_MARK_CANCEL      "\u0338"

typedef struct _ParleyMathNode ParleyMathNode;

struct _ParleyMathNode {
  ParleyMathKind kind;
  ParleyMathStyle style; /* of text */
  ParleyMathTable table;
  guint columns;       /* of a table, at least 1; each row of it has so many cells */
  GString *text;       /* or NULL */
  char *right;         /* or NULL */
  GPtrArray *children; /* of ParleyMathNode, or NULL */
};

/* A row. `latex` need not be valid UTF-8. */
ParleyMathNode *parley_math_parse (const char *latex, gsize length);
void parley_math_node_free (ParleyMathNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyMathNode, parley_math_node_free)

/* Whether drawing it is bounded: not too many parts, no table of hundreds of columns. */
gboolean parley_math_is_drawable (const ParleyMathNode *node);

G_END_DECLS
