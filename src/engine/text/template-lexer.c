/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Source text to tokens, white space control included (trim_blocks and lstrip_blocks are on).
 */
#include "base/utf8.h"
#include "engine/text/char.h"
#include "engine/text/template-ast.h"

#include <string.h>

struct lexer {
  const char *source;
  size_t n, position;
  struct token *tokens;
  size_t n_tokens, capacity;
  bool line_starting;      /* what was read last ended a line */
  unsigned char *brackets; /* open ones in the current tag */
  size_t n_brackets, brackets_capacity;
  struct pe_error *error;
};

static bool
fail (struct lexer *l, size_t offset, const char *what)
{
  return pe_fail_at (l->error, PE_ERROR_FORMAT, offset, "template: %s at byte %zu", what, offset);
}

static bool
add (struct lexer *l, enum token_kind kind, size_t begin, size_t end)
{
  if (!pe_grow (&l->tokens, &l->capacity, l->n_tokens + 1, sizeof *l->tokens))
    return pe_fail (l->error, PE_ERROR_MEMORY, "template: not enough memory");
  l->tokens[l->n_tokens++] = (struct token){ kind, begin, l->source + begin, end - begin };
  return true;
}

static bool
starts_with (const struct lexer *l, size_t at, const char *text)
{
  size_t n = strlen (text);
  return at <= l->n && l->n - at >= n && memcmp (l->source + at, text, n) == 0;
}

/* Length of the white space character at `at`, or 0. */
static unsigned
space_at (const struct lexer *l, size_t at)
{
  uint32_t c;
  if (at >= l->n)
    return 0;
  unsigned length = pe_utf8_next (l->source + at, l->n - at, &c);
  return length && pe_char_is_space (c) ? length : 0;
}

static size_t
skip_space (const struct lexer *l, size_t at)
{
  unsigned length;
  while ((length = space_at (l, at)))
    at += length;
  return at;
}

/* The end of source[begin, end) without white space at its end. */
static size_t
strip_right (const struct lexer *l, size_t begin, size_t end)
{
  while (end > begin) {
    size_t last = end - 1;
    while (last > begin && ((unsigned char) l->source[last] & 0xc0) == 0x80)
      last--;
    uint32_t c = 0;
    if (pe_utf8_next (l->source + last, end - last, &c) != end - last || !pe_char_is_space (c))
      return end;
    end = last;
  }
  return end;
}

/* Text before a tag, as its sign ('-', '+' or 0) and lstrip_blocks want it. */
static bool
add_data (struct lexer *l, size_t begin, size_t end, char sign, bool is_variable)
{
  if (sign == '-') {
    end = strip_right (l, begin, end);
  } else if (sign != '+' && !is_variable) {
    size_t line = end;
    while (line > begin && l->source[line - 1] != '\n')
      line--;
    if ((line > begin || l->line_starting) && skip_space (l, line) >= end)
      end = line;
  }
  return end == begin || add (l, TOKEN_DATA, begin, end);
}

static char
sign_at (const struct lexer *l, size_t at)
{
  return at < l->n && (l->source[at] == '-' || l->source[at] == '+') ? l->source[at] : 0;
}

/* Behind "%}" or "#}": trim_blocks takes one line end, a '-' before it all white space. */
static size_t
after_tag (const struct lexer *l, size_t at, char sign, bool trims)
{
  if (sign == '-')
    return skip_space (l, at);
  return trims && sign != '+' && at < l->n && l->source[at] == '\n' ? at + 1 : at;
}

static void
move_to (struct lexer *l, size_t position)
{
  l->position = position;
  l->line_starting = position > 0 && l->source[position - 1] == '\n';
}

static bool
read_comment (struct lexer *l, size_t begin)
{
  for (size_t i = begin; i + 1 < l->n; i++)
    if (l->source[i] == '#' && l->source[i + 1] == '}') {
      char sign = i > begin ? sign_at (l, i - 1) : 0;
      move_to (l, after_tag (l, i + 2, sign, true));
      return true;
    }
  return fail (l, begin, "a comment has no end");
}

/* Whether a tag that opens at `at` (behind "{%") is `word` and nothing else; *behind is then the
 * position of its end mark, *sign what stands before that. */
static bool
is_bare_tag (const struct lexer *l, size_t at, const char *word, size_t *behind, char *sign)
{
  if (sign_at (l, at))
    at++;
  at = skip_space (l, at);
  if (!starts_with (l, at, word))
    return false;
  at = skip_space (l, at + strlen (word));
  *sign = sign_at (l, at);
  if (*sign)
    at++;
  *behind = at + 2;
  return starts_with (l, at, "%}");
}

