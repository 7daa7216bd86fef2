/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the sections say about each other: a signed listener needs keys, senders and anchors, and so does a way to the
 * portal; an unsigned listener must not be reachable by accident. Opens no file. Each rule is one line of one function.
 */
#include "config_check.h"

#include "config_table.h"

#include <inttypes.h>
#include <stdio.h>
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

/* ---- what goes to the portal ---- */

static const struct config_sender *sender_named(const struct config *c, const char *code)
{
    for (unsigned i = 0; i < c->nsenders; i++)
        if (strcmp(c->senders[i].code, code) == 0)
            return &c->senders[i];
    return NULL;
}

static const char *portal_mistake(const struct config *c, const char *portal)
{
    const struct config_sender *s = sender_named(c, portal);
    if (s == NULL)
        return "portal names no [sender CODE] section";
    return s->is_smev ? "portal names SMEV (smev = yes), which answers in nobody's name" : NULL;
}

static const struct config_smev3 *queue_named(const struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->nsmev3s; i++)
        if (strcmp(c->smev3s[i].name, name) == 0)
            return &c->smev3s[i];
    return NULL;
}

static const char *queue_mistake(const struct config *c, const struct config_push *p)
{
    if (p->queue == NULL)
        return NULL;
    const struct config_smev3 *q = queue_named(c, p->queue);
    if (q == NULL)
        return "queue names no [smev3 NAME] section";
    return q->agency != NULL && strcmp(q->agency, p->agency) != 0 ? "queue names a [smev3] of another agency" : NULL;
}

/* What the road cannot do without. */
static void check_push_keys(const struct config *c, const struct config_push *p, struct buf *m)
{
    bool is_smev2 = p->road == PUSH_ROAD_SMEV2;
    const struct {
        const char *key, *value;
        bool is_needed;
    } rows[] = {{"url", p->url, is_smev2},
                {"portal", p->portal, is_smev2},
                {"exchange_type", p->exchange_type, is_smev2},
                {"queue", p->queue, !is_smev2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].is_needed && rows[i].value == NULL)
            add_at(m, c, "push", p->agency, "road", /* which may stand in another file than the rest */
                   arena_printf(m->arena, "[push %s] needs the key %s: road = %s", p->agency, rows[i].key,
                                is_smev2 ? "smev2" : "smev3"));
}

/* "30s", "1500ms" */
static const char *duration_text(uint64_t ms, char out[32])
{
    bool is_whole = ms % 1000 == 0;
    (void)snprintf(out, 32, "%" PRIu64 "%s", is_whole ? ms / 1000 : ms, is_whole ? "s" : "ms");
    return out;
}

static const char *deadline_mistake(const struct config_push *p, char out[128])
{
    char deadline[32], timeout[32];
    if (p->answer_deadline_ms > p->timeout_ms)
        return NULL;
    (void)snprintf(out, 128, "answer_deadline is not more than timeout: %s, and timeout is %s",
                   duration_text(p->answer_deadline_ms, deadline), duration_text(p->timeout_ms, timeout));
    return out;
}

static void check_push(const struct config *c, const struct config_push *p, struct buf *m)
{
    char deadline[128];
    bool is_https = p->url != NULL && strncmp(p->url, "https:", 6) == 0, is_smev2 = p->road == PUSH_ROAD_SMEV2;
    const struct {
        const char *key, *text; /* text NULL: nothing is wrong */
    } rows[] = {
        {"", has_agency(c, p->agency) ? NULL : "there is no [agency CODE] section of this code, in whose name to sign"},
        {"queue", queue_mistake(c, p)},
        {"portal", p->portal != NULL ? portal_mistake(c, p->portal) : NULL},
        {"revision",
         is_smev2 && p->revision == PUSH_REV120315 && p->service_name == NULL ? "rev120315 needs service_name" : NULL},
        {"service_name",
         p->revision == PUSH_REV111111 && p->service_name != NULL ? "rev111111 has no ServiceName" : NULL},
        {"type_code",
         p->revision == PUSH_REV111111 && strcmp(p->type_code, "OTHR") == 0 ? "rev111111 has no OTHR" : NULL},
        {"answer_deadline", deadline_mistake(p, deadline)},
        {"ca", is_https || p->ca == NULL ? NULL : "ca is for https"},
        {"url", is_https && p->ca == NULL ? "https needs ca" : NULL},
        {"", c->anchors == NULL ? "an answer of the portal is believed by anchors in [trust]" : NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].text != NULL)
            add_at(m, c, "push", p->agency, rows[i].key, rows[i].text);
}

