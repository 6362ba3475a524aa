/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-chat-settings.h"

#include "app/compat.h"
#include "app/widgets/parley-dialog.h"
#include "app/chats/parley-sampling-view.h"
#include "app/chats/parley-usual-presets.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

typedef struct {
  ParleyChat *chat;
  ParleyStore *store;
  GtkWindow *dialog;
  GtkWidget *prompt;
  ParleySamplingView *sampling; /* belongs to the page */
  GtkWidget *presets;           /* the list in the popover */
  GtkWidget *preset_button;
} Settings;

static void
prompt_changed (GtkTextBuffer *buffer, Settings *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  g_autofree char *text = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  parley_chat_set_system_prompt (self->chat, text);
}

/* ---- presets ---- */

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
  parley_sampling_view_show (self->sampling);
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
  parley_set_accessible_name (button, preset->name);
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
  g_autoptr (GPtrArray) usual =
      parley_usual_presets_new (parley_chat_get_system_prompt (self->chat));
  g_autoptr (GPtrArray) own = parley_presets_load (self->store);

  parley_box_clear (self->presets);
  while (usual->len > 0)
    add_preset (self, g_ptr_array_steal_index (usual, 0), FALSE);
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
  parley_set_accessible_name (entry, _ ("Name of the preset"));
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
  adw_preferences_group_add (
      ADW_PREFERENCES_GROUP (group),
      parley_setting_row (_ ("Preset"), _ ("A system prompt and a choice of words under a name"),
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
prompt_box (Settings *self)
{
  GtkWidget *view = self->prompt = gtk_text_view_new ();
  const char *text = parley_chat_get_system_prompt (self->chat);

  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (view), FALSE);
  parley_set_accessible_name (view, _ ("System prompt"));
  if (text != NULL)
    gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), text, -1);
  g_signal_connect (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), "changed",
                    G_CALLBACK (prompt_changed), self);
  return parley_text_card (view, 96);
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
  self->sampling = parley_sampling_view_add (ADW_PREFERENCES_PAGE (page), chat);
  GtkWindow *dialog = self->dialog =
      parley_dialog_new (parent, _ ("Chat Settings"), page, 560, 660);
  /* Freed with the window itself, when its widgets are gone and call no more. */
  g_object_set_data_full (G_OBJECT (dialog), "parley-settings", self, settings_free);
  gtk_window_present (dialog);
}
