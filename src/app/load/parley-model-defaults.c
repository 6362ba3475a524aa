/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-model-defaults.h"

#include "app/widgets/parley-dialog.h"
#include "app/models/parley-forecast.h"
#include "app/text/parley-format.h"
#include "app/chats/parley-usual-presets.h"
#include "app/widgets/parley-widgets.h"
#include "library/record.h"

#include <glib/gi18n.h>

typedef struct {
  ParleyServices *services;
  ParleyModel *model;
  AdwPreferencesGroup *loading;
  GCancellable *looking; /* for experts */
} Defaults;

static void
defaults_free (gpointer data)
{
  Defaults *self = data;

  g_cancellable_cancel (self->looking);
  g_object_unref (self->looking);
  g_object_unref (self->model);
  g_free (self);
}

static char *
get (ParleyServices *services, ParleyModel *model, const char *key)
{
  g_autofree char *name = parley_model_setting (parley_model_get_id (model), key);

  return parley_store_get_setting (services->store, name);
}

static void
put (Defaults *self, const char *key, const char *value)
{
  parley_engines_set (self->services->engines, self->model, key,
                      value != NULL && *value != '\0' ? value : NULL);
}

/* What an empty chat got from the model that it was given to before. */
#define PROMPT_KEY "parley-default-prompt"
#define WORDS_KEY  "parley-default-words"

void
parley_model_defaults_apply (ParleyServices *services, ParleyModel *model, ParleyChat *chat)
{
  g_autofree char *prompt = get (services, model, "system-prompt");
  g_autofree char *words = get (services, model, "sampling");
  const char *own = parley_chat_get_system_prompt (chat);
  const char *given_prompt = g_object_get_data (G_OBJECT (chat), PROMPT_KEY);
  ParleySampling usual, given, wanted;

  if (g_list_model_get_n_items (G_LIST_MODEL (chat)) > 0)
    return;
  if (own == NULL || *own == '\0' || g_strcmp0 (own, given_prompt) == 0) {
    parley_chat_set_system_prompt (chat, prompt);
    g_object_set_data_full (G_OBJECT (chat), PROMPT_KEY, g_steal_pointer (&prompt), g_free);
  }
  parley_sampling_init (&usual);
  parley_sampling_from_json (&given, g_object_get_data (G_OBJECT (chat), WORDS_KEY));
  parley_sampling_from_json (&wanted, words);
  if (parley_sampling_equal (parley_chat_get_sampling (chat), &usual) ||
      parley_sampling_equal (parley_chat_get_sampling (chat), &given)) {
    parley_chat_set_sampling (chat, &wanted);
    g_object_set_data_full (G_OBJECT (chat), WORDS_KEY, g_steal_pointer (&words), g_free);
  }
}

/* ---- the dialog ---- */

/* A menu whose first line is the general setting, and whose values are texts; `values` has as many
 * as there are further lines. */
static void
value_chosen (GtkDropDown *menu, GParamSpec *pspec, Defaults *self)
{
  const char *key = g_object_get_data (G_OBJECT (menu), "parley-key");
  GStrv values = g_object_get_data (G_OBJECT (menu), "parley-values");
  guint selected = gtk_drop_down_get_selected (menu);

  put (self, key, selected > 0 && selected <= g_strv_length (values) ? values[selected - 1] : NULL);
}

static GtkWidget *
menu_row (Defaults *self, const char *key, const char *title, const char *subtitle,
          GtkStringList *labels, GStrv values)
{
  GtkWidget *menu = gtk_drop_down_new (G_LIST_MODEL (labels), NULL);
  g_autofree char *present = get (self->services, self->model, key);

  parley_drop_down_set_narrow (menu);
  for (guint i = 0; values[i] != NULL; i++)
    if (g_strcmp0 (values[i], present) == 0)
      gtk_drop_down_set_selected (GTK_DROP_DOWN (menu), i + 1);
  g_object_set_data (G_OBJECT (menu), "parley-key", (gpointer) key);
  g_object_set_data_full (G_OBJECT (menu), "parley-values", values, (GDestroyNotify) g_strfreev);
  g_signal_connect (menu, "notify::selected", G_CALLBACK (value_chosen), self);
  return parley_setting_row (title, subtitle, menu);
}

static GtkWidget *
context_row (Defaults *self)
{
  GtkStringList *labels = gtk_string_list_new (NULL);
  g_autoptr (GStrvBuilder) values = g_strv_builder_new ();
  guint most = parley_model_get_context_length (self->model);

  gtk_string_list_append (labels, _ ("As for all models"));
  for (guint n = 2048; n <= 262144 && (most == 0 || n <= most); n *= 2) {
    g_autofree char *label = parley_format_tokens (n);
    g_autofree char *value = g_strdup_printf ("%u", n);
    gtk_string_list_append (labels, label);
    g_strv_builder_add (values, value);
  }
  return menu_row (self, "context", _ ("Context"), NULL, labels, g_strv_builder_end (values));
}

static GtkWidget *
cache_row (Defaults *self)
{
  const char *const lines[] = { _ ("As for all models"), _ ("16 bits"), _ ("8 bits"), _ ("4 bits"),
                                NULL };
  const char *const values[] = { "f16", "q8_0", "q4_0", NULL };

  return menu_row (self, "kv", _ ("Precision of the context"), NULL, gtk_string_list_new (lines),
                   g_strdupv ((char **) values));
}

