/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A formula on a line of its own. Assistive technologies read it as text in one line.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_FORMULA_VIEW (parley_formula_view_get_type ())
G_DECLARE_FINAL_TYPE (ParleyFormulaView, parley_formula_view, PARLEY, FORMULA_VIEW, GtkWidget)

/* `latex`: of one that parley_math_is_drawable(); `words`: the same as text. Scrolls sideways where
 * it is wider than its room. */
GtkWidget *parley_formula_view_new (const char *latex, const char *words);

G_END_DECLS
