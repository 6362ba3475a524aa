/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/widgets/parley-widgets.h"

#include "app/compat.h"

#include <string.h>

/* How narrow a text that wraps may get. Without it the toolkit lays the text out with a letter a
 * line to find that out, which takes longer than all else done to a growing text in a frame. */
#define NARROWEST 12
/* In letters: choices no longer than this are never cut. */
#define SHORT_CHOICE 12

void
parley_set_accessible_name (GtkWidget *widget, const char *name)
{
  /* Later than GTK 4.8 the label inside a button would win. */
  gtk_accessible_reset_relation (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

void
parley_fold (GtkWidget *button, GtkWidget *chevron, GtkWidget *revealer, gboolean open)
{
  gtk_revealer_set_reveal_child (GTK_REVEALER (revealer), open);
  gtk_image_set_from_icon_name (GTK_IMAGE (chevron),
                                open ? "pan-down-symbolic" : "pan-end-symbolic");
  gtk_accessible_update_state (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_STATE_EXPANDED, open, -1);
}

void
parley_name_widget (GtkWidget *widget, const char *name)
{
  gtk_widget_set_tooltip_text (widget, name);
  parley_set_accessible_name (widget, name);
}

void
parley_add_classes (GtkWidget *widget, const char *css)
{
  g_auto (GStrv) classes = g_strsplit (css != NULL ? css : "", " ", -1);

  for (guint i = 0; classes[i] != NULL; i++)
    if (*classes[i] != '\0')
      gtk_widget_add_css_class (widget, classes[i]);
}

GtkWidget *
parley_icon_button (const char *icon, const char *name, const char *action)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  parley_name_widget (button, name);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  if (action != NULL)
    gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  return button;
}

GtkWidget *
parley_text_button (const char *label, const char *action)
{
  GtkWidget *button = gtk_button_new_with_label (label);
  GtkWidget *text = gtk_button_get_child (GTK_BUTTON (button));

  /* Large text on a small screen takes two lines. */
  gtk_label_set_wrap (GTK_LABEL (text), TRUE);
  gtk_label_set_justify (GTK_LABEL (text), GTK_JUSTIFY_CENTER);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  if (action != NULL)
    gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  return button;
}

GtkWidget *
parley_pill_button (const char *label, const char *action, gboolean suggested)
{
  GtkWidget *button = parley_text_button (label, action);

  gtk_widget_add_css_class (button, "pill");
  if (suggested)
    gtk_widget_add_css_class (button, "suggested-action");
  gtk_widget_set_halign (button, GTK_ALIGN_CENTER);
  return button;
}

GtkWidget *
parley_menu_button (const char *icon, const char *name, GMenuModel *menu)
{
  GtkWidget *button = gtk_menu_button_new ();

  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), icon);
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (button), menu);
  parley_name_widget (button, name);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  return button;
}

GtkWidget *
parley_icon (const char *name)
{
  return g_object_new (GTK_TYPE_IMAGE, "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION,
                       "icon-name", name, NULL);
}

GtkWidget *
parley_label (const char *text, const char *css)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  parley_add_classes (label, css);
  return label;
}

GtkWidget *
parley_line (const char *text, const char *css)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_single_line_mode (GTK_LABEL (label), TRUE);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  parley_add_classes (label, css);
  return label;
}

GtkWidget *
parley_heading (const char *text, const char *css, int level)
{
  GtkWidget *label =
      g_object_new (GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_HEADING, "label", text,
                    "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR, "xalign", 0.0f, NULL);

  gtk_accessible_update_property (GTK_ACCESSIBLE (label), GTK_ACCESSIBLE_PROPERTY_LEVEL, level, -1);
  parley_add_classes (label, css);
  return label;
}

GtkWidget *
parley_box (GtkOrientation orientation, int spacing, const char *css)
{
  GtkWidget *box = gtk_box_new (orientation, spacing);
  parley_add_classes (box, css);
  return box;
}

GtkWidget *
parley_header_bar (const char *title)
{
  GtkWidget *bar = adw_header_bar_new ();

  gtk_widget_add_css_class (bar, "flat");
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (bar), adw_window_title_new (title, NULL));
  return bar;
}

