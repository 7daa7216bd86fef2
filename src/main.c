/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Arguments to subcommands. The daemon itself is daemon.c. */
#include "crypto.h"
#include "dsig_command.h"
#include "exhausted.h"
#include "fault.h"
#include "log.h"
#include "migrate_command.h"
#include "run_command.h"
#include "xml.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(FILE *to)
{
    (void)fputs(
        "usage: zapisd [run] [--config FILE]\n"
        "       zapisd check [--config FILE] [--offline] [--online] [--only-fatal | --reload] [--user NAME]  (also: "
        "zapisd -t)\n"
        "       zapisd migrate [--config FILE | --conninfo TEXT] [--sql-dir DIR] [--dry-run] [--demo]\n"
        "       zapisd dsig verify [--no-chain] [--chain FILE] [--anchors FILE] [--crl FILE] [--allow-gost2001] "
        "FILE...\n"
        "       zapisd dsig sign --key FILE --cert FILE [--actor URI] FILE\n"
        "       zapisd dsig transform < FILE\n"
        "       zapisd --version | --help\n",
        to);
    return to == stdout ? 0 : 2;
}

static int version(void)
{
    (void)puts("zapisd " ZAPISD_VERSION ", schema " ZAPISD_NEWEST_MIGRATION);
#ifdef ZAPISD_FAULTS
    (void)puts("test build with fault points: not for use");
#endif
    return 0;
}

/* argv[0] of a subcommand is its own name. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", run_command},         {"check", check_command}, {"-t", check_command},
    {"migrate", migrate_command}, {"dsig", dsig_command},
};

static int main_dispatch(int argc, char **argv)
{
    if (argc < 2 || (argv[1][0] == '-' && strcmp(argv[1], "-t") != 0))
        return run_command(argc, argv);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "zapisd: no such command: %s\n", argv[1]);
    return usage(stderr);
}

int main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return usage(stdout);
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
        return version();
#ifdef ZAPISD_FAULTS
    if (argc > 1 && strcmp(argv[1], "--fault-points") == 0) {
        fault_list();
        return 0;
    }
    fault_init();
#endif
    exhausted_init();
    (void)mallopt(M_ARENA_MAX, 2);              /* what workers free goes back to where the loop takes it from */
    (void)mallopt(M_MMAP_THRESHOLD, 256 << 10); /* and what is large goes back to the system: glibc would raise it */
    log_init();
    struct error e = {0};
    if (crypto_init(&e) != ERR_OK) {
        (void)fprintf(stderr, "zapisd: %s\n", e.detail);
        return 1;
    }
    xml_init();
    int status = main_dispatch(argc, argv);
    xml_fini();
    crypto_fini();
    return status;
}
