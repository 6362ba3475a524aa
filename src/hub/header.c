/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The header of a remote GGUF file: fetched in ranges until the engine has seen all of it, then
 * kept by the file's SHA-256. A damaged copy in the cache is fetched again. Of a split model each
 * part's is fetched, and they become one.
 */
#include "hub/http.h"
#include "hub/joint-header.h"
#include "hub/outline.h"
#include "hub/parley-downloads.h"
#include "hub/parley-hub-private.h"

#include "engine/format/gguf.h"
#include "engine/parley-engine.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <utime.h>

#define STEP_BYTES       (2 * 1024 * 1024)
#define PART_BYTES       (64 * 1024) /* of later parts, which have no vocabulary */
#define MAX_HEADER_BYTES (256 * 1024 * 1024)
#define MAX_CACHED       64 /* files */
#define MAX_TRIES        3

/* How many bytes of the file must be there: 0 when `bytes` hold the whole header; UINT64_MAX, with
 * an error, when they are none. */
static guint64
bytes_needed (const guint8 *bytes, gsize n, guint64 file_bytes, const char *name, GError **error)
{
  struct pe_gguf *gguf = NULL;
  struct pe_error problem = { 0 };
  if (pe_gguf_parse (bytes, n, file_bytes, &gguf, &problem)) {
    pe_gguf_free (gguf);
    return 0;
  }
  if (problem.code == PE_ERROR_TRUNCATED && n < file_bytes && n < MAX_HEADER_BYTES) {
    guint64 need = problem.offset == PE_NO_OFFSET ? n : problem.offset;
    return MIN (MAX (need, n + STEP_BYTES), MIN (file_bytes, MAX_HEADER_BYTES));
  }
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
               _ ("%s on the hub cannot be used: %s. Choose another file"), name, problem.message);
  return G_MAXUINT64;
}

static char *
cache_path (const ParleyHubPart *part)
{
  return g_strdup_printf ("%s/headers/%s", parley_cache_dir (), part->sha256);
}

typedef struct {
  char *path;
  gint64 used;
} CachedFile;

static void
cached_file_clear (gpointer data)
{
  g_free (((CachedFile *) data)->path);
}

static int
compare_used (gconstpointer a, gconstpointer b)
{
  gint64 x = ((const CachedFile *) a)->used, y = ((const CachedFile *) b)->used;
  return (x < y) - (x > y);
}

/* Keeps the newest MAX_CACHED files of the folder. */
static void
trim_cache (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (CachedFile));
  g_array_set_clear_func (files, cached_file_clear);
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    CachedFile file = { .path = g_build_filename (folder, name, NULL) };
    GStatBuf info;
    file.used = g_stat (file.path, &info) == 0 ? (gint64) info.st_mtime : 0;
    g_array_append_val (files, file);
  }
  g_array_sort (files, compare_used);
  for (guint i = MAX_CACHED; i < files->len; i++)
    g_unlink (g_array_index (files, CachedFile, i).path);
}

static GBytes *
read_cached (const ParleyHubPart *part, const char *path)
{
  char *text = NULL;
  gsize n = 0;
  if (!g_file_get_contents (path, &text, &n, NULL))
    return NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, n);
  if (n > part->size || bytes_needed ((const guint8 *) text, n, part->size, part->path, NULL) != 0)
    return NULL;
  g_utime (path, NULL);
  return g_steal_pointer (&bytes);
}

typedef struct {
  ParleyHttpRequest request;
  GByteArray *bytes;
  guint64 most;
} Fetch;

static gboolean
take_bytes (const guint8 *bytes, gsize n, gpointer data, GError **error)
{
  Fetch *fetch = data;
  if (n > fetch->most - fetch->bytes->len) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server sends more of %s than was asked for"), fetch->request.what);
    return FALSE;
  }
  g_byte_array_append (fetch->bytes, bytes, (guint) n);
  return TRUE;
}

static gboolean
accept_range (const ParleyHttpResponse *response, gpointer data, GError **error)
{
  const ParleyHttpRequest *request = &((Fetch *) data)->request;
  guint64 first, last, total;
  if (response->status == 206 && parley_http_content_range (response, &first, &last, &total) &&
      first == request->range_start && last < first + request->range_length)
    return TRUE;
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
               _ ("The server does not send parts of %s, so it cannot be looked into before it is "
                  "downloaded"),
               request->what);
  return FALSE;
}

