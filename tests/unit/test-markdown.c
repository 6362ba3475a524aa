/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The block tree of Markdown: ordinary text, growing text, hostile text.
 */
#include "app/text/parley-markdown.h"
#include "tests/harness.h"

static void
check_tree (const char *markdown, const char *expected)
{
  g_autoptr (ParleyBlock) tree = parley_markdown_parse (markdown, strlen (markdown));
  g_autofree char *description = parley_block_describe (tree);
  CHECK_STR (description, expected);
}

static void
paragraphs_and_spans (void)
{
  check_tree ("", "");
  check_tree ("one\ntwo", "[p:one two]");
  check_tree ("a *b* **c** `d` ~~e~~", "[p:a _{b} *{c} `{d} ~{e}]");
  check_tree ("***both***", "[p:_{*{both}}]");
  check_tree ("hard  \nbreak", "[p:hard\nbreak]");
  check_tree ("AT&amp;T &#233; &unknown;", "[p:AT&T é &unknown;]");
  check_tree ("&rarr; &Eacute;&eacute; &lambda; &#x41; &hearts; &apos; &zwj; &frac12;",
              "[p:→ Éé λ A ♥ ' \u200d ½]");
  check_tree ("&#0; &#7; &#xffffff; &# &; &ampx;", "[p:&#0; &#7; &#xffffff; &# &; &ampx;]");
}

static void
blocks (void)
{
  check_tree ("# A\n\n### B", "[h1:A][h3:B]");
  check_tree ("```python\nx = 1\n\ny\n```", "[code python:x = 1\n\ny]");
  check_tree ("```\nunclosed", "[code:unclosed]");
  check_tree ("> quoted\n>\n> more", "[quote[p:quoted][p:more]]");
  check_tree ("- a\n- b\n  1. c", "[list[li[p:a]][li[p:b][list1[li[p:c]]]]]");
  check_tree ("3. x", "[list3[li[p:x]]]");
  check_tree ("- [ ] open\n- [x] done", "[list[li-[p:open]][li+[p:done]]]");
  check_tree ("a\n\n---\n\nb", "[p:a][hr][p:b]");
  check_tree ("|a|b|\n|:---|---:|\n|1|*2*|", "[table2[tr[td<!:a][td>!:b]][tr[td<:1][td>:_{2}]]]");
}

static void
links_and_html (void)
{
  check_tree ("[here](https://example.org/a) now", "[p:@{https://example.org/a|here} now]");
  check_tree ("![a cat](https://example.org/c.png)", "[p:@{https://example.org/c.png|a cat}]");
  check_tree ("see https://example.org", "[p:see @{https://example.org|https://example.org}]");
  check_tree ("<b>bold</b> & <script>", "[p:<b>bold</b> & <script>]");
  check_tree ("![](https://example.org/c.png)",
              "[p:@{https://example.org/c.png|https://example.org/c.png}]");
  check_tree ("[](https://example.org)", "[p:@{https://example.org|https://example.org}]");
  check_tree ("[![a](b.png)](c)", "[p:@{c|@{b.png|a}}]");
  check_tree ("<https://example.org>", "[p:@{https://example.org|https://example.org}]");
  check_tree ("[a]\n\n[a]: https://example.org/b 'c'", "[p:@{https://example.org/b|a}]");
  check_tree ("<div>\n*a*\n</div>\n<!-- *b* -->", "[p:<div> _{a} </div> <!-- *b* -->]");
  check_tree ("a note[^1]\n\n[^1]: its text", "[p:a note[^1]][p:[^1]: its text]");
  /* What is a formula elsewhere is a part of an address here. */
  check_tree ("[a](https://example.org/$x$y) $x$", "[p:@{https://example.org/$x$y|a} x]");
  check_tree ("```$x$\ny\n```", "[code $x$:y]");
  check_tree ("[a](https://example.org/?a=1&amp;b=2)", "[p:@{https://example.org/?a=1&b=2|a}]");
}

