/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-chat-settings.h"

#include "app/compat.h"
#include "app/parley-dialog.h"
#include "app/parley-widgets.h"
#include "chat/presets.h"

#include <glib/gi18n.h>

#define N_NUMBERS 9

typedef struct {
  ParleyChat *chat;
  ParleyStore *store;
  GtkWindow *dialog;
  GtkWidget *prompt, *seed, *spins[N_NUMBERS];
  GtkWidget *presets; /* the list in the popover */
  GtkWidget *preset_button;
  gboolean showing; /* what changes now was not changed by a person */
} Settings;

/* A number of ParleySampling that is set with a spin button. */
typedef struct {
  const char *title, *subtitle;
  const char *zero; /* shown in place of 0; NULL: "0" */
  gsize offset;
  gboolean is_count; /* a guint, else a double */
  double least, most, step;
  gboolean rare; /* among those that are folded away */
} Number;

static const Number numbers[N_NUMBERS] = {
  { N_ ("Temperature"), N_ ("Higher is more surprising; at 0 it is always the likeliest word"),
    NULL, offsetof (ParleySampling, temperature), FALSE, 0, 2, 0.05, FALSE },
  { N_ ("Top-p"), N_ ("Leaves out the unlikeliest words; 1 leaves out none"), NULL,
    offsetof (ParleySampling, top_p), FALSE, 0, 1, 0.01, FALSE },
  { N_ ("Top-k"), N_ ("Chooses among so many words at most"), N_ ("All"),
    offsetof (ParleySampling, top_k), TRUE, 0, 1000, 1, FALSE },
  { N_ ("Longest reply"), N_ ("In tokens"), N_ ("No limit"), offsetof (ParleySampling, max_tokens),
    TRUE, 0, 1 << 20, 64, FALSE },
  { N_ ("Min-p"), N_ ("Leaves out words less likely than this share of the likeliest"), NULL,
    offsetof (ParleySampling, min_p), FALSE, 0, 1, 0.01, TRUE },
  { N_ ("Repetition penalty"), N_ ("Above 1, words that came before become less likely"), NULL,
    offsetof (ParleySampling, repeat_penalty), FALSE, 0.5, 2, 0.05, TRUE },
  { N_ ("Frequency penalty"), N_ ("The same, growing with each time a word came"), NULL,
    offsetof (ParleySampling, frequency_penalty), FALSE, -2, 2, 0.05, TRUE },
  { N_ ("Presence penalty"), N_ ("The same, once a word came at all"), NULL,
    offsetof (ParleySampling, presence_penalty), FALSE, -2, 2, 0.05, TRUE },
  { N_ ("Penalties look back"), N_ ("In tokens"), N_ ("Off"),
    offsetof (ParleySampling, penalty_window), TRUE, 0, 1 << 16, 16, TRUE },
};

static double
get (const ParleySampling *sampling, const Number *number)
{
  const char *at = (const char *) sampling + number->offset;

  return number->is_count ? *(const guint *) at : *(const double *) at;
}

static void
set (ParleySampling *sampling, const Number *number, double value)
{
  char *at = (char *) sampling + number->offset;

  if (number->is_count)
    *(guint *) at = (guint) value;
  else
    *(double *) at = value;
}

/* ---- from the chat to the widgets ---- */

static void
show (Settings *self)
{
  const ParleySampling *sampling = parley_chat_get_sampling (self->chat);
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, sampling->seed);

  self->showing = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->spins[i]), get (sampling, &numbers[i]));
  gtk_editable_set_text (GTK_EDITABLE (self->seed), sampling->seed_given ? seed : "");
  self->showing = FALSE;
}

static gboolean
show_number (GtkSpinButton *spin, gpointer data)
{
  const Number *number = data;

  if (number->zero == NULL || gtk_spin_button_get_value (spin) != 0)
    return FALSE;
  gtk_editable_set_text (GTK_EDITABLE (spin), _ (number->zero));
  return TRUE;
}

/* ---- from the widgets to the chat ---- */

