/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/desktop/parley-search-provider.h"

#include "app/search-provider2.h"
#include "parley-config.h"

#include <glib/gi18n.h>

/* The shell shows five at most; more only cost it time. */
#define MAX_RESULTS 20

struct _ParleySearchProvider {
  GObject parent;
  const ParleySearchProviderHost *host;
  gpointer data;
  ParleyShellSearchProvider2 *skeleton;
  GHashTable *snippets;      /* identifier -> line of text, of the last search */
  GCancellable *cancellable; /* of the search that runs */
};

G_DEFINE_FINAL_TYPE (ParleySearchProvider, parley_search_provider, G_TYPE_OBJECT)

typedef struct {
  ParleySearchProvider *self;
  GDBusMethodInvocation *invocation;
} Search;

static void
answer (Search *search, GPtrArray *identifiers)
{
  g_ptr_array_add (identifiers, NULL);
  g_dbus_method_invocation_return_value (search->invocation,
                                         g_variant_new ("(^as)", (char **) identifiers->pdata));
  g_application_release (g_application_get_default ());
  g_object_unref (search->self);
  g_free (search);
}

static void
found (GObject *source, GAsyncResult *result, gpointer data)
{
  Search *search = data;
  g_autoptr (GListModel) hits =
      parley_chat_list_search_finish (PARLEY_CHAT_LIST (source), result, NULL);
  g_autoptr (GPtrArray) identifiers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) chats = g_hash_table_new (NULL, NULL);
  guint n = hits != NULL ? g_list_model_get_n_items (hits) : 0;

  /* The best hit of each chat stands for it. */
  for (guint i = 0; i < n && identifiers->len < MAX_RESULTS; i++) {
    g_autoptr (ParleyChatHit) hit = g_list_model_get_item (hits, i);
    ParleyChat *chat = parley_chat_hit_get_chat (hit);
    if (!g_hash_table_add (chats, chat))
      continue;
    char *identifier =
        g_strdup_printf ("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, parley_chat_get_id (chat),
                         parley_chat_hit_get_message (hit));
    g_hash_table_insert (search->self->snippets, g_strdup (identifier),
                         g_strdup (parley_chat_hit_get_snippet (hit)));
    g_ptr_array_add (identifiers, identifier);
  }
  answer (search, identifiers);
}

static void
start_search (ParleySearchProvider *self, GDBusMethodInvocation *invocation,
              const char *const *terms)
{
  Search *search = g_new0 (Search, 1);
  g_autofree char *query = g_strjoinv (" ", (char **) terms);
  ParleyChatList *chats = self->host->chats (self->data);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_hash_table_remove_all (self->snippets);
  search->self = g_object_ref (self);
  search->invocation = invocation;
  g_application_hold (g_application_get_default ());
  if (chats == NULL) {
    g_autoptr (GPtrArray) none = g_ptr_array_new ();
    answer (search, none);
    return;
  }
  self->cancellable = g_cancellable_new ();
  parley_chat_list_search_async (chats, query, self->cancellable, found, search);
}

static gboolean
initial_results (ParleyShellSearchProvider2 *skeleton, GDBusMethodInvocation *invocation,
                 const char *const *terms, ParleySearchProvider *self)
{
  start_search (self, invocation, terms);
  return TRUE;
}

static gboolean
further_results (ParleyShellSearchProvider2 *skeleton, GDBusMethodInvocation *invocation,
                 const char *const *previous, const char *const *terms, ParleySearchProvider *self)
{
  start_search (self, invocation, terms);
  return TRUE;
}

/* False: not one of ours, or its chat is gone. */
static gboolean
read_identifier (ParleySearchProvider *self, const char *identifier, ParleyChat **chat,
                 gint64 *message)
{
  ParleyChatList *chats = self->host->chats (self->data);
  g_auto (GStrv) parts = g_strsplit (identifier, ":", 2);
  gint64 id = 0;

  *chat = NULL;
  if (chats == NULL || g_strv_length (parts) != 2 ||
      !g_ascii_string_to_signed (parts[0], 10, 1, G_MAXINT64, &id, NULL) ||
      !g_ascii_string_to_signed (parts[1], 10, 0, G_MAXINT64, message, NULL))
    return FALSE;
  *chat = parley_chat_list_find (chats, id);
  return *chat != NULL;
}

