/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-model-work.h"

#include "app/compat.h"
#include "app/chats/parley-export-dialog.h"
#include "app/parley-task.h"
#include "app/parley-window.h"
#include "library/export.h"
#include "library/import.h"

#include <glib/gi18n.h>

typedef struct {
  ParleyServices *services;
  GtkWidget *widget;
  ParleyStore *store;
  ParleyModel *model;
  char *path;       /* of a folder or file */
  GPtrArray *chats; /* of ParleyChat that go along, as they were when a file was chosen; or NULL */
} Work;

static Work *
work_new (ParleyServices *services, GtkWidget *widget, ParleyModel *model, const char *path)
{
  Work *work = g_new0 (Work, 1);

  *work = (Work){ .services = services,
                  .widget = g_object_ref (widget),
                  .store = g_object_ref (services->store),
                  .model = g_object_ref (model),
                  .path = g_strdup (path) };
  return work;
}

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->widget);
  g_object_unref (work->store);
  g_object_unref (work->model);
  g_clear_pointer (&work->chats, g_ptr_array_unref);
  g_free (work->path);
  g_free (work);
}

/* Takes `title`. */
static void
start (Work *work, char *title, ParleyTaskWork run, ParleyTaskDone done)
{
  parley_task_run (work->services->tasks, PARLEY_TASK_WITH_MODELS, title, run, done, work,
                   work_free);
  g_free (title);
}

/* ---- verifying ---- */

static gpointer
verify (ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  Work *work = data;

  return parley_verify (work->model, work->store, parley_task_report, task, cancellable, error)
             ? work->model
             : NULL;
}

static void
verified (gpointer result, const GError *error, gpointer data)
{
  Work *work = data;
  g_autofree char *text = g_strdup_printf (_ ("%s was read whole: its bytes are right."),
                                           parley_model_get_name (work->model));

  parley_window_tell (work->widget, result != NULL ? text : error->message);
}

void
parley_model_work_verify (ParleyServices *services, GtkWidget *widget, ParleyModel *model)
{
  /* Translators: the name of a model. */
  char *title = g_strdup_printf (_ ("Verifying %s"), parley_model_get_name (model));
  start (work_new (services, widget, model, NULL), title, verify, verified);
}

/* ---- moving ---- */

static gpointer
move (ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  Work *work = data;

  return parley_relocate (work->model, work->path, work->store, parley_task_report, task,
                          cancellable, error)
             ? work->model
             : NULL;
}

static void
moved (gpointer result, const GError *error, gpointer data)
{
  Work *work = data;
  g_autofree char *folder = g_filename_display_name (work->path);
  g_autofree char *text =
      g_strdup_printf (_ ("%s is in %s now."), parley_model_get_name (work->model), folder);

  parley_window_tell (work->widget, result != NULL ? text : error->message);
  parley_library_refresh (work->services->library);
}

void
parley_model_work_move (ParleyServices *services, GtkWidget *widget, ParleyModel *model,
                        const char *folder)
{
  /* Translators: the name of a model. */
  char *title = g_strdup_printf (_ ("Moving %s"), parley_model_get_name (model));
  start (work_new (services, widget, model, folder), title, move, moved);
}

/* ---- exporting ---- */

static GPtrArray *
write_chats (Work *work, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < work->chats->len; i++) {
    char *text = parley_chat_export_json (work->chats->pdata[i], NULL, cancellable, error);
    if (text == NULL)
      return NULL;
    g_ptr_array_add (texts, text);
  }
  return g_steal_pointer (&texts);
}

static gpointer export(ParleyTask *task, gpointer data, GCancellable *cancellable, GError **error)
{
  Work *work = data;
  g_autoptr (GPtrArray) texts = write_chats (work, cancellable, error);

  return texts != NULL && parley_export (work->model, work->store, texts, work->path, TRUE,
                                         parley_task_report, task, cancellable, error)
             ? work->model
             : NULL;
}

static void
exported (gpointer result, const GError *error, gpointer data)
{
  Work *work = data;
  const char *name = parley_model_get_name (work->model);
  guint n = work->chats->len;
  g_autofree char *text = n == 0 ? g_strdup_printf (_ ("%s was exported."), name)
                                 : g_strdup_printf (ngettext ("%s was exported with %u chat.",
                                                              "%s was exported with %u chats.", n),
                                                    name, n);

  parley_window_tell (work->widget, result != NULL ? text : error->message);
}

static void
file_chosen (GFile *file, gpointer data)
{
  Work *asked = data;
  g_autofree char *path = g_file_get_path (file);

  if (path == NULL) {
    parley_window_tell (asked->widget,
                        _ ("Models can be exported to folders of this computer only."));
    return;
  }
  /* Translators: the name of a model. */
  char *title = g_strdup_printf (_ ("Exporting %s"), parley_model_get_name (asked->model));
  Work *work = work_new (asked->services, asked->widget, asked->model, path);
  work->chats = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < asked->chats->len; i++)
    g_ptr_array_add (work->chats, parley_chat_snapshot (asked->chats->pdata[i]));
  start (work, title, export, exported);
}

static void
chats_chosen (GPtrArray *chats, gpointer data)
{
  Work *asked = data;
  GtkWindow *window = GTK_WINDOW (gtk_widget_get_root (asked->widget));
  g_autofree char *name = g_strconcat (parley_model_get_name (asked->model), ".tar.zst", NULL);
  Work *work = work_new (asked->services, asked->widget, asked->model, NULL);

  work->chats = chats;
  g_strdelimit (name, "/\\\n", '-');
  parley_save_file (window, _ ("Export Model"), name, file_chosen, work, work_free);
}

void
parley_model_work_export (ParleyServices *services, GtkWidget *widget, ParleyModel *model)
{
  parley_export_dialog_present (GTK_WINDOW (gtk_widget_get_root (widget)), services, model,
                                chats_chosen, work_new (services, widget, model, NULL), work_free);
}
