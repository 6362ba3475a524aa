/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/chats/parley-attachments.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"
#include "app/widgets/parley-wrap-layout.h"
#include "chat/parley-attachment.h"

#include <glib/gi18n.h>
#include <string.h>

#define DRAFT_KEY       "parley-draft-attachments"
#define MOST_FILES      20
#define BYTES_PER_TOKEN 4 /* of ordinary text, while no model can count */

/* One file: its chip, and its part once it is read. */
typedef struct {
  ParleyAttachments *owner;
  ParleyPartRecord *part;
  gint64 id; /* in the store; 0: it is not there */
  GtkWidget *chip, *cost;
  GCancellable *cancellable;
  guint tokens;
  ParleyResponder *counted_by; /* NULL: `tokens` is a guess */
  gboolean counting;
} File;

struct _ParleyAttachments {
  GtkWidget parent;
  ParleyChat *chat;
  ParleyStore *store;
  GPtrArray *files; /* of File */
};

G_DEFINE_FINAL_TYPE (ParleyAttachments, parley_attachments, GTK_TYPE_WIDGET)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
file_free (gpointer data)
{
  File *file = data;

  g_cancellable_cancel (file->cancellable);
  g_object_unref (file->cancellable);
  g_clear_pointer (&file->part, parley_part_record_free);
  g_clear_object (&file->counted_by);
  if (file->chip != NULL)
    gtk_widget_unparent (file->chip);
  g_free (file);
}

static void
changed (ParleyAttachments *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self), self->files->len > 0);
  g_signal_emit (self, signals[CHANGED], 0);
}

/* ---- kept until it is sent, through the end of the program too ---- */

static void
keep (ParleyAttachments *self, File *file)
{
  g_autoptr (ParleyDraftFile) draft = NULL;

  if (parley_chat_is_temporary (self->chat))
    return;
  file->id = parley_store_new_id (self->store);
  draft = parley_draft_file_new (file->id, file->part);
  parley_store_add_draft_file (
      self->store, parley_chat_is_new (self->chat) ? 0 : parley_chat_get_id (self->chat), draft);
}

static void
forget (ParleyAttachments *self, File *file)
{
  if (file->id != 0)
    parley_store_remove_draft_file (self->store, file->id);
  file->id = 0;
}

static GPtrArray *
drafts_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) parley_draft_file_free);
}

/* What a chat has while another one is shown. A new chat has what the one before was begun with. */
static void
put_aside (ParleyAttachments *self, ParleyChat *chat, GPtrArray *drafts)
{
  g_object_set_data_full (parley_chat_is_new (chat) ? G_OBJECT (self) : G_OBJECT (chat), DRAFT_KEY,
                          drafts, (GDestroyNotify) g_ptr_array_unref);
}

/* The same, or at first what the store has of it. */
static GPtrArray *
take_up (ParleyAttachments *self, ParleyChat *chat)
{
  gboolean is_new = parley_chat_is_new (chat);
  GPtrArray *drafts = g_object_steal_data (is_new ? G_OBJECT (self) : G_OBJECT (chat), DRAFT_KEY);
  g_autoptr (GError) error = NULL;

  if (drafts == NULL && !parley_chat_is_temporary (chat)) {
    drafts =
        parley_store_list_draft_files (self->store, is_new ? 0 : parley_chat_get_id (chat), &error);
    if (drafts == NULL)
      g_message ("%s", error->message);
  }
  put_aside (self, chat, drafts_new ()); /* the store is not asked twice */
  return drafts != NULL ? drafts : drafts_new ();
}

static void
take_off (GtkButton *button, File *file)
{
  ParleyAttachments *self = file->owner;

  forget (self, file);
  g_ptr_array_remove (self->files, file);
  changed (self);
}

/* ---- what it costs ---- */

static void
set_cost (File *file, guint tokens, ParleyResponder *counted_by)
{
  g_autofree char *count = parley_format_tokens (tokens);
  g_autofree char *text = g_strdup_printf (counted_by != NULL ? "%s" : "≈ %s", count);

  file->tokens = tokens;
  g_set_object (&file->counted_by, counted_by);
  gtk_label_set_text (GTK_LABEL (file->cost), text);
}

static File *
find_file (ParleyAttachments *self, GCancellable *cancellable)
{
  for (guint i = 0; i < self->files->len; i++)
    if (((File *) self->files->pdata[i])->cancellable == cancellable)
      return self->files->pdata[i];
  return NULL;
}

