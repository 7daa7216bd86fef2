/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The table of origins, the sources they serve, and what several rows do in the same way. */
#include "request_private.h"

#include "clock.h"

#include <string.h>

#define SMEV3_CONTENT_BYTES 5000000u

const struct origin *origin_of(enum listener_kind kind)
{
    static const struct origin *const origins[LISTENER_UNSET] = {
#define X(kind, word, is_signed, row) [LISTENER_##kind] = &origin_##row,
        LISTENER_KINDS(X)
#undef X
    };
    return origins[kind];
}

void endpoint_init(struct endpoint *ep, struct service *service, const struct config_listener *conf)
{
    const struct origin *origin = origin_of(conf->kind);
    *ep = (struct endpoint){.service = service,
                            .conf = conf,
                            .source = {.name = conf->name,
                                       .origin = origin,
                                       .channel = conf->channel != NULL ? conf->channel : origin->channel,
                                       .agency = conf->agency,
                                       .reading = config_is_signed(conf) ? NULL : &conf->reading,
                                       .serves_updates = conf->update_booking_details,
                                       .refuse_test_messages = conf->refuse_test_messages,
                                       .require_recipient = conf->require_recipient}};
}

void source_of_queue(struct source *out, const struct config_smev3 *conf)
{
    *out = (struct source){.name = conf->name,
                           .origin = &origin_smev3,
                           .channel = conf->channel != NULL ? conf->channel : origin_smev3.channel,
                           .agency = conf->agency,
                           .reading = &conf->reading,
                           .serves_updates = conf->update_booking_details,
                           .refuse_test_messages = conf->refuse_test_messages,
                           .answer_max_bytes = SMEV3_CONTENT_BYTES};
}

enum err origin_verify_signatures(struct request *r, bool requires_smev, bool requires_recipient)
{
    const struct config *conf = r->service->conf;
    struct wsse_policy policy = {
        .allow_gost2001 = conf->allow_gost2001,
        .trust = r->keys->trust,
        .known = r->keys->known,
        .now_s = clock_wall_us() / 1000000,
        .age_max_s = (int64_t)(conf->message_age_max_ms / 1000),
        .require_smev = requires_smev,
        .require_recipient = requires_recipient,
    };
    return wsse_verify(r->arena, r->doc, &policy, &r->wsse, &r->error);
}

enum err origin_digest(struct request *r, struct span covered)
{
    unsigned char digest[DIGEST_MAX];
    enum err err = digest_once(DIGEST_SHA256, covered.p, covered.n, digest, &r->error);
    if (err == ERR_OK)
        memcpy(r->message.digest, digest, sizeof r->message.digest);
    return err;
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
        field_errors_add(&r->fields, arena_strdup(r->arena, xml_local(bare)), 1, FIELD_WORDS);
}

enum err origin_peel(struct request *r, struct xml_node *content, const char **element)
{
    if (!is_served_namespace(r, content))
        return error_set(&r->error, ERR_OPERATION, "the method's element is of another namespace");
    *element = xml_local(content);
    look_at_words(r, content);
    return xml_regraft(r->arena, content, SOAP_NS, *element, &r->bare, &r->error);
}
