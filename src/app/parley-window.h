/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one window: a sidebar and four places, folding to one column and a switcher at the bottom
 * when narrow. Its actions (win.*) are the whole keyboard interface; see parley-window-actions.c.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_WINDOW (parley_window_get_type ())
G_DECLARE_FINAL_TYPE (ParleyWindow, parley_window, PARLEY, WINDOW, AdwApplicationWindow)

/* Signal "shows" (ParleyChat *): from now on this chat, or NULL: another place; and again when the
 * window becomes the active one. */
GtkWindow *parley_window_new (AdwApplication *application, ParleyServices *services);

/* "chats", "discover", "models", "computer". */
void parley_window_show_place (ParleyWindow *self, const char *place);
void parley_window_show_chat (ParleyWindow *self, ParleyChat *chat, gint64 message);
void parley_window_search_chats (ParleyWindow *self, const char *text);
void parley_window_new_chat (ParleyWindow *self, ParleyModel *model); /* model may be NULL */
/* A chat that was exported as JSON. */
void parley_window_import_chat (ParleyWindow *self, GFile *file);
void parley_window_toast (ParleyWindow *self, const char *text);
void parley_window_add_toast (ParleyWindow *self, AdwToast *toast); /* takes it */
/* Where chats were moved from, if that is not settled yet. */
void parley_window_ask_about_left (ParleyWindow *self);
/* How work ended, in the window of this widget, or by the desktop while that is hidden. */
void parley_window_tell (GtkWidget *widget, const char *text);

G_END_DECLS
