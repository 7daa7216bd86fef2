/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Who holds how much memory for the network, in all listeners together, and who has to give some back when it runs
 * out. Bytes are counted, not connections; a single peer may have all of it while nobody else wants it.
 */
#pragma once

#include "peer_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_kind {
    LEDGER_FIXED,   /* the connection itself */
    LEDGER_READING, /* a request that is not whole; may be taken back */
    LEDGER_WORKING, /* whole requests, until they are answered */
    LEDGER_WRITING, /* answers that the peer has not taken yet; may be taken back */
    LEDGER_KINDS
};

#define LEDGER_CLASSES 4  /* by size: what may be taken back, below 16 KiB, 64 KiB, 256 KiB, and beyond */
#define LEDGER_RANKS   48 /* peers by the power of two of what may be taken back from them */

struct ledger_list {
    struct claim *first;
    struct claim **last;
};

struct ledger_peer {
    struct peer_key key;
    struct ledger_peer *next; /* in its hash chain */
    struct ledger_peer *rank_next;
    struct ledger_peer **rank_link;
    unsigned rank;
    unsigned claims;
    size_t taken_back_max;                       /* the sum over its claims of what may be taken back */
    struct ledger_list lists[LEDGER_CLASSES][2]; /* unfinished requests, then answers; the oldest first */
};

struct claim {
    struct ledger *ledger; /* NULL: none */
    struct ledger_peer *peer;
    size_t bytes[LEDGER_KINDS];
    void (*give_back)(void *arg); /* frees what is in READING; when there is nothing, closes the connection */
    void *arg;
    struct claim *next;
    struct claim **link; /* NULL: nothing to take back */
    struct ledger_list *list;
};

struct ledger;
struct ledger *ledger_new(size_t max_bytes);
void ledger_set_max(struct ledger *g, size_t max_bytes);
void ledger_hold(struct ledger *g);    /* one more owner */
void ledger_release(struct ledger *g); /* freed by its last owner */

void ledger_join(struct ledger *g, struct claim *c, const struct peer_key *key);
void ledger_leave(struct claim *c); /* what it had is counted no more; harmless when repeated */
void ledger_set(struct claim *c, enum ledger_kind kind, size_t bytes);
void ledger_orphan(struct ledger *g, size_t more, size_t less); /* of requests whose connection has gone */

/*
 * Makes room for so many bytes of this claim's. Whoever has most gives back first: of the peer with most the largest
 * piece, an unfinished request before an answer, the oldest first. False: it is the claim's own turn to give back,
 * or there is nothing left to take.
 */
bool ledger_make_room(struct claim *c, size_t more);
/* The same for bytes that are there already and must stay; what is not enough is let be. */
void ledger_settle(struct claim *c);

struct ledger_sum {
    size_t max_bytes;
    size_t held_bytes;
    size_t highest_bytes;
    size_t kinds[LEDGER_KINDS];
    uint64_t taken_back;
    unsigned peers;
};
void ledger_read(const struct ledger *g, struct ledger_sum *out);
bool ledger_is_full_of_connections(
    const struct ledger *g); /* they take half of all there is themselves; the other half is for what they send */
bool ledger_is_full(const struct ledger *g); /* something had to be given back since the last ledger_calm() */
void ledger_calm(struct ledger *g);
/* Much more was held than is now: time to give memory back to the system. Says so once. */
bool ledger_has_ebbed(struct ledger *g);
