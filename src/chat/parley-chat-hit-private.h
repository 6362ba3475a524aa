/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "chat/parley-chat-list.h"

/* Takes `hit`. */
ParleyChatHit *_parley_chat_hit_new (ParleyChat *chat, ParleySearchHit *hit);
