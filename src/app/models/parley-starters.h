/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Three models to begin with, chosen for this computer: a fast one, a balanced one, and the best
 * that fits; each with its size, what speed to expect and its licence. One click downloads it.
 */
#pragma once

#include "app/parley-services.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_STARTERS (parley_starters_get_type ())
G_DECLARE_FINAL_TYPE (ParleyStarters, parley_starters, PARLEY, STARTERS, GtkBox)

GtkWidget *parley_starters_new (ParleyServices *services);

G_END_DECLS
