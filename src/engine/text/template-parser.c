/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all parts of the parser use: the current token, errors, nodes, interned names.
 */
#include "engine/text/template-parser.h"

#include <string.h>

/* ---- errors, tokens, nodes ---- */

const struct token *
pe_tp_current (const struct parser *p)
{
  return &p->tokens[p->position];
}

void *
pe_tp_fail (struct parser *p, const char *what)
{
  size_t at = pe_tp_current (p)->offset;
  pe_fail_at (p->error, PE_ERROR_FORMAT, at, "template: %s at byte %zu", what, at);
  return NULL;
}

void *
pe_tp_fail_memory (struct parser *p)
{
  pe_fail (p->error, PE_ERROR_MEMORY, "template: not enough memory");
  return NULL;
}

void *
pe_tp_unexpected (struct parser *p, const char *wanted)
{
  const struct token *token = pe_tp_current (p);
  int shown = token->n > 20 ? 20 : (int) token->n;
  while (shown > 0 && shown < (int) token->n && ((unsigned char) token->text[shown] & 0xc0) == 0x80)
    shown--;
  pe_fail_at (p->error, PE_ERROR_FORMAT, token->offset,
              "template: expected %s, found %s%.*s%s at byte %zu", wanted,
              token->kind == TOKEN_END ? "its end" : "'", shown, token->text,
              token->kind == TOKEN_END ? "" : "'", token->offset);
  return NULL;
}

bool
pe_tp_stack_is_deep (struct parser *p)
{
  ptrdiff_t used = p->stack - (const char *) __builtin_frame_address (0);
  if ((used < 0 ? -used : used) < PE_T_STACK_BYTES)
    return false;
  size_t at = pe_tp_current (p)->offset;
  pe_fail_at (p->error, PE_ERROR_LIMIT, at, "template: nested too deeply at byte %zu", at);
  return true;
}

bool
pe_tp_accept (struct parser *p, enum token_kind kind)
{
  if (pe_tp_current (p)->kind != kind)
    return false;
  p->position++;
  return true;
}

bool
pe_tp_token_is (const struct token *token, const char *word)
{
  return token->kind == TOKEN_NAME && token->n == strlen (word) &&
         memcmp (token->text, word, token->n) == 0;
}

bool
pe_tp_at_word (const struct parser *p, const char *word)
{
  return pe_tp_token_is (pe_tp_current (p), word);
}

bool
pe_tp_accept_word (struct parser *p, const char *word)
{
  if (!pe_tp_at_word (p, word))
    return false;
  p->position++;
  return true;
}

bool
pe_tp_expect (struct parser *p, enum token_kind kind, const char *wanted)
{
  return pe_tp_accept (p, kind) || pe_tp_unexpected (p, wanted);
}

struct tnode *
pe_tp_new_node (struct parser *p, enum node_kind kind)
{
  struct tnode *node = pe_arena_alloc (&p->tmpl->arena, sizeof *node);
  if (!node)
    return pe_tp_fail_memory (p);
  node->kind = (uint8_t) kind;
  node->offset = (uint32_t) pe_tp_current (p)->offset;
  return node;
}

struct tnode *
pe_tp_new_pair (struct parser *p, enum node_kind kind, struct tnode *a, struct tnode *b)
{
  struct tnode *node = a ? pe_tp_new_node (p, kind) : NULL;
  if (node) {
    node->a = a;
    node->b = b;
    node->offset = a->offset;
  }
  return node;
}

void
pe_tp_append (struct tnode ***tail, struct tnode *node)
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
    return pe_tp_fail_memory (p);
  for (size_t i = 0; i < old.n_slots; i++)
    if (old.names[i])
      *name_slot (tmpl, old.names[i]->text, old.names[i]->n, old.names[i]->hash) = old.names[i];
  return true;
}

const struct tname *
pe_tp_intern (struct parser *p, const char *text, size_t n)
{
  if (!grow_names (p))
    return NULL;
  uint64_t hash = hash_text (text, n);
  const struct tname **slot = name_slot (p->tmpl, text, n, hash);
  if (!*slot) {
    struct tname *name = pe_arena_alloc (&p->tmpl->arena, sizeof *name + n + 1);
    if (!name)
      return pe_tp_fail_memory (p);
    name->n = n;
    name->hash = hash;
    memcpy (name->text, text, n);
    *slot = name;
    p->tmpl->n_names++;
  }
  return *slot;
}

const struct tname *
pe_tp_expect_name (struct parser *p)
{
  const struct token *token = pe_tp_current (p);
  return pe_tp_expect (p, TOKEN_NAME, "a name") ? pe_tp_intern (p, token->text, token->n) : NULL;
}
