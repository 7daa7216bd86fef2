/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The concurrent heart (group.c, slow_lane.c, deadline.c, reads.c, journal.c, service.c) in virtual time, without
 * PostgreSQL: many clients, a few slots, outsiders who hold locks, sessions that break, COMMITs that are never
 * answered, clients who hang up, SIGTERM and a stop at any point. heart_judge.c says what must hold (L1, B6, J4).
 *
 * HEART_SEED=N plays one world again, HEART_TOLD=1 tells what happens in it, HEART_SEEDS=N plays so many of them,
 * beginning with HEART_FIRST.
 */
#include "heart.h"

#include "fake_db.h"
#include "fake_server.h"
#include "sim.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SEEDS 500
#else
#define SEEDS 5000
#endif
#define SETTLE_MAX_US 60000000
#define FOREVER_US    UINT64_C(100000000000)

struct world world;

/* ---- the parts of a world ---- */

static struct server_conf draw_server(void)
{
    bool is_calm = world.is_calm;
    return (struct server_conf){.statement_max_us = SIM_PICK(400, 2000),
                                .commit_max_us = is_calm ? 4000 : SIM_PICK(2000, 10000, 60000),
                                .error_per_mille = is_calm ? 0 : (unsigned)SIM_PICK(0, 2, 20, 100),
                                .slow_per_mille = is_calm ? 0 : (unsigned)SIM_PICK(0, 0, 5, 30),
                                .slow_us = SIM_PICK(200000, 3000000, 20000000),
                                .slot_capacity = (unsigned)SIM_PICK(1, 5, 1000),
                                .lost_per_mille = is_calm ? 0 : (unsigned)SIM_PICK(0, 0, 100),
                                .read_rows = (unsigned)SIM_PICK(0, 3, 40),
                                .shares_slots = is_calm || sim_chance(500),
                                .committed = judge_committed,
                                .broken_off = judge_broken_off,
                                .locked = judge_locked,
                                .misused = judge_misuse};
}

static struct fake_db_faults draw_faults(void)
{
    struct fake_db_faults none = {0};
    if (world.is_calm || sim_chance(200))
        return none;
    return (struct fake_db_faults){.lost_before = (unsigned)SIM_PICK(0, 2, 20),
                                   .lost_after = (unsigned)SIM_PICK(0, 5, 50),
                                   .killed = (unsigned)SIM_PICK(0, 2, 20),
                                   .silent_before = (unsigned)SIM_PICK(0, 0, 10),
                                   .silent_after = (unsigned)SIM_PICK(0, 0, 10),
                                   .broken = (unsigned)SIM_PICK(0, 10, 100)};
}

static void draw_conf(void)
{
    struct config *c = &world.conf;
    bool is_calm = world.is_calm;
    *c = (struct config){.schema_dir = "",
                         .body_max_bytes = 1 << 20,
                         .requests_max = (unsigned)(is_calm ? 1000 : SIM_PICK(1000, 1000, 30)),
                         .request_timeout_ms = is_calm ? 15000 : SIM_PICK(1000, 4000, 15000),
                         .db_connections = (unsigned)(is_calm ? SIM_PICK(4, 8, 12) : SIM_PICK(1, 2, 3, 4, 8, 12)),
                         .db_batch_max = (unsigned)SIM_PICK(1, 2, 4, 32),
                         .db_acquire_timeout_ms = is_calm ? 5000 : SIM_PICK(300, 5000),
                         .db_statement_timeout_ms = is_calm ? 10000 : SIM_PICK(500, 10000),
                         .answers_max_bytes = is_calm ? 64 << 20 : SIM_PICK(1 << 17, 1 << 20, 64 << 20),
                         .refused_peer_bytes = 4 << 20,
                         .refused_total_bytes = 64 << 20,
                         .repeats_bytes = 256 << 20};
    world.queued_per_mille = (unsigned)SIM_PICK(0, 200, 800);
    world.unsigned_per_mille = is_calm ? 0 : (unsigned)SIM_PICK(0, 0, 5, 50);
    world.listener = (struct config_listener){.name = "heart", .kind = LISTENER_PLAIN, .path = "/equeue"};
}

