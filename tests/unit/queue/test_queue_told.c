/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* L4: what is told of a queue is over when it is over: the clock by what was seen within an hour, a refused answer
 * while somebody waits for one, files while such a message stands in the queue. And of whom it is told. */
#include "queue/queue_private.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000)

static uint64_t now_us;

static uint64_t mono(void)
{
    return now_us;
}

struct world {
    struct queues queues;
    struct queue_source source;
    struct arena *arena;
};

static int begin(void **state)
{
    static struct world w;
    now_us = 100000 * S;
    clock_replace(mono, NULL);
    memset(&w, 0, sizeof w);
    w.arena = arena_new();
    w.source.conf = (struct config_smev3){.name = "main", .agency = "AAAA00001", .poll_interval_ms = 1000};
    w.source.queues = &w.queues;
    w.queues.sources = &w.source;
    *state = &w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    arena_free(w->arena);
    clock_replace(NULL, NULL);
    return 0;
}

static bool measures(struct world *w, const char *line)
{
    struct buf out;
    buf_init(&out, w->arena, 65536);
    queues_metrics_write(&w->queues, &out);
    return strstr(arena_strndup(w->arena, out.p, out.n), line) != NULL;
}

static bool warns(struct world *w, const char *words)
{
    struct buf out;
    buf_init(&out, w->arena, 4096);
    queues_notes_write(&w->queues, &out);
    return out.n > 0 && strstr(arena_strndup(w->arena, out.p, out.n), words) != NULL;
}

static void test_the_clock_for_an_hour(void **state)
{
    static const char line[] = "zapisd_smev3_clock_offset_seconds{source=\"main\",agency=\"AAAA00001\"} -298\n";
    struct world *w = *state;
    assert_false(measures(w, "zapisd_smev3_clock_offset_seconds{"));
    w->source.clock_offset_us = -298 * (int64_t)S;
    w->source.clock_told_us = now_us;
    assert_true(measures(w, line));
    assert_true(warns(w, "our clock is 298 s behind"));
    now_us += 3600 * S;
    assert_true(measures(w, line));
    assert_true(warns(w, "our clock is 298 s behind"));
    now_us += 1;
    assert_false(measures(w, "zapisd_smev3_clock_offset_seconds{"));
    assert_false(warns(w, "our clock"));
}

static void test_a_refused_answer_while_somebody_waits(void **state)
{
    static const char line[] =
        "zapisd_smev3_refused{source=\"main\",agency=\"AAAA00001\",operation=\"SendResponse\"} 1\n";
    struct world *w = *state;
    struct queue_refusal *f = &w->source.refusals[QUEUE_WORD_RESPONSE];
    (void)snprintf(f->fault, sizeof f->fault, "CertificateIsExpired");
    f->seen_us = now_us;
    assert_true(measures(w, line)); /* at once: nobody was asked yet */
    assert_true(warns(w, "SMEV refuses our SendResponse"));
    now_us += 21 * S;
    assert_false(measures(w, line));
    assert_false(warns(w, "SMEV refuses our SendResponse"));
    w->source.standing.unsent = 1;
    assert_true(measures(w, line));
    assert_true(warns(w, "SMEV refuses our SendResponse"));
    w->source.standing =
        (struct queue_standing){.unanswered = 1}; /* that it takes longer is said by SendResponse, too */
    assert_true(measures(w, line));
    now_us += 900 * S;
    assert_false(measures(w, line));
    f = &w->source.refusals[QUEUE_WORD_ACK];
    (void)snprintf(f->fault, sizeof f->fault, "CertificateIsExpired");
    f->seen_us = now_us - 100 * S;
    w->source.standing = (struct queue_standing){0};
    assert_true(warns(w, "SMEV refuses our Ack"));
}

static void test_files_while_such_a_message_waits(void **state)
{
    static const char words[] = "the file store does not give files: messages wait in the queue";
    struct world *w = *state;
    struct queue_broken *one = &w->source.fileless[0], *two = &w->source.fileless[1];
    assert_false(warns(w, "files"));
    *one = (struct queue_broken){.id = "a", .times = 1, .seen_us = now_us};
    *two = (struct queue_broken){.id = "b", .times = 2, .seen_us = now_us};
    assert_true(warns(w, words));
    one->is_over = true;
    assert_true(warns(w, words));
    two->is_over = true;
    assert_false(warns(w, "files"));
    two->is_over = false;
    now_us += 1200 * S; /* SMEV would have delivered it again */
    assert_false(warns(w, "files"));
    w->source.files_own_us = now_us;
    assert_true(warns(w, "files cannot be kept here: messages wait in the queue"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_the_clock_for_an_hour),
        TEST(test_a_refused_answer_while_somebody_waits),
        TEST(test_files_while_such_a_message_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
