/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-discover-filters.h"

#include "app/text/parley-format.h"
#include "app/models/parley-suggestions.h"
#include "app/widgets/parley-widgets.h"
#include "app/widgets/parley-wrap-layout.h"

#include <glib/gi18n.h>

#define BILLION G_GUINT64_CONSTANT (1000000000)

static const struct {
  const char *label;
  guint64 min, max; /* billions of parameters */
} sizes[] = {
  { N_ ("Any size"), 0, 0 },   { N_ ("Below 3B"), 0, 3 },     { N_ ("3B to 9B"), 3, 9 },
  { N_ ("9B to 20B"), 9, 20 }, { N_ ("20B to 50B"), 20, 50 }, { N_ ("50B and more"), 50, 0 },
};

static const char *const licenses[] = { "apache-2.0", "mit",          "llama3.1",
                                        "llama3.2",   "llama3.3",     "gemma",
                                        "cc-by-4.0",  "cc-by-nc-4.0", "other" };

static const struct {
  const char *code, *name;
} languages[] = {
  { "ar", N_ ("Arabic") },    { "zh", N_ ("Chinese") },    { "nl", N_ ("Dutch") },
  { "en", N_ ("English") },   { "fr", N_ ("French") },     { "de", N_ ("German") },
  { "hi", N_ ("Hindi") },     { "it", N_ ("Italian") },    { "ja", N_ ("Japanese") },
  { "ko", N_ ("Korean") },    { "pl", N_ ("Polish") },     { "pt", N_ ("Portuguese") },
  { "ru", N_ ("Russian") },   { "es", N_ ("Spanish") },    { "tr", N_ ("Turkish") },
  { "uk", N_ ("Ukrainian") }, { "vi", N_ ("Vietnamese") },
};

struct _ParleyDiscoverFilters {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *fits, *size, *family, *license, *language, *clear;
};

G_DEFINE_FINAL_TYPE (ParleyDiscoverFilters, parley_discover_filters, GTK_TYPE_BOX)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* 0: any; else one more than the index of what was chosen. */
static guint
chosen (GtkWidget *menu)
{
  return gtk_drop_down_get_selected (GTK_DROP_DOWN (menu));
}

void
parley_discover_filters_get (ParleyDiscoverFilters *self, ParleyHubFilter *filter)
{
  guint size = chosen (self->size), family = chosen (self->family);
  guint license = chosen (self->license), language = chosen (self->language);

  *filter = (ParleyHubFilter){ 0 };
  if (size > 0 && size < G_N_ELEMENTS (sizes)) {
    filter->min_parameters = sizes[size].min * BILLION;
    filter->max_parameters = sizes[size].max * BILLION;
  }
  if (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->fits))) {
    guint64 most =
        parley_memory_parameters (parley_memory_for_models (self->services->hardware)) + 1;
    if (filter->max_parameters == 0 || most < filter->max_parameters)
      filter->max_parameters = most;
  }
  if (family > 0 && family <= g_strv_length ((GStrv) parley_hub_families ()))
    filter->family = parley_hub_families ()[family - 1];
  if (license > 0 && license <= G_N_ELEMENTS (licenses))
    filter->license = licenses[license - 1];
  if (language > 0 && language <= G_N_ELEMENTS (languages))
    filter->language = languages[language - 1].code;
}

static void
changed (ParleyDiscoverFilters *self)
{
  ParleyHubFilter filter;

  parley_discover_filters_get (self, &filter);
  gtk_widget_set_visible (self->clear, !parley_hub_filter_is_empty (&filter));
  g_signal_emit (self, signals[CHANGED], 0);
}

void
parley_discover_filters_clear (ParleyDiscoverFilters *self)
{
  GtkWidget *menus[] = { self->size, self->family, self->license, self->language };

  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->fits), FALSE);
  for (gsize i = 0; i < G_N_ELEMENTS (menus); i++)
    gtk_drop_down_set_selected (GTK_DROP_DOWN (menus[i]), 0);
}

static void
parley_discover_filters_class_init (ParleyDiscoverFiltersClass *klass)
{
  signals[CHANGED] = g_signal_new ("changed", PARLEY_TYPE_DISCOVER_FILTERS, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
parley_discover_filters_init (ParleyDiscoverFilters *self)
{
  gtk_widget_set_layout_manager (GTK_WIDGET (self), parley_wrap_layout_new (8, 8));
}

static GtkWidget *
menu (ParleyDiscoverFilters *self, const char *name, GtkStringList *labels)
{
  GtkWidget *made = gtk_drop_down_new (G_LIST_MODEL (labels), NULL);

  parley_name_widget (made, name);
  g_signal_connect_swapped (made, "notify::selected", G_CALLBACK (changed), self);
  gtk_box_append (GTK_BOX (self), made);
  return made;
}

GtkWidget *
parley_discover_filters_new (ParleyServices *services)
{
  ParleyDiscoverFilters *self = g_object_new (PARLEY_TYPE_DISCOVER_FILTERS, NULL);
  GtkStringList *by_size = gtk_string_list_new (NULL), *by_family = gtk_string_list_new (NULL);
  GtkStringList *by_license = gtk_string_list_new (NULL), *by_language = gtk_string_list_new (NULL);

  self->services = services;
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    gtk_string_list_append (by_size, _ (sizes[i].label));
  gtk_string_list_append (by_family, _ ("Any family"));
  for (const char *const *family = parley_hub_families (); *family != NULL; family++)
    gtk_string_list_append (by_family, *family);
  gtk_string_list_append (by_license, _ ("Any licence"));
  for (gsize i = 0; i < G_N_ELEMENTS (licenses); i++)
    gtk_string_list_append (by_license, g_str_equal (licenses[i], "other")
                                            ? _ ("Another one")
                                            : parley_format_license (licenses[i]));
  gtk_string_list_append (by_language, _ ("Any language"));
  for (gsize i = 0; i < G_N_ELEMENTS (languages); i++)
    gtk_string_list_append (by_language, _ (languages[i].name));

  self->fits = gtk_toggle_button_new_with_label (_ ("Fits this computer"));
  gtk_widget_set_tooltip_text (
      self->fits, _ ("Only models that run here with 4 bits for a weight; those that do not say "
                     "how large they are stay hidden"));
  g_signal_connect_swapped (self->fits, "toggled", G_CALLBACK (changed), self);
  gtk_box_append (GTK_BOX (self), self->fits);
  self->size = menu (self, _ ("Size"), by_size);
  self->family = menu (self, _ ("Family"), by_family);
  self->license = menu (self, _ ("Licence"), by_license);
  self->language = menu (self, _ ("Language"), by_language);
  self->clear = parley_text_button (_ ("Clear Filters"), NULL);
  gtk_widget_add_css_class (self->clear, "flat");
  gtk_widget_set_visible (self->clear, FALSE);
  g_signal_connect_swapped (self->clear, "clicked", G_CALLBACK (parley_discover_filters_clear),
                            self);
  gtk_box_append (GTK_BOX (self), self->clear);
  return GTK_WIDGET (self);
}
