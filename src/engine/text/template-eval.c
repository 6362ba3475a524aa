/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Walks the tree: expressions, statements, scopes, loops and macros.
 */
#include "engine/text/template-eval.h"

#include "base/json.h"
#include "engine/text/template-names.h"

#include <stdio.h>
#include <string.h>

/* Variables of one block of the template; looked up outwards through `parent`. Macros keep the
 * scope that they were defined in, and see what is set there later. */
struct tscope {
  struct tscope *parent;
  struct variable {
    const struct tname *name;
    struct tval value;
  } * variables;
  size_t n, capacity;
  bool is_captured; /* a macro may outlive it */
};

struct tmacro {
  const struct tnode *node; /* NODE_MACRO or NODE_CALL_BLOCK */
  struct tscope *scope;
};

struct tloop {
  struct tlist source; /* what is walked */
  size_t next_source;  /* first item not yet looked at */
  struct tlist *items; /* those that passed the filter */
  size_t index;        /* of the current one */
  unsigned depth;
  const struct tnode *node;
  struct tscope *scope; /* outside of the loop */
  struct tval changed;  /* last arguments of changed(), a tuple; T_MISSING */
};

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_ERROR };

static bool eval (struct teval *t, const struct tnode *node, struct tscope *scope,
                  struct tval *out);
static enum flow exec (struct teval *t, const struct tnode *node, struct tscope *scope);

/* ---- scopes ---- */

struct tscope *
pe_t_scope_new (struct teval *t, struct tscope *parent)
{
  struct tscope *scope = pe_t_alloc (t, sizeof *scope);
  if (scope)
    scope->parent = parent;
  return scope;
}

static bool
set_variable (struct teval *t, struct tscope *scope, const struct tname *name, struct tval value)
{
  for (size_t i = 0; i < scope->n; i++)
    if (scope->variables[i].name == name) {
      scope->variables[i].value = value;
      return true;
    }
  if (scope->n == scope->capacity) {
    size_t capacity = scope->capacity ? scope->capacity * 2 : 4;
    struct variable *variables = pe_t_alloc (t, capacity * sizeof *variables);
    if (!variables)
      return false;
    if (scope->n)
      memcpy (variables, scope->variables, scope->n * sizeof *variables);
    scope->variables = variables;
    scope->capacity = capacity;
  }
  scope->variables[scope->n++] = (struct variable){ name, value };
  return true;
}

/* For names that the program and not the template gives ("loop", "caller"): the template may not
 * mention them at all. */
static bool
set_by_text (struct teval *t, struct tscope *scope, const char *text, struct tval value)
{
  const struct tname *name = pe_t_name_find (t->tmpl, text, strlen (text));
  return !name || set_variable (t, scope, name, value);
}

/* The program's own strings are those directly in the context under a name like "bos_token". */
static bool
is_trusted_name (const struct tname *name)
{
  return name->n > 6 && memcmp (name->text + name->n - 6, "_token", 6) == 0;
}

static bool
find_global (struct teval *t, const struct tname *name, struct tval *out)
{
  const struct pe_json *given = pe_json_get (t->context, name->text);
  if (given) {
    bool trusted = given->kind == PE_JSON_STRING && is_trusted_name (name);
    return pe_t_from_json (t, given, !trusted, out) && set_variable (t, t->globals, name, *out);
  }
  const struct tfunction *function = pe_t_function (name->text, name->n);
  if (function) {
    *out = (struct tval){ .kind = T_FUNCTION, .function = function };
    return true;
  }
  char *why = pe_t_alloc (t, name->n + 32);
  if (!why)
    return false;
  snprintf (why, name->n + 32, "'%s' is undefined", name->text);
  *out = t_undefined (why);
  return set_variable (t, t->globals, name, *out);
}

static bool
find_variable (struct teval *t, struct tscope *scope, const struct tname *name, struct tval *out)
{
  for (; scope; scope = scope->parent)
    for (size_t i = 0; i < scope->n; i++)
      if (scope->variables[i].name == name) {
        *out = scope->variables[i].value;
        return true;
      }
  return find_global (t, name, out);
}

