/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What SMEV has signed is stored, whatever it holds, together with the call it came by and the headers of its files;
 * then it is acknowledged. Killed before that: SMEV delivers it again, and the row says that it is known. What the
 * database does not take (a table locked, a restart) is kept as long as SMEV would; nothing is asked for meanwhile. One
 * whose row somebody holds at a console is said again by itself, and keeps nobody waiting.
 */
#include "queue_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define FILES_MAX     1000 /* headers that are kept beside a message, */
#define TEXT_MAX      2000 /* and bytes of a word of one */
#define RECIPIENT_MAX 64   /* bytes */
#define AGAIN_US      1000000u

/* A message on its way into the database; in the arena of its call. */
struct queue_kept {
    struct queue_kept *next;
    struct adapter_call *call;
    struct queue_write *write;
    uint64_t heard_us;
    bool is_kept; /* it was not taken at first */
};

const char *queue_mnemonic(const struct config_smev3 *conf)
{
    return conf->mnemonic != NULL ? conf->mnemonic : conf->agency;
}

/* As it is shown to people: what is no word of plain letters is not. */
static const char *recipient_shown(const char *recipient)
{
    size_t n = strlen(recipient);
    bool is_plain = n <= RECIPIENT_MAX;
    for (size_t i = 0; is_plain && i < n; i++)
        is_plain = isalnum((unsigned char)recipient[i]) || strchr("_-.:", recipient[i]) != NULL;
    return is_plain ? recipient : "?";
}

const char *queue_store_refusal(const struct adapter_call *c)
{
    const struct smev3_request *m = &c->request;
    const struct config_smev3 *own = c->conf;
    const struct queue_fetch *fetch = c->arg;
    const char *recipient = m->metadata.recipient, *why = fetch != NULL ? fetch->refusal : NULL;
    if (m->reply_to == NULL)
        return QUEUE_NO_REPLY_TO;
    if (!adapter_is_mnemonic(m->metadata.sender))
        return "SENDER";
    if (c->reply.has_include)
        why = QUEUE_INCLUDE;
    else if (own->require_sender_signature && strcmp(c->sender_word, ADAPTER_GOOD) != 0)
        why = "CHECK";
    if (recipient == NULL || recipient[0] == '\0' || strcmp(recipient, queue_mnemonic(own)) == 0)
        return why;
    return arena_printf(c->arena, QUEUE_RECIPIENT " %s%s%s", recipient_shown(recipient), why != NULL ? " " : "",
                        why != NULL ? why : "");
}

static const char *message_id(const struct adapter_call *c)
{
    return c->reply.kind == SMEV3_CANCEL ? c->cancel.message_id : c->request.message_id;
}

static const struct smev3_metadata *metadata(const struct adapter_call *c)
{
    return c->reply.kind == SMEV3_CANCEL ? &c->cancel.metadata : &c->request.metadata;
}

static const char *instant(const struct adapter_call *c, const char *text, int64_t us)
{
    char out[CLOCK_TEXT_SIZE];
    if (text == NULL)
        return NULL;
    clock_format_seconds(us > 0 ? us / 1000000 : 0, 0, out); /* before 1970 is past as well */
    return arena_strdup(c->arena, out);
}

static const char *known(const char *sender)
{
    return adapter_is_mnemonic(sender) ? sender : "?";
}

/* ---- headers of files, for data.inbox_files_came() ---- */