static gboolean
result_metas (ParleyShellSearchProvider2 *skeleton, GDBusMethodInvocation *invocation,
              const char *const *identifiers, ParleySearchProvider *self)
{
  g_autoptr (GIcon) icon = g_themed_icon_new (PARLEY_APP_ID);
  g_autoptr (GVariant) serialized = g_icon_serialize (icon);
  GVariantBuilder metas;

  g_variant_builder_init (&metas, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; identifiers[i] != NULL && i < MAX_RESULTS; i++) {
    ParleyChat *chat;
    gint64 message;
    if (!read_identifier (self, identifiers[i], &chat, &message))
      continue;
    const char *title = parley_chat_get_title (chat);
    const char *snippet = g_hash_table_lookup (self->snippets, identifiers[i]);
    g_variant_builder_open (&metas, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add (&metas, "{sv}", "id", g_variant_new_string (identifiers[i]));
    g_variant_builder_add (&metas, "{sv}", "name",
                           g_variant_new_string (*title != '\0' ? title : _ ("New Chat")));
    if (snippet != NULL)
      g_variant_builder_add (&metas, "{sv}", "description", g_variant_new_string (snippet));
    g_variant_builder_add (&metas, "{sv}", "icon", serialized);
    g_variant_builder_close (&metas);
  }
  parley_shell_search_provider2_complete_get_result_metas (skeleton, invocation,
                                                           g_variant_builder_end (&metas));
  return TRUE;
}

static gboolean
activate_result (ParleyShellSearchProvider2 *skeleton, GDBusMethodInvocation *invocation,
                 const char *identifier, const char *const *terms, guint timestamp,
                 ParleySearchProvider *self)
{
  ParleyChat *chat;
  gint64 message;

  if (read_identifier (self, identifier, &chat, &message))
    self->host->show (self->data, parley_chat_get_id (chat), message);
  parley_shell_search_provider2_complete_activate_result (skeleton, invocation);
  return TRUE;
}

static gboolean
launch_search (ParleyShellSearchProvider2 *skeleton, GDBusMethodInvocation *invocation,
               const char *const *terms, guint timestamp, ParleySearchProvider *self)
{
  g_autofree char *query = g_strjoinv (" ", (char **) terms);

  self->host->search (self->data, query);
  parley_shell_search_provider2_complete_launch_search (skeleton, invocation);
  return TRUE;
}

gboolean
parley_search_provider_export (ParleySearchProvider *self, GDBusConnection *connection,
                               const char *path, GError **error)
{
  return g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), connection,
                                           path, error);
}

void
parley_search_provider_unexport (ParleySearchProvider *self)
{
  g_cancellable_cancel (self->cancellable);
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
}

static void
parley_search_provider_finalize (GObject *object)
{
  ParleySearchProvider *self = PARLEY_SEARCH_PROVIDER (object);

  g_clear_object (&self->cancellable);
  g_clear_object (&self->skeleton);
  g_hash_table_unref (self->snippets);
  G_OBJECT_CLASS (parley_search_provider_parent_class)->finalize (object);
}

static void
parley_search_provider_class_init (ParleySearchProviderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = parley_search_provider_finalize;
}

static void
parley_search_provider_init (ParleySearchProvider *self)
{
  self->snippets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->skeleton = parley_shell_search_provider2_skeleton_new ();
  g_signal_connect (self->skeleton, "handle-get-initial-result-set", G_CALLBACK (initial_results),
                    self);
  g_signal_connect (self->skeleton, "handle-get-subsearch-result-set", G_CALLBACK (further_results),
                    self);
  g_signal_connect (self->skeleton, "handle-get-result-metas", G_CALLBACK (result_metas), self);
  g_signal_connect (self->skeleton, "handle-activate-result", G_CALLBACK (activate_result), self);
  g_signal_connect (self->skeleton, "handle-launch-search", G_CALLBACK (launch_search), self);
}

ParleySearchProvider *
parley_search_provider_new (const ParleySearchProviderHost *host, gpointer data)
{
  ParleySearchProvider *self = g_object_new (PARLEY_TYPE_SEARCH_PROVIDER, NULL);

  self->host = host;
  self->data = data;
  return self;
}