static void
number_changed (GtkSpinButton *spin, Settings *self)
{
  ParleySampling sampling = *parley_chat_get_sampling (self->chat);

  if (self->showing)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (self->spins[i] == GTK_WIDGET (spin))
      set (&sampling, &numbers[i], gtk_spin_button_get_value (spin));
  parley_chat_set_sampling (self->chat, &sampling);
}

static void
seed_changed (GtkEditable *entry, Settings *self)
{
  const char *text = gtk_editable_get_text (entry);
  ParleySampling sampling = *parley_chat_get_sampling (self->chat);
  guint64 seed = 0;
  gboolean given = *text != '\0';
  gboolean sound = !given || g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &seed, NULL);

  gtk_widget_remove_css_class (GTK_WIDGET (entry), "error");
  if (!sound)
    gtk_widget_add_css_class (GTK_WIDGET (entry), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_STATE_INVALID,
                               sound ? GTK_ACCESSIBLE_INVALID_FALSE : GTK_ACCESSIBLE_INVALID_TRUE,
                               -1);
  if (self->showing || !sound)
    return;
  sampling.seed_given = given;
  sampling.seed = seed;
  parley_chat_set_sampling (self->chat, &sampling);
}

static void
prompt_changed (GtkTextBuffer *buffer, Settings *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  g_autofree char *text = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  parley_chat_set_system_prompt (self->chat, text);
}

static void
reset (GtkButton *button, Settings *self)
{
  ParleySampling usual;

  parley_sampling_init (&usual);
  parley_chat_set_sampling (self->chat, &usual);
  show (self);
}

/* ---- making ---- */

/* ---- presets ---- */

static GtkWidget *row_for (const char *title, const char *subtitle, GtkWidget *widget);

static void
show_prompt (Settings *self)
{
  const char *text = parley_chat_get_system_prompt (self->chat);

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->prompt)),
                            text != NULL ? text : "", -1);
}

static void
apply_preset (GtkButton *button, Settings *self)
{
  const ParleyPreset *preset = g_object_get_data (G_OBJECT (button), "parley-preset");

  parley_chat_set_system_prompt (self->chat, preset->system_prompt);
  parley_chat_set_sampling (self->chat, &preset->sampling);
  gtk_menu_button_popdown (GTK_MENU_BUTTON (self->preset_button));
  show_prompt (self);
  show (self);
}

static void fill_presets (Settings *self);

static void
remove_preset (GtkButton *button, Settings *self)
{
  const ParleyPreset *preset = g_object_get_data (G_OBJECT (button), "parley-preset");

  parley_presets_remove (self->store, preset->name);
  fill_presets (self);
}

static void
add_preset (Settings *self, ParleyPreset *preset, gboolean own)
{
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 4, NULL);
  GtkWidget *button = gtk_button_new ();

  gtk_button_set_child (GTK_BUTTON (button), parley_line (preset->name, NULL));
  gtk_widget_set_hexpand (button, TRUE);
  parley_add_classes (button, "flat starter");
  g_signal_connect (button, "clicked", G_CALLBACK (apply_preset), self);
  gtk_box_append (GTK_BOX (line), button);
  if (own) {
    g_autofree char *name = g_strdup_printf (_ ("Delete the preset %s"), preset->name);
    GtkWidget *remove = parley_icon_button ("user-trash-symbolic", name, NULL);
    gtk_widget_add_css_class (remove, "flat");
    g_object_set_data (G_OBJECT (remove), "parley-preset", preset);
    g_signal_connect (remove, "clicked", G_CALLBACK (remove_preset), self);
    gtk_box_append (GTK_BOX (line), remove);
  }
  /* The line lives as long as its buttons. */
  g_object_set_data (G_OBJECT (button), "parley-preset", preset);
  g_object_set_data_full (G_OBJECT (line), "parley-preset", preset,
                          (GDestroyNotify) parley_preset_free);
  gtk_box_append (GTK_BOX (self->presets), line);
}

