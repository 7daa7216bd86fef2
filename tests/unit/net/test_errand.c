/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1: whose work the workers do next, in virtual time: seeded worlds of peers with much and with little to do, jobs of
 * any length, jobs that come back for their next piece, jobs that are called off. Nothing is measured: turns are
 * counted.
 */
#include "net/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define JOBS   4000
#define PEERS  40
#define WORLDS 300

static unsigned long compared;

static int counted(const void *a, const void *b, size_t n)
{
    compared++;
    return memcmp(a, b, n);
}

static struct loop loop;
static unsigned width;
static uint64_t seed;

static uint64_t below(uint64_t n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (seed >> 33) % n;
}

/* ---- the pool: in the order of its queue, so many at a time ---- */

struct slot {
    loop_fn work, done;
    void *arg;
    uint64_t ends_us;
};
static struct slot pool[JOBS];
static unsigned npool, most_in_pool;
static uint64_t clock_us;

static uint64_t cost_of(const void *arg);
static void turn_comes(void *arg);

static void sim_run(loop_fn work, loop_fn done, void *arg)
{
    turn_comes(arg);
    pool[npool] = (struct slot){work, done, arg, npool < width ? clock_us + cost_of(arg) : 0};
    npool++;
    most_in_pool = npool > most_in_pool ? npool : most_in_pool;
}

#define worker_count()                 width
#define worker_run(l, work, done, arg) ((void)(l), sim_run(work, done, arg))
#define memcmp(a, b, n)                counted(a, b, n)
#include "net/turns.c"
#undef memcmp
#include "net/errand.c"

/* ---- jobs ---- */

struct job {
    struct errand errand;
    unsigned peer, pieces; /* of work that are left */
    uint64_t cost_us, passed[PEERS];
    bool waits, is_over, is_begun;
};
static struct job jobs[JOBS];
static unsigned njobs;
static unsigned long taken_of[PEERS]; /* turns so far */

static uint64_t cost_of(const void *arg)
{
    const struct errand *e = arg;
    return ((const struct job *)e->arg)->cost_us;
}

static struct peer_key key_of(unsigned peer)
{
    return (struct peer_key){.family = AF_INET, .address = {10, 0, (unsigned char)(peer >> 8), (unsigned char)peer}};
}

/* What others are at when it begins to wait. */
static void job_waits(struct job *j)
{
    j->waits = true;
    for (unsigned p = 0; p < PEERS; p++)
        j->passed[p] = taken_of[p];
}

static void job_runs(struct job *j);

/* Its turn has come: since it began to wait nobody else had more turns than its own peer had, and one. */
static void turn_comes(void *arg)
{
    if (njobs == 0)
        return;
    struct job *j = ((struct errand *)arg)->arg;
    assert_true(j->waits);
    j->waits = false;
    uint64_t own = taken_of[j->peer]++ - j->passed[j->peer];
    for (unsigned p = 0; p < PEERS; p++)
        if (p != j->peer && taken_of[p] - j->passed[p] > own + 1)
            fail_msg("peer %u had %u turns while %u of peer %u came", p, (unsigned)(taken_of[p] - j->passed[p]),
                     (unsigned)own + 1, j->peer);
}

static void job_work(void *arg)
{
    struct job *j = arg;
    assert_false(j->waits);
    assert_true(j->pieces > 0);
    j->pieces--;
}

static void job_done(void *arg)
{
    struct job *j = arg;
    if (j->pieces > 0) {
        j->is_begun = true;
        job_runs(j);
        return;
    }
    j->is_over = true;
}

static void job_runs(struct job *j)
{
    struct peer_key key = key_of(j->peer);
    job_waits(j);
    j->errand.work = job_work;
    j->errand.done = job_done;
    j->errand.arg = j;
    errand_run(&loop, &j->errand, &key, j->is_begun);
}

static void job_comes(unsigned peer, unsigned pieces)
{
    struct job *j = &jobs[njobs++];
    *j = (struct job){.peer = peer, .pieces = pieces, .cost_us = 1 + below(1000)};
    job_runs(j);
}