GtkWidget *
parley_status_page (const char *icon, const char *title, const char *text, GtkWidget *child)
{
  GtkWidget *page = adw_status_page_new (), *box = parley_box (GTK_ORIENTATION_VERTICAL, 24, NULL);
  GtkWidget *label = parley_label (text, "status-text");

  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_CENTER);
  gtk_label_set_xalign (GTK_LABEL (label), 0.5f);
  gtk_box_append (GTK_BOX (box), label);
  if (child != NULL)
    gtk_box_append (GTK_BOX (box), child);
  adw_status_page_set_icon_name (ADW_STATUS_PAGE (page), icon);
  adw_status_page_set_title (ADW_STATUS_PAGE (page), title);
  adw_status_page_set_child (ADW_STATUS_PAGE (page), box);
  gtk_widget_set_vexpand (page, TRUE);
  g_object_set_data (G_OBJECT (page), "parley-text", label);
  return page;
}

void
parley_status_page_set_text (GtkWidget *page, const char *text)
{
  gtk_label_set_text (g_object_get_data (G_OBJECT (page), "parley-text"), text);
}

GtkWidget *
parley_page_body (GtkWidget *child, int width)
{
  GtkWidget *scroller = gtk_scrolled_window_new (), *clamp = adw_clamp_new ();

  adw_clamp_set_maximum_size (ADW_CLAMP (clamp), width);
  adw_clamp_set_tightening_threshold (ADW_CLAMP (clamp), width - 120);
  adw_clamp_set_child (ADW_CLAMP (clamp), child);
  gtk_widget_add_css_class (child, "page-body");
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), clamp);
  gtk_widget_set_vexpand (scroller, TRUE);
  return scroller;
}

GtkWidget *
parley_boxed_list (void)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_set_valign (list, GTK_ALIGN_START);
  return list;
}

GtkWidget *
parley_setting_row (const char *title, const char *subtitle, GtkWidget *widget)
{
  GtkWidget *row = adw_action_row_new ();

  parley_row_set_plain (row);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  if (subtitle != NULL)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  if (widget == NULL)
    return row;
  gtk_widget_set_valign (widget, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), widget);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), widget);
  return row;
}

static void
set_up_choice (GtkListItemFactory *factory, GtkListItem *item)
{
  gtk_list_item_set_child (item, parley_line ("", NULL));
}

static void
bind_choice (GtkListItemFactory *factory, GtkListItem *item)
{
  GtkLabel *label = GTK_LABEL (gtk_list_item_get_child (item));
  const char *text = gtk_string_object_get_string (gtk_list_item_get_item (item));

  /* Short ones stay whole: beside a title that can wrap it is the title that does. */
  gtk_label_set_width_chars (label, (int) MIN (g_utf8_strlen (text, -1), SHORT_CHOICE));
  gtk_label_set_text (label, text);
}

void
parley_drop_down_set_narrow (GtkWidget *menu)
{
  GtkDropDown *choices = GTK_DROP_DOWN (menu);
  g_autoptr (GtkListItemFactory) chosen = gtk_signal_list_item_factory_new ();

  g_signal_connect (chosen, "setup", G_CALLBACK (set_up_choice), NULL);
  g_signal_connect (chosen, "bind", G_CALLBACK (bind_choice), NULL);
  /* The list keeps its own lines, which are whole and mark the one that is chosen. */
  gtk_drop_down_set_list_factory (choices, gtk_drop_down_get_factory (choices));
  gtk_drop_down_set_factory (choices, chosen);
}

