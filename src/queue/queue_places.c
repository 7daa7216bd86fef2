/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Places of messages whose files are fetched, and the line of those that wait for one (queue_files.c). */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#define HOLD_US     2000000u /* while files are had, the queue waits for a place to become free */
#define WAY_US      2000000u /* who is silent for so long gives way, twice as long the next time */
#define WAY_MAX     6
#define WAITS_US    UINT64_C(240000000) /* SMEV brings it again after 15 minutes, and it may take ten to have it */
#define FETCHES_MAX 4                   /* messages of one queue, */
#define FETCHES_ALL 16                  /* of all queues: each may have a thread at the disk */

bool queue_places_are_full(const struct queue_source *s)
{
    return s->fetching >= FETCHES_MAX || s->queues->fetching >= FETCHES_ALL;
}

void queue_place_take(struct queue_fetch *f)
{
    struct queue_source *s = f->source;
    f->next = s->fetches;
    f->link = &s->fetches;
    if (f->next != NULL)
        f->next->link = &f->next;
    s->fetches = f;
    s->fetching++;
    s->queues->fetching++;
    s->fetch_moved_us = clock_mono_us();
}

bool queue_place_may_wait(const struct queue_source *s, const struct adapter_call *c)
{
    return s->nfor_files == 0 ||
           (s->nfor_files < QUEUE_WAITS_MAX && s->for_files_size + c->answered.n <= QUEUE_WAITS_SIZE);
}

void queue_place_wait(struct queue_fetch *f)
{
    struct queue_source *s = f->source;
    if (s->for_files == NULL)
        s->last_for_files = &s->for_files;
    f->next = NULL;
    *s->last_for_files = f;
    s->last_for_files = &f->next;
    s->nfor_files++;
    s->for_files_size += f->call->answered.n;
}

struct queue_fetch *queue_place_next(struct queue_source *s)
{
    struct queue_fetch *f = s->for_files;
    s->for_files = f->next;
    if (s->for_files == NULL)
        s->last_for_files = &s->for_files;
    s->nfor_files--;
    s->for_files_size -= f->call->answered.n;
    return f;
}

void queue_place_put_off(struct queue_source *s, struct adapter_call *c)
{
    s->counts.files_put_off++;
    log_bounded(LOG_LEVEL_WARNING, 1, "queue-files", "put off", "source", s->conf.name, "detail",
                "too many messages wait for their files: SMEV brings what is beyond again", NULL);
    adapter_call_free(c);
}

bool queue_files_hold(const struct queue_source *s)
{
    bool may_be_full = s->polls + s->nfor_files >= QUEUE_WAITS_MAX || s->for_files_size > QUEUE_WAITS_SIZE / 2;
    return s->fetching > 0 && may_be_full && clock_mono_us() - s->fetch_moved_us < HOLD_US;
}

/* ---- who gives way ---- */

/* Its file goes on being asked for, behind all who wait, for as long as it has. */
static void give_way(struct queue_fetch *f)
{
    struct error e = {0};
    (void)error_set(&e, ERR_TIMEOUT, "silent, and others wait");
    client_cancel(f->http);
    f->http = NULL;
    queue_file_in_vain(f, 0, &e);
    f->goes += f->goes < WAY_MAX;
    queue_fetch_over(f);
    queue_place_wait(f);
}

static bool is_silent_long(const struct queue_fetch *f)
{
    return f->http != NULL && client_call_silent_us(f->http) >= (uint64_t)WAY_US << f->goes;
}

/* Somebody has no place, or has one and no turn with the server. */
static bool does_anybody_wait(const struct queue_source *s)
{
    const struct queue_fetch *f = s->fetches;
    while (f != NULL && (f->http == NULL || client_call_has_turn(f->http)))
        f = f->next;
    return f != NULL || s->for_files != NULL;
}

void queue_place_drop(struct queue_fetch *f)
{
    f->source->counts.files_put_off++;
    adapter_call_free(f->call);
}

void queue_places_go(struct queue_source *s, uint64_t now_us)
{
    for (struct queue_fetch *f = s->fetches, *next; f != NULL; f = next) {
        next = f->next;
        if (is_silent_long(f) && does_anybody_wait(s))
            give_way(f);
    }
    while (s->for_files != NULL && !queue_places_are_full(s)) {
        struct queue_fetch *f = queue_place_next(s);
        if (f->until_us == 0 && now_us - f->came_us > WAITS_US)
            queue_place_drop(f);
        else
            queue_fetch_begin(f);
    }
}
