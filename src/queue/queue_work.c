/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A message that was taken: by the steps, or refused as it was stored. Its answer stands in the inbox when the word of
 * it comes; a failure of ours gives it back, for as long as it lasts.
 */
#include "queue_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define LEASE_MORE_MS  30000u
#define AGAIN_FIRST_US 500000u
#define BUSY_US        1000000u

struct queue_job *queue_job_new(struct queue_source *s)
{
    struct queues *q = s->queues;
    struct arena *a = arena_new();
    struct queue_job *j = arena_alloc(a, sizeof *j);
    j->arena = a;
    j->source = s;
    j->next = q->jobs;
    j->link = &q->jobs;
    if (j->next != NULL)
        j->next->link = &j->next;
    q->jobs = j;
    j->keys = service_keyring(q->service);
    keyring_ref(j->keys);
    return j;
}

void queue_job_free(struct queue_job *j)
{
    *j->link = j->next;
    if (j->next != NULL)
        j->next->link = j->link;
    keyring_unref(j->keys);
    arena_free(j->arena);
}

/* ---- room ---- */

bool queue_work_has_room(const struct queue_source *s)
{
    struct queues *q = s->queues;
    return s->working + s->taking < s->conf.in_flight && q->taking < request_queue_room(q->service);
}

const char *queue_work_lease(const struct queue_source *s, struct arena *a)
{
    return arena_printf(a, "%" PRIu64 " ms", 2 * s->queues->request_timeout_ms + LEASE_MORE_MS);
}

const char *queue_send_lease(const struct queue_source *s, struct arena *a)
{
    return arena_printf(a, "%" PRIu64 " ms", 2 * s->conf.timeout_ms + LEASE_MORE_MS);
}

/* ---- the end of one ---- */

static void work_left(struct queue_job *j)
{
    j->source->working--;
    j->source->to_send -= j->is_to_send;
}

static void work_over(struct queue_job *j)
{
    struct queue_source *s = j->source;
    work_left(j);
    queue_look_soon(s);
    queue_job_free(j);
}

/* Its answer is kept: here it is sent, or it is left to whoever looks next. answer: of j's arena. */
static void work_answered(struct queue_job *j, const char *answer_id, struct span answer)
{
    struct queue_source *s = j->source;
    FAULT_POINT(queue_answered);
    s->counts.worked[0]++;
    if (!j->is_to_send) {
        queue_look_left(s, 0);
        work_over(j);
        return;
    }
    work_left(j);
    j->sending = 1;
    j->answer_id = answer_id;
    j->answer = answer;
    queue_send_begin(j);
}

static void on_word(void *arg, const struct db_result *r, enum err err)
{
    (void)r;
    (void)err; /* unsaid: its lease ends */
    struct queue_job *j = arg;
    if (j->again_us > 0)
        queue_look_left(j->source, j->again_us);
    work_over(j);
}

/* Whose key it is, where nothing could be signed. */
static const char *reason_told(struct queue_job *j, const char *reason)
{
    const struct config_smev3 *conf = &j->source->conf;
    if (strcmp(reason, error_name(ERR_AGENCY)) != 0)
        return arena_strdup(j->arena, reason);
    queue_source_lacks_key(j->source);
    if (keyring_lack(j->keys, conf->agency, conf->name, clock_wall_us() / 1000000) == KEYRING_LACKS_OFFICIAL)
        return arena_printf(j->arena, "%s: official of smev3 %s", reason, conf->name);
    return arena_printf(j->arena, "%s: agency %s", reason, conf->agency);
}

static void say_again(struct queue_job *j, const char *reason, uint64_t first_us)
{
    uint64_t us = adapter_pause_us(j->attempt > 0 && j->attempt < 32 ? (unsigned)j->attempt : 32, first_us);
    struct queue_write *w = queue_write_new(j->source, j->arena, INBOX_AGAIN, on_word, j);
    j->source->counts.worked[1]++;
    j->again_us = us;
    queue_write_int(w, j->inbox_id);
    queue_write_int(w, j->attempt);
    queue_write_text(w, reason_told(j, reason));
    queue_write_text(w, arena_printf(j->arena, "%" PRIu64 " ms", us / 1000));
    queue_write_begin(w);
}

/* word, detail (NULL: none): for the log; reason: for people, who may write it in their own language. */
static void say_park(struct queue_job *j, const char *word, const char *detail, const char *reason)
{
    struct queue_write *w = queue_write_new(j->source, j->arena, INBOX_PARK, on_word, j);
    j->source->counts.worked[2]++;
    log_event(LOG_LEVEL_ERROR, "queue-parked", "source", j->source->conf.name, "inbox",
              arena_printf(j->arena, "%" PRId64, j->inbox_id), "error", word, "detail", detail, NULL);
    queue_write_int(w, j->inbox_id);
    queue_write_int(w, j->attempt);
    queue_write_text(w, arena_strdup(j->arena, reason));
    queue_write_begin(w);
}

/* Of what no answer is made before a person has looked; NULL: nothing. */
static const char *reason_to_park(const char *refusal)
{
    if (refusal == NULL)
        return NULL;
    if (strcmp(refusal, QUEUE_NO_REPLY_TO) == 0)
        return "запрос без адреса для ответа (ReplyTo)";
    return NULL;
}

