/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/parley-forecast.h"

#include "app/text/parley-format.h"
#include "engine/parley-engine.h"
#include "fit/history.h"

#include <glib/gi18n.h>

typedef struct {
  struct pe_device_info devices[PE_MAX_DEVICES];
  gsize n_devices;
  struct pe_plan_request request;
  ParleyModel *model; /* with: */
  GArray *runs;       /* or: */
  GListModel *files;
  ParleyHubFile *chosen;
  GBytes *header;
  guint64 file_bytes;
  guint best; /* of a sweep */
  ParleyForecastReady ready;
  gpointer data;
  GDestroyNotify destroy;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_object (&job->model);
  g_clear_pointer (&job->runs, g_array_unref);
  g_clear_object (&job->files);
  g_clear_object (&job->chosen);
  g_clear_pointer (&job->header, g_bytes_unref);
  if (job->destroy != NULL)
    job->destroy (job->data);
  g_free (job);
}

static Job *
job_new (ParleyServices *services, ParleyForecastReady ready, gpointer data, GDestroyNotify destroy)
{
  Job *job = g_new0 (Job, 1);

  job->n_devices = parley_hardware_get_plan_devices (services->hardware, job->devices);
  pe_plan_request_init (&job->request);
  job->ready = ready;
  job->data = data;
  job->destroy = destroy;
  return job;
}

/* ---- words ---- */

static ParleyShownVerdict
shown (ParleyFitVerdict verdict)
{
  switch (verdict) {
  case PARLEY_FIT_ON_GPU: return PARLEY_SHOWN_FITS;
  case PARLEY_FIT_PARTLY: return PARLEY_SHOWN_PARTLY;
  case PARLEY_FIT_IN_RAM: return PARLEY_SHOWN_RAM;
  default: return PARLEY_SHOWN_TOO_BIG;
  }
}

static void
tell (Job *job, gpointer subject, ParleyFit *fit, const GError *error)
{
  ParleyForecast forecast = { .fit = fit };

  if (fit == NULL) {
    forecast.verdict = PARLEY_SHOWN_UNKNOWN;
    forecast.speed = g_strdup ("");
    forecast.why = g_strdup (error->message);
  } else {
    g_autofree char *speed = parley_format_speed (parley_fit_get_speed (fit));
    forecast.verdict = shown (parley_fit_get_verdict (fit));
    forecast.words = parley_fit_verdict_words (parley_fit_get_verdict (fit));
    forecast.speed = *speed != '\0' ? g_strdup_printf ("≈ %s", speed) : g_strdup ("");
    g_autofree char *load = parley_fit_describe_load (fit);
    forecast.basis = g_strdup_printf ("%s%s%s", parley_fit_get_basis (fit),
                                      load != NULL ? "\n" : "", load != NULL ? load : "");
    forecast.why = g_strdup_printf ("%s\n%s", parley_fit_get_sentence (fit), forecast.basis);
  }
  job->ready (subject, &forecast, job->data);
  g_free (forecast.speed);
  g_free (forecast.basis);
  g_free (forecast.why);
}

ParleyForecast *
parley_forecast_copy (const ParleyForecast *forecast)
{
  ParleyForecast *copy = g_new0 (ParleyForecast, 1);

  *copy = *forecast;
  if (copy->fit != NULL)
    parley_fit_ref (copy->fit);
  copy->speed = g_strdup (forecast->speed);
  copy->basis = g_strdup (forecast->basis);
  copy->why = g_strdup (forecast->why);
  return copy;
}

void
parley_forecast_free (ParleyForecast *copy)
{
  if (copy == NULL)
    return;
  g_clear_pointer (&copy->fit, parley_fit_unref);
  g_free (copy->speed);
  g_free (copy->basis);
  g_free (copy->why);
  g_free (copy);
}

/* ---- a model on disk ---- */

/* On a worker thread: the header, and what earlier replies say. */
static ParleyFitModel *
open_model (Job *job, ParleySpeedHistory *history, GError **error)
{
  ParleyFitModel *model = parley_fit_model_open (parley_model_get_path (job->model), error);

  if (model != NULL)
    parley_fit_model_recall (model, job->runs, job->devices, job->n_devices, history);
  return model;
}

static void
set_model (Job *job, ParleyServices *services, ParleyModel *model)
{
  job->model = g_object_ref (model);
  job->runs = parley_store_list_runs (services->store, parley_model_get_id (model));
}

static void
fit_model (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Job *job = task_data;
  GError *error = NULL;
  ParleySpeedHistory history;
  g_autoptr (ParleyFitModel) model = open_model (job, &history, &error);
  ParleyFit *fit = NULL;

  if (model != NULL)
    fit = parley_fit_model_plan (model, &job->request, job->devices, job->n_devices, &history,
                                 &error);
  if (fit == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, fit, (GDestroyNotify) parley_fit_unref);
}

static void
model_fitted (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyFit) fit = g_task_propagate_pointer (G_TASK (result), &error);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tell (job, job->model, fit, error);
}

