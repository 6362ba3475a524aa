/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/parley-chat-records.h"
#include "store/parley-store-private.h"

#include <glib/gi18n.h>

#define MAX_ATTACHMENT_BYTES (64 << 20)

typedef struct {
  char *sha256, *mime_type;
  GBytes *bytes;
  gint64 now;
} Attachment;

static void
attachment_free (gpointer data)
{
  Attachment *attachment = data;
  g_free (attachment->sha256);
  g_free (attachment->mime_type);
  g_clear_pointer (&attachment->bytes, g_bytes_unref);
  g_free (attachment);
}

static gboolean
add_attachment (sqlite3 *db, gpointer data, GError **error)
{
  const Attachment *a = data;
  return parley_sql_run (db, error,
                         "INSERT INTO attachment VALUES (?, ?, ?, ?)"
                         " ON CONFLICT (sha256) DO UPDATE SET added_at = excluded.added_at",
                         "ssbi", a->sha256, a->mime_type, a->bytes, a->now);
}

char *
parley_store_add_attachment (ParleyStore *store, const char *mime_type, GBytes *bytes,
                             GError **error)
{
  if (g_bytes_get_size (bytes) > MAX_ATTACHMENT_BYTES) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_INVALID,
                 _ ("An attachment can have at most %d MB."), MAX_ATTACHMENT_BYTES >> 20);
    return NULL;
  }
  Attachment *attachment = g_new (Attachment, 1);
  *attachment = (Attachment){ .sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes),
                              .mime_type = g_strdup (mime_type),
                              .bytes = g_bytes_ref (bytes),
                              .now = g_get_real_time () };
  char *sha256 = g_strdup (attachment->sha256);
  parley_store_queue (store, 0, PARLEY_STORE_DURABLE, add_attachment, attachment, attachment_free);
  return sha256;
}

static gboolean
get_attachment (sqlite3 *db, gpointer data, GError **error)
{
  Attachment *a = data;
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
  Attachment a = { .sha256 = (char *) sha256 };
  if (!parley_store_read (store, get_attachment, &a, error))
    return NULL;
  if (mime_type)
    *mime_type = g_steal_pointer (&a.mime_type);
  g_free (a.mime_type);
  return a.bytes;
}
