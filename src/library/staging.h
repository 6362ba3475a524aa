/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hidden folder of a models folder in which an import is put together: on the same file system
 * as its place, out of sight of every scan, and removed by whoever comes next when its owner died.
 */
#pragma once

#include "library/unpack.h"

G_BEGIN_DECLS

typedef struct {
  char *path;      /* <models folder>/.import-<number> */
  char *lock_path; /* <path>.lock */
  int lock, folder_fd;
} ParleyStaging;

ParleyStaging *parley_staging_new (const char *models_dir, GError **error);
void parley_staging_free (ParleyStaging *staging); /* with all that is left in it */

/* Removes those that nobody works on. */
void parley_staging_clean (const char *models_dir);

/* Copies a file (by sharing its blocks where the file system can) and computes its SHA-256. The
 * copy must not exist; it is synced. `done` grows by the bytes copied. */
gboolean parley_staging_copy (const char *from, const char *to, char sha256[65], guint64 *done,
                              guint64 total, ParleyProgress progress, gpointer data,
                              GCancellable *cancellable, GError **error);

/* Removes a folder and everything in it, following no link. */
void parley_remove_tree (const char *path);

/* Removes the folders above `path` that became empty, up to `root`, which stays. */
void parley_remove_empty_folders (const char *path, const char *root);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyStaging, parley_staging_free)

G_END_DECLS
