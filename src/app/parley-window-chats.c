/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the window does with chats by their number: the actions behind the menus of chats, folders
 * and messages.
 */
#include "app/chats/parley-chat-files.h"
#include "app/compat.h"
#include "app/widgets/parley-dialog.h"
#include "app/widgets/parley-widgets.h"
#include "app/parley-window-private.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_NAME_CHARACTERS 60 /* of a file: at most 255 bytes */

/* 0: the one that is shown. */
static ParleyChat *
chat_of (ParleyWindow *self, GVariant *parameter)
{
  gint64 id = g_variant_get_int64 (parameter);
  ParleyChat *shown = parley_chat_page_get_chat (self->chat_page);

  /* One that is new, or temporary, is in no list. */
  if (shown != NULL && (id == 0 || parley_chat_get_id (shown) == id))
    return shown;
  return parley_chat_list_find (self->services->chats, id);
}

/* ---- what Undo brings back ---- */

/* Each message of the window has its own, whatever is deleted after it. */
typedef struct {
  ParleyChat *chat;
  gint64 message; /* of it; 0: the chat itself */
} Deletion;

static void
deletion_free (gpointer data)
{
  Deletion *deletion = data;

  g_object_unref (deletion->chat);
  g_free (deletion);
}

static void undo (AdwToast *toast, ParleyWindow *self);

static void
offer_undo (ParleyWindow *self, const char *text, ParleyChat *chat, gint64 message)
{
  AdwToast *toast = parley_toast_new_undo (text);
  Deletion *deletion = g_new0 (Deletion, 1);

  *deletion = (Deletion){ g_object_ref (chat), message };
  g_object_set_data_full (G_OBJECT (toast), "parley-deletion", deletion, deletion_free);
  g_signal_connect_object (toast, "button-clicked", G_CALLBACK (undo), self, 0);
  parley_window_add_toast (self, toast);
}

static void
undo (AdwToast *toast, ParleyWindow *self)
{
  const Deletion *deletion = g_object_get_data (G_OBJECT (toast), "parley-deletion");

  if (deletion->message == 0 ? parley_chat_list_restore (self->services->chats, deletion->chat)
                             : parley_chat_undo_delete (deletion->chat, deletion->message))
    parley_window_show_chat (self, deletion->chat, 0);
  else if (deletion->message != 0 && parley_chat_get_state (deletion->chat) != PARLEY_CHAT_IDLE)
    offer_undo (self, _ ("Not while a reply is being written"), deletion->chat, deletion->message);
}

/* ---- chats ---- */

static void
delete_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat == NULL)
    return;
  const char *title = parley_chat_get_title (chat);
  g_autofree char *text =
      g_strdup_printf (_ ("Deleted “%s”"), *title != '\0' ? title : _ ("New Chat"));

  offer_undo (self, text, chat, 0);
  gboolean shown = parley_chat_page_get_chat (self->chat_page) == chat;
  parley_chat_list_delete (self->services->chats, chat);
  if (shown) {
    g_autoptr (ParleyChat) fresh = parley_chat_list_create (self->services->chats);
    parley_chat_page_set_chat (self->chat_page, fresh);
    parley_sidebar_select_chat (self->sidebar, NULL);
  }
}

static void
duplicate_open (ParleyChat *chat, const GError *error, gpointer data)
{
  ParleyWindow *self = data;

  if (error != NULL) {
    parley_window_toast (self, error->message);
    return;
  }
  g_autoptr (ParleyChat) copy = parley_chat_list_duplicate (self->services->chats, chat);
  if (copy != NULL)
    parley_window_show_chat (self, copy, 0);
}

static void
duplicate_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat != NULL)
    parley_chat_open_async (chat, 0, NULL, duplicate_open, g_object_ref (self), g_object_unref);
}

static void
pin_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyChat *chat = chat_of (PARLEY_WINDOW (widget), parameter);

  if (chat != NULL)
    parley_chat_set_pinned (chat, !parley_chat_get_pinned (chat));
}

typedef struct {
  ParleyChat *chat;
  GtkEditable *entry;
} Rename;

static void
rename_free (gpointer data)
{
  Rename *rename = data;

  g_object_unref (rename->chat);
  g_object_unref (rename->entry);
  g_free (rename);
}

