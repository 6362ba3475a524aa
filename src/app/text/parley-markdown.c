/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/text/parley-markdown.h"

#include "app/text/parley-entities.h"
#include "app/text/parley-math.h"

#include <md4c.h>
#include <string.h>

typedef struct {
  GPtrArray *stack;   /* open blocks that are in the tree, outermost first; borrowed */
  guint depth;        /* open lists and quotes */
  guint skipped;      /* open blocks beyond the depth limit */
  GArray *open_spans; /* indices into the current block's spans */
  ParleyBlock *text;  /* where text goes now; borrowed */
  const char *source; /* with the formulas */
  GArray *formulas;   /* of ParleyFormula: what the marks in the text stand for */
  guint in_code;      /* open spans of code */
  guint script;       /* index of the open span of <sub> or <sup>, and 1; 0: none is open */
} Builder;

/* A formula stands in what is parsed as its number between these, two characters of the private
 * area: nothing in it is Markdown. */
#define FORMULA_OPEN  "\xee\x83\xb0" /* U+E0F0 */
#define FORMULA_CLOSE "\xee\x83\xb1"
#define MARK_LENGTH   3

#define LONGEST_NAME 80 /* characters of an address that stands for its words */

static void
span_clear (gpointer data)
{
  g_free (((ParleySpan *) data)->target);
}

static GArray *
spans_of (ParleyBlock *block)
{
  if (block->spans == NULL) {
    block->spans = g_array_new (FALSE, FALSE, sizeof (ParleySpan));
    g_array_set_clear_func (block->spans, span_clear);
  }
  return block->spans;
}

static ParleyBlock *
block_new (ParleyBlockKind kind)
{
  ParleyBlock *block = g_new0 (ParleyBlock, 1);
  block->kind = kind;
  if (kind == PARLEY_BLOCK_PARAGRAPH || kind == PARLEY_BLOCK_HEADING || kind == PARLEY_BLOCK_CODE ||
      kind == PARLEY_BLOCK_CELL || kind == PARLEY_BLOCK_FORMULA)
    block->text = g_string_new (NULL);
  return block;
}

void
parley_block_free (ParleyBlock *block)
{
  if (block == NULL)
    return;
  if (block->text != NULL)
    g_string_free (block->text, TRUE);
  g_free (block->info);
  g_clear_pointer (&block->spans, g_array_unref);
  g_clear_pointer (&block->children, g_ptr_array_unref);
  g_free (block);
}

static void
block_append (ParleyBlock *parent, ParleyBlock *child)
{
  if (parent->children == NULL)
    parent->children = g_ptr_array_new_with_free_func ((GDestroyNotify) parley_block_free);
  g_ptr_array_add (parent->children, child);
}

static ParleyBlock *
top (Builder *self)
{
  return g_ptr_array_index (self->stack, self->stack->len - 1);
}

static ParleyBlock *
push (Builder *self, ParleyBlockKind kind)
{
  ParleyBlock *block = block_new (kind);
  block_append (top (self), block);
  g_ptr_array_add (self->stack, block);
  return block;
}

static gboolean
is_container (MD_BLOCKTYPE type)
{
  return type == MD_BLOCK_QUOTE || type == MD_BLOCK_UL || type == MD_BLOCK_OL ||
         type == MD_BLOCK_LI;
}

/* What moves its text in. */
static gboolean
is_level (MD_BLOCKTYPE type)
{
  return is_container (type) && type != MD_BLOCK_LI;
}

/* The text with the formulas that marks in it stand for, as they were written. Not a string of
 * its own end: `length` bytes. */
