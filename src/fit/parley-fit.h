/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Will a model run on a computer, and how fast? The answer is the plan that the loader follows,
 * put into words: it works from a file's header alone, for real, remembered and imagined
 * computers. A fit is constant and may be shared between threads. Making one reads the file's
 * header and vocabulary: call it on a worker thread.
 */
#pragma once

#include <gio/gio.h>

#include "engine/plan.h"
#include "fit/speed.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_FIT_ON_GPU, /* everything on the GPU */
  PARLEY_FIT_PARTLY, /* some layers on the GPU, the others in RAM */
  PARLEY_FIT_IN_RAM, /* all on the CPU */
  PARLEY_FIT_TOO_LARGE,
  PARLEY_FIT_UNSUPPORTED, /* this engine cannot run it: see the sentence */
} ParleyFitVerdict;

/* "Fits on the GPU", … translated. */
const char *parley_fit_verdict_words (ParleyFitVerdict verdict);
/* "gpu", "partly", "ram", "too-large", "unsupported": for programs. */
const char *parley_fit_verdict_name (ParleyFitVerdict verdict);

typedef struct {
  struct pe_device_info info;
  guint64 parts[PE_MEMORY_KIND_COUNT]; /* planned bytes */
  guint64 planned;                     /* their sum */
  guint64 driver; /* beside it, as measured on this device; 0: not known, or nothing is there */
  guint64 mapped; /* of it: file mapping */
} ParleyFitDevice;

#define PARLEY_TYPE_FIT (parley_fit_get_type ())
typedef struct _ParleyFit ParleyFit;
GType parley_fit_get_type (void);
ParleyFit *parley_fit_ref (ParleyFit *fit);
void parley_fit_unref (ParleyFit *fit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyFit, parley_fit_unref)

/* Bytes of a device that a model leaves to others; device->memory_margin where that is set. */
guint64 parley_fit_margin (const struct pe_device_info *device);

/* `request`: NULL for the usual one with automatic layers. `devices`: the CPU, then GPUs. A model
 * that the engine cannot run is a verdict; a file that cannot be read is an error. */
ParleyFit *parley_fit_for_file (const char *path, const struct pe_plan_request *request,
                                const struct pe_device_info *devices, gsize n_devices,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From the first bytes of a file of `file_bytes` bytes. */
ParleyFit *parley_fit_for_header (GBytes *header, guint64 file_bytes, const char *name,
                                  const struct pe_plan_request *request,
                                  const struct pe_device_info *devices, gsize n_devices,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same model in another quantisation of `file_bytes` bytes, scaled from the fit of a sibling
 * whose header is known: marked as approximate. */
ParleyFit *parley_fit_scale (ParleyFit *sibling, guint64 file_bytes) G_GNUC_WARN_UNUSED_RESULT;

ParleyFitVerdict parley_fit_get_verdict (ParleyFit *fit);
gboolean parley_fit_is_approximate (ParleyFit *fit);
/* A driver's figures are believed less than usual; the sentence says why. */
gboolean parley_fit_is_doubtful (ParleyFit *fit);
/* The verdict in a sentence with its figures. */
const char *parley_fit_get_sentence (ParleyFit *fit);
guint parley_fit_get_n_layers (ParleyFit *fit);   /* the slider ends at one more */
guint parley_fit_get_gpu_layers (ParleyFit *fit); /* as planned */
guint parley_fit_get_n_experts (ParleyFit *fit);  /* of a layer; 0: it has none */
const struct pe_plan_request *parley_fit_get_request (ParleyFit *fit); /* defaults filled in */
gsize parley_fit_get_n_devices (ParleyFit *fit);
const ParleyFitDevice *parley_fit_get_device (ParleyFit *fit, gsize i);

/* Tokens a second when answering, with an empty context and with a full one; 0: no basis. The
 * basis says in words where the figure comes from, or that there is none. */
double parley_fit_get_speed (ParleyFit *fit);
double parley_fit_get_speed_at_full_context (ParleyFit *fit);
double parley_fit_get_prompt_speed (ParleyFit *fit);
double parley_fit_get_load_seconds (ParleyFit *fit); /* once the file was read; 0: unknown */
const char *parley_fit_get_load_basis (ParleyFit *fit);
/* "Loads in about 3 s once the file was read: from …", translated; NULL: unknown. g_free() it. */
char *parley_fit_describe_load (ParleyFit *fit);
double parley_fit_get_turn_seconds (ParleyFit *fit); /* see speed.h; 0: unknown */
ParleySpeedTrust parley_fit_get_trust (ParleyFit *fit);
const char *parley_fit_get_basis (ParleyFit *fit);

/* "4.9 GB": decimal units with one place, as everywhere in Parley. */
char *parley_fit_format_bytes (guint64 bytes);

G_END_DECLS
