/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Deleted models until it is certain: renamed into "<folder>/.trash/<id>/", which costs nothing
 * and can be undone. A folder named ".moving" holds a deletion that was cut short; its files go
 * back. Blocks, briefly.
 */
#pragma once

#include "store/parley-store.h"

G_BEGIN_DECLS

/* `parts`: absolute paths below `root`. Returns the id; nothing is moved when it fails. */
char *parley_trash_put (const char *root, const char *const *parts, GError **error);
/* Back to where they were. Refuses where something else lies there now. */
gboolean parley_trash_restore (const char *root, const char *id, GError **error);
/* For good, also from the catalogue (`store` may be NULL). */
void parley_trash_purge (const char *root, const char *id, ParleyStore *store);
/* Undoes what was cut short and purges what is older than `seconds`. */
void parley_trash_clean (const char *root, guint seconds, ParleyStore *store);

G_END_DECLS