static void
restore_formulas (Builder *self, GString *out, const char *text, gsize length)
{
  const char *end = text + length, *open;

  while (self->formulas != NULL && (open = g_strstr_len (text, end - text, FORMULA_OPEN)) != NULL) {
    char *after = NULL;
    guint64 number = g_ascii_strtoull (open + MARK_LENGTH, &after, 10);
    g_string_append_len (out, text, open - text);
    if (number < self->formulas->len) {
      const ParleyFormula *formula = &g_array_index (self->formulas, ParleyFormula, number);
      g_string_append_len (out, self->source + formula->start,
                           (gssize) (formula->end - formula->start));
    }
    text = MIN (after + MARK_LENGTH, end);
  }
  g_string_append_len (out, text, end - text);
}

/* Of an attribute, and of a code block's language. NULL: it is empty. */
static char *
attribute_dup (Builder *self, const MD_ATTRIBUTE *attribute)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; attribute->text != NULL && attribute->substr_offsets[i] < attribute->size;
       i++) {
    const char *part = attribute->text + attribute->substr_offsets[i];
    gsize length = attribute->substr_offsets[i + 1] - attribute->substr_offsets[i];
    gunichar entity =
        attribute->substr_types[i] == MD_TEXT_ENTITY ? parley_entity (part, length) : 0;
    if (entity != 0)
      g_string_append_unichar (text, entity);
    else
      restore_formulas (self, text, part, length);
  }
  return text->len > 0 ? g_utf8_make_valid (text->str, (gssize) text->len) : NULL;
}

/* Text directly inside an item (tight lists have no paragraphs) or the document. */
static ParleyBlock *
text_block (Builder *self)
{
  if (self->text == NULL) {
    self->text = block_new (PARLEY_BLOCK_PARAGRAPH);
    block_append (top (self), self->text);
  }
  return self->text;
}

static int
enter_block (MD_BLOCKTYPE type, void *detail, void *data)
{
  Builder *self = data;

  if (is_container (type)) {
    self->text = NULL;
    if (self->skipped > 0 || (is_level (type) && self->depth == PARLEY_MARKDOWN_MAX_DEPTH)) {
      self->skipped++;
      return 0;
    }
    self->depth += is_level (type);
  }
  switch (type) {
  case MD_BLOCK_QUOTE: push (self, PARLEY_BLOCK_QUOTE); break;
  case MD_BLOCK_UL: push (self, PARLEY_BLOCK_LIST); break;
  case MD_BLOCK_OL:
    push (self, PARLEY_BLOCK_LIST)->level = MAX (1u, ((MD_BLOCK_OL_DETAIL *) detail)->start);
    break;
  case MD_BLOCK_LI: {
    const MD_BLOCK_LI_DETAIL *li = detail;
    ParleyBlock *item = push (self, PARLEY_BLOCK_ITEM);
    if (li->is_task)
      item->task = li->task_mark == ' ' ? PARLEY_TICK_OPEN : PARLEY_TICK_DONE;
    break;
  }
  case MD_BLOCK_HR: push (self, PARLEY_BLOCK_RULE); break;
  case MD_BLOCK_H:
    self->text = push (self, PARLEY_BLOCK_HEADING);
    self->text->level = CLAMP (((MD_BLOCK_H_DETAIL *) detail)->level, 1u, 6u);
    break;
  case MD_BLOCK_CODE:
    self->text = push (self, PARLEY_BLOCK_CODE);
    self->text->info = attribute_dup (self, &((MD_BLOCK_CODE_DETAIL *) detail)->lang);
    break;
  case MD_BLOCK_P: self->text = push (self, PARLEY_BLOCK_PARAGRAPH); break;
  case MD_BLOCK_TABLE:
    push (self, PARLEY_BLOCK_TABLE)->level = ((MD_BLOCK_TABLE_DETAIL *) detail)->col_count;
    break;
  case MD_BLOCK_TR: push (self, PARLEY_BLOCK_ROW); break;
  case MD_BLOCK_TH:
  case MD_BLOCK_TD:
    self->text = push (self, PARLEY_BLOCK_CELL);
    self->text->header = type == MD_BLOCK_TH;
    self->text->align = (ParleyAlign) ((MD_BLOCK_TD_DETAIL *) detail)->align;
    break;
  default: break;
  }
  return 0;
}

