/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Brings models into a models folder: GGUF files, all models of a folder, archives, and what
 * parley_export() made. Blocks; for a worker thread.
 *
 * Files are put together in a staging folder, checked and synced there, then renamed into place,
 * and only then entered in the catalogue; so at every instant a crash leaves whole models or none,
 * and what was to be imported stays where it was until the end.
 */
#pragma once

#include "library/unpack.h"
#include "library/parley-model.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

typedef struct {
  GPtrArray *paths; /* of strings: the first parts of the models that are in the library now */
  GPtrArray *known; /* the same, of those that were there before */
  GPtrArray *chats; /* of strings: JSON as of parley_chat_export_json() */
  GPtrArray *left;  /* of strings: why some of a folder's models were left out */
} ParleyImport;

void parley_import_free (ParleyImport *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyImport, parley_import_free)

/* `move`: the originals of GGUF files are deleted at the end; an archive stays. `store` may be
 * NULL. A split model is taken as a whole, whichever part is named. */
ParleyImport *parley_import (const char *path, const char *models_dir, ParleyStore *store,
                             gboolean move, ParleyProgress progress, gpointer data,
                             GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Moves a model of one managed folder to the same place below another one, which may be on another
 * disk. */
gboolean parley_relocate (ParleyModel *model, const char *folder, ParleyStore *store,
                          ParleyProgress progress, gpointer data, GCancellable *cancellable,
                          GError **error);

/* Reads all of it and compares. A model without a known checksum gets one. FALSE with
 * PARLEY_HUB_ERROR_CHECKSUM: its bytes are not those that were downloaded. */
gboolean parley_verify (ParleyModel *model, ParleyStore *store, ParleyProgress progress,
                        gpointer data, GCancellable *cancellable, GError **error);

G_END_DECLS
