/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Makes messages for the load generator, one a line: book requests for consecutive places, signed or plain. Signing
 * before the clock starts keeps the client's share of the machine small; each message can be sent once only. With
 * PLACES the slots are those with so many places each, and that many messages in a row want the same one.
 *
 * bench_messages FIRST COUNT [PLACES | KEY CERT] > file
 */
#include "clock.h"
#include "crypto.h"
#include "smev.h"
#include "xml.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_EQ "http://epgu.rtlabs.ru/equeue/ws/"

/* A citizen with every field of the applicant block, so that a message has its usual size. */
static void content_add(struct buf *b, unsigned long n, unsigned long places)
{
    if (places == 0)
        buf_printf(b,
                   "<eq:bookId>%08lx-0000-4000-9000-000000000000</eq:bookId>"
                   "<eq:slotId>00000000-0000-1000-8000-%012lx</eq:slotId>",
                   n, n);
    else
        buf_printf(b,
                   "<eq:bookId>%08lx-0000-4000-9000-00000000000e</eq:bookId>"
                   "<eq:slotId>00000000-0000-1000-8000-0e00%08lx</eq:slotId>",
                   n, n / places);
    buf_printf(
        b,
        "<eq:organizationId>R9900001</eq:organizationId><eq:userType>QUALIFIED</eq:userType>"
        "<eq:userKind>PHYSIC</eq:userKind><eq:esiaId>1000000000</eq:esiaId>"
        "<eq:lastName>Тестов</eq:lastName><eq:firstName>Тест</eq:firstName><eq:middleName>Тестович</eq:middleName>"
        "<eq:email>test@example.org</eq:email><eq:mobilePhone>70000000000</eq:mobilePhone>"
        "<eq:userSnils>112-233-445 95</eq:userSnils><eq:userDoc><eq:Document><eq:docType>PASSPORT</eq:docType>"
        "<eq:docSeries>0000</eq:docSeries><eq:docNumber>000000</eq:docNumber><eq:issueDate>2020-02-20</eq:issueDate>"
        "<eq:issuedBy>Отделом выдачи примеров по городу Образцову</eq:issuedBy><eq:issueDept>000-000</eq:issueDept>"
        "</eq:Document></eq:userDoc><eq:caseNumber>%lu</eq:caseNumber><eq:serviceId>9000000001</eq:serviceId>"
        "<eq:areaId></eq:areaId><eq:preliminaryReservation>false</eq:preliminaryReservation>",
        n);
}

static void envelope_plain(struct buf *b, unsigned long n, unsigned long places)
{
    buf_add_str(b, "<soap:Envelope xmlns:soap=\"" NS_SOAP "\"><soap:Body><eq:bookRequest xmlns:eq=\"" NS_EQ "\">");
    content_add(b, n, places);
    buf_add_str(b, "</eq:bookRequest></soap:Body></soap:Envelope>");
}

static void envelope_smev2(struct buf *b, unsigned long n)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format(clock_wall_us(), 180, now);
    buf_printf(b,
               "<soap:Envelope xmlns:soap=\"" NS_SOAP
               "\"><soap:Header></soap:Header><soap:Body><eq:bookRequest xmlns:eq=\"" NS_EQ
               "\"><smev:Message xmlns:smev=\"" NS_SMEV_120315 "\">"
               "<smev:Sender><smev:Code>PGU001001</smev:Code><smev:Name>ЕПГУ</smev:Name></smev:Sender>"
               "<smev:Recipient><smev:Code>AAAA00001</smev:Code><smev:Name>Агентство</smev:Name></smev:Recipient>"
               "<smev:ServiceName>EQUEUE</smev:ServiceName><smev:TypeCode>GSRV</smev:TypeCode><smev:Status>REQUEST</"
               "smev:Status>"
               "<smev:Date>%s</smev:Date><smev:ExchangeType>2</smev:ExchangeType></smev:Message>"
               "<smev:MessageData xmlns:smev=\"" NS_SMEV_120315 "\"><smev:AppData>",
               now);
    content_add(b, n, 0);
    buf_add_str(b, "</smev:AppData></smev:MessageData></eq:bookRequest></soap:Body></soap:Envelope>");
}

static enum err message_write(unsigned long n, unsigned long places, const struct key *key, struct error *e)
{
    struct arena *a = arena_new();
    struct buf envelope;
    struct buf out;
    buf_init(&envelope, a, 4096);
    buf_init(&out, a, 8192);
    enum err err = ERR_OK;
    if (key == NULL) {
        envelope_plain(&out, n, places);
    } else {
        envelope_smev2(&envelope, n);
        err = wsse_sign(a, buf_span(&envelope), key, ACTOR_SMEV, &out, e);
    }
    if (err == ERR_OK && (fwrite(out.p, 1, out.n, stdout) != out.n || putchar('\n') == EOF))
        err = error_set(e, ERR_SYSTEM, "cannot write");
    arena_free(a);
    return err;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 5) {
        (void)fputs("usage: bench_messages FIRST COUNT [PLACES | KEY CERT]\n", stderr);
        return 2;
    }
    unsigned long first = strtoul(argv[1], NULL, 10);
    unsigned long count = strtoul(argv[2], NULL, 10);
    unsigned long places = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    struct error e = {0};
    struct arena *a = arena_new();
    struct key *key = NULL;
    enum err err = crypto_init(&e);
    xml_init();
    if (err == ERR_OK && argc == 5)
        err = key_load(a, argv[3], argv[4], &key, &e);
    for (unsigned long i = 0; err == ERR_OK && i < count; i++)
        err = message_write(first + i, places, key, &e);
    if (err != ERR_OK)
        (void)fprintf(stderr, "bench_messages: %s\n", e.detail);
    arena_free(a);
    return err == ERR_OK ? 0 : 1;
}
