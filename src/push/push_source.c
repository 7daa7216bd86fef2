/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Queues of SMEV 3 as the delivery has them: which of them are asked for answers. One that some [push] names is asked
 * always; the others of an agency while something of it may still be answered: after a change of road or of queue.
 * And who takes requests is asked now and then what SMEV says of our answers to them, after it has taken them.
 */
#include "push_private.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>

#define STATUS_MS        600000U            /* from one question after errors of notifications to the next */
#define SLOW_US          UINT64_C(60000000) /* from one question after our answers to the next, growing to five minutes */
#define SLOW_PATIENCE_US UINT64_C(900000000) /* what ails these is told when it has lasted */

/* ---- which there are ---- */

const struct config_smev3 *push_queue_conf(const struct keyring *k, const char *name)
{
    const struct config_smev3 *conf;
    for (unsigned i = 0; (conf = keyring_queue(k, i)) != NULL; i++)
        if (strcmp(conf->name, name) == 0)
            return conf;
    return NULL;
}

struct push_source *push_source(struct push *p, const struct config_smev3 *conf)
{
    struct push_source **link = &p->sources;
    for (; *link != NULL; link = &(*link)->next)
        if (strcmp((*link)->name, conf->name) == 0 && strcmp((*link)->agency, conf->agency) == 0)
            return *link;
    struct push_source *s = arena_alloc(p->arena, sizeof *s);
    s->name = arena_strdup(p->arena, conf->name);
    s->agency = arena_strdup(p->arena, conf->agency);
    s->peer.whose = s->agency;
    *link = s;
    return s;
}

/* ---- how they are ---- */

void push_source_set_fault(struct push_source *s, const char *fault, const char *detail)
{
    int64_t now_s = clock_wall_us() / 1000000;
    if (fault == NULL)
        s->good_s = now_s;
    (void)snprintf(s->detail, sizeof s->detail, "%s", fault != NULL && detail != NULL ? detail : "");
    if (strcmp(fault != NULL ? fault : "", s->fault) == 0)
        return;
    if (s->fault[0] == '\0')
        s->fault_since_s = now_s;
    (void)snprintf(s->fault, sizeof s->fault, "%s", fault != NULL ? fault : "");
    push_tell_source(s);
}

/* ---- who is asked ---- */

void push_source_ask_status(struct push_source *s, uint64_t in_us)
{
    uint64_t due_us = clock_mono_us() + in_us;
    if (due_us < s->status_due_us)
        s->status_due_us = due_us;
}

void push_on_heard(struct push *p, void (*on_heard)(void *arg, const char *section), void *arg)
{
    p->on_heard = on_heard;
    p->heard_arg = arg;
}

void push_heard(void *push, const char *section)
{
    struct push *p = push;
    for (struct push_source *s = p->sources; s != NULL; s = s->next) {
        if (strcmp(s->name, section) != 0)
            continue;
        if (s->status_fault[0] != '\0')
            push_source_ask_status(s, 0);
        if (s->pace.faults > 0)
            adapter_pace_hope(&s->pace);
        if (s->strays.faults > 0)
            adapter_pace_hope(&s->strays);
    }
}

void push_sources_afresh(struct push *p)
{
    for (struct push_source *s = p->sources; s != NULL; s = s->next) {
        s->status_due_us = s->slow_us = 0;
        s->slow_silent = 0;
        adapter_pace_hope(&s->slow);
        if (s->pace.faults > 0 || s->pace.olds > 0 || s->untrusted_us != 0)
            adapter_pace_hope(&s->pace);
        s->untrusted_us = 0;
        adapter_pace_hope(&s->strays);
    }
}

bool push_is_stray(const struct keyring *keys, const char *agency, const struct push_node *node)
{
    const struct config_smev3 *conf;
    for (unsigned i = 0; (conf = keyring_queue(keys, i)) != NULL; i++)
        if (strcmp(conf->agency, agency) == 0 && strcmp(conf->node_id != NULL ? conf->node_id : "", node->id) == 0)
            return false;
    return true;
}

const struct config_smev3 *push_stray_queue(const struct keyring *keys, const char *agency)
{
    const struct config_push *c = keyring_push_of(keys, agency);
    const struct config_smev3 *conf = c != NULL && c->road == PUSH_ROAD_SMEV3 ? push_queue_conf(keys, c->queue) : NULL;
    if (conf != NULL)
        return conf;
    for (unsigned i = 0; (conf = keyring_queue(keys, i)) != NULL; i++)
        if (strcmp(conf->agency, agency) == 0)
            return conf;
    return NULL;
}

/* What was sent by a NodeID is answered to it, also when the section has another by now: such are asked in turn, one
   question at a time, before the section's own, which may always have more. */
static void strays_go(struct push *p, struct push_source *s, const struct config_smev3 *conf)
{
    const struct keyring *keys = service_keyring(p->service);
    const struct push_lane *l = push_lane(p, conf->agency);
    const struct push_node *strays[PUSH_NODES];
    unsigned n = 0;
    for (unsigned i = 0; i < l->nnodes; i++)
        if (push_is_stray(keys, conf->agency, &l->nodes[i]))
            strays[n++] = &l->nodes[i];
    if (n > 0 && s->nstrays == 0 && push_stray_queue(keys, conf->agency) == conf &&
        adapter_pace_allows(&s->strays, conf, 0, s->nsaids))
        push_poll_begin_stray(p, s, conf, strays[s->stray_turn % n]->id);
}

