/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Unpacks an archive from anywhere: tar (plain, gzip, zstd, xz) and zip (stored, deflated). Only
 * regular files named *.gguf, *.json, *.txt and *.md come out; other ordinary files are left in.
 * An archive that names a place outside, a link, a device, one path twice, more than 64 such
 * files, or that grows to more than a hundred times its size, is refused as a whole. Blocks; for a
 * worker thread. Memory is bounded by about 40 MiB, whatever the archive says.
 */
#pragma once

#include <gio/gio.h>

#include "store/progress.h"

G_BEGIN_DECLS

typedef struct {
  char *name;   /* below the folder, '/' between components; passed parley_name_check_path() */
  guint64 size; /* bytes */
  char sha256[65];
} ParleyUnpacked;

void parley_unpacked_free (ParleyUnpacked *file);

/* TRUE for the beginnings that parley_archive_unpack() takes. */
gboolean parley_archive_is_one (const char *path);

/* Into the folder that `folder_fd` has open, of which nothing else is touched; it should be empty.
 * What is there when it fails is for the caller to remove. At most `max_bytes` are written.
 * Returns an array of ParleyUnpacked; files are not synced. */
GPtrArray *parley_archive_unpack (const char *path, int folder_fd, guint64 max_bytes,
                                  ParleyProgress progress, gpointer data, GCancellable *cancellable,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
