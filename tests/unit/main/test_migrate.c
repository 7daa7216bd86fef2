/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * zapisd migrate against a private PostgreSQL: fresh, again, two at once; and everything it must refuse without
 * leaving half of anything behind. The real schema of sql/ is applied too.
 */
#include "migrate_apply.c"
#include "migrate_command.c"
#include "migrate_files.c"
#include "migrate_rights.c"
#include "migrate_steps.c"

#include "../db/pgtest.h"

const struct sql_digest sql_digests[] = {{NULL, NULL}}; /* a program that was built with no files judges none */

static char tree[PGTEST_PATH + 32], database[PGTEST_PATH], conninfo[3 * PGTEST_PATH], output[65536];
static unsigned ndatabases;

__attribute__((format(printf, 2, 3))) static void put(const char *name, const char *fmt, ...)
{
    char path[2 * PGTEST_PATH];
    va_list ap;
    snprintf(path, sizeof path, "%s/%s", tree, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fclose(f);
}

static void drop(const char *name)
{
    char path[2 * PGTEST_PATH];
    snprintf(path, sizeof path, "%s/%s", tree, name);
    assert_int_equal(unlink(path), 0);
}

/* A fresh database and a small tree of SQL files. */
static int open_tree(void **state)
{
    (void)state;
    if (pgtest.data[0] == '\0')
        return 0;
    snprintf(database, sizeof database, "m%u", ++ndatabases);
    snprintf(tree, sizeof tree, "%s/sql%u", pgtest.dir, ndatabases);
    pgtest_sql("create database %s", database);
    snprintf(conninfo, sizeof conninfo, "host=%s port=%u user=postgres dbname=%s", pgtest.socket, pgtest.port,
             database);
    assert_int_equal(pgtest_shell(NULL, 0,
                                  "mkdir -p %s && cd %s && mkdir -p migrations inner/deep api admin afterwards demo",
                                  tree, tree),
                     0);
    put("migrations/001_first.sql", "create schema api; create table data.one (k int);\n");
    put("migrations/002_second.sql", "create table data.two (k int); insert into data.one values (1);\n");
    /* in name order the caller comes before the called */
    put("api/a.sql", "create or replace function api.a() returns int language sql as $$ select api.b() $$;\n");
    put("api/b.sql", "create or replace function api.b() returns int language sql as $$ select 1 $$;\n");
    put("admin/c.sql", "create or replace function api.c() returns int language sql as $$ select api.a() + 1 $$;\n");
    put("demo/demo.sql", "insert into data.two values (42);\n");
    return 0;
}

/* Runs the command with its output caught. */
static int migrate_with(const char *const *args, unsigned n)
{
    char *argv[16] = {(char[]){"migrate"}};
    char path[2 * PGTEST_PATH];
    assert_true(n < 15);
    for (unsigned i = 0; i < n; i++)
        argv[i + 1] = arena_strdup(pgtest.arena, args[i]);
    snprintf(path, sizeof path, "%s/output", pgtest.dir);
    fflush(NULL);
    int out = dup(1), err = dup(2);
    FILE *f = fopen(path, "w+");
    assert_non_null(f);
    dup2(fileno(f), 1);
    dup2(fileno(f), 2);
    int status = migrate_command((int)n + 1, argv);
    fflush(NULL);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    rewind(f);
    output[fread(output, 1, sizeof output - 1, f)] = '\0';
    fclose(f);
    return status;
}

static int migrate(const char *extra)
{
    const char *const args[] = {"--conninfo", conninfo, "--sql-dir", tree, extra};
    return migrate_with(args, extra != NULL ? 5 : 4);
}

static void expect_status(int got, int want)
{
    if (got != want)
        fail_msg("exit status %d, expected %d: %s", got, want, output);
}

static void expect_said(const char *text)
{
    if (strstr(output, text) == NULL)
        fail_msg("not said: %s; but: %s", text, output);
}

/* A value from the migrated database. */
static const char *value_of(const char *sql)
{
    struct db_blocking *b;
    struct error e = {.code = ERR_OK};
    const char *value = NULL;
    assert_int_equal(db_connect_blocking(conninfo, &b, &e), ERR_OK);
    if (db_exec_blocking(b, pgtest.arena, sql, &value, &e) != ERR_OK)
        fail_msg("%s: %s", sql, e.detail);
    db_close_blocking(b);
    return value;
}

static const char *const recorded =
    "select coalesce(string_agg(name, ' ' order by name collate \"C\"), '') from data.schema_version";

static void a_fresh_database_gets_everything(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate(NULL), 0);
    expect_said("apply 001_first.sql\napply 002_second.sql\nreplace");
    assert_string_equal(value_of(recorded), "001_first.sql 002_second.sql admin/c.sql api/a.sql api/b.sql");
    assert_string_equal(value_of("select api.c()"), "2");
    assert_string_equal(value_of("select count(*) from data.one"), "1");
    assert_string_equal(value_of("select count(*) from data.two"), "0"); /* no demo unless asked for */
    assert_string_equal(
        value_of("select sha256 = encode(sha256(convert_to('create or replace function api.b() returns int "
                 "language sql as $$ select 1 $$;' || chr(10), 'UTF8')), 'hex') from data.schema_version "
                 "where name = 'api/b.sql'"),
        "t");
}

