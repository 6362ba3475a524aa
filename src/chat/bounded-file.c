/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/bounded-file.h"

#define BLOCK_BYTES 65536

static GFileInputStream *
open_file (GFile *file, GCancellable *cancellable, GError **error)
{
  GFileType type = g_file_query_file_type (file, G_FILE_QUERY_INFO_NONE, cancellable);
  if (type == G_FILE_TYPE_DIRECTORY)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, "folder");
  else if (type == G_FILE_TYPE_SPECIAL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "special");
  else
    return g_file_read (file, cancellable, error);
  return NULL;
}

GBytes *
parley_read_bounded (GFile *file, gsize max_bytes, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileInputStream) in = open_file (file, cancellable, error);
  if (!in)
    return NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  for (;;) {
    guint8 block[BLOCK_BYTES];
    gssize n = g_input_stream_read (G_INPUT_STREAM (in), block, sizeof block, cancellable, error);
    if (n < 0)
      return NULL;
    if (n == 0)
      return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
    if (bytes->len + (gsize) n > max_bytes) {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "long");
      return NULL;
    }
    g_byte_array_append (bytes, block, (guint) n);
  }
}
