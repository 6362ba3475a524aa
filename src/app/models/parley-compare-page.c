/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-compare-page.h"

#include "app/compat.h"
#include "app/models/parley-compare-chart.h"
#include "app/models/parley-comparison.h"
#include "app/text/parley-format.h"
#include "app/models/parley-verdict.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window.h"
#include "fit/imagined.h"

#include <glib/gi18n.h>
#include <math.h>

#define LEAST_CONTEXT 512
#define MOST_CONTEXT  262144
#define AT_FIRST      6 /* models of the library that are compared without being asked for */

struct _ParleyComparePage {
  GtkBox parent;
  ParleyServices *services;
  ParleyComparison *comparison;
  GtkWidget *header, *stack, *computer, *own, *context, *context_words, *sort, *chart, *list;
  GtkWidget *local, *remote, *add_button;
  GtkSpinButton *figures[4]; /* RAM, VRAM, and the bandwidths of both */
  guint seeded : 1;
};

G_DEFINE_FINAL_TYPE (ParleyComparePage, parley_compare_page, GTK_TYPE_BOX)

GtkWidget *
parley_compare_page_get_header (ParleyComparePage *self)
{
  return self->header;
}

/* ---- the chart ---- */

/* Where the figures come from, each once. */
static GPtrArray *
bases_of (GPtrArray *entries)
{
  GPtrArray *bases = g_ptr_array_new ();

  for (guint i = 0; i < entries->len; i++) {
    ParleyFit *fit = ((ParleyCompared *) entries->pdata[i])->fit;
    if (fit != NULL && parley_fit_get_speed_at_full_context (fit) > 0 &&
        parley_fit_get_verdict (fit) < PARLEY_FIT_TOO_LARGE &&
        !g_ptr_array_find_with_equal_func (bases, parley_fit_get_basis (fit), g_str_equal, NULL))
      g_ptr_array_add (bases, (gpointer) parley_fit_get_basis (fit));
  }
  return bases;
}

/* Which of several bases; "" where there is but one. */
static const char *
mark_of (GPtrArray *bases, guint i)
{
  static const char *const marks[] = { "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };

  return bases->len > 1 ? marks[MIN (i, G_N_ELEMENTS (marks) - 1)] : "";
}

static char **
notes_of (GPtrArray *bases)
{
  GStrvBuilder *notes = g_strv_builder_new ();

  for (guint i = 0; i < bases->len; i++) {
    g_autofree char *note = g_strdup_printf (_ ("%sSpeed with a full context: %s"),
                                             mark_of (bases, i), (const char *) bases->pdata[i]);
    g_strv_builder_add (notes, note);
  }
  char **list = g_strv_builder_end (notes);
  g_strv_builder_unref (notes);
  return list;
}

static char *
detail_of (const ParleyCompared *entry, GPtrArray *bases)
{
  if (entry->problem != NULL)
    return g_strdup (entry->problem);
  if (entry->fit == NULL)
    return g_strdup (_ ("reading its header …"));
  const char *words = parley_fit_verdict_words (parley_fit_get_verdict (entry->fit));
  g_autofree char *speed = parley_format_speed (parley_fit_get_speed_at_full_context (entry->fit));
  if (*speed == '\0' || parley_fit_get_verdict (entry->fit) >= PARLEY_FIT_TOO_LARGE)
    return g_strdup (words);
  guint basis = 0;
  g_ptr_array_find_with_equal_func (bases, parley_fit_get_basis (entry->fit), g_str_equal, &basis);
  g_autofree char *marked = g_strconcat (speed, mark_of (bases, basis), NULL);
  return g_strdup_printf (_ ("≈ %s · %s"), marked, words);
}

static char *
full_name (const char *name, const char *quantisation)
{
  GString *full = g_string_new (NULL);

  parley_format_add_fact (full, name);
  parley_format_add_fact (full, quantisation);
  return g_string_free (full, FALSE);
}

static void
bar_of (const ParleyCompared *entry, GPtrArray *bases, ParleyChartBar *bar)
{
  *bar = (ParleyChartBar){ .name = full_name (entry->name, entry->quantisation),
                           .detail = detail_of (entry, bases) };
  if (entry->fit == NULL)
    return;
  bar->too_large = parley_fit_get_verdict (entry->fit) == PARLEY_FIT_TOO_LARGE;
  for (gsize d = 0; d < parley_fit_get_n_devices (entry->fit); d++) {
    const ParleyFitDevice *device = parley_fit_get_device (entry->fit, d);
    guint64 kv = device->parts[PE_MEMORY_KV] + device->parts[PE_MEMORY_STATE];
    bar->weights += device->parts[PE_MEMORY_WEIGHTS];
    bar->kv += kv;
    bar->work += device->planned - device->parts[PE_MEMORY_WEIGHTS] - kv + device->driver;
  }
}

static const char *
computer_name (ParleyComparePage *self)
{
  guint chosen = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->computer));
  gsize n;

  parley_imagined_presets (&n);
  return chosen == 0   ? _ ("This computer")
         : chosen <= n ? parley_imagined_name (chosen - 1)
                       : _ ("A computer of these figures");
}

