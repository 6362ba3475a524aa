/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli fit: the plan, the verdict and the predicted speed of a model, on disk or on the hub,
 * or of every file of a repository.
 */
#include "bridge/parley-device-json.h"
#include "cli/commands.h"
#include "cli/engine-options.h"
#include "cli/models.h"
#include "cli/table.h"
#include "fit/history.h"
#include "hardware/parley-rates.h"
#include "hub/parley-hub-ref.h"
#include "hub/parley-hub.h"
#include "library/parley-library.h"

#include <unistd.h>

/* What --verify found: bytes taken after a real load by the plan. */
struct verified {
  bool done;
  guint64 bytes[PE_MAX_DEVICES];
};

static bool
tell_measuring (void *data, uint64_t done, uint64_t total)
{
  fprintf (stderr, "\rmeasuring this computer, once: %3.0f %%%s",
           100.0 * (double) done / (double) total, done < total ? "" : "\n");
  return true;
}

/* Rates are measured now where they never were. */
static gsize
list_devices (ParleyStore *store, struct pe_device_info devices[PE_MAX_DEVICES])
{
  gsize n = cli_plan_devices (store, devices);
  g_autofree char *path = parley_rates_default_path ();
  g_autoptr (GError) error = NULL;
  const struct pe_progress progress = { tell_measuring, NULL };
  if (g_strcmp0 (g_getenv ("PARLEY_MEASURE"), "never") != 0 &&
      !parley_rates_measure (path, devices, n, FALSE, isatty (STDERR_FILENO) ? &progress : NULL,
                             &error))
    g_printerr ("parley-cli: speeds cannot be foretold: %s\n", error->message);
  return n;
}

/* A file of a repository, by its header; NULL with an error. */
static ParleyFitModel *
open_hub_file (ParleyHub *hub, ParleyHubFile *file, GError **error)
{
  guint64 bytes = 0;
  g_autoptr (GBytes) header = parley_hub_header (hub, file, 0, &bytes, NULL, error);
  return header
             ? parley_fit_model_open_header (header, bytes, parley_hub_file_get_name (file), error)
             : NULL;
}

static ParleyHubModel *
find_repository (ParleyHub *hub, const char *name, char **wanted, GError **error)
{
  g_autoptr (ParleyHubRef) ref = parley_hub_ref_parse (name, parley_hub_get_endpoint (hub), error);
  if (!ref)
    return NULL;
  *wanted = g_strdup (ref->file ? ref->file : ref->quantisation);
  return parley_hub_details (hub, ref->repo, ref->revision, NULL, error);
}

/* A path or, where `path` is NULL, a repository of the hub; NULL: reported. */
static ParleyFitModel *
open_model (const char *path, const char *name)
{
  g_autoptr (GError) error = NULL;
  ParleyFitModel *fit_model = NULL;
  if (path)
    fit_model = parley_fit_model_open (path, &error);
  else {
    g_autoptr (ParleyHub) hub = cli_hub_new ();
    g_autofree char *wanted = NULL;
    g_autoptr (ParleyHubModel) model = find_repository (hub, name, &wanted, &error);
    g_autoptr (ParleyHubFile) file = model ? parley_hub_model_choose (model, wanted, &error) : NULL;
    if (file)
      fit_model = open_hub_file (hub, file, &error);
  }
  if (!fit_model)
    cli_fail_glib ("cannot plan", error);
  return fit_model;
}

/* Loads by the plan and counts. */
static bool
verify (const char *path, ParleyFit *fit, const struct pe_device_info *devices, gsize n,
        struct verified *out)
{
  struct pe_error error = { 0 };
  struct pe_model *model = NULL;
  struct pe_plan *plan = NULL;
  struct pe_runtime *runtime = NULL;
  bool ok = pe_model_open (path, &model, &error) &&
            pe_plan_make (model, parley_fit_get_request (fit), devices, n, &plan, &error) &&
            pe_runtime_create (model, plan, NULL, &runtime, &error);
  if (!ok)
    cli_fail_engine ("cannot load the model", &error);
  for (gsize d = 0; ok && d < parley_fit_get_n_devices (fit); d++)
    out->bytes[d] = pe_runtime_allocated (runtime, d, PE_MEMORY_KIND_COUNT);
  out->done = ok;
  pe_runtime_free (runtime);
  pe_plan_free (plan);
  pe_model_close (model);
  return ok;
}

