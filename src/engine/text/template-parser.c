/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tokens to a tree, by recursive descent, with the precedences of Jinja 3.1.
 */
#include "base/number.h"
#include "base/utf8.h"
#include "engine/text/template-ast.h"
#include "engine/text/template-names.h"

#include <string.h>

struct parser {
  struct pe_template *tmpl;
  const struct token *tokens;
  size_t position;
  struct pe_error *error;
  const char *stack;
  uint8_t uses;     /* MACRO_USES_... seen since it was last cleared */
  unsigned soft;    /* > 0: inside a condition, where unknown filters fail only when reached */
  unsigned in_loop; /* loops around, up to the enclosing macro */
  const struct token *unknown; /* the first unknown filter or test outside of any condition */
};

static struct tnode *parse_expression (struct parser *p, bool with_condition);
static bool parse_statements (struct parser *p, const char *const *ends, struct tnode **out);

/* ---- errors, tokens, nodes ---- */

static const struct token *
current (const struct parser *p)
{
  return &p->tokens[p->position];
}

static void *
fail (struct parser *p, const char *what)
{
  size_t at = current (p)->offset;
  pe_fail_at (p->error, PE_ERROR_FORMAT, at, "template: %s at byte %zu", what, at);
  return NULL;
}

static void *
fail_memory (struct parser *p)
{
  pe_fail (p->error, PE_ERROR_MEMORY, "template: not enough memory");
  return NULL;
}

static void *
unexpected (struct parser *p, const char *wanted)
{
  const struct token *token = current (p);
  int shown = token->n > 20 ? 20 : (int) token->n;
  while (shown > 0 && shown < (int) token->n && ((unsigned char) token->text[shown] & 0xc0) == 0x80)
    shown--;
  pe_fail_at (p->error, PE_ERROR_FORMAT, token->offset,
              "template: expected %s, found %s%.*s%s at byte %zu", wanted,
              token->kind == TOKEN_END ? "its end" : "'", shown, token->text,
              token->kind == TOKEN_END ? "" : "'", token->offset);
  return NULL;
}

static bool
stack_is_deep (struct parser *p)
{
  ptrdiff_t used = p->stack - (const char *) __builtin_frame_address (0);
  if ((used < 0 ? -used : used) < PE_T_STACK_BYTES)
    return false;
  size_t at = current (p)->offset;
  pe_fail_at (p->error, PE_ERROR_LIMIT, at, "template: nested too deeply at byte %zu", at);
  return true;
}

static bool
accept (struct parser *p, enum token_kind kind)
{
  if (current (p)->kind != kind)
    return false;
  p->position++;
  return true;
}

static bool
token_is (const struct token *token, const char *word)
{
  return token->kind == TOKEN_NAME && token->n == strlen (word) &&
         memcmp (token->text, word, token->n) == 0;
}

static bool
at_word (const struct parser *p, const char *word)
{
  return token_is (current (p), word);
}

static bool
accept_word (struct parser *p, const char *word)
{
  if (!at_word (p, word))
    return false;
  p->position++;
  return true;
}

static bool
expect (struct parser *p, enum token_kind kind, const char *wanted)
{
  return accept (p, kind) || unexpected (p, wanted);
}

static struct tnode *
new_node (struct parser *p, enum node_kind kind)
{
  struct tnode *node = pe_arena_alloc (&p->tmpl->arena, sizeof *node);
  if (!node)
    return fail_memory (p);
  node->kind = (uint8_t) kind;
  node->offset = (uint32_t) current (p)->offset;
  return node;
}

static struct tnode *
new_pair (struct parser *p, enum node_kind kind, struct tnode *a, struct tnode *b)
{
  struct tnode *node = a ? new_node (p, kind) : NULL;
  if (node) {
    node->a = a;
    node->b = b;
    node->offset = a->offset;
  }
  return node;
}

static void
append (struct tnode ***tail, struct tnode *node)
{
  **tail = node;
  *tail = &node->next;
}

/* ---- names ---- */

static uint64_t
hash_text (const char *text, size_t n)
{
  uint64_t h = 0xcbf29ce484222325;
  for (size_t i = 0; i < n; i++)
    h = (h ^ (unsigned char) text[i]) * 0x100000001b3;
  return h ^ h >> 32;
}

static const struct tname **
name_slot (const struct pe_template *tmpl, const char *text, size_t n, uint64_t hash)
{
  size_t slot = (size_t) hash & (tmpl->n_slots - 1);
  while (tmpl->names[slot] &&
         !(tmpl->names[slot]->n == n && memcmp (tmpl->names[slot]->text, text, n) == 0))
    slot = (slot + 1) & (tmpl->n_slots - 1);
  return &tmpl->names[slot];
}

