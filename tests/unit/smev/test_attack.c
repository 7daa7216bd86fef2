/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C3: signature wrapping. A message signed by a trusted system is taken apart and put together again with a Body of the
 * attacker's, in every way the generator below knows. Whatever comes out, the octets handed on must be those the system
 * signed; each variant has to be refused for the reason given with its place.
 */
#include "testkit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EVIL                                                                                                           \
    "<eq:cancelBookingRequest "                                                                                        \
    "xmlns:eq=\"http://epgu.rtlabs.ru/equeue/ws/\"><eq:bookId>EVIL</eq:bookId></eq:cancelBookingRequest>"

/* The signed message in pieces: text, all with the namespaces of the root in scope. */
struct pieces {
    const char *open, *token, *signature, *body; /* body: the signed one */
};

static char *cut(struct arena *a, const char *text, const char *from, const char *to)
{
    const char *start = strstr(text, from), *end = strstr(start, to);
    assert_non_null(start);
    assert_non_null(end);
    return arena_strndup(a, start, (size_t)(end - start) + strlen(to));
}

static struct pieces take_apart(struct arena *a)
{
    struct recipe r = {0};
    char *text = kit_make(a, &r);
    return (struct pieces){cut(a, text, "<S:Envelope", ">"),
                           cut(a, text, "<wsse:BinarySecurityToken", "</wsse:BinarySecurityToken>"),
                           cut(a, text, "<ds:Signature", "</ds:Signature>"), cut(a, text, "<S:Body", "</S:Body>")};
}

/* Where the signed Body goes while the attacker's takes its place. %s: the signed Body. */
static const struct place {
    const char *name;
    const char *header_first, *security_first, *token_first, *in_signature, *security_last, *header_last, *between,
        *evil_first, *evil_last, *behind;
    enum err expected;
} places[] = {
    {.name = "header, first", .header_first = "%s", .expected = ERR_SECURITY},
    {.name = "header, last", .header_last = "%s", .expected = ERR_SECURITY},
    {.name = "wrapper in header, first", .header_first = "<w xmlns=\"urn:w\">%s</w>", .expected = ERR_SECURITY},
    {.name = "wrapper in header, last", .header_last = "<w xmlns=\"urn:w\">%s</w>", .expected = ERR_SECURITY},
    {.name = "two wrappers in header", .header_last = "<w xmlns=\"urn:w\"><v>%s</v></w>", .expected = ERR_SECURITY},
    {.name = "envelope in header", .header_last = "<S:Envelope>%s</S:Envelope>", .expected = ERR_SECURITY},
    {.name = "whole envelope in header",
     .header_first = "<S:Envelope><S:Header/>%s</S:Envelope>",
     .expected = ERR_SECURITY},
    {.name = "smev header",
     .header_last = "<h:Header xmlns:h=\"" NS_SMEV_120315 "\">%s</h:Header>",
     .expected = ERR_SECURITY},
    {.name = "another Security", .header_last = "<wsse:Security>%s</wsse:Security>", .expected = ERR_SECURITY},
    {.name = "another Security, first",
     .header_first = "<wsse:Security S:actor=\"urn:x\">%s</wsse:Security>",
     .expected = ERR_SECURITY},
    {.name = "Security, first", .security_first = "%s", .expected = ERR_SECURITY},
    {.name = "Security, last", .security_last = "%s", .expected = ERR_SECURITY},
    {.name = "Timestamp", .security_last = "<wsu:Timestamp>%s</wsu:Timestamp>", .expected = ERR_SECURITY},
    {.name = "Timestamp, first", .security_first = "<wsu:Timestamp>%s</wsu:Timestamp>", .expected = ERR_SECURITY},
    {.name = "unknown element in Security", .security_last = "<w xmlns=\"urn:w\">%s</w>", .expected = ERR_SECURITY},
    {.name = "ds:Object", .in_signature = "<ds:Object>%s</ds:Object>", .expected = ERR_SECURITY},
    {.name = "ds:Object in Security", .security_last = "<ds:Object>%s</ds:Object>", .expected = ERR_SECURITY},
    {.name = "bare in Signature", .in_signature = "%s", .expected = ERR_SECURITY},
    {.name = "Body child, first", .evil_first = "%s", .expected = ERR_SECURITY},
    {.name = "Body child, last", .evil_last = "%s", .expected = ERR_SECURITY},
    {.name = "wrapper in Body, first", .evil_first = "<w xmlns=\"urn:w\">%s</w>", .expected = ERR_SECURITY},
    {.name = "wrapper in Body, last", .evil_last = "<w xmlns=\"urn:w\">%s</w>", .expected = ERR_SECURITY},
    {.name = "envelope in Body", .evil_last = "<S:Envelope>%s</S:Envelope>", .expected = ERR_SECURITY},
    {.name = "sibling, between", .between = "%s", .expected = ERR_ENVELOPE},
    {.name = "sibling, behind", .behind = "%s", .expected = ERR_ENVELOPE},
    {.name = "wrapper beside, between", .between = "<w xmlns=\"urn:w\">%s</w>", .expected = ERR_ENVELOPE},
    {.name = "wrapper beside, behind", .behind = "<w xmlns=\"urn:w\">%s</w>", .expected = ERR_ENVELOPE},
    {.name = "envelope beside", .behind = "<S:Envelope>%s</S:Envelope>", .expected = ERR_ENVELOPE},
    {.name = "nowhere", .expected = ERR_SECURITY},
};

