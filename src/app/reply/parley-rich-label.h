/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A paragraph: a selectable label whose emphasis comes from attributes, never from markup. A link
 * shows its address on hovering and activates "win.open-link" with it on a click.
 */
#pragma once

#include "app/text/parley-markdown.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* `level`: of a heading; 0: text. */
GtkWidget *parley_rich_label_new (guint level);
/* `spans`: of ParleySpan, may be NULL; copied. */
void parley_rich_label_set (GtkWidget *label, const char *text, const GArray *spans);

G_END_DECLS
