/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A file that a person asked for, seen under its name only once it is whole: it is written beside
 * it under a passing name, forced to the disk, and renamed. Until then the name holds what it held;
 * the end of the program in between leaves at most a hidden “.parley-…” there.
 *
 * What has the name already is replaced if it is a file that may be written, and its permissions
 * stay; a link stays, and the file that it leads to is replaced. Folders, pipes, devices and links
 * to nothing are refused. A new file is for its owner alone. Errors are of G_IO_ERROR, sentences
 * that name the file. Any thread, one at a time.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ParleyNewFile ParleyNewFile;

ParleyNewFile *parley_new_file_create (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Where it is written until it is finished: for those that open it by themselves. */
const char *parley_new_file_get_passing_path (ParleyNewFile *self);

gboolean parley_new_file_write (ParleyNewFile *self, const void *bytes, gsize n,
                                GCancellable *cancellable, GError **error);
/* The words for an errno of such an opener. Returns FALSE. */
gboolean parley_new_file_fail (ParleyNewFile *self, int code, GError **error);
/* FALSE: what had the name before has it still. */
gboolean parley_new_file_finish (ParleyNewFile *self, GError **error);
/* What was not finished goes. */
void parley_new_file_free (ParleyNewFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyNewFile, parley_new_file_free)

G_END_DECLS
