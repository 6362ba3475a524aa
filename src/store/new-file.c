/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/new-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_BYTES (1 << 20) /* between two looks whether it was cancelled */

struct _ParleyNewFile {
  char *path;    /* of the file itself, behind any link */
  char *passing; /* NULL: finished */
  int fd;
};

static gboolean
fail (GError **error, int code, const char *path)
{
  g_autofree char *name = g_filename_display_name (path);

  if (code == ENOSPC || code == EDQUOT)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                 _ ("The disk is full: “%s” was not written. Make some space, or choose another "
                    "place."),
                 name);
  else
    g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                 _ ("“%s” cannot be written: %s."), name, g_strerror (code));
  return FALSE;
}

static gboolean
refuse (GError **error, const char *path, const char *why)
{
  g_autofree char *name = g_filename_display_name (path);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, _ ("“%s” cannot be written: %s."),
               name, why);
  return FALSE;
}

/* Takes a look at what has the name: *path becomes what a link leads to, *mode the permissions. */
static gboolean
look (char **path, mode_t *mode, GError **error)
{
  struct stat info;

  if (lstat (*path, &info) != 0)
    return errno == ENOENT || fail (error, errno, *path);
  if (S_ISLNK (info.st_mode)) {
    char *real = realpath (*path, NULL);
    if (real == NULL)
      return errno == ENOENT ? refuse (error, *path, _ ("it is a link to a file that is not there"))
                             : fail (error, errno, *path);
    g_free (*path);
    *path = g_strdup (real);
    free (real);
    if (stat (*path, &info) != 0)
      return fail (error, errno, *path);
  }
  if (S_ISDIR (info.st_mode))
    return refuse (error, *path, _ ("it is a folder"));
  if (!S_ISREG (info.st_mode))
    return refuse (error, *path, _ ("it is not a usual file"));
  if (access (*path, W_OK) != 0)
    return fail (error, errno, *path);
  *mode = info.st_mode & 0777;
  return TRUE;
}

ParleyNewFile *
parley_new_file_create (const char *path, GError **error)
{
  g_autoptr (ParleyNewFile) self = g_new0 (ParleyNewFile, 1);
  mode_t mode = 0600;

  self->fd = -1;
  self->path = g_canonicalize_filename (path, NULL);
  if (!look (&self->path, &mode, error))
    return NULL;
  g_autofree char *folder = g_path_get_dirname (self->path);
  g_autofree char *passing = g_build_filename (folder, ".parley-XXXXXX", NULL);
  self->fd = g_mkstemp_full (passing, O_RDWR | O_CLOEXEC, 0600);
  if (self->fd < 0) {
    fail (error, errno, self->path);
    return NULL;
  }
  self->passing = g_steal_pointer (&passing);
  if (mode != 0600 && fchmod (self->fd, mode) != 0 && errno != EPERM) {
    fail (error, errno, self->path);
    return NULL;
  }
  return g_steal_pointer (&self);
}

const char *
parley_new_file_get_passing_path (ParleyNewFile *self)
{
  return self->passing;
}

gboolean
parley_new_file_fail (ParleyNewFile *self, int code, GError **error)
{
  return fail (error, code, self->path);
}

gboolean
parley_new_file_write (ParleyNewFile *self, const void *bytes, gsize n, GCancellable *cancellable,
                       GError **error)
{
  const char *at = bytes;

  while (n > 0) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    gssize written = write (self->fd, at, MIN (n, STEP_BYTES));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return fail (error, written < 0 ? errno : ENOSPC, self->path);
    at += written;
    n -= (gsize) written;
  }
  return TRUE;
}

/* The new name is on the disk, too; file systems that cannot promise it do not count. */
static gboolean
sync_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean good = fd < 0 || fsync (fd) == 0 || errno == EINVAL || errno == ENOTSUP;

  if (!good)
    fail (error, errno, path);
  if (fd >= 0)
    close (fd);
  return good;
}

gboolean
parley_new_file_finish (ParleyNewFile *self, GError **error)
{
  g_return_val_if_fail (self->passing != NULL, FALSE);
  if (fsync (self->fd) != 0)
    return fail (error, errno, self->path);
  /* Some file systems say only now that there was no space. */
  int closed = close (self->fd);
  self->fd = -1;
  if (closed != 0 && errno != EINTR)
    return fail (error, errno, self->path);
  if (g_rename (self->passing, self->path) != 0)
    return fail (error, errno, self->path);
  g_clear_pointer (&self->passing, g_free);
  return sync_folder (self->path, error);
}

void
parley_new_file_free (ParleyNewFile *self)
{
  if (self == NULL)
    return;
  if (self->fd >= 0)
    close (self->fd);
  if (self->passing != NULL)
    g_unlink (self->passing);
  g_free (self->passing);
  g_free (self->path);
  g_free (self);
}
