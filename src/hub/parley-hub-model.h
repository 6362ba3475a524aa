/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model repository of a hub, as a row of search results or with its files. Immutable; may be
 * used from any thread. What the hub did not say is "", 0 or empty. Properties with the names of
 * the getters (and dashes) are readable.
 */
#pragma once

#include "hub/parley-hub-file.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_HUB_OPEN,
  PARLEY_HUB_GATED_AUTOMATIC, /* accept the terms on the page, then it opens */
  PARLEY_HUB_GATED_MANUAL,    /* the owner decides on each request */
} ParleyHubGate;

#define PARLEY_TYPE_HUB_MODEL (parley_hub_model_get_type ())
G_DECLARE_FINAL_TYPE (ParleyHubModel, parley_hub_model, PARLEY, HUB_MODEL, GObject)

const char *parley_hub_model_get_repo (ParleyHubModel *self);   /* "org/name" */
const char *parley_hub_model_get_author (ParleyHubModel *self); /* "org" */
const char *parley_hub_model_get_name (ParleyHubModel *self);   /* "name" without "-GGUF" */
const char *parley_hub_model_get_commit (ParleyHubModel *self);
guint64 parley_hub_model_get_downloads (ParleyHubModel *self); /* of the last 30 days */
guint64 parley_hub_model_get_likes (ParleyHubModel *self);
gint64 parley_hub_model_get_updated (ParleyHubModel *self); /* seconds since 1970 */
ParleyHubGate parley_hub_model_get_gate (ParleyHubModel *self);
const char *const *parley_hub_model_get_tags (ParleyHubModel *self);
const char *parley_hub_model_get_pipeline (ParleyHubModel *self); /* "text-generation" */
const char *parley_hub_model_get_license (ParleyHubModel *self);  /* "apache-2.0"; "" = unknown */
const char *parley_hub_model_get_base_model (ParleyHubModel *self);
/* From the hub's own reading of the file when details were asked for. */
const char *parley_hub_model_get_architecture (ParleyHubModel *self);
guint64 parley_hub_model_get_context_length (ParleyHubModel *self);
/* Number of parameters: the hub's, else what the name says ("1.7B"), else 0. */
guint64 parley_hub_model_get_parameters (ParleyHubModel *self);
/* FALSE for embedding models, rerankers and the like, as far as tags and pipeline tell. */
gboolean parley_hub_model_can_chat (ParleyHubModel *self);

/* Of ParleyHubFile; empty in search results. Models by rising size; companions apart. */
GListModel *parley_hub_model_get_files (ParleyHubModel *self);
GListModel *parley_hub_model_get_companions (ParleyHubModel *self);

/* The file for a quantisation or file name, ignoring case; NULL and "" choose as most people
 * would (Q4_K_M, else the nearest to it in size). The caller unrefs it. NULL with an error that
 * lists what there is. */
ParleyHubFile *parley_hub_model_choose (ParleyHubModel *self, const char *wanted, GError **error);

G_END_DECLS
