/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parley-cli fit: the plan, the verdict and the predicted speed of a model, on disk or on the hub.
 */
#include "bridge/parley-device-json.h"
#include "cli/commands.h"
#include "cli/engine-options.h"
#include "fit/parley-fit.h"
#include "hardware/parley-rates.h"
#include "hub/parley-hub-ref.h"
#include "hub/parley-hub.h"
#include "library/parley-library.h"

/* What --verify found: bytes taken after a real load by the plan. */
struct verified {
  bool done;
  guint64 bytes[2];
};

/* The CPU and the first GPU with their measured rates; measured now where never before. */
static gsize
list_devices (struct pe_device_info devices[PE_MAX_DEVICES])
{
  gsize n = pe_devices_list (devices, PE_MAX_DEVICES, false, NULL);
  g_autofree char *path = parley_rates_default_path ();
  g_autoptr (GError) error = NULL;
  n = MIN (n, 2);
  if (!parley_rates_measure (path, devices, n, FALSE, &error))
    g_printerr ("parley-cli: speeds cannot be foretold: %s\n", error->message);
  return n;
}

/* A path, a name in the library, or a repository of the hub; NULL: reported. */
static ParleyFit *
fit_local (const char *path, const struct pe_plan_request *request,
           const struct pe_device_info *devices, gsize n)
{
  g_autoptr (GError) error = NULL;
  ParleyFit *fit = parley_fit_for_file (path, request, devices, n, &error);
  if (!fit)
    cli_fail_glib ("cannot plan", error);
  return fit;
}

static ParleyFit *
fit_remote (const char *name, const struct pe_plan_request *request,
            const struct pe_device_info *devices, gsize n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyHub) hub = parley_hub_new ();
  g_autoptr (ParleyHubRef) ref = parley_hub_ref_parse (name, parley_hub_get_endpoint (hub), &error);
  g_autoptr (ParleyHubModel) model = NULL;
  g_autoptr (ParleyHubFile) file = NULL;
  g_autoptr (GBytes) header = NULL;
  guint64 bytes = 0;
  if (ref)
    model = parley_hub_details (hub, ref->repo, ref->revision, NULL, &error);
  if (model)
    file = parley_hub_model_choose (model, ref->file ? ref->file : ref->quantisation, &error);
  if (file)
    header = parley_hub_header (hub, file, 0, &bytes, NULL, &error);
  ParleyFit *fit = NULL;
  if (header)
    fit = parley_fit_for_header (header, bytes, parley_hub_file_get_name (file), request, devices,
                                 n, &error);
  if (!fit)
    cli_fail_glib ("cannot plan", error);
  return fit;
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

static const char *
verdict_name (ParleyFitVerdict verdict)
{
  switch (verdict) {
  case PARLEY_FIT_ON_GPU: return "gpu";
  case PARLEY_FIT_PARTLY: return "partly";
  case PARLEY_FIT_IN_RAM: return "ram";
  case PARLEY_FIT_TOO_LARGE: return "too-large";
  case PARLEY_FIT_UNSUPPORTED: return "unsupported";
  }
  return "";
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
  pe_json_key (w, "planned_bytes");
  pe_json_uint (w, device->planned);
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
print_json (ParleyFit *fit, const struct verified *verified)
{
  struct pe_json_writer w = { 0 };
  const struct pe_plan_request *request = parley_fit_get_request (fit);
  pe_json_begin_object (&w);
  pe_json_key (&w, "verdict");
  pe_json_text (&w, verdict_name (parley_fit_get_verdict (fit)));
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
  pe_json_begin_object (&w);
  pe_json_key (&w, "generation");
  pe_json_real (&w, parley_fit_get_speed (fit));
  pe_json_key (&w, "generation_at_full_context");
  pe_json_real (&w, parley_fit_get_speed_at_full_context (fit));
  pe_json_key (&w, "prompt");
  pe_json_real (&w, parley_fit_get_prompt_speed (fit));
  pe_json_key (&w, "basis");
  pe_json_text (&w, parley_fit_get_basis (fit));
  pe_json_end_object (&w);
  pe_json_end_object (&w);
  return cli_print_json (&w);
}

static int
print_table (ParleyFit *fit, const struct verified *verified)
{
  printf ("%s\n%s\n", parley_fit_verdict_words (parley_fit_get_verdict (fit)),
          parley_fit_get_sentence (fit));
  for (gsize d = 0; d < parley_fit_get_n_devices (fit); d++) {
    const ParleyFitDevice *device = parley_fit_get_device (fit, d);
    g_autofree char *planned = parley_fit_format_bytes (device->planned);
    g_autofree char *available = parley_fit_format_bytes (device->info.memory_available);
    printf ("\n%s: %s of %s free\n", device->info.name, planned, available);
    for (int k = 0; k < PE_MEMORY_KIND_COUNT; k++)
      if (device->parts[k]) {
        g_autofree char *bytes = parley_fit_format_bytes (device->parts[k]);
        printf ("  %-8s %10s\n", pe_memory_kind_name ((enum pe_memory_kind) k), bytes);
      }
    if (verified->done)
      printf ("  loaded: %" G_GUINT64_FORMAT " bytes taken, %" G_GUINT64_FORMAT " planned\n",
              verified->bytes[d], device->planned);
  }
  if (parley_fit_get_speed (fit) > 0)
    printf ("\nabout %.1f tokens/s (%.1f with a full context of %u), %s\n",
            parley_fit_get_speed (fit), parley_fit_get_speed_at_full_context (fit),
            parley_fit_get_request (fit)->n_ctx, parley_fit_get_basis (fit));
  else
    printf ("\nspeed: %s\n", parley_fit_get_basis (fit));
  return CLI_DONE;
}

/* The path of a library model or of a file; NULL: neither, it may be on the hub. */
static char *
find_local (const char *name)
{
  g_autoptr (ParleyLibrary) library = parley_library_new (NULL);
  if (g_file_test (name, G_FILE_TEST_IS_REGULAR))
    return g_strdup (name);
  if (!parley_library_load (library, NULL, NULL))
    return NULL;
  g_autoptr (ParleyModel) model = parley_library_lookup (library, name, NULL);
  return model ? g_strdup (parley_model_get_path (model)) : NULL;
}

int
parley_cmd_fit (int argc, char **argv)
{
  struct cli_engine_options options = { 0 };
  gboolean json = FALSE, load = FALSE;
  const GOptionEntry entries[] = {
    { "verify", 0, 0, G_OPTION_ARG_NONE, &load, "Load by the plan and compare the bytes", NULL },
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
  gsize n = list_devices (devices);
  g_autofree char *path = find_local (argv[1]);
  g_autoptr (ParleyFit) fit =
      path ? fit_local (path, &request, devices, n) : fit_remote (argv[1], &request, devices, n);
  if (!fit)
    return CLI_FAILED;
  struct verified verified = { false };
  if (load && !path)
    return cli_usage ("--verify needs a model that is on this computer");
  if (load && parley_fit_get_verdict (fit) == PARLEY_FIT_UNSUPPORTED)
    return cli_fail ("%s: %s", argv[1], parley_fit_get_sentence (fit));
  if (load && !verify (path, fit, devices, n, &verified))
    return CLI_FAILED;
  int status = json ? print_json (fit, &verified) : print_table (fit, &verified);
  return parley_fit_get_verdict (fit) == PARLEY_FIT_UNSUPPORTED ? CLI_FAILED : status;
}
