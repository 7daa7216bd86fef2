/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1, L4, O2: reloads whose files hang, in virtual time. Seeded worlds of SIGHUPs, threads that come home late, in any
 * order or never, and files that change; the test plays the threads, the files and the keyrings.
 */
#include "reload.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#define SECOND_US 1000000ULL
#define HUNG_FILE "/etc/zapisd/ca.crl"
#define ALIVE_MAX 64
#define WORLDS    400

struct keyring {
    int refs;
    unsigned version;                /* of the files it was read from */
    const struct keyring *judged_by; /* what it was to replace */
};
struct service {
    struct keyring *keys;
};

static struct service service;
static struct tls_set *tls; /* in use */
static unsigned tls_alive;
static unsigned alive; /* keyrings */
static unsigned files; /* the version there is now */
static bool are_files_bad;
static uint64_t now_us, seed;
static unsigned taken, refused, slow_lines, ready_words;
static bool is_reloading_last;
static struct reloader *reloader;

static uint64_t below(uint64_t n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (seed >> 33) % n;
}

/* ---- the rest of the program, as a reload sees it ---- */

static uint64_t fake_mono_us(void)
{
    return now_us;
}

static int64_t fake_wall_us(void)
{
    return (int64_t)now_us + 1795333500000000;
}

static loop_fn tick;
static void *tick_arg;
static unsigned timers;

struct timer *timer_start(struct loop *l, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg)
{
    (void)l;
    assert_int_equal(delay_ms, repeat_ms);
    assert_int_equal(timers++, 0);
    tick = fn;
    tick_arg = arg;
    return (struct timer *)&tick;
}

void timer_stop(struct timer *t)
{
    if (t == NULL)
        return;
    assert_int_equal(--timers, 0);
    tick = NULL;
}

struct job {
    loop_fn work, done;
    void *arg;
    uint64_t began_us;
    bool has_worked;
};
static struct job jobs[ALIVE_MAX];
static unsigned njobs;

void worker_run_alone(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
    (void)l;
    if (work == reading_free) { /* has nothing to tell any more */
        work(arg);
        assert_null(done);
        return;
    }
    assert_true(njobs < ALIVE_MAX);
    jobs[njobs++] = (struct job){.work = work, .done = done, .arg = arg, .began_us = now_us};
}

static void job_work(unsigned i)
{
    if (!jobs[i].has_worked)
        jobs[i].work(jobs[i].arg);
    jobs[i].has_worked = true;
}

static void job_home(unsigned i)
{
    job_work(i);
    struct job j = jobs[i];
    jobs[i] = jobs[--njobs];
    j.done(j.arg);
}

enum err config_load(struct arena *a, const char *path, struct config *out, const char **mistakes, struct error *e)
{
    (void)a;
    (void)mistakes;
    assert_string_equal(path, "/etc/zapisd/zapisd.conf");
    file_at(path);
    *out = (struct config){.log_level = "info"};
    return are_files_bad ? error_set(e, ERR_CONFIG, "a mistake") : ERR_OK;
}

const char *config_restart_keys(struct arena *a, const struct config *running, const struct config *fresh)
{
    (void)a;
    (void)running;
    (void)fresh;
    return "";
}

void preparation_files(struct preparation *p)
{
    (void)p;
    file_at(HUNG_FILE);
}

void preparation_settings(struct preparation *p)
{
    (void)p;
}

void preparation_push(struct preparation *p)
{
    (void)p;
}

void preparation_smev3(struct preparation *p)
{
    (void)p;
}

void preparation_keys(struct preparation *p, const struct keyring *previous)
{
    p->keys = calloc(1, sizeof(struct keyring));
    assert_non_null(p->keys);
    *p->keys = (struct keyring){.refs = 1, .version = files, .judged_by = previous};
    alive++;
}

/* entries: what it was judged against */
void preparation_tls(struct preparation *p, const struct tls_set *previous)
{
    p->tls = calloc(1, sizeof *p->tls);
    assert_non_null(p->tls);
    *p->tls = (struct tls_set){.refs = 1, .n = files, .entries = (struct tls_entry *)(uintptr_t)previous};
    tls_alive++;
}

void tls_set_ref(struct tls_set *s)
{
    assert_true(s->refs > 0);
    s->refs++;
}

void tls_set_unref(struct tls_set *s)
{
    if (s == NULL)
        return;
    assert_true(s->refs > 0);
    if (--s->refs > 0)
        return;
    tls_alive--;
    free(s);
}

struct tls_set *vigil_tls(const struct vigil *v)
{
    (void)v;
    return tls;
}

static void take_tls(void *arg, const struct tls_set *next)
{
    assert_ptr_equal(arg, &tls);
    assert_ptr_equal(next->entries, tls); /* as it is with keys */
    assert_true(next->n >= tls->n);
}

