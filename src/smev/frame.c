/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * smev:Message and smev:MessageData around a request, and around its answer: revisions rev111111 and rev120315 in both
 * editions (ServiceName, or Service with Mnemonic and Version; OKTMO at the end). Reading is lenient about order and
 * unknown elements, strict about what is missing or there twice. Clause: SMEV recommendations 2.5.x.
 */
#include "clock.h"
#include "dsig.h"
#include "soap.h"
#include "told.h"

#include <string.h>

#define FIELD_MAX_BYTES 1024

struct frame_reader {
    struct arena *arena;
    const char *ns;
    struct error *e;
};

/* The text of parent/local without blanks around it; NULL in *out when it is absent. */
static enum err read_field(const struct frame_reader *r, struct xml_node *parent, const char *local, const char **out)
{
    *out = NULL;
    struct xml_node *n = xml_first(parent, r->ns, local);
    if (!n)
        return ERR_OK;
    if (xml_next(n, r->ns, local))
        return error_set(r->e, ERR_ENVELOPE, "smev:%s is there twice", local);
    const char *text = xml_text(r->arena, n);
    if (!text)
        return error_set(r->e, ERR_ENVELOPE, "smev:%s holds more than text", local);
    text += strspn(text, " \t\r\n");
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    if (len > FIELD_MAX_BYTES)
        return error_set(r->e, ERR_ENVELOPE, "smev:%s is longer than %d bytes", local, FIELD_MAX_BYTES);
    *out = arena_strndup(r->arena, text, len);
    return ERR_OK;
}

static enum err read_required(const struct frame_reader *r, struct xml_node *parent, const char *local,
                              const char **out)
{
    enum err err = read_field(r, parent, local, out);
    if (!err && (!*out || !**out))
        err = error_set(r->e, ERR_ENVELOPE, "smev:%s is missing or empty", local);
    return err;
}

/* It must be there; nothing of ours rests on what it says. */
static enum err read_present(const struct frame_reader *r, struct xml_node *parent, const char *local, const char **out)
{
    enum err err = read_field(r, parent, local, out);
    if (!err && !*out)
        err = error_set(r->e, ERR_ENVELOPE, "smev:%s is missing", local);
    return err;
}

static enum err find_once(const struct frame_reader *r, struct xml_node *parent, const char *local,
                          struct xml_node **out)
{
    *out = xml_first(parent, r->ns, local);
    if (*out && xml_next(*out, r->ns, local))
        return error_set(r->e, ERR_ENVELOPE, "smev:%s is there twice", local);
    return ERR_OK;
}

static enum err find_required(const struct frame_reader *r, struct xml_node *parent, const char *local,
                              struct xml_node **out)
{
    enum err err = find_once(r, parent, local, out);
    if (!err && !*out)
        err = error_set(r->e, ERR_ENVELOPE, "smev:%s is missing", local);
    return err;
}

static enum err read_party(const struct frame_reader *r, struct xml_node *party, struct smev_party *out)
{
    enum err err = read_required(r, party, "Code", &out->code);
    return err ? err : read_field(r, party, "Name", &out->name);
}

/* Who asked first; portals fill the element whether or not there is somebody. */
static enum err read_originator(const struct frame_reader *r, struct xml_node *party, struct smev_party *out)
{
    enum err err = read_field(r, party, "Code", &out->code);
    if (!err)
        err = read_field(r, party, "Name", &out->name);
    if (!err && (!out->code || !*out->code))
        *out = (struct smev_party){0};
    return err;
}

static enum err read_parties(const struct frame_reader *r, struct xml_node *message, struct smev_frame *out)
{
    struct xml_node *n;
    enum err err = find_required(r, message, "Sender", &n);
    if (!err)
        err = read_party(r, n, &out->sender);
    if (!err)
        err = find_required(r, message, "Recipient", &n);
    if (!err)
        err = read_party(r, n, &out->recipient);
    if (!err)
        err = find_once(r, message, "Originator", &n);
    if (!err && n)
        err = read_originator(r, n, &out->originator);
    return err;
}

static enum err read_service(const struct frame_reader *r, struct xml_node *message, struct smev_frame *out)
{
    struct xml_node *service;
    enum err err = read_field(r, message, "ServiceName", &out->service_name);
    if (!err)
        err = find_once(r, message, "Service", &service);
    if (err || !service)
        return err;
    err = read_field(r, service, "Mnemonic", &out->service_mnemonic);
    return err ? err : read_field(r, service, "Version", &out->service_version);
}