static void add_text(struct buf *json, const char *key, const char *text)
{
    if (text == NULL)
        return;
    size_t n = strlen(text);
    if (n > TEXT_MAX)
        for (n = TEXT_MAX; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    buf_printf(json, ", \"%s\": ", key);
    buf_add_json(json, (struct span){text, n});
}

/* Never user and password of the file store. */
static const char *files_of(struct adapter_call *c)
{
    const struct queue_fetch *fetch = c->arg;
    unsigned n = c->request.nfiles < FILES_MAX ? c->request.nfiles : FILES_MAX;
    struct buf json;
    buf_init(&json, c->arena, 2 + (size_t)200 * n);
    buf_add_char(&json, '[');
    for (unsigned i = 0; i < n; i++) {
        const struct smev3_file *f = &c->request.files[i];
        const struct file_kept *kept =
            fetch != NULL && fetch->kept != NULL && fetch->kept[i].name[0] != '\0' ? &fetch->kept[i] : NULL;
        buf_printf(&json, "%s{\"place\": \"%s\", \"signed\": %s", i > 0 ? ", " : "", f->is_stored ? "store" : "message",
                   f->signature != NULL ? "true" : "false");
        add_text(&json, "id", f->id);
        add_text(&json, "name", f->file_name);
        add_text(&json, "type", f->mime_type);
        add_text(&json, "hash", f->hash);
        add_text(&json, "content", kept != NULL ? kept->name : NULL);
        if (kept != NULL)
            buf_printf(&json, ", \"size\": %" PRIu64, kept->size);
        buf_add_char(&json, '}');
    }
    buf_add_char(&json, ']');
    buf_add_char(&json, '\0');
    return json.p;
}

/* How files were asked for, to be journalled with the message. */
static const char *file_calls_of(struct adapter_call *c)
{
    const struct queue_fetch *fetch = c->arg;
    struct buf json;
    buf_init(&json, c->arena, 256);
    buf_add_char(&json, '[');
    for (const struct queue_file_call *k = fetch != NULL ? fetch->calls : NULL; k != NULL; k = k->next) {
        buf_printf(&json, "%s{\"outcome\": \"%s\"", k != fetch->calls ? ", " : "", k->outcome);
        add_text(&json, "url", k->url);
        add_text(&json, "verdict", k->verdict);
        add_text(&json, "content", k->kept != NULL ? k->kept->name : NULL);
        if (k->kept != NULL)
            buf_printf(&json, ", \"size\": %" PRIu64, k->kept->size);
        buf_add_char(&json, '}');
    }
    buf_add_char(&json, ']');
    buf_add_char(&json, '\0');
    return json.p;
}

/* ---- stored ---- */

static bool is_to_be_worked_on(const struct adapter_call *c)
{
    const struct queue_fetch *fetch = c->arg;
    return c->reply.kind == SMEV3_REQUEST && !c->request.is_broadcast && (fetch == NULL || fetch->parked == NULL);
}

/* It was stored as being worked on. */
static void work_on(const struct adapter_call *c, int64_t id)
{
    struct queue_job *j = queue_job_new(c->owner);
    const char *refusal = queue_store_refusal(c);
    j->inbox_id = id;
    j->attempt = 1;
    j->octets =
        (struct span){arena_copy(j->arena, c->signature.octets.p, c->signature.octets.n), c->signature.octets.n};
    j->reply_to = arena_strdup(j->arena, c->request.reply_to);
    j->refusal = arena_strdup(j->arena, refusal);
    queue_work_begin(j);
}

/* No connection, no time, a lock: of the message there is nothing wrong. */
static bool is_of_the_database(enum err err)
{
    return err == ERR_DATABASE || err == ERR_UNCERTAIN || err == ERR_LOCKED || err == ERR_TIMEOUT || err == ERR_BUSY ||
           err == ERR_CONFLICT;
}

static void keep(struct queue_source *s, struct queue_kept *k)
{
    if (s->kept == NULL)
        s->last_kept = &s->kept;
    s->nkept += !k->is_kept;
    k->is_kept = true;
    k->next = NULL;
    *s->last_kept = k;
    s->last_kept = &k->next;
    s->kept_due_us = clock_mono_us() + AGAIN_US;
}

static struct queue_kept *kept_take(struct queue_source *s)
{
    struct queue_kept *k = s->kept;
    s->kept = k->next;
    if (s->kept == NULL)
        s->last_kept = &s->kept;
    return k;
}

static void is_over(struct queue_source *s, const struct queue_kept *k)
{
    s->storing--;
    s->nkept -= k->is_kept;
    s->taking -= k->call->is_in_hand;
    s->queues->taking -= k->call->is_in_hand;
}

/* SMEV has it still, and delivers it again. */
static void let_go(struct queue_source *s, struct queue_kept *k)
{
    is_over(s, k);
    s->kept_due_us = clock_mono_us() + AGAIN_US;
    adapter_pace_unkept(&s->pace, k->call);
    adapter_call_free(k->call);
}

/* One of them at a time, until the database takes it. */
void queue_store_go(struct queue_source *s)
{
    while (s->kept != NULL && s->queues->drained != NULL)
        let_go(s, kept_take(s));
    if (s->kept == NULL || clock_mono_us() < s->kept_due_us)
        return;
    s->kept_due_us = UINT64_MAX;
    queue_write_begin(kept_take(s)->write);
}

static void all_again(struct queue_source *s)
{
    while (s->kept != NULL)
        queue_write_begin(kept_take(s)->write);
}

static void on_stored(void *arg, const struct db_result *r, enum err err)
{
    struct queue_kept *k = arg;
    struct adapter_call *c = k->call;
    struct queue_source *s = c->owner;
    struct error e = {0};
    int64_t id = 0;
    if (is_of_the_database(err) && s->queues->drained == NULL && clock_mono_us() - k->heard_us < QUEUE_OF_USE_US) {
        keep(s, k);
        return;
    }
    if (err != ERR_OK || db_int(r, 0, db_column(r, "inbox_id"), &id, &e) != ERR_OK) {
        let_go(s, k);
        return;
    }
    is_over(s, k);
    all_again(s);
    FAULT_POINT(queue_stored);
    const char *outcome = db_text(r, 0, db_column(r, "outcome"));
    bool is_new = strcmp(outcome, "new") == 0, is_left = is_new && is_to_be_worked_on(c) && !c->is_in_hand;
    if (is_new)
        adapter_pace_new(&s->pace);
    else
        adapter_pace_known(&s->pace, c, message_id(c), metadata(c)->delivered);
    if (strcmp(outcome, "new") == 0)
        s->counts.stored_new++;
    else if (strcmp(outcome, "known") == 0)
        s->counts.stored_known++;
    else
        s->counts.stored_other++;
    if (strcmp(outcome, "other") == 0)
        log_event(LOG_LEVEL_ERROR, "queue-message", "source", s->conf.name, "trouble",
                  "an id that is known came with another content", "inbox",
                  arena_printf(c->arena, "%lld", (long long)id), NULL);
    queue_ack_begin(s, id, c->reply.kind == SMEV3_CANCEL ? c->cancel.ack_id : c->request.ack_id, is_left);
    if (is_left)
        queue_look_left(s, 0);
    else if (is_new && c->is_in_hand)
        work_on(c, id);
    adapter_call_free(c);
}

void queue_store(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    const struct queue_fetch *fetch = c->arg;
    const struct smev3_request *m = &c->request;
    bool is_cancel = c->reply.kind == SMEV3_CANCEL;
    struct queue_kept *k = arena_alloc(c->arena, sizeof *k);
    struct queue_write *w = queue_write_new(s, c->arena, INBOX_STORE, on_stored, k);
    const char *closed = is_cancel ? "cancel" : m->is_broadcast ? "broadcast" : NULL;
    queue_write_text(w, s->conf.name);
    queue_write_text(w, s->conf.agency);
    queue_write_text(w, known(is_cancel ? c->cancel.metadata.sender : m->metadata.sender));
    queue_write_text(w, message_id(c));
    queue_write_text(w, closed != NULL ? closed : "request");
    queue_write_text(w, smev3_namespaces(s->version)->version);
    queue_write_text(w, is_cancel ? NULL : m->reply_to);
    queue_write_text(w, is_cancel ? NULL : m->transaction_code);
    queue_write_text(w, s->conf.node_id);
    queue_write_text(w, is_cancel ? NULL : instant(c, m->eol, m->eol_us));
    queue_write_text(w, !is_cancel && m->is_test ? "t" : "f");
    queue_write_octets(w, c->signature.octets);
    queue_write_octets(w, (struct span){(const char *)c->digest, 32});
    queue_write_text(w, c->endpoint);
    queue_write_text(w, adapter_verdict(c));
    queue_write_octets(w, c->asked);
    queue_write_octets(w, c->answered);
    queue_write_text(w, closed);
    queue_write_text(w, is_cancel || closed != NULL ? NULL : queue_store_refusal(c));
    queue_write_text(w, fetch != NULL ? fetch->parked : NULL);
    queue_write_text(w, files_of(c));
    c->is_in_hand = is_to_be_worked_on(c) && queue_work_has_room(s);
    queue_write_text(w, c->is_in_hand ? s->queues->owner : NULL);
    queue_write_text(w, c->is_in_hand ? queue_work_lease(s, c->arena) : NULL);
    queue_write_text(w, is_cancel ? c->cancel.ack_id : m->ack_id);
    queue_write_text(w, file_calls_of(c));
    s->taking += c->is_in_hand;
    s->queues->taking += c->is_in_hand;
    queue_write_insist(w, QUEUE_OF_USE_US, true);
    s->storing++;
    *k = (struct queue_kept){.call = c, .write = w, .heard_us = clock_mono_us()};
    queue_write_begin(w);
}