/* The Id the attacker's Body bears. */
static const char *const evil_ids[] = {
    "",
    " wsu:Id=\"evil\"",
    " wsu:Id=\"body\"",
    " Id=\"body\"",
    " ID=\"body\"",
    " id=\"body\"",
    " xml:id=\"body\"",
    " x:Id=\"body\" xmlns:x=\"urn:x\"",
    " wsu:id=\"body\"",
};

/* Where Signature and token stand. */
enum home { HOME_NORMAL, HOME_HEADER, HOME_EVIL_BODY, HOME_NESTED, HOME_COPIED, HOME_COUNT };

static const char *fill(struct arena *a, const char *form, const char *body)
{
    if (!form)
        return "";
    const char *at = strstr(form, "%s");
    return arena_printf(a, "%.*s%s%s", (int)(at - form), form, body, at + 2);
}

static char *put_together(struct arena *a, const struct pieces *p, const struct place *at, const char *evil_id,
                          enum home home)
{
    const char *in_signature = fill(a, at->in_signature, p->body);
    const char *signature = *in_signature ? kit_replace(a, p->signature, "</ds:Signature>",
                                                        arena_printf(a, "%s</ds:Signature>", in_signature))
                                          : p->signature;
    const char *inside = arena_printf(a, "%s%s%s%s", fill(a, at->security_first, p->body), p->token, signature,
                                      fill(a, at->security_last, p->body));
    const char *security = arena_printf(a, "<wsse:Security S:actor=\"" ACTOR_SMEV "\">%s</wsse:Security>", inside);
    const char *in_header = home == HOME_HEADER      ? inside
                            : home == HOME_EVIL_BODY ? ""
                            : home == HOME_NESTED    ? arena_printf(a, "<w xmlns=\"urn:w\">%s</w>", security)
                                                     : security;
    const char *in_body = home == HOME_EVIL_BODY || home == HOME_COPIED ? security : "";
    return arena_printf(a, "%s<S:Header>%s%s%s</S:Header>%s<S:Body%s>%s%s" EVIL "%s</S:Body>%s</S:Envelope>", p->open,
                        fill(a, at->header_first, p->body), in_header, fill(a, at->header_last, p->body),
                        fill(a, at->between, p->body), evil_id, fill(a, at->evil_first, p->body), in_body,
                        fill(a, at->evil_last, p->body), fill(a, at->behind, p->body));
}

