/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small constructors for widgets that are always wanted the same way: named icon buttons, labels
 * whose text is never markup, rows, status pages.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* For assistive technologies, before what the widget shows. */
void parley_set_accessible_name (GtkWidget *widget, const char *name);
/* Shows what is folded under a button, or hides it: the revealer, the image that points to it, and
 * what assistive technologies say of the button. */
void parley_fold (GtkWidget *button, GtkWidget *chevron, GtkWidget *revealer, gboolean open);
/* That and tooltip in one. */
void parley_name_widget (GtkWidget *widget, const char *name);

GtkWidget *parley_icon_button (const char *icon, const char *name, const char *action);
GtkWidget *parley_text_button (const char *label, const char *action);
GtkWidget *parley_menu_button (const char *icon, const char *name, GMenuModel *menu);

/* Beside words that say what it shows: assistive technologies pass it over. NULL: none as yet. */
GtkWidget *parley_icon (const char *name);

/* `css`: classes separated by spaces, or NULL. Wraps, left-aligned, plain text. */
GtkWidget *parley_label (const char *text, const char *css);
GtkWidget *parley_line (const char *text, const char *css); /* one line, ellipsised */
/* A label that assistive technologies can jump to; 1: of a whole page or dialog. */
GtkWidget *parley_heading (const char *text, const char *css, int level);
GtkWidget *parley_box (GtkOrientation orientation, int spacing, const char *css);
void parley_add_classes (GtkWidget *widget, const char *css);

/* A header bar, flat, with the window's buttons on the end. */
GtkWidget *parley_header_bar (const char *title);

/* An AdwStatusPage whose text cannot be markup; `child` below it may be NULL. */
GtkWidget *parley_status_page (const char *icon, const char *title, const char *text,
                               GtkWidget *child);
void parley_status_page_set_text (GtkWidget *page, const char *text);

GtkWidget *parley_pill_button (const char *label, const char *action, gboolean suggested);

/* Scrolled, clamped to a readable width, with margins: the body of every page. */
GtkWidget *parley_page_body (GtkWidget *child, int width);

/* A group of rows in the style of preferences. */
GtkWidget *parley_boxed_list (void);

/* A row of preferences that `widget` at its end is set with: its title names the widget, too.
 * `subtitle` and `widget` may be NULL. */
GtkWidget *parley_setting_row (const char *title, const char *subtitle, GtkWidget *widget);

/* A menu of texts whose button may become narrower than a long one of them. */
void parley_drop_down_set_narrow (GtkWidget *menu);

/* A text view as a card, scrolled when it has more text than room. */
GtkWidget *parley_text_card (GtkWidget *text_view, int height);

/* "label — value" for the facts pages; `value` is selectable. */
GtkWidget *parley_fact_row (const char *label, const char *value);

void parley_box_clear (GtkWidget *box);

/* How large text is that the widget draws itself: 1 with the font that GNOME comes with, 2 where
 * people set text twice as large. At least 1. */
double parley_text_scale (GtkWidget *widget);

/* Puts text on the clipboard. */
void parley_copy (GtkWidget *widget, const char *text);

/* A label of text whose every character counts, such as an address: no hyphen is added where a long
 * word is broken. Replaces its attributes. */
void parley_label_keep_as_is (GtkLabel *label);
/* A text that wraps, of any length. */
void parley_label_set_long_text (GtkLabel *label, const char *text);

/* The direction that a text is written in, by its first letter. NONE: it has no letter. */
GtkTextDirection parley_text_direction (const char *text);
/* The widget and those in it are laid out in that direction; NONE: in the program's. Code keeps its
 * own. */
void parley_follow_direction (GtkWidget *widget, GtkTextDirection direction);

G_END_DECLS
