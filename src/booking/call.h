/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Building a db_call parameter by parameter, in the order of its placeholders. Private to booking. */
#pragma once

#include "booking.h"

#define CALL_PARAMS_MAX 32
struct call {
    struct arena *arena;
    unsigned n;
    const char *values[CALL_PARAMS_MAX];
    int lengths[CALL_PARAMS_MAX];
    unsigned char is_binary[CALL_PARAMS_MAX], is_kept[CALL_PARAMS_MAX];
};
struct call *call_new(struct arena *a);
void call_add_text(struct call *c, const char *value); /* NULL is SQL NULL; the text must outlive the call */
void call_add_bool(struct call *c, bool value);
void call_add_bytes(struct call *c, struct span bytes);
void call_add_kept(struct call *c, struct span bytes);                /* the same; they live until the call is done */
void call_add_list(struct call *c, const struct strings *list);       /* text[] */
void call_add_fields(struct call *c, const struct field_errors *bad); /* text[] of their names */
void call_add_words(struct call *c, const struct field_errors *bad);  /* text[] of what is wrong with each */
void call_add_attributes(struct call *c, const struct attributes *list); /* jsonb [{"name":..,"value":..}] */
void call_add_named_services(struct call *c,
                             const struct attributes *list);     /* text[]: values of serviceId, in any case */
void call_add_filter(struct call *c, const struct predicate *p); /* jsonb; NULL is SQL NULL */
/* The row api.message: the first parameters of every journalled call. */
#define CALL_MESSAGE                                                                                                   \
    "row($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, "        \
    "$11::bytea, $12::timestamptz, $13::boolean, $14::bytea, $15::boolean)::api.message"
void call_add_message(struct call *c, const struct booking_message *m);
struct db_call call_end(struct call *c, const char *sql); /* sql: a text fixed at compile time */
