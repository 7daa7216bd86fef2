/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The loop without any HTTP: timers, descriptors, signals, workers, and the measuring of lag (DESIGN decision 7). */
#include "fixture.h"

#include <signal.h>

struct seen {
    struct loop *loop;
    struct timer *timer;
    struct watch *watch;
    int fd;
    unsigned calls;
    unsigned stop_after;
    int events;
    uint64_t at_ms;
    bool inside; /* the registering call is on the stack */
    pthread_t thread;
    atomic_uint worked;
    atomic_uint at_once;
    atomic_uint at_once_max;
};

static void on_tick(void *arg)
{
    struct seen *s = arg;
    assert_false(s->inside);
    s->at_ms = now_ms();
    if (++s->calls == s->stop_after)
        loop_stop(s->loop);
}

static void test_timer_once(void **state)
{
    (void)state;
    struct seen s = {.loop = loop_new(), .stop_after = 1, .inside = true};
    uint64_t began = now_ms();
    timer_start(s.loop, 60, 0, on_tick, &s);
    s.inside = false;
    loop_run(s.loop);
    assert_in_range(s.at_ms - began, 58, PATIENT_MS);
    assert_int_equal(s.calls, 1);
    loop_free(s.loop);
}

static void test_timer_repeats_and_stops(void **state)
{
    (void)state;
    struct seen s = {.loop = loop_new(), .stop_after = 4};
    struct seen never = {.loop = s.loop, .stop_after = 100};
    uint64_t began = now_ms();
    struct timer *stopped = timer_start(s.loop, 10, 10, on_tick, &never);
    struct timer *t = timer_start(s.loop, 0, 20, on_tick, &s);
    timer_stop(stopped);
    timer_stop(NULL);
    loop_run(s.loop);
    assert_in_range(now_ms() - began, 55, PATIENT_MS);
    assert_int_equal(s.calls, 4);
    assert_int_equal(never.calls, 0);
    timer_stop(t);
    loop_free(s.loop); /* and with one still running: freed all the same */
    s = (struct seen){.loop = loop_new(), .stop_after = 1};
    timer_start(s.loop, 0, 1, on_tick, &s);
    timer_start(s.loop, 100000, 0, on_tick, &s);
    loop_run(s.loop);
    loop_free(s.loop);
}

static void on_tick_stop_self(void *arg)
{
    struct seen *s = arg;
    s->calls++;
    timer_stop(s->timer);
}

static void test_timer_stopped_from_within(void **state)
{
    (void)state;
    struct seen s = {.loop = loop_new()};
    struct seen end = {.loop = s.loop, .stop_after = 1};
    s.timer = timer_start(s.loop, 1, 1, on_tick_stop_self, &s);
    timer_start(s.loop, 50, 0, on_tick, &end);
    loop_run(s.loop);
    assert_int_equal(s.calls, 1);
    loop_free(s.loop);
}

/* A long callback before timer_start() must not eat into the delay. */
static void on_tick_long(void *arg)
{
    struct seen *s = arg;
    pause_ms(80);
    s->at_ms = now_ms();
    timer_start(s->loop, 50, 0, on_tick, s + 1);
}

static void test_timer_after_a_long_turn(void **state)
{
    (void)state;
    struct seen s[2] = {{.loop = loop_new()}, {.stop_after = 1}};
    s[1].loop = s[0].loop;
    timer_start(s[0].loop, 0, 0, on_tick_long, &s[0]);
    loop_run(s[0].loop);
    assert_in_range(s[1].at_ms - s[0].at_ms, 48, 500);
    loop_free(s[0].loop);
}

static void on_ready(void *arg, int events)
{
    struct seen *s = arg;
    assert_false(s->inside);
    s->events |= events;
    char byte;
    if ((events & WATCH_READ) != 0 && read(s->fd, &byte, 1) <= 0)
        watch_update(s->watch, 0);
    if (++s->calls == s->stop_after)
        loop_stop(s->loop);
}

