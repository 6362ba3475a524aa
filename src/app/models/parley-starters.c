/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-starters.h"

#include "app/load/parley-default-model.h"
#include "app/text/parley-format.h"
#include "app/models/parley-suggestions.h"
#include "app/models/parley-transfer-box.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

/* How much of the memory the model may fill: the rest is for the conversation and others. */
static const struct {
  const char *title;
  double share;
} kinds[] = {
  { N_ ("Fast"), 0.12 },
  { N_ ("Balanced"), 0.35 },
  { N_ ("Best that fits"), 0.75 },
};

struct _ParleyStarters {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *cards, *progress;
  GCancellable *asking;
  const char *wanted; /* quantisation of the one that is asked for */
};

G_DEFINE_FINAL_TYPE (ParleyStarters, parley_starters, GTK_TYPE_BOX)

/* ---- which ---- */

static const struct pe_device_info *
device_of (ParleyStarters *self)
{
  const struct pe_device_info *gpu = parley_hardware_get_gpu (self->services->hardware);
  gsize n;

  return gpu != NULL && gpu->kind == PE_DEVICE_DISCRETE
             ? gpu
             : parley_hardware_get_devices (self->services->hardware, &n);
}

/* For beginners: good for everything, by its makers themselves, with a licence that allows all. */
static gboolean
is_for_all (const ParleySuggestion *suggestion)
{
  return (g_str_equal (suggestion->kind, "general") || g_str_equal (suggestion->kind, "quick")) &&
         g_str_equal (suggestion->license, "apache-2.0") &&
         g_str_has_prefix (suggestion->repo, suggestion->maker);
}

/* The largest within this share of the memory, and not one that another card has. */
static const ParleySuggestion *
pick (const struct pe_device_info *device, double share, const ParleySuggestion *taken)
{
  GPtrArray *all = parley_suggestions_get ();
  const ParleySuggestion *found = NULL;

  for (guint i = 0; i < all->len; i++) {
    const ParleySuggestion *one = all->pdata[i];
    gboolean smallest = found == NULL && taken == NULL && one->bytes < device->memory_total;
    if (is_for_all (one) && (taken == NULL || one->bytes > taken->bytes) &&
        ((double) one->bytes <= (double) device->memory_total * share || smallest))
      found = one;
  }
  return found;
}

/* ---- downloading ---- */

static void
show_progress (ParleyStarters *self, ParleyTransfer *transfer)
{
  gtk_widget_set_visible (self->cards, FALSE);
  parley_box_clear (self->progress);
  gtk_box_append (GTK_BOX (self->progress),
                  parley_label (_ ("You can write already: your message is answered as soon as the "
                                   "model is here."),
                                "dim-label"));
  gtk_box_append (GTK_BOX (self->progress), parley_transfer_box_new (self->services, transfer));
  gtk_widget_set_visible (self->progress, TRUE);
}

static void
transfer_changed (ParleyStarters *self, GParamSpec *pspec, ParleyTransfer *transfer)
{
  ParleyTransferState state = parley_transfer_get_state (transfer);

  if (state != PARLEY_TRANSFER_DONE && state != PARLEY_TRANSFER_CANCELLED)
    return;
  gtk_widget_set_visible (self->progress, FALSE);
  gtk_widget_set_visible (self->cards, state == PARLEY_TRANSFER_CANCELLED);
}

static void
follow (ParleyStarters *self, ParleyTransfer *transfer)
{
  g_signal_connect_object (transfer, "notify::state", G_CALLBACK (transfer_changed), self,
                           G_CONNECT_SWAPPED);
  show_progress (self, transfer);
}

/* One that was begun before the program was started again. */
static void
downloads_changed (ParleyStarters *self)
{
  ParleyTransfer *awaited = parley_default_model_awaited (self->services);

  if (awaited != NULL && !gtk_widget_get_visible (self->progress))
    follow (self, awaited);
}

static void
details_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyStarters) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) model =
      parley_hub_details_finish (PARLEY_HUB (source), result, &error);

  gtk_widget_set_sensitive (self->cards, TRUE);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_autoptr (ParleyHubFile) file =
      model != NULL ? parley_hub_model_choose (model, self->wanted, &error) : NULL;
  ParleyTransfer *transfer =
      file != NULL ? parley_downloads_add (self->services->downloads, file, &error) : NULL;
  if (transfer == NULL) {
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
    return;
  }
  if (!gtk_widget_get_visible (self->progress))
    follow (self, transfer);
}

