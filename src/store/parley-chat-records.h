/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats as records of the store; src/chat makes objects of them. A chat is a tree of messages: a
 * message names its parent, versions of a message are siblings, and the shown path ends at the
 * chat's leaf. Nothing is ever overwritten: an edit or a new try is a new sibling, and deleting
 * sets a time that undo takes away.
 *
 * Writes return at once (see parley-store.h for what that promises); reads see what is committed.
 * Identifiers come from parley_store_new_id(). Times are microseconds since 1970, UTC; 0: never.
 */
#pragma once

#include "store/parley-store.h"

G_BEGIN_DECLS

typedef enum {
  PARLEY_ROLE_SYSTEM,
  PARLEY_ROLE_USER,
  PARLEY_ROLE_ASSISTANT,
  PARLEY_ROLE_TOOL,
} ParleyRole;

/* "system", "user", "assistant", "tool": in the database, exports and templates. */
const char *parley_role_to_string (ParleyRole role);
gboolean parley_role_from_string (const char *text, ParleyRole *role);

typedef enum {
  PARLEY_PART_TEXT,
  PARLEY_PART_REASONING,
  PARLEY_PART_TOOL_CALL,   /* name: the tool; text: its arguments (JSON) */
  PARLEY_PART_TOOL_RESULT, /* name: the tool; text: what it gave */
  PARLEY_PART_ATTACHMENT,  /* name: the file's; attachment: its hash; text: what was read out of it
                            */
} ParleyPartKind;

const char *parley_part_kind_to_string (ParleyPartKind kind);
gboolean parley_part_kind_from_string (const char *text, ParleyPartKind *kind);

typedef enum {
  PARLEY_MESSAGE_COMPLETE,
  PARLEY_MESSAGE_ANSWERING,   /* being written right now */
  PARLEY_MESSAGE_STOPPED,     /* by the person */
  PARLEY_MESSAGE_INTERRUPTED, /* the engine or the program ended in the middle of it */
  PARLEY_MESSAGE_FAILED,      /* an error instead of (the rest of) a reply */
} ParleyMessageState;

typedef struct {
  ParleyPartKind kind;
  GRefString *text; /* UTF-8; never NULL when read; shared by copies, as it may be long */
  char *name;       /* NULL: none */
  char *attachment; /* SHA-256 in hexadecimal, NULL: none */
} ParleyPartRecord;

/* How a reply came to be; everything but `message` may be empty. */
typedef struct {
  gint64 message;
  char *model; /* a name for people */
  char *model_sha256;
  char *settings; /* JSON object */
  guint64 seed;
  guint prompt_tokens, cached_tokens, reply_tokens;
  double prompt_seconds, reply_seconds, first_token_seconds;
  double reasoning_seconds;                  /* 0: the model did not think aloud */
  guint64 rows_evaluated, weight_bytes_read; /* by the engine for this reply; at most G_MAXINT64 */
  char *stop;                                /* machine-readable reason, see ParleyStopReason */
  char *problem;                             /* what went wrong, in words; NULL: nothing */
  GBytes *token_ids; /* little-endian int32 of the prompt and the reply; NULL: not kept */
} ParleyGenerationRecord;

typedef struct {
  gint64 id, chat;
  gint64 parent; /* 0: first in its chat */
  ParleyRole role;
  gint64 chosen_child; /* 0: none */
  ParleyMessageState state;
  gint64 created_at, deleted_at;
  GPtrArray *parts;                   /* of ParleyPartRecord; never NULL when read */
  ParleyGenerationRecord *generation; /* NULL: none */
} ParleyMessageRecord;

/* A file that waits for the message it will go along with. */
typedef struct {
  gint64 id;
  ParleyPartRecord *part; /* of the kind ATTACHMENT */
} ParleyDraftFile;

typedef struct {
  gint64 id;
  char *title;          /* never NULL when read; "" until there is one */
  gboolean title_given; /* by the person: never replaced by an automatic one */
  char *folder;         /* NULL: none; nested ones by '/' */
  gboolean pinned;
  char *system_prompt; /* NULL: none */
  char *settings;      /* JSON object of sampling settings; NULL: the defaults */
  char *model;         /* reference of the model last talked to; NULL: none */
  gint64 leaf;         /* last message of the shown path; 0: none */
  gint64 memory_start; /* first message that the model is still given; 0: all of them */
  char *summary;       /* of the messages before it, given instead of them; NULL: none */
  char *draft;         /* what stands in the entry; NULL: nothing */
  gint64 created_at, updated_at, deleted_at;
} ParleyChatRecord;

/* A file that came along with a message. */
typedef struct {
  char *sha256, *mime_type;
  GBytes *bytes;
} ParleyAttachmentRecord;

