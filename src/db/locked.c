/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "db.h"

#include "clock.h"

void db_locked_seen(struct db_locked *l)
{
    uint64_t now_us = clock_mono_us();
    if (db_locked_s(l) == 0)
        l->since_us = now_us;
    l->last_us = now_us;
}

uint64_t db_locked_s(const struct db_locked *l)
{
    uint64_t now_us = clock_mono_us();
    if (l->last_us == 0 || now_us - l->last_us > DB_LOCKED_OVER_US)
        return 0;
    return (now_us - l->since_us) / 1000000 + 1;
}