/* Another is named than we are: RECIPIENT, whom, and what else is the matter if it is ours all the same. */
static const char *recipient_of(struct queue_job *j, const char **else_refused)
{
    static const char word[] = QUEUE_RECIPIENT;
    size_t n = sizeof word - 1;
    *else_refused = NULL;
    if (j->refusal == NULL || strncmp(j->refusal, word, n) != 0 || (j->refusal[n] != ' ' && j->refusal[n] != '\0'))
        return NULL;
    char *name = arena_strdup(j->arena, j->refusal[n] == ' ' ? j->refusal + n + 1 : "?"), *end = strchr(name, ' ');
    if (end != NULL) {
        *end = '\0';
        *else_refused = end + 1;
    }
    return name;
}

/* True: put aside. Whom SMEV names is compared with who we are now: a mnemonic may have been mended. */
static bool park_foreign(struct queue_job *j)
{
    const char *else_refused, *us = queue_mnemonic(&j->source->conf), *name = recipient_of(j, &else_refused);
    if (name == NULL)
        return false;
    if (strcmp(name, us) == 0) {
        j->refusal = else_refused;
        return false;
    }
    say_park(j, QUEUE_RECIPIENT, arena_printf(j->arena, "recipient %s, mnemonic %s", name, us),
             arena_printf(j->arena,
                          "получателем назван %s, а mnemonic раздела [smev3 %s] — %s: если ошибка в mnemonic, "
                          "исправьте её и перечитайте настройки; если нет — это обращение другому ведомству",
                          name, j->source->conf.name, us));
    return true;
}

/* ---- by the steps ---- */

static void on_outcome(void *arg, const struct queue_outcome *outcome)
{
    struct queue_job *j = arg;
    struct queue_source *s = j->source;
    const char *reason = outcome->reason != NULL ? outcome->reason : "?";
    if (outcome->verdict == QUEUE_AGAIN) {
        say_again(j, reason, AGAIN_FIRST_US);
    } else if (outcome->verdict == QUEUE_PARK) {
        say_park(j, reason, NULL, reason);
    } else {
        struct span octets = outcome->answer;
        octets.p = arena_copy(j->arena, octets.p, octets.n);
        work_answered(j, arena_strdup(j->arena, outcome->answer_id), octets);
        queue_source_go(s);
    }
}

/* ---- refused ---- */

static bool said_yes(const struct db_result *r)
{
    const char *is_ours = db_text(r, 0, db_column(r, "is_ours"));
    return is_ours != NULL && *is_ours == 't';
}

static void on_answered(void *arg, const struct db_result *r, enum err err)
{
    struct queue_job *j = arg;
    bool is_kept = err == ERR_OK && said_yes(r);
    if (is_kept)
        work_answered(j, arena_strdup(j->arena, j->new_id), j->made);
    else
        work_over(j);
}

static void on_rejected(void *arg)
{
    struct queue_job *j = arg;
    if (j->source->queues->is_over)
        return;
    if (j->err != ERR_OK) {
        say_again(j, error_name(j->err), AGAIN_FIRST_US);
        return;
    }
    struct queue_write *w = queue_write_new(j->source, j->arena, INBOX_ANSWERED, on_answered, j);
    queue_write_int(w, j->inbox_id);
    queue_write_int(w, j->attempt);
    queue_write_text(w, j->new_id);
    queue_write_octets(w, j->made);
    queue_write_text(w, j->refusal);
    queue_write_text(w, j->message.sender);
    queue_write_text(w, j->message.send_lease);
    queue_write_begin(w);
}

static void work_is_to_send(struct queue_job *j)
{
    j->is_to_send = true;
    j->source->to_send++;
    j->message.sender = j->source->queues->owner;
    j->message.send_lease = queue_send_lease(j->source, j->arena);
}

void queue_work_begin(struct queue_job *j)
{
    struct queue_source *s = j->source;
    struct error e = {0};
    FAULT_POINT(queue_taken);
    s->working++;
    j->message.version = s->version;
    if (!queue_source_is_cut_off(s) && s->sending + s->to_send < s->conf.in_flight)
        work_is_to_send(j);
    const char *aside = reason_to_park(j->refusal);
    if (aside != NULL) {
        say_park(j, j->refusal, NULL, aside);
        return;
    }
    if (park_foreign(j))
        return;
    bool has_include = j->refusal != NULL && strcmp(j->refusal, QUEUE_INCLUDE) == 0;
    if (j->refusal != NULL && !has_include) {
        j->key = keyring_signing_key(j->keys, s->conf.agency, clock_wall_us() / 1000000);
        worker_run(s->queues->loop, queue_answer_reject, on_rejected, j);
        return;
    }
    j->message.inbox_id = j->inbox_id;
    j->message.attempt = (unsigned)j->attempt;
    j->message.octets = j->octets;
    j->message.has_include = has_include;
    if (request_on_queue(s->queues->service, &s->source, &j->message, on_outcome, j, &e) != ERR_OK)
        say_again(j, error_name(e.code), BUSY_US);
}
