/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The models that are loaded: a GListModel of ParleyEngine. A further model is loaded beside the
 * others while it gets as many layers on the GPU as it would get alone and the memory suffices;
 * else those least recently talked to give way, once they have answered. Models that nobody talks
 * to are unloaded after a while, where a person wants that. Main thread only.
 *
 * Signals:
 *   changed ()                             a model was opened, unloaded or is in another state
 *   unloading (ParleyResponder *)          a person, or the time that nobody talked to it, ends it
 *   told (const char *what)                something happened by itself that people should know,
 *                                          a sentence: a model gave way, an engine moved layers
 */
#pragma once

#include "app/load/parley-engine.h"
#include "hardware/parley-hardware.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_ENGINES (parley_engines_get_type ())
G_DECLARE_FINAL_TYPE (ParleyEngines, parley_engines, PARLEY, ENGINES, GObject)

ParleyEngines *parley_engines_new (ParleyHardware *hardware, ParleyStore *store);

/* The responder of this model; begins to load it where it is not. Not a new reference. */
ParleyResponder *parley_engines_open (ParleyEngines *self, ParleyModel *model);
/* Loads it again: after a failure, a crash, or a change of its settings. */
void parley_engines_reload (ParleyEngines *self, ParleyEngine *engine);
/* Also takes back a load that is still to come. Replies under way end as cancelled. */
void parley_engines_unload (ParleyEngines *self, ParleyEngine *engine);
/* Unloads this model if it is loaded: its file is about to go. */
void parley_engines_forget (ParleyEngines *self, ParleyModel *model);

/* NULL: not loaded. Not a new reference. */
ParleyEngine *parley_engines_find (ParleyEngines *self, ParleyModel *model);
ParleyEngine *parley_engines_find_responder (ParleyEngines *self, ParleyResponder *responder);

/* What the next load of this model asks for: its own settings over the general ones. */
void parley_engines_get_request (ParleyEngines *self, ParleyModel *model,
                                 struct pe_plan_request *request);
/* Remembers a setting of this model: "gpu-layers", "cpu-experts", "context", "kv", "threads",
 * "batch". NULL: the general one. */
void parley_engines_set (ParleyEngines *self, ParleyModel *model, const char *key,
                         const char *value);
/* The same for what was reckoned and not asked for. `usual`: what a load takes by itself; nothing
 * is kept where, with the general settings, it comes to `value` anyway. */
void parley_engines_choose (ParleyEngines *self, ParleyModel *model, const char *key,
                            const char *value, const char *usual);
/* What a person asked for: of this model (*own), or of all. NULL: nothing; what was reckoned does
 * not count. */
char *parley_engines_get_wish (ParleyEngines *self, ParleyModel *model, const char *key,
                               gboolean *own);
/* What is remembered of this model itself, or NULL. */
char *parley_engines_get_setting (ParleyEngines *self, ParleyModel *model, const char *key);
gboolean parley_engines_has_setting (ParleyEngines *self, ParleyModel *model, const char *key);

G_END_DECLS
