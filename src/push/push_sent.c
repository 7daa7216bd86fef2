/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What SMEV 3 says to a message of ours, and what comes out of its queue of answers. Words of peers go to the database
 * alone; what is for the log is of our own tables.
 */
#include "push_message.h"

#include "adapter.h"
#include "clock.h"
#include "told.h"

#include <inttypes.h>
#include <string.h>

/* ---- SendRequest ---- */

static void conclude(struct push_answer *out, enum push_verdict verdict, const char *reason, const char *words)
{
    *out = (struct push_answer){.verdict = verdict, .reason = reason, .words = words};
}

/* Not SMEV: whoever stands in front of it. */
static void judge_nobodys_fault(struct arena *a, const struct smev3_fault *f, int http_status, struct push_answer *out)
{
    conclude(out, PUSH_FAILED, arena_printf(a, "HTTP %d, a SOAP fault that is none of SMEV's table", http_status),
             arena_printf(a, "вместо СМЭВ ответил кто-то другой: сбой SOAP не из её таблицы (HTTP %d)%s", http_status,
                          push_peer_words(a, f->description != NULL ? f->description : f->faultstring)));
}

static const char *fault_name(struct arena *a, const struct smev3_fault *f)
{
    return f->inner != NULL ? arena_printf(a, "%s, %s", f->name, f->inner) : f->name;
}

static const char *fault_words(struct arena *a, const struct smev3_fault *f)
{
    return push_peer_words(a, f->description != NULL ? f->description : f->faultstring);
}

static bool is_fault(const struct smev3_fault *f, const char *name)
{
    return f->name != NULL && strcmp(f->name, name) == 0;
}

/* The schemas have this one for questions alone; of a message that is sent it can mean nothing else. */
static enum smev3_reaction reaction_of(const struct smev3_fault *f)
{
    return is_fault(f, "UnknownMessageType") ? SMEV3_CONFIGURE : f->reaction;
}

/* Of the kind of message, or of the right to send it: nothing is the matter with this one. */
static bool is_of_registration(const struct smev3_fault *f)
{
    return reaction_of(f) == SMEV3_CONFIGURE || is_fault(f, "AccessDenied");
}

static void judge_fault(struct arena *a, const struct smev3_fault *f, const char *message_id, struct push_answer *out)
{
    static const struct {
        enum push_verdict verdict;
        bool is_rare;
        const char *words;
    } rows[] = {
        [SMEV3_AGAIN] = {PUSH_FAILED, false, "СМЭВ ответила сбоем"},
        [SMEV3_SLOWER] = {PUSH_FAILED, false, "СМЭВ просит реже"},
        [SMEV3_DONE] = {PUSH_QUEUED, false, "СМЭВ уже приняла это сообщение раньше"},
        [SMEV3_PARK] = {PUSH_REFUSED, false, "СМЭВ не принимает сообщение"},
        [SMEV3_NEW_ID] = {PUSH_STALE, false, "СМЭВ не принимает номер сообщения, будет новый; верны ли часы"},
        [SMEV3_STOP] = {PUSH_FAILED, true, "СМЭВ не принимает от нас ничего"},
        [SMEV3_CONFIGURE] = {PUSH_FAILED, true, NULL},
    };
    const char *name = fault_name(a, f);
    const char *words = is_of_registration(f) ? "нет регистрации в СМЭВ" : rows[reaction_of(f)].words;
    bool is_clock = adapter_is_clock_wrong(f->name, message_id);
    if (is_clock)
        words = "СМЭВ называет устаревшим номер, созданный только что: неверны часы";
    conclude(out, rows[reaction_of(f)].verdict, arena_printf(a, "SMEV's fault %s", name),
             arena_printf(a, "%s: %s%s", words, name, fault_words(a, f)));
    out->is_smev = true;
    out->is_rare = rows[reaction_of(f)].is_rare;
    out->is_clock = is_clock;
}

/* SMEV's own word: signed, about this message. */
static void judge_signed(struct arena *a, const struct smev3_reply *reply, const struct smev3_policy *policy,
                         const char *message_id, struct push_answer *out)
{
    struct smev3_signature signature = {0};
    struct smev3_metadata m;
    struct error e = {0};
    enum err err = smev3_reply_verify(a, reply, policy, &signature, &e);
    const char *signed_as = err == ERR_OK ? "good" : error_name(err);
    xml_docs_free(a);
    if (err == ERR_OK)
        err = smev3_read_metadata(a, signature.octets, &m, &e);
    if (err != ERR_OK)
        conclude(out, PUSH_FAILED, arena_printf(a, "signature: %s: %s", error_name(err), e.detail),
                 arena_printf(a, "подпись СМЭВ под её ответом не принята (%s)", error_name(err)));
    else if (m.message_id != NULL && strcmp(m.message_id, message_id) != 0)
        conclude(out, PUSH_FAILED, "an answer about another message", "СМЭВ ответила о другом сообщении");
    else
        conclude(out, PUSH_QUEUED, "queued", NULL);
    out->is_smev = out->verdict == PUSH_QUEUED;
    out->signed_as = signed_as;
}

