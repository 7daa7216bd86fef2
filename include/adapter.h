/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Signed calls of SMEV 3, for whoever has something to ask or to say there: in which words, to which of two endpoints,
 * whether what comes back is SMEV's, and how long to wait before the next (docs/decisions/0337). What is asked for, and
 * what becomes of what was given, is the caller's. Everything here is called from the loop thread, unless said
 * otherwise.
 */
#pragma once

#include "booking.h"
#include "client.h"
#include "config.h"
#include "crypto.h"
#include "net.h"
#include "request.h"
#include "smev3.h"

#include <stdbool.h>
#include <stdint.h>

#define ADAPTER_REFUSED_A_DAY      200 /* answers that are not SMEV's, kept whole: who may be a stranger fills no disk */
#define ADAPTER_REFUSED_SIZE_A_DAY ((size_t)256 << 20) /* of these, with our questions; beyond: counted */
#define ADAPTER_PAUSE_MAX_US       UINT64_C(300000000) /* between two questions after faults */

enum smev3_version adapter_version(const struct config_smev3 *conf);

/* ---- where to ---- */

#define ADAPTER_FAULT_WORDS                                                                                            \
    40 /* names of faults, and of our errors that come of calls; the last is all the others'                           \
        */
#define ADAPTER_FAULT_OTHER "other"
/* How often a call came to a fault or to nothing, by its word (adapter_call_word: of our tables, they are few). */
struct adapter_fault_count {
    const char *word; /* NULL: free */
    uint64_t n;
};
/*
 * Kinds of calls: what is asked or said by each operation, and two that are not for the others' sake: each has its own
 * share of the connections (client_request.kind), and is told by itself when nothing answers it.
 */
enum adapter_kind {
    ADAPTER_KIND_STATUS = SMEV3_GET_STATISTICS + 1, /* RequestStatus; the first are enum smev3_op */
    ADAPTER_KIND_REJECTION,                         /* an Ack that says accepted=false */
    ADAPTER_KINDS
};
_Static_assert(ADAPTER_KINDS == CLIENT_KINDS, "each kind has its share");
const char *adapter_kind_name(unsigned kind);
#define ADAPTER_ACKS_MAX 64 /* of a queue, under way or waiting for their turn: beyond, they are said later */

/* Calls of a kind that came to no answer. */
struct adapter_silence {
    uint64_t since_us, seen_us; /* since_us 0: the last one was answered, whatever it said */
    uint64_t n;                 /* since the start */
    const char *word;           /* of the last, as adapter_call_word() */
};
/* A queue as one who calls it has it; begins as {whose}. */
struct adapter_peer {
    const char *whose; /* his share of the connections: client_request.whose */
    bool is_on_reserve;
    uint64_t bad_since_us; /* of the endpoint in use; 0: it is good */
    struct adapter_fault_count faults[ADAPTER_FAULT_WORDS];
    struct adapter_silence silences[ADAPTER_KINDS];
};
const char *adapter_peer_endpoint(const struct adapter_peer *p, const struct config_smev3 *conf);
/* is_good: SMEV has answered, whatever it said (adapter_call_is_smevs). An endpoint of no use for switch_after is left
 * for the other. */
void adapter_peer_used(struct adapter_peer *p, const struct config_smev3 *conf, bool is_good);
/* A call came to a fault or to nothing, by that word. */
void adapter_peer_failed(struct adapter_peer *p, const char *word);
/* A call of that kind is over: with an answer (word NULL), or without, by that word. */
void adapter_peer_heard(struct adapter_peer *p, const struct config_smev3 *conf, unsigned kind, const char *word);
/* Whether calls of that kind have come to no answer of late, and none has been answered since. */
bool adapter_peer_is_silent(const struct adapter_peer *p, unsigned kind);
/* Which are so, for people, without those that are told as the fault of a question or of a change: "Ack (TIMEOUT, for
 * 12 s), ..."; of a; NULL: none. */
