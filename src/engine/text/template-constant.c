/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Literals: strings with their escapes, numbers.
 */
#include "engine/text/template-parser.h"

#include "base/number.h"
#include "base/utf8.h"

#include <string.h>

struct tnode *
pe_tp_string_node (struct parser *p, enum node_kind kind, const char *data, size_t n)
{
  struct tnode *node = pe_tp_new_node (p, kind);
  struct tstr *s = node ? pe_arena_alloc (&p->tmpl->arena, sizeof *s) : NULL;
  if (!s || !(s->data = pe_arena_strndup (&p->tmpl->arena, data, n)))
    return pe_tp_fail_memory (p);
  s->n = n;
  for (size_t i = 0; i < n;) {
    uint32_t c;
    unsigned length = pe_utf8_next (data + i, n - i, &c);
    i += length ? length : 1;
    s->n_chars++;
  }
  node->value = (struct tval){ .kind = T_STRING, .string = s };
  return node;
}

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xhh, \uhhhh, \Uhhhhhhhh at `i` (the letter); gives the bytes consumed, or 0. */
static size_t
hex_escape (const char *s, size_t n, uint32_t *c)
{
  size_t digits = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : 8;
  if (n < digits + 1)
    return 0;
  *c = 0;
  for (size_t i = 1; i <= digits; i++) {
    int digit = hex_digit (s[i]);
    if (digit < 0)
      return 0;
    *c = *c << 4 | (uint32_t) digit;
  }
  return *c > 0x10ffff ? 0 : digits + 1;
}

/* Resolves escapes as Python does; unknown ones stay as they are. `out` holds n bytes. */
static bool
unescape (struct parser *p, const char *s, size_t n, char *out, size_t *n_out)
{
  static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
  size_t length = 0;
  for (size_t i = 0; i < n;) {
    if (s[i] != '\\' || i + 1 == n) {
      out[length++] = s[i++];
      continue;
    }
    char c = s[++i];
    const char *simple = c ? strchr (from, c) : NULL;
    if (c == '\n') {
      i++;
    } else if (simple) {
      out[length++] = to[simple - from];
      i++;
    } else if (c >= '0' && c <= '7') {
      uint32_t value = 0;
      for (int k = 0; k < 3 && i < n && s[i] >= '0' && s[i] <= '7'; k++)
        value = value * 8 + (uint32_t) (s[i++] - '0');
      char bytes[4]; /* \200 and above need two bytes, and had at least three in the source */
      unsigned m = pe_utf8_put (value, bytes);
      memcpy (out + length, bytes, m);
      length += m;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      uint32_t value;
      size_t used = hex_escape (s + i, n - i, &value);
      if (used == 0)
        return pe_tp_fail (p, "a damaged escape sequence");
      i += used;
      length += pe_utf8_put (value, out + length);
    } else if (c == 'N') {
      return pe_tp_fail (p, "characters by name are not supported");
    } else {
      out[length++] = '\\';
    }
  }
  *n_out = length;
  return true;
}

struct tnode *
pe_tp_parse_string (struct parser *p)
{
  size_t total = 0, n = 0, last = p->position;
  while (p->tokens[last].kind == TOKEN_STRING)
    total += p->tokens[last++].n;
  char *text = pe_malloc (total + 4);
  if (!text)
    return pe_tp_fail_memory (p);
  struct tnode *node = NULL;
  while (p->position < last) {
    size_t length = 0;
    if (!unescape (p, pe_tp_current (p)->text, pe_tp_current (p)->n, text + n, &length))
      break;
    n += length;
    p->position++;
  }
  if (p->position == last)
    node = pe_tp_string_node (p, NODE_CONST, text, n);
  pe_free (text);
  return node;
}

struct tnode *
pe_tp_parse_integer (struct parser *p)
{
  const struct token *token = pe_tp_current (p);
  struct tnode *node = pe_tp_new_node (p, NODE_CONST);
  char second = token->n > 1 ? (char) (token->text[1] | 0x20) : 0;
  int64_t base = second == 'x' ? 16 : second == 'o' ? 8 : second == 'b' ? 2 : 10, value = 0;
  for (size_t i = base == 10 ? 0 : 2; i < token->n; i++) {
    int digit = hex_digit (token->text[i]);
    if (token->text[i] == '_')
      continue;
    if (__builtin_mul_overflow (value, base, &value) ||
        __builtin_add_overflow (value, (int64_t) digit, &value)) {
      pe_fail_at (p->error, PE_ERROR_UNSUPPORTED, token->offset,
                  "template: an integer beyond 64 bits at byte %zu", token->offset);
      return NULL;
    }
  }
  if (node)
    node->value = t_int (value);
  p->position++;
  return node;
}

struct tnode *
pe_tp_parse_float (struct parser *p)
{
  const struct token *token = pe_tp_current (p);
  struct tnode *node = pe_tp_new_node (p, NODE_CONST);
  char text[512];
  size_t n = 0;
  for (size_t i = 0; i < token->n && n < sizeof text; i++)
    if (token->text[i] != '_')
      text[n++] = token->text[i];
  double value;
  if (n == sizeof text || !pe_double_parse (text, n, &value))
    return pe_tp_fail (p, "a number with too many digits");
  if (node)
    node->value = t_float (value);
  p->position++;
  return node;
}

struct tnode *
pe_tp_const_node (struct parser *p, struct tval value)
{
  struct tnode *node = pe_tp_new_node (p, NODE_CONST);
  if (node)
    node->value = value;
  p->position++;
  return node;
}
