/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * For the tests of smev/: keys made by the openssl program with the GOST engine, and a writer of signed envelopes that
 * is not the daemon's: every part of it can be replaced, and what it writes is signed after the replacement, so that a
 * refusal is due to the rule under test and not to a broken digest.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "crypto.h"
#include "smev.h"
#include "whole_file.h"
#include "xml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EXC_C14N       "http://www.w3.org/2001/10/xml-exc-c14n#"
#define URN_ALG        "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
#define HTTP_ALG       "http://www.w3.org/2001/04/xmldsig-more#"
#define TRANSFORM(uri) "<ds:Transform Algorithm=\"" uri "\"/>"
#define ONE_TRANSFORM  "<ds:Transforms>" TRANSFORM(EXC_C14N) "</ds:Transforms>"

struct kit_signer {
    struct key *key; /* NULL for 2001: only the openssl program signs with it */
    struct cert *cert;
    const char *key_file, *cert_file;
    enum sign_alg alg;
    const char *engine_digest;
};

struct kit {
    struct arena *arena;
    char folder[64];
    struct kit_signer ca, signer, signer512, signer2001, other, stranger;
    struct trust *trust;
    int64_t now_s;
};

static struct kit kit;

static void kit_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void kit_run(const char *fmt, ...)
{
    char said[4096];
    va_list ap;
    va_start(ap, fmt);
    assert_in_range(vsnprintf(said, sizeof said, fmt, ap), 1, sizeof said - 1);
    va_end(ap);
    const char *command = arena_printf(kit.arena, "cd %s && { %s; } >>log 2>&1", kit.folder, said);
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        abort();
    }
}

static struct kit_signer kit_signer_new(const char *name, enum sign_alg alg, bool signed_by_ca)
{
    static const char *const kinds[] = {"gost2001 -pkeyopt paramset:A", "gost2012_256 -pkeyopt paramset:TCA",
                                        "gost2012_512 -pkeyopt paramset:A"};
    static const char *const digests[] = {"md_gost94", "md_gost12_256", "md_gost12_512"};
    struct kit_signer s = {.alg = alg, .engine_digest = digests[alg]};
    s.key_file = arena_printf(kit.arena, "%s/%s.key", kit.folder, name);
    s.cert_file = arena_printf(kit.arena, "%s/%s.pem", kit.folder, name);
    kit_run("openssl genpkey -engine gost -algorithm %s -out %s.key", kinds[alg], name);
    if (signed_by_ca) {
        kit_run("openssl req -engine gost -new -key %s.key -subj '/C=RU/O=Test/CN=%s' -out %s.csr", name, name, name);
        kit_run("openssl x509 -engine gost -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile "
                "ext -out %s.pem",
                name, name);
    } else {
        kit_run("openssl req -engine gost -new -x509 -days 30 -key %s.key -subj '/C=RU/O=Test/CN=%s' -out %s.pem", name,
                name, name);
    }
    struct error e = {0};
    assert_int_equal(cert_load(kit.arena, s.cert_file, &s.cert, &e), ERR_OK);
    if (alg != SIGN_GOST2001)
        assert_int_equal(key_load(kit.arena, s.key_file, s.cert_file, &s.key, &e), ERR_OK);
    return s;
}

static int kit_setup(void **state)
{
    (void)state;
    struct error e = {0};
    if (crypto_init(&e) != ERR_OK) {
        fprintf(stderr, "crypto_init: %s\n", e.detail);
        return -1;
    }
    xml_init();
    kit.arena = arena_new();
    snprintf(kit.folder, sizeof kit.folder, "/tmp/zapisd-smev-test-XXXXXX");
    if (!mkdtemp(kit.folder))
        return -1;
    kit_run("printf 'keyUsage=critical,digitalSignature,nonRepudiation\\nbasicConstraints=critical,CA:FALSE\\n' > ext");
    kit.ca = kit_signer_new("ca", SIGN_GOST2012_256, false);
    kit.signer = kit_signer_new("signer", SIGN_GOST2012_256, true);
    kit.signer512 = kit_signer_new("signer512", SIGN_GOST2012_512, true);
    kit.signer2001 = kit_signer_new("signer2001", SIGN_GOST2001, true);
    kit.other = kit_signer_new("other", SIGN_GOST2012_256, true);
    kit.stranger = kit_signer_new("stranger", SIGN_GOST2012_256, false);
    struct trust_conf conf = {.anchors_file = kit.ca.cert_file};
    assert_int_equal(trust_load(kit.arena, &conf, &kit.trust, &e), ERR_OK);
    kit.now_s = cert_signs_from(kit.signer.cert) + 3600;
    return 0;
}

