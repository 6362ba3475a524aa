/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit/parley-fit.h"

#include "fit/fit-private.h"

#include <glib/gi18n.h>

G_DEFINE_BOXED_TYPE (ParleyFit, parley_fit, parley_fit_ref, parley_fit_unref)

ParleyFit *
parley_fit_ref (ParleyFit *fit)
{
  g_atomic_ref_count_inc (&fit->references);
  return fit;
}

void
parley_fit_unref (ParleyFit *fit)
{
  if (!g_atomic_ref_count_dec (&fit->references))
    return;
  g_free (fit->sentence);
  g_free (fit);
}

ParleyFit *
_parley_fit_new (void)
{
  ParleyFit *fit = g_new0 (ParleyFit, 1);
  g_atomic_ref_count_init (&fit->references);
  return fit;
}

const char *
parley_fit_verdict_words (ParleyFitVerdict verdict)
{
  switch (verdict) {
  case PARLEY_FIT_ON_GPU: return _ ("Fits on the GPU");
  case PARLEY_FIT_PARTLY: return _ ("Partly on the GPU");
  case PARLEY_FIT_IN_RAM: return _ ("Fits in RAM");
  case PARLEY_FIT_TOO_LARGE: return _ ("Does not fit");
  case PARLEY_FIT_UNSUPPORTED: return _ ("Not supported");
  }
  return "";
}

const char *
parley_fit_verdict_name (ParleyFitVerdict verdict)
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

char *
parley_fit_format_bytes (guint64 bytes)
{
  if (bytes < 1000 * 1000)
    return g_strdup_printf (_ ("%u kB"), (guint) ((bytes + 999) / 1000));
  if (bytes < 1000ull * 1000 * 1000)
    return g_strdup_printf (_ ("%u MB"), (guint) ((bytes + 500 * 1000) / (1000 * 1000)));
  return g_strdup_printf (_ ("%.1f GB"), (double) bytes / 1e9);
}

/* ---- verdict ---- */

/* What others need beside a model, on top of what they have now. */
guint64
parley_fit_margin (const struct pe_device_info *device)
{
  if (device->kind != PE_DEVICE_CPU)
    return pe_device_margin (device);
  if (device->memory_margin)
    return device->memory_margin;
  return MAX (device->memory_total / 20, (guint64) 512 << 20);
}

/* Ours and the driver's. */
static guint64
needed (const ParleyFitDevice *device)
{
  return device->planned + device->driver;
}

/* Memory of an integrated GPU is the same RAM: it counts against it too. */
static guint64
ram_needed (const ParleyFit *fit)
{
  guint64 bytes = needed (&fit->devices[0]);
  for (gsize d = 1; d < fit->n_devices; d++)
    if (fit->devices[d].info.kind != PE_DEVICE_DISCRETE)
      bytes += needed (&fit->devices[d]);
  return bytes;
}

static gboolean
leaves_margin (const struct pe_device_info *device, guint64 bytes)
{
  guint64 margin = parley_fit_margin (device);
  return device->memory_available > margin && bytes <= device->memory_available - margin;
}

/* The GPU that is asked for more than it has, or 0. */
static gsize
overfull_gpu (const ParleyFit *fit)
{
  for (gsize d = 1; d < fit->n_devices; d++)
    if (fit->devices[d].planned &&
        !leaves_margin (&fit->devices[d].info, needed (&fit->devices[d])))
      return d;
  return 0;
}

gboolean
_parley_fit_leaves_gpu_margins (const ParleyFit *fit)
{
  return overfull_gpu (fit) == 0;
}

gboolean
_parley_fit_leaves_margins (const ParleyFit *fit)
{
  return leaves_margin (&fit->devices[0].info, ram_needed (fit)) && overfull_gpu (fit) == 0;
}

guint
_parley_fit_experts_in_ram (const ParleyFit *fit)
{
  guint in_ram = fit->n_layers + 1 - MAX (1, fit->gpu_layers);
  return fit->request.n_cpu_experts > in_ram ? fit->request.n_cpu_experts - in_ram : 0;
}

static ParleyFitVerdict
judge (const ParleyFit *fit)
{
  if (!_parley_fit_leaves_margins (fit))
    return PARLEY_FIT_TOO_LARGE;
  if (fit->gpu_layers == 0)
    return PARLEY_FIT_IN_RAM;
  return fit->gpu_layers > fit->n_layers ? PARLEY_FIT_ON_GPU : PARLEY_FIT_PARTLY;
}

static char *
describe_overfull (const ParleyFitDevice *gpu)
{
  g_autofree char *wanted = parley_fit_format_bytes (needed (gpu));
  g_autofree char *available = parley_fit_format_bytes (gpu->info.memory_available);
  return g_strdup_printf (_ ("It needs %s of %s, but only %s are free there, of which some must "
                             "stay for others. Fewer layers on the GPU may fit."),
                          wanted, gpu->info.name, available);
}

