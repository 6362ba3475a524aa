/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The insides of a chat, shared by the files that make it up: parley-chat.c (the object and its
 * fields), chat-open.c (reading the messages), chat-tree.c (them and the path), chat-reply.c
 * (asking and listening), chat-export.c.
 */
#pragma once

#include "base/json.h"
#include "chat/parley-chat.h"
#include "chat/parley-message-private.h"

typedef struct _ParleySummaryWork ParleySummaryWork;

struct _ParleyChat {
  GObject parent_instance;

  ParleyStore *store; /* NULL: temporary */
  ParleyChatRecord *record;
  ParleySampling sampling;
  gboolean stored, opened;
  GPtrArray *unread; /* of ParleyMessageRecord: what opening takes; NULL: what is in the store */
  guint save_later;  /* source */
  guint n_saves;     /* so far */
  gboolean following, following_again; /* messages that another process wrote are being read */
  gboolean behind;                     /* some of them are still to be read */
  gint64 next_temporary_id;

  GHashTable *messages; /* gint64 id (in the value) -> ParleyMessage; owns */
  GPtrArray *roots;     /* of ParleyMessage */
  gint64 chosen_root;
  GPtrArray *path;   /* of ParleyMessage: what is shown */
  GArray *deletions; /* of ParleyDeletion, the latest last */

  ParleyResponder *responder;
  ParleyChatState state;
  GCancellable *measuring; /* NULL: not */
  ParleyRequest *request;  /* measured, waiting for a decision */
  GArray *turn_starts;     /* of its turns: position on the path */
  guint n_fixed;
  ParleyMessage *continued; /* NULL: the next reply is a new message */
  ParleyMessage *under;     /* what the next reply answers; NULL: the end of the path */
  guint under_end;          /* so many messages of the path are then given */
  ParleyReply *reply;
  ParleyMessage *answering; /* what the reply goes to */
  gboolean stopping;        /* a person said stop: nothing more is asked for after this reply */
  ParleyOverflow overflow;
  gint64 first_kept; /* message, in NEEDS_ROOM */
  gint64 kept_beside_summary;
  double bytes_per_token;     /* of what was measured last; 0: nothing was */
  ParleySummaryWork *summary; /* that is being written, or NULL */
  char *summary_problem;      /* why the last one was not written, or NULL */
  guint context_used, context_length;
  double progress;
};

typedef struct {
  gint64 message;
  gint64 chosen; /* child or root chosen before */
} ParleyDeletion;

/* parley-chat.c */
void _parley_chat_save (ParleyChat *self);  /* if it is in the store */
void _parley_chat_touch (ParleyChat *self); /* updated now; saves */
gint64 _parley_chat_new_id (ParleyChat *self);
void _parley_chat_set_state (ParleyChat *self, ParleyChatState state);
void _parley_chat_set_context (ParleyChat *self, guint used, guint length);
void _parley_chat_set_progress (ParleyChat *self, double progress);
void _parley_chat_make_title (ParleyChat *self, const char *text);
void _parley_chat_set_model (ParleyChat *self, const char *reference);
void _parley_chat_forsake (ParleyChat *self); /* it is no longer in the store; ends its reply */
void _parley_chat_memory_changed (ParleyChat *self); /* notifies `memory-start` */
void _parley_chat_set_deleted_at (ParleyChat *self, gint64 when);
/* Takes over what another process wrote. */
void _parley_chat_refresh (ParleyChat *self, const ParleyChatRecord *record);

/* chat-open.c */
void _parley_chat_follow (ParleyChat *self); /* takes over messages that another process wrote */

/* chat-tree.c */
ParleyMessage *_parley_chat_insert (ParleyChat *self, const ParleyMessageRecord *record);
/* Makes, stores and shows a message. Takes the parts (of ParleyPartRecord; NULL: none). */
ParleyMessage *_parley_chat_add_message (ParleyChat *self, ParleyMessage *parent, ParleyRole role,
                                         ParleyMessageState state, GPtrArray *parts);
void _parley_chat_load_tree (ParleyChat *self, GPtrArray *records);
void _parley_chat_merge_tree (ParleyChat *self, GPtrArray *records);
void _parley_chat_update_path (ParleyChat *self);
void _parley_chat_discard (ParleyChat *self, ParleyMessage *message); /* deletes without undo */
ParleyMessage *_parley_chat_get_last (ParleyChat *self);              /* of the path, or NULL */
gboolean _parley_chat_is_busy (ParleyChat *self);
/* A chat with copies of these messages of this one, in an order of parents first. */
ParleyChat *_parley_chat_copy (ParleyChat *self, GPtrArray *messages, ParleyMessage *leaf);
ParleyChat *_parley_chat_duplicate (ParleyChat *self);
/* Copies of all messages as records, parents before children, as the tree grew. */
GPtrArray *_parley_chat_list_records (ParleyChat *self);
/* Gives a new chat its messages (of ParleyMessageRecord, parents first) and stores it. */
void _parley_chat_take_records (ParleyChat *self, GPtrArray *records);

/* chat-import.c */
#define PARLEY_CHAT_MAX_JSON PE_JSON_MAX_BYTES /* of a chat that is exported and imported */

/* chat-summary.c */
#define PARLEY_SUMMARY_TOKENS 400
/* The system prompt with what the chat remembers of forgotten messages, or NULL. */
char *_parley_chat_dup_system (ParleyChat *self);
void _parley_chat_stop_summary (ParleyChat *self);

/* chat-reply.c */
/* The model is given the messages from this one on (0: all), and the summary (NULL: none). */
void _parley_chat_forget_before (ParleyChat *self, gint64 message, const char *summary);
void _parley_chat_ask (ParleyChat *self);
void _parley_chat_responder_changed (ParleyChat *self);
void _parley_chat_tell_responder (ParleyChat *self);
void _parley_chat_stop_measuring (ParleyChat *self);
void _parley_chat_abandon (ParleyChat *self); /* when the chat goes: the reply is cut off */
