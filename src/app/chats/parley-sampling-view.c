/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-sampling-view.h"

#include "app/compat.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <string.h>

#define N_NUMBERS 21
#define PAUSE_MS  350 /* in typing, after which a text is read and kept */

/* Where a row stands; all but the first group are among "All Settings". */
typedef enum {
  USUAL,
  LIMITS,
  REPETITION,
  SURPRISE,
  N_GROUPS,
} Group;

typedef enum {
  ANYTHING,
  SCHEMA,
  RULES,
  N_FORMS,
} Form;

struct _ParleySamplingView {
  ParleyChat *chat;
  GtkWidget *spins[N_NUMBERS], *groups[N_GROUPS];
  GtkWidget *seed, *mirostat, *biases, *bias_problem;
  GtkWidget *kinds[N_FORMS];                                   /* of them one is active */
  GtkWidget *form_text, *form_scroller, *form_problem, *forms; /* `forms`: their group */
  Form form;
  char *texts[N_FORMS]; /* of those that are not shown */
  guint pause_id;
  gboolean showing; /* what changes now was not changed by a person */
};

/* A number of ParleySampling that is set with a spin button. */
typedef struct {
  const char *title, *subtitle;
  const char *zero; /* shown in place of 0; NULL: "0" */
  Group group;
  gsize offset;
  gboolean is_count; /* a guint, else a double */
  double least, most, step;
} Number;

#define AT(field) offsetof (ParleySampling, field)

static const Number numbers[N_NUMBERS] = {
  { N_ ("Temperature"), N_ ("Higher is more surprising; at 0 it is always the likeliest word"),
    NULL, USUAL, AT (temperature), FALSE, 0, 2, 0.05 },
  { N_ ("Top-p"), N_ ("Leaves out the unlikeliest words; 1 leaves out none"), NULL, USUAL,
    AT (top_p), FALSE, 0, 1, 0.01 },
  { N_ ("Top-k"), N_ ("Chooses among so many words at most"), N_ ("All"), USUAL, AT (top_k), TRUE,
    0, 1000, 1 },
  { N_ ("Longest reply"), N_ ("In tokens"), N_ ("No limit"), USUAL, AT (max_tokens), TRUE, 0,
    1 << 20, 64 },

  { N_ ("Min-p"), N_ ("Leaves out words less likely than this share of the likeliest"), N_ ("Off"),
    LIMITS, AT (min_p), FALSE, 0, 1, 0.01 },
  { N_ ("Typical-p"), N_ ("Keeps words about as surprising as is usual here; 1 keeps all"), NULL,
    LIMITS, AT (typical_p), FALSE, 0, 1, 0.01 },
  { N_ ("Top-n-sigma"), N_ ("Keeps words within so many deviations of the likeliest"), N_ ("Off"),
    LIMITS, AT (top_n_sigma), FALSE, 0, 10, 0.1 },

  { N_ ("Repetition penalty"), N_ ("Above 1, words that came before become less likely"), NULL,
    REPETITION, AT (repeat_penalty), FALSE, 0.5, 2, 0.05 },
  { N_ ("Frequency penalty"), N_ ("The same, growing with each time a word came"), NULL, REPETITION,
    AT (frequency_penalty), FALSE, -2, 2, 0.05 },
  { N_ ("Presence penalty"), N_ ("The same, once a word came at all"), NULL, REPETITION,
    AT (presence_penalty), FALSE, -2, 2, 0.05 },
  { N_ ("Penalties look back"), N_ ("In tokens"), N_ ("Off"), REPETITION, AT (penalty_window), TRUE,
    0, 1 << 16, 16 },
  { N_ ("DRY"), N_ ("Makes it less likely that whole phrases come again; 0.8 is usual"), N_ ("Off"),
    REPETITION, AT (dry_multiplier), FALSE, 0, 5, 0.1 },
  { N_ ("DRY growth"), N_ ("By how much more with each further word of a phrase"), NULL, REPETITION,
    AT (dry_base), FALSE, 1, 4, 0.05 },
  { N_ ("DRY free length"), N_ ("Phrases of so many tokens may come again"), NULL, REPETITION,
    AT (dry_free_length), TRUE, 0, 100, 1 },
  { N_ ("DRY looks back"), N_ ("In tokens"), NULL, REPETITION, AT (dry_window), TRUE, 1, 1 << 20,
    256 },

  { N_ ("XTC"), N_ ("How often the likeliest words are left out, so that others have a chance"),
    N_ ("Off"), SURPRISE, AT (xtc_probability), FALSE, 0, 1, 0.05 },
  { N_ ("XTC threshold"), N_ ("Which words count as likely for that"), NULL, SURPRISE,
    AT (xtc_threshold), FALSE, 0, 0.5, 0.01 },
  { N_ ("Temperature range"), N_ ("Less where the model is sure, more where it is not"), N_ ("Off"),
    SURPRISE, AT (dynamic_temperature_range), FALSE, 0, 2, 0.05 },
  { N_ ("Temperature curve"), N_ ("Exponent of the range"), NULL, SURPRISE,
    AT (dynamic_temperature_exponent), FALSE, 0, 10, 0.1 },
  { N_ ("Mirostat surprise"), N_ ("What it aims at, in bits a token"), NULL, SURPRISE,
    AT (mirostat_tau), FALSE, 0, 20, 0.1 },
  { N_ ("Mirostat pace"), N_ ("How fast it gets there"), NULL, SURPRISE, AT (mirostat_eta), FALSE,
    0, 1, 0.01 },
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

static void
mark_invalid (GtkWidget *widget, gboolean invalid)
{
  gtk_widget_remove_css_class (widget, "error");
  if (invalid)
    gtk_widget_add_css_class (widget, "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_STATE_INVALID,
                               invalid ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);
}

static void
tell_problem (GtkWidget *label, const char *problem)
{
  gtk_label_set_text (GTK_LABEL (label), problem != NULL ? problem : "");
  gtk_widget_set_visible (label, problem != NULL);
}

/* ---- from the chat to the widgets ---- */

static void
show_form (ParleySamplingView *self)
{
  const char *text = self->texts[self->form];

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->form_text)),
                            text != NULL ? text : "", -1);
  gtk_widget_set_visible (self->form_scroller, self->form != ANYTHING);
}

