/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What others may know of the queues. Labels are names of the configuration and of our own tables. */
#include "queue_private.h"

#include "clock.h"

#include <inttypes.h>

#define LATE_S        3600
#define CLOCK_OFF_US  60000000
#define CLOCK_TOLD_US 3600000000u /* what was seen then says nothing of now */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP zapisd_smev3_%s %s\n# TYPE zapisd_smev3_%s %s\n", name, help, name, type);
}

static void line(struct buf *out, const char *name, const struct queue_source *s, const char *what, int64_t n)
{
    if (what == NULL)
        buf_printf(out, "zapisd_smev3_%s{source=\"%s\",agency=\"%s\"} %" PRId64 "\n", name, s->conf.name,
                   s->conf.agency, n);
    else
        buf_printf(out, "zapisd_smev3_%s{source=\"%s\",agency=\"%s\",result=\"%s\"} %" PRId64 "\n", name, s->conf.name,
                   s->conf.agency, what, n);
}

/* A source that finishes has its counters where its successor has them. */
#define EACH(q, s)                                                                                                     \
    for (const struct queue_source *(s) = (q)->sources; (s) != NULL; (s) = (s)->next)                                  \
        if (!(s)->is_retired)

static double interval_s(const struct queue_source *s)
{
    return (double)adapter_rate_us(&s->pace.rate, s->conf.poll_interval_ms * 1000) / 1e6;
}

/* By what SMEV delivered of late. */
static bool clock_is_known(const struct queue_source *s)
{
    return s->clock_told_us != 0 && clock_mono_us() - s->clock_told_us <= CLOCK_TOLD_US;
}

static void polls_write(const struct queues *q, struct buf *out)
{
    head(out, "polls_total", "counter", "Questions to the queue, by what came of them.");
    EACH(q, s)
    for (unsigned i = 0; i < ADAPTER_RESULTS; i++)
        line(out, "polls_total", s, adapter_result_names[i], (int64_t)s->counts.polls[i]);
    head(out, "stored_total", "counter",
         "Messages stored; known: delivered again; other: the same id, another content.");
    EACH(q, s)
    {
        line(out, "stored_total", s, "new", (int64_t)s->counts.stored_new);
        line(out, "stored_total", s, "known", (int64_t)s->counts.stored_known);
        line(out, "stored_total", s, "other", (int64_t)s->counts.stored_other);
    }
    head(out, "refused_total", "counter",
         "Answers of the queue that were no message signed by SMEV: another's, faults, a page of a proxy.");
    EACH(q, s)
    line(out, "refused_total", s, NULL, (int64_t)s->counts.refused);
    head(out, "unkept_total", "counter", "Those of them that were not kept: more than is kept of a day.");
    EACH(q, s)
    line(out, "unkept_total", s, NULL, (int64_t)s->counts.unkept);
    head(out, "rejected_total", "counter",
         "Messages that nobody can read or believe and that were given up by hand: SMEV was told so.");
    EACH(q, s)
    line(out, "rejected_total", s, NULL, (int64_t)s->counts.rejected);
    head(out, "faulty", "gauge", "1 while the queue cannot be asked as it should.");
    EACH(q, s)
    line(out, "faulty", s, NULL, s->fault[0] != '\0');
    head(out, "faults_total", "counter",
         "Calls of SMEV that came to a fault or to nothing, by its name; other: by names beyond the first of them.");
    EACH(q, s)
    for (const struct adapter_fault_count *f = s->peer.faults;
         f < s->peer.faults + ADAPTER_FAULT_WORDS && f->word != NULL; f++)
        buf_printf(out, "zapisd_smev3_faults_total{source=\"%s\",agency=\"%s\",fault=\"%s\"} %" PRIu64 "\n",
                   s->conf.name, s->conf.agency, f->word, f->n);
    head(
        out, "clock_offset_seconds", "gauge",
        "Our clock ahead of the time at which SMEV says it delivered, for an hour; what was seen before says nothing.");
    EACH(q, s)
    if (clock_is_known(s))
        line(out, "clock_offset_seconds", s, NULL, s->clock_offset_us / 1000000);
}

