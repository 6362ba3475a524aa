/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-load-panel.h"

#include "app/parley-forecast.h"
#include "app/parley-format.h"
#include "app/parley-load-settings.h"
#include "app/parley-memory-bar.h"
#include "app/parley-speed-curve.h"
#include "app/parley-widgets.h"

#include <glib/gi18n.h>
#include <math.h>

#define MOVE_DELAY_MS 120 /* a drag is one move, not fifty */
#define POLL_MS       500 /* figures, while somebody looks */

/* What a plan takes by itself. */
#define USUAL_CONTEXT 8192
#define USUAL_BATCH   512
#define BY_ITSELF     "auto" /* layers: no number, so the plan counts them */

struct _ParleyLoadPanel {
  GtkBox parent;
  ParleyServices *services;
  ParleyEngine *engine;       /* the one that is shown, or NULL */
  ParleyWorkerClient *client; /* the engine's */
  GtkWidget *words, *scale, *curve, *automatic, *give_back, *busy, *note, *speed, *basis, *bars;
  GtkWidget *settings, *no_gpu, *why_chosen;
  GtkAdjustment *layers;
  gconstpointer drawn; /* the model that the curve is of; only compared */
  char *summary;
  GCancellable *predicting, *sweeping, *choosing;
  guint trained; /* tokens, of the model that settings are chosen for */
  guint64 gpu_bytes;
  guint64 last_rows;
  gint64 last_time;
  guint move_id, poll_id;
  guint showing : 1; /* widgets follow the model, not the person */
  guint firm : 1;    /* the person asked for this model's context: it is not chosen */
  guint asking_memory : 1;
  guint asking_counters : 1;
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
has_gpu (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *model = model_of (self);

  return model != NULL && model->device.id[0] != '\0';
}

/* ---- words ---- */

static void
show_words (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *model = model_of (self);
  guint wanted = (guint) lround (gtk_adjustment_get_value (self->layers));
  guint placed = self->client != NULL ? parley_worker_client_get_gpu_layers (self->client) : 0;
  g_autofree char *text = NULL;
  g_autofree char *summary = NULL;

  if (model == NULL)
    text = g_strdup (_ ("No model is loaded"));
  else if (!has_gpu (self))
    text = g_strdup (_ ("Runs on the processor"));
  else
    text = parley_format_layers (wanted, model->n_layers, self->gpu_bytes);
  summary = model != NULL && has_gpu (self)
                ? parley_format_layers (placed, model->n_layers, self->gpu_bytes)
                : g_strdup (model != NULL ? _ ("Runs on the processor") : "");
  gtk_label_set_text (GTK_LABEL (self->words), text);
  parley_speed_curve_set_position (PARLEY_SPEED_CURVE (self->curve), wanted);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->scale), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                  text, -1);
  if (g_strcmp0 (summary, self->summary) == 0)
    return;
  g_free (self->summary);
  self->summary = g_steal_pointer (&summary);
  g_object_notify (G_OBJECT (self), "summary");
}

/* ---- memory ---- */

static void
use_of (const ParleyDeviceMemory *device, ParleyMemoryUse *use)
{
  guint64 ours = 0;

  *use = (ParleyMemoryUse){ .total = device->total };
  for (guint kind = 0; kind < PE_MEMORY_KIND_COUNT; kind++) {
    guint64 bytes = device->planned[kind];
    if (kind == PE_MEMORY_WEIGHTS)
      use->weights += bytes;
    else if (kind == PE_MEMORY_KV || kind == PE_MEMORY_STATE)
      use->kv += bytes;
    else
      use->work += bytes;
    ours += bytes;
  }
  /* What the system calls taken holds our own memory, except for the file's mapping. */
  guint64 taken = device->total - MIN (device->available, device->total);
  guint64 counted = ours - MIN (device->mapped, ours);
  use->others = taken > counted ? taken - counted : 0;
  if (ours + use->others > device->total && ours <= device->total)
    use->others = device->total - ours; /* page cache gives way */
}

