/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * O2: what a good configuration means, and that conf/zapisd.conf and zapisd.conf(5) say the same as the program. The
 * papers are compared with config_options(), which is made from the rows the parser uses.
 */
#include "buf.h"
#include "config.h"
#include "whole_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/unit-config-XXXXXX";
static char path[64], drop_dir[64];
static struct arena *a;

static int setup_group(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/z.conf", dir);
    snprintf(drop_dir, sizeof drop_dir, "%s/z.conf.d", dir);
    return mkdir(drop_dir, 0700);
}

static int teardown_group(void **state)
{
    (void)state;
    unlink(path);
    rmdir(drop_dir);
    return rmdir(dir);
}

static int setup(void **state)
{
    (void)state;
    a = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static void write_text(const char *file, const char *text)
{
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static struct config load(const char *text)
{
    struct config c;
    struct error e = {0};
    const char *mistakes = NULL;
    write_text(path, text);
    enum err rc = config_load(a, path, &c, &mistakes, &e);
    assert_string_equal(mistakes, "");
    assert_int_equal(rc, ERR_OK);
    return c;
}

#define LEAST "[database]\nconninfo = dbname=x\n[listener p]\nkind = plain\naddress = 127.0.0.1:8180\n"

static void O2_defaults_hold_where_nothing_is_said(void **state)
{
    (void)state;
    struct config c = load(LEAST);
    assert_int_equal(c.workers, 0);
    assert_int_equal(c.drain_timeout_ms, 30000);
    assert_int_equal(c.request_timeout_ms, 15000);
    assert_int_equal(c.requests_max, 1000);
    assert_string_equal(c.schema_dir, "/usr/share/zapisd/schemas");
    assert_false(c.allow_gost2001);
    assert_string_equal(c.log_level, "info");
    assert_string_equal(c.conninfo, "dbname=x");
    assert_int_equal(c.db_connections, 8);
    assert_int_equal(c.body_max_bytes, 1048576);
    assert_int_equal(c.idle_timeout_ms, 75000);
    assert_int_equal(c.slots_max, 20000);
    assert_true(c.crl_required);
    assert_false(c.allow_gost2001);
    assert_null(c.anchors);
    assert_string_equal(c.admin_address, "127.0.0.1:8182");
    assert_int_equal(c.nlisteners, 1);
    assert_string_equal(c.listeners[0].name, "p");
    assert_int_equal(c.listeners[0].kind, LISTENER_PLAIN);
    assert_string_equal(c.listeners[0].path, "/equeue");
    assert_null(c.listeners[0].public_url);
    assert_string_equal(c.listeners[0].file, path);
    assert_int_equal(c.listeners[0].line, 3);
    assert_false(c.listeners[0].allow_remote_plain);
    assert_null(c.listeners[0].tls_cert);
    assert_int_equal(c.nagencies, 0);
    assert_int_equal(c.nsenders, 0);
}

static void O2_values_and_their_units(void **state)
{
    (void)state;
    struct config c =
        load("\xEF\xBB\xBF; a byte order mark, blanks, tabs, CR LF and a missing last line break are fine\r\n"
             "  [daemon]\t\r\n"
             "  workers=3\r\n"
             "\trequest_timeout   =   250ms\n"
             "drain_timeout = 2m\n"
             "# drain_timeout = 3m\n"
             "[limits]\nbody_max = 64KiB\nhead_timeout = 4s\nidle_timeout = 1h\n"
             "[log]\nlevel: debug\n"
             "[database]\nconninfo = host=a,b dbname='x ; y' # z=1\nbatch_max = 64\n"
             "[trust]\nanchors = /a\nchain = /b\ncrl_required = no\nallow_gost2001 = yes\n"
             "[agency AAAA00001]\nname = Демонстрационное агентство (Москва)\nkey = /k1\ncert = /c1\n"
             "[agency BBBB00002]\nkey = /k2\ncert = /c2\n"
             "[sender PGU001001]\nname = ЕПГУ\ncert = /s1\ncert = /s2\n"
             "[sender SMEV00001]\nsmev = yes\ncert = /s3\n"
             "[listener one]\nkind = smev2\naddress = [::]:8181\npath = /a/b\nagency = AAAA00001\n"
             "tls_cert = /t1\ntls_key = /t2\ntls_client_ca = /t3\ntls_client_crl = /t4\ntls_client_required = "
             "yes\ntls_ciphers = A:B\n"
             "require_recipient_signature = yes\n"
             "[listener two]\nkind = smev2\naddress = fd:3\npublic_url = https://x.example/q\n"
             "[listener three]\nkind = plain\naddress = unix:/run/z/plain\nchannel = call-centre\n"
             "[listener four]\nkind = plain\naddress = 10.0.0.1:80\n"
             "plain_on_public_address = i-know-it-is-unsigned");
    assert_int_equal(c.workers, 3);
    assert_int_equal(c.request_timeout_ms, 250);
    assert_int_equal(c.drain_timeout_ms, 120000);
    assert_true(c.allow_gost2001);
    assert_int_equal(c.body_max_bytes, 65536);
    assert_int_equal(c.head_timeout_ms, 4000);
    assert_int_equal(c.idle_timeout_ms, 3600000);
    assert_string_equal(c.log_level, "debug");
    assert_string_equal(c.conninfo, "host=a,b dbname='x ; y' # z=1"); /* nothing is taken for a comment */
    assert_int_equal(c.db_batch_max, 64);
    assert_string_equal(c.chain, "/b");
    assert_false(c.crl_required);
    assert_true(c.allow_gost2001);
    assert_int_equal(c.nagencies, 2);
    assert_string_equal(c.agencies[0].name, "Демонстрационное агентство (Москва)");
    assert_string_equal(c.agencies[1].code, "BBBB00002");
    assert_string_equal(c.agencies[1].name, "BBBB00002");
    assert_string_equal(c.agencies[1].key, "/k2");
    assert_int_equal(c.nsenders, 2);
    assert_int_equal(c.senders[0].ncerts, 2);
    assert_string_equal(c.senders[0].certs[0], "/s1");
    assert_string_equal(c.senders[0].certs[1], "/s2");
    assert_false(c.senders[0].is_smev);
    assert_true(c.senders[1].is_smev);
    assert_int_equal(c.nlisteners, 4);
    const struct config_listener *l = c.listeners;
    assert_null(l[0].public_url);
    assert_string_equal(l[0].agency, "AAAA00001");
    assert_true(l[0].tls_client_required);
    assert_string_equal(l[0].tls_client_crl, "/t4");
    assert_string_equal(l[0].tls_ciphers, "A:B");
    assert_true(l[0].require_recipient);
    assert_string_equal(l[1].public_url, "https://x.example/q");
    assert_int_equal(l[2].kind, LISTENER_PLAIN);
    assert_null(l[1].channel);
    assert_string_equal(l[2].channel, "call-centre");
    assert_null(l[2].public_url);
    assert_true(l[3].allow_remote_plain);
}

/* M8: what a way to the portal says, and what it need not. */
static void M8_the_way_to_the_portal(void **state)
{
    (void)state;
    static const char parties[] =
        "[trust]\nanchors = /a\ncrl = /l\n[agency AAAA00001]\nkey = /k\ncert = /c\n[agency B]\nkey = /k\n"
        "cert = /c\n[sender P]\ncert = /p\n";
    struct config c = load(arena_printf(
        a,
        LEAST "%s[push AAAA00001]\nurl = http://203.0.113.5:8080/s?x=1\nportal = P\nservice_name = "
              "PguEqueue\nexchange_type = 2\n"
              "[push B]\nroad = smev2\nurl = https://p/\nportal = P\nrevision = rev111111\nexchange_type = "
              "0\ntype_code = GFNC\nservice_code = 77\noktmo = 45000000\ntimeout = 5s\nin_flight = 2\n"
              "answer_deadline = 2h\nca = /ca.pem\n",
        parties));
    assert_int_equal(c.npushes, 2);
    const struct config_push *p = &c.pushes[0], *q = &c.pushes[1];
    assert_string_equal(p->agency, "AAAA00001");
    assert_int_equal(p->road, PUSH_ROAD_SMEV2);
    assert_string_equal(p->url, "http://203.0.113.5:8080/s?x=1");
    assert_string_equal(p->portal, "P");
    assert_int_equal(p->revision, PUSH_REV120315);
    assert_string_equal(p->service_name, "PguEqueue");
    assert_string_equal(p->type_code, "GSRV");
    assert_string_equal(p->exchange_type, "2");
    assert_true(p->service_code == NULL && p->oktmo == NULL && p->ca == NULL);
    assert_int_equal(p->timeout_ms, 30000);
    assert_int_equal(p->in_flight, 8);
    assert_int_equal(p->answer_deadline_ms, 86400000);
    assert_string_equal(q->agency, "B");
    assert_int_equal(q->revision, PUSH_REV111111);
    assert_null(q->service_name);
    assert_string_equal(q->type_code, "GFNC");
    assert_string_equal(q->service_code, "77");
    assert_string_equal(q->oktmo, "45000000");
    assert_int_equal(q->timeout_ms, 5000);
    assert_int_equal(q->in_flight, 2);
    assert_int_equal(q->answer_deadline_ms, 7200000);
    assert_string_equal(q->ca, "/ca.pem");
    struct config by_queue = load(arena_printf(a,
                                               LEAST "%s[sender S]\nsmev = yes\ncert = /s\n[smev3 main]\nagency = "
                                                     "B\nendpoint = http://s/\nsmev = S\n[push B]\nroad = smev3\n"
                                                     "queue = main\n",
                                               parties));
    assert_int_equal(by_queue.pushes[0].road, PUSH_ROAD_SMEV3);
    assert_string_equal(by_queue.pushes[0].queue, "main");
    assert_true(by_queue.pushes[0].url == NULL && by_queue.pushes[0].portal == NULL);
    struct config without = load(LEAST);
    assert_int_equal(without.npushes, 0);
    assert_string_equal(config_restart_keys(a, &without, &c), "");
}

/* Q1: what a queue of SMEV 3 says, and what it need not. */
#define FORTY "0123456789012345678901234567890123456789"
static void Q1_a_queue(void **state)
{
    (void)state;
    static const char parties[] =
        "[trust]\nanchors = /a\ncrl = /l\n[agency A]\nkey = /k\ncert = /c\n[sender S]\ncert = /s\nsmev = yes\n";
    struct config c = load(arena_printf(
        a,
        LEAST "%s[smev3 one]\nagency = A\nendpoint = http://203.0.113.5:7500/ws\nsmev = S\n"
              "[smev3 two]\nagency = A\nmnemonic = M\nversion = 1.1\nendpoint = https://s/\nsmev = S\n"
              "endpoint_reserve = https://t/\nswitch_after = 7s\nnode_id = узел" FORTY "123456\nnamespace = urn:x\n"
              "roots = a, b\npoll_interval = 100ms\nin_flight = 32\ntimeout = 1s\n"
              "status_after = 5m\nrequire_sender_signature = yes\nrefuse_test_messages = yes\n"
              "update_booking_details = yes\nca = /ca.pem\nchannel = kiosk\nreading = lenient\n"
              "attachments = fetch\nfiles_server = ftp://192.0.2.42:2121\nfiles_dir = /files\n"
              "files_max = 3\nfile_size_max = 1MiB\nfiles_size_max = 2MiB\nfiles_timeout = 9m\n"
              "files_deliveries = 7\n",
        parties));
    assert_int_equal(c.nsmev3s, 2);
    const struct config_smev3 *p = &c.smev3s[0], *q = &c.smev3s[1];
    assert_string_equal(p->name, "one");
    assert_string_equal(p->agency, "A");
    assert_int_equal(p->schema, SMEV3_SCHEMA_1_2);
    assert_string_equal(p->endpoint, "http://203.0.113.5:7500/ws");
    assert_string_equal(p->smev, "S");
    assert_true(p->endpoint_reserve == NULL && p->node_id == NULL && p->ns == NULL && p->roots == NULL);
    assert_true(p->ca == NULL && !p->require_sender_signature && p->reading.mode == READING_STRICT);
    assert_string_equal(p->channel, "portal");
    assert_int_equal(p->switch_after_ms, 100000);
    assert_int_equal(p->poll_interval_ms, 5000);
    assert_int_equal(p->timeout_ms, 30000);
    assert_int_equal(p->in_flight, 4);
    assert_int_equal(q->schema, SMEV3_SCHEMA_1_1);
    assert_string_equal(q->endpoint_reserve, "https://t/");
    assert_string_equal(q->mnemonic, "M");
    assert_null(p->mnemonic);
    assert_string_equal(q->node_id, "узел" FORTY "123456"); /* 50 characters */
    assert_string_equal(q->ns, "urn:x");
    assert_string_equal(q->roots, "a, b");
    assert_string_equal(q->ca, "/ca.pem");
    assert_string_equal(q->channel, "kiosk");
    assert_int_equal(q->switch_after_ms, 7000);
    assert_int_equal(q->poll_interval_ms, 100);
    assert_int_equal(q->timeout_ms, 1000);
    assert_int_equal(q->status_after_ms, 300000);
    assert_int_equal(p->status_after_ms, 0);
    assert_int_equal(q->in_flight, 32);
    assert_true(q->refuse_test_messages && q->update_booking_details);
    assert_false(p->refuse_test_messages || p->update_booking_details);
    assert_int_equal(p->files.policy, FILES_IGNORE);
    assert_true(p->files.server == NULL && p->files.dir == NULL);
    assert_true(p->files.max == 16 && p->files.deliveries == 4 && p->files.timeout_ms == 120000);
    assert_true(p->files.size_max == (64ULL << 20) && p->files.sizes_max == (256ULL << 20));
    assert_int_equal(q->files.policy, FILES_FETCH);
    assert_string_equal(q->files.server, "ftp://192.0.2.42:2121");
    assert_string_equal(q->files.dir, "/files");
    assert_true(q->files.max == 3 && q->files.deliveries == 7 && q->files.timeout_ms == 540000);
    assert_true(q->files.size_max == (1ULL << 20) && q->files.sizes_max == (2ULL << 20));
    assert_true(q->require_sender_signature && q->reading.mode == READING_LENIENT);
    struct config without = load(LEAST);
    assert_int_equal(without.nsmev3s, 0);
    assert_string_equal(config_restart_keys(a, &without, &c), "");
}

/* V1: what can be asked is taken as it stands. */
static void V1_public_urls_that_can_be_asked(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://x",
                                       "https://x.example.org/",
                                       "https://X.example.org.:8443/equeue",
                                       "http://10.0.0.7:8180/equeue",
                                       "http://127.0.0.1:1/",
                                       "http://localhost/a/b",
                                       "http://[::1]:65535/equeue",
                                       "https://[2001:db8::7]",
                                       "http://[::ffff:10.0.0.1]/x",
                                       "https://xn--80aesf2a.xn--p1ai/%d0%b0",
                                       "http://a_b.example/a:b~c-d.e",
                                       "http://0x.example/",
                                       "http://10.example/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct config c = load(arena_printf(a, LEAST "public_url = %s\n", urls[i]));
        assert_string_equal(c.listeners[0].public_url, urls[i]);
    }
}

/* M9: strict unless said otherwise; of a lenient reading every departure is put right unless some are named. */
static void M9_reading_of_a_caller(void **state)
{
    (void)state;
    struct config c =
        load(LEAST "reading = lenient\nlenient = date,user_kind , names\nstatus_as_text = yes\n"
                   "[listener q]\nkind = plain\naddress = 127.0.0.1:9\n"
                   "[sender S]\ncert = /c\nreading = lenient\n"
                   "doc_types = VISA, BIRTH CERTIFICATE\nsingle_timeslot = yes\nomit_error_on_success = yes\n"
                   "[sender T]\ncert = /d\n");
    const struct config_reading *p = &c.listeners[0].reading, *q = &c.listeners[1].reading, *s = &c.senders[0].reading,
                                *t = &c.senders[1].reading;
    assert_int_equal(p->mode, READING_LENIENT);
    for (unsigned i = 0; i < LENIENCY_COUNT; i++) {
        assert_int_equal(p->lenient[i], i == LENIENCY_date || i == LENIENCY_user_kind || i == LENIENCY_names);
        assert_true(s->lenient[i]);
    }
    assert_true(p->status_as_text);
    assert_false(p->single_timeslot || p->omit_error_on_success);
    assert_int_equal(q->mode, READING_STRICT);
    assert_false(q->status_as_text);
    assert_null(q->doc_types);
    assert_int_equal(s->mode, READING_LENIENT);
    assert_string_equal(s->doc_types, "VISA, BIRTH CERTIFICATE");
    assert_true(s->single_timeslot && s->omit_error_on_success);
    assert_int_equal(t->mode, READING_STRICT);
}

static void O2_drop_ins_are_read_in_order_and_win(void **state)
{
    (void)state;
    const char *one = arena_printf(a, "%s/10-first.conf", drop_dir), *two = arena_printf(a, "%s/9-last.conf", drop_dir);
    const char *not = arena_printf(a, "%s/99.conf.bak", drop_dir), *hidden = arena_printf(a, "%s/.99.conf", drop_dir);
    write_text(one, "[log]\nlevel = error\n[daemon]\nworkers = 1\n[sender S]\ncert = /new\n");
    write_text(two, "[daemon]\nworkers = 2\n[listener p]\naddress = 127.0.0.1:9\n[listener q]\nkind = plain\n"
                    "address = 127.0.0.1:10\n");
    write_text(not, "[nonsense]\n");
    write_text(hidden, "[nonsense]\n");
    struct config c = load(LEAST "[sender S]\ncert = /old\n[daemon]\nworkers = 9\nrequests_max = 7\n");
    assert_string_equal(c.log_level, "error");
    assert_int_equal(c.workers, 2); /* "9" stands behind "1" */
    assert_int_equal(c.requests_max, 7);
    assert_int_equal(c.nlisteners, 2);
    assert_string_equal(c.listeners[0].address, "127.0.0.1:9");
    assert_int_equal(c.listeners[0].kind, LISTENER_PLAIN);
    assert_string_equal(c.listeners[1].file, two);
    assert_int_equal(c.senders[0].ncerts, 2); /* C5: the old and the new certificate side by side */
    assert_string_equal(c.senders[0].certs[0], "/old");
    assert_string_equal(c.senders[0].certs[1], "/new");

    /* A mistake in a drop-in is told with that file and its line. */
    write_text(one, "\n[log]\n\nlevel = loud\n");
    const char *mistakes = NULL;
    struct error e = {0};
    assert_int_equal(config_load(a, path, &c, &mistakes, &e), ERR_CONFIG);
    assert_string_equal(mistakes, arena_printf(a, "%s:4: level: expected error|warning|notice|info|debug\n", one));

    /* L4: a key that another file makes needed is told with that file, not with the section's first line. */
    write_text(one, "[push AAAA00001]\nqueue = q\n");
    write_text(two, "\n[push AAAA00001]\nroad = smev2\n");
    assert_int_equal(config_load(a, path, &c, &mistakes, &e), ERR_CONFIG);
    assert_non_null(strstr(mistakes, arena_printf(a, "%s:3: [push AAAA00001] needs the key url: road = smev2\n", two)));
    unlink(one);
    unlink(two);
    unlink(not );
    unlink(hidden);
}

/* Runs of blanks, line breaks, comment marks and scdoc's escapes become one blank. */
static char *flatten(const char *text)
{
    struct buf b;
    buf_init(&b, a, 64);
    bool is_gap = false;
    for (; *text != '\0'; text++) {
        if (strchr(" \t\n#", *text) != NULL) {
            is_gap = b.n > 0;
        } else if (*text != '\\') {
            if (is_gap)
                buf_add_char(&b, ' ');
            is_gap = false;
            buf_add_char(&b, *text);
        }
    }
    buf_add_str(&b, "");
    return b.p;
}

static bool is_named(const char *s)
{
    return strcmp(s, "listener") == 0 || strcmp(s, "agency") == 0 || strcmp(s, "sender") == 0 ||
           strcmp(s, "push") == 0 || strcmp(s, "smev3") == 0;
}

static bool has_default(const struct config_option *o)
{
    return o->value_default != NULL;
}

/* The part of text that belongs to a section: from its heading to the next one. */
static const char *section_of(const char *text, const char *heading, const char *next)
{
    const char *from = strstr(text, heading);
    if (from == NULL)
        fail_msg("no '%s'", heading);
    const char *to = strstr(from + strlen(heading), next);
    return to == NULL ? from : arena_strndup(a, from, (size_t)(to - from));
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p += strlen(part))
        n++;
    return n;
}

