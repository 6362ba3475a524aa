/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/parley-chat-records.h"
#include "store/parley-store-private.h"

/* Marks that the snippet comes with; the text itself has no control characters. */
#define MATCH_START '\1'
#define MATCH_END   '\2'
#define MAX_WORDS   32

void
parley_search_hit_free (ParleySearchHit *hit)
{
  if (!hit)
    return;
  g_free (hit->title);
  g_free (hit->snippet);
  g_clear_pointer (&hit->matches, g_array_unref);
  g_free (hit);
}

/* The words of any text as an FTS5 expression, the last one as a prefix; NULL: no words. Words end
 * where the tokenizer of the index ends them, so that no quotation holds more than one. */
static char *
make_expression (const char *query)
{
  g_autofree char *valid = g_utf8_make_valid (query, -1);
  g_autofree char *text = g_utf8_normalize (valid, -1, G_NORMALIZE_NFC);
  g_autoptr (GString) expression = g_string_new (NULL);
  guint n = 0;
  for (const char *p = text; *p && n < MAX_WORDS;) {
    const char *start = p;
    while (*p &&
           (g_unichar_isalnum (g_utf8_get_char (p)) || g_unichar_ismark (g_utf8_get_char (p))))
      p = g_utf8_next_char (p);
    if (p == start) {
      p = g_utf8_next_char (p);
      continue;
    }
    g_string_append_printf (expression, "%s\"%.*s\"", n++ ? " " : "", (int) (p - start), start);
  }
  if (n == 0)
    return NULL;
  g_string_append_c (expression, '*');
  return g_string_free (g_steal_pointer (&expression), FALSE);
}

/* Takes the marks out of the text and notes where they were. */
static void
read_snippet (ParleySearchHit *hit, const char *marked)
{
  g_autoptr (GString) snippet = g_string_new (NULL);
  hit->matches = g_array_new (FALSE, FALSE, sizeof (ParleySearchMatch));
  ParleySearchMatch match = { 0 };
  for (const char *p = marked; p && *p; p++) {
    if (*p == MATCH_START)
      match.start = (guint) snippet->len;
    else if (*p == MATCH_END) {
      match.end = (guint) snippet->len;
      g_array_append_val (hit->matches, match);
    } else
      g_string_append_c (snippet, *p);
  }
  hit->snippet = g_string_free (g_steal_pointer (&snippet), FALSE);
}

typedef struct {
  const char *expression;
  guint limit;
  GPtrArray *hits;
} Search;

static gboolean
search (sqlite3 *db, gpointer data, GError **error)
{
  Search *s = data;
  /* A row belongs to a message or, where there is no message of its number, to a chat's title. */
  g_autoptr (sqlite3_stmt) rows = parley_sql_query (
      db, error,
      "SELECT c.id, m.id, c.title, snippet (search, 0, char (1), char (2), '…', 16)"
      " FROM search LEFT JOIN message m ON m.id = search.rowid"
      " JOIN chat c ON c.id = coalesce (m.chat, search.rowid)"
      " WHERE search MATCH ? AND c.deleted_at = 0 AND coalesce (m.deleted_at, 0) = 0"
      " ORDER BY m.id IS NOT NULL, search.rank LIMIT ?",
      "si", s->expression, (gint64) s->limit);
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure)) {
    ParleySearchHit *hit = g_new0 (ParleySearchHit, 1);
    hit->chat = sqlite3_column_int64 (rows, 0);
    hit->message = sqlite3_column_int64 (rows, 1);
    hit->title = parley_sql_dup_text (rows, 2);
    g_autofree char *marked = parley_sql_dup_text (rows, 3);
    read_snippet (hit, marked);
    g_ptr_array_add (s->hits, hit);
  }
  return parley_sql_end (&failure, error);
}

GPtrArray *
parley_store_search (ParleyStore *store, const char *query, guint limit, GError **error)
{
  g_autofree char *expression = make_expression (query);
  g_autoptr (GPtrArray) hits =
      g_ptr_array_new_with_free_func ((GDestroyNotify) parley_search_hit_free);
  Search s = { .expression = expression, .limit = limit, .hits = hits };
  if (expression && !parley_store_read (store, search, &s, error))
    return NULL;
  return g_steal_pointer (&hits);
}
