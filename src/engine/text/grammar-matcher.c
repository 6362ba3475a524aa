/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Walking a grammar. Where the text may be is a set of spots, each a state that takes a byte and
 * the rules open around it. Sets, once found, are kept with what each byte makes of them, as in a
 * lazily built DFA, so that testing a whole vocabulary costs a table look-up a byte. All tables
 * have fixed sizes; when one is full everything but the present set is thrown away.
 */
#include "engine/text/grammar-program.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FRAMES  32768u
#define MAX_SPOTS   65536u /* of all sets */
#define MAX_SET     1024u  /* spots of one set */
#define MAX_SETS    1024u
#define MAX_VISITED 8192u      /* spots looked at for one byte */
#define MAX_WORK    (1u << 24) /* the same, between two accepted texts */

enum { UNKNOWN, DEAD, FIRST_SET };

/* An open rule: where it continues when the rule inside it is complete. Equal stacks are one. */
struct frame {
  uint32_t parent, state;
  uint32_t depth;
};

struct spot {
  uint32_t state, frame;
};

struct set {
  uint32_t first, n;
  bool may_end;
  uint16_t next[256];
};

struct pe_matcher {
  const struct pe_grammar *grammar;
  uint32_t present;
  uint32_t work;
  bool is_full, was_limited;

  struct frame *frames; /* 0: nothing is open */
  uint32_t n_frames;
  uint32_t *frame_slots; /* 2 * MAX_FRAMES: frame + 1 */
  struct spot *spots;
  uint32_t n_spots;
  struct set *sets;
  uint32_t n_sets;
  uint16_t *set_slots; /* 4 * MAX_SETS: set */
  /* For one byte */
  struct spot *waiting, *visited; /* MAX_VISITED; 2 * MAX_VISITED */
  uint32_t *visited_at;           /* the `epoch` in which a slot of `visited` was filled */
  uint32_t n_waiting, n_visited, epoch;
  struct spot *found; /* MAX_SET */
  uint32_t n_found;
  bool found_end;
};

static uint32_t
mix (uint32_t a, uint32_t b)
{
  uint64_t x = ((uint64_t) a << 32 | b) * 0x9e3779b97f4a7c15u;
  return (uint32_t) (x >> 32) ^ (uint32_t) x;
}

/* The stack `parent` with one more open rule, or false when the table is full. */
static bool
push_frame (struct pe_matcher *m, uint32_t parent, uint32_t state, uint32_t *out)
{
  uint32_t mask = 2 * MAX_FRAMES - 1, i = mix (parent, state) & mask;
  for (; m->frame_slots[i]; i = (i + 1) & mask) {
    const struct frame *f = &m->frames[m->frame_slots[i] - 1];
    if (f->parent == parent && f->state == state) {
      *out = m->frame_slots[i] - 1;
      return true;
    }
  }
  if (m->n_frames == MAX_FRAMES)
    return false;
  m->frames[m->n_frames] = (struct frame){ parent, state, m->frames[parent].depth + 1 };
  *out = m->n_frames;
  m->frame_slots[i] = ++m->n_frames;
  return true;
}

/* Notes a spot to look at, once, unless it could not be finished within the depth there is. */
static bool
wait (struct pe_matcher *m, uint32_t state, uint32_t frame)
{
  unsigned need = m->grammar->states[state].need;
  if (need == PE_GRAMMAR_NEVER || m->frames[frame].depth + need > PE_GRAMMAR_MAX_DEPTH)
    return true;
  uint32_t mask = 2 * MAX_VISITED - 1, i = mix (state, frame) & mask;
  for (; m->visited_at[i] == m->epoch; i = (i + 1) & mask)
    if (m->visited[i].state == state && m->visited[i].frame == frame)
      return true;
  if (m->n_visited == MAX_VISITED || m->work == MAX_WORK) {
    m->was_limited = true;
    return false;
  }
  m->work++;
  m->n_visited++;
  m->visited_at[i] = m->epoch;
  m->visited[i] = m->waiting[m->n_waiting++] = (struct spot){ state, frame };
  return true;
}

static void
begin_search (struct pe_matcher *m)
{
  if (++m->epoch == 0) {
    memset (m->visited_at, 0, 2 * MAX_VISITED * sizeof *m->visited_at);
    m->epoch = 1;
  }
  m->n_waiting = m->n_visited = m->n_found = 0;
  m->found_end = false;
}

