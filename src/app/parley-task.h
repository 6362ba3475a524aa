/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Long work on files, on a thread of its own: it says how far it is and can be cancelled. The
 * application keeps the tasks under way in a list, of which two places show their own.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_TASK (parley_task_get_type ())
G_DECLARE_FINAL_TYPE (ParleyTask, parley_task, PARLEY, TASK, GObject)

/* On the task's thread. NULL with an error, or what `done` then owns. */
typedef gpointer (*ParleyTaskWork) (ParleyTask *task, gpointer data, GCancellable *cancellable,
                                    GError **error);
/* On the main thread; not called when the task was cancelled or stopped. Exactly one of the first
 * two is not NULL. */
typedef void (*ParleyTaskDone) (gpointer result, const GError *error, gpointer data);

typedef enum {
  PARLEY_TASK_WITH_MODELS, /* on the page of models */
  PARLEY_TASK_WITH_CHATS,  /* below the list of chats */
} ParleyTaskPlace;

/* Joins `tasks` (of ParleyTask) until it is over. `title`: for people. `data` is destroyed on the
 * main thread at the end, in any case. */
void parley_task_run (GListStore *tasks, ParleyTaskPlace place, const char *title,
                      ParleyTaskWork work, ParleyTaskDone done, gpointer data,
                      GDestroyNotify destroy);
/* The same for work that must not be left half done: it cannot be cancelled. */
void parley_task_run_whole (GListStore *tasks, ParleyTaskPlace place, const char *title,
                            ParleyTaskWork work, ParleyTaskDone done, gpointer data,
                            GDestroyNotify destroy);

/* A ParleyProgress, to be called from the work. */
void parley_task_report (guint64 done, guint64 total, gpointer task);

ParleyTaskPlace parley_task_get_place (ParleyTask *self);
const char *parley_task_get_title (ParleyTask *self);
double parley_task_get_fraction (ParleyTask *self); /* 0 … 1; "fraction" notifies */
gboolean parley_task_can_cancel (ParleyTask *self);
void parley_task_cancel (ParleyTask *self); /* does nothing where it cannot */
/* The same at the end of the program: waits for the thread, and `done` is not called any more. */
void parley_task_stop (ParleyTask *self);

G_END_DECLS