const struct tname *
pe_t_name_find (const struct pe_template *tmpl, const char *text, size_t n)
{
  return tmpl->n_slots ? *name_slot (tmpl, text, n, hash_text (text, n)) : NULL;
}

static bool
grow_names (struct parser *p)
{
  struct pe_template *tmpl = p->tmpl;
  struct pe_template old = *tmpl;
  if (tmpl->n_names * 2 < tmpl->n_slots)
    return true;
  tmpl->n_slots = old.n_slots ? old.n_slots * 2 : 64;
  tmpl->names = pe_arena_array (&tmpl->arena, tmpl->n_slots, sizeof *tmpl->names);
  if (!tmpl->names)
    return fail_memory (p);
  for (size_t i = 0; i < old.n_slots; i++)
    if (old.names[i])
      *name_slot (tmpl, old.names[i]->text, old.names[i]->n, old.names[i]->hash) = old.names[i];
  return true;
}

static const struct tname *
intern (struct parser *p, const char *text, size_t n)
{
  if (!grow_names (p))
    return NULL;
  uint64_t hash = hash_text (text, n);
  const struct tname **slot = name_slot (p->tmpl, text, n, hash);
  if (!*slot) {
    struct tname *name = pe_arena_alloc (&p->tmpl->arena, sizeof *name + n + 1);
    if (!name)
      return fail_memory (p);
    name->n = n;
    name->hash = hash;
    memcpy (name->text, text, n);
    *slot = name;
    p->tmpl->n_names++;
  }
  return *slot;
}

static const struct tname *
expect_name (struct parser *p)
{
  const struct token *token = current (p);
  return expect (p, TOKEN_NAME, "a name") ? intern (p, token->text, token->n) : NULL;
}

/* ---- constants ---- */

static struct tnode *
string_node (struct parser *p, enum node_kind kind, const char *data, size_t n)
{
  struct tnode *node = new_node (p, kind);
  struct tstr *s = node ? pe_arena_alloc (&p->tmpl->arena, sizeof *s) : NULL;
  if (!s || !(s->data = pe_arena_strndup (&p->tmpl->arena, data, n)))
    return fail_memory (p);
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
        return fail (p, "a damaged escape sequence");
      i += used;
      length += pe_utf8_put (value, out + length);
    } else if (c == 'N') {
      return fail (p, "characters by name are not supported");
    } else {
      out[length++] = '\\';
    }
  }
  *n_out = length;
  return true;
}

static struct tnode *
parse_string (struct parser *p)
{
  size_t total = 0, n = 0, last = p->position;
  while (p->tokens[last].kind == TOKEN_STRING)
    total += p->tokens[last++].n;
  char *text = pe_malloc (total + 4);
  if (!text)
    return fail_memory (p);
  struct tnode *node = NULL;
  while (p->position < last) {
    size_t length = 0;
    if (!unescape (p, current (p)->text, current (p)->n, text + n, &length))
      break;
    n += length;
    p->position++;
  }
  if (p->position == last)
    node = string_node (p, NODE_CONST, text, n);
  pe_free (text);
  return node;
}

