/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A transaction of writes and its members. Private to group.c, group_gather.c and group_commit.c. */
#pragma once

#include "request_private.h"

struct group {
    struct live live;
    struct service *service;
    struct db_session *session;
    uint64_t patience_ms; /* for locks */
    uint64_t sent_us;
    struct request *members[GROUP_MAX];
    unsigned n;
    unsigned nready; /* members whose answers are made */
    bool is_doomed;  /* an answer could not be made: its effect must not stand */
};

/* Takes at most so many of those who wait, orders them by slot, gives up who is over, keeps who needs what is locked.
 */
void group_gather(struct group *g, unsigned wanted);
void group_ask(struct service *s); /* sessions for as many as wait */
/* The earliest of its members' ends: of is request_until_us() or request_commit_until_us(). */
uint64_t group_until_us(const struct group *g, uint64_t (*of)(const struct request *r));
bool group_is_over(const struct group *g); /* of a member's time, or he has gone */
/* Its end, one way or another; what becomes of the members is said there. */
unsigned group_end(struct group *g, struct request *members[GROUP_MAX]);
void group_undo(struct group *g);
void group_fail(struct group *g, enum err err, const struct error *e, bool is_commit_lost);
unsigned group_size(const struct service *s); /* the share of one session more of those who wait */
unsigned group_most(const struct service *s); /* groups at once */
