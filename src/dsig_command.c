/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * `zapisd dsig`: checks the signatures of a stored message, signs an envelope, shows what SMEV 3 hashes. Reads files
 * and writes standard output; needs no configuration and no database. What it prints may name a person: it is the
 * operator's own terminal, and nothing of it goes to the log.
 */
#include "dsig_command.h"

#include "clock.h"
#include "crypto.h"
#include "smev.h"
#include "smev3.h"
#include "utf8.h"
#include "xml.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)64 << 20)

enum { EXIT_GOOD, EXIT_NOT_GOOD, EXIT_USAGE };

struct options {
    const char *anchors, *chain, *crl, *key, *cert, *actor, *smev3;
    bool no_chain, allow_gost2001;
    char **files;
    int nfiles;
};

static const char usage_text[] =
    "usage: zapisd dsig verify [--no-chain] [--anchors FILE] [--chain FILE] [--crl FILE] [--allow-gost2001] FILE...\n"
    "       zapisd dsig sign --key FILE --cert FILE [--actor URI | --smev3 ELEMENT] FILE\n"
    "       zapisd dsig transform [FILE]\n"
    "\n"
    "verify     prints a line a signature; status 0 only when there are signatures and all are good. FILE is XML, or "
    "a\n"
    "           MIME body or HTTP message that holds it\n"
    "           --no-chain checks digests and signature values alone, GOST R 34.10-2001 included\n"
    "sign       writes the envelope with a wsse:Security header over soap:Body; with --smev3 a message of SMEV 3 with "
    "a\n"
    "           signature over that element (SenderProvidedResponseData, MessageTypeSelector, the business element, "
    "...)\n"
    "transform  writes the SMEV 3 normal form of the octets as they are\n"
    "\n"
    "FILE may be - for standard input, which transform reads when none is given.\n";

static int usage(const char *problem)
{
    if (problem)
        fprintf(stderr, "zapisd dsig: %s\n", problem);
    fputs(usage_text, problem ? stderr : stdout);
    return problem ? EXIT_USAGE : EXIT_GOOD;
}

/* Text from a stranger's document: nothing that acts on the terminal reaches it, nor what is no UTF-8. */
static void print_safe(const char *s)
{
    for (size_t n = strlen(s), taken; n > 0; s += taken, n -= taken) {
        uint32_t c = 0;
        taken = utf8_next(s, n, &c);
        if (taken == 0 || utf8_is_active(c))
            putchar('?');
        else
            fwrite(s, 1, taken, stdout);
        taken += taken == 0;
    }
}

static enum err read_stream(FILE *f, struct buf *out, struct error *e)
{
    char piece[16384];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
        if (out->n + n > FILE_MAX_BYTES)
            return error_set(e, ERR_LIMIT, "larger than %zu bytes", FILE_MAX_BYTES);
        buf_add(out, piece, n);
    }
    return ferror(f) ? error_set(e, ERR_SYSTEM, "cannot read") : ERR_OK;
}

static enum err read_file(struct arena *a, const char *path, struct span *out, struct error *e)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    if (!f)
        return error_set(e, ERR_SYSTEM, "cannot open: %s", strerror(errno));
    struct buf b;
    buf_init(&b, a, 65536);
    enum err err = read_stream(f, &b, e);
    if (!is_stdin)
        fclose(f);
    *out = buf_span(&b);
    return err;
}

static enum err read_document(struct arena *a, const char *path, struct xml_doc **doc, struct error *e)
{
    struct span bytes = {0};
    struct xml_limits limits = xml_limits_default;
    limits.size_max_bytes = FILE_MAX_BYTES;
    enum err err = read_file(a, path, &bytes, e);
    return err ? err : dsig_dump_read(a, bytes, &limits, doc, e);
}

static void print_line(const char *file, const char *element, const char *algorithms, const char *signer,
                       const char *verdict)
{
    const char *const fields[] = {file, element, algorithms, signer, verdict};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (i)
            fputs("  ", stdout);
        print_safe(fields[i] ? fields[i] : "-");
    }
    putchar('\n');
}

/* True when the file holds signatures and all of them are good. */
static bool verify_file(struct trust *trust, bool allow_gost2001, const char *path)
{
    struct arena *a = arena_new();
    struct error e = {0};
    struct xml_doc *doc = NULL;
    struct dsig_report_line *lines = NULL;
    unsigned n = 0;
    enum err err = read_document(a, path, &doc, &e);
    if (!err)
        err = dsig_report(a, doc, trust, clock_wall_us() / 1000000, allow_gost2001, &lines, &n, &e);
    bool good = !err && n > 0;
    if (err)
        print_line(path, NULL, NULL, NULL, arena_printf(a, "%s: %s", error_name(err), e.detail));
    else if (n == 0)
        print_line(path, NULL, NULL, NULL, "no signature");
    for (unsigned i = 0; i < n; i++) {
        const struct dsig_report_line *l = &lines[i];
        const char *verdict = l->verdict ? arena_printf(a, "%s: %s", error_name(l->verdict), l->reason) : l->reason;
        print_line(path, l->element, l->algorithms, l->signer, verdict);
        good = good && l->verdict == ERR_OK;
    }
    arena_free(a);
    return good;
}