/* Sets names, namespace attributes, and tuples of these. */
static bool
assign (struct teval *t, const struct tnode *target, struct tscope *scope, struct tval value)
{
  if (target->kind == NODE_NAME)
    return set_variable (t, scope, target->name, value);
  if (target->kind == NODE_NAMESPACE_ATTR) {
    struct tval ns, key;
    if (!find_variable (t, scope, target->a->name, &ns))
      return false;
    if (ns.kind != T_NAMESPACE)
      return pe_t_fail (t, "cannot assign attribute on non-namespace object");
    return pe_t_string (t, target->name->text, target->name->n, false, &key) &&
           pe_t_dict_set (t, ns.dict, key, value);
  }
  struct tlist items;
  size_t wanted = 0, i = 0;
  for (const struct tnode *part = target->list; part; part = part->next)
    wanted++;
  if (!pe_t_iterate (t, value, &items))
    return false;
  if (items.n != wanted)
    return pe_t_fail (t, "%s values to unpack (expected %zu, got %zu)",
                      items.n > wanted ? "too many" : "not enough", wanted, items.n);
  for (const struct tnode *part = target->list; part; part = part->next)
    if (!assign (t, part, scope, items.items[i++]))
      return false;
  return true;
}

/* ---- calls ---- */

static size_t
count_nodes (const struct tnode *list)
{
  size_t n = 0;
  for (; list; list = list->next)
    n++;
  return n;
}

/* The arguments of a call, filter or test. */
static bool
eval_arguments (struct teval *t, const struct tnode *node, struct tscope *scope, size_t extra,
                struct targs *out)
{
  struct tlist more = { 0 };
  struct tval named = { .kind = T_MISSING }, v;
  memset (out, 0, sizeof *out);
  if (node->b && (!eval (t, node->b, scope, &v) || !pe_t_iterate (t, v, &more)))
    return false;
  if (node->c && !eval (t, node->c, scope, &named))
    return false;
  if (node->c && named.kind != T_DICT)
    return pe_t_fail (t, "argument after ** must be a mapping, not %s", pe_t_type_name (named));
  size_t n = count_nodes (node->list) + more.n;
  size_t n_keywords = count_nodes (node->keywords) + (node->c ? named.dict->n : 0) + extra;
  if (n + n_keywords == 0)
    return true;
  struct tval *values = pe_t_alloc (t, (n + 1) * sizeof *values);
  out->keywords = n_keywords ? pe_t_alloc (t, n_keywords * sizeof *out->keywords) : NULL;
  if (!values || (n_keywords && !out->keywords))
    return false;
  for (const struct tnode *arg = node->list; arg; arg = arg->next)
    if (!eval (t, arg, scope, &values[out->n++]))
      return false;
  for (size_t i = 0; i < more.n; i++)
    values[out->n++] = more.items[i];
  out->values = values;
  for (const struct tnode *arg = node->keywords; arg; arg = arg->next) {
    struct tkeyword *keyword = &out->keywords[out->n_keywords++];
    keyword->name = arg->name->text;
    keyword->n = arg->name->n;
    if (!eval (t, arg->a, scope, &keyword->value))
      return false;
  }
  for (size_t i = 0; node->c && i < named.dict->n; i++) {
    struct tval key = named.dict->keys[i];
    if (key.kind != T_STRING)
      return pe_t_fail (t, "keywords must be strings");
    out->keywords[out->n_keywords++] =
        (struct tkeyword){ key.string->data, key.string->n, named.dict->values[i] };
  }
  for (size_t i = 0; i < out->n_keywords; i++)
    for (size_t k = 0; k < i; k++)
      if (out->keywords[i].n == out->keywords[k].n &&
          memcmp (out->keywords[i].name, out->keywords[k].name, out->keywords[i].n) == 0)
        return pe_t_fail (t, "a named argument is repeated");
  return true;
}

/* Runs statements with their output caught. */
static bool
capture (struct teval *t, const struct tnode *body, struct tscope *scope, struct tval *out)
{
  struct tbuilder b = { .t = t }, *outer = t->out;
  t->out = &b;
  enum flow flow = exec (t, body, scope);
  t->out = outer;
  return flow != FLOW_ERROR && pe_t_finish (&b, out);
}

