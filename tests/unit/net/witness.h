/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A second reader of HTTP, of the whole standard: llhttp. What our parser takes for one request must be one request to
 * him, neither shorter nor longer, with the same method, target, fields and body; and where we go on listening he must
 * not expect the connection to end.
 */
#pragma once

#include "net/http.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct testimony {
    char *text; /* target, fields and body as he reads them, one behind the other, each ended by '\n' */
    size_t n;
    bool is_whole;
};

static inline int testimony_add(llhttp_t *w, const char *at, size_t n)
{
    struct testimony *t = w->data;
    memcpy(t->text + t->n, at, n);
    t->n += n;
    return 0;
}

static inline int testimony_line(llhttp_t *w)
{
    return testimony_add(w, "\n", 1);
}

/* He hands out the white space behind a value, which is none of it (RFC 9110 section 5.5). */
static inline int testimony_value(llhttp_t *w)
{
    struct testimony *t = w->data;
    while (t->text[t->n - 1] == ' ' || t->text[t->n - 1] == '\t')
        t->n--;
    return testimony_line(w);
}

static inline int testimony_head(llhttp_t *w)
{
    w->upgrade = 0; /* Upgrade is ignored by us, as RFC 9110 section 7.8 allows */
    return 0;
}

static inline int testimony_end(llhttp_t *w)
{
    ((struct testimony *)w->data)->is_whole = true;
    return 0;
}

/* The same of what we read; raw: as it came, for the target. */
static inline void our_reading(const struct http_message *m, struct span raw, struct testimony *out)
{
    llhttp_t to = {.data = out};
    const char *target = memchr(raw.p, ' ', raw.n);
    const char *end = target == NULL ? NULL : memchr(target + 1, ' ', raw.n - (size_t)(target + 1 - raw.p));
    if (end == NULL)
        abort();
    (void)testimony_add(&to, target + 1, (size_t)(end - target - 1));
    (void)testimony_line(&to);
    for (unsigned i = 0; i < m->field_count; i++) {
        const struct http_field *f = &m->fields[i];
        (void)testimony_add(&to, m->head.p + f->name, f->name_n);
        (void)testimony_line(&to);
        (void)testimony_add(&to, m->head.p + f->value, f->value_n);
        (void)testimony_line(&to);
    }
    (void)testimony_add(&to, m->body.n > 0 ? m->body.p : "", m->body.n);
}

/*
 * Chunk extensions as a reader has them who skips to the end of the line, without a look at quotes: letters in their
 * place. llhttp 8 knows neither an extension behind one with a value nor an escape in quotes (RFC 9112 section 7.1.1).
 * False: something in them could be the end of a line to somebody.
 */
static inline bool extensions_hide(char *text, size_t n)
{
    char *end = text + n, *line = (char *)memmem(text, n, "\r\n\r\n", 4) + 4;
    for (unsigned long size = 1; size > 0;) {
        char *more = NULL;
        size = strtoul(line, &more, 16);
        char *line_end = memmem(more, (size_t)(end - more), "\r\n", 2);
        if (line_end == NULL)
            return false;
        for (char *at = more + 1; *more == ';' && at < line_end; at++) {
            if ((unsigned char)*at < 0x20 && *at != '\t')
                return false;
            *at = 'x';
        }
        line = line_end + 2 + size + 2;
    }
    return true;
}

/* NULL: he agrees that raw is m. Otherwise in what he does not. */
static inline const char *witness_objection(const struct http_message *m, struct span raw)
{
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = testimony_add;
    settings.on_url_complete = testimony_line;
    settings.on_header_field = testimony_add;
    settings.on_header_field_complete = testimony_line;
    settings.on_header_value = testimony_add;
    settings.on_header_value_complete = testimony_value;
    settings.on_body = testimony_add;
    settings.on_headers_complete = testimony_head;
    settings.on_message_complete = testimony_end;
    struct testimony his = {malloc(4 * raw.n + 16), 0, false}, ours = {malloc(4 * raw.n + 16), 0, true};
    if (his.text == NULL || ours.text == NULL)
        abort();
    our_reading(m, raw, &ours);
    char *text = malloc(raw.n), *version;
    if (text == NULL)
        abort();
    memcpy(text, raw.p, raw.n);
    version = memchr(text, '\r', raw.n); /* he knows no later minor version than 1, as which it is to be read */
    if (version != NULL && version - text > 8 && version[-1] > '1')
        version[-1] = '1';
    llhttp_t w;
    llhttp_init(&w, HTTP_REQUEST, &settings);
    w.data = &his;
    const char *objection = NULL;
    if (m->chunked && !extensions_hide(text, raw.n))
        objection = "an extension that has ends of lines in it";
    else if (llhttp_execute(&w, text, raw.n - 1) != HPE_OK)
        objection = "to him it is no request";
    else if (his.is_whole)
        objection = "to him it ends before";
    else if (llhttp_execute(&w, text + raw.n - 1, 1) != HPE_OK || !his.is_whole)
        objection = "to him it goes on";
    else if (strcmp(llhttp_method_name((llhttp_method_t)w.method), m->method) != 0 ||
             w.http_minor != (unsigned)m->version_minor)
        objection = "method or version";
    else if (his.n != ours.n || memcmp(his.text, ours.text, ours.n) != 0)
        objection = "target, fields or body";
    else if (m->keep_alive && llhttp_should_keep_alive(&w) == 0)
        objection = "to him the connection ends";
    free(text);
    free(his.text);
    free(ours.text);
    return objection;
}

struct confrontation {
    const struct http_limits *limits;
    unsigned requests, refusals;
    struct span raw; /* of the request last looked at */
};

/* Our parser over all of bytes, the witness over each request it finds. Returns his first objection; NULL: none. */
static inline const char *witness_confront(struct confrontation *all, const char *bytes, size_t n)
{
    const char *objection = NULL;
    struct http_parser *p = http_parser_new(all->limits);
    size_t done = 0, begin = 0;
    while (objection == NULL && done < n && http_parser_phase(p) != HTTP_PHASE_REFUSED) {
        size_t used = 0;
        enum http_event event = http_parser_feed(p, bytes + done, n - done, &used);
        done += used;
        all->refusals += event == HTTP_EV_REFUSED;
        if (event != HTTP_EV_REQUEST)
            continue;
        bool has_empty_line = bytes[begin] == '\r'; /* one is forgiven before a request */
        all->raw = (struct span){bytes + begin + (has_empty_line ? 2 : 0), done - begin - (has_empty_line ? 2 : 0)};
        struct http_message *m = http_parser_take(p);
        objection = witness_objection(m, all->raw);
        http_message_free(m);
        all->requests++;
        begin = done;
    }
    http_parser_free(p);
    return objection;
}
