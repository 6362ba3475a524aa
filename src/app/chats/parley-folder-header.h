/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The line above the chats of a folder: folds them, takes chats dropped on it, has the folder's
 * menu.
 *
 * Signal "toggled" ().
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_FOLDER_HEADER (parley_folder_header_get_type ())
G_DECLARE_FINAL_TYPE (ParleyFolderHeader, parley_folder_header, PARLEY, FOLDER_HEADER, GtkBox)

GtkWidget *parley_folder_header_new (const char *name, gboolean open);
const char *parley_folder_header_get_name (ParleyFolderHeader *self);

G_END_DECLS
