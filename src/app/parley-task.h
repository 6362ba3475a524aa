/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Long work on files, on a thread of its own: it says how far it is and can be cancelled. The
 * application keeps the tasks under way in a list, which the page of models shows.
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

/* Joins `tasks` (of ParleyTask) until it is over. `title`: for people. `data` is destroyed on the
 * main thread at the end, in any case. */
void parley_task_run (GListStore *tasks, const char *title, ParleyTaskWork work,
                      ParleyTaskDone done, gpointer data, GDestroyNotify destroy);

/* A ParleyProgress, to be called from the work. */
void parley_task_report (guint64 done, guint64 total, gpointer task);

const char *parley_task_get_title (ParleyTask *self);
double parley_task_get_fraction (ParleyTask *self); /* 0 … 1; "fraction" notifies */
void parley_task_cancel (ParleyTask *self);
/* The same at the end of the program: waits for the thread, and `done` is not called any more. */
void parley_task_stop (ParleyTask *self);

G_END_DECLS
