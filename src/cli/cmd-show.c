/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli show: the files of a repository, with fit and predicted speed. One file's header is
 * read; its siblings are scaled from it and marked with "≈".
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"
#include "fit/parley-fit.h"
#include "hub/parley-hub-ref.h"
#include "hub/parley-hub.h"
#include "hub/quality.h"

static ParleyHubFile *
file_at (GListModel *files, guint i)
{
  g_autoptr (ParleyHubFile) file = g_list_model_get_item (files, i);
  return file; /* the list keeps it */
}

/* The plan of the usual file; NULL, with the reason in *error, when its header says nothing. */
static ParleyFit *
plan_usual (ParleyHub *hub, ParleyHubModel *model, guint64 *bytes, GError **error)
{
  g_autoptr (ParleyHubFile) file = parley_hub_model_choose (model, NULL, error);
  if (!file)
    return NULL;
  g_autoptr (GBytes) header = parley_hub_outline (hub, file, bytes, NULL, error);
  if (!header)
    return NULL;
  struct pe_device_info devices[PE_MAX_DEVICES];
  g_autoptr (ParleyStore) store = cli_store_peek ();
  gsize n = cli_plan_devices (store, devices);
  g_autoptr (ParleyFit) fit = parley_fit_for_header (
      header, *bytes, parley_hub_file_get_name (file), NULL, devices, n, error);
  if (!fit || parley_hub_file_get_n_parts (file) == 1)
    return g_steal_pointer (&fit);
  *bytes = parley_hub_file_get_size (file); /* an estimate, as those of its siblings are */
  return parley_fit_scale (fit, *bytes);
}

/* The fit of a file of `size` bytes, given that of one with `known_size`. */
static ParleyFit *
fit_of (ParleyFit *known, guint64 known_size, guint64 size)
{
  if (!known)
    return NULL;
  return size == known_size ? parley_fit_ref (known) : parley_fit_scale (known, size);
}

static void
write_file (struct pe_json_writer *w, ParleyHubFile *file, ParleyFit *fit)
{
  pe_json_begin_object (w);
  pe_json_key (w, "path");
  pe_json_text (w, parley_hub_file_get_path (file));
  pe_json_key (w, "quantisation");
  pe_json_text (w, parley_hub_file_get_quantisation (file));
  pe_json_key (w, "bytes");
  pe_json_uint (w, parley_hub_file_get_size (file));
  pe_json_key (w, "parts");
  pe_json_uint (w, parley_hub_file_get_n_parts (file));
  pe_json_key (w, "kind");
  pe_json_text (w, parley_hub_file_kind_name (parley_hub_file_get_kind (file)));
  pe_json_key (w, "quality");
  pe_json_text (
      w, parley_quality_name (parley_quality_bits (parley_hub_file_get_quantisation (file))));
  pe_json_key (w, "complete");
  pe_json_bool (w, parley_hub_file_is_complete (file));
  pe_json_key (w, "sha256");
  pe_json_text (w, parley_hub_file_get_part (file, 0)->sha256);
  if (fit) {
    pe_json_key (w, "fit");
    pe_json_text (w, parley_fit_verdict_name (parley_fit_get_verdict (fit)));
    pe_json_key (w, "approximate");
    pe_json_bool (w, parley_fit_is_approximate (fit));
    pe_json_key (w, "tokens_per_second");
    pe_json_real (w, parley_fit_get_speed (fit));
    pe_json_key (w, "basis");
    pe_json_text (w, parley_fit_get_basis (fit));
  }
  pe_json_end_object (w);
}

static int
print_json (ParleyHubModel *model, ParleyFit *known, guint64 known_size)
{
  GListModel *files = parley_hub_model_get_files (model);
  GListModel *companions = parley_hub_model_get_companions (model);
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  pe_json_key (&w, "repo");
  pe_json_text (&w, parley_hub_model_get_repo (model));
  pe_json_key (&w, "commit");
  pe_json_text (&w, parley_hub_model_get_commit (model));
  pe_json_key (&w, "license");
  pe_json_text (&w, parley_hub_model_get_license (model));
  pe_json_key (&w, "architecture");
  pe_json_text (&w, parley_hub_model_get_architecture (model));
  pe_json_key (&w, "parameters");
  pe_json_uint (&w, parley_hub_model_get_parameters (model));
  pe_json_key (&w, "context_length");
  pe_json_uint (&w, parley_hub_model_get_context_length (model));
  pe_json_key (&w, "gated");
  pe_json_bool (&w, parley_hub_model_get_gate (model) != PARLEY_HUB_OPEN);
  pe_json_key (&w, "files");
  pe_json_begin_array (&w);
  for (guint i = 0; i < g_list_model_get_n_items (files); i++) {
    g_autoptr (ParleyFit) fit =
        fit_of (known, known_size, parley_hub_file_get_size (file_at (files, i)));
    write_file (&w, file_at (files, i), fit);
  }
  pe_json_end_array (&w);
  pe_json_key (&w, "companions");
  pe_json_begin_array (&w);
  for (guint i = 0; i < g_list_model_get_n_items (companions); i++)
    write_file (&w, file_at (companions, i), NULL);
  pe_json_end_array (&w);
  pe_json_end_object (&w);
  return cli_print_json (&w);
}