/* Follows everything that takes no byte. False: there is too much of it. */
static bool
search (struct pe_matcher *m)
{
  while (m->n_waiting > 0) {
    struct spot at = m->waiting[--m->n_waiting];
    const struct pe_grammar_state *s = &m->grammar->states[at.state];
    uint32_t frame = at.frame;
    switch (s->op) {
    case PE_GRAMMAR_TAKE:
      if (m->n_found == MAX_SET) {
        m->was_limited = true;
        return false;
      }
      m->found[m->n_found++] = at;
      break;
    case PE_GRAMMAR_SPLIT:
      if (!wait (m, s->next, frame) || !wait (m, s->other, frame))
        return false;
      break;
    case PE_GRAMMAR_CALL:
      if (s->next != 0 && !push_frame (m, at.frame, s->next, &frame)) {
        m->is_full = true;
        return false;
      }
      if (!wait (m, s->other, frame))
        return false;
      break;
    default:
      if (frame == 0)
        m->found_end = true;
      else if (!wait (m, m->frames[frame].state, m->frames[frame].parent))
        return false;
    }
  }
  return true;
}

static int
by_state (const void *a, const void *b)
{
  const struct spot *x = a, *y = b;
  if (x->state != y->state)
    return x->state < y->state ? -1 : 1;
  return (x->frame > y->frame) - (x->frame < y->frame);
}

static uint32_t
hash_spots (const struct spot *spots, uint32_t n, bool may_end)
{
  uint32_t h = n * 2 + may_end;
  for (uint32_t i = 0; i < n; i++)
    h = mix (h ^ spots[i].state, spots[i].frame);
  return h;
}

/* The set of the spots found; UNKNOWN when the tables are full. */
static uint32_t
found_set (struct pe_matcher *m)
{
  if (m->n_found == 0 && !m->found_end)
    return DEAD;
  qsort (m->found, m->n_found, sizeof *m->found, by_state);
  uint32_t mask = 4 * MAX_SETS - 1, i = hash_spots (m->found, m->n_found, m->found_end) & mask;
  for (; m->set_slots[i]; i = (i + 1) & mask) {
    const struct set *s = &m->sets[m->set_slots[i]];
    if (s->n == m->n_found && s->may_end == m->found_end &&
        memcmp (&m->spots[s->first], m->found, s->n * sizeof *m->found) == 0)
      return m->set_slots[i];
  }
  if (m->n_sets == MAX_SETS || MAX_SPOTS - m->n_spots < m->n_found) {
    m->is_full = true;
    return UNKNOWN;
  }
  struct set *s = &m->sets[m->n_sets];
  memset (s, 0, sizeof *s);
  s->first = m->n_spots;
  s->n = m->n_found;
  s->may_end = m->found_end;
  memcpy (&m->spots[m->n_spots], m->found, m->n_found * sizeof *m->found);
  m->n_spots += m->n_found;
  m->set_slots[i] = (uint16_t) m->n_sets;
  return m->n_sets++;
}

/* What one byte makes of a set. UNKNOWN: the tables or the work allowed are used up. */
static uint32_t
step (struct pe_matcher *m, uint32_t from, uint8_t byte)
{
  struct set *set = &m->sets[from];
  if (set->next[byte])
    return set->next[byte];
  begin_search (m);
  for (uint32_t i = 0; i < set->n; i++) {
    struct spot at = m->spots[set->first + i];
    const struct pe_grammar_state *s = &m->grammar->states[at.state];
    if (s->low <= byte && byte <= s->high && !wait (m, s->next, at.frame))
      return UNKNOWN;
  }
  if (!search (m))
    return UNKNOWN;
  uint32_t to = found_set (m);
  set->next[byte] = (uint16_t) to;
  return to;
}

static void
clear_tables (struct pe_matcher *m)
{
  memset (m->frame_slots, 0, 2 * MAX_FRAMES * sizeof *m->frame_slots);
  memset (m->set_slots, 0, 4 * MAX_SETS * sizeof *m->set_slots);
  m->n_sets = FIRST_SET;
  m->n_spots = 0;
  m->is_full = false;
}

/* Keeps the present set alone, and the frames under it. A parent lies before its children, so that
 * frames move down in order. */
