/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Notifications of the desktop. What they say is text, also where a desktop reads markup out of it:
 * much of it was written by a model.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One `id`, one notification: a later one takes its place. `action` with `target` (or NULL, else
 * taken) is what a click on it does. */
void parley_notify (GApplication *application, const char *id, const char *title, const char *body,
                    const char *action, GVariant *target);
void parley_notify_withdraw (GApplication *application, const char *id);

G_END_DECLS
