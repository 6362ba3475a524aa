/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli info: everything the library knows of a model.
 */
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"

static void
add (CliTable *table, const char *label, const char *value)
{
  if (value && *value)
    cli_table_add (table, label, value);
}

static int
print_table (ParleyModel *model)
{
  g_autofree char *size = cli_format_bytes (parley_model_get_size (model));
  g_autofree char *parameters = cli_format_parameters (parley_model_get_parameters (model));
  g_autofree char *layers = g_strdup_printf ("%u", parley_model_get_n_layers (model));
  g_autofree char *context = g_strdup_printf ("%u tokens", parley_model_get_context_length (model));
  g_autofree char *parts = g_strdup_printf ("%u", parley_model_get_n_parts (model));
  g_autoptr (CliTable) table = cli_table_new ("ll");
  add (table, "Name", parley_model_get_name (model));
  add (table, "State", cli_model_state (model));
  add (table, "", parley_model_get_message (model));
  add (table, "Id", parley_model_get_id (model));
  add (table, "File", parley_model_get_path (model));
  add (table, "Parts", parley_model_get_n_parts (model) > 1 ? parts : "");
  add (table, "Size", size);
  add (table, "Quantisation", parley_model_get_quantisation (model));
  add (table, "Family", parley_model_get_family (model));
  add (table, "Parameters", parameters);
  add (table, "Layers", parley_model_get_n_layers (model) ? layers : "");
  add (table, "Context", parley_model_get_context_length (model) ? context : "");
  if (parley_model_get_state (model) == PARLEY_MODEL_READY)
    add (table, "Chat template",
         parley_model_has_chat_template (model) ? "yes" : "none: it continues text");
  add (table, "Licence", parley_model_get_license (model));
  add (table, "Repository", parley_model_get_repo (model));
  add (table, "Version", parley_model_get_commit (model));
  add (table, "SHA-256", parley_model_get_sha256 (model));
  cli_table_print (table);
  return CLI_DONE;
}

int
parley_cmd_info (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL", "Tells what is known of a model on this computer.",
                  entries, 1, 1))
    return CLI_USAGE;
  g_autoptr (ParleyLibrary) library = cli_library_open ();
  g_autoptr (ParleyModel) model = library ? cli_library_find (library, argv[1]) : NULL;
  if (!model)
    return CLI_FAILED;
  if (!json)
    return print_table (model);
  struct pe_json_writer w = { 0 };
  cli_write_model (&w, model);
  return cli_print_json (&w);
}
