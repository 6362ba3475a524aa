/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the hub has newer files than those that were downloaded. Asked at most once a day, and
 * about so many repositories; what it said is kept until then. Nothing is replaced by itself.
 */
#pragma once

#include "hub/parley-hub.h"
#include "library/parley-library.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_UPDATES (parley_updates_get_type ())
G_DECLARE_FINAL_TYPE (ParleyUpdates, parley_updates, PARLEY, UPDATES, GObject)

ParleyUpdates *parley_updates_new (ParleyHub *hub, ParleyLibrary *library, ParleyStore *store);
/* Begins to ask; quietly does nothing when it was done today, or the hub is not there. */
void parley_updates_check (ParleyUpdates *self);
/* The newer file, or NULL: none is known. Not a new reference. */
ParleyHubFile *parley_updates_find (ParleyUpdates *self, ParleyModel *model);

/* Signal "changed". */

G_END_DECLS
