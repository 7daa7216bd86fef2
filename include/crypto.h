/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * GOST digests, signatures, certificates, and TLS as a filter over memory. The only user of OpenSSL.
 *
 * crypto_init() loads gost-engine by code (ENGINE_by_id), so no system-wide OpenSSL configuration is needed. Keys,
 * certificates and trust stores are read-only once made and may be used by several threads at once.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

MUST_CHECK enum err crypto_init(struct error *e); /* once, before any thread; fails when the engine is missing */
void crypto_fini(void);

/* ---- digests ---- */

enum digest_alg {
    DIGEST_GOST94,      /* GOST R 34.11-94, CryptoPro S-box: 32 bytes */
    DIGEST_STREEBOG256, /* GOST R 34.11-2012, 256 bit */
    DIGEST_STREEBOG512, /* GOST R 34.11-2012, 512 bit */
    DIGEST_SHA256,      /* inner use: content hashes, certificate fingerprints */
    DIGEST_COUNT
};
#define DIGEST_MAX 64

size_t digest_size(enum digest_alg alg);
MUST_CHECK enum err digest_once(enum digest_alg alg, const void *p, size_t n, unsigned char out[DIGEST_MAX],
                                struct error *e);
/*
 * Several of them over a file of any size, read once from its beginning in small pieces; its size beside them. May wait
 * for a disk: for threads of their own. ERR_SYSTEM: it cannot be read.
 */
MUST_CHECK enum err digest_file(int file, const enum digest_alg *algs, unsigned n, unsigned char (*out)[DIGEST_MAX],
                                uint64_t *size, struct error *e);

/* ---- keys and signatures ---- */

enum sign_alg {
    SIGN_GOST2001, /* GOST R 34.10-2001 with GOST R 34.11-94: verified only, and only when enabled */
    SIGN_GOST2012_256,
    SIGN_GOST2012_512,
    SIGN_COUNT
};
#define SIGNATURE_MAX 128

enum digest_alg sign_alg_digest(enum sign_alg alg); /* the digest that belongs to the signature algorithm */

struct cert; /* an X.509 certificate */
struct key;  /* a private key together with its certificate */

/* key_file and cert_file are PEM. Fails unless they belong together and the key is GOST R 34.10-2012. Freed with a. */
MUST_CHECK enum err key_load(struct arena *a, const char *key_file, const char *cert_file, struct key **out,
                             struct error *e);
struct key *key_share(struct arena *a, const struct key *k); /* the same once more, freed with a */
enum sign_alg key_alg(const struct key *k);
const struct cert *key_cert(const struct key *k);
/* Writes s || r, big-endian each (64 or 128 bytes): the bytes SMEV expects in SignatureValue. */
MUST_CHECK enum err key_sign(const struct key *k, const void *p, size_t n, unsigned char out[SIGNATURE_MAX],
                             size_t *out_n, struct error *e);

MUST_CHECK enum err cert_from_der(struct arena *a, struct span der, struct cert **out, struct error *e);
MUST_CHECK enum err cert_load(struct arena *a, const char *pem_file, struct cert **out,
                              struct error *e);                 /* first certificate of the file */
struct cert *cert_share(struct arena *a, const struct cert *c); /* the same once more, freed with a */
struct span cert_der(const struct cert *c);
const unsigned char *cert_fingerprint(const struct cert *c); /* SHA-256 of the DER: 32 bytes */
const char *cert_subject(const struct cert *c);              /* RFC 2253, UTF-8; may name a person: not for the log */
/*
 * For the log, which certificate it is: "certificate sha256 AB:CD:…, subject [O=…, CN=…], issuer […], serial 01". The
 * fingerprint as openssl x509 writes it. Names are cut, and what in them acts on a screen is a question mark; a person
 * is told by organization and serial number alone (docs/decisions/0323). Less than CERT_WORDS_SIZE bytes.
 */
#define CERT_WORDS_SIZE 768
const char *cert_describe(struct arena *a, const struct cert *c);
/* The same of what somebody sent for a certificate: where it is none, of these octets the fingerprint is told. */
const char *cert_describe_octets(struct arena *a, struct span der);
const char *cert_fingerprint_text(struct arena *a, const struct cert *c); /* AB:CD:… */
/*
 * The one way to say that a certificate was refused: who (of cert_describe()), why, and what the operator can do (NULL:
 * nothing). Sets e as error_set() does; returns code.
 */