static bool
read_raw (struct lexer *l, size_t begin)
{
  for (size_t i = begin; i + 1 < l->n; i++) {
    size_t behind;
    char end_sign;
    if (l->source[i] != '{' || l->source[i + 1] != '%' ||
        !is_bare_tag (l, i + 2, "endraw", &behind, &end_sign))
      continue;
    if (!add_data (l, begin, i, sign_at (l, i + 2), false))
      return false;
    move_to (l, after_tag (l, behind, end_sign, true));
    return true;
  }
  return fail (l, begin, "a raw block has no end");
}

static bool
is_digit (int c)
{
  return c >= '0' && c <= '9';
}

static int
char_at (const struct lexer *l, size_t at)
{
  return at < l->n ? (unsigned char) l->source[at] : 0;
}

/* Digits with single underscores between them; the position behind. */
static size_t
skip_digits (const struct lexer *l, size_t at)
{
  while (is_digit (char_at (l, at)) || (char_at (l, at) == '_' && is_digit (char_at (l, at + 1))))
    at++;
  return at;
}

static bool
is_radix_digit (int c, char radix)
{
  if (radix == 'b')
    return c == '0' || c == '1';
  if (radix == 'o')
    return c >= '0' && c <= '7';
  return is_digit (c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool
read_number (struct lexer *l)
{
  size_t start = l->position, at = start;
  bool after_dot = start > 0 && l->source[start - 1] == '.';
  char radix = (char) (char_at (l, at + 1) | 0x20);
  if (char_at (l, at) == '0' && (radix == 'b' || radix == 'o' || radix == 'x')) {
    size_t end = at + 2;
    while (is_radix_digit (char_at (l, end), radix) ||
           (char_at (l, end) == '_' && is_radix_digit (char_at (l, end + 1), radix)))
      end++;
    if (end > at + 2) {
      l->position = end;
      return add (l, TOKEN_INTEGER, start, end);
    }
  }
  size_t whole = skip_digits (l, at), end = whole;
  bool is_float = false;
  if (!after_dot) {
    if (char_at (l, end) == '.' && is_digit (char_at (l, end + 1))) {
      end = skip_digits (l, end + 1);
      is_float = true;
    }
    size_t e = end;
    if ((char_at (l, e) | 0x20) == 'e') {
      e++;
      if (char_at (l, e) == '+' || char_at (l, e) == '-')
        e++;
      if (is_digit (char_at (l, e))) {
        end = skip_digits (l, e);
        is_float = true;
      }
    }
  }
  if (!is_float && char_at (l, start) == '0') { /* "01" is no number, "00" is */
    end = start;
    while (char_at (l, end) == '0' || (char_at (l, end) == '_' && char_at (l, end + 1) == '0'))
      end++;
  }
  l->position = end;
  return add (l, is_float ? TOKEN_FLOAT : TOKEN_INTEGER, start, end);
}

static bool
read_string (struct lexer *l)
{
  size_t start = l->position;
  char quote = l->source[start];
  for (size_t i = start + 1; i < l->n; i++) {
    if (l->source[i] == '\\') {
      i++;
    } else if (l->source[i] == quote) {
      l->position = i + 1;
      return add (l, TOKEN_STRING, start + 1, i);
    }
  }
  return fail (l, start, "a string has no end");
}

static unsigned
name_char_at (const struct lexer *l, size_t at, bool first)
{
  uint32_t c;
  if (at >= l->n)
    return 0;
  unsigned length = pe_utf8_next (l->source + at, l->n - at, &c);
  if (length == 0)
    return 0;
  if (c == '_' || pe_char_is_alpha (c) || (!first && pe_char_is_numeric (c)))
    return length;
  return !first && c >= 0x300 && pe_char_is_case_ignorable (c) ? length : 0;
}

static const struct {
  char text[3];
  enum token_kind kind;
} operators[] = {
  { "**", TOKEN_POW },     { "//", TOKEN_FLOORDIV }, { "==", TOKEN_EQ },    { "!=", TOKEN_NE },
  { ">=", TOKEN_GE },      { "<=", TOKEN_LE },       { "+", TOKEN_ADD },    { "-", TOKEN_SUB },
  { "*", TOKEN_MUL },      { "/", TOKEN_DIV },       { "%", TOKEN_MOD },    { "~", TOKEN_TILDE },
  { "[", TOKEN_LBRACKET }, { "]", TOKEN_RBRACKET },  { "(", TOKEN_LPAREN }, { ")", TOKEN_RPAREN },
  { "{", TOKEN_LBRACE },   { "}", TOKEN_RBRACE },    { ">", TOKEN_GT },     { "<", TOKEN_LT },
  { "=", TOKEN_ASSIGN },   { ".", TOKEN_DOT },       { ":", TOKEN_COLON },  { "|", TOKEN_PIPE },
  { ",", TOKEN_COMMA },    { ";", TOKEN_SEMICOLON },
};

static bool
balance (struct lexer *l, enum token_kind kind, size_t at)
{
  if (kind == TOKEN_LBRACKET || kind == TOKEN_LPAREN || kind == TOKEN_LBRACE) {
    if (!pe_grow (&l->brackets, &l->brackets_capacity, l->n_brackets + 1, 1))
      return pe_fail (l->error, PE_ERROR_MEMORY, "template: not enough memory");
    l->brackets[l->n_brackets++] = (unsigned char) (kind + 1); /* its closing partner */
  } else if (kind == TOKEN_RBRACKET || kind == TOKEN_RPAREN || kind == TOKEN_RBRACE) {
    if (l->n_brackets == 0 || l->brackets[--l->n_brackets] != kind)
      return fail (l, at, "a bracket closes that was not opened");
  }
  return true;
}

static bool
read_operator (struct lexer *l)
{
  size_t at = l->position;
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (starts_with (l, at, operators[i].text)) {
      l->position += strlen (operators[i].text);
      return balance (l, operators[i].kind, at) && add (l, operators[i].kind, at, l->position);
    }
  return fail (l, at, "unexpected character");
}

/* The end mark of the tag, when it stands here and no bracket is open. */
static bool
at_tag_end (const struct lexer *l, const char *mark, char *sign, size_t *behind)
{
  if (l->n_brackets)
    return false;
  *sign = sign_at (l, l->position);
  if (*sign == '+' && mark[0] == '}') /* "+}}" is no end */
    *sign = 0;
  *behind = l->position + (*sign != 0) + 2;
  return starts_with (l, l->position + (*sign != 0), mark);
}

static bool
read_tag (struct lexer *l, bool is_variable)
{
  size_t start = l->position;
  l->n_brackets = 0;
  while (l->position < l->n) {
    char sign;
    size_t behind;
    if (at_tag_end (l, is_variable ? "}}" : "%}", &sign, &behind)) {
      if (!add (l, is_variable ? TOKEN_VARIABLE_END : TOKEN_BLOCK_END, l->position, behind))
        return false;
      move_to (l, after_tag (l, behind, sign, !is_variable));
      return true;
    }
    size_t at = l->position;
    int c = char_at (l, at);
    unsigned length;
    if ((length = space_at (l, at))) {
      l->position += length;
    } else if (is_digit (c)) {
      if (!read_number (l))
        return false;
    } else if (c == '"' || c == '\'') {
      if (!read_string (l))
        return false;
    } else if ((length = name_char_at (l, at, true))) {
      while (length) {
        l->position += length;
        length = name_char_at (l, l->position, false);
      }
      if (!add (l, TOKEN_NAME, at, l->position))
        return false;
    } else if (!read_operator (l)) {
      return false;
    }
  }
  return fail (l, start, "a tag has no end");
}

static bool
read_all (struct lexer *l)
{
  while (l->position < l->n) {
    size_t begin = l->position, i = begin;
    while (i + 1 < l->n &&
           !(l->source[i] == '{' &&
             (l->source[i + 1] == '{' || l->source[i + 1] == '%' || l->source[i + 1] == '#')))
      i++;
    if (i + 1 >= l->n)
      return add (l, TOKEN_DATA, begin, l->n);
    char kind = l->source[i + 1], sign = sign_at (l, i + 2), raw_sign;
    size_t behind;
    if (!add_data (l, begin, i, sign, kind == '{'))
      return false;
    l->line_starting = false;
    bool ok;
    if (kind == '#') {
      l->position = i + 2 + (sign != 0);
      ok = read_comment (l, l->position);
    } else if (kind == '%' && is_bare_tag (l, i + 2, "raw", &behind, &raw_sign) &&
               raw_sign != '+') {
      size_t text = raw_sign == '-' ? skip_space (l, behind) : behind;
      move_to (l, text);
      ok = read_raw (l, text);
    } else {
      l->position = i + 2 + (sign != 0);
      ok = add (l, kind == '{' ? TOKEN_VARIABLE_BEGIN : TOKEN_BLOCK_BEGIN, i, l->position) &&
           read_tag (l, kind == '{');
    }
    if (!ok)
      return false;
  }
  return true;
}

bool
pe_t_lex (const char *source, size_t n, struct token **out, size_t *n_out, struct pe_error *error)
{
  struct lexer l = { .source = source, .n = n, .line_starting = true, .error = error };
  bool ok = read_all (&l) && add (&l, TOKEN_END, n, n);
  pe_free (l.brackets);
  if (!ok) {
    pe_free (l.tokens);
    return false;
  }
  *out = l.tokens;
  *n_out = l.n_tokens;
  return true;
}
