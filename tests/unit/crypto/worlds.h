/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Worlds of certificates and lists: what they are made of, in plain numbers, and the making of it in earnest. A model
 * may look at the numbers alone: who really signed what is one of them.
 */
#pragma once

#include "forge.h"

#define CERTS_MAX   9
#define LISTS_MAX   9
#define ENTRIES_MAX 4
#define KEYS        5
#define T0          FORGE_NOW
#define INSTANT     ((int64_t)60) /* dates are whole numbers of these from T0 on */
#define LONG_AGO    (-5000)
#define FAR_OFF     5000

enum place { PLACE_LEAF, PLACE_ANCHOR, PLACE_CHAIN, PLACE_SENT, PLACE_NOWHERE };
enum { USE_CERTS = 1, USE_LISTS = 2, USE_SIGN = 4, USE_ENCIPHER = 8 };
enum aki { AKI_NONE, AKI_KEY, AKI_SERIAL, AKI_BOTH, AKI_WRONG_KEY, AKI_OTHERS, AKIS };
enum scope {
    SCOPE_NONE,
    SCOPE_USERS,
    SCOPE_AUTHORITIES,
    SCOPE_POINT,
    SCOPE_REASONS,
    SCOPE_INDIRECT,
    SCOPE_ATTRIBUTES,
    SCOPE_BOTH,
    SCOPES
};
enum { WITHOUT = -100 }; /* a number, a reason, an end that is not there */

struct wcert {
    enum place place;
    int name, key, serial;
    int issuer_name, signer_key; /* as it says, and as it is */
    int by;                      /* the certificate its authorityKeyIdentifier tells of; itself: self-issued */
    int from, to, usage, pathlen;
    enum aki aki;
    bool is_ca, is_strange, is_double; /* BasicConstraints; an unknown critical extension; one that is there twice */
    int strange;                       /* which */
    bool names_point, wants_reasons;   /* cRLDistributionPoints; critical ones of some reasons */
};

struct wentry {
    int serial, reason;
    int ext; /* of entry_exts; 0: none */
};

struct wlist {
    int name, key, by; /* by: as of a certificate */
    int number, base, from, to;
    enum aki aki;
    enum scope scope;
    bool is_strange, is_double, has_passed_over; /* the last: an extension that nobody need understand */
    int strange;
    struct wentry entries[ENTRIES_MAX];
    int nentries;
};

struct world {
    struct wcert certs[CERTS_MAX]; /* the first is the leaf */
    struct wlist lists[LISTS_MAX];
    int ncerts, nlists;
    bool is_required, is_of_clients;
};

/* What is critical and nobody's: of a certificate and of a list. And of an entry: the last one is no harm. */
static const struct forge_ext strange_exts[] = {{"1.2.643.99.1", "critical,DER:0500"},
                                                {"1.3.6.1.5.5.7.1.1", "critical,DER:3000"},
                                                {"2.5.29.46", "critical,DER:3000"},
                                                {"1.3.6.1.5.5.7.1.24", "critical,DER:3003020105"}};
#define STRANGE (int)(sizeof strange_exts / sizeof strange_exts[0])
static const struct forge_ext entry_exts[] = {{NULL, NULL},
                                              {"1.2.643.99.2", "critical,DER:0500"},
                                              {"2.5.29.29", "critical,DER:300C820A652E6578616D706C65"},
                                              {"2.5.29.24", "DER:180F32303235303130313030303030305A"}};
enum { ENTRY_PLAIN, ENTRY_STRANGE, ENTRY_OTHER_ISSUER, ENTRY_DATED, ENTRY_EXTS };

static const char *const world_names[] = {"Root", "Sub", "Below", "Signer"};
static const char *const world_keys[KEYS + 1] = {"root", "imposter", "inter", "other", "byinter", "g256a"};
#define LEAF_KEY KEYS

static const char *const scope_ders[SCOPES] = {[SCOPE_USERS] = "critical,DER:30038101FF",
                                               [SCOPE_AUTHORITIES] = "critical,DER:30038201FF",
                                               [SCOPE_POINT] = "critical,DER:300EA00CA00A8608687474703A2F2F31",
                                               [SCOPE_REASONS] = "critical,DER:300483020560",
                                               [SCOPE_INDIRECT] = "critical,DER:30038401FF",
                                               [SCOPE_ATTRIBUTES] = "critical,DER:30038501FF",
                                               [SCOPE_BOTH] = "critical,DER:30068101FF8201FF"};

/* ---- in earnest ---- */

struct made {
    X509 *certs[CERTS_MAX];
    X509_CRL *lists[LISTS_MAX];
};

