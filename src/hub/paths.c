/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-downloads.h"

/* PARLEY_DATA_DIR or the usual folder; the same answer as parley_store_default_folder(). */
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

const char *
parley_models_dir (void)
{
  static char *dir;
  if (g_once_init_enter (&dir))
    g_once_init_leave (&dir, g_build_filename (parley_data_dir (), "models", NULL));
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
