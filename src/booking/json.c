/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Reads what PostgreSQL prints for a jsonb list of attributes. PostgreSQL wrote it, so it is well-formed; whatever is
 * of another shape is our own mistake and is said so, never guessed at.
 */
#include "json.h"

#include "ascii.h"

#include <stdint.h>
#include <string.h>

struct reader {
    struct arena *arena;
    const char *p;
    bool is_bad;
};

static void skip_blanks(struct reader *r)
{
    r->p += strspn(r->p, " \t\r\n");
}

static bool accept(struct reader *r, char c)
{
    if (r->is_bad)
        return false;
    skip_blanks(r);
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

static void expect(struct reader *r, char c)
{
    if (!accept(r, c))
        r->is_bad = true;
}

static uint32_t read_hex4(struct reader *r)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        int digit = ascii_hex(*r->p);
        if (digit < 0) {
            r->is_bad = true;
            return 0;
        }
        value = value << 4 | (uint32_t)digit;
    }
    return value;
}

/* Behind "\u". A lone surrogate cannot be in jsonb, nor can U+0000. */
static void read_unicode(struct reader *r, struct buf *b)
{
    uint32_t c = read_hex4(r);
    if (c >= 0xD800 && c < 0xDC00 && r->p[0] == '\\' && r->p[1] == 'u') {
        r->p += 2;
        uint32_t low = read_hex4(r);
        if (low < 0xDC00 || low > 0xDFFF)
            r->is_bad = true;
        c = 0x10000 + ((c & 0x3FF) << 10) + (low & 0x3FF);
    } else if (c == 0 || (c >= 0xD800 && c <= 0xDFFF)) {
        r->is_bad = true;
    }
    if (!r->is_bad)
        buf_add_utf8(b, c);
}

static const char *read_string(struct reader *r)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    struct buf b;
    buf_init(&b, r->arena, 32);
    expect(r, '"');
    while (!r->is_bad && *r->p != '"') {
        char c = *r->p;
        if (c == '\0') {
            r->is_bad = true; /* p stays on the end of the text */
            break;
        }
        r->p++;
        if (c != '\\') {
            buf_add_char(&b, c);
        } else if (*r->p == 'u') {
            r->p++;
            read_unicode(r, &b);
        } else {
            const char *known = *r->p == '\0' ? NULL : strchr(names, *r->p);
            if (known == NULL) {
                r->is_bad = true;
            } else {
                buf_add_char(&b, values[known - names]);
                r->p++;
            }
        }
    }
    if (r->is_bad)
        return "";
    r->p++;
    return b.n == 0 ? "" : b.p;
}

/* A string, or the text of a number, true, false; null is "". */
static const char *read_scalar(struct reader *r)
{
    skip_blanks(r);
    if (*r->p == '"')
        return read_string(r);
    size_t n = strcspn(r->p, ",}] \t\r\n[{\"");
    const char *text = arena_strndup(r->arena, r->p, n);
    r->p += n;
    if (n == 0)
        r->is_bad = true;
    return strcmp(text, "null") == 0 ? "" : text;
}

static struct attribute read_attribute(struct reader *r)
{
    struct attribute out = {NULL, ""};
    expect(r, '{');
    do {
        const char *key = read_string(r);
        expect(r, ':');
        const char *value = read_scalar(r);
        if (strcmp(key, "name") == 0)
            out.name = value;
        else if (strcmp(key, "value") == 0)
            out.value = value;
        else
            r->is_bad = true;
    } while (!r->is_bad && accept(r, ','));
    expect(r, '}');
    if (out.name == NULL)
        r->is_bad = true;
    return out;
}

/* No item is shorter than this, so the text bounds their number. */
#define ITEM_BYTES_MIN (sizeof "{\"name\":0}" - 1)

enum err json_read_attributes(struct arena *a, const char *text, struct attributes *out, struct error *e)
{
    *out = (struct attributes){0};
    if (text == NULL || *text == '\0')
        return ERR_OK;
    struct reader r = {.arena = a, .p = text};
    expect(&r, '[');
    if (!r.is_bad && !accept(&r, ']')) {
        out->items = arena_array(a, strlen(text) / ITEM_BYTES_MIN + 1, sizeof *out->items);
        do {
            out->items[out->n] = read_attribute(&r);
            out->n += !r.is_bad;
        } while (!r.is_bad && accept(&r, ','));
        expect(&r, ']');
    }
    skip_blanks(&r);
    if (r.is_bad || *r.p != '\0') {
        *out = (struct attributes){0};
        return error_set(e, ERR_INTERNAL, "attributes from SQL are not a list of name and value");
    }
    return ERR_OK;
}
