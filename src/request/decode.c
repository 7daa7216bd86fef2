/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * From octets to a bare element: prescan, parse, verify, unwrap. All on a worker. What verify and unwrap do depends on
 * where the message came from (origin.h).
 */
#include "clock.h"
#include "request_private.h"

#include <string.h>
#include <strings.h>

static enum step_result step_of(enum err err)
{
    return err == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

enum step_result step_prescan(struct request *r)
{
    if (r->source->origin->reads_octets)
        return STEP_NEXT;
    return step_of(xml_prescan(r->body, &r->service->xml_limits, &r->error));
}

enum step_result step_parse(struct request *r)
{
    if (r->source->origin->reads_octets)
        return STEP_NEXT;
    return step_of(xml_parse(r->arena, r->body, &r->doc, &r->error));
}

enum step_result step_verify(struct request *r)
{
    enum err err = r->source->origin->verify(r);
    r->is_body_reached = err == ERR_OK;
    return step_of(err);
}

/* The name as the order spells it, when it is one in any case of its letters. */
static const char *method_spelled(struct request *r, const char *element)
{
    for (unsigned i = 0; i < BOOKING_METHOD_COUNT && reading_allows(r, LENIENCY_names); i++) {
        const char *ours = arena_printf(r->arena, "%sRequest", booking_ops[i].name);
        if (strcmp(element, ours) == 0 || strcasecmp(element, ours) != 0)
            continue;
        r->normalized.used[LENIENCY_names]++;
        return ours;
    }
    return element;
}

/* "bookRequest" to its operation. Dispatch is by the element, which is under the signature, never by SOAPAction. */
static enum err unwrap_method(struct request *r, const char *element)
{
    static const char suffix[] = "Request";
    element = method_spelled(r, element == NULL ? "" : element);
    size_t n = strlen(element);
    if (n <= sizeof suffix - 1 || strcmp(element + n - (sizeof suffix - 1), suffix) != 0)
        return error_set(&r->error, ERR_OPERATION, "the element is not a request of this service");
    const char *name = arena_strndup(r->arena, element, n - (sizeof suffix - 1));
    const struct booking_op *op = booking_op_by_name(name, &r->request.method);
    if (op == NULL || !source_serves(r->source, op))
        return error_set(&r->error, ERR_OPERATION, "no such method is served");
    r->op = op;
    r->reply.method = r->request.method;
    return ERR_OK;
}

static enum err unwrap_action(struct request *r)
{
    if (r->soap_action == NULL)
        return ERR_OK; /* old toolkits; the element decides anyway */
    struct span action = span_of(r->soap_action);
    if (action.n >= 2 && action.p[0] == '"' && action.p[action.n - 1] == '"')
        action = (struct span){action.p + 1, action.n - 2};
    if (action.n == 0 || span_is(action, r->op->name))
        return ERR_OK;
    if (reading_allows(r, LENIENCY_names) && action.n == strlen(r->op->name) &&
        strncasecmp(action.p, r->op->name, action.n) == 0) {
        r->normalized.used[LENIENCY_names]++;
        return ERR_OK;
    }
    return error_set(&r->error, ERR_ACTION, "SOAPAction names another method than the element, which is %s",
                     r->op->name);
}

/*
 * Portals fill every element of the frame, this one too: empty, false and 0 are no test. A caller who books in earnest
 * and gets a test's answer would send a citizen to a place that was never taken.
 */
static bool is_test(const struct request *r)
{
    const char *text = r->frame.test_msg;
    if (text == NULL)
        return false;
    if (r->sender != NULL && r->sender->test_message == TEST_MESSAGE_PRESENT)
        return true;
    return text[0] != '\0' && strcasecmp(text, "false") != 0 && strcmp(text, "0") != 0;
}

/* Not kept unless it could have come as caseNumber; step_check() tells of it where it would have been the booking's. */
static const char *case_number(const struct request *r)
{
    const char *number = r->frame.case_number;
    struct field_errors wrong = {.arena = r->arena};
    return number != NULL && *number != '\0' && booking_check_case_number(number, &wrong) ? number : NULL;
}

static const char *portal_time(const struct request *r)
{
    int64_t at_us;
    bool has_zone;
    return r->frame.date != NULL && clock_parse(r->frame.date, &at_us, &has_zone) ? r->frame.date : NULL;
}

static enum err unwrap_message(struct request *r)
{
    struct booking_message *m = &r->message;
    if (m->sender_code == NULL)
        m->sender_code = r->sender != NULL ? r->sender->code : "";
    m->recipient_code = request_recipient(r);
    m->message_id = r->source->origin->message_id(r);
    m->method = r->op->name;
    m->verdict = r->source->origin->verdict;
    m->portal_time = portal_time(r);
    m->case_number = case_number(r);
    m->test = is_test(r);
    if (m->test && r->source->refuse_test_messages)
        return error_set(&r->error, ERR_TEST_MESSAGE, "%s refuses test messages", r->source->name);
    return ERR_OK;
}

enum step_result step_unwrap(struct request *r)
{
    const char *element = "";
    if (r->source->origin->unwrap(r, &element) != ERR_OK || unwrap_method(r, element) != ERR_OK ||
        unwrap_action(r) != ERR_OK)
        return STEP_FAIL;
    if (unwrap_message(r) != ERR_OK || r->source->origin->accept(r) != ERR_OK)
        return STEP_FAIL;
    /* Of one that cannot sign: what was signed while it could is given again, and nothing else. */
    if (r->is_recall)
        return r->op->is_write ? STEP_RECALL : step_of(request_cannot_sign(r));
    return r->is_ping ? STEP_ANSWERED : STEP_NEXT;
}