static void
tags_that_models_write (void)
{
  check_tree ("a<br>b<BR/>c<br />d", "[p:a\nb\nc\nd]");
  check_tree ("|a|\n|---|\n|b<br>**c**|", "[table1[tr[td!:a]][tr[td:b\n*{c}]]]");
  check_tree ("a\n\n<br>\n\nb", "[p:a][p:b]");
  check_tree ("H<sub>2</sub>O and x<sup>*n*</sup>", "[p:H,{2}O and x^{_{n}}]");
  check_tree ("a <sub>not closed\n\nb</sub>", "[p:a <sub>not closed][p:b</sub>]");
  check_tree ("<sub>a<sub>b</sub>c</sub>", "[p:,{a<sub>b}c</sub>]");
  check_tree ("`<br>` <brx> <br", "[p:`{<br>} <brx> <br]");
}

static const char *const growing[] = {
  "Intro paragraph.\n\nSecond *one*\nwith two lines.\n\n# Title\n\nText\n",
  "List:\n\n- a\n\n- b\n\n  inside b\n\nAfter the list\n\n1. x\n2. y\n\nEnd",
  "Code:\n\n```c\nint a;\n\nint b;\n```\n\nDone.\n\n~~~\n``` not closed\n\n~~~\n\nx",
  "> quote\n\n> quote again\n\nplain\n\n    indented code\n\nplain again",
  "|a|b|\n|---|---|\n|1|2|\n\nafter\n\n***\n\n---\n\nlast",
  "a\r\n\r\nb\r\n\r\n```\r\nc\r\n\r\nd\r\n```\r\n\r\ne",
  "Setext\n======\n\nUnder\n-----\n\n`a\n\nb` c\n\n***x\n\ny***\n",
  "````\n```\n\ninner\n```\n````\n\nout\n\n```js x`y\n\nz",
};

/* Every prefix: the settled part and the rest, parsed apart, make the same tree as the whole. */
static void
growing_text_settles (void)
{
  guint settled_somewhere = 0;

  for (gsize t = 0; t < G_N_ELEMENTS (growing); t++) {
    const char *text = growing[t];
    gsize before = 0;
    for (gsize n = 0; n <= strlen (text); n++) {
      gsize cut = parley_markdown_settled (text, n);
      CHECK (cut <= n && cut >= before);
      before = cut;
      settled_somewhere += cut > 0;
      g_autoptr (ParleyBlock) whole = parley_markdown_parse (text, n);
      g_autoptr (ParleyBlock) head = parley_markdown_parse (text, cut);
      g_autoptr (ParleyBlock) tail = parley_markdown_parse (text + cut, n - cut);
      g_autofree char *expected = parley_block_describe (whole);
      g_autofree char *a = parley_block_describe (head), *b = parley_block_describe (tail);
      g_autofree char *both = g_strconcat (a, b, NULL);
      CHECK_MSG (strcmp (both, expected) == 0, "text %d, %d bytes: %s | %s", (int) t, (int) n, both,
                 expected);
    }
  }
  CHECK (settled_somewhere > 100);
}

static void
check_calm (const char *text, const char *expected)
{
  g_autofree char *calm = parley_markdown_calm (text, strlen (text));
  CHECK_MSG (strcmp (calm, expected) == 0, "%s: \"%s\" is not \"%s\"", text, calm, expected);
}