static void
fill_presets (Settings *self)
{
  static const struct {
    const char *name;
    double temperature, top_p;
  } usual[] = {
    { N_ ("Precise"), 0.2, 0.9 },
    { N_ ("Balanced"), 0.8, 0.95 },
    { N_ ("Imaginative"), 1.2, 0.98 },
  };
  g_autoptr (GPtrArray) own = parley_presets_load (self->store);

  parley_box_clear (self->presets);
  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++) {
    ParleySampling sampling;
    parley_sampling_init (&sampling);
    sampling.temperature = usual[i].temperature;
    sampling.top_p = usual[i].top_p;
    add_preset (self,
                parley_preset_new (_ (usual[i].name), parley_chat_get_system_prompt (self->chat),
                                   &sampling),
                FALSE);
  }
  if (own->len > 0)
    gtk_box_append (GTK_BOX (self->presets), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  while (own->len > 0)
    add_preset (self, g_ptr_array_steal_index (own, 0), TRUE);
}

typedef struct {
  ParleyStore *store;
  ParleyChat *chat;
  GtkEditable *entry;
} NewPreset;

static void
new_preset_free (gpointer data)
{
  NewPreset *new = data;

  g_object_unref (new->store);
  g_object_unref (new->chat);
  g_object_unref (new->entry);
  g_free (new);
}

static void
save_preset_now (gpointer data)
{
  NewPreset *new = data;
  g_autofree char *name = g_strdup (gtk_editable_get_text (new->entry));

  if (*g_strstrip (name) == '\0')
    return;
  g_autoptr (ParleyPreset) preset = parley_preset_new (
      name, parley_chat_get_system_prompt (new->chat), parley_chat_get_sampling (new->chat));
  parley_presets_save (new->store, preset);
}

static void
save_preset (GtkButton *button, Settings *self)
{
  NewPreset *new = g_new0 (NewPreset, 1);
  GtkWidget *entry = gtk_entry_new ();

  gtk_menu_button_popdown (GTK_MENU_BUTTON (self->preset_button));
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_max_length (GTK_ENTRY (entry), 100);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Name of the preset"), -1);
  new->store = g_object_ref (self->store);
  new->chat = g_object_ref (self->chat);
  new->entry = GTK_EDITABLE (g_object_ref (entry));
  parley_ask (self->dialog, _ ("Save as Preset"),
              _ ("System prompt and choice of words can then be taken over in other chats."), entry,
              _ ("Save"), FALSE, save_preset_now, new, new_preset_free);
  gtk_widget_grab_focus (entry);
}

static GtkWidget *
presets_group (Settings *self)
{
  GtkWidget *group = adw_preferences_group_new (), *popover = gtk_popover_new ();
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);
  GtkWidget *save = parley_text_button (_ ("Save as Preset…"), NULL);

  self->presets = parley_box (GTK_ORIENTATION_VERTICAL, 2, NULL);
  gtk_widget_set_size_request (self->presets, 220, -1);
  gtk_widget_add_css_class (save, "flat");
  g_signal_connect (save, "clicked", G_CALLBACK (save_preset), self);
  gtk_box_append (GTK_BOX (box), self->presets);
  gtk_box_append (GTK_BOX (box), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  gtk_box_append (GTK_BOX (box), save);
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  g_signal_connect_swapped (popover, "show", G_CALLBACK (fill_presets), self);
  self->preset_button = gtk_menu_button_new ();
  gtk_menu_button_set_label (GTK_MENU_BUTTON (self->preset_button), _ ("Choose"));
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->preset_button), popover);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group),
                             row_for (_ ("Preset"),
                                      _ ("A system prompt and a choice of words under a name"),
                                      self->preset_button));
  return group;
}

static void
settings_free (gpointer data)
{
  Settings *self = data;

  g_object_unref (self->store);
  g_object_unref (self->chat);
  g_free (self);
}

