/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/wish.h"
#include "hub/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = { NULL, "pause", "cancel" };

gboolean
parley_wish_leave (const char *path, ParleyWish wish, GError **error)
{
  g_autoptr (GError) problem = NULL;
  if (wish == PARLEY_WISH_NONE)
    return g_unlink (path) == 0 || errno == ENOENT || errno == ENOTDIR ||
           parley_disk_fail (error, errno, PARLEY_DISK_DELETE, path);
  if (g_file_set_contents (path, words[wish], -1, &problem))
    return TRUE;
  return parley_disk_fail (
      error, g_error_matches (problem, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ? ENOSPC : EACCES,
      PARLEY_DISK_WRITE, path);
}

ParleyWish
parley_wish_look (const char *path)
{
  char text[16] = "";
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  ssize_t n = fd >= 0 ? read (fd, text, sizeof text - 1) : -1;
  if (fd >= 0)
    close (fd);
  for (gsize i = PARLEY_WISH_PAUSE; n > 0 && i < G_N_ELEMENTS (words); i++)
    if (strcmp (text, words[i]) == 0)
      return (ParleyWish) i;
  return PARLEY_WISH_NONE;
}

ParleyWish
parley_wish_take (const char *path)
{
  ParleyWish wish = parley_wish_look (path);
  g_unlink (path);
  return wish;
}