static void
show_chart (ParleyComparePage *self)
{
  GPtrArray *entries = parley_comparison_get_entries (self->comparison);
  g_autofree ParleyChartBar *bars = g_new0 (ParleyChartBar, MAX (entries->len, 1));
  struct pe_device_info devices[PE_MAX_DEVICES];
  gsize n = parley_comparison_get_devices (self->comparison, devices);
  ParleyChartLine lines[2];
  guint n_lines = 0;
  guint64 vram = 0;
  g_autoptr (GPtrArray) bases = bases_of (entries);
  g_auto (GStrv) notes = notes_of (bases);
  g_autofree char *context =
      parley_format_tokens (parley_comparison_get_context (self->comparison));
  g_autofree char *title = g_strdup_printf (_ ("%s, %s of context"), computer_name (self), context);

  for (guint i = 0; i < entries->len; i++)
    bar_of (entries->pdata[i], bases, &bars[i]);
  for (gsize d = 1; d < n; d++)
    vram += devices[d].memory_total;
  if (n > 1)
    lines[n_lines++] = (ParleyChartLine){ (char *) _ ("VRAM"), vram };
  lines[n_lines++] = (ParleyChartLine){ (char *) _ ("RAM"), devices[0].memory_total };
  parley_compare_chart_set (PARLEY_COMPARE_CHART (self->chart), title, bars, entries->len, lines,
                            n_lines, (const char *const *) notes);
  for (guint i = 0; i < entries->len; i++) {
    g_free (bars[i].name);
    g_free (bars[i].detail);
  }
}

/* ---- the rows ---- */

static ParleyShownVerdict
shown (const ParleyCompared *entry)
{
  if (entry->fit == NULL)
    return PARLEY_SHOWN_UNKNOWN;
  switch (parley_fit_get_verdict (entry->fit)) {
  case PARLEY_FIT_ON_GPU: return PARLEY_SHOWN_FITS;
  case PARLEY_FIT_PARTLY: return PARLEY_SHOWN_PARTLY;
  case PARLEY_FIT_IN_RAM: return PARLEY_SHOWN_RAM;
  default: return PARLEY_SHOWN_TOO_BIG;
  }
}

static const char *
key_of_row (GtkWidget *row)
{
  return g_object_get_data (G_OBJECT (row), "parley-key");
}

static const ParleyCompared *
entry_of_row (ParleyComparePage *self, GtkWidget *row)
{
  GPtrArray *entries = parley_comparison_get_entries (self->comparison);

  for (guint i = 0; i < entries->len; i++) {
    const ParleyCompared *entry = entries->pdata[i];
    if (g_strcmp0 (entry->key, key_of_row (row)) == 0)
      return entry;
  }
  return NULL;
}

static GtkWidget *
row_around (GtkWidget *widget)
{
  return gtk_widget_get_ancestor (widget, GTK_TYPE_LIST_BOX_ROW);
}

static void
use (GtkButton *button, ParleyComparePage *self)
{
  const ParleyCompared *entry = entry_of_row (self, row_around (GTK_WIDGET (button)));
  g_autoptr (GError) error = NULL;

  if (entry == NULL)
    return;
  if (entry->model != NULL) {
    parley_window_new_chat (PARLEY_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), entry->model);
    return;
  }
  if (entry->file == NULL)
    return;
  if (parley_downloads_add (self->services->downloads, entry->file, &error) == NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
  else
    gtk_widget_activate_action (GTK_WIDGET (self), "win.show-models", NULL);
}

