/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chat as a text for people (Markdown, the shown path) and as data (JSON, everything). The JSON
 * has numbers of its own for messages, so that it means the same anywhere.
 */
#include <gio/gio.h>
#include <glib/gi18n.h>

#include "base/json.h"
#include "chat/parley-chat-private.h"

#define SLACK_BYTES 1024 /* of JSON around an attachment, and behind the last one */

/* Markdown */

static void
append_quoted (GString *out, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    g_string_append_printf (out, **line ? "> %s\n" : ">%s\n", *line);
  g_string_append_c (out, '\n');
}

static void
append_part (GString *out, const ParleyPartRecord *part)
{
  /* A fence longer than any in the text, so that the text cannot end it. */
  static const char fence[] = "````````";
  switch (part->kind) {
  case PARLEY_PART_TEXT: g_string_append_printf (out, "%s\n\n", part->text); break;
  case PARLEY_PART_REASONING: append_quoted (out, part->text); break;
  case PARLEY_PART_ATTACHMENT:
    /* Translators: in a chat exported as Markdown; the asterisks make it italic. */
    g_string_append_printf (out, _ ("*Attached: %s*"), part->name ? part->name : _ ("a file"));
    g_string_append (out, "\n\n");
    break;
  case PARLEY_PART_TOOL_CALL:
  case PARLEY_PART_TOOL_RESULT:
    g_string_append_printf (out,
                            /* Translators: name of a tool that a model uses; italic, as above. */
                            part->kind == PARLEY_PART_TOOL_CALL ? _ ("*Calls %s*")
                                                                : _ ("*Answer of %s*"),
                            part->name ? part->name : _ ("a tool"));
    g_string_append_printf (out, "\n\n%s\n%s\n%s\n\n", fence, part->text, fence);
    break;
  default: g_assert_not_reached ();
  }
}

static char *
dup_author (const ParleyMessageRecord *message)
{
  switch (message->role) {
  case PARLEY_ROLE_SYSTEM: return g_strdup (_ ("System"));
  case PARLEY_ROLE_USER: return g_strdup (_ ("You"));
  case PARLEY_ROLE_TOOL: return g_strdup (_ ("Tool"));
  default:
    return g_strdup (message->generation && message->generation->model ? message->generation->model
                                                                       : _ ("Assistant"));
  }
}

char *
parley_chat_export_markdown (ParleyChat *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  if (!parley_chat_open (self, error))
    return NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GDateTime) made = g_date_time_new_from_unix_utc (self->record->created_at / 1000000);
  /* What the file says may be no time. */
  g_autofree char *date = made ? g_date_time_format (made, "%Y-%m-%d") : g_strdup ("");
  g_string_append_printf (out, "# %s\n\n%s\n\n",
                          *self->record->title ? self->record->title : _ ("New Chat"), date);
  if (self->record->system_prompt)
    g_string_append_printf (out, "## %s\n\n%s\n\n", _ ("System"), self->record->system_prompt);
  for (guint i = 0; i < self->path->len; i++) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return NULL;
    g_autoptr (ParleyMessageRecord) message =
        _parley_message_to_record (self->path->pdata[i], self->record->id);
    g_autofree char *author = dup_author (message);
    g_string_append_printf (out, "## %s\n\n", author);
    for (guint k = 0; k < message->parts->len; k++)
      append_part (out, message->parts->pdata[k]);
    const char *remark = parley_message_get_remark (self->path->pdata[i]);
    if (remark)
      g_string_append_printf (out, "*%s*\n\n", remark);
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* JSON */

static void
put_text (struct pe_json_writer *w, const char *key, const char *text)
{
  if (!text)
    return;
  pe_json_key (w, key);
  pe_json_text (w, text);
}

static void
put_time (struct pe_json_writer *w, const char *key, gint64 microseconds)
{
  if (microseconds == 0)
    return;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (microseconds / 1000000);
  g_autofree char *text = time ? g_date_time_format_iso8601 (time) : NULL;
  put_text (w, key, text);
}

