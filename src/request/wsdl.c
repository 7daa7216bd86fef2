/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * GET <path>?wsdl and <path>?xsd=NAME: the files of wsdl/ and schemas/ with their references turned into addresses of
 * this listener, so that any SOAP toolkit can load all of it from one URL (SPEC V1). Names come from a fixed list; no
 * query reaches the file system.
 */
#include "request_private.h"

#include "file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const served_schemas[] = {"equeue-types.xsd", "equeue-bare.xsd", "equeue-smev2.xsd",
                                             "smev-rev120315.xsd", "smev-rev111111.xsd"};
#define NSCHEMAS (sizeof served_schemas / sizeof served_schemas[0])

struct wsdl {
    struct span origins[LISTENER_UNSET], schemas[NSCHEMAS]; /* p NULL: could not be read */
};

static void wsdl_respond(struct exchange *x, int status, const char *type, struct span body, const char *headers)
{
    http_respond(
        x, &(struct http_response){.status = status, .content_type = type, .body = body, .extra_headers = headers});
}

static struct span served_file_read(struct arena *a, const char *folder, const char *name)
{
    const char *path = arena_printf(a, "%s/%s", folder, name);
    file_at(path);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return (struct span){0};
    struct buf text;
    buf_init(&text, a, 16384);
    char chunk[8192];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(&text, chunk, n);
    (void)fclose(f);
    return buf_span(&text);
}

const char *wsdl_file_name(enum listener_kind kind)
{
    return origin_of(kind)->wsdl;
}

struct wsdl *wsdl_read(struct arena *a, const struct config *conf)
{
    struct wsdl *w = arena_alloc(a, sizeof *w);
    for (unsigned i = 0; i < LISTENER_UNSET; i++)
        w->origins[i] = served_file_read(a, conf->wsdl_dir, wsdl_file_name((enum listener_kind)i));
    for (size_t i = 0; i < NSCHEMAS; i++)
        w->schemas[i] = served_file_read(a, conf->schema_dir, served_schemas[i]);
    return w;
}

/* Copies text, putting `url` and ?xsd= before each schemaLocation and in place of soap:address's location. */
static void wsdl_rewrite(struct span text, const char *url, struct buf *out)
{
    static const char schema[] = "schemaLocation=\"";
    static const char address[] = "location=\"http://localhost/equeue\"";
    const char *end = text.p + text.n;
    for (const char *p = text.p; p < end;) {
        size_t left = (size_t)(end - p);
        if (left > sizeof schema && memcmp(p, schema, sizeof schema - 1) == 0) {
            buf_add(out, p, sizeof schema - 1);
            buf_add_xml_attr(out, span_of(url));
            buf_add_str(out, "?xsd=");
            p += sizeof schema - 1;
        } else if (left > sizeof address && memcmp(p, address, sizeof address - 1) == 0) {
            buf_add_str(out, "location=\"");
            buf_add_xml_attr(out, span_of(url));
            buf_add_char(out, '"');
            p += sizeof address - 1;
        } else {
            buf_add_char(out, *p++);
        }
    }
}

/* The file a query asks for, or NULL. */
static const struct span *wsdl_file(const struct endpoint *ep, const char *query)
{
    const struct wsdl *w = ep->service->wsdl;
    if (strcasecmp(query, "wsdl") == 0)
        return &w->origins[ep->conf->kind];
    for (size_t i = 0; i < NSCHEMAS && strncasecmp(query, "xsd=", 4) == 0; i++)
        if (strcmp(query + 4, served_schemas[i]) == 0)
            return &w->schemas[i];
    return NULL;
}

static const char *public_url(struct arena *a, const struct endpoint *ep, const struct http_request *http)
{
    if (ep->conf->public_url != NULL)
        return ep->conf->public_url;
    const char *address = ep->conf->address;
    bool is_net = strncmp(address, "fd:", 3) != 0 && strncmp(address, "unix:", 5) != 0;
    return arena_printf(a, "%s://%s%s", http->is_tls ? "https" : "http", is_net ? address : "localhost",
                        ep->conf->path);
}

void wsdl_on_get(const struct endpoint *ep, const struct http_request *http)
{
    if (strcmp(http->method, "GET") != 0 && strcmp(http->method, "HEAD") != 0) {
        http_refuse(http, 405, "method not served here", "POST, or GET ?wsdl\n", "Allow: POST, GET, HEAD\r\n");
        return;
    }
    const struct span *text = wsdl_file(ep, http->query);
    if (text == NULL || text->p == NULL) {
        http_refuse(http, 404, text == NULL ? "neither ?wsdl nor ?xsd" : "a file of the WSDL could not be read",
                    "ask for ?wsdl\n", NULL);
        return;
    }
    struct arena *a = arena_new();
    struct buf out;
    buf_init(&out, a, text->n + 1024);
    wsdl_rewrite(*text, public_url(a, ep, http), &out);
    wsdl_respond(http->exchange, 200, "text/xml; charset=utf-8", buf_span(&out), NULL);
    arena_free(a);
}
