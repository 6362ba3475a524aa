/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-computer-page.h"

#include "app/parley-format.h"
#include "app/parley-memory-bar.h"
#include "app/parley-widgets.h"
#include "parley-config.h"

#include <glib/gi18n.h>

#define REFRESH_S 3

struct _ParleyComputerPage {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *header, *title, *why, *advice, *devices;
  char *description; /* what the widgets show */
  GPtrArray *bars;   /* one for each device; borrowed */
  guint refresh_id;
};

G_DEFINE_FINAL_TYPE (ParleyComputerPage, parley_computer_page, GTK_TYPE_BOX)

GtkWidget *
parley_computer_page_get_header (ParleyComputerPage *self)
{
  return self->header;
}

static const char *
kind_name (enum pe_device_kind kind)
{
  switch (kind) {
  case PE_DEVICE_CPU: return _ ("Processor");
  case PE_DEVICE_DISCRETE: return _ ("Graphics card");
  case PE_DEVICE_INTEGRATED: return _ ("Integrated graphics, shares main memory");
  default: return _ ("Software graphics, computed by the processor");
  }
}

/* ---- facts ---- */

typedef void (*Fact) (const char *label, const char *value, gpointer data);

static void
rate_fact (const char *label, double rate, Fact fact, gpointer data)
{
  if (rate <= 0) {
    fact (label, _ ("not measured yet"), data);
    return;
  }
  g_autofree char *size = parley_format_size ((guint64) rate);
  g_autofree char *text = g_strdup_printf (_ ("%s/s"), size);
  fact (label, text, data);
}

/* The same facts for the page and for the text that can be copied. */
static void
facts_of (const struct pe_device_info *device, Fact fact, gpointer data)
{
  fact (_ ("Kind"), kind_name (device->kind), data);
  if (device->kind == PE_DEVICE_CPU) {
    g_autofree char *cores =
        g_strdup_printf (_ ("%u cores, %u threads"), device->n_cores, device->n_threads);
    fact (_ ("Cores"), cores, data);
  } else
    fact (_ ("Driver"), *device->driver != '\0' ? device->driver : _ ("unknown"), data);
  rate_fact (_ ("Memory reading"), device->read_rate, fact, data);
  if (device->kind != PE_DEVICE_CPU)
    rate_fact (_ ("From main memory"), device->transfer_rate, fact, data);
  if (device->matmul_rate > 0) {
    g_autofree char *rate = device->matmul_rate >= 1e12
                                ? g_strdup_printf ("%.1f TFLOPS", device->matmul_rate / 1e12)
                                : g_strdup_printf ("%.0f GFLOPS", device->matmul_rate / 1e9);
    fact (_ ("Matrix arithmetic"), rate, data);
  } else
    fact (_ ("Matrix arithmetic"), _ ("not measured yet"), data);
}

static void
add_row (const char *label, const char *value, gpointer list)
{
  gtk_list_box_append (list, parley_fact_row (label, value));
}

static void
add_line (const char *label, const char *value, gpointer text)
{
  g_string_append_printf (text, "  %s: %s\n", label, value);
}

static void
show_memory (GtkWidget *bar, const struct pe_device_info *device)
{
  guint64 taken = device->memory_total - MIN (device->memory_available, device->memory_total);
  ParleyMemoryUse use = { .others = taken, .total = device->memory_total };

  parley_memory_bar_set (PARLEY_MEMORY_BAR (bar), device->name, &use);
}

static GtkWidget *
device_widget (ParleyComputerPage *self, const struct pe_device_info *device)
{
  GtkWidget *list = parley_boxed_list (), *bar = parley_memory_bar_new ();
  GtkWidget *row = gtk_list_box_row_new ();

  show_memory (bar, device);
  g_ptr_array_add (self->bars, bar);
  gtk_widget_add_css_class (bar, "card-pad");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), bar);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  facts_of (device, add_row, list);
  return list;
}

static char *
describe (ParleyHardware *hardware)
{
  GString *text = g_string_new ("Parley " PARLEY_VERSION "\n");
  gsize n;
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);

  g_string_append_printf (text, "%s\n", parley_hardware_get_why (hardware));
  for (gsize i = 0; i < n; i++) {
    g_autofree char *total = parley_format_size (devices[i].memory_total);
    g_string_append_printf (text, "\n%s\n", devices[i].name);
    add_line (_ ("Memory"), total, text);
    facts_of (&devices[i], add_line, text);
  }
  return g_string_free (text, FALSE);
}

