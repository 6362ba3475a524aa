/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The store itself: opening, the writer thread with its queue, connections for reading, settings,
 * and telling about changes.
 *
 * On durability. With a write-ahead log and synchronous = NORMAL, a commit is a write() into the
 * log: from then on the pages are the kernel's, so the end of the process, by kill -9 too, loses
 * nothing of it; only a loss of power can cut off the last commits, and never damages the file.
 * That is what pieces of a running reply get, since an fsync for each would keep a disk busy.
 * Everything else commits with synchronous = FULL, which forces the log, and with it all pieces
 * before, to the disk.
 */
#include "store/parley-store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/chats-folder.h"
#include "store/chats.h"
#include "store/presence.h"
#include "store/replies.h"
#include "store/schema.h"

#define SOON_US           (100 * G_TIME_SPAN_MILLISECOND)
#define RETRY_US          (1 * G_TIME_SPAN_SECOND)
#define LOOK_ELSEWHERE_MS 200
#define MAX_IDLE_READERS  3

typedef struct {
  gboolean done;
  GError *error;
} Waiter;

typedef struct {
  ParleyStoreJob run;
  gpointer data;
  GDestroyNotify destroy;
  ParleyStoreAreas areas;
  ParleyStoreUrgency urgency;
  gint64 queued_at;
  Waiter *waiter; /* NULL: nobody waits, so the job is kept until it works */
} Job;

struct _ParleyStore {
  GObject parent_instance;

  char *folder, *path;
  GMainContext *context;
  gboolean read_only;
  gboolean chosen; /* the folder, by a person: what is not there is away, not new */
  ParleySqlAccess reading;
  int presence; /* file descriptor */
  gint64 number;
  GThread *writer;
  sqlite3 *db; /* the writer's, once its thread runs */
  GFileMonitor *monitor;

  GMutex mutex; /* guards what follows */
  GCond wake;   /* for the writer */
  GCond done;   /* for those who wait */
  gint64 next_id;
  GQueue jobs;
  guint n_urgent, n_waiters; /* of the queued jobs */
  gint64 retry_at;           /* 0: nothing failed */
  gboolean closing, closed, look_elsewhere;
  gint64 data_version;
  GQueue readers;
  GHashTable *settings;
  char *problem;
  ParleyStoreAreas changed_here;
  gboolean changed_elsewhere, problem_changed;
  GSource *notice, *look_later;
};

enum {
  PROP_0,
  PROP_PROBLEM,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];
static guint changed_signal;

G_DEFINE_FINAL_TYPE (ParleyStore, parley_store, G_TYPE_OBJECT)
G_DEFINE_QUARK (parley - store - error - quark, parley_store_error)

static void
job_free (Job *job)
{
  if (job->destroy)
    job->destroy (job->data);
  g_free (job);
}

/* Telling */

static gboolean
tell (gpointer data)
{
  g_autoptr (ParleyStore) self = g_weak_ref_get (data);
  if (!self)
    return G_SOURCE_REMOVE;
  g_mutex_lock (&self->mutex);
  ParleyStoreAreas here = self->changed_here;
  gboolean elsewhere = self->changed_elsewhere, problem = self->problem_changed;
  self->changed_here = 0;
  self->changed_elsewhere = self->problem_changed = FALSE;
  g_clear_pointer (&self->notice, g_source_unref);
  g_mutex_unlock (&self->mutex);

  if (problem)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PROBLEM]);
  if (here)
    g_signal_emit (self, changed_signal, 0, (guint) here, FALSE);
  if (elsewhere)
    g_signal_emit (self, changed_signal, 0, (guint) PARLEY_STORE_ALL_AREAS, TRUE);
  return G_SOURCE_REMOVE;
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static GSource *
attach (ParleyStore *self, GSource *source, GSourceFunc func)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, self);
  g_source_set_callback (source, func, weak, weak_ref_free);
  g_source_attach (source, self->context);
  return source;
}

/* With the mutex held. */
static void
tell_later (ParleyStore *self)
{
  if (self->notice || self->closing)
    return;
  GSource *source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  self->notice = attach (self, source, tell);
}

/* With the mutex held. */
static void
set_problem (ParleyStore *self, const char *problem)
{
  if (g_strcmp0 (self->problem, problem) == 0)
    return;
  g_free (self->problem);
  self->problem = g_strdup (problem);
  self->problem_changed = TRUE;
  tell_later (self);
}

/* Settings */

