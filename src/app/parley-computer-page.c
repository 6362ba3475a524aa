/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-computer-page.h"

#include "app/compat.h"
#include "app/text/parley-format.h"
#include "app/load/parley-memory-bar.h"
#include "app/widgets/parley-widgets.h"
#include "hardware/parley-cpu.h"
#include "hardware/parley-memory.h"
#include "parley-config.h"

#include <glib/gi18n.h>

#define REFRESH_S 3
#define G_BYTES   1000000000

struct _ParleyComputerPage {
  GtkBox parent;
  ParleyServices *services;
  GtkWidget *header, *title, *why, *advice, *devices, *measure;
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

static void
size_fact (const char *label, guint64 bytes, Fact fact, gpointer data)
{
  g_autofree char *text = parley_format_size (bytes);

  if (bytes > 0)
    fact (label, text, data);
}

static void
processor_facts (const struct pe_device_info *device, Fact fact, gpointer data)
{
  ParleyMemory memory;
  ParleyCpu cpu;

  parley_cpu_read ("", &cpu);
  g_autofree char *cores =
      cpu.n_physical > cpu.n_performance
          ? g_strdup_printf (_ ("%u cores, %u of them for performance, %u threads"), cpu.n_physical,
                             cpu.n_performance, cpu.n_threads)
          : g_strdup_printf (_ ("%u cores, %u threads"), device->n_cores, device->n_threads);
  g_autofree char *l2 = parley_format_size (cpu.l2), *l3 = parley_format_size (cpu.l3);
  g_autofree char *caches =
      cpu.l3 > 0 ? g_strdup_printf (_ ("L2 %s, L3 %s"), l2, l3) : g_strdup_printf (_ ("L2 %s"), l2);
  fact (_ ("Cores"), cores, data);
  if (*cpu.instructions != '\0')
    fact (_ ("Instruction sets"), cpu.instructions, data);
  if (cpu.l2 > 0)
    fact (_ ("Caches"), caches, data);
  if (!parley_memory_read ("", &memory))
    return;
  if (memory.limited)
    fact (_ ("Memory limit"), _ ("set for this program by the system (control group)"), data);
  size_fact (_ ("Swap on disk, not counted"), memory.swap_total, fact, data);
  size_fact (_ ("Compressed swap, not counted"), memory.zram_total, fact, data);
}

static void
heap_facts (const struct pe_device_info *device, Fact fact, gpointer data)
{
  for (guint i = 0; i < device->n_heaps; i++) {
    const struct pe_heap *heap = &device->heaps[i];
    g_autofree char *label = g_strdup_printf (_ ("Heap %u"), i + 1);
    g_autofree char *size = parley_format_size (heap->size);
    g_autofree char *budget = parley_format_size (heap->budget);
    const char *place =
        heap->device_local
            ? heap->host_visible ? _ ("on the device, seen by the processor") : _ ("on the device")
            : _ ("in main memory");
    g_autofree char *text =
        heap->budget > 0 ? g_strdup_printf (_ ("%s %s, %s for this program"), size, place, budget)
                         : g_strdup_printf (_ ("%s %s, no budget named"), size, place);
    fact (label, text, data);
  }
}

static void
driver_fact (const struct pe_device_info *device, Fact fact, gpointer data)
{
  g_autofree char *size = parley_format_size (device->driver_bytes);
  g_autofree char *text = g_strdup_printf (_ ("%s beside a model, as measured"), size);

  if (device->driver_bytes > 0)
    fact (_ ("Taken by the driver"), text, data);
}

static void
graphics_facts (const struct pe_device_info *device, Fact fact, gpointer data)
{
  g_autoptr (GString) can = g_string_new (NULL);

  fact (_ ("Driver"), *device->driver != '\0' ? device->driver : _ ("unknown"), data);
  fact (_ ("Identifier"), device->id, data);
  if (*device->bus != '\0')
    fact (_ ("Slot"), device->bus, data);
  heap_facts (device, fact, data);
  driver_fact (device, fact, data);
  if (*device->doubt != '\0')
    fact (_ ("Less certain"), device->doubt, data);
  if (device->has_f16)
    g_string_append (can, _ ("half precision"));
  if (device->has_int8_dot)
    g_string_append_printf (can, "%s%s", can->len > 0 ? ", " : "", _ ("8-bit dot products"));
  if (device->has_cooperative_matrix)
    g_string_append_printf (can, "%s%s", can->len > 0 ? ", " : "", _ ("matrix units"));
  if (can->len > 0)
    fact (_ ("Arithmetic"), can->str, data);
}

/* What the engine itself reaches, for the type that most models have. */
static void
engine_facts (const struct pe_device_info *device, Fact fact, gpointer data)
{
  const struct pe_rates *rates = &device->rates[PE_RATES_ALL_THREADS];

  if (rates->read[PE_TYPE_Q4_K] <= 0)
    return;
  g_autofree char *rate = parley_format_size ((guint64) rates->read[PE_TYPE_Q4_K]);
  g_autofree char *text =
      g_strdup_printf (_ ("%s/s of Q4_K weights when answering, %.0f GFLOPS in prompts"), rate,
                       rates->multiply[PE_TYPE_Q4_K] / 1e9);
  fact (_ ("The engine"), text, data);
}

/* The same facts for the page and for the text that can be copied. */
static void
facts_of (const struct pe_device_info *device, Fact fact, gpointer data)
{
  fact (_ ("Kind"), kind_name (device->kind), data);
  if (device->kind == PE_DEVICE_CPU)
    processor_facts (device, fact, data);
  else
    graphics_facts (device, fact, data);
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
  engine_facts (device, fact, data);
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

/* ---- what the person allows ---- */

static void
allowed_changed (GtkSpinButton *spin, ParleyComputerPage *self)
{
  const char *id = g_object_get_data (G_OBJECT (spin), "parley-device");
  ParleyBudgetKind kind =
      (ParleyBudgetKind) GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (spin), "parley-kind"));
  g_autofree char *before =
      parley_store_get_setting (self->services->store, PARLEY_BUDGETS_SETTING);
  guint64 bytes = (guint64) (gtk_spin_button_get_value (spin) * 10 + 0.5) * (G_BYTES / 10);
  g_autofree char *after = parley_budgets_set (before, id, kind, bytes);

