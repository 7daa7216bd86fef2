/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * GET <path>?wsdl and <path>?xsd=NAME: the files of wsdl/ and schemas/ with their references turned into addresses of
 * this listener, so that any SOAP toolkit can load all of it from one URL (SPEC V1). Names come from a fixed list; the
 * query never reaches the file system.
 */
#include "request_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const served_schemas[] = {"equeue-types.xsd", "equeue-bare.xsd", "equeue-smev2.xsd",
                                             "smev-rev120315.xsd", "smev-rev111111.xsd"};

static void wsdl_respond(struct exchange *x, int status, const char *type, struct span body, const char *headers)
{
    http_respond(
        x, &(struct http_response){.status = status, .content_type = type, .body = body, .extra_headers = headers});
}

static enum err file_read(struct arena *a, const char *path, struct span *out, struct error *e)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return error_set(e, ERR_SYSTEM, "cannot open %s", path);
    struct buf text;
    buf_init(&text, a, 16384);
    char chunk[8192];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(&text, chunk, n);
    (void)fclose(f);
    *out = buf_span(&text);
    return ERR_OK;
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

/* The path of the file a query asks for, or NULL. */
static const char *wsdl_file(struct arena *a, const struct endpoint *ep, const char *query)
{
    const struct config *conf = ep->service->conf;
    if (strcasecmp(query, "wsdl") == 0)
        return arena_printf(a, "%s/%s", conf->wsdl_dir,
                            ep->conf->kind == LISTENER_SMEV2 ? "equeue-smev2.wsdl" : "equeue-plain.wsdl");
    if (strncasecmp(query, "xsd=", 4) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof served_schemas / sizeof served_schemas[0]; i++)
        if (strcmp(query + 4, served_schemas[i]) == 0)
            return arena_printf(a, "%s/%s", conf->schema_dir, served_schemas[i]);
    return NULL;
}

static const char *public_url(struct arena *a, const struct endpoint *ep, const struct http_request *http)
{
    if (ep->conf->public_url != NULL)
        return ep->conf->public_url;
    const char *host = http_header(http, "Host");
    const char *address = host != NULL && strpbrk(host, "<>&\"'\\ ") == NULL ? host : ep->conf->address;
    return arena_printf(a, "%s://%s%s", ep->conf->tls_cert != NULL ? "https" : "http", address, ep->conf->path);
}

void wsdl_on_get(const struct endpoint *ep, const struct http_request *http)
{
    if (strcmp(http->method, "GET") != 0 && strcmp(http->method, "HEAD") != 0) {
        http_refuse(http, 405, "method not served here", "POST, or GET ?wsdl\n", "Allow: POST, GET, HEAD\r\n");
        return;
    }
    struct arena *a = arena_new();
    const char *path = wsdl_file(a, ep, http->query);
    struct error e = {0};
    struct span text = {0};
    if (path == NULL || file_read(a, path, &text, &e) != ERR_OK) {
        http_refuse(http, 404, path == NULL ? "neither ?wsdl nor ?xsd" : "a file of the WSDL cannot be read",
                    "ask for ?wsdl\n", NULL);
    } else {
        struct buf out;
        buf_init(&out, a, text.n + 1024);
        wsdl_rewrite(text, public_url(a, ep, http), &out);
        wsdl_respond(http->exchange, 200, "text/xml; charset=utf-8", buf_span(&out), NULL);
    }
    arena_free(a);
}
