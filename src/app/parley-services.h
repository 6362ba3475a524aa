/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every page works with, made once by the application and owned by it. Pages keep the pointer
 * for as long as they live.
 */
#pragma once

#include "app/load/parley-engines.h"
#include "app/models/parley-updates.h"
#include "chat/parley-chat-list.h"
#include "hardware/parley-hardware.h"
#include "hub/parley-downloads.h"
#include "library/parley-library.h"
#include "store/parley-store.h"

G_BEGIN_DECLS

typedef struct ParleyWaitingChats ParleyWaitingChats;

typedef struct {
  ParleyStore *store;
  ParleyChatList *chats;
  ParleyHub *hub;
  ParleyDownloads *downloads;
  ParleyLibrary *library;
  ParleyHardware *hardware;
  ParleyEngines *engines;
  ParleyUpdates *updates;
  ParleyWaitingChats *waiting;
  GListStore *tasks; /* of ParleyTask: long work on files that is under way */
} ParleyServices;

/* Opens the store and makes the rest. NULL: the store cannot be opened; the message says why. */
ParleyServices *parley_services_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Makes what runs as the settings say. */
void parley_services_apply (ParleyServices *services);
/* Stops tasks, downloads and engines and saves what waits. NULL is fine. */
void parley_services_free (ParleyServices *services);

/* Asks the drivers, watches the models folder, takes up unfinished downloads. */
void parley_services_start (ParleyServices *services);

G_END_DECLS