/* What else there is to know: the largest that fits, and what would be chosen here. */
struct advice {
  guint32 largest_context;
  guint largest_layers;
  struct pe_plan_request chosen;
  char *sentence;
};

static void
advise (ParleyFitModel *model, ParleyFit *fit, guint32 wanted, const struct pe_device_info *devices,
        gsize n, const ParleySpeedHistory *history, struct advice *out)
{
  const struct pe_plan_request *request = parley_fit_get_request (fit);
  out->largest_context = parley_fit_model_largest_context (model, request, devices, n);
  out->largest_layers = parley_fit_model_largest_layers (model, request, devices, n);
  parley_fit_model_auto (model, wanted, devices, n, history, &out->chosen, &out->sentence);
}

static const char *
trust_name (ParleySpeedTrust trust)
{
  switch (trust) {
  case PARLEY_SPEED_UNKNOWN: return "unknown";
  case PARLEY_SPEED_ROUGH: return "rough";
  case PARLEY_SPEED_PREDICTED: return "predicted";
  case PARLEY_SPEED_MEASURED: return "measured";
  }
  return "";
}

static void
write_speed (struct pe_json_writer *w, ParleyFit *fit)
{
  const struct {
    const char *name;
    double value;
  } figures[] = {
    { "generation", parley_fit_get_speed (fit) },
    { "generation_at_full_context", parley_fit_get_speed_at_full_context (fit) },
    { "prompt", parley_fit_get_prompt_speed (fit) },
    { "load_seconds", parley_fit_get_load_seconds (fit) },
    { "turn_seconds", parley_fit_get_turn_seconds (fit) },
  };
  pe_json_begin_object (w);
  for (gsize i = 0; i < G_N_ELEMENTS (figures); i++) {
    pe_json_key (w, figures[i].name);
    pe_json_real (w, figures[i].value);
  }
  pe_json_key (w, "load_basis");
  pe_json_text (w, parley_fit_get_load_basis (fit));
  pe_json_key (w, "trust");
  pe_json_text (w, trust_name (parley_fit_get_trust (fit)));
  pe_json_key (w, "basis");
  pe_json_text (w, parley_fit_get_basis (fit));
  pe_json_end_object (w);
}

static void
write_advice (struct pe_json_writer *w, const struct advice *advice)
{
  pe_json_key (w, "largest_ctx");
  pe_json_uint (w, advice->largest_context);
  pe_json_key (w, "largest_gpu_layers");
  pe_json_uint (w, advice->largest_layers);
  pe_json_key (w, "automatic");
  pe_json_begin_object (w);
  pe_json_key (w, "gpu_layers");
  pe_json_int (w, advice->chosen.n_gpu_layers);
  pe_json_key (w, "cpu_experts");
  pe_json_uint (w, advice->chosen.n_cpu_experts);
  pe_json_key (w, "ctx");
  pe_json_uint (w, advice->chosen.n_ctx);
  pe_json_key (w, "kv_type");
  pe_json_text (w, pe_type_info (advice->chosen.k_type)->name);
  pe_json_key (w, "batch");
  pe_json_uint (w, advice->chosen.n_batch);
  pe_json_key (w, "why");
  pe_json_text (w, advice->sentence);
  pe_json_end_object (w);
}

static void
write_device (struct pe_json_writer *w, const ParleyFitDevice *device,
              const struct verified *verified, gsize d)
{
  pe_json_begin_object (w);
  pe_json_key (w, "name");
  pe_json_text (w, device->info.name);
  pe_json_key (w, "kind");
  pe_json_text (w, parley_device_kind_to_string (device->info.kind));
  pe_json_key (w, "available_bytes");
  pe_json_uint (w, device->info.memory_available);
  pe_json_key (w, "margin_bytes");
  pe_json_uint (w, parley_fit_margin (&device->info));
  if (*device->info.doubt) {
    pe_json_key (w, "doubt");
    pe_json_text (w, device->info.doubt);
  }
  pe_json_key (w, "planned_bytes");
  pe_json_uint (w, device->planned);
  if (device->driver) {
    pe_json_key (w, "driver_bytes");
    pe_json_uint (w, device->driver);
    pe_json_key (w, "driver_basis");
    pe_json_text (w, "measured on this device");
  }
  if (verified->done) {
    pe_json_key (w, "allocated_bytes");
    pe_json_uint (w, verified->bytes[d]);
  }
  pe_json_key (w, "parts");
  pe_json_begin_object (w);
  for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++)
    if (device->parts[k]) {
      pe_json_key (w, pe_memory_kind_name ((enum pe_memory_kind) k));
      pe_json_uint (w, device->parts[k]);
    }
  pe_json_end_object (w);
  pe_json_end_object (w);
}

