/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tags and the text between them.
 */
#include "engine/text/template-parser.h"

#include <string.h>

static bool parse_statements (struct parser *p, const char *const *ends, struct tnode **out);

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
  struct tnode *target = pe_tp_parse_tuple (p, TUPLE_OF_TARGETS, end_word, false, with_namespace);
  if (target && !can_assign (target))
    return pe_tp_fail (p, "cannot assign to this");
  return target;
}

static bool
end_tag (struct parser *p)
{
  return pe_tp_expect (p, TOKEN_BLOCK_END, "the end of the tag");
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
  struct tnode *node = pe_tp_new_node (p, NODE_IF), *first = node;
  p->soft++;
  for (;;) {
    if (!node || !(node->a = pe_tp_parse_tuple (p, TUPLE_OF_PLAIN, NULL, false, false)) ||
        !end_tag (p) || !parse_statements (p, ends, &node->list))
      return NULL;
    const struct token *how = pe_tp_current (p);
    p->position++;
    if (pe_tp_token_is (how, "elif")) {
      if ((node->otherwise = pe_tp_new_node (p, NODE_IF)))
        node->otherwise->flag = true;
      node = node->otherwise;
      continue;
    }
    if (pe_tp_token_is (how, "else")) {
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
  struct tnode *node = pe_tp_new_node (p, NODE_FOR);
  if (!node || !(node->a = parse_target (p, "in", false)))
    return NULL;
  if (!pe_tp_accept_word (p, "in"))
    return pe_tp_unexpected (p, "'in'");
  if (!(node->b = pe_tp_parse_tuple (p, TUPLE_OF_PLAIN, "recursive", false, false)))
    return NULL;
  if (pe_tp_accept_word (p, "if") && !(node->c = pe_tp_parse_expression (p, true)))
    return NULL;
  node->flag = pe_tp_accept_word (p, "recursive");
  p->in_loop++;
  if (!end_tag (p) || !parse_statements (p, ends, &node->list))
    return NULL;
  p->in_loop--;
  if (pe_tp_accept_word (p, "else"))
    return parse_body (p, "endfor", &node->otherwise) ? node : NULL;
  p->position++;
  return node;
}

static struct tnode *
parse_set (struct parser *p)
{
  struct tnode *node = pe_tp_new_node (p, NODE_SET);
  if (!node || !(node->a = parse_target (p, NULL, true)))
    return NULL;
  if (pe_tp_accept (p, TOKEN_ASSIGN)) {
    node->b = pe_tp_parse_tuple (p, TUPLE_OF_EXPRESSIONS, NULL, false, false);
    return node->b ? node : NULL;
  }
  node->kind = NODE_SET_BLOCK;
  if (pe_tp_current (p)->kind == TOKEN_PIPE && !(node->b = pe_tp_parse_filters (p, NULL, false)))
    return NULL;
  return parse_body (p, "endset", &node->list) ? node : NULL;
}

static bool
parse_parameters (struct parser *p, struct tnode *node)
{
  struct tnode **tail = &node->parameters;
  bool has_default = false;
  if (!pe_tp_expect (p, TOKEN_LPAREN, "'('"))
    return false;
  while (!pe_tp_accept (p, TOKEN_RPAREN)) {
    struct tnode *parameter = pe_tp_new_node (p, NODE_KEYWORD);
    if ((node->parameters && !pe_tp_expect (p, TOKEN_COMMA, "',' or ')'")) || !parameter ||
        !(parameter->name = pe_tp_expect_name (p)))
      return false;
    if (pe_tp_accept (p, TOKEN_ASSIGN)) {
      has_default = true;
      if (!(parameter->a = pe_tp_parse_expression (p, true)))
        return false;
    } else if (has_default) {
      return pe_tp_fail (p, "a parameter without default follows one with a default");
    }
    pe_tp_append (&tail, parameter);
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
  struct tnode *node = pe_tp_new_node (p, NODE_MACRO);
  if (!node || !(node->name = pe_tp_expect_name (p)) || !parse_parameters (p, node))
    return NULL;
  return parse_macro_body (p, "endmacro", node) ? node : NULL;
}

static struct tnode *
parse_call_block (struct parser *p)
{
  struct tnode *node = pe_tp_new_node (p, NODE_CALL_BLOCK);
  if (!node || (pe_tp_current (p)->kind == TOKEN_LPAREN && !parse_parameters (p, node)) ||
      !(node->a = pe_tp_parse_expression (p, true)))
    return NULL;
  if (node->a->kind != NODE_CALL)
    return pe_tp_fail (p, "expected a call");
  return parse_macro_body (p, "endcall", node) ? node : NULL;
}

static struct tnode *
parse_with (struct parser *p)
{
  struct tnode *node = pe_tp_new_node (p, NODE_WITH), **tail;
  if (!node)
    return NULL;
  tail = &node->keywords;
  while (pe_tp_current (p)->kind != TOKEN_BLOCK_END) {
    struct tnode *set = pe_tp_new_node (p, NODE_SET);
    if ((node->keywords && !pe_tp_expect (p, TOKEN_COMMA, "','")) || !set ||
        !(set->a = parse_target (p, NULL, false)) || !pe_tp_expect (p, TOKEN_ASSIGN, "'='") ||
        !(set->b = pe_tp_parse_expression (p, true)))
      return NULL;
    pe_tp_append (&tail, set);
  }
  return parse_body (p, "endwith", &node->list) ? node : NULL;
}

static struct tnode *
parse_filter_block (struct parser *p)
{
  struct tnode *node = pe_tp_new_node (p, NODE_FILTER_BLOCK);
  if (!node || !(node->b = pe_tp_parse_filters (p, NULL, true)))
    return NULL;
  return parse_body (p, "endfilter", &node->list) ? node : NULL;
}

static struct tnode *
parse_print (struct parser *p)
{
  struct tnode *node = pe_tp_new_node (p, NODE_PRINT), **tail;
  if (!node)
    return NULL;
  tail = &node->list;
  while (pe_tp_current (p)->kind != TOKEN_BLOCK_END) {
    struct tnode *item;
    if ((node->list && !pe_tp_expect (p, TOKEN_COMMA, "','")) ||
        !(item = pe_tp_parse_expression (p, true)))
      return NULL;
    pe_tp_append (&tail, item);
  }
  return node;
}

static struct tnode *
parse_jump (struct parser *p, enum node_kind kind)
{
  return p->in_loop ? pe_tp_new_node (p, kind)
                    : pe_tp_fail (p, "break or continue outside of a loop");
}

static struct tnode *
parse_generation (struct parser *p)
{
  struct tnode *node = pe_tp_new_node (p, NODE_GENERATION);
  return node && parse_macro_body (p, "endgeneration", node) ? node : NULL;
}

/* Behind "{%", at the tag's name. */
static struct tnode *
parse_statement (struct parser *p)
{
  if (pe_tp_accept_word (p, "if"))
    return parse_if (p);
  if (pe_tp_accept_word (p, "for"))
    return parse_for (p);
  if (pe_tp_accept_word (p, "set"))
    return parse_set (p);
  if (pe_tp_accept_word (p, "macro"))
    return parse_macro (p);
  if (pe_tp_accept_word (p, "call"))
    return parse_call_block (p);
  if (pe_tp_accept_word (p, "filter"))
    return parse_filter_block (p);
  if (pe_tp_accept_word (p, "with"))
    return parse_with (p);
  if (pe_tp_accept_word (p, "print"))
    return parse_print (p);
  if (pe_tp_accept_word (p, "generation"))
    return parse_generation (p);
  if (pe_tp_accept_word (p, "break"))
    return parse_jump (p, NODE_BREAK);
  if (pe_tp_accept_word (p, "continue"))
    return parse_jump (p, NODE_CONTINUE);
  return pe_tp_unexpected (p, "a known tag");
}

/* Up to a tag whose name is one of `ends` (NULL: the end of the source), which is left current. */
static bool
parse_statements (struct parser *p, const char *const *ends, struct tnode **out)
{
  struct tnode **tail = out;
  if (pe_tp_stack_is_deep (p))
    return false;
  for (;;) {
    const struct token *token = pe_tp_current (p);
    struct tnode *node;
    if (token->kind == TOKEN_END)
      return !ends || pe_tp_unexpected (p, ends[0]);
    if (token->kind == TOKEN_DATA) {
      node = pe_tp_string_node (p, NODE_TEXT, token->text, token->n);
      p->position++;
    } else if (token->kind == TOKEN_VARIABLE_BEGIN) {
      p->position++;
      node = pe_tp_new_node (p, NODE_PRINT);
      if (!node ||
          !(node->list = pe_tp_parse_tuple (p, TUPLE_OF_EXPRESSIONS, NULL, false, false)) ||
          !pe_tp_expect (p, TOKEN_VARIABLE_END, "'}}'"))
        return false;
    } else {
      p->position++;
      for (const char *const *end = ends; end && *end; end++)
        if (pe_tp_at_word (p, *end))
          return true;
      node = parse_statement (p);
      if (!node || !end_tag (p))
        return false;
    }
    if (!node)
      return false;
    if (p->unknown) {
      p->position = (size_t) (p->unknown - p->tokens);
      return pe_tp_unexpected (p, "the name of a filter or test");
    }
    pe_tp_append (&tail, node);
  }
}

bool
pe_t_parse (struct pe_template *tmpl, const struct token *tokens, size_t n, struct pe_error *error)
{
  struct parser p = { .tmpl = tmpl, .tokens = tokens, .error = error };
  p.stack = __builtin_frame_address (0);
  return parse_statements (&p, NULL, &tmpl->body);
}
