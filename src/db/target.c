/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Where to connect to. Names are looked up anew for each attempt (attempt.c), and libpq gets hostaddr= beside host=, so
 * that each address of a name has its turn.
 */
#include "db_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_S = 10, CONNECT_TIMEOUT_OF_SEVERAL_S = 3 };

/* What we want unless the connection string says otherwise: it comes later in the list, and the later one counts. */
static const char *const default_keys[] = {
    "fallback_application_name", "client_encoding",  "tcp_user_timeout", "keepalives_idle",
    "keepalives_interval",       "keepalives_count", "gssencmode",
};
static const char *const default_values[] = {
    "zapisd", "UTF8", "10000", "30", "5", "3", "disable",
};
#define NDEFAULTS (sizeof default_keys / sizeof *default_keys)

/* ---- reading the connection string ---- */

static unsigned list_length(const char *list)
{
    unsigned n = 1;
    for (; *list != '\0'; list++)
        n += *list == ',';
    return n;
}

/* Item i of a comma separated list; of a list of one, that one for all; "" behind the end. */
static const char *list_item(struct arena *a, const char *list, unsigned i)
{
    if (list == NULL)
        return "";
    if (strchr(list, ',') == NULL)
        return list;
    for (; i > 0 && *list != '\0'; list++)
        i -= *list == ',';
    return arena_strndup(a, list, strcspn(list, ","));
}

static bool is_literal(const char *s)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1;
}

static bool host_is_name(const struct db_host *h)
{
    return h->address[0] == '\0' && h->name[0] != '\0' && h->name[0] != '/' && h->name[0] != '@' &&
           !is_literal(h->name);
}

static void target_read_hosts(struct db_target *t, struct arena *a, const char *names, const char *addresses,
                              const char *ports)
{
    const char *leading = addresses != NULL ? addresses : names;

    if (leading == NULL)
        return;
    t->nhosts = list_length(leading);
    t->hosts = arena_array(a, t->nhosts, sizeof *t->hosts);
    for (unsigned i = 0; i < t->nhosts; i++) {
        struct db_host *h = &t->hosts[i];
        h->name = list_item(a, names, i);
        h->address = list_item(a, addresses, i);
        h->port = list_item(a, ports, i);
        h->is_name = host_is_name(h);
        t->has_names |= h->is_name;
    }
}

void db_target_init(struct db_target *t, struct arena *a, const char *conninfo)
{
    const char *names = NULL, *addresses = NULL, *ports = NULL, *timeout = NULL;
    char *mistake = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo != NULL ? conninfo : "", &mistake);

    t->conninfo = arena_strdup(a, conninfo != NULL ? conninfo : "");
    if (options == NULL) {
        const char *why = mistake != NULL ? mistake : "out of memory";
        t->mistake = arena_strndup(a, why, strcspn(why, "\n"));
        PQfreemem(mistake);
        return;
    }
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL || o->val[0] == '\0')
            continue;
        if (strcmp(o->keyword, "host") == 0)
            names = arena_strdup(a, o->val);
        else if (strcmp(o->keyword, "hostaddr") == 0)
            addresses = arena_strdup(a, o->val);
        else if (strcmp(o->keyword, "port") == 0)
            ports = arena_strdup(a, o->val);
        else if (strcmp(o->keyword, "connect_timeout") == 0)
            timeout = arena_strdup(a, o->val);
    }
    PQconninfoFree(options);
    target_read_hosts(t, a, names, addresses, ports);

    long seconds = timeout != NULL ? strtol(timeout, NULL, 10) : 0;
    if (seconds <= 0 || seconds > 3600)
        seconds = t->nhosts > 1 ? CONNECT_TIMEOUT_OF_SEVERAL_S : CONNECT_TIMEOUT_S;
    t->connect_timeout_us = (uint64_t)seconds * 1000000;
}

const char *db_conninfo_mistake(struct arena *a, const char *conninfo)
{
    struct db_target t = {0};
    db_target_init(&t, a, conninfo);
    return t.mistake;
}

/* ---- one attempt ---- */

void db_host_key(char out[DB_HOST_KEY_SIZE], const char *name, const char *address, const char *port)
{
    snprintf(out, DB_HOST_KEY_SIZE, "%s %s", address != NULL && address[0] != '\0' ? address : name,
             port != NULL && port[0] != '\0' ? port : "5432");
}

/* Where in the list an attempt begins: 0 when the host meant is not, or no longer, in it. */
static unsigned first_of(const struct db_host *hosts, unsigned n, const struct db_start *start)
{
    char key[DB_HOST_KEY_SIZE];
    for (unsigned i = 0; i < n; i++) {
        db_host_key(key, hosts[i].name, hosts[i].address, hosts[i].port);
        if (strcmp(key, start->key) == 0)
            return (i + start->is_behind) % n;
    }
    return 0;
}

PGconn *db_target_connect_start(const struct db_target *t, const struct db_host *hosts, unsigned nhosts,
                                const struct db_start *start)
{
    struct arena *a = arena_new();
    struct buf names, addresses, ports;
    buf_init(&names, a, 64);
    buf_init(&addresses, a, 64);
    buf_init(&ports, a, 64);
    unsigned first = first_of(hosts, nhosts, start);
    for (unsigned i = 0; i < nhosts; i++) {
        const struct db_host *h = &hosts[(first + i) % nhosts];
        const char *comma = i > 0 ? "," : "";
        buf_printf(&names, "%s%s", comma, h->name);
        buf_printf(&addresses, "%s%s", comma, h->address);
        buf_printf(&ports, "%s%s", comma, h->port);
    }
    const char *keys[NDEFAULTS + 5], *values[NDEFAULTS + 5];
    size_t n = 0;

    for (; n < NDEFAULTS; n++) {
        keys[n] = default_keys[n];
        values[n] = default_values[n];
    }
    keys[n] = "dbname"; /* expanded: the whole connection string */
    values[n++] = t->conninfo;
    if (nhosts > 0) {
        keys[n] = "host";
        values[n++] = names.p;
        keys[n] = "hostaddr";
        values[n++] = addresses.p;
        keys[n] = "port";
        values[n++] = ports.p;
    }
    keys[n] = NULL;
    values[n] = NULL;
    PGconn *pg = PQconnectStartParams(keys, values, 1);
    arena_free(a);
    return pg;
}

PGconn *db_target_connect_blocking(const char *conninfo)
{
    const char *keys[NDEFAULTS + 3], *values[NDEFAULTS + 3];
    struct arena *a = arena_new();
    struct db_target t = {0};
    size_t n = 0;

    db_target_init(&t, a, conninfo);
    for (; n < NDEFAULTS; n++) {
        keys[n] = default_keys[n];
        values[n] = default_values[n];
    }
    keys[n] = "connect_timeout";
    values[n++] = arena_printf(a, "%llu", (unsigned long long)(t.connect_timeout_us / 1000000));
    keys[n] = "dbname"; /* expanded: what it says itself comes later and counts */
    values[n++] = conninfo;
    keys[n] = NULL;
    values[n] = NULL;
    PGconn *pg = PQconnectdbParams(keys, values, 1);
    arena_free(a);
    return pg;
}