/* "Automatic", then from `least` on up to `most`. */
static GtkWidget *
layers_row (Defaults *self, const char *key, const char *title, guint least, guint most)
{
  GtkStringList *labels = gtk_string_list_new (NULL);
  g_autoptr (GStrvBuilder) values = g_strv_builder_new ();

  gtk_string_list_append (labels, _ ("Automatic"));
  for (guint i = least; i <= most; i++) {
    g_autofree char *label = g_strdup_printf (_ ("%u of %u"), i, most);
    g_autofree char *value = g_strdup_printf ("%u", i);
    gtk_string_list_append (labels, label);
    g_strv_builder_add (values, value);
  }
  return menu_row (self, key, title, NULL, labels, g_strv_builder_end (values));
}

/* Whether it has experts stands in the file. */
static void
looked (gpointer subject, const ParleyForecast *forecast, gpointer data)
{
  Defaults *self = data;

  if (forecast->fit != NULL && parley_fit_get_n_experts (forecast->fit) > 0)
    adw_preferences_group_add (self->loading,
                               layers_row (self, "cpu-experts", _ ("Layers with experts in RAM"), 1,
                                           MIN (parley_fit_get_n_layers (forecast->fit), 1000)));
}

static void
offer (GtkStringList *labels, GStrvBuilder *values, const char *name,
       const ParleySampling *sampling)
{
  g_autofree char *json = parley_sampling_to_json (sampling);

  gtk_string_list_append (labels, name);
  g_strv_builder_add (values, json);
}

static GtkWidget *
words_row (Defaults *self)
{
  GtkStringList *labels = gtk_string_list_new (NULL);
  g_autoptr (GStrvBuilder) values = g_strv_builder_new ();
  g_autoptr (GPtrArray) own = parley_presets_load (self->services->store);
  g_autofree char *present = get (self->services, self->model, "sampling");
  g_autoptr (GPtrArray) usual = parley_usual_presets_new (NULL);
  const GPtrArray *const presets[] = { usual, own };
  gboolean known = present == NULL;

  gtk_string_list_append (labels, _ ("As for all models"));
  for (gsize i = 0; i < G_N_ELEMENTS (presets); i++)
    for (guint k = 0; k < presets[i]->len; k++) {
      const ParleyPreset *preset = presets[i]->pdata[k];
      offer (labels, values, preset->name, &preset->sampling);
    }
  g_auto (GStrv) list = g_strv_builder_end (values);
  for (char **value = list; present != NULL && *value != NULL; value++)
    known |= g_str_equal (*value, present);
  if (!known) { /* set in the terminal, or by a preset that is gone */
    GStrv longer = g_new0 (char *, g_strv_length (list) + 2);
    for (guint i = 0; list[i] != NULL; i++)
      longer[i] = g_strdup (list[i]);
    longer[g_strv_length (list)] = g_strdup (present);
    g_strfreev (list);
    list = longer;
    gtk_string_list_append (labels, _ ("Own"));
  }
  return menu_row (self, "sampling", _ ("Choice of words"), _ ("For new chats with this model"),
                   labels, g_steal_pointer (&list));
}

static void
prompt_changed (GtkTextBuffer *buffer, Defaults *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  g_autofree char *text = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  put (self, "system-prompt", text);
}

static GtkWidget *
prompt_box (Defaults *self)
{
  GtkWidget *view = gtk_text_view_new ();
  GtkTextView *text = GTK_TEXT_VIEW (view);
  g_autofree char *present = get (self->services, self->model, "system-prompt");

  gtk_text_view_set_wrap_mode (text, GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (text, FALSE);
  parley_set_accessible_name (view, _ ("System prompt"));
  if (present != NULL)
    gtk_text_buffer_set_text (gtk_text_view_get_buffer (text), present, -1);
  g_signal_connect (gtk_text_view_get_buffer (text), "changed", G_CALLBACK (prompt_changed), self);
  return parley_text_card (view, 96);
}

void
parley_model_defaults_present (GtkWindow *parent, ParleyServices *services, ParleyModel *model)
{
  Defaults *self = g_new0 (Defaults, 1);
  AdwPreferencesPage *page = ADW_PREFERENCES_PAGE (adw_preferences_page_new ());
  AdwPreferencesGroup *loading = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  AdwPreferencesGroup *chats = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  AdwPreferencesGroup *prompt = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());

  self->services = services;
  self->model = g_object_ref (model);
  self->loading = loading;
  self->looking = g_cancellable_new ();
  adw_preferences_group_set_title (loading, _ ("When It Is Loaded"));
  adw_preferences_group_add (loading, context_row (self));
  adw_preferences_group_add (loading, cache_row (self));
  adw_preferences_group_add (loading,
                             layers_row (self, "gpu-layers", _ ("Layers on the GPU"), 0,
                                         MIN (parley_model_get_n_layers (model), 1000) + 1));
  adw_preferences_group_add (chats, words_row (self));
  adw_preferences_group_set_title (prompt, _ ("System Prompt"));
  adw_preferences_group_set_description (
      prompt, _ ("New chats with this model begin with it; each can have its own"));
  adw_preferences_group_add (prompt, prompt_box (self));
  adw_preferences_page_add (page, loading);
  adw_preferences_page_add (page, chats);
  adw_preferences_page_add (page, prompt);
  GtkWindow *dialog =
      parley_dialog_new (parent, parley_model_get_name (model), GTK_WIDGET (page), 540, 600);
  g_object_set_data_full (G_OBJECT (dialog), "parley-defaults", self, defaults_free);
  gtk_window_present (dialog);
  parley_forecast_model (services, model, NULL, NULL, self->looking, looked, self, NULL);
}
