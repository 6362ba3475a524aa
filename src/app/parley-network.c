/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-network.h"

#include "app/compat.h"
#include "app/widgets/parley-widgets.h"
#include "hub/secret.h"
#include "library/account.h"

#include <glib/gi18n.h>

#define SETTING_METERED "downloads/metered"
#define SETTING_AT_ONCE "downloads/at-once"
#define SETTING_KEPT    "hub/kept" /* hubs with a token in the keyring, an address a line */
#define USUAL_AT_ONCE   2
#define MOST_AT_ONCE    4
#define NOT_KEPT        "parley-not-kept" /* of a hub whose token is in no keyring */
#define LOADING         "parley-loading" /* of a hub: the task that asks the keyring for its token */

static guint
at_once (ParleyServices *services)
{
  g_autofree char *value = parley_store_get_setting (services->store, SETTING_AT_ONCE);
  gint64 n = value != NULL ? g_ascii_strtoll (value, NULL, 10) : USUAL_AT_ONCE;

  return (guint) CLAMP (n, 1, MOST_AT_ONCE);
}

static gboolean
is_on (ParleyServices *services, const char *key)
{
  g_autofree char *value = parley_store_get_setting (services->store, key);

  return g_strcmp0 (value, "1") == 0;
}

void
parley_network_apply (ParleyServices *services)
{
  parley_hub_set_offline (services->hub, is_on (services, PARLEY_SETTING_OFFLINE));
  parley_downloads_set_limit (services->downloads, at_once (services));
  parley_downloads_set_allow_metered (services->downloads, is_on (services, SETTING_METERED));
}