static int kit_teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", kit.folder);
    int rc = system(command);
    arena_free(kit.arena);
    xml_fini();
    crypto_fini();
    return rc;
}

/* Prescan and parse, as the daemon does it. */
static enum err kit_parse(struct arena *a, const char *text, struct xml_doc **doc, struct error *e)
{
    enum err err = xml_prescan(span_of(text), &xml_limits_default, e);
    return err ? err : xml_parse(a, span_of(text), doc, e);
}

static inline struct wsse_policy kit_policy(void)
{
    return (struct wsse_policy){.trust = kit.trust, .now_s = kit.now_s, .require_smev = true};
}

/* ---- a writer of signed envelopes ---- */

#define RECIPE_REFS_MAX 20

struct recipe_ref {
    const char *uri;        /* "#body" */
    const char *transforms; /* ONE_TRANSFORM */
    const char *digest_uri;
    enum digest_alg digest_alg;
    const char *digest_value; /* replaces the right one */
    const char *extra;        /* behind DigestValue */
    const char *attrs;
};

struct recipe {
    const struct kit_signer *signer; /* kit.signer */
    const struct cert *token_cert;   /* the signer's */
    const char *envelope_ns;         /* SOAP 1.1 */
    const char *before_header, *header_first, *header_last, *between, *after_body;
    const char *actor, *security_attrs, *security_first, *security_last;
    const char *token;                               /* the whole element */
    const char *token_attrs;                         /* EncodingType and ValueType */
    const char *c14n, *sign_uri, *sign_method;       /* c14n, sign_method: whole elements */
    const char *info_attrs, *info_last, *info_first; /* raw */
    const char *signature_attrs, *signature_last, *signature_first;
    const char *key_info; /* the whole element; "" for none */
    const char *value;    /* replaces the right SignatureValue's text */
    const char *body;     /* the whole element */
    struct recipe_ref refs[RECIPE_REFS_MAX];
    unsigned nrefs;
};

#define OR(a, b) ((a) ? (a) : (b))
#define DEFAULT_BODY                                                                                                   \
    "<S:Body wsu:Id=\"body\"><eq:cancelBookingRequest "                                                                \
    "xmlns:eq=\"http://epgu.rtlabs.ru/equeue/ws/\"><eq:bookId>GOOD</eq:bookId>"                                        \
    "</eq:cancelBookingRequest></S:Body>"
#define TOKEN_TYPES                                                                                                    \
    "EncodingType=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary\" " \
    "ValueType=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3\""
#define STR(uri) "<wsse:SecurityTokenReference><wsse:Reference URI=\"" uri "\"/></wsse:SecurityTokenReference>"

static void kit_write_info(const struct recipe *r, char digests[][256], struct buf *b)
{
    const struct kit_signer *s = OR(r->signer, &kit.signer);
    buf_printf(b, "<ds:SignedInfo%s>%s", OR(r->info_attrs, ""), OR(r->info_first, ""));
    buf_add_str(b, OR(r->c14n, "<ds:CanonicalizationMethod Algorithm=\"" EXC_C14N "\"/>"));
    if (r->sign_method)
        buf_add_str(b, r->sign_method);
    else
        buf_printf(b, "<ds:SignatureMethod Algorithm=\"%s\"/>", OR(r->sign_uri, dsig_sign_uri(s->alg)));
    unsigned n = r->nrefs == UINT32_MAX ? 0 : r->nrefs ? r->nrefs : 1;
    for (unsigned i = 0; i < n; i++) {
        const struct recipe_ref *ref = &r->refs[i];
        buf_printf(b,
                   "<ds:Reference URI=\"%s\"%s>%s<ds:DigestMethod "
                   "Algorithm=\"%s\"/><ds:DigestValue>%s</ds:DigestValue>%s</ds:Reference>",
                   OR(ref->uri, "#body"), OR(ref->attrs, ""), OR(ref->transforms, ONE_TRANSFORM),
                   OR(ref->digest_uri, dsig_digest_uri(ref->digest_uri ? ref->digest_alg : sign_alg_digest(s->alg))),
                   digests[i], OR(ref->extra, ""));
    }
    buf_printf(b, "%s</ds:SignedInfo>", OR(r->info_last, ""));
}

