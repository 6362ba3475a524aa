/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A conversation: a tree of messages of which one path is shown. The chat is a GListModel of the
 * ParleyMessages on that path. Editing and regenerating make new versions beside the old ones;
 * nothing is lost, and deleting can be undone. Everything is saved as it happens; a new chat enters
 * the store with its first message. A chat belongs to one thread at a time; those that are shown,
 * to the main thread.
 *
 * Properties (readable, notified): title, folder, pinned, system-prompt, state, draft, updated-at,
 * context-used, context-length, progress, memory-start, responder (notified, too, when its own
 * state or message is another).
 */
#pragma once

#include "chat/parley-message.h"
#include "chat/parley-responder.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_CHAT_IDLE,
  PARLEY_CHAT_WAITING,    /* for the responder: loading, or answering another chat */
  PARLEY_CHAT_NEEDS_ROOM, /* the messages do not fit the context; a person has to decide */
  PARLEY_CHAT_READING,    /* the model reads the prompt; see `progress` */
  PARLEY_CHAT_ANSWERING,
  PARLEY_CHAT_SUMMARISING, /* the messages that are to be forgotten */
} ParleyChatState;

#define PARLEY_TYPE_CHAT (parley_chat_get_type ())
G_DECLARE_FINAL_TYPE (ParleyChat, parley_chat, PARLEY, CHAT, GObject)

/* `store` NULL: a temporary chat, of which nothing is saved. */
ParleyChat *parley_chat_new (ParleyStore *store);
/* A stored chat. Its messages are read at the first parley_chat_open(). */
ParleyChat *parley_chat_new_from_record (ParleyStore *store, const ParleyChatRecord *record);
/* Reads the messages, if that has not been done yet. */
gboolean parley_chat_open (ParleyChat *self, GError **error);
/* The same on a thread, for chats of any length. `opened` is called in the main context of the
 * caller: in the call itself when that takes no longer than `patience_ms` (0: never; what is there
 * already is told of at once), else later, and not at all when it was cancelled. `data` is freed by
 * `destroy` in each case. */
typedef void (*ParleyChatOpened) (ParleyChat *self, const GError *error, gpointer data);
void parley_chat_open_async (ParleyChat *self, guint patience_ms, GCancellable *cancellable,
                             ParleyChatOpened opened, gpointer data, GDestroyNotify destroy);

gint64 parley_chat_get_id (ParleyChat *self);
gboolean parley_chat_is_temporary (ParleyChat *self);
gboolean parley_chat_is_new (ParleyChat *self); /* it is stored with its first message */
ParleyChatState parley_chat_get_state (ParleyChat *self);
gint64 parley_chat_get_updated_at (ParleyChat *self); /* microseconds since 1970 */
const char *parley_chat_get_title (ParleyChat *self); /* "" until there is one */
const char *parley_chat_get_folder (ParleyChat *self);
gboolean parley_chat_get_pinned (ParleyChat *self);
const char *parley_chat_get_system_prompt (ParleyChat *self);
const ParleySampling *parley_chat_get_sampling (ParleyChat *self);
const char *parley_chat_get_model (ParleyChat *self); /* reference of the last responder, or NULL */
const char *parley_chat_get_draft (ParleyChat *self);

void parley_chat_set_title (ParleyChat *self, const char *title); /* "": automatic again */
void parley_chat_set_folder (ParleyChat *self, const char *folder);
void parley_chat_set_pinned (ParleyChat *self, gboolean pinned);
void parley_chat_set_system_prompt (ParleyChat *self, const char *text);
void parley_chat_set_sampling (ParleyChat *self, const ParleySampling *sampling);
void parley_chat_set_draft (ParleyChat *self, const char *text);

/* Whom the next reply is asked from; NULL: nobody. A running reply goes on. */
ParleyResponder *parley_chat_get_responder (ParleyChat *self);
void parley_chat_set_responder (ParleyChat *self, ParleyResponder *responder);

/* Talking. Without a ready responder the messages are kept and the reply is asked for as soon as
 * there is one; what is sent during a reply waits for its end. `attachments`: array of
 * ParleyPartRecord, or NULL. Returns the new message. */