static void
compact (struct pe_matcher *m)
{
  struct set *set = &m->sets[m->present];
  uint32_t *moved = m->frame_slots; /* its content is lost anyway */
  memset (moved, 0, MAX_FRAMES * sizeof *moved);
  m->n_found = set->n;
  m->found_end = set->may_end;
  memcpy (m->found, &m->spots[set->first], set->n * sizeof *m->found);
  for (uint32_t i = 0; i < m->n_found; i++)
    for (uint32_t f = m->found[i].frame; f != 0 && !moved[f]; f = m->frames[f].parent)
      moved[f] = 1;
  uint32_t n = 1;
  for (uint32_t f = 1; f < m->n_frames; f++)
    if (moved[f]) {
      struct frame frame = m->frames[f];
      frame.parent = moved[frame.parent];
      m->frames[n] = frame;
      moved[f] = n++;
    }
  for (uint32_t i = 0; i < m->n_found; i++)
    m->found[i].frame = moved[m->found[i].frame];
  uint32_t n_kept = n;
  clear_tables (m);
  m->n_frames = 1;
  for (uint32_t f = 1; f < n_kept; f++) {
    struct frame frame = m->frames[f];
    push_frame (m, frame.parent, frame.state, &n);
  }
  m->present = found_set (m);
}

static uint32_t
walk (struct pe_matcher *m, const char *bytes, size_t n)
{
  uint32_t at = m->present;
  for (size_t i = 0; i < n && at >= FIRST_SET; i++)
    at = step (m, at, (uint8_t) bytes[i]);
  return at;
}

/* The set after the bytes, or DEAD. */
static uint32_t
follow (struct pe_matcher *m, const char *bytes, size_t n)
{
  uint32_t to = walk (m, bytes, n);
  if (m->is_full) {
    compact (m);
    to = walk (m, bytes, n);
    m->was_limited |= m->is_full;
  }
  return to == UNKNOWN ? DEAD : to;
}

bool
pe_matcher_allows (struct pe_matcher *matcher, const char *bytes, size_t n)
{
  return follow (matcher, bytes, n) != DEAD;
}

bool
pe_matcher_accept (struct pe_matcher *matcher, const char *bytes, size_t n)
{
  matcher->work = 0;
  uint32_t to = follow (matcher, bytes, n);
  matcher->work = 0;
  if (to == DEAD)
    return false;
  matcher->present = to;
  return true;
}

bool
pe_matcher_may_end (const struct pe_matcher *matcher)
{
  return matcher->sets[matcher->present].may_end;
}

bool
pe_matcher_was_limited (const struct pe_matcher *matcher)
{
  return matcher->was_limited;
}

static bool
start (struct pe_matcher *m)
{
  clear_tables (m);
  m->n_frames = 1;
  m->work = 0;
  m->was_limited = false;
  begin_search (m);
  if (!wait (m, m->grammar->start, 0) || !search (m))
    return false;
  m->present = found_set (m);
  return m->present >= FIRST_SET;
}

void
pe_matcher_reset (struct pe_matcher *matcher)
{
  start (matcher); /* it went well when the matcher was made */
}

bool
pe_matcher_new (const struct pe_grammar *grammar, struct pe_matcher **out, struct pe_error *error)
{
  struct pe_matcher *m = pe_calloc (1, sizeof *m);
  if (m) {
    m->grammar = grammar;
    m->frames = pe_calloc (MAX_FRAMES, sizeof *m->frames);
    m->frame_slots = pe_calloc (2 * MAX_FRAMES, sizeof *m->frame_slots);
    m->spots = pe_calloc (MAX_SPOTS, sizeof *m->spots);
    m->sets = pe_calloc (MAX_SETS, sizeof *m->sets);
    m->set_slots = pe_calloc (4 * MAX_SETS, sizeof *m->set_slots);
    m->waiting = pe_calloc (MAX_VISITED, sizeof *m->waiting);
    m->visited = pe_calloc (2 * MAX_VISITED, sizeof *m->visited);
    m->visited_at = pe_calloc (2 * MAX_VISITED, sizeof *m->visited_at);
    m->found = pe_calloc (MAX_SET, sizeof *m->found);
  }
  if (!m || !m->frames || !m->frame_slots || !m->spots || !m->sets || !m->set_slots ||
      !m->waiting || !m->visited || !m->visited_at || !m->found) {
    pe_matcher_free (m);
    return pe_fail (error, PE_ERROR_MEMORY, "not enough memory to follow a grammar");
  }
  if (!start (m)) {
    pe_matcher_free (m);
    return pe_fail (error, PE_ERROR_LIMIT,
                    "the grammar leaves too many ways open at its beginning");
  }
  *out = m;
  return true;
}

void
pe_matcher_free (struct pe_matcher *matcher)
{
  if (!matcher)
    return;
  pe_free (matcher->frames);
  pe_free (matcher->frame_slots);
  pe_free (matcher->spots);
  pe_free (matcher->sets);
  pe_free (matcher->set_slots);
  pe_free (matcher->waiting);
  pe_free (matcher->visited);
  pe_free (matcher->visited_at);
  pe_free (matcher->found);
  pe_free (matcher);
}
