/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

struct pe_hash_key
pe_hash_key_new (void)
{
  struct pe_hash_key key;
  if (getrandom (&key, sizeof key, GRND_NONBLOCK) == (ssize_t) sizeof key)
    return key;
  /* Early in boot, or closed in: addresses and the clock are the next best thing. */
  struct timespec now = { 0 };
  clock_gettime (CLOCK_MONOTONIC, &now);
  key.k0 = (uint64_t) now.tv_nsec << 32 ^ (uint64_t) now.tv_sec;
  key.k1 = (uint64_t) (uintptr_t) &key ^ (uint64_t) (uintptr_t) &pe_hash_key_new << 16;
  return key;
}

static inline uint64_t
rotate (uint64_t x, unsigned by)
{
  return x << by | x >> (64 - by);
}

static inline void
sip_round (uint64_t v[4])
{
  v[0] += v[1];
  v[1] = rotate (v[1], 13) ^ v[0];
  v[0] = rotate (v[0], 32);
  v[2] += v[3];
  v[3] = rotate (v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = rotate (v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = rotate (v[1], 17) ^ v[2];
  v[2] = rotate (v[2], 32);
}

uint64_t
pe_hash (struct pe_hash_key key, const void *bytes, size_t n)
{
  uint64_t v[4] = { key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du,
                    key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u };
  const unsigned char *p = bytes;
  size_t left = n;
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word;
    memcpy (&word, p, 8);
    v[3] ^= word;
    sip_round (v);
    v[0] ^= word;
  }
  uint64_t last = (uint64_t) n << 56;
  for (size_t i = 0; i < left; i++)
    last |= (uint64_t) p[i] << (8 * i);
  v[3] ^= last;
  sip_round (v);
  v[0] ^= last;
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++)
    sip_round (v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}
