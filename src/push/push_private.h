/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the files of the delivery share. A row of the outbox goes through
 *
 *   take -> make (worker) -> keep (database), in turn -> post -> read (worker) -> tell (database)
 *
 * and leaves for `tell` at once wherever it fails; one that another daemon has taken over is let go without a word.
 *
 *   push.c        the life of it all, lanes, and what is due
 *   push_lane.c   an agency: how many at once, and whether its portal is there
 *   push_row.c    a row from step to step
 *   push_turn.c   whose turn it is with the portal
 *   push_store.c  what is asked of the database, and what it says
 *   push_state.c  how all stands, as the database says
 *   push_locked.c whether somebody holds what it is asked for
 *   push_tell.c   metrics, notes, lines of the log
 *   push_cause.c  pure: who is to be looked at when nothing is told
 *   push_message.c, push_answer.c, push_sent.c, push_words.c  pure: octets
 *
 * Over SMEV 3 the answer to a row comes by itself, in a queue of its own, and ends it whoever has it:
 *
 *   push_source.c the queues of SMEV 3 there are, and which are asked
 *   push_poll.c   a question for answers
 *   push_said.c   what was given, written down before it is acknowledged
 *   push_ack.c    the acknowledgement of an answer
 *   push_write.c  the statements about all of these, and what a statement is made of
 */
#pragma once

#include "push.h"

#include "adapter.h"
#include "clock.h"

#include "push_cause.h"
#include "push_message.h"

#include <stdbool.h>
#include <stdint.h>

#define PUSH_BATCH      64 /* rows written at once */
#define PUSH_AHEAD      96 /* rows of an agency made before it is their turn, at most */
#define PUSH_LANES      16 /* agencies asked for at once */
#define PUSH_WORKERS    2
#define PUSH_SAID_BATCH 16
#define PUSH_SAID_CALLS 3 /* of one: that it is not understood, what it was, that we are refused */
#define PUSH_UNACKED    16
#define PUSH_UNTAKEN_US UINT64_C(900000000) /* what was not refused again in that time is refused no more */
#define PUSH_NODES      8                   /* of an agency, with answers on their way */
#define PUSH_NODE_SIZE  201                 /* 50 characters, of four octets at most */
#define PUSH_IDLE_MS    1000                /* an empty outbox is asked again after */
#define PUSH_RESTS      2                   /* times as long as it was at it the session rests while requests come */
#define PUSH_REST_MS    1000                /* at most */
#define PUSH_SLACK_MS   10000               /* by so much a lease is longer than the call */

/* What became of attempts, for metrics. */
#define PUSH_OUTCOMES(X)                                                                                               \
    X(taken)     /* the portal has it */                                                                               \
    X(refused)   /* it says no: the booking waits for a person */                                                      \
    X(queued)    /* SMEV 3 has it; the portal's answer is awaited */                                                   \
    X(stale)     /* SMEV 3 takes it no more under its id */                                                            \
    X(pending)   /* it will answer later */                                                                            \
    X(failed)    /* something answered, and it was no answer of the portal's */                                        \
    X(uncertain) /* no answer, and it may have arrived */                                                              \
    X(unsent)    /* nothing has left */                                                                                \
    X(unmade)    /* nothing could be signed */
enum push_outcome {
#define X(name) PUSH_OUTCOME_##name,
    PUSH_OUTCOMES(X)
#undef X
        PUSH_OUTCOME_COUNT
};

/* What came out of queues of answers: the outcomes of api.outbox_answer, and what it says of those without effect, or
 * about answers of ours. */
#define PUSH_SAIDS(X)                                                                                                  \
    X(answered) X(stopped) X(afresh) X(in_work) X(unclear) X(unknown) X(other) X(late) X(parked) X(noted)
enum push_said_kind {
#define X(name) PUSH_SAID_##name,
    PUSH_SAIDS(X)
#undef X
        PUSH_SAID_COUNT
};

struct push_row;

/* Rows that wait, first come first. */
struct push_line {
    struct push_row *first, **end;
    unsigned n;
};

/* By which NodeID changes have left whose answer may still come. */
struct push_node {
    char id[PUSH_NODE_SIZE]; /* "": they have none */
    int64_t changes;
};