static void words_write(const struct queues *q, struct buf *out)
{
    head(out, "acks_total", "counter", "Acknowledgements, by what came of them.");
    EACH(q, s)
    {
        line(out, "acks_total", s, "ok", (int64_t)s->counts.acks);
        line(out, "acks_total", s, "failed", (int64_t)s->counts.acks_failed);
    }
    head(out, "worked_total", "counter", "Messages taken, by what came of them.");
    EACH(q, s)
    {
        line(out, "worked_total", s, "answered", (int64_t)s->counts.worked[0]);
        line(out, "worked_total", s, "again", (int64_t)s->counts.worked[1]);
        line(out, "worked_total", s, "parked", (int64_t)s->counts.worked[2]);
    }
    head(out, "answers_total", "counter",
         "Answers sent, by what SMEV said; renewed: signed anew before; status: that it takes longer.");
    EACH(q, s)
    {
        line(out, "answers_total", s, "sent", (int64_t)s->counts.sent);
        line(out, "answers_total", s, "again", (int64_t)s->counts.sent_again);
        line(out, "answers_total", s, "parked", (int64_t)s->counts.sent_parked);
        line(out, "answers_total", s, "renewed", (int64_t)s->counts.renewed);
        line(out, "answers_total", s, "status", (int64_t)s->counts.statuses);
    }
}

static void files_write(const struct queues *q, struct buf *out)
{
    head(out, "files_total", "counter",
         "kept: files of messages. Messages for their files: refused, parked; again: the store did not give them, own: "
         "they could not be kept here, put_off: too many at once; these come again.");
    EACH(q, s)
    {
        line(out, "files_total", s, "kept", (int64_t)s->counts.files_kept);
        line(out, "files_total", s, "refused", (int64_t)s->counts.files_refused);
        line(out, "files_total", s, "parked", (int64_t)s->counts.files_parked);
        line(out, "files_total", s, "again", (int64_t)s->counts.files_again);
        line(out, "files_total", s, "own", (int64_t)s->counts.files_own);
        line(out, "files_total", s, "put_off", (int64_t)s->counts.files_put_off);
    }
}

static void refusals_write(const struct queues *q, struct buf *out)
{
    head(out, "refused", "gauge", "1 while SMEV refuses what we tell it by that operation.");
    EACH(q, s)
    for (unsigned i = 0; i < QUEUE_WORDS; i++)
        buf_printf(out, "zapisd_smev3_refused{source=\"%s\",agency=\"%s\",operation=\"%s\"} %d\n", s->conf.name,
                   s->conf.agency, queue_refusal_words[i], queue_refusal_now(s, i) != NULL);
}

static void silences_write(const struct queues *q, struct buf *out)
{
    static const unsigned kinds[] = {SMEV3_GET_REQUEST, SMEV3_ACK, SMEV3_SEND_RESPONSE, ADAPTER_KIND_STATUS,
                                     ADAPTER_KIND_REJECTION};
    static const unsigned n = sizeof kinds / sizeof kinds[0];
    head(out, "unanswered_total", "counter", "Calls of SMEV that came to no answer, by operation.");
    EACH(q, s)
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, "zapisd_smev3_unanswered_total{source=\"%s\",agency=\"%s\",operation=\"%s\"} %" PRIu64 "\n",
                   s->conf.name, s->conf.agency, adapter_kind_name(kinds[i]), s->peer.silences[kinds[i]].n);
    head(out, "silent", "gauge", "1 while SMEV does not answer what we ask or tell by that operation.");
    EACH(q, s)
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, "zapisd_smev3_silent{source=\"%s\",agency=\"%s\",operation=\"%s\"} %d\n", s->conf.name,
                   s->conf.agency, adapter_kind_name(kinds[i]), adapter_peer_is_silent(&s->peer, kinds[i]));
}

