/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C2, C8: RFC 5280 section 5, extension by extension. Each row is one list, alone and beside a good one; what is asked
 * is whether a certificate that is revoked, or held, passes, and whether a good one is refused without need.
 */
#include "forge.h"

#define FROM (FORGE_NOW - DAY)
#define TO   (FORGE_NOW + 10 * DAY)

#define GOOD    100
#define REVOKED 200
#define HELD    300
#define OTHER   400

static X509 *root, *good, *revoked, *held, *other, *authority, *pointed;
static const struct forge_ext x_ca[EXTS_MAX] = {{"basicConstraints", "critical,CA:TRUE"},
                                                {"keyUsage", "critical,keyCertSign,cRLSign"},
                                                {"subjectKeyIdentifier", "hash"}};
static const struct forge_ext x_leaf[EXTS_MAX] = {{"basicConstraints", "critical,CA:FALSE"},
                                                  {"keyUsage", "critical,digitalSignature"},
                                                  {"authorityKeyIdentifier", "keyid"}};
static const struct forge_ext x_pointed[EXTS_MAX] = {{"keyUsage", "critical,digitalSignature"},
                                                     {"crlDistributionPoints", "URI:http://ca.example/1.crl"}};

static X509 *leaf(const char *key, long serial, const struct forge_ext *exts)
{
    return forge_cert("leaf", key, serial, root, "root", exts, FORGE_NOW - 100 * DAY, FORGE_NOW + 300 * DAY);
}

static int setup(void **state)
{
    if (forge_setup(state) != 0)
        return -1;
    root = forge_cert("CA", "root", 1, NULL, "root", x_ca, FORGE_NOW - 1000 * DAY, FORGE_NOW + 1000 * DAY);
    good = leaf("g256a", GOOD, x_leaf);
    revoked = leaf("g256tca", REVOKED, x_leaf);
    held = leaf("g256xa", HELD, x_leaf);
    other = leaf("other", OTHER, x_leaf);
    pointed = leaf("nonrep", REVOKED, x_pointed);
    authority = forge_cert("Sub", "inter", OTHER, root, "root", x_ca, FORGE_NOW - 100 * DAY, FORGE_NOW + 500 * DAY);
    return 0;
}

