/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-chat-files.h"

#include "app/parley-task.h"
#include "app/parley-window.h"
#include "store/new-file.h"

#include <glib/gi18n.h>
#include <string.h>

#define STEP_BYTES (1 << 20) /* between two words about the progress */

static char *
dup_file_name (GFile *file)
{
  g_autofree char *base = g_file_get_basename (file);

  return g_filename_display_name (base != NULL ? base : "");
}

/* ---- out ---- */

typedef struct {
  ParleyStore *store;
  GtkWidget *widget;
  ParleyChat *chat; /* a snapshot, the thread's, until it is written */
  ParleyChatFormat format;
  GFile *file;
  guint n_left_out; /* attached files */
} Export;

static void
export_free (gpointer data)
{
  Export *self = data;

  g_object_unref (self->store);
  g_object_unref (self->widget);
  g_clear_object (&self->chat);
  g_object_unref (self->file);
  g_free (self);
}

static gboolean
write_steps (ParleyNewFile *file, const char *text, gsize n, ParleyTask *task,
             GCancellable *cancellable, GError **error)
{
  for (gsize done = 0; done < n;) {
    gsize step = MIN (n - done, STEP_BYTES);
    if (!parley_new_file_write (file, text + done, step, cancellable, error))
      return FALSE;
    done += step;
    parley_task_report (done, n, task);
  }
  return TRUE;
}

static gboolean
write_text (Export *self, const char *text, ParleyTask *task, GCancellable *cancellable,
            GError **error)
{
  g_autofree char *path = g_file_get_path (self->file);
  gsize n = strlen (text);

  /* Elsewhere, what is there does what it can. */
  if (path == NULL)
    return g_file_replace_contents (self->file, text, n, NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL,
                                    cancellable, error);
  if (parley_store_owns_file (self->store, path)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                         _ ("Parley keeps its chats in this file. Choose another name."));
    return FALSE;
  }
  g_autoptr (ParleyNewFile) file = parley_new_file_create (path, error);
  return file != NULL && write_steps (file, text, n, task, cancellable, error) &&
         parley_new_file_finish (file, error);
}

static gpointer
export_chat (ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  Export *self = data;
  g_autofree char *text =
      self->format == PARLEY_CHAT_JSON
          ? parley_chat_export_json (self->chat, &self->n_left_out, cancellable, error)
          : parley_chat_export_markdown (self->chat, cancellable, error);

  /* Here, as to free many messages takes its time, too. */
  g_clear_object (&self->chat);
  return text != NULL && write_text (self, text, task, cancellable, error) ? self : NULL;
}

static void
exported (gpointer result, const GError *error, gpointer data)
{
  Export *self = data;
  guint n = self->n_left_out;
  g_autofree char *text =
      result == NULL ? g_strdup (error->message)
      : n == 0       ? g_strdup (_ ("The chat was exported"))
                     : g_strdup_printf (
                           ngettext ("The chat was exported without %u attached file that is too large. "
                                           "The text that was read out of it is there.",
                                     "The chat was exported without %u attached files that are too "
                                           "large. The text that was read out of them is there.",
                                     n),
                           n);

  parley_window_tell (self->widget, text);
}

void
parley_chat_files_export (ParleyServices *services, GtkWidget *widget, ParleyChat *chat,
                          ParleyChatFormat format, GFile *file)
{
  Export *self = g_new0 (Export, 1);
  g_autofree char *name = dup_file_name (file);
  /* Translators: the name of a file. */
  g_autofree char *title = g_strdup_printf (_ ("Exporting %s"), name);

  *self = (Export){ .store = g_object_ref (services->store),
                    .widget = g_object_ref (widget),
                    .chat = parley_chat_snapshot (chat),
                    .format = format,
                    .file = g_object_ref (file) };
  parley_task_run (services->tasks, PARLEY_TASK_WITH_CHATS, title, export_chat, exported, self,
                   export_free);
}

/* ---- in ---- */