static void
leave_out (GtkButton *button, ParleyComparePage *self)
{
  g_autofree char *key = g_strdup (key_of_row (row_around (GTK_WIDGET (button))));

  parley_comparison_remove (self->comparison, key);
}

static char *
figures_of (const ParleyCompared *entry)
{
  if (entry->problem != NULL)
    return g_strdup (entry->problem);
  if (entry->fit == NULL)
    return g_strdup (_ ("Its header is being read."));
  ParleyFit *fit = entry->fit;
  g_autofree char *empty = parley_format_speed (parley_fit_get_speed (fit));
  g_autofree char *full = parley_format_speed (parley_fit_get_speed_at_full_context (fit));
  g_autofree char *prompt = parley_format_speed (parley_fit_get_prompt_speed (fit));
  const char *sentence = parley_fit_get_sentence (fit);
  if (*empty == '\0' || parley_fit_get_verdict (fit) >= PARLEY_FIT_TOO_LARGE)
    return g_strdup (sentence);
  return g_strdup_printf (_ ("%s It answers with %s at first and %s with a full context, and "
                             "reads prompts with %s: %s."),
                          sentence, empty, full, prompt, parley_fit_get_basis (fit));
}

static void
show_row (ParleyComparePage *self, GtkWidget *row, const ParleyCompared *entry)
{
  g_autofree char *figures = figures_of (entry);
  GtkWidget *verdict = g_object_get_data (G_OBJECT (row), "parley-verdict");
  GtkWidget *words = g_object_get_data (G_OBJECT (row), "parley-words");

  parley_verdict_set (
      PARLEY_VERDICT (verdict), shown (entry),
      entry->fit != NULL ? parley_fit_verdict_words (parley_fit_get_verdict (entry->fit)) : NULL);
  gtk_label_set_text (GTK_LABEL (words), figures);
}

static GtkWidget *
make_row (ParleyComparePage *self, const ParleyCompared *entry)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, "result-row");
  GtkWidget *left = parley_box (GTK_ORIENTATION_VERTICAL, 4, NULL);
  GtkWidget *top = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
  g_autofree char *name = full_name (entry->name, entry->quantisation);
  GtkWidget *title = parley_line (name, "result-name"), *words = parley_label ("", "dim-label");
  GtkWidget *verdict = parley_verdict_new ();
  /* A picture, as in the welcome: the long word some languages have leaves no room for the rest. */
  GtkWidget *button = entry->model != NULL
                          ? parley_text_button (_ ("Chat"), NULL)
                          : parley_icon_button ("parley-download-symbolic", _ ("Download"), NULL);
  g_autofree char *removal = g_strdup_printf (_ ("Leave Out %s"), name);
  GtkWidget *remove = parley_icon_button ("window-close-symbolic", removal, NULL);

  gtk_widget_set_hexpand (left, TRUE);
  gtk_box_append (GTK_BOX (top), title);
  gtk_box_append (GTK_BOX (top), verdict);
  gtk_box_append (GTK_BOX (left), top);
  gtk_box_append (GTK_BOX (left), words);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (remove, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (remove, "flat");
  gtk_widget_set_sensitive (button, entry->model != NULL || entry->file != NULL);
  g_signal_connect (button, "clicked", G_CALLBACK (use), self);
  g_signal_connect (remove, "clicked", G_CALLBACK (leave_out), self);
  gtk_box_append (GTK_BOX (box), left);
  gtk_box_append (GTK_BOX (box), button);
  gtk_box_append (GTK_BOX (box), remove);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  g_object_set_data_full (G_OBJECT (row), "parley-key", g_strdup (entry->key), g_free);
  g_object_set_data (G_OBJECT (row), "parley-verdict", verdict);
  g_object_set_data (G_OBJECT (row), "parley-words", words);
  return row;
}

