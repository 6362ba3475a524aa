/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the database is: in PARLEY_DATA_DIR, else in the folder that a person chose, else in the
 * usual one, $XDG_DATA_HOME/parley. What was chosen is in the file $XDG_CONFIG_HOME/parley/
 * chats-folder, which every program of Parley reads. A chosen folder without a database is never
 * filled with an empty one: it is on a disk that is away.
 *
 * Paths are absolute. Errors are sentences for a person. Threads: any, but one at a time; and what
 * changes anything wants that this process has no store open.
 */
#pragma once

#include <gio/gio.h>

#include "store/parley-store.h"

G_BEGIN_DECLS

char *parley_chats_folder_dup_usual (void);
gboolean parley_chats_folder_is_given (void);  /* PARLEY_DATA_DIR is set: nothing can be chosen */
gboolean parley_chats_folder_is_chosen (void); /* there is such a file, whatever is in it */
/* The folder; NULL where the file that names it cannot be understood. `chosen` may be NULL. */
char *parley_chats_folder_find (gboolean *chosen, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gboolean has_chats; /* there is a database of Parley; else the others are 0 */
  guint n_chats;
  gint64 changed_at; /* the last of them, microseconds since 1970; 0: there are none */
} ParleyChatsFolderLook;

/* Whether chats can be kept there: a folder of this computer that can be written to and has what a
 * database needs, locks above all. Leaves nothing in it. FALSE with the reason. */
gboolean parley_chats_folder_look (const char *folder, ParleyChatsFolderLook *look, GError **error);

typedef enum {
  PARLEY_CHATS_MOVE_COPYING,
  PARLEY_CHATS_MOVE_CHECKING, /* the copy, against the original */
  PARLEY_CHATS_MOVE_PLACING,  /* it gets its name and is opened there */
  PARLEY_CHATS_MOVE_CHOOSING, /* the folder is written down */
  PARLEY_CHATS_MOVE_DONE,
} ParleyChatsMoveStage;

/* Called as each stage begins and, while it copies, with the share that is done. */
typedef void (*ParleyChatsMoved) (ParleyChatsMoveStage stage, double share, gpointer data);

/* Copies the database to `folder`, which has none, and makes that the folder. However it ends, by
 * kill -9 too, the folder is the old one or the new one, with all chats. The old database stays
 * until parley_chats_folder_settle(). Fails where another process has it open. */
gboolean parley_chats_folder_move (const char *folder, ParleyChatsMoved moved, gpointer data,
                                   GCancellable *cancellable, GError **error);
/* Makes a folder that has a database the folder, if it opens well. */
gboolean parley_chats_folder_use (const char *folder, GError **error);
/* Forgets what was chosen: the usual folder again, as it is. */
gboolean parley_chats_folder_use_usual (GError **error);

/* The folder in which a move left the old database; NULL: none. */
char *parley_chats_folder_dup_left (void);
/* Deletes that database, or else gives it another name. */
gboolean parley_chats_folder_settle (gboolean delete, GError **error);

G_END_DECLS
