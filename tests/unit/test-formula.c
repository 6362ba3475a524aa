/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Formulas in two dimensions: what is above what takes room, and nothing hostile is without bounds.
 */
#include "app/reply/parley-formula-layout.h"
#include "tests/harness.h"
#include "tests/unit/formulas.h"

#include <math.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
/* Which fonts there are is asked once and kept by the library that knows them. */
const char *__lsan_default_suppressions (void);
const char *
__lsan_default_suppressions (void)
{
  return "leak:libfontconfig.so\n";
}
#endif

static PangoContext *context;

static void
size_of (const char *latex, int *width, int *height)
{
  g_autoptr (ParleyMathNode) formula = parley_math_parse (latex, strlen (latex));
  CHECK_MSG (parley_math_is_drawable (formula), "%s", latex);
  ParleyFormulaLayout *layout = parley_formula_layout_new (context, formula);
  parley_formula_layout_get_size (layout, width, height);
  parley_formula_layout_free (layout);
}

static int
width_of (const char *latex)
{
  int width;

  size_of (latex, &width, NULL);
  return width;
}

static int
height_of (const char *latex)
{
  int height;

  size_of (latex, NULL, &height);
  return height;
}

static void
forty_formulas_have_a_size (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (formulas); i++) {
    int width, height;
    size_of (formulas[i].latex, &width, &height);
    CHECK_MSG (width > 5 && width < 1000 && height > 5 && height < 150, "%s: %d × %d",
               formulas[i].latex, width, height);
  }
}

static void
things_stand_above_each_other (void)
{
  CHECK (height_of ("\\frac{a}{b}") > height_of ("a") + height_of ("b"));
  CHECK (width_of ("\\frac{a}{b}") < width_of ("a/b"));
  CHECK (height_of ("\\frac{\\frac{a}{b}}{c}") > height_of ("\\frac{a}{b}"));
  CHECK (height_of ("\\sum_{i=1}^{n}") > height_of ("\\sum_{i=1}"));
  CHECK (height_of ("\\sum_{i=1}") > height_of ("\\sum"));
  CHECK (width_of ("\\int_0^1") > width_of ("\\int"));
  CHECK (height_of ("\\lim_{x \\to 0}") > height_of ("\\lim") * 3 / 2);
  CHECK (height_of ("x^2") > height_of ("x"));
  CHECK (width_of ("x_1^2") < width_of ("x_1 2"));
  CHECK (height_of ("\\sqrt{x}") > height_of ("x"));
  CHECK (width_of ("\\sqrt[3]{x}") >= width_of ("\\sqrt{x}"));
  CHECK (height_of ("\\left(\\frac{a}{b}\\right)") >= height_of ("\\frac{a}{b}"));
  CHECK (height_of ("\\overline{AB}") > height_of ("AB"));
  CHECK (height_of ("a \\\\ b \\\\ c") > 2 * height_of ("a \\\\ b") / 2);
}

static void
marks_go_with_the_whole (void)
{
  CHECK (height_of ("\\boxed{x}") > height_of ("x") && width_of ("\\boxed{x}") > width_of ("x"));
  CHECK (height_of ("\\underbrace{a + b}") > height_of ("a + b"));
  CHECK (height_of ("\\overbrace{x}^{k}") > height_of ("\\overbrace{x}"));
  /* Below the brace, and not beside what is above it. */
  CHECK (width_of ("\\underbrace{a + b + c}_{n}") < width_of ("a + b + c_{n}"));
  CHECK (height_of ("\\underbrace{abc}_{n}") > height_of ("\\underbrace{abc}") + 5);
  CHECK (width_of ("\\cancel{xy}") == width_of ("xy"));
  CHECK (height_of ("a \\overset{!}{=} b") > height_of ("a = b"));
  CHECK (width_of ("a \\overset{!}{=} b") < width_of ("a = ! b"));
  CHECK (height_of ("\\ddot{xy}") > height_of ("xy"));
  CHECK (width_of ("\\sum_{i=1}^{n} x") < width_of ("\\sum{i = 1}^{n} x"));
}

static void
tables_have_rows_and_columns (void)
{
  int two = height_of ("\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}");
  CHECK (height_of ("\\begin{pmatrix} a & b \\\\ c & d \\\\ e & f \\end{pmatrix}") > two);
  CHECK (width_of ("\\begin{pmatrix} a & b & c \\end{pmatrix}") >
         width_of ("\\begin{pmatrix} a & b \\end{pmatrix}"));
  CHECK (width_of ("\\begin{aligned} a &= b \\\\ long &= b \\end{aligned}") ==
         width_of ("\\begin{aligned} long &= b \\\\ a &= b \\end{aligned}"));
  CHECK (height_of ("\\begin{cases} 1 \\\\ 2 & x \\end{cases}") > height_of ("1"));
  CHECK (height_of ("\\begin{matrix}\\end{matrix}") >= 0);
}

static void
what_is_too_much_is_not_drawn (void)
{
  g_autoptr (GString) many = g_string_new (NULL);

  for (guint i = 0; i < 2000; i++)
    g_string_append (many, "a^b");
  g_autoptr (ParleyMathNode) formula = parley_math_parse (many->str, many->len);
  CHECK (!parley_math_is_drawable (formula));
  g_string_assign (many, "\\begin{matrix}");
  for (guint i = 0; i < 2000; i++)
    g_string_append (many, "&\\\\");
  g_autoptr (ParleyMathNode) table = parley_math_parse (many->str, many->len);
  CHECK (!parley_math_is_drawable (table));
}

static void
hostile_formulas_are_laid_out (void)
{
  static const char *const pieces[] = {
    "{",
    "}",
    "^",
    "_",
    "\\frac",
    "\\sqrt",
    "[",
    "]",
    "x",
    "&",
    "\\\\",
    " ",
    "\\text{",
    "\\hat",
    "|",
    "\\left(",
    "\\right)",
    "\\left",
    "\\right",
    "\\binom",
    "\\sum",
    "\\int",
    "∑",
    "\\overline",
    "\\overset",
    "\\not",
    "\xff",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "\\begin{cases}",
    "\\widehat",
    "\u202e",
    "\u0301",
    "\\begin{aligned}",
  };
  guint seed = 11;

  for (int round = 0; round < 400; round++) {
    g_autoptr (GString) text = g_string_new (NULL);
    for (guint i = 0; i < 30; i++) {
      seed = seed * 1664525u + 1013904223u;
      g_string_append (text, pieces[(seed >> 16) % G_N_ELEMENTS (pieces)]);
    }
    int width, height;
    size_of (text->str, &width, &height);
    CHECK_MSG (width >= 0 && width < 10000 && height >= 0 && height < 10000, "%s: %d × %d",
               text->str, width, height);
  }
}

int
main (void)
{
  PangoFontMap *fonts = pango_cairo_font_map_new ();

  context = pango_font_map_create_context (fonts);
  g_autoptr (PangoFontDescription) font = pango_font_description_from_string ("Sans 11");
  pango_context_set_font_description (context, font);
  RUN (forty_formulas_have_a_size);
  RUN (things_stand_above_each_other);
  RUN (marks_go_with_the_whole);
  RUN (tables_have_rows_and_columns);
  RUN (what_is_too_much_is_not_drawn);
  RUN (hostile_formulas_are_laid_out);
  g_object_unref (context);
  g_object_unref (fonts);
  return test_done ();
}
