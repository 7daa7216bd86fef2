/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Addresses that others are told, and those that we call: one that can be asked, and no more than scheme, host, port
 * and path (RFC 3986, 3); where we call, a query besides.
 */
#include "config_table.h"

#include "ascii.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define NO_USER     "expected no user and password: they would be told to whoever asks for the WSDL"
#define NO_SECRET   "expected no user and password: who calls is told by the signature, and addresses go into the log"
#define NO_QUERY    "expected no query: a client puts its own behind it (?wsdl)"
#define NO_FRAGMENT "expected no fragment (#): it is never sent"
#define NO_SCHEME   "expected http:// or https:// at its beginning, as in https://booking.example.org/equeue"
#define NO_HOST     "expected a host behind http:// or https://"
#define NO_FTP      "expected ftp:// at its beginning, as in ftp://192.0.2.42:21"
#define BAD_HOST    "expected a name (other letters than Latin as xn--...), 192.0.2.1 or [2001:db8::1] as the host"
#define EVERY_HOST  "expected an address that can be asked: this one means every address of the machine"
#define BAD_PORT    "expected a port from 1 to 65535 behind the host"
#define BAD_PATH    "expected a path of letters, digits, '/', '-', '.', '_', '~', ':' and %XX"
#define NO_PATH     "expected nothing behind the host and its port: paths are in the messages"
#define BAD_REST    "expected a path and a query of the characters of a URL (RFC 3986), others as %XX"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool is_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    unsigned long port = n > 0 && n <= 5 ? strtoul(text, NULL, 10) : 0;
    return text[n] == '\0' && port >= 1 && port <= 65535;
}

static bool is_made_of(const char *text, const char *allowed)
{
    for (; *text != '\0'; text++)
        if (*text == '%') {
            if (strspn(text + 1, "0123456789abcdefABCDEF") < 2)
                return false;
        } else if (strchr(allowed, *text) == NULL)
            return false;
    return true;
}

/* Between the brackets. */
static const char *check_inet6(const char *host)
{
    struct in6_addr v6;
    static const unsigned char none[4] = {0};
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return BAD_HOST;
    bool is_every =
        IN6_IS_ADDR_UNSPECIFIED(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && memcmp(&v6.s6_addr[12], none, 4) == 0);
    return is_every ? EVERY_HOST : NULL;
}

/* A name, or four numbers: what ends in a number is an address in whatever spelling, and "0" is one (inet_aton(3)). */
static const char *check_name(const char *host)
{
    struct in_addr v4;
    if (host[strspn(host, ALNUM "-._")] != '\0' || host[0] == '.' || host[0] == '-' || strstr(host, "..") != NULL)
        return BAD_HOST;
    if (inet_aton(host, &v4) != 0 && v4.s_addr == 0)
        return EVERY_HOST;
    const char *dot = strrchr(host, '.'), *last = dot != NULL ? dot + 1 : host;
    if (*last != '\0' && last[strspn(last, "0123456789")] == '\0' && inet_pton(AF_INET, host, &v4) != 1)
        return BAD_HOST;
    return NULL;
}

static const char *check_authority(char *host)
{
    char *closing = strchr(host, ']');
    char *colon = strchr(host[0] == '[' && closing != NULL ? closing : host, ':');
    if (colon != NULL) {
        *colon = '\0';
        if (!is_port(colon + 1))
            return strchr(colon + 1, ':') != NULL ? BAD_HOST : BAD_PORT;
    }
    if (*host == '\0')
        return NO_HOST;
    if (*host != '[')
        return check_name(host);
    size_t n = strlen(host);
    if (host[n - 1] != ']')
        return BAD_HOST;
    host[n - 1] = '\0';
    return check_inet6(host + 1);
}

static const char *split(const char *text)
{
    return strncmp(text, "http://", 7) == 0 ? text + 7 : strncmp(text, "https://", 8) == 0 ? text + 8 : NULL;
}

/* Up to the end of the host; *rest is what stands behind it. */
static const char *check_front(struct arena *a, const char *text, const char *no_user, const char **rest)
{
    const char *host = split(text);
    if (host == NULL)
        return NO_SCHEME;
    size_t n = strcspn(host, "/?#");
    char *authority = arena_strndup(a, host, n);
    *rest = host + n;
    return strchr(authority, '@') != NULL ? no_user : check_authority(authority);
}

const char *url_mistake(struct arena *a, const char *text)
{
    const char *rest = NULL, *wrong = check_front(a, text, NO_USER, &rest);
    if (wrong != NULL)
        return wrong;
    if (strchr(rest, '#') != NULL)
        return NO_FRAGMENT;
    if (strchr(rest, '?') != NULL)
        return NO_QUERY;
    return is_made_of(rest, ALNUM "/-._~:") ? NULL : BAD_PATH;
}

const char *endpoint_mistake(struct arena *a, const char *text)
{
    const char *rest = NULL, *wrong = check_front(a, text, NO_SECRET, &rest);
    if (wrong != NULL)
        return wrong;
    if (strchr(rest, '#') != NULL)
        return NO_FRAGMENT;
    return is_made_of(rest, ALNUM "/?-._~:@!$&'()*+,;=") ? NULL : BAD_REST;
}

const char *ftp_mistake(struct arena *a, const char *text)
{
    if (strncmp(text, "ftp://", 6) != 0)
        return NO_FTP;
    size_t n = strcspn(text + 6, "/?#");
    char *authority = arena_strndup(a, text + 6, n);
    const char *rest = text + 6 + n;
    if (strchr(authority, '@') != NULL)
        return NO_SECRET;
    const char *wrong = check_authority(authority);
    return wrong != NULL || *rest == '\0' || strcmp(rest, "/") == 0 ? wrong : NO_PATH;
}
