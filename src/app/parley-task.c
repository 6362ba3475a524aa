/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-task.h"

#define LOOK_MS 150 /* between two looks at how far the work is */
#define STOP_S  5   /* that work which was cancelled may take to end */
#define STEPS   10000

struct _ParleyTask {
  GObject parent;
  ParleyTaskPlace place;
  gboolean is_whole; /* cannot be cancelled */
  char *title;
  GListStore *tasks;
  GCancellable *cancellable;
  ParleyTaskWork work;
  ParleyTaskDone done;
  gpointer data;
  GDestroyNotify destroy;
  int step; /* of STEPS, atomic: the thread writes it */
  int shown;
  guint look_id;
  GMutex lock; /* of the next */
  GCond ended;
  gboolean running, stopped;
};

G_DEFINE_FINAL_TYPE (ParleyTask, parley_task, G_TYPE_OBJECT)

enum { PROP_FRACTION = 1, N_PROPS };
static GParamSpec *props[N_PROPS];

ParleyTaskPlace
parley_task_get_place (ParleyTask *self)
{
  return self->place;
}

const char *
parley_task_get_title (ParleyTask *self)
{
  return self->title;
}

double
parley_task_get_fraction (ParleyTask *self)
{
  return (double) self->shown / STEPS;
}

gboolean
parley_task_can_cancel (ParleyTask *self)
{
  return !self->is_whole;
}

void
parley_task_cancel (ParleyTask *self)
{
  if (!self->is_whole)
    g_cancellable_cancel (self->cancellable);
}

void
parley_task_stop (ParleyTask *self)
{
  gint64 end = g_get_monotonic_time () + STOP_S * G_TIME_SPAN_SECOND;

  self->stopped = TRUE;
  parley_task_cancel (self);
  g_mutex_lock (&self->lock);
  while (self->running && g_cond_wait_until (&self->ended, &self->lock, end))
    ;
  g_mutex_unlock (&self->lock);
}

void
parley_task_report (guint64 done, guint64 total, gpointer task)
{
  ParleyTask *self = task;

  if (total > 0)
    g_atomic_int_set (&self->step, (int) ((double) MIN (done, total) / (double) total * STEPS));
}

static gboolean
look (gpointer data)
{
  ParleyTask *self = data;
  int step = g_atomic_int_get (&self->step);

  if (step != self->shown) {
    self->shown = step;
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FRACTION]);
  }
  return G_SOURCE_CONTINUE;
}

static void
run (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  ParleyTask *self = source;
  GError *error = NULL;
  gpointer result = self->work (self, self->data, cancellable, &error);

  g_mutex_lock (&self->lock);
  self->running = FALSE;
  g_cond_signal (&self->ended);
  g_mutex_unlock (&self->lock);
  if (result != NULL)
    g_task_return_pointer (task, result, NULL);
  else
    g_task_return_error (task, error);
}

static void
finished (GObject *source, GAsyncResult *result, gpointer data)
{
  ParleyTask *self = PARLEY_TASK (source);
  g_autoptr (GError) error = NULL;
  gpointer made = g_task_propagate_pointer (G_TASK (result), &error);
  guint position;

  g_clear_handle_id (&self->look_id, g_source_remove);
  if (!self->stopped && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    self->done (made, error, self->data);
  /* Last: a window that only waits for this closes then. */
  if (!self->stopped && g_list_store_find (self->tasks, self, &position))
    g_list_store_remove (self->tasks, position);
  if (self->destroy != NULL)
    self->destroy (self->data);
  self->destroy = NULL;
}

static ParleyTask *
task_new (GListStore *tasks, ParleyTaskPlace place, const char *title)
{
  ParleyTask *self = g_object_new (PARLEY_TYPE_TASK, NULL);

  self->place = place;
  self->title = g_strdup (title);
  self->tasks = g_object_ref (tasks);
  self->cancellable = g_cancellable_new ();
  return self;
}

/* Takes the task. */
static void
start (ParleyTask *task_to_run, ParleyTaskWork work, ParleyTaskDone done, gpointer data,
       GDestroyNotify destroy)
{
  g_autoptr (ParleyTask) self = task_to_run;

  self->work = work;
  self->done = done;
  self->data = data;
  self->destroy = destroy;
  self->running = TRUE;
  self->look_id = g_timeout_add (LOOK_MS, look, self);
  g_list_store_append (self->tasks, self);
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, finished, NULL);
  /* What was made in spite of it is not lost: the work alone says that it was cancelled. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_run_in_thread (task, run);
}

void
parley_task_run (GListStore *tasks, ParleyTaskPlace place, const char *title, ParleyTaskWork work,
                 ParleyTaskDone done, gpointer data, GDestroyNotify destroy)
{
  start (task_new (tasks, place, title), work, done, data, destroy);
}

void
parley_task_run_whole (GListStore *tasks, ParleyTaskPlace place, const char *title,
                       ParleyTaskWork work, ParleyTaskDone done, gpointer data,
                       GDestroyNotify destroy)
{
  ParleyTask *self = task_new (tasks, place, title);

  self->is_whole = TRUE;
  start (self, work, done, data, destroy);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  g_value_set_double (value, parley_task_get_fraction (PARLEY_TASK (object)));
}

static void
finalize (GObject *object)
{
  ParleyTask *self = PARLEY_TASK (object);

  g_clear_handle_id (&self->look_id, g_source_remove);
  g_free (self->title);
  g_clear_object (&self->tasks);
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ended);
  G_OBJECT_CLASS (parley_task_parent_class)->finalize (object);
}

static void
parley_task_class_init (ParleyTaskClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = get_property;
  object_class->finalize = finalize;
  props[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0,
                                              G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
parley_task_init (ParleyTask *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->ended);
}