/* A device whose driver's figures are believed less, or NULL. */
static const char *
doubt_about (const ParleyFit *fit)
{
  for (gsize d = 1; d < fit->n_devices; d++)
    if (fit->devices[d].planned && *fit->devices[d].info.doubt)
      return fit->devices[d].info.doubt;
  return NULL;
}

gboolean
parley_fit_is_doubtful (ParleyFit *fit)
{
  return doubt_about (fit) != NULL;
}

char *
_parley_fit_gpu_names (const ParleyFit *fit)
{
  g_autoptr (GString) names = g_string_new (NULL);
  for (gsize d = 1; d < fit->n_devices; d++)
    if (fit->devices[d].parts[PE_MEMORY_WEIGHTS] > 0) {
      /* Translators: the name of a second or third graphics card, in a list. */
      g_autofree char *next =
          names->len > 0 ? g_strdup_printf (_ (" and %s"), fit->devices[d].info.name) : NULL;
      g_string_append (names, next ? next : fit->devices[d].info.name);
    }
  return g_string_free (g_steal_pointer (&names), FALSE);
}

/* The output counts as one more layer, as on the slider. */
static char *
describe (const ParleyFit *fit)
{
  guint64 on_gpus = 0, gpus_free = 0;
  for (gsize d = 1; d < fit->n_devices; d++)
    if (fit->devices[d].planned) {
      on_gpus += needed (&fit->devices[d]);
      gpus_free += fit->devices[d].info.memory_available;
    }
  g_autofree char *ram = parley_fit_format_bytes (ram_needed (fit));
  g_autofree char *ram_free = parley_fit_format_bytes (fit->devices[0].info.memory_available);
  g_autofree char *gpus = _parley_fit_gpu_names (fit);
  g_autofree char *vram = parley_fit_format_bytes (on_gpus);
  g_autofree char *vram_free = parley_fit_format_bytes (gpus_free);
  switch (fit->verdict) {
  case PARLEY_FIT_ON_GPU:
    return g_strdup_printf (_ ("All %u layers go onto %s: %s of %s that are free there."),
                            fit->n_layers + 1, gpus, vram, vram_free);
  case PARLEY_FIT_PARTLY:
    return g_strdup_printf (
        _ ("%u of %u layers go onto %s (%s of %s free), the others stay in RAM (%s)."),
        fit->gpu_layers, fit->n_layers + 1, gpus, vram, vram_free, ram);
  case PARLEY_FIT_IN_RAM:
    return g_strdup_printf (_ ("It runs on the processor and takes %s of %s of free RAM."), ram,
                            ram_free);
  case PARLEY_FIT_TOO_LARGE:
    if (overfull_gpu (fit))
      return describe_overfull (&fit->devices[overfull_gpu (fit)]);
    return g_strdup_printf (_ ("It needs %s of RAM, but only %s are free, of which some must stay "
                               "for the system."),
                            ram, ram_free);
  case PARLEY_FIT_UNSUPPORTED: break;
  }
  return g_strdup ("");
}

void
_parley_fit_conclude (ParleyFit *fit)
{
  const char *doubt = doubt_about (fit);
  fit->verdict = judge (fit);
  g_autofree char *sentence = describe (fit);
  g_free (fit->sentence);
  fit->sentence = doubt ? g_strdup_printf (_ ("%s Less certain than usual: %s."), sentence, doubt)
                        : g_steal_pointer (&sentence);
}

/* ---- making one ---- */

void
_parley_fit_take_plan (ParleyFit *fit, const struct pe_plan *plan)
{
  fit->request = plan->request;
  fit->n_layers = plan->n_layers;
  fit->gpu_layers = pe_plan_gpu_layers (plan);
  fit->n_devices = MIN (plan->n_devices, G_N_ELEMENTS (fit->devices));
  for (gsize d = 0; d < fit->n_devices; d++)
    fit->devices[d].info = plan->devices[d];
  for (gsize i = 0; i < plan->n_allocations; i++) {
    const struct pe_allocation *a = &plan->allocations[i];
    ParleyFitDevice *device = &fit->devices[a->device];
    device->parts[a->kind] += a->bytes;
    device->planned += a->bytes;
    if (a->mapped)
      device->mapped += a->bytes;
  }
  for (gsize d = 1; d < fit->n_devices; d++)
    if (fit->devices[d].planned)
      fit->devices[d].driver = fit->devices[d].info.driver_bytes;
}

ParleyFit *
parley_fit_for_file (const char *path, const struct pe_plan_request *request,
                     const struct pe_device_info *devices, gsize n_devices, GError **error)
{
  g_autoptr (ParleyFitModel) model = parley_fit_model_open (path, error);
  return model ? parley_fit_model_plan (model, request, devices, n_devices, NULL, error) : NULL;
}

ParleyFit *
parley_fit_for_header (GBytes *header, guint64 file_bytes, const char *name,
                       const struct pe_plan_request *request, const struct pe_device_info *devices,
                       gsize n_devices, GError **error)
{
  g_autoptr (ParleyFitModel) model = parley_fit_model_open_header (header, file_bytes, name, error);
  return model ? parley_fit_model_plan (model, request, devices, n_devices, NULL, error) : NULL;
}

