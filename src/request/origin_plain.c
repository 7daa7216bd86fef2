/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Bare SOAP over HTTP, without a frame: kiosks, call centres, tests. Nobody has to sign; a signature that is there must
 * be good all the same. Who may reach the listener is the operator's affair.
 */
#include "request_private.h"

static enum err plain_verify(struct request *r)
{
    enum err err = origin_verify_signatures(r, false, false);
    if (err == ERR_OK)
        err = origin_digest(r, r->body);
    if (err == ERR_OK)
        r->soap_body = xml_first(xml_root(r->doc), NS_SOAP, "Body");
    return err;
}

static enum err plain_unwrap(struct request *r, const char **element)
{
    r->reading = r->source->reading;
    struct xml_node *bare = r->soap_body == NULL ? NULL : xml_first(r->soap_body, NULL, NULL);
    if (bare == NULL || xml_count(r->soap_body, NULL, NULL) != 1)
        return error_set(&r->error, ERR_ENVELOPE, "soap:Body must hold exactly one element");
    if (r->source->agency != NULL)
        r->agency = keyring_agency_find(r->keys, r->source->agency);
    return origin_peel(r, bare, element);
}

/* Bare SOAP says neither what it is for nor when it was made: it is a request, and of now. */
static enum err plain_accept(struct request *r)
{
    (void)r;
    return ERR_OK;
}

/* Whatever a header says there, nobody vouches for it. */
static const char *plain_message_id(struct request *r)
{
    return arena_printf(r->arena, "req:%s", r->id);
}

static bool plain_is_vouched(const struct request *r)
{
    return r->op != NULL;
}

static enum err plain_wrap(struct request *r, const char *element)
{
    if (element == NULL)
        return envelope_write_fault(r->arena, r->failed, r->id, r->is_body_reached, NULL, &r->answer, &r->error);
    return envelope_write(r->arena, element, buf_span(&r->content), NULL, NULL, &r->answer, &r->error);
}

static const struct description descriptions[] = {{NULL, "equeue-plain.wsdl"}, {NULL, NULL}};

const struct origin origin_plain = {
    .channel = "kiosk",
    .verdict = "unsigned",
    .descriptions = descriptions,
    .carrier = &carrier_http,
    .verify = plain_verify,
    .unwrap = plain_unwrap,
    .accept = plain_accept,
    .message_id = plain_message_id,
    .is_vouched = plain_is_vouched,
    .wrap = plain_wrap,
};
