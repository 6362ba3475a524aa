/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models on disk, as records of the store. An artifact is a model (all of
 * its shards together); a location is a file at a path. A file can belong to several artifacts (a
 * projector shared by quantisations), and an artifact can lie at several places, so the two are
 * joined by rows that say the file's role.
 *
 * All calls wait for the disk: use them from a worker thread, or where a few milliseconds are
 * fine. Times are microseconds since 1970 (UTC) but for mtime_ns. Strings are UTF-8 but for
 * paths, which are bytes as the file system has them.
 */
#pragma once

#include "store/parley-store.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_FILE_MODEL,     /* the weights, or one shard of them */
  PARLEY_FILE_PROJECTOR, /* for images or sound */
  PARLEY_FILE_DRAFT,     /* a smaller model that guesses ahead */
  PARLEY_FILE_ADAPTER,
  PARLEY_FILE_CARD, /* its description */
} ParleyFileRole;

typedef struct {
  gint64 id;       /* 0 in a record that is not stored yet */
  char *path;      /* absolute; unique */
  char *sha256;    /* 64 lower-case hexadecimal digits, or NULL: not hashed yet */
  gint64 size;     /* bytes */
  gint64 mtime_ns; /* since 1970; with size and inode tells whether the file changed */
  guint64 inode, device;
  char *origin;        /* whose folder it lies in: "parley", "ollama", "lm-studio", … */
  gboolean missing;    /* not there at the last look: an unplugged disk, a removed file */
  ParleyFileRole role; /* in the artifact that it was read with */
  guint shard;         /* from 0 */
} ParleyLocationRecord;

typedef struct {
  gint64 id;             /* 0 in a record that is not stored yet */
  char *sha256;          /* of the file, or of the first shard; NULL: not hashed yet */
  gint64 size;           /* bytes of all shards */
  guint n_shards;        /* at least 1 */
  char *name;            /* what it is called in the library; unique, see parley_catalogue_add() */
  char *title;           /* the file's own general.name, or NULL */
  char *architecture;    /* general.architecture, or NULL: unreadable */
  char *quantisation;    /* "Q4_K_M", or NULL */
  gint64 n_parameters;   /* 0: unknown */
  gint64 context_length; /* trained with; 0: unknown */
  char *endpoint, *repo, *commit, *file_name; /* where it came from; NULL: unknown. file_name is
                                                 the path inside the repository */
  char *defaults; /* JSON object of the person's settings for this model, or NULL */
  char *details;  /* JSON object that belongs to the library, or NULL */
  char *problem;  /* why it cannot be used, or NULL */
  gboolean pinned;
  gint64 added_at, last_used_at; /* 0: never */
  GPtrArray *files; /* of ParleyLocationRecord, by role and shard; never NULL when read */
} ParleyArtifactRecord;

ParleyLocationRecord *parley_location_record_new (void);
void parley_location_record_free (ParleyLocationRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyLocationRecord, parley_location_record_free)

ParleyArtifactRecord *parley_artifact_record_new (void); /* with an empty `files` */
void parley_artifact_record_free (ParleyArtifactRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyArtifactRecord, parley_artifact_record_free)

/* Stores the artifact with its files in one transaction. A record with an id, else one whose sha256
 * or whose first file's path is known already, is updated: its fields replace the stored ones,
 * while pinned, added_at, last_used_at, defaults, a name without '/' and origins that the new
 * record does not know stay, and its files are added to the known ones. A name that another
 * artifact has gets " (2)" or so appended. Fills in the ids and the name. */
gboolean parley_catalogue_add (ParleyStore *store, ParleyArtifactRecord *artifact, GError **error);

/* Array of ParleyArtifactRecord by name, each with its files. */
GPtrArray *parley_catalogue_list (ParleyStore *store, GError **error);
/* The artifact; PARLEY_STORE_ERROR_NOT_FOUND where there is none. */
ParleyArtifactRecord *parley_catalogue_get (ParleyStore *store, gint64 id, GError **error);
ParleyArtifactRecord *parley_catalogue_find_path (ParleyStore *store, const char *path,
                                                  GError **error);
ParleyArtifactRecord *parley_catalogue_find_sha256 (ParleyStore *store, const char *sha256,
                                                    GError **error);
/* Every known location (role and shard of one of its artifacts), for a scan. */
GPtrArray *parley_catalogue_list_locations (ParleyStore *store, GError **error);

/* What a person changes. NULL or -1 leaves a field as it is. */
gboolean parley_catalogue_rename (ParleyStore *store, gint64 id, const char *name, GError **error);
gboolean parley_catalogue_set_pinned (ParleyStore *store, gint64 id, gboolean pinned,
                                      GError **error);
gboolean parley_catalogue_set_defaults (ParleyStore *store, gint64 id, const char *json,
                                        GError **error);
gboolean parley_catalogue_set_used (ParleyStore *store, gint64 id, gint64 when, GError **error);

/* The library's `details` of the model with a file at this path; nothing else of it changes. */
gboolean parley_catalogue_set_details (ParleyStore *store, const char *path, const char *json,
                                       GError **error);

/* Updates size, mtime, inode, device, sha256 and missing of the location with this path. */
gboolean parley_catalogue_update_location (ParleyStore *store, const ParleyLocationRecord *record,
                                           GError **error);
gboolean parley_catalogue_set_missing (ParleyStore *store, const char *path, gboolean missing,
                                       GError **error);
/* Forgets a path, and with its last model file the artifact. Files are never touched. */
gboolean parley_catalogue_remove_location (ParleyStore *store, const char *path, GError **error);
/* Forgets the artifact, and those of its locations that no other one uses. */
gboolean parley_catalogue_remove (ParleyStore *store, gint64 id, GError **error);

G_END_DECLS
