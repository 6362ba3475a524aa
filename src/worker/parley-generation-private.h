/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The client's side of a generation: it feeds what the engine process says, after checking it.
 */
#pragma once

#include "worker/parley-generation.h"

G_BEGIN_DECLS

typedef void (*ParleyGenerationCancelFn) (guint64 id, gpointer data);

/* `cancel` is called at most once, and not after parley_generation_finish(). */
ParleyGeneration *_parley_generation_new (guint64 id, guint credit, ParleyGenerationCancelFn cancel,
                                          gpointer data);

/* FALSE: this cannot be, and the process is not to be trusted any more. *more (never NULL): how
 * many further Parts it may be allowed. */
gboolean _parley_generation_take_parts (ParleyGeneration *self, guint sequence, GVariant *parts,
                                        guint *more);
gboolean _parley_generation_take_progress (ParleyGeneration *self, guint done, guint total);
/* `n_parts`: how many Parts the process says it sent. FALSE: some are missing. */
gboolean _parley_generation_has_all (ParleyGeneration *self, guint n_parts);

/* Ends it: `stats` and `tokens` may be NULL; owns `error`. Does nothing when it has ended. */
void _parley_generation_finish (ParleyGeneration *self, const ParleyGenerationStats *stats,
                                GBytes *tokens, GError *error);

G_END_DECLS
