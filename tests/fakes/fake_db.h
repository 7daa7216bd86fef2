/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * db.h's pool and sessions in virtual time, before the server of fake_server.h. It keeps the promises of db.h and holds
 * its user to them: a session used after its release, twice at once, or a result read when it is gone, is seen (by
 * misused(), or by AddressSanitizer). What can go wrong between two machines goes wrong by lot.
 */
#pragma once

#include "db.h"

#define FAKE_DB_NO_SESSION "no session in time"

/* Per mille of the calls. */
struct fake_db_faults {
    unsigned lost_before;                 /* the connection breaks, the server never saw the call */
    unsigned lost_after;                  /* it breaks when all is done, the answer is lost, or a half of it */
    unsigned killed;                      /* the backend dies in the middle */
    unsigned silent_before, silent_after; /* the same as lost, but nothing is heard of it */
    unsigned broken;                      /* of sessions given out: it breaks while nobody asks anything */
};

struct fake_db_hooks {
    void (*misused)(const char *what);
    /* One call leaves with the writes of these clients; and what was heard of it. */
    void (*writes_sent)(const unsigned *clients, unsigned n);
    void (*writes_ended)(const unsigned *clients, unsigned n, enum err err);
    /* COMMIT of new rows of these clients leaves, whose rows were known since then; and what was heard of it. */
    void (*commit_sent)(const unsigned *clients, unsigned n, uint64_t since_us);
    void (*commit_ended)(const unsigned *clients, unsigned n, enum err err);
};

void fake_db_set(const struct fake_db_faults *faults, const struct fake_db_hooks *hooks);
void fake_db_set_away(struct db_pool *p, bool is_away);         /* every connection breaks, none can be made */
unsigned fake_db_waiting(const struct db_pool *p, uint64_t us); /* sessions that wait for a lock for longer than that */
