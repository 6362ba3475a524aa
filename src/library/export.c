/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/export.h"
#include "library/bundle.h"
#include "library/parley-model-private.h"
#include "library/record.h"

#include "hub/disk.h"
#include "hub/names.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (1024 * 1024)

typedef struct {
  const char *path;
  struct archive *writer;
  guint64 done, total;
  ParleyProgress progress;
  gpointer data;
  GCancellable *cancellable;
} Export;

static gboolean
fail_writing (Export *self, GError **error)
{
  int code = archive_errno (self->writer);
  return parley_disk_fail (error, code > 0 ? code : EIO, PARLEY_DISK_WRITE, self->path);
}

static gboolean
begin_entry (Export *self, const char *name, guint64 size, GError **error)
{
  struct archive_entry *entry = archive_entry_new ();
  archive_entry_set_pathname (entry, name);
  archive_entry_set_size (entry, (la_int64_t) size);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_mtime (entry, 0, 0); /* the same model gives the same archive */
  int code = archive_write_header (self->writer, entry);
  archive_entry_free (entry);
  return code == ARCHIVE_OK || fail_writing (self, error);
}

static gboolean
write_bytes (Export *self, const void *bytes, gsize n, GError **error)
{
  return archive_write_data (self->writer, bytes, n) == (la_ssize_t) n ||
         fail_writing (self, error);
}

static gboolean
add_text (Export *self, const char *name, const char *text, GError **error)
{
  gsize n = strlen (text);
  return begin_entry (self, name, n, error) && write_bytes (self, text, n, error);
}

static gboolean
copy_part (Export *self, int fd, guint64 size, const char *path, EVP_MD_CTX *hash, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (BUFFER_BYTES);
  for (guint64 at = 0; at < size;) {
    if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
      return FALSE;
    ssize_t n = read (fd, buffer, MIN (size - at, BUFFER_BYTES));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return parley_disk_fail (error, n < 0 ? errno : EIO, PARLEY_DISK_READ, path);
    EVP_DigestUpdate (hash, buffer, (size_t) n);
    if (!write_bytes (self, buffer, (gsize) n, error))
      return FALSE;
    at += (guint64) n;
    self->done += (guint64) n;
    if (self->progress)
      self->progress (self->done, self->total, self->data);
  }
  return TRUE;
}

static gboolean
add_part (Export *self, const char *path, const char *name, char sha256[65], GError **error)
{
  struct stat info;
  EVP_MD_CTX *hash = EVP_MD_CTX_new ();
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gboolean good = fd >= 0 && fstat (fd, &info) == 0;
  if (!good)
    parley_disk_fail (error, errno, PARLEY_DISK_READ, path);
  good = good && hash && EVP_DigestInit_ex (hash, EVP_sha256 (), NULL) &&
         begin_entry (self, name, (guint64) info.st_size, error) &&
         copy_part (self, fd, (guint64) info.st_size, path, hash, error);
  if (good)
    parley_disk_finish_hash (hash, sha256);
  if (fd >= 0)
    close (fd);
  EVP_MD_CTX_free (hash);
  return good;
}

/* Below a models folder: where it lies in ours, or a place for imports. */
static char *
place_of (const ParleyModelFacts *facts)
{
  g_autofree char *prefix = g_strconcat (facts->folder, "/", NULL);
  g_autofree char *base = g_path_get_basename (facts->parts[0]);
  if (facts->managed && *facts->folder && g_str_has_prefix (facts->parts[0], prefix) &&
      parley_name_check_path (facts->parts[0] + strlen (prefix), NULL))
    return g_strdup (facts->parts[0] + strlen (prefix));
  /* Blobs of other programs have no ending. */
  return g_strdup_printf ("imported/%s%s", base, g_str_has_suffix (base, ".gguf") ? "" : ".gguf");
}

