/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the sections say about each other: a signed listener needs keys, senders and anchors; an unsigned one must not
 * be reachable by accident. Opens no file. Each rule is one line of one function.
 */
#include "config_check.h"

#include "config_table.h"

#include <string.h>

struct file_line {
    const char *file;
    int line;
};

static void add(struct buf *m, struct file_line at, const char *text)
{
    buf_printf(m, "%s:%d: %s\n", at.file, at.line, text);
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

static void check_tls(const struct config_listener *l, struct file_line at, struct buf *m)
{
    if (l->tls_cert != NULL && l->tls_key == NULL)
        add(m, at, "tls_cert needs tls_key");
    if (l->tls_cert == NULL && l->tls_key != NULL)
        add(m, at, "tls_key needs tls_cert");
    if (l->tls_cert == NULL && l->tls_client_ca != NULL)
        add(m, at, "tls_client_ca needs tls_cert");
    if (l->tls_client_crl != NULL && l->tls_client_ca == NULL)
        add(m, at, "tls_client_crl needs tls_client_ca");
    if (l->tls_cert == NULL && l->tls_ciphers != NULL)
        add(m, at, "tls_ciphers needs tls_cert");
    if (l->tls_client_required && l->tls_client_ca == NULL)
        add(m, at, "tls_client_required needs tls_client_ca");
}

static void check_unsigned(const struct config *c, const struct config_listener *l, struct file_line at, struct buf *m)
{
    if (l->address != NULL && address_scope(l->address) != ADDRESS_LOCAL && !l->allow_remote_plain)
        add(m, at,
            "anybody who reaches this address could book without a signature; "
            "use a local address or say plain_on_public_address = i-know-it-is-unsigned");
    if (l->require_recipient)
        add(m, at, "require_recipient_signature is for smev2 listeners");
    if (l->agency != NULL && !has_agency(c, l->agency))
        add(m, at, "agency names no [agency CODE] section");
}

static bool is_all_lenient(const struct config_reading *r)
{
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        if (!r->lenient[i])
            return false;
    return true;
}

static void check_signed(const struct config *c, const struct config_listener *l, struct file_line at, struct buf *m)
{
    if (l->allow_remote_plain)
        add(m, at, "plain_on_public_address is for plain listeners");
    if (l->reading.mode != READING_STRICT || !is_all_lenient(&l->reading) || l->reading.doc_types != NULL ||
        l->reading.omit_error_on_success || l->reading.status_as_text || l->reading.single_timeslot)
        add(m, at, "how signed messages are read and answered is said in [sender CODE]");
    if (c->nagencies == 0)
        add(m, at, "a smev2 listener needs an [agency CODE] to answer for");
    if (c->nsenders == 0)
        add(m, at, "a smev2 listener needs a [sender CODE] that may call");
    if (c->anchors == NULL)
        add(m, at, "a smev2 listener needs anchors in [trust]");
    if (l->agency != NULL && c->nagencies > 0 && !has_agency(c, l->agency))
        add(m, at, "agency names no [agency CODE] section");
    if (l->require_recipient && !has_smev_sender(c))
        add(m, at, "require_recipient_signature needs a sender with smev = yes");
}

static void check_listener(const struct config *c, unsigned i, struct buf *m)
{
    const struct config_listener *l = &c->listeners[i];
    struct file_line at = {l->file, l->line};
    for (unsigned j = 0; j < i; j++) {
        if (l->address != NULL && c->listeners[j].address != NULL &&
            address_clashes(l->address, c->listeners[j].address))
            buf_printf(m, "%s:%d: address is the same as that of [listener %s]\n", at.file, at.line,
                       c->listeners[j].name);
    }
    if (l->address != NULL && address_clashes(l->address, c->admin_address))
        add(m, at, "address is the same as that of [admin]");
    check_tls(l, at, m);
    if (l->kind == LISTENER_UNSET)
        return; /* was told: its own mistake is enough */
    if (config_is_signed(l))
        check_signed(c, l, at, m);
    else
        check_unsigned(c, l, at, m);
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
                        buf_printf(m, "%s:%d: the same cert stands in [sender %s]\n", s->file, s->line, o->code);
                }
            }
        }
    }
}

void config_check(const struct config *c, const char *path, struct buf *m)
{
    struct file_line nowhere = {path, 1};
    if (c->message_age_max_ms != 0 && c->message_age_max_ms < MINUTE)
        add(m, nowhere, "message_age_max in [trust] is less than 1m: a message would be too old before it is read");
    if (c->nlisteners == 0)
        add(m, nowhere, "there is no [listener NAME] section");
    if (c->buffers_max_bytes < 2 * c->body_max_bytes)
        add(m, nowhere, "buffers_max in [limits] is less than twice body_max");
    for (unsigned i = 0; i < c->nlisteners; i++)
        check_listener(c, i, m);
    check_senders(c, m);
}
