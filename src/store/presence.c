/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <unistd.h>

int
parley_presence_open (const char *path, GError **error)
{
  g_autofree char *lock_path = g_strconcat (path, ".open", NULL);
  int fd = open (lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
                 _ ("“%s” cannot be opened: %s."), lock_path, g_strerror (errno));
  return fd;
}

/* Locks of the open file description rather than of the process, so that two stores of one
 * process count as two. */
static struct flock
byte_of (gint64 number)
{
  return (struct flock){
    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t) number, .l_len = 1
  };
}

gboolean
parley_presence_announce (int fd, gint64 number, GError **error)
{
  struct flock lock = byte_of (number);
  if (fcntl (fd, F_OFD_SETLK, &lock) == 0)
    return TRUE;
  g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
               _ ("The data folder does not allow locks (%s). Choose one on a local disk."),
               g_strerror (errno));
  return FALSE;
}

gboolean
parley_presence_claim (int fd, GError **error)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  if (fcntl (fd, F_OFD_SETLK, &lock) == 0)
    return TRUE;
  g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
                       _ ("Another program of Parley is using these chats. Close it first."));
  return FALSE;
}

gboolean
parley_presence_is_alive (int fd, gint64 number)
{
  struct flock lock = byte_of (number);
  /* When in doubt it is alive: its reply then waits for a later start. */
  return fcntl (fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}