static gboolean
load_settings (sqlite3 *db, gpointer data, GError **error)
{
  GHashTable *settings = data;
  g_autoptr (sqlite3_stmt) rows =
      parley_sql_query (db, error, "SELECT key, value FROM setting", "");
  if (!rows)
    return FALSE;
  g_autoptr (GError) failure = NULL;
  while (parley_sql_next (rows, &failure))
    g_hash_table_insert (settings, parley_sql_dup_text (rows, 0), parley_sql_dup_text (rows, 1));
  return parley_sql_end (&failure, error);
}

typedef struct {
  char *key, *value;
} Setting;

static void
setting_free (gpointer data)
{
  Setting *setting = data;
  g_free (setting->key);
  g_free (setting->value);
  g_free (setting);
}

static gboolean
put_setting (sqlite3 *db, gpointer data, GError **error)
{
  Setting *setting = data;
  if (!setting->value)
    return parley_sql_run (db, error, "DELETE FROM setting WHERE key = ?", "s", setting->key);
  return parley_sql_run (db, error,
                         "INSERT INTO setting VALUES (?, ?)"
                         " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                         "ss", setting->key, setting->value);
}

char *
parley_store_get_setting (ParleyStore *self, const char *key)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), NULL);
  g_mutex_lock (&self->mutex);
  char *value = g_strdup (g_hash_table_lookup (self->settings, key));
  g_mutex_unlock (&self->mutex);
  return value;
}

void
parley_store_set_setting (ParleyStore *self, const char *key, const char *value)
{
  g_return_if_fail (PARLEY_IS_STORE (self));
  g_return_if_fail (key != NULL);
  g_mutex_lock (&self->mutex);
  gboolean same = g_strcmp0 (g_hash_table_lookup (self->settings, key), value) == 0;
  if (value)
    g_hash_table_insert (self->settings, g_strdup (key), g_strdup (value));
  else
    g_hash_table_remove (self->settings, key);
  g_mutex_unlock (&self->mutex);
  if (same)
    return;
  Setting *setting = g_new (Setting, 1);
  *setting = (Setting){ .key = g_strdup (key), .value = g_strdup (value) };
  parley_store_queue (self, PARLEY_STORE_SETTINGS, PARLEY_STORE_DURABLE, put_setting, setting,
                      setting_free);
}

void
_parley_store_forget_settings (ParleyStore *self)
{
  g_mutex_lock (&self->mutex);
  g_hash_table_remove_all (self->settings);
  g_mutex_unlock (&self->mutex);
}

/* The writer */

static gboolean
commit_jobs (ParleyStore *self, GQueue *batch, GPtrArray *errors, GError **error)
{
  gboolean durable = FALSE;
  for (GList *l = batch->head; l; l = l->next)
    durable |= ((Job *) l->data)->urgency == PARLEY_STORE_DURABLE;
  if (!parley_sql_script (
          self->db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", error) ||
      !parley_sql_script (self->db, "BEGIN IMMEDIATE", error))
    return FALSE;

  for (GList *l = batch->head; l; l = l->next) {
    Job *job = l->data;
    g_autoptr (GError) failure = NULL;
    if (!parley_sql_script (self->db, "SAVEPOINT job", error))
      return FALSE;
    if (!job->run (self->db, job->data, &failure)) {
      /* What cannot be mended concerns this job alone; anything else the whole transaction. */
      if (parley_sql_is_worth_retrying (failure)) {
        g_propagate_error (error, g_steal_pointer (&failure));
        return FALSE;
      }
      if (!parley_sql_script (self->db, "ROLLBACK TO job", error))
        return FALSE;
    }
    if (!parley_sql_script (self->db, "RELEASE job", error))
      return FALSE;
    g_ptr_array_add (errors, g_steal_pointer (&failure));
  }
  return parley_sql_script (self->db, "COMMIT", error);
}

static void
error_free (gpointer error)
{
  if (error)
    g_error_free (error);
}

/* With the mutex held. */
static void
answer (ParleyStore *self, Job *job, const GError *error)
{
  if (job->waiter) {
    job->waiter->done = TRUE;
    job->waiter->error = error ? g_error_copy (error) : NULL;
    g_cond_broadcast (&self->done);
  }
}

static void
write_batch (ParleyStore *self, GQueue *batch)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (error_free);
  g_autoptr (GError) failure = NULL;
  if (!commit_jobs (self, batch, errors, &failure) && !sqlite3_get_autocommit (self->db))
    parley_sql_script (self->db, "ROLLBACK", NULL);

  g_mutex_lock (&self->mutex);
  GQueue kept = G_QUEUE_INIT, gone = G_QUEUE_INIT;
  for (guint i = 0; batch->length > 0; i++) {
    Job *job = g_queue_pop_head (batch);
    const GError *error = failure ? failure : errors->pdata[i];
    answer (self, job, error);
    if (failure && !job->waiter) {
      g_queue_push_tail (&kept, job);
      continue;
    }
    if (!error)
      self->changed_here |= job->areas;
    else if (!job->waiter)
      g_warning ("%s", error->message);
    g_queue_push_tail (&gone, job);
  }
  gboolean waiting = kept.length > 0;
  while (kept.length > 0) {
    Job *job = g_queue_pop_tail (&kept);
    self->n_urgent += job->urgency == PARLEY_STORE_DURABLE;
    g_queue_push_head (&self->jobs, job);
  }
  self->retry_at = waiting ? g_get_monotonic_time () + RETRY_US : 0;
  set_problem (self, waiting ? failure->message : NULL);
  if (self->changed_here)
    tell_later (self);
  g_mutex_unlock (&self->mutex);
  g_queue_clear_full (&gone, (GDestroyNotify) job_free);
}

