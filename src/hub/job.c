/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/job-private.h"
#include "hub/disk.h"
#include "hub/http.h"
#include "hub/parley-hub-private.h"
#include "hub/wish.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYNC_BYTES    (64 * 1024 * 1024) /* between two descriptions of what is on the disk */
#define MAX_WAIT_MS   60000
#define LOCK_WAIT_MS  1000
#define MAX_ODDITIES  3 /* answers in a row that make no sense */
#define REFUSED_TWICE 2 /* the first refusal of a signed address may be its age */

ParleyJob *
parley_job_new (ParleyHub *hub, const char *models_dir, ParleySidecar *sidecar, gboolean apart)
{
  ParleyJob *job = g_new0 (ParleyJob, 1);
  job->hub = g_object_ref (hub);
  job->models_dir = g_strdup (models_dir);
  job->sidecar = sidecar;
  job->apart = apart;
  job->paused_on_disk = sidecar->paused;
  job->hurry = g_cancellable_new ();
  g_mutex_init (&job->mutex);
  job->have = g_new0 (guint64, sidecar->n_parts);
  return job;
}

void
parley_job_free (ParleyJob *job)
{
  if (!job)
    return;
  g_object_unref (job->hub);
  g_object_unref (job->hurry);
  parley_sidecar_free (job->sidecar);
  g_mutex_clear (&job->mutex);
  g_free (job->wish);
  g_free (job->models_dir);
  g_free (job->have);
  g_free (job);
}

const ParleySidecar *
parley_job_get_sidecar (ParleyJob *job)
{
  return job->sidecar;
}

char *
parley_job_place (const char *models_dir, const ParleySidecar *sidecar, gboolean apart, guint part)
{
  g_autofree char *version = apart ? g_strdup_printf ("@%.7s", sidecar->commit) : g_strdup ("");
  return g_strdup_printf ("%s/%s%s/%s", models_dir, sidecar->repo, version,
                          sidecar->parts[part].path);
}

char *
parley_job_dup_path (ParleyJob *job, guint part)
{
  return parley_job_place (job->models_dir, job->sidecar, job->apart, part);
}

char *
_parley_job_beside (ParleyJob *job, guint part, const char *suffix)
{
  g_autofree char *path = parley_job_dup_path (job, part);
  return g_strconcat (path, suffix, NULL);
}

char *
parley_job_dup_sidecar_path (ParleyJob *job)
{
  return _parley_job_beside (job, 0, ".part.json");
}

/* How much of the .part file can be relied on: after a crash of the computer, what was forced to
 * the disk; otherwise all of it. */
static guint64
usable_bytes (ParleyJob *job, guint i, guint64 size)
{
  const ParleySidecarPart *part = &job->sidecar->parts[i];
  guint64 most = job->sidecar->same_boot ? part->size : part->synced;
  return size > part->size ? 0 : MIN (size, most);
}

guint64
parley_job_bytes_on_disk (ParleyJob *job)
{
  guint64 sum = 0;
  for (guint i = 0; i < job->sidecar->n_parts; i++) {
    const ParleySidecarPart *part = &job->sidecar->parts[i];
    g_autofree char *path = _parley_job_beside (job, i, ".part");
    GStatBuf info;
    if (part->fetched || part->found)
      job->have[i] = part->size;
    else
      job->have[i] =
          g_lstat (path, &info) == 0 ? usable_bytes (job, i, (guint64) MAX (info.st_size, 0)) : 0;
    sum += job->have[i];
  }
  return sum;
}

gboolean
_parley_job_make_folders (ParleyJob *job, GError **error)
{
  for (guint i = 0; i < job->sidecar->n_parts; i++) {
    g_autofree char *path = parley_job_dup_path (job, i);
    g_autofree char *folder = g_path_get_dirname (path);
    if (g_mkdir_with_parents (folder, 0755) != 0)
      return parley_disk_fail (error, errno, PARLEY_DISK_CREATE_FOLDER, folder);
  }
  return TRUE;
}