static int teardown(void **state)
{
    X509 *all[] = {root, good, revoked, held, other, authority, pointed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        X509_free(all[i]);
    return forge_teardown(state);
}

#define NUMBER(n)                                                                                                      \
    {                                                                                                                  \
        "2.5.29.20", "DER:0201" n                                                                                      \
    }
#define DELTA(n)                                                                                                       \
    {                                                                                                                  \
        "2.5.29.27", "critical,DER:0201" n                                                                             \
    }
#define IDP(der)                                                                                                       \
    {                                                                                                                  \
        "2.5.29.28", "critical,DER:" der                                                                               \
    }
#define ENTRIES(...)                                                                                                   \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define BASE_ENTRIES                                                                                                   \
    {REVOKED, -1, {0}},                                                                                                \
    {                                                                                                                  \
        HELD, CRL_REASON_CERTIFICATE_HOLD,                                                                             \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
/* [0] { [0] { [6] "http://ca.example/1.crl" } } */
#define POINT_1 "301DA01BA0198617687474703A2F2F63612E6578616D706C652F312E63726C"
#define POINT_2 "301DA01BA0198617687474703A2F2F63612E6578616D706C652F322E63726C"

/* The whole list that is beside, number 5: `revoked` is revoked and `held` held. */
static const struct forge_ext base_exts[EXTS_MAX] = {NUMBER("05"), {"authorityKeyIdentifier", "keyid"}};
static const struct forge_entry base_entries[] = {BASE_ENTRIES};

enum { PASSES, REFUSED };

/*
 * Of a list by itself (required, then not required) and beside the base: what becomes of the certificates. `item`: a
 * part of why the list is no list; NULL: it is one.
 */
static const struct {
    const char *name;
    struct forge_ext exts[EXTS_MAX];
    struct forge_entry entries[4];
    const char *item;
    /* alone and required; alone and not required; beside the base */
    int good[3], revoked[3], held[3];
} rows[] = {
    {"a whole list", {NUMBER("07")}, {BASE_ENTRIES}, NULL, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}},
    {"without any extension", {{0}}, {BASE_ENTRIES}, NULL, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}},
    {"AKI that cannot be read",
     {NUMBER("07"), {"2.5.29.35", "DER:0500"}},
     {{0}},
     "authorityKeyIdentifier",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"a number with something behind it",
     {{"2.5.29.20", "DER:0201070500"}},
     {{0}},
     "cRLNumber",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"AKI, keyid", {{"authorityKeyIdentifier", "keyid"}}, {BASE_ENTRIES}, NULL, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}},
    {"a critical number",
     {{"2.5.29.20", "critical,DER:020107"}},
     {BASE_ENTRIES},
     NULL,
     {0, 0, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"number 4: older than the base", {NUMBER("04")}, {{GOOD, -1, {0}}}, NULL, {1, 1, 0}, {0, 0, 1}, {0, 0, 1}},
    {"number 6: newer than the base", {NUMBER("06")}, {{GOOD, -1, {0}}}, NULL, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
    {"a number that is none", {{"2.5.29.20", "DER:0500"}}, {{0}}, "cRLNumber", {1, 1, 0}, {1, 1, 1}, {1, 1, 1}},
    {"a number twice", {NUMBER("07"), NUMBER("08")}, {{0}}, "cRLNumber", {1, 1, 0}, {1, 1, 1}, {1, 1, 1}},

    {"empty delta of the base", {NUMBER("06"), DELTA("05")}, {{0}}, NULL, {1, 0, 0}, {1, 0, 1}, {1, 0, 1}},
    {"delta that is not critical",
     {NUMBER("06"), {"2.5.29.27", "DER:020105"}},
     {{0}},
     NULL,
     {1, 0, 0},
     {1, 0, 1},
     {1, 0, 1}},
    {"delta that revokes", {NUMBER("06"), DELTA("05")}, {{GOOD, -1, {0}}}, NULL, {1, 1, 1}, {1, 0, 1}, {1, 0, 1}},
    {"delta that ends the hold",
     {NUMBER("06"), DELTA("05")},
     {{HELD, CRL_REASON_REMOVE_FROM_CRL, {0}}},
     NULL,
     {1, 0, 0},
     {1, 0, 1},
     {1, 0, 0}},
    {"delta that would undo a revocation",
     {NUMBER("06"), DELTA("05")},
     {{REVOKED, CRL_REASON_REMOVE_FROM_CRL, {0}}},
     NULL,
     {1, 0, 0},
     {1, 0, 1},
     {1, 0, 1}},
    {"delta as old as the base",
     {NUMBER("05"), DELTA("03")},
     {{HELD, CRL_REASON_REMOVE_FROM_CRL, {0}}},
     NULL,
     {1, 0, 0},
     {1, 0, 1},
     {1, 0, 1}},
    {"old delta that revoked what the base does not",
     {NUMBER("04"), DELTA("03")},
     {{GOOD, -1, {0}}},
     NULL,
     {1, 1, 0},
     {1, 0, 1},
     {1, 0, 1}},
    {"delta without a number", {DELTA("05")}, {{0}}, "delta list without", {1, 1, 0}, {1, 1, 1}, {1, 1, 1}},
    {"delta older than its base",
     {NUMBER("04"), DELTA("05")},
     {{0}},
     "delta list without",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"delta that cannot be read",
     {NUMBER("06"), {"2.5.29.27", "critical,DER:0500"}},
     {{0}},
     "deltaCRLIndicator",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},

    {"IDP that says nothing", {IDP("3000")}, {{0}}, NULL, {0, 0, 0}, {0, 0, 1}, {0, 0, 1}},
    {"IDP onlyContainsUserCerts", {IDP("30038101FF")}, {{0}}, NULL, {0, 0, 0}, {0, 0, 1}, {0, 0, 1}},
    {"IDP onlyContainsUserCerts, revoking",
     {IDP("30038101FF")},
     {{GOOD, -1, {0}}},
     NULL,
     {1, 1, 1},
     {0, 0, 1},
     {0, 0, 1}},
    {"IDP onlyContainsCACerts", {IDP("30038201FF")}, {{GOOD, -1, {0}}}, NULL, {1, 0, 0}, {1, 0, 1}, {1, 0, 1}},
    {"IDP onlySomeReasons", {IDP("300483020640")}, {{0}}, "onlySomeReasons", {1, 1, 0}, {1, 1, 1}, {1, 1, 1}},
    {"IDP indirectCRL", {IDP("30038401FF")}, {{0}}, "indirectCRL", {1, 1, 0}, {1, 1, 1}, {1, 1, 1}},
    {"IDP onlyContainsAttributeCerts",
     {IDP("30038501FF")},
     {{0}},
     "onlyContainsAttributeCerts",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"IDP of users and authorities", {IDP("30068101FF8201FF")}, {{0}}, "contradicts", {1, 1, 0}, {1, 1, 1}, {1, 1, 1}},
    {"IDP that cannot be read", {IDP("0500")}, {{0}}, "issuingDistributionPoint", {1, 1, 0}, {1, 1, 1}, {1, 1, 1}},
    {"IDP with a point nobody names", {IDP(POINT_1)}, {{GOOD, -1, {0}}}, NULL, {1, 0, 0}, {1, 0, 1}, {1, 0, 1}},
    {"IDP with a relative name",
     {IDP("3011A00FA10D300B0603550403"
          "0C0478787878")},
     {{0}},
     "relative",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},

    {"freshestCRL", {NUMBER("07"), {"2.5.29.46", "DER:3000"}}, {BASE_ENTRIES}, NULL, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}},
    {"critical freshestCRL",
     {{"2.5.29.46", "critical,DER:3000"}},
     {{0}},
     "freshestCRL",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"critical issuerAltName",
     {{"2.5.29.18", "critical,DER:3000"}},
     {{0}},
     "issuerAltName",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"unknown", {NUMBER("07"), {"1.2.643.99.1", "DER:0500"}}, {BASE_ENTRIES}, NULL, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}},
    {"critical unknown",
     {{"1.2.643.99.1", "critical,DER:0500"}},
     {{0}},
     "1.2.643.99.1",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},

    {"entry with an invalidity date",
     {NUMBER("07")},
     {{REVOKED, -1, {"2.5.29.24", "DER:180F32303335303130313030303030305A"}}},
     NULL,
     {0, 0, 0},
     {1, 1, 1},
     {0, 0, 0}},
    {"entry with an invalidity date that cannot be read",
     {NUMBER("07")},
     {{REVOKED, -1, {"2.5.29.24", "critical,DER:0500"}}},
     "invalidityDate",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"entry with two reasons",
     {NUMBER("07")},
     {{REVOKED, CRL_REASON_CERTIFICATE_HOLD, {"2.5.29.21", "DER:0A0101"}}},
     "twice",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"entry with a hold instruction",
     {NUMBER("07")},
     {{HELD, CRL_REASON_CERTIFICATE_HOLD, {"2.5.29.23", "DER:06072A8648CE380201"}}},
     NULL,
     {0, 0, 0},
     {0, 0, 0},
     {1, 1, 1}},
    {"entry superseded by reason",
     {NUMBER("07")},
     {{REVOKED, CRL_REASON_SUPERSEDED, {0}}},
     NULL,
     {0, 0, 0},
     {1, 1, 1},
     {0, 0, 0}},
    {"entry removeFromCRL in a whole list",
     {NUMBER("07")},
     {{REVOKED, CRL_REASON_REMOVE_FROM_CRL, {0}}},
     "removeFromCRL",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"entry with a reason that is none",
     {NUMBER("07")},
     {{REVOKED, -1, {"2.5.29.21", "DER:0500"}}},
     "reason",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"entry of another issuer",
     {NUMBER("07")},
     {{OTHER, -1, {"2.5.29.29", "critical,DER:3000"}}},
     "certificateIssuer",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"entry of another issuer, not critical",
     {NUMBER("07")},
     {{OTHER, -1, {"2.5.29.29", "DER:3000"}}},
     "certificateIssuer",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"entry with critical unknown",
     {NUMBER("07")},
     {{OTHER, -1, {"1.2.643.99.1", "critical,DER:0500"}}},
     "1.2.643.99.1",
     {1, 1, 0},
     {1, 1, 1},
     {1, 1, 1}},
    {"entry with unknown",
     {NUMBER("07")},
     {{REVOKED, -1, {"1.2.643.99.1", "DER:0500"}}},
     NULL,
     {0, 0, 0},
     {1, 1, 1},
     {0, 0, 0}},
};

