/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/load/parley-speed-readout.h"

#include "app/text/parley-format.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>

#define POLL_MS 500

struct _ParleySpeedReadout {
  GtkBox parent;
  ParleyEngine *engine;
  GtkWidget *figure, *basis;
  char *forecast, *forecast_basis;
  double measured;     /* tokens a second; 0: nothing yet */
  guint64 last_tokens; /* at last_time, which is 0 before the first look */
  gint64 last_time;
  guint poll_id;
  guint is_writing : 1; /* tokens came since the first look */
  guint is_asking : 1;
};

G_DEFINE_FINAL_TYPE (ParleySpeedReadout, parley_speed_readout, GTK_TYPE_BOX)

static void
show (ParleySpeedReadout *self)
{
  g_autofree char *measured = parley_format_speed (self->measured);
  const char *speed = self->measured > 0 ? measured : self->forecast;

  gtk_label_set_text (GTK_LABEL (self->figure), speed);
  gtk_widget_set_visible (self->figure, *speed != '\0');
  gtk_label_set_text (GTK_LABEL (self->basis),
                      self->measured > 0 ? _ ("measured just now") : self->forecast_basis);
}

void
parley_speed_readout_restart (ParleySpeedReadout *self)
{
  self->last_time = 0;
  self->is_writing = FALSE;
  self->measured = 0;
  show (self);
}

void
parley_speed_readout_set_forecast (ParleySpeedReadout *self, const char *speed, const char *basis)
{
  g_free (self->forecast);
  g_free (self->forecast_basis);
  self->forecast = g_strdup (speed);
  self->forecast_basis = g_strdup (basis);
  show (self);
}

/* ---- measuring ---- */

/* Whether a reply is written, and all of it in one way. */
static gboolean
is_steady (ParleySpeedReadout *self)
{
  return self->engine != NULL &&
         parley_engine_get_state (self->engine) == PARLEY_ENGINE_ANSWERING &&
         !parley_worker_client_get_placing (parley_engine_get_client (self->engine));
}

/* The first tokens tell only that the prompt was read: when they began is not known. */
static void
take (ParleySpeedReadout *self, guint64 tokens)
{
  gint64 now = g_get_monotonic_time ();
  gboolean more = self->last_time != 0 && tokens > self->last_tokens;

  if (!more && self->is_writing)
    return; /* a slow model: the next token ends the stretch */
  if (more && self->is_writing) {
    self->measured = (double) (tokens - self->last_tokens) /
                     ((double) MAX (now - self->last_time, 1) / G_TIME_SPAN_SECOND);
    show (self);
  }
  self->is_writing = more;
  self->last_tokens = tokens;
  self->last_time = now;
}

static void
counters_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ParleySpeedReadout) self = data;
  ParleyWorkerClient *client = PARLEY_WORKER_CLIENT (source);
  ParleyWorkerCounters counters;

  self->is_asking = FALSE;
  if (parley_worker_client_counters_finish (client, result, &counters, NULL) && is_steady (self) &&
      client == parley_engine_get_client (self->engine))
    take (self, counters.tokens_chosen);
}

static gboolean
poll (gpointer data)
{
  ParleySpeedReadout *self = data;

  if (is_steady (self) && !self->is_asking) {
    self->is_asking = TRUE;
    parley_worker_client_counters_async (parley_engine_get_client (self->engine), NULL,
                                         counters_ready, g_object_ref (self));
  }
  return G_SOURCE_CONTINUE;
}

static void
engine_changed (ParleySpeedReadout *self)
{
  if (!is_steady (self))
    parley_speed_readout_restart (self);
}

static void
let_go (ParleySpeedReadout *self)
{
  if (self->engine == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->engine, self);
  g_signal_handlers_disconnect_by_data (parley_engine_get_client (self->engine), self);
  g_clear_object (&self->engine);
}

void
parley_speed_readout_set_engine (ParleySpeedReadout *self, ParleyEngine *engine)
{
  if (engine == self->engine)
    return;
  let_go (self);
  if (engine != NULL) {
    self->engine = g_object_ref (engine);
    g_signal_connect_swapped (engine, "notify::state", G_CALLBACK (engine_changed), self);
    g_signal_connect_swapped (parley_engine_get_client (engine), "notify::placing",
                              G_CALLBACK (engine_changed), self);
    g_signal_connect_swapped (parley_engine_get_client (engine), "notify::gpu-layers",
                              G_CALLBACK (parley_speed_readout_restart), self);
  }
  parley_speed_readout_restart (self);
}

/* ---- making ---- */

static void
map (GtkWidget *widget)
{
  ParleySpeedReadout *self = PARLEY_SPEED_READOUT (widget);

  GTK_WIDGET_CLASS (parley_speed_readout_parent_class)->map (widget);
  parley_speed_readout_restart (self);
  self->poll_id = g_timeout_add (POLL_MS, poll, self);
}

static void
unmap (GtkWidget *widget)
{
  g_clear_handle_id (&PARLEY_SPEED_READOUT (widget)->poll_id, g_source_remove);
  GTK_WIDGET_CLASS (parley_speed_readout_parent_class)->unmap (widget);
}

static void
dispose (GObject *object)
{
  ParleySpeedReadout *self = PARLEY_SPEED_READOUT (object);

  g_clear_handle_id (&self->poll_id, g_source_remove);
  let_go (self);
  G_OBJECT_CLASS (parley_speed_readout_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  g_free (PARLEY_SPEED_READOUT (object)->forecast);
  g_free (PARLEY_SPEED_READOUT (object)->forecast_basis);
  G_OBJECT_CLASS (parley_speed_readout_parent_class)->finalize (object);
}

static void
parley_speed_readout_class_init (ParleySpeedReadoutClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
  GTK_WIDGET_CLASS (klass)->map = map;
  GTK_WIDGET_CLASS (klass)->unmap = unmap;
}

static void
parley_speed_readout_init (ParleySpeedReadout *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  self->figure = parley_label ("", "speed-figure");
  self->basis = parley_label ("", "caption dim-label");
  gtk_box_append (GTK_BOX (self), self->figure);
  gtk_box_append (GTK_BOX (self), self->basis);
  parley_speed_readout_set_forecast (self, "", "");
}

GtkWidget *
parley_speed_readout_new (void)
{
  return g_object_new (PARLEY_TYPE_SPEED_READOUT, NULL);
}