/* data_version changes on a connection when any other one commits; those that write are in other
 * processes. */
static void
look_elsewhere (ParleyStore *self)
{
  gint64 version;
  if (!parley_sql_number (self->db, 0, &version, NULL, "PRAGMA data_version", "") ||
      version == self->data_version)
    return;
  self->data_version = version;
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  gboolean loaded = load_settings (self->db, settings, NULL);
  g_mutex_lock (&self->mutex);
  /* Queued settings would be overwritten by older ones; they tell of themselves when written. */
  if (loaded && self->jobs.length == 0) {
    g_hash_table_unref (self->settings);
    self->settings = g_steal_pointer (&settings);
  }
  self->changed_elsewhere = TRUE;
  tell_later (self);
  g_mutex_unlock (&self->mutex);
}

/* When the queue is to be written, in monotonic microseconds; with the mutex held. */
static gint64
due_at (ParleyStore *self)
{
  if (self->n_waiters > 0 || self->closing)
    return 0;
  if (self->retry_at > 0)
    return self->retry_at;
  if (self->n_urgent > 0)
    return 0;
  const Job *oldest = g_queue_peek_head (&self->jobs);
  return oldest->queued_at + SOON_US;
}

static gpointer
write_jobs (gpointer data)
{
  ParleyStore *self = data;
  g_mutex_lock (&self->mutex);
  for (;;) {
    if (self->look_elsewhere) {
      self->look_elsewhere = FALSE;
      g_mutex_unlock (&self->mutex);
      look_elsewhere (self);
      g_mutex_lock (&self->mutex);
    }
    if (self->jobs.length == 0) {
      if (self->closing)
        break;
      g_cond_wait (&self->wake, &self->mutex);
      continue;
    }
    gint64 due = due_at (self);
    if (due > g_get_monotonic_time ()) {
      g_cond_wait_until (&self->wake, &self->mutex, due);
      continue;
    }
    GQueue batch = self->jobs;
    gboolean last = self->closing;
    g_queue_init (&self->jobs);
    self->n_urgent = self->n_waiters = 0;
    g_mutex_unlock (&self->mutex);
    write_batch (self, &batch);
    g_mutex_lock (&self->mutex);
    if (last)
      break;
  }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

/* FALSE: closed or read-only. With the mutex held. */
static gboolean
push (ParleyStore *self, Job *job)
{
  if (self->read_only || self->closing)
    return FALSE;
  job->queued_at = g_get_monotonic_time ();
  g_queue_push_tail (&self->jobs, job);
  self->n_urgent += job->urgency == PARLEY_STORE_DURABLE;
  self->n_waiters += job->waiter != NULL;
  g_cond_signal (&self->wake);
  return TRUE;
}

void
parley_store_queue (ParleyStore *self, ParleyStoreAreas areas, ParleyStoreUrgency urgency,
                    ParleyStoreJob run, gpointer data, GDestroyNotify destroy)
{
  Job *job = g_new (Job, 1);
  *job = (Job){ .run = run, .data = data, .destroy = destroy, .areas = areas, .urgency = urgency };
  g_mutex_lock (&self->mutex);
  gboolean pushed = push (self, job);
  g_mutex_unlock (&self->mutex);
  if (!pushed)
    job_free (job);
}

gboolean
parley_store_run (ParleyStore *self, ParleyStoreAreas areas, ParleyStoreJob run, gpointer data,
                  GError **error)
{
  Waiter waiter = { 0 };
  Job *job = g_new (Job, 1);
  *job = (Job){
    .run = run, .data = data, .areas = areas, .urgency = PARLEY_STORE_DURABLE, .waiter = &waiter
  };
  g_mutex_lock (&self->mutex);
  gboolean pushed = push (self, job);
  while (pushed && !waiter.done)
    g_cond_wait (&self->done, &self->mutex);
  g_mutex_unlock (&self->mutex);
  if (!pushed) {
    job_free (job);
    g_set_error (&waiter.error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_READ_ONLY,
                 _ ("“%s” is open for reading only."), self->path);
  }
  if (waiter.error)
    g_propagate_error (error, waiter.error);
  return waiter.error == NULL;
}

/* An empty transaction would not force anything; this one has a page to write. */
static gboolean
touch (sqlite3 *db, gpointer data, GError **error)
{
  return parley_sql_run (db, error, "UPDATE counter SET value = value WHERE name = 'open'", "");
}

gboolean
parley_store_flush (ParleyStore *self, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  return self->read_only || parley_store_run (self, 0, touch, NULL, error);
}

/* Reading */

gboolean
parley_store_read (ParleyStore *self, ParleyStoreJob job, gpointer data, GError **error)
{
  g_mutex_lock (&self->mutex);
  gboolean closed = self->closed;
  g_autoptr (sqlite3) db = g_queue_pop_head (&self->readers);
  g_mutex_unlock (&self->mutex);
  if (closed) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN, _ ("“%s” is closed."),
                 self->path);
    return FALSE;
  }
  if (!db && !(db = parley_sql_open (self->path, self->reading, error)))
    return FALSE;
  if (!parley_sql_script (db, "BEGIN", error))
    return FALSE;
  gboolean ok = job (db, data, error);
  parley_sql_script (db, "ROLLBACK", NULL);

  g_mutex_lock (&self->mutex);
  if (ok && !self->closed && self->readers.length < MAX_IDLE_READERS)
    g_queue_push_head (&self->readers, g_steal_pointer (&db));
  g_mutex_unlock (&self->mutex);
  return ok;
}

