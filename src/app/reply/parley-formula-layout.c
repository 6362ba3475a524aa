/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reply/parley-formula-layout.h"

#include <math.h>

#include "app/reply/parley-formula-strokes.h"

/* Shares of the size of letters. */
#define AXIS       0.27 /* of strokes of fractions and the middle of brackets, over the baseline */
#define SCRIPT     0.72 /* size of scripts */
#define SMALLER    0.85 /* of fractions within fractions */
#define SMALLEST   0.5  /* against the outermost */
#define GAP        0.14 /* between a stroke and what is above and below it */
#define LARGE_SIGN 1.5

typedef enum {
  ITEM_TEXT,
  ITEM_STROKE,
} ItemKind;

/* Coordinates count from the left end of the baseline, downwards. */
typedef struct {
  ItemKind kind;
  PangoLayout *text;
  ParleyStroke stroke;
  double x, y, width, height, thickness;
} Item;

typedef struct {
  double width, ascent, descent;
  GArray *items;
} Box;

struct _ParleyFormulaLayout {
  PangoContext *context;
  double size; /* of letters, in pixels, outermost */
  Box *box;
};

typedef struct {
  double size;
  gboolean display; /* not within a fraction or a script */
} Style;

static Box *lay_out (ParleyFormulaLayout *self, const ParleyMathNode *node, Style style);

/* ---- boxes ---- */

static void
item_clear (gpointer data)
{
  g_clear_object (&((Item *) data)->text);
}

static Box *
box_new (void)
{
  Box *box = g_new0 (Box, 1);

  box->items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (box->items, item_clear);
  return box;
}

static void
box_free (Box *box)
{
  g_array_unref (box->items);
  g_free (box);
}

/* Takes the child in, with its baseline's start at a place. The width is the caller's to set. */
static void
box_take (Box *self, Box *child, double x, double y)
{
  for (guint i = 0; i < child->items->len; i++) {
    Item item = g_array_index (child->items, Item, i);
    item.x += x;
    item.y += y;
    if (item.text != NULL)
      g_object_ref (item.text);
    g_array_append_val (self->items, item);
  }
  self->ascent = MAX (self->ascent, child->ascent - y);
  self->descent = MAX (self->descent, child->descent + y);
  box_free (child);
}

static void
box_stroke (Box *self, ParleyStroke stroke, double x, double y, double width, double height,
            double thickness)
{
  Item item = { ITEM_STROKE, NULL, stroke, x, y, width, height, thickness };

  g_array_append_val (self->items, item);
  self->ascent = MAX (self->ascent, -y);
  self->descent = MAX (self->descent, y + height);
}

static double
thickness_of (Style style)
{
  return MAX (1, round (style.size * 0.06));
}

static Style
smaller (const ParleyFormulaLayout *self, Style style, double by)
{
  return (Style){ MAX (style.size * by, self->size * SMALLEST), FALSE };
}

/* ---- text ---- */

static gboolean
is_slanted (gunichar c)
{
  return g_ascii_isalpha ((char) MIN (c, 127)) ? c < 128 : c >= 0x3b1 && c <= 0x3c9 /* α … ω */;
}

static PangoAttrList *
slant (const char *text)
{
  PangoAttrList *list = pango_attr_list_new ();

  for (const char *p = text; *p != '\0';) {
    const char *start = p;
    while (*p != '\0' && is_slanted (g_utf8_get_char (p)))
      p = g_utf8_next_char (p);
    if (p == start) {
      p = g_utf8_next_char (p);
      continue;
    }
    PangoAttribute *italic = pango_attr_style_new (PANGO_STYLE_ITALIC);
    italic->start_index = (guint) (start - text);
    italic->end_index = (guint) (p - text);
    pango_attr_list_insert (list, italic);
  }
  return list;
}

