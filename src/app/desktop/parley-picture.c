/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/desktop/parley-picture.h"

static GtkWidget *
topmost (GtkWidget *window)
{
  GListModel *windows = gtk_window_get_toplevels ();
  GtkWidget *top = window;

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) other = g_list_model_get_item (windows, i);
    if (gtk_window_get_transient_for (GTK_WINDOW (other)) == GTK_WINDOW (window) &&
        gtk_widget_get_mapped (other))
      top = other;
  }
  return top;
}

static void
draw (GtkWidget *widget, GtkSnapshot *snapshot, double x, double y)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) x, (float) y));
  gdk_paintable_snapshot (paintable, snapshot, gtk_widget_get_width (widget),
                          gtk_widget_get_height (widget));
  gtk_snapshot_restore (snapshot);
}

/* Popovers have surfaces of their own, placed against that of the window. */
static void
draw_popovers (GtkWidget *widget, GtkSnapshot *snapshot, double x, double y)
{
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    double left = x, top = y, own_x, own_y;
    if (GTK_IS_POPOVER (child)) {
      if (!gtk_widget_get_mapped (child))
        continue;
      GdkPopup *popup = GDK_POPUP (gtk_native_get_surface (GTK_NATIVE (child)));
      gtk_native_get_surface_transform (GTK_NATIVE (child), &own_x, &own_y);
      left += gdk_popup_get_position_x (popup);
      top += gdk_popup_get_position_y (popup);
      draw (child, snapshot, left + own_x, top + own_y);
    }
    draw_popovers (child, snapshot, left, top);
  }
}

gboolean
parley_picture_save (GtkWidget *window, const char *path, GError **error)
{
  GtkWidget *top = topmost (window), *content = gtk_window_get_child (GTK_WINDOW (top));
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  graphene_rect_t area;
  double x, y;

  gtk_native_get_surface_transform (GTK_NATIVE (top), &x, &y);
  draw (top, snapshot, 0, 0);
  draw_popovers (top, snapshot, -x, -y);
  g_autoptr (GskRenderNode) node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL || content == NULL || !gtk_widget_compute_bounds (content, top, &area)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The window is not drawn yet");
    return FALSE;
  }
  g_autoptr (GdkTexture) texture =
      gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (top)), node, &area);
  if (!gdk_texture_save_to_png (texture, path)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Cannot write %s", path);
    return FALSE;
  }
  return TRUE;
}
