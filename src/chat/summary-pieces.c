/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/summary-pieces.h"

#include <string.h>

#define MAX_REPLY_TOKENS 400
#define MIN_PIECE_TOKENS 96
#define TEMPLATE_TOKENS  32  /* of the model's own, around the wish */
#define CAUTION          0.9 /* a piece may have more tokens for its length than the whole */

typedef struct {
  gsize start; /* byte in the text, of the author's name */
  ParleyRole author;
} Message;

struct _ParleySummaryText {
  GString *text;
  GArray *messages; /* of Message */
};

static const char *const authors[] = {
  [PARLEY_ROLE_SYSTEM] = "System",
  [PARLEY_ROLE_USER] = "User",
  [PARLEY_ROLE_ASSISTANT] = "Assistant",
  [PARLEY_ROLE_TOOL] = "Tool",
};

ParleySummaryText *
parley_summary_text_new (void)
{
  ParleySummaryText *self = g_new (ParleySummaryText, 1);
  self->text = g_string_new (NULL);
  self->messages = g_array_new (FALSE, FALSE, sizeof (Message));
  return self;
}

void
parley_summary_text_free (ParleySummaryText *self)
{
  if (!self)
    return;
  g_string_free (self->text, TRUE);
  g_array_unref (self->messages);
  g_free (self);
}

void
parley_summary_text_add (ParleySummaryText *self, ParleyRole author, const char *text)
{
  Message message = { self->text->len, author };
  g_array_append_val (self->messages, message);
  g_string_append_printf (self->text, "%s: %s\n\n", authors[author], text);
}

gsize
parley_summary_text_get_length (ParleySummaryText *self)
{
  return self->text->len;
}

/* The last message that begins at or before the byte. */
static const Message *
message_at (ParleySummaryText *self, gsize at)
{
  guint low = 0, high = self->messages->len;
  while (high - low > 1) {
    guint middle = low + (high - low) / 2;
    if (g_array_index (self->messages, Message, middle).start <= at)
      low = middle;
    else
      high = middle;
  }
  return &g_array_index (self->messages, Message, low);
}

gsize
parley_summary_text_find_end (ParleySummaryText *self, gsize from, gsize max)
{
  static const char *const borders[] = { "\n\n", "\n", ". ", " " };
  const char *text = self->text->str;
  g_return_val_if_fail (from < self->text->len && max > 0, self->text->len);
  if (self->text->len - from <= max)
    return self->text->len;
  gsize limit = from + max, least = from + max / 2;
  gsize message = message_at (self, limit)->start;
  if (message > least)
    return message;
  for (gsize i = 0; i < G_N_ELEMENTS (borders); i++) {
    gsize n = strlen (borders[i]);
    for (gsize end = limit; end > least && end >= from + n; end--)
      if (memcmp (text + end - n, borders[i], n) == 0)
        return end;
  }
  while (limit > from && ((guchar) text[limit] & 0xc0) == 0x80)
    limit--;
  return limit > from ? limit : (gsize) (g_utf8_next_char (text + from) - text);
}

char *
parley_summary_text_dup_piece (ParleySummaryText *self, gsize from, gsize end)
{
  const Message *message = message_at (self, from);
  g_autofree char *piece = g_strndup (self->text->str + from, end - from);
  if (message->start == from)
    return g_steal_pointer (&piece);
  return g_strdup_printf ("%s (going on): %s", authors[message->author], piece);
}

gboolean
parley_summary_room (guint tokens, double bytes_per_token, gsize wish_bytes,
                     ParleySummaryRoom *room)
{
  guint reply = MIN (MAX_REPLY_TOKENS, tokens / 4);
  double around = (double) wish_bytes / bytes_per_token + TEMPLATE_TOKENS;
  double piece = (tokens - around - reply) * CAUTION;
  *room = (ParleySummaryRoom){ .reply_tokens = reply };
  if (piece < MIN_PIECE_TOKENS)
    return FALSE;
  room->piece_bytes = (gsize) MAX (piece * bytes_per_token, 1);
  return TRUE;
}
