/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/staging.h"

#include "hub/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX       ".import-"
#define LOCK         ".lock"
#define BUFFER_BYTES (1024 * 1024)
#define MAX_DEPTH    20

static void
remove_below (int parent, const char *name, guint depth)
{
  if (unlinkat (parent, name, 0) == 0 || (errno != EISDIR && errno != EPERM) || depth > MAX_DEPTH)
    return;
  int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  g_autofree char *path = fd >= 0 ? g_strdup_printf ("/proc/self/fd/%d", fd) : NULL;
  g_autoptr (GDir) dir = path ? g_dir_open (path, 0, NULL) : NULL;
  for (const char *child; dir && (child = g_dir_read_name (dir));)
    remove_below (fd, child, depth + 1);
  if (fd >= 0)
    close (fd);
  unlinkat (parent, name, AT_REMOVEDIR);
}

void
parley_remove_tree (const char *path)
{
  remove_below (AT_FDCWD, path, 0);
}

void
parley_remove_empty_folders (const char *path, const char *root)
{
  g_autofree char *folder = g_path_get_dirname (path);
  while (strlen (folder) > strlen (root) && g_rmdir (folder) == 0) {
    char *above = g_path_get_dirname (folder);
    g_free (folder);
    folder = above;
  }
}

/* The lock comes first and goes last: a folder without one has no owner. */
ParleyStaging *
parley_staging_new (const char *models_dir, GError **error)
{
  if (g_mkdir_with_parents (models_dir, 0755) != 0) {
    parley_disk_fail (error, errno, PARLEY_DISK_CREATE_FOLDER, models_dir);
    return NULL;
  }
  parley_staging_clean (models_dir);
  ParleyStaging *self = g_new0 (ParleyStaging, 1);
  g_autofree char *name = g_strdup_printf (PREFIX "%08x", g_random_int ());
  gboolean busy = FALSE;
  self->path = g_build_filename (models_dir, name, NULL);
  self->lock_path = g_strconcat (self->path, LOCK, NULL);
  self->folder_fd = -1;
  self->lock = parley_disk_lock (self->lock_path, &busy, error);
  if (self->lock >= 0 && g_mkdir (self->path, 0755) == 0)
    self->folder_fd = open (self->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (self->folder_fd >= 0)
    return self;
  if (self->lock >= 0 || busy)
    parley_disk_fail (error, busy ? EAGAIN : errno, PARLEY_DISK_CREATE_INSIDE, models_dir);
  parley_staging_free (self);
  return NULL;
}

void
parley_staging_free (ParleyStaging *self)
{
  if (!self)
    return;
  if (self->folder_fd >= 0)
    close (self->folder_fd);
  if (self->lock >= 0)
    parley_remove_tree (self->path);
  parley_disk_unlock (self->lock, self->lock_path);
  g_free (self->path);
  g_free (self->lock_path);
  g_free (self);
}

void
parley_staging_clean (const char *models_dir)
{
  g_autoptr (GDir) dir = g_dir_open (models_dir, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    if (!g_str_has_prefix (name, PREFIX))
      continue;
    g_autofree char *path = g_build_filename (models_dir, name, NULL);
    if (g_str_has_suffix (path, LOCK))
      path[strlen (path) - strlen (LOCK)] = '\0';
    g_autofree char *lock_path = g_strconcat (path, LOCK, NULL);
    gboolean busy;
    int lock = parley_disk_lock (lock_path, &busy, NULL);
    if (lock < 0)
      continue;
    parley_remove_tree (path);
    parley_disk_unlock (lock, lock_path);
  }
}

typedef struct {
  int from, to;
  EVP_MD_CTX *hash;
} Copy;

static void
copy_clear (Copy *copy)
{
  if (copy->from >= 0)
    close (copy->from);
  if (copy->to >= 0)
    close (copy->to);
  EVP_MD_CTX_free (copy->hash);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Copy, copy_clear)

static gboolean
write_all (int fd, const guint8 *bytes, gsize n, const char *path, GError **error)
{
  while (n > 0) {
    ssize_t put = write (fd, bytes, n);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return parley_disk_fail (error, errno, PARLEY_DISK_WRITE, path);
    bytes += put;
    n -= (gsize) put;
  }
  return TRUE;
}

gboolean
parley_staging_copy (const char *from, const char *to, char sha256[65], guint64 *done,
                     guint64 total, ParleyProgress progress, gpointer data,
                     GCancellable *cancellable, GError **error)
{
  g_auto (Copy) copy = { .from = open (from, O_RDONLY | O_CLOEXEC | O_NONBLOCK), .to = -1 };
  struct stat info;
  if (copy.from < 0 || fstat (copy.from, &info) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_READ, from);
  if (!S_ISREG (info.st_mode))
    return parley_disk_fail (error, EINVAL, PARLEY_DISK_USE, from);
  copy.to = open (to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  copy.hash = EVP_MD_CTX_new ();
  if (copy.to < 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_CREATE, to);
  if (!copy.hash || !EVP_DigestInit_ex (copy.hash, EVP_sha256 (), NULL))
    return parley_disk_fail (error, ENOMEM, PARLEY_DISK_VERIFY, to);
  gboolean is_shared = ioctl (copy.to, FICLONE, copy.from) == 0;
  g_autofree guint8 *buffer = g_malloc (BUFFER_BYTES);
  for (;;) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    ssize_t n = read (copy.from, buffer, BUFFER_BYTES);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return parley_disk_fail (error, errno, PARLEY_DISK_READ, from);
    if (n == 0)
      break;
    EVP_DigestUpdate (copy.hash, buffer, (size_t) n);
    if (!is_shared && !write_all (copy.to, buffer, (gsize) n, to, error))
      return FALSE;
    *done += (guint64) n;
    if (progress)
      progress (*done, total, data);
  }
  parley_disk_finish_hash (copy.hash, sha256);
  return fsync (copy.to) == 0 || parley_disk_fail (error, errno, PARLEY_DISK_SAVE, to);
}
