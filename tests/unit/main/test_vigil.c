/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1, L4, L5: who is served, as /readyz, metrics and log have it, against a model that looks through everything; and
 * what that costs, in comparisons, where there are thousands of parties: it is done on the loop.
 */
#include "preparation.h"
#include "vigil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long compared;

static int counted(const char *a, const char *b)
{
    compared++;
    return strcmp(a, b);
}

#define strcmp(a, b) counted(a, b)
#include "vigil.c"
#undef strcmp

#define FINDINGS_MAX 20000

static uint64_t seed;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)((seed >> 33) % n);
}

/* ---- the rest of the program ---- */

static struct finding world[FINDINGS_MAX];
static unsigned nworld;
static loop_fn tick, job_work, job_done;
static void *tick_arg, *job_arg;
static unsigned news;
static char last_news[64];

void keyring_judge(struct keyring *k, int64_t now_s, struct arena *a, struct findings *f)
{
    (void)k;
    (void)now_s;
    for (unsigned i = 0; i < nworld; i++)
        if (world[i].about != ABOUT_LISTENER)
            findings_add(a, f, world[i]);
}

static struct tls_set tls = {.refs = 1};

void tls_set_ref(struct tls_set *s)
{
    assert_ptr_equal(s, &tls);
    s->refs++;
}

void tls_set_unref(struct tls_set *s)
{
    if (s != NULL)
        assert_true(s->refs-- > 1);
}

void tls_set_judge(const struct tls_set *s, int64_t now_s, struct arena *a, struct findings *f)
{
    (void)now_s;
    assert_ptr_equal(s, &tls);
    for (unsigned i = 0; i < nworld; i++)
        if (world[i].about == ABOUT_LISTENER)
            findings_add(a, f, world[i]);
}

void tls_set_metrics_write(const struct tls_set *s, struct buf *out)
{
    (void)out;
    assert_ptr_equal(s, &tls);
}

void tls_retire(struct tls_retired **list, const struct tls_set *before, const struct tls_set *next)
{
    (void)list;
    assert_null(before);
    assert_ptr_equal(next, &tls);
}

void tls_retired_look(struct tls_retired **list, struct loop *l)
{
    (void)list;
    (void)l;
}

void tls_retired_free(struct tls_retired **list)
{
    (void)list;
    assert_int_equal(tls.refs, 1);
}

bool findings_signs(const struct findings *f)
{
    return f->n > 0;
}

bool findings_is_believed(const struct findings *f)
{
    return f->n > 0;
}

struct keyring *service_keyring(const struct service *s)
{
    (void)s;
    return (struct keyring *)&seed;
}

void keyring_ref(struct keyring *k)
{
    assert_non_null(k);
}

void keyring_unref(struct keyring *k)
{
    assert_non_null(k);
}

struct timer *timer_start(struct loop *l, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg)
{
    (void)l;
    (void)delay_ms;
    (void)repeat_ms;
    tick = fn;
    tick_arg = arg;
    return (struct timer *)&tick;
}

void timer_stop(struct timer *t)
{
    assert_non_null(t);
}

void worker_run(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
    (void)l;
    job_work = work;
    job_done = done;
    job_arg = arg;
}

void log_event(enum log_level level, const char *event, ...)
{
    va_list ap;
    (void)level;
    assert_true(strncmp(event, "trouble", 7) == 0);
    va_start(ap, event);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        if (strcmp(key, "detail") == 0)
            (void)snprintf(last_news, sizeof last_news, "%s %s", event, value);
    }
    va_end(ap);
    news++;
}

/* ---- a world of parties ---- */

static const char *name_of(struct arena *a, const char *what, unsigned i)
{
    return arena_printf(a, "%s%05u", what, i);
}

static void world_add(struct arena *a, enum finding_about about, const char *code, unsigned line, const char *subject)
{
    assert_true(nworld < FINDINGS_MAX);
    world[nworld] = (struct finding){.about = about,
                                     .level = (enum finding_level)below(4),
                                     .code = code,
                                     .at = arena_printf(a, "zapisd.conf:%u", line),
                                     .subject = subject,
                                     .text = name_of(a, "text", nworld),
                                     .is_stopped = below(3) == 0};
    nworld++;
}

