/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which chats go along when a model is exported. Without any chat there is nothing to ask.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* `chats`: of ParleyChat, owned by the callee. Called once at most. */
typedef void (*ParleyExportChosen) (GPtrArray *chats, gpointer data);

/* Lists the chats of the store, those held with `model` first; none is chosen at first. `chosen` is
 * called when the person goes on, at once where there are no chats. */
void parley_export_dialog_present (GtkWindow *parent, ParleyServices *services, ParleyModel *model,
                                   ParleyExportChosen chosen, gpointer data,
                                   GDestroyNotify destroy);

G_END_DECLS
