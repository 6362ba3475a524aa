/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine process. Parley starts it; by hand only `--probe` makes sense.
 */
#include "bridge/parley-device-json.h"
#include "bridge/parley-engine-error.h"
#include "engine/parley-engine.h"
#include "worker/confine.h"
#include "worker/parley-worker-client.h"
#include "worker/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
usage (void)
{
  fputs ("parley-worker is Parley's engine and is started by it.\n"
         "  --probe            print the devices as JSON\n"
         "  --probe --measure  the same with measured rates; how far that is, in per cent, comes\n"
         "                     before it, a line each\n"
         "  --serve            speak D-Bus on descriptor 3\n",
         stderr);
  return 2;
}

/* How far one of several devices is. */
struct measuring {
  FILE *out;
  gsize device, n_devices;
};

static bool
tell_measuring (void *data, uint64_t done, uint64_t total)
{
  const struct measuring *m = data;
  double share = ((double) m->device + (double) done / (double) total) / (double) m->n_devices;
  return fprintf (m->out, "%u\n", (guint) (100 * share)) > 0 && fflush (m->out) == 0;
}

/* Only the answer goes to standard output, whatever drivers print. */
static int
probe (gboolean measure)
{
  int out = dup (STDOUT_FILENO);
  if (out < 0 || dup2 (STDERR_FILENO, STDOUT_FILENO) < 0) {
    fprintf (stderr, "parley-worker: no standard output: %s\n", strerror (errno));
    return 1;
  }
  struct pe_device_info devices[PE_MAX_DEVICES];
  char why[256] = "";
  gsize n = pe_devices_list (devices, PE_MAX_DEVICES, false, why);
  FILE *stream = fdopen (out, "w");
  struct measuring measuring = { stream, 0, n };
  const struct pe_progress progress = { tell_measuring, &measuring };
  for (; stream && measure && measuring.device < n; measuring.device++) {
    struct pe_device_info *device = &devices[measuring.device];
    struct pe_error error;
    if (!pe_device_measure (device, &error) ||
        !pe_rates_measure (&devices[0], device, &progress, &error))
      fprintf (stderr, "parley-worker: %s: %s\n", device->name, error.message);
  }
  g_autofree char *text = parley_devices_to_json (devices, n, why);
  gboolean ok = stream && fprintf (stream, "%s\n", text) > 0 && fclose (stream) == 0;
  return ok ? 0 : 1;
}

int
main (int argc, char **argv)
{
  gboolean wants_probe = FALSE, wants_measure = FALSE, wants_serve = FALSE;
  for (int i = 1; i < argc; i++) {
    if (g_str_equal (argv[i], "--probe"))
      wants_probe = TRUE;
    else if (g_str_equal (argv[i], "--measure"))
      wants_measure = TRUE;
    else if (g_str_equal (argv[i], "--serve"))
      wants_serve = TRUE;
    else
      return usage ();
  }
  if (wants_probe == wants_serve || (wants_measure && !wants_probe))
    return usage ();
  if (wants_probe)
    return probe (wants_measure);

  char confinement[96];
  worker_set_limits ();
  worker_confine (confinement, sizeof confinement);
  (void) PARLEY_ENGINE_ERROR; /* known to GDBus before the first error goes out */
  (void) PARLEY_WORKER_ERROR;
  return worker_serve (confinement);
}
