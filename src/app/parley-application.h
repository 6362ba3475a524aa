/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The application: one instance, one window, its keys.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_APPLICATION (parley_application_get_type ())
G_DECLARE_FINAL_TYPE (ParleyApplication, parley_application, PARLEY, APPLICATION, AdwApplication)

AdwApplication *parley_application_new (void);

/* Ends, to be started again with the chats in this folder: moved there, or those that are there.
 * Only a fresh start has no store open. */
void parley_application_begin_in (ParleyApplication *self, const char *folder, gboolean move);
/* After the run: the arguments to start again with, or NULL. */
char **parley_application_get_again (ParleyApplication *self);

G_END_DECLS
