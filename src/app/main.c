/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-application.h"
#include "app/desktop/parley-watchdog.h"
#include "parley-config.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <unistd.h>

/* A program that was just built finds its translations beside it; a translator names others. */
static const char *
locale_folder (void)
{
  const char *named = g_getenv ("PARLEY_LOCALE_DIR");
  if (named != NULL)
    return named;
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  return program != NULL && g_str_has_prefix (program, PARLEY_BUILD_ROOT "/") ? PARLEY_BUILD_ROOT
             "/po"
                                                                              : PARLEY_LOCALEDIR;
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain ("parley", locale_folder ());
  bind_textdomain_codeset ("parley", "UTF-8");
  textdomain ("parley");
  g_set_application_name ("Parley");
  parley_watchdog_start ();
  g_autoptr (AdwApplication) application = parley_application_new ();
  int status = g_application_run (G_APPLICATION (application), argc, argv);
  g_auto (GStrv) again =
      g_strdupv (parley_application_get_again (PARLEY_APPLICATION (application)));
  if (again != NULL) {
    g_clear_object (&application);
    execv ("/proc/self/exe", again);
    g_printerr ("parley: cannot start again: %s\n", g_strerror (errno));
    return 1;
  }
  return status;
}
