/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What must be known of a peer before it is called: the addresses of its name, and the files of TLS. Name servers and
 * disks may hang, so a thread of its own reads them; libcurl gets addresses and octets, and looks nothing up itself:
 * its own resolver waits for a thread that hangs.
 */
#include "client_private.h"

#include "file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESSES_MAX  8
#define FILE_MAX_BYTES ((size_t)1 << 20)

struct reading {
    struct peer *peer; /* NULL: nobody waits for it any more */
    struct papers *papers;
    const char *host, *port;
    const char *ca_file, *cert_file, *key_file;
};

void papers_free(struct papers *p)
{
    if (p != NULL)
        arena_free(p->arena);
}

/* ---- on the thread ---- */

static bool host_is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return host[0] == '[' || inet_pton(AF_INET, host, address) == 1;
}

static enum err look_up(struct reading *r, struct error *e)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct buf out;
    unsigned n = 0;
    int rc = getaddrinfo(r->host, NULL, &hints, &found);
    if (rc != 0)
        return error_set(e, ERR_SYSTEM, "%s: %s", r->host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    buf_init(&out, r->papers->arena, 0);
    for (const struct addrinfo *ai = found; ai != NULL && n < ADDRESSES_MAX; ai = ai->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        buf_printf(&out, ai->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", n == 0 ? "" : ",", text);
        n++;
    }
    freeaddrinfo(found);
    if (n == 0)
        return error_set(e, ERR_SYSTEM, "%s: no address", r->host);
    r->papers->resolve = arena_printf(r->papers->arena, "%s:%s:%s", r->host, r->port, out.p);
    return ERR_OK;
}

static enum err read_octets(struct arena *a, FILE *f, const char *file, struct span *out, struct error *e)
{
    char *p = arena_alloc(a, FILE_MAX_BYTES + 1);
    size_t n = fread(p, 1, FILE_MAX_BYTES + 1, f);
    if (ferror(f) != 0)
        return error_set(e, ERR_CONFIG, "%s: %s", file, strerror(errno));
    if (n == 0 || n > FILE_MAX_BYTES)
        return error_set(e, ERR_CONFIG, "%s: %s", file, n == 0 ? "it is empty" : "longer than 1 MiB");
    *out = (struct span){p, n};
    return ERR_OK;
}

static enum err read_file(struct reading *r, const char *file, struct span *out, struct error *e)
{
    if (file == NULL)
        return ERR_OK;
    if (file_may_be_opened(file, e) != ERR_OK)
        return e->code;
    FILE *f = fopen(file, "re");
    if (f == NULL)
        return error_set(e, ERR_CONFIG, "%s: %s", file, strerror(errno));
    enum err rc = read_octets(r->papers->arena, f, file, out, e);
    (void)fclose(f);
    return rc;
}

static void on_thread(void *arg)
{
    struct reading *r = arg;
    struct papers *p = r->papers;
    if (!host_is_address(r->host) && look_up(r, &p->error) != ERR_OK)
        return;
    if (read_file(r, r->ca_file, &p->ca, &p->error) != ERR_OK ||
        read_file(r, r->cert_file, &p->cert, &p->error) != ERR_OK)
        return;
    (void)read_file(r, r->key_file, &p->key, &p->error);
}

/* ---- on the loop ---- */

static void on_home(void *arg)
{
    const struct reading *r = arg;
    if (r->peer == NULL)
        papers_free(r->papers);
    else
        papers_home(r->peer, r->papers);
}

struct papers *papers_without_reading(const struct peer *p)
{
    if (!host_is_address(p->host) || p->ca_file != NULL || p->cert_file != NULL)
        return NULL;
    struct arena *a = arena_new_small();
    struct papers *papers = arena_alloc(a, sizeof *papers);
    papers->arena = a;
    return papers;
}

struct reading *papers_begin(struct peer *p)
{
    struct arena *a = arena_new_small();
    struct reading *r = arena_alloc(a, sizeof *r);
    r->peer = p;
    r->papers = arena_alloc(a, sizeof *r->papers);
    r->papers->arena = a;
    r->host = arena_strdup(a, p->host);
    r->port = arena_strdup(a, p->port);
    r->ca_file = arena_strdup(a, p->ca_file);
    r->cert_file = arena_strdup(a, p->cert_file);
    r->key_file = arena_strdup(a, p->key_file);
    worker_run_alone(p->client->loop, on_thread, on_home, r);
    return r;
}

void papers_abandon(struct reading *r)
{
    r->peer = NULL;
}
