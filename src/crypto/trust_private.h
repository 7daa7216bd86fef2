/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the files about trust share: the store, one revocation list, and the three judges. */
#pragma once

#include "crypto_private.h"
#include "trust_cache.h"

#include <openssl/x509v3.h>

struct crl_list {
    X509_CRL *crl;
    EVP_PKEY *key;         /* whose certificate is here, has the list's name, and signed it; NULL: nobody's */
    const BIGNUM *number;  /* NULL: without */
    const BIGNUM *base;    /* a delta list: of which list; NULL: not a delta list */
    GENERAL_NAMES *points; /* it speaks of certificates with one of these distribution points only; NULL: of all */
    struct span scope;     /* the extension that says of which, as it stands there */
    bool only_users, only_authorities;
    int64_t this_update, next_update;
    bool is_dated;                /* one of its issuer and scope has no number: the newer of them is told by date */
    const struct crl_list *newer; /* of the same issuer and scope; NULL: this is the newest */
    const char *refused;          /* why it is no list; NULL: it is one */
    unsigned item;
};

struct trust {
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * chain; /* intermediates: not trusted by themselves */
    X509_STORE *store;      /* empty: how a path is walked */
    struct crl_list **lists;
    unsigned nlists, lists_room;
    struct trust_item *items; /* what was loaded, and what is wrong with it */
    unsigned nitems, items_room;
    bool crl_required;
    struct trust_cache *cache;
};

/* extensions.c: NULL, or which extension is in the way. A certificate is one of the three. */
enum path_role { ROLE_SIGNER, ROLE_AUTHORITY, ROLE_ANCHOR };
const char *extensions_refused(struct arena *a, X509 *x, enum path_role role);
/* Name, or number, of an object. */
const char *object_text(struct arena *a, const ASN1_OBJECT *o);

/* crl.c: reads what a list says of itself, and which entries it has; fills l->refused. */
void crl_list_read(struct arena *a, struct crl_list *l);
/* Whose it is, and which of several is the newest: when all certificates and lists are there. */
void crl_lists_bind(struct trust *t);
/* *end is lowered to the instant at which the answer may change. key: of whoever issued x. */
MUST_CHECK enum err crl_check(const struct trust *t, X509 *x, EVP_PKEY *key, bool is_anchor, int64_t now_s,
                              struct trust_verdict *v, struct error *e);

/* trust_path.c: a path from c to an anchor on which nobody objects; else the objection that says most. */
MUST_CHECK enum err trust_path_find(const struct trust *t, const struct cert *c, int64_t now_s, struct trust_verdict *v,
                                    struct error *e);
bool trust_path_step(X509_STORE_CTX *ctx, X509 *x, X509 *issuer);
