/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1, L3: what a crowd of handshakes may cost, in virtual time: while others wait a quarter of one processor is theirs,
 * alone a client waits for nothing; everybody has his turn. The turns are the daemon's own; workers, clock and timer
 * are the test's.
 */
#include "fixture.h"

#include <stdint.h>

#define CONNS   200
#define COST_US 6000 /* of a step, at most */

static struct loop loop;
static uint64_t clock_us, seed;
static unsigned width_of_pool;

static uint64_t below(uint64_t n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (seed >> 33) % n;
}

/* ---- the workers ---- */

static struct client_state {
    struct conn conn;
    loop_fn work, done; /* of the worker who has it; NULL: none */
    uint64_t cost_us, ends_us;
    unsigned steps_left, number;
} clients[CONNS];
static unsigned running, ended, order[CONNS];
static uint64_t spent_us, cpu_us;

static struct client_state *client_of(struct conn *c)
{
    return (struct client_state *)(void *)c;
}

static void sim_lend(struct conn *c, loop_fn work, loop_fn done)
{
    struct client_state *s = client_of(c);
    s->work = work;
    s->done = done;
    s->cost_us = 1 + below(COST_US);
    s->ends_us = clock_us + s->cost_us * (1 + below(2)); /* now and then he shares the processor */
    running++;
    spent_us += s->cost_us;
}

/* The first look before the step, the second behind it. */
static int sim_cpu(struct timespec *t)
{
    *t = (struct timespec){.tv_sec = (time_t)(cpu_us / 1000000), .tv_nsec = (long)(cpu_us % 1000000 * 1000)};
    return 0;
}

static enum tls_status sim_handshake(struct conn *c)
{
    cpu_us += client_of(c)->cost_us;
    return TLS_OK;
}

static void sim_stepped(struct conn *c)
{
    struct client_state *s = client_of(c);
    if (--s->steps_left > 0)
        handshake_join(c);
    else
        order[ended++] = s->number;
}

/* ---- the timer ---- */

static uv_timer_cb timer_fn;
static uint64_t timer_us;

static int sim_timer(uv_timer_t *timer, uv_timer_cb fn, uint64_t ms)
{
    assert_ptr_equal(timer, &loop.handshakes.rest);
    timer_fn = fn;
    timer_us = clock_us + ms * 1000;
    return 0;
}

#define uv_hrtime()                      (clock_us * 1000)
#define uv_timer_start(timer, fn, ms, _) sim_timer(timer, fn, ms)
#define uv_fileno(handle, fd)            ((void)(handle), *(fd) = 0)
#define poll(fds, n, ms)                 ((void)(fds), 0)
#define clock_gettime(id, t)             sim_cpu(t)
#define worker_count()                   width_of_pool
#define tls_handshake(tls)               sim_handshake((struct conn *)(void *)(tls))
#define tls_is_shaken(tls)               false
#define tls_is_resumed(tls)              false
#define conn_tls_lend(c, work, done)     sim_lend(c, work, done)
#define conn_tls_take_back(c)            true
#define conn_tls_stepped(c, status)      sim_stepped(c)
#include "net/handshake.c"

/* ---- a world ---- */

static void world_begin(uint64_t s, unsigned workers)
{
    seed = s;
    clock_us = 1000000;
    width_of_pool = workers;
    running = ended = 0;
    spent_us = 0;
    timer_fn = NULL;
    memset(&loop, 0, sizeof loop);
    turns_init(&loop.handshakes.turns);
    memset(clients, 0, sizeof clients);
}

static void client_comes(unsigned number, unsigned peer, unsigned steps)
{
    struct client_state *s = &clients[number];
    s->number = number;
    s->steps_left = steps;
    s->conn.loop = &loop;
    s->conn.tls = (struct tls *)(void *)&s->conn;
    s->conn.key = (struct peer_key){.family = AF_INET, .address = {127, 0, 0, (unsigned char)peer}};
    handshake_join(&s->conn);
}

