/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-default-model.h"

static ParleyModel *
lookup (ParleyLibrary *library, const char *reference)
{
  GListModel *list = G_LIST_MODEL (library);

  for (guint i = 0; reference != NULL && i < g_list_model_get_n_items (list); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (list, i);
    if (g_str_equal (parley_model_get_id (model), reference))
      return model;
  }
  return NULL;
}

ParleyTransfer *
parley_default_model_awaited (ParleyServices *services)
{
  GListModel *downloads = G_LIST_MODEL (services->downloads);

  if (parley_library_get_n_own (services->library) > 0)
    return NULL;
  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++) {
    g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (downloads, i);
    if (parley_transfer_is_active (transfer))
      return transfer;
  }
  return NULL;
}

ParleyModel *
parley_default_model_find (ParleyServices *services, ParleyChat *chat)
{
  ParleyLibrary *library = services->library;
  g_autofree char *last = parley_store_get_setting (services->store, "chat/last-model");
  ParleyModel *model = lookup (library, parley_chat_get_model (chat));

  if (model != NULL)
    return model;
  /* The demonstration answers where it was asked for, or where there is nothing else. */
  model = lookup (library, last);
  if (model != NULL && model != parley_library_get_builtin (library))
    return model;
  if (parley_library_get_n_own (library) > 1 || parley_default_model_awaited (services) != NULL)
    return NULL;
  g_autoptr (ParleyModel) only = g_list_model_get_item (G_LIST_MODEL (library), 0);
  return only != NULL && parley_model_get_state (only) == PARLEY_MODEL_READY ? only : NULL;
}