static enum err expected_of(const struct place *at, size_t id, enum home home, bool is_required)
{
    bool counts = home == HOME_NORMAL || home == HOME_COPIED; /* a Security header stands where it counts */
    if (at->expected == ERR_ENVELOPE || (!counts && is_required))
        return at->expected;
    if (!counts)
        return ERR_OK; /* nobody's signature is asked for and none is there: nothing is verified, nothing handed on */
    bool is_reference_good = id >= 2 && id <= 6; /* the attacker's Body is the one element with the Id signed */
    bool is_elsewhere = strcmp(at->name, "nowhere") != 0 || home == HOME_COPIED;
    return is_reference_good && !is_elsewhere ? ERR_CHECK : at->expected;
}

static void test_wrapping(void **state)
{
    (void)state;
    struct arena *pieces_arena = arena_new();
    struct pieces p = take_apart(pieces_arena);
    struct wsse_policy policies[] = {kit_policy(), kit_policy()};
    policies[1].require_smev = false;
    policies[1].trust = NULL;
    unsigned n = 0;
    for (size_t i = 0; i < COUNT(places); i++) {
        for (size_t j = 0; j < COUNT(evil_ids); j++) {
            for (enum home home = 0; home < HOME_COUNT; home++, n++) {
                struct arena *a = arena_new();
                char *text = put_together(a, &p, &places[i], evil_ids[j], home);
                for (size_t k = 0; k < COUNT(policies); k++) {
                    struct wsse_result result;
                    struct error e = {0};
                    enum err err = kit_verify(a, text, &policies[k], &result, &e);
                    enum err expected = expected_of(&places[i], j, home, policies[k].require_smev);
                    if (err != expected || result.body.n != 0 || result.smev.signer)
                        fail_msg("%s, Id%s, home %d: %s (%s), %zu octets\n%s", places[i].name, evil_ids[j], (int)home,
                                 error_name(err), e.detail, result.body.n, text);
                }
                arena_free(a);
            }
        }
    }
    printf("signature wrapping: %u messages, each under two policies\n", n);
    assert_true(n >= 300);
    arena_free(pieces_arena);
}

/* The signed Body stays where it belongs, the attacker's copy goes elsewhere: fine or refused, but never read. */
static void test_copies_beside_the_signed_body(void **state)
{
    (void)state;
    struct arena *pieces_arena = arena_new();
    struct pieces p = take_apart(pieces_arena);
    struct wsse_policy policy = kit_policy();
    unsigned n = 0, passed = 0;
    for (size_t i = 0; i < COUNT(places); i++) {
        const struct place *at = &places[i];
        if (at->evil_first || at->evil_last)
            continue; /* inside the signed Body: test_altered_content */
        for (size_t j = 0; j < COUNT(evil_ids); j++, n++) {
            struct arena *a = arena_new();
            const char *evil = arena_printf(a, "<S:Body%s>" EVIL "</S:Body>", evil_ids[j]);
            const char *in_signature = fill(a, at->in_signature, evil);
            const char *signature = *in_signature ? kit_replace(a, p.signature, "</ds:Signature>",
                                                                arena_printf(a, "%s</ds:Signature>", in_signature))
                                                  : p.signature;
            char *text = arena_printf(
                a,
                "%s<S:Header>%s<wsse:Security S:actor=\"" ACTOR_SMEV "\">%s%s%s%s</wsse:Security>%s</S:Header>%s%s%s"
                "</S:Envelope>",
                p.open, fill(a, at->header_first, evil), fill(a, at->security_first, evil), p.token, signature,
                fill(a, at->security_last, evil), fill(a, at->header_last, evil), fill(a, at->between, evil), p.body,
                fill(a, at->behind, evil));
            struct wsse_result result;
            struct error e = {0};
            enum err err = kit_verify(a, text, &policy, &result, &e);
            if (err == ERR_OK) {
                passed++;
                assert_non_null(memmem(result.body.p, result.body.n, ">GOOD<", 6));
                assert_null(memmem(result.body.p, result.body.n, "EVIL", 4));
                /* an Id that means the signed Body must not have passed */
                assert_true(j == 0 || j == 1 || j >= COUNT(evil_ids) - 2 || strcmp(at->name, "nowhere") == 0);
            } else {
                assert_true(err == ERR_SECURITY || err == ERR_ENVELOPE);
                assert_int_equal(result.body.n, 0);
            }
            arena_free(a);
        }
    }
    printf("copies beside the signed Body: %u messages, %u of them harmless\n", n, passed);
    assert_true(passed > 0 && passed < n);
    arena_free(pieces_arena);
}

