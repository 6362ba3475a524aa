/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The models on this computer: a GListModel of ParleyModel, pinned ones first, then by name.
 * Follows the folders, so that what another process downloads or deletes shows up here. To be used
 * on the thread that made it; files are read on a worker thread.
 */
#pragma once

#include "hub/parley-downloads.h"
#include "library/parley-model.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_LIBRARY (parley_library_get_type ())
G_DECLARE_FINAL_TYPE (ParleyLibrary, parley_library, PARLEY, LIBRARY, GObject)

/* `models_dir`: NULL for the usual one (created when missing) with all other places, see
 * places.h; else that folder alone. Starts empty. */
ParleyLibrary *parley_library_new (const char *models_dir);

/* The catalogue: where a model came from, and its checksum. Without one, the place of a file tells
 * its repository. Set before loading. */
void parley_library_set_store (ParleyLibrary *self, ParleyStore *store);

/* The model that comes with Parley is the last of the list, whatever its name, and cannot be
 * deleted. Does nothing where its file is missing. Call it before loading. */
void parley_library_add_builtin (ParleyLibrary *self);
/* How many models there are besides it. */
guint parley_library_get_n_own (ParleyLibrary *self);
/* NULL: it is not in the list. The library keeps it. */
ParleyModel *parley_library_get_builtin (ParleyLibrary *self);

/* What `downloads` brings is entered in the catalogue and shows up here, and the page of each model
 * is kept with it. Call it before the first transfer. */
void parley_library_follow (ParleyLibrary *self, ParleyDownloads *downloads);
/* It is entered, and that is all: for programs that leave when it is there. */
void parley_library_record (ParleyLibrary *self, ParleyDownloads *downloads);

/* Reads the folder and blocks until that is done: for programs without a main loop. */
gboolean parley_library_load (ParleyLibrary *self, GCancellable *cancellable, GError **error);

/* Reads it in the background and then follows changes. "loading" (readable property) is TRUE
 * until the first reading is done; the signal "scanned" ends each one, also where no model is
 * another one: folders may be. */
void parley_library_watch (ParleyLibrary *self);
void parley_library_refresh (ParleyLibrary *self);
gboolean parley_library_is_loading (ParleyLibrary *self);

/* By id, name, file name, "org/name:QUANT", path, or a prefix of one of the first three that fits
 * one model only; case is ignored. Paths need not lie in the library. NULL with an error that lists
 * the candidates. */
ParleyModel *parley_library_lookup (ParleyLibrary *self, const char *text,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A model of any file. Never NULL: the state says what is wrong with it. Blocks. */
ParleyModel *parley_library_inspect (const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* Deletes all parts; folders that become empty go too. Refuses files of other programs. */
gboolean parley_library_delete (ParleyLibrary *self, ParleyModel *model, GError **error);

/* The same so that it can be undone: returns an id for one of the two calls below. What nobody
 * asks about within an hour is purged by a later run. Free with g_free(). */
char *parley_library_trash (ParleyLibrary *self, ParleyModel *model, GError **error);
gboolean parley_library_restore (ParleyLibrary *self, ParleyModel *model, const char *id,
                                 GError **error);
void parley_library_purge (ParleyLibrary *self, ParleyModel *model, const char *id);

const char *parley_library_get_models_dir (ParleyLibrary *self);
/* Of strings: places that could not be looked into, and what to do. */
GPtrArray *parley_library_get_notes (ParleyLibrary *self);

G_END_DECLS
