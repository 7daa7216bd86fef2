/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C3: signature wrapping over SMEV 3. A Request, Response or Cancel that SMEV signed is put somewhere else while a
 * forged one stands where the protocol has it; and every byte of a small message is changed. Whatever comes out, the
 * octets handed on are those that were signed.
 */
#include "smev3kit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* As the exchange reads it: what an answer of SMEV's holds, and where. */
static enum err verify_reply(struct arena *a, enum smev3_op op, const char *text, const struct smev3_policy *policy,
                             struct smev3_signature *out, struct error *e)
{
    struct smev3_reply reply;
    *out = (struct smev3_signature){0};
    enum err err = smev3_reply_read(a, op, 200, "text/xml", span_of(text), &reply, e);
    if (err)
        return err;
    if (!reply.element || !reply.place)
        return error_set(e, ERR_ENVELOPE, "nothing signed");
    return smev3_verify(a, reply.element, reply.place, policy, out, e);
}

/* The three messages a queue hands out. @E@: the element at its place, @SIG@: the signature; @1@..: where the other
 * goes. */
static const struct kind {
    const char *name, *good, *evil, *tag;
    const char *form;
    enum smev3_op op;
} kinds[] = {
#define FORM(version, op, message)                                                                                     \
    "<S:Envelope xmlns:S=\"" NS_SOAP "\" xmlns:t=\"" SMEV3_NS("", version) "\" xmlns:b=\"" SMEV3_NS(                   \
        "basic/",                                                                                                      \
        version) "\" xmlns:wsu=\"" NS_WSU "\">@1@<S:Header>@2@</S:Header>@3@<S:Body>@4@<t:" op ">@5@<t:" message       \
                 ">@6@@E@@7@<b:AttachmentContentList>@8@<b:AttachmentContent><b:Id>x</b:Id><b:Content>@9@</b:Content>" \
                 "</b:AttachmentContent></b:AttachmentContentList>@10@<t:SMEVSignature>@11@@SIG@@12@</"                \
                 "t:SMEVSignature>@13@"                                                                                \
                 "</t:" message ">@14@</t:" op ">@15@</S:Body>@16@</S:Envelope>"
    {"Request", REQUEST3(" Id=\"A\"", "GOOD"), REQUEST3("@ID@", "EVIL"), "t:Request",
     FORM("1.1", "GetRequestResponse", "RequestMessage"), SMEV3_GET_REQUEST},
    {"Response", RESPONSE3(" Id=\"A\"", "GOOD"), RESPONSE3("@ID@", "EVIL"), "t:Response",
     FORM("1.2", "GetResponseResponse", "ResponseMessage"), SMEV3_GET_RESPONSE},
    {"Cancel", CANCEL3(" Id=\"A\"", "GOOD"), CANCEL3("@ID@", "EVIL"), "t:Cancel",
     FORM("1.1", "GetRequestResponse", "RequestMessage"), SMEV3_GET_REQUEST},
};

/* Where in the message the genuine element goes. Those with a word are put behind it: in the forged one, in
 * ds:Signature. */
static const struct slot {
    const char *name, *word;
} slots[] = {
    {"before Header", "@1@"},
    {"in Header", "@2@"},
    {"behind Header", "@3@"},
    {"in Body, first", "@4@"},
    {"in the operation, first", "@5@"},
    {"beside it, before", "@6@"},
    {"beside it, behind", "@7@"},
    {"in AttachmentContentList", "@8@"},
    {"in an attachment", "@9@"},
    {"before the signature's place", "@10@"},
    {"in the signature's place, first", "@11@"},
    {"in the signature's place, last", "@12@"},
    {"behind the signature's place", "@13@"},
    {"in the operation, last", "@14@"},
    {"in Body, last", "@15@"},
    {"behind Body", "@16@"},
    {"in the forged one, first", "@FIRST@"},
    {"in the forged one, last", "@LAST@"},
    {"in the forged one's id", "<t:MessageID>"},
    {"in the forged one's metadata", "<t:MessageMetadata>"},
    {"in the forged one's sender", "<t:Sender>"},
    {"in ds:Signature, first", "xmldsig#\">"},
    {"in SignedInfo", "<ds:SignedInfo>"},
    {"in Reference", "URI=\"#A\">"},
    {"in Transforms", "<ds:Transforms>"},
    {"in DigestValue", "<ds:DigestValue>"},
    {"in SignatureValue", "<ds:SignatureValue>"},
    {"in KeyInfo", "<ds:KeyInfo>"},
    {"in X509Data", "<ds:X509Data>"},
    {"behind KeyInfo", "</ds:KeyInfo>"},
    {"nowhere", NULL},
};