static int
print_json (ParleyFit *fit, const struct verified *verified, const struct advice *advice)
{
  struct pe_json_writer w = { 0 };
  const struct pe_plan_request *request = parley_fit_get_request (fit);
  pe_json_begin_object (&w);
  pe_json_key (&w, "verdict");
  pe_json_text (&w, parley_fit_verdict_name (parley_fit_get_verdict (fit)));
  pe_json_key (&w, "why");
  pe_json_text (&w, parley_fit_get_sentence (fit));
  pe_json_key (&w, "layers");
  pe_json_uint (&w, parley_fit_get_n_layers (fit));
  pe_json_key (&w, "gpu_layers");
  pe_json_uint (&w, parley_fit_get_gpu_layers (fit));
  pe_json_key (&w, "ctx");
  pe_json_uint (&w, request->n_ctx);
  pe_json_key (&w, "devices");
  pe_json_begin_array (&w);
  for (gsize d = 0; d < parley_fit_get_n_devices (fit); d++)
    write_device (&w, parley_fit_get_device (fit, d), verified, d);
  pe_json_end_array (&w);
  pe_json_key (&w, "speed");
  write_speed (&w, fit);
  if (advice->sentence)
    write_advice (&w, advice);
  pe_json_end_object (&w);
  return cli_print_json (&w);
}

static int
print_table (ParleyFit *fit, const struct verified *verified, const struct advice *advice)
{
  printf ("%s\n%s\n", parley_fit_verdict_words (parley_fit_get_verdict (fit)),
          parley_fit_get_sentence (fit));
  for (gsize d = 0; d < parley_fit_get_n_devices (fit); d++) {
    const ParleyFitDevice *device = parley_fit_get_device (fit, d);
    g_autofree char *planned = parley_fit_format_bytes (device->planned + device->driver);
    g_autofree char *available = parley_fit_format_bytes (device->info.memory_available);
    printf ("\n%s: %s of %s free\n", device->info.name, planned, available);
    for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++)
      if (device->parts[k]) {
        g_autofree char *bytes = parley_fit_format_bytes (device->parts[k]);
        printf ("  %-8s %10s\n", pe_memory_kind_name ((enum pe_memory_kind) k), bytes);
      }
    if (device->driver) {
      g_autofree char *bytes = parley_fit_format_bytes (device->driver);
      printf ("  %-8s %10s, as measured on this device\n", "driver", bytes);
    }
    if (device->planned) {
      g_autofree char *margin = parley_fit_format_bytes (parley_fit_margin (&device->info));
      printf ("  %-8s %10s, for others\n", "free", margin);
    }
    if (verified->done)
      printf ("  loaded: %" G_GUINT64_FORMAT " bytes taken, %" G_GUINT64_FORMAT " planned\n",
              verified->bytes[d], device->planned);
  }
  if (parley_fit_get_speed (fit) > 0)
    printf ("\nabout %.1f tokens/s (%.1f with a full context of %u), prompts %.0f tokens/s,\n%s\n",
            parley_fit_get_speed (fit), parley_fit_get_speed_at_full_context (fit),
            parley_fit_get_request (fit)->n_ctx, parley_fit_get_prompt_speed (fit),
            parley_fit_get_basis (fit));
  else
    printf ("\nspeed: %s\n", parley_fit_get_basis (fit));
  g_autofree char *load = parley_fit_describe_load (fit);
  if (load)
    printf ("%s\n", load);
  if (advice->sentence)
    printf ("\nlargest that fits: a context of %u, %u layers on the GPU\nautomatic: %s\n",
            advice->largest_context, advice->largest_layers, advice->sentence);
  return CLI_DONE;
}

/* The model of the library that has this file as its first; NULL: none. */
static ParleyModel *
find_by_path (ParleyLibrary *library, const char *name)
{
  g_autofree char *path = g_canonicalize_filename (name, NULL);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (library));
  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
    if (g_str_equal (parley_model_get_path (model), path))
      return g_steal_pointer (&model);
  }
  return NULL;
}

