/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C2, C8: whose a list is (RFC 5280 sections 5.2.1 and 6.3.3 (f)): of the very issuer, of the issuer's key for lists,
 * of the authority's next key; or of somebody of whom nothing is proven. And what else a list must be before it counts.
 */
#include "forge.h"

#define FROM (FORGE_NOW - 100 * DAY)
#define TO   (FORGE_NOW + 300 * DAY)

#define BC                                                                                                             \
    {                                                                                                                  \
        "basicConstraints", "critical,CA:TRUE"                                                                         \
    }
static const struct forge_ext ca_all[EXTS_MAX] = {
    BC, {"keyUsage", "critical,keyCertSign,cRLSign"}, {"subjectKeyIdentifier", "hash"}};
static const struct forge_ext ca_certs[EXTS_MAX] = {
    BC, {"keyUsage", "critical,keyCertSign"}, {"subjectKeyIdentifier", "hash"}};
static const struct forge_ext lists_only[EXTS_MAX] = {
    {"keyUsage", "critical,cRLSign"}, {"subjectKeyIdentifier", "hash"}, {"authorityKeyIdentifier", "keyid"}};
static const struct forge_ext messages[EXTS_MAX] = {{"keyUsage", "critical,digitalSignature"}};
static const struct forge_entry hit[] = {{3, -1, {0}}}, hit_signer[] = {{9, -1, {0}}};
static const struct forge_ext n5[EXTS_MAX] = {{"2.5.29.20", "DER:020105"}};

static X509 *root, *root2, *issuer, *issuer_of_lists, *leaf;
static X509_CRL *of_root;

static int setup(void **state)
{
    if (forge_setup(state) != 0)
        return -1;
    root = forge_cert("Root", "root", 1, NULL, "root", ca_all, FROM, TO);
    root2 = forge_cert("Root 2", "imposter", 1, NULL, "imposter", ca_all, FROM, TO);
    issuer = forge_cert("Sub", "inter", 2, root, "root", ca_certs, FROM, TO);
    issuer_of_lists = forge_cert("Sub", "inter", 2, root, "root", ca_all, FROM, TO);
    leaf = forge_cert("Signer", "g256a", 3, issuer, "inter", messages, FROM, TO);
    of_root = forge_crl(root, "root", NULL, NULL, 0, FROM, TO);
    return 0;
}

static int teardown(void **state)
{
    X509 *all[] = {root, root2, issuer, issuer_of_lists, leaf};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        X509_free(all[i]);
    X509_CRL_free(of_root);
    return forge_teardown(state);
}

enum { BY_ROOT, BY_ROOT2, BY_ISSUER, BY_ITSELF };

static X509 *by(int who, const char *name, const char *key, const struct forge_ext *exts, int64_t to)
{
    static const char *const keys[] = {"root", "imposter", "inter"};
    X509 *const issuers[] = {root, root2, issuer, NULL};
    return forge_cert(name, key, 9, issuers[who], who == BY_ITSELF ? key : keys[who], exts, FROM, to);
}

/*
 * The issuer of the signer may sign certificates and no lists. Beside it one more certificate, whose key signs the
 * list. Wanted: of a list that names the signer, and of one that does not.
 */
#define UNPROVEN "cannot be used"
static const struct {
    const char *name;
    int who;
    const char *subject, *key;
    const struct forge_ext *exts;
    int64_t to;
    const char *revoking, *clean;
} signers[] = {
    {"a key for lists, by the root", BY_ROOT, "Sub", "other", lists_only, TO, "revoked", NULL},
    {"a key for lists, by the issuer", BY_ISSUER, "Sub", "other", lists_only, TO, "revoked", NULL},
    {"the next key of the authority", BY_ROOT, "Sub", "other", ca_all, TO, "revoked", NULL},
    {"the same key, reissued, for lists", BY_ROOT, "Sub", "inter", ca_all, TO, "revoked", NULL},
    {"a key for messages", BY_ROOT, "Sub", "other", messages, TO, UNPROVEN, UNPROVEN},
    {"run out", BY_ROOT, "Sub", "other", lists_only, FORGE_NOW - DAY, UNPROVEN, UNPROVEN},
    {"the same key, run out", BY_ROOT, "Sub", "inter", ca_all, FORGE_NOW - DAY, "", ""},
    {"by itself", BY_ITSELF, "Sub", "other", ca_all, TO, UNPROVEN, UNPROVEN},
    {"the same key, by itself", BY_ITSELF, "Sub", "inter", ca_all, TO, "", ""},
    {"by another anchor", BY_ROOT2, "Sub", "other", lists_only, TO, UNPROVEN, UNPROVEN},
};

