/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Names of root elements that a queue is asked for, one a question. On an empty queue they share the interval: asked
 * back to back they would be that many questions at once, which is how SMEV knows who asks too often. Who gave a
 * message is asked again before the others, but each has its turn once an interval, whatever another one gives.
 */
#include "queue_private.h"

#include "clock.h"

#include <string.h>

struct queue_name {
    const char *local;
    uint64_t asked_us;   /* 0: never */
    uint64_t unknown_us; /* until when it is not asked for: SMEV does not know it; 0: it does */
    bool has_more;       /* it gave a message when it was asked for last */
};

void queue_names_read(struct queue_source *s)
{
    const char *text = s->conf.roots != NULL ? s->conf.roots : "";
    s->names = arena_array(s->arena, strlen(text) + 1, sizeof *s->names);
    for (text += strspn(text, ", "); *text != '\0'; text += strspn(text, ", ")) {
        size_t n = strcspn(text, ", ");
        s->names[s->nnames++] = (struct queue_name){.local = arena_strndup(s->arena, text, n)};
        text += n;
    }
}

void queue_names_hope(struct queue_source *s)
{
    for (unsigned i = 0; i < s->nnames; i++)
        s->names[i].unknown_us = 0;
}

static bool is_open(const struct queue_name *n)
{
    return n->unknown_us <= clock_mono_us();
}

static unsigned count_open(const struct queue_source *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->nnames; i++)
        n += is_open(&s->names[i]);
    return n;
}

static bool any_has_more(const struct queue_source *s)
{
    for (unsigned i = 0; i < s->nnames; i++)
        if (s->names[i].has_more)
            return true;
    return false;
}

/* Of those that could be asked for now, the one that was not for longest; NULL: there is none. */
static struct queue_name *oldest(struct queue_source *s, bool is_of_more, bool is_of_open)
{
    struct queue_name *found = NULL;
    for (struct queue_name *n = s->names; n < s->names + s->nnames; n++)
        if ((!is_of_open || is_open(n)) && (!is_of_more || n->has_more) &&
            (found == NULL || n->asked_us < found->asked_us))
            found = n;
    return found;
}

static struct queue_name *next(struct queue_source *s)
{
    uint64_t interval_us = adapter_rate_us(&s->pace.rate, s->conf.poll_interval_ms * 1000);
    struct queue_name *first = oldest(s, false, true), *giving = oldest(s, true, true);
    if (first == NULL)
        return oldest(s, false, false); /* all of them wait, so nobody is preferred */
    bool is_its_turn = first->asked_us + interval_us <= clock_mono_us();
    return giving == NULL || is_its_turn ? first : giving;
}

void queue_name_ask(struct queue_source *s, struct smev3_selector *out)
{
    if (s->nnames == 0)
        return;
    struct queue_name *n = next(s);
    n->asked_us = clock_mono_us();
    out->ns = s->conf.ns;
    out->local = n->local;
}

static struct queue_name *name_of(struct queue_source *s, const struct adapter_call *c)
{
    for (unsigned i = 0; i < s->nnames; i++)
        if (s->names[i].local == c->selector.local)
            return &s->names[i];
    return NULL;
}

void queue_name_answered(struct queue_source *s, const struct adapter_call *c, bool has_more)
{
    struct queue_name *n = name_of(s, c);
    if (n == NULL)
        return;
    n->unknown_us = 0;
    n->has_more = has_more;
}

const char *queue_name_unknown(const struct queue_source *s)
{
    for (unsigned i = 0; i < s->nnames; i++)
        if (s->names[i].unknown_us != 0)
            return s->names[i].local;
    return NULL;
}

void queue_names_rest(struct queue_source *s)
{
    if (!any_has_more(s))
        adapter_pace_rest(&s->pace, &s->conf, count_open(s));
}

bool queue_name_is_unknown(struct queue_source *s, const struct adapter_call *c)
{
    struct queue_name *n = name_of(s, c);
    if (n == NULL || adapter_call_reaction(c) != SMEV3_CONFIGURE)
        return false;
    n->unknown_us = clock_mono_us() + adapter_pause_by_chance_us(ADAPTER_PAUSE_MAX_US);
    n->has_more = false;
    if (count_open(s) == 0)
        return false;
    queue_names_rest(s);
    return true;
}
