/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * From octets to a checked request: prescan, parse, verify, unwrap, validate, bind, check. All on a worker.
 *
 * After `verify` on a signed listener nothing reads the document off the wire any more: the octets whose digest was
 * right are parsed anew by themselves, and that small document is all the later steps can see (SPEC C3).
 */
#include "request_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <string.h>
#include <strings.h>

static bool is_signed(const struct request *r)
{
    return r->endpoint->conf->kind == LISTENER_SMEV2;
}

static enum step_result step_of(enum err err)
{
    return err == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

enum step_result step_prescan(struct request *r)
{
    return step_of(xml_prescan(r->body, &r->service->xml_limits, &r->error));
}

enum step_result step_parse(struct request *r)
{
    return step_of(xml_parse(r->arena, r->body, &r->doc, &r->error));
}

/* The actor's certificate stands for a sender of the configuration, and for SMEV itself only where it must (C2). */
static enum err verify_signers(struct request *r)
{
    r->sender = keyring_sender_of(r->keys, r->wsse.smev.signer);
    if (r->sender == NULL || r->sender->is_smev)
        return error_set(&r->error, ERR_SENDER,
                         "the signer of actors/smev is no sender of the configuration; certificate: %s",
                         cert_describe(r->arena, r->wsse.smev.signer));
    if (r->wsse.recipient.signer == NULL)
        return ERR_OK;
    const struct keyring_sender *smev = keyring_sender_of(r->keys, r->wsse.recipient.signer);
    if (smev == NULL || !smev->is_smev)
        return error_set(&r->error, ERR_SENDER, "the signer of actors/recipient is not SMEV; certificate: %s",
                         cert_describe(r->arena, r->wsse.recipient.signer));
    return ERR_OK;
}

/* What the message is known by, whatever stands around it. */
static enum err verify_digest(struct request *r)
{
    unsigned char digest[DIGEST_MAX];
    struct span covered = is_signed(r) ? r->wsse.body : r->body;
    enum err err = digest_once(DIGEST_SHA256, covered.p, covered.n, digest, &r->error);
    if (err == ERR_OK)
        memcpy(r->message.digest, digest, sizeof r->message.digest);
    return err;
}

enum step_result step_verify(struct request *r)
{
    const struct config *conf = r->service->conf;
    struct wsse_policy policy = {
        .dsig = {.allow_gost2001 = conf->allow_gost2001},
        .trust = r->keys->trust,
        .known = r->keys->known,
        .now_s = clock_wall_us() / 1000000,
        .age_max_s = (int64_t)(conf->message_age_max_ms / 1000),
        .require_smev = is_signed(r),
        .require_recipient = is_signed(r) && r->endpoint->conf->require_recipient,
    };
    if (wsse_verify(r->arena, r->doc, &policy, &r->wsse, &r->error) != ERR_OK || verify_digest(r) != ERR_OK)
        return STEP_FAIL;
    if (!is_signed(r)) {
        r->soap_body = xml_first(xml_root(r->doc), NS_SOAP, "Body");
        return STEP_NEXT;
    }
    if (verify_signers(r) != ERR_OK)
        return STEP_FAIL;
    struct xml_doc *verified;
    if (xml_parse(r->arena, r->wsse.body, &verified, &r->error) != ERR_OK)
        return STEP_FAIL;
    r->doc = verified;
    r->soap_body = xml_root(verified);
    FAULT_POINT(verified);
    return STEP_NEXT;
}

/* SMEV 2: who claims to send is who signed, and who is addressed is served here (C2, C6). */
static enum err unwrap_parties(struct request *r)
{
    if (r->frame.sender.code == NULL || strcmp(r->frame.sender.code, r->sender->code) != 0)
        return error_set(&r->error, ERR_SENDER, "smev:Sender is not the signer, who is %s", r->sender->code);
    r->agency = r->frame.recipient.code == NULL ? NULL : keyring_agency_find(r->keys, r->frame.recipient.code);
    if (r->agency == NULL)
        return error_set(&r->error, ERR_RECIPIENT, "smev:Recipient is no agency of the configuration");
    const char *only = r->endpoint->conf->agency;
    if (only != NULL && strcmp(only, r->agency->code) != 0)
        return error_set(&r->error, ERR_RECIPIENT, "this listener serves agency %s only", only);
    /* Before anything is booked: an answer nobody would accept is no answer (L5). */
    r->is_recall = !keyring_agency_signs(r->agency, clock_wall_us() / 1000000);
    return ERR_OK;
}

/* The frame of SMEV 2 reads its wrapper likewise, whoever sent it. */
static bool is_served_namespace(struct request *r, const struct xml_node *bare)
{
    if (xml_is(bare, SOAP_NS, NULL))
        return true;
    const char *ns = xml_ns(bare);
    if (!reading_allows(r, LENIENCY_namespaces) || (ns != NULL && strcmp(ns, SOAP_NS_TYPES) != 0))
        return false;
    r->normalized.used[LENIENCY_namespaces]++;
    return true;
}

/* Words between the fields are lost with the wrapper: they are told of here. In SMEV's frame they are refused. */
static void look_at_words(struct request *r, const struct xml_node *bare)
{
    const char *words = xml_own_text(r->arena, bare);
    if (words[strspn(words, " \t\r\n")] != '\0')
        field_errors_add(&r->fields, arena_strdup(r->arena, xml_local(bare)), 1, FIELD_BAD_VALUE);
}

static enum err unwrap_plain(struct request *r, const char **method)
{
    struct xml_node *bare = r->soap_body == NULL ? NULL : xml_first(r->soap_body, NULL, NULL);
    if (bare == NULL || xml_count(r->soap_body, NULL, NULL) != 1)
        return error_set(&r->error, ERR_ENVELOPE, "soap:Body must hold exactly one element");
    if (!is_served_namespace(r, bare))
        return error_set(&r->error, ERR_OPERATION, "the element in soap:Body is of another namespace");
    *method = xml_local(bare);
    look_at_words(r, bare);
    if (r->endpoint->conf->agency != NULL)
        r->agency = keyring_agency_find(r->keys, r->endpoint->conf->agency);
    return xml_regraft(r->arena, bare, SOAP_NS, *method, &r->bare, &r->error);
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
    if (op == NULL || (!op->is_served && !r->endpoint->conf->update_booking_details))
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

/* What the message is called; see request.h. */
static const char *message_id(struct request *r)
{
    if (!is_signed(r)) /* whatever a header says there, nobody vouches for it */
        return arena_printf(r->arena, "req:%s", r->id);
    if (r->wsse.header_message_id != NULL)
        return r->wsse.header_message_id;
    struct buf id;
    buf_init(&id, r->arena, 80);
    buf_add_str(&id, "body:");
    buf_add_hex(&id, r->message.digest, sizeof r->message.digest);
    return id.p;
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

static enum err unwrap_message(struct request *r)
{
    struct booking_message *m = &r->message;
    m->sender_code = r->sender != NULL ? r->sender->code : "";
    m->recipient_code = r->agency != NULL ? r->agency->code : "";
    m->message_id = message_id(r);
    m->method = r->op->name;
    m->verdict = is_signed(r) ? "good" : "unsigned";
    m->portal_time = r->frame.date;
    m->case_number = r->frame.case_number;
    m->test = is_test(r);
    if (m->test && r->endpoint->conf->refuse_test_messages)
        return error_set(&r->error, ERR_TEST_MESSAGE, "listener %s refuses test messages", r->endpoint->conf->name);
    return ERR_OK;
}

/*
 * A captured message is of no use for long (C7): its effect is remembered by its octets for ever, and what it asks
 * after is not told to whoever kept it. smev:Date is signed by the sender. One without a zone is taken at its best.
 */
static enum err check_age(struct request *r, int64_t at_us, bool has_zone)
{
    const int64_t west_us = has_zone ? 0 : 12LL * 3600 * 1000000, east_us = has_zone ? 0 : 14LL * 3600 * 1000000;
    int64_t age_max_us = (int64_t)r->service->conf->message_age_max_ms * 1000, now_us = clock_wall_us();
    if (age_max_us == 0)
        return ERR_OK;
    if (at_us + west_us < now_us - age_max_us)
        return error_set(&r->error, ERR_EXPIRED, "the message was made %lld s ago",
                         (long long)((now_us - at_us - west_us) / 1000000));
    if (at_us - east_us > now_us + age_max_us)
        return error_set(&r->error, ERR_EXPIRED, "the message was made %lld s from now",
                         (long long)((at_us - east_us - now_us) / 1000000));
    return ERR_OK;
}

/* One is its sender's affair; when it goes on, a clock is wrong: the sender's or ours. */
static enum err age_note(struct request *r, enum err err)
{
    if (err == ERR_EXPIRED)
        log_bounded(LOG_LEVEL_WARNING, LOG_BURST, "message-age", "refused", "req", r->id, "sender",
                    r->sender != NULL ? r->sender->code : "", "detail", r->error.detail, NULL);
    return err;
}

/*
 * Item 25: a request tells when it was made, and in which zone. A departure is told like any other bad field; what is
 * good is held to its age.
 */
static enum err unwrap_date(struct request *r)
{
    bool has_zone;
    int64_t at_us;
    bool is_instant = clock_parse(r->frame.date, &at_us, &has_zone), is_taken = is_instant && has_zone;
    if (is_instant && !has_zone && reading_is_lenient(r)) {
        r->normalized.used[LENIENCY_date]++;
        is_taken = reading_allows(r, LENIENCY_date);
    }
    if (is_taken)
        return age_note(r, check_age(r, at_us, has_zone));
    field_errors_add(&r->fields, "Date", 1, "Укажите время создания сообщения с часовым поясом");
    return ERR_OK;
}

static bool is_ping(const struct request *r)
{
    return r->has_frame && strcmp(r->frame.status, "PING") == 0;
}

/* SMEV asks whether the service is there: Status PING and nothing in AppData (V2). getRefsList never has anything. */
static bool is_bare_ping(const struct request *r)
{
    return is_ping(r) && r->request.method != BOOKING_GET_REFS_LIST && xml_first(xml_root(r->bare), NULL, NULL) == NULL;
}

/* A word of the recommendations as it is; whatever else stands there is not told to a log. */
static const char *word_of(const char *text)
{
    size_t len = strlen(text);
    return len <= 10 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len ? text : "(no word of SMEV's)";
}

/*
 * What a message is for is said by its Status, and by SMEV in MessageClass (V2). Only a request is executed; a PING
 * asks, and may be answered where asking changes nothing. A withdrawal, a batch, an answer gone astray have no effect.
 */
static enum err unwrap_status(struct request *r)
{
    if (!r->has_frame)
        return ERR_OK;
    const char *class = r->wsse.header_message_class;
    if (class != NULL && strcmp(class, "REQUEST") != 0)
        return error_set(&r->error, ERR_ENVELOPE, "smev:MessageClass %s: only a REQUEST is served", word_of(class));
    if (strcmp(r->frame.status, "REQUEST") == 0 || (is_ping(r) && (!r->op->is_write || is_bare_ping(r))))
        return ERR_OK;
    return error_set(&r->error, ERR_ENVELOPE, "smev:Status %s: %s is done for a REQUEST only", word_of(r->frame.status),
                     r->op->name);
}

enum step_result step_unwrap(struct request *r)
{
    const char *element = "";
    enum err err;
    r->reading = is_signed(r) ? &r->sender->reading : &r->endpoint->conf->reading;
    if (is_signed(r)) {
        err = smev_frame_read(r->arena, r->soap_body, &r->frame, &element, &r->bare, &r->error);
        if (err != ERR_OK)
            return STEP_FAIL;
        r->has_frame = true;
        err = unwrap_parties(r);
    } else {
        err = unwrap_plain(r, &element);
    }
    if (err != ERR_OK || unwrap_method(r, element) != ERR_OK || unwrap_action(r) != ERR_OK)
        return STEP_FAIL;
    if (unwrap_message(r) != ERR_OK || unwrap_status(r) != ERR_OK)
        return STEP_FAIL;
    r->is_ping = is_bare_ping(r);
    if (r->has_frame && !r->is_ping && unwrap_date(r) != ERR_OK)
        return STEP_FAIL;
    /* Of one that cannot sign: what was signed while it could is given again, and nothing else. */
    if (r->is_recall)
        return r->op->is_write ? STEP_RECALL : step_of(request_cannot_sign(r));
    return r->is_ping ? STEP_ANSWERED : STEP_NEXT;
}

#define FIELD_NAME_MAX 255

static void on_violation(void *arg, const char *element, bool is_missing, const char *message)
{
    struct request *r = arg;
    (void)message; /* the schema's words are for programmers; the order wants the field and a code */
    /* No fieldName is that long; what it stands in is told of instead. */
    const char *field = strlen(element) <= FIELD_NAME_MAX ? arena_strdup(r->arena, element)
                                                          : arena_printf(r->arena, "%sRequest", r->op->name);
    field_errors_add(&r->fields, field, 1, is_missing ? FIELD_REQUIRED : FIELD_BAD_VALUE);
}

/* A violation does not end the walk: all bad fields belong into one answer (M10), those of the rules too. */
enum step_result step_validate(struct request *r)
{
    struct error violations = {0};
    enum err err = xml_validate(r->service->schema, r->bare, on_violation, r, &violations);
    if (err == ERR_OK || (err == ERR_INPUT && r->fields.n > 0))
        return STEP_NEXT;
    return step_of(error_set(&r->error, err == ERR_INPUT ? ERR_ENVELOPE : err, "%s", violations.detail));
}

/* bookId and esiaId are echoed as they came, right or wrong; but not a message full of them. */
#define ECHO_MAX_BYTES 4096

static void bound_echo(struct request *r)
{
    const char **echoes[] = {&r->request.book_id, &r->request.esia_id};
    for (unsigned i = 0; i < 2; i++)
        if (*echoes[i] != NULL && strlen(*echoes[i]) > ECHO_MAX_BYTES)
            *echoes[i] = NULL;
}

/* For the answer's echo when the rest does not fit its type. */
static const char *bare_text(struct request *r, const char *local)
{
    struct xml_node *node = xml_first(xml_root(r->bare), SOAP_NS, local);
    return node == NULL ? NULL : xml_text(r->arena, node);
}

/* Whose booking is meant must be said once: of two numbers neither is taken, or a wrong request could touch one. */
static void bind_identity(struct request *r, const char *local, const char **value)
{
    if (xml_count(xml_root(r->bare), SOAP_NS, local) < 2)
        return;
    field_errors_add(&r->fields, local, 1, FIELD_TWICE);
    *value = NULL;
}

enum step_result step_bind(struct request *r)
{
    struct buf octets;
    buf_init(&octets, r->arena, r->body.n);
    if (xml_c14n(xml_root(r->bare), NULL, &octets, &r->error) != ERR_OK)
        return STEP_FAIL;
    struct error misfit = {0};
    enum err err = soap_bind_request(r->arena, r->request.method, buf_span(&octets), &r->request, &misfit);
    r->request.doc_types = r->reading->doc_types;
    r->request.in_any_case = reading_allows(r, LENIENCY_names);
    r->request.filter_depth_max = r->service->conf->filter_depth_max;
    r->request.filter_nodes_max = r->service->conf->filter_nodes_max;
    if (err != ERR_OK) {
        enum booking_method method = (enum booking_method)(r->op - booking_ops);
        r->request = (struct booking_request){
            .method = method, .book_id = bare_text(r, "bookId"), .esia_id = bare_text(r, "esiaId")};
    }
    bind_identity(r, "bookId", &r->request.book_id);
    bind_identity(r, "esiaId", &r->request.esia_id);
    if (err == ERR_OK)
        return STEP_NEXT;
    bound_echo(r);
    return step_of(error_set(&r->error, err, "%s", misfit.detail));
}

enum step_result step_check(struct request *r)
{
    booking_check(&r->request, &r->fields, r->arena);
    bound_echo(r);
    FAULT_POINT(decoded);
    /* Bad fields need not end the walk: SQL knows which values are in no reference book, and what a bad field means for
     * a booking that exists already. All of it belongs into one answer (M10). But what is beyond its bound ends it. */
    if (r->fields.is_beyond || (r->fields.n > 0 && !r->op->is_write && !r->op->asks_books))
        return step_of(
            error_set(&r->error, ERR_INPUT, "%u bad fields, the first is %s", r->fields.n, r->fields.items[0].field));
    return STEP_NEXT;
}
