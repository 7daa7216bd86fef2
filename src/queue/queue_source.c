/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* One queue: where it stands, and what it may do next. */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define WAKE_US 1000000u /* from one word that there is a key again to the next */

/* ---- what it is ---- */

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool reading_is_same(const struct config_reading *a, const struct config_reading *b)
{
    return a->mode == b->mode && memcmp(a->lenient, b->lenient, sizeof a->lenient) == 0 &&
           same(a->doc_types, b->doc_types) && a->omit_error_on_success == b->omit_error_on_success &&
           a->status_as_text == b->status_as_text && a->single_timeslot == b->single_timeslot;
}

static bool files_are_same(const struct config_files *a, const struct config_files *b)
{
    return a->policy == b->policy && same(a->server, b->server) && same(a->dir, b->dir) && a->max == b->max &&
           a->size_max == b->size_max && a->sizes_max == b->sizes_max && a->timeout_ms == b->timeout_ms &&
           a->deliveries == b->deliveries;
}

bool queue_source_is_same(const struct queue_source *s, const struct config_smev3 *conf)
{
    const struct config_smev3 *own = &s->conf;
    return same(own->name, conf->name) && same(own->agency, conf->agency) && same(own->mnemonic, conf->mnemonic) &&
           own->schema == conf->schema && same(own->endpoint, conf->endpoint) &&
           same(own->endpoint_reserve, conf->endpoint_reserve) && own->switch_after_ms == conf->switch_after_ms &&
           same(own->smev, conf->smev) && same(own->node_id, conf->node_id) && same(own->ns, conf->ns) &&
           same(own->roots, conf->roots) && own->poll_interval_ms == conf->poll_interval_ms &&
           own->in_flight == conf->in_flight && own->timeout_ms == conf->timeout_ms &&
           own->status_after_ms == conf->status_after_ms &&
           own->require_sender_signature == conf->require_sender_signature &&
           own->refuse_test_messages == conf->refuse_test_messages &&
           own->update_booking_details == conf->update_booking_details && files_are_same(&own->files, &conf->files) &&
           same(own->ca, conf->ca) && same(own->channel, conf->channel) &&
           reading_is_same(&own->reading, &conf->reading);
}

struct queue_source *queue_source_new(struct queues *q, const struct config_smev3 *conf)
{
    struct arena *a = arena_new_small();
    struct queue_source *s = arena_alloc(a, sizeof *s);
    s->arena = a;
    s->queues = q;
    config_smev3_copy(a, conf, &s->conf);
    s->version = adapter_version(&s->conf);
    s->peer.whose = s->conf.name;
    s->unheard_us = clock_mono_us();
    s->lacks_key = true; /* a process of before may have lacked it */
    queue_names_read(s);
    source_of_queue(&s->source, &s->conf);
    queue_files_sweep(s);
    return s;
}

static bool is_idle_but_for_calls(const struct queue_source *s)
{
    return s->fetching == 0 && s->for_files == NULL && s->storing == 0 && s->refusing == 0 && s->working == 0 &&
           s->sending == 0 && s->nbehind == 0 && s->writing == 0 && !s->is_looking;
}

bool queue_source_is_idle(const struct queue_source *s)
{
    return s->polls == 0 && s->acking == 0 && s->rejecting == 0 && s->nstatuses == 0 && is_idle_but_for_calls(s);
}

bool queue_source_is_drained(const struct queue_source *s)
{
    return adapter_calls(s->queues->adapter, s) == 0 && is_idle_but_for_calls(s);
}

/* ---- calls ---- */

struct adapter_call *queue_call(struct queue_source *s, enum smev3_op op, adapter_fn done, void *arg)
{
    struct adapter_call *c = adapter_call_new(s->queues->adapter, &s->conf, &s->peer, op, done);
    c->owner = s;
    c->arg = arg;
    return c;
}

/* ---- faults ---- */

/* Certificates, keys, lists are others now: whatever was the matter may be over. */
void queue_source_hope(struct queue_source *s)
{
    queue_source_lacks_key(s);
    queue_names_hope(s);
    if (s->pace.faults == 0 && s->pace.olds == 0 && s->untrusted_us == 0)
        return;
    s->untrusted_us = 0;
    adapter_pace_hope(&s->pace);
}

static void on_told(void *arg, const struct db_result *r, enum err err)
{
    (void)r;
    (void)err; /* said again in a minute */
    struct queue_source *s = arg;
    arena_free(s->telling);
    s->telling = NULL;
}

static void tell_database(struct queue_source *s)
{
    struct arena *a = arena_new_small();
    struct queue_write *w = queue_write_new(s, a, INBOX_POLLED, on_told, s);
    queue_write_text(w, s->conf.name);
    queue_write_text(w, s->conf.agency);
    queue_write_text(w, s->fault[0] != '\0' ? arena_strdup(a, s->fault) : NULL);
    s->telling = a;
    s->told_us = clock_mono_us();
    memcpy(s->told, s->fault, sizeof s->told);
    queue_write_begin(w);
}