static char *kit_compose(struct arena *a, const struct recipe *r, char digests[][256], const char *value)
{
    const struct kit_signer *s = OR(r->signer, &kit.signer);
    struct buf b;
    buf_init(&b, a, 8192);
    buf_printf(
        &b, "<S:Envelope xmlns:S=\"%s\" xmlns:wsu=\"" NS_WSU "\" xmlns:wsse=\"" NS_WSSE "\" xmlns:ds=\"" NS_DSIG "\">",
        OR(r->envelope_ns, NS_SOAP));
    buf_printf(&b, "%s<S:Header>%s<wsse:Security S:actor=\"%s\" %s>%s", OR(r->before_header, ""),
               OR(r->header_first, ""), OR(r->actor, ACTOR_SMEV), OR(r->security_attrs, ""), OR(r->security_first, ""));
    if (r->token) {
        buf_add_str(&b, r->token);
    } else {
        struct span der = cert_der(OR(r->token_cert, s->cert));
        buf_printf(&b, "<wsse:BinarySecurityToken %s wsu:Id=\"token\">", OR(r->token_attrs, TOKEN_TYPES));
        buf_add_base64(&b, der.p, der.n);
        buf_add_str(&b, "</wsse:BinarySecurityToken>");
    }
    buf_printf(&b, "<ds:Signature%s>%s", OR(r->signature_attrs, ""), OR(r->signature_first, ""));
    kit_write_info(r, digests, &b);
    buf_printf(&b,
               "<ds:SignatureValue>%s</ds:SignatureValue>%s%s</ds:Signature>%s</wsse:Security>%s</S:Header>%s%s%s</"
               "S:Envelope>",
               value, OR(r->key_info, "<ds:KeyInfo>" STR("#token") "</ds:KeyInfo>"), OR(r->signature_last, ""),
               OR(r->security_last, ""), OR(r->header_last, ""), OR(r->between, ""), OR(r->body, DEFAULT_BODY),
               OR(r->after_body, ""));
    return b.p;
}

static void kit_base64(struct arena *a, const void *p, size_t n, char out[256])
{
    struct buf b;
    buf_init(&b, a, 256);
    buf_add_base64(&b, p, n);
    assert_true(b.n < 256);
    memcpy(out, b.p, b.n + 1);
}

/* The element some Id attribute of which has this value; the first one. */
static struct xml_node *kit_find(struct arena *a, struct xml_node *root, const char *id)
{
    for (struct xml_node *n = root; n; n = xml_walk(root, n)) {
        static const char *const names[] = {"Id", "ID", "id"};
        for (size_t i = 0; i < 3; i++) {
            const char *plain = xml_attr(a, n, NULL, names[i]), *wsu = xml_attr(a, n, NS_WSU, names[i]);
            if ((plain && strcmp(plain, id) == 0) || (wsu && strcmp(wsu, id) == 0))
                return n;
        }
        const char *xml = xml_attr(a, n, "http://www.w3.org/XML/1998/namespace", "id");
        if (xml && strcmp(xml, id) == 0)
            return n;
    }
    return NULL;
}

static void kit_sign_octets(struct arena *a, const struct kit_signer *s, struct span octets, char out[256])
{
    unsigned char value[SIGNATURE_MAX];
    size_t n = 0;
    struct error e = {0};
    if (s->key) {
        assert_int_equal(key_sign(s->key, octets.p, octets.n, value, &n, &e), ERR_OK);
        kit_base64(a, value, n, out);
        return;
    }
    char *path = arena_printf(a, "%s/octets", kit.folder);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(octets.p, 1, octets.n, f);
    fclose(f);
    kit_run("openssl dgst -engine gost -%s -sign %s -out value octets", s->engine_digest, s->key_file);
    struct span made = whole_file(a, arena_printf(a, "%s/value", kit.folder));
    kit_base64(a, made.p, made.n, out);
}

