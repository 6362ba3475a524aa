/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-welcome.h"

#include "app/text/parley-format.h"
#include "app/models/parley-model-row.h"
#include "app/models/parley-starters.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "parley-config.h"

#include <glib/gi18n.h>

struct _ParleyWelcome {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *stack, *device, *memory, *found, *rows, *starters, *guide;
};

G_DEFINE_FINAL_TYPE (ParleyWelcome, parley_welcome, GTK_TYPE_BOX)

/* Of the models that are here, downloaded or left by other programs. */
#define MOST_FOUND 3

static void
show_found (ParleyWelcome *self)
{
  GListModel *models = G_LIST_MODEL (self->services->library);
  guint n = 0;

  parley_box_clear (self->rows);
  for (guint i = 0; i < g_list_model_get_n_items (models) && n < MOST_FOUND; i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (models, i);
    if (parley_model_get_state (model) != PARLEY_MODEL_READY ||
        model == parley_library_get_builtin (self->services->library))
      continue;
    GtkWidget *list = n++ == 0 ? parley_boxed_list () : gtk_widget_get_last_child (self->rows);
    if (n == 1)
      gtk_box_append (GTK_BOX (self->rows), list);
    gtk_list_box_append (GTK_LIST_BOX (list), parley_model_row_new (self->services, model));
  }
  gtk_widget_set_visible (self->found, n > 0);
  gtk_widget_set_visible (self->starters, n == 0);
  gtk_widget_set_visible (self->guide,
                          n == 0 && parley_library_get_builtin (self->services->library) != NULL);
}

/* Without jargon: what there is, and how large a model that carries. */
static void
show (ParleyWelcome *self)
{
  ParleyHardware *hardware = self->services->hardware;
  gboolean talked = g_list_model_get_n_items (G_LIST_MODEL (self->services->chats)) > 0;
  gboolean any = parley_library_get_n_own (self->services->library) > 0;
  gboolean loading = parley_library_is_loading (self->services->library);
  const struct pe_device_info *gpu = parley_hardware_get_gpu (hardware);
  gsize n;
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);
  g_autofree char *ram = parley_format_size (devices[0].memory_total);
  g_autofree char *memory = NULL;

  gtk_stack_set_visible_child_name (GTK_STACK (self->stack),
                                    loading || (any && talked) ? "ready" : "first");
  if (!(loading || (any && talked)))
    show_found (self);
  if (gpu != NULL && gpu->kind == PE_DEVICE_DISCRETE) {
    g_autofree char *own = parley_format_size (gpu->memory_total);
    memory = g_strdup_printf (_ ("%s of graphics memory, %s of main memory"), own, ram);
  } else
    memory = g_strdup_printf (_ ("%s of memory"), ram);
  gtk_label_set_text (GTK_LABEL (self->device), parley_hardware_get_why (hardware));
  gtk_label_set_text (GTK_LABEL (self->memory), memory);
}

static void
try_guide (ParleyWelcome *self)
{
  GtkRoot *window = gtk_widget_get_root (GTK_WIDGET (self));

  parley_window_new_chat (PARLEY_WINDOW (window),
                          parley_library_get_builtin (self->services->library));
}

static GtkWidget *
build_guide (ParleyWelcome *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);
  GtkWidget *button = parley_pill_button (_ ("Try Parley Guide"), NULL, FALSE);
  GtkWidget *text =
      parley_label (_ ("A tiny demonstration that comes with Parley. It answers simple "
                       "questions about it at once, without a download."),
                    "caption dim-label");

  gtk_label_set_justify (GTK_LABEL (text), GTK_JUSTIFY_CENTER);
  gtk_label_set_xalign (GTK_LABEL (text), 0.5f);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (try_guide), self);
  gtk_box_append (GTK_BOX (box), button);
  gtk_box_append (GTK_BOX (box), text);
  return box;
}

static GtkWidget *
fact_line (const char *icon, GtkWidget **label)
{
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 14, NULL);

  gtk_box_append (GTK_BOX (line), parley_icon (icon));
  *label = parley_label ("", NULL);
  gtk_widget_set_hexpand (*label, TRUE);
  gtk_box_append (GTK_BOX (line), *label);
  return line;
}

static GtkWidget *
build_first (ParleyWelcome *self)
{
  GtkWidget *facts = parley_box (GTK_ORIENTATION_VERTICAL, 12, "card card-pad");
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 24, NULL);
  GtkWidget *private, *clamp = adw_clamp_new ();

  gtk_box_append (GTK_BOX (facts), fact_line ("parley-chip-symbolic", &self->device));
  gtk_box_append (GTK_BOX (facts), fact_line ("parley-ram-symbolic", &self->memory));
  gtk_box_append (GTK_BOX (facts), fact_line ("changes-prevent-symbolic", &private));
  gtk_label_set_text (GTK_LABEL (private),
                      _ ("What you write stays here. A connection is needed only to find and "
                         "download models."));
  gtk_box_append (GTK_BOX (box), facts);
  self->found = parley_box (GTK_ORIENTATION_VERTICAL, 8, NULL);
  gtk_box_append (GTK_BOX (self->found),
                  parley_heading (_ ("Ready on This Computer"), "section-title", 2));
  self->rows = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  gtk_box_append (GTK_BOX (self->found), self->rows);
  gtk_box_append (GTK_BOX (box), self->found);
  self->starters = parley_starters_new (self->services);
  gtk_box_append (GTK_BOX (box), self->starters);
  gtk_box_append (GTK_BOX (box),
                  parley_pill_button (_ ("Find Another Model"), "win.show-discover", FALSE));
  self->guide = build_guide (self);
  gtk_box_append (GTK_BOX (box), self->guide);
  adw_clamp_set_maximum_size (ADW_CLAMP (clamp), 440);
  adw_clamp_set_child (ADW_CLAMP (clamp), box);
  GtkWidget *page = parley_status_page (PARLEY_APP_ID, _ ("Welcome to Parley"),
                                        _ ("Talk to language models on your own computer."), clamp);
  gtk_widget_add_css_class (page, "compact");
  return page;
}

static void
parley_welcome_class_init (ParleyWelcomeClass *klass)
{
}

static void
parley_welcome_init (ParleyWelcome *self)
{
}

GtkWidget *
parley_welcome_new (ParleyServices *services)
{
  ParleyWelcome *self = g_object_new (PARLEY_TYPE_WELCOME, NULL);

  self->services = services;
  self->stack = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (self->stack),
                       parley_status_page ("parley-chats-symbolic", _ ("What Is on Your Mind?"),
                                           _ ("Everything you write stays on this computer."),
                                           NULL),
                       "ready");
  gtk_stack_add_named (GTK_STACK (self->stack), build_first (self), "first");
  gtk_widget_set_hexpand (self->stack, TRUE);
  gtk_box_append (GTK_BOX (self), self->stack);
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->chats, "items-changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->library, "notify::loading", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
