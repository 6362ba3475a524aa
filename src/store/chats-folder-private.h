/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What chats-folder.c and move.c share.
 */
#pragma once

#include "store/chats-folder.h"

typedef struct {
  char *folder; /* NULL: none was chosen */
  char *left;   /* where the database of before a move still is; NULL: nowhere */
} ParleyFolderChoice;

void _parley_folder_choice_clear (ParleyFolderChoice *choice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ParleyFolderChoice, _parley_folder_choice_clear)

/* Writes it down, on the disk when it returns. The usual folder without `left` is no choice. */
gboolean _parley_folder_choose (const char *folder, const char *left, GError **error);
/* Forces a file or a folder to the disk. */
gboolean _parley_folder_sync (const char *path, GError **error);
/* The database with all that is beside it. */
gboolean _parley_folder_delete_database (const char *folder, GError **error);
