/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "library/scan.h"
#include "engine/model.h"
#include "hub/json.h"
#include "hub/names.h"
#include "library/parley-model-private.h"
#include "library/record.h"
#include "store/parley-catalogue.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what a file says ---- */

static char *
cleaned (const char *text)
{
  return g_strstrip (parley_name_for_display (text ? text : "", 120));
}

static void
replace (char **member, const char *text)
{
  g_free (*member);
  *member = g_strdup (text);
}

/* What to call a file that does not name itself: "my-model_Q8_0.gguf" is "my model". */
static char *
name_of_file (const char *path, const char *quantisation)
{
  g_autofree char *stem = g_path_get_basename (path);
  guint index, count;
  gsize end;
  if (parley_name_shard (stem, &index, &count, &end))
    stem[end] = '\0';
  else if (g_str_has_suffix (stem, ".gguf"))
    stem[strlen (stem) - strlen (".gguf")] = '\0';
  gsize n = strlen (stem), q = strlen (quantisation);
  if (q > 0 && n > q + 1 && g_ascii_strcasecmp (stem + n - q, quantisation) == 0)
    stem[n - q - 1] = '\0';
  g_strdelimit (stem, "-_", ' ');
  return cleaned (stem);
}

static void
read_header (ParleyModelFacts *facts)
{
  struct pe_model *model = NULL;
  struct pe_error error = { 0 };
  if (!pe_model_open (facts->parts[0], &model, &error)) {
    facts->state =
        error.code == PE_ERROR_UNSUPPORTED ? PARLEY_MODEL_UNSUPPORTED : PARLEY_MODEL_DAMAGED;
    facts->message = g_strdup (error.message);
    return;
  }
  const struct pe_model_info *info = pe_model_info (model);
  facts->name = cleaned (info->name);
  facts->family = cleaned (info->family);
  facts->architecture = cleaned (info->architecture);
  facts->license = cleaned (info->license);
  if (*info->quantisation) {
    g_free (facts->quantisation);
    facts->quantisation = cleaned (info->quantisation);
  }
  facts->parameters = info->n_parameters;
  facts->n_layers = info->n_layers;
  facts->context_length = info->n_ctx_train;
  facts->has_chat_template = info->chat_template != NULL;
  if (!pe_model_can_compute (model, &error)) {
    facts->state = PARLEY_MODEL_UNSUPPORTED;
    facts->message = g_strdup (error.message);
  }
  pe_model_close (model);
}

/* Sizes, and whether all parts are there. */
static void
look_at_parts (ParleyModelFacts *facts)
{
  guint index, count = 1;
  gsize stem;
  gboolean is_split = parley_name_shard (facts->parts[0], &index, &count, &stem);
  for (guint i = 0; facts->parts[i]; i++) {
    struct stat info;
    if (stat (facts->parts[i], &info) != 0) {
      facts->state = PARLEY_MODEL_DAMAGED;
      g_free (facts->message);
      facts->message = g_strdup_printf ("%s: %s", facts->parts[i], g_strerror (errno));
      continue;
    }
    facts->size += (guint64) info.st_size;
    if (i == 0) {
      facts->modified = info.st_mtim.tv_sec;
      facts->modified_ns = info.st_mtim.tv_nsec;
      facts->inode = info.st_ino;
      facts->device = info.st_dev;
    }
  }
  if (facts->state == PARLEY_MODEL_READY && is_split &&
      (index != 1 || g_strv_length (facts->parts) != count)) {
    facts->state = PARLEY_MODEL_INCOMPLETE;
    facts->message =
        g_strdup_printf (_ ("%u of %u parts are here. Download the model again to get the "
                            "others"),
                         g_strv_length (facts->parts), count);
  }
}

static void
read_file (ParleyModelFacts *facts)
{
  facts->quantisation = parley_name_quantisation (facts->parts[0]);
  if (facts->state == PARLEY_MODEL_READY)
    read_header (facts);
  if (!facts->quantisation)
    facts->quantisation = g_strdup ("");
  if (!facts->name || !*facts->name) {
    g_free (facts->name);
    facts->name = name_of_file (facts->parts[0], facts->quantisation);
  }
}

