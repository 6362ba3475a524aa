/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The window that lists all keys.
 */
#pragma once

#include <adwaita.h>

void parley_shortcuts_present (GtkWindow *parent);