static void O2_the_sample_file_says_what_the_program_does(void **state)
{
    (void)state;
    unsigned n;
    const struct config_option *o = config_options(&n);
    assert_true(n > 40);
    const char *text = whole_file(a, SOURCE_DIR "/conf/zapisd.conf").p;
    for (unsigned i = 0; i < n; i++) {
        const char *heading = arena_printf(a, "\n%s[%s%s", is_named(o[i].section) ? "#" : "", o[i].section,
                                           is_named(o[i].section) ? " " : "]\n");
        const char *part = section_of(text, heading, is_named(o[i].section) ? "\n#[" : "[");
        const char *line = arena_printf(a, "\n#%s = %s%s", o[i].key, has_default(&o[i]) ? o[i].value_default : "",
                                        has_default(&o[i]) ? "\n" : "");
        const char *at = strstr(part, line);
        if (at == NULL)
            fail_msg("[%s] lacks '%s'", o[i].section, line);
        assert_int_equal(count_of(part, arena_printf(a, "\n#%s = ", o[i].key)), 1);
        const char *help = arena_printf(a, "%s%s%s #%s", o[i].help, o[i].is_required ? " (required)" : "",
                                        o[i].is_reloadable ? " (reload)" : "", o[i].key);
        if (strstr(flatten(part), flatten(help)) == NULL)
            fail_msg("[%s] %s is explained otherwise than: %s", o[i].section, o[i].key, help);
    }
    /* and nothing else looks like a key */
    assert_int_equal(count_of(text, "\n#") - count_of(text, "\n# ") - count_of(text, "\n#\n") - count_of(text, "\n#["),
                     n);
}

