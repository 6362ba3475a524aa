/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/parley-application.h"
#include "parley-config.h"

#include <glib/gi18n.h>
#include <locale.h>

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain ("parley", PARLEY_LOCALEDIR);
  bind_textdomain_codeset ("parley", "UTF-8");
  textdomain ("parley");
  g_set_application_name ("Parley");
  g_autoptr (AdwApplication) application = parley_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