void push_sent_read(struct arena *a, const struct push_way *way, const char *message_id, int http_status,
                    const char *content_type, struct span body, struct push_answer *out)
{
    struct smev3_reply reply;
    struct error e = {0};
    *out = (struct push_answer){0};
    const struct smev3_policy policy = keyring_smev3_policy(way->keys, a, way->queue->smev, clock_wall_us() / 1000000);
    if (smev3_reply_read(a, SMEV3_SEND_REQUEST, http_status, content_type, body, &reply, &e) != ERR_OK)
        conclude(out, PUSH_FAILED, arena_printf(a, "HTTP %d, no answer in it: %s", http_status, error_name(e.code)),
                 arena_printf(a, "вместо ответа СМЭВ пришло другое (HTTP %d, %s)", http_status, error_name(e.code)));
    else if (reply.kind == SMEV3_FAULT && reply.fault.name == NULL)
        judge_nobodys_fault(a, &reply.fault, http_status, out);
    else if (reply.kind == SMEV3_FAULT)
        judge_fault(a, &reply.fault, message_id, out);
    else
        judge_signed(a, &reply, &policy, message_id, out);
    if (out->signed_as == NULL) /* a fault bears none; so does what is no answer */
        out->signed_as = e.code == ERR_OK ? "none" : error_name(e.code);
}

/* ---- the portal's answer ---- */

static void say(struct push_said *s, const char *outcome, const char *reason, const char *words)
{
    s->outcome = outcome;
    s->reason = reason;
    s->words = words;
}

static void judge_code(struct arena *a, struct push_said *s, int code, const char *message)
{
    const char *words = push_peer_words(a, message), *reason = arena_printf(a, "error %d", code);
    switch (push_verdict_of_code(code)) {
    case PUSH_TAKEN:
        say(s, "answered", reason, NULL);
        break;
    case PUSH_REFUSED:
        say(s, "stopped", reason, arena_printf(a, "портал отказал: ошибка %d%s", code, words));
        break;
    default:
        say(s, "afresh", reason, arena_printf(a, "портал ответил сбоем: ошибка %d%s", code, words));
    }
}

static void judge_unclear(struct push_said *s, const char *reason)
{
    say(s, "stopped", reason, "ответ портала непонятен: он в журнале обменов");
}

static void judge_content(struct arena *a, const struct smev3_response *r, struct push_said *s)
{
    struct xml_doc *doc;
    struct error e = {0};
    const char *message;
    if (r->trouble == SMEV3_NO_CONTENT || r->trouble == SMEV3_TWO_CONTENTS || r->content.octets.n == 0 ||
        strcmp(r->content.local, "updateBookingDetailsResponse") != 0 ||
        xml_parse(a, r->content.octets, &doc, &e) != ERR_OK) {
        judge_unclear(s, "no answer to updateBookingDetails");
        return;
    }
    struct xml_node *content = xml_root(doc);
    int code = push_error_code(a, content, &message);
    s->book_id = push_text_below(a, content, "bookId");
    if (code >= 0)
        judge_code(a, s, code, message);
    else if (xml_first(content, NULL, "error") == NULL)
        say(s, "answered", "no error", NULL);
    else
        judge_unclear(s, "an error without a code");
}

/* A word of a peer's table, for the log. */
static const char *word_of(const char *text)
{
    return text != NULL ? told_name(text) : "(none)";
}

static void judge_rejection(struct arena *a, const struct smev3_response *r, struct push_said *s)
{
    const struct smev3_rejection *first = &r->rejections[0];
    const char *code = word_of(first->code);
    say(s, "stopped", arena_printf(a, "RequestRejected %s", code),
        arena_printf(a, "портал отказал: %s%s", code, push_peer_words(a, first->text)));
}

static void judge_async(struct arena *a, const struct smev3_async *async, struct push_said *s)
{
    const char *category = word_of(async->category), *fault = async->fault != NULL ? told_name(async->fault) : "";
    const char *words = async->words != NULL ? async->words : async->details;
    say(s, async->is_refusal ? "stopped" : "in_work", arena_printf(a, "AsyncProcessingStatus %s %s", category, fault),
        arena_printf(a, "%s: %s%s%s%s", async->is_refusal ? "СМЭВ отказала" : "СМЭВ сообщает", category,
                     *fault != '\0' ? ", " : "", fault, push_peer_words(a, words)));
}

void push_said_distrust(struct arena *a, const char *word, struct push_said *s)
{
    say(s, "stopped", arena_printf(a, "the portal's signature: %s", word),
        arena_printf(a,
                     "подписи портала под ответом нет или она неверна (%s), а без неё ответу не верим "
                     "(require_sender_signature): он в журнале обменов",
                     word));
}

void push_said_read(struct arena *a, const struct smev3_response *r, struct push_said *out)
{
    *out = (struct push_said){.original_id = r->original_id, .answer_id = r->message_id, .ack_id = r->ack_id};
    switch (r->kind) {
    case SMEV3_CONTENT:
        judge_content(a, r, out);
        break;
    case SMEV3_REJECTED:
        judge_rejection(a, r, out);
        break;
    case SMEV3_IN_WORK:
        say(out, "in_work", "RequestStatus",
            arena_printf(a, "код %" PRId64 "%s", r->status_code, push_peer_words(a, r->status_text)));
        break;
    case SMEV3_ASYNC:
        if (out->original_id == NULL)
            out->original_id = r->async.original_id;
        judge_async(a, &r->async, out);
        break;
    case SMEV3_UNCLEAR:
        judge_unclear(out, "an answer of no kind");
        break;
    }
}
