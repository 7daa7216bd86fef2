/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Revocation lists of 20 MB take a second to read, and a file may lie on a disk that hangs: neither is for the loop.
 * What hangs is told while it lasts, with the name of the file, and keeps nobody from reloading: asked again, a reading
 * that has been slow is left behind, and another one begins. A reading is taken unless one that began later has ended
 * before it; what it was judged against must still be in use.
 */
#include "reload.h"

#include "clock.h"
#include "fault.h"
#include "file.h"
#include "log.h"
#include "notify.h"
#include "preparation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SLOW_S          FILE_SLOW_S /* told then, */
#define SLOW_EVERY_S    600         /* and again after twice the time, at the latest after this */
#define SLOW_TICK_MS    1000
#define LEFT_BEHIND_MAX 3

enum reload_result { RELOAD_TAKEN, RELOAD_IN_PART, RELOAD_REFUSED, RELOAD_RESULTS };
static const char *const result_names[RELOAD_RESULTS] = {"taken", "taken-in-part", "refused"};

struct reloader {
    struct arena *arena;
    struct loop *loop;
    struct service *service;
    struct vigil *vigil;
    const struct config *running;
    const char *config_path;
    reload_tls_fn take_tls;
    void *arg;
    struct file_reading *readings; /* under way, the youngest first */
    unsigned nreadings, begun, newest_ended;
    struct timer *tick; /* while there are any */
    bool is_wanted_again, is_stopped;
    uint64_t ended[RELOAD_RESULTS];
    struct arena *told_in;
    const char *trouble; /* of told_in: what the last reload did not take; NULL: it took all, or there was none */
};

/* One reading: the thread's until it comes home. */
struct file_reading {
    struct arena *arena;
    struct reloader *reloader;
    struct file_reading *next; /* the loop's */
    unsigned number;
    uint64_t began_us, tell_at_us;
    struct file_trace at;
    struct keyring *previous;     /* lends what it had of parties whose files cannot be used */
    struct tls_set *previous_tls; /* the same of listeners */
    struct config conf;
    struct preparation preparation;
    const char *refused; /* NULL: it may be taken */
};

/* The mistakes of a configuration are a line each: in one line of the log and of /readyz. */
static const char *in_one_line(struct arena *a, const char *lines)
{
    struct buf b;
    buf_init(&b, a, strlen(lines) + 8);
    for (const char *p = lines; *p != '\0';) {
        size_t n = strcspn(p, "\n");
        if (n > 0)
            buf_add_str(&b, b.n > 0 ? "; " : "");
        buf_add(&b, p, n);
        p += n + (p[n] == '\n');
    }
    return b.p != NULL ? b.p : "";
}

static void reading_read(struct file_reading *g)
{
    const char *mistakes = NULL;
    struct error e = {0};
    if (config_load(g->arena, g->reloader->config_path, &g->conf, &mistakes, &e) != ERR_OK) {
        g->refused = in_one_line(g->arena, mistakes != NULL && *mistakes != '\0' ? mistakes : e.detail);
        return;
    }
    preparation_files(&g->preparation);
    preparation_settings(&g->preparation);
    preparation_keys(&g->preparation, g->previous);
    preparation_push(&g->preparation);
    preparation_smev3(&g->preparation);
    preparation_tls(&g->preparation, g->previous_tls);
    g->refused = preparation_refusal(&g->preparation, g->previous);
    if (FAULT_TAKEN(reload_read))
        g->refused = "the fault point reload_read";
}

static void reading_work(void *arg)
{
    struct file_reading *g = arg;
    file_trace(&g->at);
    reading_read(g);
    file_trace(NULL);
}

/* What was not taken is told until a reload takes all. */
static void reloader_end(struct reloader *r, enum reload_result result, const char *what, const char *detail)
{
    r->ended[result]++;
    arena_free(r->told_in);
    r->told_in = arena_new();
    r->trouble = result == RELOAD_TAKEN ? NULL : arena_printf(r->told_in, "%s: %.400s", what, detail);
}