/* NULL: it is larger than PARLEY_ATTACHMENT_MAX_BYTES. */
ParleyAttachmentRecord *parley_attachment_record_new (const char *mime_type, GBytes *bytes,
                                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
void parley_attachment_record_free (ParleyAttachmentRecord *record);

ParleyPartRecord *parley_part_record_new (ParleyPartKind kind, const char *text);
ParleyPartRecord *parley_part_record_new_shared (ParleyPartKind kind, GRefString *text);
ParleyPartRecord *parley_part_record_copy (const ParleyPartRecord *record);
void parley_part_record_free (ParleyPartRecord *record);
ParleyDraftFile *parley_draft_file_new (gint64 id, const ParleyPartRecord *part); /* copies it */
void parley_draft_file_free (ParleyDraftFile *file);
ParleyGenerationRecord *parley_generation_record_new (gint64 message);
ParleyGenerationRecord *parley_generation_record_copy (const ParleyGenerationRecord *record);
void parley_generation_record_free (ParleyGenerationRecord *record);
ParleyMessageRecord *parley_message_record_new (void);
ParleyMessageRecord *parley_message_record_copy (const ParleyMessageRecord *record);
void parley_message_record_free (ParleyMessageRecord *record);
ParleyChatRecord *parley_chat_record_new (void);
ParleyChatRecord *parley_chat_record_copy (const ParleyChatRecord *record);
void parley_chat_record_free (ParleyChatRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyPartRecord, parley_part_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyDraftFile, parley_draft_file_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyGenerationRecord, parley_generation_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyMessageRecord, parley_message_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleyChatRecord, parley_chat_record_free)

/* Chats. `put` inserts or replaces the whole record. */
void parley_store_put_chat (ParleyStore *store, const ParleyChatRecord *chat);
/* Removes the chat with everything in it for good; parley_chat_record's deleted_at is the kind of
 * deleting that can be undone (and becomes this one after an hour, at a later open). */
void parley_store_purge_chat (ParleyStore *store, gint64 chat);
/* Array of ParleyChatRecord without the deleted ones: pinned first, then the latest changed. */
GPtrArray *parley_store_list_chats (ParleyStore *store, GError **error);
ParleyChatRecord *parley_store_get_chat (ParleyStore *store, gint64 chat, GError **error);

/* Messages. `add` inserts the message with its parts and, when its state is not ANSWERING, makes
 * it findable. A reply is added empty as ANSWERING, grows by append, and ends with finish, which
 * folds the pieces into parts. */
void parley_store_add_message (ParleyStore *store, const ParleyMessageRecord *message);
/* A whole chat of messages that are complete (parents first), in one transaction: queued, or at
 * once with the files that came along (of ParleyAttachmentRecord, or NULL). FALSE: nothing of it is
 * there. A part whose attachment is not in the store keeps its text. */
void parley_store_add_chat (ParleyStore *store, const ParleyChatRecord *chat, GPtrArray *messages);
gboolean parley_store_import_chat (ParleyStore *store, const ParleyChatRecord *chat,
                                   GPtrArray *messages, GPtrArray *attachments, GError **error);
/* Appends to part `n` (from 0) of the reply, which has this kind and name. */
void parley_store_append_reply (ParleyStore *store, gint64 message, guint n, ParleyPartKind kind,
                                const char *name, const char *text, gssize n_bytes);
/* `generation` may be NULL. */
void parley_store_finish_reply (ParleyStore *store, gint64 message, ParleyMessageState state,
                                const ParleyGenerationRecord *generation);
/* Makes a finished reply ANSWERING again, so that it can be continued. */
void parley_store_resume_reply (ParleyStore *store, gint64 message);
/* `parent` 0: chooses nothing; the chat's leaf tells the chosen first message. */
void parley_store_choose_child (ParleyStore *store, gint64 parent, gint64 child);
void parley_store_set_message_deleted (ParleyStore *store, gint64 message, gint64 when);
/* Array of ParleyMessageRecord of a chat, parents before children, siblings in order of making,
 * deleted ones included; of running replies what is committed so far. */
GPtrArray *parley_store_load_messages (ParleyStore *store, gint64 chat, GError **error);

#define PARLEY_ATTACHMENT_MAX_BYTES (64 << 20)

/* Attachments are kept once by content. Returns the hash. The bytes are queued. */
char *parley_store_add_attachment (ParleyStore *store, const char *mime_type, GBytes *bytes,
                                   GError **error);
GBytes *parley_store_get_attachment (ParleyStore *store, const char *sha256, char **mime_type,
                                     GError **error);

/* Files of a draft, until they are sent or taken off. `chat` 0: of what a new chat is begun with.
 */
void parley_store_add_draft_file (ParleyStore *store, gint64 chat, const ParleyDraftFile *file);
void parley_store_remove_draft_file (ParleyStore *store, gint64 id);
/* Array of ParleyDraftFile, in the order of their identifiers. */
GPtrArray *parley_store_list_draft_files (ParleyStore *store, gint64 chat, GError **error);

/* Search. Words must all occur; the last one may be a beginning. */
typedef struct {
  gint64 chat;
  gint64 message;  /* 0: found in the title */
  char *title;     /* of the chat */
  char *snippet;   /* a stretch of plain text around the hit, on one line */
  GArray *matches; /* of ParleySearchMatch: where in the snippet */
} ParleySearchHit;

typedef struct {
  guint start, end; /* bytes */
} ParleySearchMatch;

void parley_search_hit_free (ParleySearchHit *hit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParleySearchHit, parley_search_hit_free)

/* Array of ParleySearchHit, best first; empty for a query without words. Any text is a valid
 * query. */
GPtrArray *parley_store_search (ParleyStore *store, const char *query, guint limit, GError **error);

G_END_DECLS
