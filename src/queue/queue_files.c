/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Files of a message (attachments = fetch): fetched before it is stored and acknowledged, since SMEV closes its file
 * store with the Ack (recommendations, section 5). One after the other, each into a draft, measured, compared with the
 * Hash that SMEV has signed, kept; then the message is stored with the names they have here. Killed anywhere: the
 * message is not acknowledged, it comes again with other passwords, and what is kept already is kept once.
 *
 * A server that does not give a file costs its messages alone: they wait beside the queue, a few at a time, and behind
 * them others, of which so many are kept. Whose file stays silent gives way to who waits, and goes on behind all of
 * them, longer each time. What comes to nothing is not acknowledged, until it has come to nothing often enough
 * (docs/decisions/0332, 0356).
 */
#include "queue_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <string.h>

#define TRIES          3        /* of a file, in one delivery */
#define PAUSE_US       1000000u /* before the second, and twice that before the third */
#define CONNECT_MS     10000u
#define NOT_FOUND      550         /* of FTP: no such file */
#define FILES_TOLD_US  1200000000u /* SMEV has delivered again since */
#define WORDS_SILENT   "файлы обращения не получены: хранилище файлов СМЭВ не отвечает или прерывает передачу"
#define WORDS_REFUSING "файлы обращения не получены: хранилище файлов СМЭВ не пускает"
#define WORDS_OTHER    "файлы обращения не получены: хранилище файлов СМЭВ отдаёт не то, что подписано"

static void next_file(struct queue_fetch *f);

/* ---- which messages ---- */

static bool is_wanted(const struct adapter_call *c)
{
    const struct smev3_request *m = &c->request;
    bool is_over = m->eol != NULL && m->eol_us <= clock_wall_us();
    return c->conf->files.policy == FILES_FETCH && c->reply.kind == SMEV3_REQUEST && m->nfiles > 0 &&
           !m->is_broadcast && !is_over && m->trouble == SMEV3_FINE && queue_store_refusal(c) == NULL;
}

static const struct smev3_file *file_of(const struct queue_fetch *f)
{
    return &f->call->request.files[f->at];
}

/* ---- the end ---- */

void queue_fetch_over(struct queue_fetch *f)
{
    struct queue_source *s = f->source;
    queue_draft_drop(f);
    *f->link = f->next;
    if (f->next != NULL)
        f->next->link = f->link;
    s->fetching--;
    s->queues->fetching--;
    s->fetch_moved_us = clock_mono_us();
}

void queue_files_end(struct queue_source *s)
{
    for (struct queue_fetch *f = s->fetches; f != NULL; f = f->next)
        file_store_drop(&f->draft);
}

/* Not stored, not acknowledged: it comes again. */
static void let_go(struct queue_fetch *f)
{
    struct adapter_call *c = f->call;
    struct queue_source *s = c->owner;
    queue_fetch_over(f);
    adapter_call_free(c);
    queue_source_go(s);
}

/* No more of those that wait in the queue for their files. */
static void fileless_over(struct queue_source *s, const char *id)
{
    for (unsigned i = 0; i < QUEUE_BROKEN_MAX; i++)
        if (strcmp(s->fileless[i].id, id) == 0)
            s->fileless[i].is_over = true;
}

static void store(struct queue_fetch *f)
{
    struct adapter_call *c = f->call;
    fileless_over(f->source, c->request.message_id);
    queue_fetch_over(f);
    queue_store(c);
    queue_source_go(f->source);
}

static void refuse(struct queue_fetch *f, const char *refusal)
{
    struct adapter_call *c = f->call;
    f->source->counts.files_refused++;
    f->refusal = refusal;
    log_event(LOG_LEVEL_WARNING, "queue-files", "source", f->source->conf.name, "message", c->request.message_id,
              "refused", refusal, NULL);
    store(f);
}

/* Nothing that the message could help: whatever it is, it is told, and never counted against it. */
static void own_trouble(struct queue_fetch *f, const struct error *e)
{
    struct queue_source *s = f->source;
    s->counts.files_own++;
    s->files_own_us = clock_mono_us();
    log_bounded(LOG_LEVEL_ERROR, 5, "queue-files", s->conf.name, "source", s->conf.name, "message",
                f->call->request.message_id, "detail", e->detail, NULL);
    let_go(f);
}

/* The store does not give a file, or gives another. With the last delivery that is waited for the message is stored all
 * the same. */
static void not_given(struct queue_fetch *f, int ftp, const char *parked, const char *detail)
{
    struct adapter_call *c = f->call;
    struct queue_source *s = c->owner;
    struct queue_broken *b = queue_broken_find(s->fileless, c->request.message_id);
    bool is_last = ++b->times >= s->conf.files.deliveries;
    b->seen_us = clock_mono_us();
    b->is_over = false;
    log_bounded(LOG_LEVEL_WARNING, 5, "queue-files", s->conf.name, "source", s->conf.name, "message",
                c->request.message_id, "delivery",
                arena_printf(c->arena, "%u of %u", b->times, s->conf.files.deliveries), "ftp",
                arena_printf(c->arena, "%d", ftp), "detail", detail, NULL);
    if (!is_last) {
        s->counts.files_again++;
        let_go(f);
    } else if (ftp == NOT_FOUND) {
        refuse(f, "FILE_ABSENT");
    } else {
        s->counts.files_parked++;
        f->parked = parked;
        log_event(LOG_LEVEL_ERROR, "queue-parked", "source", s->conf.name, "message", c->request.message_id, "error",
                  "files", NULL);
        store(f);
    }
}