/* And in what. %s: the element; %S: it together with a good signature at its place. */
static const char *const wrappings[] = {
    "@E@",
    "<w xmlns=\"urn:w\">@E@</w>",
    "<t:RequestMessage>@E@<t:SMEVSignature>@SIG@</t:SMEVSignature></t:RequestMessage>",
    "<ds:Object xmlns:ds=\"" NS_DSIG "\">@E@</ds:Object>",
    "<S:Envelope><S:Header/><S:Body><t:GetRequestResponse><t:RequestMessage>@E@<t:SMEVSignature>@SIG@</t:SMEVSignature>"
    "</t:RequestMessage></t:GetRequestResponse></S:Body></S:Envelope>",
};

/* What the forged one says of its Id. */
static const char *const ids[] = {
    "",
    " Id=\"A\"",
    " Id=\"evil\"",
    " ID=\"A\"",
    " id=\"A\"",
    " xml:id=\"A\"",
    " wsu:Id=\"A\"",
    " t:Id=\"A\"",
    " Id=\" A\"",
    " Id=\"A\" t:Id=\"A\" ID=\"A\"",
    " Id=\"evil\" xml:id=\"A\"",
};

/* What becomes of the signature that stands at the place. */
enum fate { FATE_STAYS, FATE_TWICE, FATE_GONE, FATE_NESTED, FATE_COUNT };

static char *blank_words(struct arena *a, char *text)
{
    for (unsigned i = 1; i <= 16; i++) {
        const char *word = arena_printf(a, "@%u@", i);
        text = strstr(text, word) ? kit_replace(a, text, word, "") : text;
    }
    return text;
}

struct genuine {
    char *element, *signature;
};

static struct genuine make_genuine(struct arena *a, const struct kind *k)
{
    char *text = blank_words(a, kit_replace(a, k->form, "@E@", k->good));
    return (struct genuine){arena_strdup(a, k->good), kit3_signature(a, text, &kit.signer, &kit3_plain)};
}

static char *insert_behind(struct arena *a, const char *text, const char *word, const char *what)
{
    return kit_replace(a, text, word, arena_printf(a, "%s%s", word, what));
}

/* NULL: this combination does not exist. */
static char *forge(struct arena *a, const struct kind *k, const struct genuine *g, const struct slot *slot,
                   const char *wrapping, const char *id, enum fate fate)
{
    char *moved = kit_replace(a, wrapping, "@E@", g->element);
    moved = strstr(moved, "@SIG@") ? kit_replace(a, moved, "@SIG@", g->signature) : moved;
    char *evil = kit_replace(a, k->evil, "@ID@", id), *signature = g->signature, *text = arena_strdup(a, k->form);
    if (slot->word && strcmp(slot->word, "@FIRST@") == 0)
        evil =
            kit_replace(a, evil, arena_printf(a, "<%s%s>", k->tag, id), arena_printf(a, "<%s%s>%s", k->tag, id, moved));
    else if (slot->word && strcmp(slot->word, "@LAST@") == 0)
        evil = kit_replace(a, evil, arena_printf(a, "</%s>", k->tag), arena_printf(a, "%s</%s>", moved, k->tag));
    else if (slot->word && slot->word[0] == '@')
        text = kit_replace(a, text, slot->word, moved);
    else if (slot->word && strstr(evil, slot->word))
        evil = insert_behind(a, evil, slot->word, moved);
    else if (slot->word)
        signature = insert_behind(a, signature, slot->word, moved);
    const char *at_place = fate == FATE_TWICE    ? arena_printf(a, "%s%s", signature, signature)
                           : fate == FATE_GONE   ? ""
                           : fate == FATE_NESTED ? arena_printf(a, "<w xmlns=\"urn:w\">%s</w>", signature)
                                                 : signature;
    text = kit_replace(a, text, "@E@", evil);
    return blank_words(a, kit_replace(a, text, "@SIG@", at_place));
}