static EVP_PKEY *world_key(int i)
{
    static EVP_PKEY *kept[KEYS + 1];
    if (kept[i] == NULL)
        kept[i] = forge_key(world_keys[i]);
    return kept[i];
}

static void keys_free(void)
{
    for (int i = 0; i <= KEYS; i++)
        EVP_PKEY_free(world_key(i));
}

/* "": it has none. by: whose name and number it has, who has a subjectKeyIdentifier. */
static struct forge_ext aki_ext(enum aki aki)
{
    static const char *const values[AKIS] = {[AKI_KEY] = "keyid:always",
                                             [AKI_SERIAL] = "issuer:always",
                                             [AKI_BOTH] = "keyid:always,issuer:always",
                                             [AKI_WRONG_KEY] = "DER:30048002AABB",
                                             [AKI_OTHERS] = "issuer:always"};
    return (struct forge_ext){aki == AKI_WRONG_KEY ? "2.5.29.35" : "authorityKeyIdentifier", values[aki]};
}

static const char *usage_text(int usage)
{
    return arena_printf(pki_arena, "critical%s%s%s%s", (usage & USE_CERTS) != 0 ? ",keyCertSign" : "",
                        (usage & USE_LISTS) != 0 ? ",cRLSign" : "", (usage & USE_SIGN) != 0 ? ",digitalSignature" : "",
                        (usage & USE_ENCIPHER) != 0 ? ",keyEncipherment" : "");
}

static void cert_extend(X509 *x, X509 *by, struct forge_ext ext)
{
    X509_EXTENSION *made = forge_extension(&ext, by, x);
    X509_add_ext(x, made, -1);
    X509_EXTENSION_free(made);
}

static X509 *cert_begin(const struct wcert *c)
{
    X509 *x = X509_new();
    X509_NAME *name = forge_name(world_names[c->name]), *issuer = forge_name(world_names[c->issuer_name]);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), c->serial);
    X509_set_subject_name(x, name);
    X509_set_issuer_name(x, issuer);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(T0 + c->from * INSTANT));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(T0 + c->to * INSTANT));
    X509_set_pubkey(x, world_key(c->key));
    X509_NAME_free(name);
    X509_NAME_free(issuer);
    return x;
}

/* Whoever it is told of by its authorityKeyIdentifier is made first; in a ring it tells of itself. */
static void cert_make(const struct world *w, struct made *m, int i, unsigned in_hand)
{
    const struct wcert *c = &w->certs[i];
    bool is_own = c->by == i || (in_hand >> c->by & 1) != 0;
    if (!is_own && m->certs[c->by] == NULL)
        cert_make(w, m, c->by, in_hand | 1U << i);
    X509 *x = m->certs[i] = cert_begin(c), *by = is_own ? x : m->certs[c->by];
    if (c->is_ca && c->pathlen != WITHOUT)
        cert_extend(
            x, x,
            (struct forge_ext){"basicConstraints", arena_printf(pki_arena, "critical,CA:TRUE,pathlen:%d", c->pathlen)});
    else
        cert_extend(x, x, (struct forge_ext){"basicConstraints", c->is_ca ? "critical,CA:TRUE" : "CA:FALSE"});
    if (c->usage != 0)
        cert_extend(x, x, (struct forge_ext){"keyUsage", usage_text(c->usage)});
    cert_extend(x, x, (struct forge_ext){"subjectKeyIdentifier", "hash"});
    if (c->aki != AKI_NONE)
        cert_extend(x, by, aki_ext(c->aki));
    if (c->wants_reasons)
        cert_extend(x, x, (struct forge_ext){"2.5.29.31", "critical,DER:300D300BA005A00386017881020640"});
    else if (c->names_point)
        cert_extend(x, x, (struct forge_ext){"crlDistributionPoints", "URI:http://1"});
    if (c->is_strange)
        cert_extend(x, x, strange_exts[c->strange]);
    if (c->is_double)
        cert_extend(x, x, (struct forge_ext){"subjectKeyIdentifier", "hash"});
    assert_true(X509_sign(x, world_key(c->signer_key), forge_digest()) > 0);
}

static void list_extend(X509_CRL *crl, X509 *by, struct forge_ext ext)
{
    X509_EXTENSION *made = forge_extension(&ext, by, NULL);
    X509_CRL_add_ext(crl, made, -1);
    X509_EXTENSION_free(made);
}