static void verdict_of(const char *row, const char *how, struct trust *t, X509 *x, int want)
{
    struct error e = {0};
    enum err rc = trust_check(t, forge_read(x), FORGE_NOW, NULL, &e);
    if ((rc == ERR_OK) != (want == PASSES))
        fail_msg("%s, %s, serial %ld: %s '%s'", row, how, ASN1_INTEGER_get(X509_get0_serialNumber(x)), error_name(rc),
                 e.detail);
}

static void C8_every_extension_of_a_list(void **state)
{
    (void)state;
    static const char *const ways[] = {"alone, required", "alone, not required", "beside the base", "before the base"};
    X509_CRL *base = forge_crl(root, "root", base_exts, base_entries, 2, FROM, TO);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        X509_CRL *l = forge_crl(root, "root", rows[i].exts, rows[i].entries, 4, FROM + 60, TO);
        for (int way = 0; way < 4; way++) {
            X509_CRL *both[] = {way == 3 ? l : base, way == 3 ? base : l};
            struct trust *t = forge_trust(&root, 1, NULL, 0, way < 2 ? &l : both, way < 2 ? 1 : 2, way != 1);
            int column = way < 2 ? way : 2;
            verdict_of(rows[i].name, ways[way], t, good, rows[i].good[column]);
            verdict_of(rows[i].name, ways[way], t, revoked, rows[i].revoked[column]);
            verdict_of(rows[i].name, ways[way], t, held, rows[i].held[column]);
            if (way > 0)
                continue;
            unsigned n = 0;
            const struct trust_item *items = trust_items(t, &n);
            assert_int_equal(n, 2);
            const char *refused = items[1].refused;
            if ((refused == NULL) != (rows[i].item == NULL) ||
                (refused != NULL && strstr(refused, rows[i].item) == NULL))
                fail_msg("%s: refused as '%s'", rows[i].name, refused != NULL ? refused : "nothing");
        }
        X509_CRL_free(l);
    }
    X509_CRL_free(base);
}