static void test_wrapping(void **state)
{
    (void)state;
    struct smev3_policy strict = kit3_policy(), loose = kit3_policy();
    loose.trust = NULL;
    loose.tolerant = true;
    unsigned n = 0, reached = 0;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct arena *genuine_arena = arena_new();
        struct genuine g = make_genuine(genuine_arena, &kinds[k]);
        struct arena *a = arena_new();
        struct smev3_signature s;
        struct error e = {0};
        char *good =
            blank_words(a, kit_replace(a, kit_replace(a, kinds[k].form, "@E@", g.element), "@SIG@", g.signature));
        if (kit3_verify(a, good, &strict, &s, &e) || verify_reply(a, kinds[k].op, good, &strict, &s, &e))
            fail_msg("the genuine one: %s", e.detail);
        arena_free(a);
        for (size_t i = 0; i < COUNT(slots) * COUNT(wrappings); i++)
            for (size_t j = 0; j < COUNT(ids); j++)
                for (enum fate fate = 0; fate < FATE_COUNT; fate++, n++) {
                    a = arena_new();
                    memset(&e, 0, sizeof e);
                    const struct slot *slot = &slots[i / COUNT(wrappings)];
                    const char *wrapping = wrappings[i % COUNT(wrappings)];
                    const struct smev3_policy *policy = (i + j) % 2 ? &strict : &loose;
                    char *text = forge(a, &kinds[k], &g, slot, wrapping, ids[j], fate);
                    enum err err = fate % 2 ? kit3_verify(a, text, policy, &s, &e)
                                            : verify_reply(a, kinds[k].op, text, policy, &s, &e);
                    reached += err == ERR_CHECK || err == ERR_SECURITY;
                    if (err == ERR_OK || s.signer || s.octets.n)
                        fail_msg("%s: accepted: %s, Id%s, in %s\n%s", kinds[k].name, slot->name, ids[j], wrapping,
                                 text);
                    if (err != ERR_CHECK && err != ERR_SECURITY && err != ERR_ENVELOPE && err != ERR_MALFORMED)
                        fail_msg("%s: %s (%s)\n%s", slot->name, error_name(err), e.detail, text);
                    arena_free(a);
                }
        arena_free(genuine_arena);
    }
    printf("signature wrapping over SMEV 3: %zu places, %u messages, %u of them as far as the signature\n",
           COUNT(slots) * COUNT(wrappings), n, reached);
    assert_true(reached > n / 3);
}

/* The genuine one stays where it belongs, forged ones stand around it: fine or refused, but never read. */
static void test_copies(void **state)
{
    (void)state;
    struct smev3_policy policy = kit3_policy();
    unsigned n = 0, passed = 0;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct arena *genuine_arena = arena_new();
        struct genuine g = make_genuine(genuine_arena, &kinds[k]);
        for (size_t i = 0; i < COUNT(slots); i++)
            for (size_t j = 0; j < COUNT(ids); j++) {
                if (!slots[i].word || slots[i].word[1] < '1' || slots[i].word[1] > '9' || slots[i].word[0] != '@')
                    continue;
                struct arena *a = arena_new();
                struct smev3_signature s;
                struct error e = {0};
                char *evil = kit_replace(a, kinds[k].evil, "@ID@", ids[j]);
                char *text = kit_replace(a, kinds[k].form, slots[i].word, evil);
                text = kit_replace(a, kit_replace(a, text, "@E@", g.element), "@SIG@", g.signature);
                text = blank_words(a, text);
                enum err err =
                    j % 2 ? kit3_verify(a, text, &policy, &s, &e) : verify_reply(a, kinds[k].op, text, &policy, &s, &e);
                n++;
                passed += err == ERR_OK;
                assert_null(s.octets.n ? memmem(s.octets.p, s.octets.n, "EVIL", 4) : NULL);
                assert_true(err == ERR_OK || (!s.signer && !s.octets.n));
                arena_free(a);
            }
        arena_free(genuine_arena);
    }
    printf("copies beside the signed element: %u messages, %u of them harmless\n", n, passed);
    assert_true(passed > 0 && passed < n);
}

