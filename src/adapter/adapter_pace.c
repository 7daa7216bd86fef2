/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* When a queue is asked again: after nothing, after faults, after what was given and is none of SMEV's. */
#include "adapter.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

#define STRANGE_US 30000000u /* what a strange signer has signed stays at the head of the queue */
#define DAY_US     86400000000u

static uint64_t chance_us(uint64_t most_us)
{
    return (uint64_t)arc4random_uniform((uint32_t)(most_us / 1000 + 1)) * 1000;
}

static void pause_at_least(struct adapter_pace *p, uint64_t us)
{
    uint64_t due_us = clock_mono_us() + us;
    p->has_more = false;
    if (due_us > p->due_us)
        p->due_us = due_us;
}

bool adapter_pace_allows(const struct adapter_pace *p, const struct config_smev3 *conf, unsigned under_way,
                         unsigned held)
{
    unsigned n = under_way + held;
    if (n >= conf->in_flight || clock_mono_us() < p->due_us || (n > 0 && (n + 1) * p->weight > ADAPTER_WEIGHT_MAX))
        return false;
    return under_way == 0 || p->has_more;
}

/* What is heavy is expected again for a while. */
static void weigh(struct adapter_pace *p, const struct adapter_call *c)
{
    size_t less = p->weight / 4 * 3;
    p->weight = c->answered.n > less ? c->answered.n : less;
}

/* While only what is known comes, this may be such, too. */
void adapter_pace_gave(struct adapter_pace *p, const struct adapter_call *c)
{
    p->faults = 0;
    p->fault_us = 0;
    p->passed = 0;
    weigh(p, c);
    p->has_more = p->olds == 0;
    if (p->has_more)
        p->due_us = 0;
    else
        pause_at_least(p, c->conf->poll_interval_ms * 1000);
}

void adapter_pace_hope(struct adapter_pace *p)
{
    *p = (struct adapter_pace){.rate = p->rate};
}

void adapter_pace_empty(struct adapter_pace *p, const struct config_smev3 *conf)
{
    p->passed = 0;
    adapter_rate_empty(&p->rate, conf->poll_interval_ms * 1000);
}

void adapter_pace_rest(struct adapter_pace *p, const struct config_smev3 *conf, unsigned names)
{
    uint64_t interval_us = adapter_rate_us(&p->rate, conf->poll_interval_ms * 1000) / (names > 1 ? names : 1);
    p->has_more = false;
    p->due_us = clock_mono_us() + interval_us + chance_us(interval_us / 2);
}

uint64_t adapter_pause_us(unsigned nth, uint64_t first_us)
{
    uint64_t us = first_us;
    for (unsigned i = 1; i < nth && us < ADAPTER_PAUSE_MAX_US; i++)
        us *= 2;
    return us < ADAPTER_PAUSE_MAX_US ? us : ADAPTER_PAUSE_MAX_US;
}

uint64_t adapter_pause_by_chance_us(uint64_t us)
{
    uint64_t more_us = us + chance_us(us / 2);
    return more_us <= ADAPTER_PAUSE_MAX_US ? more_us : ADAPTER_PAUSE_MAX_US - chance_us(ADAPTER_PAUSE_MAX_US / 4);
}

/* One trouble counts once, however many questions were under way in it: whoever asked before he could know has said
   nothing new. */
static bool fault_is_new(struct adapter_pace *p, const struct adapter_call *c)
{
    if (p->faults != 0 && c->begun_us <= p->fault_us)
        return false;
    p->faults++;
    p->fault_us = clock_mono_us();
    return true;
}

static void pause_for(struct adapter_pace *p, uint64_t us)
{
    p->has_more = false;
    p->due_us = clock_mono_us() + adapter_pause_by_chance_us(us);
}

static void pause_after(struct adapter_pace *p, const struct adapter_call *c, uint64_t first_us)
{
    (void)fault_is_new(p, c);
    pause_for(p, adapter_pause_us(p->faults, first_us));
}

/* SMEV gave something that is no message, or not its word: it keeps it, and gives what is behind it next. A page
   of somebody's in between is no such thing. */
static bool is_passed_over(const struct adapter_call *c)
{
    return c->fate == CLIENT_ANSWERED && c->status == 200 && c->answered.n > 0 && c->err != ERR_OK &&
           (c->content_type == NULL || strncmp(c->content_type, "text/html", 9) != 0);
}

static void asked_too_often(struct adapter_pace *p, const struct adapter_call *c, uint64_t interval_us)
{
    if (fault_is_new(p, c))
        adapter_rate_refused(&p->rate, interval_us);
    pause_for(p, adapter_rate_us(&p->rate, interval_us));
}

void adapter_pace_failed(struct adapter_pace *p, const struct adapter_call *c)
{
    uint64_t interval_us = c->conf->poll_interval_ms * 1000;
    bool is_strange = adapter_is_by_stranger(c);
    if (is_passed_over(c)) {
        p->faults = 0;
        if (adapter_pace_passes(p, c)) {
            weigh(p, c);
            p->has_more = clock_mono_us() >= p->due_us; /* not in a pause that SMEV's word made meanwhile */
            return;
        }
    }
    switch (adapter_call_reaction(c)) {
    case SMEV3_SLOWER:
        asked_too_often(p, c, interval_us);
        break;
    case SMEV3_STOP:
    case SMEV3_CONFIGURE:
        pause_after(p, c, ADAPTER_PAUSE_MAX_US);
        break;
    default:
        pause_after(p, c, is_strange && interval_us < STRANGE_US ? STRANGE_US : interval_us);
    }
}

void adapter_pace_unkept(struct adapter_pace *p, const struct adapter_call *c)
{
    pause_after(p, c, c->conf->poll_interval_ms * 1000);
}

bool adapter_day_takes(struct adapter_day *d, const struct adapter_call *c)
{
    uint64_t now_us = clock_mono_us();
    size_t size = c->answered.n + c->asked.n;
    if (d->began_us == 0 || now_us - d->began_us > DAY_US)
        *d = (struct adapter_day){.began_us = now_us};
    if (d->n >= ADAPTER_REFUSED_A_DAY || size > ADAPTER_REFUSED_SIZE_A_DAY - d->size) {
        d->beyond++;
        return false;
    }
    d->n++;
    d->size += size;
    return true;
}
