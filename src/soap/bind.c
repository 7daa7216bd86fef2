/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Octets into a request, by gSOAP's generated readers. gSOAP sees a buffer, never a socket, and serves nothing: no
 * soap_serve(), no envelope, no header. It judges no value either: the generated types are all strings (see
 * wsdl/typemap.dat); schema and field rules judge, so that all bad fields of a request come out together (M10).
 *
 * A context is 160 KiB, so each thread keeps one and empties it after each message. What passed through it may be
 * personal data and is wiped: the strings by typemap.c, the read buffers here.
 */
#include "soap.h"

#include "typemap.h"

#include "eqH.h"

#include <pthread.h>
#include <string.h>

/* libgsoap wants a global table of this name: prefix "eq" and what else the generated code knows. */
#include "EqueueSoap11.nsmap"

/* Deeper or longer than any valid message; the prescan has refused such bytes before. */
#define BIND_LEVEL_MAX 128
#define BIND_ARRAY_MAX 50000

/*
 * UTFSTRING: without it gSOAP cuts characters to 8 bits and says nothing. TREE: no SOAP-encoding references, an
 * element is where it stands.
 */
#define BIND_MODE (SOAP_C_UTFSTRING | SOAP_XML_TREE)

static pthread_key_t context_key;
static bool context_key_made;

static void context_free(void *p)
{
    soap_free(p);
}

void soap_binding_init(void)
{
    if (!context_key_made)
        context_key_made = pthread_key_create(&context_key, context_free) == 0;
}

void soap_binding_fini(void)
{
    if (!context_key_made)
        return;
    struct soap *mine = pthread_getspecific(context_key);
    if (mine != NULL)
        soap_free(mine);
    pthread_key_delete(context_key);
    context_key_made = false;
}

static size_t context_recv(struct soap *soap, char *p, size_t n)
{
    struct span *rest = soap->user;
    size_t take = n < rest->n ? n : rest->n;
    if (take > 0)
        memcpy(p, rest->p, take);
    rest->p += take;
    rest->n -= take;
    return take; /* 0 is the end */
}

static struct soap *context_get(void)
{
    struct soap *soap = context_key_made ? pthread_getspecific(context_key) : NULL;
    if (soap != NULL || !context_key_made)
        return soap;
    soap = soap_new1(BIND_MODE);
    if (soap == NULL)
        return NULL;
    soap->frecv = context_recv;
    soap->maxlevel = BIND_LEVEL_MAX;
    soap->maxoccurs = BIND_ARRAY_MAX;
    if (pthread_setspecific(context_key, soap) == 0)
        return soap;
    soap_free(soap);
    return NULL;
}

/*
 * soap_end() would besides look through the tables of references, 50 KiB that stay empty (SOAP_XML_TREE); the next
 * soap_begin_recv() does, and takes the attributes along.
 */
static void context_empty(struct soap *soap, size_t seen)
{
    explicit_bzero(soap->buf, seen < sizeof soap->buf ? seen : sizeof soap->buf);
    if (soap->labbuf != NULL)
        explicit_bzero(soap->labbuf, soap->lablen);
    for (const struct soap_attribute *attr = soap->attributes; attr != NULL; attr = attr->next)
        if (attr->value != NULL)
            explicit_bzero(attr->value, attr->size);
    soap_dealloc(soap, NULL);
}

enum err soap_bind_request(struct arena *a, enum booking_method method, struct span octets, struct booking_request *out,
                           struct error *e)
{
    *out = (struct booking_request){.method = method};
    if ((unsigned)method >= BOOKING_METHOD_COUNT)
        return error_set(e, ERR_INTERNAL, "no binding for method %d", (int)method);
    /* Canonical octets begin with the element; at anything else gSOAP would look for an HTTP header. */
    if (octets.n == 0 || octets.p[0] != '<')
        return error_set(e, ERR_INPUT, "no element to bind");
    struct soap *soap = context_get();
    if (soap == NULL)
        return error_set(e, ERR_INTERNAL, "no context for the data binding");

    struct span rest = octets;
    soap->user = &rest;
    /* soap_end_recv() is for attachments and references, which there are none of. */
    bool is_read = soap_begin_recv(soap) == SOAP_OK && typemap_readers[method](soap, a, out);
    int code = soap->error; /* a number only: gSOAP's words may quote the message */
    context_empty(soap, octets.n);
    soap->user = NULL;
    if (!is_read)
        return error_set(e, ERR_INPUT, "request does not fit its type (gSOAP error %d)", code);
    return ERR_OK;
}