static void
name_by_itself (ParleyChat *chat, const GError *error, gpointer data)
{
  if (error == NULL)
    parley_chat_set_title (chat, "");
}

static void
rename_now (gpointer data)
{
  Rename *rename = data;
  g_autofree char *title = g_strdup (gtk_editable_get_text (rename->entry));

  if (*g_strstrip (title) != '\0')
    parley_chat_set_title (rename->chat, title);
  else
    /* It is called by its first message. */
    parley_chat_open_async (rename->chat, 0, NULL, name_by_itself, NULL, NULL);
}

static void
rename_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat == NULL)
    return;
  GtkWidget *entry = gtk_entry_new ();
  Rename *rename = g_new0 (Rename, 1);
  gtk_editable_set_text (GTK_EDITABLE (entry), parley_chat_get_title (chat));
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  parley_set_accessible_name (entry, _ ("Name of the chat"));
  rename->chat = g_object_ref (chat);
  rename->entry = GTK_EDITABLE (g_object_ref (entry));
  parley_ask (GTK_WINDOW (self), _ ("Rename Chat"), NULL, entry, _ ("Rename"), FALSE, rename_now,
              rename, rename_free);
  gtk_widget_grab_focus (entry);
}

static void
show_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyChat *chat = chat_of (PARLEY_WINDOW (widget), parameter);

  if (chat != NULL)
    parley_window_show_chat (PARLEY_WINDOW (widget), chat, 0);
}

/* ---- folders ---- */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_utf8_collate (*(const char *const *) a, *(const char *const *) b);
}

/* Names of the folders in use, in order. */
static GPtrArray *
list_folders (ParleyWindow *self)
{
  GListModel *chats = G_LIST_MODEL (self->services->chats);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < g_list_model_get_n_items (chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (chats, i);
    const char *folder = parley_chat_get_folder (chat);
    if (folder != NULL && *folder != '\0' &&
        !g_ptr_array_find_with_equal_func (names, folder, g_str_equal, NULL))
      g_ptr_array_add (names, g_strdup (folder));
  }
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* Returns the chats that were in it. */
static GPtrArray *
set_folder_of_all (ParleyWindow *self, const char *from, const char *to)
{
  GListModel *chats = G_LIST_MODEL (self->services->chats);
  GPtrArray *moved = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (chats); i++) {
    g_autoptr (ParleyChat) chat = g_list_model_get_item (chats, i);
    if (g_strcmp0 (parley_chat_get_folder (chat), from) != 0)
      continue;
    parley_chat_set_folder (chat, to);
    g_ptr_array_add (moved, g_object_ref (chat));
  }
  return moved;
}

typedef struct {
  ParleyWindow *window;
  ParleyChat *chat; /* that is moved, or: */
  char *folder;     /* that is renamed */
  GtkEditable *entry;
} FolderName;

static void
folder_name_free (gpointer data)
{
  FolderName *name = data;

  g_clear_object (&name->chat);
  g_object_unref (name->entry);
  g_free (name->folder);
  g_free (name);
}

static void
folder_named (gpointer data)
{
  FolderName *name = data;
  g_autofree char *text = g_strdup (gtk_editable_get_text (name->entry));

  g_strstrip (text);
  g_strdelimit (text, "\n\r\t", ' ');
  if (name->chat != NULL)
    parley_chat_set_folder (name->chat, *text != '\0' ? text : NULL);
  else if (*text != '\0') {
    parley_sidebar_rename_folder (name->window->sidebar, name->folder, text);
    g_ptr_array_unref (set_folder_of_all (name->window, name->folder, text));
  }
}

static void
folder_picked (GtkButton *button, GtkEditable *entry)
{
  gtk_editable_set_text (entry, gtk_button_get_label (button));
}

/* An entry, and below it the folders there are, to be taken over with a click. */
static GtkWidget *
folder_entry (ParleyWindow *self, const char *text, FolderName *name)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 8, NULL), *entry = gtk_entry_new ();
  g_autoptr (GPtrArray) folders = list_folders (self);

  gtk_editable_set_text (GTK_EDITABLE (entry), text != NULL ? text : "");
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_max_length (GTK_ENTRY (entry), 200);
  parley_set_accessible_name (entry, _ ("Name of the folder"));
  gtk_box_append (GTK_BOX (box), entry);
  for (guint i = 0; name->chat != NULL && i < MIN (folders->len, 8); i++) {
    GtkWidget *button = parley_text_button (folders->pdata[i], NULL);
    gtk_widget_add_css_class (button, "flat");
    g_signal_connect_object (button, "clicked", G_CALLBACK (folder_picked), entry, 0);
    gtk_box_append (GTK_BOX (box), button);
  }
  name->window = self;
  name->entry = GTK_EDITABLE (g_object_ref (entry));
  return box;
}