static void
load_token (GTask *task, gpointer hub, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (!parley_account_load_token (hub, &error))
    g_debug ("%s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
token_is_known (GTask *task)
{
  g_object_set_data (g_task_get_source_object (task), LOADING, NULL);
}

void
parley_network_load_token (ParleyServices *services, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (services->hub, NULL, done, data);

  /* Not a reference: the task has one to the hub. */
  g_object_set_data (G_OBJECT (services->hub), LOADING, task);
  g_signal_connect (task, "notify::completed", G_CALLBACK (token_is_known), NULL);
  g_task_run_in_thread (task, load_token);
}

/* ---- tokens in the keyring ---- */

static GStrv
list_kept (ParleyServices *services)
{
  g_autofree char *value = parley_store_get_setting (services->store, SETTING_KEPT);

  return g_strsplit (value != NULL ? value : "", "\n", 100);
}

static void
set_kept (ParleyServices *services, const char *hub, gboolean kept)
{
  g_auto (GStrv) before = list_kept (services);
  g_autoptr (GString) after = g_string_new (NULL);

  for (guint i = 0; before[i] != NULL; i++)
    if (!g_str_equal (before[i], hub))
      g_string_append_printf (after, "%s%s", after->len > 0 ? "\n" : "", before[i]);
  if (kept)
    g_string_append_printf (after, "%s%s", after->len > 0 ? "\n" : "", hub);
  parley_store_set_setting (services->store, SETTING_KEPT, after->len > 0 ? after->str : NULL);
}

/* Whether there can be a token of this hub in it. */
static gboolean
may_be_kept (ParleyServices *services)
{
  return parley_hub_has_token (services->hub) &&
         g_object_get_data (G_OBJECT (services->hub), NOT_KEPT) == NULL;
}

GStrv
parley_network_list_hubs (ParleyServices *services)
{
  GStrv hubs = list_kept (services);
  const char *present = parley_hub_get_endpoint (services->hub);

  if (!may_be_kept (services) || g_strv_contains ((const char *const *) hubs, present))
    return hubs;
  g_autoptr (GStrvBuilder) more = g_strv_builder_new ();
  g_strv_builder_addv (more, (const char **) hubs);
  g_strv_builder_add (more, present);
  g_strfreev (hubs);
  return g_strv_builder_end (more);
}

gboolean
parley_network_forget_tokens (ParleyHub *hub, const char *const *hubs, GError **error)
{
  gboolean good = TRUE;

  parley_hub_set_token (hub, NULL);
  for (; *hubs != NULL; hubs++)
    good = parley_secret_save (*hubs, NULL, NULL, good ? error : NULL) && good;
  return good;
}

/* ---- signing in ---- */

typedef struct {
  ParleyServices *services;
  GtkWidget *token, *state, *out; /* entry, row that says how it is, button */
} Account;

static void
say (Account *account, const char *title, const char *words)
{
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (account->state), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (account->state), words);
}

static void
show_state (Account *account)
{
  gboolean in = parley_hub_has_token (account->services->hub);

  say (account, in ? _ ("Signed in") : _ ("Not signed in"),
       in ? _ ("Models that ask for terms can be downloaded once you have accepted them")
          : _ ("Only needed for models whose owners ask for it. Make a token with read access on "
               "the page of your account."));
  gtk_widget_set_visible (account->out, in);
  gtk_widget_set_visible (account->token, !in);
}

static void
keyring_answered (GtkWidget *state)
{
  show_state (g_object_get_data (G_OBJECT (state), "parley-account"));
}

typedef struct {
  char *token, *why;
  gboolean kept;
} SignIn;

static void
sign_in_free (gpointer data)
{
  SignIn *sign_in = data;

  g_free (sign_in->token);
  g_free (sign_in->why);
  g_free (sign_in);
}

static void
run_sign_in (GTask *task, gpointer hub, gpointer data, GCancellable *cancellable)
{
  SignIn *sign_in = data;
  GError *error = NULL;
  char *name = parley_account_sign_in (hub, sign_in->token, &sign_in->kept, &sign_in->why,
                                       cancellable, &error);

  if (name == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, name, g_free);
}

/* `widget`: the row, whose Account lives as long as it. */
static void
signed_in (GObject *hub, GAsyncResult *result, gpointer widget)
{
  g_autoptr (GtkWidget) row = widget;
  Account *account = g_object_get_data (G_OBJECT (row), "parley-account");
  SignIn *sign_in = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_task_propagate_pointer (G_TASK (result), &error);

  gtk_widget_set_sensitive (account->token, TRUE);
  show_state (account);
  if (name == NULL) {
    say (account, _ ("Not signed in"), error->message);
    return;
  }
  g_object_set_data (hub, NOT_KEPT, sign_in->kept ? NULL : hub);
  set_kept (account->services, parley_hub_get_endpoint (PARLEY_HUB (hub)), sign_in->kept);
  gtk_editable_set_text (GTK_EDITABLE (account->token), "");
  g_autofree char *title = g_strdup_printf (_ ("Signed in as %s"), name);
  g_autofree char *session =
      g_strdup_printf (_ ("Until Parley ends: %s. Set HF_TOKEN to stay signed in."), sign_in->why);
  say (account, title, sign_in->kept ? _ ("The token is kept in your keyring") : session);
}

static void
sign_in (Account *account)
{
  SignIn *sign_in = g_new0 (SignIn, 1);
  g_autoptr (GTask) task =
      g_task_new (account->services->hub, NULL, signed_in, g_object_ref (account->state));

  sign_in->token = g_strdup (gtk_editable_get_text (GTK_EDITABLE (account->token)));
  g_task_set_task_data (task, sign_in, sign_in_free);
  gtk_widget_set_sensitive (account->token, FALSE);
  say (account, _ ("Asking the hub"), "");
  g_task_run_in_thread (task, run_sign_in);
}

static void
run_sign_out (GTask *task, gpointer hub, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (parley_account_sign_out (hub, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
signed_out (GObject *hub, GAsyncResult *result, gpointer widget)
{
  g_autoptr (GtkWidget) row = widget;
  Account *account = g_object_get_data (G_OBJECT (row), "parley-account");
  gboolean was_kept = GPOINTER_TO_INT (g_task_get_task_data (G_TASK (result)));
  g_autoptr (GError) error = NULL;
  gboolean good = g_task_propagate_boolean (G_TASK (result), &error);

  show_state (account);
  set_kept (account->services, parley_hub_get_endpoint (PARLEY_HUB (hub)), !good && was_kept);
  if (good || !was_kept)
    return;
  g_autofree char *words =
      g_strdup_printf (_ ("The token may still be in your keyring: %s"), error->message);
  say (account, _ ("Not signed in"), words);
}

static void
sign_out (Account *account)
{
  g_autoptr (GTask) task =
      g_task_new (account->services->hub, NULL, signed_out, g_object_ref (account->state));

  g_task_set_task_data (task, GINT_TO_POINTER (may_be_kept (account->services)), NULL);
  g_task_run_in_thread (task, run_sign_out);
}

static GtkWidget *
account_group (ParleyServices *services)
{
  GtkWidget *group = adw_preferences_group_new ();
  Account *account = g_new0 (Account, 1);

  account->services = services;
  account->state = adw_action_row_new ();
  parley_row_set_plain (account->state);
  g_object_set_data_full (G_OBJECT (account->state), "parley-account", account, g_free);
  account->out = parley_text_button (_ ("Sign Out"), NULL);
  gtk_widget_set_valign (account->out, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (account->out, "clicked", G_CALLBACK (sign_out), account);
  adw_action_row_add_suffix (ADW_ACTION_ROW (account->state), account->out);
  account->token = adw_password_entry_row_new ();
  parley_row_set_plain (account->token);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (account->token), _ ("Access token"));
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (account->token), TRUE);
  g_signal_connect_swapped (account->token, "apply", G_CALLBACK (sign_in), account);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _ ("Account on the Hub"));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), account->state);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), account->token);
  show_state (account);
  GTask *loading = g_object_get_data (G_OBJECT (services->hub), LOADING);
  if (loading != NULL)
    g_signal_connect_object (loading, "notify::completed", G_CALLBACK (keyring_answered),
                             account->state, G_CONNECT_SWAPPED);
  return group;
}

