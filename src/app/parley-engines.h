/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The models that are loaded: one engine process each, and the responder that chats talk to. For
 * now one model is loaded at a time; opening another one makes it give way once it rests.
 *
 * Signals: "changed" (): another model is loaded, or none; "told" (const char *what): an engine
 * did something by itself that people should know, a sentence.
 */
#pragma once

#include "chat/parley-responder.h"
#include "hardware/parley-hardware.h"
#include "library/parley-model.h"
#include "store/parley-store.h"
#include "worker/parley-worker-client.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_ENGINES (parley_engines_get_type ())
G_DECLARE_FINAL_TYPE (ParleyEngines, parley_engines, PARLEY, ENGINES, GObject)

ParleyEngines *parley_engines_new (ParleyHardware *hardware, ParleyStore *store);

/* The responder of this model; begins to load it where it is not. Not a new reference. */
ParleyResponder *parley_engines_open (ParleyEngines *self, ParleyModel *model);
/* Loads the present model again: after a failure, a crash, or a change of its settings. */
void parley_engines_reload (ParleyEngines *self);
void parley_engines_unload (ParleyEngines *self);
/* Unloads this model if it is the loaded one: its file is about to go. */
void parley_engines_forget (ParleyEngines *self, ParleyModel *model);

ParleyModel *parley_engines_get_model (ParleyEngines *self);         /* NULL: none */
ParleyWorkerClient *parley_engines_get_client (ParleyEngines *self); /* NULL: none */
ParleyResponder *parley_engines_get_responder (ParleyEngines *self); /* NULL: none */

/* What the next load of this model asks for: its own settings over the general ones. */
void parley_engines_get_request (ParleyEngines *self, ParleyModel *model,
                                 struct pe_plan_request *request);
/* Remembers a setting of this model: "gpu-layers", "context", "kv". NULL: the general one. */
void parley_engines_set (ParleyEngines *self, ParleyModel *model, const char *key,
                         const char *value);

G_END_DECLS
