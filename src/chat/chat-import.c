/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chat from the JSON that parley_chat_export_json() writes. The file comes from anywhere: what is
 * missing or of another type is left out, a message whose parent is not there is refused, and
 * nothing enters the store before all of it was understood.
 */
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "base/json.h"
#include "chat/parley-chat-private.h"

#define MAX_MESSAGES 100000

typedef struct {
  ParleyStore *store;
  ParleyChat *chat;
  GHashTable *ids;     /* number in the file -> gint64, the new identifier */
  GPtrArray *messages; /* of ParleyMessageRecord, parents first */
  const struct pe_json *attachments;
} Import;

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               _ ("This file is not a chat that Parley exported: %s."), why);
  return FALSE;
}

static char *
dup_text (const struct pe_json *object, const char *key)
{
  const struct pe_json *value = pe_json_get (object, key);
  if (!value || value->kind != PE_JSON_STRING || strlen (value->string.data) != value->string.n)
    return NULL;
  return g_strdup (value->string.data);
}

static gint64
get_integer (const struct pe_json *object, const char *key)
{
  const struct pe_json *value = pe_json_get (object, key);
  return value && value->kind == PE_JSON_INT ? value->integer : 0;
}

static double
get_real (const struct pe_json *object, const char *key)
{
  const struct pe_json *value = pe_json_get (object, key);
  double real = !value                         ? 0
                : value->kind == PE_JSON_INT   ? (double) value->integer
                : value->kind == PE_JSON_FLOAT ? value->real
                                               : 0;
  return real >= 0 && real < 1e9 ? real : 0;
}

static gint64
get_time (const struct pe_json *object, const char *key)
{
  g_autofree char *text = dup_text (object, key);
  g_autoptr (GDateTime) time = text ? g_date_time_new_from_iso8601 (text, NULL) : NULL;
  return time ? g_date_time_to_unix (time) * G_USEC_PER_SEC : 0;
}

static const struct pe_json *
get_list (const struct pe_json *object, const char *key, enum pe_json_kind kind)
{
  const struct pe_json *value = pe_json_get (object, key);
  return value && value->kind == kind ? value : NULL;
}

/* Messages */

static ParleyMessageState
read_state (const struct pe_json *object)
{
  g_autofree char *text = dup_text (object, "state");
  if (g_strcmp0 (text, "complete") == 0)
    return PARLEY_MESSAGE_COMPLETE;
  if (g_strcmp0 (text, "stopped") == 0)
    return PARLEY_MESSAGE_STOPPED;
  if (g_strcmp0 (text, "failed") == 0)
    return PARLEY_MESSAGE_FAILED;
  /* What was being written is written by nobody here. */
  return text ? PARLEY_MESSAGE_INTERRUPTED : PARLEY_MESSAGE_COMPLETE;
}

static ParleyGenerationRecord *
read_generation (const struct pe_json *object, gint64 message)
{
  ParleyGenerationRecord *g = parley_generation_record_new (message);
  g_autofree char *seed = dup_text (object, "seed");
  g->model = dup_text (object, "model");
  g->model_sha256 = dup_text (object, "model_sha256");
  g->settings = dup_text (object, "settings");
  if (seed)
    g_ascii_string_to_unsigned (seed, 10, 0, G_MAXUINT64, &g->seed, NULL);
  g->prompt_tokens = (guint) CLAMP (get_integer (object, "prompt_tokens"), 0, G_MAXINT32);
  g->cached_tokens = (guint) CLAMP (get_integer (object, "cached_tokens"), 0, G_MAXINT32);
  g->reply_tokens = (guint) CLAMP (get_integer (object, "reply_tokens"), 0, G_MAXINT32);
  g->prompt_seconds = get_real (object, "prompt_seconds");
  g->reply_seconds = get_real (object, "reply_seconds");
  g->first_token_seconds = get_real (object, "first_token_seconds");
  g->reasoning_seconds = get_real (object, "reasoning_seconds");
  g->stop = dup_text (object, "stop");
  g->problem = dup_text (object, "problem");
  return g;
}

static gboolean
store_attachment (Import *import, ParleyPartRecord *part, GError **error)
{
  const struct pe_json *entry = pe_json_get (import->attachments, part->attachment);
  g_autofree char *base64 = entry ? dup_text (entry, "base64") : NULL;
  g_autofree char *type = entry ? dup_text (entry, "type") : NULL;
  g_clear_pointer (&part->attachment, g_free);
  if (!base64 || !import->store)
    return TRUE;
  gsize n;
  guchar *data = g_base64_decode (base64, &n);
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, n);
  part->attachment = parley_store_add_attachment (
      import->store, type ? type : "application/octet-stream", bytes, error);
  return part->attachment != NULL;
}

static gboolean
read_parts (Import *import, ParleyMessageRecord *message, const struct pe_json *object,
            GError **error)
{
  const struct pe_json *parts = get_list (object, "parts", PE_JSON_ARRAY);
  for (size_t i = 0; parts && i < parts->list.n; i++) {
    const struct pe_json *item = &parts->list.items[i];
    g_autofree char *kind_name = dup_text (item, "kind");
    g_autofree char *text = dup_text (item, "text");
    ParleyPartKind kind;
    if (!text || !parley_part_kind_from_string (kind_name, &kind))
      continue;
    ParleyPartRecord *part = parley_part_record_new (kind, text);
    part->name = dup_text (item, "name");
    part->attachment = dup_text (item, "attachment");
    g_ptr_array_add (message->parts, part);
    if (part->attachment && !store_attachment (import, part, error))
      return FALSE;
  }
  return TRUE;
}

