/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math-symbols.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name, *text;
} Symbol;

/* By name, in the order of bytes. Relations and binary signs bring their spaces. */
static const Symbol symbols[] = {
  { " ", " " },
  { "!", "" },
  { "#", "#" },
  { "$", "$" },
  { "%", "%" },
  { "&", "&" },
  { ",", " " },
  { ":", " " },
  { ";", " " },
  { "Delta", "Δ" },
  { "Gamma", "Γ" },
  { "Im", "ℑ" },
  { "Lambda", "Λ" },
  { "Leftarrow", " ⇐ " },
  { "Leftrightarrow", " ⇔ " },
  { "Longrightarrow", " ⟹ " },
  { "Omega", "Ω" },
  { "P", "¶" },
  { "Phi", "Φ" },
  { "Pi", "Π" },
  { "Psi", "Ψ" },
  { "Re", "ℜ" },
  { "Rightarrow", " ⇒ " },
  { "S", "§" },
  { "Sigma", "Σ" },
  { "Theta", "Θ" },
  { "Upsilon", "Υ" },
  { "Vert", "‖" },
  { "Xi", "Ξ" },
  { "\\", "\n" },
  { "_", "_" },
  { "aleph", "ℵ" },
  { "alpha", "α" },
  { "angle", "∠" },
  { "approx", " ≈ " },
  { "ast", "∗" },
  { "asymp", " ≍ " },
  { "backslash", "\\" },
  { "because", "∵" },
  { "beta", "β" },
  { "bigcap", "⋂" },
  { "bigcup", "⋃" },
  { "blacksquare", "■" },
  { "bmod", " mod " },
  { "bot", "⊥" },
  { "bullet", "∙" },
  { "cap", "∩" },
  { "cdot", "·" },
  { "cdots", "⋯" },
  { "checkmark", "✓" },
  { "chi", "χ" },
  { "circ", "∘" },
  { "colon", ":" },
  { "cong", " ≅ " },
  { "coprod", "∐" },
  { "cup", "∪" },
  { "dagger", "†" },
  { "ddagger", "‡" },
  { "ddots", "⋱" },
  { "degree", "°" },
  { "delta", "δ" },
  { "displaystyle", "" },
  { "div", " ÷ " },
  { "doteq", " ≐ " },
  { "dots", "…" },
  { "dotsb", "⋯" },
  { "dotsc", "…" },
  { "downarrow", " ↓ " },
  { "ell", "ℓ" },
  { "emptyset", "∅" },
  { "epsilon", "ϵ" },
  { "equiv", " ≡ " },
  { "eta", "η" },
  { "exists", "∃" },
  { "forall", "∀" },
  { "gamma", "γ" },
  { "ge", " ≥ " },
  { "geq", " ≥ " },
  { "geqslant", " ⩾ " },
  { "gg", " ≫ " },
  { "gtrsim", " ≳ " },
  { "hbar", "ℏ" },
  { "hookrightarrow", " ↪ " },
  { "iff", " ⇔ " },
  { "iiint", "∭" },
  { "iint", "∬" },
  { "imath", "ı" },
  { "impliedby", " ⇐ " },
  { "implies", " ⇒ " },
  { "in", " ∈ " },
  { "infty", "∞" },
  { "int", "∫" },
  { "iota", "ι" },
  { "jmath", "ȷ" },
  { "kappa", "κ" },
  { "lVert", "‖" },
  { "lambda", "λ" },
  { "land", "∧" },
  { "langle", "⟨" },
  { "lceil", "⌈" },
  { "ldots", "…" },
  { "le", " ≤ " },
  { "leftarrow", " ← " },
  { "leftrightarrow", " ↔ " },
  { "leq", " ≤ " },
  { "leqslant", " ⩽ " },
  { "lesssim", " ≲ " },
  { "lfloor", "⌊" },
  { "limits", "" },
  { "ll", " ≪ " },
  { "lnot", "¬" },
  { "longmapsto", " ⟼ " },
  { "longrightarrow", " ⟶ " },
  { "lor", "∨" },
  { "lvert", "|" },
  { "mapsto", " ↦ " },
  { "mid", "∣" },
  { "middle", "" },
  { "mod", " mod " },
  { "models", " ⊨ " },
  { "mp", " ∓ " },
  { "mu", "μ" },
  { "nabla", "∇" },
  { "ne", " ≠ " },
  { "neg", "¬" },
  { "neq", " ≠ " },
  { "nexists", "∄" },
  { "ni", " ∋ " },
  { "nolimits", "" },
  { "nonumber", "" },
  { "notin", " ∉ " },
  { "nu", "ν" },
  { "odot", "⊙" },
  { "oint", "∮" },
  { "omega", "ω" },
  { "ominus", "⊖" },
  { "oplus", "⊕" },
  { "otimes", "⊗" },
  { "parallel", "∥" },
  { "partial", "∂" },
  { "perp", "⊥" },
  { "phi", "ϕ" },
  { "pi", "π" },
  { "pm", " ± " },
  { "pmod", " mod " },
  { "prec", " ≺ " },
  { "preceq", " ⪯ " },
  { "prime", "′" },
  { "prod", "∏" },
  { "propto", " ∝ " },
  { "psi", "ψ" },
  { "qquad", "    " },
  { "quad", "  " },
  { "rVert", "‖" },
  { "rangle", "⟩" },
  { "rceil", "⌉" },
  { "rfloor", "⌋" },
  { "rho", "ρ" },
  { "rightarrow", " → " },
  { "rightharpoonup", " ⇀ " },
  { "rvert", "|" },
  { "scriptstyle", "" },
  { "setminus", "∖" },
  { "sigma", "σ" },
  { "sim", " ∼ " },
  { "simeq", " ≃ " },
  { "sqcap", "⊓" },
  { "sqcup", "⊔" },
  { "square", "□" },
  { "star", "⋆" },
  { "subset", " ⊂ " },
  { "subseteq", " ⊆ " },
  { "subsetneq", " ⊊ " },
  { "succ", " ≻ " },
  { "succeq", " ⪰ " },
  { "sum", "∑" },
  { "supset", " ⊃ " },
  { "supseteq", " ⊇ " },
  { "surd", "√" },
  { "tau", "τ" },
  { "textstyle", "" },
  { "therefore", "∴" },
  { "theta", "θ" },
  { "times", " × " },
  { "to", " → " },
  { "top", "⊤" },
  { "triangle", "△" },
  { "triangleq", " ≜ " },
  { "uparrow", " ↑ " },
  { "uplus", "⊎" },
  { "upsilon", "υ" },
  { "varepsilon", "ε" },
  { "varnothing", "∅" },
  { "varphi", "φ" },
  { "varpi", "ϖ" },
  { "varrho", "ϱ" },
  { "varsigma", "ς" },
  { "vartheta", "ϑ" },
  { "vdash", " ⊢ " },
  { "vdots", "⋮" },
  { "vee", "∨" },
  { "vert", "|" },
  { "wedge", "∧" },
  { "wp", "℘" },
  { "xi", "ξ" },
  { "xrightarrow", " → " },
  { "zeta", "ζ" },
  { "{", "{" },
  { "|", "‖" },
  { "}", "}" },
};

