/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#pragma once

/* An address, or a network of IPv6, for counting and taking turns. All zero: a unix socket. */
struct peer_key {
    unsigned char family;
    unsigned char address[8];
};