/* A reading or counting under way: finds its file again by the cancellable. */
typedef struct {
  ParleyAttachments *self;
  GCancellable *cancellable;
} Pending;

static Pending *
pending_new (ParleyAttachments *self, File *file)
{
  Pending *pending = g_new (Pending, 1);

  pending->self = g_object_ref (self);
  pending->cancellable = g_object_ref (file->cancellable);
  return pending;
}

static File *
pending_end (Pending *pending)
{
  File *file = find_file (pending->self, pending->cancellable);

  g_object_unref (pending->cancellable);
  g_object_unref (pending->self);
  g_free (pending);
  return file;
}

static void
counted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree ParleyMeasure *measure =
      parley_responder_measure_finish (PARLEY_RESPONDER (source), result, NULL);
  File *file = pending_end (data);

  if (file == NULL)
    return;
  file->counting = FALSE;
  if (measure == NULL)
    return;
  set_cost (file, measure->total, PARLEY_RESPONDER (source));
  changed (file->owner);
}

/* A guess, until a model can count, and each model counts otherwise. */
static void
count (ParleyAttachments *self, File *file)
{
  ParleyResponder *responder = parley_chat_get_responder (self->chat);
  ParleyResponderState state =
      responder != NULL ? parley_responder_get_state (responder) : PARLEY_RESPONDER_NO_MODEL;

  if (file->counted_by == NULL && file->tokens == 0)
    set_cost (file, (guint) (strlen (file->part->text) / BYTES_PER_TOKEN), NULL);
  if ((state != PARLEY_RESPONDER_READY && state != PARLEY_RESPONDER_ANSWERING) || file->counting ||
      file->counted_by == responder)
    return;
  g_autoptr (ParleyRequest) request = parley_request_new (0);
  ParleyTurn *turn = parley_request_add_turn (request, 0, PARLEY_ROLE_USER);
  g_ptr_array_add (turn->parts, parley_part_record_copy (file->part));
  file->counting = TRUE;
  parley_responder_measure_async (responder, request, file->cancellable, counted,
                                  pending_new (self, file));
}

static void
responder_changed (ParleyAttachments *self)
{
  for (guint i = 0; i < self->files->len; i++) {
    File *file = self->files->pdata[i];
    if (file->part != NULL)
      count (self, file);
  }
}

/* ---- reading ---- */

static void
was_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyAttachments) self = g_object_ref (((Pending *) data)->self);
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyPartRecord) part = parley_attachment_read_finish (result, &error);
  File *file = pending_end (data);

  if (file == NULL)
    return;
  if (part != NULL) {
    file->part = g_steal_pointer (&part);
    keep (self, file);
    count (self, file);
  } else {
    g_ptr_array_remove (self->files, file);
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
  }
  changed (self);
}

static void
build_chip (File *file, const char *name)
{
  GtkWidget *remove = parley_icon_button ("window-close-symbolic", _ ("Take Off"), NULL);
  GtkWidget *texts = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);
  GtkWidget *label = parley_line (name, NULL);
  g_autofree char *said = g_strdup_printf (_ ("Take off %s"), name);

  file->chip = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, "chip");
  file->cost = parley_line (_ ("Reading…"), "caption dim-label numeric");
  gtk_label_set_max_width_chars (GTK_LABEL (label), 24);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_widget_set_tooltip_text (label, name);
  parley_name_widget (remove, said);
  parley_add_classes (remove, "flat circular");
  g_signal_connect (remove, "clicked", G_CALLBACK (take_off), file);
  gtk_box_append (GTK_BOX (file->chip), parley_icon ("text-x-generic-symbolic"));
  gtk_box_append (GTK_BOX (texts), label);
  gtk_box_append (GTK_BOX (texts), file->cost);
  gtk_box_append (GTK_BOX (file->chip), texts);
  gtk_box_append (GTK_BOX (file->chip), remove);
  gtk_widget_set_parent (file->chip, GTK_WIDGET (file->owner));
}

static File *
add_file (ParleyAttachments *self, const char *name)
{
  File *file = g_new0 (File, 1);

  file->owner = self;
  file->cancellable = g_cancellable_new ();
  build_chip (file, name);
  g_ptr_array_add (self->files, file);
  return file;
}