static Box *
lay_out_text (ParleyFormulaLayout *self, const char *text, ParleyMathStyle kind, Style style)
{
  gboolean large = kind == PARLEY_OPERATOR || kind == PARLEY_INTEGRAL;
  double size = style.size * (large ? LARGE_SIGN : 1);
  PangoLayout *layout = pango_layout_new (self->context);
  PangoFontDescription *font =
      pango_font_description_copy (pango_context_get_font_description (self->context));
  PangoRectangle ink, logical;
  Box *box = box_new ();

  pango_font_description_set_family_static (
      font, "STIX Two Math, Latin Modern Math, Libertinus Math, serif");
  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  pango_layout_set_auto_dir (layout, FALSE);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_text (layout, text, -1);
  if (kind == PARLEY_LETTERS) {
    g_autoptr (PangoAttrList) list = slant (text);
    pango_layout_set_attributes (layout, list);
  }
  pango_layout_get_extents (layout, &ink, &logical);
  double baseline = (double) pango_layout_get_baseline (layout) / PANGO_SCALE;
  box->width = (double) logical.width / PANGO_SCALE;
  box->ascent = MAX (0, baseline - (double) ink.y / PANGO_SCALE);
  box->descent = MAX (0, (double) (ink.y + ink.height) / PANGO_SCALE - baseline);
  /* A large sign has its middle where strokes of fractions are. */
  double down = large ? (box->ascent - box->descent) / 2 - AXIS * style.size : 0;
  box->ascent -= down;
  box->descent += down;
  Item item = { ITEM_TEXT, layout, 0, 0, down - baseline, 0, 0, 0 };
  g_array_append_val (box->items, item);
  return box;
}

/* ---- constructions ---- */

static const ParleyMathNode *
nth (const ParleyMathNode *node, guint n)
{
  return g_ptr_array_index (node->children, n);
}

static Box *
lay_out_fraction (ParleyFormulaLayout *self, const ParleyMathNode *node, Style style)
{
  gboolean stroke = node->kind == PARLEY_NODE_FRACTION;
  Style inner = style.display ? (Style){ style.size, FALSE } : smaller (self, style, SMALLER);
  Box *above = lay_out (self, nth (node, 0), inner), *below = lay_out (self, nth (node, 1), inner);
  Box *box = box_new ();
  double axis = AXIS * style.size, gap = GAP * style.size, thick = thickness_of (style);
  double side = stroke ? 0.12 * style.size : 0;
  double width = MAX (above->width, below->width) + 2 * side;
  double left = (width - above->width) / 2, right = (width - below->width) / 2;

  box->width = width + (stroke ? 0.16 * style.size : 0);
  double at = (box->width - width) / 2;
  if (stroke)
    box_stroke (box, PARLEY_STROKE_LINE, at, -axis - thick / 2, width, thick, thick);
  box_take (box, above, at + left, -axis - thick / 2 - gap - above->descent);
  box_take (box, below, at + right, -axis + thick / 2 + gap + below->ascent);
  return box;
}

/* `inner` between two brackets as high as it is. Takes it. */
static Box *
fence (ParleyFormulaLayout *self, const char *left, Box *inner, const char *right, Style style)
{
  double axis = AXIS * style.size;
  double half = MAX (inner->ascent - axis, inner->descent + axis) + 0.06 * style.size;
  const char *const texts[] = { left, right };
  Box *box = box_new ();

  for (guint i = 0; i < 2; i++) {
    ParleyStroke stroke;
    if (*texts[i] != '\0') {
      if (half * 2 > style.size * 1.25 && parley_stroke_for (texts[i], &stroke)) {
        double width = style.size * 0.3 + half * 0.04;
        box_stroke (box, stroke, box->width, -axis - half, width, 2 * half,
                    thickness_of (style) * 1.2);
        box->width += width;
      } else {
        Box *sign = lay_out_text (self, texts[i], PARLEY_UPRIGHT, style);
        double width = sign->width;
        box_take (box, sign, box->width, 0);
        box->width += width;
      }
    }
    if (i == 0) {
      double width = inner->width;
      box_take (box, inner, box->width, 0);
      box->width += width;
    }
  }
  return box;
}

static Box *
lay_out_root (ParleyFormulaLayout *self, const ParleyMathNode *node, Style style)
{
  Box *degree = lay_out (self, nth (node, 0), smaller (self, style, 0.6));
  Box *inner = lay_out (self, nth (node, 1), style), *box = box_new ();
  double thick = thickness_of (style), gap = 0.1 * style.size + thick;
  double top = MAX (inner->ascent, 0.5 * style.size) + gap;
  double bottom = MAX (inner->descent, 0.05 * style.size);
  double sign = 0.62 * style.size, width = inner->width + 0.1 * style.size;
  double left = MAX (0, degree->width - 0.3 * style.size);

  box_stroke (box, PARLEY_STROKE_ROOT, left, -top, sign, top + bottom, thick);
  box_stroke (box, PARLEY_STROKE_LINE, left + sign, -top, width, thick, thick);
  box_take (box, inner, left + sign + 0.04 * style.size, 0);
  box_take (box, degree, MAX (0, 0.3 * style.size - degree->width),
            bottom - (top + bottom) * 0.5 - degree->descent - 0.05 * style.size);
  box->width = left + sign + width + 0.06 * style.size;
  return box;
}

