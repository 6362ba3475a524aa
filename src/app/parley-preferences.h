/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preferences; every change takes effect at once, those of loading with the next load.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

/* As the settings say; at the start, and when others changed them. */
void parley_preferences_apply_colours (ParleyServices *services);

void parley_preferences_present (GtkWindow *parent, ParleyServices *services);