static void world_begin(uint64_t s, unsigned workers)
{
    seed = s;
    width = workers;
    njobs = npool = most_in_pool = 0;
    clock_us = 0;
    memset(&loop, 0, sizeof loop);
    memset(taken_of, 0, sizeof taken_of);
    turns_init(&loop.errands.turns);
}

/* The next one comes home. False: nobody is out. */
static bool world_step(void)
{
    unsigned next = 0;
    if (npool == 0)
        return false;
    for (unsigned i = 1; i < npool && i < width; i++)
        next = pool[i].ends_us < pool[next].ends_us ? i : next;
    struct slot s = pool[next];
    clock_us = s.ends_us;
    for (unsigned i = next; i + 1 < npool; i++)
        pool[i] = pool[i + 1];
    npool--;
    if (npool >= width)
        pool[width - 1].ends_us = clock_us + cost_of(pool[width - 1].arg);
    s.work(s.arg);
    s.done(s.arg);
    return true;
}

static void world_end(void)
{
    while (world_step())
        ;
    for (unsigned i = 0; i < njobs; i++)
        assert_true(jobs[i].is_over);
    assert_int_equal(loop.errands.turns.waiting, 0);
    assert_int_equal(loop.errands.working, 0);
    assert_null(loop.errands.turns.peers);
    assert_null(loop.errands.turns.tree);
    assert_in_range(most_in_pool, 0, ROUNDS * width);
}

/* ---- the tests ---- */

static void job_called_off(struct job *j)
{
    if (j->is_over || !errand_drop(&loop, &j->errand))
        return;
    assert_true(j->waits);
    j->waits = false;
    j->is_over = true;
}

static void L1_everybody_has_his_turn(void **state)
{
    (void)state;
    for (uint64_t s = 1; s <= WORLDS; s++) {
        world_begin(s, 1 + (unsigned)(s % 5));
        unsigned peers = 1 + (unsigned)below(PEERS), rare = (unsigned)below(peers);
        while (njobs < 300) {
            unsigned peer = (unsigned)below(peers);
            if (peer != rare || below(20) == 0) /* some have little to do */
                for (uint64_t n = below(8) == 0 ? below(40) : 1; n > 0; n--)
                    job_comes(peer, 1 + (below(4) == 0 ? (unsigned)below(30) : 0));
            for (uint64_t n = below(4); n > 0; n--)
                (void)world_step();
            if (njobs > 0 && below(3) == 0)
                job_called_off(&jobs[below(njobs)]);
            if (loop.errands.turns.waiting > 0) /* nobody is idle while somebody waits */
                assert_int_equal(npool, ROUNDS * width);
        }
        world_end();
    }
}

/* The figure that is promised: a thousand jobs of one peer, each of many pieces; then one of another comes. */
static void L1_one_who_comes_late_waits_for_what_is_in_hand(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 8; workers++) {
        world_begin(workers, workers);
        for (unsigned i = 0; i < 1000; i++)
            job_comes(0, 50);
        for (unsigned i = 0; i < 100; i++)
            (void)world_step();
        unsigned long before = taken_of[0];
        job_comes(1, 1);
        while (jobs[1000].waits)
            (void)world_step();
        assert_in_range(taken_of[0] - before, 0, 1);
        world_end();
    }
}

/* What is begun is ended before more of the same peer is begun: a large answer is not kept waiting by later ones. */
static void L1_what_is_begun_goes_first(void **state)
{
    (void)state;
    world_begin(3, 1);
    for (unsigned i = 0; i < 20; i++)
        job_comes(0, 10);
    unsigned begun_most = 0;
    while (world_step()) {
        unsigned begun = 0;
        for (unsigned i = 0; i < njobs; i++)
            begun += jobs[i].pieces < 10 && jobs[i].pieces > 0;
        begun_most = begun > begun_most ? begun : begun_most;
    }
    assert_in_range(begun_most, 1, ROUNDS);
    world_end();
}

