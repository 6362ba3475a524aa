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

/* What models write besides: other commands for the same, commands without braces, signs that stand
 * alone. */
static void
habits (void)
{
  static const struct {
    const char *latex, *text;
  } written[] = {
    { "x \\in [-1, 1]", "x ∈ [−1, 1]" },
    { "x = \\pm\\sqrt{2}", "x = ±√2" },
    { "\\alpha\\sin x + \\pi\\cos\\theta", "α sin x + π cos θ" },
    { "\\sin^2\\theta + \\cos^2\\theta = 1", "sin^(2) θ + cos^(2) θ = 1" },
    { "\\log_2 n", "log_(2) n" },
    { "|-3| + a|-b| - |x| - 1", "|−3| + a|−b| − |x| − 1" },
    { "2 \\cdot -3", "2 · −3" },
    { "\\lim_{x \\to 0^+} \\frac{1}{x} = +\\infty", "lim_(x→0^(+)) 1/x = +∞" },
    { "\\boldsymbol{\\theta} + \\mathbf{\\Sigma} + \\mathbf{x}^\\top \\mathbf y",
      "𝛉 + 𝚺 + 𝐱^(⊤)𝐲" },
    { "\\mathbb R^n", "ℝ^(n)" },
    { "\\operatorname*{argmax}_{x} f(x)", "argmax_(x) f(x)" },
    { "\\arg\\max_{\\theta} L(\\theta)", "arg max_(θ) L(θ)" },
    { "\\operatorname{arg\\,min}_x", "arg min_(x)" },
    { "\\mathrm{d}x + \\mathrm{H_2O}", "dx + H_(2)O" },
    { "\\underbrace{a + b}_{n}", "a + b_(n)" },
    { "\\overbrace{x}^{k}", "x^(k)" },
    { "A \\xrightarrow[below]{above} B", "A →^(above) B" },
    { "a \\overset{\\text{def}}{=} b", "a =^(def) b" },
    { "\\sum_{\\substack{0<i<m \\\\ 0<j<n}} P(i,j)", "∑_(0<i<m, 0<j<n) P(i, j)" },
    { "\\bigoplus_{i} V_i \\bigl( x \\bigr)", "⨁_(i) V_(i)(x)" },
    { "x^2 \\tag{1} \\label{eq:1}", "x^(2)    (1)" },
    { "\\cancel{x} + \\bcancel{2y}", "x\u0338 + 2\u0338y\u0338" },
    { "\\text{if $x > 0$ and 50\\%}", "if x > 0 and 50%" },
    { "\\begin{dcases} 1 & x \\\\ 2 & y \\end{dcases}", "{ 1  x\n  2  y" },
    { "\\begin{align*} A &= \\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix} \\\\ &= B "
      "\\end{align*}",
      "A = (a  b; c  d)\n = B" },
    { "x \\not\\in A \\not= B", "x ∉ A ≠ B" },
    { "f: A \\to B, f^{\\prime}(x) = f'(x)", "f: A → B, f′(x) = f′(x)" },
    { "1{,}000 + 1,234,567 + (1,2) + x_{i,j}", "1,000 + 1,234,567 + (1, 2) + x_(i,j)" },
    { "a := b", "a := b" },
    { "\\ce{2H2 + O2 -> 2H2O} \\ce{SO4^{2-}} \\ce{Na+}",
      "2H_(2) + O_(2) → 2H_(2)OSO_(4)^(2-)Na^(+)" },
    { "\\hat{\\mathbf{x}}, \\overline{AB}, \\dddot{x}", "𝐱\u0302, A\u0305B\u0305, x\u20db" },
    { "\\mathcal{L}\\{f\\} = F(s)", "ℒ{f} = F(s)" },
    { "\\left. \\frac{df}{dx} \\right|_{x=0}", "df/dx|_(x=0)" },
    { "\\begin{array}{|c|c|} \\hline a & b \\\\ \\hline c & d \\end{array}", "a  b; c  d" },
    { "a \\equiv b \\pmod{n}, a \\bmod n", "a ≡ b (mod n), a mod n" },
    { "\\frac12 + x^\\frac{1}{2} + \\sqrt2", "1/2 + x^(1/2) + √2" },
    { "A \\cup B \\cap C \\setminus D, A^{\\circ}, 90^\\circ", "A ∪ B ∩ C ∖ D, A^(∘), 90^(∘)" },
    { "\\textcolor{red}{x} + \\color{blue} y", "x + y" },
    { "\\mathbf{F} = -\\nabla U", "𝐅 = −∇U" },
    { "\\unknown{x}", "\\unknownx" },
    { "\\Bigg| \\bigcup_{i=1}^n A_i \\Bigg|", "|⋃_(i=1)^(n) A_(i)|" },
    { "\\vec{v} \\cdot \\vec{w} = \\|v\\| \\|w\\| \\cos\\theta",
      "v\u20d7 · w\u20d7 = ‖v‖‖w‖ cos θ" },
    { "P(A \\mid B)", "P(A ∣ B)" },
    { "\\begin{bmatrix} 1 & 0 \\\\[4pt] 0 & 1 \\end{bmatrix}", "[1  0; 0  1]" },
    { "\\int_a^b f(x)\\,\\mathrm{d}x", "∫_(a)^(b) f(x) dx" },
    { "n! = \\prod_{k=1}^{n} k", "n! = ∏_(k=1)^(n) k" },
    { "x \\mapsto x^2", "x ↦ x^(2)" },
    { "\\left\\{ x \\in \\mathbb{R} \\;\\middle|\\; x^2 < 2 \\right\\}", "{x ∈ ℝ | x^(2) < 2}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (written); i++) {
    g_autofree char *text = render (written[i].latex);
    CHECK_STR (text, written[i].text);
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
  check_tree ("From $5 to 10$", "[p:From $5 to 10$]");
  check_tree ("$5/$10, US$5/AU$7, $100k–$200k", "[p:$5/$10, US$5/AU$7, $100k–$200k]");
  check_tree ("$HOME/$USER and $PATH:$HOME", "[p:$HOME/$USER and $PATH:$HOME]");
  check_tree ("$2x$ of $3 + 4$, the $n$th", "[p:2x of 3 + 4, the nth]");
  check_tree ("\\begin{align}\na &= b\n\\end{align}\nso", "[formula:a = b][p:so]");
  check_tree ("so\n\\begin{equation*}\na\n\\end{equation*}", "[p:so][formula:a]");
  check_tree ("in \\begin{align}a\\end{align}", "[p:in \\begin{align}a\\end{align}]");
  check_tree ("\\begin{align}\na", "[p:\\begin{align} a]");
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
  /* Openings alone, and with one end far behind: no square of their number. */
  static const char *const openings[] = { "\\(", "\\[", "$$x", "\\begin{gather*}\n", "$x " };
  for (gsize i = 0; i < G_N_ELEMENTS (openings); i++) {
    g_autoptr (GString) many = g_string_new (NULL);
    while (many->len < 500000)
      g_string_append (many, openings[i]);
    gint64 start = g_get_monotonic_time ();
    g_autoptr (GArray) none = parley_math_find (many->str, many->len);
    CHECK_MSG (g_get_monotonic_time () - start < 2 * G_TIME_SPAN_SECOND, "%s", openings[i]);
  }
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
  RUN (habits);
  RUN (formulas_in_text);
  RUN (hostile_formulas);
  return test_done ();
}
