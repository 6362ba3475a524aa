/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which model a chat talks to when nobody has chosen one for it. Main thread only.
 */
#pragma once

#include "app/parley-services.h"

G_BEGIN_DECLS

/* The chat's own model, the one talked to last, the only one, the one that comes with Parley; NULL:
 * a person has to choose, or to wait. The library keeps it. */
ParleyModel *parley_default_model_find (ParleyServices *services, ParleyChat *chat);

/* The download that becomes the first model of this computer; NULL: there is one already, or none
 * is on its way. The list of downloads keeps it. */
ParleyTransfer *parley_default_model_awaited (ParleyServices *services);

G_END_DECLS