static gboolean
check (sqlite3 *db, gpointer data, GError **error)
{
  return parley_sql_check (db, error);
}

gboolean
parley_store_check (ParleyStore *self, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  return parley_store_read (self, check, NULL, error);
}

/* Changes of other processes */

static gboolean
ask_to_look (gpointer data)
{
  g_autoptr (ParleyStore) self = g_weak_ref_get (data);
  if (self) {
    g_mutex_lock (&self->mutex);
    g_clear_pointer (&self->look_later, g_source_unref);
    self->look_elsewhere = TRUE;
    g_cond_signal (&self->wake);
    g_mutex_unlock (&self->mutex);
  }
  return G_SOURCE_REMOVE;
}

/* The log was written to, most often by ourselves: the writer sees which, soon, and once for all
 * that comes until then. */
static void
log_changed (ParleyStore *self)
{
  g_mutex_lock (&self->mutex);
  if (!self->look_later && !self->closing)
    self->look_later = attach (self, g_timeout_source_new (LOOK_ELSEWHERE_MS), ask_to_look);
  g_mutex_unlock (&self->mutex);
}

static void
watch (ParleyStore *self)
{
  g_autofree char *log = g_strconcat (self->path, "-wal", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (log);
  g_main_context_push_thread_default (self->context);
  self->monitor = g_file_monitor_file (file, G_FILE_MONITOR_NONE, NULL, NULL);
  g_main_context_pop_thread_default (self->context);
  if (self->monitor)
    g_signal_connect_object (self->monitor, "changed", G_CALLBACK (log_changed), self,
                             G_CONNECT_SWAPPED);
}

/* Opening and closing */

static gboolean
prepare (ParleyStore *self, GError **error)
{
  return parley_sql_script (self->db, "BEGIN IMMEDIATE", error) &&
         parley_schema_update (self->db, parley_schema_steps, parley_schema_n_steps, error) &&
         parley_sql_number (self->db, 0, &self->number, error,
                            "UPDATE counter SET value = value + 1 WHERE name = 'open'"
                            " RETURNING value",
                            "") &&
         parley_presence_announce (self->presence, self->number, error) &&
         parley_replies_recover (self->db, self->presence, error) &&
         parley_chats_purge_old (self->db, g_get_real_time (), error) &&
         parley_sql_script (self->db, "COMMIT", error);
}

static gboolean
open_for_writing (ParleyStore *self, GError **error)
{
  /* Made by us so that nobody else can read it; SQLite gives its other files the same mode. */
  int fd = open (self->path, O_RDWR | O_CLOEXEC | (self->chosen ? 0 : O_CREAT), 0600);
  if (fd < 0 && self->chosen && (errno == ENOENT || errno == ENOTDIR)) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_AWAY,
                 _ ("Your chats are kept in “%s”, and they are not there now. If it is on another "
                    "disk, connect that."),
                 self->folder);
    return FALSE;
  }
  if (fd < 0) {
    gboolean forbidden = errno == EACCES || errno == EPERM || errno == EROFS;
    g_set_error (error, PARLEY_STORE_ERROR,
                 forbidden ? PARLEY_STORE_ERROR_READ_ONLY : PARLEY_STORE_ERROR_OPEN,
                 _ ("“%s” cannot be opened for writing: %s. Chats can be read but not changed."),
                 self->path, g_strerror (errno));
    return FALSE;
  }
  close (fd);

  ParleySchemaAge age;
  gint64 version;
  self->db = parley_sql_open (self->path, PARLEY_SQL_WRITE, error);
  if (!self->db || !parley_schema_look (self->db, parley_schema_n_steps, &age, &version, error))
    return FALSE;
  if (age == PARLEY_SCHEMA_NEWER) {
    g_autofree char *theirs = g_strdup_printf ("%" G_GINT64_FORMAT, version);
    g_set_error (
        error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_READ_ONLY,
        _ ("“%s” was last used by a newer Parley (its version is %s, this Parley knows %u). "
           "Chats can be read but not changed until Parley is updated."),
        self->path, theirs, parley_schema_n_steps);
    return FALSE;
  }
  self->presence = parley_presence_open (self->path, error);
  return self->presence >= 0 && parley_sql_script (self->db, "PRAGMA journal_mode = WAL", error) &&
         prepare (self, error);
}

