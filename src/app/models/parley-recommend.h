/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which of a model's files suits this computer best, and why. No widgets.
 */
#pragma once

#include "fit/parley-fit.h"

G_BEGIN_DECLS

typedef struct {
  guint64 bytes;
  guint bits;        /* of parley_quality_bits() */
  gboolean complete; /* it can be downloaded */
  gboolean usual;    /* the one that most people take */
  ParleyFit *fit;    /* borrowed; NULL: not known */
} ParleyCandidate;

/* The index of the one to recommend, or -1. *why receives the reason in a translated sentence,
 * also for -1; not to be freed. */
int parley_recommend (const ParleyCandidate *candidates, guint n, const char **why);

G_END_DECLS
