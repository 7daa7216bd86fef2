/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Any octets as a MIME message (Q6): the first line is the Content-Type, the rest the body. What is read holds together
 * and is found by its name; what is refused leaves nothing. Octets written between two boundaries come back as they
 * were.
 */
#include "smev_mime.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so)
        __builtin_trap();
}

static const char *href_of(struct arena *a, const char *id)
{
    struct buf b;
    buf_init(&b, a, 64);
    buf_add_str(&b, "cid:");
    for (const char *p = id; *p != '\0'; p++) {
        buf_add_char(&b, '%');
        buf_add_hex(&b, p, 1);
    }
    return b.p;
}

static void check_message(struct arena *a, const struct mime_message *m, struct span body)
{
    require(m->root.n > 0 && m->root.n <= body.n);
    for (unsigned i = 0; i < m->nparts && i < 16; i++) {
        require(m->parts[i].octets.n <= body.n);
        require(i == 0 || strcmp(m->parts[i - 1].id, m->parts[i].id) < 0);
        require(mime_find(a, m, href_of(a, m->parts[i].id)) == &m->parts[i]);
    }
}

static void check_round_trip(struct arena *a, struct span octets)
{
    static const char type[] = "multipart/related; boundary=\"=_b\"; start=\"<r>\"";
    if (memmem(octets.p, octets.n, "--=_b", 5) != NULL)
        return;
    struct buf b;
    struct error e = {0};
    struct mime_message m;
    buf_init(&b, a, octets.n + 256);
    buf_add_str(&b, "--=_b\r\nContent-ID: <p>\r\n\r\n");
    buf_add_span(&b, octets);
    buf_add_str(&b, "\r\n--=_b\r\nContent-ID: <r>\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--=_b--\r\n");
    require(mime_read(a, type, buf_span(&b), &mime_limits_default, &m, &e) == ERR_OK);
    require(span_is(m.root, "<a/>") && m.nparts == 1);
    require(span_equals(m.parts[0].octets, octets));
    b.n -= 4; /* without the end of the last boundary it was cut off */
    require(mime_read(a, type, buf_span(&b), &mime_limits_default, &m, &e) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    const char *text = arena_copy(a, data, size), *line = memchr(text, '\n', size);
    size_t n = line != NULL ? (size_t)(line - text) : size;
    struct span body = {line != NULL ? line + 1 : "", line != NULL ? size - n - 1 : 0};
    struct error e = {0};
    struct mime_message m;
    size_t before = arena_size(a);
    enum err err = mime_read(a, arena_strndup(a, text, n), body, &mime_limits_default, &m, &e);
    require(arena_size(a) - before <= 4 * size + (size_t)256 * 1024);
    require(err == e.code);
    if (err == ERR_OK)
        check_message(a, &m, body);
    else
        require(m.root.p == NULL && m.parts == NULL && e.detail[0] != '\0');
    check_round_trip(a, body);
    arena_free(a);
    return 0;
}
