/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-transfer.h"
#include "hub/parley-hub-error.h"
#include "hub/parley-transfer-private.h"

#include <string.h>

#define PUBLISH_INTERVAL (80 * 1000)  /* microseconds between two notifications of progress */
#define SAMPLE_INTERVAL  (500 * 1000) /* between two samples of the rate */
#define N_SAMPLES        16

/* What the person wants of work that is going on. */
typedef enum { INTENT_RUN, INTENT_HOLD, INTENT_PAUSE, INTENT_CANCEL } Intent;

/* What the working thread says, until the main context takes it over. */
typedef struct {
  ParleyTransferState state;
  guint64 done;
  char *message;
  gboolean finished;
  GError *error; /* of the finished work; NULL: success */
  gint64 published;
  GSource *source;
} News;

struct _ParleyTransfer {
  GObject parent_instance;

  ParleyJob *job;
  GMainContext *context;
  GThread *thread;
  GCancellable *cancellable;
  ParleyDownloadsRecorder recorder;
  gpointer recorder_data;
  Intent intent;
  char *hold_message;

  char *repo, *commit, *name, *quantisation, *path, *message;
  ParleyTransferState state;
  guint64 done, total;
  double rate;
  GError *error;
  struct {
    gint64 time;
    guint64 done;
  } samples[N_SAMPLES];
  guint n_samples;
  GSource *ticker; /* while running: a stalled connection must not keep its rate */

  GMutex mutex; /* of `news` */
  News news;
};

G_DEFINE_FINAL_TYPE (ParleyTransfer, parley_transfer, G_TYPE_OBJECT)