static bool
take_keyword (struct targs *args, const char *name, size_t n, struct tval *out)
{
  for (size_t i = 0; i < args->n_keywords; i++)
    if (args->keywords[i].n == n && memcmp (args->keywords[i].name, name, n) == 0) {
      *out = args->keywords[i].value;
      args->keywords[i] = args->keywords[--args->n_keywords];
      return true;
    }
  return false;
}

/* What the parameters do not take goes to varargs, kwargs and caller, if the body uses them. */
static bool
bind_rest (struct teval *t, const struct tmacro *macro, struct tscope *scope, struct targs *args,
           size_t n_parameters)
{
  const struct tnode *node = macro->node;
  const char *name = pe_t_macro_name (macro);
  struct tval v;
  if (node->uses & MACRO_USES_CALLER) {
    if (!take_keyword (args, "caller", 6, &v))
      v = t_undefined ("no caller defined");
    if (!set_by_text (t, scope, "caller", v))
      return false;
  }
  if (node->uses & MACRO_USES_KWARGS) {
    if (!pe_t_dict_new (t, T_DICT, &v))
      return false;
    for (size_t i = 0; i < args->n_keywords; i++) {
      struct tval key;
      if (!pe_t_string (t, args->keywords[i].name, args->keywords[i].n, false, &key) ||
          !pe_t_dict_set (t, v.dict, key, args->keywords[i].value))
        return false;
    }
    if (!set_by_text (t, scope, "kwargs", v))
      return false;
  } else if (args->n_keywords) {
    return pe_t_fail (t, "macro '%s' takes no keyword argument '%.*s'", name,
                      args->keywords[0].n > 60 ? 60 : (int) args->keywords[0].n,
                      args->keywords[0].name);
  }
  if (node->uses & MACRO_USES_VARARGS) {
    if (!pe_t_list_new (t, T_TUPLE, 0, &v))
      return false;
    for (size_t i = n_parameters; i < args->n; i++)
      if (!pe_t_list_add (t, v.list, args->values[i]))
        return false;
    return set_by_text (t, scope, "varargs", v);
  }
  return args->n <= n_parameters ||
         pe_t_fail (t, "macro '%s' takes not more than %zu argument(s)", name, n_parameters);
}

static bool
call_macro (struct teval *t, const struct tmacro *macro, const struct targs *given,
            struct tval *out)
{
  struct targs args = *given;
  struct tscope *scope = pe_t_scope_new (t, macro->scope);
  size_t i = 0, n_parameters = count_nodes (macro->node->parameters);
  if (!scope)
    return false;
  if (given->n_keywords) { /* they are removed one by one: from a copy */
    args.keywords = pe_t_alloc (t, given->n_keywords * sizeof *args.keywords);
    if (!args.keywords)
      return false;
    memcpy (args.keywords, given->keywords, given->n_keywords * sizeof *args.keywords);
  }
  if (t->depth >= t->limits.depth)
    return pe_t_limit (t, "its macros call each other too deeply");
  for (const struct tnode *p = macro->node->parameters; p; p = p->next, i++) {
    struct tval v = { .kind = T_MISSING };
    bool named = take_keyword (&args, p->name->text, p->name->n, &v);
    if (i < args.n) {
      if (named)
        return pe_t_fail (t, "macro got two values for '%s'", p->name->text);
      v = args.values[i];
    } else if (!named) {
      v = t_undefined ("a parameter of a macro was not provided");
      if (p->a && !eval (t, p->a, scope, &v))
        return false;
    }
    if (!set_variable (t, scope, p->name, v))
      return false;
  }
  if (!bind_rest (t, macro, scope, &args, n_parameters))
    return false;
  t->depth++;
  bool ok = capture (t, macro->node->list, scope, out);
  t->depth--;
  return ok;
}

static bool run_loop (struct teval *t, const struct tnode *node, struct tscope *scope,
                      struct tval iterable, unsigned depth, enum flow *flow);

