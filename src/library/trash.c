/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/trash.h"
#include "library/record.h"
#include "library/staging.h"

#include "hub/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#define MOVING    ".moving"
#define MAX_DEPTH 18

static char *
trash_path (const char *root, const char *id)
{
  return g_build_filename (root, ".trash", id, NULL);
}

static gboolean
move_file (const char *from, const char *to, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (to);
  if (g_mkdir_with_parents (folder, 0755) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_CREATE_FOLDER, folder);
  if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0 &&
      (errno != EINVAL || rename (from, to) != 0))
    return parley_disk_fail (error, errno, PARLEY_DISK_MOVE, from);
  return TRUE;
}

/* Paths below the folder of every file in it. */
static void
list_files (const char *folder, const char *below, guint depth, GPtrArray *files)
{
  g_autofree char *path = g_build_filename (folder, below, NULL);
  g_autoptr (GDir) dir = depth < MAX_DEPTH ? g_dir_open (path, 0, NULL) : NULL;
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *child = *below ? g_build_filename (below, name, NULL) : g_strdup (name);
    g_autofree char *whole = g_build_filename (folder, child, NULL);
    if (g_file_test (whole, G_FILE_TEST_IS_DIR) && !g_file_test (whole, G_FILE_TEST_IS_SYMLINK))
      list_files (folder, child, depth + 1, files);
    else
      g_ptr_array_add (files, g_steal_pointer (&child));
  }
}

/* Every file of the folder goes back to where it was; FALSE when one could not. */
static gboolean
put_back (const char *root, const char *folder, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  list_files (folder, "", 0, files);
  gboolean good = TRUE;
  for (guint i = 0; i < files->len; i++) {
    g_autofree char *from = g_build_filename (folder, files->pdata[i], NULL);
    g_autofree char *to = g_build_filename (root, files->pdata[i], NULL);
    good = move_file (from, to, good ? error : NULL) && good;
  }
  if (good)
    parley_remove_tree (folder);
  g_autofree char *trash = g_build_filename (root, ".trash", NULL);
  g_rmdir (trash);
  return good;
}

char *
parley_trash_put (const char *root, const char *const *parts, GError **error)
{
  g_autofree char *id =
      g_strdup_printf ("%" G_GINT64_FORMAT "-%08x", g_get_real_time () / 1000000, g_random_int ());
  g_autofree char *folder = trash_path (root, id);
  g_autofree char *moving = g_strconcat (folder, MOVING, NULL);
  gsize n = strlen (root);
  for (guint i = 0; parts[i]; i++) {
    g_autofree char *to = g_build_filename (moving, parts[i] + n + 1, NULL);
    if (!g_file_test (parts[i], G_FILE_TEST_EXISTS))
      continue; /* a part that is missing anyway */
    if (!move_file (parts[i], to, error)) {
      put_back (root, moving, NULL);
      return NULL;
    }
  }
  if (g_file_test (moving, G_FILE_TEST_EXISTS) && g_rename (moving, folder) != 0) {
    parley_disk_fail (error, errno, PARLEY_DISK_MOVE, moving);
    put_back (root, moving, NULL);
    return NULL;
  }
  parley_remove_empty_folders (parts[0], root);
  return g_steal_pointer (&id);
}

gboolean
parley_trash_restore (const char *root, const char *id, GError **error)
{
  g_autofree char *folder = trash_path (root, id);
  if (put_back (root, folder, error))
    return TRUE;
  /* Whoever asked for it back shall not lose it: a later run tries again, and none purges it. */
  g_autofree char *moving = g_strconcat (folder, MOVING, NULL);
  g_rename (folder, moving);
  return FALSE;
}

void
parley_trash_purge (const char *root, const char *id, ParleyStore *store)
{
  g_autofree char *folder = trash_path (root, id);
  g_autofree char *trash = g_build_filename (root, ".trash", NULL);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  list_files (folder, "", 0, files);
  for (guint i = 0; store && i < files->len; i++) {
    g_autofree char *place = g_build_filename (root, files->pdata[i], NULL);
    /* What lies there now is another file, with a record of its own. */
    if (!g_file_test (place, G_FILE_TEST_EXISTS))
      parley_record_removal (store, place, NULL);
  }
  parley_remove_tree (folder);
  g_rmdir (trash);
}

void
parley_trash_clean (const char *root, guint seconds, ParleyStore *store)
{
  g_autofree char *trash = g_build_filename (root, ".trash", NULL);
  g_autoptr (GDir) dir = g_dir_open (trash, 0, NULL);
  gint64 now = g_get_real_time () / 1000000;
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *folder = trash_path (root, name);
    if (g_str_has_suffix (name, MOVING))
      put_back (root, folder, NULL);
    else if (now - g_ascii_strtoll (name, NULL, 10) >= (gint64) seconds)
      parley_trash_purge (root, name, store);
  }
}
