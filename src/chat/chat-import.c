/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chat from the JSON that parley_chat_export_json() writes. The file comes from anywhere: what is
 * missing or of another type is left out, a message whose parent is not there is refused, sizes and
 * numbers are bounded, and nothing enters the store before all of it was understood; then all of it
 * does, in one transaction.
 */
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "chat/bounded-file.h"
#include "chat/parley-chat-private.h"

#define MAX_MESSAGES 100000
#define MAX_PARTS    1000 /* of a message; each is a widget */
#define MAX_TITLE    500  /* characters */
#define MAX_FOLDER   200

/* A file that came along: base64 as it stands, until a message that names it is read. */
typedef struct {
  const struct pe_json *entry;
  const char *sha256; /* the record's; NULL: not read yet, or there is none */
} Attached;

typedef struct {
  ParleyStore *store;
  ParleyChat *chat;
  GCancellable *cancellable;
  GHashTable *ids;      /* number in the file -> gint64, the new identifier */
  GPtrArray *messages;  /* of ParleyMessageRecord, parents first */
  GHashTable *attached; /* name in the file -> Attached */
  GPtrArray *records;   /* of ParleyAttachmentRecord: those that messages name */
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

/* One line, at most so long: it becomes a label. */
static char *
dup_line (const struct pe_json *object, const char *key, glong max_characters)
{
  char *text = dup_text (object, key);
  if (!text)
    return NULL;
  if (g_utf8_strlen (text, -1) > max_characters)
    *g_utf8_offset_to_pointer (text, max_characters) = '\0';
  for (char *c = text; *c; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  return text;
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

static void
list_attached (Import *import, const struct pe_json *root)
{
  const struct pe_json *list = get_list (root, "attachments", PE_JSON_OBJECT);
  for (size_t i = 0; list && i < list->list.n; i++) {
    Attached *attached = g_new0 (Attached, 1);
    attached->entry = &list->list.items[i];
    g_hash_table_insert (import->attached, (gpointer) list->list.keys[i].data, attached);
  }
}

/* Each file is decoded once, however many parts name it. */
static gboolean
read_attachment (Import *import, ParleyPartRecord *part, GError **error)
{
  g_autofree char *name = g_steal_pointer (&part->attachment);
  Attached *attached = import->store ? g_hash_table_lookup (import->attached, name) : NULL;
  if (attached && attached->entry) {
    g_autofree char *base64 = dup_text (attached->entry, "base64");
    g_autofree char *type = dup_line (attached->entry, "type", MAX_TITLE);
    attached->entry = NULL;
    if (base64) {
      gsize n;
      guchar *data = g_base64_decode_inplace (base64, &n);
      g_autoptr (GBytes) bytes = g_bytes_new (data, n);
      ParleyAttachmentRecord *record =
          parley_attachment_record_new (type ? type : "application/octet-stream", bytes, error);
      if (!record)
        return FALSE;
      g_ptr_array_add (import->records, record);
      attached->sha256 = record->sha256;
    }
  }
  part->attachment = attached ? g_strdup (attached->sha256) : NULL;
  return TRUE;
}

static gboolean
read_parts (Import *import, ParleyMessageRecord *message, const struct pe_json *object,
            GError **error)
{
  const struct pe_json *parts = get_list (object, "parts", PE_JSON_ARRAY);
  if (parts && parts->list.n > MAX_PARTS)
    return refuse (error, _ ("a message has too many parts"));
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
    if (part->attachment && !read_attachment (import, part, error))
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
  if (!list || list->list.n == 0)
    return refuse (error, _ ("it has no messages"));
  if (list->list.n > MAX_MESSAGES)
    return refuse (error, _ ("it has too many messages"));
  for (size_t i = 0; i < list->list.n; i++)
    if (g_cancellable_set_error_if_cancelled (import->cancellable, error) ||
        !read_message (import, &list->list.items[i], error))
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
  g_autofree char *title = dup_line (root, "title", MAX_TITLE);
  if (title) {
    g_free (record->title);
    record->title = g_steal_pointer (&title);
    record->title_given = *record->title != 0;
  }
  record->folder = dup_line (root, "folder", MAX_FOLDER);
  const struct pe_json *pinned = pe_json_get (root, "pinned");
  record->pinned = pinned && pinned->kind == PE_JSON_BOOL && pinned->boolean;
  record->summary = dup_text (root, "summary");
  record->system_prompt = dup_text (root, "system_prompt");
  record->settings = dup_text (root, "settings");
  record->model = dup_text (root, "model");
  gint64 created = get_time (root, "created"), updated = get_time (root, "updated");
  /* What comes from the future would stand above all others for ever. */
  record->created_at = created ? MIN (created, record->created_at) : record->created_at;
  record->updated_at = updated ? MIN (updated, record->updated_at) : record->updated_at;
}

/* All of the chat, into memory. */
static gboolean
read_document (Import *import, const struct pe_json *root, GError **error)
{
  g_autofree char *format = dup_text (root, "format");
  if (g_strcmp0 (format, "parley-chat") != 0)
    return refuse (error, _ ("it does not say so"));
  if (get_integer (root, "version") != 1) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                         _ ("This chat was exported by a newer Parley."));
    return FALSE;
  }
  list_attached (import, root);
  if (!read_messages (import, root, error))
    return FALSE;
  ParleyChat *chat = import->chat;
  read_chat (chat->record, root);
  parley_sampling_from_json (&chat->sampling, chat->record->settings);
  chat->record->memory_start = new_id_for (import, get_integer (root, "memory_start"));
  read_path (import, root);
  return TRUE;
}

static gboolean
parse (const char *json, gsize n_bytes, struct pe_json_document *document, GError **error)
{
  struct pe_error problem = { 0 };
  if (pe_json_parse (json, n_bytes, document, &problem))
    return TRUE;
  if (problem.code == PE_ERROR_MEMORY) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                         _ ("There is not enough memory to import this chat."));
    return FALSE;
  }
  if (n_bytes > PARLEY_CHAT_MAX_JSON)
    return refuse (error, _ ("it is larger than 64 MB"));
  if (problem.code == PE_ERROR_LIMIT)
    return refuse (error, _ ("it is nested too deeply, or has too many values"));
  g_autofree char *at = g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) problem.offset);
  /* Translators: a position in a damaged file, counted in bytes. */
  g_autofree char *why = g_strdup_printf (_ ("it is damaged at byte %s"), at);
  return refuse (error, why);
}