static void C8_whose_a_list_is(void **state)
{
    (void)state;
    X509 *anchors[] = {root, root2};
    for (size_t i = 0; i < sizeof signers / sizeof signers[0]; i++) {
        X509 *extra = by(signers[i].who, signers[i].subject, signers[i].key, signers[i].exts, signers[i].to);
        for (int order = 0; order < 8; order++) {
            bool is_clean = order & 1, is_required = order & 4;
            X509 *chain[] = {order & 2 ? extra : issuer, order & 2 ? issuer : extra};
            X509_CRL *list = forge_crl(issuer, signers[i].key, NULL, is_clean ? NULL : hit, !is_clean, FROM, TO);
            X509_CRL *lists[] = {of_root, list};
            forge_verdict(signers[i].name, forge_trust(anchors, 2, chain, 2, lists, 2, is_required), leaf, FORGE_NOW,
                          is_clean ? signers[i].clean : signers[i].revoking);
            X509_CRL_free(list);
        }
        X509_free(extra);
    }
}

/* The key for lists is revoked: by the root, by its own list. What it says does not count, nor is it passed over. */
static void C8_a_signer_of_lists_that_is_revoked(void **state)
{
    (void)state;
    for (int who = BY_ROOT; who <= BY_ISSUER; who += BY_ISSUER - BY_ROOT) {
        X509 *extra = by(who, "Sub", "other", lists_only, TO), *chain[] = {issuer, extra};
        X509_CRL *list = forge_crl(issuer, "other", NULL, who == BY_ROOT ? NULL : hit_signer, who != BY_ROOT, FROM, TO);
        X509_CRL *over = forge_crl(root, "root", NULL, who == BY_ROOT ? hit_signer : NULL, who == BY_ROOT, FROM, TO);
        X509_CRL *lists[] = {over, list};
        for (int is_required = 0; is_required < 2; is_required++)
            forge_verdict(who == BY_ROOT ? "by the root" : "by itself",
                          forge_trust(&root, 1, chain, 2, lists, 2, is_required != 0), leaf, FORGE_NOW, UNPROVEN);
        X509_free(extra);
        X509_CRL_free(list);
        X509_CRL_free(over);
    }
}

/* The issuer has a list of its own, and one of its next key: what either revokes is revoked. */
static void C8_lists_of_two_keys_of_one_authority(void **state)
{
    (void)state;
    X509 *next = by(BY_ROOT, "Sub", "other", ca_all, TO), *chain[] = {issuer_of_lists, next};
    for (unsigned mask = 0; mask < 4; mask++) {
        X509_CRL *lists[] = {of_root, forge_crl(issuer, "inter", n5, hit, mask & 1, FROM, TO),
                             forge_crl(issuer, "other", n5, hit, (mask & 2) / 2, FROM + 60, TO)};
        forge_verdict("two keys", forge_trust(&root, 1, chain, 2, lists, 3, true), leaf, FORGE_NOW,
                      mask == 0 ? NULL : "revoked");
        X509_CRL_free(lists[1]);
        X509_CRL_free(lists[2]);
    }
    X509_free(next);
}

/* check tells of a list whose signer leads nowhere before anybody asks. */
static void O2_a_list_that_leads_nowhere_is_told(void **state)
{
    (void)state;
    X509 *extra = by(BY_ITSELF, "Sub", "other", ca_all, TO), *chain[] = {issuer, extra};
    X509_CRL *list = forge_crl(issuer, "other", NULL, NULL, 0, FROM, TO);
    unsigned n;
    const struct trust_item *items = trust_items(forge_trust(&root, 1, chain, 2, &list, 1, false), &n);
    assert_int_equal(n, 4);
    assert_non_null(items[3].refused);
    assert_non_null(strstr(items[3].refused, "leads to no anchor"));
    X509_free(extra);
    X509_CRL_free(list);
}

