/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files that read formulas share: parley-math-tree.c has the grammar,
 * parley-math-constructions.c what builds something, parley-math-words.c words and other letters,
 * parley-math-table.c environments. For them alone.
 */
#pragma once

#include "app/text/parley-math-tree.h"

G_BEGIN_DECLS

typedef struct {
  const char *at, *end;
  ParleyMathNode *row; /* where things go */
  guint depth;
  gboolean tight;       /* in a script, where signs bring no spaces */
  gboolean fence_ended; /* \right was read */
} ParleyMathParser;

/* ---- parley-math-tree.c ---- */

ParleyMathNode *_parley_math_node_new (ParleyMathKind kind);
void _parley_math_add (ParleyMathNode *parent, ParleyMathNode *child); /* takes the child */
ParleyMathNode *_parley_math_last (const ParleyMathNode *row);         /* NULL: it is empty */

/* Adds to the row. Letters and words join what is there of the same style. */
void _parley_math_put (ParleyMathParser *self, const char *text, ParleyMathStyle style);
/* A relation, or a sign between two things: with spaces, but for one that nothing stands before. */
void _parley_math_put_sign (ParleyMathParser *self, const char *sign);
/* A node of that kind with one or two children, which it takes. */
ParleyMathNode *_parley_math_put_node (ParleyMathParser *self, ParleyMathKind kind,
                                       ParleyMathNode *first, ParleyMathNode *second);

/* Whether nothing is here yet that a sign could stand between. */
gboolean _parley_math_begins_here (const ParleyMathParser *self);

void _parley_math_skip_space (ParleyMathParser *self);
void _parley_math_parse_atom (ParleyMathParser *self);
/* A group in braces, or one atom, as a row of its own. */
ParleyMathNode *_parley_math_take_argument (ParleyMathParser *self);
/* The same, in which signs bring no spaces. */
ParleyMathNode *_parley_math_take_script (ParleyMathParser *self);
/* Up to that character and past it, or to the end; 0: only to the end. */
void _parley_math_parse_until (ParleyMathParser *self, char closing);
/* A bracket after \left or \right; "": none on this side. Free it. */
char *_parley_math_take_fence (ParleyMathParser *self);
/* A group as it was written; "": none is there. Free it. */
char *_parley_math_take_raw (ParleyMathParser *self);

/* ---- parley-math-words.c ---- */

/* FALSE: the command is none of words, and nothing was read. */
gboolean _parley_math_put_words (ParleyMathParser *self, const char *command);

/* ---- parley-math-constructions.c ---- */

/* FALSE: the command builds nothing, and nothing was read. */
gboolean _parley_math_put_construction (ParleyMathParser *self, const char *command);

/* ---- parley-math-table.c ---- */

/* Behind \begin. */
void _parley_math_put_environment (ParleyMathParser *self);

G_END_DECLS