/* Every commented key and section of the sample file brought to life: it must load, with the defaults unchanged. */
static void O2_the_sample_file_can_be_used(void **state)
{
    (void)state;
    const char *text = whole_file(a, SOURCE_DIR "/conf/zapisd.conf").p;
    struct buf b;
    buf_init(&b, a, 65536);
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, "\n");
        bool is_off = p[0] == '#' && len > 1 && p[1] != ' ';
        /* the sample listener is a signed one */
        bool is_plain_only =
            strncmp(p, "#plain_on", 9) == 0 || (strncmp(p, "#doc_types", 10) == 0 && strstr(p, "\n#[agency") != NULL);
        if (is_off && !is_plain_only)
            buf_add(&b, p + 1, len);
        else
            buf_add(&b, p, len + 1);
        p += len + (p[len] == '\n');
        if (is_off && !is_plain_only)
            buf_add_str(&b, b.p[b.n - 1] == '\n' ? "" : "\n");
    }
    buf_add_str(&b, "[sender SMEV00001]\ncert = /s\nsmev = yes\n"); /* the sample of a queue names it */
    struct config c = load(b.p), d = load(LEAST);
    assert_int_equal(c.nlisteners, 1);
    assert_int_equal(c.nagencies, 1);
    assert_int_equal(c.nsenders, 2);
    assert_int_equal(c.npushes, 1);
    assert_int_equal(c.nsmev3s, 1);
    assert_int_equal(c.requests_max, d.requests_max);
    assert_int_equal(c.request_timeout_ms, d.request_timeout_ms);
    assert_int_equal(c.body_max_bytes, d.body_max_bytes);
    assert_int_equal(c.crl_required, d.crl_required);
    assert_string_equal(c.sql_dir, d.sql_dir);
    assert_string_equal(c.listeners[0].path, d.listeners[0].path);
}

