/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/attachments.h"

#include "store/parley-store-private.h"

#include <glib/gi18n.h>

ParleyAttachmentRecord *
parley_attachment_record_new (const char *mime_type, GBytes *bytes, GError **error)
{
  if (g_bytes_get_size (bytes) > PARLEY_ATTACHMENT_MAX_BYTES) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                 _ ("An attachment can have at most %d MB."), PARLEY_ATTACHMENT_MAX_BYTES >> 20);
    return NULL;
  }
  ParleyAttachmentRecord *record = g_new (ParleyAttachmentRecord, 1);
  *record =
      (ParleyAttachmentRecord){ .sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes),
                                .mime_type = g_strdup (mime_type),
                                .bytes = g_bytes_ref (bytes) };
  return record;
}

void
parley_attachment_record_free (ParleyAttachmentRecord *record)
{
  if (!record)
    return;
  g_free (record->sha256);
  g_free (record->mime_type);
  g_bytes_unref (record->bytes);
  g_free (record);
}

gboolean
parley_attachments_put (sqlite3 *db, const ParleyAttachmentRecord *record, GError **error)
{
  return parley_sql_run (db, error,
                         "INSERT INTO attachment VALUES (?, ?, ?, ?)"
                         " ON CONFLICT (sha256) DO UPDATE SET added_at = excluded.added_at",
                         "ssbi", record->sha256, record->mime_type, record->bytes,
                         g_get_real_time ());
}

static gboolean
add_attachment (sqlite3 *db, gpointer data, GError **error)
{
  return parley_attachments_put (db, data, error);
}

char *
parley_store_add_attachment (ParleyStore *store, const char *mime_type, GBytes *bytes,
                             GError **error)
{
  ParleyAttachmentRecord *record = parley_attachment_record_new (mime_type, bytes, error);
  if (!record)
    return NULL;
  char *sha256 = g_strdup (record->sha256);
  parley_store_queue (store, 0, PARLEY_STORE_DURABLE, add_attachment, record,
                      (GDestroyNotify) parley_attachment_record_free);
  return sha256;
}

typedef struct {
  const char *sha256;
  char *mime_type;
  GBytes *bytes;
} Wanted;

static gboolean
get_attachment (sqlite3 *db, gpointer data, GError **error)
{
  Wanted *a = data;
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error, "SELECT bytes, mime_type FROM attachment WHERE sha256 = ?", "s", a->sha256);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  if (parley_sql_next (rows, &failure)) {
    a->bytes = parley_sql_dup_bytes (rows, 0);
    a->mime_type = parley_sql_dup_text (rows, 1);
  } else if (failure)
    g_propagate_error (error, g_steal_pointer (&failure));
  else
    g_set_error_literal (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_NOT_FOUND,
                         _ ("This attachment is no longer there."));
  return a->bytes != NULL;
}

GBytes *
parley_store_get_attachment (ParleyStore *store, const char *sha256, char **mime_type,
                             GError **error)
{
  Wanted a = { .sha256 = sha256 };
  if (!parley_store_read (store, get_attachment, &a, error))
    return NULL;
  if (mime_type)
    *mime_type = g_steal_pointer (&a.mime_type);
  g_free (a.mime_type);
  return a.bytes;
}
