/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/builtin.h"
#include "parley-config.h"

#define FILE_NAME "parley-guide.gguf"

static char *
existing (char *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return path;
  g_free (path);
  return NULL;
}

char *
parley_builtin_find (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  if (program && g_str_has_prefix (program, PARLEY_BUILD_ROOT "/"))
    return existing (g_build_filename (PARLEY_SOURCE_ROOT, "data", "models", FILE_NAME, NULL));
  if (program) {
    g_autofree char *folder = g_path_get_dirname (program);
    char *beside =
        existing (g_build_filename (folder, "..", "share", "parley", "models", FILE_NAME, NULL));
    if (beside)
      return beside;
  }
  return existing (g_build_filename (PARLEY_DATADIR, "parley", "models", FILE_NAME, NULL));
}
