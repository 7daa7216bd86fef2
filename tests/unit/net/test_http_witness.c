/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Where a message ends is where two readers have been known to disagree (reliability B.1). Whatever our parser lets in,
 * another reader finds the same there (witness.h): the cases by hand, and a great many made by cutting and joining
 * them, changing bytes, and putting in what framing is made of. tests/fuzz/fuzz_http.c goes on with that.
 */
#include "witness.h"

#include "http_cases.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROUNDS    300000
#define BYTES_MAX 4096

static unsigned requests, refusals;

static void confront(const char *name, const char *bytes, size_t n)
{
    struct confrontation all = {.limits = &http_case_limits};
    const char *objection = witness_confront(&all, bytes, n);
    if (objection != NULL)
        fail_msg("%s: %s\n%.*s", name, objection, (int)all.raw.n, all.raw.p);
    requests += all.requests;
    refusals += all.refusals;
}

static void B1_another_reader_finds_the_same_in_every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++)
        confront(http_cases[i].name, http_cases[i].bytes.p, http_cases[i].bytes.n);
    assert_true(requests >= 40);
}

static uint64_t seed = 20250101;

static size_t below(size_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(seed >> 33) % n;
}

struct text {
    char p[BYTES_MAX];
    size_t n;
};

static void text_insert(struct text *t, size_t at, const char *p, size_t n)
{
    if (t->n + n > BYTES_MAX)
        return;
    memmove(t->p + at + n, t->p + at, t->n - at);
    memcpy(t->p + at, p, n);
    t->n += n;
}

/* What framing is made of, right and wrong. */
static const char *const words[] = {"\r\n",
                                    "\r",
                                    "\n",
                                    "0",
                                    "00",
                                    "5",
                                    "a",
                                    ";x=y",
                                    " ",
                                    "\t",
                                    ":",
                                    ",",
                                    "+",
                                    "-",
                                    "0x5",
                                    "Content-Length: 5\r\n",
                                    "Content-Length: 6\r\n",
                                    "Content-Length : 5\r\n",
                                    "Content-Length: 5, 5\r\n",
                                    "Transfer-Encoding: chunked\r\n",
                                    "Transfer-Encoding: identity\r\n",
                                    "Transfer-Encoding:\tchunked\r\n",
                                    "Connection: close\r\n",
                                    "Connection: keep-alive\r\n",
                                    "Upgrade: h2c\r\n",
                                    "HTTP/1.0",
                                    "HTTP/1.1",
                                    "GET ",
                                    "POST ",
                                    "0\r\n\r\n",
                                    "5\r\nhello\r\n",
                                    "x: y\r\n",
                                    "Expect: 100-continue\r\n"};

static void text_change(struct text *t)
{
    size_t at = below(t->n + 1);
    const char *word = words[below(sizeof words / sizeof words[0])];
    switch (below(4)) {
    case 0:
        if (at < t->n)
            t->p[at] = (char)below(256);
        return;
    case 1:
        if (at < t->n) {
            memmove(t->p + at, t->p + at + 1, t->n - at - 1);
            t->n--;
        }
        return;
    case 2: { /* where lines begin, mostly */
        char *line = memchr(t->p + at, '\n', t->n - at);
        text_insert(t, line == NULL ? at : (size_t)(line + 1 - t->p), word, strlen(word));
        return;
    }
    default:
        text_insert(t, at, word, strlen(word));
    }
}

static void B1_another_reader_finds_the_same_in_what_nobody_wrote(void **state)
{
    (void)state;
    requests = refusals = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct text t = {.n = 0};
        for (size_t todo = 1 + below(2); todo > 0; todo--) {
            struct span piece = http_cases[below(HTTP_CASE_COUNT)].bytes;
            text_insert(&t, t.n, piece.p, piece.n);
        }
        for (size_t todo = below(4); todo > 0; todo--)
            text_change(&t);
        confront("made", t.p, t.n);
    }
    print_message("%u requests, %u refusals\n", requests, refusals);
    assert_true(requests > ROUNDS / 10 && refusals > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(B1_another_reader_finds_the_same_in_every_case),
        cmocka_unit_test(B1_another_reader_finds_the_same_in_what_nobody_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
