/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parts of the engine process by themselves: stop strings, what is given up when memory is short,
 * dictionaries on the wire, the outbox.
 */
#include "harness.h"
#include "worker/load.h"
#include "worker/outbox.h"
#include "worker/stops.h"
#include "worker/wire.h"

#include <math.h>

/* ---- stop strings ---- */

/* Feeds `text` in pieces of `step` bytes; returns what came out, and whether a stop was found. */
static char *
filter (const char *text, gsize step, const char *const *strings, gboolean *stopped)
{
  Stops stops;
  g_autoptr (GString) out = g_string_new (NULL);
  stops_init (&stops, strings);
  *stopped = FALSE;
  for (gsize i = 0, n = strlen (text); i < n && !*stopped; i += step)
    *stopped = stops_push (&stops, text + i, MIN (step, n - i), out);
  if (!*stopped)
    stops_finish (&stops, out);
  stops_clear (&stops);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void
stops_wherever_texts_are_cut (void)
{
  static const struct {
    const char *text, *result;
    gboolean stops;
  } cases[] = {
    { "nothing here", "nothing here", FALSE },
    { "one STOP two", "one ", TRUE },
    { "STSTOP", "ST", TRUE },
    { "almost STO", "almost STO", FALSE },
    { "a\n\nUser: b", "a", TRUE },
    { "a\n\nUse b", "a\n\nUse b", FALSE },
    { "STOP", "", TRUE },
    { "", "", FALSE },
  };
  const char *const strings[] = { "STOP", "\n\nUser:", NULL };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize step = 1; step <= 12; step++) {
      gboolean stopped;
      g_autofree char *out = filter (cases[i].text, step, strings, &stopped);
      CHECK_STR (out, cases[i].result);
      CHECK (stopped == cases[i].stops);
    }
}

/* ---- stepping down ---- */

static struct pe_plan_request
large_request (void)
{
  return (struct pe_plan_request){
    .n_ctx = 8192, .n_batch = 512, .n_gpu_layers = 33, .k_type = PE_TYPE_F16, .v_type = PE_TYPE_F16
  };
}

static void
gives_up_in_order (void)
{
  struct pe_plan_request r = large_request (), wanted = r;
  unsigned n = 0;
  while (worker_step_down (&r, LOAD_RAM) && ++n < 100)
    ;
  CHECK (n == 2 + 1 + 4); /* batch 128, 32; 8 bits; context 4096 … 512 */
  CHECK (r.n_batch == 32 && r.k_type == PE_TYPE_Q8_0 && r.v_type == PE_TYPE_Q8_0);
  CHECK (r.n_ctx == 512 && r.n_gpu_layers == 33);
  for (n = 0; worker_step_down (&r, LOAD_GPU_MEMORY) && n < 100; n++)
    ;
  CHECK (r.n_gpu_layers == 0 && n > 8 && n < 33);
  char note[WORKER_NOTE_BYTES];
  worker_describe_change (&wanted, &r, 32, note);
  CHECK_STR (note,
             "To fit into memory, 0 of 33 layers are on the GPU instead of 33, the context is "
             "kept in 8 bits, the context is 512 tokens long instead of 8192.");
  worker_describe_change (&wanted, &wanted, 32, note);
  CHECK_STR (note, "");
  r = wanted;
  CHECK (worker_step_down (&r, LOAD_GPU) && r.n_gpu_layers == 0 &&
         !worker_step_down (&r, LOAD_GPU));
}

