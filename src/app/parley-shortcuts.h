/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All keys, in one table: what they do, and the window that lists them.
 */
#pragma once

#include <adwaita.h>

void parley_shortcuts_install (GtkApplication *application);
void parley_shortcuts_present (GtkWindow *parent);