static enum err read_message(const struct frame_reader *r, struct xml_node *message, struct smev_frame *out)
{
    enum err err = read_parties(r, message, out);
    if (!err)
        err = read_service(r, message, out);
    if (!err)
        err = read_present(r, message, "TypeCode", &out->type_code);
    if (!err)
        err = read_required(r, message, "Status", &out->status);
    if (!err)
        err = read_required(r, message, "Date", &out->date);
    if (!err)
        err = read_present(r, message, "ExchangeType", &out->exchange_type);
    if (!err)
        err = read_field(r, message, "RequestIdRef", &out->request_id_ref);
    if (!err)
        err = read_field(r, message, "OriginRequestIdRef", &out->origin_request_id_ref);
    if (!err)
        err = read_field(r, message, "ServiceCode", &out->service_code);
    if (!err)
        err = read_field(r, message, "CaseNumber", &out->case_number);
    if (!err)
        err = read_field(r, message, "OKTMO", &out->oktmo);
    if (!err)
        err = read_field(r, message, "TestMsg", &out->test_msg);
    return err;
}

/* The operation's element: the only child of Body, in one of the namespaces its peers put it in. */
static enum err read_wrapper(struct xml_node *body, struct xml_node **out, struct error *e)
{
    struct xml_node *wrapper = xml_first(body, NULL, NULL);
    if (!wrapper || xml_next(wrapper, NULL, NULL) || xml_has_stray_text(body))
        return error_set(e, ERR_ENVELOPE, "soap:Body does not hold exactly one element");
    const char *ns = xml_ns(wrapper);
    if (ns && strcmp(ns, SOAP_NS) != 0 && strcmp(ns, SOAP_NS_TYPES) != 0)
        return error_set(e, ERR_ENVELOPE, "<%s> is in a namespace that is not served: %s",
                         told_name(xml_local(wrapper)), told_uri(ns));
    *out = wrapper;
    return ERR_OK;
}

static enum err find_message(struct frame_reader *r, struct xml_node *wrapper, struct xml_node **out)
{
    static const char *const served[] = {NS_SMEV_120315, NS_SMEV_111111};
    *out = NULL;
    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++) {
        struct xml_node *n = xml_first(wrapper, served[i], "Message");
        if (!n)
            continue;
        if (*out || xml_next(n, served[i], "Message"))
            return error_set(r->e, ERR_ENVELOPE, "smev:Message is there twice");
        *out = n;
        r->ns = served[i];
    }
    if (!*out && xml_first(wrapper, NS_SMEV_110801, "Message"))
        return error_set(r->e, ERR_ENVELOPE, "smev:Message of revision rev110801 is not served");
    if (!*out)
        return error_set(r->e, ERR_ENVELOPE, "smev:Message is missing");
    return ERR_OK;
}

/* wrapper/{Message, MessageData?/AppData?}: NULL in *app_data when there is none. */
static enum err read_framed(struct frame_reader *r, struct xml_node *wrapper, bool needs_data, struct smev_frame *frame,
                            struct xml_node **app_data)
{
    struct xml_node *message, *data = NULL;
    *frame = (struct smev_frame){0};
    *app_data = NULL;
    enum err err = find_message(r, wrapper, &message);
    if (!err)
        err = read_message(r, message, frame);
    if (err)
        return err;
    frame->ns = r->ns;
    err = needs_data ? find_required(r, wrapper, "MessageData", &data) : find_once(r, wrapper, "MessageData", &data);
    return err || !data ? err : find_once(r, data, "AppData", app_data);
}

static enum err regraft_app_data(struct arena *a, struct xml_node *app_data, const char *element, struct xml_doc **bare,
                                 struct error *e)
{
    if (xml_has_stray_text(app_data))
        return error_set(e, ERR_ENVELOPE, "text or comment directly inside smev:AppData");
    return xml_regraft(a, app_data, SOAP_NS, element, bare, e);
}

enum err smev_frame_read(struct arena *a, struct xml_node *body, struct smev_frame *frame, const char **method,
                         struct xml_doc **bare, struct error *e)
{
    struct xml_node *wrapper = NULL, *app_data;
    *bare = NULL;
    enum err err = read_wrapper(body, &wrapper, e);
    if (err)
        return err;
    *method = arena_strdup(a, xml_local(wrapper));
    if (!frame)
        return xml_regraft(a, wrapper, SOAP_NS, *method, bare, e);