/* Rows stay as long as the same models stand in the same order. */
static gboolean
rows_match (ParleyComparePage *self)
{
  GPtrArray *entries = parley_comparison_get_entries (self->comparison);
  GtkListBoxRow *row;
  guint i = 0;

  for (; (row = gtk_list_box_get_row_at_index (GTK_LIST_BOX (self->list), (int) i)); i++)
    if (i >= entries->len ||
        g_strcmp0 (key_of_row (GTK_WIDGET (row)), ((ParleyCompared *) entries->pdata[i])->key) != 0)
      return FALSE;
  return i == entries->len;
}

static void
show_rows (ParleyComparePage *self)
{
  GPtrArray *entries = parley_comparison_get_entries (self->comparison);

  if (!rows_match (self)) {
    GtkListBoxRow *row;
    while ((row = gtk_list_box_get_row_at_index (GTK_LIST_BOX (self->list), 0)) != NULL)
      gtk_list_box_remove (GTK_LIST_BOX (self->list), GTK_WIDGET (row));
    for (guint i = 0; i < entries->len; i++)
      gtk_list_box_append (GTK_LIST_BOX (self->list), make_row (self, entries->pdata[i]));
  }
  for (guint i = 0; i < entries->len; i++)
    show_row (self, GTK_WIDGET (gtk_list_box_get_row_at_index (GTK_LIST_BOX (self->list), (int) i)),
              entries->pdata[i]);
}

static void
show (ParleyComparePage *self)
{
  gboolean any = parley_comparison_get_entries (self->comparison)->len > 0;

  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), any ? "chart" : "empty");
  if (!any)
    return;
  show_chart (self);
  show_rows (self);
}

/* ---- the context ---- */

/* The slider moves in halves of powers of two, and the context is whole pages of the cache. */
static guint
context_at (double position)
{
  guint tokens = (guint) lround (exp2 (position));

  return (tokens + 128) / 256 * 256;
}

static void
context_moved (ParleyComparePage *self)
{
  guint n_ctx = context_at (gtk_range_get_value (GTK_RANGE (self->context)));
  g_autofree char *words = parley_format_tokens (n_ctx);

  gtk_label_set_text (GTK_LABEL (self->context_words), words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->context),
                                  GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, words, -1);
  parley_comparison_set_context (self->comparison, n_ctx);
}

static GtkWidget *
context_box (ParleyComparePage *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 12, NULL);
  GtkWidget *label = parley_line (_ ("Context"), "heading");
  double low = log2 (LEAST_CONTEXT), high = log2 (MOST_CONTEXT);

  self->context_words = parley_line ("", "dim-label numeric");
  self->context = gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, low, high, 0.25);
  for (guint n = 2048; n <= 131072; n *= 4) {
    g_autofree char *mark = g_strdup_printf ("%uk", n / 1024);
    gtk_scale_add_mark (GTK_SCALE (self->context), log2 (n), GTK_POS_BOTTOM, mark);
  }
  parley_set_accessible_name (self->context, _ ("Context"));
  gtk_range_set_value (GTK_RANGE (self->context),
                       log2 (parley_comparison_get_context (self->comparison)));
  g_signal_connect_swapped (self->context, "value-changed", G_CALLBACK (context_moved), self);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_box_append (GTK_BOX (line), label);
  gtk_box_append (GTK_BOX (line), self->context_words);
  gtk_box_append (GTK_BOX (box), line);
  gtk_box_append (GTK_BOX (box), self->context);
  context_moved (self);
  return box;
}

/* ---- the computer ---- */

static void
figures_changed (ParleyComparePage *self)
{
  ParleyImagined figures = {
    .ram_gb = gtk_spin_button_get_value (self->figures[0]),
    .vram_gb = gtk_spin_button_get_value (self->figures[1]),
    .ram_rate = gtk_spin_button_get_value (self->figures[2]),
    .vram_rate = gtk_spin_button_get_value (self->figures[3]),
  };
  struct pe_device_info devices[2];
  gsize n = parley_imagined_devices (&figures, devices);

  parley_comparison_set_devices (self->comparison, devices, n);
}

static void
computer_chosen (ParleyComparePage *self)
{
  guint chosen = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->computer));
  struct pe_device_info devices[2];
  gsize n_presets;
  const ParleyImagined *presets = parley_imagined_presets (&n_presets);

  gtk_widget_set_visible (self->own, chosen > n_presets);
  if (chosen == 0)
    parley_comparison_set_devices (self->comparison, NULL, 0);
  else if (chosen <= n_presets)
    parley_comparison_set_devices (self->comparison, devices,
                                   parley_imagined_devices (&presets[chosen - 1], devices));
  else
    figures_changed (self);
}