static const char *text(const char *kind, uint64_t n)
{
    return arena_printf(world.arena, "%s%" PRIu64, kind, n);
}

static void client_needs(struct client *c, const char *name)
{
    c->needs[c->nneeds++] = name;
}

static void client_comes_at(struct client *c, uint64_t at_us)
{
    uint64_t goes_after_us = c->goes_us - c->at_us;
    c->at_us = at_us;
    c->goes_us = at_us + goes_after_us;
    c->deadline_us = at_us + world.conf.request_timeout_ms * 1000;
}

static void draw_client(struct client *c, uint64_t window_us, unsigned nslots, bool shares_slots)
{
    c->kind = (enum client_kind)SIM_PICK(CLIENT_BOOK, CLIENT_BOOK, CLIENT_BOOK, CLIENT_CANCEL, CLIENT_SLOTS,
                                         CLIENT_SLOTS, CLIENT_STATUS, CLIENT_REFS, CLIENT_JUNK);
    client_comes_at(c, sim_now_us() + 20000 + sim_below(window_us));
    if (!sim_chance(850)) {
        c->going = sim_chance(500) ? CLIENT_RESETS : CLIENT_ENDS;
        c->goes_us = c->at_us + (sim_chance(500) ? sim_below(20000) : sim_below(world.conf.request_timeout_ms * 1000));
    }
    c->message_id = text("message-", c->number);
    c->book_id = text("booking-", c->number);
    c->is_bad = c->kind == CLIENT_SLOTS && sim_chance(100);
    c->is_misshapen = c->kind == CLIENT_BOOK && sim_chance(world.is_calm ? 0 : 30);
    if (c->number > 0 && sim_chance(80)) { /* the same again, or its number on another message */
        const struct client *other = &world.clients[sim_below(c->number)];
        c->message_id = other->message_id;
        c->book_id = other->book_id;
        c->content = sim_chance(150) ? 1 : other->content;
        if (sim_chance(500)) /* both at once */
            client_comes_at(c, other->at_us + sim_below(3000));
    } else if (c->number > 0 && sim_chance(60)) { /* another message about the same booking */
        const struct client *other = &world.clients[sim_below(c->number)];
        c->book_id = other->book_id;
        client_comes_at(c, other->at_us + sim_below(3000));
    }
    c->is_queued = sim_chance(world.queued_per_mille);
    if (c->is_queued)
        c->going = CLIENT_STAYS;
    client_needs(c, c->kind == CLIENT_REFS ? "read getRefsList" : "table");
    if (c->kind == CLIENT_SLOTS || c->kind == CLIENT_STATUS)
        client_needs(c, c->kind == CLIENT_SLOTS ? "read getSlots" : "read getBookingStatus");
    if (c->kind != CLIENT_BOOK && c->kind != CLIENT_CANCEL)
        return;
    client_needs(c, arena_printf(world.arena, "booking %s", c->book_id));
    if (c->kind != CLIENT_BOOK)
        return;
    if (sim_chance(60)) {
        c->slots[c->nslots++] = "blind_request";
        return;
    }
    for (unsigned i = 0; i < (sim_chance(world.is_calm ? 250 : 100) ? 2 : 1); i++) {
        const char *slot = text("slot-", sim_below(sim_below(nslots) + 1));
        c->slots[c->nslots++] = slot;
        client_needs(c, arena_printf(world.arena, shares_slots ? "read slot %s" : "slot %s", slot));
    }
}

static void hold(void *arg)
{
    const struct holder *h = arg;
    if (sim_now_us() >= h->to_us)
        return;
    if (server_hold(h->name))
        sim_tell("somebody locks %s", h->name);
    else
        (void)sim_after(1000, hold, arg);
}

