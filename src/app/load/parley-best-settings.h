/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The best settings for loading a model here: reckoned, kept as the model's own, and taken at once
 * where it is loaded.
 */
#pragma once

#include "app/parley-services.h"

G_BEGIN_DECLS

/* A sentence: what was chosen and why, or that nothing fits. */
typedef void (*ParleyBestSettingsDone) (const char *sentence, gpointer data);

/* `done` is called once on the main thread, unless cancelled or the model is unloaded meanwhile;
 * then `destroy` in any case. A context that a person asked for stays. */
void parley_best_settings_take (ParleyServices *services, ParleyModel *model,
                                GCancellable *cancellable, ParleyBestSettingsDone done,
                                gpointer data, GDestroyNotify destroy);

G_END_DECLS
