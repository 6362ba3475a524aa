/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-load-panel.h"

#include "app/models/parley-forecast.h"
#include "app/text/parley-format.h"
#include "app/load/parley-best-settings.h"
#include "app/load/parley-layer-slider.h"
#include "app/load/parley-load-settings.h"
#include "app/load/parley-memory-bars.h"
#include "app/load/parley-speed-readout.h"
#include "app/widgets/parley-widgets.h"
#include "app/widgets/parley-wrap-layout.h"

#include <glib/gi18n.h>

#define MOVE_DELAY_MS 120  /* a drag is one move, not fifty */
#define POLL_MS       1500 /* memory, while somebody looks: drivers take their time */

struct _ParleyLoadPanel {
  GtkBox parent;
  ParleyServices *services;
  ParleyModel *model;         /* the one that is shown, or NULL */
  ParleyEngine *engine;       /* what it is loaded by, or NULL */
  ParleyWorkerClient *client; /* the engine's */
  GtkWidget *slider, *automatic, *give_back, *note, *speed, *bars;
  GtkWidget *settings, *no_gpu, *why_chosen;
  gconstpointer drawn;             /* the loaded model that the curve is of; only compared */
  char *summary, *outlook;         /* outlook: the forecast in a sentence */
  struct pe_plan_request foreseen; /* with the defaults filled in */
  guint n_foreseen;                /* layers of the forecast's model; 0: there is none yet */
  guint n_expert_layers;
  gconstpointer limited; /* the loaded model that the limits were asked for, */
  guint limited_layers;  /* placed like this */
  GCancellable *predicting, *sweeping, *choosing, *limiting;
  guint move_id, poll_id;
  guint was_planned : 1; /* as last seen */
  guint asking_memory : 1;
};

G_DEFINE_FINAL_TYPE (ParleyLoadPanel, parley_load_panel, GTK_TYPE_BOX)

enum { PROP_0, PROP_SUMMARY };

const char *
parley_load_panel_get_summary (ParleyLoadPanel *self)
{
  return self->summary;
}

static const ParleyLoadedModel *
model_of (ParleyLoadPanel *self)
{
  return self->client != NULL ? parley_worker_client_get_model (self->client) : NULL;
}

static gboolean
is_ready (ParleyLoadPanel *self)
{
  return model_of (self) != NULL &&
         parley_worker_client_get_state (self->client) == PARLEY_WORKER_READY;
}

/* Nothing of it is in memory, or will be unless somebody says so: what is shown is a forecast. */
static gboolean
is_planned (ParleyLoadPanel *self)
{
  return self->model != NULL &&
         (self->engine == NULL || parley_engine_get_state (self->engine) == PARLEY_ENGINE_FAILED);
}

static gboolean
has_gpu (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *model = model_of (self);
  struct pe_device_info devices[PE_MAX_DEVICES];

  if (is_planned (self))
    return parley_hardware_get_plan_devices (self->services->hardware, devices) > 1;
  return model != NULL && model->device.id[0] != '\0';
}

static guint
n_layers (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *model = model_of (self);

  return is_planned (self) ? self->n_foreseen : model != NULL ? model->n_layers : 0;
}

static guint
wanted_layers (ParleyLoadPanel *self)
{
  return parley_layer_slider_get_value (PARLEY_LAYER_SLIDER (self->slider));
}

/* How the model would be loaded if that were done now. */
static void
get_request (ParleyLoadPanel *self, struct pe_plan_request *request)
{
  if (is_ready (self)) {
    *request = model_of (self)->plan;
    parley_load_settings_apply (PARLEY_LOAD_SETTINGS (self->settings), request);
  } else
    parley_engines_get_request (self->services->engines, self->model, request);
  if (is_ready (self) || self->move_id != 0)
    request->n_gpu_layers = (int32_t) wanted_layers (self);
}

