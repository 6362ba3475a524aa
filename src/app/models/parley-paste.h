/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "org/name:Q4_K_M" or the address of a repository, pasted anywhere but into a text: its page
 * opens.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* `window` has the action win.search. */
void parley_paste_watch (GtkWidget *window, ParleyServices *services);
/* TRUE when the text names a repository; its page opens then. */
gboolean parley_paste_text (GtkWidget *widget, ParleyServices *services, const char *text);

G_END_DECLS