/* A list of one distribution point speaks of the certificates that name this point. */
static void C8_lists_in_parts(void **state)
{
    (void)state;
    static const struct forge_ext first[EXTS_MAX] = {IDP(POINT_1), NUMBER("07")},
                                  second[EXTS_MAX] = {IDP(POINT_2), NUMBER("09")};
    static const struct forge_entry hit[] = {{REVOKED, -1, {0}}}, none[] = {{0}};
    X509_CRL *one = forge_crl(root, "root", first, hit, 1, FROM, TO),
             *two = forge_crl(root, "root", second, none, 1, FROM, TO);
    X509_CRL *both[] = {one, two};
    forge_verdict("part 1", forge_trust(&root, 1, NULL, 0, &one, 1, true), pointed, FORGE_NOW, "revoked");
    forge_verdict("part 2 says nothing of it", forge_trust(&root, 1, NULL, 0, &two, 1, true), pointed, FORGE_NOW,
                  "unable to get");
    forge_verdict("both parts, the other one newer", forge_trust(&root, 1, NULL, 0, both, 2, true), pointed, FORGE_NOW,
                  "revoked");
    X509_CRL_free(one);
    X509_CRL_free(two);
}

/* onlyContainsCACerts is the list of the authority below, and no list of its users. */
static void C8_lists_of_authorities(void **state)
{
    (void)state;
    static const struct forge_ext ca_only[EXTS_MAX] = {IDP("30038201FF")}, users_only[EXTS_MAX] = {IDP("30038101FF")};
    static const struct forge_entry hit[] = {{OTHER, -1, {0}}};
    X509 *below = forge_cert("below", "g256a", 7, authority, "inter", x_leaf, FROM, FORGE_NOW + DAY);
    X509_CRL *sub = forge_crl(authority, "inter", NULL, NULL, 0, FROM, TO);
    X509_CRL *cas = forge_crl(root, "root", ca_only, hit, 1, FROM, TO),
             *users = forge_crl(root, "root", users_only, hit, 1, FROM, TO);
    X509_CRL *with_cas[] = {sub, cas}, *with_users[] = {sub, users};
    forge_verdict("the authority is revoked", forge_trust(&root, 1, &authority, 1, with_cas, 2, true), below, FORGE_NOW,
                  "revoked at depth 1");
    forge_verdict("a list of users", forge_trust(&root, 1, &authority, 1, with_users, 2, true), below, FORGE_NOW,
                  "unable to get");
    forge_verdict("a list of users, none required", forge_trust(&root, 1, &authority, 1, with_users, 2, false), below,
                  FORGE_NOW, NULL);
    X509_free(below);
    X509_CRL_free(sub);
    X509_CRL_free(cas);
    X509_CRL_free(users);
}

