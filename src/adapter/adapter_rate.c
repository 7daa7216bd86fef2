/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "adapter.h"

/* No text says how often is too often. Twice as slow is found soon enough from below, and who was refused by mistake
 * waits no longer for it than that. */
#define EMPTIES 20 /* empty answers before a little of it is taken back */
#define PART    16

uint64_t adapter_rate_us(const struct adapter_rate *p, uint64_t wanted_us)
{
    return p->learned_us > wanted_us ? p->learned_us : wanted_us;
}

void adapter_rate_refused(struct adapter_rate *p, uint64_t wanted_us)
{
    uint64_t us = 2 * adapter_rate_us(p, wanted_us);
    p->learned_us = us < ADAPTER_PAUSE_MAX_US ? us : ADAPTER_PAUSE_MAX_US;
    p->empties = 0;
}

void adapter_rate_empty(struct adapter_rate *p, uint64_t wanted_us)
{
    if (p->learned_us == 0 || ++p->empties < EMPTIES)
        return;
    p->empties = 0;
    p->learned_us -= p->learned_us / PART;
    if (p->learned_us <= wanted_us)
        p->learned_us = 0;
}