/* The path of a library model or of a file, which goes first; NULL: neither, it may be on the hub.
 * *id: its name in the library, or NULL. */
static char *
find_local (ParleyStore *store, const char *name, char **id)
{
  g_autoptr (ParleyLibrary) library = parley_library_new (NULL);
  gboolean is_file = g_file_test (name, G_FILE_TEST_IS_REGULAR);
  *id = NULL;
  if (store)
    parley_library_set_store (library, store);
  parley_library_add_builtin (library);
  gboolean loaded = parley_library_load (library, NULL, NULL);
  g_autoptr (ParleyModel) model = !loaded   ? NULL
                                  : is_file ? find_by_path (library, name)
                                            : parley_library_lookup (library, name, NULL);
  if (model)
    *id = g_strdup (parley_model_get_id (model));
  if (is_file)
    return g_strdup (name);
  return model ? g_strdup (parley_model_get_path (model)) : NULL;
}

/* What replies of the model on this computer say; nothing of one that is not in the library. */
static void
recall (ParleyStore *store, ParleyFitModel *model, const char *id,
        const struct pe_device_info *devices, gsize n, ParleySpeedHistory *history)
{
  *history = (ParleySpeedHistory){ 0 };
  if (!store || !id)
    return;
  g_autoptr (GArray) runs = parley_store_list_runs (store, id);
  parley_fit_model_recall (model, runs, devices, n, history);
}

/* ---- every file of a repository ---- */

static void
write_file (struct pe_json_writer *w, ParleyHubFile *file, ParleyFit *fit, const GError *error)
{
  guint64 bytes[2] = { 0 }; /* RAM, and all GPUs together */
  for (gsize d = 0; fit && d < parley_fit_get_n_devices (fit); d++)
    bytes[d > 0] +=
        parley_fit_get_device (fit, d)->planned + parley_fit_get_device (fit, d)->driver;
  pe_json_begin_object (w);
  pe_json_key (w, "path");
  pe_json_text (w, parley_hub_file_get_path (file));
  pe_json_key (w, "quantisation");
  pe_json_text (w, parley_hub_file_get_quantisation (file));
  pe_json_key (w, "bytes");
  pe_json_uint (w, parley_hub_file_get_size (file));
  pe_json_key (w, "verdict");
  pe_json_text (w, fit ? parley_fit_verdict_name (parley_fit_get_verdict (fit)) : "unknown");
  pe_json_key (w, "why");
  pe_json_text (w, fit ? parley_fit_get_sentence (fit) : error->message);
  if (fit) {
    pe_json_key (w, "gpu_layers");
    pe_json_uint (w, parley_fit_get_gpu_layers (fit));
    pe_json_key (w, "ram_bytes");
    pe_json_uint (w, bytes[0]);
    pe_json_key (w, "vram_bytes");
    pe_json_uint (w, bytes[1]);
    pe_json_key (w, "speed");
    write_speed (w, fit);
  }
  pe_json_end_object (w);
}

/* The number of a basis among those that were met, from 1. */
static guint
basis_number (GPtrArray *bases, const char *basis)
{
  guint i;
  if (!g_ptr_array_find_with_equal_func (bases, basis, g_str_equal, &i)) {
    i = bases->len;
    g_ptr_array_add (bases, g_strdup (basis));
  }
  return i + 1;
}

static void
add_file (CliTable *table, GPtrArray *bases, ParleyHubFile *file, ParleyFit *fit,
          const GError *error)
{
  guint64 memory = 0;
  for (gsize d = 0; fit && d < parley_fit_get_n_devices (fit); d++)
    memory += parley_fit_get_device (fit, d)->planned + parley_fit_get_device (fit, d)->driver;
  g_autofree char *size = parley_fit_format_bytes (parley_hub_file_get_size (file));
  g_autofree char *needs = parley_fit_format_bytes (memory);
  g_autofree char *speed = fit && parley_fit_get_speed (fit) > 0
                               ? g_strdup_printf ("%.1f [%u]", parley_fit_get_speed (fit),
                                                  basis_number (bases, parley_fit_get_basis (fit)))
                               : g_strdup ("");
  cli_table_add (table, parley_hub_file_get_quantisation (file), size, fit ? needs : "", speed,
                 fit ? parley_fit_verdict_words (parley_fit_get_verdict (fit)) : error->message,
                 parley_hub_file_get_path (file));
}