/* ---- one file: its draft, its octets ---- */

static bool is_stopped(const struct queue_fetch *f)
{
    return f->source->queues->drained != NULL;
}

/* Again in a while, unless that is of no use. */
static bool tries_again(struct queue_fetch *f)
{
    uint64_t pause_us = (uint64_t)PAUSE_US << f->tries, now_us = clock_mono_us();
    if (++f->tries >= TRIES || now_us + pause_us >= f->until_us)
        return false;
    queue_draft_drop(f);
    f->again_us = now_us + pause_us;
    return true;
}

static void on_worker_keep(void *arg)
{
    struct queue_fetch *f = arg;
    const struct smev3_file *file = file_of(f);
    struct file_kept *kept = &f->kept[f->at];
    FAULT_POINT(queue_file_come);
    f->err = file_draft_measure(&f->draft, kept, &f->error);
    if (f->err != ERR_OK)
        return;
    f->is_other = file->is_stored && !queue_file_is_hashed(f->call->arena, file->hash, kept);
    if (!f->is_other)
        f->err = file_store_keep(&f->draft, kept, &f->error);
}

static void on_loop_kept(void *arg)
{
    struct queue_fetch *f = arg;
    struct queue_source *s = f->source;
    if (s->queues->is_over)
        return;
    if (is_stopped(f)) {
        let_go(f);
        return;
    }
    if (f->err != ERR_OK) {
        own_trouble(f, &f->error);
        return;
    }
    if (file_of(f)->is_stored)
        queue_file_had(f);
    if (f->is_other) {
        f->kept[f->at].name[0] = '\0';
        if (!tries_again(f))
            not_given(f, 0, WORDS_OTHER, "the octets are not those of the Hash");
    } else {
        FAULT_POINT(queue_file_kept);
        s->counts.files_kept++;
        s->files_own_us = 0;
        f->bytes += f->kept[f->at].size;
        f->at++;
        f->tries = 0;
        next_file(f);
    }
}

static const char *words_of(int ftp, enum err err)
{
    return err == ERR_LIMIT ? WORDS_OTHER : ftp >= 500 ? WORDS_REFUSING : WORDS_SILENT;
}

static void on_file(void *arg, const struct client_answer *answer)
{
    struct queue_fetch *f = arg;
    int ftp = answer->status;
    f->http = NULL;
    if (f->source->queues->is_over)
        return;
    if (answer->fate != CLIENT_ANSWERED)
        queue_file_in_vain(f, ftp, answer->error);
    if (answer->fate == CLIENT_ANSWERED)
        worker_run_alone(f->source->queues->loop, on_worker_keep, on_loop_kept, f);
    else if (answer->error->code == ERR_LIMIT && answer->is_announced)
        refuse(f, "FILES_SIZE");
    else if (answer->error->code == ERR_INTERNAL || answer->error->code == ERR_CONFIG)
        own_trouble(f, answer->error);
    else if (ftp >= 500 || !tries_again(f))
        not_given(f, ftp, words_of(ftp, answer->error->code), answer->error->detail);
}

static uint64_t room_of(const struct queue_fetch *f)
{
    const struct config_files *conf = &f->source->conf.files;
    uint64_t left = conf->sizes_max > f->bytes ? conf->sizes_max - f->bytes : 0;
    return left < conf->size_max ? left : conf->size_max;
}

static void fetch_file(struct queue_fetch *f)
{
    struct queue_source *s = f->source;
    const struct smev3_file *file = file_of(f);
    uint64_t now_us = clock_mono_us(), left_ms = f->until_us > now_us ? (f->until_us - now_us) / 1000 + 1 : 1;
    f->url = queue_file_url(f->call->arena, s->conf.files.server, file);
    const struct client_request r = {
        .url = f->url,
        .whose = s->conf.name,
        .user = file->user,
        .password = file->password,
        .file = f->draft.file,
        .connect_ms = left_ms < CONNECT_MS ? left_ms : CONNECT_MS,
        .total_ms = left_ms,
        .answer_max_bytes = (size_t)room_of(f),
    };
    f->http = client_get(s->queues->client, &r, on_file, f);
}

static void on_worker_begin(void *arg)
{
    struct queue_fetch *f = arg;
    f->err = file_store_begin(f->call->arena, f->source->conf.files.dir, &f->draft, &f->error);
    if (f->err == ERR_OK && !file_of(f)->is_stored)
        f->err = file_draft_write(&f->draft, queue_file_within(f->call, file_of(f)), &f->error);
}

