/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Formulas as readable text: forty that models write, where they are found, and hostile ones.
 */
#include "app/text/parley-math.h"
#include "app/text/parley-markdown.h"
#include "tests/harness.h"
#include "tests/unit/formulas.h"

/* Raised stretches in ^(…), lowered ones in _(…). */
static char *
render (const char *latex)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));
  GString *out = g_string_new (NULL);

  g_autoptr (ParleyMathNode) formula = parley_math_parse (latex, strlen (latex));
  parley_math_append (text, runs, formula);
  for (gsize i = 0; i <= text->len; i++) {
    for (guint r = 0; r < runs->len; r++)
      if (g_array_index (runs, ParleyMathRun, r).end == i)
        g_string_append_c (out, ')');
    for (guint r = 0; r < runs->len; r++) {
      const ParleyMathRun *run = &g_array_index (runs, ParleyMathRun, r);
      CHECK (run->start < run->end && run->end <= text->len);
      if (run->start == i)
        g_string_append (out, run->script == PARLEY_MATH_RAISED ? "^(" : "_(");
    }
    if (i < text->len)
      g_string_append_c (out, text->str[i]);
  }
  return g_string_free (out, FALSE);
}

static void
forty_formulas (void)
{
  CHECK (G_N_ELEMENTS (formulas) == 40);
  for (gsize i = 0; i < G_N_ELEMENTS (formulas); i++) {
    g_autofree char *text = render (formulas[i].latex);
    CHECK_STR (text, formulas[i].text);
  }
}

static void
check_tree (const char *markdown, const char *expected)
{
  g_autoptr (ParleyBlock) tree = parley_markdown_parse (markdown, strlen (markdown));
  g_autofree char *description = parley_block_describe (tree);
  CHECK_STR (description, expected);
}

static void
formulas_in_text (void)
{
  check_tree ("So $x^2$ grows.", "[p:So x^{2} grows.]");
  check_tree ("So \\(x_1*y*z\\) **is**", "[p:So x,{1}*y*z *{is}]");
  check_tree ("Then\n\\[ a = b \\]\nholds", "[p:Then][formula:a = b][p:holds]");
  check_tree ("$$\n\\frac{1}{2}\n$$", "[formula:1/2]");
  check_tree ("- one $$a$$\n- $$b$$ two", "[list[li[p:one][formula:a]][li[formula:b][p:two]]]");
  check_tree ("a $$b$$ $$c$$ **d $$e$$ f**",
              "[p:a][formula:b][formula:c][p:*{d}][formula:e][p:*{f}]");
  check_tree ("# Of $$x$$", "[h1:Of\nx]");
  check_tree ("| $$x$$ |\n|---|", "[table1[tr[td!:x]]]");
  check_tree ("It costs $5 and $10.", "[p:It costs $5 and $10.]");
  check_tree ("From $5 to 10$", "[p:From 5to10]");
  check_tree ("`$x$` and `\\(y\\)`", "[p:`{$x$} and `{\\(y\\)}]");
  check_tree ("```\n$a_b$\n```", "[code:$a_b$]");
  check_tree ("    $a_b$ indented", "[code:$a_b$ indented]");
  check_tree ("\\$5 is $x$", "[p:$5 is x]");
  check_tree ("unclosed $x", "[p:unclosed $x]");
  check_tree ("$$a\n\nb$$", "[p:$$a][p:b$$]");
  check_tree ("\xee\x83\xb0"
              "0\xee\x83\xb1 $x$",
              "[p:\xee\x83\xb0"
              "0\xee\x83\xb1 $x$]");
  check_tree ("| a |\n|---|\n| $x^2$ |", "[table1[tr[td!:a]][tr[td:x^{2}]]]");
}

static void
hostile_formulas (void)
{
  guint seed = 7;
  g_autoptr (GString) deep = g_string_new ("$");

  for (guint i = 0; i < 20000; i++)
    g_string_append (deep, "\\frac{");
  g_string_append (deep, "1$");
  g_autoptr (ParleyBlock) tree = parley_markdown_parse (deep->str, deep->len);
  CHECK (tree->children->len > 0);
  for (int round = 0; round < 3000; round++) {
    static const char *const pieces[] = { "$",
                                          "\\(",
                                          "\\)",
                                          "\\[",
                                          "\\]",
                                          "{",
                                          "}",
                                          "^",
                                          "_",
                                          "\\frac",
                                          "\\sqrt",
                                          "[",
                                          "]",
                                          "x",
                                          "\\begin{cases}",
                                          "\\end{cases}",
                                          "&",
                                          "\\\\",
                                          " ",
                                          "\n",
                                          "\\text{",
                                          "\\hat",
                                          "\\left",
                                          "\\right",
                                          "\\begin{pmatrix}",
                                          "\\end{pmatrix}",
                                          "\\overset",
                                          "\\binom",
                                          "\\not",
                                          "∑",
                                          "$$",
                                          "`",
                                          "é",
                                          "\\",
                                          "*",
                                          "\\mathbb{R",
                                          "\xff" };
    g_autoptr (GString) text = g_string_new (NULL);
    for (guint i = 0; i < 24; i++) {
      seed = seed * 1664525u + 1013904223u;
      g_string_append (text, pieces[(seed >> 16) % G_N_ELEMENTS (pieces)]);
    }
    g_autoptr (ParleyBlock) any = parley_markdown_parse (text->str, text->len);
    g_autofree char *plain = parley_block_plain_text (any);
    CHECK (g_utf8_validate (plain, -1, NULL));
    g_free (render (text->str));
  }
}

int
main (void)
{
  RUN (forty_formulas);
  RUN (formulas_in_text);
  RUN (hostile_formulas);
  return test_done ();
}
