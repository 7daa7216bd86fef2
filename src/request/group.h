/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A transaction of writes and its members. Private to group.c and group_gather.c. */
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
unsigned group_size(const struct service *s); /* the share of one session more of those who wait */
unsigned group_most(const struct service *s); /* groups at once */