/* Whether the bars show what will be, and not what is. */
static gboolean
looks_ahead (ParleyLoadPanel *self)
{
  return !is_ready (self) || self->move_id != 0 ||
         parley_worker_client_get_placing (self->client) ||
         parley_load_settings_has_changes (PARLEY_LOAD_SETTINGS (self->settings));
}

/* ---- words ---- */

static void
show_words (ParleyLoadPanel *self)
{
  gboolean loaded = model_of (self) != NULL && !is_planned (self);
  guint wanted = wanted_layers (self);
  guint64 bytes = parley_memory_bars_get_gpu_bytes (PARLEY_MEMORY_BARS (self->bars));
  g_autofree char *text = NULL;
  g_autofree char *summary = NULL;

  if (self->model == NULL)
    text = g_strdup (_ ("No model is loaded"));
  else if (!is_planned (self) && !is_ready (self)) /* why nothing can be set now */
    text = parley_responder_dup_message (parley_engine_get_responder (self->engine));
  else if (n_layers (self) == 0)
    text = g_strdup ("");
  else if (!has_gpu (self))
    text = g_strdup (_ ("Runs on the processor"));
  else
    text = parley_format_layers (wanted, n_layers (self), bytes);
  if (!loaded)
    summary = g_strdup ("");
  else if (has_gpu (self))
    summary = parley_format_layers (parley_worker_client_get_gpu_layers (self->client),
                                    n_layers (self), bytes);
  else
    summary = g_strdup (_ ("Runs on the processor"));
  parley_layer_slider_set_words (PARLEY_LAYER_SLIDER (self->slider), text != NULL ? text : "");
  if (g_strcmp0 (summary, self->summary) == 0)
    return;
  g_free (self->summary);
  self->summary = g_steal_pointer (&summary);
  g_object_notify (G_OBJECT (self), "summary");
}

/* ---- memory ---- */

static void
limits_found (gpointer subject, guint context, guint trained, guint layers, gpointer data)
{
  ParleyLoadPanel *self = data;
  g_autofree char *tokens = parley_format_tokens (context);
  g_autofree char *text = NULL;

  if (!is_ready (self))
    return;
  if (context == 0)
    text = g_strdup (_ ("No context fits that leaves others their share of the memory."));
  else if (has_gpu (self))
    text = g_strdup_printf (_ ("At most %s fit, and with the present context at most %u of %u "
                               "layers on the GPU."),
                            tokens, layers, n_layers (self) + 1);
  else if (trained > 0 && context + 256 > trained)
    text = g_strdup_printf (_ ("All %s that the model was made for fit."), tokens);
  else
    text = g_strdup_printf (_ ("At most %s fit."), tokens);
  parley_load_settings_set_limits (PARLEY_LOAD_SETTINGS (self->settings), text);
}

/* Once for each placement: what the model holds counts as free. */
static void
ask_limits (ParleyLoadPanel *self, GArray *held)
{
  const ParleyLoadedModel *loaded = model_of (self);
  guint layers = parley_worker_client_get_gpu_layers (self->client);
  struct pe_plan_request request;

  if (!is_ready (self) || (self->limited == loaded && self->limited_layers == layers))
    return;
  self->limited = loaded;
  self->limited_layers = layers;
  if (self->limiting != NULL)
    g_cancellable_cancel (self->limiting);
  g_clear_object (&self->limiting);
  self->limiting = g_cancellable_new ();
  request = loaded->plan;
  request.n_gpu_layers = (gint32) layers;
  parley_forecast_limits (self->services, self->model, &request, held, self->limiting, limits_found,
                          g_object_ref (self), g_object_unref);
}

static void
memory_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyLoadPanel) self = data;
  g_autoptr (GArray) devices =
      parley_worker_client_memory_finish (PARLEY_WORKER_CLIENT (source), result, NULL);

  self->asking_memory = FALSE;
  if (devices == NULL || PARLEY_WORKER_CLIENT (source) != self->client || looks_ahead (self))
    return;
  parley_memory_bars_set_live (PARLEY_MEMORY_BARS (self->bars), devices);
  show_words (self);
  ask_limits (self, devices);
}

