/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "hub/json.h"
#include "hub/parley-hub-model.h"

G_BEGIN_DECLS

/* From the object that the hub gives for a repository; NULL when its name makes no sense. */
ParleyHubModel *_parley_hub_model_from_json (JsonObject *object);

/* Groups the .gguf files among `parts` into the lists of `self`: split models become one item,
 * companions go apart. Of paths that are one on some file systems the first counts. */
void _parley_hub_model_take_parts (ParleyHubModel *self, GArray *parts);

G_END_DECLS