static gboolean
open_store (ParleyStore *self, GError **error)
{
  if (!self->chosen && g_mkdir_with_parents (self->folder, 0700) != 0) {
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
                 _ ("The folder “%s” cannot be made: %s."), self->folder, g_strerror (errno));
    return FALSE;
  }
  g_autoptr (GError) failure = NULL;
  if (!open_for_writing (self, &failure)) {
    g_clear_pointer (&self->db, sqlite3_close);
    if (!g_error_matches (failure, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_READ_ONLY)) {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
    self->read_only = TRUE;
    self->problem = g_strdup (failure->message);
  }
  if (self->db &&
      !parley_sql_number (self->db, 0, &self->data_version, error, "PRAGMA data_version", ""))
    return FALSE;
  self->reading = PARLEY_SQL_READ;
  gboolean loaded = parley_store_read (self, load_settings, self->settings, error);
  if (!loaded && self->read_only) {
    /* A log needs a file beside it even for reading. Where none can be made, nobody writes. */
    g_clear_error (error);
    self->reading = PARLEY_SQL_FROZEN;
    loaded = parley_store_read (self, load_settings, self->settings, error);
  }
  if (!loaded)
    return FALSE;
  if (!self->read_only) {
    self->writer = g_thread_new ("store", write_jobs, self);
    watch (self);
  }
  return TRUE;
}

ParleyStore *
parley_store_open (const char *folder, GError **error)
{
  g_autoptr (ParleyStore) self = g_object_new (PARLEY_TYPE_STORE, NULL);
  self->folder = folder ? g_canonicalize_filename (folder, NULL)
                        : parley_chats_folder_find (&self->chosen, error);
  if (!self->folder)
    return NULL;
  self->path = g_build_filename (self->folder, "parley.db", NULL);
  return open_store (self, error) ? g_steal_pointer (&self) : NULL;
}