/* O2: who types the guide's examples into one file, in their order, has a configuration that is taken. */
static void O2_the_guides_examples_go_together(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, a, 8192);
    buf_add_str(&b, LEAST "[trust]\nanchors = /a\ncrl = /l\n[sender PGU001001]\ncert = /p\n"
                          "[agency AAAA00001]\nkey = /k\ncert = /c\n[agency CCCC00003]\nkey = /k\ncert = /c\n");
    const char *text = whole_file(a, SOURCE_DIR "/docs/operator.ru.md").p, *fence = "\n```";
    for (const char *p = text; (p = strstr(p, fence)) != NULL;) {
        const char *from = strchr(p + strlen(fence), '\n'), *to = strstr(from, fence);
        assert_non_null(to);
        bool is_plain = from == p + strlen(fence), is_section = from[1] == '[';
        if (is_plain && (is_section || strncmp(from, "\nattachments = ", 15) == 0))
            buf_add(&b, from, (size_t)(to - from));
        p = to + strlen(fence);
    }
    buf_add_str(&b, "\n");
    struct config c = load(b.p);
    assert_int_equal(c.npushes, 2);
    assert_int_equal(c.nsmev3s, 1);
    assert_string_equal(c.pushes[1].queue, c.smev3s[0].name);
    assert_string_equal(c.pushes[1].agency, c.smev3s[0].agency);
    assert_string_equal(c.smev3s[0].files.server, "ftp://192.0.2.42:21");
}

