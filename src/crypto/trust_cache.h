/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Good verdicts by fingerprint. Bounded: a newer one takes the place of an older one. Thread-safe. */
#pragma once

#include "arena.h"

#include <stdbool.h>
#include <stdint.h>

struct trust_cache;
struct trust_cache *trust_cache_new(struct arena *a);
bool trust_cache_has(struct trust_cache *c, const unsigned char fingerprint[32], int64_t now_s);
/* Good from from_s up to, not including, end_s. */
void trust_cache_put(struct trust_cache *c, const unsigned char fingerprint[32], int64_t from_s, int64_t end_s);
