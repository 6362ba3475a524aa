/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Expressions, by recursive descent with the precedences of Jinja 3.1.
 */
#include "engine/text/template-parser.h"
#include "engine/text/template-names.h"

#include <string.h>

static bool
is_tuple_end (const struct parser *p, const char *end_word)
{
  enum token_kind kind = pe_tp_current (p)->kind;
  return kind == TOKEN_VARIABLE_END || kind == TOKEN_BLOCK_END || kind == TOKEN_RPAREN ||
         (end_word && pe_tp_at_word (p, end_word));
}

static struct tnode *parse_primary (struct parser *p, bool with_namespace);

struct tnode *
pe_tp_parse_tuple (struct parser *p, enum tuple_parts parts, const char *end_word,
                   bool in_parentheses, bool with_namespace)
{
  struct tnode *tuple = pe_tp_new_node (p, NODE_TUPLE), **tail;
  bool is_tuple = false;
  if (!tuple)
    return NULL;
  tail = &tuple->list;
  for (;;) {
    if (tuple->list && !pe_tp_expect (p, TOKEN_COMMA, "','"))
      return NULL;
    if (is_tuple_end (p, end_word))
      break;
    struct tnode *item = parts == TUPLE_OF_TARGETS
                             ? parse_primary (p, with_namespace)
                             : pe_tp_parse_expression (p, parts == TUPLE_OF_EXPRESSIONS);
    if (!item)
      return NULL;
    pe_tp_append (&tail, item);
    if (pe_tp_current (p)->kind != TOKEN_COMMA)
      break;
    is_tuple = true;
  }
  if (!is_tuple && tuple->list)
    return tuple->list;
  if (!is_tuple && !in_parentheses)
    return pe_tp_unexpected (p, "an expression");
  return tuple;
}

static struct tnode *
parse_list (struct parser *p)
{
  struct tnode *list = pe_tp_new_node (p, NODE_LIST), **tail;
  if (!list)
    return NULL;
  tail = &list->list;
  p->position++;
  while (pe_tp_current (p)->kind != TOKEN_RBRACKET) {
    if (list->list && !pe_tp_expect (p, TOKEN_COMMA, "',' or ']'"))
      return NULL;
    if (pe_tp_current (p)->kind == TOKEN_RBRACKET)
      break;
    struct tnode *item = pe_tp_parse_expression (p, true);
    if (!item)
      return NULL;
    pe_tp_append (&tail, item);
  }
  p->position++;
  return list;
}

static struct tnode *
parse_dict (struct parser *p)
{
  struct tnode *dict = pe_tp_new_node (p, NODE_DICT), **tail;
  if (!dict)
    return NULL;
  tail = &dict->list;
  p->position++;
  while (pe_tp_current (p)->kind != TOKEN_RBRACE) {
    if (dict->list && !pe_tp_expect (p, TOKEN_COMMA, "',' or '}'"))
      return NULL;
    if (pe_tp_current (p)->kind == TOKEN_RBRACE)
      break;
    struct tnode *key = pe_tp_parse_expression (p, true);
    if (!key || !pe_tp_expect (p, TOKEN_COLON, "':'"))
      return NULL;
    struct tnode *value = pe_tp_parse_expression (p, true);
    if (!value)
      return NULL;
    pe_tp_append (&tail, key);
    pe_tp_append (&tail, value);
  }
  p->position++;
  return dict;
}

static void
note_use (struct parser *p, const struct token *token)
{
  if (pe_tp_token_is (token, "caller"))
    p->uses |= MACRO_USES_CALLER;
  else if (pe_tp_token_is (token, "varargs"))
    p->uses |= MACRO_USES_VARARGS;
  else if (pe_tp_token_is (token, "kwargs"))
    p->uses |= MACRO_USES_KWARGS;
}

static struct tnode *
parse_name (struct parser *p, bool with_namespace)
{
  const struct token *token = pe_tp_current (p);
  if (pe_tp_token_is (token, "true") || pe_tp_token_is (token, "True"))
    return pe_tp_const_node (p, t_bool (true));
  if (pe_tp_token_is (token, "false") || pe_tp_token_is (token, "False"))
    return pe_tp_const_node (p, t_bool (false));
  if (pe_tp_token_is (token, "none") || pe_tp_token_is (token, "None"))
    return pe_tp_const_node (p, t_none ());
  struct tnode *node = pe_tp_new_node (p, NODE_NAME);
  if (!node || !(node->name = pe_tp_expect_name (p)))
    return NULL;
  if (with_namespace && pe_tp_accept (p, TOKEN_DOT)) {
    struct tnode *attr = pe_tp_new_pair (p, NODE_NAMESPACE_ATTR, node, NULL);
    if (attr)
      attr->name = pe_tp_expect_name (p);
    return attr && attr->name ? attr : NULL;
  }
  note_use (p, token);
  return node;
}

