/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who has how many of the places at the door, and whose is given up when they are all taken and somebody else comes.
 * Beside the ledger, which counts bytes, this counts connections. Every step costs at most the logarithm of the number
 * of peers.
 */
#pragma once

#include "peer_key.h"

#include <stdbool.h>

/* What its holder loses with a place; the least first. */
enum place_kind {
    PLACE_IDLE,       /* nothing: a handshake, a head that is awaited, a connection kept alive */
    PLACE_UNFINISHED, /* a request that is not whole */
    PLACE_UNTAKEN,    /* an answer it has not taken yet */
    PLACE_KINDS,
    PLACE_IN_WORK = PLACE_KINDS /* is never given up */
};

struct place {
    struct places *all; /* NULL: has none */
    struct places_peer *peer;
    void *owner;
    enum place_kind kind;
    struct place *next, **link;
};

/* All zero: empty. */
struct places {
    void *peers;               /* a tree of tsearch(): no choice of addresses makes it slow */
    struct places_peer **most; /* a heap of those who could give one up, by how many they have */
    unsigned n, room;
};

void places_fini(struct places *all); /* when everybody has left */

void places_join(struct places *all, struct place *p, const struct peer_key *key, void *owner); /* in work */
void places_leave(struct place *p);                     /* harmless when repeated, or when it has none */
void places_set(struct place *p, enum place_kind kind); /* the last of its kind; as it was: nothing happens */
void places_renew(struct place *p);                     /* becomes the last of its kind */

/*
 * The place that a newcomer from there may have: of the peer that has most, of the kind that loses least, the oldest.
 * NULL: that peer would then have fewer than the newcomer's, or nobody has one to give. newcomer NULL: fewer or not.
 */
struct place *places_to_give(struct places *all, const struct peer_key *newcomer);
