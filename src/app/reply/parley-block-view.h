/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Widgets for Markdown blocks, and the step from one state of a growing text to the next that
 * leaves alone what did not change.
 */
#pragma once

#include "app/text/parley-markdown.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Makes the widgets in `box`, from its child number `first` on, show `blocks`; they show `old`
 * now (NULL: nothing). */
void parley_block_view_sync (GtkWidget *box, guint first, const GPtrArray *old,
                             const GPtrArray *blocks);

G_END_DECLS
