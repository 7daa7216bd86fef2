/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The portal's answer to updateBookingDetails. Whatever is not signed by the portal, about this message, says nothing:
 * the message is sent again. What is read is the octets whose digest was right, parsed anew (docs/decisions/0002).
 * The verdict is in the signed octets alone; the status of HTTP tells only why there are none.
 */
#include "push_message.h"

#include "clock.h"
#include "soap.h"
#include "told.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An answer that does not name our message by its number was at least made while we asked. */
#define UNNAMED_AGE_S 900

struct reading {
    struct arena *arena;
    const struct push_way *way;
    const struct booking_update *update;
    const char *message_id;
    int64_t now_s;
    struct push_answer *out;
    const char *signed_as; /* as of push_answer */
    struct smev_frame frame;
    struct xml_node *content; /* {SOAP_NS}updateBookingDetailsResponse; NULL: AppData is not there */
};

/* ---- verdicts ---- */

static void conclude(struct reading *r, enum push_verdict verdict, const char *reason, const char *words)
{
    *r->out = (struct push_answer){.verdict = verdict, .reason = reason, .words = words};
}

static void fail(struct reading *r, const char *reason, const char *words)
{
    conclude(r, PUSH_FAILED, reason, words);
}

static enum push_verdict verdict_of_status(const char *status)
{
    static const struct {
        const char *status;
        enum push_verdict verdict;
    } rows[] = {{"RESULT", PUSH_TAKEN},   {"REJECT", PUSH_REFUSED},  {"INVALID", PUSH_REFUSED},
                {"ACCEPT", PUSH_PENDING}, {"PROCESS", PUSH_PENDING}, {"FAILURE", PUSH_FAILED},
                {"NOTIFY", PUSH_FAILED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].status, status) == 0)
            return rows[i].verdict;
    return PUSH_FAILED;
}

/* A no of either is a no. A yes in error beside a Status that is none of a final yes is what Status says. */
static enum push_verdict verdict_of_both(int code, const char *status)
{
    enum push_verdict by_status = verdict_of_status(status);
    if (code < 0)
        return by_status;
    enum push_verdict by_code = push_verdict_of_code(code);
    if (by_code == PUSH_REFUSED || by_status == PUSH_REFUSED)
        return PUSH_REFUSED;
    if (by_code == PUSH_TAKEN)
        return by_status == PUSH_PENDING ? PUSH_TAKEN : by_status;
    return by_code;
}

static void judge_content(struct reading *r)
{
    static const char *const words[] = {[PUSH_TAKEN] = "портал принял",
                                        [PUSH_REFUSED] = "портал отказал",
                                        [PUSH_PENDING] = "портал получил и ответит позже",
                                        [PUSH_FAILED] = "портал ответил сбоем"};
    const char *message, *status = told_name(r->frame.status);
    int code = push_error_code(r->arena, r->content, &message);
    enum push_verdict verdict = verdict_of_both(code, r->frame.status);
    if (code < 0) {
        conclude(r, verdict, arena_printf(r->arena, "Status %s", status),
                 arena_printf(r->arena, "%s: Status %s", words[verdict], status));
        return;
    }
    conclude(r, verdict, arena_printf(r->arena, "error %d, Status %s", code, status),
             arena_printf(r->arena, "%s: ошибка %d, Status %s%s", words[verdict], code, status,
                          push_peer_words(r->arena, message)));
}

/* ---- is it an answer to this message ---- */

