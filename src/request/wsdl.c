/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What ?wsdl, ?wsdl=REVISION and ?xsd=NAME get: the contract, as the build wrote it into wsdl_dir
 * (wsdl/contract.cmake), with its references turned into addresses of this listener, so that any SOAP toolkit can load
 * all of it from one URL, and without the operations that this listener does not serve (SPEC V1, V4). Names come from a
 * fixed list; no query reaches the file system.
 */
#include "request_private.h"

#include "file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const served_files[] = {
    "equeue-plain.wsdl", "equeue-smev2-rev120315.wsdl", "equeue-smev2-rev111111.wsdl", "equeue-types.xsd",
    "equeue-bare.xsd",   "equeue-smev2-rev120315.xsd",  "equeue-smev2-rev111111.xsd",  "smev-rev120315.xsd",
    "smev-rev111111.xsd"};
#define NFILES (sizeof served_files / sizeof served_files[0])

struct wsdl {
    struct span files[NFILES]; /* p NULL: could not be read */
};

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

const char *wsdl_file_name(unsigned i)
{
    return i < NFILES ? served_files[i] : NULL;
}

struct wsdl *wsdl_read(struct arena *a, const struct config *conf)
{
    struct wsdl *w = arena_alloc(a, sizeof *w);
    for (size_t i = 0; i < NFILES; i++)
        w->files[i] = served_file_read(a, conf->wsdl_dir, served_files[i]);
    return w;
}

/* ---- which file ---- */

static const struct span *file_named(const struct wsdl *w, const char *name)
{
    for (size_t i = 0; i < NFILES; i++)
        if (strcmp(name, served_files[i]) == 0)
            return &w->files[i];
    return NULL;
}

/* The file a query asks for, or NULL. */
static const struct span *wsdl_file(const struct endpoint *ep, const char *query)
{
    const struct wsdl *w = ep->service->wsdl;
    const struct description *d = origin_of(ep->conf->kind)->descriptions;
    if (strcasecmp(query, "wsdl") == 0)
        return file_named(w, d->file);
    if (strncasecmp(query, "wsdl=", 5) == 0)
        for (; d->file != NULL; d++)
            if (d->revision != NULL && strcmp(query + 5, d->revision) == 0)
                return file_named(w, d->file);
    const char *dot = strrchr(query, '.');
    if (strncasecmp(query, "xsd=", 4) == 0 && dot != NULL && strcmp(dot, ".xsd") == 0)
        return file_named(w, query + 4);
    return NULL;
}

/* ---- what becomes of it ---- */

/* Of "<start" and a name, the name; NULL: p is no such thing. */
static const char *name_behind(const char *p, const char *end, const char *start, size_t *n)
{
    size_t length = strlen(start);
    if ((size_t)(end - p) <= length || memcmp(p, start, length) != 0)
        return NULL;
    const char *quote = memchr(p + length, '"', (size_t)(end - p) - length);
    *n = quote == NULL ? 0 : (size_t)(quote - p) - length;
    return quote == NULL ? NULL : p + length;
}

/* Is it the name of an operation, or of its message, that is not served here? Of what is no operation nothing is said.
 */
static bool is_left_out(const struct endpoint *ep, const char *name, size_t n)
{
    static const char *const ends[] = {"", "Request", "Response"};
    for (unsigned i = 0; i < BOOKING_METHOD_COUNT * 3; i++) {
        const struct booking_op *op = &booking_ops[i / 3];
        size_t length = strlen(op->name), more = strlen(ends[i % 3]);
        if (n == length + more && memcmp(name, op->name, length) == 0 && memcmp(name + length, ends[i % 3], more) == 0)
            return !source_serves(&ep->source, op);
    }
    return false;
}

/* Where it goes on behind an operation or a message that is left out; p: nothing is. */
static const char *skip_unserved(const struct endpoint *ep, const char *p, const char *end)
{
    static const struct {
        const char *start, *end;
    } parts[] = {{"<wsdl:operation name=\"", "</wsdl:operation>"}, {"<wsdl:message name=\"", "</wsdl:message>"}};
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t n, length = strlen(parts[i].end);
        const char *name = name_behind(p, end, parts[i].start, &n);
        if (name == NULL || !is_left_out(ep, name, n))
            continue;
        const char *close = memmem(p, (size_t)(end - p), parts[i].end, length);
        if (close == NULL)
            return p;
        for (p = close + length; p < end && strchr(" \n", *p) != NULL; p++)
            ;
        return p;
    }
    return p;
}

/*
 * Copies text without what is not served, putting `url` and ?xsd= before each schemaLocation and `url` in place of
 * soap:address's location.
 */
static void wsdl_rewrite(const struct endpoint *ep, struct span text, const char *url, struct buf *out)
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
        } else if (skip_unserved(ep, p, end) != p) {
            p = skip_unserved(ep, p, end);
        } else {
            buf_add_char(out, *p++);
        }
    }
}

enum wsdl_found wsdl_write(const struct endpoint *ep, const char *query, const char *url, struct buf *out)
{
    const struct span *text = wsdl_file(ep, query);
    if (text == NULL || text->p == NULL)
        return text == NULL ? WSDL_UNKNOWN : WSDL_UNREAD;
    wsdl_rewrite(ep, *text, url, out);
    return WSDL_FOUND;
}