static GtkWidget *
computer_choice (ParleyComparePage *self)
{
  GtkStringList *names = gtk_string_list_new (NULL);
  gsize n;

  parley_imagined_presets (&n);
  gtk_string_list_append (names, _ ("This computer"));
  for (gsize i = 0; i < n; i++)
    gtk_string_list_append (names, parley_imagined_name (i));
  gtk_string_list_append (names, _ ("Own figures"));
  self->computer = gtk_drop_down_new (G_LIST_MODEL (names), NULL);
  parley_drop_down_set_narrow (self->computer);
  parley_set_accessible_name (self->computer, _ ("Computer"));
  g_signal_connect_swapped (self->computer, "notify::selected", G_CALLBACK (computer_chosen), self);
  return self->computer;
}

static GtkWidget *
own_figures (ParleyComparePage *self)
{
  static const struct {
    const char *name;
    double most, step, value;
  } rows[] = {
    { N_ ("RAM, GB"), 4000, 4, 32 },
    { N_ ("VRAM, GB"), 1000, 1, 16 },
    { N_ ("Bandwidth of the RAM, GB/s"), 2000, 5, 60 },
    { N_ ("Bandwidth of the VRAM, GB/s"), 10000, 10, 450 },
  };
  GtkWidget *list = parley_boxed_list ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    GtkWidget *row = adw_action_row_new ();
    GtkWidget *spin = gtk_spin_button_new_with_range (0, rows[i].most, rows[i].step);
    parley_row_set_plain (row);
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (rows[i].name));
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), rows[i].value);
    gtk_widget_set_valign (spin, GTK_ALIGN_CENTER);
    parley_set_accessible_name (spin, _ (rows[i].name));
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), spin);
    gtk_list_box_append (GTK_LIST_BOX (list), row);
    self->figures[i] = GTK_SPIN_BUTTON (spin);
  }
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_signal_connect_swapped (self->figures[i], "value-changed", G_CALLBACK (figures_changed),
                              self);
  gtk_widget_set_visible (list, FALSE);
  self->own = list;
  return list;
}

/* ---- adding ---- */

static void
library_toggled (GtkCheckButton *check, ParleyComparePage *self)
{
  ParleyModel *model = g_object_get_data (G_OBJECT (check), "parley-model");
  g_autofree char *key = g_strconcat ("local:", parley_model_get_id (model), NULL);

  if (gtk_check_button_get_active (check))
    parley_comparison_add_model (self->comparison, model);
  else
    parley_comparison_remove (self->comparison, key);
}

/* What the library holds now, when the popover opens. */
static void
fill_popover (ParleyComparePage *self)
{
  GListModel *library = G_LIST_MODEL (self->services->library);

  parley_box_clear (self->local);
  for (guint i = 0; i < g_list_model_get_n_items (library); i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    g_autofree char *name =
        full_name (parley_model_get_name (model), parley_model_get_quantisation (model));
    GtkWidget *check;
    if (parley_model_get_state (model) != PARLEY_MODEL_READY)
      continue;
    check = gtk_check_button_new_with_label (name);
    gtk_check_button_set_active (GTK_CHECK_BUTTON (check),
                                 parley_comparison_has (self->comparison, model));
    g_object_set_data_full (G_OBJECT (check), "parley-model", g_object_ref (model), g_object_unref);
    g_signal_connect (check, "toggled", G_CALLBACK (library_toggled), self);
    gtk_box_append (GTK_BOX (self->local), check);
  }
}

static void
add_remote (ParleyComparePage *self)
{
  g_autofree char *text = g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->remote)));

  if (*g_strstrip (text) == '\0')
    return;
  parley_comparison_add_reference (self->comparison, text);
  gtk_editable_set_text (GTK_EDITABLE (self->remote), "");
  gtk_menu_button_popdown (GTK_MENU_BUTTON (self->add_button));
}