enum {
  PROP_REPO = 1,
  PROP_NAME,
  PROP_QUANTISATION,
  PROP_PATH,
  PROP_STATE,
  PROP_BYTES_DONE,
  PROP_BYTES_TOTAL,
  PROP_FRACTION,
  PROP_RATE,
  PROP_MESSAGE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
parley_transfer_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  ParleyTransfer *self = PARLEY_TRANSFER (object);
  switch (id) {
  case PROP_REPO: g_value_set_string (value, self->repo); break;
  case PROP_NAME: g_value_set_string (value, self->name); break;
  case PROP_QUANTISATION: g_value_set_string (value, self->quantisation); break;
  case PROP_PATH: g_value_set_string (value, self->path); break;
  case PROP_STATE: g_value_set_uint (value, self->state); break;
  case PROP_BYTES_DONE: g_value_set_uint64 (value, self->done); break;
  case PROP_BYTES_TOTAL: g_value_set_uint64 (value, self->total); break;
  case PROP_FRACTION: g_value_set_double (value, parley_transfer_get_fraction (self)); break;
  case PROP_RATE: g_value_set_double (value, self->rate); break;
  case PROP_MESSAGE: g_value_set_string (value, self->message); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
stop_ticker (ParleyTransfer *self)
{
  if (self->ticker)
    g_source_destroy (self->ticker);
  g_clear_pointer (&self->ticker, g_source_unref);
}

static void
parley_transfer_finalize (GObject *object)
{
  ParleyTransfer *self = PARLEY_TRANSFER (object);
  stop_ticker (self);
  g_clear_pointer (&self->job, parley_job_free);
  g_main_context_unref (self->context);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->error);
  g_clear_error (&self->news.error);
  g_free (self->news.message);
  g_free (self->repo);
  g_free (self->commit);
  g_free (self->name);
  g_free (self->quantisation);
  g_free (self->path);
  g_free (self->message);
  g_free (self->hold_message);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (parley_transfer_parent_class)->finalize (object);
}

static void
parley_transfer_class_init (ParleyTransferClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = parley_transfer_get_property;
  object_class->finalize = parley_transfer_finalize;
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  properties[PROP_REPO] = g_param_spec_string ("repo", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_QUANTISATION] = g_param_spec_string ("quantisation", NULL, NULL, NULL, flags);
  properties[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags);
  properties[PROP_STATE] =
      g_param_spec_uint ("state", NULL, NULL, 0, PARLEY_TRANSFER_CANCELLED, 0, flags);
  properties[PROP_BYTES_DONE] =
      g_param_spec_uint64 ("bytes-done", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_BYTES_TOTAL] =
      g_param_spec_uint64 ("bytes-total", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_RATE] = g_param_spec_double ("rate", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, "", flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
parley_transfer_init (ParleyTransfer *self)
{
  g_mutex_init (&self->mutex);
  self->context = g_main_context_ref_thread_default ();
  self->message = g_strdup ("");
}

ParleyTransfer *
_parley_transfer_new (ParleyJob *job)
{
  ParleyTransfer *self = g_object_new (PARLEY_TYPE_TRANSFER, NULL);
  const ParleySidecar *sidecar = parley_job_get_sidecar (job);
  g_autoptr (ParleyHubFile) file = parley_sidecar_to_file (sidecar);
  self->job = job;
  self->repo = g_strdup (sidecar->repo);
  self->commit = g_strdup (sidecar->commit);
  self->name = g_strdup (parley_hub_file_get_name (file));
  self->quantisation = g_strdup (parley_hub_file_get_quantisation (file));
  self->path = parley_job_dup_path (job, 0);
  self->total = parley_hub_file_get_size (file);
  self->done = parley_job_bytes_on_disk (job);
  self->state = sidecar->paused ? PARLEY_TRANSFER_PAUSED : PARLEY_TRANSFER_QUEUED;
  return self;
}

ParleyJob *
_parley_transfer_get_job (ParleyTransfer *self)
{
  return self->job;
}

gboolean
_parley_transfer_has_thread (ParleyTransfer *self)
{
  return self->thread != NULL;
}

/* ---- state, on the main context ---- */

static void
set_rate (ParleyTransfer *self, double rate)
{
  if (rate == self->rate)
    return;
  self->rate = rate;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RATE]);
}

/* The mean rate since the oldest sample, of at most N_SAMPLES × SAMPLE_INTERVAL ago. */
static void
sample_rate (ParleyTransfer *self)
{
  gint64 now = g_get_monotonic_time ();
  guint n = self->n_samples;
  if (n > 0 && self->done < self->samples[n - 1].done)
    n = self->n_samples = 0; /* began anew */
  if (n == 0 || now - self->samples[n - 1].time >= SAMPLE_INTERVAL) {
    if (n == N_SAMPLES) {
      memmove (self->samples, self->samples + 1, (N_SAMPLES - 1) * sizeof self->samples[0]);
      n--;
    }
    self->samples[n].time = now;
    self->samples[n].done = self->done;
    self->n_samples = n + 1;
  }
  double seconds = (double) (now - self->samples[0].time) / 1e6;
  if (seconds >= 1)
    set_rate (self, (double) (self->done - self->samples[0].done) / seconds);
}

static gboolean
on_tick (gpointer data)
{
  sample_rate (data);
  return G_SOURCE_CONTINUE;
}

static void
set_done (ParleyTransfer *self, guint64 done)
{
  if (done == self->done)
    return;
  self->done = done;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BYTES_DONE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
}

static void
set_message (ParleyTransfer *self, const char *message)
{
  if (strcmp (self->message, message) == 0)
    return;
  g_free (self->message);
  self->message = g_strdup (message);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
}

static void
set_state (ParleyTransfer *self, ParleyTransferState state)
{
  if (state == self->state)
    return;
  self->state = state;
  if (state == PARLEY_TRANSFER_RUNNING && !self->ticker) {
    self->n_samples = 0;
    self->ticker = g_timeout_source_new_seconds (1);
    g_source_set_callback (self->ticker, on_tick, self, NULL);
    g_source_attach (self->ticker, self->context);
  } else if (state != PARLEY_TRANSFER_RUNNING) {
    stop_ticker (self);
    set_rate (self, 0);
  }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

static void
set_error (ParleyTransfer *self, GError *error)
{
  g_clear_error (&self->error);
  self->error = error;
}

static void
discard (ParleyTransfer *self)
{
  GError *error = NULL;
  if (!parley_job_discard (self->job, &error)) {
    set_message (self, error->message);
    set_error (self, error);
    set_state (self, PARLEY_TRANSFER_FAILED);
    return;
  }
  set_message (self, "");
  set_error (self, NULL);
  set_state (self, PARLEY_TRANSFER_CANCELLED);
}

/* Pauses, and writes that down; if it cannot be written it holds for this run. */
static void
settle_paused (ParleyTransfer *self, const char *message)
{
  g_autoptr (GError) error = NULL;
  if (!parley_job_set_paused (self->job, TRUE, &error))
    g_debug ("a pause is not kept across restarts: %s", error->message);
  set_message (self, message);
  set_state (self, PARLEY_TRANSFER_PAUSED);
}

/* The thread is gone; `error` (taken) says how. */
static void
settle (ParleyTransfer *self, GError *error)
{
  g_autofree char *path = parley_job_dup_path (self->job, 0);
  if (strcmp (path, self->path) != 0) {
    g_free (self->path);
    self->path = g_steal_pointer (&path);
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PATH]);
  }
  gboolean cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  if (!error) {
    set_done (self, self->total);
    set_message (self, "");
    set_state (self, PARLEY_TRANSFER_DONE);
  } else if (self->intent == INTENT_CANCEL) {
    discard (self);
  } else if (self->intent == INTENT_PAUSE) {
    settle_paused (self, "");
  } else if (cancelled) {
    set_message (self, self->intent == INTENT_HOLD ? self->hold_message : "");
    set_state (self, PARLEY_TRANSFER_QUEUED);
  } else {
    set_message (self, error->message);
    ParleyTransferState state = g_error_matches (error, PARLEY_HUB_ERROR, PARLEY_HUB_ERROR_SPACE)
                                    ? PARLEY_TRANSFER_PAUSED
                                    : PARLEY_TRANSFER_FAILED;
    set_error (self, g_steal_pointer (&error));
    set_state (self, state);
  }
  g_clear_error (&error);
}

