/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C2, C8: RFC 5280 sections 4.2 and 6.1, extension by extension, on the signer, on the authority between and on the
 * anchor; and the paths that Russian authorities make: reissued and cross-certified.
 */
#include "forge.h"

#define FROM (FORGE_NOW - 100 * DAY)
#define TO   (FORGE_NOW + 300 * DAY)

#define BC_CA                                                                                                          \
    {                                                                                                                  \
        "basicConstraints", "critical,CA:TRUE"                                                                         \
    }
#define KU_CA                                                                                                          \
    {                                                                                                                  \
        "keyUsage", "critical,keyCertSign,cRLSign"                                                                     \
    }
#define KU_LEAF                                                                                                        \
    {                                                                                                                  \
        "keyUsage", "critical,digitalSignature"                                                                        \
    }
/* SEQUENCE { [0] GeneralizedTime, [1] GeneralizedTime } of years, as Russian authorities write it. */
#define PERIOD(y1, y2) "DER:3022800F" y1 "303130313030303030305A810F" y2 "303130313030303030305A"
#define Y2020          "32303230"
#define Y2021          "32303231"
#define Y2024          "32303234"
#define Y2030          "32303330"
#define Y2040          "32303430"

static const struct forge_ext ca_exts[EXTS_MAX] = {BC_CA, KU_CA, {"subjectKeyIdentifier", "hash"}};
static const struct forge_ext leaf_exts[EXTS_MAX] = {KU_LEAF};

enum place { SIGNER, BETWEEN, ANCHOR };