/* Two authorities of one name, no key identifiers: each one's list is found by its signature. */
static void C2_two_authorities_of_one_name(void **state)
{
    (void)state;
    static const struct forge_ext bare[EXTS_MAX] = {{"basicConstraints", "critical,CA:TRUE"},
                                                    {"keyUsage", "critical,keyCertSign,cRLSign"}};
    static const struct forge_ext sign[EXTS_MAX] = {{"keyUsage", "critical,digitalSignature"}};
    static const struct forge_entry hit[] = {{REVOKED, -1, {0}}}, none[] = {{0}};
    X509 *cas[2], *leafs[2];
    X509_CRL *lists[2], *clean[2];
    static const char *const keys[] = {"root", "imposter"};
    for (int i = 0; i < 2; i++) {
        cas[i] = forge_cert("Twin", keys[i], 1, NULL, keys[i], bare, FORGE_NOW - 1000 * DAY, FORGE_NOW + 1000 * DAY);
        leafs[i] = forge_cert("twin's", i == 0 ? "g256a" : "other", REVOKED, cas[i], keys[i], sign, FROM,
                              FORGE_NOW + 300 * DAY);
        lists[i] = forge_crl(cas[i], keys[i], NULL, hit, 1, FROM, TO);
        clean[i] = forge_crl(cas[i], keys[i], NULL, none, 1, FROM + 60, TO);
    }
    for (int order = 0; order < 4; order++) {
        X509 *anchors[] = {cas[order & 1], cas[1 - (order & 1)]};
        X509_CRL *crls[] = {order & 2 ? lists[0] : clean[1], order & 2 ? clean[1] : lists[0]};
        struct trust *t = forge_trust(anchors, 2, NULL, 0, crls, 2, true);
        forge_verdict("revoked by its own", t, leafs[0], FORGE_NOW, "revoked");
        forge_verdict("the serial of a twin", t, leafs[1], FORGE_NOW, NULL);
    }
    struct trust *t = forge_trust(cas, 2, NULL, 0, &clean[1], 1, true);
    forge_verdict("the twin's list is none of mine", t, leafs[0], FORGE_NOW, "not proven to be the issuer");
    for (int i = 0; i < 2; i++) {
        X509_free(cas[i]);
        X509_free(leafs[i]);
        X509_CRL_free(lists[i]);
        X509_CRL_free(clean[i]);
    }
}

/* Who may sign lists is said by keyUsage; a list without a next one, run out, or not begun is none. */
static void C2_lists_that_are_none(void **state)
{
    (void)state;
    static const struct forge_ext no_crls[EXTS_MAX] = {{"basicConstraints", "critical,CA:TRUE"},
                                                       {"keyUsage", "critical,keyCertSign"}};
    X509 *dumb = forge_cert("CA", "root", 1, NULL, "root", no_crls, FORGE_NOW - 1000 * DAY, FORGE_NOW + 1000 * DAY);
    X509_CRL *empty = forge_crl(root, "root", NULL, NULL, 0, FROM, TO);
    X509_CRL *endless = forge_crl(root, "root", NULL, NULL, 0, FROM, 0);
    X509_CRL *future = forge_crl(root, "root", NULL, NULL, 0, FORGE_NOW + 5, TO);
    forge_verdict("without cRLSign", forge_trust(&dumb, 1, NULL, 0, &empty, 1, true), good, FORGE_NOW,
                  "cannot be used");
    forge_verdict("without cRLSign, none required", forge_trust(&dumb, 1, NULL, 0, &empty, 1, false), good, FORGE_NOW,
                  "cannot be used");
    forge_verdict("without nextUpdate", forge_trust(&root, 1, NULL, 0, &endless, 1, true), good, FORGE_NOW,
                  "nextUpdate");
    struct trust *t = forge_trust(&root, 1, NULL, 0, &future, 1, true);
    forge_verdict("not begun", t, good, FORGE_NOW, "unable to get");
    forge_verdict("begun", t, good, FORGE_NOW + 5, NULL);
    forge_verdict("run out", t, good, TO, "expired");
    /* A newer list that has not begun does not push the present one out, and does when it begins. */
    static const struct forge_ext n7[EXTS_MAX] = {NUMBER("07")};
    static const struct forge_entry hit[] = {{GOOD, -1, {0}}};
    X509_CRL *now = forge_crl(root, "root", base_exts, base_entries, 2, FROM, TO),
             *next = forge_crl(root, "root", n7, hit, 1, FORGE_NOW + 60, TO);
    X509_CRL *both[] = {next, now};
    t = forge_trust(&root, 1, NULL, 0, both, 2, true);
    forge_verdict("before", t, good, FORGE_NOW, NULL);
    forge_verdict("before", t, revoked, FORGE_NOW, "revoked");
    forge_verdict("after", t, good, FORGE_NOW + 60, "revoked");
    X509_free(dumb);
    X509_CRL *all[] = {empty, endless, future, now, next};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        X509_CRL_free(all[i]);
}