static void test_watch(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct seen s = {.loop = loop_new(), .fd = pair[0], .stop_after = 1, .inside = true};
    assert_int_equal(write(pair[1], "abc", 3), 3);
    s.watch = watch_start(s.loop, pair[0], WATCH_READ, on_ready, &s);
    s.inside = false;
    loop_run(s.loop);
    assert_int_equal(s.events, WATCH_READ);
    s.stop_after = 2;
    s.events = 0;
    watch_update(s.watch, WATCH_WRITE);
    loop_run(s.loop);
    assert_int_equal(s.events, WATCH_WRITE);
    s.events = 0;
    s.stop_after = 3;
    watch_update(s.watch, WATCH_READ | WATCH_WRITE);
    loop_run(s.loop);
    assert_int_equal(s.events, WATCH_READ | WATCH_WRITE);
    watch_update(s.watch, 0);
    struct seen end = {.loop = s.loop, .stop_after = 1};
    timer_start(s.loop, 30, 0, on_tick, &end);
    loop_run(s.loop);
    assert_int_equal(s.calls, 3); /* nothing is watched: no calls, though there is something to read */
    watch_stop(s.watch);
    watch_stop(NULL);
    assert_int_equal(write(pair[0], "x", 1), 1); /* the descriptor stays open */
    /* and may be watched again, by a new watch on the same number, at once */
    s.watch = watch_start(s.loop, pair[0], WATCH_READ, on_ready, &s);
    s.stop_after = 4;
    loop_run(s.loop);
    close(pair[1]); /* the peer goes: readable */
    s.stop_after = 5;
    s.events = 0;
    loop_run(s.loop);
    assert_int_equal(s.events & WATCH_READ, WATCH_READ);
    watch_stop(s.watch);
    close(pair[0]);
    loop_free(s.loop);
}

static void on_ready_stop_self(void *arg, int events)
{
    struct seen *s = arg;
    (void)events;
    s->calls++;
    watch_stop(s->watch);
    close(s->fd);
}

static void test_watch_stopped_and_closed_from_within(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct seen s = {.loop = loop_new(), .fd = pair[0]};
    struct seen end = {.loop = s.loop, .stop_after = 1};
    s.watch = watch_start(s.loop, pair[0], WATCH_READ | WATCH_WRITE, on_ready_stop_self, &s);
    timer_start(s.loop, 30, 0, on_tick, &end);
    loop_run(s.loop);
    assert_int_equal(s.calls, 1);
    close(pair[1]);
    loop_free(s.loop);
}

static void on_signal_seen(void *arg, int signum)
{
    struct seen *s = arg;
    s->events = signum;
    loop_stop(s->loop);
}

static void on_tick_raise(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
}

static void test_signal(void **state)
{
    (void)state;
    struct seen s = {.loop = loop_new()};
    loop_on_signal(s.loop, SIGUSR1, on_signal_seen, &s);
    timer_start(s.loop, 1, 0, on_tick_raise, &s);
    loop_run(s.loop);
    assert_int_equal(s.events, SIGUSR1);
    loop_free(s.loop);
}

static void count_work(void *arg)
{
    struct seen *s = arg;
    unsigned now = atomic_fetch_add(&s->at_once, 1) + 1;
    if (now > atomic_load(&s->at_once_max))
        atomic_store(&s->at_once_max, now);
    assert_false(pthread_equal(pthread_self(), s->thread));
    for (int i = 0; i < PATIENT_MS && atomic_load(&s->at_once_max) < 3; i++)
        pause_ms(1); /* for as many as there are threads */
    pause_ms(30);    /* and for one too many */
    atomic_fetch_sub(&s->at_once, 1);
    atomic_fetch_add(&s->worked, 1);
}

static void count_done(void *arg)
{
    struct seen *s = arg;
    assert_true(pthread_equal(pthread_self(), s->thread));
    if (++s->calls == s->stop_after)
        loop_stop(s->loop);
}

static void test_workers_decision_7(void **state)
{
    (void)state;
    struct seen s = {.loop = loop_new(), .stop_after = 12, .thread = pthread_self()};
    for (int i = 0; i < 12; i++)
        worker_run(s.loop, count_work, count_done, &s);
    assert_int_equal(worker_queued(s.loop), 12);
    loop_run(s.loop);
    assert_int_equal(worker_queued(s.loop), 0);
    assert_int_equal(s.calls, 12);
    assert_int_equal(atomic_load(&s.at_once_max), 3); /* as many as worker_threads() said, and no more */
    loop_free(s.loop);
}

/* Freed with jobs under way: they come home first. */
static void test_free_waits_for_workers(void **state)
{
    (void)state;
    struct seen s = {.loop = loop_new(), .stop_after = 100, .thread = pthread_self()};
    for (int i = 0; i < 5; i++)
        worker_run(s.loop, count_work, count_done, &s);
    loop_free(s.loop);
    assert_int_equal(s.calls, 5);
}

