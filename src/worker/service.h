/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine process's end of the socket: D-Bus calls become commands of the host.
 */
#pragma once

#include <glib.h>

/* Serves the connection on WORKER_SOCKET until it closes; then the process ends. `confinement` is
 * what Hello tells. Returns an exit status only when there is no connection to serve. */
int worker_serve (const char *confinement);