static gboolean
is_mark (const ParleyMathNode *node, const char *mark)
{
  return node->kind == PARLEY_NODE_ACCENT && g_str_equal (node->text->str, mark);
}

static gboolean
is_brace (const ParleyMathNode *node)
{
  return is_mark (node, PARLEY_MARK_BRACE_ABOVE) || is_mark (node, PARLEY_MARK_BRACE_BELOW);
}

/* In a frame. Takes what is in it. */
static Box *
frame (Box *inner, Style style)
{
  double thick = thickness_of (style), room = 0.3 * style.size;
  double width = inner->width + 2 * room, up = inner->ascent + room, down = inner->descent + room;
  Box *box = box_new ();

  box_take (box, inner, room, 0);
  box_stroke (box, PARLEY_STROKE_LINE, 0, -up, width, thick, thick);
  box_stroke (box, PARLEY_STROKE_LINE, 0, down - thick, width, thick, thick);
  box_stroke (box, PARLEY_STROKE_LINE, 0, -up, thick, up + down, thick);
  box_stroke (box, PARLEY_STROKE_LINE, width - thick, -up, thick, up + down, thick);
  box->width = width;
  return box;
}

/* What is as wide as what it is over: FALSE: the mark is a small one. */
static gboolean
stroke_over (gunichar mark, ParleyStroke *stroke)
{
  static const struct {
    gunichar mark;
    ParleyStroke stroke;
  } strokes[] = {
    { 0x302, PARLEY_STROKE_HAT },          { 0x303, PARLEY_STROKE_WAVE },
    { 0x30c, PARLEY_STROKE_CHECK },        { 0x20d7, PARLEY_STROKE_ARROW },
    { 0x20d6, PARLEY_STROKE_ARROW_BACK },  { 0x23de, PARLEY_STROKE_BRACE_ABOVE },
    { 0x23df, PARLEY_STROKE_BRACE_BELOW },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (strokes); i++)
    if (strokes[i].mark == mark) {
      *stroke = strokes[i].stroke;
      return TRUE;
    }
  return FALSE;
}

static Box *
lay_out_accent (ParleyFormulaLayout *self, const ParleyMathNode *node, Style style)
{
  const ParleyMathNode *inner = nth (node, 0);
  gunichar mark = g_utf8_get_char (node->text->str);
  const ParleyMathNode *only =
      inner->children != NULL && inner->children->len == 1 ? nth (inner, 0) : NULL;
  gboolean drawn =
      is_brace (node) || is_mark (node, PARLEY_MARK_BOX) || is_mark (node, PARLEY_MARK_CANCEL);
  ParleyStroke stroke;

  /* One letter with its mark is a thing that fonts know. */
  if (!drawn && only != NULL && only->kind == PARLEY_NODE_TEXT &&
      g_utf8_strlen (only->text->str, -1) == 1) {
    g_autofree char *text = g_strconcat (only->text->str, node->text->str, NULL);
    return lay_out_text (self, text, only->style, style);
  }
  Box *child = lay_out (self, inner, style);
  if (is_mark (node, PARLEY_MARK_BOX))
    return frame (child, style);
  Box *box = box_new ();
  double width = child->width, thick = thickness_of (style), up = child->ascent;
  double down = child->descent, gap = 0.1 * style.size;
  box_take (box, child, 0, 0);
  box->width = width;
  if (mark == 0x332) /* below */
    box_stroke (box, PARLEY_STROKE_LINE, 0, down + gap, width, thick, thick);
  else if (mark == 0x304 || mark == 0x305)
    box_stroke (box, PARLEY_STROKE_LINE, 0, -up - gap - thick, width, thick, thick);
  else if (is_mark (node, PARLEY_MARK_CANCEL))
    box_stroke (box, PARLEY_STROKE_SLASH, 0, -up, width, up + down, thick);
  else if (is_mark (node, PARLEY_MARK_BRACE_BELOW))
    box_stroke (box, PARLEY_STROKE_BRACE_BELOW, 0, down + gap, width, 0.34 * style.size, thick);
  else if (stroke_over (mark, &stroke)) {
    double height = (is_brace (node) ? 0.34 : 0.2) * style.size;
    box_stroke (box, stroke, 0, -up - gap - height, width, height, thick);
  } else {
    g_autofree char *text = g_strconcat ("\u00a0", node->text->str, NULL);
    Box *dots = lay_out_text (self, text, PARLEY_UPRIGHT, style);
    box_take (box, dots, (width - dots->width) / 2, MIN (0, 0.5 * style.size - up));
    box->width = width;
  }
  return box;
}

