/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-load-settings.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"
#include "app/widgets/parley-wrap-layout.h"

#include <glib/gi18n.h>

static const guint contexts[] = { 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144 };
static const guint batches[] = { 32, 64, 128, 256, 512, 1024, 2048, 4096 };
static const struct {
  const char *value, *label;
  enum pe_type type;
} precisions[] = {
  { "f16", N_ ("16 bits"), PE_TYPE_F16 },
  { "q8_0", N_ ("8 bits"), PE_TYPE_Q8_0 },
  { "q4_0", N_ ("4 bits"), PE_TYPE_Q4_0 },
};

struct _ParleyLoadSettings {
  GtkBox parent;
  ParleyServices *services;
  ParleyModel *model;            /* the one that is set, or NULL */
  ParleyEngine *engine;          /* what it is loaded by, or NULL */
  GArray *contexts, *batches;    /* of guint: what the menus offer */
  struct pe_plan_request loaded; /* how the loaded model is */
  GtkWidget *context, *limits, *kv, *threads, *batch, *experts, *experts_line;
  GtkWidget *load, *reload, *unload, *defaults;
  guint showing : 1; /* widgets follow the model, not the person */
};

G_DEFINE_FINAL_TYPE (ParleyLoadSettings, parley_load_settings, GTK_TYPE_BOX)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static const char *const keys[] = { "context", "kv", "threads", "batch", "cpu-experts" };

/* ---- from the model to the widgets ---- */

/* Usual numbers of tokens up to a number, and the present one: it is never shown as another. */
static void
offer_tokens (GtkWidget *menu, GArray *offered, const guint *usual, guint n, guint present,
              guint most)
{
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);
  guint selected = 0;

  g_array_set_size (offered, 0);
  for (guint i = 0; i <= n; i++) {
    guint last = offered->len > 0 ? g_array_index (offered, guint, offered->len - 1) : 0;
    guint next = i < n ? usual[i] : G_MAXUINT;
    if (present > last && present < next)
      g_array_append_val (offered, present);
    if (next != G_MAXUINT && (next <= most || most == 0 || next == present))
      g_array_append_val (offered, next);
  }
  for (guint i = 0; i < offered->len; i++) {
    g_autofree char *label = parley_format_tokens (g_array_index (offered, guint, i));
    gtk_string_list_append (labels, label);
    if (g_array_index (offered, guint, i) == present)
      selected = i;
  }
  gtk_drop_down_set_model (GTK_DROP_DOWN (menu), G_LIST_MODEL (labels));
  gtk_drop_down_set_selected (GTK_DROP_DOWN (menu), selected);
}

static guint
offered_at (GtkWidget *menu, const GArray *offered, guint otherwise)
{
  guint selected = gtk_drop_down_get_selected (GTK_DROP_DOWN (menu));

  return selected < offered->len ? g_array_index (offered, guint, selected) : otherwise;
}

static guint
index_of_precision (enum pe_type type)
{
  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++)
    if (precisions[i].type == type)
      return i;
  return 0;
}

static gboolean
has_own (ParleyLoadSettings *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (parley_engines_has_setting (self->services->engines, self->model, keys[i]))
      return TRUE;
  return FALSE;
}

void
parley_load_settings_show (ParleyLoadSettings *self, const struct pe_plan_request *plan,
                           guint n_expert_layers)
{
  GtkWidget *const controls[] = { self->context, self->kv, self->threads, self->batch,
                                  self->experts };

  for (gsize i = 0; i < G_N_ELEMENTS (controls); i++)
    gtk_widget_set_sensitive (controls[i], plan != NULL);
  gtk_widget_set_visible (self->unload, self->engine != NULL);
  gtk_widget_set_visible (self->load, self->model != NULL && self->engine == NULL);
  gtk_widget_set_visible (self->defaults, plan != NULL && has_own (self));
  gtk_widget_set_visible (self->experts_line, n_expert_layers > 0);
  if (plan == NULL || parley_load_settings_has_changes (self))
    return;
  self->showing = TRUE;
  self->loaded = *plan;
  offer_tokens (self->context, self->contexts, contexts, G_N_ELEMENTS (contexts), plan->n_ctx,
                parley_model_get_context_length (self->model));
  offer_tokens (self->batch, self->batches, batches, G_N_ELEMENTS (batches), plan->n_batch, 0);
  gtk_drop_down_set_selected (GTK_DROP_DOWN (self->kv), index_of_precision (plan->k_type));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->threads), plan->n_threads);
  gtk_spin_button_set_range (GTK_SPIN_BUTTON (self->experts), 0, n_expert_layers);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->experts), plan->n_cpu_experts);
  self->showing = FALSE;
}

