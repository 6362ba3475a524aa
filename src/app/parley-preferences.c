/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-preferences.h"

#include "app/compat.h"
#include "app/widgets/parley-dialog.h"
#include "app/parley-network.h"
#include "app/widgets/parley-widgets.h"

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
    N_ ("How much of a conversation a model keeps in mind; for models loaded from now on"),
    { N_ ("4,096 tokens"), N_ ("8,192 tokens"), N_ ("16,384 tokens"), N_ ("32,768 tokens"),
      N_ ("65,536 tokens") },
    { "4096", "8192", "16384", "32768", "65536" } },
  { "load/kv",
    N_ ("Precision of the context"),
    N_ ("8 bits take half the memory, at a hardly noticeable cost; for models loaded from now on"),
    { N_ ("16 bits"), N_ ("8 bits") },
    { "f16", "q8_0" } },
};

static const Choice idle[] = {
  { "load/idle-minutes",
    N_ ("Unload when idle"),
    N_ ("Gives memory back when nobody has talked to a model for a while"),
    { N_ ("Never"), N_ ("After 5 minutes"), N_ ("After 15 minutes"), N_ ("After an hour") },
    { "0", "5", "15", "60" } },
};

void
parley_preferences_apply_colours (ParleyServices *services)
{
  g_autofree char *scheme = parley_store_get_setting (services->store, "colour-scheme");

  adw_style_manager_set_color_scheme (
      adw_style_manager_get_default (),
      g_strcmp0 (scheme, "light") == 0  ? ADW_COLOR_SCHEME_FORCE_LIGHT
      : g_strcmp0 (scheme, "dark") == 0 ? ADW_COLOR_SCHEME_FORCE_DARK
                                        : ADW_COLOR_SCHEME_DEFAULT);
}

static void
chosen (GtkDropDown *menu, GParamSpec *pspec, ParleyServices *services)
{
  const Choice *choice = g_object_get_data (G_OBJECT (menu), KEY);
  guint index = gtk_drop_down_get_selected (menu);

  if (index >= G_N_ELEMENTS (choice->values) || choice->values[index] == NULL)
    return;
  parley_store_set_setting (services->store, choice->key, choice->values[index]);
  parley_preferences_apply_colours (services);
}

static GtkWidget *
choice_row (const Choice *choice, ParleyServices *services)
{
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
  g_object_set_data (G_OBJECT (menu), KEY, (gpointer) choice);
  g_signal_connect (menu, "notify::selected", G_CALLBACK (chosen), services);
  return parley_setting_row (_ (choice->title),
                             choice->subtitle != NULL ? _ (choice->subtitle) : NULL, menu);
}

static GtkWidget *
group (const char *title, const Choice *choices, gsize n, ParleyServices *services)
{
  GtkWidget *result = adw_preferences_group_new ();

  if (title != NULL)
    adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (result), title);
  for (gsize i = 0; i < n; i++)
    adw_preferences_group_add (ADW_PREFERENCES_GROUP (result), choice_row (&choices[i], services));
  return result;
}

/* ---- yes or no ---- */

typedef struct {
  const char *key, *title, *subtitle;
  gboolean usual;
} Switch;

static const Switch behaviour[] = {
  { "notify", N_ ("Notifications"),
    N_ ("When a long reply or a download is done and the window is not in use"), TRUE },
  { "background", N_ ("Finish in the background"),
    N_ ("Replies and downloads go on after the window was closed"), FALSE },
};

static void
switched (GtkSwitch *control, GParamSpec *pspec, ParleyServices *services)
{
  const Switch *entry = g_object_get_data (G_OBJECT (control), KEY);

  parley_store_set_setting (services->store, entry->key,
                            gtk_switch_get_active (control) ? "1" : "0");
}

