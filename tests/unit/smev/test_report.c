/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C1, C4, Q2: `zapisd dsig` at the terminal, on own messages and, when they lie beside the source, on real signed ones:
 * all that verified elsewhere verify here, all that did not do not.
 */
#include "testkit.h"

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

static unsigned verify_folder(const char *folder, bool expect_good)
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
        if (status != (expect_good ? 0 : 1))
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
    assert_int_equal(verify_folder("smev2-gost2001", true), 7);
    assert_int_equal(verify_folder("smev3-gost2001", true), 6);
    assert_int_equal(verify_folder("smev3-gost2012-256", true), 3);
    assert_int_equal(verify_folder("smev3-prettyprinted", false), 6);
    assert_int_equal(verify_folder("smev3-xop", false), 2);
    assert_int_equal(verify_folder("broken", false), 2);
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
        cmocka_unit_test(test_command_verify),
        cmocka_unit_test(test_command_sign),
        cmocka_unit_test(test_command_transform),
        cmocka_unit_test(test_real_messages),
        cmocka_unit_test(test_real_messages_as_requests),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}

#include "dsig_command.c" /* lives with main, in no library */
