/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Any octets as a signed envelope. Beyond not crashing, two invariants. A message that verifies under the trusted
 * anchor hands on a Body its makers signed: one of those in the vectors, byte for byte. An envelope that was signed by
 * us verifies, and says what it said.
 */
#include "crypto.h"
#include "smev/dsig.h"
#include "xml.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VECTORS    SOURCE_DIR "/tests/unit/smev/vectors"
#define BODIES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct arena *forever;
static struct trust *trust;
static struct key *key;
static struct span bodies[BODIES_MAX];
static unsigned nbodies;

static struct wsse_policy policy_with(struct trust *t)
{
    return (struct wsse_policy){.allow_gost2001 = true, .trust = t, .now_s = 1800000000, .require_smev = true};
}

static enum err parse(struct arena *a, struct span octets, struct xml_doc **doc, struct error *e)
{
    enum err err = xml_prescan(octets, &xml_limits_default, e);
    return err ? err : xml_parse(a, octets, doc, e);
}

static void learn_body(const char *name)
{
    char text[16384];
    FILE *f = fopen(arena_printf(forever, VECTORS "/%s", name), "rb");
    size_t n = f ? fread(text, 1, sizeof text, f) : 0;
    if (f)
        fclose(f);
    struct error e = {0};
    struct xml_doc *doc = NULL;
    struct wsse_policy policy = policy_with(trust);
    struct wsse_result result;
    if (parse(forever, (struct span){text, n}, &doc, &e) == ERR_OK &&
        wsse_verify(forever, doc, &policy, &result, &e) == ERR_OK && nbodies < BODIES_MAX)
        bodies[nbodies++] = result.body;
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
    struct trust_conf conf = {.anchors_file = VECTORS "/ca.pem"};
    if (trust_load(forever, &conf, &trust, &e) != ERR_OK)
        abort();
    DIR *d = opendir(VECTORS);
    for (struct dirent *entry; d && (entry = readdir(d)) != NULL;)
        if (strstr(entry->d_name, ".xml"))
            learn_body(entry->d_name);
    if (d)
        closedir(d);
    if (nbodies == 0)
        abort(); /* without a message that verifies the first invariant would be empty */
    make_key();
    return 0;
}

static void check_verify(struct arena *a, struct xml_doc *doc)
{
    struct error e = {0};
    struct wsse_policy policy = policy_with(trust);
    struct wsse_result result;
    if (wsse_verify(a, doc, &policy, &result, &e) != ERR_OK) {
        if (result.body.n || result.smev.signer || e.code == ERR_OK)
            __builtin_trap();
        return;
    }
    for (unsigned i = 0; i < nbodies; i++)
        if (span_equals(bodies[i], result.body))
            return;
    __builtin_trap();
}

static void check_report(struct arena *a, struct xml_doc *doc)
{
    struct error e = {0};
    struct dsig_report_line *lines;
    unsigned n;
    if (dsig_report(a, doc, NULL, 0, true, &lines, &n, &e) != ERR_OK)
        return;
    for (unsigned i = 0; i < n; i++)
        if (!lines[i].reason || (!lines[i].verdict && !lines[i].element))
            __builtin_trap();
}

static void check_sign(struct arena *a, struct span octets)
{
    struct error e = {0};
    struct buf out;
    buf_init(&out, a, octets.n + 4096);
    if (wsse_sign(a, octets, key, ACTOR_SMEV, &out, &e) != ERR_OK)
        return;
    struct xml_doc *doc = NULL;
    enum err err = parse(a, buf_span(&out), &doc, &e);
    if (err == ERR_LIMIT)
        return; /* the signature made it too large, or too many namespaces */
    if (err != ERR_OK)
        __builtin_trap();
    struct xml_node *header = xml_first(xml_root(doc), NS_SOAP, "Header");
    struct xml_node *security = xml_first(header, NS_WSSE, "Security");
    for (; security; security = xml_next(security, NS_WSSE, "Security")) {
        const char *actor = xml_attr(a, security, NS_SOAP, "actor");
        if (actor && strcmp(actor, ACTOR_SMEV) == 0)
            break;
    }
    struct xml_node *signature = security ? xml_first(security, NS_DSIG, "Signature") : NULL;
    struct dsig_rules rules = {0};
    struct dsig_ids *ids;
    struct dsig_parsed parsed;
    struct dsig_result result;
    if (!signature || dsig_ids_read(a, doc, true, &ids, &e) != ERR_OK ||
        dsig_read(a, ids, signature, &rules, &parsed, &e) != ERR_OK ||
        dsig_check(a, &parsed, key_cert(key), &result, &e) != ERR_OK ||
        result.refs[0].element != xml_next(header, NULL, NULL))
        __builtin_trap();
}

static void check_frame(struct arena *a, struct xml_doc *doc)
{
    struct error e = {0};
    struct smev_frame frame;
    const char *method = NULL;
    struct xml_doc *bare = NULL;
    struct xml_node *body = xml_first(xml_root(doc), NS_SOAP, "Body");
    if (!body || smev_frame_read(a, body, &frame, &method, &bare, &e) != ERR_OK)
        return;
    if (!method || !frame.sender.code || !frame.recipient.code || !frame.status)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span octets = {(const char *)data, size};
    struct arena *a = arena_new();
    struct error e = {0};
    struct buf transformed;
    buf_init(&transformed, a, size);
    if (smev_transform(a, octets, &transformed, &e) == ERR_OK && transformed.n == 0)
        __builtin_trap();
    memset(&e, 0, sizeof e);
    struct xml_doc *doc = NULL;
    if (parse(a, octets, &doc, &e) == ERR_OK) {
        check_verify(a, doc);
        check_report(a, doc);
        check_sign(a, octets);
        check_frame(a, doc);
    }
    arena_free(a);
    return 0;
}