static struct tnode *
parse_primary (struct parser *p, bool with_namespace)
{
  if (pe_tp_stack_is_deep (p))
    return NULL;
  switch ((int) pe_tp_current (p)->kind) {
  case TOKEN_NAME: return parse_name (p, with_namespace);
  case TOKEN_STRING: return pe_tp_parse_string (p);
  case TOKEN_INTEGER: return pe_tp_parse_integer (p);
  case TOKEN_FLOAT: return pe_tp_parse_float (p);
  case TOKEN_LBRACKET: return parse_list (p);
  case TOKEN_LBRACE: return parse_dict (p);
  case TOKEN_LPAREN: {
    p->position++;
    struct tnode *node = pe_tp_parse_tuple (p, TUPLE_OF_EXPRESSIONS, NULL, true, false);
    return node && pe_tp_expect (p, TOKEN_RPAREN, "')'") ? node : NULL;
  }
  default: return pe_tp_unexpected (p, "an expression");
  }
}

/* "(a, b, name=c, *d, **e)", at the parenthesis, into a call, filter or test. */
static bool
parse_arguments (struct parser *p, struct tnode *call)
{
  struct tnode **tail = &call->list, **keyword_tail = &call->keywords;
  bool first = true;
  if (!pe_tp_expect (p, TOKEN_LPAREN, "'('"))
    return false;
  for (;; first = false) {
    if (pe_tp_accept (p, TOKEN_RPAREN))
      return true;
    if (!first && !pe_tp_expect (p, TOKEN_COMMA, "',' or ')'"))
      return false;
    if (pe_tp_accept (p, TOKEN_RPAREN))
      return !first || pe_tp_unexpected (p, "an argument");
    if (pe_tp_accept (p, TOKEN_MUL)) {
      if (call->b || call->c)
        return pe_tp_fail (p, "misplaced '*' argument");
      if (!(call->b = pe_tp_parse_expression (p, true)))
        return false;
    } else if (pe_tp_accept (p, TOKEN_POW)) {
      if (call->c)
        return pe_tp_fail (p, "misplaced '**' argument");
      if (!(call->c = pe_tp_parse_expression (p, true)))
        return false;
    } else if (pe_tp_current (p)->kind == TOKEN_NAME && pe_tp_current (p)[1].kind == TOKEN_ASSIGN) {
      struct tnode *keyword = pe_tp_new_node (p, NODE_KEYWORD);
      if (call->c)
        return pe_tp_fail (p, "an argument follows '**'");
      if (!keyword || !(keyword->name = pe_tp_expect_name (p)))
        return false;
      p->position++;
      if (!(keyword->a = pe_tp_parse_expression (p, true)))
        return false;
      pe_tp_append (&keyword_tail, keyword);
    } else {
      if (call->b || call->c || call->keywords)
        return pe_tp_fail (p, "a positional argument follows a named one");
      struct tnode *argument = pe_tp_parse_expression (p, true);
      if (!argument)
        return false;
      pe_tp_append (&tail, argument);
    }
  }
}

static struct tnode *
parse_slice_or_index (struct parser *p)
{
  struct tnode *slice = pe_tp_new_node (p, NODE_SLICE), *parts[3] = { NULL };
  size_t n = 0;
  if (!slice)
    return NULL;
  for (;;) {
    enum token_kind kind = pe_tp_current (p)->kind;
    if (kind == TOKEN_COLON) {
      if (++n > 2)
        return pe_tp_unexpected (p, "']'");
      p->position++;
    } else if (kind == TOKEN_RBRACKET || kind == TOKEN_COMMA) {
      break;
    } else {
      if (parts[n])
        return pe_tp_unexpected (p, "']'");
      if (!(parts[n] = pe_tp_parse_expression (p, true)))
        return NULL;
    }
  }
  if (n == 0)
    return parts[0] ? parts[0] : pe_tp_unexpected (p, "an expression");
  slice->a = parts[0];
  slice->b = parts[1];
  slice->c = parts[2];
  return slice;
}