static gboolean
on_news (gpointer data)
{
  ParleyTransfer *self = data;
  g_mutex_lock (&self->mutex);
  News news = self->news;
  self->news.message = g_strdup (news.message);
  self->news.error = NULL;
  self->news.finished = FALSE;
  self->news.published = g_get_monotonic_time ();
  g_clear_pointer (&self->news.source, g_source_unref);
  g_mutex_unlock (&self->mutex);

  g_object_freeze_notify (G_OBJECT (self));
  set_done (self, news.done);
  if (news.finished) {
    g_clear_pointer (&self->thread, g_thread_join);
    settle (self, news.error);
  } else if (self->intent == INTENT_RUN) {
    set_message (self, news.message ? news.message : "");
    set_state (self, news.state);
  }
  g_object_thaw_notify (G_OBJECT (self));
  g_free (news.message);
  return G_SOURCE_REMOVE;
}

/* ---- the working thread ---- */

/* Under the mutex. */
static void
publish (ParleyTransfer *self)
{
  if (self->news.source)
    return;
  self->news.source = g_idle_source_new ();
  g_source_set_priority (self->news.source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->news.source, on_news, g_object_ref (self), g_object_unref);
  g_source_attach (self->news.source, self->context);
}

static void
on_report (ParleyTransferState state, guint64 done, const char *message, gpointer data)
{
  ParleyTransfer *self = data;
  g_mutex_lock (&self->mutex);
  gboolean new_state = state != self->news.state || g_strcmp0 (message, self->news.message) != 0;
  self->news.done = done;
  if (new_state) {
    self->news.state = state;
    g_free (self->news.message);
    self->news.message = g_strdup (message);
  }
  if (new_state || g_get_monotonic_time () - self->news.published >= PUBLISH_INTERVAL)
    publish (self);
  g_mutex_unlock (&self->mutex);
}

