/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Brings models that a person chose or dropped into the library, one after the other on a worker
 * thread, and tells how it went in toasts of the window.
 */
#pragma once

#include "app/parley-services.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* `widget` is anywhere in the window. */
void parley_importer_run (ParleyServices *services, GtkWidget *widget, GFile *file);

/* Files and folders dropped on `widget` are imported; the address of a model is looked up. */
void parley_importer_accept_drops (ParleyServices *services, GtkWidget *widget);

/* The menu of the Models page: asks for files or a folder. */
GtkWidget *parley_importer_menu_new (ParleyServices *services);

G_END_DECLS
