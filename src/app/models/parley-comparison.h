/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the Compare page shows: models, here or on the hub, planned for one computer with one
 * context. Headers are read and plans made on worker threads; a change of the context or of the
 * computer plans all of them again. Main thread only.
 *
 * Signals: `changed ()`: entries or figures; `told (text)`: something did not work, a sentence.
 */
#pragma once

#include "app/parley-services.h"
#include "fit/parley-fit-model.h"

G_BEGIN_DECLS

typedef struct {
  char *key; /* "local:ID" or "hub:org/name/path" */
  char *name, *quantisation;
  ParleyModel *model;  /* or: */
  ParleyHubFile *file; /* both NULL while its page is asked for */
  ParleyFitModel *fit_model;
  ParleyFit *fit; /* NULL: not known yet, or `problem` */
  char *problem;
} ParleyCompared;

typedef enum { PARLEY_SORT_BY_SIZE, PARLEY_SORT_BY_SPEED, PARLEY_SORT_BY_NAME } ParleyCompareSort;

#define PARLEY_TYPE_COMPARISON (parley_comparison_get_type ())
G_DECLARE_FINAL_TYPE (ParleyComparison, parley_comparison, PARLEY, COMPARISON, GObject)

ParleyComparison *parley_comparison_new (ParleyServices *services);

/* Of ParleyCompared, in order; borrowed, valid until `changed`. */
GPtrArray *parley_comparison_get_entries (ParleyComparison *self);
gboolean parley_comparison_has (ParleyComparison *self, ParleyModel *model);
void parley_comparison_add_model (ParleyComparison *self, ParleyModel *model);
/* As people write it: "org/name:Q4_K_M"; see parley-hub-ref.h. */
void parley_comparison_add_reference (ParleyComparison *self, const char *text);
void parley_comparison_remove (ParleyComparison *self, const char *key);

void parley_comparison_set_context (ParleyComparison *self, guint n_ctx);
guint parley_comparison_get_context (ParleyComparison *self);
void parley_comparison_set_sort (ParleyComparison *self, ParleyCompareSort sort);
/* Another computer than this one; n 0: this one. */
void parley_comparison_set_devices (ParleyComparison *self, const struct pe_device_info *devices,
                                    gsize n);
/* Those that are planned for. */
gsize parley_comparison_get_devices (ParleyComparison *self,
                                     struct pe_device_info devices[PE_MAX_DEVICES]);

/* Comma-separated values with a line of names, for spreadsheets; g_free() it. */
char *parley_comparison_to_csv (ParleyComparison *self);

G_END_DECLS
