/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Long work on a model of the library: verifying, moving, exporting. Each joins the tasks under way
 * and says in a toast how it ended.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* `widget`: in the window. */
void parley_model_work_verify (ParleyServices *services, GtkWidget *widget, ParleyModel *model);
void parley_model_work_move (ParleyServices *services, GtkWidget *widget, ParleyModel *model,
                             const char *folder);
/* Asks first which chats go along, and for a file. */
void parley_model_work_export (ParleyServices *services, GtkWidget *widget, ParleyModel *model);

G_END_DECLS