static int
compare (const void *name, const void *symbol)
{
  return strcmp (name, ((const Symbol *) symbol)->name);
}

const char *
parley_math_symbol (const char *command)
{
  const Symbol *found =
      bsearch (command, symbols, G_N_ELEMENTS (symbols), sizeof symbols[0], compare);

  return found != NULL ? found->text : NULL;
}

gboolean
parley_math_is_function (const char *command)
{
  static const char *const names[] = {
    "sin",  "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh",
    "tanh", "log", "ln",  "lg",  "exp", "lim", "limsup", "liminf", "max",    "min",  "sup",
    "inf",  "det", "dim", "ker", "gcd", "arg", "deg",    "hom",    "Pr",     NULL
  };

  return g_strv_contains (names, command);
}

const char *
parley_math_accent (const char *command)
{
  static const Symbol marks[] = {
    { "hat", "\u0302" },      { "widehat", "\u0302" },   { "bar", "\u0304" },
    { "overline", "\u0305" }, { "vec", "\u20d7" },       { "dot", "\u0307" },
    { "ddot", "\u0308" },     { "tilde", "\u0303" },     { "widetilde", "\u0303" },
    { "check", "\u030c" },    { "underline", "\u0332" }, { "overrightarrow", "\u20d7" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (marks); i++)
    if (strcmp (marks[i].name, command) == 0)
      return marks[i].text;
  return NULL;
}

/* Where an alphabet has a letter of its own; A and a are the others counted from. */
typedef struct {
  const char *name;
  gunichar capital, small, digit; /* 0: none */
} Alphabet;

static const Alphabet alphabets[] = {
  { "mathbb", 0x1d538, 0x1d552, 0x1d7d8 }, { "mathcal", 0x1d49c, 0x1d4b6, 0 },
  { "mathscr", 0x1d49c, 0x1d4b6, 0 },      { "mathfrak", 0x1d504, 0x1d51e, 0 },
  { "mathbf", 0x1d400, 0x1d41a, 0x1d7ce }, { "boldsymbol", 0x1d400, 0x1d41a, 0x1d7ce },
  { "bm", 0x1d400, 0x1d41a, 0x1d7ce },     { "mathsf", 0x1d5a0, 0x1d5ba, 0x1d7e2 },
  { "mathtt", 0x1d670, 0x1d68a, 0x1d7f6 },
};

static const Alphabet *
find_alphabet (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (alphabets); i++)
    if (strcmp (alphabets[i].name, name) == 0)
      return &alphabets[i];
  return NULL;
}