/* Free memory changes all the time, the rest hardly ever: only the bars follow then. */
static void
show (ParleyComputerPage *self)
{
  ParleyHardware *hardware = self->services->hardware;
  g_autofree char *title =
      g_strdup_printf (_ ("Models Run on %s"), parley_hardware_get_running_on (hardware));
  const char *advice = parley_hardware_get_advice (hardware);
  gsize n;
  const struct pe_device_info *devices = parley_hardware_get_devices (hardware, &n);

  g_autofree char *description = describe (hardware);

  if (g_strcmp0 (description, self->description) == 0 && self->bars->len == n) {
    for (gsize i = 0; i < n; i++)
      show_memory (g_ptr_array_index (self->bars, i), &devices[i]);
    return;
  }
  g_free (self->description);
  self->description = g_steal_pointer (&description);
  gtk_label_set_text (GTK_LABEL (self->title), title);
  gtk_label_set_text (GTK_LABEL (self->why), parley_hardware_get_why (hardware));
  gtk_widget_set_visible (self->advice, advice != NULL);
  gtk_label_set_text (GTK_LABEL (self->advice), advice != NULL ? advice : "");
  parley_box_clear (self->devices);
  g_ptr_array_set_size (self->bars, 0);
  for (gsize i = 0; i < n; i++)
    gtk_box_append (GTK_BOX (self->devices), device_widget (self, &devices[i]));
}

static void
copy (GtkButton *button, ParleyComputerPage *self)
{
  g_autofree char *text = describe (self->services->hardware);

  parley_copy (GTK_WIDGET (self), text);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", _ ("Copied as text"));
}

/* Free memory changes by itself; it is read only while somebody looks. */
static gboolean
refresh (gpointer data)
{
  ParleyComputerPage *self = data;

  parley_hardware_refresh_memory (self->services->hardware);
  return G_SOURCE_CONTINUE;
}

static void
map (GtkWidget *widget)
{
  ParleyComputerPage *self = PARLEY_COMPUTER_PAGE (widget);

  GTK_WIDGET_CLASS (parley_computer_page_parent_class)->map (widget);
  self->refresh_id = g_timeout_add_seconds (REFRESH_S, refresh, self);
}

static void
unmap (GtkWidget *widget)
{
  g_clear_handle_id (&PARLEY_COMPUTER_PAGE (widget)->refresh_id, g_source_remove);
  GTK_WIDGET_CLASS (parley_computer_page_parent_class)->unmap (widget);
}

static void
finalize (GObject *object)
{
  ParleyComputerPage *self = PARLEY_COMPUTER_PAGE (object);

  g_free (self->description);
  g_ptr_array_unref (self->bars);
  G_OBJECT_CLASS (parley_computer_page_parent_class)->finalize (object);
}

static void
parley_computer_page_class_init (ParleyComputerPageClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  GTK_WIDGET_CLASS (klass)->map = map;
  GTK_WIDGET_CLASS (klass)->unmap = unmap;
}

static void
parley_computer_page_init (ParleyComputerPage *self)
{
  self->bars = g_ptr_array_new ();
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
}

GtkWidget *
parley_computer_page_new (ParleyServices *services)
{
  ParleyComputerPage *self = g_object_new (PARLEY_TYPE_COMPUTER_PAGE, NULL);
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 18, NULL);
  GtkWidget *words = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);
  GtkWidget *button = parley_icon_button ("edit-copy-symbolic", _ ("Copy as Text"), NULL);

  self->services = services;
  self->header = parley_header_bar (_ ("This Computer"));
  g_signal_connect (button, "clicked", G_CALLBACK (copy), self);
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), button);
  self->title = parley_label ("", "title-2");
  self->why = parley_label ("", "dim-label");
  self->advice = parley_label ("", "notice");
  self->devices = parley_box (GTK_ORIENTATION_VERTICAL, 24, NULL);
  gtk_box_append (GTK_BOX (words), self->title);
  gtk_box_append (GTK_BOX (words), self->why);
  gtk_box_append (GTK_BOX (body), words);
  gtk_box_append (GTK_BOX (body), self->advice);
  gtk_box_append (GTK_BOX (body), self->devices);
  gtk_box_append (GTK_BOX (self), self->header);
  gtk_box_append (GTK_BOX (self), parley_page_body (body, 720));
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