static void
half_written_text_is_calm (void)
{
  /* No heading for as long as an item has no text, no item that is a number. */
  check_calm ("Intro:\n-", "Intro:\n");
  check_calm ("Intro:\n- ", "Intro:\n");
  check_calm ("Intro:\n=", "Intro:\n");
  check_calm ("Intro:\n---", "Intro:\n");
  check_calm ("Intro:\n1", "Intro:\n");
  check_calm ("Intro:\n1. ", "Intro:\n");
  check_calm ("Intro:\n1. x", "Intro:\n1. x");
  check_calm ("- a\n- [", "- a\n");
  check_calm ("- a\n- [ ]", "- a\n");
  check_calm ("- a\n- [ ] b", "- a\n- [ ] b");
  check_calm ("a\n\n##", "a\n\n");
  check_calm ("a\n\n> ", "a\n\n");
  /* Emphasis and code are what they will be. */
  check_calm ("a **", "a ");
  check_calm ("a **b", "a **b**");
  check_calm ("a **b c ", "a **b c**");
  check_calm ("a **b*", "a **b**");
  check_calm ("a **b** c", "a **b** c");
  check_calm ("a ***b", "a ***b***");
  check_calm ("a **b *c", "a **b *c***");
  check_calm ("a ~~b", "a ~~b~~");
  check_calm ("- **a", "- **a**");
  check_calm ("2 * 3 * 4", "2 * 3 * 4");
  check_calm ("snake_case and_more", "snake_case and_more");
  check_calm ("a `b", "a `b`");
  check_calm ("a **`b", "a **`b`**");
  check_calm ("a `b*c", "a `b*c`");
  check_calm ("a `", "a ");
  check_calm ("**a\n\nb", "**a\n\nb");
  check_calm ("| a |\n|---|\n| **b", "| a |\n|---|\n| **b**");
  /* Links come whole. */
  check_calm ("see [the", "see ");
  check_calm ("see [the page](https://ex", "see ");
  check_calm ("see [the page](https://ex) now", "see [the page](https://ex) now");
  check_calm ("see [1] now", "see [1] now");
  check_calm ("**[a", "");
  check_calm ("![a cat](htt", "");
  check_calm ("see <https://ex", "see ");
  check_calm ("a < b", "a < b");
  check_calm ("a[1\nb", "a[1\nb");
  /* A table begins when its head is known to be one. */
  check_calm ("a\n\n| b | c", "a\n\n");
  check_calm ("a\n\n| b | c |\n", "a\n\n");
  check_calm ("a\n\n| b | c |\n|--", "a\n\n");
  check_calm ("a\n\n| b |\n|---|\n", "a\n\n| b |\n|---|\n");
  check_calm ("a\n\n| b |\n|---|\n| c", "a\n\n| b |\n|---|\n| c");
  check_calm ("| b |\nno table", "| b |\nno table");
  /* Fences: not the beginning of their end, no language that is half a word. */
  check_calm ("a\n\n```pyth", "a\n\n");
  check_calm ("```python\nx **y", "```python\nx **y");
  check_calm ("```python\nx\n``", "```python\nx\n");
  check_calm ("- a\n  ```c\n  *p", "- a\n  ```c\n  *p");
  check_calm ("```\n- ", "```\n- ");
  check_calm ("    *p", "    *p");
  check_calm ("```\na\n```\nb **c", "```\na\n```\nb **c**");
  /* Formulas. */
  check_calm ("so $$", "so ");
  check_calm ("so $$\n\\frac{a*b*", "so ``\n\\frac{a*b``");
  check_calm ("\\[ a_b", "`` a_b``");
  check_calm ("so \\(x_1", "so ");
  check_calm ("so $x_1", "so ");
  check_calm ("so $5 and", "so $5 and");
  check_calm ("the $HOME of", "the $HOME of");
  check_calm ("so $x$ and **b", "so $x$ and **b**");
  check_calm ("a\\", "a");
}

/* Whatever is there: what is shown is a beginning of it and some closing marks. */
static void
calm_text_is_a_beginning (void)
{
  guint32 seed = 99;

  for (int round = 0; round < 20000; round++) {
    static const char alphabet[] = "ab *_`~#>-+|[]()!$\\\n\n  1.<\xc3\xa9";
    char text[40];
    gsize n = 0;
    for (; n < sizeof text; n++) {
      seed = seed * 1664525u + 1013904223u;
      text[n] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
    }
    g_autofree char *calm = parley_markdown_calm (text, n);
    gsize same = 0;
    while (same < n && calm[same] == text[same])
      same++;
    CHECK_MSG (strspn (calm + same, "`*_~") == strlen (calm + same) ||
                   strstr (calm + same, "``") == calm + same,
               "%.*s: %s", (int) n, text, calm);
  }
}

