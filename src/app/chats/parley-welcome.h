/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What stands in an empty chat: before the first model, what this computer can do and how to
 * begin; afterwards just an invitation.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_WELCOME (parley_welcome_get_type ())
G_DECLARE_FINAL_TYPE (ParleyWelcome, parley_welcome, PARLEY, WELCOME, GtkBox)

GtkWidget *parley_welcome_new (ParleyServices *services);

G_END_DECLS
