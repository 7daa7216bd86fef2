/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Text arrays in PostgreSQL's external form (manual, "Array Input and Output Syntax"): one dimension, lower bound 1.
 * Writing quotes every item, so that blanks, commas, braces and the word NULL need no second thought.
 */
#include "db_private.h"

#include <string.h>
#include <strings.h>

static size_t quoted_size(const char *const *items, unsigned n)
{
    size_t size = sizeof "{}";
    for (unsigned i = 0; i < n; i++)
        size += items[i] == NULL ? sizeof "NULL," : 2 * strlen(items[i]) + sizeof "\"\",";
    return size;
}

static char *put_quoted(char *out, const char *item)
{
    *out++ = '"';
    for (; *item != '\0'; item++) {
        if (*item == '"' || *item == '\\')
            *out++ = '\\';
        *out++ = *item;
    }
    *out++ = '"';
    return out;
}

char *db_text_array(struct arena *a, const char *const *items, unsigned n)
{
    char *text = arena_alloc(a, quoted_size(items, n)), *out = text;

    *out++ = '{';
    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            *out++ = ',';
        if (items[i] == NULL) {
            memcpy(out, "NULL", 4);
            out += 4;
        } else {
            out = put_quoted(out, items[i]);
        }
    }
    *out++ = '}';
    *out = '\0';
    return text;
}

/* ---- parsing ---- */

/* Both return what follows the item, or NULL when it is not well-formed. out has room for the whole rest of the text.
 */
static const char *take_quoted(const char *in, char *out)
{
    for (in++; *in != '"'; in++) {
        if (*in == '\\')
            in++;
        if (*in == '\0')
            return NULL;
        *out++ = *in;
    }
    *out = '\0';
    return in + 1;
}

static const char *take_plain(const char *in, char *out)
{
    size_t n = 0;
    for (; *in != ',' && *in != '}'; in++) {
        if (*in == '\\')
            in++;
        if (*in == '\0' || *in == '{' || *in == '"')
            return NULL;
        out[n++] = *in;
    }
    out[n] = '\0';
    return n > 0 ? in : NULL;
}

static unsigned count_commas(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; text++)
        n += *text == ',';
    return n;
}

/* `in` stands behind the opening brace. */
static const char *take_items(struct arena *a, const char *in, const char **items, unsigned *n)
{
    char *room = arena_alloc(a, strlen(in) + 1); /* unescaped items, one behind the other: never longer than the text */

    for (;;) {
        bool is_quoted = *in == '"';
        const char *next = is_quoted ? take_quoted(in, room) : take_plain(in, room);
        if (next == NULL)
            return NULL;
        bool is_null = !is_quoted && strcasecmp(room, "NULL") == 0;
        items[(*n)++] = is_null ? NULL : room;
        room += strlen(room) + 1;
        if (*next == '}')
            return next + 1;
        if (*next != ',')
            return NULL;
        in = next + 1;
    }
}

enum err db_parse_text_array(struct arena *a, const char *text, const char ***items, unsigned *n, struct error *e)
{
    const char *end = NULL;

    *items = NULL;
    *n = 0;
    if (text == NULL)
        return ERR_OK;
    if (text[0] == '{' && text[1] == '}') {
        end = text + 2;
    } else if (text[0] == '{') {
        *items = arena_array(a, count_commas(text) + 1, sizeof **items);
        end = take_items(a, text + 1, *items, n);
    }
    if (end != NULL && *end == '\0')
        return ERR_OK;
    *items = NULL;
    *n = 0;
    return error_set(e, ERR_DATABASE, "a value is not a one-dimensional text array");
}
