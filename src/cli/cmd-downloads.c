/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli downloads: what is not finished, whichever program began it: shown, paused, let go on,
 * moved to the front, removed, and brought to its end.
 */
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/table.h"
#include "hub/parley-downloads.h"
#include "library/parley-library.h"

#include <glib-unix.h>
#include <string.h>

static ParleyTransfer *
transfer_at (ParleyDownloads *downloads, guint i)
{
  g_autoptr (ParleyTransfer) transfer = g_list_model_get_item (G_LIST_MODEL (downloads), i);
  return transfer; /* the list keeps it */
}

static const char *
state_of (ParleyTransfer *transfer)
{
  return parley_transfer_get_state (transfer) == PARLEY_TRANSFER_PAUSED ? "paused"
         : parley_transfer_runs_elsewhere (transfer)                    ? "downloading"
                                                                        : "waiting";
}

static char *
reference_of (ParleyTransfer *transfer)
{
  const char *quantisation = parley_transfer_get_quantisation (transfer);
  return g_strconcat (parley_transfer_get_repo (transfer), *quantisation ? ":" : "", quantisation,
                      NULL);
}

static bool
is_called (ParleyTransfer *transfer, const char *name)
{
  g_autofree char *reference = reference_of (transfer);
  return g_ascii_strcasecmp (name, reference) == 0 ||
         g_ascii_strcasecmp (name, parley_transfer_get_repo (transfer)) == 0 ||
         strcmp (name, parley_transfer_get_name (transfer)) == 0 ||
         strcmp (name, parley_transfer_get_path (transfer)) == 0;
}

/* Those of this name; "all": all. NULL: none, reported. */
static GPtrArray *
choose (ParleyDownloads *downloads, const char *name, bool only_one)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new_with_free_func (g_object_unref);
  bool all = strcmp (name, "all") == 0 && !only_one;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (downloads)); i++)
    if (all || is_called (transfer_at (downloads, i), name))
      g_ptr_array_add (chosen, g_object_ref (transfer_at (downloads, i)));
  if (chosen->len == 0)
    cli_fail ("no unfinished download is called “%s”: see 'parley-cli downloads'", name);
  else if (chosen->len > 1 && only_one)
    cli_fail ("several downloads are called “%s”: give the name of one file", name);
  return chosen->len > 0 && (chosen->len == 1 || !only_one) ? g_steal_pointer (&chosen) : NULL;
}

typedef void (*Deed) (ParleyTransfer *transfer);

static int
act (ParleyDownloads *downloads, const char *name, Deed deed)
{
  int status = CLI_DONE;
  g_autoptr (GPtrArray) chosen = choose (downloads, name, false);
  if (!chosen)
    return CLI_FAILED;
  for (guint i = 0; i < chosen->len; i++) {
    deed (chosen->pdata[i]);
    if (parley_transfer_get_state (chosen->pdata[i]) == PARLEY_TRANSFER_FAILED)
      status = cli_fail ("cannot change the download: %s",
                         parley_transfer_get_message (chosen->pdata[i]));
  }
  parley_downloads_remove_finished (downloads);
  return status;
}

static int
move_first (ParleyDownloads *downloads, const char *name)
{
  g_autoptr (GPtrArray) chosen = choose (downloads, name, true);
  if (!chosen)
    return CLI_FAILED;
  parley_downloads_move (downloads, chosen->pdata[0], 0);
  return CLI_DONE;
}

static int
print_json (ParleyDownloads *downloads)
{
  struct pe_json_writer w = { 0 };
  pe_json_begin_array (&w);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (downloads)); i++) {
    ParleyTransfer *transfer = transfer_at (downloads, i);
    pe_json_begin_object (&w);
    pe_json_key (&w, "repo");
    pe_json_text (&w, parley_transfer_get_repo (transfer));
    pe_json_key (&w, "commit");
    pe_json_text (&w, parley_transfer_get_commit (transfer));
    pe_json_key (&w, "quantisation");
    pe_json_text (&w, parley_transfer_get_quantisation (transfer));
    pe_json_key (&w, "path");
    pe_json_text (&w, parley_transfer_get_path (transfer));
    pe_json_key (&w, "bytes_done");
    pe_json_uint (&w, parley_transfer_get_bytes_done (transfer));
    pe_json_key (&w, "bytes");
    pe_json_uint (&w, parley_transfer_get_bytes_total (transfer));
    pe_json_key (&w, "state");
    pe_json_text (&w, state_of (transfer));
    pe_json_end_object (&w);
  }
  pe_json_end_array (&w);
  return cli_print_json (&w);
}