/* An agency. It stays when its [push] goes, for what is on its way. */
struct push_lane {
    struct push_lane *next;
    const char *agency;
    unsigned nrows;            /* in work */
    unsigned nlocked;          /* of them whose row somebody holds: nobody waits for those */
    unsigned nturns;           /* of them kept or about to be, and with the portal */
    struct push_line for_turn; /* made, and waiting for their turn with it */
    unsigned nheard, pace;     /* answers in this second, and in the one before */
    uint64_t second_us;        /* when this second ends */
    uint64_t take_us;          /* when to ask for more */
    unsigned failed;           /* in a row, without a word of the portal's between */
    unsigned ill;              /* failures of the portal's own over SMEV 3, without a yes or no of its between */
    uint64_t closed_us;        /* until then nothing is tried; then one row; 0: open */
    int64_t since_s;           /* closed since */
    uint64_t clock_us;         /* when SMEV last called a new id of its stale; 0: it has taken one since */
    enum push_who who;         /* whose the last failure was */
    char reason[200];          /* of it; nothing of the peer's text */
    char ill_reason[200];      /* of the portal's last failure; likewise */
    uint64_t outcomes[PUSH_OUTCOME_COUNT];
    uint64_t saids[PUSH_SAID_COUNT];
    int64_t success_s; /* last yes or no of the portal's, since 1970; 0: none yet */
    int64_t waiting, sending, sent, stopped, held, oldest_s; /* as the database said last */
    struct push_node nodes[PUSH_NODES];                      /* likewise; beyond: when some of them are over */
    unsigned nnodes;
};

/* An Ack that came to nothing and is to be said once more. */
struct push_unacked {
    char id[UUID_TEXT_SIZE]; /* "": free */
    uint64_t due_us;
    unsigned tries;
};

/* A queue of SMEV 3, by its name and agency: calls go to its endpoints, and some are asked for answers. */
struct push_source {
    struct push_source *next;
    const char *name, *agency;
    struct adapter_peer peer;
    struct adapter_pace pace;
    struct adapter_pace strays;     /* of questions by a NodeID that its section has not */
    unsigned nstrays, stray_turn;   /* of npolls; whose turn it is */
    char stray_fault[64];           /* why nothing is given by one; "": all is well */
    unsigned npolls, nsaids, nacks; /* questions for answers; what is to be written down; acknowledgements */
    bool is_asked_status;           /* GetStatus is under way */
    uint64_t status_due_us;
    bool is_asked;               /* for answers, now */
    struct adapter_pace slow;    /* of questions for SMEV's word about answers of ours */
    uint64_t slow_us;            /* when it is asked so next */
    unsigned nslow, slow_silent; /* such questions under way; in a row that heard nothing */
    char slow_fault[64];         /* why these give nothing; "": all is well */
    uint64_t slow_fault_us;      /* since when */
    char fault[64];              /* why nothing is given; "": all is well */
    char detail[200];            /* of it, for the log and /readyz; "": none */
    int64_t fault_since_s, good_s;
    uint64_t untrusted_us; /* when somebody strange has signed last; 0: SMEV has since */
    char untrusted[64];    /* by which fault */
    bool is_trust_told;    /* that what came is SMEV's, to the database */
    struct adapter_day refused, unheard;
    char status_fault[64];                     /* why no errors of notifications are given; "": all is well */
    bool is_status_told;                       /* the database knows that, and not what a process of before was told */
    char untaken[64];                          /* by what SMEV refuses our Ack; "": it takes them */
    uint64_t untaken_us;                       /* when it did last */
    struct push_unacked unacked[PUSH_UNACKED]; /* beyond: SMEV brings the answer again */
    uint64_t polls[ADAPTER_RESULTS], acks, acks_failed;
};

enum push_write {
    PUSH_WRITE_ANSWER,
    PUSH_WRITE_REFUSED, /* it is not SMEV's, or nobody can read it */
    PUSH_WRITE_ACK,
    PUSH_WRITE_UNHEARD, /* a question that left, and whose answer was lost */
    PUSH_WRITE_TAKEN,   /* nothing was given; that SMEV does not refuse to is news */
};

/* A question or an acknowledgement, in the arena of its call. */
struct push_poll {
    struct push *push;
    struct push_source *source;
    struct adapter_call *call;
    struct push_poll *next_waiting; /* for the database */
    struct push_said said;
    uint64_t heard_us, due_us;
    struct adapter_pace *pace; /* of its queue, or of its strays */
    enum push_write write;     /* what is written down */
    bool is_whole;             /* of REFUSED: it is kept, octet by octet */
    bool is_taken;             /* that SMEV does not refuse it is to be told */
    bool is_alone;             /* as of a row */
    unsigned at;               /* its first statement in a batch */
};

enum push_step { PUSH_MAKE, PUSH_WAIT, PUSH_KEEP, PUSH_POST, PUSH_READ, PUSH_TELL };

