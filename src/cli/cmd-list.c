/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli list: the models on this computer.
 */
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"

int
parley_cmd_list (int argc, char **argv)
{
  gboolean json = FALSE, names = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { "names", 0, 0, G_OPTION_ARG_NONE, &names, "Print only what names each model, a line each",
      NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "", "Lists the models on this computer.", entries, 0, 0))
    return CLI_USAGE;
  g_autoptr (ParleyLibrary) library = cli_library_open ();
  if (!library)
    return CLI_FAILED;
  guint n = g_list_model_get_n_items (G_LIST_MODEL (library));
  if (json) {
    struct pe_json_writer w = { 0 };
    pe_json_begin_array (&w);
    for (guint i = 0; i < n; i++) {
      g_autoptr (ParleyModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
      cli_write_model (&w, model);
    }
    pe_json_end_array (&w);
    return cli_print_json (&w);
  }
  if (names) {
    for (guint i = 0; i < n; i++) {
      g_autoptr (ParleyModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
      printf ("%s\n", parley_model_get_id (model));
    }
    return CLI_DONE;
  }
  if (parley_library_get_n_own (library) == 0)
    printf ("There are no models yet%s. Find one with 'parley-cli search', get it with 'parley-cli "
            "pull'.\n",
            n > 0 ? ", but for the one that comes with Parley" : "");
  if (n == 0)
    return CLI_DONE;
  g_autoptr (CliTable) table = cli_table_new ("llrrll");
  cli_table_add (table, "MODEL", "QUANT", "SIZE", "PARAMETERS", "STATE", "ID");
  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
    g_autofree char *size = cli_format_bytes (parley_model_get_size (model));
    g_autofree char *parameters = cli_format_parameters (parley_model_get_parameters (model));
    cli_table_add (table, parley_model_get_name (model), parley_model_get_quantisation (model),
                   size, parameters, cli_model_state (model), parley_model_get_id (model));
  }
  cli_table_print (table);
  return CLI_DONE;
}
