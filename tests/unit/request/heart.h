/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the files of the simulation of the concurrent heart share: its clients, and who watches over them.
 * heart_clients.c is HTTP and the steps before `handle`, heart_queue.c the messages of queues, heart_judge.c knows what
 * must hold, test_heart.c draws the worlds.
 */
#pragma once

#include "request/request_private.h"

#include <stdbool.h>
#include <stdint.h>

#define TICK_US 50000 /* of the service */

enum client_kind { CLIENT_BOOK, CLIENT_CANCEL, CLIENT_SLOTS, CLIENT_STATUS, CLIENT_REFS, CLIENT_JUNK };
/* Resets: it is seen at once; ends: seen when asked for the second time. */
enum client_going { CLIENT_STAYS, CLIENT_RESETS, CLIENT_ENDS };

#define CLIENT_NEEDS_MAX 8
#define CLIENT_ROWS_MAX  8

struct client {
    unsigned number;
    enum client_kind kind;
    uint64_t at_us, deadline_us; /* its request comes; its answer must have left */
    enum client_going going;
    uint64_t goes_us;
    bool is_queued;    /* it comes by a queue, from the inbox, and may be taken out of it several times */
    bool is_bad;       /* it has a bad field */
    bool is_misshapen; /* SQL's answer to it cannot be read */
    const char *message_id, *book_id, *slots[2];
    unsigned nslots;
    unsigned char content;               /* the same id with other content is another message */
    const char *needs[CLIENT_NEEDS_MAX]; /* names of locks, as the server calls them */
    unsigned nneeds;

    bool is_in_work; /* of a queue: it has been taken, and nothing has been told */
    unsigned takings;
    const struct server_row *kept; /* its answer in the inbox */
    bool is_kept_unknown;          /* a COMMIT with such a row was never answered */

    struct exchange *exchange;                    /* while it waits */
    struct request *request;                      /* likewise, once it is known */
    bool is_turned_away, is_answered, is_cut_off; /* at the door; by the service; by its end */
    uint64_t answered_us;
    int status;
    enum err failed;

    unsigned commits_sent, commits_unknown;
    uint64_t unknown_us, sent_us; /* the last COMMIT without an answer; the last time its write left */
    bool is_to_be_alone;          /* a transaction it shared has failed */
    unsigned locks_met;           /* by its own statement */
    unsigned failures;            /* of its transactions */
    unsigned sent_shared, sent_alone;
    const struct server_row *write;                 /* what stands of it */
    const struct server_row *rows[CLIENT_ROWS_MAX]; /* of the journal, beside that */
    unsigned nrows;
};

/* An outsider's lock. */
struct holder {
    const char *name;
    uint64_t from_us, to_us;
};

struct world {
    uint64_t seed, began_us;
    bool is_calm; /* nothing goes wrong but that somebody holds locks: nobody is refused or late */
    bool is_over; /* the service has been told to stop */
    struct arena *arena;
    struct config conf;
    struct config_listener listener;
    struct endpoint endpoint;
    struct db_pool *pool;
    struct service *service;
    struct client *clients;
    unsigned nclients;
    struct holder *holders;
    unsigned nholders;
    unsigned drained;
    bool is_ever_away;                  /* the database */
    unsigned queued_per_mille;          /* of clients that come by a queue */
    uint64_t taken_until_us;            /* what is in the inbox then stays there */
    unsigned unsigned_per_mille;        /* of answers that cannot be signed */
    uint64_t fast_waits_us, fast_waits; /* broken off */
    uint64_t fast_unheard;              /* calls nothing was heard of: a wait there is charged to nobody */
};
extern struct world world;

/* heart_clients.c */
void client_send(void *arg);                      /* a struct client */
uint64_t client_until_us(const struct client *c); /* nothing is begun for it later */

/* heart_queue.c */
void client_take(void *arg);               /* a struct client out of the inbox */
bool client_waits(const struct client *c); /* for an answer, by whatever way */

/* heart_judge.c; each fails the test, and names the seed */
void judge_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void judge_misuse(const char *what);
void judge_writes_sent(const unsigned *clients, unsigned n);
void judge_writes_ended(const unsigned *clients, unsigned n, enum err err);
void judge_locked(unsigned client);
void judge_commit_sent(const unsigned *clients, unsigned n, uint64_t since_us);
void judge_commit_ended(const unsigned *clients, unsigned n, enum err err);
void judge_committed(const struct server_row *row);
void judge_broken_off(unsigned client, uint64_t waited_us);
void judge_answer(struct client *c, struct span answer);
void judge_moment(void); /* after each event */
void judge_quiet(void);  /* all are answered: nothing is held */
void judge_end(void);    /* the database has come to rest as well */