static void again_does_nothing(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate(NULL), 0);
    const char *before = value_of("select max(applied_at)::text from data.schema_version");
    expect_status(migrate(NULL), 0);
    expect_said("nothing to do");
    assert_string_equal(value_of("select max(applied_at)::text from data.schema_version"), before);
    put("migrations/003_third.sql", "insert into data.two values (3);\n");
    expect_status(migrate(NULL), 0);
    assert_string_equal(output, "apply 003_third.sql\n");
}

static void a_changed_function_replaces_all(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate(NULL), 0);
    put("api/b.sql", "create or replace function api.b() returns int language sql as $$ select 10 $$;\n");
    expect_status(migrate(NULL), 0);
    assert_string_equal(value_of("select api.c()"), "11");
    put("api/d.sql", "create or replace function api.d() returns int language sql as $$ select 4 $$;\n");
    expect_status(migrate(NULL), 0);
    assert_string_equal(value_of("select api.d()"), "4");
    drop("api/d.sql");
    expect_status(migrate(NULL), 0);
    expect_said("replace");
    assert_string_equal(value_of(recorded), "001_first.sql 002_second.sql admin/c.sql api/a.sql api/b.sql");
    expect_status(migrate(NULL), 0);
    expect_said("nothing to do");
}

/* What a file tells of the ones before it must hold in the first pass too: views and what is done, not only bodies. */
static void folders_come_in_their_order(void **state)
{
    NEEDS_SERVER();
    put("inner/deep/z.sql", "create or replace function data.z() returns int language sql as $$ select 5 $$;\n");
    put("inner/y.sql", "create or replace function data.y() returns int language sql as $$ select data.z() $$;\n");
    put("admin/b.sql", "create or replace view api.view as select data.y() as n;\n");
    put("afterwards/a.sql", "insert into data.two select api.c() + n from api.view;\n");
    expect_status(migrate(NULL), 0);
    assert_string_equal(value_of(recorded), "001_first.sql 002_second.sql admin/b.sql admin/c.sql afterwards/a.sql "
                                            "api/a.sql api/b.sql inner/deep/z.sql inner/y.sql");
    assert_string_equal(value_of("select string_agg(k::text, ' ') from data.two"), "7 7"); /* once a pass */
    expect_status(migrate(NULL), 0);
    expect_said("nothing to do");
    put("inner/deep/z.sql", "create or replace function data.z() returns int language sql as $$ select 6 $$;\n");
    expect_status(migrate(NULL), 0);
    assert_string_equal(value_of("select n from api.view"), "6");
    assert_string_equal(value_of("select string_agg(k::text, ' ' order by k) from data.two"), "7 7 8 8");
}

static void a_broken_function_changes_nothing(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate(NULL), 0);
    put("api/a.sql", "create or replace function api.a() returns int language sql as $$ select 7 $$;\n");
    put("api/b.sql", "-- a comment\n-- ещё комментарий\ncreate or replace function api.b() returns int language sql as "
                     "$$ select nobody() $$;\n");
    expect_status(migrate(NULL), 1);
    expect_said("api/b.sql: line 3: SQLSTATE 42883");
    assert_string_equal(value_of("select api.c()"), "2");
    put("api/b.sql",
        "create or replace function api.b() returns int language plpgsql as $$ beginn return 1; end $$;\n");
    expect_status(migrate(NULL), 1);
    assert_string_equal(value_of("select api.c()"), "2");
}