/* Weights scale with the file, everything else stays; how many layers then go onto the GPU
 * follows from how many of the scaled ones fit where the known ones did. */
ParleyFit *
parley_fit_scale (ParleyFit *sibling, guint64 file_bytes)
{
  ParleyFit *fit = _parley_fit_new ();
  fit->approximate = TRUE;
  fit->file_bytes = file_bytes;
  fit->verdict = sibling->verdict;
  fit->n_layers = sibling->n_layers;
  fit->n_experts = sibling->n_experts;
  fit->request = sibling->request;
  fit->n_devices = sibling->n_devices;
  if (sibling->verdict == PARLEY_FIT_UNSUPPORTED || sibling->file_bytes == 0) {
    fit->sentence = g_strdup (sibling->sentence);
    return fit;
  }
  double ratio = (double) file_bytes / (double) sibling->file_bytes;
  guint64 weights = 0;
  for (gsize d = 0; d < fit->n_devices; d++) {
    fit->devices[d] = sibling->devices[d];
    weights += sibling->devices[d].parts[PE_MEMORY_WEIGHTS];
  }
  guint64 scaled = (guint64) ((double) weights * ratio);
  guint64 on_gpu = 0;
  for (gsize d = 1; d < fit->n_devices; d++) {
    ParleyFitDevice *gpu = &fit->devices[d];
    guint64 rest = gpu->planned - gpu->parts[PE_MEMORY_WEIGHTS];
    guint64 others = rest + parley_fit_margin (&gpu->info) + gpu->info.driver_bytes;
    guint64 room = gpu->info.memory_available > others ? gpu->info.memory_available - others : 0;
    guint64 here = MIN (room, scaled - on_gpu);
    gpu->parts[PE_MEMORY_WEIGHTS] = here;
    gpu->planned = rest + here;
    gpu->driver = gpu->planned ? gpu->info.driver_bytes : 0;
    on_gpu += here;
  }
  if (scaled > 0)
    fit->gpu_layers = (guint) ((double) (fit->n_layers + 1) * (double) on_gpu / (double) scaled);
  ParleyFitDevice *cpu = &fit->devices[0];
  cpu->planned += scaled - on_gpu - cpu->parts[PE_MEMORY_WEIGHTS];
  cpu->parts[PE_MEMORY_WEIGHTS] = cpu->mapped = scaled - on_gpu;
  parley_speed_scale (&sibling->speed, ratio, &fit->speed);
  _parley_fit_conclude (fit);
  return fit;
}

/* ---- getters ---- */

ParleyFitVerdict
parley_fit_get_verdict (ParleyFit *fit)
{
  return fit->verdict;
}

gboolean
parley_fit_is_approximate (ParleyFit *fit)
{
  return fit->approximate;
}

const char *
parley_fit_get_sentence (ParleyFit *fit)
{
  return fit->sentence;
}

guint
parley_fit_get_n_layers (ParleyFit *fit)
{
  return fit->n_layers;
}

guint
parley_fit_get_gpu_layers (ParleyFit *fit)
{
  return fit->gpu_layers;
}

guint
parley_fit_get_n_experts (ParleyFit *fit)
{
  return fit->n_experts;
}

const struct pe_plan_request *
parley_fit_get_request (ParleyFit *fit)
{
  return &fit->request;
}

gsize
parley_fit_get_n_devices (ParleyFit *fit)
{
  return fit->n_devices;
}

const ParleyFitDevice *
parley_fit_get_device (ParleyFit *fit, gsize i)
{
  g_return_val_if_fail (i < fit->n_devices, NULL);
  return &fit->devices[i];
}

double
parley_fit_get_speed (ParleyFit *fit)
{
  return fit->speed.generation;
}

double
parley_fit_get_speed_at_full_context (ParleyFit *fit)
{
  return fit->speed.generation_full;
}

double
parley_fit_get_prompt_speed (ParleyFit *fit)
{
  return fit->speed.prompt;
}

double
parley_fit_get_load_seconds (ParleyFit *fit)
{
  return fit->speed.load_seconds;
}

const char *
parley_fit_get_load_basis (ParleyFit *fit)
{
  return fit->speed.load_basis;
}

char *
parley_fit_describe_load (ParleyFit *fit)
{
  double seconds = fit->speed.load_seconds;
  if (!(seconds > 0))
    return NULL;
  if (seconds < 1)
    return g_strdup_printf (_ ("Loads in less than a second once the file was read: %s"),
                            fit->speed.load_basis);
  return g_strdup_printf (_ ("Loads in about %.0f s once the file was read: %s"), seconds,
                          fit->speed.load_basis);
}

double
parley_fit_get_turn_seconds (ParleyFit *fit)
{
  return fit->speed.turn_seconds;
}

ParleySpeedTrust
parley_fit_get_trust (ParleyFit *fit)
{
  return fit->speed.trust;
}

const char *
parley_fit_get_basis (ParleyFit *fit)
{
  return fit->speed.basis;
}
