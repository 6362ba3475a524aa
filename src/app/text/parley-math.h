/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Formulas in a text, and a formula as readable text in one line: Greek letters, signs, fractions
 * with a stroke, roots, and raised and lowered stretches. Pure data.
 */
#pragma once

#include "app/text/parley-math-tree.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_MATH_RAISED,
  PARLEY_MATH_LOWERED,
} ParleyMathScript;

typedef struct {
  ParleyMathScript script;
  gsize start, end; /* bytes of the text */
} ParleyMathRun;

/* Appends the formula to `out`, and its raised and lowered stretches to `runs` (of ParleyMathRun),
 * which lie within each other or apart. */
void parley_math_append (GString *out, GArray *runs, const ParleyMathNode *formula);

/* A formula in a text: $…$, $$…$$, \(…\) or \[…\], not within code. */
typedef struct {
  gsize start, end;             /* with its delimiters */
  gsize inner_start, inner_end; /* without */
  gboolean display;
} ParleyFormula;

/* Array of ParleyFormula, in order. A dollar sign before an amount is no delimiter: a formula
 * between single ones neither begins nor ends with a space, nor is a digit behind it; and no
 * formula has an empty line. */
GArray *parley_math_find (const char *text, gsize length);

G_END_DECLS
