/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The life of one message, as a list of steps (src/request/request.c), by whatever way it came.
 *
 * A message is the one its sender signed: what is remembered (B6) is the SHA-256 of the octets under actors/smev, which
 * nobody can change and no cut of the rest leaves out, and beside it smev:Header/MessageId when SMEV's signature covers
 * it, so that the same id with other content is refused by name. A message id is that one; otherwise "body:" and the
 * digest; on a plain listener "req:" and a UUID made for this request, which only serves to settle an uncertain COMMIT
 * (the same book again is recognised by bookId and content in SQL). A message of a queue is (Mnemonic of the sender,
 * MessageID) and nothing else; its digest is that of the business element in the normal form of SMEV's transform
 * (docs/decisions/0324).
 */
#pragma once

#include "arena.h"
#include "booking.h"
#include "config.h"
#include "crypto.h"
#include "db.h"
#include "error.h"
#include "net.h"
#include "smev.h"
#include "smev3.h"
#include "xml.h"

/*
 * What a reload replaces: keys, certificates, anchors, lists. Counted on the loop thread only.
 *
 * One party's trouble stays its own: a file of an agency or sender that cannot be used is remembered as that party's
 * trouble, and the others are served. previous, which may be NULL, lends what it had of such a party, and the key of an
 * agency that can sign now where the new one cannot (run out, not begun, revoked, not for signatures). An error means
 * that the files of [trust] cannot be used: then nobody could be believed. Blocks; may run on a worker.
 */
struct keyring;
MUST_CHECK enum err keyring_load(const struct config *conf, const struct keyring *previous, struct keyring **out,
                                 struct error *e);
void keyring_ref(struct keyring *k);
void keyring_unref(struct keyring *k);

/*
 * Of what is sent in an agency's name and comes back to it. All that is given is the keyring's and lives as long; once
 * somebody holds it (keyring_ref), any thread may ask.
 */
const struct config_push *keyring_push(const struct keyring *k, unsigned i);            /* from 0; NULL: no more */
const struct config_push *keyring_push_of(const struct keyring *k, const char *agency); /* NULL: it has none */
const struct key *keyring_signing_key(const struct keyring *k, const char *agency,
                                      int64_t now_s); /* NULL: nothing can be signed in its name now */
/* The official of the [smev3 NAME] who signs what is answered and told by it (ЭП-СП); *out NULL: it has none.
 * ERR_AGENCY: it has one, and nothing can be signed with that key now. */
MUST_CHECK enum err keyring_official_key(const struct keyring *k, const char *queue, int64_t now_s,
                                         const struct key **out, struct error *e);
/* What is missing to sign what is answered and told for an agency by the [smev3 queue]; queue NULL: by SMEV 2. */
enum keyring_lack { KEYRING_SIGNS, KEYRING_LACKS_AGENCY, KEYRING_LACKS_OFFICIAL };
enum keyring_lack keyring_lack(const struct keyring *k, const char *agency, const char *queue, int64_t now_s);
struct smev_party keyring_party(const struct keyring *k, const char *code); /* agency or sender, as others know it */
/* By what a message to us is verified: an actors/smev signature must be there. age_max_s: see struct wsse_policy. */
struct wsse_policy keyring_policy(const struct keyring *k, int64_t now_s, int64_t age_max_s);
/* Whether the certificate is one of this sender; code NULL: of SMEV itself. */
bool keyring_is_signer(const struct keyring *k, const char *code, const struct cert *signer);
const struct config_smev3 *keyring_queue(const struct keyring *k, unsigned i); /* from 0; NULL: no more */
/* By what signatures of SMEV 3 are verified: smev is the sender that must have made it, NULL: of a peer, whose verdict
 * is only told. The set of signers is of a. */
struct smev3_policy keyring_smev3_policy(const struct keyring *k, struct arena *a, const char *smev, int64_t now_s);

