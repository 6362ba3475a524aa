/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which of the models that a search finds are wanted. What the hub can sift itself (licence and
 * language, which are tags there) it is asked to; the rest is sifted here.
 */
#pragma once

#include "hub/parley-hub-model.h"

G_BEGIN_DECLS

/* Borrowed strings; all members NULL or 0: everything is wanted. */
typedef struct {
  const char *family;   /* "Qwen", one of parley_hub_families() */
  const char *license;  /* "apache-2.0" */
  const char *language; /* "de" */
  /* From min up to and without max; 0: no bound. A model of unknown size is within no bounds. */
  guint64 min_parameters, max_parameters;
} ParleyHubFilter;

/* NULL-terminated: names of families of models for people. */
const char *const *parley_hub_families (void);

/* `filter` NULL: everything. */
gboolean parley_hub_filter_is_empty (const ParleyHubFilter *filter);
gboolean parley_hub_filter_accepts (const ParleyHubFilter *filter, ParleyHubModel *model);

G_END_DECLS