void
parley_sampling_view_show (ParleySamplingView *self)
{
  const ParleySampling *sampling = parley_chat_get_sampling (self->chat);
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, sampling->seed);

  g_clear_handle_id (&self->pause_id, g_source_remove);
  self->showing = TRUE;
  for (gsize i = 0; i < N_NUMBERS; i++)
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->spins[i]), get (sampling, &numbers[i]));
  gtk_editable_set_text (GTK_EDITABLE (self->seed), sampling->seed_given ? seed : "");
  gtk_switch_set_active (GTK_SWITCH (self->mirostat), sampling->mirostat > 0);
  gtk_editable_set_text (GTK_EDITABLE (self->biases),
                         sampling->logit_bias != NULL ? sampling->logit_bias : "");
  self->form = sampling->json_schema != NULL ? SCHEMA
               : sampling->grammar != NULL   ? RULES
                                             : ANYTHING;
  g_free (self->texts[SCHEMA]);
  g_free (self->texts[RULES]);
  self->texts[SCHEMA] = g_strdup (sampling->json_schema);
  self->texts[RULES] = g_strdup (sampling->grammar);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (self->kinds[self->form]), TRUE);
  show_form (self);
  tell_problem (self->form_problem, NULL);
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
number_changed (GtkSpinButton *spin, ParleySamplingView *self)
{
  ParleySampling sampling = *parley_chat_get_sampling (self->chat);

  if (self->showing)
    return;
  for (gsize i = 0; i < N_NUMBERS; i++)
    if (self->spins[i] == GTK_WIDGET (spin))
      set (&sampling, &numbers[i], gtk_spin_button_get_value (spin));
  parley_chat_set_sampling (self->chat, &sampling);
}

static void
seed_changed (GtkEditable *entry, ParleySamplingView *self)
{
  const char *text = gtk_editable_get_text (entry);
  ParleySampling sampling = *parley_chat_get_sampling (self->chat);
  guint64 seed = 0;
  gboolean given = *text != '\0';
  gboolean sound = !given || g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &seed, NULL);

  mark_invalid (GTK_WIDGET (entry), !sound);
  if (self->showing || !sound)
    return;
  sampling.seed_given = given;
  sampling.seed = seed;
  parley_chat_set_sampling (self->chat, &sampling);
}

static void
mirostat_changed (GtkSwitch *widget, GParamSpec *pspec, ParleySamplingView *self)
{
  ParleySampling sampling = *parley_chat_get_sampling (self->chat);

  if (self->showing)
    return;
  sampling.mirostat = gtk_switch_get_active (widget);
  parley_chat_set_sampling (self->chat, &sampling);
}

static void
take_biases (ParleySamplingView *self)
{
  ParleySampling sampling = *parley_chat_get_sampling (self->chat);
  gboolean sound = parley_sampling_set_logit_bias (
      &sampling, gtk_editable_get_text (GTK_EDITABLE (self->biases)));

  mark_invalid (self->biases, !sound);
  tell_problem (self->bias_problem,
                sound ? NULL : _ ("Numbers of tokens and what is added to each, such as 42=-inf"));
  if (sound)
    parley_chat_set_sampling (self->chat, &sampling);
}

static char *
dup_form_text (ParleySamplingView *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->form_text));
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
}

