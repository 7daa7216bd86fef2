/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A signed message can be sent again by whoever saw it, as often as he likes, and each time it is verified. Its effect
 * is remembered for ever in the database; what its repeats add to the journal is bounded here: so many bytes an hour a
 * message (limits.repeats), known by what its sender signed. What is beyond goes to the journal apart (refused.c).
 *
 * A table of fixed size in memory. Who is sent again and again stays in it; who is pushed out by others begins anew.
 */
#include "request_private.h"

#include <string.h>

#define SETS            4096
#define WAYS            4
#define REPEATS_HOUR_US 3600000000u

/* Beyond these the octets that are not signed are padding. An envelope with two signatures is 10 KiB; letters written
 * as references and namespaces declared again and again make a text some times longer than its canonical form. */
#define AROUND_BYTES 65536u
#define AROUND_TIMES 8u

struct repeated {
    unsigned char digest[32];
    uint64_t since_us, last_us; /* 0: free */
    uint64_t bytes;
};

struct repeats {
    uint64_t most_bytes;
    struct repeated sets[SETS][WAYS];
};

struct repeats *repeats_new(struct arena *a, const struct config *conf)
{
    struct repeats *p = arena_alloc(a, sizeof *p);
    p->most_bytes = conf->repeats_bytes;
    return p;
}

/* A digest is as good as random. */
static size_t set_of(const unsigned char digest[32])
{
    return ((size_t)digest[0] << 8 | digest[1]) % SETS;
}

static bool is_of_this_hour(const struct repeated *m, uint64_t now_us)
{
    return m->last_us != 0 && now_us - m->since_us < REPEATS_HOUR_US;
}

void repeats_charge(struct repeats *p, const unsigned char digest[32], size_t bytes, uint64_t now_us)
{
    struct repeated *set = p->sets[set_of(digest)], *m = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (memcmp(set[i].digest, digest, 32) == 0) {
            m = &set[i];
            break;
        }
        if (set[i].last_us < m->last_us)
            m = &set[i]; /* the one that was not sent for longest */
    }
    if (memcmp(m->digest, digest, 32) != 0 || !is_of_this_hour(m, now_us)) {
        *m = (struct repeated){.since_us = now_us};
        memcpy(m->digest, digest, 32);
    }
    m->last_us = now_us;
    m->bytes += bytes;
}

static bool repeats_are_beyond(const struct repeats *p, const unsigned char digest[32], uint64_t now_us)
{
    const struct repeated *set = p->sets[set_of(digest)];
    for (unsigned i = 0; i < WAYS; i++)
        if (memcmp(set[i].digest, digest, 32) == 0)
            return is_of_this_hour(&set[i], now_us) && set[i].bytes >= p->most_bytes;
    return false;
}

bool request_is_repeated_too_often(const struct request *r)
{
    return request_has_signer(r) && repeats_are_beyond(r->service->repeats, r->message.digest, clock_mono_us());
}

bool request_is_padded(const struct request *r)
{
    return request_has_signer(r) && r->body.n > AROUND_BYTES + AROUND_TIMES * r->wsse.body.n;
}