static struct tnode *
parse_subscript (struct parser *p, struct tnode *object)
{
  if (pe_tp_accept (p, TOKEN_DOT)) {
    if (pe_tp_current (p)->kind == TOKEN_INTEGER)
      return pe_tp_new_pair (p, NODE_ITEM, object, pe_tp_parse_integer (p));
    struct tnode *node = pe_tp_new_pair (p, NODE_ATTR, object, NULL);
    return node && (node->name = pe_tp_expect_name (p)) ? node : NULL;
  }
  p->position++;
  struct tnode *tuple = pe_tp_new_node (p, NODE_TUPLE), **tail;
  if (!tuple)
    return NULL;
  tail = &tuple->list;
  while (pe_tp_current (p)->kind != TOKEN_RBRACKET) {
    if (tuple->list && !pe_tp_expect (p, TOKEN_COMMA, "',' or ']'"))
      return NULL;
    struct tnode *item = parse_slice_or_index (p);
    if (!item)
      return NULL;
    pe_tp_append (&tail, item);
  }
  p->position++;
  bool single = tuple->list && !tuple->list->next;
  return pe_tp_new_pair (p, NODE_ITEM, object, single ? tuple->list : tuple);
}

static struct tnode *
parse_call (struct parser *p, struct tnode *callee)
{
  struct tnode *node = pe_tp_new_pair (p, NODE_CALL, callee, NULL);
  return node && parse_arguments (p, node) ? node : NULL;
}