struct push_row {
    struct push *push;
    struct push_lane *lane;
    struct push_row *next, **link; /* of all */
    struct push_row *next_waiting; /* for a worker, or for the database */
    struct arena *arena;
    struct keyring *keys;
    struct push_way way;
    struct booking_update update;
    struct push_message message;
    struct push_answer answer;
    struct client_call *call;
    enum push_step step;
    uint64_t lease_us; /* ends */
    uint64_t due_us;   /* somebody holds it: when it is looked at again */
    bool was_locked;
    bool has_turn; /* with the portal, or about to */
    bool is_alone; /* what was written with it failed: it is written by itself */
    int http_status;
    const char *peer; /* where it went; NULL: nowhere yet */
    const char *content_type;
    struct span body;
    struct error error;
    enum push_outcome kind;
    enum push_who who;            /* is to be looked at for that */
    const char *outcome, *reason; /* for api.outbox_result */
    uint64_t again_ms;
    bool has_again;
};

struct push {
    struct arena *arena;
    struct loop *loop;
    struct db_pool *db;
    struct client *client;
    struct service *service;
    int64_t age_max_s;
    char owner[100];
    struct timer *tick;
    struct push_lane *lanes;
    struct push_row *rows;
    struct push_line for_worker, for_database, for_holder; /* the last: whose rows somebody holds */
    struct push_source *sources;
    struct adapter *adapter;              /* questions and acknowledgements */
    struct push_poll *saids, **last_said; /* to be written down */
    struct push_poll *said_batch[PUSH_SAID_BATCH];
    unsigned nsaid_batch;
    bool is_saids_turn;
    unsigned nworking, nrows;
    /* the one session */
    struct db_session *session;
    bool is_asking;           /* for a session, or with it */
    uint64_t begun_us, given; /* when it was given, and how many sessions had been by then */
    uint64_t rest_us;         /* requests have their turn until then */
    struct timer *rest;
    struct push_row *batch[PUSH_BATCH];
    struct push_lane *taking[PUSH_LANES];
    struct keyring *taking_keys;
    unsigned nbatch, ntaking;
    unsigned wanted[PUSH_LANES];
    bool is_taking_smev3[PUSH_LANES];
    unsigned first_taker; /* of [push] sections, whose turn is first */
    uint64_t take_lease_ms, asked_us;
    const struct keyring *seen_keys; /* for comparing alone */
    uint64_t retry_us;               /* the database is not asked before */
    uint64_t state_us, stated_us;    /* the next look at the whole, and the last */
    unsigned failed;                 /* of the database, in a row */
    struct db_locked locked;         /* rows or tables of the outbox */
    bool is_draining, is_stopped;
    loop_fn drained;
    void *drained_arg;
    void (*on_heard)(void *arg, const char *section); /* SMEV gives answers again; NULL: nobody wants to know */
    void *heard_arg;
};

void push_go(struct push *p);         /* whatever is due */
uint64_t push_pause_ms(unsigned nth); /* from 1 s to 5 min, with jitter */

struct push_lane *push_lane(struct push *p, const char *agency);
unsigned push_lane_wants(struct push_lane *l, const struct config_push *conf, uint64_t now_us);
bool push_lane_has_turn(const struct push_lane *l, const struct config_push *conf);
void push_lane_answered(struct push_lane *l); /* by whomever: a turn is over */
void push_lane_afresh(struct push_lane *l);   /* the configuration is a new one: tried at once */
void push_lane_took(struct push_lane *l, unsigned wanted, unsigned got);
void push_lane_heard(struct push_lane *l);                                         /* a word of the portal's */
void push_lane_failed(struct push_lane *l, enum push_who who, const char *reason); /* none, for whose sake */
void push_lane_ill(struct push_lane *l, const char *reason); /* SMEV 3 brought a failure of the portal's own */
bool push_lane_is_ill(const struct push_lane *l);            /* so many that the lane is closed for them */
enum push_who push_lane_who(const struct push_lane *l);      /* who keeps a closed lane closed */
void push_lane_queued(struct push_lane *l);                  /* SMEV 3 answers; of the portal it says nothing */
void push_lane_well(struct push_lane *l);                    /* SMEV 3 brought a yes or no of the portal's */

void push_line_init(struct push_line *line);
void push_line_add(struct push_line *line, struct push_row *r);
struct push_row *push_line_take(struct push_line *line);

/* A row that was taken; read false: it cannot be read, error says why. */
void push_row_begin(struct push *p, struct push_lane *l, struct keyring *keys, const struct db_result *res,
                    unsigned row, uint64_t lease_us);
