/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What must be there before the daemon may run, looked at by `check` and by `run` and a reload alike, so that they can
 * never be of two minds. Everything that is found is a remark with the line of the configuration it is about.
 */
#pragma once

#include "config.h"
#include "crypto.h"
#include "request.h"
#include "tls_set.h"

struct remark {
    enum finding_level level;
    const char *about; /* "agency AAAA00001", "listener smev", "trust" */
    const char *at;    /* file:line; "" where there is none */
    const char *text;
    bool is_fatal; /* the daemon does not start with it, and a reload is not taken, */
    bool is_kept;  /* or it is, and what was there before goes on */
};

struct preparation {
    struct arena *arena; /* of the caller */
    const struct config *conf;
    struct keyring *keys;  /* NULL: fatal; the caller's reference */
    struct tls_set *tls;   /* without those that are fatal; the caller's reference */
    struct findings found; /* about the keyring and TLS: those of the remarks that change with time */
    struct remark *remarks;
    unsigned n, room;
    unsigned nfatal, nbad; /* bad ones include the fatal */
};

/* previous: see keyring_load(). Blocks; may run on a worker. */
void preparation_keys(struct preparation *p, const struct keyring *previous);
void preparation_files(struct preparation *p);    /* who else may read or write them */
void preparation_settings(struct preparation *p); /* those that change nothing */
void preparation_database(struct preparation *p); /* what can be seen without asking it */
void preparation_push(struct preparation *p);     /* after preparation_keys(): the ways to the portal */
void preparation_smev3(struct preparation *p);    /* likewise: the queues of SMEV 3 */
/* One finding of this party at least lets it serve. */
bool preparation_is_served(const struct preparation *p, enum finding_about about, const char *code);
/* A remark about a section that is a way out, at one of its keys. */
void preparation_way(struct preparation *p, const char *section, const char *name, const char *key,
                     enum finding_level level, const char *text);
/* What a filter of addresses must let through for a URL that config_load() has taken; "" for this machine. */
const char *preparation_filter_text(struct preparation *p, const char *url);
/* previous: of the listeners that run; NULL: none runs. Blocks; may run on a worker. */
void preparation_tls(struct preparation *p, const struct tls_set *previous);
void preparation_paths(struct preparation *p);     /* schemas and WSDL */
void preparation_addresses(struct preparation *p); /* tried, not taken */
void preparation_add(struct preparation *p, struct remark r);
const struct remark *preparation_fatal(const struct preparation *p); /* the first; NULL: there is none */
/*
 * Why a reload is refused as a whole; NULL: it is taken. Something is fatal, or nobody could be served where previous
 * serves somebody. previous NULL: a daemon that serves, of which no more is known.
 */
const char *preparation_refusal(const struct preparation *p, const struct keyring *previous);
/* Warnings and worse to the log. */
void preparation_log(const struct preparation *p);
/* Which key of a section is meant by a message that begins with the file it names; `otherwise` when it names none. */
const char *preparation_at(struct preparation *p, const char *section, const char *name, const char *text,
                           const char *const *keys, const char *const *files, unsigned n, const char *otherwise);