static void
ask_memory (ParleyLoadPanel *self)
{
  if (self->asking_memory || looks_ahead (self))
    return;
  self->asking_memory = TRUE;
  parley_worker_client_memory_async (self->client, NULL, memory_ready, g_object_ref (self));
}

static gboolean
poll (gpointer data)
{
  ask_memory (data);
  return G_SOURCE_CONTINUE;
}

/* ---- what the plan promises for these settings ---- */

static void show (ParleyLoadPanel *self);

static void
predicted (gpointer subject, const ParleyForecast *forecast, gpointer data)
{
  ParleyLoadPanel *self = data;
  ParleySpeedReadout *speed = PARLEY_SPEED_READOUT (self->speed);

  g_free (self->outlook);
  if (forecast->fit == NULL || parley_fit_get_n_layers (forecast->fit) == 0) {
    self->outlook = g_strdup (forecast->why);
    parley_speed_readout_set_forecast (speed, "", "");
  } else {
    self->outlook = g_strdup (parley_fit_get_sentence (forecast->fit));
    self->n_foreseen = parley_fit_get_n_layers (forecast->fit);
    self->foreseen = *parley_fit_get_request (forecast->fit);
    self->n_expert_layers = parley_fit_get_n_experts (forecast->fit) > 0 ? self->n_foreseen : 0;
    parley_speed_readout_set_forecast (speed, forecast->speed, forecast->basis);
    if (looks_ahead (self))
      parley_memory_bars_set_forecast (PARLEY_MEMORY_BARS (self->bars), forecast->fit);
  }
  show (self);
}

static void
predict (ParleyLoadPanel *self)
{
  struct pe_plan_request request;

  if (self->predicting != NULL)
    g_cancellable_cancel (self->predicting);
  g_clear_object (&self->predicting);
  if (!(is_ready (self) || is_planned (self)) || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->predicting = g_cancellable_new ();
  get_request (self, &request);
  parley_forecast_model (self->services, self->model, &request, NULL, self->predicting, predicted,
                         g_object_ref (self), g_object_unref);
}

/* The curve over all positions: once for a model and its settings, not for each step. */
static void
swept (gpointer subject, const ParleyForecastSweep *sweep, gpointer data)
{
  ParleyLoadPanel *self = data;
  gboolean known = FALSE;

  for (guint i = 0; i < sweep->n; i++)
    known |= sweep->points[i].speed > 0;
  parley_layer_slider_set_curve (PARLEY_LAYER_SLIDER (self->slider), sweep->points,
                                 known ? sweep->n : 0, sweep->best);
}

static void
draw_curve (ParleyLoadPanel *self)
{
  struct pe_plan_request request;

  if (self->sweeping != NULL)
    g_cancellable_cancel (self->sweeping);
  g_clear_object (&self->sweeping);
  if (!(is_ready (self) || is_planned (self)) || !has_gpu (self) ||
      !gtk_widget_get_mapped (GTK_WIDGET (self))) {
    parley_layer_slider_set_curve (PARLEY_LAYER_SLIDER (self->slider), NULL, 0, 0);
    return;
  }
  self->drawn = model_of (self);
  self->sweeping = g_cancellable_new ();
  get_request (self, &request);
  parley_forecast_sweep (self->services, self->model, &request, self->sweeping, swept,
                         g_object_ref (self), g_object_unref);
}

static void
look_ahead (ParleyLoadPanel *self)
{
  predict (self);
  draw_curve (self);
}

static void
setting_changed (ParleyLoadPanel *self)
{
  gtk_widget_set_visible (self->why_chosen, FALSE);
  look_ahead (self);
}

/* The devices may have been asked only now. */
static void
hardware_changed (ParleyLoadPanel *self)
{
  if (is_planned (self))
    look_ahead (self);
}

/* ---- moving ---- */

static void
placed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyLoadPanel) self = data;
  g_autoptr (GError) error = NULL;

  if (!parley_worker_client_place_finish (PARLEY_WORKER_CLIENT (source), result, &error) &&
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
  ask_memory (self);
}