/* What the model holds while it is loaded would be free for another way of loading it. */
static void
count_as_free (Job *job, ParleyServices *services, GArray *held)
{
  for (gsize d = 0; held != NULL && d < job->n_devices; d++)
    for (guint i = 0; i < held->len; i++) {
      const ParleyDeviceMemory *now = &g_array_index (held, ParleyDeviceMemory, i);
      struct pe_device_info *device = &job->devices[d];
      guint64 own = 0;
      if (!g_str_equal (now->id, device->id))
        continue;
      for (guint kind = 0; kind < PE_MEMORY_KIND_COUNT; kind++)
        own += now->allocated[kind];
      own -= MIN (own, now->mapped);
      device->memory_available = MIN (now->available + own, device->memory_total);
      device->memory_margin = 0;
      pe_budget_apply (device, parley_hardware_get_budgets (services->hardware));
    }
}

void
parley_forecast_model (ParleyServices *services, ParleyModel *model,
                       const struct pe_plan_request *request, GArray *held,
                       GCancellable *cancellable, ParleyForecastReady ready, gpointer data,
                       GDestroyNotify destroy)
{
  Job *job = job_new (services, ready, data, destroy);
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, model_fitted, NULL);

  set_model (job, services, model);
  count_as_free (job, services, held);
  if (request != NULL)
    job->request = *request;
  else
    parley_engines_get_request (services->engines, model, &job->request);
  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, fit_model);
}

/* Of a structure that begins with its job and owns nothing else. */
static void
around_job_free (gpointer data)
{
  job_free (*(Job **) data);
  g_free (data);
}

/* ---- all positions of the slider ---- */

typedef struct {
  Job *job;
  ParleyForecastSwept swept;
} Sweep;

static void
sweep_model (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Job *job = ((Sweep *) task_data)->job;
  GError *error = NULL;
  ParleySpeedHistory history;
  g_autoptr (ParleyFitModel) model = open_model (job, &history, &error);
  GArray *points = NULL;

  if (model != NULL)
    points = parley_fit_model_sweep (model, &job->request, job->devices, job->n_devices, &history,
                                     &job->best);
  if (points != NULL)
    g_task_return_pointer (task, points, (GDestroyNotify) g_array_unref);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_array_new (FALSE, TRUE, sizeof (ParleyFitPoint)),
                           (GDestroyNotify) g_array_unref);
}

static void
model_swept (GObject *source, GAsyncResult *result, gpointer data)
{
  Sweep *sweep = g_task_get_task_data (G_TASK (result));
  g_autoptr (GArray) points = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autoptr (GArray) curve = g_array_new (FALSE, TRUE, sizeof (ParleyCurvePoint));

  if (points == NULL)
    return;
  for (guint i = 0; i < points->len; i++) {
    const ParleyFitPoint *point = &g_array_index (points, ParleyFitPoint, i);
    const ParleyCurvePoint shown = { point->speed.generation, point->fits };
    g_array_append_val (curve, shown);
  }
  const ParleyForecastSweep outcome = { (const ParleyCurvePoint *) (gpointer) curve->data,
                                        curve->len, sweep->job->best };
  sweep->swept (sweep->job->model, &outcome, sweep->job->data);
}

void
parley_forecast_sweep (ParleyServices *services, ParleyModel *model,
                       const struct pe_plan_request *request, GCancellable *cancellable,
                       ParleyForecastSwept swept, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, model_swept, NULL);
  Sweep *sweep = g_new0 (Sweep, 1);

  sweep->job = job_new (services, NULL, data, destroy);
  sweep->swept = swept;
  set_model (sweep->job, services, model);
  sweep->job->request = *request;
  g_task_set_task_data (task, sweep, around_job_free);
  g_task_run_in_thread (task, sweep_model);
}

/* ---- the best settings ---- */

typedef struct {
  Job *job;
  guint wanted; /* tokens of context */
  gboolean firm, found;
  char *sentence;
  ParleyForecastChosen chosen;
} Choice;

static void
choice_free (gpointer data)
{
  Choice *choice = data;

  job_free (choice->job);
  g_free (choice->sentence);
  g_free (choice);
}

/* Counts of layers that the plan would come to by itself are left to it: it follows the memory. */
static void
choose (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Choice *choice = task_data;
  Job *job = choice->job;
  GError *error = NULL;
  ParleySpeedHistory history;
  g_autoptr (ParleyFitModel) model = open_model (job, &history, &error);
  struct pe_plan_request by_itself;

  if (model == NULL) {
    g_task_return_error (task, error);
    return;
  }
  guint trained = parley_fit_model_get_trained_context (model);
  if (!choice->firm && trained > 0)
    choice->wanted = MIN (choice->wanted, trained);
  choice->found = parley_fit_model_auto (model, choice->wanted, job->devices, job->n_devices,
                                         &history, &job->request, &choice->sentence);
  if (!choice->found && !choice->firm && choice->wanted > 0) {
    g_free (choice->sentence);
    choice->found = parley_fit_model_auto (model, 0, job->devices, job->n_devices, &history,
                                           &job->request, &choice->sentence);
  }
  by_itself = job->request;
  by_itself.n_gpu_layers = PE_GPU_LAYERS_AUTO;
  by_itself.n_cpu_experts = 0;
  g_autoptr (ParleyFit) fit =
      parley_fit_model_plan (model, &by_itself, job->devices, job->n_devices, NULL, NULL);
  if (fit != NULL && (gint32) parley_fit_get_gpu_layers (fit) == job->request.n_gpu_layers &&
      parley_fit_get_request (fit)->n_cpu_experts == job->request.n_cpu_experts) {
    job->request.n_gpu_layers = PE_GPU_LAYERS_AUTO;
    job->request.n_cpu_experts = 0;
  }
  g_task_return_boolean (task, TRUE);
}

