/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who waits for a worker or to read on, peers in a circle: however many of one peer wait, another peer's next one comes
 * after at most one of each. Every step costs at most the logarithm of the number of peers that wait.
 */
#pragma once

#include "peer_key.h"

#include <stdbool.h>

struct turn {
    struct turns_peer *peer; /* NULL: does not wait */
    struct turn *next, **link;
    void *owner;
};

struct turns_peer {
    struct peer_key key; /* first: the tree compares keys */
    struct turns_peer *next, **link;
    struct turn *first, **end; /* in the order of their turns */
    unsigned n;
};

struct turns {
    struct turns_peer *peers, **end; /* whose turn is next, first */
    void *tree;                      /* of tsearch(), by key */
    unsigned waiting;
};

void turns_init(struct turns *t);
/* The last of its peer, or the first: of what is begun already. */
void turns_join(struct turns *t, struct turn *turn, const struct peer_key *key, void *owner, bool is_first);
void turns_leave(struct turns *t, struct turn *turn); /* harmless when it does not wait */
void *turns_take(struct turns *t);                    /* whose turn it is, waiting no more; NULL: nobody waits */