/* As a keyring is judged: [trust], agencies with one finding or two about the same, senders with some certificates. */
static void world_make(struct arena *a, unsigned n)
{
    unsigned line = 1;
    nworld = 0;
    for (unsigned i = 0; i < n / 20 + 1; i++)
        world_add(a, ABOUT_TRUST, "", line, name_of(a, "anchor", i));
    for (unsigned i = 0; i < n; i++) {
        const char *code = name_of(a, "A", i), *file = name_of(a, "agency", i);
        line++;
        for (unsigned m = below(3) == 0 ? 2 : 1; m > 0; m--)
            world_add(a, ABOUT_AGENCY, code, line, file);
    }
    for (unsigned i = 0; i < n; i++) {
        const char *code = name_of(a, "A", n - i); /* the codes of senders may be those of agencies */
        for (unsigned m = 1 + below(3); m > 0; m--)
            world_add(a, ABOUT_SENDER, code, ++line, name_of(a, "sender", i));
    }
    for (unsigned i = 0; i < 3; i++)
        world_add(a, ABOUT_LISTENER, name_of(a, "L", i), ++line, "tls.pem");
}

static struct vigil *vigil_of_world(void)
{
    struct findings first = {.items = world, .n = nworld, .room = nworld};
    tls_set_ref(&tls);
    return vigil_start(NULL, NULL, &first, &tls);
}

static void look_again(void)
{
    tick(tick_arg);
    job_work(job_arg);
    job_done(job_arg);
}

/* ---- the model ---- */

static bool model_is_first(unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (world[j].about == world[i].about && strcmp(world[j].code, world[i].code) == 0)
            return false;
    return true;
}

static bool model_is_served(enum finding_about about, const char *code)
{
    for (unsigned i = 0; i < nworld; i++)
        if (world[i].about == about && strcmp(world[i].code, code) == 0 && world[i].is_stopped)
            return false;
    return true;
}

static void model_texts(struct buf *out, enum finding_about about, const char *code)
{
    const char *comma = "";
    for (unsigned i = 0; i < nworld; i++) {
        if (world[i].about != about || strcmp(world[i].code, code) != 0 || world[i].level != FINDING_BAD)
            continue;
        buf_printf(out, "%s\"%s\"", comma, world[i].text);
        comma = ",";
    }
}

static void model_parties(struct buf *out, enum finding_about about)
{
    const char *comma = "";
    for (unsigned i = 0; i < nworld; i++) {
        if (world[i].about != about || !model_is_first(i))
            continue;
        bool is_served = model_is_served(about, world[i].code);
        buf_printf(out, "%s\"%s\":{\"ready\":%s,\"reasons\":[", comma, world[i].code, is_served ? "true" : "false");
        if (!is_served)
            model_texts(out, about, world[i].code);
        buf_add_str(out, "],\"warnings\":[");
        if (is_served)
            model_texts(out, about, world[i].code);
        buf_add_str(out, "]}");
        comma = ",";
    }
}

static void model_write(struct buf *out)
{
    const char *comma = "";
    buf_add_str(out, ",\"agencies\":{");
    model_parties(out, ABOUT_AGENCY);
    buf_add_str(out, "},\"senders\":{");
    model_parties(out, ABOUT_SENDER);
    buf_add_str(out, "},\"listeners\":{");
    model_parties(out, ABOUT_LISTENER);
    buf_add_str(out, "},\"troubles\":[");
    for (unsigned i = 0; i < nworld; i++) {
        if (world[i].level == FINDING_GOOD)
            continue;
        buf_printf(out, "%s\"%s\"", comma, world[i].text);
        comma = ",";
    }
    buf_add_str(out, "]");
}

static void assert_told(struct vigil *v, struct arena *a)
{
    struct buf told, wanted;
    buf_init(&told, a, 1024);
    buf_init(&wanted, a, 1024);
    vigil_write(v, (struct span){0}, &told);
    model_write(&wanted);
    buf_add_char(&told, '\0');
    buf_add_char(&wanted, '\0');
    assert_string_equal(told.p, wanted.p);
    for (unsigned i = 0; i < nworld; i++) {
        bool is_ready = false;
        struct buf reasons;
        buf_init(&reasons, a, 64);
        bool is_there = vigil_read_agency(v, world[i].code, &is_ready, &reasons);
        if (world[i].about != ABOUT_AGENCY)
            continue;
        assert_true(is_there);
        assert_int_equal(is_ready, model_is_served(ABOUT_AGENCY, world[i].code));
    }
}