/* The next thing that happens; false: nothing is left to happen. */
static bool world_step(void)
{
    struct client_state *next = NULL;
    for (unsigned i = 0; i < CONNS; i++)
        if (clients[i].done != NULL && (next == NULL || clients[i].ends_us < next->ends_us))
            next = &clients[i];
    if (timer_fn != NULL && (next == NULL || timer_us < next->ends_us)) {
        uv_timer_cb fn = timer_fn;
        clock_us = timer_us;
        timer_fn = NULL;
        fn(&loop.handshakes.rest);
        return true;
    }
    if (next == NULL)
        return false;
    loop_fn done = next->done;
    clock_us = next->ends_us;
    next->work(&next->conn);
    next->done = NULL;
    running--;
    done(&next->conn);
    return true;
}

static void world_end(void)
{
    assert_int_equal(running, 0);
    assert_int_equal(loop.handshakes.turns.waiting, 0);
    assert_int_equal(loop.handshakes.working, 0);
}

/* ---- the tests ---- */

static void L1_a_crowd_has_a_quarter_of_one_processor(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 16; workers++) {
        world_begin(workers, workers);
        for (unsigned i = 0; i < CONNS; i++)
            client_comes(i, i % 3, 1 + i % 2);
        uint64_t began_us = clock_us;
        unsigned width = workers / 2 > 0 ? workers / 2 : 1;
        while (loop.handshakes.turns.waiting > 0) {
            assert_in_range(running, 0, width);
            if (!world_step())
                fail_msg("%u wait and nothing happens", loop.handshakes.turns.waiting);
        }
        /* what is in work now has no rest behind it yet */
        uint64_t took_us = clock_us - began_us, edge_us = (uint64_t)(width + 1) * COST_US;
        if (3 * spent_us > took_us + 3 * edge_us || 5 * spent_us + 5 * edge_us < took_us)
            fail_msg("%u workers: %.0f ms of a processor in %.0f ms", workers, (double)spent_us / 1e3,
                     (double)took_us / 1e3);
        while (world_step())
            ;
        assert_int_equal(ended, CONNS);
        world_end();
    }
}

/* One after another, each alone: nobody rests for him. */
static void L1_a_lone_client_waits_for_nothing(void **state)
{
    (void)state;
    world_begin(5, 4);
    for (unsigned i = 0; i < CONNS; i++) {
        uint64_t came_us = clock_us;
        client_comes(i, 1, 2);
        assert_int_equal(running, 1);
        uint64_t first_us = clients[i].ends_us - came_us;
        assert_true(world_step());
        assert_int_equal(running, 1); /* the second step, at the same instant */
        assert_int_equal(clock_us, came_us + first_us);
        assert_true(world_step());
        assert_null(timer_fn);
        assert_int_equal(ended, i + 1);
    }
    world_end();
}

/* A rest is as long as what it is for: when the crowd has gone, who comes after it is served at once. */
static void L1_after_the_crowd_there_is_no_rest(void **state)
{
    (void)state;
    for (uint64_t s = 1; s <= 50; s++) {
        world_begin(s, 4);
        for (unsigned i = 0; i + 1 < CONNS; i++)
            client_comes(i, 1 + (unsigned)below(5), 1);
        while (world_step())
            ;
        clock_us += 3ULL * COST_US * 2;
        client_comes(CONNS - 1, 9, 1);
        assert_int_equal(running, 1);
        while (world_step())
            ;
        world_end();
    }
}

/* Peers in turn, however many of each there are, and a client who has had his first step before one who has not. */
static void L1_a_crowd_delays_another_peer_by_a_step_or_two(void **state)
{
    (void)state;
    for (uint64_t s = 1; s <= 50; s++) {
        world_begin(s, 4);
        for (unsigned i = 0; i + 1 < CONNS; i++)
            client_comes(i, 1, 1);
        for (uint64_t n = below(CONNS / 2); n > 0; n--)
            (void)world_step();
        unsigned before = ended;
        client_comes(CONNS - 1, 2, 1);
        while (world_step())
            ;
        unsigned at = 0;
        while (order[at] != CONNS - 1)
            at++;
        assert_in_range(at, before, before + 4); /* those in work, and one whose turn it was */
        world_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L1_a_crowd_has_a_quarter_of_one_processor),
        cmocka_unit_test(L1_a_lone_client_waits_for_nothing),
        cmocka_unit_test(L1_after_the_crowd_there_is_no_rest),
        cmocka_unit_test(L1_a_crowd_delays_another_peer_by_a_step_or_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