gboolean
parley_store_close (ParleyStore *self, GError **error)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), FALSE);
  g_mutex_lock (&self->mutex);
  gboolean first = !self->closing;
  self->closing = TRUE;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->mutex);
  if (!first)
    return TRUE;
  if (self->writer)
    g_thread_join (g_steal_pointer (&self->writer));
  if (self->monitor)
    g_file_monitor_cancel (self->monitor);
  g_clear_object (&self->monitor);

  g_mutex_lock (&self->mutex);
  self->closed = TRUE;
  GSource *sources[] = { g_steal_pointer (&self->notice), g_steal_pointer (&self->look_later) };
  GQueue readers = self->readers;
  g_queue_init (&self->readers);
  guint lost = self->jobs.length;
  g_queue_clear_full (&self->jobs, (GDestroyNotify) job_free);
  g_autofree char *problem = g_strdup (self->problem);
  g_mutex_unlock (&self->mutex);

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    if (sources[i]) {
      g_source_destroy (sources[i]);
      g_source_unref (sources[i]);
    }
  while (readers.length > 0)
    sqlite3_close (g_queue_pop_head (&readers));
  /* Last, since the last connection tidies the log away. */
  g_clear_pointer (&self->db, sqlite3_close);
  if (self->presence >= 0)
    close (self->presence);
  self->presence = -1;
  if (lost > 0)
    g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_FAILED,
                 _ ("%u changes could not be saved. %s"), lost, problem ? problem : "");
  return lost == 0;
}

char *
parley_store_set_aside (const char *folder, const char *why, GError **error)
{
  g_autofree char *where =
      folder ? g_canonicalize_filename (folder, NULL) : parley_store_default_folder ();
  g_autofree char *path = g_build_filename (where, "parley.db", NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d-%H%M%S");
  g_autofree char *aside = g_strdup_printf ("%s.%s-%s", path, why, date);
  for (guint i = 2; g_file_test (aside, G_FILE_TEST_EXISTS); i++) {
    g_free (aside);
    aside = g_strdup_printf ("%s.%s-%s-%u", path, why, date, i);
  }
  /* The log first: should this be cut short, a database without its log is still whole as of its
   * last checkpoint, and the log is kept. */
  static const char *const suffixes[] = { "-wal", "-shm", "" };
  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    g_autofree char *from = g_strconcat (path, suffixes[i], NULL);
    g_autofree char *to = g_strconcat (aside, suffixes[i], NULL);
    if (g_rename (from, to) != 0 && errno != ENOENT) {
      g_set_error (error, PARLEY_STORE_ERROR, PARLEY_STORE_ERROR_OPEN,
                   _ ("“%s” cannot be renamed: %s."), from, g_strerror (errno));
      return NULL;
    }
  }
  return g_steal_pointer (&aside);
}

const char *
parley_store_get_folder (ParleyStore *self)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), NULL);
  return self->folder;
}

gboolean
parley_store_get_read_only (ParleyStore *self)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), TRUE);
  return self->read_only;
}

char *
parley_store_dup_problem (ParleyStore *self)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), NULL);
  g_mutex_lock (&self->mutex);
  char *problem = g_strdup (self->problem);
  g_mutex_unlock (&self->mutex);
  return problem;
}

gint64
parley_store_get_number (ParleyStore *self)
{
  return self->number;
}

gint64
parley_store_new_id (ParleyStore *self)
{
  g_return_val_if_fail (PARLEY_IS_STORE (self), 0);
  g_mutex_lock (&self->mutex);
  gint64 id = (self->number << 32) | ++self->next_id;
  g_mutex_unlock (&self->mutex);
  return id;
}

static void
parley_store_finalize (GObject *object)
{
  ParleyStore *self = PARLEY_STORE (object);
  g_autoptr (GError) failure = NULL;
  if (!parley_store_close (self, &failure))
    g_warning ("%s", failure->message);
  g_clear_pointer (&self->settings, g_hash_table_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self->problem);
  g_free (self->folder);
  g_free (self->path);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->wake);
  g_cond_clear (&self->done);
  G_OBJECT_CLASS (parley_store_parent_class)->finalize (object);
}

static void
parley_store_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PROBLEM)
    g_value_take_string (value, parley_store_dup_problem (PARLEY_STORE (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
parley_store_class_init (ParleyStoreClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->finalize = parley_store_finalize;
  object_class->get_property = parley_store_get_property;
  props[PROP_PROBLEM] =
      g_param_spec_string ("problem", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
  changed_signal = g_signal_new ("changed", PARLEY_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_BOOLEAN);
}

static void
parley_store_init (ParleyStore *self)
{
  self->presence = -1;
  self->context = g_main_context_ref_thread_default ();
  self->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->wake);
  g_cond_init (&self->done);
  g_queue_init (&self->jobs);
  g_queue_init (&self->readers);
}