static int
leave_block (MD_BLOCKTYPE type, void *detail, void *data)
{
  Builder *self = data;

  self->text = NULL;
  self->script = 0;
  g_array_set_size (self->open_spans, 0);
  if (is_container (type) && self->skipped > 0) {
    self->skipped--;
    return 0;
  }
  self->depth -= is_level (type);
  if (type != MD_BLOCK_DOC && type != MD_BLOCK_THEAD && type != MD_BLOCK_TBODY &&
      type != MD_BLOCK_HTML && self->stack->len > 1)
    g_ptr_array_set_size (self->stack, (int) self->stack->len - 1);
  return 0;
}

static int
enter_span (MD_SPANTYPE type, void *detail, void *data)
{
  Builder *self = data;
  ParleyBlock *block = text_block (self);
  ParleySpan span = { .start = (guint) block->text->len, .end = G_MAXUINT };

  if (type == MD_SPAN_CODE)
    self->in_code++;

  switch (type) {
  case MD_SPAN_EM: span.kind = PARLEY_SPAN_EMPHASIS; break;
  case MD_SPAN_STRONG: span.kind = PARLEY_SPAN_STRONG; break;
  case MD_SPAN_DEL: span.kind = PARLEY_SPAN_STRIKE; break;
  case MD_SPAN_CODE: span.kind = PARLEY_SPAN_CODE; break;
  case MD_SPAN_A:
    span.kind = PARLEY_SPAN_LINK;
    span.target = attribute_dup (self, &((MD_SPAN_A_DETAIL *) detail)->href);
    break;
  case MD_SPAN_IMG: /* never fetched: its description is a link to it */
    span.kind = PARLEY_SPAN_LINK;
    span.target = attribute_dup (self, &((MD_SPAN_IMG_DETAIL *) detail)->src);
    break;
  default: span.kind = PARLEY_SPAN_EMPHASIS; break;
  }
  guint index = spans_of (block)->len;
  g_array_append_val (block->spans, span);
  g_array_append_val (self->open_spans, index);
  return 0;
}

/* A picture, or a link, without words is called by its address. */
static void
name_link (ParleyBlock *block, guint index)
{
  const ParleySpan *span = &g_array_index (block->spans, ParleySpan, index);

  if (span->kind != PARLEY_SPAN_LINK || span->target == NULL || span->start < block->text->len)
    return;
  const char *end = span->target;
  for (guint i = 0; i < LONGEST_NAME && *end != '\0'; i++)
    end = g_utf8_next_char (end);
  g_string_append_len (block->text, span->target, end - span->target);
  if (*end != '\0')
    g_string_append (block->text, "…");
}

static int
leave_span (MD_SPANTYPE type, void *detail, void *data)
{
  Builder *self = data;

  if (type == MD_SPAN_CODE && self->in_code > 0)
    self->in_code--;
  if (self->open_spans->len == 0 || self->text == NULL || self->text->spans == NULL)
    return 0;
  guint index = g_array_index (self->open_spans, guint, self->open_spans->len - 1);
  g_array_set_size (self->open_spans, self->open_spans->len - 1);
  if (index >= self->text->spans->len)
    return 0;
  name_link (self->text, index);
  g_array_index (self->text->spans, ParleySpan, index).end = (guint) self->text->text->len;
  return 0;
}

/* A block that is full goes on in another of its kind: a label must not hold megabytes. Spans
 * open across the cut continue in the new one. */