static gpointer
work (gpointer data)
{
  ParleyTransfer *self = data;
  GError *error = NULL;
  parley_job_run (self->job, on_report, self, self->recorder, self->recorder_data,
                  self->cancellable, &error);
  g_mutex_lock (&self->mutex);
  self->news.finished = TRUE;
  self->news.error = error;
  publish (self);
  g_mutex_unlock (&self->mutex);
  g_object_unref (self);
  return NULL;
}

void
_parley_transfer_start (ParleyTransfer *self, ParleyDownloadsRecorder recorder,
                        gpointer recorder_data)
{
  g_return_if_fail (!self->thread && self->state == PARLEY_TRANSFER_QUEUED);
  self->recorder = recorder;
  self->recorder_data = recorder_data;
  self->intent = INTENT_RUN;
  set_error (self, NULL);
  g_set_object (&self->cancellable, NULL);
  self->cancellable = g_cancellable_new ();
  self->news.state = PARLEY_TRANSFER_QUEUED;
  self->news.done = self->done;
  self->thread = g_thread_new ("download", work, g_object_ref (self));
  set_state (self, PARLEY_TRANSFER_CHECKING);
}

void
_parley_transfer_stop (ParleyTransfer *self)
{
  if (self->thread) {
    g_cancellable_cancel (self->cancellable);
    g_clear_pointer (&self->thread, g_thread_join);
  }
  g_mutex_lock (&self->mutex);
  GSource *source = g_steal_pointer (&self->news.source);
  gboolean finished = self->news.finished;
  GError *error = g_steal_pointer (&self->news.error);
  self->news.finished = FALSE;
  g_mutex_unlock (&self->mutex);
  if (source)
    g_source_destroy (source);
  if (finished)
    settle (self, error);
  g_clear_pointer (&source, g_source_unref);
  stop_ticker (self);
}

void
_parley_transfer_hold (ParleyTransfer *self, const char *message)
{
  g_free (self->hold_message);
  self->hold_message = g_strdup (message);
  if (self->thread && self->intent == INTENT_RUN) {
    self->intent = INTENT_HOLD;
    g_cancellable_cancel (self->cancellable);
  } else if (!self->thread && self->state == PARLEY_TRANSFER_QUEUED) {
    set_message (self, message);
  }
}

void
_parley_transfer_hurry (ParleyTransfer *self)
{
  if (self->thread && self->state == PARLEY_TRANSFER_WAITING)
    parley_job_hurry (self->job);
}

/* ---- what other programs do ---- */

void
_parley_transfer_fulfil_wish (ParleyTransfer *self)
{
  if (!self->thread || self->intent != INTENT_RUN)
    return;
  switch (parley_job_take_wish (self->job)) {
  case PARLEY_WISH_PAUSE: parley_transfer_pause (self); break;
  case PARLEY_WISH_CANCEL: parley_transfer_cancel (self); break;
  case PARLEY_WISH_NONE:
  default: break;
  }
}

/* The state that it has elsewhere. */
static void
follow (ParleyTransfer *self, ParleyTransferState state)
{
  set_message (self, "");
  set_error (self, NULL);
  set_state (self, state);
}