const char *adapter_peer_silences(struct arena *a, const struct adapter_peer *p);
/* A POST of octets to `endpoint`; strings are of a, or of the arguments. */
void adapter_request(struct arena *a, const struct adapter_peer *p, const struct config_smev3 *conf,
                     const char *endpoint, unsigned kind, struct span octets, uint64_t timeout_ms,
                     struct client_request *out);

/* ---- a call ---- */

/* What the journal says of a signature beside SMEV's; good: to the letter of the protocol. */
#define ADAPTER_UNSIGNED  "none"
#define ADAPTER_TOLERATED "tolerated"
#define ADAPTER_GOOD      "good"

struct adapter; /* all calls of one owner */
struct adapter_call;
typedef void (*adapter_fn)(struct adapter_call *c);

/*
 * One call: prepared and signed by a worker, posted, its answer read and verified by a worker. What it says counts when
 * it is whole and, where something is signed, SMEV's signature is over the element that the protocol names at that
 * place. Documents of the answer are freed before it comes to done.
 */
struct adapter_call {
    struct adapter_call *next, **link;
    struct adapter *adapter;
    struct arena *arena;
    struct keyring *keys;
    const struct config_smev3 *conf;
    struct adapter_peer *peer;
    enum smev3_op op;
    adapter_fn done;       /* once, on the loop; the call is then the caller's, to adapter_call_free() */
    adapter_fn ready;      /* on the loop, when it is signed: it waits for adapter_call_post(); NULL: posted at once */
    adapter_fn understand; /* on a worker, when SMEV's word was read; may set err; NULL: nothing to do */
    void *owner, *arg;     /* the caller's own, as is row_id */
    int64_t row_id;
    bool is_in_hand; /* the caller's own, too: somebody works on the message, or will as soon as it is written down */
    /* what to say */
    struct smev3_selector selector; /* of GetRequest and GetResponse; the time is filled in */
    const char *message_id;         /* of an Ack: the message; of SendResponse: the answer */
    bool is_rejecting;              /* of an Ack: it says accepted=false */
    const char *status_to;          /* of SendResponse: RequestStatus, to this ReplyTo; NULL: what is stored */
    struct span stored;             /* the envelope, signed before; empty: it is made */
    /* on the way */
    const struct key *key;
    struct smev3_policy smev, others;
    struct client_call *http;
    uint64_t begun_us;
    struct span asked;
    const char *endpoint; /* NULL: it was not posted */
    enum client_fate fate;
    int status;
    const char *content_type;
    struct span answered;
    /* what was said */
    enum err err; /* of signing, of the way, of reading or of SMEV's signature */
    struct error error;
    bool is_read; /* reply is there; its nodes are not */
    struct smev3_reply reply;
    struct smev3_signature signature; /* SMEV's; octets empty when there is none */
    struct smev3_request request;     /* by reply.kind, as those below; of the content only the digest is left */
    struct smev3_cancel cancel;
    struct smev3_response response;
    struct smev3_async async;
    struct smev3_metadata metadata; /* of what was sent */
    /* of a request or response: the sender's ЭП-ОВ and the person's ЭП-СП: ADAPTER_UNSIGNED ..., or the name of an
     * error; NULL: nobody has looked */
    const char *sender_word, *person_word;
    unsigned char digest[DIGEST_MAX]; /* of the business element; of what is refused: of all that came */
    bool has_refused_digest;
    bool is_claimed; /* of a question for messages: what cannot be read or believed holds one, to all appearances, */
    const char *claimed_id;       /* by this id, for which nobody vouches; NULL: none was found */
    const char *claimed_original; /* the message of ours that it claims to answer; NULL likewise */
};

struct adapter *adapter_new(struct loop *l, struct client *client, struct service *service);
/* of a drain: who has no answer to an Ack or a RequestStatus by then is not waited for, they are said again or not owed
 */
