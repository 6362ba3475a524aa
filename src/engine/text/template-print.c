/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values as text: Python's str() and repr(), and JSON.
 */
#include "base/number.h"
#include "engine/text/char.h"
#include "engine/text/template-names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- str() and repr() ---- */

static bool
put_quoted (struct tbuilder *b, const struct tstr *s)
{
  bool has_single = memchr (s->data, '\'', s->n) != NULL;
  bool has_double = memchr (s->data, '"', s->n) != NULL;
  char quote = has_single && !has_double ? '"' : '\'';
  if (!pe_t_put (b, &quote, 1, false))
    return false;
  size_t plain = 0;
  for (size_t i = 0; i < s->n;) {
    uint32_t c;
    unsigned length = pe_t_char_at (s, i, &c);
    if (c != (unsigned char) quote && c != '\\' && pe_char_is_printable (c)) {
      i += length;
      continue;
    }
    char text[12];
    int n;
    if (c == '\n' || c == '\r' || c == '\t')
      n = snprintf (text, sizeof text, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c == (unsigned char) quote || c == '\\')
      n = snprintf (text, sizeof text, "\\%c", (int) c);
    else
      n = snprintf (text, sizeof text,
                    c < 0x100     ? "\\x%02x"
                    : c < 0x10000 ? "\\u%04x"
                                  : "\\U%08x",
                    (unsigned) c);
    if (!pe_t_put_slice (b, s, plain, i) || !pe_t_put (b, text, (size_t) n, pe_t_origin (s, i)))
      return false;
    i += length;
    plain = i;
  }
  return pe_t_put_slice (b, s, plain, s->n) && pe_t_put (b, &quote, 1, false);
}

