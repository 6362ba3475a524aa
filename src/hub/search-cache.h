/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers of a hub to searches, kept for some minutes, so that going back, or typing the same
 * word again, asks nobody. For any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ParleySearchCache ParleySearchCache;

ParleySearchCache *parley_search_cache_new (void);
void parley_search_cache_free (ParleySearchCache *cache);
void parley_search_cache_clear (ParleySearchCache *cache);

/* The models of the page at `address`, and its *next (may become NULL); NULL: not kept. *when is
 * for putting what the hub then answers: if the cache was cleared meanwhile, that is not kept. */
GPtrArray *parley_search_cache_find (ParleySearchCache *cache, const char *address, char **next,
                                     guint *when);
void parley_search_cache_put (ParleySearchCache *cache, const char *address, GPtrArray *models,
                              const char *next, guint when);

G_END_DECLS
