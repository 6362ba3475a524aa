/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The three orders in which models lie in a place. Inside src/library only.
 */
#pragma once

#include "library/places.h"

G_BEGIN_DECLS

typedef struct {
  const ParleyPlace *place;
  GPtrArray *entries, *folders;
  GCancellable *cancellable;
} ParleyPlaceList;

void parley_place_list_tree (ParleyPlaceList *list);
void parley_place_list_ollama (ParleyPlaceList *list);
void parley_place_list_hub (ParleyPlaceList *list);

G_END_DECLS