/* The same of a file that was read before and did not change. */
static void
take_over (ParleyModelFacts *facts, const ParleyModelFacts *known)
{
  facts->state = known->state;
  replace (&facts->message, known->message);
  replace (&facts->quantisation, known->quantisation);
  replace (&facts->name, known->name);
  replace (&facts->family, known->family);
  replace (&facts->architecture, known->architecture);
  replace (&facts->license, known->license);
  facts->parameters = known->parameters;
  facts->n_layers = known->n_layers;
  facts->context_length = known->context_length;
  facts->has_chat_template = known->has_chat_template;
}

ParleyModel *
parley_scan_model (const char *const *parts)
{
  ParleyModelFacts facts = { .parts = g_strdupv ((GStrv) parts), .state = PARLEY_MODEL_READY };
  look_at_parts (&facts);
  read_file (&facts);
  guint index, count;
  gsize stem;
  if (parley_name_shard (parts[0], &index, &count, &stem))
    facts.id = g_strndup (parts[0], stem);
  else
    facts.id =
        g_strndup (parts[0], strlen (parts[0]) - (g_str_has_suffix (parts[0], ".gguf") ? 5 : 0));
  return _parley_model_new (&facts);
}

/* ---- what is known of it besides ---- */

static void
read_record (ParleyModelFacts *facts, const ParleyArtifactRecord *record)
{
  if (record->repo) {
    replace (&facts->repo, record->repo);
    replace (&facts->commit, record->commit);
  }
  /* A file that was replaced since is not what was hashed. */
  if (record->sha256 && (facts->size == 0 || record->size == (gint64) facts->size))
    replace (&facts->sha256, record->sha256);
  facts->own_name = parley_record_dup_own_name (record);
  facts->tags = parley_record_dup_tags (record);
  facts->pinned = record->pinned;
  facts->last_used = record->last_used_at;
}

static gboolean
same_strv (GStrv a, GStrv b)
{
  static char *none[] = { NULL };
  return g_strv_equal ((const char *const *) (a ? a : none), (const char *const *) (b ? b : none));
}

static gboolean
same_text (const char *a, const char *b)
{
  return strcmp (a ? a : "", b ? b : "") == 0;
}

/* Everything but what the file itself says. */
static gboolean
same_surroundings (const ParleyModelFacts *a, const ParleyModelFacts *b)
{
  return same_text (a->id, b->id) && same_text (a->repo, b->repo) &&
         same_text (a->commit, b->commit) && same_text (a->sha256, b->sha256) &&
         same_text (a->owner, b->owner) && same_text (a->own_name, b->own_name) &&
         same_text (a->folder, b->folder) && same_strv (a->tags, b->tags) &&
         same_strv (a->also, b->also) && a->pinned == b->pinned && a->last_used == b->last_used &&
         a->managed == b->managed;
}

static gboolean
same_file (const ParleyModelFacts *a, const ParleyModelFacts *b)
{
  return same_strv (a->parts, b->parts) && a->size == b->size && a->inode == b->inode &&
         a->device == b->device && a->modified == b->modified && a->modified_ns == b->modified_ns;
}

/* ---- all places ---- */

typedef struct {
  GHashTable *records; /* path -> ParleyArtifactRecord, of `artifacts` */
  GPtrArray *artifacts;
  GHashTable *known;    /* path of the first part -> ParleyModel */
  GHashTable *by_inode; /* "device:inode" -> index into `all` */
  GHashTable *by_sha256;
  GHashTable *ids;
  GPtrArray *all; /* of ParleyModelFacts */
} Sum;

static void
facts_free (gpointer data)
{
  ParleyModelFacts *facts = data;
  g_object_unref (_parley_model_new (facts)); /* takes what it points to */
  g_free (facts);
}

static void
sum_clear (Sum *sum)
{
  g_hash_table_unref (sum->records);
  g_hash_table_unref (sum->known);
  g_hash_table_unref (sum->by_inode);
  g_hash_table_unref (sum->by_sha256);
  g_hash_table_unref (sum->ids);
  g_clear_pointer (&sum->artifacts, g_ptr_array_unref);
  g_ptr_array_unref (sum->all);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sum, sum_clear)