static void standing_write(const struct queues *q, struct buf *out)
{
    head(out, "waiting", "gauge",
         "Messages, of all instances, that wait: unacked, unanswered, unsent; those put aside; those in the queue that "
         "cannot be read or believed.");
    EACH(q, s)
    {
        line(out, "waiting", s, "unacked", s->standing.unacked);
        line(out, "waiting", s, "unanswered", s->standing.unanswered);
        line(out, "waiting", s, "unsent", s->standing.unsent);
        line(out, "waiting", s, "parked", s->standing.parked);
        line(out, "waiting", s, "unread", s->standing.unread);
    }
    head(out, "oldest_seconds", "gauge", "Age of the oldest of those that wait.");
    EACH(q, s)
    {
        line(out, "oldest_seconds", s, "unacked", s->standing.unacked_s);
        line(out, "oldest_seconds", s, "unanswered", s->standing.unanswered_s);
        line(out, "oldest_seconds", s, "unsent", s->standing.unsent_s);
    }
    head(out, "poll_interval_seconds", "gauge",
         "How often the queue is asked; more than poll_interval: SMEV wants it so.");
    EACH(q, s)
    buf_printf(out, "zapisd_smev3_poll_interval_seconds{source=\"%s\",agency=\"%s\"} %.3f\n", s->conf.name,
               s->conf.agency, interval_s(s));
    head(out, "good_poll_seconds", "gauge", "Since this process was last answered by the queue; -1: never yet.");
    EACH(q, s)
    line(out, "good_poll_seconds", s, NULL, s->good_us == 0 ? -1 : (int64_t)((clock_mono_us() - s->good_us) / 1000000));
}

void queues_metrics_write(const struct queues *q, struct buf *out)
{
    if (q == NULL)
        return;
    head(out, "unserved", "gauge", "Messages, of all instances, that no [smev3] section of the configuration has.");
    buf_printf(out, "zapisd_smev3_unserved %" PRId64 "\n", q->unserved_messages);
    head(out, "locked_seconds", "gauge", "For how long somebody has held rows or tables of the queues; 0: nobody.");
    buf_printf(out, "zapisd_smev3_locked_seconds %" PRIu64 "\n", db_locked_s(&q->locked));
    polls_write(q, out);
    words_write(q, out);
    files_write(q, out);
    refusals_write(q, out);
    silences_write(q, out);
    standing_write(q, out);
}

static void note(struct buf *notes_json, const char *text)
{
    if (notes_json->n > 0)
        buf_add_char(notes_json, ',');
    buf_add_json(notes_json, span_of(text));
}

/* SMEV refuses what is signed at another time than its own, within minutes. */
static void clock_note(const struct queue_source *s, struct buf *notes_json)
{
    int64_t off_us = s->clock_offset_us;
    if (!clock_is_known(s) || (off_us <= CLOCK_OFF_US && off_us >= -CLOCK_OFF_US))
        return;
    note(notes_json,
         arena_printf(notes_json->arena, "smev3 %s: our clock is %" PRId64 " s %s SMEV's, which refuses other times",
                      s->conf.name, (off_us < 0 ? -off_us : off_us) / 1000000, off_us < 0 ? "behind" : "ahead of"));
}

/* The agency's key is the fault of the queue itself; requests are asked for whatever the official can. */
static void official_note(const struct queues *q, const struct queue_source *s, struct buf *notes_json)
{
    if (q->keys != NULL &&
        keyring_lack(q->keys, s->conf.agency, s->conf.name, clock_wall_us() / 1000000) == KEYRING_LACKS_OFFICIAL)
        note(notes_json,
             arena_printf(notes_json->arena, "smev3 %s: answers wait: official of smev3 %s signs nothing: zapisd check",
                          s->conf.name, s->conf.name));
}

/* Of what is over: the fault that it came by is in the log. */
static void rate_note(const struct queue_source *s, struct buf *notes_json)
{
    if (adapter_rate_us(&s->pace.rate, 0) > s->conf.poll_interval_ms * 1000)
        note(
            notes_json,
            arena_printf(notes_json->arena,
                         "smev3 %s: the queue is asked every %.1f s: SMEV has said AccessDenied to what was more often",
                         s->conf.name, interval_s(s)));
}

