/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Answers that the queue makes itself, on a worker: RequestRejected to what is refused as it was stored, and an answer
 * that is signed anew: its certificate is another by now, or SMEV has said that it takes its id no more. The
 * content stays what it was.
 */
#include "queue_private.h"

#include "clock.h"

#include <string.h>

static void sign(struct queue_job *j, const struct smev3_draft *draft)
{
    struct buf envelope;
    buf_init(&envelope, j->arena, draft->element.n + 8192);
    j->err = smev3_write_signed(j->arena, draft, j->key, &envelope, &j->error);
    j->made = buf_span(&envelope);
}

/* Refusals by their names in the inbox; text NULL: that of the error. */
static const struct refusal {
    const char *name;
    enum err err;
    const char *text;
} refusals[] = {
    {"CHECK", ERR_CHECK, NULL},
    {"SENDER", ERR_SENDER, NULL},
    {"FILES_MANY", ERR_LIMIT, "Запрос не принят ведомством: к нему приложено слишком много файлов"},
    {"FILES_SIZE", ERR_LIMIT, "Запрос не принят ведомством: приложенные к нему файлы слишком велики"},
    {"FILE_DIGEST", ERR_MALFORMED, "Запрос не принят ведомством: приложенный к нему файл повреждён. Повторите его"},
    {"FILE_ABSENT", ERR_MALFORMED, "Запрос не принят ведомством: приложенный к нему файл не найден. Повторите его"},
    {"", ERR_ENVELOPE, NULL}, /* the last: whatever else */
};

static const struct refusal *refusal_named(const char *name)
{
    const struct refusal *last = &refusals[sizeof refusals / sizeof refusals[0] - 1], *r = refusals;
    while (r < last && strcmp(r->name, name) != 0)
        r++;
    return r;
}

static enum smev3_reject_code code_of(enum err err)
{
    switch (error_queue(err)) {
    case QUEUE_ACCESS_DENIED:
        return SMEV3_REJECT_ACCESS_DENIED;
    case QUEUE_FAILURE:
        return SMEV3_REJECT_FAILURE;
    default:
        return SMEV3_REJECT_UNKNOWN_REQUEST_DESCRIPTION;
    }
}

void queue_answer_reject(void *job)
{
    struct queue_job *j = job;
    const struct refusal *why = refusal_named(j->refusal);
    struct smev3_draft draft;
    uuid_v1(j->new_id);
    const struct smev3_answer answer = {
        .message_id = j->new_id,
        .to = j->reply_to,
        .kind = SMEV3_REJECTED,
        .reject_code = code_of(why->err),
        .text = why->text != NULL ? why->text : error_rejection(why->err),
    };
    j->err = smev3_write_answer(j->arena, adapter_version(&j->source->conf), &answer, &draft, &j->error);
    if (j->err == ERR_OK)
        sign(j, &draft);
}

/* By the keys of today, or as it is: who can sign nothing now sends what he has. */
void queue_answer_renew(void *job)
{
    struct queue_job *j = job;
    struct buf envelope;
    j->made = (struct span){0};
    memcpy(j->new_id, j->answer_id, strlen(j->answer_id) + 1);
    if (j->key == NULL) {
        j->err = !j->needs_id ? ERR_OK
                              : error_set(&j->error, ERR_AGENCY, "nothing can be signed in the name of this agency");
        return;
    }
    if (!j->needs_id && !j->is_afresh && smev3_is_signed_by(j->arena, j->answer, j->key, j->official))
        return;
    if (j->needs_id)
        uuid_v1(j->new_id);
    buf_init(&envelope, j->arena, j->answer.n + 8192);
    j->err = smev3_sign_anew(j->answer, j->needs_id ? j->new_id : NULL, j->key, j->official, &envelope, &j->error);
    j->made = buf_span(&envelope);
}
