/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The downloads of one program: a GListModel of ParleyTransfer in the order in which they run, at
 * most two at a time unless told otherwise. To be used on the thread that made it.
 *
 * A file arrives as "<file>.part" in its final folder, beside "<file>.part.json", which says what
 * it is going to be (endpoint, repository, commit, path, size, SHA-256), and "<file>.part.lock",
 * held by the program that writes it. Every request names a range and every answer is checked
 * against what was asked; the SHA-256 is computed as bytes arrive. When it matches: fsync, rename,
 * fsync of the folder, the recorder below, and only then the removal of the description. So at
 * every instant a crash leaves either a resumable part or the whole, verified file.
 */
#pragma once

#include "hub/parley-hub.h"
#include "hub/parley-transfer.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_DOWNLOADS (parley_downloads_get_type ())
G_DECLARE_FINAL_TYPE (ParleyDownloads, parley_downloads, PARLEY, DOWNLOADS, GObject)

/* `models_dir`: NULL for parley_models_dir(). */
ParleyDownloads *parley_downloads_new (ParleyHub *hub, const char *models_dir);

ParleyHub *parley_downloads_get_hub (ParleyDownloads *self);
const char *parley_downloads_get_endpoint (ParleyDownloads *self); /* of its hub */

/* Enters a verified file into a catalogue; called on a worker thread, once for each transfer,
 * perhaps again after a crash. `paths`: n_parts absolute paths. Failing makes the transfer fail
 * with that message, to be resumed. Set before the first transfer. */
typedef gboolean (*ParleyDownloadsRecorder) (ParleyHubFile *file, const char *const *paths,
                                             gpointer data, GError **error);
void parley_downloads_set_recorder (ParleyDownloads *self, ParleyDownloadsRecorder recorder,
                                    gpointer data, GDestroyNotify destroy);

/* Finds unfinished downloads of earlier runs and lists them: those that a person paused stay
 * paused, the others go on. */
void parley_downloads_restore (ParleyDownloads *self);

/* Starts a download, or returns the one of the same file that is already listed. The result
 * belongs to the list. NULL with an error when the file cannot be had at all. */
ParleyTransfer *parley_downloads_add (ParleyDownloads *self, ParleyHubFile *file, GError **error);

/* Goes on finding what other programs do with the queue, some seconds later. */
void parley_downloads_watch (ParleyDownloads *self);

/* How many run at a time, 1 to 8 (2). */
void parley_downloads_set_limit (ParleyDownloads *self, guint limit);

/* Whether they go on over a connection that is paid by the byte (FALSE); otherwise they wait. */
void parley_downloads_set_allow_metered (ParleyDownloads *self, gboolean allow);
gboolean parley_downloads_is_held (ParleyDownloads *self); /* they wait for that */

/* Puts a transfer before the one at `position` (n: at the end). Kept across restarts. */
void parley_downloads_move (ParleyDownloads *self, ParleyTransfer *transfer, guint position);

/* The listed transfer of this file that is not done or cancelled, or NULL. */
ParleyTransfer *parley_downloads_find (ParleyDownloads *self, ParleyHubFile *file);

void parley_downloads_remove_finished (ParleyDownloads *self); /* done and cancelled ones */

/* Transfers that wait for space on the disk look for it every few seconds and go on by themselves.
 */

/* Stops all work and waits for it, so that the next run goes on from there. Disposing does it
 * too. */
void parley_downloads_stop (ParleyDownloads *self);

/* Signal "finished" (ParleyTransfer *): the file is whole, verified and in its place. */

/* PARLEY_DATA_DIR, else $XDG_DATA_HOME/parley, with "models" below it (chats may be elsewhere, see
 * store/chats-folder.h); and $XDG_CACHE_HOME/parley.
 * Owned by the library, absolute. */
const char *parley_data_dir (void);
const char *parley_models_dir (void);
const char *parley_cache_dir (void);

/* Models in another folder than the usual one, from the next start on. One that is not there then
 * (a disk that is not plugged in) leaves the usual one. */
gboolean parley_models_dir_choose (const char *folder, GError **error);
char *parley_models_dir_dup_chosen (void);

G_END_DECLS
