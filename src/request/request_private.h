/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the files of this folder share: the request, its group, the service.
 *
 * A request is owned by its list of steps: by the loop thread, or by the one worker that runs its present step, never
 * by both. It outlives its connection: when the client goes away it runs to its end and only the answer is dropped.
 */
#pragma once

#include "clock.h"
#include "keyring.h"
#include "metrics.h"
#include "origin.h"
#include "reading.h"
#include "request.h"
#include "slow_lane.h"
#include "soap.h"

/* One list for the steps, where they run, and their names. A step goes on, waits, or fails. */
/* clang-format off */
#define REQUEST_STEPS(X) \
    X(prescan,  WORKER) /* bytes within limits, before libxml2 sees them */ \
    X(parse,    WORKER) /* bytes to a document */ \
    X(verify,   WORKER) /* signatures good, signer known; only the octets they cover go on */ \
    X(unwrap,   WORKER) /* SMEV frame off: who to whom, and the bare element */ \
    X(normalize,WORKER) /* the order's spellings; of a lenient caller: the bare element as the schema wants it */ \
    X(validate, WORKER) /* the bare element against the schema; every violation is a field error */ \
    X(bind,     WORKER) /* its canonical octets to a request */ \
    X(check,    WORKER) /* the rules that need no database */ \
    X(handle,   LOOP)   /* begin; api.<operation>(...)                                    [waits] */ \
    X(rows,     WORKER) /* of a read: what the database gave, to an answer */ \
    X(reply,    WORKER) /* rows to the answer's content; after a failure: the fault */ \
    X(sign,     WORKER) /* the envelope around it, signed */ \
    X(commit,   LOOP)   /* a write: the answer into the journal, commit                   [waits] */ \
    X(journal,  LOOP)   /* all else: request and answer into the journal, before it leaves [waits] */ \
    X(send,     LOOP)   /* the answer to the connection, one line to the log */
/* clang-format on */

enum request_step {
#define X(name, where) STEP_##name,
    REQUEST_STEPS(X)
#undef X
        STEP_COUNT
};

/* What a step says, and where the walk goes on. */
enum step_result {
    STEP_NEXT,     /* done: the next one */
    STEP_WAIT,     /* nowhere, until request_resume() is called */
    STEP_RECALL,   /* only the answer of the first time may be given: handle */
    STEP_ANSWERED, /* what to answer is known: reply */
    STEP_FAIL,     /* error says why: reply, which writes the fault */
};

#define GROUP_MAX       32
#define HANDLE_ATTEMPTS 4

struct group;
struct journal_batch;

/*
 * Whatever lives for a while and has an arena of its own (a request, a group, a batch of the journal) is in the
 * service's list, so that at the end what still waits for a worker or for the database is freed with the service. What
 * else is to be done then is a cleanup of that arena.
 */
struct live {
    struct live *next, **link;
    struct arena *arena;
};
struct service;
void live_begin(struct service *s, struct live *l, struct arena *a);
void live_leave(struct live *l);                       /* its arena is somebody else's care from now on */
void live_end(struct live *l);                         /* frees the arena, and l with it */
void live_end_away(struct service *s, struct live *l); /* the same, of much, by a worker */

struct request {
    struct arena *arena;
    struct live live;
    struct service *service;
    const struct source *source; /* where it came from; its origin is how it goes back */
    struct exchange *exchange;   /* of carrier_http; NULL: the answer has left */
    struct queued *queued;       /* of carrier_queue */
    struct keyring *keys;        /* those of its beginning, whatever a reload brings meanwhile */
    char id[UUID_TEXT_SIZE];     /* req= in the log, the reference number in a fault */
    uint64_t started_us;
    uint64_t deadline_us; /* its answer must have left by then */
    enum request_step step;
    struct error error; /* of the step that failed last */
    enum err failed;    /* what the answer tells of; ERR_OK: no step has failed */

    /* as it came */
    struct span body;
    const char *soap_action; /* NULL: the header was absent, or there is none on this wire */
    const char *peer;