/* Each file's own header is read: nothing is scaled. */
static int
fit_all (const char *name, const struct pe_plan_request *request,
         const struct pe_device_info *devices, gsize n, gboolean json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHub) hub = cli_hub_new ();
  g_autofree char *wanted = NULL;
  g_autoptr (ParleyHubModel) model = find_repository (hub, name, &wanted, &error);
  if (!model)
    return cli_fail_glib ("cannot plan", error);
  GListModel *files = parley_hub_model_get_files (model);
  struct pe_json_writer w = { 0 };
  g_autoptr (GPtrArray) bases = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CliTable) table = cli_table_new ("lrrrll");
  cli_table_add (table, "FILE", "SIZE", "NEEDS", "TOKENS/S", "FIT", "NAME");
  pe_json_begin_array (&w);
  for (guint i = 0; i < g_list_model_get_n_items (files); i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (files, i);
    g_autoptr (GError) problem = NULL;
    g_autoptr (ParleyFitModel) opened = open_hub_file (hub, file, &problem);
    g_autoptr (ParleyFit) fit =
        opened ? parley_fit_model_plan (opened, request, devices, n, NULL, &problem) : NULL;
    write_file (&w, file, fit, problem);
    add_file (table, bases, file, fit, problem);
  }
  pe_json_end_array (&w);
  if (json)
    return cli_print_json (&w);
  pe_json_writer_clear (&w);
  cli_table_print (table);
  for (guint i = 0; i < bases->len; i++)
    printf ("%s[%u] with an empty context, %s\n", i ? "" : "\n", i + 1,
            (const char *) bases->pdata[i]);
  return CLI_DONE;
}

int
parley_cmd_fit (int argc, char **argv)
{
  struct cli_engine_options options = { 0 };
  gboolean json = FALSE, load = FALSE, all = FALSE;
  const GOptionEntry entries[] = {
    { "verify", 0, 0, G_OPTION_ARG_NONE, &load, "Load by the plan and compare the bytes", NULL },
    { "all", 0, 0, G_OPTION_ARG_NONE, &all, "List every file of a repository", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    CLI_ENGINE_OPTIONS (&options),
    { NULL },
  };
  if (!cli_parse (&argc, &argv, "MODEL|REPO[:QUANT]",
                  "Says whether a model runs on this computer, and how fast.", entries, 1, 1))
    return CLI_USAGE;
  struct pe_plan_request request;
  pe_plan_request_init (&request);
  bool usable = cli_engine_request (&options, &request);
  cli_engine_options_clear (&options);
  if (!usable)
    return CLI_USAGE;
  struct pe_device_info devices[PE_MAX_DEVICES];
  g_autoptr (ParleyStore) store = cli_store_peek (); /* or without what it knows */
  gsize n = list_devices (store, devices);
  if (all && load)
    return cli_usage ("--verify is for one model, not for --all");
  if (all)
    return fit_all (argv[1], &request, devices, n, json);
  g_autofree char *id = NULL;
  g_autofree char *path = find_local (store, argv[1], &id);
  ParleySpeedHistory history;
  g_autoptr (ParleyFitModel) model = open_model (path, argv[1]);
  g_autoptr (GError) error = NULL;
  if (!model)
    return CLI_FAILED;
  recall (store, model, id, devices, n, &history);
  g_autoptr (ParleyFit) fit = parley_fit_model_plan (model, &request, devices, n, &history, &error);
  if (!fit)
    return cli_fail_glib ("cannot plan", error);
  struct verified verified = { false };
  if (load && !path)
    return cli_usage ("--verify needs a model that is on this computer");
  if (load && parley_fit_get_verdict (fit) == PARLEY_FIT_UNSUPPORTED)
    return cli_fail ("%s: %s", argv[1], parley_fit_get_sentence (fit));
  if (load && !verify (path, fit, devices, n, &verified))
    return CLI_FAILED;
  struct advice advice = { 0 };
  if (parley_fit_get_verdict (fit) != PARLEY_FIT_UNSUPPORTED)
    advise (model, fit, request.n_ctx, devices, n, &history, &advice);
  int status = json ? print_json (fit, &verified, &advice) : print_table (fit, &verified, &advice);
  g_free (advice.sentence);
  return parley_fit_get_verdict (fit) == PARLEY_FIT_UNSUPPORTED ? CLI_FAILED : status;
}