/* Only what can be used is set: a form that is half typed must not meet a message. Nor must one of
 * the kind that was chosen before. */
static void
take_form (ParleySamplingView *self)
{
  ParleySampling sampling = *parley_chat_get_sampling (self->chat);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strstrip (dup_form_text (self));
  gboolean wanted = self->form != ANYTHING && *text != '\0';
  gboolean sound = !wanted || parley_answer_form_check (text, self->form == SCHEMA, &error);
  const char *other = self->form == RULES ? sampling.json_schema : sampling.grammar;

  mark_invalid (self->form_text, !sound);
  tell_problem (self->form_problem, error != NULL ? error->message : NULL);
  if (!sound && other == NULL)
    return;
  if (self->form == RULES)
    parley_sampling_set_grammar (&sampling, sound ? text : NULL);
  else
    parley_sampling_set_json_schema (&sampling, sound && wanted ? text : NULL);
  parley_chat_set_sampling (self->chat, &sampling);
}

static gboolean
paused (gpointer data)
{
  ParleySamplingView *self = data;

  self->pause_id = 0;
  take_biases (self);
  take_form (self);
  return G_SOURCE_REMOVE;
}

/* Texts are read when the person pauses, not with each key: reading takes time, and what is kept
 * stays in memory. */
static void
text_changed (ParleySamplingView *self)
{
  if (self->showing)
    return;
  g_clear_handle_id (&self->pause_id, g_source_remove);
  self->pause_id = g_timeout_add (PAUSE_MS, paused, self);
}

static void
take_what_waits (ParleySamplingView *self)
{
  if (self->pause_id == 0)
    return;
  g_clear_handle_id (&self->pause_id, g_source_remove);
  paused (self);
}

static void
kind_chosen (GtkCheckButton *button, ParleySamplingView *self)
{
  if (self->showing || !gtk_check_button_get_active (button))
    return;
  g_free (self->texts[self->form]);
  self->texts[self->form] = dup_form_text (self);
  for (Form i = 0; i < N_FORMS; i++)
    if (self->kinds[i] == GTK_WIDGET (button))
      self->form = i;
  self->showing = TRUE;
  show_form (self);
  self->showing = FALSE;
  take_form (self);
}

static void
reset (GtkButton *button, ParleySamplingView *self)
{
  ParleySampling usual;

  parley_sampling_init (&usual);
  parley_chat_set_sampling (self->chat, &usual);
  parley_sampling_view_show (self);
}

static void
show_rare (GtkSwitch *widget, GParamSpec *pspec, ParleySamplingView *self)
{
  gboolean all = gtk_switch_get_active (widget);

  for (Group i = USUAL + 1; i < N_GROUPS; i++)
    gtk_widget_set_visible (self->groups[i], all);
  gtk_widget_set_visible (self->forms, all);
}

/* ---- making ---- */

static void
add_row (GtkWidget *group, const char *title, const char *subtitle, GtkWidget *widget)
{
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group),
                             parley_setting_row (title, subtitle, widget));
}

static GtkWidget *
number_spin (ParleySamplingView *self, gsize i)
{
  const Number *number = &numbers[i];
  GtkWidget *spin = gtk_spin_button_new_with_range (number->least, number->most, number->step);

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), number->is_count ? 0 : 2);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), number->zero == NULL);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 7);
  g_signal_connect (spin, "output", G_CALLBACK (show_number), (gpointer) number);
  g_signal_connect (spin, "value-changed", G_CALLBACK (number_changed), self);
  return self->spins[i] = spin;
}

static GtkWidget *
problem_label (void)
{
  GtkWidget *label = parley_label (NULL, "error caption");

  gtk_widget_set_margin_top (label, 6);
  gtk_widget_set_visible (label, FALSE);
  return label;
}

static void
build_seed (ParleySamplingView *self)
{
  self->seed = gtk_entry_new ();
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->seed), _ ("Random"));
  gtk_entry_set_input_purpose (GTK_ENTRY (self->seed), GTK_INPUT_PURPOSE_DIGITS);
  gtk_editable_set_width_chars (GTK_EDITABLE (self->seed), 9);
  g_signal_connect (self->seed, "changed", G_CALLBACK (seed_changed), self);
  add_row (self->groups[USUAL], _ ("Seed"),
           _ ("A whole number; the same one gives the same reply again"), self->seed);
}

static void
build_all_switch (ParleySamplingView *self)
{
  GtkWidget *all = gtk_switch_new ();

  g_signal_connect (all, "notify::active", G_CALLBACK (show_rare), self);
  add_row (self->groups[USUAL], _ ("All Settings"),
           _ ("Further limits, repetition, surprise, and the form of answers"), all);
}