ParleyChat *
parley_chat_import_json (ParleyStore *store, const char *json, gsize n_bytes,
                         GCancellable *cancellable, GError **error)
{
  struct pe_json_document document = { 0 };
  if (!parse (json, n_bytes, &document, error))
    return NULL;
  g_autoptr (ParleyChat) chat = parley_chat_new (store);
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr (GHashTable) attached = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_autoptr (GPtrArray) messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_message_record_free);
  g_autoptr (GPtrArray) records =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_attachment_record_free);
  Import import = { .store = store,
                    .chat = chat,
                    .cancellable = cancellable,
                    .ids = ids,
                    .messages = messages,
                    .attached = attached,
                    .records = records };
  gboolean good =
      read_document (&import, &document.root, error) &&
      (!store || parley_store_import_chat (store, chat->record, messages, records, error));
  pe_json_document_clear (&document);
  if (!good)
    return NULL;
  chat->stored = store != NULL;
  _parley_chat_load_tree (chat, messages);
  return g_steal_pointer (&chat);
}

ParleyChat *
parley_chat_import_file (ParleyStore *store, GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GBytes) bytes =
      parley_read_bounded (file, PARLEY_CHAT_MAX_JSON, cancellable, &problem);
  if (bytes) {
    gsize n;
    const char *json = g_bytes_get_data (bytes, &n);
    return parley_chat_import_json (store, json ? json : "", n, cancellable, error);
  }
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY))
    refuse (error, _ ("it is a folder"));
  else if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE))
    refuse (error, _ ("it is not a usual file"));
  else if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE))
    refuse (error, _ ("it is larger than 64 MB"));
  else
    g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}
