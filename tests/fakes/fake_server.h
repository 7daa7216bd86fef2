/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the request layer sees of PostgreSQL, in virtual time: backends with transactions, locks that are waited for in
 * the order of coming, timeouts, and a journal in which a message id is once. It knows the functions of api.* by name
 * and does of each what concerns the caller: which locks it takes, what it remembers, what it answers.
 *
 * Locks: "message ID", "booking ID", "slot ID", "inbox ID" belong to a transaction. "table", "read METHOD" and
 * "journal" are only ever somebody's else (server_hold): everybody waits for them and nobody has them.
 *
 * Parameters that steer it: the peer ends in the number of the client; a write's userType may be one of the words
 * below.
 */
#pragma once

#include "arena.h"
#include "db.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVER_WORD_MISSHAPEN "misshapen" /* the effect is made, its row cannot be read */

enum server_row_kind { ROW_WRITE, ROW_EXCHANGE, ROW_REFUSED, ROW_KEPT };

/* A row of the journal; ROW_WRITE: of a message that is remembered, a read of a queue, too. Or an answer that is kept
 * in the inbox (ROW_KEPT; slot is its id). */
struct server_row {
    struct server_row *next;
    enum server_row_kind kind;
    unsigned client;
    const char *journal_id, *message_id, *slot, *verdict;
    struct span digest, answer;
    bool is_effect; /* a booking was made or cancelled */
};

struct server_conf {
    uint64_t statement_max_us, commit_max_us;
    unsigned error_per_mille; /* of statements: conflicts, mistakes, trouble */
    unsigned slow_per_mille;  /* of statements: take up to slow_us */
    uint64_t slow_us;
    unsigned lost_per_mille; /* of messages of queues: somebody else has taken them over */
    unsigned slot_capacity;
    unsigned read_rows;
    bool shares_slots; /* two bookings of a slot do not wait for each other */
    void (*committed)(const struct server_row *row);
    void (*broken_off)(unsigned client, uint64_t waited_us); /* a wait for a lock */
    void (*locked)(unsigned client);                         /* its own statement failed for a lock, or by lot so */
    void (*misused)(const char *what);
};
void server_begin(const struct server_conf *conf);
void server_end(void);
void server_set_errors(unsigned error_per_mille);
bool server_writer(const struct db_call *call, unsigned *client); /* whose write it is; false: it is none */
const struct server_row *server_rows(void);                       /* committed, the newest first */

/* Somebody else's lock. false: it is had by a transaction just now. */
bool server_hold(const char *name);
void server_let_go(const char *name);

struct backend;
struct server_answer {
    struct error error; /* ERR_OK: all is well */
    struct db_result **results;
    unsigned n; /* results; the index of what failed */
};
typedef void (*backend_fn)(void *arg, const struct server_answer *a);

struct backend *backend_new(void);
/* One pipeline with its Sync. The answer lives until backend_forget(), the next call, or its end. */
void backend_run(struct backend *b, const struct db_call *list, unsigned n, struct db_patience p, uint64_t statement_ms,
                 backend_fn fn, void *arg);
void backend_forget(struct backend *b);
void backend_roll_back(struct backend *b);
/* Nobody listens any more: it ends what it is at, and is found out and rolled back after so long. */
void backend_abandon(struct backend *b, uint64_t found_out_us);
void backend_kill(struct backend *b);
bool backend_in_transaction(const struct backend *b);
unsigned backend_writes(const struct backend *b, unsigned *clients, unsigned most); /* with a new row, uncommitted */
bool backend_journals(const struct backend *b);     /* is at a row of what needs no transaction of its own */
uint64_t backend_waits_us(const struct backend *b); /* for a lock, so far; 0: it waits for none */