static gboolean
add_all (Export *self, const ParleyModelFacts *facts, ParleyStore *store,
         const ParleyArtifactRecord *record, GPtrArray *chats, GError **error)
{
  g_autoptr (ParleyBundle) bundle = parley_bundle_new ();
  bundle->place = place_of (facts);
  for (guint i = 0; facts->parts[i]; i++) {
    g_autofree char *base = g_path_get_basename (facts->parts[i]);
    char *name =
        g_str_has_suffix (base, ".gguf") ? g_strdup (base) : g_strconcat (base, ".gguf", NULL);
    char sha256[65] = "";
    g_ptr_array_add (bundle->names, name);
    if (!add_part (self, facts->parts[i], name, sha256, error))
      return FALSE;
    g_ptr_array_add (bundle->sha256s, g_strdup (sha256));
  }
  if (record) {
    bundle->endpoint = g_strdup (record->endpoint);
    bundle->repo = g_strdup (record->repo);
    bundle->commit = g_strdup (record->commit);
    bundle->file_name = g_strdup (record->file_name);
    bundle->own_name = parley_record_dup_own_name (record);
    bundle->tags = parley_record_dup_tags (record);
    bundle->pinned = record->pinned;
  }
  for (gsize i = 0; store && parley_model_setting_keys[i]; i++) {
    g_autofree char *key = parley_model_setting (facts->id, parley_model_setting_keys[i]);
    char *value = parley_store_get_setting (store, key);
    if (value)
      g_hash_table_insert (bundle->settings, g_strdup (parley_model_setting_keys[i]), value);
  }
  g_autofree char *card = record ? parley_record_dup_card (record) : NULL;
  if (card && !add_text (self, PARLEY_BUNDLE_CARD, card, error))
    return FALSE;
  for (guint i = 0; chats && i < chats->len; i++) {
    g_autofree char *name = g_strdup_printf (PARLEY_BUNDLE_CHATS "/%u.json", i + 1);
    if (!add_text (self, name, chats->pdata[i], error))
      return FALSE;
  }
  g_autofree char *json = parley_bundle_to_json (bundle);
  return add_text (self, PARLEY_BUNDLE_NAME, json, error);
}

/* A half-written archive is never seen under its name. */
static gboolean
finish (Export *self, int fd, const char *temporary, gboolean replace, GError **error)
{
  if (archive_write_close (self->writer) != ARCHIVE_OK)
    return fail_writing (self, error);
  if (!replace)
    return parley_disk_settle (fd, temporary, self->path, error);
  g_autofree char *folder = g_path_get_dirname (self->path);
  if (fsync (fd) != 0 || rename (temporary, self->path) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_SAVE, self->path);
  return parley_disk_sync_folder (folder, error);
}

gboolean
parley_export (ParleyModel *model, ParleyStore *store, GPtrArray *chats, const char *path,
               gboolean replace, ParleyProgress progress, gpointer data, GCancellable *cancellable,
               GError **error)
{
  const ParleyModelFacts *facts = _parley_model_get_facts (model);
  g_autofree char *whole = g_canonicalize_filename (path, NULL);
  g_autofree char *temporary = g_strconcat (whole, ".part", NULL);
  g_autofree char *folder = g_path_get_dirname (whole);
  if (facts->state != PARLEY_MODEL_READY && facts->state != PARLEY_MODEL_UNSUPPORTED) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _ ("%s cannot be exported: %s"),
                 parley_model_get_name (model), facts->message);
    return FALSE;
  }
  if (!replace && g_file_test (whole, G_FILE_TEST_EXISTS)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                 _ ("%s is there already and was left alone. Choose another name"), whole);
    return FALSE;
  }
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 _ ("There is no folder %s. Choose one that is there"), folder);
    return FALSE;
  }
  if (!parley_disk_check_space (folder, facts->size, error))
    return FALSE;
  g_autoptr (ParleyArtifactRecord) record =
      store ? parley_catalogue_find_path (store, facts->parts[0], NULL) : NULL;
  unlink (temporary);
  int fd = open (temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_CREATE, temporary);
  Export self = { .path = whole,
                  .writer = archive_write_new (),
                  .total = facts->size,
                  .progress = progress,
                  .data = data,
                  .cancellable = cancellable };
  archive_write_set_format_pax_restricted (self.writer);
  archive_write_add_filter_zstd (self.writer);
  /* Weights hardly shrink; the window of this level is small enough for every reader. */
  archive_write_set_filter_option (self.writer, "zstd", "compression-level", "1");
  gboolean good = archive_write_open_fd (self.writer, fd) == ARCHIVE_OK
                      ? add_all (&self, facts, store, record, chats, error) &&
                            finish (&self, fd, temporary, replace, error)
                      : fail_writing (&self, error);
  archive_write_free (self.writer);
  close (fd);
  if (!good)
    unlink (temporary);
  return good;
}