/*
 * Any lists of one authority, with numbers or without, whatever their order and dates say of each other: one of those
 * that have begun is in force, and looking for it comes to an end.
 */
static void C8_some_list_is_always_in_force(void **state)
{
    (void)state;
    enum { ROUNDS = 200, MOST = 5 };
    static const char *const numbers[] = {"DER:020103", "DER:020104", "DER:020105"};
    unsigned dice = 5280;
    alarm(600); /* what does not end ends here */
    for (unsigned round = 0; round < ROUNDS; round++) {
        X509_CRL *lists[MOST];
        unsigned n = 2 + (unsigned)rand_r(&dice) % (MOST - 1);
        int64_t begun = round % 2 == 0 ? FROM : FORGE_NOW + 10;
        for (unsigned i = 0; i < n; i++) {
            unsigned which = (unsigned)rand_r(&dice) % 4;
            struct forge_ext exts[EXTS_MAX] = {{0}};
            if (which < 3)
                exts[0] = (struct forge_ext){"2.5.29.20", numbers[which]};
            lists[i] =
                forge_crl(root, "root", exts, base_entries, 2, begun + (int64_t)((unsigned)rand_r(&dice) % 5), TO);
        }
        struct trust *t = forge_trust(&root, 1, NULL, 0, lists, n, false);
        forge_verdict("of any lists one is in force", t, revoked, FORGE_NOW, round % 2 == 0 ? "revoked" : NULL);
        forge_verdict("when all have begun", t, revoked, FORGE_NOW + 20, "revoked");
        for (unsigned i = 0; i < n; i++)
            X509_CRL_free(lists[i]);
    }
    alarm(0);
}

/* 200,000 entries: loading reads each once, a verdict looks at a handful. Counted in work against a small list, not in
 * seconds: the same number of verdicts may cost a few times more, a walk through the list would cost thousands. */
static void L1_a_long_list_costs_no_more_a_message(void **state)
{
    (void)state;
    enum { LONG = 200000, VERDICTS = 40 };
    struct forge_entry *entries = calloc(LONG + 1, sizeof *entries);
    for (long i = 0; i < LONG; i++)
        entries[i] = (struct forge_entry){1000 + (LONG - i) * 3, -1, {0}};
    entries[LONG] = (struct forge_entry){REVOKED, -1, {0}};
    X509_CRL *lists[] = {forge_crl(root, "root", NULL, base_entries, 2, FROM, TO),
                         forge_crl(root, "root", NULL, entries, LONG + 1, FROM, TO)};
    clock_t spent[2];
    for (int i = 0; i < 2; i++) {
        struct trust *t = forge_trust(&root, 1, NULL, 0, &lists[i], 1, true);
        struct cert *c = forge_read(revoked);
        clock_t began = clock();
        for (int j = 0; j < VERDICTS; j++) {
            struct error e = {0};
            assert_int_equal(trust_check(t, c, FORGE_NOW, NULL, &e), ERR_TOKEN);
            assert_non_null(strstr(e.detail, "revoked"));
        }
        spent[i] = clock() - began;
        X509_CRL_free(lists[i]);
    }
    free(entries);
    if (spent[1] > 10 * spent[0] + CLOCKS_PER_SEC / 20)
        fail_msg("%d verdicts: %ld ticks with a short list, %ld with a long one", VERDICTS, (long)spent[0],
                 (long)spent[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C8_every_extension_of_a_list),
        cmocka_unit_test(C8_lists_in_parts),
        cmocka_unit_test(C8_lists_of_authorities),
        cmocka_unit_test(C2_two_authorities_of_one_name),
        cmocka_unit_test(C8_some_list_is_always_in_force),
        cmocka_unit_test(C2_lists_that_are_none),
        cmocka_unit_test(L1_a_long_list_costs_no_more_a_message),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
