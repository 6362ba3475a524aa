/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A window as a PNG, drawn in process: works on every display, and without one to look at.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The dialog over the window, if there is one, else the window with its open popovers; without
 * the frame around it. */
gboolean parley_picture_save (GtkWidget *window, const char *path, GError **error);

G_END_DECLS