void
parley_load_settings_set_model (ParleyLoadSettings *self, ParleyModel *model, ParleyEngine *engine)
{
  gboolean another = g_set_object (&self->model, model);

  if (g_set_object (&self->engine, engine) || another)
    gtk_widget_set_visible (self->reload, FALSE);
}

gboolean
parley_load_settings_has_changes (ParleyLoadSettings *self)
{
  return gtk_widget_get_visible (self->reload);
}

static void
put_into (ParleyLoadSettings *self, struct pe_plan_request *request)
{
  request->n_ctx = offered_at (self->context, self->contexts, request->n_ctx);
  request->n_batch = offered_at (self->batch, self->batches, request->n_batch);
  request->k_type = request->v_type =
      precisions[gtk_drop_down_get_selected (GTK_DROP_DOWN (self->kv))].type;
  request->n_threads = (guint) gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->threads));
  request->n_cpu_experts =
      (guint) gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->experts));
}

void
parley_load_settings_apply (ParleyLoadSettings *self, struct pe_plan_request *request)
{
  if (parley_load_settings_has_changes (self))
    put_into (self, request);
}

/* Set back to what it is, nothing has to be loaded again. */
static gboolean
differs (ParleyLoadSettings *self)
{
  struct pe_plan_request wanted = self->loaded;

  put_into (self, &wanted);
  return wanted.n_ctx != self->loaded.n_ctx || wanted.n_batch != self->loaded.n_batch ||
         wanted.k_type != self->loaded.k_type || wanted.n_threads != self->loaded.n_threads ||
         wanted.n_cpu_experts != self->loaded.n_cpu_experts;
}

void
parley_load_settings_set_limits (ParleyLoadSettings *self, const char *text)
{
  gtk_label_set_text (GTK_LABEL (self->limits), text);
  gtk_widget_set_visible (self->limits, *text != '\0');
}

/* ---- from the widgets to the settings ---- */

static void
set (ParleyLoadSettings *self, const char *key, const char *value)
{
  parley_engines_set (self->services->engines, self->model, key, value);
  gtk_widget_set_visible (self->reload, self->engine != NULL && differs (self));
  gtk_widget_set_visible (self->defaults, TRUE);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
set_number (ParleyLoadSettings *self, const char *key, guint number)
{
  g_autofree char *text = g_strdup_printf ("%u", number);

  set (self, key, text);
}

static void
changed (GtkWidget *control, GParamSpec *pspec, ParleyLoadSettings *self)
{
  gboolean is_menu = GTK_IS_DROP_DOWN (control);
  guint value = is_menu ? gtk_drop_down_get_selected (GTK_DROP_DOWN (control))
                        : (guint) gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (control));

  if (self->showing || self->model == NULL || (is_menu && value == GTK_INVALID_LIST_POSITION))
    return;
  if (control == self->context && value < self->contexts->len)
    set_number (self, "context", g_array_index (self->contexts, guint, value));
  else if (control == self->batch && value < self->batches->len)
    set_number (self, "batch", g_array_index (self->batches, guint, value));
  else if (control == self->threads)
    set_number (self, "threads", value);
  else if (control == self->experts)
    set_number (self, "cpu-experts", value);
  else if (control == self->kv)
    set (self, "kv", precisions[value].value);
}

static void
reload (ParleyLoadSettings *self)
{
  gtk_widget_set_visible (self->reload, FALSE);
  parley_engines_reload (self->services->engines, self->engine);
}

static void
unload (ParleyLoadSettings *self)
{
  parley_engines_unload (self->services->engines, self->engine);
}

static void
use_defaults (ParleyLoadSettings *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    parley_engines_set (self->services->engines, self->model, keys[i], NULL);
  if (self->engine != NULL)
    reload (self);
  else
    g_signal_emit (self, signals[CHANGED], 0);
}

/* ---- making ---- */

static void
dispose (GObject *object)
{
  g_clear_object (&PARLEY_LOAD_SETTINGS (object)->model);
  g_clear_object (&PARLEY_LOAD_SETTINGS (object)->engine);
  g_clear_pointer (&PARLEY_LOAD_SETTINGS (object)->contexts, g_array_unref);
  g_clear_pointer (&PARLEY_LOAD_SETTINGS (object)->batches, g_array_unref);
  G_OBJECT_CLASS (parley_load_settings_parent_class)->dispose (object);
}