static void
memory_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyLoadPanel) self = data;
  g_autoptr (GArray) devices =
      parley_worker_client_memory_finish (PARLEY_WORKER_CLIENT (source), result, NULL);
  GtkWidget *bar = gtk_widget_get_first_child (self->bars);

  self->asking_memory = FALSE;
  if (devices == NULL || PARLEY_WORKER_CLIENT (source) != self->client)
    return;
  self->gpu_bytes = 0;
  for (guint i = devices->len; i-- > 0;) { /* the GPU first: the slider is about it */
    const ParleyDeviceMemory *device = &g_array_index (devices, ParleyDeviceMemory, i);
    ParleyMemoryUse use;
    use_of (device, &use);
    if (bar == NULL) {
      bar = parley_memory_bar_new ();
      gtk_box_append (GTK_BOX (self->bars), bar);
    }
    parley_memory_bar_set (PARLEY_MEMORY_BAR (bar),
                           device->kind == PE_DEVICE_CPU ? _ ("Main memory") : device->name, &use);
    if (device->kind != PE_DEVICE_CPU)
      self->gpu_bytes += use.weights + use.kv + use.work;
    bar = gtk_widget_get_next_sibling (bar);
  }
  while (bar != NULL) {
    GtkWidget *next = gtk_widget_get_next_sibling (bar);
    gtk_box_remove (GTK_BOX (self->bars), bar);
    bar = next;
  }
  show_words (self);
}

static void
ask_memory (ParleyLoadPanel *self)
{
  if (self->client == NULL || self->asking_memory ||
      parley_worker_client_get_state (self->client) != PARLEY_WORKER_READY)
    return;
  self->asking_memory = TRUE;
  parley_worker_client_memory_async (self->client, NULL, memory_ready, g_object_ref (self));
}

/* ---- speed: what the model does now, not what it was said to do ---- */

static void
counters_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyLoadPanel) self = data;
  ParleyWorkerCounters counters;
  gint64 now = g_get_monotonic_time ();

  self->asking_counters = FALSE;
  if (!parley_worker_client_counters_finish (PARLEY_WORKER_CLIENT (source), result, &counters,
                                             NULL) ||
      PARLEY_WORKER_CLIENT (source) != self->client)
    return;
  if (self->last_time != 0 && now > self->last_time && counters.rows_evaluated > self->last_rows) {
    double rate = (double) (counters.rows_evaluated - self->last_rows) /
                  ((double) (now - self->last_time) / 1e6);
    g_autofree char *text = parley_format_speed (rate);
    gtk_label_set_text (GTK_LABEL (self->speed), text);
    gtk_widget_set_visible (self->speed, TRUE);
    gtk_label_set_text (GTK_LABEL (self->basis), _ ("measured just now"));
  }
  self->last_rows = counters.rows_evaluated;
  self->last_time = now;
}

static gboolean
poll (gpointer data)
{
  ParleyLoadPanel *self = data;

  if (self->client == NULL || parley_worker_client_get_state (self->client) != PARLEY_WORKER_READY)
    return G_SOURCE_CONTINUE;
  if (!self->asking_counters) {
    self->asking_counters = TRUE;
    parley_worker_client_counters_async (self->client, NULL, counters_ready, g_object_ref (self));
  }
  return G_SOURCE_CONTINUE;
}

/* ---- speed: what the plan promises for this position, until there is better ---- */

static void
predicted (gpointer subject, const ParleyForecast *forecast, gpointer data)
{
  ParleyLoadPanel *self = data;

  if (forecast->fit == NULL)
    return;
  gtk_label_set_text (GTK_LABEL (self->speed), forecast->speed);
  gtk_widget_set_visible (self->speed, *forecast->speed != '\0');
  gtk_label_set_text (GTK_LABEL (self->basis), forecast->basis);
}

