/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models in the catalogue of the store, and what a person made of them. Blocks; for any thread.
 *
 * The name of an artifact contains a '/' while it is an automatic one ("owner/name/file"); one
 * that a person gave contains none. `defaults` is a JSON object with "tags"; `details` one with
 * "card", the Markdown of its page.
 */
#pragma once

#include "hub/parley-hub-file.h"
#include "library/parley-model.h"
#include "store/parley-catalogue.h"

G_BEGIN_DECLS

/* Where a model came from; members may be NULL. */
typedef struct {
  const char *endpoint, *repo, *commit, *file_name;
  const char *card; /* Markdown */
} ParleyOrigin;

/* Enters a downloaded, verified model, which lies at `paths`. Companions (projectors and the like)
 * are no entries of their own and are left out. */
gboolean parley_record_download (ParleyStore *store, const char *endpoint, ParleyHubFile *file,
                                 const char *const *paths, GError **error);

/* Keeps the Markdown of a model's page with the model at `path`, which is in the catalogue; one
 * that is empty or longer than 256 KiB is not worth it. */
gboolean parley_record_set_card (ParleyStore *store, const char *path, const char *card,
                                 GError **error);

/* Enters the model at `paths`, whose parts have these checksums (NULL: not known). *id (may be
 * NULL) receives that of the artifact. */
gboolean parley_record_files (ParleyStore *store, const char *const *paths,
                              const char *const *sha256s, const ParleyOrigin *origin, gint64 *id,
                              GError **error);

/* The record of the model, entered now if it was not known. NULL with an error. */
ParleyArtifactRecord *parley_record_of (ParleyStore *store, ParleyModel *model, GError **error);

/* The same model lies at `paths` too. */
gboolean parley_record_places (ParleyStore *store, ParleyArtifactRecord *record,
                               const char *const *paths, const char *const *sha256s,
                               GError **error);

/* Forgets a path that was deleted; one that was never known is fine. */
gboolean parley_record_removal (ParleyStore *store, const char *path, GError **error);

char *parley_record_dup_own_name (const ParleyArtifactRecord *record); /* NULL: none was given */
GStrv parley_record_dup_tags (const ParleyArtifactRecord *record);     /* NULL: none */
char *parley_record_dup_card (const ParleyArtifactRecord *record);     /* NULL: none */

/* A person's own name; NULL or "": the automatic one again. Refuses names with a '/'. */
gboolean parley_record_rename (ParleyStore *store, ParleyModel *model, const char *name,
                               GError **error);
gboolean parley_record_set_pinned (ParleyStore *store, ParleyModel *model, gboolean pinned,
                                   GError **error);
/* At most 20 of at most 40 bytes; cleaned and sorted, each once. */
gboolean parley_record_set_tags (ParleyStore *store, ParleyModel *model, const char *const *tags,
                                 GError **error);
gboolean parley_record_set_used (ParleyStore *store, ParleyModel *model, GError **error);

/* The settings that a model can have of its own, under "model/<id>/<key>"; ended by NULL. */
extern const char *const parley_model_setting_keys[];
char *parley_model_setting (const char *id, const char *key);

G_END_DECLS