static void reading_take(struct file_reading *g)
{
    struct reloader *r = g->reloader;
    enum reload_result result;
    enum log_level level;
    const char *restart = config_restart_keys(g->arena, r->running, &g->conf),
               *kept = findings_kept(g->arena, &g->preparation.found);
    result = kept != NULL ? RELOAD_IN_PART : RELOAD_TAKEN;
    FAULT_POINT(reload_begin);
    reloader_end(r, result, "the last reload left as it was, because the new files are of no use", kept);
    service_set_keyring(r->service, g->preparation.keys);
    FAULT_POINT(reload_keys);
    r->take_tls(r->arg, g->preparation.tls);
    vigil_take(r->vigil, &g->preparation.found, g->preparation.tls);
    g->preparation.tls = NULL;
    if (log_level_parse(g->conf.log_level, &level))
        log_set_level(level);
    preparation_log(&g->preparation);
    FAULT_POINT(reload_done);
    log_event(kept != NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, "reload", "result", result_names[result], "refused",
              kept, "needs_restart", restart, NULL);
    notify_status("reloaded%s%s%s%s%s", kept != NULL ? ", refused: " : "", kept != NULL ? kept : "",
                  g->preparation.nbad > 0 ? ", with troubles (see the log)" : "",
                  *restart != '\0' ? "; needs a restart: " : "", restart);
}

static void reading_refuse(struct file_reading *g)
{
    reloader_end(g->reloader, RELOAD_REFUSED, "the last reload was refused, what was before stays", g->refused);
    log_event(LOG_LEVEL_ERROR, "reload", "result", result_names[RELOAD_REFUSED], "detail", g->refused, NULL);
    keyring_unref(g->preparation.keys);
    notify_status("reload refused, the old configuration stays: %s", g->refused);
}

static void reading_leave(struct file_reading *g)
{
    struct reloader *r = g->reloader;
    struct file_reading **at = &r->readings;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    r->nreadings--;
    if (r->nreadings > 0)
        return;
    timer_stop(r->tick);
    r->tick = NULL;
}

static void reading_begin(struct reloader *r);

/* Of what came home, what becomes of it: true when it was judged against what is in use no more, and must be again. */
static bool reading_end(struct file_reading *g)
{
    struct reloader *r = g->reloader;
    if (g->number < r->newest_ended) {
        keyring_unref(g->preparation.keys); /* there is news since */
        return false;
    }
    if (g->previous != service_keyring(r->service) || g->previous_tls != vigil_tls(r->vigil)) {
        keyring_unref(g->preparation.keys);
        return true;
    }
    r->newest_ended = g->number;
    if (g->refused != NULL)
        reading_refuse(g);
    else
        reading_take(g);
    return false;
}

/* What was read and not taken: lists may be among it. */
static void reading_free(void *arg)
{
    struct file_reading *g = arg;
    tls_set_unref(g->preparation.tls);
    arena_free(g->arena);
}

static void reading_done(void *arg)
{
    struct file_reading *g = arg;
    struct reloader *r = g->reloader;
    bool is_newest = r->readings == g;
    reading_leave(g);
    if (r->is_stopped)
        keyring_unref(g->preparation.keys);
    else
        r->is_wanted_again |= reading_end(g);
    keyring_unref(g->previous);
    tls_set_unref(g->previous_tls);
    if (r->is_stopped) {
        reading_free(g);
        return;
    }
    worker_run_alone(r->loop, reading_free, NULL, g);
    if (!is_newest)
        return;
    if (r->is_wanted_again)
        reading_begin(r);
    else
        notify_ready();
}

/* ---- slow ones ---- */

static unsigned age_s(const struct file_reading *g, uint64_t now_us)
{
    return (unsigned)((now_us - g->began_us) / 1000000);
}

#define SLOW_TEXT_BYTES (FILE_TRACE_BYTES + 128)

static void slow_text(struct file_reading *g, uint64_t now_us, char out[SLOW_TEXT_BYTES])
{
    char file[FILE_TRACE_BYTES];
    (void)file_trace_read(&g->at, file);
    (void)snprintf(out, SLOW_TEXT_BYTES, "a reload has been reading for %u s, at %s; %s", age_s(g, now_us),
                   file[0] != '\0' ? file : "no file yet",
                   g->number > g->reloader->newest_ended ? "what was loaded before is in use"
                                                         : "a later one did not wait for it");
}

/* Once, and then at longer and longer intervals. */
static void reading_tell_slow(struct file_reading *g, uint64_t now_us)
{
    char text[SLOW_TEXT_BYTES];
    uint64_t age_us = now_us - g->began_us;
    if (now_us < g->tell_at_us)
        return;
    uint64_t pause_us = age_us < SLOW_EVERY_S * 1000000ULL ? age_us : SLOW_EVERY_S * 1000000ULL;
    g->tell_at_us = now_us + pause_us;
    slow_text(g, now_us, text);
    log_event(LOG_LEVEL_ERROR, "reload", "state", "slow", "detail", text, "advice",
              "mend the disk, or name another file and reload again", NULL);
    notify_status("%s", text);
}

/* Nobody waits for the youngest any more, and another may begin. */
static bool is_passable(const struct reloader *r, uint64_t now_us)
{
    const struct file_reading *g = r->readings;
    return g == NULL || (age_s(g, now_us) >= SLOW_S && r->nreadings <= LEFT_BEHIND_MAX);
}