static Box *
lay_out_table (ParleyFormulaLayout *self, const ParleyMathNode *table, Style style)
{
  guint n = table->children != NULL ? table->children->len : 0, columns = table->columns;
  guint rows = n / columns;
  g_autofree Box **cells = g_new (Box *, n + 1);
  g_autofree double *widths = g_new0 (double, columns);
  gboolean aligned = table->table == PARLEY_TABLE_ALIGNED;
  Style inner = { style.size, style.display && table->table != PARLEY_TABLE_MATRIX };
  Box *box = box_new ();
  double height = 0, gap = 0.32 * style.size;

  for (guint i = 0; i < n; i++) {
    cells[i] = lay_out (self, nth (table, i), inner);
    widths[i % columns] = MAX (widths[i % columns], cells[i]->width);
  }
  for (guint r = 0; r < rows; r++) {
    double up = 0.6 * style.size, down = 0.2 * style.size, x = 0;
    for (guint c = 0; c < columns; c++) {
      up = MAX (up, cells[r * columns + c]->ascent);
      down = MAX (down, cells[r * columns + c]->descent);
    }
    double baseline = height + (r > 0 ? gap : 0) + up;
    for (guint c = 0; c < columns; c++) {
      Box *cell = cells[r * columns + c];
      double room = widths[c] - cell->width;
      double shift = aligned && columns > 1               ? (c % 2 == 0 ? room : 0)
                     : table->table == PARLEY_TABLE_CASES ? 0
                                                          : room / 2;
      box_take (box, cell, x + shift, baseline);
      x += widths[c];
      if (c + 1 < columns)
        x += (aligned && c % 2 == 0 ? 0.25 : 0.9) * style.size;
    }
    box->width = MAX (box->width, x);
    height = baseline + down;
  }
  /* Its middle comes to where strokes of fractions are. */
  Box *centred = box_new ();
  double width = box->width, up = -height / 2 - AXIS * style.size;
  box->ascent = 0;
  box->descent = height;
  box_take (centred, box, 0, up);
  centred->width = width;
  return fence (self, table->text->str, centred, table->right, style);
}

/* ---- rows ---- */

/* Scripts beside, or above and below, what they belong to. Takes all three; scripts may be NULL. */
static Box *
with_scripts (Box *base, Box *raised, Box *lowered, gboolean limits, Style style)
{
  Box *box = box_new ();
  double gap = 0.12 * style.size, width = base->width, up = base->ascent, down = base->descent;
  double high = raised != NULL ? raised->width : 0, low = lowered != NULL ? lowered->width : 0;

  if (limits) {
    double widest = MAX (width, MAX (high, low));
    box_take (box, base, (widest - width) / 2, 0);
    if (raised != NULL)
      box_take (box, raised, (widest - high) / 2, -up - gap - raised->descent);
    if (lowered != NULL)
      box_take (box, lowered, (widest - low) / 2, down + gap + lowered->ascent);
    box->width = widest + 0.1 * style.size;
    return box;
  }
  double above = MAX (0.36 * style.size, up - 0.3 * style.size);
  double below = MAX (0.17 * style.size, down + 0.04 * style.size);
  if (raised != NULL && lowered != NULL) {
    double room = above - raised->descent + below - lowered->ascent;
    below += MAX (0, 0.12 * style.size - room);
  }
  if (raised != NULL)
    above = MAX (above, raised->descent + 0.2 * style.size);
  box_take (box, base, 0, 0);
  if (raised != NULL)
    box_take (box, raised, width + 0.05 * style.size, -above);
  if (lowered != NULL)
    box_take (box, lowered, width + 0.01 * style.size, below);
  box->width = width + MAX (high, low) + 0.06 * style.size;
  return box;
}

static gboolean
is_script (const ParleyMathNode *node)
{
  return node->kind == PARLEY_NODE_RAISED || node->kind == PARLEY_NODE_LOWERED;
}

/* The children from `*i` on that make one thing: it and its scripts, at most one of each kind. */
static Box *
take_thing (ParleyFormulaLayout *self, const ParleyMathNode *row, guint *i, Style style)
{
  const ParleyMathNode *node = nth (row, *i);
  Box *scripts[2] = { NULL, NULL };
  Box *base;

  if (is_script (node))
    base = box_new (); /* it belongs to nothing */
  else {
    base = lay_out (self, node, style);
    ++*i;
  }
  for (; *i < row->children->len && is_script (nth (row, *i)); ++*i) {
    Box **script = &scripts[nth (row, *i)->kind == PARLEY_NODE_LOWERED];
    if (*script != NULL)
      break;
    *script = lay_out (self, nth (nth (row, *i), 0), smaller (self, style, SCRIPT));
  }
  if (scripts[0] == NULL && scripts[1] == NULL)
    return base;
  gboolean limits =
      is_brace (node) || (style.display && node->kind == PARLEY_NODE_TEXT &&
                          (node->style == PARLEY_OPERATOR || node->style == PARLEY_LIMIT));
  return with_scripts (base, scripts[0], scripts[1], limits, style);
}

