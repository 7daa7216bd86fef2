/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Revocation lists of 20 MB take a second to read, and a file may lie on a disk that hangs: neither is for the loop. */
#include "reload.h"

#include "log.h"
#include "notify.h"
#include "preparation.h"

#include <inttypes.h>
#include <string.h>

enum reload_result { RELOAD_TAKEN, RELOAD_IN_PART, RELOAD_REFUSED, RELOAD_RESULTS };
static const char *const result_names[RELOAD_RESULTS] = {"taken", "taken-in-part", "refused"};

struct reloader {
    struct arena *arena;
    struct loop *loop;
    struct service *service;
    struct vigil *vigil;
    const struct config *running;
    const char *config_path;
    bool is_reading, is_wanted_again, is_stopped;
    uint64_t ended[RELOAD_RESULTS];
    struct arena *told_in;
    const char *trouble; /* of told_in: what the last reload did not take; NULL: it took all, or there was none */
};

/* One reading: the thread's until it comes home. */
struct reading {
    struct arena *arena;
    struct reloader *reloader;
    struct keyring *previous; /* lends what it had of parties whose files cannot be used */
    struct config conf;
    struct preparation preparation;
    const char *refused; /* NULL: it may be taken */
};

static void reading_work(void *arg)
{
    struct reading *g = arg;
    const char *mistakes = NULL;
    struct error e = {0};
    if (config_load(g->arena, g->reloader->config_path, &g->conf, &mistakes, &e) != ERR_OK) {
        g->refused = mistakes != NULL && *mistakes != '\0' ? mistakes : arena_strdup(g->arena, e.detail);
        return;
    }
    preparation_files(&g->preparation);
    preparation_keys(&g->preparation, g->previous);
    preparation_tls(&g->preparation); /* only looked at: TLS is what it was until a restart */
    g->refused = preparation_refusal(&g->preparation, g->previous);
}

/* Parties whose files cannot be used stay what they were: "agency AAAA00001, sender X"; NULL: there are none. */
static const char *kept_parties(struct reading *g)
{
    const char *kept = NULL, *last = "";
    for (unsigned i = 0; i < g->preparation.found.n; i++) {
        const struct finding *f = &g->preparation.found.items[i];
        if (!f->is_mistake || strcmp(last, f->code) == 0)
            continue;
        last = f->code;
        kept = arena_printf(g->arena, "%s%s%s %s", kept != NULL ? kept : "", kept != NULL ? ", " : "",
                            f->about == ABOUT_AGENCY ? "agency" : "sender", f->code);
    }
    return kept;
}

/* What was not taken is told until a reload takes all. */
static void reloader_end(struct reloader *r, enum reload_result result, const char *what, const char *detail)
{
    r->ended[result]++;
    arena_free(r->told_in);
    r->told_in = arena_new();
    r->trouble = result == RELOAD_TAKEN ? NULL : arena_printf(r->told_in, "%s: %.400s", what, detail);
}

static void reading_take(struct reading *g)
{
    struct reloader *r = g->reloader;
    enum reload_result result;
    enum log_level level;
    const char *restart = config_restart_keys(g->arena, r->running, &g->conf), *kept = kept_parties(g);
    const char *other = vigil_other_tls(r->vigil, &g->preparation.found, g->arena);
    restart = arena_printf(g->arena, "%s%s%s", restart, *restart != '\0' && *other != '\0' ? ", " : "", other);
    result = kept != NULL ? RELOAD_IN_PART : RELOAD_TAKEN;
    reloader_end(r, result, "the last reload left as it was before, because the new files are of no use", kept);
    service_set_keyring(r->service, g->preparation.keys);
    vigil_take(r->vigil, &g->preparation.found);
    if (log_level_parse(g->conf.log_level, &level))
        log_set_level(level);
    preparation_log(&g->preparation);
    log_event(kept != NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, "reload", "result", result_names[result], "refused",
              kept, "needs_restart", restart, NULL);
    notify_status("reloaded%s%s%s%s%s", kept != NULL ? ", refused: " : "", kept != NULL ? kept : "",
                  g->preparation.nbad > 0 ? ", with troubles (see the log)" : "",
                  *restart != '\0' ? "; needs a restart: " : "", restart);
}

static void reading_refuse(struct reading *g)
{
    reloader_end(g->reloader, RELOAD_REFUSED, "the last reload was refused, what was before stays", g->refused);
    log_event(LOG_LEVEL_ERROR, "reload", "result", result_names[RELOAD_REFUSED], "detail", g->refused, NULL);
    keyring_unref(g->preparation.keys);
    notify_status("reload refused, the old configuration stays: %s", g->refused);
}

static void reading_done(void *arg)
{
    struct reading *g = arg;
    struct reloader *r = g->reloader;
    bool is_wanted_again = r->is_wanted_again;
    r->is_reading = r->is_wanted_again = false;
    if (r->is_stopped)
        keyring_unref(g->preparation.keys);
    else if (g->refused != NULL)
        reading_refuse(g);
    else
        reading_take(g);
    keyring_unref(g->previous);
    arena_free(g->arena);
    if (r->is_stopped)
        return;
    if (is_wanted_again)
        reloader_ask(r);
    else
        notify_ready();
}

void reloader_ask(struct reloader *r)
{
    if (r->is_stopped)
        return;
    r->is_wanted_again = r->is_reading;
    if (r->is_reading)
        return;
    notify_reloading();
    struct arena *a = arena_new();
    struct reading *g = arena_alloc(a, sizeof *g);
    *g = (struct reading){.arena = a, .reloader = r, .previous = service_keyring(r->service)};
    g->preparation = (struct preparation){.arena = a, .conf = &g->conf};
    keyring_ref(g->previous);
    r->is_reading = true;
    worker_run_alone(r->loop, reading_work, reading_done, g);
}

struct reloader *reloader_new(struct loop *l, struct service *s, struct vigil *v, const struct config *running,
                              const char *config_path)
{
    struct arena *a = arena_new();
    struct reloader *r = arena_alloc(a, sizeof *r);
    *r = (struct reloader){
        .arena = a, .loop = l, .service = s, .vigil = v, .running = running, .config_path = config_path};
    return r;
}

void reloader_stop(struct reloader *r)
{
    if (r != NULL)
        r->is_stopped = true;
}

void reloader_free(struct reloader *r)
{
    if (r == NULL)
        return;
    arena_free(r->told_in);
    arena_free(r->arena);
}

/* ---- telling ---- */

void reloader_warnings_read(const struct reloader *r, struct buf *warnings_json)
{
    if (r->trouble == NULL)
        return;
    if (warnings_json->n > 0)
        buf_add_char(warnings_json, ',');
    buf_add_json(warnings_json, span_of(r->trouble));
}

void reloader_metrics_write(const struct reloader *r, struct buf *out)
{
    buf_add_str(out, "# HELP zapisd_reloads_total Reloads by their result.\n# TYPE zapisd_reloads_total counter\n");
    for (unsigned i = 0; i < RELOAD_RESULTS; i++)
        buf_printf(out, "zapisd_reloads_total{result=\"%s\"} %" PRIu64 "\n", result_names[i], r->ended[i]);
    buf_printf(
        out,
        "# HELP zapisd_last_reload_successful Whether the last reload was taken as a whole; 1 before the first.\n"
        "# TYPE zapisd_last_reload_successful gauge\nzapisd_last_reload_successful %d\n",
        r->trouble == NULL);
}