/* ---- the connection ---- */

static void
switched (GtkSwitch *control, GParamSpec *pspec, ParleyServices *services)
{
  parley_store_set_setting (services->store, g_object_get_data (G_OBJECT (control), "parley-key"),
                            gtk_switch_get_active (control) ? "1" : NULL);
  parley_network_apply (services);
}

static GtkWidget *
switch_row (ParleyServices *services, const char *key, const char *title, const char *subtitle)
{
  GtkWidget *control = gtk_switch_new ();

  gtk_switch_set_active (GTK_SWITCH (control), is_on (services, key));
  g_object_set_data (G_OBJECT (control), "parley-key", (gpointer) key);
  g_signal_connect (control, "notify::active", G_CALLBACK (switched), services);
  return parley_setting_row (title, subtitle, control);
}

static void
at_once_chosen (GtkDropDown *menu, GParamSpec *pspec, ParleyServices *services)
{
  g_autofree char *value = g_strdup_printf ("%u", gtk_drop_down_get_selected (menu) + 1);

  parley_store_set_setting (services->store, SETTING_AT_ONCE, value);
  parley_network_apply (services);
}

static GtkWidget *
at_once_row (ParleyServices *services)
{
  static const char *const numbers[] = { "1", "2", "3", "4", NULL };
  GtkWidget *menu = gtk_drop_down_new_from_strings (numbers);

  gtk_drop_down_set_selected (GTK_DROP_DOWN (menu), at_once (services) - 1);
  g_signal_connect (menu, "notify::selected", G_CALLBACK (at_once_chosen), services);
  return parley_setting_row (_ ("Downloads at a time"), _ ("The others wait for their turn"), menu);
}

static void
endpoint_applied (AdwEntryRow *row, ParleyServices *services)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address =
      parley_account_check_endpoint (gtk_editable_get_text (GTK_EDITABLE (row)), &error);

  if (address == NULL) {
    gtk_widget_add_css_class (GTK_WIDGET (row), "error");
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), error->message);
    return;
  }
  gtk_widget_remove_css_class (GTK_WIDGET (row), "error");
  parley_store_set_setting (services->store, PARLEY_SETTING_ENDPOINT,
                            *address != '\0' ? address : NULL);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row),
                                 _ ("Address of the hub, used when Parley starts again"));
}

static GtkWidget *
endpoint_row (ParleyServices *services)
{
  GtkWidget *row = adw_entry_row_new ();
  g_autofree char *address = parley_store_get_setting (services->store, PARLEY_SETTING_ENDPOINT);
  gboolean fixed = parley_account_is_endpoint_fixed ();

  parley_row_set_plain (row);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row),
                                 fixed ? _ ("Address of the hub, set by the environment")
                                       : _ ("Address of the hub, empty for the usual one"));
  gtk_editable_set_text (GTK_EDITABLE (row), fixed ? parley_hub_get_endpoint (services->hub)
                                             : address != NULL ? address
                                                               : "");
  gtk_widget_set_sensitive (row, !fixed);
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (row), TRUE);
  g_signal_connect (row, "apply", G_CALLBACK (endpoint_applied), services);
  return row;
}

void
parley_network_add_preferences (AdwPreferencesPage *page, ParleyServices *services)
{
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());

  adw_preferences_group_set_title (group, _ ("Connection"));
  adw_preferences_group_add (
      group, switch_row (services, PARLEY_SETTING_OFFLINE, _ ("Offline"),
                         _ ("Parley asks nobody; models on this computer run as always")));
  adw_preferences_group_add (
      group, switch_row (services, SETTING_METERED, _ ("Metered connections"),
                         _ ("Downloads go on over connections that are paid by the byte")));
  adw_preferences_group_add (group, at_once_row (services));
  adw_preferences_group_add (group, endpoint_row (services));
  adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (account_group (services)));
  adw_preferences_page_add (page, group);
}