static bool is_text(const char *x, const char *y)
{
    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static bool is_within(const struct reading *r, int64_t most_s)
{
    int64_t at_us;
    bool has_zone;
    if (!clock_parse(r->frame.date, &at_us, &has_zone))
        return false;
    int64_t off_s = llabs(at_us / 1000000 - r->now_s);
    return most_s == 0 || off_s <= most_s + (has_zone ? 0 : 14 * 3600);
}

/*
 * By the number it was given, which guidelines 2.5 say is copied; else by the booking, and by the hour. An answer that
 * tells another booking is none, whatever its number; bookId may come back in another case (A1).
 */
static bool is_of_this_message(const struct reading *r)
{
    const char *book_id = push_text_below(r->arena, r->content, "bookId");
    bool tells = book_id != NULL && *book_id != '\0';
    if (tells && strcasecmp(book_id, r->update->book_id) != 0)
        return false;
    if (is_text(r->frame.case_number, r->message_id) || is_text(r->frame.request_id_ref, r->message_id))
        return true;
    if (r->frame.case_number != NULL && *r->frame.case_number != '\0')
        return false;
    return tells && is_text(push_text_below(r->arena, r->content, "esiaId"), r->update->esia_id) &&
           is_within(r, UNNAMED_AGE_S);
}

static bool is_of_this_call(struct reading *r)
{
    if (!is_text(r->frame.sender.code, r->way->conf->portal)) {
        fail(r, "the answer's Sender is not the portal", "отправитель в ответе — не портал");
        return false;
    }
    if (!is_text(r->frame.recipient.code, r->way->conf->agency)) {
        fail(r, "the answer's Recipient is not the agency", "ответ адресован другому ведомству");
        return false;
    }
    if (!is_of_this_message(r)) {
        fail(r, "an answer to another message", "пришёл ответ на другое сообщение");
        return false;
    }
    if (!is_within(r, r->way->age_max_s)) {
        fail(r, "the answer is of another time", "время в ответе портала неверно");
        return false;
    }
    return true;
}

/* ---- faults ---- */

static struct xml_node *fault_of(struct xml_node *body)
{
    struct xml_node *n = body != NULL ? xml_first(body, NULL, NULL) : NULL;
    return n != NULL && xml_is(n, NS_SOAP, "Fault") ? n : NULL;
}

/* SOAP 1.1, 4.4.1: "Client", or "Client." and what it says more; the prefix is any. */
static const char *fault_code(struct arena *a, struct xml_node *fault)
{
    const char *code = push_text_below(a, fault, "faultcode");
    if (code == NULL)
        return "";
    code += strspn(code, " \t\r\n");
    const char *colon = strchr(code, ':');
    code = colon != NULL ? colon + 1 : code;
    return arena_strndup(a, code, strcspn(code, ". \t\r\n"));
}

static const char *fault_name(const char *code)
{
    return *code != '\0' ? told_name(code) : "without a code";
}

static void judge_fault(struct reading *r, struct xml_node *fault)
{
    const char *code = fault_code(r->arena, fault);
    bool is_client = strcmp(code, "Client") == 0;
    conclude(r, is_client ? PUSH_REFUSED : PUSH_FAILED, arena_printf(r->arena, "fault %s", fault_name(code)),
             arena_printf(r->arena, "%s: fault %s%s",
                          is_client ? "портал не принимает сообщение" : "портал ответил сбоем", fault_name(code),
                          push_peer_words(r->arena, push_text_below(r->arena, fault, "faultstring"))));
}

/* ---- from octets to what was signed ---- */

static bool is_page(const char *content_type)
{
    return content_type != NULL && strncasecmp(content_type, "text/html", 9) == 0;
}

/* What came instead of an answer. */
static void fail_unreadable(struct reading *r, int http_status, const char *content_type, const struct error *e)
{
    const char *what = is_page(content_type) ? "a page (HTML)" : error_name(e->code);
    fail(r, arena_printf(r->arena, "HTTP %d, no answer in it: %s", http_status, what),
         arena_printf(r->arena, "вместо ответа портала пришло другое (HTTP %d, %s)", http_status, what));
}

/* An unsigned fault is worth no more than a line that was cut. */
static void fail_unsigned(struct reading *r, int http_status, struct xml_doc *doc, const struct error *e)
{
    struct xml_node *root = xml_root(doc), *fault = fault_of(xml_first(root, NS_SOAP, "Body"));
    if (fault == NULL) {
        fail(r, arena_printf(r->arena, "HTTP %d, signature: %s: %s", http_status, error_name(e->code), e->detail),
             arena_printf(r->arena, "подпись ответа портала не принята (%s)", error_name(e->code)));
        return;
    }
    const char *code = fault_name(fault_code(r->arena, fault));
    fail(r, arena_printf(r->arena, "HTTP %d, a fault nobody has signed, %s", http_status, code),
         arena_printf(r->arena, "пришла неподписанная ошибка SOAP (HTTP %d, %s)", http_status, code));
}

/* Whoever signed must be the portal of this agency, and who countersigned SMEV. */
static bool is_by_the_portal(struct reading *r, const struct wsse_result *w)
{
    bool is_portal = keyring_is_signer(r->way->keys, r->way->conf->portal, w->smev.signer);
    if (is_portal && (w->recipient.signer == NULL || keyring_is_signer(r->way->keys, NULL, w->recipient.signer)))
        return true;
    const struct cert *who = is_portal ? w->recipient.signer : w->smev.signer;
    r->signed_as = error_name(ERR_SENDER);
    fail(r, arena_printf(r->arena, "the answer is signed by somebody else: %s", cert_describe(r->arena, who)),
         is_portal ? "ответ заверен не СМЭВ" : "ответ подписан не порталом");
    return false;
}

static void judge_signed(struct reading *r, struct span octets)
{
    struct xml_doc *doc, *bare;
    struct error e = {0};
    const char *element;
    if (xml_parse(r->arena, octets, &doc, &e) != ERR_OK) {
        fail(r, arena_strdup(r->arena, e.detail), "подписанное в ответе не читается");
        return;
    }
    struct xml_node *fault = fault_of(xml_root(doc));
    if (fault != NULL) {
        judge_fault(r, fault);
        return;
    }
    if (smev_frame_read_answer(r->arena, xml_root(doc), &r->frame, &element, &bare, &e) != ERR_OK) {
        fail(r, arena_strdup(r->arena, e.detail), "ответ портала не в форме СМЭВ");
        return;
    }
    r->content = bare != NULL ? xml_root(bare) : NULL;
    if (strcasecmp(element, "updateBookingDetailsResponse") != 0)
        fail(r, "an answer of another method", "пришёл ответ другого метода");
    else if (is_of_this_call(r))
        judge_content(r);
}

static void read_verified(struct reading *r, int http_status, struct xml_doc *doc)
{
    struct wsse_result w;
    struct error e = {0};
    const struct wsse_policy policy = keyring_policy(r->way->keys, r->now_s, r->way->age_max_s);
    if (wsse_verify(r->arena, doc, &policy, &w, &e) != ERR_OK) {
        r->signed_as = error_name(e.code);
        fail_unsigned(r, http_status, doc, &e);
        return;
    }
    r->signed_as = "good";
    if (is_by_the_portal(r, &w))
        judge_signed(r, w.body);
}

static void read_octets(struct reading *r, int http_status, const char *content_type, struct span body)
{
    struct xml_limits limits = xml_limits_default;
    struct xml_doc *doc = NULL;
    struct error e = {0};
    limits.size_max_bytes = PUSH_ANSWER_MAX_BYTES;
    r->signed_as = "none";
    if (body.n == 0) {
        fail(r, arena_printf(r->arena, "HTTP %d, empty", http_status),
             arena_printf(r->arena, "пустой ответ портала (HTTP %d)", http_status));
        return;
    }
    if (xml_prescan(body, &limits, &e) != ERR_OK || xml_parse(r->arena, body, &doc, &e) != ERR_OK) {
        r->signed_as = error_name(e.code);
        fail_unreadable(r, http_status, content_type, &e);
        return;
    }
    read_verified(r, http_status, doc);
}

void push_answer_read(struct arena *a, const struct push_way *way, const struct booking_update *u,
                      const char *message_id, int http_status, const char *content_type, struct span body,
                      struct push_answer *out)
{
    struct reading r = {
        .arena = a, .way = way, .update = u, .message_id = message_id, .now_s = clock_wall_us() / 1000000, .out = out};
    read_octets(&r, http_status, content_type, body);
    out->signed_as = r.signed_as;
}
