/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Addresses as the configuration has them: how far they reach, and which two get into each other's way. */
#include "config_table.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

struct inet {
    struct in6_addr address; /* of IPv4 the mapped one */
    bool is_v4;
    unsigned port;
};

/* A decimal number without sign, blank or further digits than five. */
static bool take_number(const char *text, unsigned least, unsigned most, unsigned *out)
{
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 5 || text[n] != '\0')
        return false;
    *out = (unsigned)strtoul(text, NULL, 10);
    return *out >= least && *out <= most;
}

static bool inet_read(const char *address, struct inet *out)
{
    char host[INET6_ADDRSTRLEN + 1];
    const char *colon = strrchr(address, ':');
    if (colon == NULL || !take_number(colon + 1, 1, 65535, &out->port))
        return false;
    out->is_v4 = address[0] != '[';
    if (!out->is_v4 && colon[-1] != ']')
        return false;
    const char *from = address + (out->is_v4 ? 0 : 1);
    if (colon - from < (out->is_v4 ? 1 : 2))
        return false;
    size_t n = (size_t)(colon - from) - (out->is_v4 ? 0 : 1);
    if (n >= sizeof host)
        return false;
    memcpy(host, from, n);
    host[n] = '\0';
    if (!out->is_v4)
        return inet_pton(AF_INET6, host, &out->address) == 1;
    memset(&out->address, 0, sizeof out->address);
    memset(&out->address.s6_addr[10], 0xFF, 2);
    return inet_pton(AF_INET, host, &out->address.s6_addr[12]) == 1;
}

enum address_scope address_scope(const char *address)
{
    unsigned fd;
    struct inet inet;
    if (strncmp(address, "unix:", 5) == 0) {
        size_t n = strlen(address + 5);
        return address[5] == '/' && n > 1 && n < sizeof((struct sockaddr_un *)0)->sun_path ? ADDRESS_LOCAL
                                                                                           : ADDRESS_BAD;
    }
    if (strncmp(address, "fd:", 3) == 0)
        return take_number(address + 3, 3, 65535, &fd) ? ADDRESS_HANDED_OVER : ADDRESS_BAD;
    if (!inet_read(address, &inet))
        return ADDRESS_BAD;
    bool is_loopback = inet.is_v4 ? inet.address.s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(&inet.address);
    return is_loopback ? ADDRESS_LOCAL : ADDRESS_PUBLIC;
}

/* [::] takes the port of IPv4 too; 0.0.0.0 of IPv4 alone. */
static bool is_every(const struct inet *x, const struct inet *y)
{
    static const unsigned char none[4] = {0};
    if (x->is_v4)
        return (y->is_v4 || IN6_IS_ADDR_V4MAPPED(&y->address)) && memcmp(&x->address.s6_addr[12], none, 4) == 0;
    return IN6_IS_ADDR_UNSPECIFIED(&x->address);
}

bool address_clashes(const char *x, const char *y)
{
    struct inet a, b;
    if (strcmp(x, y) == 0)
        return true;
    if (!inet_read(x, &a) || !inet_read(y, &b) || a.port != b.port)
        return false;
    return IN6_ARE_ADDR_EQUAL(&a.address, &b.address) || is_every(&a, &b) || is_every(&b, &a);
}
