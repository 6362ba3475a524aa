/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The choices of words that are always offered, before a person's own presets.
 */
#pragma once

#include "chat/presets.h"

G_BEGIN_DECLS

/* Of ParleyPreset, with this system prompt (NULL: none). */
GPtrArray *parley_usual_presets_new (const char *system_prompt);

G_END_DECLS