/*
 * What the very check that judges the signers of messages says, today, of every certificate of the configuration and of
 * what it rests on. BAD: somebody is not served, or an answer will not be believed; WARN: something is of no use, or
 * wants a look; SOON: ends within FINDING_SOON_DAYS; GOOD.
 */
#define FINDING_SOON_DAYS 30
enum finding_level { FINDING_GOOD, FINDING_SOON, FINDING_WARN, FINDING_BAD };
extern const char *const finding_words[]; /* "good", "soon", "warn", "BAD" */
enum finding_about { ABOUT_AGENCY, ABOUT_SENDER, ABOUT_TRUST, ABOUT_LISTENER, ABOUT_OFFICIAL };
extern const char *const finding_abouts[]; /* "agency", "sender", "trust", "listener", "official" */
struct finding {
    enum finding_level level;
    enum finding_about about;
    const char *code;    /* of the agency or sender, name of the listener, of the official's [smev3]; "" of trust */
    const char *at;      /* file:line of the configuration */
    const char *subject; /* which of them: stays the same while the days go by */
    const char *text;    /* which file, subject, serial, and why; names no person */
    bool is_mistake;     /* files of no use now: after a reload this party is what it was before */
    bool is_stopped;     /* this agency, sender or listener is not served for it */
    bool is_by_list;     /* a revocation list says so: its authority's word, obeyed whoever is left */
    bool is_smev;        /* a sender that only signs beside others: SMEV, unless a queue is asked */
};
struct findings {
    struct finding *items;
    unsigned n, room;
};
/* Parties whose files cannot be used and that stay what they were, or without anything: "agency AAAA00001, sender X";
 * NULL: there are none. */
const char *findings_kept(struct arena *a, const struct findings *all);
void findings_add(struct arena *a, struct findings *f, struct finding item);
/* A finding for each anchor, authority and list, which are of this party and named in these places. Strict: whom a list
 * does not know any more is refused, and nobody else tells so. Strings are of a. */
struct trust_place {
    enum finding_about about;
    const char *code, *of; /* of: before each of them */
    const char *at[3];     /* by enum trust_kind */
    bool is_strict;
};
void findings_add_trust(const struct trust *t, const struct trust_place *place, int64_t now_s, struct arena *a,
                        struct findings *f);
/* Takes milliseconds a certificate: not for the loop. Strings are of a. */
void keyring_judge(struct keyring *k, int64_t now_s, struct arena *a, struct findings *f);
/* Of what was found: is there an agency that can sign; a sender that may call and would be believed. */
bool findings_signs(const struct findings *f);
bool findings_is_believed(const struct findings *f);
/*
 * Why a reload must not put next, of which f was found, in the place of now: nobody could be served, and somebody is.
 * NULL: it may. What a revocation list says is obeyed, whoever is left. now may be NULL: unknown, but serving.
 */
const char *keyring_loss(const struct keyring *now, const struct keyring *next, const struct findings *f, int64_t now_s,
                         struct arena *a);

/* The files of wsdl_dir that are served, from 0; NULL: no more. */
const char *wsdl_file_name(unsigned i);

struct service; /* everything requests share: configuration, schemas, keyring, pool */
MUST_CHECK enum err service_new(struct loop *l, struct db_pool *db, const struct config *conf, struct keyring *keys,
                                struct service **out, struct error *e);
void service_set_keyring(struct service *s,
                         struct keyring *keys); /* takes it over; requests in work keep the old one */
struct keyring *service_keyring(const struct service *s);
/*
 * The end, drained or not, in two halves. After service_stop() nothing goes on: no request takes another step, and what
 * the workers have of it comes home to stay. service_free() comes when nothing can call back any more: listeners and
 * pool are freed, worker_settle() said so. Messages it still has go without an answer; reads it has not yet written to
 * the journal are told to the log.
 */
