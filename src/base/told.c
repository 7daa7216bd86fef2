/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "told.h"

#include "ascii.h"

#include <stddef.h>
#include <string.h>

#define NAME_MAX_BYTES  40
#define PATH_MAX_BYTES  100
#define DIGITS_IN_A_ROW 4 /* a version, a year, windows-1251; no number of a person or a document */
#define DIGITS_IN_ALL   6

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define OASIS   "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
#define SMEV    "http://smev.gosuslugi.ru/"
#define CPXML   "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
#define DSIG    "http://www.w3.org/2000/09/xmldsig#"
#define DSIG11  "http://www.w3.org/2001/04/xmldsig-more#"

/* What is served, and what is met in its place. */
static const char *const known[] = {
    "no namespace",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://schemas.xmlsoap.org/wsdl/",
    "http://schemas.xmlsoap.org/wsdl/soap/",
    "http://www.w3.org/2003/05/soap-envelope",
    "http://www.w3.org/2001/XMLSchema",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/2005/08/addressing",
    "http://epgu.rtlabs.ru/equeue/ws/",
    "http://epgu.rtlabs.ru/equeue/ws/types/",
    SMEV "rev110801",
    SMEV "rev111111",
    SMEV "rev120315",
    OASIS "wssecurity-secext-1.0.xsd",
    OASIS "wssecurity-utility-1.0.xsd",
    OASIS "soap-message-security-1.0#Base64Binary",
    OASIS "soap-message-security-1.0#HexBinary",
    OASIS "x509-token-profile-1.0#X509v3",
    OASIS "x509-token-profile-1.0#X509PKIPathv1",
    OASIS "x509-token-profile-1.0#PKCS7",
    OASIS "x509-token-profile-1.0#X509SubjectKeyIdentifier",
    "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#STR-Transform",
    OASIS "soap-message-security-1.0#STR-Transform",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/2002/06/xmldsig-filter2",
    "urn://smev-gov-ru/xmldsig/transform",
    DSIG,
    DSIG "enveloped-signature",
    "urn://smev-gov-ru/xmldsig/transform",
    DSIG "base64",
    DSIG "sha1",
    DSIG "hmac-sha1",
    DSIG "rsa-sha1",
    DSIG "dsa-sha1",
    DSIG11 "md5",
    DSIG11 "sha224",
    DSIG11 "sha384",
    DSIG11 "hmac-sha256",
    DSIG11 "rsa-md5",
    DSIG11 "rsa-sha256",
    DSIG11 "rsa-sha384",
    DSIG11 "rsa-sha512",
    DSIG11 "ecdsa-sha1",
    DSIG11 "ecdsa-sha256",
    DSIG11 "ecdsa-sha384",
    DSIG11 "ecdsa-sha512",
    DSIG11 "gostr3411",
    DSIG11 "gostr34102001-gostr3411",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    CPXML "gostr3411",
    CPXML "gostr34102001-gostr3411",
    CPXML "gostr34112012-256",
    CPXML "gostr34112012-512",
    CPXML "gostr34102012-gostr34112012-256",
    CPXML "gostr34102012-gostr34112012-512",
};

bool told_is_name(const char *s)
{
    return strlen(s) <= NAME_MAX_BYTES && s[strspn(s, LETTERS)] == '\0';
}

const char *told_name(const char *s)
{
    return told_is_name(s) ? s : "(no plain name)";
}

const char *told_uri(const char *s)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(s, known[i]) == 0)
            return s;
    return "(not a known one)";
}

const char *told_path(const char *s)
{
    static const char usual[] = LETTERS "0123456789/.-+;=:\"' ";
    unsigned in_a_row = 0, in_all = 0;
    size_t letters = 0;
    if (s == NULL)
        return NULL;
    size_t n = strlen(s);
    bool is_told = n <= PATH_MAX_BYTES && strspn(s, usual) == n;
    for (size_t i = 0; i < n && is_told; i++) {
        in_a_row = ascii_is_digit(s[i]) ? in_a_row + 1 : 0;
        in_all += ascii_is_digit(s[i]);
        letters = strchr(LETTERS, s[i]) != NULL ? letters + 1 : 0;
        is_told = in_a_row <= DIGITS_IN_A_ROW && in_all <= DIGITS_IN_ALL && letters <= NAME_MAX_BYTES;
    }
    return is_told ? s : "(not told)";
}