static bool
call_loop (struct teval *t, struct tloop *loop, const struct targs *args, struct tval *out)
{
  struct tbuilder b = { .t = t }, *outer = t->out;
  enum flow flow;
  if (!loop->node->flag)
    return pe_t_fail (t, "the loop must have the 'recursive' marker to be called");
  if (args->n != 1 || args->n_keywords)
    return pe_t_fail (t, "loop() takes one argument");
  if (t->depth >= t->limits.depth)
    return pe_t_limit (t, "its loops recurse too deeply");
  t->depth++;
  t->out = &b;
  bool ok = run_loop (t, loop->node, loop->scope, args->values[0], loop->depth + 1, &flow);
  t->out = outer;
  t->depth--;
  return ok && pe_t_finish (&b, out);
}

bool
pe_t_call (struct teval *t, struct tval callee, const struct targs *args, struct tval *out)
{
  if (!pe_t_stack (t) || !pe_t_spend (t, 1))
    return false;
  switch (callee.kind) {
  case T_UNDEFINED: return pe_t_use_undefined (t, callee);
  case T_FUNCTION: return callee.function->fn (t, args, out);
  case T_METHOD: return callee.method->fn (t, callee.method->self, args, out);
  case T_MACRO: return call_macro (t, callee.macro, args, out);
  case T_LOOP: return call_loop (t, callee.loop, args, out);
  case T_JOINER:
    *out = callee.cycler->position++ ? callee.cycler->items[0] : t_empty_string ();
    return true;
  default: return pe_t_fail (t, "'%s' object is not callable", pe_t_type_name (callee));
  }
}

/* ---- macros and loops as values ---- */

const char *
pe_t_macro_name (const struct tmacro *macro)
{
  return macro->node->kind == NODE_MACRO ? macro->node->name->text : "caller";
}

bool
pe_t_macro_attr (struct teval *t, const struct tmacro *macro, const char *name, size_t n,
                 struct tval *out)
{
  const struct tnode *node = macro->node;
  if (n == 4 && memcmp (name, "name", 4) == 0)
    return pe_t_text (t, pe_t_macro_name (macro), out);
  if (n == 12 && memcmp (name, "catch_kwargs", 12) == 0)
    *out = t_bool (node->uses & MACRO_USES_KWARGS);
  else if (n == 13 && memcmp (name, "catch_varargs", 13) == 0)
    *out = t_bool (node->uses & MACRO_USES_VARARGS);
  else if (n == 6 && memcmp (name, "caller", 6) == 0)
    *out = t_bool (node->uses & MACRO_USES_CALLER);
  else if (n == 9 && memcmp (name, "arguments", 9) == 0) {
    if (!pe_t_list_new (t, T_TUPLE, 0, out))
      return false;
    for (const struct tnode *p = node->parameters; p; p = p->next) {
      struct tval parameter;
      if (!pe_t_string (t, p->name->text, p->name->n, false, &parameter) ||
          !pe_t_list_add (t, out->list, parameter))
        return false;
    }
  }
  return true;
}

/* Looks at further items until item `i` is known or there are no more. */
static bool
fill_loop (struct teval *t, struct tloop *loop, size_t i)
{
  while (loop->items->n <= i && loop->next_source < loop->source.n) {
    struct tval item = loop->source.items[loop->next_source++];
    bool passes = true;
    if (loop->node->c) {
      struct tscope *scope = pe_t_scope_new (t, loop->scope);
      struct tval answer;
      if (!scope || !assign (t, loop->node->a, scope, item) ||
          !eval (t, loop->node->c, scope, &answer) || !pe_t_truth (t, answer, &passes))
        return false;
    }
    if (passes && !pe_t_list_add (t, loop->items, item))
      return false;
  }
  return true;
}

bool
pe_t_loop_length (struct teval *t, struct tloop *loop, size_t *out)
{
  if (!fill_loop (t, loop, SIZE_MAX))
    return false;
  *out = loop->items->n;
  return true;
}

static bool
loop_cycle (struct teval *t, struct tval self, const struct targs *args, struct tval *out)
{
  if (args->n == 0 || args->n_keywords)
    return pe_t_fail (t, "no items for cycling given");
  *out = args->values[self.loop->index % args->n];
  return true;
}

