/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a model runs here, as icon, word and colour together.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum {
  PARLEY_SHOWN_UNKNOWN, /* not computed yet, or cannot be */
  PARLEY_SHOWN_FITS,    /* whole on the GPU */
  PARLEY_SHOWN_PARTLY,  /* some layers on the GPU */
  PARLEY_SHOWN_RAM,     /* in main memory */
  PARLEY_SHOWN_TOO_BIG, /* does not fit, or cannot run */
} ParleyShownVerdict;

#define PARLEY_TYPE_VERDICT (parley_verdict_get_type ())
G_DECLARE_FINAL_TYPE (ParleyVerdict, parley_verdict, PARLEY, VERDICT, GtkBox)

GtkWidget *parley_verdict_new (void);
/* `words`: NULL for the usual ones. */
void parley_verdict_set (ParleyVerdict *self, ParleyShownVerdict verdict, const char *words);
/* Why, in lines; NULL: nobody knows. */
void parley_verdict_set_why (ParleyVerdict *self, const char *why);

G_END_DECLS
