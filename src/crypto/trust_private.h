/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the files about trust share: the store, one revocation list, and the three judges. */
#pragma once

#include "crypto_private.h"
#include "trust_cache.h"

#include <openssl/x509v3.h>

#include <stdatomic.h>

struct crl_list {
    X509_CRL *crl;
    EVP_PKEY *key;  /* that signed it, of a certificate that has the list's name, and may; NULL: nobody's */
    X509 **signers; /* all certificates of this name and key that may sign lists */
    unsigned nsigners;
    unsigned group;        /* the first list of this name and key: who has signed one has signed all of them */
    const BIGNUM *number;  /* NULL: without */
    const BIGNUM *base;    /* a delta list: of which list; NULL: not a delta list */
    GENERAL_NAMES *points; /* it speaks of certificates with one of these distribution points only; NULL: of all */
    struct span scope;     /* the extension that says of which, as it stands there */
    bool only_users, only_authorities;
    bool has_twins; /* a serial is there twice: for which of its entries one would find, nothing is promised */
    int64_t this_update, next_update;
    bool is_dated;                /* one of its issuer and scope has no number: the newer of them is told by date */
    const struct crl_list *newer; /* of the same issuer and scope; NULL: this is the newest */
    const char *refused;          /* why it is no list; NULL: it is one */
    unsigned item;
};

enum signed_by { SIGNED_UNASKED, SIGNED_BY, SIGNED_BY_NOT };

struct trust {
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * chain; /* intermediates: not trusted by themselves */
    /* Whether the row's certificate, of anchors and then chain, was signed by the column's, as far as that was asked
     * (enum signed_by); NULL: there are too many of them. */
    _Atomic(unsigned char) *signed_by;
    struct crl_list **lists;
    unsigned nlists, lists_room;
    struct trust_item *items; /* what was loaded, and what is wrong with it */
    X509 **item_certs;        /* of each item the certificate, where it is used; NULL: a list, or left out */
    unsigned nitems, items_room;
    enum trust_use use;
    bool crl_required;
    struct trust_cache *cache;
};

/* extensions.c: NULL, or which extension is in the way. A certificate is one of the four. */
enum path_role { ROLE_SIGNER, ROLE_AUTHORITY, ROLE_LIST_SIGNER, ROLE_ANCHOR };
const char *extensions_refused(struct arena *a, X509 *x, enum path_role role, enum trust_reason *reason);
/* It is known, is what it should be, and nothing follows. */
bool extension_is_readable(X509_EXTENSION *ext);
/* Name, or number, of an object. */
const char *object_text(struct arena *a, const ASN1_OBJECT *o);

/* crl_read.c: reads what a list says of itself, and which entries it has; fills l->refused. */
void crl_list_read(struct arena *a, struct crl_list *l);
/* -1: it cannot be read. */
int crl_entry_reason(const X509_REVOKED *r);

/* crl.c: whose each list is, and which of several is the newest: when all certificates and lists are there. */
void crl_lists_bind(struct arena *a, struct trust *t);
/* v->end_s is lowered to the instant at which the answer may change. issuer NULL: x is the anchor of the path. */
struct proofs;
MUST_CHECK enum err crl_check(const struct trust *t, struct proofs *proofs, X509 *x, X509 *issuer, int64_t now_s,
                              struct trust_verdict *v, struct error *e);

/* trust_rules.c: the path as a whole, from the one that is asked about to the anchor; each has signed the one before.
 */
struct path_rules {
    X509 *const *path;
    int n;
    bool is_of_client; /* of TLS */
    int auth_level;
    int64_t now_s;
};
MUST_CHECK enum err path_rules_check(const struct path_rules *r, enum trust_reason *reason, struct error *e);

/*
 * trust_path.c: a path from c to an anchor on which nobody objects; else the objection that says most. sent: what a
 * peer gave with c, tried when nothing of the operator's goes on; may be NULL. auth_level: how weak keys may be, as
 * OpenSSL counts it.
 */
struct path_start {
    const struct cert *c;
    STACK_OF(X509) * sent;
    int auth_level;
};
MUST_CHECK enum err trust_path_find(const struct trust *t, const struct path_start *from, int64_t now_s,
                                    struct trust_verdict *v, struct error *e);
/* Whether signatures go from x up to some anchor, in whatever state the certificates are. */
bool trust_path_may_lead(const struct trust *t, X509 *x);
/* Who signed l is good up to the anchor of the path that is judged; *end_s is lowered to the end of that. */
bool trust_path_is_signer_good(struct proofs *p, const struct crl_list *l, int64_t *end_s);
/* So many signatures were looked at that no more are: an answer of "not good" means nothing. */
bool trust_path_is_worn_out(const struct proofs *p);