static bool
put_bytes (struct tbuilder *b, const struct tstr *s)
{
  bool has_single = memchr (s->data, '\'', s->n) != NULL;
  bool has_double = memchr (s->data, '"', s->n) != NULL;
  char quote = has_single && !has_double ? '"' : '\'';
  if (!pe_t_put_text (b, "b") || !pe_t_put (b, &quote, 1, false))
    return false;
  for (size_t i = 0; i < s->n; i++) {
    unsigned char c = (unsigned char) s->data[i];
    char text[8];
    int n;
    if (c == '\n' || c == '\r' || c == '\t')
      n = snprintf (text, sizeof text, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c == (unsigned char) quote || c == '\\')
      n = snprintf (text, sizeof text, "\\%c", c);
    else
      n = snprintf (text, sizeof text, c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
    if (!pe_t_put (b, text, (size_t) n, pe_t_origin (s, i)))
      return false;
  }
  return pe_t_put (b, &quote, 1, false);
}

static bool
put_list (struct tbuilder *b, const struct tlist *list, const char *open, const char *close)
{
  if (!pe_t_put_text (b, open))
    return false;
  for (size_t i = 0; i < list->n; i++)
    if ((i && !pe_t_put_text (b, ", ")) || !pe_t_put_repr (b, list->items[i]))
      return false;
  return pe_t_put_text (b, close);
}

static bool
put_dict (struct tbuilder *b, const struct tdict *dict)
{
  if (!pe_t_put_text (b, "{"))
    return false;
  for (size_t i = 0; i < dict->n; i++)
    if ((i && !pe_t_put_text (b, ", ")) || !pe_t_put_repr (b, dict->keys[i]) ||
        !pe_t_put_text (b, ": ") || !pe_t_put_repr (b, dict->values[i]))
      return false;
  return pe_t_put_text (b, "}");
}

static bool
put_view (struct tbuilder *b, struct tval v)
{
  static const char *const names[] = {
    [VIEW_KEYS] = "dict_keys([", [VIEW_VALUES] = "dict_values([", [VIEW_ITEMS] = "dict_items(["
  };
  struct tlist items;
  return pe_t_iterate (b->t, v, &items) && put_list (b, &items, names[v.view->what], "])");
}

static bool
put_object (struct tbuilder *b, const char *before, const char *name, const char *behind)
{
  return pe_t_put_text (b, before) && pe_t_put_text (b, name) && pe_t_put_text (b, behind);
}

static bool
put_loop (struct tbuilder *b, struct tval v)
{
  char text[64];
  struct tval index;
  size_t n;
  if (!pe_t_loop_attr (b->t, v.loop, "index", 5, &index) || !pe_t_loop_length (b->t, v.loop, &n))
    return false;
  snprintf (text, sizeof text, "<LoopContext %lld/%zu>", (long long) index.integer, n);
  return pe_t_put_text (b, text);
}

bool
pe_t_put_repr (struct tbuilder *b, struct tval v)
{
  char text[96];
  if (!pe_t_stack (b->t) || !pe_t_spend (b->t, 1))
    return false;
  switch (v.kind) {
  case T_MISSING:
  case T_UNDEFINED: return pe_t_put_text (b, "Undefined");
  case T_NONE: return pe_t_put_text (b, "None");
  case T_BOOL: return pe_t_put_text (b, v.boolean ? "True" : "False");
  case T_INT: snprintf (text, sizeof text, "%lld", (long long) v.integer); break;
  case T_FLOAT: pe_double_format (v.real, text); break;
  case T_BIG: return pe_t_fail (b->t, "an integer beyond 64 bits");
  case T_STRING:
    if (!v.is_markup)
      return put_quoted (b, v.string);
    return pe_t_put_text (b, "Markup(") && put_quoted (b, v.string) && pe_t_put_text (b, ")");
  case T_BYTES: return put_bytes (b, v.string);
  case T_LIST: return put_list (b, v.list, "[", "]");
  case T_TUPLE: return put_list (b, v.list, "(", v.list->n == 1 ? ",)" : ")");
  case T_DICT: return put_dict (b, v.dict);
  case T_VIEW: return put_view (b, v);
  case T_RANGE:
    if (v.range->step == 1)
      snprintf (text, sizeof text, "range(%lld, %lld)", (long long) v.range->start,
                (long long) v.range->stop);
    else
      snprintf (text, sizeof text, "range(%lld, %lld, %lld)", (long long) v.range->start,
                (long long) v.range->stop, (long long) v.range->step);
    break;
  case T_ITER: return pe_t_put_text (b, "<generator object>");
  case T_NAMESPACE:
    return pe_t_put_text (b, "<Namespace ") && put_dict (b, v.dict) && pe_t_put_text (b, ">");
  case T_LOOP: return put_loop (b, v);
  case T_MACRO: return put_object (b, "<Macro '", pe_t_macro_name (v.macro), "'>");
  case T_METHOD: return put_object (b, "<built-in method ", v.method->name, ">");
  case T_FUNCTION: return put_object (b, "<function ", v.function->name, ">");
  case T_CYCLER: return pe_t_put_text (b, "<Cycler>");
  case T_JOINER: return pe_t_put_text (b, "<Joiner>");
  default: return false;
  }
  return pe_t_put_text (b, text);
}

bool
pe_t_put_str (struct tbuilder *b, struct tval v)
{
  if (v.kind == T_STRING)
    return pe_t_put_string (b, v.string);
  return v.kind == T_UNDEFINED || pe_t_put_repr (b, v);
}

bool
pe_t_to_string (struct teval *t, struct tval v, struct tval *out)
{
  struct tbuilder b = { .t = t };
  if (v.kind == T_STRING) {
    *out = v;
    return true;
  }
  return pe_t_put_str (&b, v) && pe_t_finish (&b, out);
}

/* ---- JSON, as Python's json.dumps() ---- */

struct json_style {
  bool ascii, sort_keys, is_indented;
  struct tval indent;           /* a string */
  struct tval separator, colon; /* strings */
};

static bool
put_json_string (struct tbuilder *b, const struct json_style *style, const struct tstr *s)
{
  static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
  if (!pe_t_put_text (b, "\""))
    return false;
  size_t plain = 0;
  for (size_t i = 0; i < s->n;) {
    uint32_t c;
    unsigned length = pe_t_char_at (s, i, &c);
    if (c >= 0x20 && c != '"' && c != '\\' && !(style->ascii && c >= 0x7f)) {
      i += length;
      continue;
    }
    char text[16];
    int n;
    const char *p = c && c < 0x80 ? strchr (from, (int) c) : NULL;
    if (p)
      n = snprintf (text, sizeof text, "\\%c", to[p - from]);
    else if (c < 0x10000)
      n = snprintf (text, sizeof text, "\\u%04x", (unsigned) c);
    else
      n = snprintf (text, sizeof text, "\\u%04x\\u%04x",
                    (unsigned) (0xd800 + ((c - 0x10000) >> 10)),
                    (unsigned) (0xdc00 + ((c - 0x10000) & 0x3ff)));
    if (!pe_t_put_slice (b, s, plain, i) || !pe_t_put (b, text, (size_t) n, pe_t_origin (s, i)))
      return false;
    i += length;
    plain = i;
  }
  return pe_t_put_slice (b, s, plain, s->n) && pe_t_put_text (b, "\"");
}

static bool
put_json_number (struct tbuilder *b, struct tval v)
{
  if (v.kind == T_BIG)
    return pe_t_fail (b->t, "an integer beyond 64 bits");
  if (v.kind == T_BOOL)
    return pe_t_put_text (b, v.boolean ? "true" : "false");
  if (v.kind == T_FLOAT && !isfinite (v.real))
    return pe_t_put_text (b, isnan (v.real) ? "NaN" : v.real < 0 ? "-Infinity" : "Infinity");
  return pe_t_put_repr (b, v);
}

static bool
put_line_break (struct tbuilder *b, const struct json_style *style, unsigned level)
{
  if (!style->is_indented)
    return true;
  if (!pe_t_put_text (b, "\n"))
    return false;
  for (unsigned i = 0; i < level; i++)
    if (!pe_t_put_string (b, style->indent.string))
      return false;
  return true;
}

static bool
put_json_key (struct tbuilder *b, const struct json_style *style, struct tval key)
{
  if (key.kind == T_STRING)
    return put_json_string (b, style, key.string);
  if (key.kind != T_NONE && !t_is_number (key))
    return pe_t_fail (b->t, "keys must be str, int, float, bool or None, not %s",
                      pe_t_type_name (key));
  return pe_t_put_text (b, "\"") &&
         (key.kind == T_NONE ? pe_t_put_text (b, "null") : put_json_number (b, key)) &&
         pe_t_put_text (b, "\"");
}

/* Positions of a dictionary's members in the order of their keys. */
static bool
sorted_members (struct teval *t, const struct tdict *dict, size_t **out)
{
  size_t *order = pe_t_alloc (t, (dict->n + 1) * sizeof *order);
  if (!order)
    return false;
  for (size_t i = 0; i < dict->n; i++) {
    size_t at = i;
    for (; at > 0; at--) {
      int c;
      if (!pe_t_order (t, dict->keys[i], dict->keys[order[at - 1]], "<", &c))
        return false;
      if (c >= 0)
        break;
      order[at] = order[at - 1];
    }
    order[at] = i;
  }
  *out = order;
  return true;
}

static bool put_json (struct tbuilder *b, const struct json_style *style, struct tval v,
                      unsigned level);

static bool
put_json_list (struct tbuilder *b, const struct json_style *style, const struct tlist *list,
               unsigned level)
{
  if (list->n == 0)
    return pe_t_put_text (b, "[]");
  if (!pe_t_put_text (b, "["))
    return false;
  for (size_t i = 0; i < list->n; i++)
    if ((i && !pe_t_put_string (b, style->separator.string)) ||
        !put_line_break (b, style, level + 1) || !put_json (b, style, list->items[i], level + 1))
      return false;
  return put_line_break (b, style, level) && pe_t_put_text (b, "]");
}

static bool
put_json_dict (struct tbuilder *b, const struct json_style *style, const struct tdict *dict,
               unsigned level)
{
  size_t *order = NULL;
  if (dict->n == 0)
    return pe_t_put_text (b, "{}");
  if ((style->sort_keys && !sorted_members (b->t, dict, &order)) || !pe_t_put_text (b, "{"))
    return false;
  for (size_t i = 0; i < dict->n; i++) {
    size_t at = order ? order[i] : i;
    if ((i && !pe_t_put_string (b, style->separator.string)) ||
        !put_line_break (b, style, level + 1) || !put_json_key (b, style, dict->keys[at]) ||
        !pe_t_put_string (b, style->colon.string) ||
        !put_json (b, style, dict->values[at], level + 1))
      return false;
  }
  return put_line_break (b, style, level) && pe_t_put_text (b, "}");
}

static bool
put_json (struct tbuilder *b, const struct json_style *style, struct tval v, unsigned level)
{
  if (!pe_t_stack (b->t) || !pe_t_spend (b->t, 1))
    return false;
  switch (v.kind) {
  case T_NONE: return pe_t_put_text (b, "null");
  case T_BOOL:
  case T_INT:
  case T_FLOAT:
  case T_BIG: return put_json_number (b, v);
  case T_STRING: return put_json_string (b, style, v.string);
  case T_LIST:
  case T_TUPLE: return put_json_list (b, style, v.list, level);
  case T_DICT: return put_json_dict (b, style, v.dict, level);
  default:
    return pe_t_fail (b->t, "Object of type %s is not JSON serializable", pe_t_type_name (v));
  }
}

static bool
take_separators (struct teval *t, struct tval pair, struct json_style *style)
{
  struct tlist parts;
  if (!pe_t_iterate (t, pair, &parts))
    return false;
  if (parts.n != 2 || parts.items[0].kind != T_STRING || parts.items[1].kind != T_STRING)
    return pe_t_fail (t, "separators must be two strings");
  style->separator = parts.items[0];
  style->colon = parts.items[1];
  return true;
}

static bool
take_indent (struct teval *t, struct tval indent, struct json_style *style)
{
  style->is_indented = true;
  if (indent.kind == T_STRING) {
    style->indent = indent;
    return true;
  }
  int64_t n;
  struct tval space;
  return pe_t_int_arg (t, indent, 0, &n) && pe_t_text (t, " ", &space) &&
         pe_t_pad (t, t_empty_string (), n < 0 ? 0 : n, 0, space, &style->indent);
}

bool
pe_t_tojson (struct teval *t, struct tval value, const struct targs *args, struct tval *out)
{
  struct tval v[PE_T_MAX_PARAMETERS];
  struct json_style style = { .indent = t_empty_string () };
  struct tbuilder b = { .t = t };
  if (!pe_t_bind (t, "tojson", args, "ensure_ascii,indent,separators,sort_keys", 0, v) ||
      !pe_t_bool_arg (t, v[0], false, &style.ascii) ||
      !pe_t_bool_arg (t, v[3], false, &style.sort_keys))
    return false;
  if (v[1].kind != T_MISSING && v[1].kind != T_NONE && !take_indent (t, v[1], &style))
    return false;
  if (!pe_t_text (t, style.is_indented ? "," : ", ", &style.separator) ||
      !pe_t_text (t, ": ", &style.colon))
    return false;
  if (v[2].kind != T_MISSING && v[2].kind != T_NONE && !take_separators (t, v[2], &style))
    return false;
  return put_json (&b, &style, value, 0) && pe_t_finish (&b, out);
}
