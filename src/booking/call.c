/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Parameters of the SQL calls. Values never become SQL text: the texts are constants and every value is a parameter
 * (P4), bytea in binary, all else as text with its cast in the statement.
 */
#include "call.h"

#include "clock.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SERVICE_ID_BYTES 400 /* of 100 characters (data.service) */

struct call *call_new(struct arena *a)
{
    struct call *c = arena_alloc(a, sizeof *c);
    c->arena = a;
    return c;
}

void call_add_text(struct call *c, const char *value)
{
    if (c->n == CALL_PARAMS_MAX)
        abort(); /* the statements are ours; the first test would meet it */
    c->values[c->n++] = value;
}

void call_add_bool(struct call *c, bool value)
{
    call_add_text(c, value ? "true" : "false");
}

void call_add_bytes(struct call *c, struct span bytes)
{
    if (bytes.n > INT_MAX)
        abort(); /* the listener's limit is far below */
    c->lengths[c->n] = (int)bytes.n;
    c->is_binary[c->n] = 1;
    call_add_text(c, bytes.p == NULL ? "" : bytes.p);
}

void call_add_kept(struct call *c, struct span bytes)
{
    c->is_kept[c->n] = 1;
    call_add_bytes(c, bytes);
}

void call_add_list(struct call *c, const struct strings *list)
{
    call_add_text(c, db_text_array(c->arena, list->items, list->n));
}

void call_add_fields(struct call *c, const struct field_errors *bad)
{
    unsigned n = bad == NULL ? 0 : bad->n;
    const char **names = arena_array(c->arena, n + 1, sizeof *names);
    for (unsigned i = 0; i < n; i++)
        names[i] = bad->items[i].field;
    call_add_text(c, db_text_array(c->arena, names, n));
}

void call_add_words(struct call *c, const struct field_errors *bad)
{
    unsigned n = bad == NULL ? 0 : bad->n;
    const char **words = arena_array(c->arena, n + 1, sizeof *words);
    for (unsigned i = 0; i < n; i++)
        words[i] = bad->items[i].message;
    call_add_text(c, db_text_array(c->arena, words, n));
}

void call_add_attributes(struct call *c, const struct attributes *list)
{
    struct buf b;
    buf_init(&b, c->arena, 64);
    buf_add_char(&b, '[');
    for (unsigned i = 0; i < list->n; i++) {
        buf_add_str(&b, i == 0 ? "{\"name\":" : ",{\"name\":");
        buf_add_json(&b, span_of(list->items[i].name));
        buf_add_str(&b, ",\"value\":");
        buf_add_json(&b, span_of(list->items[i].value));
        buf_add_char(&b, '}');
    }
    buf_add_char(&b, ']');
    call_add_text(c, b.p);
}

/* The portal names the service among the attributes as well; which of the values are services is known to SQL. */
void call_add_named_services(struct call *c, const struct attributes *list)
{
    struct strings named = {arena_array(c->arena, list->n + 1, sizeof *named.items), 0};
    for (unsigned i = 0; i < list->n; i++) {
        const struct attribute *attribute = &list->items[i];
        if (attribute->name != NULL && attribute->value != NULL && strcasecmp(attribute->name, "serviceId") == 0 &&
            strlen(attribute->value) <= SERVICE_ID_BYTES)
            named.items[named.n++] = attribute->value;
    }
    call_add_list(c, &named);
}

void call_add_message(struct call *c, const struct booking_message *m)
{
    char *received = arena_alloc(c->arena, CLOCK_TEXT_SIZE);
    clock_format(m->received_us, 0, received);
    call_add_text(c, m->listener);
    call_add_text(c, m->channel);
    call_add_text(c, m->peer);
    call_add_text(c, m->sender_code);
    call_add_text(c, m->recipient_code);
    call_add_text(c, m->message_id);
    call_add_text(c, m->method);
    call_add_text(c, m->verdict);
    call_add_text(c, m->portal_time);
    call_add_text(c, m->case_number);
    call_add_bytes(c, (struct span){(const char *)m->digest, sizeof m->digest});
    call_add_text(c, received);
    call_add_bool(c, m->test);
    call_add_bytes(c, m->body);
    call_add_bool(c, m->by_id);
}

struct db_call call_end(struct call *c, const char *sql)
{
    return (struct db_call){.sql = sql,
                            .nparams = c->n,
                            .values = c->values,
                            .lengths = c->lengths,
                            .is_binary = c->is_binary,
                            .is_kept = c->is_kept};
}
