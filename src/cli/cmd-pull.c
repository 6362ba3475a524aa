/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli pull: downloads a model, or goes on with a download that was interrupted.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"
#include "hub/parley-downloads.h"
#include "hub/parley-hub-ref.h"
#include "library/parley-library.h"
#include "library/record.h"
#include "store/parley-store.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define BAR_CELLS 24

typedef struct {
  ParleyTransfer *transfer;
  GMainLoop *loop;
  bool quiet, is_tty, interrupted;
  char *last_message;
} Pull;

/* One line that rewrites itself, on a terminal. */
static void
draw_bar (Pull *pull)
{
  ParleyTransfer *t = pull->transfer;
  g_autofree char *done = cli_format_bytes (parley_transfer_get_bytes_done (t));
  g_autofree char *total = cli_format_bytes (parley_transfer_get_bytes_total (t));
  g_autofree char *rate = cli_format_bytes ((guint64) parley_transfer_get_rate (t));
  g_autoptr (GString) bar = g_string_new (NULL);
  int full = (int) (parley_transfer_get_fraction (t) * BAR_CELLS);
  for (int i = 0; i < BAR_CELLS; i++)
    g_string_append (bar, i < full ? "█" : "░");
  fprintf (stderr, "\r\033[K%s %3d %%  %s of %s", bar->str,
           (int) (parley_transfer_get_fraction (t) * 100), done, total);
  guint64 left = parley_transfer_get_bytes_total (t) - parley_transfer_get_bytes_done (t);
  double per_second = parley_transfer_get_rate (t);
  if (per_second >= 1) {
    guint64 seconds = (guint64) ((double) left / per_second);
    fprintf (stderr, "  %s/s  %" G_GUINT64_FORMAT ":%02u left", rate, seconds / 60,
             (guint) (seconds % 60));
  }
  if (parley_transfer_get_state (t) == PARLEY_TRANSFER_CHECKING)
    fprintf (stderr, "  checking");
  fflush (stderr);
}

static void
on_progress (ParleyTransfer *transfer, GParamSpec *spec, Pull *pull)
{
  if (!pull->quiet && pull->is_tty)
    draw_bar (pull);
}

static void
on_message (ParleyTransfer *transfer, GParamSpec *spec, Pull *pull)
{
  const char *message = parley_transfer_get_message (transfer);
  if (pull->quiet || !*message || parley_transfer_get_state (transfer) == PARLEY_TRANSFER_FAILED ||
      g_strcmp0 (message, pull->last_message) == 0)
    return;
  g_free (pull->last_message);
  pull->last_message = g_strdup (message);
  fprintf (stderr, "%s%s; trying again\n", pull->is_tty ? "\r\033[K" : "", message);
}

static void
on_state (ParleyTransfer *transfer, GParamSpec *spec, Pull *pull)
{
  on_progress (transfer, spec, pull);
  if (!parley_transfer_is_active (transfer))
    g_main_loop_quit (pull->loop);
}

static gboolean
on_signal (gpointer data)
{
  Pull *pull = data;
  pull->interrupted = true;
  g_main_loop_quit (pull->loop);
  return G_SOURCE_REMOVE;
}

static int
print_result (ParleyTransfer *transfer, ParleyHubFile *file, bool json)
{
  if (!json) {
    printf ("%s\n", parley_transfer_get_path (transfer));
    return CLI_DONE;
  }
  struct pe_json_writer w = { 0 };
  pe_json_begin_object (&w);
  pe_json_key (&w, "path");
  pe_json_text (&w, parley_transfer_get_path (transfer));
  pe_json_key (&w, "repo");
  pe_json_text (&w, parley_transfer_get_repo (transfer));
  pe_json_key (&w, "commit");
  pe_json_text (&w, parley_transfer_get_commit (transfer));
  pe_json_key (&w, "quantisation");
  pe_json_text (&w, parley_transfer_get_quantisation (transfer));
  pe_json_key (&w, "bytes");
  pe_json_uint (&w, parley_transfer_get_bytes_total (transfer));
  pe_json_key (&w, "sha256");
  pe_json_text (&w, parley_hub_file_get_part (file, 0)->sha256);
  pe_json_end_object (&w);
  return cli_print_json (&w);
}