void queue_source_set_fault(struct queue_source *s, const char *fault, const char *detail)
{
    char words[QUEUE_FAULT_SIZE];
    (void)snprintf(words, sizeof words, "%s", fault != NULL ? fault : "");
    if (fault == NULL)
        s->good_us = clock_mono_us();
    if (fault == NULL || (detail != NULL && *detail != '\0') || strcmp(words, s->fault) != 0)
        (void)snprintf(s->detail, sizeof s->detail, "%s", fault != NULL && detail != NULL ? detail : "");
    if (strcmp(words, s->fault) != 0) {
        memcpy(s->fault, words, sizeof s->fault);
        log_event(fault != NULL ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "queue", "source", s->conf.name, "fault",
                  fault != NULL ? fault : "no", "detail", detail, NULL);
    }
    if (s->telling != NULL)
        return;
    if (strcmp(s->told, s->fault) != 0 || s->told_us == 0 || clock_mono_us() - s->told_us > QUEUE_TOLD_US)
        tell_database(s);
}

/* ---- keys that were missing ---- */

void queue_source_lacks_key(struct queue_source *s)
{
    s->lacks_key = true;
    s->wake_due_us = 0;
}

static void on_woken(void *arg, const struct db_result *r, enum err err)
{
    struct queue_source *s = arg;
    const char *due = err == ERR_OK ? db_text(r, 0, db_column(r, "due")) : NULL;
    if (due == NULL)
        s->lacks_key = true; /* said again */
    else if (strcmp(due, "0") != 0)
        queue_look_left(s, 0);
    arena_free(s->waking);
    s->waking = NULL;
}

static enum keyring_lack lack(const struct queue_source *s)
{
    return keyring_lack(s->queues->keys, s->conf.agency, s->conf.name, clock_wall_us() / 1000000);
}

/* What waited for a key waits no longer than for that. */
static void wake(struct queue_source *s)
{
    if (!s->lacks_key || s->waking != NULL || s->is_retired || s->queues->drained != NULL || s->queues->keys == NULL ||
        clock_mono_us() < s->wake_due_us || lack(s) != KEYRING_SIGNS)
        return;
    s->lacks_key = false;
    s->wake_due_us = clock_mono_us() + WAKE_US;
    s->waking = arena_new_small();
    struct queue_write *w = queue_write_new(s, s->waking, INBOX_SIGNED, on_woken, s);
    queue_write_text(w, s->conf.name);
    queue_write_text(w, s->conf.agency);
    queue_write_begin(w);
}

/* ---- whether SMEV is to be reached ---- */

void queue_source_heard(struct queue_source *s, const struct adapter_call *c)
{
    if (adapter_call_is_smevs(c) || c->is_claimed)
        s->unheard_us = 0;
    else if (s->unheard_us == 0)
        s->unheard_us = clock_mono_us();
}

/* Now and then it is seen anew: there may be nothing to be asked from here. */
bool queue_source_is_cut_off(struct queue_source *s)
{
    if (s->unheard_us != 0 && clock_mono_us() - s->unheard_us > ADAPTER_PAUSE_MAX_US)
        s->unheard_us = 0;
    return s->unheard_us != 0;
}

/* ---- what is next ---- */

/* However rarely the queue is asked, that nothing can be signed is told at once. */
static bool can_sign(struct queue_source *s)
{
    if (s->is_retired || s->queues->drained != NULL || s->queues->keys == NULL ||
        keyring_signing_key(s->queues->keys, s->conf.agency, clock_wall_us() / 1000000) != NULL)
        return true;
    queue_source_set_fault(s, error_name(ERR_AGENCY), "nothing can be signed in the name of this agency: zapisd check");
    return false;
}

static bool may_poll(const struct queue_source *s)
{
    unsigned held = s->held < QUEUE_HELD_MOST ? s->held : QUEUE_HELD_MOST; /* nobody waits for those */
    return !s->is_retired && s->queues->drained == NULL && s->nkept == 0 && !queue_files_hold(s) &&
           adapter_pace_allows(&s->pace, &s->conf, s->polls, s->storing - held + s->refusing);
}

static bool may_look(const struct queue_source *s)
{
    return !s->is_looking && s->queues->drained == NULL && clock_mono_us() >= s->look_due_us;
}

void queue_source_go(struct queue_source *s)
{
    if (s->queues->is_stopped)
        return;
    wake(s);
    queue_store_go(s);
    queue_files_go(s);
    while (can_sign(s) && may_poll(s))
        queue_poll_begin(s);
    if (may_look(s))
        queue_look_begin(s);
    queue_status_go(s);
    queue_unread_say(s);
}
