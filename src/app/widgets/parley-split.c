/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/widgets/parley-split.h"

#define FOLD_WIDTH    700
#define MIN_SIDEBAR   260
#define MAX_SIDEBAR   320
#define SIDEBAR_SHARE 0.26
#define ANIMATION_MS  220
#define PARALLAX      0.25

struct _ParleySplit {
  GtkWidget parent;
  GtkWidget *sidebar, *content;
  AdwAnimation *animation;
  double shown; /* 0 sidebar hidden … 1 shown */
  guint folded : 1;
  guint show_wide : 1;   /* what a person chose while there was room */
  guint show_folded : 1; /* which page of the folded layout */
  guint notify_id;
};

G_DEFINE_FINAL_TYPE (ParleySplit, parley_split, GTK_TYPE_WIDGET)

enum { PROP_0, PROP_FOLDED, PROP_SHOW_SIDEBAR, N_PROPS };
static GParamSpec *props[N_PROPS];

gboolean
parley_split_get_folded (ParleySplit *self)
{
  return self->folded;
}

gboolean
parley_split_get_show_sidebar (ParleySplit *self)
{
  return self->folded ? self->show_folded : self->show_wide;
}

static void
set_shown (double value, gpointer data)
{
  ParleySplit *self = data;

  self->shown = value;
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

void
parley_split_set_show_sidebar (ParleySplit *self, gboolean show)
{
  if (parley_split_get_show_sidebar (self) == !!show)
    return;
  if (self->folded)
    self->show_folded = !!show;
  else
    self->show_wide = !!show;
  adw_timed_animation_set_value_from (ADW_TIMED_ANIMATION (self->animation), self->shown);
  adw_timed_animation_set_value_to (ADW_TIMED_ANIMATION (self->animation), show ? 1 : 0);
  adw_animation_play (self->animation);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_SIDEBAR]);
}

gboolean
parley_split_get_show_beside (ParleySplit *self)
{
  return self->show_wide;
}

void
parley_split_restore (ParleySplit *self, gboolean beside, gboolean folded)
{
  self->show_wide = !!beside;
  self->show_folded = !!folded;
  set_shown (parley_split_get_show_sidebar (self) ? 1 : 0, self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_SIDEBAR]);
}

static gboolean
notify_folded (gpointer data)
{
  ParleySplit *self = data;

  self->notify_id = 0;
  g_object_freeze_notify (G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FOLDED]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_SIDEBAR]);
  g_object_thaw_notify (G_OBJECT (self));
  return G_SOURCE_REMOVE;
}

/* Layout may not change properties that others lay themselves out by; they hear of it after. */
static void
fold (ParleySplit *self, gboolean folded)
{
  self->folded = folded;
  adw_animation_skip (self->animation);
  self->shown = parley_split_get_show_sidebar (self) ? 1 : 0;
  if (folded)
    gtk_widget_add_css_class (GTK_WIDGET (self), "folded");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "folded");
  if (self->notify_id == 0)
    self->notify_id = g_idle_add_full (GTK_PRIORITY_RESIZE - 5, notify_folded, self, NULL);
}

static void
measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
         int *minimum_baseline, int *natural_baseline)
{
  ParleySplit *self = PARLEY_SPLIT (widget);
  int min_a, min_b, nat_a, nat_b;

  gtk_widget_measure (self->sidebar, orientation, -1, &min_a, &nat_a, NULL, NULL);
  gtk_widget_measure (self->content, orientation, -1, &min_b, &nat_b, NULL, NULL);
  *minimum = MAX (min_a, min_b);
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? MAX (nat_a, MIN_SIDEBAR) + nat_b
                                                       : MAX (nat_a, nat_b);
}

static void
place (GtkWidget *parent, GtkWidget *child, int x, int width, int height)
{
  graphene_point_t offset;

  if (gtk_widget_get_direction (parent) == GTK_TEXT_DIR_RTL)
    x = gtk_widget_get_width (parent) - x - width;
  graphene_point_init (&offset, (float) x, 0);
  gtk_widget_allocate (child, width, height, -1, gsk_transform_translate (NULL, &offset));
}