static GtkWidget *
add_popover (ParleyComparePage *self)
{
  GtkWidget *popover = gtk_popover_new (), *scroller = gtk_scrolled_window_new ();
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 8, NULL);

  self->local = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
  self->remote = gtk_entry_new ();
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->remote), _ ("org/name:Q4_K_M"));
  gtk_entry_set_icon_from_icon_name (GTK_ENTRY (self->remote), GTK_ENTRY_ICON_SECONDARY,
                                     "list-add-symbolic");
  gtk_widget_set_size_request (self->remote, 260, -1);
  parley_set_accessible_name (self->remote, _ ("Model on the hub"));
  g_signal_connect_swapped (self->remote, "activate", G_CALLBACK (add_remote), self);
  g_signal_connect_swapped (self->remote, "icon-press", G_CALLBACK (add_remote), self);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 260);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), self->local);
  gtk_box_append (GTK_BOX (box), parley_line (_ ("On this computer"), "heading"));
  gtk_box_append (GTK_BOX (box), scroller);
  gtk_box_append (GTK_BOX (box), parley_line (_ ("On the hub"), "heading"));
  gtk_box_append (GTK_BOX (box), self->remote);
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  g_signal_connect_swapped (popover, "show", G_CALLBACK (fill_popover), self);
  return popover;
}

void
parley_compare_page_add (ParleyComparePage *self, const char *reference)
{
  parley_comparison_add_reference (self->comparison, reference);
}

/* The first look shows what is there. */
static void
seed (ParleyComparePage *self)
{
  GListModel *library = G_LIST_MODEL (self->services->library);
  guint n = g_list_model_get_n_items (library);

  if (self->seeded || n == 0 || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->seeded = TRUE;
  for (guint i = 0, added = 0; i < n && added < AT_FIRST; i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (library, i);
    if (parley_model_get_state (model) != PARLEY_MODEL_READY)
      continue;
    parley_comparison_add_model (self->comparison, model);
    added++;
  }
}

/* ---- export ---- */

static void
tell (ParleyComparePage *self, const char *text)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", text);
}

static void
picture_place (GFile *file, gpointer data)
{
  ParleyComparePage *self = data;
  g_autofree char *path = g_file_get_path (file);
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    tell (self, _ ("Pictures can be saved only where there is a folder on this computer."));
  else if (!parley_compare_chart_save (PARLEY_COMPARE_CHART (self->chart), path, &error))
    tell (self, error->message);
  else
    tell (self, _ ("The picture is saved"));
}

static void
table_place (GFile *file, gpointer data)
{
  ParleyComparePage *self = data;
  g_autofree char *text = parley_comparison_to_csv (self->comparison);
  g_autoptr (GError) error = NULL;

  if (g_file_replace_contents (file, text, strlen (text), NULL, FALSE, G_FILE_CREATE_NONE, NULL,
                               NULL, &error))
    tell (self, _ ("The table is saved"));
  else
    tell (self, error->message);
}

static GtkWindow *
window_of (ParleyComparePage *self)
{
  return GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

static void
save_picture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  ParleyComparePage *self = data;

  parley_save_file (window_of (self), _ ("Save the Chart"), "models.png", picture_place,
                    g_object_ref (self), g_object_unref);
}

static void
save_table (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  ParleyComparePage *self = data;

  parley_save_file (window_of (self), _ ("Save the Table"), "models.csv", table_place,
                    g_object_ref (self), g_object_unref);
}

/* ---- making ---- */

static void
sort_chosen (ParleyComparePage *self)
{
  parley_comparison_set_sort (self->comparison, (ParleyCompareSort) gtk_drop_down_get_selected (
                                                    GTK_DROP_DOWN (self->sort)));
}

static GtkWidget *
sort_choice (ParleyComparePage *self)
{
  const char *const names[] = { _ ("Smallest first"), _ ("Quickest first"), _ ("By name"), NULL };

  self->sort = gtk_drop_down_new_from_strings (names);
  parley_set_accessible_name (self->sort, _ ("Order"));
  g_signal_connect_swapped (self->sort, "notify::selected", G_CALLBACK (sort_chosen), self);
  return self->sort;
}

static void
map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (parley_compare_page_parent_class)->map (widget);
  parley_hardware_look_again (PARLEY_COMPARE_PAGE (widget)->services->hardware);
  seed (PARLEY_COMPARE_PAGE (widget));
}