static void
continue_block (Builder *self)
{
  ParleyBlock *full = self->text, *next = block_new (full->kind);

  next->level = full->level;
  next->info = g_strdup (full->info);
  for (guint i = 0; i < self->open_spans->len; i++) {
    ParleySpan *open =
        &g_array_index (full->spans, ParleySpan, g_array_index (self->open_spans, guint, i));
    ParleySpan again = { open->kind, 0, G_MAXUINT, g_strdup (open->target) };
    open->end = (guint) full->text->len;
    g_array_append_vals (spans_of (next), &again, 1);
    g_array_index (self->open_spans, guint, i) = i;
  }
  if (top (self) == full) {
    g_ptr_array_set_size (self->stack, (int) self->stack->len - 1);
    block_append (top (self), next);
    g_ptr_array_add (self->stack, next);
  } else
    block_append (top (self), next);
  self->text = next;
  self->script = 0;
}

static void
append_text (Builder *self, const char *text, gsize length)
{
  while (length > 0) {
    ParleyBlock *block = text_block (self);
    if (block->kind == PARLEY_BLOCK_PARAGRAPH && block->text->len == 0 && *text == ' ') {
      text++; /* behind a formula on a line of its own */
      length--;
      continue;
    }
    gsize room = PARLEY_MARKDOWN_MAX_RUN - MIN (block->text->len, PARLEY_MARKDOWN_MAX_RUN);
    gsize take = MIN (length, room);
    gboolean splits = block->kind == PARLEY_BLOCK_PARAGRAPH || block->kind == PARLEY_BLOCK_HEADING;

    if (!splits)
      take = length;
    else
      while (take < length && take > 0 && ((guchar) text[take] & 0xc0) == 0x80)
        take--;
    g_string_append_len (block->text, text, (gssize) take);
    text += take;
    length -= take;
    if (length > 0)
      continue_block (self);
  }
}

/* ---- formulas ---- */

static void
add_script_spans (ParleyBlock *block, const GArray *runs)
{
  for (guint i = 0; i < runs->len; i++) {
    const ParleyMathRun *run = &g_array_index (runs, ParleyMathRun, i);
    ParleySpan span = { run->script == PARLEY_MATH_RAISED ? PARLEY_SPAN_RAISED
                                                          : PARLEY_SPAN_LOWERED,
                        (guint) run->start, (guint) run->end, NULL };
    g_array_append_vals (spans_of (block), &span, 1);
  }
}

/* A block between two halves of the paragraph that it stands in. */
static void
append_formula_block (Builder *self, const ParleyMathNode *formula, const char *latex, gsize length)
{
  ParleyBlock *paragraph = text_block (self), *block = block_new (PARLEY_BLOCK_FORMULA);
  gboolean open = top (self) == paragraph;
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));

  parley_math_append (block->text, runs, formula);
  block->info = g_strndup (latex, length);
  block_append (open ? g_ptr_array_index (self->stack, self->stack->len - 2) : top (self), block);
  continue_block (self);
}

static void
append_formula (Builder *self, const ParleyFormula *formula)
{
  ParleyBlock *block = text_block (self);
  GString *text = block->text;
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (ParleyMathRun));
  const char *latex = self->source + formula->inner_start;
  gsize length = formula->inner_end - formula->inner_start;

  if (block->kind == PARLEY_BLOCK_CODE || self->in_code > 0 ||
      text->len + length > PARLEY_MARKDOWN_MAX_RUN) {
    append_text (self, self->source + formula->start, formula->end - formula->start);
    return;
  }
  g_autoptr (ParleyMathNode) tree = parley_math_parse (latex, length);
  if (formula->display && block->kind == PARLEY_BLOCK_PARAGRAPH && parley_math_is_drawable (tree)) {
    append_formula_block (self, tree, latex, length);
    return;
  }
  if (formula->display) {
    while (text->len > 0 && text->str[text->len - 1] == ' ')
      g_string_truncate (text, text->len - 1);
    if (text->len > 0 && text->str[text->len - 1] != '\n')
      g_string_append_c (text, '\n');
  }
  parley_math_append (text, runs, tree);
  if (formula->display)
    g_string_append_c (text, '\n');
  add_script_spans (block, runs);
}

