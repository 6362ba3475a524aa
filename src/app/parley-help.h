/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's guide: topics in Markdown from the resources, in the language of the session where
 * there is a translation (guide/LANGUAGE/TOPIC.md), else in English (guide/TOPIC.md).
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Opens the guide beside `parent`, at `topic` ("slider", "gpu", …) or, for NULL, at its list. */
void parley_help_present (GtkWindow *parent, const char *topic);

G_END_DECLS
