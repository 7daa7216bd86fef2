/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The error table: every row whole, the first error kept, no half letter in a detail. */
#include "error.h"
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void the_first_error_is_kept(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(error_set(&e, ERR_CHECK, "digest of #%s differs", "body"), ERR_CHECK);
    assert_int_equal(error_set(&e, ERR_INTERNAL, "and then"), ERR_INTERNAL);
    assert_int_equal(e.code, ERR_CHECK);
    assert_string_equal(e.detail, "digest of #body differs");
    assert_int_equal(error_set(NULL, ERR_LIMIT, "nobody listens"), ERR_LIMIT);
}

static void long_details_are_cut_at_a_letter(void **state)
{
    (void)state;
    char text[1201] = "";
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "я", 2);
        struct error e = {0};
        assert_int_equal(error_set(&e, ERR_INTERNAL, "%s", text), ERR_INTERNAL);
        size_t n = strlen(e.detail);
        assert_in_range(n, sizeof e.detail - 4, sizeof e.detail - 1);
        assert_int_equal((n - shift) % 2, 0); /* whole letters only */
    }
}

static void every_row_is_whole(void **state)
{
    (void)state;
    for (int code = ERR_OK; code <= (int)ERR_SYSTEM; code++) {
        assert_non_null(error_text((enum err)code));
        assert_true(strlen(error_name((enum err)code)) > 1);
        assert_in_range(error_http_status((enum err)code), 200, 503);
        assert_in_range(error_log_level((enum err)code), LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
        const char *fault = error_faultcode((enum err)code);
        if (fault != NULL)
            assert_true(strncmp(fault, "soap:", 5) == 0 || strncmp(fault, "wsse:", 5) == 0);
        /* SOAP 1.1, 6.2: a fault is 500; only "come again" has a word of HTTP's own */
        int status = error_http_status((enum err)code);
        if (fault != NULL)
            assert_true(status == 500 ||
                        (status == 503 && (error_blame((enum err)code) != BLAME_CLIENT || code == ERR_GONE)));
        /* who is told "client" must have done something; who is told "server" must not be blamed */
        if (error_blame((enum err)code) == BLAME_SERVER && fault != NULL)
            assert_string_equal(fault, "soap:Server");
        if (error_blame((enum err)code) == BLAME_CLIENT && fault != NULL)
            assert_string_not_equal(fault, "soap:Server");
    }
}

/* Names and fault codes of WS-Security 1.0 section 12 and SOAP 1.1 section 4.4.1. */
static void some_rows_by_the_standards(void **state)
{
    (void)state;
    assert_string_equal(error_name(ERR_CHECK), "CHECK");
    assert_string_equal(error_faultcode(ERR_CHECK), "wsse:FailedCheck");
    assert_string_equal(error_faultcode(ERR_ALGORITHM), "wsse:UnsupportedAlgorithm");
    assert_string_equal(error_faultcode(ERR_TOKEN), "wsse:InvalidSecurityToken");
    assert_string_equal(error_faultcode(ERR_TOKEN_UNAVAILABLE), "wsse:SecurityTokenUnavailable");
    assert_string_equal(error_faultcode(ERR_MUST_UNDERSTAND), "soap:MustUnderstand");
    assert_null(error_faultcode(ERR_INPUT));
    assert_null(error_faultcode(ERR_REFUSED));
    assert_int_equal(error_http_status(ERR_OK), 200);
    assert_int_equal(error_http_status(ERR_BUSY), 503);
    assert_int_equal(error_blame(ERR_CONFIG), BLAME_OPERATOR);
    /* a code from nowhere is our fault, never a success */
    assert_string_equal(error_name((enum err)12345), "INTERNAL");
    assert_string_equal(error_name((enum err) - 1), "INTERNAL");
}

/*
 * Q1: where nobody waits for a fault, each row says what becomes of the message. A failure of ours is never told as a
 * refusal, nor is anything else that may be over in a while; what is refused is told in words a citizen can read, with
 * a RejectionReasonCode of SMEV's (schemas 1.1 to 1.3, RejectCode).
 */
static void every_row_says_what_becomes_of_a_queue(void **state)
{
    (void)state;
    static const char *const codes[] = {"ACCESS_DENIED", "NO_DATA", "UNKNOWN_REQUEST_DESCRIPTION", "FAILURE"};
    for (int i = ERR_OK; i <= (int)ERR_SYSTEM; i++) {
        enum err code = (enum err)i;
        enum queue_verdict verdict = error_queue(code);
        const char *words = error_rejection(code);
        bool is_of_smev = false;
        for (size_t k = 0; k < sizeof codes / sizeof *codes; k++)
            is_of_smev |= strcmp(queue_verdict_words[verdict], codes[k]) == 0;
        assert_int_equal(queue_rejects(verdict), is_of_smev);
        assert_int_equal(queue_rejects(verdict), words != NULL);
        if (error_blame(code) == BLAME_SERVER || error_blame(code) == BLAME_OPERATOR || error_http_status(code) == 503)
            assert_int_equal(verdict, QUEUE_AGAIN);
        /* an error of order 329 (items 1 to 3) has its place in the method's own answer */
        if (error_http_status(code) == 200)
            assert_int_equal(verdict, QUEUE_ANSWER);
        else
            assert_int_not_equal(verdict, QUEUE_ANSWER);
        if (words == NULL)
            continue;
        assert_int_equal(error_blame(code), BLAME_CLIENT);
        assert_true((unsigned char)words[0] >= 0xd0 && strlen(words) > 40); /* a sentence, in Russian */
        for (const char *c = words; *c != '\0'; c++)
            assert_false((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z'));
    }
    assert_int_equal(error_queue((enum err)12345), QUEUE_AGAIN);
    assert_null(error_rejection((enum err) - 1));
    /* the same id with another content: nobody can say which of them was meant */
    assert_int_equal(error_queue(ERR_REUSED), QUEUE_PARK);
    assert_string_equal(queue_verdict_words[error_queue(ERR_OPERATION)], "UNKNOWN_REQUEST_DESCRIPTION");
    assert_string_equal(queue_verdict_words[error_queue(ERR_SENDER)], "ACCESS_DENIED");
}

/* O2: each name stands for itself, whatever others it begins or ends. */
static void a_file_is_blamed_by_its_whole_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "/k/agency", "/k/agency.pem", "/k/agency.pem.old", "/k/agency key", "/k/agency does", "/k/", "/k/a"};
    static const char *const why[] = {"%s: cannot be read: No such file or directory",
                                      "%s does not belong to /k/agency", "%s: no usable private key for /k/agency.pem"};
    const size_t n = sizeof names / sizeof names[0];
    char text[200];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof why / sizeof why[0]; k++) {
            const char *rest = why[k] + 2;
            snprintf(text, sizeof text, "%s%s", names[i], rest);
            for (size_t j = 0; j < n; j++)
                if (error_blames(text, names[j]) != (i == j))
                    fail_msg("'%s' blames %s", text, names[i == j ? i : j]);
        }
    assert_false(error_blames("the cipher list names nothing usable", "the"));
    assert_false(error_blames("/k/agency: gone", NULL));
    assert_false(error_blames(": gone", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(long_details_are_cut_at_a_letter),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(some_rows_by_the_standards),
        cmocka_unit_test(every_row_says_what_becomes_of_a_queue),
        cmocka_unit_test(a_file_is_blamed_by_its_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