/* The model's page, for reading it without a connection. There may be none. */
static void
keep_card (ParleyDownloads *downloads, ParleyStore *store, ParleyTransfer *transfer)
{
  g_autofree char *card = store
                              ? parley_hub_card (parley_downloads_get_hub (downloads),
                                                 parley_transfer_get_repo (transfer),
                                                 parley_transfer_get_commit (transfer), NULL, NULL)
                              : NULL;
  if (card && *card)
    parley_record_set_card (store, parley_transfer_get_path (transfer), card, NULL);
}

static int
run (ParleyDownloads *downloads, ParleyStore *store, ParleyHubFile *file, bool quiet, bool json)
{
  g_autoptr (GError) error = NULL;
  Pull pull = { .quiet = quiet, .is_tty = isatty (STDERR_FILENO) };
  pull.transfer = parley_downloads_add (downloads, file, &error);
  if (!pull.transfer)
    return cli_fail_glib ("cannot download", error);
  pull.loop = g_main_loop_new (NULL, FALSE);
  g_signal_connect (pull.transfer, "notify::bytes-done", G_CALLBACK (on_progress), &pull);
  g_signal_connect (pull.transfer, "notify::rate", G_CALLBACK (on_progress), &pull);
  g_signal_connect (pull.transfer, "notify::message", G_CALLBACK (on_message), &pull);
  g_signal_connect (pull.transfer, "notify::state", G_CALLBACK (on_state), &pull);
  guint sources[] = { g_unix_signal_add (SIGINT, on_signal, &pull),
                      g_unix_signal_add (SIGTERM, on_signal, &pull) };
  if (parley_transfer_is_active (pull.transfer))
    g_main_loop_run (pull.loop);
  g_signal_handlers_disconnect_by_data (pull.transfer, &pull);
  for (gsize i = 0; i < G_N_ELEMENTS (sources) && !pull.interrupted; i++)
    g_source_remove (sources[i]);
  g_main_loop_unref (pull.loop);
  g_free (pull.last_message);
  if (pull.is_tty && !quiet)
    fprintf (stderr, "\n");
  if (pull.interrupted) {
    parley_downloads_stop (downloads);
    return cli_fail ("interrupted: run the same command again to go on from here");
  }
  if (parley_transfer_get_state (pull.transfer) == PARLEY_TRANSFER_DONE) {
    keep_card (downloads, store, pull.transfer);
    return print_result (pull.transfer, file, json);
  }
  ParleyTransferState state = parley_transfer_get_state (pull.transfer);
  const char *message = parley_transfer_get_message (pull.transfer);
  if (state == PARLEY_TRANSFER_CANCELLED)
    return cli_fail ("the download was removed in another Parley");
  if (state == PARLEY_TRANSFER_PAUSED && !*message)
    return cli_fail ("the download was paused in another Parley: run the same command again to go "
                     "on from here");
  cli_fail ("cannot download: %s", message);
  if (parley_transfer_get_bytes_done (pull.transfer) == 0)
    parley_transfer_cancel (pull.transfer); /* nothing to go on with */
  return CLI_FAILED;
}

int
parley_cmd_pull (int argc, char **argv)
{
  gboolean json = FALSE, quiet = FALSE;
  const GOptionEntry entries[] = {
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "Show no progress", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print the result as JSON", NULL },
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "REPO[:QUANT|/FILE]",
                  "Downloads a model; goes on where an earlier try ended. Without a quantisation "
                  "it takes Q4_K_M or the like.",
                  entries, 1, 1))
    return CLI_USAGE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHub) hub = cli_hub_new ();
  g_autoptr (ParleyHubRef) ref =
      parley_hub_ref_parse (argv[1], parley_hub_get_endpoint (hub), &error);
  g_autoptr (ParleyHubModel) model =
      ref ? parley_hub_details (hub, ref->repo, ref->revision, NULL, &error) : NULL;
  g_autoptr (ParleyHubFile) file =
      model ? parley_hub_model_choose (model, ref->file ? ref->file : ref->quantisation, &error)
            : NULL;
  if (!file)
    return cli_fail_glib ("cannot download", error);

  g_autoptr (ParleyStore) store = parley_store_open (NULL, &error);
  if (!store) {
    cli_fail_glib ("the catalogue cannot be opened, so the download goes on without it", error);
    g_clear_error (&error);
  }
  g_autoptr (ParleyLibrary) library = parley_library_new (NULL);
  g_autoptr (ParleyDownloads) downloads = parley_downloads_new (hub, NULL);
  if (store)
    parley_library_set_store (library, store);
  parley_library_record (library, downloads);
  return run (downloads, store, file, quiet, json);
}