static void
move_now (ParleyLoadPanel *self)
{
  guint n = wanted_layers (self);
  g_autofree char *text = g_strdup_printf ("%u", n);

  g_clear_handle_id (&self->move_id, g_source_remove);
  if (self->model == NULL || !has_gpu (self))
    return;
  parley_engines_set (self->services->engines, self->model, "gpu-layers", text);
  if (is_ready (self))
    parley_worker_client_place_async (self->client, n, NULL, placed, g_object_ref (self));
}

static gboolean
move_due (gpointer data)
{
  ParleyLoadPanel *self = data;

  self->move_id = 0;
  move_now (self);
  return G_SOURCE_REMOVE;
}

static void
moved (ParleyLoadPanel *self)
{
  gtk_widget_set_visible (self->why_chosen, FALSE);
  g_clear_handle_id (&self->move_id, g_source_remove);
  if (is_ready (self))
    self->move_id = g_timeout_add (MOVE_DELAY_MS, move_due, self);
  else { /* nothing moves yet, and a load may be asked for in the next moment */
    self->foreseen.n_gpu_layers = (gint32) wanted_layers (self);
    move_now (self);
  }
  gtk_widget_set_sensitive (self->give_back, wanted_layers (self) > 0);
  parley_speed_readout_restart (PARLEY_SPEED_READOUT (self->speed));
  show_words (self);
  predict (self);
}

static void
give_back (ParleyLoadPanel *self)
{
  parley_layer_slider_set_value (PARLEY_LAYER_SLIDER (self->slider), 0);
  moved (self);
}

/* ---- the best settings ---- */

static void
best_taken (const char *sentence, gpointer data)
{
  ParleyLoadPanel *self = data;

  gtk_label_set_text (GTK_LABEL (self->why_chosen), sentence);
  gtk_widget_set_visible (self->why_chosen, TRUE);
  g_clear_object (&self->choosing);
  if (is_planned (self))
    look_ahead (self);
}

static void
stop_choosing (ParleyLoadPanel *self)
{
  if (self->choosing != NULL)
    g_cancellable_cancel (self->choosing);
  g_clear_object (&self->choosing);
}

static void
automatic (ParleyLoadPanel *self)
{
  if (!is_ready (self) && !is_planned (self))
    return;
  stop_choosing (self); /* pressed twice: one answer, and one load */
  self->choosing = g_cancellable_new ();
  parley_best_settings_take (self->services, self->model, self->choosing, best_taken,
                             g_object_ref (self), g_object_unref);
}

/* ---- following the model ---- */

static void
show_settings (ParleyLoadPanel *self)
{
  ParleyLoadSettings *settings = PARLEY_LOAD_SETTINGS (self->settings);
  const struct pe_plan_request *plan = NULL;

  if (is_ready (self))
    plan = &model_of (self)->plan;
  else if (is_planned (self) && self->n_foreseen > 0)
    plan = &self->foreseen;
  parley_load_settings_set_model (settings, self->model, is_planned (self) ? NULL : self->engine);
  parley_load_settings_show (settings, plan, self->n_expert_layers);
}

