/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This computer: what models run on and why, its devices with their memory and measured rates.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define PARLEY_TYPE_COMPUTER_PAGE (parley_computer_page_get_type ())
G_DECLARE_FINAL_TYPE (ParleyComputerPage, parley_computer_page, PARLEY, COMPUTER_PAGE, GtkBox)

GtkWidget *parley_computer_page_new (ParleyServices *services);
GtkWidget *parley_computer_page_get_header (ParleyComputerPage *self);

G_END_DECLS