static bool
loop_changed (struct teval *t, struct tval self, const struct targs *args, struct tval *out)
{
  struct tval now;
  bool same = false;
  if (!pe_t_list_new (t, T_TUPLE, args->n, &now))
    return false;
  for (size_t i = 0; i < args->n; i++)
    if (!pe_t_list_add (t, now.list, args->values[i]))
      return false;
  if (self.loop->changed.kind != T_MISSING && !pe_t_equal (t, self.loop->changed, now, &same))
    return false;
  self.loop->changed = now;
  *out = t_bool (!same);
  return true;
}

static bool
loop_method (struct teval *t, struct tloop *loop, const char *name, tmethod_fn fn, struct tval *out)
{
  struct tmethod *method = pe_t_alloc (t, sizeof *method);
  if (!method)
    return false;
  *method = (struct tmethod){ .self = { .kind = T_LOOP, .loop = loop }, .name = name, .fn = fn };
  *out = (struct tval){ .kind = T_METHOD, .method = method };
  return true;
}

bool
pe_t_loop_attr (struct teval *t, struct tloop *loop, const char *name, size_t n, struct tval *out)
{
  static const char *const names[] = { "index",    "index0",    "first",    "last",     "length",
                                       "revindex", "revindex0", "previtem", "nextitem", "depth",
                                       "depth0",   "cycle",     "changed" };
  size_t which = 0, length = 0;
  while (which < sizeof names / sizeof *names &&
         !(strlen (names[which]) == n && memcmp (names[which], name, n) == 0))
    which++;
  bool ok = true;
  if (which >= 4 && which <= 6)
    ok = pe_t_loop_length (t, loop, &length);
  else if (which == 3 || which == 8)
    ok = fill_loop (t, loop, loop->index + 1);
  if (!ok)
    return false;
  int64_t index = (int64_t) loop->index;
  bool has_next = loop->index + 1 < loop->items->n;
  switch (which) {
  case 0: *out = t_int (index + 1); return true;
  case 1: *out = t_int (index); return true;
  case 2: *out = t_bool (index == 0); return true;
  case 3: *out = t_bool (!has_next); return true;
  case 4: *out = t_int ((int64_t) length); return true;
  case 5: *out = t_int ((int64_t) length - index); return true;
  case 6: *out = t_int ((int64_t) length - index - 1); return true;
  case 7:
    *out = index > 0 ? loop->items->items[index - 1] : t_undefined ("there is no previous item");
    return true;
  case 8:
    *out = has_next ? loop->items->items[index + 1] : t_undefined ("there is no next item");
    return true;
  case 9: *out = t_int (loop->depth + 1); return true;
  case 10: *out = t_int (loop->depth); return true;
  case 11: return loop_method (t, loop, "cycle", loop_cycle, out);
  case 12: return loop_method (t, loop, "changed", loop_changed, out);
  default: return true;
  }
}

/* ---- expressions ---- */

/* Messages are again about this node and no longer about its parts; true. */
static bool
at (struct teval *t, const struct tnode *node)
{
  t->offset = node->offset;
  return true;
}

static bool
eval_truth (struct teval *t, const struct tnode *node, struct tscope *scope, bool *out)
{
  struct tval v;
  return eval (t, node, scope, &v) && pe_t_truth (t, v, out);
}

static bool
eval_list (struct teval *t, const struct tnode *node, struct tscope *scope, uint8_t kind,
           struct tval *out)
{
  if (!pe_t_list_new (t, kind, 0, out))
    return false;
  for (const struct tnode *item = node->list; item; item = item->next) {
    struct tval v;
    if (!eval (t, item, scope, &v) || !pe_t_list_add (t, out->list, v))
      return false;
  }
  return true;
}

static bool
eval_dict (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval *out)
{
  if (!pe_t_dict_new (t, T_DICT, out))
    return false;
  for (const struct tnode *key = node->list; key; key = key->next->next) {
    struct tval k, v;
    if (!eval (t, key, scope, &k) || !eval (t, key->next, scope, &v) ||
        !pe_t_dict_set (t, out->dict, k, v))
      return false;
  }
  return true;
}