/* The envelope of the recipe, signed. */
static char *kit_make(struct arena *a, const struct recipe *r)
{
    char digests[RECIPE_REFS_MAX][256], value[256] = "";
    for (unsigned i = 0; i < RECIPE_REFS_MAX; i++)
        memcpy(digests[i], "AAAA", 5);
    struct error e = {0};
    struct xml_doc *doc = NULL;
    char *text = kit_compose(a, r, digests, value);
    if (xml_parse(a, span_of(text), &doc, &e) != ERR_OK)
        return text; /* malformed on purpose */
    const struct kit_signer *s = OR(r->signer, &kit.signer);
    for (unsigned i = 0; i < RECIPE_REFS_MAX; i++) {
        const struct recipe_ref *ref = &r->refs[i];
        const char *uri = OR(ref->uri, "#body");
        struct xml_node *n = kit_find(a, xml_root(doc), uri[0] == '#' ? uri + 1 : "body");
        struct buf octets;
        buf_init(&octets, a, 4096);
        if (!n || xml_c14n(n, NULL, &octets, &e) != ERR_OK)
            buf_add_str(&octets, "nothing");
        enum digest_alg alg = ref->digest_uri ? ref->digest_alg : sign_alg_digest(s->alg);
        unsigned char digest[DIGEST_MAX];
        assert_int_equal(digest_once(alg, octets.p, octets.n, digest, &e), ERR_OK);
        char encoded[256];
        kit_base64(a, digest, digest_size(alg), encoded);
        snprintf(digests[i], sizeof digests[i], "%s", ref->digest_value ? ref->digest_value : encoded);
    }
    text = kit_compose(a, r, digests, value);
    memset(&e, 0, sizeof e);
    if (xml_parse(a, span_of(text), &doc, &e) != ERR_OK)
        return text;
    struct buf info;
    buf_init(&info, a, 4096);
    struct xml_node *at = xml_root(doc);
    while (at && !xml_is(at, NS_DSIG, "SignedInfo"))
        at = xml_walk(xml_root(doc), at);
    if (!at || xml_c14n(at, NULL, &info, &e) != ERR_OK)
        return kit_compose(a, r, digests, OR(r->value, ""));
    kit_sign_octets(a, s, buf_span(&info), value);
    return kit_compose(a, r, digests, r->value ? r->value : value);
}

static enum err kit_verify(struct arena *a, const char *text, const struct wsse_policy *policy, struct wsse_result *out,
                           struct error *e)
{
    struct xml_doc *doc = NULL;
    *out = (struct wsse_result){0};
    enum err err = kit_parse(a, text, &doc, e);
    return err ? err : wsse_verify(a, doc, policy, out, e);
}

/* Makes, verifies, compares; tells the recipe's name when it is not as expected. */
static inline void kit_expect(const char *what, const struct recipe *r, enum err expected)
{
    struct arena *a = arena_new();
    struct wsse_policy policy = kit_policy();
    struct wsse_result result;
    struct error e = {0};
    char *text = kit_make(a, r);
    enum err err = kit_verify(a, text, &policy, &result, &e);
    if (err != expected)
        fail_msg("%s: %s (%s) instead of %s\n%s", what, error_name(err), e.detail, error_name(expected), text);
    if (err) {
        assert_null(result.smev.signer);
        assert_int_equal(result.body.n, 0);
    }
    arena_free(a);
}

/* text with every occurrence of one string replaced; fails the test when there is none. */
static inline char *kit_replace(struct arena *a, const char *text, const char *from, const char *to)
{
    struct buf b;
    buf_init(&b, a, strlen(text) + 256);
    unsigned n = 0;
    for (const char *p = text;;) {
        const char *hit = strstr(p, from);
        if (!hit) {
            buf_add_str(&b, p);
            break;
        }
        buf_add(&b, p, (size_t)(hit - p));
        buf_add_str(&b, to);
        p = hit + strlen(from);
        n++;
    }
    if (n == 0)
        fail_msg("nothing to replace: %s", from);
    return b.p;
}
