/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the transform of SMEV 3 costs: megabytes of its input a second of CPU, beside exclusive C14N of the same
 * document and SHA-256 of the same octets, one after the other in one process. Each form is measured at 64 KiB and at
 * 5 MiB: the cost is linear when both agree.
 *
 * transform_rate [ROUNDS]
 *
 * A line a form and size: name, bytes, MB/s of the transform, of C14N, of SHA-256; the best of the rounds, for whatever
 * else the machine does only ever makes one slower.
 */
#include "crypto.h"
#include "smev.h"
#include "xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUND_BYTES ((size_t)24 << 20)

/* What is repeated within the root: in canonical form. */
static const struct {
    const char *name, *piece;
} forms[] = {
    {"tags", "<q:a><q:b>1</q:b><q:c></q:c></q:a>"},
    {"list", "<q:slot><q:slotId>5e2c0a1e-1f3b-4f1e-9d52-0b6a4f7f0c11</q:slotId><q:visitTime>2026-12-01T09:15:00+03:00"
             "</q:visitTime><q:areaId>14</q:areaId><q:duration>15</q:duration></q:slot>"},
    {"attributes", "<q:i code=\"c00017\" order=\"17\" title=\"Отдел 17\"><q:v n=\"a\"></q:v></q:i>"},
    {"namespaces", "<z:a xmlns:z=\"urn:z\"><q:b><z:c xmlns:y=\"urn:y\" y:d=\"1\"></z:c></q:b></z:a>"},
    {"words",
     "<q:p>Запись на приём перенесена на другой день: приём в этот день не ведётся. Телефон &amp; адрес прежние, "
     "время -&gt; 10:30, кабинет 12.</q:p>"},
};

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum what { TRANSFORM, C14N, SHA256, WHATS };

static enum err work(struct arena *a, enum what what, struct span octets, const struct xml_node *root, struct error *e)
{
    struct buf out;
    unsigned char digest[DIGEST_MAX];
    buf_init(&out, a, octets.n + octets.n / 4);
    if (what == TRANSFORM)
        return smev_transform(a, octets, &out, e);
    return what == C14N ? xml_c14n(root, NULL, &out, e) : digest_once(DIGEST_SHA256, octets.p, octets.n, digest, e);
}

/* MB/s: as often as makes a round. */
static double rate(enum what what, struct span octets, const struct xml_node *root)
{
    size_t times = ROUND_BYTES / octets.n + 1;
    double began = cpu_s();
    for (size_t i = 0; i < times; i++) {
        struct arena *a = arena_new();
        struct error e = {0};
        if (work(a, what, octets, root, &e)) {
            fprintf(stderr, "transform_rate: %s\n", e.detail);
            exit(1);
        }
        arena_free(a);
    }
    return (double)times * (double)octets.n / (cpu_s() - began) / 1e6;
}

static void measure(const char *name, const char *piece, size_t size, long rounds)
{
    struct arena *a = arena_new();
    struct error e = {0};
    struct xml_doc *doc = NULL;
    struct buf b;
    buf_init(&b, a, size + 256);
    buf_add_str(&b, "<q:r xmlns:q=\"http://epgu.rtlabs.ru/equeue/ws/\">");
    while (b.n + strlen(piece) + 6 <= size)
        buf_add_str(&b, piece);
    buf_add_str(&b, "</q:r>");
    if (xml_parse(a, buf_span(&b), &doc, &e)) {
        fprintf(stderr, "transform_rate: %s\n", e.detail);
        exit(1);
    }
    double best[WHATS] = {0};
    for (long i = 0; i < rounds; i++)
        for (enum what what = 0; what < WHATS; what++) {
            double now = rate(what, buf_span(&b), xml_root(doc));
            best[what] = now > best[what] ? now : best[what];
        }
    printf("%s %zu %.1f %.1f %.1f\n", name, b.n, best[TRANSFORM], best[C14N], best[SHA256]);
    fflush(stdout);
    arena_free(a);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {(size_t)64 << 10, (size_t)5 << 20};
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
    struct error e = {0};
    if (crypto_init(&e)) {
        fprintf(stderr, "transform_rate: %s\n", e.detail);
        return 1;
    }
    xml_init();
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++)
            measure(forms[i].name, forms[i].piece, sizes[j], rounds);
    xml_fini();
    crypto_fini();
    return 0;
}
