/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A small table, found by the first byte of the fingerprint, which is as good as random. Owns nothing but numbers. Only
 * good verdicts come in, so a stranger cannot push ours out.
 */
#include "trust_cache.h"

#include <pthread.h>
#include <string.h>

#define SETS 256
#define WAYS 4

struct verdict {
    unsigned char fingerprint[32];
    int64_t from_s, end_s; /* both 0: free */
};

struct trust_cache {
    pthread_mutex_t lock;
    struct verdict verdicts[SETS][WAYS];
};

static void cache_fini(void *p)
{
    struct trust_cache *c = p;
    pthread_mutex_destroy(&c->lock);
}

struct trust_cache *trust_cache_new(struct arena *a)
{
    struct trust_cache *c = arena_alloc(a, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    arena_defer(a, cache_fini, c);
    return c;
}

/* A clock that was set back makes from_s lie ahead: then the verdict does not count either. */
bool trust_cache_has(struct trust_cache *c, const unsigned char fingerprint[32], int64_t now_s)
{
    bool has = false;
    const struct verdict *set = c->verdicts[fingerprint[0]];
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < WAYS && !has; i++)
        has = now_s >= set[i].from_s && now_s < set[i].end_s && memcmp(set[i].fingerprint, fingerprint, 32) == 0;
    pthread_mutex_unlock(&c->lock);
    return has;
}

void trust_cache_put(struct trust_cache *c, const unsigned char fingerprint[32], int64_t from_s, int64_t end_s)
{
    struct verdict *set = c->verdicts[fingerprint[0]], *place = &set[0];
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < WAYS; i++) {
        if (memcmp(set[i].fingerprint, fingerprint, 32) == 0) {
            place = &set[i];
            break;
        }
        if (set[i].end_s < place->end_s)
            place = &set[i]; /* the one that ends first */
    }
    memcpy(place->fingerprint, fingerprint, 32);
    place->from_s = from_s;
    place->end_s = end_s;
    pthread_mutex_unlock(&c->lock);
}
