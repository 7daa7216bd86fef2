/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * zapisd check: everything the daemon needs, looked at one by one, before it is let loose: configuration, keys, who
 * would be believed, who may read and write the files, TLS, schemas, addresses, database. A line for each. What it
 * looks at is what `run` looks at: preparation.h.
 */
#include "check_online.h"
#include "client.h"
#include "clock.h"
#include "config.h"
#include "db.h"
#include "descriptors.h"
#include "file.h"
#include "preparation.h"
#include "readiness.h"
#include "run_command.h"
#include "sql_files.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICE_USER "zapisd"

struct check {
    struct arena *arena;
    struct config conf;
    unsigned nbad, nfatal;
    const char *refusal; /* why a reload would not be taken */
    const char *unseen;  /* why not everything could be looked at, as it was told */
};

struct check_options {
    bool is_offline, is_online, is_only_fatal, is_reload;
};

static void check_good(const char *what, const char *detail)
{
    (void)printf("good  %s%s%s\n", what, *detail != '\0' ? ": " : "", detail);
}

/* All that is told with it is about the database. */
static void check_bad(struct check *c, const char *what, const char *detail)
{
    const char *at = config_at(c->arena, &c->conf, "database", "", "conninfo", CONFIG_LAST);
    (void)printf("BAD   %s: %s: %s\n", at, what, detail);
    c->nbad++;
}

/* The server looks at the rules before it looks for the database: a wrong name of one is told as the other. */
static const char *check_hint(struct check *c, const char *detail)
{
    bool is_about_rules = strstr(detail, "authentication failed") != NULL || strstr(detail, "pg_hba.conf") != NULL;
    return is_about_rules ? arena_printf(c->arena,
                                         "%s (look at pg_hba.conf and pg_ident.conf of the server, zapisd(8) DATABASE; "
                                         "and at user and dbname)",
                                         detail)
                          : detail;
}

/* Told line by line; "BAD   " stands before each as before every other mistake. */
static void check_mistakes(struct check *c, const char *mistakes)
{
    for (char *line = arena_strdup(c->arena, mistakes), *end; line != NULL && *line != '\0'; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        (void)printf("BAD   %s\n", line);
        c->nbad++;
    }
}

static void on_online(void *arg, bool is_good, const char *section, const char *name, const char *text)
{
    struct check *c = arg;
    const char *at = config_at(c->arena, &c->conf, section, name, "", CONFIG_LAST);
    (void)printf("%-5s %s%s%s %s: %s\n", is_good ? "good" : "BAD", is_good ? "" : at, is_good ? "" : ": ", section,
                 name, text);
    c->nbad += is_good ? 0 : 1;
}

/* Others are asked, once each. */
static void check_others(struct check *c, const struct keyring *keys)
{
    struct error e = {0};
    if (client_init(&e) != ERR_OK) {
        (void)printf("BAD   online: %s\n", e.detail);
        c->nbad++;
        return;
    }
    file_at(NULL); /* who is slow from here on is no file */
    check_online(c->arena, &c->conf, keys, on_online, c);
    client_fini();
}

/* What `run` would find, and what it would do about the addresses, which are let go again. */
static void check_preparation(struct check *c, bool is_online)
{
    struct preparation p = {.arena = c->arena, .conf = &c->conf};
    preparation_files(&p);
    preparation_settings(&p);
    preparation_database(&p);
    preparation_keys(&p, NULL);
    preparation_push(&p);
    preparation_smev3(&p);
    preparation_tls(&p, NULL);
    preparation_paths(&p);
    preparation_addresses(&p);
    c->refusal = preparation_refusal(&p, NULL);
    for (unsigned i = 0; i < p.n; i++) {
        const struct remark *r = &p.remarks[i];
        bool has_place = r->at != NULL && *r->at != '\0' && r->level != FINDING_GOOD;
        (void)printf("%-5s %s%s%s: %s\n", finding_words[r->level], has_place ? r->at : "", has_place ? ": " : "",
                     r->about, r->text);
    }
    c->nbad += p.nbad;
    c->nfatal += p.nfatal;
    if (c->refusal != NULL && p.nfatal == 0) {
        (void)printf("warn  reload: a daemon that runs and serves would refuse it: %s\n", c->refusal);
    }
    if (is_online && p.keys != NULL)
        check_others(c, p.keys);
    keyring_unref(p.keys);
    tls_set_unref(p.tls);
}

/* Tells when a clock is off, this machine's or the database's: messages are refused by one, slots offered by the other.
 */