void service_stop(struct service *s);
void service_free(struct service *s);
/* Takes no new requests; drained(arg) when nothing is in work and the journal is written. */
void service_drain(struct service *s, loop_fn drained, void *arg);
/* What an operator should know though requests may be sent here: JSON strings, comma separated. */
void service_notes_write(const struct service *s, struct buf *notes_json);
void service_metrics_write(const struct service *s, struct buf *out); /* Prometheus text */

/*
 * Where messages come from: the path of a listener, or the queue of an agency. All that the steps ask of it, whoever
 * filled it in. What it points to lives as long as requests of it do.
 */
struct origin;
struct source {
    const char *name;                     /* in the log and the journal: of the listener or queue */
    const struct origin *origin;          /* which wire (src/request/origin.h) */
    const char *channel;                  /* who books there: portal, kiosk, call-centre, walk-in */
    const char *agency;                   /* code of the only one it is for; NULL: any */
    const struct config_reading *reading; /* of whoever calls there; NULL: each sender has one of his own */
    bool serves_updates;                  /* updateBookingDetails is served, too */
    bool refuse_test_messages;
    bool require_recipient;  /* SMEV 2: SMEV has to have signed, too */
    size_t answer_max_bytes; /* what the wire carries of an answer's content; 0: any size */
};

/* Of an agency's queue in SMEV 3, as its section says; the bound is that of structured content (recommendations 3.3:
 * 5 MB). out points into conf. */
void source_of_queue(struct source *out, const struct config_smev3 *conf);

/* The handler of a listener: net calls it, arg is a struct endpoint. */
struct endpoint {
    struct service *service;
    const struct config_listener *conf; /* where it listens, and what it says of itself */
    struct source source;
};
void endpoint_init(struct endpoint *ep, struct service *service, const struct config_listener *conf);
void request_on_http(void *arg, const struct http_request *http);

/*
 * A message of a queue, stored in data.inbox and perhaps acknowledged: nobody waits for it, and nobody sends it again.
 * What it says of itself (who sent it, its id, whom to answer) is read of the octets, which SMEV has signed.
 */
struct queue_message {
    int64_t inbox_id;
    unsigned attempt;                /* the taking it is in: what another one has done is not overwritten */
    enum smev3_version version;      /* of the queue: the answer is written in it */
    struct span octets;              /* T:Request in the form that was verified (smev3_signature); live until fn */
    bool has_include;                /* an xop:Include stood in the business element (smev3_reply): it is refused */
    const char *sender, *send_lease; /* who sends the answer as soon as it is kept, and for how long he has it; live
                                        until fn. NULL: whoever takes it */
};
/*
 * What has become of it. verdict ANSWER or a rejection: an answer is committed (api.inbox_answered), with the effect
 * and the journal, and is to be sent; answer is valid during the call. AGAIN: nothing stands, or nobody knows: it is to
 * be tried again, for ever. PARK: a person has to look. reason is the name of an error, without any values.
 */
struct queue_outcome {
    enum queue_verdict verdict;
    const char *reason;    /* NULL when the method's own answer is committed */
    const char *answer_id; /* MessageID of the answer */
    struct span answer;    /* an envelope with SendResponseRequest */
};
typedef void (*queue_done_fn)(void *arg, const struct queue_outcome *outcome);
/*
 * The message enters the steps, as one that came over HTTP does; fn is called once, from the loop and not within this
 * call, at most a little after request_timeout; after service_stop() it is not called any more. One message may be in
 * work once at a time. ERR_BUSY: it was not taken, for the service is draining or request_queue_room() was 0; it is to
 * be asked for later. On the loop.
 */
MUST_CHECK enum err request_on_queue(struct service *s, const struct source *source, const struct queue_message *m,
                                     queue_done_fn fn, void *arg, struct error *e);
/*
 * How many more messages of queues may be in work: all queues together a quarter of requests_max, at least one, which
 * are counted for themselves: neither do they take places from who calls over HTTP, nor he from them. 0 when draining.
 */
unsigned request_queue_room(const struct service *s);
