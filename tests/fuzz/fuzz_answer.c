/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M8: any octets as what the portal has signed, and as what came instead of it. Beyond not crashing: what nobody signed
 * is never more than a failure; a verdict about our message is given only where the octets name portal, agency and the
 * message or the booking; nothing of the octets gets into what is logged.
 */
#include "push/push_answer.c"
#include "request/keyring.h"

#include <strings.h>

#define OURS   "0b5ca8a0-ccd5-11f0-8000-0123456789ab"
#define BOOKID "6b9f2c1e-0000-4000-8000-000000000001"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct keyring nobody;
static const struct config_push conf = {.agency = "AAAA00001", .portal = "PGU001001"};
static const struct booking_update update = {.book_id = BOOKID, .esia_id = "1000300890", .status_code = "201"};

/* The date of the seeds is now. */
static int64_t then_us(void)
{
    return 1796000000LL * 1000000;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error e = {0};
    (void)argc;
    (void)argv;
    if (crypto_init(&e) != ERR_OK)
        abort();
    xml_init();
    clock_replace(NULL, then_us);
    return 0;
}

#define WORDS_MAX 1000 /* of the portal's own */

static void look_at_words(const struct push_answer *out)
{
    for (const char *p = out->reason; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
            abort();
    if (strlen(out->words) > WORDS_MAX + 400)
        abort();
}

static bool names(struct span octets, const char *text)
{
    return memmem(octets.p, octets.n, text, strlen(text)) != NULL;
}

/* An id, in capital letters or not. */
static bool names_id(struct span octets, const char *id)
{
    size_t n = strlen(id);
    for (size_t i = 0; i + n <= octets.n; i++)
        if (strncasecmp(octets.p + i, id, n) == 0)
            return true;
    return false;
}

/* Every text stands there in one piece, as it is read. */
static bool is_plain(struct span octets)
{
    return !names(octets, "&") && !names(octets, "<!") && !names(octets, "<?");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    const struct push_way way = {.keys = &nobody, .conf = &conf, .age_max_s = 86400};
    struct span octets = {(const char *)data, size};
    struct push_answer out;
    struct error e = {0};
    push_answer_read(a, &way, &update, OURS, 200, NULL, octets, &out);
    look_at_words(&out);
    if (out.verdict != PUSH_FAILED)
        abort();
    struct reading r = {
        .arena = a, .way = &way, .update = &update, .message_id = OURS, .now_s = then_us() / 1000000, .out = &out};
    if (size > 0 && xml_prescan(octets, &xml_limits_default, &e) == ERR_OK) {
        judge_signed(&r, octets);
        look_at_words(&out);
        bool is_fault = strncmp(out.reason, "fault ", 6) == 0;
        if (out.verdict != PUSH_FAILED && !is_fault && is_plain(octets) &&
            (!names(octets, "PGU001001") || !names(octets, "AAAA00001") ||
             (!names_id(octets, OURS) && !names_id(octets, BOOKID))))
            abort();
        if (out.verdict == PUSH_TAKEN && is_fault)
            abort();
    }
    xml_docs_free(a);
    arena_free(a);
    return 0;
}