enum err cert_refused(struct error *e, enum err code, const char *who, const char *why, const char *advice);
bool cert_has_subject_of(const struct cert *c, const struct cert *other); /* one name, and not an empty one */
MUST_CHECK enum err cert_sign_alg(const struct cert *c, enum sign_alg *out,
                                  struct error *e); /* ERR_ALGORITHM unless the key is GOST */
int64_t cert_not_after(const struct cert *c);       /* seconds since 1970 */
/* Of its dates and of privateKeyUsagePeriod the later beginning and the earlier end: from, and until, its key may sign.
 */
int64_t cert_signs_from(const struct cert *c);
int64_t cert_signs_until(const struct cert *c);
/* ERR_OK only for a good signature; ERR_CHECK for a bad one; ERR_ALGORITHM when the key is of another kind than alg. */
MUST_CHECK enum err cert_verify(const struct cert *c, enum sign_alg alg, const void *p, size_t n, const void *sig,
                                size_t sig_n, struct error *e);

/*
 * Certificates found by their octets (DER): one that comes with every message need be read once only. Filled by one
 * thread, at most `most` of them, then read by any number. The certificates are the caller's and live as long as it.
 */
struct cert_set;
struct cert_set *cert_set_new(struct arena *a, size_t most);
void cert_set_add(struct cert_set *s, const struct cert *c);
const struct cert *cert_set_find(const struct cert_set *s, struct span der); /* NULL: none of them, or s is NULL */

/* ---- trust ---- */

struct trust; /* anchors, intermediate certificates, CRLs, and the verdicts cached by fingerprint */

/* Clients of TLS may have other keys than GOST; what suits OpenSSL as the certificate of a client must suit it here. */
enum trust_use { TRUST_OF_MESSAGES, TRUST_OF_CLIENTS };

struct trust_conf {
    const char *anchors_file; /* PEM, required */
    const char *chain_file;   /* PEM, intermediates; may be NULL */
    const char *crl_file;     /* PEM, one or several CRLs, or a folder of such files (*.crl, *.pem); may be NULL */
    bool crl_required;        /* no CRL, or one past its nextUpdate, refuses the certificate */
    enum trust_use use;       /* of clients: what another certificate of anchors_file issued counts as of chain_file */
};
MUST_CHECK enum err trust_load(struct arena *a, const struct trust_conf *conf, struct trust **out, struct error *e);
/* What kind of objection it was, for whoever tells an operator. */
enum trust_reason {
    TRUST_GOOD,
    TRUST_BROKEN,    /* an extension or key that cannot be read or judged, a chain that is not GOST */
    TRUST_DATES,     /* of it, of its key, or of an issuer */
    TRUST_USAGE,     /* it is not for signatures */
    TRUST_REVOKED,   /* it, or an issuer */
    TRUST_NO_LIST,   /* no revocation list that can be used */
    TRUST_NO_ISSUER, /* no path to an anchor */
};
/*
 * RFC 5280 section 6: some path to an anchor on which dates, revocation, purposes and every critical extension are in
 * order. ERR_OK only for a good one. Thread-safe; a good verdict is cached until the earliest notAfter or nextUpdate on
 * its path and at most 10 minutes; a bad one is not cached. reason: of the verdict; may be NULL.
 */
MUST_CHECK enum err trust_check(struct trust *t, const struct cert *c, int64_t now_s, enum trust_reason *reason,
                                struct error *e);

/* The same without the cache. */
struct trust_verdict {
    enum trust_reason reason;
    int64_t end_s; /* of a good one: when it must be found anew */
};
MUST_CHECK enum err trust_judge(const struct trust *t, const struct cert *c, int64_t now_s, struct trust_verdict *v,
                                struct error *e);
const char *trust_advice(enum trust_reason reason, enum trust_use use); /* what an operator can do about it */

/* What was loaded, one by one. A certificate or list that cannot be judged is left out and says why. */
enum trust_kind { TRUST_ANCHOR, TRUST_CHAIN, TRUST_CRL };
struct trust_item {
    enum trust_kind kind;
    const char *label;             /* of the certificate's subject, of the list's issuer */
    const char *serial;            /* of a list its cRLNumber; hexadecimal digits, "-" without */
    int64_t not_before, not_after; /* of a list thisUpdate and nextUpdate; 0 when it could not be read */
    const char *refused;           /* NULL: it is used */
    bool is_superseded;            /* there is a newer list: that this one ends means nothing */
    const char *sha256;            /* of a certificate: its fingerprint; NULL otherwise */
    bool lacks_list;               /* lists are required, and of this authority there is none that can be used */
};
const struct trust_item *trust_items(const struct trust *t, unsigned *n);
bool trust_is_over(const struct trust *t, int64_t now_s);        /* no anchor is in date: nobody is believed */
bool trust_lists_are_over(const struct trust *t, int64_t now_s); /* it has lists, and none of them is in date */
/* Earliest expiry among the anchors, and nextUpdate among the newest CRLs (0 without CRL); seconds since 1970. */
int64_t trust_anchor_not_after(const struct trust *t);
int64_t trust_crl_next_update(const struct trust *t);