static void let_go(void *arg)
{
    const struct holder *h = arg;
    sim_tell("%s is let go", h->name);
    server_let_go(h->name);
}

/* Each name has one holder: two of them would be one lock to the server. */
static void draw_holders(uint64_t window_us, unsigned nslots, bool shares_slots)
{
    unsigned most = 2 + nslots;
    world.holders = arena_array(world.arena, most, sizeof *world.holders);
    for (unsigned i = 0; i < most; i++) {
        struct holder *h = &world.holders[world.nholders];
        if (!sim_chance(300))
            continue;
        h->name = i == 0   ? (const char *)(sim_chance(300) ? "table" : "read getSlots")
                  : i == 1 ? "read getBookingStatus"
                           : text(shares_slots ? "read slot slot-" : "slot slot-", i - 2);
        h->from_us = sim_now_us() + sim_below(window_us);
        h->to_us = h->from_us + SIM_PICK(60000, 400000, 3000000, 20000000, FOREVER_US);
        world.nholders++;
        (void)sim_at(h->from_us, hold, h);
        (void)sim_at(h->to_us, let_go, h);
    }
}

static void go_away(void *arg)
{
    (void)arg;
    world.is_ever_away = true;
    if (!world.is_over)
        fake_db_set_away(world.pool, true);
}

static void come_back(void *arg)
{
    (void)arg;
    if (!world.is_over)
        fake_db_set_away(world.pool, false);
}

static struct keyring *keyring_empty(void)
{
    struct arena *a = arena_new();
    struct keyring *k = arena_alloc(a, sizeof *k);
    k->arena = a;
    k->refs = 1;
    return k;
}

static void draw_world(uint64_t seed)
{
    struct error e = {0};
    sim_begin(seed);
    world = (struct world){.seed = seed, .began_us = sim_now_us(), .is_calm = sim_chance(300), .arena = arena_new()};
    draw_conf();
    struct server_conf server = draw_server();
    struct fake_db_faults faults = draw_faults();
    const struct fake_db_hooks hooks = {judge_misuse, judge_writes_sent, judge_writes_ended, judge_commit_sent,
                                        judge_commit_ended};
    server_begin(&server);
    fake_db_set(&faults, &hooks);
    world.pool = db_pool_new(NULL, &(struct db_conf){.connections = world.conf.db_connections,
                                                     .acquire_timeout_ms = world.conf.db_acquire_timeout_ms,
                                                     .statement_timeout_ms = world.conf.db_statement_timeout_ms});
    assert_int_equal(service_new((struct loop *)&world, world.pool, &world.conf, keyring_empty(), &world.service, &e),
                     ERR_OK);
    endpoint_init(&world.endpoint, world.service, &world.listener);
    unsigned nslots = (unsigned)sim_between(1, 8);
    uint64_t window_us = world.is_calm ? 8000000 : SIM_PICK(30000, 1000000, 8000000);
    world.nclients = (unsigned)sim_between(5, 150);
    world.clients = arena_array(world.arena, world.nclients, sizeof *world.clients);
    for (unsigned i = 0; i < world.nclients; i++) {
        world.clients[i].number = i;
        draw_client(&world.clients[i], window_us, nslots, server.shares_slots);
        (void)sim_at(world.clients[i].at_us, client_send, &world.clients[i]);
    }
    draw_holders(window_us, nslots, server.shares_slots);
    if (!world.is_calm && sim_chance(200)) {
        uint64_t from_us = sim_now_us() + sim_below(window_us);
        (void)sim_at(from_us, go_away, NULL);
        (void)sim_at(from_us + SIM_PICK(50000, 1000000, 8000000), come_back, NULL);
    }
}

/* ---- its course ---- */

