/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A call, from its request to its fn: waits for its turn with its peer, is in work with libcurl, is over and tells. It
 * is over in one place, and tells from a timer: nobody's fn runs inside somebody else's call.
 */
#include "client_private.h"

#include "clock.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

/* ---- the request ---- */

static bool host_is_plain(const char *host)
{
    for (const char *s = host; *s != '\0'; s++)
        if (!isalnum((unsigned char)*s) && strchr("-._:[]", *s) == NULL)
            return false;
    return *host != '\0';
}

static enum err read_scheme(const struct client_request *r, const char *scheme, bool is_post, struct error *e)
{
    bool is_https = strcmp(scheme, "https") == 0;
    bool is_ftp = strcmp(scheme, "ftp") == 0;
    if (!is_https && strcmp(scheme, "http") != 0 && (!is_ftp || is_post))
        return error_set(e, ERR_CONFIG, "%s is not called here", scheme);
    if (is_https && r->ca_file == NULL)
        return error_set(e, ERR_CONFIG, "https needs a file of the authorities to be believed (ca)");
    if ((r->cert_file == NULL) != (r->key_file == NULL))
        return error_set(e, ERR_CONFIG, "a certificate needs its key, and a key its certificate");
    return ERR_OK;
}

static enum err read_headers(const struct client_request *r, struct error *e)
{
    for (const char *const *h = r->headers; h != NULL && *h != NULL; h++)
        if (strpbrk(*h, "\r\n") != NULL || strchr(*h, ':') == NULL || **h == ':')
            return error_set(e, ERR_CONFIG, "a header of the request is none");
    return ERR_OK;
}