static int verify(struct arena *a, const struct options *o, struct error *e)
{
    if (!o->nfiles)
        return usage("verify needs a file");
    if (!o->no_chain && !o->anchors)
        return usage("verify needs --anchors, or --no-chain to leave certificates unchecked");
    struct trust *trust = NULL;
    if (!o->no_chain) {
        struct trust_conf conf = {
            .anchors_file = o->anchors, .chain_file = o->chain, .crl_file = o->crl, .crl_required = o->crl != NULL};
        if (trust_load(a, &conf, &trust, e)) {
            fprintf(stderr, "zapisd dsig: %s\n", e->detail);
            return EXIT_USAGE;
        }
    }
    bool good = true;
    for (int i = 0; i < o->nfiles; i++)
        good = verify_file(trust, o->allow_gost2001 || o->no_chain, o->files[i]) && good;
    return good ? EXIT_GOOD : EXIT_NOT_GOOD;
}

static int print_out(const struct buf *b)
{
    if (fwrite(b->p, 1, b->n, stdout) == b->n && fflush(stdout) == 0)
        return EXIT_GOOD;
    fputs("zapisd dsig: cannot write to standard output\n", stderr);
    return EXIT_NOT_GOOD;
}

static int complain(const char *path, const struct error *e)
{
    fprintf(stderr, "zapisd dsig: %s: %s: %s\n", path, error_name(e->code), e->detail);
    return EXIT_NOT_GOOD;
}

static int sign(struct arena *a, const struct options *o, struct error *e)
{
    if (!o->key || !o->cert || o->nfiles != 1)
        return usage("sign needs --key, --cert and one file");
    if (o->actor && o->smev3)
        return usage("an actor is SMEV 2's");
    struct key *key = NULL;
    struct span envelope;
    struct buf signed_envelope;
    buf_init(&signed_envelope, a, 65536);
    if (key_load(a, o->key, o->cert, &key, e))
        return complain(o->key, e);
    enum err err = read_file(a, o->files[0], &envelope, e);
    if (!err && o->smev3)
        err = smev3_sign_message(envelope, o->smev3, key, &signed_envelope, e);
    else if (!err)
        err = wsse_sign(a, envelope, key, o->actor ? o->actor : ACTOR_SMEV, &signed_envelope, e);
    if (err)
        return complain(o->files[0], e);
    return print_out(&signed_envelope);
}

static int transform(struct arena *a, const struct options *o, struct error *e)
{
    if (o->nfiles > 1)
        return usage("transform takes one file");
    const char *file = o->nfiles ? o->files[0] : "-";
    struct span octets = {0};
    struct xml_doc *doc = NULL;
    struct buf out;
    buf_init(&out, a, 65536);
    /* Parsed only to be sure that it is XML: the transform is of the octets as they are. */
    if (read_file(a, file, &octets, e) || xml_parse(a, octets, &doc, e) || smev_transform(a, octets, &out, e))
        return complain(file, e);
    return print_out(&out);
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"no-chain", no_argument, NULL, 'n'},       {"anchors", required_argument, NULL, 'a'},
        {"chain", required_argument, NULL, 'c'},    {"crl", required_argument, NULL, 'r'},
        {"allow-gost2001", no_argument, NULL, 'o'}, {"key", required_argument, NULL, 'k'},
        {"cert", required_argument, NULL, 't'},     {"actor", required_argument, NULL, 'u'},
        {"smev3", required_argument, NULL, '3'},    {NULL, 0, NULL, 0},
    };
    optind = 0; /* GNU: start over */
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'n':
            o->no_chain = true;
            break;
        case 'o':
            o->allow_gost2001 = true;
            break;
        case 'a':
            o->anchors = optarg;
            break;
        case 'c':
            o->chain = optarg;
            break;
        case 'r':
            o->crl = optarg;
            break;
        case 'k':
            o->key = optarg;
            break;
        case 't':
            o->cert = optarg;
            break;
        case 'u':
            o->actor = optarg;
            break;
        case '3':
            o->smev3 = optarg;
            break;
        default:
            return false;
        }
    }
    o->files = argv + optind;
    o->nfiles = argc - optind;
    return true;
}

int dsig_command(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct arena *a, const struct options *o, struct error *e);
    } commands[] = {{"verify", verify}, {"sign", sign}, {"transform", transform}};

    if (argc < 2)
        return usage("say what to do");
    if (strcmp(argv[1], "--help") == 0)
        return usage(NULL);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        struct options o = {0};
        if (!read_options(argc - 1, argv + 1, &o))
            return usage("unknown option");
        struct error e = {0};
        struct arena *a = arena_new();
        int status = commands[i].run(a, &o, &e);
        arena_free(a);
        return status;
    }
    return usage("unknown command");
}