static void
predict (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *loaded = model_of (self);
  struct pe_plan_request request;

  if (self->predicting != NULL)
    g_cancellable_cancel (self->predicting);
  g_clear_object (&self->predicting);
  if (loaded == NULL || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->predicting = g_cancellable_new ();
  request = loaded->plan;
  request.n_gpu_layers = (int32_t) lround (gtk_adjustment_get_value (self->layers));
  parley_forecast_model (self->services, parley_engine_get_model (self->engine), &request,
                         self->predicting, predicted, g_object_ref (self), g_object_unref);
}

/* The curve over all positions: once for a model, not for each step of the slider. */
static void
swept (gpointer subject, const ParleyForecastSweep *sweep, gpointer data)
{
  ParleyLoadPanel *self = data;

  parley_speed_curve_set (PARLEY_SPEED_CURVE (self->curve), sweep->points, sweep->n, sweep->best);
}

static void
draw_curve (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *loaded = model_of (self);

  if (self->sweeping != NULL)
    g_cancellable_cancel (self->sweeping);
  g_clear_object (&self->sweeping);
  if (loaded == NULL || !has_gpu (self) || !gtk_widget_get_mapped (GTK_WIDGET (self))) {
    parley_speed_curve_set (PARLEY_SPEED_CURVE (self->curve), NULL, 0, 0);
    return;
  }
  self->drawn = loaded;
  self->sweeping = g_cancellable_new ();
  parley_forecast_sweep (self->services, parley_engine_get_model (self->engine), &loaded->plan,
                         self->sweeping, swept, g_object_ref (self), g_object_unref);
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

static gboolean
move_now (gpointer data)
{
  ParleyLoadPanel *self = data;
  guint n = (guint) lround (gtk_adjustment_get_value (self->layers));
  g_autofree char *text = g_strdup_printf ("%u", n);

  self->move_id = 0;
  if (self->client == NULL || !has_gpu (self))
    return G_SOURCE_REMOVE;
  parley_engines_set (self->services->engines, parley_engine_get_model (self->engine), "gpu-layers",
                      text);
  parley_worker_client_place_async (self->client, n, NULL, placed, g_object_ref (self));
  return G_SOURCE_REMOVE;
}

static void
dragged (ParleyLoadPanel *self)
{
  if (self->showing)
    return;
  gtk_widget_set_visible (self->why_chosen, FALSE);
  show_words (self);
  predict (self);
  g_clear_handle_id (&self->move_id, g_source_remove);
  self->move_id = g_timeout_add (MOVE_DELAY_MS, move_now, self);
}

static void
give_back (ParleyLoadPanel *self)
{
  gtk_adjustment_set_value (self->layers, 0);
}

/* ---- the best settings ---- */

static void
choose_number (ParleyLoadPanel *self, ParleyModel *model, const char *key, guint number,
               guint usual)
{
  g_autofree char *text = g_strdup_printf ("%u", number);
  g_autofree char *by_itself = g_strdup_printf ("%u", usual);

  parley_engines_choose (self->services->engines, model, key, text, by_itself);
}

static void
chosen (gpointer subject, const struct pe_plan_request *request, const char *sentence,
        gpointer data)
{
  ParleyLoadPanel *self = data;
  ParleyEngine *engine = parley_engines_find (self->services->engines, subject);

  gtk_label_set_text (GTK_LABEL (self->why_chosen), sentence);
  gtk_widget_set_visible (self->why_chosen, TRUE);
  if (request == NULL || engine == NULL)
    return;
  ParleyEngines *engines = self->services->engines;
  g_autofree char *layers = request->n_gpu_layers < 0
                                ? g_strdup (BY_ITSELF)
                                : g_strdup_printf ("%d", request->n_gpu_layers);
  parley_engines_choose (engines, subject, "gpu-layers", layers, BY_ITSELF);
  choose_number (self, subject, "batch", request->n_batch, USUAL_BATCH);
  if (!self->firm) /* else it is what it was */
    choose_number (self, subject, "context", request->n_ctx,
                   self->trained > 0 ? MIN (self->trained, USUAL_CONTEXT) : USUAL_CONTEXT);
  parley_engines_choose (engines, subject, "kv", request->k_type == PE_TYPE_Q8_0 ? "q8_0" : "f16",
                         "f16");
  parley_engines_reload (self->services->engines, engine);
}

/* What the model holds itself would be free for it. */
static void
held_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleyLoadPanel) self = data;
  g_autoptr (GArray) held =
      parley_worker_client_memory_finish (PARLEY_WORKER_CLIENT (source), result, NULL);
  ParleyModel *model = self->engine != NULL ? parley_engine_get_model (self->engine) : NULL;
  g_autofree char *wish = NULL;
  gboolean own = FALSE;
  guint64 wanted = 0;

  if (model == NULL || PARLEY_WORKER_CLIENT (source) != self->client)
    return;
  wish = parley_engines_get_wish (self->services->engines, model, "context", &own);
  if (wish == NULL || !g_ascii_string_to_unsigned (wish, 10, 256, 1 << 24, &wanted, NULL))
    wanted = 0;
  self->firm = own && wanted > 0;
  g_clear_object (&self->choosing);
  self->choosing = g_cancellable_new ();
  parley_forecast_choose (self->services, model, (guint) wanted, self->firm, held, self->choosing,
                          chosen, g_object_ref (self), g_object_unref);
}