const char *preparation_refusal(const struct preparation *p, const struct keyring *previous)
{
    (void)p;
    (void)previous;
    return NULL;
}

void preparation_log(const struct preparation *p)
{
    (void)p;
}

void keyring_ref(struct keyring *k)
{
    assert_true(k->refs > 0);
    k->refs++;
}

void keyring_unref(struct keyring *k)
{
    if (k == NULL)
        return;
    assert_true(k->refs > 0);
    if (--k->refs > 0)
        return;
    alive--;
    free(k);
}

struct keyring *service_keyring(const struct service *s)
{
    return s->keys;
}

void service_set_keyring(struct service *s, struct keyring *keys)
{
    assert_ptr_equal(keys->judged_by, s->keys); /* promise 6: what was looked at is what is replaced */
    assert_true(keys->version >= s->keys->version);
    keyring_unref(s->keys);
    s->keys = keys;
    taken++;
}

void vigil_take(struct vigil *v, const struct findings *f, struct tls_set *next)
{
    (void)v;
    (void)f;
    tls_set_unref(tls);
    tls = next;
}

void notify_ready(void)
{
    is_reloading_last = false;
    ready_words++;
}

void notify_reloading(void)
{
    is_reloading_last = true;
}

void notify_status(const char *fmt, ...)
{
    assert_non_null(fmt);
}

bool log_level_parse(const char *word, enum log_level *out)
{
    *out = LOG_LEVEL_INFO;
    return word != NULL;
}

void log_set_level(enum log_level level)
{
    (void)level;
}

void log_event(enum log_level level, const char *event, ...)
{
    va_list ap;
    (void)level;
    assert_string_equal(event, "reload");
    va_start(ap, event);
    const char *key = va_arg(ap, const char *), *value = va_arg(ap, const char *);
    bool is_slow = strcmp(key, "state") == 0;
    if (is_slow) {
        assert_string_equal(value, "slow");
        assert_string_equal(va_arg(ap, const char *), "detail");
        const char *detail = va_arg(ap, const char *);
        slow_lines++;
        if (strstr(detail, ", at /") == NULL && strstr(detail, "no file yet") == NULL)
            fail_msg("no file: %s", detail);
    } else {
        refused += strcmp(value, "refused") == 0;
    }
    va_end(ap);
}

/* ---- a world ---- */

static struct config running;

static void world_begin(uint64_t s)
{
    seed = s;
    now_us = 1000 * SECOND_US;
    files = 1;
    are_files_bad = false;
    taken = refused = slow_lines = 0;
    is_reloading_last = false;
    clock_replace(fake_mono_us, fake_wall_us);
    service.keys = calloc(1, sizeof(struct keyring));
    assert_non_null(service.keys);
    *service.keys = (struct keyring){.refs = 1};
    tls = calloc(1, sizeof *tls);
    assert_non_null(tls);
    tls->refs = 1;
    alive = tls_alive = 1;
    reloader = reloader_new(NULL, &service, NULL, &running, "/etc/zapisd/zapisd.conf", take_tls, &tls);
}

static void seconds_pass(unsigned n)
{
    for (; n > 0; n--) {
        now_us += SECOND_US;
        if (tick != NULL)
            tick(tick_arg);
    }
}

static uint64_t oldest_us(void)
{
    uint64_t oldest = UINT64_MAX;
    for (unsigned i = 0; i < njobs; i++)
        oldest = jobs[i].began_us < oldest ? jobs[i].began_us : oldest;
    return oldest;
}

static bool is_warned(void)
{
    struct arena *a = arena_new();
    struct buf b;
    buf_init(&b, a, 64);
    reloader_warnings_read(reloader, &b);
    buf_add_char(&b, '\0');
    bool is = strstr(b.p, "has been reading for") != NULL;
    arena_free(a);
    return is;
}

static double running_seconds(void)
{
    static const char name[] = "\nzapisd_reload_running_seconds ";
    struct arena *a = arena_new();
    struct buf b;
    buf_init(&b, a, 64);
    reloader_metrics_write(reloader, &b);
    buf_add_char(&b, '\0');
    const char *sample = strstr(b.p, name);
    assert_non_null(sample);
    double value = strtod(sample + sizeof name - 1, NULL);
    arena_free(a);
    return value;
}

/* What is told is what is so. */
static void look(void)
{
    uint64_t oldest = oldest_us();
    assert_int_equal(is_warned(), njobs > 0 && now_us - oldest >= SLOW_S * SECOND_US);
    assert_int_equal((int)running_seconds(), njobs > 0 ? (int)((now_us - oldest) / SECOND_US) : 0);
    assert_in_range(njobs, 0, LEFT_BEHIND_MAX + 1);
    assert_int_equal(timers, njobs > 0);
}

static void all_come_home(void)
{
    while (njobs > 0)
        job_home((unsigned)below(njobs));
    look();
    assert_false(is_reloading_last);
}