static struct tnode *
parse_postfix (struct parser *p, struct tnode *node)
{
  while (node) {
    enum token_kind kind = pe_tp_current (p)->kind;
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
  const struct tname *name = pe_tp_expect_name (p);
  while (name && pe_tp_accept (p, TOKEN_DOT)) {
    char text[128];
    const struct token *part = pe_tp_current (p);
    if (!pe_tp_expect (p, TOKEN_NAME, "a name"))
      return NULL;
    if (name->n + part->n + 1 > sizeof text)
      return pe_tp_fail (p, "a name is too long");
    memcpy (text, name->text, name->n);
    text[name->n] = '.';
    memcpy (text + name->n + 1, part->text, part->n);
    name = pe_tp_intern (p, text, name->n + part->n + 1);
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
    p->unknown = pe_tp_current (p) - 1;
}

struct tnode *
pe_tp_parse_filters (struct parser *p, struct tnode *node, bool inline_start)
{
  while (pe_tp_current (p)->kind == TOKEN_PIPE || inline_start) {
    if (!inline_start)
      p->position++;
    inline_start = false;
    struct tnode *filter = pe_tp_new_node (p, NODE_FILTER);
    if (!filter || !(filter->name = parse_dotted_name (p)))
      return NULL;
    check_known (p, filter->name, true);
    filter->a = node;
    if (pe_tp_current (p)->kind == TOKEN_LPAREN && !parse_arguments (p, filter))
      return NULL;
    node = filter;
  }
  return node;
}

static bool
starts_test_argument (const struct parser *p)
{
  switch ((int) pe_tp_current (p)->kind) {
  case TOKEN_NAME:
    return !pe_tp_at_word (p, "else") && !pe_tp_at_word (p, "or") && !pe_tp_at_word (p, "and");
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
  bool negated = pe_tp_accept_word (p, "not");
  struct tnode *test = pe_tp_new_pair (p, NODE_TEST, subject, NULL);
  if (!test || !(test->name = parse_dotted_name (p)))
    return NULL;
  check_known (p, test->name, false);
  if (pe_tp_current (p)->kind == TOKEN_LPAREN) {
    if (!parse_arguments (p, test))
      return NULL;
  } else if (starts_test_argument (p)) {
    if (pe_tp_at_word (p, "is"))
      return pe_tp_fail (p, "tests cannot be chained");
    test->list = parse_postfix (p, parse_primary (p, false));
    if (!test->list)
      return NULL;
  }
  return negated ? pe_tp_new_pair (p, NODE_NOT, test, NULL) : test;
}

static struct tnode *
parse_unary (struct parser *p, bool with_filters)
{
  struct tnode *node;
  if (pe_tp_stack_is_deep (p))
    return NULL;
  if (pe_tp_accept (p, TOKEN_SUB))
    node = pe_tp_new_pair (p, NODE_NEG, parse_unary (p, false), NULL);
  else if (pe_tp_accept (p, TOKEN_ADD))
    node = pe_tp_new_pair (p, NODE_POS, parse_unary (p, false), NULL);
  else
    node = parse_primary (p, false);
  node = parse_postfix (p, node);
  while (node && with_filters) {
    if (pe_tp_current (p)->kind == TOKEN_PIPE)
      node = pe_tp_parse_filters (p, node, false);
    else if (pe_tp_at_word (p, "is"))
      node = parse_test (p, node);
    else if (pe_tp_current (p)->kind == TOKEN_LPAREN)
      node = parse_call (p, node);
    else
      break;
  }
  return node;
}

static struct tnode *
binary (struct parser *p, struct tnode *a, enum token_kind op, struct tnode *b)
{
  struct tnode *node = b ? pe_tp_new_pair (p, NODE_BINARY, a, b) : NULL;
  if (node)
    node->op = (uint8_t) op;
  return node;
}

static struct tnode *
parse_power (struct parser *p)
{
  struct tnode *node = parse_unary (p, true);
  while (node && pe_tp_accept (p, TOKEN_POW))
    node = binary (p, node, TOKEN_POW, parse_unary (p, true));
  return node;
}

static struct tnode *
parse_product (struct parser *p)
{
  struct tnode *node = parse_power (p);
  for (;;) {
    enum token_kind op = pe_tp_current (p)->kind;
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
  if (!first || pe_tp_current (p)->kind != TOKEN_TILDE)
    return first;
  struct tnode *node = pe_tp_new_node (p, NODE_CONCAT), **tail;
  if (!node)
    return NULL;
  tail = &node->list;
  pe_tp_append (&tail, first);
  while (pe_tp_accept (p, TOKEN_TILDE)) {
    struct tnode *item = parse_product (p);
    if (!item)
      return NULL;
    pe_tp_append (&tail, item);
  }
  return node;
}

static struct tnode *
parse_sum (struct parser *p)
{
  struct tnode *node = parse_concat (p);
  for (;;) {
    enum token_kind op = pe_tp_current (p)->kind;
    if (!node || (op != TOKEN_ADD && op != TOKEN_SUB))
      return node;
    p->position++;
    node = binary (p, node, op, parse_concat (p));
  }
}

static int
accept_comparison (struct parser *p)
{
  enum token_kind kind = pe_tp_current (p)->kind;
  if (kind == TOKEN_EQ || kind == TOKEN_NE || kind == TOKEN_GT || kind == TOKEN_GE ||
      kind == TOKEN_LT || kind == TOKEN_LE) {
    p->position++;
    return (int) kind;
  }
  if (pe_tp_accept_word (p, "in"))
    return OPERAND_IN;
  if (pe_tp_at_word (p, "not") && pe_tp_token_is (pe_tp_current (p) + 1, "in")) {
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
      if (!(node = pe_tp_new_pair (p, NODE_COMPARE, first, NULL)))
        return NULL;
      tail = &node->list;
    }
    struct tnode *operand = pe_tp_new_pair (p, NODE_OPERAND, parse_sum (p), NULL);
    if (!operand)
      return NULL;
    operand->op = (uint8_t) op;
    pe_tp_append (&tail, operand);
  }
  return node ? node : first;
}

static struct tnode *
parse_not (struct parser *p)
{
  if (pe_tp_stack_is_deep (p))
    return NULL;
  if (pe_tp_accept_word (p, "not"))
    return pe_tp_new_pair (p, NODE_NOT, parse_not (p), NULL);
  return parse_comparison (p);
}

static struct tnode *
parse_and (struct parser *p)
{
  struct tnode *node = parse_not (p);
  while (node && pe_tp_accept_word (p, "and")) {
    struct tnode *right = parse_not (p);
    node = right ? pe_tp_new_pair (p, NODE_AND, node, right) : NULL;
  }
  return node;
}

static struct tnode *
parse_or (struct parser *p)
{
  struct tnode *node = parse_and (p);
  while (node && pe_tp_accept_word (p, "or")) {
    struct tnode *right = parse_and (p);
    node = right ? pe_tp_new_pair (p, NODE_OR, node, right) : NULL;
  }
  return node;
}

struct tnode *
pe_tp_parse_expression (struct parser *p, bool with_condition)
{
  const struct token *outer_unknown = p->unknown;
  if (pe_tp_stack_is_deep (p))
    return NULL;
  p->unknown = NULL;
  struct tnode *node = parse_or (p);
  while (node && with_condition && pe_tp_accept_word (p, "if")) {
    struct tnode *test = parse_or (p), *otherwise = NULL;
    bool ok = test != NULL;
    if (ok && pe_tp_accept_word (p, "else"))
      ok = (otherwise = pe_tp_parse_expression (p, true)) != NULL;
    struct tnode *condition = ok ? pe_tp_new_pair (p, NODE_COND, test, node) : NULL;
    if (condition)
      condition->c = otherwise;
    node = condition;
    p->unknown = NULL;
  }
  if (outer_unknown)
    p->unknown = outer_unknown;
  return node;
}