static void
build_surprise (ParleySamplingView *self)
{
  self->mirostat = gtk_switch_new ();
  g_signal_connect (self->mirostat, "notify::active", G_CALLBACK (mirostat_changed), self);
  add_row (self->groups[SURPRISE], _ ("Mirostat"),
           _ ("Keeps the surprise even, in place of the limits above"), self->mirostat);
}

static void
build_forms (ParleySamplingView *self)
{
  static const char *const names[N_FORMS] = { N_ ("Anything"), N_ ("JSON of a schema"),
                                              N_ ("Rules of a grammar") };
  GtkWidget *view = self->form_text = gtk_text_view_new ();

  self->forms = adw_preferences_group_new ();
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self->forms), _ ("Form of Answers"));
  adw_preferences_group_set_description (ADW_PREFERENCES_GROUP (self->forms),
                                         _ ("Reasoning before an answer stays free"));
  for (Form i = 0; i < N_FORMS; i++) {
    self->kinds[i] = gtk_check_button_new ();
    gtk_check_button_set_group (GTK_CHECK_BUTTON (self->kinds[i]),
                                i > 0 ? GTK_CHECK_BUTTON (self->kinds[0]) : NULL);
    g_signal_connect (self->kinds[i], "toggled", G_CALLBACK (kind_chosen), self);
    add_row (self->forms, _ (names[i]), NULL, self->kinds[i]);
  }

  gtk_text_view_set_monospace (GTK_TEXT_VIEW (view), TRUE);
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (view), FALSE);
  self->form_scroller = parley_text_card (view, 140);
  gtk_widget_set_margin_top (self->form_scroller, 8);
  parley_set_accessible_name (view, _ ("Schema or rules"));
  g_signal_connect_swapped (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), "changed",
                            G_CALLBACK (text_changed), self);

  self->biases = gtk_entry_new ();
  gtk_editable_set_width_chars (GTK_EDITABLE (self->biases), 8);
  gtk_editable_set_max_width_chars (GTK_EDITABLE (self->biases), 14);
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->biases), "42=-inf 17=2.5");
  g_signal_connect_swapped (self->biases, "changed", G_CALLBACK (text_changed), self);
  self->form_problem = problem_label ();
  self->bias_problem = problem_label ();
  add_row (self->forms, _ ("Token bias"),
           _ ("Makes tokens likelier or never come; parley-cli tokenize tells their numbers"),
           self->biases);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->forms), self->bias_problem);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->forms), self->form_scroller);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->forms), self->form_problem);
}

static void
build_groups (ParleySamplingView *self)
{
  static const char *const titles[N_GROUPS] = { N_ ("Choice of Words"), N_ ("Further Limits"),
                                                N_ ("Repetition"), N_ ("Surprise") };
  GtkWidget *usual = parley_text_button (_ ("Defaults"), NULL);

  for (Group i = 0; i < N_GROUPS; i++) {
    self->groups[i] = adw_preferences_group_new ();
    adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self->groups[i]), _ (titles[i]));
  }
  gtk_widget_add_css_class (usual, "flat");
  gtk_widget_set_valign (usual, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (usual, _ ("Sets the numbers to what they usually are"));
  g_signal_connect (usual, "clicked", G_CALLBACK (reset), self);
  adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (self->groups[USUAL]), usual);
  for (gsize i = 0; i < N_NUMBERS; i++) {
    if (numbers[i].offset == AT (mirostat_tau))
      build_surprise (self);
    add_row (self->groups[numbers[i].group], _ (numbers[i].title), _ (numbers[i].subtitle),
             number_spin (self, i));
  }
}

static void
view_free (gpointer data)
{
  ParleySamplingView *self = data;

  g_clear_handle_id (&self->pause_id, g_source_remove);
  for (Form i = 0; i < N_FORMS; i++)
    g_free (self->texts[i]);
  g_object_unref (self->chat);
  g_free (self);
}

ParleySamplingView *
parley_sampling_view_add (AdwPreferencesPage *page, ParleyChat *chat)
{
  ParleySamplingView *self = g_new0 (ParleySamplingView, 1);

  self->chat = g_object_ref (chat);
  self->showing = TRUE;
  build_groups (self);
  build_seed (self);
  build_forms (self);
  build_all_switch (self);
  for (Group i = 0; i < N_GROUPS; i++) {
    gtk_widget_set_visible (self->groups[i], i == USUAL);
    adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (self->groups[i]));
  }
  gtk_widget_set_visible (self->forms, FALSE);
  adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (self->forms));
  parley_sampling_view_show (self);
  g_signal_connect_swapped (page, "unmap", G_CALLBACK (take_what_waits), self);
  /* Freed with the page itself, when its widgets are gone and call no more. */
  g_object_set_data_full (G_OBJECT (page), "parley-sampling-view", self, view_free);
  return self;
}