static void
put_generation (struct pe_json_writer *w, const ParleyGenerationRecord *g)
{
  pe_json_key (w, "generation");
  pe_json_begin_object (w);
  put_text (w, "model", g->model);
  put_text (w, "model_sha256", g->model_sha256);
  put_text (w, "settings", g->settings);
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, g->seed);
  put_text (w, "seed", seed);
  pe_json_key (w, "prompt_tokens");
  pe_json_uint (w, g->prompt_tokens);
  pe_json_key (w, "cached_tokens");
  pe_json_uint (w, g->cached_tokens);
  pe_json_key (w, "reply_tokens");
  pe_json_uint (w, g->reply_tokens);
  pe_json_key (w, "prompt_seconds");
  pe_json_real (w, g->prompt_seconds);
  pe_json_key (w, "reply_seconds");
  pe_json_real (w, g->reply_seconds);
  pe_json_key (w, "first_token_seconds");
  pe_json_real (w, g->first_token_seconds);
  pe_json_key (w, "reasoning_seconds");
  pe_json_real (w, g->reasoning_seconds);
  put_text (w, "stop", g->stop);
  put_text (w, "problem", g->problem);
  pe_json_end_object (w);
}

static const char *const state_names[] = {
  [PARLEY_MESSAGE_COMPLETE] = "complete", [PARLEY_MESSAGE_ANSWERING] = "answering",
  [PARLEY_MESSAGE_STOPPED] = "stopped",   [PARLEY_MESSAGE_INTERRUPTED] = "interrupted",
  [PARLEY_MESSAGE_FAILED] = "failed",
};

/* Those that messages name, in the order of their first mention; all strings are the records'. */
typedef struct {
  GHashTable *seen;
  GPtrArray *names;
} Attachments;

static void
put_message (struct pe_json_writer *w, const ParleyMessageRecord *m, GHashTable *numbers,
             Attachments *attachments)
{
  pe_json_begin_object (w);
  pe_json_key (w, "id");
  pe_json_uint (w, GPOINTER_TO_UINT (g_hash_table_lookup (numbers, &m->id)));
  pe_json_key (w, "parent");
  if (m->parent)
    pe_json_uint (w, GPOINTER_TO_UINT (g_hash_table_lookup (numbers, &m->parent)));
  else
    pe_json_null (w);
  put_text (w, "role", parley_role_to_string (m->role));
  put_text (w, "state", state_names[m->state]);
  put_time (w, "created", m->created_at);
  put_time (w, "deleted", m->deleted_at);
  pe_json_key (w, "parts");
  pe_json_begin_array (w);
  for (guint i = 0; i < m->parts->len; i++) {
    const ParleyPartRecord *part = m->parts->pdata[i];
    pe_json_begin_object (w);
    put_text (w, "kind", parley_part_kind_to_string (part->kind));
    put_text (w, "name", part->name);
    put_text (w, "text", part->text);
    put_text (w, "attachment", part->attachment);
    pe_json_end_object (w);
    if (part->attachment && g_hash_table_add (attachments->seen, part->attachment))
      g_ptr_array_add (attachments->names, part->attachment);
  }
  pe_json_end_array (w);
  if (m->generation)
    put_generation (w, m->generation);
  pe_json_end_object (w);
}