#define ADAPTER_DRAIN_US 2000000u
/* How many calls there are, of one owner (NULL: of all), but for those that a drain does not wait for. */
unsigned adapter_calls(const struct adapter *adapter, const void *owner);
void adapter_stop(struct adapter *adapter); /* nothing goes on: no done any more. While the client lives */
void adapter_free(struct adapter *adapter); /* with all calls that are left; after worker_settle() */

/* conf and peer live as long as the call; its keyring, which the service has now, is held by it. */
struct adapter_call *adapter_call_new(struct adapter *adapter, const struct config_smev3 *conf,
                                      struct adapter_peer *peer, enum smev3_op op, adapter_fn done);
void adapter_call_begin(struct adapter_call *c);
void adapter_call_post(struct adapter_call *c); /* of one that has ready, once, after that */
void adapter_call_free(struct adapter_call *c);

/*
 * It is SMEV's word: signed by it where it signs, about what was asked, or a fault of its table. Whoever stands in
 * front of SMEV answers, too: pages, faults of his own, what SMEV said before.
 */
bool adapter_call_is_smevs(const struct adapter_call *c);
/* SMEV may have heard it: it is for the journal, answered or not (J1). */
bool adapter_call_has_left(const struct adapter_call *c);
bool adapter_call_is_good(const struct adapter_call *c);  /* an answer, read, and signed where it must be */
bool adapter_call_is_done(const struct adapter_call *c);  /* the same, or SMEV says that it has been done before */
unsigned adapter_call_kind(const struct adapter_call *c); /* an enum adapter_kind */
/* A word for what came of it, of our tables; never what a peer wrote. */
const char *adapter_call_word(const struct adapter_call *c);
enum smev3_reaction
adapter_call_reaction(const struct adapter_call *c); /* to a fault or to nothing; not when all is well */

/* SMEV refuses us by a fault that is about who we are, or that no table has: somebody has to look. What only asks for
 * patience is none; nor is a fault of whoever stands in front of it. */
bool adapter_is_refusal(const struct adapter_call *c);
/* StaleMessageId to an id that says of itself that it was made within the hour, or is still to come: our clock is
 * wrong, or SMEV's. word: the fault's name. */
bool adapter_is_clock_wrong(const char *word, const char *message_id);
/* The journal's verdict on the signatures of an answer whose SMEV signature is good; of c's arena. */
const char *adapter_verdict(const struct adapter_call *c);
/* What can be a sender's key: a longer one is nobody's. */
bool adapter_is_mnemonic(const char *sender);

/* What came of a question. */
enum adapter_result {
    ADAPTER_RESULT_MESSAGE,
    ADAPTER_RESULT_EMPTY,
    ADAPTER_RESULT_FAULT,
    ADAPTER_RESULT_NOTHING,   /* nothing that could be read */
    ADAPTER_RESULT_UNTRUSTED, /* not SMEV's */
    ADAPTER_RESULTS
};
extern const char *const adapter_result_names[ADAPTER_RESULTS];
enum adapter_result adapter_result_of(const struct adapter_call *c);

/* An answer that holds a message and whose signer is none that is configured, or not trusted now: our configuration may
 * be what is wrong (docs/decisions/0331). */
bool adapter_is_by_stranger(const struct adapter_call *c);
/* The row of the journal for an answer that is not SMEV's or no message, and of what was asked; of c's arena. */
struct db_call adapter_refused_row(const struct adapter_call *c, const char *reason);

/* ---- when the next question is ---- */

/*
 * How often an empty queue may be asked. What SMEV has said (AccessDenied: too often) is remembered: the interval
 * doubles; it shrinks again by a sixteenth with each 20 empty answers, so that the same word comes rarely.
 */
struct adapter_rate {
    uint64_t learned_us; /* 0: nothing was said */
    unsigned empties;
};
uint64_t adapter_rate_us(const struct adapter_rate *p, uint64_t wanted_us); /* wanted_us: of the configuration */
void adapter_rate_refused(struct adapter_rate *p, uint64_t wanted_us);
void adapter_rate_empty(struct adapter_rate *p, uint64_t wanted_us);