static void reloader_tick(void *arg)
{
    struct reloader *r = arg;
    uint64_t now_us = clock_mono_us();
    for (struct file_reading *g = r->readings; g != NULL; g = g->next)
        reading_tell_slow(g, now_us);
    if (r->is_wanted_again && is_passable(r, now_us))
        reading_begin(r);
}

static void reading_begin(struct reloader *r)
{
    struct arena *a = arena_new();
    struct file_reading *g = arena_alloc(a, sizeof *g);
    uint64_t now_us = clock_mono_us();
    *g = (struct file_reading){.arena = a,
                               .reloader = r,
                               .next = r->readings,
                               .number = ++r->begun,
                               .began_us = now_us,
                               .tell_at_us = now_us + SLOW_S * 1000000ULL,
                               .at = FILE_TRACE_INIT,
                               .previous = service_keyring(r->service),
                               .previous_tls = vigil_tls(r->vigil)};
    g->preparation = (struct preparation){.arena = a, .conf = &g->conf};
    keyring_ref(g->previous);
    tls_set_ref(g->previous_tls);
    r->is_wanted_again = false;
    r->readings = g;
    if (r->nreadings++ == 0)
        r->tick = timer_start(r->loop, SLOW_TICK_MS, SLOW_TICK_MS, reloader_tick, r);
    notify_reloading();
    worker_run_alone(r->loop, reading_work, reading_done, g);
}

void reloader_ask(struct reloader *r)
{
    if (r->is_stopped)
        return;
    if (is_passable(r, clock_mono_us()))
        reading_begin(r);
    else
        r->is_wanted_again = true;
}

struct reloader *reloader_new(struct loop *l, struct service *s, struct vigil *v, const struct config *running,
                              const char *config_path, reload_tls_fn take_tls, void *arg)
{
    struct arena *a = arena_new();
    struct reloader *r = arena_alloc(a, sizeof *r);
    *r = (struct reloader){.arena = a,
                           .loop = l,
                           .service = s,
                           .vigil = v,
                           .running = running,
                           .config_path = config_path,
                           .take_tls = take_tls,
                           .arg = arg};
    return r;
}

void reloader_stop(struct reloader *r)
{
    if (r == NULL)
        return;
    r->is_stopped = true;
    timer_stop(r->tick);
    r->tick = NULL;
}

void reloader_free(struct reloader *r)
{
    if (r == NULL)
        return;
    arena_free(r->told_in);
    arena_free(r->arena);
}

/* ---- telling ---- */

static void add_warning(struct buf *warnings_json, const char *text)
{
    if (warnings_json->n > 0)
        buf_add_char(warnings_json, ',');
    buf_add_json(warnings_json, span_of(text));
}

/* NULL: there is none. */
static struct file_reading *oldest(const struct reloader *r)
{
    struct file_reading *g = r->readings;
    while (g != NULL && g->next != NULL)
        g = g->next;
    return g;
}

static void slow_read(struct file_reading *g, struct buf *warnings_json)
{
    char text[SLOW_TEXT_BYTES];
    uint64_t now_us = clock_mono_us();
    if (g == NULL || age_s(g, now_us) < SLOW_S)
        return;
    slow_text(g, now_us, text);
    add_warning(warnings_json, text);
}

void reloader_warnings_read(const struct reloader *r, struct buf *warnings_json)
{
    if (r->trouble != NULL)
        add_warning(warnings_json, r->trouble);
    slow_read(oldest(r), warnings_json);
}

void reloader_metrics_write(const struct reloader *r, struct buf *out)
{
    const struct file_reading *slowest = oldest(r);
    buf_add_str(out, "# HELP zapisd_reloads_total Reloads by their result.\n# TYPE zapisd_reloads_total counter\n");
    for (unsigned i = 0; i < RELOAD_RESULTS; i++)
        buf_printf(out, "zapisd_reloads_total{result=\"%s\"} %" PRIu64 "\n", result_names[i], r->ended[i]);
    buf_printf(
        out,
        "# HELP zapisd_last_reload_successful Whether the last reload was taken as a whole; 1 before the first.\n"
        "# TYPE zapisd_last_reload_successful gauge\nzapisd_last_reload_successful %d\n",
        r->trouble == NULL);
    buf_printf(out,
               "# HELP zapisd_reload_running_seconds How long the oldest reload has been under way; 0: there is none.\n"
               "# TYPE zapisd_reload_running_seconds gauge\nzapisd_reload_running_seconds %.3f\n",
               slowest == NULL ? 0.0 : (double)(clock_mono_us() - slowest->began_us) / 1e6);
}