void push_row_kept(struct push_row *r, bool is_ours);
void push_row_locked(struct push_row *r); /* somebody holds it: it is kept, or told, while its lease lasts */
void push_rows_locked_go(struct push *p);
void push_row_told(struct push_row *r, bool is_ours);
void push_row_end(struct push_row *r);       /* frees it; it is in no line */
void push_row_give_back(struct push_row *r); /* nothing of it has left */
void push_row_wait(struct push_row *r);      /* for its turn */
void push_row_leave_turn(struct push_row *r);
bool push_row_fits_lease(const struct push_row *r); /* a call that begins now */
void push_lanes_go(struct push *p);                 /* whoever has his turn */
void push_rows_give_back(struct push *p);           /* of those that have not left */

bool push_state_is_due(const struct push *p);
void push_state_send(struct push *p); /* with the session: the question */
void push_store_ask(struct push *p);  /* for the session, when something is due */
void push_store_good(struct push *p);
void push_store_failed(struct push *p, const char *what, enum err err, const struct error *e);

void push_locked_tell(struct push *p, const char *what, enum err err, const struct error *e); /* of any failure */
void push_locked_metrics(const struct push *p, struct buf *out);

/* NULL: the configuration has no such queue. */
const struct config_smev3 *push_queue_conf(const struct keyring *k, const char *name);
struct push_source *push_source(struct push *p, const struct config_smev3 *conf);
void push_source_set_fault(struct push_source *s, const char *fault,
                           const char *detail); /* fault NULL: SMEV answers as it should */
void push_sources_go(struct push *p);           /* asks whoever is due */
void push_sources_afresh(struct push *p);
void push_source_ask_status(struct push_source *s, uint64_t in_us); /* GetStatus, then at the latest */
/* GetResponse or GetStatus */
void push_poll_begin(struct push *p, struct push_source *s, const struct config_smev3 *conf, enum smev3_op op);
/* GetResponse by a NodeID that is not the section's ("": by none) */
void push_poll_begin_stray(struct push *p, struct push_source *s, const struct config_smev3 *conf, const char *node_id);
/* Which queue of the agency asks for strays: that of its [push], or the first; NULL: none is left. */
const struct config_smev3 *push_stray_queue(const struct keyring *keys, const char *agency);
/* No section of the agency has this NodeID. */
bool push_is_stray(const struct keyring *keys, const char *agency, const struct push_node *node);
/* GetResponse by no NodeID, for SMEV's word about answers of ours, at its own pace */
void push_poll_begin_slow(struct push *p, struct push_source *s, const struct config_smev3 *conf);
const char *push_source_slow_fault(const struct push_source *s); /* that has lasted; "": none */
void push_source_slow_heard(struct push_source *s, const struct adapter_call *c, enum adapter_result result);
struct push_poll *push_poll_new(struct push *p, struct push_source *s, const struct config_smev3 *conf,
                                enum smev3_op op, adapter_fn done);
void push_poll_end(struct push_poll *q); /* frees it */

void push_ack_begin(struct push *p, struct push_source *s, const struct config_smev3 *conf, const char *ack_id);
void push_acks_again(struct push *p, struct push_source *s, const struct config_smev3 *conf); /* those that are due */

void push_said_add(struct push_poll *q); /* to be written down; then, being an answer, it is acknowledged */
/* What is to be said of it, at most PUSH_SAID_CALLS; the outcome of an answer is what the first returns. */
unsigned push_said_write(struct arena *a, const struct push_poll *q, struct db_call calls[PUSH_SAID_CALLS]);

/* A statement's parameters, until it is sent; octets are not copied. */
#define PUSH_PARAMS_MAX 15
struct push_statement {
    const char *values[PUSH_PARAMS_MAX];
    int lengths[PUSH_PARAMS_MAX];
    unsigned char is_binary[PUSH_PARAMS_MAX], is_kept[PUSH_PARAMS_MAX];
};
void push_statement_set_octets(struct push_statement *s, unsigned i, struct span octets);
struct db_call push_statement_call(const struct push_statement *s, const char *sql, unsigned n);
bool push_said_is_noted(const struct push_poll *q); /* among what people must know of that cannot be read */
bool push_saids_wait(const struct push *p);
void push_saids_send(struct push *p); /* with the session */

void push_tell_said(const struct push_poll *q, enum push_said_kind kind);
void push_tell_source(const struct push_source *s);
/* The queue does what it should by this operation, or a fault ("": it does) is what is the matter. */
void push_tell_operation(const struct push_source *s, const char *operation, const char *fault);
bool push_source_is_untaken(const struct push_source *s); /* SMEV refuses our Ack, by what was seen of late */
void push_tell_failed(const struct push_row *r);
void push_tell_clock(struct push_row *r); /* a new id of ours is stale to SMEV */
void push_tell_recovered(const struct push_lane *l, enum push_who who);