/* Once a description of this start of the computer is written, all that the .part files hold is
 * relied on: so what a crash left in doubt is cut off first. */
static void
cut_doubtful_bytes (ParleyJob *job)
{
  for (guint i = 0; i < job->sidecar->n_parts && !job->sidecar->same_boot; i++) {
    g_autofree char *path = _parley_job_beside (job, i, ".part");
    GStatBuf info;
    if (g_lstat (path, &info) == 0 && S_ISREG (info.st_mode) &&
        (guint64) info.st_size > job->sidecar->parts[i].synced)
      if (truncate (path, (off_t) job->sidecar->parts[i].synced) != 0)
        g_unlink (path);
  }
  job->sidecar->same_boot = TRUE;
}

gboolean
_parley_job_write (ParleyJob *job, GError **error)
{
  cut_doubtful_bytes (job);
  g_autofree char *path = parley_job_dup_sidecar_path (job);
  g_autoptr (GError) problem = NULL;
  if (parley_sidecar_write (job->sidecar, path, &problem)) {
    job->paused_on_disk = job->sidecar->paused;
    return TRUE;
  }
  int code = g_error_matches (problem, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ? ENOSPC : 0;
  if (code)
    return parley_disk_fail (error, code, PARLEY_DISK_WRITE, path);
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FILE, _ ("Cannot write %s: %s"), path,
               problem->message);
  return FALSE;
}

void
parley_job_hurry (ParleyJob *job)
{
  g_cancellable_cancel (job->hurry);
}

static void
report (ParleyJob *job, ParleyTransferState state, const char *message)
{
  guint64 done = 0;
  for (guint i = 0; i < job->sidecar->n_parts; i++)
    done += job->have[i];
  job->report (state, done, message, job->report_data);
}

/* Until the time is over, somebody is in a hurry, or the work is cancelled (FALSE). */
static gboolean
wait_for (ParleyJob *job, guint ms, GCancellable *cancellable, GError **error)
{
  GPollFD fds[2];
  guint n = 0;
  gint64 end = g_get_monotonic_time () + (gint64) ms * 1000;
  gboolean has_cancel = cancellable && g_cancellable_make_pollfd (cancellable, &fds[n]);
  n += has_cancel;
  gboolean has_hurry = g_cancellable_make_pollfd (job->hurry, &fds[n]);
  n += has_hurry;
  int left;
  while ((left = (int) ((end - g_get_monotonic_time ()) / 1000)) > 0 &&
         !g_cancellable_is_cancelled (cancellable) && !g_cancellable_is_cancelled (job->hurry))
    g_poll (fds, n, left);
  if (has_cancel)
    g_cancellable_release_fd (cancellable);
  if (has_hurry)
    g_cancellable_release_fd (job->hurry);
  g_cancellable_reset (job->hurry);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* ---- one part ---- */

typedef struct {
  ParleyJob *job;
  ParleySidecarPart *part;
  guint64 *have; /* bytes that are on the disk and in the hash */
  char *path;    /* of the .part file */
  int fd;
  EVP_MD_CTX *hash;
} Fetch;

static void
fetch_clear (Fetch *fetch)
{
  if (fetch->fd >= 0)
    close (fetch->fd);
  EVP_MD_CTX_free (fetch->hash);
  g_free (fetch->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fetch, fetch_clear)

static gboolean
set_changed (GError **error, const ParleySidecarPart *part)
{
  g_set_error (
      error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_CHANGED,
      _ ("%s is another file on the hub now than when it was chosen. Remove the download and "
         "choose it again"),
      part->path);
  return FALSE;
}

/* The hub's own word on the file, given with the redirect. */
static gboolean
check_linked (const ParleyHttpResponse *response, const ParleySidecar *sidecar,
              const ParleySidecarPart *part, GError **error)
{
  const char *etag = g_hash_table_lookup (response->linked, "x-linked-etag");
  const char *size = g_hash_table_lookup (response->linked, "x-linked-size");
  const char *commit = g_hash_table_lookup (response->linked, "x-repo-commit");
  guint64 n;
  if (etag) {
    g_autofree char *hash = g_strdup (g_str_has_prefix (etag, "W/") ? etag + 2 : etag);
    g_strdelimit (hash, "\"", ' ');
    g_strstrip (hash);
    if (strlen (hash) == 64 && strcmp (hash, part->sha256) != 0)
      return set_changed (error, part);
  }
  if (size && g_ascii_string_to_unsigned (size, 10, 0, G_MAXUINT64, &n, NULL) && n != part->size)
    return set_changed (error, part);
  if (commit && strlen (commit) == 40 && strcmp (commit, sidecar->commit) != 0)
    return set_changed (error, part);
  return TRUE;
}

static gboolean
accept_answer (const ParleyHttpResponse *response, gpointer data, GError **error)
{
  Fetch *fetch = data;
  const ParleySidecarPart *part = fetch->part;
  const char *encoding = g_hash_table_lookup (response->headers, "content-encoding");
  const char *length = g_hash_table_lookup (response->headers, "content-length");
  guint64 first, last, total, n;
  if (!check_linked (response, fetch->job->sidecar, part, error))
    return FALSE;
  if (encoding && g_ascii_strcasecmp (encoding, "identity") != 0) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server sends %s in an encoding that was not asked for"), part->path);
    return FALSE;
  }
  if (response->status == 206) {
    gboolean known = parley_http_content_range (response, &first, &last, &total);
    if (known && first == *fetch->have && total == part->size && last == total - 1)
      return TRUE;
    if (known && first == *fetch->have && total != part->size)
      return set_changed (error, part);
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server sends another range of %s than was asked for"), part->path);
    return FALSE;
  }
  if (*fetch->have == 0 && length &&
      g_ascii_string_to_unsigned (length, 10, 0, G_MAXUINT64, &n, NULL))
    return n == part->size || set_changed (error, part);
  g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
               _ ("The server cannot go on with %s where it ended. Try again later, or remove the "
                  "download and start anew"),
               part->path);
  return FALSE;
}

