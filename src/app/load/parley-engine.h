/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One loaded model: its engine process and the responder that chats talk to. Made by
 * ParleyEngines, which decides when it loads and when it gives way. Main thread only.
 *
 * Property `state` (readable, notified).
 */
#pragma once

#include "chat/parley-local-responder.h"
#include "fit/history.h"
#include "library/parley-model.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_ENGINE_WAITING, /* for room: it is planned, or another model has to finish first */
  PARLEY_ENGINE_LOADING,
  PARLEY_ENGINE_RESTING,
  PARLEY_ENGINE_ANSWERING,
  PARLEY_ENGINE_FAILED, /* could not be loaded, or its process ended */
} ParleyEngineState;

#define PARLEY_TYPE_ENGINE (parley_engine_get_type ())
G_DECLARE_FINAL_TYPE (ParleyEngine, parley_engine, PARLEY, ENGINE, GObject)

ParleyEngineState parley_engine_get_state (ParleyEngine *self);
ParleyModel *parley_engine_get_model (ParleyEngine *self);
ParleyWorkerClient *parley_engine_get_client (ParleyEngine *self);
ParleyResponder *parley_engine_get_responder (ParleyEngine *self);
gint64 parley_engine_get_last_used (ParleyEngine *self); /* monotonic microseconds */

/* For ParleyEngines. `waiting_for`: why nothing is loaded yet, a sentence. */
ParleyEngine *_parley_engine_new (ParleyModel *model);
void _parley_engine_use (ParleyEngine *self); /* it was just talked to, or chosen */
void _parley_engine_wait (ParleyEngine *self, const char *waiting_for);
void _parley_engine_load (ParleyEngine *self, const struct pe_plan_request *request);
void _parley_engine_unload (ParleyEngine *self);
/* How the reply that just ended came about, on GPUs with these identifiers; FALSE: layers moved
 * meanwhile. */
gboolean _parley_engine_describe_run (ParleyEngine *self, const ParleyReplyStats *stats,
                                      const char *const *ids, gsize n_ids, ParleyRunRecord *run);

G_END_DECLS
