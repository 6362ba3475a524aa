/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-code-block.h"

#include "app/widgets/parley-contrast.h"
#include "app/widgets/parley-widgets.h"

#include <glib/gi18n.h>
#include <gtksourceview/gtksource.h>

/* Highlighting a megabyte on one line stalls; such text is shown plain. */
#define MAX_HIGHLIGHTED 200000

struct _ParleyCodeBlock {
  GtkBox parent;
  GtkSourceBuffer *buffer;
  GString *shown;
};

G_DEFINE_FINAL_TYPE (ParleyCodeBlock, parley_code_block, GTK_TYPE_BOX)

/* What models write after the fence, where the highlighter has another name for it. */
static const char *
highlighter_id (const char *language)
{
  static const struct {
    const char *written, *id;
  } names[] = {
    { "bash", "sh" },        { "shell", "sh" },
    { "zsh", "sh" },         { "console", "sh" },
    { "c++", "cpp" },        { "h", "c" },
    { "py", "python3" },     { "python", "python3" },
    { "javascript", "js" },  { "jsx", "js" },
    { "ts", "typescript" },  { "rs", "rust" },
    { "rb", "ruby" },        { "cs", "c-sharp" },
    { "csharp", "c-sharp" }, { "golang", "go" },
    { "yml", "yaml" },       { "md", "markdown" },
    { "tex", "latex" },      { "kt", "kotlin" },
    { "make", "makefile" },  { "dockerfile", "docker" },
    { "hs", "haskell" },     { "pl", "perl" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (language, names[i].written) == 0)
      return names[i].id;
  return language;
}

static void
follow_scheme (ParleyCodeBlock *self)
{
  gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());
  GtkSourceStyleSchemeManager *schemes = gtk_source_style_scheme_manager_get_default ();
  const char *name = dark ? "Adwaita-dark" : "Adwaita";

  /* Each scheme that comes with the highlighter has colours below 4.5:1. Without one, code has the
   * colour of other text. */
  gtk_source_buffer_set_style_scheme (
      self->buffer, parley_contrast_is_high ()
                        ? NULL
                        : gtk_source_style_scheme_manager_get_scheme (schemes, name));
}

static void
copy (GtkButton *button, ParleyCodeBlock *self)
{
  parley_copy (GTK_WIDGET (self), self->shown->str);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", _ ("Code copied"));
}

void
parley_code_block_set_text (ParleyCodeBlock *self, const char *text)
{
  GtkTextBuffer *buffer = GTK_TEXT_BUFFER (self->buffer);

  if (g_str_has_prefix (text, self->shown->str)) {
    GtkTextIter end;
    if (text[self->shown->len] == '\0')
      return;
    gtk_text_buffer_get_end_iter (buffer, &end);
    gtk_text_buffer_insert (buffer, &end, text + self->shown->len, -1);
  } else
    gtk_text_buffer_set_text (buffer, text, -1);
  g_string_assign (self->shown, text);
  if (self->shown->len > MAX_HIGHLIGHTED)
    gtk_source_buffer_set_highlight_syntax (self->buffer, FALSE);
}

static void
dispose (GObject *object)
{
  ParleyCodeBlock *self = PARLEY_CODE_BLOCK (object);

  g_clear_object (&self->buffer);
  G_OBJECT_CLASS (parley_code_block_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  g_string_free (PARLEY_CODE_BLOCK (object)->shown, TRUE);
  G_OBJECT_CLASS (parley_code_block_parent_class)->finalize (object);
}

static void
parley_code_block_class_init (ParleyCodeBlockClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
  G_OBJECT_CLASS (klass)->finalize = finalize;
}

static void
parley_code_block_init (ParleyCodeBlock *self)
{
  self->shown = g_string_new (NULL);
  self->buffer = gtk_source_buffer_new (NULL);
  gtk_source_buffer_set_highlight_matching_brackets (self->buffer, FALSE);
  gtk_text_buffer_set_enable_undo (GTK_TEXT_BUFFER (self->buffer), FALSE);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  parley_add_classes (GTK_WIDGET (self), "code-block keeps-direction");
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  parley_contrast_watch (self, G_CALLBACK (follow_scheme));
  follow_scheme (self);
}

GtkWidget *
parley_code_block_new (const char *language)
{
  ParleyCodeBlock *self = g_object_new (PARLEY_TYPE_CODE_BLOCK, NULL);
  GtkWidget *head = parley_box (GTK_ORIENTATION_HORIZONTAL, 6, "code-head");
  GtkWidget *name = parley_line (language != NULL ? language : _ ("text"), "caption dim-label");
  GtkWidget *button = parley_icon_button ("edit-copy-symbolic", _ ("Copy code"), NULL);
  GtkWidget *view = gtk_source_view_new_with_buffer (self->buffer);
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkSourceLanguage *found = NULL;

  if (language != NULL) {
    g_autofree char *lower = g_ascii_strdown (highlighter_id (language), -1);
    found = gtk_source_language_manager_get_language (gtk_source_language_manager_get_default (),
                                                      lower);
  }
  gtk_source_buffer_set_language (self->buffer, found);
  gtk_widget_set_hexpand (name, TRUE);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect (button, "clicked", G_CALLBACK (copy), self);
  gtk_box_append (GTK_BOX (head), name);
  gtk_box_append (GTK_BOX (head), button);

  gtk_text_view_set_editable (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_cursor_visible (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_left_margin (GTK_TEXT_VIEW (view), 14);
  gtk_text_view_set_right_margin (GTK_TEXT_VIEW (view), 14);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (view), 10);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (view), 10);
  gtk_widget_add_css_class (view, "code-text");
  /* A line of brackets alone would else stand at the right where the program's language does. */
  gtk_widget_set_direction (view, GTK_TEXT_DIR_LTR);
  gtk_widget_set_direction (scroller, GTK_TEXT_DIR_LTR);
  parley_set_accessible_name (view, _ ("Code"));
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_AUTOMATIC,
                                  GTK_POLICY_NEVER);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), view);
  gtk_box_append (GTK_BOX (self), head);
  gtk_box_append (GTK_BOX (self), scroller);
  return GTK_WIDGET (self);
}
