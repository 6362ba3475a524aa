/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fit as the files of this folder see it.
 */
#pragma once

#include "fit/parley-fit-model.h"

struct _ParleyFit {
  gatomicrefcount references;
  ParleyFitVerdict verdict;
  gboolean approximate;
  char *sentence;
  guint n_layers, gpu_layers, n_experts;
  guint64 file_bytes;
  struct pe_plan_request request;
  ParleyFitDevice devices[PE_MAX_DEVICES];
  gsize n_devices;
  ParleySpeed speed;
};

ParleyFit *_parley_fit_new (void);
/* Takes over what the plan says; then the verdict and its sentence. */
void _parley_fit_take_plan (ParleyFit *fit, const struct pe_plan *plan);
void _parley_fit_conclude (ParleyFit *fit);

/* Seconds by the rates alone; see parley_speed_of_run(). FALSE: no such plan can be made. */
gboolean _parley_fit_model_seconds (ParleyFitModel *model, const struct pe_plan_request *request,
                                    const struct pe_device_info *devices, gsize n_devices,
                                    guint depth, guint prompt_tokens, guint reply_tokens,
                                    double *prompt_seconds, double *reply_seconds);

/* "Card A and Card B": the GPUs that have layers; g_free() it. */
char *_parley_fit_gpu_names (const ParleyFit *fit);

/* Whether a plan leaves every device its margin, or every GPU. */
gboolean _parley_fit_leaves_margins (const ParleyFit *fit);
gboolean _parley_fit_leaves_gpu_margins (const ParleyFit *fit);

/* Of the layers on the GPUs those whose experts are not there. */
guint _parley_fit_experts_in_ram (const ParleyFit *fit);
