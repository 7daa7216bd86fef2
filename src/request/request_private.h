/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the files of this folder share: the request, its group, the service.
 *
 * A request is owned by its list of steps: by the loop thread, or by the one worker that runs its present step, never
 * by both. It outlives its connection: when the client goes away it runs to its end and only the answer is dropped.
 */
#pragma once

#include "clock.h"
#include "metrics.h"
#include "origin.h"
#include "reading.h"
#include "request.h"
#include "slow_lane.h"
#include "soap.h"

#include <stdatomic.h>

/* One list for the steps, where they run, and their names. A step goes on, waits, or fails. */
/* clang-format off */
#define REQUEST_STEPS(X) \
    X(prescan,  WORKER) /* bytes within limits, before libxml2 sees them */ \
    X(parse,    WORKER) /* bytes to a document */ \
    X(verify,   WORKER) /* signatures good, signer known; only the octets they cover go on */ \
    X(unwrap,   WORKER) /* SMEV frame off: who to whom, and the bare element */ \
    X(normalize,WORKER) /* of a lenient caller: the bare element as the schema wants it */ \
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

/* Goes on, waits, asks for the answer of the first time (goes on at handle), has the answer already (goes on at reply),
 * or fails (likewise). */
enum step_result { STEP_NEXT, STEP_WAIT, STEP_RECALL, STEP_ANSWERED, STEP_FAIL };

#define GROUP_MAX       32
#define HANDLE_ATTEMPTS 4

struct keyring_agency {
    const char *code, *name;
    const char *cert_file, *at; /* for messages */
    struct key *key;            /* NULL: could not be loaded */
    const char *trouble;        /* of the files; NULL: none */
    /* It signs no more though its dates are good (revoked, not for signatures): set by the last keyring_judge(). */
    atomic_bool is_refused;
};
struct keyring_cert {
    const char *file, *at;
    struct cert *cert;   /* NULL: could not be loaded, or stands for somebody else */
    const char *trouble; /* NULL: none */
};
struct keyring_sender {
    const char *code, *name;
    bool is_smev;
    enum test_message_rule test_message;
    struct config_reading reading;
    struct keyring_cert *certs;
    unsigned ncerts;
};
struct keyring {
    unsigned refs;     /* loop thread only */
    struct loop *loop; /* not NULL: in use there; freed away from it, for lists of 20 MB take long */
    struct arena *arena;
    struct trust *trust; /* NULL when no listener needs it */
    const char *anchors_at, *chain_at, *crl_at;
    bool allow_gost2001;
    struct keyring_agency *agencies;
    unsigned nagencies;
    struct keyring_sender *senders;
    unsigned nsenders;
    struct cert_set *known; /* of all senders */
};
const struct keyring_agency *keyring_agency_find(const struct keyring *k, const char *code);
/* Whether an answer signed in its name now would be worth anything. Thread-safe. */
bool keyring_agency_signs(const struct keyring_agency *agency, int64_t now_s);
/* NULL: c is believed, and in date; otherwise why not, in words of a and as a reason. */
const char *keyring_objection(const struct keyring *k, const struct cert *c, int64_t now_s, struct arena *a,
                              enum trust_reason *reason);
bool keyring_is_refusal(enum trust_reason reason); /* an agency with such a certificate does not sign */
/* Where the new key of an agency cannot sign now and that of previous can, by what next believes, it is kept. */
void keyring_keep_keys(struct keyring *next, const struct keyring *previous, int64_t now_s);
#define KEYRING_KEPT "; what was loaded before stays"
const struct keyring_sender *keyring_sender_of(const struct keyring *k, const struct cert *signer);
void keyring_metrics_write(const struct keyring *k, struct buf *out);

struct group;
struct journal_batch;

/*
 * What goes on for a while, the request itself too, lies in an arena of its own and is known here: at the end, what
 * still waits for a worker or for the database is freed with the service. Cleanups of the arena do what else there is.
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
    const struct endpoint *endpoint;
    const struct origin *origin; /* where it came from, and goes back to */
    struct exchange *exchange;   /* of carrier_http; NULL: the answer has left */
    struct keyring *keys;
    char id[UUID_TEXT_SIZE]; /* req= in the log, the reference number in a fault */
    uint64_t started_us;
    uint64_t deadline_us; /* its answer must have left by then */
    enum request_step step;
    struct error error;
    enum err failed; /* why the steps were left, ERR_OK: they were not */

    struct span body;        /* as it came */
    const char *soap_action; /* NULL: the header was absent, or there is none on this wire */
    const char *peer;

    /* parse, verify, unwrap */
    struct xml_doc *doc;
    struct xml_node *soap_body; /* of doc, or of the verified octets parsed anew */
    struct wsse_result wsse;
    const struct keyring_sender *sender;
    struct smev_frame frame;
    bool is_ping;                        /* only asks whether we are there */
    const struct keyring_agency *agency; /* whose key signs the answer; may be NULL on a plain listener */
    bool is_recall;                      /* which cannot sign now: only an answer of before can be given, once more */
    struct xml_doc *bare;
    const struct config_reading *reading; /* the sender's or the plain listener's; NULL before unwrap */
    struct normalized normalized;         /* by a lenient reading */

    /* bind, check, handle, reply, sign */
    const struct booking_op *op;
    struct booking_request request;
    struct booking_message message;
    struct field_errors fields;
    struct booking_outcome outcome;
    struct booking_reply reply;
    struct buf content;
    struct buf answer;
    struct arena *answer_arena; /* of a large one: has answer, and goes to the connection with it */
    struct span answer_octets;  /* what leaves: answer, or the stored bytes of the first time */
    int http_status;            /* it left with; 0: by another carrier */

    struct db_session *session; /* of a read, while it has one */
    struct db_result *rows;     /* of a read: taken from its session; NULL: none came */
    struct group *group;        /* of a write: the transaction it shares, while it is in one */
    unsigned attempts;          /* transactions of its own that failed */
    bool is_alone;              /* shares no transaction: one it shared has failed */
    bool is_uncertain;          /* a COMMIT was sent and never answered */
    uint64_t queued_us;         /* since when it waits for a transaction */
    uint64_t kept_since_us;     /* since when locks have kept it; 0: none has */
    uint64_t patience_ms;       /* of its present try */
    struct lane_key *trial;     /* it tries for all who wait for the same */
    bool is_slow;               /* and has one of the few sessions for that */
    bool has_met_lock;          /* by itself, not by what is known of others */
    bool is_odd;                /* where it met one, somebody else got through: it waits by itself the next time */
    struct request *next;       /* in the one queue it waits in */

    bool is_let_in;             /* a read that has a session, or has asked for one, by way of the gate */
    size_t ticket_bytes;        /* of a read: what it takes of the memory reads may take together */
    uint64_t journal_until_us;  /* what is not journalled then is not sent */
    const char *journal_status; /* how it ended, for the journal */
    bool is_journalled;         /* the answer is in the journal: it may leave */
    bool is_journal_alone;      /* the database refused a batch it was in: next time by itself */
    bool is_unwritten;          /* leaves before its row: it says "come again" and the journal could not be written */
    unsigned char body_digest[32]; /* SHA-256, of what may not go to the journal as it came */
};

