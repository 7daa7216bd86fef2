/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* `zapisd run`: the arguments and the configuration; the rest is the daemon (daemon.c). */
#include "run_command.h"

#include "daemon.h"
#include "file.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define CONFIG_DEFAULT "/etc/zapisd/zapisd.conf"

static enum err command_config(struct arena *a, const char *path, struct config *conf)
{
    const char *mistakes = NULL;
    struct error e = {0};
    enum err err = config_load(a, path, conf, &mistakes, &e);
    if (err == ERR_OK)
        return ERR_OK;
    (void)fprintf(stderr, "%s\n", mistakes != NULL && *mistakes != '\0' ? mistakes : e.detail);
    return err;
}

int run_command(int argc, char **argv)
{
    struct arena *a = arena_new();
    struct daemon *d = arena_alloc(a, sizeof *d);
    d->arena = a;
    d->config_path = CONFIG_DEFAULT;
    for (int i = 1; i < argc; i++) {
        if ((strcmp(argv[i], "--config") != 0 && strcmp(argv[i], "-c") != 0) || i + 1 == argc) {
            (void)fputs("usage: zapisd [run] [--config FILE]\n", stderr);
            arena_free(a);
            return 2;
        }
        d->config_path = argv[++i];
    }
    file_watch_begin(FILE_SLOW_S);
    if (command_config(a, d->config_path, &d->conf) != ERR_OK) {
        file_watch_end();
        arena_free(a);
        return 1;
    }
    d->written = d->conf;
    enum log_level level;
    if (log_level_parse(d->conf.log_level, &level))
        log_set_level(level);
    int status = daemon_run(d);
    arena_free(a);
    return status;
}