static void
chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  Choice *choice = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    choice->chosen (choice->job->model, choice->found ? &choice->job->request : NULL,
                    choice->sentence, choice->job->data);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    choice->chosen (choice->job->model, NULL, error->message, choice->job->data);
}

void
parley_forecast_choose (ParleyServices *services, ParleyModel *model, guint wanted, gboolean firm,
                        GArray *held, GCancellable *cancellable, ParleyForecastChosen ready,
                        gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, chosen, NULL);
  Choice *choice = g_new0 (Choice, 1);
  Job *job = choice->job = job_new (services, NULL, data, destroy);

  choice->wanted = wanted;
  choice->firm = firm;
  choice->chosen = ready;
  set_model (job, services, model);
  count_as_free (job, services, held);
  g_task_set_task_data (task, choice, choice_free);
  g_task_run_in_thread (task, choose);
}

/* ---- the largest that fits ---- */

typedef struct {
  Job *job;
  guint context, trained, layers;
  ParleyForecastLimits ready;
} Limits;

static void
find_limits (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Limits *limits = task_data;
  Job *job = limits->job;
  GError *error = NULL;
  g_autoptr (ParleyFitModel) model =
      parley_fit_model_open (parley_model_get_path (job->model), &error);

  if (model == NULL) {
    g_task_return_error (task, error);
    return;
  }
  limits->trained = parley_fit_model_get_trained_context (model);
  limits->context =
      parley_fit_model_largest_context (model, &job->request, job->devices, job->n_devices);
  limits->layers =
      parley_fit_model_largest_layers (model, &job->request, job->devices, job->n_devices);
  g_task_return_boolean (task, TRUE);
}

static void
limits_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Limits *limits = g_task_get_task_data (G_TASK (result));

  if (g_task_propagate_boolean (G_TASK (result), NULL))
    limits->ready (limits->job->model, limits->context, limits->trained, limits->layers,
                   limits->job->data);
}

void
parley_forecast_limits (ParleyServices *services, ParleyModel *model,
                        const struct pe_plan_request *request, GArray *held,
                        GCancellable *cancellable, ParleyForecastLimits ready, gpointer data,
                        GDestroyNotify destroy)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, limits_found, NULL);
  Limits *limits = g_new0 (Limits, 1);

  limits->job = job_new (services, NULL, data, destroy);
  limits->ready = ready;
  limits->job->model = g_object_ref (model);
  limits->job->request = *request;
  count_as_free (limits->job, services, held);
  g_task_set_task_data (task, limits, around_job_free);
  g_task_run_in_thread (task, find_limits);
}

/* ---- files of a repository ---- */

static void
fit_header (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Job *job = task_data;
  GError *error = NULL;
  ParleyFit *fit =
      parley_fit_for_header (job->header, job->file_bytes, parley_hub_file_get_name (job->chosen),
                             &job->request, job->devices, job->n_devices, &error);

  if (fit == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, fit, (GDestroyNotify) parley_fit_unref);
}

static void
tell_files (Job *job, ParleyFit *fit, const GError *error)
{
  for (guint i = 0; i < g_list_model_get_n_items (job->files); i++) {
    g_autoptr (ParleyHubFile) file = g_list_model_get_item (job->files, i);
    g_autoptr (ParleyFit) scaled = NULL;
    /* Of a split model it is an estimate itself. */
    if (fit != NULL && (file != job->chosen || parley_hub_file_get_n_parts (file) > 1))
      scaled = parley_fit_scale (fit, parley_hub_file_get_size (file));
    tell (job, file, scaled != NULL ? scaled : fit, error);
  }
}

static void
header_fitted (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (ParleyFit) fit = g_task_propagate_pointer (G_TASK (result), &error);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tell_files (job, fit, error);
}

static void
header_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Job *job = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  job->header = parley_hub_outline_finish (PARLEY_HUB (source), result, &job->file_bytes, &error);
  if (job->header != NULL) {
    g_task_run_in_thread (task, fit_header);
  } else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
parley_forecast_files (ParleyServices *services, GListModel *files, ParleyHubFile *chosen,
                       GCancellable *cancellable, ParleyForecastReady ready, gpointer data,
                       GDestroyNotify destroy)
{
  Job *job = job_new (services, ready, data, destroy);
  GTask *task = g_task_new (NULL, cancellable, header_fitted, NULL);

  job->files = g_object_ref (files);
  job->chosen = g_object_ref (chosen);
  g_task_set_task_data (task, job, job_free);
  parley_hub_outline_async (services->hub, chosen, cancellable, header_ready, task);
}