static GtkWidget *
behaviour_group (ParleyServices *services)
{
  GtkWidget *result = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (result), _ ("When Nobody Looks"));
  for (gsize i = 0; i < G_N_ELEMENTS (behaviour); i++) {
    GtkWidget *control = gtk_switch_new ();
    g_autofree char *value = parley_store_get_setting (services->store, behaviour[i].key);
    gtk_switch_set_active (GTK_SWITCH (control),
                           value != NULL ? g_str_equal (value, "1") : behaviour[i].usual);
    g_object_set_data (G_OBJECT (control), KEY, (gpointer) &behaviour[i]);
    g_signal_connect (control, "notify::active", G_CALLBACK (switched), services);
    adw_preferences_group_add (
        ADW_PREFERENCES_GROUP (result),
        parley_setting_row (_ (behaviour[i].title), _ (behaviour[i].subtitle), control));
  }
  return result;
}

/* An action of the window that these preferences belong to. They close first: it may ask. */
static void
act (GtkButton *button, const char *action)
{
  GtkWindow *dialog = GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (button)));
  GtkWindow *window = gtk_window_get_transient_for (dialog);

  gtk_window_close (dialog);
  gtk_widget_activate_action (GTK_WIDGET (window), action, NULL);
}

static GtkWidget *
data_group (void)
{
  static const struct {
    const char *title, *subtitle, *verb, *action;
    gboolean destructive;
  } rows[] = {
    { N_ ("Back-up"), N_ ("All chats, attached files and settings in one file"), N_ ("Back Up…"),
      "win.back-up", FALSE },
    { N_ ("Import"), N_ ("Chats that were exported as data"), N_ ("Import…"), "win.import-chat",
      FALSE },
    { N_ ("Delete everything"), N_ ("All chats, attached files and settings; models stay"),
      N_ ("Delete…"), "win.delete-data", TRUE },
  };
  GtkWidget *result = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (result), _ ("Your Data"));
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    GtkWidget *button = parley_text_button (_ (rows[i].verb), NULL);
    if (rows[i].destructive)
      gtk_widget_add_css_class (button, "destructive-action");
    g_signal_connect (button, "clicked", G_CALLBACK (act), (gpointer) rows[i].action);
    adw_preferences_group_add (
        ADW_PREFERENCES_GROUP (result),
        parley_setting_row (_ (rows[i].title), _ (rows[i].subtitle), button));
  }
  return result;
}

static GtkWidget *
folders_group (ParleyServices *services)
{
  GtkWidget *result = adw_preferences_group_new ();
  GtkWidget *change = parley_text_button (_ ("Change…"), NULL);
  GtkWidget *move = parley_text_button (_ ("Change…"), NULL);
  g_autofree char *data = g_filename_display_name (parley_store_get_folder (services->store));
  g_autofree char *models = g_filename_display_name (parley_models_dir ());
  g_autofree char *chosen = parley_models_dir_dup_chosen ();
  g_autofree char *later = NULL;

  if (g_strcmp0 (chosen, parley_models_dir ()) != 0) {
    g_autofree char *shown = g_filename_display_name (chosen);
    /* Translators: two folders. */
    later = g_strdup_printf (g_file_test (chosen, G_FILE_TEST_IS_DIR)
                                 ? _ ("%s; from the next start on %s")
                                 : _ ("%s, because %s is not there"),
                             models, shown);
  }
  parley_name_widget (move, _ ("Choose another folder for chats"));
  g_signal_connect (move, "clicked", G_CALLBACK (act), (gpointer) "win.chats-folder");
  parley_name_widget (change, _ ("Choose another folder for models"));
  g_signal_connect (change, "clicked", G_CALLBACK (act), (gpointer) "win.models-folder");
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (result), _ ("Where Things Are"));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (result),
                             parley_setting_row (_ ("Chats and settings"), data, move));
  adw_preferences_group_add (
      ADW_PREFERENCES_GROUP (result),
      parley_setting_row (_ ("Models"), later != NULL ? later : models, change));
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
  adw_preferences_page_add (
      ADW_PREFERENCES_PAGE (page),
      ADW_PREFERENCES_GROUP (group (NULL, idle, G_N_ELEMENTS (idle), services)));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page),
                            ADW_PREFERENCES_GROUP (behaviour_group (services)));
  parley_network_add_preferences (ADW_PREFERENCES_PAGE (page), services);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (data_group ()));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page),
                            ADW_PREFERENCES_GROUP (folders_group (services)));
  gtk_window_present (parley_dialog_new (parent, _ ("Preferences"), page, 600, 560));
}