GtkWidget *
parley_text_card (GtkWidget *text_view, int height)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkTextView *view = GTK_TEXT_VIEW (text_view);

  gtk_text_view_set_left_margin (view, 12);
  gtk_text_view_set_right_margin (view, 12);
  gtk_text_view_set_top_margin (view, 10);
  gtk_text_view_set_bottom_margin (view, 10);
  parley_add_classes (scroller, "card prompt-entry");
  gtk_widget_set_overflow (scroller, GTK_OVERFLOW_HIDDEN);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (scroller), height);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), text_view);
  return scroller;
}

GtkWidget *
parley_fact_row (const char *label, const char *value)
{
  GtkWidget *row = gtk_list_box_row_new (),
            *box = parley_box (GTK_ORIENTATION_HORIZONTAL, 18, NULL);
  GtkWidget *name = parley_label (label, NULL), *text = parley_label (value, "dim-label numeric");

  gtk_label_set_wrap_mode (GTK_LABEL (name), PANGO_WRAP_WORD);
  gtk_label_set_selectable (GTK_LABEL (text), TRUE);
  gtk_label_set_xalign (GTK_LABEL (text), 1);
  gtk_label_set_justify (GTK_LABEL (text), GTK_JUSTIFY_RIGHT);
  gtk_widget_set_can_focus (text, FALSE);
  gtk_widget_set_hexpand (text, TRUE);
  gtk_widget_add_css_class (box, "fact");
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), text);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  return row;
}

void
parley_box_clear (GtkWidget *box)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (box)) != NULL) {
    if (GTK_IS_LIST_BOX (box))
      gtk_list_box_remove (GTK_LIST_BOX (box), child);
    else
      gtk_box_remove (GTK_BOX (box), child);
  }
}

double
parley_text_scale (GtkWidget *widget)
{
  const double usual = 11 * 96 / 72.0; /* pixels */
  PangoContext *context = gtk_widget_get_pango_context (widget);
  const PangoFontDescription *font = pango_context_get_font_description (context);
  double size = pango_font_description_get_size (font) / (double) PANGO_SCALE;

  if (!pango_font_description_get_size_is_absolute (font))
    size *= pango_cairo_context_get_resolution (context) / 72;
  return MAX (size / usual, 1);
}

void
parley_copy (GtkWidget *widget, const char *text)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), text);
}

void
parley_label_keep_as_is (GtkLabel *label)
{
  g_autoptr (PangoAttrList) list = pango_attr_list_new ();

  pango_attr_list_insert (list, pango_attr_insert_hyphens_new (FALSE));
  gtk_label_set_attributes (label, list);
}

void
parley_label_set_long_text (GtkLabel *label, const char *text)
{
  gboolean wraps = g_utf8_strlen (text, MIN (strlen (text), 4 * NARROWEST)) >= NARROWEST;

  gtk_label_set_width_chars (label, wraps ? NARROWEST : -1);
  gtk_label_set_text (label, text);
}

static gboolean
is_written_leftwards (gunichar c)
{
  switch (g_unichar_get_script (c)) {
  case G_UNICODE_SCRIPT_ARABIC:
  case G_UNICODE_SCRIPT_HEBREW:
  case G_UNICODE_SCRIPT_SYRIAC:
  case G_UNICODE_SCRIPT_THAANA:
  case G_UNICODE_SCRIPT_NKO:
  case G_UNICODE_SCRIPT_SAMARITAN:
  case G_UNICODE_SCRIPT_MANDAIC:
  case G_UNICODE_SCRIPT_ADLAM: return TRUE;
  default: return FALSE;
  }
}

GtkTextDirection
parley_text_direction (const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (g_unichar_isalpha (c))
      return is_written_leftwards (c) ? GTK_TEXT_DIR_RTL : GTK_TEXT_DIR_LTR;
  }
  return GTK_TEXT_DIR_NONE;
}

void
parley_follow_direction (GtkWidget *widget, GtkTextDirection direction)
{
  if (gtk_widget_has_css_class (widget, "keeps-direction"))
    return;
  gtk_widget_set_direction (widget, direction);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    parley_follow_direction (child, direction);
}