static void
dispose (GObject *object)
{
  g_clear_object (&PARLEY_COMPARE_PAGE (object)->comparison);
  G_OBJECT_CLASS (parley_compare_page_parent_class)->dispose (object);
}

static void
parley_compare_page_class_init (ParleyComparePageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  GTK_WIDGET_CLASS (klass)->map = map;
}

static void
parley_compare_page_init (ParleyComparePage *self)
{
  static const GActionEntry actions[] = {
    { "picture", save_picture, NULL },
    { "table", save_table, NULL },
  };
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  g_action_map_add_action_entries (G_ACTION_MAP (group), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "compare", G_ACTION_GROUP (group));
}

static void
make_header (ParleyComparePage *self)
{
  g_autoptr (GMenu) menu = g_menu_new ();
  GtkWidget *save;

  self->header = parley_header_bar (_ ("Compare"));
  g_menu_append (menu, _ ("Save as _Picture …"), "compare.picture");
  g_menu_append (menu, _ ("Save as _Table …"), "compare.table");
  save = parley_menu_button ("document-save-symbolic", _ ("Save"), G_MENU_MODEL (menu));
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), save);
  self->add_button = gtk_menu_button_new ();
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (self->add_button), "list-add-symbolic");
  parley_name_widget (self->add_button, _ ("Add Models"));
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->add_button), add_popover (self));
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), self->add_button);
}

GtkWidget *
parley_compare_page_new (ParleyServices *services)
{
  ParleyComparePage *self = g_object_new (PARLEY_TYPE_COMPARE_PAGE, NULL);
  GtkWidget *body = parley_box (GTK_ORIENTATION_VERTICAL, 18, NULL);
  GtkWidget *choices = gtk_flow_box_new ();
  GtkWidget *card = parley_box (GTK_ORIENTATION_VERTICAL, 0, "card");
  GtkWidget *empty;

  self->services = services;
  self->comparison = parley_comparison_new (services);
  make_header (self);
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (choices), GTK_SELECTION_NONE);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (choices), 2);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (choices), 12);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (choices), 6);
  gtk_flow_box_insert (GTK_FLOW_BOX (choices), computer_choice (self), -1);
  gtk_flow_box_insert (GTK_FLOW_BOX (choices), sort_choice (self), -1);
  /* The choices take the keyboard, not what the flow box puts around them. */
  for (int i = 0; i < 2; i++)
    gtk_widget_set_focusable (
        GTK_WIDGET (gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (choices), i)), FALSE);
  for (GtkWidget *child = gtk_widget_get_first_child (choices); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    gtk_widget_set_focusable (child, FALSE);
  self->chart = parley_compare_chart_new ();
  gtk_widget_add_css_class (self->chart, "card-pad");
  gtk_box_append (GTK_BOX (card), self->chart);
  self->list = parley_boxed_list ();
  gtk_box_append (GTK_BOX (body), choices);
  gtk_box_append (GTK_BOX (body), own_figures (self));
  gtk_box_append (GTK_BOX (body), context_box (self));
  gtk_box_append (GTK_BOX (body), card);
  gtk_box_append (GTK_BOX (body), self->list);
  empty = parley_status_page ("parley-compare-symbolic", _ ("Nothing to Compare Yet"),
                              _ ("Add models of this computer or of the hub with the plus above: "
                                 "their memory and speed appear side by side."),
                              NULL);
  self->stack = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (self->stack), empty, "empty");
  gtk_stack_add_named (GTK_STACK (self->stack), parley_page_body (body, 860), "chart");
  gtk_widget_set_vexpand (self->stack, TRUE);
  gtk_box_append (GTK_BOX (self), self->header);
  gtk_box_append (GTK_BOX (self), self->stack);
  g_signal_connect_swapped (self->comparison, "changed", G_CALLBACK (show), self);
  g_signal_connect_swapped (self->comparison, "told", G_CALLBACK (tell), self);
  g_signal_connect_object (services->library, "items-changed", G_CALLBACK (seed), self,
                           G_CONNECT_SWAPPED);
  show (self);
  return GTK_WIDGET (self);
}