/* ---- what is and what is not the same message ---- */

static void test_equal_writings(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        bool is_same;
    } rows[] = {
        {">GOOD<", "><![CDATA[GOOD]]><", true},
        {">GOOD<", ">GO<!-- EVIL -->OD<", true},
        {">GOOD<", ">G&#79;OD<", true},
        {"><t:MessageMetadata>", ">\n\t <t:MessageMetadata>", true},
        {"<t:Request Id=\"A\">", "<t:Request  Id='A'\n>", true},
        {"<t:Request Id=\"A\">", "<t:Request xmlns:u=\"urn:unused\" Id=\"A\">", true},
        {"<t:ReplyTo>", "<!-- EVIL --><t:ReplyTo>", true},
        {">GOOD<", "> GOOD<", false},
        {">GOOD<", ">GOOD&#10;<", false},
        {">GOOD<", ">GOOD&#160;<", false},
        {">GOOD<", "><x>GOOD</x><", false},
        {">GOOD<", "> <", false},
        {"<t:Request Id=\"A\">", "<t:Request Id=\"A\" a=\"\">", false},
        {"<t:Request Id=\"A\">", "<t:Request Id=\"A\" xml:lang=\"ru\">", false},
        {"<t:Request Id=\"A\">", "<t:Request Id=\"A\" xmlns:t=\"urn:evil\">", false},
        {"<t:ReplyTo>reply</t:ReplyTo>", "<t:ReplyTo></t:ReplyTo>", false},
        {"<t:ReplyTo>reply</t:ReplyTo>", "", false},
    };
    struct arena *a = arena_new();
    struct smev3_policy policy = kit3_policy();
    struct smev3_signature s, first;
    struct error e = {0};
    char *text = kit3_make(a, REQUEST_11, &kit.signer, &kit3_plain);
    assert_int_equal(kit3_verify(a, text, &policy, &first, &e), ERR_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        memset(&e, 0, sizeof e);
        enum err err = kit3_verify(a, kit_replace(a, text, rows[i].from, rows[i].to), &policy, &s, &e);
        if ((err == ERR_OK) != rows[i].is_same || (!err && !span_equals(s.octets, first.octets)))
            fail_msg("%s: %s %s", rows[i].to, error_name(err), e.detail);
    }
    arena_free(a);
}

/* Every byte, one by one: another, gone, a blank in front. What passes is read as what was signed, octet for octet. */
static void test_every_byte(void **state)
{
    (void)state;
    struct arena *whole = arena_new();
    struct smev3_policy policy = kit3_policy();
    struct smev3_signature s, first;
    struct error e = {0};
    char *text = kit3_make(whole, CANCEL_11, &kit.signer, &kit3_plain);
    size_t n = strlen(text), passed = 0;
    assert_int_equal(kit3_verify(whole, text, &policy, &first, &e), ERR_OK);
    for (size_t i = 0; i < 3 * n; i++) {
        struct arena *a = arena_new();
        size_t at = i / 3;
        char *other = arena_printf(a, "%.*s%s%s", (int)at, text, i % 3 == 2 ? " " : "", text + at);
        if (i % 3 == 0)
            other[at] ^= 1;
        else if (i % 3 == 1)
            memmove(other + at, other + at + 1, n - at);
        memset(&e, 0, sizeof e);
        enum err err = kit3_verify(a, other, &policy, &s, &e);
        passed += err == ERR_OK && s.forms == 0; /* a blank in base64 is told as its form */
        if (err == ERR_OK ? !span_equals(s.octets, first.octets) : s.signer || s.octets.n)
            fail_msg("byte %zu: %s %s\n%s", at, error_name(err), e.detail, other);
        arena_free(a);
    }
    printf("changed bytes: %zu messages, %zu of them read as before\n", 3 * n, passed);
    assert_true(passed > 0 && passed < n / 4);
    arena_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_equal_writings),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
