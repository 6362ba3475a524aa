/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * High contrast, where the desktop asks for it: the theme has its own rules for what it draws,
 * these are for what we draw. Main thread only.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Uses resources/high-contrast.css while the desktop asks for it. Once, when the program starts.
 * (The toolkit would load a file of a fixed name by itself; newer ones call that deprecated.) */
void parley_contrast_follow (void);

gboolean parley_contrast_is_high (void);

/* How opaque something is that is drawn in the colour of the text, but fainter. 0 to 1. */
float parley_contrast_alpha (float usual);

/* Calls `changed` with `object` when colours turn dark or light, or contrast high or usual; not any
 * more when the object is gone. */
void parley_contrast_watch (gpointer object, GCallback changed);

/* Draws it anew then: for widgets that ask the functions above while they draw. */
void parley_contrast_redraw (GtkWidget *widget);

G_END_DECLS
