/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * From a bare element to a checked request: validate, bind, check. All on a worker. What is wrong with the fields is
 * gathered in r->fields, whoever finds it.
 */
#include "fault.h"
#include "log.h"
#include "request_private.h"
#include "structure.h"
#include "told.h"

#include <string.h>

#define FIELD_NAME_MAX 255

static enum step_result step_of(enum err err)
{
    return err == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

static void on_violation(void *arg, const char *element, const char *message)
{
    struct request *r = arg;
    (void)message; /* the schema's words are for programmers; the order wants the field and a code */
    /* No fieldName is that long; what it stands in is told of instead. */
    const char *field = strlen(element) <= FIELD_NAME_MAX ? element : arena_printf(r->arena, "%sRequest", r->op->name);
    field_errors_add(&r->fields, field, 1, FIELD_BAD_VALUE);
}

/*
 * A wrong field does not end the walk: all bad fields belong into one answer (M10), those of the rules too. What the
 * table of fields lets pass, the schema judges once more: it has the last word.
 */
enum step_result step_validate(struct request *r)
{
    struct structure found;
    struct error violations = {0};
    structure_check(xml_root(r->bare), r->request.method, &r->fields, &found);
    if (found.is_wrong)
        return STEP_NEXT;
    enum err err = xml_validate(r->service->schema, r->bare, on_violation, r, &violations);
    if (err == ERR_OK)
        return STEP_NEXT;
    if (err != ERR_INPUT)
        return step_of(error_set(&r->error, err, "%s", violations.detail));
    /* a mistake of ours */
    log_bounded(LOG_LEVEL_ERROR, LOG_BURST, "schema-differs", "the table of fields lets pass what the schema refuses",
                "req", r->id, "method", r->op->name, "field", told_name(r->fields.items[r->fields.n - 1].field), NULL);
    return STEP_NEXT;
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
    struct xml_node *node = xml_first(xml_root(r->bare), SOAP_NS, local);
    if (node == NULL)
        return;
    if (xml_next(node, SOAP_NS, local) != NULL) {
        field_errors_add(&r->fields, local, 1, FIELD_TWICE);
        *value = NULL;
    }
    /* With elements in it, it is told of already, and what was bound is no value that somebody sent. */
    if (xml_first(node, NULL, NULL) != NULL)
        *value = NULL;
}

enum step_result step_bind(struct request *r)
{
    struct buf octets;
    buf_init(&octets, r->arena, r->wsse.body.n > 0 ? r->wsse.body.n : r->body.n);
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

/* The number of the frame is the booking's where the applicant's part has none. */
static void check_case_number(struct request *r)
{
    if (r->request.method == BOOKING_BOOK && r->request.applicant.case_number == NULL)
        (void)booking_check_case_number(r->frame.case_number, &r->fields);
}

enum step_result step_check(struct request *r)
{
    check_case_number(r);
    booking_check(&r->request, &r->fields, r->arena);
    bound_echo(r);
    FAULT_POINT(decoded);
    /* Bad fields need not end the walk: SQL knows which values are in no reference book, and what a bad field means for
     * a booking that exists already. All of it belongs into one answer (M10). But what is beyond its bound ends it, or
     * stays behind where the rest is remembered. */
    if (r->fields.is_beyond && r->op->remembers && !r->is_refused)
        booking_keep_fit(&r->request, &r->fields);
    else if (r->is_refused || r->fields.is_beyond || (r->fields.n > 0 && !r->op->is_write && !r->op->asks_books))
        return step_of(error_set(&r->error, ERR_INPUT, "%u bad fields, the first is %s", r->fields.n,
                                 told_name(r->fields.items[0].field)));
    return STEP_NEXT;
}
