/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C5, Q3: what was kept and is signed with a certificate that has ended, or was replaced, is signed anew: SMEV tells
 * one sending from another by MessageID and content, which stay; a signature is no part of either. C4: two levels of
 * them.
 */
#include "testkit.h"

#include "clock.h"
#include "smev3.h"

#define CONTENT                                                                                                        \
    "<eq:getRefsListResponse xmlns:eq=\"urn:eq\"><eq:a x=\"1 Id=&quot;2\"> b &lt;ds:X509Certificate&gt; </eq:a>"       \
    "<eq:b/></eq:getRefsListResponse>"

static char id_1[UUID_TEXT_SIZE], id_2[UUID_TEXT_SIZE];

struct sample {
    enum smev3_op op;
    bool is_rejected;
    enum smev3_version version;
};

static struct span write_sample(struct arena *a, const struct sample *s, struct span content, const struct key *key,
                                const struct key *official)
{
    struct buf business, personal, signature, envelope;
    struct smev3_draft draft;
    struct error e = {0};
    buf_init(&business, a, 1024);
    buf_init(&personal, a, 1024);
    buf_init(&signature, a, 1024);
    buf_init(&envelope, a, 1024);
    if (official == NULL)
        buf_add_span(&business, content);
    else
        assert_int_equal(smev3_sign_personal(a, content, official, &business, &personal, &e), ERR_OK);
    const struct smev3_answer answer = {.message_id = id_1,
                                        .to = "reply & <to>",
                                        .kind = s->is_rejected ? SMEV3_REJECTED : SMEV3_CONTENT,
                                        .reject_code = SMEV3_REJECT_NO_DATA,
                                        .text = "Отказано: <:MessagePrimaryContent>",
                                        .content = buf_span(&business),
                                        .personal = buf_span(&personal)};
    const struct smev3_message message = {.message_id = id_1,
                                          .node_id = "node",
                                          .is_test = true,
                                          .content = buf_span(&business),
                                          .personal = buf_span(&personal)};
    enum err err = s->op == SMEV3_SEND_RESPONSE ? smev3_write_answer(a, s->version, &answer, &draft, &e)
                                                : smev3_write_message(a, s->version, &message, &draft, &e);
    if (err == ERR_OK)
        err = smev3_sign(a, draft.element, key, &signature, &e);
    if (err != ERR_OK)
        fail_msg("%s", e.detail);
    smev3_write_envelope(&draft, buf_span(&signature), &envelope);
    return buf_span(&envelope);
}

