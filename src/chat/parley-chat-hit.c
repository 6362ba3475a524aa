/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/parley-chat-hit-private.h"

struct _ParleyChatHit {
  GObject parent_instance;
  ParleyChat *chat;
  ParleySearchHit *hit;
};

G_DEFINE_FINAL_TYPE (ParleyChatHit, parley_chat_hit, G_TYPE_OBJECT)

ParleyChatHit *
_parley_chat_hit_new (ParleyChat *chat, ParleySearchHit *hit)
{
  ParleyChatHit *self = g_object_new (PARLEY_TYPE_CHAT_HIT, NULL);
  self->chat = g_object_ref (chat);
  self->hit = hit;
  return self;
}

ParleyChat *
parley_chat_hit_get_chat (ParleyChatHit *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_HIT (self), NULL);
  return self->chat;
}

gint64
parley_chat_hit_get_message (ParleyChatHit *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_HIT (self), 0);
  return self->hit->message;
}

const char *
parley_chat_hit_get_snippet (ParleyChatHit *self)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_HIT (self), NULL);
  return self->hit->snippet;
}

const ParleySearchMatch *
parley_chat_hit_get_matches (ParleyChatHit *self, guint *n)
{
  g_return_val_if_fail (PARLEY_IS_CHAT_HIT (self), NULL);
  *n = self->hit->matches->len;
  return (const ParleySearchMatch *) (gconstpointer) self->hit->matches->data;
}

static void
parley_chat_hit_finalize (GObject *object)
{
  ParleyChatHit *self = PARLEY_CHAT_HIT (object);
  g_clear_object (&self->chat);
  parley_search_hit_free (self->hit);
  G_OBJECT_CLASS (parley_chat_hit_parent_class)->finalize (object);
}

static void
parley_chat_hit_class_init (ParleyChatHitClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = parley_chat_hit_finalize;
}

static void
parley_chat_hit_init (ParleyChatHit *self)
{
}