/* why NULL: believed. The three certificates are whole but for the one that has these extensions. */
static const struct {
    const char *name;
    enum place place;
    struct forge_ext exts[EXTS_MAX];
    const char *why;
} rows[] = {
    {"key usage digitalSignature", SIGNER, {{"keyUsage", "critical,digitalSignature"}}, NULL},
    {"key usage nonRepudiation", SIGNER, {{"keyUsage", "nonRepudiation"}}, NULL},
    {"key usage as qualified certificates have it",
     SIGNER,
     {{"keyUsage", "critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment"}},
     NULL},
    {"no key usage", SIGNER, {{0}}, NULL},
    {"key usage for enciphering", SIGNER, {{"keyUsage", "critical,keyEncipherment"}}, "not for signatures"},
    {"key usage twice", SIGNER, {KU_LEAF, {"2.5.29.15", "critical,DER:03020780"}}, "broken extension"},
    {"key usage that cannot be read", SIGNER, {{"2.5.29.15", "critical,DER:0500"}}, "broken extension"},

    {"purpose clientAuth", SIGNER, {KU_LEAF, {"extendedKeyUsage", "clientAuth"}}, NULL},
    {"purpose emailProtection, critical", SIGNER, {KU_LEAF, {"extendedKeyUsage", "critical,emailProtection"}}, NULL},
    {"Russian purposes", SIGNER, {KU_LEAF, {"extendedKeyUsage", "1.2.643.2.2.34.6,1.2.643.3.58.2.1.1"}}, NULL},
    {"Russian purpose, critical", SIGNER, {KU_LEAF, {"extendedKeyUsage", "critical,1.2.643.5.1.24.2.1.3"}}, NULL},
    {"any purpose", SIGNER, {KU_LEAF, {"extendedKeyUsage", "critical,anyExtendedKeyUsage"}}, NULL},
    {"one purpose among foreign ones", SIGNER, {KU_LEAF, {"extendedKeyUsage", "critical,serverAuth,clientAuth"}}, NULL},
    {"purpose serverAuth, critical", SIGNER, {KU_LEAF, {"extendedKeyUsage", "critical,serverAuth"}}, "serverAuth"},
    {"purpose timeStamping, critical",
     SIGNER,
     {KU_LEAF, {"extendedKeyUsage", "critical,timeStamping"}},
     "timeStamping"},
    {"purpose OCSPSigning", SIGNER, {KU_LEAF, {"extendedKeyUsage", "OCSPSigning"}}, "OCSPSigning"},
    {"purpose unknown", SIGNER, {KU_LEAF, {"extendedKeyUsage", "critical,1.3.6.1.4.1.99999.1"}}, "1.3.6.1.4.1.99999.1"},
    {"purposes that cannot be read", SIGNER, {KU_LEAF, {"2.5.29.37", "critical,DER:0500"}}, "extension"},
    {"foreign purpose of an authority", BETWEEN, {BC_CA, KU_CA, {"extendedKeyUsage", "critical,serverAuth"}}, "issuer"},
    {"purpose of an authority", BETWEEN, {BC_CA, KU_CA, {"extendedKeyUsage", "clientAuth"}}, NULL},

    {"period of use, now", SIGNER, {KU_LEAF, {"2.5.29.16", PERIOD(Y2024, Y2030)}}, NULL},
    {"period of use, now, critical", SIGNER, {KU_LEAF, {"2.5.29.16", "critical," PERIOD(Y2024, Y2030)}}, NULL},
    {"period of use, over", SIGNER, {KU_LEAF, {"2.5.29.16", PERIOD(Y2020, Y2021)}}, "is over"},
    {"period of use, to come", SIGNER, {KU_LEAF, {"2.5.29.16", PERIOD(Y2030, Y2040)}}, "still to come"},
    {"period of an authority, over: its list goes on",
     BETWEEN,
     {BC_CA, KU_CA, {"2.5.29.16", PERIOD(Y2020, Y2021)}},
     NULL},

    {"unknown", SIGNER, {KU_LEAF, {"1.2.643.99.1", "DER:0500"}}, NULL},
    {"unknown, critical",
     SIGNER,
     {KU_LEAF, {"1.2.643.99.1", "critical,DER:0500"}},
     "unhandled critical extension 1.2.643.99.1"},
    {"unknown, critical, of an authority", BETWEEN, {BC_CA, KU_CA, {"1.2.643.99.1", "critical,DER:0500"}}, "issuer"},
    {"unknown, critical, of an anchor", ANCHOR, {BC_CA, KU_CA, {"1.2.643.99.1", "critical,DER:0500"}}, "issuer"},
    {"subjectSignTool", SIGNER, {KU_LEAF, {"1.2.643.100.111", "ASN1:UTF8:CryptoPro CSP"}}, NULL},
    {"issuerSignTool", SIGNER, {KU_LEAF, {"1.2.643.100.112", "ASN1:UTF8:tools"}}, NULL},
    {"identificationKind", SIGNER, {KU_LEAF, {"1.2.643.100.114", "DER:020100"}}, NULL},
    {"Netscape's type, critical", SIGNER, {KU_LEAF, {"nsCertType", "critical,sslCA"}}, "nsCertType"},
    {"OCSP no check, critical", SIGNER, {KU_LEAF, {"noCheck", "critical,ignored"}}, "noCheck"},
    {"alternative name, critical", SIGNER, {KU_LEAF, {"subjectAltName", "critical,DNS:portal.example"}}, NULL},
    {"authority key identifier, critical",
     SIGNER,
     {KU_LEAF, {"authorityKeyIdentifier", "critical,keyid"}},
     "authorityKeyIdentifier"},
    {"policies", SIGNER, {KU_LEAF, {"2.5.29.32", "DER:3014300806062A8503647101300806062A8503647102"}}, NULL},
    {"policies, critical", SIGNER, {KU_LEAF, {"2.5.29.32", "critical,DER:300A300806062A8503647101"}}, NULL},
    {"policies that cannot be read", SIGNER, {KU_LEAF, {"2.5.29.32", "critical,DER:0500"}}, "olicies cannot"},
    {"a policy is required and there is none",
     BETWEEN,
     {BC_CA, KU_CA, {"policyConstraints", "critical,requireExplicitPolicy:0"}},
     "policy"},
    {"any policy is inhibited", BETWEEN, {BC_CA, KU_CA, {"inhibitAnyPolicy", "critical,0"}}, NULL},
    {"distribution points", SIGNER, {KU_LEAF, {"crlDistributionPoints", "URI:http://ca.example/1.crl"}}, NULL},
    {"distribution points, critical",
     SIGNER,
     {KU_LEAF, {"crlDistributionPoints", "critical,URI:http://ca.example/1.crl"}},
     NULL},
    /* { { [1] reasons } } */
    {"distribution points by reasons, critical",
     SIGNER,
     {KU_LEAF, {"2.5.29.31", "critical,DER:300D300BA005A00386017881020640"}},
     "reasons"},
    {"distribution points that cannot be read",
     SIGNER,
     {KU_LEAF, {"2.5.29.31", "critical,DER:0500"}},
     "broken extension"},

    {"an authority", BETWEEN, {BC_CA, KU_CA}, NULL},
    {"basic constraints, not critical", BETWEEN, {{"basicConstraints", "CA:TRUE"}, KU_CA}, NULL},
    {"no basic constraints", BETWEEN, {KU_CA}, "CA"},
    {"basic constraints: none", BETWEEN, {{"basicConstraints", "critical,CA:FALSE"}, KU_CA}, "CA"},
    {"may not sign certificates", BETWEEN, {BC_CA, {"keyUsage", "critical,cRLSign,digitalSignature"}}, "CA"},
    {"path length 0 of an authority", BETWEEN, {{"basicConstraints", "critical,CA:TRUE,pathlen:0"}, KU_CA}, NULL},
    {"path length 0 of an anchor", ANCHOR, {{"basicConstraints", "critical,CA:TRUE,pathlen:0"}, KU_CA}, "path length"},
    {"path length 1 of an anchor", ANCHOR, {{"basicConstraints", "critical,CA:TRUE,pathlen:1"}, KU_CA}, NULL},
    {"an anchor that is no authority", ANCHOR, {{"basicConstraints", "critical,CA:FALSE"}}, "CA"},
    /* { [0] permitted { { [4] { O=Forge } } } } */
    {"name constraints that permit",
     BETWEEN,
     {BC_CA,
      KU_CA,
      {"2.5.29.30", "critical,DER:3018A0163014A412"
                    "3010310E300C060355040A0C05466F726765"}},
     NULL},
    {"name constraints that do not permit",
     BETWEEN,
     {BC_CA,
      KU_CA,
      {"2.5.29.30", "critical,DER:3018A0163014A412"
                    "3010310E300C060355040A0C054F74686572"}},
     "ermitted"},
    {"name constraints that exclude",
     BETWEEN,
     {BC_CA,
      KU_CA,
      {"2.5.29.30", "critical,DER:3018A1163014A412"
                    "3010310E300C060355040A0C05466F726765"}},
     "xcluded"},
    {"subject key identifier, critical", SIGNER, {KU_LEAF, {"subjectKeyIdentifier", "critical,hash"}}, "unhandled"},
    {"issuer's alternative name", SIGNER, {KU_LEAF, {"issuerAltName", "DNS:x"}}, NULL},
    {"issuer's alternative name, critical", SIGNER, {KU_LEAF, {"issuerAltName", "critical,DNS:x"}}, "unhandled"},
    {"directory attributes, critical", SIGNER, {KU_LEAF, {"2.5.29.9", "critical,DER:3000"}}, "unhandled"},
    {"freshest list", SIGNER, {KU_LEAF, {"freshestCRL", "URI:http://x/d.crl"}}, NULL},
    {"freshest list, critical", SIGNER, {KU_LEAF, {"freshestCRL", "critical,URI:http://x/d.crl"}}, "unhandled"},
    {"authority's information, critical",
     SIGNER,
     {KU_LEAF, {"authorityInfoAccess", "critical,OCSP;URI:http://x/"}},
     "unhandled"},
    {"subject's information, critical",
     SIGNER,
     {KU_LEAF, {"subjectInfoAccess", "critical,1.3.6.1.5.5.7.48.5;URI:http://x/"}},
     "unhandled"},
    {"alternative name that cannot be read", SIGNER, {KU_LEAF, {"2.5.29.17", "DER:0500"}}, "broken"},
    {"alternative name that cannot be read, critical", SIGNER, {KU_LEAF, {"2.5.29.17", "critical,DER:0500"}}, "broken"},
    {"alternative name with something behind it",
     SIGNER,
     {KU_LEAF,
      {"2.5.29.17", "DER:3003820178"
                    "0500"}},
     "broken"},
    {"authority key identifier that cannot be read", SIGNER, {KU_LEAF, {"2.5.29.35", "DER:0500"}}, "broken"},
    {"key usage of nothing", SIGNER, {{"2.5.29.15", "critical,DER:03020700"}}, "broken"},
    {"authority without the right to sign messages",
     SIGNER,
     {BC_CA, {"keyUsage", "critical,keyCertSign"}},
     "not for signatures"},
    {"policies mapped",
     BETWEEN,
     {BC_CA,
      KU_CA,
      {"2.5.29.32", "DER:300A300806062A8503647101"},
      {"2.5.29.33", "critical,DER:3012301006062A850364710106062A8503647102"}},
     NULL},
    {"any policy mapped",
     BETWEEN,
     {BC_CA,
      KU_CA,
      {"2.5.29.32", "DER:300A300806062A8503647101"},
      {"2.5.29.33", "critical,DER:3010300E0604551D200006062A8503647102"}},
     "policy"},
    {"name constraints with a minimum",
     BETWEEN,
     {BC_CA, KU_CA, {"2.5.29.30", "critical,DER:301BA0193017A4123010310E300C060355040A0C05466F726765800101"}},
     "minimum"},
    /* { { [0] { [0] { [6] "x" } }, [2] { [4] {} } } } */
    {"distribution points of another issuer",
     SIGNER,
     {KU_LEAF, {"2.5.29.31", "DER:300F300DA005A003860178A204A4023000"}},
     NULL},
    {"distribution points of another issuer, critical",
     SIGNER,
     {KU_LEAF, {"2.5.29.31", "critical,DER:300F300DA005A003860178A204A4023000"}},
     "another issuer"},
};

