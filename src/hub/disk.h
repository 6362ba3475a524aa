/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a download needs of the file system: a lock between processes, space, SHA-256, and a
 * rename that never replaces. Failures are PARLEY_HUB_ERROR_FILE or _SPACE in words that name the
 * file.
 */
#pragma once

#include "hub/parley-hub-error.h"

#include <gio/gio.h>
#include <openssl/evp.h>

G_BEGIN_DECLS

/* What was tried with a path. */
typedef enum {
  PARLEY_DISK_CREATE,
  PARLEY_DISK_CREATE_FOLDER,
  PARLEY_DISK_CREATE_INSIDE, /* a folder in it */
  PARLEY_DISK_OPEN,
  PARLEY_DISK_READ,
  PARLEY_DISK_WRITE,
  PARLEY_DISK_SAVE,
  PARLEY_DISK_MOVE,
  PARLEY_DISK_DELETE,
  PARLEY_DISK_LOCK,
  PARLEY_DISK_LOOK_AT,
  PARLEY_DISK_USE,
  PARLEY_DISK_VERIFY,
  PARLEY_DISK_SHORTEN,
  PARLEY_DISK_PLACE, /* a finished download at it */
} ParleyDiskDeed;

/* Sets *error from errno; a full disk becomes PARLEY_HUB_ERROR_SPACE. Returns FALSE. */
gboolean parley_disk_fail (GError **error, int code, ParleyDiskDeed deed, const char *path);

/* A descriptor that holds the lock file, -1 with *busy when another process holds it, or -1 with
 * an error. */
int parley_disk_lock (const char *path, gboolean *busy, GError **error);
gboolean parley_disk_is_locked (const char *path);  /* by anybody, this process included */
void parley_disk_unlock (int fd, const char *path); /* removes the lock file */

/* Whether `bytes` more fit into the folder, leaving something for others. */
gboolean parley_disk_check_space (const char *folder, guint64 bytes, GError **error);
/* Whether a file can become as large as that there. */
gboolean parley_disk_check_size (const char *folder, guint64 bytes, GError **error);

/* Feeds the first `n` bytes of `fd` to `hash`. `progress` may be NULL. */
gboolean parley_disk_hash (int fd, guint64 n, EVP_MD_CTX *hash, const char *path,
                           GCancellable *cancellable, GError **error);
void parley_disk_finish_hash (EVP_MD_CTX *hash, char hex[65]);

/* fsync, rename without replacing anything, fsync of the folder. */
gboolean parley_disk_settle (int fd, const char *from, const char *to, GError **error);
gboolean parley_disk_sync_folder (const char *folder, GError **error);

G_END_DECLS
