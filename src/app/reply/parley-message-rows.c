/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-message-rows.h"

#include "app/reply/parley-message-row.h"

#define WINDOW   40   /* messages shown without being asked for, and added at each step */
#define AT_ONCE  8    /* of these, so many before the first frame */
#define ABOVE    4    /* of a message that was searched for */
#define SLICE_US 6000 /* for the others, between two frames */
#define NEAR     64   /* pixels out of sight in which a row is drawn: shadows, outlines */

/* Fewer of long ones: all that is there is laid out within one frame when the width changes, and
 * the toolkit takes a few milliseconds for each kilobyte of a row that is new. */
#define WINDOW_BYTES  (64 << 10)
#define AT_ONCE_BYTES (8 << 10)

struct _ParleyMessageRows {
  GtkWidget parent;
  ParleyChat *chat;
  guint first, last;               /* positions: of the first that has a row, behind the last */
  guint wanted_first, wanted_last; /* of those that get one by themselves */
  guint fill_id;
  char *query; /* whose words are marked, or NULL */
};

G_DEFINE_FINAL_TYPE (ParleyMessageRows, parley_message_rows, GTK_TYPE_WIDGET)

enum { EDIT, PREPENDED, WINDOW_CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static guint
n_messages (ParleyMessageRows *self)
{
  return self->chat != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->chat)) : 0;
}

/* So many messages from this position on, or before it, make a step; at least one. */
static guint
n_in_step (ParleyMessageRows *self, guint position, gboolean before, guint most, gsize most_bytes)
{
  guint there = before ? position : n_messages (self) - position, n = 0;
  gsize bytes = 0;

  for (most = MIN (most, there); n < most; n++) {
    g_autoptr (ParleyMessage) message =
        g_list_model_get_item (G_LIST_MODEL (self->chat), before ? position - n - 1 : position + n);
    bytes += parley_message_get_length (message);
    if (n > 0 && bytes > most_bytes)
      break;
  }
  return n;
}

static void
edit (ParleyMessageRow *row, ParleyMessageRows *self)
{
  g_signal_emit (self, signals[EDIT], 0, parley_message_row_get_message (row));
}

static void
insert_row (ParleyMessageRows *self, guint position, GtkWidget *before)
{
  g_autoptr (ParleyMessage) message = g_list_model_get_item (G_LIST_MODEL (self->chat), position);
  GtkWidget *row = parley_message_row_new (self->chat, message);

  g_signal_connect (row, "edit", G_CALLBACK (edit), self);
  gtk_widget_insert_before (row, GTK_WIDGET (self), before);
  if (self->query != NULL)
    parley_message_row_mark (PARLEY_MESSAGE_ROW (row), self->query, NULL);
}

static GtkWidget *
row_at (ParleyMessageRows *self, guint position)
{
  GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self));

  for (guint at = self->first; row != NULL && at < position; at++)
    row = gtk_widget_get_next_sibling (row);
  return row;
}

static void
append_row (ParleyMessageRows *self)
{
  insert_row (self, self->last++, NULL);
}

/* One row more, at the end first. FALSE: all are there. */
static gboolean
add_one (ParleyMessageRows *self)
{
  if (self->last < self->wanted_last) {
    append_row (self);
    return TRUE;
  }
  if (self->first <= self->wanted_first)
    return FALSE;
  insert_row (self, --self->first, gtk_widget_get_first_child (GTK_WIDGET (self)));
  g_signal_emit (self, signals[PREPENDED], 0);
  return TRUE;
}

static gboolean
fill (gpointer data)
{
  ParleyMessageRows *self = data;
  gint64 end = g_get_monotonic_time () + SLICE_US;

  while (add_one (self))
    if (g_get_monotonic_time () >= end)
      return G_SOURCE_CONTINUE;
  self->fill_id = 0;
  return G_SOURCE_REMOVE;
}

static void
want (ParleyMessageRows *self, guint first, guint last)
{
  self->wanted_first = first;
  self->wanted_last = last;
  if (self->fill_id == 0 && (self->first > first || self->last < last))
    self->fill_id = g_idle_add_full (GDK_PRIORITY_REDRAW + 10, fill, self, NULL);
  g_signal_emit (self, signals[WINDOW_CHANGED], 0);
}

