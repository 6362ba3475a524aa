/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "chat/parley-responder.h"

/* The turns as a JSON array of messages in the shape that chat templates and OpenAI's interface
 * know: role, content, reasoning_content, tool_calls. Attachments stand before the text, each with
 * its name. NULL: not enough memory. */
char *parley_request_to_json (const ParleyRequest *request);
