/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#pragma once

/*
 * zapisd migrate [--config FILE | --conninfo STRING] [--sql-dir DIR] [--dry-run] [--demo]
 *
 * Brings the database to the schema this program expects, and says what it did. argv[0] is "migrate". Returns the exit
 * status: 0 all is applied, 1 something failed (nothing of the failing step is kept), 2 wrong usage or configuration.
 * crypto_init() must have been called.
 */
int migrate_command(int argc, char *argv[]);