static Box *
lay_out_row (ParleyFormulaLayout *self, const ParleyMathNode *row, Style style)
{
  Box *box = box_new (), *line = box_new ();
  double down = 0;
  guint n = row->children != NULL ? row->children->len : 0;
  gboolean first = TRUE;

  for (guint i = 0; i <= n;) {
    if (i == n || nth (row, i)->kind == PARLEY_NODE_BREAK) {
      double width = line->width;
      if (!first)
        down += line->ascent + 0.4 * style.size;
      first = FALSE;
      double below = line->descent;
      box_take (box, line, 0, down);
      box->width = MAX (box->width, width);
      down += below;
      line = i++ < n ? box_new () : NULL;
      continue;
    }
    Box *thing = take_thing (self, row, &i, style);
    double width = thing->width;
    box_take (line, thing, line->width, 0);
    line->width += width;
  }
  return box;
}

static Box *
lay_out (ParleyFormulaLayout *self, const ParleyMathNode *node, Style style)
{
  switch (node->kind) {
  case PARLEY_NODE_ROW: return lay_out_row (self, node, style);
  case PARLEY_NODE_TEXT: return lay_out_text (self, node->text->str, node->style, style);
  case PARLEY_NODE_FRACTION: return lay_out_fraction (self, node, style);
  case PARLEY_NODE_BINOMIAL:
    return fence (self, "(", lay_out_fraction (self, node, style), ")", style);
  case PARLEY_NODE_ROOT: return lay_out_root (self, node, style);
  case PARLEY_NODE_ACCENT: return lay_out_accent (self, node, style);
  case PARLEY_NODE_FENCED:
    return fence (self, node->text->str, lay_out (self, nth (node, 0), style), node->right, style);
  case PARLEY_NODE_TABLE: return lay_out_table (self, node, style);
  case PARLEY_NODE_BREAK:
  case PARLEY_NODE_RAISED:
  case PARLEY_NODE_LOWERED: break; /* of rows, which see to them */
  }
  return box_new ();
}

/* ---- the whole ---- */

static double
letter_size (PangoContext *context)
{
  const PangoFontDescription *font = pango_context_get_font_description (context);
  double size = (double) pango_font_description_get_size (font) / PANGO_SCALE;
  double resolution = pango_cairo_context_get_resolution (context);

  if (!pango_font_description_get_size_is_absolute (font))
    size *= (resolution > 0 ? resolution : 96) / 72;
  return size > 0 ? size : 15;
}

ParleyFormulaLayout *
parley_formula_layout_new (PangoContext *context, const ParleyMathNode *formula)
{
  ParleyFormulaLayout *self = g_new0 (ParleyFormulaLayout, 1);

  self->context = g_object_ref (context);
  self->size = letter_size (context) * 1.12;
  self->box = lay_out (self, formula, (Style){ self->size, TRUE });
  return self;
}

void
parley_formula_layout_free (ParleyFormulaLayout *self)
{
  if (self == NULL)
    return;
  box_free (self->box);
  g_object_unref (self->context);
  g_free (self);
}

void
parley_formula_layout_get_size (const ParleyFormulaLayout *self, int *width, int *height)
{
  if (width != NULL)
    *width = (int) ceil (self->box->width);
  if (height != NULL)
    *height = (int) (ceil (self->box->ascent) + ceil (self->box->descent));
}

void
parley_formula_layout_snapshot (const ParleyFormulaLayout *self, GtkSnapshot *snapshot,
                                const GdkRGBA *colour)
{
  double baseline = ceil (self->box->ascent);

  for (guint i = 0; i < self->box->items->len; i++) {
    const Item *item = &g_array_index (self->box->items, Item, i);
    gtk_snapshot_save (snapshot);
    gtk_snapshot_translate (snapshot,
                            &GRAPHENE_POINT_INIT ((float) item->x, (float) (item->y + baseline)));
    if (item->kind == ITEM_TEXT)
      gtk_snapshot_append_layout (snapshot, item->text, colour);
    else
      parley_stroke_draw (item->stroke, snapshot, item->width, item->height, item->thickness,
                          colour);
    gtk_snapshot_restore (snapshot);
  }
}