static void
automatic (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *loaded = model_of (self);

  if (self->client == NULL || loaded == NULL)
    return;
  self->trained = loaded->n_ctx_train;
  parley_worker_client_memory_async (self->client, NULL, held_ready, g_object_ref (self));
}

/* ---- following the model ---- */

static void
show (ParleyLoadPanel *self)
{
  const ParleyLoadedModel *model = model_of (self);
  gboolean ready = self->client != NULL && model != NULL &&
                   parley_worker_client_get_state (self->client) == PARLEY_WORKER_READY;
  gboolean gpu = ready && has_gpu (self);

  self->showing = TRUE;
  gtk_adjustment_set_upper (self->layers, model != NULL ? model->n_layers + 1 : 1);
  if (self->move_id == 0)
    gtk_adjustment_set_value (self->layers,
                              gpu ? parley_worker_client_get_gpu_layers (self->client) : 0);
  gtk_widget_set_sensitive (self->scale, gpu);
  gtk_widget_set_sensitive (self->automatic, ready);
  gtk_widget_set_sensitive (self->give_back, gpu);
  gtk_widget_set_visible (self->scale, !ready || gpu);
  gtk_widget_set_visible (self->give_back, !ready || gpu);
  gtk_widget_set_visible (self->no_gpu, ready && !gpu);
  gtk_label_set_text (GTK_LABEL (self->no_gpu), parley_hardware_get_why (self->services->hardware));
  gboolean placing = ready && parley_worker_client_get_placing (self->client);
  gtk_widget_set_visible (self->busy, placing);
  gtk_spinner_set_spinning (GTK_SPINNER (self->busy), placing);
  gtk_widget_set_visible (self->note, ready && *model->note != '\0');
  gtk_label_set_text (GTK_LABEL (self->note), ready ? model->note : "");
  parley_load_settings_update (PARLEY_LOAD_SETTINGS (self->settings));
  self->showing = FALSE;
  show_words (self);
  ask_memory (self);
  if (ready && self->drawn != model)
    draw_curve (self);
}

void
parley_load_panel_set_engine (ParleyLoadPanel *self, ParleyEngine *engine)
{
  ParleyWorkerClient *client = engine != NULL ? parley_engine_get_client (engine) : NULL;

  g_set_object (&self->engine, engine);
  if (client != self->client) {
    if (self->client != NULL)
      g_signal_handlers_disconnect_by_data (self->client, self);
    g_set_object (&self->client, client);
    g_clear_handle_id (&self->move_id, g_source_remove);
    gtk_widget_set_visible (self->why_chosen, FALSE);
    if (self->choosing != NULL)
      g_cancellable_cancel (self->choosing);
    self->gpu_bytes = 0;
    self->last_time = 0;
    self->drawn = NULL;
    parley_box_clear (self->bars);
    gtk_label_set_text (GTK_LABEL (self->speed), "");
    gtk_label_set_text (GTK_LABEL (self->basis), "");
    if (client != NULL)
      g_signal_connect_swapped (client, "notify", G_CALLBACK (show), self);
  }
  parley_load_settings_set_engine (PARLEY_LOAD_SETTINGS (self->settings), engine);
  show (self);
}

