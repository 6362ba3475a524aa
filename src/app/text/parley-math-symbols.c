/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-math-symbols.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name, *text;
} Symbol;

/* By name, in the order of bytes. Relations and signs between things have a space on
 * both sides, which they bring where there is room. */
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
  { "Box", "□" },
  { "Delta", "Δ" },
  { "Diamond", "◊" },
  { "Downarrow", "⇓" },
  { "Gamma", "Γ" },
  { "Im", "ℑ" },
  { "Lambda", "Λ" },
  { "Leftarrow", " ⇐ " },
  { "Leftrightarrow", " ⇔ " },
  { "Longleftarrow", " ⟸ " },
  { "Longleftrightarrow", " ⟺ " },
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
  { "Uparrow", "⇑" },
  { "Upsilon", "Υ" },
  { "Vdash", " ⊩ " },
  { "Vert", "‖" },
  { "Xi", "Ξ" },
  { "\\", "\n" },
  { "_", "_" },
  { "aleph", "ℵ" },
  { "alpha", "α" },
  { "amalg", " ⨿ " },
  { "angle", "∠" },
  { "approx", " ≈ " },
  { "approxeq", " ≊ " },
  { "ast", " ∗ " },
  { "asymp", " ≍ " },
  { "backslash", "\\" },
  { "because", " ∵ " },
  { "beta", "β" },
  { "beth", "ℶ" },
  { "bigcap", "⋂" },
  { "bigcirc", "◯" },
  { "bigcup", "⋃" },
  { "bigodot", "⨀" },
  { "bigoplus", "⨁" },
  { "bigotimes", "⨂" },
  { "bigsqcup", "⨆" },
  { "bigstar", "★" },
  { "biguplus", "⨄" },
  { "bigvee", "⋁" },
  { "bigwedge", "⋀" },
  { "blacksquare", "■" },
  { "blacktriangle", "▲" },
  { "bmod", " mod " },
  { "bot", "⊥" },
  { "bowtie", " ⋈ " },
  { "bullet", " ∙ " },
  { "cap", " ∩ " },
  { "cdot", " · " },
  { "cdotp", "·" },
  { "cdots", "⋯" },
  { "checkmark", "✓" },
  { "chi", "χ" },
  { "circ", " ∘ " },
  { "clubsuit", "♣" },
  { "colon", ":" },
  { "coloneq", " ≔ " },
  { "coloneqq", " ≔ " },
  { "complement", "∁" },
  { "cong", " ≅ " },
  { "coprod", "∐" },
  { "copyright", "©" },
  { "cup", " ∪ " },
  { "dag", "†" },
  { "dagger", "†" },
  { "dashv", " ⊣ " },
  { "dblcolon", "∷" },
  { "ddag", "‡" },
  { "ddagger", "‡" },
  { "ddots", "⋱" },
  { "degree", "°" },
  { "delta", "δ" },
  { "diamond", " ⋄ " },
  { "diamondsuit", "♢" },
  { "digamma", "ϝ" },
  { "div", " ÷ " },
  { "doteq", " ≐ " },
  { "dots", "…" },
  { "dotsb", "⋯" },
  { "dotsc", "…" },
  { "dotsi", "⋯" },
  { "dotsm", "⋯" },
  { "dotso", "…" },
  { "downarrow", " ↓ " },
  { "ell", "ℓ" },
  { "emptyset", "∅" },
  { "enspace", " " },
  { "epsilon", "ϵ" },
  { "eqqcolon", " ≕ " },
  { "equiv", " ≡ " },
  { "eta", "η" },
  { "eth", "ð" },
  { "euro", "€" },
  { "exists", "∃" },
  { "flat", "♭" },
  { "forall", "∀" },
  { "frown", " ⌢ " },
  { "gamma", "γ" },
  { "ge", " ≥ " },
  { "geq", " ≥ " },
  { "geqslant", " ⩾ " },
  { "gets", " ← " },
  { "gg", " ≫ " },
  { "ggg", " ⋙ " },
  { "gimel", "ℷ" },
  { "gt", " > " },
  { "gtrless", " ≷ " },
  { "gtrsim", " ≳ " },
  { "hbar", "ℏ" },
  { "heartsuit", "♡" },
  { "hookleftarrow", " ↩ " },
  { "hookrightarrow", " ↪ " },
  { "hslash", "ℏ" },
  { "iff", " ⇔ " },
  { "iiiint", "⨌" },
  { "iiint", "∭" },
  { "iint", "∬" },
  { "imath", "ı" },
  { "impliedby", " ⇐ " },
  { "implies", " ⇒ " },
  { "in", " ∈ " },
  { "infty", "∞" },
  { "int", "∫" },
  { "intercal", "⊺" },
  { "iota", "ι" },
  { "jmath", "ȷ" },
  { "kappa", "κ" },
  { "lVert", "‖" },
  { "lambda", "λ" },
  { "land", " ∧ " },
  { "langle", "⟨" },
  { "lbrace", "{" },
  { "lbrack", "[" },
  { "lceil", "⌈" },
  { "ldotp", "." },
  { "ldots", "…" },
  { "le", " ≤ " },
  { "leadsto", " ⇝ " },
  { "leftarrow", " ← " },
  { "leftharpoonup", " ↼ " },
  { "leftrightarrow", " ↔ " },
  { "leftrightarrows", " ⇆ " },
  { "leftrightharpoons", " ⇋ " },
  { "leq", " ≤ " },
  { "leqslant", " ⩽ " },
  { "lessgtr", " ≶ " },
  { "lesssim", " ≲ " },
  { "lfloor", "⌊" },
  { "lhd", " ⊲ " },
  { "ll", " ≪ " },
  { "lll", " ⋘ " },
  { "lnot", "¬" },
  { "longleftarrow", " ⟵ " },
  { "longleftrightarrow", " ⟷ " },
  { "longmapsto", " ⟼ " },
  { "longrightarrow", " ⟶ " },
  { "lor", " ∨ " },
  { "lozenge", "◊" },
  { "lt", " < " },
  { "ltimes", " ⋉ " },
  { "lvert", "|" },
  { "mapsto", " ↦ " },
  { "measuredangle", "∡" },
  { "medspace", " " },
  { "mho", "℧" },
  { "mid", " ∣ " },
  { "middle", "" },
  { "mod", " mod " },
  { "models", " ⊨ " },
  { "mp", " ∓ " },
  { "mu", "μ" },
  { "nRightarrow", " ⇏ " },
  { "nabla", "∇" },
  { "natural", "♮" },
  { "ncong", " ≇ " },
  { "ne", " ≠ " },
  { "nearrow", " ↗ " },
  { "neg", "¬" },
  { "negthinspace", "" },
  { "neq", " ≠ " },
  { "nexists", "∄" },
  { "ngeq", " ≱ " },
  { "ngtr", " ≯ " },
  { "ni", " ∋ " },
  { "nleftarrow", " ↚ " },
  { "nleq", " ≰ " },
  { "nless", " ≮ " },
  { "nmid", " ∤ " },
  { "notin", " ∉ " },
  { "nparallel", " ∦ " },
  { "nrightarrow", " ↛ " },
  { "nsim", " ≁ " },
  { "nsubseteq", " ⊈ " },
  { "nsupseteq", " ⊉ " },
  { "nu", "ν" },
  { "nvdash", " ⊬ " },
  { "nwarrow", " ↖ " },
  { "odot", " ⊙ " },
  { "oiint", "∯" },
  { "oint", "∮" },
  { "omega", "ω" },
  { "omicron", "ο" },
  { "ominus", " ⊖ " },
  { "oplus", " ⊕ " },
  { "oslash", " ⊘ " },
  { "otimes", " ⊗ " },
  { "owns", " ∋ " },
  { "parallel", " ∥ " },
  { "partial", "∂" },
  { "perp", " ⊥ " },
  { "phi", "ϕ" },
  { "pi", "π" },
  { "pm", " ± " },
  { "pounds", "£" },
  { "prec", " ≺ " },
  { "preccurlyeq", " ≼ " },
  { "preceq", " ⪯ " },
  { "precsim", " ≾ " },
  { "prime", "′" },
  { "prod", "∏" },
  { "propto", " ∝ " },
  { "psi", "ψ" },
  { "qquad", "    " },
  { "quad", "  " },
  { "rVert", "‖" },
  { "rangle", "⟩" },
  { "rbrace", "}" },
  { "rbrack", "]" },
  { "rceil", "⌉" },
  { "restriction", "↾" },
  { "rfloor", "⌋" },
  { "rhd", " ⊳ " },
  { "rho", "ρ" },
  { "rightarrow", " → " },
  { "rightarrowtail", " ↣ " },
  { "rightharpoondown", " ⇁ " },
  { "rightharpoonup", " ⇀ " },
  { "rightleftharpoons", " ⇌ " },
  { "rightrightarrows", " ⇉ " },
  { "rightsquigarrow", " ⇝ " },
  { "rtimes", " ⋊ " },
  { "rvert", "|" },
  { "searrow", " ↘ " },
  { "setminus", " ∖ " },
  { "sharp", "♯" },
  { "sigma", "σ" },
  { "sim", " ∼ " },
  { "simeq", " ≃ " },
  { "smile", " ⌣ " },
  { "spadesuit", "♠" },
  { "sphericalangle", "∢" },
  { "sqcap", " ⊓ " },
  { "sqcup", " ⊔ " },
  { "sqsubset", " ⊏ " },
  { "sqsubseteq", " ⊑ " },
  { "sqsupset", " ⊐ " },
  { "sqsupseteq", " ⊒ " },
  { "square", "□" },
  { "star", " ⋆ " },
  { "subset", " ⊂ " },
  { "subseteq", " ⊆ " },
  { "subsetneq", " ⊊ " },
  { "succ", " ≻ " },
  { "succcurlyeq", " ≽ " },
  { "succeq", " ⪰ " },
  { "succsim", " ≿ " },
  { "sum", "∑" },
  { "supset", " ⊃ " },
  { "supseteq", " ⊇ " },
  { "supsetneq", " ⊋ " },
  { "surd", "√" },
  { "swarrow", " ↙ " },
  { "tau", "τ" },
  { "textasciitilde", "~" },
  { "textbackslash", "\\" },
  { "textdegree", "°" },
  { "therefore", " ∴ " },
  { "theta", "θ" },
  { "thickspace", " " },
  { "thinspace", " " },
  { "times", " × " },
  { "to", " → " },
  { "top", "⊤" },
  { "triangle", "△" },
  { "triangledown", "▽" },
  { "triangleleft", " ◁ " },
  { "trianglelefteq", " ⊴ " },
  { "triangleq", " ≜ " },
  { "triangleright", " ▷ " },
  { "twoheadrightarrow", " ↠ " },
  { "unlhd", " ⊴ " },
  { "uparrow", " ↑ " },
  { "updownarrow", "↕" },
  { "upharpoonright", "↾" },
  { "uplus", " ⊎ " },
  { "upsilon", "υ" },
  { "vDash", " ⊨ " },
  { "varDelta", "Δ" },
  { "varGamma", "Γ" },
  { "varOmega", "Ω" },
  { "varPhi", "Φ" },
  { "varPi", "Π" },
  { "varPsi", "Ψ" },
  { "varSigma", "Σ" },
  { "varTheta", "Θ" },
  { "varepsilon", "ε" },
  { "varkappa", "ϰ" },
  { "varnothing", "∅" },
  { "varphi", "φ" },
  { "varpi", "ϖ" },
  { "varpropto", " ∝ " },
  { "varrho", "ϱ" },
  { "varsigma", "ς" },
  { "vartheta", "ϑ" },
  { "vcentcolon", ":" },
  { "vdash", " ⊢ " },
  { "vdots", "⋮" },
  { "vee", " ∨ " },
  { "vert", "|" },
  { "wedge", " ∧ " },
  { "wp", "℘" },
  { "wr", " ≀ " },
  { "xi", "ξ" },
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
    "sin",  "cos",  "tan",  "cot",  "sec",    "csc",    "arcsin", "arccos", "arctan", "sinh",
    "cosh", "tanh", "log",  "ln",   "lg",     "exp",    "lim",    "limsup", "liminf", "max",
    "min",  "sup",  "inf",  "det",  "dim",    "ker",    "gcd",    "arg",    "deg",    "hom",
    "Pr",   "coth", "sech", "csch", "arccot", "argmax", "argmin", NULL
  };

  return g_strv_contains (names, command);
}