static void entry_make(X509_CRL *crl, const struct wentry *e, const ASN1_TIME *t, X509 *by)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, e->serial);
    X509_REVOKED_set_serialNumber(r, serial);
    X509_REVOKED_set_revocationDate(r, (ASN1_TIME *)(uintptr_t)t);
    if (e->reason != WITHOUT) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        ASN1_ENUMERATED_set(reason, e->reason);
        X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0);
        ASN1_ENUMERATED_free(reason);
    }
    if (e->ext != ENTRY_PLAIN) {
        X509_EXTENSION *ext = forge_extension(&entry_exts[e->ext], by, NULL);
        X509_REVOKED_add_ext(r, ext, -1);
        X509_EXTENSION_free(ext);
    }
    ASN1_INTEGER_free(serial);
    X509_CRL_add0_revoked(crl, r);
}

static void list_begin(X509_CRL *crl, const struct wlist *l, ASN1_TIME *t)
{
    X509_NAME *name = forge_name(world_names[l->name]);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, name);
    X509_NAME_free(name);
    if (l->to != WITHOUT) {
        ASN1_TIME_set(t, (time_t)(T0 + l->to * INSTANT));
        X509_CRL_set1_nextUpdate(crl, t);
    }
    ASN1_TIME_set(t, (time_t)(T0 + l->from * INSTANT));
    X509_CRL_set1_lastUpdate(crl, t);
}

static X509_CRL *list_make(const struct wlist *l, X509 *by)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = ASN1_TIME_new();
    list_begin(crl, l, t);
    for (int i = 0; i < l->nentries; i++)
        entry_make(crl, &l->entries[i], t, by);
    if (l->aki != AKI_NONE)
        list_extend(crl, by, aki_ext(l->aki));
    if (l->number != WITHOUT)
        list_extend(crl, by,
                    (struct forge_ext){"2.5.29.20", arena_printf(pki_arena, "DER:0201%02X", (unsigned)l->number)});
    if (l->base != WITHOUT)
        list_extend(
            crl, by,
            (struct forge_ext){"2.5.29.27", arena_printf(pki_arena, "critical,DER:0201%02X", (unsigned)l->base)});
    if (l->scope != SCOPE_NONE)
        list_extend(crl, by, (struct forge_ext){"2.5.29.28", scope_ders[l->scope]});
    if (l->has_passed_over)
        list_extend(crl, by, (struct forge_ext){"2.5.29.46", "DER:3000"});
    if (l->is_strange)
        list_extend(crl, by, strange_exts[l->strange]);
    if (l->is_double) {
        list_extend(crl, by, (struct forge_ext){"1.2.643.99.3", "DER:0500"});
        list_extend(crl, by, (struct forge_ext){"1.2.643.99.3", "DER:0500"});
    }
    assert_true(X509_CRL_sign(crl, world_key(l->key), forge_digest()) > 0);
    ASN1_TIME_free(t);
    return crl;
}

static void world_make(const struct world *w, struct made *m)
{
    *m = (struct made){0};
    for (int i = 0; i < w->ncerts; i++)
        if (m->certs[i] == NULL)
            cert_make(w, m, i, 1U << i);
    for (int i = 0; i < w->nlists; i++)
        m->lists[i] = list_make(&w->lists[i], m->certs[w->lists[i].by]);
}

static void made_free(struct made *m)
{
    for (int i = 0; i < CERTS_MAX; i++)
        X509_free(m->certs[i]);
    for (int i = 0; i < LISTS_MAX; i++)
        X509_CRL_free(m->lists[i]);
}

/* The files of it, loaded. */
static struct trust *world_load(const struct world *w, const struct made *m)
{
    X509 *of[PLACE_NOWHERE + 1][CERTS_MAX];
    unsigned n[PLACE_NOWHERE + 1] = {0};
    for (int i = 0; i < w->ncerts; i++)
        of[w->certs[i].place][n[w->certs[i].place]++] = m->certs[i];
    struct trust_conf conf = {.anchors_file = forge_write_certs("anchors", of[PLACE_ANCHOR], n[PLACE_ANCHOR]),
                              .chain_file = forge_write_certs("chain", of[PLACE_CHAIN], n[PLACE_CHAIN]),
                              .crl_file = forge_write_crls("crls", m->lists, (unsigned)w->nlists),
                              .crl_required = w->is_required,
                              .use = w->is_of_clients ? TRUST_OF_CLIENTS : TRUST_OF_MESSAGES};
    struct trust *t = NULL;
    struct error e = {0};
    if (trust_load(pki_arena, &conf, &t, &e) != ERR_OK)
        fail_msg("a world cannot be loaded: %s", e.detail);
    return t;
}