static const char *url_part(CURLU *u, struct arena *a, CURLUPart what)
{
    char *text = NULL;
    if (curl_url_get(u, what, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return "";
    const char *kept = arena_strdup(a, text);
    curl_free(text);
    return kept;
}

static void url_free(void *p)
{
    curl_url_cleanup(p);
}

static enum err read_request(struct client_call *call, const struct client_request *r, bool is_post, struct error *e)
{
    CURLU *u = curl_url();
    arena_defer(call->arena, url_free, u);
    const char *host = r->url == NULL ? NULL : strstr(r->url, "://");
    if (host == NULL || host[3] == '/' || curl_url_set(u, CURLUPART_URL, r->url, CURLU_DISALLOW_USER) != CURLUE_OK)
        return error_set(e, ERR_CONFIG, "the URL cannot be called");
    struct peer_key key = {.whose = r->whose,
                           .scheme = url_part(u, call->arena, CURLUPART_SCHEME),
                           .host = url_part(u, call->arena, CURLUPART_HOST),
                           .port = url_part(u, call->arena, CURLUPART_PORT),
                           .ca_file = r->ca_file,
                           .cert_file = r->cert_file,
                           .key_file = r->key_file};
    if (r->file > 0 && call->transfer->file < 0)
        return error_set(e, ERR_INTERNAL, "no descriptor is left for a file");
    if (read_scheme(r, key.scheme, is_post, e) != ERR_OK || read_headers(r, e) != ERR_OK)
        return e->code;
    if (!host_is_plain(key.host))
        return error_set(e, ERR_CONFIG, "the host of the URL is to be written in ASCII");
    if (r->kind >= CLIENT_KINDS)
        return error_set(e, ERR_INTERNAL, "calls of that kind are not known");
    call->peer = client_peer(call->client, &key);
    return ERR_OK;
}

static struct transfer *transfer_new(const struct client_request *r, bool is_post)
{
    struct arena *a = arena_new_small();
    struct transfer *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    t->url = arena_strdup(a, r->url);
    t->user = arena_strdup(a, r->user);
    t->password = arena_strdup(a, r->password);
    t->body = r->body;
    t->is_post = is_post;
    t->answer_max_bytes = r->answer_max_bytes;
    buf_init(&t->answer, a, 0);
    t->file = r->file > 0 ? fcntl(r->file, F_DUPFD_CLOEXEC, 3) : -1;
    for (const char *const *h = r->headers; h != NULL && *h != NULL; h++)
        t->headers = curl_slist_append(t->headers, *h);
    return t;
}

/* ---- states ---- */

static void call_on_deadline(void *arg);

static void call_join(struct client_call *call)
{
    struct peer *p = call->peer;
    p->ncalls++;
    *p->waiting_end = call;
    p->waiting_end = &call->next_waiting;
}

static void peer_unwait(struct peer *p, struct client_call *call)
{
    struct client_call **link = &p->waiting;
    while (*link != call)
        link = &(*link)->next_waiting;
    *link = call->next_waiting;
    call->next_waiting = NULL;
    if (*link == NULL)
        p->waiting_end = link;
}

/* Its peer and libcurl know nothing of it any more. */
static void call_leave(struct client_call *call)
{
    struct peer *p = call->peer;
    timer_stop(call->timer);
    call->timer = NULL;
    if (call->state == CALL_OVER || p == NULL)
        return;
    p->ncalls--;
    if (call->state == CALL_WAITING) {
        peer_unwait(p, call);
        return;
    }
    p->nworking--;
    p->nkind[call->kind]--;
    call->client->nworking--;
    if (call->ftp != NULL)
        ftp_abandon(call);
    else if (!p->is_ftp)
        multi_end(call);
}

void client_call_wait(struct client_call *call)
{
    uint64_t now_us = clock_mono_us();
    uint64_t left_ms = call->until_us > now_us ? (call->until_us - now_us + 999) / 1000 : 0;
    bool is_unknown = call->state == CALL_WAITING && call->peer->reading != NULL;
    timer_stop(call->timer);
    if (is_unknown && call->connect_ms < left_ms)
        left_ms = call->connect_ms;
    call->timer = timer_start(call->client->loop, left_ms, 0, call_on_deadline, call);
}

void client_call_begin(struct client_call *call)
{
    struct peer *p = call->peer;
    struct transfer *t = call->transfer;
    uint64_t now_us = clock_mono_us();
    peer_unwait(p, call);
    call->state = CALL_WORKING;
    call->begun_us = now_us;
    p->nworking++;
    p->nkind[call->kind]++;
    call->client->nworking++;
    client_call_wait(call);
    t->connect_ms = call->connect_ms;
    t->total_ms = call->until_us > now_us ? (call->until_us - now_us) / 1000 + 1 : 1;
    t->is_ftp = p->is_ftp;
    if (t->is_ftp)
        ftp_begin(call);
    else
        multi_begin(call);
}

/* ---- the end ---- */

static void call_unlink(struct client_call *call)
{
    *call->link = call->next;
    if (call->next != NULL)
        call->next->link = call->link;
}

static void call_free(struct client_call *call)
{
    transfer_free(call->transfer);
    arena_free(call->arena);
}

void client_call_drop(struct client_call *call)
{
    call_leave(call);
    call_unlink(call);
    call_free(call);
}

bool client_call_has_turn(const struct client_call *call)
{
    return call->state != CALL_WAITING;
}

uint64_t client_call_silent_us(const struct client_call *call)
{
    bool is_silent = call->state == CALL_WORKING && !atomic_load(&call->transfer->has_octets);
    return is_silent ? clock_mono_us() - call->begun_us : 0;
}

void client_cancel(struct client_call *call)
{
    if (call == NULL)
        return;
    struct client *c = call->client;
    client_call_drop(call);
    client_turn(c);
}

/* While fn is told: whether it keeps the answer. What it is given may be freed in there, and with it the answer. */
struct client_kept {
    struct transfer *transfer;
    bool is_kept;
};

static void kept_free(void *arena)
{
    arena_free(arena);
}

void client_answer_keep(const struct client_answer *answer, struct arena *a)
{
    struct client_kept *kept = answer->kept;
    kept->is_kept = true;
    transfer_end_curl(kept->transfer);
    arena_defer(a, kept_free, kept->transfer->arena);
}

static void call_tell(void *arg)
{
    struct client_call *call = arg;
    struct transfer *t = call->transfer;
    struct client_kept kept = {.transfer = t};
    struct client_answer answer = {.fate = call->fate, .error = &call->error};
    if (call->error.code == ERR_OK)
        answer = (struct client_answer){
            .fate = t->fate, .status = t->status, .is_announced = t->is_announced, .error = &t->error};
    if (call->error.code == ERR_OK && t->fate == CLIENT_ANSWERED)
        answer = (struct client_answer){.fate = CLIENT_ANSWERED,
                                        .status = t->status,
                                        .content_type = t->content_type,
                                        .body = buf_span(&t->answer),
                                        .kept = &kept};
    call_unlink(call);
    call->fn(call->arg, &answer);
    if (kept.is_kept)
        call->transfer = NULL;
    call_free(call);
}

void client_call_over(struct client_call *call)
{
    call_leave(call);
    call->state = CALL_OVER;
    call->timer = timer_start(call->client->loop, 0, 0, call_tell, call);
}

void client_call_fail(struct client_call *call, enum client_fate fate, enum err code, const char *words)
{
    call->fate = fate;
    (void)error_set(&call->error, code, "%s", words);
    client_call_over(call);
}

static void call_on_deadline(void *arg)
{
    struct client_call *call = arg;
    struct client *c = call->client;
    call->timer = NULL;
    if (call->state == CALL_WORKING) {
        bool was_sent = transfer_has_left(call->transfer);
        client_call_fail(call, was_sent ? CLIENT_UNCERTAIN : CLIENT_UNSENT, ERR_TIMEOUT,
                         transfer_late_words(call->transfer));
    } else {
        client_call_fail(call, CLIENT_UNSENT, ERR_TIMEOUT,
                         call->peer->reading != NULL ? "the host was not looked up in time" : "no turn in time");
    }
    client_turn(c);
}

/* ---- the beginning ---- */

static struct client_call *call_new(struct client *c, const struct client_request *r, client_fn fn, void *arg,
                                    bool is_post)
{
    struct arena *a = arena_new_small();
    struct client_call *call = arena_alloc(a, sizeof *call);
    struct error e = {0};
    call->arena = a;
    call->client = c;
    call->fn = fn;
    call->arg = arg;
    call->kind = r->kind;
    call->connect_ms = r->connect_ms;
    call->until_us = clock_mono_us() + r->total_ms * 1000;
    call->transfer = transfer_new(r, is_post);
    call->next = c->calls;
    call->link = &c->calls;
    if (call->next != NULL)
        call->next->link = &call->next;
    c->calls = call;
    if (read_request(call, r, is_post, &e) != ERR_OK) {
        client_call_fail(call, CLIENT_UNSENT, e.code, e.detail);
        return call;
    }
    call_join(call);
    client_turn(c);
    if (call->state == CALL_WAITING)
        client_call_wait(call);
    return call;
}

struct client_call *client_post(struct client *c, const struct client_request *r, client_fn fn, void *arg)
{
    return call_new(c, r, fn, arg, true);
}

struct client_call *client_get(struct client *c, const struct client_request *r, client_fn fn, void *arg)
{
    return call_new(c, r, fn, arg, false);
}