void
parley_attachments_add (ParleyAttachments *self, GFile *source)
{
  g_autofree char *base = g_file_get_basename (source);
  g_autofree char *name = g_filename_display_name (base != NULL ? base : "");

  if (self->chat == NULL)
    return;
  if (self->files->len >= MOST_FILES) {
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s",
                                _ ("A message can have at most 20 files."));
    return;
  }
  File *file = add_file (self, name);
  parley_attachment_read_async (source, parley_chat_is_temporary (self->chat) ? NULL : self->store,
                                file->cancellable, was_read, pending_new (self, file));
  changed (self);
}

guint
parley_attachments_get_tokens (ParleyAttachments *self)
{
  guint tokens = 0;

  for (guint i = 0; i < self->files->len; i++)
    tokens += ((File *) self->files->pdata[i])->tokens;
  return tokens;
}

guint
parley_attachments_get_n (ParleyAttachments *self)
{
  return self->files->len;
}

gboolean
parley_attachments_is_reading (ParleyAttachments *self)
{
  for (guint i = 0; i < self->files->len; i++)
    if (((File *) self->files->pdata[i])->part == NULL)
      return TRUE;
  return FALSE;
}

GPtrArray *
parley_attachments_dup_parts (ParleyAttachments *self)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_part_record_free);

  for (guint i = 0; i < self->files->len; i++) {
    const File *file = self->files->pdata[i];
    if (file->part != NULL)
      g_ptr_array_add (parts, parley_part_record_copy (file->part));
  }
  return parts;
}

void
parley_attachments_clear (ParleyAttachments *self)
{
  for (guint i = 0; i < self->files->len; i++)
    forget (self, self->files->pdata[i]);
  g_ptr_array_set_size (self->files, 0);
  changed (self);
}

void
parley_attachments_forget_new (ParleyAttachments *self)
{
  g_object_set_data_full (G_OBJECT (self), DRAFT_KEY, drafts_new (),
                          (GDestroyNotify) g_ptr_array_unref);
  if (self->chat != NULL && parley_chat_is_new (self->chat))
    parley_attachments_clear (self);
}

/* What is still being read is not there yet. */
static GPtrArray *
dup_drafts (ParleyAttachments *self)
{
  GPtrArray *drafts = drafts_new ();

  for (guint i = 0; i < self->files->len; i++) {
    const File *file = self->files->pdata[i];
    if (file->part != NULL)
      g_ptr_array_add (drafts, parley_draft_file_new (file->id, file->part));
  }
  return drafts;
}

void
parley_attachments_set_chat (ParleyAttachments *self, ParleyChat *chat, ParleyStore *store)
{
  if (self->chat == chat)
    return;
  if (self->chat != NULL) {
    g_signal_handlers_disconnect_by_data (self->chat, self);
    put_aside (self, self->chat, dup_drafts (self));
    g_ptr_array_set_size (self->files, 0);
  }
  g_set_object (&self->chat, chat);
  g_set_object (&self->store, store);
  if (chat != NULL) {
    g_autoptr (GPtrArray) drafts = take_up (self, chat);
    g_signal_connect_object (chat, "notify::responder", G_CALLBACK (responder_changed), self,
                             G_CONNECT_SWAPPED);
    for (guint i = 0; i < drafts->len; i++) {
      const ParleyDraftFile *draft = drafts->pdata[i];
      File *file = add_file (self, draft->part->name != NULL ? draft->part->name : "");
      file->part = parley_part_record_copy (draft->part);
      file->id = draft->id;
      count (self, file);
    }
  }
  changed (self);
}

/* ---- making ---- */

static void
dispose (GObject *object)
{
  ParleyAttachments *self = PARLEY_ATTACHMENTS (object);

  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_clear_object (&self->chat);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (parley_attachments_parent_class)->dispose (object);
}

static void
parley_attachments_class_init (ParleyAttachmentsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  signals[CHANGED] = g_signal_new ("changed", PARLEY_TYPE_ATTACHMENTS, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
parley_attachments_init (ParleyAttachments *self)
{
  self->files = g_ptr_array_new_with_free_func (file_free);
  gtk_widget_set_layout_manager (GTK_WIDGET (self), parley_wrap_layout_new (6, 6));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  parley_set_accessible_name (GTK_WIDGET (self), _ ("Attached files"));
}

GtkWidget *
parley_attachments_new (void)
{
  return g_object_new (PARLEY_TYPE_ATTACHMENTS, NULL);
}