/* ---- TLS: bytes in, bytes out, no socket ---- */

/*
 * What new connections of a listener begin with: certificate and key, whose clients are believed, the keys of tickets.
 * Read-only once made; references may be taken and given back on any thread, and each connection has one. The last one
 * frees it, which takes long where revocation lists are large.
 */
struct tls_ctx;
struct tls;

struct tls_conf {
    const char *cert_file;      /* PEM chain */
    const char *key_file;       /* PEM */
    const char *client_ca_file; /* PEM; NULL: no client certificates asked for */
    const char
        *client_crl_file; /* PEM, or a folder; NULL: revocation is not asked about. With it: lists are required */
    bool client_required;
    const char *ciphers; /* OpenSSL cipher list for TLS 1.2; NULL: the engine's GOST suites and modern AEAD ones */
    const struct tls_ctx *identity_of; /* not NULL: certificate and key are that one's, and no file is read for them */
    const struct tls_ctx *clients_of;  /* the same for whose clients are believed */
};
/* The reference is a's. */
MUST_CHECK enum err tls_ctx_new(struct arena *a, const struct tls_conf *conf, struct tls_ctx **out, struct error *e);
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx);
void tls_ctx_unref(struct tls_ctx *ctx);           /* NULL is allowed */
bool tls_ctx_is_shared(const struct tls_ctx *ctx); /* somebody beside the caller has a reference */
/* Its own certificates, the server's first, then its chain. Their kind means nothing. */
const struct trust_item *tls_ctx_own(const struct tls_ctx *ctx, unsigned *n);
const struct trust *tls_ctx_clients(const struct tls_ctx *ctx); /* NULL: no client certificates are asked for */
struct tls *tls_new(struct tls_ctx *ctx);                       /* server side; never NULL */
void tls_free(struct tls *t);

enum tls_status { TLS_OK, TLS_CLOSED, TLS_FAILED };
const char *tls_failure(const struct tls *t); /* words for the log; "" while nothing has failed */
/* Why its certificate, or that there was none, ended the handshake: one of a few fixed texts. NULL: it did not. */
const char *tls_client_refused(const struct tls *t);
/*
 * One filter is never in two threads' hands at once; within that, every call may come from any thread.
 *
 * Feeds ciphertext off the wire. Cheap, as tls_has_step() and tls_pending() are: nothing is computed.
 */
MUST_CHECK enum tls_status tls_feed(struct tls *t, const void *p, size_t n);
/* A whole record of the handshake has come, or what can never be one: tls_handshake() would get on with it. */
bool tls_has_step(const struct tls *t);
/* As far as what was fed allows. Milliseconds of computing: signatures, key exchange, the client's certificates. */
MUST_CHECK enum tls_status tls_handshake(struct tls *t);
bool tls_is_shaken(const struct tls *t);  /* the handshake is done: bytes may be read and written */
size_t tls_unread(const struct tls *t);   /* ciphertext that was fed and not yet looked at; cheap */
bool tls_is_resumed(const struct tls *t); /* it was cheap: the client had a ticket */
bool tls_is_slow(const struct tls *t);    /* a GOST suite, computed in software: some 60 ms a MiB, others 1 to 3 */
/*
 * Takes decrypted bytes: fills buf, sets *n (0: none yet, always so before the handshake is done). TLS_FAILED also for
 * a peer that keeps changing keys or asking for another handshake instead of saying something.
 */
MUST_CHECK enum tls_status tls_read(struct tls *t, void *p, size_t cap, size_t *n);
/* Encrypts all of p; the ciphertext waits for tls_pending(). */
MUST_CHECK enum tls_status tls_write(struct tls *t, const void *p, size_t n);
void tls_close_notify(struct tls *t);
/* Ciphertext to put on the wire (handshake answers too): fills buf, returns the number of bytes, 0 when there is none.
 */
size_t tls_pending(struct tls *t, void *p, size_t cap);
bool tls_peer_fingerprint(const struct tls *t, unsigned char out[32]); /* false without a client certificate */