static struct xml_node *data_of(struct arena *a, struct span envelope)
{
    struct xml_doc *doc = NULL;
    struct error e = {0};
    struct xml_limits limits = xml_limits_default;
    limits.elements_max = 1000000;
    if (xml_prescan(envelope, &limits, &e) != ERR_OK || xml_parse(a, envelope, &doc, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    for (struct xml_node *root = xml_root(doc), *at = root; (at = xml_walk(root, at)) != NULL;)
        if (strncmp(xml_local(at), "SenderProvided", 14) == 0)
            return at;
    fail_msg("no data");
    return NULL;
}

static void check_signature(struct arena *a, struct xml_node *place, const struct kit_signer *by)
{
    struct smev3_policy policy = {.trust = kit.trust, .now_s = kit.now_s};
    struct smev3_signature result;
    struct error e = {0};
    if (smev3_verify(a, smev3_signed(place), place, &policy, &result, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    assert_int_equal(result.forms, 0);
    assert_memory_equal(cert_fingerprint(result.signer), cert_fingerprint(by->cert), 32);
}

/* Text of what is between the tags: signatures and the Id of the content left out. */
static const char *said(struct arena *a, struct span envelope)
{
    struct buf b;
    struct error e = {0};
    struct xml_node *data = data_of(a, envelope);
    buf_init(&b, a, 1024);
    for (struct xml_node *n = xml_first(data, NULL, NULL); n != NULL; n = xml_next(n, NULL, NULL)) {
        struct xml_node *business = xml_first(n, NULL, NULL);
        if (strcmp(xml_local(n), "PersonalSignature") == 0 || strcmp(xml_local(n), "MessageID") == 0)
            continue;
        if (business != NULL)
            smev3_strip(business);
        buf_add_strs(&b, xml_local(n), " ", NULL);
        assert_int_equal(xml_c14n(n, NULL, &b, &e), ERR_OK);
    }
    return b.p;
}

static void check_message(struct arena *a, const struct sample *s, struct span envelope, const char *id,
                          const struct kit_signer *key, const struct kit_signer *official)
{
    struct xml_node *data = data_of(a, envelope), *place = xml_first(data, NULL, "PersonalSignature");
    bool has_official = official != NULL && !s->is_rejected;
    assert_string_equal(xml_text(a, xml_first(data, NULL, "MessageID")), id);
    check_signature(a, xml_next(data, NULL, "CallerInformationSystemSignature"), key);
    assert_int_equal(place != NULL, has_official);
    if (has_official) {
        check_signature(a, place, official);
        assert_string_equal(xml_local(xml_next(xml_first(data, NULL, "MessagePrimaryContent"), NULL, NULL)),
                            "PersonalSignature");
    } else if (!s->is_rejected) {
        struct xml_node *content = xml_first(xml_first(data, NULL, "MessagePrimaryContent"), NULL, NULL);
        assert_null(xml_attr(a, content, NULL, "Id"));
    }
    assert_true(smev3_is_signed_by(a, envelope, key->key, official != NULL ? official->key : NULL));
}

static void C5_signed_anew_says_the_same(void **state)
{
    (void)state;
    const struct kit_signer *officials[] = {NULL, &kit.other, &kit.signer512};
    static const struct sample kinds[] = {
        {SMEV3_SEND_RESPONSE, false, 0}, {SMEV3_SEND_RESPONSE, true, 0}, {SMEV3_SEND_REQUEST, false, 0}};
    for (size_t i = 0; i < 3 * 3 * 3 * 3 * 2; i += 5) { /* of each some with each other */
        struct arena *a = arena_new();
        struct sample s = kinds[i % 3];
        const struct kit_signer *before = officials[i / 3 % 3], *after = officials[i / 9 % 3];
        s.version = (enum smev3_version)(i / 27 % 3);
        const char *id = i / 81 == 0 ? NULL : id_2;
        struct span kept = write_sample(a, &s, span_of(CONTENT), kit.signer.key,
                                        before != NULL && !s.is_rejected ? before->key : NULL);
        struct buf out;
        struct error e = {0};
        buf_init(&out, a, 1024);
        check_message(a, &s, kept, id_1, &kit.signer, before);
        assert_false(smev3_is_signed_by(a, kept, kit.signer512.key, before != NULL ? before->key : NULL));
        for (size_t k = 0; k < 3 && !s.is_rejected; k++)
            assert_int_equal(smev3_is_signed_by(a, kept, kit.signer.key, officials[k] ? officials[k]->key : NULL),
                             officials[k] == before);
        if (smev3_sign_anew(kept, id, kit.signer512.key, after != NULL ? after->key : NULL, &out, &e) != ERR_OK)
            fail_msg("%zu: %s", i, e.detail);
        check_message(a, &s, buf_span(&out), id == NULL ? id_1 : id_2, &kit.signer512, after);
        assert_string_equal(said(a, buf_span(&out)), said(a, kept));
        arena_free(a);
    }
}

/* An answer of 5 MB has more elements than a stranger's message may: it is ours. */
static void C5_a_large_answer_is_signed_anew(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    static const struct sample s = {SMEV3_SEND_RESPONSE, false, SMEV3_1_2};
    struct buf content, out;
    struct error e = {0};
    buf_init(&content, a, 1 << 20);
    buf_init(&out, a, 1 << 20);
    buf_add_str(&content, "<eq:x xmlns:eq=\"urn:eq\">");
    for (unsigned i = 0; i < 70000; i++)
        buf_add_str(&content, "<eq:y>1</eq:y>");
    buf_add_str(&content, "</eq:x>");
    struct span kept = write_sample(a, &s, buf_span(&content), kit.signer.key, NULL);
    if (smev3_sign_anew(kept, NULL, kit.other.key, kit.signer512.key, &out, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    check_message(a, &s, buf_span(&out), id_1, &kit.other, &kit.signer512);
    arena_free(a);
}

static void C5_what_is_none_of_ours_is_not_signed(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    static const struct sample s = {SMEV3_SEND_RESPONSE, false, SMEV3_1_1};
    struct span good = write_sample(a, &s, span_of(CONTENT), kit.signer.key, kit.other.key);
    const struct span wrong[] = {span_of(""),
                                 span_of("x"),
                                 span_of("<a/>"),
                                 span_of("<SenderProvidedResponseData/>"),
                                 span_of("<t:SenderProvidedResponseData xmlns:t=\"urn:t\" Id=\"1\"/>"),
                                 {good.p, good.n - 1},
                                 {good.p, good.n / 2},
                                 {good.p + 1, good.n - 1}};
    struct buf out;
    struct error e = {0};
    buf_init(&out, a, 1024);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (smev3_sign_anew(wrong[i], NULL, kit.signer.key, NULL, &out, &e) == ERR_OK)
            fail_msg("%zu is signed", i);
        assert_int_equal(out.n, 0);
    }
    for (size_t i = 0; i < 3; i++)
        assert_false(smev3_is_signed_by(a, wrong[i], kit.signer.key, NULL));
    static const char *const ids[] = {"", "x", "<b/>", "00000000-0000-1000-8000-00000000000g"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_int_not_equal(smev3_sign_anew(good, ids[i], kit.signer.key, NULL, &out, &e), ERR_OK);
    assert_int_equal(smev3_sign_anew(good, id_2, kit.signer.key, NULL, &out, &e), ERR_OK);
    arena_free(a);
}

int main(void)
{
    uuid_v1(id_1);
    uuid_v1(id_2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C5_signed_anew_says_the_same),
        cmocka_unit_test(C5_a_large_answer_is_signed_anew),
        cmocka_unit_test(C5_what_is_none_of_ours_is_not_signed),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