/* ---- what is taken out of queues ---- */

static const char *smev_mistake(const struct config *c, const char *smev)
{
    const struct config_sender *s = sender_named(c, smev);
    if (s == NULL)
        return "smev names no [sender CODE] section";
    return s->is_smev ? NULL : "smev names a sender that is not SMEV (smev = yes in its section)";
}

static bool is_tls(const char *url)
{
    return url != NULL && strncmp(url, "https:", 6) == 0;
}

static const char *roots_mistake(const struct config_smev3 *q)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-, ";
    if ((q->ns == NULL) != (q->roots == NULL))
        return "namespace and roots go together";
    if (q->roots != NULL && (strspn(q->roots, allowed) != strlen(q->roots) || q->roots[strspn(q->roots, ", ")] == '\0'))
        return "roots: expected names of elements, with commas between them";
    return NULL;
}

/* The schemas of SMEV 3 have a NodeID of at most 50 characters, and refuse all that says a longer one. */
static const char *node_mistake(const char *node_id)
{
    size_t n = 0;
    for (const char *p = node_id; p != NULL && *p != '\0'; p++)
        n += ((unsigned char)*p & 0xC0) != 0x80; /* a character's first byte */
    return n > 50 ? "node_id is more than 50 characters" : NULL;
}

static const char *files_mistake(const struct config_files *f)
{
    if (f->policy == FILES_IGNORE || (f->server != NULL && f->dir != NULL))
        return NULL;
    return f->server == NULL ? "attachments = fetch needs files_server" : "attachments = fetch needs files_dir";
}

static void check_smev3(const struct config *c, const struct config_smev3 *q, struct buf *m)
{
    bool is_https = is_tls(q->endpoint) || is_tls(q->endpoint_reserve);
    const struct {
        const char *key, *text; /* text NULL: nothing is wrong */
    } rows[] = {
        {"agency", q->agency != NULL && !has_agency(c, q->agency) ? "agency names no [agency CODE] section" : NULL},
        {"smev", q->smev != NULL ? smev_mistake(c, q->smev) : NULL},
        {"endpoint_reserve",
         q->endpoint != NULL && q->endpoint_reserve != NULL && strcmp(q->endpoint, q->endpoint_reserve) == 0
             ? "endpoint_reserve is the same as endpoint"
             : NULL},
        {"node_id", node_mistake(q->node_id)},
        {q->ns == NULL ? "roots" : "namespace", roots_mistake(q)},
        {q->official_key == NULL ? "official_cert" : "official_key",
         (q->official_key == NULL) != (q->official_cert == NULL) ? "official_key and official_cert go together" : NULL},
        {"ca", is_https || q->ca == NULL ? NULL : "ca is for https"},
        {is_tls(q->endpoint) ? "endpoint" : "endpoint_reserve", is_https && q->ca == NULL ? "https needs ca" : NULL},
        {"attachments", files_mistake(&q->files)},
        {"file_size_max", q->files.size_max > q->files.sizes_max ? "file_size_max is more than files_size_max" : NULL},
        {"", c->anchors == NULL ? "what a queue gives is believed by anchors in [trust]" : NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].text != NULL)
            add_at(m, c, "smev3", q->name, rows[i].key, rows[i].text);
}

void config_check(const struct config *c, const char *path, struct buf *m)
{
    bool is_read = m->n == 0; /* a key whose line could not be read is not missing */
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
    for (unsigned i = 0; i < c->npushes; i++)
        check_push(c, &c->pushes[i], m);
    for (unsigned i = 0; i < c->npushes && is_read; i++)
        check_push_keys(c, &c->pushes[i], m);
    for (unsigned i = 0; i < c->nsmev3s; i++)
        check_smev3(c, &c->smev3s[i], m);
}
