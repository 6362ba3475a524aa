/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/desktop/parley-watchdog.h"

#include <stdlib.h>
#include <time.h>

#define FRAME_US  16667
#define MAX_FRAME 65536

static struct {
  gboolean on;
  gint64 woken;      /* when the last poll returned; 0: not yet */
  gint64 frame;      /* number of the present frame */
  double busy;       /* ms in it */
  double drawing;    /* ms of these that the toolkit took to lay out and to draw */
  gint64 laying_out; /* when that began; 0: it does not go on */
  gint64 sizing;     /* when the toolkit began to ask for the size of what the window holds */
  double sized;      /* ms of that since the last part of the frame */
  gulong sizing_hook;
  double drawn;   /* ms of it since the loop woke */
  double longest; /* ms, one iteration */
  /* The same in the processor time of this thread, which other programs take nothing of. */
  double cpu_woken, cpu_busy, cpu_drawing, cpu_laying_out, cpu_sizing, cpu_sized, cpu_drawn,
      cpu_longest;
  double first_drawn;
  float frames[MAX_FRAME]; /* ms of work in each frame that had any */
  float own[MAX_FRAME];    /* the same without the toolkit's layout and drawing */
  float cpu[MAX_FRAME];    /* and that in processor time */
  guint n_frames;
} state;

static double
cpu_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static void
end_frame (void)
{
  if (state.busy > 0.02 && state.n_frames < MAX_FRAME) {
    state.own[state.n_frames] = (float) MAX (0, state.busy - state.drawing);
    state.cpu[state.n_frames] = (float) MAX (0, state.cpu_busy - state.cpu_drawing);
    state.frames[state.n_frames++] = (float) state.busy;
  }
  state.busy = state.drawing = state.cpu_busy = state.cpu_drawing = 0;
}

/* From here to the end of the last poll the loop was busy. */
static int
timed_poll (GPollFD *fds, guint n, int timeout)
{
  gint64 now = g_get_monotonic_time ();

  if (state.woken != 0) {
    double busy = (double) (now - state.woken) / 1000, cpu = cpu_ms () - state.cpu_woken;
    if (now / FRAME_US != state.frame) {
      end_frame ();
      state.frame = now / FRAME_US;
    }
    state.busy += busy;
    state.cpu_busy += cpu;
    state.drawing += state.drawn;
    state.cpu_drawing += state.cpu_drawn;
    state.drawn = state.cpu_drawn = 0;
    state.longest = MAX (state.longest, busy);
    state.cpu_longest = MAX (state.cpu_longest, cpu);
  }
  int result = g_poll (fds, n, timeout);
  state.woken = g_get_monotonic_time ();
  state.cpu_woken = cpu_ms ();
  return result;
}

void
parley_watchdog_start (void)
{
  state.on = g_getenv ("PARLEY_WATCHDOG") != NULL;
  if (state.on)
    g_main_context_set_poll_func (NULL, timed_poll);
}

static double
ms_since (gint64 us)
{
  return (double) (g_get_monotonic_time () - us) / 1000;
}

/* The toolkit lays all of the window out to know how small it may be: with X11 in the same part of
 * the frame in which we set its text. */
static gboolean
begin_sizing (GSignalInvocationHint *hint, guint n, const GValue *values, gpointer data)
{
  state.sizing = g_get_monotonic_time ();
  state.cpu_sizing = cpu_ms ();
  return TRUE;
}

static void
end_sizing (GdkToplevel *toplevel, gpointer size, gpointer data)
{
  state.sized += ms_since (state.sizing);
  state.cpu_sized += cpu_ms () - state.cpu_sizing;
}

/* What follows is the toolkit's: layout and drawing. Begins a frame, and again after what is done
 * for animations and each frame's text, which not every frame has. */
static void
toolkit_next (GdkFrameClock *clock, gpointer data)
{
  state.drawn += state.sized;
  state.cpu_drawn += state.cpu_sized;
  state.sized = state.cpu_sized = 0;
  state.laying_out = g_get_monotonic_time ();
  state.cpu_laying_out = cpu_ms ();
}

static void
drawn (GdkFrameClock *clock, gpointer data)
{
  if (state.laying_out != 0) {
    state.drawn += ms_since (state.laying_out);
    state.cpu_drawn += cpu_ms () - state.cpu_laying_out;
  }
  state.laying_out = 0;
  state.sized = state.cpu_sized = 0; /* those of the layout are in it */
  /* $PARLEY_WATCHDOG: the monotonic time in microseconds when the program was started. */
  gint64 started = g_ascii_strtoll (g_getenv ("PARLEY_WATCHDOG"), NULL, 10);

  if (state.first_drawn == 0)
    state.first_drawn = (double) (g_get_monotonic_time () - started) / 1000;
}

static void
realized (GtkWidget *window, gpointer data)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);

  g_signal_connect_after (clock, "before-paint", G_CALLBACK (toolkit_next), NULL);
  g_signal_connect_after (clock, "update", G_CALLBACK (toolkit_next), NULL);
  g_signal_connect_after (clock, "after-paint", G_CALLBACK (drawn), NULL);
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (window));
  if (state.sizing_hook == 0)
    state.sizing_hook = g_signal_add_emission_hook (
        g_signal_lookup ("compute-size", GDK_TYPE_TOPLEVEL), 0, begin_sizing, NULL, NULL);
  g_signal_connect_after (surface, "compute-size", G_CALLBACK (end_sizing), NULL);
}

void
parley_watchdog_watch (GtkWindow *window)
{
  if (state.on)
    g_signal_connect (window, "realize", G_CALLBACK (realized), NULL);
}

static int
compare (const void *a, const void *b)
{
  return *(const float *) a < *(const float *) b ? -1 : *(const float *) a > *(const float *) b;
}

char *
parley_watchdog_report (void)
{
  if (!state.on)
    return g_strdup ("{}");
  qsort (state.frames, state.n_frames, sizeof state.frames[0], compare);
  qsort (state.own, state.n_frames, sizeof state.own[0], compare);
  qsort (state.cpu, state.n_frames, sizeof state.cpu[0], compare);
  guint n = state.n_frames;
  guint high = (guint) (n * 0.99);
  float *f = state.frames, *own = state.own, *cpu = state.cpu;
  char *report = g_strdup_printf (
      "{\"first_drawn\": %.1f, \"frames\": %u, \"median\": %.3f, \"p99\": %.3f, "
      "\"own_median\": %.3f, \"own_p99\": %.3f, \"cpu_median\": %.3f, \"cpu_p99\": %.3f, "
      "\"longest\": %.2f, \"cpu_longest\": %.2f}",
      state.first_drawn, n, n > 0 ? (double) f[n / 2] : 0.0, n > 0 ? (double) f[high] : 0.0,
      n > 0 ? (double) own[n / 2] : 0.0, n > 0 ? (double) own[high] : 0.0,
      n > 0 ? (double) cpu[n / 2] : 0.0, n > 0 ? (double) cpu[high] : 0.0, state.longest,
      state.cpu_longest);
  state.n_frames = 0;
  state.longest = state.cpu_longest = 0;
  return report;
}