static struct tnode *
parse_integer (struct parser *p)
{
  const struct token *token = current (p);
  struct tnode *node = new_node (p, NODE_CONST);
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

static struct tnode *
parse_float (struct parser *p)
{
  const struct token *token = current (p);
  struct tnode *node = new_node (p, NODE_CONST);
  char text[512];
  size_t n = 0;
  for (size_t i = 0; i < token->n && n < sizeof text; i++)
    if (token->text[i] != '_')
      text[n++] = token->text[i];
  double value;
  if (n == sizeof text || !pe_double_parse (text, n, &value))
    return fail (p, "a number with too many digits");
  if (node)
    node->value = t_float (value);
  p->position++;
  return node;
}

static struct tnode *
const_node (struct parser *p, struct tval value)
{
  struct tnode *node = new_node (p, NODE_CONST);
  if (node)
    node->value = value;
  p->position++;
  return node;
}

/* ---- expressions ---- */

static bool
is_tuple_end (const struct parser *p, const char *end_word)
{
  enum token_kind kind = current (p)->kind;
  return kind == TOKEN_VARIABLE_END || kind == TOKEN_BLOCK_END || kind == TOKEN_RPAREN ||
         (end_word && at_word (p, end_word));
}

static struct tnode *parse_primary (struct parser *p, bool with_namespace);

enum tuple_parts { TUPLE_OF_EXPRESSIONS, TUPLE_OF_PLAIN, TUPLE_OF_TARGETS };

/* One expression, or several with commas between them. */
static struct tnode *
parse_tuple (struct parser *p, enum tuple_parts parts, const char *end_word, bool in_parentheses,
             bool with_namespace)
{
  struct tnode *tuple = new_node (p, NODE_TUPLE), **tail;
  bool is_tuple = false;
  if (!tuple)
    return NULL;
  tail = &tuple->list;
  for (;;) {
    if (tuple->list && !expect (p, TOKEN_COMMA, "','"))
      return NULL;
    if (is_tuple_end (p, end_word))
      break;
    struct tnode *item = parts == TUPLE_OF_TARGETS
                             ? parse_primary (p, with_namespace)
                             : parse_expression (p, parts == TUPLE_OF_EXPRESSIONS);
    if (!item)
      return NULL;
    append (&tail, item);
    if (current (p)->kind != TOKEN_COMMA)
      break;
    is_tuple = true;
  }
  if (!is_tuple && tuple->list)
    return tuple->list;
  if (!is_tuple && !in_parentheses)
    return unexpected (p, "an expression");
  return tuple;
}

static struct tnode *
parse_list (struct parser *p)
{
  struct tnode *list = new_node (p, NODE_LIST), **tail;
  if (!list)
    return NULL;
  tail = &list->list;
  p->position++;
  while (current (p)->kind != TOKEN_RBRACKET) {
    if (list->list && !expect (p, TOKEN_COMMA, "',' or ']'"))
      return NULL;
    if (current (p)->kind == TOKEN_RBRACKET)
      break;
    struct tnode *item = parse_expression (p, true);
    if (!item)
      return NULL;
    append (&tail, item);
  }
  p->position++;
  return list;
}

static struct tnode *
parse_dict (struct parser *p)
{
  struct tnode *dict = new_node (p, NODE_DICT), **tail;
  if (!dict)
    return NULL;
  tail = &dict->list;
  p->position++;
  while (current (p)->kind != TOKEN_RBRACE) {
    if (dict->list && !expect (p, TOKEN_COMMA, "',' or '}'"))
      return NULL;
    if (current (p)->kind == TOKEN_RBRACE)
      break;
    struct tnode *key = parse_expression (p, true);
    if (!key || !expect (p, TOKEN_COLON, "':'"))
      return NULL;
    struct tnode *value = parse_expression (p, true);
    if (!value)
      return NULL;
    append (&tail, key);
    append (&tail, value);
  }
  p->position++;
  return dict;
}

static void
note_use (struct parser *p, const struct token *token)
{
  if (token_is (token, "caller"))
    p->uses |= MACRO_USES_CALLER;
  else if (token_is (token, "varargs"))
    p->uses |= MACRO_USES_VARARGS;
  else if (token_is (token, "kwargs"))
    p->uses |= MACRO_USES_KWARGS;
}

static struct tnode *
parse_name (struct parser *p, bool with_namespace)
{
  const struct token *token = current (p);
  if (token_is (token, "true") || token_is (token, "True"))
    return const_node (p, t_bool (true));
  if (token_is (token, "false") || token_is (token, "False"))
    return const_node (p, t_bool (false));
  if (token_is (token, "none") || token_is (token, "None"))
    return const_node (p, t_none ());
  struct tnode *node = new_node (p, NODE_NAME);
  if (!node || !(node->name = expect_name (p)))
    return NULL;
  if (with_namespace && accept (p, TOKEN_DOT)) {
    struct tnode *attr = new_pair (p, NODE_NAMESPACE_ATTR, node, NULL);
    if (attr)
      attr->name = expect_name (p);
    return attr && attr->name ? attr : NULL;
  }
  note_use (p, token);
  return node;
}

static struct tnode *
parse_primary (struct parser *p, bool with_namespace)
{
  if (stack_is_deep (p))
    return NULL;
  switch ((int) current (p)->kind) {
  case TOKEN_NAME: return parse_name (p, with_namespace);
  case TOKEN_STRING: return parse_string (p);
  case TOKEN_INTEGER: return parse_integer (p);
  case TOKEN_FLOAT: return parse_float (p);
  case TOKEN_LBRACKET: return parse_list (p);
  case TOKEN_LBRACE: return parse_dict (p);
  case TOKEN_LPAREN: {
    p->position++;
    struct tnode *node = parse_tuple (p, TUPLE_OF_EXPRESSIONS, NULL, true, false);
    return node && expect (p, TOKEN_RPAREN, "')'") ? node : NULL;
  }
  default: return unexpected (p, "an expression");
  }
}

/* "(a, b, name=c, *d, **e)", at the parenthesis, into a call, filter or test. */
static bool
parse_arguments (struct parser *p, struct tnode *call)
{
  struct tnode **tail = &call->list, **keyword_tail = &call->keywords;
  bool first = true;
  if (!expect (p, TOKEN_LPAREN, "'('"))
    return false;
  for (;; first = false) {
    if (accept (p, TOKEN_RPAREN))
      return true;
    if (!first && !expect (p, TOKEN_COMMA, "',' or ')'"))
      return false;
    if (accept (p, TOKEN_RPAREN))
      return !first || unexpected (p, "an argument");
    if (accept (p, TOKEN_MUL)) {
      if (call->b || call->c)
        return fail (p, "misplaced '*' argument");
      if (!(call->b = parse_expression (p, true)))
        return false;
    } else if (accept (p, TOKEN_POW)) {
      if (call->c)
        return fail (p, "misplaced '**' argument");
      if (!(call->c = parse_expression (p, true)))
        return false;
    } else if (current (p)->kind == TOKEN_NAME && current (p)[1].kind == TOKEN_ASSIGN) {
      struct tnode *keyword = new_node (p, NODE_KEYWORD);
      if (call->c)
        return fail (p, "an argument follows '**'");
      if (!keyword || !(keyword->name = expect_name (p)))
        return false;
      p->position++;
      if (!(keyword->a = parse_expression (p, true)))
        return false;
      append (&keyword_tail, keyword);
    } else {
      if (call->b || call->c || call->keywords)
        return fail (p, "a positional argument follows a named one");
      struct tnode *argument = parse_expression (p, true);
      if (!argument)
        return false;
      append (&tail, argument);
    }
  }
}

static struct tnode *
parse_slice_or_index (struct parser *p)
{
  struct tnode *slice = new_node (p, NODE_SLICE), *parts[3] = { NULL };
  size_t n = 0;
  if (!slice)
    return NULL;
  for (;;) {
    enum token_kind kind = current (p)->kind;
    if (kind == TOKEN_COLON) {
      if (++n > 2)
        return unexpected (p, "']'");
      p->position++;
    } else if (kind == TOKEN_RBRACKET || kind == TOKEN_COMMA) {
      break;
    } else {
      if (parts[n])
        return unexpected (p, "']'");
      if (!(parts[n] = parse_expression (p, true)))
        return NULL;
    }
  }
  if (n == 0)
    return parts[0] ? parts[0] : unexpected (p, "an expression");
  slice->a = parts[0];
  slice->b = parts[1];
  slice->c = parts[2];
  return slice;
}

static struct tnode *
parse_subscript (struct parser *p, struct tnode *object)
{
  if (accept (p, TOKEN_DOT)) {
    if (current (p)->kind == TOKEN_INTEGER)
      return new_pair (p, NODE_ITEM, object, parse_integer (p));
    struct tnode *node = new_pair (p, NODE_ATTR, object, NULL);
    return node && (node->name = expect_name (p)) ? node : NULL;
  }
  p->position++;
  struct tnode *tuple = new_node (p, NODE_TUPLE), **tail;
  if (!tuple)
    return NULL;
  tail = &tuple->list;
  while (current (p)->kind != TOKEN_RBRACKET) {
    if (tuple->list && !expect (p, TOKEN_COMMA, "',' or ']'"))
      return NULL;
    struct tnode *item = parse_slice_or_index (p);
    if (!item)
      return NULL;
    append (&tail, item);
  }
  p->position++;
  bool single = tuple->list && !tuple->list->next;
  return new_pair (p, NODE_ITEM, object, single ? tuple->list : tuple);
}

static struct tnode *
parse_call (struct parser *p, struct tnode *callee)
{
  struct tnode *node = new_pair (p, NODE_CALL, callee, NULL);
  return node && parse_arguments (p, node) ? node : NULL;
}

static struct tnode *
parse_postfix (struct parser *p, struct tnode *node)
{
  while (node) {
    enum token_kind kind = current (p)->kind;
    if (kind == TOKEN_DOT || kind == TOKEN_LBRACKET)
      node = parse_subscript (p, node);
    else if (kind == TOKEN_LPAREN)
      node = parse_call (p, node);
    else
      break;
  }
  return node;
}

/* "name" or "name.name" of a filter or test. */
static const struct tname *
parse_dotted_name (struct parser *p)
{
  const struct tname *name = expect_name (p);
  while (name && accept (p, TOKEN_DOT)) {
    char text[128];
    const struct token *part = current (p);
    if (!expect (p, TOKEN_NAME, "a name"))
      return NULL;
    if (name->n + part->n + 1 > sizeof text)
      return fail (p, "a name is too long");
    memcpy (text, name->text, name->n);
    text[name->n] = '.';
    memcpy (text + name->n + 1, part->text, part->n);
    name = intern (p, text, name->n + part->n + 1);
  }
  return name;
}

/* An unknown filter or test is an error at once, but for those that a condition may never reach. */
static void
check_known (struct parser *p, const struct tname *name, bool is_filter)
{
  bool known =
      is_filter ? pe_t_filter_exists (name->text, name->n) : pe_t_test_exists (name->text, name->n);
  if (!known && !p->soft && !p->unknown)
    p->unknown = current (p) - 1;
}

/* Filters that follow `node`; NULL: those of a block, whose first has no '|' before it. */
static struct tnode *
parse_filters (struct parser *p, struct tnode *node, bool inline_start)
{
  while (current (p)->kind == TOKEN_PIPE || inline_start) {
    if (!inline_start)
      p->position++;
    inline_start = false;
    struct tnode *filter = new_node (p, NODE_FILTER);
    if (!filter || !(filter->name = parse_dotted_name (p)))
      return NULL;
    check_known (p, filter->name, true);
    filter->a = node;
    if (current (p)->kind == TOKEN_LPAREN && !parse_arguments (p, filter))
      return NULL;
    node = filter;
  }
  return node;
}

static bool
starts_test_argument (const struct parser *p)
{
  switch ((int) current (p)->kind) {
  case TOKEN_NAME: return !at_word (p, "else") && !at_word (p, "or") && !at_word (p, "and");
  case TOKEN_STRING:
  case TOKEN_INTEGER:
  case TOKEN_FLOAT:
  case TOKEN_LBRACKET:
  case TOKEN_LBRACE: return true;
  default: return false;
  }
}

static struct tnode *
parse_test (struct parser *p, struct tnode *subject)
{
  p->position++; /* "is" */
  bool negated = accept_word (p, "not");
  struct tnode *test = new_pair (p, NODE_TEST, subject, NULL);
  if (!test || !(test->name = parse_dotted_name (p)))
    return NULL;
  check_known (p, test->name, false);
  if (current (p)->kind == TOKEN_LPAREN) {
    if (!parse_arguments (p, test))
      return NULL;
  } else if (starts_test_argument (p)) {
    if (at_word (p, "is"))
      return fail (p, "tests cannot be chained");
    test->list = parse_postfix (p, parse_primary (p, false));
    if (!test->list)
      return NULL;
  }
  return negated ? new_pair (p, NODE_NOT, test, NULL) : test;
}

static struct tnode *
parse_unary (struct parser *p, bool with_filters)
{
  struct tnode *node;
  if (stack_is_deep (p))
    return NULL;
  if (accept (p, TOKEN_SUB))
    node = new_pair (p, NODE_NEG, parse_unary (p, false), NULL);
  else if (accept (p, TOKEN_ADD))
    node = new_pair (p, NODE_POS, parse_unary (p, false), NULL);
  else
    node = parse_primary (p, false);
  node = parse_postfix (p, node);
  while (node && with_filters) {
    if (current (p)->kind == TOKEN_PIPE)
      node = parse_filters (p, node, false);
    else if (at_word (p, "is"))
      node = parse_test (p, node);
    else if (current (p)->kind == TOKEN_LPAREN)
      node = parse_call (p, node);
    else
      break;
  }
  return node;
}

static struct tnode *
binary (struct parser *p, struct tnode *a, enum token_kind op, struct tnode *b)
{
  struct tnode *node = b ? new_pair (p, NODE_BINARY, a, b) : NULL;
  if (node)
    node->op = (uint8_t) op;
  return node;
}

static struct tnode *
parse_power (struct parser *p)
{
  struct tnode *node = parse_unary (p, true);
  while (node && accept (p, TOKEN_POW))
    node = binary (p, node, TOKEN_POW, parse_unary (p, true));
  return node;
}

static struct tnode *
parse_product (struct parser *p)
{
  struct tnode *node = parse_power (p);
  for (;;) {
    enum token_kind op = current (p)->kind;
    if (!node || (op != TOKEN_MUL && op != TOKEN_DIV && op != TOKEN_FLOORDIV && op != TOKEN_MOD))
      return node;
    p->position++;
    node = binary (p, node, op, parse_power (p));
  }
}

static struct tnode *
parse_concat (struct parser *p)
{
  struct tnode *first = parse_product (p);
  if (!first || current (p)->kind != TOKEN_TILDE)
    return first;
  struct tnode *node = new_node (p, NODE_CONCAT), **tail;
  if (!node)
    return NULL;
  tail = &node->list;
  append (&tail, first);
  while (accept (p, TOKEN_TILDE)) {
    struct tnode *item = parse_product (p);
    if (!item)
      return NULL;
    append (&tail, item);
  }
  return node;
}

static struct tnode *
parse_sum (struct parser *p)
{
  struct tnode *node = parse_concat (p);
  for (;;) {
    enum token_kind op = current (p)->kind;
    if (!node || (op != TOKEN_ADD && op != TOKEN_SUB))
      return node;
    p->position++;
    node = binary (p, node, op, parse_concat (p));
  }
}

static int
accept_comparison (struct parser *p)
{
  enum token_kind kind = current (p)->kind;
  if (kind == TOKEN_EQ || kind == TOKEN_NE || kind == TOKEN_GT || kind == TOKEN_GE ||
      kind == TOKEN_LT || kind == TOKEN_LE) {
    p->position++;
    return (int) kind;
  }
  if (accept_word (p, "in"))
    return OPERAND_IN;
  if (at_word (p, "not") && token_is (current (p) + 1, "in")) {
    p->position += 2;
    return OPERAND_NOT_IN;
  }
  return 0;
}

static struct tnode *
parse_comparison (struct parser *p)
{
  struct tnode *first = parse_sum (p), *node = NULL, **tail = NULL;
  int op;
  while (first && (op = accept_comparison (p))) {
    if (!node) {
      if (!(node = new_pair (p, NODE_COMPARE, first, NULL)))
        return NULL;
      tail = &node->list;
    }
    struct tnode *operand = new_pair (p, NODE_OPERAND, parse_sum (p), NULL);
    if (!operand)
      return NULL;
    operand->op = (uint8_t) op;
    append (&tail, operand);
  }
  return node ? node : first;
}

static struct tnode *
parse_not (struct parser *p)
{
  if (stack_is_deep (p))
    return NULL;
  if (accept_word (p, "not"))
    return new_pair (p, NODE_NOT, parse_not (p), NULL);
  return parse_comparison (p);
}

static struct tnode *
parse_and (struct parser *p)
{
  struct tnode *node = parse_not (p);
  while (node && accept_word (p, "and")) {
    struct tnode *right = parse_not (p);
    node = right ? new_pair (p, NODE_AND, node, right) : NULL;
  }
  return node;
}

static struct tnode *
parse_or (struct parser *p)
{
  struct tnode *node = parse_and (p);
  while (node && accept_word (p, "or")) {
    struct tnode *right = parse_and (p);
    node = right ? new_pair (p, NODE_OR, node, right) : NULL;
  }
  return node;
}

static struct tnode *
parse_expression (struct parser *p, bool with_condition)
{
  const struct token *outer_unknown = p->unknown;
  if (stack_is_deep (p))
    return NULL;
  p->unknown = NULL;
  struct tnode *node = parse_or (p);
  while (node && with_condition && accept_word (p, "if")) {
    struct tnode *test = parse_or (p), *otherwise = NULL;
    bool ok = test != NULL;
    if (ok && accept_word (p, "else"))
      ok = (otherwise = parse_expression (p, true)) != NULL;
    struct tnode *condition = ok ? new_pair (p, NODE_COND, test, node) : NULL;
    if (condition)
      condition->c = otherwise;
    node = condition;
    p->unknown = NULL;
  }
  if (outer_unknown)
    p->unknown = outer_unknown;
  return node;
}

/* ---- statements ---- */

static bool
can_assign (const struct tnode *target)
{
  if (target->kind == NODE_NAME || target->kind == NODE_NAMESPACE_ATTR)
    return true;
  if (target->kind != NODE_TUPLE)
    return false;
  for (const struct tnode *item = target->list; item; item = item->next)
    if (!can_assign (item))
      return false;
  return true;
}

static struct tnode *
parse_target (struct parser *p, const char *end_word, bool with_namespace)
{
  struct tnode *target = parse_tuple (p, TUPLE_OF_TARGETS, end_word, false, with_namespace);
  if (target && !can_assign (target))
    return fail (p, "cannot assign to this");
  return target;
}

static bool
end_tag (struct parser *p)
{
  return expect (p, TOKEN_BLOCK_END, "the end of the tag");
}

/* Body up to {% `end` %}, which is consumed. */
static bool
parse_body (struct parser *p, const char *end, struct tnode **out)
{
  const char *const ends[] = { end, NULL };
  if (!end_tag (p) || !parse_statements (p, ends, out))
    return false;
  p->position++;
  return true;
}

static struct tnode *
parse_if (struct parser *p)
{
  static const char *const ends[] = { "elif", "else", "endif", NULL };
  static const char *const last[] = { "endif", NULL };
  struct tnode *node = new_node (p, NODE_IF), *first = node;
  p->soft++;
  for (;;) {
    if (!node || !(node->a = parse_tuple (p, TUPLE_OF_PLAIN, NULL, false, false)) || !end_tag (p) ||
        !parse_statements (p, ends, &node->list))
      return NULL;
    const struct token *how = current (p);
    p->position++;
    if (token_is (how, "elif")) {
      if ((node->otherwise = new_node (p, NODE_IF)))
        node->otherwise->flag = true;
      node = node->otherwise;
      continue;
    }
    if (token_is (how, "else")) {
      if (!end_tag (p) || !parse_statements (p, last, &node->otherwise))
        return NULL;
      p->position++;
    }
    p->soft--;
    return first;
  }
}

static struct tnode *
parse_for (struct parser *p)
{
  static const char *const ends[] = { "else", "endfor", NULL };
  struct tnode *node = new_node (p, NODE_FOR);
  if (!node || !(node->a = parse_target (p, "in", false)))
    return NULL;
  if (!accept_word (p, "in"))
    return unexpected (p, "'in'");
  if (!(node->b = parse_tuple (p, TUPLE_OF_PLAIN, "recursive", false, false)))
    return NULL;
  if (accept_word (p, "if") && !(node->c = parse_expression (p, true)))
    return NULL;
  node->flag = accept_word (p, "recursive");
  p->in_loop++;
  if (!end_tag (p) || !parse_statements (p, ends, &node->list))
    return NULL;
  p->in_loop--;
  if (accept_word (p, "else"))
    return parse_body (p, "endfor", &node->otherwise) ? node : NULL;
  p->position++;
  return node;
}

static struct tnode *
parse_set (struct parser *p)
{
  struct tnode *node = new_node (p, NODE_SET);
  if (!node || !(node->a = parse_target (p, NULL, true)))
    return NULL;
  if (accept (p, TOKEN_ASSIGN)) {
    node->b = parse_tuple (p, TUPLE_OF_EXPRESSIONS, NULL, false, false);
    return node->b ? node : NULL;
  }
  node->kind = NODE_SET_BLOCK;
  if (current (p)->kind == TOKEN_PIPE && !(node->b = parse_filters (p, NULL, false)))
    return NULL;
  return parse_body (p, "endset", &node->list) ? node : NULL;
}

static bool
parse_parameters (struct parser *p, struct tnode *node)
{
  struct tnode **tail = &node->parameters;
  bool has_default = false;
  if (!expect (p, TOKEN_LPAREN, "'('"))
    return false;
  while (!accept (p, TOKEN_RPAREN)) {
    struct tnode *parameter = new_node (p, NODE_KEYWORD);
    if ((node->parameters && !expect (p, TOKEN_COMMA, "',' or ')'")) || !parameter ||
        !(parameter->name = expect_name (p)))
      return false;
    if (accept (p, TOKEN_ASSIGN)) {
      has_default = true;
      if (!(parameter->a = parse_expression (p, true)))
        return false;
    } else if (has_default) {
      return fail (p, "a parameter without default follows one with a default");
    }
    append (&tail, parameter);
  }
  return true;
}

/* The body of a macro or call block, noting what of its surplus arguments it mentions. */
static bool
parse_macro_body (struct parser *p, const char *end, struct tnode *node)
{
  uint8_t outer_uses = p->uses;
  unsigned outer_loops = p->in_loop;
  p->uses = 0;
  p->in_loop = 0;
  bool ok = parse_body (p, end, &node->list);
  node->uses = p->uses;
  p->uses |= outer_uses;
  p->in_loop = outer_loops;
  return ok;
}

static struct tnode *
parse_macro (struct parser *p)
{
  struct tnode *node = new_node (p, NODE_MACRO);
  if (!node || !(node->name = expect_name (p)) || !parse_parameters (p, node))
    return NULL;
  return parse_macro_body (p, "endmacro", node) ? node : NULL;
}

static struct tnode *
parse_call_block (struct parser *p)
{
  struct tnode *node = new_node (p, NODE_CALL_BLOCK);
  if (!node || (current (p)->kind == TOKEN_LPAREN && !parse_parameters (p, node)) ||
      !(node->a = parse_expression (p, true)))
    return NULL;
  if (node->a->kind != NODE_CALL)
    return fail (p, "expected a call");
  return parse_macro_body (p, "endcall", node) ? node : NULL;
}

static struct tnode *
parse_with (struct parser *p)
{
  struct tnode *node = new_node (p, NODE_WITH), **tail;
  if (!node)
    return NULL;
  tail = &node->keywords;
  while (current (p)->kind != TOKEN_BLOCK_END) {
    struct tnode *set = new_node (p, NODE_SET);
    if ((node->keywords && !expect (p, TOKEN_COMMA, "','")) || !set ||
        !(set->a = parse_target (p, NULL, false)) || !expect (p, TOKEN_ASSIGN, "'='") ||
        !(set->b = parse_expression (p, true)))
      return NULL;
    append (&tail, set);
  }
  return parse_body (p, "endwith", &node->list) ? node : NULL;
}

static struct tnode *
parse_filter_block (struct parser *p)
{
  struct tnode *node = new_node (p, NODE_FILTER_BLOCK);
  if (!node || !(node->b = parse_filters (p, NULL, true)))
    return NULL;
  return parse_body (p, "endfilter", &node->list) ? node : NULL;
}

static struct tnode *
parse_print (struct parser *p)
{
  struct tnode *node = new_node (p, NODE_PRINT), **tail;
  if (!node)
    return NULL;
  tail = &node->list;
  while (current (p)->kind != TOKEN_BLOCK_END) {
    struct tnode *item;
    if ((node->list && !expect (p, TOKEN_COMMA, "','")) || !(item = parse_expression (p, true)))
      return NULL;
    append (&tail, item);
  }
  return node;
}

static struct tnode *
parse_jump (struct parser *p, enum node_kind kind)
{
  return p->in_loop ? new_node (p, kind) : fail (p, "break or continue outside of a loop");
}

static struct tnode *
parse_generation (struct parser *p)
{
  struct tnode *node = new_node (p, NODE_GENERATION);
  return node && parse_macro_body (p, "endgeneration", node) ? node : NULL;
}

/* Behind "{%", at the tag's name. */
static struct tnode *
parse_statement (struct parser *p)
{
  if (accept_word (p, "if"))
    return parse_if (p);
  if (accept_word (p, "for"))
    return parse_for (p);
  if (accept_word (p, "set"))
    return parse_set (p);
  if (accept_word (p, "macro"))
    return parse_macro (p);
  if (accept_word (p, "call"))
    return parse_call_block (p);
  if (accept_word (p, "filter"))
    return parse_filter_block (p);
  if (accept_word (p, "with"))
    return parse_with (p);
  if (accept_word (p, "print"))
    return parse_print (p);
  if (accept_word (p, "generation"))
    return parse_generation (p);
  if (accept_word (p, "break"))
    return parse_jump (p, NODE_BREAK);
  if (accept_word (p, "continue"))
    return parse_jump (p, NODE_CONTINUE);
  return unexpected (p, "a known tag");
}

/* Up to a tag whose name is one of `ends` (NULL: the end of the source), which is left current. */
static bool
parse_statements (struct parser *p, const char *const *ends, struct tnode **out)
{
  struct tnode **tail = out;
  if (stack_is_deep (p))
    return false;
  for (;;) {
    const struct token *token = current (p);
    struct tnode *node;
    if (token->kind == TOKEN_END)
      return !ends || unexpected (p, ends[0]);
    if (token->kind == TOKEN_DATA) {
      node = string_node (p, NODE_TEXT, token->text, token->n);
      p->position++;
    } else if (token->kind == TOKEN_VARIABLE_BEGIN) {
      p->position++;
      node = new_node (p, NODE_PRINT);
      if (!node || !(node->list = parse_tuple (p, TUPLE_OF_EXPRESSIONS, NULL, false, false)) ||
          !expect (p, TOKEN_VARIABLE_END, "'}}'"))
        return false;
    } else {
      p->position++;
      for (const char *const *end = ends; end && *end; end++)
        if (at_word (p, *end))
          return true;
      node = parse_statement (p);
      if (!node || !end_tag (p))
        return false;
    }
    if (!node)
      return false;
    if (p->unknown) {
      p->position = (size_t) (p->unknown - p->tokens);
      return unexpected (p, "the name of a filter or test");
    }
    append (&tail, node);
  }
}

bool
pe_t_parse (struct pe_template *tmpl, const struct token *tokens, size_t n, struct pe_error *error)
{
  struct parser p = { .tmpl = tmpl, .tokens = tokens, .error = error };
  p.stack = __builtin_frame_address (0);
  return parse_statements (&p, NULL, &tmpl->body);
}