static gboolean
take_bytes (const guint8 *bytes, gsize n, gpointer data, GError **error)
{
  Fetch *fetch = data;
  ParleySidecarPart *part = fetch->part;
  if (n > part->size - *fetch->have) {
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL,
                 _ ("The server sends more of %s than the file has"), part->path);
    return FALSE;
  }
  while (n > 0) {
    ssize_t put = pwrite (fetch->fd, bytes, n, (off_t) *fetch->have);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0) {
      int code = errno;
      report (fetch->job, PARLEY_TRANSFER_RUNNING, "");
      return parley_disk_fail (error, code, PARLEY_DISK_WRITE, fetch->path);
    }
    EVP_DigestUpdate (fetch->hash, bytes, (size_t) put);
    bytes += put;
    n -= (gsize) put;
    *fetch->have += (guint64) put;
  }
  if (*fetch->have - part->synced >= SYNC_BYTES) {
    if (fdatasync (fetch->fd) != 0)
      return parley_disk_fail (error, errno, PARLEY_DISK_SAVE, fetch->path);
    part->synced = *fetch->have;
    if (!_parley_job_write (fetch->job, error))
      return FALSE;
  }
  report (fetch->job, PARLEY_TRANSFER_RUNNING, "");
  return TRUE;
}

/* Opens the .part file, keeps what can be relied on, and hashes that. */
static gboolean
open_part (Fetch *fetch, GCancellable *cancellable, GError **error)
{
  fetch->fd = open (fetch->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  struct stat info;
  if (fetch->fd < 0 || fstat (fetch->fd, &info) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_OPEN, fetch->path);
  if (!S_ISREG (info.st_mode))
    return parley_disk_fail (error, EINVAL, PARLEY_DISK_USE, fetch->path);
  guint i = (guint) (fetch->part - fetch->job->sidecar->parts);
  *fetch->have = usable_bytes (fetch->job, i, (guint64) info.st_size);
  if ((guint64) info.st_size != *fetch->have && ftruncate (fetch->fd, (off_t) *fetch->have) != 0)
    return parley_disk_fail (error, errno, PARLEY_DISK_SHORTEN, fetch->path);
  fetch->hash = EVP_MD_CTX_new ();
  if (!fetch->hash || !EVP_DigestInit_ex (fetch->hash, EVP_sha256 (), NULL))
    return parley_disk_fail (error, ENOMEM, PARLEY_DISK_VERIFY, fetch->path);
  if (*fetch->have == 0)
    return TRUE;
  report (fetch->job, PARLEY_TRANSFER_CHECKING, "");
  return parley_disk_hash (fetch->fd, *fetch->have, fetch->hash, fetch->path, cancellable, error);
}

/* How the repetition of a request is going. */
typedef struct {
  guint failures, oddities, refusals; /* in a row without progress */
} Patience;

/* After a failed request: FALSE when it is final; else waits as long as it should. */
static gboolean
bear_with (ParleyJob *job, Patience *patience, const ParleyHttpResponse *response, GError *problem,
           GCancellable *cancellable, GError **error)
{
  gboolean odd = g_error_matches (problem, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_PROTOCOL);
  gboolean refused = response->elsewhere && (response->status == 401 || response->status == 403);
  if (refused && ++patience->refusals < REFUSED_TWICE)
    return TRUE; /* the next request gets a fresh address from the hub */
  if (!parley_http_is_passing (problem) && !(odd && ++patience->oddities < MAX_ODDITIES)) {
    g_propagate_error (error, g_error_copy (problem));
    return FALSE;
  }
  guint ms = parley_http_get_retry_ms (_parley_hub_get_http (job->hub));
  ms = MIN (ms << MIN (patience->failures, 6), MAX_WAIT_MS);
  ms = response->retry_after ? response->retry_after * 1000
                             : ms - ms / 4 + (guint) g_random_int_range (0, (int) (ms / 2) + 1);
  patience->failures++;
  report (job, PARLEY_TRANSFER_WAITING, problem->message);
  return wait_for (job, ms, cancellable, error);
}

static guint64
bytes_missing (ParleyJob *job)
{
  guint64 sum = 0;
  for (guint i = 0; i < job->sidecar->n_parts; i++)
    sum += job->sidecar->parts[i].size - job->have[i];
  return sum;
}

static gboolean
fetch_rest (Fetch *fetch, GCancellable *cancellable, GError **error)
{
  ParleyJob *job = fetch->job;
  const ParleySidecarPart *part = fetch->part;
  g_autofree char *folder = g_path_get_dirname (fetch->path);
  g_autofree char *address = _parley_hub_dup_resolve_address (job->hub, job->sidecar->repo,
                                                              job->sidecar->commit, part->path);
  Patience patience = { 0 };
  while (*fetch->have < part->size) {
    guint64 before = *fetch->have;
    ParleyHttpRequest request = { .url = address,
                                  .what = part->path,
                                  .ranged = TRUE,
                                  .range_start = before,
                                  .accept = accept_answer,
                                  .sink = take_bytes,
                                  .data = fetch };
    g_auto (ParleyHttpResponse) response = { 0 };
    g_autoptr (GError) problem = NULL;
    if (!parley_disk_check_size (folder, part->size, error) ||
        !parley_disk_check_space (folder, bytes_missing (job), error))
      return FALSE;
    report (job, PARLEY_TRANSFER_RUNNING, "");
    if (!parley_http_try (_parley_hub_get_http (job->hub), &request, &response, cancellable,
                          &problem)) {
      if (*fetch->have > before)
        patience = (Patience){ 0 };
      /* A full disk is told with its figures. */
      if (g_error_matches (problem, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_SPACE) &&
          !parley_disk_check_space (folder, bytes_missing (job), error))
        return FALSE;
      if (!bear_with (job, &patience, &response, problem, cancellable, error))
        return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_hash (Fetch *fetch, GError **error)
{
  char hex[65];
  parley_disk_finish_hash (fetch->hash, hex);
  if (strcmp (hex, fetch->part->sha256) == 0)
    return TRUE;
  g_unlink (fetch->path);
  *fetch->have = 0;
  fetch->part->synced = 0;
  _parley_job_write (fetch->job, NULL);
  report (fetch->job, PARLEY_TRANSFER_CHECKING, "");
  g_set_error (
      error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_CHECKSUM,
      _ ("What arrived of %s is not what the hub announced (its SHA-256 differs), so it was "
         "deleted. Try again from the start"),
      fetch->part->path);
  return FALSE;
}

static gboolean
bring_part (ParleyJob *job, guint i, GCancellable *cancellable, GError **error)
{
  ParleySidecarPart *part = &job->sidecar->parts[i];
  g_auto (Fetch) fetch = { .job = job,
                           .part = part,
                           .have = &job->have[i],
                           .path = _parley_job_beside (job, i, ".part"),
                           .fd = -1 };
  g_autofree char *path = parley_job_dup_path (job, i);
  if (!open_part (&fetch, cancellable, error) || !fetch_rest (&fetch, cancellable, error) ||
      !check_hash (&fetch, error) || !parley_disk_settle (fetch.fd, fetch.path, path, error))
    return FALSE;
  part->fetched = TRUE;
  return job->sidecar->n_parts == 1 || _parley_job_write (job, error);
}

/* ---- all parts ---- */

typedef enum { PLACE_FREE, PLACE_SAME, PLACE_TAKEN, PLACE_FAILED } Place;

/* What is at the place of a finished part: nothing, the same bytes, or something else. */
static Place
look_at_place (ParleyJob *job, guint i, GCancellable *cancellable, GError **error)
{
  const ParleySidecarPart *part = &job->sidecar->parts[i];
  g_autofree char *path = parley_job_dup_path (job, i);
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT && lstat (path, &info) != 0)
    return PLACE_FREE;
  Place place = PLACE_TAKEN;
  if (fd >= 0 && fstat (fd, &info) == 0 && S_ISREG (info.st_mode) &&
      (guint64) info.st_size == part->size) {
    char hex[65] = "";
    EVP_MD_CTX *hash = EVP_MD_CTX_new ();
    report (job, PARLEY_TRANSFER_CHECKING, "");
    if (!hash || !EVP_DigestInit_ex (hash, EVP_sha256 (), NULL) ||
        !parley_disk_hash (fd, part->size, hash, path, cancellable, error))
      place = PLACE_FAILED;
    else
      parley_disk_finish_hash (hash, hex);
    EVP_MD_CTX_free (hash);
    if (strcmp (hex, part->sha256) == 0)
      place = PLACE_SAME;
  }
  if (fd >= 0)
    close (fd);
  return place;
}

/* Finds out which parts are there already. *moved: another version lies in the usual folder, and
 * the job now has one of its own. */
static gboolean
look_at_places (ParleyJob *job, gboolean *moved, GCancellable *cancellable, GError **error)
{
  *moved = FALSE;
  for (guint i = 0; i < job->sidecar->n_parts; i++) {
    ParleySidecarPart *part = &job->sidecar->parts[i];
    if (part->fetched || part->found)
      continue;
    Place place = look_at_place (job, i, cancellable, error);
    if (place == PLACE_FAILED)
      return FALSE;
    part->found = place == PLACE_SAME;
    if (place != PLACE_TAKEN)
      continue;
    if (job->apart) {
      g_autofree char *path = parley_job_dup_path (job, i);
      return parley_disk_fail (error, EEXIST, PARLEY_DISK_PLACE, path);
    }
    g_autofree char *old = parley_job_dup_sidecar_path (job);
    g_unlink (old);
    job->apart = *moved = TRUE;
    for (guint j = 0; j < job->sidecar->n_parts; j++)
      job->sidecar->parts[j].found = FALSE;
    return TRUE;
  }
  return TRUE;
}

gboolean
_parley_job_is_in_place (ParleyJob *job)
{
  for (guint i = 0; i < job->sidecar->n_parts; i++) {
    g_autofree char *path = parley_job_dup_path (job, i);
    GStatBuf info;
    if (g_stat (path, &info) != 0 || (guint64) info.st_size != job->sidecar->parts[i].size)
      return FALSE;
  }
  return TRUE;
}

/* From the description, when it is there and of the same bytes. */
static gboolean
take_progress (ParleyJob *job, const char *described)
{
  g_autoptr (ParleySidecar) current = parley_sidecar_read (described, NULL);
  if (!current || !parley_sidecar_equal (current, job->sidecar))
    return FALSE;
  parley_sidecar_take_progress (job->sidecar, current);
  return TRUE;
}

/* What another program has got so far. A file that it has just renamed, or whose description it has
 * just removed at the end, is not gone: nothing falls. */
static void
look_while_waiting (ParleyJob *job, const char *described)
{
  guint n = job->sidecar->n_parts;
  g_autofree guint64 *before = g_memdup2 (job->have, n * sizeof *before);
  take_progress (job, described);
  parley_job_bytes_on_disk (job);
  for (guint i = 0; i < n; i++)
    job->have[i] = MAX (job->have[i], before[i]);
}

/* Holds the lock in *fd. When another process had it first, its outcome is ours: *over. */
static gboolean
take_lock (ParleyJob *job, const char *path, int *fd, gboolean *over, GCancellable *cancellable,
           GError **error)
{
  gboolean busy, waited = FALSE;
  g_autofree char *described = parley_job_dup_sidecar_path (job);
  while ((*fd = parley_disk_lock (path, &busy, error)) < 0) {
    if (!busy)
      return FALSE;
    waited = TRUE;
    look_while_waiting (job, described);
    report (job, PARLEY_TRANSFER_WAITING, _ ("Another Parley downloads this file"));
    if (!wait_for (job, LOCK_WAIT_MS, cancellable, error))
      return FALSE;
  }
  *over = FALSE;
  if (take_progress (job, described) || !waited)
    return TRUE;
  *over = _parley_job_is_in_place (job);
  if (!*over)
    g_set_error (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_FILE,
                 _ ("Another Parley removed the download of %s. Start it again if you want it"),
                 job->sidecar->parts[0].path);
  return *over;
}

static gboolean
record (ParleyJob *job, ParleyDownloadsRecorder recorder, gpointer data, GError **error)
{
  g_autoptr (ParleyHubFile) file = parley_sidecar_to_file (job->sidecar);
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  for (guint i = 0; i < job->sidecar->n_parts; i++) {
    g_autofree char *path = parley_job_dup_path (job, i);
    g_strv_builder_add (paths, path);
  }
  g_auto (GStrv) list = g_strv_builder_end (paths);
  return !recorder || recorder (file, (const char *const *) list, data, error);
}

/* From now on, or no more. */
static void
take_wishes (ParleyJob *job, gboolean take)
{
  g_mutex_lock (&job->mutex);
  g_free (job->wish);
  job->wish = take ? _parley_job_beside (job, 0, PARLEY_WISH_SUFFIX) : NULL;
  g_mutex_unlock (&job->mutex);
}

/* Everything that happens under the lock. */
static gboolean
run_locked (ParleyJob *job, gboolean *moved, ParleyDownloadsRecorder recorder, gpointer data,
            GCancellable *cancellable, GError **error)
{
  take_wishes (job, TRUE);
  job->sidecar->paused = FALSE;
  parley_job_bytes_on_disk (job);
  if (!look_at_places (job, moved, cancellable, error))
    return FALSE;
  if (*moved)
    return TRUE;
  if (!_parley_job_write (job, error))
    return FALSE;
  parley_job_bytes_on_disk (job);
  for (guint i = 0; i < job->sidecar->n_parts; i++)
    if (!job->sidecar->parts[i].fetched && !job->sidecar->parts[i].found &&
        !bring_part (job, i, cancellable, error))
      return FALSE;
  report (job, PARLEY_TRANSFER_CHECKING, "");
  if (!record (job, recorder, data, error))
    return FALSE;
  g_autofree char *described = parley_job_dup_sidecar_path (job);
  g_autofree char *folder = g_path_get_dirname (described);
  g_autofree char *wish = _parley_job_beside (job, 0, PARLEY_WISH_SUFFIX);
  g_unlink (wish);
  if (g_unlink (described) != 0 && errno != ENOENT)
    return parley_disk_fail (error, errno, PARLEY_DISK_DELETE, described);
  return parley_disk_sync_folder (folder, error);
}

gboolean
parley_job_run (ParleyJob *job, ParleyJobReport report_fn, gpointer report_data,
                ParleyDownloadsRecorder recorder, gpointer recorder_data, GCancellable *cancellable,
                GError **error)
{
  job->report = report_fn;
  job->report_data = report_data;
  g_cancellable_reset (job->hurry);
  if (strcmp (job->sidecar->endpoint, parley_hub_get_endpoint (job->hub)) != 0) {
    g_set_error (
        error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_REFERENCE,
        _ ("This download began at %s. Set PARLEY_HUB to that address to go on, or remove it"),
        job->sidecar->endpoint);
    return FALSE;
  }
  gboolean moved = TRUE, good = TRUE;
  while (good && moved) {
    g_autofree char *lock_path = _parley_job_beside (job, 0, ".part.lock");
    gboolean over = FALSE;
    int lock = -1;
    moved = FALSE;
    good = _parley_job_make_folders (job, error) &&
           take_lock (job, lock_path, &lock, &over, cancellable, error) &&
           (over || run_locked (job, &moved, recorder, recorder_data, cancellable, error));
    take_wishes (job, FALSE);
    parley_disk_unlock (lock, lock_path);
  }
  return good;
}

/* Empty folders from the part's upwards, the models folder itself excepted. */
static void
remove_folders (ParleyJob *job, guint i)
{
  g_autofree char *path = parley_job_dup_path (job, i);
  for (;;) {
    char *folder = g_path_get_dirname (path);
    g_free (path);
    path = folder;
    if (strlen (path) <= strlen (job->models_dir) || g_rmdir (path) != 0)
      return;
  }
}

gboolean
parley_job_discard (ParleyJob *job, GError **error)
{
  g_autofree char *lock_path = _parley_job_beside (job, 0, ".part.lock");
  g_autofree char *described = parley_job_dup_sidecar_path (job);
  gboolean busy = FALSE;
  g_autoptr (GError) problem = NULL;
  g_autofree char *wish = _parley_job_beside (job, 0, PARLEY_WISH_SUFFIX);
  int lock = parley_disk_lock (lock_path, &busy, &problem);
  if (lock < 0 && busy)
    return parley_wish_leave (wish, PARLEY_WISH_CANCEL, error);
  g_unlink (wish);
  /* What another program finished meanwhile is a model. */
  gboolean is_unfinished = g_file_test (described, G_FILE_TEST_EXISTS);
  for (guint i = 0; i < job->sidecar->n_parts; i++) {
    g_autofree char *part = _parley_job_beside (job, i, ".part");
    g_autofree char *path = parley_job_dup_path (job, i);
    g_unlink (part);
    if (job->sidecar->parts[i].fetched && is_unfinished)
      g_unlink (path);
  }
  gboolean good = g_unlink (described) == 0 || errno == ENOENT || errno == ENOTDIR;
  int code = errno;
  parley_disk_unlock (lock, lock_path);
  for (guint i = 0; i < job->sidecar->n_parts; i++)
    remove_folders (job, i);
  return good || parley_disk_fail (error, code, PARLEY_DISK_DELETE, described);
}
