/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the sections say about each other: a signed listener needs keys, senders and anchors; an unsigned one must not
 * be reachable by accident. Opens no file. Each rule is one line of one function.
 */
#include "config_check.h"

#include "config_table.h"

#include <string.h>

/* What is wrong with a key stands where the key does; with one that is not there, where its section does. */
static void add_at(struct buf *m, const struct config *c, const char *section, const char *name, const char *key,
                   const char *text)
{
    buf_printf(m, "%s: %s\n", config_at(m->arena, c, section, name, key, CONFIG_LAST), text);
}

/* What a listener is looked at with. */
struct look {
    const struct config *c;
    const struct config_listener *l;
    struct buf *m;
};

static void add(const struct look *k, const char *key, const char *text)
{
    add_at(k->m, k->c, "listener", k->l->name, key, text);
}

static bool has_agency(const struct config *c, const char *code)
{
    for (unsigned i = 0; i < c->nagencies; i++) {
        if (strcmp(c->agencies[i].code, code) == 0)
            return true;
    }
    return false;
}

static bool has_smev_sender(const struct config *c)
{
    for (unsigned i = 0; i < c->nsenders; i++) {
        if (c->senders[i].is_smev)
            return true;
    }
    return false;
}

static void check_tls(const struct look *k)
{
    const struct config_listener *l = k->l;
    if (l->tls_cert != NULL && l->tls_key == NULL)
        add(k, "tls_cert", "tls_cert needs tls_key");
    if (l->tls_cert == NULL && l->tls_key != NULL)
        add(k, "tls_key", "tls_key needs tls_cert");
    if (l->tls_cert == NULL && l->tls_client_ca != NULL)
        add(k, "tls_client_ca", "tls_client_ca needs tls_cert");
    if (l->tls_client_crl != NULL && l->tls_client_ca == NULL)
        add(k, "tls_client_crl", "tls_client_crl needs tls_client_ca");
    if (l->tls_cert == NULL && l->tls_ciphers != NULL)
        add(k, "tls_ciphers", "tls_ciphers needs tls_cert");
    if (l->tls_client_required && l->tls_client_ca == NULL)
        add(k, "tls_client_required", "tls_client_required needs tls_client_ca");
}

static void check_agency(const struct look *k)
{
    if (k->l->agency != NULL && !has_agency(k->c, k->l->agency))
        add(k, "agency", "agency names no [agency CODE] section");
}

static void check_unsigned(const struct look *k)
{
    const struct config_listener *l = k->l;
    if (l->address != NULL && address_scope(l->address) != ADDRESS_LOCAL && !l->allow_remote_plain)
        add(k, "address",
            "anybody who reaches this address could book without a signature; "
            "use a local address or say plain_on_public_address = i-know-it-is-unsigned");
    if (l->require_recipient)
        add(k, "require_recipient_signature", "require_recipient_signature is for smev2 listeners");
    check_agency(k);
}

static bool is_all_lenient(const struct config_reading *r)
{
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        if (!r->lenient[i])
            return false;
    return true;
}

static void check_reading(const struct look *k)
{
    const struct config_reading *r = &k->l->reading;
    const struct {
        const char *key;
        bool is_set;
    } keys[] = {{"reading", r->mode != READING_STRICT}, {"lenient", !is_all_lenient(r)},
                {"doc_types", r->doc_types != NULL},    {"omit_error_on_success", r->omit_error_on_success},
                {"status_as_text", r->status_as_text},  {"single_timeslot", r->single_timeslot}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].is_set)
            add(k, keys[i].key, "how signed messages are read and answered is said in [sender CODE]");
}

static void check_signed(const struct look *k)
{
    const struct config *c = k->c;
    if (k->l->allow_remote_plain)
        add(k, "plain_on_public_address", "plain_on_public_address is for plain listeners");
    check_reading(k);
    if (c->nagencies == 0)
        add(k, "kind", "a smev2 listener needs an [agency CODE] to answer for");
    if (c->nsenders == 0)
        add(k, "kind", "a smev2 listener needs a [sender CODE] that may call");
    if (c->anchors == NULL)
        add(k, "kind", "a smev2 listener needs anchors in [trust]");
    if (c->nagencies > 0)
        check_agency(k);
    if (k->l->require_recipient && !has_smev_sender(c))
        add(k, "require_recipient_signature", "require_recipient_signature needs a sender with smev = yes");
}

static void check_listener(const struct config *c, unsigned i, struct buf *m)
{
    const struct config_listener *l = &c->listeners[i];
    const struct look k = {c, l, m};
    for (unsigned j = 0; j < i; j++) {
        if (l->address != NULL && c->listeners[j].address != NULL &&
            address_clashes(l->address, c->listeners[j].address))
            add(&k, "address",
                arena_printf(m->arena, "address is the same as that of [listener %s]", c->listeners[j].name));
    }
    if (l->address != NULL && address_clashes(l->address, c->admin_address))
        add(&k, "address", "address is the same as that of [admin]");
    check_tls(&k);
    if (l->kind == LISTENER_UNSET)
        return; /* was told: its own mistake is enough */
    if (config_is_signed(l))
        check_signed(&k);
    else
        check_unsigned(&k);
}

/* A certificate tells who is calling: it cannot stand for two. */
static void check_senders(const struct config *c, struct buf *m)
{
    for (unsigned i = 0; i < c->nsenders; i++) {
        const struct config_sender *s = &c->senders[i];
        for (unsigned k = 0; k < s->ncerts; k++) {
            for (unsigned j = 0; j <= i; j++) {
                const struct config_sender *o = &c->senders[j];
                for (unsigned q = 0; q < (j == i ? k : o->ncerts); q++) {
                    if (strcmp(s->certs[k], o->certs[q]) == 0)
                        buf_printf(m, "%s: the same cert stands in [sender %s]\n",
                                   config_at(m->arena, c, "sender", s->code, "cert", (int)k), o->code);
                }
            }
        }
    }
}

void config_check(const struct config *c, const char *path, struct buf *m)
{
    if (c->message_age_max_ms != 0 && c->message_age_max_ms < MINUTE)
        add_at(m, c, "trust", "", "message_age_max",
               "message_age_max in [trust] is less than 1m: a message would be too old before it is read");
    if (c->nlisteners == 0)
        buf_printf(m, "%s:1: there is no [listener NAME] section\n", path);
    if (c->buffers_max_bytes < 2 * c->body_max_bytes)
        add_at(m, c, "limits", "", config_sets(c, "limits", "", "buffers_max") ? "buffers_max" : "body_max",
               "buffers_max in [limits] is less than twice body_max");
    for (unsigned i = 0; i < c->nlisteners; i++)
        check_listener(c, i, m);
    check_senders(c, m);
}
