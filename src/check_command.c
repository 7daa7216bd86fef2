/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * zapisd check: everything the daemon needs, looked at one by one, before it is let loose: configuration, keys and
 * their dates, anchors, schemas, WSDL, database. Prints a line for each; says what to do where it knows.
 */
#include "clock.h"
#include "config.h"
#include "db.h"
#include "descriptors.h"
#include "request.h"
#include "run_command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CERT_WARN_DAYS 30

struct check {
    struct arena *arena;
    struct config conf;
    unsigned nbad;
};

static void check_good(const char *what, const char *detail)
{
    (void)printf("good  %s%s%s\n", what, *detail != '\0' ? ": " : "", detail);
}

static void check_bad(struct check *c, const char *what, const char *detail)
{
    (void)printf("BAD   %s: %s\n", what, detail);
    c->nbad++;
}

static void check_cert(struct check *c, const char *whose, const char *file)
{
    struct cert *cert;
    struct error e = {0};
    if (cert_load(c->arena, file, &cert, &e) != ERR_OK) {
        check_bad(c, whose, e.detail);
        return;
    }
    int64_t now = clock_wall_us() / 1000000;
    int64_t days = (cert_not_after(cert) - now) / 86400;
    const char *text = arena_printf(c->arena, "%s, %lld days left", file, (long long)days);
    if (now < cert_not_before(cert))
        check_bad(c, whose, arena_printf(c->arena, "%s is not valid yet", file));
    else if (now >= cert_not_after(cert))
        check_bad(c, whose, arena_printf(c->arena, "%s has expired", file));
    else if (days < CERT_WARN_DAYS)
        (void)printf("soon  %s: %s\n", whose, text);
    else
        check_good(whose, text);
}

static void check_keys(struct check *c)
{
    struct keyring *keys;
    struct error e = {0};
    if (keyring_load(&c->conf, &keys, &e) != ERR_OK)
        check_bad(c, "keys and anchors", e.detail);
    else
        check_good("keys and anchors", "loaded, each key fits its certificate");
    if (e.code == ERR_OK)
        keyring_unref(keys);
    for (unsigned i = 0; i < c->conf.nagencies; i++)
        check_cert(c, arena_printf(c->arena, "agency %s", c->conf.agencies[i].code), c->conf.agencies[i].cert);
    for (unsigned i = 0; i < c->conf.nsenders; i++)
        for (unsigned j = 0; j < c->conf.senders[i].ncerts; j++)
            check_cert(c, arena_printf(c->arena, "sender %s", c->conf.senders[i].code), c->conf.senders[i].certs[j]);
}

static void check_files(struct check *c)
{
    struct xml_schema *schema;
    struct error e = {0};
    const char *path = arena_printf(c->arena, "%s/equeue-bare.xsd", c->conf.schema_dir);
    if (xml_schema_load(c->arena, path, &schema, &e) != ERR_OK)
        check_bad(c, "schema", e.detail);
    else
        check_good("schema", path);
    static const char *const wsdl[] = {"equeue-plain.wsdl", "equeue-smev2.wsdl"};
    for (size_t i = 0; i < sizeof wsdl / sizeof wsdl[0]; i++) {
        path = arena_printf(c->arena, "%s/%s", c->conf.wsdl_dir, wsdl[i]);
        if (access(path, R_OK) != 0)
            check_bad(c, "wsdl", arena_printf(c->arena, "cannot read %s", path));
        else
            check_good("wsdl", path);
    }
}

static void check_database(struct check *c)
{
    struct db_blocking *db;
    struct error e = {0};
    if (db_connect_blocking(c->conf.conninfo, &db, &e) != ERR_OK) {
        check_bad(c, "database", e.detail);
        return;
    }
    const char *reason = NULL;
    if (db_exec_blocking(db, c->arena,
                         "select case when ok then '' else coalesce(reason, 'not ready') end from api.ready()", &reason,
                         &e) != ERR_OK)
        check_bad(c, "database", arena_printf(c->arena, "%s (was `zapisd migrate` run?)", e.detail));
    else if (reason == NULL || *reason != '\0')
        check_bad(c, "database", reason != NULL ? reason : "api.ready() gave no row");
    else
        check_good("database", "reachable, schema and durability as they must be");
    db_close_blocking(db);
}

/* What this shell allows, not what the unit does: a hint, never a reason to refuse the start. */
static void check_descriptors(struct check *c)
{
    struct descriptors fit;
    descriptors_raise();
    descriptors_fit(&c->conf, descriptors_open(), &fit);
    const char *text = arena_printf(c->arena, "%u allowed here, %u wanted at the most", fit.limit, fit.wanted);
    if (fit.limit >= fit.wanted)
        check_good("descriptors", text);
    else
        (void)printf("few   descriptors: %s; %u connections and %u database connections would be served\n", text,
                     fit.connections, fit.sessions);
}

static int check_run(struct check *c, const char *path, bool is_offline)
{
    const char *mistakes = NULL;
    struct error e = {0};
    if (config_load(c->arena, path, &c->conf, &mistakes, &e) != ERR_OK) {
        (void)fprintf(stderr, "%s\n", mistakes != NULL && *mistakes != '\0' ? mistakes : e.detail);
        return 1;
    }
    check_good("configuration", path);
    check_keys(c);
    check_files(c);
    check_descriptors(c);
    if (!is_offline)
        check_database(c);
    return c->nbad == 0 ? 0 : 1;
}

int check_command(int argc, char **argv)
{
    const char *path = "/etc/zapisd/zapisd.conf";
    bool is_offline = false;
    for (int i = 1; i < argc; i++) {
        if ((strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "-c") == 0) && i + 1 < argc) {
            path = argv[++i];
        } else if (strcmp(argv[i], "--offline") == 0) {
            is_offline = true;
        } else {
            (void)fputs("usage: zapisd check [--config FILE] [--offline]\n", stderr);
            return 2;
        }
    }
    struct check c = {.arena = arena_new()};
    int status = check_run(&c, path, is_offline);
    arena_free(c.arena);
    return status;
}