ParleyMessage *parley_chat_send (ParleyChat *self, const char *text, GPtrArray *attachments);
/* A new version of any message; of a person's message it is answered. */
ParleyMessage *parley_chat_edit (ParleyChat *self, ParleyMessage *message, const char *text);
/* A new version of a reply, asked for anew. */
void parley_chat_regenerate (ParleyChat *self, ParleyMessage *message);
/* Goes on with a reply that ended early, in the same message. */
void parley_chat_continue (ParleyChat *self, ParleyMessage *message);
/* Stops the reply within a token and takes back what waits. */
void parley_chat_stop (ParleyChat *self);
guint parley_chat_get_n_waiting (ParleyChat *self); /* messages sent that still wait their turn */

/* The tree. Versions count from 1. While a reply runs, its path stays: these do nothing then. */
gboolean parley_chat_show_version (ParleyChat *self, ParleyMessage *message, guint version);
/* Makes the path lead through this message (of any version): where a search hit lies. */
gboolean parley_chat_show_message (ParleyChat *self, gint64 message, guint *position);
/* Takes a message out of sight: a version with what follows it, or, when it is the only one, the
 * message alone. */
gboolean parley_chat_delete_message (ParleyChat *self, ParleyMessage *message);
/* FALSE: this message was not deleted here, or a reply runs. */
gboolean parley_chat_undo_delete (ParleyChat *self, gint64 message);
/* A new chat with copies of the path up to this message (NULL: the whole path). */
ParleyChat *parley_chat_branch (ParleyChat *self, ParleyMessage *last);

/* Memory. `used` and `length` are tokens of the prompt and of the context, 0 while unknown. */
guint parley_chat_get_context_used (ParleyChat *self);
guint parley_chat_get_context_length (ParleyChat *self);
double parley_chat_get_progress (ParleyChat *self); /* of reading the prompt, 0 to 1 */

/* In the state NEEDS_ROOM: what would have to go. */
typedef struct {
  guint needed;     /* tokens of the prompt and of room for a reply */
  guint length;     /* tokens of the context */
  guint must_go;    /* tokens of the messages that would be forgotten */
  guint n_messages; /* how many messages that is; 0: even the last one alone is too long */
  gboolean can_summarise;
} ParleyOverflow;

const ParleyOverflow *parley_chat_get_overflow (ParleyChat *self); /* NULL: not in that state */
/* Decisions: forget the oldest messages (with some slack beyond what must go); let the model sum
 * them up first; or ask again (after enlarging the context). To do neither is parley_chat_stop().
 * A summary that fails leads back to the question, with the reason. */
void parley_chat_forget_oldest (ParleyChat *self);
void parley_chat_summarise (ParleyChat *self);
const char *parley_chat_get_summary_problem (ParleyChat *self); /* a sentence, or NULL */
void parley_chat_retry (ParleyChat *self);
/* Position on the path of the first message that the model is given; 0: it has them all. */
guint parley_chat_get_memory_start (ParleyChat *self);
/* What the model is given instead of the messages before it; NULL: nothing. */
const char *parley_chat_get_summary (ParleyChat *self);
void parley_chat_remember_all (ParleyChat *self);

/* The same conversation for another thread, which owns it then and may export it: a chat as it is
 * at this moment, that nothing is saved of. It shares the texts of the messages in memory. */
ParleyChat *parley_chat_snapshot (ParleyChat *self) G_GNUC_WARN_UNUSED_RESULT;

/* The shown path as Markdown; the whole tree with all versions as JSON. They take their time: for a
 * background thread, with a snapshot. JSON has the files that came along as far as the import takes
 * it; *n_left_out (may be NULL): how many are not in it. What was read out of them is. */
char *parley_chat_export_markdown (ParleyChat *self, GCancellable *cancellable, GError **error);
char *parley_chat_export_json (ParleyChat *self, guint *n_left_out, GCancellable *cancellable,
                               GError **error);

/* The chat of such a JSON text, with new identifiers, in `store` (NULL: a temporary one), where it
 * is as a whole or, with an error, not at all. The text may come from anywhere. Blocks; the chat
 * belongs to the thread until that hands it over. */
ParleyChat *parley_chat_import_json (ParleyStore *store, const char *json, gsize n_bytes,
                                     GCancellable *cancellable,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
ParleyChat *parley_chat_import_file (ParleyStore *store, GFile *file, GCancellable *cancellable,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
