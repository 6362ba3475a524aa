/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-downloads.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* PARLEY_DATA_DIR or the usual folder, wherever a person has the chats. */
const char *
parley_data_dir (void)
{
  static char *dir;
  if (g_once_init_enter (&dir)) {
    const char *chosen = g_getenv ("PARLEY_DATA_DIR");
    char *path = chosen && *chosen ? g_canonicalize_filename (chosen, NULL)
                                   : g_build_filename (g_get_user_data_dir (), "parley", NULL);
    g_once_init_leave (&dir, path);
  }
  return dir;
}

/* The file that names another folder for models, for those that open no store. */
static char *
choice_file (void)
{
  return g_build_filename (parley_data_dir (), "models-folder", NULL);
}

char *
parley_models_dir_dup_chosen (void)
{
  g_autofree char *file = choice_file (), *text = NULL;
  gsize n = 0;
  if (g_file_get_contents (file, &text, &n, NULL) && strlen (text) == n) {
    g_strchomp (text);
    if (g_path_is_absolute (text))
      return g_steal_pointer (&text);
  }
  return g_build_filename (parley_data_dir (), "models", NULL);
}

gboolean
parley_models_dir_choose (const char *folder, GError **error)
{
  g_autofree char *file = choice_file (), *path = g_canonicalize_filename (folder, NULL);
  g_autofree char *probe = g_build_filename (path, ".parley-XXXXXX", NULL);
  int fd = g_mkstemp (probe);
  if (fd >= 0) {
    close (fd);
    g_unlink (probe);
  } else {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 _ ("Models cannot be kept in “%s”: it is no folder that can be written to."),
                 path);
    return FALSE;
  }
  if (g_mkdir_with_parents (parley_data_dir (), 0700) != 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _ ("“%s” cannot be made: %s."),
                 parley_data_dir (), g_strerror (errno));
    return FALSE;
  }
  return g_file_set_contents (file, path, -1, error);
}

const char *
parley_models_dir (void)
{
  static char *dir;
  if (g_once_init_enter (&dir)) {
    g_autofree char *chosen = parley_models_dir_dup_chosen ();
    g_once_init_leave (&dir, g_file_test (chosen, G_FILE_TEST_IS_DIR)
                                 ? g_steal_pointer (&chosen)
                                 : g_build_filename (parley_data_dir (), "models", NULL));
  }
  return dir;
}

const char *
parley_cache_dir (void)
{
  static char *dir;
  if (g_once_init_enter (&dir))
    g_once_init_leave (&dir, g_build_filename (g_get_user_cache_dir (), "parley", NULL));
  return dir;
}