static void check_clock(struct check *c, struct db_blocking *db)
{
    const char *us = NULL;
    struct error e = {0};
    int64_t from_us = clock_wall_us(), age_max_us = (int64_t)c->conf.message_age_max_ms * 1000;
    if (db_exec_blocking(db, c->arena, READINESS_CLOCK_SQL, &us, &e) != ERR_OK || us == NULL)
        return;
    int64_t offset_us = readiness_clock_offset_us(from_us, clock_wall_us(), strtoll(us, NULL, 10));
    const char *text = arena_printf(c->arena, "%+.1f s beside the database's", (double)offset_us / 1e6);
    if (age_max_us != 0 && llabs(offset_us) >= age_max_us)
        check_bad(c, "clock", text);
    else if (llabs(offset_us) > READINESS_CLOCK_ODD_US)
        (void)printf("warn  clock: %s\n", text);
    else
        check_good("clock", text);
}

/* A line each. What somebody has locked cannot be asked for: that is no reason against a start, and told once, however
 * many questions it keeps from being asked. */
static void check_concerns(struct check *c, struct db_blocking *db, const char *function)
{
    const char *concerns = NULL;
    struct error e = {0};
    const char *sql = arena_printf(c->arena, "select string_agg(c, E'\n') from %s as c", function);
    if (db_exec_blocking(db, c->arena, sql, &concerns, &e) != ERR_OK) {
        if (c->unseen != NULL && strcmp(c->unseen, e.detail) == 0)
            return;
        c->unseen = arena_strdup(c->arena, e.detail);
        concerns = arena_printf(c->arena, "not everything can be looked at now: %s", c->unseen);
    }
    for (char *line = arena_strdup(c->arena, concerns), *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        (void)printf("warn  database: %s\n", line);
    }
}

/* Plain listeners need no section for an agency, signed ones do. A code of another form than data.agency has is in no
 * database. */
static void check_agencies(struct check *c, struct db_blocking *db)
{
    struct buf codes;
    if (!config_has_signed(&c->conf) && c->conf.nsmev3s == 0)
        return;
    buf_init(&codes, c->arena, 64);
    for (unsigned i = 0; i < c->conf.nagencies; i++)
        if (strpbrk(c->conf.agencies[i].code, "'\\,") == NULL)
            buf_printf(&codes, "%s%s", codes.n > 0 ? "," : "", c->conf.agencies[i].code);
    buf_add_char(&codes, '\0');
    check_concerns(c, db, arena_printf(c->arena, "api.agency_concerns(string_to_array('%s', ','))", codes.p));
}

/* Names and codes of the configuration have no such signs; what has is in no database. */
static bool is_array_item(const char *text)
{
    return text[0] != '\0' && strpbrk(text, "'\\,") == NULL;
}

/* Messages that wait for an answer and that this configuration would leave alone: a section was renamed or taken out.
 */
static void check_inbox(struct check *c, struct db_blocking *db)
{
    static const char *const versions[] = {
        [SMEV3_SCHEMA_1_1] = "1.1", [SMEV3_SCHEMA_1_2] = "1.2", [SMEV3_SCHEMA_1_3] = "1.3"};
    struct buf lists[3];
    for (unsigned i = 0; i < 3; i++)
        buf_init(&lists[i], c->arena, 64);
    for (unsigned i = 0; i < c->conf.nsmev3s; i++) {
        const struct config_smev3 *s = &c->conf.smev3s[i];
        if (!is_array_item(s->name) || !is_array_item(s->agency))
            continue;
        const char *words[3] = {s->name, s->agency, versions[s->schema]};
        for (unsigned k = 0; k < 3; k++)
            buf_printf(&lists[k], "%s%s", lists[k].n > 0 ? "," : "", words[k]);
    }
    for (unsigned i = 0; i < 3; i++)
        buf_add_char(&lists[i], '\0');
    check_concerns(c, db,
                   arena_printf(c->arena,
                                "api.inbox_concerns(string_to_array('%s', ','), string_to_array('%s', ','), "
                                "string_to_array('%s', ','))",
                                lists[0].p, lists[1].p, lists[2].p));
}

/* Changes that were sent by a NodeID that no section has now. */
static void check_outbox(struct check *c, struct db_blocking *db)
{
    struct buf agencies, nodes;
    buf_init(&agencies, c->arena, 64);
    buf_init(&nodes, c->arena, 64);
    for (unsigned i = 0; i < c->conf.nsmev3s; i++) {
        const struct config_smev3 *s = &c->conf.smev3s[i];
        const char *node = s->node_id != NULL ? s->node_id : "";
        if (!is_array_item(s->agency))
            continue;
        buf_printf(&agencies, "%s%s", agencies.n > 0 ? "," : "", s->agency);
        buf_add_str(&nodes, nodes.n > 0 ? ", '" : "'");
        for (; *node != '\0'; node++) { /* any text may be one */
            if (*node == '\'')
                buf_add_char(&nodes, '\'');
            buf_add_char(&nodes, *node);
        }
        buf_add_char(&nodes, '\'');
    }
    buf_add_char(&agencies, '\0');
    buf_add_char(&nodes, '\0');
    check_concerns(c, db,
                   arena_printf(c->arena, "api.outbox_concerns(string_to_array('%s', ','), array[%s]::text[])",
                                agencies.p, nodes.p));
}