/* Appends to `bytes` until there are `need`, going on where a broken connection ended. */
static gboolean
fetch_up_to (ParleyHub *self, const char *address, const char *what, GByteArray *bytes,
             guint64 need, GCancellable *cancellable, GError **error)
{
  ParleyHttp *http = _parley_hub_get_http (self);
  for (guint tries = 1; bytes->len < need; tries++) {
    Fetch fetch = { .request = { .url = address,
                                 .what = what,
                                 .ranged = TRUE,
                                 .range_start = bytes->len,
                                 .range_length = need - bytes->len,
                                 .accept = accept_range,
                                 .sink = take_bytes },
                    .bytes = bytes,
                    .most = need };
    fetch.request.data = &fetch;
    g_auto (ParleyHttpResponse) response = { 0 };
    g_autoptr (GError) problem = NULL;
    if (!parley_http_try (http, &fetch.request, &response, cancellable, &problem) &&
        (tries == MAX_TRIES || !parley_http_is_passing (problem))) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    if (!problem && bytes->len < need && tries == MAX_TRIES) {
      g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NETWORK,
                   _ ("Only a part of %s arrives. Try again later"), what);
      return FALSE;
    }
    if (problem && !parley_http_pause (parley_http_get_retry_ms (http) * tries, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

static GBytes *
fetch_header (ParleyHub *self, ParleyHubFile *file, guint part, GCancellable *cancellable,
              GError **error)
{
  const ParleyHubPart *p = parley_hub_file_get_part (file, part);
  g_autofree char *cached = *p->sha256 ? cache_path (p) : NULL;
  GBytes *known = cached ? read_cached (p, cached) : NULL;
  if (known)
    return known;

  g_autofree char *address = _parley_hub_dup_resolve_address (
      self, parley_hub_file_get_repo (file), parley_hub_file_get_commit (file), p->path);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  for (guint64 need = MIN (part ? PART_BYTES : STEP_BYTES, p->size); need > 0;) {
    if (!fetch_up_to (self, address, p->path, bytes, need, cancellable, error))
      return NULL;
    need = bytes_needed (bytes->data, bytes->len, p->size, p->path, error);
    if (need == G_MAXUINT64)
      return NULL;
  }
  if (cached) {
    /* A cache that cannot be written is no reason to fail. */
    g_autofree char *folder = g_path_get_dirname (cached);
    if (g_mkdir_with_parents (folder, 0700) == 0 &&
        g_file_set_contents (cached, (const char *) bytes->data, (gssize) bytes->len, NULL))
      trim_cache (folder);
  }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

static GBytes *
fetch_joint_header (ParleyHub *self, ParleyHubFile *file, guint64 *file_bytes,
                    GCancellable *cancellable, GError **error)
{
  guint n = parley_hub_file_get_n_parts (file);
  g_autoptr (GPtrArray) headers = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autofree guint64 *sizes = g_new (guint64, n);
  gsize sum = 0;
  for (guint i = 0; i < n; i++) {
    GBytes *header = fetch_header (self, file, i, cancellable, error);
    if (!header)
      return NULL;
    g_ptr_array_add (headers, header);
    sizes[i] = parley_hub_file_get_part (file, i)->size;
    sum += g_bytes_get_size (header);
    if (sum > MAX_HEADER_BYTES) {
      g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                   _ ("%s on the hub is larger than makes sense. Choose another file"),
                   parley_hub_file_get_path (file));
      return NULL;
    }
  }
  return parley_joint_header (headers, sizes, parley_hub_file_get_path (file), file_bytes, error);
}

/* Whether the engine can make something of a header that is an estimate. */
static gboolean
can_be_planned (GBytes *header, guint64 file_bytes, const char *name)
{
  struct pe_model *model = NULL;
  struct pe_error problem = { 0 };
  gsize n;
  const void *bytes = g_bytes_get_data (header, &n);
  gboolean good = pe_model_open_header (bytes, n, file_bytes, name, &model, &problem) &&
                  pe_model_can_compute (model, &problem);
  pe_model_close (model);
  return good;
}

GBytes *
parley_hub_outline (ParleyHub *self, ParleyHubFile *file, guint64 *file_bytes,
                    GCancellable *cancellable, GError **error)
{
  guint64 bytes = 0;
  if (!file_bytes)
    file_bytes = &bytes;
  if (parley_hub_file_get_n_parts (file) > 1 && parley_hub_file_is_complete (file)) {
    g_autoptr (GBytes) first = fetch_header (self, file, 0, cancellable, error);
    if (!first)
      return NULL;
    g_autoptr (GBytes) outline =
        parley_outline_header (first, parley_hub_file_get_part (file, 0)->size,
                               parley_hub_file_get_size (file), file_bytes);
    if (outline && can_be_planned (outline, *file_bytes, parley_hub_file_get_name (file)))
      return g_steal_pointer (&outline);
  }
  return parley_hub_header (self, file, 0, file_bytes, cancellable, error);
}

GBytes *
parley_hub_header (ParleyHub *self, ParleyHubFile *file, guint part, guint64 *file_bytes,
                   GCancellable *cancellable, GError **error)
{
  guint n = parley_hub_file_get_n_parts (file);
  guint64 bytes = 0;
  g_return_val_if_fail (part <= n, NULL);
  if (!parley_hub_file_is_complete (file)) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_NOT_FOUND,
                 _ ("Parts of %s are missing from %s. Choose another file"),
                 parley_hub_file_get_path (file), parley_hub_file_get_repo (file));
    return NULL;
  }
  if (!file_bytes)
    file_bytes = &bytes;
  if (part == 0 && n > 1)
    return fetch_joint_header (self, file, file_bytes, cancellable, error);
  guint index = part ? part - 1 : 0;
  *file_bytes = parley_hub_file_get_part (file, index)->size;
  return fetch_header (self, file, index, cancellable, error);
}