static void on_drained(void *arg)
{
    (void)arg;
    world.drained++;
    if (world.service->in_work > 0)
        judge_fail("drained, with %u in work", world.service->in_work);
}

static void drain(void *arg)
{
    (void)arg;
    sim_tell("SIGTERM");
    if (!world.is_over)
        service_drain(world.service, on_drained, NULL);
}

/* In the order of daemon_finish(): nothing calls back when the service is freed. */
static void stop(void)
{
    sim_tell("the end");
    world.is_over = true;
    db_pool_free(world.pool);
    service_stop(world.service);
    while (sim_jobs() > 0 && sim_step()) {
    }
    service_free(world.service);
}

static void run_until(uint64_t until_us, const unsigned *is_done)
{
    while (sim_now_us() < until_us && (is_done == NULL || *is_done == 0) && sim_step())
        judge_moment();
}

/* What the journal apart and the watch of locks have begun of themselves ends. */
static void run_until_at_rest(uint64_t until_us)
{
    struct db_pool_stats stats;
    do
        db_pool_read_stats(world.pool, &stats);
    while (stats.busy > 0 && sim_now_us() < until_us && sim_step());
}

/* Longer than anything that is asked for may take. */
static uint64_t all_over_us(void)
{
    uint64_t last_us = 0;
    for (unsigned i = 0; i < world.nclients; i++)
        last_us = world.clients[i].deadline_us > last_us ? world.clients[i].deadline_us : last_us;
    world.taken_until_us = last_us;
    if (world.queued_per_mille > 0) /* each of them may be taken again */
        last_us += world.conf.request_timeout_ms * 1000;
    return last_us + (world.conf.db_acquire_timeout_ms + world.conf.db_statement_timeout_ms) * 1000 + 20000000;
}

static uint64_t play(uint64_t seed)
{
    draw_world(seed);
    uint64_t over_us = all_over_us();
    bool is_cut_short = !world.is_calm && sim_chance(250);
    if (is_cut_short) {
        if (sim_chance(300))
            (void)sim_after(sim_below(over_us - sim_now_us()) / 4, drain, NULL);
        run_until(sim_now_us() + sim_below(over_us - sim_now_us()) / 3, NULL);
    } else {
        if (sim_chance(200))
            (void)sim_after(sim_below(over_us - sim_now_us()), drain, NULL);
        run_until(over_us, NULL);
        run_until_at_rest(over_us + world.conf.db_statement_timeout_ms * 1000 + 5000000);
        judge_quiet();
        if (world.drained == 0)
            drain(NULL);
        run_until(over_us + SETTLE_MAX_US, &world.drained);
        if (world.drained != 1)
            judge_fail("drained %u times", world.drained);
    }
    stop();
    while (sim_step()) {
    }
    judge_end();
    uint64_t digest = sim_digest();
    server_end();
    sim_end();
    arena_free(world.arena);
    return digest;
}

static uint64_t setting(const char *name, uint64_t fallback)
{
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 10) : fallback;
}

/* L1 B6 J4 Q1 */
static void test_worlds(void **state)
{
    (void)state;
    uint64_t first = setting("HEART_SEED", setting("HEART_FIRST", 1));
    uint64_t n = getenv("HEART_SEED") != NULL ? 1 : setting("HEART_SEEDS", SEEDS);
    for (uint64_t seed = first; seed < first + n; seed++)
        (void)play(seed);
    print_message("worlds %" PRIu64 " to %" PRIu64 "\n", first, first + n - 1);
}

/* Without this a seed would tell nothing. */
static void test_a_world_can_be_played_again(void **state)
{
    (void)state;
    uint64_t seed = setting("HEART_SEED", setting("HEART_FIRST", 1));
    uint64_t digest = play(seed);
    assert_true(digest == play(seed));
}

int main(void)
{
    sim_is_told = getenv("HEART_TOLD") != NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worlds),
        cmocka_unit_test(test_a_world_can_be_played_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
