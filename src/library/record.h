/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models in the catalogue of the store. Blocks; for any thread.
 */
#pragma once

#include "hub/parley-hub-file.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

/* Enters a downloaded, verified model, which lies at `paths`. Companions (projectors and the like)
 * are no entries of their own and are left out. */
gboolean parley_record_download (ParleyStore *store, const char *endpoint, ParleyHubFile *file,
                                 const char *const *paths, GError **error);
/* Forgets a path that was deleted; one that was never known is fine. */
gboolean parley_record_removal (ParleyStore *store, const char *path, GError **error);

G_END_DECLS
