/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/models.h"

ParleyLibrary *
cli_library_open (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyLibrary) library = parley_library_new (NULL);
  g_autoptr (ParleyStore) store = parley_store_open (NULL, &error);
  if (store)
    parley_library_set_store (library, store);
  else
    cli_fail_glib ("the catalogue cannot be opened, so origins are not known", error);
  g_clear_error (&error);
  parley_library_add_builtin (library);
  if (!parley_library_load (library, NULL, &error)) {
    cli_fail_glib ("cannot read the library", error);
    return NULL;
  }
  return g_steal_pointer (&library);
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

const char *
cli_model_state (ParleyModel *model)
{
  switch (parley_model_get_state (model)) {
  case PARLEY_MODEL_READY: return "ready";
  case PARLEY_MODEL_INCOMPLETE: return "incomplete";
  case PARLEY_MODEL_UNSUPPORTED: return "unsupported";
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
  write_text (w, "state", cli_model_state (model));
  write_text (w, "message", parley_model_get_message (model));
  pe_json_end_object (w);
}
