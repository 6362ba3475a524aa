/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What stands in the place of the main window while chats move to another folder, and where they
 * cannot be opened.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* `error`: NULL, they are there. The window is gone by then. */
typedef void (*ParleyChatsArrived) (const GError *error, gpointer data);

/* Shows how far it is, with a way to stop it. No store may be open. */
GtkWindow *parley_chats_move_present (GtkApplication *application, const char *folder,
                                      ParleyChatsArrived arrived, gpointer data);

/* With the ways on: app.try-again, app.use-usual-folder where another was chosen, app.quit. */
GtkWindow *parley_chats_failure_present (GtkApplication *application, const GError *error);

G_END_DECLS
