/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C1, C4, Q2: `zapisd dsig` at the terminal, on own messages and, when they lie beside the source, on real signed ones:
 * all that verified elsewhere verify here, all that did not do not.
 */
#include "smev3kit.h"

#include "dsig_command.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SAMPLES  SOURCE_DIR "/../shared/smev/signed-samples"
#define VECTORS  TESTS_DIR "/unit/smev/vectors"

static struct dsig_report_line *report(struct arena *a, const char *text, struct trust *trust, bool allow_gost2001,
                                       unsigned *n)
{
    struct error e = {0};
    struct xml_doc *doc = NULL;
    struct dsig_report_line *lines = NULL;
    if (kit_parse(a, text, &doc, &e) || dsig_report(a, doc, trust, kit.now_s, allow_gost2001, &lines, n, &e))
        fail_msg("%s", e.detail);
    return lines;
}

static void test_lines(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe plain = {0};
    char *text = kit_make(a, &plain);
    unsigned n = 0;
    struct dsig_report_line *lines = report(a, text, kit.trust, false, &n);
    assert_int_equal(n, 1);
    assert_int_equal(lines[0].verdict, ERR_OK);
    assert_string_equal(lines[0].element, "Envelope/Body");
    assert_string_equal(lines[0].algorithms, "gostr34102012-gostr34112012-256, gostr34112012-256");
    assert_non_null(strstr(lines[0].signer, "CN=signer"));
    assert_string_equal(lines[0].reason, "good");

    lines = report(a, kit_replace(a, text, ">GOOD<", ">EVIL<"), kit.trust, false, &n);
    assert_int_equal(lines[0].verdict, ERR_CHECK);
    assert_non_null(strstr(lines[0].reason, "digest"));
    struct recipe stranger = {.signer = &kit.stranger};
    lines = report(a, kit_make(a, &stranger), kit.trust, false, &n);
    assert_int_equal(lines[0].verdict, ERR_TOKEN);
    lines = report(a, kit_make(a, &stranger), NULL, false, &n);
    assert_int_equal(lines[0].verdict, ERR_OK);
    struct recipe old = {.signer = &kit.signer2001};
    lines = report(a, kit_make(a, &old), kit.trust, false, &n);
    assert_int_equal(lines[0].verdict, ERR_ALGORITHM);
    lines = report(a, kit_make(a, &old), kit.trust, true, &n);
    assert_int_equal(lines[0].verdict, ERR_OK);
    report(a, "<x/>", NULL, false, &n);
    assert_int_equal(n, 0);
    lines = report(a, "<Signature xmlns=\"" NS_DSIG "\"/>", NULL, false, &n);
    assert_int_equal(n, 1);
    assert_int_equal(lines[0].verdict, ERR_SECURITY);
    assert_null(lines[0].element);
    arena_free(a);
}

/* Where a signed Body was moved to is told, and a second signature beside it is not taken for the first. */
static void test_lines_of_a_moved_body(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe plain = {0};
    char *text = kit_make(a, &plain);
    char *moved = kit_replace(a, text, "</S:Header>", "<w>");
    moved = kit_replace(a, moved, "</S:Body>", "</S:Body></w></S:Header><S:Body/>");
    unsigned n;
    struct dsig_report_line *lines = report(a, moved, kit.trust, false, &n);
    assert_string_equal(lines[0].element, "Envelope/Header/w/Body");
    arena_free(a);
}

/* ---- places of SMEV 3 ---- */

static void expect_line(struct arena *a, const char *text, enum err verdict, const char *reason)
{
    unsigned n = 0;
    struct dsig_report_line *lines = report(a, text, kit.trust, false, &n);
    if (n != 1 || lines[0].verdict != verdict || !strstr(lines[0].reason, reason))
        fail_msg("%s: %s, not %s\n%s", error_name(lines[0].verdict), lines[0].reason, reason, text);
}