/* ---- making ---- */

static void
map (GtkWidget *widget)
{
  ParleyLoadPanel *self = PARLEY_LOAD_PANEL (widget);

  GTK_WIDGET_CLASS (parley_load_panel_parent_class)->map (widget);
  self->last_time = 0;
  draw_curve (self);
  predict (self);
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
  if (self->choosing != NULL)
    g_cancellable_cancel (self->choosing);
  g_clear_object (&self->choosing);
  g_clear_object (&self->client);
  g_clear_object (&self->engine);
  g_clear_pointer (&self->summary, g_free);
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
build_slider (ParleyLoadPanel *self)
{
  GtkWidget *box = parley_box (GTK_ORIENTATION_VERTICAL, 6, NULL);
  GtkWidget *line = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);
  GtkWidget *buttons = parley_box (GTK_ORIENTATION_HORIZONTAL, 8, NULL);

  self->words = parley_label ("", "layers-words numeric");
  gtk_widget_set_hexpand (self->words, TRUE);
  self->busy = gtk_spinner_new ();
  gtk_box_append (GTK_BOX (line), self->words);
  gtk_box_append (GTK_BOX (line), self->busy);
  self->layers = gtk_adjustment_new (0, 0, 1, 1, 4, 0);
  self->scale = gtk_scale_new (GTK_ORIENTATION_HORIZONTAL, self->layers);
  gtk_scale_set_digits (GTK_SCALE (self->scale), 0);
  gtk_range_set_round_digits (GTK_RANGE (self->scale), 0);
  parley_set_accessible_name (self->scale, _ ("Layers on the GPU"));
  g_signal_connect_swapped (self->layers, "value-changed", G_CALLBACK (dragged), self);
  self->automatic = parley_text_button (_ ("Automatic"), NULL);
  self->give_back = parley_text_button (_ ("Give the GPU Back"), NULL);
  g_signal_connect_swapped (self->automatic, "clicked", G_CALLBACK (automatic), self);
  g_signal_connect_swapped (self->give_back, "clicked", G_CALLBACK (give_back), self);
  gtk_box_set_homogeneous (GTK_BOX (buttons), TRUE);
  gtk_box_append (GTK_BOX (buttons), self->automatic);
  gtk_box_append (GTK_BOX (buttons), self->give_back);
  self->why_chosen = parley_label ("", "caption dim-label");
  gtk_widget_set_visible (self->why_chosen, FALSE);
  self->no_gpu = parley_label ("", "caption dim-label");
  self->note = parley_label ("", "notice caption");
  gtk_box_append (GTK_BOX (box), line);
  self->curve = parley_speed_curve_new ();
  gtk_box_append (GTK_BOX (box), self->curve);
  gtk_box_append (GTK_BOX (box), self->scale);
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
  GtkWidget *figures = parley_box (GTK_ORIENTATION_VERTICAL, 0, NULL);

  self->services = services;
  self->speed = parley_label ("", "speed-figure");
  self->basis = parley_label ("", "caption dim-label");
  gtk_box_append (GTK_BOX (figures), self->speed);
  gtk_box_append (GTK_BOX (figures), self->basis);
  self->bars = parley_box (GTK_ORIENTATION_VERTICAL, 14, NULL);
  gtk_box_append (GTK_BOX (self), build_slider (self));
  gtk_box_append (GTK_BOX (self), figures);
  gtk_box_append (GTK_BOX (self), self->bars);
  gtk_box_append (GTK_BOX (self), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  self->settings = parley_load_settings_new (services);
  gtk_box_append (GTK_BOX (self), self->settings);
  show (self);
  return GTK_WIDGET (self);
}
