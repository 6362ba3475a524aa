/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preferences; every change takes effect at once.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

void parley_preferences_present (GtkWindow *parent, ParleyServices *services);
