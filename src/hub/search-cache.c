/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/search-cache.h"

#define MAX_PAGES  64
#define MAX_AGE_US (5 * 60 * G_USEC_PER_SEC)

typedef struct {
  GPtrArray *models;
  char *next;
  gint64 when;
} Page;

struct _ParleySearchCache {
  GMutex mutex;
  guint clearings;   /* so far */
  GHashTable *pages; /* address -> Page */
};

static void
page_free (gpointer data)
{
  Page *page = data;
  g_ptr_array_unref (page->models);
  g_free (page->next);
  g_free (page);
}

ParleySearchCache *
parley_search_cache_new (void)
{
  ParleySearchCache *cache = g_new0 (ParleySearchCache, 1);
  g_mutex_init (&cache->mutex);
  cache->pages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, page_free);
  return cache;
}

void
parley_search_cache_free (ParleySearchCache *cache)
{
  g_hash_table_unref (cache->pages);
  g_mutex_clear (&cache->mutex);
  g_free (cache);
}

void
parley_search_cache_clear (ParleySearchCache *cache)
{
  g_mutex_lock (&cache->mutex);
  cache->clearings++;
  g_hash_table_remove_all (cache->pages);
  g_mutex_unlock (&cache->mutex);
}

GPtrArray *
parley_search_cache_find (ParleySearchCache *cache, const char *address, char **next, guint *when)
{
  GPtrArray *found = NULL;
  g_mutex_lock (&cache->mutex);
  *when = cache->clearings;
  Page *page = g_hash_table_lookup (cache->pages, address);
  if (page && g_get_monotonic_time () - page->when < MAX_AGE_US) {
    found = g_ptr_array_ref (page->models);
    *next = g_strdup (page->next);
  }
  g_mutex_unlock (&cache->mutex);
  return found;
}

static gboolean
is_older (gpointer address, gpointer page, gpointer than)
{
  return ((Page *) page)->when <= *(gint64 *) than;
}

void
parley_search_cache_put (ParleySearchCache *cache, const char *address, GPtrArray *models,
                         const char *next, guint when)
{
  Page *page = g_new0 (Page, 1);
  page->models = g_ptr_array_ref (models);
  page->next = g_strdup (next);
  page->when = g_get_monotonic_time ();
  gint64 stale = page->when - MAX_AGE_US;
  g_mutex_lock (&cache->mutex);
  g_hash_table_foreach_remove (cache->pages, is_older, &stale);
  if (g_hash_table_size (cache->pages) >= MAX_PAGES)
    g_hash_table_remove_all (cache->pages);
  if (when == cache->clearings)
    g_hash_table_replace (cache->pages, g_strdup (address), page);
  else
    page_free (page);
  g_mutex_unlock (&cache->mutex);
}
