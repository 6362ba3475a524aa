/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/widgets/parley-contrast.h"

#include <adwaita.h>

#define SHEET "/io/github/parleychat/Parley/high-contrast.css"

gboolean
parley_contrast_is_high (void)
{
  return adw_style_manager_get_high_contrast (adw_style_manager_get_default ());
}

float
parley_contrast_alpha (float usual)
{
  return parley_contrast_is_high () ? (1 + usual) / 2 : usual;
}

static void
follow (GtkCssProvider *sheet)
{
  GdkDisplay *display = gdk_display_get_default ();

  if (parley_contrast_is_high ())
    gtk_style_context_add_provider_for_display (display, GTK_STYLE_PROVIDER (sheet),
                                                GTK_STYLE_PROVIDER_PRIORITY_APPLICATION + 1);
  else
    gtk_style_context_remove_provider_for_display (display, GTK_STYLE_PROVIDER (sheet));
}

void
parley_contrast_follow (void)
{
  g_autoptr (GtkCssProvider) sheet = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (sheet, SHEET);
  follow (sheet);
  g_signal_connect_data (adw_style_manager_get_default (), "notify::high-contrast",
                         G_CALLBACK (follow), g_object_ref (sheet),
                         (GClosureNotify) (void (*) (void)) g_object_unref, G_CONNECT_SWAPPED);
}

void
parley_contrast_watch (gpointer object, GCallback changed)
{
  AdwStyleManager *manager = adw_style_manager_get_default ();

  g_signal_connect_object (manager, "notify::dark", changed, object, G_CONNECT_SWAPPED);
  g_signal_connect_object (manager, "notify::high-contrast", changed, object, G_CONNECT_SWAPPED);
}

void
parley_contrast_redraw (GtkWidget *widget)
{
  parley_contrast_watch (widget, G_CALLBACK (gtk_widget_queue_draw));
}