    /* parse, verify, unwrap, normalize. Documents live as long as one worker has the request in hand. */
    struct xml_doc *doc;
    struct xml_node *soap_body; /* of doc: the Body, or the root when the verified octets were parsed anew */
    bool is_body_reached;       /* whatever fails from here on is of the Body, not of the envelope or its header */
    struct wsse_result wsse;
    const struct keyring_sender *sender; /* who signed; NULL: nobody, or not known yet */
    struct smev_frame frame;
    bool is_ping;                        /* it only asks whether we are there */
    const struct keyring_agency *agency; /* whose key signs the answer; NULL: not known, or nobody signs */
    bool is_recall;       /* that agency cannot sign now: only an answer that was signed before can be given again */
    struct xml_doc *bare; /* the method's element, without anything around it */
    const struct config_reading *reading; /* the sender's or the plain listener's; NULL before unwrap */
    struct normalized normalized;         /* what a lenient reading has put right */

    /* bind, check, handle, rows */
    const struct booking_op *op; /* NULL: the method is not known */
    struct booking_request request;
    struct booking_message message;
    struct field_errors fields; /* bad ones, before the database is asked */
    bool is_refused;            /* they tell of what nothing is done for, whatever the rest says */
    struct booking_outcome outcome;
    struct booking_reply reply;

    /* reply, sign, send */
    struct buf content;         /* of the answer, canonical XML */
    struct buf answer;          /* the envelope around it */
    struct arena *answer_arena; /* a large answer lies here, and leaves with it; NULL: in arena */
    struct span answer_octets;  /* what leaves: answer, or the stored bytes of the first time */
    int http_status;            /* what it left with; 0: it left by another carrier */

    /* while it waits: in one queue at most */
    struct request *next;
    uint64_t queued_us;     /* since when a write waits for a transaction */
    uint64_t kept_since_us; /* since when locks have kept it; 0: none has */

    /* a read (reads.c) */
    struct db_session *session; /* while it has one */
    struct db_result *rows;     /* taken from that; NULL: none came */
    bool is_let_in;             /* by the gate: it has a session, or has asked for one */
    size_t ticket_bytes;        /* its part of the memory all reads may take together */
    size_t held_bytes;          /* that it will take, while its rows wait for it */

    /* a write (group.c) */
    struct group *group; /* the transaction it is in, perhaps with others; NULL: in none */
    unsigned attempts;   /* how many failed in which it was alone */
    bool is_alone;       /* one it shared has failed: it shares no other */
    bool is_uncertain;   /* a COMMIT was sent and never answered */

    /* either, when it meets a lock (slow_lane.c) */
    uint64_t patience_ms;   /* how long its present try may wait for a lock */
    struct lane_key *trial; /* it tries for all who wait for this; NULL: it does not */
    bool is_slow;           /* with one of the few sessions that are for such tries */
    bool has_met_lock;      /* itself; it was not only kept because others had */
    bool is_odd;            /* somebody else got through where it met a lock: it waits by itself the next time */

    /* its row in the journal (journal.c) */
    uint64_t journal_until_us;     /* an answer that is not written by then is not sent */
    const char *journal_status;    /* how it ended */
    bool is_journalled;            /* the row is committed: the answer may leave */
    bool is_journal_alone;         /* the database refused a batch it was in: the next time it goes by itself */
    bool is_unwritten;             /* it says "come again" and leaves before its row: that could not be written */
    unsigned char body_digest[32]; /* SHA-256 of a body that is not journalled as it came */
};

struct request_queue {
    struct request *head, **tail;
    unsigned n;
};
void queue_init(struct request_queue *q);
void queue_push(struct request_queue *q, struct request *r);
void queue_push_front(struct request_queue *q, struct request *r);
struct request *queue_pop(struct request_queue *q); /* NULL when empty */

/* What a request wants and somebody else has locked. It is here as long as somebody waits for it or tries
 * (slow_lane_keys.c). */
struct lane_key {
    struct arena *arena;
    struct lane_key *next, **link; /* in the order of turns */
    struct lane_key *chain;        /* the next one in its bucket */
    const char *name;
    struct request_queue kept;  /* who may try, in the order of coming; empty only when `tired` is */
    struct request_queue tired; /* who has tried already and lets those of `kept` try first, likewise */
    struct request *tried;      /* who tries, for all of them; NULL: nobody does */
    uint64_t since_us;          /* when it was first found locked */
    uint64_t rest_until_us;     /* nobody tries before */
};

