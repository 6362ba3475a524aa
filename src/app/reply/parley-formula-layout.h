/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A formula in two dimensions: where each text, stroke and sign of it lies. Made once for a font.
 */
#pragma once

#include <gtk/gtk.h>

#include "app/text/parley-math-tree.h"

G_BEGIN_DECLS

typedef struct _ParleyFormulaLayout ParleyFormulaLayout;

/* `formula`: one that parley_math_is_drawable(). */
ParleyFormulaLayout *parley_formula_layout_new (PangoContext *context,
                                                const ParleyMathNode *formula);
void parley_formula_layout_free (ParleyFormulaLayout *self);

/* In pixels; either may be NULL. */
void parley_formula_layout_get_size (const ParleyFormulaLayout *self, int *width, int *height);

/* With its top left corner at the origin. */
void parley_formula_layout_snapshot (const ParleyFormulaLayout *self, GtkSnapshot *snapshot,
                                     const GdkRGBA *colour);

G_END_DECLS
