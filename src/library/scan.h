/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the models folder: which models are there, and what each file says of itself. Blocks; for
 * a worker thread.
 */
#pragma once

#include "library/parley-model.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

typedef struct {
  GPtrArray *models;  /* of ParleyModel, by name */
  GPtrArray *folders; /* paths to watch */
} ParleyScan;

/* Models of `known` (by path) that did not change are taken over as they are. `store`: NULL, or
 * what knows where files came from. */
ParleyScan *parley_scan_folder (const char *folder, ParleyStore *store, GPtrArray *known,
                                GCancellable *cancellable);
void parley_scan_free (ParleyScan *scan);

/* One model: `parts` are its paths in order. `relative`: where it lies below the models folder, or
 * NULL. */
ParleyModel *parley_scan_model (const char *const *parts, const char *relative, ParleyStore *store);

G_END_DECLS