/* Text with the marks of formulas in it. */
static void
append_with_formulas (Builder *self, const char *text, gsize length)
{
  while (self->formulas != NULL && length > 0) {
    const char *open = g_strstr_len (text, (gssize) length, FORMULA_OPEN);
    char *end = NULL;
    if (open == NULL)
      break;
    guint64 number = g_ascii_strtoull (open + MARK_LENGTH, &end, 10);
    append_text (self, text, (gsize) (open - text));
    if (number < self->formulas->len)
      append_formula (self, &g_array_index (self->formulas, ParleyFormula, number));
    gsize taken = (gsize) (end - text) + MARK_LENGTH;
    text += MIN (taken, length);
    length -= MIN (taken, length);
  }
  append_text (self, text, length);
}

/* The text with a mark in the place of each formula; NULL: it has none. */
static char *
mark_formulas (Builder *self, const char *text, gsize length)
{
  /* Nothing that a text brings itself may pass for a mark. */
  if (strstr (text, FORMULA_OPEN) != NULL)
    return NULL;
  self->formulas = parley_math_find (text, length);
  if (self->formulas->len == 0)
    return NULL;
  GString *marked = g_string_new (NULL);
  gsize at = 0;
  for (guint i = 0; i < self->formulas->len; i++) {
    const ParleyFormula *formula = &g_array_index (self->formulas, ParleyFormula, i);
    g_string_append_len (marked, text + at, (gssize) (formula->start - at));
    g_string_append_printf (marked, FORMULA_OPEN "%u" FORMULA_CLOSE, i);
    at = formula->end;
  }
  g_string_append_len (marked, text + at, (gssize) (length - at));
  return g_string_free (marked, FALSE);
}

/* What is not known stays as it was written. */
static void
append_entity (Builder *self, const char *text, gsize length)
{
  gunichar entity = parley_entity (text, length);
  char out[6];

  if (entity != 0)
    append_text (self, out, (gsize) g_unichar_to_utf8 (entity, out));
  else
    append_text (self, text, length);
}

/* ---- the few tags that are no decoration in what models write ---- */

static gboolean
is_tag (const char *text, gsize length, const char *tag)
{
  return length == strlen (tag) && g_ascii_strncasecmp (text, tag, length) == 0;
}

/* Whether it is closed soon, in the same block: else the tag is text. */
static gboolean
is_closed (const char *after, const char *closing)
{
  const char *empty = strstr (after, "\n\n"), *close = strstr (after, closing);

  return close != NULL && close - after < 200 && (empty == NULL || close < empty);
}

static void
append_tag (Builder *self, const char *text, gsize length)
{
  static const char *const breaks[] = { "<br>", "<br/>", "<br />" };
  gboolean below = is_tag (text, length, "<sub>"), above = is_tag (text, length, "<sup>");

  for (gsize i = 0; i < G_N_ELEMENTS (breaks); i++)
    if (is_tag (text, length, breaks[i])) {
      append_text (self, "\n", 1);
      return;
    }
  if (self->script > 0 && (is_tag (text, length, "</sub>") || is_tag (text, length, "</sup>"))) {
    GArray *spans = spans_of (text_block (self));
    if (self->script <= spans->len)
      g_array_index (spans, ParleySpan, self->script - 1).end = (guint) self->text->text->len;
    self->script = 0;
    return;
  }
  if (self->script == 0 && (below || above) &&
      is_closed (text + length, below ? "</sub>" : "</sup>")) {
    ParleyBlock *block = text_block (self);
    ParleySpan span = { above ? PARLEY_SPAN_RAISED : PARLEY_SPAN_LOWERED, (guint) block->text->len,
                        G_MAXUINT, NULL };
    self->script = spans_of (block)->len + 1;
    g_array_append_val (block->spans, span);
    return;
  }
  append_with_formulas (self, text, length);
}