gboolean
parley_math_is_alphabet (const char *command)
{
  return find_alphabet (command) != NULL;
}

/* Letters that Unicode had before it had the alphabets. */
static const char *
old_letter (gunichar first, char letter)
{
  static const struct {
    gunichar alphabet;
    char letter;
    const char *text;
  } letters[] = {
    { 0x1d538, 'C', "ℂ" }, { 0x1d538, 'H', "ℍ" }, { 0x1d538, 'N', "ℕ" }, { 0x1d538, 'P', "ℙ" },
    { 0x1d538, 'Q', "ℚ" }, { 0x1d538, 'R', "ℝ" }, { 0x1d538, 'Z', "ℤ" }, { 0x1d49c, 'B', "ℬ" },
    { 0x1d49c, 'E', "ℰ" }, { 0x1d49c, 'F', "ℱ" }, { 0x1d49c, 'H', "ℋ" }, { 0x1d49c, 'I', "ℐ" },
    { 0x1d49c, 'L', "ℒ" }, { 0x1d49c, 'M', "ℳ" }, { 0x1d49c, 'R', "ℛ" }, { 0x1d49c, 'e', "ℯ" },
    { 0x1d49c, 'g', "ℊ" }, { 0x1d49c, 'o', "ℴ" }, { 0x1d504, 'C', "ℭ" }, { 0x1d504, 'H', "ℌ" },
    { 0x1d504, 'I', "ℑ" }, { 0x1d504, 'R', "ℜ" }, { 0x1d504, 'Z', "ℨ" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (letters); i++)
    if (letters[i].alphabet == first && letters[i].letter == letter)
      return letters[i].text;
  return NULL;
}

const char *
parley_math_letter (const char *name, char letter)
{
  const Alphabet *alphabet = find_alphabet (name);
  static char text[8];
  gunichar c = 0;

  if (alphabet == NULL)
    return NULL;
  const char *old = old_letter (alphabet->capital, letter);
  if (old != NULL)
    return old;
  if (g_ascii_isupper (letter))
    c = alphabet->capital + (gunichar) (letter - 'A');
  else if (g_ascii_islower (letter))
    c = alphabet->small + (gunichar) (letter - 'a');
  else if (g_ascii_isdigit (letter) && alphabet->digit != 0)
    c = alphabet->digit + (gunichar) (letter - '0');
  if (c == 0)
    return NULL;
  text[g_unichar_to_utf8 (c, text)] = '\0';
  return text;
}
