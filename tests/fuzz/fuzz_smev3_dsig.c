/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Any octets as a message of SMEV 3, or a dump of one. Beyond not crashing: what verifies under the trusted anchor
 * hands on octets that its makers signed, one of those in the vectors, byte for byte; what the transform wrote it
 * writes again, and a parser reads it; a message that was signed by us verifies strictly.
 */
#include "crypto.h"
#include "smev/dsig.h"
#include "smev3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VECTORS    SOURCE_DIR "/tests/unit/smev/vectors/"
#define SIGNED_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct arena *forever;
static struct trust *trust;
static struct key *key;
static struct span genuine[SIGNED_MAX];
static unsigned ngenuine;

typedef void (*place_fn)(const struct smev3_signature *s);

/* Every place of the document: what verifies there goes to fn. */
static void each_place(struct arena *a, struct xml_doc *doc, struct trust *believed, place_fn fn)
{
    struct xml_node *root = xml_root(doc);
    for (struct xml_node *at = root; at; at = xml_walk(root, at)) {
        struct xml_node *element = smev3_is_place(at) ? smev3_signed(at) : NULL;
        struct smev3_policy policy = {.allow_gost2001 = true, .tolerant = true, .trust = believed, .now_s = 1800000000};
        struct smev3_signature s;
        struct error e = {0};
        if (!element)
            continue;
        enum err err = smev3_verify(a, element, at, &policy, &s, &e);
        if (err != e.code || (err ? s.signer || s.octets.n : !s.signer || !s.octets.n))
            __builtin_trap();
        if (!err)
            fn(&s);
    }
}

static void learn(const struct smev3_signature *s)
{
    if (ngenuine == SIGNED_MAX)
        abort();
    genuine[ngenuine++] = s->octets;
}

static void check_is_genuine(const struct smev3_signature *s)
{
    for (unsigned i = 0; i < ngenuine; i++)
        if (span_equals(genuine[i], s->octets))
            return;
    __builtin_trap();
}

static void learn_file(const char *name)
{
    char *text = arena_alloc(forever, 16384);
    FILE *f = fopen(arena_printf(forever, VECTORS "%s", name), "rb");
    size_t n = f ? fread(text, 1, 16384, f) : 0;
    if (f)
        fclose(f);
    struct error e = {0};
    struct xml_doc *doc = NULL;
    if (xml_parse(forever, (struct span){text, n}, &doc, &e) != ERR_OK)
        abort();
    each_place(forever, doc, trust, learn);
}

static void make_key(void)
{
    char folder[] = "/tmp/zapisd-fuzz-XXXXXX";
    if (!mkdtemp(folder))
        abort();
    char *make = arena_printf(
        forever,
        "cd %s && openssl genpkey -engine gost -algorithm gost2012_256 -pkeyopt paramset:TCA -out key 2>log && "
        "openssl req -engine gost -new -x509 -key key -subj /CN=fuzz -out cert 2>>log",
        folder);
    struct error e = {0};
    if (system(make) != 0 || key_load(forever, arena_printf(forever, "%s/key", folder),
                                      arena_printf(forever, "%s/cert", folder), &key, &e) != ERR_OK)
        abort();
    if (system(arena_printf(forever, "rm -r %s", folder)) != 0)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct error e = {0};
    forever = arena_new();
    if (crypto_init(&e) != ERR_OK)
        abort();
    xml_init();
    struct trust_conf conf = {.anchors_file = VECTORS "smev3-ca.pem"};
    if (trust_load(forever, &conf, &trust, &e) != ERR_OK)
        abort();
    learn_file("smev3-request.xml");
    learn_file("smev3-request-2001.xml");
    learn_file("smev3-response.xml");
    if (ngenuine != 9)
        abort(); /* without signatures that verify the first invariant would be empty */
    make_key();
    return 0;
}

static void check_transform(struct arena *a, struct span octets)
{
    struct error e = {0};
    struct xml_doc *doc = NULL;
    struct buf once, twice;
    buf_init(&once, a, octets.n);
    buf_init(&twice, a, octets.n);
    if (xml_parse(a, octets, &doc, &e) != ERR_OK || smev3_normal(a, xml_root(doc), &once, &e) != ERR_OK)
        return;
    if (smev_transform(a, buf_span(&once), &twice, &e) != ERR_OK || !span_equals(buf_span(&once), buf_span(&twice)) ||
        xml_parse(a, buf_span(&once), &doc, &e) != ERR_OK)
        __builtin_trap();
}

static bool is_ours;
static void note_ours(const struct smev3_signature *s)
{
    is_ours |= s->signer && span_equals(cert_der(s->signer), cert_der(key_cert(key))) && s->forms == 0;
}

static void check_sign(struct arena *a, struct span octets)
{
    static const char *const names[] = {"Request", "SenderProvidedRequestData", "MessageReference",
                                        "cancelBookingRequest"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error e = {0};
        struct buf out;
        struct xml_doc *doc = NULL;
        buf_init(&out, a, octets.n + 4096);
        if (smev3_sign_message(octets, names[i], key, &out, &e) != ERR_OK)
            continue;
        if (xml_parse(a, buf_span(&out), &doc, &e) != ERR_OK)
            __builtin_trap();
        is_ours = false;
        each_place(a, doc, NULL, note_ours);
        if (!is_ours)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span octets = {(const char *)data, size};
    struct arena *a = arena_new();
    struct error e = {0};
    struct xml_doc *doc = NULL;
    if (dsig_dump_read(a, octets, &xml_limits_default, &doc, &e) == ERR_OK) {
        each_place(a, doc, trust, check_is_genuine);
        check_transform(a, octets);
        check_sign(a, octets);
    }
    arena_free(a);
    return 0;
}