/* What we say we judge is read, wherever it stands, critical or not; and nothing may stand behind it. */
static void C8_what_cannot_be_read_refuses(void **state)
{
    (void)state;
    static const char *const oids[] = {"2.5.29.15", "2.5.29.16", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31",
                                       "2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.37", "2.5.29.54"};
    static const char *const values[] = {"DER:0500", "critical,DER:0500", "critical,DER:0401"};
    for (size_t i = 0; i < sizeof oids / sizeof oids[0] * 3; i++) {
        struct forge_ext odd = {oids[i / 3], values[i % 3]};
        struct forge_ext exts[EXTS_MAX] = {odd};
        if (strcmp(oids[i / 3], "2.5.29.19") != 0)
            exts[1] = (struct forge_ext)BC_CA;
        X509 *anchor = forge_cert("Root", "root", 1, NULL, "root", ca_exts, FROM, TO);
        X509 *between = forge_cert("Sub", "inter", 2, anchor, "root", exts, FROM, TO);
        X509 *signer = forge_cert("Signer", "g256a", 3, between, "inter", leaf_exts, FROM, TO);
        forge_verdict(oids[i / 3], forge_trust(&anchor, 1, &between, 1, NULL, 0, false), signer, FORGE_NOW, "issuer");
        X509_free(anchor);
        X509_free(between);
        X509_free(signer);
    }
}

