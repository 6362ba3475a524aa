/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Parley keeps: chats, the catalogue of models and settings, in one
 * SQLite file `parley.db` of the data folder. The application and parley-cli use the same file at
 * the same time.
 *
 * Threads: every function may be called from any thread. Writes are queued and made, in order, by
 * one writer thread of the store; reads use connections of their own and see what is committed.
 * Signals and property changes come in the main context that was the thread's default at
 * parley_store_open().
 *
 * Durability: a write without a GError (chats, settings) returns at once. Parts of a running reply
 * are in the file after at most 100 ms and survive the end of the process; everything else is
 * forced to the disk before it counts as done. When the disk is full or the file is locked, such
 * writes stay queued, `problem` says so, and they are made as soon as that works. A write with a
 * GError waits for its commit and fails with the reason.
 */
#pragma once

#include <gio/gio.h>

#include "store/progress.h"

G_BEGIN_DECLS

#define PARLEY_STORE_ERROR (parley_store_error_quark ())

typedef enum {
  PARLEY_STORE_ERROR_FAILED,    /* anything else; the message has SQLite's words */
  PARLEY_STORE_ERROR_OPEN,      /* folder or file cannot be made, read or locked */
  PARLEY_STORE_ERROR_DAMAGED,   /* not a database, or a damaged one; it was left as it is */
  PARLEY_STORE_ERROR_READ_ONLY, /* written by a newer Parley, or not writable */
  PARLEY_STORE_ERROR_FULL,      /* no space left on the disk */
  PARLEY_STORE_ERROR_NOT_FOUND, /* no such chat, model, … */
  PARLEY_STORE_ERROR_INVALID,   /* a value that cannot be stored */
  PARLEY_STORE_ERROR_AWAY,      /* the folder that a person chose is not there, or has nothing */
} ParleyStoreError;

GQuark parley_store_error_quark (void);

/* What a change concerns. */
typedef enum {
  PARLEY_STORE_CHATS = 1 << 0,
  PARLEY_STORE_CATALOGUE = 1 << 1,
  PARLEY_STORE_SETTINGS = 1 << 2,
  PARLEY_STORE_RUNS = 1 << 3, /* how fast replies came */
} ParleyStoreAreas;

#define PARLEY_STORE_ALL_AREAS                                                                     \
  (PARLEY_STORE_CHATS | PARLEY_STORE_CATALOGUE | PARLEY_STORE_SETTINGS | PARLEY_STORE_RUNS)

/* Signal `changed (ParleyStoreAreas areas, gboolean elsewhere)`: something was committed by this
 * store, or (elsewhere) by another process.
 * Property `problem` (string or NULL, notified): a sentence for a person, while something is wrong
 * with saving. */
#define PARLEY_TYPE_STORE (parley_store_get_type ())
G_DECLARE_FINAL_TYPE (ParleyStore, parley_store, PARLEY, STORE, GObject)

/* Where chats are (store/chats-folder.h); absolute. */
char *parley_store_default_folder (void);

/* Opens `folder`/parley.db; NULL means the default one. Makes both where absent (but not in a
 * folder that was chosen: there the error is PARLEY_STORE_ERROR_AWAY), brings an older
 * schema up to date, and closes replies that a process which is gone left unfinished (marked
 * interrupted, their text kept). A database of a newer Parley, or one that cannot be written,
 * opens read-only: then `problem` says why and writes fail with PARLEY_STORE_ERROR_READ_ONLY. A
 * damaged one is an error and stays untouched. */
ParleyStore *parley_store_open (const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a database (with its log) aside under a new name in the same folder, parley.db.WHY-DATE, so
 * that the next open begins a fresh one. Returns the new path. No store may have it open. */
char *parley_store_set_aside (const char *folder, const char *why,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Makes every queued write, then closes. False: something could not be saved. Unreferencing does
 * the same without telling. */
gboolean parley_store_close (ParleyStore *self, GError **error);

/* Waits until every write queued before is committed and on the disk. */
gboolean parley_store_flush (ParleyStore *self, GError **error);

/* Reads every page and every index; for a background thread, since it takes its time. */
gboolean parley_store_check (ParleyStore *self, GError **error);

/* Whether the path names one of the files that the store is kept in: nothing else may replace them.
 */
gboolean parley_store_owns_file (ParleyStore *self, const char *path);

/* Copies the database as it is now to a file of its own, while it is in use; as for the file, see
 * new-file.h. Opening a folder with it as parley.db gives everything back. `progress` may be NULL;
 * G_IO_ERROR_CANCELLED, too. For a background thread. */
gboolean parley_store_back_up (ParleyStore *self, const char *path, ParleyProgress progress,
                               gpointer data, GCancellable *cancellable, GError **error);

/* Deletes every chat, attachment and setting for good: nothing of them stays in the folder, nor in
 * databases that were set aside there. What is known of models stays. FALSE may come after they
 * were deleted, when something of them may still be on the disk. For a background thread. */
gboolean parley_store_erase (ParleyStore *self, GError **error);

const char *parley_store_get_folder (ParleyStore *self);
gboolean parley_store_get_read_only (ParleyStore *self);
char *parley_store_dup_problem (ParleyStore *self);

/* An identifier that no other row of the database has or will have, whichever process makes it;
 * positive, and growing within a process. */
gint64 parley_store_new_id (ParleyStore *self);

/* Settings: short texts by key ("page/detail"), held in memory, so that reading costs nothing and
 * sees what was just written. NULL: absent. */
char *parley_store_get_setting (ParleyStore *self, const char *key);
void parley_store_set_setting (ParleyStore *self, const char *key, const char *value);

G_END_DECLS