static void on_loop_begun(void *arg)
{
    struct queue_fetch *f = arg;
    struct queues *q = f->source->queues;
    if (q->is_over)
        return;
    if (is_stopped(f))
        let_go(f);
    else if (f->err != ERR_OK)
        own_trouble(f, &f->error);
    else if (file_of(f)->is_stored)
        fetch_file(f);
    else
        worker_run_alone(q->loop, on_worker_keep, on_loop_kept, f);
}

static void next_file(struct queue_fetch *f)
{
    const struct smev3_file *file = file_of(f);
    if (f->at == f->call->request.nfiles) {
        store(f);
        return;
    }
    if (!file->is_stored && queue_file_within(f->call, file).p == NULL) {
        refuse(f, "FILE_ABSENT");
    } else if (!file->is_stored && queue_file_within(f->call, file).n > room_of(f)) {
        refuse(f, "FILES_SIZE");
    } else if (file->is_stored && file->hash == NULL) {
        refuse(f, "FILE_DIGEST");
    } else if (file->is_stored && queue_file_url(f->call->arena, "", file) == NULL) {
        refuse(f, "FILE_ABSENT");
    } else {
        f->again_us = 0;
        worker_run_alone(f->source->queues->loop, on_worker_begin, on_loop_begun, f);
    }
}

/* ---- a message ---- */

static void on_known(void *arg, const struct db_result *r, enum err err)
{
    struct queue_fetch *f = arg;
    struct adapter_call *c = f->call;
    bool is_known = err == ERR_OK && strcmp(db_text(r, 0, db_column(r, "is_known")), "t") == 0;
    if (err != ERR_OK || is_stopped(f)) {
        if (err != ERR_OK)
            adapter_pace_unkept(&f->source->pace, c);
        let_go(f);
    } else if (is_known) { /* SMEV has not heard the Ack, and the files may be closed since */
        store(f);
    } else if (c->request.nfiles > f->source->conf.files.max) {
        refuse(f, "FILES_MANY");
    } else {
        f->kept = arena_array(c->arena, c->request.nfiles, sizeof *f->kept);
        f->until_us = clock_mono_us() + f->source->conf.files.timeout_ms * 1000;
        next_file(f);
    }
}

/* It has a place. */
void queue_fetch_begin(struct queue_fetch *f)
{
    struct adapter_call *c = f->call;
    struct queue_source *s = f->source;
    queue_place_take(f);
    if (f->until_us != 0) { /* it has given way before */
        next_file(f);
        return;
    }
    struct queue_write *w = queue_write_new(s, c->arena, INBOX_KNOWN, on_known, f);
    queue_write_text(w, s->conf.agency);
    queue_write_text(w, c->request.metadata.sender);
    queue_write_text(w, c->request.message_id);
    queue_write_begin(w);
}

void queue_files_begin(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    if (!is_wanted(c)) {
        queue_store(c);
        return;
    }
    bool is_to_wait = queue_places_are_full(s) || s->for_files != NULL;
    if (is_to_wait && !queue_place_may_wait(s, c)) { /* SMEV keeps it, and comes with it again */
        queue_place_put_off(s, c);
        return;
    }
    struct queue_fetch *f = arena_alloc(c->arena, sizeof *f);
    *f = (struct queue_fetch){.source = s, .call = c, .came_us = clock_mono_us()};
    f->last_call = &f->calls;
    c->arg = f;
    if (is_to_wait)
        queue_place_wait(f);
    else
        queue_fetch_begin(f);
}

bool queue_files_wait(const struct queue_source *s)
{
    for (unsigned i = 0; i < QUEUE_BROKEN_MAX; i++) {
        const struct queue_broken *b = &s->fileless[i];
        if (b->id[0] != '\0' && !b->is_over && clock_mono_us() - b->seen_us < FILES_TOLD_US)
            return true;
    }
    return false;
}

bool queue_files_cannot_be_kept(const struct queue_source *s)
{
    return s->files_own_us != 0 && clock_mono_us() - s->files_own_us < FILES_TOLD_US;
}

/* Tries that are due; of a drain: what waits for a server is not waited for. */
void queue_files_go(struct queue_source *s)
{
    uint64_t now_us = clock_mono_us();
    if (now_us >= s->sweep_due_us)
        queue_files_sweep(s);
    if (s->queues->drained == NULL)
        queue_places_go(s, now_us);
    while (s->for_files != NULL && s->queues->drained != NULL)
        queue_place_drop(queue_place_next(s));
    for (struct queue_fetch *f = s->fetches, *next; f != NULL; f = next) {
        struct adapter_call *c = f->call;
        next = f->next;
        if (is_stopped(f) && (f->http != NULL || f->again_us != 0)) {
            client_cancel(f->http);
            f->http = NULL;
            f->again_us = 0;
            queue_fetch_over(f);
            adapter_call_free(c);
        } else if (f->again_us != 0 && now_us >= f->again_us) {
            next_file(f);
        }
    }
}
