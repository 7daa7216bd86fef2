/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * That somebody holds rows or tables of the outbox at a console: nothing is told to the portal meanwhile, and who holds
 * them is known by admin.locks(). Told while what we want was locked a moment ago.
 */
#include "push_private.h"

#include "log.h"

#include <inttypes.h>

/* That there is no database the pool says itself. */
void push_locked_tell(struct push *p, const char *what, enum err err, const struct error *e)
{
    bool is_locked = err == ERR_LOCKED;
    if (is_locked)
        db_locked_seen(&p->locked);
    if (err != ERR_DATABASE && err != ERR_BUSY)
        log_bounded(LOG_LEVEL_WARNING, 1, "push", "database", "what", what, "error", error_name(err), "detail",
                    e->detail, "advice", is_locked ? "who holds it: select * from admin.locks()" : NULL, NULL);
}

void push_locked_metrics(const struct push *p, struct buf *out)
{
    buf_printf(out,
               "# HELP zapisd_push_locked_seconds For how long somebody has held rows or tables of the outbox; 0: "
               "nobody.\n# TYPE zapisd_push_locked_seconds gauge\nzapisd_push_locked_seconds %" PRIu64 "\n",
               db_locked_s(&p->locked));
}
