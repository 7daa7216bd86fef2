/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* GET <path>?wsdl and ?xsd=NAME over HTTP: the address that is told to whoever asks, and the answer. */
#include "request_private.h"

#include <string.h>

static const char *public_url(struct arena *a, const struct endpoint *ep, const struct http_request *http)
{
    if (ep->conf->public_url != NULL)
        return ep->conf->public_url;
    const char *host = http_host(http);
    return arena_printf(a, "%s://%s%s", http->is_tls ? "https" : "http", host != NULL ? host : "localhost",
                        ep->conf->path);
}

void wsdl_on_get(const struct endpoint *ep, const struct http_request *http)
{
    if (strcmp(http->method, "GET") != 0 && strcmp(http->method, "HEAD") != 0) {
        http_refuse(http, 405, "method not served here", "POST, or GET ?wsdl\n", "Allow: POST, GET, HEAD\r\n");
        return;
    }
    struct arena *a = arena_new();
    struct buf out;
    buf_init(&out, a, 32768);
    enum wsdl_found found = wsdl_write(ep, http->query, public_url(a, ep, http), &out);
    if (found == WSDL_FOUND)
        http_respond(
            http->exchange,
            &(struct http_response){.status = 200, .content_type = "text/xml; charset=utf-8", .body = buf_span(&out)});
    else
        http_refuse(http, 404,
                    found == WSDL_UNKNOWN ? "neither ?wsdl nor ?xsd" : "a file of the WSDL could not be read",
                    origin_of(ep->conf->kind)->descriptions->revision == NULL
                        ? "ask for ?wsdl\n"
                        : "ask for ?wsdl, ?wsdl=rev120315 or ?wsdl=rev111111\n",
                    NULL);
    arena_free(a);
}
