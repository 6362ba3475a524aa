/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks the desktop whether the program may go on without a window
 * (org.freedesktop.portal.Background). Where there is no such portal nobody objects.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* `object` lives on until the answer; none comes where nobody objects. Main thread. */
typedef void (*ParleyBackgroundRefused) (GObject *object);

void parley_background_request (GDBusConnection *bus, const char *reason,
                                ParleyBackgroundRefused refused, GObject *object);

G_END_DECLS