static void C8_every_extension_of_a_certificate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum place p = rows[i].place;
        X509 *anchor = forge_cert("Root", "root", 1, NULL, "root", p == ANCHOR ? rows[i].exts : ca_exts, FROM, TO);
        X509 *between = forge_cert("Sub", "inter", 2, anchor, "root", p == BETWEEN ? rows[i].exts : ca_exts, FROM, TO);
        X509 *signer =
            forge_cert("Signer", "g256a", 3, between, "inter", p == SIGNER ? rows[i].exts : leaf_exts, FROM, TO);
        forge_verdict(rows[i].name, forge_trust(&anchor, 1, &between, 1, NULL, 0, false), signer, FORGE_NOW,
                      rows[i].why);
        X509_free(anchor);
        X509_free(between);
        X509_free(signer);
    }
}

/* What a load leaves out is told by name. */
static void C8_what_is_left_out_is_named(void **state)
{
    (void)state;
    static const struct forge_ext odd[EXTS_MAX] = {BC_CA, KU_CA, {"1.2.643.99.1", "critical,DER:0500"}};
    X509 *xs[] = {forge_cert("Root", "root", 1, NULL, "root", ca_exts, FROM, TO),
                  forge_cert("Odd", "imposter", 171, NULL, "imposter", odd, FROM, TO)};
    struct trust *t = forge_trust(xs, 2, NULL, 0, NULL, 0, false);
    unsigned n = 0;
    const struct trust_item *items = trust_items(t, &n);
    assert_int_equal(n, 2);
    assert_null(items[0].refused);
    assert_string_equal(items[1].refused, "unhandled critical extension 1.2.643.99.1");
    assert_string_equal(items[1].label, "O=Forge, CN=Odd");
    assert_string_equal(items[1].serial, "AB");
    assert_int_equal(items[0].not_after, TO);
    X509_free(xs[0]);
    X509_free(xs[1]);
}

/*
 * An authority of one name and key with several certificates: its first one, run out or revoked, the one that followed,
 * and one by another root. The signer's key identifier names the first by issuer and serial number. As long as one path
 * is good, the signer is; whatever the order of the files.
 */