static void O2_the_manual_page_says_what_the_program_does(void **state)
{
    (void)state;
    unsigned n;
    const struct config_option *o = config_options(&n);
    const char *text = whole_file(a, SOURCE_DIR "/docs/man/zapisd.conf.5.scd").p;
    for (unsigned i = 0; i < n; i++) {
        const char *part = section_of(text, arena_printf(a, "\n# SECTION [%s", o[i].section), "\n# ");
        const char *fact = o[i].is_required     ? "Required."
                           : has_default(&o[i]) ? arena_printf(a, "Default: *%s*.", o[i].value_default)
                                                : "No default.";
        /* what the message says that refuses a number stands in the page before anybody asks (L2) */
        if (config_range(a, i) != NULL)
            fact = arena_printf(a, "%s From %s.", fact, config_range(a, i));
        const char *want = arena_printf(a, "*%s* = _%s_ %s %s %s", o[i].key, o[i].type, o[i].help, fact,
                                        o[i].is_reloadable ? "Taken up by a reload." : "Needs a restart.");
        if (strstr(flatten(part), flatten(want)) == NULL)
            fail_msg("[%s] lacks: %s", o[i].section, want);
    }
    assert_int_equal(count_of(text, "* = _"), n);
}

/* L2: the bounds that an operator may change stand in docs/limits.md as the defaults they have; so do those that hold
 * where nobody has asked the configuration. */