static void
move_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat == NULL)
    return;
  FolderName *name = g_new0 (FolderName, 1);
  name->chat = g_object_ref (chat);
  GtkWidget *box = folder_entry (self, parley_chat_get_folder (chat), name);
  parley_ask (GTK_WINDOW (self), _ ("Move to Folder"),
              _ ("A new name makes a new folder; none takes the chat out of its folder."), box,
              _ ("Move"), FALSE, folder_named, name, folder_name_free);
  gtk_widget_grab_focus (GTK_WIDGET (name->entry));
}

static void
rename_folder (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  FolderName *name = g_new0 (FolderName, 1);

  name->folder = g_variant_dup_string (parameter, NULL);
  GtkWidget *box = folder_entry (self, name->folder, name);
  parley_ask (GTK_WINDOW (self), _ ("Rename Folder"), NULL, box, _ ("Rename"), FALSE, folder_named,
              name, folder_name_free);
  gtk_widget_grab_focus (GTK_WIDGET (name->entry));
}

typedef struct {
  GPtrArray *chats;
  char *name;
} RemovedFolder;

static void
removed_folder_free (gpointer data)
{
  RemovedFolder *removed = data;

  g_ptr_array_unref (removed->chats);
  g_free (removed->name);
  g_free (removed);
}

/* What was put elsewhere since stays there. */
static void
undo_remove_folder (AdwToast *toast)
{
  const RemovedFolder *removed = g_object_get_data (G_OBJECT (toast), "parley-folder");

  for (guint i = 0; i < removed->chats->len; i++)
    if (parley_chat_get_folder (removed->chats->pdata[i]) == NULL)
      parley_chat_set_folder (removed->chats->pdata[i], removed->name);
}

/* The chats stay. */
static void
remove_folder (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  const char *name = g_variant_get_string (parameter, NULL);
  RemovedFolder *removed = g_new0 (RemovedFolder, 1);
  g_autofree char *text = g_strdup_printf (_ ("Folder “%s” removed"), name);
  AdwToast *toast = parley_toast_new_undo (text);

  *removed = (RemovedFolder){ set_folder_of_all (self, name, NULL), g_strdup (name) };
  g_object_set_data_full (G_OBJECT (toast), "parley-folder", removed, removed_folder_free);
  g_signal_connect (toast, "button-clicked", G_CALLBACK (undo_remove_folder), NULL);
  parley_window_add_toast (self, toast);
}

/* ---- messages ---- */

static void
message_deleted (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);

  offer_undo (self, _ ("Message deleted"), parley_chat_page_get_chat (self->chat_page),
              g_variant_get_int64 (parameter));
}

/* `parameter`: the last message that the new chat has. */
static void
branch_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = parley_chat_page_get_chat (self->chat_page);
  guint n = chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (chat)) : 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyMessage) message = g_list_model_get_item (G_LIST_MODEL (chat), i);
    if (parley_message_get_id (message) != g_variant_get_int64 (parameter))
      continue;
    g_autoptr (ParleyChat) branch = parley_chat_branch (chat, message);
    parley_chat_list_adopt (self->services->chats, branch);
    parley_window_show_chat (self, branch, 0);
    return;
  }
}

/* ---- files ---- */

typedef struct {
  ParleyWindow *window;
  ParleyChat *chat;
  ParleyChatFormat format;
} Export;

static void
export_free (gpointer data)
{
  Export *export = data;

  g_object_unref (export->window);
  g_object_unref (export->chat);
  g_free (export);
}

static void
export_to (GFile *file, gpointer data)
{
  Export *export = data;

  parley_chat_files_export (export->window->services, GTK_WIDGET (export->window), export->chat,
                            export->format, file);
}