static unsigned long cost_of_peers(unsigned n)
{
    world_begin(5, 1);
    compared = 0;
    for (unsigned i = 0; i < n; i++) {
        struct job *j = &jobs[njobs++];
        struct peer_key key = key_of(i * 37 % n);
        *j = (struct job){.peer = 0, .pieces = 1, .cost_us = 1};
        job_waits(j);
        j->errand = (struct errand){.work = job_work, .done = job_done, .arg = j};
        errand_run(&loop, &j->errand, &key, false);
    }
    world_end();
    return compared;
}

/* Four times the peers, some four times the work: they are not gone through one by one. */
static void L1_thousands_of_peers_cost_in_proportion(void **state)
{
    (void)state;
    unsigned long few = cost_of_peers(500), many = cost_of_peers(2000);
    assert_in_range(many, 1, 7 * few);
}

static unsigned owned_worked, owned_ended;

static void owned_job_work(void *arg)
{
    assert_ptr_equal(arg, &owned_worked);
    owned_worked++;
}

static void owned_job_done(void *arg)
{
    assert_ptr_equal(arg, &owned_worked);
    owned_ended++;
}

/* Those that are out come home in their order, until none of this peer waits for his turn. */
static void until_heard(const struct peer_key *key)
{
    while (tfind(key, &loop.errands.turns.tree, by_key) != NULL) {
        struct slot s = pool[0];
        npool--;
        for (unsigned i = 0; i < npool; i++)
            pool[i] = pool[i + 1];
        s.work(s.arg);
        s.done(s.arg);
    }
}

static void all_come_home(unsigned n)
{
    while (npool > 0) {
        struct slot s = pool[--npool];
        s.work(s.arg);
        s.done(s.arg);
    }
    assert_int_equal(owned_ended, n);
    assert_int_equal(owned_worked, n);
}

/* What a request wants done has the turn of who sent it. */
static void L1_requests_have_the_turn_of_their_peer(void **state)
{
    (void)state;
    struct exchange crowd = {.key = key_of(1)}, other = {.key = key_of(2)};
    world_begin(9, 1);
    owned_worked = owned_ended = 0;
    for (unsigned i = 0; i < 100; i++)
        http_worker_run(&loop, &crowd, owned_job_work, owned_job_done, &owned_worked);
    http_worker_run(&loop, &other, owned_job_work, owned_job_done, &owned_worked);
    assert_int_equal(loop.errands.turns.waiting, 101 - ROUNDS);
    until_heard(&other.key);
    assert_in_range(owned_ended, 1, 2);
    all_come_home(101);
}

/* A queue is one peer more: neither does it crowd others out, nor they it; two queues are two. */
static void L1_queues_have_the_turn_of_a_peer(void **state)
{
    (void)state;
    struct exchange crowd = {.key = key_of(1)}, unix_socket = {.key = {0}};
    world_begin(9, 1);
    owned_worked = owned_ended = 0;
    for (unsigned i = 0; i < 100; i++) {
        http_worker_run(&loop, &crowd, owned_job_work, owned_job_done, &owned_worked);
        worker_run_in_turn(&loop, "main", owned_job_work, owned_job_done, &owned_worked);
    }
    http_worker_run(&loop, &unix_socket, owned_job_work, owned_job_done, &owned_worked);
    worker_run_in_turn(&loop, "other", owned_job_work, owned_job_done, &owned_worked);
    assert_int_equal(loop.errands.turns.waiting, 202 - ROUNDS);
    until_heard(&unix_socket.key);
    assert_in_range(owned_ended, 1, 4);
    all_come_home(202);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L1_everybody_has_his_turn),
        cmocka_unit_test(L1_one_who_comes_late_waits_for_what_is_in_hand),
        cmocka_unit_test(L1_what_is_begun_goes_first),
        cmocka_unit_test(L1_thousands_of_peers_cost_in_proportion),
        cmocka_unit_test(L1_requests_have_the_turn_of_their_peer),
        cmocka_unit_test(L1_queues_have_the_turn_of_a_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
