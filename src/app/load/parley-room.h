/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is there room for a further model beside those that are loaded? Planned, not tried: with the
 * memory that the others leave, the model shall get as many layers on the GPU as it would get
 * alone, and fit at all.
 */
#pragma once

#include "app/load/parley-engine.h"
#include "hardware/parley-hardware.h"

G_BEGIN_DECLS

/* `others`: of ParleyEngine, in the order in which they would give way. */
void parley_room_plan_async (ParleyHardware *hardware, ParleyModel *model,
                             const struct pe_plan_request *request, GPtrArray *others,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer data);
/* The first of the others, as few as suffice (perhaps none). When even all of them would not do,
 * all. */
GPtrArray *parley_room_plan_finish (GAsyncResult *result, GError **error);

G_END_DECLS
