/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What SMEV refuses of what we tell it; an id that is new and stale to it, too. That it gives us messages says nothing
 * of whether it takes our answers: it may have another list of certificates there, or another right. Whoever waits for
 * an answer waits meanwhile, so a fault that means us, or that nobody foresaw, is told when it comes, not when somebody
 * has waited long.
 */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const queue_refusal_words[QUEUE_WORDS] = {[QUEUE_WORD_ACK] = "Ack", [QUEUE_WORD_RESPONSE] = "SendResponse"};

/* Of which of the two the database is being told. */
struct telling {
    struct queue_source *source;
    enum queue_word which;
};

static void on_told(void *arg, const struct db_result *r, enum err err)
{
    const struct telling *t = arg;
    struct queue_refusal *f = &t->source->refusals[t->which];
    (void)r;
    if (err != ERR_OK)
        f->told_us = 0; /* with the next */
    struct arena *a = f->telling;
    f->telling = NULL;
    arena_free(a);
}

static void tell_database(struct queue_source *s, enum queue_word which)
{
    struct queue_refusal *f = &s->refusals[which];
    struct arena *a = arena_new_small();
    struct telling *t = arena_alloc(a, sizeof *t);
    *t = (struct telling){s, which};
    struct queue_write *w = queue_write_new(s, a, INBOX_REFUSED, on_told, t);
    queue_write_text(w, s->conf.name);
    queue_write_text(w, s->conf.agency);
    queue_write_text(w, queue_refusal_words[which]);
    queue_write_text(w, f->fault[0] != '\0' ? arena_strdup(a, f->fault) : NULL);
    f->telling = a;
    f->told_us = clock_mono_us();
    memcpy(f->told, f->fault, sizeof f->told);
    queue_write_begin(w);
}

static bool is_taken(const struct adapter_call *c)
{
    return adapter_call_is_done(c);
}

/* An id that is new is stale to it: whose clock is wrong somebody has to find out, by how old it is by ours. */
static void tell_clock(const struct queue_source *s, const struct adapter_call *c)
{
    int64_t made_us = 0;
    (void)uuid_v1_time(c->message_id, &made_us);
    log_bounded(LOG_LEVEL_ERROR, 1, "clock", s->conf.name, "state", "refused", "source", s->conf.name, "age_s",
                arena_printf(c->arena, "%" PRId64, (clock_wall_us() - made_us) / 1000000), "detail",
                "SMEV calls a MessageID stale that is so old by our clock: ours is wrong, or SMEV's", NULL);
}

void queue_refusal_judge(struct queue_source *s, const struct adapter_call *c)
{
    enum queue_word which = c->op == SMEV3_ACK ? QUEUE_WORD_ACK : QUEUE_WORD_RESPONSE;
    struct queue_refusal *f = &s->refusals[which];
    char words[QUEUE_FAULT_SIZE] = "";
    bool is_clock = which == QUEUE_WORD_RESPONSE && adapter_is_clock_wrong(adapter_call_word(c), c->message_id);
    if (is_clock)
        tell_clock(s, c);
    if (is_clock || adapter_is_refusal(c))
        (void)snprintf(words, sizeof words, "%s", adapter_call_word(c));
    else if (!is_taken(c))
        return; /* nothing is known */
    f->seen_us = clock_mono_us();
    if (strcmp(words, f->fault) != 0) {
        memcpy(f->fault, words, sizeof f->fault);
        log_event(words[0] != '\0' ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, "queue-untaken", "source", s->conf.name,
                  "what", queue_refusal_words[which], "fault", words[0] != '\0' ? words : "no", NULL);
    }
    bool is_news = strcmp(f->told, f->fault) != 0;
    /* What a process of before has told is not known here. */
    bool is_old = f->told_us == 0 || (f->fault[0] != '\0' && f->seen_us - f->told_us > QUEUE_TOLD_US);
    if (f->telling == NULL && (is_news || is_old))
        tell_database(s, which);
}

/* An answer that nobody waits for any more was given up, or SMEV has it; who waits is asked now and then. */
static bool somebody_waits(const struct queue_source *s, const struct queue_refusal *f)
{
    return s->standing.unsent + s->standing.unanswered > 0 ||
           clock_mono_us() - f->seen_us < (uint64_t)2 * QUEUE_STATE_US;
}

const char *queue_refusal_now(const struct queue_source *s, enum queue_word which)
{
    const struct queue_refusal *f = &s->refusals[which];
    if (which == QUEUE_WORD_RESPONSE && !somebody_waits(s, f))
        return NULL;
    return f->fault[0] != '\0' && clock_mono_us() - f->seen_us < QUEUE_REFUSAL_US ? f->fault : NULL;
}

void queue_refusals_free(struct queue_source *s)
{
    for (unsigned i = 0; i < QUEUE_WORDS; i++)
        arena_free(s->refusals[i].telling);
}