static void
chosen (GtkButton *button, ParleyStarters *self)
{
  const ParleySuggestion *starter = g_object_get_data (G_OBJECT (button), "parley-starter");

  if (self->asking != NULL)
    g_cancellable_cancel (self->asking);
  g_clear_object (&self->asking);
  self->asking = g_cancellable_new ();
  self->wanted = starter->quantisation;
  gtk_widget_set_sensitive (self->cards, FALSE);
  parley_hub_details_async (self->services->hub, starter->repo, NULL, self->asking, details_ready,
                            g_object_ref (self));
}

/* ---- the cards ---- */

static char *
facts_of (const ParleySuggestion *starter, const struct pe_device_info *device)
{
  g_autofree char *size = parley_format_size (starter->bytes);
  /* Every weight is read once for a token. */
  double rate = device->read_rate > 0 ? device->read_rate * 0.7 / (double) starter->bytes : 0;
  g_autofree char *speed = parley_format_speed (rate);

  g_autofree char *about = *speed != '\0' ? g_strdup_printf ("≈ %s", speed) : NULL;
  GString *facts = g_string_new (NULL);

  parley_format_add_fact (facts, size);
  parley_format_add_fact (facts, about);
  parley_format_add_fact (facts, parley_format_license (starter->license));
  return g_string_free (facts, FALSE);
}

static GtkWidget *
build_card (ParleyStarters *self, const char *title, const ParleySuggestion *starter,
            const struct pe_device_info *device)
{
  GtkWidget *button = gtk_button_new (), *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
  g_autofree char *facts = facts_of (starter, device);
  /* Translators: "Fast: Qwen3 1.7B". */
  g_autofree char *heading = g_strdup_printf (_ ("%s: %s"), title, starter->name);

  gtk_box_append (GTK_BOX (texts), parley_line (heading, "result-name"));
  gtk_box_append (GTK_BOX (texts), parley_line (facts, "caption dim-label numeric"));
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (line), texts);
  gtk_box_append (GTK_BOX (line), parley_icon ("folder-download-symbolic"));
  gtk_button_set_child (GTK_BUTTON (button), line);
  gtk_widget_add_css_class (button, "starter");
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, heading,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, facts, -1);
  g_object_set_data (G_OBJECT (button), "parley-starter", (gpointer) starter);
  g_signal_connect (button, "clicked", G_CALLBACK (chosen), self);
  return button;
}

static void
show (ParleyStarters *self)
{
  const struct pe_device_info *device = device_of (self);
  const ParleySuggestion *taken = NULL;

  parley_box_clear (self->cards);
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    const ParleySuggestion *starter = pick (device, kinds[i].share, taken);
    if (starter == NULL)
      continue;
    gtk_box_append (GTK_BOX (self->cards), build_card (self, _ (kinds[i].title), starter, device));
    taken = starter;
  }
}

static void
dispose (GObject *object)
{
  ParleyStarters *self = PARLEY_STARTERS (object);

  if (self->asking != NULL)
    g_cancellable_cancel (self->asking);
  g_clear_object (&self->asking);
  G_OBJECT_CLASS (parley_starters_parent_class)->dispose (object);
}

static void
parley_starters_class_init (ParleyStartersClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
parley_starters_init (ParleyStarters *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 12);
  self->cards = parley_box (GTK_ORIENTATION_VERTICAL, 8, NULL);
  self->progress = parley_box (GTK_ORIENTATION_VERTICAL, 8, "card card-pad");
  gtk_widget_set_visible (self->progress, FALSE);
  gtk_box_append (GTK_BOX (self), self->cards);
  gtk_box_append (GTK_BOX (self), self->progress);
}

GtkWidget *
parley_starters_new (ParleyServices *services)
{
  ParleyStarters *self = g_object_new (PARLEY_TYPE_STARTERS, NULL);

  self->services = services;
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->downloads, "items-changed", G_CALLBACK (downloads_changed),
                           self, G_CONNECT_SWAPPED);
  show (self);
  downloads_changed (self);
  return GTK_WIDGET (self);
}
