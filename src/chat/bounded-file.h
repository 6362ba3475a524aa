/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading a file that comes from anywhere into memory. Blocks; for a background thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is longer than `max_bytes` is refused (G_IO_ERROR_MESSAGE_TOO_LARGE), not cut. A folder is
 * G_IO_ERROR_IS_DIRECTORY; pipes and devices, for which one may wait in vain, are not even opened:
 * G_IO_ERROR_NOT_REGULAR_FILE. The messages of these three are for no person. */
GBytes *parley_read_bounded (GFile *file, gsize max_bytes, GCancellable *cancellable,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
