/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hub, a folder and downloads for one test of transfers.
 */
#pragma once

#include "hub/parley-downloads.h"
#include "hub/parley-transfer-private.h"
#include "standin.h"

#define TOKEN "hf_standinstandinstandinstandinstandin01"

/* One test's hub, folder and downloads. */
typedef struct {
  ParleyHub *hub;
  ParleyDownloads *downloads;
  char *folder;
  guint64 highest; /* progress so far: it must never fall */
  gboolean fell;
} Bench;

static inline void
bench_open_again (Bench *bench)
{
  g_clear_object (&bench->downloads);
  bench->downloads = parley_downloads_new (bench->hub, bench->folder);
}

static inline void
bench_open (Bench *bench, const char *folder)
{
  *bench = (Bench){ .hub = standin_hub_new (TOKEN) };
  bench->folder = folder ? g_strdup (folder) : g_dir_make_tmp ("parley-models-XXXXXX", NULL);
  bench_open_again (bench);
}

static inline void
bench_close (Bench *bench)
{
  g_clear_object (&bench->downloads);
  g_clear_object (&bench->hub);
  remove_tree (bench->folder);
  g_free (bench->folder);
}

static inline ParleyHubFile *
get_file (Bench *bench, const char *repo, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHubModel) model = parley_hub_details (bench->hub, repo, NULL, NULL, &error);
  CHECK_MSG (model, "%s", error->message);
  ParleyHubFile *file = parley_hub_model_choose (model, wanted, &error);
  CHECK_MSG (file, "%s", error->message);
  return file;
}

static inline void
on_progress (ParleyTransfer *transfer, GParamSpec *spec, Bench *bench)
{
  guint64 done = parley_transfer_get_bytes_done (transfer);
  bench->fell |= done < bench->highest;
  bench->highest = done;
}

static inline ParleyTransfer *
begin (Bench *bench, ParleyHubFile *file)
{
  g_autoptr (GError) error = NULL;
  ParleyTransfer *transfer = parley_downloads_add (bench->downloads, file, &error);
  CHECK_MSG (transfer, "%s", error->message);
  bench->highest = parley_transfer_get_bytes_done (transfer);
  g_signal_connect (transfer, "notify::bytes-done", G_CALLBACK (on_progress), bench);
  return transfer;
}

static inline gboolean
on_timeout (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until the transfer is in `state`, or at least has `bytes`. */
static inline void
until (ParleyTransfer *transfer, ParleyTransferState state, guint64 bytes)
{
  gboolean late = FALSE;
  guint timeout = g_timeout_add_seconds (60, on_timeout, &late);
  while (!late && parley_transfer_get_state (transfer) != state &&
         !(bytes > 0 && parley_transfer_get_bytes_done (transfer) >= bytes))
    g_main_context_iteration (NULL, TRUE);
  if (!late)
    g_source_remove (timeout);
  CHECK_MSG (!late, "state %d, not %d; %" G_GUINT64_FORMAT " bytes; %s",
             parley_transfer_get_state (transfer), state, parley_transfer_get_bytes_done (transfer),
             parley_transfer_get_message (transfer));
}

static inline void
check_file (const char *path, const char *sha256)
{
  g_autofree char *text = NULL;
  gsize n;
  CHECK_MSG (g_file_get_contents (path, &text, &n, NULL), "%s", path);
  g_autofree char *hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text, n);
  CHECK_STR (hash, sha256);
}

/* TRUE when something besides finished models is in the folder. */
static inline gboolean
has_remains (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  gboolean found = FALSE;
  for (const char *name; dir && !found && (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    found = strstr (name, ".part") || has_remains (path);
  }
  return found;
}
