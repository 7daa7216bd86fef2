/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Runs xmllint (package libxml2-utils) over a text: a judge that shares no code of ours. Include it in one file. */
#pragma once

#include "arena.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define XMLLINT_OUTPUT_MAX (1 << 20)

/* Exit status of `xmllint options... FILE`, -1 when it did not run; *output gets both its streams. */
static int xmllint_run(struct arena *a, const char *text, const char *const *options, const char **output)
{
    char input[] = "/tmp/zapisd-test-in-XXXXXX", said[] = "/tmp/zapisd-test-out-XXXXXX";
    int in = mkstemp(input), out = mkstemp(said);
    const char *argv[8] = {"xmllint"};
    unsigned n = 1;
    for (; *options != NULL && n < 6; options++)
        argv[n++] = *options;
    argv[n] = input;

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    pid_t pid = -1;
    int status = -1;
    size_t size = strlen(text);
    if (in >= 0 && out >= 0 && write(in, text, size) == (ssize_t)size &&
        posix_spawnp(&pid, "xmllint", &actions, NULL, (char **)(uintptr_t)argv, environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);

    char *all = arena_alloc(a, XMLLINT_OUTPUT_MAX);
    if (pread(out, all, XMLLINT_OUTPUT_MAX - 1, 0) < 0)
        status = -1;
    close(in);
    close(out);
    unlink(input);
    unlink(said);
    *output = all;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether the text is valid by the schema; aborts when xmllint could not say. */
static inline bool xmllint_is_valid_by(struct arena *a, const char *path, const char *text)
{
    const char *said = "";
    int status = xmllint_run(a, text, (const char *const[]){"--noout", "--schema", path, NULL}, &said);
    if (status != 0 && status != 3) { /* 3: it does not validate */
        fprintf(stderr, "xmllint ended with %d: %s\n", status, said);
        abort();
    }
    return status == 0;
}

/* The same by SOURCE_DIR/schemas/<schema>. */
static inline bool xmllint_is_valid(struct arena *a, const char *schema, const char *text)
{
    return xmllint_is_valid_by(a, arena_printf(a, SOURCE_DIR "/schemas/%s", schema), text);
}
