/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A split model seen before it is downloaded: its first part has the metadata, its tensors are
 * spread over all of them.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The header that one file with the tensors of all parts would have. `headers`: of GBytes, the
 * first bytes of the parts in order, at least their whole headers; `sizes`: of the `headers->len`
 * whole parts. *file_bytes receives the size of such a file, at least that of all parts. NULL with
 * PARLEY_HUB_ERROR_PROTOCOL where they are no parts of one model; `name` is for the message. */
GBytes *parley_joint_header (GPtrArray *headers, const guint64 *sizes, const char *name,
                             guint64 *file_bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