static void
export_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  ParleyChat *chat = chat_of (self, parameter);

  if (chat == NULL)
    return;
  const char *title = parley_chat_get_title (chat);
  Export *export = g_new0 (Export, 1);
  export->window = g_object_ref (self);
  export->chat = g_object_ref (chat);
  gboolean json = g_str_equal (g_action_get_name (G_ACTION (action)), "export-json");
  export->format = json ? PARLEY_CHAT_JSON : PARLEY_CHAT_MARKDOWN;
  g_autofree char *start =
      g_utf8_substring (title, 0, MIN (g_utf8_strlen (title, -1), MAX_NAME_CHARACTERS));
  g_autofree char *name =
      g_strconcat (*start != '\0' ? start : _ ("Chat"), json ? ".json" : ".md", NULL);
  g_strdelimit (name, "/\\\n", '-');
  if (*name == '.') /* or it would be hidden */
    *name = '-';
  parley_save_file (GTK_WINDOW (self), _ ("Export Chat"), name, export_to, export, export_free);
}

static gboolean
import_now (gpointer data)
{
  ParleyWindow *self = data;

  self->import_id = 0;
  parley_chat_files_import (self->services, GTK_WIDGET (self), g_steal_pointer (&self->to_import));
  return G_SOURCE_REMOVE;
}

/* Files that are named together come one by one, and are one piece of work. */
void
parley_window_import_chat (ParleyWindow *self, GFile *file)
{
  if (self->to_import == NULL)
    self->to_import = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->to_import, g_object_ref (file));
  if (self->import_id == 0)
    self->import_id = g_idle_add (import_now, self);
}

static void
import_from (GFile *file, gpointer data)
{
  parley_window_import_chat (PARLEY_WINDOW (data), file);
}

/* The shown chat, to an address, for scripts and tests. */
static void
export_file (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  ParleyWindow *self = PARLEY_WINDOW (widget);
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (g_variant_get_string (parameter, NULL));
  g_autofree char *path = g_file_get_path (file);
  ParleyChat *chat = parley_chat_page_get_chat (self->chat_page);

  if (chat != NULL)
    parley_chat_files_export (self->services, GTK_WIDGET (self), chat,
                              path != NULL && g_str_has_suffix (path, ".md") ? PARLEY_CHAT_MARKDOWN
                                                                             : PARLEY_CHAT_JSON,
                              file);
}

static void
import_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  parley_open_files (GTK_WINDOW (widget), _ ("Import Chats"), "json", TRUE, import_from,
                     g_object_ref (widget), g_object_unref);
}

/* The same by addresses, for scripts and tests. */
static void
import_files (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autofree const char **names = g_variant_get_strv (parameter, NULL);

  for (const char **name = names; *name != NULL; name++) {
    g_autoptr (GFile) file = g_file_new_for_commandline_arg (*name);
    parley_window_import_chat (PARLEY_WINDOW (widget), file);
  }
}

static void
import_file (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (g_variant_get_string (parameter, NULL));

  parley_window_import_chat (PARLEY_WINDOW (widget), file);
}

static void
attach_file (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (g_variant_get_string (parameter, NULL));

  parley_chat_page_attach_file (PARLEY_WINDOW (widget)->chat_page, file);
}

static void
temporary_chat (GSimpleAction *action, GVariant *parameter, gpointer widget)
{
  g_autoptr (ParleyChat) chat = parley_chat_new (NULL);

  parley_window_show_chat (PARLEY_WINDOW (widget), chat, 0);
}

void
_parley_window_add_chat_actions (ParleyWindow *self)
{
  static const GActionEntry actions[] = {
    { "show-chat", show_chat, "x" },
    { "rename-chat", rename_chat, "x" },
    { "duplicate-chat", duplicate_chat, "x" },
    { "delete-chat", delete_chat, "x" },
    { "pin-chat", pin_chat, "x" },
    { "move-chat", move_chat, "x" },
    { "rename-folder", rename_folder, "s" },
    { "remove-folder", remove_folder, "s" },
    { "branch-chat", branch_chat, "x" },
    { "message-deleted", message_deleted, "x" },
    { "export-markdown", export_chat, "x" },
    { "export-json", export_chat, "x" },
    { "export-file", export_file, "s" },
    { "import-chat", import_chat, NULL },
    { "import-file", import_file, "s" },
    { "import-files", import_files, "as" },
    { "attach-file", attach_file, "s" },
    { "temporary-chat", temporary_chat, NULL },
  };

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
