/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folders with models and the space on their disks: what the models take, what others take,
 * what is free. Folders that a person added can be taken off the list; their files stay.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_FOLDER_LIST (parley_folder_list_get_type ())
G_DECLARE_FINAL_TYPE (ParleyFolderList, parley_folder_list, PARLEY, FOLDER_LIST, GtkBox)

GtkWidget *parley_folder_list_new (ParleyServices *services);

/* Adds a folder: with `managed`, downloads and imports can be moved there; else its models are used
 * in place. Says in a toast when it cannot. */
void parley_folder_list_add (ParleyServices *services, GtkWidget *widget, GFile *folder,
                             gboolean managed);

G_END_DECLS