static void test_lines_of_smev3(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const char *two = TRANSFORM(EXC_C14N) TRANSFORM(SMEV_TRANSFORM);
    struct edits three = {
        {{two, TRANSFORM(NS_DSIG "enveloped-signature") TRANSFORM(EXC_C14N) TRANSFORM(SMEV_TRANSFORM)}}};
    struct edits with_ids = {{{"<ds:Reference ", "<ds:Reference Id=\"r\" "}, {"@VALUE@", "@VALUE@\n"}}};
    struct edits moved = {{{"#A", "#B"}}};
    char *text = kit3_make(a, REQUEST_11, &kit.signer, &kit3_plain);
    unsigned n = 0;
    struct dsig_report_line *lines = report(a, text, kit.trust, false, &n);
    assert_string_equal(lines[0].reason, "good, strict");
    assert_string_equal(lines[0].element, "Envelope/Body/GetRequestResponse/RequestMessage/Request");
    assert_string_equal(lines[0].algorithms, "gostr34102012-gostr34112012-256, gostr34112012-256, smev transform");
    assert_non_null(strstr(lines[0].signer, "CN=signer"));
    expect_line(a, kit3_make(a, REQUEST_11, &kit.signer, &with_ids), ERR_OK,
                "good, strict: Id or Type attributes, blanks in base64");
    /* SMEV's own is taken strictly or not at all; of a caller's it is said */
    expect_line(a, kit3_make(a, REQUEST_11, &kit.signer, &three), ERR_ALGORITHM, "enveloped-signature");
    expect_line(a, kit3_make(a, ACK_13, &kit.signer, &three), ERR_OK, "good, tolerated: enveloped-signature");
    expect_line(a, kit3_make(a, ACK_13, &kit.signer, &moved), ERR_SECURITY, "does not name <AckTargetMessage>");
    expect_line(a, kit3_make(a, ACK_13, &kit.stranger, &kit3_plain), ERR_TOKEN, "CN=stranger");
    expect_line(a, kit_replace(a, text, "<t:Request Id=\"A\">", "<t:Request/><t:Request Id=\"A\">"), ERR_SECURITY,
                "no element, or several");
    expect_line(a, kit_replace(a, text, "SMEVSignature", "SomeSignature"), ERR_OK, "good");
    /* the element elsewhere, another at its place: by its Id it would be good */
    char *wrapped = kit_replace(a, text, "<S:Header>", "<S:Header>" REQUEST3(" Id=\"A\"", "GOOD"));
    wrapped = kit_replace(a, wrapped, "<S:Body><t:GetRequestResponse><t:RequestMessage><t:Request Id=\"A\">",
                          "<S:Body><t:GetRequestResponse><t:RequestMessage><t:Request Id=\"A\" evil=\"\">");
    expect_line(a, wrapped, ERR_CHECK, "digest of <Request>");
    arena_free(a);
}

/* ---- the command itself ---- */