static int
add_text (MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *data)
{
  Builder *self = data;

  switch (type) {
  case MD_TEXT_NULLCHAR: append_text (self, "\ufffd", 3); break;
  case MD_TEXT_BR: append_text (self, "\n", 1); break;
  case MD_TEXT_SOFTBR: {
    const GString *before = text_block (self)->text;
    /* A formula on a line of its own has ended the line already. */
    if (before->len > 0 && before->str[before->len - 1] != '\n')
      append_text (self, " ", 1);
    break;
  }
  case MD_TEXT_ENTITY: append_entity (self, text, size); break;
  case MD_TEXT_HTML: append_tag (self, text, size); break;
  default: append_with_formulas (self, text, size); break;
  }
  return 0;
}

/* What is left of a paragraph of which formulas took the rest, or that was a break alone. */
static gboolean
is_leftover (const GPtrArray *blocks, guint i)
{
  const ParleyBlock *block = g_ptr_array_index (blocks, i);

  return block->kind == PARLEY_BLOCK_PARAGRAPH && block->text->len == 0;
}

/* Unclosed spans, the newline after code, the space around formulas. */
static void
tidy (ParleyBlock *block)
{
  if (block->text != NULL && block->kind == PARLEY_BLOCK_CODE && block->text->len > 0 &&
      block->text->str[block->text->len - 1] == '\n')
    g_string_truncate (block->text, block->text->len - 1);
  /* After a formula on a line of its own. */
  if (block->text != NULL && block->kind != PARLEY_BLOCK_CODE)
    while (block->text->len > 0 && g_ascii_isspace (block->text->str[block->text->len - 1]))
      g_string_truncate (block->text, block->text->len - 1);
  for (guint i = 0; block->spans != NULL && i < block->spans->len;) {
    ParleySpan *span = &g_array_index (block->spans, ParleySpan, i);
    span->end = MIN (span->end, (guint) block->text->len);
    if (span->end <= span->start)
      g_array_remove_index (block->spans, i);
    else
      i++;
  }
  for (guint i = 0; block->children != NULL && i < block->children->len; i++)
    tidy (g_ptr_array_index (block->children, i));
  for (guint i = block->children != NULL ? block->children->len : 0; i-- > 0;)
    if (is_leftover (block->children, i))
      g_ptr_array_remove_index (block->children, i);
}

static void
add_plain (Builder *self, const char *text, gsize length)
{
  self->text = NULL;
  append_text (self, text, length);
}

ParleyBlock *
parley_markdown_parse (const char *text, gsize length)
{
  static const MD_PARSER parser = {
    .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_NOHTMLBLOCKS |
             MD_FLAG_PERMISSIVEURLAUTOLINKS,
    .enter_block = enter_block,
    .leave_block = leave_block,
    .enter_span = enter_span,
    .leave_span = leave_span,
    .text = add_text,
  };
  ParleyBlock *document = block_new (PARLEY_BLOCK_DOCUMENT);
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", (gssize) length);
  Builder self = { .stack = g_ptr_array_new (),
                   .open_spans = g_array_new (FALSE, FALSE, sizeof (guint)) };

  g_ptr_array_add (self.stack, document);
  length = strlen (valid);
  self.source = valid;
  g_autofree char *marked =
      length <= PARLEY_MARKDOWN_MAX_SIZE ? mark_formulas (&self, valid, length) : NULL;
  const char *parsed = marked != NULL ? marked : valid;
  if (length > PARLEY_MARKDOWN_MAX_SIZE ||
      md_parse (parsed, (MD_SIZE) strlen (parsed), &parser, &self) != 0) {
    g_clear_pointer (&document->children, g_ptr_array_unref);
    g_ptr_array_set_size (self.stack, 1);
    g_array_set_size (self.open_spans, 0);
    add_plain (&self, valid, length);
  }
  tidy (document);
  g_clear_pointer (&self.formulas, g_array_unref);
  g_ptr_array_unref (self.stack);
  g_array_unref (self.open_spans);
  return document;
}