typedef struct {
  ParleyStore *store;
  ParleyChatList *list;
  GtkWidget *widget;
  GPtrArray *files; /* of GFile */
  GPtrArray *chats; /* of ParleyChat: those that are in */
  guint n_left_out; /* files */
  char *problem;    /* of the first of them, or NULL */
} Import;

static void
import_free (gpointer data)
{
  Import *self = data;

  g_object_unref (self->store);
  g_object_unref (self->list);
  g_object_unref (self->widget);
  g_ptr_array_unref (self->files);
  g_ptr_array_unref (self->chats);
  g_free (self->problem);
  g_free (self);
}

/* Of many, the messages are not kept in memory. */
static ParleyChat *
shut (Import *self, ParleyChat *chat)
{
  g_autoptr (ParleyChat) whole = chat;
  g_autoptr (ParleyChatRecord) record =
      parley_store_get_chat (self->store, parley_chat_get_id (chat), NULL);

  return record != NULL ? parley_chat_new_from_record (self->store, record)
                        : g_steal_pointer (&whole);
}

static void
leave_out (Import *self, GFile *file, const GError *error)
{
  self->n_left_out++;
  if (self->problem != NULL)
    return;
  g_autofree char *name = dup_file_name (file);
  self->problem = g_strdup_printf ("%s: %s", name, error->message);
}

static gpointer
import_chats (ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  Import *self = data;
  gboolean many = self->files->len > 1;

  for (guint i = 0; i < self->files->len; i++) {
    g_autoptr (GError) problem = NULL;
    ParleyChat *chat =
        parley_chat_import_file (self->store, self->files->pdata[i], cancellable, &problem);
    if (chat != NULL)
      g_ptr_array_add (self->chats, many ? shut (self, chat) : chat);
    else if (g_cancellable_is_cancelled (cancellable))
      break;
    else
      leave_out (self, self->files->pdata[i], problem);
    parley_task_report (i + 1, self->files->len, task);
  }
  if (self->chats->len == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return self;
}

static char *
dup_outcome (Import *self)
{
  guint n = self->chats->len;
  g_autofree char *in =
      g_strdup_printf (ngettext ("%u chat was imported.", "%u chats were imported.", n), n);

  if (self->n_left_out == 0)
    return g_steal_pointer (&in);
  if (self->files->len == 1)
    return g_strdup (self->problem);
  /* Translators: first "3 chats were imported.", at the end a file and what is wrong with it. */
  return g_strdup_printf (
      ngettext ("%s %u file was left out. %s", "%s %u files were left out. %s", self->n_left_out),
      in, self->n_left_out, self->problem);
}

static void
imported (gpointer result, const GError *error, gpointer data)
{
  Import *self = data;
  GtkRoot *root = gtk_widget_get_root (self->widget);

  parley_chat_list_adopt_all (self->list, self->chats);
  if (self->files->len == 1 && self->chats->len == 1 && PARLEY_IS_WINDOW (root)) {
    parley_window_show_chat (PARLEY_WINDOW (root), self->chats->pdata[0], 0);
    return;
  }
  g_autofree char *text = dup_outcome (self);
  parley_window_tell (self->widget, text);
}

void
parley_chat_files_import (ParleyServices *services, GtkWidget *widget, GPtrArray *files)
{
  Import *self = g_new0 (Import, 1);
  guint n = files->len;
  g_autofree char *name = dup_file_name (files->pdata[0]);
  g_autofree char *title =
      n == 1 ? g_strdup_printf (_ ("Importing %s"), name)
             : g_strdup_printf (ngettext ("Importing %u chat", "Importing %u chats", n), n);

  *self = (Import){ .store = g_object_ref (services->store),
                    .list = g_object_ref (services->chats),
                    .widget = g_object_ref (widget),
                    .files = files,
                    .chats = g_ptr_array_new_with_free_func (g_object_unref) };
  parley_task_run (services->tasks, PARLEY_TASK_WITH_CHATS, title, import_chats, imported, self,
                   import_free);
}
