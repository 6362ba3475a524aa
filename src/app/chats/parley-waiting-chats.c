/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-waiting-chats.h"

#include "app/load/parley-default-model.h"
#include "app/load/parley-model-defaults.h"

struct ParleyWaitingChats {
  ParleyServices *services;
  guint idle_id;
};

/* Two models that are to be loaded at the same time would drive each other out in turn. */
static gboolean
is_loading (ParleyEngines *engines)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (engines)); i++) {
    g_autoptr (ParleyEngine) engine = g_list_model_get_item (G_LIST_MODEL (engines), i);
    ParleyEngineState state = parley_engine_get_state (engine);
    if (state == PARLEY_ENGINE_WAITING || state == PARLEY_ENGINE_LOADING)
      return TRUE;
  }
  return FALSE;
}

/* FALSE: it waits for a model that is loaded, comes or failed, or nobody knows for which. */
static gboolean
find_model (ParleyServices *services, ParleyChat *chat)
{
  ParleyResponder *responder = parley_chat_get_responder (chat);

  if (parley_chat_get_state (chat) != PARLEY_CHAT_WAITING ||
      parley_engines_find_responder (services->engines, responder) != NULL)
    return FALSE;
  ParleyModel *model = parley_default_model_find (services, chat);
  if (model == NULL)
    return FALSE;
  parley_model_defaults_apply (services, model, chat);
  parley_chat_set_responder (chat, parley_engines_open (services->engines, model));
  return TRUE;
}

static gboolean
look (gpointer data)
{
  ParleyWaitingChats *self = data;
  GListModel *chats = G_LIST_MODEL (self->services->chats);

  self->idle_id = 0;
  if (is_loading (self->services->engines))
    return G_SOURCE_REMOVE;
  for (guint i = 0; i < g_list_model_get_n_items (chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (chats, i);
    if (find_model (self->services, chat) && is_loading (self->services->engines))
      break; /* the others when this one is loaded */
  }
  return G_SOURCE_REMOVE;
}

/* Whoever unloads a model does not want it to come back for those who wait for it: their messages
 * can be answered when a person asks for that. */
static void
unloading (ParleyWaitingChats *self, ParleyResponder *responder)
{
  GListModel *chats = G_LIST_MODEL (self->services->chats);

  for (guint i = 0; i < g_list_model_get_n_items (chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (chats, i);
    if (parley_chat_get_responder (chat) == responder &&
        parley_chat_get_state (chat) == PARLEY_CHAT_WAITING)
      parley_chat_stop (chat);
  }
}

/* Later: whoever is told of the same change may ask for another model first. */
static void
changed (ParleyWaitingChats *self)
{
  if (self->idle_id == 0)
    self->idle_id = g_idle_add (look, self);
}

ParleyWaitingChats *
parley_waiting_chats_new (ParleyServices *services)
{
  ParleyWaitingChats *self = g_new0 (ParleyWaitingChats, 1);

  self->services = services;
  g_signal_connect_swapped (services->engines, "changed", G_CALLBACK (changed), self);
  g_signal_connect_swapped (services->engines, "unloading", G_CALLBACK (unloading), self);
  g_signal_connect_swapped (services->library, "items-changed", G_CALLBACK (changed), self);
  return self;
}

void
parley_waiting_chats_free (ParleyWaitingChats *self)
{
  if (self == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->services->engines, self);
  g_signal_handlers_disconnect_by_data (self->services->library, self);
  g_clear_handle_id (&self->idle_id, g_source_remove);
  g_free (self);
}