static void C2_reissued_and_cross_certified(void **state)
{
    (void)state;
    static const struct forge_ext by_serial[EXTS_MAX] = {KU_LEAF,
                                                         {"authorityKeyIdentifier", "keyid:always,issuer:always"}};
    X509 *root = forge_cert("Root", "root", 1, NULL, "root", ca_exts, FROM - 1000 * DAY, TO);
    X509 *root2 = forge_cert("Root 2", "imposter", 1, NULL, "imposter", ca_exts, FROM, TO);
    X509 *first = forge_cert("Sub", "inter", 11, root, "root", ca_exts, FROM - 1000 * DAY, FORGE_NOW - DAY);
    X509 *next = forge_cert("Sub", "inter", 12, root, "root", ca_exts, FROM, TO);
    X509 *cross = forge_cert("Sub", "inter", 13, root2, "imposter", ca_exts, FROM, TO);
    X509 *other_key = forge_cert("Sub", "other", 14, root, "root", ca_exts, FROM, TO);
    X509 *signer = forge_cert("Signer", "g256a", 3, first, "inter", by_serial, FROM, TO);
    static const struct forge_entry gone[] = {{12, -1, {0}}};
    X509_CRL *crl = forge_crl(root, "root", NULL, gone, 1, FROM, TO);
    X509 *all[] = {root, root2, first, next, cross, other_key, signer};
    X509 *both[] = {root, root2}, *turned[] = {root2, root};
    for (unsigned mask = 0; mask < 16; mask++) {
        for (int order = 0; order < 2; order++) {
            X509 *candidates[] = {first, next, cross, other_key}, *chain[4];
            unsigned n = 0;
            for (int i = 0; i < 4; i++) {
                int k = order == 0 ? i : 3 - i;
                if (mask & (1U << k))
                    chain[n++] = candidates[k];
            }
            bool has_next = mask & 2, has_cross = mask & 4;
            char row[64];
            snprintf(row, sizeof row, "certificates %u, order %d", mask, order);
            const char *none = mask & 1 ? "expired" : mask == 0 ? "unable to get" : "signature failure";
            forge_verdict(row, forge_trust(order == 0 ? both : turned, 2, chain, n, NULL, 0, false), signer, FORGE_NOW,
                          has_next || has_cross ? NULL : none);
            /* The next one is revoked: only the cross certificate is left. */
            forge_verdict(row, forge_trust(order == 0 ? both : turned, 2, chain, n, &crl, 1, false), signer, FORGE_NOW,
                          has_cross  ? NULL
                          : has_next ? "revoked"
                                     : none);
            forge_verdict(row, forge_trust(&root, 1, chain, n, NULL, 0, false), signer, FORGE_NOW,
                          has_next ? NULL : "");
        }
    }
    X509_CRL_free(crl);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        X509_free(all[i]);
}

/* Certificates that certify each other in a circle, and forty of one name: an end all the same. */
static void L1_a_maze_has_an_end(void **state)
{
    (void)state;
    X509 *root = forge_cert("Root", "imposter", 1, NULL, "imposter", ca_exts, FROM, TO);
    X509 *chain[40];
    for (int i = 0; i < 40; i++) {
        X509 *self = forge_cert("Maze", "inter", 50 + i, NULL, "inter", ca_exts, FROM, TO);
        chain[i] = self;
    }
    X509 *signer = forge_cert("Signer", "g256a", 3, chain[0], "inter", leaf_exts, FROM, TO);
    forge_verdict("maze", forge_trust(&root, 1, chain, 40, NULL, 0, false), signer, FORGE_NOW, "issuer");
    for (int i = 0; i < 40; i++)
        X509_free(chain[i]);
    X509_free(root);
    X509_free(signer);
}

/*
 * OpenSSL 3.0 forgets an integer of 42 bytes when it looks at policies it cannot read (policy_cache_new() in
 * pcy_cache.c). LeakSanitizer is to see who asked for the memory, and to pass that one over.
 */
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void)
{
    return "leak:X509_policy_check";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C8_every_extension_of_a_certificate),
        cmocka_unit_test(C8_what_cannot_be_read_refuses),
        cmocka_unit_test(C8_what_is_left_out_is_named),
        cmocka_unit_test(C2_reissued_and_cross_certified),
        cmocka_unit_test(L1_a_maze_has_an_end),
    };
    return cmocka_run_group_tests(tests, forge_setup, forge_teardown);
}