static gint64
new_id_for (Import *import, gint64 number)
{
  gint64 *id = g_hash_table_lookup (import->ids, &number);
  return id ? *id : 0;
}

static gboolean
read_message (Import *import, const struct pe_json *object, GError **error)
{
  g_autofree char *role = dup_text (object, "role");
  gint64 number = get_integer (object, "id"), parent = get_integer (object, "parent");
  g_autoptr (ParleyMessageRecord) message = parley_message_record_new ();
  if (number <= 0 || new_id_for (import, number) != 0)
    return refuse (error, _ ("its messages are not numbered"));
  if (!parley_role_from_string (role, &message->role))
    return refuse (error, _ ("a message has no author"));
  if (parent != 0 && new_id_for (import, parent) == 0)
    return refuse (error, _ ("a message answers one that is not there"));
  message->id = _parley_chat_new_id (import->chat);
  message->chat = import->chat->record->id;
  message->parent = new_id_for (import, parent);
  message->state = read_state (object);
  message->created_at = get_time (object, "created");
  message->deleted_at = get_time (object, "deleted");
  if (!read_parts (import, message, object, error))
    return FALSE;
  const struct pe_json *generation = get_list (object, "generation", PE_JSON_OBJECT);
  if (generation)
    message->generation = read_generation (generation, message->id);
  g_hash_table_insert (import->ids, g_memdup2 (&number, sizeof number),
                       g_memdup2 (&message->id, sizeof message->id));
  g_ptr_array_add (import->messages, g_steal_pointer (&message));
  return TRUE;
}

static gboolean
read_messages (Import *import, const struct pe_json *root, GError **error)
{
  const struct pe_json *list = get_list (root, "messages", PE_JSON_ARRAY);
  if (!list)
    return refuse (error, _ ("it has no messages"));
  if (list->list.n > MAX_MESSAGES)
    return refuse (error, _ ("it has too many messages"));
  for (size_t i = 0; i < list->list.n; i++)
    if (!read_message (import, &list->list.items[i], error))
      return FALSE;
  return TRUE;
}

/* The path says which versions were shown. */
static void
read_path (Import *import, const struct pe_json *root)
{
  const struct pe_json *path = get_list (root, "path", PE_JSON_ARRAY);
  g_autoptr (GHashTable) by_id = g_hash_table_new (g_int64_hash, g_int64_equal);
  for (guint i = 0; i < import->messages->len; i++) {
    ParleyMessageRecord *message = import->messages->pdata[i];
    g_hash_table_insert (by_id, &message->id, message);
  }
  for (size_t i = 0; path && i < path->list.n; i++) {
    const struct pe_json *item = &path->list.items[i];
    gint64 id = item->kind == PE_JSON_INT ? new_id_for (import, item->integer) : 0;
    const ParleyMessageRecord *message = g_hash_table_lookup (by_id, &id);
    ParleyMessageRecord *parent = message ? g_hash_table_lookup (by_id, &message->parent) : NULL;
    if (parent)
      parent->chosen_child = id;
    if (message)
      import->chat->record->leaf = id;
  }
}

static void
read_chat (ParleyChatRecord *record, const struct pe_json *root)
{
  g_autofree char *title = dup_text (root, "title");
  if (title) {
    g_free (record->title);
    record->title = g_steal_pointer (&title);
    record->title_given = *record->title != 0;
  }
  record->folder = dup_text (root, "folder");
  const struct pe_json *pinned = pe_json_get (root, "pinned");
  record->pinned = pinned && pinned->kind == PE_JSON_BOOL && pinned->boolean;
  record->summary = dup_text (root, "summary");
  record->system_prompt = dup_text (root, "system_prompt");
  record->settings = dup_text (root, "settings");
  record->model = dup_text (root, "model");
  gint64 created = get_time (root, "created"), updated = get_time (root, "updated");
  record->created_at = created ? created : record->created_at;
  record->updated_at = updated ? updated : record->updated_at;
}

static ParleyChat *
read_document (ParleyStore *store, const struct pe_json *root, GError **error)
{
  g_autofree char *format = dup_text (root, "format");
  if (g_strcmp0 (format, "parley-chat") != 0) {
    refuse (error, _ ("it does not say so"));
    return NULL;
  }
  if (get_integer (root, "version") != 1) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                         _ ("This chat was exported by a newer Parley."));
    return NULL;
  }
  g_autoptr (ParleyChat) chat = parley_chat_new (store);
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr (GPtrArray) messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  Import import = { .store = store, .chat = chat, .ids = ids, .messages = messages };
  import.attachments = get_list (root, "attachments", PE_JSON_OBJECT);
  if (!read_messages (&import, root, error))
    return NULL;
  read_chat (chat->record, root);
  parley_sampling_from_json (&chat->sampling, chat->record->settings);
  chat->record->memory_start = new_id_for (&import, get_integer (root, "memory_start"));
  read_path (&import, root);
  _parley_chat_take_records (chat, messages);
  return g_steal_pointer (&chat);
}

ParleyChat *
parley_chat_import_json (ParleyStore *store, const char *json, gsize n_bytes, GError **error)
{
  struct pe_json_document document = { 0 };
  struct pe_error problem = { 0 };
  if (!pe_json_parse (json, n_bytes, &document, &problem)) {
    refuse (error, problem.message);
    return NULL;
  }
  ParleyChat *chat = read_document (store, &document.root, error);
  pe_json_document_clear (&document);
  return chat;
}