static void L2_bounds_have_one_default(void **state)
{
    (void)state;
    static const struct {
        const char *key, *said, *source, *define;
    } bounds[] = {
        {"body_max", "| body of the HTTP request | 1 MiB | `body_max` |", NULL, NULL},
        {"slots_max", "| intervals of getSlots | 20,000, the earliest; ", "get_slots.c", "SLOTS_MAX_DEFAULT"},
        {"ref_items_max", "| items of getRefItemsList | 10,000 | `ref_items_max` |", "get_ref_items_list.c",
         "ITEMS_MAX_DEFAULT"},
        {"filter_depth_max", "`filter_depth_max` unions inside each other (8)", "predicate.c", "DEPTH_MAX_DEFAULT"},
        {"filter_nodes_max", "`filter_nodes_max` conditions and unions in all (200)", "predicate.c",
         "NODES_MAX_DEFAULT"},
    };
    unsigned n, found = 0;
    const struct config_option *o = config_options(&n);
    const char *page = whole_file(a, SOURCE_DIR "/docs/limits.md").p;
    for (unsigned k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        assert_int_equal(count_of(page, bounds[k].said), 1);
        for (unsigned i = 0; i < n; i++) {
            if (strcmp(o[i].section, "limits") != 0 || strcmp(o[i].key, bounds[k].key) != 0)
                continue;
            found++;
            struct buf digits; /* of what the page says, without its commas */
            buf_init(&digits, a, 16);
            const char *at = bounds[k].said + strcspn(bounds[k].said, "0123456789");
            for (; *at != '\0' && strchr("0123456789, MiB", *at) != NULL && strncmp(at, ", ", 2) != 0; at++)
                if (*at != ',' && *at != ' ')
                    buf_add_char(&digits, *at);
            assert_string_equal(digits.p, o[i].value_default);
            if (bounds[k].source == NULL)
                continue;
            const char *source = whole_file(a, arena_printf(a, SOURCE_DIR "/src/booking/%s", bounds[k].source)).p;
            const char *line = arena_printf(a, "#define %s %s\n", bounds[k].define, o[i].value_default);
            assert_int_equal(count_of(source, line), 1);
        }
    }
    assert_int_equal(found, sizeof bounds / sizeof *bounds);
}

