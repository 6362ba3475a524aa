/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hub of models that speaks the Hugging Face Hub API: search, repositories and their files,
 * model cards, and the header of a remote GGUF file.
 *
 * Each question exists twice: blocking, for any thread, and asynchronous, which runs the blocking
 * one on a worker thread and calls back on the caller's thread-default main context. Cancelling
 * ends either at once. All answers are bounded in size and checked; the access token goes to the
 * hub's own origin only.
 */
#pragma once

#include "hub/parley-hub-error.h"
#include "hub/parley-hub-filter.h"
#include "hub/parley-hub-model.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_HUB_SORT_TRENDING,
  PARLEY_HUB_SORT_DOWNLOADS,
  PARLEY_HUB_SORT_LIKES,
  PARLEY_HUB_SORT_UPDATED,
} ParleyHubSort;

#define PARLEY_TYPE_HUB (parley_hub_get_type ())
G_DECLARE_FINAL_TYPE (ParleyHub, parley_hub, PARLEY, HUB, GObject)

/* The hub that the environment names: PARLEY_HUB, else HF_ENDPOINT, else https://huggingface.co;
 * with the access token of HF_TOKEN, HUGGING_FACE_HUB_TOKEN or the token file. An address that
 * cannot be used is reported by every request. */
ParleyHub *parley_hub_new (void);
ParleyHub *parley_hub_new_for_endpoint (const char *endpoint, const char *token);

const char *parley_hub_get_endpoint (ParleyHub *self); /* without a final '/' */
gboolean parley_hub_has_token (ParleyHub *self);
void parley_hub_set_token (ParleyHub *self, const char *token); /* NULL: none */

/* TRUE: asks nobody; every request fails with PARLEY_HUB_ERROR_OFFLINE. Any thread. */
void parley_hub_set_offline (ParleyHub *self, gboolean offline);

/* The name of the account that `token` (NULL: the one that is set) belongs to. Blocks. */
char *parley_hub_who (ParleyHub *self, const char *token, GCancellable *cancellable,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The page of a repository for a browser: where terms are accepted. Free with g_free(). */
char *parley_hub_dup_page_address (ParleyHub *self, const char *repo);

/* GGUF repositories. `filter` NULL: all of them. `cursor`: NULL for the first page, else what the
 * page before gave in *next_cursor (NULL there: it was the last). Returns an array of
 * ParleyHubModel: some more than `limit` where a filter is at work, fewer where it leaves little.
 * Answers are kept for some minutes. */
GPtrArray *parley_hub_search (ParleyHub *self, const char *text, ParleyHubSort sort,
                              const ParleyHubFilter *filter, guint limit, const char *cursor,
                              char **next_cursor, GCancellable *cancellable,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void parley_hub_search_async (ParleyHub *self, const char *text, ParleyHubSort sort,
                              const ParleyHubFilter *filter, guint limit, const char *cursor,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data);
GPtrArray *parley_hub_search_finish (ParleyHub *self, GAsyncResult *result, char **next_cursor,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a search says of one repository, without its files; kept like searches. */
ParleyHubModel *parley_hub_look_up (ParleyHub *self, const char *repo, GCancellable *cancellable,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void parley_hub_look_up_async (ParleyHub *self, const char *repo, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer data);
ParleyHubModel *parley_hub_look_up_finish (ParleyHub *self, GAsyncResult *result,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A repository with its files, pinned to the commit that `revision` (NULL: "main") is now. */
ParleyHubModel *parley_hub_details (ParleyHub *self, const char *repo, const char *revision,
                                    GCancellable *cancellable,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void parley_hub_details_async (ParleyHub *self, const char *repo, const char *revision,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer data);
ParleyHubModel *parley_hub_details_finish (ParleyHub *self, GAsyncResult *result,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The model card: Markdown without its YAML front matter, valid UTF-8, at most 1 MiB. "" when the
 * repository has none. `commit`: NULL for "main". */
char *parley_hub_card (ParleyHub *self, const char *repo, const char *commit,
                       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void parley_hub_card_async (ParleyHub *self, const char *repo, const char *commit,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
char *parley_hub_card_finish (ParleyHub *self, GAsyncResult *result,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The first bytes of `file`, at least its whole GGUF header (metadata and tensor table), for
 * pe_model_open_header(). Fetched in ranges and kept in the cache by SHA-256, so it is fetched
 * once. `part` 0: of the model as a whole; where that is split, the header that one file with the
 * tensors of all parts would have. Else of that part alone, counted from 1. *file_bytes (may be
 * NULL): size of what the header is of. */
GBytes *parley_hub_header (ParleyHub *self, ParleyHubFile *file, guint part, guint64 *file_bytes,
                           GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same for showing what the file would do here: of a split model it is estimated from the
 * header of the first part and the sizes of the others, unless the first tells too little. */
GBytes *parley_hub_outline (ParleyHub *self, ParleyHubFile *file, guint64 *file_bytes,
                            GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void parley_hub_outline_async (ParleyHub *self, ParleyHubFile *file, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer data);
GBytes *parley_hub_outline_finish (ParleyHub *self, GAsyncResult *result, guint64 *file_bytes,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void parley_hub_header_async (ParleyHub *self, ParleyHubFile *file, guint part,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data);
GBytes *parley_hub_header_finish (ParleyHub *self, GAsyncResult *result, guint64 *file_bytes,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