static void
parley_load_settings_class_init (ParleyLoadSettingsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  signals[CHANGED] = g_signal_new ("changed", PARLEY_TYPE_LOAD_SETTINGS, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static GtkWidget *
setting_line (const char *label, GtkWidget *control)
{
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *name = parley_label (label, NULL);

  gtk_widget_set_hexpand (name, TRUE);
  parley_set_accessible_name (control, label);
  gtk_box_append (GTK_BOX (line), name);
  gtk_box_append (GTK_BOX (line), control);
  return line;
}

static GtkWidget *
choice (ParleyLoadSettings *self, char **labels)
{
  GtkWidget *menu = gtk_drop_down_new_from_strings ((const char *const *) labels);

  g_strfreev (labels);
  g_signal_connect (menu, "notify::selected", G_CALLBACK (changed), self);
  return menu;
}

static char **
precision_labels (void)
{
  char **labels = g_new0 (char *, G_N_ELEMENTS (precisions) + 1);

  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++)
    labels[i] = g_strdup (_ (precisions[i].label));
  return labels;
}

static GtkWidget *
build_more (ParleyLoadSettings *self)
{
  GtkWidget *more = gtk_expander_new (_ ("All settings"));
  parley_set_accessible_name (more, _ ("All settings"));
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 8, NULL);

  self->kv = choice (self, precision_labels ());
  self->batch = choice (self, g_new0 (char *, 1));
  self->threads = gtk_spin_button_new_with_range (1, g_get_num_processors (), 1);
  g_signal_connect (self->threads, "notify::value", G_CALLBACK (changed), self);
  self->experts = gtk_spin_button_new_with_range (0, 1, 1);
  g_signal_connect (self->experts, "notify::value", G_CALLBACK (changed), self);
  self->experts_line = setting_line (_ ("Layers with experts in RAM"), self->experts);
  gtk_widget_set_margin_top (box, 8);
  gtk_box_append (GTK_BOX (box), setting_line (_ ("Precision of the context"), self->kv));
  gtk_box_append (GTK_BOX (box), setting_line (_ ("Processor threads"), self->threads));
  gtk_box_append (GTK_BOX (box), setting_line (_ ("Read at a time"), self->batch));
  gtk_box_append (GTK_BOX (box), self->experts_line);
  gtk_expander_set_child (GTK_EXPANDER (more), box);
  return more;
}

static void
parley_load_settings_init (ParleyLoadSettings *self)
{
  GtkWidget *buttons = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 8);
  self->contexts = g_array_new (FALSE, FALSE, sizeof (guint));
  self->batches = g_array_new (FALSE, FALSE, sizeof (guint));
  self->context = choice (self, g_new0 (char *, 1));
  self->limits = parley_label ("", "caption dim-label");
  gtk_widget_set_visible (self->limits, FALSE);
  self->load = parley_text_button (_ ("Load"), "win.load-model");
  self->reload = parley_text_button (_ ("Load Again"), NULL);
  self->unload = parley_text_button (_ ("Unload"), NULL);
  self->defaults = parley_text_button (_ ("Defaults"), NULL);
  gtk_widget_add_css_class (self->load, "suggested-action");
  gtk_widget_add_css_class (self->reload, "suggested-action");
  gtk_widget_set_visible (self->reload, FALSE);
  g_signal_connect_swapped (self->reload, "clicked", G_CALLBACK (reload), self);
  g_signal_connect_swapped (self->unload, "clicked", G_CALLBACK (unload), self);
  g_signal_connect_swapped (self->defaults, "clicked", G_CALLBACK (use_defaults), self);
  /* In a narrow window, or with large letters, they stand below each other. */
  gtk_widget_set_layout_manager (buttons, parley_wrap_layout_new (8, 8));
  gtk_box_append (GTK_BOX (buttons), self->unload);
  gtk_box_append (GTK_BOX (buttons), self->defaults);
  gtk_box_append (GTK_BOX (buttons), self->load);
  gtk_box_append (GTK_BOX (buttons), self->reload);
  gtk_box_append (GTK_BOX (self), setting_line (_ ("Context"), self->context));
  gtk_box_append (GTK_BOX (self), self->limits);
  gtk_box_append (GTK_BOX (self), build_more (self));
  gtk_box_append (GTK_BOX (self), buttons);
}

GtkWidget *
parley_load_settings_new (ParleyServices *services)
{
  ParleyLoadSettings *self = g_object_new (PARLEY_TYPE_LOAD_SETTINGS, NULL);

  self->services = services;
  parley_load_settings_show (self, NULL, 0);
  return GTK_WIDGET (self);
}
