/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The life of one message, as a list of steps (src/request/request.c).
 *
 * A message is the one its sender signed: what is remembered (B6) is the SHA-256 of the octets under actors/smev, which
 * nobody can change and no cut of the rest leaves out, and beside it smev:Header/MessageId when SMEV's signature covers
 * it, so that the same id with other content is refused by name. A message id is that one; otherwise "body:" and the
 * digest; on a plain listener "req:" and a UUID made for this request, which only serves to settle an uncertain COMMIT
 * (the same book again is recognised by bookId and content in SQL).
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
 * What the very check that judges the signers of messages says, today, of every certificate of the configuration and of
 * what it rests on. BAD: somebody is not served, or an answer will not be believed; WARN: something is of no use, or
 * wants a look; SOON: ends within FINDING_SOON_DAYS; GOOD.
 */
#define FINDING_SOON_DAYS 30
enum finding_level { FINDING_GOOD, FINDING_SOON, FINDING_WARN, FINDING_BAD };
extern const char *const finding_words[]; /* "good", "soon", "warn", "BAD" */
enum finding_about { ABOUT_AGENCY, ABOUT_SENDER, ABOUT_TRUST, ABOUT_LISTENER };
extern const char *const finding_abouts[]; /* "agency", "sender", "trust", "listener" */
struct finding {
    enum finding_level level;
    enum finding_about about;
    const char *code;    /* of the agency or sender, name of the listener; "" of trust */
    const char *at;      /* file:line of the configuration */
    const char *subject; /* which of them: stays the same while the days go by */
    const char *text;    /* which file, subject, serial, and why; names no person */
    bool is_mistake;     /* files of no use now: after a reload this party is what it was before */
    bool is_stopped;     /* this agency, sender or listener is not served for it */
    bool is_by_list;     /* a revocation list says so: its authority's word, obeyed whoever is left */
    bool is_smev;        /* a sender that only signs beside others */
};
struct findings {
    struct finding *items;
    unsigned n, room;
};
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

/* The handler of a listener: net calls it, arg is a struct endpoint. */
struct endpoint {
    struct service *service;
    const struct config_listener *conf;
};
void request_on_http(void *arg, const struct http_request *http);
