/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Keys and certificates from the inside: keyring.c loads them, keyring_judge.c says what they are worth today,
 * keyring_keep.c keeps what is of use from before a reload. What others may know of them is in request.h.
 */
#pragma once

#include "request.h"

#include <stdatomic.h>

/* Who signs: an agency, or an official, whose code is the name of his [smev3]. */
struct keyring_agency {
    const char *code, *name;
    const char *cert_file, *at; /* for messages: its file, and where the configuration names it */
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
    unsigned refs; /* loop thread only */
    struct loop
        *loop; /* it is in use there, and is freed by a worker: lists of 20 MB take long. NULL: not in use yet */
    struct arena *arena;
    struct trust *trust; /* NULL when no listener needs it */
    const char *anchors_at, *chain_at, *crl_at;
    bool allow_gost2001;
    struct keyring_agency *agencies;
    unsigned nagencies;
    struct keyring_sender *senders;
    unsigned nsenders;
    struct config_push *pushes; /* copies: a keyring outlives the configuration it was made of */
    unsigned npushes;
    struct config_smev3 *queues; /* likewise */
    unsigned nqueues;
    struct keyring_agency *officials; /* of queues that have one */
    unsigned nofficials;
    struct cert_set *known; /* certificates of all senders, read already */
};
const struct keyring_agency *keyring_agency_find(const struct keyring *k, const char *code);
/* Whether an answer signed in its name now would be worth anything. Thread-safe. */
bool keyring_agency_signs(const struct keyring_agency *agency, int64_t now_s);
/* NULL: c is believed, and in date; otherwise why not, in words of a and as a reason. */
const char *keyring_objection(const struct keyring *k, const struct cert *c, int64_t now_s, struct arena *a,
                              enum trust_reason *reason);
bool keyring_is_refusal(enum trust_reason reason); /* an agency with such a certificate does not sign */
/* Where the new key of an agency, or of an official, cannot sign now and that of previous can, by what next believes,
 * it is kept. */
void keyring_keep_keys(struct keyring *next, const struct keyring *previous, int64_t now_s);
const struct keyring_agency *keyring_official_find(const struct keyring *k, const char *queue);
/* Reads the files of one who signs; what cannot be read is told in his trouble, and old's key stays (old may be NULL).
 * at: where the configuration names the key, and the certificate. */
void keyring_signer_load(struct keyring *k, struct keyring_agency *to, const struct keyring_agency *old,
                         const char *key_file, const char *key_at, const char *cert_at);
/* A sender of whose new certificates none is of use, and of the old ones one is, stays what it was; but where no caller
 * at all would be believed by its new files, everything is left as it is: keyring_loss(). */
void keyring_keep_senders(struct keyring *next, const struct keyring *previous, int64_t now_s);
/* to becomes old again, as far as old's certificates are nobody else's now; to's mistakes stay, to be told. */
void keyring_sender_keep(struct keyring *k, struct keyring_sender *to, const struct keyring_sender *old);
const struct keyring_sender *keyring_sender_find(const struct keyring *k, const char *code); /* k NULL: NULL */
#define KEYRING_KEPT "; what was loaded before stays"
void keyring_take_pushes(struct keyring *k, const struct config *conf); /* the ways to the portal */
void keyring_take_queues(struct keyring *k, const struct config *conf); /* the queues of SMEV 3 */
void keyring_take_officials(struct keyring *k, const struct config *conf, const struct keyring *previous);
/* SMEV, where no queue gives what is signed by it alone: nobody is served by its being believed. */
bool keyring_only_countersigns(const struct keyring *k, const struct keyring_sender *s);
const struct keyring_sender *keyring_sender_of(const struct keyring *k, const struct cert *signer);
void keyring_metrics_write(const struct keyring *k, struct buf *out);
