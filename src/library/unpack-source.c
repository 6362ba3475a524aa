/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/unpack-source.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <lzma.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define BUFFER_BYTES   (256 * 1024)
#define MAX_WINDOW_LOG 25                 /* 32 MiB */
#define XZ_MEMORY      (36 * 1024 * 1024) /* a window of 32 MiB and the decoder itself */

typedef enum { CODING_NONE, CODING_ZSTD, CODING_XZ } Coding;

struct _ParleyArchiveSource {
  int fd;
  guint64 size, read;
  Coding coding;
  gboolean is_zip, at_end;
  ZSTD_DStream *zstd;
  gboolean in_frame;
  lzma_stream lzma;
  ZSTD_inBuffer input; /* of either decoder: src is `raw` */
  guint8 raw[BUFFER_BYTES], decoded[BUFFER_BYTES];
};

static Coding
sniff (const guint8 *head, gsize n)
{
  static const guint8 xz[] = { 0xFD, '7', 'z', 'X', 'Z', 0 };
  if (n >= sizeof xz && memcmp (head, xz, sizeof xz) == 0)
    return CODING_XZ;
  /* A frame, or one of those to be skipped. */
  if (n >= 4 &&
      ((head[0] == 0x28 && head[1] == 0xB5 && head[2] == 0x2F && head[3] == 0xFD) ||
       ((head[0] & 0xF0) == 0x50 && head[1] == 0x2A && head[2] == 0x4D && head[3] == 0x18)))
    return CODING_ZSTD;
  return CODING_NONE;
}

ParleyArchiveSource *
parley_archive_source_open (const char *path, GError **error)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  int code = fd < 0 || fstat (fd, &info) != 0 ? errno : S_ISREG (info.st_mode) ? 0 : EINVAL;
  if (code) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), _ ("Cannot open %s: %s"), path,
                 g_strerror (code));
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  ParleyArchiveSource *self = g_new0 (ParleyArchiveSource, 1);
  self->fd = fd;
  self->size = (guint64) info.st_size;
  guint8 head[8] = { 0 };
  ssize_t n = pread (fd, head, sizeof head, 0);
  self->coding = sniff (head, n > 0 ? (gsize) n : 0);
  self->is_zip = n >= 4 && memcmp (head, "PK", 2) == 0;
  self->input.src = self->raw;
  lzma_stream fresh = LZMA_STREAM_INIT;
  self->lzma = fresh;
  gboolean ready = TRUE;
  if (self->coding == CODING_ZSTD) {
    self->zstd = ZSTD_createDStream ();
    ready = self->zstd && !ZSTD_isError (ZSTD_DCtx_setParameter (self->zstd, ZSTD_d_windowLogMax,
                                                                 MAX_WINDOW_LOG));
  } else if (self->coding == CODING_XZ) {
    ready = lzma_stream_decoder (&self->lzma, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
  }
  if (ready)
    return self;
  parley_archive_source_free (self);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               _ ("There is not enough memory to unpack %s. Close other programs and try again"),
               path);
  return NULL;
}

void
parley_archive_source_free (ParleyArchiveSource *self)
{
  if (!self)
    return;
  close (self->fd);
  ZSTD_freeDStream (self->zstd);
  lzma_end (&self->lzma);
  g_free (self);
}

guint64
parley_archive_source_get_size (ParleyArchiveSource *self)
{
  return self->size;
}

guint64
parley_archive_source_get_read (ParleyArchiveSource *self)
{
  return self->read;
}

gboolean
parley_archive_source_is_zip (ParleyArchiveSource *self)
{
  return self->is_zip;
}

/* Fills `raw`; 0 at the end, -1 on failure. */
static ssize_t
read_raw (ParleyArchiveSource *self)
{
  ssize_t n;
  do
    n = read (self->fd, self->raw, sizeof self->raw);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    self->read += (guint64) n;
  return n;
}

