/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine, as everything above it sees it. Three objects: a model (an opened file) becomes a
 * runtime (weights and pages on devices, by a plan), which evaluates sequences (conversations).
 *
 *   pe_model_open -> pe_plan_make -> pe_runtime_create -> pe_sequence_new -> pe_runtime_compute
 *
 * Functions return false and fill a struct pe_error; nothing exits, prints or asserts on input.
 */
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/devices.h"
#include "engine/format/gguf.h"
#include "engine/heaps.h"
#include "engine/model.h"
#include "engine/plan.h"
#include "engine/quant/types.h"
#include "engine/rates.h"
#include "engine/runtime.h"
#include "engine/sampler.h"
#include "engine/text/chat-format.h"
#include "engine/text/reply.h"
#include "engine/text/template.h"
#include "engine/text/tokenizer.h"
