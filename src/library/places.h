/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where models lie on this computer: Parley's own folders, folders that a person named, and those
 * of other programs, each in its own order. Other programs' files are only ever read.
 */
#pragma once

#include "store/parley-store.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_PLACE_TREE,   /* GGUF files in folders */
  PARLEY_PLACE_OLLAMA, /* manifests/HOST/NAMESPACE/MODEL/TAG name files of blobs/ */
  PARLEY_PLACE_HUB,    /* models--OWNER--NAME/snapshots/COMMIT/…, links into blobs/ */
} ParleyPlaceKind;

typedef struct {
  char *path; /* absolute */
  ParleyPlaceKind kind;
  char *program;    /* "Ollama"; "" for folders of our own and those that a person named */
  char *slug;       /* first component of the ids of its models; "" for the first folder */
  gboolean managed; /* Parley puts and deletes files here */
  char *problem;    /* a sentence: it cannot be looked into; NULL: it can */
} ParleyPlace;

void parley_place_free (ParleyPlace *place);

/* The own folder first, then those of the settings, then those of other programs that exist (none
 * when PARLEY_OTHER_PROGRAMS is 0). A folder of the settings is listed although it is not there.
 * Array of ParleyPlace. `store` may be NULL. */
GPtrArray *parley_places_find (const char *models_dir, ParleyStore *store);

/* Folders that a person added besides the first: managed ones get downloads and imports, others
 * are used in place. Kept in the settings; the program must not be closing. */
#define PARLEY_SETTING_FOLDERS "library/folders"
#define PARLEY_SETTING_PLACES  "library/places"
GStrv parley_places_get (ParleyStore *store, const char *setting);
gboolean parley_places_add (ParleyStore *store, const char *setting, const char *folder,
                            GError **error);
gboolean parley_places_remove (ParleyStore *store, const char *folder); /* of both; FALSE: none */

/* One model of a place. */
typedef struct {
  const ParleyPlace *place;
  GStrv parts; /* absolute paths, in order */
  char *id;
  char *repo, *commit, *sha256, *title; /* NULL: unknown */
} ParleyEntry;

void parley_entry_free (ParleyEntry *entry);

/* Adds what is there to `entries` (of ParleyEntry) and the folders to watch to `folders`. */
void parley_place_list (const ParleyPlace *place, GPtrArray *entries, GPtrArray *folders,
                        GCancellable *cancellable);

G_END_DECLS