/* One by one, in a transaction as a write has one: a pooler between may allow none. NULL: requests can be taken. */
static const char *database_trouble(struct check *c, struct db_blocking *db)
{
    const char *reason = NULL;
    struct error e = {0};
    const char *ready = arena_printf(
        c->arena, "select case when ok then '' else coalesce(reason, 'not ready') end from api.ready('%s'::jsonb)",
        sql_digests_json);
    if (db_exec_blocking(db, c->arena, "begin", NULL, &e) != ERR_OK)
        return arena_printf(c->arena, "no transaction can be begun: %s (is a pooler in statement mode between?)",
                            e.detail);
    if (db_exec_blocking(db, c->arena, ready, &reason, &e) != ERR_OK)
        return arena_printf(c->arena, "%s (was `zapisd migrate` run?)", e.detail);
    if (reason == NULL || *reason != '\0')
        return reason != NULL ? reason : "api.ready() gave no row";
    if (db_exec_blocking(db, c->arena, "select api.probe()", NULL, &e) != ERR_OK ||
        db_exec_blocking(db, c->arena, "rollback", NULL, &e) != ERR_OK)
        return arena_strdup(c->arena, e.detail);
    return NULL;
}

static void check_database(struct check *c)
{
    struct db_blocking *db;
    struct error e = {0};
    if (db_connect_blocking(c->conf.conninfo, &db, &e) != ERR_OK) {
        check_bad(c, "database", check_hint(c, e.detail));
        return;
    }
    const char *trouble = database_trouble(c, db);
    if (trouble != NULL) {
        check_bad(c, "database", trouble);
    } else {
        check_good("database", "reachable, schema and durability as they must be");
        check_concerns(c, db, "api.concerns()");
        check_agencies(c, db);
        check_inbox(c, db);
        check_outbox(c, db);
    }
    check_clock(c, db);
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

/* The service will not be root: what only root can read, or bind, must not pass. */
static bool check_become(const char *user)
{
    bool is_default = user == NULL;
    if (is_default && geteuid() != 0)
        return true;
    const struct passwd *pw = getpwnam(is_default ? SERVICE_USER : user);
    if (pw == NULL && is_default) {
        (void)puts("warn  user: there is no user " SERVICE_USER ": looked at as root (see --user)");
        return true;
    }
    if (pw == NULL) {
        (void)fprintf(stderr, "zapisd check: there is no user %s\n", user);
        return false;
    }
    if (pw->pw_uid == geteuid())
        return true;
    if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0) {
        (void)fprintf(stderr, "zapisd check: cannot become %s: %s\n", pw->pw_name, strerror(errno));
        return false;
    }
    check_good("user", pw->pw_name);
    return true;
}

static int check_run(struct check *c, const char *path, const struct check_options *o)
{
    const char *mistakes = NULL;
    struct error e = {0};
    if (config_load(c->arena, path, &c->conf, &mistakes, &e) != ERR_OK) {
        check_mistakes(c, mistakes != NULL && *mistakes != '\0' ? mistakes : e.detail);
        return 1;
    }
    check_good("configuration", path);
    check_preparation(c, o->is_online);
    check_descriptors(c);
    file_at(NULL);
    if (!o->is_offline)
        check_database(c);
    if (o->is_reload)
        return c->refusal == NULL ? 0 : 1;
    return (o->is_only_fatal ? c->nfatal : c->nbad) == 0 ? 0 : 1;
}

int check_command(int argc, char **argv)
{
    const char *path = "/etc/zapisd/zapisd.conf";
    const char *user = NULL;
    struct check_options o = {0};
    for (int i = 1; i < argc; i++) {
        if ((strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "-c") == 0) && i + 1 < argc) {
            path = argv[++i];
        } else if (strcmp(argv[i], "--offline") == 0) {
            o.is_offline = true;
        } else if (strcmp(argv[i], "--online") == 0) {
            o.is_online = true;
        } else if (strcmp(argv[i], "--only-fatal") == 0) {
            o.is_only_fatal = true;
        } else if (strcmp(argv[i], "--reload") == 0) {
            o.is_reload = true;
        } else if (strcmp(argv[i], "--user") == 0 && i + 1 < argc) {
            user = argv[++i];
        } else {
            (void)fputs("usage: zapisd check [--config FILE] [--offline] [--online] [--only-fatal | --reload] "
                        "[--user NAME]\n",
                        stderr);
            return 2;
        }
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!check_become(user))
        return 1;
    struct check c = {.arena = arena_new()};
    file_watch_begin(FILE_SLOW_S);
    int status = check_run(&c, path, &o);
    file_watch_end();
    arena_free(c.arena);
    return status;
}
