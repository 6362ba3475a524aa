/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a model would do on this computer, in words for the pages. The figures come from the plan
 * that the loader follows; they are made on worker threads.
 */
#pragma once

#include "app/parley-services.h"
#include "app/load/parley-speed-curve.h"
#include "app/models/parley-verdict.h"
#include "fit/parley-fit.h"
#include "worker/parley-worker-client.h"

G_BEGIN_DECLS

typedef struct {
  ParleyFit *fit; /* NULL: it could not be made, see `why` */
  ParleyShownVerdict verdict;
  const char *words; /* "Fits on the GPU" */
  char *speed;       /* "≈ 14 tokens/s", or "" */
  char *basis;       /* where the speed comes from, and how soon it is loaded; NULL with no fit */
  char *why;         /* the verdict with its figures, and where the speed comes from */
} ParleyForecast;

ParleyForecast *parley_forecast_copy (const ParleyForecast *forecast);
void parley_forecast_free (ParleyForecast *copy); /* NULL is fine */

/* Called on the main thread, unless cancelled; the forecast lives for the call. `subject` is the
 * ParleyModel or ParleyHubFile. */
typedef void (*ParleyForecastReady) (gpointer subject, const ParleyForecast *forecast,
                                     gpointer data);

/* A model on disk, loaded as `request` says (NULL: as it would be). `held`: of ParleyDeviceMemory,
 * what the model holds while it is loaded, or NULL; it would be free then. Called once; then
 * `destroy`, also when cancelled. */
void parley_forecast_model (ParleyServices *services, ParleyModel *model,
                            const struct pe_plan_request *request, GArray *held,
                            GCancellable *cancellable, ParleyForecastReady ready, gpointer data,
                            GDestroyNotify destroy);

/* Speeds over all positions of the layer slider. */
typedef struct {
  const ParleyCurvePoint *points; /* position 0 first */
  guint n, best;
} ParleyForecastSweep;
typedef void (*ParleyForecastSwept) (gpointer subject, const ParleyForecastSweep *sweep,
                                     gpointer data);

/* Called once on the main thread, unless cancelled or the file cannot be read; then `destroy`. */
void parley_forecast_sweep (ParleyServices *services, ParleyModel *model,
                            const struct pe_plan_request *request, GCancellable *cancellable,
                            ParleyForecastSwept swept, gpointer data, GDestroyNotify destroy);

/* The best settings for a model here, as parley_fit_model_auto() finds them; NULL: nothing fits.
 * A count of layers is there only where it differs from what a plan comes to by itself. The
 * sentence says what was chosen and why. */
typedef void (*ParleyForecastChosen) (gpointer subject, const struct pe_plan_request *request,
                                      const char *sentence, gpointer data);

/* `wanted`: the context that shall be, or 0; `firm`: none else will do. `held` as above. Called
 * once on the main thread, unless cancelled; then `destroy`. */
void parley_forecast_choose (ParleyServices *services, ParleyModel *model, guint wanted,
                             gboolean firm, GArray *held, GCancellable *cancellable,
                             ParleyForecastChosen ready, gpointer data, GDestroyNotify destroy);

/* The largest context with which a model fits that is placed as `request` says, of at most
 * `trained` tokens, and the most layers that fit on the GPU with the request's context; 0: none.
 * `held` as above. Called once on the main thread, unless cancelled or the file cannot be read. */
typedef void (*ParleyForecastLimits) (gpointer subject, guint context, guint trained, guint layers,
                                      gpointer data);
void parley_forecast_limits (ParleyServices *services, ParleyModel *model,
                             const struct pe_plan_request *request, GArray *held,
                             GCancellable *cancellable, ParleyForecastLimits ready, gpointer data,
                             GDestroyNotify destroy);

/* The files of a repository: exact for `chosen`, whose header is fetched, approximate for its
 * siblings. Called once for each file; then `destroy`, also when cancelled. */
void parley_forecast_files (ParleyServices *services, GListModel *files, ParleyHubFile *chosen,
                            GCancellable *cancellable, ParleyForecastReady ready, gpointer data,
                            GDestroyNotify destroy);

G_END_DECLS