static void
size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  ParleySplit *self = PARLEY_SPLIT (widget);
  int min_side, min_content;

  gtk_widget_measure (self->sidebar, GTK_ORIENTATION_HORIZONTAL, -1, &min_side, NULL, NULL, NULL);
  gtk_widget_measure (self->content, GTK_ORIENTATION_HORIZONTAL, -1, &min_content, NULL, NULL,
                      NULL);
  gboolean folded = width < FOLD_WIDTH || width < MAX (min_side, MIN_SIDEBAR) + min_content;
  if (folded != self->folded)
    fold (self, folded);

  gtk_widget_set_child_visible (self->sidebar, self->shown > 0);
  gtk_widget_set_child_visible (self->content, !self->folded || self->shown < 1);
  if (self->folded) {
    if (self->shown > 0)
      place (widget, self->sidebar, (int) ((self->shown - 1) * width * PARALLAX), width, height);
    if (self->shown < 1)
      place (widget, self->content, (int) (self->shown * width), width, height);
    return;
  }
  int side = MAX (min_side, CLAMP ((int) (width * SIDEBAR_SHARE), MIN_SIDEBAR, MAX_SIDEBAR));
  int visible = MIN ((int) (side * self->shown), width - min_content);
  if (self->shown > 0)
    place (widget, self->sidebar, visible - side, side, height);
  place (widget, self->content, visible, width - visible, height);
}

static void
snapshot (GtkWidget *widget, GtkSnapshot *snap)
{
  ParleySplit *self = PARLEY_SPLIT (widget);
  int width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);

  gtk_snapshot_push_clip (snap, &GRAPHENE_RECT_INIT (0, 0, (float) width, (float) height));
  if (gtk_widget_get_child_visible (self->sidebar))
    gtk_widget_snapshot_child (widget, self->sidebar, snap);
  if (gtk_widget_get_child_visible (self->content))
    gtk_widget_snapshot_child (widget, self->content, snap);
  gtk_snapshot_pop (snap);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ParleySplit *self = PARLEY_SPLIT (object);

  switch (id) {
  case PROP_FOLDED: g_value_set_boolean (value, self->folded); break;
  case PROP_SHOW_SIDEBAR: g_value_set_boolean (value, parley_split_get_show_sidebar (self)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_SIDEBAR)
    parley_split_set_show_sidebar (PARLEY_SPLIT (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
dispose (GObject *object)
{
  ParleySplit *self = PARLEY_SPLIT (object);

  g_clear_handle_id (&self->notify_id, g_source_remove);
  g_clear_object (&self->animation);
  g_clear_pointer (&self->sidebar, gtk_widget_unparent);
  g_clear_pointer (&self->content, gtk_widget_unparent);
  G_OBJECT_CLASS (parley_split_parent_class)->dispose (object);
}

static void
parley_split_class_init (ParleySplitClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = dispose;
  object_class->get_property = get_property;
  object_class->set_property = set_property;
  widget_class->measure = measure;
  widget_class->size_allocate = size_allocate;
  widget_class->snapshot = snapshot;
  gtk_widget_class_set_css_name (widget_class, "split");

  props[PROP_FOLDED] =
      g_param_spec_boolean ("folded", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  props[PROP_SHOW_SIDEBAR] =
      g_param_spec_boolean ("show-sidebar", NULL, NULL, TRUE,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
parley_split_init (ParleySplit *self)
{
  self->show_wide = self->show_folded = TRUE;
  self->shown = 1;
  self->animation =
      adw_timed_animation_new (GTK_WIDGET (self), 0, 1, ANIMATION_MS,
                               adw_callback_animation_target_new (set_shown, self, NULL));
}

GtkWidget *
parley_split_new (GtkWidget *sidebar, GtkWidget *content)
{
  ParleySplit *self = g_object_new (PARLEY_TYPE_SPLIT, NULL);

  self->sidebar = sidebar;
  self->content = content;
  gtk_widget_set_parent (sidebar, GTK_WIDGET (self));
  gtk_widget_set_parent (content, GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
