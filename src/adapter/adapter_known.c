/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* When a queue is asked again that gives what we have: a lost Ack, or somebody who repeats an old answer for ever. */
#include "adapter.h"

#include "clock.h"

#define AGAIN_US   UINT64_C(600000000)  /* SMEV gives the same after 15 minutes */
#define TOLD_US    UINT64_C(1200000000) /* as long it is told when nothing comes at all */
#define KEY_EMPTY  UINT64_C(14695981039346656037)
#define TOLD_AFTER 5 /* in a row: no chance of the network's */

/* FNV-1a; two deliveries of one key cost a pause. */
static uint64_t key_more(uint64_t key, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        key = (key ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return key;
}

/* It was seen a short while ago; it is now. Whoever was not seen for longest makes room. */
static bool is_again(struct adapter_pace *p, uint64_t key, uint64_t now_us)
{
    unsigned at = 0;
    for (unsigned i = 0; i < ADAPTER_SEEN_MAX; i++) {
        if (p->seen[i].seen_us != 0 && p->seen[i].key == key) {
            bool is_soon = now_us - p->seen[i].seen_us < AGAIN_US;
            p->seen[i].seen_us = now_us;
            return is_soon;
        }
        if (p->seen[i].seen_us < p->seen[at].seen_us)
            at = i;
    }
    p->seen[at].key = key;
    p->seen[at].seen_us = now_us;
    return false;
}

bool adapter_pace_passes(struct adapter_pace *p, const struct adapter_call *c)
{
    if (!c->is_claimed || adapter_is_by_stranger(c) || p->passed >= ADAPTER_PASSED_MAX ||
        (c->claimed_id != NULL && is_again(p, key_more(key_more(KEY_EMPTY, "unread"), c->claimed_id), clock_mono_us())))
        return false;
    p->passed++;
    return true;
}

void adapter_pace_new(struct adapter_pace *p)
{
    if (p->olds == 0)
        return;
    p->olds = p->agains = 0;
    if (p->faults > 0)
        return;
    p->has_more = true;
    p->due_us = 0;
}

/* Questions that were under way together count once. */
void adapter_pace_known(struct adapter_pace *p, const struct adapter_call *c, const char *id, const char *delivered)
{
    uint64_t now_us = clock_mono_us(), interval_us = adapter_rate_us(&p->rate, c->conf->poll_interval_ms * 1000);
    if (!is_again(p, key_more(key_more(KEY_EMPTY, id), delivered), now_us))
        return;
    if (now_us - p->old_us > TOLD_US)
        p->agains = 0;
    if (p->olds == 0 || c->begun_us > p->old_us) {
        p->olds++;
        p->agains++;
        p->old_us = now_us;
    }
    uint64_t us = adapter_pause_by_chance_us(adapter_pause_us(p->agains, interval_us));
    p->has_more = false;
    if (p->faults == 0 || p->due_us < now_us + us)
        p->due_us = now_us + us;
}

unsigned adapter_pace_repeated(const struct adapter_pace *p)
{
    return p->agains >= TOLD_AFTER && clock_mono_us() - p->old_us < TOLD_US ? p->agains : 0;
}
