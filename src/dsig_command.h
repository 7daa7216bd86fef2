/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* `zapisd dsig verify|sign|transform`: signatures at the operator's terminal. */
#pragma once

/*
 * argv[0] is the word dsig. Returns the exit status: 0 all good, 1 not all good, 2 wrong use. crypto_init() and
 * xml_init() were called.
 */
int dsig_command(int argc, char **argv);