  parley_store_set_setting (self->services->store, PARLEY_BUDGETS_SETTING, after);
  parley_hardware_set_budgets (self->services->hardware, after);
}

static GtkWidget *
allowed_row (ParleyComputerPage *self, const struct pe_device_info *device, ParleyBudgetKind kind,
             const char *title, const char *subtitle)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *spin =
      gtk_spin_button_new_with_range (0, MAX ((double) device->memory_total / G_BYTES, 1), 0.5);
  g_autofree char *text = parley_store_get_setting (self->services->store, PARLEY_BUDGETS_SETTING);
  guint64 bytes = parley_budgets_get (text, device->id, kind);

  parley_row_set_plain (row);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), 1);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), (double) bytes / G_BYTES);
  gtk_widget_set_valign (spin, GTK_ALIGN_CENTER);
  parley_set_accessible_name (spin, title);
  g_object_set_data_full (G_OBJECT (spin), "parley-device", g_strdup (device->id), g_free);
  g_object_set_data (G_OBJECT (spin), "parley-kind", GUINT_TO_POINTER (kind));
  g_signal_connect (spin, "value-changed", G_CALLBACK (allowed_changed), self);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), spin);
  return row;
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
  gtk_list_box_append (GTK_LIST_BOX (list),
                       allowed_row (self, device, PARLEY_BUDGET_MOST, _ ("For a Model, GB at Most"),
                                    _ ("0: all that is free")));
  gtk_list_box_append (GTK_LIST_BOX (list),
                       allowed_row (self, device, PARLEY_BUDGET_FREE, _ ("Keep Free, GB"),
                                    _ ("0: the usual share")));
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

/* ---- measuring anew ---- */

static void
measured (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyComputerPage) self = data;
  g_autoptr (GError) error = NULL;

  gtk_widget_set_sensitive (self->measure, TRUE);
  gtk_button_set_label (GTK_BUTTON (self->measure), _ ("Measure Again"));
  if (!parley_hardware_probe_finish (PARLEY_HARDWARE (source), result, &error))
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
}

/* Also when it was begun by the first start. */
static void
show_progress (ParleyComputerPage *self)
{
  guint percent;

  g_object_get (self->services->hardware, "progress", &percent, NULL);
  g_autofree char *text = g_strdup_printf (_ ("Measuring … %u %%"), percent);
  gtk_button_set_label (GTK_BUTTON (self->measure), percent < 100 ? text : _ ("Measure Again"));
  gtk_widget_set_sensitive (self->measure, percent == 100);
}

static void
measure_again (ParleyComputerPage *self)
{
  gtk_widget_set_sensitive (self->measure, FALSE);
  gtk_button_set_label (GTK_BUTTON (self->measure), _ ("Measuring …"));
  parley_hardware_probe_async (self->services->hardware, TRUE, NULL, measured, g_object_ref (self));
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
  parley_hardware_look_again (self->services->hardware);
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
  self->measure = parley_text_button (_ ("Measure Again"), NULL);
  gtk_widget_set_halign (self->measure, GTK_ALIGN_START);
  g_signal_connect_swapped (self->measure, "clicked", G_CALLBACK (measure_again), self);
  gtk_box_append (GTK_BOX (words), self->measure);
  gtk_box_append (GTK_BOX (body), words);
  gtk_box_append (GTK_BOX (body), self->advice);
  gtk_box_append (GTK_BOX (body), self->devices);
  gtk_box_append (GTK_BOX (self), self->header);
  gtk_box_append (GTK_BOX (self), parley_page_body (body, 720));
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (show), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (services->hardware, "notify::progress", G_CALLBACK (show_progress), self,
                           G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
