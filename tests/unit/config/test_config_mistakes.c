/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * O2: a mistake is reported with file and line, never passed over. Each row is a whole file with one seeded mistake and
 * the one line that must be reported; the file without the mistake is accepted.
 */
#include "buf.h"
#include "config.h"

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

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/z.conf", dir);
    snprintf(drop_dir, sizeof drop_dir, "%s/z.conf.d", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void write_bytes(const char *file, const char *text, size_t n)
{
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Eleven good lines; what a row adds begins at line 12. */
static const char good[] = "# a complete file\n"
                           "[database]\n"
                           "conninfo = dbname=x\n"
                           "[trust]\n"
                           "anchors = /a.pem\n"
                           "crl = /a.crl\n"
                           "[agency AAAA00001]\n"
                           "key = /k\n"
                           "cert = /c\n"
                           "[sender PGU001001]\n"
                           "cert = /p\n";

#define L        "[listener x]\nkind = smev2\naddress = 127.0.0.1:1\n" /* lines 12-14 */
#define P        "[listener p]\nkind = plain\naddress = 127.0.0.1:2\n" /* lines 12-14, or 15-17 behind L */
#define REST     "exchange_type = 2\nservice_name = P\n"
#define PUSH     L "[push AAAA00001]\nurl = http://p/\nportal = PGU001001\n" /* lines 15-17 behind L; REST 18-19 */
#define S        "[sender S]\ncert = /s\nsmev = yes\n"                       /* lines 15-17 behind L; QUEUE 18-21 */
#define QUEUE    L S "[smev3 q]\nagency = AAAA00001\nendpoint = http://p/\nsmev = S\n"
#define TEN      "0123456789"
#define URL(url) L "[push AAAA00001]\nurl = " url "\nportal = PGU001001\n" REST

static const struct {
    const char *added;
    int line;
    const char *text; /* a part of the message */
} seeds[] = {
    /* layout */
    {L "path /x\n", 15, "expected 'key = value'"},
    {L "just words\n", 15, "expected 'key = value'"},
    {L "[log\n", 15, "']' is missing"},
    {L "[log] level = info\n", 15, "behind ']'"},
    {L "[]\n", 15, "there is no section []"},
    {L "[Log]\n", 15, "there is no section [Log]"},
    {L "[logs]\nlevel = info\n", 15, "there is no section [logs]"},
    {L "[listener]\n", 15, "needs a name"},
    {L "[listener a b]\n", 15, "needs a name"},
    {L "[listener a'b]\n", 15, "needs a name"},
    {L "[agency ЕПГУ]\n", 15, "needs a name"},
    {L "[sender 123456789012345678901234567890123]\n", 15, "needs a name"},
    {L "[listener 1234567890123456789012345678901234567890]\n", 15, "too long"},
    {L "[daemon one]\n", 15, "[daemon] has no name"},
    {L "[database]\n", 15, "opened before, in line 2"},
    {L "[listener x]\n", 15, "opened before, in line 12"},
    {L "path = /x\xff\n", 15, "not UTF-8"},
    {L "[log]\nlevel = \n", 16, "level: the value is missing"},
    {L "[log]\nlevel =\n", 16, "level: the value is missing"},
    {L "[log]\n= info\n", 16, "'' is not a key"},
    /* keys */
    {L "[log]\nLevel = info\n", 16, "'Level' is not a key of [log]"},
    {L "[log]\nlevels = info\n", 16, "'levels' is not a key of [log]"},
    {L "[log]\nworkers = 1\n", 16, "it belongs to [daemon]"},
    {L "[log]\nlevel = info\nlevel = info\n", 17, "level was set before, in line 16"},
    {L "tls_cert = /c\ntls_key = /k\ntls_cert = /d\n", 17, "tls_cert was set before, in line 15"},
    {L "kind = smev2\n", 15, "kind was set before, in line 13"},
    /* numbers */
    {L "[daemon]\nworkers = -1\n", 16, "workers: expected a number from 0 to 256"},
    {L "[daemon]\nworkers = +1\n", 16, "workers: expected a number"},
    {L "[daemon]\nworkers = 0x10\n", 16, "workers: expected a number"},
    {L "[daemon]\nworkers = 4.0\n", 16, "workers: expected a number"},
    {L "[daemon]\nworkers = 257\n", 16, "workers: expected a number"},
    {L "[daemon]\nworkers = four\n", 16, "workers: expected a number"},
    {L "[daemon]\nworkers = 4 ; my cores\n", 16, "workers: expected a number"},
    {L "[daemon]\nworkers = 18446744073709551617\n", 16, "workers: expected a number"},
    {L "[daemon]\nrequests_max = 0\n", 16, "requests_max: expected a number from 1"},
    {L "[database]\nconninfo = x\nbatch_max = 65\n", 17, "batch_max: expected a number from 1 to 64"},
    {L "[database]\nconninfo = x\nbatch_max = 4294967297\n", 17, "batch_max: expected"},
    /* durations and sizes */
    {L "[daemon]\ndrain_timeout = 30\n", 16, "drain_timeout: expected a duration"},
    {L "[daemon]\ndrain_timeout = 30 s\n", 16, "drain_timeout: expected a duration"},
    {L "[daemon]\ndrain_timeout = 30sec\n", 16, "drain_timeout: expected a duration"},
    {L "[daemon]\ndrain_timeout = s\n", 16, "drain_timeout: expected a duration"},
    {L "[daemon]\ndrain_timeout = 1.5s\n", 16, "drain_timeout: expected a duration"},
    {L "[daemon]\ndrain_timeout = 5124095576030432h\n", 16, "drain_timeout: expected"},
    {L "[daemon]\ndrain_timeout = 2h\n", 16, "drain_timeout: expected 0ms to 60m"},
    {L "[daemon]\nrequest_timeout = 1ms\n", 16, "request_timeout: expected 100ms to 10m"},
    {L "[limits]\nbody_max = 1048576\n", 16, "body_max: expected a size"},
    {L "[limits]\nbody_max = 1MB\n", 16, "body_max: expected a size"},
    {L "[limits]\nbody_max = 1M\n", 16, "body_max: expected a size"},
    {L "[limits]\nbody_max = 1mib\n", 16, "body_max: expected a size"},
    {L "[limits]\nbody_max = 17179869184GiB\n", 16, "body_max: expected"},
    {L "[limits]\nbody_max = 1B\n", 16, "body_max: expected 64KiB to 64MiB"},
    {L "[limits]\nbody_max = 7KiB\n", 16, "body_max: expected 64KiB to 64MiB"},
    /* words */
    {L "[log]\nlevel = verbose\n", 16, "level: expected error|warning|notice|info|debug"},
    {L "[log]\nlevel = info|debug\n", 16, "level: expected"},
    {L "channel = phone\n", 15, "expected portal|kiosk|call-centre|walk-in"},
    {L "[log]\nlevel = INFO\n", 16, "level: expected"},
    {L "require_recipient_signature = true\n", 15, "expected yes or no"},
    {L "require_recipient_signature = 1\n", 15, "expected yes or no"},
    {L "require_recipient_signature = Yes\n", 15, "expected yes or no"},
    {"[listener x]\nkind = smev3\naddress = 127.0.0.1:1\n", 13, "kind: expected smev2|plain"},
    {P "plain_on_public_address = yes\n", 15, "expected i-know-it-is-unsigned"},
    /* addresses, paths, addresses of the web */
    {L "[admin]\naddress = 8182\n", 16, "address: expected"},
    {L "[admin]\naddress = localhost:8182\n", 16, "numbers only, no names"},
    {L "[admin]\naddress = 127.0.0.1\n", 16, "address: expected"},
    {L "[admin]\naddress = 127.0.0.1:\n", 16, "address: expected"},
    {L "[admin]\naddress = :8182\n", 16, "address: expected"},
    {L "[admin]\naddress = 127.0.0.1:0\n", 16, "address: expected"},
    {L "[admin]\naddress = 127.0.0.1:65536\n", 16, "address: expected"},
    {L "[admin]\naddress = 127.0.0.1:+80\n", 16, "address: expected"},
    {L "[admin]\naddress = 127.1:80\n", 16, "address: expected"},
    {L "[admin]\naddress = 256.0.0.1:80\n", 16, "address: expected"},
    {L "[admin]\naddress = ::1:80\n", 16, "address: expected"},
    {L "[admin]\naddress = [::1]80\n", 16, "address: expected"},
    {L "[admin]\naddress = [::1:80\n", 16, "address: expected"},
    {L "[admin]\naddress = [127.0.0.1]:80\n", 16, "address: expected"},
    {L "[admin]\naddress = *:80\n", 16, "address: expected"},
    {L "[admin]\naddress = unix:run/x\n", 16, "address: expected"},
    {L "[admin]\naddress = unix:/\n", 16, "address: expected"},
    {L "[admin]\naddress = fd:\n", 16, "address: expected"},
    {L "[admin]\naddress = fd:2\n", 16, "address: expected"},
    {L "[admin]\naddress = fd:3x\n", 16, "address: expected"},
    {L "path = equeue\n", 15, "path: expected"},
    {L "path = /a b\n", 15, "path: expected"},
    {L "path = /a?wsdl\n", 15, "path: expected"},
    /* V1: an address that nobody can ask is told to nobody (RFC 3986, 3) */
    {L "public_url = ftp://x/y\n", 15, "public_url: expected http://"},
    {L "public_url = booking.example.org/equeue\n", 15, "public_url: expected http://"},
    {L "public_url = booking.example.org:8443\n", 15, "public_url: expected http://"},
    {L "public_url = //booking.example.org/\n", 15, "public_url: expected http://"},
    {L "public_url = HTTPS://x/\n", 15, "public_url: expected http://"},
    {L "public_url = https:/x\n", 15, "public_url: expected http://"},
    {L "public_url = https://\n", 15, "public_url: expected a host"},
    {L "public_url = https:///x\n", 15, "public_url: expected a host"},
    {L "public_url = https://:8443/x\n", 15, "public_url: expected a host"},
    {L "public_url = https://?wsdl\n", 15, "public_url: expected a host"},
    {L "public_url = http://0.0.0.0:8180/equeue\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://0.0.0.0\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://0/equeue\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://0x0:80/\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://[::]:8180/equeue\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://[0:0:0:0:0:0:0:0]/\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://[::ffff:0.0.0.0]:1/x\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://[::0.0.0.0]\n", 15, "public_url: expected an address that can be asked"},
    {L "public_url = http://[]/x\n", 15, "public_url: expected a name"},
    {L "public_url = http://[::1/x\n", 15, "public_url: expected a name"},
    {L "public_url = http://::1/x\n", 15, "public_url: expected a name"},
    {L "public_url = http://[::1]x/\n", 15, "public_url: expected a name"},
    {L "public_url = http://[10.0.0.1]/\n", 15, "public_url: expected a name"},
    {L "public_url = http://a:1:2/\n", 15, "public_url: expected a name"},
    {L "public_url = http://a..b/\n", 15, "public_url: expected a name"},
    {L "public_url = http://-a/\n", 15, "public_url: expected a name"},
    {L "public_url = http://256.0.0.1/\n", 15, "public_url: expected a name"},
    {L "public_url = http://10.1/\n", 15, "public_url: expected a name"},
    {L "public_url = http://a%20b/\n", 15, "public_url: expected a name"},
    {L "public_url = http://запись.рф/\n", 15, "public_url: expected a name"},
    {L "public_url = http://a b/\n", 15, "public_url: expected a name"},
    {L "public_url = http://a:/x\n", 15, "public_url: expected a port"},
    {L "public_url = http://a:0/x\n", 15, "public_url: expected a port"},
    {L "public_url = http://a:65536/x\n", 15, "public_url: expected a port"},
    {L "public_url = http://a:x/\n", 15, "public_url: expected a port"},
    {L "public_url = http://a:+1/\n", 15, "public_url: expected a port"},
    {L "public_url = https://user@x/equeue\n", 15, "public_url: expected no user"},
    {L "public_url = https://user:secret@x/equeue\n", 15, "public_url: expected no user"},
    {L "public_url = https://u:p@0.0.0.0\n", 15, "public_url: expected no user"},
    {L "public_url = https://x/equeue?wsdl\n", 15, "public_url: expected no query"},
    {L "public_url = https://x?\n", 15, "public_url: expected no query"},
    {L "public_url = https://x/equeue#top\n", 15, "public_url: expected no fragment"},
    {L "public_url = https://x#\n", 15, "public_url: expected no fragment"},
    {L "public_url = https://x/a?b#c\n", 15, "public_url: expected no fragment"},
    {L "public_url = https://x/\"><a>\n", 15, "public_url: expected a path"},
    {L "public_url = https://x/%\n", 15, "public_url: expected a path"},
    {L "public_url = https://x/%4\n", 15, "public_url: expected a path"},
    {L "public_url = https://x/a b\n", 15, "public_url: expected a path"},
    {L "public_url = https://x/a&b\n", 15, "public_url: expected a path"},
    {L "tls_cert = \"/etc/x.pem\"\n", 15, "without quotes"},
    {L "agency = A/B\n", 15, "agency: expected letters"},
    /* what is missing */
    {"[listener x]\naddress = 127.0.0.1:1\n", 12, "[listener x] needs the key kind"},
    {"[listener x]\nkind = smev2\n", 12, "[listener x] needs the key address"},
    {L "[agency B]\ncert = /c\n", 15, "[agency B] needs the key key"},
    {L "[agency B]\nkey = /k\n", 15, "[agency B] needs the key cert"},
    {L "[sender B]\nname = Б\n", 15, "[sender B] needs the key cert"},
    {"[log]\nlevel = info\n", 1, "there is no [listener NAME] section"},
    /* what does not fit together */
    {"[listener p]\nkind = plain\naddress = 0.0.0.0:80\n", 14, "i-know-it-is-unsigned"},
    {"[listener p]\nkind = plain\naddress = 10.1.2.3:80\n", 14, "i-know-it-is-unsigned"},
    {"[listener p]\nkind = plain\naddress = [::]:80\n", 14, "i-know-it-is-unsigned"},
    {"[listener p]\nkind = plain\naddress = [::ffff:10.0.0.1]:80\n", 14, "i-know-it-is-unsigned"},
    {"[listener p]\nkind = plain\naddress = fd:3\n", 14, "i-know-it-is-unsigned"},
    {L "plain_on_public_address = i-know-it-is-unsigned\n", 15, "is for plain listeners"},
    {L "reading = lenient\n", 15, "is said in [sender CODE]"}, /* M9: who is read leniently is who signed */
    {L "lenient = order\n", 15, "is said in [sender CODE]"},
    {L "doc_types = VISA\n", 15, "is said in [sender CODE]"},
    {L "status_as_text = yes\n", 15, "is said in [sender CODE]"},
    {P "reading = loose\n", 15, "expected strict|lenient"},
    {P "lenient = order, disorder, names\n", 15, "lenient: 'disorder' is none of namespaces|order|"},
    {P "lenient = Order\n", 15, "'Order' is none of"},
    {P "lenient = order names\n", 15, "'order names' is none of"},
    {P "lenient = order,,names\n", 15, "a word is missing between the commas"},
    {P "lenient = order,\n", 15, "a word is missing between the commas"},
    {P "lenient_order = no\n", 15, "'lenient_order' is no key any more: "},
    {P "lenient_order = no\n", 15, "lenient = namespaces, order, names"},
    {P "require_recipient_signature = yes\n", 15, "is for smev2 listeners"},
    {L "require_recipient_signature = yes\n", 15, "needs a sender with smev = yes"},
    {L "agency = BBBB00002\n", 15, "agency names no [agency CODE]"},
    {L "tls_cert = /c\n", 15, "tls_cert needs tls_key"},
    {L "tls_key = /k\n", 15, "tls_key needs tls_cert"},
    {L "tls_client_ca = /k\n", 15, "tls_client_ca needs tls_cert"},
    {L "tls_cert = /c\ntls_key = /k\ntls_client_crl = /l\n", 17, "tls_client_crl needs tls_client_ca"},
    {L "tls_ciphers = HIGH\n", 15, "tls_ciphers needs tls_cert"},
    {L "tls_cert = /c\ntls_key = /k\ntls_client_required = yes\n", 17, "tls_client_required needs tls_client_ca"},
    {L "[listener y]\nkind = smev2\naddress = 127.0.0.1:1\n", 17, "the same as that of [listener x]"},
    {L "[listener y]\nkind = smev2\naddress = 0.0.0.0:1\n", 17, "the same as that of [listener x]"},
    {L "[listener y]\nkind = smev2\naddress = [::]:1\n", 17, "the same as that of [listener x]"},
    {L "[listener y]\nkind = smev2\naddress = [::ffff:127.0.0.1]:1\n", 17, "the same as that of [listener x]"},
    {"[listener x]\nkind = smev2\naddress = [::1]:1\n[listener y]\nkind = smev2\naddress = [0::0:1]:1\n", 17,
     "the same as that of [listener x]"},
    {"[listener x]\nkind = smev2\naddress = 127.0.0.1:8182\n", 14, "the same as that of [admin]"},
    {"[listener x]\nkind = smev2\naddress = 0.0.0.0:8182\n", 14, "the same as that of [admin]"},
    {L "[limits]\nbuffers_max = 16MiB\nbody_max = 9MiB\n", 16, "buffers_max in [limits] is less than twice body_max"},
    {L "[sender B]\ncert = /p\n", 16, "the same cert stands in [sender PGU001001]"},
    {L "[sender B]\ncert = /q\ncert = /q\n", 17, "the same cert stands in [sender B]"},
    /* M8: the way to the portal */
    {L "[push]\n" REST, 15, "needs a name"},
    {L "[push AAAA00001]\nportal = PGU001001\n" REST, 15, "[push AAAA00001] needs the key url"},
    {L "[push AAAA00001]\nurl = http://p/\n" REST, 15, "[push AAAA00001] needs the key portal"},
    {L "[push AAAA00001]\nurl = http://p/\nportal = PGU001001\nservice_name = P\n", 15, "needs the key exchange_type"},
    {L "[push BBBB00002]\nurl = http://p/\nportal = PGU001001\n" REST, 15, "no [agency CODE] section of this code"},
    {L "[push PGU001001]\nurl = http://p/\nportal = PGU001001\n" REST, 15, "no [agency CODE] section of this code"},
    {L "[push AAAA00001]\nurl = http://p/\nportal = AAAA00001\n" REST, 17, "portal names no [sender CODE]"},
    {L "[push AAAA00001]\nurl = http://p/\nportal = pgu001001\n" REST, 17, "portal names no [sender CODE]"},
    {L "[push AAAA00001]\nurl = http://p/\nportal = A B\n" REST, 17, "portal: expected letters"},
    {L "[sender S]\ncert = /s\nsmev = yes\n[push AAAA00001]\nurl = http://p/\nportal = S\n" REST, 20,
     "portal names SMEV"},
    {PUSH REST "road = smev4\n", 20, "road: expected smev2|smev3"},
    {PUSH REST "road = smev3\n", 20, "[push AAAA00001] needs the key queue: road = smev3"},
    {L "[push AAAA00001]\nroad = smev3\n", 16, "[push AAAA00001] needs the key queue: road = smev3"},
    {L "[push AAAA00001]\nqueue = q\nroad = smev3\n", 16, "queue names no [smev3 NAME]"},
    {PUSH REST "queue = q\n", 20, "queue names no [smev3 NAME]"},
    {QUEUE "[push AAAA00001]\nqueue = q\nportal = PGU001001\n" REST, 22,
     "[push AAAA00001] needs the key url: road = smev2"},
    {QUEUE "[push AAAA00001]\nqueue = q\nroad = smev3\nanswer_deadline = 20s\n", 25,
     "not more than timeout: 20s, and timeout is 30s"},
    {QUEUE "[agency BBBB00002]\nkey = /k\ncert = /c\n[push BBBB00002]\nqueue = q\nroad = smev3\n", 26,
     "queue names a [smev3] of another agency"},
    {PUSH REST "revision = rev110801\n", 20, "revision: expected rev120315|rev111111"},
    {PUSH "exchange_type = 2\n", 15, "rev120315 needs service_name"},
    {PUSH "exchange_type = 2\nrevision = rev120315\n", 19, "rev120315 needs service_name"},
    {PUSH "exchange_type = 2\nrevision = rev111111\nservice_name = P\n", 20, "rev111111 has no ServiceName"},
    {PUSH "exchange_type = 2\nrevision = rev111111\ntype_code = OTHR\n", 20, "rev111111 has no OTHR"},
    {PUSH REST "type_code = gsrv\n", 20, "type_code: expected GSRV|GFNC|OTHR"},
    {PUSH REST "oktmo = 45 000 000\n", 20, "oktmo: expected letters"},
    {PUSH REST "timeout = 99ms\n", 20, "timeout: expected 100ms to 10m"},
    {PUSH REST "timeout = 11m\n", 20, "timeout: expected 100ms to 10m"},
    {PUSH REST "in_flight = 0\n", 20, "in_flight: expected a number from 1 to 64"},
    {PUSH REST "in_flight = 65\n", 20, "in_flight: expected a number from 1 to 64"},
    {PUSH REST "answer_deadline = 1d\n", 20, "answer_deadline: expected a duration"},
    {PUSH REST "answer_deadline = 721h\n", 20, "answer_deadline: expected 1s to 43200m"},
    {PUSH REST "answer_deadline = 30s\n", 20, "answer_deadline is not more than timeout: 30s, and timeout is 30s"},
    {PUSH REST "ca = /ca.pem\n", 20, "ca is for https"},
    {URL("https://p/"), 16, "https needs ca"},
    {PUSH REST "cert = /c\n", 20, "'cert' is not a key of [push]"},
    {PUSH REST "[push AAAA00001]\n", 20, "opened before, in line 15"},
    {"[listener p]\nkind = plain\naddress = 127.0.0.1:2\nsmev = yes\n", 15, "it belongs to [sender]"},
    /* what is called (RFC 3986, 3): over SMEV's own network http to any address is what there is */
    {URL("ftp://p/x"), 16, "url: expected http://"},
    {URL("p/x"), 16, "url: expected http://"},
    {URL("unix:/run/p"), 16, "url: expected http://"},
    {URL("HTTP://p/"), 16, "url: expected http://"},
    {URL("http://"), 16, "url: expected a host"},
    {URL("http://:80/"), 16, "url: expected a host"},
    {URL("http://0.0.0.0/"), 16, "url: expected an address that can be asked"},
    {URL("http://[::]/"), 16, "url: expected an address that can be asked"},
    {URL("http://портал.рф/"), 16, "url: expected a name"},
    {URL("http://p:0/"), 16, "url: expected a port"},
    {URL("http://p:99999/"), 16, "url: expected a port"},
    {URL("http://user@p/"), 16, "url: expected no user and password: who calls is told by the signature"},
    {URL("http://user:secret@p/"), 16, "url: expected no user and password"},
    {URL("http://p/a#b"), 16, "url: expected no fragment"},
    {URL("http://p/a?b#c"), 16, "url: expected no fragment"},
    {URL("http://p/a b"), 16, "url: expected a path and a query"},
    {URL("http://p/а"), 16, "url: expected a path and a query"},
    {URL("http://p/%4"), 16, "url: expected a path and a query"},
    {URL("http://p/\"x"), 16, "url: expected a path and a query"},
    {URL("http://p/a\\b"), 16, "url: expected a path and a query"},
    /* Q1: a queue of SMEV 3 */
    {L S "[smev3]\nagency = AAAA00001\n", 18, "needs a name"},
    {L S "[smev3 q]\nendpoint = http://p/\nsmev = S\n", 18, "[smev3 q] needs the key agency"},
    {L S "[smev3 q]\nagency = AAAA00001\nsmev = S\n", 18, "[smev3 q] needs the key endpoint"},
    {L S "[smev3 q]\nagency = AAAA00001\nendpoint = http://p/\n", 18, "[smev3 q] needs the key smev"},
    {L S "[smev3 q]\nagency = B\nendpoint = http://p/\nsmev = S\n", 19, "agency names no [agency CODE]"},
    {L S "[smev3 q]\nagency = AAAA00001\nendpoint = http://p/\nsmev = T\n", 21, "smev names no [sender CODE]"},
    {L S "[smev3 q]\nagency = AAAA00001\nendpoint = http://p/\nsmev = PGU001001\n", 21, "is not SMEV"},
    {L S "[smev3 q]\nagency = AAAA00001\nendpoint = ftp://p/\nsmev = S\n", 20, "endpoint: expected http://"},
    {QUEUE "version = 1.4\n", 22, "version: expected 1.1|1.2|1.3"},
    {QUEUE "endpoint_reserve = http://p/\n", 22, "endpoint_reserve is the same as endpoint"},
    {QUEUE "endpoint_reserve = http://u:p@p/\n", 22, "expected no user and password"},
    {QUEUE "node_id = " TEN TEN TEN TEN TEN "1\n", 22, "node_id is more than 50 characters"},
    {QUEUE "node_id = узел" TEN TEN TEN TEN "1234567\n", 22, "node_id is more than 50 characters"},
    {QUEUE "in_flight = 2\nnode_id = " TEN TEN TEN TEN TEN TEN "\n", 23, "node_id is more than 50 characters"},
    {QUEUE "namespace = urn:x\n", 22, "namespace and roots go together"},
    {QUEUE "roots = a\n", 22, "namespace and roots go together"},
    {QUEUE "namespace = urn:x\nroots = ,\n", 22, "expected names of elements"},
    {QUEUE "namespace = urn:x\nroots = a:b\n", 22, "expected names of elements"},
    {QUEUE "ca = /ca.pem\n", 22, "ca is for https"},
    {QUEUE "endpoint_reserve = https://q/\n", 22, "https needs ca"},
    {QUEUE "poll_interval = 49ms\n", 22, "poll_interval: expected 50ms to 10m"},
    {QUEUE "in_flight = 33\n", 22, "in_flight: expected a number from 1 to 32"},
    {QUEUE "switch_after = 999ms\n", 22, "switch_after: expected 1s to 60m"},
    {QUEUE "channel = smev3\n", 22, "channel: expected portal|"},
    {QUEUE "road = smev3\n", 22, "it belongs to [push]"},
    {QUEUE "attachments = keep\n", 22, "expected ignore|fetch"},
    {QUEUE "attachments = fetch\n", 22, "attachments = fetch needs files_server"},
    {QUEUE "attachments = fetch\nfiles_server = ftp://192.0.2.42\n", 22, "attachments = fetch needs files_dir"},
    {QUEUE "files_server = http://192.0.2.42/\n", 22, "files_server: expected ftp://"},
    {QUEUE "files_server = ftp://u:p@192.0.2.42/\n", 22, "expected no user and password"},
    {QUEUE "files_server = ftp://192.0.2.42/files\n", 22, "expected nothing behind the host"},
    {QUEUE "files_server = ftp://192.0.2.42?x\n", 22, "expected nothing behind the host"},
    {QUEUE "files_server = ftp://\n", 22, "expected a host"},
    {QUEUE "files_server = ftp://192.0.2.42:0\n", 22, "expected a port"},
    {QUEUE "files_max = 0\n", 22, "files_max: expected a number from 1 to 1000"},
    {QUEUE "file_size_max = 1023B\n", 22, "file_size_max: expected 1KiB to 1024MiB"},
    {QUEUE "file_size_max = 2MiB\nfiles_size_max = 1MiB\n", 22, "file_size_max is more than files_size_max"},
    {QUEUE "files_timeout = 601s\n", 22, "files_timeout: expected 100ms to 10m"},
    {QUEUE "files_deliveries = 0\n", 22, "files_deliveries: expected a number from 1 to 1000"},
};

static unsigned count_lines(const char *s)
{
    unsigned n = 0;
    for (; *s != '\0'; s++)
        n += *s == '\n';
    return n;
}

static enum err load(struct arena *a, const char *text, size_t n, struct config *c, const char **mistakes,
                     struct error *e)
{
    write_bytes(path, text, n);
    return config_load(a, path, c, mistakes, e);
}

static void O2_the_file_without_mistakes_is_accepted(void **state)
{
    (void)state;
    static const char *const also[] = {
        L,
        P,
        L P,
        "[listener x]\nkind = smev2\naddress = 0.0.0.0:1\n[listener y]\nkind = smev2\naddress = [::1]:1\n",
        "[listener p]\nkind = plain\naddress = unix:/run/x\n",
        PUSH REST,
        PUSH REST "timeout = 1m\nin_flight = 64\nanswer_deadline = 61s\ntype_code = OTHR\noktmo = 45000000\n",
        PUSH "exchange_type = 0\nrevision = rev111111\ntype_code = GFNC\nservice_code = 1\n",
        URL("http://203.0.113.5:8080/a/b;c=1,2/@x?wsdl&y=%d0%b0"),
        URL("https://[2001:db8::1]/x") "ca = /ca.pem\n",
        URL("http://p"),
        QUEUE,
        QUEUE "version = 1.3\nendpoint_reserve = https://q/\nca = /c\nnamespace = urn:x\nroots = a,b, c\n",
        QUEUE "attachments = fetch\nfiles_server = ftp://files.example.org:2121/\nfiles_dir = /files\n",
        QUEUE "attachments = fetch\nfiles_server = ftp://[2001:db8::7]\nfiles_dir = /f\nfile_size_max = 1024MiB\n"
              "files_size_max = 1GiB\n",
        ("[listener p]\nkind = plain\naddress = 0.0.0.0:80\n"
         "plain_on_public_address = i-know-it-is-unsigned\n")};
    for (size_t i = 0; i < sizeof also / sizeof also[0]; i++) {
        struct arena *a = arena_new();
        const char *text = arena_printf(a, "%s%s", good, also[i]), *mistakes = NULL;
        struct config c;
        struct error e = {0};
        enum err rc = load(a, text, strlen(text), &c, &mistakes, &e);
        assert_string_equal(mistakes, "");
        assert_int_equal(rc, ERR_OK);
        assert_int_equal(e.code, ERR_OK);
        arena_free(a);
    }
}

static void O2_every_seeded_mistake_is_told_with_its_line(void **state)
{
    (void)state;
    assert_true(sizeof seeds / sizeof seeds[0] >= 60);
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct arena *a = arena_new();
        /* a section may stand only once in a file: a row that brings [database] itself gets three empty lines for ours
         */
        bool is_own = strstr(seeds[i].added, "[database]\nconninfo") != NULL;
        const char *head = is_own ? "\n\n\n" : good, *tail = is_own ? strstr(good, "[trust]") : "";
        const char *text = arena_printf(a, "%s%s%s", head, tail, seeds[i].added), *mistakes = NULL;
        int line = seeds[i].line;
        struct config c;
        struct error e = {0};
        enum err rc = load(a, text, strlen(text), &c, &mistakes, &e);
        const char *front = arena_printf(a, "%s:%d: ", path, line);
        if (rc != ERR_CONFIG || strncmp(mistakes, front, strlen(front)) != 0 ||
            strstr(mistakes, seeds[i].text) == NULL || count_lines(mistakes) != 1)
            fail_msg("row %zu wants line %d '%s', got:\n%s\nfor:\n%s", i, line, seeds[i].text, mistakes, text);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_non_null(strstr(e.detail, seeds[i].text));
        arena_free(a);
    }
}

static void O2_all_mistakes_are_told_in_the_order_of_the_file(void **state)
{
    (void)state;
    static const char text[] = "stray = 1\n"
                               "stray = 2\n"
                               "[nothing]\n"
                               "x = 1\n"
                               "[log]\n"
                               "level = loud\n"
                               "colour = red\n"
                               "no sign at all\n"
                               "[listener p]\n"
                               "kind = plain\n"
                               "address = 0.0.0.0:1\n"
                               "[trust]\n"
                               "anchors = /a\n";
    static const char want[] = "%1$s:1: a key outside of any section\n"
                               "%1$s:3: there is no section [nothing]\n"
                               "%1$s:6: level: expected error|warning|notice|info|debug\n"
                               "%1$s:7: 'colour' is not a key of [log]\n"
                               "%1$s:8: expected 'key = value'\n"
                               "%1$s:1: [database] needs the key conninfo\n"
                               "%1$s:12: [trust] needs the key crl, or crl_required = no\n"
                               "%1$s:11: anybody who reaches this address could book without a signature; use a local "
                               "address or say plain_on_public_address = i-know-it-is-unsigned\n";
    struct arena *a = arena_new();
    struct config c;
    struct error e = {0};
    const char *mistakes = NULL;
    char expected[2048];
    snprintf(expected, sizeof expected, want, path);
    assert_int_equal(load(a, text, sizeof text - 1, &c, &mistakes, &e), ERR_CONFIG);
    assert_string_equal(mistakes, expected);
    arena_free(a);
}

static void O2_long_lines_are_never_cut(void **state)
{
    (void)state;
    for (size_t length = 3900; length < 9000; length += 49) {
        struct arena *a = arena_new();
        struct buf b;
        buf_init(&b, a, 0);
        buf_printf(&b, "[database]\nconninfo = x\n%s[log]\n", P);
        size_t before = b.n;
        buf_add_str(&b, "level = info"); /* as if the rest were blanks that may go: they may not */
        while (b.n - before < length)
            buf_add_char(&b, ' ');
        buf_add_str(&b, "x\n[daemon]\nworkers = 5\n");
        struct config c;
        struct error e = {0};
        const char *mistakes = NULL;
        assert_int_equal(load(a, b.p, b.n, &c, &mistakes, &e), ERR_CONFIG);
        const char *want = arena_printf(a, "%s:7: %s\n", path,
                                        length + 3 > 4096 ? "the line is too long"
                                                          : "level: expected error|warning|notice|info|debug");
        assert_string_equal(mistakes, want);
        assert_int_equal(c.workers, 5); /* the next line is read as a line of its own */
        arena_free(a);
    }
}

static void O2_a_nul_is_a_mistake(void **state)
{
    (void)state;
    static const char text[] = "[database]\nconninfo = x\0y\n" P;
    struct arena *a = arena_new();
    struct config c;
    struct error e = {0};
    const char *mistakes = NULL;
    assert_int_equal(load(a, text, sizeof text - 1, &c, &mistakes, &e), ERR_CONFIG);
    assert_non_null(strstr(mistakes, ":2: a NUL character"));
    arena_free(a);
}

/* L5: a name goes into every answer of its agency, where XML has no place for these. */
static void L5_control_characters_are_mistakes(void **state)
{
    static const char *const more[] = {"\x7f",         "\xc2\x85",     "\xc2\x9f",         "\xe2\x80\xa8",
                                       "\xe2\x80\xa9", "\xef\xbf\xbe", "\xf0\x9f\xbf\xbf", "\xef\xbf\xbf"};
    (void)state;
    for (unsigned i = 1; i < 0x20 + sizeof more / sizeof more[0]; i++) {
        char control[2] = {(char)i, '\0'};
        if (i == '\t' || i == '\n')
            continue;
        struct arena *a = arena_new();
        const char *odd = i < 0x20 ? control : more[i - 0x20];
        const char *text = arena_printf(a, "[database]\nconninfo = x%sy\r\n" P, odd);
        struct config c;
        struct error e = {0};
        const char *mistakes = NULL;
        assert_int_equal(load(a, text, strlen(text), &c, &mistakes, &e), ERR_CONFIG);
        assert_non_null(strstr(mistakes, ":2: a control character"));
        arena_free(a);
    }
}

/* A bound below what any message needs would refuse everybody, and look good (L4). */
static void L4_an_age_no_message_has_is_a_mistake(void **state)
{
    static const struct {
        const char *age;
        bool is_taken;
    } rows[] = {{"0s", true}, {"1ms", false}, {"500ms", false}, {"59999ms", false}, {"1m", true}, {"24h", true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        const char *text = arena_printf(
            a, "[database]\nconninfo = x\n[trust]\ncrl_required = no\nmessage_age_max = %s\n" P, rows[i].age);
        struct config c;
        struct error e = {0};
        const char *mistakes = "";
        enum err err = load(a, text, strlen(text), &c, &mistakes, &e);
        assert_int_equal(err == ERR_CONFIG && strstr(mistakes, "message_age_max in [trust] is less than 1m") != NULL,
                         !rows[i].is_taken);
        arena_free(a);
    }
}

static void O2_a_secret_is_not_repeated(void **state)
{
    (void)state;
    static const char text[] = "[database]\nconninfo = a password=hunter2\nconninfo = b password=hunter2\n"
                               "password=hunter2\n[database]\n" P;
    struct arena *a = arena_new();
    struct config c;
    struct error e = {0};
    const char *mistakes = NULL;
    assert_int_equal(load(a, text, sizeof text - 1, &c, &mistakes, &e), ERR_CONFIG);
    assert_null(strstr(mistakes, "hunter2"));
    assert_null(strstr(e.detail, "hunter2"));
    arena_free(a);
}

static void O2_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct config c;
    struct error e = {0};
    const char *mistakes = NULL;
    unlink(path);
    assert_int_equal(config_load(a, path, &c, &mistakes, &e), ERR_CONFIG);
    assert_non_null(strstr(mistakes, "cannot be read"));
    struct error e2 = {0};
    assert_int_equal(config_load(a, dir, &c, &mistakes, &e2), ERR_CONFIG);
    assert_non_null(strstr(mistakes, "is not a file"));

    /* A drop-in that cannot be read is not passed over: a dangling link, and a directory that is a file. */
    const char *text = arena_printf(a, "%s%s", good, P);
    write_bytes(path, text, strlen(text));
    assert_int_equal(mkdir(drop_dir, 0700), 0);
    const char *link = arena_printf(a, "%s/10.conf", drop_dir);
    assert_int_equal(symlink("/nonexistent", link), 0);
    struct error e3 = {0};
    assert_int_equal(config_load(a, path, &c, &mistakes, &e3), ERR_CONFIG);
    assert_non_null(strstr(mistakes, "10.conf: cannot be read"));
    unlink(link);
    rmdir(drop_dir);
    write_bytes(drop_dir, "", 0);
    struct error e4 = {0};
    assert_int_equal(config_load(a, path, &c, &mistakes, &e4), ERR_CONFIG);
    assert_non_null(strstr(mistakes, "z.conf.d: cannot be read"));
    unlink(drop_dir);
    arena_free(a);
}

/* L4: a reload tells which of its keys wait for a restart, and every key knows its line. */
static void L4_what_a_reload_does_not_take(void **state)
{
    (void)state;
    static const struct {
        const char *added, *keys;
    } rows[] = {
        {L, ""},
        {L "[log]\nlevel = debug\n", ""},
        {L "[sender B]\ncert = /q\n[agency B]\nkey = /k\ncert = /c\n", ""},
        {L "[daemon]\nworkers = 3\n", "[daemon] workers"},
        {L "[daemon]\nworkers = 3\ndrain_timeout = 1s\n[limits]\nbody_max = 2MiB\n",
         "[daemon] drain_timeout, [daemon] workers, [limits] body_max"},
        {L "path = /other\ntls_cert = /c\ntls_key = /k\n", "[listener x] path"},
        {"[listener x]\nkind = plain\naddress = 127.0.0.1:1\n", "[listener x] kind"},
        {"[listener y]\nkind = smev2\naddress = 127.0.0.1:1\n", "[listener x], [listener y]"},
        {L P, "[listener p]"},
        {L "tls_cert = /c\ntls_key = /k\ntls_client_ca = /a\ntls_client_crl = /l\ntls_client_required = yes\n"
           "tls_ciphers = X\n",
         ""},
        {L "[trust]\n", NULL},
    };
    for (size_t i = 0; rows[i].keys != NULL; i++) {
        struct arena *a = arena_new();
        const char *mistakes = NULL, *old = arena_printf(a, "%s%s", good, L),
                   *new = arena_printf(a, "%s%s", good, rows[i].added);
        struct config running, fresh;
        struct error e = {0};
        assert_int_equal(load(a, old, strlen(old), &running, &mistakes, &e), ERR_OK);
        assert_int_equal(load(a, new, strlen(new), &fresh, &mistakes, &e), ERR_OK);
        const char *keys = config_restart_keys(a, &running, &fresh);
        for (const char *w = rows[i].keys; *w != '\0'; w += strspn(w, ", ")) {
            size_t n = strcspn(w, ",");
            assert_non_null(strstr(keys, arena_strndup(a, w, n)));
            w += n;
        }
        assert_int_equal(*keys == '\0', *rows[i].keys == '\0');
        arena_free(a);
    }
}

static void O2_every_key_knows_its_line(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const char *mistakes = NULL, *text = arena_printf(a, "%s%s[sender B]\ncert = /q\ncert = /r\n", good, L);
    struct config c;
    struct error e = {0};
    assert_int_equal(load(a, text, strlen(text), &c, &mistakes, &e), ERR_OK);
    static const struct {
        const char *section, *name, *key;
        int nth, line;
    } rows[] = {
        {"trust", "", "anchors", CONFIG_LAST, 5},
        {"trust", "", "crl", CONFIG_LAST, 6},
        {"agency", "AAAA00001", "cert", CONFIG_LAST, 9},
        {"sender", "PGU001001", "cert", 0, 11},
        {"sender", "B", "cert", 0, 16},
        {"sender", "B", "cert", 1, 17},
        {"listener", "x", "address", CONFIG_LAST, 14},
        {"listener", "x", "tls_cert", CONFIG_LAST, 12},
        {"admin", "", "address", CONFIG_LAST, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(config_at(a, &c, rows[i].section, rows[i].name, rows[i].key, rows[i].nth),
                            arena_printf(a, "%s:%d", path, rows[i].line));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(O2_the_file_without_mistakes_is_accepted),
        cmocka_unit_test(O2_every_seeded_mistake_is_told_with_its_line),
        cmocka_unit_test(O2_every_key_knows_its_line),
        cmocka_unit_test(L4_what_a_reload_does_not_take),
        cmocka_unit_test(O2_all_mistakes_are_told_in_the_order_of_the_file),
        cmocka_unit_test(O2_long_lines_are_never_cut),
        cmocka_unit_test(O2_a_nul_is_a_mistake),
        cmocka_unit_test(L5_control_characters_are_mistakes),
        cmocka_unit_test(L4_an_age_no_message_has_is_a_mistake),
        cmocka_unit_test(O2_a_secret_is_not_repeated),
        cmocka_unit_test(O2_files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