struct request_queue {
    struct request *head, **tail;
    unsigned n;
};
void queue_init(struct request_queue *q);
void queue_push(struct request_queue *q, struct request *r);
void queue_push_front(struct request_queue *q, struct request *r);
struct request *queue_pop(struct request_queue *q); /* NULL when empty */

/* What somebody wants and could not have for a lock; it lives as long as somebody waits for it or tries. */
struct lane_key {
    struct arena *arena;
    struct lane_key *next, **link; /* in the order of turns */
    struct lane_key *chain;        /* in its bucket */
    const char *name;
    struct request_queue kept;  /* in the order of coming; empty only when `tired` is */
    struct request_queue tired; /* likewise, those who have tried since the others came: it is not their turn */
    struct request *tried;      /* has or waits for a session; nobody else of this key has */
    uint64_t since_us;          /* found locked */
    uint64_t rest_until_us;     /* not tried before */
};

/* Answers that wait to be journalled before they leave; see journal.c. */
struct journal {
    struct request_queue waiting;
    struct journal_batch *batches; /* in flight */
    unsigned asked;                /* sessions asked for, not yet given */
    unsigned in_flight;
    bool is_paused;    /* until the next tick: the last try failed */
    bool is_failing;   /* it has been said */
    uint64_t since_us; /* rows wait, and none was written */
    bool is_wait_told; /* that a batch is long in the database */
};

/* Reads before and after their statement; see reads.c. */
struct reads {
    struct request_queue waiting; /* for memory, or for a session */
    size_t taken_bytes;           /* tickets of those that were let in */
    size_t estimate_bytes[BOOKING_METHOD_COUNT];
    unsigned begun; /* have a session, or have asked for one */
};

struct refused; /* see refused.c */

struct service {
    struct arena *arena;
    struct live *live;
    bool is_stopped; /* nothing goes on any more */
    struct loop *loop;
    struct db_pool *db;
    const struct config *conf;
    struct keyring *keys;
    struct xml_schema *schema;
    struct wsdl *wsdl;
    struct xml_limits xml_limits;
    struct metrics metrics;
    struct leniency_counter *leniencies;
    unsigned in_work;

    struct slow_lane lane; /* those who met a lock */
    struct reads reads;
    struct request_queue writes; /* wait for a transaction */
    unsigned sessions_asked;     /* for them, not yet given */
    unsigned groups_in_flight;   /* sessions they have */
    struct journal journal;
    struct refused *refused;
    struct repeats *repeats;
    struct timer *journal_timer;

    loop_fn drained; /* not NULL: no new requests are taken */
    void *drained_arg;
};

/* Whether it goes through a transaction: a write that may only be answered as it was before does not. */
static inline bool request_writes(const struct request *r)
{
    return r->op->is_write && !r->is_recall;
}

/* Its sender's signature is good: message.digest is what he signed. */
static inline bool request_has_signer(const struct request *r)
{
    return r->sender != NULL;
}

/* request.c. For a carrier: a request is made, gets what is the carrier's, and begins. body must be valid until send().
 */
struct request *request_new(const struct endpoint *ep, struct span body, const char *peer);
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

bool request_is_fault(const struct request *r); /* answer.c: its answer is a SOAP fault */

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

/* journal.c: answers that need no transaction of their own; step_journal() is there */
void journal_init(struct journal *j);
void journal_tick(struct service *s);
unsigned journal_waiting(const struct service *s);
/* journal_entry.c: one row */
void journal_digest(struct request *r);   /* on a worker, when the answer is made */
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

/* wsdl.c: GET ?wsdl and ?xsd=NAME; the files are read once, for a disk may hang. One that cannot be is not served. */
struct wsdl *wsdl_read(struct arena *a, const struct config *conf);
void wsdl_on_get(const struct endpoint *ep, const struct http_request *http);
