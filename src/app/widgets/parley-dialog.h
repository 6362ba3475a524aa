/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Modal windows of our own: a plain one for a page of content, and a question with a verb.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_DIALOG (parley_dialog_get_type ())
G_DECLARE_FINAL_TYPE (ParleyDialog, parley_dialog, PARLEY, DIALOG, AdwWindow)

/* A modal window over `parent` with a header bar and `child`; Escape closes it. `width` is what it
 * would like; it is never wider than the parent. */
GtkWindow *parley_dialog_new (GtkWindow *parent, const char *title, GtkWidget *child, int width,
                              int height);

typedef void (*ParleyAnswer) (gpointer data);

/* "heading, body, [Cancel] [verb]". `answer` is called when the verb was chosen. `extra` (may be
 * NULL) stands below the body. All texts are plain. */
GtkWindow *parley_ask (GtkWindow *parent, const char *heading, const char *body, GtkWidget *extra,
                       const char *verb, gboolean destructive, ParleyAnswer answer, gpointer data,
                       GDestroyNotify destroy);

G_END_DECLS
