/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A split model estimated from its first part alone: the layers that lie in later parts are taken
 * to be like those that are seen.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The header that one file of the model would have. `first`: the first bytes of the first part, at
 * least its whole header; `first_bytes`, `all_bytes`: sizes of that part and of all. *file_bytes
 * receives the size of such a file, which is near `all_bytes`. NULL where the first part tells too
 * little: no whole layer, or layers that do not add up to the size of the parts. */
GBytes *parley_outline_header (GBytes *first, guint64 first_bytes, guint64 all_bytes,
                               guint64 *file_bytes) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