/* What the queue of answers gave: ours that SMEV has refused late, and what is to nothing of ours. */
static void answers_note(const struct queue_source *s, struct buf *notes_json)
{
    const struct queue_standing *t = &s->standing;
    if (t->refused_answers > 0)
        note(notes_json, arena_printf(notes_json->arena,
                                      "smev3 %s: answers of ours that SMEV took and refused later: %" PRId64
                                      ": nobody gets them: admin.inbox",
                                      s->conf.name, t->refused_answers));
    if (t->foreign_answers > 0)
        note(notes_json,
             arena_printf(notes_json->arena,
                          "smev3 %s: answers to messages of another program come out of this agency's queue: %" PRId64
                          ", not acknowledged; one of them: %s: give one of the programs a NodeID of its own: "
                          "admin.inbox_unread",
                          s->conf.name, t->foreign_answers, t->foreign_id[0] != '\0' ? t->foreign_id : "none"));
}

void queues_notes_write(const struct queues *q, struct buf *notes_json)
{
    if (q == NULL)
        return;
    struct arena *a = notes_json->arena;
    if (db_locked_s(&q->locked) > 0)
        note(notes_json,
             arena_printf(a,
                          "smev3: somebody holds rows or tables of the queues in the database, messages and "
                          "answers wait, for %" PRIu64 " s: admin.locks()",
                          db_locked_s(&q->locked)));
    if (q->unserved_messages > 0)
        note(notes_json, arena_printf(a,
                                      "smev3: messages that no section has, by its name, agency and version: %s: "
                                      "admin.check()",
                                      q->unserved));
    EACH(q, s)
    {
        const struct queue_standing *t = &s->standing;
        if (s->fault[0] != '\0')
            note(notes_json, arena_printf(a, "smev3 %s: the queue is not asked as it should: %s%s%s", s->conf.name,
                                          s->fault, s->detail[0] != '\0' ? ": " : "", s->detail));
        official_note(q, s, notes_json);
        rate_note(s, notes_json);
        for (unsigned i = 0; i < QUEUE_WORDS; i++)
            if (queue_refusal_now(s, i) != NULL)
                note(notes_json, arena_printf(a, "smev3 %s: SMEV refuses our %s: %s", s->conf.name,
                                              queue_refusal_words[i], queue_refusal_now(s, i)));
        const char *silences = adapter_peer_silences(a, &s->peer);
        if (silences != NULL)
            note(notes_json, arena_printf(a, "smev3 %s: SMEV leaves without an answer what it is told: %s",
                                          s->conf.name, silences));
        clock_note(s, notes_json);
        if (s->nkept > 0)
            note(notes_json,
                 arena_printf(a,
                              "smev3 %s: the database does not take what came out of the queue (messages: %u, kept "
                              "for 10 minutes): nothing is asked for meanwhile",
                              s->conf.name, s->nkept));
        if (adapter_pace_repeated(&s->pace) > 0)
            note(notes_json, arena_printf(a,
                                          "smev3 %s: the queue gives again and again what was acknowledged (%u in a "
                                          "row): is there a cache between SMEV and us?",
                                          s->conf.name, adapter_pace_repeated(&s->pace)));
        if (queue_files_cannot_be_kept(s))
            note(notes_json,
                 arena_printf(a, "smev3 %s: files cannot be kept here: messages wait in the queue", s->conf.name));
        if (queue_files_wait(s))
            note(notes_json, arena_printf(a, "smev3 %s: the file store does not give files: messages wait in the queue",
                                          s->conf.name));
        if (t->parked > 0)
            note(notes_json,
                 arena_printf(a, "smev3 %s: messages put aside: %" PRId64 ": admin.inbox", s->conf.name, t->parked));
        answers_note(s, notes_json);
        if (t->unread > 0)
            note(notes_json, arena_printf(a,
                                          "smev3 %s: messages in the queue that cannot be read or are not SMEV's "
                                          "word: %" PRId64 " (answers of the portal's: %" PRId64
                                          "); an id that one of them claims, unverified: %s: admin.inbox_unread",
                                          s->conf.name, t->unread, t->unread_answers,
                                          t->unread_id[0] != '\0' ? t->unread_id : "none"));
        if (t->unanswered_s > LATE_S)
            note(notes_json, arena_printf(a, "smev3 %s: messages stay without an answer", s->conf.name));
        if (t->unsent_s > LATE_S)
            note(notes_json, arena_printf(a, "smev3 %s: answers are not sent", s->conf.name));
        if (t->unacked_s > LATE_S)
            note(notes_json, arena_printf(a, "smev3 %s: messages are not acknowledged", s->conf.name));
    }
}
