/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/widgets/parley-wrap-layout.h"

struct _ParleyWrapLayout {
  GtkLayoutManager parent;
  int spacing, line_spacing;
};

G_DEFINE_FINAL_TYPE (ParleyWrapLayout, parley_wrap_layout, GTK_TYPE_LAYOUT_MANAGER)

/* The next child that takes up room, from `child` on. */
static GtkWidget *
laid_out (GtkWidget *child)
{
  while (child != NULL && !gtk_widget_should_layout (child))
    child = gtk_widget_get_next_sibling (child);
  return child;
}

/* One line: from *child on as many as fit into `width`. Moves *child on; returns the height. With
 * `place`, allocates them at `y`. */
static int
lay_line (ParleyWrapLayout *self, GtkWidget **child, int width, gboolean place, int y)
{
  GtkWidget *first = *child, *next = first;
  gboolean backwards = gtk_widget_get_direction (first) == GTK_TEXT_DIR_RTL;
  int x = 0, height = 0;

  while (next != NULL) {
    int wanted, tall;
    gtk_widget_measure (next, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &wanted, NULL, NULL);
    wanted = MIN (wanted, width);
    if (next != first && x + wanted > width)
      break;
    gtk_widget_measure (next, GTK_ORIENTATION_VERTICAL, wanted, NULL, &tall, NULL, NULL);
    height = MAX (height, tall);
    x += wanted + self->spacing;
    next = laid_out (gtk_widget_get_next_sibling (next));
  }
  x = 0;
  for (GtkWidget *c = first; place && c != next; c = laid_out (gtk_widget_get_next_sibling (c))) {
    int wanted;
    gtk_widget_measure (c, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &wanted, NULL, NULL);
    wanted = MIN (wanted, width);
    gtk_widget_size_allocate (
        c, &(GtkAllocation){ backwards ? width - x - wanted : x, y, wanted, height }, -1);
    x += wanted + self->spacing;
  }
  *child = next;
  return height;
}

static GtkSizeRequestMode
get_request_mode (GtkLayoutManager *layout, GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
measure_widths (ParleyWrapLayout *self, GtkWidget *widget, int *minimum, int *natural)
{
  GtkWidget *child = laid_out (gtk_widget_get_first_child (widget));

  for (; child != NULL; child = laid_out (gtk_widget_get_next_sibling (child))) {
    int least, wanted;
    gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &least, &wanted, NULL, NULL);
    *minimum = MAX (*minimum, least);
    *natural += wanted + (*natural > 0 ? self->spacing : 0);
  }
}

static void
measure (GtkLayoutManager *layout, GtkWidget *widget, GtkOrientation orientation, int for_size,
         int *minimum, int *natural, int *minimum_baseline, int *natural_baseline)
{
  ParleyWrapLayout *self = PARLEY_WRAP_LAYOUT (layout);

  *minimum = *natural = 0;
  if (orientation == GTK_ORIENTATION_HORIZONTAL) {
    measure_widths (self, widget, minimum, natural);
    return;
  }
  GtkWidget *child = laid_out (gtk_widget_get_first_child (widget));
  for (gboolean again = FALSE; child != NULL; again = TRUE)
    *natural += (again ? self->line_spacing : 0) +
                lay_line (self, &child, for_size < 0 ? G_MAXINT / 2 : for_size, FALSE, 0);
  *minimum = *natural;
}

static void
allocate (GtkLayoutManager *layout, GtkWidget *widget, int width, int height, int baseline)
{
  ParleyWrapLayout *self = PARLEY_WRAP_LAYOUT (layout);
  GtkWidget *child = laid_out (gtk_widget_get_first_child (widget));

  for (int y = 0; child != NULL;)
    y += lay_line (self, &child, width, TRUE, y) + self->line_spacing;
}

static void
parley_wrap_layout_class_init (ParleyWrapLayoutClass *klass)
{
  GtkLayoutManagerClass *layout_class = GTK_LAYOUT_MANAGER_CLASS (klass);

  layout_class->get_request_mode = get_request_mode;
  layout_class->measure = measure;
  layout_class->allocate = allocate;
}

static void
parley_wrap_layout_init (ParleyWrapLayout *self)
{
}

GtkLayoutManager *
parley_wrap_layout_new (int spacing, int line_spacing)
{
  ParleyWrapLayout *self = g_object_new (PARLEY_TYPE_WRAP_LAYOUT, NULL);

  self->spacing = spacing;
  self->line_spacing = line_spacing;
  return GTK_LAYOUT_MANAGER (self);
}