static void
sees_what_is_short (void)
{
  struct pe_device_info devices[] = { { .kind = PE_DEVICE_CPU, .memory_available = 1000 },
                                      { .kind = PE_DEVICE_DISCRETE, .memory_available = 500 } };
  struct pe_allocation allocations[] = { { .device = 0, .bytes = 900 },
                                         { .device = 0, .bytes = 1000000, .mapped = true },
                                         { .device = 1, .bytes = 500 } };
  struct pe_plan plan = {
    .devices = devices, .n_devices = 2, .allocations = allocations, .n_allocations = 3
  };
  enum load_obstacle obstacle;
  CHECK (worker_plan_fits (&plan, &obstacle));
  allocations[2].bytes = 501;
  CHECK (!worker_plan_fits (&plan, &obstacle) && obstacle == LOAD_GPU_MEMORY);
  allocations[0].bytes = 1001;
  CHECK (!worker_plan_fits (&plan, &obstacle) && obstacle == LOAD_RAM);
  devices[0].memory_available = devices[1].memory_available = 0; /* unknown */
  CHECK (worker_plan_fits (&plan, &obstacle));
}

/* ---- the wire ---- */

static void
requests_cross_the_wire (void)
{
  struct pe_plan_request plan = large_request (), back;
  pe_plan_request_init (&back);
  g_autoptr (GVariant) dictionary = g_variant_ref_sink (wire_plan_request (&plan));
  CHECK (wire_read_plan_request (dictionary, &back));
  CHECK (back.n_ctx == 8192 && back.n_gpu_layers == 33 && back.k_type == PE_TYPE_F16);
  plan.k_type = PE_TYPE_Q4_K; /* no type for a cache */
  g_autoptr (GVariant) wrong = g_variant_ref_sink (wire_plan_request (&plan));
  CHECK (!wire_read_plan_request (wrong, &back));

  ParleyGenerationRequest request;
  parley_generation_request_init (&request);
  request.text = "text";
  request.stop = (const char *const[]){ "a", "b", NULL };
  request.sampler.temperature = NAN;
  request.sampler.top_p = 17;
  request.sampler.seed = G_MAXUINT64;
  g_autoptr (GVariant) sent = g_variant_ref_sink (wire_generation (&request));
  WireGeneration read;
  CHECK (wire_read_generation (sent, &read));
  CHECK_STR (read.request.text, "text");
  CHECK_STR (read.request.stop[1], "b");
  CHECK (read.request.messages == NULL && read.request.stop[2] == NULL);
  /* Ranges are the sampler's business: what makes no sense stays what it is, and is refused. */
  struct pe_error error;
  CHECK (isnan (read.request.sampler.temperature) && read.request.sampler.top_p == 17);
  CHECK (!pe_sampler_check (&read.request.sampler, &error));
  CHECK (read.request.sampler.seed == G_MAXUINT64);
  wire_generation_clear (&read);
  request.messages = "[]"; /* both, or neither: no request */
  g_autoptr (GVariant) both = g_variant_ref_sink (wire_generation (&request));
  CHECK (!wire_read_generation (both, &read));
  request.messages = request.text = NULL;
  g_autoptr (GVariant) neither = g_variant_ref_sink (wire_generation (&request));
  CHECK (!wire_read_generation (neither, &read));
  request.text = "";
  request.stop = (const char *const[]){ "", NULL };
  g_autoptr (GVariant) empty = g_variant_ref_sink (wire_generation (&request));
  CHECK (!wire_read_generation (empty, &read));
}