static void
sum_init (Sum *sum, ParleyStore *store, GPtrArray *known)
{
  sum->records = g_hash_table_new (g_str_hash, g_str_equal);
  sum->known = g_hash_table_new (g_str_hash, g_str_equal);
  sum->by_inode = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sum->by_sha256 = g_hash_table_new (g_str_hash, g_str_equal);
  sum->ids = g_hash_table_new (g_str_hash, g_str_equal);
  sum->all = g_ptr_array_new_with_free_func (facts_free);
  sum->artifacts = store ? parley_catalogue_list (store, NULL) : NULL;
  for (guint i = 0; sum->artifacts && i < sum->artifacts->len; i++) {
    ParleyArtifactRecord *record = sum->artifacts->pdata[i];
    for (guint k = 0; k < record->files->len; k++) {
      ParleyLocationRecord *location = record->files->pdata[k];
      if (location->role == PARLEY_FILE_MODEL)
        g_hash_table_insert (sum->records, location->path, record);
    }
  }
  for (guint i = 0; known && i < known->len; i++)
    g_hash_table_insert (sum->known, (gpointer) parley_model_get_path (known->pdata[i]),
                         known->pdata[i]);
}

static void
add_also (ParleyModelFacts *facts, const char *path)
{
  guint n = facts->also ? g_strv_length (facts->also) : 0;
  facts->also = g_renew (char *, facts->also, n + 2);
  facts->also[n] = g_strdup (path);
  facts->also[n + 1] = NULL;
}

/* TRUE when these bytes are listed already; the path is noted there. */
static gboolean
is_listed (Sum *sum, const ParleyModelFacts *facts)
{
  g_autofree char *key =
      g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, facts->device, facts->inode);
  gpointer index;
  if ((facts->inode && g_hash_table_lookup_extended (sum->by_inode, key, NULL, &index)) ||
      (facts->sha256 && *facts->sha256 &&
       g_hash_table_lookup_extended (sum->by_sha256, facts->sha256, NULL, &index))) {
    ParleyModelFacts *first = sum->all->pdata[GPOINTER_TO_UINT (index)];
    add_also (first, facts->parts[0]);
    return TRUE;
  }
  if (facts->inode)
    g_hash_table_insert (sum->by_inode, g_steal_pointer (&key), GUINT_TO_POINTER (sum->all->len));
  if (facts->sha256 && *facts->sha256)
    g_hash_table_insert (sum->by_sha256, facts->sha256, GUINT_TO_POINTER (sum->all->len));
  return FALSE;
}

/* Ids are unique; of two places that would give the same one, the later gets a number. */
static void
claim_id (Sum *sum, ParleyModelFacts *facts)
{
  g_autofree char *wanted = g_strdup (facts->id);
  for (guint i = 2; g_hash_table_contains (sum->ids, facts->id); i++) {
    g_free (facts->id);
    facts->id = g_strdup_printf ("%s (%u)", wanted, i);
  }
  g_hash_table_add (sum->ids, facts->id);
}

static void
take_entry (Sum *sum, ParleyEntry *entry)
{
  ParleyModelFacts *facts = g_new0 (ParleyModelFacts, 1);
  facts->parts = g_steal_pointer (&entry->parts);
  facts->id = g_steal_pointer (&entry->id);
  facts->repo = g_steal_pointer (&entry->repo);
  facts->commit = g_steal_pointer (&entry->commit);
  facts->sha256 = g_steal_pointer (&entry->sha256);
  facts->owner = g_strdup (entry->place->program);
  facts->folder = g_strdup (entry->place->path);
  facts->managed = entry->place->managed;
  facts->own_name = g_steal_pointer (&entry->title);
  look_at_parts (facts);
  const ParleyArtifactRecord *record = g_hash_table_lookup (sum->records, facts->parts[0]);
  if (record) {
    g_autofree char *title = g_steal_pointer (&facts->own_name);
    read_record (facts, record);
    if (!facts->own_name)
      facts->own_name = g_steal_pointer (&title);
  }
  if (is_listed (sum, facts)) {
    facts_free (facts);
    return;
  }
  claim_id (sum, facts);
  g_ptr_array_add (sum->all, facts);
}