    err = read_framed(&(struct frame_reader){a, NULL, e}, wrapper, true, frame, &app_data);
    if (err)
        return err;
    if (!app_data && strcmp(frame->status, "PING") == 0) {
        /* a PING asks after a request, it need not carry one */
        const char *empty = arena_printf(a, "<eq:%s xmlns:eq=\"" SOAP_NS "\"/>", *method);
        return xml_parse(a, span_of(empty), bare, e);
    }
    if (!app_data)
        return error_set(e, ERR_ENVELOPE, "smev:AppData is missing");
    return regraft_app_data(a, app_data, *method, bare, e);
}

enum err smev_frame_read_answer(struct arena *a, struct xml_node *body, struct smev_frame *frame, const char **element,
                                struct xml_doc **bare, struct error *e)
{
    struct xml_node *wrapper = NULL, *app_data;
    *bare = NULL;
    enum err err = read_wrapper(body, &wrapper, e);
    if (err)
        return err;
    *element = arena_strdup(a, xml_local(wrapper));
    err = read_framed(&(struct frame_reader){a, NULL, e}, wrapper, false, frame, &app_data);
    return err || !app_data ? err : regraft_app_data(a, app_data, *element, bare, e);
}

static const char *now_text(struct arena *a)
{
    char now[CLOCK_TEXT_SIZE];
    int64_t now_us = clock_wall_us();
    clock_format(now_us, clock_local_offset_min(now_us), now);
    return arena_strdup(a, now);
}

void smev_frame_request(struct arena *a, struct smev_frame *f)
{
    f->status = "REQUEST";
    f->date = now_text(a);
}

void smev_frame_answer(struct arena *a, const struct smev_frame *request, const char *request_message_id,
                       const char *agency_name, const char *status, const char *test_msg, struct smev_frame *out)
{
    *out = *request;
    out->sender = (struct smev_party){request->recipient.code, agency_name ? agency_name : request->recipient.name};
    out->recipient = request->sender;
    out->status = status;
    out->date = now_text(a);
    out->request_id_ref = request_message_id;
    out->origin_request_id_ref = request->origin_request_id_ref ? request->origin_request_id_ref : request_message_id;
    out->test_msg = test_msg;
}

static void write_field(struct buf *out, const char *local, const char *value)
{
    if (!value)
        return;
    buf_add_strs(out, "<smev:", local, ">", NULL);
    buf_add_xml_text(out, span_of(value));
    buf_add_strs(out, "</smev:", local, ">", NULL);
}

static void write_party(struct buf *out, const char *local, const struct smev_party *party)
{
    if (!party->code)
        return;
    buf_add_strs(out, "<smev:", local, ">", NULL);
    write_field(out, "Code", party->code);
    write_field(out, "Name", party->name ? party->name : "");
    buf_add_strs(out, "</smev:", local, ">", NULL);
}

void smev_frame_write(const struct smev_frame *f, struct buf *out)
{
    buf_add_str(out, "<smev:Message xmlns:smev=\"");
    buf_add_xml_attr(out, span_of(f->ns));
    buf_add_str(out, "\">");
    write_party(out, "Sender", &f->sender);
    write_party(out, "Recipient", &f->recipient);
    write_party(out, "Originator", &f->originator);
    if (f->service_mnemonic) {
        buf_add_str(out, "<smev:Service>");
        write_field(out, "Mnemonic", f->service_mnemonic);
        write_field(out, "Version", f->service_version ? f->service_version : "");
        buf_add_str(out, "</smev:Service>");
    } else {
        write_field(out, "ServiceName", f->service_name);
    }
    write_field(out, "TypeCode", f->type_code);
    write_field(out, "Status", f->status);
    write_field(out, "Date", f->date);
    write_field(out, "ExchangeType", f->exchange_type);
    write_field(out, "RequestIdRef", f->request_id_ref);
    write_field(out, "OriginRequestIdRef", f->origin_request_id_ref);
    write_field(out, "ServiceCode", f->service_code);
    write_field(out, "CaseNumber", f->case_number);
    write_field(out, "TestMsg", f->test_msg);
    write_field(out, "OKTMO", f->oktmo);
    buf_add_str(out, "</smev:Message>");
}