static char *
speed_words (ParleyFit *fit)
{
  double speed = fit ? parley_fit_get_speed (fit) : 0;
  return speed > 0 ? g_strdup_printf ("%s%.1f tokens/s",
                                      parley_fit_is_approximate (fit) ? "≈ " : "", speed)
                   : g_strdup ("");
}

static int
print_table (ParleyHub *hub, ParleyHubModel *model, ParleyFit *known, guint64 known_size)
{
  GListModel *files = parley_hub_model_get_files (model);
  GListModel *companions = parley_hub_model_get_companions (model);
  g_autofree char *parameters = cli_format_parameters (parley_hub_model_get_parameters (model));
  const char *license = parley_hub_model_get_license (model);
  printf ("%s\nparameters %s, licence %s, version %.7s\n", parley_hub_model_get_repo (model),
          *parameters ? parameters : "unknown", *license ? license : "unknown",
          parley_hub_model_get_commit (model));
  if (parley_hub_model_get_gate (model) != PARLEY_HUB_OPEN) {
    g_autofree char *page = parley_hub_dup_page_address (hub, parley_hub_model_get_repo (model));
    printf ("Its terms must be accepted first: %s\n", page);
  }
  printf ("\n");
  g_autoptr (CliTable) table = cli_table_new ("lrllll");
  cli_table_add (table, "FILE", "SIZE", "QUALITY", "FIT", "SPEED", "NAME");
  for (guint i = 0; i < g_list_model_get_n_items (files); i++) {
    ParleyHubFile *file = file_at (files, i);
    g_autoptr (ParleyFit) fit = fit_of (known, known_size, parley_hub_file_get_size (file));
    g_autofree char *size = cli_format_bytes (parley_hub_file_get_size (file));
    g_autofree char *speed = speed_words (fit);
    const char *words = !parley_hub_file_is_complete (file) ? "parts are missing"
                        : fit ? parley_fit_verdict_words (parley_fit_get_verdict (fit))
                              : "";
    const char *label = parley_hub_file_get_quantisation (file);
    cli_table_add (table, *label ? label : "-", size,
                   parley_quality_words (parley_quality_bits (label)), words, speed,
                   parley_hub_file_get_path (file));
  }
  for (guint i = 0; i < g_list_model_get_n_items (companions); i++) {
    ParleyHubFile *file = file_at (companions, i);
    g_autofree char *size = cli_format_bytes (parley_hub_file_get_size (file));
    cli_table_add (table, "companion", size, "", "", "", parley_hub_file_get_path (file));
  }
  if (g_list_model_get_n_items (files) + g_list_model_get_n_items (companions) > 0)
    cli_table_print (table);
  for (guint i = 0; i < g_list_model_get_n_items (companions); i++)
    printf ("%s%s: %s\n", i ? "" : "\n", parley_hub_file_get_name (file_at (companions, i)),
            parley_hub_file_kind_words (parley_hub_file_get_kind (file_at (companions, i))));
  if (!parley_hub_model_can_chat (model))
    printf ("\nIts page says it is for %s, not for chats.\n",
            parley_hub_model_get_pipeline (model));
  if (g_list_model_get_n_items (files) == 0)
    printf ("There is no model in a GGUF file.\n");
  else if (known && *parley_fit_get_basis (known))
    printf (parley_fit_get_speed (known) > 0
                ? "\nSpeed with an empty context, %s; ≈ by the size of the file.\n"
                : "\nSpeed: %s\n",
            parley_fit_get_basis (known));
  return CLI_DONE;
}

int
parley_cmd_show (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "REPO", "Shows the model files of a repository.", entries, 1, 1))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHub) hub = cli_hub_new ();
  g_autoptr (ParleyHubRef) ref =
      parley_hub_ref_parse (argv[1], parley_hub_get_endpoint (hub), &error);
  g_autoptr (ParleyHubModel) model =
      ref ? parley_hub_details (hub, ref->repo, ref->revision, NULL, &error) : NULL;
  if (!model)
    return cli_fail_glib ("cannot show", error);
  guint64 known_size = 0;
  g_autoptr (GError) problem = NULL;
  g_autoptr (ParleyFit) known = plan_usual (hub, model, &known_size, &problem);
  if (json)
    return print_json (model, known, known_size);
  int status = print_table (hub, model, known, known_size);
  if (problem && g_list_model_get_n_items (parley_hub_model_get_files (model)) > 0)
    printf ("\nWhether it fits is not known: %s\n", problem->message);
  return status;
}