/* A signature of one message on another; a good header for one actor and a forged one for the other. */
static void test_mixed_messages(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct recipe one = {0}, two = {.body = "<S:Body wsu:Id=\"body\">" EVIL "</S:Body>", .signer = &kit.other};
    char *good = kit_make(a, &one), *theirs = kit_make(a, &two);
    struct wsse_policy policy = kit_policy();
    struct wsse_result result;
    struct error e = {0};
    char *signature = cut(a, good, "<ds:Signature", "</ds:Signature>"),
         *other = cut(a, theirs, "<ds:Signature", "</ds:Signature>");
    assert_int_equal(kit_verify(a, kit_replace(a, theirs, other, signature), &policy, &result, &e), ERR_CHECK);
    memset(&e, 0, sizeof e);
    assert_int_equal(kit_verify(a, kit_replace(a, good, signature, other), &policy, &result, &e), ERR_CHECK);

    /* the recipient-side header holds the maker's signature again: it does not cover smev:Header */
    char *security = cut(a, good, "<wsse:Security", "</wsse:Security>");
    char *renamed = kit_replace(a, kit_replace(a, security, ACTOR_SMEV, ACTOR_RECIPIENT), "\"token\"", "\"token2\"");
    renamed = kit_replace(a, renamed, "#token", "#token2");
    memset(&e, 0, sizeof e);
    assert_int_equal(
        kit_verify(a, kit_replace(a, good, security, arena_printf(a, "%s%s", security, renamed)), &policy, &result, &e),
        ERR_SECURITY);
    /* a forged second header spoils the message even when only the first is asked for */
    struct recipe forged = {.header_last =
                                "<wsse:Security S:actor=\"" ACTOR_RECIPIENT "\"><ds:Signature/></wsse:Security>"};
    kit_expect("a forged second header", &forged, ERR_SECURITY);
    arena_free(a);
}

/*
 * No digest covers comments, so whoever carries a message can put them anywhere. Readers that stopped at one read half
 * a value (the signed "admin<!-- -->.evil" was "admin" to several SAML libraries); readers that looked into one read
 * what nobody signed. Wherever one stands the octets handed on are those that were signed, or the message is refused.
 */
static void test_comments_anywhere(void **state)
{
    (void)state;
    static const char *const comments[] = {"<!-- -->", "<!--" EVIL "-->", "<!--x--><!--y-->"};
    struct arena *pieces_arena = arena_new();
    struct recipe r = {.header_last = "<x xmlns=\"urn:x\">y</x>", .between = " ", .after_body = " "};
    char *text = kit_make(pieces_arena, &r);
    struct wsse_policy policy = kit_policy();
    struct wsse_result signed_one;
    struct error none = {0};
    assert_int_equal(kit_verify(pieces_arena, text, &policy, &signed_one, &none), ERR_OK);
    const char *signature = strstr(text, "<ds:Signature"), *behind = strstr(text, "</ds:Signature>");
    const char *token = strchr(strstr(text, "<wsse:BinarySecurityToken"), '>'),
               *end = strstr(text, "</wsse:BinarySecurityToken");
    unsigned passed = 0, refused = 0;
    bool is_tag = false;
    for (const char *at = strstr(text, "<S:Envelope"); *at != '\0'; at++) {
        is_tag = *at == '<' || (is_tag && at[-1] != '>');
        bool is_inside_tag = is_tag && *at != '<';
        if (is_inside_tag || (at > token + 8 && at < end - 8 && (at - token) % 97 != 0))
            continue;
        for (size_t i = 0; i < COUNT(comments); i++) {
            struct arena *a = arena_new();
            struct wsse_result result;
            struct error e = {0};
            char *spoilt = arena_printf(a, "%.*s%s%s", (int)(at - text), text, comments[i], at);
            bool must_fail = (at > signature && at <= behind) || (at > token && at <= end);
            enum err err = kit_verify(a, spoilt, &policy, &result, &e);
            if ((err == ERR_OK) == must_fail || (err == ERR_OK && !span_equals(result.body, signed_one.body)) ||
                (err != ERR_OK && result.body.n != 0))
                fail_msg("%s (%s)\n%s", error_name(err), e.detail, spoilt);
            passed += err == ERR_OK;
            refused += err != ERR_OK;
            arena_free(a);
        }
    }
    printf("comments anywhere: %u read as they were signed, %u refused\n", passed, refused);
    assert_true(passed > 50 && refused > 50);
    arena_free(pieces_arena);
}