/* Of an empty queue SMEV says how often it may be asked: the interval at least, and by chance up to half of it more, so
 * that many who ask do not ask together; by chance as well after faults, whose pauses grow. Begins as {0}. */
#define ADAPTER_SEEN_MAX   128
#define ADAPTER_PASSED_MAX 100 /* in a row, without a pause; those behind them as after a fault */
struct adapter_pace {
    uint64_t due_us;
    unsigned faults;   /* in a row */
    uint64_t fault_us; /* when the last of them was counted */
    unsigned passed;   /* that could not be read or believed, without a pause, since one that could or none at all */
    bool has_more;     /* the last question gave a message */
    size_t weight;     /* bytes of a message, as they were of late */
    /* of what was known when it came */
    unsigned olds, agains; /* rounds that gave the same delivery once more: since the last that was new; in a row */
    uint64_t old_us;       /* when the last round was counted */
    struct {
        uint64_t key, seen_us; /* of a delivery; seen_us 0: free */
    } seen[ADAPTER_SEEN_MAX];
    struct adapter_rate rate;
};
/* under_way questions, and held messages that are not written down: what is in memory SMEV would have kept. */
#define ADAPTER_WEIGHT_MAX ((size_t)4 << 20) /* of all of these; one is always asked for */
bool adapter_pace_allows(const struct adapter_pace *p, const struct config_smev3 *conf, unsigned under_way,
                         unsigned held);
void adapter_pace_gave(struct adapter_pace *p, const struct adapter_call *c);
/* One empty answer, and the pause before the next question when nothing is known to be there; so many names are asked
 * for in turn, and share the interval. Faults are not forgotten by it. */
void adapter_pace_empty(struct adapter_pace *p, const struct config_smev3 *conf);
void adapter_pace_rest(struct adapter_pace *p, const struct config_smev3 *conf, unsigned names);
void adapter_pace_hope(struct adapter_pace *p); /* whatever was the matter may be over; what is learned stays */
void adapter_pace_failed(struct adapter_pace *p, const struct adapter_call *c); /* a question */
/* What cannot be read or believed, and was not there a short while ago: SMEV keeps it and has others behind it, which
 * is no reason to pause; but of no more than ADAPTER_PASSED_MAX in a row, and not for a stranger's. */
bool adapter_pace_passes(struct adapter_pace *p, const struct adapter_call *c);
void adapter_pace_unkept(struct adapter_pace *p,
                         const struct adapter_call *c); /* what it gave could not be written down */
/*
 * What was given, when it is written down. It was new: the next is asked for at once. It was known: SMEV has lost our
 * Ack, or somebody in between repeats an old answer. SMEV gives the same message once more after 15 minutes, and says
 * when it does (`delivered`, of what it has signed; NULL: it says nothing): the same delivery within ten costs the
 * interval, and twice that with each such; from then on, until something is new, one question at a time.
 */
void adapter_pace_new(struct adapter_pace *p);
void adapter_pace_known(struct adapter_pace *p, const struct adapter_call *c, const char *id, const char *delivered);
/* How often in a row the same came again, when it is to be told; 0: it is not. */
unsigned adapter_pace_repeated(const struct adapter_pace *p);
/* The nth pause in a row: twice the one before, up to the most. */
uint64_t adapter_pause_us(unsigned nth, uint64_t first_us);
/* By chance up to half of it more, and never more than the most. */
uint64_t adapter_pause_by_chance_us(uint64_t us);
/* What was kept today of answers that are none of SMEV's. Begins as {0}. */
struct adapter_day {
    uint64_t began_us;
    unsigned n;
    size_t size;
    unsigned beyond; /* that were not kept */
};
/* Whether c is kept whole today, by ADAPTER_REFUSED_A_DAY and ADAPTER_REFUSED_SIZE_A_DAY; it is counted. */
bool adapter_day_takes(struct adapter_day *d, const struct adapter_call *c);