/* Answers that wait to be journalled before they leave; see journal.c. */
struct journal {
    struct request_queue waiting;
    struct journal_batch *batches; /* in flight */
    unsigned asked;                /* sessions asked for, not yet given */
    unsigned in_flight;
    bool is_paused;    /* the last try failed: no other before the next tick */
    bool is_failing;   /* and the log was told */
    uint64_t since_us; /* when a row was last written, or the first of those that wait came */
    bool is_wait_told; /* the log was told that rows wait for long */
};

/* Reads before and after their statement; see reads.c. */
struct reads {
    struct request_queue small;   /* at the gate, of those whose answers are short: until fewer are in work */
    struct request_queue waiting; /* at the gate, the others: for memory, too */
    struct request_queue held;    /* rows have come: for memory for the answer; they have no ticket */
    bool is_small_next;           /* whose turn it is at the gate */
    size_t taken_bytes;           /* tickets of those that were let in */
    size_t estimate_bytes[BOOKING_METHOD_COUNT];
    unsigned begun; /* let in: have a session, or have asked for one */
};

struct refused; /* see refused.c */

struct service {
    struct arena *arena;
    struct live *live;
    bool is_stopped; /* no request takes another step */
    struct loop *loop;
    struct db_pool *db;
    const struct config *conf;
    struct keyring *keys;
    struct xml_schema *schema;
    struct wsdl *wsdl;
    struct xml_limits xml_limits;
    struct metrics metrics;
    struct leniency_counter *leniencies;
    unsigned in_work, queued_in_work; /* all; those of queues */

    struct slow_lane lane; /* those who met a lock */
    struct reads reads;
    struct request_queue writes; /* those that wait for a transaction */
    unsigned sessions_asked;     /* for these, and not yet given */
    unsigned groups_in_flight;   /* transactions under way, each with a session */
    struct journal journal;
    struct refused *refused;
    struct repeats *repeats;
    struct timer *journal_timer;

    loop_fn drained; /* not NULL: no new requests are taken */
    void *drained_arg;
};

/* Does it need a transaction? A write does, but for one whose first answer is only to be looked up again. */
static inline bool request_writes(const struct request *r)
{
    return r->op->is_write && !r->is_recall;
}

/* Nobody waits for it: its answer is kept, and committed before it is sent. */
static inline bool request_is_queued(const struct request *r)
{
    return r->source->origin->carrier->is_queue;
}

/* Its sender is known by a good signature; message.digest is of what he signed. */
static inline bool request_has_signer(const struct request *r)
{
    return r->sender != NULL;
}

/* request.c. For a carrier: a request is made, gets what is the carrier's, and begins. body must be valid until send().
 */
struct request *request_new(struct service *s, const struct source *source, struct span body, const char *peer);
void request_begin(struct request *r);
/* What a worker brings home after service_stop() stays where it is. */
void request_resume(struct request *r, enum step_result result); /* from the loop, when a waiting step is done */
void request_free(struct request *r);
/* Whoever waits for the database ends then, so that the answer can be made and sent before the deadline. */
uint64_t request_until_us(const struct request *r);
uint64_t request_commit_until_us(const struct request *r); /* the same for a COMMIT that was sent in time */
/* ERR_TIMEOUT when that is past, ERR_GONE when the client has hung up; asked before each wait, try and COMMIT. */
enum err request_is_over(const struct request *r, struct error *e);
void request_give_up(struct request *r, enum err err, const struct error *e); /* of one that waits in `handle` */
void request_start_again(struct request *r);                                  /* likewise: its turn comes next */
/* Gives up those of q who are over, and those in it since before queued_since_us. */
void requests_sweep(struct request_queue *q, uint64_t queued_since_us);
const char *request_method(const struct request *r); /* for logs and metrics: a name of the order, or "-" */

bool request_is_fault(const struct request *r);  /* answer.c: its answer is a SOAP fault, or a rejection */
bool request_is_silent(const struct request *r); /* request.c: it failed, and that is told to nobody who sent it */

/* decode.c, validate.c, handle.c, answer.c: the steps */
#define X(name, where) enum step_result step_##name(struct request *r);
REQUEST_STEPS(X)
#undef X

