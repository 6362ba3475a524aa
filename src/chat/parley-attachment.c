/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-attachment.h"

#include "chat/bounded-file.h"
#include "hardware/parley-hardware.h"

#include <glib/gi18n.h>
#include <string.h>

typedef struct {
  GFile *file;
  ParleyStore *store;
} Reading;

static void
reading_free (gpointer data)
{
  Reading *reading = data;
  g_object_unref (reading->file);
  g_clear_object (&reading->store);
  g_free (reading);
}

static gboolean
refuse (GError **error, const char *name, const char *why)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, _ ("“%s” cannot be attached: %s"), name,
               why);
  return FALSE;
}

static GBytes *
read_bytes (GFile *file, const char *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failure = NULL;
  GBytes *bytes = parley_read_bounded (file, PARLEY_ATTACHMENT_MAX_FILE, cancellable, &failure);
  if (bytes)
    return bytes;
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY))
    refuse (error, name, _ ("it is a folder."));
  else if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE))
    refuse (error, name, _ ("it is no file with a text."));
  else if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE))
    refuse (error, name, _ ("it is larger than 32 MB."));
  else {
    g_autofree char *text = g_strdup_printf (_ ("it cannot be read (%s)."), failure->message);
    refuse (error, name, text);
  }
  return NULL;
}

static char *
read_pdf (GBytes *bytes, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *program = parley_hardware_find_program ("chat", "parley-pdf-text");
  g_autoptr (GError) failure = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                            G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                        &failure, program, NULL);
  if (!process) {
    refuse (error, name, _ ("this Parley was built without the reader of PDF files."));
    return NULL;
  }
  g_autoptr (GBytes) out = NULL;
  if (!g_subprocess_communicate (process, bytes, cancellable, &out, NULL, error)) {
    g_subprocess_force_exit (process);
    return NULL;
  }
  if (!g_subprocess_get_if_exited (process) || g_subprocess_get_exit_status (process) != 0) {
    refuse (error, name, _ ("it is locked with a password, damaged, or no PDF."));
    return NULL;
  }
  gsize n;
  const char *text = g_bytes_get_data (out, &n);
  return g_utf8_make_valid (text ? text : "", (gssize) n);
}

/* Text in UTF-8, in UTF-16 with its mark, or else in the one-byte code of old files. */
static char *
read_text (GBytes *bytes, const char *name, GError **error)
{
  gsize n;
  const char *data = g_bytes_get_data (bytes, &n);
  gboolean utf16 =
      n >= 2 && (memcmp (data, "\xff\xfe", 2) == 0 || memcmp (data, "\xfe\xff", 2) == 0);
  if (n > 0 && !utf16 && memchr (data, 0, n)) {
    refuse (error, name, _ ("it is neither text nor PDF."));
    return NULL;
  }
  if (n >= 3 && memcmp (data, "\xef\xbb\xbf", 3) == 0)
    return g_utf8_make_valid (data + 3, (gssize) n - 3);
  if (!utf16 && g_utf8_validate (data ? data : "", (gssize) n, NULL))
    return g_strndup (data ? data : "", n);
  char *text =
      g_convert (data, (gssize) n, "UTF-8", utf16 ? "UTF-16" : "WINDOWS-1252", NULL, NULL, NULL);
  return text ? text : g_utf8_make_valid (data, (gssize) n);
}

static void
read_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Reading *reading = data;
  g_autofree char *base = g_file_get_basename (reading->file);
  g_autofree char *name = g_filename_display_name (base ? base : "");
  GError *error = NULL;
  g_autoptr (GBytes) bytes = read_bytes (reading->file, name, cancellable, &error);
  if (!bytes) {
    g_task_return_error (task, error);
    return;
  }
  gsize n;
  const char *start = g_bytes_get_data (bytes, &n);
  gboolean is_pdf = n >= 5 && memcmp (start, "%PDF-", 5) == 0;
  g_autofree char *text =
      is_pdf ? read_pdf (bytes, name, cancellable, &error) : read_text (bytes, name, &error);
  if (text && strlen (text) > PARLEY_ATTACHMENT_MAX_TEXT)
    refuse (&error, name, _ ("its text is longer than 4 MB."));
  else if (text && is_pdf && !*g_strstrip (text))
    refuse (&error, name, _ ("its pages are pictures without text."));
  else if (text && !*text)
    refuse (&error, name, _ ("it is empty."));
  ParleyPartRecord *part = error ? NULL : parley_part_record_new (PARLEY_PART_ATTACHMENT, text);
  if (part && reading->store) {
    part->attachment = parley_store_add_attachment (
        reading->store, is_pdf ? "application/pdf" : "text/plain", bytes, &error);
    if (!part->attachment)
      g_clear_pointer (&part, parley_part_record_free);
  }
  if (!part) {
    g_task_return_error (task, error);
    return;
  }
  part->name = g_steal_pointer (&name);
  g_task_return_pointer (task, part, (GDestroyNotify) parley_part_record_free);
}

void
parley_attachment_read_async (GFile *file, ParleyStore *store, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (G_IS_FILE (file));
  Reading *reading = g_new0 (Reading, 1);
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  reading->file = g_object_ref (file);
  reading->store = store ? g_object_ref (store) : NULL;
  g_task_set_source_tag (task, parley_attachment_read_async);
  g_task_set_task_data (task, reading, reading_free);
  g_task_run_in_thread (task, read_in_thread);
}

ParleyPartRecord *
parley_attachment_read_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
