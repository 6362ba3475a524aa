/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli folders: where models lie.
 */
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"
#include "library/places.h"

static int
print_json (GPtrArray *places)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_array (&w);
  for (guint i = 0; i < places->len; i++) {
    const ParleyPlace *place = places->pdata[i];
    pe_json_begin_object (&w);
    pe_json_key (&w, "path");
    pe_json_text (&w, place->path);
    pe_json_key (&w, "program");
    pe_json_text (&w, place->program);
    pe_json_key (&w, "managed");
    pe_json_bool (&w, place->managed);
    pe_json_key (&w, "problem");
    pe_json_text (&w, place->problem ? place->problem : "");
    pe_json_end_object (&w);
  }
  pe_json_end_array (&w);
  return cli_print_json (&w);
}

int
parley_cmd_folders (int argc, char **argv)
{
  gboolean json = FALSE;
  g_autofree char *add = NULL, *use = NULL, *remove = NULL;
  const GOptionEntry entries[] = {
    { "add", 0, 0, G_OPTION_ARG_FILENAME, &add, "Models can be kept in this folder too", "FOLDER" },
    { "use", 0, 0, G_OPTION_ARG_FILENAME, &use, "Use models of this folder, read-only", "FOLDER" },
    { "remove", 0, 0, G_OPTION_ARG_FILENAME, &remove, "Forget a folder; its files stay", "FOLDER" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "", "Shows and changes the folders in which models lie.", entries,
                  0, 0))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = parley_store_open (NULL, &error);
  if (!store)
    return cli_fail_glib ("cannot open the settings", error);
  if ((add && !parley_places_add (store, PARLEY_SETTING_FOLDERS, add, &error)) ||
      (use && !parley_places_add (store, PARLEY_SETTING_PLACES, use, &error)))
    return cli_fail_glib ("cannot add the folder", error);
  if (remove && !parley_places_remove (store, remove))
    return cli_fail ("%s is not among the folders", remove);
  g_autoptr (GPtrArray) places = parley_places_find (parley_models_dir (), store);
  if (!parley_store_close (store, &error))
    return cli_fail_glib ("cannot save", error);
  if (json)
    return print_json (places);
  g_autoptr (CliTable) table = cli_table_new ("lll");
  cli_table_add (table, "FOLDER", "OF", "STATE");
  for (guint i = 0; i < places->len; i++) {
    const ParleyPlace *place = places->pdata[i];
    cli_table_add (table, place->path,
                   *place->program  ? place->program
                   : place->managed ? "Parley"
                                    : "you, read-only",
                   place->problem ? place->problem : "");
  }
  cli_table_print (table);
  return CLI_DONE;
}
