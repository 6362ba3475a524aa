/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "hub/job.h"

G_BEGIN_DECLS

struct _ParleyJob {
  ParleyHub *hub;
  char *models_dir;
  ParleySidecar *sidecar;
  gboolean apart;
  gboolean paused_on_disk; /* as last read or written */
  GMutex mutex;            /* of the next */
  char *wish;              /* where others leave wishes; NULL: this program does not run it */
  GCancellable *hurry;
  guint64 *have; /* bytes of each part, for the sum in reports */
  ParleyJobReport report;
  gpointer report_data;
};

char *_parley_job_beside (ParleyJob *job, guint part, const char *suffix);
gboolean _parley_job_make_folders (ParleyJob *job, GError **error);

/* Writes the description, which only the holder of the lock may; errors of the file system are put
 * in our words. */
gboolean _parley_job_write (ParleyJob *job, GError **error);

/* Whether all parts are there, whole. */
gboolean _parley_job_is_in_place (ParleyJob *job);

G_END_DECLS