/* TRUE: it is in the text now, or it was left out; then *n_left_out is one more. */
static gboolean
put_attachment (struct pe_json_writer *w, ParleyStore *store, const char *name, guint *n_left_out,
                GError **error)
{
  g_autofree char *mime_type = NULL;
  g_autoptr (GError) problem = NULL;
  g_autoptr (GBytes) bytes = parley_store_get_attachment (store, name, &mime_type, &problem);
  gsize n = bytes ? g_bytes_get_size (bytes) : 0;
  gsize n_base64 = (n + 2) / 3 * 4;
  if (!bytes && !g_error_matches (problem, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (!bytes || w->n + n_base64 + SLACK_BYTES > PARLEY_CHAT_MAX_JSON) {
    *n_left_out += 1;
    return TRUE;
  }
  g_autofree char *base64 = g_base64_encode (g_bytes_get_data (bytes, NULL), n);
  pe_json_key (w, name);
  pe_json_begin_object (w);
  put_text (w, "type", mime_type);
  put_text (w, "base64", base64);
  pe_json_end_object (w);
  return TRUE;
}

static gboolean
put_attachments (struct pe_json_writer *w, ParleyStore *store, GPtrArray *names, guint *n_left_out,
                 GCancellable *cancellable, GError **error)
{
  pe_json_key (w, "attachments");
  pe_json_begin_object (w);
  for (guint i = 0; store && i < names->len; i++)
    if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
        !put_attachment (w, store, names->pdata[i], n_left_out, error))
      return FALSE;
  pe_json_end_object (w);
  return TRUE;
}

static gboolean
put_messages (struct pe_json_writer *w, GPtrArray *records, GHashTable *numbers,
              Attachments *attachments, GCancellable *cancellable, GError **error)
{
  pe_json_key (w, "messages");
  pe_json_begin_array (w);
  for (guint i = 0; i < records->len; i++) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    put_message (w, records->pdata[i], numbers, attachments);
  }
  pe_json_end_array (w);
  return TRUE;
}

static void
put_chat (struct pe_json_writer *w, const ParleyChatRecord *record, GHashTable *numbers)
{
  put_text (w, "format", "parley-chat");
  pe_json_key (w, "version");
  pe_json_int (w, 1);
  put_text (w, "title", record->title);
  put_text (w, "folder", record->folder);
  pe_json_key (w, "pinned");
  pe_json_bool (w, record->pinned);
  put_text (w, "system_prompt", record->system_prompt);
  put_text (w, "settings", record->settings);
  put_text (w, "model", record->model);
  put_time (w, "created", record->created_at);
  put_time (w, "updated", record->updated_at);
  put_text (w, "summary", record->summary);
  guint start = GPOINTER_TO_UINT (g_hash_table_lookup (numbers, &record->memory_start));
  if (start != 0) {
    pe_json_key (w, "memory_start");
    pe_json_uint (w, start);
  }
}

static void
put_path (struct pe_json_writer *w, GPtrArray *path, GHashTable *numbers)
{
  pe_json_key (w, "path");
  pe_json_begin_array (w);
  for (guint i = 0; i < path->len; i++) {
    gint64 id = parley_message_get_id (path->pdata[i]);
    pe_json_uint (w, GPOINTER_TO_UINT (g_hash_table_lookup (numbers, &id)));
  }
  pe_json_end_array (w);
}

char *
parley_chat_export_json (ParleyChat *self, guint *n_left_out, GCancellable *cancellable,
                         GError **error)
{
  g_return_val_if_fail (PARLEY_IS_CHAT (self), NULL);
  if (!parley_chat_open (self, error))
    return NULL;
  g_autoptr (GPtrArray) records = _parley_chat_list_records (self);
  g_autoptr (GHashTable) numbers = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  Attachments attachments = { seen, names };
  guint left_out = 0;
  for (guint i = 0; i < records->len; i++)
    g_hash_table_insert (numbers, &((ParleyMessageRecord *) records->pdata[i])->id,
                         GUINT_TO_POINTER (i + 1));
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  put_chat (&w, self->record, numbers);
  gboolean whole = put_messages (&w, records, numbers, &attachments, cancellable, error);
  if (whole)
    put_path (&w, self->path, numbers);
  whole = whole && put_attachments (&w, self->store, names, &left_out, cancellable, error);
  pe_json_end_object (&w);
  char *json = NULL;
  if (whole && pe_json_finish (&w))
    json = g_strdup (w.text);
  else if (whole)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                         _ ("There is not enough memory to export this chat."));
  pe_json_writer_clear (&w);
  if (n_left_out)
    *n_left_out = left_out;
  return json;
}
