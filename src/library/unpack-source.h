/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes of an archive file for libarchive, which decides the size of a decoder's window by
 * what the file asks for. So zstd and xz are decoded here, with windows of at most 32 MiB; gzip,
 * whose window is small by nature, zip and plain tar are handed on as they are.
 */
#pragma once

#include <archive.h>
#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ParleyArchiveSource ParleyArchiveSource;

/* Follows no link and opens regular files only. */
ParleyArchiveSource *parley_archive_source_open (const char *path, GError **error);
void parley_archive_source_free (ParleyArchiveSource *self);

guint64 parley_archive_source_get_size (ParleyArchiveSource *self); /* of the file */
guint64 parley_archive_source_get_read (ParleyArchiveSource *self); /* of it, so far */
gboolean parley_archive_source_is_zip (ParleyArchiveSource *self);

/* Sets the callbacks of a reader that is not open yet and opens it. */
int parley_archive_source_attach (ParleyArchiveSource *self, struct archive *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyArchiveSource, parley_archive_source_free)

G_END_DECLS
