/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The description of an unfinished download, "<first file>.part.json": what it is going to be, and
 * how much of each part is known to be on the disk. Read as untrusted input. Belongs to one thread
 * at a time.
 */
#pragma once

#include "hub/parley-hub-file.h"

G_BEGIN_DECLS

typedef struct {
  char *path; /* in the repository and below the folder; checked */
  guint64 size;
  char sha256[65];
  guint64 synced;   /* bytes of the .part file that were forced to the disk */
  gboolean fetched; /* whole and verified, by this download */
  gboolean found;   /* whole and verified, there before */
} ParleySidecarPart;

typedef struct {
  char *endpoint;
  char *repo;
  char *commit;
  gboolean paused;    /* by a person */
  gint64 added;       /* microseconds since 1970 */
  gboolean same_boot; /* the computer did not start anew since this was written */
  ParleySidecarPart *parts;
  guint n_parts;
} ParleySidecar;

/* Fails for a file without checksum or with unsafe names. */
ParleySidecar *parley_sidecar_new (const char *endpoint, ParleyHubFile *file, GError **error);
ParleySidecar *parley_sidecar_read (const char *path, GError **error);
gboolean parley_sidecar_write (const ParleySidecar *self, const char *path, GError **error);
void parley_sidecar_free (ParleySidecar *self);

/* The same bytes at the same places. */
gboolean parley_sidecar_equal (const ParleySidecar *a, const ParleySidecar *b);

/* How far an equal one says the download got. The identity of `self` stays untouched. */
void parley_sidecar_take_progress (ParleySidecar *self, const ParleySidecar *from);

ParleyHubFile *parley_sidecar_to_file (const ParleySidecar *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleySidecar, parley_sidecar_free)

G_END_DECLS
