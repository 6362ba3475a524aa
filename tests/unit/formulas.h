/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Forty formulas that models write, and how each reads in one line: raised stretches in ^(…),
 * lowered ones in _(…). tests/ui/shots.py takes their picture.
 */
#pragma once

static const struct {
  const char *latex, *text;
} formulas[] = {
  { "E = mc^2", "E = mc^(2)" },
  { "a^2 + b^2 = c^2", "a^(2) + b^(2) = c^(2)" },
  { "x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}", "x = (−b ± √(b^(2) − 4ac))/(2a)" },
  { "e^{i\\pi} + 1 = 0", "e^(iπ) + 1 = 0" },
  { "\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}", "∑_(i=1)^(n) i = (n(n + 1))/2" },
  { "\\int_0^\\infty e^{-x} \\, dx = 1", "∫_(0)^(∞) e^(−x) dx = 1" },
  { "\\lim_{x \\to 0} \\frac{\\sin x}{x} = 1", "lim_(x→0) (sin x)/x = 1" },
  { "f'(x) = \\lim_{h \\to 0} \\frac{f(x+h) - f(x)}{h}", "f′(x) = lim_(h→0) (f(x + h) − f(x))/h" },
  { "\\nabla \\cdot \\mathbf{E} = \\frac{\\rho}{\\varepsilon_0}", "∇ · 𝐄 = ρ/ε_(0)" },
  { "\\frac{\\partial u}{\\partial t} = \\alpha \\nabla^2 u", "∂u/∂t = α∇^(2)u" },
  { "P(A \\mid B) = \\frac{P(B \\mid A) P(A)}{P(B)}", "P(A ∣ B) = (P(B ∣ A)P(A))/(P(B))" },
  { "\\binom{n}{k} = \\frac{n!}{k!(n-k)!}", "(n over k) = n!/(k!(n − k)!)" },
  { "\\text{softmax}(x)_i = \\frac{e^{x_i}}{\\sum_j e^{x_j}}",
    "softmax(x)_(i) = e^(x_(i))/(∑_(j) e^(x_(j)))" },
  { "\\text{Attention}(Q,K,V) = \\text{softmax}\\left(\\frac{QK^T}{\\sqrt{d_k}}\\right)V",
    "Attention(Q, K, V) = softmax(QK^(T)/(√d_(k)))V" },
  { "\\mathcal{O}(n \\log n)", "𝒪(n log n)" },
  { "\\forall \\epsilon > 0 \\; \\exists \\delta > 0", "∀ϵ > 0 ∃δ > 0" },
  { "A \\subseteq B \\iff \\forall x (x \\in A \\Rightarrow x \\in B)",
    "A ⊆ B ⇔ ∀x(x ∈ A ⇒ x ∈ B)" },
  { "\\mathbb{N} \\subset \\mathbb{Z} \\subset \\mathbb{Q} \\subset \\mathbb{R} \\subset "
    "\\mathbb{C}",
    "ℕ ⊂ ℤ ⊂ ℚ ⊂ ℝ ⊂ ℂ" },
  { "\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}", "(a  b; c  d)" },
  { "\\begin{cases} x & x \\geq 0 \\\\ -x & x < 0 \\end{cases}", "{ x  x ≥ 0\n  −x  x < 0" },
  { "\\begin{aligned} a &= b + c \\\\ &= d \\end{aligned}", "a = b + c\n = d" },
  { "\\det(A - \\lambda I) = 0", "det(A − λI) = 0" },
  { "\\|x\\|_2 = \\sqrt{\\sum_{i} x_i^2}", "‖x‖_(2) = √(∑_(i) x_(i)^(2))" },
  { "\\sqrt[3]{27} = 3", "^(3)√27 = 3" },
  { "\\hat{y} = \\sigma(w^\\top x + b)", "y\u0302 = σ(w^(⊤)x + b)" },
  { "\\vec{F} = m\\vec{a}", "F\u20d7 = ma\u20d7" },
  { "\\bar{x} = \\frac{1}{n} \\sum x_i", "x\u0304 = 1/n ∑ x_(i)" },
  { "\\theta \\leftarrow \\theta - \\eta \\nabla_\\theta J(\\theta)", "θ ← θ − η∇_(θ)J(θ)" },
  { "H(p) = -\\sum_x p(x) \\log_2 p(x)", "H(p) = −∑_(x) p(x) log_(2) p(x)" },
  { "\\Gamma(z) = \\int_0^\\infty t^{z-1} e^{-t} \\, dt", "Γ(z) = ∫_(0)^(∞) t^(z−1)e^(−t) dt" },
  { "\\zeta(s) = \\prod_p \\frac{1}{1 - p^{-s}}", "ζ(s) = ∏_(p) 1/(1 − p^(−s))" },
  { "i\\hbar \\frac{\\partial}{\\partial t} \\Psi = \\hat{H} \\Psi", "iℏ ∂/∂t Ψ = H\u0302Ψ" },
  { "x \\equiv a \\pmod{n}", "x ≡ a (mod n)" },
  { "a_{n+1} = a_n + d", "a_(n+1) = a_(n) + d" },
  { "2 \\times 3 \\neq 5 \\div 1", "2 × 3 ≠ 5 ÷ 1" },
  { "\\left| \\frac{a}{b} \\right| \\leq 1", "|a/b| ≤ 1" },
  { "\\lfloor x \\rfloor + \\lceil y \\rceil", "⌊x⌋ + ⌈y⌉" },
  { "90^\\circ = \\frac{\\pi}{2}\\ \\text{rad}", "90^(∘) = π/2 rad" },
  { "\\boxed{x = 42}", "x = 42" },
  { "100\\% \\approx \\$1{,}000", "100% ≈ $1,000" },
};