/* A model of the catalogue that lies below a folder that is not there now. */
static void
take_away (Sum *sum, const ParleyArtifactRecord *record, const ParleyPlace *place)
{
  gsize n = strlen (place->path);
  g_autoptr (GStrvBuilder) parts = g_strv_builder_new ();
  gboolean found = FALSE;
  for (guint i = 0; i < record->files->len; i++) {
    const ParleyLocationRecord *location = record->files->pdata[i];
    if (location->role != PARLEY_FILE_MODEL || strncmp (location->path, place->path, n) != 0 ||
        location->path[n] != '/')
      continue;
    found = TRUE;
    g_strv_builder_add (parts, location->path);
  }
  g_auto (GStrv) list = g_strv_builder_end (parts);
  if (!found)
    return;
  ParleyModelFacts *facts = g_new0 (ParleyModelFacts, 1);
  facts->parts = g_steal_pointer (&list);
  g_autofree char *shown = g_filename_display_name (facts->parts[0] + n + 1);
  facts->id = g_strdup_printf ("%s/%s", place->slug, shown);
  facts->owner = g_strdup (place->program);
  facts->folder = g_strdup (place->path);
  facts->managed = place->managed;
  facts->state = PARLEY_MODEL_AWAY;
  facts->message = g_strdup (place->problem);
  facts->size = (guint64) MAX (record->size, 0);
  facts->quantisation = g_strdup (record->quantisation);
  facts->architecture = g_strdup (record->architecture);
  facts->parameters = (guint64) MAX (record->n_parameters, 0);
  facts->context_length = (guint) CLAMP (record->context_length, 0, G_MAXINT);
  facts->name =
      record->title && *record->title
          ? g_strdup (record->title)
          : name_of_file (facts->parts[0], record->quantisation ? record->quantisation : "");
  read_record (facts, record);
  if (is_listed (sum, facts)) {
    facts_free (facts);
    return;
  }
  claim_id (sum, facts);
  g_ptr_array_add (sum->all, facts);
}

/* Takes the facts out of `facts`. */
static ParleyModel *
make_model (Sum *sum, ParleyModelFacts *facts)
{
  ParleyModel *before = g_hash_table_lookup (sum->known, facts->parts[0]);
  const ParleyModelFacts *known = before ? _parley_model_get_facts (before) : NULL;
  if (known && known->state != PARLEY_MODEL_AWAY && facts->state != PARLEY_MODEL_AWAY &&
      same_file (facts, known)) {
    if (same_surroundings (facts, known))
      return g_object_ref (before);
    take_over (facts, known);
  } else if (facts->state != PARLEY_MODEL_AWAY) {
    read_file (facts);
  }
  ParleyModel *model = _parley_model_new (facts);
  memset (facts, 0, sizeof *facts);
  return model;
}

static int
compare_models (gconstpointer a, gconstpointer b)
{
  ParleyModel *x = *(ParleyModel **) a, *y = *(ParleyModel **) b;
  if (parley_model_is_pinned (x) != parley_model_is_pinned (y))
    return parley_model_is_pinned (x) ? -1 : 1;
  int order = g_utf8_collate (parley_model_get_name (x), parley_model_get_name (y));
  if (order == 0 && parley_model_get_size (x) != parley_model_get_size (y))
    order = parley_model_get_size (x) < parley_model_get_size (y) ? -1 : 1;
  return order ? order : strcmp (parley_model_get_path (x), parley_model_get_path (y));
}

ParleyScan *
parley_scan_places (GPtrArray *places, ParleyStore *store, GPtrArray *known,
                    GCancellable *cancellable)
{
  ParleyScan *scan = g_new0 (ParleyScan, 1);
  g_auto (Sum) sum = { 0 };
  sum_init (&sum, store, known);
  scan->models = g_ptr_array_new_with_free_func (g_object_unref);
  scan->folders = g_ptr_array_new_with_free_func (g_free);
  scan->notes = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < places->len && !g_cancellable_is_cancelled (cancellable); i++) {
    const ParleyPlace *place = places->pdata[i];
    g_autoptr (GPtrArray) entries =
        g_ptr_array_new_with_free_func ((GDestroyNotify) parley_entry_free);
    if (place->problem)
      g_ptr_array_add (scan->notes, g_strdup (place->problem));
    parley_place_list (place, entries, scan->folders, cancellable);
    for (guint k = 0; k < entries->len; k++)
      take_entry (&sum, entries->pdata[k]);
    for (guint k = 0; place->problem && sum.artifacts && k < sum.artifacts->len; k++)
      take_away (&sum, sum.artifacts->pdata[k], place);
  }
  for (guint i = 0; i < sum.all->len && !g_cancellable_is_cancelled (cancellable); i++)
    g_ptr_array_add (scan->models, make_model (&sum, sum.all->pdata[i]));
  g_ptr_array_sort (scan->models, compare_models);
  return scan;
}

void
parley_scan_free (ParleyScan *scan)
{
  if (!scan)
    return;
  g_ptr_array_unref (scan->models);
  g_ptr_array_unref (scan->folders);
  g_ptr_array_unref (scan->notes);
  g_free (scan);
}
