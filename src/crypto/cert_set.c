/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Certificates by their octets. A certificate ends with its signature, which is as good as random: its last bytes say
 * where to look. What is found has exactly the octets that were asked for, so nobody can have his taken for another's.
 */
#include "crypto_private.h"

#include <string.h>

struct cert_set {
    const struct cert **places; /* NULL: free; the next ones are looked at when one is taken */
    size_t mask;
};

/* There are at least twice as many places as certificates: a search always comes to a free one. */
struct cert_set *cert_set_new(struct arena *a, size_t most)
{
    struct cert_set *s = arena_alloc(a, sizeof *s);
    size_t n = 4;
    while (n < 2 * most)
        n *= 2;
    s->places = arena_array(a, n, sizeof(const struct cert *));
    s->mask = n - 1;
    return s;
}

static size_t place_of(struct span der)
{
    uint64_t tail = 0;
    size_t n = der.n < sizeof tail ? der.n : sizeof tail;
    memcpy(&tail, der.p + der.n - n, n);
    return (size_t)(tail ^ tail >> 32);
}

void cert_set_add(struct cert_set *s, const struct cert *c)
{
    size_t i = place_of(c->der) & s->mask;
    while (s->places[i] != NULL)
        i = (i + 1) & s->mask;
    s->places[i] = c;
}

const struct cert *cert_set_find(const struct cert_set *s, struct span der)
{
    if (s == NULL || der.n == 0)
        return NULL;
    for (size_t i = place_of(der) & s->mask; s->places[i] != NULL; i = (i + 1) & s->mask)
        if (span_equals(s->places[i]->der, der))
            return s->places[i];
    return NULL;
}
