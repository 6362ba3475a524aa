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
  guint n_layers, gpu_layers;
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

/* Whether a plan leaves every device its margin. */
gboolean _parley_fit_leaves_margins (const ParleyFit *fit);