static guint
depth_of (const ParleyBlock *block)
{
  guint depth = 0;
  for (guint i = 0; block->children != NULL && i < block->children->len; i++)
    depth = MAX (depth, depth_of (g_ptr_array_index (block->children, i)));
  return depth + 1;
}

static void
deep_nesting_is_bounded (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (int i = 0; i < 10000; i++)
    g_string_append (text, "> ");
  g_string_append (text, "deep");
  g_autoptr (ParleyBlock) quotes = parley_markdown_parse (text->str, text->len);
  CHECK (depth_of (quotes) == PARLEY_MARKDOWN_MAX_DEPTH + 2);
  g_autofree char *plain = parley_block_plain_text (quotes);
  CHECK (strstr (plain, "deep") != NULL);

  g_string_truncate (text, 0);
  for (int i = 0; i < 300; i++)
    g_string_append_printf (text, "%*s- %d\n", 2 * i, "", i);
  g_autoptr (ParleyBlock) lists = parley_markdown_parse (text->str, text->len);
  CHECK (depth_of (lists) == 2 * PARLEY_MARKDOWN_MAX_DEPTH + 2);
}

static gsize
text_bytes (const ParleyBlock *block, gsize *longest)
{
  gsize sum = block->text != NULL ? block->text->len : 0;
  *longest = MAX (*longest, sum);
  for (guint i = 0; block->children != NULL && i < block->children->len; i++)
    sum += text_bytes (g_ptr_array_index (block->children, i), longest);
  return sum;
}

static void
long_lines_are_divided_not_cut (void)
{
  static const gsize sizes[] = { 100000, 10 << 20 };

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++) {
    g_autofree char *text = g_malloc (sizes[s] + 1);
    memset (text, 'x', sizes[s]);
    text[sizes[s]] = '\0';
    g_autoptr (ParleyBlock) tree = parley_markdown_parse (text, sizes[s]);
    gsize longest = 0;
    CHECK (text_bytes (tree, &longest) == sizes[s]);
    CHECK (longest <= PARLEY_MARKDOWN_MAX_RUN);
  }
  g_autoptr (GString) bold = g_string_new ("**");
  for (int i = 0; i < 20000; i++)
    g_string_append (bold, "é");
  g_string_append (bold, "**");
  g_autoptr (ParleyBlock) tree = parley_markdown_parse (bold->str, bold->len);
  CHECK (tree->children->len == 3);
  for (guint i = 0; i < 3; i++) {
    ParleyBlock *part = g_ptr_array_index (tree->children, i);
    CHECK (g_utf8_validate (part->text->str, -1, NULL));
    CHECK (part->spans->len == 1);
    CHECK (g_array_index (part->spans, ParleySpan, 0).kind == PARLEY_SPAN_STRONG);
    CHECK (g_array_index (part->spans, ParleySpan, 0).end == part->text->len);
  }
}

static void
any_bytes_give_valid_text (void)
{
  guint32 seed = 12345;

  for (int round = 0; round < 2000; round++) {
    static const char alphabet[] = "ab *_`~#>-+|[]()!\\\n\n  1.\t:&;<\x80\xc3\xff\x1b";
    char text[96];
    gsize n = 0;
    for (; n < sizeof text; n++) {
      seed = seed * 1664525u + 1013904223u;
      text[n] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
    }
    g_autoptr (ParleyBlock) tree = parley_markdown_parse (text, n);
    g_autofree char *plain = parley_block_plain_text (tree);
    CHECK (g_utf8_validate (plain, -1, NULL));
    CHECK (parley_markdown_settled (text, n) <= n);
    g_autoptr (ParleyBlock) again = parley_markdown_parse (text, n);
    CHECK (parley_block_equal (tree, again));
  }
}

int
main (void)
{
  RUN (paragraphs_and_spans);
  RUN (blocks);
  RUN (links_and_html);
  RUN (tags_that_models_write);
  RUN (growing_text_settles);
  RUN (half_written_text_is_calm);
  RUN (calm_text_is_a_beginning);
  RUN (deep_nesting_is_bounded);
  RUN (long_lines_are_divided_not_cut);
  RUN (any_bytes_give_valid_text);
  return test_done ();
}
