/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What both ends of the socket agree on: version, limits, and the dictionaries of
 * parley-worker1.xml. Readers take nothing for granted: absent entries keep their defaults, and
 * what makes no sense is refused.
 */
#pragma once

#include <gio/gio.h>

#include "engine/plan.h"
#include "worker/parley-generation.h"
#include "worker/parley-worker-client.h"

G_BEGIN_DECLS

#define WORKER_PROTOCOL_VERSION 2
#define WORKER_OBJECT_PATH      "/io/github/parleychat/Parley/Worker"
#define WORKER_INTERFACE        "io.github.parleychat.Parley.Worker1"
#define WORKER_SOCKET           3 /* descriptor of the socket in the engine process */

#define WORKER_CREDIT           16                 /* Parts under way at a time */
#define WORKER_FRAME_US         16000              /* at most one Parts in this time */
#define WORKER_MAX_PARTS        4096               /* in one Parts */
#define WORKER_MAX_PART_BYTES   (1024 * 1024)      /* of text in one Parts */
#define WORKER_MAX_REPLY_BYTES  (16 * 1024 * 1024) /* of a whole reply */
#define WORKER_MAX_PROMPT_BYTES (64 * 1024 * 1024) /* of all strings of a request */
#define WORKER_MAX_STOPS        16
#define WORKER_MAX_STOP_BYTES   1024
#define WORKER_MAX_FILES        64
#define WORKER_MAX_BIASES       65536

GVariant *wire_plan_request (const struct pe_plan_request *request);
gboolean wire_read_plan_request (GVariant *dictionary, struct pe_plan_request *request);

/* A request with copies of all its texts. */
typedef struct {
  ParleyGenerationRequest request; /* its pointers lead into what follows */
  GVariant *dictionary;
  const char **stops;
  struct pe_logit_bias *biases;
} WireGeneration;

GVariant *wire_generation (const ParleyGenerationRequest *request);
gboolean wire_read_generation (GVariant *dictionary, WireGeneration *out);
void wire_generation_clear (WireGeneration *generation);

/* wire-sampler.c. Ranges are the sampler's business. `biases` gets an array for g_free(). */
GVariant *wire_sampler (const struct pe_sampler_params *params);
gboolean wire_read_sampler (GVariant *dictionary, struct pe_sampler_params *params,
                            struct pe_logit_bias **biases);

GVariant *wire_stats (const ParleyGenerationStats *stats);
gboolean wire_read_stats (GVariant *dictionary, ParleyGenerationStats *stats);

/* Keeps the strings of *model alive. */
typedef struct {
  ParleyLoadedModel model;
  guint gpu_layers;
  GVariant *dictionary;
} WireModel;

GVariant *wire_model (const ParleyLoadedModel *model, guint gpu_layers);
gboolean wire_read_model (GVariant *dictionary, WireModel *out);
void wire_model_clear (WireModel *model);

GVariant *wire_memory (const struct pe_device_info *device, const ParleyDeviceMemory *memory);
gboolean wire_read_memory (GVariant *entry, ParleyDeviceMemory *memory);

/* Text from the other side that a person may get to see: control characters replaced, cut after
 * 1,000 bytes. */
char *wire_clean (const char *text);

/* Bytes that cross as a file: all of a descriptor's, or NULL when they are more than `most` or
 * cannot be read; a sealed memory file, or -1. */
GBytes *wire_read_file (int fd, gsize most);
int wire_write_file (const char *name, gconstpointer bytes, gsize n);
#define WORKER_MAX_KERNELS (64u << 20)

G_END_DECLS
