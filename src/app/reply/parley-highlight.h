/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Marking the words of a search in what is shown.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Marks them in all labels and code below `root`; an empty query or NULL takes the marks away.
 * Returns the first widget with a match, or NULL. */
GtkWidget *parley_highlight (GtkWidget *root, const char *query);

G_END_DECLS