static int
print_table (ParleyDownloads *downloads)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (downloads)), n_waiting = 0;
  if (n == 0) {
    printf ("No download is unfinished.\n");
    return CLI_DONE;
  }
  g_autoptr (CliTable) table = cli_table_new ("lrrll");
  cli_table_add (table, "DOWNLOAD", "DONE", "OF", "STATE", "FILE");
  for (guint i = 0; i < n; i++) {
    ParleyTransfer *transfer = transfer_at (downloads, i);
    g_autofree char *reference = reference_of (transfer);
    g_autofree char *done = cli_format_bytes (parley_transfer_get_bytes_done (transfer));
    g_autofree char *all = cli_format_bytes (parley_transfer_get_bytes_total (transfer));
    const char *state = state_of (transfer);
    n_waiting += strcmp (state, "waiting") == 0;
    cli_table_add (table, reference, done, all, state, parley_transfer_get_name (transfer));
  }
  cli_table_print (table);
  if (n_waiting > 0)
    printf ("\nWhat waits goes on in Parley's window, or with 'parley-cli downloads --run'.\n");
  return CLI_DONE;
}

/* ---- to the end ---- */

typedef struct {
  ParleyDownloads *downloads;
  GMainLoop *loop;
  bool interrupted;
  int status;
} Run;

static void
on_state (ParleyTransfer *transfer, GParamSpec *spec, Run *run)
{
  bool active = false;
  if (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_DONE)
    printf ("%s\n", parley_transfer_get_path (transfer));
  else if (parley_transfer_get_state (transfer) == PARLEY_TRANSFER_FAILED ||
           parley_transfer_get_error (transfer))
    run->status = cli_fail ("cannot download %s: %s", parley_transfer_get_name (transfer),
                            parley_transfer_get_message (transfer));
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (run->downloads)); i++)
    active |= parley_transfer_is_active (transfer_at (run->downloads, i));
  if (!active)
    g_main_loop_quit (run->loop);
}

static gboolean
on_signal (gpointer data)
{
  Run *run = data;
  run->interrupted = true;
  g_main_loop_quit (run->loop);
  return G_SOURCE_CONTINUE;
}

static int
run_all (ParleyHub *hub)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyStore) store = parley_store_open (NULL, &error);
  if (!store)
    return cli_fail_glib ("cannot open the catalogue", error);
  g_autoptr (ParleyLibrary) library = parley_library_new (NULL);
  g_autoptr (ParleyDownloads) downloads = parley_downloads_new (hub, NULL);
  Run run = { .downloads = downloads, .loop = g_main_loop_new (NULL, FALSE) };
  bool active = false;
  parley_library_set_store (library, store);
  parley_library_record (library, downloads);
  parley_downloads_restore (downloads);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (downloads)); i++) {
    g_signal_connect (transfer_at (downloads, i), "notify::state", G_CALLBACK (on_state), &run);
    active |= parley_transfer_is_active (transfer_at (downloads, i));
  }
  guint sources[] = { g_unix_signal_add (SIGINT, on_signal, &run),
                      g_unix_signal_add (SIGTERM, on_signal, &run) };
  if (active)
    g_main_loop_run (run.loop);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (downloads)); i++)
    g_signal_handlers_disconnect_by_data (transfer_at (downloads, i), &run);
  g_main_loop_unref (run.loop);
  parley_downloads_stop (downloads);
  return run.interrupted ? cli_fail ("interrupted: run the same command again to go on from here")
                         : run.status;
}

int
parley_cmd_downloads (int argc, char **argv)
{
  gboolean json = FALSE, go = FALSE;
  g_autofree char *pause = NULL, *resume = NULL, *remove = NULL, *first = NULL;
  const GOptionEntry entries[] = {
    { "pause", 0, 0, G_OPTION_ARG_STRING, &pause,
      "Stop it, wherever it runs, and keep what is there", "NAME" },
    { "resume", 0, 0, G_OPTION_ARG_STRING, &resume, "It is no longer paused", "NAME" },
    { "remove", 0, 0, G_OPTION_ARG_STRING, &remove, "Stop it and delete what is there", "NAME" },
    { "first", 0, 0, G_OPTION_ARG_STRING, &first, "Put it before all others", "NAME" },
    { "run", 0, 0, G_OPTION_ARG_NONE, &go, "Download all that is not paused, in this order", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { NULL },
  };
  if (!cli_parse (
          &argc, &argv, "",
          "Shows the downloads that are not finished, whichever program began them, in their "
          "order. NAME is that of a file, REPO, REPO:QUANT, or all.",
          entries, 0, 0))
    return CLI_USAGE;
  int status = CLI_DONE;
  g_autoptr (ParleyHub) hub = cli_hub_new ();
  g_autoptr (ParleyDownloads) downloads = parley_downloads_new (hub, NULL);
  parley_downloads_stop (downloads); /* to be looked at */
  parley_downloads_restore (downloads);
  if (pause)
    status = act (downloads, pause, parley_transfer_pause);
  if (resume && status == CLI_DONE)
    status = act (downloads, resume, parley_transfer_resume);
  if (remove && status == CLI_DONE)
    status = act (downloads, remove, parley_transfer_cancel);
  if (first && status == CLI_DONE)
    status = move_first (downloads, first);
  if (status != CLI_DONE)
    return status;
  if (go)
    return run_all (hub);
  return json ? print_json (downloads) : print_table (downloads);
}