static void world_end(void)
{
    reloader_stop(reloader);
    while (njobs > 0)
        job_home((unsigned)below(njobs));
    reloader_free(reloader);
    keyring_unref(service.keys);
    tls_set_unref(tls);
    assert_int_equal(alive, 0);
    assert_int_equal(tls_alive, 0);
    assert_int_equal(timers, 0);
    clock_replace(NULL, NULL);
}

/* ---- the tests ---- */

/* However the threads come home, what is in use at last was read after the last SIGHUP. */
static void L4_no_reload_is_lost_whatever_hangs(void **state)
{
    (void)state;
    for (uint64_t s = 1; s <= WORLDS; s++) {
        world_begin(s);
        unsigned asked_for = 0;
        for (unsigned step = 0; step < 200; step++) {
            switch (below(6)) {
            case 0:
                files++;
                break;
            case 1:
            case 2:
                reloader_ask(reloader);
                asked_for = files;
                break;
            case 3:
                if (njobs > 0)
                    job_home((unsigned)below(njobs));
                break;
            case 4:
                if (njobs > 0)
                    job_work((unsigned)below(njobs)); /* has read it all and is on its way */
                break;
            default:
                seconds_pass(1 + (unsigned)below(30));
            }
            look();
        }
        all_come_home();
        if (service.keys->version < asked_for)
            fail_msg("seed %d: files of version %u are in use, a reload was asked for at %u", (int)s,
                     service.keys->version, asked_for);
        world_end();
    }
}

/* One that never comes home keeps nobody from naming other files. */
static void L1_a_hung_file_keeps_no_later_reload_away(void **state)
{
    (void)state;
    world_begin(7);
    reloader_ask(reloader);
    files = 2;
    reloader_ask(reloader); /* remembered: the first one may yet end */
    assert_int_equal(njobs, 1);
    seconds_pass(SLOW_S + 1);
    assert_int_equal(njobs, 2);
    job_home(1);
    assert_int_equal(service.keys->version, 2);
    assert_false(is_reloading_last);
    assert_true(is_warned());
    files = 3;
    reloader_ask(reloader); /* the youngest has come home: but the one that hangs is not waited for */
    assert_int_equal(njobs, 2);
    job_home(1);
    assert_int_equal(service.keys->version, 3);
    job_home(0); /* the disk is mended: what it read is of long ago */
    assert_int_equal(service.keys->version, 3);
    look();
    world_end();
}

static void L4_what_hangs_is_told_once_and_then_seldom(void **state)
{
    (void)state;
    world_begin(11);
    reloader_ask(reloader);
    jobs[0].work(jobs[0].arg); /* so far that it has named its file */
    jobs[0].has_worked = true;
    seconds_pass(SLOW_S - 1);
    assert_int_equal(slow_lines, 0);
    assert_false(is_warned());
    seconds_pass(2);
    assert_int_equal(slow_lines, 1);
    assert_true(is_warned());
    seconds_pass(3600);
    assert_in_range(slow_lines, 5, 15);
    seconds_pass(86400 - 3600);
    assert_in_range(slow_lines, 100, 160);
    all_come_home();
    world_end();
}

static void O2_a_bounded_number_is_left_behind(void **state)
{
    (void)state;
    world_begin(13);
    for (unsigned i = 0; i < 3600; i++) {
        reloader_ask(reloader);
        seconds_pass(1);
        look();
    }
    assert_int_equal(njobs, LEFT_BEHIND_MAX + 1);
    files = 9;
    all_come_home();
    assert_int_equal(service.keys->version, 9);
    world_end();
}

/* A mistake that was read long ago does not undo the good files of today, nor the other way round. */
static void L4_the_newest_has_the_last_word(void **state)
{
    (void)state;
    for (int is_bad_first = 0; is_bad_first < 2; is_bad_first++) {
        world_begin(17);
        are_files_bad = is_bad_first;
        reloader_ask(reloader);
        job_work(0);
        seconds_pass(SLOW_S);
        are_files_bad = !is_bad_first;
        files = 2;
        reloader_ask(reloader);
        assert_int_equal(njobs, 2);
        job_home(1);
        job_home(0);
        assert_int_equal(taken, is_bad_first ? 1 : 0);
        assert_int_equal(refused, is_bad_first ? 0 : 1);
        assert_int_equal(service.keys->version, is_bad_first ? 2 : 0);
        world_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L4_no_reload_is_lost_whatever_hangs),
        cmocka_unit_test(L1_a_hung_file_keeps_no_later_reload_away),
        cmocka_unit_test(L4_what_hangs_is_told_once_and_then_seldom),
        cmocka_unit_test(O2_a_bounded_number_is_left_behind),
        cmocka_unit_test(L4_the_newest_has_the_last_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
