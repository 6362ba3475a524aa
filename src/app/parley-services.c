/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-services.h"

#include "app/parley-network.h"
#include "app/parley-task.h"
#include "app/chats/parley-waiting-chats.h"
#include "library/account.h"

ParleyServices *
parley_services_new (GError **error)
{
  g_autoptr (ParleyStore) store = parley_store_open (NULL, error);
  g_autoptr (ParleyChatList) chats = store != NULL ? parley_chat_list_new (store, error) : NULL;

  if (chats == NULL)
    return NULL;
  ParleyServices *services = g_new0 (ParleyServices, 1);
  services->store = g_steal_pointer (&store);
  services->chats = g_steal_pointer (&chats);
  services->hub = parley_account_new_hub (services->store);
  services->downloads = parley_downloads_new (services->hub, NULL);
  services->library = parley_library_new (NULL);
  parley_library_set_store (services->library, services->store);
  parley_library_follow (services->library, services->downloads);
  parley_library_add_builtin (services->library);
  services->updates = parley_updates_new (services->hub, services->library, services->store);
  services->tasks = g_list_store_new (PARLEY_TYPE_TASK);
  services->hardware = parley_hardware_new ();
  parley_services_apply (services);
  services->engines = parley_engines_new (services->hardware, services->store);
  services->waiting = parley_waiting_chats_new (services);
  return services;
}

void
parley_services_apply (ParleyServices *services)
{
  g_autofree char *budgets = parley_store_get_setting (services->store, PARLEY_BUDGETS_SETTING);

  parley_network_apply (services);
  parley_hardware_set_budgets (services->hardware, budgets);
}

static void
measured (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!parley_hardware_probe_finish (PARLEY_HARDWARE (source), result, &error))
    g_message ("%s", error->message);
}

/* Rates are measured once for a device and its driver. PARLEY_MEASURE=never leaves that to the
 * person. */
static void
probed (GObject *source, GAsyncResult *result, gpointer data)
{
  ParleyHardware *hardware = PARLEY_HARDWARE (source);
  g_autoptr (GError) error = NULL;

  if (!parley_hardware_probe_finish (hardware, result, &error))
    g_message ("%s", error->message);
  else if (!parley_hardware_has_rates (hardware) &&
           g_strcmp0 (g_getenv ("PARLEY_MEASURE"), "never") != 0)
    parley_hardware_probe_async (hardware, TRUE, NULL, measured, NULL);
}

/* A download may need the token: without it the hub would refuse what it began to give. */
static void
token_loaded (GObject *hub, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyDownloads) downloads = data;

  parley_downloads_restore (downloads);
  parley_downloads_watch (downloads);
}

void
parley_services_start (ParleyServices *services)
{
  parley_hardware_probe_async (services->hardware, FALSE, NULL, probed, NULL);
  parley_network_load_token (services, token_loaded, g_object_ref (services->downloads));
  parley_library_watch (services->library);
}

void
parley_services_free (ParleyServices *services)
{
  if (services == NULL)
    return;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (services->tasks)); i++) {
    g_autoptr (ParleyTask) task = g_list_model_get_item (G_LIST_MODEL (services->tasks), i);
    parley_task_stop (task);
  }
  parley_downloads_stop (services->downloads);
  g_clear_pointer (&services->waiting, parley_waiting_chats_free);
  g_clear_object (&services->engines);
  g_clear_object (&services->updates);
  g_clear_object (&services->tasks);
  g_clear_object (&services->chats);
  g_clear_object (&services->downloads);
  g_clear_object (&services->library);
  g_clear_object (&services->hardware);
  g_clear_object (&services->hub);
  if (services->store != NULL) {
    g_autoptr (GError) error = NULL;
    if (!parley_store_close (services->store, &error))
      g_warning ("%s", error->message);
  }
  g_clear_object (&services->store);
  g_free (services);
}