static void
show (ParleyLoadPanel *self)
{
  gboolean ready = is_ready (self), planned = is_planned (self), gpu = has_gpu (self);
  gboolean known = ready || (planned && self->n_foreseen > 0);
  guint placed = ready ? parley_worker_client_get_gpu_layers (self->client)
                       : (guint) MAX (self->foreseen.n_gpu_layers, 0);
  const char *note = ready ? model_of (self)->note : planned ? self->outlook : NULL;

  ParleyLayerSlider *slider = PARLEY_LAYER_SLIDER (self->slider);

  parley_layer_slider_set_most (slider, n_layers (self) + 1);
  if (self->move_id == 0)
    parley_layer_slider_set_value (slider, known && gpu ? placed : 0);
  parley_layer_slider_set_usable (slider, known && gpu, !known || gpu);
  parley_layer_slider_set_busy (slider, ready && parley_worker_client_get_placing (self->client));
  gtk_widget_set_sensitive (self->automatic, known);
  gtk_widget_set_sensitive (self->give_back, known && gpu && wanted_layers (self) > 0);
  gtk_widget_set_visible (self->give_back, !known || gpu);
  gtk_widget_set_visible (self->no_gpu, known && !gpu);
  gtk_label_set_text (GTK_LABEL (self->no_gpu), parley_hardware_get_why (self->services->hardware));
  gtk_widget_set_visible (self->note, note != NULL && *note != '\0');
  gtk_label_set_text (GTK_LABEL (self->note), note != NULL ? note : "");
  show_settings (self);
  show_words (self);
  ask_memory (self);
}

/* Another model, or the same loaded anew. */
static void
start_over (ParleyLoadPanel *self)
{
  gtk_widget_set_visible (self->why_chosen, FALSE);
  stop_choosing (self);
  self->drawn = self->limited = NULL;
  if (self->limiting != NULL)
    g_cancellable_cancel (self->limiting);
  parley_load_settings_set_limits (PARLEY_LOAD_SETTINGS (self->settings), "");
  self->n_foreseen = self->n_expert_layers = 0;
  g_clear_pointer (&self->outlook, g_free);
  parley_memory_bars_clear (PARLEY_MEMORY_BARS (self->bars));
  parley_speed_readout_set_forecast (PARLEY_SPEED_READOUT (self->speed), "", "");
}

static void
follow (ParleyLoadPanel *self)
{
  show (self);
  if (is_ready (self) && self->drawn != model_of (self))
    look_ahead (self);
}

void
parley_load_panel_set_model (ParleyLoadPanel *self, ParleyModel *model, ParleyEngine *engine)
{
  ParleyWorkerClient *client = engine != NULL ? parley_engine_get_client (engine) : NULL;

  /* What the person set last is still on its way to the model that it is for. */
  if (self->move_id != 0 && (model != self->model || client != self->client))
    move_now (self);
  gboolean another = g_set_object (&self->model, model), was_planned = self->was_planned;

  g_set_object (&self->engine, engine);
  if (client != self->client) {
    if (self->client != NULL)
      g_signal_handlers_disconnect_by_data (self->client, self);
    g_set_object (&self->client, client);
    if (client != NULL)
      g_signal_connect_swapped (client, "notify", G_CALLBACK (follow), self);
    another = TRUE;
  }
  self->was_planned = is_planned (self);
  parley_speed_readout_set_engine (PARLEY_SPEED_READOUT (self->speed), engine);
  if (another || was_planned != self->was_planned) {
    start_over (self);
    look_ahead (self);
  }
  follow (self);
}

/* ---- making ---- */

static void
map (GtkWidget *widget)
{
  ParleyLoadPanel *self = PARLEY_LOAD_PANEL (widget);

  GTK_WIDGET_CLASS (parley_load_panel_parent_class)->map (widget);
  if (is_planned (self))
    parley_hardware_refresh_memory (self->services->hardware);
  look_ahead (self);
  self->poll_id = g_timeout_add (POLL_MS, poll, self);
  ask_memory (self);
}

static void
unmap (GtkWidget *widget)
{
  g_clear_handle_id (&PARLEY_LOAD_PANEL (widget)->poll_id, g_source_remove);
  GTK_WIDGET_CLASS (parley_load_panel_parent_class)->unmap (widget);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SUMMARY)
    g_value_set_string (value, PARLEY_LOAD_PANEL (object)->summary);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
