/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Markdown as a small tree of blocks. Pure data: no widgets, no markup, no network. What a model
 * writes is hostile until shown: nesting is bounded, one run of text is bounded, raw HTML is plain
 * text but for <br>, <sub> and <sup>, and nothing is ever dropped because it is long.
 *
 * Formulas between dollar signs or \( \) become readable text (parley-math.h); those on lines of
 * their own, between $$ or \[ \], blocks.
 *
 * While a reply streams, parley_markdown_settled() says how much of it can no longer change, so
 * that only the rest is parsed again.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define PARLEY_MARKDOWN_MAX_DEPTH 8         /* lists and quotes in each other; fits 360 pixels */
#define PARLEY_MARKDOWN_MAX_RUN   16384     /* bytes in one block's text; longer ones continue */
#define PARLEY_MARKDOWN_MAX_SIZE  (1 << 20) /* bytes parsed as Markdown; longer text stays plain */

typedef enum {
  PARLEY_BLOCK_DOCUMENT,
  PARLEY_BLOCK_PARAGRAPH,
  PARLEY_BLOCK_HEADING, /* level 1 … 6 */
  PARLEY_BLOCK_CODE,    /* info: the language, or NULL */
  PARLEY_BLOCK_QUOTE,
  PARLEY_BLOCK_LIST, /* level: number of the first item, 0 for bullets */
  PARLEY_BLOCK_ITEM,
  PARLEY_BLOCK_TABLE, /* level: columns */
  PARLEY_BLOCK_ROW,
  PARLEY_BLOCK_CELL,
  PARLEY_BLOCK_RULE,
  PARLEY_BLOCK_FORMULA, /* info: its LaTeX; text: the same in one line */
} ParleyBlockKind;

typedef enum {
  PARLEY_TICK_NONE,
  PARLEY_TICK_OPEN,
  PARLEY_TICK_DONE,
} ParleyTick;

typedef enum {
  PARLEY_ALIGN_DEFAULT,
  PARLEY_ALIGN_START,
  PARLEY_ALIGN_CENTRE,
  PARLEY_ALIGN_END,
} ParleyAlign;

typedef enum {
  PARLEY_SPAN_EMPHASIS,
  PARLEY_SPAN_STRONG,
  PARLEY_SPAN_STRIKE,
  PARLEY_SPAN_CODE,
  PARLEY_SPAN_LINK,
  PARLEY_SPAN_RAISED, /* in a formula */
  PARLEY_SPAN_LOWERED,
} ParleySpanKind;

typedef struct {
  ParleySpanKind kind;
  guint start, end; /* bytes of the block's text */
  char *target;     /* of a link, as written; else NULL */
} ParleySpan;

typedef struct _ParleyBlock ParleyBlock;

struct _ParleyBlock {
  ParleyBlockKind kind;
  guint level;
  ParleyTick task;   /* of an item */
  ParleyAlign align; /* of a cell */
  gboolean header;   /* of a cell */
  GString *text;     /* of paragraph, heading, code, cell, formula; always valid UTF-8; else NULL */
  char *info;
  GArray *spans;       /* of ParleySpan, by start; or NULL */
  GPtrArray *children; /* of ParleyBlock; or NULL */
};

/* Never fails: what cannot be understood is a paragraph. `text` need not be valid UTF-8. */
ParleyBlock *parley_markdown_parse (const char *text, gsize length);

/* Bytes at the start of a growing text whose blocks are final: a multiple of whole top-level
 * blocks. Parsing the two halves apart gives the blocks of the whole (but for link reference
 * definitions, which only a parse of the whole resolves). */
gsize parley_markdown_settled (const char *text, gsize length);

/* The text, while it grows, as it is to be parsed for showing: without an end that only what comes
 * next decides ("-" below a line, "[words](addr"), and with what is open closed ("**bold"). Free
 * it. */
char *parley_markdown_calm (const char *text, gsize length);

void parley_block_free (ParleyBlock *block);
gboolean parley_block_equal (const ParleyBlock *a, const ParleyBlock *b);

/* The tree in one line, for tests and logs: "[p:text][ul:[li:[p:x]]]". */
char *parley_block_describe (const ParleyBlock *block);

/* The readable text without marks, for a title or a notification. */
char *parley_block_plain_text (const ParleyBlock *block);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyBlock, parley_block_free)

G_END_DECLS
