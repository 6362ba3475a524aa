/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the places of models: which models are there, and what each file says of itself. Blocks;
 * for a worker thread.
 */
#pragma once

#include "library/parley-model.h"
#include "library/places.h"

G_BEGIN_DECLS

typedef struct {
  GPtrArray *models;  /* of ParleyModel: pinned ones first, then by name */
  GPtrArray *folders; /* paths to watch */
  GPtrArray *notes;   /* sentences: places that cannot be looked into */
} ParleyScan;

/* Models of `known` whose files did not change are not read again, and are taken over as they are
 * when nothing else did. `store`: NULL, or what knows where files came from and what a person made
 * of them. One file at several paths (by inode, or by SHA-256 where it is known) is one model, of
 * the first place. */
ParleyScan *parley_scan_places (GPtrArray *places, ParleyStore *store, GPtrArray *known,
                                GCancellable *cancellable);
void parley_scan_free (ParleyScan *scan);

/* One model: `parts` are its paths in order. */
ParleyModel *parley_scan_model (const char *const *parts);

G_END_DECLS
