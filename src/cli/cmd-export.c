/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli export: a model with its card, its settings and chats in one archive.
 */
#include "chat/parley-chat-list.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "library/export.h"

#include <string.h>

#define SUFFIX       ".tar.zst"
#define SHOWN_TITLES 8

/* Whether each of these titles is that of a chat; else says which there are. */
static bool
know_titles (GListModel *list, char **titles)
{
  g_autoptr (GString) known = g_string_new (NULL);
  for (guint i = 0; i < MIN (g_list_model_get_n_items (list), SHOWN_TITLES); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (list, i);
    g_string_append_printf (known, "%s“%s”", i ? ", " : "", parley_chat_get_title (chat));
  }
  for (; titles && *titles; titles++) {
    bool found = false;
    for (guint i = 0; i < g_list_model_get_n_items (list) && !found; i++) {
      g_autoptr (ParleyChat) chat = g_list_model_get_item (list, i);
      found = strcmp (parley_chat_get_title (chat), *titles) == 0;
    }
    if (!found) {
      if (known->len)
        cli_fail ("there is no chat “%s”; the latest are %s", *titles, known->str);
      else
        cli_fail ("there is no chat “%s”: there is none yet", *titles);
      return false;
    }
  }
  return true;
}

/* JSON of the chats whose title is one of `titles`, or that were held with the model. NULL:
 * reported. */
static GPtrArray *
collect_chats (ParleyStore *store, ParleyModel *model, char **titles, bool all)
{
  g_autoptr (GPtrArray) chats = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyChatList) list = parley_chat_list_new (store, &error);
  if (!list) {
    cli_fail_glib ("cannot read the chats", error);
    return NULL;
  }
  if (!know_titles (G_LIST_MODEL (list), titles))
    return NULL;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (list)); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (G_LIST_MODEL (list), i);
    bool held = all && g_strcmp0 (parley_chat_get_model (chat), parley_model_get_id (model)) == 0;
    if (!held &&
        !(titles && g_strv_contains ((const char *const *) titles, parley_chat_get_title (chat))))
      continue;
    char *json = parley_chat_export_json (chat, NULL, NULL, &error);
    if (!json) {
      cli_fail_glib ("cannot read a chat", error);
      return NULL;
    }
    g_ptr_array_add (chats, json);
  }
  return g_steal_pointer (&chats);
}

/* A folder takes an archive with the name of the model. NULL: the name is another kind's. */
static char *
target_of (const char *path, ParleyModel *model)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
    g_autofree char *name = g_strconcat (parley_model_get_name (model), SUFFIX, NULL);
    g_strdelimit (name, "/\\\n", '-');
    return g_build_filename (path, name, NULL);
  }
  return g_str_has_suffix (path, SUFFIX) ? g_strdup (path) : NULL;
}

int
parley_cmd_export (int argc, char **argv)
{
  gboolean json = FALSE, force = FALSE, quiet = FALSE, all = FALSE;
  g_auto (GStrv) titles = NULL;
  const GOptionEntry entries[] = {
    { "chat", 0, 0, G_OPTION_ARG_STRING_ARRAY, &titles, "With the chat of this title", "TITLE" },
    { "chats", 0, 0, G_OPTION_ARG_NONE, &all, "With all chats held with the model", NULL },
    { "force", 'f', 0, G_OPTION_ARG_NONE, &force, "Replace a file that is there", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "Show no progress", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL FILE.tar.zst|FOLDER",
                  "Exports a model with its card and settings; 'import' turns it into the same "
                  "again.",
                  entries, 2, 2))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = NULL;
  g_autoptr (ParleyLibrary) library = NULL;
  g_autoptr (ParleyModel) model = NULL;
  if (!cli_model_open (argv[1], &store, &library, &model))
    return CLI_FAILED;
  g_autofree char *path = target_of (argv[2], model);
  if (!path)
    return cli_usage ("the archive is a %s: write %s%s, or a folder", SUFFIX, argv[2], SUFFIX);
  g_autoptr (GPtrArray) chats = collect_chats (store, model, titles, all);
  if (!chats)
    return CLI_FAILED;
  g_auto (CliProgress) progress = { .is_quiet = quiet, .verb = "exported" };
  gboolean good =
      parley_export (model, store, chats, path, force, cli_on_progress, &progress, NULL, &error);
  cli_progress_end (&progress);
  if (!good)
    return cli_fail_glib ("cannot export", error);
  if (!json) {
    printf ("%s\n", path);
    return CLI_DONE;
  }
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  pe_json_key (&w, "path");
  pe_json_text (&w, path);
  pe_json_key (&w, "model");
  pe_json_text (&w, parley_model_get_id (model));
  pe_json_key (&w, "chats");
  pe_json_uint (&w, chats->len);
  pe_json_end_object (&w);
  return cli_print_json (&w);
}
