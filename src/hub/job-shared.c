/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A job that lies in a queue of several programs: its description belongs to who holds its lock,
 * and the others leave wishes and look what became of it.
 */
#include "hub/disk.h"
#include "hub/job-private.h"
#include "hub/wish.h"

#include <string.h>

static ParleySidecar *
read_description (ParleyJob *job)
{
  g_autofree char *path = parley_job_dup_sidecar_path (job);
  g_autoptr (ParleySidecar) current = parley_sidecar_read (path, NULL);
  return current && parley_sidecar_equal (current, job->sidecar) ? g_steal_pointer (&current)
                                                                 : NULL;
}

/* TRUE with *busy: another program runs the job, and nothing was written. */
static gboolean
save (ParleyJob *job, gboolean *busy, GError **error)
{
  g_autofree char *lock_path = _parley_job_beside (job, 0, ".part.lock");
  *busy = FALSE;
  if (!_parley_job_make_folders (job, error))
    return FALSE;
  int lock = parley_disk_lock (lock_path, busy, error);
  if (lock < 0)
    return *busy;
  g_autoptr (ParleySidecar) current = read_description (job);
  if (current)
    parley_sidecar_take_progress (job->sidecar, current);
  gboolean good = _parley_job_write (job, error);
  parley_disk_unlock (lock, lock_path);
  return good;
}

gboolean
parley_job_save (ParleyJob *job, GError **error)
{
  gboolean busy;
  if (!save (job, &busy, error))
    return FALSE;
  /* Who holds the lock without a description has just ended its work, or removed it. */
  g_autofree char *path = parley_job_dup_sidecar_path (job);
  return !busy || g_file_test (path, G_FILE_TEST_EXISTS) || _parley_job_write (job, error);
}

void
parley_job_set_added (ParleyJob *job, gint64 added)
{
  g_autoptr (GError) error = NULL;
  job->sidecar->added = added;
  if (!parley_job_save (job, &error))
    g_debug ("a place in the queue is not kept: %s", error->message);
}

gboolean
parley_job_set_paused (ParleyJob *job, gboolean paused, GError **error)
{
  g_autofree char *wish = _parley_job_beside (job, 0, PARLEY_WISH_SUFFIX);
  gboolean busy = FALSE;
  if (!paused && !parley_wish_leave (wish, PARLEY_WISH_NONE, error))
    return FALSE;
  if (job->sidecar->paused == paused && job->paused_on_disk == paused)
    return TRUE;
  job->sidecar->paused = paused;
  if (!save (job, &busy, error))
    return FALSE;
  return !paused || parley_wish_leave (wish, busy ? PARLEY_WISH_PAUSE : PARLEY_WISH_NONE, error);
}

gboolean
parley_job_is_elsewhere (ParleyJob *job)
{
  g_autofree char *lock_path = _parley_job_beside (job, 0, ".part.lock");
  return parley_disk_is_locked (lock_path);
}

ParleyWish
parley_job_take_wish (ParleyJob *job)
{
  g_mutex_lock (&job->mutex);
  ParleyWish wish = job->wish ? parley_wish_take (job->wish) : PARLEY_WISH_NONE;
  g_mutex_unlock (&job->mutex);
  return wish;
}

gboolean
parley_job_settle_wish (ParleyJob *job)
{
  g_autofree char *path = _parley_job_beside (job, 0, PARLEY_WISH_SUFFIX);
  g_autoptr (GError) error = NULL;
  ParleyWish wish = parley_wish_look (path);
  gboolean good = TRUE;
  if (wish == PARLEY_WISH_CANCEL)
    good = parley_job_is_elsewhere (job) || parley_job_discard (job, &error);
  else if (wish == PARLEY_WISH_PAUSE)
    good = parley_job_set_paused (job, TRUE, &error);
  if (!good)
    g_debug ("a wish is not fulfilled: %s", error->message);
  return wish != PARLEY_WISH_CANCEL;
}

ParleyJobChange
parley_job_look_again (ParleyJob *job, gboolean *moved)
{
  g_autofree char *wish = _parley_job_beside (job, 0, PARLEY_WISH_SUFFIX);
  g_autoptr (ParleySidecar) current = read_description (job);
  *moved = FALSE;
  if (!current && !g_file_test (job->models_dir, G_FILE_TEST_IS_DIR))
    return PARLEY_JOB_AS_BEFORE; /* its disk is not plugged in */
  if (!current)
    return _parley_job_is_in_place (job) ? PARLEY_JOB_FINISHED : PARLEY_JOB_GONE;
  parley_sidecar_take_progress (job->sidecar, current);
  *moved = current->added != job->sidecar->added;
  job->sidecar->added = current->added;
  /* A wish to pause that is not fulfilled yet is as good as a pause. */
  if (current->paused == job->paused_on_disk || parley_wish_look (wish) != PARLEY_WISH_NONE)
    return PARLEY_JOB_AS_BEFORE;
  job->sidecar->paused = job->paused_on_disk = current->paused;
  return current->paused ? PARLEY_JOB_PAUSED : PARLEY_JOB_RESUMED;
}