static void
remove_rows (ParleyMessageRows *self)
{
  GtkWidget *row;

  g_clear_handle_id (&self->fill_id, g_source_remove);
  while ((row = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (row);
}

/* Rows from `first` to before `last` now, and the others soon. */
static void
show_from (ParleyMessageRows *self, guint first, guint last, guint wanted_first, guint wanted_last)
{
  remove_rows (self);
  self->first = self->last = first;
  while (self->last < last)
    append_row (self);
  want (self, wanted_first, wanted_last);
}

void
parley_message_rows_show_end (ParleyMessageRows *self)
{
  guint n = n_messages (self);

  show_from (self, n - n_in_step (self, n, TRUE, AT_ONCE, AT_ONCE_BYTES), n,
             n - n_in_step (self, n, TRUE, WINDOW, WINDOW_BYTES), n);
}

static guint
position_of (ParleyMessageRows *self, gint64 message)
{
  guint n = n_messages (self);

  for (guint i = 0; i < n; i++) {
    g_autoptr (ParleyMessage) item = g_list_model_get_item (G_LIST_MODEL (self->chat), i);
    if (parley_message_get_id (item) == message)
      return i;
  }
  return G_MAXUINT;
}

ParleyMessageRow *
parley_message_rows_show (ParleyMessageRows *self, gint64 message)
{
  guint position = position_of (self, message);

  if (position == G_MAXUINT)
    return NULL;
  if (position < self->first || position >= self->last) {
    guint first = position - n_in_step (self, position, TRUE, ABOVE, AT_ONCE_BYTES);
    show_from (self, first, position + n_in_step (self, position, FALSE, AT_ONCE, AT_ONCE_BYTES),
               first, position + n_in_step (self, position, FALSE, WINDOW, WINDOW_BYTES));
  }
  return PARLEY_MESSAGE_ROW (row_at (self, position));
}

void
parley_message_rows_set_query (ParleyMessageRows *self, const char *query)
{
  g_free (self->query);
  self->query = g_strdup (query);
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    parley_message_row_mark (PARLEY_MESSAGE_ROW (row), query, NULL);
}

gboolean
parley_message_rows_has_earlier (ParleyMessageRows *self)
{
  return self->wanted_first > 0;
}

gboolean
parley_message_rows_has_later (ParleyMessageRows *self)
{
  return self->wanted_last < n_messages (self);
}

void
parley_message_rows_add_earlier (ParleyMessageRows *self)
{
  want (self, self->first - n_in_step (self, self->first, TRUE, WINDOW, WINDOW_BYTES),
        self->wanted_last);
}

void
parley_message_rows_add_later (ParleyMessageRows *self)
{
  if (self->last >= self->wanted_last) /* else there are more on their way */
    want (self, self->wanted_first,
          self->last + n_in_step (self, self->last, FALSE, WINDOW, WINDOW_BYTES));
}

/* ---- what the chat says ---- */

static void
replace (ParleyMessageRows *self, guint position, guint removed, guint added)
{
  GtkWidget *row = row_at (self, position);

  for (guint i = 0; i < removed && row != NULL; i++) {
    GtkWidget *next = gtk_widget_get_next_sibling (row);
    gtk_widget_unparent (row);
    row = next;
  }
  self->last -= removed;
  if (row != NULL) { /* between others: there are few of those */
    for (guint i = 0; i < added; i++)
      insert_row (self, position + i, row);
    self->last += added;
  } else
    for (guint n = n_in_step (self, position, FALSE, MIN (added, AT_ONCE), AT_ONCE_BYTES); n > 0;
         n--)
      append_row (self);
}

static void
messages_changed (GListModel *model, guint position, guint removed, guint added,
                  ParleyMessageRows *self)
{
  guint n = g_list_model_get_n_items (model);
  gboolean had_end = self->wanted_last == n - added + removed;

  if (position < self->first) {
    parley_message_rows_show_end (self);
    return;
  }
  if (position <= self->last && (position < self->last || had_end))
    replace (self, position, MIN (removed, self->last - position), added);
  guint wanted = had_end ? position + n_in_step (self, position, FALSE, WINDOW, WINDOW_BYTES)
                         : self->wanted_last;
  want (self, self->wanted_first, MAX (self->last, MIN (n, wanted)));
}

void
parley_message_rows_set_chat (ParleyMessageRows *self, ParleyChat *chat)
{
  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_set_object (&self->chat, chat);
  g_clear_pointer (&self->query, g_free);
  if (chat != NULL)
    g_signal_connect (chat, "items-changed", G_CALLBACK (messages_changed), self);
  parley_message_rows_show_end (self);
}

/* Only rows in sight: the toolkit would go through the parts of all of them in each frame, which
 * under a long history is most of a frame that is drawn in software. */
static void
snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  GtkWidget *page = gtk_widget_get_ancestor (widget, GTK_TYPE_SCROLLED_WINDOW);
  graphene_rect_t seen, bounds;
  gboolean all = page == NULL || !gtk_widget_compute_bounds (page, widget, &seen);

  if (!all)
    graphene_rect_inset (&seen, 0, -NEAR);
  for (GtkWidget *row = gtk_widget_get_first_child (widget); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    if (all || !gtk_widget_compute_bounds (row, widget, &bounds) ||
        graphene_rect_intersection (&seen, &bounds, NULL))
      gtk_widget_snapshot_child (widget, row, snapshot);
}

static void
dispose (GObject *object)
{
  ParleyMessageRows *self = PARLEY_MESSAGE_ROWS (object);

  remove_rows (self);
  if (self->chat != NULL)
    g_signal_handlers_disconnect_by_data (self->chat, self);
  g_clear_object (&self->chat);
  g_clear_pointer (&self->query, g_free);
  G_OBJECT_CLASS (parley_message_rows_parent_class)->dispose (object);
}

static void
parley_message_rows_class_init (ParleyMessageRowsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  GTK_WIDGET_CLASS (klass)->snapshot = snapshot;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_GROUP);
  signals[EDIT] = g_signal_new ("edit", PARLEY_TYPE_MESSAGE_ROWS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 1, PARLEY_TYPE_MESSAGE);
  signals[PREPENDED] = g_signal_new ("prepended", PARLEY_TYPE_MESSAGE_ROWS, G_SIGNAL_RUN_LAST, 0,
                                     NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[WINDOW_CHANGED] = g_signal_new ("window-changed", PARLEY_TYPE_MESSAGE_ROWS,
                                          G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
parley_message_rows_init (ParleyMessageRows *self)
{
  GtkBoxLayout *layout = GTK_BOX_LAYOUT (gtk_widget_get_layout_manager (GTK_WIDGET (self)));

  gtk_orientable_set_orientation (GTK_ORIENTABLE (layout), GTK_ORIENTATION_VERTICAL);
  gtk_box_layout_set_spacing (layout, PARLEY_MESSAGE_ROWS_SPACING);
}

GtkWidget *
parley_message_rows_new (void)
{
  return g_object_new (PARLEY_TYPE_MESSAGE_ROWS, NULL);
}