static bool
eval_item (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval *out)
{
  struct tval object, key;
  if (!eval (t, node->a, scope, &object))
    return false;
  if (node->b->kind != NODE_SLICE)
    return eval (t, node->b, scope, &key) && pe_t_item (t, object, key, out);
  const struct tnode *const nodes[] = { node->b->a, node->b->b, node->b->c };
  struct tval parts[3];
  for (int i = 0; i < 3; i++) {
    parts[i] = t_none ();
    if (nodes[i] && !eval (t, nodes[i], scope, &parts[i]))
      return false;
  }
  return pe_t_slice (t, object, parts, out);
}

static bool
eval_concat (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval *out)
{
  struct tbuilder b = { .t = t };
  for (const struct tnode *item = node->list; item; item = item->next) {
    struct tval v;
    if (!eval (t, item, scope, &v) || !pe_t_put_str (&b, v))
      return false;
  }
  return pe_t_finish (&b, out);
}

static bool
compare (struct teval *t, int op, struct tval a, struct tval b, bool *out)
{
  static const char *const names[] = {
    [TOKEN_GT] = ">", [TOKEN_GE] = ">=", [TOKEN_LT] = "<", [TOKEN_LE] = "<="
  };
  int c;
  bool ok;
  switch (op) {
  case TOKEN_EQ: return pe_t_equal (t, a, b, out);
  case TOKEN_NE:
  case OPERAND_NOT_IN:
    ok = op == TOKEN_NE ? pe_t_equal (t, a, b, out) : pe_t_contains (t, b, a, out);
    *out = !*out;
    return ok;
  case OPERAND_IN: return pe_t_contains (t, b, a, out);
  default:
    if (!pe_t_order (t, a, b, names[op], &c))
      return false;
    *out = op == TOKEN_GT   ? c == 1
           : op == TOKEN_GE ? c == 0 || c == 1
           : op == TOKEN_LT ? c < 0
                            : c <= 0;
    return true;
  }
}

static bool
eval_compare (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval *out)
{
  struct tval left, right;
  bool holds = true;
  if (!eval (t, node->a, scope, &left))
    return false;
  for (const struct tnode *operand = node->list; operand && holds; operand = operand->next) {
    if (!eval (t, operand->a, scope, &right) || !compare (t, operand->op, left, right, &holds))
      return false;
    left = right;
  }
  *out = t_bool (holds);
  return true;
}

/* The filters of a block have no subject of their own: it is `subject`. */
static bool
eval_filter (struct teval *t, const struct tnode *node, struct tscope *scope,
             const struct tval *subject, struct tval *out)
{
  struct tval v;
  struct targs args;
  if (!pe_t_stack (t))
    return false;
  if (!node->a)
    v = *subject;
  else if (node->a->kind == NODE_FILTER ? !eval_filter (t, node->a, scope, subject, &v)
                                        : !eval (t, node->a, scope, &v))
    return false;
  return eval_arguments (t, node, scope, 0, &args) && at (t, node) &&
         pe_t_filter (t, node->name->text, node->name->n, v, &args, out);
}

static bool
eval_test (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval *out)
{
  struct tval v;
  struct targs args;
  bool answer;
  if (!eval (t, node->a, scope, &v) || !eval_arguments (t, node, scope, 0, &args) ||
      !pe_t_test (t, node->name->text, node->name->n, v, &args, &answer))
    return false;
  *out = t_bool (answer);
  return true;
}

