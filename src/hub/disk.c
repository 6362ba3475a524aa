/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define GIB          ((guint64) 1 << 30)
#define HASH_BUFFER  (1024 * 1024)
#define LOCK_RETRIES 10

/* A whole clause for each: verbs of other languages do not fit into one sentence. */
static char *
describe (ParleyDiskDeed deed, const char *path)
{
  switch (deed) {
  case PARLEY_DISK_CREATE: return g_strdup_printf (_ ("Cannot create %s"), path);
  case PARLEY_DISK_CREATE_FOLDER: return g_strdup_printf (_ ("Cannot create the folder %s"), path);
  case PARLEY_DISK_CREATE_INSIDE: return g_strdup_printf (_ ("Cannot create a folder in %s"), path);
  case PARLEY_DISK_OPEN: return g_strdup_printf (_ ("Cannot open %s"), path);
  case PARLEY_DISK_READ: return g_strdup_printf (_ ("Cannot read %s"), path);
  case PARLEY_DISK_WRITE: return g_strdup_printf (_ ("Cannot write %s"), path);
  case PARLEY_DISK_SAVE: return g_strdup_printf (_ ("Cannot save %s"), path);
  case PARLEY_DISK_MOVE: return g_strdup_printf (_ ("Cannot move %s"), path);
  case PARLEY_DISK_DELETE: return g_strdup_printf (_ ("Cannot delete %s"), path);
  case PARLEY_DISK_LOCK: return g_strdup_printf (_ ("Cannot lock %s"), path);
  case PARLEY_DISK_LOOK_AT: return g_strdup_printf (_ ("Cannot look at %s"), path);
  case PARLEY_DISK_USE: return g_strdup_printf (_ ("Cannot use %s"), path);
  case PARLEY_DISK_VERIFY: return g_strdup_printf (_ ("Cannot verify %s"), path);
  case PARLEY_DISK_SHORTEN: return g_strdup_printf (_ ("Cannot shorten %s"), path);
  case PARLEY_DISK_PLACE: return g_strdup_printf (_ ("Cannot put a download at %s"), path);
  }
  return g_strdup (path);
}

gboolean
parley_disk_fail (GError **error, int code, ParleyDiskDeed deed, const char *path)
{
  g_autofree char *what = describe (deed, path);
  if (code == ENOSPC || code == EDQUOT)
    /* Translators: %s is "Cannot write …" or the like. */
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_SPACE,
                 _ ("%s: the disk is full. Free some space, then resume"), what);
  else
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FILE, "%s: %s", what, g_strerror (code));
  return FALSE;
}

int
parley_disk_lock (const char *path, gboolean *busy, GError **error)
{
  *busy = FALSE;
  for (int i = 0; i < LOCK_RETRIES; i++) {
    int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
      parley_disk_fail (error, errno, PARLEY_DISK_CREATE, path);
      return -1;
    }
    struct stat held, named;
    if (flock (fd, LOCK_EX | LOCK_NB) != 0) {
      int code = errno;
      close (fd);
      *busy = code == EWOULDBLOCK;
      if (!*busy)
        parley_disk_fail (error, code, PARLEY_DISK_LOCK, path);
      return -1;
    }
    /* The holder before may have removed the file between our open and our lock. */
    if (fstat (fd, &held) == 0 && stat (path, &named) == 0 && held.st_ino == named.st_ino &&
        held.st_dev == named.st_dev)
      return fd;
    close (fd);
  }
  *busy = TRUE;
  return -1;
}

gboolean
parley_disk_is_locked (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  gboolean locked = fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (fd >= 0)
    close (fd);
  return locked;
}

void
parley_disk_unlock (int fd, const char *path)
{
  if (fd < 0)
    return;
  unlink (path);
  close (fd);
}

gboolean
parley_disk_check_space (const char *folder, guint64 bytes, GError **error)
{
  struct statvfs info;
  if (statvfs (folder, &info) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_LOOK_AT, folder);
  guint64 unit = info.f_frsize ? info.f_frsize : info.f_bsize;
  guint64 available = (guint64) info.f_bavail * unit, capacity = (guint64) info.f_blocks * unit;
  /* A full disk harms every other program; a small one keeps a twentieth. */
  guint64 reserve = MIN (MAX (GIB, bytes / 50), capacity / 20);
  if (bytes == 0 || (available >= reserve && available - reserve >= bytes))
    return TRUE;
  g_autofree char *need = g_format_size (bytes), *there = g_format_size (available),
                  *keep = g_format_size (reserve);
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_SPACE,
               _ ("There is not enough space in %s: %s more are needed, %s are free, and %s should "
                  "stay free. Make room, then resume"),
               folder, need, there, keep);
  return FALSE;
}

gboolean
parley_disk_check_size (const char *folder, guint64 bytes, GError **error)
{
  struct statfs info;
  if (bytes < 4 * GIB || statfs (folder, &info) != 0 || info.f_type != MSDOS_SUPER_MAGIC)
    return TRUE;
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FILE,
               _ ("%s is on a FAT file system, which cannot hold a file of 4 GiB or more. Move the "
                  "models folder to another disk, or choose a smaller file"),
               folder);
  return FALSE;
}

gboolean
parley_disk_hash (int fd, guint64 n, EVP_MD_CTX *hash, const char *path, GCancellable *cancellable,
                  GError **error)
{
  g_autofree guint8 *buffer = g_malloc (HASH_BUFFER);
  for (guint64 at = 0; at < n;) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    ssize_t got = pread (fd, buffer, MIN (n - at, HASH_BUFFER), (off_t) at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return parley_disk_fail (error, got < 0 ? errno : EIO, PARLEY_DISK_READ, path);
    EVP_DigestUpdate (hash, buffer, (size_t) got);
    at += (guint64) got;
  }
  return TRUE;
}

void
parley_disk_finish_hash (EVP_MD_CTX *hash, char hex[65])
{
  guint8 digest[EVP_MAX_MD_SIZE] = { 0 };
  EVP_DigestFinal_ex (hash, digest, NULL);
  for (int i = 0; i < 32; i++)
    snprintf (hex + 2 * i, 3, "%02x", digest[i]);
}

gboolean
parley_disk_sync_folder (const char *folder, GError **error)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_OPEN, folder);
  /* Some network file systems cannot do this, and need not. */
  gboolean good = fsync (fd) == 0 || errno == EINVAL || errno == ENOTSUP;
  int code = errno;
  close (fd);
  return good || parley_disk_fail (error, code, PARLEY_DISK_SAVE, folder);
}

static gboolean
rename_without_replacing (const char *from, const char *to)
{
  if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return TRUE;
  if (errno != EINVAL && errno != ENOSYS)
    return FALSE;
  struct stat info;
  if (lstat (to, &info) == 0) {
    errno = EEXIST;
    return FALSE;
  }
  return rename (from, to) == 0;
}

gboolean
parley_disk_settle (int fd, const char *from, const char *to, GError **error)
{
  if (fsync (fd) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_SAVE, from);
  if (!rename_without_replacing (from, to))
    return parley_disk_fail (error, errno, PARLEY_DISK_PLACE, to);
  g_autofree char *folder = g_path_get_dirname (to);
  return parley_disk_sync_folder (folder, error);
}
