/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/unpack.h"
#include "library/unpack-source.h"

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

#define MAX_FILES   64
#define MAX_HEADERS 4096 /* of entries of any kind */
#define MAX_TOTAL   ((guint64) 2 << 40)
#define RATIO_FREE  ((guint64) 100 << 20) /* what may come out before its growth is looked at */
#define MAX_RATIO   100

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)

typedef struct {
  const char *path; /* of the archive, for messages */
  int folder_fd;
  ParleyArchiveSource *source;
  struct archive *reader;
  GPtrArray *files;
  GHashTable *seen;                   /* collision keys of names and of the folders above them */
  guint64 written, passed, max_bytes; /* passed: unpacked and left out */
  ParleyProgress progress;
  gpointer data;
  GCancellable *cancellable;
} Unpack;

void
parley_unpacked_free (ParleyUnpacked *file)
{
  g_free (file->name);
  g_free (file);
}

static void
unpack_clear (Unpack *self)
{
  archive_read_free (self->reader);
  g_clear_pointer (&self->source, parley_archive_source_free);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_clear_pointer (&self->seen, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Unpack, unpack_clear)

static gboolean
refuse (Unpack *self, GError **error, const char *why)
{
  g_set_error (
      error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFUSED,
      _ ("%s was not imported: %s. Ask whoever made it for another one, or unpack it by hand "
         "and import the model file"),
      self->path, why);
  return FALSE;
}

static gboolean
fail_reading (Unpack *self, GError **error)
{
  const char *why = archive_error_string (self->reader);
  g_autofree char *shown = parley_name_for_display (why ? why : _ ("it is damaged"), 200);
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
               _ ("%s cannot be unpacked: %s. Get the archive again"), self->path, shown);
  return FALSE;
}

static gboolean
has_suffix (const char *name, const char *suffix)
{
  gsize n = strlen (name), m = strlen (suffix);
  return n > m && g_ascii_strcasecmp (name + n - m, suffix) == 0;
}

static gboolean
is_wanted (const char *name)
{
  return has_suffix (name, ".gguf") || has_suffix (name, ".json") || has_suffix (name, ".txt") ||
         has_suffix (name, ".md");
}

