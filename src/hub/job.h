/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The work of one download, on a thread that may block: brings all parts of a file into their
 * folder, repeating what fails in passing, as described in parley-downloads.h. No GObject, no main
 * loop. A job belongs to one thread at a time, but for parley_job_hurry().
 */
#pragma once

#include "hub/parley-downloads.h"
#include "hub/sidecar.h"
#include "hub/wish.h"

G_BEGIN_DECLS

typedef struct _ParleyJob ParleyJob;

/* Called on the working thread, often. `message`: why it waits, else "". */
typedef void (*ParleyJobReport) (ParleyTransferState state, guint64 bytes_done, const char *message,
                                 gpointer data);

/* Takes `sidecar`. `apart`: in the folder "repo@commit", because another version has the usual
 * one. */
ParleyJob *parley_job_new (ParleyHub *hub, const char *models_dir, ParleySidecar *sidecar,
                           gboolean apart);
void parley_job_free (ParleyJob *job); /* leaves everything on disk as it is */

const ParleySidecar *parley_job_get_sidecar (ParleyJob *job);
char *parley_job_dup_path (ParleyJob *job, guint part); /* of the finished file */
char *parley_job_dup_sidecar_path (ParleyJob *job);
guint64 parley_job_bytes_on_disk (ParleyJob *job); /* where it would go on */

/* Writes the description down, so that the job is found after a restart. While another program
 * runs the job these write nothing, but a pause is wished for there. Not while this one does. */
gboolean parley_job_save (ParleyJob *job, GError **error);
void parley_job_set_added (ParleyJob *job, gint64 added); /* its place in the queue */
gboolean parley_job_set_paused (ParleyJob *job, gboolean paused, GError **error);

/* Another program runs it, or this one. */
gboolean parley_job_is_elsewhere (ParleyJob *job);
/* What another program wishes of a job that this one runs; any thread. */
ParleyWish parley_job_take_wish (ParleyJob *job);
/* Fulfils what was wished of a job that nobody runs. FALSE: it is gone, or soon will be. */
gboolean parley_job_settle_wish (ParleyJob *job);

/* What other programs did to a job that this one does not run. */
typedef enum {
  PARLEY_JOB_AS_BEFORE,
  PARLEY_JOB_PAUSED,
  PARLEY_JOB_RESUMED,
  PARLEY_JOB_FINISHED,
  PARLEY_JOB_GONE,
} ParleyJobChange;
/* *moved: it has another place in the queue. */
ParleyJobChange parley_job_look_again (ParleyJob *job, gboolean *moved);

/* Does everything. FALSE with G_IO_ERROR_CANCELLED leaves what there is for the next time. */
gboolean parley_job_run (ParleyJob *job, ParleyJobReport report, gpointer report_data,
                         ParleyDownloadsRecorder recorder, gpointer recorder_data,
                         GCancellable *cancellable, GError **error);

/* Ends a wait before its time; from any thread. */
void parley_job_hurry (ParleyJob *job);

/* Removes what the download left on the disk, or wishes for that where another program runs it. */
gboolean parley_job_discard (ParleyJob *job, GError **error);

/* Finished file of a part: <models_dir>/<repo>[@<commit>]/<path>. Free with g_free(). */
char *parley_job_place (const char *models_dir, const ParleySidecar *sidecar, gboolean apart,
                        guint part);

G_END_DECLS