/* A look at a time when nothing held the loop up: there is one even on a busy machine. */
static double quiet_lag_ms(struct server *s)
{
    EVENTUALLY((pause_ms(150), server_command(s, 'm'), s->lag.recent_ms < 80));
    return s->lag.recent_ms;
}

/* ---- threads of their own ---- */

static atomic_uint no_threads; /* so many times there is none to be had */

int __real_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *arg);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *arg);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *arg)
{
    if (atomic_load(&no_threads) == 0)
        return __real_uv_thread_create(thread, entry, arg);
    atomic_fetch_sub(&no_threads, 1);
    return UV_EAGAIN;
}

struct alone {
    struct loop *loop;
    atomic_bool may_end;
    atomic_uint begun;
    unsigned ended;
};

static void alone_work(void *arg)
{
    struct alone *a = arg;
    atomic_fetch_add(&a->begun, 1);
    while (!atomic_load(&a->may_end))
        pause_ms(1);
}

static void alone_done(void *arg)
{
    ((struct alone *)arg)->ended++;
}

static void turn_until(struct loop *l, const unsigned *counter, unsigned wanted)
{
    for (int looks = 0; *counter < wanted && looks < PATIENT_MS; looks++) {
        timer_start(l, 1, 0, (loop_fn)loop_stop, l);
        loop_run(l);
    }
    assert_int_equal(*counter, wanted);
}

/* What hangs on threads of its own, more of them than there are workers, takes no worker's place; nor does what has no
 * thread yet. */
static void L1_who_hangs_alone_hinders_no_worker(void **state)
{
    (void)state;
    struct alone hung = {.loop = loop_new()}, quick = {.loop = hung.loop, .may_end = true};
    atomic_store(&no_threads, 3);
    for (unsigned i = 0; i < worker_count() + 5; i++)
        worker_run_alone(hung.loop, alone_work, alone_done, &hung);
    for (unsigned i = 1; i <= 20; i++) {
        worker_run(hung.loop, alone_work, alone_done, &quick);
        turn_until(hung.loop, &quick.ended, i);
    }
    EVENTUALLY(worker_settle(hung.loop, 1000, 1) || atomic_load(&hung.begun) == worker_count() + 5);
    assert_int_equal(hung.ended, 0);
    assert_int_equal(worker_queued(hung.loop), worker_count() + 5);
    assert_false(worker_settle(hung.loop, PATIENT_MS, 1)); /* the workers are at home: only those are not waited for */
    atomic_store(&hung.may_end, true);
    assert_true(worker_settle(hung.loop, PATIENT_MS, PATIENT_MS));
    assert_int_equal(hung.ended, worker_count() + 5);
    loop_free(hung.loop);
}

static void test_lag_R7(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    server_command(s, 'l');
    struct client c;
    struct answer a;
    struct loop_lag lag;
    client_open(&c, s->port);
    for (int i = 0; i < 10; i++) {
        assert_true(client_say(&c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_true(client_answer(&c, false, PATIENT_MS, &a));
        pause_ms(10);
    }
    EVENTUALLY((server_command(s, 'm'), s->lag.samples >= 3));
    double quiet_ms = quiet_lag_ms(s);
    assert_true(client_say(&c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")); /* 120 ms on the loop */
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    EVENTUALLY((server_command(s, 'm'), s->lag.recent_ms >= 110));
    lag = s->lag;
    assert_true(lag.max_ms >= lag.recent_ms);
    double slow_ms = lag.recent_ms;
    quiet_lag_ms(s); /* since the last look only */
    assert_true(s->lag.max_ms >= slow_ms);
    assert_true(s->lag.sum_ms >= slow_ms);
    print_message("lag: %.2f ms quiet, %.2f ms with a callback of 120 ms\n", quiet_ms, slow_ms);
    client_close(&c);
    server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_once),
        cmocka_unit_test(test_timer_repeats_and_stops),
        cmocka_unit_test(test_timer_stopped_from_within),
        cmocka_unit_test(test_timer_after_a_long_turn),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_stopped_and_closed_from_within),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_workers_decision_7),
        cmocka_unit_test(test_free_waits_for_workers),
        cmocka_unit_test(L1_who_hangs_alone_hinders_no_worker),
        cmocka_unit_test(test_lag_R7),
    };
    worker_threads(3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