gboolean
_parley_transfer_look_again (ParleyTransfer *self)
{
  gboolean moved = FALSE;
  if (self->thread ||
      (self->state != PARLEY_TRANSFER_QUEUED && self->state != PARLEY_TRANSFER_PAUSED &&
       self->state != PARLEY_TRANSFER_FAILED))
    return FALSE;
  ParleyJobChange change = parley_job_look_again (self->job, &moved);
  if (change == PARLEY_JOB_FINISHED)
    set_done (self, self->total);
  else if (change != PARLEY_JOB_GONE)
    set_done (self, MAX (self->done, parley_job_bytes_on_disk (self->job)));
  switch (change) {
  case PARLEY_JOB_FINISHED: follow (self, PARLEY_TRANSFER_DONE); break;
  case PARLEY_JOB_GONE: follow (self, PARLEY_TRANSFER_CANCELLED); break;
  case PARLEY_JOB_PAUSED:
    if (self->state == PARLEY_TRANSFER_QUEUED)
      follow (self, PARLEY_TRANSFER_PAUSED);
    break;
  case PARLEY_JOB_RESUMED:
    if (self->state == PARLEY_TRANSFER_PAUSED)
      follow (self, PARLEY_TRANSFER_QUEUED);
    break;
  case PARLEY_JOB_AS_BEFORE:
  default: break;
  }
  return moved;
}

gboolean
parley_transfer_runs_elsewhere (ParleyTransfer *self)
{
  return !self->thread && parley_job_is_elsewhere (self->job);
}

/* ---- what a person does ---- */

void
parley_transfer_pause (ParleyTransfer *self)
{
  g_return_if_fail (PARLEY_IS_TRANSFER (self));
  if (self->thread) {
    self->intent = INTENT_PAUSE;
    g_cancellable_cancel (self->cancellable);
  } else if (self->state == PARLEY_TRANSFER_QUEUED) {
    settle_paused (self, "");
  }
}

void
parley_transfer_resume (ParleyTransfer *self)
{
  g_return_if_fail (PARLEY_IS_TRANSFER (self));
  if (self->thread && self->intent == INTENT_PAUSE) {
    self->intent = INTENT_RUN;
  } else if (self->thread) {
    _parley_transfer_hurry (self);
  } else if (self->state == PARLEY_TRANSFER_PAUSED || self->state == PARLEY_TRANSFER_FAILED) {
    g_autoptr (GError) error = NULL;
    if (!parley_job_set_paused (self->job, FALSE, &error))
      g_debug ("a resumption is not kept across restarts: %s", error->message);
    set_message (self, "");
    set_error (self, NULL);
    set_state (self, PARLEY_TRANSFER_QUEUED);
  }
}

void
parley_transfer_cancel (ParleyTransfer *self)
{
  g_return_if_fail (PARLEY_IS_TRANSFER (self));
  if (self->thread) {
    self->intent = INTENT_CANCEL;
    g_cancellable_cancel (self->cancellable);
  } else if (self->state != PARLEY_TRANSFER_DONE && self->state != PARLEY_TRANSFER_CANCELLED) {
    discard (self);
  }
}

/* ---- getters ---- */

const char *
parley_transfer_get_repo (ParleyTransfer *self)
{
  return self->repo;
}

const char *
parley_transfer_get_commit (ParleyTransfer *self)
{
  return self->commit;
}

const char *
parley_transfer_get_name (ParleyTransfer *self)
{
  return self->name;
}

const char *
parley_transfer_get_quantisation (ParleyTransfer *self)
{
  return self->quantisation;
}

const char *
parley_transfer_get_path (ParleyTransfer *self)
{
  return self->path;
}

ParleyTransferState
parley_transfer_get_state (ParleyTransfer *self)
{
  return self->state;
}

guint64
parley_transfer_get_bytes_done (ParleyTransfer *self)
{
  return self->done;
}

guint64
parley_transfer_get_bytes_total (ParleyTransfer *self)
{
  return self->total;
}

double
parley_transfer_get_fraction (ParleyTransfer *self)
{
  return self->total ? MIN (1.0, (double) self->done / (double) self->total) : 0;
}

double
parley_transfer_get_rate (ParleyTransfer *self)
{
  return self->rate;
}

const char *
parley_transfer_get_message (ParleyTransfer *self)
{
  return self->message;
}

const GError *
parley_transfer_get_error (ParleyTransfer *self)
{
  return self->error;
}

gboolean
parley_transfer_is_active (ParleyTransfer *self)
{
  return self->state <= PARLEY_TRANSFER_WAITING;
}