/* A list by the next key is kept in mind no longer than that key's certificate lasts, nor before it begins. */
static void C2_a_verdict_ends_with_the_signer_of_the_list(void **state)
{
    (void)state;
    X509 *extra = by(BY_ROOT, "Sub", "other", lists_only, FORGE_NOW + 60), *chain[] = {issuer, extra};
    X509_CRL *list = forge_crl(issuer, "other", NULL, NULL, 0, FROM, TO), *lists[] = {of_root, list};
    struct trust *t = forge_trust(&root, 1, chain, 2, lists, 2, true);
    forge_verdict("while it is good", t, leaf, FORGE_NOW, NULL);
    forge_verdict("the second before", t, leaf, FORGE_NOW + 59, NULL);
    forge_verdict("after", t, leaf, FORGE_NOW + 61, UNPROVEN);
    X509_free(extra);
    X509_CRL_free(list);
}

static void C2_a_verdict_ends_with_the_period_of_use(void **state)
{
    (void)state;
    /* { [1] 20250615150730Z }: ninety seconds after FORGE_NOW */
    static const struct forge_ext period[EXTS_MAX] = {{"keyUsage", "critical,digitalSignature"},
                                                      {"2.5.29.16", "DER:3011810F32303235303631353135303831305A"}};
    X509 *short_lived = forge_cert("Signer", "g256a", 3, issuer, "inter", period, FROM, TO);
    int64_t end = cert_signs_until(forge_read(short_lived));
    struct trust *t = forge_trust(&root, 1, &issuer, 1, NULL, 0, false);
    assert_true(end > FORGE_NOW && end < FORGE_NOW + 500);
    forge_verdict("in the period", t, short_lived, end - 60, NULL);
    forge_verdict("its last second", t, short_lived, end - 1, NULL);
    forge_verdict("over", t, short_lived, end, "is over");
    X509_free(short_lived);
}

/* ---- deltas ---- */

#define DELTA(n, of)                                                                                                   \
    {                                                                                                                  \
        {"2.5.29.20", "DER:0201" n},                                                                                   \
        {                                                                                                              \
            "2.5.29.27", "critical,DER:0201" of                                                                        \
        }                                                                                                              \
    }
static const struct forge_entry held[] = {{3, CRL_REASON_CERTIFICATE_HOLD, {0}}},
                                removed[] = {{3, CRL_REASON_REMOVE_FROM_CRL, {0}}},
                                twice[] = {{3, CRL_REASON_CERTIFICATE_HOLD, {0}}, {3, CRL_REASON_KEY_COMPROMISE, {0}}},
                                removed_twice[] = {{3, CRL_REASON_REMOVE_FROM_CRL, {0}},
                                                   {3, CRL_REASON_KEY_COMPROMISE, {0}}},
                                two_reasons[] = {{3, CRL_REASON_CERTIFICATE_HOLD, {"2.5.29.21", "DER:0A0101"}}};

/* A whole list number 5 and a delta list; C8, section 5.2.4. */
static const struct {
    const char *name;
    const struct forge_entry *whole;
    struct forge_ext delta_exts[EXTS_MAX];
    const struct forge_entry *delta;
    int64_t delta_to;
    const char *why;
} deltas[] = {
    {"a hold is ended", held, DELTA("06", "05"), removed, TO, NULL},
    {"the base may be older", held, DELTA("0C", "04"), removed, TO, NULL},
    {"the base must not be newer", held, DELTA("0C", "0A"), removed, TO, "revoked"},
    {"the base must not be newer by one", held, DELTA("07", "06"), removed, TO, "revoked"},
    {"it must be newer than the whole list", held, DELTA("05", "04"), removed, TO, "revoked"},
    {"it must be fresh", held, DELTA("06", "05"), removed, FORGE_NOW - 60, "revoked"},
    {"it must be fresh, to the second", held, DELTA("06", "05"), removed, FORGE_NOW, "revoked"},
    {"a serial twice in the whole list", twice, DELTA("06", "05"), removed, TO, "revoked"},
    {"a serial twice in the delta list", held, DELTA("06", "05"), removed_twice, TO, "revoked"},
    {"two reasons of an entry", two_reasons, DELTA("06", "05"), removed, TO, "twice"},
};

static void C8_a_hold_is_ended_by_what_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof deltas / sizeof deltas[0]; i++) {
        unsigned nwhole = deltas[i].whole == twice ? 2 : 1, ndelta = deltas[i].delta == removed_twice ? 2 : 1;
        X509_CRL *lists[] = {
            of_root, forge_crl(issuer, "inter", n5, deltas[i].whole, nwhole, FROM, TO),
            forge_crl(issuer, "inter", deltas[i].delta_exts, deltas[i].delta, ndelta, FROM + 60, deltas[i].delta_to)};
        forge_verdict(deltas[i].name, forge_trust(&root, 1, &issuer_of_lists, 1, lists, 3, true), leaf, FORGE_NOW,
                      deltas[i].why);
        X509_CRL_free(lists[1]);
        X509_CRL_free(lists[2]);
    }
}

