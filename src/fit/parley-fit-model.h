/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model's header, kept open to be planned again and again: under a moving context slider, for
 * every position of the layer slider, on computers that are here and that are imagined. Constant;
 * may be shared between threads. Opening reads the header and vocabulary: do it on a worker
 * thread. One plan takes about a millisecond.
 */
#pragma once

#include "fit/parley-fit.h"
#include "fit/speed.h"

G_BEGIN_DECLS

#define PARLEY_TYPE_FIT_MODEL (parley_fit_model_get_type ())
typedef struct _ParleyFitModel ParleyFitModel;
GType parley_fit_model_get_type (void);
ParleyFitModel *parley_fit_model_ref (ParleyFitModel *model);
void parley_fit_model_unref (ParleyFitModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyFitModel, parley_fit_model_unref)

ParleyFitModel *parley_fit_model_open (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From the first bytes of a file of `file_bytes` bytes. */
ParleyFitModel *parley_fit_model_open_header (GBytes *header, guint64 file_bytes, const char *name,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

guint32 parley_fit_model_get_trained_context (ParleyFitModel *model); /* tokens; 0: unknown */

/* `request`: NULL for the usual one with automatic layers; `devices`: the CPU, then GPUs;
 * `history`: runs of this model here, or NULL. A model that the engine cannot run is a verdict. */
ParleyFit *parley_fit_model_plan (ParleyFitModel *model, const struct pe_plan_request *request,
                                  const struct pe_device_info *devices, gsize n_devices,
                                  const ParleySpeedHistory *history,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The largest context, in steps of 256 tokens up to what the model was trained for, with which
 * `request` fits, and the most layers on the GPU with which it does; 0: none at all. */
guint32 parley_fit_model_largest_context (ParleyFitModel *model,
                                          const struct pe_plan_request *request,
                                          const struct pe_device_info *devices, gsize n_devices);
guint parley_fit_model_largest_layers (ParleyFitModel *model, const struct pe_plan_request *request,
                                       const struct pe_device_info *devices, gsize n_devices);

typedef struct {
  ParleySpeed speed;
  guint64 gpu_bytes; /* planned */
  gboolean fits;
} ParleyFitPoint;

/* One point for each position of the layer slider, 0 … layers + 1: an array of ParleyFitPoint.
 * `best` (may be NULL): the quickest that fits. NULL: the engine cannot run it. */
GArray *parley_fit_model_sweep (ParleyFitModel *model, const struct pe_plan_request *request,
                                const struct pe_device_info *devices, gsize n_devices,
                                const ParleySpeedHistory *history,
                                guint *best) G_GNUC_WARN_UNUSED_RESULT;

/* The best layers, context, cache type and batch here, in *request: no choice by hand with at
 * least that context takes less time for a typical turn, by the same reckoning, but for a cache
 * in 4 bits, which makes replies worse, and batches of fewer than 32 rows, which are slower than
 * they are reckoned: both are left to people. `wanted`: the context that must be, or 0 for a usual
 * one, less where memory is short. `history` may be NULL. The sentence says what was chosen and
 * why; g_free() it. FALSE: nothing fits, *request is a small one. */
gboolean parley_fit_model_auto (ParleyFitModel *model, guint32 wanted,
                                const struct pe_device_info *devices, gsize n_devices,
                                const ParleySpeedHistory *history, struct pe_plan_request *request,
                                char **sentence);

G_END_DECLS
