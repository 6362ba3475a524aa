/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/models.h"
#include "cli/table.h"
#include "engine/parley-engine.h"
#include "hardware/parley-hardware.h"
#include "hardware/parley-rates.h"
#include "library/account.h"

#include <unistd.h>

ParleyStore *
cli_store_peek (void)
{
  g_autofree char *folder = parley_store_default_folder ();
  g_autofree char *path = g_build_filename (folder, "parley.db", NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS) ? parley_store_open (NULL, NULL) : NULL;
}

ParleyHub *
cli_hub_new (void)
{
  g_autoptr (ParleyStore) store = cli_store_peek ();
  ParleyHub *hub = parley_account_new_hub (store);
  parley_account_load_token (hub, NULL);
  return hub;
}

ParleyLibrary *
cli_library_open (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = parley_store_open (NULL, &error);
  if (!store)
    cli_fail_glib ("the catalogue cannot be opened, so origins are not known", error);
  return cli_library_open_with (store);
}

ParleyLibrary *
cli_library_open_with (ParleyStore *store)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyLibrary) library = parley_library_new (NULL);
  if (store)
    parley_library_set_store (library, store);
  parley_library_add_builtin (library);
  if (!parley_library_load (library, NULL, &error)) {
    cli_fail_glib ("cannot read the library", error);
    return NULL;
  }
  return g_steal_pointer (&library);
}

gsize
cli_plan_devices (ParleyStore *store, struct pe_device_info devices[PE_MAX_DEVICES])
{
  struct pe_device_info found[PE_MAX_DEVICES];
  gsize n = pe_devices_list (found, PE_MAX_DEVICES, false, NULL);
  g_autofree char *setting =
      store ? parley_store_get_setting (store, PARLEY_BUDGETS_SETTING) : NULL;
  /* The list has what the environment says already; after the setting its margins hold again. */
  g_autofree char *budgets = parley_budgets_with_environment (setting);
  g_autofree char *rates = parley_rates_default_path ();
  n = parley_hardware_select (found, n, g_getenv ("PARLEY_VULKAN_DEVICE"), devices);
  for (gsize i = 0; i < n; i++) {
    parley_rates_recall (rates, &devices[i]);
    pe_budget_apply (&devices[i], budgets);
  }
  return n;
}

ParleyModel *
cli_library_find (ParleyLibrary *library, const char *name)
{
  g_autoptr (GError) error = NULL;
  ParleyModel *model = parley_library_lookup (library, name, &error);
  if (!model)
    cli_fail_glib ("cannot choose a model", error);
  return model;
}

bool
cli_model_open (const char *name, ParleyStore **store, ParleyLibrary **library, ParleyModel **model)
{
  g_autoptr (GError) error = NULL;
  *store = parley_store_open (NULL, &error);
  if (!*store) {
    cli_fail_glib ("cannot open the catalogue", error);
    return false;
  }
  *library = cli_library_open_with (*store);
  *model = *library ? cli_library_find (*library, name) : NULL;
  return *model != NULL;
}

const char *
cli_model_state (ParleyModel *model)
{
  switch (parley_model_get_state (model)) {
  case PARLEY_MODEL_READY: return "ready";
  case PARLEY_MODEL_INCOMPLETE: return "incomplete";
  case PARLEY_MODEL_UNSUPPORTED: return "unsupported";
  case PARLEY_MODEL_AWAY: return "away";
  case PARLEY_MODEL_DAMAGED:
  default: return "damaged";
  }
}

static void
write_text (struct pe_json_writer *w, const char *key, const char *text)
{
  pe_json_key (w, key);
  pe_json_text (w, text);
}

static void
write_number (struct pe_json_writer *w, const char *key, guint64 number)
{
  pe_json_key (w, key);
  pe_json_uint (w, number);
}

static void
write_texts (struct pe_json_writer *w, const char *key, const char *const *texts)
{
  pe_json_key (w, key);
  pe_json_begin_array (w);
  for (; texts && *texts; texts++)
    pe_json_text (w, *texts);
  pe_json_end_array (w);
}

void
cli_write_model (struct pe_json_writer *w, ParleyModel *model)
{
  pe_json_begin_object (w);
  write_text (w, "id", parley_model_get_id (model));
  write_text (w, "name", parley_model_get_name (model));
  write_text (w, "path", parley_model_get_path (model));
  write_number (w, "parts", parley_model_get_n_parts (model));
  write_number (w, "bytes", parley_model_get_size (model));
  write_text (w, "quantisation", parley_model_get_quantisation (model));
  write_text (w, "family", parley_model_get_family (model));
  write_text (w, "architecture", parley_model_get_architecture (model));
  write_number (w, "parameters", parley_model_get_parameters (model));
  write_number (w, "layers", parley_model_get_n_layers (model));
  write_number (w, "context_length", parley_model_get_context_length (model));
  pe_json_key (w, "chat_template");
  pe_json_bool (w, parley_model_has_chat_template (model));
  write_text (w, "license", parley_model_get_license (model));
  write_text (w, "repo", parley_model_get_repo (model));
  write_text (w, "commit", parley_model_get_commit (model));
  write_text (w, "sha256", parley_model_get_sha256 (model));
  write_text (w, "owner", parley_model_get_owner (model));
  write_text (w, "folder", parley_model_get_folder (model));
  write_texts (w, "also", parley_model_get_also (model));
  write_texts (w, "tags", parley_model_get_tags (model));
  pe_json_key (w, "pinned");
  pe_json_bool (w, parley_model_is_pinned (model));
  pe_json_key (w, "last_used");
  pe_json_int (w, parley_model_get_last_used (model) / 1000000);
  write_text (w, "state", cli_model_state (model));
  write_text (w, "message", parley_model_get_message (model));
  pe_json_end_object (w);
}

#define PROGRESS_US (100 * 1000)

void
cli_on_progress (guint64 done, guint64 total, gpointer data)
{
  CliProgress *progress = data;
  gint64 now = g_get_monotonic_time ();
  if (progress->is_quiet || !isatty (STDERR_FILENO) || now - progress->shown_at < PROGRESS_US)
    return;
  g_autofree char *so_far = cli_format_bytes (done), *all = cli_format_bytes (total);
  progress->shown_at = now;
  progress->has_line = true;
  fprintf (stderr, "\r\033[K%s of %s %s", so_far, all, progress->verb);
  fflush (stderr);
}

void
cli_progress_end (CliProgress *progress)
{
  if (progress->has_line)
    fprintf (stderr, "\r\033[K");
  progress->has_line = false;
}