/* Every member of the settings gets there, whatever is added to them. */
static void
samplers_cross_the_wire (void)
{
  const struct pe_logit_bias biases[] = { { 3, -INFINITY }, { 7, 2.5f } };
  struct pe_sampler_params sent, read;
  struct pe_logit_bias *list = NULL;
  pe_sampler_params_init (&sent);
  sent.temperature = 0.11f;
  sent.top_k = 12;
  sent.top_p = 0.13f;
  sent.min_p = 0.14f;
  sent.repeat_penalty = 1.5f;
  sent.frequency_penalty = 0.16f;
  sent.presence_penalty = 0.17f;
  sent.penalty_window = 18;
  sent.seed = G_MAXUINT64 - 19;
  sent.typical_p = 0.2f;
  sent.top_n_sigma = 2.1f;
  sent.xtc_probability = 0.22f;
  sent.xtc_threshold = 0.23f;
  sent.dynamic_temperature_range = 0.24f;
  sent.dynamic_temperature_exponent = 2.5f;
  sent.dry_multiplier = 0.26f;
  sent.dry_base = 2.7f;
  sent.dry_free_length = 28;
  sent.dry_window = 29;
  sent.mirostat = true;
  sent.mirostat_tau = 3.1f;
  sent.mirostat_eta = 0.32f;
  sent.logit_bias = biases;
  sent.n_logit_bias = 2;
  g_autoptr (GVariant) dictionary = g_variant_ref_sink (wire_sampler (&sent));
  CHECK (wire_read_sampler (dictionary, &read, &list));
  CHECK (read.n_logit_bias == 2 && list[0].token == 3 && list[1].token == 7);
  CHECK (list[0].bias < -1e30f && list[1].bias == 2.5f);
  read.logit_bias = sent.logit_bias;
  g_autoptr (GVariant) again = g_variant_ref_sink (wire_sampler (&read));
  CHECK (g_variant_equal (dictionary, again));
  g_free (list);

  /* An empty dictionary means the usual settings; one of another shape changes none. */
  GVariantDict odd;
  g_variant_dict_init (&odd, NULL);
  g_variant_dict_insert (&odd, "temperature", "s", "hot");
  g_variant_dict_insert (&odd, "logit-bias", "au", NULL);
  g_autoptr (GVariant) shapeless = g_variant_ref_sink (g_variant_dict_end (&odd));
  CHECK (wire_read_sampler (shapeless, &read, &list) && read.n_logit_bias == 0);
  CHECK (read.temperature == 0.8f && read.typical_p == 1 && !read.mirostat);
  g_free (list);
}

static guint n_sent;
static GVariant *sent;

static void
keep_sent (gpointer data, guint64 id, guint sequence, GVariant *parts)
{
  CHECK (id == 5 && sequence == n_sent);
  n_sent++;
  g_clear_pointer (&sent, g_variant_unref);
  sent = g_variant_ref_sink (parts);
}

static void
outbox_waits_for_credit (void)
{
  Outbox outbox;
  outbox_init (&outbox, 5, 1);
  n_sent = 0;
  CHECK (outbox_flush (&outbox, TRUE, keep_sent, NULL) && n_sent == 0);
  outbox_add (&outbox, PARLEY_TEXT_REASONING, NULL, "hm", 2);
  outbox_add (&outbox, PARLEY_TEXT_ANSWER, NULL, "a\0b", 3);
  outbox_add (&outbox, PARLEY_TEXT_ANSWER, NULL, "c", 1);
  CHECK (outbox_flush (&outbox, TRUE, keep_sent, NULL) && n_sent == 1);
  g_autofree char *text = g_variant_print (sent, FALSE);
  CHECK_STR (text, "[(1, '', 'hm'), (0, '', 'a\xef\xbf\xbd"
                   "bc')]");
  outbox_add (&outbox, PARLEY_TEXT_ANSWER, NULL, "d", 1);
  CHECK (!outbox_flush (&outbox, TRUE, keep_sent, NULL) && n_sent == 1);
  outbox.credit = 1;
  outbox.last_sent = g_get_monotonic_time () + G_USEC_PER_SEC; /* this frame, however slow we are */
  CHECK (!outbox_flush (&outbox, FALSE, keep_sent, NULL));
  CHECK (outbox_flush (&outbox, TRUE, keep_sent, NULL) && n_sent == 2);
  CHECK (!outbox_is_full (&outbox));
  g_autofree char *much = g_strnfill (WORKER_MAX_PART_BYTES, 'x');
  outbox_add (&outbox, PARLEY_TEXT_ANSWER, NULL, much, WORKER_MAX_PART_BYTES);
  CHECK (outbox_is_full (&outbox));
  outbox_clear (&outbox);
  g_clear_pointer (&sent, g_variant_unref);
}

int
main (void)
{
  RUN (stops_wherever_texts_are_cut);
  RUN (gives_up_in_order);
  RUN (sees_what_is_short);
  RUN (requests_cross_the_wire);
  RUN (samplers_cross_the_wire);
  RUN (outbox_waits_for_credit);
  return test_done ();
}