static void source_go(struct push *p, const struct config_smev3 *conf)
{
    struct push_source *s = push_source(p, conf);
    s->is_asked = true;
    strays_go(p, s, conf);
    while (adapter_pace_allows(&s->pace, conf, s->npolls - s->nstrays, s->nsaids))
        push_poll_begin(p, s, conf, SMEV3_GET_RESPONSE);
    if (clock_mono_us() >= s->status_due_us && !s->is_asked_status) {
        s->status_due_us = clock_mono_us() + STATUS_MS * 1000ULL;
        push_poll_begin(p, s, conf, SMEV3_GET_STATUS);
    }
}

static bool is_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool is_same_smev(const struct config_smev3 *a, const struct config_smev3 *b)
{
    return strcmp(a->agency, b->agency) == 0 && is_text(a->mnemonic, b->mnemonic) &&
           strcmp(a->endpoint, b->endpoint) == 0;
}

/* Where the same answers come out: asked by both, SMEV is asked twice as often. */
static bool is_same_queue(const struct config_smev3 *a, const struct config_smev3 *b)
{
    return is_text(a->node_id, b->node_id) && is_same_smev(a, b);
}

/* The queue of its agency that [push] names for SMEV 3; NULL: none. */
static const struct config_smev3 *named_queue(const struct keyring *keys, const char *agency)
{
    const struct config_push *c = keyring_push_of(keys, agency);
    return c != NULL && c->road == PUSH_ROAD_SMEV3 ? push_queue_conf(keys, c->queue) : NULL;
}

/*
 * Some [push] names it; or the road or the queue of its agency was another when something was sent, and answers may
 * still come by this one, and by no other that is asked.
 */
static bool is_wanted(struct push *p, const struct keyring *keys, const struct config_smev3 *conf)
{
    const struct config_smev3 *named = named_queue(keys, conf->agency), *other;
    if (named == conf)
        return true;
    if (push_lane(p, conf->agency)->nnodes == 0 || (named != NULL && is_same_queue(named, conf)))
        return false;
    for (unsigned i = 0; (other = keyring_queue(keys, i)) != NULL && other != conf; i++)
        if (is_same_queue(other, conf))
            return false;
    return true;
}

/* ---- what SMEV says of our answers to requests, after it has taken them ---- */

/* What shares its mnemonic with other programs is not asked for the sake of these: whose word comes nobody knows. */
static bool is_wholly_ours(const struct config_smev3 *conf)
{
    return conf->ns == NULL && conf->roots == NULL;
}

/* Those come without NodeID, and who is asked so anyway gives them. */
static bool is_wanted_slowly(struct push *p, const struct keyring *keys, const struct config_smev3 *conf)
{
    const struct config_smev3 *other;
    bool is_before = true;
    if (!is_wholly_ours(conf))
        return false;
    for (unsigned i = 0; (other = keyring_queue(keys, i)) != NULL; i++) {
        is_before = is_before && other != conf;
        if (!is_same_smev(other, conf))
            continue;
        if ((is_before && is_wholly_ours(other)) || (other->node_id == NULL && is_wanted(p, keys, other)))
            return false;
    }
    return true;
}

static void source_go_slowly(struct push *p, const struct config_smev3 *conf)
{
    struct push_source *s = push_source(p, conf);
    if (s->nslow == 0 && clock_mono_us() >= s->slow_us && adapter_pace_allows(&s->slow, conf, 0, s->nsaids)) {
        s->slow_us = UINT64_MAX;
        push_poll_begin_slow(p, s, conf);
    }
}

void push_source_slow_heard(struct push_source *s, const struct adapter_call *c, enum adapter_result result)
{
    bool is_answered = result == ADAPTER_RESULT_MESSAGE || result == ADAPTER_RESULT_EMPTY;
    if (is_answered)
        s->slow_fault[0] = '\0';
    else if (s->slow_fault[0] == '\0')
        s->slow_fault_us = clock_mono_us();
    if (!is_answered)
        (void)snprintf(s->slow_fault, sizeof s->slow_fault, "%s", adapter_call_word(c));
    s->slow_silent = result == ADAPTER_RESULT_MESSAGE ? 0 : s->slow_silent + 1;
    if (result == ADAPTER_RESULT_MESSAGE) {
        adapter_pace_gave(&s->slow, c);
        s->slow_us = 0; /* there may be more */
        return;
    }
    if (result == ADAPTER_RESULT_EMPTY)
        adapter_pace_hope(&s->slow);
    else
        adapter_pace_failed(&s->slow, c);
    if (s->slow_us == UINT64_MAX) /* nobody has wanted it asked again meanwhile */
        s->slow_us = clock_mono_us() + adapter_pause_by_chance_us(adapter_pause_us(s->slow_silent, SLOW_US));
}

const char *push_source_slow_fault(const struct push_source *s)
{
    bool has_lasted = s->slow_fault[0] != '\0' && clock_mono_us() - s->slow_fault_us >= SLOW_PATIENCE_US;
    return has_lasted ? s->slow_fault : "";
}

void push_sources_go(struct push *p)
{
    const struct keyring *keys = service_keyring(p->service);
    const struct config_smev3 *conf;
    if (p->is_draining || p->is_stopped)
        return;
    for (struct push_source *s = p->sources; s != NULL; s = s->next)
        s->is_asked = false;
    for (unsigned i = 0; (conf = keyring_queue(keys, i)) != NULL; i++) {
        push_acks_again(p, push_source(p, conf), conf);
        if (is_wanted(p, keys, conf))
            source_go(p, conf);
        if (is_wanted_slowly(p, keys, conf))
            source_go_slowly(p, conf);
    }
}