/* Each departure is explained where the key is, by default put right, and told in Russian; and no other. */
static void M9_departures_are_told_everywhere(void **state)
{
    (void)state;
    unsigned n, keys = 0;
    const struct config_option *o = config_options(&n);
    const char *page = strstr(whole_file(a, SOURCE_DIR "/README.ru.md").p, "\n| слово в `lenient` |");
    assert_non_null(page);
    page = arena_strndup(a, page, (size_t)(strstr(page, "\n\n") - page));
    assert_int_equal(count_of(page, "\n| `"), LENIENCY_COUNT);
    for (unsigned k = 0; k < LENIENCY_COUNT; k++)
        assert_int_equal(count_of(page, arena_printf(a, "\n| `%s` | ", leniency_names[k])), 1);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(o[i].key, "lenient") != 0)
            continue;
        keys++;
        assert_int_equal(count_of(o[i].value_default, ", "), LENIENCY_COUNT - 1);
        for (unsigned k = 0; k < LENIENCY_COUNT; k++) {
            const char *name = leniency_names[k];
            assert_int_equal(count_of(o[i].help, arena_printf(a, ". %s: ", name)), 1);
            assert_int_equal(count_of(arena_printf(a, ", %s,", o[i].value_default), arena_printf(a, ", %s,", name)), 1);
        }
    }
    assert_int_equal(keys, 3); /* of a listener, of a sender, of a queue */
}