/* CDATA is written as text in canonical form: it may hide no words that were not signed, nor change those that were. */
static void test_sections_in_the_signed_body(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        enum err expected;
    } rows[] = {
        {"<![CDATA[GOOD]]>", ERR_OK},
        {"GO<![CDATA[]]>OD", ERR_OK},
        {"GO<!-- --><![CDATA[O]]><!-- -->D", ERR_OK},
        {"G&#79;O&#x44;", ERR_OK},
        {"<![CDATA[GOOD<!-- -->]]>", ERR_CHECK},
        {"GOOD<![CDATA[ ]]>", ERR_CHECK},
        {"<![CDATA[EVIL]]>", ERR_CHECK},
        {"GOOD<!-- --> <!-- -->", ERR_CHECK},
    };
    struct recipe r = {0};
    struct wsse_policy policy = kit_policy();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *a = arena_new();
        struct wsse_result result;
        struct error e = {0};
        enum err err = kit_verify(a, kit_replace(a, kit_make(a, &r), "GOOD", rows[i].to), &policy, &result, &e);
        if (err != rows[i].expected)
            fail_msg("%s: %s (%s)", rows[i].to, error_name(err), e.detail);
        if (err == ERR_OK)
            assert_non_null(memmem(result.body.p, result.body.n, ">GOOD<", 6));
        arena_free(a);
    }
}

/* Cost: references to elements within each other, and the like, are refused before anything is digested. */
static void test_nested_references(void **state)
{
    (void)state;
    struct recipe r = {.body = "<S:Body wsu:Id=\"body\"><a Id=\"a\"><b Id=\"b\"/></a></S:Body>",
                       .refs = {{.uri = "#body"}, {.uri = "#a"}, {.uri = "#b"}},
                       .nrefs = 3};
    kit_expect("elements inside Body", &r, ERR_SECURITY);
    struct recipe unknown = {
        .header_last = "<x xmlns=\"urn:x\" Id=\"x\"/>", .refs = {{.uri = "#body"}, {.uri = "#x"}}, .nrefs = 2};
    kit_expect("an unknown header block", &unknown, ERR_SECURITY);
    struct recipe self = {.signature_attrs = " Id=\"s\"", .refs = {{.uri = "#body"}, {.uri = "#s"}}, .nrefs = 2};
    kit_expect("the signature itself", &self, ERR_SECURITY);
    struct recipe info = {.info_attrs = " Id=\"i\"", .refs = {{.uri = "#body"}, {.uri = "#i"}}, .nrefs = 2};
    kit_expect("its own SignedInfo", &info, ERR_SECURITY);
    struct recipe around = {.security_attrs = "Id=\"w\"", .refs = {{.uri = "#body"}, {.uri = "#w"}}, .nrefs = 2};
    kit_expect("the header around it", &around, ERR_SECURITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_copies_beside_the_signed_body),
        cmocka_unit_test(test_mixed_messages),
        cmocka_unit_test(test_comments_anywhere),
        cmocka_unit_test(test_sections_in_the_signed_body),
        cmocka_unit_test(test_nested_references),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