static GtkWidget *
row_for (const char *title, const char *subtitle, GtkWidget *widget)
{
  GtkWidget *row = adw_action_row_new ();

  parley_row_set_plain (row);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_widget_set_valign (widget, GTK_ALIGN_CENTER);
  /* The row's title names its widget, too. */
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), widget);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), widget);
  return row;
}

static GtkWidget *
number_row (Settings *self, gsize i)
{
  const Number *number = &numbers[i];
  GtkWidget *spin = gtk_spin_button_new_with_range (number->least, number->most, number->step);

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), number->is_count ? 0 : 2);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), number->zero == NULL);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 7);
  g_signal_connect (spin, "output", G_CALLBACK (show_number), (gpointer) number);
  g_signal_connect (spin, "value-changed", G_CALLBACK (number_changed), self);
  self->spins[i] = spin;
  return row_for (_ (number->title), _ (number->subtitle), spin);
}

static GtkWidget *
prompt_box (Settings *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new (), *view = gtk_text_view_new ();
  const char *text = parley_chat_get_system_prompt (self->chat);

  self->prompt = view;
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_left_margin (GTK_TEXT_VIEW (view), 12);
  gtk_text_view_set_right_margin (GTK_TEXT_VIEW (view), 12);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (view), 10);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (view), 10);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("System prompt"), -1);
  if (text != NULL)
    gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), text, -1);
  g_signal_connect (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), "changed",
                    G_CALLBACK (prompt_changed), self);
  parley_add_classes (scroller, "card prompt-entry");
  gtk_widget_set_overflow (scroller, GTK_OVERFLOW_HIDDEN);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (scroller), 96);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), view);
  return scroller;
}

static GtkWidget *
words_group (Settings *self)
{
  GtkWidget *group = adw_preferences_group_new ();
  GtkWidget *usual = parley_text_button (_ ("Defaults"), NULL);

  gtk_widget_add_css_class (usual, "flat");
  gtk_widget_set_valign (usual, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (usual, _ ("Sets the numbers to what they usually are"));
  g_signal_connect (usual, "clicked", G_CALLBACK (reset), self);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _ ("Choice of Words"));
  adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (group), usual);
  GtkWidget *more = adw_expander_row_new ();
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (more), _ ("More"));
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].rare)
      adw_expander_row_add_row (ADW_EXPANDER_ROW (more), number_row (self, i));
    else
      adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), number_row (self, i));
  self->seed = gtk_entry_new ();
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->seed), _ ("Random"));
  gtk_entry_set_input_purpose (GTK_ENTRY (self->seed), GTK_INPUT_PURPOSE_DIGITS);
  gtk_editable_set_width_chars (GTK_EDITABLE (self->seed), 9);
  g_signal_connect (self->seed, "changed", G_CALLBACK (seed_changed), self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group),
                             row_for (_ ("Seed"),
                                      _ ("A whole number; the same one gives the same reply again"),
                                      self->seed));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), more);
  return group;
}

void
parley_chat_settings_present (GtkWindow *parent, ParleyChat *chat, ParleyStore *store)
{
  Settings *self = g_new0 (Settings, 1);
  GtkWidget *page = adw_preferences_page_new (), *prompt = adw_preferences_group_new ();

  self->chat = g_object_ref (chat);
  self->store = g_object_ref (store);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page),
                            ADW_PREFERENCES_GROUP (presets_group (self)));
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (prompt), _ ("System Prompt"));
  adw_preferences_group_set_description (
      ADW_PREFERENCES_GROUP (prompt),
      _ ("What the model is told before the conversation: how to answer, and as whom"));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (prompt), prompt_box (self));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (prompt));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page),
                            ADW_PREFERENCES_GROUP (words_group (self)));
  show (self);
  GtkWindow *dialog = self->dialog =
      parley_dialog_new (parent, _ ("Chat Settings"), page, 560, 660);
  /* Freed with the window itself, when its widgets are gone and call no more. */
  g_object_set_data_full (G_OBJECT (dialog), "parley-settings", self, settings_free);
  gtk_window_present (dialog);
}
