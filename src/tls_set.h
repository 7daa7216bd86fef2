/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * TLS of the listeners that run, as one thing that a reload replaces: connections keep the context they began with.
 * Never changed once made; references are counted on the loop thread.
 */
#pragma once

#include "config.h"
#include "crypto.h"
#include "request.h"

#define TLS_PARTS 3 /* certificate with key, clients' authorities with their lists, ciphers */

struct tls_trouble {
    const char *at, *text;
};

struct tls_entry {
    const char *name;    /* of the listener */
    struct tls_ctx *ctx; /* NULL: it speaks no TLS */
    const char *ciphers; /* in force; NULL: ours */
    bool client_required;
    const char *cert_file, *cert_at, *ca_at, *crl_at;
    struct tls_trouble troubles[TLS_PARTS + 1]; /* what was not taken: it is what it was before */
    unsigned ntroubles;
};

struct tls_set {
    struct arena *arena;
    unsigned refs;
    struct tls_entry *entries;
    unsigned n;
};

struct tls_set *tls_set_new(unsigned room);
void tls_set_ref(struct tls_set *s);
void tls_set_unref(struct tls_set *s); /* NULL is allowed */
/* The context is shared, and its words are copied. */
struct tls_entry *tls_set_add(struct tls_set *s, const struct tls_entry *e);
const struct tls_entry *tls_set_find(const struct tls_set *s, const char *name); /* s NULL: NULL */

/* Its own certificate may be used at this moment. */
bool tls_is_current(const struct tls_ctx *ctx, int64_t now_s);
/* What there is to say of it now. Strings are of a. Cheap, and the longer the more authorities and lists there are. */
void tls_entry_judge(const struct tls_entry *e, int64_t now_s, struct arena *a, struct findings *f);
void tls_set_judge(const struct tls_set *s, int64_t now_s, struct arena *a, struct findings *f);
/*
 * Contexts that new connections do not get any more. Old ones may have them for hours; the last reference is in here,
 * so that nothing is freed on the loop, lists of 20 MB with it.
 */
struct tls_retired;
void tls_retire(struct tls_retired **list, const struct tls_set *before,
                const struct tls_set *next);                      /* before may be NULL */
void tls_retired_look(struct tls_retired **list, struct loop *l); /* now and then: frees what nobody has any more */
void tls_retired_free(struct tls_retired **list);                 /* at the end */

void tls_set_metrics_write(const struct tls_set *s, struct buf *out);
