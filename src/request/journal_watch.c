/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is told of answers that wait for the journal: a line in the log when it takes long, a note in /readyz, a figure.
 */
#include "request_private.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>

#define JOURNAL_TOLD_AFTER_US 1000000 /* a row is a matter of milliseconds */
#define JOURNAL_ADVICE                                                                                                 \
    "a lock on data.journal or a slow disk keeps it (select pid, pg_blocking_pids(pid) from pg_stat_activity)"

/* For how long rows wait and none was written; a try that a time limit ended has written none. */
static uint64_t journal_longest_us(const struct service *s)
{
    return journal_waiting(s) > 0 ? clock_mono_us() - s->journal.since_us : 0;
}

void journal_watch(struct service *s)
{
    struct journal *j = &s->journal;
    uint64_t longest_us = journal_longest_us(s);
    bool is_long = longest_us >= JOURNAL_TOLD_AFTER_US;
    if (is_long && !j->is_wait_told)
        log_event(LOG_LEVEL_WARNING, "journal-wait", "advice", JOURNAL_ADVICE, NULL);
    if (!is_long && j->is_wait_told)
        log_event(LOG_LEVEL_NOTICE, "journal-wait", "over", "yes", NULL);
    j->is_wait_told = is_long;
}

void journal_notes_write(const struct service *s, struct buf *notes_json)
{
    char text[256];
    uint64_t longest_us = journal_longest_us(s);
    if (longest_us < JOURNAL_TOLD_AFTER_US)
        return;
    (void)snprintf(text, sizeof text, "answers that wait for the journal: %u; for %llu s: %s", journal_waiting(s),
                   (unsigned long long)(longest_us / 1000000), JOURNAL_ADVICE);
    if (notes_json->n > 0)
        buf_add_char(notes_json, ',');
    buf_add_json(notes_json, span_of(text));
}

void journal_metrics_write(const struct service *s, struct buf *out)
{
    buf_printf(out,
               "# HELP zapisd_journal_wait_seconds For how long rows of the journal wait and none is written.\n"
               "# TYPE zapisd_journal_wait_seconds gauge\nzapisd_journal_wait_seconds %.3f\n",
               (double)journal_longest_us(s) / 1e6);
}