static bool
eval (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval *out)
{
  struct tval a, b;
  struct targs args;
  bool truth;
  if (!pe_t_stack (t) || !pe_t_spend (t, 1))
    return false;
  t->offset = node->offset;
  switch ((enum node_kind) node->kind) {
  case NODE_CONST: *out = node->value; return true;
  case NODE_NAME: return find_variable (t, scope, node->name, out);
  case NODE_LIST: return eval_list (t, node, scope, T_LIST, out);
  case NODE_TUPLE: return eval_list (t, node, scope, T_TUPLE, out);
  case NODE_DICT: return eval_dict (t, node, scope, out);
  case NODE_ATTR:
    return eval (t, node->a, scope, &a) && at (t, node) &&
           pe_t_attr (t, a, node->name->text, node->name->n, out);
  case NODE_ITEM: return eval_item (t, node, scope, out);
  case NODE_CALL:
    return eval (t, node->a, scope, &a) && eval_arguments (t, node, scope, 0, &args) &&
           at (t, node) && pe_t_call (t, a, &args, out);
  case NODE_FILTER: return eval_filter (t, node, scope, NULL, out);
  case NODE_TEST: return eval_test (t, node, scope, out);
  case NODE_NOT:
    if (!eval_truth (t, node->a, scope, &truth))
      return false;
    *out = t_bool (!truth);
    return true;
  case NODE_NEG:
  case NODE_POS:
    return eval (t, node->a, scope, &a) && pe_t_negate (t, a, node->kind == NODE_NEG, out);
  case NODE_BINARY:
    return eval (t, node->a, scope, &a) && eval (t, node->b, scope, &b) && at (t, node) &&
           pe_t_binary (t, node->op, a, b, out);
  case NODE_CONCAT: return eval_concat (t, node, scope, out);
  case NODE_AND:
  case NODE_OR:
    if (!eval (t, node->a, scope, out) || !pe_t_truth (t, *out, &truth))
      return false;
    return truth == (node->kind == NODE_OR) || eval (t, node->b, scope, out);
  case NODE_COMPARE: return eval_compare (t, node, scope, out);
  case NODE_COND:
    if (!eval_truth (t, node->a, scope, &truth))
      return false;
    if (truth || node->c)
      return eval (t, truth ? node->b : node->c, scope, out);
    *out =
        t_undefined ("the inline if-expression evaluated to false and no else section was defined");
    return true;
  default: return pe_t_fail (t, "a slice outside of an index");
  }
}

/* ---- statements ---- */

static bool
run_loop (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval iterable,
          unsigned depth, enum flow *flow)
{
  struct tloop *loop = pe_t_alloc (t, sizeof *loop);
  struct tval list;
  struct tscope *inner = NULL;
  *flow = FLOW_NEXT;
  if (!loop || !pe_t_list_new (t, T_LIST, 0, &list) || !pe_t_iterate (t, iterable, &loop->source))
    return false;
  loop->items = list.list;
  loop->depth = depth;
  loop->node = node;
  loop->scope = scope;
  loop->changed.kind = T_MISSING;
  for (;; loop->index++) {
    if (!pe_t_spend (t, 1) || !fill_loop (t, loop, loop->index))
      return false;
    if (loop->index >= loop->items->n)
      break;
    if (inner && !inner->is_captured)
      inner->n = 0;
    else if (!(inner = pe_t_scope_new (t, scope)))
      return false;
    if (!set_by_text (t, inner, "loop", (struct tval){ .kind = T_LOOP, .loop = loop }) ||
        !assign (t, node->a, inner, loop->items->items[loop->index]))
      return false;
    enum flow body = exec (t, node->list, inner);
    if (body == FLOW_ERROR)
      return false;
    if (body == FLOW_BREAK)
      return true;
  }
  if (loop->index == 0 && node->otherwise) {
    struct tscope *otherwise = pe_t_scope_new (t, scope);
    *flow = otherwise ? exec (t, node->otherwise, otherwise) : FLOW_ERROR;
    return *flow != FLOW_ERROR;
  }
  return true;
}

static bool
new_macro (struct teval *t, const struct tnode *node, struct tscope *scope, struct tval *out)
{
  struct tmacro *macro = pe_t_alloc (t, sizeof *macro);
  if (!macro)
    return false;
  macro->node = node;
  macro->scope = scope;
  for (; scope && !scope->is_captured; scope = scope->parent)
    scope->is_captured = true;
  *out = (struct tval){ .kind = T_MACRO, .macro = macro };
  return true;
}

