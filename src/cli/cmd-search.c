/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli search: models of the hub.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"
#include "hub/names.h"
#include "hub/parley-hub.h"

#include <string.h>

#define MAX_ROUNDS 20 /* questions to the hub while a filter leaves little of the answers */

static bool
read_sort (const char *name, ParleyHubSort *sort)
{
  static const char *const names[] = { "trending", "downloads", "likes", "updated" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (name, names[i]) == 0) {
      *sort = (ParleyHubSort) i;
      return true;
    }
  return false;
}

/* "3B-9B", "-9B" or "30B-". */
static bool
read_size (const char *text, ParleyHubFilter *filter)
{
  const char *dash = strchr (text, '-');
  g_autofree char *low = dash ? g_strndup (text, (gsize) (dash - text)) : NULL;
  if (!dash)
    return false;
  filter->min_parameters = parley_name_parameters (low);
  filter->max_parameters = parley_name_parameters (dash + 1);
  return (!*low || filter->min_parameters) && (!dash[1] || filter->max_parameters) &&
         (*low || dash[1]);
}

static const char *
find_family (const char *name)
{
  const char *const *known = parley_hub_families ();
  while (*known && g_ascii_strcasecmp (*known, name) != 0)
    known++;
  return *known;
}

static const char *
gate_name (ParleyHubModel *model)
{
  switch (parley_hub_model_get_gate (model)) {
  case PARLEY_HUB_GATED_AUTOMATIC: return "automatic";
  case PARLEY_HUB_GATED_MANUAL: return "manual";
  case PARLEY_HUB_OPEN:
  default: return "";
  }
}

static void
write_model (struct pe_json_writer *w, ParleyHubModel *model)
{
  pe_json_begin_object (w);
  pe_json_key (w, "repo");
  pe_json_text (w, parley_hub_model_get_repo (model));
  pe_json_key (w, "parameters");
  pe_json_uint (w, parley_hub_model_get_parameters (model));
  pe_json_key (w, "downloads");
  pe_json_uint (w, parley_hub_model_get_downloads (model));
  pe_json_key (w, "likes");
  pe_json_uint (w, parley_hub_model_get_likes (model));
  pe_json_key (w, "updated");
  pe_json_int (w, parley_hub_model_get_updated (model));
  pe_json_key (w, "license");
  pe_json_text (w, parley_hub_model_get_license (model));
  pe_json_key (w, "gated");
  pe_json_text (w, gate_name (model));
  pe_json_key (w, "chat");
  pe_json_bool (w, parley_hub_model_can_chat (model));
  pe_json_end_object (w);
}

static int
print_json (GPtrArray *models)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_array (&w);
  for (guint i = 0; i < models->len; i++)
    write_model (&w, models->pdata[i]);
  pe_json_end_array (&w);
  return cli_print_json (&w);
}

static int
print_table (GPtrArray *models)
{
  if (models->len == 0) {
    printf ("Nothing was found. Try fewer or other words.\n");
    return CLI_DONE;
  }
  g_autoptr (CliTable) table = cli_table_new ("lrrrlll");
  cli_table_add (table, "REPOSITORY", "SIZE", "DOWNLOADS", "LIKES", "CHANGED", "LICENCE", "ACCESS");
  for (guint i = 0; i < models->len; i++) {
    ParleyHubModel *model = models->pdata[i];
    g_autofree char *size = cli_format_parameters (parley_hub_model_get_parameters (model));
    g_autofree char *downloads = cli_format_count (parley_hub_model_get_downloads (model));
    g_autofree char *likes = cli_format_count (parley_hub_model_get_likes (model));
    g_autofree char *date = cli_format_date (parley_hub_model_get_updated (model));
    const char *gate = gate_name (model);
    cli_table_add (table, parley_hub_model_get_repo (model), size, downloads, likes, date,
                   parley_hub_model_get_license (model), *gate ? "after accepting terms" : "");
  }
  cli_table_print (table);
  return CLI_DONE;
}

int
parley_cmd_search (int argc, char **argv)
{
  g_autofree char *sort_name = NULL;
  g_autofree char *family = NULL, *license = NULL, *language = NULL, *size = NULL;
  int limit = 20;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "sort", 's', 0, G_OPTION_ARG_STRING, &sort_name, "In which order (usually trending)",
      "trending|downloads|likes|updated" },
    { "family", 0, 0, G_OPTION_ARG_STRING, &family, "Only of this family: Llama, Qwen …", "NAME" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &size, "Only with so many parameters: 3B-9B, -4B, 30B-",
      "FROM-TO" },
    { "license", 0, 0, G_OPTION_ARG_STRING, &license, "Only under this licence: apache-2.0, mit …",
      "NAME" },
    { "language", 0, 0, G_OPTION_ARG_STRING, &language,
      "Only those that say they speak it: de, fr …", "CODE" },
    { "limit", 'n', 0, G_OPTION_ARG_INT, &limit, "How many to show (20)", "N" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "QUERY…", "Searches the hub for models in GGUF files.", entries, 0,
                  -1))
    return CLI_USAGE;
  ParleyHubSort sort = PARLEY_HUB_SORT_TRENDING;
  if (sort_name && !read_sort (sort_name, &sort))
    return cli_usage ("no such order: %s", sort_name);
  if (limit < 1 || limit > 1000)
    return cli_usage ("the limit must be between 1 and 1000");

  ParleyHubFilter filter = { .license = license, .language = language };
  if (family && !(filter.family = find_family (family))) {
    g_autofree char *known = g_strjoinv (", ", (GStrv) parley_hub_families ());
    return cli_usage ("no such family: %s; known are %s", family, known);
  }
  if (size && !read_size (size, &filter))
    return cli_usage ("“%s” is no range of sizes; write 3B-9B, -4B or 30B-", size);

  g_autoptr (ParleyHub) hub = cli_hub_new ();
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *query = g_strjoinv (" ", argv + 1);
  g_autofree char *cursor = NULL;
  guint asked = 0;
  do {
    g_autofree char *next = NULL;
    g_autoptr (GError) error = NULL;
    guint wanted = (guint) limit - models->len;
    g_autoptr (GPtrArray) page = parley_hub_search (hub, query, sort, &filter, MIN (wanted, 100),
                                                    cursor, &next, NULL, &error);
    if (!page)
      return cli_fail_glib ("cannot search", error);
    for (guint i = 0; i < MIN (page->len, wanted); i++)
      g_ptr_array_add (models, g_object_ref (page->pdata[i]));
    g_free (cursor);
    cursor = g_steal_pointer (&next);
  } while (cursor && models->len < (guint) limit && ++asked < MAX_ROUNDS);
  return json ? print_json (models) : print_table (models);
}