static void assert_metrics(struct vigil *v, struct arena *a)
{
    struct buf told;
    unsigned senders = 0;
    char line[128];
    buf_init(&told, a, 1024);
    vigil_metrics_write(v, &told);
    buf_add_char(&told, '\0');
    for (const char *at = told.p; (at = strstr(at, "zapisd_sender_ready{")) != NULL; at++)
        senders++;
    for (unsigned i = 0; i < nworld; i++) {
        if (world[i].about != ABOUT_SENDER || !model_is_first(i))
            continue;
        senders--;
        (void)snprintf(line, sizeof line, "zapisd_sender_ready{sender=\"%s\"} %d\n", world[i].code,
                       model_is_served(ABOUT_SENDER, world[i].code));
        assert_non_null(strstr(told.p, line));
    }
    assert_int_equal(senders, 0);
}

/* ---- the tests ---- */

static void L5_each_party_is_told_once_and_by_its_own(void **state)
{
    (void)state;
    for (seed = 1; seed < 60;) {
        uint64_t next = seed + 1;
        struct arena *a = arena_new();
        world_make(a, 1 + below(12));
        struct vigil *v = vigil_of_world();
        assert_told(v, a);
        assert_metrics(v, a);
        look_again();
        assert_told(v, a);
        assert_metrics(v, a);
        vigil_stop(v);
        vigil_free(v);
        arena_free(a);
        seed = next;
    }
}

/* What is as it was is no news, though two things are said of one; what has changed is, once. */
static void L4_states_are_not_logged_changes_are(void **state)
{
    (void)state;
    for (uint64_t s = 1; s < 60; s++) {
        struct arena *a = arena_new();
        seed = s;
        world_make(a, 1 + below(12));
        struct vigil *v = vigil_of_world();
        news = 0;
        for (unsigned i = 0; i < 3; i++)
            look_again();
        assert_int_equal(news, 0);
        for (unsigned i = 0; i < 20; i++) {
            struct finding *f = &world[below(nworld)];
            f->level = (enum finding_level)((f->level + 1 + below(3)) % 4);
            char wanted[64];
            (void)snprintf(wanted, sizeof wanted, "%s %s", f->level == FINDING_GOOD ? "trouble-over" : "trouble",
                           f->text);
            news = 0;
            look_again();
            assert_int_equal(news, 1);
            assert_string_equal(last_news, wanted);
        }
        /* somebody comes who is no trouble, and somebody who is; both go again */
        unsigned n = nworld;
        world_add(a, ABOUT_LISTENER, "ZZZ", 9999, "new");
        world[n].level = FINDING_GOOD;
        world_add(a, ABOUT_LISTENER, "ZZZ", 9998, "newer");
        world[n + 1].level = FINDING_BAD;
        news = 0;
        look_again();
        assert_int_equal(news, 1);
        nworld = n;
        look_again();
        assert_int_equal(news, 1);
        vigil_stop(v);
        vigil_free(v);
        arena_free(a);
    }
}

struct cost {
    unsigned long look, write, metrics, agency;
};

static struct cost cost_of(unsigned n)
{
    struct cost c;
    struct arena *a = arena_new();
    struct buf out;
    bool is_ready;
    seed = 5;
    world_make(a, n);
    struct vigil *v = vigil_of_world();
    buf_init(&out, a, 1024);
    compared = 0;
    look_again();
    c.look = compared;
    compared = 0;
    vigil_write(v, (struct span){0}, &out);
    c.write = compared;
    compared = 0;
    vigil_metrics_write(v, &out);
    c.metrics = compared;
    compared = 0;
    (void)vigil_read_agency(v, "none", &is_ready, &out);
    c.agency = compared;
    vigil_stop(v);
    vigil_free(v);
    arena_free(a);
    return c;
}

/* Four times the parties, about four times the work; by pairs it would be sixteen times. */
static void L1_thousands_of_parties_hold_nobody_up(void **state)
{
    (void)state;
    struct cost small = cost_of(500), large = cost_of(2000);
    assert_in_range(large.look, 1, 6 * small.look);
    assert_in_range(large.write, 0, 6 * small.write);
    assert_in_range(large.metrics, 0, 6 * small.metrics);
    assert_in_range(large.agency, 0, 6 * small.agency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L5_each_party_is_told_once_and_by_its_own),
        cmocka_unit_test(L4_states_are_not_logged_changes_are),
        cmocka_unit_test(L1_thousands_of_parties_hold_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