static bool
exec_call_block (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  struct tval callee, caller, v;
  struct targs args;
  if (!eval (t, node->a->a, scope, &callee) || !eval_arguments (t, node->a, scope, 1, &args) ||
      !new_macro (t, node, scope, &caller))
    return false;
  args.keywords[args.n_keywords++] = (struct tkeyword){ "caller", 6, caller };
  return pe_t_call (t, callee, &args, &v) && pe_t_put_str (t->out, v);
}

static bool
exec_set_block (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  struct tscope *inner = pe_t_scope_new (t, scope);
  struct tval v;
  return inner && capture (t, node->list, inner, &v) &&
         (!node->b || eval_filter (t, node->b, scope, &v, &v)) && assign (t, node->a, scope, v);
}

static bool
exec_filter_block (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  struct tscope *inner = pe_t_scope_new (t, scope);
  struct tval v;
  return inner && capture (t, node->list, inner, &v) && eval_filter (t, node->b, scope, &v, &v) &&
         pe_t_put_str (t->out, v);
}

static enum flow
exec_with (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  struct tscope *inner = pe_t_scope_new (t, scope);
  if (!inner)
    return FLOW_ERROR;
  for (const struct tnode *set = node->keywords; set; set = set->next) {
    struct tval v;
    if (!eval (t, set->b, scope, &v) || !assign (t, set->a, inner, v))
      return FLOW_ERROR;
  }
  return exec (t, node->list, inner);
}

static bool
exec_print (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  for (const struct tnode *item = node->list; item; item = item->next) {
    struct tval v;
    if (!eval (t, item, scope, &v) || !pe_t_put_str (t->out, v))
      return false;
  }
  return true;
}

static enum flow
exec_if (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  for (;;) {
    bool truth;
    if (!eval_truth (t, node->a, scope, &truth))
      return FLOW_ERROR;
    if (truth)
      return exec (t, node->list, scope);
    if (!node->otherwise || node->otherwise->kind != NODE_IF || !node->otherwise->flag)
      return exec (t, node->otherwise, scope);
    node = node->otherwise;
  }
}

static enum flow
exec_one (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  struct tscope *inner;
  struct tval v;
  enum flow flow = FLOW_NEXT;
  bool ok;
  switch ((enum node_kind) node->kind) {
  case NODE_TEXT: ok = pe_t_put_string (t->out, node->value.string); break;
  case NODE_PRINT: ok = exec_print (t, node, scope); break;
  case NODE_IF: return exec_if (t, node, scope);
  case NODE_FOR: ok = eval (t, node->b, scope, &v) && run_loop (t, node, scope, v, 0, &flow); break;
  case NODE_SET: ok = eval (t, node->b, scope, &v) && assign (t, node->a, scope, v); break;
  case NODE_SET_BLOCK: ok = exec_set_block (t, node, scope); break;
  case NODE_MACRO:
    ok = new_macro (t, node, scope, &v) && set_variable (t, scope, node->name, v);
    break;
  case NODE_CALL_BLOCK: ok = exec_call_block (t, node, scope); break;
  case NODE_FILTER_BLOCK: ok = exec_filter_block (t, node, scope); break;
  case NODE_WITH: return exec_with (t, node, scope);
  case NODE_GENERATION:
    inner = pe_t_scope_new (t, scope);
    return inner ? exec (t, node->list, inner) : FLOW_ERROR;
  case NODE_BREAK: return FLOW_BREAK;
  case NODE_CONTINUE: return FLOW_CONTINUE;
  default: ok = pe_t_fail (t, "an unknown statement"); break;
  }
  return ok ? flow : FLOW_ERROR;
}

static enum flow
exec (struct teval *t, const struct tnode *node, struct tscope *scope)
{
  if (!pe_t_stack (t))
    return FLOW_ERROR;
  for (; node; node = node->next) {
    t->offset = node->offset;
    if (!pe_t_spend (t, 1))
      return FLOW_ERROR;
    enum flow flow = exec_one (t, node, scope);
    if (flow != FLOW_NEXT)
      return flow;
  }
  return FLOW_NEXT;
}

bool
pe_t_run (struct teval *t, const struct tnode *body)
{
  struct tscope *scope = pe_t_scope_new (t, t->globals);
  return scope && exec (t, body, scope) != FLOW_ERROR;
}
