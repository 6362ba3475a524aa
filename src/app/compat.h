/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The few calls whose old form newer toolkits deprecate and whose new form Debian 12 lacks. Chosen
 * at compile time; everything else in the application uses what both have.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

void parley_css_load (GtkCssProvider *provider, const char *css);

/* The colour that the widget's text has. */
void parley_widget_get_colour (GtkWidget *widget, GdkRGBA *colour);

/* Says it aloud where a screen reader listens, and where the toolkit can: from GTK 4.14 on. */
void parley_announce (GtkWidget *widget, const char *text);

/* What Parley is, and its version. */
void parley_show_about (GtkWindow *parent);

/* Opens a web or mail address in the person's own program. Only what
 * parley_link_is_safe() accepts. */
void parley_open_address (GtkWindow *parent, const char *address);

typedef void (*ParleyFileChosen) (GFile *file, gpointer data); /* not called when dismissed */

void parley_save_file (GtkWindow *parent, const char *title, const char *suggested_name,
                       ParleyFileChosen chosen, gpointer data, GDestroyNotify destroy);

/* `suffix`: "json", or NULL for any file. `chosen` is called once for each file. */
void parley_open_files (GtkWindow *parent, const char *title, const char *suffix, gboolean several,
                        ParleyFileChosen chosen, gpointer data, GDestroyNotify destroy);
void parley_open_folder (GtkWindow *parent, const char *title, ParleyFileChosen chosen,
                         gpointer data, GDestroyNotify destroy);

/* Text from others in a toast: never markup. */
AdwToast *parley_toast_new (const char *text);
/* With the button Undo (signal "button-clicked"), and time enough to reach it by keyboard. */
AdwToast *parley_toast_new_undo (const char *text);

/* A row whose title and subtitle are plain text. */
void parley_row_set_plain (GtkWidget *row);

G_END_DECLS