/* Both pages take it from there, by the tests above. */
static void O2_the_help_of_kind_explains_every_kind(void **state)
{
    (void)state;
    unsigned n;
    const struct config_option *o = config_options(&n);
    while (n > 0 && (strcmp(o->section, "listener") != 0 || strcmp(o->key, "kind") != 0)) {
        o++;
        n--;
    }
    assert_int_not_equal(n, 0);
    for (int kind = 0; kind < LISTENER_UNSET; kind++)
        if (strstr(o->help, arena_printf(a, "%s: ", listener_kind_words[kind])) == NULL)
            fail_msg("src/config/config_table.h, kind: the help does not explain '%s'", listener_kind_words[kind]);
}

/* Two readings of one text differ in their addresses alone: none of those of the one may be in its copy. */
static void assert_no_address(const void *one, const void *other, const void *copy, size_t n, unsigned addresses)
{
    const uintptr_t *x = one, *y = other, *c = copy;
    unsigned seen = 0;
    for (size_t i = 0; i < n / sizeof *x; i++) {
        if (x[i] == y[i])
            continue;
        seen++;
        if (c[i] == x[i])
            fail_msg("the word at byte %zu is still the configuration's", i * sizeof *x);
    }
    assert_int_equal(seen, addresses);
}

static void C5_what_a_reload_frees_is_in_no_copy(void **state)
{
    (void)state;
    const char *text =
        LEAST "[trust]\nanchors = /a\ncrl = /l\n[agency B]\nkey = /k\ncert = /c\n[sender S]\nsmev = yes\ncert = "
              "/s\n[sender P]\ncert = /p\n"
              "[smev3 main]\nagency = B\nmnemonic = M\nendpoint = https://s/\nendpoint_reserve = https://r/\nsmev = S\n"
              "node_id = n\nnamespace = urn:x\nroots = a b\nofficial_key = /k\nofficial_cert = /c\nca = /ca\n"
              "attachments = fetch\nfiles_server = ftp://f:21\nfiles_dir = /f\nchannel = kiosk\n"
              "reading = lenient\ndoc_types = X\n"
              "[push B]\nroad = smev2\nqueue = main\nurl = https://p/\nportal = P\nservice_name = N\nservice_code = C\n"
              "exchange_type = 2\ntype_code = GFNC\noktmo = 1\nca = /ca\n";
    struct config one = load(text), other = load(text);
    struct config_smev3 queue;
    struct config_push push;
    config_smev3_copy(a, &one.smev3s[0], &queue);
    config_push_copy(a, &one.pushes[0], &push);
    assert_no_address(&one.smev3s[0], &other.smev3s[0], &queue, sizeof queue, 17);
    assert_no_address(&one.pushes[0], &other.pushes[0], &push, sizeof push, 11);
    assert_string_equal(queue.files.dir, "/f");
    assert_string_equal(push.url, "https://p/");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(C5_what_a_reload_frees_is_in_no_copy),
        T(O2_defaults_hold_where_nothing_is_said),
        T(O2_values_and_their_units),
        T(M8_the_way_to_the_portal),
        T(Q1_a_queue),
        T(V1_public_urls_that_can_be_asked),
        T(M9_reading_of_a_caller),
        T(O2_the_sample_file_says_what_the_program_does),
        T(O2_drop_ins_are_read_in_order_and_win),
        T(O2_the_sample_file_can_be_used),
        T(O2_the_guides_examples_go_together),
        T(O2_the_manual_page_says_what_the_program_does),
        T(L2_bounds_have_one_default),
        T(M9_departures_are_told_everywhere),
        T(O2_the_help_of_kind_explains_every_kind),
    };
    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
