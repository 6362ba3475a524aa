/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The responder that is a model in an engine process of this computer. Loading, unloading and the
 * slider belong to the worker client; this only talks. Main thread only.
 */
#pragma once

#include "chat/parley-responder.h"
#include "worker/parley-worker-client.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_LOCAL_RESPONDER (parley_local_responder_get_type ())
G_DECLARE_FINAL_TYPE (ParleyLocalResponder, parley_local_responder, PARLEY, LOCAL_RESPONDER,
                      GObject)

ParleyLocalResponder *parley_local_responder_new (ParleyWorkerClient *client);
ParleyWorkerClient *parley_local_responder_get_client (ParleyLocalResponder *self);

/* What the library calls the model that the client has loaded or is loading: a name for people,
 * what a chat stores to find it again, the hash of its file; each may be NULL. Without a name the
 * model's own is used. */
void parley_local_responder_set_model (ParleyLocalResponder *self, const char *name,
                                       const char *reference, const char *sha256);
/* While it is not NULL, the responder counts as loading and says this: the client is still to be
 * given its model. */
void parley_local_responder_set_pending (ParleyLocalResponder *self, const char *message);

G_END_DECLS
