/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "check_online.h"

#include "adapter.h"
#include "client.h"
#include "clock.h"
#include "smev3.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 10000

struct online {
    struct arena *arena;
    const struct keyring *keys;
    struct loop *loop;
    struct client *client;
    check_online_fn fn;
    void *arg;
    /* of one call */
    const struct config_smev3 *queue;
    const char *endpoint;
    bool is_good;
    const char *text;
};

/* ---- SMEV 3 ---- */

static const char *fault_text(struct online *o, const struct smev3_fault *f)
{
    static const struct {
        const char *inner, *text;
    } rows[] = {
        {"CertificateIsNotFound", "SMEV does not know this certificate (CertificateIsNotFound)"},
        {"CertificateIsExpired", "SMEV takes the agency's certificate for an expired one (CertificateIsExpired)"},
        {"SignatureIsInvalid", "SMEV finds the signature wrong (SignatureIsInvalid)"},
    };
    for (size_t i = 0; f->inner != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(f->inner, rows[i].inner) == 0)
            return rows[i].text;
    const char *name = f->inner != NULL ? f->inner : f->name;
    if (strcmp(f->name, "SignatureVerificationFault") == 0)
        return arena_printf(o->arena, "SMEV refuses the agency's signature (%s)", name);
    if (strcmp(f->name, "SenderIsNotRegistered") == 0)
        return "SMEV has the certificate under no mnemonic (SenderIsNotRegistered)";
    return arena_printf(o->arena, "SMEV answers with a fault: %s", name);
}

static void judge(struct online *o, const struct client_answer *answer)
{
    struct smev3_reply reply;
    struct error e = {0};
    if (answer->fate != CLIENT_ANSWERED) {
        o->text = answer->error->code == ERR_TIMEOUT
                      ? arena_strdup(o->arena, answer->error->detail)
                      : arena_printf(o->arena, "no connection: %s", answer->error->detail);
        return;
    }
    enum err err =
        smev3_reply_read(o->arena, SMEV3_ACK, answer->status, answer->content_type, answer->body, &reply, &e);
    if (err != ERR_OK) {
        o->text = arena_printf(o->arena, "it is not SMEV that answers, or another version: %s", e.detail);
        return;
    }
    if (reply.kind == SMEV3_FAULT && reply.fault.name == NULL) {
        o->text =
            arena_printf(o->arena, "it is not SMEV that answers: HTTP %d, a SOAP fault that is none of SMEV's table",
                         answer->status);
        return;
    }
    o->is_good = reply.kind == SMEV3_ACKED || (reply.kind == SMEV3_FAULT && reply.fault.reaction == SMEV3_DONE);
    o->text = o->is_good ? "SMEV answers and takes the agency's signature" : fault_text(o, &reply.fault);
}

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct online *o = arg;
    judge(o, answer);
    loop_stop(o->loop);
}

/* An Ack of what never was, signed; NULL: text says why not. */
static const char *write_question(struct online *o, struct buf *envelope)
{
    const struct key *key = keyring_signing_key(o->keys, o->queue->agency, clock_wall_us() / 1000000);
    struct smev3_draft draft;
    struct error e = {0};
    char id[UUID_TEXT_SIZE];
    if (key == NULL)
        return "nothing can be signed: the agency's key or certificate is of no use";
    uuid_v1(id);
    if (smev3_write_ack(o->arena, adapter_version(o->queue), id, false, &draft, &e) != ERR_OK ||
        smev3_write_signed(o->arena, &draft, key, envelope, &e) != ERR_OK)
        return arena_printf(o->arena, "it cannot be signed: %s", e.detail);
    return NULL;
}

static void ask(struct online *o)
{
    struct buf envelope;
    struct client_request r;
    const struct adapter_peer nobody = {0};
    buf_init(&envelope, o->arena, 8192);
    o->is_good = false;
    o->text = write_question(o, &envelope);
    if (o->text != NULL)
        return;
    adapter_request(o->arena, &nobody, o->queue, o->endpoint, SMEV3_ACK, buf_span(&envelope), o->queue->timeout_ms, &r);
    (void)client_post(o->client, &r, on_answer, o);
    loop_run(o->loop);
}

static void ask_queue(struct online *o, const struct config_smev3 *q)
{
    const char *const endpoints[] = {q->endpoint, q->endpoint_reserve};
    o->queue = q;
    for (size_t i = 0; i < 2; i++) {
        if (endpoints[i] == NULL)
            continue;
        o->endpoint = endpoints[i];
        ask(o);
        o->fn(o->arg, o->is_good, "smev3", q->name, arena_printf(o->arena, "%s: %s", o->endpoint, o->text));
    }
}

/* ---- the portal by SMEV 2 ---- */

static bool connect_within(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), failed = 0;
    socklen_t n = sizeof failed;
    if (fd < 0)
        return false;
    bool is_there = connect(fd, at->ai_addr, at->ai_addrlen) == 0;
    if (!is_there && errno == EINPROGRESS) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        is_there =
            poll(&wait, 1, CONNECT_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 && failed == 0;
    }
    (void)close(fd);
    return is_there;
}

/* config_load() has taken it: http or https, a host, perhaps a port. */
static bool is_reached(struct arena *a, const char *url)
{
    bool is_tls = strncmp(url, "https:", 6) == 0, is_there = false;
    const char *host = strstr(url, "://");
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (host == NULL)
        return false;
    char *text = arena_strndup(a, host + 3, strcspn(host + 3, "/?#")), *end = text, *port;
    if (*text == '[') {
        text++;
        end = strchr(text, ']');
        if (end == NULL)
            return false;
        *end++ = '\0';
    }
    port = strchr(end, ':');
    if (port != NULL)
        *port++ = '\0';
    if (getaddrinfo(text, port != NULL ? port : is_tls ? "443" : "80", &hints, &found) != 0)
        return false;
    for (struct addrinfo *at = found; at != NULL && !is_there; at = at->ai_next)
        is_there = connect_within(at);
    freeaddrinfo(found);
    return is_there;
}

static void try_push(struct online *o, const struct config_push *push)
{
    if (push->road == PUSH_ROAD_SMEV3 || push->url == NULL) /* asked as its queue, whatever url was left there */
        return;
    bool is_there = is_reached(o->arena, push->url);
    o->fn(o->arg, is_there, "push", push->agency,
          arena_printf(o->arena, "%s: %s", push->url,
                       is_there ? "a connection is made, nothing was sent" : "no connection"));
}

void check_online(struct arena *a, const struct config *conf, const struct keyring *keys, check_online_fn fn, void *arg)
{
    struct online o = {.arena = a, .keys = keys, .fn = fn, .arg = arg};
    o.loop = loop_new();
    o.client = client_new(o.loop);
    for (unsigned i = 0; i < conf->nsmev3s; i++)
        ask_queue(&o, &conf->smev3s[i]);
    for (unsigned i = 0; i < conf->npushes; i++)
        try_push(&o, &conf->pushes[i]);
    client_free(o.client);
    loop_free(o.loop);
}