/* C8: a delta list is no list: beside a whole one that is refused there still is something to know that we do not. */
static void C8_a_delta_beside_a_refused_list(void **state)
{
    (void)state;
    static const struct forge_ext odd[EXTS_MAX] = {{"1.2.643.99.1", "critical,DER:0500"}},
                                  d6[EXTS_MAX] = DELTA("06", "05");
    X509_CRL *lists[] = {of_root, forge_crl(issuer, "inter", odd, NULL, 0, FROM, TO),
                         forge_crl(issuer, "inter", d6, NULL, 0, FROM, TO)};
    for (int order = 0; order < 2; order++) {
        X509_CRL *turned[] = {lists[order == 0 ? 2 : 0], lists[1], lists[order == 0 ? 0 : 2]};
        forge_verdict("refused and delta", forge_trust(&root, 1, &issuer_of_lists, 1, turned, 3, false), leaf,
                      FORGE_NOW, UNPROVEN);
    }
    X509_CRL_free(lists[1]);
    X509_CRL_free(lists[2]);
}

/* ---- versions: sections 4.1.2.1 and 5.1.2.1 ---- */

static void C8_extensions_of_a_list_of_version_1(void **state)
{
    (void)state;
    static const struct forge_entry held_only[] = {{77, CRL_REASON_CERTIFICATE_HOLD, {0}}}, bare[] = {{77, -1, {0}}};
    static const struct {
        const char *name;
        const struct forge_ext *exts;
        const struct forge_entry *entry;
        long version;
        const char *why;
    } rows[] = {
        {"none", NULL, bare, 0, NULL},
        {"of the list", n5, bare, 0, "version 1"},
        {"of an entry", NULL, held_only, 0, "version 1"},
        {"version 2", n5, held_only, 1, NULL},
        {"version 3", NULL, bare, 2, "unknown version"},
    };
    EVP_PKEY *key = forge_key("inter");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        X509_CRL *list = forge_crl(issuer, "inter", rows[i].exts, rows[i].entry, 1, FROM, TO),
                 *lists[] = {of_root, list};
        X509_CRL_set_version(list, rows[i].version);
        X509_CRL_sign(list, key, forge_digest());
        forge_verdict(rows[i].name, forge_trust(&root, 1, &issuer_of_lists, 1, lists, 2, false), leaf, FORGE_NOW,
                      rows[i].why);
        X509_CRL_free(list);
    }
    EVP_PKEY_free(key);
}

static void C8_extensions_of_a_certificate_of_version_1(void **state)
{
    (void)state;
    static const char *const whys[] = {"version 3", "version 3", NULL, "unknown version"};
    EVP_PKEY *key = forge_key("inter");
    for (long version = 0; version < 4; version++) {
        X509 *x = forge_cert("Signer", "g256a", 3, issuer, "inter", messages, FROM, TO);
        X509_set_version(x, version);
        X509_sign(x, key, forge_digest());
        forge_verdict("version", forge_trust(&root, 1, &issuer, 1, NULL, 0, false), x, FORGE_NOW, whys[version]);
        X509_free(x);
    }
    X509 *bare = forge_cert("Signer", "g256a", 3, issuer, "inter", NULL, FROM, TO);
    X509_set_version(bare, 0);
    X509_sign(bare, key, forge_digest());
    forge_verdict("version 1 and nothing of it", forge_trust(&root, 1, &issuer, 1, NULL, 0, false), bare, FORGE_NOW,
                  NULL);
    X509_free(bare);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C8_whose_a_list_is),
        cmocka_unit_test(C8_a_signer_of_lists_that_is_revoked),
        cmocka_unit_test(C8_lists_of_two_keys_of_one_authority),
        cmocka_unit_test(O2_a_list_that_leads_nowhere_is_told),
        cmocka_unit_test(C2_a_verdict_ends_with_the_signer_of_the_list),
        cmocka_unit_test(C2_a_verdict_ends_with_the_period_of_use),
        cmocka_unit_test(C8_a_hold_is_ended_by_what_fits),
        cmocka_unit_test(C8_a_delta_beside_a_refused_list),
        cmocka_unit_test(C8_extensions_of_a_list_of_version_1),
        cmocka_unit_test(C8_extensions_of_a_certificate_of_version_1),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