dispose (GObject *object)
{
  ParleyLoadPanel *self = PARLEY_LOAD_PANEL (object);

  g_clear_handle_id (&self->move_id, g_source_remove);
  g_clear_handle_id (&self->poll_id, g_source_remove);
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  if (self->predicting != NULL)
    g_cancellable_cancel (self->predicting);
  g_clear_object (&self->predicting);
  if (self->sweeping != NULL)
    g_cancellable_cancel (self->sweeping);
  g_clear_object (&self->sweeping);
  stop_choosing (self);
  if (self->limiting != NULL)
    g_cancellable_cancel (self->limiting);
  g_clear_object (&self->limiting);
  g_clear_object (&self->client);
  g_clear_object (&self->engine);
  g_clear_object (&self->model);
  g_clear_pointer (&self->summary, g_free);
  g_clear_pointer (&self->outlook, g_free);
  G_OBJECT_CLASS (parley_load_panel_parent_class)->dispose (object);
}

static void
parley_load_panel_class_init (ParleyLoadPanelClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->get_property = get_property;
  GTK_WIDGET_CLASS (klass)->map = map;
  GTK_WIDGET_CLASS (klass)->unmap = unmap;
  g_object_class_install_property (
      G_OBJECT_CLASS (klass), PROP_SUMMARY,
      g_param_spec_string ("summary", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
parley_load_panel_init (ParleyLoadPanel *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 14);
  gtk_widget_add_css_class (GTK_WIDGET (self), "load-panel");
}

static GtkWidget *
build_residency (ParleyLoadPanel *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);
  GtkWidget *buttons = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  self->slider = parley_layer_slider_new ();
  g_signal_connect_swapped (self->slider, "moved", G_CALLBACK (moved), self);
  self->automatic = parley_text_button (_ ("Automatic"), NULL);
  self->give_back = parley_text_button (_ ("Give the GPU Back"), NULL);
  g_signal_connect_swapped (self->automatic, "clicked", G_CALLBACK (automatic), self);
  g_signal_connect_swapped (self->give_back, "clicked", G_CALLBACK (give_back), self);
  /* In a narrow window, or with large letters, they stand below each other. */
  gtk_widget_set_layout_manager (buttons, parley_wrap_layout_new (8, 8));
  gtk_box_append (GTK_BOX (buttons), self->automatic);
  gtk_box_append (GTK_BOX (buttons), self->give_back);
  self->why_chosen = parley_label ("", "caption dim-label");
  gtk_widget_set_visible (self->why_chosen, FALSE);
  self->no_gpu = parley_label ("", "caption dim-label");
  self->note = parley_label ("", "notice caption");
  gtk_box_append (GTK_BOX (box), self->slider);
  gtk_box_append (GTK_BOX (box), buttons);
  gtk_box_append (GTK_BOX (box), self->why_chosen);
  gtk_box_append (GTK_BOX (box), self->no_gpu);
  gtk_box_append (GTK_BOX (box), self->note);
  return box;
}

GtkWidget *
parley_load_panel_new (ParleyServices *services)
{
  ParleyLoadPanel *self = g_object_new (PARLEY_TYPE_LOAD_PANEL, NULL);

  self->services = services;
  self->speed = parley_speed_readout_new ();
  self->bars = parley_memory_bars_new ();
  self->settings = parley_load_settings_new (services);
  g_signal_connect_swapped (self->settings, "changed", G_CALLBACK (setting_changed), self);
  g_signal_connect_object (services->hardware, "changed", G_CALLBACK (hardware_changed), self,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (self), build_residency (self));
  gtk_box_append (GTK_BOX (self), self->speed);
  gtk_box_append (GTK_BOX (self), self->bars);
  gtk_box_append (GTK_BOX (self), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  gtk_box_append (GTK_BOX (self), self->settings);
  show (self);
  return GTK_WIDGET (self);
}