/* A name that leads, or could be taken to lead, out of the folder. */
static gboolean
escapes (const char *name)
{
  if (name[0] == '/' || strchr (name, '\\') || (g_ascii_isalpha (name[0]) && name[1] == ':'))
    return TRUE;
  g_auto (GStrv) words = g_strsplit (name, "/", -1);
  for (char **word = words; *word; word++)
    if (strcmp (*word, "..") == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_hidden (const char *name)
{
  return name[0] == '.' || strstr (name, "/.");
}

typedef enum { ENTRY_REFUSED, ENTRY_LEFT_OUT, ENTRY_TAKEN } Verdict;

/* *name: the path to write, for a taken entry. */
static Verdict
judge (Unpack *self, struct archive_entry *entry, const char **name, GError **error)
{
  const char *given = archive_entry_pathname (entry);
  mode_t type = archive_entry_filetype (entry);
  if (!given || !*given)
    return refuse (self, error, _ ("it has an entry without a readable name")), ENTRY_REFUSED;
  while (g_str_has_prefix (given, "./"))
    for (given += 2; *given == '/'; given++) {
    }
  if (escapes (given))
    return refuse (self, error, _ ("it names a place outside its own folder")), ENTRY_REFUSED;
  if (archive_entry_hardlink (entry) || archive_entry_symlink (entry) || type == AE_IFLNK)
    return refuse (self, error, _ ("it contains links")), ENTRY_REFUSED;
  if (archive_entry_is_encrypted (entry))
    return refuse (self, error, _ ("it is encrypted")), ENTRY_REFUSED;
  if (type == AE_IFDIR)
    return ENTRY_LEFT_OUT;
  if (type != AE_IFREG)
    return refuse (self, error, _ ("it contains devices or pipes")), ENTRY_REFUSED;
  if (is_hidden (given) || !is_wanted (given))
    return ENTRY_LEFT_OUT;
  if (!parley_name_check_path (given, NULL))
    return refuse (self, error, _ ("it has a file whose name is not safe")), ENTRY_REFUSED;
  if (archive_entry_size_is_set (entry) && archive_entry_size (entry) < 0)
    return refuse (self, error, _ ("it has a file of a size that makes no sense")), ENTRY_REFUSED;
  if (self->files->len == MAX_FILES)
    return refuse (self, error, _ ("it has more than 64 files")), ENTRY_REFUSED;
  *name = given;
  return ENTRY_TAKEN;
}

/* No two files may be one where case is ignored, and none may be a folder of another. */
static gboolean
claim (Unpack *self, const char *name, GError **error)
{
  g_autofree char *file_key = parley_name_collision_key (name);
  if (g_hash_table_contains (self->seen, file_key))
    return refuse (self, error, _ ("it has one path twice"));
  g_hash_table_insert (self->seen, g_strdup (file_key), GINT_TO_POINTER (TRUE));
  for (char *slash; (slash = strrchr (file_key, '/'));) {
    *slash = '\0';
    if (GPOINTER_TO_INT (g_hash_table_lookup (self->seen, file_key)))
      return refuse (self, error, _ ("it has a file and a folder of one name"));
    g_hash_table_insert (self->seen, g_strdup (file_key), GINT_TO_POINTER (FALSE));
  }
  return TRUE;
}

/* Creates the file below the folder, following no link on the way. */
static int
create (Unpack *self, const char *name, GError **error)
{
  g_auto (GStrv) words = g_strsplit (name, "/", -1);
  int folder = self->folder_fd;
  guint i = 0;
  for (; words[i + 1] && folder >= 0; i++) {
    int below = mkdirat (folder, words[i], 0755) == 0 || errno == EEXIST
                    ? openat (folder, words[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                    : -1;
    int code = errno;
    if (folder != self->folder_fd)
      close (folder);
    folder = below;
    errno = code;
  }
  int fd = folder < 0 ? -1
                      : openat (folder, words[i],
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  int code = errno;
  if (folder >= 0 && folder != self->folder_fd)
    close (folder);
  if (fd < 0)
    parley_disk_fail (error, code, PARLEY_DISK_CREATE, name);
  return fd;
}

/* Whether as much more may come out. */
static gboolean
check_growth (Unpack *self, guint64 n, GError **error)
{
  guint64 total = self->written + n;
  guint64 in = MAX (parley_archive_source_get_read (self->source), 1);
  if (total > MIN (self->max_bytes, MAX_TOTAL)) {
    g_autofree char *most = g_format_size (MIN (self->max_bytes, MAX_TOTAL));
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_SPACE,
        _ ("%s was not imported: more than %s come out of it, and there is no room for that. "
           "Make room, then import it again"),
        self->path, most);
    return FALSE;
  }
  guint64 unpacked = total + self->passed;
  if (unpacked > RATIO_FREE && (unpacked - RATIO_FREE) / in >= MAX_RATIO)
    return refuse (self, error, _ ("it grows to more than a hundred times its size"));
  return TRUE;
}

static gboolean
write_all (int fd, const guint8 *bytes, gsize n, const char *name, GError **error)
{
  while (n > 0) {
    ssize_t put = write (fd, bytes, n);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return parley_disk_fail (error, errno, PARLEY_DISK_WRITE, name);
    bytes += put;
    n -= (gsize) put;
  }
  return TRUE;
}

static gboolean
write_zeros (Unpack *self, int fd, guint64 n, EVP_MD_CTX *hash, const char *name, GError **error)
{
  static const guint8 zeros[65536];
  while (n > 0) {
    gsize step = (gsize) MIN (n, sizeof zeros);
    if (g_cancellable_set_error_if_cancelled (self->cancellable, error) ||
        !check_growth (self, step, error) || !write_all (fd, zeros, step, name, error))
      return FALSE;
    EVP_DigestUpdate (hash, zeros, step);
    self->written += step;
    n -= step;
  }
  return TRUE;
}

static gboolean
copy_data (Unpack *self, int fd, ParleyUnpacked *file, GError **error)
{
  g_autoptr (EVP_MD_CTX) hash = EVP_MD_CTX_new ();
  EVP_DigestInit_ex (hash, EVP_sha256 (), NULL);
  for (;;) {
    const void *bytes;
    size_t n;
    la_int64_t offset;
    int code = archive_read_data_block (self->reader, &bytes, &n, &offset);
    if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
      return FALSE;
    if (code == ARCHIVE_EOF)
      break;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
      return fail_reading (self, error);
    /* Holes of sparse files come as jumps. */
    if (offset < 0 || (guint64) offset < file->size)
      return refuse (self, error, _ ("its parts overlap"));
    if (!write_zeros (self, fd, (guint64) offset - file->size, hash, file->name, error) ||
        !check_growth (self, n, error) || !write_all (fd, bytes, n, file->name, error))
      return FALSE;
    EVP_DigestUpdate (hash, bytes, n);
    self->written += n;
    file->size = (guint64) offset + n;
    if (self->progress)
      self->progress (parley_archive_source_get_read (self->source),
                      parley_archive_source_get_size (self->source), self->data);
  }
  parley_disk_finish_hash (hash, file->sha256);
  return TRUE;
}

/* What is left out is read past, which takes as long as it is. */
static gboolean
pass_over (Unpack *self, GError **error)
{
  const void *bytes;
  size_t n;
  la_int64_t offset;
  int code;
  while ((code = archive_read_data_block (self->reader, &bytes, &n, &offset)) == ARCHIVE_OK ||
         code == ARCHIVE_WARN) {
    if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
      return FALSE;
    self->passed += n;
    if (!check_growth (self, 0, error))
      return FALSE;
  }
  return code == ARCHIVE_EOF || fail_reading (self, error);
}

static gboolean
take_entry (Unpack *self, struct archive_entry *entry, const char *name, GError **error)
{
  if (!claim (self, name, error))
    return FALSE;
  /* Zip has methods with windows as large as the archive likes. */
  const char *format = archive_format_name (self->reader);
  if (parley_archive_source_is_zip (self->source) && format && !strstr (format, "(uncompressed)") &&
      !strstr (format, "(deflation)"))
    return refuse (self, error, _ ("it is packed by a method that Parley does not unpack"));
  int fd = create (self, name, error);
  if (fd < 0)
    return FALSE;
  ParleyUnpacked *file = g_new0 (ParleyUnpacked, 1);
  file->name = g_strdup (name);
  g_ptr_array_add (self->files, file);
  gboolean good = copy_data (self, fd, file, error);
  if (close (fd) != 0 && good)
    good = parley_disk_fail (error, errno, PARLEY_DISK_WRITE, name);
  if (good && archive_entry_size_is_set (entry) &&
      (guint64) archive_entry_size (entry) != file->size)
    good = refuse (self, error, _ ("a file in it is not as long as it says"));
  return good;
}

gboolean
parley_archive_is_one (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  static const char *const suffixes[] = { ".tar",  ".tar.gz", ".tgz", ".tar.zst", ".tar.zstd",
                                          ".tzst", ".tar.xz", ".txz", ".zip" };
  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (has_suffix (name, suffixes[i]))
      return TRUE;
  return FALSE;
}

GPtrArray *
parley_archive_unpack (const char *path, int folder_fd, guint64 max_bytes, ParleyProgress progress,
                       gpointer data, GCancellable *cancellable, GError **error)
{
  g_auto (Unpack) self = { .path = path,
                           .folder_fd = folder_fd,
                           .max_bytes = max_bytes,
                           .progress = progress,
                           .data = data,
                           .cancellable = cancellable };
  self.files = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_unpacked_free);
  self.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self.source = parley_archive_source_open (path, error);
  if (!self.source)
    return NULL;
  self.reader = archive_read_new ();
  archive_read_support_format_tar (self.reader);
  archive_read_support_format_zip (self.reader);
  archive_read_support_filter_gzip (self.reader);
  if (parley_archive_source_attach (self.source, self.reader) != ARCHIVE_OK) {
    fail_reading (&self, error);
    return NULL;
  }
  struct archive_entry *entry;
  guint n_headers = 0;
  int code;
  while ((code = archive_read_next_header (self.reader, &entry)) == ARCHIVE_OK ||
         code == ARCHIVE_WARN) {
    const char *name = NULL;
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return NULL;
    if (++n_headers > MAX_HEADERS) {
      refuse (&self, error, _ ("it has thousands of entries"));
      return NULL;
    }
    Verdict verdict = judge (&self, entry, &name, error);
    if (verdict == ENTRY_REFUSED ||
        (verdict == ENTRY_TAKEN && !take_entry (&self, entry, name, error)) ||
        (verdict == ENTRY_LEFT_OUT && !pass_over (&self, error)))
      return NULL;
  }
  if (code != ARCHIVE_EOF) {
    fail_reading (&self, error);
    return NULL;
  }
  return g_steal_pointer (&self.files);
}