/* Runs it in a process of its own; *out and *err get what it printed. */
static int run_command(struct arena *a, const char *const *args, struct span *out, struct span *err)
{
    char *argv[16] = {0};
    int argc = 0;
    for (; args[argc]; argc++)
        argv[argc] = arena_strdup(a, args[argc]);
    const char *out_path = arena_printf(a, "%s/stdout", kit.folder),
               *err_path = arena_printf(a, "%s/stderr", kit.folder);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(open(out_path, O_CREAT | O_TRUNC | O_WRONLY, 0600), 1);
        dup2(open(err_path, O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
        int status = dsig_command(argc, argv);
        fflush(NULL);
        _exit(status);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    *out = whole_file(a, out_path);
    *err = whole_file(a, err_path);
    if (!WIFEXITED(status))
        fail_msg("the command died: %.*s", (int)err->n, err->p);
    return WEXITSTATUS(status);
}

#define RUN(...) run_command(a, (const char *const[]){"dsig", __VA_ARGS__, NULL}, &out, &err)

static const char *write_file(struct arena *a, const char *name, struct span text)
{
    const char *path = arena_printf(a, "%s/%s", kit.folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(text.p, 1, text.n, f);
    fclose(f);
    return path;
}

static void test_command_verify(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct span out, err;
    assert_int_equal(
        RUN("verify", "--anchors", VECTORS "/ca.pem", VECTORS "/request-256.xml", VECTORS "/request-512.xml"), 0);
    assert_non_null(memmem(out.p, out.n, "  good\n", 7));
    assert_int_equal(RUN("verify", "--anchors", VECTORS "/ca.pem", VECTORS "/request-through-smev.xml"), 0);
    assert_non_null(strstr(out.p, "Envelope/Header/Header + Envelope/Body"));
    assert_int_equal(RUN("verify", "--anchors", VECTORS "/ca.pem", VECTORS "/request-2001.xml"), 1);
    assert_non_null(strstr(out.p, "ALGORITHM: "));
    assert_int_equal(RUN("verify", "--anchors", VECTORS "/ca.pem", "--allow-gost2001", VECTORS "/request-2001.xml"), 0);
    assert_int_equal(RUN("verify", "--no-chain", VECTORS "/request-2001.xml"), 0);
    assert_int_equal(RUN("verify", "--anchors", kit.ca.cert_file, VECTORS "/request-256.xml"), 1);
    assert_non_null(strstr(out.p, "TOKEN: "));
    assert_int_equal(
        RUN("verify", "--no-chain", VECTORS "/request-256.xml", write_file(a, "none.xml", SPAN_LIT("<x/>"))), 1);
    assert_non_null(strstr(out.p, "no signature"));
    assert_int_equal(RUN("verify", "--no-chain", "/nonexistent"), 1);
    assert_int_equal(RUN("verify", "--no-chain", write_file(a, "junk.xml", SPAN_LIT("<x"))), 1);
    assert_int_equal(RUN("verify", "--no-chain", write_file(a, "dtd.xml", SPAN_LIT("<!DOCTYPE x><x/>"))), 1);
    assert_non_null(strstr(out.p, "DOCTYPE: "));
    assert_int_equal(RUN("verify", VECTORS "/request-256.xml"), 2);
    assert_int_equal(RUN("verify", "--no-chain"), 2);
    assert_int_equal(RUN("verify", "--no-such-option", "x"), 2);
    assert_int_equal(RUN("verify", "--anchors", "/nonexistent", VECTORS "/request-256.xml"), 2);
    assert_int_equal(RUN("frobnicate"), 2);
    assert_int_equal(RUN("--help"), 0);
    /* nothing of a stranger's document drives the terminal */
    struct span evil =
        SPAN_LIT("<Signature xmlns=\"" NS_DSIG "\"><SignedInfo><CanonicalizationMethod Algorithm=\"\xC2\x9B"
                 "2J&#10;good\"/></SignedInfo></Signature>");
    assert_int_equal(RUN("verify", "--no-chain", write_file(a, "evil.xml", evil)), 1);
    assert_null(memmem(out.p, out.n, "\xC2\x9B", 2));
    assert_ptr_equal(memchr(out.p, '\n', out.n), out.p + out.n - 1);
    arena_free(a);
}

static void test_command_sign(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct span out, err;
    const char *plain =
        write_file(a, "plain.xml", SPAN_LIT("<S:Envelope xmlns:S=\"" NS_SOAP "\"><S:Body><x/></S:Body></S:Envelope>"));
    assert_int_equal(RUN("sign", "--key", kit.signer.key_file, "--cert", kit.signer.cert_file, plain), 0);
    const char *signed_file = write_file(a, "signed.xml", out);
    assert_int_equal(RUN("verify", "--anchors", kit.ca.cert_file, signed_file), 0);
    assert_int_equal(
        RUN("sign", "--key", kit.signer.key_file, "--cert", kit.signer.cert_file, "--actor", "urn:x\"&", plain), 0);
    assert_non_null(strstr(out.p, "urn:x&quot;&amp;"));
    assert_int_equal(RUN("sign", "--key", kit.signer.key_file, "--cert", kit.other.cert_file, plain), 1);
    assert_int_equal(out.n, 0);
    assert_int_equal(RUN("sign", "--key", kit.signer2001.key_file, "--cert", kit.signer2001.cert_file, plain), 1);
    assert_int_equal(RUN("sign", "--key", kit.signer.key_file, "--cert", kit.signer.cert_file, signed_file), 1);
    assert_int_equal(RUN("sign", "--key", kit.signer.key_file, plain), 2);
    assert_int_equal(RUN("sign", "--key", kit.signer.key_file, "--cert", kit.signer.cert_file), 2);
    arena_free(a);
}

/* ---- dumps ---- */

#define XOP_NS "http://www.w3.org/2004/08/xop/include"
#define REF_HEADER                                                                                                     \
    "<b:RefAttachmentHeaderList><b:RefAttachmentHeader><b:SignaturePKCS7>%s</b:SignaturePKCS7>"                        \
    "</b:RefAttachmentHeader></b:RefAttachmentHeaderList>"
#define PART(id)                                                                                                       \
    "\r\n--uuid:1\r\nContent-Id: <" id ">\r\nContent-Type: application/octet-stream\r\n"                               \
    "Content-Transfer-Encoding: binary\r\n\r\n"
#define TYPE                                                                                                           \
    "multipart/related; start=\"<root>\"; type=\"application/xop+xml\"; boundary=\"uuid:1\"; start-info=\"text/xml\""
#define ROOT_HEAD                                                                                                      \
    "--uuid:1\r\nContent-Id: <root>\r\nContent-Type: application/xop+xml;charset=utf-8;type=\"text/xml\"\r\n\r\n"

/* A request whose SignaturePKCS7, under the signature, and an attachment, outside of it, travel in parts. */
static char *xop_body(struct arena *a, const char *cid)
{
    char *form = kit_replace(a, REQUEST_11, "</b:MessagePrimaryContent>", "</b:MessagePrimaryContent>" REF_HEADER);
    form = kit_replace(a, form, BY_SMEV,
                       "<b:AttachmentContentList><b:AttachmentContent><b:Id>f</b:Id><b:Content><xop:Include "
                       "xmlns:xop=\"" XOP_NS "\" href=\"cid:file\"/></b:Content></b:AttachmentContent>"
                       "</b:AttachmentContentList>" BY_SMEV);
    char *text = kit3_make(a, kit_replace(a, form, "%s", "QUJD"), &kit.signer, &kit3_plain);
    text =
        kit_replace(a, text, ">QUJD<", arena_printf(a, "><xop:Include xmlns:xop=\"" XOP_NS "\" href=\"%s\"/><", cid));
    return arena_printf(a, ROOT_HEAD "%s" PART("p7@urn://x") "ABC" PART("file") "%s\r\n--uuid:1--\r\n", text, "octets");
}

static void test_command_verify_dumps(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct span out, err;
    const char *body = xop_body(a, "cid:p7%40urn%3A%2F%2Fx"), *plain = kit3_make(a, ACK_13, &kit.signer, &kit3_plain);
    const struct {
        const char *text, *said;
    } rows[] = {
        {body, "good, strict"}, /* the first line tells the boundary */
        {arena_printf(a, "HTTP/1.1 200 OK\r\nContent-Type: " TYPE "\r\n\r\n%s", body), "good, strict"},
        {arena_printf(a,
                      "POST /ws HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/related; start=\"<root>\";\r\n\t"
                      "boundary=\"uuid:1\"; type=\"application/xop+xml\"\r\nSOAPAction: \"urn:x\"\r\n\r\n%s",
                      body),
         "good, strict"},
        {arena_printf(a, "Content-Type: " TYPE "\n\n%s", body), "good, strict"},
        {arena_printf(a, "HTTP/1.1 200\r\nContent-Type: text/xml; charset=utf-8\r\n\r\n%s", plain), "good, strict"},
        {arena_printf(a, "HTTP/1.1 200\n\n%s", plain), "good, strict"},
        {arena_printf(a, "\xEF\xBB\xBF%s", plain), "good, strict"},
        {kit_replace(a, body, "\r\nABC", "\r\nABD"), "CHECK: "},
        {kit_replace(a, body, "octets", "others"), "good, strict"}, /* outside of every signature */
        {kit_replace(a, body, "\r\n--uuid:1--\r\n", ""), "MALFORMED: "},
        {xop_body(a, "cid:nobody"), "ENVELOPE: "},
        {xop_body(a, "http://example.org/"), "ENVELOPE: "},
        {kit_replace(a, body, "<p7@urn://x>", "<file>"), ": "},
        {arena_printf(a, "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n%s", plain), "MALFORMED: a body in chunks"},
        {"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html/>", ": "},
        {"HTTP/1.1 200 OK\r\n\r\n", ": "},
        {"HTTP/1.1 200 OK", ": "},
        {"--\r\n", ": "},
        {"--a\"b\r\n\r\n<x/>\r\n--a\"b--", "MALFORMED: "},
        {"a: b", ": "},
        {"", ": "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *file = write_file(a, "dump", span_of(rows[i].text));
        int status = RUN("verify", "--anchors", kit.ca.cert_file, file);
        bool is_good = strncmp(rows[i].said, "good", 4) == 0;
        if (status != !is_good || !memmem(out.p, out.n, rows[i].said, strlen(rows[i].said)))
            fail_msg("%zu: %.*s", i, (int)out.n, out.p);
        assert_int_equal(err.n, 0);
    }
    arena_free(a);
}

#define BARE(form) kit_replace(a, kit_replace(a, form, "@SIG@", ""), " Id=\"A\"", "")

static void test_command_sign_smev3(void **state)
{
    (void)state;
    static const struct {
        const char *form, *element, *from, *to;
    } rows[] = {
        {ACK_13, "AckTargetMessage", NULL, NULL},
        {ACK_13, "AckTargetMessage", "<t:CallerInformationSystemSignature></t:CallerInformationSystemSignature>",
         "<t:CallerInformationSystemSignature />"},
        {ACK_13, "AckTargetMessage", "<t:CallerInformationSystemSignature></t:CallerInformationSystemSignature>", ""},
        {ACK_13, "AckTargetMessage", "<b:AckTargetMessage",
         "<!-- <b:AckTargetMessage> --><b:AckTargetMessage Id='mine'"},
        {ACK_13, "AckTargetMessage", "Signature></", "Signature>\n  </"},
        {SELECTOR_11, "MessageTypeSelector", "</b:RootElementLocalName>", "<![CDATA[<]]></b:RootElementLocalName>"},
        {REQUEST_11, "Request", NULL, NULL},
        {REQUEST_11, "Request", "Id=\"B\"", ""},
        {REQUEST_11, "cancelBookingRequest", "<t:SMEVSignature></t:SMEVSignature>", ""},
        {REQUEST_11, "SenderProvidedRequestData", "<t:SMEVSignature></t:SMEVSignature>", ""},
        {RESPONSE_12, "Response", "<t:SMEVSignature></t:SMEVSignature>", ""},
        {CANCEL_11, "MessageReference", "<t:SMEVSignature></t:SMEVSignature>", ""},
        {METADATA_13, "MessageMetadata", NULL, NULL},
    };
    static const char *const wrong[][3] = {
        {ACK_13, "Nothing", NULL},
        {ACK_13, "AckRequest", NULL},
        {ACK_13, "Envelope", NULL},
        {REQUEST_11, "MessageID", NULL},
        {REQUEST_11, "MessagePrimaryContent", NULL},
        {RESPONSE_12, "MessageId", "<t:To>x</t:To>"},
        {ACK_13, "AckTargetMessage", "<t:CallerInformationSystemSignature>"}, /* something in it */
        {ACK_13, "AckTargetMessage", "<t:AckRequest><b:Timestamp/>"},         /* which of them is it of? */
    };
    struct arena *a = arena_new();
    struct span out, err;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = BARE(rows[i].form);
        text = rows[i].from ? kit_replace(a, text, rows[i].from, rows[i].to) : text;
        const char *file = write_file(a, "bare.xml", span_of(text));
        const struct kit_signer *s = i % 2 ? &kit.signer512 : &kit.signer;
        if (RUN("sign", "--smev3", rows[i].element, "--key", s->key_file, "--cert", s->cert_file, file) != 0)
            fail_msg("%s: %.*s", rows[i].element, (int)err.n, err.p);
        file = write_file(a, "signed.xml", out);
        if (RUN("verify", "--anchors", kit.ca.cert_file, file) != 0 || !memmem(out.p, out.n, "  good, strict\n", 15))
            fail_msg("%s: %.*s", rows[i].element, (int)out.n, out.p);
        assert_int_equal(RUN("sign", "--smev3", rows[i].element, "--key", s->key_file, "--cert", s->cert_file, file),
                         1);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char *text = BARE(wrong[i][0]);
        if (wrong[i][2] && strstr(wrong[i][2], "Timestamp"))
            text = kit_replace(a, text, "<t:AckRequest>", wrong[i][2]);
        else if (wrong[i][2])
            text = kit_replace(a, text, wrong[i][2], arena_printf(a, "%s<x/>", wrong[i][2]));
        const char *file = write_file(a, "bare.xml", span_of(text));
        assert_int_equal(
            RUN("sign", "--smev3", wrong[i][1], "--key", kit.signer.key_file, "--cert", kit.signer.cert_file, file), 1);
        assert_int_equal(out.n, 0);
    }
    assert_int_equal(
        RUN("sign", "--smev3", "x", "--actor", "y", "--key", kit.signer.key_file, "--cert", kit.signer.cert_file, "-"),
        2);
    arena_free(a);
}

static void test_command_transform(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct span out, err;
    const char *file = write_file(a, "t.xml", SPAN_LIT("<r xmlns=\"urn:1\" xmlns:u=\"urn:2\">\n <u:a b='1'/></r>\n"));
    assert_int_equal(RUN("transform", file), 0);
    assert_true(span_is(out, "<ns1:r xmlns:ns1=\"urn:1\"><ns2:a xmlns:ns2=\"urn:2\" b=\"1\"></ns2:a></ns1:r>"));
    assert_int_equal(RUN("transform", write_file(a, "t2.xml", SPAN_LIT("<r/>"))), 1);
    assert_int_equal(RUN("transform", file, file), 2);
    arena_free(a);
}

/* ---- real messages ---- */

/* wanted: what a line of a good one ends with. */
static unsigned verify_folder(const char *folder, bool expect_good, const char *wanted)
{
    struct arena *names = arena_new();
    const char *path = arena_printf(names, SAMPLES "/%s", folder);
    DIR *d = opendir(path);
    unsigned n = 0;
    for (struct dirent *entry; d && (entry = readdir(d)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        struct arena *a = arena_new();
        struct span out, err;
        int status = RUN("verify", "--no-chain", arena_printf(a, "%s/%s", path, entry->d_name));
        if (status != (expect_good ? 0 : 1) || (expect_good && !memmem(out.p, out.n, wanted, strlen(wanted))))
            fail_msg("%s/%s: %.*s", folder, entry->d_name, (int)out.n, out.p);
        n++;
        arena_free(a);
    }
    if (d)
        closedir(d);
    arena_free(names);
    return n;
}

static void test_real_messages(void **state)
{
    (void)state;
    struct stat st;
    if (stat(SAMPLES, &st) != 0) {
        printf("skipped: the collected messages are not beside the source\n");
        skip();
    }
    assert_int_equal(verify_folder("smev2-gost2001", true, "  good\n"), 7);
    assert_int_equal(verify_folder("smev3-gost2001", true, "  good, strict\n"), 6);
    assert_int_equal(verify_folder("smev3-gost2012-256", true, "  good, strict\n"), 3);
    assert_int_equal(verify_folder("smev3-prettyprinted", false, NULL), 6);
    assert_int_equal(verify_folder("smev3-xop", false, NULL), 2);
    assert_int_equal(verify_folder("broken", false, NULL), 2);
    /* an empty queue's answer as CXF writes it, and a request whose parts somebody cut off */
    struct arena *a = arena_new();
    struct span out, err;
    assert_int_equal(RUN("verify", "--no-chain", SAMPLES "/unsigned/GetResponseResponce_MultipartEmptyQueue.http.txt"),
                     1);
    assert_non_null(memmem(out.p, out.n, "  no signature\n", 15));
    assert_int_equal(RUN("verify", "--no-chain", SAMPLES "/unsigned/SendRequestRequestAttachMTOM.http.txt"), 1);
    assert_non_null(memmem(out.p, out.n, "MALFORMED: ", 11));
    arena_free(a);
}

/* The same SMEV 2 messages as requests: the strict path takes them too (chains apart, which ended years ago). */
static void test_real_messages_as_requests(void **state)
{
    (void)state;
    static const char *const names[] = {
        "fss-request.xml",
        "fss-response-reject-with-smev-header.xml",
        "mcsv-request-appdocument-oktmo.xml",
        "mvvact-updateStatus-request.xml",
        "oep-dict-request.xml",
        "oep-dict-response.xml",
        "rr-request-rev110801.xml",
    };
    struct stat st;
    if (stat(SAMPLES, &st) != 0) {
        printf("skipped: the collected messages are not beside the source\n");
        skip();
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        struct arena *a = arena_new();
        struct span text = whole_file(a, arena_printf(a, SAMPLES "/smev2-gost2001/%s", names[i]));
        struct wsse_policy policy = {.allow_gost2001 = true, .require_smev = true};
        struct wsse_result result;
        struct error e = {0};
        enum err err = kit_verify(a, text.p, &policy, &result, &e);
        if (err)
            fail_msg("%s: %s (%s)", names[i], error_name(err), e.detail);
        if (i == 1)
            assert_string_equal(result.header_message_id, "F3C71274-BA99-A159-89EB-21F6901DBF3B");
        policy.allow_gost2001 = false;
        memset(&e, 0, sizeof e);
        assert_int_equal(kit_verify(a, text.p, &policy, &result, &e), ERR_ALGORITHM);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lines_of_a_moved_body),
        cmocka_unit_test(test_lines_of_smev3),
        cmocka_unit_test(test_command_verify),
        cmocka_unit_test(test_command_sign),
        cmocka_unit_test(test_command_verify_dumps),
        cmocka_unit_test(test_command_sign_smev3),
        cmocka_unit_test(test_command_transform),
        cmocka_unit_test(test_real_messages),
        cmocka_unit_test(test_real_messages_as_requests),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}

#include "dsig_command.c" /* lives with main, in no library */
