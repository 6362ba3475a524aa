/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub/parley-hub-error.h"

G_DEFINE_QUARK (parley - hub - error - quark, parley_hub_error)
