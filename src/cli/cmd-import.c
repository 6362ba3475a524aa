/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli import: brings GGUF files, folders and archives into the library.
 */
#include "chat/parley-chat-list.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "library/import.h"
#include "library/places.h"

#include <string.h>

static int
use_in_place (ParleyStore *store, char **paths)
{
  for (; *paths; paths++) {
    g_autoptr (GError) error = NULL;
    if (!g_file_test (*paths, G_FILE_TEST_EXISTS))
      return cli_fail ("cannot use it in place: there is no %s", *paths);
    g_autofree char *whole = g_canonicalize_filename (*paths, NULL);
    g_autofree char *folder =
        g_file_test (*paths, G_FILE_TEST_IS_DIR) ? g_strdup (whole) : g_path_get_dirname (whole);
    if (!parley_places_add (store, PARLEY_SETTING_PLACES, folder, &error))
      return cli_fail_glib ("cannot use it in place", error);
    printf ("Models in %s are used where they are.\n", folder);
  }
  return CLI_DONE;
}

static void
write_paths (struct pe_json_writer *w, const char *key, GPtrArray *paths)
{
  pe_json_key (w, key);
  pe_json_begin_array (w);
  for (guint i = 0; i < paths->len; i++)
    pe_json_text (w, paths->pdata[i]);
  pe_json_end_array (w);
}

static guint
import_chats (ParleyStore *store, GPtrArray *chats)
{
  guint n = 0;
  for (guint i = 0; i < chats->len; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (ParleyChat) chat =
        parley_chat_import_json (store, chats->pdata[i], strlen (chats->pdata[i]), NULL, &error);
    if (chat)
      n++;
    else
      cli_fail_glib ("a chat was left out", error);
  }
  return n;
}

/* What lies elsewhere would not be in the library. */
static bool
is_models_folder (ParleyStore *store, const char *path)
{
  g_autofree char *folder = g_canonicalize_filename (path, NULL);
  g_auto (GStrv) folders = parley_places_get (store, PARLEY_SETTING_FOLDERS);
  return strcmp (folder, parley_models_dir ()) == 0 ||
         g_strv_contains ((const char *const *) folders, folder);
}

int
parley_cmd_import (int argc, char **argv)
{
  gboolean json = FALSE, move = FALSE, in_place = FALSE, quiet = FALSE;
  g_autofree char *folder = NULL;
  const GOptionEntry entries[] = {
    { "move", 'm', 0, G_OPTION_ARG_NONE, &move, "Delete the originals afterwards", NULL },
    { "in-place", 0, 0, G_OPTION_ARG_NONE, &in_place,
      "Copy nothing: use the models where they are, read-only", NULL },
    { "to", 0, 0, G_OPTION_ARG_FILENAME, &folder, "Into this models folder", "FOLDER" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "Show no progress", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (
          &argc, &argv, "PATH…",
          "Imports GGUF files, all models of a folder, archives (tar, zip; gzip, zstd, xz), "
          "and what 'export' made.",
          entries, 1, -1))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = parley_store_open (NULL, &error);
  if (!store)
    return cli_fail_glib ("cannot open the catalogue", error);
  if (folder && !is_models_folder (store, folder))
    return cli_fail ("%s is no models folder: make it one with 'parley-cli folders --add'", folder);
  int status = CLI_DONE;
  if (in_place) {
    status = use_in_place (store, argv + 1);
    argc = 1;
  }
  struct pe_json_writer w = { 0 };
  pe_json_begin_array (&w);
  for (int i = 1; i < argc; i++) {
    g_auto (CliProgress) progress = { .is_quiet = quiet, .verb = "imported" };
    g_autoptr (ParleyImport) import =
        parley_import (argv[i], folder ? folder : parley_models_dir (), store, move,
                       cli_on_progress, &progress, NULL, &error);
    cli_progress_end (&progress);
    if (!import) {
      status = cli_fail_glib ("cannot import", error);
      g_clear_error (&error);
      continue;
    }
    guint n_chats = import_chats (store, import->chats);
    if (json) {
      pe_json_begin_object (&w);
      write_paths (&w, "imported", import->paths);
      write_paths (&w, "known", import->known);
      write_paths (&w, "left_out", import->left);
      pe_json_key (&w, "chats");
      pe_json_uint (&w, n_chats);
      pe_json_end_object (&w);
      continue;
    }
    for (guint k = 0; k < import->paths->len; k++)
      printf ("%s\n", (char *) import->paths->pdata[k]);
    for (guint k = 0; k < import->known->len; k++)
      printf ("%s was there already.\n", (char *) import->known->pdata[k]);
    for (guint k = 0; k < import->left->len; k++)
      status = cli_fail ("left out: %s", (char *) import->left->pdata[k]);
    if (n_chats)
      printf (n_chats == 1 ? "%u chat came with it.\n" : "%u chats came with it.\n", n_chats);
  }
  pe_json_end_array (&w);
  if (json && !in_place) {
    int printed = cli_print_json (&w);
    status = status ? status : printed;
  } else {
    pe_json_writer_clear (&w);
  }
  if (!parley_store_close (store, &error))
    return cli_fail_glib ("cannot save", error);
  return status;
}
