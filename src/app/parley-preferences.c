/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-preferences.h"

#include "app/compat.h"
#include "app/parley-dialog.h"
#include "app/parley-widgets.h"

#include <glib/gi18n.h>

#define KEY "parley-key"

/* A choice among fixed values, kept in the store as one of `values`. */
typedef struct {
  const char *key, *title, *subtitle;
  const char *labels[6], *values[6];
} Choice;

static const Choice appearance[] = {
  { "colour-scheme",
    N_ ("Colours"),
    NULL,
    { N_ ("As the system"), N_ ("Light"), N_ ("Dark") },
    { "system", "light", "dark" } },
};

static const Choice loading[] = {
  { "load/context",
    N_ ("Context"),
    N_ ("How much of a conversation a model keeps in mind"),
    { N_ ("4,096 tokens"), N_ ("8,192 tokens"), N_ ("16,384 tokens"), N_ ("32,768 tokens"),
      N_ ("65,536 tokens") },
    { "4096", "8192", "16384", "32768", "65536" } },
  { "load/kv",
    N_ ("Precision of the context"),
    N_ ("8 bits take half the memory, at a hardly noticeable cost"),
    { N_ ("16 bits"), N_ ("8 bits") },
    { "f16", "q8_0" } },
};

static void
chosen (GtkDropDown *menu, GParamSpec *pspec, ParleyServices *services)
{
  const Choice *choice = g_object_get_data (G_OBJECT (menu), KEY);
  guint index = gtk_drop_down_get_selected (menu);

  if (index >= G_N_ELEMENTS (choice->values) || choice->values[index] == NULL)
    return;
  parley_store_set_setting (services->store, choice->key, choice->values[index]);
  if (g_str_equal (choice->key, "colour-scheme"))
    adw_style_manager_set_color_scheme (adw_style_manager_get_default (),
                                        index == 1   ? ADW_COLOR_SCHEME_FORCE_LIGHT
                                        : index == 2 ? ADW_COLOR_SCHEME_FORCE_DARK
                                                     : ADW_COLOR_SCHEME_DEFAULT);
}

static GtkWidget *
choice_row (const Choice *choice, ParleyServices *services)
{
  GtkWidget *row = adw_action_row_new ();
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);
  g_autofree char *value = parley_store_get_setting (services->store, choice->key);
  guint selected = g_str_has_prefix (choice->key, "load/context") ? 1 : 0;

  for (guint i = 0; i < G_N_ELEMENTS (choice->labels) && choice->labels[i] != NULL; i++) {
    gtk_string_list_append (labels, _ (choice->labels[i]));
    if (g_strcmp0 (value, choice->values[i]) == 0)
      selected = i;
  }
  GtkWidget *menu = gtk_drop_down_new (G_LIST_MODEL (g_steal_pointer (&labels)), NULL);
  gtk_drop_down_set_selected (GTK_DROP_DOWN (menu), selected);
  gtk_widget_set_valign (menu, GTK_ALIGN_CENTER);
  g_object_set_data (G_OBJECT (menu), KEY, (gpointer) choice);
  g_signal_connect (menu, "notify::selected", G_CALLBACK (chosen), services);
  parley_row_set_plain (row);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (choice->title));
  if (choice->subtitle != NULL)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), _ (choice->subtitle));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), menu);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), menu);
  return row;
}

static GtkWidget *
group (const char *title, const Choice *choices, gsize n, ParleyServices *services)
{
  GtkWidget *result = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (result), title);
  for (gsize i = 0; i < n; i++)
    adw_preferences_group_add (ADW_PREFERENCES_GROUP (result), choice_row (&choices[i], services));
  return result;
}

static GtkWidget *
folders_group (void)
{
  GtkWidget *result = adw_preferences_group_new ();
  const struct {
    const char *title, *path;
  } folders[] = { { _ ("Chats and settings"), parley_data_dir () },
                  { _ ("Models"), parley_models_dir () } };

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (result), _ ("Where Things Are"));
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++) {
    GtkWidget *row = adw_action_row_new ();
    g_autofree char *shown = g_filename_display_name (folders[i].path);
    parley_row_set_plain (row);
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), folders[i].title);
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), shown);
    adw_preferences_group_add (ADW_PREFERENCES_GROUP (result), row);
  }
  return result;
}

void
parley_preferences_present (GtkWindow *parent, ParleyServices *services)
{
  GtkWidget *page = adw_preferences_page_new ();

  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page),
                            ADW_PREFERENCES_GROUP (group (_ ("Appearance"), appearance,
                                                          G_N_ELEMENTS (appearance), services)));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page),
                            ADW_PREFERENCES_GROUP (group (_ ("Loading Models"), loading,
                                                          G_N_ELEMENTS (loading), services)));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (folders_group ()));
  gtk_window_present (parley_dialog_new (parent, _ ("Preferences"), page, 600, 560));
}
