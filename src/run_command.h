/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The daemon, and the check of everything it needs before it may run. Exit status: 0 good, 1 not, 2 wrong usage. */
#pragma once

int run_command(int argc, char **argv);
int check_command(int argc, char **argv);