static void a_broken_migration_is_rolled_back_whole(void **state)
{
    NEEDS_SERVER();
    put("migrations/002_second.sql", "create table data.two (k int);\ninsert into data.two values (1);\nselect 1/0;\n");
    expect_status(migrate(NULL), 1);
    expect_said("002_second.sql");
    expect_said("22012");
    assert_string_equal(value_of(recorded), "001_first.sql"); /* the one before stays */
    assert_string_equal(value_of("select to_regclass('data.two') is null"), "t");
    assert_string_equal(value_of("select to_regprocedure('api.a()') is null"), "t");
    put("migrations/002_second.sql", "create table data.two (k int);\n");
    expect_status(migrate(NULL), 0); /* it was never applied, so it may be mended */
    assert_string_equal(value_of("select api.c()"), "2");
}

static void a_changed_migration_is_refused(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate(NULL), 0);
    put("migrations/001_first.sql", "create schema api; create table data.one (k bigint);\n");
    put("migrations/003_third.sql", "create table data.three (k int);\n");
    expect_status(migrate(NULL), 1);
    expect_said("001_first.sql has changed");
    assert_string_equal(value_of("select to_regclass('data.three') is null"), "t");
}

static void a_number_may_be_missing_but_not_come_late(void **state)
{
    NEEDS_SERVER();
    put("migrations/004_fourth.sql", "create table data.four (k int);\n");
    expect_status(migrate(NULL), 0);
    assert_string_equal(value_of("select to_regclass('data.four') is null"), "f");
    put("migrations/003_third.sql", "create table data.three (k int);\n");
    expect_status(migrate(NULL), 1);
    expect_said("gap");
    assert_string_equal(value_of("select to_regclass('data.three') is null"), "t");
}

static void bad_numbers_are_refused(void **state)
{
    NEEDS_SERVER();
    put("migrations/002_other.sql", "select 1;\n");
    expect_status(migrate(NULL), 1); /* two of the same number */
    expect_said("002_second.sql: there is a migration of that number already");
    drop("migrations/002_other.sql");
    put("migrations/3_third.sql", "select 1;\n");
    expect_status(migrate(NULL), 1);
    drop("migrations/3_third.sql");
    put("migrations/README.txt", "not SQL\n");
    put("migrations/.hidden.sql", "nonsense\n");
    expect_status(migrate(NULL), 0);
    /* renamed after it was applied */
    assert_int_equal(pgtest_shell(NULL, 0, "mv %s/migrations/001_first.sql %s/migrations/001_erste.sql", tree, tree),
                     0);
    expect_status(migrate(NULL), 1);
    expect_said("gap");
}

static void a_program_too_old_for_the_database_is_told(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate(NULL), 0);
    drop("migrations/002_second.sql");
    expect_status(migrate(NULL), 1);
    expect_said("002_second.sql is applied");
    expect_said("too old");
}

static void a_migration_that_commits_by_itself_is_told(void **state)
{
    NEEDS_SERVER();
    put("migrations/002_second.sql", "create table data.two (k int); commit; begin;\n");
    expect_status(migrate(NULL), 1);
    expect_said("ends the transaction by itself");
}

static void dry_run_changes_nothing(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate("--dry-run"), 0);
    expect_said("would apply 001_first.sql\nwould apply 002_second.sql\nwould replace");
    assert_string_equal(value_of("select count(*) from pg_namespace where nspname in ('data', 'api')"), "0");
    expect_status(migrate(NULL), 0);
    put("migrations/003_third.sql", "create table data.three (k int);\n");
    expect_status(migrate("--dry-run"), 0);
    assert_string_equal(output, "would apply 003_third.sql\n");
    assert_string_equal(value_of("select to_regclass('data.three') is null"), "t");
    drop("migrations/003_third.sql");
    expect_status(migrate("--dry-run"), 0);
    expect_said("nothing to do");
}

static void demo_is_loaded_once_when_asked_for(void **state)
{
    NEEDS_SERVER();
    expect_status(migrate("--demo"), 0);
    expect_said("load demo/demo.sql");
    expect_status(migrate("--demo"), 0);
    expect_said("nothing to do");
    assert_string_equal(value_of("select count(*) from data.two"), "1");
    put("demo/demo.sql", "insert into data.two values (43); select broken;\n");
    expect_status(migrate("--demo"), 1);
    assert_string_equal(value_of("select count(*) from data.two"), "1");
}

