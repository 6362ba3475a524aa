/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli set, verify, move: what a person does with a model that is here.
 */
#include "cli/commands.h"
#include "cli/models.h"
#include "library/import.h"
#include "library/places.h"
#include "library/record.h"

#include <string.h>

/* "key=value" of the settings that a model can have; "key=" forgets it. */
static bool
set_default (ParleyStore *store, ParleyModel *model, const char *text)
{
  const char *equals = strchr (text, '=');
  g_autofree char *key = equals ? g_strndup (text, (gsize) (equals - text)) : NULL;
  if (!key || !g_strv_contains (parley_model_setting_keys, key)) {
    g_autofree char *known = g_strjoinv (", ", (GStrv) parley_model_setting_keys);
    cli_usage ("“%s” sets nothing; write KEY=VALUE, where KEY is one of %s", text, known);
    return false;
  }
  g_autofree char *setting = parley_model_setting (parley_model_get_id (model), key);
  parley_store_set_setting (store, setting, equals[1] ? equals + 1 : NULL);
  return true;
}

static gboolean
change_tags (ParleyStore *store, ParleyModel *model, char **add, char **remove, GError **error)
{
  g_autoptr (GStrvBuilder) tags = g_strv_builder_new ();
  const char *const *known = parley_model_get_tags (model);
  for (; known && *known; known++)
    if (!remove || !g_strv_contains ((const char *const *) remove, *known))
      g_strv_builder_add (tags, *known);
  for (; add && *add; add++)
    g_strv_builder_add (tags, *add);
  g_auto (GStrv) list = g_strv_builder_end (tags);
  return parley_record_set_tags (store, model, (const char *const *) list, error);
}

int
parley_cmd_set (int argc, char **argv)
{
  gboolean pin = FALSE, unpin = FALSE;
  g_autofree char *name = NULL;
  g_auto (GStrv) tags = NULL, untags = NULL, defaults = NULL;
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &name, "Call it so; \"\" for its own name", "NAME" },
    { "tag", 0, 0, G_OPTION_ARG_STRING_ARRAY, &tags, "Add a tag", "TAG" },
    { "untag", 0, 0, G_OPTION_ARG_STRING_ARRAY, &untags, "Remove a tag", "TAG" },
    { "pin", 0, 0, G_OPTION_ARG_NONE, &pin, "List it first", NULL },
    { "unpin", 0, 0, G_OPTION_ARG_NONE, &unpin, "List it as any other", NULL },
    { "default", 'd', 0, G_OPTION_ARG_STRING_ARRAY, &defaults,
      "gpu-layers, cpu-experts, context, kv, sampling or system-prompt for this model",
      "KEY=VALUE" },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL", "Names, tags and pins a model, and sets its defaults.",
                  entries, 1, 1))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = NULL;
  g_autoptr (ParleyLibrary) library = NULL;
  g_autoptr (ParleyModel) model = NULL;
  if (!cli_model_open (argv[1], &store, &library, &model))
    return CLI_FAILED;
  for (char **item = defaults; item && *item; item++)
    if (!set_default (store, model, *item))
      return CLI_USAGE;
  if ((name && !parley_record_rename (store, model, name, &error)) ||
      ((tags || untags) && !change_tags (store, model, tags, untags, &error)) ||
      ((pin || unpin) && !parley_record_set_pinned (store, model, pin, &error)) ||
      !parley_store_close (store, &error))
    return cli_fail_glib ("cannot change it", error);
  return CLI_DONE;
}

int
parley_cmd_verify (int argc, char **argv)
{
  gboolean quiet = FALSE;
  const GOptionEntry entries[] = {
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "Show no progress", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL", "Reads a model from the disk and checks its SHA-256.",
                  entries, 1, 1))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = NULL;
  g_autoptr (ParleyLibrary) library = NULL;
  g_autoptr (ParleyModel) model = NULL;
  if (!cli_model_open (argv[1], &store, &library, &model))
    return CLI_FAILED;
  g_auto (CliProgress) progress = { .is_quiet = quiet, .verb = "read" };
  bool known = *parley_model_get_sha256 (model) != '\0';
  gboolean good = parley_verify (model, store, cli_on_progress, &progress, NULL, &error);
  cli_progress_end (&progress);
  if (!good)
    return cli_fail_glib ("not verified", error);
  printf (known ? "%s is as it was downloaded.\n"
                : "%s can be read; its SHA-256 is known from now on.\n",
          parley_model_get_id (model));
  return CLI_DONE;
}

int
parley_cmd_move (int argc, char **argv)
{
  gboolean quiet = FALSE;
  const GOptionEntry entries[] = {
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "Show no progress", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL FOLDER",
                  "Moves a model to another models folder (see 'folders').", entries, 2, 2))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = NULL;
  g_autoptr (ParleyLibrary) library = NULL;
  g_autoptr (ParleyModel) model = NULL;
  if (!cli_model_open (argv[1], &store, &library, &model))
    return CLI_FAILED;
  g_auto (GStrv) folders = parley_places_get (store, PARLEY_SETTING_FOLDERS);
  g_autofree char *folder = g_canonicalize_filename (argv[2], NULL);
  if (strcmp (folder, parley_library_get_models_dir (library)) != 0 &&
      !g_strv_contains ((const char *const *) folders, folder))
    return cli_fail ("%s is no models folder: make it one with 'parley-cli folders --add'", folder);
  g_auto (CliProgress) progress = { .is_quiet = quiet, .verb = "moved" };
  gboolean good = parley_relocate (model, folder, store, cli_on_progress, &progress, NULL, &error);
  cli_progress_end (&progress);
  return good ? CLI_DONE : cli_fail_glib ("cannot move it", error);
}