/* handle.c: ERR_AGENCY, said */
enum err request_cannot_sign(struct request *r);

/* repeats.c: what one signed message may add to the journal by being sent again */
struct repeats;
struct repeats *repeats_new(struct arena *a, const struct config *conf);
/* It had an answer in the journal that did not come of an effect: so many bytes more. */
void repeats_charge(struct repeats *p, const unsigned char digest[32], size_t bytes, uint64_t now_us);
bool request_is_repeated_too_often(const struct request *r);
/* What stands around the signed octets is out of all proportion to them: no toolkit makes such a message. */
bool request_is_padded(const struct request *r);

/* reads.c: as many reads at once as there is memory for */
void reads_init(struct reads *q);
void reads_enqueue(struct request *r);
void reads_enqueue_first(struct request *r);
void read_try(struct request *r, struct db_session *session, uint64_t patience_ms); /* takes the session over */
void reads_start(struct service *s);                                                /* those that may start */
void reads_weigh(struct request *r);                                                /* what it really takes */
void reads_give_back(struct request *r);                                            /* it is about to be freed */

/* group.c: transactions of writes */
void group_enqueue(struct request *r); /* resumed when api.<operation> has answered */
void group_enqueue_first(struct request *r);
void group_try(struct request *r, struct db_session *session, uint64_t patience_ms); /* alone; takes the session over */
void group_member_ready(struct request *r); /* its answer is signed, or could not be; resumed when all is committed */

/* carrier_queue.c: what a request of a queue has beside */
struct queued {
    struct queue_message message;
    struct smev3_request read;      /* of its octets, by `verify` */
    char answer_id[UUID_TEXT_SIZE]; /* MessageID of the answer, made once; "": not yet */
    queue_done_fn done;             /* NULL: it has been told */
    void *arg;
};

/* keep.c: the answer to a message of a queue, committed with its effect */
struct db_call keep_call(const struct request *r); /* api.inbox_answered */
bool keep_is_ours(const struct db_result *res);    /* its answer; false: another taking has the message now */
void keep_lost(struct request *r);                 /* then: it has failed, and nothing of it may stand */
enum step_result keep_journal(struct request *r);  /* step_journal() of what had no transaction of its own */

/* journal.c: answers that need no transaction of their own; step_journal() is there */
void journal_init(struct journal *j);
void journal_tick(struct service *s);
unsigned journal_waiting(const struct service *s);
/* journal_entry.c: one row */
void journal_digest(struct request *r);                 /* on a worker, when the answer is made */
const char *request_recipient(const struct request *r); /* code of the agency it is for; "": of any */
void journal_describe(struct request *r); /* fills message and journal_status, however far the request came */
/* journal_watch.c: what is told of rows that wait */
void journal_watch(struct service *s);
void journal_notes_write(const struct service *s, struct buf *notes_json);
void journal_metrics_write(const struct service *s, struct buf *out);

/* refused.c: the journal apart, of what nobody vouches for. It keeps what it can and delays nobody. */
struct refused *refused_new(struct arena *a, const struct config *conf);
bool request_is_unverified(const struct request *r);
void refused_add(const struct request *r); /* copies what it needs */
void refused_tick(struct service *s);
bool refused_is_idle(const struct refused *j);
void refused_fini(struct service *s);
void refused_metrics_write(const struct refused *j, struct buf *out);

/* service.c: is the operation one that may be called there, and that is told of? */
bool source_serves(const struct source *source, const struct booking_op *op);

/* wsdl.c: GET ?wsdl and ?xsd=NAME; the files are read once, for a disk may hang. One that cannot be is not served. */
struct wsdl *wsdl_read(struct arena *a, const struct config *conf);
enum wsdl_found {
    WSDL_FOUND,
    WSDL_UNKNOWN, /* no query this listener answers */
    WSDL_UNREAD,  /* the file could not be read at the start */
};
/* What the query gets, for callers who reach the listener at url. out is written to when it is found. */
enum wsdl_found wsdl_write(const struct endpoint *ep, const char *query, const char *url, struct buf *out);
/* wsdl_http.c */
void wsdl_on_get(const struct endpoint *ep, const struct http_request *http);
