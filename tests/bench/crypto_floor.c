/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The cryptography of one signed exchange and nothing else, straight from the engine: the request's signature is
 * checked, the answer's is made, and the digests of the signed octets of both are computed. What they take is the floor
 * under the daemon's own CPU for such a message.
 *
 * crypto_floor REQUEST ANSWER CERT KEY SECONDS
 *
 * REQUEST and ANSWER are one exchange as it went over the wire, CERT is the sender's, KEY the agency's. Works at a
 * fraction of the time only, so that it can run beside what it is compared with, and prints microseconds of CPU for
 * one exchange. Exits with 1 when the request's signature or a digest is wrong: then the octets are not the signed
 * ones.
 */
#include "crypto.h"
#include "smev.h"
#include "xml.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BURST    20        /* exchanges without a pause: the first of them finds cold caches, as the daemon's may */
#define PAUSE_NS 150000000 /* between bursts: some five per cent of one core are taken */

/* What a signature covers: Body by way of its digest, SignedInfo directly. */
struct signed_octets {
    struct span body, info;
    struct span digest, value; /* as the message states them */
};

struct exchange {
    struct signed_octets request, answer;
    EVP_PKEY *sender, *agency;
    const EVP_MD *streebog, *sha256;
};

static struct xml_node *find_below(struct xml_node *top, const char *local)
{
    for (struct xml_node *n = xml_walk(top, top); n != NULL; n = xml_walk(top, n))
        if (xml_is(n, NULL, local))
            return n;
    return NULL;
}

static enum err octets_of(struct arena *a, const struct xml_node *node, struct span *out, struct error *e)
{
    struct buf b;
    buf_init(&b, a, 4096);
    enum err err = node == NULL ? error_set(e, ERR_INPUT, "not a signed message") : xml_c14n(node, NULL, &b, e);
    *out = buf_span(&b);
    return err;
}

static enum err value_of(struct arena *a, const struct xml_node *node, struct span *out, struct error *e)
{
    const char *text = node == NULL ? NULL : xml_text(a, node);
    return text != NULL && base64_decode(a, span_of(text), out) ? ERR_OK : error_set(e, ERR_INPUT, "no value");
}

static enum err file_octets(struct arena *a, const char *path, struct span *out, struct error *e)
{
    FILE *f = fopen(path, "re");
    char piece[4096];
    struct buf b;
    buf_init(&b, a, sizeof piece);
    for (size_t n; f != NULL && (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&b, piece, n);
    if (f != NULL)
        (void)fclose(f);
    *out = buf_span(&b);
    return out->n > 0 ? ERR_OK : error_set(e, ERR_INPUT, "%s: cannot be read", path);
}

static enum err message_read(struct arena *a, const char *path, struct signed_octets *out, struct error *e)
{
    struct span text;
    struct xml_doc *doc;
    enum err err = file_octets(a, path, &text, e);
    if (err == ERR_OK)
        err = xml_parse(a, text, &doc, e);
    if (err != ERR_OK)
        return err;
    struct xml_node *root = xml_root(doc), *info = find_below(root, "SignedInfo");
    err = octets_of(a, xml_first(root, NS_SOAP, "Body"), &out->body, e);
    if (err == ERR_OK)
        err = octets_of(a, info, &out->info, e);
    if (err == ERR_OK)
        err = value_of(a, find_below(info, "DigestValue"), &out->digest, e);
    if (err == ERR_OK)
        err = value_of(a, find_below(root, "SignatureValue"), &out->value, e);
    return err;
}

static EVP_PKEY *key_read(const char *path, bool is_private)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *key = NULL;
    X509 *x = NULL;
    if (f == NULL)
        return NULL;
    if (is_private)
        key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    else if ((x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL)
        key = X509_get_pubkey(x);
    X509_free(x);
    (void)fclose(f);
    return key;
}

static bool is_digest_right(const EVP_MD *md, const struct signed_octets *m)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    return EVP_Digest(m->body.p, m->body.n, digest, &n, md, NULL) == 1 && n == m->digest.n &&
           memcmp(digest, m->digest.p, n) == 0;
}

static bool request_is_good(const struct exchange *x)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    const struct signed_octets *m = &x->request;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, x->streebog, NULL, x->sender) == 1 &&
                   EVP_DigestVerify(ctx, (const unsigned char *)m->value.p, m->value.n,
                                    (const unsigned char *)m->info.p, m->info.n) == 1;
    EVP_MD_CTX_free(ctx);
    /* what the message is known by in the journal */
    return is_good && is_digest_right(x->streebog, m) &&
           EVP_Digest(m->body.p, m->body.n, digest, NULL, x->sha256, NULL) == 1;
}

static bool answer_is_signed(const struct exchange *x)
{
    unsigned char value[SIGNATURE_MAX];
    size_t size = sizeof value;
    const struct signed_octets *m = &x->answer;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = is_digest_right(x->streebog, m) && ctx != NULL &&
                   EVP_DigestSignInit(ctx, NULL, x->streebog, NULL, x->agency) == 1 &&
                   EVP_DigestSign(ctx, value, &size, (const unsigned char *)m->info.p, m->info.n) == 1;
    EVP_MD_CTX_free(ctx);
    return is_good && size == m->value.n;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Microseconds of CPU for one exchange; 0: something is wrong with it. */
static double exchange_cost_us(const struct exchange *x, double seconds)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    const double end_s = seconds_of(CLOCK_MONOTONIC) + seconds;
    double spent_s = 0;
    unsigned n = 0;
    do {
        const double before_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        for (unsigned i = 0; i < BURST; i++, n++)
            if (!request_is_good(x) || !answer_is_signed(x))
                return 0;
        spent_s += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before_s;
        (void)nanosleep(&pause, NULL);
    } while (seconds_of(CLOCK_MONOTONIC) < end_s);
    return spent_s * 1e6 / n;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        (void)fputs("usage: crypto_floor REQUEST ANSWER CERT KEY SECONDS\n", stderr);
        return 2;
    }
    struct error e = {0};
    struct arena *a = arena_new();
    struct exchange x = {0};
    double cost_us = 0;
    enum err err = crypto_init(&e);
    xml_init();
    if (err == ERR_OK)
        err = message_read(a, argv[1], &x.request, &e);
    if (err == ERR_OK)
        err = message_read(a, argv[2], &x.answer, &e);
    x.sender = key_read(argv[3], false);
    x.agency = key_read(argv[4], true);
    x.streebog = EVP_get_digestbyname("md_gost12_256");
    x.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (err == ERR_OK && x.sender != NULL && x.agency != NULL)
        cost_us = exchange_cost_us(&x, strtod(argv[5], NULL));
    if (cost_us > 0)
        (void)printf("%.1f\n", cost_us);
    else
        (void)fprintf(stderr, "crypto_floor: %s\n",
                      err != ERR_OK ? e.detail : "a key, a digest or a signature is wrong");
    EVP_PKEY_free(x.sender);
    EVP_PKEY_free(x.agency);
    arena_free(a);
    return cost_us > 0 ? 0 : 1;
}