static ssize_t
fail (struct archive *reader, const char *why)
{
  archive_set_error (reader, EINVAL, "%s", why);
  return -1;
}

static ssize_t
decode_zstd (ParleyArchiveSource *self, struct archive *reader)
{
  ZSTD_outBuffer out = { .dst = self->decoded, .size = sizeof self->decoded };
  while (out.pos < out.size) {
    if (self->input.pos == self->input.size && !self->at_end) {
      ssize_t n = read_raw (self);
      if (n < 0)
        return fail (reader, g_strerror (errno));
      self->at_end = n == 0;
      self->input.size = (size_t) n;
      self->input.pos = 0;
    }
    size_t before_in = self->input.pos, before_out = out.pos;
    if (self->at_end && !self->in_frame)
      break;
    size_t left = ZSTD_decompressStream (self->zstd, &out, &self->input);
    if (ZSTD_isError (left))
      return fail (reader, ZSTD_getErrorName (left));
    self->in_frame = left != 0;
    if (self->at_end && self->in_frame && self->input.pos == before_in && out.pos == before_out)
      return fail (reader, _ ("it ends in the middle"));
  }
  return (ssize_t) out.pos;
}

static ssize_t
decode_xz (ParleyArchiveSource *self, struct archive *reader)
{
  self->lzma.next_out = self->decoded;
  self->lzma.avail_out = sizeof self->decoded;
  while (self->lzma.avail_out > 0) {
    if (self->lzma.avail_in == 0 && !self->at_end) {
      ssize_t n = read_raw (self);
      if (n < 0)
        return fail (reader, g_strerror (errno));
      self->at_end = n == 0;
      self->lzma.next_in = self->raw;
      self->lzma.avail_in = (size_t) n;
    }
    lzma_ret code = lzma_code (&self->lzma, self->at_end ? LZMA_FINISH : LZMA_RUN);
    if (code == LZMA_STREAM_END)
      break;
    if (code == LZMA_MEMLIMIT_ERROR)
      return fail (reader, _ ("it asks for more memory than Parley gives to an archive"));
    if (code != LZMA_OK)
      return fail (reader,
                   code == LZMA_BUF_ERROR ? _ ("it ends in the middle") : _ ("it is damaged"));
  }
  return (ssize_t) (sizeof self->decoded - self->lzma.avail_out);
}

static la_ssize_t
on_read (struct archive *reader, void *data, const void **bytes)
{
  ParleyArchiveSource *self = data;
  if (self->coding == CODING_NONE) {
    *bytes = self->raw;
    ssize_t n = read_raw (self);
    return n < 0 ? fail (reader, g_strerror (errno)) : n;
  }
  *bytes = self->decoded;
  return self->coding == CODING_ZSTD ? decode_zstd (self, reader) : decode_xz (self, reader);
}

static la_int64_t
on_skip (struct archive *reader, void *data, la_int64_t n)
{
  ParleyArchiveSource *self = data;
  if (self->coding != CODING_NONE || n <= 0)
    return 0;
  off_t here = lseek (self->fd, 0, SEEK_CUR);
  if (here < 0 || (guint64) here >= self->size || (guint64) n > self->size - (guint64) here ||
      lseek (self->fd, n, SEEK_CUR) < 0)
    return 0;
  self->read += (guint64) n;
  return n;
}

/* Zip keeps its directory at the end. */
static la_int64_t
on_seek (struct archive *reader, void *data, la_int64_t offset, int whence)
{
  ParleyArchiveSource *self = data;
  off_t at = lseek (self->fd, offset, whence);
  return at < 0 ? ARCHIVE_FATAL : at;
}

int
parley_archive_source_attach (ParleyArchiveSource *self, struct archive *reader)
{
  archive_read_set_callback_data (reader, self);
  archive_read_set_read_callback (reader, on_read);
  archive_read_set_skip_callback (reader, on_skip);
  if (self->coding == CODING_NONE)
    archive_read_set_seek_callback (reader, on_seek);
  return archive_read_open1 (reader);
}