/* Several processes start at the same moment, as several instances of an upgrade do. */
static void several_at_once_do_no_harm(void **state)
{
    NEEDS_SERVER();
    enum { N = 4 };
    pid_t children[N];
    put("migrations/002_second.sql",
        "select pg_sleep(0.3); create table data.two (k int); insert into data.one values (1);\n");
    fflush(NULL);
    for (int i = 0; i < N; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char *argv[] = {(char[]){"migrate"}, (char[]){"--conninfo"}, conninfo, (char[]){"--sql-dir"}, tree, NULL};
            if (freopen("/dev/null", "w", stdout) == NULL)
                _exit(9);
            _exit(migrate_command(5, argv));
        }
    }
    for (int i = 0; i < N; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_string_equal(value_of(recorded), "001_first.sql 002_second.sql admin/c.sql api/a.sql api/b.sql");
    assert_string_equal(value_of("select count(*) from data.one"), "1");
}

static void wrong_usage_is_2_and_failure_is_1(void **state)
{
    NEEDS_SERVER();
    static const char *const bad[][6] = {
        {"--nonsense"},
        {"extra"},
        {"--conninfo"},
        {"--config", "/nonexistent/zapisd.conf"},
        {"--config", "/dev/null", "--conninfo", "x", "--sql-dir", "y"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned n = 0;
        while (n < 6 && bad[i][n] != NULL)
            n++;
        expect_status(migrate_with(bad[i], n), 2);
    }
    const char *const nowhere[] = {"--conninfo", conninfo, "--sql-dir", "/nonexistent"};
    expect_status(migrate_with(nowhere, 4), 1);
    const char *const no_server[] = {"--conninfo", "host=/nonexistent", "--sql-dir", tree};
    expect_status(migrate_with(no_server, 4), 1);
    const char *const bad_conninfo[] = {"--conninfo", "nonsense", "--sql-dir", tree};
    expect_status(migrate_with(bad_conninfo, 4), 1);
    put("migrations/003_empty.sql", "%s", "");
    expect_status(migrate(NULL), 1);
}

static void names_with_quotes_are_only_names(void **state)
{
    NEEDS_SERVER();
    put("api/it's.sql", "create or replace function api.e() returns int language sql as $$ select 5 $$;\n");
    expect_status(migrate(NULL), 0);
    expect_status(migrate(NULL), 0);
    expect_said("nothing to do");
}

static void the_real_schema_applies(void **state)
{
    NEEDS_SERVER();
    if (access(SOURCE_DIR "/sql/migrations/001_roles_and_schemas.sql", R_OK) != 0) {
        print_message("SKIPPED: sql/migrations is not there\n");
        skip();
    }
    const char *const args[] = {"--conninfo", conninfo, "--sql-dir", SOURCE_DIR "/sql", "--demo"};
    expect_status(migrate_with(args, 5), 0);
    expect_status(migrate_with(args, 5), 0);
    expect_said("nothing to do");
}

static int start(void **state)
{
    (void)state;
    struct error e = {.code = ERR_OK};
    if (crypto_init(&e) != ERR_OK)
        fail_msg("%s", e.detail);
    pgtest_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pgtest_stop();
    crypto_fini();
    return 0;
}

#define T(f) cmocka_unit_test_setup(f, open_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_fresh_database_gets_everything),
        T(again_does_nothing),
        T(a_changed_function_replaces_all),
        T(folders_come_in_their_order),
        T(a_broken_function_changes_nothing),
        T(a_broken_migration_is_rolled_back_whole),
        T(a_changed_migration_is_refused),
        T(a_number_may_be_missing_but_not_come_late),
        T(bad_numbers_are_refused),
        T(a_program_too_old_for_the_database_is_told),
        T(a_migration_that_commits_by_itself_is_told),
        T(dry_run_changes_nothing),
        T(demo_is_loaded_once_when_asked_for),
        T(several_at_once_do_no_harm),
        T(wrong_usage_is_2_and_failure_is_1),
        T(names_with_quotes_are_only_names),
        T(the_real_schema_applies),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
