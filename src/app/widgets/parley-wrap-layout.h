/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lays children out in lines, as words of a text: each gets its natural width, and what does not
 * fit into the line any more begins the next one. A child alone in its line may be cut.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_WRAP_LAYOUT (parley_wrap_layout_get_type ())
G_DECLARE_FINAL_TYPE (ParleyWrapLayout, parley_wrap_layout, PARLEY, WRAP_LAYOUT, GtkLayoutManager)

/* Pixels between children of a line, and between lines. */
GtkLayoutManager *parley_wrap_layout_new (int spacing, int line_spacing);

G_END_DECLS
