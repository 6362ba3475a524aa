/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which opened stores are alive: each holds a lock on the byte with its number, in a file beside
 * the database, and the kernel drops the lock with the process, however that ends. So a reply
 * that another process is still writing is told from one that was left behind.
 */
#pragma once

#include "store/parley-store.h"

/* A descriptor of the lock file of `path` (the database), made where absent; -1 with the error. */
int parley_presence_open (const char *path, GError **error);
gboolean parley_presence_announce (int fd, gint64 number, GError **error);
/* All of them: nobody has it open, and nobody can open it until the descriptor is closed. */
gboolean parley_presence_claim (int fd, GError **error);
gboolean parley_presence_is_alive (int fd, gint64 number);