const char *
parley_math_accent (const char *command)
{
  static const Symbol marks[] = {
    { "hat", "\u0302" },           { "widehat", "\u0302" },   { "bar", "\u0304" },
    { "overline", "\u0305" },      { "vec", "\u20d7" },       { "dot", "\u0307" },
    { "ddot", "\u0308" },          { "dddot", "\u20db" },     { "tilde", "\u0303" },
    { "widetilde", "\u0303" },     { "check", "\u030c" },     { "breve", "\u0306" },
    { "acute", "\u0301" },         { "grave", "\u0300" },     { "mathring", "\u030a" },
    { "underline", "\u0332" },     { "underbar", "\u0332" },  { "overrightarrow", "\u20d7" },
    { "overleftarrow", "\u20d6" }, { "boxed", "\u20de" },     { "fbox", "\u20de" },
    { "underbrace", "\u23df" },    { "overbrace", "\u23de" },
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

#define BOLD_A 0x1d400

static const Alphabet alphabets[] = {
  { "mathbb", 0x1d538, 0x1d552, 0x1d7d8 }, { "mathcal", 0x1d49c, 0x1d4b6, 0 },
  { "mathscr", 0x1d49c, 0x1d4b6, 0 },      { "mathfrak", 0x1d504, 0x1d51e, 0 },
  { "mathbf", BOLD_A, 0x1d41a, 0x1d7ce },  { "boldsymbol", BOLD_A, 0x1d41a, 0x1d7ce },
  { "bm", BOLD_A, 0x1d41a, 0x1d7ce },      { "mathsf", 0x1d5a0, 0x1d5ba, 0x1d7e2 },
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
static gunichar
old_letter (gunichar first, gunichar letter)
{
  static const struct {
    gunichar alphabet;
    char letter;
    gunichar is;
  } letters[] = {
    { 0x1d538, 'C', 0x2102 }, { 0x1d538, 'H', 0x210d }, { 0x1d538, 'N', 0x2115 },
    { 0x1d538, 'P', 0x2119 }, { 0x1d538, 'Q', 0x211a }, { 0x1d538, 'R', 0x211d },
    { 0x1d538, 'Z', 0x2124 }, { 0x1d49c, 'B', 0x212c }, { 0x1d49c, 'E', 0x2130 },
    { 0x1d49c, 'F', 0x2131 }, { 0x1d49c, 'H', 0x210b }, { 0x1d49c, 'I', 0x2110 },
    { 0x1d49c, 'L', 0x2112 }, { 0x1d49c, 'M', 0x2133 }, { 0x1d49c, 'R', 0x211b },
    { 0x1d49c, 'e', 0x212f }, { 0x1d49c, 'g', 0x210a }, { 0x1d49c, 'o', 0x2134 },
    { 0x1d504, 'C', 0x212d }, { 0x1d504, 'H', 0x210c }, { 0x1d504, 'I', 0x2111 },
    { 0x1d504, 'R', 0x211c }, { 0x1d504, 'Z', 0x2128 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (letters); i++)
    if (letters[i].alphabet == first && (gunichar) letters[i].letter == letter)
      return letters[i].is;
  return 0;
}

gunichar
parley_math_letter (const char *name, gunichar letter)
{
  const Alphabet *alphabet = find_alphabet (name);

  if (alphabet == NULL)
    return 0;
  gunichar old = old_letter (alphabet->capital, letter);
  if (old != 0)
    return old;
  if (letter >= 'A' && letter <= 'Z')
    return alphabet->capital + (letter - 'A');
  if (letter >= 'a' && letter <= 'z')
    return alphabet->small + (letter - 'a');
  if (letter >= '0' && letter <= '9')
    return alphabet->digit != 0 ? alphabet->digit + (letter - '0') : 0;
  if (alphabet->capital != BOLD_A)
    return 0;
  /* Greek letters: only the bold ones are of use. */
  if (letter >= 0x391 && letter <= 0x3a9)
    return 0x1d6a8 + (letter - 0x391);
  if (letter >= 0x3b1 && letter <= 0x3c9)
    return 0x1d6c2 + (letter - 0x3b1);
  return letter == 0x2207 /* ∇ */ ? 0x1d6c1 : 0;
}
